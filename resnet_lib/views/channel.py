"""One channel: its map beside the photograph, its values' histogram, and where on the photograph a value looks."""

import io

import numpy as np
import torch
from matplotlib import colormaps
from PIL import Image, ImageDraw

from .maps import palette
from .style import DIVERGING, ERROR, MAIN, QUIET, SEQUENTIAL, SMALL
from .value import number

PANE = 288  # pixels along a side of each of the two pictures
BETWEEN = 8  # pixels between them
WIDTH = 2 * PANE + BETWEEN  # of both


def channel_picture(plane, image, *, limit, signed, at=None, box=None, strongest=(), over=None):
    """Two squares side by side as bytes of a JPEG file: the map alone, and over the photograph in grey.

    plane:  the map, (H, W).
    image:  the square photograph that the network was shown, a PIL image.
    limit, signed: the palette's scale, as `mosaic` gives them.
    at:     (row, column) of the map to mark in both.
    box:    (top, left, bottom, right) in pixels of the photograph, to be drawn on it.
    strongest: (row, column) of values to mark in the map.
    over:   what is laid over the photograph instead of the map, (H, W), 0 to 1.
    """
    H, W = plane.shape
    alone = Image.fromarray(_levels(plane, limit, signed))
    alone.putpalette(palette(signed))
    alone = alone.resize((PANE, PANE), Image.Resampling.NEAREST).convert("RGB")
    if over is None:
        over = blend(image, plane / limit, DIVERGING if signed else SEQUENTIAL)
    else:
        over = blend(image, over, SEQUENTIAL)
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
    """Squares of PANE pixels in a row on grey."""
    sheet = Image.new("RGB", (len(pictures) * (PANE + BETWEEN) - BETWEEN, PANE), (128, 128, 128))
    for i, picture in enumerate(pictures):
        sheet.paste(picture, (i * (PANE + BETWEEN), 0))
    return sheet


def place(x, y, pictures=2):
    """Where a click at those shares of a row of squares falls in its square, as shares; None between them."""
    whole = pictures * (PANE + BETWEEN) - BETWEEN
    within = x * whole % (PANE + BETWEEN)
    return None if within >= PANE else (within / PANE, y)


def blend(image, strength, colours, size=PANE):
    """The photograph in grey with colour over it where the map is strong, size × size, as a PIL image.

    strength: (H, W), 1 where the colour is fullest; negative values take the other half of a diverging map.
    """
    grey = np.asarray(image.convert("L").resize((size, size)), np.float32)[..., None]
    strength = Image.fromarray(np.asarray(strength.detach(), np.float32).clip(-1, 1))
    strength = np.asarray(strength.resize((size, size), Image.Resampling.BILINEAR))
    at = (strength + 1) / 2 if colours == DIVERGING else strength
    table = colormaps[colours](np.linspace(0, 1, 256))[:, :3].astype(np.float32) * 255
    colour = table[(at * 255).astype(np.uint8)]
    cover = 0.75 * np.abs(strength)[..., None]
    return Image.fromarray((grey * (1 - cover) + colour * cover).astype(np.uint8))


def frame(draw, edges, colour):
    """A rectangle that shows on light and dark: white outside, the colour within. It is kept on the picture."""
    x0, y0, x1, y1 = edges
    x0, y0 = max(x0, 0), max(y0, 0)
    x1, y1 = max(min(x1, PANE - 1), x0 + 2), max(min(y1, PANE - 1), y0 + 2)
    draw.rectangle((x0 - 1, y0 - 1, x1 + 1, y1 + 1), outline="white", width=1)
    draw.rectangle((x0, y0, x1, y1), outline=colour, width=2)


def jpeg(picture):
    """The bytes of a JPEG file: a photograph is there a tenth as large as uncompressed."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=90, subsampling=0)
    return file.getvalue()


def _levels(plane, limit, signed):
    scaled = plane.detach().float() * (127 / limit) + 127.5 if signed else plane.detach().float() * (254 / limit) + 0.5
    return scaled.clamp(0, 254).to(torch.uint8).numpy()


def histogram(values, bins=40, width=300, height=90):
    """How often which values occur, as an SVG drawing: one bar a bin, zero marked where it lies within."""
    values = values.detach().flatten().float()
    low, high = (v.item() for v in values.aminmax())
    if low == high:
        return f'<p class="quiet">all {values.numel():,} values are {low:.4g}</p>'
    counts = torch.histc(values, bins, low, high).tolist()
    most, step = max(counts), width / bins
    bars = "".join(
        f'<rect x="{i * step:.1f}" y="{height - n / most * height:.1f}" width="{step - 1:.1f}" '
        f'height="{n / most * height:.1f}" fill="{MAIN}"/>'
        for i, n in enumerate(counts)
    )
    zero = ""
    if low < 0 < high:
        x = -low / (high - low) * width
        zero = f'<path d="M{x:.1f} 0V{height}" stroke="{QUIET}" stroke-dasharray="3 3"/>'
        zero += f'<text x="{x:.1f}" y="{height + 14}" text-anchor="middle" font-size="{SMALL}">0</text>'
    ends = "".join(
        f'<text x="{x}" y="{height + 14}" text-anchor="{anchor}" font-size="{SMALL}">{number(value)}</text>'
        for x, anchor, value in ((0, "start", low), (width, "end", high))
    )
    return (
        f'<svg role="img" aria-label="histogram of {values.numel():,} values from {number(low)} to {number(high)}; '
        f'the fullest bin has {most:,.0f}" width="{width}" height="{height + 18}">{bars}{zero}{ends}</svg>'
    )
