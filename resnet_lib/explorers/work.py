"""Long work in a notebook: a button that begins it or goes on with it, one that stops it, and a bar."""

import asyncio

import ipywidgets as widgets

from .base import WRONG, html, one_thread


class InTurns:
    """Runs the steps of a generator, between which all other controls have their turn; outside a notebook, where
    nothing else waits for one, all at once.

    ended: called without arguments when the steps have come to their end, or have been stopped.
    """

    def __init__(self, ended):
        self._ended, self._task, self._steps = ended, None, None

    @property
    def busy(self):
        """Whether steps are under way."""
        return self._task is not None

    def begin(self, steps):
        """Begin these steps, in the place of any that are under way."""
        self.halt()
        loop = running_loop()
        if loop:
            self._steps, self._task = steps, loop.create_task(self._in_turn(steps))
            return
        for _ in steps:
            pass
        self._ended()

    def halt(self):
        """Stop between two steps, if there are any: the generator is closed, so its `finally` is run."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            self._steps.close()
            self._ended()

    async def _in_turn(self, steps):
        for _ in steps:
            await asyncio.sleep(0.005)
        self._task = None
        self._ended()


class Work(widgets.HBox):
    """Work in steps, between which all other controls have their turn.

    name:  what the button says before anything has begun.
    begin: called for the steps, a generator of (done, total); it is asked for the next step as long as nobody stops.
    unit:  what is counted.
    say:   called with what a step raised, or with None when there is nothing wrong.
    Parts: start, stop, bar.
    """

    def __init__(self, name, begin, unit, say):
        self._name, self._begin, self._unit, self._say = name, begin, unit, say
        self._steps, self._turns = None, InTurns(self._rest)
        wide = widgets.Layout(width="auto")
        self.start = widgets.Button(description=name, layout=wide)
        self.stop = widgets.Button(description="stop", disabled=True, layout=wide)
        self.bar = widgets.IntProgress(0, 0, 1, layout=widgets.Layout(width="240px", visibility="hidden"))
        self.count = html()
        self.start.on_click(lambda _button: self.go_on())
        self.stop.on_click(lambda _button: self.halt())
        super().__init__([self.start, self.stop, self.count, self.bar])
        self.layout = widgets.Layout(flex_flow="row wrap", align_items="center", grid_gap="2px 8px")

    def forget(self):
        """Stop, and begin anew next time."""
        self.halt()
        self._steps = None
        self.start.description, self.start.disabled = self._name, False
        self.bar.layout.visibility, self.count.value = "hidden", ""

    def fresh(self, now):
        """Begin anew: so many steps at once, and in a notebook the rest while other controls have their turn."""
        self.forget()
        for _ in range(now):
            if not self.step():
                return
        self.start.description, self.bar.layout.visibility = "go on", "visible"
        if running_loop():
            self.go_on()

    def go_on(self):
        """Begin, or go on where it was stopped."""
        if not self._turns.busy:
            self.start.disabled, self.stop.disabled, self.bar.layout.visibility = True, False, "visible"
            self._turns.begin(self._left())

    def run(self):
        """All steps, here and now, while nothing else has its turn; the keyboard's interrupt stops, and nothing that
        was done is lost."""
        self.halt()
        self.start.disabled, self.bar.layout.visibility = True, "visible"
        try:
            for _ in self._left():
                pass
        except KeyboardInterrupt:
            self.halt()

    def halt(self):
        """Stop between two steps; what has been done stays."""
        self._turns.halt()
        self._rest()

    def _rest(self):
        self.start.disabled, self.stop.disabled = False, True
        if self._steps is not None:
            self.start.description = "go on"

    def _left(self):
        """The steps that are left, a generator; what one raises is said instead, and ends them."""
        try:
            while self.step():
                yield
        except WRONG as problem:
            self._say(problem)

    def step(self):
        """Do one step at once; whether there may be another."""
        try:
            # Batches of small pictures gain little from more threads, and lose much where other programs run too.
            with one_thread():
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
        self.count.value = f'<div class="rl">{done:,} of {total:,} {self._unit}</div>'
        return True

    def _finish(self):
        self._steps = None
        self.start.description, self.start.disabled, self.stop.disabled = self._name, False, True
        self.bar.layout.visibility = "hidden"


def running_loop():
    """The event loop of the notebook's kernel; None outside a notebook."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
