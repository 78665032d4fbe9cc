"""Where two networks first differ: predicted, and mended until they do not."""

from copy import deepcopy

import torch

from .._common import Finding, Kind, gap, one_thread
from ..activations import calls, step_names
from ..compare.errors import meaning, stopped, where
from ..compare.proof import ladder
from ..compare.words import several
from .prediction import Question
from .progress import done
from .symptoms import hints_for
from .verdict import Verdict, Wrong

NO_FUNCTION = Kind("no function given", "The check expects a function that makes the network, and was given {type}.")
NOT_MADE = Kind("network not made", "{cause}")
NOT_COMPARED = Kind("not comparable", "It cannot be compared: {error}.")
DIFFERENT = Kind("different", "{headline} {cause}")

TOLERANCE = 1e-5  # as the ladder's: who writes a part otherwise may round otherwise


def first_difference_question(text, network, reference, x, *, steps=None):
    """At which step two networks with the same weights first give different numbers.

    Both run on x, (batch, C, H, W), in the mode they are in, and stay as they are. steps: names of parts in both;
    every step that both have unless given. The answer is found by running them. ValueError where no step differs.
    """
    differs = _differ(network, reference, x, steps)
    first = next((name for name, other in differs.items() if other), None)
    if first is None:
        raise ValueError("the two networks give the same numbers at every step, so there is no first difference")
    part = first.split(".")[0]
    inside = (set(step_names(reference)) & set(step_names(network))) if steps is not None else ()
    inside = {name for name in inside if name.startswith(f"{first}.")}
    at = next((n for n, other in _differ(network, reference, x, inside).items() if other), "") if inside else ""

    def slip(guess):
        if not differs[guess]:
            return "It still gives the same numbers in both."
        near = " You are in the right stage." if guess.split(".")[0] == part != first else ""
        return f"It differs too, but one that runs before it differs already.{near}"

    order = list(differs)
    before = order[order.index(first) - 1] if first != order[0] else ""
    return Question(
        f"{text}: which {'step' if steps is None else 'part'} is the first to differ?",
        "choice",
        first,
        slip,
        f"In it, {at} is the first step that differs." if at else "",
        options=tuple(order),
        hints=(
            "What runs before the mistake is equal. Where it sits, the first difference is.",
            *([f"It is in {part}."] if part != first else []),
            f"{before} is the last that is still equal." if before else "Nothing runs before it.",
        ),
    )


def _differ(network, reference, x, steps):
    """step → whether it differs, in the order in which the reference runs."""
    steps = set(step_names(reference)) & set(step_names(network)) if steps is None else steps
    # Copies: in training mode a run changes BN's stored numbers.
    mine, theirs = (calls(deepcopy(m), x, steps, strict=False) for m in (network, reference))
    return {n: not gap(mine[n].output, theirs[n].output)[1] <= TOLERANCE for n in theirs if n in mine}


def check_ladder(make, reference, x=None, *, exercise=None):
    """make(): a network, held against the reference step by step with `proof.ladder`, on the same weights.

    x: (batch, C, H, W), drawn unless given. The verdict has the ladder's sentences: where the first difference is and,
    where that can be proved, what is wrong.
    """

    def wrong(kind, line="", remarks=(), **values):
        found = Finding(kind, values=values)
        hints = hints_for("ladder", found)
        return Wrong(Verdict(False, "Your network", where=line, remarks=remarks, hints=hints, finding=found))

    if not callable(make) or isinstance(make, torch.nn.Module):
        raise wrong(NO_FUNCTION, type=type(make).__name__)
    with torch.random.fork_rng(devices=[]), one_thread():
        try:
            network = make()
        except Exception as error:  # whatever a learner's code raises is a finding
            raise wrong(NOT_MADE, where(error), cause=stopped(error)) from None
        try:
            found = ladder(network, reference, x)
        except ValueError as error:
            raise wrong(NOT_COMPARED, error=error) from None
    if not found.equal:
        explained = several(found.error and meaning(found.error), found.finding)
        raise wrong(DIFFERENT, remarks=found.notes, headline=found.headline, cause=explained)
    done(exercise)
    return Verdict(True, "Your network", found.headline, remarks=found.notes)
