"""The first slider: what W and S mean, on a photograph."""

import io

import numpy as np
from PIL import Image

from .._common import shape_text
from ..anatomy import out_size
from ..photos import square
from .base import Explorer, Picture, html, pictures, row, slider


class SizeExplorer(Explorer):
    """A photograph at W × W pixels, of which every S-th in each direction is kept.

    Controls (attributes of these names): picture, W, S. picture: whatever `photos.open_photo` takes.
    """

    def __init__(self, W=224, S=1, picture="coffee"):
        super().__init__()
        self.picture = pictures(picture, patterns=False)
        self.W = slider("W", W, 8, 224)
        self.S = slider("S", S, 1, 8)
        self.text = html()
        self.image = Picture("336px", height="336px")
        self.watch(self.picture, self.W, self.S)
        self.lay_out(row(self.picture), row(self.W, self.S), row(self.image, self.text))
        self.update()

    def update(self):
        W, S = self.W.value, self.S.value
        kept = np.array(square(self.picture.value, W))[::S, ::S]
        # What a 1×1 convolution of stride S looks at: the first pixel of every S.
        side = out_size(W, 1, S)
        shape = (3, side, side)
        dropped = 1 - side * side / (W * W)
        lost = f"<p>S = {S}: one pixel of {S} × {S} is kept, {dropped:.0%} are not looked at.</p>" if S > 1 else ""
        self.text.show(
            f'<p class="big"><b>shape (C, H, W) = {shape_text(shape)}</b></p>'
            f"<p>C = 3: a photograph has three channels, red, green and blue.</p>"
            f"<p>W = {W}: it is scaled to {W} pixels along each side.</p>"
            f"{lost}<p><b>{3 * side * side:,}</b> numbers in all.</p>"
        )
        file = io.BytesIO()
        Image.fromarray(kept).save(file, "PNG", compress_level=1)
        self.image.show(file.getvalue(), "png", f"the photograph in {side} × {side} pixels")
