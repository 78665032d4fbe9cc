"""A function gives the same whenever it is asked: what keeps something from one call to the next is refused, also where
every first answer is right. What a call leaves out is what the exercise's first line says."""

import functools
import itertools
import math

import numpy
import pytest

from resnet_lib.exercises import (
    Wrong,
    again,
    check_bytes,
    check_macs,
    check_numbers_left,
    check_out_width,
    check_parameters,
    check_ways,
    judge,
)
from resnet_lib.exercises.own import PARTS

from .mutated import made
from .test_code_in_checks import every_function


def said(check, f):
    """What a check says of a function: "" where it is accepted."""
    try:
        assert check(f).ok
    except Wrong as wrong:
        return f"{wrong} {wrong.verdict.finding.kind.hint}"
    return ""


@pytest.fixture
def once(monkeypatch):
    """How often a check calls a function, where it asks nothing again."""

    def count(check, f):
        calls = []

        @functools.wraps(f)
        def counted(*given):
            calls.append(None)
            return f(*given)

        monkeypatch.setattr(judge, "QUICK", 60)  # on a busy machine as on a quick one
        with monkeypatch.context() as patch:
            patch.setattr(again, "CALLS", 0)
            patch.setattr(again, "_left_out", lambda *_: None)
            assert check(counted).ok
        return len(calls) - 1  # the last looks at what is left behind in torch

    return count


@every_function
def test_a_function_that_answers_otherwise_once_all_is_asked_is_refused(subject, once):
    if subject.name == "start_as_shortcut":
        pytest.skip("its networks are looked at, and no answer is compared")
    right = made(subject.right[0], subject.space)
    n, results = once(subject.check, right), []

    @functools.wraps(right)
    def tired(*given):
        results.append(right(*given))
        return results[-1] if len(results) <= n else results[0] if n > 1 else None

    found = said(subject.check, tired)
    # rename is tried with one file, again and again, and then with another.
    assert "returns a wrong name" in found if subject.name == "rename" else "asked again" in found
    assert said(subject.check, made(subject.right[0], subject.space)) == ""


@pytest.mark.parametrize("n", [1, 5, 40])
def test_a_function_that_counts_what_it_is_asked_is_refused(n, monkeypatch):
    monkeypatch.setattr(judge, "QUICK", -1)  # without larger numbers, so that it is known how many are asked first
    asked = []

    def tensor_bytes(batch, C, W):
        asked.append((batch, C, W))
        return 4 * batch * C * W * W + max(0, len(asked) - 30 - n)

    found = said(check_bytes, tensor_bytes)
    assert "asked again" in found and "keep from one call to the next" in found


def test_a_list_in_the_brackets_that_is_filled_by_every_call_is_named_as_what_a_function_may_keep():
    space = {}
    exec(
        "def btnk2_parameters(C, seen=[]):\n"
        "    seen.append(C)\n"
        "    return 17 * C * C // 16 + 3 * C + seen.count(C) - 1",
        space,
    )

    found = said(lambda f: check_parameters("BTNK2", f), space["btnk2_parameters"])
    assert "C = " in found and "asked again" in found and "=[]" in found


def test_a_function_that_stops_when_it_is_asked_again_is_told_where():
    rows = {}

    def ways(n):
        rows[n] = rows[n][len(rows[n])] if n in rows else [math.comb(n, k) for k in range(n + 1)]
        return rows[n]

    found = said(check_ways, ways)
    assert "asked again" in found and "list index out of range" in found


def test_a_function_may_keep_its_right_answers_print_and_take_its_time(capsys):
    @functools.cache
    def ways(n):
        print("n =", n)
        return [math.comb(n, k) for k in range(n + 1)]

    assert said(check_ways, ways) == ""

    def chatty(n):
        print("n =", n)
        return ways(n)

    capsys.readouterr()
    assert said(check_ways, chatty) == "" and capsys.readouterr().out.count("n =") < 20


# ── What a call leaves out ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("source", "left_out"),
    [
        ("stride=None, padding=0: W + 2 * padding - kernel, stride or kernel", "nothing for stride and padding"),
        ("stride=1, padding=None: W - kernel + (kernel - 1 if padding is None else 2 * padding), stride", "padding"),
        (
            "stride=1, padding='same': W - kernel + (kernel - 1 if padding == 'same' else 2 * padding), stride",
            "padding",
        ),
        ("stride=1.0, padding=0.5: W + 2 * padding - kernel, stride", "padding"),
    ],
)
def test_what_a_call_leaves_out_is_what_the_exercise_says(source, left_out):
    brackets, _, body = source.partition(": ")
    room, _, stride = body.rpartition(", ")
    f = eval(f"lambda W, kernel, {brackets}: ({room}) // ({stride}) + 1")
    found = said(check_out_width, f)
    assert left_out in found and "The exercise's first line" in found


@pytest.mark.parametrize("brackets", ["stride=None, padding=None", "stride=1, padding=False", "stride=True, padding=0"])
def test_none_may_stand_for_what_the_exercise_says(brackets):
    f = eval(f"lambda W, kernel, {brackets}: (W + 2 * (padding or 0) - kernel) // (stride or 1) + 1")
    assert said(check_out_width, f) == ""


def test_a_function_without_the_exercises_defaults_is_right():
    right = made("def f(W, k, s, p, d):\n    return (W + 2 * p - d * (k - 1) - 1) // s + 1", {})
    assert said(check_out_width, lambda *numbers: right(*numbers)) == ""
    assert said(check_out_width, lambda W, kernel, stride, padding: (W + 2 * padding - kernel) // stride + 1) == ""


# ── Larger numbers ───────────────────────────────────────────────────────────────────────────────────────────


def test_ways_are_asked_for_more_blocks_than_resnet_50_has(monkeypatch):
    monkeypatch.setattr(judge, "QUICK", 60)  # on a busy machine anything may take long
    assert "n = 20" in said(check_ways, lambda n: [math.comb(n, k) * (n < 17) for k in range(n + 1)])
    found = said(check_ways, lambda n: [math.comb(n, k) - (n > 40 and k > 20) for k in range(n + 1)])
    assert "n = 50: you say […, 67,327,446,062,799, " in found and ", from k = 21 on." in found
    assert said(check_ways, lambda n: [math.comb(n, k) for k in range(n + 1)]) == ""


def beyond(name, place, size):
    """The right function of that name, and one more where an argument is larger."""
    right = PARTS[name].library()
    return lambda *given: right(*given) + (given[place] > size)


LARGE = [
    (check_out_width, "out_width", 0, 300),
    (check_out_width, "out_width", 1, 11),
    (check_numbers_left, "numbers_left", 0, 1024),
    (check_bytes, "batch_bytes", 0, 64),
    (check_bytes, "batch_bytes", 2, 224),
    (lambda f: check_parameters("BTNK2", f), "btnk2_parameters", 0, 2048),
    (lambda f: check_parameters("basic", f), "basic_parameters", 0, 512),
    (lambda f: check_macs("BTNK2", f), "btnk2_macs", 1, 56),
]


@pytest.mark.parametrize(("check", "name", "place", "size"), LARGE)
def test_a_formula_holds_beyond_the_sizes_that_resnet_50_has(check, name, place, size, monkeypatch):
    monkeypatch.setattr(judge, "QUICK", 60)
    assert said(check, lambda *given: beyond(name, place, 10**9)(*given)) == ""
    assert "is not right yet" in said(check, lambda *given: beyond(name, place, size)(*given))


def in_a_list(n):
    taken = list(itertools.product((0, 1), repeat=n))
    return [sum(sum(way) == k for way in taken) for k in range(n + 1)]


def in_bits(n):
    taken = numpy.zeros(1, numpy.uint8)
    for _ in range(n):
        taken = numpy.concatenate([taken, taken + 1])
    return numpy.bincount(taken)


@pytest.mark.parametrize(("ways", "most"), [(in_a_list, 16), (in_bits, 24)])
def test_who_lists_all_ways_is_asked_for_no_more_than_there_is_room_for(ways, most):
    asked = []
    assert said(check_ways, lambda n: asked.append(n) or ways(n)) == ""
    assert max(asked) <= most
