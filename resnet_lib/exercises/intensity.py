"""Check of FLOPs a byte, and what limits a layer."""

from math import isclose
from numbers import Real

from torch import nn

from .._common import Finding, Kind, shapes_only
from ..anatomy import anatomy
from .diagnose import of_difference
from .edits import Solution
from .judge import judge
from .questions import choice_question
from .results import shown


def check_intensity(f, *, exercise=None):
    """Check f(C, C_out, k, W, W_out, batch): FLOPs a byte of a convolution without bias, in float32, each number moved
    once."""
    cases = [
        (64, 256, 1, 56, 56, 1),
        (256, 256, 3, 14, 14, 1),
        (2048, 1000, 1, 1, 1, 1),
        (2048, 1000, 1, 1, 1, 64),
        (3, 64, 7, 224, 112, 1),
        (12, 20, 3, 9, 5, 3),
        (64, 64, 3, 56, 56, 16),
        (5, 7, 5, 15, 15, 2),
    ]
    return judge(
        f,
        ("C", "C_out", "k", "W", "W_out", "batch"),
        cases,
        [INTENSITY],
        INTENSITY_HINTS,
        true=_true_intensity,
        differs=_told,
        why=_one_side,
        exercise=exercise,
    )


INTENSITY_HINTS = (
    "Weights: one k · k kernel for each pair of a channel in and a channel out.",
    "FLOPs: 2 × weights × places of the output × batch. Numbers moved: batch × (input + output) + weights.",
    "weights = C * C_out * k * k; 2 * weights * W_out**2 * batch / (4 * (batch * (C * W**2 + …) + weights)).",
)
OTHER_INTENSITY = Kind("other FLOPs a byte", "{at}: you say {yours} FLOPs a byte and it has {right}.")


def _told(yours, right):
    digits = ",.4g" if shown(yours, ",.4g") != f"{right:,.4g}" else ",.10g"
    return OTHER_INTENSITY, {"yours": shown(yours, digits), "right": f"{right:{digits}}"}


def _one_side(cases, got, due):
    """What is wrong in the FLOPs if the bytes are right, or in the bytes if the FLOPs are, or None."""
    if not all(isinstance(y, Real) and 1e-30 < y < 1e30 for y in got):
        return None
    if all(isclose(y / d, got[0] / due[0]) for y, d in zip(got, due, strict=True)):
        return None  # one factor for every input may be either side's
    sizes = [dict(zip(("C", "C_out", "k", "W", "W_out", "batch"), case, strict=True)) for case in cases]
    flops, moved = [], []
    for C, C_out, k, W, W_out, batch in cases:
        flops.append({"the FLOPs": 2 * batch * C * C_out * k * k * W_out * W_out})
        moved.append(
            {
                "the input": 4 * batch * C * W * W,
                "the output": 4 * batch * C_out * W_out * W_out,
                "the weights": 4 * C * C_out * k * k,
            }
        )
    above, below = ([sum(parts.values()) for parts in side] for side in (flops, moved))
    yours_above = [y * b for y, b in zip(got, below, strict=True)]
    yours_below = [a / y for y, a in zip(got, above, strict=True)]
    for where, terms, right, yours in (("FLOPs", flops, above, yours_above), ("bytes", moved, below, yours_below)):
        whole = [round(n) for n in yours]
        if all(isclose(n, w, rel_tol=1e-9) for n, w in zip(yours, whole, strict=True)):
            if found := of_difference(sizes, terms, whole, right):
                return Finding(IN_PART, where, {"found": found})
    return None


IN_PART = Kind("off in a part", lambda where, found: f"In the {where}: {str(found)[0].lower()}{str(found)[1:]}")


def _true_intensity(C, C_out, k, W, W_out, batch):
    with shapes_only():
        conv = nn.Conv2d(C, C_out, k, stride=-(-W // W_out), padding=k // 2, bias=False)
        costs = anatomy(conv, (C, W, W))
    numbers = batch * (C * W * W + C_out * W_out * W_out) + conv.weight.numel()
    return batch * costs.flops / (4 * numbers)


INTENSITY = Solution(
    """
def intensity(C, C_out, k, W, W_out, batch):
    weights = C * C_out * k * k
    flops = 2 * weights * W_out * W_out * batch
    moved = 4 * (batch * (C * W * W + C_out * W_out * W_out) + weights)
    return flops / moved
""",
    """
`2 * weights` → `weights`
    You count MACs: FLOPs are 2 × MACs.
    Hint: Begin with the FLOPs alone: for the first layer there are 2 · 64 · 256 · 56 · 56.
`4 * (` → `(`
    You count numbers: a float32 has 4 bytes.
    Hint: Numbers first, then times 4: a float32 has 32 bits.
`4 * (` → `2 * (`
    That is twice as much: FLOPs are 2 × MACs, and a float32 has 4 bytes.
`4 * (` → `32 * (`
    You count bits: a float32 has 4 bytes.
    Hint: Numbers first, then times 4: a float32 has 32 bits.
`flops / moved` → `moved / flops`
    Those are bytes a FLOP: turn the quotient over.
` + weights)` → `)`
    The weights have to be read as well.
` * batch` → ``; `batch * (` → `(`
    The batch is left out, or counted everywhere: FLOPs, inputs and outputs grow with it, and the weights are read once.
    Hint: Which of the three, input, output and weights, are there once for each picture?
` * batch` → ``
    The FLOPs are those of one picture: multiply them by the batch.
    Hint: Which of the three, input, output and weights, are there once for each picture?
`batch * (` → `(`
    The inputs and outputs are those of one picture: multiply them by the batch.
    Hint: Which of the three, input, output and weights, are there once for each picture?
`C * W * W + ` → ``
    The input has to be read as well.
    Hint: Write C · W · W and C_out · W_out · W_out down. Which of them do the products count?
` + C_out * W_out * W_out` → ``
    The output has to be written as well.
    Hint: Write C · W · W and C_out · W_out · W_out down. Which of them do the products count?
`weights * W_out * W_out` → `weights * W * W`
    There are as many dot products as the output has numbers: use W_out for the FLOPs.
    Hint: Write C · W · W and C_out · W_out · W_out down. Which of them do the products count?
`C_out * W_out * W_out` → `C_out * W * W`
    The output is C_out × W_out × W_out, and only the input has W.
    Hint: Write C · W · W and C_out · W_out · W_out down. Which of them do the products count?
`(C * W * W` → `(C * W_out * W_out`
    The input is C × W × W, and only the output has W_out.
    Hint: Write C · W · W and C_out · W_out · W_out down. Which of them do the products count?
`weights * W_out * W_out` → `weights * W_out`
    A map has W · W places, and not W: in the FLOPs.
`C * W * W + C_out * W_out * W_out` → `C * W + C_out * W_out`
    A map has W · W places, and not W: in the input and the output.
`k * k` → `k`
    A k×k kernel has k · k weights for each pair of channels, not k.
` * k * k` → ``
    The kernel's k · k is missing.
`flops / moved` → `flops // moved`
    You divide with //, which drops the digits after the point: take /.
""",
)


def limit_question(name, layer, ridge):
    """What limits a layer on a machine with that ridge, in FLOPs a byte: "arithmetic" or "memory". layer: (C, C_out, k,
    W, W_out, batch), as `check_intensity` asks for it."""
    value = _true_intensity(*layer)
    right = "memory" if value < ridge else "arithmetic"
    side = f"It has {value:,.1f} FLOPs a byte, and your machine's ridge is at {ridge:,.1f}"
    why_not = f"{side}: {'below' if right == 'memory' else 'above'} it {right} is the limit."
    return choice_question(
        f"{name}: what limits it?",
        dict.fromkeys(("arithmetic", "memory"), why_not),
        right,
        f"{side}.",
        (
            "A layer with few FLOPs for each byte waits for memory.",
            "Put the layer's numbers into intensity and compare with machine.ridge.",
            '"memory" if intensity(*layers[name]) < machine.ridge else …',
        ),
    )
