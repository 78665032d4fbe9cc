"""How long things take, fairly: everything warmed up, then run in turns, many times; medians and spreads.

One timing says little. The first run of anything is slower (memory is asked for, kernels are chosen), a processor
speeds up and slows down, and other programs want it too. What is to be compared therefore runs in turns: a slow
second then hits all of it.
"""

import statistics
import time
from dataclasses import dataclass

import torch

from .._common import check


@dataclass(frozen=True)
class Timing:
    """Seconds that the same work took, run after run."""

    seconds: tuple

    @property
    def median(self):
        """The one in the middle: half of the runs took less."""
        return statistics.median(self.seconds)

    @property
    def middle(self):
        """(low, high): the middle half of the runs lies between, the quartiles."""
        if len(self.seconds) == 1:
            return self.seconds * 2
        low, _, high = statistics.quantiles(self.seconds, n=4, method="inclusive")
        return low, high

    @property
    def undisturbed(self):
        """The lower quartile. Other programs only ever add time, so it says best what the work itself takes: for
        choosing between works, and for a machine's limits."""
        return self.middle[0]

    def times(self, other):
        """Return how many times as long as `other`: the quotient of the medians, so that it is what a reader computes
        from the two. Both must come from the same `timings`: in turns, a busy minute hits both."""
        if len(self.seconds) != len(other.seconds):
            raise ValueError(
                f"{len(self.seconds)} and {len(other.seconds)} runs: only what was timed in turns can be compared, so "
                "give both to one call of timings"
            )
        return self.median / other.median

    def __str__(self):
        low, high = self.middle
        return f"{ms(self.median)} ms (middle half {ms(low)} to {ms(high)}, {len(self.seconds)} runs)"


def ms(seconds):
    """Seconds as milliseconds in three digits, as text."""
    value = 1000 * seconds
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def timings(works, repeats=11, *, progress=None):
    """Time several works in turns.

    works:    a dictionary name → function without arguments.
    repeats:  timed runs of each, after one of each that does not count. In every round another one begins.
    progress: called as progress(done, total) after every run; what it raises ends the work.
    Returns a dictionary name → Timing. Raises ValueError for no works and for repeats that are no number.
    """
    for so_far, done, total in timing_steps(works, repeats):
        found = so_far
        if progress:
            progress(done, total)
    return found


def timing_steps(works, repeats=11):
    """As `timings`, run by run: a generator of (timings so far, done, total), for showing them as they come."""
    check(repeats=repeats)
    if not works:
        raise ValueError("nothing to time: give a dictionary name → function without arguments")
    return _time(dict(works), repeats)


def _time(works, repeats):
    total, done, taken = len(works) * (repeats + 1), 0, {name: [] for name in works}
    for work in works.values():
        run(work)
        done += 1
        yield {}, done, total
    names = list(works)
    for i in range(repeats):
        for name in names[i % len(names) :] + names[: i % len(names)]:
            taken[name].append(run(works[name]))
            done += 1
            yield {n: Timing(tuple(s)) for n, s in taken.items() if s}, done, total


def run(work):
    """Seconds that work() takes, to its very end: a GPU is still computing when the call comes back."""
    _wait()
    start = time.perf_counter()
    work()
    _wait()
    return time.perf_counter() - start


def counter():
    """A progress(done, total) for `timings` that prints one line, over itself."""

    def show(done, total):
        print(f"\r{done} of {total} runs", end="\n" if done == total else "", flush=True)

    return show


def _wait():
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.synchronize()
