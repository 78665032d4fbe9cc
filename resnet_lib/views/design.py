"""A network's design drawn, in a table, and held against its budget. HTML and SVG text."""

from html import escape

from .._common import shape_text
from .charts import bar
from .style import COST, ERROR, MAIN, PAPER, QUIET, SHORTCUT, SMALL, SUM, TEXT, TINT

WIDE, HIGH = 900, 118  # of the drawing: room for the blocks across, and for the largest maps upwards
LABEL = 92  # the least room from stage to stage


def design_drawing(design, costs):
    """The network from left to right as SVG: every block as high as the root of its W and as wide as the root of its
    channels, so that one sees what is traded for what. `costs` is the design's `Anatomy`."""
    stages = costs.by_stage()
    parts = [("Stage 0", stages[0].shape, [None])]
    C = design.stem.C1
    for i, (stage, at) in enumerate(zip(design.stages, stages[1:], strict=False), 1):
        first = stage.S > 1 or C != stage.C_out
        parts.append((f"Stage {i}", at.shape, [first] + [False] * (stage.blocks - 1)))
        C = stage.C_out
    gap, between = 2, 26
    blocks = sum(len(kinds) for _, _, kinds in parts)
    roots = sum(len(kinds) * shape[0] ** 0.5 for _, shape, kinds in parts)
    scale = min(3.2, (WIDE - 2 * LABEL - gap * blocks - between * len(parts)) / roots)
    tallest = max(shape[-1] for _, shape, _ in parts)
    middle, x, drawn, said = 24 + HIGH / 2, 40, [], []
    for name, (channels, _, W), kinds in parts:
        left, width, height = x, max(2.0, scale * channels**0.5), HIGH * (W / tallest) ** 0.5
        for projection in kinds:
            colour = QUIET if projection is None else SHORTCUT if projection else MAIN
            drawn.append(
                f'<rect x="{x:.1f}" y="{middle - height / 2:.1f}" width="{width:.1f}" height="{height:.1f}" rx="2" '
                f'fill="{PAPER if projection is None else colour}" fill-opacity="0.35" stroke="{colour}"/>'
            )
            if projection:
                drawn.append(_text(x + width / 2, middle - height / 2 - 4, "G", SHORTCUT, bold=True))
            x += width + gap
        centre = (left + x - gap) / 2
        drawn.append(_text(centre, HIGH + 42, name, bold=True))
        drawn.append(_text(centre, HIGH + 57, f"{channels:,} × {W} × {W}", QUIET))
        said.append(f"{name}: {len(kinds)} block{'s' * (len(kinds) > 1)}, {channels:,} channels, W = {W}")
        x += max(between, LABEL - (x - left))  # the name of a narrow stage takes more room than its blocks
    drawn.append(_text(x + 16, middle + 4, f"→ {design.num_classes}", bold=True))
    width, height = max(x + 40, 300), HIGH + 64
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" '
        f'height="{height}" role="img" aria-label="{escape("; ".join(said))}" style="max-width:100%;height:auto">'
        f"{''.join(drawn)}</svg>"
    )


def _text(x, y, text, colour=TEXT, bold=False):
    weight = 700 if bold else 400
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{SMALL}" text-anchor="middle" '
        f'style="fill:{colour};font-weight:{weight}">{escape(text)}</text>'
    )


def design_table(design, costs, width=60):
    """Stage by stage: the design's numbers, and what follows from them, as HTML, with bars of that many pixels. `costs`
    is its `Anatomy`."""
    rows, C, last = "", 3, costs.by_stage()
    for i, at in enumerate(last):
        stage = design.stages[i - 1] if 0 < i < 5 else None
        if stage:
            kind = "BTNK1" if stage.S > 1 or C != stage.C_out else "BTNK2"
            numbers = (stage.blocks, kind, f"{C:,}", f"{stage.C1:,}", stage.S, stage.groups)
        elif i == 0:
            stem = design.stem
            kind = f"{stem.kernel}×{stem.kernel}" + (", pool" if stem.pool else ", no pool")
            numbers = ("", kind, C, f"{stem.C1:,}", stem.S, "")
        else:
            numbers = ("", "linear", f"{C:,}", "", "", "")
        C = at.shape[0]
        name = f"Stage {i}" if i < 5 else "head"
        sees = (f"{at.receptive_field:,}", at.jump) if i < 5 else ("", "")
        cells = "".join(f"<td>{v}</td>" for v in (name, *numbers, shape_text(at.shape), *sees))
        rows += (
            f"<tr>{cells}<td>{at.parameters:,}</td><td>{bar(at.parameters, costs.parameters, width)}</td>"
            f"<td>{at.macs:,}</td><td>{bar(at.macs, costs.macs, width)}</td></tr>"
        )
    names = (
        "",
        "blocks",
        "begins with",
        "C",
        "C1",
        "S",
        "groups",
        "output (C, H, W)",
        "sees (px)",
        "jump (px)",
        "parameters",
        "",
        "MACs",
        "",
    )
    head = "".join(f"<th>{name}</th>" for name in names)
    total = f"<td>total</td>{'<td></td>' * 9}<td>{costs.parameters:,}</td><td></td><td>{costs.macs:,}</td><td></td>"
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}<tr class='total'>{total}</tr></tbody></table>"


def budget_bars(budget, costs, width=300):
    """How much of a `Budget` an `Anatomy` uses: a bar each with a mark at the limit, and in words, as HTML."""
    rows = ""
    for name, used, most in (("parameters", costs.parameters, budget.parameters), ("MACs", costs.macs, budget.macs)):
        share = used / most
        over = used > most
        mark, colour = ("✗", ERROR) if over else ("✓", SUM)
        said = f"{used - most:,} over" if over else f"{most - used:,} left"
        # The limit stands at four fifths of the track, so that there is room to be over it.
        filled, limit = min(share * 0.8, 1) * width, 0.8 * width
        rows += (
            f'<tr><td>{name}</td><td>{used:,}</td><td><span role="img" aria-label="{share:.1%} of the budget" '
            f'style="display:inline-block;position:relative;width:{width}px;height:13px;background:{TINT};'
            f'vertical-align:middle"><span style="position:absolute;left:0;top:0;height:13px;width:{filled:.1f}px;'
            f'background:{ERROR if over else COST}"></span><span style="position:absolute;left:{limit:.0f}px;top:-3px;'
            f'height:19px;border-left:2px solid {TEXT}"></span></span></td>'
            f"<td>{share:.1%} of {most:,}</td>"
            f'<td style="color:{colour};text-align:left"><b>{mark} {said}</b></td></tr>'
        )
    return f"<table><tbody>{rows}</tbody></table>"
