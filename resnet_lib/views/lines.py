"""A small line chart as SVG text: it follows the theme, is there at once, and can be read aloud."""

import math
from html import escape
from typing import NamedTuple

from .style import MAIN, PAPER, QUIET, SMALL, SUM

LEFT, RIGHT, TOP, BOTTOM = 52, 190, 12, 40  # around the field: numbers, names of lines, nothing, numbers


class Line(NamedTuple):
    """Points from left to right, joined. A point whose y is not finite is left out, and so is the line around it.

    name: written at the line's end, "" for none. faint: a thin line, such as one of several runs.
    """

    name: str
    x: list
    y: list
    colour: str
    dashed: bool = False
    faint: bool = False


def pen(i, of):
    """(colour, dashed) of line i of so many networks, two at most: the first F alone, the second with the sum."""
    return ((MAIN, True), (SUM, False))[i if of > 1 else 1]


def line_chart(lines, *, x_title, y_title, text, low, high, log=False, mark=None, percent=False, width=640, height=260):
    """Lines over one scale, SVG text.

    low, high: ends of the vertical scale. log: whether it is logarithmic, and then both are above 0.
    mark: (value, name) of a horizontal line that stands for itself, such as guessing. percent: y is a share, 0 to 1.
    text: what is to be seen, for those who do not see it.
    """
    wide, tall = width - LEFT - RIGHT, height - TOP - BOTTOM
    xs = [x for line in lines for x in line.x]
    first, last = min(xs), max(xs)

    def across(x):
        return LEFT + (x - first) / ((last - first) or 1) * wide

    def up(y):
        share = math.log(y / low) / math.log(high / low) if log else (y - low) / (high - low)
        return TOP + (1 - min(max(share, 0), 1)) * tall

    def said(y):
        return f"{y:.0%}" if percent else f"{y:.3g}"

    parts = [f'<path d="M{LEFT} {TOP}V{TOP + tall}H{LEFT + wide}" fill="none" stroke="{QUIET}"/>']
    for y in ticks(low, high) if log else [low + (high - low) * i / 4 for i in range(5)]:
        parts.append(f'<path d="M{LEFT - 4} {up(y):.1f}h4" stroke="{QUIET}"/>')
        parts.append(_text(LEFT - 7, up(y) + 4, said(y), "end"))
    for i in range(5):
        x = first + (last - first) * i / 4
        parts.append(f'<path d="M{across(x):.1f} {TOP + tall}v4" stroke="{QUIET}"/>')
        parts.append(_text(across(x), TOP + tall + 17, f"{x:.3g}".replace("-", "−"), "middle"))
    parts.append(_text(LEFT + wide / 2, height - 6, x_title, "middle"))
    parts.append(_text(LEFT + 6, TOP + 4, y_title, "start"))
    ends = []
    if mark:
        y = up(mark[0])
        parts.append(f'<path d="M{LEFT} {y:.1f}h{wide}" stroke="{QUIET}" stroke-dasharray="2 4"/>')
        ends.append([y, mark[1], f'stroke="{QUIET}" stroke-dasharray="2 4"'])
    for line in lines:
        points = [(across(x), up(y)) if math.isfinite(y) else None for x, y in zip(line.x, line.y, strict=True)]
        path, move = "", "M"
        for point in points:
            path += f"{move}{point[0]:.1f} {point[1]:.1f}" if point else ""
            move = "L" if point else "M"
        dash = ' stroke-dasharray="7 4"' if line.dashed else ""
        thin = ' opacity="0.4"' if line.faint else ""
        weight = 1.2 if line.faint else 2.4
        parts.append(f'<path d="{path}" fill="none" stroke="{line.colour}" stroke-width="{weight}"{dash}{thin}/>')
        if not line.faint:
            parts += [f'<circle cx="{p[0]:.1f}" cy="{p[1]:.1f}" r="2.6" fill="{line.colour}"/>' for p in points if p]
        seen = [p for p in points if p]
        if line.name and seen:
            ends.append([seen[-1][1], line.name, f'stroke="{line.colour}" stroke-width="2.4"{dash}'])
    ends.sort(key=lambda end: end[0])
    for before, end in zip(ends, ends[1:], strict=False):  # names one below the other where lines end close together
        end[0] = max(end[0], before[0] + SMALL + 2)
    for y, name, drawn in ends:  # the colour beside the name: as a colour of text it would be too dark or too pale
        parts.append(f'<path d="M{LEFT + wide + 6} {y:.1f}h20" fill="none" {drawn}/>')
        parts.append(_text(LEFT + wide + 32, y + 4, name, "start"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(text)}" style="max-width:100%;background:{PAPER}">{"".join(parts)}</svg>'
    )


def ticks(low, high, most=8):
    """Round numbers for a logarithmic scale between two numbers above 0, at most so many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 1.2, 1.4, 1.7, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8), (1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1,)):
        found = [m * 10.0**p for p in powers for m in digits if low <= m * 10.0**p <= high]
        if len(found) <= most:
            break
    return found[:: -(-len(found) // most)] if found else []


def _text(x, y, text, anchor):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{SMALL}">{escape(text)}</text>'
