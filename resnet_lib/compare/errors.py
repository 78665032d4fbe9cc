"""What a Python error in the learner's own code probably means, and where it happened."""

import re
from functools import partial

from .._common import Finding, Kind, own_lines, with_article
from .endless import Endless, Left
from .meanings import MEANINGS

STOPPED = Kind("stopped", "{cause} (Python says: {said}.)")
STOPPED_AT_A_NAME = Kind("stopped at a name", STOPPED.sentence)
UNEXPLAINED = Kind("unexplained error", "Your code stops with an error.")
NOT_FILLED_IN = Kind("not filled in", "The exercise is not filled in yet.")
ENDLESS = Kind(
    "endless",
    "It was still running after {seconds:g} seconds and was stopped: is there a loop whose condition stays true?",
    "Print what the loop changes, once in each round: does it move towards the end?",
)
ENDS = Kind(
    "ends the program",
    "Your code ends the program itself: leave that out. A function ends with return.",
    "Look for exit(), quit(), sys.exit() and raise SystemExit.",
)
NO_KEY = Kind("no such key", "The dictionary has no {error}: print its keys.")


def meaning(error, first=()):
    """Return what a Python error in a learner's network probably means, a finding, or None where that is not known.

    first: (pattern, sentence) of one exercise, or (kind, pattern, sentence), that go before `MEANINGS`.
    """
    if isinstance(error, NotImplementedError) and "forward" not in text_of(error):
        return Finding(NOT_FILLED_IN)
    if name_of(error) in ("SystemExit", "KeyboardInterrupt", "GeneratorExit"):
        return Finding(ENDS)
    if isinstance(error, KeyError):
        return Finding(NO_KEY, values={"error": text_of(error)})
    for *name, pattern, sentence in (*first, *MEANINGS):
        if found := re.search(pattern, text_of(error)):
            groups = [g for g in found.groups() if g is not None]
            kind = Kind(*(name or ["explained"]), sentence if callable(sentence) else partial(_filled, sentence))
            return Finding(kind, values={"groups": groups})
    return None


def _filled(sentence, groups, **_):
    said = sentence.format(*groups)
    for name in filter(str.isidentifier, groups):  # a type's, as a rule
        said = re.sub(rf"\b([Aa]) {name}\b", lambda m: with_article(m[0][2:]).replace("a", m[1], 1), said)
    return said


def where(error, module=None):
    """The line of the learner's own code at which an error came up, as a sentence, or "". module: the one that was run,
    whose own line comes first where the error came up in a part of it."""
    own = [(place, frame.f_locals.get("self")) for frame, place in own_lines(error)]
    if not own:
        return ""
    last = own[-1][0]
    outer = next((place for place, runs in reversed(own) if module is not None and runs is module), last)
    inside = f". In there, line {last.lineno}: {last.line}" if outer is not last else ""
    return f"It stopped in {outer.name}, line {outer.lineno}: {outer.line}{inside}"


def stopped(error, first=()):
    """Return what happened, a finding: the kind of error, its message, and what it probably means, as in `meaning`."""
    if isinstance(error, Endless):
        return Finding(ENDLESS, values={"seconds": error.seconds})
    message = " ".join(text_of(error).split())[:300].rstrip(".")
    means = meaning(error, first) or Finding(UNEXPLAINED)
    kind = STOPPED_AT_A_NAME if isinstance(error, NameError | AttributeError | TypeError) else STOPPED
    said = f"{name_of(error)}: {message}" if message else name_of(error)
    return Finding(kind, values={"cause": means, "said": said})


def name_of(error):
    """Return what Python calls an error; across the grader's boundary the name alone remains of it."""
    return type(error.raised if isinstance(error, Left) else error).__name__


def text_of(error):
    """An error's message, as far as the patterns need it, without what differs from run to run; a learner's own class
    may not know how to print itself."""
    try:
        said = re.sub(r" at 0x[0-9a-fA-F]+", "", str(error)[:2_000])
    except Exception:
        return ""
    return said.partition(" while ")[0].partition(" in comp")[0] if isinstance(error, RecursionError) else said
