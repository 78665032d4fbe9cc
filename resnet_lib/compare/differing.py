"""Why a learner's module gives other numbers than the reference: the mistake that gives the same numbers when planted
into the reference; and where none does, the place of the first difference, with the two numbers."""

from typing import NamedTuple

import torch

from .._common import Finding, a_type, gap, shape_text
from .by_name import unit
from .errors import stopped, text_of, where
from .kinds import FIRST, INSIDE, LOOK, found, layer_name, look_at
from .pairing import copy, pairs_of
from .planting import Case, inside, search
from .survey import survey

TOLERANCE = 1e-5


class Found(NamedTuple):
    """What is wrong: the finding, the learner's line, the layers side by side, and the shape of the input."""

    finding: Finding
    where: str = ""
    rows: tuple = ()
    shape: tuple = ()


class _Run(NamedTuple):
    """A run of the learner's module, its layers under the reference's names, and how many layers, from the first on,
    are as they should be."""

    run: object
    taps: dict
    equal: int


def same(a, b, tolerance=TOLERANCE):
    """Whether two tensors are of one shape and differ by no more than rounding does; NaN is never the same."""
    if not (_has_numbers(a) and _has_numbers(b)):
        return False
    return gap(a.detach(), b.detach())[1] <= tolerance


def _has_numbers(t):
    """Whether a thing is a tensor whose numbers are there, each in its place."""
    return isinstance(t, torch.Tensor) and t.layout is torch.strided and not t.is_meta


def line_of(run, learner):
    """The learner's line at which a run stopped, or ""."""
    return where(run.error, learner) if run.error else ""


def what_of(out):
    """What a module has given, in words."""
    if isinstance(out, torch.Tensor) and not _has_numbers(out):
        return "a tensor without numbers (on “meta”)" if out.is_meta else "a sparse tensor"
    if isinstance(out, torch.Tensor):
        return f"shape {shape_text(tuple(out.shape[1:]))}"
    return "None" if out is None else a_type(out)


def no_tensor(run):
    """What a module gives in place of a tensor of numbers, as a finding, or None."""
    if run.error or _has_numbers(run.out):
        return None
    return found("None returned") if run.out is None else found("no tensor returned", what=what_of(run.out))


def other_type(run, theirs):
    """What a module of right numbers gives in another type, or on another device, as a finding, or None."""
    if (run.out.dtype, run.out.device) == (theirs.out.dtype, theirs.out.device):
        return None
    return found("dtype", mine=run.out.dtype, right=theirs.out.dtype)


def explain(learner, reference, x, theirs, mine, tried, part, training=False):
    """Return what is wrong with a module that gives other numbers for x than the reference, as a `Found`.

    theirs, mine: surveys of both. tried: (places, the learner's run), places as `pairing.placed` gives them, one for
    each order in which a learner may run what the reference runs. Both modules are in the mode that is explained, the
    reference with its own numbers.
    """
    if nothing := no_tensor(tried[-1][1]):
        return Found(found("only in training", cause=nothing) if training else nothing)
    if wrong := _of_another_type(learner, theirs, tried):
        return wrong._replace(finding=found("only in training", cause=wrong.finding)) if training else wrong
    runs = []
    for places, run in tried:
        taps = {layer.name: own for layer, own in pairs_of(places, theirs, run, mine)}
        runs.append(_Run(run, taps, _equal(theirs.layers, taps)))
    if without := dropped(learner, x, theirs, mine, tried):
        return Found(without)
    most = max(run.equal for run in runs)
    causes = [_cause(learner, reference, theirs, x, part, run, training) for run in runs if run.equal == most]
    return next((cause for cause, proved in causes if proved), causes[0][0])


def _of_another_type(learner, theirs, tried):
    """Numbers that differ by no more than their own type makes them, or that torch refuses for it: no other cause is
    needed. None where it is not that."""
    right, last = theirs.out, tried[-1][1]
    if last.error and (said := stopped(last.error)).values.get("cause", said).kind.name == "types of numbers meet":
        return Found(said, line_of(last, learner))
    for mine in (run.out for _, run in tried):
        if not isinstance(mine, torch.Tensor) or mine.shape != right.shape or mine.dtype is right.dtype:
            continue
        eps = 4 * torch.finfo(mine.dtype).eps if mine.is_floating_point() else 0
        if torch.allclose(mine.real.double(), right.to(mine.dtype).real.double(), eps, eps):
            return Found(found("dtype", mine=mine.dtype, right=right.dtype))
    return None


def dropped(learner, x, theirs, mine, tried):
    """A dropout without which the numbers are right, as a finding, or None."""
    for places, run in tried:
        if not run.dropped:
            continue
        with torch.no_grad():
            copy(pairs_of(places, theirs, mine, mine))
        if same(survey(learner, x, mine, dropout=False).out, theirs.out, 10 * TOLERANCE):
            kinds = torch.nn.modules.dropout._DropoutNd
            name = next((n for n, m in learner.named_modules() if isinstance(m, kinds) and m.p), "")
            return found("dropout", name, what=f"{name}, a dropout," if name else "A dropout")
    return None


def _equal(layers, taps):
    """How many of the reference's layers, from the first on, have given the same in the learner's module, as far as can
    be seen."""
    for i, layer in enumerate(layers):
        own = taps.get(layer.name)
        if own is None or not own.calls or own.result is not None and not same(own.result, layer.result):
            return i
    return len(layers)


def _cause(learner, reference, theirs, x, part, tried, training):
    """(Found, whether it is proved) for a run whose numbers are not the reference's."""
    run, taps, equal = tried
    layers, line = theirs.layers, line_of(run, learner)
    i = _blamed(layers, taps, theirs, run, min(equal, len(layers) - 1), part)
    first = layers[i]
    at = part or _part(first.name)
    its = layers if part else [layer for layer in layers if _part(layer.name) == at]
    mistake = _planted(reference, theirs, x, part, at, its, first, taps, run)
    if fed := _fed_with_f(its, taps):
        return Found(fed, line), True
    if mistake:
        if training:
            mistake = found("only in training", cause=mistake)
        return Found(found("mistake" if part else "mistake in a part", layer_name(at), cause=mistake), line), True
    if run.error:
        if left := _left_out(layers, taps):
            return Found(found("part skipped", left[0], later=left[1]), line), False
        return Found(_uncalled(its, taps, run.error) or stopped(run.error), line), False
    return Found(_unproved(learner, taps, run, theirs, x, part, layers[equal:], training)), False


def _blamed(layers, taps, theirs, run, i, part):
    """The place of the layer whose part is to blame: one that is given other numbers is not at fault, the part before
    it is."""
    if part or not 0 < i < len(layers) or _part(layers[i].name) == _part(layers[i - 1].name):
        return i
    head, own = layers[i].name == "head.fc", taps.get(layers[i].name)
    entry = theirs.last_map if head else layers[i].given
    got = run.last_map if head else own and own.given
    strided = own and len(own.shape) == 2 and got is not None and got.shape[2:] < entry.shape[2:]
    if head and any(same(t, entry) for t in run.maps):  # the head itself changes it
        return i
    return i - 1 if got is not None and not strided and not same(got, entry) else i


def _planted(reference, theirs, x, part, at, its, first, taps, run):
    """The mistake that gives the learner's numbers when planted into the reference, or None."""
    layers = theirs.layers
    following = None if part else next(iter(layers[layers.index(its[-1]) + 1 :]), None)
    stopped_here = run.error is not None
    if following is None:
        target, right = run.out if not stopped_here else None, theirs.out
    elif following.name == "head.fc":
        target, right = run.last_map if not stopped_here else None, theirs.last_map
    else:
        own = taps.get(following.name)
        target, right = own.given if own else None, following.given
    if target is None and not stopped_here:
        return None  # what comes out of the part cannot be seen
    mine = taps[its[0].name].given if its[0].name in taps else x
    right_x = its[0].given
    if at == "head":
        right_x = theirs.last_map
        mine = next((t for t in run.maps if same(t, right_x)), run.last_map)
    if mine is None or mine.shape != right_x.shape or not same(mine, right_x):
        mine = right_x
    here = "" if part else at
    differs = {first.name: first} if _seen_other(taps, first) else {}
    case = Case(
        at,
        inside(here, dict(reference.named_modules())),
        given=right_x,
        right=right,
        mine=mine,
        target=target,
        stops=(text_of(run.error) or "stopped") if stopped_here and target is None else "",
        step=next(iter(inside(here, differs)), ""),
        steps=inside(here, {n: t.result for n, t in taps.items()}),
        eps=inside(here, {n: t.eps for n, t in taps.items()}),
        tolerance=TOLERANCE,
    )
    with torch.no_grad():
        return search(case)[0]


def _unproved(learner, taps, run, theirs, x, part, differing, training):
    """What can be said where no planted mistake gives the learner's numbers. differing: layers from the first on."""
    unused = next((t for t in taps.values() if t.calls == 0 and idle(learner, [t], x)), None)
    if unused is not None:
        scripted = any(isinstance(m, torch.jit.ScriptModule) for m in learner.modules())
        norm = isinstance(dict(learner.named_modules()).get(unused.name), torch.nn.modules.batchnorm._BatchNorm)
        calls_show = (len(unused.first.shape) == 4 or norm) and not scripted
        return found("layer not called" if calls_show else "layer without effect", layer_name(unused.name))
    many = next((t for t in taps.values() if t.calls > 1), None)
    if many is not None:
        return found("called several times", layer_name(many.name), times=many.calls)
    if training and (late := _late(taps, theirs)):
        return late
    if run.out.shape != theirs.out.shape:
        shape, right, given = (shape_text(tuple(t.shape)) for t in (run.out, theirs.out, x))
        bare = [[n for n in t.shape if n > 1] for t in (run.out, theirs.out)]
        lost = run.out.dim() < theirs.out.dim() and bare[0] == bare[1]
        return found("side of 1 lost" if lost else "output shape", shape=shape, x=given, right=right)
    first = next((layer for layer in differing if _seen_other(taps, layer)), None)
    mine, right = (run.out, theirs.out) if first is None else (taps[first.name].result, first.result)
    given = None if first is None else taps[first.name].given
    before = given is not None and given.shape == first.given.shape and not same(given, first.given)
    mine, right = (given, first.given) if before else (mine, right)
    if first is not None and mine.shape != right.shape:
        shapes = [shape_text(tuple(t.shape)) for t in (mine, right)]
        return found("shapes differ", layer_name(first.name), mine=shapes[0], right=shapes[1])
    name = layer_name(first.name) if first else ""
    values = {**two_numbers(mine, right), "mode": "in training mode " if training else ""}
    if before:
        return found("numbers differ before", name, before=look_before(first, x), **values)
    if first is not None:
        looks = INSIDE if same(given, first.given) else FIRST if same(first.given, x) else LOOK
        return found("numbers differ", name, look=look_at(first.name, "the order of its steps", looks), **values)
    hidden = any(t.result is None for t in taps.values())
    kind = "differs somewhere" if hidden else "differs after the block's layers" if part else "differs after the layers"
    part = part or ("logits" if any(layer.name == "head.fc" for layer in theirs.layers) else "block")
    return found(kind, look=look_at(part, "the sum and what follows it"), **values)


def look_before(layer, x):
    """Where to look for what has changed a layer's input: x itself goes into the first layer and into the shortcut."""
    return "is done to x before" if same(layer.given, x) else "comes between it and the layer before"


def two_numbers(mine, right):
    """Where two tensors of one shape first differ, and what is there, in as many digits as tell the two apart: a
    finding's values."""
    mine, right = mine.detach().double(), right.detach().double()
    off = ~((mine - right).abs() <= TOLERANCE * (right.abs().max() or 1.0))
    at = tuple(off.nonzero()[0].tolist()) if off.any() else (0,) * mine.dim()
    both = mine[at].item(), right[at].item()
    digits = next((n for n in range(4, 9) if len({f"{number:.{n}g}" for number in both}) == 2), 9)
    mine, right = (float(f"{number:.{digits}g}") for number in both)
    return {"at": list(at), "mine": mine, "right": right}


def _seen_other(taps, layer):
    own = taps.get(layer.name)
    return own is not None and own.result is not None and not same(own.result, layer.result)


@torch.no_grad()
def idle(learner, layers, x):
    """Whether layers that no call has shown play no part: other numbers in them change nothing."""
    before, numbers = survey(learner, x).out, [layer.first.clone() for layer in layers]
    for layer in layers:
        layer.first.add_(1)
    after = survey(learner, x).out
    for layer, kept in zip(layers, numbers, strict=True):
        layer.first.copy_(kept)
    return same(before, after)


def _late(taps, theirs):
    """A finding for a layer that gives a BN more or fewer values than it should, or None."""
    for layer in theirs.layers:
        own = taps.get(layer.name)
        if own is not None and own.result is not None and own.result.shape != layer.result.shape:
            shape, right = (shape_text(tuple(t.shape)) for t in (own.result, layer.result))
            kind = "early stride" if own.result.numel() < layer.result.numel() else "late stride"
            return found(kind, layer_name(own.name), shape=shape, right=right)
    return None


def _fed_with_f(its, taps):
    """A finding for a projection that is given what F has made in place of x, or None."""
    side = next((layer for layer in its if layer.name.endswith("shortcut.conv")), None)
    own = side and taps.get(side.name)
    F = [taps[layer.name] for layer in its if layer.name in taps and ".shortcut." not in f".{layer.name}"]
    made = [t for tap in F if tap.result is not None for t in (tap.result, tap.result.relu())]
    if not own or own.given is None:
        return None
    strided = [side.given[:, :, ::n, ::n] for n in (1, 2, 3, 4)]  # as a product of matrices takes it
    if any(same(tap.given, x) for x in strided for tap in F[1:]):
        return None  # a layer of F of the same shape has been taken for the projection
    if not any(same(own.given, x) for x in strided) and any(same(own.given, t) for t in made):
        shape, right = (shape_text(tuple(t.shape[1:])) for t in (own.given, side.given))
        return found("shortcut fed with F", layer_name(own.name), shape=shape, right=right)
    return None


def _uncalled(inside, taps, error):
    """A finding for a shortcut that forward leaves out and so cannot add, or None."""
    ran = {layer.name: taps[layer.name] for layer in inside if layer.name in taps}
    idle = [own for name, own in ran.items() if "shortcut." in name and not own.calls]
    right = all("shortcut." in layer.name or same(ran[layer.name].result, layer.result) for layer in inside)
    if not idle or not right or isinstance(error, NameError):
        return None
    name = idle[0].name.rpartition(".")[0] or idle[0].name
    message = f"{type(error).__name__}: {' '.join(text_of(error).split()).rstrip('.')}"
    return found("shortcut not called", name, error=message)


def _left_out(layers, taps):
    """The learner's names of the first part that has not run and of the last one that has, or None."""
    own = [taps[layer.name] for layer in layers if layer.name in taps and ".shortcut." not in f".{layer.name}"]
    ran = [i for i, layer in enumerate(own) if layer.calls]
    left = next((layer for layer in own[: max(ran, default=0)] if not layer.calls), None)
    if left is None or len(left.first.shape) == 2:  # whether a product of matrices ran cannot be seen
        return None
    steps = left.name.split(".")
    parts = (".".join(steps[: i + 1]) for i in range(len(steps)))
    part = next((p for p in parts if not any(f"{own[i].name}.".startswith(f"{p}.") for i in ran)), left.name)
    return layer_name(part), layer_name(own[max(ran)].name)


def _part(name):
    """stage0, a block such as stage1.0 (or 0 in a stage alone), or head."""
    return unit(name) if name.startswith(("stage", "head")) else name.split(".")[0]
