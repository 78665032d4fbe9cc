"""Checks of a learner's arithmetic: many inputs, and typical mistakes recognised by computing what each would give."""

import math
import random
from itertools import combinations, product

import torch
from torch import nn

from ..anatomy import Sees, anatomy, out_size, shapes_only
from ..blocks import BTNK1, BTNK2, BasicBlock, Stem
from .holding import hold
from .telling import of_difference


def check_out_width(f, *, exercise=None):
    """f(W, kernel, stride, padding, dilation): the width that comes out of a convolution or pooling."""
    draw, cases = random.Random(0), [(224, 7, 2, 3, 1), (112, 3, 2, 1, 1), (56, 3, 1, 2, 2)]
    cases += [(2, 1, 1, 4, 1), (224, 7, 1, 0, 1)]  # more padding than picture, and none
    while len(cases) < 200:
        case = draw.randint(1, 230), draw.randint(1, 7), draw.randint(1, 4), draw.randint(0, 4), draw.randint(1, 3)
        if case[4] * (case[1] - 1) < case[0] + 2 * case[3]:
            cases.append(case)
    names = ("W", "kernel", "stride", "padding", "dilation")
    return hold("out_width", f, names, cases, out_size, _out_width, OUT_WIDTH, exercise, why=_by_a_number)


def _by_a_number(cases, got, due):
    """Too high or too low by one number everywhere."""
    return of_difference([{}] * len(cases), [{}] * len(cases), got, due)


OUT_WIDTH = {
    "floor": "You forgot the floor: a whole number of strides fits, so divide with //.",
    "ceil": "You rounded up; what is left over is dropped, so round down: //.",
    "round": "You rounded to the nearest; what is left over is dropped, so round down: //.",
    "one": "You are one too low: the first place counts as well, so + 1 after the division.",
    "inside": "The + 1 belongs after the division, not inside it.",
    "padding": "You forgot the padding.",
    "once": "Padding counts on both sides: 2·padding.",
    "stride": "You forgot the stride.",
    "dilation": "You forgot the dilation: the kernel covers dilation·(kernel − 1) + 1 pixels.",
    "reach": "The reach is dilation·(kernel − 1) + 1: between 3 weights there are 2 steps.",
    "kernel": "You forgot to take the kernel's reach away.",
    "first": "The reach is one too small: the kernel's first pixel counts too, dilation·(kernel − 1) + 1.",
    "signs": "A minus before a bracket turns both signs: − (d·(k − 1) + 1) is − d·(k − 1) − 1.",
    "kernel + gaps": "A gap between two weights is dilation − 1 wide: kernel + (kernel − 1)·(dilation − 1).",
    "+ reach": "The reach is dilation·(kernel − 1) + 1, one pixel more than its steps: not dilation·kernel + 1.",
    "turned": "It is the row minus the reach, not the reach minus the row.",
    "gaps": "Each of the kernel − 1 gaps between the weights is dilation wide: multiply the two.",
    "added": "The reach is taken away from the row, not added to it.",
    "shorter": "Padding makes the row longer: add 2·padding.",
    "brackets": "Brackets are missing: the whole of W + 2·padding − reach is divided by the stride.",
    "last alone": "Brackets are missing: only the −1 before the sign is divided, and the whole before it should be.",
    "stride + 1": "Brackets: divide by the stride first, then + 1. You divide by stride + 1.",
    "times": "Divide by the stride: a larger step gives fewer places.",
    "exact": "Where a last place fits exactly, it counts: the kernel may end at the last pixel of the padded row.",
    "padding last": "Padding is not there yet when the row is divided: add 2·padding to W first.",
}


def _out_width(wrong, W, kernel, stride, padding, dilation):
    steps = kernel + dilation - 2 if "gaps" in wrong else (1 if "dilation" in wrong else dilation) * (kernel - 1)
    reach = (
        dilation * kernel if "reach" in wrong else steps + (0 if "first" in wrong else -1 if "signs" in wrong else 1)
    )
    reach = kernel + dilation * (kernel - 1) if "kernel + gaps" in wrong else reach
    reach = dilation * kernel + 1 if "+ reach" in wrong else reach
    reach = 0 if "kernel" in wrong else -reach if "added" in wrong else reach
    more = 0 if {"padding", "padding last"} & wrong else padding if "once" in wrong else 2 * padding
    room = W + (-more if "shorter" in wrong else more) - reach + (1 if "inside" in wrong else 0)
    if room < 0 or W + more < 1:
        return None  # no place at all: whether a formula then gives 0, 1 or less depends on how it rounds
    if "brackets" in wrong:
        return room + reach - reach // stride + 1
    if "last alone" in wrong:
        return room + 1 - (1 / stride if "floor" in wrong else 1 // stride) + 1
    room = -room if "turned" in wrong else room
    strides = room * stride if "times" in wrong else room / (1 if "stride" in wrong else stride)
    strides = room / (stride + 1) if "stride + 1" in wrong else strides
    if "floor" not in wrong:
        whole = math.ceil if {"ceil", "exact"} & wrong else round if "round" in wrong else math.floor
        strides = whole(strides)
    strides += 2 * padding if "padding last" in wrong else 0
    return strides + (0 if {"one", "inside", "exact", "stride + 1"} & wrong else 1)


def check_numbers_left(f, *, exercise=None):
    """f(C, W, S): how many numbers are left of a (C, W, W) tensor of which every S-th row and column is kept."""
    cases = [(3, 224, 1), (3, 224, 2), (64, 112, 2), (512, 7, 2), (10, 100, 3), (5, 23, 4), (7, 1, 2)]
    return hold(
        "numbers_left",
        f,
        ("C", "W", "S"),
        cases,
        lambda *n: _numbers_left(set(), *n),
        _numbers_left,
        NUMBERS_LEFT,
        exercise,
    )


NUMBERS_LEFT = {
    "rows": "You have thinned out one side only: both the rows and the columns become W/S.",
    "one side": "You forgot that there are rows and columns: multiply by the new side twice.",
    "channels": "That is one channel: multiply by C.",
    "floor": "You rounded down. The first pixel of a row is always kept, so W/S is rounded up.",
    "nearest": "You rounded to the nearest. Whatever is left over of W/S, it is rounded up.",
    "exact": "W/S need not be whole: round it up before you multiply.",
    "late": "Round each side up before you multiply, and not the product at the end.",
    "late floor": "Round each side up before you multiply; you divide the product, and round it down.",
    "area": "Round each side up before you multiply, and not rows times columns.",
    "share": "S thins out rows and columns: about 1/S² of the numbers is left, and not 1/S.",
    "share floor": "S thins out rows and columns: about 1/S² of the numbers is left, and not 1/S.",
    "squared": "1/S² of the numbers is left, and that is 1/S of each side.",
    "plus one": "W // S + 1 is one too many wherever S divides W: math.ceil(W / S) rounds up only what is not whole.",
    "doubled": "The new side times itself is wanted, rows times columns, and not times 2.",
    "thinned": "The channels stay, all C of them: only rows and columns are thinned out.",
    "all": "That is how many there were before: W becomes W/S.",
    "gone": "That is how many are gone; those that are left are wanted.",
    "part": "That is the share that is left; how many numbers that are is wanted.",
}


def _numbers_left(wrong, C, W, S):
    C = math.ceil(C / S) if "thinned" in wrong else 1 if "channels" in wrong else C
    if "area" in wrong:
        return C * math.ceil(W * W / S**2)
    if {"share", "share floor"} & wrong:
        return C * W * W // S if "share floor" in wrong else C * W * W / S
    step = S * S if "squared" in wrong else S
    side = W / step
    if not {"exact", "late", "late floor"} & wrong:
        side = W // step if "floor" in wrong else round(side) if "nearest" in wrong else out_size(W, 1, step)
    side = W // S + 1 if "plus one" in wrong else W if "all" in wrong else side
    left = C * side * (1 if "one side" in wrong else 2 if "doubled" in wrong else W if "rows" in wrong else side)
    left = math.ceil(left) if "late" in wrong else math.floor(left) if "late floor" in wrong else left
    return C * W * W - left if "gone" in wrong else left / (C * W * W) if "part" in wrong else left


def check_bytes(f, *, exercise=None):
    """f(batch, C, W): how many bytes a float32 tensor of shape (batch, C, W, W) takes."""
    cases = [(1, 3, 224), (32, 3, 224), (32, 64, 112), (8, 2048, 7), (5, 6, 10)]

    def true(*shape):
        empty = torch.empty(*shape, shape[-1], device="meta")
        return empty.numel() * empty.element_size()

    return hold("bytes", f, ("batch", "C", "W"), cases, true, _bytes, BYTES, exercise)


BYTES = {
    "numbers": "That is how many numbers there are: a float32 takes 4 bytes.",
    "bits": "You give bits: 8 of them are a byte, so a float32 takes 32/8 = 4 bytes.",
    "eighth": "8 bits are a byte: a float32 of 32 bits takes 32/8 bytes, and not 1/8.",
    "double": "A float32 takes 4 bytes, and not 8.",
    "half": "A float32 takes 4 bytes, and not 2.",
    "batch": "You forgot the batch: that is one picture.",
    "channels": "You forgot that there are C channels.",
    "one side": "You forgot that there are rows and columns: W · W.",
    "thousand": "You give kilobytes; bytes are wanted.",
    "1024": "You give kilobytes of 1,024 bytes; bytes are wanted.",
    "million": "You give megabytes; bytes are wanted.",
}


def _bytes(wrong, batch, C, W):
    sizes = {"numbers": 1, "bits": 32, "eighth": 1 / 8, "double": 8, "half": 2}
    each = next((n for name, n in sizes.items() if name in wrong), 4)
    one = (1 if "channels" in wrong else C) * (W if "one side" in wrong else W * W)
    whole = each * one * (1 if "batch" in wrong else batch)
    unit = 1000 if "thousand" in wrong else 1024 if "1024" in wrong else 10**6 if "million" in wrong else 1
    return whole / unit if unit > 1 else whole


# What the parts consist of: (C_in, C_out, kernel) of each convolution; the last of BTNK1 is the projection.
CONVOLUTIONS = {
    "stem": lambda C, C1: [(C, C1, 7)],
    "basic": lambda C: [(C, C, 3)] * 2,
    "BTNK2": lambda C: [(C, C // 4, 1), (C // 4, C // 4, 3), (C // 4, C, 1)],
    "BTNK1": lambda C, C1: [(C, C1, 1), (C1, C1, 3), (C1, 4 * C1, 1), (C, 4 * C1, 1)],
}
# The same in words.
LAYERS = {
    "stem": ("the 7×7",),
    "basic": ("the first 3×3", "the second 3×3"),
    "BTNK2": ("the first 1×1", "the 3×3", "the last 1×1"),
    "BTNK1": ("the first 1×1", "the 3×3", "the last 1×1", "the projection G"),
}
MODULES = {"stem": Stem, "basic": BasicBlock, "BTNK2": BTNK2, "BTNK1": BTNK1}
NUMBERS = {
    "stem": (("C", "C1"), [(3, 64), (1, 8), (4, 12), (5, 7)]),
    "basic": (("C",), [(64,), (256,), (512,), (12,)]),
    "BTNK2": (("C",), [(256,), (512,), (1024,), (2048,), (20,)]),
    "BTNK1": (("C", "C1"), [(64, 64), (256, 128), (512, 256), (1024, 512), (12, 20), (28, 5)]),
}


def check_parameters(part, f, *, norms=True, exercise=None):
    """f(C), or f(C, C1): the parameters of a part, "stem", "basic", "BTNK2" or "BTNK1". norms: with those of the BNs,
    or of the convolutions alone."""
    _known(part, MODULES)
    names, cases = NUMBERS[part]

    def true(*numbers):
        with shapes_only():
            return sum(p.numel() for p in MODULES[part](*numbers).parameters() if norms or p.dim() > 1)

    def slip(wrong, *numbers):
        return _parameters(part, wrong, norms, *numbers)

    alone = {"bn": "You count the BNs too; this formula is for convolutions alone."}
    slips = PARAMETERS if norms else {**PARAMETERS, **alone}

    def why(cases, got, due):
        sizes = [_sizes(names, case) for case in cases]
        layers = [CONVOLUTIONS[part](*case) for case in cases]
        return _of_layers(part, sizes, layers, [[1] * len(c) for c in layers], 2 if norms else 0, got, due)

    return hold("parameters", f, names, cases, true, slip, slips, exercise, why=why)


def _of_layers(part, sizes, layers, places, bn, got, due):
    """What the difference says of single convolutions and BNs: the sentence, or None.

    Of each case: sizes, the numbers that the formula is made of; layers, (C_in, C_out, kernel) of each convolution;
    places, how often each of their weights counts. bn: what a BN counts per channel.
    """
    off = [a - b for a, b in zip(got, due, strict=True)]
    terms = [{} for _ in sizes]
    for i, name in enumerate(LAYERS[part]):
        each = [(*c[i], n[i]) for c, n in zip(layers, places, strict=True)]
        for term, (a, b, k, n) in zip(terms, each, strict=True):
            term[name] = a * b * k * k * n
            term |= {f"the BN of {name}": bn * b, f"{name} with its BN": a * b * k * k + bn * b} if bn else {}
        widths = [{name: n for name, n in size.items() if name.startswith("C")} | {"1": 1} for size in sizes]
        widths = [{**width, "4·C1": 4 * width["C1"]} if "C1" in width else width for width in widths]
        for said, norm in product(widths[0], (0, bn)):
            ins = [(w[said] - a) * b * k * k * n for w, (a, b, k, n) in zip(widths, each, strict=True)]
            outs = [(w[said] - b) * (a * k * k * n + norm) for w, (a, b, k, n) in zip(widths, each, strict=True)]
            for verb, change, of in (("takes", ins, 0), ("gives", outs, 1)):
                if change == off:
                    right = next(n for n, w in widths[-1].items() if w == each[-1][of])
                    return f"{name[0].upper()}{name[1:]} {verb} {right} channels, and you count {said}."
        if [bn * (a - b) for a, b, *_ in each] == off:
            return f"{name[0].upper()}{name[1:]} has its channels exchanged: its BN has as many as it gives out."
        for said, count in COUNTS.items() if not bn and "W" in sizes[0] else ():
            if [(count(**size) - n) * a * b * k * k for size, (a, b, k, n) in zip(sizes, each, strict=True)] == off:
                right = next(n for n, c in COUNTS.items() if c(**sizes[-1]) == each[-1][3])
                return f"{name[0].upper()}{name[1:]} works at {right} positions, and you count {said}."
    for term, convolutions, often in zip(terms, layers, places, strict=True):
        weights = {n: a * b * k * k * p for n, (a, b, k), p in zip(LAYERS[part], convolutions, often, strict=True)}
        term |= {f"{m} and {n} together": weights[m] + weights[n] for m, n in combinations(weights, 2)}
        term |= {"all after the first 1×1": sum(list(weights.values())[1:])} if len(weights) > 2 else {}
        term |= {"all BNs together": bn * sum(b for _, b, _ in convolutions)} if bn else {}
        term |= {"all convolutions together": sum(weights.values())}
    return of_difference(sizes, terms, got, due)


def _sizes(names, case):
    """What a formula is made of: the arguments, and what belongs to them: C/4, or V, the width after the stride."""
    sizes = dict(zip(names, case, strict=True))
    if "S" in sizes:
        sizes["V"] = -(-sizes["W"] // sizes["S"])
    if "C" in sizes and "C1" not in sizes:
        sizes["C/4"] = sizes["C"] // 4
    return sizes


# Positions at which a convolution may be thought to work, W before the stride and V after it.
COUNTS = {
    "W·W": lambda W, **_: W * W,
    "V·V, V = ⌈W/S⌉,": lambda W, V=None, **_: (V or W) ** 2,
    "W·V": lambda W, V=None, **_: W * (V or W),
    "W": lambda W, **_: W,
    "V": lambda W, V=None, **_: V or W,
    "2·W": lambda W, **_: 2 * W,
    "1": lambda **_: 1,
}


PARAMETERS = {
    "bn": "You forgot the BNs: 2 parameters a channel, a factor and an offset.",
    "bn once": "A BN has 2 parameters a channel, a factor and an offset, and not 1.",
    "bn stats": "You count BN's running mean and variance: they are stored, but not trained, so no parameters.",
    "bias": "You count a bias: the convolutions of a ResNet have none, since the BN would subtract it again.",
    "kernel": "A 3×3 has 9 weights for each pair of channels: kernel · kernel, not kernel.",
    "doubled": "A k×k kernel has k · k weights for each pair of channels, not 2 · k.",
    "one weight": "A k×k kernel has k · k weights for each pair of channels, and you count 1.",
    "projection": "You forgot the projection G: a convolution C → 4·C1 and its BN. Stage 1 has it too.",
    "projection bn": "You forgot the BN of the projection.",
    "four": "The block gives out 4·C1 channels, not C1: the last 1×1 and the projection.",
    "square": "You forgot that inside the block there are C/4 channels.",
    "only 3×3": "You count the 3×3 alone: the 1×1 convolutions have weights too.",
    "one 1×1": "You count one 1×1 convolution: there is one before the 3×3 and one after it.",
    "one side": "The 3×3 goes from C/4 to C/4 channels: C/4 on both sides.",
    "both sides": "The 3×3 goes from C/4 to C/4 channels, and yours from C to C.",
    "17 // 16": "17 // 16 is 1, for // rounds down: multiply first, 17 * C * C // 16.",
    "bn wide": "You give every BN C channels: the first two follow convolutions that give out C/4.",
    "second": "You count one 3×3: a basic block has two.",
    "half": "That is half of it: a basic block has two 3×3 convolutions, and a BN after each.",
    "narrow": "A basic block does not squeeze: both 3×3 go from C to C channels.",
    "first alone": "You count the first convolution alone: is return inside the loop?",
    "last alone": "You count the last convolution alone: the sum grows from layer to layer, total += …",
    "no in": "Each number of the output needs a weight for every channel that comes in: times C_in.",
    "no out": "Each channel that goes out has weights of its own: times C_out.",
}
# Those of one part alone.
BASIC, BOTTLENECK = {"second", "half", "narrow"}, {"one 1×1", "one side", "both sides", "17 // 16", "bn wide"}


def _parameters(part, wrong, norms, *numbers):
    wrong = wrong - (set() if part == "basic" else BASIC) - (set() if part == "BTNK2" else BOTTLENECK)
    convolutions = CONVOLUTIONS[part](*([numbers[0] // 4] if "narrow" in wrong else numbers))
    convolutions = convolutions[:1] if "half" in wrong else convolutions
    if "one side" in wrong:
        convolutions = [(numbers[0] if k > 1 else a, b, k) for a, b, k in convolutions]
    if "both sides" in wrong:
        convolutions = [(*numbers, *numbers, k) if k > 1 else (a, b, k) for a, b, k in convolutions]
    if "square" in wrong:
        convolutions = [(numbers[0], numbers[0], k) for *_, k in convolutions]
    if "four" in wrong:
        convolutions = [(a, b if b != 4 * numbers[-1] else numbers[-1], k) for a, b, k in convolutions]
    if "projection" in wrong and part == "BTNK1":
        convolutions = convolutions[:-1]
    convolutions = (
        convolutions[:1] if "first alone" in wrong else convolutions[-1:] if "last alone" in wrong else convolutions
    )
    kept = [c for c in convolutions if c[2] > 1] if "only 3×3" in wrong else convolutions
    kept = kept[:1] if "second" in wrong else kept[1:] if "one 1×1" in wrong else kept
    kept = [(1 if "no in" in wrong else a, 1 if "no out" in wrong else b, k) for a, b, k in kept]
    sides = {"kernel": lambda k: k, "doubled": lambda k: 2 * k, "one weight": lambda k: 1}
    weights = next((sides[w] for w in sides if w in wrong), lambda k: k * k)
    total = sum(a * b * weights(k) for a, b, k in kept)
    total = total // 17 * 16 if "17 // 16" in wrong else total
    total += sum(b for _, b, _ in kept) if "bias" in wrong else 0
    if norms != ("bn" in wrong):
        each = 1 if "bn once" in wrong else 4 if "bn stats" in wrong else 2
        last = -1 if "projection bn" in wrong and part == "BTNK1" else None
        total += each * sum(numbers[0] if "bn wide" in wrong else b for _, b, _ in convolutions[:last])
    return total


MACS_NUMBERS = {
    "convolution": (
        ("C_in", "C_out", "kernel", "W_out"),
        [(3, 64, 7, 112), (64, 64, 3, 56), (12, 20, 1, 5), (5, 11, 3, 9)],
    ),
    "BTNK2": (("C", "W"), [(256, 56), (512, 28), (1024, 14), (2048, 7), (20, 9)]),
    "BTNK1": (
        ("C", "W", "C1", "S"),
        [(64, 56, 64, 1), (256, 56, 128, 2), (512, 28, 256, 2), (12, 9, 20, 2), (28, 10, 3, 3)],
    ),
}


def check_macs(part, f, *, exercise=None):
    """The MACs of a part: "BTNK2", f(C, W); "BTNK1", f(C, W, C1, S); "convolution", f(C_in, C_out, kernel, W_out)."""
    names, cases = MACS_NUMBERS[_known(part, MACS_NUMBERS)]

    def true(*n):
        with shapes_only():
            if part == "convolution":
                C_in, C_out, kernel, W = n
                layer = nn.Conv2d(C_in, C_out, kernel, padding=kernel // 2, bias=False)
                return anatomy(layer, (C_in, W, W)).macs
            module = BTNK2(n[0]) if part == "BTNK2" else BTNK1(n[0], *n[2:])
            return anatomy(module, n[1]).macs

    def why(cases, got, due):
        sizes = [_sizes(names, case) for case in cases]
        if part == "convolution":
            return of_difference(sizes, [{"the convolution": d} for d in due], got, due)
        layers, places = zip(*(_layout(part, set(), *case) for case in cases), strict=True)
        return _of_layers(part, sizes, layers, [[w * w for w in row] for row in places], 0, got, due)

    return hold("macs", f, names, cases, true, lambda wrong, *n: _macs(part, wrong, *n), MACS, exercise, why=why)


MACS = {
    "flops": "You give FLOPs: 1 MAC is one multiplication with its addition, 2 FLOPs. Take half.",
    "once": "The output has W · W positions, not W.",
    "nowhere": "That is the number of weights: each is used once at every output position, so times W · W.",
    "kernel": "A k×k kernel has k · k products for each pair of channels, not k.",
    "doubled": "A k×k kernel has k · k products for each pair of channels, not 2 · k.",
    "twice": "The output has W · W positions, not 2 · W.",
    "last": "One convolution alone is multiplied by the positions: put brackets around the whole sum.",
    "middle": "One convolution alone is multiplied by the positions: put brackets around the whole sum.",
    "floor": "After the stride the width is W/S rounded up: with padding 1, an odd W keeps its last position.",
    "float": "After the stride the width is W/S rounded up: positions are whole.",
    "(W − 1) / S": "After the stride the width is ⌊(W − 1) / S⌋ + 1: positions are whole.",
    "one less": "After the stride the width is ⌊(W − 1) / S⌋ + 1: the first place counts as well.",
    "one more": "After the stride the width is ⌊(W − 1) / S⌋ + 1, and not ⌊W / S⌋ + 1.",
    "times S": "The stride divides the width, W/S: it does not multiply it.",
    "stride": "You forgot the stride: after it there are W/S · W/S positions, and only the first 1×1 still works at W.",
    "all strided": "The first 1×1 works before the stride, at all W · W positions (v1.5).",
    "projection": "You forgot the projection G.",
    "four": "The block gives out 4·C1 channels, not C1.",
    "square": "You forgot that inside the block there are C/4 channels.",
    "bias": "You count a bias: the convolutions of a ResNet have none.",
    "only 3×3": "You count the 3×3 alone: the 1×1 convolutions cost too.",
    "C_in": "Each number of the output needs products from all channels that come in: times C_in.",
}


def _macs(part, wrong, *n):
    layers, places = _layout(part, wrong, *n)
    total = 0
    for mistake, i in (("last", len(layers) - 1), ("middle", 1)):
        if mistake in wrong and part != "convolution":
            places = [W if n == i else 1 for n, W in enumerate(places)]
    for (a, b, k), W in zip(layers, places, strict=True):
        if "only 3×3" in wrong and k == 1 and part != "convolution":
            continue
        products = a * (k if "kernel" in wrong else 2 * k if "doubled" in wrong else k * k) + ("bias" in wrong)
        positions = 1 if "nowhere" in wrong else W if "once" in wrong else 2 * W if "twice" in wrong else W * W
        total += b * products * positions
    return total * (2 if "flops" in wrong else 1)


def _layout(part, wrong, *n):
    """(C_in, C_out, kernel) of each convolution, and the width at which each works."""
    if part == "convolution":
        return [(1 if "C_in" in wrong else n[0], *n[1:3])], [n[3]]
    C, W, C1, S = n if part == "BTNK1" else (*n, None, 1)
    layers = CONVOLUTIONS[part](*((C, C1) if part == "BTNK1" else (C,)))
    late = -(-W // S)
    widths = {
        "stride": W,
        "floor": W // S,
        "float": W / S,
        "one less": late - 1,
        "one more": W // S + 1,
        "times S": W * S,
    }
    widths["(W − 1) / S"] = (W - 1) / S + 1
    late = next((widths[w] for w in widths if w in wrong), late)
    places = [late if "all strided" in wrong else W] + [late] * (len(layers) - 1)
    if "square" in wrong and part == "BTNK2":
        layers = [(C, C, k) for *_, k in layers]
    if "four" in wrong and part == "BTNK1":
        layers = [(a, b if b != 4 * C1 else C1, k) for a, b, k in layers]
    if "projection" in wrong and part == "BTNK1":
        layers, places = layers[:-1], places[:-1]
    return layers, places


def check_receptive_field(f, *, exercise=None):
    """f(steps): pixels that one value sees along a side, after steps of (kernel, stride), first to last."""
    draw = random.Random(0)
    cases = [([(7, 2), (3, 2)],), ([(7, 2), (3, 2), (3, 1), (3, 1), (3, 1)],), ([],), ([(3, 1)],)]
    for _ in range(60):
        cases.append(([(draw.choice((1, 3, 5, 7)), draw.choice((1, 1, 2, 3))) for _ in range(draw.randint(1, 8))],))

    def true(steps):
        sees = Sees(1, 1, 0)
        for kernel, stride in steps:
            sees = sees.through(kernel, stride)
        return sees.reach

    return hold("receptive_field", f, ("steps",), cases, true, _receptive_field, FIELD, exercise, why=_by_a_number)


FIELD = {
    "early": "The stride counts too early: it widens the jump for the steps after it. Add to r first, then change j.",
    "kernel": "A step adds (kernel − 1) · j: a 3×3 adds two jumps, not three.",
    "jump": "You forgot the jump: after a stride, neighbours lie j pixels apart, so a step adds (kernel − 1) · j.",
    "zero": "Begin with r = 1: a pixel sees itself.",
    "last": "You use the last step's stride alone: jumps multiply, j = j · stride.",
    "sum": "Jumps multiply, 2 · 2 = 4, and do not add.",
    "add": "Jumps multiply, 2 · 2 = 4, and do not add.",
    "backwards": "You walk from the last step to the first with a rule that goes from the first to the last.",
    "exchanged": "Each step is (kernel, stride), in this order.",
    "no last": "The last step is left out.",
    "no first": "The first step is left out.",
    "first alone": "Only the first step counts: is return inside the loop?",
    "last alone": "Only the last step counts: r grows from step to step, r = r + …",
    "more": "A step adds kernel − 1 jumps, not kernel + 1.",
    "minus": "Each step adds to r.",
    "plus": "Multiply (kernel − 1) by j; you add j.",
    "jump from 0": "Begin with j = 1: in the picture itself, neighbours lie 1 pixel apart.",
    "brackets": "Brackets: (kernel − 1) · j, and not kernel − 1 · j.",
    "j": "You give back the jump j, and not r.",
    "not summed": "r grows from step to step: r = r + (kernel − 1) · j.",
    "kernels": "The jump grows by the stride, j = j · stride, not by the kernel.",
    "strides": "What a step adds depends on its kernel, (kernel − 1) · j, not on its stride.",
    "r": "The jump grows by itself, j = j · stride; you multiply r.",
    "forwards": "r = (r − 1) · stride + kernel is the rule from the last step to the first: walk backwards.",
    "behind, r": "From behind, the first and the last of r values begin (r − 1) · stride pixels apart, not r · stride.",
    "behind, kernel": "From behind, the last of the r values sees a whole kernel: (r − 1) · stride + kernel.",
    "behind, zero": "From behind as well, begin with r = 1.",
    "behind, brackets": "Brackets: (r − 1) · stride + kernel.",
    "behind, late": "From behind: first (r − 1) · stride, and then + kernel, without the stride.",
}

# One step of the other usual way, from the last step to the first.
BEHIND = {
    "forwards": lambda r, kernel, stride: (r - 1) * stride + kernel,
    "behind, r": lambda r, kernel, stride: r * stride + kernel,
    "behind, kernel": lambda r, kernel, stride: (r - 1) * stride + kernel - 1,
    "behind, zero": lambda r, kernel, stride: (r - 1) * stride + kernel,
    "behind, brackets": lambda r, kernel, stride: r - stride + kernel,
    "behind, late": lambda r, kernel, stride: (r - 1 + kernel) * stride,
}


def _receptive_field(wrong, steps):
    steps = steps[:-1] if "no last" in wrong else steps[1:] if "no first" in wrong else steps
    steps = steps[:1] if "first alone" in wrong else steps[-1:] if "last alone" in wrong else steps
    steps = steps[::-1] if "backwards" in wrong else steps
    r, j = (0 if {"zero", "behind, zero"} & wrong else 1), (0 if "jump from 0" in wrong else 1)
    if other := BEHIND.keys() & wrong:
        for kernel, stride in steps if "forwards" in wrong else reversed(steps):
            r = BEHIND[min(other)](r, kernel, stride)
        return r
    for kernel, stride in steps:
        kernel, stride = (stride, kernel) if "exchanged" in wrong else (kernel, stride)
        more = (
            stride if "last" in wrong else j + stride - 1 if "sum" in wrong else j + stride if "add" in wrong else None
        )
        more = (
            j * kernel if "kernels" in wrong else r * stride if "r" in wrong else j * stride if more is None else more
        )
        if "early" in wrong:
            j = more
        jumps = kernel if "kernel" in wrong else stride - 1 if "strides" in wrong else kernel - 1
        jumps = kernel + 1 if "more" in wrong else jumps
        step = jumps if "jump" in wrong else jumps + j if "plus" in wrong else jumps * j
        step = kernel - j if "brackets" in wrong else step
        r = step if "not summed" in wrong else r - step if "minus" in wrong else r + step
        j = more
    return j if "j" in wrong else r


def _known(part, parts):
    if part not in parts:
        raise ValueError(f"part = {part!r} must be one of {', '.join(map(repr, parts))}")
    return part
