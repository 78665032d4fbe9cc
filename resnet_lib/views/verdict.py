"""What a check has found, in HTML: it follows the theme, is there at once, and can be read aloud."""

from html import escape

from .markup import LEFT, heading
from .style import CSS, ERROR, QUIET, SUM


def verdict_view(verdict):
    """A `Verdict` as HTML: the sentence, the learner's own line, and the layers of both side by side."""
    colour, sign = {"right": (SUM, "✓"), "open": (QUIET, "○"), "wrong": (ERROR, "✗")}[verdict.state]
    where = f"<p>{escape(verdict.where)}</p>" if verdict.where else ""
    remarks = "".join(f'<p class="quiet">{escape(text)}</p>' for text in verdict.remarks)
    return (
        f'{CSS}<div class="rl"><div role="{"alert" if verdict.state == "wrong" else "status"}" '
        f'style="border-left:5px solid {colour};padding:4px 10px;margin-bottom:6px">'
        f'<p class="big"><b><span style="color:{colour}">{sign}</span> {escape(verdict.headline)}</b></p>'
        f"<p>{escape(verdict.sentence)}</p>{where}{remarks}</div>{_layers(verdict)}{_hints(verdict.hints)}</div>"
    )


def _hints(hints):
    """Each inside the one before, so that nobody reads the last by accident."""
    names, body = ("A hint", *("A larger hint",) * (len(hints) - 2), "Nearly the solution"), ""
    for name, hint in reversed(list(zip(names, hints, strict=False))):
        body = f'<details style="margin-left:10px"><summary>{name}</summary><p>{escape(hint)}</p>{body}</details>'
    return body


def _layers(verdict):
    rows, left = verdict.cells()
    if not rows:
        return ""
    body = "".join(
        f"<tr{' class=marked' if row[-1].endswith('the first') else ''}>{''.join(_cell(c) for c in row)}</tr>"
        for row in rows
    )
    head = "".join(heading(n, LEFT) for n in ("layer", "reference", "yours", "its shape", ""))
    more = f'<p class="quiet">{left:,} more layers are not shown.</p>' if left else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _cell(text):
    return f'<td style="text-align:left">{escape(text)}</td>'
