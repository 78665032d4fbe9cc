"""What a function that was right gives otherwise when it is asked again, or when a call leaves something out."""

import inspect
import io
from contextlib import redirect_stdout
from copy import deepcopy
from itertools import cycle, islice

from .._common import Finding, Kind
from ..compare import endless
from ..compare.endless import within
from ..compare.errors import stopped
from .taking import OTHER_DEFAULT
from .unaffected import torch_again

CALLS = 60  # what is wrong once in ten calls shows in all but 2 of 1,000
SECONDS = 0.25  # of `endless.clock`, for all of them
AGAIN = Kind(
    "asked again",
    "{name} was right at first, and is not when it is asked again. {what}",
    "What does it keep from one call to the next: a name made outside it, or a list in its brackets, as in "
    "def f(n, seen=[])?",
)
LEFT_OUT = Kind("left out", "Where a call leaves something out: {what}", OTHER_DEFAULT.hint)
STOPS = Kind("stops again", "{at}: {said}")


def otherwise(f, cases, due, results):
    """What a function gives otherwise than at first, a finding, or None.

    results: the `judge.Results` of f, right for all cases. The last is asked first; of slow ones only the quickest.
    """
    slowest = max(min(results.seconds), SECONDS / 10)
    quick = [i for i in reversed(range(len(cases))) if results.seconds[i] <= slowest]
    until = endless.clock() + SECONDS
    with redirect_stdout(io.StringIO()):  # what is printed was printed before
        for i in islice(cycle(quick), CALLS):
            if what := _wrong(f, cases[i], due[i], results):
                return Finding(AGAIN, what.where, {"name": results.name, "what": what})
            if endless.clock() > until:
                break
        return _left_out(f, cases, due, results)


def _left_out(f, cases, due, results):
    """What is wrong where a call leaves out what is what the right function takes then, a finding, or None."""
    try:
        takes, right = (list(inspect.signature(each).parameters.values()) for each in (f, results.true))
    except (TypeError, ValueError):  # one of C has none
        return None
    takes, right = ([p for p in each if p.kind is p.POSITIONAL_OR_KEYWORD] for each in (takes, right))
    right = right[: len(cases[0])] if len(takes) >= len(cases[0]) else []  # not where it takes them with a *
    # Not sum(…): an answer may have put another function in its place.
    needed = len([p for p in right if p.default is p.empty])
    for n in range(needed, len(right)):
        usual = [p.default for p in right[n:]]
        if any(p.default is p.empty for p in takes[n:]):  # it has no such default
            continue
        for case, expected in zip(cases, due, strict=True):
            if list(case[n:]) == usual and (what := _wrong(f, case[:n], expected, results)):
                return Finding(LEFT_OUT, what.where, {"what": what})
    return None


def _wrong(f, case, right, results):
    """What is wrong with the result for one case, of which the last may be left out; a finding, or None."""
    at = results.at(case)
    try:
        with torch_again(), within():
            yours = results.call(f, *deepcopy(case))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever a learner's code raises is a finding
        return Finding(STOPS, at, {"at": at, "said": stopped(error)})
    return results.wrong(yours, right, at)
