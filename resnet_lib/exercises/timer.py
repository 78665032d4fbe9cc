"""Check of a fair timer: works warmed up, then timed in turns."""

import math
import time
from array import array
from collections import Counter, deque
from collections.abc import Mapping
from math import isclose
from numbers import Real

import numpy
import torch

from .._common import a_type, kinds_of
from .edits import Solution
from .fake_clock import Stand
from .judge import judge
from .results import NO_RESULT, number


def check_fair(f, *, exercise=None):
    """Check f(works, repeats): name → list of `repeats` times in seconds; each work warmed up, then all in turns.

    Any order within a round is right, and any clock of the module `time` that nobody sets. It is tried on a clock of
    its own, so that the verdict does not depend on the machine.
    """

    def tried(f, lengths, repeats):
        stand = Stand(lengths)
        works = dict(stand.works)
        with stand.clocks(f):
            found = f(works, repeats)
        if works != stand.works:
            lengths.clear()  # what has been done to the works shows in the case, which is what the judge looks at
        return stand, repeats, found

    cases = [({"A": 1.3, "B": 0.02}, 5), ({"slow": 0.7, "quick": 0.01, "middling": 0.11}, 3), ({"alone": 0.05}, 1)]
    return judge(
        f,
        lambda lengths, repeats: f"works {_list(lengths)}, repeats = {repeats}",
        cases,
        [FAIR],
        FAIR_HINTS,
        true=lambda *case: _times(tried(FAIR.made(), *case))[0],
        call=tried,
        read=_times,
        same=_same_times,
        differs=_one_run,
        exercise=exercise,
    )


FAIR_HINTS = (
    "A time is what the clock shows after a work less what it showed right before, in seconds.",
    "First a loop over the works alone, the warm-up. Then two loops, one in the other, with the rounds outside.",
    "for _ in range(repeats): for name, work in works.items(): start = time.perf_counter(); work(); "
    "seconds[name].append(… − start).",
)
FAIR = Solution(
    """
def fair(works, repeats):
    for work in works.values():
        work()
    seconds = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            taken = time.perf_counter() - start
            seconds[name].append(taken)
    return seconds
""",
    r"""
`    for _ in` → `    start = time.perf_counter()\n    for _ in`; `            start = time.perf_counter()\n` → ``
    The clock was started once, before the loops, so each time holds all that ran before: read it again right before
    each work.
`    for work in` → `    start = time.perf_counter()\n    for work in`; `            start = time.perf_counter()\n` → ``
    The clock was started once, before the warm-up, so each time holds all that ran before: read it again right before
    each work.
`        for name` → `        start = time.perf_counter()\n        for name`; `            start = time.perf_counter()\n` → ``
    A work's time holds those before it in the round as well: read the clock again right before each work.
`            work()\n` → ``; `            start =` → `            work()\n            start =`
    The clock is read twice after the work, and nothing is between: read it right before the work too.
`time.perf_counter() - start` → `start - time.perf_counter()`
    You subtract the wrong way round: the end minus the start.
`time.perf_counter() - start` → `time.perf_counter()`
    That is what the clock shows at the end: subtract the start.
`time.perf_counter() - start` → `start`
    That is what the clock shows at the start: subtract it from what it shows at the end.
`append(taken)` → `append(1e3 * taken)`
    Those are milliseconds: return seconds.
`append(taken)` → `append(1e6 * taken)`
    Those are microseconds: return seconds.
`append(taken)` → `append(1e9 * taken)`
    Those are nanoseconds: return seconds.
`append(taken)` → `append(math.floor(taken))`
    Those are whole seconds: keep the digits after the point.
`time.perf_counter` → `time.process_time`
    That clock shows the processor's time, of all threads together: take time.perf_counter().
`return seconds` → `return {n: [sum(t) / len(t)] * len(t) for n, t in seconds.items()}`
    All times of a work are their mean: keep each run's own, for the median and the spread.
`return seconds` → `return {n: sorted(t) for n, t in seconds.items()}`
    You sort the times: leave them in the order of the runs, which shows whether the machine became slower.
`return seconds` → `return {n: sorted(t, reverse=True) for n, t in seconds.items()}`
    You sort the times: leave them in the order of the runs, which shows whether the machine became slower.
`return seconds` → `return {n: t[::-1] for n, t in seconds.items()}`
    The times are the wrong way round: the first run's comes first.
`return seconds` → `return {n: [sum(t[: i + 1]) for i in range(len(t))] for n, t in seconds.items()}`
    You add up: each time holds those of the work's earlier runs. Give each run's own.
`    for work in works.values():\n        work()\n` → ``; `(repeats)` → `(repeats + 1)`; `return seconds` → `return {n: t[:-1] for n, t in seconds.items()}`
    The warm-up's time is among them, and the last run's is not: leave out the first.
    Hint: A run whose time nobody takes is a warm-up: call each work once before the loops.
""",  # noqa: E501, one edit a line
    time=time,
    math=math,
)
KINDS = kinds_of(
    """
    no clock: {name} returns times, and no clock of the module time was read: time.perf_counter() is the clock.
    time of day: {name} reads the time of day, as time.time() does: that clock is set now and then, and may jump back.
        time.perf_counter() is the clock.
    a run's time: {at}: a run of {work} took {took:.3f} s and you say {time:,.3f}.
    Hint: Print what your function gives for two works and repeats = 3.
    no dictionary: {name} returns {type}: return a dictionary name → list of {repeats} times.
    other keys: {name} returns a dictionary with the keys {keys}: they should be the names of the works, {works}.
    one number: {name} returns one number for {work}: return a dictionary name → list of {repeats} times; the median
        comes later.
    no numbers: {name} returns no list of numbers for {work}: return a dictionary name → list of {repeats} times.
    timedeltas: {name} returns timedeltas for {work}, and seconds are expected: .total_seconds() gives them as a number.
    one list: {name} gives every work the same list, as dict.fromkeys(works, []) does: make one for each.
    too few: {name} returns {n} times of {work}, and repeats = {repeats}: each run gives one time.
    too many: {name} returns {n} times of {work}, and repeats = {repeats}.
    Hint: A run whose time nobody takes is a warm-up: call each work once before the loops.
    warm-up counted: {name} returns {n} times of {work}, and repeats = {repeats}: the warm-up does not count.
    too many runs: {name} runs each work more often than it should. The order was {order}: a work runs once for the
        warm-up, and then once for each of its times.
    no warm-up: {name} returns the first, slow run as a time. The order was {order}: there is no warm-up{of}.
    Hint: Print a name before each work runs. The right order is A B A B …, and not A A … B B ….
    never ran: {name} returns times of {works}, which never ran: call work().
    fewer runs: {name} returns more times than there were runs. The order was {order}: call each work for each of its
        times.
    one by one: {name} takes no turns. The order was {order}: one work after the other, not in turns{more}.
    no turns: {name} takes no turns. The order was {order}: not one of each in every round{more}.
    """
)


def _times(tried):
    stand, repeats, found = tried
    names, order = list(stand.works), [n for n, _ in stand.runs]
    problem = _misformed(found, names, repeats) or _unfair(order, names, repeats)
    if problem is None and (not stand.reads or stand.reads_of_day):
        problem = KINDS["time of day" if stand.reads else "no clock"], {}
    if problem:
        return found, problem
    took = {name: [s for n, s in stand.runs if n == name][-repeats:] for name in names}
    return {n: list(zip(map(float, found[n]), took[n], strict=True)) for n in names}, None


def _misformed(found, names, repeats):
    """What is wrong with the form of a timer's result, (kind, values), or None."""
    if found is None:
        return NO_RESULT, {"what": "its dictionary"}
    if not isinstance(found, Mapping):
        return KINDS["no dictionary"], {"type": a_type(found), "repeats": repeats}
    if set(found) != set(names):
        return KINDS["other keys"], {"keys": _list(found) or "none", "works": _list(names)}
    for name, times in found.items():
        values = {"work": name, "repeats": repeats}
        if isinstance(times, Real):
            return KINDS["one number"], values
        if not isinstance(times, list | tuple | deque | array | numpy.ndarray | torch.Tensor):
            return KINDS["no numbers"], values
        if not all(map(_finite, times)):
            kinds = {type(t.item() if isinstance(t, numpy.generic) else t).__name__ for t in times}
            return KINDS["timedeltas" if kinds == {"timedelta"} else "no numbers"], values
        n = len(times)
        if n == repeats:
            continue
        if len(names) > 1 and len({id(t) for t in found.values()}) == 1:
            return KINDS["one list"], {}
        kind = "warm-up counted" if n == repeats + 1 else "too few" if n < repeats else "too many"
        return KINDS[kind], {"n": n, **values}
    return None


def _unfair(order, names, repeats):
    """What is wrong with the order in which works ran, (kind, values), or None."""
    never = [name for name in names if name not in order]
    if never:
        return KINDS["never ran"], {"works": _list(never)}
    timed = len(names) * repeats
    before, rounds = order[:-timed], [order[-timed:][i : i + len(names)] for i in range(0, timed, len(names))]
    turns = all(set(each) == set(names) for each in rounds)
    cold = [name for name in names if name not in before]
    values = {"order": " ".join(order[:24]) + (" …" if len(order) > 24 else "")}
    if len(order) < timed:
        return KINDS["fewer runs"], values
    if not turns and min(Counter(order).values()) > repeats + 1:
        return KINDS["too many runs"], values
    if not turns:
        blocks = [name for i, name in enumerate(order) if i == 0 or order[i - 1] != name]
        more = "; and there is no warm-up" if len(order) == timed else ""
        return KINDS["one by one" if len(blocks) == len(names) else "no turns"], {**values, "more": more}
    if cold:
        return KINDS["no warm-up"], {**values, "of": "" if len(cold) == len(names) else f" of {_list(cold)}"}
    return None


def _finite(time):
    value, problem = number(time)
    return problem is None and math.isfinite(value)


def _list(names):
    return ", ".join(map(str, names))


def _same_times(a, b):
    if a.keys() != b.keys():
        return False
    pairs = [(x - took_x, y - took_y) for n in a for (x, took_x), (y, took_y) in zip(a[n], b[n], strict=True)]
    return all(isclose(x, y, rel_tol=1e-4, abs_tol=1e-4) for x, y in pairs)


def _one_run(yours, _right):
    every = [(n, t, s) for n, pairs in yours.items() for t, s in pairs]
    work, time, took = max(every, key=lambda run: abs(run[1] - run[2]))
    return KINDS["a run's time"], {"work": work, "time": time, "took": took}
