"""Checks of functions that give tensors: BN folded into a convolution, weights renamed, Grad-CAM."""

import re

import torch
from torch import nn

from ..activations import activations
from ..mistakes import gap
from ..network import ResNet
from ..proof import draw_norms
from ..weights import from_published, to_published
from .holding import hold

# ── BN folded into a convolution ─────────────────────────────────────────────────────────────────────────────


def check_fold(f, *, exercise=None):
    """f(conv, bn): (weight, bias) of the one convolution that does both in evaluation mode, or that nn.Conv2d."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        cases = []
        for with_bias in (False, True):
            # As many channels out as in, so that a wrong dimension shows in the numbers; float64, so that equal is
            # equal; a large ε, so that it counts.
            conv, bn = nn.Conv2d(4, 4, 3, bias=with_bias), nn.BatchNorm2d(4, eps=0.1)
            draw_norms(nn.Sequential(bn))
            cases.append((conv.double().eval(), bn.double().eval()))
        return hold(
            "fold", f, _folding, cases, lambda conv, bn: _fold(set(), conv, bn), _fold, FOLD, exercise,
            read=_weight_and_bias, same=_close, tell=_which,
        )  # fmt: skip


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
}


# s stands in both formulas, and may be wrong in one of them alone.
FOLD |= {
    f"{part} {name}": f"In the {part} alone: {FOLD[name]}"
    for part in ("weight", "bias")
    for name in ("eps", "outside", "root", "gamma", "times")
}


def _fold(wrong, conv, bn):
    if "start" in wrong:
        return conv.weight, bn.bias
    weight, _ = _folded({w.removeprefix("weight ") for w in wrong}, conv, bn)
    _, bias = _folded({w.removeprefix("bias ") for w in wrong}, conv, bn)
    return weight, bias


def _folded(wrong, conv, bn):
    gamma, beta, mean, var = bn.weight, bn.bias, bn.running_mean, bn.running_var
    gamma = torch.ones_like(gamma) if "gamma" in wrong else gamma
    eps = 0 if "eps" in wrong else bn.eps
    root = var + eps if "root" in wrong else var.sqrt() + eps if "outside" in wrong else (var + eps).sqrt()
    s = gamma * root if "times" in wrong else gamma / root
    b = 0 if conv.bias is None or "own" in wrong else conv.bias
    mean = 0 if "mean" in wrong else -mean if "plus" in wrong else mean
    bias = (1 if "unscaled" in wrong else s) * (b - mean) + (0 if "beta" in wrong else beta)
    if not isinstance(bias, torch.Tensor) or bias.dim() == 0:
        raise ValueError("no bias is left")
    by = s.view(1, -1, 1, 1) if "axis" in wrong else s.view(-1, 1, 1, 1)
    return conv.weight if "weight" in wrong else conv.weight * by, bias


def _folding(conv, bn):
    return f"a convolution {'without' if conv.bias is None else 'with'} bias, and its BN"


def _weight_and_bias(found):
    if isinstance(found, nn.Conv2d):
        found = found.weight, found.bias
    good = isinstance(found, tuple | list) and len(found) == 2 and all(isinstance(t, torch.Tensor) for t in found)
    if not good:
        return found, "None: let it return weight, bias" if found is None else "no pair of tensors, weight and bias"
    weight, bias = (t.detach().double() for t in found)
    if tuple(weight.shape) != (4, 4, 3, 3):
        return found, f"a weight of shape {tuple(weight.shape)}; it should stay {(4, 4, 3, 3)}"
    if tuple(bias.shape) != (4,):
        return found, f"a bias of shape {tuple(bias.shape)}: one number a channel, (4,), is wanted"
    return (weight, bias), ""


def _close(a, b):
    if isinstance(a, torch.Tensor):
        return gap(a, b)[1] <= 1e-4
    return all(x.shape == y.shape and torch.allclose(x, y, rtol=1e-9, atol=1e-12) for x, y in zip(a, b, strict=True))


def _which(yours, right):
    off = [n for n, a, b in zip(("weight", "bias"), yours, right, strict=True) if not _close((a,), (b,))]
    return f"the {' and the '.join(off)} {'is' if len(off) == 1 else 'are'} not right"


# ── Published names ──────────────────────────────────────────────────────────────────────────────────────────


def check_rename(f, *, exercise=None):
    """f(published): the same tensors in a new dictionary under the library's names."""
    with torch.device("meta"):
        shapes = to_published(ResNet(blocks=(2, 1, 1, 12), base=4, num_classes=3).state_dict())
    # Every tensor holds a number of its own, so that it is known again, copied or not.
    published = {name: torch.full(t.shape, i, dtype=t.dtype) for i, (name, t) in enumerate(shapes.items())}
    due = from_published(published)
    return hold(
        "rename", f, lambda _: "published names", [(published,)], lambda _: due, _no_slips, {}, exercise,
        read=lambda found: _entries(found, published, due), same=lambda a, b: list(a) == list(b) or set(a) == set(b),
    )  # fmt: skip


def _no_slips(wrong, published):
    raise ValueError("each wrong name says by itself what is wrong")


def _entries(found, published, due):
    if not isinstance(found, dict):
        return found, "None: let it return the new dictionary" if found is None else "no dictionary"
    by = {t.flatten()[0].item(): name for name, t in found.items() if isinstance(t, torch.Tensor)}
    for i, (was, right) in enumerate(zip(published, due, strict=True)):
        now = by.get(i)
        if now is None:
            return found, f"no tensor of {was!r}: it is lost. Did two names become one?"
        if now != right:
            did = "is still its name" if now == was else f"became {now!r}"
            return found, f"a wrong name: {was!r} {did}, and should be {right!r}. {_advice(was, now, right)}".rstrip(
                ". "
            )
    if len(found) != len(due):
        return found, f"{len(found)} entries, and there were {len(due)}"
    return found, ""


def _advice(was, now, right):
    """What probably happened to one name."""
    if was.startswith("layer") and "stage0" in now:
        return "Only a name that begins with conv1. or bn1. belongs to Stage 0; inside a block it stays"
    if re.search(r"stage\d", now) and re.search(r"stage(\d)", now)[1] != re.search(r"\d", right)[0]:
        return "layer1 is Stage 1: the numbers stay"
    if "downsample" in was and "shortcut" in now:
        return "downsample.0 is the convolution, downsample.1 the BN"
    if "downsample" in was:
        return "The shortcut is called downsample there"
    if was.startswith(("conv1", "bn1")):
        return "What stands before layer1 belongs to stage0"
    return "The linear layer belongs to the head" if was.startswith("fc") else ""


# ── Grad-CAM ─────────────────────────────────────────────────────────────────────────────────────────────────


def check_grad_cam(f, *, exercise=None):
    """f(network, x, target, step): the map of Grad-CAM, (h, w)."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        network = ResNet(blocks=(1, 1, 1, 1), base=8, num_classes=6)
        draw_norms(network)
        x = torch.randn(1, 3, 64, 64)
    # Classes that are not the most probable, with maps that have both signs: only there do all mistakes show.
    cases = [(network.eval(), x, *at) for at in ((0, "stage2"), (5, "stage2"), (4, "stage3"))]
    return hold(
        "grad_cam", f, lambda _n, _x, target, step: f"class {target} at {step}", cases,
        lambda *case: _grad_cam(set(), *case), _grad_cam, GRAD_CAM, exercise,
        read=_map, same=_close, tell=_map_difference,
    )  # fmt: skip


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
}


def _grad_cam(wrong, network, x, target, step):
    kept = activations(network, x, [step, ""], grad=True)
    maps, logits = kept[step], kept[""][0]
    target = logits.argmax().item() if "other" in wrong else target
    (slopes,) = torch.autograd.grad((logits.softmax(0) if "softmax" in wrong else logits)[target], maps)
    weights = slopes.sum((2, 3), keepdim=True) if "sum" in wrong else slopes.mean((2, 3), keepdim=True)
    weights = slopes if "elementwise" in wrong else torch.ones_like(weights) if "no gradient" in wrong else weights
    terms = weights.expand_as(maps) if "no maps" in wrong else weights * maps
    terms = terms.relu() if "early relu" in wrong else terms
    values = terms.mean(1)[0] if "mean" in wrong else terms.sum(1)[0]
    values = values.abs() if "absolute" in wrong else values if "no relu" in wrong else values.relu()
    values = values / values.max().clamp(min=1e-12) if "scaled" in wrong else values
    return values.detach()


def _map(found):
    if not isinstance(found, torch.Tensor):
        return found, "None: let it return the map" if found is None else f"a {type(found).__name__} and not a tensor"
    if found.requires_grad:
        return found, "a map that still hangs on the gradients: end with .detach()"
    return found, ""


def _map_difference(yours, right):
    if yours.shape != right.shape:
        return f"your map is {tuple(yours.shape)} and should be {tuple(right.shape)}"
    return f"your map differs by up to {(yours - right).abs().max().item():.3g}"
