"""A whole network on the instrument: drawn to scale, with the maps of a picture after every stage, and every block to
be entered."""

from functools import lru_cache

from .._common import shape_text, shapes_only
from ..anatomy import anatomy
from ..views.charts import cost_table
from .base import WRONG
from .block_view import AT_THE_SUM, block_groups, channels_shown, cost_rows, scene_drawing, scene_steps, step_options
from .block_view import shown_steps as shown_in_block
from .block_words import thumb
from .controls import Action, Choice, Number, Switch
from .instrument import InstrumentExplorer
from .source import PictureChoice
from .tiles import Group, one_map
from .whole_drawing import whole_drawing
from .whole_maps import look_inside, random_network, run_whole

EVERY = "every stage"
QUICK = 0.3e9  # above so many MACs maps wait until the hand rests
STAGES = range(1, 5)


@lru_cache(maxsize=4)
def shapes_of(design, W):
    """Return (network, anatomy) of a `Design`, without numbers."""
    with shapes_only():
        network = design.build()
    return network, anatomy(network, W)


class WholeExplorer(InstrumentExplorer):
    """What the explorers of a stage and of a network share. A subclass makes its controls, gives them to
    `begin(…)`, and says in `plan`, `code`, `overview`, `texts` and `about` what is shown.

    Controls (attributes of these names): W, picture, view, step, channel, order, colours, costs; actions: leave, undo,
    reset, pin, swap, unpin. view: "" for the overview, a stage's name for its maps, a block's, "stage2.0", to enter it;
    in there, step is what is shown of the block.
    """

    overview_name = EVERY

    def begin(self, W, picture, *controls, most=512, extra=()):
        """Make what all have. `controls` are those of the first line, `extra` the sliders after W."""
        marks = {224: "as ResNet-50 is used"}
        self.W = Number("W", W, 32, most, stops=range(32, most + 1, 32), marks=marks, meaning="picture's width")
        self.picture = PictureChoice(picture)
        self.view = Choice("view", {self.overview_name: ""}, "")
        self.step = Choice("show", {AT_THE_SUM: "sum"}, "sum", hidden=True)
        self.leave = Action("leave", self._leave, says="◀ the network", where="top", hidden=True)
        self.channel = Number("channel", 0, 0, 4095, where="foot")
        self.order = Choice("order", {"by number": "number", "strongest first": "strongest"}, "number", where="foot")
        self.colours = Choice("colours", {"one scale": "one", "one each": "each"}, "one", where="foot")
        self.costs = Switch("costs", False, where="actions")
        self._run, self._inside, self._thumbed = (None, None), (None, None), (None, b"")
        first = (*controls, self.picture, self.view, self.step, self.leave, self.W, *extra)
        super().__init__(*first, self.channel, self.order, self.colours, self.costs)
        with self.working():
            self.update()
            self.rest()
        self._first = self._state = self._snapshot()

    # ── for subclasses ──

    @property
    def plan(self):
        """The network, a `Design`."""
        raise NotImplementedError

    def network(self):
        """Return the network that computes the maps, and its `Checkpoint`, None where it has none."""
        return random_network(self.plan), None

    def weights_name(self):
        """Return what is said of the weights."""
        return "random weights, not trained"

    def overview(self):
        """Return (name, title) of what is shown in the overview."""
        return [(f"stage{i}", f"Stage {i}") for i in range(5)]

    def texts(self, stage):
        """Return two texts below a stage, `stage` a Step of `Anatomy.by_stage`."""
        return [shape_text(stage.shape), f"sees {stage.receptive_field:,} px"]

    def about(self):
        """Return a sentence under the numbers."""
        return ""

    def details(self):
        """Return the table that "costs" opens, as HTML."""
        return cost_table(self.whole.by_stage(), self.whole)

    # ── what the controls describe ──

    @property
    def whole(self):
        """The `Anatomy` of the network."""
        return shapes_of(self.plan, self.W.value)[1]

    def all_blocks(self):
        """Return name → (module, shape of its input, its steps), in order, from shapes alone."""
        network, whole = shapes_of(self.plan, self.W.value)
        found, before, steps = {}, whole.by_stage()[0].shape, {}
        for s in whole.steps:
            steps.setdefault(".".join(s.name.split(".")[:2]), []).append(s)
        for i in STAGES:
            for j, block in enumerate(getattr(network, f"stage{i}")):
                inside = steps[f"stage{i}.{j}"]
                found[f"stage{i}.{j}"] = (block, before, inside)
                before = inside[-1].shape
        return found

    @property
    def entered(self):
        """The name of the block that has been entered, "stage2.0", or ""."""
        return self.view.value if "." in self.view.value else ""

    def look(self, step):
        if self.entered:
            if step in self.step.options.values():
                self.step.value = step if step != self.step.value else "sum"
        else:
            self.view.value = "" if step in ("x", "head", self.view.value) else step

    def _leave(self):
        self.view.value = ""

    def update(self):
        try:
            with_blocks = self.all_blocks()
        except WRONG as problem:
            self.page.show(says={"problem": str(problem), "figures": [], "marked": [], "code": ""})
            self.show_no_maps(str(problem))
            return
        stages = {f"Stage {i}": f"stage{i}" for i in range(5)}
        blocks = {f"Stage {b[5]}, block {int(b[7:]) + 1}": b for b in with_blocks}
        with self.quietly():
            self.view.offer({self.overview_name: "", **stages, **blocks}, "")
            self.leave.hidden = self.step.hidden = not self.entered
            look = None
            if self.entered:
                module, size, _ = with_blocks[self.entered]
                look = look_inside(module, size)
                self.step.offer(step_options(look), "sum")
        late = self.whole.macs > QUICK and self._run[0] != self._key()
        self._show_numbers(with_blocks, look, late)
        if not late:
            self.rest()

    # ── the scene ──

    def _show_numbers(self, blocks, look, late):
        says = {"code": self.code(), "rest": late}
        if look:
            found, drawing, steps = look.anatomy, scene_drawing(look), scene_steps(look)
            says |= {"marked": shown_in_block(look, self.step.value), "about": f"{self.view.label}: {found.title}"}
        else:
            found, drawing, steps = self.whole, self._drawing(blocks), self._steps(blocks)
            says |= {"marked": self._marked(blocks), "about": self.about()}
        total = [[found.parameters, "parameters"], [found.macs, "MACs"]]
        says["figures"] = [[f"{shape_text(found.input)} → {shape_text(found.output)}", ""], *total]
        details = (cost_rows(look) if look else self.details()) if self.costs.value else ""
        self.page.show(says=says, drawing=drawing, steps=steps, details=details, thumb=self._thumb())

    def _steps(self, blocks):
        steps = [["x", "the picture", list(self.whole.input), 0, 0]]
        for s in self.whole.by_stage():
            steps.append([s.name, f"Stage {s.name[5:]}" if s.name != "head" else s.name, list(s.shape)])
            steps[-1] += [s.parameters, s.macs]
        for name, (block, _, inside) in blocks.items():  # their costs are those of their stages
            steps.append([name, type(block).__name__, list(inside[-1].shape), 0, 0])
        return steps

    def _drawing(self, blocks):
        parts = []
        for s in self.whole.by_stage():
            if s.name == "head":
                parts.append((s.name, [(s.name, s.shape[0], 1, "sum")], ["head", shape_text(s.shape)]))
                continue
            inside = {n: b for n, b in blocks.items() if n.startswith(s.name)}
            boxes = [(n, b[2][-1].shape[0], b[2][-1].shape[-1], _role(b[2])) for n, b in inside.items()]
            n = f"{len(boxes)} block{'s' * (len(boxes) > 1)}" if boxes else "stem"
            boxes = boxes or [(s.name, s.shape[0], s.shape[-1], "input")]
            parts.append((s.name, boxes, [f"Stage {s.name[5:]}", n, *self.texts(s)]))
        return whole_drawing(self.W.value, parts)

    def _marked(self, blocks):
        return [self.view.value, *(b for b in blocks if self.view.value and b.startswith(self.view.value))]

    def _thumb(self):
        """A small PNG of the picture; kept until there is another."""
        if self._thumbed[0] is not self.picture.value:
            self._thumbed = (self.picture.value, thumb(self.picture.value, 112))
        return self._thumbed[1]

    # ── the maps ──

    def _key(self):
        picture = self.picture.value
        return (self.plan, self.weights_name(), picture if isinstance(picture, str) else id(picture), self.W.value)

    def rest(self):
        if self.says.get("problem") or self.says.get("v") == self.page.maps.get("v"):
            return
        try:
            if self._run[0] != self._key():
                self._run = (None, None)  # its memory, before the next one needs its own
                network, checkpoint = self.network()
                run = run_whole(lambda: network, self.whole, self.picture.value, self.W.value, checkpoint)
                self._run = (self._key(), run)
            self._show_inside() if self.entered else self._show_stages()
        except WRONG as problem:
            self.show_no_maps(str(problem))

    def _show_inside(self):
        run, (given, _) = self._run[1], self._given(self.entered)
        if self._inside[0] != (self._run[0], self.entered):
            self._inside = ((self._run[0], self.entered), run.inside(self.entered, given))
        look, inside = self._inside[1]
        first, count, total = channels_shown(look, self.step.value, self.channel.value)
        self._page(first, count, total)
        strength = self.order.value == "strongest"
        groups = block_groups(inside, look, self.step.value, first, count, by_strength=strength)
        self._show(groups, 2 if self.step.value == "sum" else 1)

    def _given(self, block):
        """Return (name, title) of what a block is given."""
        stage, number = int(block[5]), int(block[7:])
        if number:
            return f"stage{stage}.{number - 1}", f"block {number}"
        return f"stage{stage - 1}", f"from Stage {stage - 1}"

    def _show_stages(self):
        run = self._run[1]
        shown = [(self.view.value, self.view.label)] if self.view.value else self.overview()
        maps = {name: run.kept[name][0] for name, _ in shown if name in run.kept}
        wide = max((m.shape[-1] for m in maps.values()), default=1)
        across = max(1, int(740 / len(shown) - 8) // (min(wide, 56) + 1 if wide > 28 else 45))
        count = 36 if len(shown) == 1 else 3 * across
        least = min((len(m) for m in maps.values()), default=1)
        first = self.channel.value // count * count
        first = first if first < least else 0
        self._page(first, count, least)
        groups = []
        for name, title in shown:
            if name not in maps:
                groups.append(Group(name, title, None, [], 0, says=run.problem))
                continue
            order = list(range(len(maps[name])))
            if self.order.value == "strongest":
                order = maps[name].abs().mean((1, 2)).argsort(descending=True, stable=True).tolist()
            channels = order[first : first + count]
            groups.append(Group(name, title, maps[name][channels], channels, len(maps[name]), "main", scale=""))
        self._show(groups, len(groups))

    def _page(self, first, count, total):
        with self.quietly():
            self.channel.limit(total - 1)
            self.channel.value, self.channel.step = first, count

    def _show(self, groups, columns):
        window = self._run[1].window
        note = self.weights_name()
        if window:
            note += f"; computed on the picture's middle, {window} × {window} pixels, to stay quick"
        self.show_maps(
            groups,
            columns=columns,
            each=self.colours.value == "each",
            note=note,
            sorted=self.order.value == "strongest",
        )

    # ── one value ──

    def enlarged(self, group, channel, row, column):
        run = self._run[1]
        if self.entered:
            inside = self._inside[1][1]
            return inside.explained(group.id, channel, row, column) if group.id in inside.steps else ({}, [])
        x = run.kept["x"]
        drawn, levels = one_map(x[0].mean(0))
        field = self.whole.field(group.id, row, column)
        box = field.clipped(*x.shape[2:])
        said = f"the picture; this value depends on no more than the frame, {field.bottom - field.top} pixels a side"
        window = {**drawn, "channel": 0, "said": said}
        window |= {"rows": [box.top, box.bottom], "columns": [box.left, box.right]}
        return {"window": window}, [levels]


def _role(steps):
    """The colour of a block: that of its shortcut where this has steps of its own."""
    return "shortcut" if any(s.path == "shortcut" and s.macs for s in steps) else "main"
