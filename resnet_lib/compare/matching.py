"""A learner's module beside the reference: the same outputs, the same gradients, the same names.

What is missing or has another shape is told here; what computes other numbers in differing.py, and what differs on the
way back in backward.py.
"""

from collections import Counter

import torch
from torch import nn

from .._common import one_thread, shape_text
from . import kept
from .backward import expanded, frozen, lacking, misplaced
from .differing import Found, explain, idle, line_of, no_tensor, other_type, same, what_of
from .elsewhere import elsewhere, of_eval
from .errors import stopped
from .kinds import found, layer_name
from .misfit import blocks_of_stages, of_layers
from .own_names import hidden
from .pairing import by_key, copy, flows, keys, orders, pairs_of, placed, table
from .steady import unsteady
from .survey import Layer, survey


@one_thread()
def compare(learner, known, part="", names=(), noted=None):
    """What is wrong with a learner's module, as a `Found`, or None where it computes what the reference does.

    Both run on the same inputs with the same weights, in eval() and in training mode, forward and back. Layers are
    matched by what they are and by the order in which they run, never by name. The learner's module receives the
    reference's weights.
    known:  the `Reference` and its inputs.
    part:   which part the reference is: "stage0", "block", "projection", or "" for a stage or a network.
    names:  parts under whose names the reference's weights have to go to the right places.
    noted:  a list where it is also called many times and with unusual inputs: findings worth a word are added.
    """
    reference, x = known.module, known.inputs[0]
    if wrong := hidden(learner) or frozen(learner) or expanded(learner):
        return Found(wrong)
    with torch.no_grad():
        theirs, mine = known.run(0), survey(learner, x, training=False)
        first = theirs
        if mine.made:
            return Found(found("made in forward", layer_name(mine.made.rpartition(".")[0] or mine.made)))
        if wrong := unsteady(mine):
            return Found(wrong)
        if wrong := _of_layers(learner, theirs, mine, x):
            return wrong
        if wrong := lacking(by_key(theirs.layers, mine.layers)):
            return Found(wrong)
        right, tried = _with_its_weights(learner, theirs, mine, x)
        places, run = tried[-1]
        if not right:
            if wrong := kept.computed(learner):  # the reference's numbers have not come to where they belong
                return Found(wrong)
            wrong = explain(learner, reference, x, theirs, mine, tried, part)
            return of_eval(wrong, learner, known, 0, (first, mine), tried)
        for i, other in enumerate(known.inputs[1:], 1):
            theirs, run = known.run(i), survey(learner, other, mine)
            if wrong := unsteady(run):
                return Found(wrong)
            if not same(run.out, theirs.out):
                tried = [(places, run)]
                wrong = explain(learner, reference, other, theirs, mine, tried, part)
                wrong = of_eval(wrong, learner, known, i, (first, mine), tried)
                return wrong._replace(shape=other.shape)
            if wrong := other_type(run, theirs):
                return Found(wrong, shape=other.shape)
        pairs = pairs_of(places, theirs, mine, mine)
        if wrong := _kept_or_given(learner, theirs, run, pairs) or _under_names(pairs, names):
            return Found(wrong)
        if names and noted is not None:
            noted += _of_other_shapes(pairs)
    return elsewhere(learner, known, places, (first, mine), part, noted)


def _with_its_weights(learner, theirs, mine, x):
    """Give the learner's layers the reference's weights, in each order that is possible until the outputs are the same:
    whether they were, and of each order that counts (places, survey)."""
    tried, ways = [], list(_ways(theirs, mine))
    for turned, places in ways:
        for layer in turned:
            layer.turned = not layer.turned
        copy(pairs_of(places, theirs, mine, mine))
        run = survey(learner, x, mine)
        tried.append((places, run))
        if same(run.out, theirs.out):
            return True, tried
        pairs = pairs_of(places, theirs, run, mine)
        if flows(pairs, [other for _, other in ways]) and not any(turned for turned, _ in ways):
            return False, tried[-1:]  # the others take layers for what they are not
    return False, tried


def _kept_or_given(learner, theirs, run, pairs):
    """What is wrong with a module of right numbers: with what it has made of its input, with the type of what it gives,
    or with how it keeps its own; a finding, or None."""
    if run.changed:
        return found("input overwritten")
    return other_type(run, theirs) or misplaced(learner, pairs)


def _under_names(pairs, names):
    """What is called by a name of the reference's and does another part's work, as a finding, or None.

    Below the names that were asked for, the learner's own may be any; where they are the reference's, each must be in
    its place, since weights go by name.
    """
    alike = {layer.name for layer, _ in pairs} == {own.name for _, own in pairs}
    for layer, own in pairs if names else ():
        asked = next((n for n in names if f"{layer.name}.".startswith(f"{n}.")), None)
        if asked and (own.name != layer.name if alike else not f"{own.name}.".startswith(f"{asked}.")):
            return found("in another's place", layer.name, name=own.name)
    return None


def _of_other_shapes(pairs):
    """The first layer of the reference's name that keeps its weights in another shape, as a list of findings."""
    both = (
        (own, shape_text(layer.first.shape), shape_text(own.first.shape))
        for layer, own in pairs
        if layer.name == own.name
    )
    return [found("kept in another shape", own.name, mine=b, right=a) for own, a, b in both if a != b][:1]


# ── What is wrong with the layers ───────────────────────────────────────────────────────────────────────────────


def _of_layers(learner, theirs, mine, x):
    """What is wrong with the layers that a module is made of, or that keeps it from giving a result; or None."""
    end = line_of(mine, learner)
    own = [layer for layer in mine.layers if not layer.constant]
    if all(layer.calls for layer in own) and Counter(keys(own)) == Counter(keys(theirs.layers)):
        mine.layers = own  # a kernel that nothing would train is no layer where all that are due are there
    if loose := next((layer for layer in mine.layers if layer.name is None), None):
        kind = "BN" if loose.kind == "norm" else "convolution or linear layer"
        return Found(found("unregistered", layer=kind, shape=shape_text(loose.shape)))
    if not mine.layers:
        return Found(stopped(mine.error) if mine.error else found("no layers"), end)
    rows = table(theirs.layers, mine.layers)
    if any(row[-1] != "same" for row in rows):
        counted = None if mine.error else blocks_of_stages(theirs.layers, mine.layers)
        if counted:  # one block that is there twice is no block less
            wrong = [row for row in rows if row[-1] != "same"]
            return Found(_repeated(wrong, mine, learner) or counted, end, rows)
        _turn(theirs, mine)
        rows = table(theirs.layers, mine.layers)
    if any(row[-1] != "same" for row in rows) or _biased(theirs, mine):
        # What no call shows, autograd does, and past .detach() it shows nothing.
        if isinstance(mine.out, torch.Tensor) and not mine.out.requires_grad and _unseen(mine):
            return Found(found("cut off", only=""))
        if wrong := kept.computed(learner) or kept.loose(learner):
            return Found(wrong, end)
        return _of_tables(rows, theirs, mine, learner, end)
    if none := no_tensor(mine):
        return Found(none)
    if not mine.error and not any(layer.calls for layer in mine.layers) and idle(learner, mine.layers, x):
        return Found(found("layers unused", what=what_of(mine.out)))
    return Found(found("x returned")) if not mine.error and same(mine.out, x) else None


def _unseen(mine):
    return any(layer.given is None for layer in mine.layers)


def _ways(theirs, mine):
    """(square matrices to turn round, places) of every way in which the layers may be the reference's."""
    places = []
    for each in (placed(order, mine) for order in orders(theirs.layers)):
        if each not in places:
            places.append(each)
    yield from (((), each) for each in places)
    square = [w for w in mine.layers if w.given is None and len(w.shape) == 2 and w.shape[0] == w.shape[1] > 1]
    if square:
        yield square, places[0]
        yield from (((), each) for each in places[1:])


def _turn(theirs, mine):
    """Take the matrices that no call has shown for their transposes, where these are what the reference has and they
    themselves are not."""
    due, has = Counter(keys(theirs.layers)), Counter(keys(mine.layers))
    wanted, spare = due - has, has - due
    for layer in mine.layers:
        turned = ("weights", layer.shape[::-1])
        if layer.given is None and len(layer.shape) == 2 and wanted[turned] and spare[layer.key]:
            wanted[turned] -= 1
            spare[layer.key] -= 1
            layer.turned = True


def _of_tables(rows, theirs, mine, learner, end):
    if mine.error and (name := _unmade(learner)):
        return Found(found("class not made", name, name=getattr(learner, name).__name__), end)
    # Written in function calls, what comes after the error could not be seen; nor what an unknown name stands for.
    if mine.error and (mine.unplaced or isinstance(mine.error, NameError)):
        return Found(stopped(mine.error), end)
    wrong = [row for row in rows if row[-1] != "same"]
    if not wrong:
        layer, own = _biased(theirs, mine)
        if loose := layer.tensors.get("bias") is not None and _unreached(learner, mine):
            return Found(loose)
        kind = "bias missing" if layer.tensors.get("bias") is not None else "bias too many"
        return Found(found(kind, layer_name(own.name)), end)
    if repeated := _repeated(wrong, mine, learner):
        return Found(repeated, end, rows)
    if counted := blocks_of_stages(theirs.layers, mine.layers):
        return Found(counted, end, rows)
    return Found(of_layers(wrong, theirs.layers, mine.layers), end, rows)


def _unreached(learner, mine):
    """A row of numbers that autograd has not seen at work, as a finding, or None."""
    used = {t.data_ptr() for layer in mine.layers for t in layer.tensors.values() if isinstance(t, torch.Tensor)}
    for name, row in learner.named_parameters():
        if row.data_ptr() not in used and row.dim() == 1:
            without = idle(learner, [Layer("weights", name, {"weight": row.data})], mine.x.detach())
            return found("layer without effect" if without else "no gradient reaches", layer_name(name))
    return None


def _repeated(wrong, mine, learner):
    """A part that is used several times where several parts are due, as a finding, or None."""
    again = [layer for layer in mine.layers if layer.calls > 1]
    missing = Counter(row[1] for row in wrong if row[-1] == "missing")
    if not again or len(missing) != len({row[1] for row in wrong}) or not missing.keys() <= {a.shape for a in again}:
        return None
    again = [layer for layer in again if layer.shape in missing]
    times = again[0].calls
    inside = [n for n, _ in learner.named_modules() if n and all(f"{a.name}.".startswith(f"{n}.") for a in again)]
    return found("layer repeated", layer_name(max(inside, key=len, default=again[0].name)), times=times)


def _unmade(learner):
    """The name of a part that forward uses and that is a class, or None."""
    if isinstance(learner, torch.jit.ScriptModule):  # its class has no forward to look into
        return None
    used = getattr(type(learner).forward, "__code__", None)
    kept = [name for name, value in vars(learner).items() if isinstance(value, type) and issubclass(value, nn.Module)]
    return next((name for name in kept if used and name in used.co_names), None)


def _biased(theirs, mine):
    """The first (reference's, learner's) layer of which only one has a bias, or None."""
    for layer, own in by_key(theirs.layers, mine.layers):
        if layer.kind == "weights" and (layer.tensors.get("bias") is None) != (own.tensors.get("bias") is None):
            return layer, own
    return None
