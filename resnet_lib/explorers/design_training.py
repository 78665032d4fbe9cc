"""Designs trained against each other, several runs each, and whether a difference may be chance."""

from html import escape
from itertools import product
from pathlib import Path

from ..experiments.budget import short_name
from ..experiments.comparison import by_design, entrants, luck, results
from ..views.comparison import ComparisonCurves, comparison_table
from .base import slider
from .training import TrainingExplorer


class DesignTrainingExplorer(TrainingExplorer):
    """Designs trained on the same task by the same recipe, each several times with other first weights: a difference
    between two designs means something when it is larger than the one between two runs of the same.

    designs: name → `Design`, up to five. task, recipe, folder: as `TrainingExplorer`'s. Each design has its own
    subfolder, named by its numbers: a renamed design finds its runs again, and a changed one does not take them.
    Controls beside those of `TrainingExplorer`: runs, of each design. The seed is the first run's, and decides the
    order of the pictures for all.
    `results()` returns their results so far, for the report.
    """

    def __init__(self, designs, task=None, recipe=None, *, runs=3, folder=None):
        self.runs = slider("runs of each design", runs, 1, 8)
        self.runs.continuous_update = False  # each value builds networks
        self._designs, self._both = dict(designs), ComparisonCurves()
        super().__init__(self._networks, task, recipe, folder=folder)
        self.watch(self.runs)

    def _more_controls(self):
        return (self.runs,)

    def _networks(self, seed):
        return entrants(self._designs, self.task, self._seeds(seed))

    def _seeds(self, first):
        return range(first, first + self.runs.value)

    def _kept(self, names):
        if self._folder is None:
            return {}
        every = product(self._seeds(self.seed.value), self._designs.values())  # as `entrants` orders them
        return {
            name: Path(self._folder) / short_name(design) / self._settings() / f"weights{seed}.pt"
            for name, (seed, design) in zip(names, every, strict=True)
        }

    def results(self):
        """Return the results so far, a `comparison.Result` a run; none where there is nothing to train."""
        return results(self.race) if self.race else []

    def _draw(self, race, failures):
        found = results(race)
        self.curves.show(self._both.draw(found))
        self.table.show(comparison_table(found) + (verdict(found) if race.done else "") + failures)


def verdict(results):
    """Return how the first design's accuracy differs from each other one's, and whether by chance, as HTML."""
    groups = {name: [r.accuracy for r in runs if r.tests] for name, runs in by_design(results).items()}
    (name, ours), *others = groups.items()
    said = ""
    for other, theirs in others:
        if ours and theirs:
            apart = 100 * (sum(ours) / len(ours) - sum(theirs) / len(theirs))
            judged = "one run each does not show whether that is chance"
            if len(ours) + len(theirs) > 2:
                judged = f"permutation test: p = {luck(ours, theirs):.0%}"
            gap = f"{abs(apart):.1f} percentage points {'above' if apart > 0 else 'below'} {escape(other)}"
            said += f"<p><b>{escape(name)}</b> is {gap}; {judged}.</p>"
    return said
