"""Stage 0 on a picture: kernel, stride, padding and dilation, the window that walks over the pixels, and the maps."""

from .._common import seeded, shape_text
from ..activations import calls
from ..anatomy import anatomy, out_size
from ..blocks import Stem
from ..views.markup import table
from .block_maps import Run
from .block_words import thumb
from .controls import Choice, Number, Switch
from .instrument import InstrumentExplorer
from .source import PictureChoice
from .stem_drawing import cells_shown, stem_drawing
from .tiles import Group
from .whole_maps import picture_input, thumb_pixels

STEPS = {"the convolution": "conv", "after BN": "bn", "after ReLU": "relu", "after the max-pool": "pool"}
SHOWN = {"all four steps": "all", "x, the picture": "x", **STEPS}
TITLES = {"x": "x, the picture", "conv": "CONV", "bn": "BN", "relu": "ReLU", "pool": "MAXPOOL"}
CLOSE = 15  # positions along a side of what is drawn of an impulse
SIDE = 112  # maps up to so many pixels are drawn as they are, so that 112 beside 56 is drawn in that proportion


class StemExplorer(InstrumentExplorer):
    """Stage 0, CONV → BN → ReLU → MAXPOOL, with its convolution's numbers to turn.

    Controls (attributes of these names): kernel, stride, padding, dilation, W, C1, picture, step, channel, colours,
    costs, walk; actions: undo, reset, pin, swap, unpin. picture: a name from PATTERNS, or whatever `photos.open_photo`
    takes. step: "all", "x", or one of the four.
    """

    def __init__(self, kernel=7, stride=2, padding=3, dilation=1, picture="coffee", *, W=224, C1=64):
        self.kernel = Number("kernel", kernel, 1, 15, marks={7: "ResNet-50"})
        self.stride = Number("stride", stride, 1, 8, marks={2: "ResNet-50"}, meaning="S")
        self.padding = Number("padding", padding, 0, 14, marks={3: "ResNet-50"})
        self.dilation = Number("dilation", dilation, 1, 20, marks={1: "ResNet-50"})
        self.W = Number(
            "W", W, 8, 224, stops=[8, 16, 32, 56, 64, 96, 112, 128, 160, 192, 224], marks={224: "ResNet-50"}
        )
        self.C1 = Number("C1", C1, 4, 128, 4, stops=range(16, 129, 16), marks={64: "ResNet-50"})
        self.picture = PictureChoice(picture)
        self.step = Choice("show", SHOWN, "all")
        self.channel = Number("channel", 0, 0, 127, where="foot")
        self.colours = Choice("colours", {"one scale": "one", "one each": "each"}, "one", where="foot")
        self.walk, self.costs = Switch("walk", False, where="actions"), Switch("costs", False, where="actions")
        self._numbers = (self.kernel, self.stride, self.padding, self.dilation, self.W, self.C1)
        self._ran, self._thumbed = (None, None), (None, b"")
        super().__init__(self.picture, self.step, *self._numbers, self.channel, self.colours, self.walk, self.costs)
        with self.working():
            self.update()

    def changed(self, control):
        if control is not self.walk:  # the page alone walks
            self.update()

    def look(self, step):
        self.step.value = "all" if step == self.step.value else step

    def code(self):
        k, s, p, d, _, C1 = (c.value for c in self._numbers)
        more = "" if d == 1 else f", dilation={d}"
        return f"Stem(C1={C1}, kernel={k}, stride={s}, padding={p}{more})"

    # ── the scene ──

    def update(self):
        k, s, p, d, W, C1 = (c.value for c in self._numbers)
        try:
            side = out_size(W, k, s, p, d)
            stem = seeded(0, Stem, C1=C1, kernel=k, stride=s, padding=p, dilation=d).train()
            found = anatomy(stem, W)
        except ValueError as problem:
            advice = "A smaller kernel or dilation, or more padding, brings the maps back."
            self.page.show(says={"problem": str(problem), "advice": advice, "figures": [], "marked": [], "code": ""})
            self.show_no_maps("the kernel does not fit")
            return
        self._show_numbers(found, side)
        picture = self.picture.value
        key = (k, s, p, d, W, C1, picture if isinstance(picture, str) else id(picture))
        if self._ran[0] != key:
            x = picture_input(picture, W)
            made = calls(stem, x, list(STEPS.values()))
            kept = {"x": x} | {name: call.output for name, call in made.items()}
            steps = {name: (stem.get_submodule(name), call.inputs) for name, call in made.items()}
            self._ran = (key, Run(kept, dict.fromkeys(kept, 0), steps, x, "", None, True))
        self._show_steps()

    def _show_numbers(self, found, side):
        k, s, p, d, W, _ = (c.value for c in self._numbers)
        shown = list(STEPS.values()) if self.step.value == "all" else [self.step.value]
        says = {"code": self.code(), "marked": shown, "about": self._formula(side)}
        says["figures"] = [[f"{shape_text(found.input)} → {shape_text(found.output)}", ""]]
        says["figures"] += [[found.parameters, "parameters"], [found.macs, "MACs"]]
        steps = [["x", "input", list(found.input), 0, 0]]
        steps += [[step.name, step.kind, list(step.shape), step.parameters, step.macs] for step in found.steps]
        rows = [(t.name, t.kind, t.shape, t.parameters, t.macs, t.receptive_field) for t in found.steps]
        names = "step | kind | output (C, H, W) | parameters | MACs | sees (px)"
        n = cells_shown(W, k, s, p, d)
        pixels = thumb_pixels(self.picture.value, W)[: max(0, n - p), : max(0, n - p)]
        drawing = stem_drawing(pixels, n, W=W, kernel=k, stride=s, padding=p, dilation=d, out=side)
        details = table(names, rows) if self.costs.value else ""
        self.page.show(says=says, drawing=drawing, steps=steps, details=details, thumb=self._thumb())

    def _formula(self, side):
        k, s, p, d, W, _ = (c.value for c in self._numbers)
        reach = d * (k - 1) + 1
        left = (W + 2 * p - reach) % s
        floor = f" = ⌊{(W + 2 * p - reach) / s:.2f}⌋ + 1" if left else ""
        lost = f"; the floor leaves {left} padded pixel{'s' * (left > 1)} at the edge unused" if left else ""
        why = f"reach = {d}·({k} − 1) + 1 = {reach}{lost}"
        return f"⌊(W + 2·padding − reach) / stride⌋ + 1 = ⌊({W} + 2·{p} − {reach}) / {s}⌋ + 1{floor} = {side}; {why}"

    def _thumb(self):
        """A small PNG of the picture; kept until there is another."""
        if self._thumbed[0] is not self.picture.value:
            self._thumbed = (self.picture.value, thumb(self.picture.value))
        return self._thumbed[1]

    # ── the maps ──

    def _show_steps(self):
        run, alone = self._ran[1], self.step.value != "all"
        shown = [self.step.value] if alone else list(STEPS.values())
        count, total = 16 if alone else 4, run.kept[shown[-1]].shape[1]
        first = self.channel.value // count * count
        with self.quietly():
            self.channel.limit(total - 1)
            first = first if first < total else 0
            self.channel.value, self.channel.step = first, count
        groups, note = [], "random weights, not trained"
        for name in shown:
            maps, corner = run.kept[name][0], 0
            if self.picture.value == "impulse" and maps.shape[-1] > CLOSE:
                # An impulse draws each kernel, a few pixels wide: they are looked at from close up.
                corner = (maps.shape[-1] - CLOSE) // 2
                maps = maps[:, corner : corner + CLOSE, corner : corner + CLOSE]
                note = f"random weights; the {CLOSE} × {CLOSE} central positions are drawn"
            channels = list(range(first, min(first + count, total)))
            title, role = f"{TITLES[name]} {shape_text(run.kept[name].shape[1:])}", "" if name == "x" else "main"
            tiles, most = maps[channels], 2 * SIDE if name == "x" else SIDE
            groups.append(Group(name, title, tiles, channels, total, role, (corner, corner), most=most))
            # The values of BN and after it are of one scale; a convolution's are of another.
            groups[-1].scale = "" if name in ("conv", "x") else "all"
        columns, each = 1 if alone else 2, self.colours.value == "each"
        self.show_maps(groups, columns=columns, each=each, note=note, same=True)

    def enlarged(self, group, channel, row, column):
        run, (top, left) = self._ran[1], group.corner
        if group.id not in run.steps:
            return {}, []
        return run.explained(group.id, channel, row + top, column + left)
