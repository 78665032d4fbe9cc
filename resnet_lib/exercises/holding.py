"""A learner's function against the right one: many inputs, and the mistake that gives the learner's results."""

import math
from functools import wraps
from itertools import combinations
from numbers import Real

import torch

from .._common import Finding, say
from ..compare.errors import IN_FUNCTIONS, stopped, where
from .diagnose import explains, of_arguments
from .hints import hints
from .progress import done
from .verdict import Verdict, Wrong


def number(value):
    """A function's result as a number, and what is wrong with it if it is none."""
    value = value.item() if isinstance(value, torch.Tensor) and value.numel() == 1 else value
    if isinstance(value, Real) and not isinstance(value, bool):
        return value, ""
    return value, "None: let it return its result" if value is None else f"a {type(value).__name__} and not a number"


def equal(a, b):
    return a == b or (isinstance(a, float) or isinstance(b, float)) and math.isclose(a, b, rel_tol=1e-12)


def shown(value, form=","):
    """A number as text; one that takes no such form, as a Fraction of older Pythons, as it prints itself."""
    try:
        return format(value, form)
    except (TypeError, ValueError):
        return str(value)


def difference(yours, right):
    return f"you say {shown(yours)} and it is {shown(right)}"


def refusal(kind, name, sentence, line=""):
    """What a check raises that is not content: with the hints of that kind. line: the learner's own."""
    return Wrong(Verdict(False, name, sentence, line, hints=hints(kind, sentence)))


def through(f, call):
    """`call` under the name of f: for a check that does more with its cases than to call f on them."""
    return wraps(f)(call) if callable(f) else f


def unknown(cases, got, due):
    """Nothing more can be said of the results."""


def hold(
    kind,
    f,
    names,
    cases,
    true,
    slip,
    slips,
    exercise,
    *,
    read=number,
    same=equal,
    tell=difference,
    why=unknown,
    meanings=(),
):
    """Call f on all cases and compare with `true`. Returns a `Verdict` or raises `Wrong`.

    kind:  the key of the hints. names: of the arguments, for sentences; a callable makes the sentence of a case.
    slip:  slip(wrong, *case) gives what the mistakes of that set would give, None where that cannot be known;
           slips: mistake → its sentence.
    read:  the learner's result → (in the form to compare, what is wrong with its form).
    same, tell: whether two results are equal, and how they differ in words.
    why: why(cases, got, due) gives a sentence where none of the slips does, or None.
    meanings: what Python's errors mean in this exercise, as in `errors.MEANINGS`.
    """
    name = getattr(f, "__name__", type(f).__name__)

    def wrong(sentence, line=""):
        return refusal(kind, name, sentence, line)

    if not callable(f):
        raise wrong(f"The check wants your function itself, and was given {f!r:.60}.")
    got, due, first, stop = [], [true(*case) for case in cases], None, None
    for case, right in zip(cases, due, strict=True):
        at = names(*case) if callable(names) else ", ".join(f"{n} = {v}" for n, v in zip(names, case, strict=True))
        before = [t.clone() for t in _tensors(case)]
        try:
            yours = f(*case)
        except Exception as error:  # whatever a learner's code raises is a finding
            stop = f"{at}: {stopped(error, (*meanings, *IN_FUNCTIONS))}", where(error)
            if first:
                break  # the inputs before it may say what is wrong
            raise wrong(*stop) from None
        if not all(map(torch.equal, before, _tensors(case))):
            raise wrong(f"{name} overwrites what it is given: make new tensors, or work on a copy.")
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
            if all(isinstance(n, Real) for n in cases[0]):
                said = of_arguments(names, cases, got, lambda *case: slip(set(), *case), same)
            said = said or why(cases, got, due) or _slipped(2, cases, got, slip, slips, same)
        said = say(said) if isinstance(said, Finding) else said
        if said is None and stop:
            raise wrong(*stop)
        if said is None:
            n = sum(map(same, got, due))
            said = f"It is right for {n} of {len(cases)} inputs, and none of {len(slips)} usual mistakes explains it."
            if len(got) > 1 and all(same(one, got[0]) for one in got):
                said += " It gives the same for every input: does it use what it is given?"
        raise wrong(f"{first} {said}")
    done(exercise)
    return Verdict(True, name, f"All {len(cases):,} inputs tried give the right result.")


def _slipped(n, cases, got, slip, slips, same):
    """The sentence of the mistake that gives the learner's results for all cases, or of two that do; for n = 2, of two
    mistakes made at once."""
    found = []
    for wrong in combinations(slips, n):
        try:
            if explains((slip(set(wrong), *case) for case in cases), got, same):
                found.append(" And: ".join(slips[w] for w in wrong))
        except (ArithmeticError, ValueError, RuntimeError):
            continue  # a change that cannot be computed is no explanation
        if len(found) == (2 if n == 1 else 1):
            break
    return " Or: ".join(found) or None


def _tensors(case):
    """The tensors of a case, those of its modules too."""
    found = []
    for part in case:
        parts = part.state_dict().values() if isinstance(part, torch.nn.Module) else [part]
        found += [t for t in parts if isinstance(t, torch.Tensor)]
    return found
