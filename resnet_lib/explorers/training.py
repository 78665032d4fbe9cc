"""Networks trained side by side, live: curves that grow, runs that can be stopped and resumed."""

import time
from dataclasses import replace
from html import escape
from pathlib import Path

from ..anatomy import anatomy
from ..experiments.race import Race, slug
from ..experiments.tasks import cifar10, photographs
from ..experiments.training import Recipe
from ..experiments.twins import DEPTHS, PAIRS
from ..views.curves import LOOKS, Chart, Curve, smoothed
from ..views.markup import beside, frame, swatch, table
from ..weights.download import Unavailable
from .base import (
    WRONG,
    Guarded,
    button,
    choice,
    error,
    half_the_threads,
    html,
    progress_bar,
    row,
    slider,
    whole_number,
)
from .work import InTurns

CIFAR = "CIFAR-10 (170 MB from the internet)"


class TrainingExplorer(Guarded):
    """Networks trained on the same task by the same recipe, a step of each in turn.

    build:  called as build(seed), returns name → network; the seed decides its first weights.
    task:   a `tasks.Task`; the bundled photographs unless given.
    recipe: a `training.Recipe` to begin with.
    folder: where runs are kept, so that they can be resumed in another session; None keeps them only in memory.
    Controls (attributes of these names): peak (the highest learning rate), epochs, seed, start, stop, anew.
    `run()` trains from a cell, and can be interrupted like any cell; `race` is the `Race` that is shown.
    """

    def __init__(self, build, task=None, recipe=None, *, folder=None):
        super().__init__()
        self.task = photographs() if task is None else task
        self._build, self._recipe, self._folder = build, recipe or Recipe(), folder
        self._turns, self._running = InTurns(self._show), False
        peak = self._recipe.peak
        peaks = {f"{peak * times:.2g}": peak * times for times in (0.1, 0.3, 1, 3, 10)}
        self.peak = choice("highest learning rate", peaks, peak)
        self.epochs = slider("epochs", self._recipe.epochs, 1, max(40, self._recipe.epochs))
        self.epochs.continuous_update = False  # each value builds networks
        self.seed = whole_number("seed", self._recipe.seed, 10**6)
        self.start = button("train", lambda: self._turns.begin(self._advance()))
        self.stop, self.anew = button("stop", self._turns.halt), button("begin again", self._forget)
        self.progress = progress_bar(visibility="visible")
        self.state, self.curves, self.table = html(), html(), html()
        self._loss = Chart("step", "training loss", title="loss on the pictures trained on")
        self._accuracy = Chart("step", "right answers (%)", title="test pictures")
        self._controls = (self.peak, self.epochs, self.seed)
        self.watch(*self._controls)
        buttons = row(self.start, self.stop, self.anew, self.progress)
        rows = (row(*controls) for controls in (self._more_controls(), self._controls) if controls)
        self.lay_out(*rows, buttons, self.state, self.problem, self.curves, self.table)
        self.hidden = (self.curves, self.table)
        self.attempt(self.update)

    def _more_controls(self):
        """The controls of a subclass."""
        return ()

    # ── the race that belongs to the controls ──

    def changed(self, control):
        self._turns.halt()
        self.update()

    def update(self):
        self.race, self._files = None, {}
        recipe = replace(self._recipe, peak=self.peak.value, epochs=self.epochs.value, seed=self.seed.value)
        networks = self._build(recipe.seed)
        self._files = self._kept(networks)
        self.race = Race(networks, self.task, recipe, files=self._files)
        self._costs = {name: cost(network, self.task.size) for name, network in networks.items()}
        self._show()

    def _kept(self, names):
        """Name → the file of that run; none where runs are kept only here."""
        if self._folder is None:
            return {}
        return {name: Path(self._folder) / self._settings() / f"{slug(name)}.pt" for name in names}

    def _settings(self):
        """The name that runs with these settings on this task are kept under."""
        return slug(
            f"{self.task.name}-{len(self.task.train[1])}x{self.task.size}px-{self.epochs.value}x{self._recipe.batch}-"
            f"{self.peak.value:g}-seed{self.seed.value}"
        )

    # ── training ──

    def run(self):
        """Train to the end, here and now. Interrupt the kernel (■) to stop; calling it again resumes."""
        self._turns.begin(self._advance(), at_once=True)

    def _advance(self):
        """Train, a step of each network at a time, and show how it goes; a generator."""
        if self.race is None:
            return
        self._running = True
        race, drawn, pause = self.race, 0.0, 0.0
        steps = iter(race)
        try:
            while True:
                with half_the_threads():
                    if next(steps, None) is None:
                        break
                now = time.monotonic()
                if now - drawn > pause:
                    self._show(self._left(race))
                    # Drawing takes a tenth of the time at most.
                    drawn, pause = time.monotonic(), max(1.0, 10 * (time.monotonic() - now))
                yield
        except KeyboardInterrupt:  # in a task it would end the kernel
            pass
        except (OSError, *WRONG) as problem:
            self.say(problem)
        finally:
            steps.close()  # which saves what has been trained
            self._running = False

    def _forget(self):
        self._turns.halt()
        try:
            for file in self._files.values():
                file.unlink(missing_ok=True)
        except OSError as problem:
            self.say(problem)
        else:
            self.attempt(self.update)

    # ── what is shown ──

    @staticmethod
    def _left(race):
        runs = [run for name, run in race.runs.items() if name not in race.failed]
        seconds = sum(run.seconds / max(1, run.step) * (run.steps - run.step) for run in runs)
        return f"about {seconds / 60:.0f} min {seconds % 60 // 5 * 5:.0f} s left"

    def _show(self, left=""):
        race = self.race
        if race is None:  # what is wrong is said in its place
            return
        self.progress.max, self.progress.value = race.steps, race.step
        self.start.disabled, self.stop.disabled = race.done or self._running, not self._running
        said = left or (
            "trained" if race.done else "stopped: “train” resumes from here" if race.step else "not trained yet"
        )
        self.state.show(
            f"<p>{escape(self.task.note)}: {len(self.task.classes)} classes, by chance "
            f"{1 / len(self.task.classes):.0%} right. <b>Step {race.step:,} of {race.steps:,}</b>, {escape(said)}</p>"
        )
        self._draw(race, "".join(error(f"{name}: {why}") for name, why in race.failed.items()))

    def _draw(self, race, failures):
        """Show the curves and the table of a race, and below them, as HTML, what failed in it."""
        losses, accuracies, rows, spoken = [], [], [], []
        for (name, run), look in zip(race.runs.items(), LOOKS, strict=False):
            x, y = smoothed(run.losses, max(5, run.steps // 20))
            losses.append(Curve(name, list(range(1, run.step + 1)), run.losses, look, faint=True))
            losses.append(Curve(name, x, y, look))
            tests = race.tests(name)
            accuracies.append(Curve(name, [t[0] for t in tests], [100 * t[1] for t in tests], look))
            parameters, macs = self._costs[name]
            last = f"{y[-1]:.3f}" if y else "–"
            right = f"{tests[-1][1]:.1%}" if tests else "–"
            rows.append((swatch(look[0], name), parameters, macs, f"<b>{last}</b>", right, f"{run.seconds:.0f}"))
            spoken.append(f"{name}: training loss {last}, test accuracy {right}")
        text = f"Curves after {race.step} of {race.steps} steps. " + "; ".join(spoken) + "."
        whole = (0, race.steps)
        loss = self._loss.draw(losses, text, x_range=whole)
        self.curves.show(beside(loss, self._accuracy.draw(accuracies, text, x_range=whole, y_range=(0, 100))))
        names = "| parameters | MACs | training loss, lately | test accuracy | seconds"
        self.table.show(table(names, rows) + failures)


class TwinExplorer(TrainingExplorer):
    """Two networks that differ in one thing, trained side by side.

    depth: a number from DEPTHS, the number of layers with weights. pair: a name from PAIRS. task, recipe, folder: as
    above.
    Controls beside those of `TrainingExplorer`: pair, depth, source (of the pictures).
    """

    def __init__(self, depth=50, pair="plain | residual", task=None, recipe=None, *, folder=None):
        task = photographs() if task is None else task
        self.pair = choice("compare", list(PAIRS), pair)
        self.depth = choice("layers", list(DEPTHS), depth)
        self.source = choice("pictures", {task.name: task, CIFAR: None})
        super().__init__(self._networks, task, recipe, folder=folder)
        self.watch(self.pair, self.depth, self.source)

    def _more_controls(self):
        return self.pair, self.depth, self.source

    def _networks(self, seed):
        return PAIRS[self.pair.value](self.depth.value, num_classes=len(self.task.classes), seed=seed)

    def changed(self, control):
        self._turns.halt()
        missing = ""
        if control is self.source:
            try:
                self.task = self.source.value or cifar10(progress=self._fetching)
            except Unavailable as why:
                missing = error(str(why))
                with self.quietly():
                    self.source.index = 0
                self.task = self.source.value
        self.update()
        self.state.value += frame(missing)

    def _fetching(self, done, total):
        self.progress.max, self.progress.value = total or done, done
        self.state.show(f"<p>fetching CIFAR-10: {done / 1e6:,.0f} MB</p>")


def cost(network, size):
    """Return (parameters, MACs) of a network for a picture of that size; None for MACs that are not known."""
    parameters = sum(p.numel() for p in network.parameters())
    try:
        return parameters, anatomy(network, size).macs
    except (TypeError, ValueError):
        return parameters, None
