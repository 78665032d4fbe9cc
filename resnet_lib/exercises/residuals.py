"""Checks about residuals: the plain block, the gradient's factor, degradation, blocks that start as their shortcut, and
the ways through a network."""

import math
import random
from itertools import product

import torch

from .._common import seeded
from ..blocks import BTNK2
from ..compare.errors import IN_FUNCTIONS, stopped, where
from ..compare.proof import draw_norms
from ..experiments.signals import Signal
from ..experiments.twins import blocks, twins
from ..network import ResNet
from .folding import close
from .holding import hold, number, refusal
from .progress import done
from .verdict import Verdict

# ── The plain block ──────────────────────────────────────────────────────────────────────────────────────────


def check_plain_block(f, *, exercise=None):
    """f(block, x): what the plain twin of a bottleneck gives out, ReLU(F(x)). (batch, C, W, W) → the same shape."""
    cases = []
    for C, W in ((16, 6), (8, 5)):
        with torch.no_grad():
            block = seeded(C, BTNK2, C=C).eval()
            draw_norms(block)
        # With negatives: only then can a ReLU on x be seen.
        cases.append((block, torch.randn(2, C, W, W, generator=torch.Generator().manual_seed(C))))
    with torch.no_grad():
        return hold(
            "plain_block",
            f,
            lambda block, _: f"A block with C = {block.C}",
            cases,
            lambda *case: _plain(set(), *case),
            _plain,
            PLAIN,
            exercise,
            read=_one_tensor,
            same=lambda a, b: close((a,), (b,)) or _nearly(a, b),
            tell=_apart,
        )


PLAIN = {
    "itself": "This is x itself: nothing has been done to it yet.",
    "relu of x": "This is ReLU(x): F has not been computed.",
    "sum": "x is still added: that is the residual block.",
    "after": "x is still added, after the last ReLU.",
    "minus": "x is subtracted: the plain block has nothing of x but what F makes of it.",
    "relu3": "The last ReLU is missing: a block ends in one, plain or not.",
    "inner": "The two ReLUs inside F are missing: only the sum goes.",
    "relu1": "The ReLU after bn1 is missing.",
    "relu2": "The ReLU after bn2 is missing.",
    "bns": "The BNs are missing: only the sum goes.",
    "bn1": "The BN after conv1 is missing.",
    "bn2": "The BN after conv2 is missing.",
    "bn3": "The BN after conv3 is missing.",
    "order": "The ReLU comes after the BN, and not before it.",
    "conv2": "The 3×3 is left out, with its BN and ReLU.",
    "first bn": "bn1 is used twice, in place of bn2: each convolution has its own.",
}


def _plain(wrong, block, x):
    if {"itself", "relu of x"} & wrong:
        return x if "itself" in wrong else x.relu()
    f = x
    for i, (conv, bn) in enumerate([(block.conv1, block.bn1), (block.conv2, block.bn2), (block.conv3, block.bn3)], 1):
        if f"conv{i}" in wrong:
            continue
        bn = block.bn1 if "first bn" in wrong and i == 2 else bn
        relu = i < 3 and "inner" not in wrong and f"relu{i}" not in wrong
        f = conv(f)
        f = f.relu() if relu and "order" in wrong else f
        f = f if f"bn{i}" in wrong or "bns" in wrong else bn(f)
        f = f.relu() if relu and "order" not in wrong else f
    f = f + x if "sum" in wrong else f - x if "minus" in wrong else f
    f = f if "relu3" in wrong else f.relu()
    return f + x if "after" in wrong else f


def _one_tensor(found):
    if isinstance(found, torch.Tensor):
        return found.detach(), ""
    return found, "None: is its return missing?" if found is None else f"a {type(found).__name__} and not a tensor"


def _nearly(a, b):
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-4, atol=1e-5)


def _apart(yours, right):
    if yours.shape != right.shape:
        return f"your result is {tuple(yours.shape)} and should be {tuple(right.shape)}"
    negative = ", and it has negative values" if yours.min() < 0 else ""
    return f"your result differs by up to {(yours - right).abs().max().item():.3g}{negative}"


# ── The factor of the gradient ───────────────────────────────────────────────────────────────────────────────


def check_factor(f, *, exercise=None):
    """f(found): the mean factor, a geometric mean, by which one block multiplies the gradient on its way back. found: a
    list of `Signal`s, from the first block to the last."""
    draw = random.Random(0)
    gradients = [(8.0, 4.0, 2.0, 1.0), (8.0, 2.0, 1.0), (1.0, 3.0), (5.0, 1.5, 4.0, 0.5, 0.25)]
    gradients += [tuple(10 ** draw.uniform(-1, 3) for _ in range(n)) for n in (16, 50)]
    cases = [([_signal(i, g, draw) for i, g in enumerate(each)],) for each in gradients]
    return hold(
        "factor",
        f,
        _gradients,
        cases,
        lambda found: _factor(set(), found),
        _factor,
        FACTOR,
        exercise,
        same=lambda a, b: math.isclose(a, b, rel_tol=1e-5),
        tell=lambda a, b: f"you say {a:.4g} and it is {b:.4g}",
    )


def _signal(i, gradient, draw):
    # What else a block has is something else, so that it shows where that is taken.
    output, weights = draw.uniform(1, 2), gradient * draw.uniform(2, 4)
    return Signal(f"stage1.{i}", output, output / 2, output / 2, gradient, weights)


def _gradients(found):
    values = [f"{s.gradient:.3g}" for s in found]
    return f"Gradients {', '.join(values if len(values) <= 5 else [*values[:2], '…', values[-1]])}"


FACTOR = {
    "other way": "That is the factor from the first block to the last: the gradient runs the other way.",
    "n": "n blocks have n − 1 steps between them: take the (n − 1)-th root.",
    "arithmetic": "You take the mean of the factors as of a sum: factors are multiplied, so take a root.",
    "harmonic": "You take the mean of the inverse factors: factors are multiplied, so take a root.",
    "difference": "You take differences: it is by which factor the gradient grows, and not by how much.",
    "total": "That is what all steps together multiply by: take the (n − 1)-th root for one.",
    "divided": "You divide by n − 1: a root is wanted, ** (1 / (n − 1)), with both pairs of brackets.",
    "power": "You take the (n − 1)-th power: the root is ** (1 / (n − 1)).",
    "shifted": "1 / n − 1 is read as (1 / n) − 1: write ** (1 / (n − 1)).",
    "late": "The power comes before the division: put brackets around the quotient, and the power behind them.",
    "floor": "// rounds down: divide with /.",
    "times": "You multiply the first and the last gradient: it is their quotient that the steps make.",
    "first alone": "You take the first block's gradient alone: divide it by the last block's.",
    "last alone": "You take the last block's gradient alone: divide the first block's by it.",
    "square": "You take the square root always: there are n − 1 steps.",
    "first": "That is the step between the first two blocks alone: use all of them.",
    "last": "That is the step between the last two blocks alone: use all of them.",
    "log": "You stay among the logarithms: math.exp brings their mean back.",
    "weights": "You take .weights: the gradient by the block's output is .gradient.",
    "output": "You take .output, the signal: the gradient is .gradient.",
    "mean of all": "That is the geometric mean of the gradients themselves: it is their quotients that are factors.",
}


def _factor(wrong, found):
    g = [s.weights if "weights" in wrong else s.output if "output" in wrong else s.gradient for s in found]
    g, n = g[::-1] if "other way" in wrong else g, len(g) - 1
    if "mean of all" in wrong:
        return math.prod(g) ** (1 / len(g))
    if "difference" in wrong:
        return (g[0] - g[-1]) / n
    if {"arithmetic", "harmonic"} & wrong:
        factors = [a / b for a, b in zip(g, g[1:], strict=False)]
        return sum(factors) / n if "arithmetic" in wrong else n / sum(1 / x for x in factors)
    if {"first", "last"} & wrong:
        return g[0] / g[1] if "first" in wrong else g[-2] / g[-1]
    total, n = g[0] / g[-1], n + 1 if "n" in wrong else n
    if "shifted" in wrong or "late" in wrong:
        return total ** (1 / (n + 1) - 1) if "shifted" in wrong else g[0] / g[-1] ** (1 / n)
    if {"floor", "times"} & wrong:
        total = g[0] // g[-1] if "floor" in wrong else g[0] * g[-1]
    if {"first alone", "last alone"} & wrong:
        total = g[0] if "first alone" in wrong else g[-1]
    if "log" in wrong:
        return math.log(total) / n
    if {"divided", "power", "total"} & wrong:
        return total / n if "divided" in wrong else total if "total" in wrong else total**n
    return total ** (1 / (2 if "square" in wrong else n))


def check_forecast(predicted, shallow, deep, *, exercise=None):
    """predicted: the gradient at the first block of a plain network, from the factor of a shallower one.

    shallow, deep: the `Signal`s of both. What is measured is met up to a factor of a thousand: factors hardly depend on
    the depth, but dozens of them are multiplied.
    """

    def wrong(sentence):
        return refusal("forecast", "predicted", sentence)

    value, problem = number(predicted)
    if problem:
        raise wrong(f"predicted is {problem.partition(':')[0]}: let it be the first block's gradient, a number.")
    f, n, m = _factor(set(), shallow), len(deep), len(shallow)
    true, last = deep[0].gradient, deep[-1].gradient
    for other, reason in [
        (true, "That is what was measured: predict it from the factor of the shallower network."),
        (f, "That is the factor of one block: multiply the last block's gradient by it, once for each step."),
        (f ** (n - 1), "That is what all blocks together multiply by: multiply the last block's gradient by it."),
        (last * f * (n - 1), f"A factor {n - 1} times over is its power, ** {n - 1}, and not its multiple."),
        (last * f**n, f"{n} blocks have {n - 1} steps between them."),
        (last * f ** (m - 1), f"Those are the steps of the shallower network: this one has {n} blocks."),
        (last * f ** (3 * n - 1), f"{n} blocks are meant, and not their layers: a block has three."),
        (last * f ** (3 * n + 1), f"{n} blocks are meant, and not the network's layers: a block has three."),
        (last / f ** (n - 1), "The gradient grows on its way back: multiply, and do not divide."),
        (shallow[0].gradient, "That is the shallower network's: this one has more blocks to go through."),
        (true * f ** (n - 1), "Start from the last block's gradient: [-1]. The first block's is what is to be found."),
    ]:
        if math.isclose(value, other, rel_tol=1e-6):
            raise wrong(f"You predict {value:.2g}. {reason}")
    if not 1e-3 < value / true < 1e3:
        raise wrong(f"You predict {value:.2g}, and {true:.2g} was measured: start from the last block's gradient.")
    done(exercise)
    return Verdict(True, "predicted", f"You predict {value:.1g}, and {true:.1g} was measured.")


# ── Degradation or overfitting ───────────────────────────────────────────────────────────────────────────────

NAMES = ("degradation", "overfitting", "neither")


def check_diagnosis(f, *, exercise=None):
    """f(shallow, deep): "degradation", "overfitting" or "neither"; both are (training loss, test accuracy)."""
    first = [((0.8, 0.7), (1.9, 0.4)), ((0.8, 0.7), (0.2, 0.6)), ((0.8, 0.7), (0.2, 0.8)), ((0.8, 0.7), (1.9, 0.72))]
    pairs = list(product((0.2, 0.5, 1.9), (0.4, 0.6, 0.7)))
    return hold(
        "diagnosis",
        f,
        lambda *case: "Shallow {}, deep {}".format(*case),
        first + list(product(pairs, pairs)),
        lambda *case: _diagnosis(set(), *case),
        _diagnosis,
        DIAGNOSIS,
        exercise,
        read=_a_name,
        same=lambda a, b: a == b,
        tell=lambda a, b: f"you say {a} and it is {b}",
    )


DIAGNOSIS = {
    "loss": "You take the loss the wrong way round: the lower it is, the better.",
    "accuracy": "You take the accuracy the wrong way round: the higher it is, the better.",
    "networks": "You take the two networks the wrong way round: it is the deep one that disappoints.",
    "unpacked": "Each pair belongs to one network, and holds its loss and its accuracy.",
    "names": "The two names are exchanged: degradation is about the training pictures, overfitting about the others.",
    "test first": "You look at the test first: a worse training loss is degradation, whatever the test says.",
    "both": "You say degradation only if the deep one is worse on both: the training loss alone decides it.",
    "test only": "You decide by the test accuracy alone: look at the training loss first.",
    "loss only": "You decide by the training loss alone: where it is no worse, the test accuracy tells.",
    "equal loss": "An equal loss is at least as good: degradation is a loss that is higher.",
    "equal accuracy": "An equal accuracy is no worse: overfitting is one that is lower.",
    "no overfitting": "You never say overfitting: a worse test with a loss that is no worse is that.",
    "no degradation": "You say overfitting where the training loss is worse: that is degradation.",
    "own numbers": "You compare a loss with an accuracy: compare the deep network's with the shallow one's.",
    "always": "You always say degradation: sometimes it is none.",
    "never": "You always say neither: is something returned before the comparisons?",
}


def _diagnosis(wrong, shallow, deep):
    (s_loss, s_right), (d_loss, d_right) = shallow, deep
    if "unpacked" in wrong:
        s_loss, d_loss, s_right, d_right = *shallow, *deep
    if "networks" in wrong:
        s_loss, s_right, d_loss, d_right = d_loss, d_right, s_loss, s_right
    if "loss" in wrong:
        s_loss, d_loss = d_loss, s_loss
    if "accuracy" in wrong:
        s_right, d_right = d_right, s_right
    worse_loss = d_loss >= s_loss if "equal loss" in wrong else d_loss > s_loss
    worse_test = d_right <= s_right if "equal accuracy" in wrong else d_right < s_right
    degradation, overfitting, neither = NAMES
    if "names" in wrong:
        degradation, overfitting = overfitting, degradation
    degradation = overfitting if "no degradation" in wrong else degradation
    overfitting = neither if "no overfitting" in wrong else overfitting
    worse_loss = d_loss > d_right if "own numbers" in wrong else worse_loss
    if "test first" in wrong:
        return overfitting if worse_test else degradation if worse_loss else neither
    if {"always", "never"} & wrong:
        return degradation if "always" in wrong else neither
    if "test only" in wrong:
        return overfitting if worse_test else neither
    if "loss only" in wrong:
        return degradation if worse_loss else overfitting
    if worse_loss and (worse_test or "both" not in wrong):
        return degradation
    return overfitting if worse_test else neither


def _a_name(found):
    if found is None:
        return found, "None: let it return one of the three names, in every case"
    if found not in NAMES:
        return found, f"{found!r}: it must be one of {', '.join(map(repr, NAMES))}"
    return found, ""


# ── Every block its shortcut ─────────────────────────────────────────────────────────────────────────────────


def check_start_as_shortcut(f, *, exercise=None):
    """f(network): changes a network of bottlenecks in place so that every block starts as ReLU(shortcut(x)) and can
    still learn: γ of its last BN is 0, and nothing else is changed."""
    name = getattr(f, "__name__", type(f).__name__)

    def wrong(sentence, line=""):
        return refusal("start", name, sentence, line)

    if not callable(f):
        raise wrong(f"The check wants your function itself, and was given {f!r:.60}.")
    n, woken, replaced = 0, 0, False
    for what, make in [
        ("a residual twin", lambda: twins(blocks=(1, 2, 1, 1), base=8, num_classes=5)[1]),
        ("a ResNet with projections", lambda: ResNet(blocks=(1, 2, 1, 1), base=8, num_classes=5)),
    ]:
        network, untouched = seeded(0, make), seeded(0, make)
        own = dict(network.named_parameters())
        try:
            f(network)
        except Exception as error:  # whatever a learner's code raises is a finding
            raise wrong(str(stopped(error, IN_FUNCTIONS)), where(error)) from None
        if problem := _of_start(network, untouched):
            raise wrong(f"Of {what}: {problem}")
        replaced = replaced or any(own[name] is not p for name, p in network.named_parameters())
        gammas = [block.bn3.weight for block in blocks(network).values()]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            loss = network.train()(torch.randn(4, 3, 64, 64)).logsumexp(1).sum()
        n += len(gammas)
        woken += sum(g.any().item() for g in torch.autograd.grad(loss, gammas))
    remarks = (
        (
            "You have put new weights in the place of the old: an optimizer made before would still hold the old ones. "
            "torch.nn.init.zeros_ changes them in place.",
        )
        if replaced
        else ()
    )
    done(exercise)
    text = (
        f"All {n} blocks tried start as ReLU(shortcut(x)), and one batch gives γ of bn3 a gradient in {woken} of them."
    )
    return Verdict(True, name, text, remarks=remarks)


def _of_start(network, untouched):
    """What is wrong with a network that should start as its shortcuts, beside the same one untouched: "" or why."""
    was, now = ({n: type(m) for n, m in each.named_modules()} for each in (untouched, network))
    if was != now:
        odd = next(n for n in (*was, *now) if was.get(n) is not now.get(n))
        return f"{odd} is another part now. Leave all parts as they are, and change numbers alone."
    was, now = untouched.state_dict(), network.state_dict()
    if odd := [n for n in was if n not in now or now[n].shape != was[n].shape]:
        size = tuple(now[odd[0]].shape) if odd[0] in now else "gone"
        return f"{odd[0]} was {tuple(was[odd[0]].shape)} and is {size}: keep its shape, and change its numbers."
    changed = {n for n in was if not torch.equal(now[n], was[n])}
    found = blocks(network)
    due = {f"{name}.bn3.weight" for name in found}
    kinds = {n.partition(".")[2].partition(".")[2] or n for n in changed - due if n.startswith("stage") and n[5] != "0"}
    if not changed:
        return (
            "nothing has changed. The function must change the network that it is given, itself and not a copy, and "
            "needs to return nothing."
        )
    if any(kind.startswith(("bn1", "bn2")) for kind in kinds) or any(n.startswith("stage0.bn") for n in changed):
        return (
            "more BNs than the last of each block have changed. Where bn1 or bn2 gives zeros, conv3 gets only zeros "
            "and cannot learn: take bn3 alone."
        )
    if any("shortcut" in kind for kind in kinds):
        return "the BN or the convolution of the projection has changed. The shortcut is what should be left: take bn3."
    if any(kind.startswith("conv") for kind in kinds):
        return (
            "a convolution has changed. If conv3 gives zeros, its BN divides by nearly nothing, and what must learn "
            "first gets a gradient of noise: take the weight γ of bn3."
        )
    if any(kind == "bn3.bias" for kind in kinds):
        return "the bias β of bn3 has changed, and is zero from the start. Its weight γ is the number to set."
    if changed - due:
        return f"{min(changed - due)} has changed. The weight of bn3 is enough."
    for name in found:
        gamma = now[f"{name}.bn3.weight"]
        if not gamma.any():
            continue
        left = sum(bool(now[n].any()) for n in due)
        if left == len(due):
            some = "some channels alone are zero" if (gamma == 0).any() else f"it is {gamma.flatten()[0].item():.3g}"
            return f"γ of {name}.bn3 must be exactly zero in all channels, and {some}."
        return (
            f"{len(due) - left} of {len(due)} blocks start as their shortcut, and {name} still adds something to its "
            "own. blocks(network).values() goes through all of them."
        )
    frozen = [n for n, p in network.named_parameters() if not p.requires_grad]
    if frozen:
        return f"{frozen[0]} can no longer learn: it does not ask for a gradient. Leave requires_grad as it is."
    if not network.training:
        return "the network has been put into evaluation mode. Leave its mode as it is."
    return ""


# ── Ways through a network ───────────────────────────────────────────────────────────────────────────────────


def check_ways(f, *, exercise=None):
    """f(n): how many ways through n residual blocks pass exactly k of their F's, a list for k = 0 … n."""
    cases = [(n,) for n in (2, 3, 1, 0, 4, 5, 16)]
    return hold(
        "ways",
        f,
        ("n",),
        cases,
        lambda n: _ways(set(), n),
        _ways,
        WAYS,
        exercise,
        read=_whole_numbers,
        same=lambda a, b: a == b,
        tell=_of_ways,
    )


WAYS = {
    "none": "The way past all blocks is missing: k begins at 0.",
    "all": "The way through all F's is missing: k goes up to n, so range(n + 1).",
    "outer": "The ways through none and through all F's are missing: k goes from 0 to n.",
    "beyond": "k goes up to n: no way leads through more F's than there are.",
    "exchanged": "math.comb(n, k) wants the number of all blocks first, and then how many of them are chosen.",
    "next": "That is the list of one block more: n blocks have n + 1 entries.",
    "powers": "2 ** k counts all ways through k blocks: those through exactly k of n are wanted.",
    "total": "2 ** n is the sum of all entries: how many of them pass exactly k F's?",
    "orders": "You count in which order the k blocks are taken: they come in one order only.",
    "repeats": "You choose blocks several times: each can be passed once.",
    "at most": "Those are the ways through at most k F's: exactly k are wanted.",
    "inner": "It is right up to n = 3: of four blocks, two can be chosen in six ways.",
    "ones": "There are more ways than one: of n blocks, one can be chosen in n ways.",
    "numbers": "Those are the k themselves: how many ways lead through k of them?",
    "products": "Of n blocks, two are chosen in n · (n − 1) / 2 ways, and not in 2 · n.",
}


def _ways(wrong, n):
    n = n + 1 if "next" in wrong else n
    ks = range(1 if {"none", "outer"} & wrong else 0, n if {"all", "outer"} & wrong else n + 1 + ("beyond" in wrong))

    def one(k):
        if "exchanged" in wrong:
            return math.comb(k, n)
        if "powers" in wrong or "total" in wrong:
            return 2 ** (k if "powers" in wrong else n)
        if "orders" in wrong:
            return math.perm(n, k)
        if "repeats" in wrong:
            return math.comb(n + k - 1, k) if n else 1
        if "inner" in wrong:
            return 1 if k in (0, n) else n
        if "ones" in wrong or "numbers" in wrong:
            return 1 if "ones" in wrong else k
        if "products" in wrong:
            return n * k if k else 1
        return sum(math.comb(n, j) for j in range(k + 1)) if "at most" in wrong else math.comb(n, k)

    return [one(k) for k in ks]


def _whole_numbers(found):
    if isinstance(found, dict):
        return found, "a dictionary: a list is wanted, in which entry k belongs to k"
    if found is None or isinstance(found, (int, float, str)):
        got = "None: let it return a list" if found is None else f"{found!r}: a list is wanted, an entry for each k"
        return found, got
    values = found.tolist() if hasattr(found, "tolist") else found
    if not isinstance(values, (list, tuple)):
        return found, f"a {type(found).__name__}: put list(…) around it"
    read = [number(value) for value in values]
    if bad := next((problem for _, problem in read if problem), ""):
        return found, f"a list that holds {bad.partition(':')[0]}"
    return [value for value, _ in read], ""


def _of_ways(yours, right):
    few = [f"[{', '.join(map(str, each[:6]))}{', …' if len(each) > 6 else ''}]" for each in (yours, right)]
    count = f" ({len(yours)} entries, and there are {len(right)})" if len(yours) != len(right) else ""
    return f"you say {few[0]} and it is {few[1]}{count}"
