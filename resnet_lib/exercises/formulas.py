"""Checks of a learner's arithmetic: many inputs, and typical mistakes recognised by computing what each would give."""

import math
import random

import torch
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


def check_numbers_left(f, *, exercise=None):
    """f(C, W, S): how many numbers are left of a (C, W, W) tensor of which every S-th row and column is kept."""
    cases = [(3, 224, 1), (3, 224, 2), (64, 112, 2), (512, 7, 2), (10, 100, 3), (5, 23, 4), (7, 1, 2)]
    return hold(
        "numbers_left", f, ("C", "W", "S"), cases, lambda *n: _numbers_left(set(), *n), _numbers_left, NUMBERS_LEFT,
        exercise,
    )  # fmt: skip


NUMBERS_LEFT = {
    "rows": "You have thinned out one side only: both the rows and the columns become W/S.",
    "one side": "You forgot that there are rows and columns: multiply by the new side twice.",
    "channels": "That is one channel: multiply by C.",
    "floor": "You rounded down. The first pixel of a row is always kept, so W/S is rounded up.",
    "nearest": "You rounded to the nearest. Whatever is left over of W/S, it is rounded up.",
    "exact": "W/S need not be whole: round it up before you multiply.",
    "late": "Round each side up before you multiply, and not the product at the end.",
    "thinned": "The channels stay, all C of them: only rows and columns are thinned out.",
    "all": "That is how many there were before: W becomes W/S.",
}


def _numbers_left(wrong, C, W, S):
    side = W / S
    if not {"exact", "late"} & wrong:
        side = W // S if "floor" in wrong else round(side) if "nearest" in wrong else out_size(W, 1, S)
    side = W if "all" in wrong else side
    C = math.ceil(C / S) if "thinned" in wrong else 1 if "channels" in wrong else C
    left = C * side * (1 if "one side" in wrong else W if "rows" in wrong else side)
    return math.ceil(left) if "late" in wrong else left


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
    each = next((n for name, n in (("numbers", 1), ("bits", 32), ("double", 8), ("half", 2)) if name in wrong), 4)
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
}


def _parameters(part, wrong, norms, *numbers):
    convolutions = CONVOLUTIONS[part](*numbers)
    if "square" in wrong:
        convolutions = [(numbers[0], numbers[0], k) for *_, k in convolutions]
    if "four" in wrong:
        convolutions = [(a, b if b != 4 * numbers[-1] else numbers[-1], k) for a, b, k in convolutions]
    if "projection" in wrong and part == "BTNK1":
        convolutions = convolutions[:-1]
    kept = [c for c in convolutions if c[2] > 1] if "only 3×3" in wrong else convolutions
    total = sum(a * b * (k if "kernel" in wrong else k * k) for a, b, k in kept)
    total += sum(b for _, b, _ in kept) if "bias" in wrong else 0
    if norms != ("bn" in wrong):
        each = 1 if "bn once" in wrong else 4 if "bn stats" in wrong else 2
        last = -1 if "projection bn" in wrong and part == "BTNK1" else None
        total += each * sum(b for _, b, _ in convolutions[:last])
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
