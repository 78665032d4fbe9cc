"""The pieces of HTML that all views are made of: the frame, a table, a bar. They follow the theme, and can be read
aloud."""

from html import escape

from .._common import shape_text
from .style import COST, CSS, ERROR, PAPER, SUM, TEXT, TINT


class Html:
    """A piece of HTML that a notebook shows."""

    def __init__(self, text):
        self.text = text

    def _repr_html_(self):
        return self.text

    def __str__(self):
        return self.text


def frame(body, style=""):
    """Return the element that the rules of `style.CSS` hold for, around a body of HTML; "" around nothing."""
    return f'<div class="rl"{_styled(style)}>{body}</div>' if body else ""


def shown(body):
    """Return a body of HTML that displays itself in a notebook, with the rules that it needs."""
    return Html(CSS + frame(body))


def paragraphs(texts, kind=""):
    """Return texts as paragraphs, escaped, of a class such as "quiet" or "big" if one is given."""
    return "".join(f"<p{_classed(kind)}>{escape(text)}</p>" for text in texts)


def beside(*parts):
    """Return pieces of HTML side by side, wrapping where the notebook is narrow."""
    return f'<div class="side" style="display:flex;flex-wrap:wrap;gap:8px">{"".join(parts)}</div>'


def sign(wrong):
    """Return ✗ or ✓ in the colour of its meaning."""
    colour, mark = (ERROR, "✗") if wrong else (SUM, "✓")
    return f'<b style="color:{colour}">{mark}</b>'


def swatch(colour, name):
    """Return the name of a curve after a square in its colour."""
    return f'<span style="color:{colour}">■</span> {escape(name)}'


def table(names, rows, *, left=(), kinds=None, edges=()):
    """Return a table as HTML.

    names: of the columns, a sequence or a text "one | two"; without any there is no head.
    rows:  tuples of cells. A cell is HTML, an int (its thousands are grouped), a shape, or None for a dash.
    left:  the columns aligned to the left beside the first.
    kinds: index of a row → "marked" where it stands out, "total" where it is under a line; -1 is the last row.
    edges: the colour of each row's left edge, if the rows have any.
    """
    rows, kinds = list(rows), kinds or {}
    names = [name.strip() for name in names.split("|")] if isinstance(names, str) else names
    heads = "".join(heading(name, LEFT if i in left else "") for i, name in enumerate(names))
    body = ""
    for i, cells in enumerate(rows):
        edge = f"border-left:5px solid {edges[i]};padding-left:6px" if edges else ""
        styles = (LEFT if k in left else _styled(edge) if k == 0 else "" for k in range(len(cells)))
        filled = "".join(f"<td{style}>{_text(cell)}</td>" for style, cell in zip(styles, cells, strict=True))
        body += f"<tr{_classed(kinds.get(i) or kinds.get(i - len(rows)))}>{filled}</tr>"
    head = f"<thead><tr>{heads}</tr></thead>" if any(names) else ""
    return f"<table>{head}<tbody>{body}</tbody></table>"


LEFT = ' style="text-align:left"'


def heading(name, attributes=""):
    """Return the cell above a column. Without a name it is no heading: a screen reader would read an empty one."""
    return f"<th{attributes}>{name}</th>" if name else "<td></td>"


def _text(cell):
    if cell is None:
        return "–"
    return shape_text(cell) if isinstance(cell, tuple) else f"{cell:,}" if isinstance(cell, int) else cell


def _classed(kind):
    return f' class="{kind}"' if kind else ""


def _styled(style):
    return f' style="{style}"' if style else ""


def share_bar(value, whole, width=110):
    """Return a bar for a value out of a whole, and its percentage."""
    share = value / whole if whole else 0
    return bar(share, width) + percentage(share)


def percentage(share):
    """Return a percentage in a space that has room for any, so that they stand in a column."""
    return f' <span style="display:inline-block;width:3.2em;text-align:right">{share:.0%}</span>'


def bar(length, width, *, start=0.0, colour=COST, track=TINT, lines=(), spread=None):
    """Return a bar on its track as SVG; all lengths are shares of the track's width, which is in pixels. What it
    shows is written beside it as well.

    start, length: where it begins, and how long it is, None where that is not known.
    lines:         (place, dashes) of lines across it.
    spread:        (low, high) of a line along it with ends, such as the middle half of what was measured.
    """
    drawn = f'<rect width="{width}" height="11" style="fill:{track}"/>' if track else ""
    if length is not None:
        drawn += f'<rect x="{start * width:.1f}" width="{length * width:.1f}" height="11" fill="{colour}"/>'
    for place, dashes in lines:
        d = f"M{place * width:.1f} -2V13"
        drawn += f'<path d="{d}" style="stroke:{PAPER};stroke-width:3"/>'
        drawn += f'<path d="{d}" style="stroke:{TEXT};stroke-width:1.3" stroke-dasharray="{dashes}"/>'
    if spread:
        low, high = (end * width for end in spread)
        d = f"M{low:.1f} 5.5H{high:.1f}M{low:.1f} -.5V11.5M{high:.1f} -.5V11.5"
        drawn += f'<path d="{d}" style="stroke:{TEXT};stroke-width:1.5"/>'
    return (
        f'<svg aria-hidden="true" width="{width}" height="11" style="vertical-align:middle;overflow:visible">'
        f"{drawn}</svg>"
    )
