"""The way back: whether the gradients of a learner's module are the reference's, and whether its numbers can be
trained, saved and loaded as the reference's."""

from itertools import chain

import torch
from torch.nn.parameter import UninitializedTensorMixin

from .._common import shape_text
from . import mistakes
from .differing import two_numbers
from .endless import Endless, within
from .errors import stopped, text_of, where
from .kinds import found, layer_name
from .reference import ROLES

ENOUGH = 1e-2  # of a gradient's length: a ReLU whose input rounding has moved over zero changes a little
DEEP = 5e-2  # in a network there are many such ReLUs, and BNs over a few values: with float64 the same shows


def frozen(learner):
    """A parameter that asks for no gradient, as a finding, or None."""
    name = next((n for n, p in learner.named_parameters() if not p.requires_grad), None)
    return name and found("frozen", layer_name(name))


def expanded(learner):
    """Numbers of which several are one place in memory, as a finding, or None."""
    for name, t in chain(learner.named_parameters(), learner.named_buffers()):
        lazy = isinstance(t, UninitializedTensorMixin)
        if not lazy and any(n > 1 and not step for n, step in zip(t.shape, t.stride(), strict=True)):
            return found("expanded", layer_name(name), shape=shape_text(t.shape))
    return None


def lacking(pairs):
    """A BN without its factor and offset, or without stored numbers, as a finding, or None."""
    for layer, own in pairs:
        if roles := [
            r for r, t in layer.tensors.items() if r != "bias" and t is not None and own.tensors.get(r) is None
        ]:
            kind = "norm without weight" if "weight" in roles else "norm without statistics"
            return found(kind, layer_name(own.name))
    return None


def misplaced(learner, pairs):
    """What is trained and should not be, or is not and should; or what no layer of the reference has, as a finding; or
    None."""
    trained = {p.data_ptr(): n for n, p in learner.named_parameters()}
    saved = set(learner.state_dict(keep_vars=True))
    kept = {b.data_ptr(): n for n, b in learner.named_buffers() if b.is_floating_point() and n in saved}
    plain = {t.data_ptr(): k for m in learner.modules() for k, t in vars(m).items() if isinstance(t, torch.Tensor)}
    used = set()
    for layer, own in pairs:
        name = layer_name(own.name)
        for role, due in layer.tensors.items():
            t = own.tensors.get(role)
            if due is None or t is None:
                continue
            used.add(t.data_ptr())
            if role in ("weight", "bias") and t.data_ptr() not in trained:
                return found("not a parameter", layer_name(kept.get(t.data_ptr(), name)))
            if role in ("mean", "var") and t.data_ptr() in trained:
                return found("a parameter", layer_name(trained[t.data_ptr()]))
            if role in ("mean", "var") and t.data_ptr() in plain:
                names = [plain.get(own.tensors[r].data_ptr()) for r in ("mean", "var")]
                return found("statistics loose", name, names=" and ".join(filter(None, names)))
    for place, name in (*trained.items(), *kept.items()):
        if place not in used:
            kind = "parameter" if place in trained else "buffer"
            return found("stray", layer_name(name), what=kind)
    return None


def backward(known, theirs, run, pairs, part, training):
    """What differs on the way back, as a finding, or None. known: the `Reference`; theirs, run: surveys of
    equal runs; pairs: of these runs."""
    if not run.out.requires_grad:
        return found("cut off", only="")
    try:
        with within():
            mine = _gradients(run.out, [run.x, *_tensors(own for _, own in pairs)])
    except Endless:
        raise
    except Exception as error:  # a learner's own function of autograd may raise anything
        if "inplace operation" not in (message := " ".join(text_of(error).split())):
            return found("stopped on the way back", line=where(error), cause=stopped(error))
        return found("backward stops", message=message.partition(" Hint")[0].rstrip("."))
    turned = [False, *(own.turned and t is own.tensors["weight"] for _, own in pairs for t in _roles(own))]
    mine = [g.transpose(0, 1) if turn and g is not None else g for g, turn in zip(mine, turned, strict=True)]
    kept = known.gradients(theirs, _gradients)
    right = [kept[""], *(kept[layer.name, role] for layer, _ in pairs for role in ROLES if (layer.name, role) in kept)]
    names = ["the input", *(f"{layer_name(own.name)}" for _, own in pairs for t in _roles(own))]
    enough = ENOUGH if part else DEEP
    off = [i for i, (a, b) in enumerate(zip(mine, right, strict=True)) if not _alike(a, b, enough)]
    if not off:
        return None
    if part and (cut := _planted(part, known.module, theirs, mine, pairs)):
        return cut
    # Gradients come from the end: the last layer with another one is the nearest to what is wrong.
    i = off[-1]
    mode = "in training mode" if training else "in eval()"
    if off == list(range(i + 1)) and not any(mine[j].any() for j in off if mine[j] is not None):
        return found("no gradient comes", names[i], mode=mode)
    values = two_numbers(torch.zeros_like(right[i]) if mine[i] is None else mine[i].reshape(right[i].shape), right[i])
    return found("gradients differ", names[i], mode=mode, all=len(off) == len(mine), **values)


def _roles(layer):
    return [t for role in ROLES if (t := layer.tensors.get(role)) is not None]


def _tensors(layers):
    return [t for layer in layers for t in _roles(layer)]


def _gradients(out, tensors):
    """Of one weighted sum of the output by each of the tensors; None for what it does not depend on."""
    weights = torch.randn(out.shape, generator=torch.Generator().manual_seed(1)).to(out)
    asked = [i for i, t in enumerate(tensors) if t.requires_grad]
    with torch.enable_grad():
        loss, due = (out * weights).sum(), [tensors[i] for i in asked]
        try:
            found_now = torch.autograd.grad(loss, due, allow_unused=True, retain_graph=True)
        except RuntimeError as error:
            if "use_reentrant" not in str(error) or not all(t.is_leaf for t in due):
                raise
            found_now = _all_the_way(loss, due)
    given = dict(zip(asked, found_now, strict=True))
    return [given.get(i) for i in range(len(tensors))]


def _all_the_way(loss, leaves):
    """Gradients as loss.backward() leaves them, which a checkpoint with use_reentrant=True asks for."""
    kept = [t.grad for t in leaves]
    for t in leaves:
        t.grad = None
    loss.backward(retain_graph=True)
    found_now = [t.grad for t in leaves]
    for t, grad in zip(leaves, kept, strict=True):
        t.grad = grad
    return found_now


def _alike(mine, right, enough=ENOUGH):
    if mine is None:
        return not right.any()
    return (mine.reshape(right.shape) - right).norm() <= enough * right.norm() + 1e-12


def _planted(part, reference, theirs, mine, pairs):
    """The place at which nothing runs backward, where the reference cut off there has the learner's gradients."""
    run, _ = mistakes.of(part)
    modules = {n: m for n, m in reference.named_modules() if n}
    tensors = [theirs.x, *_tensors(layer for layer, _ in pairs)]
    for cut, what in mistakes.CUTS.items():
        with torch.enable_grad():
            out = run(modules, theirs.x, {"cut": cut}, {})
        if not out.requires_grad:
            continue
        found_now = _gradients(out, tensors)
        zero = [torch.zeros_like(t) for t in tensors]
        if all(
            _alike(z if a is None else a, z if b is None else b) for a, b, z in zip(mine, found_now, zero, strict=True)
        ):
            return found("nothing runs back", what=what, only="")
    return None
