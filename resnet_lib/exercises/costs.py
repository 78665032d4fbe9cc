"""Check of a learner's formula for the parameters of a part, and what is wrong with one, layer by layer."""

from dataclasses import replace
from itertools import combinations, product

from .._common import Finding, Kind, say, shapes_only, watched
from ..blocks import BTNK1, BTNK2, BasicBlock, Stem
from ..compare.endless import within
from .diagnose import of_difference
from .edits import Solution
from .judge import judge
from .sizes import BY_HAND
from .unaffected import torch_again

# What the parts consist of, as (C_in, C_out, kernel) of each convolution; the last of BTNK1 is the projection.
LAYERS = {
    "stem": "[(C, C1, 7)]",
    "basic": "[(C, C, 3), (C, C, 3)]",
    "BTNK2": "[(C, C // 4, 1), (C // 4, C // 4, 3), (C // 4, C, 1)]",
    "BTNK1": "[(C, C1, 1), (C1, C1, 3), (C1, 4 * C1, 1), (C, 4 * C1, 1)]",
}
# The same in words.
NAMES = {
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
    "BTNK1": (("C", "C1"), [(64, 64), (256, 128), (512, 256), (1024, 512), (12, 20), (64, 16), (28, 5)]),
}
LARGER = {"basic": [(1024,), (8,)], "BTNK2": [(4096,), (8,)], "BTNK1": [(2048, 1024)]}

# ── Parameters ───────────────────────────────────────────────────────────────────────────────────────────────

_BN = "        total = total + C_out * 2\n"
_TEXT = """
def parameters({arguments}):
    total = 0
    for C_in, C_out, kernel in {layers}:
        total = total + kernel * kernel * C_in * C_out
        total = total + C_out * 2
    return total
"""
_OF_BNS = r"""
`        total = total + C_out * 2\n` → ``
    You forgot the BNs: 2 parameters a channel, a factor and an offset.
`C_out * 2` → `C_out`
    A BN has 2 parameters a channel, a factor and an offset, and not 1.
`C_out * 2` → `C_out * 4`
    You count BN's running mean and variance: they are stored, but not trained, so they are not parameters.
"""
_NO_BNS = """
`kernel * kernel * C_in * C_out` → `kernel * kernel * C_in * C_out + 2 * C_out`
    You count the BNs too; this formula is for convolutions alone.
"""
_OF_WEIGHTS = r"""
`kernel * kernel * C_in` → `(kernel * kernel * C_in + 1)`
    You count a bias: the convolutions of a ResNet have none, since the BN would subtract it again.
`kernel * kernel` → `kernel`
    A 3×3 has 9 weights for each pair of channels: kernel · kernel, not kernel.
`kernel * kernel` → `2 * kernel`
    A k×k kernel has k · k weights for each pair of channels, not 2 · k.
`kernel * kernel` → `1`
    A k×k kernel has k · k weights for each pair of channels, and you count 1.
` * C_in` → ``
    Each number of the output needs a weight for every channel that comes in: times C_in.
` * C_out\n` → `\n`
    Each output channel has weights of its own: times C_out.
"""
_OF_LOOPS = """
`]:` → `][:1]:`
    You count the first convolution alone: is return inside the loop?
`]:` → `][-1:]:`
    You count the last convolution alone: the sum grows from layer to layer, total += …
"""
_OF_PART = {
    "stem": "",
    "basic": """
`return total` → `return total - 9 * C * C`
    You count one 3×3: a basic block has two.
`[(C, C, 3), (C, C, 3)]` → `[(C, C, 3)]`
    That is half of it: a basic block has two 3×3 convolutions, and a BN after each.
`[(C, C, 3), (C, C, 3)]` → `[(C // 4, C // 4, 3), (C // 4, C // 4, 3)]`
    A basic block does not squeeze: both 3×3 go from C to C channels.
""",
    "BTNK2": r"""
`C // 4` → `C`
    You forgot that inside the block there are C/4 channels.
` * C_out\n` → ` * C_out * (kernel > 1)\n`
    You count the 3×3 alone: the 1×1 convolutions have weights too.
` * C_out\n` → ` * C_out * (C_in <= C_out)\n`
    You count one 1×1 convolution: there is one before the 3×3 and one after it.
`(C // 4, C // 4, 3)` → `(C, C // 4, 3)`
    The 3×3 goes from C/4 to C/4 channels: C/4 on both sides.
`(C // 4, C // 4, 3)` → `(C, C, 3)`
    The 3×3 goes from C/4 to C/4 channels, and yours from C to C.
`return total` → `return total - C * C // 16`
    17 // 16 is 1, for // rounds down: multiply first, 17 * C * C // 16.
""",
    "BTNK1": r"""
`, (C, 4 * C1, 1)]` → `]`
    You forgot the projection G: a convolution C → 4·C1 and its BN. Stage 1 has it too.
`4 * C1` → `C1`
    The block outputs 4·C1 channels, not C1: the last 1×1 and the projection.
` * C_out\n` → ` * C_out * (kernel > 1)\n`
    You count the 3×3 alone: the 1×1 convolutions have weights too.
""",
}
_BNS_OF_PART = {
    "basic": """
`return total` → `return total - 2 * C`
    You count one BN: a basic block has two, one after each 3×3.
""",
    "BTNK2": """
`C_out * 2` → `C * 2`
    You give every BN C channels: the first two follow convolutions that output C/4.
`C_out * 2` → `C // 4 * 2`
    You give every BN C/4 channels: the last follows a convolution that outputs C.
""",
    "BTNK1": """
`return total` → `return total - 2 * 4 * C1`
    You forgot the BN of the projection.
""",
}


def _parameters(part, norms):
    text = _TEXT.format(arguments=", ".join(NUMBERS[part][0]), layers=LAYERS[part])
    of_norms = _OF_BNS + _BNS_OF_PART.get(part, "") if norms else _NO_BNS
    table = of_norms + _OF_WEIGHTS + _OF_PART[part] + ("" if part == "stem" else _OF_LOOPS)
    return Solution(text if norms else text.replace(_BN, ""), table)


PARAMETERS = {(part, norms): _parameters(part, norms) for part in LAYERS for norms in (True, False)}


PARAMETERS_HINTS = (
    BY_HAND,
    "Convolution by convolution: kernel · kernel · C_in · C_out. Then the BNs, if they are asked for: 2 a channel.",
    "BTNK2: C·C/4 + 9·(C/4)² + C/4·C. Basic block: twice 9·C². BTNK1: C·C1 + 9·C1² + 4·C1² + 4·C·C1. "
    "BNs: 2 · (all channels they see).",
)


def check_parameters(part, f, *, norms=True, exercise=None):
    """Check f(C), or f(C, C1): the parameters of a part, "stem", "basic", "BTNK2" or "BTNK1".

    norms: with those of the BNs, or of the convolutions alone. ValueError for another part.
    """
    known(part, MODULES)
    names, cases = NUMBERS[part]

    def true(*numbers):
        with shapes_only():
            return sum(p.numel() for p in MODULES[part](*numbers).parameters() if norms or p.dim() > 1)

    def why(cases, got, due):
        sizes = [sizes_of(names, case) for case in cases]
        layers = [layers_of(part, case) for case in cases]
        return of_layers(part, sizes, layers, [[1] * len(c) for c in layers], 2 if norms else 0, got, due)

    more = {"true": true, "why": why, "larger": LARGER.get(part, ()), "exercise": exercise}
    return by_formula(judge(f, names, cases, [PARAMETERS[part, norms]], PARAMETERS_HINTS, **more), f, cases[0])


BUILT = Kind(
    "built",
    "{name} builds the block and counts. A formula gives the same without a block, and shows what the number is made "
    "of.",
)


def by_formula(verdict, f, case):
    """Return the verdict of a function that is right, with a remark where it builds the block for its answer."""
    try:
        with torch_again(), watched(chance=False) as noted, within():
            f(*case)
    except Exception:  # it takes its arguments in another way
        return verdict
    built = (say(Finding(BUILT, values={"name": verdict.subject})),) if "builds" in noted else ()
    return replace(verdict, remarks=(*verdict.remarks, *built))


def layers_of(part, case):
    """(C_in, C_out, kernel) of each convolution of a part with these numbers."""
    return eval(LAYERS[part], dict(zip(NUMBERS[part][0], case, strict=True)))


TAKES = Kind("other channels in", "{layer} takes {right} channels, and you count {said}.")
OUTPUTS = Kind("other channels out", "{layer} outputs {right} channels, and you count {said}.")
TURNED = Kind("channels exchanged", "{layer} has its channels exchanged: its BN has as many as it outputs.")
PLACES = Kind("other positions", "{layer} works at {right} positions, and you count {said}.")


def of_layers(part, sizes, layers, places, bn, got, due):
    """Return what the difference says of single convolutions and BNs, or None.

    Of each case: sizes, the numbers that the formula is made of; layers, (C_in, C_out, kernel) of each convolution;
    places, how often each of their weights counts. bn: what a BN counts per channel.
    """
    off = [a - b for a, b in zip(got, due, strict=True)]
    terms = [{} for _ in sizes]
    for i, name in enumerate(NAMES[part]):
        layer = f"{name[0].upper()}{name[1:]}"
        each = [(*c[i], n[i]) for c, n in zip(layers, places, strict=True)]
        for term, (a, b, k, n) in zip(terms, each, strict=True):
            term[name] = a * b * k * k * n
            term |= {f"the BN of {name}": bn * b, f"{name} with its BN": a * b * k * k + bn * b} if bn else {}
        widths = [{name: n for name, n in size.items() if name.startswith("C")} | {"1": 1} for size in sizes]
        widths = [{**width, "4·C1": 4 * width["C1"]} if "C1" in width else width for width in widths]
        for said, norm in product(widths[0], (0, bn)):
            ins = [(w[said] - a) * b * k * k * n for w, (a, b, k, n) in zip(widths, each, strict=True)]
            outs = [(w[said] - b) * (a * k * k * n + norm) for w, (a, b, k, n) in zip(widths, each, strict=True)]
            for kind, change, of in ((TAKES, ins, 0), (OUTPUTS, outs, 1)):
                if change == off:
                    right = next(n for n, w in widths[-1].items() if w == each[-1][of])
                    return Finding(kind, name, {"layer": layer, "right": right, "said": said})
        if [bn * (a - b) for a, b, *_ in each] == off:
            return Finding(TURNED, name, {"layer": layer})
        for said, count in COUNTS.items() if not bn and "W" in sizes[0] else ():
            if [(count(**size) - n) * a * b * k * k for size, (a, b, k, n) in zip(sizes, each, strict=True)] == off:
                right = next(n for n, c in COUNTS.items() if c(**sizes[-1]) == each[-1][3])
                return Finding(PLACES, name, {"layer": layer, "right": right, "said": said})
    for term, convolutions, often in zip(terms, layers, places, strict=True):
        weights = {n: a * b * k * k * p for n, (a, b, k), p in zip(NAMES[part], convolutions, often, strict=True)}
        term |= {f"{m} and {n} together": weights[m] + weights[n] for m, n in combinations(weights, 2)}
        term |= {"all after the first 1×1": sum(list(weights.values())[1:])} if len(weights) > 2 else {}
        term |= {"all BNs together": bn * sum(b for _, b, _ in convolutions)} if bn else {}
        term |= {"all convolutions together": sum(weights.values())}
    return of_difference(sizes, terms, got, due)


def sizes_of(names, case):
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


def known(part, parts):
    """Return the part; ValueError where it is none of the parts."""
    if part not in parts:
        raise ValueError(f"part = {part!r} must be one of {', '.join(map(repr, parts))}")
    return part
