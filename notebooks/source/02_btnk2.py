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
# **At the end of this lesson you can**
# - say why a block computes F(x) + x and not just F(x),
# - build BTNK2, the identity block of ResNet-50, and explain each of its steps,
# - tell from the shapes whether a sum is possible,
# - show why a convolution before BN needs no bias,
# - compare what a bottleneck and a basic block cost.
#
# **You need** [lesson 01](01_stem.ipynb): convolution, BN and ReLU, the output-size rule, and what a MAC is.
#
# **Time:** about 75 minutes to work through. Running every cell takes about 10 seconds on a slow laptop.
#
# **A new word?** The [glossary](glossary.ipynb) has it, most of this lesson's under
# [Blocks](glossary.ipynb#Blocks).

# %%
import torch
from torch import nn

from resnet_lib.exercises import Progress
from resnet_lib.photos import block_input
from resnet_lib.views import show_maps

_ = torch.manual_seed(0)  # the same random weights at every run
Progress("02", exercises=3)

# %% [markdown]
# ## 1 · Why a shortcut?
#
# More layers should not hurt. A deeper network could copy a shallower one and let its additional layers do nothing. But
# training does not find that. In the paper (He et al. 2015, arXiv 1512.03385, Figure 1) a plain network of 56 layers, one
# layer after the other, ends with a *higher training error* than one of 20. It is not overfitting: the deep one is worse on
# its own training pictures. Doing nothing turns out to be hard to learn.
#
# So make it easy. Take a few layers as a **block**, and call what they compute F(x). Give every block a **shortcut** past
# its layers, and add the x that comes along it:
#
# $$y = \mathrm{ReLU}(F(x) + x)$$
#
# F now has to learn only what should *change*. (That difference is called the residual; hence the name ResNet. This is
# equation (1) of the paper.) And when nothing should change, F needs to give 0, for which it is enough that weights become
# small.
#
# Watch it. This is a block with random weights. F ends with a BN, `bn3`; here its factor is 0, and so is its offset from
# the start. So F(x) = 0. **Predict:** will the block give back x exactly, although a ReLU ends it?

# %%
from resnet_lib import BTNK2

x, how = block_input("coffee", C=256, W=56)
print(tuple(x.shape))
print(how)

block = BTNK2(256)
nn.init.zeros_(block.bn3.weight)
with torch.no_grad():
    print("the block gives back its input exactly:", torch.equal(block(x), x))

# %% [markdown]
# Why did the ReLU not change x?
#
# <details><summary>Answer</summary>x comes out of another ReLU, at the end of the block before. It holds no negative
# numbers, and ReLU leaves the others alone.</details>
#
# In this lesson you build that block. x is what it works on: 256 channels of 56 × 56, as they arrive in Stage 1 of
# ResNet-50.
#
# ## 2 · F(x): squeeze, look, widen
#
# F has three convolutions. They form a bottleneck, which gives the block its name.
#
# **First a 1×1 convolution from 256 to 64 channels.** It looks at one position at a time and makes 64 mixtures of the 256
# numbers there. It cannot see neighbours. It only makes the next step cheap. (BN and ReLU are left out here: they change no
# shape.) **Predict** the shape and the number of weights, here and in the next two cells.

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
# In the letters of the course: C = 256 channels come in, **C1** = C/4 = 64 are inside, C come out. After each convolution
# comes BN, and after the first two a ReLU.
#
# | F(x), the main path | shape |
# | --- | --- |
# | x | (C, W, W) |
# | CONV 1×1, C → C/4, BN, ReLU | (C/4, W, W) |
# | CONV 3×3, C/4 → C/4, padding 1, BN, ReLU | (C/4, W, W) |
# | CONV 1×1, C/4 → C, BN | (C, W, W) |
# | **then** y = ReLU(F(x) + x) | (C, W, W) |
#
# **Predict:** how many times as many weights would one 3×3 on all 256 channels have?

# %%
bottleneck = squeeze.weight.numel() + look.weight.numel() + widen.weight.numel()
direct = nn.Conv2d(256, 256, kernel_size=3, padding=1, bias=False).weight.numel()
print(f"bottleneck, all three convolutions: {bottleneck:7,} weights")
print(f"one 3×3 from 256 to 256 channels:   {direct:7,} weights")

# %% [markdown]
# ### Exercise 1 · predict the shapes
# ● of ●●● · important · 5 minutes
#
# A BTNK2 is given (1024, 14, 14), as in Stage 3. Which shape comes after each of its convolutions, and at the end?
# Replace each `None` by (channels, height, width).
#
# <details><summary>Hint: my width shrinks from step to step</summary>Put padding 1, kernel 3 and stride 1 into the rule of
# lesson 01: ⌊(14 + 2 − 3)/1⌋ + 1.</details>

# %% tags=["exercise"]
# Exercise 1: shapes in BTNK2(1024) at W = 14.
prediction = {"conv1": None, "conv2": None, "conv3": None, "y": None}
raise NotImplementedError("Exercise 1: replace each None, then remove this line")

# %% tags=["solution"]
prediction = {"conv1": (256, 14, 14), "conv2": (256, 14, 14), "conv3": (1024, 14, 14), "y": (1024, 14, 14)}

# %%
from resnet_lib.exercises import predict, shape_question

steps = "conv1 conv2 conv3 y".split()
predict({step: shape_question("BTNK2", C=1024, W=14, after=step) for step in steps}, prediction, exercise="02.1")

# %% [markdown]
# ## 3 · The sum wants equal shapes
#
# F(x) + x adds number to number: channel to channel, row to row, column to column. Leave out the padding of the 3×3, and
# see.

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
# **Predict:** now F's last convolution gives 128 channels in place of 256. Which number will PyTorch complain about?

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
# "Dimension 1" is the channels, 128 against 256. Dimension 0 is the batch, 2 and 3 are height and width.
#
# These errors are your friends. The dangerous case is the one that runs. PyTorch stretches a dimension of size 1 to fit
# any other, which is called *broadcasting*:

# %%
one_channel = nn.Conv2d(64, 1, kernel_size=1, bias=False)
f = one_channel(look(squeeze(x)))
print("F(x)", tuple(f.shape))
print("sum ", tuple((f + x).shape), "and no complaint")

# %% [markdown]
# The same single map was added to all 256 channels. Print shapes *before* a sum, not after it.
#
# **Predict:** three blocks with C1 channels inside, whose F gives out 4·C1; x itself is added. One of them cannot work.

# %%
from resnet_lib.exercises import Prediction, illegal_question
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
# A convolution can add a constant to each of its channels, its bias. The next step is BN, which subtracts each channel's
# mean. **Predict:** what is left of a bias of 5?

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
# Nothing but rounding. The constant moves the mean by the same constant, and BN takes the mean away. BN has an offset of
# its own, which comes after and does count. That is why every convolution in ResNet says `bias=False`.
#
# ## 5 · Where the last ReLU goes
#
# F ends with BN, *without* a ReLU. The ReLU comes after the sum. Would it matter if F had its own at the end?
#
# Then F(x) could never be negative, and a block could only add to x, never take away. Let us stack 12 blocks of both kinds
# and print the mean after each. **Predict:** which of the two means grows faster, and does the other stand still?


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
# <details><summary>What there is to see</summary>
#
# With the ReLU before the sum the mean grows by the same amount in every block, forever: each F adds about 0.4 and none
# can take it back. In BTNK2 it grows as well, because the outer ReLU cuts off the negative side of the sum, but more
# and more slowly: F adds and takes away.
# </details>
#
# ## 6 · Build it
#
# ### Exercise 2 · write BTNK2
# ●● of ●●● · the heart of the lesson · 20 minutes
#
# Write `MyBTNK2(C)` by the table of section 2, for any C that 4 divides. Use these names, in this order:
# `conv1, bn1, relu1, conv2, bn2, relu2, conv3, bn3, relu3`.
#
# Make each ReLU a module of its own, though they have no weights. Then each has a name, and you can look at what comes out
# of it.
#
# <details><summary>Hint: the two terms of the sum differ by 2 in width</summary>The 3×3 needs
# <code>padding=1</code>.</details>
# <details><summary>Hint: a layer takes or gives the wrong number of channels</summary>Each layer takes what the one before
# it gives: C → C // 4 → C // 4 → C.</details>
# <details><summary>Hint: nothing is added to F(x), or F(x) to itself</summary>Keep x under its own name: call what flows
# through F <code>f</code>, and add <code>f + x</code> at the end.</details>


# %% tags=["exercise"]
# Exercise 2: the identity block.
class MyBTNK2(nn.Module):
    def __init__(self, C):
        super().__init__()
        # your code here

    def forward(self, x):  # (C, W, W)
        # your code here: f = ..., then the sum with x, then ReLU
        return x  # (C, W, W)


raise NotImplementedError("Exercise 2: fill in MyBTNK2, then remove this line")


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
# The check gives your block the weights of the library's BTNK2 and compares the numbers, for several C, in `eval()` and in
# training mode. Where they differ it plants the usual mistakes into the library's block, one after the other: the one that
# gives your numbers is what is wrong.

# %%
from resnet_lib.exercises import check_btnk2

names = "conv1 bn1 relu1 conv2 bn2 relu2 conv3 bn3 relu3".split()
check_btnk2(MyBTNK2, names=names, exercise="02.2")

# %% [markdown]
# ### Look inside
#
# Now the two terms of the sum, the sum, and what the ReLU leaves of it. The weights are random: you see what the
# *structure* does, not what training would do.

# %%
block = MyBTNK2(256)
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
# **What do you see?** Go down each column. Where does the third row resemble the first, where the second?
#
# <details><summary>What there is to see</summary>
#
# - x has no blue: it comes out of a ReLU. F(x) has red and blue, since BN centred it on 0 and no ReLU followed.
# - The sum shows both. Where x is 0, you see F(x) alone; where x is strong, F(x) adds shades to it.
# - The last row is the third without its blue. What x brought along is still there: the block changed it and did not
#   replace it.
# </details>
#
# ### The same weights at any size
#
# Nothing in the block knows W. The weights you just used at 56 work anywhere:

# %%
with torch.no_grad():
    for W in (56, 31, 7, 1):
        print(W, "→", tuple(block.eval()(torch.randn(1, 256, W, W)).shape))

# %% [markdown]
# ## 7 · Compare with the library's BTNK2
#
# As in lesson 01, by hand: the same weights by name, BNs with values that do something, both in `eval()`.


# %%
def stir(module):
    """Give every BN of the module values as a trained one might have."""
    for m in module.modules():
        if isinstance(m, nn.BatchNorm2d):
            nn.init.uniform_(m.weight, 0.5, 1.5)
            nn.init.uniform_(m.bias, -0.5, 0.5)
            nn.init.uniform_(m.running_mean, -0.5, 0.5)
            nn.init.uniform_(m.running_var, 0.5, 1.5)
    return module


theirs = stir(BTNK2(256)).eval()
mine = MyBTNK2(256).eval()

print(mine.load_state_dict(theirs.state_dict()))
with torch.no_grad():
    print("largest difference:", (mine(x) - theirs(x)).abs().max().item())

# %% [markdown]
# Your block *is* BTNK2. Now read the library's: its parts, and its `forward`, which BTNK2 shares with the block of lesson 03
# (therefore the S in the comments; here it is 1). Two things are different from yours: the shortcut is a part with a name
# (`nn.Identity()`, which gives back what it gets), and so is the sum (`self.add`). In lesson 03 you will see what that is
# good for: only the shortcut will have to be replaced.

# %%
import inspect

from resnet_lib import Bottleneck

print(BTNK2(256))
print(inspect.getsource(Bottleneck.forward))

# %% [markdown]
# ## 8 · Bottleneck against basic block
#
# The smaller ResNets, 18 and 34, use a simpler block: two 3×3 convolutions and a shortcut. (Figure 5 of the paper shows
# both.) **Predict:** which of the two costs more at equal width, C = 256 and W = 56, and how many times as much?

# %%
from resnet_lib import BasicBlock, anatomy

for block in (BasicBlock(256), BTNK2(256)):
    print(anatomy(block, 56))
    print()

# %% [markdown]
# **What do you see?** How many times as much does the basic block cost? And which layer has most of the bottleneck's MACs?
#
# <details><summary>What there is to see</summary>
#
# About 17 times as many parameters, and 17 times as many MACs. In the bottleneck the 3×3 has a little more than half of
# all MACs although it sees only 64 channels: each of its outputs needs nine positions.
#
# What the bottleneck gives up: it looks at neighbours once instead of twice ("sees" says 3 instead of 5), and only
# through 64 channels.
# </details>
#
# At equal *cost* the bottleneck is the wider one: with 256 channels it costs about as much as a basic block with 64. That
# is the pair the paper draws in its Figure 5.

# %%
for block in (BasicBlock(64), BTNK2(256)):
    a = anatomy(block, 56)
    print(f"{a.title:10} C = {a.input[0]:3}: {a.parameters:6,} parameters, {a.macs:11,} MACs")

# %% [markdown]
# ### Exercise 3 · count the parameters
# ●● of ●●● · important · 15 minutes
#
# Write two functions that return the number of parameters of a BTNK2 and of a basic block with C channels, without building
# them, the BNs included. The tables above show which layers there are, and the numbers for C = 256.
#
# A k×k convolution from A to B channels without bias has k·k·A·B parameters; a BN of B channels has 2·B.
#
# <details><summary>Hint: I am a little too low or too high</summary>The BNs: three in the bottleneck, with C/4, C/4 and C
# channels; two in the basic block.</details>
# <details><summary>Hint: I get a number with .0</summary>C/4 with one slash is a float. Write <code>C // 4</code>.</details>
# <details><summary>Hint: how many terms has the bottleneck?</summary>Convolutions: C·C/4, 9·C/4·C/4, C/4·C. Together
# (4 + 9 + 4)/16 · C² = 17/16 · C².</details>


# %% tags=["exercise"]
# Exercise 3: parameters by formula.
def btnk2_parameters(C):
    return None  # your formula here


def basic_parameters(C):
    return None  # your formula here


raise NotImplementedError("Exercise 3: fill in both functions, then remove this line")


# %% tags=["solution"]
def btnk2_parameters(C):
    C1 = C // 4
    convolutions = C * C1 + 9 * C1 * C1 + C1 * C
    norms = 2 * (C1 + C1 + C)
    return convolutions + norms


def basic_parameters(C):
    return 2 * 9 * C * C + 2 * (C + C)


# %%
from IPython.display import display

from resnet_lib.exercises import check_parameters

display(check_parameters("BTNK2", btnk2_parameters))
check_parameters("basic", basic_parameters, exercise="02.3")

# %%
for C in (64, 256, 512, 1024, 2048):
    a, b = btnk2_parameters(C), basic_parameters(C)
    print(f"C = {C:4}: bottleneck {a:9,}  basic {b:10,}  ratio {b / a:.1f}")

# %% [markdown]
# The ratio is close to 18 : 17/16, or 16.9, whatever C is. This is why networks deeper than 34 layers are made of
# bottlenecks.
#
# ## 9 · Play with it
#
# The explorer starts with the block of this lesson. Every edge of the diagram carries its shape. (Leave BTNK1, v1 and v1.5
# alone: they are lesson 03's.) Predict before you move a control:
#
# 1. Change **W** alone. What happens to parameters, and what to MACs?
# 2. Double **C**. C1 follows. How many times as many parameters?
# 3. Set **C1** to 128. Which two shapes disagree? Press the button that mends it.
# 4. Set **S** to 2. What would have to happen to x?
# 5. *Look at* "F: bn3 = F(x)", then at "the sum, before ReLU", then at "y". Find a channel in which F took away from x.

# %%
from resnet_lib.explorers import BottleneckExplorer

BottleneckExplorer(block="BTNK2", C=256, W=56, C1=64, S=1)

# %% [markdown]
# <details><summary>Answers</summary>
#
# 1. Parameters stay. MACs go with W²: half the width, a quarter of the MACs.
# 2. Nearly four times: the convolutions have 17/16 · C² weights, while the BNs only double.
# 3. F(x) has 4 · 128 = 512 channels and x has 256.
# 4. It would have to become half as wide, or F(x) and x cannot be added. That is what lesson 03 is about.
# 5. Look for blue in F(x) where x is bright: there y is darker than x.
# </details>
#
# ## Common mistakes
#
# - **ReLU before the sum.** F could only add, as section 5 shows. No shape tells you; only comparing numbers does.
# - **Overwriting x.** `x = self.conv1(x)` and later `x + x`: it runs, and doubles F in place of adding the input.
# - **Forgetting `padding=1`.** F(x) is two pixels too small, and the sum fails.
# - **One ReLU module for all three places.** It computes the same. But when you later want to see "what comes out of the
#   ReLU", there are three answers and one name.
# - **`inplace=True`.** It saves memory by overwriting. Whoever looked at the BN's result then finds the ReLU's instead.
# - **C that 4 does not divide.** C // 4 quietly rounds down. The library refuses in words:

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
# - A sum wants equal shapes. So an identity shortcut works only in blocks that keep their shape.
# - BN follows every convolution and makes a bias useless. ReLU follows the first two BNs and the sum.
# - A bottleneck has about 17/16 · C² weights, a basic block 18 · C²: at equal width, 17 times as many.
#
# ## Recall
#
# 1. What does a BTNK2 compute if all weights of its last BN are zero, and x comes out of a ReLU?
# <details><summary>Answer</summary>x itself. (Factor and offset of that BN are both 0, so F(x) = 0.)</details>
#
# 2. Why is there no ReLU at the end of F?
# <details><summary>Answer</summary>F could then only add to x and never take away; the values would grow from block to
# block.</details>
#
# 3. What are C1 and the shapes inside BTNK2 for an input of (512, 28, 28)?
# <details><summary>Answer</summary>C1 = 128: (128, 28, 28) after the first and second convolution, (512, 28, 28) after the
# third.</details>
#
# 4. Why does a convolution before BN need no bias?
# <details><summary>Answer</summary>BN subtracts each channel's mean, and a constant moves the mean by itself.</details>
#
# 5. W goes from 56 to 28. What happens to parameters and MACs of a BTNK2?
# <details><summary>Answer</summary>The parameters stay, the MACs become a quarter.</details>
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
# | 5 | Look inside, and section 7: the same numbers as the library's |
# | 15 | Exercise 3 |
# | 5 | Section 9, recall |
#
# ### Ask before you show
#
# - Before W moves: "Which numbers of the diagram stay?" (All parameters.)
# - Before C1 = 128: "Which two shapes will disagree?" Read the explorer's sentence aloud afterwards.
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
# The BottleneckExplorer as BTNK2 with C = 256. Look at F, the sum and y in turn, at one channel, until somebody finds one
# in which F took away from x.
