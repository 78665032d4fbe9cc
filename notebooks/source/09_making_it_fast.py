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
# 90 minutes · all cells run in 100 seconds on two cores · after [lesson 05](05_resnet50.ipynb), and [01](01_stem.ipynb) for what a BN does · words: [glossary](glossary.ipynb#Speed)
#
# The same network, the same numbers, in less time: no layer is left out and no answer changes. **How much can be gained
# on your machine, and where does the time go?** The view begins by timing the network as given. Press *measure*: for a
# few seconds it and a faster one take turns. What makes it faster, and how to measure that, is this lesson.

# %%
from resnet_lib.exercises import Progress
from resnet_lib.explorers import SpeedExplorer

Progress("09", exercises=5)

# %%
SpeedExplorer(W=64)

# %% [markdown]
# 1. Press **measure** twice. How far apart are two measurements of the same thing?
# 2. Set the **batch** to 16 and measure. How many times as long does it take: sixteen times?
# 3. Set **threads** to 1 and measure. What did the other threads gain?
#
# <details><summary>Answers</summary>
#
# Your machine decides. Three things hold on nearly all: two measurements differ by some percent; sixteen pictures take
# less than sixteen times as long; and twice the threads are less than twice as fast.
# </details>
#
# <details><summary>At the end of this lesson you can …</summary>
#
# - time two things so that the comparison is fair, and say when a difference does not count,
# - say what limits a layer on your machine, arithmetic or memory, and draw its roofline,
# - derive how BN is folded into a convolution, write it, and prove it,
# - make your ResNet-50 faster step by step, without changing what it computes, and say what each step saved.
#
# Most of the running time is timing; close other programs meanwhile.
# </details>
#
# **What you have just seen.** A time is not a property of a network. It belongs to a network, a machine, a batch, a
# number of threads, and a moment. This lesson makes one change at a time, measures it in turns with what was before,
# and proves that the outputs stay equal.

# %%
import copy
import time

import torch
from IPython.display import display
from torch import nn

from resnet_lib import anatomy, resnet50
from resnet_lib.compare.proof import draw_norms
from resnet_lib.exercises import ask
from resnet_lib.experiments.training import FAST
from resnet_lib.speed.machine import abilities, compiler, measure
from resnet_lib.speed.timing import counter, timings
from resnet_lib.views import roofline, standing_table, time_bars

# FAST is set in the course's own tests: small pictures, few runs.
W, RUNS = (64, 3) if FAST else (224, 9)

# %% [markdown]
# ## 1 · Your machine
#
# The speed of a network depends on the machine, so this lesson quotes no times. You measure them. These are the
# features of your machine.

# %%
for sentence in abilities():
    print("-", sentence)

# %% [markdown]
# ResNet-50 with random weights is enough: a multiplication takes the same time for any numbers. Its BNs get values like
# those of a trained network, since a fresh BN changes almost nothing in `eval()`, and would hide a mistake.

# %%
_ = torch.manual_seed(0)
network = resnet50().eval()
with torch.no_grad():
    draw_norms(network)
x = torch.randn(1, 3, W, W)
costs = anatomy(network, W)
print(f"{costs.macs:,} MACs for one picture, so {costs.flops:,} FLOPs (2 × MACs)")

# %% [markdown]
# ## 2 · A fair timer
#
# Time one run. Run the cell several times, and write down the results.

# %%
start = time.perf_counter()
network(x)
print(f"{1000 * (time.perf_counter() - start):.0f} ms")

# %% [markdown]
# **What do you see?** Is the time the same in each run? Was the first one special?
#
# <details><summary>What you can see</summary>The times differ, often by a tenth and sometimes by far more, and the
# first tends to be the longest: memory is allocated, and the libraries choose their kernels. Later, other programs use
# the processor, and it changes its clock rate with the heat. No single one of these numbers is "the" time.</details>
#
# So a fair comparison of A and B needs three things:
#
# 1. **a warm-up**: one run of each that is not counted,
# 2. **alternating runs**: A, B, A, B, … and not first all A, then all B. A slow minute then affects both,
# 3. **many runs**, of which you report the **median** and the spread.
#
# ### Exercise 1 · write a fair timer
# ●● of ●●● · everything below depends on it · 15 minutes
#
# Write `fair(works, repeats)`. `works` is a dictionary name → function without arguments; return a dictionary name →
# list of `repeats` times in seconds. (The check uses its own works and clock, so it does not matter how busy your
# machine is.)
#
# <details><summary>Hint: in which order do I loop?</summary>The outer loop over the repeats, the inner one over the
# works.</details>
# <details><summary>Hint: how do I warm up?</summary>Call each work once before the loops, without timing it.
# </details>


# %% tags=["exercise"]
# Exercise 1: comparable times.
def fair(works, repeats):
    seconds = {name: [] for name in works}
    ...  # your code here: time.perf_counter() is the clock
    return seconds


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
# The library's `timings` does the same. In each round a different work begins, and it reports the spread: half of all
# runs are in the **middle half**.
#
# Now the first comparison: the same network and the same picture, run in four ways.
#
# - in training mode (`eval()` forgotten),
# - in `eval()`, with gradients (PyTorch keeps the values that a backward pass would need),
# - in `eval()` under `torch.no_grad()`,
# - in `eval()` under `torch.inference_mode()`, which also promises that no gradients will be needed later.
#
# Which do you expect to be the slowest? And **predict**:

# %%
ask("09.same")

# %%
training = copy.deepcopy(network).train()


def inference(network, x):
    with torch.inference_mode():
        return network(x)


modes = timings(
    {
        "eval(), inference_mode": lambda: inference(network, x),
        "eval(), no_grad": torch.no_grad()(lambda: network(x)),
        "eval(), with gradients": lambda: network(x),
        "train()": lambda: training(x),
    },
    RUNS,
    progress=counter(),
)
time_bars(modes)

# %% [markdown]
# Each bar is a median; the line across its end spans the middle half of the runs. **As fast** compares with the first
# line. **What do you see?** Which of the differences do you trust?
#
# <details><summary>What you can see</summary>
#
# - Where the lines of two bars overlap widely, you have not measured a difference. That is a result too. `no_grad` and
#   `inference_mode` save bookkeeping, which is little compared with 4 billion MACs.
# - Keeping everything for a backward pass costs mainly memory.
# - In training mode every BN has to compute the mean and the variance of its batch. That is more work. And the result
#   differs: training mode is a mistake here, whatever its time.
# </details>
#
# From here on everything runs in `eval()` under `inference_mode`, and "as given" is the network without any change.
#
# ## 3 · Two limits
#
# What decides how long the network takes? Two things have to happen: the multiplications, and the transport of the
# numbers from memory and back. Your machine has a limit for each.

# %%
machine = measure(RUNS, sizes=(256,) if FAST else (512, 1024, 2048), progress=counter())
print(machine)

# %% [markdown]
# The first limit is the speed of the best matrix product, the easiest work for a processor. (GFLOP/s are 10⁹ FLOPs per
# second, and 1 MAC counts as 2 FLOPs.) Several sizes were tried, and two libraries if available: the limit of one
# library need not be that of the machine. The second limit is how fast a large tensor is copied.
#
# A layer with many FLOPs for each byte that it moves is limited by arithmetic; a layer with few, by memory. This ratio,
# **FLOPs per byte**, is called the **arithmetic intensity**. The limits meet at the **ridge**:

# %%
print(f"{machine.peak / 1e9:,.0f} GFLOP/s / {machine.bandwidth / 1e9:,.1f} GB/s = {machine.ridge:.1f} FLOPs per byte")

# %% [markdown]
# An example is the 3×3 convolution of a block of Stage 1, with 64 input and 64 output channels, at W = 56. In float32 a
# number has 4 bytes.

# %%
macs = 64 * 64 * 3 * 3 * 56 * 56
numbers = 64 * 56 * 56 + 64 * 56 * 56 + 64 * 64 * 3 * 3  # the input, the output, the weights
print(f"{2 * macs:,} FLOPs / {4 * numbers:,} bytes = {2 * macs / (4 * numbers):.0f} FLOPs per byte")

# %% [markdown]
# The ReLU after it reads 64 · 56 · 56 numbers, writes the same number, and has no MACs at all: 0 FLOPs per byte. It can
# only be limited by memory.
#
# ### Exercise 2 · arithmetic or memory?
# ●● of ●●● · important · 15 minutes
#
# 1. Write `intensity`: it returns the FLOPs per byte of a convolution without bias for a whole batch, in float32. Each
#    number is moved once. A linear layer is a 1×1 convolution at W = 1.
# 2. Compare each of the layers below with `machine.ridge`, and say in `limits` what limits it on *your* machine:
#    `"arithmetic"` or `"memory"`.
#
# <details><summary>Hint: what does the batch change?</summary>It multiplies the FLOPs, the inputs and the outputs. The
# weights are read once for the whole batch.</details>
# <details><summary>Hint: my result is off by a factor of 2, or of 4</summary>FLOPs = 2 × MACs. A float32 has 4 bytes.
# </details>
# <details><summary>Hint: where do I use which W?</summary>The input is C × W × W, the output C_out × W_out × W_out, and
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
# Exercise 2: FLOPs per byte, and what limits each layer on this machine.
def intensity(C, C_out, k, W, W_out, batch):
    return ...  # your code here


limits = {
    "Stage 1, CONV 1×1": ...,  # "arithmetic" or "memory"
    "Stage 3, CONV 3×3": ...,
    "head, LINEAR, 1 picture": ...,
    "head, LINEAR, 64 pictures": ...,
    "Stage 0, CONV 7×7 /2": ...,
}


# %% tags=["solution"]
def intensity(C, C_out, k, W, W_out, batch):
    weights = C * C_out * k * k
    flops = 2 * weights * W_out * W_out * batch
    numbers = batch * (C * W * W + C_out * W_out * W_out) + weights
    return flops / (4 * numbers)


# Your machine may give other answers; here the function and the ridge decide.
limits = {name: "memory" if intensity(*layer) < machine.ridge else "arithmetic" for name, layer in layers.items()}

# %%
from resnet_lib.exercises import check_intensity, limit_question, predict

display(check_intensity(intensity))
asked = {name: limit_question(name, layer, machine.ridge) for name, layer in layers.items()}
predict(asked, limits, exercise="09.2")

# %% [markdown]
# Now the whole network, part by part. Each part is timed separately, on the output of the previous parts. Its bytes are
# the minimum that all of its steps read and write. **Predict:**

# %%
ask("09.head")

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
# **What do you see?** How far below the roof is each circle? Which one is far from the others?
#
# <details><summary>What you can see</summary>
#
# - The head is far to the left: for one picture each of its two million weights is read for a single MAC.
# - How near the others are to the roof depends on your machine. A circle far below it has room for improvement: time
#   that is not spent on necessary work.
# - A circle is an average. The convolutions in a stage have far more FLOPs per byte than the circle says, its BNs and
#   ReLUs far fewer.
# - A circle *above* the roof is possible: small maps stay in the processor's caches, which are faster than the measured
#   memory. And if another program was busy during one of the two measurements, the picture is wrong: measure again.
# </details>
#
# Where could the time go? Think of a block: CONV, BN, ReLU, CONV, BN, ReLU, CONV, BN, sum, ReLU. Only three of the ten
# steps have MACs. All of them read and write whole maps.
#
# ## 4 · Channels last
#
# A tensor of shape (1, C, H, W) is stored in memory as one long row of numbers. In which order? PyTorch's usual order
# is channel after channel. With **channels last** it is position after position: all channels of the first pixel, then
# all of the second. The shape stays the same, only the strides change.

# %%
small = torch.randn(1, 256, 56, 56)
print("usual         ", tuple(small.shape), "strides", small.stride())
last = small.contiguous(memory_format=torch.channels_last)
print("channels last ", tuple(last.shape), "strides", last.stride(), "equal:", torch.equal(small, last))

# %% [markdown]
# A convolution multiplies along the channels, for each position. With channels last those numbers are side by side, and
# a 1×1 convolution *is* a matrix product, without rearranging anything. Does it help on your machine?

# %%
channels_last = copy.deepcopy(network).to(memory_format=torch.channels_last)
wide = x.contiguous(memory_format=torch.channels_last)
works = {
    "as given": lambda: inference(network, x),
    "channels last": lambda: inference(channels_last, wide),
}
time_bars(timings(works, RUNS, progress=counter()))

# %% [markdown]
# ## 5 · BN, folded away
#
# In `eval()` the mean μ and variance σ² of a BN are known beforehand, from training, and its factor γ and offset β have
# been learnt. (ε = 0.00001 prevents division by zero.) For each channel it computes
#
# $$y = \gamma \cdot \frac{c - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta$$
#
# from the convolution's output c = w ∗ x + b, where w are its weights. (Here b = 0.) Insert c, with $s = \gamma /
# \sqrt{\sigma^2 + \varepsilon}$, one number per channel:
#
# $$y = s \cdot (w * x + b - \mu) + \beta = (s \cdot w) * x + \big( s \cdot (b - \mu) + \beta \big)$$
#
# That is a convolution again, with the weights **w' = s · w** and the bias **b' = s · (b − μ) + β**. So the BN can be
# computed into the weights, once and for all. This is not an approximation.
#
# ### Exercise 3 · fold a BN
# ●● of ●●● · the heart of the lesson · 15 minutes
#
# Write `my_fold(conv, bn)`: it returns the weight and the bias of the convolution that does both. `bn` has `weight`
# (γ), `bias` (β), `running_mean` (μ), `running_var` (σ²) and `eps` (ε), all except ε with one number per channel.
# `conv.weight` has the shape (C_out, C, k, k), and `conv.bias` is None or has one number per channel.
#
# <details><summary>Hint: a shape error when I multiply s and w</summary>s belongs to the <em>output</em> channels, the
# first dimension: <code>s.view(-1, 1, 1, 1)</code>, or <code>s[:, None, None, None]</code>.</details>
# <details><summary>Hint: nearly right, but not quite</summary>ε is under the root, added to the variance. And a
# variance is not a deviation.</details>


# %% tags=["exercise"]
# Exercise 3: weight and bias of one convolution that replaces convolution and BN.
def my_fold(conv, bn):
    weight = ...  # your code here
    bias = ...  # your code here
    return weight, bias


# %% tags=["solution"]
def my_fold(conv, bn):
    s = bn.weight / (bn.running_var + bn.eps).sqrt()
    weight = s.view(-1, 1, 1, 1) * conv.weight
    b = 0 if conv.bias is None else conv.bias
    bias = s * (b - bn.running_mean) + bn.bias
    return weight, bias


# %%
from torch.nn import functional as F

from resnet_lib.exercises import check_fold, yours

check_fold(my_fold, exercise="09.3")

# %%
conv, bn = nn.Conv2d(4, 4, 3, padding=1, bias=False).double(), nn.BatchNorm2d(4).double().eval()
picture = torch.randn(2, 4, 9, 9, dtype=torch.float64)
with torch.no_grad():
    draw_norms(bn)
    gap = (bn(conv(picture)) - F.conv2d(picture, *yours("my_fold")(conv, bn), padding=1)).abs().max().item()
print(f"largest difference {gap:.1e}")

# %% [markdown]
# Equal, up to the last digits of float64. (The two ways round at different places, so do not expect exactly 0.)
#
# `fold` does this to a whole network. First it records the network as a **graph**: every step, and its inputs. Here is
# one block, before and after.

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
# Not a single MAC is saved. **Predict** what is:

# %%
ask("09.saved")

# %%
from resnet_lib.speed.roofline import works as work_of

print(f"{'':8}{'MB before':>12}{'MB folded and joined':>24}")
for a, b in zip(work_of(network, x), work_of(network, x, joined=True), strict=True):
    print(f"{a.name:8}{a.bytes / 1e6:12.1f}{b.bytes / 1e6:24.1f}")

# %% [markdown]
# (The second column is folded, and with sum and ReLU joined, which is the next step.)
#
# ## 6 · Sum and ReLU, joined
#
# The same idea works for the ReLU. A convolution computes a value and writes it to memory; the ReLU reads it, cuts it
# off, and writes it again. Why not cut it off before it is first written? The same holds for the sum: add the
# shortcut's value while the result is still in the processor.
#
# These steps cannot be computed into the weights, since a ReLU is not linear. They need convolutions that can do them.
# oneDNN, the library that PyTorch uses on most processors, has such convolutions.
#
# ### Exercise 4 · count the steps
# ● of ●●● · worth doing · 5 minutes
#
# How many steps does a block have left, once every BN is folded and every sum and ReLU is joined to the convolution
# before it? And the whole network? Put whole numbers into `steps`. The cell also prints a question about MACs; its answer
# goes into `own`.
#
# <details><summary>Hint: which steps remain?</summary>The convolutions; and in the network every step that is not a BN,
# a ReLU or a sum: look at Stage 0 and at the head.</details>

# %% tags=["exercise"]
# Exercise 4: the remaining steps.
from resnet_lib.exercises import ask_own

steps = {
    "BTNK2": ...,
    "BTNK1": ...,
    "ResNet-50": ...,
}
me = ""  # in a course: your name, as in the name of the file that you hand in; otherwise leave it empty
ask_own("09", me)
own = ...

# %% tags=["solution"]
steps = {
    "BTNK2": 3,
    "BTNK1": 4,
    "ResNet-50": 1 + 1 + 4 * 4 + 12 * 3 + 3,  # Stage 0's convolution and pooling, the blocks, the head
}
me = ""  # in a course: your name, as in the name of the file that you hand in; otherwise leave it empty
own = 9 * 256 * 128 * 56 * 56

# %%
from resnet_lib.exercises import steps_question

predict({part: steps_question(part) for part in ("BTNK2", "BTNK1", "ResNet-50")}, steps, exercise="09.4")

# %%
from resnet_lib.exercises import check_own

check_own("09", me, own)

# %% [markdown]
# `join` does this, after `fold`, and its graph has that number of steps.

# %%
from resnet_lib.speed.onednn import can_join

folded_last = fold(network).to(memory_format=torch.channels_last)
JOINS = can_join()
joined = join(copy.deepcopy(folded_last), wide) if JOINS else folded_last
if JOINS:
    print(f"{len(joined.graph.nodes) - 2} steps, without input and output")
else:
    print("This machine's torch has no oneDNN: here and below, “joined” means folded with channels last.")

# %% [markdown]
# Everything so far, in alternating runs:

# %%
works = {
    "as given": lambda: inference(network, x),
    "channels last": lambda: inference(channels_last, wide),
    "BN folded": lambda: inference(folded, x),
    "BN folded, channels last": lambda: inference(folded_last, wide),
    "and sum and ReLU joined": lambda: inference(joined, wide),
}
due = inference(network, x)
for name, work in works.items():
    off = (work() - due).abs().max() / due.abs().max()
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
# <details><summary>What you can see</summary>
#
# - To the right: the same FLOPs for fewer bytes, so the intensity is higher. This holds on every machine that can join
#   sums and ReLUs; it follows from the arithmetic.
# - And up, if it helped: more FLOPs per second. How far up depends on your machine.
# - The head does not move to the right: nothing in it could be joined. If it moved up or down, two measurements of the
#   same work differ by that much, or a cache still held its weights.
# </details>
#
# Where is the remaining time lost? The last column of the table shows it for each part. The usual suspects are:
#
# - Stage 0, whose convolution has only C = 3 channels to multiply along,
# - edges: 7 × 7 positions do not divide evenly among a processor's units,
# - the pooling, which has no MACs at all,
# - threads that wait for one another at the end of each of 57 steps,
# - the weights: for a single picture each weight of Stage 4 is used at 49 positions, and then never again.
#
# ## 7 · More pictures at once
#
# You can avoid the last of these. In a **batch** the weights are read once for all pictures. Measure how much that
# helps.
#
# ### Exercise 5 · the best batch
# ● of ●●● · worth doing · 10 minutes
#
# `by_batch` holds the timings of the fast network for several batches. Which batch gives the most **pictures per
# second**? Write `pictures_a_second(batch, timing)`, where `timing.median` is in seconds, and find `best_batch` with
# it.
#
# <details><summary>Hint: it says "you took the shortest run"</summary>A batch of 1 always takes the least time. Divide.
# </details>

# %%
batches = (1, 2, 4) if FAST else (1, 2, 4, 8, 16)
pictures = {n: torch.randn(n, 3, W, W).contiguous(memory_format=torch.channels_last) for n in batches}
works = {n: lambda n=n: inference(joined, pictures[n]) for n in batches}
by_batch = timings(works, 3 if FAST else 5, progress=counter())


# %% tags=["exercise"]
# Exercise 5: pictures per second, and the batch with the most of them.
def pictures_a_second(batch, timing):
    return ...  # your code here


best_batch = ...  # your code here


# %% tags=["solution"]
def pictures_a_second(batch, timing):
    return batch / timing.median


best_batch = max(by_batch, key=lambda batch: pictures_a_second(batch, by_batch[batch]))

# %%
from resnet_lib.exercises import batch_question, check_pictures_a_second

display(check_pictures_a_second(pictures_a_second))
predict(batch_question(by_batch), best_batch, exercise="09.5")

# %% [markdown]
# **What do you see?** What is the cost of a larger batch, whatever it gains?
#
# <details><summary>What you can see</summary>The waiting time. A batch is finished only when all of its pictures
# are. If a person waits for the answer, the time of one picture counts (<em>latency</em>); if a million pictures have
# to be done by tomorrow, pictures per second count (<em>throughput</em>). Where the middle halves of two batches
# overlap, either may be better. And above some batch size the maps no longer fit into the processor's caches, which can
# undo the gain and more.</details>
#
# So it can pay to split a large batch: sixteen pictures as sixteen batches of one, or four of four. `fast`, in section
# 11, tries that too.
#
# **Threads.** With more than one core the work of a step is divided. But two of a machine's "cores" are often halves of
# one: two *hyperthreads* share one core's units for multiplication. How much faster are all threads than one?

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
# **What do you see?** Do twice the threads take half the time?
#
# <details><summary>What you can see</summary>Rarely quite. All threads share one memory, some of them may share a
# core, and after each step the fastest waits for the slowest. More threads than there are free cores can even be
# slower: one thread that has to wait for a core holds up all the others.</details>
#
# ## 8 · Half the bits
#
# A float32 has 32 bits: a sign, 8 for the exponent, 23 for the digits. A **bfloat16** has 16: it keeps the whole range,
# and 7 bits for the digits. That is half the bytes to move, and some processors have units that multiply bfloat16 much
# faster. Others have to emulate it. **Measure before you believe it.**

# %%
# Smaller matrices and fewer runs: where bfloat16 is emulated this could take long.
machine16 = measure(3, sizes=(256,) if FAST else (512, 1024), dtype=torch.bfloat16, progress=counter())
print(machine)
print(machine16)

# %% [markdown]
# What does it gain in the network, and not only in a matrix product? And what does it cost in precision? **Predict:**

# %%
ask("09.half")

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
# **What do you see?** Compare the difference with that of the previous steps. And did the network gain as much as the
# matrix product?
#
# <details><summary>What you can see</summary>All previous steps only changed the order of the same arithmetic. This
# step rounds every number to two or three decimal digits, and the logits are off by about as much: thousands of times
# more than before. To classify a photograph that is often still good enough, but the result is different, and you
# should say so. Without units for bfloat16 it is slower as well.</details>
#
# ## 9 · A compiler
#
# `torch.compile` reads what the network does, writes a program for it, and has it compiled. It finds the same
# improvements that you have found: it folds, joins, and reorders the weights. (`freezing` tells it that the weights are
# constants.) It needs a C++ compiler and some patience: about a minute for ResNet-50, once.

# %%
works = {"as given": lambda: inference(network, x), "joined by hand": lambda: inference(joined, wide)}
if compiler():
    # In a test, one block of the network is enough.
    whole, given = (network.stage1[1], torch.randn(1, 256, 14, 14)) if FAST else (network, x)
    compiled = torch.compile(copy.deepcopy(whole).to(memory_format=torch.channels_last), options={"freezing": True})
    start = time.perf_counter()
    try:
        out = inference(compiled, given.contiguous(memory_format=torch.channels_last))
    except Exception as error:
        print(f"Compiling failed; only the time is lost: {type(error).__name__}")
    else:
        print(f"the first run, compiling included: {time.perf_counter() - start:.0f} s")
        due = inference(whole, given)
        print(f"relative difference {((out - due).abs().max() / due.abs().max()).item():.1e}")
        if not FAST:
            works["compiled"] = lambda: inference(compiled, wide)
else:
    print("This step is skipped here: the list in section 1 says why. Section 6 does nearly the same.")
time_bars(timings(works, RUNS, progress=counter()))

# %% [markdown]
# **What do you see?** If you have a compiler: does it gain anything over your steps by hand? After how many pictures
# has it made up for its first minute?
#
# <details><summary>How to answer the last question</summary>Divide the seconds of the first run by the seconds that it
# saves per picture compared with “joined by hand”. If the two middle halves overlap, the answer may be:
# never.</details>
#
# ## 10 · A GPU
#
# If there is a GPU, the network runs on it. A GPU works asynchronously while Python runs ahead, so before you stop the
# clock you must wait for it: `torch.cuda.synchronize()`. Forgetting that is the most common mistake in timing GPUs.
# `timings` does it for you.

# %%
if torch.cuda.is_available():
    there = copy.deepcopy(folded_last).cuda()
    on_gpu = wide.cuda()
    works = {"as given": lambda: inference(network, x), "on the GPU": lambda: inference(there, on_gpu)}
    due, got = inference(network, x), inference(there, on_gpu).cpu()
    print(f"relative difference {((got - due).abs().max() / due.abs().max()).item():.1e}")
    display(time_bars(timings(works, RUNS, progress=counter())))
else:
    print("No GPU that torch can use here. Nothing else in this lesson needs one.")

# %% [markdown]
# ## 11 · All steps together: `fast`
#
# The library has all of this in one function. It tries the variants on your machine, in alternating runs, keeps the
# fastest, proves that its outputs do not change, and reports what it did.

# %%
from resnet_lib.speed.fast import fast

quick = fast(network, size=W, repeats=RUNS)
quick

# %% [markdown]
# `fast` accepts any network: your own from lesson 05, and trained ones. Here it gets the course's small trained network
# and the bundled photographs. The proof that counts in practice: are its answers the same?

# %%
from resnet_lib.photos import PHOTOS, photo
from resnet_lib.weights import load

thin = load("thin")
photographs = torch.cat([thin.checkpoint.to_input(photo(name)) for name in PHOTOS])
quick_thin = fast(thin, photographs, repeats=RUNS, progress=None)
a, b = (torch.softmax(n(photographs), 1).detach() for n in (thin, quick_thin))
for name, p, q in zip(PHOTOS, a, b, strict=True):
    i, j = p.argmax().item(), q.argmax().item()
    print(f"{name:9} {thin.checkpoint.classes[i]} {p[i]:.4%}, and fast: {thin.checkpoint.classes[j]} {q[j]:.4%}")
assert torch.equal(a.argmax(1), b.argmax(1))
print(quick_thin)

# %% [markdown]
# ## 12 · Play with it
#
# Choose the steps, and measure. Your measurements stay in the table. Say what you expect first:
#
# 1. **sum and ReLU joined** at batch 1 and at batch 8: which gains more over "as given"?
# 2. W = 64 and W = 224: about twelve times the MACs. Twelve times the time?
# 3. One thread and all of them, at W = 64: is it worth dividing this little work?
# 4. At which batch, if any, does bfloat16 pay on your machine?

# %%
explorer = SpeedExplorer(network, repeats=RUNS)
explorer

# %% [markdown]
# <details><summary>What to expect</summary>
#
# Your table is the answer; these are only possible reasons.
#
# 1. With a batch the maps are larger than the caches, so each trip to memory that joining saves was longer.
# 2. Hardly. Small maps use the processor less well, and each step has a fixed cost.
# 3. Dividing the work and waiting for the other threads costs the same few microseconds for each step, however small it
#    is.
# 4. It depends on the units. The weights take half the bytes in any case.
# </details>
#
# ## 13 · Common mistakes
#
# - **The larger the batch, the better.** Only while its maps fit into caches. Measure.
# - **One timing, or the first one.** Warm up, alternate, take the median, report the spread.
# - **`eval()` forgotten.** Slower, and a different result. A faster network with another result is not faster.
# - **Folding in training mode.** BN then uses each batch's own statistics. `fold_bn` raises an error.
# - **Folding a BN that does not follow its convolution directly**, or a convolution whose result is used elsewhere too.
#   `fold` checks the graph and leaves those as they are.
# - **Training a folded network.** Its BNs are gone. Fold a copy, and keep the original.
# - **Comparing with a tolerance of 0.** Another order of the same sums rounds differently. State a tolerance, and
#   measure the difference.
# - **MACs mixed up with time.** Neither folding, joining nor channels last saves a single MAC.
# - **The clock stopped before the GPU has finished.** Synchronise first.
#
# ## Summary
#
# - Time in alternating runs, after a warm-up, many times; report medians and spreads.
# - A step has two costs, FLOPs and bytes. Their ratio, compared with your machine's ridge, says which one limits the
#   step.
# - BN in `eval()` folds into the convolution: w' = s · w, b' = s · (b − μ) + β, with s = γ / √(σ² + ε). Exact.
# - Sums and ReLUs join the convolutions: 175 steps become 57, and far fewer bytes are moved.
# - Batch, threads and number formats depend on the machine and on what you need: measure.
# - `fast(network)` does all of it and proves that the result is the same.
#
# ## Recall
#
# 1. Why should you time two things in alternating runs to compare them?
# <details><summary>Answer</summary>A machine is slower at some times than at others. In alternating runs this affects
# both; one after the other it affects only one.</details>
#
# 2. What do w' and b' become when a BN with γ = 2, β = 1, μ = 3, σ² + ε = 4 is folded into a convolution without bias?
# <details><summary>Answer</summary>s = 2 / √4 = 1, so w' = w and b' = 1 · (0 − 3) + 1 = −2.</details>
#
# 3. Folding BN saves no MACs. What does it save?
# <details><summary>Answer</summary>A trip through memory: BN reads every value and writes it again. Its few
# multiplications are not in our count.</details>
#
# 4. Why can a ReLU not be folded into the weights, and what is done instead?
# <details><summary>Answer</summary>It is not linear. The convolution itself applies it to each value, before the value
# is written.</details>
#
# 5. A layer has 5 FLOPs per byte, and your machine's ridge is at 12. Would a processor with twice the GFLOP/s help?
# <details><summary>Answer</summary>No. Memory is the limit; fewer bytes would help, for instance a larger batch for a
# linear layer, or bfloat16.</details>
#
# 6. Why does the linear layer of the head gain so much from a batch?
# <details><summary>Answer</summary>For one picture every weight is read for one MAC. In a batch it is read once for all
# pictures.</details>
#
# ## What comes next
#
# You can build the network, prove it, look into it, and make it fast. What remains is to design a network yourself:
# within a given budget of parameters and MACs, trained and explained by you.

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
# - Before the four ways to run: "Which order, and which of the differences would you trust?"
# - Before folding: "How many MACs does it save?" None. "Then why is it faster, if it is?"
# - Before bfloat16: "Half the bits, half the time?" Let each student answer with their own machine.
#
# ### What they may think
#
# - *Fewer MACs, less time.* Folding, joining and channels last do not save a single MAC.
# - *A larger batch is always better.* Compare two machines in the class.
# - *One timing is a measurement.* If a student reports one number, ask for the middle half.
#
# ### On the projector
#
# The roofline of your own machine, then a student's beside it. Ask which circles moved, and where the ridge is. Close other
# programs first; laptops on the mains.
#
# The grader judges the functions of exercises 2 and 5. The `limits` and the `best_batch` belong to the student's own
# machine: it shows them to you, and gives no points for them.
