"""The patients of the clinic: parts of a ResNet with one mistake each, as they stand in real projects.

The code is written the way such code is written, each part in its own style, and it is wrong on purpose. Names and
shapes follow the course: a block is made as block(C, C1, S) and gives 4·C1 channels.
"""

import inspect
from collections import OrderedDict
from dataclasses import dataclass, field

import torch
from torch import nn
from torch.nn import functional as F

from .blocks import Projection, conv
from .clinic import initialise_at_the_shortcut

# ── Blocks ───────────────────────────────────────────────────────────────────────────────────────────────────


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
        out = F.relu(self.bn3(self.conv3(out)))
        out = out + self.shortcut(x)
        return F.relu(out)


class LeanBlock(nn.Module):
    def __init__(self, C, C1, S=1):
        super().__init__()
        C_out = 4 * C1
        self.conv1, self.bn1 = nn.Conv2d(C, C1, 1, bias=False), nn.BatchNorm2d(C1)
        self.conv2, self.bn2 = nn.Conv2d(C1, C1, 3, S, 1, bias=False), nn.BatchNorm2d(C1)
        self.conv3, self.bn3 = nn.Conv2d(C1, C_out, 1, bias=False), nn.BatchNorm2d(C_out)
        if C == C_out and S == 1:
            self.shortcut = nn.Identity()
        else:
            self.shortcut = nn.Sequential(nn.Conv2d(C, C_out, 1, S, bias=False))

    def forward(self, x):
        f = self.bn1(self.conv1(x)).relu()
        f = self.bn2(self.conv2(f)).relu()
        f = self.bn3(self.conv3(f))
        return (f + self.shortcut(x)).relu()


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


class WideShortcut(nn.Module):
    def __init__(self, C, C1, S):
        super().__init__()
        self.conv1 = nn.Conv2d(C, C1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(C1)
        self.conv2 = nn.Conv2d(C1, C1, 3, stride=S, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(C1)
        self.conv3 = nn.Conv2d(C1, C1 * 4, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(C1 * 4)
        self.skip = S > 1 or C != C1 * 4
        if self.skip:
            self.shortcut = nn.Sequential(nn.Conv2d(C, C1 * 4, 1, bias=False), nn.BatchNorm2d(C1 * 4))

    def forward(self, x):
        y = torch.relu(self.bn1(self.conv1(x)))
        y = torch.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return torch.relu(y + (self.shortcut(x) if self.skip else x))


class PaperBlock(nn.Module):
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


class DefaultBlock(nn.Module):
    def __init__(self, C, C1, S=1):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(C, C1, 1), nn.BatchNorm2d(C1)
        self.conv2, self.bn2 = nn.Conv2d(C1, C1, 3, S, padding=1), nn.BatchNorm2d(C1)
        self.conv3, self.bn3 = nn.Conv2d(C1, 4 * C1, 1), nn.BatchNorm2d(4 * C1)
        same = C == 4 * C1 and S == 1
        self.shortcut = (
            nn.Identity() if same else nn.Sequential(nn.Conv2d(C, 4 * C1, 1, S), nn.BatchNorm2d(4 * C1))
        )

    def forward(self, x):
        f = F.relu(self.bn1(self.conv1(x)))
        f = F.relu(self.bn2(self.conv2(f)))
        f = self.bn3(self.conv3(f))
        return F.relu(f + self.shortcut(x))


class ThriftyBlock(nn.Module):
    def __init__(self, C, C1, S=1):
        super().__init__()
        self.conv1 = nn.Conv2d(C, C1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(C1)
        self.conv2 = nn.Conv2d(C1, C1, 3, S, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(C1)
        self.conv3 = nn.Conv2d(C1, 4 * C1, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * C1)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut = nn.Identity()
        if S != 1 or C != 4 * C1:
            self.shortcut = nn.Sequential(nn.Conv2d(C, 4 * C1, 1, S, bias=False), nn.BatchNorm2d(4 * C1))

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        out += self.shortcut(x)
        return self.relu(out)


class TidyBlock(nn.Module):
    def __init__(self, C, C1, S=1):
        super().__init__()
        projected = S != 1 or C != 4 * C1
        self.shortcut = Projection(C, 4 * C1, S, nn.BatchNorm2d) if projected else nn.Identity()
        self.conv1, self.bn1 = conv(C, C1, 1), nn.BatchNorm2d(C1)
        self.conv2, self.bn2 = conv(C1, C1, 3, S, padding=1), nn.BatchNorm2d(C1)
        self.conv3, self.bn3 = conv(C1, 4 * C1, 1), nn.BatchNorm2d(4 * C1)

    def forward(self, x):
        f = F.relu(self.bn1(self.conv1(x)))
        f = F.relu(self.bn2(self.conv2(f)))
        return F.relu(self.bn3(self.conv3(f)) + self.shortcut(x))


def load(network, published):
    left = list(published.values())
    for mine in network.state_dict().values():
        i = next(i for i, theirs in enumerate(left) if theirs.shape == mine.shape)
        mine.copy_(left.pop(i))


class WorriedBlock(nn.Module):
    def __init__(self, C, C1, S=1):
        super().__init__()
        wide = C1 + C1 + C1 + C1
        self.bn1, self.bn2, self.bn3 = (nn.BatchNorm2d(n) for n in (C1, C1, wide))
        self.conv1 = nn.Conv2d(C, C1, (1, 1), bias=False)
        self.conv2 = nn.Conv2d(C1, C1, (3, 3), (S, S), "same" if S == 1 else (1, 1), bias=False)
        self.conv3 = nn.Conv2d(C1, wide, (1, 1), bias=False)
        self.downsample = None
        if C != wide or S > 1:
            layers = nn.Conv2d(C, wide, (1, 1), (S, S), bias=False), nn.BatchNorm2d(wide)
            self.downsample = nn.Sequential(*layers)

    def forward(self, x):
        y = x if self.downsample is None else self.downsample(x)
        x = self.bn1(self.conv1(x)).clamp(min=0)
        x = self.bn2(self.conv2(x)).clamp(min=0)
        y = y + self.bn3(self.conv3(x))
        return y.clamp(min=0)


# ── Stems ────────────────────────────────────────────────────────────────────────────────────────────────────


class QuickStem(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.conv = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool2d(kernel_size=2, stride=2)

    def forward(self, x):
        return self.pool(self.relu(self.bn(self.conv(x))))


class StraightStem(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.conv = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn = nn.BatchNorm2d(width)
        self.pool = nn.MaxPool2d(3, 2, 1)

    def forward(self, x):
        x = self.conv(x)
        x = self.bn(x)
        x = self.pool(x)
        return x


# ── Stages, head, and what is done with a network ────────────────────────────────────────────────────────────


def stages(block, base, blocks):
    made, C = [], base
    for i, n in enumerate(blocks):
        C1 = base * 2**i
        stage = []
        for _ in range(n):
            stride = 2 if len(made) == 0 and len(stage) == 0 else 1
            stage.append(block(C, C1, stride))
            C = 4 * C1
        made.append(nn.Sequential(*stage))
    return made


class Classifier(nn.Sequential):
    def __init__(self, C, num_classes):
        super().__init__(
            OrderedDict(
                pool=nn.AdaptiveAvgPool2d(1),
                flatten=nn.Flatten(),
                fc=nn.Linear(C, num_classes),
                softmax=nn.Softmax(dim=1),
            )
        )


def initialise(network):
    for name, module in network.named_modules():
        if name.endswith("bn1"):
            nn.init.zeros_(module.weight)


@torch.no_grad()
def answer(network, pictures):
    return network(pictures)


# ── The cases ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Patient:
    """A case of the clinic.

    complaint: what its author says, the title of the case.
    parts:     what of it replaces a healthy part, name → code.
    diagnosis: what is wrong, in one sentence.
    others:    (a diagnosis that is wrong, why the symptoms do not fit it), three of them.
    reason:    why it matters, and where it is known from.
    sources:   (project and thread, address) of real cases.
    repair:    (a piece of the code, what it should be), all that has to change.
    healthy:   parts that the healthy networks have as well when they are compared.
    """

    complaint: str
    parts: dict
    diagnosis: str
    others: tuple
    reason: str
    sources: tuple = ()
    repair: tuple = ()
    healthy: dict = field(default_factory=dict)

    @property
    def code(self):
        """The source of its parts."""
        return "\n\n".join(inspect.getsource(part).rstrip() for part in self.parts.values()) + "\n"

    @property
    def mended(self):
        """The same, mended."""
        code = self.code
        for wrong, right in self.repair:
            code = code.replace(wrong, right)
        return code

    @property
    def choices(self):
        """All diagnoses, in an order that says nothing."""
        return sorted([self.diagnosis, *(text for text, _why in self.others)])

    def feedback(self, diagnosis):
        """(whether it is right, a sentence on it). ValueError for none of the choices."""
        if diagnosis == self.diagnosis:
            return True, self.reason
        why = dict(self.others).get(diagnosis)
        if why is None:
            raise ValueError(f"{diagnosis!r} is none of this patient's choices: {'; '.join(self.choices)}")
        return False, why


def github(project, *numbers):
    """Threads of a project on GitHub as sources."""
    return tuple((f"{project} #{n}", f"https://github.com/{project}/issues/{n}") for n in numbers)


NO_PROJECTION_BN = "There is no BN after the projection's convolution."
RELU_BEFORE_SUM = "There is a ReLU on F(x), before the sum."
STRIDE_ON_1X1 = "The stride sits on the first 1×1 and not on the 3×3 (v1 instead of v1.5)."
BIASES = "The convolutions have biases, although a BN follows each of them."
NO_RELU_AFTER_SUM = "There is no ReLU after the sum."
SOFTMAX = "There is a softmax inside the network."
NO_EVAL = "eval() is forgotten where the network is used."
IN_PLACE = "Steps work in place, on tensors that somebody still wants to look at."
HEALTHY_ONE = "Nothing is wrong: it is a healthy ResNet, written in another way."
EPS = "A BN has another eps."

PATIENTS = {
    "eager": Patient(
        "It runs and learns, but within every stage the maps get brighter from block to block.",
        {"block": EagerBlock},
        RELU_BEFORE_SUM,
        (
            (NO_PROJECTION_BN, "Then parameters would be missing, and the ladder would break inside the shortcut. "
             "Here all parameters are there, and the shortcut's steps are equal."),
            (NO_RELU_AFTER_SUM, "Then the blocks would give out values below zero. Here the share below zero is 0, as "
             "in a healthy network."),
            (STRIDE_ON_1X1, "Then the MACs would be lower, and Stage 1, which has S = 1, would be equal. Here it is "
             "Stage 1 that differs first, and the MACs are healthy."),
        ),
        "F(x) can no longer lower anything: every sum is x plus something that is not negative, so means grow from "
        "block to block. One ReLU, after the sum. It still learns, which is why it is found so late.",
        github("kuangliu/pytorch-cifar", 4) + github("arunpatala/residual.mnist", 8),
        (("out = F.relu(self.bn3(self.conv3(out)))", "out = self.bn3(self.conv3(out))"),),
    ),
    "lean": Patient(
        "It runs, but the published weights leave some entries over.",
        {"block": LeanBlock},
        NO_PROJECTION_BN,
        (
            (BIASES, "Biases would be entries too many. Here parameters are missing."),
            ("A whole block is missing in each stage.", "Then far more parameters would be missing, and MACs too. "
             "Here every MAC is there."),
            (EPS, "eps is no parameter, and another one would leave all counts as they are. Here parameters are "
             "missing."),
        ),
        "Every convolution of a ResNet has a BN after it, the projection's as well. Without one, G(x) comes with "
        "whatever mean and deviation x and the weights give it, and not on the same footing as F(x).",
        github("dalgu90/resnet-18-tensorflow", 9) + github("apache/mxnet", 2354),
        (
            (
                "nn.Sequential(nn.Conv2d(C, C_out, 1, S, bias=False))",
                "nn.Sequential(nn.Conv2d(C, C_out, 1, S, bias=False), nn.BatchNorm2d(C_out))",
            ),
        ),
    ),
    "halving": Patient(
        "It stops with an error about sizes, and Stage 1 does not even have a stride.",
        {"block": HalvingBlock},
        "The projection is made only where the stride is not 1.",
        (
            ("The projection has no stride.", "Then sides would disagree, in dimension 2 or 3, and first in Stage 2. "
             "Here channels disagree, dimension 1, and it is Stage 1 that stops."),
            ("The block gives C1 channels instead of 4·C1.", "Then F(x) would be the narrow one. The message names "
             "first F(x) and then the shortcut: it is the shortcut that has too few channels."),
            ("Stage 1 should have stride 2.", "Then the error would go away and a wrong network remain: a ResNet-50 "
             "has S = 1 there. The max pool before it has halved W already."),
        ),
        "A projection is needed where the shape changes, and Stage 1 changes it without a stride: C goes in and 4·C "
        "come out. \"Only when it downsamples\" is right for ResNet-18 and wrong for ResNet-50.",
        github("pytorch/vision", 532, 457),
        (("if stride != 1:", "if stride != 1 or in_channels != out_channels:"),),
    ),
    "wide-shortcut": Patient(
        "Stage 1 works, and then it stops with an error about sizes.",
        {"block": WideShortcut},
        "The projection has no stride.",
        (
            ("The projection is made only where the stride is not 1.", "Then it would stop in Stage 1, where channels "
             "change and the stride is 1. Here Stage 1 works."),
            ("F has no stride.", "Then F(x) would be the larger one. The message names first F(x), and that is the "
             "smaller."),
            ("The 3×3 has no padding.", "Then it would stop in Stage 1 already, where F(x) would come out two pixels "
             "too small, and not half as large."),
        ),
        "The stride of a block is taken twice: once on the way through F, and once in G. Both have to arrive at the "
        "same W/S. Beware of maps of 1 × 1: there PyTorch stretches the smaller one and says nothing.",
        github("FrancescoSaverioZuppichini/glasses", 236) + github("AlexeyAB/darknet", 3809),
        (("nn.Conv2d(C, C1 * 4, 1, bias=False)", "nn.Conv2d(C, C1 * 4, 1, stride=S, bias=False)"),),
    ),
    "paper": Patient(
        "The published weights load without complaint, and the answers are a little worse than published.",
        {"block": PaperBlock},
        STRIDE_ON_1X1,
        (
            ("The projection has no stride.", "Then the sum would stop with an error. Here all shapes are healthy."),
            (RELU_BEFORE_SUM, "Then Stage 1 would differ, and the MACs would be healthy. Here Stage 1 is equal and "
             "MACs are missing."),
            ("The stride sits on the last 1×1.", "Then the 3×3 would run at the full W, and there would be more MACs, "
             "not fewer."),
        ),
        "This is v1, as in the paper, and no mistake by itself. With published PyTorch weights it is one: they were "
        "trained as v1.5. Names and shapes are the same, so nothing but the numbers, and the MACs, can tell.",
        github("pytorch/vision", 191, 457),
        (
            (
                "nn.Conv2d(inplanes, planes, kernel_size=1, stride=stride, bias=False)",
                "nn.Conv2d(inplanes, planes, kernel_size=1, bias=False)",
            ),
            (
                "nn.Conv2d(planes, planes, kernel_size=3, padding=1, bias=False)",
                "nn.Conv2d(planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)",
            ),
        ),
    ),
    "default": Patient(
        "It trains as well as any other, but somebody counted its parameters.",
        {"block": DefaultBlock},
        BIASES,
        (
            (NO_PROJECTION_BN, "Then there would be too few parameters. Here there are too many."),
            ("The blocks have too many channels inside.", "Then the MACs would grow as well. Here they are healthy to "
             "the last one."),
            ("The kernel of a convolution is too large.", "Then the MACs would grow as well, and no more: here they "
             "are healthy."),
        ),
        "nn.Conv2d has a bias unless told otherwise. The BN after it subtracts the mean, and with it any bias, so it "
        "does nothing in training. It costs memory, and published weights have no such entry.",
        github("keras-team/keras-cv", 629) + github("calmiLovesAI/TensorFlow2.0_ResNet", 7),
        (
            ("nn.Conv2d(C, C1, 1)", "nn.Conv2d(C, C1, 1, bias=False)"),
            ("S, padding=1)", "S, padding=1, bias=False)"),
            ("nn.Conv2d(C1, 4 * C1, 1)", "nn.Conv2d(C1, 4 * C1, 1, bias=False)"),
            ("nn.Conv2d(C, 4 * C1, 1, S)", "nn.Conv2d(C, 4 * C1, 1, S, bias=False)"),
        ),
    ),
    "thrifty": Patient(
        "The results are right. But the maps that my hooks collect have lost everything below zero.",
        {"block": ThriftyBlock},
        IN_PLACE,
        (
            ("The ReLU comes before the BN.", "Then the ladder would break in the first block. Here it is equal at "
             "every step."),
            (RELU_BEFORE_SUM, "Then the blocks would give other numbers. Here the ladder is equal to the last bit."),
            (HEALTHY_ONE, "Its results are healthy. But the statistics found tensors that were written over after "
             "they had been given out, so whoever looks later sees something else."),
        ),
        "A hook gets the tensor itself, not a copy. ReLU(inplace=True) and += write into the same tensor later. "
        "One ReLU used three times makes it worse: under one name there are three outputs.",
        github("pytorch/pytorch", 95617) + github("gcr/torch-residual-networks", 16),
        (("nn.ReLU(inplace=True)", "nn.ReLU()"), ("out += self.shortcut(x)", "out = out + self.shortcut(x)")),
    ),
    "tidy": Patient(
        "The published weights went in without an error, and its answers are nonsense.",
        {"block": TidyBlock, "load": load},
        "The weights were copied in their order, and not by their names.",
        (
            (STRIDE_ON_1X1, "Then MACs would be missing. Here they are all there, and parameters are named that hold "
             "other values than they should."),
            ("The BNs were never trained.", "Then no convolution would differ. The first entry with other values is "
             "the weight of a convolution."),
            (NO_EVAL, "The ladder runs both networks in eval(). What it names first are not results but weights: they "
             "are not the ones that were meant."),
        ),
        "This block makes its shortcut first, the published ones last. Where two entries have the same shape, the "
        "order decides, and conv3 gets what was meant for the shortcut. Loaders like this one are found in courses. "
        "load_state_dict goes by name, and says so when one does not fit.",
        (),
        (
            (
                "    left = list(published.values())\n"
                "    for mine in network.state_dict().values():\n"
                "        i = next(i for i, theirs in enumerate(left) if theirs.shape == mine.shape)\n"
                "        mine.copy_(left.pop(i))\n",
                "    network.load_state_dict(published)\n",
            ),
        ),
    ),
    "quick": Patient(
        "Every shape is right, and still the published weights give other answers.",
        {"stem": QuickStem},
        "The max pool has a kernel of 2 instead of 3.",
        (
            ("The 7×7 has the wrong padding.", "Then the ladder would break at the convolution. Here it is equal, and "
             "so are BN and ReLU after it."),
            ("The pooling takes the average.", "Then the planted average would give these numbers. What gives them is "
             "another kernel."),
            ("There is no ReLU in the stem.", "Then values below zero would come out of Stage 0. Here there are "
             "none."),
        ),
        "2/2 without padding and 3/2 with padding 1 both halve W, so no shape tells them apart. Pooling has no "
        "weights, so no count does either. Trained from the start it does as well. With weights that expect the "
        "other, it is wrong.",
        github("adobe/antialiased-cnns", 5),
        (("kernel_size=2, stride=2)", "kernel_size=3, stride=2, padding=1)"),),
    ),
    "straight": Patient(
        "It is a strong baseline, and others repeat its results. The first maps have negative values.",
        {"stem": StraightStem},
        "There is no ReLU in the stem.",
        (
            (NO_RELU_AFTER_SUM, "Then the blocks would give out values below zero. Here only Stage 0 does."),
            ("There is no BN in the stem.", "Then parameters would be missing. Here they are all there."),
            ("The max pool pads with zeros.", "Zeros would cut off what is below zero along the edge alone. Here "
             "values below zero come out everywhere, more than in any healthy stem."),
        ),
        "A max pool after BN is not linear either, so the network still learns, and in its project it was found only "
        "after good results were published. Weights that were trained with a ReLU there do not fit.",
        github("michuanhaohao/reid-strong-baseline", 4),
        (("x = self.bn(x)", "x = self.bn(x).relu()"),),
    ),
    "single": Patient(
        "It learns well, but it is slow, and it needs a lot of memory.",
        {"stages": stages},
        "Only the first block of all has stride 2; the stages after it have none.",
        (
            ("Stage 1 has stride 2 as well.", "Then every stage would come out half as large as it should. Here "
             "Stage 1 is too small and Stages 3 and 4 are too large."),
            ("There is no max pool.", "Then Stage 0 would come out too large. Here it is healthy."),
            ("The blocks have too many channels.", "Then there would be more parameters. Here there are exactly as "
             "many as in a healthy network, and only the MACs have grown."),
        ),
        "Parameters do not depend on W, so the count is right to the last one. The comment in the original says \"2, "
        "except for the very first block\", and the code does the opposite. Larger maps even help it to learn, at "
        "several times the cost.",
        github("labmlai/annotated_deep_learning_paper_implementations", 83, 136, 205),
        (("stride = 2 if len(made) == 0 and", "stride = 2 if len(made) > 0 and"),),
    ),
    "polite": Patient(
        "Training is slow, and the loss will not come down.",
        {"head": Classifier},
        SOFTMAX,
        (
            ("The learning rate is too low.", "The healthy networks were trained at the same one. And the ladder, "
             "which trains nothing, finds its scores different."),
            ("The weights begin too small.", "The ladder gives both networks the same weights, and the scores differ "
             "all the same."),
            ("The average pool takes the largest value.", "Then the head's scores would be larger. Here all of them "
             "lie between 0 and 1 and none is negative."),
        ),
        "nn.CrossEntropyLoss computes a softmax itself. Given probabilities, it takes them for scores between 0 and 1, "
        "which can never be far apart: the loss cannot come near 0, and gradients are weak.",
        github("Lightning-Universe/lightning-bolts", 654) + github("ariecattan/SciCo", 2),
        (("                softmax=nn.Softmax(dim=1),\n", ""),),
    ),
    "dead": Patient(
        "I begin every F at zero, as one should. It learns, but less than it could.",
        {"initialise": initialise},
        "The first BN of each F begins at zero, and not the last.",
        (
            ("The last BN of each F begins at zero.", "That is how it should be, and how the healthy networks begin. "
             "In those, relu1 gives out something."),
            ("The learning rate is too low.", "The healthy networks were trained at the same one. And the statistics "
             "were taken before any training."),
            ("The shortcuts are missing.", "Then the ladder would find other numbers. With the same weights it is "
             "equal at every step."),
        ),
        "Zero after bn1 is zero after the ReLU, and a ReLU passes no gradient where it is zero. So conv1 and bn1 never "
        "learn anything: F is dead for ever. With bn3 at zero F begins at zero too, and bn3 itself learns at once. The "
        "ladder copies weights, and cures the patient while it looks. (The threads ask what beginning at zero is good "
        "for.)",
        github("tensorpack/tensorpack", 420) + github("google-deepmind/sonnet", 185),
        (('name.endswith("bn1")', 'name.endswith("bn3")'),),
        {"initialise": initialise_at_the_shortcut},
    ),
    "sociable": Patient(
        "It says different things about the same picture, depending on what else I ask.",
        {"answer": answer},
        NO_EVAL,
        (
            ("Dropout is left on.", "There is none in a ResNet. And dropout would give other answers each time, even "
             "in the same company."),
            ("The pictures are not normalised.", "Then the answers would be wrong in the same way, whatever the "
             "company."),
            ("The weights were copied in their order.", "Then the ladder would find other numbers. The network itself "
             "is equal at every step."),
        ),
        "In training mode BN takes mean and variance from the batch, so a picture's answer depends on its neighbours, "
        "and every question changes the stored statistics. The network is healthy; it is used wrongly.",
        github("fxia22/pointnet.pytorch", 19) + github("pytorch/tutorials", 203) + github("otenim/GLCIC-PyTorch", 18),
        (("    return network(pictures)", "    network.eval()\n    return network(pictures)"),),
    ),
    "worried": Patient(
        "I wrote it in my own way. There must be something wrong.",
        {"block": WorriedBlock},
        HEALTHY_ONE,
        (
            (NO_RELU_AFTER_SUM, "clamp(min=0) is a ReLU by another name: no block gives out a value below zero."),
            ("The order in which its layers are made is wrong.", "That order matters to those who copy weights by "
             "order. forward alone decides what is computed, and the ladder is equal."),
            ("The 3×3 loses pixels at the edge.", "Then shapes would differ. \"same\" is a padding of 1 here."),
        ),
        "Names, order and style are free. Equal at every step with the same weights is what counts. Every clinic "
        "should see a healthy patient now and then: an examination that always finds something finds nothing.",
    ),
}
