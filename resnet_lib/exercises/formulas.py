"""Checks of a learner's arithmetic: many inputs, and typical mistakes recognised by computing what each would give."""

import math
import random

from torch import nn

from ..anatomy import Sees, anatomy, out_size, shapes_only
from ..blocks import BTNK1, BTNK2, BasicBlock, Stem
from .holding import hold


def check_out_width(f, *, exercise=None):
    """f(W, kernel, stride, padding, dilation): the width that comes out of a convolution or pooling."""
    draw, cases = random.Random(0), [(224, 7, 2, 3, 1), (112, 3, 2, 1, 1), (224, 7, 1, 0, 1), (56, 3, 1, 2, 2)]
    while len(cases) < 200:
        case = draw.randint(1, 230), draw.randint(1, 7), draw.randint(1, 4), draw.randint(0, 4), draw.randint(1, 3)
        if case[4] * (case[1] - 1) < case[0] + 2 * case[3]:
            cases.append(case)
    names = ("W", "kernel", "stride", "padding", "dilation")
    return hold("out_width", f, names, cases, out_size, _out_width, OUT_WIDTH, exercise)


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
}


def _out_width(wrong, W, kernel, stride, padding, dilation):
    reach = dilation * kernel if "reach" in wrong else (1 if "dilation" in wrong else dilation) * (kernel - 1) + 1
    reach = 0 if "kernel" in wrong else reach
    room = W + (0 if "padding" in wrong else padding if "once" in wrong else 2 * padding) - reach
    room = room + 1 if "inside" in wrong else room
    strides = room / (1 if "stride" in wrong else stride)
    if "floor" not in wrong:
        strides = (math.ceil if "ceil" in wrong else round if "round" in wrong else math.floor)(strides)
    return strides + (0 if {"one", "inside"} & wrong else 1)


# What the parts consist of: (C_in, C_out, kernel) of each convolution; the last of BTNK1 is the projection.
CONVOLUTIONS = {
    "stem": lambda C, C1: [(C, C1, 7)],
    "basic": lambda C: [(C, C, 3)] * 2,
    "BTNK2": lambda C: [(C, C // 4, 1), (C // 4, C // 4, 3), (C // 4, C, 1)],
    "BTNK1": lambda C, C1: [(C, C1, 1), (C1, C1, 3), (C1, 4 * C1, 1), (C, 4 * C1, 1)],
}
MODULES = {"stem": Stem, "basic": BasicBlock, "BTNK2": BTNK2, "BTNK1": BTNK1}
NUMBERS = {
    "stem": (("C", "C1"), [(3, 64), (1, 8), (4, 12)]),
    "basic": (("C",), [(64,), (256,), (512,), (12,)]),
    "BTNK2": (("C",), [(256,), (512,), (1024,), (2048,), (20,)]),
    "BTNK1": (("C", "C1"), [(64, 64), (256, 128), (512, 256), (1024, 512), (12, 20)]),
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
    return hold("parameters", f, names, cases, true, slip, slips, exercise)


PARAMETERS = {
    "bn": "You forgot the BNs: 2 parameters a channel, a factor and an offset.",
    "bn once": "A BN has 2 parameters a channel, a factor and an offset, and not 1.",
    "bn stats": "You count BN's running mean and variance: they are stored, but not trained, so no parameters.",
    "bias": "You count a bias: the convolutions of a ResNet have none, since the BN would subtract it again.",
    "kernel": "A 3×3 has 9 weights for each pair of channels: kernel · kernel, not kernel.",
    "projection": "You forgot the projection G: a convolution C → 4·C1 and its BN. Stage 1 has it too.",
    "projection bn": "You forgot the BN of the projection.",
    "four": "The block gives out 4·C1 channels, not C1: the last 1×1 and the projection.",
    "square": "You forgot that inside the block there are C/4 channels.",
    "only 3×3": "You count the 3×3 alone: the 1×1 convolutions have weights too.",
    "one 1×1": "You count one 1×1 convolution: there is one before the 3×3 and one after it.",
    "one side": "The 3×3 goes from C/4 to C/4 channels: C/4 on both sides.",
    "bn wide": "You give every BN C channels: the first two follow convolutions that give out C/4.",
    "second": "You count one 3×3: a basic block has two.",
    "half": "That is half of it: a basic block has two 3×3 convolutions, and a BN after each.",
    "narrow": "A basic block does not squeeze: both 3×3 go from C to C channels.",
}
# Those of one part alone.
BASIC, BOTTLENECK = {"second", "half", "narrow"}, {"one 1×1", "one side", "bn wide"}


def _parameters(part, wrong, norms, *numbers):
    wrong = wrong - (set() if part == "basic" else BASIC) - (set() if part == "BTNK2" else BOTTLENECK)
    convolutions = CONVOLUTIONS[part](*([numbers[0] // 4] if "narrow" in wrong else numbers))
    convolutions = convolutions[:1] if "half" in wrong else convolutions
    if "one side" in wrong:
        convolutions = [(numbers[0] if k > 1 else a, b, k) for a, b, k in convolutions]
    if "square" in wrong:
        convolutions = [(numbers[0], numbers[0], k) for *_, k in convolutions]
    if "four" in wrong:
        convolutions = [(a, b if b != 4 * numbers[-1] else numbers[-1], k) for a, b, k in convolutions]
    if "projection" in wrong and part == "BTNK1":
        convolutions = convolutions[:-1]
    kept = [c for c in convolutions if c[2] > 1] if "only 3×3" in wrong else convolutions
    kept = kept[:1] if "second" in wrong else kept[1:] if "one 1×1" in wrong else kept
    total = sum(a * b * (k if "kernel" in wrong else k * k) for a, b, k in kept)
    total += sum(b for _, b, _ in kept) if "bias" in wrong else 0
    if norms != ("bn" in wrong):
        each = 1 if "bn once" in wrong else 4 if "bn stats" in wrong else 2
        last = -1 if "projection bn" in wrong and part == "BTNK1" else None
        total += each * sum(numbers[0] if "bn wide" in wrong else b for _, b, _ in convolutions[:last])
    return total


MACS_NUMBERS = {
    "convolution": (("C_in", "C_out", "kernel", "W_out"), [(3, 64, 7, 112), (64, 64, 3, 56), (12, 20, 1, 5)]),
    "BTNK2": (("C", "W"), [(256, 56), (512, 28), (1024, 14), (2048, 7), (20, 9)]),
    "BTNK1": (("C", "W", "C1", "S"), [(64, 56, 64, 1), (256, 56, 128, 2), (512, 28, 256, 2), (12, 9, 20, 2)]),
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

    return hold("macs", f, names, cases, true, lambda wrong, *n: _macs(part, wrong, *n), MACS, exercise)


MACS = {
    "flops": "You give FLOPs: 1 MAC is one multiplication with its addition, 2 FLOPs. Take half.",
    "once": "The output has W · W positions, not W.",
    "nowhere": "That is the number of weights: each is used once at every output position, so times W · W.",
    "kernel": "A k×k kernel has k · k products for each pair of channels, not k.",
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
    if part == "convolution":
        layers, places = [(1 if "C_in" in wrong else n[0], *n[1:3])], [n[3]]
    else:
        C, W, C1, S = n if part == "BTNK1" else (*n, None, 1)
        layers = CONVOLUTIONS[part](*((C, C1) if part == "BTNK1" else (C,)))
        late = W if "stride" in wrong else -(-W // S)
        places = [late if "all strided" in wrong else W] + [late] * (len(layers) - 1)
        if "square" in wrong and part == "BTNK2":
            layers = [(C, C, k) for *_, k in layers]
        if "four" in wrong and part == "BTNK1":
            layers = [(a, b if b != 4 * C1 else C1, k) for a, b, k in layers]
        if "projection" in wrong and part == "BTNK1":
            layers, places = layers[:-1], places[:-1]
    total = 0
    for (a, b, k), W in zip(layers, places, strict=True):
        if "only 3×3" in wrong and k == 1 and part != "convolution":
            continue
        products = a * (k if "kernel" in wrong else k * k) + (1 if "bias" in wrong else 0)
        total += b * products * (1 if "nowhere" in wrong else W if "once" in wrong else W * W)
    return total * (2 if "flops" in wrong else 1)


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

    return hold("receptive_field", f, ("steps",), cases, true, _receptive_field, FIELD, exercise)


FIELD = {
    "early": "The stride counts too early: it widens the jump for the steps after it. Add to r first, then change j.",
    "kernel": "A step adds (kernel − 1) · j: a 3×3 adds two jumps, not three.",
    "jump": "You forgot the jump: after a stride, neighbours lie j pixels apart, so a step adds (kernel − 1) · j.",
    "zero": "Begin with r = 1: a pixel sees itself.",
    "last": "You use the last step's stride alone: jumps multiply, j = j · stride.",
    "sum": "Jumps multiply, 2 · 2 = 4, and do not add.",
    "backwards": "You walk from the last step to the first with a rule that goes from the first to the last.",
}


def _receptive_field(wrong, steps):
    r, j = (0 if "zero" in wrong else 1), 1
    for kernel, stride in reversed(steps) if "backwards" in wrong else steps:
        more = stride if "last" in wrong else j + stride - 1 if "sum" in wrong else j * stride
        if "early" in wrong:
            j = more
        r += (kernel if "kernel" in wrong else kernel - 1) * (1 if "jump" in wrong else j)
        j = more
    return r


def _known(part, parts):
    if part not in parts:
        raise ValueError(f"part = {part!r} must be one of {', '.join(map(repr, parts))}")
    return part
