"""Why the first rung breaks: said by the entries that do not fit, or by a mistake planted into the reference that gives
the learner's numbers."""

import re
import traceback
from pathlib import Path

import torch

from .._common import gap
from .mistakes import search
from .names import rank, shape_of, shared_cause, unit


def find_cause(rungs, first, rows, shared, a, b, at, eps, x, tolerance):
    """The cause of the first divergence in sentences, and whether it is proved.

    a, b: the runs of the reference and of the learner's network; at: the reference's modules under the library's
    names; eps: those of the learner's BNs.
    """
    part = unit(first.name)
    whole = "logits" if part == "head" else part
    stopped = "" if "logits" in b.taps else " " + _stopped(rungs, b)
    wrong = sorted((p for p in rows if p.verdict != "same"), key=lambda p: rank(p.name))
    if wrong and rank(wrong[0].name) <= rank(first.name):
        return table_cause(wrong, rows) + stopped, False
    if group := [g for g in shared if any(unit(n) == part for n in g)]:
        return shared_cause(group) + stopped, False

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
    skip = (str(Path(torch.__file__).parent), str(Path(__file__).parents[1]))
    own = [f for f in traceback.extract_tb(run.error.__traceback__) if not f.filename.startswith(skip)]
    where = f" (in {own[-1].name}, line {own[-1].lineno}: {own[-1].line})" if own else ""
    reached = rungs[-2].name if len(rungs) > 1 else "the input"
    message = " ".join(str(run.error).partition(", but expected one of")[0].split())  # PyTorch lists all it would take
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


def table_cause(wrong, rows):
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
    return f"{p.name} has shape {shape_of(p.learner)}; it should be {shape_of(p.shape)}."


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
