"""Checks about residuals: the plain block, and the gradient's factor and forecast."""

import math
import random
from copy import deepcopy
from dataclasses import replace
from functools import partial

import torch

from .._common import Finding, Kind, a_type, say, seeded
from ..blocks import BTNK1, BTNK2
from ..compare.endless import within
from ..compare.proof import draw_norms
from ..experiments.signals import Signal
from .edits import Solution
from .judge import OTHER, judge
from .parts import LOUD
from .progress import done
from .results import NO_RESULT, as_tensor, near, number, shown
from .verdict import Verdict, refuse

# ── The plain block ──────────────────────────────────────────────────────────────────────────────────────────

PLAIN_BLOCK = Solution(
    """
    def plain_block(block, x):
        f = block.conv1(x)
        f = block.bn1(f)
        f = block.relu1(f)
        f = block.conv2(f)
        f = block.bn2(f)
        f = block.relu2(f)
        f = block.conv3(f)
        f = block.bn3(f)
        return block.relu3(f)
    """,
    """
    Hint: Follow x: it goes into conv1, and after that its name should not appear again.
    `block.relu3(f)` → `x`
        This is x itself: nothing has been done to it yet.
    `block.bn3(f)` → `block.bn3(f) + getattr(block, "shortcut", lambda x: x)(x)`
        x is still added: that is the residual block.
    `block.relu3(f)` → `block.relu3(f) + x`
        x is still added, after the last ReLU.
    `block.bn3(f)` → `block.bn3(f) - x`
        x is subtracted: the plain block has nothing of x but what F makes of it.
    Hint: Count your ReLUs: after bn1, after bn2, and at the end.
    `block.relu3(f)` → `x.relu()`
        This is ReLU(x): F has not been computed.
    `block.relu3(f)` → `f`
        The last ReLU is missing: a block ends in one, plain or not.
    `block.relu1(f)` → `f`; `block.relu2(f)` → `f`
        The two ReLUs inside F are missing: only the sum goes.
    `block.relu1(f)` → `f`
        The ReLU after bn1 is missing.
    `block.relu2(f)` → `f`
        The ReLU after bn2 is missing.
    `bn1` → `?`; `relu1` → `bn1`; `?` → `relu1`; `bn2` → `?`; `relu2` → `bn2`; `?` → `relu2`
        The ReLU comes after the BN, and not before it.
    `f = block.conv2(f)\\n    f = block.bn2(f)\\n    f = block.relu2(f)\\n    ` → ``
        The 3×3 is left out, with its BN and ReLU.
    Hint: Count your BNs: one after each of the three convolutions.
    `block.bn1(f)` → `f`; `block.bn2(f)` → `f`; `block.bn3(f)` → `f`
        The BNs are missing: only the sum goes.
    `block.bn1(f)` → `f`
        The BN after conv1 is missing.
    `block.bn2(f)` → `f`
        The BN after conv2 is missing.
    `block.bn3(f)` → `f`
        The BN after conv3 is missing.
    `bn2` → `bn1`
        bn1 is used twice, in place of bn2: each convolution has its own.
    """,
)
NO_TENSOR = Kind("not a tensor", "{name} returns {type} and not a tensor.")
SHAPE = Kind("other shape", "{at}: your result is {yours} and should be {right}.")
VALUES = Kind("other values", "{at}: your result differs by up to {most:.3g}{negative}.")
NO_WAY_BACK = Kind(
    "no gradient",
    "{name} returns the right numbers, and the right gradient does not come back from them to x: nothing could learn.",
    "Is there a .detach(), .data, .numpy() or no_grad in it, or a step that writes over its input?",
)
AGAIN = Kind(
    "runs again",
    "In one call these run more than once: {bns}. That costs time, and in training mode each run moves a BN's "
    "statistics.",
)
PLAIN_HINTS = (
    "Write the nine steps below each other, and compare with the forward of lesson 02.",
    "F as it is, then the last ReLU: three times convolution and BN, with a ReLU after each BN.",
    "f = block.relu1(block.bn1(block.conv1(x))); f = …; return block.relu3(block.bn3(…))",
)


def check_plain_block(f, *, exercise=None):
    """Check f(block, x): the output of the plain twin of a bottleneck, ReLU(F(x)), of the shape of x."""
    cases = []
    with torch.no_grad():
        for make, numbers, W in ((BTNK2, (16,), 6), (BTNK2, (8,), 5), (BTNK1, (12, 4, 2), 6), (BTNK2, (20,), 4)):
            C, block = numbers[0], seeded(0, partial(make, *numbers)).eval()
            draw_norms(block)
            # With negatives, so that a ReLU on x shows; some large, so that a ReLU with an upper end does.
            loud = torch.tensor([1.0, LOUD]).view(2, 1, 1, 1)
            cases.append((block, loud * torch.randn(2, C, W, W + 1, generator=torch.Generator().manual_seed(C))))
        for m in cases[-1][0].train().modules():  # one in training mode, whose BNs keep what they have stored
            if isinstance(m, torch.nn.BatchNorm2d):
                m.momentum, m.num_batches_tracked = 0.0, None
        verdict = judge(
            f,
            lambda block, _: f"A block with C = {block.C}{', in training mode' * block.training}",
            cases,
            [PLAIN_BLOCK],
            PLAIN_HINTS,
            read=_tensor,
            same=_nearly,
            differs=_of_tensors,
            stuck="Read the line at which it stopped: is it the step that you meant, applied to the one before it?",
        )
    if not _goes_back(f, *cases[0]):
        raise refuse(verdict.subject, [Finding(NO_WAY_BACK, values={"name": verdict.subject})], PLAIN_HINTS)
    done(exercise)
    again = _run_again(f, *cases[0])
    return (
        replace(verdict, remarks=(*verdict.remarks, say(Finding(AGAIN, values={"bns": again})))) if again else verdict
    )


def _run_again(f, block, x):
    """The BNs of a block that a right function runs more than once in a call, as text: in training mode each counts its
    batches, in the grader as well, where no hook would be seen."""
    block = deepcopy(block).train()
    bns = {n: m for n, m in block.named_modules() if isinstance(m, torch.nn.BatchNorm2d)}
    before = {n: m.num_batches_tracked.item() for n, m in bns.items()}
    with torch.no_grad(), within():
        f(block, x)
    return ", ".join(n for n, m in bns.items() if m.num_batches_tracked.item() > before[n] + 1)


def _goes_back(f, block, x):
    """Whether a gradient comes from the result of a right function back to x, the plain block's own."""
    slopes = []
    for make in (f, PLAIN_BLOCK.made()):
        leaf = x.clone().requires_grad_()
        try:
            with torch.enable_grad(), within():
                out = make(deepcopy(block), leaf)
                slopes += torch.autograd.grad(out.square().sum(), leaf)
        except Exception:  # there is no way, or it stops on the way
            return False
    return _nearly(*slopes)


def _tensor(found):
    found = as_tensor(found)
    if isinstance(found, torch.Tensor):
        found = found.detach()
        return found.float() if found.is_floating_point() else found, None
    return found, (NO_RESULT, {"what": "its result"}) if found is None else (NO_TENSOR, {"type": a_type(found)})


def _nearly(a, b):
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-4, atol=1e-5)


def _of_tensors(yours, right):
    if yours.shape != right.shape:
        return SHAPE, {"yours": tuple(yours.shape), "right": tuple(right.shape)}
    negative = ", and it has negative values" if yours.min() < 0 else ""
    return VALUES, {"most": (yours - right).abs().max().item(), "negative": negative}


# ── The factor of the gradient ───────────────────────────────────────────────────────────────────────────────

FACTOR = Solution(
    """
    def factor(found):
        g = [signal.gradient for signal in found]
        n = len(g) - 1
        total = g[0] / g[-1]
        return total ** (1 / n)
    """,
    """
    `total ** (1 / n)` → `(g[0] - g[-1]) / n`
        You take differences: it is by which factor the gradient grows, and not by how much.
    `total ** (1 / n)` → `g[0] / g[-1] ** (1 / n)`
        The power comes before the division: put brackets around the quotient, and the power behind them.
    `g[0] / g[-1]` → `g[0] // g[-1]`
        // rounds down: divide with /.
    `g[0] / g[-1]` → `g[0]`
        You take the first block's gradient alone: divide it by the last block's.
    `g[0] / g[-1]` → `g[-1]`
        You take the last block's gradient alone: divide the first block's by it.
    `total ** (1 / n)` → `math.log(total) / n`
        You return the mean of the logarithms: math.exp makes a factor of it.
    `gradient` → `weights`
        You take .weights: the gradient by the block's output is .gradient.
    `gradient` → `output`
        You take .output, the signal: the gradient is .gradient.
    `total ** (1 / n)` → `math.prod(g) ** (1 / len(g))`
        That is the geometric mean of the gradients themselves: their quotients are the factors.
    Hint: The gradient runs from the last block to the first: the first is what comes out.
    `in found` → `in reversed(found)`
        That is the factor from the first block to the last: the gradient runs the other way.
    Hint: For 8, 4, 2, 1 the factor is 2: how do you get it from 8, 1 and the number of steps?
    `len(g) - 1` → `len(g)`
        n blocks have n − 1 steps between them: take the (n − 1)-th root.
    `total ** (1 / n)` → `sum(a / b for a, b in zip(g, g[1:])) / n`
        You take the mean of the factors as of a sum: factors are multiplied, so take a root.
    `total ** (1 / n)` → `n / sum(b / a for a, b in zip(g, g[1:]))`
        You take the mean of the inverse factors: factors are multiplied, so take a root.
    `total ** (1 / n)` → `total`
        That is what all steps together multiply by: take the (n − 1)-th root for one.
    `total ** (1 / n)` → `total / n`
        You divide by n − 1; take a root, ** (1 / (n − 1)), with both pairs of brackets.
    `total ** (1 / n)` → `total ** n`
        You take the (n − 1)-th power: the root is ** (1 / (n − 1)).
    `total ** (1 / n)` → `total ** (1 / len(g) - 1)`
        1 / n − 1 is read as (1 / n) − 1: write ** (1 / (n − 1)).
    `g[0] / g[-1]` → `g[0] * g[-1]`
        You multiply the first and the last gradient: the steps make their quotient.
    `1 / n` → `1 / 2`
        You take the square root always: there are n − 1 steps.
    `total ** (1 / n)` → `g[0] / g[1]`
        That is the step between the first two blocks alone: use all of them.
    `total ** (1 / n)` → `g[-2] / g[-1]`
        That is the step between the last two blocks alone: use all of them.
    """,
    math=math,
)


def check_factor(f, *, exercise=None):
    """Check f(found): the mean factor, a geometric mean, by which one block multiplies the gradient on its way back.
    found: a list of `Signal`s, from the first block to the last."""
    draw = random.Random(0)
    gradients = [(8.0, 4.0, 2.0, 1.0), (8.0, 2.0, 1.0), (1.0, 3.0), (5.0, 1.5, 4.0, 0.5, 0.25)]
    gradients += [tuple(10 ** draw.uniform(-1, 3) for _ in range(n)) for n in (16, 50)]
    return judge(
        f,
        _gradients,
        [([_signal(i, g, draw) for i, g in enumerate(each)],) for each in gradients],
        [FACTOR],
        (
            "Try gradients whose factor you know: 8, 4, 2, 1 double at every step back.",
            "What comes out at the first block, divided by what went in at the last, is what n − 1 equal factors make.",
            "return (found[0].gradient / found[-1].gradient) ** (1 / (len(found) - …))",
        ),
        same=lambda a, b: near(a, b, 1e-5),
        differs=lambda a, b: (OTHER, {"yours": shown(a, ".4g"), "right": f"{b:.4g}"}),
        stuck="Try it by hand for the gradients 8, 4, 2, 1: what goes into which of Python's operators?",
        exercise=exercise,
    )


def _signal(i, gradient, draw):
    # A block's other numbers all differ, so that it shows where one of them is taken.
    output, weights = draw.uniform(1, 2), gradient * draw.uniform(2, 4)
    return Signal(f"stage1.{i}", output, output / 2, output / 2, gradient, weights)


def _gradients(found):
    values = [f"{s.gradient:.3g}" for s in found]
    return f"Gradients {', '.join(values if len(values) <= 5 else [*values[:2], '…', values[-1]])}"


# ── The forecast ─────────────────────────────────────────────────────────────────────────────────────────────

FORECAST = Solution(
    """
    def forecast(shallow, deep, factor):
        n = len(deep)
        last = deep[-1].gradient
        return last * factor ** (n - 1)
    """,
    """
    `last * factor ** (n - 1)` → `deep[0].gradient`
        That is what was measured: predict it from the factor of the shallower network.
    `factor **` → `factor *`
        A factor taken n − 1 times is its power, ** (n − 1), and not its multiple.
    `last * factor` → `last / factor`
        The gradient grows on its way back: multiply, and do not divide.
    `deep[-1]` → `deep[0]`
        Start from the last block's gradient: [-1]. The first block's is the unknown.
    Hint: How many blocks has a network of 152 layers, and how many steps lie between them?
    `last * factor ** (n - 1)` → `factor`
        That is the factor of one block: multiply the last block's gradient by it, once for each step.
    `last * ` → ``
        That is what all blocks together multiply by: multiply the last block's gradient by it.
    `n - 1` → `n`
        n blocks have n − 1 steps between them.
    `len(deep)` → `len(shallow)`
        Those are the steps of the shallower network: this one has more.
    `n - 1` → `3 * n - 1`
        Count the blocks, and not their layers: a block has three.
    `n - 1` → `3 * n + 1`
        Count the blocks, and not the network's layers: a block has three.
    `last * factor ** (n - 1)` → `shallow[0].gradient`
        That is the shallower network's: this one has more blocks to go through.
    """,
)
NO_FORECAST = Kind(
    "no forecast",
    "predicted is {what}: let it be the first block's gradient, a number.",
    'Print factor(measured["plain", 50]) and measured["plain", 152][-1].gradient first.',
)
PREDICTED = Kind("predicted", "You predict {value:.2g}.")
FAR_OFF = Kind(
    "far off",
    "You predict {value:.2g}, and {true:.2g} was measured. It takes three things: the last block's gradient, the "
    "factor of the shallower plain network, and how many steps there are.",
)


def check_forecast(predicted, shallow, deep, *, exercise=None):
    """Check the predicted gradient at the first block of a plain network, from the factor of a shallower one.

    shallow, deep: the `Signal`s of both. What is measured is met up to a factor of a thousand: factors hardly depend on
    the depth, but dozens of them are multiplied.
    """

    def wrong(*findings):
        return refuse(
            "predicted",
            findings,
            (
                "Where does the gradient come from, and through how many blocks must it go to reach the first?",
                "The gradient of the last block, multiplied by the factor once for each step to the first.",
                'plain_152[-1].gradient * factor(measured["plain", 50]) ** (len(plain_152) - …)',
            ),
        )

    value, problem = number(predicted)
    if problem or isinstance(value, bool):
        what = "None" if value is None else f"{a_type(predicted)} and not a number"
        raise wrong(Finding(NO_FORECAST, values={"what": what}))
    true = deep[0].gradient
    try:
        value = float(value)
    except OverflowError:  # no float holds 10 ** 400
        value = math.inf
    for mistake, other in FORECAST.mistakes(shallow, deep, FACTOR.made()(shallow)):
        if near(value, other, 1e-6):
            raise wrong(Finding(PREDICTED, values={"value": value}), mistake)
    if not 1e-3 < value / true < 1e3:
        raise wrong(Finding(FAR_OFF, values={"value": value, "true": true}))
    done(exercise)
    return Verdict(True, "predicted", f"You predict {value:.1g}, and {true:.1g} was measured.")
