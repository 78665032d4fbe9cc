"""The three quick examinations: shapes and counts, statistics, the ladder of proof. Each compares with healthy networks
and computes what it says; none knows the patient's diagnosis.
"""

from collections import Counter
from dataclasses import dataclass
from functools import cache

import torch
from torch import nn

from ..._common import one_thread, say, shape_text
from ...activations import Call, recording
from ...network import unfilled
from ...weights import load as trained
from ..proof import copy_weights, ladder
from ..words import found, several
from .parts import FULL, WRONG, answer, assemble, pictures, prepare, said

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
    return _healthy_design() if parts is None else _measure(parts)


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
            with recording({name: getattr(network, name) for name in PARTS} | layers, note=note):
                network.eval()(torch.empty(1, 3, 224, 224))
    except WRONG as error:
        return found, None, None, said(_as_computed(parts) or error)
    return found, sum(p.numel() for p in network.parameters()), sum(macs), None


def _as_computed(parts):
    """What the same network raises where it computes with numbers: that is what a learner would have read."""
    try:
        with unfilled(), torch.no_grad():
            network = assemble(parts, **FULL)
            network.eval()(torch.zeros(1, 3, 224, 224))
    except WRONG as error:
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
        x = parts.get("prepare", prepare)(pictures().clone())
        keep(Call("input", output=x))
        network = assemble(parts, seed)
        # How large a convolution's output is depends on how its weights were drawn; the BN after it undoes that.
        steps = {name: m for name, m in network.named_modules() if name and not isinstance(m, nn.Conv2d)}
        with recording(steps, note=keep), torch.no_grad():
            network.train()(x)
    except WRONG as caught:
        error = said(caught)
    runs = Counter(name for name, _, _ in seen)
    once = [(name, later, then) for name, later, then in seen if runs[name] == 1]
    rewritten = [name for name, later, then in once if not torch.equal(later, then)]
    return {name: _numbers(then) for name, _, then in once}, rewritten, error


def _numbers(t):
    return t.mean().item(), t.std().item(), (t < 0).float().mean().item(), (t == 0).float().mean().item()


# ── The ladder of proof ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Proof:
    """The ladder of proof with trained weights, and the answers that the patient's own code gives to pictures that it
    has prepared itself.

    ladder:   a `proof.Ladder`, or None where the code could not be run.
    answer:   largest difference of its answers to 64 pictures from the healthy network's, relative to its largest.
    company:  the same between its answers to two pictures by themselves and to the same two among others.
    winners:  the share of the pictures for which both networks have the same winning class.
    arrives:  (healthy, the patient's): the deviation of what comes to the trained network's first BN, as a share of the
              deviation that this BN was trained with and keeps as its running variance.
              These four are None where the healthy weights do not fit the patient, or its code stops.
    error:    what the code raised, or a finding about its answers' shape, or None.
    `text` says where the two differ first, `cause` why: who wants to find that out alone reads only the first.
    """

    ladder: object
    answer: float | None = None
    company: float | None = None
    winners: float | None = None
    arrives: tuple | None = None
    error: object = None

    @property
    def sick(self):
        return bool(self.error) or not self.ladder.equal or max(self.answer or 0, self.company or 0) > TOLERANCE

    @property
    def why(self):
        """The finding behind `cause`, or None."""
        if self.ladder and self.ladder.equal and self.arrives:
            healthy, mine = self.arrives
            if abs(mine / healthy - 1) > 0.05:
                return found("other preparation", mine=mine, healthy=healthy)
        return self.ladder.finding if self.ladder else None

    @property
    def cause(self):
        """What the ladder, or the first BN, says is wrong; or None."""
        return say(self.why) if self.why else None

    @property
    def finding(self):
        """Where the two differ first, or that they do not."""
        head, answers = (
            self.ladder and found("ladder" if self.ladder.equal else "ladder differs", says=self.ladder.headline),
            None,
        )
        if self.error:
            answers = found("code stops", error=self.error)
        elif self.ladder.equal and self.answer is not None:
            answers = found("answers healthy")
            if self.company > TOLERANCE:
                answers = found("answers depend on neighbours", company=self.company)
            elif self.answer > TOLERANCE:
                answers = found("other answers", answer=self.answer)
        return several(head, answers)

    @property
    def text(self):
        return say(self.finding)


TOLERANCE = 1e-4


@cache
def published():
    """The trained network that comes with the course, and 64 pictures: (network, its design, pictures as bytes)."""
    network = trained("thin")
    stages = (network.stage1, network.stage2, network.stage3, network.stage4)
    design = {
        "base": network.stage0.conv.out_channels,
        "blocks": tuple(len(stage) for stage in stages),
        "num_classes": network.head.fc.out_features,
    }
    return network, design, pictures(size=64)  # smaller than its own, which proves as much in a twelfth of the time


@one_thread()
def prove(parts, names=None):
    """Compare a network of these parts with the trained one that comes with the course, as `Proof`.

    Its weights go to the patient by name, or by the patient's own `load` where it has one.
    names: as `proof.ladder`'s, for a learner's own names.
    """
    reference, design, shown = published()
    own, due_x = parts.get("load"), prepare(shown)
    try:
        mine = assemble(parts, **design)
        if own:
            own(mine, reference.state_dict())
        steps = ladder(mine.eval(), reference, due_x[:8], names=names, copy=own is None)
    except WRONG as error:
        return Proof(None, error=said(error))
    wrong = None
    try:
        if own is None:
            copy_weights(reference, mine, names)
        mine.train()  # as a network is that was just made, or trained: what comes of it is up to its code
        due, answers = answer(reference, due_x), parts.get("answer", answer)
        x = parts.get("prepare", prepare)(shown.clone())
        got, pair = answers(mine, x), answers(mine, x[:2])
        if got.shape != due.shape:
            wrong = found("answers' shape", shape=tuple(got.shape), right=tuple(due.shape))
    except WRONG as error:
        wrong = said(error)
    if wrong:
        # Where the ladder has found something, it has said this already, and better.
        return Proof(steps, error=wrong if steps.equal and not steps.unmatched else None)
    far = [((a - b).abs().max() / due.abs().max()).item() for a, b in ((got, due), (pair, got[:2]))]
    winners = (got.argmax(1) == due.argmax(1)).float().mean().item()
    return Proof(steps, *far, winners, tuple(_arriving(reference.stage0, each) for each in (due_x, x)))


@torch.no_grad()
def _arriving(stem, x):
    """The deviation of what comes to a trained stem's BN for x, as a share of the one that it keeps; over channels, the
    median."""
    each = stem.conv(x).transpose(0, 1).flatten(1).std(1)
    return (each / stem.bn.running_var.sqrt()).median().item()
