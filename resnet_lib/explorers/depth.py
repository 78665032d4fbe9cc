"""Signal and gradient by depth, plain against residual: one batch forward and back through untrained twins."""

import math

from ..experiments.signals import INITIALISATIONS, batch, signals, untrained_twins
from ..network import DESIGNS
from ..views.curves import LOOKS, Chart, Curve
from ..views.markup import beside
from ..views.style import MAIN, SHORTCUT
from .base import Guarded, all_threads, checkbox, choice, html, row, whole_number

# Layers with weights → (kind of block, blocks in Stages 1–4). The last two are deeper than any published ResNet for
# ImageNet but one: 200 is in He et al., "Identity Mappings in Deep Residual Networks", arXiv 1603.05027, Table 5.
DEEP = {int(name[6:]): (d.block, d.blocks) for name, d in DESIGNS.items() if name[6:].isdigit()}
DEEP |= {200: ("bottleneck", (3, 24, 36, 3)), 302: ("bottleneck", (3, 30, 64, 3))}


class DepthExplorer(Guarded):
    """The signal that reaches the last block of plain and residual twins, and the gradient that returns to the first.

    depth: a number from DEEP. Controls (attributes of these names): depth, bn, initialisation, zero (the last BN of
    each F starts at zero), seed.
    """

    def __init__(self, depth=50, bn=True):
        super().__init__()
        self.depth = choice("layers", list(DEEP), depth)
        self.bn = checkbox("BN", bn)
        self.zero = checkbox("last BN of F starts at zero", False)
        self.initialisation = choice("weights drawn", list(INITIALISATIONS))
        self.seed = whole_number("seed", 0, 10**6)
        small = {"log": True, "width": 365, "height": 225}  # two side by side, so that all three fit on one screen
        self._forward = Chart("block", "variance", title="forward: variance of a block's output", **small)
        self._back = Chart("block", "norm", title="back: gradient of the loss by that output", **small)
        self._parts = Chart("block", "variance", title="residual: what is added, before the sum", **small)
        self.charts, self.text = html(), html()
        self.watch(self.depth, self.bn, self.zero, self.initialisation, self.seed)
        self.hidden = (self.charts, self.text)
        controls = row(self.depth, self.bn, self.zero), row(self.initialisation, self.seed)
        self.lay_out(*controls, self.problem, self.text, self.charts)
        self.attempt(self.update)

    def update(self):
        self.zero.disabled = not self.bn.value  # without BN there is none to start at zero
        kind, counts = DEEP[self.depth.value]
        pair = untrained_twins(
            counts,
            block=kind,
            bn=self.bn.value,
            initialisation=self.initialisation.value,
            seed=self.seed.value,
            zero_init_residual=self.zero.value and self.bn.value,
        )
        x, labels = batch()
        with all_threads():
            self.found = {
                name: signals(network, x, labels) for name, network in zip(("plain", "residual"), pair, strict=True)
            }
        self._draw()

    def _draw(self):
        forward, back, said = [], [], []
        n = len(self.found["plain"])
        marks = stage_marks([s.name for s in self.found["plain"]])
        for (name, found), look in zip(self.found.items(), LOOKS, strict=False):
            forward.append(positive(name, [s.output for s in found], look))
            back.append(positive(name, [s.gradient for s in found], look))
            said.append(
                f"<b>{name}</b>: from the first block to the last of {n}, the variance becomes "
                f"{times(found[-1].output, found[0].output)}; from the last to the first, the gradient becomes "
                f"{times(found[0].gradient, found[-1].gradient)}."
            )
        residual = self.found["residual"]
        parts = [
            positive("x, by the shortcut", [s.shortcut for s in residual], (SHORTCUT, "-.", "^")),
            positive("F(x)", [s.main for s in residual], (MAIN, "--", "s")),
        ]
        if not any(s.main for s in residual):
            said.append("Every F(x) is zero: each block of the residual twin returns what it was given.")
        self.text.show("".join(f"<p>{s}</p>" for s in said))
        plainly = " ".join(said).replace("<b>", "").replace("</b>", "")
        drawn = (self._forward, forward, plainly), (self._back, back, plainly)
        drawn += ((self._parts, parts, "The two summands of every block."),)
        self.charts.show(beside(*(chart.draw(curves, words, marks=marks) for chart, curves, words in drawn)))


def stage_marks(names):
    """Return (block, label) where a stage begins; the label is its number alone where the next begins close by."""
    starts = [i + 1 for i, name in enumerate(names) if name.endswith(".0")]
    room = [after - start for start, after in zip(starts, [*starts[1:], len(names) + 1], strict=True)]
    return [
        (start, f"Stage {n}" if wide > 0.16 * len(names) else str(n))
        for n, (start, wide) in enumerate(zip(starts, room, strict=True), 1)
    ]


def positive(name, values, look):
    """Return a curve for a logarithmic axis: what is zero, infinite or undefined leaves a gap."""
    shown = [v if v and 0 < v < math.inf else math.nan for v in values]
    return Curve(name, list(range(1, len(values) + 1)), shown, look)


def times(end, start):
    """Return how many times as large, in words."""
    if not (math.isfinite(end) and math.isfinite(start)):
        return "<b>infinite or undefined</b>"
    if not start or not end:
        return "<b>zero</b>" if not end else "more than zero"
    ratio = end / start
    if 0.001 <= ratio < 1000:
        return f"<b>{ratio:.3g} times</b> what it was"
    power = math.floor(math.log10(ratio))
    return f"<b>{ratio / 10**power:.1f} · 10<sup>{str(power).replace('-', '−')}</sup> times</b> what it was"
