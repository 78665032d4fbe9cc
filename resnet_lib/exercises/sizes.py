"""Checks of a learner's formulas for sizes: numbers kept by a stride, bytes, receptive fields."""

import math
import random

import torch

from ..anatomy import Sees
from .diagnose import of_difference
from .edits import Solution
from .judge import judge

BY_HAND = "Compute the case above by hand, and print each step in your function: the first that differs is the one."


def by_a_number(cases, got, due):
    """Too high or too low by one number everywhere."""
    return of_difference([{}] * len(cases), [{}] * len(cases), got, due)


def drawn(cases, *ranges, n=20):
    """Return cases in which every argument goes from one end of its range to the other: each end beside the numbers of
    the first case, then n of them drawn."""
    draw, first = random.Random(0), cases[0]
    ends = [(*first[:i], end, *first[i + 1 :]) for i, ends in enumerate(ranges) for end in ends]
    return [*ends, *(tuple(draw.randint(*ends) for ends in ranges) for _ in range(n))]


# ── Numbers and bytes ────────────────────────────────────────────────────────────────────────────────────────

NUMBERS_LEFT = Solution(
    """
    def numbers_left(C, W, S):
        side = math.ceil(W / S)
        return C * side * side
    """,
    """
    `side * side` → `side * W`
        You have thinned out one side only: both the rows and the columns become W/S.
    `side * side` → `side`
        You forgot that there are rows and columns: multiply by the new side twice.
    `C * side` → `side`
        That is one channel: multiply by C.
    `side = math.ceil(W / S)` → `side = W // S`
        You rounded down. The first pixel of a row is always kept, so W/S is rounded up.
    `side = math.ceil(W / S)` → `side = round(W / S)`
        You rounded to the nearest. Whatever the remainder of W/S, it is rounded up.
    `side = math.ceil(W / S)` → `side = W / S`
        W/S need not be whole: round it up before you multiply.
    `side = math.ceil(W / S)` → `side = W / S`; `C * side * side` → `math.ceil(C * side * side)`
        Round each side up before you multiply, and not the product at the end.
    `side = math.ceil(W / S)` → `side = W / S`; `C * side * side` → `math.floor(C * side * side)`
        Round each side up before you multiply; you divide the product, and round it down.
    `side * side` → `math.ceil(W * W / S**2)`
        Round each side up before you multiply, and not rows times columns.
    `side * side` → `W * W / S`
        S thins out rows and columns: about 1/S² of the numbers remains, and not 1/S.
    `side * side` → `W * W // S`
        S thins out rows and columns: about 1/S² of the numbers remains, and not 1/S.
    `W / S)` → `W / S**2)`
        1/S² of the numbers remains, and that is 1/S of each side.
    `side = math.ceil(W / S)` → `side = W // S + 1`
        W // S + 1 is one too many wherever S divides W: math.ceil(W / S) rounds up only what is not whole.
    `side * side` → `side * 2`
        The result needs the new side times itself, rows times columns, and not times 2.
    `C * side` → `math.ceil(C / S) * side`
        The channels stay, all C of them: only rows and columns are thinned.
    `side = math.ceil(W / S)` → `side = W`
        That is how many there were before: W becomes W/S.
    `C * side * side` → `C * W * W - C * side * side`
        That is how many are gone; count those that remain.
    `C * side * side` → `side * side / (W * W)`
        That is the share that remains; count the numbers themselves.
    """,
    math=math,
)


def check_numbers_left(f, *, exercise=None):
    """Check f(C, W, S): how many numbers remain of a (C, W, W) tensor of which every S-th row and column is kept."""
    cases = [(3, 224, 1), (3, 224, 2), (64, 112, 2), (512, 7, 2), (10, 100, 3), (5, 23, 4), (7, 1, 2)]
    cases += drawn(cases, (1, 64), (1, 60), (1, 9))
    hints = (
        "Draw a row of 7 pixels and strike out every second one. How many remain? And how many rows?",
        "First the side: W/S, rounded up, math.ceil(W / S) after import math. Then channels × rows × columns.",
        "side = math.ceil(W / S), then return C * … * …",
    )
    return judge(f, ("C", "W", "S"), cases, [NUMBERS_LEFT], hints, larger=[(2048, 7, 2)], exercise=exercise)


BYTES = Solution(
    """
    def tensor_bytes(batch, C, W):
        return 4 * batch * C * W * W
    """,
    """
    `4 * ` → ``
        That is how many numbers there are: a float32 takes 4 bytes.
    `4 * ` → `32 * `
        You give bits: 8 of them are a byte, so a float32 takes 32/8 = 4 bytes.
    `4 * ` → `1 / 8 * `
        8 bits are a byte: a float32 of 32 bits takes 32/8 bytes, and not 1/8.
    `4 * ` → `8 * `
        A float32 takes 4 bytes, and not 8.
    `4 * ` → `2 * `
        A float32 takes 4 bytes, and not 2.
    `batch * C` → `C`
        You forgot the batch: that is one picture.
    `C * W` → `W`
        You forgot that there are C channels.
    `W * W` → `W`
        You forgot that there are rows and columns: W · W.
    `W * W` → `W * W / 1000`
        You give kilobytes; bytes are expected.
    `W * W` → `W * W / 1024`
        You give kilobytes of 1,024 bytes; bytes are expected.
    `W * W` → `W * W / 10**6`
        You give megabytes; bytes are expected.
    """,
)


def check_bytes(f, *, exercise=None):
    """Check f(batch, C, W): how many bytes a float32 tensor of shape (batch, C, W, W) takes."""

    def true(*shape):
        empty = torch.empty(*shape, shape[-1], device="meta")
        return empty.numel() * empty.element_size()

    cases = [(1, 3, 224), (32, 3, 224), (32, 64, 112), (8, 2048, 7), (5, 6, 10)]
    cases += drawn(cases, (1, 40), (1, 64), (1, 60))
    hints = (
        "How many numbers has one channel? How many channels has one picture? How many pictures are there?",
        "Numbers times bytes for each number; x.element_size() has just told how many those are.",
        "return 4 * batch * … * W * …",
    )
    larger = [(256, 3, 32), (1, 3, 512)]
    return judge(f, ("batch", "C", "W"), cases, [BYTES], hints, true=true, larger=larger, exercise=exercise)


# ── Receptive fields ─────────────────────────────────────────────────────────────────────────────────────────

FORWARDS = Solution(
    """
    def receptive_field(steps):
        r, j = 1, 1
        for kernel, stride in steps:
            r = r + (kernel - 1) * j
            j = j * stride
        return r
    """,
    """
    `r = r + (kernel - 1) * j\\n        j = j * stride` → `j = j * stride\\n        r = r + (kernel - 1) * j`
        The stride counts too early: it widens the jump for the steps after it. Add to r first, then change j.
        Hint: Write r and j after each step for 7×7 /2, then 3×3 /2: r = 7, j = 2, then …
    `kernel - 1` → `kernel`
        A step adds (kernel − 1) · j: a 3×3 adds two jumps, not three.
    `(kernel - 1) * j` → `(kernel - 1)`
        You forgot the jump: after a stride, neighbours are j pixels apart, so a step adds (kernel − 1) · j.
        Hint: Write r and j after each step for 7×7 /2, then 3×3 /2: r = 7, j = 2, then …
    `1, 1` → `0, 1`
        Begin with r = 1: a pixel sees itself.
        Hint: Without any step a pixel sees one pixel: itself.
    `j * stride` → `stride`
        You use the last step's stride alone: jumps multiply, j = j · stride.
        Hint: Write r and j after each step for 7×7 /2, then 3×3 /2: r = 7, j = 2, then …
    `j * stride` → `j + stride - 1`
        Jumps multiply, 2 · 2 = 4, and do not add.
        Hint: Write r and j after each step for 7×7 /2, then 3×3 /2: r = 7, j = 2, then …
    `j * stride` → `j + stride`
        Jumps multiply, 2 · 2 = 4, and do not add.
        Hint: Write r and j after each step for 7×7 /2, then 3×3 /2: r = 7, j = 2, then …
    `in steps` → `in steps[::-1]`
        You walk from the last step to the first with a rule that goes from the first to the last.
    `kernel, stride in` → `stride, kernel in`
        Each step is (kernel, stride), in this order.
        Hint: Write r and j after each step for 7×7 /2, then 3×3 /2: r = 7, j = 2, then …
    `in steps` → `in steps[:-1]`
        The last step is left out.
    `in steps` → `in steps[1:]`
        The first step is left out.
    `in steps` → `in steps[:1]`
        Only the first step counts: is return inside the loop?
    `in steps` → `in steps[-1:]`
        Only the last step counts: r grows from step to step, r = r + …
    `kernel - 1` → `kernel + 1`
        A step adds kernel − 1 jumps, not kernel + 1.
        Hint: Write r and j after each step for 7×7 /2, then 3×3 /2: r = 7, j = 2, then …
    `r + (` → `r - (`
        Each step adds to r.
    `(kernel - 1) * j` → `(kernel - 1) + j`
        Multiply (kernel − 1) by j; you add j.
    `1, 1` → `1, 0`
        Begin with j = 1: in the picture itself, neighbours lie 1 pixel apart.
        Hint: Without any step a pixel sees one pixel: itself.
    `(kernel - 1) * j` → `kernel - 1 * j`
        Brackets: (kernel − 1) · j, and not kernel − 1 · j.
    `return r` → `return j`
        You return the jump j, and not r.
        Hint: Write r and j after each step for 7×7 /2, then 3×3 /2: r = 7, j = 2, then …
    `r = r + ` → `r = `
        r grows from step to step: r = r + (kernel − 1) · j.
    `j * stride` → `j * kernel`
        The jump grows by the stride, j = j · stride, not by the kernel.
        Hint: Write r and j after each step for 7×7 /2, then 3×3 /2: r = 7, j = 2, then …
    `(kernel - 1)` → `(stride - 1)`
        What a step adds depends on its kernel, (kernel − 1) · j, not on its stride.
        Hint: Write r and j after each step for 7×7 /2, then 3×3 /2: r = 7, j = 2, then …
    `j * stride` → `r * stride`
        The jump grows by itself, j = j · stride; you multiply r.
        Hint: Write r and j after each step for 7×7 /2, then 3×3 /2: r = 7, j = 2, then …
    `r = r + (kernel - 1) * j\\n        j = j * stride` → `r, j = r + (kernel - 1) * j, r * stride`
        The jump grows by itself, j = j · stride; you multiply r.
        Hint: Write r and j after each step for 7×7 /2, then 3×3 /2: r = 7, j = 2, then …
    """,
)
BACKWARDS = Solution(
    """
    def receptive_field(steps):
        r = 1
        for kernel, stride in reversed(steps):
            r = (r - 1) * stride + kernel
        return r
    """,
    """
    `reversed(steps)` → `steps`
        r = (r − 1) · stride + kernel is the rule from the last step to the first: walk backwards.
    `reversed(steps)` → `reversed(steps[:1])`
        Only the first step counts: is return inside the loop?
    `(r - 1)` → `r`
        From behind, the first and the last of r values begin (r − 1) · stride pixels apart, not r · stride.
    `+ kernel` → `+ kernel - 1`
        From behind, the last of the r values sees a whole kernel: (r − 1) · stride + kernel.
    `r = 1` → `r = 0`
        From behind as well, begin with r = 1.
        Hint: Without any step a pixel sees one pixel: itself.
    `(r - 1) * stride` → `r - stride`
        Brackets: (r − 1) · stride + kernel.
    `r = (r - 1) * stride + kernel` → `r = (r - 1 + kernel) * stride`
        From behind: first (r − 1) · stride, and then + kernel, without the stride.
    """,
)


# What a forgotten jump is told, for questions whose numbers the formula alone does not give.
NO_JUMP = next(edit.kind for edit in FORWARDS.edits if edit.changes == (("(kernel - 1) * j", "(kernel - 1)"),))


def check_receptive_field(f, *, exercise=None):
    """Check f(steps): pixels that one value sees along a side, after steps of (kernel, stride), first to last."""
    draw = random.Random(0)
    cases = [([(7, 2), (3, 2)],), ([(7, 2), (3, 2), (3, 1), (3, 1), (3, 1)],), ([],), ([(3, 1)],)]
    for _ in range(60):
        cases.append(([(draw.choice((1, 3, 5, 7)), draw.choice((1, 1, 2, 3))) for _ in range(draw.randint(1, 8))],))

    def true(steps):
        sees = Sees(1, 1, 0)
        for kernel, stride in steps:
            sees = sees.through(kernel, stride)
        return sees.reach

    hints = (
        "Take the smallest example there is, do it by hand, and compare with what your code gives.",
        "Carry two numbers through the steps: r, what is seen, and j, how far neighbours lie apart.",
        "r, j = 1, 1; for each step: r = r + (kernel − 1) · j, and then j = …",
    )
    return judge(f, ("steps",), cases, [FORWARDS, BACKWARDS], hints, true=true, why=by_a_number, exercise=exercise)
