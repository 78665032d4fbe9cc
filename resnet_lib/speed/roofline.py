"""Where the parts of a network stand against the limits of the machine: the roofline.

Williams, Waterman, Patterson, "Roofline: an insightful visual performance model for multicore architectures"
(Communications of the ACM, 2009). A part of a network has to do its FLOPs (2 × MACs) and has to move its bytes. The
quotient, FLOPs a byte, is its arithmetic intensity, and says which of the two takes longer on a given machine.
"""

import copy
from dataclasses import dataclass

import torch
from torch import nn

from .._common import check, evaluating
from ..activations import calls, step_names
from ..anatomy import anatomy
from ..blocks import Add
from .fast import fold, join
from .timing import Timing, timing_steps


@dataclass(frozen=True)
class Work:
    """What a part of a network has to do for one batch.

    name:  of the part, such as "stage2".
    flops: 2 × MACs.
    bytes: that its steps read and write at least: each its input, its weights and its output, once.
    """

    name: str
    flops: int
    bytes: int

    @property
    def intensity(self):
        """FLOPs a byte."""
        return self.flops / self.bytes


@dataclass(frozen=True)
class Standing:
    """A part of a network on a machine: its `work`, and the `timing` of it there."""

    work: Work
    timing: Timing

    @property
    def rate(self):
        """FLOPs a second reached."""
        return self.work.flops / self.timing.median

    def limit(self, machine):
        """ "memory" or "arithmetic": the part of the roof above it."""
        return "memory" if self.work.intensity < machine.ridge else "arithmetic"

    def share(self, machine):
        """Of what the roof allows at its intensity. Over 1 is possible: a cache is faster than the memory measured."""
        return self.rate / machine.roof(self.work.intensity)


def works(network, x, *, joined=False):
    """What each part of a network (stage0 … head) has to do for the batch `x`.

    network: of this library, or your own with steps as modules. One picture of the batch is run through it.
    x:       (batch, C, H, W).
    joined:  whether BN, ReLU and sum are done with the convolution before them: then they move nothing of their own,
             but the sum still reads the shortcut.
    Returns a list of Work, in order. Raises ValueError for an input that is none, TypeError for a kind of layer whose
    MACs are not known here.
    """
    _check_batch(x)
    macs = {s.name: s.macs for s in anatomy(network, tuple(x.shape[1:])).by_stage()}
    moved = dict.fromkeys(macs, 0)
    modules = dict(network.named_modules())
    leaves = [n for n in step_names(network) if next(modules[n].children(), None) is None]
    with evaluating(network):
        found = calls(network, x[:1], leaves, strict=False)
    for name, call in found.items():
        module, part = modules[name], name.split(".")[0]
        if part in moved:
            moved[part] += _moved(module, call, len(x), joined)
    return [Work(name, 2 * macs[name] * len(x), moved[name]) for name in macs]


def _moved(module, call, batch, joined):
    """Bytes that a step moves for so many pictures; `call` is of one."""
    size = call.output.element_size()
    if isinstance(module, nn.Identity | nn.Flatten | nn.Dropout):
        return 0
    if joined and isinstance(module, nn.BatchNorm2d | nn.ReLU):
        return 0
    if joined and isinstance(module, Add):
        return batch * call.output.numel() * size  # the other summand
    numbers = sum(t.numel() for t in call.inputs) + call.output.numel()
    weights = sum(t.numel() for t in [*module.parameters(), *module.buffers()])
    return (batch * numbers + weights) * size


def standings(network, x, *, joined=False, repeats=7, progress=None):
    """Time each part of a network on what the parts before it give, and set it against its work.

    network, x, joined: as for `works`; joined times the parts with BN folded, channels last, and sum and ReLU joined,
             which needs oneDNN.
    repeats: timed runs of each part, in turns.
    progress: called as progress(done, total) after every run.
    Returns a list of Standing. Raises ValueError and TypeError as `works`.
    """
    for so_far, done, total in standing_steps(network, x, joined=joined, repeats=repeats):
        found = so_far
        if progress:
            progress(done, total)
    return found


def standing_steps(network, x, *, joined=False, repeats=7):
    """As `standings`, run by run: a generator of (standings so far, done, total)."""
    check(repeats=repeats)
    due = works(network, x, joined=joined)
    return _stand(network, x, due, joined, repeats)


def _stand(network, x, due, joined, repeats):
    parts = {}
    with evaluating(network):
        given = calls(network, x, [work.name for work in due])
    for name, call in given.items():
        # A copy, for it must stay in evaluation mode whatever is done with the network between the runs.
        part, h = copy.deepcopy(network.get_submodule(name)).eval(), call.inputs[0]
        if joined:
            h = h.contiguous(memory_format=torch.channels_last)
            part = join(fold(part).to(memory_format=torch.channels_last), h)
        parts[name] = lambda part=part, h=h: _output(part, h)
    for found, done, total in timing_steps(parts, repeats):
        yield [Standing(work, found[work.name]) for work in due if work.name in found], done, total


def _output(part, h):
    with torch.inference_mode():
        part(h)


def _check_batch(x):
    if not isinstance(x, torch.Tensor) or x.dim() != 4 or not len(x):
        got = f"shape {tuple(x.shape)}" if isinstance(x, torch.Tensor) else type(x).__name__
        raise ValueError(f"a batch of pictures is wanted, (batch, C, H, W), and this is {got}")
