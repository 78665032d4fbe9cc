"""Checks of functions that make one block into another: v1.5 into v1."""

from copy import deepcopy
from dataclasses import replace

import torch
from torch import nn

from .._common import Kind, gap, kinds_of, pair
from ..blocks import BTNK1
from ..compare.endless import within
from ..compare.proof import draw_norms
from .edits import Solution
from .judge import judge
from .results import NO_RESULT

STRIDED = ("conv1", "conv2", "conv3", "the shortcut")
UNLIKE = (  # a block that was in eval(), and one in training mode
    "The block was in eval(), and your copy is in training mode, as everything newly made is.",
    "The block was in training mode, and your copy is in eval().",
)


def check_to_v1(f, make=BTNK1, *, exercise=None):
    """Check f(block): a copy of a BTNK1 with its S on conv1 and not on conv2, as in v1, and with the same weights.

    make: what makes the blocks, called as make(C, C1, S): the learner's own class. Their parts must have the library's
    names. The block that f is given must stay as it is.
    """
    cases, unlike = [], []
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        for C, C1, S in ((12, 4, 2), (8, 8, 1), (16, 4, 3)):
            block = make(C, C1, S)
            draw_norms(block)
            cases.append((block.train(S == 1), torch.randn(1, C, 9, 9), C, C1, S))

    def call(f, block, x, C, C1, S):
        kept, due = deepcopy(block), deepcopy(block)
        due.conv1.stride, due.conv2.stride = due.conv2.stride, due.conv1.stride
        found = f(block)
        if isinstance(found, nn.Module) and found.training != block.training:
            unlike.append(UNLIKE[block.training])
        return found, block, kept, due, x

    verdict = judge(
        f,
        lambda _b, _x, C, C1, S: f"A block with C = {C}, C1 = {C1}, S = {S}",
        cases,
        [TO_V1],
        HINTS,
        true=lambda *case: _v1(call(TO_V1.made(), *case))[0],
        call=call,
        read=_v1,
        same=lambda a, b: a == b,
        differs=_which,
        exercise=exercise,
    )
    return replace(verdict, remarks=tuple(unlike[:1]))


TO_V1 = Solution(
    """
def to_v1(block):
    v1 = deepcopy(block)
    G = next(m for m in v1.shortcut.modules() if isinstance(m, nn.Conv2d))
    first, second = v1.conv1.stride, v1.conv2.stride
    v1.conv1.stride = second
    v1.conv2.stride = first
    return v1
""",
    r"""
`    v1.conv2.stride = first\n` → ``
    conv2 has kept the stride: now F takes it twice. (Two assignments, one after the other: the second reads
    what the first has written.)
`    v1.conv1.stride = second\n` → ``
    conv2 has given its stride away, and conv1 has not got it.
`    v1.conv1.stride = second\n    v1.conv2.stride = first\n` → ``
    The strides are still where they were.
`= second` → `= (2, 2)`
    You typed a 2 in: take the stride from conv2, since a block may have S = 1, or 3.
`= second` → `= (second[0], 1)`; `= first` → `= (1, second[1])`
    A stride is a pair, for rows and columns, and you moved one of the two.
`    return v1` → `    G.stride = (1, 1)\n    return v1`
    G keeps its stride: F(x) and G(x) must have one size.
    Hint: The shortcut has a stride of its own; the exercise asks for no other one.
`v1.conv1.stride = second` → `v1.conv3.stride = second`
    The stride belongs on conv1, the first 1×1, and not on conv3.
""",
    deepcopy=deepcopy,
    nn=nn,
)
HINTS = (
    "Print the strides of conv1 and conv2 before and after, for a block with S = 1 too.",
    "Take a copy of everything, and let conv1 and conv2 of the copy exchange their strides. Nothing else changes.",
    "v1 = copy.deepcopy(block); v1.conv1.stride, v1.conv2.stride = v1.conv2.stride, …",
)
KINDS = kinds_of(
    """
    layers exchanged: {name} returns a block whose conv1 and conv2 have changed places: exchange their strides alone,
        and no layers.
        Hint: Which of the two is asked for: v1.conv1, or v1.conv1.stride?
    Hint: Print what you return beside what you were given.
    no block: {name} returns something of the type {type}, and not a block.
    other parts: {name} returns a block without a conv1, conv2, conv3 and shortcut: keep those names.
    other type: {name} returns a block in {yours}, and was given one in {right}: leave the type as it is.
    frozen: {name} returns a copy that cannot learn: {what} asks for no gradient.
    other in training: {name} returns a block with the right strides and weights, and in training mode other results,
        gradients or statistics: only the two strides should change.
    other result: {name} returns a block with the right strides and weights, and other results: only the two strides
        should change.
    Hint: Look at the block that you were given once more, after the call.
    same block: {name} returns the very block that it was given: work on copy.deepcopy(block).
    original's strides: {name} returns a copy, and has changed the strides of the block it was given, which should stay
        as it is: copy first, and then change v1.conv1.stride and v1.conv2.stride.
    shared layers: {name} returns a copy that shares its layers with the block it was given, whose strides have changed
        too: copy.copy copies the outside alone, copy.deepcopy everything.
    original changed: {name} returns a copy, and has changed {what} of the block it was given, which should stay as it
        is.
    shared weights: {name} returns a copy that shares {what} with the block it was given: to train one would change the
        other.
    Hint: A new block has random weights and fresh BNs.
    other names: {name} returns a block whose weights have other names: {what} is in one alone.
    other statistics: {name} returns a block whose {what} is another: copy the whole state_dict(), not the parameters
        alone.
    other weights: {name} returns a block with other weights, first {what}: load_state_dict(block.state_dict()) copies
        them.
    """
)
STRIDES = Kind("strides", lambda at, off, **_: f"{at}: {_strides(off)}.")


def _strides(off):
    return " and ".join(f"{name} has stride {a} and should have {b}" for name, a, b in off)


def _v1(found):
    """The strides of the copy that f returned, and what is wrong with it otherwise, (kind, values), or None."""
    v1, block, kept, due, x = found
    if v1 is None:
        return v1, (NO_RESULT, {"what": "the copy"})
    if not isinstance(v1, nn.Module):
        return v1, (KINDS["no block"], {"type": type(v1).__name__})
    if v1 is block:
        return v1, (KINDS["same block"], {})
    if _where(block) != _where(kept):
        shared = getattr(v1, "conv1", None) is block.conv1
        return v1, (KINDS["shared layers" if shared else "original's strides"], {})
    if changed := _other(block.state_dict(), kept.state_dict()):
        return v1, (KINDS["original changed"], {"what": changed})
    if [m.training for m in block.modules()] != [m.training for m in kept.modules()]:
        return v1, (KINDS["original changed"], {"what": "the mode, training or eval(),"})
    if _where(v1) is None:
        return v1, (KINDS["other parts"], {})
    mine, theirs = v1.state_dict(), kept.state_dict()
    if mine.keys() != theirs.keys():
        return v1, (KINDS["other names"], {"what": sorted(mine.keys() ^ theirs.keys())[0]})
    for n in theirs:
        if mine[n].dtype != theirs[n].dtype:
            yours, right = (str(t[n].dtype).removeprefix("torch.") for t in (mine, theirs))
            return v1, (KINDS["other type"], {"yours": yours, "right": right})
    if other := _other(mine, theirs):
        first, second = theirs["conv2.weight"], theirs["conv1.weight"]
        if torch.equal(mine["conv1.weight"], first) and torch.equal(mine["conv2.weight"], second):
            return v1, (KINDS["layers exchanged"], {})
        return v1, (KINDS["other statistics" if "running" in other else "other weights"], {"what": other})
    if _where(v1) == _where(due):
        if not _gives(v1, due, x):
            return v1, (KINDS["other result"], {})
        given = {t.data_ptr() for t in block.state_dict().values()}
        if shared := next((n for n, t in mine.items() if t.data_ptr() in given), ""):
            return v1, (KINDS["shared weights"], {"what": shared})
        if frozen := next((n for n, p in v1.named_parameters() if not p.requires_grad), ""):
            return v1, (KINDS["frozen"], {"what": frozen})
        if not _learns(v1, due, x):
            return v1, (KINDS["other in training"], {})
    return _where(v1), None


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
    try:
        with torch.no_grad(), within():
            return gap(deepcopy(v1).eval()(x), due.eval()(x))[1] <= 1e-5
    except Exception:  # it stops: that is no result
        return False


def _learns(v1, due, x):
    """Whether a copy does in training mode what is due: results, gradients, and what its BNs keep of the batch."""
    found = []
    for module in (deepcopy(v1).train(), due.train()):
        try:
            with torch.enable_grad(), within():
                out = module(x)
                slopes = torch.autograd.grad(out.square().sum(), list(module.parameters()))
        except Exception:  # it stops: that is no result
            return False
        named = dict(zip(dict(module.named_parameters()), slopes, strict=True))
        found.append([out.detach(), *(t for _, t in sorted((named | dict(module.named_buffers())).items()))])
    return all(gap(a, b)[1] <= 1e-4 for a, b in zip(*found, strict=True))


def _which(yours, right):
    return STRIDES, {"off": [(n, a, b) for n, a, b in zip(STRIDED, yours, right, strict=True) if a != b]}
