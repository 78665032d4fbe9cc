"""Stage 0 on a photograph: kernel, stride, padding and dilation, the size they give, and the maps after each step."""

import torch

from .._common import shape_text
from ..activations import activations
from ..anatomy import anatomy, out_size
from ..blocks import Stem
from ..photos import PATTERNS, pattern, photo, to_input
from ..views.maps import mosaic, statistics
from .base import Explorer, MapView, choice, error, html, pictures, row, slider, style

STEPS = {"the convolution": "conv", "after BN": "bn", "after ReLU": "relu", "after the max-pool": "pool"}
W = 224  # the width of the photograph
CLOSE = 15  # positions along a side of what is drawn of an impulse


class StemExplorer(Explorer):
    """Stage 0, CONV → BN → ReLU → MAXPOOL, with its convolution's numbers to turn.

    Controls (attributes of these names): kernel, stride, padding, dilation, picture, step. picture: a name from
    PHOTOS or PATTERNS, or a PIL image.
    """

    def __init__(self, kernel=7, stride=2, padding=3, dilation=1, picture="coffee"):
        super().__init__()
        self.kernel = slider("kernel", kernel, 1, 15)
        self.stride = slider("stride", stride, 1, 8)
        self.padding = slider("padding", padding, 0, 14)
        self.dilation = slider("dilation", dilation, 1, 20)
        self.picture = pictures(picture)
        self.step = choice("look at", STEPS)
        self.numbers, self.maps = html(), MapView()
        self._computed = (None, None)
        self.watch(self.kernel, self.stride, self.padding, self.dilation, self.picture, self.step)
        self.children = [
            style(),
            row(self.picture, self.step),
            row(self.kernel, self.stride),
            row(self.padding, self.dilation),
            self.numbers,
            self.maps,
        ]
        self.update()

    def update(self):
        k, s, p, d = self.kernel.value, self.stride.value, self.padding.value, self.dilation.value
        try:
            side = out_size(W, k, s, p, d)
        except ValueError as problem:
            self.numbers.value = f'<div class="rl">{error(str(problem))}</div>'
            return  # the last maps stay where they are, and the controls are free
        reach = d * (k - 1) + 1
        key = (k, s, p, d, self.picture.value)
        if self._computed[0] != key:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                stem = Stem(kernel=k, stride=s, padding=p, dilation=d).train()
            self._stem = anatomy(stem, W)
        self.numbers.value = self._numbers(side, reach)
        if self._computed[0] != key:
            self._computed = (key, activations(stem, self._input(), list(STEPS.values())))
        maps = self._computed[1][self.step.value]
        text = f"{self.step.label}, shape {shape_text(maps.shape[1:])}, 64 channels: {statistics(maps)}."
        if self.picture.value == "impulse" and maps.shape[-1] > CLOSE:
            # An impulse draws each kernel, a few pixels wide: they are looked at from close up.
            start = (maps.shape[-1] - CLOSE) // 2
            maps = maps[..., start : start + CLOSE, start : start + CLOSE]
            text += f" The {CLOSE} × {CLOSE} central positions are drawn."
        levels, limit, signed = mosaic(maps)
        self.maps.show(levels, limit, signed, text)

    def _input(self):
        picture = self.picture.value
        if isinstance(picture, str) and picture in PATTERNS:
            return pattern(picture, W).expand(1, 3, W, W)
        return to_input(photo(picture) if isinstance(picture, str) else picture, W)

    def _numbers(self, side, reach):
        k, s, p, d = self.kernel.value, self.stride.value, self.padding.value, self.dilation.value
        whole = (W + 2 * p - reach) / s
        floor = "" if whole == int(whole) else f" = ⌊{whole:.2f}⌋ + 1"
        left = (W + 2 * p - reach) % s
        lost = f"; the floor leaves {left} padded pixel{'s' * (left > 1)} at the edge unused" if left else ""
        rows = "".join(
            f"<tr{' class=marked' if s.name == self.step.value else ''}><td>{s.name}</td><td>{s.kind}</td>"
            f"<td>{shape_text(s.shape)}</td><td>{s.parameters:,}</td><td>{s.macs:,}</td>"
            f"<td>{s.receptive_field}</td></tr>"
            for s in self._stem.steps
        )
        return (
            f'<div class="rl"><p class="big">⌊(W + 2·padding − reach) / stride⌋ + 1 = ⌊({W} + 2·{p} − {reach}) / {s}⌋'
            f" + 1{floor} = <b>{side}</b></p>"
            f'<p class="quiet">reach = dilation·(kernel − 1) + 1 = {d}·({k} − 1) + 1 = {reach}{lost}</p>'
            "<table><thead><tr><th>step</th><th>kind</th><th>output (C, H, W)</th><th>parameters</th><th>MACs</th>"
            f"<th>sees (px)</th></tr></thead><tbody>{rows}</tbody></table></div>"
        )
