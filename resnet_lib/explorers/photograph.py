"""A photograph on its way through a network: its most probable classes, and every step down to one value."""

import time

from .._common import shape_text, step_called
from ..experiments.attribution import support
from ..experiments.seen import Seen
from ..views.maps import planes, statistics
from ..weights import load
from .base import WRONG, all_threads
from .block_maps import strongest
from .controls import Action, Choice, Number, Switch, Told
from .instrument import InstrumentExplorer
from .photograph_view import answer, class_names, closeup, place_of_the_strongest
from .source import PictureSource
from .tiles import MOST, Group

SIZES = (32, 64, 96, 128, 160, 192, 224, 256, 288, 320)
ROOM = 345  # pixels across the maps
NAMED = 16  # classes that are listed at once


class PhotographExplorer(InstrumentExplorer):
    """A photograph through the whole network: top five classes, and a walk stage → block → step → channel → value.

    network: any network of this library, or your own with its steps as modules; the bundled one unless given.
    picture: whatever `photos.open_photo` takes; one that the bundled network names right unless given.
    size: pixels of the network's input, its checkpoint's unless given.
    Controls (attributes of these names): source (with choose, upload, path), size, stage, block, step, channel, row,
    column, strongest, gradient, first (the first channel shown), order. A click on a map chooses its channel and the
    value there, one on the enlarged map or the photograph a value.
    """

    def __init__(self, network=None, picture="church", size=None, step=None):
        self.network = load("thin") if network is None else network
        checkpoint = getattr(self.network, "checkpoint", None)
        if size is None:
            size = checkpoint.size if checkpoint else 224
        self.source = PictureSource(picture)
        self.size = Choice("size", {f"{n} pixels": n for n in sorted({*SIZES, size})}, size)
        self.stage, self.step = (Choice(n, {"": ""}, "", kind="buttons", where="walk") for n in ("stage", "step"))
        self.block = Choice("block", {"": ""}, "", where="walk")
        self.channel, self.row, self.column = (
            Number(name, 0, 0, 0, where="closeup") for name in ("channel", "row", "column")
        )
        self.strongest = Action("strongest", self._go_to_strongest, says="strongest value")
        self.gradient = Switch("gradient", False, where="actions")
        self.first = Number("from", 0, 0, 0, where="foot")
        self.order = Choice("order", {"by number": "number", "strongest first": "strongest"}, "number", where="foot")
        self._stale = True  # whether the picture, or its size, has changed since the last run
        self._looking_at, self._somewhere = None, False
        walk = (self.stage, self.block, self.step, self.channel, self.row, self.column)
        more = (self.strongest, self.gradient, self.first, self.order, Told("place", self._placed))
        super().__init__(*self.source.controls, self.size, *walk, *more)
        self.watch(self.source.message)
        with self.working():
            self._run()
            self._looking_at = step and step_called(step, self._seen.steps)
            self.update()
        self._first = self._state = self._snapshot()

    # ── the picture ──

    def _run(self):
        """Run the picture through the network, with the progress on the screen at once."""
        last = [0.0]
        self.page.progress = [0, 1]

        def progress(done, total):
            if time.monotonic() - last[0] > 0.05:
                last[0] = time.monotonic()
                self.page.progress = [done, total]

        try:
            with all_threads():
                self._seen = Seen(self.network, self.source.value, self.size.value, progress=progress)
        finally:
            self.page.progress = []
        self._stale = False

    # ── the walk ──

    def changed(self, control):
        if control in (self.source.choose, self.size):
            self._stale = True
        with self.quietly():
            if control is self.first:
                self.channel.value = self._order()[self.first.value]
        self.update()

    def update(self):
        try:
            if self._stale:
                self._run()
            self.page.answer = answer(self._seen, self.source.label, self.source.message.value)
            with self.quietly():
                self._offer()
                self._limit()
            self._show_step()
        except WRONG as problem:
            self.show_no_maps(self.show_problem(problem, self._figures(), closeup={}))

    @property
    def looking_at(self):
        """The name of the step that is shown."""
        return join(self.stage.value, self.block.value, self.step.value)

    def _offer(self):
        """Offer the stages, blocks and steps of the network; a choice stays where it exists, else it is the last."""
        paths = [split(name) for name in self._seen.steps]
        if self._looking_at:
            wanted, self._looking_at = split(self._looking_at), None
        else:
            wanted = self.stage.value, self.block.value, self.step.value
        for i, control in enumerate((self.stage, self.block, self.step)):
            here = list(dict.fromkeys(p[i] for p in paths))
            control.offer({self._label(i, part, paths): part for part in here}, here[-1])
            control.value = wanted[i] if wanted[i] in here else here[-1]
            control.hidden = here == [""]
            paths = [p for p in paths if p[i] == control.value]

    def _label(self, i, part, paths):
        if i == 0 and part.startswith("stage"):
            return part.replace("stage", "Stage ")
        if i == 1 and part:
            kind = type(self.network.get_submodule(f"{paths[0][0]}.{part}")).__name__
            return f"{int(part) + 1}: {kind}"
        return part

    def _limit(self):
        """Give the sliders the sizes of the step, and its strongest channel where none has been chosen."""
        maps = self._planes()
        for control, most in zip((self.channel, self.row, self.column), maps.shape, strict=True):
            share, moves = control.value / max(control.max, 1), control.max != most - 1
            control.limit(most - 1)
            if moves and control is not self.channel:
                control.value = round(share * (most - 1))  # it stays where it is in the photograph
        if not self._somewhere and maps.isfinite().all():  # it begins where there is something to see
            self._somewhere = True
            self.channel.value = maps.abs().flatten(1).amax(1).argmax().item()
            self.row.value, self.column.value = place_of_the_strongest(maps[self.channel.value])
        count = NAMED if self._names() else page_of(maps.shape[1:])
        self.first.limit(len(maps) - 1)
        self.first.step, self.first.value = count, self._order().index(self.channel.value) // count * count

    # ── what is shown of a step ──

    def _planes(self):
        return planes(self._seen[self.looking_at])

    def _names(self):
        return class_names(self._seen, self.looking_at, self._seen[self.looking_at])

    def _order(self):
        """The channels in the order in which they are shown; classes are always shown by their scores."""
        if self._names():
            return self._seen.logits.argsort(descending=True, stable=True).tolist()
        maps = self._planes()
        return strongest(maps[None]) if self.order.value == "strongest" else list(range(len(maps)))

    def _kind(self):
        try:
            return self._seen.anatomy[self.looking_at].kind
        except (KeyError, TypeError, ValueError):  # an identity, or a network whose arithmetic is not known here
            return type(self.network.get_submodule(self.looking_at)).__name__

    def _figures(self):
        return [[self.looking_at, self._kind()], [f"→ {shape_text(self._seen[self.looking_at].shape)}", ""]]

    def _which(self, channels):
        total = f"of {len(self._planes()):,}"
        if channels == list(range(channels[0], channels[0] + len(channels))):
            return f"channels {channels[0]} to {channels[-1]} {total}"
        return f"{len(channels)} channels {total}, strongest first"

    def title(self):
        return f"{self.source.label}, {self.looking_at}, channel {self.channel.value}"

    def _show_step(self):
        maps, names, name = self._planes(), self._names(), self.looking_at
        channels = self._order()[self.first.value : self.first.value + self.first.step]
        by_number = self.order.value == "number" and not names
        group = Group(name, name, maps[channels], channels, len(maps), "main", names=names)
        if names:
            group.names = [names[c] for c in channels]
        about = f"{self._which(channels)}: {statistics(group.maps)}"
        self.page.show(says={"figures": self._figures(), "about": about}, arrangement="walk")
        note = "Click a value to look at it."
        self.show_maps([group], tells=True, marked=self.channel.value, sorted=not by_number, note=note)
        shown = self.page.maps["groups"][0]
        self._show_value(maps[self.channel.value], names, shown["limit"], shown["signed"])

    def _show_value(self, plane, names, limit, signed):
        at, channel, gradient, note = (self.row.value, self.column.value), self.channel.value, None, ""
        if self.gradient.value:
            try:
                gradient = self._gradient(at)
                note = "" if gradient.any() else ". Its gradient is zero: a ReLU has cut the value off"
            except (RuntimeError, ValueError) as problem:  # such as a forward that runs under no_grad
                note = f". There is no gradient to draw: {problem}"
        module = self.network.get_submodule(self.looking_at)
        more = {"called": names[channel] if names else "", "gradient": gradient, "note": note}
        about = closeup(self._seen, self.looking_at, module, plane, channel, at, limit=limit, signed=signed, **more)
        self.page.closeup = about

    def _gradient(self, at):
        """How strongly each pixel of the photograph moves the value, 0 to 1."""
        with all_threads():
            found = support(self.network, self._seen.x, self.looking_at, self.channel.value, *at)
        # The square root: a few pixels are far above all others, and those would be invisible.
        return (found / (found.max() or 1)).sqrt()

    # ── what a click or a button does, and what undo brings back ──

    def _placed(self, place):
        channel, row, column = place
        with self.together():
            self.channel.value = self.channel.value if channel is None else channel
            self.row.value, self.column.value = row, column

    def _go_to_strongest(self):
        with self.together():
            self.row.value, self.column.value = place_of_the_strongest(self._planes()[self.channel.value])

    def _snapshot(self):
        return super()._snapshot() | {"at": self.looking_at}

    def _restore(self, state):
        with self.working(), self.quietly():
            for control in (self.source.choose, self.size):
                self._stale |= control.wire != state[control.name]
                control.wire = state[control.name]
            self._looking_at = state["at"]
            self.update()
        super()._restore(state)


def page_of(side):
    """Return how many maps are shown at once: as many as fit in whole pixels, after `tiles` has averaged large ones."""
    longest = max(side)
    drawn = -(-longest // -(-longest // MOST))
    return 64 if 8 * (drawn + 1) < ROOM else 36


def split(name):
    """Return (stage, block, step) of a step's name, the last two may be empty: "stage1.0.conv1", "head.fc", "conv1"."""
    stage, _, rest = name.partition(".")
    block, _, step = rest.partition(".")
    return (stage, block, step) if block.isdigit() else (stage, "", rest)


def join(stage, block, step):
    """Return the name of a step."""
    return ".".join(part for part in (stage, block, step) if part)
