"""The laboratory of one bottleneck block: turn C, W, C1 and S, and see shapes, costs and feature maps follow."""

from dataclasses import astuple, replace

from .._common import shape_text
from ..blocks import BTNK1, BTNK2
from ..photos import PATTERNS
from .base import WRONG
from .block_design import BlockDesign
from .block_maps import INSIDE, BlockMaps, look_at
from .block_view import (
    AT_THE_SUM,
    block_groups,
    channels_shown,
    cost_rows,
    scene_drawing,
    scene_steps,
    shown_steps,
    step_options,
)
from .block_words import advice, all_places, clash_text, describe, headings, same_block, stage_marks, thumb
from .controls import Action, Choice, Number, Switch
from .instrument import InstrumentExplorer
from .source import PictureChoice
from .tiles import Group
from .trained import has_weights

OWN = "– your own"  # the position, where the numbers are no position of a network
STOPS = [16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048]
STRIDE_ON = {"v1.5": "3x3", "v1": "1x1"}
WHERE = "v1.5: S on the 3×3, v1: on the first 1×1; with S = 1 both are the same"
WEIGHTS = {"random weights": "random", "trained weights": "trained"}


class BottleneckExplorer(InstrumentExplorer):
    """A bottleneck block over a picture, live.

    block: "BTNK1", "BTNK2", or a class of your own, called with C, C1 and S as far as it takes them; or a block of a
        network, with its numbers: "Stage 2, block 1" of ResNet-50, "bundled: Stage 2, block 1" of the bundled one.
    C, W, C1, S, stride_on: the numbers to begin with. picture: a name from PATTERNS, or whatever
    `photos.open_photo` takes.
    weights: "random", or "trained" where a network that is on this machine has this block.
    Controls (attributes of these names): block, stride_on, position, weights, C, W, C1, S, picture, step, channel,
    order, colours, costs; actions: mend, back, undo, reset, pin, swap, unpin.
    """

    def __init__(
        self, block="BTNK1", C=64, W=56, C1=64, S=1, stride_on="3x3", picture="coffee", *, step="sum", weights="random"
    ):
        self._places = all_places()
        block = {BTNK1: "BTNK1", BTNK2: "BTNK2"}.get(block, block)  # what `yours` returns until the learner's is right
        if block in self._places:
            block, C, W, C1, S, stride_on = astuple(self._places[block].design)
        own = {} if isinstance(block, str) else {block.__name__: block}
        self.block = Choice("block", {"BTNK1": "BTNK1", "BTNK2": "BTNK2", **own}, block, kind="buttons")
        self.stride_on = Choice("S on the", STRIDE_ON, stride_on, kind="buttons", meaning=WHERE)
        self.position = Choice("position", {OWN: None, **self._places}, None, groups=headings(self._places))
        self.weights = Choice("weights", WEIGHTS, weights)
        self.picture = PictureChoice(picture)
        self.step = Choice("show", {AT_THE_SUM: "sum"}, "sum")
        marks = stage_marks()
        self.C = Number("C", C, 16, 2048, 16, stops=STOPS, marks=marks["C"], meaning="channels in")
        self.W = Number("W", W, 2, 224, stops=[2, 4, *range(7, 57, 7), 112, 224], marks=marks["W"], meaning="width in")
        inside = [4, 8, *[n for n in STOPS if n <= 512]]
        self.C1 = Number("C1", C1, 4, 512, 4, stops=inside, marks=marks["C1"], meaning="channels inside")
        self.S = Number("S", S, 1, 4, marks=marks["S"], meaning="stride")
        self.channel = Number("channel", 0, 0, 4095, where="foot")
        self.order = Choice("order", {"by number": "number", "strongest first": "strongest"}, "number", where="foot")
        self.colours = Choice("colours", {"one scale": "one", "one each": "each"}, "one", where="foot")
        self.costs = Switch("costs", False, where="actions")
        self.mend = Action("mend", self._make_legal, says="mend it: C1 = C/4, S = 1", where="problem", hidden=True)
        self.back = Action("back", self._go_back, says="go back", where="problem", hidden=True)
        self._maps, self._drawn, self._wished, self._thumbed = BlockMaps(), None, weights, (None, b"")
        super().__init__(
            *(self.block, self.stride_on, self.position, self.weights, self.picture, self.step),
            *(self.C, self.W, self.C1, self.S, self.channel, self.order, self.colours),
            *(self.costs, self.mend, self.back),
        )
        with self.working():
            self.update()
            if step != "sum":
                self.look(step)
        self._first = self._state = self._snapshot()

    # ── what the controls describe ──

    @property
    def design(self):
        """The block that the controls describe."""
        return BlockDesign(
            self.block.value, self.C.value, self.W.value, self.C1.value, self.S.value, self.stride_on.value
        )

    @property
    def place(self):
        """Where a network that is here has this block; None where none has, or its numbers are another block's."""
        here = [
            p for p in self._places.values() if isinstance(self.block.value, str) and same_block(p.design, self.design)
        ]
        chosen = [p for p in here if p is self.position.value]
        return next(iter(chosen or [p for p in here if has_weights(p.network)]), None)

    def code(self):
        return describe(self.design)

    def changed(self, control):
        design = self.design
        if control is self.position:
            if control.value is not None:
                self._go_to(control.value)
            return
        if control is self.weights:
            self._wished = control.value
        if control is self.C and self._was_legal_identity(design):
            with self.quietly():  # C and C1 belong together in a BTNK2
                self.C1.value = design.C // 4
        self.update()

    def _was_legal_identity(self, design):
        """Whether C alone has been moved from a BTNK2 whose numbers fitted."""
        last = self._drawn
        if last is None or design.block != "BTNK2" or design.C % 4:
            return False
        return last == replace(design, C=last.C) and 4 * last.C1 == last.C and last.S == 1

    def _make_legal(self):
        with self.together():
            self.C1.value, self.S.value = self.C.value // 4, 1

    def _go_back(self):
        if self._history:
            self._undo()
        else:
            self.block.value = "BTNK1"

    def _go_to(self, place):
        d = place.design
        with self.quietly():  # S stays on the convolution where it is: that is the learner's choice
            self.block.value, self.C.value, self.W.value = d.block, d.C, d.W
            self.C1.value, self.S.value = d.C1, d.S
        self._wished = "trained" if has_weights(place.network) else self._wished
        self.update()

    # The wish for trained weights outlives numbers that have none, so what is undone brings it back too.

    def _snapshot(self):
        return super()._snapshot() | {"wished": self._wished}

    def _restore(self, state):
        self._wished = state["wished"]
        super()._restore(state)

    # ── the scene ──

    def update(self):
        design = self.design
        self.stride_on.disabled = not isinstance(design.block, str) or design.S == 1
        try:
            look = look_at(design)
        except WRONG as problem:
            self._refuse(problem)
            return
        self._follow_position(design)
        self._offer_weights()
        self._offer_steps(look)
        self._drawn = design
        # The numbers need no forward pass, so they are on their way before the maps are begun.
        self._show_numbers(design, look)
        try:
            self._show_block_maps(design, look)
        except WRONG as problem:
            self.show_no_maps(str(problem))

    def _refuse(self, problem):
        """Show why a block of the learner's own can't be made or run; what was drawn stays, dimmed."""
        self.mend.hidden, self.back.hidden = True, not self._history
        says = {"problem": str(problem), "advice": "Other numbers, or another block, bring the drawing back."}
        self.page.show(says={**says, "figures": [], "marked": [], "clash": [], "code": self.code()})
        self.show_no_maps(str(problem))

    def _show_numbers(self, design, look):
        anatomy, clash = look.anatomy, look.clash
        self.mend.hidden = self.back.hidden = not clash
        if clash:
            self.mend.hidden = design.block != "BTNK2"
        total = [[anatomy.parameters, "parameters"], [anatomy.macs, "MACs"]]
        says = {"figures": [[f"{shape_text(anatomy.input)} → {shape_text(anatomy.output)}", ""], *total]}
        says |= {"code": self.code(), "marked": shown_steps(look, self.step.value), "clash": []}
        if clash:
            says |= {"problem": clash_text(clash), "advice": advice(design) if design.block == "BTNK2" else ""}
            says |= {"figures": [], "clash": [look.last[0], look.last[1]], "shapes": [list(shape) for shape in clash]}
        parts = {"drawing": scene_drawing(look), "steps": scene_steps(look)}
        parts["details"] = cost_rows(look) if self.costs.value else ""
        self.page.show(says=says, thumb=self._thumb(), **parts)

    def _thumb(self):
        """A small PNG of the picture; kept until there is another."""
        if self._thumbed[0] is not self.picture.value:
            self._thumbed = (self.picture.value, thumb(self.picture.value))
        return self._thumbed[1]

    def _follow_position(self, design):
        """The position follows the numbers, so that it never names another block than the one shown."""
        now = self.position.value
        if now is None or not same_block(now.design, design) or now.design.W != design.W:
            here = [p for p in self._places.values() if same_block(p.design, design) and p.design.W == design.W]
            with self.quietly():
                self.position.value = here[0] if here and isinstance(design.block, str) else None

    def _offer_weights(self):
        """Trained weights are offered where a network that is here has this block, and the picture is one that networks
        are trained for. The wish for them is remembered."""
        place, picture = self.place, self.picture.value
        pattern = isinstance(picture, str) and picture in PATTERNS
        there = place is not None and has_weights(place.network) and not pattern
        with self.quietly():
            self.weights.offer({k: v for k, v in WEIGHTS.items() if there or v == "random"}, "random")
            if there:
                self.weights.value = self._wished

    def _offer_steps(self, look):
        """The choice of what is shown offers what the block has: a projection has steps of its own, an illegal sum
        none."""
        with self.quietly():
            self.step.offer(step_options(look), "sum")

    def look(self, step):
        if step in self.step.options.values():
            self.step.value = step if step != self.step.value else "sum"

    # ── the maps ──

    def _show_block_maps(self, design, look):
        step, quarter = self.step.value, self.step.value == "sum"
        trained = self.place if self.weights.value == "trained" else None
        first, count, total = channels_shown(look, step, self.channel.value)
        with self.quietly():
            self.channel.limit(total - 1)
            self.channel.value, self.channel.step = first, count
        strength = self.order.value == "strongest"
        every = strength or trained or not isinstance(design.block, str)
        part = (0, None) if every else (0 if step in (*INSIDE, "x") else first, count)
        run = self._ran = self._maps.run(design, look, self.picture.value, trained, *part)
        groups = block_groups(run, look, step, first, count, by_strength=strength)
        if look.clash and quarter:
            groups += self._instead_of_a_sum(look)
        self.show_maps(
            groups,
            columns=2 if quarter else 1,
            each=self.colours.value == "each",
            note=self._note(design, run, trained),
            sorted=strength,
        )

    def _instead_of_a_sum(self, look):
        """What there would be, if the shapes were equal."""
        f_shape, s_shape = map(shape_text, look.clash)
        why = f"no sum: {f_shape} and {s_shape} differ. Dimmed: the maps of before."
        letter = "x" if look.last[1] == "shortcut" else "G(x)"
        return [
            Group("add", f"F(x) + {letter}", None, [], 0, "sum", says=why),
            Group("relu3", "y = ReLU(sum)", None, [], 0, "sum", says=why),
        ]

    def _note(self, design, run, place):
        if place is not None:
            network = "the bundled network" if place.network == "thin" else place.network
            note = f"trained weights of {network}, {place.path}"
            W = place.design.W
            note += f"; it was not trained at this size, but at W = {W}" if W != design.W else ""
            return note + ("; trained as v1.5, S on the 3×3" if place.moved(design.stride_on) else "")
        note = f"random weights, not trained; input: {run.how}"
        if run.window:
            note += f"; computed on its {run.window} × {run.window} central positions, to stay quick"
        return note

    # ── one value ──

    def enlarged(self, group, channel, row, column):
        run, name = self._ran, group.id
        if name not in run.steps:
            return {}, []
        return run.explained(name, channel - run.channels[name], row, column)
