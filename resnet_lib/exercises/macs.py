"""Check of a learner's formula for the MACs of a part."""

from torch import nn

from .._common import shapes_only
from ..anatomy import anatomy
from ..blocks import BTNK1, BTNK2
from .costs import by_formula, known, layers_of, of_layers, sizes_of
from .diagnose import of_difference
from .edits import Solution
from .judge import judge
from .sizes import BY_HAND

MACS_NUMBERS = {
    "convolution": (
        ("C_in", "C_out", "kernel", "W_out"),
        [(3, 64, 7, 112), (64, 64, 3, 56), (12, 20, 1, 5), (5, 11, 3, 9)],
    ),
    "BTNK2": (("C", "W"), [(256, 56), (512, 28), (1024, 14), (2048, 7), (4, 1), (12, 2), (20, 9)]),
    "BTNK1": (
        ("C", "W", "C1", "S"),
        [
            (64, 56, 64, 1),
            (256, 56, 128, 2),
            (512, 28, 256, 2),
            (12, 9, 20, 2),
            (64, 8, 16, 1),  # C = 4·C1
            (8, 1, 2, 2),
            (28, 10, 3, 3),  # the last one: no two of its numbers are equal
        ],
    ),
}
_LOOP = """
    total = 0
    for layer in layers:
        C_in, C_out, kernel, width = layer
        total = total + kernel * kernel * C_in * C_out * width * width
    return total
"""
_OF_MACS = """
`return total` → `return 2 * total`
    You give FLOPs: 1 MAC is a multiplication with its addition, 2 FLOPs. Take half.
`width * width` → `width`
    The output has W · W positions, not W.
` * width * width` → ``
    That is the number of weights: each is used once at every output position, so times W · W.
`kernel * kernel` → `kernel`
    A k×k kernel has k · k products for each pair of channels, not k.
`kernel * kernel` → `2 * kernel`
    A k×k kernel has k · k products for each pair of channels, not 2 · k.
`width * width` → `2 * width`
    The output has W · W positions, not 2 · W.
`kernel * kernel * C_in * C_out` → `(kernel * kernel * C_in + 1) * C_out`
    You count one more for each number that comes out, a bias or the BN: there is no bias, and BNs are left out here.
"""
_OF_BLOCKS = """
`width * width` → `(width * width if layer is layers[-1] else 1)`
    One convolution alone is multiplied by the positions: put brackets around the whole sum.
`width * width` → `(width * width if layer is layers[1] else 1)`
    One convolution alone is multiplied by the positions: put brackets around the whole sum.
`kernel * kernel * C_in * C_out` → `(kernel > 1) * kernel * kernel * C_in * C_out`
    You count the 3×3 alone: the 1×1 convolutions cost too.
"""
MACS = {
    "convolution": Solution(
        "def macs(C_in, C_out, kernel, W_out):\n    layers = [(C_in, C_out, kernel, W_out)]" + _LOOP,
        _OF_MACS
        + """
` * C_in` → ``
    Each number of the output needs products from all channels that come in: times C_in.
""",
    ),
    "BTNK2": Solution(
        "def macs(C, W):\n    layers = [(C, C // 4, 1, W), (C // 4, C // 4, 3, W), (C // 4, C, 1, W)]" + _LOOP,
        _OF_MACS
        + _OF_BLOCKS
        + """
`C // 4` → `C`
    You forgot that inside the block there are C/4 channels.
""",
    ),
    "BTNK1": Solution(
        """
def macs(C, W, C1, S):
    V = -(-W // S)
    layers = [(C, C1, 1, W), (C1, C1, 3, V), (C1, 4 * C1, 1, V), (C, 4 * C1, 1, V)]"""
        + _LOOP,
        _OF_MACS
        + _OF_BLOCKS
        + """
`-(-W // S)` → `W // S`
    After the stride the width is W/S rounded up: with padding 1, an odd W keeps its last position.
`-(-W // S)` → `W / S`
    After the stride the width is W/S rounded up: positions are whole.
`-(-W // S)` → `(W - 1) / S + 1`
    After the stride the width is ⌊(W − 1) / S⌋ + 1: positions are whole.
`-(-W // S)` → `-(-W // S) - 1`
    After the stride the width is ⌊(W − 1) / S⌋ + 1: the first place counts as well.
`-(-W // S)` → `W // S + 1`
    After the stride the width is ⌊(W − 1) / S⌋ + 1, and not ⌊W / S⌋ + 1.
`-(-W // S)` → `W * S`
    The stride divides the width, W/S: it does not multiply it.
`-(-W // S)` → `W`
    You forgot the stride: after it there are W/S · W/S positions, and only the first 1×1 still works at W.
`(C, C1, 1, W)` → `(C, C1, 1, V)`
    The first 1×1 works before the stride, at all W · W positions (v1.5).
`, (C, 4 * C1, 1, V)]` → `]`
    You forgot the projection G.
`4 * C1` → `C1`
    The block outputs 4·C1 channels, not C1.
""",
    ),
}
MACS_HINTS = (
    BY_HAND,
    "Each weight of a convolution is used once at every position of its output.",
    "Parameters of each convolution × its output height × its output width; with S, these are W/S from the 3×3 on.",
)


LARGER = {"BTNK2": [(64, 112)], "BTNK1": [(64, 112, 64, 1)]}


def check_macs(part, f, *, exercise=None):
    """Check the MACs of a part: f(C, W) of "BTNK2", f(C, W, C1, S) of "BTNK1", f(C_in, C_out, kernel, W_out) of a
    "convolution". ValueError for another part."""
    names, cases = MACS_NUMBERS[known(part, MACS_NUMBERS)]

    def true(*n):
        with shapes_only():
            if part == "convolution":
                C_in, C_out, kernel, W = n
                layer = nn.Conv2d(C_in, C_out, kernel, padding=kernel // 2, bias=False)
                return anatomy(layer, (C_in, W, W)).macs
            module = BTNK2(n[0]) if part == "BTNK2" else BTNK1(n[0], *n[2:])
            return anatomy(module, n[1]).macs

    def why(cases, got, due):
        sizes = [sizes_of(names, case) for case in cases]
        if part == "convolution":
            return of_difference(sizes, [{"the convolution": d} for d in due], got, due)
        layers = [layers_of(part, [case[0], case[2]] if part == "BTNK1" else [case[0]]) for case in cases]
        widths = [[size["W"], *[size.get("V", size["W"])] * (len(layers[0]) - 1)] for size in sizes]
        return of_layers(part, sizes, layers, [[w * w for w in row] for row in widths], 0, got, due)

    more = {"true": true, "why": why, "larger": LARGER.get(part, ()), "exercise": exercise}
    return by_formula(judge(f, names, cases, [MACS[part]], MACS_HINTS, **more), f, cases[0])
