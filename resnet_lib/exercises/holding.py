"""A learner's function against the right one: many inputs, and the mistake that gives the learner's results."""

import math
from itertools import combinations
from numbers import Number

import torch

from .hints import hints
from .progress import done
from .telling import explains, of_arguments
from .verdict import IN_FUNCTIONS, Verdict, Wrong, stopped, where


def number(value):
    """A function's result as a number, and what is wrong with it if it is none."""
    value = value.item() if isinstance(value, torch.Tensor) and value.numel() == 1 else value
    if isinstance(value, Number) and not isinstance(value, bool):
        return value, ""
    return value, "None: let it return its result" if value is None else f"a {type(value).__name__} and not a number"


def equal(a, b):
    return a == b or (isinstance(a, float) or isinstance(b, float)) and math.isclose(a, b, rel_tol=1e-12)


def difference(yours, right):
    return f"you say {yours:,} and it is {right:,}"


def unknown(cases, got, due):
    """Nothing more can be said of the results."""


def hold(kind, f, names, cases, true, slip, slips, exercise, *, read=number, same=equal, tell=difference, why=unknown):
    """Call f on all cases and compare with `true`. Returns a `Verdict` or raises `Wrong`.

    kind:  the key of the hints. names: of the arguments, for sentences; a callable makes the sentence of a case.
    slip:  slip(wrong, *case) gives what the mistakes of that set would give, None where that cannot be known;
           slips: mistake → its sentence.
    read:  the learner's result → (in the form to compare, what is wrong with its form).
    same, tell: whether two results are equal, and how they differ in words.
    why: why(cases, got, due) gives a sentence where none of the slips does, or None.
    """
    name = getattr(f, "__name__", type(f).__name__)

    def wrong(sentence, line=""):
        return Wrong(Verdict(False, name, sentence, line, hints=hints(kind, sentence)))

    if not callable(f):
        raise wrong(f"The check wants your function itself, and was given {f!r:.60}.")
    got, due, first, stop = [], [true(*case) for case in cases], None, None
    for case, right in zip(cases, due, strict=True):
        at = names(*case) if callable(names) else ", ".join(f"{n} = {v}" for n, v in zip(names, case, strict=True))
        before = [t.clone() for t in _tensors(case)]
        try:
            yours = f(*case)
        except Exception as error:  # whatever a learner's code raises is a finding
            stop = f"{at}: {stopped(error, IN_FUNCTIONS)}", where(error)
            if first:
                break  # the inputs before it may say what is wrong
            raise wrong(*stop) from None
        if not all(map(torch.equal, before, _tensors(case))):
            raise wrong(f"{name} overwrites what it is given: make new tensors, or work on a .clone().")
        yours, problem = read(yours)
        if problem:
            raise wrong(f"{name} gives {problem}.")
        got.append(yours)
        if not same(yours, right) and first is None:
            first = f"{at}: {tell(yours, right)}."
    if first:
        every, cases, due = len(cases), cases[: len(got)], due[: len(got)]
        said = _slipped(1, cases, got, slip, slips, same)
        if said is None and len(got) >= min(3, every):  # to fewer results, too much fits by chance
            if all(isinstance(n, Number) for n in cases[0]):
                said = of_arguments(names, cases, got, lambda *case: slip(set(), *case), same)
            said = said or why(cases, got, due) or _slipped(2, cases, got, slip, slips, same)
        if said is None and stop:
            raise wrong(*stop)
        if said is None:
            n = sum(map(same, got, due))
            said = f"It is right for {n} of {len(cases)} inputs, and none of {len(slips)} usual mistakes explains it."
        raise wrong(f"{first} {said}")
    done(exercise)
    return Verdict(True, name, f"All {len(cases):,} inputs tried give the right result.")


def _slipped(n, cases, got, slip, slips, same):
    """The sentence of the mistake, or of n at once, that gives the learner's results for all cases."""
    for wrong in combinations(slips, n):
        try:
            if explains((slip(set(wrong), *case) for case in cases), got, same):
                return " And: ".join(slips[w] for w in wrong)
        except (ArithmeticError, ValueError, RuntimeError):
            continue  # a change that cannot be computed is no explanation
    return None


def _tensors(case):
    """The tensors of a case, those of its modules too."""
    found = []
    for part in case:
        parts = part.state_dict().values() if isinstance(part, torch.nn.Module) else [part]
        found += [t for t in parts if isinstance(t, torch.Tensor)]
    return found
