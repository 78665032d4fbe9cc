"""What networks that were trained in a race came to, and how much of a difference is luck."""

from dataclasses import dataclass, replace
from itertools import combinations
from math import sqrt

import torch

from ..anatomy import anatomy


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

    designs: name → `Design`; its number of classes is made the task's.
    Returns name → network, the name with its seed where there is more than one. ValueError for an illegal design.
    """
    networks = {}
    with torch.random.fork_rng(devices=[]):
        for seed in seeds:
            for name, design in designs.items():
                torch.manual_seed(seed)
                network = replace(design, num_classes=len(task.classes)).build()
                full = name if len(seeds) == 1 else f"{name}, seed {seed}"
                networks[full] = network
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
                name,
                costs.parameters,
                costs.macs,
                run.step,
                tuple(run.losses),
                tests,
                len(race.task.test[1]),
                run.seconds,
            )
        )
    return found


def by_design(results):
    """The results of each design: name without ", seed …" → its runs."""
    groups = {}
    for result in results:
        groups.setdefault(result.name.rsplit(", seed ", 1)[0], []).append(result)
    return groups


def luck(ours, theirs):
    """How often chance alone would part the means of two designs as far as they are: of all ways to deal the same
    accuracies out to the two, the share in which their means lie at least as far apart (a permutation test).

    ours, theirs: accuracies of runs that differ in their seed alone; at least one each. Between 0 and 1; with four
    runs each it is never below 2/70, which is reached when every run of the one beats every run of the other.
    """
    if not ours or not theirs:
        raise ValueError("luck can be judged where both designs have been tested, and one of them has no accuracy yet")
    all_, n = [*ours, *theirs], len(ours)

    def apart(chosen):
        first = [all_[i] for i in chosen]
        rest = [v for i, v in enumerate(all_) if i not in chosen]
        return abs(sum(first) / len(first) - sum(rest) / len(rest))

    deals = list(combinations(range(len(all_)), n))
    found = apart(range(n)) - 1e-12  # the deal that happened is one of them, however it is rounded
    return sum(apart(deal) >= found for deal in deals) / len(deals)
