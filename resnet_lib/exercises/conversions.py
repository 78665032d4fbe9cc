"""Checks of functions that make one block into another: v1.5 into v1."""

from copy import deepcopy
from dataclasses import replace

import torch
from torch import nn

from .._common import gap, pair
from ..blocks import BTNK1
from ..compare.proof import draw_norms
from .holding import hold, through

STRIDED = ("conv1", "conv2", "conv3", "the shortcut")


def check_to_v1(f, make=BTNK1, *, exercise=None):
    """f(block): a copy of a BTNK1 with its S on conv1 and not on conv2, as in v1, and with the same weights.

    make: what makes the blocks, called as make(C, C1, S): the learner's own class. Their parts must have the library's
    names. The block that f is given must stay as it is.
    """
    cases, unlike = [], []
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        for C, C1, S in ((12, 4, 2), (8, 8, 1), (16, 4, 3)):
            block = make(C, C1, S)
            draw_norms(block)
            cases.append((block.eval(), torch.randn(1, C, 9, 9), C, C1, S))

    def call(block, x, C, C1, S):
        kept, due = deepcopy(block), deepcopy(block)
        due.conv1.stride, due.conv2.stride = due.conv2.stride, due.conv1.stride
        found = f(block)
        if isinstance(found, nn.Module) and found.training != block.training:
            unlike.append("The block was in eval(), and your copy is in training mode, as everything newly made is.")
        return found, block, kept, due, x

    verdict = hold(
        "to_v1",
        through(f, call),
        lambda _b, _x, C, C1, S: f"A block with C = {C}, C1 = {C1}, S = {S}",
        cases,
        lambda *case: _strides(set(), *case),
        _strides,
        TO_V1,
        exercise,
        read=_v1,
        same=_same,
        tell=_which,
    )
    return replace(verdict, remarks=tuple(unlike[:1]))


TO_V1 = {
    "both": "conv2 has kept the stride: now F takes it twice, and G once. (Two assignments, one after the other: the "
    "second reads what the first has written.)",
    "lost": "conv2 has given its stride away, and conv1 has not got it.",
    "start": "The strides are still where they were.",
    "typed": "You typed a 2 in: take the stride from conv2, since a block may have S = 1, or 3.",
    "one side": "A stride is a pair, for rows and columns, and you moved one of the two.",
    "shortcut": "G keeps its stride: F(x) and G(x) must have one size.",
    "conv3": "The stride belongs on conv1, the first 1×1, and not on conv3.",
}


def _strides(wrong, block, x, C, C1, S):
    """What each of STRIDED has for a stride, as pairs."""
    new = 2 if "typed" in wrong else S
    first, second, third = (new, new), (1, 1), (1, 1)
    first, second = ((new, 1), (1, S)) if "one side" in wrong else (first, second)
    first, third = ((1, 1), first) if "conv3" in wrong else (first, third)
    first = (1, 1) if {"lost", "start"} & wrong else first
    second = (S, S) if {"both", "start"} & wrong else second
    return first, second, third, (1, 1) if "shortcut" in wrong else (S, S)


def _v1(found):
    """The strides of the copy that f gave, and what is wrong with it otherwise."""
    v1, block, kept, due, x = found
    if v1 is None:
        return v1, "None: let it return the copy"
    if not isinstance(v1, nn.Module):
        return v1, f"something of the type {type(v1).__name__}, and not a block"
    if v1 is block:
        return v1, "the very block that it was given: work on copy.deepcopy(block)"
    if _where(block) != _where(kept):
        if getattr(v1, "conv1", None) is not block.conv1:
            return v1, (
                "a copy, and has changed the strides of the block it was given, which should stay as it is: "
                "copy first, and then change v1.conv1.stride and v1.conv2.stride"
            )
        return v1, (
            "a copy that shares its layers with the block it was given, whose strides have changed too: "
            "copy.copy copies the outside alone, copy.deepcopy everything"
        )
    if changed := _other(block.state_dict(), kept.state_dict()):
        return v1, f"a copy, and has changed {changed} of the block it was given, which should stay as it is"
    if _where(v1) is None:
        return v1, "a block without a conv1, conv2, conv3 and shortcut: keep those names"
    mine, theirs = v1.state_dict(), kept.state_dict()
    if mine.keys() != theirs.keys():
        return v1, f"a block whose weights have other names: {sorted(mine.keys() ^ theirs.keys())[0]} is in one alone"
    if other := _other(mine, theirs):
        first, second = theirs["conv2.weight"], theirs["conv1.weight"]
        if torch.equal(mine["conv1.weight"], first) and torch.equal(mine["conv2.weight"], second):
            return v1, "a block whose conv1 and conv2 have changed places: exchange their strides alone, and no layers"
        if "running" in other:
            return v1, f"a block whose {other} is another: copy the whole state_dict(), not the parameters alone"
        return v1, f"a block with other weights, first {other}: load_state_dict(block.state_dict()) copies them"
    if _where(v1) == _where(due) and not _gives(v1, due, x):
        return v1, "a block with the right strides and weights, and other results: only the two strides should change"
    return _where(v1), ""


def _where(block):
    """The strides of a block, or None where it has not the usual parts."""
    try:
        shortcut = next((m for m in block.shortcut.modules() if isinstance(m, nn.Conv2d)), None)
        convs = (block.conv1, block.conv2, block.conv3, shortcut)
        return tuple(tuple(map(int, pair(conv.stride))) for conv in convs)
    except (AttributeError, TypeError):
        return None


def _other(mine, theirs):
    """The first name whose tensors differ, or ""."""
    return next((name for name, t in theirs.items() if not torch.equal(mine[name].to(t), t)), "")


def _gives(v1, due, x):
    with torch.no_grad():
        try:
            return gap(deepcopy(v1).eval()(x), due.eval()(x))[1] <= 1e-5
        except Exception:  # it stops: that is no result
            return False


def _same(a, b):
    return a == b


def _which(yours, right):
    off = [(n, a, b) for n, a, b in zip(STRIDED, yours, right, strict=True) if a != b]
    return " and ".join(f"{name} has stride {a} and should have {b}" for name, a, b in off)
