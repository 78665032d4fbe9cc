"""Several networks trained on the same task by the same recipe, a step of each in turn, to be watched side by side."""

import hashlib
import re
import unicodedata
from contextlib import ExitStack
from pathlib import Path

import torch
from torch import nn

from .training import Recipe, Training, evaluate


class Race:
    """Networks on their way through the same task.

        race = Race({"plain": plain, "residual": residual}, photographs(), Recipe(epochs=6))
        for step in race:
            ...                       # after a step of each: race.runs["plain"].losses grows; break whenever you like

    Every network sees the same pictures in the same order. Stop with `break` or the keyboard; another `for` goes on.

    networks: name → network. They are trained in place.
    task:     a `tasks.Task`.
    recipe:   a `training.Recipe`.
    folder:   where each run is kept, in a file of its own; what is there already is gone on with. None keeps nothing.
    files:    name → the file of a run, where the names are not to say it.
    every:    steps from one test on the task's test pictures to the next; an epoch unless given.

    runs:     name → `Training`.
    failed:   name → sentence, for networks that could not go on, such as one whose loss grew without bound; the
              others do.
    Raises ValueError as `Training`, and for no networks.
    """

    def __init__(self, networks, task, recipe=None, *, folder=None, files=None, every=None):
        if not networks:
            raise ValueError("there must be at least one network to train")
        self.task, self.recipe, self.failed = task, recipe or Recipe(), {}
        self.runs = {}
        for name, network in networks.items():
            _sooner(network)
            file = (files or {}).get(name) or (None if folder is None else Path(folder) / f"{slug(name)}.pt")
            self.runs[name] = Training(network, *task.train, self.recipe, prepare=task.prepare, file=file)
            self.runs[name].notes.setdefault("tests", [])
        self.every = every or max(1, len(task.train[1]) // self.recipe.batch)

    @property
    def steps(self):
        """Steps of each network in all."""
        return next(iter(self.runs.values())).steps

    @property
    def step(self):
        """Steps that every network has done; one that failed is not waited for."""
        return min((run.step for name, run in self.runs.items() if name not in self.failed), default=self.steps)

    @property
    def done(self):
        """Whether all have been trained, and tested at the end."""
        return all(name in self.failed or self._finished(run) for name, run in self.runs.items())

    def tests(self, name):
        """What the tests of a network found so far: [(step, accuracy from 0 to 1, mean loss)]."""
        return [tuple(test) for test in self.runs[name].notes["tests"]]

    def __iter__(self):
        with ExitStack() as stack:
            going = {}
            for name, run in self.runs.items():
                going[name] = iter(run)
                stack.callback(going[name].close)  # which saves it
            while not self.done:
                for name, run in self.runs.items():
                    if name not in self.failed and run.step <= self.step:
                        self._advance(name, run, going[name])
                yield self.step

    def _advance(self, name, run, steps):
        try:
            if not self._due(run):  # else it was stopped in the middle of a test
                next(steps, None)
            if self._due(run):
                accuracy, loss = evaluate(run.best, *self.task.test, prepare=self.task.prepare)
                run.notes["tests"].append([run.step, accuracy, loss])
        except ValueError as problem:
            self.failed[name] = str(problem)

    def _due(self, run):
        tests = run.notes["tests"]
        since = run.step - (tests[-1][0] if tests else 0)
        return since >= self.every or (run.step == run.steps and since > 0)

    def _finished(self, run):
        return run.step == run.steps and not self._due(run)


def _sooner(network):
    """Lay the network's weights out so that the same numbers come sooner; its maps follow them. Below 8 channels torch
    2.13 can then write past its memory in the backward pass on one thread, which ends the kernel: those stay."""
    channels = [m.out_channels for m in network.modules() if isinstance(m, nn.Conv2d)]
    if channels and min(channels) >= 8:
        network.to(memory_format=torch.channels_last)


RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(?=\.|$)", re.IGNORECASE)  # Windows' names of devices
LONGEST = 120  # bytes, with room below the 255 that file systems take for what is added to a name


def slug(name):
    """A name as part of a file's name that every system takes: letters and digits of any script stay."""
    text = unicodedata.normalize("NFC", str(name))
    kept = "".join(c if c in "._=-" or unicodedata.category(c)[0] in "LMN" else " " for c in text)
    kept = re.sub(" +", "_", kept).strip("._") or "run"
    if len(kept.encode()) > LONGEST:
        kept = kept.encode()[: LONGEST - 9].decode(errors="ignore")
        kept += f"-{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:8]}"
    device = RESERVED.match(unicodedata.normalize("NFKC", kept))
    return f"{kept[: device.end()]}_{kept[device.end() :]}" if device else kept
