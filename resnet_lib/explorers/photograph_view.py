"""What the photograph explorer says of a run and of one value: HTML, and pictures for the page. No controls."""

import base64
from html import escape

from ..experiments.arithmetic import explain_step
from ..views.channel import blend, jpeg
from ..views.maps import scale, statistics, to_levels
from ..views.markup import share_bar, table
from ..views.style import DIVERGING, ERROR, MAIN, SEQUENTIAL
from ..views.value import number, value_table

THUMB = 92  # pixels of the photograph beside the classes
CHANNELS = 4  # input channels whose contributions are listed
UNDEFINED = "The network's scores are infinite or undefined (inf or nan): no class is the most probable. "
ADVICE = "Walk from Stage 0 on: the first step that cannot be drawn is where they begin."


def known(seen):
    """Return whether the classes of a run have names."""
    return bool(seen.checkpoint) and len(seen.checkpoint.classes) == len(seen.logits)


def answer(seen, label, message=""):
    """Return the picture that was shown to the network, and its most probable classes, as HTML; `label` names the
    picture, `message` is said of it."""
    if seen.logits.isfinite().all():
        rows = [(f'<span class="name">{escape(name)}</span>', share_bar(p, 1, 50)) for name, p in seen.top(5)]
        said = table("class | probability", rows, left=(1,))
    else:
        said = f'<p class="error">{UNDEFINED}{ADVICE}</p>'
    who = f"{seen.checkpoint.name}: {seen.checkpoint.note}" if known(seen) else "a network without a checkpoint"
    who = f"<b>{untrained_size(seen)}</b> {escape(who)}"
    file = base64.b64encode(jpeg(seen.image.resize((2 * THUMB, 2 * THUMB)))).decode()
    alt = escape(f"{label}, as the network is shown it", quote=True)
    shown = f'<img src="data:image/jpeg;base64,{file}" alt="{alt}" width="{THUMB}" height="{THUMB}">'
    message = message and f'<p class="error" role="alert">{escape(message)}</p>'
    return f'<div class="rl-seen">{shown}<div>{said}</div></div>{message}<p class="quiet rl-who">{who}</p>'


def untrained_size(seen):
    """Return a sentence if the network was trained at another size than this; otherwise ""."""
    trained = seen.checkpoint.size if seen.checkpoint else seen.size
    return "" if trained == seen.size else f"Not trained at this size, but at {trained} pixels."


def class_names(seen, name, output):
    """Return the names of a step's channels where they are the classes of the network, else None."""
    last = name == seen.steps[-1] and known(seen) and tuple(output.shape) == tuple(seen.logits.shape)
    return list(seen.checkpoint.classes) if last else None


def strongest_places(plane):
    """Return (row, column) of the five values of a map that are largest in magnitude, the strongest first; fewer where
    the others are 0."""
    values, order = plane.abs().flatten().topk(min(5, plane.numel()))
    return [divmod(i, plane.shape[1]) for i in order[values > 0].tolist()]


def place_of_the_strongest(plane):
    """Return (row, column) of the value that is largest in magnitude; the middle of a map that is 0 everywhere."""
    H, W = plane.shape
    return (strongest_places(plane) or [(H // 2, W // 2)])[0]


def closeup(seen, name, module, plane, channel, at, *, limit, signed, called="", gradient=None, note=""):
    """Return the scene's `closeup` of one value.

    plane: the channel's map, (H, W). at: (row, column). limit, signed: of the maps that it is shown among.
    called: the name of the class. gradient: how strongly each pixel moves the value, 0 to 1, or None. note: a sentence.
    """
    box, size, ringed = field(seen, name, at), seen.image.width, strongest_places(plane)
    grid, (H, W) = list(plane.shape), plane.shape
    cell = [at[0], at[0] + 1, at[1], at[1] + 1]
    alone = _levels(plane, limit, signed) | {
        "frames": [[*cell, ERROR]],
        "rings": [list(p) for p in ringed],
        "grid": grid,
    }
    alone["said"] = f"map, {len(ringed)} strongest ringed" if len(ringed) > 1 else "map"
    over = plane / limit if gradient is None else gradient
    colours = DIVERGING if gradient is None and signed else SEQUENTIAL
    photograph = {"file": jpeg(blend(seen.image, over, colours)), "side": [size, size], "grid": grid}
    photograph["frames"] = [[n * size / side for n, side in zip(cell, (H, H, W, W), strict=True)] + [ERROR]]
    photograph["said"] = "over the picture" if gradient is None else "its gradient"
    if box:
        photograph["frames"].append([box.top, box.bottom, box.left, box.right, MAIN])
        photograph["said"] += "; blue: seen"
    said, window = arithmetic(seen, name, module, channel, at)
    title = f"channel {channel}{f', {called}' if called else ''}: {statistics(plane)}"
    value = f"row {at[0]}, column {at[1]}: {number(plane[at])}{_sees(seen, box)}{note}"
    shown = {"title": title, "value": value, "html": said, "at": list(at)}
    return shown | {"pictures": [alone, photograph, *([window] if window else [])]}


def field(seen, name, at):
    """Return the pixels that a value sees, a `Box`; None where that is not known."""
    try:
        return seen.anatomy.field(name, *at)
    except (KeyError, TypeError, ValueError):
        return None


def _sees(seen, box):
    if not box:
        return ""
    inside = box.clipped(seen.size, seen.size)
    text = f"; it sees {box.bottom - box.top} × {box.right - box.left} pixels"
    if inside != box:
        text += f", {inside.bottom - inside.top} × {inside.right - inside.left} of them in the photograph"
    return text


def arithmetic(seen, name, module, channel, at):
    """Return one value's arithmetic as HTML, and the picture of its input with the window framed, or None."""
    inputs = seen.inputs(name)
    try:
        value = explain_step(module, inputs, seen[name].unsqueeze(0), channel, *at, name=name)
    except (IndexError, TypeError, ValueError) as problem:
        return f'<p class="quiet">No arithmetic for this step: {escape(str(problem))}.</p>', None
    window = None
    if inputs[0].dim() == 4:
        # Of many input channels the one that contributes most is drawn.
        source = value.strongest(1)[0][0] if hasattr(value, "strongest") else min(channel, inputs[0].shape[1] - 1)
        rows, columns = (getattr(value, name, (n,)) for name, n in zip(("rows", "columns"), at, strict=True))
        plane = inputs[0][0, source].detach().float().cpu()
        signed, limit = scale(plane)
        what = "F(x)" if value.kind == "SUM" else "input"
        window = _levels(plane, limit, signed) | {"said": f"{what}, channel {source}"}
        window["frames"] = [[rows[0], rows[-1] + 1, columns[0], columns[-1] + 1, ERROR]]
    return value_table(value, CHANNELS), window


def _levels(plane, limit, signed):
    levels = to_levels(plane, limit, signed).contiguous().numpy().tobytes()
    return {"levels": levels, "side": list(plane.shape), "signed": signed}
