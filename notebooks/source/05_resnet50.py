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
# # 05 · ResNet-50, the whole network
#
# 75 minutes · all cells run in 30 seconds on two cores · after [lesson 04](04_stages.ipynb) · words: [glossary](glossary.ipynb#The-network)
#
# A stem, four stages, a head: 25 million numbers, and four billion multiplications for one answer. **Where are they,
# and how much of the photograph does one value at the end see?** Drag first, then you assemble it.
#
# Below each stage, **sees** counts the pixels, along one side of the photograph, on which one value depends.

# %%
from resnet_lib.exercises import Progress
from resnet_lib.explorers import NetworkExplorer

Progress("05", exercises=3)

# %%
NetworkExplorer()

# %% [markdown]
# 1. Set **W** to 448. By what factor do the MACs grow? Is it exactly 4?
# 2. Set W to 224 again and switch from v1.5 to v1. Which stages change their MACs? What happens to “sees”?
# 3. Back to v1.5. Choose the design **bundled: thin**, which is trained. What changes in the maps of Stage 4?
#
# <details><summary>Answers</summary>
#
# 1. Almost 4, but not exactly: the head's MACs do not grow. Section 2 shows why.
# 2. Stages 2, 3 and 4, each 77,070,336 MACs cheaper. And a value at the end of Stage 4 sees 483 pixels instead of 427;
#    section 4 shows why. (Both are more than 224: it sees all of the picture, and the padding around it.)
# 3. Of random weights they are noise. Of trained ones most of a map is 0, and a few places are strong.
# </details>
#
# <details><summary>At the end of this lesson you can …</summary>
#
# - assemble ResNet-50 from your own stem, BTNK1 and BTNK2, and name the shape after every part,
# - say how many parameters and MACs it has, where they are, and why two tools report different numbers,
# - prove your network equal to a reference, stage by stage, and find the first stage that differs,
# - say how its relatives differ: 101 and 152, ResNeXt, Wide and dilated ResNets.
# </details>
#
# **What you have just seen.** The network is drawn to scale: a block is as high as its maps are wide.
#
# ![ResNet-50 from left to right: Stage 0, then 3, 4, 6 and 3 blocks; the maps get smaller and the channels more, up to 1,000 answers](images/network.svg)

# %%
import torch
from torch import nn

from resnet_lib import activations, anatomy
from resnet_lib.photos import photo, to_input
from resnet_lib.views import cost_bars

_ = torch.manual_seed(0)  # the same random weights at every run

# %% [markdown]
# ## 1 · Your parts
#
# These are your own parts of lessons 01 to 04: each was kept when its check passed. In the place of one that is still
# open you get the library's, which computes the same.

# %%
from resnet_lib.exercises import yours

MyStem = yours("MyStem")  # (3, 224, 224) → (64, 56, 56)
MyBTNK2 = yours("MyBTNK2")  # (C, W, W) → (C, W, W)
make_stage = yours("make_stage")  # (C, W, W) → (4·C1, W/S, W/S), with n blocks

# %% [markdown]
# ## 2 · The head
#
# Stage 4 outputs (2048, 7, 7). You need 1,000 numbers, a score for each class of ImageNet. (ImageNet is the collection
# of photographs on which the published networks were trained; a class is one of the 1,000 kinds of things in it.) Here
# are some random numbers to experiment with.

# %%
maps = torch.randn(1, 2048, 7, 7)
print(tuple(maps.shape))

# %% [markdown]
# **Average over all positions.** After Stage 4 it no longer matters much *where* something is. **Predict** the shape:

# %%
from resnet_lib.exercises import ask

ask("05.pool")

# %%
pooled = nn.AdaptiveAvgPool2d(1)(maps)
print(tuple(pooled.shape))
means = maps.mean(dim=(2, 3), keepdim=True)
print("the same as the mean over height and width:", torch.allclose(pooled, means, atol=1e-6))

# %% [markdown]
# `AdaptiveAvgPool2d(1)` averages maps of any size. **Flatten** drops the two sides of length 1:

# %%
flat = nn.Flatten()(pooled)
print(tuple(flat.shape))

# %% [markdown]
# **One linear layer**: each score is a weighted sum of the 2,048 numbers, plus a bias. No BN follows that would make
# the bias useless.

# %%
fc = nn.Linear(2048, 1000)
print(tuple(fc(flat).shape), "with", f"{sum(p.numel() for p in fc.parameters()):,}", "parameters: 2048 · 1000 + 1000")

# %% [markdown]
# Whatever the size of Stage 4's maps, 2,048 numbers remain. So the network accepts pictures of any size, and the linear
# layer always costs the same. Here is the head as a module, tested with larger maps too:


# %%
class MyHead(nn.Module):
    def __init__(self, C=2048, num_classes=1000):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(C, num_classes)

    def forward(self, x):  # (2048, 7, 7)
        return self.fc(self.flatten(self.pool(x)))  # (1000)


head = MyHead()
for W in (7, 14):
    print(W, "→", tuple(head(torch.randn(1, 2048, W, W)).shape))

# %% [markdown]
# ## 3 · Assemble it
#
# ### Exercise 1 · write ResNet-50
# ●● of ●●● · the goal of the lessons so far · 15 minutes
#
# Write `MyResNet50` with the parts `stage0`, `stage1`, `stage2`, `stage3`, `stage4` and `head`, in this order. Use
# `MyStem()`, `make_stage(C, C1, S, n)` and `MyHead(2048, num_classes)`. C, C1 and S follow from the laws of lesson 04,
# and n is 3, 4, 6 and 3.
#
# <details><summary>Hint: which numbers for Stage 1?</summary>The exception: C = C1 = 64 and S = 1.</details>
# <details><summary>Hint: which numbers for the others?</summary>C1 = 128, 256, 512. C = 2·C1. S = 2.</details>
# <details><summary>Hint: "takes 64 channels …; it should take 256"</summary>The input channels of a stage are the
# output channels of the previous part: 64, 256, 512, 1024.</details>


# %% tags=["exercise"]
# Exercise 1: the whole network.
class MyResNet50(nn.Module):
    def __init__(self, num_classes=1000):
        super().__init__()
        ...  # your code here: self.stage0 to self.stage4, and self.head

    def forward(self, x):  # (3, 224, 224)
        return ...  # your code here: (1000)


# %% tags=["solution"]
class MyResNet50(nn.Module):
    def __init__(self, num_classes=1000):
        super().__init__()
        self.stage0 = MyStem()
        self.stage1 = make_stage(64, 64, 1, 3)
        self.stage2 = make_stage(256, 128, 2, 4)
        self.stage3 = make_stage(512, 256, 2, 6)
        self.stage4 = make_stage(1024, 512, 2, 3)
        self.head = MyHead(2048, num_classes)

    def forward(self, x):  # (3, 224, 224)
        x = self.stage0(x)  # (64, 56, 56)
        x = self.stage1(x)  # (256, 56, 56)
        x = self.stage2(x)  # (512, 28, 28)
        x = self.stage3(x)  # (1024, 14, 14)
        x = self.stage4(x)  # (2048, 7, 7)
        return self.head(x)  # (1000)


# %% [markdown]
# The check gives your network the weights of the library's, and compares the outputs layer by layer. It does not matter
# how you have written the parts. (This takes a few seconds: 25 million weights are copied.)

# %%
from resnet_lib.exercises import check_network

parts = ["stage0", "stage1", "stage2", "stage3", "stage4", "head"]
check_network(MyResNet50, names=parts, exercise="05.1")

# %% [markdown]
# Now send the cat through the network, part by part. **Predict** one of the six shapes:

# %%
ask("05.stage3")

# %%
network = yours("MyResNet50")().eval()
x = to_input(photo("cat"))
y = x
for name in parts:
    part = getattr(network, name)
    with torch.no_grad():
        y = part(y)
    print(f"{name}: {tuple(y.shape[1:])}, {sum(p.numel() for p in part.parameters()):,} parameters")
print(f"total: {sum(p.numel() for p in network.parameters()):,} parameters")

# %% [markdown]
# 25,557,032 parameters: the published number. Once exercise 1 is right, you have built ResNet-50.
#
# Why "50"? Count the layers that have a kernel or a matrix, along the main path: 1 in the stem, 3 in each of 16 blocks,
# and the linear layer: 1 + 48 + 1. (The four projections G are on the shortcut and are not counted.)
#
# ## 4 · What it costs
#
# You know the four stages from lesson 04. **Predict** for Stage 0 and the head:

# %%
ask("05.ends")

# %%
costs = anatomy(network, 224)
print(f"parameters {costs.parameters:>13,}")
print(f"MACs       {costs.macs:>13,}")
print(f"FLOPs      {costs.flops:>13,}  (2 × MACs)")
cost_bars(costs)

# %% [markdown]
# **What do you see?** Which part is cheap in one column and expensive in the other?
#
# <details><summary>What you can see</summary>
#
# - Stage 4 has more than half of the parameters, and a fifth of the MACs.
# - Stage 0 has practically no parameters, but 3 % of the MACs: its 7×7 kernel runs at 112 × 112 positions.
# - The head is the other way round: 8 % of the parameters, and almost no MACs. Each of its weights is used once.
# </details>
#
# So ResNet-50 needs about **4.1 billion MACs**, or 8.2 billion FLOPs, for one picture of 224 × 224. Sources that say
# "4 GFLOPs" mean MACs. The paper itself writes "FLOPs (multiply-adds)". Always say which.
#
# ### What one value sees
#
# Two numbers go with every layer. The **jump** is the distance, in pixels of the photograph, between two neighbouring
# values: it begins at 1, and a stride S multiplies it by S. What a value **sees** grows with every kernel:
#
# $$\text{sees}_{new} = \text{sees} + (\text{kernel} - 1) \cdot \text{jump}$$
#
# with the jump of the layer's *input*: a 3×3 reaches one neighbour further on each side, and neighbours are one jump
# apart. So v1 sees further. Its stride is on the 1×1, *before* the 3×3, and has doubled the jump when the 3×3 comes: 2
# · 8 instead of 2 · 4 pixels in Stage 2. That adds 8 pixels there, 16 in Stage 3 and 32 in Stage 4: 483 instead of 427.
#
# ## 5 · A second opinion: torchinfo
#
# torchinfo is a widely used tool that runs a model once and reports what it saw. `depth=2` shows parts and blocks.

# %%
from torchinfo import summary

report = summary(
    network,
    input_size=(1, 3, 224, 224),
    depth=2,
    col_names=("output_size", "num_params", "mult_adds"),
    row_settings=("var_names",),
    col_width=20,
    verbose=0,
)
report

# %% [markdown]
# Shapes and parameters agree. (The unit "Units.GIGABYTES" is a bug in torchinfo; it means 10⁹.) **Predict** the
# multiply-adds:

# %%
ask("05.agree")

# %%
print(f"torchinfo {report.total_mult_adds:,}")
print(f"anatomy   {costs.macs:,}")
print(f"          {report.total_mult_adds - costs.macs:>13,} more")

# %% [markdown]
# Where does a difference come from? torchinfo also counts each parameter of a BN as one multiply-add, and the bias of
# the linear layer:

# %%
norms = sum(p.numel() for m in network.modules() if isinstance(m, nn.BatchNorm2d) for p in m.parameters())
bias = network.head.fc.bias.numel()
print(f"{norms:,} BN parameters + {bias:,} biases = {norms + bias:,}")

# %% [markdown]
# The paper counts convolutions and the linear layer, and so does this course. When two numbers differ by a fraction of
# a percent, their definitions differ.
#
# **A trap.** `summary(model, device="meta")` looks like a cheap way to count, since nothing is computed. But it moves
# *your* model to that device, and a tensor on "meta" has a shape but no numbers. See what happens to a throw-away
# block:

# %%
victim = MyBTNK2(64)
print("before:", victim.conv1.weight.device)
summary(victim, input_size=(1, 64, 8, 8), device="meta", verbose=0)
print("after: ", victim.conv1.weight.device, "– its weights are gone")

# %% [markdown]
# The safe way is the one from lesson 04: a separate model, built under `torch.device("meta")`, which never had numbers.
#
# ## 6 · Prove it
#
# Equal shapes and equal counts are good signs, but not a proof. A ReLU in the wrong place changes neither. The proof is
# that the same weights give the same numbers, **at every stage**. The check of exercise 1 used that. Now do it
# yourself; it works for any network.
#
# The reference is the library's `resnet50`. As in lesson 03, its BNs get random values first: a fresh BN changes almost
# nothing in `eval()`, so you would not notice a missing one.


# %%
def stir(module):
    """Give every BN of the module values like those of a trained one."""
    for m in module.modules():
        if isinstance(m, nn.BatchNorm2d):
            nn.init.uniform_(m.weight, 0.5, 1.5)
            nn.init.uniform_(m.bias, -0.5, 0.5)
            nn.init.uniform_(m.running_mean, -0.5, 0.5)
            nn.init.uniform_(m.running_var, 0.5, 1.5)
    return module


from resnet_lib import resnet50

reference = stir(resnet50()).eval()
print(len(reference.state_dict()), "named tensors in the reference,", len(network.state_dict()), "in yours")

# %% [markdown]
# Copy by **name**, never by order: many layers have the same shape, and a wrong order may raise no error.
# `load_state_dict` compares every name and every shape, and raises an error if one differs.

# %%
print(network.load_state_dict(reference.state_dict()))
_ = network.eval()

# %% [markdown]
# Now the ladder of proof. `activations` runs a network and keeps the outputs of the parts you name.


# %%
def ladder(mine, theirs, x):
    """Compare two networks part by part on x. Return the name of the first part that differs, or None."""
    names = ["stage0", "stage1", "stage2", "stage3", "stage4", "head"]
    a, b = activations(mine, x, names), activations(theirs, x, names)
    first = None
    for name in names:
        gap = (a[name] - b[name]).abs().max().item()
        equal = gap == 0  # and not "gap > 0": NaN is neither larger than 0 nor equal to it
        first = name if first is None and not equal else first
        mark = "equal" if equal else "DIFFERENT" + (", the first" if name == first else "")
        most = b[name].abs().max().item()
        shape = str(tuple(a[name].shape[1:]))
        print(f"{name:6} {shape:14} largest difference {gap:<8.3g} in numbers up to {most:<8.3g}  {mark}")
    return first


print("first to differ:", ladder(network, reference, x))

# %% [markdown]
# Not almost equal: **equal**, in every one of the numbers. Once exercise 1 is right, your ResNet-50 computes exactly what the
# library's does. (If you have written a part differently, it may round differently: then the ladder says DIFFERENT, by
# about a millionth of those numbers. The ladder of lesson 06 allows for that.)
#
# ### Exercise 2 · predict where it breaks
# ●● of ●●● · important · 5 minutes
#
# Two mistakes that raise no error, each with the right weights loaded:
#
# 1. **v1 instead of v1.5**: the stride of BTNK1 is on the first 1×1 and not on the 3×3.
# 2. **`eval()` forgotten**: the network is in training mode.
#
# What is the first part whose output differs from the reference: `"stage0"`, `"stage1"`, …? Put its name for each
# `...`.
#
# <details><summary>Hint for 1</summary>Where a block has S = 1, it does not matter which convolution has the stride.
# </details>
# <details><summary>Hint for 2</summary>What behaves differently in training mode? Where is the first one?</details>

# %%
import copy

v1 = resnet50(stride_on="1x1").eval()
print(v1.load_state_dict(reference.state_dict()), "– into v1, without complaint")
planted = {"v1": v1, "eval() forgotten": copy.deepcopy(network).train()}

# %% tags=["exercise"]
# Exercise 2: the first part that differs.
first_with_v1 = ...
first_without_eval = ...

# %% tags=["solution"]
first_with_v1 = "stage2"
first_without_eval = "stage0"

# %%
from resnet_lib.exercises import first_difference_question, predict

questions = [first_difference_question(name, wrong, reference, x, steps=parts) for name, wrong in planted.items()]
predict(questions, [first_with_v1, first_without_eval], exercise="05.2")

# %%
for name, wrong in planted.items():
    print(f"\n{name}:")
    ladder(wrong, reference, x)

# %% [markdown]
# This is what the ladder is for. "Equal up to stage1, different from stage2 on" points to the strides, and "different
# from stage0 on" to something that is everywhere, such as BN. "The results are wrong" says nothing, and the winning
# class says even less: two networks can agree there by chance.
#
# ## 7 · The paper's Table 1
#
# Table 1 of the paper (He et al. 2015, arXiv 1512.03385) lists five networks. Two of them, 18 and 34, use the basic
# block of two 3×3 convolutions; the others use bottlenecks. All five come from one table in the library. **Predict:**

# %%
ask("05.paper")

# %%
from resnet_lib import DESIGNS, build

paper = {"resnet18": 1.8, "resnet34": 3.6, "resnet50": 3.8, "resnet101": 7.6, "resnet152": 11.3}  # 10⁹ multiply-adds
print("             block       blocks          10⁹ MACs   paper")
for name, published in paper.items():
    with torch.device("meta"):
        a = anatomy(build(name, stride_on="1x1"), 224)
    design = DESIGNS[name]
    print(f"{name:12} {design.block:11} {str(design.blocks):14} {a.macs / 1e9:>9.3f} {published:>7}")

# %% [markdown]
# **What do you see?** Compare the last two columns, and the rows 34 and 50.
#
# <details><summary>What you can see</summary>
#
# - All agree to within 0.1. The paper's first three figures are truncated after one digit, the last two rounded.
# - The code says <code>stride_on="1x1"</code>: the paper's networks are v1. With v1.5, ResNet-50 has 4.089 and the
#   paper's 3.8 would look like an error. (The basic block has no 1×1 and only one version.)
# - 34 and 50 cost nearly the same. The bottleneck gives three layers per block and four times the channels for the
#   price of two layers.
# </details>
#
# ## 8 · Relatives from the same parts
#
# **Deeper.** ResNet-101 is ResNet-50 with 23 blocks instead of 6 in Stage 3. Nothing else changes.
#
# ### Exercise 3 · predict ResNet-101
# ●● of ●●● · worth doing · 5 minutes
#
# How many parameters does it have, `parameters_101`? Do not build the network. Start from your 25,557,032, and one
# block. The cell also prints a question about another such network: its answer is `own`.
#
# <details><summary>Hint: how to count one block</summary><code>sum(p.numel() for p in block.parameters())</code>, or
# the table of torchinfo above.</details>
# <details><summary>Hint: which block?</summary>Stage 3 gains BTNK2s, with C = 1024.</details>

# %% tags=["exercise"]
# Exercise 3: parameters of ResNet-101, from ResNet-50 and one block.
from resnet_lib.exercises import ask_own

parameters_101 = ...
me = ""  # in a course: your name, as in the name of the file that you hand in; otherwise leave it empty
ask_own("05", me)
own = ...

# %% tags=["solution"]
one_more = sum(p.numel() for p in MyBTNK2(1024).parameters())
parameters_101 = 25_557_032 + (23 - 6) * one_more
me = ""  # in a course: your name, as in the name of the file that you hand in; otherwise leave it empty
own = 25_557_032 + (95 - 6) * one_more

# %%
from resnet_lib.exercises import resnet101_question

predict(resnet101_question(), parameters_101, exercise="05.3")

# %%
from resnet_lib.exercises import check_own

check_own("05", me, own)

# %% [markdown]
# **In groups: ResNeXt** (Xie et al., arXiv 1611.05431). The 3×3 is split into 32 groups that do not see each other: a
# kernel looks at 1/32 of the channels, and costs 1/32. The savings pay for twice the channels inside.
#
# **Wide ResNet** (Zagoruyko and Komodakis, arXiv 1605.07146). Twice the channels inside, without groups and without
# those savings.
#
# Here is one block of Stage 1 in three variants. The output shape is the same, (256, 56, 56). **Predict:**

# %%
ask("05.groups")

# %%
from resnet_lib import BTNK2

for name, C1, groups in [("ResNet ", 64, 1), ("ResNeXt", 128, 32), ("Wide   ", 128, 1)]:
    with torch.device("meta"):
        a = anatomy(BTNK2(256, C1=C1, groups=groups), 56)
    conv2 = a["conv2"]
    print(f"{name} C1 = {C1:>3}, groups = {groups:>2}: {a.parameters:,} parameters, {conv2.parameters:,} in the 3×3")

# %% [markdown]
# **What do you see?** Why is ResNeXt's 3×3 an eighth of ResNet's, and not 1/32?
#
# <details><summary>What you can see</summary>Twice the channels inside make a 3×3 four times as expensive, as in
# the wide block. The 32 groups reduce that to 1/32, and 4/32 is an eighth. The two 1×1 became twice as expensive, so
# the whole block costs about as much as ResNet's.</details>
#
# **Dilated.** To say what is *where* in a picture (segmentation), a map of 7 × 7 is too coarse. Remove the stride from
# Stages 3 and 4 and the maps stay at 28 × 28. So that each value still sees the same area of the picture, the 3×3
# kernels are spread out instead: that is dilation. No weight changes shape, so the published weights still fit.
#
# **Predict:**

# %%
ask("05.dilated")

# %% [markdown]
# ## 9 · Nine designs
#
# (In a name, 32x4d means 32 groups of 4 channels each in Stage 1, and _2 means twice the channels inside.)
#
# 1. Press **dilate Stage 3** and **dilate Stage 4**. Besides the parameters, what stays the same?
# 2. Which has more MACs, wide_resnet50_2 or resnet152? And more parameters?

# %%
NetworkExplorer()

# %% [markdown]
# <details><summary>Answers</summary>
#
# 1. What a value sees, at every stage. The maps of Stages 3 and 4 are now 28 × 28, and the whole network costs nearly
#    five times the MACs.
# 2. They are close: 11.4 and 11.5 billion MACs. The wide one has more parameters, 69 against 60 million.
# </details>
#
# ## 10 · Common mistakes
#
# - **`eval()` forgotten.** A single picture is then normalised by its own statistics, and the stored ones are updated
#   as well.
# - **A softmax at the end.** It would turn the scores into probabilities. The published network outputs the scores, and
#   `nn.CrossEntropyLoss` expects exactly those.
# - **`torch.flatten(x)` without the batch.** It flattens the whole batch into one long row. `nn.Flatten()` keeps the
#   batch dimension:

# %%
two = torch.randn(2, 2048, 1, 1)
print("torch.flatten(x)    ", tuple(torch.flatten(two).shape))
print("torch.flatten(x, 1) ", tuple(torch.flatten(two, 1).shape))
print("nn.Flatten()(x)     ", tuple(nn.Flatten()(two).shape))

# %% [markdown]
# - **MACs and FLOPs mixed up.** A factor of 2 between two sources is almost always this.
#
# ## Summary
#
# - ResNet-50 = Stage 0, Stages 1 to 4 with 3, 4, 6 and 3 blocks, and a head: global average, flatten, linear.
# - (3, 224, 224) → (64, 56, 56) → (256, 56, 56) → (512, 28, 28) → (1024, 14, 14) → (2048, 7, 7) → (1000).
# - 25,557,032 parameters. 4,089,184,256 MACs as v1.5, 3,857,973,248 as v1. FLOPs = 2 × MACs.
# - Proof means: same weights by name, `eval()`, equal numbers after every stage. The first part that differs tells you
#   where to look.
# - Deeper, grouped, wider and dilated ResNets consist of the same parts, with other numbers.
#
# ## Recall
#
# 1. Which 50 layers does the name count?
# <details><summary>Answer</summary>The stem's convolution, three convolutions in each of 16 blocks, and the linear
# layer. The projections do not count.</details>
#
# 2. Why does the network accept pictures of any size?
# <details><summary>Answer</summary>Convolutions slide over any size, and the head averages over all positions: 2,048
# numbers remain.</details>
#
# 3. torchinfo reports 54,120 more multiply-adds than `anatomy`. What are they?
# <details><summary>Answer</summary>One for each BN parameter (53,120) and one for each bias of the linear layer
# (1,000).</details>
#
# 4. Your network equals the reference up to `stage1` and differs from `stage2` on. What do you suspect?
# <details><summary>Answer</summary>The stride is on another convolution: v1 against v1.5. Stage 1 has S = 1, so there
# it makes no difference.</details>
#
# 5. What does `summary(model, device="meta")` do to your model?
# <details><summary>Answer</summary>It moves the model to a device without numbers: the weights are gone. Build a
# separate model for that.</details>
#
# ## What comes next
#
# Your network has the right anatomy and random weights. In [06 · published weights](06_published_weights.ipynb) it gets
# trained ones, loaded by name as you did here, and starts to recognise what is in a photograph.

# %% [markdown] tags=["instructor"]
# ### Minute by minute
#
# | minutes | what |
# | --- | --- |
# | 10 | Sections 1 and 2: the parts again, and the head |
# | 15 | Exercise 1 |
# | 10 | Section 3 after the exercise, sections 4 and 5: two counts, and why they differ |
# | 10 | Section 6 up to the exercise: proof by the ladder |
# | 5 | Exercise 2 |
# | 5 | Section 7: the paper's table |
# | 5 | Exercise 3 |
# | 15 | Sections 8 and 9, recall |
#
# ### Ask before you show
#
# - Before the sum of parameters: "25 million or 250?" Then: "In which stage are most of them?"
# - Before torchinfo: "Will the two tools agree to the last digit?" They do not, and both are right.
# - Before W = 448: "Exactly four times the MACs?" The linear layer makes it a little less.
#
# ### What they may think
#
# - *50 layers are 50 blocks.* Count aloud: 1 + 3·16 + 1. The projections are not counted.
# - *The head fixes the input size.* Average pooling leaves 2,048 numbers at every size.
# - *4 GFLOPs or 8?* Ask "MACs or FLOPs?" whenever a number is read out, until they ask each other.
#
# ### On the projector
#
# The ladder of section 6, run once right and once with v1. Let the class say where the first difference will be, before
# the cell runs.
