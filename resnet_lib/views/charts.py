"""Costs as bars and tables, in HTML: they follow the theme, are there at once, and can be read aloud."""

from html import escape

from .._common import shape_text
from .style import COST, CSS, TINT


class Html:
    """A piece of HTML that a notebook shows."""

    def __init__(self, text):
        self.text = text

    def _repr_html_(self):
        return self.text

    def __str__(self):
        return self.text


def cost_bars(anatomy, by="stage"):
    """Parameters and MACs of an `Anatomy`, one row a stage (by="stage") or a step (by="step"), each with a bar of
    its share. Displays itself in a notebook. ValueError for another `by`."""
    if by not in ("stage", "step"):
        raise ValueError(f'by = {by!r} must be "stage" or "step"')
    steps = anatomy.by_stage() if by == "stage" else [s for s in anatomy.steps if s.parameters or s.macs]
    return Html(CSS + f'<div class="rl">{cost_table(steps, anatomy.parameters, anatomy.macs)}</div>')


def cost_table(steps, parameters, macs, marked=None):
    """Rows of Steps with their output shapes, and bars for their share of the totals, as HTML; the row of the step
    called `marked` stands out."""
    rows = "".join(
        f"<tr{' class=marked' if s.name == marked else ''}><td>{escape(s.name)}</td><td>{shape_text(s.shape)}</td>"
        f"<td>{s.parameters:,}</td><td>{bar(s.parameters, parameters)}</td>"
        f"<td>{s.macs:,}</td><td>{bar(s.macs, macs)}</td></tr>"
        for s in steps
    )
    return (
        "<table><thead><tr><th></th><th>output (C, H, W)</th><th>parameters</th><th></th><th>MACs</th><th></th></tr>"
        f"</thead><tbody>{rows}<tr class='total'><td>total</td><td></td><td>{parameters:,}</td><td></td>"
        f"<td>{macs:,}</td><td></td></tr></tbody></table>"
    )


def bar(value, whole, width=110):
    """A bar for value out of whole, with its percentage."""
    share = value / whole if whole else 0
    return (
        f'<span style="display:inline-block;width:{width}px;height:11px;background:{TINT};vertical-align:middle;'
        f'text-align:left"><span style="display:inline-block;width:{share * width:.1f}px;height:11px;'
        f'background:{COST};vertical-align:top"></span></span> '
        f'<span style="display:inline-block;width:3.2em">{share:.0%}</span>'
    )
