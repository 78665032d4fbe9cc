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
# 60 minutes, 10 seconds to run all cells · after [lesson 03](03_btnk1.ipynb) · words: [glossary](glossary.ipynb#Cost)
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
# 1. Add one block to Stage 3, then one to Stage 4. Which adds more parameters? Which adds more MACs?
# 2. Double **W**, the picture's width, to 448. What happens to the MACs of the stages, and to the parameters?
# 3. Switch between v1 and v1.5. Which stages do not change?
#
# <details><summary>Answers</summary>
#
# 1. A block of Stage 4 has nearly four times the parameters of a block of Stage 3. Their MACs are equal.
# 2. MACs grow fourfold, parameters stay the same: no weight depends on W. (The head's MACs stay the same too: its input is
#    one number per channel, whatever W is.)
# 3. Stage 1: its S is 1, so it does not matter which convolution has the stride. (Stage 0 has no blocks at all.)
# </details>
#
# <details><summary>What you can do at the end of this lesson</summary>
#
# **At the end of this lesson you can**
# - stack BTNK1 and BTNK2 into the four stages of ResNet-50,
# - derive C, C1 and S of every first block from two laws and one exception,
# - say where the parameters are, where the MACs are, and why those are different places.
# </details>
#
# **What you have just seen.** Each stage is a row of blocks. The first, a BTNK1, changes the shape; the others, BTNK2s,
# keep it. Every stage but the first halves the width and doubles the channels.
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
# ## 1 · Why stages?
#
# A block changes its input a little. Depth comes from many blocks in a row. They form groups, the **stages**:
#
# - The *first* block of a stage changes the shape. Its shortcut cannot be x itself, so it is a BTNK1.
# - All *others* keep that shape, so x can be added as it is. They are BTNK2s.
#
# ## 2 · Stage 1, block by block
#
# The input is the output of Stage 0, the stem: 64 channels, 56 wide.

# %%
x, how = block_input("cat", C=64, W=56)
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
# **Then two BTNK2s.** Do they change that shape?

# %%
block2 = BTNK2(C=256)
y = block2(y)
print(tuple(y.shape))

# %%
block3 = BTNK2(C=256)
y = block3(y)
print(tuple(y.shape))

# %% [markdown]
# So Stage 1 outputs (256, 56, 56). Some write-ups say (64, 56, 56). They quote C1, the number of channels *inside* the
# blocks, and forget the factor 4 of the last 1×1 convolution.
#
# ## 3 · The two laws, and the exception
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
# **Why 3-4-6-3?** The paper gives these numbers without a reason. You can see what they do. One more BTNK2 costs the same
# MACs in every stage, as section 6 shows, but four times the parameters of one a stage earlier. In Stage 3 a block is
# still cheap in parameters, and neighbours there are already 16 pixels of the photograph apart, so its 3×3 reaches far.
# The deeper networks agree: 101 has 3-4-23-3 and 152 has 3-8-36-3. Nearly all their extra blocks are in Stage 3.
#
# ### Exercise 1 · read C, C1 and S off the shapes
# ● of ●●● · important · 5 minutes
#
# Stage 1 is filled in. Replace each `...` with the triple (C, C1, S) of the stage's first block.
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
# **What do you see?** Look at the last two columns before you read on.
#
# <details><summary>What you can see</summary>S is 1, 2, 2, 2, and C/C1 is 1, 2, 2, 2. Stages 2 to 4 follow one
# pattern, and Stage 1 another.</details>
#
# **Law 1, for BTNK2.** The pattern is the same in all four stages: C → C/4 → C/4 → C, and the shape stays.
#
# **Law 2, for BTNK1 in Stages 2 to 4.** S = 2 and C = 2·C1.
#
# **The exception is Stage 1.** S = 1 and C = C1.
#
# You need not memorise law 2, because you can derive it. From stage to stage C1 doubles: 64, 128, 256, 512. The input
# of a stage is the output of the previous stage, with 4 times *that stage's* C1 channels, and that C1 is half as large:
#
# $$C = 4 \cdot \frac{C_1}{2} = 2 \cdot C_1$$
#
# Stage 1 follows the stem instead, which outputs 64 channels, so C = C1 = 64. And the stem's MAXPOOL has already done
# the halving that opens a stage, so S = 1.
#
# Does Stage 1 need a projection at all, with S = 1? Yes: 64 channels and 256 channels cannot be added.
#
# ## 4 · Write the stage
#
# ### Exercise 2 · make_stage
# ●● of ●●● · the heart of the lesson · 15 minutes
#
# Write `make_stage(C, C1, S, n)`: an `nn.Sequential` of n blocks, one BTNK1 and then n − 1 BTNK2s.
#
# <details><summary>Hint: the check says that the input of block 2 has other channels</summary>Block 2 is the first
# BTNK2. Its C is the number of output channels of the BTNK1: 4·C1.</details>
# <details><summary>Hint: the check says that two of the blocks are the same one</summary><code>[block] * 3</code> is a
# list that holds one block three times. Make a new block each time:
# <code>[BTNK2(…) for _ in range(3)]</code>.</details>
# <details><summary>Hint: "… is not a Module subclass"</summary><code>nn.Sequential</code> takes modules, not a list:
# <code>nn.Sequential(*blocks)</code>.</details>


# %% tags=["exercise"]
# Exercise 2: a stage of n blocks.
def make_stage(C, C1, S, n):
    return ...  # your code here


# %% tags=["solution"]
def make_stage(C, C1, S, n):
    first = BTNK1(C, C1, S)
    others = [BTNK2(4 * C1) for _ in range(n - 1)]
    return nn.Sequential(first, *others)


# %%
from resnet_lib.exercises import check_stage, yours

check_stage(make_stage, exercise="04.2")

# %% [markdown]
# With your function and the numbers of exercise 1, the four stages of ResNet-50:

# %%
counts = {1: 3, 2: 4, 3: 6, 4: 3}  # blocks in Stages 1 to 4
shapes = {0: (64, 56), 1: (256, 56), 2: (512, 28), 3: (1024, 14), 4: (2048, 7)}  # (channels, width) after each stage
stack = yours("make_stage")
stages = {stage: stack(*opens[stage], n) for stage, n in counts.items()}
for stage, made in stages.items():
    C_in, W_in = shapes[stage - 1]
    print(
        f"Stage {stage}: {counts[stage]} blocks, ({C_in}, {W_in}, {W_in}) → {anatomy(made, (C_in, W_in, W_in)).output}"
    )

# %% [markdown]
# ## 5 · The cat goes through the stages
#
# Each stage takes the previous stage's output. **Predict:** count all numbers in a stage's output, channels times
# positions.

# %%
ask("04.numbers")

# %%
y, after = x, {}
with torch.no_grad():
    for stage in stages:
        y = stages[stage](y)
        after[stage] = y
        print(f"after Stage {stage}: {tuple(y.shape)}, {y.numel():,} numbers")

# %% [markdown]
# To see what becomes of the cat, take *trained* stages: those of the small network that comes with the course, which has
# the same blocks and a quarter of the channels. The picture shows 4 channels of what Stage 1 is given, and 4 after each
# stage. The smaller maps are enlarged, so that you see their real pixels.

# %%
from resnet_lib import activations
from resnet_lib.photos import photo, to_input
from resnet_lib.weights import load

small = load("thin")
kept = activations(small, to_input(photo("cat"), small.checkpoint.size), [f"stage{n}" for n in range(5)])
rows, widest = [], kept["stage0"].shape[-1]
for name, maps in kept.items():
    four = maps[0].flatten(1).std(dim=1).topk(4).indices  # the four channels with most contrast
    four = maps[0, four] / maps[0, four].amax(dim=(1, 2), keepdim=True)
    times = widest // four.shape[-1]
    rows.append(four.repeat_interleave(times, 1).repeat_interleave(times, 2))
    print(f"{name}: {tuple(maps.shape[1:])}")
show_maps(torch.cat(rows), count=20, tile=112, columns=4)

# %% [markdown]
# **What do you see?** In which rows can you still find the cat?
#
# <details><summary>What you can see</summary>
#
# The first rows are pictures: you can find edges and areas of the cat in them. Each row from Stage 2 on has half as many
# positions along a side as the row above, and the last ones have too few to draw a cat. They say *that* something is
# there, in a few coarse spots.
#
# What is lost in positions is made up in channels. What those channels mean has been learned in training: lessons 06 and
# 07 look at that.
# </details>
#
# ## 6 · Where the cost is
#
# ### Exercise 3 · predict
# ● of ●●● · important · 5 minutes
#
# Which stage has the most **parameters**, and which needs the most **MACs**? (One MAC is one multiplication with its
# addition; FLOPs = 2 × MACs.) Guess before you compute: a wrong guess costs nothing, and teaches you something.
#
# <details><summary>Hint: how do they grow?</summary>From stage to stage the channels double, and the maps' width and
# height halve. What does that do to the weights of a convolution, and to the positions at which each is used?</details>

# %% tags=["exercise"]
# Exercise 3: 1, 2, 3 or 4?
from resnet_lib.exercises import ask_own

most_parameters = ...
most_macs = ...
me = ""  # in a course: your name, as in the name of the file that you hand in; it gives you numbers of your own
ask_own("04", me)
own = ...

# %% tags=["solution"]
most_parameters = 4
most_macs = 3
me = ""  # in a course: your name, as in the name of the file that you hand in; it gives you numbers of your own
own = sum(p.numel() for p in nn.Sequential(BTNK1(256, 128, 2), BTNK2(512), BTNK2(512)).parameters())

# %%
from resnet_lib.exercises import most_question

questions = [most_question("parameters"), most_question("MACs")]
predict(questions, [most_parameters, most_macs], exercise="04.3")

# %%
from resnet_lib.exercises import check_own

check_own("04", me, own)

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
# To find out why, compare *one* BTNK2 of each stage. **Predict:**

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
# Write the parameters of a BTNK2's *convolutions* as a formula in C, and its MACs as a formula in C and W. (The first is
# your formula of lesson 02, without the BNs.)
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

# %%
weights, macs = yours("btnk2_weights"), yours("btnk2_macs")
for C, W in [(256, 56), (512, 28), (1024, 14), (2048, 7)]:
    print(f"C={C:>4}, W={W:>2}: {weights(C):>9,} parameters, {macs(C, W):>11,} MACs")

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
# Now the four BTNK1s. **Predict:**

# %%
ask("04.exception")

# %%
for (C, C1, S), W in zip(opens.values(), [56, 56, 28, 14], strict=True):
    with torch.device("meta"):
        a = anatomy(BTNK1(C, C1, S), W)
    print(f"BTNK1(C={C:>4}, W={W:>2}, C1={C1:>3}, S={S}): {a.parameters:>9,} parameters  {a.macs:>11,} MACs")

# %% [markdown]
# <details><summary>Why is one of them cheaper?</summary>In Stage 1, C is C1 and not 2·C1, and in the others the first 1×1
# works before the stride, at four times the positions. So Stage 1 costs less than Stage 4, with three blocks
# each.</details>
#
# ## 7 · Another ResNet
#
# ResNet-101 has 23 blocks in Stage 3 instead of 6. Set them. What does the network cost then, and which of its stages is
# the most expensive?

# %%
StageExplorer(stage=3)

# %% [markdown]
# <details><summary>Answer</summary>44.5 million parameters and 7.8 billion MACs, of which Stage 3 has more than two
# thirds. Depth costs most where most blocks are.</details>
#
# ## 8 · Common mistakes
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

# %%
for S in (1, 2):
    with torch.device("meta"):
        body = nn.Sequential()
        for stage, n in counts.items():
            C, C1, stride = opens[stage]
            body.add_module(f"stage{stage}", stack(C, C1, S if stage == 1 else stride, n))
    a = anatomy(body, (64, 56, 56))
    print(f"S = {S} in Stage 1: ends with {a.output}, {a.parameters:,} parameters, {a.macs:,} MACs")

# %% [markdown]
# Weights would load without an error. That is why this course prints a shape after every step.
#
# **No stride at all after the stem**, or the MAXPOOL forgotten: the same kind of mistake in the other direction. For
# each missing halving, everything after it costs about four times the MACs.
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
# 5. You double the input's width. What happens to parameters and MACs of the stages?
# <details><summary>Answer</summary>The parameters stay the same; the MACs grow fourfold.</details>
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
# | 5 | Sections 1 and 2: what a stage is, shapes aloud |
# | 5 | Exercise 1 |
# | 5 | Section 3: the two laws, derived on the board |
# | 15 | Exercise 2 |
# | 5 | Section 5: where does the cat disappear? |
# | 5 | Exercise 3, by show of hands |
# | 10 | Exercise 4 |
# | 10 | Section 7, recall |
#
# ### Ask before you show
#
# - Before section 5: "Does a stage output more numbers than the one before, or fewer?" (Half as many.)
# - Before the bars of section 6: "Most parameters? Most MACs?" Take a vote for each, and leave it on the board.
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
