"""Curves of numbers over steps or blocks, as SVG text: it follows the theme, and can be enlarged without blur."""

import io
import re
from dataclasses import dataclass
from html import escape

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatterSciNotation

from .style import COST, ERROR, MAIN, NORMAL, QUIET, SHORTCUT, SMALL, SUM, TEXT

# Curves that are compared, in this order; dashes and markers tell them apart without colour. A residual network is
# drawn in the colour of the sum, and a plain one in the colour of F, all that it has.
LOOKS = ((MAIN, "--", "s"), (SUM, "-", "o"), (SHORTCUT, "-.", "^"), (COST, ":", "D"), (ERROR, (0, (5, 1)), "v"))
_INK, _FAINT = "#010203", "#040506"  # stand-ins, replaced by the theme's colours


@dataclass(frozen=True)
class Curve:
    """One curve: its name, points, and how it looks: (colour, dashes, marker), as in LOOKS. Where `faint` is true the
    points are drawn weakly, without a name, as what a smoothed curve stands for."""

    name: str
    x: list
    y: list
    look: tuple
    faint: bool = False


class Plainly(LogFormatterSciNotation):
    """Ticks of a logarithmic axis as ordinary numbers where those are short."""

    def __call__(self, x, pos=None):
        text = super().__call__(x, pos)
        return f"{x:g}" if text and 1e-3 < x < 1e4 else text


class Chart:
    """A chart that is drawn again and again: one matplotlib figure, no pyplot.

    x, y: what the axes show, with units. log: whether y is logarithmic. width, height: in pixels.
    """

    def __init__(self, x, y, *, title="", log=False, width=430, height=250):
        self.names, self.log, self.title = (x, y), log, title
        self.size = (width, height)
        self.figure = Figure(figsize=(width / 72, height / 72), layout="constrained")
        self.axes = self.figure.add_subplot()

    def draw(self, curves, text, *, marks=(), level=None, x_range=None, y_range=None):
        """The chart of these curves as SVG text. A value that is not finite leaves a gap.

        text:  says what is to be seen, for those who cannot see it.
        marks: (x, label) of vertical lines. level: (y, label) of a horizontal one, such as what guessing gives.
        x_range, y_range: (low, high) of the axes; what the curves need unless given.
        """
        axes = self.axes
        axes.clear()
        for curve in curves:
            colour, dashes, marker = curve.look
            if curve.faint:
                axes.plot(curve.x, curve.y, color=colour, alpha=0.4, linewidth=1)
                continue
            gap = max(1, len(curve.x) // 10)
            axes.plot(
                curve.x,
                curve.y,
                color=colour,
                linestyle=dashes,
                linewidth=1.8,
                marker=marker,
                markersize=5,
                markevery=gap,
                label=curve.name,
            )
        for x, label in marks:
            axes.axvline(x, color=_FAINT, linewidth=0.8)
            axes.annotate(
                label,
                (x, 1),
                xycoords=("data", "axes fraction"),
                xytext=(3, -10),
                textcoords="offset points",
                fontsize=SMALL - 2,
                color=_FAINT,
            )
        if level:
            axes.axhline(level[0], color=_FAINT, linewidth=1, linestyle=":")
            axes.annotate(
                level[1],
                (1, level[0]),
                xycoords=("axes fraction", "data"),
                xytext=(0, 3),
                ha="right",
                textcoords="offset points",
                fontsize=SMALL - 2,
                color=_FAINT,
            )
        if self.log:
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(Plainly())
            axes.yaxis.set_minor_formatter(Plainly(labelOnlyBase=False, minor_thresholds=(1, 0.4)))
        axes.set_xlabel(self.names[0], fontsize=SMALL, color=_INK)
        axes.set_ylabel(self.names[1], fontsize=SMALL, color=_INK)
        axes.set_title(self.title, fontsize=NORMAL, color=_INK, loc="left")
        axes.tick_params(labelsize=SMALL - 1, colors=_INK, which="both")
        if x_range:
            axes.set_xlim(*x_range)
        if y_range:
            axes.set_ylim(*y_range)
        elif not any(len(curve.y) for curve in curves):
            axes.set_yticks([])  # the numbers would mean nothing
        for side in axes.spines.values():
            side.set_color(_FAINT)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(True, color=_FAINT, alpha=0.2, linewidth=0.6)
        if any(not curve.faint for curve in curves):
            axes.legend(fontsize=SMALL - 1, frameon=False, labelcolor=_INK)
        return self._svg(text)

    def _svg(self, text):
        file = io.StringIO()
        with rc_context({"svg.fonttype": "none", "font.family": "sans-serif"}):  # text stays text, in the page's font
            self.figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        svg = file.getvalue()
        svg = svg[svg.index("<svg") :].replace(_INK, TEXT).replace(_FAINT, QUIET)
        # Its rules would hold for the whole page, and its list of fonts would come before the page's own.
        svg = re.sub(r"<(metadata|style)\b.*?</\1>", "", svg, flags=re.DOTALL)
        svg = re.sub(r"(font: [^;\"]*?)?font-family: [^;\"]*;?", "", svg)
        svg = re.sub(r'<svg ([^>]*?)width="[^"]*"', r"<svg \1", svg, count=1)
        svg = re.sub(r'<svg ([^>]*?)height="[^"]*"', r"<svg \1", svg, count=1)
        width, height = self.size
        head = f'<svg role="img" aria-label="{escape(text, quote=True)}" width="{width}" height="{height}" '
        return svg.replace("<svg ", head + 'style="max-width:100%;height:auto" ', 1)


def smoothed(values, window):
    """(places, means) of the values in windows of that many, each half over the next; of fewer values their mean."""
    if not values:
        return [], []
    window = max(1, min(window, len(values)))
    starts = range(0, len(values) - window + 1, max(1, window // 2))
    return [s + (window + 1) / 2 for s in starts], [sum(values[s : s + window]) / window for s in starts]
