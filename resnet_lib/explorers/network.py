"""The whole network: the nine published designs and their options, drawn to scale, with the maps after every stage."""

from dataclasses import replace

from .._common import shape_text
from ..network import DESIGNS, OPTIONS, Design
from ..views.charts import cost_cells
from ..views.markup import table
from ..weights import CHECKPOINTS, THIN
from .controls import Choice, Switch
from .trained import has_weights, loaded
from .whole import WholeExplorer

STRIDE_ON = {"v1.5": "3x3", "v1": "1x1"}
RANDOM, TRAINED = {"random weights": "random"}, {"trained weights": "trained"}


class NetworkExplorer(WholeExplorer):
    """A published design, or the bundled network, stage by stage. A click on a block enters it.

    design: a name in DESIGNS, or "thin", the bundled network. W: the picture's width. picture: a name from PATTERNS, or
    whatever `photos.open_photo` takes.
    Controls (attributes of these names): design, W, stride_on, dilate2, dilate3, dilate4 (keep W and dilate instead of
    striding in that stage), stride1 (S = 2 in Stage 1), weights ("trained" where they are on this machine, and what is
    set is what was trained), and those of `WholeExplorer`.
    """

    def __init__(self, design="resnet50", W=224, picture="coffee"):
        bundled = {"bundled: thin": "thin"} if (THIN / "weights.pt").exists() else {}
        self.design = Choice("design", {**{name: name for name in OPTIONS}, **bundled}, design)
        self.stride_on = Choice("S on the", STRIDE_ON, "3x3", kind="buttons", meaning="v1.5: S on the 3×3")
        self._dilations = [Switch(f"dilate Stage {stage}", False, where="sliders") for stage in (2, 3, 4)]
        self.dilate2, self.dilate3, self.dilate4 = self._dilations
        self.stride1 = Switch("S = 2 in Stage 1", False, where="sliders")
        self.weights = Choice("weights", RANDOM, "random")
        self._wished = "trained"
        first = (self.design, self.stride_on, self.weights)
        self.begin(W, picture, *first, extra=(self.stride1, *self._dilations))

    # ── what the controls describe ──

    @property
    def basic(self):
        """Whether the blocks are two 3×3, which can be neither strided on a 1×1 nor dilated here."""
        return self._published.block == "basic"

    @property
    def _published(self):
        name = self.design.value
        if name in DESIGNS:
            return DESIGNS[name]
        checkpoint = CHECKPOINTS[name]
        block, blocks, groups, width = OPTIONS[checkpoint.design]
        options = {"groups": groups, "width_per_group": width} | checkpoint.options
        return Design.resnet(block, blocks, **options)

    @property
    def plan(self):
        design = self._published
        dilations = [box.value and not self.basic for box in self._dilations]
        stages, dilation = [replace(design.stages[0], S=2 if self.stride1.value else 1)], 1
        for stage, dilates in zip(design.stages[1:], dilations, strict=True):
            dilation *= 2 if dilates else 1
            stages.append(replace(stage, S=1 if dilates else stage.S, dilation=dilation))
        return replace(design, stages=tuple(stages), stride_on="3x3" if self.basic else self.stride_on.value)

    def update(self):
        for control in (self.stride_on, *self._dilations):
            control.disabled = self.basic
        there = has_weights(self.design.value) and self.plan == self._published
        with self.quietly():
            if len(self.weights.options) > 1:
                self._wished = self.weights.value
            self.weights.offer({**RANDOM, **TRAINED} if there else RANDOM, "random")
            self.weights.value = self._wished if there else "random"
        super().update()

    # ── what is shown ──

    def network(self):
        if self.weights.value == "random":
            return super().network()
        checkpoint = CHECKPOINTS[self.design.value]
        return loaded(checkpoint.name), checkpoint

    def weights_name(self):
        if self.weights.value == "random":
            return super().weights_name()
        size = CHECKPOINTS[self.design.value].size
        other = f"; not trained at this size, but at W = {size}" if size != self.W.value else ""
        return f"trained weights of {self.design.value}{other}"

    def code(self):
        name = self.design.value
        if self.plan == self._published:
            return f'build("{name}")' if name in OPTIONS else f'load("{name}")'
        if self.stride1.value or name not in OPTIONS:
            return f"{self.plan}.build()"
        dilated = tuple(bool(box.value) for box in self._dilations)
        options = [f'stride_on="{self.stride_on.value}"'] if self.stride_on.value != "3x3" else []
        options += [f"replace_stride_with_dilation={dilated}"] if any(dilated) else []
        return f'build("{name}", {", ".join(options)})'

    def title(self):
        changed = "" if self.plan == self._published else ", changed"
        return f"{self.design.value}{changed}, W = {self.W.value}"

    def texts(self, stage):
        return [shape_text(stage.shape), f"sees {stage.receptive_field:,}, jump {stage.jump}"]

    def about(self):
        _, blocks, groups, width = OPTIONS.get(self.design.value, OPTIONS["resnet50"])
        what = "basic blocks" if self.basic else "bottlenecks"
        extra = f", {groups} groups in the 3×3" if groups > 1 else ""
        extra += f", width_per_group = {width}" if width != 64 else ""
        why = ". The basic block has no 1×1 to move S to, and no dilation." if self.basic else ""
        return f"{'-'.join(map(str, blocks))} {what}{extra}{why}"

    def details(self):
        whole = self.whole
        rows = [(s.name, s.shape, s.receptive_field, s.jump, *cost_cells(s, whole, 70)) for s in whole.by_stage()]
        flops = f'<p class="quiet">FLOPs = 2 × MACs = {whole.flops:,}</p>'
        return table("| output (C, H, W) | sees (px) | jump (px) | parameters | | MACs |", rows) + flops
