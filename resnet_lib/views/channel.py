"""One channel: its map beside the photograph, its values' histogram, and where on the photograph a value looks."""

import io

import numpy as np
import torch
from PIL import Image, ImageDraw

from .maps import palette, picture, to_levels
from .style import DIVERGING, ERROR, MAIN, QUIET, SEQUENTIAL
from .svg import drawing, words
from .value import number

PANE = 288  # pixels along a side of each of the two pictures
BETWEEN = 8  # pixels between them
BINS, WIDE, HIGH = 40, 300, 90  # of the histogram, in pixels


def channel_picture(plane, image, *, limit, signed, at=None, box=None, strongest=(), over=None):
    """Return two squares side by side as bytes of a JPEG file: the map alone, and over the photograph in grey.

    plane:  the map, (H, W).
    image:  the square photograph that the network was shown, a PIL image.
    limit, signed: the palette's scale, as `mosaic` returns them.
    at:     (row, column) of the map to mark in both.
    box:    (top, left, bottom, right) in pixels of the photograph, to be drawn on it.
    strongest: (row, column) of values to mark in the map.
    over:   what is laid over the photograph instead of the map, (H, W), 0 to 1.
    """
    H, W = plane.shape
    alone = picture(to_levels(plane, limit, signed).numpy(), signed)
    alone = alone.resize((PANE, PANE), Image.Resampling.NEAREST).convert("RGB")
    strength = plane / limit if over is None else over
    over = blend(image, strength, DIVERGING if over is None and signed else SEQUENTIAL)
    cell_h, cell_w = PANE / H, PANE / W
    draw = ImageDraw.Draw(alone)
    for row, column in strongest:
        y, x = (row + 0.5) * cell_h, (column + 0.5) * cell_w
        draw.ellipse((x - 5, y - 5, x + 5, y + 5), outline="white", width=3)
        draw.ellipse((x - 5, y - 5, x + 5, y + 5), outline="black", width=1)
    on_photograph = ImageDraw.Draw(over)
    if at is not None:
        row, column = at
        edges = (column * cell_w - 1, row * cell_h - 1, (column + 1) * cell_w, (row + 1) * cell_h)
        for canvas in (draw, on_photograph):
            frame(canvas, edges, ERROR)
    if box is not None:
        scale = PANE / image.width
        top, left, bottom, right = (n * scale for n in box)
        frame(on_photograph, (left, top, right - 1, bottom - 1), MAIN)
    return jpeg(side_by_side(alone, over))


def side_by_side(*pictures):
    """Return squares of PANE pixels in a row on grey."""
    sheet = Image.new("RGB", (len(pictures) * (PANE + BETWEEN) - BETWEEN, PANE), (128, 128, 128))
    for i, each in enumerate(pictures):
        sheet.paste(each, (i * (PANE + BETWEEN), 0))
    return sheet


def blend(image, strength, colours):
    """Return the photograph in grey with colour over it where the map is strong, PANE × PANE, as a PIL image.

    strength: (H, W), 1 where the colour is fullest; negative values take the other half of a diverging map.
    colours:  DIVERGING or SEQUENTIAL.
    """
    grey = np.asarray(image.convert("L").resize((PANE, PANE)), np.float32)[..., None]
    strength = Image.fromarray(np.asarray(strength.detach(), np.float32).clip(-1, 1))
    strength = torch.from_numpy(np.array(strength.resize((PANE, PANE), Image.Resampling.BILINEAR)))
    signed = colours == DIVERGING
    colour = np.frombuffer(palette(signed), np.uint8).reshape(-1, 3)[to_levels(strength, 1, signed).numpy()]
    cover = 0.75 * strength.abs().numpy()[..., None]
    return Image.fromarray((grey * (1 - cover) + colour * cover).astype(np.uint8))


def frame(draw, edges, colour):
    """Draw a rectangle that shows on light and dark: white outside, the colour within. It is kept on the picture."""
    x0, y0, x1, y1 = edges
    x0, y0 = max(x0, 0), max(y0, 0)
    x1, y1 = max(min(x1, PANE - 1), x0 + 2), max(min(y1, PANE - 1), y0 + 2)
    draw.rectangle((x0 - 1, y0 - 1, x1 + 1, y1 + 1), outline="white", width=1)
    draw.rectangle((x0, y0, x1, y1), outline=colour, width=2)


def jpeg(picture):
    """Return the bytes of a JPEG file: for a photograph a tenth of an uncompressed one."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=90, subsampling=0)
    return file.getvalue()


def histogram(values):
    """Return how often which values occur, as an SVG drawing: one bar a bin, with a mark at zero if it is among
    them."""
    values = values.detach().flatten().float()
    low, high = (v.item() for v in values.aminmax())
    if low == high:
        return f'<p class="quiet">all {values.numel():,} values are {low:.4g}</p>'
    counts = torch.histc(values, BINS, low, high).tolist()
    most, step = max(counts), WIDE / BINS
    body = "".join(
        f'<rect x="{i * step:.1f}" y="{HIGH - n / most * HIGH:.1f}" width="{step - 1:.1f}" '
        f'height="{n / most * HIGH:.1f}" fill="{MAIN}"/>'
        for i, n in enumerate(counts)
    )
    if low < 0 < high:
        x = -low / (high - low) * WIDE
        body += f'<path d="M{x:.1f} 0V{HIGH}" stroke="{QUIET}" stroke-dasharray="3 3"/>'
        body += words(x, HIGH + 14, "0", "middle")
    body += words(0, HIGH + 14, number(low)) + words(WIDE, HIGH + 14, number(high), "end")
    said = f"histogram of {values.numel():,} values from {number(low)} to {number(high)}; "
    return drawing(WIDE, HIGH + 18, said + f"the fullest bin has {most:,.0f}", body)
