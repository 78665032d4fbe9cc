"""Measured times as bars with their spread, and the roofline of a machine with the parts of a network under it."""

from html import escape
from math import ceil, floor, log10

from ..speed.timing import ms
from .charts import Html
from .style import COST, CSS, LARGE, NORMAL, PAPER, QUIET, SMALL, TEXT

BAR, ROW = 300, 16  # px: the longest bar, and a bar's height


def time_bars(timings, *, per=1, unit="ms"):
    """Timings as a table with bars, the first of them being what the others are compared with. The line over a bar
    spans the middle half of the runs. Displays itself in a notebook.

    timings: a dictionary name → Timing, from one call of `timings`.
    per:     what the times are divided by, such as the pictures of a batch; unit says so, "ms a picture".
    """
    return Html(f'{CSS}<div class="rl">{time_table(timings, per, unit)}</div>')


def time_table(timings, per=1, unit="ms"):
    """As `time_bars`, as a text of HTML."""
    longest = max(t.middle[1] for t in timings.values())
    first = next(iter(timings.values()))
    rows = ""
    for name, t in timings.items():
        low, high = t.middle
        drawn = _bar(*(s / longest for s in (t.median, low, high)))
        rows += (
            f'<tr><td>{escape(name)}</td><td style="text-align:left">{drawn}</td>'
            f"<td><b>{ms(t.median / per)}</b></td><td>{ms(low / per)} to {ms(high / per)}</td>"
            f"<td>{len(t.seconds)}</td><td>{first.times(t):.2f} ×</td></tr>"
        )
    return (
        f"<table><thead><tr><th></th><th></th><th>median, {escape(unit)}</th><th>middle half</th><th>runs</th>"
        f"<th>as fast</th></tr></thead><tbody>{rows}</tbody></table>"
    )


def _bar(median, low, high):
    """A bar as long as the median, with a line from low to high; all as shares of BAR."""
    middle, (a, b) = ROW / 2, (low * BAR, high * BAR)
    return (
        f'<svg aria-hidden="true" width="{BAR + 2}" height="{ROW}" style="vertical-align:middle">'
        f'<rect y="3" width="{median * BAR:.1f}" height="{ROW - 6}" style="fill:{COST}"/>'
        f'<path d="M{a:.1f} {middle}H{b:.1f}M{a:.1f} 2V{ROW - 2}M{b:.1f} 2V{ROW - 2}" '
        f'style="stroke:{TEXT};stroke-width:1.5"/></svg>'
    )


# ── The roofline ─────────────────────────────────────────────────────────────────────────────────────────────

WIDTH, HEIGHT = 760, 400  # px
LEFT, RIGHT, TOP, BOTTOM = 62, 16, 16, 48  # px around the plot


def roofline(machine, before, after=()):
    """The roof of a Machine, and each part of a network under it; both axes in powers. Displays itself in a notebook.

    before: Standings, drawn as open circles. after: the same parts done faster, filled, with a line from the one to
    the other. The sign in a circle is the last of the part's name: 0 to 4 for the stages, h for the head.
    """
    points = [*before, *after]
    xs = [s.work.intensity for s in points] + [machine.ridge]
    ys = [s.rate for s in points] + [machine.peak, machine.roof(min(xs))]
    plot = _Plot(min(xs) / 1.6, max(xs) * 1.6, min(ys) / 1.6, max(ys) * 1.6)
    parts = [plot.axes(), _roof(plot, machine)]
    others = {s.work.name: s for s in after}
    for s in before:
        if s.work.name in others:
            (x0, y0), (x1, y1) = plot.at(s), plot.at(others[s.work.name])
            parts.append(
                f'<path d="M{x0:.0f} {y0:.0f}L{x1:.0f} {y1:.0f}" style="stroke:{COST};stroke-width:1.5;'
                f'stroke-dasharray:3 3"/>'
            )
    parts += [_point(*plot.at(s), s.work.name, False) for s in before]
    parts += [_point(*plot.at(s), s.work.name, True) for s in after]
    said = "; ".join(
        f"{s.work.name}{' after' if i >= len(before) else ''}: {s.work.intensity:.0f} FLOPs a byte, "
        f"{s.rate / 1e9:.0f} GFLOP/s, {s.share(machine):.0%} of the roof"
        for i, s in enumerate(points)
    )
    label = f"Roofline. Peak {machine.peak / 1e9:.0f} GFLOP/s from {machine.ridge:.1f} FLOPs a byte on. {said}."
    return Html(
        f'{CSS}<div class="rl"><svg role="img" aria-label="{escape(label)}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" style="max-width:100%">{"".join(parts)}</svg></div>'
    )


def standing_table(machine, standings):
    """Each part's work, time and place under the roof, as a table. Displays itself in a notebook."""
    rows = "".join(
        f"<tr><td>{escape(s.work.name)}</td><td>{s.work.flops / 1e9:,.2f}</td><td>{s.work.bytes / 1e6:,.1f}</td>"
        f"<td>{s.work.intensity:,.1f}</td><td>{s.limit(machine)}</td><td>{ms(s.timing.median)}</td>"
        f"<td>{s.rate / 1e9:,.0f}</td><td>{machine.roof(s.work.intensity) / 1e9:,.0f}</td>"
        f"<td>{s.share(machine):.0%}</td></tr>"
        for s in standings
    )
    flops, seconds = sum(s.work.flops for s in standings), sum(s.timing.median for s in standings)
    moved = sum(s.work.bytes for s in standings)
    rows += (
        f"<tr class='total'><td>all</td><td>{flops / 1e9:,.2f}</td><td>{moved / 1e6:,.1f}</td><td>{flops / moved:,.1f}"
        f"</td><td></td><td>{ms(seconds)}</td><td>{flops / seconds / 1e9:,.0f}</td><td>{machine.peak / 1e9:,.0f}</td>"
        f"<td>{flops / seconds / machine.peak:.0%}</td></tr>"
    )
    names = ("", "GFLOPs", "MB", "FLOPs a byte", "limit", "median, ms", "GFLOP/s", "roof", "of the roof")
    head = "".join(f"<th>{name}</th>" for name in names)
    return Html(
        f'{CSS}<div class="rl"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
        '<p class="quiet">GFLOPs = 2 × 10⁹ MACs. The last line is set against the peak.</p></div>'
    )


class _Plot:
    """Places in a drawing whose axes are logarithmic."""

    def __init__(self, x0, x1, y0, y1):
        self.x0, self.x1, self.y0, self.y1 = x0, x1, y0, y1

    def x(self, value):
        return LEFT + log10(value / self.x0) / log10(self.x1 / self.x0) * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        return HEIGHT - BOTTOM - log10(value / self.y0) / log10(self.y1 / self.y0) * (HEIGHT - TOP - BOTTOM)

    def at(self, standing):
        return self.x(standing.work.intensity), self.y(standing.rate)

    def axes(self):
        bottom, parts = HEIGHT - BOTTOM, []
        for value in _ticks(self.x0, self.x1):
            x = self.x(value)
            parts.append(f'<path d="M{x:.1f} {TOP}V{bottom}" style="stroke:{QUIET};stroke-opacity:.2"/>')
            parts.append(_text(x, bottom + 16, f"{value:g}", "middle"))
        for value in _ticks(self.y0 / 1e9, self.y1 / 1e9):
            y = self.y(value * 1e9)
            parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" style="stroke:{QUIET};stroke-opacity:.2"/>')
            parts.append(_text(LEFT - 6, y + 4, f"{value:g}", "end"))
        middle = (TOP + bottom) / 2
        parts.append(_text((LEFT + WIDTH) / 2, HEIGHT - 10, "FLOPs a byte (arithmetic intensity)", "middle", NORMAL))
        parts.append(
            f'<text transform="translate(16 {middle}) rotate(-90)" text-anchor="middle" font-size="{NORMAL}">'
            "GFLOP/s reached</text>"
        )
        return "".join(parts)


def _ticks(low, high):
    """1, 2 and 5 times the powers of ten between."""
    powers = range(floor(log10(low)), ceil(log10(high)) + 1)
    return [m * 10.0**p for p in powers for m in (1, 2, 5) if low <= m * 10.0**p <= high]


def _roof(plot, machine):
    ridge = plot.x(machine.ridge)
    # Where the slanted part would leave the drawing, it begins at its lower edge.
    start = max(plot.x0, plot.y0 / machine.bandwidth)
    x0, y0, top = plot.x(start), plot.y(machine.roof(start)), plot.y(machine.peak)
    right = WIDTH - RIGHT
    # Beside the corner: circles that are near the roof are mostly further right.
    x, anchor = (ridge + 8, "start") if ridge < WIDTH / 2 else (ridge - 8, "end")
    peak = f"peak of a matrix product: {machine.peak / 1e9:,.0f} GFLOP/s"
    return (
        f'<path d="M{x0:.1f} {y0:.1f}L{ridge:.1f} {top:.1f}H{right}" style="fill:none;stroke:{TEXT};stroke-width:2.5"/>'
        + _text(x, top - 7, peak, anchor, NORMAL)
        + _text((x0 + ridge) / 2 - 12, (y0 + top) / 2, f"memory: {machine.bandwidth / 1e9:,.1f} GB/s", "end", NORMAL)
        + f'<path d="M{ridge:.1f} {top:.1f}V{HEIGHT - BOTTOM}" style="stroke:{TEXT};stroke-dasharray:2 4"/>'
    )


def _point(x, y, name, filled):
    fill, ink = (COST, "#ffffff") if filled else (PAPER, TEXT)
    sign = name[-1] if name[-1].isdigit() else name[0]
    return (
        f'<g><title>{escape(name)}</title><circle cx="{x:.1f}" cy="{y:.1f}" r="11" '
        f'style="fill:{fill};stroke:{COST};stroke-width:2"/><text x="{x:.1f}" y="{y + 5:.1f}" text-anchor="middle" '
        f'font-size="{LARGE - 2}" style="fill:{ink};font-weight:700">{escape(sign)}</text></g>'
    )


def _text(x, y, text, anchor, size=SMALL):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(text)}</text>'
