"""Two pictures, steps, layouts or sets of weights side by side, under the same controls."""

import copy
from html import escape

from .._common import shape_text
from ..blocks import BTNK1
from ..inside.seen import Seen, untrained
from ..photos import PHOTOS, named_or_opened
from ..views.maps import mosaic, planes, scale, statistics
from ..weights import load
from .base import Guarded, MapView, all_threads, choice, columns, html, row, toggle, whole_number
from .source import PictureSource

MODES = {"two photographs": "picture", "two steps": "step", "v1.5 and v1": "layout", "trained and random": "weights"}
LAYOUTS = {False: "v1.5: S on the 3×3", True: "v1: S on the 1×1"}
PAGE = 36  # channels a side


class CompareExplorer(Guarded):
    """The same network twice, with one thing different: the photograph, the step looked at, where the stride is
    (v1.5 against v1 with the same weights), or the weights (trained against random).

    network: a network of this library; the bundled one unless given. picture, other: whatever
    `photos.open_photo` takes.
    mode: a value of MODES.
    Controls (attributes of these names): mode, source, other (the second photograph), step, other_step, channel.
    """

    def __init__(self, network=None, picture="cat", other="church", mode="picture", size=None):
        super().__init__()
        self.network = load("thin") if network is None else network
        self._size, self._runs, self._networks = size, {}, {}
        self.mode = toggle("compare", MODES, mode)
        self.source = PictureSource(picture)
        other = named_or_opened(other)
        own = {} if isinstance(other, str) else {"your other picture": other}
        self.other = choice("with", {**own, **{name: name for name in PHOTOS}}, other)
        steps = self._seen("first").steps
        early = next((s for s in steps if s.startswith("stage1") and s.endswith("relu3")), steps[0])
        last = next((s for s in reversed(steps) if not s.startswith("head")), steps[-1])
        self.step, self.other_step = choice("look at", steps, early), choice("with", steps, last)
        self.channel = whole_number("from channel", 0, 0, width="170px", step=PAGE)
        self.message = html()
        self.left, self.right = (MapView(flex="1 1 360px", max_width="480px") for _ in range(2))
        self.source.observe_picture(lambda: self.attempt(self.update))
        self.watch(self.mode, self.other, self.step, self.other_step, self.channel)
        both = columns(self.left, self.right, width="100%")
        steps = row(self.step, self.other_step, self.channel)
        self.lay_out(self.mode, self.source, row(self.other), steps, self.problem, self.message, both)
        self.hidden = (self.message, both)
        self.attempt(self.update)

    def update(self):
        mode = self.mode.value
        self.other.layout.display = "" if mode == "picture" else "none"
        self.other_step.layout.display = "" if mode == "step" else "none"
        first, second = self._seen("first"), self._seen(mode)
        steps = self.step.value, self.other_step.value if mode == "step" else self.step.value
        a, b = (planes(seen[step]) for seen, step in zip((first, second), steps, strict=True))
        with self.quietly():
            self.channel.max = (min(len(a), len(b)) - 1) // PAGE * PAGE
        at = self.channel.value
        scales = [scale(each[at : at + PAGE]) for each in (a, b)]
        if mode != "step":  # one scale, or a difference in strength would not be seen
            scales = [(any(s for s, _ in scales), max(limit for _, limit in scales))] * 2
        titles = self._titles(mode)
        sides = zip((self.left, self.right), (first, second), steps, (a, b), scales, titles, strict=True)
        for view, seen, step, maps, (signed, limit), title in sides:
            levels, limit, signed = mosaic(maps, at, PAGE, signed=signed, limit=limit)
            text = f"{step} {shape_text(seen[step].shape)}, channels {at} to {min(at + PAGE, len(maps)) - 1}: "
            text += statistics(maps[at : at + PAGE])
            top = ", ".join(f"{escape(name)} {p:.0%}" for name, p in seen.top(3))
            view.show(levels, limit, signed, text, f"<p><b>{escape(title)}</b></p><p>{top}</p>")
        self.message.show(f"<p>{difference(a, b)}</p>")

    def _titles(self, mode):
        return {
            "picture": (self.source.label, self.other.label),
            "step": (self.step.label, self.other_step.label),
            "layout": (LAYOUTS[is_v1(self.network)], f"{LAYOUTS[not is_v1(self.network)]}, the same weights"),
            "weights": ("the weights as given", "random weights, BN statistics of the bundled photographs"),
        }[mode]

    def _seen(self, which):
        """The first run, or the second of that mode; kept while network and picture are the same."""
        picture = self.other.value if which == "picture" else self.source.value
        kind = which if which in ("layout", "weights") else "given"
        key = (kind, picture if isinstance(picture, str) else id(picture))
        if key not in self._runs:
            if kind not in self._networks:
                make = {
                    "given": lambda: self.network,
                    "layout": lambda: other_layout(self.network),
                    "weights": lambda: untrained(self.network, self._seen("first").size),
                }
                self._networks[kind] = make[kind]()
            while len(self._runs) > 1:  # every run keeps all its maps
                del self._runs[next(iter(self._runs))]
            with all_threads():
                # With the picture itself, or its id could become another's.
                self._runs[key] = Seen(self._networks[kind], picture, self._size), picture
        self._runs[key] = self._runs.pop(key)  # the last used is the last to go
        return self._runs[key][0]


def moved_blocks(network):
    """Return the blocks in which it matters where S is."""
    return [m for m in network.modules() if isinstance(m, BTNK1) and m.S > 1]


def is_v1(network):
    """Return whether S is on the first 1×1 of its blocks."""
    return any(block.conv1.stride[0] > 1 for block in moved_blocks(network))


def difference(a, b):
    """Return how far apart two sets of maps are, as a sentence."""
    if a.shape != b.shape:
        return f"The shapes differ: {shape_text(a.shape)} and {shape_text(b.shape)}."
    largest, change = (a - b).abs().max().item(), (a - b).norm().item() / max(a.norm().item(), 1e-12)
    if largest == 0:
        return "The two are equal, to the last bit."
    return f"Largest difference {largest:.3g}; the difference is {change:.0%} as large as the maps on the left."


def other_layout(network):
    """Return the same weights with S on the other convolution of every BTNK1; ValueError without a BTNK1 with S > 1."""
    network = copy.deepcopy(network)
    if not moved_blocks(network):
        raise ValueError(
            "v1 and v1.5 can be compared where a BTNK1 of resnet_lib has S > 1, and this network has none: pass one "
            "that is built from them"
        )
    for block in moved_blocks(network):
        block.conv1.stride, block.conv2.stride = block.conv2.stride, block.conv1.stride
    return network
