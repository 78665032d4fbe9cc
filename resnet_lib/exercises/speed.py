"""Checks of what makes a network fast: the steps that remain, and pictures a second."""

from collections import Counter
from functools import cache
from itertools import combinations

from torch import nn

from .._common import Kind, shapes_only
from ..blocks import BTNK1, BTNK2, Add
from ..network import ResNet
from ..speed.fast import as_graph
from ..speed.timing import Timing
from .edits import Solution
from .judge import judge
from .questions import Question
from .results import shown


def _list(names):
    return ", ".join(map(str, names))


# ── The steps that remain ────────────────────────────────────────────────────────────────────────────────────

PARTS = {"BTNK2": lambda: BTNK2(256), "BTNK1": lambda: BTNK1(64, 64), "ResNet-50": lambda: ResNet()}


def steps_question(part):
    """How many steps remain of "BTNK2", "BTNK1" or "ResNet-50", once every BN is folded and every sum and ReLU is
    joined to the convolution before it."""
    if part not in PARTS:
        raise ValueError(f"part = {part!r} must be one of {', '.join(map(repr, PARTS))}")
    found = _steps(part)
    joined = {f"the {name}{'s' * (found[kind] > 1)}": found[kind] for kind, name in JOINED.items()}
    answer = sum(found.values()) - sum(joined.values())
    projections, others = found["projection"], sum(found[kind] for kind in LEFT)

    def slip(guess):
        if guess > answer:
            said = _makes(guess - answer, {**joined, "the input": 1, "the output": 1})
            return f"You still count {said}." if said else "Something is still there that a convolution can do."
        said, fewer = "", answer - guess
        if projections and fewer >= projections:
            said += "A projection is a convolution as well. "
        if others:
            said += "What is neither convolution nor BN, ReLU or sum remains too: look at Stage 0 and at the head."
        return said or "Count the convolutions."

    kept = ", ".join(f"{n} {name}{'s' * (n > 1)}" for kind, name in KEPT.items() if (n := found[kind]))
    return Question(
        f"{part}: how many steps remain?",
        "number",
        answer,
        slip,
        f"{kept}.",
        hints=(
            "Go through the steps one by one: could a convolution before it do this one as well?",
            "The convolutions remain, projections included; and what is neither BN nor ReLU nor sum.",
            "Count every nn.Conv2d in modules(). For the network add Stage 0's pooling, and the head's pooling, …",
        ),
    )


JOINED = {"BatchNorm2d": "BN", "ReLU": "ReLU", "Add": "sum"}
LEFT = {
    "MaxPool2d": "pooling of Stage 0",
    "AdaptiveAvgPool2d": "pooling of the head",
    "Flatten": "flattening",
    "Linear": "linear layer",
}
KEPT = {"Conv2d": "convolution", "projection": "projection"} | LEFT


@cache
def _steps(part):
    """How many steps of each kind a part has; the convolution of a projection counts as "projection"."""
    with shapes_only():
        graph = as_graph(PARTS[part]())
    modules = dict(graph.named_modules())
    kinds = Counter()
    for node in graph.graph.nodes:
        if node.op == "call_module":
            module = modules[node.target]
            projects = isinstance(module, nn.Conv2d) and "shortcut" in node.target
            kinds["projection" if projects else "Add" if isinstance(module, Add) else type(module).__name__] += 1
    return kinds


def _makes(number, parts):
    """Which of the parts, alone or several together, make the number, in words; "" where none do."""
    parts = {name: n for name, n in parts.items() if n}
    for size in range(1, len(parts) + 1):
        fitting = [c for c in combinations(parts, size) if sum(parts[name] for name in c) == number]
        if fitting:
            return ", or ".join(" and ".join(c) for c in fitting[:2])
    return ""


# ── Pictures a second ────────────────────────────────────────────────────────────────────────────────────────


def check_pictures_a_second(f, *, exercise=None):
    """Check f(batch, timing): pictures a second, from the median of a `timing.Timing`."""
    timed = [Timing((0.05, 0.02, 0.09, 0.021, 0.3)), Timing((0.5, 0.4, 0.41)), Timing((1.7, 1.9, 1.6, 2.5, 1.65))]
    cases = [(batch, timing) for batch in (1, 4, 16) for timing in timed]
    return judge(
        f,
        lambda batch, timing: f"batch {batch}, of which a run takes {timing.median} s",
        cases,
        [RATES],
        RATES_HINTS,
        differs=lambda yours, right: (OTHER_RATE, {"yours": shown(yours, ",.4g"), "right": f"{right:,.4g}"}),
        exercise=exercise,
    )


OTHER_RATE = Kind("other rate", "{at}: you say {yours} pictures a second and it is {right}.")
RATES_HINTS = (
    "What is the unit of your number: pictures / seconds, or something else?",
    "One run does all the pictures of the batch, and takes timing.median seconds.",
    "return batch / …",
)
RATES = Solution(
    """
def pictures_a_second(batch, timing):
    return batch / timing.median
""",
    """
`batch / timing.median` → `timing.median / batch`
    Those are seconds a picture: turn the quotient over.
`batch /` → `1 /`
    Those are runs a second: a run does all the pictures of its batch.
` / ` → ` * `
    You multiply by the seconds: divide by them.
`timing.median` → `(timing.median / 1000)`
    The median is in seconds already, and not in milliseconds.
`timing.median` → `(sum(timing.seconds) / len(timing.seconds))`
    You take the mean, which one slow run draws up: take the median.
    Hint: A timing holds several runs. Which number of it stands for them all?
`timing.median` → `min(timing.seconds)`
    You take the quickest run: take the median.
    Hint: A timing holds several runs. Which number of it stands for them all?
`timing.median` → `max(timing.seconds)`
    You take the slowest run: take the median.
    Hint: A timing holds several runs. Which number of it stands for them all?
`timing.median` → `timing.seconds[0]`
    You take one run alone, the first: take the median.
    Hint: A timing holds several runs. Which number of it stands for them all?
`timing.median` → `timing.seconds[-1]`
    You take one run alone, the last: take the median.
    Hint: A timing holds several runs. Which number of it stands for them all?
`timing.median` → `sum(timing.seconds)`
    You take the time of all runs together: take the median, the time of one.
    Hint: A timing holds several runs. Which number of it stands for them all?
` / ` → ` // `
    You divide with //, which drops the digits after the point: take /.
""",
)


def batch_question(by_batch):
    """Which batch has the most pictures a second; by_batch: batch → `timing.Timing`."""
    rates = {n: n / timing.median for n, timing in by_batch.items()}
    best, shortest = max(rates, key=rates.get), min(by_batch, key=lambda n: by_batch[n].median)

    def slip(guess):
        if guess not in rates:
            return f"It is none of the batches timed, {_list(rates)}."
        if guess == shortest:
            return "That is the shortest run, and it does the fewest pictures: divide by its time."
        if guess == max(rates):
            return "The largest batch does the most pictures, and takes the longest for them: divide by its time."
        return "Another batch has more pictures a second."

    found = "; ".join(
        f"batch {n}: {rate:,.1f} (middle half {n / high:,.1f} to {n / low:,.1f})"
        for n, rate in rates.items()
        for low, high in [by_batch[n].middle]
    )
    return Question(
        "Which batch has the most pictures a second?",
        "number",
        best,
        slip,
        f"Pictures a second: {found}.",
        hints=(
            "What a run takes is not what a picture takes.",
            "Print pictures_a_second(n, by_batch[n]) for each n in by_batch.",
            "max(by_batch, key=lambda n: pictures_a_second(n, …))",
        ),
    )
