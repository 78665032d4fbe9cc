"""What networks that were trained in a race came to, and how much of a difference is luck."""

from dataclasses import dataclass, replace
from math import sqrt

import torch

from .anatomy import anatomy


@dataclass(frozen=True)
class Result:
    """What one network of a race cost and came to.

    name:     its name in the race.
    parameters, macs: of the network, MACs for one picture of the task.
    step:     steps that it has been trained for.
    losses:   the training loss of each of them.
    tests:    what it was tested with: (step, accuracy from 0 to 1) each time.
    pictures: how many the test has.
    seconds:  of training alone.
    """

    name: str
    parameters: int
    macs: int
    step: int
    losses: tuple
    tests: tuple
    pictures: int
    seconds: float

    @property
    def accuracy(self):
        """The share of the test pictures told right at the last test; None before the first."""
        return self.tests[-1][1] if self.tests else None

    @property
    def standard_error(self):
        """By how much the accuracy would scatter from one draw of so many test pictures to the next:
        √(p·(1 − p) / N). None before the first test."""
        p = self.accuracy
        return None if p is None else sqrt(p * (1 - p) / self.pictures)


def entrants(designs, task, seeds=(0,)):
    """Networks for a race: of every design one network a seed, and the same seed begins each with weights drawn the
    same way.

    designs: name → `NetworkDesign`; its number of classes is made the task's.
    Returns name → network, the name with its seed where there is more than one. ValueError for an illegal design.
    """
    networks = {}
    with torch.random.fork_rng(devices=[]):
        for seed in seeds:
            for name, design in designs.items():
                torch.manual_seed(seed)
                full = name if len(seeds) == 1 else f"{name}, seed {seed}"
                networks[full] = replace(design, num_classes=len(task.classes)).build()
    return networks


def results(race):
    """What every network of a `Race` has come to by now, a `Result` each."""
    size = (3, race.task.size, race.task.size)
    found = []
    for name, run in race.runs.items():
        costs = anatomy(run.network, size)
        tests = tuple((step, accuracy) for step, accuracy, _loss in race.tests(name))
        found.append(
            Result(
                name, costs.parameters, costs.macs, run.step, tuple(run.losses), tests, len(race.task.test[1]),
                run.seconds,
            )
        )  # fmt: skip
    return found


def gap(ours, theirs):
    """By how much the mean of some accuracies is above the mean of others, and the standard error of that difference,
    √(s₁²/n₁ + s₂²/n₂), where s is the deviation between the runs of one design (Welch). A difference of less than
    twice its standard error may well be luck.

    ours, theirs: accuracies of at least two runs each, which differ in their seed alone. ValueError for fewer.
    """
    means, squares = [], []
    for values in (ours, theirs):
        n = len(values)
        if n < 2:
            raise ValueError(f"{n} run of a design shows no spread: train each with two seeds or more")
        mean = sum(values) / n
        means.append(mean)
        squares.append(sum((v - mean) ** 2 for v in values) / (n - 1) / n)
    return means[0] - means[1], sqrt(sum(squares))
