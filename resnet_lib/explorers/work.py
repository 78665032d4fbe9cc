"""Long work in a notebook: a button that begins or resumes it, one that stops it, and a bar."""

import asyncio
import time
from contextlib import suppress

import ipywidgets as widgets

from .._common import one_thread
from .base import LOCK, WRONG, button, html, progress_bar


class InTurns:
    """Runs the steps of a generator, between which all other controls have their turn; outside a notebook, where
    nothing else waits for one, all at once.

    ended: called without arguments when the steps have come to their end, or have been stopped.
    """

    def __init__(self, ended):
        self._ended, self._task, self._steps, self._loop = ended, None, None, None

    @property
    def busy(self):
        """Whether steps are under way."""
        return self._task is not None

    def begin(self, steps, at_once=False):
        """Begin these steps, in the place of any that are under way; with `at_once` nothing else has its turn, and
        the keyboard's interrupt stops them."""
        self.halt()
        loop = None if at_once else running_loop()
        if loop:
            self._steps, self._loop = steps, loop
            self._task = loop.create_task(self._in_turn(steps))
            return
        try:
            while self._step(steps):
                time.sleep(0.0005)  # else another thread that waits for the lock might never get it
        except KeyboardInterrupt:
            pass
        finally:
            self._ended()

    def halt(self):
        """Stop between two steps, if there are any: the generator is closed, so its `finally` is run."""
        with LOCK:  # each step has it, whichever thread it runs in
            task, self._task = self._task, None
            if task is None:
                return
            with suppress(RuntimeError):  # the loop of a thread that has ended
                self._loop.call_soon_threadsafe(task.cancel)
            self._steps.close()
            self._ended()

    def _step(self, steps):
        """Whether there was another step."""
        with LOCK:
            return next(steps, self) is not self

    async def _in_turn(self, steps):
        while self._task is asyncio.current_task() and self._step(steps):
            await asyncio.sleep(0.005)
        with LOCK:
            if self._task is asyncio.current_task():
                self._task = None
                self._ended()


class Work(widgets.HBox):
    """Work in steps, between which all other controls have their turn.

    name:    what the button says before anything has begun.
    begin:   called for the steps, a generator of (done, total).
    unit:    what is counted; if "", only the bar shows how far it is.
    say:     called with what a step raised, or with None when there is nothing wrong.
    on:      the context in which each step is computed. Batches of small pictures gain little from more than one
             thread, and lose much where other programs run too.
    resumes: whether work that was stopped can be resumed; else it begins again.
    Parts: start, stop, bar.
    """

    def __init__(self, name, begin, unit, say, *, on=one_thread, resumes=True):
        self._name, self._begin, self._unit, self._say = name, begin, unit, say
        self._on, self._resumes = on, resumes
        self._steps, self._turns = None, InTurns(self._rest)
        self.start, self.stop = button(name, self.resume), button("stop", self.halt, disabled=True)
        self.bar, self.count = progress_bar(), html()
        super().__init__([self.start, self.stop, self.count, self.bar])
        self.layout = widgets.Layout(flex_flow="row wrap", align_items="center", grid_gap="2px 8px")

    def forget(self):
        """Stop, and begin again next time."""
        self.halt()
        self._finish()
        self.count.show("")

    def fresh(self, now):
        """Begin again: the first steps at once, `now` of them, and in a notebook the rest while other controls have
        their turn."""
        self.forget()
        for _ in range(now):
            if not self.step():
                return
        self.start.description, self.bar.layout.visibility = "go on", "visible"
        if running_loop():
            self.resume()

    def resume(self, at_once=False):
        """Begin, or resume where it was stopped."""
        if not self._turns.busy:
            self.start.disabled, self.stop.disabled, self.bar.layout.visibility = True, False, "visible"
            self._turns.begin(self._remaining(), at_once)

    def run(self):
        """Do all steps here and now, while nothing else has its turn; the keyboard's interrupt stops them, and
        nothing that was done is lost."""
        self.halt()
        self.resume(at_once=True)

    def halt(self):
        """Stop between two steps; what has been done stays."""
        self._turns.halt()
        self._rest()

    def _rest(self):
        self.start.disabled, self.stop.disabled = False, True
        if not self._resumes:
            self._finish()
        elif self._steps is not None:
            self.start.description = "go on"

    def _remaining(self):
        """The remaining steps, a generator; what one raises is said instead, and ends them."""
        try:
            while self.step():
                yield
        except WRONG as problem:
            self._say(problem)

    def step(self):
        """Do one step at once; return whether there may be another."""
        try:
            with self._on():
                if self._steps is None:
                    self._steps = self._begin()
                done, total = next(self._steps)
        except StopIteration:
            self._finish()
            return False
        except WRONG:
            self._finish()
            raise
        self._say(None)
        self.bar.max, self.bar.value = total, done
        self.count.show(f"{done:,} of {total:,} {self._unit}" if self._unit else "")
        return True

    def _finish(self):
        self._steps = None
        self.start.description, self.start.disabled, self.stop.disabled = self._name, False, True
        self.bar.layout.visibility = "hidden"


def running_loop():
    """Return the event loop of the notebook's kernel; None outside a notebook."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
