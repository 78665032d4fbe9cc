"""Plant the usual mistakes into the reference, one by one and two by two: the one that gives the learner's numbers is
what is wrong."""

import contextlib
from dataclasses import dataclass
from itertools import islice, product
from math import inf

import torch

from .._common import gap
from . import mistakes
from .kinds import found

PAIRS = 800  # tried at most: more would take longer than a learner waits


@dataclass
class Case:
    """A part of a learner's network whose numbers are not the reference's; its names are those inside the part.

    part:    which: "stage0", "head", "projection", or a block by any name.
    modules: the reference's modules, by name. given → right: what goes into them and comes out.
    mine → target: the same of the learner's. target is None where it raised or has no module for the part.
    stops:   the message with which it raised there, or "".
    step:    its first step that differs, or "" where none is seen.
    steps:   what its steps returned, by name.
    eps:     those of its BNs, by name.
    tolerance: how large a difference may be, as a part of the reference's largest value.
    """

    part: str
    modules: dict
    given: torch.Tensor
    right: torch.Tensor
    mine: torch.Tensor
    target: torch.Tensor | None
    stops: str
    step: str
    steps: dict
    eps: dict
    tolerance: float


def inside(part, values):
    """Return those of the values, name → value, that a part has, under their names in it. part: "" is the whole."""
    before = part and f"{part}."
    found = {name.removeprefix(before): value for name, value in values.items() if name.startswith(before)}
    return {name: value for name, value in found.items() if name and value is not None}


def search(case):
    """Return the mistake as a finding, or two at once, that gives the learner's result when planted into the
    reference's part, or None; and how many were tried."""
    far, steps, step = _distances(case), case.steps, case.step
    try:  # where the reference is built otherwise than it is computed here, nothing can be proved
        if far({}, case.given, case.right)[0] > 1e-5:
            return None, 0
    except (KeyError, AttributeError, TypeError):
        return None, 0
    enough = min(max(case.tolerance, 1e-6), far({})[0] / 10)
    singles, explaining, best = list(mistakes.of(case.part)[1](case.modules, case.eps)), [], ((True, inf, inf), None)
    for mistake in singles:
        distance, t = far(mistake[1])
        other = {n for n in t.keys() & steps.keys() if not gap(t[n], steps[n])[1] <= enough}
        # Where two mistakes come to the same result, the steps on the way tell which it is.
        best = min(best, ((distance > enough, len(other), distance), mistake[0]), key=lambda tried: tried[0])
        if step not in other if step else not other:
            explaining.append(mistake)
    if not best[0][0]:
        return best[1], len(singles)
    if not step and case.target is None:
        return None, len(singles)  # it stops, and no step shows anything
    # Of two mistakes, one explains the first step that differs by itself.
    for (one, a), (two, b) in islice(product(explaining, singles if step in steps else explaining), PAIRS):
        if not a.keys() & b.keys() and far(a | b)[0] <= enough:
            return found("two at once", one=one, two=two), len(singles)
    return None, len(singles)


def _distances(case):
    """A function of a change: how far from the learner's result the reference is with it, and the steps it gives."""
    run, steps = mistakes.of(case.part)[0], case.steps
    # Where the learner's network stops, a layer that it never came to proves nothing.
    ran = steps.keys() | {n.replace("bn", "conv") for n in steps}
    mine, once, usual = case.mine.to(case.given), mistakes.Once(), {}
    with contextlib.suppress(KeyError, AttributeError, TypeError, RuntimeError):
        run(case.modules, case.given, {}, usual)
    # Nor does a mistake that stops before a step that the learner's network has made; a shortcut may come first.
    made = {n for n in steps.keys() & usual.keys() if not n.startswith("shortcut")}

    def far(change, x=mine, target=case.target):
        t, result, said = {}, None, ""
        try:
            result = run(case.modules, x, {**change, "once": once}, t)
        except (RuntimeError, ValueError) as error:  # some changes stop, as the learner's network may
            said = str(error)
        distances = [inf]
        if target is not None and result is not None:
            distances = [gap(result, target)[1]]
        elif target is None and bool(case.stops) == (result is None) and all(n in ran for n in change if "conv" in n):
            alike = 0.0 if case.stops and case.stops == said else inf
            both = [gap(t[n], steps[n])[1] for n in t.keys() & steps.keys()] or [alike]
            distances = both if made <= t.keys() else [inf]
        return max(d if d >= 0 else inf for d in distances), t  # NaN is no match

    return far
