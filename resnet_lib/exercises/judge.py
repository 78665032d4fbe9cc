"""Judge a learner's function: call it on many inputs, and where a result is wrong, find the mistake that gives it.

A mistake is an edit of the right solution: `Solution` holds both, check and mutation tests read the same table.
"""

import math
import re
from dataclasses import dataclass, replace
from itertools import combinations
from numbers import Real
from textwrap import dedent

import torch

from .._common import Finding, Kind, one_thread
from ..compare.errors import IN_FUNCTIONS, stopped, where
from .diagnose import explains, of_arguments
from .progress import done
from .verdict import Verdict, refuse

NO_FUNCTION = Kind(
    "not a function",
    "The check expects your function itself, and was given {given}.",
    "Write the name of your function alone, without brackets behind it.",
)
NO_RESULT = Kind(
    "returns None",
    "{name} returns None: let it return {what}.",
    "Is there a return, with what you have computed behind it?",
)
NO_NUMBER = Kind("not a number", "{name} returns a {type} and not a number.")
STOPPED = Kind("stopped", "{at}: {said}", "Read the line at which it stopped, and print what it is given.")
OVERWRITES = Kind("overwrites", "{name} overwrites what it is given: make new tensors, or work on a copy.")
OTHER = Kind("other result", "{at}: you say {yours} and it is {right}.")
UNEXPLAINED = Kind(
    "unexplained", "It is right for {right} of {cases} inputs, and none of {mistakes} usual mistakes explains it."
)
CONSTANT = Kind(
    "same for every input",
    "It gives the same for every input: does it use what it is given?",
    "Does your function use the names in its brackets, or some that an earlier cell made?",
)


_HINT = "Hint: "  # begins the last line of a mistake with a hint of its own


@dataclass(frozen=True)
class Edit:
    """A mistake: what it changes in the text of the right solution, ((old, new), …), and its kind."""

    changes: tuple
    kind: Kind


class Solution:
    """A right solution as text, and the usual mistakes in it, each as the edit that makes it.

    text:  Python whose last function is the solution.
    table: its mistakes. A line `old` → `new` (several of them with "; " between) says what is replaced, wherever it
           stands, with \\n for the end of a line; the indented lines after it are the sentence, and "Hint: …" where to
           look, for a mistake with a hint of its own. One that is not indented holds for all mistakes below it.
    names: what the text uses beside Python's own.
    Where the text returns None, an input says nothing: how a mistake shows there depends on how it is written.
    Raises ValueError for an edit whose old text does not occur.
    """

    def __init__(self, text, table, **names):
        self.text, self.names, self._made = dedent(text).strip() + "\n", names, {}
        edits, hint = [], ""
        for row in re.split(rf"^(?=`|{_HINT})", dedent(table).strip(), flags=re.MULTILINE):
            if row.startswith(_HINT):
                hint = row.strip().removeprefix(_HINT)
            elif row:
                edits.append(self._edit(hint, *row.splitlines()))
        self.edits = tuple(edits)

    def _edit(self, hint, head, *words):
        head = head.replace(r"\n", "\n")
        changes = tuple(re.findall("`([^`]*)` → `([^`]*)`", head))
        if not changes or self._text(changes) is None:
            raise ValueError(f"the edit {head} does not apply to the solution")
        words = list(map(str.strip, words))
        hint = words.pop().removeprefix(_HINT) if words[-1].startswith(_HINT) else hint
        return Edit(changes, Kind(head, _plain(" ".join(words)), hint))

    def _text(self, changes):
        text = self.text
        for old, new in changes:
            if old not in text:
                return None
            text = text.replace(old, new)
        return text

    def made(self, *edits):
        """Return the function with these edits made, or None where the second finds nothing left to change."""
        if edits not in self._made:
            text, space = self._text([change for edit in edits for change in edit.changes]), dict(self.names)
            before = set(space)
            if text is not None:
                exec(compile(text, "<solution>", "exec"), space)
            made = [value for name, value in space.items() if name not in before and callable(value)]
            self._made[edits] = made[-1] if made else None
        return self._made[edits]

    def mistakes(self, *case):
        """Return (finding, result) for each mistake that gives a result for these inputs."""
        found = []
        for edit in self.edits:
            try:
                found.append((Finding(edit.kind), self.made(edit)(*case)))
            except Exception:  # an edit that cannot be computed here
                continue
        return found


def _plain(sentence):
    """A sentence without values: its brackets are no places of a template."""
    return sentence.replace("{", "{{").replace("}", "}}")


def number(value):
    """Return a function's result as a number, and what is wrong with its form, (kind, values), or None."""
    value = value.item() if isinstance(value, torch.Tensor) and value.numel() == 1 else value
    if isinstance(value, Real) and not isinstance(value, bool):
        return value, None
    return value, (NO_RESULT, {"what": "its result"}) if value is None else (NO_NUMBER, {"type": type(value).__name__})


def equal(a, b):
    return a == b or (isinstance(a, float) or isinstance(b, float)) and math.isclose(a, b, rel_tol=1e-12)


def shown(value, form=","):
    """Return a number as text; one that takes no such form, as a Fraction of older Pythons, as it prints itself."""
    try:
        return format(value, form)
    except (TypeError, ValueError):
        return str(value)


def difference(yours, right):
    """Return how two numbers differ, (kind, values)."""
    return OTHER, {"yours": shown(yours), "right": shown(right)}


def called(f, *case):
    return f(*case)


def unknown(cases, got, due):
    """Nothing more can be said of the results."""


@one_thread()
def judge(
    f,
    names,
    cases,
    solutions,
    hints,
    *,
    true=None,
    call=called,
    run=None,
    read=number,
    same=equal,
    differs=difference,
    why=unknown,
    meanings=(),
    stuck=STOPPED.hint,
    exercise=None,
):
    """Call f on all cases, compare with the right results, and return a `Verdict`; raise `Wrong` with the mistake.

    names:     of the arguments, for sentences; or a function that names a case.
    solutions: `Solution`s, in the usual ways of solving it; the first gives the right results unless `true` does.
    hints:     where to look, what it consists of, and nearly the solution.
    call, run: call(f, *case), where a case is more than its arguments; run(solution, *case), where a solution is called
               in another way than the learner's function.
    read:      the learner's result → (it in the form to compare, what is wrong with its form or None).
    same, differs: whether two results are equal, and how they differ, (kind, values).
    why:       why(cases, got, due), a finding where none of the edits explains the results, or None.
    meanings:  what Python's errors mean in this exercise, as in `errors.MEANINGS`.
    stuck:     where to look when Python stops with an error.
    """
    name = getattr(f, "__name__", type(f).__name__)
    if not callable(f):
        raise refuse(name, [Finding(NO_FUNCTION, values={"given": f"{f!r:.60}"})], hints)
    true, run = true or solutions[0].made(), run or call
    got, due, first, stop, line = [], [true(*case) for case in cases], None, None, ""
    for case, right in zip(cases, due, strict=True):
        at = names(*case) if callable(names) else ", ".join(f"{n} = {v}" for n, v in zip(names, case, strict=True))
        before = [t.clone() for t in _tensors(case)]
        try:
            yours = call(f, *case)
        except Exception as error:  # whatever a learner's code raises is a finding
            said = stopped(error, (*meanings, *IN_FUNCTIONS))
            stop = Finding(replace(STOPPED, hint=stuck), at, {"at": at, "said": said})
            line = where(error)
            if first:
                break  # the inputs before it may say what is wrong
            raise refuse(name, [stop], hints, line) from None
        if not all(map(torch.equal, before, _tensors(case))):
            raise refuse(name, [Finding(OVERWRITES, at, {"name": name})], hints)
        yours, problem = read(yours)
        if problem:
            kind, values = problem
            raise refuse(name, [Finding(kind, at, {"name": name, **values})], hints)
        got.append(yours)
        if first is None and not same(yours, right):
            kind, values = differs(yours, right)
            first = Finding(kind, at, {"at": at, **values})
    if first is None:
        done(exercise)
        return Verdict(True, name, f"All {len(cases):,} inputs tried give the right result.")
    cases, due, every = cases[: len(got)], due[: len(got)], len(cases)

    def given(solution, edits):
        """Whether a solution with these edits gives the learner's results."""
        try:
            f = solution.made(*edits)
            return f is not None and explains((read(run(f, *case))[0] for case in cases), got, same)
        except Exception:  # two edits that give no Python, or cannot be computed, explain nothing
            return False

    # Two ways of solving it may know one mistake by the same sentence.
    single = list({e.kind.sentence: e.kind for s in solutions for e in s.edits if given(s, (e,))}.values())[:2]
    if single:
        raise refuse(name, [first, *map(Finding, single)], hints, link=" Or: ")
    if len(got) >= min(3, every):  # to fewer results, too much fits by chance
        if not callable(names) and all(isinstance(n, Real) for n in cases[0]):
            if found := of_arguments(names, cases, got, solutions[0].made(), same):
                raise refuse(name, [first, found], hints)
        if found := why(cases, got, due):
            raise refuse(name, [first, found], hints)
        for solution in solutions:
            for pair in combinations(solution.edits, 2):
                if given(solution, pair):
                    raise refuse(name, [first, *(Finding(e.kind) for e in pair)], hints, link=" And: ")
    if stop:
        raise refuse(name, [stop], hints, line)
    right, tried = sum(map(same, got, due)), sum(len(s.edits) for s in solutions)
    found = [Finding(UNEXPLAINED, values={"right": right, "cases": len(cases), "mistakes": tried})]
    if len(got) > 1 and all(same(one, got[0]) for one in got):
        found.append(Finding(CONSTANT))
    raise refuse(name, [first, *found], hints)


def _tensors(case):
    """The tensors of a case, those of its modules too."""
    found = []
    for part in case:
        parts = part.state_dict().values() if isinstance(part, torch.nn.Module) else [part]
        found += [t for t in parts if isinstance(t, torch.Tensor)]
    return found
