"""The lessons' figures, drawn from the blocks and designs themselves: SVG files for pages without a kernel."""

import re
from html import unescape

from .._common import shape_text, shapes_only
from ..anatomy import anatomy, out_size
from ..blocks import BTNK1, BTNK2, Stem
from ..network import DESIGNS, resnet50
from .design import design_drawing
from .diagram import arrow, block_diagram, lettered
from .style import LARGE, MAIN, NORMAL, PAPER, QUIET, SHORTCUT, SMALL, SUM, TINT
from .svg import drawing, words

# A file has no theme: text is dark, on white paper.
_ALONE = "<style>text{font-family:system-ui,sans-serif;fill:#212121}</style>"


def figures():
    """Return every figure of the lessons: name of the file → SVG text."""
    with shapes_only():
        stem, btnk2 = anatomy(Stem(), 224), anatomy(BTNK2(256), 56)
        btnk1, v1 = (anatomy(BTNK1(256, 128, 2, stride_on=on), 56) for on in ("3x3", "1x1"))
        network = anatomy(resnet50(), 224)
    letters, size = lettered(_named(btnk1))
    drawn = {
        "stem": _stem(stem),
        "btnk2": _block(btnk2),
        "btnk1": _block(btnk1),
        "btnk1-letters": block_diagram(letters, size),
        "stage": _stage(network, 2),
        "network": design_drawing(DESIGNS["resnet50"], network),
        "v1-v15": beside({"v1: S on the first 1×1": _block(v1), "v1.5: S on the 3×3": _block(btnk1)}),
        "windows": beside({"1×1, stride 2": _grid(1, 2, 0), "3×3, stride 2, padding 1": _grid(3, 2, 1)}),
    }
    return {f"{name}.svg": alone(svg) for name, svg in drawn.items()}


def alone(svg):
    """Return a drawing as a file of its own: on paper, with a font and with colours where there is no theme."""
    width, height = _size(svg)
    paper = f'<rect width="{width}" height="{height}" fill="#ffffff"/>'
    svg = re.sub(r"var\(--[\w-]+, ([^()]+)\)", r"\1", svg)  # the theme's colours, as they are without one
    return svg.replace(">", f">{_ALONE}{paper}", 1) + "\n"


def beside(drawings):
    """Return drawings, title → SVG, side by side as one, each below its title."""
    body, said, x, high = "", [], 0, 0
    for title, svg in drawings.items():
        width, height = _size(svg)
        body += words(x + width / 2, 18, title, "middle", size=LARGE, bold=True)
        body += svg.replace("<svg ", f'<svg x="{x}" y="30" ', 1)
        label = re.search(r'aria-label="([^"]*)"', svg)[1]
        said.append(f"{title}. {label}")
        x, high = x + width + 20, max(high, height)
    return drawing(x - 20, high + 30, unescape(" ".join(said)), body)


def _size(svg):
    return tuple(map(int, re.search(r'viewBox="0 0 (\d+) (\d+)"', svg).groups()))


def _named(costs):
    return {step.name: step for step in costs.steps}


def _block(costs):
    return block_diagram(_named(costs), costs.input)


def _row(first, boxes, said):
    """Boxes from left to right, (title, colour, shape that comes out); `first` is the shape that comes in."""
    wide, high, gap, x = 132, 34, 28, 120
    body = words((x - gap) / 2, 44, shape_text(first), "middle", size=SMALL)
    for title, colour, shape in boxes:
        body += arrow(x - gap + 3, 40, x - 4, 40, QUIET)
        body += f'<rect x="{x}" y="{40 - high / 2:g}" width="{wide}" height="{high}" rx="4" fill="{PAPER}" '
        body += f'stroke="{colour}" stroke-width="2"/>{words(x + wide / 2, 45, title, "middle", size=NORMAL)}'
        body += words(x + wide / 2, 78, f"→ {shape_text(shape)}", "middle", size=SMALL)
        x += wide + gap
    return drawing(
        x - gap + 4, 92, f"{said}: {shape_text(first)}" + "".join(f", {t} {shape_text(s)}" for t, _, s in boxes), body
    )


def _stem(costs):
    return _row(costs.input, [(step.kind, MAIN, step.shape) for step in costs.steps], "Stage 0")


def _stage(network, number):
    """The blocks of one stage of a network."""
    name = f"stage{number}"
    ends = [s for s in network.steps if s.name.startswith(f"{name}.") and s.name.endswith(".relu3")]
    before = network.by_stage()[number - 1].shape
    blocks = [("BTNK1" if i == 0 else "BTNK2", SHORTCUT if i == 0 else MAIN, s.shape) for i, s in enumerate(ends)]
    return _row(before, blocks, f"Stage {number}")


def _grid(kernel, stride, padding):
    """The pixels of a map, and how many windows of a convolution read each of them: none is a hollow circle."""
    W, cell = 8, 26
    places = range(-padding, -padding + stride * out_size(W, kernel, stride, padding), stride)
    reads = [sum(start <= i < start + kernel for start in places) for i in range(W)]
    body, side = "", W * cell + 60
    for y in range(W):
        for x in range(W):
            n, left, top = reads[x] * reads[y], 30 + x * cell, 30 + y * cell
            fill = TINT if n == 0 else SUM
            shade = "" if n == 0 else f' fill-opacity="{(0.25, 0.5, 0.75, 1)[min(n, 4) - 1]}"'
            body += f'<rect x="{left}" y="{top}" width="{cell - 2}" height="{cell - 2}" fill="{fill}"{shade}/>'
            body += words(left + cell / 2 - 1, top + cell / 2 + 4, str(n), "middle", size=SMALL)
    first, second = (30 + (start) * cell for start in places[1:3])
    for left in (first, second):
        body += f'<rect x="{left - 1}" y="{first - 1}" width="{kernel * cell}" height="{kernel * cell}" fill="none" '
        body += f'stroke="{MAIN}" stroke-width="2.5"/>'
    never = sum(a * b == 0 for a in reads for b in reads)
    body += words(side / 2, side - 6, f"never read: {never} of {W * W} pixels", "middle", size=NORMAL)
    said = f"An {W} × {W} map; the number in each pixel says how many windows read it, two windows are framed. "
    return drawing(side, side, f"{said}{never} of {W * W} pixels are never read.", body)
