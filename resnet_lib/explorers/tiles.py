"""Feature maps as the instrument draws them: groups of tiles, their values as bytes, and where they came from."""

import io
import math
import zlib
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch.nn import functional as F

from ..views.maps import GAP, columns_of, palette, picture, scale, to_levels

MOST = 56  # pixels of a tile's side: of larger maps k × k values are averaged into one pixel, and the view says so


@dataclass(eq=False)
class Group:
    """Maps that are drawn together under one title.

    id:       what the page calls it; a step's name where it is a step.
    maps:     (n, H, W), the values; None where there are none and the last ones are shown dimmed.
    channels: the number of each map's channel, of `total`.
    role:     "main", "shortcut", "sum" or "": its colour.
    corner:   (row, column) of the first value, where only a window of the map was computed.
    says:     why there are no maps.
    scale:    groups with the same one share their colours; "" has colours of its own.
    most:     pixels of a tile's side.
    names:    of the channels, where they have any and the maps are single values: those are then listed.
    """

    id: str
    title: str
    maps: torch.Tensor | None
    channels: list
    total: int
    role: str = ""
    corner: tuple = (0, 0)
    says: str = ""
    scale: str = "all"
    most: int = MOST
    names: list | None = None


def pack(groups, each=False):
    """Return (described, levels): what the page has to know of each group, and all their tiles as bytes, one after the
    other. With `each`, every map has a scale of its own. Raises ValueError for maps with inf or nan in them."""
    shared = {}
    if not each:
        for name in {g.scale for g in groups if g.maps is not None and g.scale}:
            values = [g.maps.detach().float() for g in groups if g.maps is not None and g.scale == name]
            shared[name] = scale(values[0] if len(values) == 1 else torch.cat([v.reshape(-1) for v in values]))
    described, levels = [], []
    for g in groups:
        said = {"id": g.id, "title": g.title, "role": g.role, "total": g.total, "channels": _short(g.channels)}
        if g.maps is None:
            described.append(said | {"says": g.says})
            continue
        maps = g.maps.detach().float()
        k = math.ceil(max(maps.shape[1:]) / g.most)
        signed, limit = shared.get(g.scale) or scale(maps)
        if k > 1:
            maps = F.avg_pool2d(maps, k, ceil_mode=True, count_include_pad=False)
        if each:
            limits = maps.abs().amax((1, 2)).clamp(min=1e-12)
            drawn = to_levels(maps / limits[:, None, None], 1, signed)
            said["limits"] = [float(f"{v:.3g}") for v in limits.tolist()]
        else:
            drawn = to_levels(maps, limit, signed)
        said |= {"side": list(maps.shape[1:]), "limit": limit, "signed": signed}
        said |= {"names": g.names, "values": maps.flatten().tolist()} if g.names else {}
        said |= {"full": list(g.maps.shape[1:]), "bin": k} if k > 1 else {}
        described.append(said)
        levels.append(drawn.numpy().tobytes())
    return described, b"".join(levels)


def one_map(plane):
    """Return (said, levels) of one map, (H, W), for itself: its side and scale, and its values as bytes."""
    signed, limit = scale(plane)
    said = {"side": list(plane.shape), "signed": signed, "limit": limit}
    return said, to_levels(plane, limit, signed).contiguous().numpy().tobytes()


def squeeze(levels):
    """Return levels in 43 steps instead of 255, deflated, for a slow connection: about half as many bytes, in a few
    milliseconds. The level of zero among negatives, 127, stays exact. instrument_maps.js undoes it."""
    steps = (np.frombuffer(levels, np.uint8) + np.uint16(2)) // 6
    packer = zlib.compressobj(strategy=zlib.Z_HUFFMAN_ONLY)  # repeats are rare, and looking for them takes longest
    return packer.compress(steps.astype(np.uint8).tobytes()) + packer.flush()


def _short(channels):
    """Neighbouring channels as [first, how many], others as they are, in a dictionary."""
    channels = list(channels)
    if channels == list(range(channels[0], channels[0] + len(channels))) if channels else True:
        return {"from": channels[0] if channels else 0, "n": len(channels)}
    return {"are": channels}


def still(groups, described, levels, title):
    """Return the groups that have maps as one PNG picture with their titles, for where nothing is live."""
    sheets, at = [], 0
    for g in described:
        if "side" not in g:
            continue
        (h, w), n = g["side"], len(channels_of(g))
        tiles = np.frombuffer(levels[at : at + n * h * w], np.uint8).reshape(n, h, w)
        at += n * h * w
        columns = columns_of(n)
        sheet = np.full((-(-n // columns) * (h + 1) + 1, columns * (w + 1) + 1), GAP, np.uint8)
        for i, tile in enumerate(tiles):
            y, x = i // columns * (h + 1) + 1, i % columns * (w + 1) + 1
            sheet[y : y + h, x : x + w] = tile
        larger = max(1, 230 // max(sheet.shape))
        sheets.append((g["title"], picture(sheet.repeat(larger, 0).repeat(larger, 1), g["signed"]).convert("RGB")))
    width = max((s.width for _, s in sheets), default=1)
    height = max((s.height for _, s in sheets), default=1) + 16
    across = 2 if len(sheets) > 1 else 1
    size = (max(across * (width + 8), 8 * len(title)), -(-len(sheets) // across) * (height + 6) + 18)
    whole = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(whole)
    pen.text((2, 2), plain(title), fill="black")
    for i, (name, sheet) in enumerate(sheets):
        x, y = i % across * (width + 8), i // across * (height + 6) + 18
        pen.text((x + 2, y), plain(name), fill="black")
        whole.paste(sheet, (x, y + 14))
    file = io.BytesIO()
    whole.quantize(256, dither=Image.Dither.NONE).save(file, "PNG")
    return file.getvalue()


def as_png(file):
    """Return a picture file as PNG."""
    out = io.BytesIO()
    Image.open(io.BytesIO(file)).save(out, "PNG")
    return out.getvalue()


def plain(text):
    """Return text without the letters that PIL's own font lacks."""
    return text.replace("×", "x").replace("→", "->").replace("·", "|").encode("latin-1", "ignore").decode("latin-1")


def channels_of(described):
    """Return the numbers of a described group's channels."""
    channels = described["channels"]
    return channels["are"] if "are" in channels else list(range(channels["from"], channels["from"] + channels["n"]))


def palettes():
    """Return the colours of the 256 levels, red, green and blue: first without, then with negatives."""
    return palette(False) + palette(True)
