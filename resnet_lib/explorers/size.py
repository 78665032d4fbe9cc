"""The first slider: what W and S mean, on a photograph."""

import io

import numpy as np
from PIL import Image

from .._common import shape_text
from ..anatomy import out_size
from ..photos import square
from .controls import Number
from .instrument import InstrumentExplorer
from .source import PictureChoice


class SizeExplorer(InstrumentExplorer):
    """A photograph at W × W pixels, of which every S-th in each direction is kept.

    Controls (attributes of these names): picture, W, S. picture: whatever `photos.open_photo` takes.
    """

    def __init__(self, W=224, S=1, picture="coffee"):
        self.picture = PictureChoice(picture, patterns=False)
        self.W = Number("W", W, 8, 224, stops=range(8, 225, 8), meaning="pixels along each side")
        self.S = Number("S", S, 1, 8, meaning="stride: every S-th is kept")
        super().__init__(self.picture, self.W, self.S)
        self.update()

    def update(self):
        W, S = self.W.value, self.S.value
        kept = np.array(square(self.picture.value, W))[::S, ::S]
        # What a 1×1 convolution of stride S looks at: the first pixel of every S.
        side = out_size(W, 1, S)
        dropped = 1 - side * side / (W * W)
        lost = f"<p>S = {S}: one pixel of {S} × {S} is kept, {dropped:.0%} are not looked at.</p>" if S > 1 else ""
        html = f"<p>C = 3: a photograph has three channels, red, green and blue.</p>{lost}"
        file = io.BytesIO()
        Image.fromarray(kept).save(file, "PNG", compress_level=1)
        picture = {"file": file.getvalue(), "side": [side, side], "crisp": True}
        picture["said"] = f"the photograph in {side} × {side} pixels"
        figures = [[f"shape (C, H, W) = {shape_text((3, side, side))}", ""], [3 * side * side, "numbers in all"]]
        self.page.show(says={"figures": figures}, closeup={"pictures": [picture], "html": html}, arrangement="pair")
