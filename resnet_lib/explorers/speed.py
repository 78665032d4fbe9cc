"""The time a network takes on this machine: choose how it is made faster, pictures at once, and threads."""

import copy
import os
import time
from functools import partial
from html import escape

import torch

from .._common import threads
from ..anatomy import anatomy
from ..network import resnet50
from ..speed.fast import FOLDED, GIVEN, JOINED, PLAIN, fold, join
from ..speed.timing import ms, timing_steps
from ..views.markup import table
from ..views.speed import time_table
from .base import THREADS, Guarded, button, checkbox, choice, html, row, slider
from .work import Work, running_loop

WAYS = (PLAIN, FOLDED, JOINED)
SIZES = (32, 64, 128, 224)
# The measurement at the start ends after so many seconds, once it has a few runs: a median of three says something.
SHORT, FEWEST = 1.5, 3


class SpeedExplorer(Guarded):
    """A network made faster in one way against the network as given, in turns, at the same batch, size and threads.
    Measurements stay in a table, to be compared. In a notebook it begins by itself with one of the network as given,
    which takes a second or two.

    network: with C = 3, of this library or your own; an untrained ResNet-50 unless given.
    batch, W, repeats: where it starts; repeats are the timed runs of each.
    Controls (attributes of these names): way, batch, W, threads, bfloat16, measure, stop, clear.
    rows: what has been measured, a list of dictionaries.
    """

    def __init__(self, network=None, batch=1, W=224, repeats=7):
        super().__init__()
        self.network = copy.deepcopy(resnet50() if network is None else network).eval()
        self.repeats, self.rows = repeats, []
        self.way = choice("what is done", WAYS, JOINED)
        self.batch = slider("pictures at once (batch)", batch, 1, 32)
        self.W = choice("W", sorted({*SIZES, W}), W)
        self.threads = slider("threads", THREADS, 1, max(THREADS, os.cpu_count() or 1))
        self.bfloat16 = checkbox("in bfloat16", False)
        self.work = Work("measure", self._begin, "", self.say, resumes=False)
        self.measure, self.stop, self.progress = self.work.start, self.work.stop, self.work.bar
        self.clear = button("clear the table", self._clear)
        self.now, self.table = html(), html()
        controls = row(self.way, self.batch, self.W), row(self.threads, self.bfloat16), row(self.work, self.clear)
        self.lay_out(*controls, self.problem, self.now, self.table)
        self.hidden = (self.now,)
        self._opening = running_loop() is not None
        self.update()
        if self._opening:
            self.work.resume()

    def update(self):
        self.table.show(_table(self.rows))

    def _begin(self):
        opening, self._opening = self._opening, False
        return self._as_given() if opening else self._measured()

    def _as_given(self):
        """Measure the network as given alone, shortly, so that there is something true to look at from the start; a
        generator of (done, total)."""
        self.now.show("<p>The network as given is being measured.</p>")
        begun, x, settings = time.monotonic(), self._input(), self._settings()
        works = {GIVEN: partial(_run, self.network, x, settings["threads"])}
        try:
            for so_far, at, total in timing_steps(works, self.repeats):
                found = so_far
                yield at, total
                if at > FEWEST and time.monotonic() - begun > SHORT:
                    break
        finally:  # stopped or not
            self.now.show("")
        self._keep(GIVEN, settings, found[GIVEN], 1.0)

    def _input(self):
        shape = self.batch.value, 3, self.W.value, self.W.value
        return torch.randn(shape, generator=torch.Generator().manual_seed(0))

    def _settings(self):
        return {"batch": self.batch.value, "W": self.W.value, "threads": self.threads.value}

    def _measured(self):
        """Measure run after run; a generator of (done, total)."""
        settings, x, way = self._settings(), self._input(), self.way.value
        batch, W, n = settings.values()
        dtype = torch.bfloat16 if self.bfloat16.value else torch.float32
        label = f"{way}{', bfloat16' * self.bfloat16.value}"
        wide = x.to(dtype, memory_format=torch.channels_last)
        with threads(n):
            done = done_so(self.network, way, wide)
        works = {GIVEN: partial(_run, self.network, x, n), label: partial(_run, done, wide, n)}
        for found, at, total in timing_steps(works, self.repeats):
            if _even(found):
                where = f"{batch} at once, W = {W}, {n} thread{'s' * (n > 1)}:"
                self.now.show(f"<p>{where}</p>{time_table(found, batch, 'ms a picture')}<br>")
            yield at, total
        self._keep(label, settings, found[label], found[GIVEN].times(found[label]))

    def _keep(self, what, settings, timing, factor):
        """Put a measurement into the table."""
        try:
            rate = 2 * anatomy(self.network, settings["W"]).macs * settings["batch"] / timing.median
        except ValueError:  # a network of the learner's own whose steps depend on the numbers runs, and can be timed
            rate = None
        self.rows.append({"what": what, **settings, "timing": timing, "factor": factor, "rate": rate})
        self.update()

    def _clear(self):
        self.rows = []
        self.update()


def done_so(network, way, x):
    """Return a copy of the network made that way for inputs like `x`. Raises what `fold` and `join` raise."""
    changed = copy.deepcopy(network) if way == PLAIN else fold(network)
    changed = changed.to(dtype=x.dtype, memory_format=torch.channels_last)
    return join(changed, x) if way == JOINED else changed


def _run(network, x, n):
    with threads(n), torch.inference_mode():
        network(x)


def _even(found):
    """Whether both have run, and equally often: only then can they be compared."""
    return len(found) == 2 and len({len(t.seconds) for t in found.values()}) == 1


PREDICT = "<p>Predict what helps, then press “measure”.</p>"


def _table(rows):
    if not rows:
        return f"<p>Nothing measured yet.</p>{PREDICT}"
    cells = []
    for r in rows:
        a_picture = [seconds / r["batch"] for seconds in (r["timing"].median, *r["timing"].middle)]
        median, low, high = map(ms, a_picture)
        rate = "unknown" if r["rate"] is None else f"{r['rate'] / 1e9:,.0f}"
        rates = f"{1 / a_picture[0]:,.1f}", rate, f"{r['factor']:.2f} ×"
        settings = escape(r["what"]), r["batch"], r["W"], r["threads"]
        cells.append((*settings, f"<b>{median}</b>", f"{low} to {high}", *rates))
    names = (
        "measured | batch | W | threads | ms a picture | middle half | pictures a second | GFLOP/s | as fast as given"
    )
    alone = len(rows) == 1 and rows[0]["what"] == GIVEN
    in_turns = "" if alone else " “As given” ran in turns with each, at the same settings."
    note = f'<p class="quiet">Medians. GFLOPs = 2 × 10⁹ MACs.{in_turns}</p>'
    return f"{table(names, cells)}{PREDICT if alone else ''}{note}"
