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
# 40 minutes · all cells run in 10 seconds · after Python and an idea of what a convolution is · words: [glossary](glossary.ipynb#Letters-and-shapes)
#
# This course builds ResNet-50, a network that recognises what is in a photograph. For a network a photograph is a box
# of numbers. **How many of them can you take away and still see a cup?**
#
# Click on the cell below and press **Shift + Enter**, then do the same with the next. Drag first; the words come after.

# %%
from resnet_lib.exercises import Progress
from resnet_lib.explorers import SizeExplorer

Progress("00", exercises=3)

# %%
SizeExplorer(W=224, S=4)

# %% [markdown]
# 1. Set **S** to 8. Is it still a cup? How many numbers are left, of 150,528 (3 · 224 · 224)?
# 2. Set **W** to 9 and **S** to 2. How wide is the result, and why is it not 4?
# 3. Compare **W** = 56, **S** = 1 with **W** = 224, **S** = 4. Is the shape the same? Is the picture?
#
# <details><summary>Answers</summary>
#
# 1. That depends on your eyes: at 28 × 28, with 2,352 numbers, most people still see a cup. The last pictures inside
#    ResNet-50 are 7 × 7.
# 2. 5. The pixels 0, 2, 4, 6 and 8 are kept: **W/S is rounded up**, since the first pixel always stays.
# 3. The shape is the same, (3, 56, 56): neither slider changes the 3, for red, green and blue. The picture is not:
#    W averages pixels, and S throws them away, so edges become ragged.
# </details>
#
# <details><summary>The first cell ended with "No module named …"</summary>
#
# This notebook is running with a different Python from the course's. In the menu *Kernel* choose *Change Kernel…* and
# *Python 3 (ipykernel)*, and run the cell again. If that does not help, close JupyterLab and start it as the course's
# README says: that installs whatever is missing.
# </details>
#
# <details><summary>At the end of this lesson you can …</summary>
#
# - run a lesson, do its exercises and find help in it,
# - check whether your machine is ready for the course,
# - read a shape (C, H, W), and use C, W and S, three of the course's four letters,
# - work out how many numbers a tensor holds, how S changes that number, and how many bytes they take.
#
# You need neither a graphics card nor internet.
# </details>
#
# **What you have just seen.** A photograph has a *shape*, (C, H, W): 3 channels, H rows, W columns. **W** is its width
# in pixels: the slider rescales the photograph. **S**, the *stride*, keeps every S-th row and column and throws the
# others away, so S = 2 leaves a quarter of the numbers.
#
# ## 1 · How a lesson works
#
# **Shift + Enter** runs a cell and moves to the next. Work from top to bottom: later cells use the results of earlier
# ones.
#
# - **Exercises** run from ● easy to ●●● hard. Three dots, `...`, stand where your answer belongs. Replace the dots, run the cell,
#   then run the **check** below it. It says **✓ right**, **✗ not right yet** and what is wrong, or **○ open** while
#   there are dots left. An open or wrong exercise stops nothing: until yours is right, the cells below use the
#   library's part.
# - **Hints** are folded away, and each names the problem it helps with: open only the one that fits.
# - **Predictions** come before a result is shown. Commit to an answer, even when you are unsure: you remember an answer
#   better after a wrong guess than if you were just told it.
#
# <details><summary>Stuck, or lost your way? Click on this line</summary>
#
# - The hints below a failed check are nested, and the last is nearly the solution. At the very end of each lesson is a
#   link to the same lesson, solved.
# - In the menu *Kernel* choose *Restart Kernel and Run up to Selected Cell…* and continue from there. Most mysteries
#   come from cells that were run out of order.
# - The circles at the top, one per exercise, are saved in `runs/progress.json`, beside this notebook.
# </details>
#
# ## 2 · Is your machine ready?
#
# This cell checks your machine and reports in plain sentences. If something is missing, it says what to do.

# %%
from resnet_lib.speed.checkup import checkup

checkup()

# %% [markdown]
# ## 3 · A photograph is a box of numbers
#
# The course comes with a few photographs. Here is one.

# %%
from resnet_lib.photos import photo

photo("coffee")

# %% [markdown]
# A network does not see a cup. It gets numbers: how red, how green and how blue each pixel is. `to_input` crops the
# photograph to a square of 224 × 224 pixels and turns it into such numbers, in a PyTorch tensor.

# %%
from resnet_lib.photos import to_input

x = to_input(photo("coffee"))
print(tuple(x.shape))

# %% [markdown]
# Read it from left to right: **1** photograph, **3** channels, **224** rows, **224** columns.
#
# PyTorch works on many photographs at once, a *batch*; the first number is the batch size. It never changes on the way
# through a network, so in text the course leaves it out and writes shapes as **(C, H, W)**: channels, height, width.
# This photograph is (3, 224, 224).
#
# A channel is itself a picture: one number for each pixel. Inside a network it is also called a *feature map*, or
# *map*. These are the three channels of the photograph.

# %%
from resnet_lib.views import show_maps

print("from left to right: how red, how green, how blue each pixel is")
show_maps(x, tile=224, columns=3)

# %% [markdown]
# This is how the course draws channels: one tile each, from left to right and from top to bottom. **White is 0, red is
# positive, blue is negative.** (`to_input` has subtracted the average colour of many photographs: red is more of the
# channel's colour than average, and blue is less.)
#
# **What do you see?** Where do the three channels differ most, and what colour is the photograph there?
#
# <details><summary>What you can see</summary>
#
# The coffee: red in the first tile, nearly white in the second, blue in the third. Light brown is a lot of red, some
# green and little blue. The lit part of the saucer is red in the first tile and blue in both others: a pure red. The
# white rim of the cup is red in all three: white is a lot of every colour. Dark areas, such as the shadow under the
# cup, are blue in all three.
# </details>
#
# ## 4 · Four letters
#
# ResNet-50 consists mostly of *blocks* of a few convolutions each, and four letters describe any block. You will see
# these letters everywhere.
#
# | letter | what it is | in this photograph |
# | --- | --- | --- |
# | **C** | channels of the input | 3 |
# | **W** | width of the input, in pixels; the height is the same, so H = W | 224 |
# | **S** | stride: of each row and each column, only every S-th pixel is kept | – |
# | **C1** | channels inside a block, after its first convolution | – |
#
# C and W describe a tensor. S and C1 describe a part of the network. This lesson uses S; C1 comes in lesson 01.
#
# **Stride** in its simplest form is a slice in Python; `::S` takes every S-th element. **Predict:** what is the shape
# for S = 2?
#
# The next cell asks you. Type three numbers and press Enter or *Commit*. A wrong guess costs nothing: you see what is
# wrong with it, and can try again. *Hint* gives a step towards the answer, and you can press *Show the answer* after a
# first try.

# %%
from resnet_lib.exercises import Prediction, ask, stride_question

Prediction(stride_question(3, 224, 2))

# %%
S = 2
smaller = x[:, :, ::S, ::S]
print(tuple(x.shape), "→", tuple(smaller.shape))

# %%
print(f"{x.numel():,} numbers → {smaller.numel():,}, a fraction of {smaller.numel() / x.numel()}")

# %% [markdown]
# <details><summary>Why is it not half of the numbers?</summary>S = 2 keeps half the rows <em>and</em> half the columns: a
# quarter of the numbers.</details>
#
# **Predict** once more, for a width that S does not divide:

# %%
Prediction(stride_question(3, 13, 4))

# %% [markdown]
# ## 5 · Shapes in your head
#
# You have seen it with the sliders: W/S, rounded up, on both sides, and the channels stay.
#
# ### Exercise 1 · predict shapes
# ● of ●●● · important · 5 minutes
#
# You slice a tensor of shape (C, W, W) with stride S, as above. What is the shape of the result? Do it in your head.
#
# The first answer is filled in, and it is **wrong, on purpose**. So begin in an unusual way: run the exercise as it is,
# then the check below it, and read its message. Then correct that answer, and replace each `...` with three numbers
# (C, H, W).
#
# The cell also prints one more question: put its answer, three numbers too, into `own`.
#
# <details><summary>Hint: my answer for W = 7 is wrong</summary>Write down the numbers 0 to 6, and cross out every
# second one. How many are left?</details>

# %% tags=["exercise"]
# Exercise 1: the shape of the result.
from resnet_lib.exercises import ask_own

prediction = {
    "C = 3, W = 224, S = 2": (3, 112, 224),
    "C = 3, W = 96, S = 4": ...,
    "C = 64, W = 112, S = 2": ...,
    "C = 512, W = 7, S = 2": ...,
}
me = ""  # in a course: your name, as in the name of the file that you hand in; otherwise leave it empty
ask_own("00", me)
own = ...

# %% tags=["solution"]
prediction = {
    "C = 3, W = 224, S = 2": (3, 112, 112),
    "C = 3, W = 96, S = 4": (3, 24, 24),
    "C = 64, W = 112, S = 2": (64, 56, 56),
    "C = 512, W = 7, S = 2": (512, 4, 4),
}
me = ""  # in a course: your name, as in the name of the file that you hand in; otherwise leave it empty
own = (256, 19, 19)  # 56 / 3, rounded up

# %%
from resnet_lib.exercises import predict

asked = [(3, 224, 2), (3, 96, 4), (64, 112, 2), (512, 7, 2)]
questions = {f"C = {C}, W = {W}, S = {S}": stride_question(C, W, S) for C, W, S in asked}
predict(questions, prediction, exercise="00.1")

# %%
from resnet_lib.exercises import check_own

check_own("00", me, own)

# %% [markdown]
# Solved? Look at the line below the title: one of its circles has become a ✓.
#
# ### Exercise 2 · count the numbers
# ● of ●●● · important · 5 minutes
#
# Write a function that returns how many numbers of a (C, W, W) tensor are left after stride S. You have seen one result
# already: `numbers_left(3, 224, 2)` should be 37,632. The check tries other C, W and S too, and accepts any way of
# writing it.
#
# <details><summary>Hint: I do not know how to round up</summary><code>math.ceil(W / S)</code>, after
# <code>import math</code>.</details>
# <details><summary>Hint: it is right for W = 224 and not for W = 7</summary><code>W // S</code> rounds down, and
# <code>W * W / S**2</code> does not round the sides at all. Round the side up first, then multiply.</details>
# <details><summary>Hint: I wrote <code>C * W // S * W // S</code></summary>Python works from left to right: that is
# ((C · W // S) · W) // S. Put brackets around each side, and round it up.</details>
# <details><summary>Hint: the check mentions rows and columns</summary>The stride thins out both: multiply by the new
# width twice.</details>


# %% tags=["exercise"]
# Exercise 2: how many numbers are left.
def numbers_left(C, W, S):
    return ...  # your code here


# %% tags=["solution"]
import math


def numbers_left(C, W, S):
    side = math.ceil(W / S)
    return C * side * side


# %%
from resnet_lib.exercises import check_numbers_left

check_numbers_left(numbers_left, exercise="00.2")

# %% [markdown]
# How much memory do the photograph's 150,528 numbers take? Each is a *float32*, a number stored in 32 bits; 8 bits are
# a byte. **Predict** the bytes:

# %%
ask("00.bytes")

# %%
print(f"{x.dtype}: {x.element_size()} bytes per number, so {x.numel() * x.element_size():,} bytes for the photograph")

# %% [markdown]
# ### Exercise 3 · the size of a batch
# ● of ●●● · worth doing · 5 minutes
#
# Write a function that returns how many bytes a whole batch takes: a float32 tensor of shape (batch, C, W, W).
#
# <details><summary>Hint: the check mentions bits, or 4 bytes</summary>32 bits are 32 / 8 bytes.</details>
# <details><summary>Hint: it is right for batch = 1 only</summary>Every picture in the batch takes as much memory as the
# first.</details>


# %% tags=["exercise"]
# Exercise 3: bytes of a batch.
def batch_bytes(batch, C, W):
    return ...  # your code here


# %% tags=["solution"]
def batch_bytes(batch, C, W):
    return 4 * batch * C * W * W


# %%
from resnet_lib.exercises import check_bytes, yours

check_bytes(batch_bytes, exercise="00.3")

# %% [markdown]
# With your function (or the library's, while yours is open), compare a batch of 32 photographs, the output of
# ResNet-50's first convolution, and the output of its last block. **Predict** which takes most memory:

# %%
ask("00.largest")

# %%
size = yours("batch_bytes")
for C, W in [(3, 224), (64, 112), (2048, 7)]:
    print(f"{(32, C, W, W)!s:18} {size(32, C, W) / 1e6:6.1f} MB")

# %% [markdown]
# (1 MB is a million bytes.) The feature maps that a network makes fill the memory. Lesson 09 comes back to this.
#
# ## 6 · Where this is going
#
# This is the whole of ResNet-50: Stage 0, then Stages 1 to 4, each a row of blocks, and the *head*, which outputs
# 1,000 numbers, one for each kind of thing it knows. A *parameter* is a number that training changes. The course's
# library has all this; you will write it yourself in the next five lessons. **Guess** which part has most parameters:

# %%
ask("00.parameters")

# %%
from resnet_lib import anatomy, resnet50

for stage in anatomy(resnet50(), 224).by_stage():
    print(f"{stage.name:7} outputs {stage.shape!s:15} {stage.parameters:>11,} parameters")

# %% [markdown]
# **What do you see?** Follow the shapes from top to bottom, then the parameters.
#
# <details><summary>What you can see</summary>
#
# The width shrinks from 224 to 56, 28, 14 and 7, and the channels grow from 3 to 64, 256, 512, 1024 and 2048. The
# network trades *where* for *what*. Most parameters are in Stage 4, which has the most channels. The last line, the head,
# has neither height nor width.
# </details>
#
# | lesson | what it is about |
# | --- | --- |
# | [01 · Stage 0, the stem](01_stem.ipynb) | from (3, 224, 224) to (64, 56, 56) |
# | [02 · BTNK2, the identity block](02_btnk2.ipynb) | the block that keeps its shape |
# | [03 · BTNK1, the projection block](03_btnk1.ipynb) | the block that changes its shape, the first of each stage |
# | [04 · Stages 1 to 4](04_stages.ipynb) | the blocks, stacked |
# | [05 · ResNet-50](05_resnet50.ipynb) | the whole network |
# | [06 · published weights](06_published_weights.ipynb) | trained weights in your network, and proof that it is the real ResNet-50 |
# | [07 · feature maps](07_feature_maps.ipynb) | what it sees in your own photograph |
# | [08 · why residuals](08_why_residuals.ipynb) | two networks side by side, and why fifty layers can learn |
# | [09 · making it fast](09_making_it_fast.ipynb) | the same answers in less time |
# | [10 · capstone](10_capstone.ipynb) | a network of your own design |
# | [11 · clinic](11_clinic.ipynb) | networks with mistakes for you to find and fix |
#
# ## Words and signs
#
# These are the words this lesson used. The [glossary](glossary.ipynb) has all the others; every lesson links to it at
# the top.
#
# | | |
# | --- | --- |
# | **C, W, S** | input channels, input width, stride; C1, the channels inside a block, comes in lesson 01 |
# | **(C, H, W)** | a shape: channels, height, width, without the batch dimension |
# | **channel, map** | one of the C pictures that make up a tensor |
# | **batch** | several pictures in one tensor, (batch, C, H, W) |
# | **parameter** | a number that training changes |
# | **block** | a few convolutions that belong together |
# | **Stage 0 … 4, head** | the parts of ResNet-50; Stage 0 is also called the stem, and the head outputs the answers |
#
# ## Common mistakes
#
# - **Running cells out of order.** A name is then undefined, or holds an old value. *Restart Kernel and Run up to
#   Selected Cell…* in the menu *Kernel* fixes it.
# - **Leaving out the batch.** A layer expects (batch, C, H, W). `x[0]` is a photograph, `x[0:1]` a batch of one.
# - **Reading (H, W, C).** Pictures in files and in NumPy have the channels last. PyTorch has them first.
# - **Thinking S = 2 leaves half.** It leaves half of each side, and a quarter of the numbers.
# - **Running the check and not the cell.** A check sees what your cell defined when it last *ran*. Run the cell you
#   have changed, and then the check.
#
# ## Summary
#
# - A photograph is a tensor of shape (3, 224, 224); PyTorch adds the batch dimension in front.
# - C and W describe a tensor. S thins it out: (C, W, W) becomes (C, W/S, W/S), rounded up, with about 1/S² of the numbers.
# - A float32 takes 4 bytes: a batch of shape (batch, C, W, W) takes 4 · batch · C · W · W.
# - ResNet-50 reduces the width and adds channels, from (3, 224, 224) to (2048, 7, 7) and then 1,000 numbers.
#
# ## Recall
#
# 1. What do the numbers of the shape (256, 56, 56) say?
# <details><summary>Answer</summary>256 channels, each 56 pixels high and 56 wide.</details>
#
# 2. You slice a tensor of width 15 with S = 2. How wide is the result?
# <details><summary>Answer</summary>8: the pixels 0, 2, … 14 are kept. 15/2 is rounded up.</details>
#
# 3. You slice a picture of width 224 with S = 4. What fraction of the numbers is left?
# <details><summary>Answer</summary>1/16: a quarter of the rows and a quarter of the columns.</details>
#
# 4. In the pictures of channels, what do red, white and blue stand for?
# <details><summary>Answer</summary>Positive, zero, negative.</details>
#
# 5. How many bytes does a float32 tensor of shape (2, 3, 10, 10) take?
# <details><summary>Answer</summary>2 · 3 · 10 · 10 = 600 numbers of 4 bytes: 2,400.</details>
#
# 6. A check fails, you correct your exercise, and the check says the same again. What did you forget?
# <details><summary>Answer</summary>To run the exercise cell before the check.</details>
#
# ## What comes next
#
# [01 · Stage 0, the stem](01_stem.ipynb): the first four steps of ResNet-50, from a photograph to 64 feature maps.

# %% [markdown] tags=["instructor"]
# ### Minute by minute
#
# | minutes | what |
# | --- | --- |
# | 10 | Sections 1 and 2: how a lesson works; all students run the check-up; walk around, look for arrows |
# | 5 | Section 3: a shape, and the three tiles of the coffee |
# | 5 | Section 4: a prediction, committed and not just thought of |
# | 5 | Exercise 1; its first answer is wrong on purpose: let all students see a failed check before they fix it |
# | 5 | Exercise 2 |
# | 5 | Exercise 3 |
# | 5 | Section 6 and the recall questions, answered in pairs |
#
# ### Ask before you show
#
# - Before the slice runs: "What fraction of the numbers does S = 2 keep?" Have everyone vote for a half or a quarter.
# - At the prediction with W = 13, S = 4: "3 or 4?" Write both counts on the board. Ask the winners which pixels are
#   kept.
# - Before the bytes of three tensors are printed: "Which is the largest?" Not the photographs.
# - Before section 6: "The photograph has 150,528 numbers, the answer 1,000. What has to become smaller first?"
#
# ### What they may think
#
# - *A shape is (H, W, C).* In files it is. Show `x.shape` whenever a student says "the three comes last".
# - *The batch is a dimension of the picture.* Comparing `x[0]` with `x[0:1]` settles it.
# - *Blue tiles are the blue channel.* Blue means negative, in every tile of the course.
# - *A failed check costs marks.* Only solved exercises count. The quickest way to learn is to fail a check early.
#
# ### On the projector
#
# The SizeExplorer at W = 224, S = 1. Go to S = 8, and ask who still sees a cup. Leave it there while you explain what 7
# × 7 means.
