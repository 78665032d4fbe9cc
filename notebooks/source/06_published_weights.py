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
# # 06 · Published weights
#
# 85 minutes · all cells run in 20 seconds on two cores · after [lesson 05](05_resnet50.ipynb) · words: [glossary](glossary.ipynb#Weights-and-files)
#
# Your network of lesson 05 runs, and recognises nothing. Here are the same parts with trained weights. **What has to be
# right, beside the weights, before a network gives a good answer?**

# %%
from resnet_lib.exercises import Progress
from resnet_lib.explorers import PhotographExplorer
from resnet_lib.weights import load

Progress("06", exercises=5)

# %%
PhotographExplorer(load("thin"))

# %% [markdown]
# 1. Choose another photograph. How sure is the network of its first answer?
# 2. Walk from Stage 1 to Stage 4. After which stage can you no longer find the church in any channel?
# 3. Upload a photograph of your own. What does the network say, and could it know better?
#
# <details><summary>Answers</summary>
#
# 1. The percentage beside each class says how sure it is. It is sure of the cup too, and the cup is none of its
#    classes.
# 2. For most people after Stage 2 or 3. From there on the channels say *what*, and hardly *where*.
# 3. It can only answer with one of the classes that it was trained on, whatever is in the picture.
# </details>
#
# <details><summary>At the end of this lesson you can …</summary>
#
# - say what is in a checkpoint file, and open one without running code from it,
# - rename published weights to the names of your own network, and copy them by name and shape,
# - prove your network equal to a reference step by step, and fix one that differs,
# - prepare a photograph exactly as in the network's training, and recognise a wrong preparation from its numbers,
# - distinguish the published ResNet-50 files, and verify a download.
# </details>
#
# **What you have just seen.** Trained weights are a file: names and tensors. This lesson loads such a file into the
# network that *you* built, proves that every number is the same, and prepares photographs exactly as in training.
# Everything works without internet, except for one cell that says so. After section 6 you can stop for the day.

# %%
import copy
import tempfile
from collections import OrderedDict
from pathlib import Path
from textwrap import fill

import torch
from torch import nn

_ = torch.manual_seed(0)  # the same random weights at every run
scratch = tempfile.TemporaryDirectory()  # files that this notebook writes; deleted when it is closed
folder = Path(scratch.name)

# %% [markdown]
# ## 1 · Your network
#
# Training your network on more than a million photographs would take days. But others have already trained it, and
# published the weights. In this lesson you load them.
#
# Here is the network again, made of your own parts (or of the library's, where yours is still open). One number is new:
# `base`, the channels of Stage 0. With `base=64` it is ResNet-50. With `base=16` every part has a quarter of the
# channels: that is the **thin** network, for which this course includes trained weights.

# %%
from resnet_lib.exercises import yours

MyStem, MyBTNK2, make_stage = yours("MyStem"), yours("MyBTNK2"), yours("make_stage")


def my_network(num_classes=1000, base=64):
    """Return ResNet-50, (3, W, W) → (num_classes), or with another base one that is thinner in every part."""
    head = {"pool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "fc": nn.Linear(32 * base, num_classes)}
    parts = {
        "stage0": MyStem(3, base),
        "stage1": make_stage(base, base, 1, 3),
        "stage2": make_stage(4 * base, 2 * base, 2, 4),
        "stage3": make_stage(8 * base, 4 * base, 2, 6),
        "stage4": make_stage(16 * base, 8 * base, 2, 3),
        "head": nn.Sequential(OrderedDict(head)),
    }
    return nn.Sequential(OrderedDict(parts))


# %%
with torch.device("meta"):
    full = my_network()
mine = my_network(num_classes=10, base=16).eval()
for name, network in [("ResNet-50", full), ("thin", mine)]:
    print(f"{name:10} {sum(p.numel() for p in network.parameters()):>10,} parameters")

# %% [markdown]
# `mine` is a thin network, still with random weights. The weights you will load were trained on Imagenette: 9,469
# photographs of ten of ImageNet's 1,000 classes (Howard, 2019). Everything you learn with it holds for the full network
# as well: the same parts, the same names, the same traps.
#
# ## 2 · What a checkpoint is
#
# A file of trained weights is called a **checkpoint**. Open the checkpoint of the thin network:

# %%
from resnet_lib.weights import THIN

path = THIN / "weights.pt"
weights = torch.load(path, weights_only=True)  # section 3 is about weights_only
print(type(weights).__name__, "with", len(weights), "entries")
for name, tensor in list(weights.items())[:9]:
    print(f"{name:30} {str(tuple(tensor.shape)):16} {tensor.dtype}")

# %% [markdown]
# A checkpoint is a **dictionary: name → tensor**. Nothing else. It contains no layers, no strides, no order of
# computation, no class names, and nothing about how to prepare a picture. (float16 is **half precision**, two bytes a
# number. In your network the numbers become float32 again.)
#
# Why 320 entries? Count the last parts of the names.

# %%
from collections import Counter

for leaf, count in Counter(name.rpartition(".")[2] for name in weights).items():
    print(f"{leaf:20} {count:>3}")

# %% [markdown]
# There are 53 convolutions, each with a weight. Each is followed by a BN with five entries: `weight` and `bias`, the
# factor and the offset of lesson 01, are learnt. `running_mean` and `running_var` are measured during training.
# `num_batches_tracked` only counts the training batches. The linear layer adds a weight and a bias. So 53 + 53 · 5 + 2
# = 320.
#
# A tensor learnt by gradient is called a **parameter**. A tensor that is only stored is called a **buffer**. If you
# forget the buffers when you copy, every BN uses mean 0 and variance 1.
#
# ### Exercise 1 · parameters and buffers
# ● of ●●● · important · 10 minutes
#
# Write `contents(weights)`. It takes a checkpoint and returns four numbers: how many entries are parameters, how many
# single numbers they contain in total, and the same two for the buffers.
#
# The cell also prints a question about the entries of one stage: its answer is `own`.
#
# <details><summary>Hint: how do I distinguish them?</summary>By the last part of the name. The table above shows five
# endings. Two of them are parameters.</details>
# <details><summary>Hint: how many numbers are in a tensor?</summary><code>tensor.numel()</code></details>


# %% tags=["exercise"]
# Exercise 1: what is in the file.
from resnet_lib.exercises import ask_own


def contents(weights):
    ...  # your code here
    return ..., ..., ..., ...  # parameter entries, parameter numbers, buffer entries, buffer numbers


me = ""  # in a course: your name, as in the name of the file that you hand in; otherwise leave it empty
ask_own("06", me)
own = ...


# %% tags=["solution"]
def contents(weights):
    parameters = [t for name, t in weights.items() if name.endswith((".weight", ".bias"))]
    buffers = [t for name, t in weights.items() if not name.endswith((".weight", ".bias"))]
    return len(parameters), sum(t.numel() for t in parameters), len(buffers), sum(t.numel() for t in buffers)


me = ""  # in a course: your name, as in the name of the file that you hand in; otherwise leave it empty
own = 24 + 18 * (90 - 1)  # 4 convolutions and 4 BNs in the first block, 3 and 3 in the others

# %%
from resnet_lib.exercises import check_contents, check_own

check_contents(contents, exercise="06.1")

# %%
check_own("06", me, own)

# %%
entries, numbers, kept_entries, kept_numbers = yours("contents")(weights)
print(f"parameters {entries:>4} entries {numbers:>10,} numbers")
print(f"buffers    {kept_entries:>4} entries {kept_numbers:>10,} numbers")

# %% [markdown]
# ## 3 · Never let a file run code
#
# PyTorch's files use Python's *pickle* format, and a pickle is not only data. It can say: "to get this object, call
# that function". Any function. The next cell writes such a file. The function it names is only `print`.


# %%
class Surprise:
    def __reduce__(self):  # pickle asks here how to recreate this object: with which function and arguments
        return print, ("This line was printed by the FILE. It could just as well have deleted your photographs.",)


torch.save({"conv1.weight": torch.zeros(64, 3, 7, 7), "note": Surprise()}, folder / "surprise.pth")

# %%
opened = torch.load(folder / "surprise.pth", weights_only=False)
print(list(opened))

# %% [markdown]
# The function ran before you could inspect anything. With `weights_only=True`, PyTorch accepts tensors and plain data,
# and refuses the rest:

# %%
try:
    torch.load(folder / "surprise.pth", weights_only=True)
except Exception as error:
    print(type(error).__name__)

# %% [markdown]
# Newer versions of PyTorch use `weights_only=True` by default, but much code on the web still turns it off. If a file
# of *weights* cannot be loaded with it, do not load it.
#
# ## 4 · Two sets of names
#
# The published files come from an older program, which has other names for the same tensors.
#
# | part | yours | published |
# | --- | --- | --- |
# | Stage 0 | `stage0.conv`, `stage0.bn` | `conv1`, `bn1` |
# | Stages 1 to 4 | `stage1` … `stage4` | `layer1` … `layer4` |
# | inside a block | `conv1`, `bn1`, … `bn3` | the same |
# | the projection G | `shortcut.conv`, `shortcut.bn` | `downsample.0`, `downsample.1` |
# | the head | `head.fc` | `fc` |
#
# To practise, write the thin network's weights to a file with the published names, as you would find it on the web.

# %%
from resnet_lib import to_published

torch.save(to_published(weights), folder / "found_on_the_web.pth")
published = torch.load(folder / "found_on_the_web.pth", weights_only=True)
print(*list(published)[:7], sep="\n")

# %% [markdown]
# (`.pt` and `.pth` are two endings for the same kind of file.) Loading it directly into your network fails, as it
# should:

# %%
try:
    mine.load_state_dict(published)
except RuntimeError as error:
    print(str(error)[:92], "…")

# %% [markdown]
# Many people then try `strict=False`, and the error is gone. **Predict** what then comes from the file:

# %%
from resnet_lib.exercises import ask

ask("06.strict")

# %%
before = copy.deepcopy(mine.state_dict())
answer = mine.load_state_dict(published, strict=False)
changed = sum(not torch.equal(before[name], tensor) for name, tensor in mine.state_dict().items())
print(f"no error; {len(answer.unexpected_keys)} entries of the file not used, {changed} tensors of yours changed")

# %% [markdown]
# `strict=False` means: take what fits, and ignore the rest. Do not silence the error; translate the names.
#
# ### Exercise 2 · translate the names
# ●● of ●●● · important · 15 minutes
#
# Write `rename(published)`: it returns a new dictionary with the same tensors under the names of your network.
#
# <details><summary>Hint: layer1.0.conv1 became layer1.0.stage0.conv</summary><code>replace("conv1", …)</code> finds
# <code>conv1</code> anywhere. In the blocks it must stay as it is. Only a name that <em>begins</em> with
# <code>conv1.</code> belongs to Stage 0: <code>name.startswith("conv1.")</code>.</details>
# <details><summary>Hint: how do I split a name into parts?</summary> <code>"layer1.0.bn1.weight".split(".")</code>
# gives <code>["layer1", "0", "bn1", "weight"]</code>, and <code>".".join(…)</code> joins the parts again.</details>
# <details><summary>Hint: it works for all names but those of the shortcut</summary>"downsample.0" is the convolution,
# "downsample.1" the BN.</details>


# %% tags=["exercise"]
# Exercise 2: from the published names to yours.
def rename(published):
    renamed = {}
    for name, tensor in published.items():
        ...  # your code here: give name its new value
        renamed[name] = tensor
    return renamed


# %% tags=["solution"]
def rename(published):
    renamed = {}
    for name, tensor in published.items():
        if name.startswith(("conv1.", "bn1.")):
            name = "stage0." + name.replace("1", "", 1)
        elif name.startswith("fc."):
            name = "head." + name
        else:
            name = name.replace("layer", "stage")
            name = name.replace("downsample.0", "shortcut.conv").replace("downsample.1", "shortcut.bn")
        renamed[name] = tensor
    return renamed


# %%
from resnet_lib.exercises import check_rename

check_rename(rename, exercise="06.2")

# %%
print(mine.load_state_dict(yours("rename")(dict(published))))

# %% [markdown]
# `load_state_dict` compared all names and all shapes, and everything matched. Your network is trained.
#
# ## 5 · By name and shape, never by order
#
# There is a tempting short cut: ignore the names, and fill your network with the file's tensors one after the other.
# Each tensor of the network gets the next one in the file with the right shape.


# %%
def copy_by_order(weights, network):
    """Give each tensor of the network the next one of that shape. Do not do this."""
    left = list(weights.values())
    for tensor in network.state_dict().values():
        i = next(i for i, candidate in enumerate(left) if candidate.shape == tensor.shape)
        tensor.copy_(left.pop(i))


theirs = load("thin")  # the reference: the library's thin network with the same weights


def wrong_tensors(network):
    right = theirs.state_dict()
    return [name for name, tensor in network.state_dict().items() if not torch.equal(tensor, right[name])]


by_order = my_network(num_classes=10, base=16).eval()
copy_by_order(weights, by_order)
print(len(wrong_tensors(by_order)), "tensors are wrong")

# %% [markdown]
# It worked, which makes it dangerous. Now take the same file with its entries in alphabetical order, as some file
# formats store them. It has the same names and the same tensors. **Predict** what the copying does:

# %%
ask("06.alphabet")

# %%
by_alphabet = my_network(num_classes=10, base=16).eval()
copy_by_order(dict(sorted(weights.items())), by_alphabet)
wrong = wrong_tensors(by_alphabet)
print(f"no error, and {len(wrong)} of {len(weights)} tensors are wrong, among them:")
print(*wrong[:4], sep="\n")

# %% [markdown]
# A BN's `weight`, `bias`, `running_mean` and `running_var` all have the same shape. The alphabet puts `bias` first, so
# every BN got its bias as its weight, and so on: 4 wrong tensors in each of 53 BNs. No shape could reveal that.
#
# The safe way compares names **and** shapes for every entry before it changes anything. `copy_weights` does that, with
# either set of names, and reports what does not fit:

# %%
from resnet_lib.compare.proof import copy_weights

copied = copy_weights(published, mine)
print(len(copied), "entries copied by name and shape")
try:
    copy_weights(published, my_network(num_classes=1000, base=16))
except ValueError as error:
    print(fill(f"Into a network with 1,000 classes: {error}.", 110))

# %% [markdown]
# (If your network uses other names, map them: `copy_weights(published, network, names={"stem": "stage0"})`.)
#
# ## 6 · The ladder of proof
#
# The right weights are in the right places. Does your network *compute* the right thing with them? In lesson 05 you
# compared stage by stage. The library's `ladder` does it for every step; each step is a rung. (`copy=False`: it does
# not copy the reference's weights first, but tests yours.)

# %%
from resnet_lib.compare.proof import ladder
from resnet_lib.photos import PHOTOS, photo, square, to_input

x = to_input(photo("cat"), size=224, resize=256)  # section 7 is about this line
ladder(mine, theirs, x, copy=False)

# %% [markdown]
# **What do you see?** Read the column "largest difference", and unfold "all … steps". ("relative": divided by the
# reference's largest value. "logits": the scores.)
#
# <details><summary>What you can see</summary>Every difference is 0: not just small, but zero, after every block and
# every single step. Your network, with the published weights, computes exactly what the reference computes.
# </details>
#
# Now the network that got its weights in alphabetical order. **Predict** where it goes wrong:

# %%
ask("06.first")

# %%
ladder(by_alphabet, theirs, x, copy=False)

# %% [markdown]
# **What do you see?** Which tensors are listed above the steps? What does `nan` say?
#
# <details><summary>What you can see</summary>
#
# - The upper table lists the tensors with other values, four of each BN.
# - Where it says <code>nan</code> (not a number), a BN took the root of a negative number: the value it uses as a
#   variance is not a variance.
# </details>
#
# ### Exercise 3 · predict the first rung
# ●● of ●●● · important · 10 minutes
#
# Here are three copies of your network, each with one mistake and with the right weights. None raises an error. Which
# is the first step that differs? Put its name, such as `"stage0.conv"` or `"stage1.2.relu3"`, for each `...`.
#
# 1. **v1**: the strides of the BTNK1s are on `conv1`, not on `conv2`.
# 2. **A missing ReLU**: `relu2` of block 2 in Stage 3, `stage3.2`, lets everything through.
# 3. **Another eps**: every BN adds 0.001 to the variance before it divides, the default in Keras, and not PyTorch's
#    0.00001.
#
# <details><summary>Hint for 1</summary>Which BTNK1s have S = 2? Which is the first, and which of its convolutions
# runs first?</details>
# <details><summary>Hint for 2</summary>The ladder compares the outputs of the steps. Everything before this step is
# equal.</details>
# <details><summary>Hint for 3</summary>Where is the first BN?</details>

# %%
planted = {name: copy.deepcopy(mine) for name in ("v1", "missing ReLU", "another eps")}
for stage in (planted["v1"].stage2, planted["v1"].stage3, planted["v1"].stage4):
    stage[0].conv1.stride, stage[0].conv2.stride = (2, 2), (1, 1)
planted["missing ReLU"].stage3[2].relu2 = nn.Identity()
for m in planted["another eps"].modules():
    if isinstance(m, nn.BatchNorm2d):
        m.eps = 1e-3

for name, network in planted.items():
    print(f"{name:14}", network.load_state_dict(theirs.state_dict()))

# %% tags=["exercise"]
# Exercise 3: the first step that differs.
prediction = {
    "v1": ...,
    "missing ReLU": ...,
    "another eps": ...,
}

# %% tags=["solution"]
prediction = {
    "v1": "stage2.0.conv1",
    "missing ReLU": "stage3.2.relu2",
    "another eps": "stage0.bn",
}

# %%
from resnet_lib.exercises import first_difference_question, predict

questions = {name: first_difference_question(name, network, theirs, x) for name, network in planted.items()}
predict(questions, prediction, exercise="06.3")

# %%
for name, network in planted.items():
    found = ladder(network, theirs, x, copy=False)
    print(fill(f"{name}: first {found.first.name}. {found.cause}", 110), "\n")

# %% [markdown]
# Loading accepted all three without an error: no stride, no ReLU and no eps is in the file. The ladder also says *why*:
# it tries the usual mistakes in the reference, one after the other, until one produces exactly your numbers.
#
# ### Exercise 4 · fix it
# ● of ●●● · worth doing · 5 minutes
#
# A friend's network loads the same weights without complaint, but its answers differ from yours. The friend wrote these
# two parts. Where is the first difference?


# %%
class FriendsStem(MyStem):
    def __init__(self, C, C1):
        super().__init__(C, C1)
        self.pool = nn.MaxPool2d(2, stride=2)


class FriendsBTNK2(MyBTNK2):
    def forward(self, x):  # (C, W, W)
        f = self.relu1(self.bn1(self.conv1(x)))
        f = self.relu2(self.bn2(self.conv2(f)))
        return self.relu3(self.bn3(self.conv3(f))) + x  # (C, W, W)


def with_parts(Stem, BTNK2):
    """A thin network with another stem and other BTNK2s."""
    network = my_network(num_classes=10, base=16)
    network.stage0 = Stem(3, 16)
    for stage in (network.stage1, network.stage2, network.stage3, network.stage4):
        for i in range(1, len(stage)):
            stage[i] = BTNK2(stage[i].conv1.in_channels)
    network.load_state_dict(theirs.state_dict())
    return network.eval()


print(ladder(with_parts(FriendsStem, FriendsBTNK2), theirs, x, copy=False).headline)

# %% [markdown]
# Fix the two parts: one mistake is in each. The check runs the ladder again: when you have fixed the first, it names
# the step of the next.
#
# <details><summary>Hint: "first at stage0.pool"</summary>Both poolings output the same shape. Compare kernel and
# padding with lesson 01.</details>
# <details><summary>Hint: "first at stage1.1…"</summary>Stage 1's block 1 is the first BTNK2. Look where the last
# bracket closes.</details>


# %% tags=["exercise"]
# Exercise 4: fix these two.
class MendedStem(MyStem):
    ...  # fix it, and remove this line

    def __init__(self, C, C1):
        super().__init__(C, C1)
        self.pool = nn.MaxPool2d(2, stride=2)


class MendedBTNK2(MyBTNK2):
    ...  # fix it, and remove this line

    def forward(self, x):  # (C, W, W)
        f = self.relu1(self.bn1(self.conv1(x)))
        f = self.relu2(self.bn2(self.conv2(f)))
        return self.relu3(self.bn3(self.conv3(f))) + x  # (C, W, W)


# %% tags=["solution"]
class MendedStem(MyStem):
    def __init__(self, C, C1):
        super().__init__(C, C1)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)


class MendedBTNK2(MyBTNK2):
    def forward(self, x):  # (C, W, W)
        f = self.relu1(self.bn1(self.conv1(x)))
        f = self.relu2(self.bn2(self.conv2(f)))
        return self.relu3(self.bn3(self.conv3(f)) + x)  # (C, W, W)


# %%
from resnet_lib.exercises import check_ladder

check_ladder(lambda: with_parts(MendedStem, MendedBTNK2), theirs, x, exercise="06.4")

# %% [markdown]
# **Stop here, and go on another day**, if you like: 60 of the 85 minutes are done. In a new session, choose *Restart
# Kernel and Run up to Selected Cell…* in the menu *Kernel* at this place.
#
# ## 7 · The preparation belongs to the model
#
# A network has only seen pictures prepared in one way. Prepared in another way, the same photograph is something new to
# it. The file does not say which way; the library's table of checkpoints does.

# %%
checkpoint = theirs.checkpoint
print(checkpoint.note)
print("shorter side to", checkpoint.resize, "pixels, then the central square of", checkpoint.size)
print("classes:", ", ".join(checkpoint.classes))

# %% [markdown]
# Step by step, with the cat. **First the size**: the shorter side to 256 pixels, without changing the proportions, then
# the square of 224 in the middle.

# %%
image = photo("cat")
print(image.size, "pixels (width, height)")
image = square(image, size=224, resize=256)
print(image.size)

# %% [markdown]
# **Then the order.** A picture is stored as rows, columns, colours. PyTorch expects the colours first, and the order
# red, green, blue.

# %%
import numpy as np

pixels = torch.from_numpy(np.array(image))
print(tuple(pixels.shape), pixels.dtype)
pixels = pixels.permute(2, 0, 1)
print(tuple(pixels.shape))

# %% [markdown]
# **Then the range**, from 0 … 255 to 0 … 1.

# %%
print(pixels.min().item(), "to", pixels.max().item())
pixels = pixels.float() / 255
print(f"{pixels.min():.2f} to {pixels.max():.2f}")

# %% [markdown]
# **Last the normalisation.** From each colour, subtract its mean over the training pictures, and divide by its
# deviation. The published ResNets use the numbers of ImageNet, and so does the thin network:

# %%
from resnet_lib.photos import MEAN, STD

print("mean     ", MEAN, "of red, green, blue")
print("deviation", STD)
mean, std = torch.tensor(MEAN).view(3, 1, 1), torch.tensor(STD).view(3, 1, 1)
ready = ((pixels - mean) / std).unsqueeze(0)  # and a batch of one
print(tuple(ready.shape), f"{ready.min():.2f} to {ready.max():.2f}")
print("to_input gives the same:", torch.equal(ready, to_input(photo("cat"), size=224, resize=256)))

# %% [markdown]
# This is what the network sees of the five photographs:

# %%
from PIL import Image

print("from left to right:", ", ".join(PHOTOS))
seen = np.hstack([np.array(square(photo(name), 224, 256)) for name in PHOTOS])
Image.fromarray(seen).resize((5 * 180, 180))

# %% [markdown]
# **What do you see?** What has the square cut off, and would you still recognise all five?
#
# <details><summary>What you can see</summary>A cat, a cup of coffee, a church, a garbage truck and a parachute. Of the
# truck both ends are missing, and of the church the doors. What lies outside the square the network never sees: in your
# own photographs, put what matters into the middle.</details>
#
# Now four wrong preparations, all found in real code. None raises an error. **Predict** which does the most harm:

# %%
ask("06.harm")


# %%
def prepare(image, mistake=None):
    """Return a photograph as input for the thin network, with one common mistake."""
    pixels = torch.from_numpy(np.array(square(image, 224, 256))).permute(2, 0, 1).float()
    if mistake == "blue first":  # OpenCV, a widely used image library, reads them this way
        pixels = pixels.flip(0)
    if mistake != "0 to 255":
        pixels = pixels / 255
    if mistake != "not normalised":
        pixels = (pixels - mean) / std
    if mistake == "sideways":  # height and width swapped
        pixels = pixels.transpose(1, 2)
    return pixels.unsqueeze(0)


mistakes = [None, "blue first", "0 to 255", "not normalised", "sideways"]
print("                " + "".join(f"{name:22}" for name in PHOTOS))
with torch.no_grad():
    for mistake in mistakes:
        tops = [checkpoint.top(mine(prepare(photo(name), mistake)), k=1)[0] for name in PHOTOS]
        print(f"{mistake or 'right':16}" + "".join(f"{f'{c} {p:.0%}':22}" for c, p in tops))

# %% [markdown]
# (The cat and the cup are none of the ten classes: section 8 comes to that.)
#
# **What do you see?** Compare each row with the first: which answers stayed the same?
#
# <details><summary>What you can see</summary>
#
# - **0 to 255** does the most harm: the numbers are hundreds of times too large. The network is quite sure of nonsense,
#   and says the same about every photograph. You notice this mistake.
# - **Blue first** and **not normalised** are treacherous: church, truck and parachute keep their answers, some of them
#   with less certainty. Over many pictures that is an unexplained loss of accuracy.
# - **Sideways** leaves every number as it is, but the church and the truck are not recognised any more: the network has
#   never seen pictures on their side. A parachute looks much the same from any side.
# </details>
#
# ### Exercise 5 · which mistake was it?
# ●● of ●●● · important · 10 minutes
#
# The photograph of the coffee was prepared four times, each time with a different one of the four mistakes. The order
# is shuffled, so you have only the numbers. Which is `"blue first"`, which `"0 to 255"`, `"not normalised"` and
# `"sideways"`? The right preparation is in the first line, for comparison.

# %%
order = torch.randperm(4, generator=torch.Generator().manual_seed(6)).tolist()
inputs = {"right": prepare(photo("coffee"))}
inputs |= {letter: prepare(photo("coffee"), mistakes[1 + i]) for letter, i in zip("ABCD", order, strict=True)}
print("       smallest   largest   mean of channel 0, 1, 2      mean of row 0, 1, 2")
for name, t in inputs.items():
    channels = "  ".join(f"{v:7.2f}" for v in t.mean(dim=(0, 2, 3)).tolist())
    rows = "  ".join(f"{v:7.2f}" for v in t.mean(dim=(0, 1, 3))[:3].tolist())
    print(f"{name:6} {t.min():8.2f}  {t.max():8.2f}   {channels}    {rows}")

# %% [markdown]
# <details><summary>Hint: two of them have nearly the right range</summary>Swapping colours changes which channel has
# which mean. Turning the picture does not; it changes the means of the rows.</details>
# <details><summary>Hint: which one is never negative?</summary>Subtracting the mean is what makes values
# negative.</details>

# %% tags=["exercise"]
# Exercise 5: the mistake in A, B, C and D.
diagnosis = {"A": ..., "B": ..., "C": ..., "D": ...}

# %% tags=["solution"]
diagnosis = {"A": "not normalised", "B": "0 to 255", "C": "sideways", "D": "blue first"}

# %%
from resnet_lib.exercises import input_question

as_guessed = {mistake: prepare(photo("coffee"), mistake) for mistake in mistakes[1:]}
predict({letter: input_question(letter, inputs[letter], as_guessed) for letter in "ABCD"}, diagnosis, exercise="06.5")

# %% [markdown]
# Look at the range and the means of an input before anything else. It takes a second, and finds most mistakes.
#
# ## 8 · What the network says
#
# The network outputs ten scores. A softmax turns them into probabilities, which add up to 1. `checkpoint.top` does
# that, and adds the class names.
#
# Many tutorials stop at "it says *church*, so it works". Ask your network and the v1 of exercise 3, which is wrong from
# Stage 2 on. **Predict** how often both give the same answer:

# %%
ask("06.same")

# %%
print("photograph  yours                 v1")
with torch.no_grad():
    for name in PHOTOS:
        y = checkpoint.to_input(photo(name))
        (a, p), (b, q) = checkpoint.top(mine(y), k=1)[0], checkpoint.top(planted["v1"](y), k=1)[0]
        print(f"{name:10}  {a:13} {p:6.1%}  {b:13} {q:6.1%}  {'the same' if a == b else 'ANOTHER'}")
print(f"\nYours classifies {checkpoint.top1:.1f} % of Imagenette's 3,925 validation photographs correctly.")

# %% [markdown]
# **What do you see?** Which answers are right? How sure is the network of the others?
#
# <details><summary>What you can see</summary>The church, the truck and the parachute are right, all with more than
# 90 %. The cat is called a tench, which is a fish, with 55 %, and the cup a French horn, with 92 %.
# In each line that ends in "the same", the winning class would have approved the wrong network.
# </details>
#
# **The cat and the cup cannot be right.** There is no class for either. The network has ten words and must choose one.
# "I do not know" is not among them. A high probability means: of these ten, this one.
#
# So what is the 91.7 % worth for *your* photographs? It holds for photographs like those that it was measured on: one
# of the ten things, large and near the middle. There even the probabilities mean what they say: of the answers given
# with about 90 %, about 90 % are right. For a photograph of anything else the answer is certain to be wrong, and its
# probability says nothing.
#
# To try your own photograph: `from resnet_lib.photos import open_photo`, then `open_photo("path/to/picture.jpg")`
# instead of `photo(name)`.
#
# ## 9 · The published ResNet-50
#
# Three files are published for ResNet-50, all trained on ImageNet's 1,000 classes. The library knows what the files do
# not contain: the preparation (shorter side, then square), the version, and the published **top-1**, the percentage of
# ImageNet's test pictures whose most probable class is right.

# %%
from resnet_lib.weights import CHECKPOINTS

three_files = [c for c in CHECKPOINTS.values() if c.design == "resnet50" and c.file]
print("name for load()          file                      side  square  stride on  top-1 (%)")
for c in three_files:
    print(f"{c.name:24} {c.file:23} {c.resize:>6} {c.size:>7} {c.options['stride_on']:>10} {c.top1:>10.2f}")
for c in three_files:
    print(f"\n{c.name}: {c.note}.")

# %% [markdown]
# **What do you see?** What is the same in all three, and what differs?
#
# <details><summary>What you can see</summary>
#
# - All three are v1.5, and have the same names and shapes. Your network takes any of them.
# - They were trained with different recipes, and the newest classifies 4.7 percentage points more of the test pictures
#   correctly. **The network is the same.** Only the training was better.
# - The newest (V2) expects pictures resized to 232 pixels, not 256. Nothing in the file says so.
# </details>
#
# The next cell downloads the file, about 100 MB, unless it is already on this machine. Without a connection it prints a
# message and continues. The rest of this lesson does not need the file.

# %%
from resnet_lib.weights.download import Unavailable

try:
    reference = load("resnet50")
except Unavailable as reason:
    print(fill(str(reason), 110))
else:
    big = my_network().eval()
    copy_weights(reference, big)
    print(ladder(big, reference, reference.checkpoint.to_input(photo("cat")), copy=False).headline)
    with torch.no_grad():
        for name in PHOTOS:
            best = reference.checkpoint.top(big(reference.checkpoint.to_input(photo(name))), k=5)
            print(f"{name:8}", "  ".join(f"{c} {p:.1%}" for c, p in best))

# %% [markdown]
# The file is downloaded once and kept. (In a classroom it may come from a shared folder or server: the
# environment variable `RESNET_COURSE_MIRROR` says which.)
#
# ### Is it the right file?
#
# The server, or a network in between, can change what you receive. So can a faulty disk. The **sha256** of a file is a
# number of 64 hexadecimal digits, computed from all its bytes. Change a single bit, and the number changes completely:

# %%
from resnet_lib.weights.download import digest

content = bytearray(path.read_bytes())
content[len(content) // 2] ^= 1  # one bit, in the middle
altered = folder / "altered.pt"
altered.write_bytes(content)
print("original:       ", digest(path))
print("one bit changed:", digest(altered))

# %% [markdown]
# The first eight digits of the published files' sha256 are in their **names**: `resnet50-0676ba61.pth`. The library
# computes the sha256 of the downloaded file, and rejects a file that does not match. For a file from elsewhere, compare
# with the number on its author's page. Without a number to compare with, you can still detect damage, but not a
# malicious change:

# %%
try:
    load(altered)
except ValueError as error:
    print(str(error).replace(str(folder), "…"))

# %% [markdown]
# ## 10 · Common mistakes
#
# - **The buffers forgotten**, by copying `parameters()` instead of the whole `state_dict()`. The BNs then have mean 0
#   and variance 1.
# - **`eval()` forgotten.** All weights are right, but each picture is normalised by its own statistics.
#
# Compare the probabilities of the church:


# %%
def top3(network):
    """Return the three most probable classes of the church, as text."""
    with torch.no_grad():
        return ",  ".join(f"{c} {p:.1%}" for c, p in checkpoint.top(network(church), k=3))


church = checkpoint.to_input(photo("church"))
forgot = my_network(num_classes=10, base=16).eval()
with torch.no_grad():
    for a, b in zip(forgot.parameters(), theirs.parameters(), strict=True):
        a.copy_(b)
print("right:           ", top3(mine))
print("without buffers: ", top3(forgot))
print("without eval():  ", top3(copy.deepcopy(mine).train()))

# %% [markdown]
# - **The wrong list of classes**, or one in another order. The network outputs numbers; you have to supply the names.
# - **The head cut off with `nn.Sequential(*list(network.children())[:-1])`**, to get one vector for each photograph.
#   Our head holds the pooling as well as the linear layer, so that gives maps, 7 × 7. Write `network.fc =
#   nn.Identity()`.
#
# ## Summary
#
# - A checkpoint is a dictionary name → tensor: 320 entries, 161 of them parameters, the rest BN's buffers. It says
#   nothing about strides, preparation or classes.
# - Load with `weights_only=True`. A pickle can run any function.
# - Published names: `conv1`, `bn1`, `layer1.0.downsample.0`, `fc`. Translate them, and copy by name and shape.
# - Equal names and shapes do not prove that a network is right, nor does the winning class. The ladder does.
# - The preparation belongs to the model: size, crop, order of colours, range, mean and deviation.
# - The sha256 shows whether a file is the one that was published.
#
# ## Recall
#
# 1. Which of the five entries of a BN are parameters, and which are buffers?
# <details><summary>Answer</summary><code>weight</code> and <code>bias</code> are parameters. <code>running_mean</code>,
# <code>running_var</code> and <code>num_batches_tracked</code> are buffers.</details>
#
# 2. `load_state_dict(weights, strict=False)` raises no error, but the network recognises nothing. What do you look at?
# <details><summary>Answer</summary>At what it returned: the missing and unexpected names. Perhaps nothing
# fitted.</details>
#
# 3. Why can copying by order go wrong although every shape fits?
# <details><summary>Answer</summary>Many tensors have the same shape. The weight, bias, mean and variance of a BN
# do.</details>
#
# 4. Why can loading not distinguish v1 from v1.5, and what can?
# <details><summary>Answer</summary>A stride is not in the file, and names and shapes are the same. Comparing the
# numbers step by step can: the first difference is at <code>stage2.0.conv1</code>.</details>
#
# 5. A friend's inputs range from 0 to 1. What is missing?
# <details><summary>Answer</summary>The normalisation: subtract the mean and divide by the deviation of each
# colour.</details>
#
# 6. The thin network says that a cup of coffee is a French horn, with a high probability. Is it broken?
# <details><summary>Answer</summary>No. A cup is not one of its ten classes, and the ten probabilities always add up to
# 1.</details>
#
# ## What comes next
#
# Your network recognises things. [07 · feature maps](07_feature_maps.ipynb) looks inside while it does so: what each
# channel of each stage responds to, how much of the photograph one value sees, and which pixels speak for the answer.

# %% [markdown] tags=["instructor"]
# ### Minute by minute
#
# | minutes | what |
# | --- | --- |
# | 10 | Sections 1 and 2: what is in the file |
# | 10 | Exercise 1 |
# | 5 | Section 3: a file that runs code |
# | 15 | Exercise 2 |
# | 5 | Section 5, and the ladder of section 6 |
# | 10 | Exercise 3 |
# | 5 | Exercise 4; a good place for a break |
# | 5 | Section 7: four wrong preparations |
# | 10 | Exercise 5 |
# | 10 | Sections 8 and 9, recall |
#
# ### Ask before you show
#
# - Before the pickle is loaded: "What can loading a file of weights do to this computer?"
# - Before the alphabetical copy: "Will a shape stop it?"
# - Before the table of section 7, where the thin network first sees the coffee: "Which of its ten classes will it
#   choose, and how sure will it be?"
#
# ### What they may think
#
# - *`strict=False` repairs a mismatch.* It loads what fits, and here nothing fits.
# - *It says "church", so it works.* Section 8: the network that is wrong from Stage 2 on often agrees.
# - *A high probability is knowledge.* It only compares ten words.
#
# ### On the projector
#
# The ladder of the alphabetical copy: `stage0.conv` equal, `stage0.bn` not. Ask why the convolution survived.
#
# Thirty downloads at once are slow. For a classroom, put the published files into a shared folder or on a server, and
# set `RESNET_COURSE_MIRROR` to its address, `file:///…` or `https://…`, before the session; otherwise use the bundled
# weights.
