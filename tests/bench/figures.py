"""Measured times, and how they are printed."""

import statistics
import time
from dataclasses import dataclass


@dataclass
class Times:
    """Milliseconds."""

    all: list

    @property
    def median(self):
        return statistics.median(self.all)

    @property
    def p95(self):
        ordered = sorted(self.all)
        return ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]

    def __str__(self):
        return (
            f"median {number(self.median)}   p95 {number(self.p95)}   "
            f"{number(min(self.all))}–{number(max(self.all))} ms   n = {len(self.all)}"
        )


def number(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def timed(work):
    """Milliseconds that work() takes."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def in_turns(ours, theirs, count):
    """Both timed alternately, each first every other time, after one run of each that does not count. Two Times
    and the median of the ratios ours ÷ theirs of neighbouring runs, which a machine busy for a while leaves alone."""
    ours(), theirs()
    pairs = []
    for i in range(count):
        if i % 2:
            b, a = timed(theirs), timed(ours)
        else:
            a, b = timed(ours), timed(theirs)
        pairs.append((a, b))
    ratio = statistics.median(a / b for a, b in pairs)
    return Times([a for a, _ in pairs]), Times([b for _, b in pairs]), ratio


def title(text):
    print(f"\n{text}", flush=True)


def line(name, what, goal="", met=None):
    """One figure; `goal` in words, and whether it is met."""
    verdict = "" if met is None else "   ✓" if met else "   ✗"
    print(f"  {name:<34} {what}" + (f"   [goal {goal}]{verdict}" if goal else ""), flush=True)
