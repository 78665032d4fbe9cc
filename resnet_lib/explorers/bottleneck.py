"""The laboratory of one bottleneck block: turn C, W, C1 and S, and see shapes, costs and feature maps follow."""

from collections import OrderedDict
from html import escape

import ipywidgets as widgets
import numpy as np
import torch

from .._common import shape_text
from ..activations import activations, step_names
from ..anatomy import Anatomy, ShapeMismatch
from ..photos import block_input
from ..views.diagram import block_diagram
from ..views.maps import GAP, mosaic, statistics
from ..views.markup import share_bar, table
from ..views.style import MAIN, SHORTCUT, SUM
from .base import (
    STRIDE_ON,
    Explorer,
    MapView,
    button,
    choice,
    columns,
    error,
    html,
    pictures,
    row,
    slider,
    toggle,
    whole_number,
)
from .block_design import BlockDesign, positions

# What the step control offers: what is shown → the names of the steps.
AT_THE_SUM = "what meets at the sum, and y"
FREE = "–"  # the position control, where the numbers are no position of ResNet-50

# The steps before F's last convolution; from there on only the channels looked at are computed.
INSIDE = ("conv1", "bn1", "relu1", "conv2", "bn2", "relu2")

# Above so many MACs in F's first two convolutions (of the others only some channels are computed) the maps are
# computed on a central window of the input, so that a drag stays live. Every block of ResNet-50 is below.
BUDGET = 250e6


class BottleneckExplorer(Explorer):
    """A bottleneck block over a picture, live.

    block, C, W, C1, S, stride_on: the block to begin with. picture: a name from PATTERNS, or whatever
    `photos.open_photo` takes.
    Controls (attributes of these names): block, stride_on, position, C, W, C1, S, picture, step, channel, mend.
    """

    def __init__(self, block="BTNK1", C=64, W=56, C1=64, S=1, stride_on="3x3", picture="coffee"):
        super().__init__()
        self.block = toggle("", ["BTNK1", "BTNK2"], block)
        self.block.tooltips = ["projection: ReLU(F(x) + G(x))", "identity: ReLU(F(x) + x)"]
        self.stride_on = toggle("", STRIDE_ON, stride_on)
        places = {f"{name}: {describe(d)}": d for name, d in positions().items()}
        self.position = choice("position in ResNet-50", {FREE: None, **places})
        self.C = slider("C", C, 16, 2048, 16)
        self.W = slider("W", W, 7, 224)
        self.C1 = slider("C1", C1, 4, 512, 4)
        self.S = slider("S", S, 1, 4)
        self.picture = pictures(picture)
        self.step = choice("look at", {AT_THE_SUM: "sum"})
        self.channel = whole_number("from channel", 0, 0, width="170px", step=16)
        self.mend = button("mend it: C1 = C/4, S = 1", self._make_legal)

        self.numbers, self.maps = html(), MapView()
        self._made = self._computed = (None, None)
        controls = (self.block, self.stride_on, self.C, self.W, self.C1, self.S, self.picture, self.step)
        self.watch(*controls, self.position, self.channel)
        left = widgets.VBox([self.mend, self.numbers], layout=widgets.Layout(width="390px"))
        right = widgets.VBox(
            [row(self.step, self.channel), self.maps], layout=widgets.Layout(flex="1 1 380px", max_width="580px")
        )
        both = columns(left, right, width="100%", align_content="flex-start")
        controls = row(self.block, self.stride_on, self.picture), row(self.position), row(self.C, self.C1)
        self.lay_out(*controls, row(self.W, self.S), both)
        self.update()

    @property
    def design(self):
        """The block that the controls describe."""
        return BlockDesign(
            self.block.value, self.C.value, self.W.value, self.C1.value, self.S.value, self.stride_on.value
        )

    def changed(self, control):
        if control is self.position:
            if control.value is not None:
                self._go_to(control.value)
        elif control is self.block and control.value == "BTNK2":
            self._make_legal()
        elif control is self.C and self.block.value == "BTNK2":
            with self.together():  # C and C1 belong together in a BTNK2
                self.C1.value = control.value // 4
        else:
            self.update()

    def _make_legal(self):
        with self.together():
            self.C1.value, self.S.value = self.C.value // 4, 1

    def _go_to(self, d):
        with self.together():
            self.block.value, self.C.value, self.W.value = d.block, d.C, d.W
            self.C1.value, self.S.value = d.C1, d.S

    def update(self):
        design = self.design
        self._show_position(design)
        try:
            anatomy, clash = design.anatomy(), None
        except ShapeMismatch as mismatch:
            size = (design.C, design.W, design.W)
            anatomy, clash = Anatomy(design.block, size, mismatch.steps), mismatch
        self._offer_steps(design, clash)
        self.mend.layout.display = "" if clash else "none"
        # The numbers need no forward pass, so they are on their way before the maps are begun.
        self.numbers.show(self._numbers(design, anatomy, clash))
        self._show_maps(design, anatomy, clash)

    # ── numbers ──

    def _numbers(self, design, anatomy, clash):
        steps = {s.name: s for s in anatomy.steps}
        marked = ("bn3", "shortcut", "add", "relu3") if self.step.value == "sum" else (self.step.value,)
        text = f'<p class="big"><b>{describe(design)}</b></p>'
        if clash:
            text += error(str(clash), advice(design))
        else:
            text += (
                f"<p>{shape_text(anatomy.input)} → <b>{shape_text(anatomy.output)}</b></p>"
                f"<p><b>{anatomy.parameters:,}</b> parameters, <b>{anatomy.macs:,}</b> MACs "
                f'<span class="quiet">(FLOPs = 2 × MACs = {anatomy.flops:,})</span></p>'
            )
        shapes = (clash.main, clash.shortcut) if clash else None
        text += block_diagram(steps, anatomy.input, marked=marked, clash=shapes)
        costly = [s for s in anatomy.steps if s.parameters]
        rows = [(s.name, s.parameters, s.macs, share_bar(s.macs, anatomy.macs, 60)) for s in costly]
        rows.append(("F so far" if clash else "total", anatomy.parameters, anatomy.macs, ""))
        return text + table("step | parameters | MACs |", rows, kinds={-1: "total"})

    def _show_position(self, design):
        """The position control follows the numbers, so that it never names another block than the one shown."""
        if self.position.value is None or not same_place(self.position.value, design):
            here = (d for d in positions().values() if same_place(d, design))
            with self.quietly():
                self.position.value = next(here, None)

    def _offer_steps(self, design, clash):
        """The step control offers what the block has: a projection has two steps of its own, an illegal sum none."""
        projection = design.block == "BTNK1"
        names = ["conv1", "bn1", "relu1", "conv2", "bn2", "relu2", "conv3", "bn3"]
        options = {"F(x), which cannot be added" if clash else AT_THE_SUM: "sum"}
        options |= {f"F: {n}" + (" = F(x)" if n == "bn3" else ""): n for n in names}
        options |= {"G: conv": "shortcut.conv", "G: bn = G(x)": "shortcut.bn"} if projection else {"x": "shortcut"}
        options |= {} if clash else {"the sum, before ReLU": "add", "y, after ReLU": "relu3"}
        if tuple(options.items()) != tuple(self.step.options.items()):
            with self.quietly():
                value = self.step.value
                self.step.options = options
                self.step.value = value if value in options.values() else "sum"

    # ── maps ──

    def _show_maps(self, design, anatomy, clash):
        step = self.step.value
        if step == "sum" and clash:
            step = "bn3"
        quarter = step == "sum"
        shape = anatomy["relu3" if quarter else step].shape
        count = 16 if quarter else 64
        self._limit_channel(shape[0], count)
        first = self.channel.value
        last = min(first + count, shape[0]) - 1
        kept, how = self._compute(design, anatomy, clash, first, count)
        above = below = ""
        if quarter:
            levels, limit, signed = mosaic(_quarters(kept), columns=8)
            levels = _spread(levels)
            side = "G(x)" if design.block == "BTNK1" else "x"
            above = _headline("bottom", ("F(x)", MAIN), (side, SHORTCUT))
            below = _headline("top", (f"F(x) + {side}", SUM), ("y = ReLU(sum)", SUM))
            what = f"F(x), {side}, their sum, and y = ReLU(sum), channels {first} to {last} of {shape[0]:,}"
            text = f"{what}. The sum: {statistics(kept['add'])}. Input: {how}."
        else:
            maps = kept[step]
            if step in INSIDE:
                maps = maps[:, first : first + count]
            levels, limit, signed = mosaic(maps)
            what = f"{step}, shape {shape_text(shape)}, channels {first} to {last}"
            text = f"{what}: {statistics(maps)}. Input: {how}."
        self.maps.show(levels, limit, signed, text, above, below)

    def _limit_channel(self, C, count):
        with self.quietly():
            self.channel.step = count
            self.channel.max = (C - 1) // count * count  # ipywidgets moves the value along where it is beyond

    def _input(self, design, window):
        """The block's input, laid out as its convolutions like it, and how it was made; kept until it changes."""
        key = (self.picture.value, design.C, design.W, window)
        if self._made[0] != key:
            x, how = block_input(*key)
            self._made = (key, (x.contiguous(memory_format=torch.channels_last), how))
        return self._made[1]

    def _compute(self, design, anatomy, clash, first, count):
        """All steps' outputs, of the block's last ones only the channels looked at, and a sentence on the input;
        kept until the block, the picture or the channels change."""
        first = 0 if self.step.value in INSIDE else first
        key = (design, self.picture.value, first, count)
        if self._computed[0] != key:
            window, macs = None, anatomy["conv1"].macs + anatomy["conv2"].macs
            if macs > BUDGET:
                window = max(8, int((BUDGET / macs) ** 0.5 * design.W))
            x, how = self._input(design, window)
            if window:
                how += f"; the maps are computed on its {window} × {window} central positions, to stay quick"
            # Training mode: an untrained block has no statistics of its own, BN takes this picture's.
            module = design.seeded_module(first, count).train()
            if clash:
                f = list(module.named_children())[:8]
                kept = activations(torch.nn.Sequential(OrderedDict(f)), x, [name for name, _ in f])
                kept["shortcut"] = x[:, first : first + count]
            else:
                kept = activations(module, x, step_names(module))
            self._computed = (key, (kept, how))
        return self._computed[1]


def _quarters(kept):
    """16 channels each of F(x), the shortcut, the sum and y, ordered so that 8 in a row put them in quarters."""
    f, s, a, y = (kept[name][0] for name in ("bn3", "shortcut", "add", "relu3"))
    if len(f) < 16:
        f, s, a, y = (torch.nn.functional.pad(t, (0, 0, 0, 0, 0, 16 - len(t))) for t in (f, s, a, y))
    f, s, a, y = (t.reshape(4, 4, *t.shape[1:]) for t in (f, s, a, y))
    top, bottom = torch.cat([f, s], 1), torch.cat([a, y], 1)
    return torch.cat([top, bottom]).flatten(0, 1)


def _spread(levels):
    """A wider gap between the quarters."""
    for axis in (0, 1):
        levels = np.insert(levels, [levels.shape[axis] // 2] * 4, GAP, axis)
    return levels


def _headline(line, *names):
    """Two names side by side in their roles' colours, as wide as the maps, with the line towards them."""
    cells = "".join(
        f'<span style="flex:1;text-align:center;border-{line}:4px solid {colour}"><b>{escape(name)}</b></span>'
        for name, colour in names
    )
    return f'<div style="display:flex;gap:6px;max-width:560px">{cells}</div>'


def same_place(a, b):
    """Return whether two designs are the same block, wherever S is."""
    return (a.block, a.C, a.W, a.C1, a.S) == (b.block, b.C, b.W, b.C1, b.S)


def describe(d):
    """Return BTNK1(C=256, W=56, C1=128, S=2), or BTNK2(C=256, W=56) where C1 and S are what they must be."""
    if d.block == "BTNK2" and d.S == 1 and 4 * d.C1 == d.C:
        return f"BTNK2(C={d.C:,}, W={d.W})"
    return f"{d.block}(C={d.C:,}, W={d.W}, C1={d.C1:,}, S={d.S})"


def advice(d):
    """Return what makes an illegal BTNK2 legal, as a sentence."""
    reasons = []
    if 4 * d.C1 != d.C:
        reasons.append(f"F(x) has 4·C1 = {4 * d.C1:,} channels and x has C = {d.C:,}")
    if d.S != 1:
        reasons.append(f"S = {d.S} shrinks F(x), and nothing shrinks x")
    fit = f"C1 = C/4 = {d.C // 4:,} and S = 1 make them equal"
    return f"{'; '.join(reasons)}. {fit}; or choose BTNK1, whose G(x) gives x the shape of F(x)."
