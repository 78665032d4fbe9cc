"""What a learner's numbers say by themselves, where no usual mistake gives them: arguments exchanged, taken for each
other or not used, a term too many or too few, everything off by one amount or factor."""

import dis
from fractions import Fraction
from itertools import combinations, permutations, product
from math import prod
from numbers import Integral, Real

from .._common import Finding, Kind

EXCHANGED = Kind("arguments exchanged", "{one} and {two} are exchanged: the order is {order}.")
TAKEN_FOR = Kind("one argument for another", "You use {used} where {right} is expected.")
UNUSED = Kind("argument unused", "{one} plays no part in your result: it is the same as with {one} = {value}.")
BOTH_UNUSED = Kind(
    "arguments unused",
    "{one} and {two} play no part in your result: it is the same as with {one} = {value} and {two} = {other}.",
)
LEFT_OUT = Kind("part left out", "Too low, left out: {parts}.")
TWICE = Kind("part counted twice", "Too high, counted twice: {parts}.")
SUBTRACTED = Kind("part subtracted", "Too low, subtracted, not added: {parts}.")
FACTOR_MORE = Kind("factor too many", "Yours is {name} times the right result: {name} is a factor too often.")
FACTOR_LESS = Kind("factor missing", "Yours times {name} is the right result: {name} is missing as a factor.")
BY_FACTOR = Kind(
    "by a factor", "Yours is {factor} times the right result, for every input: one factor concerns the whole."
)
BY_TERM = Kind("by a term", "Too {side} by {amount}, for every input: look at the term with {names}.")
BY_NUMBER = Kind("by a number", "Too {side} by {amount}, for every input: look at a number that stands alone.")
SHARE_LESS = Kind("factor missing in a part", "{part}: a factor {right} is missing.")
SHARE_MORE = Kind("factor too many in a part", "{part}: a factor {yours} too many.")
SHARE_OTHER = Kind("other factor in a part", "{part}: {yours} where {right} is expected.")
BITS = Kind(
    "bits for a power", "You write ^, which compares bits in Python and is no power: C to the power of 2 is C ** 2."
)


def explains(predicted, got, same):
    """Whether a mistake gives the learner's results; None where it cannot be known what it gives."""
    unknown = 0
    for p, yours in zip(predicted, got, strict=True):
        if p is None:
            unknown += 1
        elif not same(p, yours):
            return False
    return 2 * unknown < len(got)


def of_bits(f):
    """A finding for a formula that is written with ^, or None."""
    steps = dis.get_instructions(f) if hasattr(f, "__code__") else ()
    return Finding(BITS) if any(s.opname == "BINARY_XOR" or s.argrepr in ("^", "^=") for s in steps) else None


def of_arguments(names, cases, got, right, same):
    """Return what was done to the arguments, or None: exchanged, taken for each other, or not used.

    right: right(*case) gives the right result, for any numbers. The learner's own function is not called again: with
    other numbers a loop of it may never end.
    """
    places = range(len(names))

    def gives(change):
        try:
            return explains((right(*change(list(case))) for case in cases), got, same)
        except (ArithmeticError, ValueError, RuntimeError):
            return False  # what cannot be computed explains nothing

    for i, j in combinations(places, 2):
        if gives(lambda case, i=i, j=j: [*case[:i], case[j], *case[i + 1 : j], case[i], *case[j + 1 :]]):
            return Finding(EXCHANGED, values={"one": names[i], "two": names[j], "order": ", ".join(names)})
    for i, j in permutations(places, 2):
        if gives(lambda case, i=i, j=j: [*case[:i], case[j], *case[i + 1 :]]):
            return Finding(TAKEN_FOR, values={"used": names[j], "right": names[i]})
    for i in places:
        for n in (0, 1, 2, 3, *sorted({case[i] for case in cases} - {0, 1, 2, 3})):
            if gives(lambda case, i=i, n=n: [*case[:i], n, *case[i + 1 :]]):
                return Finding(UNUSED, values={"one": names[i], "value": n})
    # The first case is one that the lesson has shown: its tensor lies about, and may be used by mistake.
    for i, j in combinations(places, 2):
        m, n = cases[0][i], cases[0][j]
        if gives(lambda case, i=i, j=j, m=m, n=n: [*case[:i], m, *case[i + 1 : j], n, *case[j + 1 :]]):
            return Finding(BOTH_UNUSED, values={"one": names[i], "two": names[j], "value": m, "other": n})
    return None


def of_difference(sizes, terms, got, due):
    """Return the one term or factor by which all results are off, or None.

    sizes: for each case, name → number, of what the formula is made of. terms: for each case, what a part adds to the
    right result → its amount, so that a part left out or counted twice can be called by its name.
    """
    if not all(isinstance(n, Real) and abs(n) < 1e30 for n in got):
        return None
    got = [int(n) if isinstance(n, Integral) else Fraction(float(n)) for n in got]
    off = [a - b for a, b in zip(got, due, strict=True)]
    for times, kind in ((-1, LEFT_OUT), (1, TWICE), (-2, SUBTRACTED)):
        if named := [name for name in terms[0] if all(o == times * t[name] for o, t in zip(off, terms, strict=True))]:
            return Finding(kind, values={"parts": " or ".join(named)})
    return _of_factor(sizes, got, due) or _of_term(sizes, off) or _of_share(sizes, terms, off)


def _of_factor(sizes, got, due):
    if not all(due) or not any(got):
        return None
    for names in (*combinations(sizes[0], 1), *combinations(sizes[0], 2)):
        name, factors = "·".join(names), [prod(size[n] for n in names) for size in sizes]
        if all(a == b * factor for a, b, factor in zip(got, due, factors, strict=True)):
            return Finding(FACTOR_MORE, values={"name": name})
        if all(a * factor == b for a, b, factor in zip(got, due, factors, strict=True)):
            return Finding(FACTOR_LESS, values={"name": name})
    factors = {Fraction(a) / b for a, b in zip(got, due, strict=True)}
    if len(factors) == 1 and _small(factor := factors.pop()):
        return Finding(BY_FACTOR, values={"factor": factor})
    return None


def _of_term(sizes, off):
    for powers in sorted(product((0, 1, 2), repeat=len(sizes[0])), key=sum):
        term = [prod(n**k for n, k in zip(size.values(), powers, strict=True)) for size in sizes]
        factor = Fraction(off[0]) / term[0]
        if _small(factor) and all(o == factor * t for o, t in zip(off, term, strict=True)):
            names = [name + ("²" if k == 2 else "") for name, k in zip(sizes[0], powers, strict=True) if k]
            amount = "·".join(([] if abs(factor) == 1 and names else [str(abs(factor))]) + names)
            kind = BY_TERM if names else BY_NUMBER
            side = "high" if factor > 0 else "low"
            return Finding(kind, values={"side": side, "amount": amount, "names": "·".join(names)})
    return None


def _of_share(sizes, terms, off):
    """One part in which a factor is missing, is too many, or stands in for another."""
    factors = [{"1": 1, **size, "2": 2, "3": 3, "4": 4} for size in sizes]
    for name, (due, yours) in product(terms[0], permutations(factors[0], 2)):
        if {due, yours} <= {"1", "2", "3", "4"}:
            continue
        if all((o + t[name]) * f[due] == t[name] * f[yours] for o, t, f in zip(off, terms, factors, strict=True)):
            kind = SHARE_LESS if yours == "1" else SHARE_MORE if due == "1" else SHARE_OTHER
            part = f"{name[0].upper()}{name[1:]}"
            return Finding(kind, values={"part": part, "yours": yours, "right": due})
    return None


def _small(factor):
    """Whether a factor can have been written by hand."""
    return 0 < abs(factor.numerator) <= 100 and factor.denominator <= 32
