"""Twins: the same network with the sum in every block and without it. Paper, section 4.1, "Plain Networks".

Both twins have the same layers and the same parameters, and begin with the same weights to the last bit; the only
difference is whether the shortcut is added.
"""

import copy

from torch import nn
from torch.nn import functional as F

from .blocks import BasicBlock, Bottleneck
from .network import ResNet


class Padded(nn.Module):
    """A shortcut without parameters where x and F(x) differ in shape: of x every S-th row and column, and zeros for the
    channels that it lacks. (C, W, W) → (C_out, W/S, W/S). Paper, section 3.3, option A of the shortcuts."""

    def __init__(self, C_out, S):
        super().__init__()
        self.C_out, self.S = C_out, S

    def forward(self, x):
        return F.pad(x[..., :: self.S, :: self.S], (0, 0, 0, 0, 0, self.C_out - x.shape[1]))

    def extra_repr(self):
        return f"C_out={self.C_out}, S={self.S}"


class NoSum(nn.Module):
    """What stands in the place of the sum in a plain block: F(x) goes on alone."""

    def forward(self, f, _shortcut):
        return f


def blocks(network):
    """The residual blocks of a network, name → block, from the first to the last."""
    return {n: m for n, m in network.named_modules() if isinstance(m, Bottleneck | BasicBlock)}


def twins(**options):
    """A plain and a residual network of the same design, (plain, residual).

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
        block.shortcut, block.add = nn.Identity(), NoSum()
    return plain, residual
