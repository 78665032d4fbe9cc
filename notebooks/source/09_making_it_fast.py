# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 09 · Making it fast
#
# **At the end of this lesson you can**
# - time two things so that the comparison is fair, and say when a difference is none,
# - say what limits a layer on your machine, arithmetic or memory, and draw its roofline,
# - derive how BN is folded into a convolution, write it, and prove it,
# - make your ResNet-50 faster step by step, without changing what it computes, and say what each step saved.
#
# **You need** lesson 05: the whole network, MACs, and the habit of proving. Lesson 01 for what a BN does.
#
# **Time:** about 90 minutes to work through. Running every cell takes about 300 seconds on a slow laptop, most of it
# timing; close other programs while it does.
#
# **A new word?** The [glossary](glossary.ipynb) has it, most of this lesson's under
# [Speed](glossary.ipynb#Speed).

# %%
import copy
import time

import torch
from IPython.display import display
from torch import nn

from resnet_lib import anatomy, resnet50
from resnet_lib.exercises import Progress
from resnet_lib.experiments.training import FAST
from resnet_lib.speed.machine import abilities, compiler, measure
from resnet_lib.speed.timing import counter, timings
from resnet_lib.views import roofline, standing_table, time_bars

# FAST is set in the course's own tests: small pictures, few runs.
W, RUNS = (64, 3) if FAST else (224, 9)
Progress("09", exercises=5)

# %% [markdown]
# ## 1 · Your machine
#
# How fast a network is depends on what it runs on, so this lesson has no numbers of its own. You measure them. Here is
# what your machine has to offer.

# %%
for sentence in abilities():
    print("-", sentence)

# %% [markdown]
# ResNet-50 with random weights will do: a multiplication takes as long whatever the numbers are. Its BNs get values as a
# trained network might have, as in lesson 05. A fresh BN changes nothing in `eval()`, and a mistake there would go
# unnoticed.

# %%
_ = torch.manual_seed(0)


def stir(module):
    """Give every BN of the module values as a trained one might have."""
    for m in module.modules():
        if isinstance(m, nn.BatchNorm2d):
            nn.init.uniform_(m.weight, 0.5, 1.5)
            nn.init.uniform_(m.bias, -0.5, 0.5)
            nn.init.uniform_(m.running_mean, -0.5, 0.5)
            nn.init.uniform_(m.running_var, 0.5, 1.5)
    return module


network = stir(resnet50()).eval()
x = torch.randn(1, 3, W, W)
costs = anatomy(network, W)
print(f"{costs.macs:,} MACs for one picture, so {costs.flops:,} FLOPs (2 × MACs)")

# %% [markdown]
# ## 2 · A fair timer
#
# Take the time of one run. Run the cell several times, and write down what you get.

# %%
start = time.perf_counter()
network(x)
print(f"{1000 * (time.perf_counter() - start):.0f} ms")

# %% [markdown]
# **What do you see?** Is it the same each time? Was the first one special?
#
# <details><summary>What there is to see</summary>The times differ, often by a tenth and sometimes by far more, and the
# first tends to be the longest: memory is asked for, and the libraries choose their kernels. Later, other programs want
# the processor, and it changes its clock with the heat. No single one of these numbers is "the" time.</details>
#
# So a fair comparison of A and B needs three things:
#
# 1. **a warm-up**: one run of each that does not count,
# 2. **turns**: A, B, A, B, … and not first all A, then all B. A slow minute then hits both,
# 3. **many runs**, of which you take the **median**, and say how far they spread.
#
# ### Exercise 1 · write a fair timer
# ●● of ●●● · everything below stands on it · 15 minutes
#
# `works` is a dictionary name → function without arguments. Give back a dictionary name → list of `repeats` times in
# seconds. (The check brings works and a clock of its own. So it does not matter how busy your machine is, and you need
# not wait.)
#
# <details><summary>Hint: in which order do I loop?</summary>The outer loop over the repeats, the inner one over the
# works.</details>
# <details><summary>Hint: how do I warm up?</summary>Call each work once before the loops, and do not look at the clock.
# </details>


# %% tags=["exercise"]
# Exercise 1: times that can be compared.
def fair(works, repeats):
    seconds = {name: [] for name in works}
    # your code here: time.perf_counter() is the clock
    return seconds


raise NotImplementedError("Exercise 1: fill in fair, then remove this line")


# %% tags=["solution"]
def fair(works, repeats):
    seconds = {name: [] for name in works}
    for work in works.values():  # the warm-up
        work()
    for _ in range(repeats):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - start)
    return seconds


# %%
from resnet_lib.exercises import check_fair

check_fair(fair, exercise="09.1")

# %% [markdown]
# The library's `timings` does the same. In each round another work begins, and it can tell the spread: half of all runs
# lie in the **middle half**.
#
# Now the first comparison. The same network, the same picture, asked in four ways.
#
# **Predict** their order, from slow to fast:
#
# - in training mode (someone forgot `eval()`),
# - in `eval()`, with gradients (PyTorch keeps what a backward pass would need),
# - in `eval()` under `torch.no_grad()`,
# - in `eval()` under `torch.inference_mode()`, which also promises never to ask for gradients later.

# %%
training = copy.deepcopy(network).train()


def quietly(network, x):
    with torch.no_grad():
        return network(x)


def inference(network, x):
    with torch.inference_mode():
        return network(x)


modes = timings(
    {
        "eval(), no_grad": lambda: quietly(network, x),
        "eval(), inference_mode": lambda: inference(network, x),
        "eval(), with gradients": lambda: network(x),
        "train()": lambda: training(x),
    },
    RUNS, progress=counter(),
)  # fmt: skip
time_bars(modes)

# %% [markdown]
# **What do you see?** Each bar is a median. The line across its end spans the middle half of the runs. Which of the
# differences would you believe?
#
# <details><summary>What there is to see</summary>
#
# - Where the lines of two bars overlap widely, you have measured no difference. That is a result too. `no_grad` and
#   `inference_mode` save bookkeeping, which is little beside 4 billion MACs.
# - Keeping everything for a backward pass costs memory first of all.
# - In training mode every BN has to compute the mean and the variance of its batch. That is more work. And the result is
#   another one: this is a mistake, whatever its time.
# </details>
#
# From here on "as given" means `eval()` under `no_grad`.
#
# ## 3 · Two limits
#
# Why does it take as long as it does? Two things have to happen: the multiplications, and the transport of the numbers
# from memory and back. Your machine has a limit for each.

# %%
machine = measure(RUNS, sizes=(256,) if FAST else (512, 1024, 2048), progress=counter())
print(machine)

# %% [markdown]
# The first limit is what the best matrix product reaches, the easiest work there is for a processor. (GFLOP/s are 10⁹
# FLOPs a second, and 1 MAC counts as 2 FLOPs.) Several sizes were tried, and two libraries where there are two: a limit
# of one library need not be one of the machine. The second is how fast a large tensor is copied.
#
# A layer with many FLOPs for each byte that it moves is limited by arithmetic; one with few, by memory. That quotient,
# **FLOPs a byte**, is called the **arithmetic intensity**. The limits meet at the **ridge**:

# %%
print(f"{machine.peak / 1e9:,.0f} GFLOP/s / {machine.bandwidth / 1e9:,.1f} GB/s = {machine.ridge:.1f} FLOPs a byte")

# %% [markdown]
# For example the 3×3 convolution of a block of Stage 1, C = 64 in and out, at W = 56. In float32 a number has 4 bytes.

# %%
macs = 64 * 64 * 3 * 3 * 56 * 56
numbers = 64 * 56 * 56 + 64 * 56 * 56 + 64 * 64 * 3 * 3  # the input, the output, the weights
print(f"{2 * macs:,} FLOPs / {4 * numbers:,} bytes = {2 * macs / (4 * numbers):.0f} FLOPs a byte")

# %% [markdown]
# And the ReLU after it reads and writes 64 · 56 · 56 numbers each and has no MACs at all: 0 FLOPs a byte. It can only be
# limited by memory.
#
# ### Exercise 2 · arithmetic or memory?
# ●● of ●●● · important · 15 minutes
#
# 1. Write `intensity`: FLOPs a byte of a convolution without bias for a whole batch, in float32. Each number is moved
#    once. A linear layer is a 1×1 convolution at W = 1.
# 2. With it and with `machine.ridge`, say what limits each of the layers on *your* machine: `"arithmetic"` or
#    `"memory"`.
#
# <details><summary>Hint: what does the batch change?</summary>The FLOPs, the inputs and the outputs are as many times
# more. The weights are read once for the whole batch.</details>
# <details><summary>Hint: mine is off by a factor of 2, or of 4</summary>FLOPs = 2 × MACs. A float32 has 4 bytes.
# </details>
# <details><summary>Hint: which W for which?</summary>The input is C × W × W, the output C_out × W_out × W_out, and
# there is one dot product for each number of the <em>output</em>.</details>

# %%
layers = {  # name: (C, C_out, k, W, W_out, batch)
    "Stage 1, CONV 1×1": (64, 256, 1, 56, 56, 1),
    "Stage 3, CONV 3×3": (256, 256, 3, 14, 14, 1),
    "head, LINEAR, 1 picture": (2048, 1000, 1, 1, 1, 1),
    "head, LINEAR, 64 pictures": (2048, 1000, 1, 1, 1, 64),
    "Stage 0, CONV 7×7 /2": (3, 64, 7, 224, 112, 1),
}


# %% tags=["exercise"]
# Exercise 2: FLOPs a byte, and what limits each layer on this machine.
def intensity(C, C_out, k, W, W_out, batch):
    return None  # your code here


limits = {
    "Stage 1, CONV 1×1": None,  # "arithmetic" or "memory"
    "Stage 3, CONV 3×3": None,
    "head, LINEAR, 1 picture": None,
    "head, LINEAR, 64 pictures": None,
    "Stage 0, CONV 7×7 /2": None,
}
raise NotImplementedError("Exercise 2: fill in intensity and limits, then remove this line")


# %% tags=["solution"]
def intensity(C, C_out, k, W, W_out, batch):
    weights = C * C_out * k * k
    flops = 2 * weights * W_out * W_out * batch
    numbers = batch * (C * W * W + C_out * W_out * W_out) + weights
    return flops / (4 * numbers)


# On your machine it may come out differently; here the function and the ridge are asked.
limits = {name: "memory" if intensity(*layer) < machine.ridge else "arithmetic" for name, layer in layers.items()}

# %%
from resnet_lib.exercises import check_intensity, limit_question, predict

display(check_intensity(intensity))
asked = [limit_question(name, layer, machine.ridge) for name, layer in layers.items()]
predict(asked, [limits.get(name) for name in layers], exercise="09.2")

# %% [markdown]
# Now the whole network, part by part. Each part is timed on its own, on what the parts before it give. Its bytes are
# those that all of its steps read and write at least.

# %%
from resnet_lib.speed.roofline import standings

before = standings(network, x, repeats=RUNS, progress=counter())
standing_table(machine, before)

# %%
roofline(machine, before)

# %% [markdown]
# This picture is called a **roofline** (Williams, Waterman, Patterson, 2009). The black line is the roof: nothing can be
# above it for long. Left of the ridge memory is the limit, right of it arithmetic. Each circle is a part of the network:
# 0 to 4 for the stages, h for the head.
#
# **What do you see?** How far below the roof is each of them? Which one stands apart?
#
# <details><summary>What there is to see</summary>
#
# - The head stands far to the left: for one picture each of its two million weights is read for a single MAC.
# - How near the others come to the roof is your machine's own answer. A circle far below it is room: time that is not
#   spent on what has to be done.
# - A circle is an average. The convolutions in a stage have far more FLOPs a byte than it says, its BNs and ReLUs far
#   fewer.
# - Both axes are logarithmic. One step of the grid is a factor of 2 or more.
# - A circle *above* the roof is possible: small maps stay in the processor's caches, which are faster than the memory
#   that was measured. And if another program was busy during one of the two measurements, the picture is off: measure
#   again.
# </details>
#
# What could take the time? Think of a block: CONV, BN, ReLU, CONV, BN, ReLU, CONV, BN, sum, ReLU. Only three of the ten
# steps have MACs. All of them read and write whole maps.
#
# ## 4 · Channels last
#
# A tensor of shape (1, C, H, W) lies in memory as one long row of numbers. In which order? PyTorch's usual one is channel
# after channel. With **channels last** it is place after place: all channels of the first pixel, then all of the second.
# The shape stays the same, only the strides change.

# %%
small = torch.randn(1, 256, 56, 56)
print("usual         ", tuple(small.shape), "strides", small.stride())
last = small.contiguous(memory_format=torch.channels_last)
print("channels last ", tuple(last.shape), "strides", last.stride(), "equal:", torch.equal(small, last))

# %% [markdown]
# A convolution multiplies along the channels, for each place. With channels last those numbers lie side by side, and a
# 1×1 convolution *is* a matrix product, as it lies there. **Predict:** does it help on your machine?

# %%
channels_last = copy.deepcopy(network).to(memory_format=torch.channels_last)
wide = x.contiguous(memory_format=torch.channels_last)
works = {
    "as given": lambda: quietly(network, x),
    "channels last": lambda: inference(channels_last, wide),
}
time_bars(timings(works, RUNS, progress=counter()))

# %% [markdown]
# ## 5 · BN, folded away
#
# In `eval()` a BN knows its mean μ and variance σ² beforehand, from training, and its factor γ and offset β have been
# learnt. (ε = 0.00001 keeps it from dividing by zero.) For each channel it computes
#
# $$y = \gamma \cdot \frac{c - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta$$
#
# from what the convolution gives, c = W ∗ x + b. (Here b = 0.) With $s = \gamma / \sqrt{\sigma^2 + \varepsilon}$, one
# number a channel, put c in:
#
# $$y = s \cdot (W * x + b - \mu) + \beta = (s \cdot W) * x + \big( s \cdot (b - \mu) + \beta \big)$$
#
# That is a convolution again, with **W' = s · W** and the bias **b' = s · (b − μ) + β**. So the BN can be computed into
# the weights, once and for all. It is no approximation. Two linear functions, one after the other, are one.
#
# ### Exercise 3 · fold a BN
# ●● of ●●● · the heart of the lesson · 15 minutes
#
# Write `my_fold(conv, bn)`: the weight and the bias of the convolution that does both. `bn` has `weight` (γ), `bias` (β),
# `running_mean` (μ), `running_var` (σ²) and `eps` (ε), each but ε with one number a channel. `conv.weight` has the shape
# (C_out, C, k, k), and `conv.bias` is None or has one number a channel.
#
# <details><summary>Hint: a shape error when I multiply s and W</summary>s belongs to the <em>output</em> channels, the
# first dimension: <code>s.view(-1, 1, 1, 1)</code>, or <code>s[:, None, None, None]</code>.</details>
# <details><summary>Hint: nearly right, but not quite</summary>ε stands under the root, beside the variance. And a
# variance is not yet a deviation.</details>


# %% tags=["exercise"]
# Exercise 3: weight and bias of one convolution in place of convolution and BN.
def my_fold(conv, bn):
    weight = conv.weight  # your code here
    bias = bn.bias  # your code here
    return weight, bias


raise NotImplementedError("Exercise 3: fill in my_fold, then remove this line")


# %% tags=["solution"]
def my_fold(conv, bn):
    s = bn.weight / (bn.running_var + bn.eps).sqrt()
    weight = s.view(-1, 1, 1, 1) * conv.weight
    b = 0 if conv.bias is None else conv.bias
    bias = s * (b - bn.running_mean) + bn.bias
    return weight, bias


# %%
from torch.nn import functional as F

from resnet_lib.exercises import check_fold

check_fold(my_fold, exercise="09.3")

# %%
conv, bn = nn.Conv2d(4, 4, 3, padding=1, bias=False).double(), stir(nn.BatchNorm2d(4)).double().eval()
picture = torch.randn(2, 4, 9, 9, dtype=torch.float64)
with torch.no_grad():
    gap = (bn(conv(picture)) - F.conv2d(picture, *my_fold(conv, bn), padding=1)).abs().max().item()
print(f"largest difference {gap:.1e}")

# %% [markdown]
# Equal, up to the last digits of float64. (The two ways round off at different places, so exactly 0 cannot be expected.)
#
# `fold` does this to a whole network. It writes the network down as a **graph** first: every step, and what it is given.
# Here is one block, before and after.

# %%
from resnet_lib.speed.fast import as_graph, fold, join

block = network.stage1[1]
print("before:", as_graph(block).code)
print("after:", fold(block).code)

# %%
folded = fold(network)
with torch.no_grad():
    due, got = network(x), folded(x)
print(f"steps: {len(as_graph(network).graph.nodes) - 2} before, {len(folded.graph.nodes) - 2} after")
off = ((due - got).abs().max() / due.abs().max()).item()
print(f"largest difference of the logits, relative to the largest logit: {off:.1e}")

# %% [markdown]
# Not one MAC is saved: BN has none in our count. **Predict:** what is saved, and does it take less time?

# %%
from resnet_lib.speed.roofline import works as work_of

print(f"{'':8}{'MB before':>12}{'MB folded and joined':>24}")
for a, b in zip(work_of(network, x), work_of(network, x, joined=True), strict=True):
    print(f"{a.name:8}{a.bytes / 1e6:12.1f}{b.bytes / 1e6:24.1f}")

# %% [markdown]
# The second column already shows the next step.
#
# ## 6 · Sum and ReLU, joined
#
# The same idea for the ReLU. A convolution computes a value, writes it to memory; the ReLU reads it, cuts it off, writes
# it again. Why not cut it off before it is written the first time? And the sum: add the shortcut's value while the
# result is still at hand.
#
# These cannot be computed into the weights, since a ReLU is not linear. It needs convolutions that can do it. oneDNN, the
# library that PyTorch uses on most processors, has them.
#
# ### Exercise 4 · count the steps
# ● of ●●● · worth doing · 5 minutes
#
# How many steps remain of a block, once every BN is folded and every sum and ReLU is joined to the convolution before
# it? How many of the whole network?
#
# <details><summary>Hint: what is left?</summary>The convolutions; and in the network what is neither BN nor ReLU nor sum:
# look at Stage 0 and at the head.</details>

# %% tags=["exercise"]
# Exercise 4: steps that remain.
steps = {
    "BTNK2": None,
    "BTNK1": None,
    "ResNet-50": None,
}
raise NotImplementedError("Exercise 4: replace each None with a number, then remove this line")

# %% tags=["solution"]
steps = {
    "BTNK2": 3,
    "BTNK1": 4,
    "ResNet-50": 1 + 1 + 4 * 4 + 12 * 3 + 3,  # Stage 0's convolution and pooling, the blocks, the head
}

# %%
from resnet_lib.exercises import steps_question

parts = ["BTNK2", "BTNK1", "ResNet-50"]
predict([steps_question(part) for part in parts], [steps.get(part) for part in parts], exercise="09.4")

# %% [markdown]
# `join` does it, after `fold`, and its graph says the same number.

# %%
from resnet_lib.speed.onednn import can_join

folded_last = fold(network).to(memory_format=torch.channels_last)
JOINS = can_join()
joined = join(copy.deepcopy(folded_last), wide) if JOINS else folded_last
if JOINS:
    print(f"{len(joined.graph.nodes) - 2} steps, without input and output")
else:
    print("This machine's torch has no oneDNN: here and below, “joined” stands for folded with channels last.")

# %% [markdown]
# All that we have so far, in turns:

# %%
works = {
    "as given": lambda: quietly(network, x),
    "channels last": lambda: inference(channels_last, wide),
    "BN folded": lambda: inference(folded, x),
    "BN folded, channels last": lambda: inference(folded_last, wide),
    "and sum and ReLU joined": lambda: inference(joined, wide),
}
with torch.no_grad():
    due = network(x)
for name, work in works.items():
    off = ((work() if name == "as given" else work().clone()) - due).abs().max() / due.abs().max()
    print(f"{name:26} relative difference {off:.1e}")
    assert off < 1e-4
time_bars(timings(works, RUNS, progress=counter()))

# %%
after = standings(network, x, joined=JOINS, repeats=RUNS, progress=counter())
roofline(machine, before, after)

# %%
standing_table(machine, after)

# %% [markdown]
# **What do you see?** Open circles are before, filled ones after. In which direction did they move, and why?
#
# <details><summary>What there is to see</summary>
#
# - To the right: the same FLOPs for fewer bytes, so the intensity is higher. This holds on every machine where sums and
#   ReLUs could be joined; it is arithmetic.
# - And up, if it was of use: more FLOPs a second. How far is your machine's own answer.
# - The head does not move to the right: nothing in it could be joined. If it moved up or down, that is how far two
#   measurements of the same work can differ, or a cache that still held its weights.
# </details>
#
# What is the rest lost to? The last column of the table says it by part. Some usual suspects: Stage 0, whose convolution
# has only C = 3 channels to multiply along. Edges: 7 × 7 places do not divide evenly among a processor's units. The
# pooling, which has no MACs at all. Threads that wait for one another at the end of each of 57 steps. And the weights:
# for a single picture each weight of Stage 4 is used at 49 places, and then never again.
#
# ## 7 · More at once
#
# The last of these can be helped. In a **batch** the weights are read once for all pictures. How much it helps is for
# you to find out.
#
# ### Exercise 5 · the best batch
# ● of ●●● · worth doing · 10 minutes
#
# `by_batch` holds the timings of the fast network for several batches. Which batch gives the most **pictures a
# second**? Write `pictures_a_second(batch, timing)`, where `timing.median` is in seconds, and find `best_batch` with it.
#
# <details><summary>Hint: it says "you took the shortest run"</summary>A batch of 1 always takes the least time. Divide.
# </details>

# %%
batches = (1, 2, 4) if FAST else (1, 2, 4, 8, 16)
pictures = {n: torch.randn(n, 3, W, W).contiguous(memory_format=torch.channels_last) for n in batches}
works = {n: lambda n=n: inference(joined, pictures[n]) for n in batches}
by_batch = timings(works, 3 if FAST else 5, progress=counter())


# %% tags=["exercise"]
# Exercise 5: pictures a second, and the batch with the most of them.
def pictures_a_second(batch, timing):
    return None  # your code here


best_batch = None  # your code here
raise NotImplementedError("Exercise 5: fill in pictures_a_second and best_batch, then remove this line")


# %% tags=["solution"]
def pictures_a_second(batch, timing):
    return batch / timing.median


best_batch = max(by_batch, key=lambda batch: pictures_a_second(batch, by_batch[batch]))

# %%
from resnet_lib.exercises import batch_question, check_pictures_a_second

display(check_pictures_a_second(pictures_a_second))
predict(batch_question(by_batch), best_batch, exercise="09.5")

# %% [markdown]
# **What do you see?** What does a larger batch cost, whatever it gains?
#
# <details><summary>What there is to see</summary>The wait. A batch is finished only when all of its pictures are. If a
# person waits for the answer, the time of one picture counts (<em>latency</em>); if a million pictures have to be done
# by tomorrow, pictures a second do (<em>throughput</em>). Where the middle halves of two batches overlap, either may be
# the better one. And from some batch on the maps no longer fit into the processor's caches, which can undo the gain
# and more.</details>
#
# So a large batch can be worth cutting: sixteen pictures as sixteen batches of one, or four of four. `fast`, which you
# will meet below, tries that too.
#
# **Threads.** With more than one core the work of a step is divided. But a machine's "cores" are often two half ones:
# two *hyperthreads* share one core's units for multiplication. **Predict:** how much faster are all threads than one?

# %%
cores = torch.get_num_threads()


def with_threads(n):
    torch.set_num_threads(n)
    try:
        inference(joined, wide)
    finally:
        torch.set_num_threads(cores)


counts = sorted({1, 2, cores // 2 or 1, cores})
works = {f"{n} thread{'s' * (n > 1)}": lambda n=n: with_threads(n) for n in counts}
time_bars(timings(works, RUNS, progress=counter()))

# %% [markdown]
# **What do you see?** Twice the threads: half the time?
#
# <details><summary>What there is to see</summary>Rarely quite. All threads share one memory, some of them may share a
# core, and after each step the fastest waits for the slowest. More threads than there are free cores can even be slower:
# one thread that has to queue for a core holds up all the others.</details>
#
# ## 8 · Half the bits
#
# A float32 has 32 bits: a sign, 8 for the exponent, 23 for the digits. A **bfloat16** has 16: it keeps the whole range,
# and 7 bits for the digits. Half the bytes to move, and some processors have units that multiply them much faster. Others
# have to imitate them. **Measure before you believe.**

# %%
# Smaller matrices and fewer runs: where bfloat16 is imitated this could take long.
machine16 = measure(3, sizes=(256,) if FAST else (512, 1024), dtype=torch.bfloat16, progress=counter())
print(machine)
print(machine16)

# %% [markdown]
# What does it cost in precision? And what does it bring, in the network and not only in a matrix product?

# %%
half = fold(network).to(torch.bfloat16, memory_format=torch.channels_last)
half = join(half, wide.bfloat16()) if can_join(torch.bfloat16) else half
with torch.no_grad():
    due = network(x)
off = ((inference(half, wide.bfloat16()).float() - due).abs().max() / due.abs().max()).item()
print(f"relative difference of the logits: {off:.1e}")
works = {
    "float32": lambda: inference(joined, wide),
    "bfloat16": lambda: inference(half, wide.bfloat16()),
}
time_bars(timings(works, min(RUNS, 5), progress=counter()))

# %% [markdown]
# **What do you see?** Compare the difference with that of the steps before. And did the network gain as much as the
# matrix product?
#
# <details><summary>What there is to see</summary>All steps before only changed the order of the same arithmetic. This
# one rounds every number to two or three decimal digits, and the logits are off by about as much: that is thousands of
# times more than before. For naming a photograph that is often still good enough, but it is another result, and you
# should say so. Without units for bfloat16 it is slower as well.</details>
#
# ## 9 · A compiler
#
# `torch.compile` reads what the network does, writes a program for it, and has it compiled. It finds the same things
# that you have found: it folds, joins, and puts the weights in order. (`freezing` tells it that the weights are
# constants.) It needs a C++ compiler, and it needs patience: about a minute for ResNet-50, once.

# %%
works = {"as given": lambda: quietly(network, x), "joined by hand": lambda: inference(joined, wide)}
if compiler():
    # In a test, one block of the network has to do.
    whole, given = (network.stage1[1], torch.randn(1, 256, 14, 14)) if FAST else (network, x)
    compiled = torch.compile(copy.deepcopy(whole).to(memory_format=torch.channels_last), options={"freezing": True})
    start = time.perf_counter()
    try:
        out = inference(compiled, given.contiguous(memory_format=torch.channels_last))
    except Exception as error:
        print(f"Compiling failed, and nothing is lost but the time: {type(error).__name__}")
    else:
        print(f"the first run, compiling included: {time.perf_counter() - start:.0f} s")
        due = quietly(whole, given)
        print(f"relative difference {((out - due).abs().max() / due.abs().max()).item():.1e}")
        if not FAST:
            works["compiled"] = lambda: inference(compiled, wide)
else:
    print("This step is left out here: the list of section 1 says why. Section 6 does nearly all that it would do.")
time_bars(timings(works, RUNS, progress=counter()))

# %% [markdown]
# **What do you see?** If you have a compiler: is there anything left for it to gain over what you did by hand? After how
# many pictures has it earned its first minute back?
#
# <details><summary>How to answer the last one</summary>Divide the seconds of the first run by the seconds that each
# picture is faster than “joined by hand”. If the two middle halves overlap, the answer may be: never.</details>
#
# ## 10 · A GPU
#
# If there is one, the network goes there and back. A GPU works on while Python runs ahead, so a clock must wait for it:
# `torch.cuda.synchronize()`. Forgetting that is the most common mistake in timing GPUs. `timings` does it.

# %%
if torch.cuda.is_available():
    there = copy.deepcopy(folded_last).cuda()
    on_gpu = wide.cuda()
    works = {"as given": lambda: quietly(network, x), "on the GPU": lambda: inference(there, on_gpu)}
    due, got = quietly(network, x), inference(there, on_gpu).cpu()
    print(f"relative difference {((got - due).abs().max() / due.abs().max()).item():.1e}")
    display(time_bars(timings(works, RUNS, progress=counter())))
else:
    print("No GPU that torch can use here. Nothing else in this lesson needs one.")

# %% [markdown]
# ## 11 · All of it: `fast`
#
# The library has this in one function. It tries the ways on your machine, in turns, keeps the fastest, proves that it
# computes the same, and says what it did.

# %%
from resnet_lib.speed.fast import fast

quick = fast(network, size=W, repeats=RUNS)
quick

# %% [markdown]
# It takes any network: your own one of lesson 05, and trained ones. Here the small trained one of lesson 07, on the
# bundled photographs. The proof that counts for those who use it: does it say the same?

# %%
from resnet_lib.photos import PHOTOS, photo, to_input
from resnet_lib.weights import load

thin = load("thin")
photographs = torch.cat([to_input(photo(name), thin.checkpoint.size) for name in PHOTOS])
quick_thin = fast(thin, photographs, repeats=RUNS, progress=None)
a, b = (torch.softmax(n(photographs), 1).detach() for n in (thin, quick_thin))
for name, p, q in zip(PHOTOS, a, b, strict=True):
    i, j = p.argmax().item(), q.argmax().item()
    print(f"{name:8} {thin.checkpoint.classes[i]} {p[i]:.4%}, and fast: {thin.checkpoint.classes[j]} {q[j]:.4%}")
assert torch.equal(a.argmax(1), b.argmax(1))
print(quick_thin)

# %% [markdown]
# How it is done is short enough to read: `fold_bn` is your exercise 3, with its refusals.

# %%
import inspect

from resnet_lib.speed.fast import fold_bn

print(inspect.getsource(fold_bn))

# %% [markdown]
# ## 12 · Play with it
#
# Choose what is done, and measure. The network as given runs in turns with it, at the same settings. What you measured
# stays in the table. Predict first:
#
# 1. **sum and ReLU joined** at batch 1 and at batch 8: which gains more over "as given"?
# 2. W = 64 and W = 224: about twelve times as many MACs. Twelve times the time?
# 3. One thread and all of them, at W = 64: is it worth dividing so little work?
# 4. In bfloat16: at which batch, if at any, does it pay on your machine?

# %%
from resnet_lib.explorers import SpeedExplorer

# %%
explorer = SpeedExplorer(network, repeats=RUNS)
explorer

# %% [markdown]
# <details><summary>What to expect</summary>
#
# Your table is the answer; these are only the reasons to look for.
#
# 1. With a batch the maps are larger than the caches, so the trips to memory that joining saves were longer ones.
# 2. Hardly. Small maps use the processor less well, and each step has a fixed cost of its own.
# 3. Dividing work and waiting for each other costs the same few microseconds for each of the steps, however small they
#    are.
# 4. It depends on the units. The weights are half as many bytes in any case.
# </details>
#
# ## 13 · Common mistakes
#
# - **The larger the batch, the better.** Only while its maps fit into caches. Measure.
# - **One timing, or the first one.** Warm up, take turns, take the median, tell the spread.
# - **`eval()` forgotten.** Slower, and a different result. A faster network with another result is not faster.
# - **Folding in training mode.** BN then takes each batch's own statistics. `fold_bn` refuses.
# - **Folding a BN that does not follow its convolution directly**, or a convolution whose result is used elsewhere too.
#   `fold` looks at the graph and leaves those as they are.
# - **Training a folded network.** Its BNs are gone. Fold a copy, and keep the original.
# - **Comparing with a tolerance of 0.** Another order of the same sums rounds elsewhere. State a tolerance, and measure
#   the difference.
# - **MACs mixed up with time.** Folding and joining save not one MAC, and channels last neither.
# - **A GPU's clock stopped too early.** Synchronise first.
#
# ## Summary
#
# - Time in turns, after a warm-up, many times; medians and spreads.
# - A step has two costs, FLOPs and bytes. Their quotient, against your machine's ridge, says which one limits it.
# - BN in `eval()` folds into the convolution: W' = s · W, b' = s · (b − μ) + β, with s = γ / √(σ² + ε). Exact.
# - Sums and ReLUs join the convolutions: 175 steps become 57, and far fewer bytes are moved.
# - Batch, threads and number formats depend on the machine and on what you need: measure.
# - `fast(network)` does all of it and proves that the result is the same.
#
# ## Recall
#
# 1. Why must two things that are to be compared be timed in turns?
# <details><summary>Answer</summary>A machine is slower at some times than at others. In turns this hits both; one after
# the other it hits one of them.</details>
#
# 2. What do W' and b' become when a BN with γ = 2, β = 1, μ = 3, σ² + ε = 4 is folded into a convolution without bias?
# <details><summary>Answer</summary>s = 2 / √4 = 1, so W' = W and b' = 1 · (0 − 3) + 1 = −2.</details>
#
# 3. Folding BN saves no MACs. What does it save?
# <details><summary>Answer</summary>A trip through memory: BN read every value and wrote it again. Its few
# multiplications are not in our count.</details>
#
# 4. Why can a ReLU not be folded into the weights, and what is done instead?
# <details><summary>Answer</summary>It is not linear. It is done to each value by the convolution itself, before the value
# is written.</details>
#
# 5. A layer has 5 FLOPs a byte, and your machine's ridge is at 12. Would a processor with twice the GFLOP/s help?
# <details><summary>Answer</summary>No. Memory is the limit there; fewer bytes would help, for instance a larger batch
# for a linear layer, or bfloat16.</details>
#
# 6. Why does the linear layer of the head gain so much from a batch?
# <details><summary>Answer</summary>For one picture every weight is read for one MAC. In a batch it is read once for all
# pictures.</details>
#
# ## What comes next
#
# You can build the network, prove it, look into it, and make it fast. What remains is to design one yourself: within a
# budget of parameters and MACs that somebody gives you, trained and explained by you.

# %% [markdown] tags=["instructor"]
# ### Minute by minute
#
# | minutes | what |
# | --- | --- |
# | 5 | Sections 1 and 2 up to the exercise |
# | 15 | Exercise 1 |
# | 10 | Section 3: two limits, the ridge on the board |
# | 15 | Exercise 2 |
# | 5 | Section 4 |
# | 15 | Exercise 3 |
# | 5 | Exercise 4 |
# | 10 | Exercise 5 |
# | 10 | Sections 8 to 13, recall |
#
# ### Ask before you show
#
# - Before the four ways to ask: "Which order, and which of the differences would you believe?"
# - Before folding: "How many MACs does it save?" None. "Then why is it faster, if it is?"
# - Before bfloat16: "Half the bits, half the time?" Let each machine in the room answer for itself.
#
# ### What they may think
#
# - *Fewer MACs, less time.* Folding, joining and channels last save not one.
# - *A larger batch is always better.* Compare two machines of the room.
# - *One timing is a measurement.* Whoever reports one number is asked for the middle half.
#
# ### On the projector
#
# The roofline of your own machine, then a student's beside it. Ask which circles moved, and where the ridge is. Close other
# programs first; laptops on the mains.
#
# The grader holds the `limits` of exercise 2 against the ridge of the machine that it runs on. Typed in for a student's
# own machine they may differ there: ask for limits computed from `intensity` and `machine.ridge`.
