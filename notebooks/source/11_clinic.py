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
# # 11 · The broken-block clinic
#
# 115 minutes · all cells run in 150 seconds on two cores · after [lesson 05](05_resnet50.ipynb) and [06](06_published_weights.ipynb); [08](08_why_residuals.ipynb) helps with training curves · words: [glossary](glossary.ipynb#Proof-and-diagnosis)
#
# A ResNet with a mistake rarely stops. It runs, it learns, and something is odd. This one's author says: “It runs, but
# the published weights leave some entries over.” **Can you say what is wrong before you read the code?** Examine it.

# %%
from resnet_lib.compare.clinic.patients import PATIENTS
from resnet_lib.exercises import Progress
from resnet_lib.explorers import ClinicExplorer

Progress("11", exercises=8)

# %%
ClinicExplorer("lean")

# %% [markdown]
# 1. Press **shapes and counts**. Which of shapes, parameters and MACs are as they should be?
# 2. Press **statistics**, then **ladder of proof**. Where do both first find something?
# 3. Choose a diagnosis. A wrong one costs nothing, and says what speaks against it.
#
# <details><summary>Answers</summary>
#
# 1. Shapes and MACs. 7,680 parameters are missing.
# 2. In the shortcut of Stage 1's first block, which has a projection.
# 3. The clinic tells you. The first examination alone rules out three of the four: parameters are missing, and no MAC is.
# </details>
#
# <details><summary>At the end of this lesson you can …</summary>
#
# - examine a misbehaving network in four ways,
# - distinguish a mistake in a network from a mistake in the preparation of its pictures or in its training,
# - say what each examination can see, and what it cannot,
# - diagnose a mistake from its symptoms, before you read the code,
# - fix it, and prove that it is fixed.
#
# Most of the running time is training. After section 5 (35 minutes) is a good place for a break.
# </details>
#
# **What you have just seen.** Examinations: cheap, always the same, each blind to something. Four of them wait for 19
# networks here, and you will fix seven of these.

# %%
from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional as F

from resnet_lib.compare.clinic import EXAMINATIONS, Trial, prove, shapes, statistics
from resnet_lib.exercises import ask, check_cured
from resnet_lib.views.clinic import findings_table, record

torch.set_num_threads(1)  # the networks here are small: more threads would only wait for each other

# %% [markdown]
# ## 1 · Patients
#
# The mistakes in this clinic are real: most were found in public projects, some of them years after the code was
# published.
#
# Every patient is a whole network with a mistake in one part: the stem, the block, the stages, the head, or the use of
# the network: how its pictures are prepared, how it is trained, how it is run.
#
# This is what their authors say. The name in front is the patient's name in this lesson's code:

# %%
for i, (name, patient) in enumerate(PATIENTS.items(), 1):
    print(f"{i:2}. {name}: {patient.complaint}")

# %% [markdown]
# And these are the examinations. The first uses the full ResNet-50. The others use smaller networks of the same parts,
# so that they need only seconds: the sizes in their error messages are smaller too.

# %%
for name, (sees, cannot) in EXAMINATIONS.items():
    print(f"{name}\n    {sees}\n    {cannot}")

# %% [markdown]
# ## 2 · One patient, four examinations
#
# Patient 11, `single`, comes from a well-known annotated implementation. Three GitHub threads ask about it: "It learns
# well, but it is slow, and it needs a lot of memory." Its strides sit in the wrong stages. **Predict:**

# %%
ask("11.single")

# %%
patient = PATIENTS["single"]
found = shapes(patient.parts)
for part, healthy, mine in found.rows:
    print(f"{part:10} {mine!s:>15}  healthy {healthy}")
for what, (healthy, mine) in {"parameters": found.parameters, "MACs": found.macs}.items():
    print(f"{what:10} {mine:15,}  healthy {healthy:,}")

# %% [markdown]
# **What do you see?** Where are strides missing, and where is there one too many?
#
# <details><summary>What you can see</summary>Shapes and MACs. Stage 1 halves W, and should not. The later stages
# should, and do not, so that the maps of Stages 3 and 4 are too large and cost several times the MACs. The number of
# parameters is exactly right, because no weight depends on W. If you compare only parameters, as many projects do in
# their tests, you see nothing.</details>

# %%
print(statistics(patient.parts).text)
proof = prove(patient.parts)
print(proof.text)

# %% [markdown]
# The statistics are odd only in the head, which takes the mean over more positions than it should. The ladder has
# loaded the course's trained weights into the patient, and names the first step that differs.
#
# It can say more than *where*: it tries the usual mistakes in a healthy network, one by one, until one produces the
# patient's numbers up to that step. The cause is printed separately, because you are here to find it yourself:

# %%
print(proof.cause)

# %% [markdown]
# The last examination trains the patient for 200 steps, beside two healthy networks that differ only in their first
# weights. The difference between those two is chance. Only one well beyond it is a finding.

# %%
trial = Trial(patient.parts).run()
print(trial.text)

# %% [markdown]
# **What do you see?** Does this mistake harm training?
#
# <details><summary>What you can see</summary>No more than chance does. Larger maps are not a disadvantage, they are
# only expensive. So three of the four examinations find this patient, and the one that most people look at, the curve,
# does not. That is how such a mistake survives for years.</details>
#
# ## 3 · Is the winning class enough?
#
# Many projects test a rebuilt network like this: load the published weights, classify a few pictures, compare the
# winning class. Patient 10, `straight`, has **no ReLU in its stem**. It gets trained weights and 64 pictures, and there
# are ten classes. **Predict** how often its answer agrees with the healthy network's:

# %%
ask("11.winner")

# %%
found = prove(PATIENTS["straight"].parts)
print(f"the same winning class for {found.winners:.0%} of the pictures")
print(f"largest difference of a score: {found.answer:.0%} of the largest score")

# %% [markdown]
# **What do you see?** Would a test on three or four pictures have found the mistake?
#
# <details><summary>What you can see</summary>Most likely not: only a few of 64 pictures reveal it, although a whole
# ReLU is missing. The scores themselves are far off: compare numbers, not winning classes.</details>
#
# ## 4 · A healthy network with wrong answers
#
# Patient 15, `raw`: "Trained from the start it does well. With published weights the same code is wrong about most
# pictures." Its network is healthy. **Predict:**

# %%
ask("11.outside")

# %%
patient = PATIENTS["raw"]
for r in statistics(patient.parts).odd:
    print(f"{r.step}, {r.what}: {r.value:.2f}, healthy {r.low:.2f} to {r.high:.2f}")
found = prove(patient.parts)
print(found.text)
print(f"the same winning class for {found.winners:.0%} of the pictures")

# %% [markdown]
# **What do you see?** Three readings are odd. Where in the network are they? And how can the ladder be equal and the answers
# wrong?
#
# <details><summary>What you can see</summary>
#
# - Before the network: they are measured on its input. The input's mean should be below zero here, but is above; no
#   value is below zero.
# - The ladder compares the steps on correctly prepared pictures. Only for the answers, at its end, does the patient
#   prepare its own pictures.
# - After the first BN everything is healthy again. In training mode BN subtracts the mean of the batch, whatever it is,
#   and divides by its deviation. So the loss curve will not show the mistake.
# </details>
#
# But in `eval()` BN uses the mean and the variance that it has **kept** from training. So a trained network remembers
# what its pictures looked like, even if that was never documented. Divide the deviation of the first BN's input by the
# deviation that it kept. This patient forgets to divide by a deviation. **Predict** the two ratios, roughly:

# %%
ask("11.ratio")

# %%
healthy, mine = found.arrives
print(f"prepared correctly:       {healthy:.2f}")
print(f"prepared by this patient: {mine:.2f}")

# %% [markdown]
# **What do you see?** What would the ratio be for the pictures that the network was trained with?
#
# <details><summary>What you can see</summary>1. Our photographs are different, so their ratio is a little lower.
# This patient's is about a quarter of that: it forgot to divide by the deviation, about 0.23. This examination needs
# neither a second network nor labels. It is worth doing whenever weights come from elsewhere.</details>
#
# ## 5 · The clinic
#
# Choose a patient, examine it, choose a diagnosis. **its code** unfolds, but try without it first: symptoms, then
# diagnosis, then code. The right diagnosis links to the threads that report the mistake, and has **what to change**
# folded away.
#
# Before each examination, say what you expect. Try to need as few examinations as possible. The cause that the ladder
# found is folded away under **the numbers**: look there last.

# %%
clinic = ClinicExplorer("quick")
clinic

# %% [markdown]
# **What do you see?** Stay with this patient, "Every shape is right …". Which of the four finds it, and why do the
# others not?
#
# <details><summary>What you can see</summary>Only the ladder. Shapes and counts are the same, because a pooling has
# no weights and both kinds halve W. Before training the statistics hardly change. And training works as well as with
# the other pooling. The mistake matters only with weights that were trained with a different pooling.</details>
#
# Patients 16, 17 and 18 have a healthy network, healthy pictures, and a mistake in how they are **trained**. Three
# examinations find nothing in them. Begin with 16, and read the result of the fourth: up to which step the losses equal
# those of the healthy network, what never moves, and where the loss stays.
#
# ## 6 · Fix them
#
# Seven patients stay for treatment: numbers 3, 1, 5, 12, 14, 8 and 13, in this order.
#
# For each: look at the symptoms, choose the diagnosis in the clinic above (and leave **what to change** folded), then
# fix the code in the cell. The check accepts **any** code that does the right thing, not only one way of writing it.
#
# The numbers unfold; those of the ladder also name the cause, so they are the last hint.


# %%
def examine(name, train=False):
    """Show the three quick examinations of a patient, and the slow one if train is True."""
    patient = PATIENTS[name]
    found = {
        "shapes and counts": shapes(patient.parts),
        "statistics": statistics(patient.parts, patient.healthy),
        "ladder of proof": prove(patient.parts),
    }
    if train:
        found["training"] = Trial(patient.parts, patient.healthy).run()
    return record(patient, found)


# %% [markdown]
# ### Exercise 1 · the error in Stage 1
# ● of ●●● · important · 8 minutes

# %%
examine("halving")

# %% [markdown]
# Which two shapes disagree, and in which dimension? Which of the two is wrong?
#
# <details><summary>Hint: the symptom</summary>Dimension 0 is the batch, 1 the channels, 2 and 3 are height and width.
# Stage 1 has no stride, so height and width cannot be the problem.</details>
# <details><summary>Hint: where</summary>F(x) has the right number of channels, 4·C1. So the shortcut has too few. When
# does this code create a projection?</details>
# <details><summary>Hint: what</summary>A projection is needed wherever the shape changes: the stride is not 1,
# <b>or</b> the channels change.</details>


# %% tags=["exercise"]
# Exercise 1: fix the block so that it works in every stage
class HalvingBlock(nn.Module):
    ...  # fix it so that it works in every stage, and remove this line

    def __init__(self, in_channels, width, stride=1):
        super().__init__()
        out_channels = 4 * width
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU()
        self.downsample = None
        if stride != 1:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels)
            )

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return self.relu(out + identity)


# %% tags=["solution"]
class HalvingBlock(nn.Module):
    def __init__(self, in_channels, width, stride=1):
        super().__init__()
        out_channels = 4 * width
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU()
        self.downsample = None
        if stride != 1 or in_channels != out_channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels)
            )

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return self.relu(out + identity)


# %%
check_cured(PATIENTS["halving"], block=HalvingBlock, exercise="11.1")

# %% [markdown]
# ### Exercise 2 · brighter and brighter
# ●● of ●●● · important · 10 minutes

# %%
examine("eager")

# %% [markdown]
# The maps become brighter from block to block. What could keep a sum from ever becoming smaller than x?
#
# <details><summary>Hint: the symptom</summary>No parameters or MACs are missing. So look at steps that have neither:
# ReLUs and sums. The fraction of zeros after a block is lower than it should be: fewer sums are below zero.</details>
# <details><summary>Hint: where</summary>Go through <code>forward</code> and count the ReLUs. How many should there be,
# and where?</details>
# <details><summary>Hint: what</summary>The sum takes F(x) directly from bn3, with its negative values.</details>


# %% tags=["exercise"]
# Exercise 2: fix the block
class EagerBlock(nn.Module):
    ...  # fix it, and remove this line

    def __init__(self, C, C1, S=1):
        super().__init__()
        self.conv1 = nn.Conv2d(C, C1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(C1)
        self.conv2 = nn.Conv2d(C1, C1, 3, stride=S, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(C1)
        self.conv3 = nn.Conv2d(C1, 4 * C1, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * C1)
        self.shortcut = nn.Sequential()
        if S != 1 or C != 4 * C1:
            self.shortcut = nn.Sequential(
                nn.Conv2d(C, 4 * C1, 1, stride=S, bias=False),
                nn.BatchNorm2d(4 * C1),
            )

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = F.relu(self.bn2(self.conv2(out)))
        out = F.relu(self.bn3(self.conv3(out)))
        out = out + self.shortcut(x)
        return F.relu(out)


# %% tags=["solution"]
class EagerBlock(nn.Module):
    def __init__(self, C, C1, S=1):
        super().__init__()
        self.conv1 = nn.Conv2d(C, C1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(C1)
        self.conv2 = nn.Conv2d(C1, C1, 3, stride=S, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(C1)
        self.conv3 = nn.Conv2d(C1, 4 * C1, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * C1)
        self.shortcut = nn.Sequential()
        if S != 1 or C != 4 * C1:
            self.shortcut = nn.Sequential(
                nn.Conv2d(C, 4 * C1, 1, stride=S, bias=False),
                nn.BatchNorm2d(4 * C1),
            )

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = F.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        out = out + self.shortcut(x)
        return F.relu(out)


# %%
check_cured(PATIENTS["eager"], block=EagerBlock, exercise="11.2")

# %% [markdown]
# ### Exercise 3 · fewer MACs than published
# ●● of ●●● · important · 10 minutes

# %%
examine("paper")

# %% [markdown]
# All shapes are right, every parameter is there, and every weight loads. What could reduce the MACs without changing a
# single shape at the end of a block?
#
# <details><summary>Hint: the symptom</summary>Stage 1 is equal, Stage 2 is not. What does Stage 2 have that Stage 1
# lacks?</details>
# <details><summary>Hint: where</summary>The stride. It can be on one convolution or on another; the output is W/S wide
# either way. But a 3×3 on a smaller map is cheaper.</details>
# <details><summary>Hint: what</summary>The published PyTorch weights are v1.5: lesson 03.</details>


# %% tags=["exercise"]
# Exercise 3: make it fit the published weights
class PaperBlock(nn.Module):
    ...  # make it fit the published weights, and remove this line

    def __init__(self, inplanes, planes, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, kernel_size=1, stride=stride, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, planes * 4, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(planes * 4)
        self.relu = nn.ReLU()
        self.downsample = nn.Identity()
        if stride != 1 or inplanes != planes * 4:
            self.downsample = nn.Sequential(
                nn.Conv2d(inplanes, planes * 4, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(planes * 4),
            )

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return self.relu(out + self.downsample(x))


# %% tags=["solution"]
class PaperBlock(nn.Module):
    def __init__(self, inplanes, planes, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, planes * 4, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(planes * 4)
        self.relu = nn.ReLU()
        self.downsample = nn.Identity()
        if stride != 1 or inplanes != planes * 4:
            self.downsample = nn.Sequential(
                nn.Conv2d(inplanes, planes * 4, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(planes * 4),
            )

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return self.relu(out + self.downsample(x))


# %%
check_cured(PATIENTS["paper"], block=PaperBlock, exercise="11.3")

# %% [markdown]
# ### Exercise 4 · the loss that stays up
# ● of ●●● · important · 8 minutes
#
# This patient trains badly, so it also gets the slow examination: a brief training.

# %%
examine("polite", train=True)

# %% [markdown]
# With 20 classes, the loss of a network that knows nothing is ln 20 ≈ 3.0. How low can this network's loss go at best,
# and why? Then fix the head.
#
# <details><summary>Hint: the symptom</summary>Everything up to the linear layer is equal. After it no score is below
# zero, and no score can be above 1.</details>
# <details><summary>Hint: where</summary>In the head. What does <code>F.cross_entropy</code> do with its
# input?</details>
# <details><summary>How low?</summary>At best one score is 1 and 19 are 0. Cross-entropy treats them as scores: the loss
# is ln(e + 19) − 1 ≈ 2.08. It never falls below that.</details>


# %% tags=["exercise"]
# Exercise 4: fix the head
class Classifier(nn.Sequential):
    ...  # fix it, and remove this line

    def __init__(self, C, num_classes):
        super().__init__(
            OrderedDict(
                pool=nn.AdaptiveAvgPool2d(1),
                flatten=nn.Flatten(),
                fc=nn.Linear(C, num_classes),
                softmax=nn.Softmax(dim=1),
            )
        )


# %% tags=["solution"]
class Classifier(nn.Sequential):
    def __init__(self, C, num_classes):
        super().__init__(
            OrderedDict(
                pool=nn.AdaptiveAvgPool2d(1),
                flatten=nn.Flatten(),
                fc=nn.Linear(C, num_classes),
            )
        )


# %%
check_cured(PATIENTS["polite"], head=Classifier, exercise="11.4")

# %% [markdown]
# ### Exercise 5 · it depends on the company
# ●● of ●●● · important · 8 minutes

# %%
examine("sociable")

# %% [markdown]
# The network is equal to the healthy one at every step, but its answers are wrong. Fix the function that runs it.
#
# <details><summary>Hint: the symptom</summary>Two pictures alone get different scores from the same two in a larger
# batch. Which layer lets the pictures of a batch see each other?</details>
# <details><summary>Hint: where</summary>It is not in the network, but in the function that uses it.</details>
# <details><summary>Hint: and afterwards?</summary>A careful function restores the mode in which it found the network.
# The check does not require that, but you need it if training continues.</details>


# %% tags=["exercise"]
# Exercise 5: fix the function
@torch.no_grad()
def answer(network, pictures):
    ...  # fix it, and remove this line
    return network(pictures)


# %% tags=["solution"]
@torch.no_grad()
def answer(network, pictures):
    network.eval()
    return network(pictures)


# %%
check_cured(PATIENTS["sociable"], answer=answer, exercise="11.5")

# %% [markdown]
# ### Exercise 6 · weights in the wrong places
# ●● of ●●● · worth doing · 10 minutes

# %%
examine("tidy")

# %% [markdown]
# The block of this patient is right; it only creates its shortcut first. Fix the function that loads.
#
# <details><summary>Hint: the symptom</summary>The input of conv3 of the first block is equal, but its output is not. So
# its weight is wrong. Which other layer of that block has a weight of the same shape?</details>
# <details><summary>Hint: where</summary>"The next one that has this shape" is right only if both networks create their
# layers in the same order.</details>
# <details><summary>Hint: what</summary>Names are unambiguous. PyTorch has a method that loads by name, and it raises an
# error when a name does not fit.</details>


# %% tags=["exercise"]
# Exercise 6: fix the function, so that the order no longer matters
def load(network, published):
    ...  # fix it so that the order no longer matters, and remove this line
    left = list(published.values())
    for mine in network.state_dict().values():
        i = next(i for i, theirs in enumerate(left) if theirs.shape == mine.shape)
        mine.copy_(left.pop(i))


# %% tags=["solution"]
def load(network, published):
    network.load_state_dict(published)


# %%
check_cured(PATIENTS["tidy"], load=load, exercise="11.6")

# %% [markdown]
# ### Exercise 7 · the dead branch
# ●●● of ●●● · worth doing · 12 minutes

# %%
examine("dead", train=True)

# %% [markdown]
# The author wanted every block to start as its shortcut, as in lesson 08: F(x) = 0 at first. The healthy networks
# beside it do start like that. In this one F stays 0.
#
# <details><summary>Hint: the symptom</summary>relu1 outputs nothing but zeros, in every block. What gradient does a
# ReLU pass back where its output is 0?</details>
# <details><summary>Hint: where</summary>In a healthy block, what follows the BN that starts at zero? And in this
# one?</details>
# <details><summary>Hint: why does the ladder see nothing?</summary>It first copies trained weights into the patient.
# They replace the initial ones.</details>


# %% tags=["exercise"]
# Exercise 7: fix the initialisation, so that F begins at zero and can learn
def initialise(network):
    ...  # F must begin at zero and be able to learn; fix it, and remove this line
    for name, module in network.named_modules():
        if name.endswith("bn1"):
            nn.init.zeros_(module.weight)


# %% tags=["solution"]
def initialise(network):
    for name, module in network.named_modules():
        if name.endswith("bn3"):
            nn.init.zeros_(module.weight)


# %%
check_cured(PATIENTS["dead"], initialise=initialise, exercise="11.7")

# %% [markdown]
# **What do you see?** Run the training of the fixed network, if you like:
# `Trial({"initialise": initialise}, PATIENTS["dead"].healthy).run().text`. Where does its loss curve end?
#
# <details><summary>What you can see</summary>Exactly on one of the healthy curves, since it starts with the same
# weights. The gradient of bn3's weight does not need F to be different from zero: it needs the input of bn3, which is
# not zero.</details>
#
# ## 7 · Which examination finds what
#
# ### Exercise 8 · predict the table
# ●● of ●●● · important · 8 minutes
#
# In each line one of the four patients fits. Put its name in the place of the dots. (Their complaints are in section 1,
# beside their names, and their code is in the clinic above.) The cell also prints a question of its own, about biases;
# its answer goes into `own`.
#
# <details><summary>Hint for the first</summary>Shapes and counts see the design, statistics see an untrained network.
# Which mistake matters only with trained weights?</details>
# <details><summary>Hint for the second</summary>What can be wrong if the network is healthy, is run in the right way,
# and gets the right pictures?</details>
# <details><summary>Hint for the third</summary>The position of S does not show at the end of a block. What costs less
# on a smaller map?</details>
# <details><summary>Hint for the fourth</summary>One author worried without cause.</details>

# %% tags=["exercise"]
# Exercise 8: the name of one patient in each line, in quotes
from resnet_lib.exercises import ask_own

prediction = {
    "Of the quick examinations, the ladder alone finds: eager, quick, single or polite": ...,
    "Training alone finds: raw, thrifty, hoarder or dead": ...,
    "Shapes right and MACs wrong: wide-shortcut, single, paper or quick": ...,
    "No examination finds: tidy, default, sociable or worried": ...,
}
me = ""  # in a course: your name, as in the name of the file that you hand in; otherwise leave it empty
ask_own("11", me)
own = ...

# %% tags=["solution"]
prediction = {
    "Of the quick examinations, the ladder alone finds: eager, quick, single or polite": "quick",
    "Training alone finds: raw, thrifty, hoarder or dead": "hoarder",
    "Shapes right and MACs wrong: wide-shortcut, single, paper or quick": "paper",
    "No examination finds: tidy, default, sociable or worried": "worried",
}
me = ""  # in a course: your name, as in the name of the file that you hand in; otherwise leave it empty
own = 128 + 128 + 512 + 512

# %%
from resnet_lib.exercises import predict
from resnet_lib.exercises.asked_later import PATIENT_QUESTIONS

predict(PATIENT_QUESTIONS, prediction, exercise="11.8")

# %%
from resnet_lib.exercises import check_own

check_own("11", me, own)

# %% [markdown]
# Now the table: all patients and all examinations. Parameters and MACs have their own column here, and the last column
# is the test of section 3: the fraction of 64 pictures for which the winning class is the same with trained weights, if
# those fit. **Predict:**

# %%
ask("11.all")

# %%
COLUMNS = ["shapes", "parameters, MACs", "statistics", "ladder of proof", "training", "same winning class"]
TRAINED = ["raw", "thrifty", "hoarder", "dead"]  # list(PATIENTS) trains all of them, in about two minutes on two cores
table = {}
for name, patient in PATIENTS.items():
    design, proof = shapes(patient.parts), prove(patient.parts)
    trial = Trial(patient.parts, patient.healthy)
    for _ in trial if name in TRAINED else ():  # until something is found, or to the end
        if trial.sick:
            break
    counts = [design.parameters, design.macs]
    cells = [
        bool(design.first),
        any(mine is not None and mine != healthy for healthy, mine in counts),
        statistics(patient.parts, patient.healthy).sick,
        proof.sick,
        trial.sick if name in TRAINED else "not trained",
        "–" if proof.winners is None else f"{proof.winners:.0%}",
    ]
    table[name] = dict(zip(COLUMNS, cells, strict=True))
findings_table(table, COLUMNS)

# %% [markdown]
# **What do you see?** Read it by columns, then by rows.
#
# <details><summary>What you can see</summary>
#
# - No column finds every patient. The ladder finds most, but not `dead`, which it heals by copying weights, and not
#   `thrifty`, whose results are right: a ReLU with inplace=True overwrites the maps that the hooks have kept.
# - Shapes alone find few patients. Together with parameters and MACs they find several more, and they cost nothing.
# - Training is the slowest examination, and finds the fewest: it compensates for most mistakes in a network that runs.
#   But only training finds mistakes in the training itself.
# - The last column is anywhere between 0 % and 100 %, even for networks that are clearly wrong.
# - One patient is healthy, and no examination says otherwise. That is as valuable as a finding.
# </details>
#
# ## 8 · Common mistakes
#
# - **Searching only the network, never its input.** Print the mean and deviation of one batch first.
# - **Only one examination.** Each is blind to something. Begin with the cheap ones.
# - **"It learns, so it is right."** Look at the column of training.
# - **Two changes at once.** Fix one thing, then examine again.
# - **The same weights forgotten.** Two networks with different weights differ everywhere, which shows nothing.
# - **A chance difference taken for a symptom.** Compare with several healthy networks, not with one.
# - **Searching the code before you know the symptoms.** Fifty lines hide a mistake well; "equal up to Stage 1" leaves
#   five.
#
# ## Summary
#
# - Shapes, parameters and MACs: free, and blind to everything that has no weights and does not change a size.
# - Statistics beside several healthy networks: they see signs, zeros and scales, before any training.
# - The ladder of proof: names the first step that differs, and often the cause. It needs the same weights in both, so
#   it cannot see how they were initialised.
# - Training beside healthy networks: slow, and forgiving; the first losses and the parts that never move say more than
#   the last loss.
# - A trained BN keeps the statistics of its pictures: compare yours with them.
# - The winning class alone proves almost nothing.
#
# ## Recall
#
# 1. The number of parameters is exactly right and there are four times the MACs. What do you suspect?
# <details><summary>Answer</summary>A missing stride, so maps are too large. Parameters do not depend on W.</details>
#
# 2. The ladder says "equal at every step", but the answers change with the batch. What is wrong?
# <details><summary>Answer</summary>The network is used in training mode: BN uses the statistics of the batch.</details>
#
# 3. Which of the examinations cannot find a wrong initialisation, and why?
# <details><summary>Answer</summary>The ladder of proof, since it loads other weights; and shapes and counts, which do
# not look at the weights at all.</details>
#
# 4. Why are the statistics compared with five healthy networks and not with one?
# <details><summary>Answer</summary>To know how much healthy networks differ by chance. A reading is odd only if it is
# well outside their range.</details>
#
# 5. Your hooks collect BN outputs without a single negative value, and the network's results are right. What happened?
# <details><summary>Answer</summary>A ReLU that works in place overwrote them after the BN returned them.</details>
#
# 6. Why does a softmax inside the network not change the winning class?
# <details><summary>Answer</summary>It keeps the order of the scores. But it ruins the loss.</details>
#
# 7. The first two losses equal those of the healthy network to the last digit, and then the loss goes wild. What
#    accumulates?
# <details><summary>Answer</summary>Gradients: <code>zero_grad()</code> is forgotten. The first step is right, since no
# gradients exist before it.</details>
#
# 8. Why does a forgotten normalisation not show in the training curve?
# <details><summary>Answer</summary>In training the first BN subtracts the batch's own mean and divides by its
# deviation. It shows with trained weights in <code>eval()</code>, where BN uses its stored statistics.</details>
#
# ## What comes next
#
# Examine your own network: the examinations accept any part. `shapes({"block": MyBlock})`, `prove({"block": MyBlock})`.
# Or go back to [10 · capstone](10_capstone.ipynb) and examine what you designed.

# %% [markdown] tags=["instructor"]
# ### Minute by minute
#
# | minutes | what |
# | --- | --- |
# | 10 | Sections 1 and 2: the complaints read aloud, and one patient examined together |
# | 5 | Section 3: how much does the winning class prove? |
# | 5 | Section 4: a healthy network, and what its first BN remembers |
# | 15 | Section 5: the clinic, in pairs, one patient each |
# | 8 | Exercise 1 |
# | 10 | Exercise 2 |
# | 10 | Exercise 3 |
# | 8 | Exercise 4 |
# | 8 | Exercise 5 |
# | 10 | Exercise 6 |
# | 12 | Exercise 7, for the fast students |
# | 8 | Exercise 8 |
# | 6 | Section 7: the table, column by column |
#
# ### Ask before you show
#
# - Before "shapes" of the first patient: "Shapes, parameters, MACs: which of the three are wrong?"
# - Before section 3: "No ReLU in the stem. On how many of 64 pictures does the same class still win?" Collect numbers.
# - Before section 4: "Nothing in this network is wrong. Where else can a mistake be?"
# - Before each examination in the clinic: "What do you expect to see, if you are right?"
#
# ### What they may think
#
# - *It learns, so it is right.* Most of these patients learn as well as healthy ones.
# - *The right number of parameters means the right network.* Strides, ReLUs and pooling have none.
# - *A finding is a diagnosis.* The ladder says where two networks diverge, not why.
# - *Without normalisation it would not train.* It does, thanks to the first BN. With trained weights it fails.
# - *One healthy network is enough to compare with.* How far are two healthy networks apart?
#
# ### On the projector
#
# The ClinicExplorer with one patient, its code folded away. The class names an examination and what it expects; only
# then press the button. Stop at two examinations, and let the students argue. Then the table of section 7, one column
# at a time.
