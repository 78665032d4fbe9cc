"""The quick examinations without trained weights: shapes and counts, statistics. Each compares with healthy networks
and computes what it says; none knows the patient's diagnosis.
"""

from collections import Counter
from dataclasses import dataclass
from functools import cache

import torch
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from ..._common import one_thread, say, shape_text, unfilled
from ...activations import Call, recording
from ..kinds import found, several
from .healthy import FULL, HEALTHY, assemble, limited, pictures, prepare, said

# ── Shapes and counts ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Shapes:
    """What the design says, made as the full ResNet-50 on one picture of 224 × 224. Nothing is computed for it.

    rows:       (part, healthy shape, the patient's or None) for Stages 0 to 4 and the head.
    parameters: (healthy, the patient's); None for the patient where its code stops.
    macs:       the same, multiply-accumulates of convolutions and linear layers.
    error:      what the code raised, or None.
    """

    rows: tuple
    parameters: tuple
    macs: tuple
    error: str | None

    @property
    def first(self):
        """The first part whose shape differs, or None."""
        return next((name for name, healthy, mine in self.rows if healthy != mine), None)

    @property
    def sick(self):
        return bool(self.first) or self.parameters[0] != self.parameters[1] or self.macs[0] != self.macs[1]

    @property
    def finding(self):
        """All that there is to say, also of what is healthy."""
        shapes = found("shapes healthy")
        if self.error:
            shapes = found("design stops", self.first, error=self.error)
        elif self.first:
            _, healthy, mine = next(row for row in self.rows if row[0] == self.first)
            shapes = found("shapes", self.first, mine=shape_text(mine), healthy=shape_text(healthy))
        counts = (("Parameters", self.parameters), ("MACs", self.macs))
        return several(shapes, *(found("count", n, mine=b, healthy=a) for n, (a, b) in counts if b is not None))

    @property
    def text(self):
        return say(self.finding)


PARTS = ("stage0", "stage1", "stage2", "stage3", "stage4", "head")


@one_thread()
def shapes(parts):
    """Shapes, parameters and MACs of a ResNet-50 with these parts, as `Shapes`."""
    healthy, mine = _design(None), _design(parts)
    rows = tuple((name, healthy[0].get(name), mine[0].get(name)) for name in PARTS)
    return Shapes(rows, *((healthy[i], mine[i]) for i in (1, 2)), mine[3])


def _design(parts):
    own = {name: part for name, part in (parts or {}).items() if name in MADE and part is not HEALTHY[name]}
    return _measure(own) if own else _healthy_design()


MADE = ("stem", "block", "stages", "head", "initialise")  # what has a say in how the network is made


class _Shapes(TorchFunctionMode):
    """BN without numbers gives the shape that it is given; torch takes most of the time to find that out."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is F.batch_norm and args[0].dim() == 4:
            if {t.shape for t in args[1:5] if isinstance(t, torch.Tensor)} == {args[0].shape[1:2]}:
                return torch.empty_like(args[0])
        return func(*args, **(kwargs or {}))


@cache
def _healthy_design():
    return _measure({})


def _measure(parts):
    """(part → shape, parameters, MACs, what was raised) of the full network; None for counts that there are not."""
    found, macs = {}, []

    def note(call):
        found[call.name] = tuple(call.output.shape[1:])
        if call.name in layers:
            # Every value of the output takes as many multiplications as a kernel has weights.
            macs.append(layers[call.name].weight[0].numel() * call.output.numel())

    try:
        with torch.device("meta"), torch.no_grad():  # shapes alone: no number is drawn or computed
            network = assemble(parts, **FULL)
            layers = {name: m for name, m in network.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)}
            steps = {name: getattr(network, name) for name in PARTS} | layers
            with limited(parts), recording(steps, note=note), _Shapes():
                network.eval()(torch.empty(1, 3, 224, 224))
    except Exception as error:
        return found, None, None, said(_as_computed(parts) or error)
    return found, sum(p.numel() for p in network.parameters()), sum(macs), None


def _as_computed(parts):
    """What the same network raises where it computes with numbers: that is what a learner would have read."""
    try:
        with limited(parts), unfilled(), torch.no_grad():
            network = assemble(parts, **FULL)
            network.eval()(torch.zeros(1, 3, 224, 224))
    except Exception as error:
        return error
    return None


# ── Statistics ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Reading:
    """One number about what a step gives out, beside the range in which it lies in healthy networks."""

    step: str
    what: str
    value: float
    low: float
    high: float

    @property
    def odd(self):
        """Whether it lies outside the range by more than three times the range's width. Five networks do not show all
        of what luck can do, and where they agree to the last digit, a twentieth of the value is allowed."""
        room = 3 * (self.high - self.low) + 0.05 * max(abs(self.low), abs(self.high)) + 0.01
        return not self.low - room <= self.value <= self.high + room


@dataclass(frozen=True)
class Statistics:
    """Statistics of what goes into the network and of what its steps give out, for a batch of photographs, in training
    mode, before any training.

    readings: `Reading`s of "input" and of all steps that the healthy networks have too, in the order of running.
    rewritten: steps whose output had changed by the end of the run: something wrote over it.
    error:    what the code raised, or None.
    """

    readings: tuple
    rewritten: tuple
    error: str | None

    @property
    def odd(self):
        return tuple(r for r in self.readings if r.odd)

    @property
    def sick(self):
        return bool(self.error or self.odd or self.rewritten)

    @property
    def finding(self):
        """All that there is to say, also of what is healthy."""
        n, odd = len(self.readings), None
        if self.odd:
            r = self.odd[0]
            values = {"what": r.what, "value": r.value, "low": r.low, "high": r.high}
            odd = found("readings out of range", r.step, odd=len(self.odd), n=n, **values)
        elif not self.error:
            odd = found("readings healthy", n=n)
        return several(
            self.error and found("code stops", error=self.error),
            odd,
            found("rewritten", self.rewritten[0], n=len(self.rewritten)) if self.rewritten else None,
        )

    @property
    def text(self):
        return say(self.finding)


SEEDS = range(5)  # healthy networks that give the range
WHAT = ("mean", "deviation", "share below zero", "share of zeros")


@one_thread()
def statistics(parts, healthy=None):
    """Statistics of every step, beside those of five healthy networks, as `Statistics`.

    healthy: parts that the healthy networks shall have as well, such as another way to initialise.
    """
    runs = _healthy_runs(tuple(sorted((healthy or {}).items())))
    mine, rewritten, error = _observe(parts)
    readings = []
    for step, values in mine.items():
        others = [run[step] for run in runs if step in run]
        for i, (what, value) in enumerate(zip(WHAT, values, strict=True)):
            if others:
                column = [other[i] for other in others]
                readings.append(Reading(step, what, value, min(column), max(column)))
    return Statistics(tuple(readings), tuple(rewritten), error)


@cache
def _healthy_runs(parts):
    return [_observe(dict(parts), seed)[0] for seed in SEEDS]


def _observe(parts, seed=0):
    """(step → its numbers, steps that were written over, what was raised). Outputs are held as usual hooks hold
    them, by reference, and looked at twice: at once and when all is done."""
    seen, error = [], None

    def keep(call):
        seen.append((call.name, call.output, call.output.clone()))

    try:
        with limited(parts):
            x = parts.get("prepare", prepare)(pictures().clone())
        keep(Call("input", output=x))
        network = assemble(parts, seed)
        # How large a convolution's output is depends on how its weights were drawn; the BN after it undoes that.
        steps = {name: m for name, m in network.named_modules() if name and not isinstance(m, nn.Conv2d)}
        with limited(parts), recording(steps, note=keep), torch.no_grad():
            network.train()(x)
    except Exception as caught:
        error = said(caught)
    runs = Counter(name for name, _, _ in seen)
    once = [(name, later, then) for name, later, then in seen if runs[name] == 1]
    rewritten = [name for name, later, then in once if not torch.equal(later, then)]
    return {name: _numbers(then) for name, _, then in once}, rewritten, error


def _numbers(t):
    return t.mean().item(), t.std().item(), (t < 0).float().mean().item(), (t == 0).float().mean().item()
