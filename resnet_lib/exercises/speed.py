"""Checks of what makes a network fast: FLOPs a byte, the steps that remain, pictures a second."""

from collections import Counter
from functools import cache
from itertools import combinations
from math import isclose
from numbers import Real

from torch import nn

from .._common import Finding, Kind, shapes_only
from ..anatomy import anatomy
from ..blocks import BTNK1, BTNK2, Add
from ..network import ResNet
from ..speed.fast import as_graph
from ..speed.timing import Timing
from .diagnose import of_difference
from .edits import Solution
from .judge import judge
from .questions import Question, choice_question
from .results import shown


def _list(names):
    return ", ".join(map(str, names))


# ── FLOPs a byte ─────────────────────────────────────────────────────────────────────────────────────────────


def check_intensity(f, *, exercise=None):
    """Check f(C, C_out, k, W, W_out, batch): FLOPs a byte of a convolution without bias, in float32, each number moved
    once."""
    cases = [
        (64, 256, 1, 56, 56, 1),
        (256, 256, 3, 14, 14, 1),
        (2048, 1000, 1, 1, 1, 1),
        (2048, 1000, 1, 1, 1, 64),
        (3, 64, 7, 224, 112, 1),
        (12, 20, 3, 9, 5, 3),
        (64, 64, 3, 56, 56, 16),
        (5, 7, 5, 15, 15, 2),
    ]
    return judge(
        f,
        ("C", "C_out", "k", "W", "W_out", "batch"),
        cases,
        [INTENSITY],
        INTENSITY_HINTS,
        true=_true_intensity,
        differs=_told,
        why=_one_side,
        exercise=exercise,
    )


INTENSITY_HINTS = (
    "Weights: one k · k kernel for each pair of a channel in and a channel out.",
    "FLOPs: 2 × weights × places of the output × batch. Numbers moved: batch × (input + output) + weights.",
    "weights = C * C_out * k * k; 2 * weights * W_out**2 * batch / (4 * (batch * (C * W**2 + …) + weights)).",
)
OTHER_INTENSITY = Kind("other FLOPs a byte", "{at}: you say {yours} FLOPs a byte and it has {right}.")


def _told(yours, right):
    digits = ",.4g" if shown(yours, ",.4g") != f"{right:,.4g}" else ",.10g"
    return OTHER_INTENSITY, {"yours": shown(yours, digits), "right": f"{right:{digits}}"}


def _one_side(cases, got, due):
    """What is wrong in the FLOPs if the bytes are right, or in the bytes if the FLOPs are, or None."""
    if not all(isinstance(y, Real) and 1e-30 < y < 1e30 for y in got):
        return None
    if all(isclose(y / d, got[0] / due[0]) for y, d in zip(got, due, strict=True)):
        return None  # one factor for every input may be either side's
    sizes = [dict(zip(("C", "C_out", "k", "W", "W_out", "batch"), case, strict=True)) for case in cases]
    flops, moved = [], []
    for C, C_out, k, W, W_out, batch in cases:
        flops.append({"the FLOPs": 2 * batch * C * C_out * k * k * W_out * W_out})
        moved.append(
            {
                "the input": 4 * batch * C * W * W,
                "the output": 4 * batch * C_out * W_out * W_out,
                "the weights": 4 * C * C_out * k * k,
            }
        )
    above, below = ([sum(parts.values()) for parts in side] for side in (flops, moved))
    yours_above = [y * b for y, b in zip(got, below, strict=True)]
    yours_below = [a / y for y, a in zip(got, above, strict=True)]
    for where, terms, right, yours in (("FLOPs", flops, above, yours_above), ("bytes", moved, below, yours_below)):
        whole = [round(n) for n in yours]
        if all(isclose(n, w, rel_tol=1e-9) for n, w in zip(yours, whole, strict=True)):
            if found := of_difference(sizes, terms, whole, right):
                return Finding(IN_PART, where, {"found": found})
    return None


IN_PART = Kind("off in a part", lambda where, found: f"In the {where}: {str(found)[0].lower()}{str(found)[1:]}")


def _true_intensity(C, C_out, k, W, W_out, batch):
    with shapes_only():
        conv = nn.Conv2d(C, C_out, k, stride=-(-W // W_out), padding=k // 2, bias=False)
        costs = anatomy(conv, (C, W, W))
    numbers = batch * (C * W * W + C_out * W_out * W_out) + conv.weight.numel()
    return batch * costs.flops / (4 * numbers)


INTENSITY = Solution(
    """
def intensity(C, C_out, k, W, W_out, batch):
    weights = C * C_out * k * k
    flops = 2 * weights * W_out * W_out * batch
    moved = 4 * (batch * (C * W * W + C_out * W_out * W_out) + weights)
    return flops / moved
""",
    """
`2 * weights` → `weights`
    You count MACs: FLOPs are 2 × MACs.
    Hint: Begin with the FLOPs alone: for the first layer there are 2 · 64 · 256 · 56 · 56.
`4 * (` → `(`
    You count numbers: a float32 has 4 bytes.
    Hint: Numbers first, then times 4: a float32 has 32 bits.
`4 * (` → `32 * (`
    You count bits: a float32 has 4 bytes.
    Hint: Numbers first, then times 4: a float32 has 32 bits.
`flops / moved` → `moved / flops`
    Those are bytes a FLOP: turn the quotient over.
` + weights)` → `)`
    The weights have to be read as well.
` * batch` → ``; `batch * (` → `(`
    The batch is left out, or counted everywhere: FLOPs, inputs and outputs grow with it, and the weights are read once.
    Hint: Which of the three, input, output and weights, are there once for each picture?
` * batch` → ``
    The FLOPs are those of one picture: multiply them by the batch.
    Hint: Which of the three, input, output and weights, are there once for each picture?
`batch * (` → `(`
    The inputs and outputs are those of one picture: multiply them by the batch.
    Hint: Which of the three, input, output and weights, are there once for each picture?
`C * W * W + ` → ``
    The input has to be read as well.
    Hint: Write C · W · W and C_out · W_out · W_out down. Which of them do the products count?
` + C_out * W_out * W_out` → ``
    The output has to be written as well.
    Hint: Write C · W · W and C_out · W_out · W_out down. Which of them do the products count?
`weights * W_out * W_out` → `weights * W * W`
    There are as many dot products as the output has numbers: use W_out for the FLOPs.
    Hint: Write C · W · W and C_out · W_out · W_out down. Which of them do the products count?
`C_out * W_out * W_out` → `C_out * W * W`
    The output is C_out × W_out × W_out, and only the input has W.
    Hint: Write C · W · W and C_out · W_out · W_out down. Which of them do the products count?
`(C * W * W` → `(C * W_out * W_out`
    The input is C × W × W, and only the output has W_out.
    Hint: Write C · W · W and C_out · W_out · W_out down. Which of them do the products count?
`weights * W_out * W_out` → `weights * W_out`
    A map has W · W places, and not W: in the FLOPs.
`C * W * W + C_out * W_out * W_out` → `C * W + C_out * W_out`
    A map has W · W places, and not W: in the input and the output.
`k * k` → `k`
    A k×k kernel has k · k weights for each pair of channels, not k.
` * k * k` → ``
    The kernel's k · k is missing.
`flops / moved` → `flops // moved`
    You divide with //, which drops the digits after the point: take /.
""",
)


def limit_question(name, layer, ridge):
    """What limits a layer on a machine with that ridge, in FLOPs a byte: "arithmetic" or "memory". layer: (C, C_out, k,
    W, W_out, batch), as `check_intensity` asks for it."""
    value = _true_intensity(*layer)
    right = "memory" if value < ridge else "arithmetic"
    side = f"It has {value:,.1f} FLOPs a byte, and your machine's ridge is at {ridge:,.1f}"
    why_not = f"{side}: {'below' if right == 'memory' else 'above'} it {right} is the limit."
    return choice_question(
        f"{name}: what limits it?",
        dict.fromkeys(("arithmetic", "memory"), why_not),
        right,
        f"{side}.",
        (
            "A layer with few FLOPs for each byte waits for memory.",
            "Put the layer's numbers into intensity and compare with machine.ridge.",
            '"memory" if intensity(*layers[name]) < machine.ridge else …',
        ),
    )


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
