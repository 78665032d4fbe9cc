"""The pieces of SVG that all drawings are made of."""

from html import escape

from .style import SMALL


def drawing(width, height, said, body):
    """Return a drawing of that size in pixels as SVG; `said` says what is to be seen, for those who cannot see it."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(said, quote=True)}" style="max-width:100%;height:auto">{body}</svg>'
    )


def words(x, y, text, anchor="start", *, size=SMALL, colour="", bold=False):
    """Return a line of text whose baseline is at y."""
    style = (f"fill:{colour};" if colour else "") + ("font-weight:700" if bold else "")
    styled = f' style="{style}"' if style else ""
    place = f'x="{_short(x)}" y="{_short(y)}"'
    return f'<text {place} font-size="{size}" text-anchor="{anchor}"{styled}>{escape(text)}</text>'


def _short(number):
    return f"{number:.1f}".removesuffix(".0")
