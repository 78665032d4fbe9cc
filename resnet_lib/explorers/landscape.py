"""The loss around one network or two, coarse at once and finer step by step."""

import time
from html import escape

from matplotlib.figure import Figure

from ..experiments.landscape import SIDES, landscape_steps
from ..views.landscape import landscape_maps, landscape_slices, maps_width, slices_chart
from ..views.markup import paragraphs, table
from .base import Guarded, Picture, choice, html, row, whole_number
from .subjects import networks_or_bundled, tasks_for
from .work import Work

RADII = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0)
STATISTICS = {"from training": "kept", "of these pictures": "batch"}
FINEST = (9, 17, 33)


class LandscapeExplorer(Guarded):
    """Maps of the loss on a plane through the weights of one network or two, under the same colours and contour lines.

    networks: a dictionary, what it is called → network, such as `plain.twins` once trained; both get the same random
              directions. The bundled one unless given.
    task:     a `tasks.Task`: the loss is that of its first n pictures to train on. Unless given, the labels are each
              network's own answers to pieces of the bundled photographs.
    n:        pictures of every forward pass.
    finest:   points along a side of the finest map, 9, 17 or 33.
    radius, seed, statistics: as `landscape.landscape_steps`.
    Controls (attributes of these names): radius, seed, statistics, finest, work (with start and stop). The coarsest map
    is there at once; in a notebook it is then refined until it is as fine as asked, or stopped.
    Raises ValueError for networks or a task that do not fit.
    """

    def __init__(self, networks=None, task=None, n=128, *, finest=17, radius=0.3, seed=0, statistics="kept"):
        super().__init__()
        self.networks = networks_or_bundled(networks)
        self._own, self._data = task is None, {}
        for name, chosen in tasks_for(self.networks, task, n).items():
            pictures, labels = chosen.test if self._own else chosen.train
            self._data[name] = chosen.prepare(pictures, 1.0), labels
        self.found, self._figure, self._slices, self._drawn = {}, Figure(), slices_chart(), 0.0

        self.radius = choice("radius", sorted({*RADII, radius}), radius)
        self.seed = whole_number("seed of the directions", seed, 999, width="220px")
        self.statistics = choice("BN's means and variances", STATISTICS, statistics)
        self.finest = choice("points", {f"{k} × {k}": k for k in sorted({*FINEST, finest})}, finest)
        self.work = Work("begin", self._begin, "forward passes", self.say)
        self.picture = Picture("calc(100% - 4px)", max_width=f"{maps_width(len(self.networks))}px")
        self.picture.remove_class("rl-maps")
        self.slices, self.text = html(), html()
        self.watch(self.radius, self.seed, self.statistics, self.finest)
        controls = row(self.radius, self.seed, self.statistics, self.finest)
        self.lay_out(controls, self.work, self.problem, self.picture, self.text, self.slices)
        self.hidden = (self.picture, self.slices, self.text)
        self.attempt(self.update)

    def update(self):
        """A new map: the coarsest at once."""
        self.work.fresh(SIDES[0] ** 2)

    def _begin(self):
        sides = [side for side in (*SIDES, 33) if side <= self.finest.value]
        options = {"radius": self.radius.value, "seed": self.seed.value, "statistics": self.statistics.value}
        maps = [
            landscape_steps(network, *self._data[name], sides=sides, **options)
            for name, network in self.networks.items()
        ]
        whole = {side * side for side in sides}
        for states in zip(*maps, strict=True):  # by turns, so that all are as fine
            self.found = {name: state[0] for name, state in zip(self.networks, states, strict=True)}
            done, total = states[0][1:]
            if done in whole or done > min(whole) and time.monotonic() > self._drawn + 1:
                self._draw()
            yield done * len(maps), total * len(maps)

    def run(self):
        """Measure to the end, here and now. Interrupt the kernel (■) to stop; calling it again resumes."""
        self.work.run()

    def _draw(self):
        titles = {f"{name}: loss {found.centre:.3g} in the middle": found for name, found in self.found.items()}
        sentences = " ".join(self._said(name, found) for name, found in self.found.items())
        self.picture.show(landscape_maps(self._figure, titles), "png", f"Maps of the loss. {sentences}")
        self.slices.show(landscape_slices(self._slices, self.found))
        self.text.show(self._table() + self._notes())
        self._drawn = time.monotonic()

    def _said(self, name, found):
        falls, steps = found.falls
        return (
            f"{name}: loss {found.centre:.3g} in the middle, {found.edge:.3g} at distance {found.radius:g}; "
            f"better than guessing on {found.basin:.0%} of the map; outwards it falls at {falls} of {steps} steps."
        )

    def _table(self):
        rows = []
        for name, found in self.found.items():
            falls, steps = found.falls
            losses = (f"{n:.3g}" for n in (found.centre, found.edge, found.edge / max(found.centre, 1e-12)))
            rows.append((escape(name), *losses, f"{found.basin:.0%}", f"{falls} of {steps}"))
        names = (
            f"| loss in the middle | at distance {self.radius.value:g} | as a multiple | better than guessing | "
            "falls outwards"
        )
        return table(names, rows)

    def _notes(self):
        notes = []
        guessing = [name for name, found in self.found.items() if not found.centre < 0.95 * found.guessing]
        if guessing:
            like = "is no better than guessing, as an untrained network"
            if len(guessing) > 1:
                like = "are no better than guessing, as untrained networks"
            notes.append(f"{' and '.join(guessing)} {like}: there is no valley to look at, so train first.")
        for name, found in self.found.items():
            bad = (found.known & ~found.loss.isfinite()).sum().item()
            if bad:
                notes.append(f"{name}: at {bad} points (×) the loss is infinite or undefined.")
        if self._own:
            notes.append(
                "There are no labels for these pictures here: the loss is against the network's own answers in the "
                "middle."
            )
        guess = next(iter(self.found.values())).guessing
        notes.append(
            f"One logarithmic scale for all; the dashed line is the loss of guessing, {guess:.3g}. At distance 1 "
            "every filter has been changed by as much as it is long."
        )
        return paragraphs(notes, "quiet")
