"""One block as a design, C, W, C1 and S, legal or not, and the module that belongs to it."""

import math
from dataclasses import dataclass
from functools import cache

import torch
from torch import nn

from .._common import shapes_only, unfilled
from ..anatomy import anatomy
from ..blocks import BTNK1, Bottleneck
from ..network import resnet50


@dataclass(frozen=True)
class BlockDesign:
    """BTNK1 or BTNK2 with its numbers, W among them. Unlike the modules it may be illegal: a BTNK2 whose F does
    not return x's shape can be described, and `anatomy()` then says which shapes disagree."""

    block: str
    C: int
    W: int
    C1: int
    S: int = 1
    stride_on: str = "3x3"

    def module(self, C_out=None):
        """Return the block, with weights as published if not built under `shapes_only`, and 4·C1 channels out unless
        given. The sum of an illegal one raises ValueError when it runs."""
        if self.block == "BTNK1":
            return BTNK1(self.C, self.C1, self.S, stride_on=self.stride_on, C_out=C_out)
        C_out = C_out or 4 * self.C1
        return Bottleneck(self.C, self.C1, C_out, self.S, nn.Identity(), stride_on=self.stride_on)

    def anatomy(self):
        """Return its steps and costs, without weights. ShapeMismatch where F(x) and x cannot be added."""
        with unfilled():
            module = self.module()
        return anatomy(module, (self.C, self.W, self.W))

    def seeded_module(self, first=0, count=None):
        """Return the block with weights cut out of one fixed random tensor for each convolution: neighbouring designs
        share their weights, so that one channel more changes the maps a little and does not replace them all.

        Of the block's output it computes `count` channels from `first` on, all unless given: output channels do not
        depend on each other, so those are the same, and the rest costs nothing."""
        C_out = 4 * self.C1
        count = C_out - first if count is None else min(count, C_out - first)
        with unfilled():
            module = self.module(count)
        if self.block == "BTNK2":
            module.shortcut = Channels(first, count)
        with torch.no_grad():
            for name, m in module.named_modules():
                if isinstance(m, nn.Conv2d):
                    last = name in ("conv3", "shortcut.conv")
                    start, width = (first, C_out) if last else (0, m.out_channels)
                    bank = _bank(name, start + m.out_channels, m.in_channels, m.kernel_size[0])[start:]
                    # He's deviation for the width at hand, as blocks.conv draws it.
                    m.weight = nn.Parameter(bank * math.sqrt(2 / (m.kernel_size[0] ** 2 * width)))
                elif isinstance(m, nn.BatchNorm2d):
                    m.reset_parameters()
        return module


class Channels(nn.Module):
    """The identity shortcut of a block of which only some channels are computed."""

    def __init__(self, first, count):
        super().__init__()
        self.channels = slice(first, first + count)

    def forward(self, x):
        return x[:, self.channels]


_drawn = {}  # name of a convolution → its random tensor, as large as it was ever needed


def _bank(name, C_out, C_in, k):
    """Return the first C_out × C_in kernels of a fixed random tensor of that name."""
    have = _drawn.get((name, k))
    if have is None or have.shape[0] < C_out or have.shape[1] < C_in:
        rows, columns = (0, 0) if have is None else have.shape[:2]
        _drawn[name, k] = have = _draw(name, max(rows, C_out), max(columns, C_in), k)
    return have[:C_out, :C_in]


def _draw(name, C_out, C_in, k):
    # In squares of 64 × 64 kernels, each with a seed of its own: a larger tensor begins as the smaller one does.
    squares = []
    for i in range(0, C_out, 64):
        row = []
        for j in range(0, C_in, 64):
            generator = torch.Generator().manual_seed(sum(name.encode()) * 10_000 + i // 64 * 100 + j // 64)
            row.append(torch.randn(64, 64, k, k, generator=generator))
        squares.append(torch.cat(row, 1))
    # Convolutions on the processor are quicker with channels last.
    return torch.cat(squares).contiguous(memory_format=torch.channels_last)


@cache
def positions():
    """Return the blocks of ResNet-50 at 224 with their inputs: a dictionary "Stage 2, block 1" → BlockDesign."""
    with shapes_only():
        network = resnet50()
    W, found = anatomy(network.stage0, 224).output[-1], {}
    for stage in range(1, 5):
        blocks = getattr(network, f"stage{stage}")
        for i, b in enumerate(blocks):
            kind = "BTNK1" if isinstance(b, BTNK1) else "BTNK2"
            found[f"Stage {stage}, block {i + 1}"] = BlockDesign(kind, b.C, W, b.C1, b.S)
            W = anatomy(b, W).output[-1]
    return found
