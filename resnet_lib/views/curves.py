"""Curves of numbers over steps or blocks, as SVG text: they follow the theme, and stay sharp when enlarged."""

import io
import re
from dataclasses import dataclass

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatterSciNotation

from .style import COST, ERROR, MAIN, NORMAL, QUIET, SHORTCUT, SMALL, SUM, TEXT
from .svg import drawing

# Curves that are compared, in this order; dashes and markers distinguish them without colour. A residual network is
# drawn in the colour of the sum, and a plain one in the colour of F, all that it has.
LOOKS = ((MAIN, "--", "s"), (SUM, "-", "o"), (SHORTCUT, "-.", "^"), (COST, ":", "D"), (ERROR, (0, (5, 1)), "v"))
_INK, _FAINT = "#010203", "#040506"  # stand-ins, replaced by the theme's colours


@dataclass(frozen=True)
class Curve:
    """One curve: its name, points, and how it looks: (colour, dashes, marker), as in LOOKS. Where `faint` is true it is
    drawn weakly and without a name: the points behind a smoothed curve."""

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

    x, y: what the axes show, with units. log, log_x: whether y, and x, are logarithmic. width, height: in pixels.
    """

    def __init__(self, x, y, *, title="", log=False, log_x=False, width=430, height=250):
        self.names, self.log, self.title = (x, y), (log_x, log), title
        self.size = (width, height)
        self.figure = Figure(figsize=(width / 72, height / 72), layout="constrained")
        self.axes = self.figure.add_subplot()

    def draw(self, curves, text, *, marks=(), level=None, x_range=None, y_range=None, over=None):
        """Return the chart of these curves as SVG text. A value that is not finite leaves a gap.

        text:  says what is to be seen, for those who cannot see it.
        marks: (x, label) of vertical lines. level: (y, label) of a horizontal one, such as the loss of guessing.
        x_range, y_range: (low, high) of the axes; what the curves need unless given.
        over:  called with `at`, which maps (x, y) to pixels; the SVG it returns is drawn over the chart.
        """
        axes = self.axes
        axes.clear()
        for curve in curves:
            self._line(curve)
        for x, label in marks:
            axes.axvline(x, color=_FAINT, linewidth=0.8)
            self._note(label, (x, 1), (3, -10), ("data", "axes fraction"))
        if level:
            axes.axhline(level[0], color=_FAINT, linewidth=1, linestyle=":")
            self._note(level[1], (1, level[0]), (0, 3), ("axes fraction", "data"), ha="right")
        self._dress()
        if x_range:
            axes.set_xlim(*x_range)
        if y_range:
            axes.set_ylim(*y_range)
        elif not any(len(curve.y) for curve in curves):
            axes.set_yticks([])  # the numbers would mean nothing
        if any(not curve.faint for curve in curves):
            axes.legend(fontsize=SMALL - 1, frameon=False, labelcolor=_INK)
        svg = self._svg(text)
        return svg.replace("</svg>", f"{over(self._at)}</svg>") if over else svg

    def _line(self, curve):
        colour, dashes, marker = curve.look
        if curve.faint:
            self.axes.plot(curve.x, curve.y, color=colour, alpha=0.4, linewidth=1)
            return
        marked = {"marker": marker, "markersize": 5, "markevery": max(1, len(curve.x) // 10)}
        line = {"color": colour, "linestyle": dashes, "linewidth": 1.8, "label": curve.name}
        self.axes.plot(curve.x, curve.y, **line, **marked)

    def _note(self, text, place, shift, units, **options):
        look = {"fontsize": SMALL - 2, "color": _FAINT, "textcoords": "offset points"}
        self.axes.annotate(text, place, xycoords=units, xytext=shift, **look, **options)

    def _dress(self):
        axes = self.axes
        for axis, log, name in zip((axes.xaxis, axes.yaxis), self.log, self.names, strict=True):
            if log:
                axis._set_axes_scale("log")
                axis.set_major_formatter(Plainly())
                axis.set_minor_formatter(Plainly(labelOnlyBase=False, minor_thresholds=(1, 0.4)))
            axis.set_label_text(name, fontsize=SMALL, color=_INK)
        axes.set_title(self.title, fontsize=NORMAL, color=_INK, loc="left")
        axes.tick_params(labelsize=SMALL - 1, colors=_INK, which="both")
        for side in axes.spines.values():
            side.set_color(_FAINT)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(True, color=_FAINT, alpha=0.2, linewidth=0.6)

    def _at(self, x, y):
        """Return the pixels (x, y) of a place in the chart that was drawn last."""
        right, up = self.axes.transData.transform((x, y)) * 72 / self.figure.dpi
        return right, self.size[1] - up

    def _svg(self, text):
        file = io.StringIO()
        with rc_context({"svg.fonttype": "none", "font.family": "sans-serif"}):  # text stays text, in the page's font
            self.figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        svg = file.getvalue()
        svg = svg[svg.index("<svg") :].replace(_INK, TEXT).replace(_FAINT, QUIET)
        # Its rules would hold for the whole page, and its list of fonts would come before the page's own.
        svg = re.sub(r"<(metadata|style)\b.*?</\1>", "", svg, flags=re.DOTALL)
        svg = re.sub(r"(font: [^;\"]*?)?font-family: [^;\"]*;?", "", svg)
        svg = re.sub(r'<g id="[^"]*"', "<g", svg)  # names such as axes_1, which every chart in a page would have
        body = svg[svg.index(">") + 1 : svg.rindex("</svg>")].replace("xlink:href", "href")
        return drawing(*self.size, text, body)


def smoothed(values, window):
    """Return (places, means) of the values in windows of that many, each overlapping the next by half; the mean of
    all where there are fewer."""
    if not values:
        return [], []
    window = max(1, min(window, len(values)))
    starts = range(0, len(values) - window + 1, max(1, window // 2))
    return [s + (window + 1) / 2 for s in starts], [sum(values[s : s + window]) / window for s in starts]
