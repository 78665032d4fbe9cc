"""Two pictures, steps, layouts or sets of weights side by side, under the same controls."""

from .._common import shape_text
from ..experiments.seen import Seen, untrained
from ..views.maps import planes
from ..weights import load
from .base import WRONG, all_threads
from .controls import Choice, Number
from .instrument import InstrumentExplorer
from .one_value import explained
from .photograph_view import untrained_size
from .source import PictureChoice, PictureSource
from .tiles import Group
from .trained import moved_blocks, other_layout

MODES = {"two photographs": "picture", "two steps": "step", "v1.5 and v1": "layout", "trained and random": "weights"}
LAYOUTS = {False: "v1.5: S on the 3×3", True: "v1: S on the 1×1"}
PAGE = 36  # channels a side


class CompareExplorer(InstrumentExplorer):
    """The same network twice, with one thing different: the photograph, the step looked at, where the stride is
    (v1.5 against v1 with the same weights), or the weights (trained against random).

    network: a network of this library; the bundled one unless given. picture, other: whatever
    `photos.open_photo` takes.
    mode: a value of MODES.
    Controls (attributes of these names): mode, source, other (the second photograph), step, other_step, channel. A
    click on a map enlarges it, and shows what one value is made of.
    """

    def __init__(self, network=None, picture="cat", other="church", mode="picture", size=None):
        self.network = load("thin") if network is None else network
        self._size, self._runs, self._networks = size, {}, {}
        self.mode = Choice("compare", MODES, mode, kind="buttons")
        self.source = PictureSource(picture)
        self.other = PictureChoice(other, "with", patterns=False, mine="your other picture")
        steps = self._seen("first").steps
        early = next((s for s in steps if s.startswith("stage1") and s.endswith("relu3")), steps[0])
        last = next((s for s in reversed(steps) if not s.startswith("head")), steps[-1])
        self.step = Choice("look at", {f"at {s}": s for s in steps}, early, where="sliders")
        self.other_step = Choice("with step", {f"with {s}": s for s in steps}, last, where="sliders")
        self.channel = Number("channel", 0, 0, 0, where="foot")
        self.channel.step = PAGE
        choices = (self.step, self.other_step, self.channel)
        super().__init__(self.mode, *self.source.controls, self.other, *choices)
        self.watch(self.source.message)
        with self.working():
            self.update()

    def update(self):
        mode = self.mode.value
        self.other.hidden, self.other_step.hidden = mode != "picture", mode != "step"
        try:
            self._show(mode)
        except WRONG as problem:
            self.show_no_maps(self.show_problem(problem, arrangement="over"))

    def _show(self, mode):
        sides = self._seen("first"), self._seen(mode)
        steps = self.step.value, self.other_step.value if mode == "step" else self.step.value
        a, b = (planes(seen[step]) for seen, step in zip(sides, steps, strict=True))
        with self.quietly():
            self.channel.limit(min(len(a), len(b)) - 1)
            self.channel.value = first = self.channel.value // PAGE * PAGE
        groups = []
        # One scale for both, or a difference in strength would not be seen.
        scale = "" if mode == "step" else "all"
        for name, title, seen, step, maps in zip("ab", self._titles(mode), sides, steps, (a, b), strict=True):
            channels = list(range(first, min(first + PAGE, len(maps))))
            title = f"{title}: {step} {shape_text(seen[step].shape)}"
            groups.append(Group(name, title, maps[first : first + PAGE], channels, len(maps), "main", scale=scale))
        answers = "; ".join(f"{side}: {answered(seen)}" for side, seen in zip(("left", "right"), sides, strict=True))
        more = (self.source.message.value, untrained_size(sides[0]))
        about = " ".join(filter(None, (answers + ".", *more)))
        self.page.show(says={"figures": [[difference(a, b), ""]], "about": about}, arrangement="over")
        self._shown = dict(zip("ab", zip(sides, steps, strict=True), strict=True))
        self.show_maps(groups, columns=2, note=" ")

    def enlarged(self, group, channel, row, column):
        seen, step = self._shown[group.id]
        module, output = seen.network.get_submodule(step), seen[step].unsqueeze(0)
        return explained(step, module, seen.inputs(step), output, channel, row, column)

    def _titles(self, mode):
        return {
            "picture": (self.source.label, self.other.label),
            "step": ("one step", "another"),
            "layout": (LAYOUTS[is_v1(self.network)], f"{LAYOUTS[not is_v1(self.network)]}, same weights"),
            "weights": ("the weights as given", "random weights"),
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


def is_v1(network):
    """Return whether S is on the first 1×1 of its blocks."""
    return any(block.conv1.stride[0] > 1 for block in moved_blocks(network))


def answered(seen):
    """Return the three most probable classes as a text."""
    return ", ".join(f"{name} {p:.0%}" for name, p in seen.top(3))


def difference(a, b):
    """Return how far apart two sets of maps are, as a sentence."""
    if a.shape != b.shape:
        return f"The shapes differ: {shape_text(a.shape)} and {shape_text(b.shape)}."
    largest, change = (a - b).abs().max().item(), (a - b).norm().item() / max(a.norm().item(), 1e-12)
    if largest == 0:
        return "The two are equal, to the last bit."
    return f"Largest difference {largest:.3g}; the difference is {change:.0%} as large as the maps on the left."
