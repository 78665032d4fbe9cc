"""What the clinic's examinations found, as HTML: a line that says it, the numbers behind it, and a mended code."""

import difflib
import re
from functools import cache
from html import escape

from .._common import shape_text
from ..compare.clinic import EXAMINATIONS
from .curves import LOOKS, Chart, Curve, smoothed
from .markup import Html
from .proof import proof_table
from .style import CSS, ERROR, QUIET, SUM

PATIENT, HEALTHY, TWIN = LOOKS[4], LOOKS[1], (SUM, ":", "^")  # of curves


def sign(sick):
    """✗ or ✓ in the colour of its meaning."""
    colour, mark = (ERROR, "✗") if sick else (SUM, "✓")
    return f'<b style="color:{colour}">{mark}</b>'


def finding(name, found):
    """What one examination found, as HTML: a line, what it cannot see, and the numbers to fold out.

    name: a key of `clinic.EXAMINATIONS`. found: what that examination gives.
    """
    detail = DETAILS[name](found)
    opened = " open" if name == "training" else ""
    more = f"<details{opened}><summary>the numbers</summary>{detail}</details>" if detail else ""
    done = getattr(found, "done", True)
    colour = QUIET if not done else ERROR if found.sick else SUM
    mark = sign(found.sick) if done else "…"
    return (
        f'<div class="rl" style="border-left:5px solid {colour};padding:1px 10px;margin:2px 0;max-width:1000px">'
        f"<p>{mark} <b>{escape(name)}</b>: {escape(found.text)}</p>"
        f'<p class="quiet">{escape(EXAMINATIONS[name][1])}</p>{more}</div>'
    )


def shapes_table(found):
    """The shapes, parameters and MACs of `clinic.Shapes`."""

    def cell(value):
        return "–" if value is None else f"{value:,}" if isinstance(value, int) else shape_text(value)

    rows = [*found.rows, ("parameters", *found.parameters), ("MACs", *found.macs)]
    body = "".join(
        f"<tr{' class=marked' if healthy != mine else ''}><td>{name}</td><td>{cell(healthy)}</td><td>{cell(mine)}</td>"
        f"<td>{sign(healthy != mine)}</td></tr>"
        for name, healthy, mine in rows
    )
    head = "<thead><tr><td></td><th>healthy</th><th>patient</th><td></td></tr></thead>"
    return f"<table>{head}<tbody>{body}</tbody></table>"


@cache
def _chart(*names, **looks):
    """The chart of these names, made once and drawn again and again."""
    return Chart(*names, **looks)


def statistics_charts(found):
    """Mean and deviation of every block's output in a `clinic.Statistics`, the patient's between the healthy networks'
    lowest and highest, and the first of the readings that are out of range."""
    svg = ""
    for what in ("mean", "deviation"):
        ends = [r for r in found.readings if r.what == what and re.fullmatch(r"stage0|stage[1-4]\.\d+", r.step)]
        x = list(range(len(ends)))
        curves = [
            Curve("healthy, highest", x, [r.high for r in ends], HEALTHY),
            Curve("healthy, lowest", x, [r.low for r in ends], TWIN),
            Curve("patient", x, [r.value for r in ends], PATIENT),
        ]
        chart = _chart("block (0 is Stage 0)", what, title=f"{what} of a block's output", width=400, height=220)
        svg += chart.draw(curves, f"{what} of every block's output: the patient and five healthy networks.")
    body = "".join(
        f"<tr><td>{escape(r.step)}</td><td>{r.what}</td><td>{r.value:.3g}</td><td>{r.low:.3g}</td>"
        f"<td>{r.high:.3g}</td></tr>"
        for r in found.odd[:8]
    )
    head = "<tr><th>out of range</th><td></td><th>patient</th><th>healthy from</th><th>to</th></tr>"
    table = f"<table><thead>{head}</thead><tbody>{body}</tbody></table>" if body else ""
    more = f"<p>… and {len(found.odd) - 8} more</p>" if len(found.odd) > 8 else ""
    lost = f"<p>written over: {escape(', '.join(found.rewritten[:6]))}, …</p>" if found.rewritten else ""
    return f'<div style="display:flex;flex-wrap:wrap;gap:8px">{svg}</div>{table}{more}{lost}'


def trial_chart(trial):
    """The losses of a `clinic.Trial` so far; nothing where it cannot be trained."""
    if trial.error:
        return ""
    curves = [
        Curve(name, *smoothed(trial.losses[name], max(3, trial.steps // 20)), look)
        for name, look in (("healthy", HEALTHY), ("healthy, other weights", TWIN), ("patient", PATIENT))
    ]
    chart = _chart("step", "training loss", title="a moment of training", width=520, height=155)
    return chart.draw(curves, trial.text, x_range=(0, trial.steps))


def ladder_detail(found):
    """The ladder of a `clinic.Proof` as a table."""
    agreed = ""
    if found.winners is not None:
        agreed = f"<p>The winning class is the same for {found.winners:.0%} of 64 pictures.</p>"
    return agreed + (proof_table(found.ladder) if found.ladder else "")


DETAILS = {
    "shapes and counts": shapes_table,
    "statistics": statistics_charts,
    "ladder of proof": ladder_detail,
    "training": trial_chart,
}


def record(patient, found):
    """What a `patients.Patient` says, and what its examinations found, as a piece of HTML that shows itself.

    found: keys of `clinic.EXAMINATIONS` → what those examinations gave.
    """
    said = f'<p class="big">“{escape(patient.complaint)}”</p>'
    return Html(f'{CSS}<div class="rl">{said}{"".join(finding(name, each) for name, each in found.items())}</div>')


def code_block(text):
    """A piece of code to read."""
    return f'<pre style="margin:4px 0;line-height:1.3">{escape(text)}</pre>'


def repair(patient):
    """The lines of a patient's code that have to change, before and after."""
    lines = difflib.unified_diff(patient.code.splitlines(), patient.mended.splitlines(), n=1, lineterm="")
    shown = ""
    for line in list(lines)[2:]:
        if line.startswith("@@"):
            continue
        colour = {"-": ERROR, "+": SUM}.get(line[0])
        style = f' style="color:{colour};font-weight:600"' if colour else ""
        shown += f"<span{style}>{escape(line)}</span>\n"
    return f'<pre style="margin:4px 0;line-height:1.3">{shown}</pre>' if shown else ""


def findings_table(found, columns):
    """Which examination finds which patient, as a table that shows itself in a notebook.

    found: name of a patient → {column: True (finds it), False (does not), or a text}.
    """
    head = "".join(f"<th>{escape(c)}</th>" for c in columns)
    rows = ""
    for name, cells in found.items():
        row = ""
        for column in columns:
            value = cells[column]
            row += f"<td>{value if isinstance(value, str) else sign(True) + ' finds it' if value else '·'}</td>"
        rows += f"<tr><td>{escape(name)}</td>{row}</tr>"
    table = f"<table><thead><tr><td></td>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return Html(f'{CSS}<div class="rl">{table}</div>')
