"""Why the first rung breaks, as a finding: an entry that does not fit, or a mistake that gives the learner's
numbers when planted into the reference."""

import re
import traceback
from pathlib import Path

import torch

from .._common import gap
from .mistakes import search
from .names import rank, shape_of, shared_cause, unit
from .words import found, look_at, several


def find_cause(rungs, first, rows, shared, a, b, at, eps, x, tolerance):
    """Return the cause of the first divergence, a finding, and whether it is proved.

    a, b: the runs of the reference and of the learner's network; at: the reference's modules under the library's
    names; eps: those of the learner's BNs.
    """
    part = unit(first.name)
    whole = "logits" if part == "head" else part
    stopped = None if "logits" in b.taps else _stopped(rungs, b)
    wrong = sorted((p for p in rows if p.verdict != "same"), key=lambda p: rank(p.name))
    if wrong and rank(wrong[0].name) <= rank(first.name):
        return several(table_cause(wrong, rows), stopped), False
    if group := [g for g in shared if any(unit(n) == part for n in g)]:
        return several(shared_cause(group), stopped), False

    given = x if part == "stage0" else a.taps.get("stage4") if part == "head" else a.given.get(part)
    mine = b.taps.get("stage4", given) if part == "head" else b.given.get(part, given)
    if given is not None and not gap(mine, given)[1] <= tolerance:
        right = "x" if part == "stage0" else "what the part before it gave, which is equal"
        return several(found("part's input", part, right=right), stopped), False
    target = b.taps.get(whole)
    if target is not None and target.isnan().any():
        return several(found("NaN", first.name, part=part), stopped), False

    def inside(steps):
        return {n[len(part) + 1 :]: v for n, v in steps.items() if n.startswith(part + ".")}

    step = first.name[len(part) + 1 :] if first.name.startswith(part + ".") else ""
    stops, right = str(b.error) if b.error and target is None else "", a.taps.get(whole)
    mistake, tried = search(
        part, inside(at), given, mine, right, target, stops, step, inside(b.taps), inside(eps), tolerance
    )
    if mistake:
        proved = found("proved up to the stop" if stops else "proved", part, cause=mistake)
        return several(proved, stopped), True
    return several(*_unknown(part, first, rungs, b, tried), stopped), False


def _stopped(rungs, run):
    """Where and why the learner's network ended early."""
    if not run.error:
        return found("no logits", type=type(run.out).__name__)
    skip = (str(Path(torch.__file__).parent), str(Path(__file__).parents[1]))
    own = [f for f in traceback.extract_tb(run.error.__traceback__) if not f.filename.startswith(skip)]
    line = f" (in {own[-1].name}, line {own[-1].lineno}: {own[-1].line})" if own else ""
    reached = rungs[-2].name if len(rungs) > 1 else "the input"
    message = " ".join(str(run.error).partition(", but expected one of")[0].split())  # PyTorch lists all it would take
    return found("network stopped", type=type(run.error).__name__, reached=reached, message=message, line=line)


def _unknown(part, first, rungs, run, tried):
    """What can be said when no planted mistake gives the learner's numbers, as findings."""
    if first.learner is not None:
        i = next(i for i, r in enumerate(rungs) if r is first)
        look = look_at(first.name, "the order of its steps, the shortcut, the sum and what follows it")
        yield found("step differs", first.name, before=rungs[i - 1].name if i else "the input", look=look)
        if tried:
            yield found("no usual mistake", tried=tried)
    elif run.error and part == "head" and "stage4" in run.taps:
        H, W = run.taps["stage4"].shape[2:]
        yield found("fixed pooling", part, H=H, W=W)
    for name, times in run.odd.items():
        if unit(name) == part and not name.split(".")[-1].startswith("relu"):
            yield found("calls of a step", name, times=times)


def table_cause(wrong, rows):
    """What the first of the entries that do not fit says, and how many more there are, as a finding."""
    return found("entries", wrong[0].name, cause=_entry_cause(wrong[0], wrong, rows), more=len(wrong) - 1)


def _entry_cause(p, wrong, rows):
    place, leaf = p.name.rsplit(".", 1) if "." in p.name else ("", p.name)
    part, layer = unit(p.name), place.split(".")[-1]
    theirs, own = ({r.name: r[side] for r in rows if r[side] is not None} for side in (1, 2))
    if p.verdict == "other values":
        kind = {"stage0.conv.weight": "first weight other"}.get(p.name, "other values")
        return found("statistics other" if leaf == "running_mean" else kind, p.name)
    if re.match(r"stage[1-4]\.", part):
        stage = part.split(".")[0]
        a, b = ({unit(n) for n in side if n.startswith(f"{stage}.")} for side in (theirs, own))
        if b and (part in a) != (part in b):
            return found("number of blocks", stage, stage=stage[5:], n=len(b), right=len(a))
    if p.verdict == "extra":
        if leaf == "bias" and f"{place}.weight" in theirs:
            return found("bias left on", p.name)
        if ".shortcut" in p.name:
            return found("projection too many", part)
        return found("entry too many", p.name)
    if p.verdict == "missing":
        return _missing_cause(p, wrong, theirs, own)
    if place == "head.fc" and (leaf == "bias" or p.shape[1] == p.learner[1]):
        return found("classes", place, n=p.learner[0], right=p.shape[0])
    if len(p.shape) == len(p.learner) == 4:
        (a_out, a_in, *a_k), (b_out, b_in, *b_k) = p.shape, p.learner
        if a_k != b_k:
            return found("entry's kernel", place, kernel="×".join(map(str, b_k)), right="×".join(map(str, a_k)))
        if a_out != b_out and re.fullmatch(r"stage[1-4]\.\d+\.conv1", place):
            return found("C1", part, C1=b_out, right=a_out)
        if a_out == b_out and layer == "conv2":
            return found("groups", place, n=b_in, right=a_in)
        return found("entry's channels", place, takes=b_in, gives=b_out, right_takes=a_in, right_gives=a_out)
    return found("entry's shape", p.name, shape=shape_of(p.learner), right=shape_of(p.shape))


def _missing_cause(p, wrong, theirs, own):
    place, part = p.name.rpartition(".")[0], unit(p.name)
    if renamed := _renamed(p, wrong):
        return found("renamed", place, mine=renamed[0], name=renamed[1])
    if not theirs.keys() & own.keys():
        return found("no name fits")
    projection = theirs.get(f"{part}.shortcut.conv.weight")
    if ".shortcut." in p.name and f"{part}.shortcut.conv.weight" not in own:
        also = " although its stride is 1" if part == "stage1.0" else ""
        return found("no projection", part, also=also, C=projection[1], C_out=projection[0])
    if place.split(".")[-1].startswith("bn"):
        if f"{place}.running_mean" in own:
            return found("norm without weight", place)
        if f"{place}.weight" in own:
            return found("norm without statistics", place)
        after = "the projection's convolution" if "shortcut" in place else place.replace("bn", "conv")
        return found("no norm entry", place, after=after)
    return found("entry missing", p.name)


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
