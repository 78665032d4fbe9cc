"""The broken-block clinic: networks with one real mistake each, and four examinations that show what it does.

A network is put together from parts, a dictionary: stem, block, stages, head, and what is done with it, initialise,
load, answer. `HEALTHY` holds this library's own; a patient replaces one or two of them. Every examination compares
with healthy networks and computes what it says; none knows the patient's diagnosis.
"""

from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from functools import cache

import torch
from torch import nn

from .anatomy import shape_text, unfilled
from .blocks import BTNK1, BTNK2, Stem
from .proof import copy_weights, ladder
from .race import Race
from .tasks import photographs
from .training import FAST, Recipe
from .weights import load as trained

# ── Networks from parts ──────────────────────────────────────────────────────────────────────────────────────


def stem(base):
    return Stem(3, base)


def block(C, C1, S=1):
    """The identity block where the shapes allow it, the projection block elsewhere."""
    return BTNK2(C) if C == 4 * C1 and S == 1 else BTNK1(C, C1, S)


def stages(block, base, blocks):
    """Stages 1 to 4 as a list: in each so many blocks, the first with S = 2 except in Stage 1."""
    made, C = [], base
    for i, n in enumerate(blocks):
        C1 = base * 2**i
        first = block(C, C1, 1 if i == 0 else 2)
        C = 4 * C1
        made.append(nn.Sequential(first, *(block(C, C1, 1) for _ in range(n - 1))))
    return made


def head(C, num_classes):
    return nn.Sequential(
        OrderedDict(pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), fc=nn.Linear(C, num_classes))
    )


def initialise(network):
    """Leave the weights as their layers drew them."""


def initialise_at_the_shortcut(network):
    """Every F ends in a BN whose weight begins at zero (Goyal et al., arXiv 1706.02677, section 5.1)."""
    for name, module in network.named_modules():
        if name.endswith("bn3"):
            nn.init.zeros_(module.weight)


@torch.no_grad()
def answer(network, pictures):
    """Scores for a batch of pictures, in evaluation mode; the mode is given back as it was."""
    was = network.training
    network.eval()
    try:
        return network(pictures)
    finally:
        network.train(was)


HEALTHY = {
    "stem": stem, "block": block, "stages": stages, "head": head, "initialise": initialise, "load": None,
    "answer": answer,
}  # fmt: skip

# The network that is trained and compared here: all four stages with both kinds of blocks, and an eighth of the
# channels, so that every examination takes seconds.
SMALL = {"base": 8, "blocks": (2, 2, 2, 2), "num_classes": 20}
FULL = {"base": 64, "blocks": (3, 4, 6, 3), "num_classes": 1000}


class Assembled(nn.Module):
    """A network of parts: stage0 → stage1 → … → stage4 → head. (3, W, W) → (num_classes)."""

    def __init__(self, parts, base, blocks, num_classes):
        super().__init__()
        self.stage0 = parts["stem"](base)
        for i, stage in enumerate(parts["stages"](parts["block"], base, blocks), 1):
            setattr(self, f"stage{i}", stage)
        self.head = parts["head"](4 * base * 2 ** (len(blocks) - 1), num_classes)
        parts["initialise"](self)

    def forward(self, x):
        x = self.stage0(x)
        x = self.stage1(x)
        x = self.stage2(x)
        x = self.stage3(x)
        x = self.stage4(x)
        return self.head(x)


def assemble(parts, seed=0, **design):
    """A network of these parts, those that are not given being healthy; its first weights belong to the seed.

    design: base, blocks and num_classes, SMALL's unless given. Raises ValueError for a part of an unknown name.
    """
    if unknown := parts.keys() - HEALTHY.keys():
        raise ValueError(f"no part is called {sorted(unknown)[0]!r}; there are {', '.join(HEALTHY)}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Assembled({**HEALTHY, **parts}, **{**SMALL, **design})


@cache
def batch(n=64, size=32):
    """Pieces of the bundled photographs as a network's input, (n, 3, size, size)."""
    task = photographs(size=size, n=n, n_test=1)
    return task.prepare(task.train[0])


# ── The four examinations ────────────────────────────────────────────────────────────────────────────────────

# What a network, or a part of it that a learner wrote, may raise.
WRONG = (ArithmeticError, AttributeError, IndexError, KeyError, RuntimeError, StopIteration, TypeError, ValueError)


def said(error):
    """An exception as one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


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
    def text(self):
        found = []
        if self.error:
            found.append(f"The code stops in {self.first}. {self.error}.")
        elif self.first:
            _, healthy, mine = next(row for row in self.rows if row[0] == self.first)
            found.append(
                f"Shapes differ first in {self.first}: {shape_text(mine)}, and healthy is {shape_text(healthy)}."
            )
        else:
            found.append("All shapes are as they should be.")
        for name, (healthy, mine) in (("Parameters", self.parameters), ("MACs", self.macs)):
            if mine is not None:
                found.append(f"{name}: {mine:,}" + (", as healthy." if mine == healthy else f", healthy {healthy:,}."))
        return " ".join(found)


PARTS = ("stage0", "stage1", "stage2", "stage3", "stage4", "head")


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
    found, macs = {}, [0]

    def count(m, _inputs, out):
        each = m.weight.numel() // m.weight.shape[0]  # multiplications for one output value
        macs[0] += each * out.numel()

    try:
        with torch.device("meta"), torch.no_grad():  # shapes alone: no number is drawn or computed
            network = assemble(parts, **FULL)
            for name in PARTS:
                getattr(network, name).register_forward_hook(
                    lambda _m, _inputs, out, name=name: found.__setitem__(name, tuple(out.shape[1:]))
                )
            for m in network.modules():
                if isinstance(m, nn.Conv2d | nn.Linear):
                    m.register_forward_hook(count)
            network.eval()(torch.empty(1, 3, 224, 224))
    except WRONG as error:
        return found, None, None, said(_as_computed(parts) or error)
    return found, sum(p.numel() for p in network.parameters()), macs[0], None


def _as_computed(parts):
    """What the same network raises where it computes with numbers: that is what a learner would have read."""
    try:
        with unfilled(), torch.no_grad():
            network = assemble(parts, **FULL)
            network.eval()(torch.zeros(1, 3, 224, 224))
    except WRONG as error:
        return error
    return None


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
        """Whether it lies outside the range by more than three times the range's own width, or by half of it where
        the range is one number."""
        room = 3 * (self.high - self.low) + 0.05 * max(abs(self.low), abs(self.high)) + 0.01
        return not self.low - room <= self.value <= self.high + room


@dataclass(frozen=True)
class Statistics:
    """Statistics of what the steps give out for a batch of photographs, in training mode, before any training.

    readings: `Reading`s of all steps that the healthy networks have too, in the order of running.
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
    def text(self):
        found = []
        if self.error:
            found.append(f"The code stops. {self.error}.")
        if self.odd:
            r = self.odd[0]
            found.append(
                f"{len(self.odd)} of {len(self.readings)} readings lie outside the healthy range, the first in "
                f"{r.step}: {r.what} {r.value:.3g}, healthy {r.low:.3g} to {r.high:.3g}."
            )
        elif not self.error:
            found.append(f"All {len(self.readings)} readings lie in the healthy range.")
        if self.rewritten:
            found.append(
                f"{len(self.rewritten)} steps gave out something else than what lies in the same tensor now, the "
                f"first {self.rewritten[0]}: a later step wrote over it."
            )
        return " ".join(found)


SEEDS = range(5)  # healthy networks that give the range
WHAT = ("mean", "deviation", "share below zero", "share of zeros")


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
    outs, error = defaultdict(list), None

    def keep(name):
        def hook(_m, _inputs, out):
            outs[name].append((out, out.clone()))

        return hook

    try:
        network = assemble(parts, seed)
        for name, m in network.named_modules():
            # How large a convolution's output is depends on how its weights were drawn; the BN after it undoes that.
            if name and not isinstance(m, nn.Conv2d):
                m.register_forward_hook(keep(name))
        with torch.no_grad():
            network.train()(batch().clone())
    except WRONG as caught:
        error = said(caught)
    once = {name: found[0] for name, found in outs.items() if len(found) == 1}
    rewritten = [name for name, (later, then) in once.items() if not torch.equal(later, then)]
    return {name: _numbers(then) for name, (_, then) in once.items()}, rewritten, error


def _numbers(t):
    return t.mean().item(), t.std().item(), (t < 0).float().mean().item(), (t == 0).float().mean().item()


@dataclass(frozen=True)
class Proof:
    """The ladder of proof with trained weights, and the answers that the patient's own code gives.

    ladder:   a `proof.Ladder`, or None where the code could not be run.
    answer:   largest difference of its answers to 64 pictures from the healthy network's, relative to its largest.
    company:  the same between its answers to two pictures by themselves and to the same two among others.
    winners:  the share of the pictures for which both networks have the same winning class.
              These three are None where the healthy weights do not fit the patient, or its code stops.
    error:    what the code raised, or None.
    `text` says where the two differ first, `cause` why: who wants to find that out alone reads only the first.
    """

    ladder: object
    answer: float | None = None
    company: float | None = None
    winners: float | None = None
    error: str | None = None

    @property
    def sick(self):
        return bool(self.error) or not self.ladder.equal or max(self.answer or 0, self.company or 0) > TOLERANCE

    @property
    def cause(self):
        """What the ladder says is wrong, or None."""
        return self.ladder.cause if self.ladder else None

    @property
    def text(self):
        found = []
        if self.ladder:
            found.append(self.ladder.headline)
        if self.error:
            found.append(f"The code stops. {self.error}.")
        elif self.ladder.equal and self.answer is not None:
            if self.company > TOLERANCE:
                found.append(
                    "Yet its answer to a picture depends on the pictures beside it: two pictures by themselves, and "
                    f"the same two among others, differ by {self.company:.2g} of the largest score."
                )
            elif self.answer > TOLERANCE:
                found.append(
                    f"Yet its answers are not the healthy network's: they differ by {self.answer:.2g} of the largest "
                    "score."
                )
            else:
                found.append("Its answers are those of the healthy network.")
        return " ".join(found)


TOLERANCE = 1e-4


@cache
def published():
    """The trained network that comes with the course, and 64 pictures of its size: (network, its design, pictures)."""
    network = trained("thin")
    stages = (network.stage1, network.stage2, network.stage3, network.stage4)
    design = {
        "base": network.stage0.conv.out_channels,
        "blocks": tuple(len(stage) for stage in stages),
        "num_classes": network.head.fc.out_features,
    }
    return network, design, batch(size=network.checkpoint.size)


def prove(parts, names=None):
    """Compare a network of these parts with the trained one that comes with the course, as `Proof`.

    Its weights go to the patient by name, or by the patient's own `load` where it has one.
    names: as `proof.ladder`'s, for a learner's own names.
    """
    reference, design, pictures = published()
    own = parts.get("load")
    try:
        mine = assemble(parts, **design)
        if own:
            own(mine, reference.state_dict())
        found = ladder(mine.eval(), reference, pictures[:8], names=names, copy=own is None)
    except WRONG as error:
        return Proof(None, error=said(error))
    try:
        if own is None:
            copy_weights(reference, mine, names)
        mine.train()  # as a network is that was just made, or trained: what comes of it is up to its code
        due, answers = answer(reference, pictures), parts.get("answer", answer)
        got, pair = answers(mine, pictures), answers(mine, pictures[:2])
        if got.shape != due.shape:
            raise ValueError(f"the answers have shape {tuple(got.shape)}, and should have {tuple(due.shape)}")
    except WRONG as error:
        # Where the ladder has found something, it has said this already, and better.
        return Proof(found, error=said(error) if found.equal and not found.unmatched else None)
    far = [((a - b).abs().max() / due.abs().max()).item() for a, b in ((got, due), (pair, got[:2]))]
    return Proof(found, *far, (got.argmax(1) == due.argmax(1)).float().mean().item())


STEPS = 10 if FAST else 200
LATE = 20  # the last steps, whose mean loss is compared


class Trial:
    """A patient trained for a moment beside two healthy networks with other first weights: what differs more than
    those two do is no luck.

        trial = Trial(parts)
        for step in trial:          # or trial.run(), to the end
            ...                     # trial.losses grows; break whenever you like

    healthy: parts that the healthy networks shall have as well. steps: of each network.
    losses: name → losses so far, as many of each, of "patient", "healthy" and "healthy, other weights"; the healthy
    ones are trained once in a session. error: what the code raised, or None.
    """

    def __init__(self, parts, healthy=None, steps=None):
        self.steps = STEPS if steps is None else steps
        self._twins = _twins(tuple(sorted((healthy or {}).items())), self.steps)
        self.error, self._race = None, None
        try:
            network = assemble(parts)
            network.train()(batch(4).clone())
            network = assemble(parts)  # the look changed BN's statistics
            self._race = _race({"patient": network}, self.steps)
        except WRONG as error:
            self.error = said(error)

    @property
    def _races(self):
        return [race for race in (self._race, self._twins) if race]

    @property
    def step(self):
        """Steps that all of them have done."""
        return min(len(run.losses) for race in self._races for run in race.runs.values())

    @property
    def losses(self):
        # The healthy ones may be ahead, having been trained beside an earlier patient.
        return {name: run.losses[: self.step] for race in self._races for name, run in race.runs.items()}

    @property
    def done(self):
        """Whether nothing more is to come."""
        return bool(self.error) or self.step >= self.steps

    def __iter__(self):
        running = [(race, iter(race)) for race in self._races]
        while not self.done:
            for race, steps in running:
                if race.step <= self.step:
                    try:
                        next(steps, None)
                    except WRONG as error:
                        self.error = said(error)
            if self._race.failed:
                self.error = self._race.failed["patient"]
            yield self.step

    def run(self):
        """Train to the end, here and now; returns itself."""
        for _ in self:
            pass
        return self

    def late(self, name):
        """The mean loss of the last steps so far."""
        losses = self.losses[name][-LATE:]
        return sum(losses) / max(1, len(losses))

    @property
    def luck(self):
        """How far the two healthy networks are apart."""
        return abs(self.late("healthy") - self.late("healthy, other weights"))

    @property
    def worse(self):
        """By how much the patient's late loss lies above that of the worse healthy network."""
        return self.late("patient") - max(self.late("healthy"), self.late("healthy, other weights"))

    @property
    def sick(self):
        return bool(self.error) or (self.done and self.worse > max(0.25, 3 * self.luck))

    @property
    def text(self):
        if self.error:
            return f"It cannot be trained. {self.error}."
        if not self.step:
            return "Not trained yet."
        text = (
            f"After {self.step} steps the loss is {self.late('patient'):.2f}, and of the two healthy networks "
            f"{self.late('healthy'):.2f} and {self.late('healthy, other weights'):.2f}"
        )
        if not self.done:
            return text + ", so far."
        return text + (": more than chance explains." if self.sick else ": nothing that chance could not explain.")


@cache
def _task():
    return photographs(n=640, n_test=20)


def _race(networks, steps):
    task = _task()
    recipe = Recipe(epochs=-(-steps // (len(task.train[1]) // 64)), batch=64, peak=0.05)
    networks = {name: network.to(memory_format=torch.channels_last) for name, network in networks.items()}
    return Race(networks, task, recipe, every=10**6)


@cache
def _twins(parts, steps):
    return _race({"healthy": assemble(dict(parts), 0), "healthy, other weights": assemble(dict(parts), 1)}, steps)


EXAMINATIONS = {
    "shapes and counts": (
        "What the code says, made as the full ResNet-50 on 224 × 224: shapes, parameters, MACs.",
        "It cannot see what happens to the numbers between: a ReLU, the kind of pooling, a sum.",
    ),
    "statistics": (
        "What the steps give out before any training, with an eighth of the channels, beside five healthy networks: "
        "mean, deviation, signs, zeros.",
        "It cannot see what leaves means and deviations as they are, such as a stride in another place.",
    ),
    "ladder of proof": (
        "The course's trained weights in the patient, compared step by step with the network they are from; then its "
        "answers.",
        "It copies weights first, so it cannot see how the patient's own were drawn, nor how it would learn.",
    ),
    "training": (
        "A moment of training, beside two healthy networks that differ in their first weights alone.",
        "It cannot see what training makes up for, and needs more than luck to speak.",
    ),
}


# ── Is it cured? ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Verdict:
    """Whether a patient is cured, and the sentence that says so or what is still wrong."""

    cured: bool
    text: str

    def __str__(self):
        return self.text


def check(patient, names=None, **parts):
    """Whether these parts, put in the place of a patient's own, cure it, as `Verdict`.

    Any code passes that has the healthy shapes, parameters and MACs, gives the healthy network's numbers with the
    same weights, and no longer shows what the statistics showed.
    patient: a `patients.Patient`. names: as `proof.ladder`'s, for a learner's own names of layers.
    ValueError for a part of an unknown name, and where none is given.
    """
    if not parts:
        raise ValueError(f"give the mended part, as in check(patient, {next(iter(patient.parts))}=…)")
    assembling = {**patient.parts, **parts}
    if unknown := assembling.keys() - HEALTHY.keys():
        raise ValueError(f"no part is called {sorted(unknown)[0]!r}; there are {', '.join(HEALTHY)}")
    design, proof = shapes(assembling), prove(assembling, names)
    if design.error or (design.sick and not proof.cause):
        return Verdict(False, f"Not cured yet. {design.text}")
    if proof.sick:
        return Verdict(False, " ".join(("Not cured yet.", proof.text, proof.cause or "")).strip())
    before, now = (statistics(p, patient.healthy) for p in (patient.parts, assembling))
    if now.rewritten and before.rewritten:
        return Verdict(False, f"Not cured yet. {now.text}")
    # How a network begins is seen in its statistics alone: there all of them have to be healthy.
    symptoms = {(r.step, r.what) for r in (now if patient.healthy else before).odd}
    if still := [r for r in now.odd if (r.step, r.what) in symptoms]:
        r = still[0]
        where = f"{r.what} {r.value:.3g}, healthy {r.low:.3g} to {r.high:.3g}"
        return Verdict(False, f"Not cured yet. The statistics of {r.step} are not healthy: {where}.")
    return Verdict(True, "Cured: shapes, parameters and MACs are healthy, and so are the numbers at every step.")
