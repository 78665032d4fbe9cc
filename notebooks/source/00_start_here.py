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
# # 00 · Start here
#
# This course builds ResNet-50, a network that recognises what is on a photograph. It starts from an empty cell and
# leaves nothing out.
#
# **At the end of this lesson you can**
# - run a lesson, do its exercises and find help in it,
# - say whether your machine is ready for the course,
# - read a shape (C, H, W), and use the course's four letters C, W, C1 and S,
# - tell how many numbers a tensor holds, and what S does to them.
#
# **You need** Python, and an idea of what a convolution is. No graphics card and no internet.
#
# **Time:** about 30 minutes to work through. Running every cell takes about 10 seconds on a slow laptop.

# %% [markdown]
# ## 1 · How a lesson works
#
# A lesson is a column of cells. Some are text, like this one; the others are Python. Click on a cell and press
# **Shift + Enter**: it runs, and the next one is chosen. Go from top to bottom. Later cells use what earlier ones made.
#
# Try it with this one.

# %%
2 * 112

# %% [markdown]
# - **Exercises** are cells in which something is missing. They end with a line `raise NotImplementedError(…)`. Write your
#   code, remove that line, run the cell. The cell below it then checks your work and says what is wrong, in words.
#   Each exercise says how hard it is (● easy to ●●● hard), how important, and how many minutes it may take.
# - **Hints** are folded away. They are sorted by what you see going wrong, so open only the one that fits.
# - **Questions** like "What do you see?" have a folded answer too. Answer first, aloud or on paper. It helps more than
#   it seems to.
# - **Lost your way?** In the menu *Kernel* choose *Restart Kernel and Run up to Selected Cell…* and go on from
#   there. Most mysteries come from cells that ran in another order than they stand.
#
# <details><summary>This is a folded answer: click on it</summary>Like that. Click again to fold it.</details>
#
# ## 2 · Is your machine ready?
#
# This cell looks at your machine and says so in plain sentences. Where something is missing, it says what to do.

# %%
from resnet_lib.checkup import checkup

checkup()

# %% [markdown]
# <details><summary>The cell above ended with "No module named 'resnet_lib'"</summary>
#
# Then this notebook runs with another Python than the course's. In the menu *Kernel* choose *Change Kernel…* and
# *Python 3 (ipykernel)*. If that does not help, close JupyterLab and start it again as the course's README says.
# </details>
#
# ## 3 · A photograph is a box of numbers
#
# The course brings a few photographs. Here is one.

# %%
from resnet_lib.photos import photo

photo("coffee")

# %% [markdown]
# A network does not see a cup. It gets numbers: how red, how green and how blue each pixel is. `to_input` cuts the
# photograph to a square of 224 × 224 pixels and turns it into such numbers, in a PyTorch tensor.

# %%
from resnet_lib.photos import to_input

x = to_input(photo("coffee"))
print(tuple(x.shape))

# %% [markdown]
# Read it from left to right: **1** photograph, **3** channels, **224** rows, **224** columns.
#
# PyTorch works on many photographs at once, a *batch*; the first number says how many. It never changes on the way
# through a network, so the course leaves it out in words and writes shapes as **(C, H, W)**: channels, height, width.
# This photograph is (3, 224, 224).
#
# A channel is a picture of its own: one number for each pixel. These are the three of the photograph.

# %%
from resnet_lib.views import show_maps

print("red, green, blue")
show_maps(x, tile=224, columns=3)

# %% [markdown]
# This is how the course draws channels: one tile each, from left to right and from top to bottom. **White is 0, red is
# positive, blue is negative.** (`to_input` has subtracted the average colour of many photographs, so that the numbers lie
# around 0.)
#
# **What do you see?** Where do the three channels differ most, and what colour does the photograph have there?
#
# <details><summary>What there is to see</summary>
#
# The coffee: red in the first tile, nearly white in the second, blue in the third. Light brown is much red, some green and
# little blue. The table and the lit part of the saucer are similar. The white rim of the cup is red in all three tiles:
# white is much of every colour. What is dark, such as the shadow under the cup, is blue in all three.
# </details>
#
# ## 4 · Four letters
#
# ResNet-50 has dozens of convolutions, and all of them can be described with four letters. You will see them everywhere.
#
# | letter | what it is | in this photograph |
# | --- | --- | --- |
# | **C** | channels of what comes in | 3 |
# | **W** | width of what comes in, in pixels; the height is the same | 224 |
# | **S** | stride: a step is taken at every S-th pixel only | – |
# | **C1** | channels inside a block, after its first convolution | – |
#
# C and W belong to a tensor. S and C1 belong to a part of the network. Today you meet S; C1 has to wait for lesson 02.
#
# **Stride** in its simplest form: keep every S-th pixel of each row, and every S-th row. In Python that is a slice.

# %%
S = 2
smaller = x[:, :, ::S, ::S]
print(tuple(x.shape), "→", tuple(smaller.shape))

# %% [markdown]
# How many numbers are left?

# %%
print(f"{x.numel():,} numbers → {smaller.numel():,}, a share of {smaller.numel() / x.numel()}")

# %% [markdown]
# S = 2 leaves half the rows and half the columns: a quarter of the numbers, not half of them.
#
# ## 5 · Your first sliders
#
# Run the next cell and move the sliders, with the mouse or with the arrow keys. Before you do, **predict**:
#
# 1. With W = 224, which S leaves a picture of 56 × 56?
# 2. How small can the picture get before you no longer recognise the cup?
# 3. Set W to 9 and S to 2. How wide is what is left: 4 or 5?
# 4. Which slider changes the first number of the shape, the 3?

# %%
from resnet_lib.explorers import SizeExplorer

SizeExplorer()

# %% [markdown]
# <details><summary>Answers</summary>
#
# 1. S = 4, since 224 / 4 = 56.
# 2. Most people still know it at about 28 × 28, which is 2,352 numbers. ResNet-50's last maps are 7 × 7: by then its
#    channels have to say *what* is there, since so little is left to say *where*.
# 3. 5. The pixels 0, 2, 4, 6 and 8 are kept. **W/S is rounded up.** You will meet this again in the next lesson.
# 4. None. Neither width nor stride changes the channels.
# </details>
#
# ### Exercise 1 · predict shapes
# ● of ●●● · important · 5 minutes
#
# A tensor of shape (C, W, W) is cut down with stride S, as above. What shape is left? Replace each `None` by three
# numbers (C, H, W). Do it in your head.
#
# <details><summary>Hint: my answer for W = 7 is refused</summary>Write down the numbers 0 to 6, and strike out every
# second one. How many are left?</details>

# %% tags=["exercise"]
# Exercise 1: the shape that is left.
prediction = {
    # (C, W, S): (channels, height, width)
    (3, 224, 2): None,
    (3, 224, 4): None,
    (64, 112, 2): None,
    (512, 7, 2): None,
}
raise NotImplementedError("Exercise 1: replace each None, then remove this line")

# %% tags=["solution"]
prediction = {
    # (C, W, S): (channels, height, width)
    (3, 224, 2): (3, 112, 112),
    (3, 224, 4): (3, 56, 56),
    (64, 112, 2): (64, 56, 56),
    (512, 7, 2): (512, 4, 4),
}

# %%
import torch

for (C, W, S), guess in prediction.items():
    where = f"C = {C}, W = {W}, S = {S}"
    assert isinstance(guess, tuple) and len(guess) == 3, f"{where}: a shape is three numbers in brackets, (C, H, W)."
    true = tuple(torch.zeros(C, W, W)[:, ::S, ::S].shape)
    why = "a stride leaves the channels alone" if guess[0] != true[0] else "H and W are W/S, rounded up"
    assert guess == true, f"{where}: you said {guess} and it is {true}: {why}."
    print(f"{where} → {true}: right")

# %% [markdown]
# ### Exercise 2 · count the numbers
# ● of ●●● · important · 5 minutes
#
# Write a function that says how many numbers are left of a (C, W, W) tensor after stride S.
#
# <details><summary>Hint: I do not know how to round up</summary><code>math.ceil(W / S)</code>, after
# <code>import math</code>.</details>
# <details><summary>Hint: the check says I am too low for an odd W</summary><code>W // S</code> rounds down. The first
# pixel is always kept, so you have to round up.</details>
# <details><summary>Hint: the check says I forgot the rows</summary>The stride thins out columns and rows: multiply by
# the new width twice.</details>

# %% tags=["exercise"]
# Exercise 2: how many numbers are left.
def numbers_left(C, W, S):
    return None  # your code here


raise NotImplementedError("Exercise 2: write numbers_left, then remove this line")

# %% tags=["solution"]
import math


def numbers_left(C, W, S):
    side = math.ceil(W / S)
    return C * side * side


# %%
for C, W, S in [(3, 224, 1), (3, 224, 2), (64, 112, 2), (512, 7, 2), (10, 100, 3)]:
    yours, true = numbers_left(C, W, S), torch.zeros(C, W, W)[:, ::S, ::S].numel()
    where = f"C = {C}, W = {W}, S = {S}"
    side = -(-W // S)
    why = {
        None: "the function gives None: let it return the number",
        C * side: "you forgot that there are rows and columns",
        C * (W // S) ** 2: "W/S has to be rounded up",
        side * side: "that is one channel: multiply by C",
        C * W * side: "the stride thins out the rows as well as the columns",
    }.get(yours, "channels × rows × columns, where rows and columns are W/S rounded up")
    assert yours == true, f"{where}: you say {yours}, and {true:,} are left: {why}."
    print(f"{where}: {true:,} numbers")

# %% [markdown]
# ## 6 · Where this goes
#
# This is the whole of ResNet-50, from the photograph to its 1,000 answers. The course's library has it; you will write
# all of it yourself in the next five lessons.

# %%
from resnet_lib import anatomy, resnet50

for stage in anatomy(resnet50(), 224).by_stage():
    print(f"{stage.name:7} gives {stage.shape!s:15} {stage.parameters:>11,} parameters")

# %% [markdown]
# **What do you see?** Follow the shapes from top to bottom. What shrinks, what grows?
#
# <details><summary>What there is to see</summary>
#
# The width shrinks from 224 to 56, 28, 14 and 7, and the channels grow from 3 to 64, 256, 512, 1024 and 2048. The network
# trades *where* for *what*. The last line is 1,000 numbers without height or width: one for each kind of thing that
# ResNet-50 knows.
# </details>
#
# | lesson | you build |
# | --- | --- |
# | [01 · Stage 0, the stem](01_stem.ipynb) | from (3, 224, 224) to (64, 56, 56) |
# | [02 · BTNK2, the identity block](02_btnk2.ipynb) | the block that keeps its shape |
# | [03 · BTNK1, the projection block](03_btnk1.ipynb) | the block that changes it |
# | [04 · Stages 1 to 4](04_stages.ipynb) | the blocks, stacked |
# | [05 · ResNet-50](05_resnet50.ipynb) | all of it |
# | [06 · published weights](06_published_weights.ipynb) | trained weights in your network, and the proof that it is the real one |
# | [07 · feature maps](07_feature_maps.ipynb) | what it sees in a photograph of your own |
#
# ## Words and signs
#
# Come back here when a word is new.
#
# | | |
# | --- | --- |
# | **C, W, C1, S** | channels in, width in, channels inside a block, stride |
# | **(C, H, W)** | a shape: channels, height, width; the batch before it is left out |
# | **CONV 7×7 /2** | a convolution with a 7×7 kernel and stride 2; without "/", the stride is 1 |
# | **channel, feature map** | one of the C pictures a tensor consists of |
# | **kernel** | the small square of weights that a convolution slides over its input |
# | **padding** | zeros put around the input, so that the kernel fits at the border |
# | **dilation** | the distance between the pixels a kernel looks at; 1 means neighbours |
# | **BN** | batch normalisation: brings each channel to mean 0 and deviation 1, then scales and shifts it |
# | **ReLU** | negative numbers become 0, the others stay |
# | **MAXPOOL** | the largest value in each small window |
# | **Stage 0 … 4** | the five parts of ResNet-50 before its head; Stage 0 is also called the stem |
# | **BTNK1, BTNK2** | the two bottleneck blocks of which Stages 1 to 4 consist |
# | **x, F(x), G(x)** | a block's input; what its main path makes of it; what its shortcut makes of it |
# | **shortcut** | the way around F: x itself in BTNK2, G(x) in BTNK1 |
# | **parameter** | a number that training changes |
# | **MAC** | one multiplication with its addition, the unit of cost |
# | **FLOPs** | floating-point operations; in this course FLOPs = 2 × MACs. Others say FLOPs and mean MACs: always ask |
# | **receptive field** | the square of the photograph that one number can depend on |
# | **the paper** | He, Zhang, Ren, Sun, *Deep Residual Learning for Image Recognition*, 2015, arXiv 1512.03385 |
#
# ## Common mistakes
#
# - **Running cells out of order.** A name is then unknown, or holds something old. *Restart Kernel and Run up to Selected
#   Cell…* in the menu *Kernel* puts it right.
# - **Leaving out the batch.** A layer wants (batch, C, H, W). `x[0]` is a photograph, `x[0:1]` a batch of one.
# - **Reading (H, W, C).** Pictures in files and in NumPy have the channels last. PyTorch has them first.
# - **Thinking S = 2 halves the work.** It leaves a quarter.
#
# ## Summary
#
# - A photograph is a tensor of shape (3, 224, 224); PyTorch puts the batch before it.
# - C and W describe a tensor. S thins it out: (C, W, W) becomes (C, W/S, W/S), rounded up, with 1/S² of the numbers.
# - ResNet-50 makes the width smaller and the channels more, from (3, 224, 224) to (2048, 7, 7) and then 1,000 answers.
#
# ## Recall
#
# 1. What do the numbers of the shape (256, 56, 56) say?
# <details><summary>Answer</summary>256 channels, each 56 pixels high and 56 wide.</details>
#
# 2. A tensor 15 wide is cut down with S = 2. How wide is the result?
# <details><summary>Answer</summary>8: the pixels 0, 2, … 14 are kept. 15/2 is rounded up.</details>
#
# 3. S grows from 1 to 4. What share of the numbers is left?
# <details><summary>Answer</summary>1/16: a quarter of the rows and a quarter of the columns.</details>
#
# 4. In the pictures of channels, what do red, white and blue stand for?
# <details><summary>Answer</summary>Positive, zero, negative.</details>
#
# ## What comes next
#
# [01 · Stage 0, the stem](01_stem.ipynb): the first four steps of ResNet-50, from a photograph to 64 feature maps.

# %% [markdown] tags=["instructor"]
# ### Minute by minute
#
# | minutes | what |
# | --- | --- |
# | 5 | Sections 1 and 2: everybody runs the check-up; walk around, look for arrows |
# | 5 | Section 3: a shape, and the three tiles of the coffee |
# | 5 | Sections 4 and 5: predictions aloud, then the sliders |
# | 5 | Exercise 1 |
# | 5 | Exercise 2 |
# | 5 | Section 6 and the recall questions, answered in pairs |
#
# ### Ask before you show
#
# - Before S moves: "S = 2 keeps what share of the numbers?" Let all vote for a half or a quarter, and only then run it.
# - Before W = 9, S = 2: "4 or 5?" Write both camps' counts on the board. The winners say which pixels are kept.
# - Before section 6: "The photograph has 150,528 numbers, the answer 1,000. What has to become smaller first?"
#
# ### What they may think
#
# - *A shape is (H, W, C).* In files it is. Show `x.shape` whenever someone says "three, last".
# - *The batch is a dimension of the picture.* `x[0]` against `x[0:1]` settles it.
# - *Blue tiles are the blue channel.* Blue means negative, in every tile of the course.
#
# ### On the projector
#
# The SizeExplorer at W = 224, S = 1. Go to S = 8, and ask who still sees a cup. Leave it there while you say what 7 × 7
# means.
