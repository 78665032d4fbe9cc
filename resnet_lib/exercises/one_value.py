"""The check of one value of a convolution, computed by hand."""

import torch
from torch.nn import functional as F

from .._common import Kind, a_type, one_thread
from .edits import Solution
from .judge import OTHER, judge
from .results import number, shown

_ROWS = "Write down, for row = 1, which three rows of the input are under the kernel."
ONE_VALUE = """
    def by_hand(channel, row, column):
        top = 2 * row - 1
        left = 2 * column - 1
        window = given[:, top : top + 3, left : left + 3]
        kernel = weight[channel]
        products = window * kernel
        return products.sum().item()
"""
# Right along one axis, and wrong along the other, comes last.
ONE_VALUE_EDITS = """
    `def by_hand(channel, row, column)` → `def by_hand(channel, column, row)`
        Rows and columns are swapped: given is (C, rows, columns).
    `products.sum()` → `products.mean()`
        You take the mean of the products: a convolution adds them up.
    `products.sum()` → `products.max()`
        You take the largest product: a convolution adds them up.
    `window * kernel` → `(window * kernel)[:1]`
        That is the first channel of the input alone: add up all of them.
    `given[:,` → `given[channel : channel + 1,`
        You cut the window out of given[channel] alone: all channels of the input belong to it.
    `weight[channel]` → `weight.sum(0)`
        That is the sum over all kernels: the one that makes this channel is weight[channel].
    `weight[channel]` → `weight[:, channel]`
        You take weight[:, channel]: the kernel that makes this channel is weight[channel].
    `window * kernel` → `window * kernel.flip(1, 2)`
        Your kernel is turned round: PyTorch multiplies the window with it as it is.
    `window * kernel` → `window`
        You add up the window: multiply it by weight[channel] first.
    `window * kernel` → `(window * kernel)[:, :2, :2]`
        Your window is 2 × 2: a slice ends before its last number, so begin and begin + 3.
    `window * kernel` → `(window * kernel)[:, 1, 1]`
        That is the centre of the window alone: 3 × 3 values belong to it.
    `.item()` → `.relu().item()`
        The ReLU comes two steps later: a convolution gives negative values as well.
    `return products` → `return products.abs()`
        Products may be negative: leave their sign as it is.
"""
_AXES = {
    "`2 * {0}` → `{0}`": "The stride is missing: neighbours in the output lie two apart in the input.",
    "`{0} - 1` → `{0}`": "The padding is missing: the window begins one row and one column earlier, at 2 · row − 1.",
    "`{0} - 1` → `{0} - 2`": "The padding is counted in pixels of the input: 2 · row − 1, and not 2 · (row − 1).",
    "`{0} - 1` → `{0} + 1`": "The padding moves the window back: 2 · row − 1, and not + 1.",
}
ONE_VALUE_EDITS += f"    Hint: {_ROWS}\n" + "".join(
    f"    {'; '.join(map(change.format, axes))}\n        {said}{sentence}\n"
    for axes, said in (
        (("row", "column"), ""),
        (("row",), "Of the rows alone: "),
        (("column",), "Of the columns alone: "),
    )
    for change, sentence in _AXES.items()
)
WINDOWS = [
    (
        r"size of tensor \w \(([234])\) must match the size of tensor \w \([234]\) at non-singleton dimension [12]",
        "Window and kernel are not equally long: a slice ends before its last number, so begin : begin + 3.",
    ),
    (
        r"size of tensor a \(\d+\) must match the size of tensor b \(\d+\) at non-singleton dimension [12]",
        "The window is not 3 × 3. given has three sides, with a comma after each: given[:, rows, columns].",
    ),
    (
        r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\)",
        "The channels differ, {0} and {1}: multiply all of given[:, …, …] by weight[channel].",
    ),
]
_ONE_SUM = "One number comes out: .sum() of all products."
VALUES = Kind(
    "several values",
    "{name} returns values of shape {shape}: add up channels, rows and columns, to one number.",
    _ONE_SUM,
)
LIST = Kind("a list", "{name} returns {type}: add up all products, to one number.", _ONE_SUM)


@one_thread()
def check_one_value(f, given, weight, *, exercise=None):
    """Check f(channel, row, column): one value of the 3×3 convolution with stride 2, padding 1 and these weights.

    given: its input, (C, H, W). weight: (C_out, C, 3, 3). The positions tried lie inside, where no padding is needed.
    """
    given, weight = (t.detach().clone().double() for t in (given, weight))  # a learner's code uses the same tensors
    out = F.conv2d(given[None], weight, stride=2, padding=1)[0]
    (C, h, w), draw = out.shape, torch.Generator().manual_seed(0)

    def any_of(low, high):
        return torch.randint(low, high, (), generator=draw).item()

    close = 1e-4 * out.abs().mean().item()
    return judge(
        f,
        ("channel", "row", "column"),
        [(C - 1, 1, 2), *((any_of(0, C), any_of(1, h - 1), any_of(1, w - 1)) for _ in range(11))],
        [Solution(ONE_VALUE, ONE_VALUE_EDITS, given=given, weight=weight)],
        (
            "Print the shapes of what you multiply, the window and weight[channel]: both are (C, 3, 3).",
            "A window of 3 × 3 of the input, all its channels, times the kernel of this channel, all added up.",
            "top, left = 2 * row - 1, …; (given[:, top : top + 3, left : …] * weight[channel]).sum().item()",
        ),
        true=lambda *at: out[at].item(),
        read=_one_number,
        same=lambda a, b: abs(a - b) <= close,
        differs=lambda a, b: (OTHER, {"yours": shown(a, ".4f"), "right": f"{b:.4f}"}),
        meanings=WINDOWS,
        stuck="Print the shape of the window that you cut out, for row 1, column 2: (C, 3, 3) is expected.",
        exercise=exercise,
    )


def _one_number(found):
    if isinstance(found, torch.Tensor) and found.numel() != 1:
        return found, (VALUES, {"shape": tuple(found.shape)})
    if isinstance(found, (list, tuple)):
        return found, (LIST, {"type": a_type(found)})
    return number(found)
