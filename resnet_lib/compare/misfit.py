"""What is wrong with layers that the reference has and a learner's module has not, has too many of, or has in another
shape: the first of them, as a finding."""

import re
from collections import Counter, defaultdict
from math import prod

import torch

from .by_name import shape_of, unit
from .kinds import found, layer_name, several
from .pairing import kernel, keys, orders

# ── Layers, paired by shape and order ────────────────────────────────────────────────────────────────────────


def blocks_of_stages(theirs, mine):
    """A finding for a network that has the right layers in every stage, and blocks too many or too few; or None."""
    blocks = defaultdict(lambda: defaultdict(list))  # stage → block → its layers
    for layer in theirs:
        if at := re.match(r"stage(\d+)\.(\d+)\.", layer.name):
            blocks[at[1]][at[2]].append(layer)
    due, has, said = Counter(keys(theirs)), Counter(keys(mine)), []
    for stage, its in blocks.items():
        *_, last = its.values()
        look = next(layer for layer in last if layer.name.endswith("conv2"))
        n, more, C1 = len(its), has[look.key] - len(its), look.shape[0]
        if more:
            said.append(found("blocks in a stage", f"stage{stage}", stage=stage, n=n + more, right=n))
            BTNK2 = [("weights", (C1, 4 * C1)), look.key, ("weights", (4 * C1, C1))]
            BTNK2 += [("norm", (C1, 1)), ("norm", (C1, 1)), ("norm", (4 * C1, 1))]
            for key in keys(last) if n > 1 else BTNK2:
                due[key] += more
    return several(*said) if due == has else None


def of_layers(rows, theirs, mine):
    """What rows of `pairing.table` that do not fit say, as a finding. theirs, mine: all layers.

    A mistake is named where it alone makes the difference: layers in their places, or nothing but layers missing or
    too many. Otherwise the first difference is told.
    """
    verdicts = {row[-1] for row in rows}
    if "extra" not in verdicts and (bare := next((row for row in rows if _bare(row, rows)), None)):
        return of_layer(bare, rows, theirs, mine)
    if len(verdicts) == 1:
        products = [row for row in rows if len(row[1] or row[3]) > 1]
        return of_layer((products or rows)[0], rows, theirs, mine)
    return _first_difference(theirs, mine)


def _bare(row, rows):
    """Whether a row says that a block without a projection is there."""
    block = row[0].removesuffix("shortcut.conv")
    F = [r for r in rows if r[0] in (f"{block}conv1", f"{block}conv2", f"{block}conv3")]
    return row[-1] == "missing" and block != row[0] and all(r[-1] != "missing" for r in F)


def _first_difference(theirs, mine):
    """The first place in a row at which two lists of layers differ, as a finding."""

    def alike(order):
        return next((i for i, (a, b) in enumerate(zip(order, mine, strict=False)) if a.key != b.key), len(mine))

    order = max(orders(theirs), key=alike)
    i = alike(order)
    if i == len(order):
        i -= 1  # no layer is missing where all of them are there
    own = mine[i] if i < len(mine) else None
    said = f"your {layer_name(own.name)}, {shape_of(own.shape)}, is there" if own else "there is none"
    return found("layers differ", layer_name(order[i].name), mine=said, right=shape_of(order[i].shape))


def of_layer(row, rows=(), theirs=(), mine=()):
    """What a row of `pairing.table` says, as a finding. rows: all that do not fit. theirs, mine: all layers."""
    name, shape, own, its, verdict = row
    part = name.rpartition(".")[0] if re.match(r"stage|\d", name) else ""
    said = layer_name(name)
    at = f"{said}: your {layer_name(own)}" if part and name != own else f"Your {layer_name(own)}"
    if verdict == "missing":
        return _missing_layer(name, part, shape, sum(r[-1] == "missing" and len(r[1]) > 1 for r in rows))
    if verdict == "extra":
        layer = next(layer for layer in mine if layer.name == own)
        return found("layer too many", said, layer=said, shape=its, identity=_on_x(layer, theirs))
    if len(shape) == 1:
        return found("norm channels", name, layer=at, C=its[0], right=shape[0])
    layer = next((layer for layer in mine if layer.name == own), None)
    if len(its) == 2 and layer is not None and layer.given is None:  # which way round is not known: the better fit
        its = max(its, its[::-1], key=lambda sides: sum(a == b for a, b in zip(sides, shape, strict=False)))
    if len(its) == 2 and len(shape) == 4 and kernel(shape) != "1×1":  # a product over windows shows no kernel
        return found("matrix", name, layer=at, shape=its, right=(shape[0], prod(shape[1:])))
    if kernel(shape) != kernel(its):
        return found("kernel", name, layer=at, kernel=kernel(its), right=kernel(shape))
    if layer is not None and layer.groups > 1:
        return found("groups of a convolution", name, layer=at, groups=layer.groups)
    gives, takes = its[:2]
    windows = {k * k * shape[1]: k for k in (3, 5, 7)}  # a matrix that is given whole windows is a convolution
    if len(its) == 2 and len(shape) == 4 and shape[2:] == (1, 1) and gives == shape[0] and takes in windows:
        return found("kernel", name, layer=at, kernel="×".join(2 * [str(windows[takes])]), right=kernel(shape))
    if layer is not None and layer.given is None and len(its) == 2 and gives != shape[0] and takes != shape[1]:
        return found("matrix", name, layer=at, shape=its, right=shape[:2])  # channels, or windows of them
    kind = "channels in a stage" if re.match(r"stage\d\.", name) else "channels"
    return found(kind, name, layer=at, gives=gives, takes=takes, right_gives=shape[0], right_takes=shape[1])


def _on_x(layer, theirs):
    """Whether a layer takes the x that an identity block would add, and gives as many channels."""
    first, x = theirs[0], layer.given
    identity = theirs[-1].name == "bn3" and first.given is not None and not any("shortcut" in t.name for t in theirs)
    return identity and x is not None and layer.shape[:2] == 2 * first.shape[1:2] and torch.equal(x, first.given)


def _missing_layer(name, part, shape, missing):
    if name.endswith("shortcut.conv"):
        block = layer_name(part.removesuffix("shortcut").rstrip(".")) or "the block"
        return found("projection missing", re.sub("^[tb]", lambda b: b[0].upper(), block), C=shape[1], C_out=shape[0])
    if len(shape) == 1 and "shortcut" in name:
        block = layer_name(part.removesuffix("shortcut").rstrip("."))
        return found("projection's norm missing", f"the projection{block and f' of {block}'}", C=shape[0])
    if len(shape) == 1:
        return found("norm missing", layer_name(name.replace("bn", "conv")), C=shape[0])
    return found("layer missing", layer_name(name), shape=shape, missing=missing)


# ── Entries, paired by name ──────────────────────────────────────────────────────────────────────────────────


def of_entries(wrong, rows):
    """What the first of the Parameters that do not fit says, and how many more there are, as a finding. rows: all."""
    return found("entries", wrong[0].name, cause=_of_entry(wrong[0], wrong, rows), more=len(wrong) - 1)


def _of_entry(p, wrong, rows):
    place, _, leaf = p.name.rpartition(".")
    part = unit(p.name)
    theirs, own = ({r.name: r[side] for r in rows if r[side] is not None} for side in (1, 2))
    if p.verdict == "other values":
        kind = {"stage0.conv.weight": "first weight other"}.get(p.name, "other values")
        return found("statistics other" if leaf == "running_mean" else kind, p.name)
    if re.match(r"stage[1-4]\.", part):
        stage = part.split(".")[0]
        a, b = ({unit(n) for n in side if n.startswith(f"{stage}.")} for side in (theirs, own))
        if b and (part in a) != (part in b):
            return found("blocks in a stage", stage, stage=stage[5:], n=len(b), right=len(a))
    if p.verdict == "extra":
        if leaf == "bias" and f"{place}.weight" in theirs:
            return found("bias too many", place)
        return found("projection too many", part) if ".shortcut" in p.name else found("entry too many", p.name)
    if p.verdict == "missing":
        return _missing_entry(p, wrong, theirs, own)
    if place == "head.fc" and p.shape[0] != p.learner[0] and (leaf == "bias" or p.shape[1] == p.learner[1]):
        return found("classes", place, n=p.learner[0], right=p.shape[0])
    (out, *inside), (my_out, *my_inside) = p.shape or (0,), p.learner or (0,)
    if out != my_out and inside[1:] == my_inside[1:] and re.fullmatch(r"stage[1-4]\.\d+\.conv1", place):
        return found("C1", part, C1=my_out, right=out)
    if out == my_out and inside[1:] == my_inside[1:] and place.endswith(".conv2"):
        return found("groups", place, n=my_inside[0], right=inside[0])
    if f"{place}.weight" not in theirs or len(p.shape) != len(p.learner):
        return found("entry's shape", p.name, shape=shape_of(p.learner), right=shape_of(p.shape))
    return of_layer((place, p.shape, place, p.learner, p.verdict))


def _missing_entry(p, wrong, theirs, own):
    place, _, leaf = p.name.rpartition(".")
    if renamed := _renamed(p, wrong):
        return found("renamed", place, mine=renamed[0], name=renamed[1])
    if not theirs.keys() & own.keys():
        return found("no name fits")
    if f"{place}.running_mean" in own:
        return found("norm without weight", place)
    if f"{place}.weight" in own:
        return found("bias missing" if leaf == "bias" else "norm without statistics", place)
    branch = place.removesuffix("conv")  # of a projection that has its layers under other names
    if f"{place}.weight" not in theirs or place.endswith("shortcut.conv") and any(n.startswith(branch) for n in own):
        return found("entry missing", p.name)
    return of_layer((place, p.shape, place, None, p.verdict))


def _renamed(p, wrong):
    """(the learner's prefix, the reference's) that would give the missing `p` a counterpart, or None."""
    for other in wrong:
        if other.verdict == "extra" and other.learner == p.shape:
            a, b = other.name.split("."), p.name.split(".")
            while a and b and a[-1] == b[-1]:
                a, b = a[:-1], b[:-1]
            if a and b and len(a) + len(b) < len(other.name.split(".")) + len(p.name.split(".")):
                return ".".join(a), ".".join(b)
    return None


def of_shared(group):
    """A finding for names that are one tensor in the learner's network, and several in the reference."""
    return found("shared", " and ".join(name.rsplit(".", 1)[0] for name in group))
