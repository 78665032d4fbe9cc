"""Feature maps as one picture: tiled, scaled to bytes, coloured by a palette. Tensors in, pictures out."""

import io
import math
from functools import lru_cache

import numpy as np
import torch
from matplotlib import colormaps
from PIL import Image
from torch.nn import functional as F

from .style import DIVERGING, SEQUENTIAL

GAP = 255  # the palette's last entry: the space between tiles


def mosaic(maps, first=0, count=64, *, most=64, columns=None, signed=None, limit=None):
    """Return the maps of some channels side by side, as bytes for a palette.

    maps:    (C, H, W) or (1, C, H, W).
    first, count: the channels shown; fewer where C ends.
    most:    tiles larger than this many pixels are averaged down to it, so that the work stays bounded.
    columns: tiles in a row; a square unless given.
    signed:  whether the palette has a negative half; unless given, whether there are negatives.
    limit:   the value of the palette's end; unless given, what `scale` finds.
    Returns (levels (height, width) uint8, limit, signed): with `signed` the palette runs from −limit to limit, else
    from 0 to limit. Values beyond are drawn as its end. Raises ValueError for maps or channels that do not exist.
    """
    maps = maps.detach()
    if maps.dim() == 4:
        if len(maps) != 1:
            raise ValueError(f"maps of shape {tuple(maps.shape)} hold {len(maps)} pictures: choose one, maps[i]")
        maps = maps[0]
    if maps.dim() != 3 or not 0 <= first < len(maps) or count < 1:
        raise ValueError(f"maps of shape {tuple(maps.shape)} have no channels {first} to {first + count - 1}")
    shown = maps[first : first + count].float()
    negatives, found = scale(shown)
    limit = found if limit is None else limit
    signed = negatives if signed is None else signed
    if max(shown.shape[1:]) > most:
        shrink = most / max(shown.shape[1:])
        size = tuple(max(1, round(n * shrink)) for n in shown.shape[1:])
        shown = F.adaptive_avg_pool2d(shown, size)
    n, H, W = shown.shape
    columns = columns or columns_of(n)
    rows = math.ceil(n / columns)
    sheet = torch.full((rows * columns, H + 1, W + 1), GAP, dtype=torch.uint8)
    sheet[:n, 1:, 1:] = to_levels(shown, limit, signed)
    sheet = sheet.view(rows, columns, H + 1, W + 1).permute(0, 2, 1, 3).reshape(rows * (H + 1), columns * (W + 1))
    return np.pad(sheet.numpy(), ((0, 1), (0, 1)), constant_values=GAP), limit, signed


def to_levels(values, limit, signed):
    """Return values as the palette's levels: 0 to 254, from −limit (signed) or 0 up to limit."""
    factor, zero = (127, 127.5) if signed else (254, 0.5)
    return values.detach().float().mul(factor / limit).add_(zero).clamp_(0, 254).to(torch.uint8)


def planes(maps):
    """Return what a step outputs as maps (C, H, W): numbers without a place are maps of one value."""
    return maps if maps.dim() == 3 else maps.reshape(-1, 1, 1)


def columns_of(n):
    """Return how many of n tiles are in a row, unless told."""
    return math.ceil(math.sqrt(n))


def scale(maps):
    """Return (signed, limit): whether there are negatives, and the value drawn with the palette's end: the largest
    magnitude, but at most four times the root mean square, so that one spike does not darken everything else."""
    low, high = (v.item() for v in maps.aminmax())
    if not math.isfinite(high - low):
        raise ValueError("the maps hold infinite or undefined values (inf or nan): there is no scale to draw them in")
    rms = maps.square().mean().sqrt().item()
    limit = min(max(-low, high), 4 * rms)
    return low < 0, limit if limit > 0 else 1.0


@lru_cache
def palette(signed):
    """Return 768 bytes: red, green and blue of the 255 levels and of the gap."""
    colours = colormaps[DIVERGING if signed else SEQUENTIAL](np.linspace(0, 1, 255), bytes=True)[:, :3].tobytes()
    return colours + bytes((128, 128, 128))


def picture(levels, signed):
    """Return levels from `mosaic` as a PIL palette image."""
    image = Image.fromarray(levels)
    image.putpalette(palette(signed))
    return image


def bmp(levels, signed):
    """Return levels from `mosaic` as a palette BMP file: uncompressed, so it is ready at once."""
    file = io.BytesIO()
    picture(levels, signed).save(file, "BMP")
    return file.getvalue()


def show_maps(maps, first=0, count=64, tile=56, columns=None):
    """Return feature maps (C, H, W) or (1, C, H, W) as a PIL image for a notebook: `count` channels from `first` on,
    every tile enlarged (or averaged down) to about `tile` pixels, `columns` of them in a row (a square unless
    given). Zero has one fixed colour: white between blue (negative) and red (positive), or the darkest one where
    nothing is negative."""
    levels, _, signed = mosaic(maps, first, count, most=tile, columns=columns)
    larger = max(1, tile // max(maps.shape[-2:]))
    return picture(levels.repeat(larger, 0).repeat(larger, 1), signed).convert("RGB")


def colour_bar(limit, signed):
    """Return a strip of the palette with the values at its ends, as HTML."""
    colours = np.frombuffer(palette(signed)[:765], np.uint8).reshape(255, 3)[::32]
    stops = ", ".join(f"rgb({r},{g},{b})" for r, g, b in colours)
    low = f"−{limit:.3g}" if signed else "0"
    return (
        f'<span style="white-space:nowrap">{low} <span role="img" aria-label="colour scale" style="display:'
        f"inline-block;width:110px;height:11px;vertical-align:middle;background:linear-gradient(90deg, {stops})"
        f'"></span> {limit:.3g}</span>'
    )


def statistics(maps):
    """Return "min −1.2, mean 0.31, max 4.05, 32 % zeros" of a tensor."""
    low, high = (v.item() for v in maps.aminmax())
    mean = maps.mean().item()
    if abs(mean) < 1e-5 * max(-low, high):
        mean = 0  # rounding noise, as after a BN
    zeros = 1 - np.count_nonzero(maps.detach().numpy()) / maps.numel()
    text = f"min {low:.3g}, mean {mean:.3g}, max {high:.3g}, {zeros:.0%} zeros"
    return text.replace("-", "−").replace("%", " %")
