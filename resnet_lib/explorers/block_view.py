"""One block on the instrument, wherever it comes from: its steps, what can be shown of it, and its groups of maps."""

from ..views.markup import share_bar, table
from .block_maps import strongest
from .drawing import block_drawing
from .tiles import Group

AT_THE_SUM = "what meets at the sum"


def scene_steps(look):
    """Return the steps of a block as the page knows them, its input among them."""
    anatomy = look.anatomy
    steps = [["x", "input", list(anatomy.input), 0, 0]]
    steps += [[s.name, s.kind, list(s.shape), s.parameters, s.macs] for s in anatomy.steps]
    if look.last[1] == "shortcut":
        steps = [s for s in steps if s[0] != "shortcut"] + [["shortcut", "identity", list(anatomy.input), 0, 0]]
    return steps


def scene_drawing(look):
    """Return the drawing of a block; of an illegal one with what would follow, if the shapes were equal."""
    steps = [(s.name, s.kind, s.path) for s in look.anatomy.steps]
    if look.clash:
        steps += [("add", "SUM", "sum"), ("relu3", "ReLU", "sum")]
    return block_drawing(steps, any(s.path == "shortcut" and s.kind != "identity" for s in look.anatomy.steps))


def cost_rows(look):
    """Return the table of parameters and MACs by step, as HTML."""
    anatomy = look.anatomy
    costly = [s for s in anatomy.steps if s.parameters]
    rows = [(s.name, s.shape, s.parameters, s.macs, share_bar(s.macs, anatomy.macs, 60)) for s in costly]
    rows.append(("F so far" if look.clash else "total", "", anatomy.parameters, anatomy.macs, ""))
    flops = f'<p class="quiet">FLOPs = 2 × MACs = {anatomy.flops:,}</p>'
    return table("step | output | parameters | MACs |", rows, kinds={-1: "total"}) + flops


def step_options(look):
    """Return what can be shown of a block, label → step; "sum" is what meets at the sum."""
    f, side, total, y = look.last
    names = {f: f"F: {f} = F(x)", side: f"G: {side.removeprefix('shortcut.')} = G(x)"}
    names |= {total: "the sum, before ReLU", y: "y, after ReLU"}
    options = {"F(x), which cannot be added" if look.clash else AT_THE_SUM: "sum", "x, the input": "x"}
    for s in look.anatomy.steps:
        mark = {"main": "F: ", "shortcut": "G: "}.get(s.path, "")
        options[names.get(s.name, mark + s.name.removeprefix("shortcut."))] = s.name
    if side == "shortcut":
        options = {k: v for k, v in options.items() if v != "shortcut"} | {"x, the shortcut": "shortcut"}
    return options


def shown_steps(look, step):
    """Return the names of the steps whose maps are shown for one of `step_options`."""
    f, side, total, y = look.last
    if step != "sum":
        return [step]
    return [name for name in ((f, side) if look.clash else (f, side, total, y)) if name]


def channels_shown(look, step, channel):
    """Return (first, count, total): which channels of a step are shown, of how many."""
    last = shown_steps(look, step)[-1]
    shapes = {s.name: s.shape for s in look.anatomy.steps}
    count, total = 16 if step == "sum" else 64, shapes.get(last, look.anatomy.input)[0]
    first = channel // count * count
    return (first if first < total else 0), count, total


def block_groups(run, look, step, first, count, *, by_strength=False):
    """Return the groups of maps of one of `step_options`, from a `Run`."""
    shown, (f, side, total, y) = shown_steps(look, step), look.last
    letter = "x" if side == "shortcut" else "G(x)"
    titles = {f: "F(x)", side: letter, total: f"F(x) + {letter}", "x": "x, the input"}
    titles[y] = "y = ReLU(sum)" if total else "y"
    C, W, _ = look.anatomy.input
    paths = {s.name: s.path for s in look.anatomy.steps} | {"shortcut": "shortcut"}
    sizes = {s.name: s.shape[0] for s in look.anatomy.steps} | {"x": C, "shortcut": C}
    order = strongest(run.kept[shown[-1]])[first : first + count] if by_strength else None
    corner = ((W - run.window) // 2,) * 2 if run.window else (0, 0)
    groups = []
    for name in shown:
        maps, start = run.kept[name][0], run.channels[name]
        channels = order or list(range(first, min(first + count, start + len(maps))))
        channels = [c for c in channels if start <= c < start + len(maps)]
        whole = channels == list(range(start, start + len(maps)))
        tiles = maps if whole else maps[[c - start for c in channels]]
        at = tuple(c * maps.shape[-1] // run.x.shape[-1] for c in corner)
        title = titles.get(name, name) if len(shown) > 1 else f"{name}: {titles[name]}" if name in titles else name
        title += f", middle {maps.shape[-2]} × {maps.shape[-1]}" if run.window else ""
        groups.append(Group(name, title, tiles, channels, sizes.get(name, len(maps)), paths.get(name, ""), at))
    return groups
