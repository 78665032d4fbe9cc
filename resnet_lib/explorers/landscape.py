"""The loss around one network or two, coarse at once and ever finer while one looks."""

import time
from html import escape

import ipywidgets as widgets
from matplotlib.figure import Figure

from ..experiments.ablation import check_classes, own_answers
from ..experiments.landscape import SIDES, landscape_steps
from ..experiments.tasks import photographs
from ..views.landscape import landscape_maps, landscape_slices, slices_chart
from ..weights import load
from .base import STYLE, Guarded, Picture, choice, html, row, style
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
        self.networks = {"the bundled network": load("thin")} if networks is None else networks
        if not isinstance(self.networks, dict) or not 1 <= len(self.networks) <= 2:
            raise ValueError("networks must be a dictionary of one network or two, what it is called → network")
        self._data, self._own = {}, task is None
        for name, network in self.networks.items():
            if task is not None:
                check_classes(network, task)
                pictures, labels = task.first(n).train
                self._data[name] = task.prepare(pictures, 1.0), labels
            else:
                checkpoint = getattr(network, "checkpoint", None)
                own = own_answers(network, photographs(checkpoint.size if checkpoint else 32).first(n))
                self._data[name] = own.prepare(own.test[0], 1.0), own.test[1]
        self.found, self._figure, self._slices, self._drawn = {}, Figure(), slices_chart(), 0.0

        self.radius = choice("radius", sorted({*RADII, radius}), radius)
        self.seed = widgets.BoundedIntText(seed, min=0, max=999, description="seed of the directions", style=STYLE)
        self.seed.layout.width = "220px"
        self.statistics = choice("BN's means and variances", STATISTICS, statistics)
        self.finest = choice("points", {f"{k} × {k}": k for k in sorted({*FINEST, finest})}, finest)
        self.work = Work("begin", self._begin, "forward passes", self.say)
        self.picture = Picture(layout=widgets.Layout(width="100%", max_width="930px"))
        self.picture.remove_class("rl-maps")
        self.slices, self.text = html(), html()
        self.watch(self.radius, self.seed, self.statistics, self.finest)
        self.children = [
            style(),
            row(self.radius, self.seed, self.statistics, self.finest),
            self.work,
            self.problem,
            self.picture,
            self.text,
            self.slices,
        ]
        self.hidden = (self.picture, self.slices, self.text)
        self.attempt(self.update)

    def update(self):
        """A new map: the coarsest at once."""
        self.work.fresh(SIDES[0] ** 2)

    def _begin(self):
        sides = [side for side in (*SIDES, 33) if side <= self.finest.value]
        maps = [
            landscape_steps(
                network,
                *self._data[name],
                radius=self.radius.value,
                seed=self.seed.value,
                sides=sides,
                statistics=self.statistics.value,
            )
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
        """Measure to the end, here and now. Interrupt the kernel (■) to stop; calling it again goes on."""
        self.work.run()

    def _draw(self):
        titles = {f"{name}: loss {found.centre:.3g} in the middle": found for name, found in self.found.items()}
        sentences = " ".join(self._said(name, found) for name, found in self.found.items())
        self.picture.show(landscape_maps(self._figure, titles), "png", f"Maps of the loss. {sentences}")
        self.slices.value = f'<div class="rl">{landscape_slices(self._slices, self.found)}</div>'
        self.text.value = f'<div class="rl">{self._table()}{self._notes()}</div>'
        self._drawn = time.monotonic()

    def _said(self, name, found):
        falls, steps = found.falls
        return (
            f"{name}: loss {found.centre:.3g} in the middle, {found.edge:.3g} at distance {found.radius:g}; "
            f"better than guessing on {found.basin:.0%} of the map; outwards it falls at {falls} of {steps} steps."
        )

    def _table(self):
        head = (
            "",
            "loss in the middle",
            f"at distance {self.radius.value:g}",
            "as a multiple",
            "of the map better than guessing",
            "steps outwards where it falls",
        )
        rows = ""
        for name, found in self.found.items():
            falls, steps = found.falls
            cells = [escape(name)]
            cells += [f"{n:.3g}" for n in (found.centre, found.edge, found.edge / max(found.centre, 1e-12))]
            cells += [f"{found.basin:.0%}", f"{falls} of {steps}"]
            rows += f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
        return f"<table><thead><tr>{''.join(f'<th>{h}</th>' for h in head)}</tr></thead><tbody>{rows}</tbody></table>"

    def _notes(self):
        notes = []
        for name, found in self.found.items():
            if not found.centre < 0.95 * found.guessing:
                notes.append(
                    f"{name} is no better than guessing, as an untrained network: there is no valley around it to "
                    "look at, so train it first."
                )
            bad = (found.known & ~found.loss.isfinite()).sum().item()
            if bad:
                notes.append(f"{name}: at {bad} points (×) the loss is infinite or undefined.")
        if self._own:
            notes.append(
                "There are no labels for these pictures here: the loss is against what the network itself answers in "
                "the middle."
            )
        guess = next(iter(self.found.values())).guessing
        notes.append(
            f"One logarithmic scale for all; the dashed line is the loss of guessing, {guess:.3g}. At distance 1 "
            "every filter has been changed by as much as it is long."
        )
        return "".join(f'<p class="quiet">{escape(note)}</p>' for note in notes)
