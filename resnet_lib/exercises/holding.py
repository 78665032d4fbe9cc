"""A learner's function against the right one: many inputs, and the mistake that gives the learner's results."""

import math
from functools import wraps
from itertools import combinations
from numbers import Number

import torch

from .hints import hints
from .progress import done
from .verdict import Verdict, Wrong, stopped, where


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


def through(f, call):
    """`call` under the name of f: for a check that does more with its cases than to call f on them."""
    return wraps(f)(call) if callable(f) else f


def hold(kind, f, names, cases, true, slip, slips, exercise, *, read=number, same=equal, tell=difference):
    """Call f on all cases and compare with `true`. Returns a `Verdict` or raises `Wrong`.

    kind:  the key of the hints. names: of the arguments, for sentences; a callable makes the sentence of a case.
    slip:  slip(wrong, *case) gives what the mistakes of that set would give; slips: mistake → its sentence.
    read:  the learner's result → (in the form to compare, what is wrong with its form).
    same, tell: whether two results are equal, and how they differ in words.
    """
    name = getattr(f, "__name__", type(f).__name__)

    def wrong(sentence, line=""):
        return Wrong(Verdict(False, name, sentence, line, hints=hints(kind, sentence)))

    if not callable(f):
        raise wrong(f"The check wants your function itself, and was given {f!r:.60}.")
    got, due, first = [], [true(*case) for case in cases], None
    for case, right in zip(cases, due, strict=True):
        at = names(*case) if callable(names) else ", ".join(f"{n} = {v}" for n, v in zip(names, case, strict=True))
        try:
            yours = f(*case)
        except Exception as error:  # whatever a learner's code raises is a finding
            raise wrong(f"{at}: {stopped(error)}", where(error)) from None
        yours, problem = read(yours)
        if problem:
            raise wrong(f"{name} gives {problem}.")
        got.append(yours)
        if not same(yours, right) and first is None:
            first = f"{at}: {tell(yours, right)}."
    if first:
        said = _slipped(cases, got, slip, slips, same)
        if said is None:
            n = sum(map(same, got, due))
            said = f"It is right for {n} of {len(cases)} inputs, and none of {len(slips)} usual mistakes explains it."
        raise wrong(f"{first} {said}")
    done(exercise)
    return Verdict(True, name, f"All {len(cases):,} inputs tried give the right result.")


def _slipped(cases, got, slip, slips, same):
    """The sentence of the mistake that gives the learner's results for all cases, of each that does, or of two at
    once; or None."""

    def explains(*wrong):
        try:
            return all(same(slip(set(wrong), *case), yours) for case, yours in zip(cases, got, strict=True))
        except (ZeroDivisionError, ValueError, RuntimeError):
            return False  # a change that cannot be computed is no explanation

    if found := [slips[w] for w in slips if explains(w)]:
        return " Or: ".join(found)
    pairs = (f"{slips[a]} And: {slips[b]}" for a, b in combinations(slips, 2) if explains(a, b))
    return next(pairs, None)
