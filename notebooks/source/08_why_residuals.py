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
# # 08 · Why residuals
#
# 120 minutes · all cells run in 450 seconds on two cores · after [lesson 05](05_resnet50.ipynb); [06](06_published_weights.ipynb) helps with trained weights · words: [glossary](glossary.ipynb#Training-and-comparing)
#
# Two networks with the same layers, the same first weights and the same pictures. One adds x after every block, the
# other does not. **What reaches the last block, and what comes back to the first?** Nothing is trained yet: drag first.

# %%
from resnet_lib.exercises import Progress
from resnet_lib.explorers import DepthExplorer

Progress("08", exercises=5)

# %%
DepthExplorer(50)

# %% [markdown]
# 1. Read the chart **back** from right to left. By what factor does each of the two gradients grow on its way?
# 2. Choose 18 **layers**, then 101. Which of the two curves does depth change more?
# 3. Look at the third chart. Which of the two summands is larger in the last block, x or F(x)?
#
# <details><summary>Answers</summary>
#
# 1. Nearly two-thousandfold in the plain network, fortyfold in the residual one. (A *gradient* says how much the loss
#    changes when a number changes a little; training follows it.)
# 2. The plain one: every further block multiplies the gradient again.
# 3. x, which carries the sum of all previous blocks.
# </details>
#
# <details><summary>At the end of this lesson you can …</summary>
#
# - show with your own experiment that a deep plain network trains worse than a shallow one, and that adding x fixes it,
# - distinguish degradation from overfitting,
# - say how signal and gradient change through 50, 152 or 302 layers, with and without x,
# - start every block as its shortcut, say why that should be a good start, and measure whether it is,
# - take a block out of a trained network, predict what that costs, and look at its loss landscape.
#
# The running time is that of two cores, and nearly all of it is training, which you can stop at any time and resume
# later. After section 4 (75 minutes) is a good place for a break.
# </details>
#
# **What you have just seen.** A deep plain network is not wrong. It is hard to train, and what reaches its first layers
# says why. This lesson measures that, trains both twins, and takes blocks out of them.

# %%
import math
from dataclasses import replace

import torch

from resnet_lib import anatomy
from resnet_lib.exercises import ask
from resnet_lib.experiments import runs_folder, seeded
from resnet_lib.experiments.tasks import photographs
from resnet_lib.experiments.training import FAST, Recipe
from resnet_lib.experiments.twins import BASE, DEPTHS, PAIRS, blocks, concatenated, plain_and_residual, twins

# %% [markdown]
# ## 1 · A puzzle
#
# You add 75 more layers to a trained network of 26 layers. Can the deeper network be *worse on the pictures it is
# trained on*?
#
# It need not be. If every new layer passes its input on unchanged, the deep network computes the same as the shallow
# one. So among all possible weights of the deep network there are some that are just as good. Training only has to find
# them, or better ones.
#
# In practice training does not. The paper's Figure 1 (2015) shows a plain network of 56 layers that is worse than one
# of 20, **on the training pictures**. So it is not overfitting. The deeper network is simply harder to train. The paper
# calls this **degradation**, and the block that you have built is its answer.
#
# ## 2 · Twins
#
# A fair comparison changes one thing. `twins` makes two networks with the same layers and parameters, which start with
# the same weights, to the last bit. In one, every block computes ReLU(F(x) + x), in the other ReLU(F(x)).
#
# Where the shape changes, BTNK1 has a projection G, and G has weights that the plain twin would lack. So here the
# shortcut is the paper's option A: every S-th pixel of x, and zeros for the missing channels. It has no parameters.

# %%
plain, residual = seeded(0, twins, blocks=DEPTHS[50], base=BASE, num_classes=20)
for name, network in (("plain", plain), ("residual", residual)):
    found = anatomy(network, 32)
    print(f"{name:9} {found.parameters:,} parameters, {found.macs:,} MACs for 32 × 32 pixels")
equal = [torch.equal(a, b) for a, b in zip(plain.parameters(), residual.parameters(), strict=True)]
print("weights equal to the last bit:", all(equal))

# %% [markdown]
# This is all that is new: `NoSum` replaces the sum in the plain twin, `Padded` the projections in the residual one.

# %%
import inspect

from resnet_lib.experiments import twins as plain_module

print(inspect.getsource(plain_module.NoSum))
print(inspect.getsource(plain_module.Padded))

# %% [markdown]
# ### Exercise 1 · the plain block
# ● of ●●● · worth doing · 5 minutes
#
# Write `plain_block(block, x)`: it returns the output of a bottleneck's plain twin, computed with the bottleneck's own
# steps (`block.conv1`, `block.bn1`, `block.relu1`, … `block.bn3`, `block.relu3`).
#
# <details><summary>Hint: what do I keep, and what do I leave out?</summary>Keep all of F, and the last ReLU. Leave out
# only the sum.</details>
# <details><summary>Hint: my result has negative values</summary>A block ends in a ReLU, plain or not.</details>


# %% tags=["exercise"]
# Exercise 1: the block without its shortcut.
def plain_block(block, x):
    return ...  # your code here


# %% tags=["solution"]
def plain_block(block, x):
    f = block.relu1(block.bn1(block.conv1(x)))
    f = block.relu2(block.bn2(block.conv2(f)))
    return block.relu3(block.bn3(block.conv3(f)))


# %%
from resnet_lib.exercises import check_plain_block

check_plain_block(plain_block, exercise="08.1")

# %% [markdown]
# ## 3 · Forward and back, before any training
#
# To learn, a network needs a signal that runs forward through all layers, and a gradient that runs back through all
# layers. If either is lost on the way, nothing can be learnt. The explorer at the top sends one batch of 64 pieces of
# photographs through two *untrained* twins, once forward and once back. Its charts, block by block:
#
# - **forward**: the variance of the block's output. BN brings every signal to the same variance, so the plain curve is
#   flat.
# - **back**: the norm of the gradient of the loss with respect to the block's output. The scale is logarithmic, so a
#   straight line means that every block *multiplies*. Most books say that in deep plain networks the gradient
#   *vanishes*. With BN it **explodes**: BN undoes how a layer scales the signal, and nothing undoes how it scales the
#   gradient (Yang et al., "A Mean Field Theory of Batch Normalization", arXiv 1902.08129).
# - **what is added**: in the residual twin, the variance of x and that of F(x). F(x) always leaves its BN with variance
#   1, and x carries the sum of all previous blocks. The deeper the block, the smaller the share of F(x).
#
# (The drops at Stages 2, 3 and 4 come from the padded shortcut: half of its output channels are zeros.)
#
# ### Why the sum helps
#
# Write one block as y = x + F(x), leaving out the ReLU for a moment. The chain rule gives
#
# $$\frac{\partial L}{\partial x} = \frac{\partial L}{\partial y}\left(1 + \frac{\partial F}{\partial x}\right).$$
#
# The **1** passes the gradient on unchanged, whatever F does. Over many blocks the product of all (1 + F′) contains the
# term 1 · 1 · … · 1: a path from the loss to the first layer on which nothing is multiplied. A plain network has only
# the product of all F′: every factor counts.
#
# ### Exercise 2 · the factor of one block
# ●● of ●●● · important · 15 minutes
#
# `found` is a list, one entry per block, from the first to the last; `found[i].gradient` is the norm of the gradient at
# that block's output. Write `factor(found)`: it returns by how much, on average, **one** block multiplies the gradient
# that passes through it. Use the geometric mean: n equal factors with the same product.
#
# Then let `predicted` be the first block's gradient in the plain network of 152 layers. Use the factor measured at 50
# layers, and of `measured["plain", 152]` only its length and its last block's gradient.
#
# <details><summary>Hint: how many factors are there?</summary>Between n blocks there are n − 1 steps. 16 blocks make 15
# factors.</details>
# <details><summary>Hint: my factor is below 1</summary>The gradient runs from the last block to the first: the last
# block's gradient goes in, the first block's comes out.</details>
# <details><summary>Hint: nearly the solution</summary>Divide the first gradient by the last, and take the (n − 1)-th
# root.</details>

# %%
from resnet_lib.experiments.signals import batch, signals, untrained_twins

pictures, labels = batch()
measured = {}
for depth in (50, 152):
    for name, network in zip(("plain", "residual"), untrained_twins(DEPTHS[depth]), strict=True):
        measured[name, depth] = signals(network, pictures, labels)


# %% tags=["exercise"]
# Exercise 2: the mean factor by which one block multiplies the gradient.
def factor(found):
    return ...  # your code here


predicted = ...  # the first block's gradient, plain, 152 layers, from factor(measured["plain", 50])


# %% tags=["solution"]
def factor(found):
    return (found[0].gradient / found[-1].gradient) ** (1 / (len(found) - 1))


plain_152 = measured["plain", 152]
predicted = plain_152[-1].gradient * factor(measured["plain", 50]) ** (len(plain_152) - 1)

# %%
from IPython.display import display

from resnet_lib.exercises import check_factor, check_forecast, yours

display(check_factor(factor))
check_forecast(predicted, measured["plain", 50], measured["plain", 152], exercise="08.2")

# %%
mean_factor = yours("factor")
for (name, depth), found in measured.items():
    print(f"{name:9} {depth:4} layers: one block multiplies the gradient by {mean_factor(found):.2f}")

# %% [markdown]
# **What do you see?** Is the factor the same at both depths? Is your prediction of the right order?
#
# <details><summary>What you can see</summary>
#
# The plain factor hardly depends on the depth: it is about 1.6 or 1.7 each time. That is what *exponential* means: one
# number measured at 50 layers predicts what happens at 152, where 49 such factors make some 10¹⁰. The residual factor
# is closer to 1, and even closer with depth, because each block's F becomes a smaller part of its output.
# </details>
#
# So where is the vanishing gradient of the books? The next explorer has no BN. **Predict** what becomes of the signals:

# %%
ask("08.bn")

# %%
DepthExplorer(50, bn=False)

# %% [markdown]
# **What do you see?** Then choose **Xavier**, which draws smaller weights than He. Which twin does that help, and which
# does it harm?
#
# <details><summary>What you can see</summary>
#
# - Without BN the *plain* signal becomes weaker with every block, and so does the gradient: that is the vanishing
#   gradient. The *residual* signal explodes: each block adds an F(x) with half the variance of x or more, so the
#   variance is multiplied block by block.
# - With Xavier's smaller weights F(x) is small compared with x: the residual twin is nearly the identity, and its
#   curves stay within a factor of ten. The plain twin loses its signal at once.
# </details>
#
# One learning rate has to suit all layers. If it suits the last block of the plain twin with BN, it is far too large for
# the gradient of the first. That should be hard to train. Is it?
#
# ## 4 · The experiment
#
# The task needs no internet. A piece is cut out of one of the five photographs and rotated by 0, 90, 180 or 270
# degrees: which photograph is it, and how is it rotated? That makes 20 classes. Training pieces come from the left
# halves, test pieces from the right halves.

# %%
task, recipe = photographs(), Recipe(epochs=4, batch=64, peak=0.02)
if FAST:  # set by the course's own tests, which only check that every cell runs
    task, recipe = task.first(128), replace(recipe, epochs=1)

print(", ".join(task.classes[i] for i in task.train[1][:12]))
task.sheet(range(36), columns=12)

# %% [markdown]
# The classes of the first row are printed above it. Could you do it? A tower, an eye: yes. A piece of sky:
# its rotation cannot be recognised. So no network will reach 100 % on the test pictures. On its training pictures it
# can, by memorising them.
#
# Both twins see the same 4,000 pictures in the same order, four times. **Predict** how they end:

# %%
ask("08.twins")

# %% [markdown]
# Press **train**, or run the second cell; it takes about a minute and a half on two cores. **stop** (or ■ in the
# toolbar) stops; **train** (or the cell again) resumes. The run is saved in the folder `runs`, so you can even close the notebook.

# %%
from resnet_lib.explorers import TrainingExplorer, TwinExplorer

twin_race = TwinExplorer(50, task=task, recipe=recipe, folder=runs_folder() / "08")
twin_race

# %%
twin_race.run()

# %% [markdown]
# **What do you see?** Look at the loss on the training pictures first, then at the test pictures.
#
# <details><summary>What you can see</summary>The residual twin learns, and ends far lower. How much the plain one learns
# is a matter of luck: with some seeds it stays near the loss of guessing. The pictures, their order, the parameters and
# the first weights were the same: the whole difference is “+ x”. On the test pictures the residual twin is ahead as
# well, but that is not the point. The plain twin already fails on its training pictures.</details>
#
# ### Now the depth
#
# Four networks at once: 26 and 101 layers, plain and residual, in about four minutes on two cores. **Predict** which
# loss stays highest:

# %%
ask("08.order")


# %%
def four(seed):
    networks = {}
    for depth in (26, 101):
        networks |= plain_and_residual(depth, num_classes=len(task.classes), seed=seed)
    return networks


depth_race = TrainingExplorer(four, task, recipe, folder=runs_folder() / "08-depth")
depth_race

# %%
depth_race.run()

# %%
runs = depth_race.race.runs if depth_race.race else {}
late = {name: run.losses[-20:] for name, run in runs.items() if run.losses}
for name, losses in late.items():
    when = f"after {runs[name].step} of {runs[name].steps} steps"
    print(f"{name:22} training loss {sum(losses) / len(losses):.2f} {when}")
if not depth_race.race or not depth_race.race.done:
    print("Not finished: run the cell above until it ends, then this one again.")
print(f"a network that only guesses: ln {len(task.classes)} = {math.log(len(task.classes)):.2f}")

# %% [markdown]
# **What do you see?** Which of the four has learnt nothing at all? What do 75 more layers cost the plain network, and
# what do they cost the residual one?
#
# <details><summary>What you can see</summary>
#
# The plain network of 101 layers stays near the loss of guessing. The plain one of 26 learns. So deeper is *worse*, on
# the training pictures: you have just measured degradation. With the sums, 101 layers learn too, and end not
# far behind 26. (Not ahead: in four epochs on a small task the extra layers have nothing to add. The paper needs
# ImageNet and days to show that they do.)
# </details>
#
# <details><summary>One run proves little: the results of five seeds</summary>
#
# `python3 course.py bench --only residuals` repeats this with five seeds and three depths: three minutes on a GPU,
# about twenty minutes on two cores. On a GPU it printed, as mean and spread of the training loss at the end:
#
# | layers | plain | residual | residual lower in |
# | --- | --- | --- | --- |
# | 26 | 1.50 ± 0.08 | 1.18 ± 0.06 | 5 of 5 |
# | 50 | 2.12 ± 0.37 | 1.32 ± 0.02 | 5 of 5 |
# | 101 | 3.00 ± 0.02 | 1.44 ± 0.07 | 5 of 5 |
#
# Look at the spread of the plain network of 50 layers: one seed of five stayed at 2.78, the others came to 2. The
# residual networks hardly depend on the seed.
#
# Try one yourself: change **seed**, and train again. Earlier runs are saved, and come back when you return to their
# seed.
# </details>
#
# ### Exercise 3 · degradation or overfitting?
# ●● of ●●● · important · 10 minutes
#
# A deep network disappoints. There are two very different reasons, and they need different cures. Write
# `diagnose(shallow, deep)`. Each argument is a pair (training loss, test accuracy). Return
#
# - `"degradation"` if the deep network is worse on its training pictures: it could not be trained,
# - `"overfitting"` if it is at least as good there but worse on the test pictures: it has memorised the training
#   pictures,
# - `"neither"` if it is no worse on either.
#
# <details><summary>Hint: where do I look first?</summary>The training loss decides whether it is degradation. Only if
# that is not worse does the test accuracy say anything about overfitting.</details>
# <details><summary>Hint: which way round?</summary>A loss is better when it is <em>lower</em>, an accuracy when it is
# higher.</details>


# %% tags=["exercise"]
# Exercise 3: which of the two is it?
def diagnose(shallow, deep):
    return ...  # your code here


# %% tags=["solution"]
def diagnose(shallow, deep):
    (shallow_loss, shallow_accuracy), (deep_loss, deep_accuracy) = shallow, deep
    if deep_loss > shallow_loss:
        return "degradation"
    return "overfitting" if deep_accuracy < shallow_accuracy else "neither"


# %%
from resnet_lib.exercises import check_diagnosis

check_diagnosis(diagnose, exercise="08.3")

# %%
tested = {name: depth_race.race.tests(name) for name in late}
ends = {name: (sum(losses) / len(losses), tested[name][-1][1]) for name, losses in late.items() if tested[name]}
if len(ends) == 4 and depth_race.race.done:
    judge = yours("diagnose")
    for kind in ("plain", "residual"):
        print(f"{kind}: {judge(ends[f'{kind}, 26 layers'], ends[f'{kind}, 101 layers'])}")
else:
    print("The four networks are not trained to the end yet: run their cell above until it finishes, then this one.")

# %% [markdown]
# (The residual network's verdict is probably “degradation” too: after four epochs its 101 layers are a little behind its
# 26. The word does not say *how much*. Compare the four numbers above.)
#
# ## 5 · Start as the shortcut
#
# According to section 1, the extra layers only need to pass their input on. A residual block can do that from the first
# step. Its F ends in a BN, and that BN has a weight γ for every channel.
#
# With **γ = 0 in the last BN**, F(x) is zero, and the block is ReLU(x). The whole network of 50 layers starts as a very
# shallow one, and its blocks become active one by one where they help (Goyal et al., arXiv 1706.02677, section 5.1). In
# `ResNet` it is the option `zero_init_residual`.
#
# **Predict** what becomes of the *plain* twin with γ = 0 in the same BNs:

# %%
ask("08.zero")

# %% [markdown]
# In the explorer of section 3 tick **BN** and **last BN of F starts at zero**. **What do you see?**
#
# <details><summary>What you can see</summary>F(x) is zero in every block. The variance falls only where a stage
# pads its shortcut. The gradient loses something once, in the last ReLU, where x is zero; then it passes through all
# other blocks unchanged: none multiplies it. The plain twin is dead: its first block outputs zero, and so do all
# others. Only a block with a shortcut can start with F = 0.</details>
#
# ### Exercise 4 · every block its shortcut
# ●● of ●●● · important · 10 minutes
#
# Write `start_as_shortcut(network)`: change the network in place so that every block, a bottleneck, starts as
# ReLU(shortcut(x)). It must still be able to learn: do not change anything else. `blocks(network)` is a dictionary name
# → block.
#
# <details><summary>Hint: which number is it?</summary>The weight γ of <code>bn3</code>. Its bias β is zero
# already.</details>
# <details><summary>Hint: PyTorch complains about a leaf variable</summary>A parameter is changed in place under
# <code>torch.no_grad()</code>, or with <code>torch.nn.init.zeros_</code>.</details>
# <details><summary>Hint: why not the weights of conv3?</summary>Then the input of the BN would be constant, its
# variance zero, and it would divide by the root of eps. The weights that must learn first would get a gradient of
# nothing but noise.</details>


# %% tags=["exercise"]
# Exercise 4: every block of a network starts as its shortcut.
def start_as_shortcut(network):
    return ...  # your code here: it changes the network, and returns nothing


# %% tags=["solution"]
def start_as_shortcut(network):
    for block in blocks(network).values():
        torch.nn.init.zeros_(block.bn3.weight)


# %%
from resnet_lib.exercises import check_start_as_shortcut

check_start_as_shortcut(start_as_shortcut, exercise="08.4")

# %% [markdown]
# Does the network train better? **Predict**, for the 50 thin layers and four epochs of this lesson:

# %%
ask("08.start")

# %% [markdown]
# Then choose **last BN starts at one | at zero** in the first explorer of section 4, and train.
#
# <details><summary>What you can see</summary>
#
# Here it does not. `python3 course.py bench --only pairs` printed for 50 layers and five seeds a training loss at the
# end of 1.31 ± 0.03 with γ = 1, and of 1.55 ± 0.02 with γ = 0: higher in all five.
#
# With BN and sums these 50 layers train from either start, and a network that starts very shallow has to activate its
# blocks first. Four epochs are short for that. Goyal et al. report a gain on ImageNet, especially with very large
# batches, whose first steps are the critical ones. A good reason is not a measurement.
# </details>

# %% [markdown]
# ## 6 · Take a block away
#
# What happens to a *finished* network when one of its blocks is taken out? A plain network is a chain: a link is gone,
# and the next block gets an input that it has never seen. A residual block without its F still passes x on.
#
# There is another way to see it. Multiply out two blocks, leaving the ReLUs aside:
#
# $$x + F_1(x) + F_2\big(x + F_1(x)\big)$$
#
# A signal can go past both blocks, through only the first, through only the second, or through both: four paths. Every
# block doubles their number (Veit, Wilber, Belongie, arXiv 1605.06431). So a residual network is an ensemble of
# networks of all lengths, side by side.
#
# ### Exercise 5 · how many paths
# ●● of ●●● · worth doing · 10 minutes
#
# Write `ways(n)` for a network of n residual blocks: it returns a list of n + 1 numbers, in which entry k is the number
# of paths through exactly k of the F's. (The cell also prints a question of its own; its answer goes into `own`.)
#
# <details><summary>Hint: try it by hand</summary>n = 2: one path through none, two paths through one, one path through
# both: [1, 2, 1]. What do you get for n = 3?</details>
# <details><summary>Hint: nearly the solution</summary>In how many ways can k of n blocks be chosen? Python has it as
# <code>math.comb</code>.</details>


# %% tags=["exercise"]
# Exercise 5: paths through n residual blocks, by the number of F's they pass.
from resnet_lib.exercises import ask_own


def ways(n):
    return ...  # your code here


me = ""  # in a course: your name, as in the name of the file that you hand in; otherwise leave it empty
ask_own("08", me)
own = ...


# %% tags=["solution"]
def ways(n):
    return [math.comb(n, k) for k in range(n + 1)]


me = ""  # in a course: your name, as in the name of the file that you hand in; otherwise leave it empty
own = math.comb(33, 4)

# %%
from resnet_lib.exercises import check_ways

check_ways(ways, exercise="08.5")

# %%
from resnet_lib.exercises import check_own

check_own("08", me, own)

# %%
n = len(blocks(residual))
paths = yours("ways")
short = sum(paths(n)[:5])
print(f"{n} blocks: {sum(paths(n)):,} paths; {short / sum(paths(n)):.1%} of them pass 4 F's or fewer")
print(f"without one block: {sum(paths(n - 1)):,}, without three: {sum(paths(n - 3)):,}")

# %% [markdown]
# A chain with one link missing has *no* path left. Here half of the paths remain. Is the network half as good, then?
# **Predict** for the two networks that you trained in section 4:

# %%
ask("08.remove")

# %%
from resnet_lib.explorers import AblationExplorer

# The twins of section 4 as they were saved, whatever you have chosen there since.
saved = TwinExplorer(50, task=task, recipe=recipe, folder=runs_folder() / "08").race
trained = {name.partition(",")[0]: run.best for name, run in saved.runs.items() if run.losses}
if len(trained) < 2:
    print("The twins of section 4 are not trained yet. Here they have their first weights, and can only guess.")
    trained = {"plain": plain, "residual": residual}
elif not saved.done:
    print("The twins of section 4 are not trained to the end yet: they are taken as they are now.")

without_blocks = AblationExplorer(trained, task, n=16 if FAST else 500)
without_blocks

# %% [markdown]
# Press **take them away**, or run the next cell, which does the same.

# %%
without_blocks.run()

# %% [markdown]
# **What do you see?** Guessing among 20 classes gives 5 %.
#
# <details><summary>What you can see</summary>The plain twin was not good, and without any one of its blocks it loses
# most of what it had: in our run it fell from 18 % to between 3 and 10 %. The residual twin had 33 %. It misses its very
# first block most, whose F is large compared with x, and keeps 7 %; without another block of Stage 1 it keeps about
# 24 %, and without most blocks of Stages 3 and 4 nearly 30 %: fewer blocks build on what they add. (The plain twin
# cannot lose the first block of a stage at all: nothing else leads from one shape to the next.) If your plain twin is
# near 5 % before anything is removed, it has learnt nothing and has nothing to lose: train the twins of section 4 with
# another <b>seed</b>, such as 1, write <code>recipe=replace(recipe, seed=1)</code> where the cells above take them, and
# run those again.</details>
#
# Half of the paths are not half of the network: it matters which half. Choose **more and more blocks**: how many can
# you remove before the residual twin only guesses? Then choose **two blocks swapped**.
#
# <details><summary>What you can see</summary>
#
# The plain twin has lost more than half with its first block. The residual twin falls step by step: in our run it had
# lost half after four to six of the twelve blocks in random orders, and only after eleven when taken from the last
# back, since its first blocks count most. That is what an ensemble of paths does, and a chain does not.
#
# Swapping two blocks of one stage leaves both in the path, each with an input that it was not trained for. Compare with
# what removing each of them cost.
# </details>
#
# The bundled network has learnt more, over hours. Its own test pictures are not available without internet, so the
# measure here is **agreement**: how often it still gives the answer of the complete network.

# %%
bundled = AblationExplorer(n=16 if FAST else 150)
bundled

# %%
bundled.run()

# %% [markdown]
# **What do you see?** Which of its blocks matters most?
#
# <details><summary>What you can see</summary>Blocks of Stage 1 matter most: all later blocks build on
# them. Without most others, most answers stay the same. Longer training has not made a chain of
# it. Which block matters most is a property of this one network, not a law.</details>
#
# ## 7 · The loss landscape
#
# All weights together are one point in a space of a million dimensions. The loss is a height at every point. Training
# walks downhill. What does the landscape look like around the point where training stopped?
#
# A map can show two directions. They are random, with one precaution: each filter of a direction is scaled to the
# length of the network's filter that it is added to (Li et al., arXiv 1712.09913). Without that, a network with large
# weights would look flat, and one with small weights steep, although BN makes the two compute the same.
#
# Each point of the map costs one forward pass. The map begins by itself, coarse, and becomes finer while you watch (or
# press **stop**). Both maps have
# the same colours and contour lines. **Predict:**

# %%
ask("08.bowl")

# %%
from resnet_lib.explorers import LandscapeExplorer

ground = LandscapeExplorer(trained, task, 64, finest=9 if FAST else 17)
ground

# %% [markdown]
# **What do you see?** Follow one contour line around. Then look at the two slices below the maps: is there a place on
# the way outwards where the loss *falls* again?
#
# <details><summary>What you can see</summary>The residual twin is in one bowl: the loss rises in every direction.
# The plain twin's landscape is higher, and it has dents: on some ways out the loss falls again before it rises. With
# another <b>seed</b> for the directions the maps differ, but the difference between the twins remains, sometimes
# weaker. The famous pictures with their wild mountains show deeper plain networks, trained for longer. These maps show
# 50 layers and four epochs.</details>
#
# A map like this is an illustration, not a proof. It shows two directions of a million, and training has never moved
# along them. With **BN's means and variances** taken from the pictures, instead of those from training, the same
# landscape looks much flatter: part of the steepness is only that BN's numbers no longer fit the weights.
#
# ## 8 · Why add, and not concatenate?
#
# A block could also keep x by concatenating it with F(x): first the channels of x, then those of F(x). DenseNet does
# that (Huang et al., arXiv 1608.06993). Then F need compute only the new channels. `concatenated` builds such a
# network: every stage ends with the same number of channels as the ResNet's, but within a stage C grows from block to
# block.
#
# With sums, F outputs 256 channels in every block of Stage 3. With concatenation it adds about 21, a twelfth.
# **Predict** what that does to the whole network:

# %%
ask("08.concatenation")

# %%
for name, network in PAIRS["concatenation | sum"](50, num_classes=len(task.classes)).items():
    found = anatomy(network, task.size)
    print(f"{name:25} {found.parameters:>10,} parameters {found.macs:>10,} MACs")
print("C of each block of Stage 3, concatenation:", [b.C for b in concatenated(blocks=DEPTHS[50], base=BASE).stage3])

# %% [markdown]
# **What do you see?** What does concatenation save, and what does it not save?
#
# <details><summary>What you can see</summary>The MACs fall by about a fifth. The last 1×1 of F has become cheap,
# but it was only one of three convolutions, and the first one reads <em>all</em> channels gathered so far. The saving
# is real. The price is not in the table: every block copies all channels to a new place, where a sum could overwrite
# one of its summands. And with a sum every block can correct any channel, while with concatenation the earlier channels
# are passed on as they are.</details>
#
# Cost is half of the question. The other half is how well the networks learn. Train them if you like, or choose basic
# blocks and bottlenecks under **compare**.

# %%
pairs_race = TwinExplorer(26, "concatenation | sum", task=task, recipe=recipe, folder=runs_folder() / "08")
pairs_race

# %% [markdown]
# <details><summary>The results of five seeds</summary>
#
# From <code>python3 course.py bench --only pairs</code>, for 50 layers, mean and spread at the end:
#
# | | training loss | test accuracy |
# | --- | --- | --- |
# | basic blocks | 1.36 ± 0.04 | 28 % ± 2 |
# | bottlenecks | 1.35 ± 0.06 | 29 % ± 3 |
# | concatenation | 1.13 ± 0.02 | 34 % ± 1 |
# | sum | 1.34 ± 0.04 | 28 % ± 1 |
#
# Basic blocks and bottlenecks cannot be told apart: the bottlenecks' loss was lower with three seeds of five.
# Concatenation was ahead with all five seeds, on the training pictures and on the test pictures.
#
# Neither pair settles which is better on ImageNet. Still, on this small task concatenation learns *more* with fewer
# parameters, which is what DenseNets are known for. The sum did not prevail because it learns best from every picture.
# It is simple, and hundreds of blocks can be stacked without growing wider.
# </details>
#
# ## 9 · Common mistakes
#
# - **“Plain networks fail because their gradient vanishes.”** Not with BN, as you saw: with BN it explodes. Without BN
#   it vanishes. The paper itself says, in section 4.1, that vanishing gradients are unlikely to be the reason.
# - **Comparing networks that differ in more than one thing.** A projection, another seed, another order of pictures:
#   each of these alone can be the reason.
# - **Calling every disappointment overfitting.** Look at the training loss first.
# - **One run.** With one seed a coin toss looks like a law. Report the spread.
# - **ReLU after the block's F, before the sum.** Then F can only add, never subtract, and the signal keeps growing.
# - **γ = 0 in all BNs,** or in a plain network: nothing passes through any more, and no gradient comes back.
# - **Judging a network without one of its blocks by its old BN statistics** and taking the drop for the block's value.
#   Part of the drop is only that the BNs after it get inputs that do not fit their statistics.
#
# ## Summary
#
# - Degradation: a deeper plain network is worse *on the pictures it is trained on*. You saw it between 26 and 101 layers,
#   and the same networks with “+ x” train at both depths.
# - With BN the signal of a plain network stays constant, and its gradient is multiplied by the same factor at every
#   block: exponential in the depth. The sum adds a path on which nothing is multiplied.
# - γ = 0 in the last BN of F lets every block start as its shortcut, and become active where it helps. That takes
#   steps: in a short training it can be a disadvantage.
# - A residual network is less one long chain than many short paths side by side. Remove one block and half of them
#   remain.
# - Random directions, scaled filter by filter, show the loss landscape around the trained weights.
#
# ## Recall
#
# 1. A deep network is worse than a shallow one on the test pictures. What do you look at before you say “overfitting”?
# <details><summary>Answer</summary>The training loss. If that is worse as well, it is degradation.</details>
#
# 2. Why can a deeper network, with the right weights, never be worse on the training pictures?
# <details><summary>Answer</summary>Its extra layers could pass their input on unchanged, and the others do what the
# shallow network does.</details>
#
# 3. What does the chain rule give for y = x + F(x), and which part of it matters?
# <details><summary>Answer</summary>∂L/∂x = ∂L/∂y · (1 + ∂F/∂x). The 1: it passes the gradient on whatever F
# does.</details>
#
# 4. In a plain network with BN, each block multiplies the gradient by 1.6. What does a norm of 1 at the last of 21
#    blocks become at the first?
# <details><summary>Answer</summary>There are 20 steps: 1.6²⁰ ≈ 12,000. It has grown.</details>
#
# 5. Why must the twins here do without projections?
# <details><summary>Answer</summary>A projection has weights, and the plain twin would have fewer parameters than the
# residual one.</details>
#
# 6. You set γ of the last BN to zero in every block. What does a block compute, and what gets a gradient first?
# <details><summary>Answer</summary>ReLU(shortcut(x)). γ itself: all of F before it is multiplied by zero on the way back,
# until γ has moved.</details>
#
# 7. A network of 16 blocks loses one. How many of its 65,536 paths are left?
# <details><summary>Answer</summary>Half, 32,768: those that do not lead through that block.</details>
#
# ## What comes next
#
# The network trains, and you know why. Now make it fast: in lesson 09 the same ResNet-50 computes the same numbers in
# less time, on your own machine.

# %% [markdown] tags=["instructor"]
# ### Minute by minute
#
# | minutes | what |
# | --- | --- |
# | 10 | Sections 1 and 2: the puzzle, and why twins |
# | 5 | Exercise 1 |
# | 10 | Section 3: read the three charts, and why the sum helps |
# | 15 | Exercise 2 |
# | 25 | Section 4: start the training, and talk about the task while it runs |
# | 10 | Exercise 3 |
# | 5 | Section 5 up to the exercise |
# | 10 | Exercise 4 |
# | 10 | Exercise 5 |
# | 15 | Sections 6 and 7: blocks taken away, and the loss landscape |
# | 5 | Section 8, recall |
#
# ### Ask before you show
#
# - Before the charts: "Which runs out first in the plain network, the signal or the gradient? Does it vanish or explode?"
# - Before training: "Both get the same pictures. Which loss is lower?" Have all commit.
# - Before a block is removed: "Half of the paths are left. Is the network half as good?"
#
# ### What they may think
#
# - *Plain networks suffer from vanishing gradients.* With BN they explode. Show the chart.
# - *Deeper and worse means overfitting.* Look at the training loss first, each time.
# - *One run proves it.* Ask for the spread before anyone draws a conclusion.
#
# ### On the projector
#
# The twins' two curves while they train. Run the cell before the session and resume it in class, so that it finishes in
# time; tell the students that you did.
