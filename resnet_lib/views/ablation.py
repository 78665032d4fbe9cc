"""The accuracy of networks without some of their blocks, as a table of bars."""

from html import escape

from .markup import bar, percentage, table
from .style import MAIN, QUIET, SHORTCUT

BAR = 190  # pixels of the longest bar there can be


def ablation_table(names, rows, guess, full=1.0, head="without"):
    """Return a table with one column of bars for each network.

    names: of the networks, for the head.
    rows:  (block, its kind, whether it opens a stage, cells); the first is the whole network. A cell is an accuracy,
           0 to 1, None where it is not known yet, or a few words in its place.
    guess: the accuracy of guessing, marked in every bar; None where there is no such thing.
    full:  the accuracy that fills a bar.
    head:  the title of the first column.
    """
    whole = rows[0][3]
    colours = [QUIET, *(SHORTCUT if opens else MAIN for _, _, opens, _ in rows[1:])]
    body = [
        (escape(block), f"{'▸ ' if opens else ''}{escape(kind)}")
        + tuple(_cell(*cell, guess, full, colour) for cell in zip(cells, whole, strict=True))
        for (block, kind, opens, cells), colour in zip(rows, colours, strict=True)
    ]
    heads = (escape(head), "", *map(escape, names))
    return table(heads, body, left=range(1, len(heads)), kinds={0: "total"}, edges=colours)


def _cell(share, before, guess, full, colour):
    if isinstance(share, str):
        return f'<span class="quiet">{escape(share)}</span>'
    if share is None:
        return bar(None, BAR)
    lines = [(before / full, "")] if isinstance(before, float) else []
    lines += [(guess / full, "2 2")] if guess is not None else []
    return bar(share / full, BAR, colour=colour, lines=lines) + percentage(share)
