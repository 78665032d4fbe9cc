"""How long a network takes on this machine: choose what is done to it, how many pictures at once, how many threads."""

import copy
import os
from functools import partial
from html import escape

import ipywidgets as widgets
import torch

from ..anatomy import anatomy
from ..network import resnet50
from ..speed.fast import FOLDED, GIVEN, JOINED, PLAIN, fold, join
from ..speed.timing import ms, timing_steps
from ..views.speed import time_table
from .base import THREADS, WRONG, Guarded, choice, html, row, slider, style, threads
from .work import InTurns

WAYS = (PLAIN, FOLDED, JOINED)
SIZES = (32, 64, 128, 224)


class SpeedExplorer(Guarded):
    """A network done one way against the network as given, in turns, at the same batch, size and threads. What was
    measured stays in a table, to be compared.

    network: with C = 3, of this library or your own; an untrained ResNet-50 unless given.
    batch, W, repeats: where it starts; repeats are the timed runs of each.
    Controls (attributes of these names): way, batch, W, threads, bfloat16, measure, stop, clear.
    rows: what has been measured, a list of dictionaries.
    """

    def __init__(self, network=None, batch=1, W=224, repeats=7):
        super().__init__()
        self.network = copy.deepcopy(resnet50() if network is None else network).eval()
        self.repeats, self.rows, self._turns = repeats, [], InTurns(self._done)
        self.way = choice("what is done", WAYS, JOINED)
        self.batch = slider("pictures at once (batch)", batch, 1, 32)
        self.W = choice("W", sorted({*SIZES, W}), W)
        self.threads = slider("threads", THREADS, 1, max(THREADS, os.cpu_count() or 1))
        self.bfloat16 = widgets.Checkbox(False, description="in bfloat16", indent=False)
        self.measure = widgets.Button(description="measure", layout=widgets.Layout(width="auto"))
        self.stop = widgets.Button(description="stop", disabled=True, layout=widgets.Layout(width="auto"))
        self.clear = widgets.Button(description="clear the table", layout=widgets.Layout(width="auto"))
        self.measure.on_click(lambda _button: self._start())
        self.stop.on_click(lambda _button: self._turns.halt())
        self.clear.on_click(lambda _button: self._clear())
        self.progress = widgets.IntProgress(0, 0, 1, layout=widgets.Layout(width="240px", visibility="hidden"))
        self.now, self.table = html(), html()
        self.children = [
            style(),
            row(self.way, self.batch, self.W),
            row(self.threads, self.bfloat16),
            row(self.measure, self.stop, self.progress, self.clear),
            self.problem,
            self.now,
            self.table,
        ]
        self.hidden = (self.now,)
        self.update()

    def update(self):
        self.table.value = f'<div class="rl">{_table(self.rows)}</div>'

    def _start(self):
        steps = self._measured()
        self._turns.halt()
        self.measure.disabled, self.stop.disabled, self.progress.layout.visibility = True, False, "visible"
        self._turns.begin(steps)

    def _measured(self):
        """Run after run; a generator, so that others have their turn in between."""
        self.say(None)
        batch, W, n, way = self.batch.value, self.W.value, self.threads.value, self.way.value
        dtype = torch.bfloat16 if self.bfloat16.value else torch.float32
        label = f"{way}{', bfloat16' * self.bfloat16.value}"
        where = f"{batch} at once, W = {W}, {n} thread{'s' * (n > 1)}:"
        try:
            x = torch.randn(batch, 3, W, W, generator=torch.Generator().manual_seed(0))
            wide = x.to(dtype, memory_format=torch.channels_last)
            with threads(n):
                done = done_so(self.network, way, wide)
            works = {GIVEN: partial(_run, self.network, x, n), label: partial(_run, done, wide, n)}
            for found, at, total in timing_steps(works, self.repeats):
                self.progress.max, self.progress.value = total, at
                if _even(found):
                    table = time_table(found, batch, "ms a picture")
                    self.now.value = f'<div class="rl"><p>{where}</p>{table}<br></div>'
                yield
            given, ours = found[GIVEN], found[label]
            flops = 2 * anatomy(self.network, W).macs * batch
            self.rows.append(
                {
                    "what": label,
                    "batch": batch,
                    "W": W,
                    "threads": n,
                    "timing": ours,
                    "factor": given.times(ours),
                    "rate": flops / ours.median,
                }
            )
            self.update()
        except WRONG as problem:
            self.say(problem)

    def _clear(self):
        self.rows = []
        self.update()

    def _done(self):
        self.measure.disabled, self.stop.disabled, self.progress.layout.visibility = False, True, "hidden"


def done_so(network, way, x):
    """A copy of the network done that way for inputs like `x`. Raises ValueError and RuntimeError as `fold`, `join`."""
    changed = copy.deepcopy(network) if way == PLAIN else fold(network)
    changed = changed.to(dtype=x.dtype, memory_format=torch.channels_last)
    return join(changed, x) if way == JOINED else changed


def _run(network, x, n):
    with threads(n), torch.inference_mode():
        network(x)


def _even(found):
    """Whether both have run, and equally often: only then can they be compared."""
    return len(found) == 2 and len({len(t.seconds) for t in found.values()}) == 1


def _table(rows):
    if not rows:
        return "<p>Nothing measured yet. Predict what helps, then press “measure”.</p>"
    body = ""
    for r in rows:
        low, high = (s / r["batch"] for s in r["timing"].middle)
        body += (
            f"<tr><td>{escape(r['what'])}</td><td>{r['batch']}</td><td>{r['W']}</td><td>{r['threads']}</td>"
            f"<td><b>{ms(r['timing'].median / r['batch'])}</b></td><td>{ms(low)} to {ms(high)}</td>"
            f"<td>{r['batch'] / r['timing'].median:,.1f}</td><td>{r['rate'] / 1e9:,.0f}</td>"
            f"<td>{r['factor']:.2f} ×</td></tr>"
        )
    names = ("measured", "batch", "W", "threads", "ms a picture", "middle half", "pictures a second", "GFLOP/s")
    head = "".join(f"<th>{name}</th>" for name in (*names, "as fast as given"))
    return (
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        '<p class="quiet">Medians. GFLOPs = 2 × 10⁹ MACs. “As given” ran in turns with each, at the same settings.</p>'
    )
