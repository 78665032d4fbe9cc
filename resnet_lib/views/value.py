"""The arithmetic of one value as HTML: what `arithmetic.explain` found, down to its multiply-adds."""

from html import escape

import torch

from .markup import bar, table
from .style import MAIN, SHORTCUT, SUM

MOST = 5  # input channels whose contributions are listed
LARGEST = 7  # a window larger than this many numbers along a side is not written out
POSITIVE = "#D6604D"  # the end of the diverging palette; its other end is MAIN's blue


def value_table(value, most=MOST):
    """Return a `Value` as HTML: its formula, and below it the numbers that it is made of; of its input channels the
    `most` that contribute most."""
    text = f'<p class="big">{escape(value.formula)}</p>'
    if value.kind in ("CONV", "LINEAR"):
        text += _products(value, most)
    elif value.kind == "MAXPOOL":
        largest = (value.rows.index(value.place[0]), value.columns.index(value.place[1]))
        text += _grid("the window", value.inputs, largest)
    elif value.kind == "GLOBAL AVGPOOL" and max(value.inputs.shape) <= LARGEST:
        text += _grid("the whole map", value.inputs)
    elif value.kind == "SUM":
        (f, s), y = value.inputs.tolist(), value.value
        text += _term(f, "F(x)", MAIN) + _term("+") + _term(s, "shortcut", SHORTCUT) + _term("=") + _term(y, "sum", SUM)
    elif value.kind == "BN":
        names = ("mean", "var", "eps", "weight", "bias")
        said = (f"{'variance' if n == 'var' else n} {number(getattr(value, n))}" for n in names)
        text += f"<p>{', '.join(said)}</p>"
    return text


def number(value):
    """Return four digits of a number with a true minus sign."""
    text = f"{float(value):.4g}".replace("-", "−")
    return {"−inf": "−∞", "−0": "0"}.get(text, text)


def _products(value, most):
    strongest = value.strongest(most)
    largest = max((abs(n) for _, n in strongest), default=0) or 1
    one = value.inputs[0].numel() == 1
    rows = []
    for channel, n in strongest:
        i = channel - value.channels.start
        pair = (number(value.inputs[i]), number(value.weights[i])) if one else ()
        rows.append((str(channel), *pair, number(n), _signed(n / largest)))
    rest, kinds = value.inputs.shape[0] - len(strongest), {}
    if rest > 0:
        others = value.sums.sum().item() - sum(n for _, n in strongest)
        rows.append((f"{rest:,} others", *(("", "") if one else ()), number(others), ""))
        kinds = {-1: "total"}
    names = f"input channel {'| input | weight' if one else ''} | contributes |"
    text = (
        f"<p>{value.macs:,} multiply-adds (MACs). What contributes most, up or down:</p>"
        f"{table(names, rows, kinds=kinds)}"
    )
    if not one and max(value.inputs.shape[1:]) <= LARGEST and strongest:
        channel = strongest[0][0]
        i = channel - value.channels.start
        grids = (
            _grid(f"input channel {channel}", value.inputs[i]),
            "×",
            _grid("its weights", value.weights[i]),
            "=",
            _grid("products", value.products[i]),
            f"sum {number(strongest[0][1])}",
        )
        text += (
            '<div class="side" style="display:flex;flex-wrap:wrap;align-items:center;gap:4px 10px;margin-top:4px">'
            f"{''.join(f'<div>{grid}</div>' for grid in grids)}</div>"
        )
    return f"<div>{text}</div>"


def _signed(share):
    """A bar to the left of the middle for a negative number, to the right for a positive one."""
    return bar(abs(share) / 2, 120, start=0.5 + min(share, 0) / 2, colour=MAIN if share < 0 else POSITIVE)


def _grid(title, numbers, bold=None):
    """A small table of numbers."""
    rows = ""
    for i, line in enumerate(torch.atleast_2d(numbers).tolist()):
        cells = (f"<b>{number(n)}</b>" if (i, j) == bold else number(n) for j, n in enumerate(line))
        rows += "<tr>" + "".join(f'<td style="text-align:right;padding-left:8px">{c}</td>' for c in cells) + "</tr>"
    caption = f'<caption style="text-align:left" class="quiet">{escape(title)}</caption>'
    return f"<table>{caption}<tbody>{rows}</tbody></table>"


def _term(text, name="&nbsp;", colour=None):
    """A number or a sign of a sum, over its name."""
    line = f";border-bottom:4px solid {colour}" if colour else ""
    return (
        f'<span style="display:inline-block;text-align:center;margin-right:10px{line}">'
        f'<b>{text if isinstance(text, str) else number(text)}</b><br><span class="quiet">{name}</span></span>'
    )
