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
# 150 minutes, 20 seconds to run all cells · after [lesson 05](05_resnet50.ipynb); [06](06_published_weights.ipynb) says where trained weights come from · words: [glossary](glossary.ipynb#Looking-inside)
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
# 1. In early stages to edges, colours and textures. Be careful with names: section 3 measures what a channel answers to.
# 2. A square around the same place; section 4 computes how large it is, section 5 the products.
# 3. Few, and each sees the whole picture and the padding around it.
# </details>
#
# <details><summary>What you can do at the end of this lesson</summary>
#
# **At the end of this lesson you can**
# - follow your own photograph through a trained network: stage, block, step, channel, one value,
# - describe a channel with numbers, and find one that responds to a pattern you choose,
# - work out by hand how many pixels a value can see, and show which ones really matter,
# - compute one value from its products,
# - write Grad-CAM, predict what occlusion costs, and say what neither of them proves.
#
# It has two parts of 80 and 70 minutes. Sections 1 to 5 follow one value; sections 6 to 10 ask what speaks for the
# answer. Make a break between them, of a day if you like.
# </details>
#
# **What you have just seen.** A network is a walk: stage, block, step, channel, one value. Everything in this lesson
# asks about one station of that walk.

# %%
import torch
from IPython.display import HTML, Image, display
from torch.nn import functional as F

from resnet_lib import activations, anatomy
from resnet_lib.inside.seen import Seen
from resnet_lib.photos import PHOTOS
from resnet_lib.views import show_maps, statistics
from resnet_lib.weights import Unavailable

# %% [markdown]
# ## 1 · A trained network and a photograph
#
# Random weights showed you what the *structure* of a ResNet does. To see what *training* does, you need trained
# weights. The course includes some: a **thin** ResNet-50. It has all the blocks you built, in the same places, with a
# quarter of the channels.
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

# %%
for name in PHOTOS:
    print(f"{name:9}", ", ".join(f"{label} {p:.0%}" for label, p in Seen(network, name).top(3)))

# %% [markdown]
# **What do you see?** Which of the five photographs show something that the thin network has learnt?
#
# <details><summary>What you can see</summary>The church, the truck and the parachute, and it knows all three. There is no
# class for a cat or a cup, and none for "something else". The softmax distributes 100 % over ten words whatever the
# picture shows: so the cat becomes a fish and the cup a French horn, and a high probability is not a sign that the
# network knows. Of photographs of its ten classes it recognises about nine in ten. Keep both in mind when you try your
# own.</details>
#
# ## 2 · The walk
#
# These are too many steps to look at all at once, so go through them one by one. **stage** → **block** → **step**
# choose the place. A click on a small map (or the sliders) chooses the **channel** and the **value** there; a click on
# the enlarged map or the photograph chooses another value. Its arithmetic is below them. **your own** opens your own
# photograph, or drop a file on the view. It begins with the cat: the answer cannot be right, but eyes and nose are easy
# to follow.
#
# Predict before you press:
#
# 1. Stay in Stage 0 and go from **conv** to **bn** to **relu**. Which of them have blue?
# 2. Go to **pool**. What happens to the size of the maps?
# 3. Go to Stages 1, 2, 3 and 4, always to the last block's **relu3**. When do you stop recognising the cat?
# 4. In Stage 1, block 2, compare **bn3** with **add** and with **relu3**. Which two look alike?
# 5. Go to **head**, **fc**. How many maps are there, and what are they?

# %%
from resnet_lib.explorers import PhotographExplorer

# %%
explorer = PhotographExplorer(network, "cat", step="stage0.relu")
explorer

# %% [markdown]
# <details><summary>Answers</summary>
#
# 1. conv and bn. Blue is negative, and the ReLU sets negative values to 0.
# 2. Half the width and half the height: every pooling window of 3×3 keeps its largest value, at every second position.
# 3. In Stages 1 and 2 you can still find eyes and nose in many maps. In Stage 3, with 14 × 14 values, perhaps, if you
#    know where to look. Stage 4 is too coarse to show a shape.
# 4. add and relu3. The ReLU only removes the blue. bn3 is F(x) alone, which is added to the block's input.
# 5. One number for each class: the logits.
# </details>
#
# The same walk in one picture: the first six channels at the end of every stage. Each row has its own colour scale.

# %%
ends = ["stage0.relu", "stage1.2.relu3", "stage2.3.relu3", "stage3.5.relu3", "stage4.2.relu3"]
rows = []
for step in ends:
    maps = seen[step]
    print(f"{step:15} {str(tuple(maps.shape)):15} {statistics(maps)}")
    rows.append(F.interpolate((maps[:6] / maps.max())[None], 112, mode="nearest")[0])

# %%
show_maps(torch.cat(rows), count=30, tile=112, columns=6)

# %% [markdown]
# **What do you see?** Go down the rows. What is lost, and what replaces it?
#
# <details><summary>What you can see</summary>
#
# - **Stage 0**: the photograph is visible in every map. Some show edges of one direction, a few show areas of a colour
#   without any edges.
# - **Stage 1**: still in place, but more mixed: spots and patches at some combination of edges.
# - **Stages 2 and 3**: bright places here and there. Position has become coarse.
# - **Stage 4**: little of the position is left, and most values are zero. What counts is *which* channels are on.
#
# So *where* is traded for *what*, as the shapes promised. But be careful with claims such as "this channel detects
# ears". You only see where a channel is strong in **one** picture.
# </details>
#
# ## 3 · One channel
#
# A map is a table of numbers. Describe it with numbers before you describe it with words.

# %%
step, channel = "stage2.3.relu3", 3
plane = seen[step][channel]
print(tuple(plane.shape), statistics(plane))
row, column = divmod(plane.argmax().item(), plane.shape[1])
print(f"strongest value: {plane[row, column].item():.3f} at row {row}, column {column}")

# %% [markdown]
# **Predict:** how many of its values does a ReLU set to zero? Compare its input with its output.

# %%
for step in ["stage1.0.relu1", "stage1.0.relu2", "stage1.0.relu3"]:
    before, after = seen.inputs(step)[0][0], seen[step]
    print(f"{step}: {(before < 0).float().mean():.0%} negative before, {(after == 0).float().mean():.0%} zero after")

# %% [markdown]
# The distributions show it at a glance: the input of the first of these ReLUs on the left, its output on the right.

# %%
from resnet_lib.views.channel import histogram
from resnet_lib.views.style import CSS

step = "stage1.0.relu1"
HTML(f'{CSS}<div class="rl">{histogram(seen.inputs(step)[0])} &emsp; {histogram(seen[step])}</div>')

# %% [markdown]
# **What do you see?** What happened to everything to the left of 0?
#
# <details><summary>What you can see</summary>It is now one bar at 0. To the right of 0 nothing has moved. (Each
# picture has its own scale: the right one begins at 0, and its bar at 0 dwarfs all others.) BN has centred the values
# near 0, so the ReLU cuts more than a third of them.</details>
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
# **Predict:** at the end of which stage are the most channels silent on one photograph? How many of them on all five?

# %%
count = yours("silent")
print("channels that are silent on".ljust(28), " ".join(f"{name:>9}" for name in PHOTOS), "  all five")
for step in ends:
    silent_on = [(run[step] == 0).flatten(1).all(1).sum().item() for run in runs.values()]
    print(f"{step:15} {len(seen[step]):5,} channels", " ".join(f"{n:9}" for n in silent_on), f"  {count(runs, step):8}")

# %% [markdown]
# Up to Stage 3 no channel is silent even on one photograph: each has hundreds of places or more where it can be on. At
# Stage 4 it has 49, and up to a third of the channels are silent on one photograph, and none on all five. The fewer
# pictures you look at, the more channels seem dead. To call a channel dead you would need many more than five.
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
# Now test the channel on a photograph that you did not use to choose it: the church, as the network sees it.
# **Predict:** where will your channel respond, and where will the channel that responds most to *lying* stripes?

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
# the balustrade and the ledges. And where the padding begins, at the borders, there may be a bar without any edge in the
# picture: zeros look like one.</details>
#
# ## 4 · How much of the photograph does one value see?
#
# A value of `stage0.conv` is computed from a window of 7 × 7 pixels. A value of the next step is computed from several
# of those windows, so it sees more. The pixels that a value can depend on are its **receptive field**. Two numbers are
# enough to follow it through the network:
#
# - the **reach** r: pixels from one end of the field to the other,
# - the **jump** j: pixels from one value to its neighbour.
#
# (In lesson 01 the reach was that of a kernel, on its input map. Here it is counted on the photograph.)
#
# From the first to the last of a window's k values there are k − 1 jumps, so a step adds (k − 1) · j to the reach. Its
# stride S multiplies the jump (Araujo, Norris, Sim, "Computing Receptive Fields of Convolutional Neural Networks",
# Distill 2019):
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
# ●● of ●●● · important · 15 minutes
#
# What is r at the end of Stages 1 to 4? Work it out in your head, on paper, or with a loop, for v1.5, where S is on the
# 3×3. As a reminder: 3, 4, 6 and 3 blocks, and S = 1 in Stage 1, S = 2 in the first block of the others.
#
# <details><summary>Hint: Stage 1</summary>Three 3×3 with j = 4. Each adds (3 − 1) · 4 = 8.</details>
# <details><summary>Hint: Stage 2</summary>The values that its first 3×3 sees are still 4 pixels apart: it adds 8. Then
# j = 8, and the other three add 16 each.</details>
# <details><summary>Hint: my Stage 1 is right and all others are too large</summary>In the block with S = 2 you
# multiplied the jump first. The stride changes j for the steps <em>after</em> this one.</details>

# %% tags=["exercise"]
# Exercise 3: pixels that one value sees, along a side.
reach = {"stage1": ..., "stage2": ..., "stage3": ..., "stage4": ...}

# %% tags=["solution"]
reach = {}
r, j = 11, 4
for stage, blocks, S in [("stage1", 3, 1), ("stage2", 4, 2), ("stage3", 6, 2), ("stage4", 3, 2)]:
    for block in range(blocks):
        r, j = r + (3 - 1) * j, j * (S if block == 0 else 1)
    reach[stage] = r

# %%
from resnet_lib.exercises import field_question, predict

stages = ["stage1", "stage2", "stage3", "stage4"]
predict({stage: field_question(stage) for stage in stages}, reach, exercise="07.3")

# %%
from resnet_lib import resnet50, shapes_only

with shapes_only():  # networks without numbers, as on the device "meta" in lesson 05
    for version, home in [("v1.5", "3x3"), ("v1", "1x1")]:
        ends_of_stages = anatomy(resnet50(stride_on=home), 224).by_stage()[:5]
        print(f"{version:5}", {stage.name: stage.receptive_field for stage in ends_of_stages})

# %% [markdown]
# The two versions agree up to Stage 1 and then diverge: in v1 the stride comes *before* the 3×3, which then has twice
# the jump. That is why sources disagree about 427 and 483.
#
# This arithmetic involves neither channels nor weights. The thin network sees just as far.
#
# ### On the photograph
#
# `Anatomy.field` also keeps track of *where* the field is: a box of rows and columns, in which negative numbers are
# padding.

# %%
from resnet_lib.views.channel import channel_picture
from resnet_lib.views.maps import scale


def value_picture(seen, step, channel, row, column):
    """Draw a channel with one value framed, and in blue on the photograph the pixels that the value can see."""
    plane, box = seen[step][channel], seen.anatomy.field(step, row, column)
    signed, limit = scale(plane)
    return Image(channel_picture(plane, seen.image, limit=limit, signed=signed, at=(row, column), box=box))


step = "stage1.2.relu3"
channel = seen[step][:, 28, 28].argmax().item()  # the strongest channel there
print(seen.anatomy.field(step, 28, 28))
value_picture(seen, step, channel, 28, 28)

# %% [markdown]
# **What do you see?** How large is the small square compared with the blue one, and where inside it is it?
#
# <details><summary>What you can see</summary>The small frame is the value's own place in the map, 4 × 4 pixels of
# the photograph: the jump. The blue square is what it sees, 35 × 35 pixels, nearly nine times as wide, and that is only
# Stage 1. Neighbouring values see nearly the same pixels, so maps are much less sharp than they look. And the small
# square is not quite in the middle, but a little to the lower right. That looks unimportant, but section 6 comes back to
# it.</details>
#
# ### Where it really looks
#
# The box says what a value *can* see. The gradient of this value with respect to the pixels shows what it *does* see: 0
# for pixels that make no difference. `support` computes it.
#
# **Predict:** will the gradient fill the box evenly?

# %%
from resnet_lib.inside.attribution import support

gradient = support(network, seen.x, step, channel, 28, 28)  # (H, W)
box = seen.anatomy.field(step, 28, 28).clipped(seen.size, seen.size)
outside = gradient.clone()
outside[box.top : box.bottom, box.left : box.right] = 0
print("largest gradient outside the box:", outside.max().item())

# %%
root = gradient.sqrt()  # brings out the weak pixels
Image(channel_picture(root, seen.image, limit=root.max().item(), signed=False, box=box))

# %% [markdown]
# **What do you see?** On the left is the gradient itself, pixel by pixel, on the right the same over the photograph.
# Where is it large, and where in the box is it nearly zero?
#
# <details><summary>What you can see</summary>A bright core of a few pixels and a faint haze around it. Most of the
# box is nearly dark: changes there can affect the value, but hardly do.</details>
#
# How wide is the middle square that holds 90 % of the gradient? Compute it for larger and larger squares, at every
# stage. **Predict:** will it be half the width of the field, more, or less?

# %%
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
# <details><summary>What you can see</summary>Outside the box the gradient is exactly 0: the arithmetic of exercise
# 3 was right. Inside it the middle counts far more than the rim. There are many paths from a central pixel to the value
# and only one from a corner. Luo et al. (arXiv 1701.04128) call the part that matters the <em>effective</em> receptive
# field.</details>
#
# The explorer of section 2 draws all this for any value: always the blue box, and the gradient when you press
# **gradient**.
#
# ## 5 · One value, down to its products
#
# You have reached the bottom: a single value. Everything in a ResNet is sums of products like this one. `explain`
# breaks one value of one step down into its products. (The explorer shows the same under **This one value**.)

# %%
from resnet_lib.inside.arithmetic import explain

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
# The next two steps need only this value, not a window:

# %%
for after in ["stage2.0.bn2", "stage2.0.relu2"]:
    print(f"{after}: {explain(network, seen.x, after, 5, 3, 2).formula}")

# %% [markdown]
# ## 6 · What speaks for the class? Grad-CAM
#
# The network says *garbage truck*, and is right. Which places in the photograph made it say so?
#
# Begin at the end, where it is easy. The head averages each map of Stage 4 to one number, and the logit of a class is a
# weighted sum of those numbers. So each map has a weight in the matrix of the linear layer, which says how much the map
# speaks for *garbage truck*.
#
# **Predict:** how many places of the photograph does Stage 4 distinguish?

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
# Equation (1) of the paper: the mean gradient of each channel. Equation (2): the weighted sum of the maps. The ReLU keeps
# places that speak *for* the class; those that speak against it may belong to other classes.
#
# This is the library's map, at Stage 3, laid over the photograph: yellow where the map is strongest, grey where it is
# 0.

# %%
from resnet_lib.inside.attribution import grad_cam, upsample
from resnet_lib.views.channel import blend, side_by_side


def overlay(picture_seen, values):
    """Draw the photograph in grey, with the map in colour over it, stretched to its size."""
    return blend(picture_seen.image, upsample(values, 288, 288), "viridis")


overlay(seen, grad_cam(network, seen.x, target, "stage3").values)

# %% [markdown]
# ### Exercise 5 · write Grad-CAM
# ●●● of ●●● · the heart of the lesson · 20 minutes
#
# Write a function that returns this map, 14 × 14 values before stretching. The first lines are given: `""` is the name of
# the whole network, so `kept[""]` holds the logits, and with `grad=True` PyTorch records how they depend on the maps.
# You write the two equations, in about three lines.
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
# Now read how the library does it. Its other lines handle bad input and leave the network unchanged.

# %%
import inspect

print(inspect.getsource(grad_cam))

# %% [markdown]
# At Stage 4 the gradients must be the weights from the matrix, divided by the number of places that the head averages
# over. Check it:

# %%
kept = activations(network, seen.x, ["stage4", ""], grad=True)
(slopes,) = torch.autograd.grad(kept[""][0, target], kept["stage4"])
h, w = slopes.shape[2:]
print(torch.allclose(slopes.mean((2, 3))[0], speaks_for / (h * w), atol=1e-6))

# %% [markdown]
# Now lay your maps over the photograph, from Stage 1 to Stage 4. You have seen Stage 3. **Predict:** will the others be
# bright at the same places?

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
# Try it out: show the network only the quarter of the pixels that a map marks, and nothing else. Then hide that quarter.
# A map that marks what the network goes by keeps the answer in the first experiment, and breaks it in the second.
# **Predict:** which stage will do best?

# %%
from resnet_lib.experiments.pointing import quarters

sees = {stage: seen.anatomy[last].sees for stage, last in zip(stages, ends[1:], strict=True)}
print(f"{'the marked quarter is':20} {'all it sees':>12} {'hidden':>8}")
for method, marked in quarters(network, seen.x, target, sees).items():
    with torch.no_grad():
        shown, hidden = (network(seen.x * part).softmax(1)[0, target].item() for part in (marked, ~marked))
    print(f"{method:20} {shown:12.1%} {hidden:8.1%}")

# %% [markdown]
# One photograph proves little, this one least of all, with its empty background. The same experiment on 107 of
# Imagenette's validation photographs that the network recognises: how many does it still recognise?
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
# (The course does not include those photographs. With them, `python -m resnet_lib.experiments.train_thin FOLDER --check`
# prints this table.)
#
# **What do you see?** Which stage is worth looking at? Is it better than no map at all?
#
# <details><summary>What you can see</summary>Of the four stages, the last: shown alone, its quarter keeps more answers than
# that of any other stage, and hidden it costs more of them than any other quarter. Stages 1 to 3 keep fewer answers than
# a quarter chosen without looking. And the middle of the picture, which costs nothing, keeps the most: photographers put
# things there. So look at Stage 4, and do not expect too much: of the first 20 of these photographs, the brightest place
# of Stage 4 lies on the thing in about two thirds, and beside it in the others.</details>
#
# ### A map in the wrong place
#
# Be suspicious of the overlay as well. Stage 4 has 7 × 7 values, and the overlay stretches them over the photograph, as
# if each belonged to a square of 32 pixels. Use the anatomy to find out: on which pixel is the field of each place
# centred, and where does the overlay draw it?

# %%
fields = [seen.anatomy.field("stage4.2.relu3", i, i) for i in range(7)]
print("centred on", [(f.top + f.bottom) // 2 for f in fields])
print("drawn at  ", [round((i + 0.5) * seen.size / 7) for i in range(7)])

# %% [markdown]
# **Predict:** in which direction will the map move if each value is drawn where its field is, and how far?
#
# `placed` does that. On the left the stretched map, on the right the placed one.

# %%
from resnet_lib.inside.attribution import placed

values = grad_cam(network, seen.x, target, "stage4").values
there = placed(values, sees["stage4"], seen.size, seen.size)
side_by_side(overlay(seen, values), blend(seen.image, there / there.max(), "viridis"))

# %% [markdown]
# <details><summary>Answer</summary>
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
me = ""  # in a course: your name, as in the name of the file that you hand in; it gives you numbers of your own
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
me = ""  # in a course: your name, as in the name of the file that you hand in; it gives you numbers of your own
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
# Choose the method, the class and the step. Predict first:
#
# 1. Grad-CAM at **stage4**: choose a class with a very low probability. Is the map empty?
# 2. Go to **stage3**. Where does the map lie now, and what do you conclude after the table above?
# 3. **occlusion**, stride 16: which patch lowers the probability most, 16 pixels, 56, or 112?
# 4. Occlusion also shows blue. What does it mean when hiding a place makes the class *more* probable?
# 5. Take the photograph of the coffee. For which class is the map, and does it look less convincing than the truck's?

# %%
from resnet_lib.explorers import AttributionExplorer

# %%
attribution = AttributionExplorer(network, "truck")
attribution

# %% [markdown]
# <details><summary>Answers</summary>
#
# 1. No. There is nearly always some place that speaks for a class. Each map is drawn with its own scale, so a weak map
#    looks like a strong one. Read the number under the map.
# 2. On the empty white around the truck. Grad-CAM at an early stage takes the mean gradient of a whole map for its
#    worth, and later blocks may use a map in one place for a class and in another against it.
# 3. The largest. Hiding any 16 pixels costs the truck hardly a percentage point: the network can do without any one small
#    piece. With 112 the patch covers a quarter of the picture, and there is a place that costs it nearly everything.
#    But a patch that large says little about *where*.
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

# %%
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
# Where your eyes are not enough, compute. The mean of each channel says how strongly it is on. How similar are the cat
# and the other photographs in these means, stage by stage? A correlation of 1 means that the same channels are on, 0
# that one photograph says nothing about the other. **Predict:** will the numbers rise or fall from stage to stage?

# %%
print("cat and        ", " ".join(f"{name:>9}" for name in PHOTOS[1:]))
for step in ends:
    strengths = torch.stack([run[step].mean((1, 2)) for run in runs.values()])  # (5, C)
    print(f"{step:15}", " ".join(f"{r:9.2f}" for r in torch.corrcoef(strengths)[0, 1:].tolist()))

# %% [markdown]
# **What do you see?** Read each column downwards.
#
# <details><summary>What you can see</summary>In Stages 0 and 1 the cup and the church are close to the cat: the same
# channels are on, since all three have edges and textures everywhere. Truck and parachute stand before an empty
# background, and differ from the start. In Stage 4 only the cup still has something in common with the cat (neither has a
# class); what is on depends on what the photograph shows, and the head decides by it.</details>
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
# Test your own Grad-CAM. `untrained` returns the same network with random weights. **Predict:** will its maps be empty?

# %%
from resnet_lib.inside.seen import untrained

untrained_network = untrained(network)
print("its answer:", ", ".join(f"{name} {p:.0%}" for name, p in Seen(untrained_network, "truck").top(3)))
both = (network, untrained_network)
pairs = [heat(each, seen.x, target, step) for step in ("stage3", "stage4") for each in both]
side_by_side(*(overlay(seen, values) for values in pairs))


# %%
def alike(a, b):
    """Return the correlation of two maps: 1 for the same pattern, 0 for nothing in common."""
    if not (a.any() and b.any()):
        return "one map is empty"
    return f"{torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1].item():.2f}"


for name, run in runs.items():
    a, b = (grad_cam(each, run.x, run.logits.argmax().item(), "stage4").values for each in both)
    print(f"{name:9} correlation of the two maps at Stage 4: {alike(a, b)}")

# %% [markdown]
# **What do you see?** Stage 3, trained and random, then Stage 4, trained and random: could you have guessed which is
# which?
#
# <details><summary>What you can see</summary>The maps of the random network are different, and the correlations
# scatter around 0. (A few dozen values that change smoothly from place to place are easily somewhat alike by accident.)
# So Grad-CAM depends on what was learnt: it passes. But the random network's maps also have clear bright spots, and you
# could make up a story about each of them. It would explain nothing.</details>
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
# - **Gradients under `torch.no_grad()`.** Nothing is recorded, and PyTorch says that the tensor "does not require grad".
# - **Dividing a map by its largest value without looking.** Where nothing speaks for the class it is 0 everywhere, and
#   0 / 0 is not a number.
# - **Two maps compared by colour.** They usually have different scales. Compare numbers.
#
# ## Summary
#
# - Along the stages *where* is traded for *what*: from 56 × 56 maps of edges and colours to 7 × 7 values of several
#   hundred channels, most of them zero.
# - Reach and jump: r ← r + (k − 1) · j, then j ← j · S. 7, 11, 35, 91, 267, 427 pixels in v1.5; v1 ends at 483. What
#   really counts is the centre of that field.
# - Every value is a sum of products that you can compute yourself.
# - Grad-CAM: the mean gradients of the logit weight the maps, and the ReLU of their sum is the result: one forward and
#   one backward pass. Occlusion: one forward pass for each place.
# - A map is not a proof, and may be drawn in the wrong place. Random weights are the first test; hiding what the map marks
#   is the second.
#
# ## Recall
#
# 1. A value has jump 8 and reach 43. A 3×3 with stride 1 follows. What are the two afterwards?
# <details><summary>Answer</summary>Reach 43 + 2 · 8 = 59, jump 8.</details>
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
# | 20 | Sections 1 to 3: the walk, each student with their own photograph |
# | 10 | Exercise 1 |
# | 10 | Exercise 2 |
# | 15 | Exercise 3 |
# | 10 | The rest of section 4: what a value can see, and which pixels matter |
# | 15 | Exercise 4 |
# | 10 | Section 6 up to its exercise: what each map says about the class |
# | 20 | Exercise 5 |
# | 10 | The rest of section 6: which stage to believe, and a map in the wrong place |
# | 5 | Exercise 6 |
# | 10 | Section 7: Grad-CAM and occlusion, each student on their own photograph |
# | 15 | Sections 8 and 9, recall: what such maps do not prove |
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
