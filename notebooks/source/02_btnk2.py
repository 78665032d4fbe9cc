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
# # 02 · BTNK2, the identity block
#
# 75 minutes · all cells run in 20 seconds · after [lesson 01](01_stem.ipynb) · words: [glossary](glossary.ipynb#Blocks)
#
# A ResNet block lets a few convolutions compute F(x) from its input x, then adds x. Nothing else about it is unusual.
# **What does that sum do to a feature map, and when is it impossible?** Drag first, then you build it.
#
# The instrument begins at a block of a small *trained* network. If you choose a C, C1 or S that no block of that
# network has, its weights are random; the line below the maps says which you see.

# %%
from resnet_lib.exercises import Progress
from resnet_lib.explorers import BottleneckExplorer

Progress("02", exercises=3)

# %%
BottleneckExplorer("bundled: Stage 1, block 2", weights="trained", picture="cat")

# %% [markdown]
# 1. Look at F(x), then at the sum, then at y. Find a channel in which F *subtracted* from x.
# 2. Halve **W**. Which numbers stay the same, and which fall to a quarter?
# 3. Press *reset*, and double **C1**. Which two shapes disagree, and where do they meet?
#
# <details><summary>Answers</summary>
#
# 1. Look for blue in F(x) where x is red: there y is a paler red than x.
# 2. Parameters and channels stay. The MACs fall to a quarter: half as many rows and half as many columns.
# 3. F(x) has 4 · C1 channels, now twice as many as x. They meet at the sum.
# </details>
#
# <details><summary>At the end of this lesson you can …</summary>
#
# - say why a block computes F(x) + x and not just F(x),
# - build BTNK2, the identity block of ResNet-50, and explain each of its steps,
# - decide from the shapes whether a sum is possible,
# - show why a convolution before BN needs no bias,
# - compare the cost of a bottleneck and a basic block.
# </details>
#
# **What you have just seen.** Two paths leave x: on the left three convolutions, F; on the right x itself, the
# *shortcut*. They meet at a +, and a ReLU follows. x is (C, W, W). C1 is the number of channels inside F, which outputs
# 4 · C1. W makes all maps finer or coarser. A sum needs two equal shapes, so here C1 must be C/4 and S must be 1.
#
# The block is called **BTNK2**, the identity block. A *stage* is a row of blocks: the first changes the shape, and
# BTNK2s follow. BTNK2 is the simpler one, so this course begins with it; lesson 03 has the other.
#
# ![BTNK2 for an input of 256 channels of 56 by 56: three convolutions on the left, x itself on the right, the sum and a ReLU below](images/btnk2.svg)

# %%
import torch
from torch import nn

from resnet_lib.photos import block_input
from resnet_lib.views import show_maps

_ = torch.manual_seed(0)  # the same random weights at every run

# %% [markdown]
# ## 1 · Why a shortcut?
#
# More layers should not hurt. A deeper network could copy a shallower one and let its extra layers do nothing. But
# training does not find that solution.
#
# In the paper (He et al. 2015, arXiv 1512.03385, Figure 1) a plain network of 56 layers, one layer after the other,
# ends with a *higher training error* than one of 20. This is not overfitting: the deep network is worse on its own
# training pictures. Doing nothing turns out to be hard to learn.
#
# **Why is copying hard?** To copy its input, a 3×3 from 64 to 64 channels needs 64 of its 36,864 weights at exactly 1
# (in the middle of the window, from each channel to itself) and all others at 0. Training begins at random weights, far
# from that, and every layer would have to find it. A layer that squeezes 256 channels into 64 cannot copy at all.
#
# So make doing nothing easy. Group a few layers into a **block**, and call their output F(x). Give every block a
# **shortcut** past its layers, and add the x that the shortcut carries:
#
# $$y = \mathrm{ReLU}(F(x) + x)$$
#
# F now has to learn only what should *change*. (That difference is called the residual; hence the name ResNet. This is
# equation (1) of the paper.)
#
# Here is a block of random weights. F's last layer is a BN, called `bn3`. Its offset starts at 0; we set its factor to 0
# too.
# **Predict** what the block makes of x, the output of the previous block's ReLU:

# %%
from resnet_lib.exercises import Prediction, ask

ask("02.nothing")

# %%
from resnet_lib import BTNK2

x, how = block_input("coffee", C=256, W=56)
print(tuple(x.shape))
print(how)

block = BTNK2(256)
nn.init.zeros_(block.bn3.weight)
with torch.no_grad():
    print("the block returns its input exactly:", torch.equal(block(x), x))

# %% [markdown]
# When nothing should change, a factor of 0 in F's last BN is enough.
#
# In this lesson you build that block. Its input x has 256 channels of 56 × 56, as in Stage 1 of ResNet-50.
#
# ## 2 · F(x): squeeze, look, widen
#
# F has three convolutions, a 1×1 from 256 to 64 channels, a 3×3 from 64 to 64 and a 1×1 from 64 to 256. They form a
# *bottleneck*, which gives the block its name: BTNK is short for it. **Predict** which has most weights:

# %%
ask("02.most")

# %% [markdown]
# **First a 1×1 convolution from 256 to 64 channels.** It looks at one position at a time and makes 64 mixtures of the
# 256 numbers there. It cannot see neighbours; it only makes the next step cheap. (BN and ReLU are left out here: they
# do not change the shape.)

# %%
squeeze = nn.Conv2d(256, 64, kernel_size=1, bias=False)
f = squeeze(x)
print(tuple(f.shape), f"  {squeeze.weight.numel():,} weights")

# %% [markdown]
# **Then a 3×3 convolution on those 64 channels.** This is the only part of F that looks at neighbours. Padding 1 keeps
# the size.

# %%
look = nn.Conv2d(64, 64, kernel_size=3, padding=1, bias=False)
f = look(f)
print(tuple(f.shape), f"  {look.weight.numel():,} weights")

# %% [markdown]
# **Then a 1×1 convolution back to 256 channels**, so that x can be added.

# %%
widen = nn.Conv2d(64, 256, kernel_size=1, bias=False)
f = widen(f)
print(tuple(f.shape), f"{widen.weight.numel():,} weights")

# %% [markdown]
# In the letters of the course: C = 256 input channels, **C1** = C/4 = 64 channels inside, and C output channels. BN
# follows each convolution, and a ReLU follows the first two BNs.
#
# | F(x), the main path | shape |
# | --- | --- |
# | x | (C, W, W) |
# | CONV 1×1, C → C/4, BN, ReLU | (C/4, W, W) |
# | CONV 3×3, C/4 → C/4, padding 1, BN, ReLU | (C/4, W, W) |
# | CONV 1×1, C/4 → C, BN | (C, W, W) |
# | **then** y = ReLU(F(x) + x) | (C, W, W) |
#
# **Predict** how much more a single 3×3 on all channels would need:

# %%
ask("02.direct")

# %%
bottleneck = squeeze.weight.numel() + look.weight.numel() + widen.weight.numel()
direct = nn.Conv2d(256, 256, kernel_size=3, padding=1, bias=False).weight.numel()
print(f"bottleneck, all three convolutions: {bottleneck:7,} weights")
print(f"one 3×3 from 256 to 256 channels:   {direct:7,} weights")

# %% [markdown]
# **Why C/4?** With r = C1/C, the three convolutions have r · C², 9r² · C² and r · C² weights. At r = 1/4 that is 17/16
# of C²: a whole block for about the price of one 1×1 from C to C channels. A quarter is the paper's choice and not a
# law: lesson 05 shows a network with C/2.
#
# <details><summary>And a half, or an eighth?</summary>At r = 1/2 it is 13/4 of C², three times as many. At r = 1/8 it
# is 25/64, but only C/8 channels are left to look at neighbours.</details>
#
# ### Exercise 1 · predict the shapes
# ● of ●●● · important · 5 minutes
#
# The input of a BTNK2 is (1024, 14, 14), as in Stage 3. What is the shape after each of its convolutions, and at the
# end? Replace each `...` with (channels, height, width).
#
# <details><summary>Hint: my width shrinks from step to step</summary>Put padding 1, kernel 3 and stride 1 into the rule of
# lesson 01: ⌊(14 + 2 − 3)/1⌋ + 1.</details>

# %% tags=["exercise"]
# Exercise 1: shapes in BTNK2(1024) at W = 14.
prediction = {"conv1": ..., "conv2": ..., "conv3": ..., "y": ...}

# %% tags=["solution"]
prediction = {"conv1": (256, 14, 14), "conv2": (256, 14, 14), "conv3": (1024, 14, 14), "y": (1024, 14, 14)}

# %%
from resnet_lib.exercises import predict, shape_question

steps = "conv1 conv2 conv3 y".split()
predict({step: shape_question("BTNK2", C=1024, W=14, after=step) for step in steps}, prediction, exercise="02.1")

# %% [markdown]
# ## 3 · The sum needs equal shapes
#
# F(x) + x adds number to number: channel to channel, row to row, column to column. Leave out the padding of the 3×3,
# and see what happens.

# %%
no_padding = nn.Conv2d(64, 64, kernel_size=3, bias=False)
f = widen(no_padding(squeeze(x)))
print("F(x)", tuple(f.shape))
print("x   ", tuple(x.shape))
try:
    f + x
except RuntimeError as error:
    print("PyTorch says:", error)

# %% [markdown]
# Now F's last convolution outputs 128 channels instead of 256. PyTorch counts dimensions from 0, the batch included.
# **Predict** which one it names:

# %%
ask("02.dimension")

# %%
too_few = nn.Conv2d(64, 128, kernel_size=1, bias=False)
f = too_few(look(squeeze(x)))
print("F(x)", tuple(f.shape))
print("x   ", tuple(x.shape))
try:
    f + x
except RuntimeError as error:
    print("PyTorch says:", error)

# %% [markdown]
# These errors help you. The dangerous case is the one that runs. PyTorch stretches a dimension of size 1 to fit any
# other, which is called *broadcasting*:

# %%
one_channel = nn.Conv2d(64, 1, kernel_size=1, bias=False)
f = one_channel(look(squeeze(x)))
print("F(x)", tuple(f.shape))
print("sum ", tuple((f + x).shape), "and no complaint")

# %% [markdown]
# The same single map was added to all 256 channels. Print shapes *before* a sum, not after it.
#
# So far C1 was C/4, and F's 4·C1 output channels were C. In these three blocks C1 is free, and x itself is added.
# **Predict** which of them cannot work:

# %%
from resnet_lib.exercises import illegal_question
from resnet_lib.explorers.block_design import BlockDesign

Prediction(
    illegal_question(
        BlockDesign("BTNK2", C=256, W=56, C1=64),
        BlockDesign("BTNK2", C=256, W=56, C1=128),
        BlockDesign("BTNK2", C=512, W=28, C1=128),
    )
)

# %% [markdown]
# ## 4 · Why no bias?
#
# A convolution can add a constant, its bias, to each of its channels. The next step is BN, which subtracts each
# channel's mean. **Predict** what remains of a bias of 5:

# %%
ask("02.bias")

# %%
with_bias = nn.Conv2d(256, 64, kernel_size=1)
without = nn.Conv2d(256, 64, kernel_size=1, bias=False)
without.weight = with_bias.weight
nn.init.constant_(with_bias.bias, 5.0)
bn = nn.BatchNorm2d(64)

with torch.no_grad():
    a, b = with_bias(x), without(x)
    print(f"before BN they differ by {(a - b).abs().max():.6f}")
    print(f"after BN they differ by  {(bn(a) - bn(b)).abs().max():.6f}")

# %% [markdown]
# <details><summary>What you can see</summary>Nothing but rounding. The constant shifts the mean by the same constant, and
# BN subtracts the mean. BN adds its own offset afterwards, which does count. That is why every convolution in ResNet has
# <code>bias=False</code>.</details>
#
# ## 5 · Where the last ReLU goes
#
# F ends with BN, *without* a ReLU. The ReLU comes after the sum. Would it matter if F also ended with one?
#
# Then F(x) could never be negative, and a block could only add to x, never subtract. Such a network trains, and ends up
# worse (measured by He et al. 2016, arXiv 1603.05027, section 4.1). The next cell stacks 12 blocks of each kind and
# prints the mean after each block. **Predict** what happens to it:

# %%
ask("02.means")


# %%
class Adds(BTNK2):
    """BTNK2 with a ReLU before the sum: a mistake."""

    def forward(self, x):
        f = self.relu2(self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x))))))
        f = torch.relu(self.bn3(self.conv3(f)))
        return self.relu3(f + x)


small, _ = block_input("coffee", C=64, W=28)
for kind in (BTNK2, Adds):
    y, means = small, []
    with torch.no_grad():
        for _ in range(12):
            y = kind(64)(y)
            means.append(y.mean().item())
    print(f"{kind.__name__:6}", "  ".join(f"{m:.2f}" for m in means))

# %% [markdown]
# **What do you see?** Compare how the two rows grow.
#
# <details><summary>What you can see</summary>
#
# With the ReLU before the sum, the mean grows by the same amount in every block, without end: each F adds about 0.4 and
# none can subtract it. In BTNK2 the mean grows as well, because the outer ReLU cuts off the negative side of the sum,
# but more and more slowly: F both adds and subtracts.
# </details>
#
# ## 6 · Build it
#
# ### Exercise 2 · write BTNK2
# ●● of ●●● · the heart of the lesson · 20 minutes
#
# Write `MyBTNK2(C)` following the table in section 2, for any C divisible by 4. Use these names, in this order:
# `conv1, bn1, relu1, conv2, bn2, relu2, conv3, bn3, relu3`.
#
# Make each ReLU a separate module.
#
# <details><summary>Hint: the two terms of the sum differ by 2 in width</summary>The 3×3 needs
# <code>padding=1</code>.</details>
# <details><summary>Hint: a layer has the wrong number of input or output channels</summary>The input channels of each
# layer are the output channels of the previous one: C → C // 4 → C // 4 → C.</details>
# <details><summary>Hint: the check says there is a bias</summary>All three convolutions need
# <code>bias=False</code>.</details>
# <details><summary>Hint: nothing is added to F(x), or F(x) to itself</summary>Keep the name x for the input: call the
# values inside F <code>f</code>, and add <code>f + x</code> at the end.</details>


# %% tags=["exercise"]
# Exercise 2: the identity block.
class MyBTNK2(nn.Module):
    def __init__(self, C):
        super().__init__()
        ...  # your code here

    def forward(self, x):  # (C, W, W)
        return ...  # your code here: first f, then the sum with x, then ReLU


# %% tags=["solution"]
class MyBTNK2(nn.Module):
    def __init__(self, C):
        super().__init__()
        C1 = C // 4
        self.conv1 = nn.Conv2d(C, C1, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(C1)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(C1, C1, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(C1)
        self.relu2 = nn.ReLU()
        self.conv3 = nn.Conv2d(C1, C, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(C)
        self.relu3 = nn.ReLU()

    def forward(self, x):  # (C, W, W)
        f = self.relu1(self.bn1(self.conv1(x)))  # (C/4, W, W)
        f = self.relu2(self.bn2(self.conv2(f)))  # (C/4, W, W)
        f = self.bn3(self.conv3(f))  # (C, W, W): F(x), no ReLU yet
        return self.relu3(f + x)  # (C, W, W)


# %% [markdown]
# The check gives your block the weights of the library's BTNK2 and compares the numbers, for several C, in `eval()` and
# in training mode. If the numbers differ, it tries the usual mistakes in the library's block, one after the other: the
# mistake that produces your numbers is the one to fix.

# %%
from resnet_lib.exercises import check_btnk2, yours

names = "conv1 bn1 relu1 conv2 bn2 relu2 conv3 bn3 relu3".split()
check_btnk2(MyBTNK2, names=names, exercise="02.2")

# %% [markdown]
# ### Drag your own
#
# What you have built goes into the instrument, beside the library's blocks: the button with its name is pressed. (While
# exercise 2 is open, this is the library's block.)
#
# 1. Double **C**. By what factor do the parameters grow?
# 2. Move **C1** or **S**. What happens, and why?

# %%
BottleneckExplorer(yours("MyBTNK2"), C=256, W=28, C1=64, picture="cat")

# %% [markdown]
# <details><summary>Answers</summary>
#
# 1. By nearly four: the convolutions have 17/16 · C² weights, while the BNs only double.
# 2. Nothing: `MyBTNK2` takes neither. (The library's takes both, and then F(x) and x can no longer be added.)
# </details>
#
# ### Look inside
#
# Now look at the two terms of the sum, the sum, and the sum after the ReLU. The weights are random: you see what the
# *structure* does, not what training would do.

# %%
block = yours("MyBTNK2")(256)
with torch.no_grad():
    f = block.relu1(block.bn1(block.conv1(x)))
    f = block.relu2(block.bn2(block.conv2(f)))
    f = block.bn3(block.conv3(f))
    total = f + x
    y = block.relu3(total)
for name, t in [("x", x), ("F(x)", f), ("sum", total), ("y", y)]:
    print(f"{name:5} {tuple(t.shape)}  mean {t.mean().item():5.2f}  min {t.min().item():5.2f}")

# %%
print("rows: x, F(x), F(x) + x, y = ReLU(…); columns: channels 0 to 3")
show_maps(torch.cat([t[0, :4] for t in (x, f, total, y)]), count=16, tile=112)

# %% [markdown]
# **What do you see?** Go down each column. Where does the third row resemble the first, and where the second?
#
# <details><summary>What you can see</summary>
#
# - x has no blue: it is the output of a ReLU. F(x) has red and blue, since BN centred it on 0 and no ReLU followed.
# - The sum shows both. Where x is 0, you see F(x) alone; where x is strong, F(x) adds shades to it.
# - The last row is the third without its blue. The content of x is still there: the block changed it and did not
#   replace it.
# </details>
#
# ### The same weights at any size
#
# Nothing in the block depends on W. The weights you just used at 56 work at any size:

# %%
with torch.no_grad():
    for W in (56, 31, 7, 1):
        print(W, "→", tuple(block.eval()(torch.randn(1, 256, W, W)).shape))

# %% [markdown]
# ## 7 · Read the library's BTNK2
#
# The check has compared the numbers. Now read the library's block: its parts, and its `forward`, which BTNK2 shares
# with the block of lesson 03 (hence the S in the comments; here it is 1). Two things differ from yours: the shortcut is a
# named part (`nn.Identity()`, which returns its input unchanged), and so is the sum (`self.add`). Lesson 03 shows why
# that is useful: only the shortcut has to be replaced.

# %%
import inspect

from resnet_lib import Bottleneck

print(BTNK2(256))
print(inspect.getsource(Bottleneck.forward))

# %% [markdown]
# ## 8 · Bottleneck against basic block
#
# The smaller ResNets, 18 and 34, use a simpler block: two 3×3 convolutions and a shortcut. (Figure 5 of the paper shows
# both.) **Predict** which costs more:

# %%
ask("02.basic")

# %%
from resnet_lib import BasicBlock, anatomy

for block in (BasicBlock(256), BTNK2(256)):
    print(anatomy(block, 56))
    print()

# %% [markdown]
# **What do you see?** How many times more does the basic block cost? And which layer has most of the bottleneck's MACs?
#
# <details><summary>What you can see</summary>
#
# The basic block has about 17 times the parameters and 17 times the MACs. In the bottleneck the 3×3 has a little more
# than half of all MACs although it sees only 64 channels: each of its outputs needs nine positions.
#
# The bottleneck pays for that: it looks at neighbours once instead of twice ("sees" says 3 instead of 5), and only
# through 64 channels.
# </details>
#
# At equal *cost* the bottleneck is the wider block: with 256 channels it costs about as much as a basic block with 64.
# This is the pair in the paper's Figure 5.

# %%
for block in (BasicBlock(64), BTNK2(256)):
    a = anatomy(block, 56)
    print(f"{a.title:10} C = {a.input[0]:3}: {a.parameters:6,} parameters, {a.macs:11,} MACs")

# %% [markdown]
# ### Exercise 3 · count the parameters
# ●● of ●●● · important · 15 minutes
#
# Write two functions that return the number of parameters of a BTNK2 and of a basic block with C channels, BNs
# included, without building the blocks. The tables above show which layers there are, and the numbers for C = 256.
#
# A k×k convolution from A to B channels without bias has k·k·A·B parameters; a BN of B channels has 2·B.
#
# The cell also prints a question about one block. Use your function for it, and put the answer into `own`.
#
# <details><summary>Hint: my result is a little too low or too high</summary>The BNs: three in the bottleneck, with C/4,
# C/4 and C channels; two in the basic block.</details>
# <details><summary>Hint: my result ends in .0</summary>C/4 with one slash is a float. Write
# <code>C // 4</code>.</details>
# <details><summary>Hint: how many terms does the bottleneck have?</summary>Convolutions: C·C/4, 9·C/4·C/4, C/4·C.
# Together (4 + 9 + 4)/16 · C² = 17/16 · C².</details>


# %% tags=["exercise"]
# Exercise 3: parameters by formula.
from resnet_lib.exercises import ask_own


def btnk2_parameters(C):
    return ...  # your formula here


def basic_parameters(C):
    return ...  # your formula here


me = ""  # in a course: your name, as in the name of the file that you hand in; otherwise leave it empty
ask_own("02", me)
own = ...


# %% tags=["solution"]
def btnk2_parameters(C):
    C1 = C // 4
    convolutions = C * C1 + 9 * C1 * C1 + C1 * C
    norms = 2 * (C1 + C1 + C)
    return convolutions + norms


def basic_parameters(C):
    return 2 * 9 * C * C + 2 * (C + C)


me = ""  # in a course: your name, as in the name of the file that you hand in; otherwise leave it empty
own = btnk2_parameters(256)


# %%
from IPython.display import display

from resnet_lib.exercises import check_own, check_parameters

display(check_parameters("BTNK2", btnk2_parameters))
check_parameters("basic", basic_parameters, exercise="02.3")

# %%
check_own("02", me, own)

# %%
bottleneck, basic = yours("btnk2_parameters"), yours("basic_parameters")
for C in (64, 256, 512, 1024, 2048):
    a, b = bottleneck(C), basic(C)
    print(f"C = {C:4}: bottleneck {a:9,}  basic {b:10,}  ratio {b / a:.1f}")

# %% [markdown]
# The ratio is close to 18 ÷ (17/16) = 16.9 for any C. This is why networks deeper than 34 layers are built from
# bottlenecks.
#
# ## Common mistakes
#
# - **Overwriting x.** `x = self.conv1(x)` and later `x + x`: it runs, and doubles F instead of adding the input.
# - **One ReLU module for all three places.** The output is the same. But when you later want to see "the output of the
#   ReLU", there are three answers and one name.
# - **`nn.ReLU(inplace=True)`.** It saves memory by overwriting. If you kept the BN's result, you now find the ReLU's instead.
# - **C not divisible by 4.** C // 4 silently rounds down. The library raises an error that says why:

# %%
try:
    BTNK2(30)
except ValueError as error:
    print(error)

# %% [markdown]
# ## Summary
#
# - BTNK2: (C, W, W) → (C, W, W), y = ReLU(F(x) + x). F squeezes to C/4 channels, looks at neighbours, widens to C.
# - Doing nothing is easy: F(x) = 0 gives y = x.
# - A sum needs equal shapes. So an identity shortcut works only in blocks that keep their shape.
# - BN follows every convolution and makes a bias useless. ReLU follows the first two BNs and the sum.
# - A bottleneck has about 17/16 · C² weights, a basic block 18 · C²: at equal width, the basic block has 17 times as
#   many.
#
# ## Recall
#
# 1. What does a BTNK2 compute if all weights of its last BN are zero, and x is the output of a ReLU?
# <details><summary>Answer</summary>x itself. (Factor and offset of that BN are both 0, so F(x) = 0.)</details>
#
# 2. Why is there no ReLU at the end of F?
# <details><summary>Answer</summary>F could then only add to x and never subtract; the values would grow from block to
# block.</details>
#
# 3. What are C1 and the shapes inside BTNK2 for an input of (512, 28, 28)?
# <details><summary>Answer</summary>C1 = 128: (128, 28, 28) after the first and second convolution, (512, 28, 28) after the
# third.</details>
#
# 4. Why does a convolution before BN need no bias?
# <details><summary>Answer</summary>BN subtracts each channel's mean, and a constant shifts the mean by exactly that
# constant.</details>
#
# 5. W goes from 56 to 28. What happens to parameters and MACs of a BTNK2?
# <details><summary>Answer</summary>The parameters stay the same, and the MACs fall to a quarter.</details>
#
# ## What comes next
#
# [03 · BTNK1, the projection block](03_btnk1.ipynb): what to do when the shape has to change.

# %% [markdown] tags=["instructor"]
# ### Minute by minute
#
# | minutes | what |
# | --- | --- |
# | 10 | Section 1: why a shortcut; what does a block have to learn in order to do nothing? |
# | 5 | Section 2 |
# | 5 | Exercise 1 |
# | 10 | Sections 3 to 5: equal shapes, no bias, the last ReLU |
# | 20 | Exercise 2 |
# | 5 | Look inside, and section 7: the library's source |
# | 15 | Exercise 3 |
# | 5 | Recall |
#
# ### Ask before you show
#
# - Before W moves: "Which numbers of the diagram stay?" (All parameters.)
# - Before C1 doubles: "Which two shapes will disagree?" Read the explorer's sentence aloud afterwards.
# - Before section 5's table: "What happens to the mean if F can only add?"
#
# ### What they may think
#
# - *The shortcut is a trick for speed.* It costs nothing and saves nothing; it changes what is easy to learn.
# - *The bottleneck is thin, hence weak.* At equal cost it is the wider block. Show the pair 64 against 256.
# - *W is part of the block.* Run one block at 56, 31, 7 and 1.
#
# ### On the projector
#
# The first BottleneckExplorer, at a trained block. Look at F, the sum and y in turn, one channel at a time, until a student
# finds a channel in which F subtracted from x.
