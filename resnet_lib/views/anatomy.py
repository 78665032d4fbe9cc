"""An anatomy as an HTML table, which notebooks show once `resnet_lib.views` is imported."""

from html import escape

from .._common import shape_text
from ..anatomy import Anatomy, row

NAMES = ("step", "kind", "output (C, H, W)", "parameters", "MACs", "sees (px)", "jump (px)")


def anatomy_table(found):
    """Return an `Anatomy` as HTML: its totals, and a table of its steps. Those of a whole network are folded into
    their stages: ResNet-50 has 187."""
    if not all("." in s.name for s in found.steps):
        body = _rows(found.steps)
    else:
        body = ""
        for stage in found.by_stage():
            inner = [s for s in found.steps if s.name.split(".")[0] == stage.name]
            body += _rows([stage], bold=True)
            body += (
                f'<tr><td colspan="7" style="text-align:left"><details><summary>{len(inner)} steps of '
                f"{escape(stage.name)}</summary>{_table(_rows(inner))}</details></td></tr>"
            )
    never = f"<p>Never run: {escape(', '.join(found.unused))}.</p>" if found.unused else ""
    return (
        f"<p>{escape(found.title)}, input {shape_text(found.input)}: "
        f"<b>{found.parameters:,}</b> parameters, <b>{found.macs:,}</b> MACs (FLOPs = 2 × MACs = {found.flops:,})"
        f" for one picture.</p>{_table(body)}{never}"
    )


def _rows(steps, bold=False):
    tag = "th" if bold else "td"
    left = f'<{tag} style="text-align:left">'
    return "".join(
        "<tr>" + "".join(f"{left if i < 3 else f'<{tag}>'}{escape(c)}</{tag}>" for i, c in enumerate(row(s))) + "</tr>"
        for s in steps
    )


def _table(body):
    head = "".join(f'<th style="text-align:{"left" if i < 3 else "right"}">{n}</th>' for i, n in enumerate(NAMES))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


# The front knows numbers only, so it is told here how a notebook shows them.
Anatomy._repr_html_ = anatomy_table
