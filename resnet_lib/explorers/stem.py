"""Stage 0 on a photograph: kernel, stride, padding and dilation, the size they lead to, and the maps of each step."""

from .._common import seeded, shape_text
from ..activations import activations
from ..anatomy import anatomy, out_size
from ..blocks import Stem
from ..photos import PATTERNS, pattern, to_input
from ..views.maps import mosaic, statistics
from ..views.markup import table
from .base import Explorer, MapView, choice, error, html, pictures, row, slider

STEPS = {"the convolution": "conv", "after BN": "bn", "after ReLU": "relu", "after the max-pool": "pool"}
W = 224  # the width of the photograph
CLOSE = 15  # positions along a side of what is drawn of an impulse


class StemExplorer(Explorer):
    """Stage 0, CONV → BN → ReLU → MAXPOOL, with its convolution's numbers to turn.

    Controls (attributes of these names): kernel, stride, padding, dilation, picture, step. picture: a name from
    PATTERNS, or whatever `photos.open_photo` takes.
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
        controls = row(self.picture, self.step), row(self.kernel, self.stride), row(self.padding, self.dilation)
        self.lay_out(*controls, self.numbers, self.maps)
        self.update()

    def update(self):
        k, s, p, d = self.kernel.value, self.stride.value, self.padding.value, self.dilation.value
        try:
            side = out_size(W, k, s, p, d)
        except ValueError as problem:
            self.numbers.show(error(str(problem)))
            return  # the last maps stay where they are, and the controls are free
        reach = d * (k - 1) + 1
        key = (k, s, p, d, self.picture.value)
        if self._computed[0] != key:
            stem = seeded(0, Stem, kernel=k, stride=s, padding=p, dilation=d).train()
            self._stem = anatomy(stem, W)
        self.numbers.show(self._numbers(side, reach))
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
        return to_input(picture, W)

    def _numbers(self, side, reach):
        k, s, p, d = self.kernel.value, self.stride.value, self.padding.value, self.dilation.value
        whole = (W + 2 * p - reach) / s
        floor = "" if whole == int(whole) else f" = ⌊{whole:.2f}⌋ + 1"
        left = (W + 2 * p - reach) % s
        lost = f"; the floor leaves {left} padded pixel{'s' * (left > 1)} at the edge unused" if left else ""
        steps = self._stem.steps
        rows = [(s.name, s.kind, s.shape, s.parameters, s.macs, s.receptive_field) for s in steps]
        kinds = {i: "marked" for i, s in enumerate(steps) if s.name == self.step.value}
        return (
            f'<p class="big">⌊(W + 2·padding − reach) / stride⌋ + 1 = ⌊({W} + 2·{p} − {reach}) / {s}⌋ + 1{floor} = '
            f"<b>{side}</b></p>"
            f'<p class="quiet">reach = dilation·(kernel − 1) + 1 = {d}·({k} − 1) + 1 = {reach}{lost}</p>'
            f"{table('step | kind | output (C, H, W) | parameters | MACs | sees (px)', rows, kinds=kinds)}"
        )
