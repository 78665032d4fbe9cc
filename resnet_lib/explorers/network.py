"""The whole network: the nine published designs and their options, with shapes, costs and receptive fields."""

import ipywidgets as widgets

from .._common import shape_text
from ..anatomy import anatomy, shapes_only
from ..network import OPTIONS, build
from ..views.charts import bar
from .base import STRIDE_ON, STYLE, Explorer, choice, html, row, slider, style, toggle


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
        dilations = []
        for stage in (2, 3, 4):
            box = widgets.Checkbox(
                False,
                description=f"dilate Stage {stage}",
                indent=False,
                style=STYLE,
                layout=widgets.Layout(width="auto"),
            )
            setattr(self, f"dilate{stage}", box)
            dilations.append(box)
        self._dilations = dilations
        self.view = html()
        self.watch(self.design, self.W, self.stride_on, *dilations)
        self.children = [style(), row(self.design, self.stride_on), row(self.W, *dilations), self.view]
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
        rows = "".join(
            f"<tr><td>{s.name}</td><td>{shape_text(s.shape)}</td><td>{s.receptive_field:,}</td><td>{s.jump}</td>"
            f"<td>{s.parameters:,}</td><td>{bar(s.parameters, whole.parameters, 70)}</td>"
            f"<td>{s.macs:,}</td><td>{bar(s.macs, whole.macs, 70)}</td></tr>"
            for s in whole.by_stage()
        )
        _, blocks, groups, width = OPTIONS[name]
        what = "basic blocks" if basic else "bottlenecks"
        extra = f", {groups} groups in the 3×3" if groups > 1 else ""
        extra += f", width_per_group = {width}" if width != 64 else ""
        note = '<p class="quiet">The basic block has no 1×1 to move S to, and no dilation.</p>' if basic else ""
        self.view.value = (
            f'<div class="rl"><p class="big"><b>{name}</b>: {what} {"-".join(map(str, blocks))}{extra}</p>{note}'
            f"<p><b>{whole.parameters:,}</b> parameters, <b>{whole.macs:,}</b> MACs "
            f'<span class="quiet">(FLOPs = 2 × MACs = {whole.flops:,})</span></p>'
            "<table><thead><tr><th></th><th>output (C, H, W)</th><th>sees (px)</th><th>jump (px)</th>"
            "<th>parameters</th><th></th><th>MACs</th><th></th></tr></thead>"
            f"<tbody>{rows}</tbody></table></div>"
        )
