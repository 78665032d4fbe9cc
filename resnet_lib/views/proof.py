"""The ladder of proof as a table, in HTML: it follows the theme, is there at once, and can be read aloud."""

from html import escape

from .._common import shape_text
from ..compare.proof import Ladder
from .style import CSS, ERROR, SUM


def proof_table(ladder):
    """A `Ladder` as HTML: the result and its cause, the rungs with the first that diverges marked, the entries of
    both networks side by side where they do not fit, and all rungs to fold out."""
    colour = SUM if ladder.equal else ERROR
    words = "".join(f"<p>{escape(text)}</p>" for text in ([ladder.cause] if ladder.cause else []))
    words += "".join(f'<p class="quiet">{escape(note)}</p>' for note in ladder.notes)
    parts = [
        f'<div style="border-left:5px solid {colour};padding:4px 10px;margin-bottom:6px">'
        f'<p class="big"><b>{escape(ladder.headline)}</b></p>{words}</div>',
        _parameters(ladder.unmatched),
        _rungs(ladder.shown, ladder.first),
    ]
    if len(ladder.shown) < len(ladder.rungs):
        summary = f"<summary>all {len(ladder.rungs)} steps</summary>"
        parts.append(f"<details>{summary}{_rungs(ladder.rungs, ladder.first)}</details>")
    return f'{CSS}<div class="rl">{"".join(parts)}</div>'


def _rungs(rungs, first):
    rows = ""
    for r in rungs:
        name, *cells, verdict = r.cells()
        colour, sign = (SUM, "✓") if r.ok else (ERROR, "✗")
        verdict = f'<b style="color:{colour}">{sign}</b> {verdict}{" – the first" if r is first else ""}'
        rows += (
            f"<tr{' class=marked' if r is first else ''}>"
            f'<td style="padding-left:{1.2 if r.inner else 0}em">{escape(name)}</td>'
            f'{"".join(f"<td>{c}</td>" for c in cells)}<td style="text-align:left">{verdict}</td></tr>'
        )
    return _table(("step", "reference (C, H, W)", "yours", "largest difference", "relative", "verdict"), rows)


def _parameters(unmatched):
    if not unmatched:
        return ""
    few, rest = unmatched[:8], unmatched[8:]
    body = _parameter_rows(few, marked=few[0])
    more = ""
    if rest:
        table = _table(_HEAD, _parameter_rows(rest, None))
        more = f"<details><summary>{len(rest):,} more</summary>{table}</details>"
    return _table(_HEAD, body) + more


_HEAD = ("entry that does not fit", "reference", "yours", "verdict")


def _parameter_rows(rows, marked):
    def shape(s):
        return "–" if s is None else shape_text(s)

    return "".join(
        f"<tr{' class=marked' if p is marked else ''}><td>{escape(p.name)}</td><td>{shape(p.shape)}</td>"
        f'<td>{shape(p.learner)}</td><td style="text-align:left"><b style="color:{ERROR}">✗</b> {p.verdict}'
        f"{' – the first' if p is marked else ''}</td></tr>"
        for p in rows
    )


def _table(names, rows):
    last = len(names) - 1
    head = "".join(f"<th{' style=text-align:left' if i == last else ''}>{n}</th>" for i, n in enumerate(names))
    return f'<table style="margin-bottom:8px"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


# The ladder knows nothing of HTML, so it is told here how a notebook shows it.
Ladder._repr_html_ = proof_table
