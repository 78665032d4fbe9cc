"""Networks that treat the shortcut otherwise than a ResNet: plain ones leave it out (paper, section 4.1), others
concatenate it instead of adding it.

Twins, a plain and a residual network, have the same layers and the same parameters, and begin with the same weights to
the last bit; the only difference is whether the shortcut is added.
"""

import copy

import torch
from torch import nn
from torch.nn import functional as F

from .._common import seeded
from ..blocks import BasicBlock, Bottleneck
from ..network import DESIGNS, ResNet


class Padded(nn.Module):
    """A shortcut without parameters where x and F(x) differ in shape: of x every S-th row and column, and zeros for the
    channels that it lacks. (C, W, W) → (C_out, W/S, W/S). Paper, section 3.3, option A of the shortcuts."""

    anatomy_kind = "PAD"

    def __init__(self, C_out, S):
        super().__init__()
        self.C_out, self.S = C_out, S

    def forward(self, x):
        return F.pad(x[..., :: self.S, :: self.S], (0, 0, 0, 0, 0, self.C_out - x.shape[1]))

    def extra_repr(self):
        return f"C_out={self.C_out}, S={self.S}"


class NoSum(nn.Module):
    """What a plain block has in the place of the sum: F(x) goes on alone."""

    anatomy_kind = "NO SUM"

    def forward(self, f, _shortcut):
        return f


def blocks(network):
    """Return the residual blocks of a network, name → block, from the first to the last."""
    return {n: m for n, m in network.named_modules() if isinstance(m, Bottleneck | BasicBlock)}


def twins(**options):
    """Return a plain and a residual network of the same design, (plain, residual).

    options: as `network.ResNet`'s. Where that has a projection, the residual twin has the parameter-free shortcut
             `Padded`, or it would have weights that the plain one lacks.
    Raises ValueError as `ResNet`.
    """
    residual = ResNet(**options)
    for block in blocks(residual).values():
        if not isinstance(block.shortcut, nn.Identity):
            block.shortcut = Padded(block.C_out, block.S)
    plain = copy.deepcopy(residual)
    for block in blocks(plain).values():
        block.shortcut, block.add = nn.Sequential(), NoSum()  # an empty one: no step, nothing to look at
    return plain, residual


class Concat(nn.Module):
    """F(x) behind the channels of the shortcut, in the place of the sum. (C_f, W, W), (C_s, W, W) → (C_s + C_f, W, W).
    Huang et al., "Densely Connected Convolutional Networks", arXiv 1608.06993, section 3."""

    anatomy_kind = "CONCAT"

    def forward(self, f, s):
        return torch.cat([s, f], 1)


def concatenated(**options):
    """Return a ResNet of bottlenecks whose blocks pass on x and F(x) side by side, not their sum.

    Every stage ends with as many channels as the ResNet's, so F has far fewer channels to compute: C grows from block
    to block. What x contributes where a stage halves W is every S-th row and column.
    options: as `network.ResNet`'s, without basic blocks. Raises ValueError as `ResNet`, and where a stage has more
    blocks than channels to add.
    """
    network = ResNet(**options)
    C = network.stage0.conv.out_channels
    for stage in (network.stage1, network.stage2, network.stage3, network.stage4):
        end, n = stage[-1].C_out, len(stage)
        if end - C < n:
            raise ValueError(f"{n} blocks cannot add {end - C} channels: use fewer blocks, or a larger base")
        for i, b in enumerate(stage):
            grown = C + (end - C) // (n - i)  # the remainder goes to the later blocks
            first = b.conv2
            shortcut = nn.Identity() if b.S == 1 else Padded(C, b.S)
            options = {"groups": first.groups, "dilation": first.dilation[0], "norm_layer": type(b.bn1)}
            block = Bottleneck(C, b.C1, grown - C, b.S, shortcut, **options)
            block.add, block.C_out = Concat(), grown
            stage[i], C = block, grown
    return network


# ── Pairs to compare ─────────────────────────────────────────────────────────────────────────────────────────

# How many layers have weights → bottlenecks in Stages 1–4. 50 and more as published.
DEPTHS = {14: (1, 1, 1, 1), 26: (2, 2, 2, 2)} | {
    int(name.removeprefix("resnet")): DESIGNS[name].blocks for name in ("resnet50", "resnet101", "resnet152")
}
BASE = 16  # a quarter of the published channels, so that a laptop can train them


def plain_and_residual(depth, *, num_classes, seed=0):
    plain, residual = seeded(seed, twins, blocks=DEPTHS[depth], base=BASE, num_classes=num_classes)
    return {f"plain, {depth} layers": plain, f"residual, {depth} layers": residual}


def zero_or_not(depth, *, num_classes, seed=0):
    options = {"blocks": DEPTHS[depth], "base": BASE, "num_classes": num_classes}
    return {
        f"last BN starts at one, {depth} layers": seeded(seed, twins, **options)[1],
        f"last BN starts at zero, {depth} layers": seeded(seed, twins, zero_init_residual=True, **options)[1],
    }


def basic_and_bottleneck(depth, *, num_classes, seed=0):
    options = {"blocks": DEPTHS[depth], "base": BASE, "num_classes": num_classes}
    basic = 2 * sum(DEPTHS[depth]) + 2
    return {
        f"basic blocks, {basic} layers": seeded(seed, ResNet, block="basic", **options),
        f"bottlenecks, {depth} layers": seeded(seed, ResNet, **options),
    }


def sum_and_concatenation(depth, *, num_classes, seed=0):
    options = {"blocks": DEPTHS[depth], "base": BASE, "num_classes": num_classes}
    return {
        f"concatenation, {depth} layers": seeded(seed, concatenated, **options),
        f"sum, {depth} layers": seeded(seed, twins, **options)[1],
    }


# Each called with a depth from DEPTHS, num_classes and a seed; returns name → network.
PAIRS = {
    "plain | residual": plain_and_residual,
    "last BN starts at one | at zero": zero_or_not,
    "basic block | bottleneck": basic_and_bottleneck,
    "concatenation | sum": sum_and_concatenation,
}
