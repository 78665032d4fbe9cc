"""What is left of networks without some of their blocks, as bars in HTML: they follow the theme, can be read aloud."""

from html import escape

from .style import MAIN, PAPER, QUIET, SHORTCUT, TEXT, TINT

BAR = 190  # pixels of the longest bar there can be


def ablation_table(names, rows, guess, full=1.0, head="without"):
    """A table with one column of bars a network.

    names: of the networks, for the head.
    rows:  (block, what it is, whether it opens a stage, cells) a row; the first is the whole network. A cell is an
           accuracy, 0 to 1, None where it is not known yet, or a few words in its place.
    guess: the accuracy of guessing, marked in every bar; None where there is no such thing.
    full:  the accuracy that fills a bar.
    head:  the title of the first column.
    """
    whole = rows[0][3]
    titles = "".join(f'<th style="text-align:left">{escape(name)}</th>' for name in names)
    body = ""
    for i, (block, kind, opens, cells) in enumerate(rows):
        colour = SHORTCUT if opens else MAIN
        sign = "▸ " if opens else ""
        edge = f"border-left:5px solid {colour if i else QUIET};padding-left:6px"
        body += f'<tr{" class=total" if not i else ""}><td style="{edge}">{escape(block)}</td>'
        body += f'<td style="text-align:left">{sign}{escape(kind)}</td>'
        for cell, before in zip(cells, whole, strict=True):
            shown = (
                _bar(cell, before, guess, full, colour if i else QUIET)
                if not isinstance(cell, str)
                else (f'<span class="quiet">{escape(cell)}</span>')
            )
            body += f'<td style="text-align:left">{shown}</td>'
        body += "</tr>"
    return f"<table><thead><tr><th>{escape(head)}</th><th></th>{titles}</tr></thead><tbody>{body}</tbody></table>"


def _bar(share, before, guess, full, colour):
    if share is None:
        return f'<span style="display:inline-block;width:{BAR}px;height:12px;background:{TINT}"></span>'
    lines = [(before, "")] if isinstance(before, float) else []
    lines += [(guess, ' stroke-dasharray="2 2"')] if guess is not None else []
    drawn = "".join(
        f'<path d="M{at / full * BAR:.1f} 0V14" stroke="{PAPER}" stroke-width="3"/>'
        f'<path d="M{at / full * BAR:.1f} 0V14" style="stroke:{TEXT}" stroke-width="1.3"{dash}/>'
        for at, dash in lines
    )
    return (
        f'<svg role="img" aria-label="{share:.0%}" width="{BAR}" height="14" style="vertical-align:middle">'
        f'<rect width="{BAR}" y="1" height="12" style="fill:{TINT}"/>'
        f'<rect width="{share / full * BAR:.1f}" y="1" height="12" fill="{colour}"/>{drawn}</svg> '
        f'<span style="display:inline-block;width:3.2em;text-align:right">{share:.0%}</span>'
    )
