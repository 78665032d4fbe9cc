"""Code that does not end is stopped in words: in the main thread, in another one, and where it catches exceptions."""

import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from resnet_lib.compare import endless
from resnet_lib.compare.endless import Endless, within
from resnet_lib.compare.errors import stopped, where
from resnet_lib.grading import Limits


def plain():
    while True:
        pass


def counting():
    n = 0
    while n >= 0:
        n += 1


def catching():
    while True:
        try:
            sum(range(1000))
        except Exception:
            pass


def catching_everything():
    while True:
        try:
            time.sleep(0.001)
        except BaseException:
            pass


def recursive(n=0):
    return recursive_loop(n)


def recursive_loop(n):
    while True:
        n = max(n for n in range(100))


LOOPS = [plain, counting, catching, catching_everything, recursive]


def ended(f):
    began = time.monotonic()
    with pytest.raises(Endless) as caught:
        with within(0.3):
            f()
    return caught.value, time.monotonic() - began


@pytest.mark.parametrize("f", LOOPS)
@pytest.mark.parametrize("place", ["main thread", "other thread", "no timer"])
def test_an_endless_loop_is_stopped_and_its_line_is_named(f, place, monkeypatch):
    if place == "other thread":
        with ThreadPoolExecutor(1) as pool:
            error, seconds = pool.submit(ended, f).result()
    else:
        if place == "no timer":  # as on Windows
            monkeypatch.delattr(signal, "setitimer")
        error, seconds = ended(f)
    assert seconds < 5
    assert where(error).removeprefix("It stopped in ").split(", line")[0] in (f.__name__, "recursive_loop", "<genexpr>")
    assert "still running" in str(stopped(error)) and "Python says" not in str(stopped(error))


@pytest.mark.slow
@pytest.mark.parametrize("place", ["main thread", "other thread", "no timer"])
def test_a_second_in_which_the_machine_ran_something_else_does_not_count(place, monkeypatch):
    began = time.monotonic()
    # of every second, 0.8 in the queue for a core
    monkeypatch.setattr(endless, "clock", lambda *_: began + (time.monotonic() - began) / 5)
    if place == "no timer":
        monkeypatch.delattr(signal, "setitimer")

    def slow():
        with within(0.3):
            time.sleep(0.6)
        return "ended"

    with ThreadPoolExecutor(1) as pool:
        assert (pool.submit(slow).result() if place == "other thread" else slow()) == "ended"
    assert 1 <= ended(plain)[1] < 10, "an endless loop is stopped all the same"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems do not tell")
def test_on_the_clock_computing_counts_twice_and_waiting_for_a_core_not_at_all():
    began, on_clock = time.monotonic(), endless.clock()
    used = time.thread_time()
    while time.monotonic() - began < 0.5:
        pass
    assert endless.clock() - on_clock == pytest.approx(2 * (time.thread_time() - used), abs=0.1)
    on_clock = endless.clock()
    time.sleep(0.3)
    assert endless.clock() - on_clock == pytest.approx(0.3, abs=0.1)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems do not tell")
def test_an_endless_loop_has_half_of_the_time_that_a_sleep_has():
    used = time.thread_time()
    with pytest.raises(Endless):
        with within(1):
            plain()
    assert time.thread_time() - used == pytest.approx(0.5, abs=0.1)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="Windows has no such timer")
def test_a_long_sleep_is_stopped():
    assert ended(lambda: time.sleep(60))[1] < 5


def test_what_ends_is_left_alone_and_nothing_stays_behind():
    before = (signal.getsignal(signal.SIGALRM), threading.active_count(), sys.gettrace())
    with within(5) as given:
        assert given is None
    with pytest.raises(ZeroDivisionError):
        with within(5):
            raise ZeroDivisionError
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: [within_once() for _ in range(50)]).result() == [3] * 50
    time.sleep(0.2)
    assert (signal.getsignal(signal.SIGALRM), sys.gettrace()) == (before[0], before[2])
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert threading.active_count() <= before[1] + 1


def within_once():
    with within(5):
        return 3


def test_a_timer_that_ran_before_goes_on():
    rung = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with within(5):
            pass
        time.sleep(0.5)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert rung == [1]


def test_the_limit_keeps_a_check_below_20_seconds_and_is_the_same_in_the_grader():
    assert Limits().seconds == endless.LIMIT <= 10
