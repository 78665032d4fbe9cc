"""Callbacks may come from any thread: JupyterLab, Notebook 7 and hubs can run them beside the cells."""

import asyncio
import threading
import time

from resnet_lib.exercises import Prediction, width_question
from resnet_lib.explorers import BottleneckExplorer, NotationExplorer
from resnet_lib.explorers.work import InTurns


def at_once(*works):
    """Run functions in threads that begin together; what they raised."""
    raised, gate = [], threading.Barrier(len(works))

    def begun(work):
        gate.wait()
        try:
            work()
        except Exception as problem:
            raised.append(problem)

    threads = [threading.Thread(target=begun, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return raised


def test_the_page_and_a_cell_move_the_instrument_at_once_and_it_ends_right():
    explorer = BottleneckExplorer(C=64, W=7)

    def from_the_page():
        for i in range(12):
            explorer.page.asked = {"C1": [i + 1, 16 + 4 * i], "order@1": [i + 1, None]}

    def from_a_cell():
        for i in range(12):
            explorer.S.value = 1 + i % 2

    assert at_once(from_the_page, from_a_cell) == []
    assert (explorer.C1.value, explorer.S.value) == (60, 2)
    assert explorer.says["v"] == explorer.page.maps["v"]
    assert explorer.page.levels == BottleneckExplorer(C=64, W=7, C1=60, S=2).page.levels


def test_two_explorers_in_two_threads_do_not_mix():
    one, other = NotationExplorer(), NotationExplorer()

    def moved(explorer, by):
        def work():
            for i in range(5):
                explorer.W.value = 7 + by * i

        return work

    assert at_once(moved(one, 1), moved(other, 2)) == []
    assert "(512, 6, 6)" in one.said.value and "(512, 8, 8)" in other.said.value


def test_a_guess_committed_twice_at_once_counts_once():
    prediction = Prediction(width_question(112, kernel=3, stride=2, padding=1))
    with prediction.guess.hold_trait_notifications():
        prediction.guess.value = "55"
        tries = [prediction.commit.click] * 2
        assert at_once(*tries) == []
    assert prediction.tries == 1


def test_steps_in_another_thread_are_stopped_between_two_of_them():
    done, inside, ended = [], threading.Event(), []

    def steps():
        try:
            while True:
                inside.set()
                time.sleep(0.05)
                done.append(1)
                yield
        finally:
            ended.append(len(done))

    turns, loop = InTurns(lambda: None), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    loop.call_soon_threadsafe(lambda: turns.begin(steps()))
    assert inside.wait(30)
    turns.halt()
    assert ended == [len(done)] and not turns.busy
    loop.call_soon_threadsafe(loop.stop)
    thread.join(30)
    assert ended == [len(done)]
    loop.close()
