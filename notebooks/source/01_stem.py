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
# # 01 · Stage 0, the stem
#
# 60 minutes · all cells run in 10 seconds · after [lesson 00](00_start_here.ipynb) · words: [glossary](glossary.ipynb#Convolution)
#
# ResNet-50 begins by halving a photograph of 224 × 224 pixels twice, first with a window of 7 × 7 pixels, then with one
# of 3 × 3. **Why 112 and then 56, and what happens when a size does not divide?** Drag first, then you build it. Leave
# **dilation**, which spreads the window out, at 1: then the *reach* in the formula is the kernel.

# %%
from resnet_lib.exercises import Progress
from resnet_lib.explorers import StemExplorer

Progress("01", exercises=3)

# %%
StemExplorer()

# %% [markdown]
# 1. Set **kernel** to 8 and leave the rest. Is the output of the convolution still 112 wide?
# 2. *reset*. Set **padding** to 0: the padded picture loses 6 pixels. How many does the convolution's output lose?
# 3. *reset*, then *pin*, which compares. Set **stride** to 1: how many times the MACs (multiplications), two or four?
#
# <details><summary>Answers</summary>
#
# 1. Yes. The padded picture is 230 wide. After its first place, a kernel of 7 leaves room for 111.5 steps of 2, and one
#    of 8 for 111. Half steps do not count: 1 + 111 = 112. Section 3 gives the rule.
# 2. By three pixels: 109. The 6 missing pixels are three steps of 2.
# 3. Four: twice as many places along *each* side.
# </details>
#
# <details><summary>At the end of this lesson you can …</summary>
#
# - say why ResNet-50 begins by shrinking the photograph, and what that saves,
# - compute the output size of any convolution or pooling in your head, the floor included,
# - build the stem, CONV 7×7 /2 → BN → ReLU → MAXPOOL 3×3 /2, and name the shape after each step,
# - describe what each of the four steps does to a feature map.
# </details>
#
# **What you have just seen.** A convolution of stride 2, written /2 (224 → 112), BN, ReLU, and a pooling /2 (112 → 56).
# In letters: C = 3 and W = 224; each S = 2 halves W; C1 = 64 maps come out, one for each kernel. What is left over at
# the right and lower edge is dropped; here that is only padding.
#
# ![Stage 0: the photograph goes through CONV 7×7 /2, BN, ReLU and MAXPOOL 3×3 /2; the shape after each step is written below it](images/stem.svg)

# %%
import torch
from torch import nn

from resnet_lib.photos import photo, to_input
from resnet_lib.views import show_maps

_ = torch.manual_seed(0)  # the same random weights at every run

# %% [markdown]
# ## 1 · Why a stem?
#
# The stages of ResNet-50 do the thinking, and they are expensive. A convolution is computed at every position of its
# output, so its cost grows with the *square* of the width.
#
# The unit of cost is the **MAC**, one multiplication with its addition. With C_in input channels and C_out output
# channels, a convolution computes each number of its output from kernel × kernel × C_in products:
#
# $$\text{MACs} = \underbrace{C_{out} \cdot W_{out} \cdot W_{out}}_{\text{numbers to compute}} \cdot
# \underbrace{\text{kernel} \cdot \text{kernel} \cdot C_{in}}_{\text{products for each}}$$
#
# Take one 3×3 convolution from 64 to 64 channels, at the photograph's full width and at a quarter of it. **Predict:**

# %%
from resnet_lib.exercises import Prediction, ask, width_question

ask("01.cost")


# %%
def conv_macs(C_in, C_out, kernel, W_out):
    return C_out * W_out * W_out * kernel * kernel * C_in


for W in (224, 56):
    print(f"W = {W:3}: {conv_macs(64, 64, 3, W):13,} MACs")

# %% [markdown]
# At 224 this one convolution costs 1.8 billion MACs. The whole of ResNet-50, with its 53
# convolutions, costs about 4.1 billion.
#
# So the first thing ResNet does is to reduce 224 to 56, quickly and cheaply. That is **Stage 0**, the stem: two steps
# with stride 2. (The paper, He et al. 2015, arXiv 1512.03385, lists it in Table 1 as conv1 and the pooling that opens
# conv2_x.)

# %%
x = to_input(photo("coffee"))
print("the photograph:", tuple(x.shape))

# %% [markdown]
# ## 2 · The convolution, one change at a time
#
# A *kernel* is a small box of numbers, the *weights*, which training changes. **A kernel of 7×7** multiplies 49
# neighbouring pixels in all 3 channels by its weights and adds up. 64 such kernels give 64 channels. (`bias=False`: no
# convolution in ResNet has a bias. Lesson 02 shows why.) **Predict** the width without padding:

# %%
Prediction(width_question(224, kernel=7))

# %%
conv = nn.Conv2d(3, 64, kernel_size=7, bias=False)
print(tuple(conv(x).shape))

# %% [markdown]
# All 7 pixels of the kernel have to be inside the picture. That leaves 224 − 7 + 1 places for it.
#
# **Stride 2**: only every second of those places, so 109. **Padding** adds rows and columns of zeros on each side.
# **Predict** what a padding of 1 makes of the 109:

# %%
Prediction(width_question(224, kernel=7, stride=2, padding=1))

# %% [markdown]
# With **padding 3** the kernel can be centred on the very first pixel.

# %%
for padding in (1, 3):
    conv = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=padding, bias=False)
    print(f"padding {padding}:", tuple(conv(x).shape))

# %% [markdown]
# That is what the 3 is for. Padding (kernel − 1)/2 makes up for the pixels that the kernel takes away, so that the
# stride alone decides the size.
#
# **Why 7 × 7?** The window should be large enough for an edge or a change of colour, and with only 3 input channels a
# large one is cheap: 7 · 7 · 3 = 147 products for each number, where a 3×3 on 64 channels needs 576. It also leaves no
# gap: windows 7 wide that are 2 apart overlap, so every pixel is seen several times.
#
# **Why 64?** It sets the scale for everything after it, and the cost with it: doubling the channels in all layers costs
# about four times the MACs. With 64, the stem outputs a third more numbers than the photograph has, 64 · 56 · 56 =
# 200,704 against 150,528. Neither 7 nor 64 is a law; the paper chose them.
#
# ## 3 · How large is the output?
#
# You will answer this question hundreds of times, so look at it closely once. The next cell draws one row of 8 pixels,
# with padding (`o`), and every place where the kernel (`■`) fits.


# %%
def draw_places(W, kernel, stride=1, padding=0):
    row = "o" * padding + "·" * W + "o" * padding
    print(f"W = {W}, kernel {kernel}, stride {stride}, padding {padding}:  {row}")
    for n, start in enumerate(range(0, len(row) - kernel + 1, stride), start=1):
        print(f"{n:>38}:  {row[:start]}{'■' * kernel}{row[start + kernel :]}")


draw_places(8, kernel=3, padding=1)

# %%
draw_places(8, kernel=3, stride=2, padding=1)

# %% [markdown]
# **What do you see?** Look at the last `o` on the right in the second drawing.
#
# <details><summary>What you can see</summary>
#
# With stride 2 that zero is never used. One more step of 2 would push the kernel over the edge, so the step is not
# taken. That is the **floor**: pixels left over at the right and at the bottom are dropped.
# </details>
#
# Now the rule. The padded row has W + 2·padding pixels. The first place takes up `kernel` of them; the remaining pixels
# give one more place for each whole stride:
#
# $$W_{out} = \left\lfloor \frac{W + 2 \cdot \text{padding} - \text{kernel}}{\text{stride}} \right\rfloor + 1$$
#
# ⌊ ⌋ is the floor: round down. For the stem's convolution: ⌊(224 + 6 − 7) / 2⌋ + 1 = ⌊111.5⌋ + 1 = 112. ResNet-50
# relies on it: at 224, every stride of 2 leaves half a step over.
#
# Lesson 00 said that W/S is rounded *up*. Both are right: W = 7, kernel 1 and S = 2 give ⌊6/2⌋ + 1 = 4, which is 7/2
# rounded up. The + 1 is the pixel at the start.
#
# ### Exercise 1 · the output size
# ● of ●●● · very important · 10 minutes
#
# Write the rule as a Python function that returns a whole number.
#
# <details><summary>Hint: my result ends in .5, or is far too large</summary>The floor: <code>//</code> divides and
# rounds down. Put brackets around the whole numerator.</details>
# <details><summary>Hint: my result is one too low</summary>The first place counts as well: + 1, after the
# division.</details>


# %% tags=["exercise"]
# Exercise 1: output size along one side.
def out_width(W, kernel, stride=1, padding=0):
    return ...  # your code here


# %% tags=["solution"]
def out_width(W, kernel, stride=1, padding=0):
    return (W + 2 * padding - kernel) // stride + 1


# %%
from resnet_lib.exercises import check_out_width

check_out_width(out_width, exercise="01.1")

# %% [markdown]
# ### Exercise 2 · predict
# ● of ●●● · important · 5 minutes
#
# In your head or on paper this time. Fill in the output width, as a whole number. The cell also
# prints one more question: put its answer into `own`.
#
# <details><summary>Hint: 3×3 with stride 2 and padding 1</summary>Padding 1 and kernel 3 cancel out but for one pixel:
# ⌊(W − 1)/2⌋ + 1. That is W/2, rounded up.</details>

# %% tags=["exercise"]
# Exercise 2: the output width.
from resnet_lib.exercises import ask_own

prediction = {
    "7×7, stride 2, padding 3, of 225": ...,
    "5×5, stride 2, padding 2, of 30": ...,
    "3×3, stride 3, no padding, of 10": ...,
    "3×3, stride 2, padding 1, of 113": ...,
}
me = ""  # in a course: your name, as in the name of the file that you hand in; otherwise leave it empty
ask_own("01", me)
own = ...

# %% tags=["solution"]
prediction = {
    "7×7, stride 2, padding 3, of 225": 113,
    "5×5, stride 2, padding 2, of 30": 15,
    "3×3, stride 3, no padding, of 10": 3,
    "3×3, stride 2, padding 1, of 113": 57,
}
me = ""  # in a course: your name, as in the name of the file that you hand in; otherwise leave it empty
own = (472 + 2 * 3 - 7) // 2 + 1

# %%
from resnet_lib.exercises import predict

asked = {
    "7×7, stride 2, padding 3, of 225": (225, 7, 2, 3),
    "5×5, stride 2, padding 2, of 30": (30, 5, 2, 2),
    "3×3, stride 3, no padding, of 10": (10, 3, 3, 0),
    "3×3, stride 2, padding 1, of 113": (113, 3, 2, 1),
}
predict({name: width_question(*numbers) for name, numbers in asked.items()}, prediction, exercise="01.2")

# %%
from resnet_lib.exercises import check_own

check_own("01", me, own)

# %% [markdown]
# ## 4 · What the convolution sees
#
# Here are the 64 channels that the convolution makes from the photograph. Its weights are still random: it has learned
# nothing.

# %%
with torch.no_grad():
    after_conv = conv(x)
print(tuple(after_conv.shape))
show_maps(after_conv)

# %% [markdown]
# **What do you see?** Do all channels show the same thing? What kinds of channel do you find?
#
# <details><summary>What you can see</summary>
#
# Every channel shows the cup, since all of them look at the same photograph. But each mixes the 49 pixels × 3 colours
# in its own way. Some are almost the picture itself, bright or inverted; some are nearly empty except along the edges,
# because their weights nearly cancel on uniform areas. Even random kernels separate a picture into areas and edges.
# Training makes them better at it.
# </details>
#
# Look closely at a single number. Channel 5, row 50, column 60 comes from the 7×7 window around row 100, column 120
# (2 · 50 and 2 · 60; the padding of 3 centres window 0 on pixel 0): 7 · 7 · 3 = 147 products.

# %%
window = x[0, :, 97:104, 117:124]  # rows 97 to 103 and columns 117 to 123, all 3 channels
print("by hand:        ", (window * conv.weight[5]).sum().item())
print("the convolution:", after_conv[0, 5, 50, 60].item())

# %% [markdown]
# (The last digits may differ: the two add the same products in a different order.)
#
# How much does the convolution cost? A kernel has 147 weights and there are 64 kernels.

# %%
print(f"{conv.weight.numel():,} parameters")
print(f"{conv_macs(3, 64, 7, 112):,} MACs")

# %% [markdown]
# ## 5 · BN
#
# The channels differ in size: some are strong, some faint, and the strong ones would dominate the next layer. BN, batch
# normalisation, brings every channel to mean 0 and standard deviation 1, over all its positions and all photographs of
# the batch. Then it multiplies by a learned factor, which PyTorch calls `weight`, and adds a learned offset, `bias`.
# They start at 1 and 0.
#
# **Predict** what that does to a faint channel:

# %%
ask("01.bn")

# %%
bn = nn.BatchNorm2d(64)
with torch.no_grad():
    after_bn = bn(after_conv)
print(tuple(after_bn.shape))
for c in (0, 1, 2):
    a, b = after_conv[0, c], after_bn[0, c]
    print(f"channel {c}: mean {a.mean():6.3f}, deviation {a.std():.3f}  →  {b.mean():6.3f}, {b.std():.3f}")

# %%
show_maps(after_bn)

# %% [markdown]
# **What do you see?** Compare with the previous picture.
#
# <details><summary>What you can see</summary>
#
# The same pictures, but now all channels are equally strong, and each has red and blue: its mean became 0, so it has
# values on both sides. You can now read channels that were faint before.
# </details>
#
# **A layer with two modes.** In training, BN uses the mean and deviation of the current batch, as above, and keeps an
# average of them from batch to batch. After `.eval()` it uses the stored average instead, so that a photograph's result
# does not depend on the other photographs in the batch. Forgetting `.eval()` is one of the most common mistakes:
# nothing fails, but the numbers are wrong.
#
# A fresh BN has seen no batch: its stored mean is 0 and its stored variance, the square of the deviation, is 1.
# **Predict** what it does in `eval()`:

# %%
ask("01.fresh")

# %%
fresh = nn.BatchNorm2d(64).eval()
with torch.no_grad():
    difference = (fresh(after_conv) - after_conv).abs().max().item()
print(f"a fresh BN in eval() changes its input by at most {difference:.6f}")

# %% [markdown]
# <details><summary>Why not exactly 0?</summary>It divides by the root of the variance plus 0.00001, so that it never
# divides by zero.</details>
#
# ## 6 · ReLU
#
# ReLU sets negative numbers to 0 and keeps the others. Without it, two convolutions in a row could be written as a
# single larger one, and depth would gain nothing. **Predict** how many numbers it sets to 0:

# %%
ask("01.relu")

# %%
relu = nn.ReLU()
after_relu = relu(after_bn)
print(tuple(after_relu.shape))
print(f"zeros before: {(after_bn == 0).float().mean():.0%}, after: {(after_relu == 0).float().mean():.0%}")

# %%
show_maps(after_relu)

# %% [markdown]
# **What do you see?** Nothing is negative any more, so this picture uses other colours: 0 is darkest, and brighter means
# larger. Where are the channels active, and where are they silent?
#
# <details><summary>What you can see</summary>
#
# About half of the numbers are 0, and each channel is silent over large areas. It is active only where the picture
# matches its kernel: one on the white rim of the cup, another on its red side and the saucer, another on the glints on
# the spoon. Two channels that were the inverse of each other now show opposite halves of the picture.
# </details>
#
# ## 7 · MAXPOOL
#
# The last step takes the largest number of each 3×3 window, with stride 2 and padding 1. It has no parameters.
#
# Apply the rule once more, to a map 112 pixels wide:

# %%
pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
after_pool = pool(after_relu)
print(tuple(after_pool.shape))

# %%
show_maps(after_pool)

# %% [markdown]
# **What do you see?** A quarter of the numbers is left. What was lost, and what survived?
#
# <details><summary>What you can see</summary>
#
# Fine lines have become thicker, and glints larger: wherever one of 9 numbers was high, the result is high. What is
# lost is the exact position. A network that has to name things can do without it.
# </details>
#
# **What does the pool pad with?** Not with zeros, as the convolution does, but with minus infinity: the padding must
# never be the largest of the nine. After a ReLU zeros would do no harm, but a pool must be right for any input. Here
# every number is −1:

# %%
print("the corner of a pooled map of −1:", pool(-torch.ones(1, 1, 4, 4))[0, 0, 0, 0].item())

# %% [markdown]
# A strided convolution would also halve the width, but it has parameters and costs MACs. A plain stride, as in lesson
# 00, would look at only one number in four. The pool looks at all of them and costs almost nothing.
#
# ## 8 · Build it
#
# ### Exercise 3 · write the stem
# ●● of ●●● · the heart of the lesson · 15 minutes
#
# Write `MyStem(C=3, C1=64)`: C input channels; C1 is here the number of channels that the convolution outputs. It has
# to work for other numbers too. Use the names `conv`, `bn`, `relu` and `pool`, so that you can compare it with the
# library's later.
#
# <details><summary>Hint: my shape is (64, 55, 55) or (64, 54, 54)</summary>A padding is missing: 3 for the convolution, 1
# for the pool.</details>
# <details><summary>Hint: my shape is (64, 112, 112) or (64, 38, 38)</summary>A stride is missing, or
# <code>forward</code> does not call the pool. A pool without <code>stride=2</code> takes its kernel as its stride.</details>
# <details><summary>Hint: the check says there is a bias</summary>The convolution needs
# <code>bias=False</code>.</details>
# <details><summary>Hint: "cannot assign module before Module.__init__() call"</summary>Begin <code>__init__</code> with
# <code>super().__init__()</code>.</details>


# %% tags=["exercise"]
# Exercise 3: Stage 0.
class MyStem(nn.Module):
    def __init__(self, C=3, C1=64):
        super().__init__()
        ...  # your code here: self.conv, self.bn, self.relu, self.pool

    def forward(self, x):  # (3, 224, 224)
        return ...  # your code here, with the shape after each step as a comment


# %% tags=["solution"]
class MyStem(nn.Module):
    def __init__(self, C=3, C1=64):
        super().__init__()
        self.conv = nn.Conv2d(C, C1, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn = nn.BatchNorm2d(C1)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)

    def forward(self, x):  # (3, 224, 224)
        x = self.conv(x)  # (64, 112, 112)
        x = self.bn(x)  # (64, 112, 112)
        x = self.relu(x)  # (64, 112, 112)
        return self.pool(x)  # (64, 56, 56)


# %% [markdown]
# The check builds several of your stems, gives each the weights of the library's, and compares the outputs, in `eval()`
# and in training mode. If the numbers differ, it looks for the mistake that produces yours.

# %%
from resnet_lib.exercises import check_stem, yours

check_stem(MyStem, names=["conv", "bn", "relu", "pool"], exercise="01.3")

# %% [markdown]
# ## 9 · Compare with the library's Stem
#
# A shape can be right by accident. Equal *numbers* from equal weights cannot. The check relies on that; do it once
# yourself: the same weights by name (`state_dict()` is a module's dictionary of names and tensors), both stems in
# `eval()`. The BN gets random values first, since a fresh one changes almost nothing and would not be missed.

# %%
from resnet_lib import Stem

theirs, mine = Stem().eval(), yours("MyStem")().eval()
nn.init.uniform_(theirs.bn.weight, 0.5, 1.5)
nn.init.uniform_(theirs.bn.bias, -0.5, 0.5)
nn.init.uniform_(theirs.bn.running_mean, -0.5, 0.5)
nn.init.uniform_(theirs.bn.running_var, 0.5, 1.5)

print(mine.load_state_dict(theirs.state_dict()))
with torch.no_grad():
    print("largest difference:", (mine(x) - theirs(x)).abs().max().item())

# %% [markdown]
# Exactly the same numbers. (While exercise 3 is open, this compares the library's stem with itself.) This is the library's `forward`. In it, `check…` only inspects the input.

# %%
import inspect

print(inspect.getsource(Stem.forward))

# %% [markdown]
# The library can also list what every step costs, without running anything. "sees" is the receptive field: how many
# pixels of the photograph, along one side, a number depends on. "jump" says how many pixels of the photograph apart two
# neighbouring numbers of the map are.

# %%
from resnet_lib import anatomy

print(anatomy(Stem(), 224))

# %% [markdown]
# The stem has 0.04 % of ResNet-50's parameters and 3 % of its MACs. After it, one number of a feature map already
# depends on 11 × 11 pixels.
#
# <details><summary>To try: what a stride can hide</summary>
#
# In the instrument at the top choose the picture *checkerboard*: neighbouring pixels alternate between 1 and −1. Where
# did the squares go? With stride 2 the kernel lands on the same pattern at every step, so each channel is the same
# number everywhere, except at the border, where padding comes in. With **stride** 7 it lands alternately on the pattern
# and its inverse, and the squares are back. A stride can hide what is really there.
# </details>
#
# <details><summary>For later: dilation, which ResNet-50 does not use</summary>
#
# A kernel with dilation is spread out. Three weights with dilation 2 cover 5 pixels: `■·■·■`. In the rule its **reach**
# takes the place of the kernel:
#
# $$\text{reach} = \text{dilation} \cdot (\text{kernel} - 1) + 1$$
#
# With dilation 1 the reach is the kernel. The instrument has a slider for it, and lesson 05 shows what it is good for.
# `out_width` may take `dilation=1` as a fifth argument; the check then tries it too.
# </details>
#
# ## Common mistakes
#
# - **One stride too few.** Without the pool or without the convolution's stride, everything still runs: the stages do
#   not depend on W. It only becomes about four times slower, and outputs different numbers. Printing the
#   shape after each step shows it.
# - **Padding forgotten.** 224 → 109 → 54 also runs, and nothing fails later either.
# - **ReLU before BN.** BN would bring the mean back to 0, so about half of the values would be negative again. The order is CONV, BN, ReLU.
# - **Forgotten `eval()`.** Results then depend on which photographs are in the batch.
#
# ## Summary
#
# | step | output | what it does |
# | --- | --- | --- |
# | CONV 7×7, 64, /2, padding 3 | (64, 112, 112) | 64 mixtures of 147 numbers each |
# | BN | (64, 112, 112) | every channel to mean 0 and standard deviation 1, then a learned factor and offset |
# | ReLU | (64, 112, 112) | negative numbers to 0 |
# | MAXPOOL 3×3, /2, padding 1 | (64, 56, 56) | the largest of 9, at every second position |
#
# The output size along one side is ⌊(W + 2·padding − kernel)/stride⌋ + 1.
#
# ## Recall
#
# 1. Why does ResNet shrink the photograph before its stages?
# <details><summary>Answer</summary>A convolution's cost grows with the square of the width. At 56 it is a sixteenth of
# what it is at 224.</details>
#
# 2. A 5×5 convolution with stride 1 should keep the size. Which padding does it need?
# <details><summary>Answer</summary>2, which is (5 − 1)/2.</details>
#
# 3. What is the output width of a 3×3 with stride 2 and padding 1, for an input width of 7?
# <details><summary>Answer</summary>⌊(7 + 2 − 3)/2⌋ + 1 = 4.</details>
#
# 4. What are the shapes after each step of the stem, for a photograph of 224 × 224?
# <details><summary>Answer</summary>(64, 112, 112) after the convolution, BN and ReLU; (64, 56, 56) after the pool.</details>
#
# 5. Which mean and deviation does BN use in training, and which after `eval()`?
# <details><summary>Answer</summary>In training those of the current batch; after <code>eval()</code> the stored
# average.</details>
#
# ## What comes next
#
# [02 · BTNK2, the identity block](02_btnk2.ipynb): the idea that made networks of fifty layers trainable, in one line of
# code.

# %% [markdown] tags=["instructor"]
# ### Minute by minute
#
# | minutes | what |
# | --- | --- |
# | 5 | Sections 1 and 2: why shrink at all; one change at a time |
# | 10 | Section 3 up to the exercise: draw the padded row and the steps of the kernel on the board |
# | 10 | Exercise 1 |
# | 5 | Exercise 2, in the head |
# | 10 | Sections 4 to 7: four pictures, "what do you see?" each time |
# | 15 | Exercise 3 |
# | 5 | Section 9, recall |
#
# ### Ask before you show
#
# - Before kernel 8: "Is the output still 112?" Most say no. With kernel 7 half a step was left over.
# - Before stride 1: "How many times the MACs?" Ask for the reason, not for the number: places along *both* sides.
# - Before ReLU: "What fraction becomes 0?" Then before MAXPOOL: "What shape, by the rule?"
#
# ### What they may think
#
# - *A size that is not whole is illegal.* PyTorch rounds down, and ResNet-50 relies on it at every stride-2 layer.
# - *BN is a fixed function.* It has two modes. Ask what a single photograph would be normalised by.
# - *Pooling learns.* It has no parameters; let them count.
#
# ### On the projector
#
# The StemExplorer with the picture *checkerboard*: stride 2, then 7. That a stride can hide what is really there
# prepares students for the pixels that v1 never sees, in lesson 03.
