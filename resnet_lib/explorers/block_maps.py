"""The maps of one bottleneck block for a picture: its input, its steps, and what one value is made of."""

from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import nn

from ..activations import calls, step_names
from ..anatomy import Anatomy, ShapeMismatch
from ..photos import block_input
from .one_value import explained
from .own_block import Traced, filled, make, trace

# The steps before F's last convolution; from there on only the channels looked at are computed.
INSIDE = ("conv1", "bn1", "relu1", "conv2", "bn2", "relu2")

# Above so many MACs in F's first two convolutions (of the others only some channels are computed) the maps are
# computed on a central window of the input, so that a drag stays live. Every block of ResNet-50 is below.
BUDGET = 250e6


@dataclass(eq=False)
class Look:
    """What can be known of a block without running it: its `Step`s, and the two shapes that disagree (F's, the
    shortcut's) or None. last: names of F(x)'s step, the shortcut's, the sum's and y's, None where there is none."""

    anatomy: Anatomy
    clash: tuple | None
    last: tuple


def look_at(design):
    """Return the `Look` of a design. ValueError for a block of the learner's own that can't be made or run."""
    if not isinstance(design.block, str):
        size = (design.C, design.W, design.W)
        steps, traced = trace(design.block, design.C, design.W, design.C1, design.S)
        f = next((s.name for s in reversed(steps) if s.path == "main"), None)
        side = next((s.name for s in reversed(steps) if s.path == "shortcut"), "shortcut")
        after = [s.name for s in steps if s.path == "sum"]
        last = (f, side, after[0] if len(after) > 1 else None, after[-1] if after else None)
        return Look(Anatomy(design.block.__name__, size, tuple(steps)), traced.clash, last)
    return _looked(design)


@lru_cache(maxsize=512)  # a drag goes to and fro
def _looked(design):
    side = "shortcut.bn" if design.block == "BTNK1" else "shortcut"
    try:
        return Look(design.anatomy(), None, ("bn3", side, "add", "relu3"))
    except ShapeMismatch as mismatch:
        clash, size = (mismatch.main, mismatch.shortcut), (design.C, design.W, design.W)
        return Look(Anatomy(design.block, size, mismatch.steps), clash, ("bn3", side, None, None))


@dataclass(eq=False)
class Run:
    """A block that has run. kept: name → tensor (1, n, H, W), with the numbers of its channels in `channels`. steps:
    name → (module, inputs) for those whose arithmetic can be shown. x: the input; corner: where it was cut out."""

    kept: dict
    channels: dict
    steps: dict
    x: torch.Tensor
    how: str
    window: int | None
    batch_statistics: bool

    def input_of(self, name):
        """Return the steps' modules with statistics of their own, as evaluation mode needs them, and their inputs."""
        module, inputs = self.steps[name]
        if isinstance(module, nn.BatchNorm2d) and self.batch_statistics:
            x = inputs[0]
            copy = nn.BatchNorm2d(x.shape[1], eps=module.eps).eval()
            copy.running_mean.copy_(x.mean((0, 2, 3)))
            copy.running_var.copy_(x.var((0, 2, 3), unbiased=False))
            with torch.no_grad():
                copy.weight.copy_(module.weight)
                copy.bias.copy_(module.bias)
            return copy, inputs
        return module, inputs

    def explained(self, name, channel, row, column):
        """Return what one value is made of, for the enlarged map; of a BN's, also what its convolution did."""
        module, inputs = self.input_of(name)
        said, buffers = explained(name, module, inputs, self.kept[name], channel, row, column)
        before = next((n for n in self.steps if isinstance(module, nn.BatchNorm2d) and self.kept[n] is inputs[0]), None)
        if before is not None:
            given = (before, *self.steps[before], self.kept[before])
            line = f'{said["html"]}<p class="quiet">and the value that BN was given, from {before}:</p>'
            said, buffers = explained(*given, channel, row, column, said_of=line)
        return said, buffers


class BlockMaps:
    """Runs blocks, and keeps the last input and the last run until something changes that they depend on."""

    def __init__(self):
        self._input, self._run = (None, None), (None, None)

    def input(self, design, picture, place=None, window=None):
        """Return the block's input and how it was made."""
        key = (id(picture) if not isinstance(picture, str) else picture, design.C, design.W, place, window)
        if self._input[0] != key:
            if place is None:
                x, how = block_input(picture, design.C, design.W, window)
            else:
                x, how = place.input(picture, design.W), "what the trained network gives this block for the picture"
            self._input = (key, (x.contiguous(memory_format=torch.channels_last), how))
        return self._input[1]

    def run(self, design, look, picture, place, first, count):
        """Return the `Run` of a design: of its last steps `count` channels from `first` on, all if None; with the
        weights of a `Place`, if there is one."""
        where = id(picture) if not isinstance(picture, str) else picture
        key = (design, where, place, first, count)
        if self._run[0] != key:
            self._run = (key, self._compute(design, look, picture, place, first, count))
        return self._run[1]

    def _compute(self, design, look, picture, place, first, count):
        convolutions = [s.macs for s in look.anatomy.steps if s.macs]
        macs, window = sum(convolutions[:2]), None
        if macs > BUDGET and place is None:
            window = max(8, int((BUDGET / macs) ** 0.5 * design.W))
        x, how = self.input(design, picture, place, window)
        if not isinstance(design.block, str):
            module = filled(make(design.block, design.C, design.C1, design.S)).train()
            traced = Traced(module, x)
            kept = {"x": x} | traced.kept()
            steps = {name: (m, inputs) for name, (m, inputs, _) in traced.calls.items()}
            return Run(kept, _numbers(kept, None), steps, x, how, window, True)
        if place is not None:
            module, channels = place.trained(design.stride_on), None
        else:
            # Training mode: an untrained block has no statistics of its own, BN takes this picture's.
            module, channels = design.seeded_module(first, count).train(), (first, count)
        if look.clash:
            f = list(module.named_children())[:8]
            module = nn.Sequential(OrderedDict(f))
        made = calls(module, x, step_names(module))
        kept = {"x": x} | {name: call.output for name, call in made.items()}
        if look.clash:
            kept["shortcut"] = x[:, first : None if count is None else first + count]
        steps = {name: (module.get_submodule(name), call.inputs) for name, call in made.items()}
        return Run(kept, _numbers(kept, channels), steps, x, how, window, place is None)


def _numbers(kept, channels):
    """Return the number of the first channel of each step."""
    first = channels[0] if channels else 0
    return {name: 0 if name == "x" or name in INSIDE else first for name in kept}


def strongest(maps):
    """Return the channels of (1, C, H, W) by their mean magnitude, the strongest first."""
    return maps[0].abs().mean((1, 2)).argsort(descending=True, stable=True).tolist()
