"""The arithmetic of one value as HTML: what `arithmetic.explain` found, down to its multiply-adds."""

from html import escape

import torch

from .style import MAIN, SHORTCUT, SUM, TINT

MOST = 5  # input channels whose contributions are listed
LARGEST = 7  # a window larger than this many numbers along a side is not written out


def value_table(value):
    """A `Value` as HTML: its formula, and below it the numbers that it is made of."""
    parts = [f'<p class="big">{escape(value.formula)}</p>']
    if value.kind in ("CONV", "LINEAR"):
        parts.append(_products(value))
    elif value.kind == "MAXPOOL":
        largest = (value.rows.index(value.place[0]), value.columns.index(value.place[1]))
        parts.append(_grid("the window", value.inputs, largest))
    elif value.kind == "GLOBAL AVGPOOL" and max(value.inputs.shape) <= LARGEST:
        parts.append(_grid("the whole map", value.inputs))
    elif value.kind == "SUM":
        (f, s), y = value.inputs.tolist(), value.value
        cells = ((number(f), "F(x)", MAIN), ("+", "", None), (number(s), "shortcut", SHORTCUT))
        cells += (("=", "", None), (number(y), "sum", SUM))
        parts.append("".join(_cell(*cell) for cell in cells))
    elif value.kind == "BN":
        rows = (("mean", value.mean), ("variance", value.var), ("eps", value.eps))
        rows += (("weight", value.weight), ("bias", value.bias))
        parts.append("<p>" + ", ".join(f"{name} {number(n)}" for name, n in rows) + "</p>")
    return "".join(parts)


def number(value):
    """Four digits with a true minus sign."""
    text = f"{float(value):.4g}".replace("-", "−")
    return {"−inf": "−∞", "−0": "0"}.get(text, text)


def _products(value):
    strongest = value.strongest(MOST)
    most = max((abs(n) for _, n in strongest), default=0) or 1
    one = value.inputs[0].numel() == 1
    head = "<th>input channel</th>" + ("<th>input</th><th>weight</th>" if one else "") + "<th>contributes</th><th></th>"
    rows = ""
    for channel, n in strongest:
        i = channel - value.channels.start
        pair = f"<td>{number(value.inputs[i])}</td><td>{number(value.weights[i])}</td>" if one else ""
        rows += f"<tr><td>{channel}</td>{pair}<td>{number(n)}</td><td>{_signed(n, most)}</td></tr>"
    rest = value.inputs.shape[0] - len(strongest)
    if rest > 0:
        others = value.sums.sum().item() - sum(n for _, n in strongest)
        span = "<td></td><td></td>" if one else ""
        rows += f"<tr class='total'><td>{rest:,} others</td>{span}<td>{number(others)}</td><td></td></tr>"
    text = (
        f"<p>{value.macs:,} multiply-adds (MACs) for this one value. The input channels that contribute most, up or "
        f"down:</p><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
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
        )
        text += (
            '<div style="display:flex;flex-wrap:wrap;align-items:center;gap:10px;margin-top:6px">'
            + "".join(f"<div>{g}</div>" for g in grids)
            + f"<div>sum {number(strongest[0][1])}</div></div>"
        )
    return f"<div>{text}</div>"


def _signed(n, most, width=60):
    """A bar to the left of the middle for a negative number, to the right for a positive one."""
    length = abs(n) / most * width
    start = width - length if n < 0 else width
    colour = MAIN if n < 0 else "#D6604D"  # the ends of the diverging palette: blue below zero, red above
    return (
        f'<span style="display:inline-block;width:{2 * width}px;height:11px;background:{TINT};vertical-align:middle">'
        f'<span style="display:block;margin-left:{start:.1f}px;width:{length:.1f}px;height:11px;background:{colour}">'
        "</span></span>"
    )


def _grid(title, numbers, bold=None):
    """A small table of numbers."""
    rows = ""
    for i, line in enumerate(torch.atleast_2d(numbers).tolist()):
        cells = (f"<b>{number(n)}</b>" if (i, j) == bold else number(n) for j, n in enumerate(line))
        rows += "<tr>" + "".join(f'<td style="text-align:right;padding-left:8px">{c}</td>' for c in cells) + "</tr>"
    caption = f'<caption style="text-align:left" class="quiet">{escape(title)}</caption>'
    return f"<table>{caption}<tbody>{rows}</tbody></table>"


def _cell(text, name, colour):
    line = f";border-bottom:4px solid {colour}" if colour else ""
    return (
        f'<span style="display:inline-block;text-align:center;margin-right:10px{line}"><b>{text}</b>'
        f'<br><span class="quiet">{name or "&nbsp;"}</span></span>'
    )
