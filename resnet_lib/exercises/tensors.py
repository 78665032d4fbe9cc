"""Checks of functions that give tensors: BN folded into a convolution, weights renamed, Grad-CAM."""

import re
from dataclasses import replace
from itertools import combinations, permutations

import torch
from torch import nn

from .._common import gap
from ..activations import activations
from ..anatomy import shapes_only
from ..compare.proof import draw_norms
from ..network import ResNet
from ..weights import from_published, to_published
from .holding import hold, through

# ── BN folded into a convolution ─────────────────────────────────────────────────────────────────────────────


def check_fold(f, *, exercise=None):
    """f(conv, bn): (weight, bias) of the one convolution that does both in evaluation mode, or that nn.Conv2d."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        cases = []
        for C, C_out, with_bias in ((4, 4, False), (4, 4, True), (3, 5, True)):
            # First as many channels out as in, so that a wrong dimension shows in the numbers; float64, so that equal
            # is equal; a large ε, so that it counts.
            conv, bn = nn.Conv2d(C, C_out, 3, bias=with_bias), nn.BatchNorm2d(C_out, eps=0.1)
            draw_norms(nn.Sequential(bn))
            cases.append((conv.double().eval(), bn.double().eval()))
        return hold(
            "fold",
            f,
            _folding,
            cases,
            lambda conv, bn: _fold(set(), conv, bn),
            _fold,
            FOLD,
            exercise,
            read=_weight_and_bias,
            same=_close,
            tell=_which,
            why=_of_shapes,
        )


FOLD = {
    "start": "Both are still what they were. The weight must be multiplied by s, and the bias is s · (b − μ) + β.",
    "weight": "The weight is unchanged: multiply it by s = γ / √(σ² + ε).",
    "axis": "s belongs to the output channels, the first dimension of the weight: s.view(-1, 1, 1, 1).",
    "eps": "The ε under the root is missing.",
    "outside": "ε belongs under the root, beside the variance.",
    "root": "You divide by the variance: take its root.",
    "gamma": "γ is missing: s = γ / √(σ² + ε).",
    "times": "You multiply by the root: s divides by it.",
    "mean": "The mean μ has not been subtracted: b' = s · (b − μ) + β.",
    "plus": "The mean μ is subtracted, not added.",
    "beta": "β is missing at the end of the bias.",
    "own": "The convolution's own bias is lost: b' = s · (b − μ) + β.",
    "unscaled": "The bias must be scaled too: s multiplies (b − μ).",
    "brackets": "Brackets: s multiplies both, s · (b − μ), and not s · b − μ.",
    "b alone": "Brackets: s multiplies both, s · (b − μ), and not b − s · μ.",
    "inside": "Brackets: β is not scaled, it is added at the end.",
    "turned": "It is b − μ, not μ − b.",
    "subtracted": "β is added, not subtracted.",
    "beta twice": "Where there is no conv.bias, b is 0; bn.bias is β.",
    "s first": "The weight is multiplied by s; you add s.",
    "s added": "s multiplies (b − μ); you add s.",
    "no root": "The root is missing altogether: s = γ / √(σ² + ε).",
    "minus eps": "ε is added to the variance.",
    "squared": "s divides by the root of σ² + ε, not by its square.",
    "over": "s = γ / √(σ² + ε): you have the fraction upside down.",
    "whole": "Divide with /: // rounds down.",
}


# What a BN has stored, and how each may be taken for another.
STORED = {"gamma": "weight", "beta": "bias", "mean": "running_mean", "var": "running_var"}
FOLD |= {
    f"{one} as {other}": f"You use bn.{STORED[one]} where bn.{STORED[other]} is due."
    for one, other in permutations(STORED, 2)
}
FOLD |= {
    f"{one} and {other}": f"bn.{STORED[one]} and bn.{STORED[other]} are exchanged."
    for one, other in combinations(STORED, 2)
}
# s stands in both formulas, and may be wrong in one of them alone.
FOLD |= {
    f"{part} {name}": f"In the {part} alone: {FOLD[name]}"
    for part in ("weight", "bias")
    for name in (
        "eps",
        "outside",
        "root",
        "gamma",
        "times",
        "no root",
        "squared",
        "over",
        "whole",
        *(f"{one} as {other}" for one, other in permutations(STORED, 2) if other in ("gamma", "var")),
    )
}


def _fold(wrong, conv, bn):
    if "start" in wrong:
        return conv.weight, bn.bias
    weight, _ = _folded({w.removeprefix("weight ") for w in wrong}, conv, bn)
    _, bias = _folded({w.removeprefix("bias ") for w in wrong}, conv, bn)
    return weight, bias


def _folded(wrong, conv, bn):
    stored = {name: getattr(bn, attribute) for name, attribute in STORED.items()}
    for one, other in permutations(STORED, 2):
        if f"{one} as {other}" in wrong:
            stored[other] = getattr(bn, STORED[one])
        if f"{one} and {other}" in wrong:
            stored[one], stored[other] = stored[other], stored[one]
    gamma, beta, mean, var = stored.values()
    gamma = torch.ones_like(gamma) if "gamma" in wrong else gamma
    eps = 0 if "eps" in wrong else -bn.eps if "minus eps" in wrong else bn.eps
    root = var.sqrt() + eps if "outside" in wrong else (var + eps).sqrt()
    root = var + eps if "root" in wrong else (var + eps).square() if "squared" in wrong else root
    root = torch.ones_like(root) if "no root" in wrong else root
    s = gamma * root if "times" in wrong else root / gamma if "over" in wrong else gamma / root
    s = gamma // root if "whole" in wrong else s
    b = 0 if conv.bias is None or "own" in wrong else conv.bias
    b = bn.bias if "beta twice" in wrong and conv.bias is None else b
    mean = 0 if "mean" in wrong else -mean if "plus" in wrong else mean
    moved = mean - b if "turned" in wrong else b - mean
    bias = s + moved if "s added" in wrong else moved if "unscaled" in wrong else s * moved
    bias = s * b - mean if "brackets" in wrong else b - s * mean if "b alone" in wrong else bias
    end = 0 if "beta" in wrong else -beta if "subtracted" in wrong else beta
    bias = s * (moved + beta) if "inside" in wrong else bias + end
    if not isinstance(bias, torch.Tensor) or bias.dim() == 0:
        raise ValueError("no bias is left")
    by = s.view(1, -1, 1, 1) if "axis" in wrong else s.view(-1, 1, 1, 1)
    return conv.weight if "weight" in wrong else conv.weight + by if "s first" in wrong else conv.weight * by, bias


def _folding(conv, bn):
    return f"a convolution {'without' if conv.bias is None else 'with'} bias, and its BN"


def _weight_and_bias(found):
    if isinstance(found, nn.Conv2d):
        found = found.weight, found.bias
    good = isinstance(found, tuple | list) and len(found) == 2 and all(isinstance(t, torch.Tensor) for t in found)
    if not good:
        return found, "None: let it return weight, bias" if found is None else "no pair of tensors, weight and bias"
    return tuple(t.detach().double() for t in found), ""


def _of_shapes(cases, got, due):
    for (weight, bias), (right, offsets) in zip(got, due, strict=True):
        if weight.shape != right.shape:
            return f"You give a weight of shape {tuple(weight.shape)}; it should stay {tuple(right.shape)}."
        if bias.shape != offsets.shape:
            return (
                f"Your bias has the shape {tuple(bias.shape)}: one number a channel is wanted, {tuple(offsets.shape)}."
            )
    if all(
        torch.allclose(a, b, 1e-5, 1e-6)
        for yours, right in zip(got, due, strict=True)
        for a, b in zip(yours, right, strict=True)
    ):
        return "It is right to 6 digits: torch.zeros and torch.ones give float32. Add dtype=conv.weight.dtype."
    return None


def _close(a, b):
    if isinstance(a, torch.Tensor):
        return gap(a, b)[1] <= 1e-4
    return all(
        x.shape == y.shape and torch.allclose(x, y, rtol=1e-9, atol=1e-12, equal_nan=True)
        for x, y in zip(a, b, strict=True)
    )


def _which(yours, right):
    off = [n for n, a, b in zip(("weight", "bias"), yours, right, strict=True) if not _close((a,), (b,))]
    return f"the {' and the '.join(off)} {'is' if len(off) == 1 else 'are'} not right"


# ── Published names ──────────────────────────────────────────────────────────────────────────────────────────


def check_rename(f, *, exercise=None):
    """f(published): the same tensors in a new dictionary under the library's names."""
    with shapes_only():
        shapes = to_published(ResNet(blocks=(2, 1, 1, 12), base=4, num_classes=3).state_dict())
    # Every tensor holds a number of its own, so that it is known again, copied or not.
    published = {name: torch.full(t.shape, i, dtype=t.dtype) for i, (name, t) in enumerate(shapes.items())}
    due = from_published(published)
    verdict = hold(
        "rename",
        through(f, lambda given: f(dict(given))),
        lambda _: "published names",
        [(published,)],
        lambda _: due,
        _no_slips,
        {},
        exercise,
        read=lambda found: _entries(found, published, due),
        same=lambda a, b: list(a) == list(b) or set(a) == set(b),
    )
    return replace(verdict, sentence=f"All {len(due):,} entries have their right names.")


def _no_slips(wrong, published):
    raise ValueError("each wrong name says by itself what is wrong")


def _entries(found, published, due):
    if not isinstance(found, dict):
        kind = f"a {type(found).__name__}, and not a dictionary name → tensor"
        return found, "None: let it return the new dictionary" if found is None else kind
    by = {t.flatten()[0].item(): name for name, t in found.items() if isinstance(t, torch.Tensor)}
    if odd := [type(name).__name__ for name in found if not isinstance(name, str)]:
        return found, f"a {odd[0]} as a key: the names are the keys, and the tensors their values"
    if not found:
        return found, "an empty dictionary: each tensor has to go into it under its new name"
    if len(found) == 1:
        why = "the return stands inside the loop" if 0 in by else "the dictionary is made anew in every round"
        return found, f"one entry alone: {why}"
    for i, (was, right) in enumerate(zip(published, due, strict=True)):
        now = by.get(i)
        if now is None:
            return found, f"no tensor of {was!r}: it is lost, as happens where two names become one"
        if now != right:
            did = "is still its name" if now == was else f"became {now!r}"
            advice = UNCHANGED if found.keys() == published.keys() else _advice(was, now, right)
            return found, f"a wrong name: {was!r} {did}, and should be {right!r}. {advice}"
    if len(found) != len(due):
        return found, f"{len(found)} entries, and there were {len(due)}"
    return found, ""


UNCHANGED = "No name has changed; name.replace(…) gives a new text, and leaves name as it is"


def _advice(was, now, right):
    """What probably happened to one name."""
    if now.replace(".", "") == right.replace(".", ""):
        return "A point is missing, or one too many"
    if (stage := re.match(r"stage(\d)\.\d", now)) and stage[1] != right[5]:
        return "layer1 is Stage 1: the numbers stay"
    if was.startswith("layer") and "stage0" in now:
        return "Only a name that begins with conv1. or bn1. belongs to Stage 0; inside a block it stays"
    if was.startswith("fc"):
        return "The linear layer belongs to the head"
    if "downsample" in was and "shortcut" in now:
        return "downsample.0 is the convolution, downsample.1 the BN"
    if "downsample" in was:
        return "The shortcut is called downsample there"
    if now == f"stage0.{was}":
        return "In Stage 0 they are called conv and bn, without a number"
    if was.startswith(("conv1", "bn1")):
        return "What stands before layer1 belongs to stage0"
    return "In a layer only layer and downsample change" if now != was else "Does a line of yours change such names"


# ── Grad-CAM ─────────────────────────────────────────────────────────────────────────────────────────────────


def check_grad_cam(f, *, exercise=None):
    """f(network, x, target, step): the map of Grad-CAM, (h, w)."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        network = ResNet(blocks=(1, 1, 1, 1), base=8, num_classes=6)
        draw_norms(network)
        x = torch.randn(1, 3, 64, 96)  # no square, so that height and width cannot be taken for each other
    # Classes that are not the most probable, with maps that have both signs: only there do all mistakes show.
    cases = [(network.eval(), x, *at) for at in ((0, "stage2"), (3, "stage2"), (4, "stage3"))]
    passes = {step: activations(network, x, [step, ""], grad=True) for step in ("stage2", "stage3")}

    def slip(wrong, _network, _x, target, step):
        return _grad_cam(wrong, passes[step][step], passes[step][""], target)

    return hold(
        "grad_cam",
        f,
        lambda _n, _x, target, step: f"class {target} at {step}",
        cases,
        lambda *case: slip(set(), *case),
        slip,
        GRAD_CAM,
        exercise,
        read=_map,
        same=_close,
        tell=_map_difference,
        why=_of_map_shapes,
        meanings=CAM_ERRORS,
    )


CAM_ERRORS = [
    (
        r"'tuple' object has no attribute",
        "torch.autograd.grad gives a tuple, here with one tensor: (slopes,) = …, or [0] behind it.",
    ),
    (
        r"'NoneType' object has no attribute",
        "Something is None there. backward() fills .grad for weights alone: for maps write "
        "torch.autograd.grad(logits[0, target], maps).",
    ),
    (
        r"size of tensor a \((\d+)\) must match",
        "Two shapes do not fit. Are the weights still (1, C, 1, 1)? In a mean, keepdim=True keeps the sides.",
    ),
]
GRAD_CAM = {
    "sum": "Take the mean of the gradients over the places, not their sum.",
    "no relu": "The ReLU of equation (2) is missing: the map has negative values.",
    "mean": "Equation (2) is a sum over the channels, not their mean.",
    "softmax": "Take the gradient of the logit itself, not of the probability after softmax.",
    "other": "Take the logit of the class that is asked for, not the largest one.",
    "early relu": "The ReLU comes last, after the sum over channels, and not on each channel.",
    "absolute": "The ReLU keeps the positive values; it does not turn negative ones round.",
    "elementwise": "Average the gradients over the places first: one weight for each channel, equation (1).",
    "no gradient": "The maps are not weighed: the gradients are missing.",
    "no maps": "The maps themselves are missing: weight times map, equation (2).",
    "scaled": "The map is divided by its largest value; the equations do not do that.",
    "one weight": "One weight for each channel: average over the places, dimensions 2 and 3, and nothing else.",
    "mean twice": "The places are averaged twice: a mean, or a sum divided by h · w.",
    "columns": "Average over both dimensions of the places, (2, 3), and not over 2 alone.",
    "rows": "Average over both dimensions of the places, (2, 3), and not over 3 alone.",
    "by h": "The mean over the places divides by h · w, and not by h.",
    "by w": "The mean over the places divides by h · w, and not by w.",
    "added": "A weight multiplies its map; you add the two.",
    "last": "Only the last channel counts: the sum grows from channel to channel, heat = heat + …",
    "first": "Only the first channel counts: the sum goes over all of them.",
    "all classes": "Take the gradient of the logit of the class that is asked for, not of the sum of all.",
    "negative": "The sign is the wrong way round: what speaks against the class is kept.",
}


def _grad_cam(wrong, maps, logits, target):
    target = logits.argmax().item() if "other" in wrong else target
    scores = logits.softmax(1) if "softmax" in wrong else logits
    score = scores.sum() if "all classes" in wrong else scores[0, target]
    (slopes,) = torch.autograd.grad(score, maps, retain_graph=True)
    h, w = maps.shape[2:]
    weights = slopes.sum((2, 3), keepdim=True) if "sum" in wrong else slopes.mean((2, 3), keepdim=True)
    weights = slopes if "elementwise" in wrong else torch.ones_like(weights) if "no gradient" in wrong else weights
    weights = slopes.mean() if "one weight" in wrong else weights / (h * w) if "mean twice" in wrong else weights
    weights = slopes.mean(2, keepdim=True) if "columns" in wrong else weights
    weights = slopes.mean(3, keepdim=True) if "rows" in wrong else weights
    weights = weights * h if "by w" in wrong else weights * w if "by h" in wrong else weights
    terms = weights.expand_as(maps) if "no maps" in wrong else weights + maps if "added" in wrong else weights * maps
    terms = terms.relu() if "early relu" in wrong else terms
    terms = terms[:, -1:] if "last" in wrong else terms[:, :1] if "first" in wrong else terms
    values = terms.mean(1)[0] if "mean" in wrong else terms.sum(1)[0]
    values = -values if "negative" in wrong else values
    values = values.abs() if "absolute" in wrong else values if "no relu" in wrong else values.relu()
    values = values / values.max().clamp(min=1e-12) if "scaled" in wrong else values
    return values.detach()


def _map(found):
    if not isinstance(found, torch.Tensor):
        kind = f"a {type(found).__name__}: the map alone is wanted, one tensor of shape (h, w)"
        return found, "None: let it return the map" if found is None else kind
    if found.requires_grad:
        return found, "a map that still hangs on the gradients: end with .detach()"
    return found, ""


def _of_map_shapes(cases, got, due):
    """What is probably missing where the map has another shape: (h, w) is due."""
    yours, (h, w) = tuple(got[0].shape), due[0].shape
    if yours == (h, w):
        return None
    if yours == (1, h, w):
        return "The first dimension counts pictures, and there is one: take [0]."
    if yours[-2:] == (h, w):
        return "The sum over the channels is missing: .sum(1) of (1, C, h, w)."
    return "The places must stay and the channels go: in (1, C, h, w), C is dimension 1, h and w are 2 and 3."


def _map_difference(yours, right):
    if yours.shape != right.shape:
        return f"your map is {tuple(yours.shape)} and should be {tuple(right.shape)}"
    return f"your map differs by up to {(yours - right).abs().max().item():.3g}"
