"""A network's design drawn, in a table, and beside its budget."""

from .charts import cost_cells
from .markup import bar, sign, table
from .style import COST, ERROR, MAIN, PAPER, QUIET, SHORTCUT
from .svg import drawing, words

WIDE, HIGH = 900, 84  # of the drawing: room for the blocks across, and for the largest maps upwards
LABEL = 92  # the least room from stage to stage
GAP, BETWEEN = 2, 26  # px between blocks, and between stages
COLUMNS = (
    "| blocks | begins with | C | C1 | S | groups | output (C, H, W) | sees (px) | jump (px) | parameters | | MACs |"
)
CHOSEN = ("blocks", "C", "C1", "S", "groups")


def design_drawing(design, costs):
    """Return the network from left to right as SVG: every block as high as the root of its W and as wide as the root
    of its channels, to show what is traded for what. `costs` is the design's `Anatomy`."""
    stages = costs.by_stage()
    parts = [("Stage 0", stages[0].shape, [QUIET])]
    C = design.stem.C1
    for i, (stage, at) in enumerate(zip(design.stages, stages[1:], strict=False), 1):
        first = SHORTCUT if _projects(stage, C) else MAIN
        parts.append((f"Stage {i}", at.shape, [first] + [MAIN] * (stage.blocks - 1)))
        C = stage.C_out
    blocks = sum(len(colours) for _, _, colours in parts)
    roots = sum(len(colours) * shape[0] ** 0.5 for _, shape, colours in parts)
    scale = min(3.2, (WIDE - 2 * LABEL - GAP * blocks - BETWEEN * len(parts)) / roots)
    tallest = max(shape[-1] for _, shape, _ in parts)
    middle, x, drawn, said = 24 + HIGH / 2, 40, "", []
    for name, (channels, _, W), colours in parts:
        left, width, height = x, max(2.0, scale * channels**0.5), HIGH * (W / tallest) ** 0.5
        for colour in colours:
            drawn += (
                f'<rect x="{x:.1f}" y="{middle - height / 2:.1f}" width="{width:.1f}" height="{height:.1f}" rx="2" '
                f'fill="{PAPER if colour == QUIET else colour}" fill-opacity="0.35" stroke="{colour}"/>'
            )
            if colour == SHORTCUT:
                drawn += words(x + width / 2, middle - height / 2 - 4, "G", "middle", colour=SHORTCUT, bold=True)
            x += width + GAP
        centre = (left + x - GAP) / 2
        drawn += words(centre, HIGH + 42, name, "middle", bold=True)
        drawn += words(centre, HIGH + 57, f"{channels:,} × {W} × {W}", "middle", colour=QUIET)
        said.append(f"{name}: {len(colours)} block{'s' * (len(colours) > 1)}, {channels:,} channels, W = {W}")
        x += max(BETWEEN, LABEL - (x - left))  # the name of a narrow stage takes more room than its blocks
    drawn += words(x + 16, middle + 4, f"→ {design.num_classes}", "middle", bold=True)
    return drawing(round(max(x + 40, 300)), HIGH + 64, "; ".join(said), drawn)


def design_table(design, costs, width=60, *, chosen=True):
    """Return the design's numbers stage by stage, and what follows from them, as HTML, with bars of that many pixels.
    `costs` is its `Anatomy`. Without `chosen`, only what follows: where the numbers themselves are in sight."""
    stem, head = design.stem, costs.by_stage()[-1]
    kind = f"{stem.kernel}×{stem.kernel}" + (", pool" if stem.pool else ", no pool")
    numbers, C = [("Stage 0", "", kind, 3, stem.C1, stem.S, "")], stem.C1
    for i, stage in enumerate(design.stages, 1):
        kind = "BTNK1" if _projects(stage, C) else "BTNK2"
        numbers.append((f"Stage {i}", stage.blocks, kind, C, stage.C1, stage.S, stage.groups))
        C = stage.C_out
    numbers.append(("head", "", "linear", C, "", "", ""))
    rows = [
        (*row, at.shape, *(("", "") if at is head else (at.receptive_field, at.jump)), *cost_cells(at, costs, width))
        for row, at in zip(numbers, costs.by_stage(), strict=True)
    ]
    rows.append(("total", *[""] * 9, costs.parameters, "", costs.macs, ""))
    names = [name.strip() for name in COLUMNS.split("|")]
    if not chosen:
        kept = [i for i, name in enumerate(names) if name not in CHOSEN]
        names, rows = [names[i] for i in kept], [tuple(row[i] for i in kept) for row in rows]
    return table(names, rows, kinds={-1: "total"})


def _projects(stage, C):
    """Whether a stage begins with a BTNK1 where C channels come in."""
    return stage.S > 1 or C != stage.C_out


def budget_bars(budget, costs, width=300):
    """Return how much of a `Budget` an `Anatomy` uses: a bar each with a mark at the limit, and in words, as HTML."""
    rows = []
    for name, used, most in (("parameters", costs.parameters, budget.parameters), ("MACs", costs.macs, budget.macs)):
        share = used / most
        over = used > most
        said = f"{used - most:,} over" if over else f"{most - used:,} left"
        # The limit is at four fifths of the track, so that there is room to be over it.
        drawn = bar(min(share * 0.8, 1), width, colour=ERROR if over else COST, lines=[(0.8, "")])
        said = f"{sign(over)} <b>{said}</b>"
        rows.append((name, used, drawn, f"{share:.1%} of {most:,}", said))
    return table("", rows, left=(4,))
