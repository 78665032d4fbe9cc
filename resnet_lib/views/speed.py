"""Measured times as bars with their spread, and the roofline of a machine with the parts of a network under it."""

import math
from html import escape
from itertools import combinations

from ..speed.timing import ms
from .curves import Chart
from .markup import bar, shown, table
from .style import COST, LARGE, NORMAL, PAPER, TEXT
from .svg import words


def time_bars(timings, *, per=1, unit="ms"):
    """Return timings as a table with bars, all compared with the first. The line over a bar spans the middle half of
    the runs. Displays itself in a notebook.

    timings: a dictionary name → Timing, from one call of `timings`.
    per:     what the times are divided by, such as the pictures of a batch; unit says so, "ms a picture".
    """
    return shown(time_table(timings, per, unit))


def time_table(timings, per=1, unit="ms"):
    """Return the table of `time_bars` as text."""
    longest = max(t.middle[1] for t in timings.values())
    first = next(iter(timings.values()))
    rows = []
    for name, t in timings.items():
        low, high = t.middle
        drawn = bar(t.median / longest, 300, track="", spread=(low / longest, high / longest))
        times = f"<b>{ms(t.median / per)}</b>", f"{ms(low / per)} to {ms(high / per)}"
        rows.append((escape(name), drawn, *times, len(t.seconds), f"{first.times(t):.2f} ×"))
    return table(f"| | median, {escape(unit)} | middle half | runs | as fast", rows, left=(1,))


def roofline(machine, before, after=()):
    """Return the roof of a Machine, and each part of a network under it; both axes are logarithmic. Displays itself
    in a notebook.

    before: Standings, drawn as open circles. after: the same parts done faster, filled, with a line from the one to
    the other. The sign in a circle is the last of the part's name: 0 to 4 for the stages, h for the head. A circle
    that would hide another is beside its place, with a line to a dot at the place itself.
    """
    points = [*before, *after]
    xs = [s.work.intensity for s in points] + [machine.ridge]
    ys = [s.rate / 1e9 for s in points] + [machine.peak / 1e9, machine.roof(min(xs)) / 1e9]
    x_range, y_range = ((min(values) / 1.6, max(values) * 1.6) for values in (xs, ys))

    def over(at):
        drawn = _roof(at, machine, x_range, y_range[0])
        places = [(s.work.name, at(s.work.intensity, s.rate / 1e9)) for s in points]
        faster = dict(places[len(before) :])
        for name, (x, y) in places[: len(before)]:
            if name in faster:
                d = f"M{x:.0f} {y:.0f}L{faster[name][0]:.0f} {faster[name][1]:.0f}"
                drawn += f'<path d="{d}" style="stroke:{COST};stroke-width:1.5;stroke-dasharray:3 3"/>'
        true = [place for _, place in places]
        beside = _apart(true, at(x_range[0], y_range[1]), at(x_range[1], y_range[0]))
        drawn += "".join(map(_pointer, true, beside))
        for i, ((name, _), place) in enumerate(zip(places, beside, strict=True)):
            drawn += _point(*place, name, i >= len(before))
        return drawn

    said = "; ".join(
        f"{s.work.name}{' after' if i >= len(before) else ''}: {s.work.intensity:.0f} FLOPs a byte, "
        f"{s.rate / 1e9:.0f} GFLOP/s, {s.share(machine):.0%} of the roof"
        for i, s in enumerate(points)
    )
    label = f"Roofline. Peak {machine.peak / 1e9:.0f} GFLOP/s from {machine.ridge:.1f} FLOPs a byte on. {said}."
    axes = "FLOPs a byte (arithmetic intensity)", "GFLOP/s reached"
    chart = Chart(*axes, log=True, log_x=True, width=760, height=400)
    return shown(chart.draw([], label, x_range=x_range, y_range=y_range, over=over))


def standing_table(machine, standings):
    """Return each part's work, time and place under the roof, as a table. Displays itself in a notebook."""
    rows = []
    for s in standings:
        roof, limit = machine.roof(s.work.intensity), s.limit(machine)
        rows.append(_standing(escape(s.work.name), s.work.flops, s.work.bytes, limit, s.timing.median, roof))
    flops, moved = (sum(getattr(s.work, what) for s in standings) for what in ("flops", "bytes"))
    rows.append(_standing("all", flops, moved, "", sum(s.timing.median for s in standings), machine.peak))
    names = "| GFLOPs | MB | FLOPs a byte | limit | median, ms | GFLOP/s | roof | of the roof"
    note = '<p class="quiet">GFLOPs = 2 × 10⁹ MACs. The last line is set against the peak.</p>'
    return shown(table(names, rows, kinds={-1: "total"}) + note)


def _standing(name, flops, moved, limit, seconds, roof):
    rate = flops / seconds
    work = f"{flops / 1e9:,.2f}", f"{moved / 1e6:,.1f}", f"{flops / moved:,.1f}"
    return name, *work, limit, ms(seconds), f"{rate / 1e9:,.0f}", f"{roof / 1e9:,.0f}", f"{rate / roof:.0%}"


def _roof(at, machine, x_range, lowest):
    # Where the slanted part would leave the chart, it begins at its lower edge.
    start = max(x_range[0], lowest * 1e9 / machine.bandwidth)
    (x0, y0), (ridge, top) = at(start, machine.roof(start) / 1e9), at(machine.ridge, machine.peak / 1e9)
    right, bottom = at(x_range[1], lowest)
    # Beside the corner: circles that are near the roof are mostly further right.
    x, anchor = (ridge + 8, "start") if ridge < right / 2 else (ridge - 8, "end")
    peak = f"peak of a matrix product: {machine.peak / 1e9:,.0f} GFLOP/s"
    memory = f"memory: {machine.bandwidth / 1e9:,.1f} GB/s"
    line = f"M{x0:.1f} {y0:.1f}L{ridge:.1f} {top:.1f}H{right:.1f}"
    return (
        f'<path d="{line}" style="fill:none;stroke:{TEXT};stroke-width:2.5"/>'
        + words(x, top - 7, peak, anchor, size=NORMAL)
        + words((x0 + ridge) / 2 - 12, (y0 + top) / 2, memory, "end", size=NORMAL)
        + f'<path d="M{ridge:.1f} {top:.1f}V{bottom:.1f}" style="stroke:{TEXT};stroke-dasharray:2 4"/>'
    )


RADIUS = 11  # of a circle with its sign, px


def _apart(places, corner, opposite):
    """Return places moved as little as needed for circles on them not to touch, between two corners of the chart."""
    moved, least = [list(place) for place in places], 2 * RADIUS + 3
    low, high = ([end(pair) for pair in zip(corner, opposite, strict=True)] for end in (min, max))
    for _ in range(300):
        close = [(i, k) for i, k in combinations(range(len(moved)), 2) if math.dist(moved[i], moved[k]) < least]
        if not close:
            break
        for i, k in close:
            gap = math.dist(moved[i], moved[k])
            way = [(b - a) / gap for a, b in zip(moved[i], moved[k], strict=True)] if gap > 0.1 else [0.6, 0.8]
            push = max(0.0, least + 0.5 - gap) / 2
            for axis in (0, 1):
                moved[i][axis] -= push * way[axis]
                moved[k][axis] += push * way[axis]
        for place in moved:
            for axis in (0, 1):
                place[axis] = min(max(place[axis], low[axis] + RADIUS), high[axis] - RADIUS)
    return moved


def _pointer(place, beside):
    """The dot at a place whose circle is beside it, and the line between the two."""
    if math.dist(place, beside) < 1:
        return ""
    (x, y), (x1, y1) = place, beside
    return (
        f'<path d="M{x1:.1f} {y1:.1f}L{x:.1f} {y:.1f}" style="stroke:{TEXT};stroke-width:1"/>'
        f'<path d="M{x:.1f} {y:.1f}h.01" style="stroke:{COST};stroke-width:7;stroke-linecap:round"/>'
    )


def _point(x, y, name, filled):
    fill, ink = (COST, "#ffffff") if filled else (PAPER, TEXT)
    sign = name[-1] if name[-1].isdigit() else name[0]
    return (
        f'<g><title>{escape(name)}</title><circle cx="{x:.1f}" cy="{y:.1f}" r="{RADIUS}" '
        f'style="fill:{fill};stroke:{COST};stroke-width:2"/>'
        f"{words(x, y + 5, sign, 'middle', size=LARGE - 2, colour=ink, bold=True)}</g>"
    )
