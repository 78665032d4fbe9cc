"""A stage and its blocks: the laws of C, W, C1 and S, and where the cost of the network is."""

from ..anatomy import anatomy
from ..blocks import BTNK1
from ..network import DESIGNS, ResNet, shapes_only
from ..views.charts import cost_table
from ..views.markup import share_bar, table
from .base import STRIDE_ON, Explorer, html, row, slider, toggle


class StageExplorer(Explorer):
    """Stages 1 to 4 of a ResNet of bottlenecks: every block's C, W, C1, S and costs.

    Controls (attributes of these names): stage, blocks (in that stage), W (of the picture), stride_on.
    """

    def __init__(self, stage=2, W=224):
        super().__init__()
        self._blocks = list(DESIGNS["resnet50"].blocks)
        self.stage = toggle("", {f"Stage {i}": i for i in range(1, 5)}, stage)
        self.blocks = slider("blocks in it", self._blocks[stage - 1], 1, 36)
        self.W = slider("W of the picture", W, 32, 448)
        self.stride_on = toggle("", STRIDE_ON, "3x3")
        self.view = html()
        self.watch(self.stage, self.blocks, self.W, self.stride_on)
        self.lay_out(row(self.stage, self.stride_on), row(self.blocks, self.W), self.view)
        self.update()

    def changed(self, control):
        if control is self.stage:
            with self.together():
                self.blocks.value = self._blocks[self.stage.value - 1]
        else:
            self._blocks[self.stage.value - 1] = self.blocks.value
            self.update()

    def update(self):
        stage = self.stage.value
        with shapes_only():
            network = ResNet("bottleneck", self._blocks, stride_on=self.stride_on.value)
        whole = anatomy(network, self.W.value)
        name = f"stage{stage}"
        modules = getattr(network, name)
        rows = []
        for i, block in enumerate(modules):
            steps = [s for s in whole.steps if s.name.startswith(f"{name}.{i}.")]
            W = self._width_before(whole, name, i)
            macs = sum(s.macs for s in steps)
            kind = "BTNK1" if isinstance(block, BTNK1) else "BTNK2"
            numbers = (f"block {i + 1}", f"<b>{kind}</b>", block.C, W, block.C1, block.S, steps[-1].shape)
            rows.append((*numbers, sum(s.parameters for s in steps), macs, share_bar(macs, whole.macs, 60)))
        names = "| kind | C | W | C1 | S | output (C, H, W) | parameters | MACs | of the network's"
        self.view.show(
            f'<p class="big"><b>Stage {stage}</b>: {len(modules)} blocks</p><p>{law(modules[0])}</p>'
            f'{table(names, rows)}<p class="big" style="margin-top:10px"><b>The whole network</b></p>'
            f"{cost_table(whole.by_stage(), whole, marked=name)}"
        )

    @staticmethod
    def _width_before(whole, name, i):
        """W of block i's input: the width of the last step before the block's first."""
        before = whole.input
        for s in whole.steps:
            if s.name.startswith(f"{name}.{i}."):
                return before[-1]
            before = s.shape


def law(first):
    """Return what the first block of a stage says about C1 and S, in words, from its numbers."""
    C, C1, S = first.C, first.C1, first.S
    compare = f"C = C1 = {C:,}" if C == C1 else f"C = {C // C1}·C1 ({C:,} = {C // C1} · {C1:,})"
    if S == 1:
        why = f"nothing is halved, and yet G is needed, because C = {C:,} goes in and 4·C1 = {4 * C1:,} comes out"
        return f"BTNK1 here is the exception: S = 1 and {compare}; {why}."
    own = "BTNK2 follows its own everywhere: C1 = C/4"
    return f"BTNK1 here follows the law of Stages 2 to 4: S = {S} and {compare}. {own}."
