"""Checks of what makes a network fast: a fair timer, FLOPs a byte, the steps that remain, pictures a second."""

from collections import Counter
from collections.abc import Mapping
from functools import cache
from itertools import combinations
from math import floor, isclose
from numbers import Real

from torch import nn

from .._common import Finding, Kind
from ..anatomy import anatomy, shapes_only
from ..blocks import BTNK1, BTNK2, Add
from ..network import ResNet
from ..speed.fast import as_graph
from ..speed.timing import Timing
from .diagnose import of_difference
from .holding import hold, shown
from .prediction import Question, choice_question
from .stand import Stand

# ── A fair timer ─────────────────────────────────────────────────────────────────────────────────────────────


def check_fair(f, *, exercise=None):
    """f(works, repeats): name → list of `repeats` times in seconds; each work warmed up, then all of them in turns.

    Any order within a round is right, and any clock of the module `time`. It is tried on a clock of its own, so that
    the verdict does not depend on the machine.
    """

    def tried(lengths, repeats):
        stand = Stand(lengths)
        with stand.clocks(f):
            found = f(stand.works, repeats)
        return stand, repeats, found

    tried.__name__ = getattr(f, "__name__", type(f).__name__)
    cases = [({"A": 1.3, "B": 0.02}, 5), ({"slow": 0.7, "quick": 0.01, "middling": 0.11}, 3), ({"alone": 0.05}, 1)]
    return hold(
        "fair",
        tried if callable(f) else f,
        lambda lengths, repeats: f"works {_list(lengths)}, repeats = {repeats}",
        cases,
        lambda *case: _fair(set(), *case),
        _fair,
        FAIR,
        exercise,
        read=_times,
        same=_same_times,
        tell=_one_run,
    )


FAIR = {
    "once": "The clock was started once, before the loops, so each time holds all that ran before: read it anew right "
    "before each work.",
    "top": "The clock was started once, before the warm-up, so each time holds all that ran before: read it anew right "
    "before each work.",
    "round": "A work's time holds those before it in the round as well: read the clock anew right before each work.",
    "late": "The clock is read twice after the work, and nothing lies between: read it right before the work too.",
    "turned": "You subtract the wrong way round: the end minus the start.",
    "stop": "That is what the clock shows at the end: take the start away from it.",
    "start": "That is what the clock shows at the start: take it away from what it shows at the end.",
    "ms": "Those are milliseconds: give seconds.",
    "µs": "Those are microseconds: give seconds.",
    "ns": "Those are nanoseconds: give seconds.",
    "whole": "Those are whole seconds: keep what stands after the point.",
    "processor": "That clock shows the processor's time, of all threads together: take time.perf_counter().",
    "mean": "All times of a work are their mean: keep each run's own, for the median and the spread.",
    "sums": "You add up: each time holds those of the work's earlier runs. Give each run's own.",
    "first": "The warm-up's time is among them, and the last run's is not: leave out the first.",
}


def _fair(wrong, lengths, repeats):
    """For each work its times as that mistake gives them, each beside what the run took: name → [(time, took)]."""
    stand, times, took = Stand(lengths), {name: [] for name in lengths}, {name: [] for name in lengths}
    read = stand.read_processor if "processor" in wrong else stand.read
    begun = read()
    for i in range(repeats + 1):
        start = read()
        for name, work in stand.works.items():
            start = begun if {"once", "top"} & wrong else start if "round" in wrong else read()
            work()
            start = read() if "late" in wrong else start
            stop = read()
            time = start if "start" in wrong else stop if "stop" in wrong else stop - start
            times[name].append((-1 if "turned" in wrong else 1) * time)
            took[name].append(stand.runs[-1][1])
        begun = begun if i or "top" in wrong else read()  # after the warm-up
    found = {}
    for name in lengths:
        kept = times[name][:-1] if "first" in wrong else times[name][1:]
        kept = [sum(kept) / len(kept)] * len(kept) if "mean" in wrong else kept
        kept = [sum(kept[: i + 1]) for i in range(len(kept))] if "sums" in wrong else kept
        scale = 1e3 if "ms" in wrong else 1e6 if "µs" in wrong else 1e9 if "ns" in wrong else 1
        kept = [floor(scale * t) if "whole" in wrong else scale * t for t in kept]
        found[name] = list(zip(kept, took[name][1:], strict=True))
    return found


def _times(tried):
    stand, repeats, found = tried
    form = _misformed(found, list(stand.works), repeats) or _unfair([n for n, _ in stand.runs], stand.works, repeats)
    if form:
        return found, form
    if not stand.reads:
        return found, "times, and no clock of the module time was read for them: time.perf_counter() is the clock"
    took = {name: [s for n, s in stand.runs if n == name][-repeats:] for name in stand.works}
    return {n: list(zip(map(float, found[n]), took[n], strict=True)) for n in stand.works}, ""


def _misformed(found, names, repeats):
    """What is wrong with the form of a timer's result, or ""."""
    wanted = f"a dictionary name → list of {repeats} times is wanted"
    if found is None:
        return "None: let it return its dictionary"
    if not isinstance(found, Mapping):
        return f"a {type(found).__name__}, and {wanted}"
    if set(found) != set(names):
        keys = _list(found) or "none"
        return f"a dictionary with the keys {keys}: they should be the names of the works, {_list(names)}"
    for name, times in found.items():
        if isinstance(times, Real):
            return f"one number for {name}, and {wanted}: the median comes later"
        try:
            numbers = [float(t) for t in times]
        except (TypeError, ValueError):
            return f"no list of numbers for {name}, and {wanted}"
        if len(numbers) == repeats:
            continue
        if len(names) > 1 and len({id(t) for t in found.values()}) == 1:
            return "every work the same list, as dict.fromkeys(works, []) does: make one for each name"
        more = ": the warm-up does not count" if len(numbers) == repeats + 1 else ""
        more = more or (": each run gives one time" if len(numbers) < repeats else "")
        return f"{len(numbers)} times of {name}, and repeats = {repeats} are wanted{more}"
    return ""


def _unfair(order, names, repeats):
    """What is wrong with the order in which works ran, or ""."""
    never = [name for name in names if name not in order]
    if never:
        return f"times of {_list(never)}, which never ran: call work()"
    timed = len(names) * repeats
    before, rounds = order[:-timed], [order[-timed:][i : i + len(names)] for i in range(0, timed, len(names))]
    turns = all(set(each) == set(names) for each in rounds)
    cold = [name for name in names if name not in before]
    shown = " ".join(order[:24]) + (" …" if len(order) > 24 else "")
    if len(order) < timed:
        return f"more times than there were runs. The order was {shown}: call each work anew for each of its times"
    counts = Counter(order)
    if not turns and min(counts.values()) > repeats + 1:
        return (
            f"no turns. The order was {shown}: the warm-up is one run of each, before the loops, and not one before "
            "each time"
        )
    if not turns:
        blocks = [name for i, name in enumerate(order) if i == 0 or order[i - 1] != name]
        whole = len(blocks) == len(names)
        how = "one work after the other, not in turns" if whole else "not one of each in every round"
        return f"no turns. The order was {shown}: {how}" + ("; and there is no warm-up" if len(order) == timed else "")
    if cold:
        of = "" if len(cold) == len(names) else f" of {_list(cold)}"
        return f"the first, slow run as a time. The order was {shown}: there is no warm-up{of}"
    return ""


def _list(names):
    return ", ".join(map(str, names))


def _same_times(a, b):
    if a.keys() != b.keys():
        return False
    pairs = [(x - took_x, y - took_y) for n in a for (x, took_x), (y, took_y) in zip(a[n], b[n], strict=True)]
    return all(isclose(x, y, rel_tol=1e-4, abs_tol=1e-4) for x, y in pairs)


def _one_run(yours, _right):
    name, time, took = next((n, t, s) for n, pairs in yours.items() for t, s in pairs if abs(t - s) > 1e-4)
    return f"a run of {name} took {took:.3f} s and you say {time:,.3f}"


# ── FLOPs a byte ─────────────────────────────────────────────────────────────────────────────────────────────


def check_intensity(f, *, exercise=None):
    """f(C, C_out, k, W, W_out, batch): FLOPs a byte of a convolution without bias, in float32, each number moved
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
    return hold(
        "intensity",
        f,
        ("C", "C_out", "k", "W", "W_out", "batch"),
        cases,
        _true_intensity,
        _intensity,
        INTENSITY,
        exercise,
        tell=_told,
        why=_one_side,
    )


def _told(yours, right):
    digits = ",.4g" if shown(yours, ",.4g") != f"{right:,.4g}" else ",.10g"
    return f"you say {shown(yours, digits)} FLOPs a byte and it has {right:{digits}}"


def _one_side(cases, got, due):
    """What is wrong in the FLOPs if the bytes are right, or in the bytes if the FLOPs are: the sentence, or None."""
    if not all(isinstance(y, Real) and 0 < y < 1e30 for y in got):
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


INTENSITY = {
    "macs": "You count MACs: FLOPs are 2 × MACs.",
    "numbers": "You count numbers: a float32 has 4 bytes.",
    "bits": "You count bits: a float32 has 4 bytes.",
    "turned": "Those are bytes a FLOP: turn the quotient over.",
    "no weights": "The weights have to be read as well.",
    "no batch": "The batch is left out, or counted everywhere: FLOPs, inputs and outputs are as many times more, and "
    "the weights are read once.",
    "flops of one": "The FLOPs are those of one picture: multiply them by the batch.",
    "maps of one": "The inputs and outputs are those of one picture: multiply them by the batch.",
    "no input": "The input has to be read as well.",
    "no output": "The output has to be written as well.",
    "W": "There are as many dot products as the output has numbers: use W_out for the FLOPs.",
    "one W": "The output is C_out × W_out × W_out, and only the input has W.",
    "late W": "The input is C × W × W, and only the output has W_out.",
    "side": "A map has W · W places, and not W: in the FLOPs.",
    "sides": "A map has W · W places, and not W: in the input and the output.",
    "kernel": "A k×k kernel has k · k weights for each pair of channels, not k.",
    "no kernel": "The kernel's k · k is missing.",
    "floor": "You divide with //, which drops what stands after the point: take /.",
}


def _intensity(wrong, C, C_out, k, W, W_out, batch):
    weights = C * C_out * (1 if "no kernel" in wrong else k if "kernel" in wrong else k * k)
    products = W if "W" in wrong else W_out
    of_flops = 1 if {"flops of one", "no batch"} & wrong else batch
    flops = weights * (products if "side" in wrong else products**2) * of_flops * (1 if "macs" in wrong else 2)
    before, after = (W_out if "late W" in wrong else W), (W if "one W" in wrong else W_out)
    power = 1 if "sides" in wrong else 2
    maps = (0 if "no input" in wrong else C * before**power) + (0 if "no output" in wrong else C_out * after**power)
    read = 0 if "no weights" in wrong else weights
    numbers = maps * (1 if {"maps of one", "no batch"} & wrong else batch) + read
    moved = numbers * (1 if "numbers" in wrong else 32 if "bits" in wrong else 4)
    above, below = (moved, flops) if "turned" in wrong else (flops, moved)
    return above // below if "floor" in wrong else above / below


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
    """f(batch, timing): pictures a second, from the median of a `timing.Timing`."""
    timed = [Timing((0.05, 0.02, 0.09, 0.021, 0.3)), Timing((0.5, 0.4, 0.41)), Timing((1.7, 1.9, 1.6, 2.5, 1.65))]
    cases = [(batch, timing) for batch in (1, 4, 16) for timing in timed]
    return hold(
        "pictures",
        f,
        lambda batch, timing: f"batch {batch}, of which a run takes {timing.median} s",
        cases,
        lambda *case: _rate(set(), *case),
        _rate,
        RATES,
        exercise,
        tell=lambda yours, right: f"you say {shown(yours, ',.4g')} pictures a second and it is {right:,.4g}",
    )


RATES = {
    "turned": "Those are seconds a picture: turn the quotient over.",
    "one": "Those are runs a second: a run does all the pictures of its batch.",
    "product": "You multiply by the seconds: divide by them.",
    "ms": "The median is in seconds already, and not in milliseconds.",
    "mean": "You take the mean, which one slow run draws up: take the median.",
    "quickest": "You take the quickest run: take the median.",
    "slowest": "You take the slowest run: take the median.",
    "first": "You take one run alone, the first: take the median.",
    "last": "You take one run alone, the last: take the median.",
    "total": "You take the time of all runs together: take the median, the time of one.",
    "floor": "You divide with //, which drops what stands after the point: take /.",
}


def _rate(wrong, batch, timing):
    runs, seconds = timing.seconds, timing.median
    of = {"mean": sum(runs) / len(runs), "quickest": min(runs), "slowest": max(runs), "first": runs[0]}
    for name, value in (of | {"last": runs[-1], "total": sum(runs)}).items():
        seconds = value if name in wrong else seconds
    seconds = seconds / 1000 if "ms" in wrong else seconds
    pictures = 1 if "one" in wrong else batch
    if "product" in wrong:
        return pictures * seconds
    above, below = (seconds, pictures) if "turned" in wrong else (pictures, seconds)
    return above // below if "floor" in wrong else above / below


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
