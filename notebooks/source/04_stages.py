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
# # 04 · Stages 1–4
#
# 60 minutes · all cells run in 20 seconds on two cores · after [lesson 03](03_btnk1.ipynb) · words: [glossary](glossary.ipynb#Cost)
#
# ResNet-50 has sixteen blocks in four stages: 3, 4, 6 and 3. From stage to stage the maps get smaller and the channels
# more. **Where does it cost most, and what would one more block cost?** Drag first, then you stack them yourself.

# %%
from resnet_lib.exercises import Progress
from resnet_lib.explorers import StageExplorer

Progress("04", exercises=4)

# %%
StageExplorer(stage=3)

# %% [markdown]
# 1. Give Stage 3 one more of its **blocks**. How many parameters does that add? Then the same in Stage 4.
# 2. Press *reset* and *pin*, and double **W**, the picture's width, to 448. How many times the MACs, the parameters?
# 3. Switch between **v1** and **v1.5** in each stage. In which do the MACs stay the same?
#
# <details><summary>Answers</summary>
#
# 1. 1.1 million in Stage 3 and 4.5 million in Stage 4, four times as many.
# 2. Four times the MACs, and the same parameters: no weight depends on W.
# 3. In Stage 1: its S is 1, so it does not matter which convolution has the stride.
# </details>
#
# <details><summary>At the end of this lesson you can …</summary>
#
# - stack BTNK1 and BTNK2 into the four stages of ResNet-50,
# - derive C, C1 and S of every first block from two laws and one exception,
# - say where the parameters are, where the MACs are, and why those are different places.
# </details>
#
# **What you have just seen.** A **stage** is a row of blocks. The first, a BTNK1, changes the shape: its shortcut
# cannot be x itself. The others keep that shape, so they are BTNK2s.
#
# ![Stage 2 of ResNet-50: one BTNK1, which makes (512, 28, 28) of (256, 56, 56), and three BTNK2s, which keep that shape](images/stage.svg)

# %%
import torch
from torch import nn

from resnet_lib import BTNK1, BTNK2, anatomy
from resnet_lib.photos import block_input
from resnet_lib.views import cost_bars, show_maps

_ = torch.manual_seed(0)  # the same random weights at every run

# %% [markdown]
# ## 1 · Stage 1, block by block
#
# The input is the output of Stage 0, the stem: 64 channels, 56 wide.

# %%
x, _ = block_input("cat", C=64, W=56)
print(tuple(x.shape))

# %% [markdown]
# **The first block** has C1 = 64 inside, and S = 1. **Predict** its output shape:

# %%
from resnet_lib.exercises import Prediction, ask, shape_question

Prediction(shape_question("BTNK1", C=64, W=56, C1=64, S=1))

# %%
block1 = BTNK1(C=64, C1=64, S=1)
y = block1(x)
print(tuple(y.shape))

# %% [markdown]
# **Then two BTNK2s**, which keep that shape.

# %%
block2, block3 = BTNK2(C=256), BTNK2(C=256)
y = block3(block2(y))
print(tuple(y.shape))

# %% [markdown]
# So Stage 1 outputs (256, 56, 56). Some write-ups say (64, 56, 56). They quote C1, the number of channels *inside* the
# blocks, and forget the factor 4 of the last 1×1 convolution.
#
# ## 2 · The two laws, and the exception
#
# Table 1 of the paper (He et al. 2015, arXiv 1512.03385) fixes how many blocks each stage has, and the shapes:
#
# | stage | blocks | in | out |
# | --- | --- | --- | --- |
# | 1 | 3 | (64, 56, 56) | (256, 56, 56) |
# | 2 | 4 | (256, 56, 56) | (512, 28, 28) |
# | 3 | 6 | (512, 28, 28) | (1024, 14, 14) |
# | 4 | 3 | (1024, 14, 14) | (2048, 7, 7) |
#
# ### Exercise 1 · read C, C1 and S off the shapes
# ● of ●●● · important · 5 minutes
#
# Stage 1 is filled in. Work out the others from the table: replace each `...` with the triple (C, C1, S) of the stage's
# first block.
#
# <details><summary>Hint: where does C1 come from?</summary>The output of a BTNK1 has 4·C1 channels.</details>
# <details><summary>Hint: where does S come from?</summary>The output of a BTNK1 is W/S wide.</details>

# %% tags=["exercise"]
# Exercise 1: (C, C1, S) of the BTNK1 that opens each stage.
first_block = {
    1: (64, 64, 1),
    2: ...,
    3: ...,
    4: ...,
}

# %% tags=["solution"]
first_block = {
    1: (64, 64, 1),
    2: (256, 128, 2),
    3: (512, 256, 2),
    4: (1024, 512, 2),
}

# %%
from resnet_lib.exercises import first_block_question, predict

predict({stage: first_block_question(stage) for stage in (1, 2, 3, 4)}, first_block, exercise="04.1")

# %%
from resnet_lib.exercises import first_blocks

opens = first_blocks()  # the right answers of exercise 1
for stage, (C, C1, S) in opens.items():
    print(f"Stage {stage}: C = {C:>4}, C1 = {C1:>3}, S = {S}     C / C1 = {C / C1:g}")

# %% [markdown]
# **Law 1, for BTNK2.** The pattern is the same in all four stages: C → C/4 → C/4 → C, and the shape stays.
#
# **Law 2, for BTNK1 in Stages 2 to 4.** S = 2 and C = 2·C1.
#
# **The exception is Stage 1.** S = 1 and C = C1.
#
# You can derive law 2. From stage to stage C1 doubles: 64, 128, 256, 512. The input of a stage is the output of the
# previous one, with 4 times *that stage's* C1 channels, and that C1 is half as large:
#
# $$C = 4 \cdot \frac{C_1}{2} = 2 \cdot C_1$$
#
# Stage 1 follows the stem instead, which outputs 64 channels, so C = C1 = 64. And the stem's MAXPOOL has already done
# the halving that opens a stage, so S = 1.
#
# Does Stage 1 need a projection at all, with S = 1? Yes: 64 channels and 256 channels cannot be added.
#
# ## 3 · Write the stage
#
# ### Exercise 2 · make_stage
# ●● of ●●● · the heart of the lesson · 15 minutes
#
# Write `make_stage(C, C1, S, n)`: an `nn.Sequential` of n blocks, one BTNK1 and then n − 1 BTNK2s.
#
# The cell also prints a question about one stage. Use your function for it, and put the answer in `own`.
#
# <details><summary>Hint: the check says that block 2 is given other channels</summary>Block 2 is the first BTNK2. Its
# C is the number of output channels of the BTNK1: 4·C1.</details>
# <details><summary>Hint: how do I count a module's parameters?</summary>
# <code>sum(p.numel() for p in module.parameters())</code></details>
# <details><summary>Hint: the check says that two of the blocks are the same one</summary><code>[block] * 3</code> is a
# list that holds one block three times. Make a new block each time:
# <code>[BTNK2(…) for _ in range(3)]</code>.</details>
# <details><summary>Hint: "… is not a Module subclass"</summary><code>nn.Sequential</code> takes modules, not a list:
# <code>nn.Sequential(*blocks)</code>.</details>


# %% tags=["exercise"]
# Exercise 2: a stage of n blocks.
from resnet_lib.exercises import ask_own


def make_stage(C, C1, S, n):
    return ...  # your code here


me = ""  # in a course: your name, as in the name of the file that you hand in; otherwise leave it empty
ask_own("04", me)
own = ...


# %% tags=["solution"]
def make_stage(C, C1, S, n):
    first = BTNK1(C, C1, S)
    others = [BTNK2(4 * C1) for _ in range(n - 1)]
    return nn.Sequential(first, *others)


me = ""  # in a course: your name, as in the name of the file that you hand in; otherwise leave it empty
own = sum(p.numel() for p in make_stage(256, 128, 2, 3).parameters())

# %%
from resnet_lib.exercises import check_own, check_stage, yours

check_stage(make_stage, exercise="04.2")

# %%
check_own("04", me, own)

# %% [markdown]
# Your function, or the library's while yours is open, now makes the four stages of ResNet-50. Each takes the previous
# one's output. Count the numbers in each output. **Predict** what happens to that count:

# %%
ask("04.numbers")

# %%
counts = {1: 3, 2: 4, 3: 6, 4: 3}  # blocks in Stages 1 to 4
stack = yours("make_stage")
y = x
for stage, n in counts.items():
    with torch.no_grad():
        y = stack(*opens[stage], n)(y)
    print(f"after Stage {stage}, {n} blocks: {tuple(y.shape)}, {y.numel():,} numbers")

# %% [markdown]
# ## 4 · The cat goes through the stages
#
# To see what becomes of the cat, take *trained* stages: those of the small network that comes with the course, which
# has the same blocks and a quarter of the channels. The first row is what Stage 1 is given, and each stage adds a row.
# Smaller maps are enlarged, so that you see their real pixels.

# %%
from torch.nn.functional import interpolate

from resnet_lib import activations
from resnet_lib.photos import photo, to_input
from resnet_lib.weights import load

small = load("thin")
kept = activations(small, to_input(photo("cat"), small.checkpoint.size), [f"stage{n}" for n in range(5)])
rows = []
for n in range(5):
    maps = kept[f"stage{n}"][0]
    four = maps[maps.flatten(1).std(dim=1).topk(4).indices]  # the four channels with most contrast
    rows.append(interpolate((four / four.amax(dim=(1, 2), keepdim=True))[None], 56)[0])
show_maps(torch.cat(rows), count=20, tile=112, columns=4)

# %% [markdown]
# **What do you see?** In which rows can you still find the cat?
#
# <details><summary>What you can see</summary>
#
# The first rows are pictures: you can find edges and areas of the cat in them. Each row from Stage 2 on has half as
# many positions along a side as the row above, and the last ones have too few to draw a cat. They say *that* something
# is there, in a few coarse spots.
#
# What is lost in positions is made up in channels. What those channels mean has been learned in training: lessons 06
# and 07 look at that.
# </details>
#
# ## 5 · Where the cost is
#
# ### Exercise 3 · predict
# ● of ●●● · important · 5 minutes
#
# Which stage has the most **parameters**, and which needs the most **MACs**? Put 1, 2, 3 or 4 for each `...`. Guess
# before you compute: a wrong guess costs nothing, and teaches you something.
#
# <details><summary>Hint: how do they grow?</summary>From stage to stage the channels double, and the maps' width and
# height halve. What does that do to the weights of a convolution, and to the positions at which each is used?</details>

# %% tags=["exercise"]
# Exercise 3: 1, 2, 3 or 4?
most_parameters = ...
most_macs = ...

# %% tags=["solution"]
most_parameters = 4
most_macs = 3

# %%
from resnet_lib.exercises import most_question

questions = [most_question("parameters"), most_question("MACs")]
predict(questions, [most_parameters, most_macs], exercise="04.3")

# %% [markdown]
# See for yourself. Counting does not need 23 million random weights. Under `torch.device("meta")` PyTorch makes tensors
# that have a shape but no numbers. That is fast, needs no memory, and is enough for `anatomy`.

# %%
with torch.device("meta"):
    body = nn.Sequential()
    for stage, n in counts.items():
        body.add_module(f"stage{stage}", stack(*opens[stage], n))  # named, for the table

costs = anatomy(body, (64, 56, 56))
cost_bars(costs)

# %% [markdown]
# **What do you see?** Compare the two columns of bars.
#
# <details><summary>What you can see</summary>
#
# Parameters grow steeply: nearly two thirds of them are in Stage 4. MACs are spread much more evenly, and Stage 3 has
# the most. Stage 1 has 1 % of the parameters and 17 % of the MACs.
# </details>
#
# To find out why, compare *one* BTNK2 of each stage. You know its shapes. **Predict:**

# %%
ask("04.one")

# %%
for C, W in [(256, 56), (512, 28), (1024, 14), (2048, 7)]:
    with torch.device("meta"):
        a = anatomy(BTNK2(C), W)
    print(f"BTNK2(C={C:>4}, W={W:>2}): {a.parameters:>9,} parameters  {a.macs:>11,} MACs")

# %% [markdown]
# **What do you see?** Go down both columns.
#
# <details><summary>What you can see</summary>Parameters grow fourfold from row to row (a little less: the BNs only
# double). The MACs are <b>exactly the same</b> in all four.</details>
#
# ### Exercise 4 · find the formula
# ●● of ●●● · important · 10 minutes
#
# Write the parameters of a BTNK2's *convolutions* as a formula in C, and its MACs as a formula in C and W. (The first
# is your formula of lesson 02, without the BNs.)
#
# <details><summary>Hint: MACs of one convolution</summary>Each of its weights is used once at every output position:
# MACs = parameters × output height × output width.</details>
# <details><summary>Hint: my result is too high by a factor of 4 or 16</summary>Inside the block there are C/4 channels.
# The three convolutions are C → C/4, C/4 → C/4 with a 3×3 kernel, and C/4 → C.</details>


# %% tags=["exercise"]
# Exercise 4: costs of the three convolutions of BTNK2.
def btnk2_weights(C):
    return ...  # your formula here


def btnk2_macs(C, W):
    return ...  # your formula here


# %% tags=["solution"]
def btnk2_weights(C):
    C1 = C // 4
    return C * C1 + 9 * C1 * C1 + C1 * C


def btnk2_macs(C, W):
    return btnk2_weights(C) * W * W


# %%
from IPython.display import display

from resnet_lib.exercises import check_macs, check_parameters

display(check_parameters("BTNK2", btnk2_weights, norms=False))
check_macs("BTNK2", btnk2_macs, exercise="04.4")

# %% [markdown]
# Put together, with C/4 channels inside:
#
# $$\text{parameters} = \tfrac{17}{16}\,C^2 \qquad
# \text{MACs} = \tfrac{17}{16}\,C^2\,W^2 = \tfrac{17}{16}\,(C\,W)^2$$
#
# From stage to stage C doubles and W halves, so C·W stays the same, and with it the MACs of a block.
#
# The paper states it as a design rule (section 3.3): if the map is halved, the number of filters is doubled, "so as to
# preserve the time complexity per layer". (Its filters are our kernels, one per output channel; what it preserves is
# the MACs.) The price is paid in parameters, four times as many in each next stage.
#
# So Stage 3 has the most MACs simply because it has the most blocks. And Stage 4 has the most parameters although it
# has only three blocks.
#
# **Why 3-4-6-3?** The paper gives these numbers without a reason. But you see what they do: in Stage 3 a block is still
# cheap in parameters, and neighbours there are already 16 pixels of the photograph apart, so its 3×3 reaches far.
# Nearly all extra blocks of the deeper networks are there: 101 has 3-4-23-3 and 152 has 3-8-36-3.
#
# Now the four BTNK1s. **Predict:**

# %%
ask("04.exception")

# %%
for (C, C1, S), W in zip(opens.values(), [56, 56, 28, 14], strict=True):
    with torch.device("meta"):
        a = anatomy(BTNK1(C, C1, S), W)
    print(f"BTNK1(C={C:>4}, W={W:>2}, C1={C1:>3}, S={S}): {a.parameters:>9,} parameters  {a.macs:>11,} MACs")

# %% [markdown]
# <details><summary>Why is one of them cheaper?</summary>In Stage 1, C is C1 and not 2·C1, and in the others the first
# 1×1 works before the stride, at four times the positions. So Stage 1 costs less than Stage 4, with three blocks
# each.</details>
#
# ## 6 · Another ResNet
#
# Make ResNet-101: drag **blocks** to 23. What does the network cost then, and what share of the MACs is in Stage 3?

# %%
StageExplorer(stage=3)

# %% [markdown]
# <details><summary>Answer</summary>44.5 million parameters and 7.8 billion MACs, two thirds of them in Stage
# 3.</details>
#
# ## 7 · Common mistakes
#
# **One block used twice.** `[block] * 2` looks right, runs, and gives the right shapes. But it is one block with one
# set of weights, listed twice. Count the parameters of Stage 1:

# %%
same = nn.Sequential(BTNK1(64, 64, 1), *[BTNK2(256)] * 2)
right = stack(64, 64, 1, 3)
for name, stage in [("[block] * 2", same), ("two blocks", right)]:
    print(f"{name:12} {sum(p.numel() for p in stage.parameters()):,} parameters")

# %% [markdown]
# **BTNK2 built for C1 instead of 4·C1.**

# %%
try:
    nn.Sequential(BTNK1(64, 64, 1), BTNK2(64))(x)
except ValueError as error:
    print(error)

# %% [markdown]
# **S = 2 in Stage 1 as well.** "Should the first stage not have stride 2, like all others?" is a common question, and
# nothing crashes if it does. **Predict:**

# %%
ask("04.stride")

# %% [markdown]
# Try it: press **S = 2 in Stage 1** in the instrument of section 6. Weights would load without an error. That is why
# this course prints a shape after every step.
#
# ## Summary
#
# - A stage is one BTNK1, which changes the shape, and then BTNK2s, which keep it. Numbers of blocks: 3, 4, 6, 3.
# - Law 1: BTNK2 has the same pattern in all stages. Law 2: the BTNK1 of Stages 2 to 4 has S = 2 and C = 2·C1.
# - Stage 1 is the exception: S = 1 and C = C1. It still needs a projection, because 64 ≠ 256. It outputs (256, 56, 56).
# - A BTNK2 costs the same MACs in every stage and four times the parameters in each next one. So MACs follow the number
#   of blocks, and most parameters are at the end.
#
# ## Recall
#
# 1. Why is C = 2·C1 in Stages 2 to 4?
# <details><summary>Answer</summary>The input has 4 times the C1 of the previous stage, and that C1 is half of this
# stage's.</details>
#
# 2. Which two facts make Stage 1 the exception?
# <details><summary>Answer</summary>It follows the stem, which outputs 64 channels (so C = C1), and the stem's MAXPOOL
# has just halved the map (so S = 1).</details>
#
# 3. What are the shapes after each of the four stages?
# <details><summary>Answer</summary>(256, 56, 56), (512, 28, 28), (1024, 14, 14), (2048, 7, 7).</details>
#
# 4. Why does a BTNK2 of Stage 4 cost as many MACs as one of Stage 1?
# <details><summary>Answer</summary>Its MACs are 17/16·(C·W)², and C·W is the same: C is 8 times as large and W 8
# times as small.</details>
#
# ## What comes next
#
# You have the stem and four stages: only the head is missing. [05 · ResNet-50](05_resnet50.ipynb) puts everything
# together and proves the result.

# %% [markdown] tags=["instructor"]
# ### Minute by minute
#
# | minutes | what |
# | --- | --- |
# | 5 | Section 1: what a stage is, shapes aloud |
# | 5 | Exercise 1 |
# | 5 | Section 2: the two laws, derived on the board |
# | 15 | Exercise 2 |
# | 5 | Section 4: where does the cat disappear? |
# | 5 | Exercise 3, by show of hands |
# | 10 | Exercise 4 |
# | 10 | Section 6, recall |
#
# ### Ask before you show
#
# - After exercise 2: "Does a stage output more numbers than the one before, or fewer?" (Half as many.)
# - Before the bars of section 5: "Most parameters? Most MACs?" Take a vote for each, and leave it on the board.
# - Before one BTNK2 of each stage: "Which of the four has the most MACs?" (None.)
# - Before W = 448: "Which of all these numbers stay the same?"
#
# ### What they may think
#
# - *The first stage should have stride 2 as well.* The stem's pool has just halved. Show the shapes with S = 2.
# - *More parameters, more work.* Stage 4 has the most parameters, Stage 3 the most MACs.
# - *`[block] * 3` makes three blocks.* It is one block, listed three times: count the parameters.
#
# ### On the projector
#
# The StageExplorer: add one block to Stage 3, then one to Stage 4. Same MACs, four times the parameters. Ask for C·W.
