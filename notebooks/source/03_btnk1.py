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
# # 03 · BTNK1, the projection block
#
# 80 minutes · all cells run in 15 seconds · after [lesson 02](02_btnk2.ipynb) · words: [glossary](glossary.ipynb#Blocks)
#
# Stage 2 of ResNet-50 starts by halving the picture and doubling the channels. But a residual block adds x to F(x), and
# now x has another shape than F(x). **What must change on the shortcut?** Drag first, then you build it.
#
# The instrument begins at such a block of a small *trained* network. If you choose a C, C1 or S that no block of that
# network has, its weights are random; the line below the maps says which you see.

# %%
from resnet_lib.exercises import Progress
from resnet_lib.explorers import BottleneckExplorer

Progress("03", exercises=6)

# %%
BottleneckExplorer("bundled: Stage 2, block 1", weights="trained", picture="cat")

# %% [markdown]
# 1. Choose *random weights*, then set **S** to 1. Which maps get finer? Which does not move, parameters or MACs?
# 2. Set S to 2 again and double **C1**. How many times the parameters: two, four, or in between?
# 3. Switch to **BTNK2**, whose shortcut is x itself. Which two conditions must hold so that the sum works again?
#
# <details><summary>Answers</summary>
#
# 1. Everything from F's 3×3 on, and G(x): they are as wide as x, at four times the MACs. (The total grows 3.2
#    times: F's first convolution stays.) The parameters do not move.
# 2. In between. F's first convolution and G double (C · C1); F's second and third quadruple (C1 · C1).
# 3. S = 1, since nothing shrinks x; and 4 · C1 = C, which you can reach by changing C1 or C.
# </details>
#
# <details><summary>At the end of this lesson you can …</summary>
#
# - decide from two shapes whether a block needs a projection on its shortcut,
# - build BTNK1, $y = \mathrm{ReLU}(F(x) + G(x))$, and say what each of C, W, C1 and S decides,
# - count its parameters with your own formula,
# - explain "v1" and "v1.5", and show which input pixels a strided 1×1 convolution never sees.
# </details>
#
# **What you have just seen.** This block has a convolution on its shortcut, G(x), which changes x to the shape of F(x).
# It is called **BTNK1**, the projection block: (C, W, W) becomes (4 · C1, W/S, W/S). W makes all maps finer or
# coarser; S shrinks F(x), G(x) and y, but not x. A stage begins with it; BTNK2s follow.
#
# ![BTNK1 with C = 256, W = 56, C1 = 128, S = 2: F on the left, a 1×1 convolution of stride 2 and BN on the right, the sum and a ReLU below](images/btnk1.svg)

# %%
import torch
from torch import nn

from resnet_lib.grading import student_numbers
from resnet_lib.photos import block_input
from resnet_lib.views import show_maps

_ = torch.manual_seed(0)  # the same random weights at every run

# %% [markdown]
# ## 1 · Why another block?
#
# The output of BTNK2 has the shape of its input. A network built only of BTNK2 would keep one shape from the first
# block to the last. But a network has to trade *where* for *what*: fewer positions, more channels. Stage 2 of ResNet-50
# starts by turning (256, 56, 56) into (512, 28, 28).
#
# Here is an input of that first shape, made from the photograph of a cat.

# %%
x, how = block_input("cat", C=256, W=56)
print(tuple(x.shape))
print(how)

# %% [markdown]
# F is the bottleneck of lesson 02 with two changes: C1 is chosen freely (128, not C/4), and its 3×3 has stride 2. The
# last convolution still outputs 4 · C1 channels. Stage 3 begins in the same way, with C = 512, W = 28 and C1 = 256.
# **Predict** the shape of F(x) there, the output of `conv3`:

# %%
from resnet_lib.exercises import Prediction, ask, shape_question

Prediction(shape_question("BTNK1", C=512, W=28, C1=256, S=2, after="conv3"))

# %% [markdown]
# And here is F of Stage 2, for our x.

# %%
F_of_x = nn.Sequential(
    nn.Conv2d(256, 128, 1, bias=False),
    nn.BatchNorm2d(128),
    nn.ReLU(),
    nn.Conv2d(128, 128, 3, stride=2, padding=1, bias=False),
    nn.BatchNorm2d(128),
    nn.ReLU(),
    nn.Conv2d(128, 512, 1, bias=False),
    nn.BatchNorm2d(512),
)
f = F_of_x(x)
print("x   ", tuple(x.shape))
print("F(x)", tuple(f.shape))

# %% [markdown]
# Two things now disagree in `f + x`, the channels and the size. **Predict** which of them PyTorch reports:

# %%
ask("03.complaint")

# %%
try:
    f + x
except RuntimeError as error:
    print("PyTorch says:", error)

# %% [markdown]
# PyTorch compares from the last dimension, so it reports the width. The shortcut has to change the shape together with
# F.
#
# The paper (He et al. 2015, arXiv 1512.03385, section 3.3) names two ways. In option A the shortcut keeps every second
# position of x and adds channels of zeros. In option B it learns a **projection** G(x), a 1×1 convolution; that is
# slightly better (Table 3), and ResNet-50 uses it.
#
# So wherever the shapes differ, G(x) replaces x, as in the paper's equation (2).
#
# ## 2 · G(x), one change at a time
#
# **First the channels.** A 1×1 convolution looks at one position at a time, and mixes the channels there into new ones.

# %%
widen = nn.Conv2d(256, 512, kernel_size=1, bias=False)
print(tuple(widen(x).shape))

# %% [markdown]
# **Then the size.** Stride 2 computes every second position, along both sides.

# %%
project = nn.Conv2d(256, 512, kernel_size=1, stride=2, bias=False)
g = project(x)
print(tuple(g.shape))

# %% [markdown]
# Look closely at one number of this result. Channel 5 of the output at row 3, column 4 is a sum of 256 products, all
# from *one* position of x. **Predict** which:

# %%
ask("03.pixel")

# %%
weights = project.weight[5, :, 0, 0]  # 256 weights, one for each channel of x
print("the convolution:           ", g[0, 5, 3, 4].item())
print("by hand, at row 6, column 8:", (weights * x[0, :, 6, 8]).sum().item())

# %% [markdown]
# (The last digits may differ: the two add the same products in a different order.)
#
# Odd rows and columns of x are never read. Section 6 comes back to that.
#
# **Then BN**, as after every convolution of a ResNet. It makes the two terms of the sum similar in size.

# %%
g = nn.BatchNorm2d(512)(g)
print("G(x)", tuple(g.shape))
print("F(x)", tuple(f.shape))
print("sum ", tuple((f + g).shape))

# %% [markdown]
# There is no ReLU in G. As with F, the ReLU waits until after the sum.
#
# ### Exercise 1 · write G
# ● of ●●● · important · 5 minutes
#
# Write `MyProjection(C, C_out, S)`: one 1×1 convolution of stride S, then BN. Use the names `conv` and `bn`, so that
# you can compare it with the library's part later.
#
# <details><summary>Hint: the output is as wide as the input</summary>The convolution has no stride. Give it
# <code>stride=S</code>. Or <code>forward</code> returns x.</details>
# <details><summary>Hint: the check says there is a bias</summary>BN subtracts the mean of every channel, and with it
# any bias, as lesson 02 shows. Set <code>bias=False</code>.</details>


# %% tags=["exercise"]
# Exercise 1: G(x), the projection.
class MyProjection(nn.Module):
    def __init__(self, C, C_out, S):
        super().__init__()
        ...  # your code here: self.conv and self.bn

    def forward(self, x):  # (C, W, W)
        return ...  # your code here: (C_out, W/S, W/S)


# %% tags=["solution"]
class MyProjection(nn.Module):
    def __init__(self, C, C_out, S):
        super().__init__()
        self.conv = nn.Conv2d(C, C_out, kernel_size=1, stride=S, bias=False)
        self.bn = nn.BatchNorm2d(C_out)

    def forward(self, x):  # (C, W, W)
        return self.bn(self.conv(x))  # (C_out, W/S, W/S)


# %%
from resnet_lib.exercises import check_projection, yours

check_projection(MyProjection, names=["conv", "bn"], exercise="03.1")

# %% [markdown]
# ## 3 · The four numbers of BTNK1
#
# | | what it is | what it decides |
# | --- | --- | --- |
# | **C** | input channels | the inputs of F's first 1×1 and of G |
# | **W** | input width and height | nothing in the weights: the same block runs at any W |
# | **C1** | channels inside F | everything in the middle; the output has 4·C1 channels |
# | **S** | stride of the block | the output is W/S wide, rounded up; taken once in F and once in G |
#
# In ResNet-50 S is on F's 3×3 convolution; /S means stride S. The whole block:
#
# ![BTNK1 in letters: F from (C, W, W) through C1 channels to (4·C1, W/S, W/S), G beside it, the sum and a ReLU](images/btnk1-letters.svg)
#
# | | F(x), the main path | G(x), the shortcut |
# | --- | --- | --- |
# | | CONV 1×1, C → C1, BN, ReLU | CONV 1×1 /S, C → 4·C1, BN |
# | | CONV 3×3 /S, C1 → C1, BN, ReLU | |
# | | CONV 1×1, C1 → 4·C1, BN | |
# | | (4·C1, W/S, W/S) | (4·C1, W/S, W/S) |
# | then | y = ReLU(F(x) + G(x)) | |
#
# ### Exercise 2 · predict
# ● of ●●● · important · 5 minutes
#
# What is the output shape? Replace each `...` with a triple (channels, height, width). Do it in your head.
#
# <details><summary>Hint: my last answer is wrong</summary>7 is odd. The output-size formula of lesson 01: ⌊(7 +
# 2·padding − kernel) / stride⌋ + 1. Apply it to the 3×3 with padding 1, then to the 1×1 with padding 0.</details>

# %% tags=["exercise"]
# Exercise 2: the output shape of four blocks.
prediction = {
    # (C, W, C1, S): (channels, height, width)
    (64, 56, 64, 1): ...,
    (256, 56, 128, 2): ...,
    (1024, 14, 512, 2): ...,
    (64, 7, 64, 2): ...,
}

# %% tags=["solution"]
prediction = {
    # (C, W, C1, S): (channels, height, width)
    (64, 56, 64, 1): (256, 56, 56),
    (256, 56, 128, 2): (512, 28, 28),
    (1024, 14, 512, 2): (2048, 7, 7),
    (64, 7, 64, 2): (256, 4, 4),
}

# %%
from resnet_lib.exercises import predict

asked = [(64, 56, 64, 1), (256, 56, 128, 2), (1024, 14, 512, 2), (64, 7, 64, 2)]
predict({numbers: shape_question("BTNK1", *numbers) for numbers in asked}, prediction, exercise="03.2")

# %% [markdown]
# The last one rounds *up*: an input of width 7 becomes 4 wide, because positions 0, 2, 4 and 6 are computed. F's 3×3
# and G's 1×1 agree on that; otherwise they could not be added.
#
# ## 4 · Build it
#
# ### Exercise 3 · write BTNK1
# ●● of ●●● · the heart of the lesson · 20 minutes
#
# Write `MyBTNK1(C, C1, S)` following the table in section 3, with your `MyProjection` as the shortcut. Use these names,
# in this order: `conv1, bn1, relu1, conv2, bn2, relu2, conv3, bn3, shortcut, relu3`.
#
# <details><summary>Hint: exercise 1 is still open</summary>Write <code>yours("MyProjection")</code> instead of
# <code>MyProjection</code>: that is the library's until yours is right.</details>
# <details><summary>Hint: one term of the sum is half as wide as the other</summary>S belongs once in F, on
# <code>conv2</code>, and once in G. And what is added is <code>self.shortcut(x)</code>, not x.</details>
# <details><summary>Hint: the terms differ by 1 or 2 in width</summary>The 3×3 needs
# <code>padding=1</code>.</details>
# <details><summary>Hint: a layer has the wrong number of input or output channels</summary>The input channels of each
# convolution are the output channels of the previous one: C → C1 → C1 → 4·C1. The shortcut goes from C to 4·C1, and its
# input must be the original x.</details>
# <details><summary>Hint: my block works with S = 2 and fails with S = 1</summary>G must be there for S = 1 too:
# (64, 56, 56) and (256, 56, 56) cannot be added.</details>


# %% tags=["exercise"]
# Exercise 3: the projection block.
class MyBTNK1(nn.Module):
    def __init__(self, C, C1, S=1):
        super().__init__()
        ...  # your code here

    def forward(self, x):  # (C, W, W)
        return ...  # your code here: first f, then the sum with self.shortcut(x), then ReLU


# %% tags=["solution"]
class MyBTNK1(nn.Module):
    def __init__(self, C, C1, S=1):
        super().__init__()
        self.conv1 = nn.Conv2d(C, C1, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(C1)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(C1, C1, kernel_size=3, stride=S, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(C1)
        self.relu2 = nn.ReLU()
        self.conv3 = nn.Conv2d(C1, 4 * C1, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * C1)
        self.shortcut = MyProjection(C, 4 * C1, S)
        self.relu3 = nn.ReLU()

    def forward(self, x):  # (C, W, W)
        f = self.relu1(self.bn1(self.conv1(x)))  # (C1, W, W)
        f = self.relu2(self.bn2(self.conv2(f)))  # (C1, W/S, W/S)
        f = self.bn3(self.conv3(f))  # (4·C1, W/S, W/S): F(x), no ReLU yet
        return self.relu3(f + self.shortcut(x))  # (4·C1, W/S, W/S)


# %% [markdown]
# As for BTNK2, the check compares numbers, for S = 1 and S = 2, and also for Stage 1's C = C1. The order in which you run
# F and G does not matter to it.

# %%
from resnet_lib.exercises import check_btnk1

names = "conv1 bn1 relu1 conv2 bn2 relu2 conv3 bn3 shortcut.conv shortcut.bn relu3".split()
check_btnk1(MyBTNK1, names=names, exercise="03.3")

# %% [markdown]
# ### Drag your own
#
# What you have built goes into the instrument, beside the library's blocks: the button with its name is pressed.
#
# 1. Set **S** to 1 and **C1** to C/4. Does this block still need its projection?
# 2. Set **W** to 14 and S to 3. How wide is the output?

# %%
Block = yours("MyBTNK1")
BottleneckExplorer(Block, C=256, W=56, C1=128, S=2, picture="cat")

# %% [markdown]
# <details><summary>Answers</summary>
#
# 1. No: F(x) then has the shape of x, and x itself could be added. That would be a BTNK2.
# 2. 5, since W/S is rounded up. F's 3×3 and G's 1×1 agree on that.
# </details>
#
# ### Look inside
#
# Now look at the two terms of the sum, the sum, and the sum after the ReLU. This is the first block of Stage 1, with C
# = 64, C1 = 64 and S = 1; its input is the stem's output for the cat. The weights are random again.
# **Predict** how strong F(x) and G(x) are:

# %%
ask("03.deviation")


# %%
def F_path(block):
    """The main path of a block alone, (C, W, W) → (4·C1, W/S, W/S)."""
    b = block
    return nn.Sequential(b.conv1, b.bn1, b.relu1, b.conv2, b.bn2, b.relu2, b.conv3, b.bn3)


x1, how = block_input("cat", C=64, W=56)
block = Block(64, 64, 1)
with torch.no_grad():
    f, g = F_path(block)(x1), block.shortcut(x1)
    total = f + g
    y = block.relu3(total)
for name, t in [("F(x)", f), ("G(x)", g), ("sum", total), ("y", y)]:
    print(f"{name:5} {tuple(t.shape)}  deviation {t.std().item():.2f}  min {t.min().item():5.2f}")

# %%
print("rows: F(x), G(x), F(x) + G(x), y = ReLU(…); columns: channels 0 to 3")
show_maps(torch.cat([t[0, :4] for t in (f, g, total, y)]), count=16, tile=112)

# %% [markdown]
# **What do you see?** Go down each column. What distinguishes F(x) from G(x)? Where does the sum resemble the one, and
# where the other?
#
# <details><summary>What you can see</summary>
#
# - F(x) and G(x) both contain blue: BN centred them on 0, and no ReLU has run since.
# - Both have deviation 1, so neither drowns out the other. In the third row you find features of both, and where they
#   agree the red or blue is deeper.
# - G(x) shows smooth areas: it is only a new mixture of the channels of x, position by position. F(x) has finer detail,
#   from its 3×3 and its two ReLUs.
# - The last row is the third without its blue.
# </details>
#
# ## 5 · Compare with the library's BTNK1
#
# By hand, as in lesson 01: the same weights **by name**, both in `eval()`, and BNs with random values. A fresh BN
# changes almost nothing, so you would not notice a missing one.

# %%
from resnet_lib import BTNK1


def stir(module):
    """Give every BN of the module values like those of a trained one."""
    for m in module.modules():
        if isinstance(m, nn.BatchNorm2d):
            nn.init.uniform_(m.weight, 0.5, 1.5)
            nn.init.uniform_(m.bias, -0.5, 0.5)
            nn.init.uniform_(m.running_mean, -0.5, 0.5)
            nn.init.uniform_(m.running_var, 0.5, 1.5)
    return module


theirs = stir(BTNK1(256, 128, 2)).eval()
mine = Block(256, 128, 2).eval()

print(mine.load_state_dict(theirs.state_dict()))
with torch.no_grad():
    print("largest difference:", (mine(x) - theirs(x)).abs().max().item())

# %% [markdown]
# Once exercise 3 is right, your block *is* BTNK1. The library's has the `forward` that you read in lesson 02. Only the shortcut differs:
# `nn.Identity()` in BTNK2, and in BTNK1 this:

# %%
import inspect

from resnet_lib import Projection

print(inspect.getsource(Projection))

# %% [markdown]
# (It needs no `forward`: an `nn.Sequential` calls its parts in order. `norm_layer` is `nn.BatchNorm2d`.)
#
# ### Exercise 4 · count the parameters
# ●● of ●●● · important · 10 minutes
#
# Write a function that returns the number of parameters of a BTNK1, BNs included, without building it. As in lesson 02:
# a k×k convolution from A to B channels has k·k·A·B, a BN of B channels 2·B. Why does it need neither W nor S?
#
# <details><summary>Hint: my result is a little too low</summary>Four convolutions, four BNs: did you include those of
# G, and all the BNs?</details>
# <details><summary>Hint: how many terms?</summary>Convolutions: C·C1, 9·C1², 4·C1², and G's C·4·C1. BN: C1, C1, 4·C1
# and 4·C1 channels.</details>


# %% tags=["exercise"]
# Exercise 4: parameters of BTNK1 by formula.
def btnk1_parameters(C, C1):
    return ...  # your formula here


# %% tags=["solution"]
def btnk1_parameters(C, C1):
    convolutions = C * C1 + 9 * C1 * C1 + C1 * 4 * C1 + C * 4 * C1
    norms = 2 * (C1 + C1 + 4 * C1 + 4 * C1)
    return convolutions + norms


# %%
from resnet_lib.exercises import check_parameters

check_parameters("BTNK1", btnk1_parameters, exercise="03.4")

# %%
count = yours("btnk1_parameters")
for C, C1 in [(64, 64), (256, 128), (512, 256), (1024, 512)]:
    print(f"C={C:>4}, C1={C1:>3}: {count(C, C1):>9,} parameters")

# %% [markdown]
# W and S do not appear. A convolution slides the same weights over an input of any size; the stride says only how far
# apart its places are. The **MACs** do depend on W and S: the whole kernel is computed at every output position.
# (Elsewhere you will read FLOPs, floating-point operations. A MAC is two of them, so FLOPs = 2 × MACs.)
#
# ## 6 · v1 or v1.5: where S is
#
# The paper puts S on F's *first 1×1* convolution. Later versions moved it to the 3×3, and the PyTorch **checkpoints**,
# files of trained weights, that this course uses belong to the later versions. The two are called **v1** and **v1.5**.
# Shapes and parameters are the same in both. In the instrument at the top, press *reset*, switch on *costs*, and press
# **v1**: which steps change their MACs?
#
# <details><summary>Answer</summary>Only conv1: with S on it, it computes a quarter of the numbers.</details>
#
# ![Two blocks side by side: in v1 the first 1×1 has stride 2 and F works at 28 × 28 from there on; in v1.5 the 3×3 has it](images/v1-v15.svg)
#
# ### Exercise 5 · make a v1
# ● of ●●● · worth doing · 10 minutes
#
# Write `to_v1(block)`: it returns a copy of a block with the stride on `conv1` instead of `conv2` and the same weights,
# for any S. The stride of a layer is a plain attribute, such as `block.conv2.stride`, a pair of numbers.
#
# <details><summary>Hint: the original changed too</summary>Work on <code>copy.deepcopy(block)</code>.</details>
# <details><summary>Hint: both have the stride now</summary>After <code>v1.conv1.stride = v1.conv2.stride</code> the old
# stride of conv1 is gone. Python swaps two values in one line: <code>a, b = b, a</code>.</details>

# %% tags=["exercise"]
# Exercise 5: the same block with S on the first 1×1.
import copy


def to_v1(block):
    v1 = copy.deepcopy(block)
    ...  # your code here
    return v1


# %% tags=["solution"]
import copy


def to_v1(block):
    v1 = copy.deepcopy(block)
    v1.conv1.stride, v1.conv2.stride = v1.conv2.stride, v1.conv1.stride
    return v1


# %%
from resnet_lib.exercises import check_to_v1

check_to_v1(to_v1, Block, exercise="03.5")

# %% [markdown]
# **Predict** whether the two blocks give the same numbers:

# %%
ask("03.same")

# %%
v15 = mine
v1 = yours("to_v1")(v15).eval()
with torch.no_grad():
    y1, y15 = v1(x), v15(x)
print("shapes:", tuple(y1.shape), tuple(y15.shape))
print("largest difference of the outputs:", (y1 - y15).abs().max().item())
v1.load_state_dict(v15.state_dict())
print("v1 takes the weights of v1.5 without complaint")

# %% [markdown]
# No error anywhere. Loading a checkpoint cannot detect that the stride is in the wrong place:
# you have to know which version it was trained with.
#
# ### Which pixels does each path see?
#
# If a pixel of x has no influence on the output, the gradient of the output with respect to that pixel is exactly zero.
# (The *gradient* says how much the output changes if one pixel changes a little; `backward()` computes it for all pixels
# at once.) So look for zeros. A zero could also be chance; the test with random numbers below settles it. A 14×14 piece
# of x is enough. **Predict** how many pixels are never seen:

# %%
ask("03.unseen")


# %%
def influence(path, x):
    """Return the influence of each pixel of x on the path's output, (W, W): exactly 0 where it is never read."""
    x = x.clone().requires_grad_()
    path(x).abs().sum().backward()
    return x.grad.abs().sum(dim=1)[0]


piece = x[..., 21:35, 21:35]  # (1, 256, 14, 14)
paths = {"F, v1": F_path(v1), "F, v1.5": F_path(v15), "G, v1": v1.shortcut, "G, v1.5": v15.shortcut}
seen_by = {name: influence(path, piece) for name, path in paths.items()}
for name, values in seen_by.items():
    never = (values == 0).sum().item()
    print(f"{name:7} never sees {never:3} of {values.numel()} pixels: {never / values.numel():.0%}")

# %%
print("top:    F in v1 | F in v1.5")
print("bottom: G in v1 | G in v1.5       darkest = exactly zero: never seen")
show_maps(torch.stack([values / values.max() for values in seen_by.values()]), tile=168)

# %% [markdown]
# (Each of the four is scaled by its own largest value, so compare patterns, not brightness between pictures.)
#
# **What do you see?** Find the one picture of the four that has no darkest pixels.
#
# <details><summary>What you can see</summary>
#
# - **F in v1** (top left): one pixel in four is read. The first step is a 1×1 with stride 2, and it discards three
#   quarters of x before anything is computed from them.
# - **F in v1.5** (top right): every pixel counts. The first 1×1 reads them all, and the windows of a 3×3 with stride 2
#   overlap by one, so they leave no gap. The values follow a fine pattern, because some pixels are in one window, some
#   in two, and some in four.
# - **G** (bottom): one pixel in four, in both versions. The shortcut's strided 1×1 discards in v1.5 as well.
# </details>
#
# ![On an 8 × 8 map, a 1×1 of stride 2 reads 16 pixels and never the other 48; a 3×3 of stride 2 reads all of them](images/windows.svg)
#
# So in v1 three quarters of the pixels reach neither F nor G. They may contain anything at all. Try it:

# %%
unread = torch.ones(14, 14, dtype=torch.bool)
unread[::2, ::2] = False
spoiled = piece.clone()
spoiled[..., unread] = torch.randn_like(spoiled[..., unread]) * 100  # other numbers in three pixels of four

with torch.no_grad():
    print("v1   gives the same output:", torch.equal(v1(piece), v1(spoiled)))
    print("v1.5 gives the same output:", torch.equal(v15(piece), v15(spoiled)))

# %% [markdown]
# ### What it costs
#
# In v1.5 the first 1×1 runs at the full W, so it costs four times as much.

# %%
from resnet_lib import anatomy

for name, stride_on in [("v1", "1x1"), ("v1.5", "3x3")]:
    a = anatomy(BTNK1(256, 128, 2, stride_on=stride_on), 56)
    print(f"{name:4}  {a.parameters:,} parameters  {a.macs:,} MACs  (conv1 alone: {a['conv1'].macs:,})")

# %% [markdown]
# **And what it gains.** F sees all of x instead of a quarter, and its 3×3 works on neighbours that are really next to each
# other. NVIDIA's [page about its v1.5](https://pytorch.org/hub/nvidia_deeplearningexamples_resnet50) reports about 0.5
# percentage points more pictures right, at about 5 % less speed.
#
# ResNet-50 has three blocks with S = 2, each with the same difference. Together they make the whole network 6 % more
# expensive: 4.09 instead of 3.86 billion MACs. When two sources disagree about ResNet-50's cost, first ask which
# version they mean. The library makes it explicit: `stride_on="3x3"` (v1.5, the default) or `stride_on="1x1"` (v1).
#
# ### Exercise 6 · your own numbers
# ● of ●●● · for those who follow along in a course · 5 minutes
#
# Each student gets a different block. Put your name, or your identifier in the course, into `me` and run the cell:
# it prints the C, W, C1 and S of a v1.5 BTNK1. What is its output shape, and how many parameters does it have? Your function from
# exercise 4 may help.
#
# <details><summary>Hint: W/S is not a whole number</summary>Exercise 2 had such a case: the positions 0, S, 2·S, … are
# computed.</details>

# %% tags=["exercise"]
# Exercise 6: the shape and the parameters of your own block.
me = ""  # your name, as in the name of the file that you hand in
print(student_numbers(me, "03") if me else "Put your name into me, and run this cell again.")
shape = ...  # (channels, height, width)
parameters = ...

# %% tags=["solution"]
import math

me = "A. Learner"
C, W, C1, S = student_numbers(me, "03").values()
shape = (4 * C1, math.ceil(W / S), math.ceil(W / S))
parameters = btnk1_parameters(C, C1)

# %%
from resnet_lib.exercises import check_own_block

check_own_block(me, shape, parameters, exercise="03.6")

# %% [markdown]
# ## 7 · Common mistakes
#
# **"A projection is needed only when the stride is 2."** Watch it fail at the first block of Stage 1:


# %%
class Mistaken(Block):
    def __init__(self, C, C1, S=1):
        super().__init__(C, C1, S)
        if S == 1:
            self.shortcut = nn.Identity()  # the mistake


print("C=256, C1=128, S=2:", tuple(Mistaken(256, 128, 2)(torch.randn(2, 256, 56, 56)).shape))
try:
    Mistaken(64, 64, 1)(torch.randn(2, 64, 56, 56))
except (RuntimeError, ValueError) as error:  # PyTorch's, or the library's own
    print("C=64, C1=64, S=1:", error)

# %% [markdown]
# S = 1 keeps the size, but 64 channels and 4·64 = 256 channels still cannot be added. The question is never "is
# S = 2?" but "**do F(x) and x have the same shape?**"
#
# **The stride forgotten on the shortcut.** Usually PyTorch stops with an error, and no harm is done. But an F(x) of a
# single pixel is stretched silently: broadcasting, as in lesson 02.

# %%
tiny = torch.randn(1, 64, 2, 2)
without_stride = yours("MyProjection")(64, 64, 1).eval()
with torch.no_grad():
    total = F_path(Block(64, 16, 2).eval())(tiny) + without_stride(tiny)
print(tuple(total.shape), "where (1, 64, 1, 1) was expected")

# %% [markdown]
# **No BN in G.** It runs and has the right shapes, but G can become much larger or smaller than F.
#
# **Comparing in training mode.** Without `eval()`, BN uses the mean and variance of the batch and also updates its
# stored ones. Two equal blocks that have run on different batches then give different numbers.
#
# ## Summary
#
# - A sum needs equal shapes. Where F(x) and x differ, in size *or* in channels, the shortcut becomes a projection
#   G(x): CONV 1×1 of stride S, then BN, no ReLU.
# - BTNK1: (C, W, W) → (4·C1, W/S, W/S). C and C1 alone decide the number of weights; the MACs depend on W and S as
#   well.
# - v1 has S on F's first 1×1 and never reads three pixels in four. v1.5 has S on the 3×3 and F reads them all, for 6 %
#   more MACs in ResNet-50. G discards in both. Weights fit either version, so nothing warns you.
#
# ## Recall
#
# 1. A block has C = 512, C1 = 128 and S = 2. Does it need a projection?
# <details><summary>Answer</summary>Yes: 4·C1 = 512 = C, but S = 2 halves the width of F(x).</details>
#
# 2. Which of C, W, C1 and S change the number of parameters?
# <details><summary>Answer</summary>C and C1.</details>
#
# 3. Why does F in v1.5 see every pixel although its 3×3 has stride 2?
# <details><summary>Answer</summary>Its windows are 3 wide and 2 apart, so they overlap, and the 1×1 before it reads
# every position.</details>
#
# 4. You load a v1.5 checkpoint into a v1 network. What does PyTorch say?
# <details><summary>Answer</summary>Nothing. Names and shapes are the same; the results are wrong.</details>
#
# 5. Why give the BNs random values before you compare two blocks?
# <details><summary>Answer</summary>A fresh BN in <code>eval()</code> changes almost nothing, so you would not notice a
# missing one.</details>
#
# ## What comes next
#
# You have all the parts but the head: the stem, BTNK1 and BTNK2. [04 · Stages 1 to 4](04_stages.ipynb) stacks the blocks, and
# derives the two laws that the numbers of BTNK1 follow.

# %% [markdown] tags=["instructor"]
# ### Minute by minute
#
# | minutes | what |
# | --- | --- |
# | 5 | Sections 1 and 2: f + x fails; read the error together |
# | 5 | Exercise 1 |
# | 5 | Exercise 2, in the head |
# | 20 | Exercise 3 |
# | 5 | Look inside, and section 5 |
# | 10 | Exercise 4 |
# | 10 | Section 6: where S is, at the projector |
# | 10 | Exercise 5 |
# | 5 | Section 6, which pixels |
# | 5 | Exercise 6, a different block for each student; recall while the fast ones wait |
#
# ### Ask before you show
#
# - Before `f + x`: "Two things disagree. Which will PyTorch report?" It starts at the last dimension.
# - Before C1 doubles: "Twice the parameters, or four times?" Both are wrong; ask which convolutions double.
# - Before S goes to 1: "Does a parameter change? Does a MAC?"
# - Before the four pictures of section 6: "What fraction of the pixels does F never see in v1, and in v1.5? And G?"
#
# ### What they may think
#
# - *A projection is needed only where S = 2.* Stage 1 has S = 1 and needs one: 64 ≠ 256. The question is always about
#   shapes.
# - *1×1 convolutions cannot change the size.* With a stride they do, by discarding pixels.
# - *If the weights load, the network is right.* v1 and v1.5 load each other's weights without an error.
#
# ### On the projector
#
# The BottleneckExplorer at Stage 2, block 1. Switch v1 and v1.5 and follow the MACs of conv1 alone. Then the picture of
# section 6: one of four has no darkest pixels.
#
# In exercise 6 each student gets their own C, W, C1 and S, derived from the name they enter. The grader's page for
# the student shows their cell; `student_numbers(name, "03")` in `resnet_lib.grading` gives you the numbers.
