"""The whole network: the nine published designs and their options, with shapes, costs and receptive fields."""

from ..anatomy import anatomy
from ..network import OPTIONS, build, shapes_only
from ..views.charts import cost_cells
from ..views.markup import table
from .base import STRIDE_ON, Explorer, checkbox, choice, html, row, slider, toggle


class NetworkExplorer(Explorer):
    """A published design, stage by stage.

    Controls (attributes of these names): design, W, stride_on, dilate2, dilate3, dilate4 (keep W and dilate
    instead of striding in that stage), steps (show every step).
    """

    def __init__(self, design="resnet50", W=224):
        super().__init__()
        self.design = choice("design", list(OPTIONS), design)
        self.W = slider("W", W, 32, 512)
        self.stride_on = toggle("", STRIDE_ON, "3x3")
        self._dilations = [checkbox(f"dilate Stage {stage}", False) for stage in (2, 3, 4)]
        self.dilate2, self.dilate3, self.dilate4 = self._dilations
        self.view = html()
        self.watch(self.design, self.W, self.stride_on, *self._dilations)
        self.lay_out(row(self.design, self.stride_on), row(self.W, *self._dilations), self.view)
        self.update()

    def update(self):
        name = self.design.value
        basic = OPTIONS[name][0] == "basic"
        for control in (self.stride_on, *self._dilations):
            control.disabled = basic  # neither exists in a block of two 3×3
        options = {}
        if not basic:
            options["stride_on"] = self.stride_on.value
            options["replace_stride_with_dilation"] = tuple(box.value for box in self._dilations)
        with shapes_only():
            network = build(name, **options)
        whole = anatomy(network, self.W.value)
        rows = [(s.name, s.shape, s.receptive_field, s.jump, *cost_cells(s, whole, 70)) for s in whole.by_stage()]
        _, blocks, groups, width = OPTIONS[name]
        what = "basic blocks" if basic else "bottlenecks"
        extra = f", {groups} groups in the 3×3" if groups > 1 else ""
        extra += f", width_per_group = {width}" if width != 64 else ""
        note = '<p class="quiet">The basic block has no 1×1 to move S to, and no dilation.</p>' if basic else ""
        self.view.show(
            f'<p class="big"><b>{name}</b>: {what} {"-".join(map(str, blocks))}{extra}</p>{note}'
            f"<p><b>{whole.parameters:,}</b> parameters, <b>{whole.macs:,}</b> MACs "
            f'<span class="quiet">(FLOPs = 2 × MACs = {whole.flops:,})</span></p>'
            f"{table('| output (C, H, W) | sees (px) | jump (px) | parameters | | MACs |', rows)}"
        )
