"""Run two networks, and hold what every step of them returns side by side: the rungs of the ladder."""

from collections import Counter, defaultdict
from copy import deepcopy
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

import torch
from torch import nn

from .._common import gap
from ..activations import recording
from .by_name import match, placing, rank, shape_of, shared_groups, whole
from .endless import within
from .pairing import by_order


@dataclass(frozen=True)
class Rung:
    """One step that both networks have.

    shape, learner: what it gives out in the reference and in the learner's network, without the batch, (C, H, W) or
             (C,); learner is None where the learner's network did not get there.
    difference: the largest absolute difference; infinite where the shapes differ.
    relative: the same, divided by the largest absolute value of the reference.
    ok:      whether `relative` is within the tolerance.
    """

    name: str
    shape: tuple
    learner: tuple | None
    difference: float
    relative: float
    ok: bool

    @property
    def inner(self):
        """Whether it is a step inside Stage 0, a block or the head, and not a whole one."""
        return not whole(self.name)

    @property
    def verdict(self):
        if self.ok:
            return "equal" if self.difference == 0 else "equal within the tolerance"
        if self.learner is None:
            return "NOT REACHED"
        return "OTHER SHAPE" if self.shape != self.learner else "DIFFERENT"

    def cells(self):
        """The row of a table: name, both shapes, both differences and the verdict, as texts."""
        numbers = ("–" if n == inf else f"{n:.3g}" for n in (self.difference, self.relative))
        return (self.name, shape_of(self.shape), shape_of(self.learner) or "–", *numbers, self.verdict)


def check_network(model, who):
    if not isinstance(model, nn.Module):
        raise ValueError(f"{who} must be an nn.Module, and is {type(model).__name__}: did you pass the class itself?")
    if any(t.is_meta for t in model.state_dict().values()):
        raise ValueError(f"{who} lives on the meta device and has shapes but no numbers: build it without it")


def twin(model, who):
    """A copy in eval()."""
    check_network(model, who)
    try:
        return deepcopy(model).eval()
    except Exception as error:  # a learner's own attributes can hold anything
        raise ValueError(
            f"{who} cannot be copied ({error}). Does it keep the result of a run in an attribute? Keep .detach() of it"
        ) from None


def untrained(model):
    means = [m.running_mean for m in model.modules() if getattr(m, "running_mean", None) is not None]
    return bool(means) and not any(mean.any() for mean in means)


def draw_norms(model):
    """Values for every BN as a trained one might have. Some variances are small, so that eps shows; weight/√var stays
    below one, so that activations stay finite through many blocks."""
    draw = torch.Generator().manual_seed(0)
    for m in model.modules():
        if getattr(m, "running_mean", None) is not None:
            scale, shift, mean, var = (torch.rand(m.num_features, generator=draw) for _ in range(4))
            var = 0.01 * 200**var  # 0.01 … 2
            m.running_var.copy_(var)
            m.running_mean.copy_(0.4 * mean - 0.2)
            if m.affine:
                m.weight.copy_((0.3 + 0.6 * scale) * var.sqrt())
                m.bias.copy_(0.4 * shift - 0.2)


MODED = (nn.modules.batchnorm._NormBase, nn.modules.dropout._DropoutNd)


class Run(NamedTuple):
    taps: dict  # name → what the step gave out, in the order of running
    given: dict  # name → what went into it, for modules made of several
    odd: dict  # name → how often it was called, where that is not once
    out: object
    error: Exception | None


def run(model, place, wanted, x):
    """Run the network and copy what every named step gives at the moment it gives it: later steps may overwrite it."""
    names = defaultdict(list)
    for name, m in model.named_modules(remove_duplicate=False):
        if name and (wanted is None or place(name) in wanted):
            names[m].append(place(name))
    parents = [m for m in names if next(m.children(), None) is not None]
    out, error = None, None
    like = next(model.parameters(), x)
    with recording({m: m for m in names}, inputs=parents, copy=True) as record:
        try:
            with within():
                out = model(x.to(like, copy=True) if isinstance(x, torch.Tensor) else x)  # it may overwrite its input
        except Exception as caught:  # whatever a learner's code raises is a finding
            error = caught
    times = Counter(call.name for call in record.calls)
    # A ReLU called three times under one name has no output that its name could mean.
    odd = {m for m, ats in names.items() if times[m] > len(ats) or not error and times[m] < len(ats)}
    left, taps, given = {m: iter(ats) for m, ats in names.items()}, {}, {}
    for call in (*record.calls, *record.unfinished):
        if at := next(left[call.name], None):
            if call.inputs and isinstance(call.inputs[0], torch.Tensor):
                given[at] = call.inputs[0]
            if isinstance(call.output, torch.Tensor) and call.name not in odd and at != "head":
                taps[at] = call.output
    entry = given.get("stage1", given.get("stage1.0"))
    if "stage0" not in taps and entry is not None:
        taps = {name: t for name, t in taps.items() if name.startswith("stage0.")} | {"stage0": entry} | taps
    if isinstance(out, torch.Tensor):
        taps["logits"] = out
    return Run(taps, given, {} if error else {at: times[m] for m in names if m in odd for at in names[m]}, out, error)


def check_reference(run, x):
    if run.error:
        what = f"of shape {tuple(x.shape)}" if isinstance(x, torch.Tensor) else f"of type {type(x).__name__}"
        raise ValueError(f"the reference does not run on x {what}: {run.error}") from None
    if "logits" not in run.taps:
        raise ValueError(f"the reference gives {type(run.out).__name__} and must give a tensor, the logits")
    for name, t in run.taps.items():
        if not torch.isfinite(t).all():
            raise ValueError(f"{name} of the reference holds values that are not finite: take another x or reference")


class Both:
    """A reference and a learner's network, copies in eval(), run on one input.

    place, my_place: functions from their own names to the library's.
    by_order: whether `my_place` comes from shapes and order, and not from the learner's names.
    rows:   Parameters of both. wrong: those that do not fit, in the order of the network.
    shared: groups of names that are one and the same entry in the learner's network.
    run, my_run: `Run`s. rungs: Rungs. first: the first that diverges, or None.
    """

    def __init__(self, theirs, mine, x, copy, tolerance):
        self.theirs, self.mine, self.x, self.copy, self.tolerance = theirs, mine, x, copy, tolerance
        self.place, self.by_order = placing(theirs, None), False

    def climb(self, names):
        """Name the learner's steps, copy the weights if asked to, run both and fill in the rungs. names: as
        `proof.ladder`'s; where it is None and names do not fit, layers are paired by shape and order."""
        ways = [placing(self.mine, names)]
        verdicts = {p.verdict for p in self._match(ways[0])[0]}
        self.run = run(self.theirs, self.place, None, self.x)
        check_reference(self.run, self.x)
        if names is None and verdicts >= {"missing", "extra"}:
            fit = by_order(self.theirs, self.mine, self.place, self.x)
            fit = [way for way in fit if all(p.verdict == "same" for p in self._match(way)[0])]
            ways, self.by_order = fit or ways, bool(fit)
        far = [self._climb(way) for way in ways]
        if far[-1] < max(far):
            self._climb(ways[far.index(max(far))])
        return self

    def _climb(self, my_place):
        """How many rungs are equal before the first that is not."""
        self.my_place = my_place
        self.rows, pairs = self._match(my_place)
        self.shared = shared_groups(pairs)
        if self.copy:
            for _, theirs, mine in pairs:
                mine.copy_(theirs)
        else:
            other = {name for name, a, b in pairs if not torch.equal(a, b.to(a))}
            self.rows = [p._replace(verdict="other values") if p.name in other else p for p in self.rows]
        self.wrong = sorted((p for p in self.rows if p.verdict != "same"), key=lambda p: rank(p.name))
        self.my_run = run(self.mine, my_place, {self.place(n) for n, _ in self.theirs.named_modules()}, self.x)
        self.rungs = rungs_of(self.run, self.my_run, self.tolerance)
        self.first = first_rung(self.rungs)
        return inf if self.first is None else self.rungs.index(self.first)

    def _match(self, my_place):
        return match(self.theirs.state_dict(), self.mine.state_dict(), self.place, my_place)


def rungs_of(a, b, tolerance):
    """The steps that both have; where the learner's run ended early, the first that it did not reach ends them."""
    rungs = [_rung(name, t, b.taps[name], tolerance) for name, t in a.taps.items() if name in b.taps]
    if "logits" not in b.taps:
        reached = max((i for i, name in enumerate(a.taps) if name in b.taps), default=-1)
        # The learner's network need not have every step as a module, but it must come to the next whole part.
        name = next(n for n in list(a.taps)[reached + 1 :] if whole(n))
        rungs.append(Rung(name, tuple(a.taps[name].shape[1:]), None, inf, inf, False))
    return rungs


def _rung(name, theirs, mine, tolerance):
    difference, relative = gap(mine, theirs)
    batch = mine.shape[:1] == theirs.shape[:1]
    shape, learner = (tuple(t.shape[1:] if batch else t.shape) for t in (theirs, mine))
    return Rung(name, shape, learner, difference, relative, relative <= tolerance)


def first_rung(rungs):
    """The first rung that diverges: of the first whole part that does, its first step. A step inside a part whose
    result is equal does not count."""
    since = 0
    for i, r in enumerate(rungs):
        if not r.inner:
            if not r.ok:
                return next(s for s in rungs[since:] if not s.ok)
            since = i + 1
    return None
