"""A stage and its blocks: the laws of C, W, C1 and S, where the cost of the network is, and the maps of every block."""

from dataclasses import replace

from .._common import shape_text
from ..network import DESIGNS, Design
from ..views.charts import cost_table
from ..views.markup import share_bar, table
from .controls import Choice, Number, Switch
from .whole import STAGES, WholeExplorer

STRIDE_ON = {"v1.5": "3x3", "v1": "1x1"}
MOST = 7  # maps of so many blocks are beside each other, what the stage is given among them


class StageExplorer(WholeExplorer):
    """Stages 1 to 4 of a ResNet of bottlenecks, one of them looked at: its blocks, their numbers, costs and maps.

    stage: the one looked at. W: of the picture. picture: a name from PATTERNS, or whatever `photos.open_photo` takes.
    Controls (attributes of these names): stage, stride_on, W (of the picture), and of that stage blocks (how many), C1
    and S (of its first block); stride1 (S = 2 in Stage 1), and those of `WholeExplorer`.
    """

    overview_name = "every block"

    def __init__(self, stage=2, W=224, picture="coffee"):
        self._stages = list(DESIGNS["resnet50"].stages)
        now = self._stages[stage - 1]
        self.stage = Choice("stage", {f"Stage {i}": i for i in STAGES}, stage, kind="buttons")
        self.stride_on = Choice("S on the", STRIDE_ON, "3x3", kind="buttons", meaning="v1.5: S on the 3×3")
        self.blocks = Number("blocks", now.blocks, 1, 36, meaning="in the stage")
        stops = [16, 32, 64, 96, 128, 192, 256, 384, 512]
        marks = {s.C1: f"ResNet-50, Stage {i}" for i, s in enumerate(self._stages, 1)}
        self.C1 = Number("C1", now.C1, 16, 512, 4, stops=stops, marks=marks, meaning="channels inside")
        self.S = Number("S", now.S, 1, 2, meaning="its first stride")
        self.stride1 = Switch("S = 2 in Stage 1", False)
        extra = (self.blocks, self.C1, self.S)
        self.begin(W, picture, self.stage, self.stride_on, self.stride1, most=448, extra=extra)

    # ── what the controls describe ──

    @property
    def plan(self):
        return replace(DESIGNS["resnet50"], stages=tuple(self._stages), stride_on=self.stride_on.value)

    def _snapshot(self):
        return super()._snapshot() | {"stages": tuple(self._stages)}

    def _restore(self, state):
        self._stages = list(state["stages"])
        super()._restore(state)

    def changed(self, control):
        i = self.stage.value - 1
        if control is self.stride1:
            self._stages[0] = replace(self._stages[0], S=2 if control.value else 1)
        elif control in (self.blocks, self.C1, self.S):
            numbers = {"blocks": self.blocks.value, "C1": self.C1.value, "S": self.S.value}
            self._stages[i] = replace(self._stages[i], C_out=4 * self.C1.value, **numbers)
        elif control is self.stage:
            with self.quietly():
                self.view.value = ""
        elif control is self.view and self.view.value[5:6] > "0":
            with self.quietly():
                self.stage.value = int(self.view.value[5])
        self.update()

    def update(self):
        now = self._stages[self.stage.value - 1]
        with self.quietly():
            self.blocks.value, self.C1.value, self.S.value = now.blocks, now.C1, now.S
            self.stride1.value = self._stages[0].S == 2
        super().update()

    # ── what is shown ──

    def overview(self):
        stage, n = self.stage.value, self.blocks.value
        shown = [i * (n - 1) // (MOST - 2) for i in range(MOST - 1)] if n >= MOST else range(n)
        given = self._given(f"stage{stage}.0")
        return [given, *((f"stage{stage}.{i}", f"block {i + 1}") for i in shown)]

    def _marked(self, blocks):
        view = self.view.value or f"stage{self.stage.value}"
        return [view, *(b for b in blocks if b.startswith(view))]

    def code(self):
        blocks = tuple(s.blocks for s in self._stages)
        on = "" if self.stride_on.value == "3x3" else f', stride_on="{self.stride_on.value}"'
        usual = Design.resnet(blocks=blocks, stride_on=self.stride_on.value) == self.plan
        return f"ResNet(blocks={blocks}{on})" if usual else f"{self.plan}.build()"

    def title(self):
        now = self._stages[self.stage.value - 1]
        return f"Stage {self.stage.value}: {now.blocks} blocks, C1 = {now.C1}, S = {now.S}, W = {self.W.value}"

    def texts(self, stage):
        now = self._stages[int(stage.name[5:]) - 1] if stage.name != "stage0" else self.plan.stem
        return [shape_text(stage.shape), f"C1 = {now.C1}, S = {now.S}"]

    def about(self):
        name = f"stage{self.stage.value}"
        here, (first, *_) = self.whole.by_stage()[self.stage.value], self.all_blocks()[f"{name}.0"]
        share = f"{100 * here.macs / self.whole.macs:.0f} % of the network's"
        costs = f"{here.parameters:,} parameters, {here.macs:,} MACs ({share})"
        return f"Stage {self.stage.value}: {costs}. {law(first)}"

    def details(self):
        name, whole, rows = f"stage{self.stage.value}", self.whole, []
        for key, (block, given, steps) in self.all_blocks().items():
            if key.startswith(name):
                macs = sum(s.macs for s in steps)
                numbers = (f"<b>{type(block).__name__}</b>", block.C, given[-1], block.C1, block.S, steps[-1].shape)
                rows.append((f"block {int(key[7:]) + 1}", *numbers, sum(s.parameters for s in steps), macs))
                rows[-1] += (share_bar(macs, whole.macs, 60),)
        names = "| kind | C | W | C1 | S | output (C, H, W) | parameters | MACs | of the network's"
        return f"{table(names, rows)}<p><b>The whole network</b></p>{cost_table(whole.by_stage(), whole, marked=name)}"


def law(first):
    """Return what the first block of a stage says about C1 and S, in words, from its numbers."""
    C, C1, S = first.C, first.C1, first.S
    if S == 2 and C == 2 * C1:
        return f"Its BTNK1 is as in Stages 2 to 4: S = 2 and C = 2·C1 ({C:,} = 2 · {C1:,})."
    if S == 1 and C == C1:
        why = f"G is needed, because C = {C:,} goes in and 4·C1 = {4 * C1:,} comes out"
        return f"Its BTNK1 is the exception: S = 1 and C = C1 = {C:,}; {why}."
    return f"Its first block has S = {S}, C = {C:,} and C1 = {C1:,}: not as in Stages 2 to 4, S = 2 and C = 2·C1."
