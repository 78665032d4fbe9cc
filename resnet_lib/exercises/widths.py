"""The check of a learner's formula for the width after a convolution or pooling, with dilation or without."""

import inspect
import math
import random

from ..anatomy import out_size
from ..compare.endless import within
from .edits import Solution
from .judge import judge
from .sizes import BY_HAND, by_a_number

OUT_WIDTH = Solution(
    """
    def out_width(W, kernel, stride, padding, dilation=1):
        reach = dilation * (kernel - 1) + 1
        room = W + 2 * padding - reach
        if room < 0:
            return None  # no place at all: whether a formula then gives 0, 1 or less depends on how it rounds
        strides = room // stride
        return strides + 1
    """,
    """
    `strides = room // stride` → `strides = room / stride`
        You forgot the floor: only whole strides fit, so divide with //.
    `strides = room // stride` → `strides = math.ceil(room / stride)`
        You rounded up; the remainder is dropped: round down, //.
    `strides = room // stride` → `strides = round(room / stride)`
        You rounded to the nearest; the remainder is dropped, so round down: //.
    `strides + 1` → `strides`
        You are one too low: the first place counts as well, so + 1 after the division.
    `strides = room // stride` → `strides = (room + 1) // stride`; `strides + 1` → `strides`
        The + 1 belongs after the division, not inside it.
    ` + 2 * padding` → ``
        You forgot the padding.
    `2 * padding` → `padding`
        Padding counts on both sides: 2·padding.
    ` // stride` → ``
        You forgot the stride.
    `reach = dilation * (kernel - 1) + 1` → `reach = kernel`
        You forgot the dilation: the kernel covers dilation·(kernel − 1) + 1 pixels.
    `reach = dilation * (kernel - 1) + 1` → `reach = dilation * kernel`
        The reach is dilation·(kernel − 1) + 1: between 3 weights there are 2 steps.
    ` - reach` → ``
        You forgot to subtract the kernel's reach.
    `reach = dilation * (kernel - 1) + 1` → `reach = dilation * (kernel - 1)`
        The reach is one too small: the first place takes the whole kernel.
    `reach = dilation * (kernel - 1) + 1` → `reach = dilation * (kernel - 1) - 1`
        You subtract two pixels too few. A minus before a bracket turns both signs: − (a + 1) is − a − 1.
    `reach = dilation * (kernel - 1) + 1` → `reach = kernel + dilation * (kernel - 1)`
        A gap between two weights is dilation − 1 wide: kernel + (kernel − 1)·(dilation − 1).
    `reach = dilation * (kernel - 1) + 1` → `reach = dilation * kernel + 1`
        You subtract one pixel too many for each step between weights: a kernel of 3 has 2 such steps.
    `strides = ` → `room = -room\\n    strides = `
        It is the row minus the reach, not the reach minus the row.
    `reach = dilation * (kernel - 1) + 1` → `reach = kernel + dilation - 1`
        Each of the kernel − 1 gaps between the weights is dilation wide: multiply the two.
    ` - reach` → ` + reach`
        The reach is subtracted from the row, not added to it.
    `W + 2` → `W - 2`
        Padding makes the row longer: add 2·padding.
    ` - reach` → ``; `room // stride` → `room - reach // stride`
        Brackets are missing: the whole of W + 2·padding − reach is divided by the stride.
    `strides = room // stride` → `strides = room + 1 - 1 // stride`
        Brackets are missing: only the −1 before the sign is divided, and the whole before it should be.
    `strides = room // stride` → `strides = room + 1 - 1 / stride`
        Brackets are missing: only the −1 before the sign is divided, and the whole before it should be.
    `strides = room // stride` → `strides = room // (stride + 1)`; `strides + 1` → `strides`
        Brackets: divide by the stride first, then + 1. You divide by stride + 1.
    ` // stride` → ` * stride`
        Divide by the stride: a larger step gives fewer places.
    `strides = room // stride` → `strides = math.ceil(room / stride)`; `strides + 1` → `strides`
        Where a last place fits exactly, it counts: the kernel may end at the last pixel of the padded row.
    ` + 2 * padding` → ``; `strides + 1` → `strides + 2 * padding + 1`
        The padding is missing when the row is divided: add 2·padding to W first.
    """,
    math=math,
)


def check_out_width(f, *, exercise=None):
    """Check f(W, kernel, stride, padding), or with dilation as a fifth: the width after a convolution or pooling."""
    draw, cases = random.Random(0), [(224, 7, 2, 3, 1), (112, 3, 2, 1, 1), (56, 3, 1, 2, 2)]
    cases += [(2, 1, 1, 4, 1), (224, 7, 1, 0, 1)]  # more padding than picture, and none
    cases += [(7, 7, 1, 0, 1), (5, 5, 3, 0, 1), (4, 3, 4, 0, 1), (1, 3, 2, 1, 1)]  # one place alone
    while len(cases) < 200:
        case = draw.randint(1, 230), draw.randint(1, 7), draw.randint(1, 4), draw.randint(0, 4), draw.randint(1, 3)
        if case[4] * (case[1] - 1) < case[0] + 2 * case[3]:
            cases.append(case)
    names = ("W", "kernel", "stride", "padding", "dilation")
    last = "reach = dilation * (kernel - 1) + 1, then (W + 2 * padding - reach) // … + …"
    if not _dilates(f):
        names, last = names[:4], "(W + 2 * padding - kernel) // … + …"
        cases = [case[:4] for case in cases if case[1] <= case[0] + 2 * case[3]]
    hints = (
        BY_HAND,
        "How many pixels has the padded row? How many of them does the first place take? How often does a stride fit?",
        last,
    )
    return judge(
        f,
        names,
        cases,
        [OUT_WIDTH],
        hints,
        true=out_size,
        why=by_a_number,
        larger=[(512, 15, 6, 7, 1)[: len(names)]],
        exercise=exercise,
    )


def _dilates(f):
    """Whether a function says that it takes a dilation as its fifth argument: one of that name, or one that is 1 unless
    given. One of C says nothing. One that takes *args, as what a decorator gives, is tried: it may need five. What is
    no function is told so by the check itself."""
    if not callable(f):
        return True
    try:
        inspect.signature(f).bind(*range(5))
    except (TypeError, ValueError):
        return False
    *_, fifth = [*inspect.signature(f).parameters.values()][:5]
    if fifth.kind in (fifth.VAR_POSITIONAL, fifth.VAR_KEYWORD):
        return not _takes(f, 224, 7, 2, 3) and _takes(f, 224, 7, 2, 3, 1)
    return fifth.name == "dilation" or fifth.default in (fifth.empty, 1) and fifth.default is not True


def _takes(f, *given):
    try:
        with within():
            f(*given)
    except Exception:  # whatever a learner's code raises
        return False
    return True
