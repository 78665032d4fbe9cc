"""Check of a BN folded into a convolution."""

import re
from itertools import combinations, permutations

import torch
from torch import nn

from .._common import Finding, Kind, gap
from ..compare.proof import draw_norms
from .edits import Solution
from .judge import judge
from .results import NO_RESULT, as_tensor

_S = "s = bn.weight / (bn.running_var + bn.eps).sqrt()"
# Mistakes in s, which stands in both formulas and may be wrong in one of them alone.
_OF_S = """
` + bn.eps` → ``
    The ε under the root is missing.
`bn.eps` → `1e-5`
    ε is typed in: it is bn.eps, which may be another number.
`(bn.running_var + bn.eps).sqrt()` → `(bn.running_var.sqrt() + bn.eps)`
    ε belongs under the root, beside the variance.
`.sqrt()` → ``
    You divide by the variance: take its root.
`bn.weight /` → `1 /`
    γ is missing: s = γ / √(σ² + ε).
`bn.weight /` → `bn.weight *`
    You multiply by the root: s divides by it.
` / (bn.running_var + bn.eps).sqrt()` → ``
    The root is missing altogether: s = γ / √(σ² + ε).
`.sqrt()` → `.square()`
    s divides by the root of σ² + ε, not by its square.
`bn.weight / (bn.running_var + bn.eps).sqrt()` → `(bn.running_var + bn.eps).sqrt() / bn.weight`
    s = γ / √(σ² + ε): you have the fraction upside down.
`bn.weight /` → `bn.weight //`
    Divide with /: // rounds down.
"""
_STORED = ("weight", "bias", "running_mean", "running_var")
_OF_S += "".join(
    f"`bn.{right}` → `bn.{used}`\n    You use bn.{used} where bn.{right} is expected.\n"
    for used, right in permutations(_STORED, 2)
    if right in ("weight", "running_var")
)


def _alone(part):
    """The mistakes in s, in the line of one part alone."""
    rows = iter(_OF_S.strip().splitlines())
    table = ""
    for head, sentence in zip(rows, rows, strict=True):
        ((old, new),) = re.findall("`([^`]*)` → `([^`]*)`", head)
        table += f"`{_S}  # {part}` → `{_S.replace(old, new)}`\n    In the {part} alone: {sentence.strip()}\n"
    return table


FOLD = Solution(
    """
def fold(conv, bn):
    b = 0 if conv.bias is None else conv.bias
    {_S}  # weight
    weight = conv.weight * s.view(-1, 1, 1, 1)
    {_S}  # bias
    bias = s * (b - bn.running_mean) + bn.bias
    return weight, bias
""".replace("{_S}", _S),
    """
`return weight, bias` → `return conv.weight, bn.bias`
    Both are still what they were. The weight must be multiplied by s, and the bias is s · (b − μ) + β.
`return weight, bias` → `return conv.weight, bias`
    The weight is unchanged: multiply it by s = γ / √(σ² + ε).
    Hint: Write s on paper for one channel: a factor, divided by a root. What is under it?
`s.view(-1, 1, 1, 1)` → `s.view(1, -1, 1, 1)`
    s belongs to the output channels, the first dimension of the weight: s.view(-1, 1, 1, 1).
    Hint: s has one number for each output channel. Which dimension of the weight is that?
`(b - bn.running_mean)` → `b`
    The mean μ has not been subtracted: b' = s · (b − μ) + β.
`b - bn.running_mean` → `b + bn.running_mean`
    The mean μ is subtracted, not added.
` + bn.bias` → ``
    β is missing at the end of the bias.
`b - bn.running_mean` → `-bn.running_mean`
    The convolution's own bias is lost: b' = s · (b − μ) + β.
`s * (b - bn.running_mean)` → `(b - bn.running_mean)`
    The bias must be scaled too: s multiplies (b − μ).
`s * (b - bn.running_mean)` → `s * b - bn.running_mean`
    Brackets: s multiplies both, s · (b − μ), and not s · b − μ.
`s * (b - bn.running_mean)` → `b - s * bn.running_mean`
    Brackets: s multiplies both, s · (b − μ), and not b − s · μ.
`s * (b - bn.running_mean) + bn.bias` → `s * (b - bn.running_mean + bn.bias)`
    Brackets: β is not scaled, it is added at the end.
`b - bn.running_mean` → `bn.running_mean - b`
    It is b − μ, not μ − b.
`+ bn.bias` → `- bn.bias`
    β is added, not subtracted.
`b = 0 if` → `b = bn.bias if`
    Where there is no conv.bias, b is 0; bn.bias is β.
`conv.weight * s` → `conv.weight + s`
    The weight is multiplied by s; you add s.
`s * (b` → `s + (b`
    s multiplies (b − μ); you add s.
`+ bn.eps` → `- bn.eps`
    ε is added to the variance.
"""
    + "".join(
        f"`bn.{right}` → `bn.{used}`\n    You use bn.{used} where bn.{right} is expected.\n"
        for used, right in permutations(_STORED, 2)
        if right not in ("weight", "running_var")  # those are among the mistakes in s
    )
    + "".join(
        f"`bn.{a}` → `bn._`; `bn.{b}` → `bn.{a}`; `bn._` → `bn.{b}`\n    bn.{a} and bn.{b} are exchanged.\n"
        for a, b in combinations(_STORED, 2)
    )
    + _OF_S
    + _alone("weight")
    + _alone("bias"),
)
# A mistake in one of the two lines alone is one of two mistakes already.
FOLD.paired = tuple(edit for edit in FOLD.edits if not edit.changes[0][0].startswith(f"{_S}  # "))
FOLD_HINTS = (
    "Write b' on paper with one channel: c = b, then BN's formula. Which letter is missing?",
    "Write BN's formula with c = W ∗ x + b in it, and collect what multiplies x and what does not.",
    "s = γ / √(σ² + ε); weight = s[:, None, None, None] * W; bias = s * (b − …) + …",
)


def check_fold(f, *, exercise=None):
    """Check f(conv, bn): (weight, bias) of the one convolution that does both in evaluation mode, or that nn.Conv2d."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        cases = []
        for C, C_out, kernel, with_bias in ((4, 4, 3, False), (4, 4, 1, True), (3, 5, 3, True)):
            # First as many channels out as in, so that a wrong dimension shows in the numbers; float64, so that equal
            # is equal; a large ε, so that it counts; some factors below zero, as training makes them.
            conv, bn = nn.Conv2d(C, C_out, kernel, bias=with_bias), nn.BatchNorm2d(C_out, eps=0.1)
            draw_norms(nn.Sequential(bn))
            bn.weight[1::2] *= -1
            cases.append((conv.double().eval(), bn.double().eval()))
        return judge(
            f,
            _folding,
            cases,
            [FOLD],
            FOLD_HINTS,
            read=weight_and_bias,
            same=close,
            differs=_which,
            why=_of_shapes,
            exercise=exercise,
        )


NO_PAIR = Kind("no pair", "{name} does not return a pair of tensors, weight and bias.")
WEIGHT_SHAPE = Kind(
    "weight's shape",
    "You give a weight of shape {yours}; it should stay {right}.",
    "s has one number for each output channel. Which dimension of the weight is that?",
)
EXCHANGED = Kind("weight and bias exchanged", "The weight comes first, and then the bias.")
BIAS_SHAPE = Kind("bias's shape", "Your bias has the shape {yours}: it needs one number a channel, {right}.")
BOTH_OFF = Kind("weight and bias differ", "{at}: the weight and the bias are not right.")
ONE_OFF = Kind("weight or bias differs", "{at}: the {part} is not right.")


def _folding(conv, bn):
    return f"a convolution {'without' if conv.bias is None else 'with'} bias, and its BN"


def weight_and_bias(found):
    """Return a fold's result as two tensors in float64, and what is wrong with its form, (kind, values), or None."""
    if isinstance(found, nn.Conv2d):
        found = found.weight, found.bias
    found = tuple(map(as_tensor, found)) if isinstance(found, tuple | list) else found
    good = isinstance(found, tuple) and len(found) == 2 and all(isinstance(t, torch.Tensor) for t in found)
    if not good:
        return found, (NO_RESULT, {"what": "weight, bias"}) if found is None else (NO_PAIR, {})
    return tuple(t.detach().double() for t in found), None


def _of_shapes(cases, got, due):
    for (weight, bias), (right, offsets) in zip(got, due, strict=True):
        if (weight.shape, bias.shape) == (offsets.shape, right.shape):
            return Finding(EXCHANGED)
        if weight.shape != right.shape:
            return Finding(WEIGHT_SHAPE, values={"yours": tuple(weight.shape), "right": tuple(right.shape)})
        if bias.shape != offsets.shape:
            return Finding(BIAS_SHAPE, values={"yours": tuple(bias.shape), "right": tuple(offsets.shape)})
    return None


def close(a, b):
    """Whether two tensors, or two pairs of them, are equal as far as float32 can tell."""
    if isinstance(a, torch.Tensor):
        largest = max((t.abs().max().item() for t in (a, b) if t.numel()), default=0)
        return gap(a, b)[0] <= 1e-4 * largest
    return all(
        x.shape == y.shape and torch.allclose(x, y, rtol=1e-5, atol=1e-6, equal_nan=True)
        for x, y in zip(a, b, strict=True)
    )


def _which(yours, right):
    off = [n for n, a, b in zip(("weight", "bias"), yours, right, strict=True) if not close((a,), (b,))]
    return (BOTH_OFF, {}) if len(off) == 2 else (ONE_OFF, {"part": off[0]})
