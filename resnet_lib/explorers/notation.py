"""The course's notation drawn: one block in letters, and beside it the same block in numbers."""

from html import escape

from .._common import shape_text
from ..views.diagram import block_diagram, lettered
from .base import Explorer, columns, html, row, slider, toggle
from .block_design import BlockDesign

TITLES = {"BTNK1": "BTNK1(C, W, C1, S): y = ReLU(F(x) + G(x))", "BTNK2": "BTNK2(C, W): y = ReLU(F(x) + x)"}


class NotationExplorer(Explorer):
    """A BTNK1 or BTNK2 drawn twice: with letters on its edges, and with the numbers that they stand for.

    block, C, W, C1, S: the block to begin with; of a BTNK2, C1 is C/4 and S is 1.
    Controls (attributes of these names): block, C, W, C1, S.
    """

    def __init__(self, block="BTNK1", C=256, W=56, C1=128, S=2):
        super().__init__()
        self.block = toggle("", ["BTNK1", "BTNK2"], block)
        self.C = slider("C", C, 16, 2048, 16)
        self.W = slider("W", W, 7, 224)
        self.C1 = slider("C1", C1, 4, 512, 4)
        self.S = slider("S", S, 1, 4)
        self.letters, self.numbers, self.said = html(), html(), html()
        self.watch(self.block, self.C, self.W, self.C1, self.S)
        both = columns(self.letters, self.numbers, align_content="flex-start")
        self.lay_out(row(self.block), row(self.C, self.C1), row(self.W, self.S), self.said, both)
        self.update()

    @property
    def design(self):
        """The block that the controls describe."""
        if self.block.value == "BTNK2":
            return BlockDesign("BTNK2", self.C.value, self.W.value, self.C.value // 4, 1)
        return BlockDesign("BTNK1", self.C.value, self.W.value, self.C1.value, self.S.value)

    def update(self):
        design = self.design
        # A BTNK2 has no C1 and S of its own.
        self.C1.disabled = self.S.disabled = design.block == "BTNK2"
        anatomy = design.anatomy()
        steps = {s.name: s for s in anatomy.steps}
        letters, size = lettered(steps)
        out = letters["relu3"].shape
        rounded = ""
        if design.W % design.S:
            side = anatomy.output[-1]
            rounded = f"<p>W/S = {design.W}/{design.S} is not whole, and is rounded up: {side}.</p>"
        self.said.show(
            f'<p class="big"><b>{escape(TITLES[design.block])}</b></p>'
            f"<p>({', '.join(size)}) → <b>({', '.join(out)})</b>, here {shape_text(anatomy.input)} → "
            f"<b>{shape_text(anatomy.output)}</b></p>{rounded}"
        )
        self.letters.show(f"<p><b>in letters</b></p>{block_diagram(letters, size)}")
        self.numbers.show(f"<p><b>in numbers</b></p>{block_diagram(steps, anatomy.input)}")
