"""Which layer of a learner's module is which of the reference's, by shape and order.

Layers whose names are their author's own are paired by what they are and by the order in which they ran (`table`,
`orders`); `by_order` makes names of that, for what is paired by name.
"""

import re
from collections import defaultdict
from difflib import SequenceMatcher
from functools import partial

import torch

from .endless import Endless
from .survey import survey


def by_order(theirs, mine, place, x):
    """Return functions from a network's own names to the library's, one for each order in which its layers may have
    run; none where they are not the reference's layers by shape.

    place: that function of the reference. x: runs through both, as they are.
    """
    try:
        a, b = (survey(m, x.to(next(m.parameters(), x))) for m in (theirs, mine))
    except Endless:
        return []
    for layer in a.layers:
        layer.name = place(layer.name)
    if a.error or b.error or any(o.name is None for o in b.layers) or not _alike(a.layers, b.layers):
        return []
    ways = []
    for order in orders(a.layers):
        names = {own.name: layer.name for layer, own in by_key(order, b.layers)}
        if names not in ways:
            ways.append(names)
    return [partial(_called, names | _parts(names, theirs, mine, place)) for names in ways]


def _alike(theirs, mine):
    return sorted(map(str, keys(theirs))) == sorted(map(str, keys(mine)))


def _parts(names, theirs, mine, place):
    """A learner's part → the reference's that holds the same layers: a stage, a block, a shortcut."""
    layers = {ours: ours for ours in names.values()}
    held, found = _holding(theirs, layers, place), {}
    for inside, own in _holding(mine, names, str).items():
        found |= dict(zip(own, held.get(inside, ()), strict=False))
    return found


def _holding(model, layers, place):
    """What layers a part holds → the parts that hold just these, the outer one first. layers: own name → ours."""
    found = defaultdict(list)
    for part in (place(n) for n, _ in model.named_modules() if n):
        inside = frozenset(ours for own, ours in layers.items() if own.startswith(f"{part}."))
        if inside and part not in layers:
            found[inside].append(part)
    return found


def _called(names, name):
    """The library's name of a step or entry, by the longest of its own part's names that is known."""
    ends = (i for i in range(len(name), 0, -1) if i == len(name) or name[i] == ".")
    known = next((name[:i] for i in ends if name[:i] in names), "")
    return names[known] + name[len(known) :] if known else name


def table(theirs, mine):
    """(the reference's name, its shape, the learner's name, its shape, verdict) for each layer of both."""
    if _alike(theirs, mine):
        return tuple((a.name, a.shape, b.name, b.shape, "same") for a, b in by_key(theirs, mine))
    if order := in_place(theirs, mine):
        own = dict(zip(order, mine, strict=True))
        return tuple(_row(layer, own[layer], layer.key == own[layer].key) for layer in theirs)
    # Where layers are missing or too many, the order tells which.
    fits = [SequenceMatcher(None, keys(order), keys(mine), autojunk=False) for order in orders(theirs)]
    order, best = max(zip(orders(theirs), fits, strict=True), key=lambda found: found[1].ratio())
    own, left, instead = {}, [], {}
    for kind, i, j, k, n in best.get_opcodes():
        if kind == "equal":
            own |= dict(zip(order[i:j], mine[k:n], strict=True))
        else:
            left += mine[k:n]
            instead |= {layer: mine[k:n] for layer in order[i:j]}
    for layer in theirs:  # what did not run stands where it was made, and not where it belongs
        if layer not in own and (same := next((o for o in left if o.key == layer.key), None)):
            own[layer] = same
            left.remove(same)
    _blame_shortcut(theirs, own)
    missing = [layer for layer in theirs if layer not in own]
    if not any(layer.calls for layer in mine) and [a.kind for a in missing] == [b.kind for b in left]:
        instead = {layer: [other] for layer, other in zip(missing, left, strict=True)}  # in no order at all
    rows = []
    for layer in theirs:
        found = own.get(layer) or _nearest(layer, [o for o in instead.get(layer, ()) if o in left])
        if found in left:
            left.remove(found)
        rows.append(_row(layer, found, layer in own))
    return tuple(rows + [(extra.name, None, extra.name, extra.shape, "extra") for extra in left])


def _row(layer, own, same):
    if own is None:
        return layer.name, layer.shape, None, None, "missing"
    return layer.name, layer.shape, own.name, own.shape, "same" if same else "other shape"


def in_place(theirs, mine):
    """The order of the reference's layers in which each of a learner's has its place, layers of the same kinds in a
    row; or None where some are missing, too many or elsewhere."""
    ways = [order for order in orders(theirs) if [a.kind for a in order] == [b.kind for b in mine]]

    def fit(order):
        pairs = list(zip(order, mine, strict=True))
        return sum(2 * (a.key == b.key) + (kernel(a.shape) == kernel(b.shape)) for a, b in pairs)

    return max(ways, key=fit, default=None)


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


def flows(pairs, ways):
    """Whether each layer that the ways take from different places is given what the reference's is: what the same layer
    made, or is given as well. pairs: (the reference's, the learner's) of a run in one of the ways."""
    for i, (layer, own) in enumerate(pairs):
        if len({way.get(layer.name) for way in ways}) > 1:
            near = [p for j, p in enumerate(pairs) if j != i and _block(p[0].name) == _block(layer.name)]
            theirs, mine = zip(*near, strict=True)
            if own.given is None or _sources(layer, theirs) != _sources(own, mine):
                return False
    return True


def _sources(layer, near):
    """Of each layer near one: whether it is given the same, and whether it makes what that is given."""

    def same(t):
        return t is not None and t.dtype is layer.given.dtype and torch.equal(t, layer.given)

    return [(same(other.given), same(other.result)) for other in near]


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
                to = own.tensors[role].transpose(0, 1) if own.turned and role == "weight" else own.tensors[role]
                to.copy_(t.view_as(to))
