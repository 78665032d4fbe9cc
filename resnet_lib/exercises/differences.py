"""Where two networks first differ: predicted, and mended until they do not."""

from copy import deepcopy
from weakref import WeakKeyDictionary

import torch

from .._common import Finding, Kind, gap, one_thread, say
from ..activations import calls, step_names
from ..compare.endless import Endless, within
from ..compare.errors import meaning, stopped, where
from ..compare.kinds import several
from ..compare.matching import compare
from ..compare.proof import ladder
from ..compare.reference import Reference
from .parts import LOUD
from .progress import done
from .questions import Question
from .symptoms import hints_for
from .verdict import Verdict, Wrong

NO_FUNCTION = Kind("no function given", "The check expects a function that makes the network, and was given {type}.")
NOT_MADE = Kind("network not made", "{cause}")
NOT_COMPARED = Kind("not comparable", "It cannot be compared: {error}.")
DIFFERENT = Kind("different", "{headline} {cause}")
EQUAL_FORWARD = Kind("equal in eval alone", "On this picture all steps are equal, in eval(). {cause}")

TOLERANCE = 1e-5  # as the ladder's: who writes a part otherwise may round otherwise


def first_difference_question(text, network, reference, x, *, steps=None):
    """At which step two networks with the same weights first give different numbers.

    Both run on x, (batch, C, H, W), in the mode they are in, and stay as they are. steps: names of parts in both;
    every step that both have unless given. The answer is found by running them. ValueError where no step differs.
    """
    differs, first, at = _differ(network, reference, x, steps)
    if first is None:
        raise ValueError("the two networks give the same numbers at every step, so there is no first difference")
    part = first.split(".")[0]

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


_ANSWERS = WeakKeyDictionary()  # network → what its answer of the last time depends on, and the answer


@one_thread()
def _differ(network, reference, x, steps):
    """step → whether it differs, in the order in which the reference runs; the first that does, or None; and the first
    module inside that one, or "".

    The answer is kept: nothing in it depends on a guess, and a learner guesses more than once.
    """
    wanted = None if steps is None else list(steps)
    state = x._version, wanted, _state(network), _state(reference)
    if network in _ANSWERS and _ANSWERS[network][:3] == (id(reference), id(x), state):
        return _ANSWERS[network][-1]
    names = {name for name, _ in network.named_modules()} & {name for name, _ in reference.named_modules()} - {""}
    leaves = step_names(reference)
    # Copies: in training mode a run changes BN's stored numbers.
    mine, theirs = (calls(deepcopy(m), x, names, strict=False) for m in (network, reference))
    both = [name for name in theirs if name in mine]

    def other(name):
        return not _equal(mine[name].output, theirs[name].output)

    differs = {name: other(name) for name in both if name in (leaves if steps is None else wanted)}
    first = next((name for name in differs if differs[name]), None)
    at = next(
        (name for name in both if name.startswith(f"{first}.") and name in step_names(reference) and other(name)), ""
    )
    # What the ids belong to is kept alive, so that no id comes again.
    _ANSWERS[network] = id(reference), id(x), state, (reference, x), (differs, first, at)
    return _ANSWERS[network][-1]


def _state(network):
    """What a network computes with, as far as it can change: options, modes, weights."""
    modes = [(m.training, id(vars(m).get("forward"))) for m in network.modules()]
    return repr(network), modes, [(id(t), t._version) for t in (*network.parameters(), *network.buffers())]


def _equal(a, b):
    return a.shape == b.shape and (torch.equal(a, b) or gap(a, b)[1] <= TOLERANCE)


def check_ladder(make, reference, x=None, *, exercise=None):
    """make(): a network, held against the reference step by step with `proof.ladder`, on the same weights.

    x: (batch, C, H, W), drawn unless given. The verdict says where the first difference is; what is wrong there, as far
    as the ladder can tell, is its last hint.
    """

    def wrong(kind, line="", remarks=(), said="", **values):
        found = Finding(kind, values=values)
        hints = hints_for("ladder", found)
        if said and values["cause"]:  # where it differs is said, and why is the last hint
            hints = (*hints[:-1], say(values["cause"]))
        return Wrong(Verdict(False, "Your network", said, line, remarks=remarks, hints=hints, finding=found))

    if not callable(make) or isinstance(make, torch.nn.Module):
        raise wrong(NO_FUNCTION, type=type(make).__name__)
    # Copies: what the learner's code does to them cannot make its network equal.
    reference, x = deepcopy(reference), x if x is None else x.clone()
    with torch.random.fork_rng(devices=[]), one_thread():
        try:
            with within():
                network = make()
        except Exception as error:  # whatever a learner's code raises is a finding
            raise wrong(NOT_MADE, where(error), cause=stopped(error)) from None
        try:
            found = ladder(network, reference, x)
        except ValueError as error:
            raise wrong(NOT_COMPARED, error=error) from None
    if isinstance(found.error, Endless):
        raise wrong(NOT_MADE, where(found.error), cause=stopped(found.error))
    if not found.equal:
        explained = several(found.error and meaning(found.error), found.finding)
        said = "" if found.error else found.headline
        raise wrong(DIFFERENT, remarks=found.notes, said=said, headline=found.headline, cause=explained)
    draw = torch.Generator().manual_seed(0)
    C = 3 if x is None else x.shape[1]
    inputs = [torch.randn(2, C, 33, 40, generator=draw), LOUD * torch.randn(2, C, 40, 33, generator=draw)]
    try:
        other = compare(network, Reference(reference, inputs))
    except Endless as error:
        raise wrong(NOT_MADE, where(error), cause=stopped(error)) from None
    if other:
        raise wrong(EQUAL_FORWARD, other.where, cause=other.finding)
    done(exercise)
    return Verdict(True, "Your network", found.headline, remarks=found.notes)
