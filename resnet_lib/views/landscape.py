"""The loss around networks: maps with contour lines side by side, on one scale, and slices through their middles."""

import io
import math

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.colors import Normalize
from matplotlib.patheffects import withStroke

from .curves import LOOKS, Chart, Curve
from .style import ERROR, NORMAL, SEQUENTIAL, SMALL

DPI = 100
POINT = 72 / DPI  # of a pixel
HIGH, MAP, SPACE, BAR = 320, 250, 100, 76  # pixels: of the picture, of a map along each side, for numbers and colours


def landscape_maps(figure, landscapes):
    """Maps of the loss, drawn anew into a figure that is used again and again; the bytes of a PNG file.

    figure:     a matplotlib.figure.Figure.
    landscapes: a dictionary, title → `landscape.Landscape`, of the same radius. All maps have the colours and contour
                lines of one logarithmic scale. The dashed line is the loss of guessing; × marks a loss that is infinite
                or undefined; grey is what is not known yet.
    """
    width = maps_width(len(landscapes))
    figure.clear()
    figure.set(dpi=DPI, size_inches=(width / DPI, HIGH / DPI), facecolor="white")
    low, high = loss_range(landscapes.values())
    norm, colours = Normalize(math.log(low), math.log(high)), colormaps[SEQUENTIAL].with_extremes(bad="0.75")
    levels = ticks(low, high, 12)
    outline = [withStroke(linewidth=1.6, foreground="#222222")]
    for i, (title, landscape) in enumerate(landscapes.items()):
        left = (66 + i * (MAP + SPACE)) / width
        axes = figure.add_axes((left, 40 / HIGH, MAP / width, MAP / HIGH))
        r, at = landscape.radius, landscape.coordinates.numpy()
        # Contour lines cannot pass where a loss is no number: what is beyond the scale is drawn as its end.
        shown = landscape.filled(lambda loss: loss.nan_to_num(high, high, high).clamp(low, high).log()).numpy()
        half = r / (landscape.side - 1)  # points lie in the middles of their cells
        edges = (-r - half, r + half, -r - half, r + half)
        image = axes.imshow(shown, norm=norm, cmap=colours, origin="lower", extent=edges, interpolation="bilinear")
        guess = math.log(landscape.guessing)
        lowest, highest = np.nanmin(shown), np.nanmax(shown)
        # No line beside that of guessing, which would be hidden or hide it.
        inside = [n for n in map(math.log, levels) if lowest < n < highest and abs(n - guess) > 0.03]
        if inside:
            lines = axes.contour(at, at, shown, inside, colors="white", linewidths=0.9)
            for text in axes.clabel(lines, fontsize=SMALL * POINT, fmt=lambda n: f"{math.exp(n):.3g}"):
                text.set_path_effects(outline)
                if max(map(abs, text.get_position())) > 0.9 * r:
                    text.remove()  # the edge would cut it
        if lowest < guess < highest:
            axes.contour(at, at, shown, [guess], colors=[ERROR], linewidths=2.2, linestyles="dashed")
        axes.plot(0, 0, "+", color="white", markersize=11, markeredgewidth=2, path_effects=outline)
        rows, columns = (landscape.known & ~landscape.loss.isfinite()).nonzero().T.tolist()
        axes.plot(at[columns], at[rows], "x", color="black", markersize=5)
        axes.set(xlim=(-r, r), ylim=(-r, r), xticks=(-r, -r / 2, 0, r / 2, r), yticks=(-r, -r / 2, 0, r / 2, r))
        axes.set_title(title, fontsize=NORMAL * POINT, fontweight="bold")
        axes.tick_params(labelsize=SMALL * POINT)
        axes.set_xlabel("direction 1 →", fontsize=SMALL * POINT, labelpad=1)
        if not i:
            axes.set_ylabel("direction 2 →", fontsize=SMALL * POINT, labelpad=0)
    bar = figure.add_axes(((width - 82) / width, 40 / HIGH, 14 / width, MAP / HIGH))
    figure.colorbar(image, cax=bar)
    bar.set_yticks([math.log(n) for n in levels], [f"{n:.3g}" for n in levels], fontsize=SMALL * POINT)
    bar.set_title("loss", fontsize=SMALL * POINT)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DPI)
    return file.getvalue()


def maps_width(n):
    """Return the pixels across of `landscape_maps` for n maps."""
    return n * (MAP + SPACE) + BAR


def loss_range(landscapes):
    """(lowest, highest) finite loss that is known in any of them, a little apart at least, for one scale of all."""
    known = torch.cat([landscape.loss[landscape.known] for landscape in landscapes])
    known = known[known.isfinite()].clamp(min=1e-6)
    if not len(known):
        return 0.1, 10.0
    low, high = known.min().item(), known.max().item()
    return low, max(high, low * 1.1)


def slices_chart():
    """The chart that `landscape_slices` draws again and again."""
    return Chart("distance along a direction", "loss", log=True, width=740, height=150)


def landscape_slices(chart, landscapes):
    """The losses along both directions through the middle of each map, as SVG text."""
    curves = []
    for (name, landscape), (colour, dashes, _) in zip(landscapes.items(), LOOKS, strict=False):
        for arrow, marker, (x, loss) in zip("→↑", ">^", landscape.slices(), strict=True):
            curves.append(Curve(f"{name} {arrow}", x.tolist(), loss.tolist(), (colour, dashes, marker)))
    text = "slices through the middle: " + "; ".join(
        f"{curve.name} {curve.y[0]:.3g}, {curve.y[len(curve.y) // 2]:.3g}, {curve.y[-1]:.3g}" for curve in curves
    )
    guess = next(iter(landscapes.values())).guessing
    return chart.draw(curves, text, level=(guess, "guessing"))


def ticks(low, high, most=8):
    """Round numbers for a logarithmic scale between two numbers above 0, at most so many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 1.2, 1.4, 1.7, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8), (1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1,)):
        found = [m * 10.0**p for p in powers for m in digits if low <= m * 10.0**p <= high]
        if len(found) <= most:
            break
    return found[:: -(-len(found) // most)] if found else []
