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
# # 07 · Feature maps
#
# 130 minutes · all cells run in 30 seconds on two cores · after [lesson 05](05_resnet50.ipynb); [06](06_published_weights.ipynb) says where trained weights come from · words: [glossary](glossary.ipynb#Looking-inside)
#
# Somewhere between a photograph and an answer, pixels become meaning. **Which channel sees what, and how much of the
# photograph does one value see?** Here is a trained network: click through it, then compute one of its values yourself.

# %%
from resnet_lib.exercises import Progress
from resnet_lib.explorers import PhotographExplorer
from resnet_lib.weights import load

Progress("07", exercises=6)

# %%
PhotographExplorer(load("thin"), step="stage1.0.relu3")

# %% [markdown]
# 1. Click a map to enlarge it over the photograph. What does that channel answer to?
# 2. Click one value. Which pixels of the photograph does it see, and of which products is it the sum?
# 3. Go to Stage 4. How many positions are left, and how much does one of them see?
#
# <details><summary>Answers</summary>
#
# 1. In early stages to edges, colours and textures. Be careful with names: section 3 measures what a channel answers
#    to.
# 2. A square around the same place; section 4 computes how large it is, section 5 the products.
# 3. 49, and each sees the whole picture and the padding around it.
# </details>
#
# <details><summary>At the end of this lesson you can …</summary>
#
# - follow your own photograph through a trained network: stage, block, step, channel, one value,
# - describe a channel with numbers, and find one that responds to a pattern you choose,
# - work out by hand how many pixels a value can see, and show which ones really matter,
# - compute one value from its products,
# - write Grad-CAM, predict what occlusion costs, and say what neither of them proves.
# </details>
#
# **What you have just seen.** A network is a walk: stage, block, step, channel, one value.
#
# **Take this lesson on two days.** Sections 1 to 5, 65 minutes, follow one value. Sections 6 to 10, another 65, ask
# what speaks for the answer.

# %%
import torch
from IPython.display import display

from resnet_lib import activations
from resnet_lib.experiments.seen import Seen
from resnet_lib.photos import PHOTOS
from resnet_lib.views import show_maps
from resnet_lib.weights import Unavailable

# %% [markdown]
# ## 1 · A trained network and a photograph
#
# To see what *training* does, you need trained weights. The course includes those of a **thin** ResNet-50: all the
# blocks you built, in the same places, with a quarter of the channels. It knows ten classes. Neither a cat nor a cup is
# among them, so it must call them something else.
#
# With `NETWORK = "resnet50"` you get the published weights instead: about 100 MB, downloaded once, and every cell takes
# longer. Every cell runs with either; the text and the exercises describe the results of the thin network.

# %%
NETWORK = "thin"  # or "resnet50"
try:
    network = load(NETWORK)
except Unavailable as why:
    print(why)
    network = load("thin")
print(network.checkpoint.note)
print(f"pictures of {network.checkpoint.size} pixels, {len(network.checkpoint.classes):,} classes:")
print(", ".join(network.checkpoint.classes[:10]))

# %% [markdown]
# `Seen` runs a picture through the network once and keeps the inputs and the output of every step. A step is one
# convolution, BN, ReLU, sum and so on, under its name. The **logits** are the scores of lesson 05, one for each class.

# %%
seen = Seen(network, "cat")
print("input ", tuple(seen.x.shape))
print("steps ", len(seen.steps))
print("logits", tuple(seen.logits.shape))

# %% [markdown]
# ## 2 · The walk
#
# The same instrument, for the network chosen above. **stage** → **block** → **step** choose the place. A click on a
# small map chooses the **channel** and the **value** there; a click on the enlarged map or the photograph chooses
# another value. Its arithmetic is below them. **your own** opens your own photograph, or drop a file on the view. It
# begins with the cat: the answer cannot be right, but eyes and nose are easy to follow.
#
# Decide before you press:
#
# 1. Stay in Stage 0 and go from **conv** to **bn** to **relu**. Which of them have blue?
# 2. Go to Stages 1, 2, 3 and 4, always to the last block's **relu3**. When do you stop recognising the cat?
# 3. In Stage 1, block 2, compare **bn3** with **add** and with **relu3**. Which two look alike?
# 4. Go to **head**, **fc**. How many numbers are there, and what are they?

# %%
PhotographExplorer(network, "cat", step="stage0.relu")

# %% [markdown]
# <details><summary>Answers</summary>
#
# 1. conv and bn. Blue is negative, and the ReLU sets negative values to 0.
# 2. In Stages 1 and 2 you can still find eyes and nose in many maps. In Stage 3, with 14 × 14 values, perhaps, if you
#    know where to look. Stage 4 is too coarse to show a shape.
# 3. add and relu3. The ReLU only removes the blue. bn3 is F(x) alone, which is added to the block's input.
# 4. One for each class: the logits.
# </details>
#
# So *where* is traded for *what*. But be careful with claims such as "this channel detects ears". You only see where a
# channel is strong in **one** picture.
#
# ## 3 · One channel
#
# A channel that is zero *everywhere* contributes nothing to the layers that read it. For one picture that is normal: a
# channel need not respond to a cat. If it is zero for **every** picture, it is dead weight, a **dead channel**.
#
# ### Exercise 1 · silent channels
# ● of ●●● · worth doing · 10 minutes
#
# Write `silent(runs, step)`: it returns how many channels of a step are zero at every position in **all five** bundled
# photographs. `runs[name][step]` is the step's output for one photograph, (C, h, w).
#
# <details><summary>Hint: how do I test all five at once?</summary><code>torch.stack</code> makes (5, C, h, w) from the
# five tensors. Which of these four dimensions must you reduce, so that one answer per channel remains?</details>
# <details><summary>Hint: my number is much too large</summary>Zero <em>somewhere</em> is not enough, and silent on one
# photograph is not enough either. The maximum over positions and photographs must be 0.</details>

# %%
runs = {name: Seen(network, name) for name in PHOTOS}


# %% tags=["exercise"]
# Exercise 1: channels that are zero everywhere in all five photographs.
def silent(runs, step):
    return ...  # your code here


# %% tags=["solution"]
def silent(runs, step):
    maps = torch.stack([run[step] for run in runs.values()])  # (5, C, h, w)
    return (maps.amax(dim=(0, 2, 3)) == 0).sum().item()


# %%
from resnet_lib.exercises import check_silent, yours

check_silent(silent, exercise="07.1")

# %% [markdown]
# **Predict** where most channels are silent on one photograph:

# %%
from resnet_lib.exercises import ask

ask("07.silent")

# %%
ends = ["stage0.relu", "stage1.2.relu3", "stage2.3.relu3", "stage3.5.relu3", "stage4.2.relu3"]
count = yours("silent")
print("channels that are silent on".ljust(28), " ".join(f"{name:>9}" for name in PHOTOS), "  all five")
for step in ends:
    silent_on = [(run[step] == 0).flatten(1).all(1).sum().item() for run in runs.values()]
    print(f"{step:15} {len(seen[step]):5,} channels", " ".join(f"{n:9}" for n in silent_on), f"  {count(runs, step):8}")

# %% [markdown]
# Up to a third of Stage 4's channels are silent on one photograph, and none on all five. The fewer pictures you look
# at, the more channels seem dead.
#
# ### What does a channel respond to?
#
# Looking at maps is one way to find out. An experiment is better: show the network a pattern that *you* made, and
# measure. Here are two patterns that differ only in direction.

# %%
W = seen.size
upright = ((torch.arange(W) // 3) % 2 * 2.0 - 1).expand(1, 3, W, W).contiguous()  # stripes 3 pixels wide
lying = upright.transpose(2, 3).contiguous()
show_maps(torch.cat([upright[:, 0], lying[:, 0]]), tile=192)

# %% [markdown]
# ### Exercise 2 · find a channel
# ●● of ●●● · worth doing · 10 minutes
#
# Find a channel of `stage0.conv` that responds more than three times as strongly to upright stripes as to lying ones.
# The **response** of a channel is the mean of its absolute values. `activations(network, pattern, ["stage0.conv"])`
# returns a dictionary: name of the step → its maps, (1, C, h, w).
#
# <details><summary>Hint: I get one number, and not one per channel</summary>Take the mean over the last two dimensions
# only, <code>.mean((…, …))</code>.</details>
# <details><summary>Hint: the check says "hardly answers to anything"</summary>A ratio of two tiny numbers can be large
# as well. Try the <em>difference</em> of the two responses.</details>


# %% tags=["exercise"]
# Exercise 2: a channel for upright stripes.
def response(pattern):
    """Mean absolute value of each channel of stage0.conv, (C,)."""
    return ...  # your code here


upright_channel = ...  # your code here


# %% tags=["solution"]
def response(pattern):
    """Mean absolute value of each channel of stage0.conv, (C,)."""
    return activations(network, pattern, ["stage0.conv"])["stage0.conv"][0].abs().mean((1, 2))


upright_channel = (response(upright) - response(lying)).argmax().item()

# %%
from resnet_lib.exercises import check_channel, check_response

display(check_response(response, network))
chosen = check_channel(upright_channel, network, upright, lying, exercise="07.2")
chosen

# %% [markdown]
# Now test the channel on a photograph that you did not use to choose it: the church, as the network sees it. Where
# should your channel respond, and where the channel that responds most to *lying* stripes?

# %%
runs["church"].image.resize((288, 288))

# %%
one, other = (activations(network, p, ["stage0.conv"])["stage0.conv"][0].abs().mean((1, 2)) for p in (upright, lying))
own_channel = upright_channel if chosen.ok else (one - other).argmax().item()  # the library's, while yours is open
lying_channel = (other - one).argmax().item()
show_maps(runs["church"]["stage0.conv"][[own_channel, lying_channel]], tile=288)

# %% [markdown]
# **What do you see?** Your channel is on the left, the other on the right. Where is each of them far from zero (white)?
#
# <details><summary>What you can see</summary>The left one follows the edges of the towers and of their windows, in red
# and in blue: at one edge the picture goes from dark to bright, at the next from bright to dark. The right one follows
# the balustrade and the ledges. And where the padding begins, at the borders, there may be a bar without any edge in
# the picture: zeros look like one.</details>
#
# ## 4 · How much of the photograph does one value see?
#
# The pixels that a value can depend on are its **receptive field**. Lesson 05 gave the rule. With r, how many pixels
# the value sees along one side, and j, the jump to the neighbouring value, a step of kernel k and stride S gives
# (Araujo, Norris, Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019):
#
# $$r \leftarrow r + (k - 1) \cdot j \qquad\qquad j \leftarrow j \cdot S$$
#
# Update r first, with the *old* jump, then j. One pixel sees itself: r = 1, j = 1. The stem by hand:

# %%
r, j = 1, 1
r, j = r + (7 - 1) * j, j * 2  # CONV 7×7 /2
print("after the convolution", r, j)
r, j = r + (3 - 1) * j, j * 2  # MAXPOOL 3×3 /2
print("after the pooling    ", r, j)

# %% [markdown]
# BN, ReLU and the 1×1 convolutions have k = 1: they add nothing to r. In a bottleneck only the 3×3 counts. (The
# shortcut sees less than F does, so the sum sees what F sees.)
#
# ### Exercise 3 · the receptive field by hand
# ●● of ●●● · important · 10 minutes
#
# What is r at the end of Stages 1 to 4? Work it out on paper, or with a loop, for v1.5, where S is on the 3×3. As a
# reminder: 3, 4, 6 and 3 blocks, and S = 1 in Stage 1, S = 2 in the first block of the others.
#
# <details><summary>Hint: Stage 1</summary>Three 3×3 with j = 4. Each adds (3 − 1) · 4 = 8.</details>
# <details><summary>Hint: Stage 2</summary>The values that its first 3×3 sees are still 4 pixels apart: it adds 8. Then
# j = 8, and the other three add 16 each.</details>
# <details><summary>Hint: my Stage 1 is right and all others are too large</summary>In the block with S = 2 you
# multiplied the jump first. The stride changes j for the steps <em>after</em> this one.</details>

# %% tags=["exercise"]
# Exercise 3: pixels that one value sees, along a side.
r_after = {"stage1": ..., "stage2": ..., "stage3": ..., "stage4": ...}

# %% tags=["solution"]
r_after = {}
r, j = 11, 4
for stage, blocks, S in [("stage1", 3, 1), ("stage2", 4, 2), ("stage3", 6, 2), ("stage4", 3, 2)]:
    for block in range(blocks):
        r, j = r + (3 - 1) * j, j * (S if block == 0 else 1)
    r_after[stage] = r

# %%
from resnet_lib.exercises import field_question, predict

stages = ["stage1", "stage2", "stage3", "stage4"]
predict({stage: field_question(stage) for stage in stages}, r_after, exercise="07.3")

# %% [markdown]
# This arithmetic involves neither channels nor weights, so the thin network sees just as far. v1 ends at 483: its
# stride comes *before* the 3×3, which then has twice the jump.
#
# ### On the photograph
#
# In the instrument of section 2, go to Stage 1, block 3, **relu3**, and click a value in the middle of the map.
#
# 1. The frame in the map is the value's own place, the square on the photograph what it sees. How many times as wide is
#    the square?
# 2. The square says what the value *can* see. Press **gradient**: it is 0 for pixels that make no difference. Is the
#    square evenly filled?
#
# <details><summary>Answers</summary>
#
# 1. Nearly nine times: 35 pixels, and the frame stands for 4, the jump. Neighbouring values see nearly the same pixels,
#    so maps are much less sharp than they look.
# 2. No: a bright core of a few pixels and a faint haze around it. Outside the square the gradient is exactly 0.
# </details>
#
# How wide is the middle square that holds 90 % of the gradient? The cell tries larger and larger squares. **Predict:**

# %%
ask("07.middle")

# %%
from resnet_lib.experiments.attribution import support

for step in ends[1:]:
    middle = seen[step].shape[1] // 2
    strongest = seen[step][:, middle, middle].argmax().item()
    gradient = support(network, seen.x, step, strongest, middle, middle)
    field = seen.anatomy.field(step, middle, middle)
    centre = (field.top + field.bottom) // 2
    for half in range(seen.size):
        square = slice(max(centre - half, 0), centre + half + 1)
        if gradient[square, square].sum() >= 0.9 * gradient.sum():
            break
    print(f"{step}: {field.bottom - field.top:3} pixels can matter, the middle {2 * half + 1:3} hold 90 %")

# %% [markdown]
# **What do you see?** Compare the two numbers in each row.
#
# <details><summary>What you can see</summary>The middle counts far more than the rim. There are many paths from a
# central pixel to the value and only one from a corner. Luo et al. (arXiv 1701.04128) call the part that matters the
# <em>effective</em> receptive field.</details>
#
# ## 5 · One value, down to its products
#
# You have reached the bottom: a single value. Everything in a ResNet is sums of products like this one. `explain`
# breaks one value of one step down into its products. (The explorer shows the same below the map.)

# %%
from resnet_lib.experiments.arithmetic import explain

step, channel, row, column = "stage2.0.conv2", 5, 3, 2
value = explain(network, seen.x, step, channel, row, column)
print(value.formula)
print("rows of the input", value.rows, "columns", value.columns)
print("MACs for this value:", value.macs)
print("input channels that contribute most:", [(c, round(v, 3)) for c, v in value.strongest(3)])

# %% [markdown]
# ### Exercise 4 · one value by hand
# ●● of ●●● · important · 15 minutes
#
# Compute values of this step yourself: `by_hand(channel, row, column)`. The step is a 3×3 convolution with stride 2 and
# padding 1, without bias. `given` is its input, `weight` its weights. Positions at the border need the padding; you can
# skip those.
#
# <details><summary>Hint: which rows of the input?</summary>Without padding they would begin at 2 · row. The padding
# shifts everything by 1: rows 2 · row − 1, 2 · row and 2 · row + 1.</details>
# <details><summary>Hint: what do I multiply?</summary><code>weight[channel]</code> has shape (C, 3, 3), like the window
# you cut out of <code>given</code>. Multiply them, and add everything up.</details>

# %%
given = seen.inputs(step)[0][0]
weight = network.get_submodule(step).weight.detach()
print("given ", tuple(given.shape))
print("weight", tuple(weight.shape))
print("output", tuple(seen[step].shape))


# %% tags=["exercise"]
# Exercise 4: one value of a 3×3 convolution with stride 2 and padding 1.
def by_hand(channel, row, column):
    return ...  # your code here


# %% tags=["solution"]
def by_hand(channel, row, column):
    top, left = 2 * row - 1, 2 * column - 1
    window = given[:, top : top + 3, left : left + 3]  # (C, 3, 3)
    return (window * weight[channel]).sum().item()


# %%
from resnet_lib.exercises import check_one_value

check_one_value(by_hand, given, weight, exercise="07.4")

# %% [markdown]
# The step computes one such value for each channel and position. Together that gives its MACs:

# %%
C, H, W = seen[step].shape
print(f"{C} · {H} · {W} values · {value.macs} MACs each = {C * H * W * value.macs:,}")
print(f"anatomy says                       {seen.anatomy[step].macs:,}")

# %% [markdown]
# **Stop here, and go on another day**: half of the lesson is done. In a new session, choose *Restart Kernel and Run up
# to Selected Cell…* in the menu *Kernel* at this place.
#
# ## 6 · What speaks for the class? Grad-CAM
#
# Take the photograph of the truck. The network says *garbage truck*, and is right. Which places made it say so?
#
# Begin at the end, where it is easy. The head averages each map of Stage 4 to one number, and the logit of a class is a
# weighted sum of those numbers. So each map has a weight in the matrix of the linear layer, which says how much the map
# speaks for *garbage truck*.

# %%
seen = runs["truck"]
target = seen.logits.argmax().item()
print("class", target, network.checkpoint.classes[target], f"with logit {seen.logits[target].item():.4f}")

maps = seen["stage4.2.relu3"]  # (C, h, w)
speaks_for = network.head.fc.weight[target].detach()  # (C,)
contributions = (speaks_for[:, None, None] * maps).sum(0)  # (h, w): what each place contributes
print(f"mean over all places, plus the bias: {(contributions.mean() + network.head.fc.bias[target]).item():.4f}")
contributions.round(decimals=1)

# %% [markdown]
# So the logit is the mean of 49 contributions, one for each place, plus the bias. (That is "class activation mapping",
# Zhou et al., arXiv 1512.04150.)
#
# At earlier steps there is no such matrix, because more blocks follow before the logit. **Grad-CAM** (Selvaraju et al.,
# arXiv 1610.02391) uses the gradient instead: a channel matters as much as the logit grows with it. For maps $A^k$ of
# $h \times w$ values and the logit $y$ of the class:
#
# $$\alpha_k = \frac{1}{h\,w} \sum_{i,j} \frac{\partial y}{\partial A^k_{ij}} \qquad\qquad
#   L = \mathrm{ReLU}\Big(\sum_k \alpha_k A^k\Big)$$
#
# Equation (1) of the paper: the mean gradient of each channel. Equation (2): the weighted sum of the maps. The ReLU
# keeps places that speak *for* the class; those that speak against it may belong to other classes.
#
# This is the library's map, at Stage 3, laid over the photograph: yellow where the map is strongest, grey where it is
# 0.

# %%
from resnet_lib.experiments.attribution import grad_cam, upsample
from resnet_lib.views.channel import blend, side_by_side


def overlay(picture_seen, values):
    """Draw the photograph in grey, with the map in colour over it, stretched to its size."""
    return blend(picture_seen.image, upsample(values, 288, 288), "viridis")


overlay(seen, grad_cam(network, seen.x, target, "stage3").values)

# %% [markdown]
# ### Exercise 5 · write Grad-CAM
# ●●● of ●●● · the heart of the lesson · 20 minutes
#
# Write a function that returns this map, 14 × 14 values before stretching. The first lines are given: `""` is the name
# of the whole network, so `kept[""]` holds the logits, and with `grad=True` PyTorch records how they depend on the
# maps. You write the two equations, in about three lines.
#
# <details><summary>Hint: how do I get the gradient of one number?</summary>
# <code>torch.autograd.grad(number, maps)</code> returns a tuple with one tensor of the shape of <code>maps</code>. The
# number is the logit of the class: <code>logits[0, target]</code>.</details>
# <details><summary>Hint: "grad can be implicitly created only for scalar outputs"</summary>You asked for the gradient
# of all logits. Choose one of them.</details>
# <details><summary>Hint: "the size of tensor a must match …" when I weight the maps</summary>The mean over dimensions 2
# and 3 with <code>keepdim=True</code> has shape (1, C, 1, 1), and PyTorch stretches it when you multiply.</details>
# <details><summary>Hint: "the map still hangs on the gradients"</summary>End with <code>.detach()</code>.</details>


# %% tags=["exercise"]
# Exercise 5: Grad-CAM.
def my_grad_cam(network, x, target, step):
    """The map of Grad-CAM, (h, w), for the class of that number, at the named step."""
    kept = activations(network, x, [step, ""], grad=True)
    maps, logits = kept[step], kept[""]  # (1, C, h, w) and (1, classes)
    return maps, logits, ...  # your code here: return the map, (h, w), instead


# %% tags=["solution"]
def my_grad_cam(network, x, target, step):
    """The map of Grad-CAM, (h, w), for the class of that number, at the named step."""
    kept = activations(network, x, [step, ""], grad=True)
    maps, logits = kept[step], kept[""]  # (1, C, h, w) and (1, classes)
    (slopes,) = torch.autograd.grad(logits[0, target], maps)  # (1, C, h, w)
    weights = slopes.mean(dim=(2, 3), keepdim=True)  # (1, C, 1, 1), equation (1)
    return (weights * maps).sum(1)[0].relu().detach()  # (h, w), equation (2)


# %%
from resnet_lib.exercises import check_grad_cam

check_grad_cam(my_grad_cam, exercise="07.5")

# %% [markdown]
# (At Stage 4 the mean gradients are the weights from the matrix, divided by 49, the places that the head averages
# over.)
#
# Now lay your maps over the photograph, from Stage 1 to Stage 4. You have seen Stage 3. **Predict:**

# %%
ask("07.places")

# %%
stages = ["stage1", "stage2", "stage3", "stage4"]
heat = yours("my_grad_cam")
side_by_side(*(overlay(seen, heat(network, seen.x, target, stage)) for stage in stages))

# %% [markdown]
# **What do you see?** Which of the four would you show as the reason why this is a garbage truck?
#
# <details><summary>What you can see</summary>Four maps, four stories. Stage 1 points to the tyres. Stages 2 and 3 point
# to the empty white above and below the truck. Stage 4 lies on the truck. They all explain the same number, and nothing
# in the pictures tells you which one to believe.</details>
#
# ### Which stage to believe
#
# Try it out: show the network only the quarter of the pixels that a map marks, and nothing else. Then hide that
# quarter. A map that marks what the network goes by keeps the answer in the first experiment, and breaks it in the
# second.

# %%
from resnet_lib.experiments.pointing import quarters

sees = {stage: seen.anatomy[last].sees for stage, last in zip(stages, ends[1:], strict=True)}
print(f"{'the marked quarter is':20} {'all it sees':>12} {'hidden':>8}")
for method, marked in quarters(network, seen.x, target, sees).items():
    with torch.no_grad():
        shown, hidden = (network(seen.x * part).softmax(1)[0, target].item() for part in (marked, ~marked))
    print(f"{method:20} {shown:12.1%} {hidden:8.1%}")

# %% [markdown]
# One photograph proves little, this one least of all, with its empty background. So here is the same experiment on 107 of
# Imagenette's validation photographs that the network recognises. **Predict** where Grad-CAM does best:

# %%
ask("07.stage")

# %% [markdown]
# <details><summary>The answers of all 107</summary>
#
# | the quarter marked by | only it is shown: still right | it is hidden: still right |
# | --- | --- | --- |
# | Grad-CAM, Stage 1 | 18 % | 77 % |
# | Grad-CAM, Stage 2 | 20 % | 71 % |
# | Grad-CAM, Stage 3 | 16 % | 71 % |
# | Grad-CAM, Stage 4 | 43 % | 58 % |
# | occlusion | 35 % | 79 % |
# | the middle, without a map | 53 % | 86 % |
# | anywhere | 35 % | 88 % |
#
# </details>
#
# (The course does not include those photographs. With them, `python -m resnet_lib.experiments.train_thin FOLDER
# --check` prints this table.)
#
# **What do you see?** Open the table. Which stage is worth looking at? Is it better than no map at all?
#
# <details><summary>What you can see</summary>Of the four stages, the last: shown alone, its quarter keeps more answers
# than that of any other stage, and hidden it costs more of them than any other quarter. Stages 1 to 3 keep fewer
# answers than a quarter chosen without looking. And the middle of the picture, which costs nothing, keeps the most:
# photographers put things there. So look at Stage 4, and do not expect too much: of the first 20 of these photographs,
# the brightest place of Stage 4 lies on the thing in about two thirds, and beside it in the others.</details>
#
# ### A map in the wrong place
#
# Be suspicious of the overlay as well. Stage 4 has 7 × 7 values, and the overlay stretches them over the photograph, as
# if each belonged to a square of 32 pixels. Where is the field of each place really centred? `placed` draws each value
# there: on the left the stretched map, on the right the placed one.

# %%
from resnet_lib.experiments.attribution import placed

fields = [seen.anatomy.field("stage4.2.relu3", i, i) for i in range(7)]
print("centred on", [(f.top + f.bottom) // 2 for f in fields])
print("drawn at  ", [round((i + 0.5) * seen.size / 7) for i in range(7)])
values = grad_cam(network, seen.x, target, "stage4").values
there = placed(values, sees["stage4"], seen.size, seen.size)
side_by_side(overlay(seen, values), blend(seen.image, there / there.max(), "viridis"))

# %% [markdown]
# **What do you see?** In which direction has the map moved, and how far?
#
# <details><summary>What you can see</summary>
#
# - 16 pixels to the upper left, half a jump. The padding is half a kernel wide, so the first window of every step is
#   centred on the first position. Therefore the first place of every map is centred on the picture's *corner*.
# - From there a stride of 2 takes positions 0, 2, 4, … With an even number of positions it never takes the last one, so
#   with each stride the map ends a little earlier. The last place of Stage 4 is centred on pixel 192 of 224.
# - At Stage 3 half a jump is 8 pixels, at Stage 2 it is 4. In a picture of 64 pixels, where Stage 4 has 2 × 2 places,
#   stretching would be wrong by a quarter of the picture.
#
# Stretching is what nearly every tool does. The explorer below places.
# </details>
#
# A map that looks plausible is not necessarily in the right place.
#
# ## 7 · Occlusion: hide it and see
#
# Grad-CAM asks what *would* happen if the maps changed a little. **Occlusion** (Zeiler and Fergus, arXiv 1311.2901,
# section 4.2) makes a real change: cover a patch of the photograph with plain grey, run the network again, and see how
# far the probability of the class falls. Then move to the next place.
#
# Occlusion is easy to understand and needs no gradients. The price is one forward pass for each place.
#
# ### Exercise 6 · predict the cost
# ● of ●●● · worth doing · 5 minutes
#
# The patch moves by `stride` pixels, along both sides, and visits ⌈W / stride⌉ positions along each. (⌈ ⌉ means rounded
# up.) How many pictures does the network see in total? One is the photograph with nothing hidden.
# The cell also prints one more case: its answer is `own`.
#
# <details><summary>Hint: does the size of the patch matter?</summary>No. It changes what is hidden, not the number of
# pictures.</details>

# %% tags=["exercise"]
# Exercise 6: pictures that run through the network.
from resnet_lib.exercises import ask_own

pictures = {
    # (W, patch, stride): pictures in all
    (224, 32, 16): ...,
    (224, 64, 16): ...,
    (224, 32, 8): ...,
    (224, 50, 50): ...,
}
me = ""  # in a course: your name, as in the name of the file that you hand in; otherwise leave it empty
ask_own("07", me)
own = ...

# %% tags=["solution"]
pictures = {
    # (W, patch, stride): pictures in all
    (224, 32, 16): 14 * 14 + 1,
    (224, 64, 16): 14 * 14 + 1,
    (224, 32, 8): 28 * 28 + 1,
    (224, 50, 50): 5 * 5 + 1,
}
me = ""  # in a course: your name, as in the name of the file that you hand in; otherwise leave it empty
own = 9 * 9 + 1  # 216 / 24

# %%
from resnet_lib.exercises import occlusion_question

asked = [(224, 32, 16), (224, 64, 16), (224, 32, 8), (224, 50, 50)]
predict({numbers: occlusion_question(*numbers) for numbers in asked}, pictures, exercise="07.6")

# %%
from resnet_lib.exercises import check_own

check_own("07", me, own)

# %% [markdown]
# Half the stride costs four times as much. Grad-CAM needs one forward pass and the backward pass from the logit to the
# step, whatever the resolution.
#
# ### Play with it
#
# Choose the method, the class and the step. Decide first:
#
# 1. Grad-CAM at **stage4**: choose a class with a very low probability. Is the map empty?
# 2. Go to **stage3**. Where does the map lie now, and what do you conclude after the table above?
# 3. **occlusion**, stride 16: which patch lowers the probability most, 16 pixels, 56, or 112?
# 4. Occlusion also shows blue. What does it mean when hiding a place makes the class *more* probable?
# 5. Take the photograph of the coffee. For which class is the map, and does it look less convincing than the truck's?

# %%
from resnet_lib.explorers import AttributionExplorer

AttributionExplorer(network, "truck")

# %% [markdown]
# <details><summary>Answers</summary>
#
# 1. No. There is nearly always some place that speaks for a class. Each map is drawn with its own scale, so a weak map
#    looks like a strong one. Read the number under the map.
# 2. On the empty white around the truck. Grad-CAM at an early stage takes the mean gradient of a whole map for its
#    worth, and later blocks may use a map in one place for a class and in another against it.
# 3. The largest. Hiding any 16 pixels costs the truck hardly a percentage point: the network can do without any one
#    small piece. With 112 the patch covers a quarter of the picture, and there is a place that costs it nearly
#    everything. But a patch that large says little about *where*.
# 4. The place spoke for another class, which loses without it.
# 5. For a wrong one: a cup is not among the classes. Nothing about the map reveals that.
# </details>
#
# ## 8 · Compare
#
# Side by side you see what a single picture hides. Four things can differ:
#
# 1. **two photographs**: is a channel that is strong on the cat also strong on another photograph?
# 2. **two steps**: a block's input, and its output.
# 3. **v1.5 and v1** with the same weights. From which stage on do the maps differ? (Try the last step of Stage 1 and
#    the first block of Stage 2.) What happens to the class?
# 4. **trained and random**: what has training changed in `stage0.relu`, and what in Stage 4?

# %%
from resnet_lib.explorers import CompareExplorer

compare = CompareExplorer(network, mode="weights")
compare.step.value = "stage0.relu"
compare

# %% [markdown]
# <details><summary>Answers</summary>
#
# 1. In Stage 0, mostly yes: both photographs have edges and areas of all kinds. In Stage 4 other channels are on.
# 2. They are similar, because the shortcut passes x on.
# 3. Up to Stage 1 they are equal, to the last bit: S = 1 there, and it does not matter which convolution has the
#    stride. From Stage 2 on they differ, and so do the probabilities. There was no error.
# 4. In Stage 0 the trained maps have become specialists: edges of one direction, or areas without edges. A random
#    filter shows a little of everything, and more weakly. (Both sides share one colour scale; otherwise you would not
#    see that.) In Stage 4 nothing is recognisable on either side.
# </details>
#
# ## 9 · What such maps do not prove
#
# A map is a measurement. What it means is your claim, and a claim has to be tested.
#
# The first test is cheap: **do the same with random weights.** If a method's maps stay the same, it cannot show what
# the network has *learnt*. Adebayo et al. ("Sanity Checks for Saliency Maps", arXiv 1810.03292) did this for the usual
# methods. Gradients and Grad-CAM passed. The maps of another method, Guided Backpropagation, hardly changed when the
# last layers were made random.
#
# Test your own Grad-CAM. `untrained` returns the same network with random weights. **Predict:**

# %%
ask("07.random")

# %%
from resnet_lib.experiments.seen import untrained

untrained_network = untrained(network)
print("its answer:", ", ".join(f"{name} {p:.0%}" for name, p in Seen(untrained_network, "truck").top(3)))
both = (network, untrained_network)
pairs = [heat(each, seen.x, target, step) for step in ("stage3", "stage4") for each in both]
side_by_side(*(overlay(seen, values) for values in pairs))

# %% [markdown]
# **What do you see?** Stage 3, trained and random, then Stage 4, trained and random: could you have guessed which is
# which?
#
# <details><summary>What you can see</summary>The maps of the random network are different. So Grad-CAM depends on what
# was learnt: it passes. But the random network's maps also have clear bright spots, and you could make up a story about
# each of them. It would explain nothing.</details>
#
# So even a method that passes proves little by itself:
#
# - **A map shows where, not what or why.** A bright spot on the wheel does not say "the network knows wheels". Cover it
#   and measure: that is at least an experiment.
# - **A wrong answer gets just as pretty a map.** The cup has one, and its class cannot be right.
# - **One picture is one picture.** You looked for examples, and so you found some. Test a claim on pictures that you
#   did not use to form it, as in exercise 2.
# - **Each map has its own scale and a coarse grid**, and is stretched smoothly. Fine detail in an overlay is
#   interpolation.
# - **Grad-CAM and occlusion ask different questions**, so they need not agree. Where they do, you have a little more
#   evidence.
#
# ## 10 · Common mistakes
#
# - **`eval()` forgotten.** A single picture is then normalised with its own statistics, and you explain a network that
#   is never used. `load` returns the network in `eval()`.
# - **Steps that work in place.** An in-place ReLU overwrites the output of the previous step. A hook (a function that
#   PyTorch calls after a step) then holds the ReLU's result. This course's blocks never work in place.
# - **The softmax differentiated instead of the logit.** A probability near 1 hardly changes, so its gradient is nearly
#   zero, and it mixes in all other classes.
# - **Gradients under `torch.no_grad()`.** Nothing is recorded, and PyTorch says that the tensor "does not require
#   grad".
# - **Dividing a map by its largest value without looking.** Where nothing speaks for the class it is 0 everywhere, and
#   0 / 0 is not a number.
# - **Two maps compared by colour.** They usually have different scales. Compare numbers.
#
# ## Summary
#
# - Along the stages *where* is traded for *what*: from 56 × 56 maps of edges and colours to 7 × 7 values of several
#   hundred channels, most of them zero.
# - What a value sees, and the jump: r ← r + (k − 1) · j, then j ← j · S. 7, 11, 35, 91, 267, 427 pixels in v1.5; v1
#   ends at 483. What really counts is the centre of that field.
# - Every value is a sum of products that you can compute yourself.
# - Grad-CAM: the mean gradients of the logit weight the maps, and the ReLU of their sum is the result: one forward and
#   one backward pass. Occlusion: one forward pass for each place.
# - A map is not a proof, and may be drawn in the wrong place. Random weights are the first test; hiding what the map
#   marks is the second.
#
# ## Recall
#
# 1. A value sees 43 pixels, and its jump is 8. A 3×3 with stride 1 follows. What are the two afterwards?
# <details><summary>Answer</summary>It sees 43 + 2 · 8 = 59, and the jump stays 8.</details>
#
# 2. Why does v1 see 483 pixels at the end and v1.5 only 427?
# <details><summary>Answer</summary>In v1 the stride is before the 3×3, which then has twice the jump and reaches
# further. This happens in three blocks.</details>
#
# 3. A channel is zero everywhere on your photograph. Is it dead?
# <details><summary>Answer</summary>You cannot know from one picture. It would have to be zero on all
# pictures.</details>
#
# 4. Why is there a ReLU at the end of Grad-CAM?
# <details><summary>Answer</summary>It keeps the places that speak for the class, and drops those that speak against
# it.</details>
#
# 5. You halve the stride of an occlusion. What happens to its cost?
# <details><summary>Answer</summary>Four times as many places, so four times the forward passes.</details>
#
# 6. A method produces the same map for a trained and for a random network. What follows?
# <details><summary>Answer</summary>The map does not depend on what was learnt, so it cannot explain it. It shows
# something about the picture or the architecture.</details>
#
# ## What comes next
#
# [08 · why residuals](08_why_residuals.ipynb): you have seen x passed on from block to block. The next lesson shows why
# that matters by removing it: how signal and gradient change in a network of the same depth without shortcuts.

# %% [markdown] tags=["instructor"]
# ### Minute by minute
#
# | minutes | what |
# | --- | --- |
# | 10 | Sections 1 and 2: the walk, each student with their own photograph |
# | 10 | Exercise 1 |
# | 10 | Exercise 2 |
# | 10 | Exercise 3 |
# | 10 | The rest of section 4: what a value can see, and which pixels matter |
# | 15 | Exercise 4; a break, of a day if you can |
# | 10 | Section 6 up to its exercise: what each map says about the class |
# | 20 | Exercise 5 |
# | 10 | The rest of section 6: which stage to believe, and a map in the wrong place |
# | 5 | Exercise 6 |
# | 10 | Section 7: Grad-CAM and occlusion, each student on their own photograph |
# | 10 | Sections 8 and 9, recall: what such maps do not prove |
#
# ### Ask before you show
#
# - Before each stage of the walk: "Will you still find the cat?"
# - Before the gradient in its box: "Evenly filled?" Have a student draw what they expect.
# - Before occlusion: "Which patch costs most, and will it be where Grad-CAM is bright?"
#
# ### What they may think
#
# - *This channel detects ears.* It was strong once, on one picture. Ask for a second picture that would refute it.
# - *Zero everywhere means dead.* For five photographs it means silent.
# - *Grad-CAM shows why.* It shows what raised one score, at 7 × 7 places.
#
# ### On the projector
#
# The PhotographExplorer at Stage 0, relu, then one value all the way down to its products. Multiply one line by hand
# with the class.
