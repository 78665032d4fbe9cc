"""Timings: fair by their order, and what is said of them."""

import pytest

from resnet_lib.speed.timing import Timing, counter, ms, timing_steps, timings


def test_works_run_in_turns_after_one_run_of_each_that_does_not_count():
    log = []
    found = timings({"a": lambda: log.append("a"), "b": lambda: log.append("b"), "c": lambda: log.append("c")}, 4)
    order = "".join(log)
    assert order[:3] == "abc"
    rounds = [order[i : i + 3] for i in range(3, 15, 3)]
    assert all(sorted(r) == ["a", "b", "c"] for r in rounds)
    assert len({r[0] for r in rounds}) == 3, "in each round another one begins"
    assert {name: len(t.seconds) for name, t in found.items()} == {"a": 4, "b": 4, "c": 4}


def test_a_work_that_takes_longer_is_found_to():
    found = timings({"nothing": lambda: None, "much": lambda: sum(range(200_000))}, 5)
    assert found["much"].times(found["nothing"]) > 1
    assert 0 < found["nothing"].median < found["much"].median


def test_progress_is_told_after_every_run_and_can_end_the_work():
    told = []
    timings({"a": int, "b": int}, 3, progress=lambda *at: told.append(at))
    assert told == [(i, 8) for i in range(1, 9)]

    def stop(done, total):
        raise KeyboardInterrupt

    log = []
    with pytest.raises(KeyboardInterrupt):
        timings({"a": lambda: log.append(1)}, 3, progress=stop)
    assert log == [1]


def test_step_by_step_there_is_what_has_been_timed_so_far():
    states = [found for found, _done, _total in timing_steps({"a": int, "b": int}, 2)]
    assert [sorted(f) for f in states] == [[], [], ["a"], ["a", "b"], ["a", "b"], ["a", "b"]]
    assert [len(f["a"].seconds) for f in states[2:]] == [1, 1, 1, 2]


@pytest.mark.parametrize(
    ("works", "repeats", "sentence"),
    [({}, 3, "nothing to time"), ({"a": int}, 0, "repeats = 0 must be a whole number, 1 or larger")],
)
def test_what_cannot_be_timed_is_refused_at_the_call(works, repeats, sentence):
    with pytest.raises(ValueError, match=sentence):
        timing_steps(works, repeats)


def test_median_quartiles_and_text():
    t = Timing((0.5, 0.1, 0.2, 0.3, 0.4))
    assert (t.median, t.middle, t.undisturbed) == (0.3, (0.2, 0.4), 0.2)
    assert str(t) == "300 ms (middle half 200 to 400, 5 runs)"
    assert Timing((0.25,)).middle == (0.25, 0.25)


def test_a_slow_minute_that_hits_both_does_not_move_their_ratio():
    before = Timing((0.2, 0.2, 2.0, 0.2, 2.0))
    after = Timing((0.1, 0.1, 1.0, 0.1, 1.0))
    assert before.times(after) == pytest.approx(2)


def test_how_many_times_as_fast_is_what_the_two_medians_say():
    before, after = Timing((0.4, 0.2, 0.3)), Timing((0.1, 0.2, 0.1))
    assert before.times(after) == pytest.approx(before.median / after.median) == pytest.approx(3)


def test_timings_that_were_not_taken_in_turns_are_not_compared():
    with pytest.raises(ValueError, match="give both to one call of timings"):
        Timing((1.0, 2.0)).times(Timing((1.0,)))


@pytest.mark.parametrize(("seconds", "text"), [(1.2345, "1,234"), (0.1, "100"), (0.0123, "12.3"), (0.00123, "1.23")])
def test_milliseconds_in_three_digits(seconds, text):
    assert ms(seconds) == text


def test_the_counter_is_one_line(capsys):
    show = counter()
    show(1, 2), show(2, 2)
    assert capsys.readouterr().out == "\r1 of 2 runs\r2 of 2 runs\n"
