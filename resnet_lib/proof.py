"""The ladder of proof: a learner's network beside the reference, step by step, on the same input and the same weights.

Equal shapes and an equal winning class prove little. Here weights are copied by name and shape, both networks run in
eval(), and every step that both have is a rung. Where the first rung breaks, the cause is not guessed: usual mistakes
are planted into the reference one by one and two by two, and what gives the learner's numbers is the cause.
"""

import re
import traceback
from collections import defaultdict
from copy import deepcopy
from dataclasses import dataclass
from itertools import count
from math import inf
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from .anatomy import shape_text
from .mistakes import gap, search
from .weights import NAMES

# The published names as prefixes, with what has no weights, and with a shortcut that is a plain nn.Sequential.
PLACES = [(published, ours) for ours, published in NAMES] + [
    ("relu", "stage0.relu"),
    ("maxpool", "stage0.pool"),
    ("avgpool", "head.pool"),
    ("layer{n}", "stage{n}"),
    ("stage{n}.{n}.downsample", "stage{n}.{n}.shortcut"),
    ("stage{n}.{n}.shortcut.0", "stage{n}.{n}.shortcut.conv"),
    ("stage{n}.{n}.shortcut.1", "stage{n}.{n}.shortcut.bn"),
]


class Parameter(NamedTuple):
    """One entry of the state dictionaries, under the library's name.

    shape, learner: in the reference and in the learner's network; None where there is none.
    verdict: "same", "missing" (in the learner's), "extra", "other shape", or "other values" (only where nothing
             was copied).
    """

    name: str
    shape: tuple | None
    learner: tuple | None
    verdict: str


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
        return not _whole(self.name)

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
        return (self.name, _shape(self.shape), _shape(self.learner) or "–", *numbers, self.verdict)


@dataclass(frozen=True)
class Ladder:
    """What `ladder` found. `str()` is a text table; in a notebook it shows as a table.

    rungs:      Rungs in the order in which the reference runs.
    parameters: Parameters, the reference's order, then what only the learner's network has.
    equal:      whether all blocks, stages and the logits are equal within the tolerance. A step inside a block may
                differ if the block's result does not: then it is a matter of names.
    first:      the first Rung that diverges, or None.
    cause:      what is wrong and what to do, in sentences; None where the networks are equal.
    proved:     whether the cause was proved: planted in the reference, it gives the learner's numbers.
    notes:      what was done to the copies, and what else was noticed; sentences.
    """

    rungs: tuple
    parameters: tuple
    equal: bool
    first: Rung | None
    cause: str | None
    proved: bool
    notes: tuple

    @property
    def exact(self):
        """Whether the networks are equal and every difference is 0.0."""
        return self.equal and all(r.difference == 0 for r in self.rungs)

    @property
    def unmatched(self):
        """The Parameters whose verdict is not "same"."""
        return tuple(p for p in self.parameters if p.verdict != "same")

    @property
    def headline(self):
        """The result in one sentence."""
        if self.exact:
            return f"Equal: all {len(self.rungs)} steps give the same numbers, to the last bit."
        if self.equal:
            worst = max((r for r in self.rungs if r.ok), key=lambda r: r.relative)
            return f"Equal within the tolerance; the largest relative difference is {worst.relative:.1e}, {worst.name}."
        return f"Different, first at {self.first.name}."

    @property
    def shown(self):
        """The Rungs of a short table: whole blocks and stages, and the steps around the first divergence."""
        at = unit(self.first.name) if self.first else None
        return tuple(r for r in self.rungs if not r.inner or unit(r.name) == at)

    def __str__(self):
        rows = [("step", "reference", "yours", "largest difference", "relative", "")]
        rows += [(*r.cells()[:5], r.verdict + (" ← the first" if r is self.first else "")) for r in self.shown]
        if self.unmatched:
            rows.append(("parameter", "reference", "yours", "", "", ""))
            rows += [(p.name, *map(_shape, p[1:3]), "", "", p.verdict) for p in self.unmatched[:12]]
        widths = [max(len(r[i]) for r in rows) for i in range(6)]
        lines = ["  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows]
        if len(self.unmatched) > 12:
            lines.append(f"… and {len(self.unmatched) - 12:,} more parameters that do not fit")
        return "\n".join([self.headline, *([self.cause] if self.cause else []), *self.notes, "", *lines])

    def _repr_html_(self):
        from .views.proof import proof_table

        return proof_table(self)


def ladder(learner, reference, x=None, *, names=None, copy=True, tolerance=1e-5):
    """Compare a learner's network with the reference on the same input, step by step, as a `Ladder`.

    learner:   a network with the library's names (stage1.0.conv1), the published ones (layer1.0.conv1), or others.
    reference: the library's network, or any with the published names.
    x:         (batch, C, H, W); a drawn batch of two pictures of 64 × 64 where none is given.
    names:     for other names, {learner's prefix: reference's prefix}; {n} stands for a number, as in
               {"stem": "stage0", "part{n}": "stage{n}"}.
    copy:      whether the learner's network first receives the reference's weights, by name and shape. A reference
               that was never trained is given drawn BN values as well: a fresh BN changes nothing in eval() and
               hides mistakes.
    tolerance: how large a difference may be, as a part of the reference's largest value.
    Both networks are copied, the copies run in eval(), and the networks themselves stay as they are. What the
    learner's network raises is caught and reported as the cause.
    Raises ValueError where the reference does not run on x or gives no finite numbers, for names that do not fit, and
    for networks that are no modules, cannot be copied, or live on the meta device.
    """
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or not 0 <= tolerance < inf:
        raise ValueError(f"tolerance = {tolerance!r} must be a number, 0 or larger")
    with torch.inference_mode(False), torch.no_grad():
        theirs, mine = _twin(reference, "the reference"), _twin(learner, "your network")
        place, place_mine = _placing(theirs, None), _placing(mine, names)
        notes = []
        if copy and _untrained(theirs):
            draw_norms(theirs)
            notes.append(
                "The reference was never trained, and BNs with mean 0 and variance 1 hide mistakes: the copies that "
                "were compared have drawn BN values, the same in both."
            )
        rows, pairs = _match(theirs.state_dict(), mine.state_dict(), place, place_mine)
        shared = _shared(pairs)
        if copy:
            for _, theirs_now, mine_now in pairs:
                mine_now.copy_(theirs_now)
        else:
            other = {name for name, a, b in pairs if not torch.equal(a, b.to(a))}
            rows = [p._replace(verdict="other values") if p.name in other else p for p in rows]

        if x is None:
            C = next((w.shape[1] for w in theirs.parameters() if w.dim() == 4), 3)
            x = torch.randn(2, C, 64, 64, generator=torch.Generator().manual_seed(0))
        a = _run(theirs, place, None, x)
        _check_reference(a, x)
        b = _run(mine, place_mine, {place(n) for n, _ in theirs.named_modules()}, x)
        rungs = _rungs(a, b, tolerance)
        first = _first(rungs)

        awake = [n for n, m in mine.named_modules() if m.training and isinstance(m, _MODED)]
        if awake:
            notes.append(f"{awake[0]} of your network is still in training mode after eval().")
        elif any(m.training and isinstance(m, _MODED) for m in learner.modules()):
            notes.append(_without_eval(mine, place_mine, a, x, tolerance))

        cause, proved = None, False
        if first:
            at = {place(n): m for n, m in theirs.named_modules()}
            eps = {place_mine(n): m.eps for n, m in mine.named_modules() if hasattr(m, "eps")}
            cause, proved = _cause(rungs, first, rows, shared, a, b, at, eps, x, tolerance)
        else:
            notes += _odd_but_equal(rungs, rows)
    return Ladder(tuple(rungs), tuple(rows), first is None, first, cause, proved, tuple(notes))


def copy_weights(reference, learner, names=None):
    """Copy the reference's weights into the learner's network itself, by name and shape.

    reference: a network or a state dictionary, with the library's names or the published ones.
    learner, names: as in `ladder`.
    Returns the entries as a tuple of Parameters, all "same".
    Raises ValueError naming the first entry that does not fit, with both shapes, and otherwise as `ladder`; nothing is
    changed then.
    """
    _check_network(learner, "your network")
    state = reference.state_dict() if isinstance(reference, nn.Module) else reference
    rows, pairs = _match(state, learner.state_dict(), _placing(reference, None), _placing(learner, names))
    wrong = sorted((p for p in rows if p.verdict != "same"), key=lambda p: _rank(p.name))
    if wrong:
        p = wrong[0]
        sides = f"{_shape(p.shape) or 'nothing'} in the reference and {_shape(p.learner) or 'nothing'} in yours"
        raise ValueError(f"{p.name} is {sides}. {_table_cause(wrong, rows)} Nothing was copied")
    if shared := _shared(pairs):
        raise ValueError(f"{_shared_cause(shared)} Nothing was copied")
    with torch.no_grad():
        for _, theirs, mine in pairs:
            mine.copy_(theirs)
    return tuple(rows)


# ── Names and weights ────────────────────────────────────────────────────────────────────────────────────────


def unit(name):
    """Which part a step belongs to: stage0, a block such as stage1.0, or head; itself for a whole stage."""
    found = re.match(r"stage0|stage\d+\.\d+|head", "head" if name == "logits" else name)
    return found.group() if found else name


def _whole(name):
    """Whether a step is a whole block or stage, or the result."""
    return re.fullmatch(r"stage\d+(\.\d+)?|logits", name) is not None


def _rank(name):
    """The place of a step or parameter in the network: (stage, block)."""
    found = re.match(r"stage(\d+)(?:\.(\d+))?", name)
    if found:
        stage, block = found.groups()
        return int(stage), int(block) if block else (0 if stage == "0" else inf)
    return (90, 0) if re.match(r"head|logits", name) else (99, 0)


def _placing(model, names):
    """A function from a network's own names to the library's. ValueError for names that do not fit."""
    names = {} if names is None else names
    if not isinstance(names, dict) or not all(isinstance(n, str) for pair in names.items() for n in pair):
        raise ValueError(f'names = {names!r} must be a dictionary of prefixes, such as {{"stem": "stage0"}}')
    longest = sorted(names.items(), key=lambda rule: -len(rule[0]))
    parts = [n for n, _ in model.named_modules()] if names else []
    for theirs, ours in longest:
        if theirs.count("{n}") != ours.count("{n}"):
            raise ValueError(f"names says {theirs!r}: {ours!r}; both sides need the same number of {{n}}")
        if not any(_prefix(theirs).match(n) for n in parts):
            has = ", ".join(n for n in parts if n and "." not in n)
            raise ValueError(f"names says {theirs!r}, and no part of your network is called that; it has {has}")
    given, table = ([(_prefix(a), b.replace("{n}", "{}")) for a, b in rules] for rules in (longest, PLACES))

    def place(name):
        for rules in (given, table):
            for pattern, target in rules:
                if found := pattern.match(name):
                    name = (target.format(*found.groups()) + name[found.end() :]).lstrip(".")
                    if rules is given:  # the longest of the learner's own
                        break
        return name

    return place


def _prefix(name):
    return re.compile(re.escape(name).replace(r"\{n\}", r"(\d+)") + r"(?=\.|$)")


def _match(theirs, mine, place, place_mine):
    """The Parameters of two state dictionaries, and (name, reference's tensor, learner's) of those that fit."""
    theirs = {place(key): t for key, t in theirs.items()}
    own, others = {}, {}
    for key, t in mine.items():
        name = place_mine(key)
        if name in own:
            raise ValueError(f"{others[name]!r} and {key!r} of your network are both {name!r} in the reference")
        own[name], others[name] = t, key
    rows, pairs = [], []
    for name, t in theirs.items():
        found = own.get(name)
        if found is None:
            if not name.endswith("num_batches_tracked"):  # old files lack it, and nothing is computed from it
                rows.append(Parameter(name, tuple(t.shape), None, "missing"))
        elif found.shape != t.shape:
            rows.append(Parameter(name, tuple(t.shape), tuple(found.shape), "other shape"))
        else:
            rows.append(Parameter(name, tuple(t.shape), tuple(t.shape), "same"))
            pairs.append((name, t, found))
    used = {t.data_ptr() for _, _, t in pairs}
    for name, t in own.items():
        # A part kept under a second name is no second part, unless that is the name of a block.
        alias = t.data_ptr() in used and not re.match(r"stage\d+\.\d+", name)
        if name not in theirs and not name.endswith("num_batches_tracked") and not alias:
            rows.append(Parameter(name, None, tuple(t.shape), "extra"))
    return rows, pairs


def _shared(pairs):
    """Groups of names that are one and the same tensor in the learner's network, and several in the reference."""
    groups = defaultdict(list)
    for name, theirs, mine in pairs:
        groups[mine.data_ptr()].append((name, theirs.data_ptr()))
    return [[n for n, _ in group] for group in groups.values() if len({p for _, p in group}) > 1]


def _shared_cause(shared):
    places = [name.rsplit(".", 1)[0] for name in shared[0]]
    return (
        f"{' and '.join(places)} are one and the same layer in your network, with one set of weights: "
        "make a new block each time, and do not repeat one (such as [block] * 3)."
    )


def _check_network(model, who):
    if not isinstance(model, nn.Module):
        raise ValueError(f"{who} must be an nn.Module, and is {type(model).__name__}: did you pass the class itself?")
    if any(t.is_meta for t in model.state_dict().values()):
        raise ValueError(f"{who} lives on the meta device and has shapes but no numbers: build it without it")


def _twin(model, who):
    """A copy in eval()."""
    _check_network(model, who)
    try:
        return deepcopy(model).eval()
    except Exception as error:  # a learner's own attributes can hold anything
        raise ValueError(
            f"{who} cannot be copied ({error}). Does it keep the result of a run in an attribute? Keep .detach() of it"
        ) from None


def _untrained(model):
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


# ── Running ──────────────────────────────────────────────────────────────────────────────────────────────────

_MODED = (nn.modules.batchnorm._NormBase, nn.modules.dropout._DropoutNd)


class _Run(NamedTuple):
    taps: dict  # name → what the step gave out, in the order of running
    given: dict  # name → what went into it, for modules made of several
    odd: dict  # name → how often it was called, where that is not once
    out: object
    error: Exception | None


def _run(model, place, wanted, x):
    """Run the network and copy what every named step gives at the moment it gives it: later steps may overwrite it."""
    names = defaultdict(list)
    for name, m in model.named_modules(remove_duplicate=False):
        if name and (wanted is None or place(name) in wanted):
            names[m].append(place(name))
    order, outs, given = count(), {m: [] for m in names}, {}

    def before(m, args):
        if args and isinstance(args[0], torch.Tensor) and len(outs[m]) < len(names[m]):
            given[names[m][len(outs[m])]] = next(order), args[0].clone()

    def after(m, _, out):
        outs[m].append((next(order), out.clone() if isinstance(out, torch.Tensor) else None))

    handles = [m.register_forward_hook(after) for m in names]
    handles += [m.register_forward_pre_hook(before) for m in names if next(m.children(), None) is not None]
    out, error = None, None
    like = next(model.parameters(), x)
    try:
        out = model(x.to(like, copy=True) if isinstance(x, torch.Tensor) else x)  # it may overwrite its input
    except Exception as caught:  # whatever a learner's code raises is a finding
        error = caught
    finally:
        for handle in handles:
            handle.remove()

    taps = {}
    for m, ats in names.items():
        # A ReLU called three times under one name has no output that its name could mean.
        if len(outs[m]) == len(ats) or (error and len(outs[m]) < len(ats)):
            taps |= {at: o for at, o in zip(ats, outs[m], strict=False) if o[1] is not None}
    if "stage0" not in taps and (entry := given.get("stage1") or given.get("stage1.0")):
        taps["stage0"] = entry
    odd = {} if error else {at: len(outs[m]) for m, ats in names.items() if len(outs[m]) != len(ats) for at in ats}
    taps = {name: t for name, (_, t) in sorted(taps.items(), key=lambda item: item[1][0]) if name != "head"}
    if isinstance(out, torch.Tensor):
        taps["logits"] = out
    return _Run(taps, {name: t for name, (_, t) in given.items()}, odd, out, error)


def _check_reference(run, x):
    if run.error:
        what = f"of shape {tuple(x.shape)}" if isinstance(x, torch.Tensor) else f"of type {type(x).__name__}"
        raise ValueError(f"the reference does not run on x {what}: {run.error}") from None
    if "logits" not in run.taps:
        raise ValueError(f"the reference gives {type(run.out).__name__} and must give a tensor, the logits")
    for name, t in run.taps.items():
        if not torch.isfinite(t).all():
            raise ValueError(f"{name} of the reference holds values that are not finite: take another x or reference")


def _rungs(a, b, tolerance):
    """The steps that both have; where the learner's run ended early, the first that it did not reach ends them."""
    rungs = [_rung(name, t, b.taps[name], tolerance) for name, t in a.taps.items() if name in b.taps]
    if "logits" not in b.taps:
        reached = max((i for i, name in enumerate(a.taps) if name in b.taps), default=-1)
        # The learner's network need not have every step as a module, but it must come to the next whole part.
        name = next(n for n in list(a.taps)[reached + 1 :] if _whole(n))
        rungs.append(Rung(name, tuple(a.taps[name].shape[1:]), None, inf, inf, False))
    return rungs


def _rung(name, theirs, mine, tolerance):
    difference, relative = gap(mine, theirs)
    batch = mine.shape[:1] == theirs.shape[:1]
    shape, learner = (tuple(t.shape[1:] if batch else t.shape) for t in (theirs, mine))
    return Rung(name, shape, learner, difference, relative, relative <= tolerance)


def _first(rungs):
    """The first rung that diverges: of the first whole part that does, its first step. A step inside a part whose
    result is equal does not count."""
    since = 0
    for i, r in enumerate(rungs):
        if not r.inner:
            if not r.ok:
                return next(s for s in rungs[since:] if not s.ok)
            since = i + 1
    return None


# ── The cause ────────────────────────────────────────────────────────────────────────────────────────────────


def _cause(rungs, first, rows, shared, a, b, at, eps, x, tolerance):
    """The cause of the first divergence in sentences, and whether it is proved.

    a, b: the runs of the reference and of the learner's network; at: the reference's modules under the library's
    names; eps: those of the learner's BNs.
    """
    part = unit(first.name)
    whole = "logits" if part == "head" else part
    stopped = "" if "logits" in b.taps else " " + _stopped(rungs, b)
    wrong = sorted((p for p in rows if p.verdict != "same"), key=lambda p: _rank(p.name))
    if wrong and _rank(wrong[0].name) <= _rank(first.name):
        return _table_cause(wrong, rows) + stopped, False
    if group := [g for g in shared if any(unit(n) == part for n in g)]:
        return _shared_cause(group) + stopped, False

    given = x if part == "stage0" else a.taps.get("stage4") if part == "head" else a.given.get(part)
    mine = b.taps.get("stage4", given) if part == "head" else b.given.get(part, given)
    if given is not None and not gap(mine, given)[1] <= tolerance:
        due = "x" if part == "stage0" else "what the part before it gave, which is equal"
        return f"What goes into {part} is not {due}: look at what your forward does before it.{stopped}", False
    target = b.taps.get(whole)
    if target is not None and target.isnan().any():
        text = f"{first.name} is the first step whose result holds NaN, no numbers; what went into {part} is equal. "
        return text + "Look for a division by zero or a root of a negative number." + stopped, False

    def inside(found):
        return {n[len(part) + 1 :]: v for n, v in found.items() if n.startswith(part + ".")}

    step = first.name[len(part) + 1 :] if first.name.startswith(part + ".") else ""
    stops, right = bool(b.error) and target is None, a.taps.get(whole)
    found, tried = search(
        part, inside(at), given, mine, right, target, stops, step, inside(b.taps), inside(eps), tolerance
    )
    if found:
        what = "stops there as well, with your numbers up to there" if stops else "gives your numbers"
        return f"{part}: {found}. This is proved: the reference, changed in just this, {what}.{stopped}", True
    return (_unknown(part, first, rungs, b, tried) + stopped).strip(), False


def _stopped(rungs, run):
    """Where and why the learner's network ended early."""
    if not run.error:
        return f"Your forward gives {type(run.out).__name__} and must give a tensor, the logits."
    skip = (str(Path(torch.__file__).parent), str(Path(__file__).parent))
    own = [f for f in traceback.extract_tb(run.error.__traceback__) if not f.filename.startswith(skip)]
    where = f" (in {own[-1].name}, line {own[-1].lineno}: {own[-1].line})" if own else ""
    reached = rungs[-2].name if len(rungs) > 1 else "the input"
    message = " ".join(str(run.error).split())
    return f"After {reached} your network stopped with {type(run.error).__name__}: {message}{where}"


# The kind of step → where to look, when nothing is proved.
LOOK = {
    "conv": "its stride, padding and dilation, and whether the ReLU before it is there",
    "bn": "that BN, and whether something stands between the convolution and it",
    "relu": "which function it is, and that it comes right after BN",
    "pool": "the pooling's kind, kernel, stride and padding",
    "logits": "the global average, the flattening, and whether something follows the linear layer",
}


def _unknown(part, first, rungs, run, tried):
    """What can be said when no planted mistake gives the learner's numbers."""
    i = next(i for i, r in enumerate(rungs) if r is first)
    before = rungs[i - 1].name if i else "the input"
    kind = first.name.split(".")[-1].rstrip("0123")
    look = LOOK.get(kind, "the order of its steps, the shortcut, the sum and what follows it")
    text = ""
    if first.learner is not None:
        text = f"{before} is equal and {first.name} is not: look at what your forward does between them. Check {look}."
        text += f" It is none of {tried} usual mistakes." if tried else ""
    elif run.error and part == "head" and "stage4" in run.taps:
        H, W = run.taps["stage4"].shape[2:]
        text = (
            f"The maps are {H} × {W} here: a pooling of fixed size, such as AvgPool2d(7), fits pictures of one size "
            "only, and AdaptiveAvgPool2d(1) fits all."
        )
    for name, times in run.odd.items():
        if unit(name) == part and not name.split(".")[-1].startswith("relu"):
            calls = "made, but forward never calls it" if times == 0 else f"called {times} times in one forward pass"
            text += f" {name} is {calls}."
    return text


def _table_cause(wrong, rows):
    """What the first of the entries that do not fit says, and how many more there are."""
    more = len(wrong) - 1
    more = f" ({more:,} more {'entry does' if more == 1 else 'entries do'} not fit.)" if more else ""
    return _entry_cause(wrong[0], wrong, rows) + more


def _entry_cause(p, wrong, rows):
    place, leaf = p.name.rsplit(".", 1) if "." in p.name else ("", p.name)
    part, layer = unit(p.name), place.split(".")[-1]
    theirs, own = ({r.name: r[side] for r in rows if r[side] is not None} for side in (1, 2))
    if p.verdict == "other values":
        return (
            f"{p.name} has other values than the reference's: these are not its weights. With copy=True both networks "
            "are compared with the same ones."
        )
    if re.match(r"stage[1-4]\.", part):
        stage = part.split(".")[0]
        a, b = ({unit(n) for n in side if n.startswith(f"{stage}.")} for side in (theirs, own))
        if b and (part in a) != (part in b):
            return f"The number of blocks in Stage {stage[5:]} is {len(b)} in yours and {len(a)} in the reference."
    if p.verdict == "extra":
        if leaf == "bias" and f"{place}.weight" in theirs:
            return (
                f"{p.name}: a bias was left on in the convolution. The BN after it subtracts it again in training, "
                "and the published weights have none: write bias=False."
            )
        if ".shortcut" in p.name:
            return f"{part} has a projection; in the reference its shortcut passes x on unchanged (BTNK2)."
        return f"{p.name} is in your network and not in the reference."
    if p.verdict == "missing":
        if renamed := _renamed(p, wrong):
            mine, name = map(repr, renamed)
            return f"Nothing of yours is called {place}. If it is your {mine}, say names={{{mine}: {name}}}."
        if not theirs.keys() & own.keys():
            return "No name of yours is one of the reference's: say which is which with names={'yours': 'stage0', …}."
        projection = theirs.get(f"{part}.shortcut.conv.weight")
        if ".shortcut." in p.name and f"{part}.shortcut.conv.weight" not in own:
            also = " although its stride is 1" if part == "stage1.0" else ""
            C_out, C = projection[:2]
            return f"{part} has no projection. It needs one{also}: {C:,} channels go in and {C_out:,} come out."
        if layer.startswith("bn"):
            if f"{place}.running_mean" in own:
                return f"{place} has no weight and bias (affine=False)."
            if f"{place}.weight" in own:
                return (
                    f"{place} keeps no running statistics (track_running_stats=False) and uses the batch's in eval()."
                )
            after = "the projection's convolution" if "shortcut" in place else place.replace("bn", "conv")
            return f"{place} is missing: there is no BN after {after}."
        return f"{p.name} is missing in your network."
    if place == "head.fc" and (leaf == "bias" or p.shape[1] == p.learner[1]):
        return f"head.fc gives {p.learner[0]:,} classes in yours and {p.shape[0]:,} in the reference."
    if len(p.shape) == len(p.learner) == 4:
        (a_out, a_in, *a_k), (b_out, b_in, *b_k) = p.shape, p.learner
        if a_k != b_k:
            return f"{place} has a kernel of {b_k[0]}×{b_k[1]}; it should be {a_k[0]}×{a_k[1]}."
        if a_out != b_out and re.fullmatch(r"stage[1-4]\.\d+\.conv1", place):
            return f"{part} has C1 = {b_out:,}; it should be {a_out:,}."
        if a_out == b_out and layer == "conv2":
            return f"Each output of {place} sees {b_in:,} channels and should see {a_in:,}: are its groups right?"
        return f"{place} takes {b_in:,} channels and gives {b_out:,}; it should take {a_in:,} and give {a_out:,}."
    return f"{p.name} has shape {_shape(p.learner)}; it should be {_shape(p.shape)}."


def _renamed(p, wrong):
    """(the learner's prefix, the reference's) that would give the missing `p` a counterpart, or None."""
    for other in wrong:
        if other.verdict == "extra" and other.learner == p.shape:
            a, b = other.name.split("."), p.name.split(".")
            while a and b and a[-1] == b[-1]:
                a, b = a[:-1], b[:-1]
            if a and b and len(a) + len(b) < len(other.name.split(".")) + len(p.name.split(".")):
                return ".".join(a), ".".join(b)
    return None


def _shape(shape):
    return "" if shape is None else shape_text(shape)


def _without_eval(mine, place, a, x, tolerance):
    mine.train()
    rungs = _rungs(a, _run(mine, place, set(a.taps), x), tolerance)
    first = _first(rungs)
    seen = f"it differs from the reference from {first.name} on" if first else "it gives the same here"
    return f"Your network is in training mode. It was compared in eval(); without eval() {seen}."


def _odd_but_equal(rungs, rows):
    if other := [r.name for r in rungs if not r.ok]:
        yield (
            f"{', '.join(other[:3])}{', …' if len(other) > 3 else ''} of your network: not what the reference's step "
            "of that name gives, yet the result is the same: another name, or another way to it."
        )
    if extra := [p.name for p in rows if p.verdict != "same"]:
        yield f"{len(extra)} entries do not fit ({extra[0]}, …); they change no result here."
