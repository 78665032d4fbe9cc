"""Which of a learner's layers is which of the reference's, by shape and order: names may be any."""

import re
from collections import defaultdict
from difflib import SequenceMatcher


def table(theirs, mine):
    """(the reference's name, its shape, the learner's name, its shape, verdict) for each layer of both."""
    if sorted(map(str, keys(theirs))) == sorted(map(str, keys(mine))):
        return tuple((a.name, a.shape, b.name, b.shape, "same") for a, b in by_key(theirs, mine))
    # Where layers are missing or too many, the order tells which.
    fits = [SequenceMatcher(None, keys(order), keys(mine), autojunk=False) for order in orders(theirs)]
    order, best = max(zip(orders(theirs), fits, strict=True), key=lambda found: found[1].ratio())
    own, left = {}, []
    for kind, i, j, k, n in best.get_opcodes():
        if kind == "equal":
            own |= dict(zip(order[i:j], mine[k:n], strict=True))
        else:
            left += mine[k:n]
    for layer in theirs:  # what did not run stands where it was made, and not where it belongs
        if layer not in own and (same := next((o for o in left if o.key == layer.key), None)):
            own[layer] = same
            left.remove(same)
    _blame_shortcut(theirs, own)
    rows = []
    for layer in theirs:
        verdict = "same" if layer in own else "other shape"
        found = own.get(layer) or _nearest(layer, left)
        if found is None:
            rows.append((layer.name, layer.shape, None, None, "missing"))
            continue
        if verdict != "same":
            left.remove(found)
        rows.append((layer.name, layer.shape, found.name, found.shape, verdict))
    return tuple(rows + [(extra.name, None, extra.name, extra.shape, "extra") for extra in left])


def _blame_shortcut(theirs, own):
    """Where the end of F and the projection have the same shapes and one of them is missing, it is the projection."""
    ends = {layer.name: layer for layer in theirs}
    for name, layer in ends.items():
        if name.endswith("conv3") and layer not in own:
            stem = name.removesuffix("conv3")
            # What did not run may have been taken for another block's.
            idle = next(
                (o for o in theirs if o.name.endswith("shortcut.conv") and o in own and own[o].calls == 0), None
            )
            if idle is not None and idle.key == layer.key:
                own[layer] = own.pop(idle)
                continue
            for f, g in ((layer, f"{stem}shortcut.conv"), (ends[f"{stem}bn3"], f"{stem}shortcut.bn")):
                if g in ends and ends[g] in own and f not in own and ends[g].key == f.key:
                    own[f] = own.pop(ends[g])


def keys(layers):
    return [layer.key for layer in layers]


def by_key(theirs, mine):
    """(the reference's layer, the learner's) of one key, in the order in which they ran."""
    groups = defaultdict(list)
    for own in mine:
        groups[own.key].append(own)
    return [(layer, groups[layer.key].pop(0)) for layer in theirs if groups[layer.key]]


def _nearest(layer, left):
    """What of the rest the learner probably meant to be this layer: first of the same kernel, then of the same kind."""
    same = [own for own in left if own.kind == layer.kind]
    return next((own for own in same if kernel(own.shape) == kernel(layer.shape)), next(iter(same), None))


def kernel(shape):
    return "×".join(map(str, shape[2:])) or "1×1"


def orders(layers):
    """The orders in which a learner may run what the reference runs: the shortcut after F or before it. They matter
    only where layers of both have one shape."""
    if not any(".shortcut." in f".{layer.name}" for layer in layers):
        return [layers]

    def first(kinds):
        """The shortcut's layers of these kinds before the others of their block."""
        place = {}
        for i, layer in enumerate(layers):
            place.setdefault(_block(layer.name), i)
        return sorted(
            layers,
            key=lambda layer: (
                place[_block(layer.name)],
                not (".shortcut." in f".{layer.name}" and layer.kind in kinds),
            ),
        )

    return [layers, first(("weights", "norm")), first(("weights",)), first(("norm",))]


def _block(name):
    return re.sub(r"(^|\.)(conv\d|bn\d|shortcut\.\w+)$", "", name)


def placed(order, mine):
    """The name of each of the reference's layers → the place of the learner's in its survey."""
    place = {id(layer): i for i, layer in enumerate(mine.layers)}
    return {layer.name: place[id(own)] for layer, own in by_key(order, mine.layers)}


def pairs_of(places, theirs, run, mine):
    """(the reference's layer, the learner's) in two runs. places: as `placed` found them in the survey `mine`."""
    found = {layer.first.data_ptr(): layer for layer in run.layers}
    own = [found.get(layer.first.data_ptr(), layer) for layer in mine.layers]
    for layer, before in zip(own, mine.layers, strict=True):
        layer.turned = before.turned
    return [(layer, own[places[layer.name]]) for layer in theirs.layers if layer.name in places]


def copy(pairs):
    """Put the reference's numbers into the learner's layers."""
    for theirs, own in pairs:
        for role, t in theirs.tensors.items():
            if own.tensors.get(role) is not None and t is not None:
                to = own.tensors[role].t() if own.turned and role == "weight" else own.tensors[role]
                to.copy_(t.view_as(to))


def biased(theirs, mine):
    """The first (reference's, learner's) layer of which only one has a bias, or None."""
    for layer, own in by_key(theirs.layers, mine.layers):
        if layer.kind == "weights" and (layer.tensors.get("bias") is None) != (own.tensors.get("bias") is None):
            return layer, own
    return None
