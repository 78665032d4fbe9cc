"""The checks of lesson 09: a fair timer, FLOPs a byte, pictures a second; right ones in several ways, wrong ones named.

RIGHT and WRONG are solutions as source texts, as a learner would write them in the exercise's cell.
"""

import threading
import time
import timeit

import pytest
import torch

from resnet_lib import resnet50
from resnet_lib.exercises import (
    Wrong,
    batch_question,
    check_fair,
    check_intensity,
    check_pictures_a_second,
    limit_question,
    predict,
    solved,
    steps_question,
)
from resnet_lib.exercises.fake_clock import Stand
from resnet_lib.speed.fast import fold, join
from resnet_lib.speed.onednn import can_join
from resnet_lib.speed.timing import Timing

# ── Solutions of learners ────────────────────────────────────────────────────────────────────────────────────

CHECKS = {"fair": check_fair, "intensity": check_intensity, "pictures_a_second": check_pictures_a_second}

FAIR = [
    """
import time
def fair(works, repeats):
    seconds = {name: [] for name in works}
    for work in works.values():
        work()
    for _ in range(repeats):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - start)
    return seconds
""",
    # another import, the first round thrown away
    """
from time import perf_counter as now
from collections import defaultdict
def fair(works, repeats):
    seconds = defaultdict(list)
    for i in range(repeats + 1):
        for name in works:
            a = now()
            works[name]()
            b = now()
            if i > 0:
                seconds[name] += [b - a]
    return seconds
""",
    # a helper, nanoseconds, the order of each round drawn
    """
import random
import time
def took(work):
    begin = time.perf_counter_ns()
    work()
    return (time.perf_counter_ns() - begin) / 1e9
def fair(works, repeats):
    [work() for work in works.values()]
    seconds = {name: [] for name in works}
    for _ in range(repeats):
        for name in random.sample(list(works), len(works)):
            seconds[name].append(took(works[name]))
    return seconds
""",
    # comprehensions, tuples, the warm-up taken away at the end
    """
import time
def timed(work, start=0.0):
    start = time.monotonic()
    work()
    return time.monotonic() - start
def fair(works, repeats):
    rounds = [{name: timed(work) for name, work in works.items()} for _ in range(1 + repeats)]
    return {name: tuple(r[name] for r in rounds[1:]) for name in works}
""",
    # one clock running on: where one work ends the next begins
    """
import time
def fair(works, repeats):
    for w in reversed(works.values()): w()
    seconds = dict((name, []) for name in works)
    before = time.monotonic()
    for i in range(repeats):
        for name, work in works.items():
            work()
            now = time.monotonic()
            seconds[name].append(now - before)
            before = now
    return seconds
""",
    # warmed up twice, which does no harm
    """
import time
def fair(works, repeats, clock=time.perf_counter):
    seconds = {name: [0.0] * repeats for name in works}
    for _ in range(2):
        for work in works.values():
            work()
    for i in range(repeats):
        for name, work in works.items():
            seconds[name][i] -= clock()
            work()
            seconds[name][i] += clock()
    return seconds
""",
    # the library of Python
    """
import timeit
def fair(works, repeats):
    for work in works.values():
        work()
    seconds = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            seconds[name].append(timeit.timeit(work, number=1))
    return seconds
""",
    # the course's own
    """
from resnet_lib.speed.timing import timings
def fair(works, repeats):
    return {name: list(timing.seconds) for name, timing in timings(works, repeats).items()}
""",
    # a pause in each round, so that the processor keeps cool, and tensors
    """
import time
import torch
def fair(works, repeats):
    seconds = torch.zeros(len(works), repeats, dtype=torch.float64)
    for work in works.values():
        work()
    for i in range(repeats):
        time.sleep(60)
        for j, work in enumerate(works.values()):
            start = time.perf_counter()
            work()
            seconds[j, i] = time.perf_counter() - start
    return dict(zip(works, seconds))
""",
]

INTENSITY = [
    """
def intensity(C, C_out, k, W, W_out, batch):
    weights = C * C_out * k * k
    flops = 2 * weights * W_out * W_out * batch
    numbers = batch * (C * W * W + C_out * W_out * W_out) + weights
    return flops / (4 * numbers)
""",
    """
def intensity(C, C_out, k, W, W_out, batch):
    macs = batch * (C_out * W_out ** 2) * (k ** 2 * C)
    inputs, outputs, weights = batch * C * W ** 2, batch * C_out * W_out ** 2, k ** 2 * C * C_out
    return macs * 2 / ((inputs + outputs + weights) * 32 / 8)
""",
    """
from fractions import Fraction
def intensity(C, C_out, k, W, W_out, batch):
    bytes_ = 4 * (batch * C * W * W + batch * C_out * W_out * W_out + C * C_out * k * k)
    return Fraction(2 * batch * C_out * W_out * W_out * C * k * k, bytes_)
""",
    """
import torch
from torch import nn
def intensity(C, C_out, k, W, W_out, batch):
    conv = nn.Conv2d(C, C_out, k, bias=False, device="meta")
    x, y = torch.empty(batch, C, W, W, device="meta"), torch.empty(batch, C_out, W_out, W_out, device="meta")
    moved = sum(t.numel() * t.element_size() for t in (x, y, conv.weight))
    return torch.tensor(2.0 * y.numel() * C * k * k, dtype=torch.float64) / moved
""",
]

RATE = [
    "def pictures_a_second(batch, timing):\n    return batch / timing.median\n",
    "def pictures_a_second(batch, timing):\n    one = timing.median / batch\n    return 1 / one\n",
    """
import statistics
def pictures_a_second(batch, timing):
    return batch * statistics.median(timing.seconds) ** -1
""",
    """
def pictures_a_second(batch, timing):
    runs = sorted(timing.seconds)
    return batch / runs[len(runs) // 2]
""",
]

RIGHT = [*FAIR, *INTENSITY, *RATE]


TURN = "start = time.perf_counter()\n            work()\n            {append}"


def timer(
    turn=TURN,
    warm="work()",
    *,
    before="",
    append="seconds[name].append(time.perf_counter() - start)",
    after="",
    result="seconds",
    a_round="",
    made="{name: [] for name in works}",
):
    return f"""
import time
def fair(works, repeats):
    seconds = {made}
    for work in works.values():
        {warm}
    {before}
    for _ in range(repeats):
        {a_round}
        for name, work in works.items():
            {turn.format(append=append)}
    {after}
    return {result}
"""


BLOCKS = """
import time
def fair(works, repeats):
    seconds = {{name: [] for name in works}}
    for name, work in works.items():
        {warm}
        for _ in range(repeats):
            start = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - start)
    return seconds
"""


def ratio(
    flops="2 * w * W_out**2 * batch",
    moved="batch * (C * W**2 + C_out * W_out**2) + w",
    w="C * C_out * k * k",
    size=4,
    given="flops / ({size} * moved)",
):
    return f"""
def intensity(C, C_out, k, W, W_out, batch):
    w = {w}
    flops = {flops}
    moved = {moved}
    return {given.format(size=size)}
"""


def late_warm_up(kept):
    return f"""
import time
def fair(works, repeats):
    seconds = {{name: [] for name in works}}
    for _ in range(repeats + 1):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - start)
    return {{name: times{kept} for name, times in seconds.items()}}
"""


WRONG = [
    # a fair timer: how it runs
    (BLOCKS.format(warm="work()"), "one work after the other, not in turns"),
    (BLOCKS.format(warm="pass"), "not in turns; and there is no warm-up"),
    (timer("work()\n            " + TURN, warm="pass"), "runs each work more often than it should"),
    (timer(warm="pass"), "there is no warm-up"),
    (timer(warm="work") + "\n", "there is no warm-up"),
    (timer(warm="if work is works[list(works)[0]]: work()"), "warm-up of B"),
    (timer(f"work()\n            {TURN}"), "once for each of its times"),
    (timer(a_round="if len(seconds['A' if 'A' in works else list(works)[0]]) == 3: work()"), "in every round"),
    (timer("start = time.perf_counter()\n            {append}"), "more times than there were runs"),
    (timer(TURN.replace("work()", "work"), warm="pass"), "never ran: call work()"),
    (timer().replace("perf_counter", "time"), "reads the time of day"),
    (timer().replace("perf_counter()", "clock_gettime(time.CLOCK_REALTIME)"), "reads the time of day"),
    # a fair timer: what it gives
    (timer(result="{n: sorted(t) for n, t in seconds.items()}"), "You sort the times"),
    (timer(result="{n: sorted(t)[::-1] for n, t in seconds.items()}"), "You sort the times"),
    (timer(result="{n: t[::-1] for n, t in seconds.items()}"), "the first run's comes first"),
    (timer(result="{n: [s for s in t if s < 2 * min(t)] for n, t in seconds.items()}"), "returns 4 times of A"),
    (timer(result="{n: [min(s, 2 * min(t)) for s in t] for n, t in seconds.items()}"), "none of 18 usual mistakes"),
    (late_warm_up(""), "the warm-up does not count"),
    (late_warm_up("[:repeats]"), "leave out the first"),
    (timer(append="seconds[name] = time.perf_counter() - start"), "one number for A"),
    (timer(append="seconds[name] = [time.perf_counter() - start]"), "each run gives one time"),
    (timer(made="dict.fromkeys(works, [])"), "every work the same list"),
    (timer(result="None"), "returns None: let it return"),
    (timer(result="list(seconds.values())"), "returns a list: return a dictionary"),
    (timer(result="{str(i): v for i, v in enumerate(seconds.values())}"), "the names of the works, A, B"),
    (timer(result="{n: 'none' for n in works}"), "no list of numbers"),
    (timer().replace("range(repeats)", "range(5)"), "and repeats = 3"),
    (timer().replace("return seconds", "    return seconds"), "each run gives one time"),
    # a fair timer: the clock
    (timer("work()\n            {append}", before="start = time.perf_counter()"), "once, before the loops"),
    (
        timer("work()\n            {append}").replace(
            "    seconds =", "    start = time.perf_counter()\n    seconds ="
        ),
        "before the warm-up",
    ),
    (timer("work()\n            {append}", a_round="start = time.perf_counter()"), "before it in the round"),
    (timer("work()\n            start = time.perf_counter()\n            {append}"), "right before the work too"),
    (timer(append="seconds[name].append(start - time.perf_counter())"), "the end minus the start"),
    (timer(append="seconds[name].append(time.perf_counter())"), "at the end"),
    (timer(append="seconds[name].append(start)"), "at the start"),
    (timer(append="seconds[name].append(1000 * (time.perf_counter() - start))"), "milliseconds"),
    (timer(append="seconds[name].append(1e6 * (time.perf_counter() - start))"), "microseconds"),
    (timer().replace("perf_counter", "perf_counter_ns"), "nanoseconds"),
    (timer(append="seconds[name].append(int(time.perf_counter() - start))"), "after the point"),
    (timer().replace("perf_counter", "process_time"), "processor's time, of all threads"),
    (timer(result="{n: [sum(t) / repeats] * repeats for n, t in seconds.items()}"), "their mean"),
    (timer(append="seconds[name].append(sum(seconds[name][-1:]) + time.perf_counter() - start)"), "You add up"),
    (timer().replace("perf_counter()", "perf_counter() * 3"), "none of 18 usual mistakes"),
    (
        timer()
        .replace("time.perf_counter()", "datetime.now().timestamp()")
        .replace("import time", "from datetime import datetime"),
        "no clock of the module time",
    ),
    (timer().replace("perf_counter", "perfcounter"), "perfcounter"),
    (timer(append="seconds[name].append(1000 * (start - time.perf_counter()))"), "And: Those are milliseconds"),
    # FLOPs a byte
    (ratio("w * W_out**2 * batch"), "FLOPs are 2 × MACs"),
    (ratio(size=1), "a float32 has 4 bytes"),
    (ratio(size=32), "You count bits"),
    (ratio(moved="batch * (C * W**2 + C_out * W_out**2)"), "weights have to be read"),
    (ratio("2 * w * W_out**2", "C * W**2 + C_out * W_out**2 + w"), "The batch is left out"),
    (ratio(moved="batch * (C * W**2 + C_out * W_out**2 + w)"), "or counted everywhere"),
    (ratio("2 * w * W_out**2"), "The FLOPs are those of one picture"),
    (ratio(moved="C * W**2 + C_out * W_out**2 + w"), "outputs are those of one picture"),
    (ratio("2 * w * W**2 * batch"), "use W_out for the FLOPs"),
    (ratio(moved="batch * (C + C_out) * W**2 + w"), "only the input has W"),
    (ratio(moved="batch * (C + C_out) * W_out**2 + w"), "only the output has W_out"),
    (ratio(w="C * C_out * k"), "k · k weights"),
    (ratio(w="C * C_out"), "k · k is missing"),
    (ratio("2 * w * W_out * batch"), "in the FLOPs"),
    (ratio(moved="batch * (C * W + C_out * W_out) + w"), "in the input and the output"),
    (ratio(moved="batch * C * W**2 + w"), "output has to be written"),
    (ratio(moved="batch * C_out * W_out**2 + w"), "input has to be read"),
    (ratio(given="(4 * moved) / flops"), "turn the quotient over"),
    (ratio(given="flops // (4 * moved)"), "You divide with //"),
    (ratio("w * W_out**2 * batch", size=1), "twice as much: FLOPs are 2 × MACs, and a float32 has 4 bytes"),
    (ratio(size=2), "twice as much: FLOPs are 2 × MACs, and a float32 has 4 bytes"),
    (ratio(given="print(flops / moved)"), "returns None"),
    (ratio(given="__import__('fractions').Fraction(flops, moved)"), "a float32 has 4 bytes"),
    (ratio(given="7"), "usual mistakes explains it"),
    (ratio("2 * weights * W_out**2 * batch"), "weights is used and never given a value"),
    # pictures a second
    *[
        (f"def pictures_a_second(batch, timing):\n    return {value}\n", sentence)
        for value, sentence in {
            "timing.median / batch": "seconds a picture",
            "1 / timing.median": "a run does all the pictures",
            "batch * timing.median": "divide by them",
            "1000 * batch / timing.median": "not in milliseconds",
            "batch * len(timing.seconds) / sum(timing.seconds)": "take the mean",
            "batch / min(timing.seconds)": "quickest run",
            "batch / max(timing.seconds)": "slowest run",
            "batch / timing.seconds[0]": "one run alone, the first",
            "batch / timing.seconds[-1]": "one run alone, the last",
            "batch / sum(timing.seconds)": "all runs together",
            "batch // timing.median": "You divide with //",
            "batch / timing": "unsupported operand",
            "None": "returns None",
            "f'{batch / timing.median:.1f}'": "a str and not a number",
            "batch": "usual mistakes explains it",
        }.items()
    ],
]


def made(source):
    """The function that a learner's cell defines, and its check."""
    space = {"__name__": "exercise"}
    exec(compile(source, "<cell>", "exec"), space)
    name = next(n for n in CHECKS if n in space)
    return CHECKS[name], space[name]


@pytest.mark.parametrize("source", RIGHT)
def test_a_right_solution_is_accepted_however_it_is_written(source):
    check, f = made(source)
    assert check(f).ok


@pytest.mark.parametrize(("source", "sentence"), WRONG)
def test_a_wrong_solution_is_told_its_mistake_and_given_three_hints(source, sentence):
    check, f = made(source)
    with pytest.raises(Wrong) as caught:
        check(f)
    assert sentence in caught.value.verdict.sentence
    assert len(caught.value.verdict.hints) == 3 and all(caught.value.verdict.hints)


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        (BLOCKS.format(warm="work()"), "The right order is A B A B …"),
        (timer(warm="pass"), "call each work once before the loops"),
        (timer(result="None"), "Is there a return"),
        (timer(append="seconds[name].append(1000 * (time.perf_counter() - start))"), "what the clock shows after"),
        (ratio("w * W_out**2 * batch"), "Begin with the FLOPs alone"),
        (ratio(size=1), "a float32 has 32 bits"),
        (ratio("2 * w * W_out**2", "C * W**2 + C_out * W_out**2 + w"), "once for each picture"),
        (ratio(w="C * C_out"), "Weights: one k · k kernel"),
        (ratio("2 * w * W**2 * batch"), "Which of them do the products count"),
        ("def pictures_a_second(batch, timing): return batch / min(timing.seconds)", "Which number of it stands for"),
        ("def pictures_a_second(batch, timing): return 1 / timing.median", "What is the unit of your number"),
    ],
)
def test_the_first_hint_answers_the_symptom_and_no_other_part(source, hint):
    check, f = made(source)
    with pytest.raises(Wrong) as caught:
        check(f)
    assert hint in caught.value.verdict.hints[0]


def test_each_check_is_held_against_at_least_eight_mistakes():
    found = [made(source)[0] for source, _ in WRONG]
    assert all(found.count(check) >= 8 for check in CHECKS.values())


# ── The stand ────────────────────────────────────────────────────────────────────────────────────────────────


def test_on_the_stand_a_work_takes_what_it_is_told_to_and_no_time_on_the_wall():
    began, stand = time.perf_counter(), Stand({"long": 3600.0})
    with stand.clocks(None):
        start = time.perf_counter()
        stand.works["long"]()
        first = time.perf_counter() - start
        start = timeit.default_timer()
        stand.works["long"]()
        second = timeit.default_timer() - start
        time.sleep(3600)
    assert time.perf_counter() - began < 3600  # the works and the sleep would have taken far longer
    assert first == pytest.approx(36_000) and second == pytest.approx(3600 * 69 / 64)
    assert stand.runs == [("long", 36_000.0), ("long", 3600 * 69 / 64)]


def test_the_clocks_are_given_back_even_where_a_learners_function_fails():
    was = {name: getattr(time, name) for name in dir(time)}
    defaults = timeit.Timer.__init__.__defaults__
    check, f = made(timer(append="seconds[nam]"))
    with pytest.raises(Wrong, match="nam is used and never given"):
        check(f)
    assert was == {name: getattr(time, name) for name in dir(time)}
    assert timeit.Timer.__init__.__defaults__ is defaults and timeit.default_timer is time.perf_counter


def test_other_threads_see_the_real_clock_meanwhile():
    stand, seen = Stand({"work": 1e9}), []
    real = time.monotonic()
    with stand.clocks(None):
        stand.works["work"]()
        other = threading.Thread(target=lambda: seen.append(time.monotonic()))
        other.start()
        other.join()
        assert time.monotonic() > 1e9
    assert 0 <= seen[0] - real < 1e6


# ── Predictions ──────────────────────────────────────────────────────────────────────────────────────────────


def refusal(question, guess):
    with pytest.raises(Wrong) as caught:
        predict(question, guess)
    assert len(caught.value.verdict.hints) == 3
    return caught.value.verdict.sentence


def test_what_limits_a_layer_depends_on_the_machines_ridge():
    layer = (2048, 1000, 1, 1, 1, 64)
    value = 2 * 2_048_000 * 64 / (4 * (64 * 3048 + 2_048_000))
    assert predict(limit_question("head", layer, ridge=value / 2), "arithmetic").ok
    assert predict(limit_question("head", layer, ridge=value * 2), "memory").ok
    assert "below it memory is the limit" in refusal(limit_question("head", layer, ridge=value * 2), "arithmetic")
    assert "above it arithmetic is the limit" in refusal(limit_question("head", layer, ridge=value / 2), "memory")
    assert "no prediction yet" in refusal(limit_question("head", layer, ridge=10), None)


@pytest.mark.slow
def test_the_steps_that_remain_are_those_of_the_joined_graph():
    assert predict([steps_question(part) for part in ("BTNK2", "BTNK1")], [3, 4], exercise="09.4").ok
    assert list(solved()) == ["09.4"]
    if can_join():
        network, x = fold(resnet50()), torch.zeros(1, 3, 64, 64).contiguous(memory_format=torch.channels_last)
        joined = join(network.to(memory_format=torch.channels_last), x)
        assert predict(steps_question("ResNet-50"), len(joined.graph.nodes) - 2).ok
    with pytest.raises(ValueError, match="must be one of 'BTNK2', 'BTNK1', 'ResNet-50'"):
        steps_question("ResNet-18")


@pytest.mark.parametrize(
    ("part", "guess", "sentence"),
    [
        ("BTNK2", 4, "You still count the sum"),
        ("BTNK2", 6, "the BNs, or the ReLUs"),
        ("BTNK2", 10, "the BNs and the ReLUs and the sum"),
        ("BTNK2", 2, "Count the convolutions"),
        ("BTNK1", 3, "A projection is a convolution as well"),
        ("BTNK1", 8, "You still count the BNs"),
        ("ResNet-50", 49, "A projection is a convolution as well"),
        ("ResNet-50", 53, "look at Stage 0 and at the head"),
        ("ResNet-50", 56, "look at Stage 0 and at the head"),
        ("ResNet-50", 58, "the input, or the output"),
        ("ResNet-50", 175, "the BNs and the ReLUs and the sums"),
        ("ResNet-50", 62, "a convolution can do"),
        ("ResNet-50", "many", "whole number"),
        ("ResNet-50", None, "no prediction yet"),
    ],
)
def test_a_wrong_number_of_steps_is_told_what_was_counted(part, guess, sentence):
    assert sentence in refusal(steps_question(part), guess)


def test_the_best_batch_is_the_one_with_the_most_pictures_a_second_whichever_that_is():
    timed = {1: Timing((0.1,)), 4: Timing((0.2, 0.3, 0.25)), 16: Timing((2.0,))}
    question = batch_question(timed)
    verdict = predict(question, 4)
    assert "batch 1: 10.0" in str(verdict) and "batch 4: 16.0 (middle half" in str(verdict)
    assert "shortest run" in refusal(question, 1)
    assert "largest batch" in refusal(question, 16)
    assert "none of the batches timed, 1, 4, 16" in refusal(question, 8)
    assert "no prediction yet" in refusal(question, None)
    assert "Another batch" in refusal(batch_question(timed | {32: Timing((1.0,))}), 4)
    assert predict(batch_question({1: Timing((0.1,)), 2: Timing((0.3,))}), 1).ok
