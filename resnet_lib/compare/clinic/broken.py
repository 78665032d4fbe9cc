"""The code of the clinic's patients: parts of a ResNet with one mistake each, as they stand in real projects.

It is written the way such code is written, each part in its own style, and it is wrong on purpose. Names and shapes
follow the course: a block is made as block(C, C1, S) and gives 4·C1 channels.
"""

from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional as F

from ...blocks import Projection, conv

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
            self.shortcut = nn.Sequential(nn.Conv2d(C, 4 * C1, 1, stride=S, bias=False), nn.BatchNorm2d(4 * C1))

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
                nn.Conv2d(inplanes, planes * 4, kernel_size=1, stride=stride, bias=False), nn.BatchNorm2d(planes * 4)
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
        self.shortcut = nn.Identity() if same else nn.Sequential(nn.Conv2d(C, 4 * C1, 1, S), nn.BatchNorm2d(4 * C1))

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


def prepare(pictures):
    return pictures.to(torch.float32).div(255)


# ── Steps of training ────────────────────────────────────────────────────────────────────────────────────────


def train_step(network, optimizer, pictures, labels):
    network.train()
    loss = F.cross_entropy(network(pictures), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


def train_and_watch(network, optimizer, pictures, labels):
    network.eval()
    with torch.no_grad():
        network.accuracy = (network(pictures).argmax(1) == labels).float().mean().item()
    optimizer.zero_grad()
    loss = F.cross_entropy(network(pictures), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


def train_augmented(network, optimizer, pictures, labels):
    network.train()
    turns = torch.randint(4, (len(pictures),)).tolist()
    pictures = torch.stack([x.rot90(n, (1, 2)) for x, n in zip(pictures, turns, strict=True)])
    loss = F.cross_entropy(network(pictures), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()
