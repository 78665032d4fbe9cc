"""Checks of the parts that a learner builds. Each accepts any correct implementation, whatever its names.

Every check takes the learner's class (or a function that makes the module), and runs it beside the library's with the
same weights and input, in eval() and in training mode, for several sizes. It returns a `Verdict`, or raises `Wrong`
with the sentence that names the mistake. `exercise` is a name such as "01.3" under which progress is kept.
"""

import torch
from torch import nn

from ..blocks import BTNK1, BTNK2, Projection, Stem
from ..network import ResNet
from .matching import compare, remarks
from .progress import done
from .verdict import Verdict, Wrong, stopped, where


def check_stem(make, *, exercise=None):
    """MyStem(C, C1): (C, W, W) → (C1, W/4, W/4)."""
    cases = [((3, 64), 33), ((1, 8), 30), ((4, 12), 29)]
    return _check(make, [(a, f"C={a[0]}, C1={a[1]}", Stem(*a), a[0], W) for a, W in cases], "stage0", exercise)


def check_projection(make, *, exercise=None):
    """MyProjection(C, C_out, S): (C, W, W) → (C_out, W/S, W/S)."""
    cases = [((12, 16, 2), 9), ((8, 32, 1), 6), ((16, 32, 2), 6)]
    return _check(
        make,
        [
            ((C, C_out, S), f"C={C}, C_out={C_out}, S={S}", Projection(C, C_out, S, nn.BatchNorm2d), C, W)
            for (C, C_out, S), W in cases
        ],
        "projection",
        exercise,
    )


def check_btnk2(make, *, exercise=None):
    """MyBTNK2(C): (C, W, W) → (C, W, W)."""
    cases = [((16,), 9), ((32,), 6), ((64,), 5)]
    return _check(make, [(a, f"C={a[0]}", BTNK2(*a), a[0], W) for a, W in cases], "block", exercise)


def check_btnk1(make, *, stride_on="3x3", exercise=None):
    """MyBTNK1(C, C1, S): (C, W, W) → (4·C1, W/S, W/S). stride_on: "3x3" (v1.5), "1x1" (v1), or "any"."""
    if stride_on not in ("3x3", "1x1", "any"):
        raise ValueError(f'stride_on = {stride_on!r} must be "3x3" (v1.5), "1x1" (v1, the paper) or "any"')
    cases = [((12, 4, 2), 9), ((8, 8, 1), 6), ((16, 8, 2), 6), ((24, 4, 1), 5)]

    def against(home):
        blocks = [(a, BTNK1(*a, stride_on=home), W) for a, W in cases]
        return [(a, "C={}, C1={}, S={}".format(*a), block, a[0], W) for a, block, W in blocks]

    if stride_on != "any":
        return _check(make, against(stride_on), "block", exercise)
    try:
        return _check(make, against("3x3"), "block", exercise)
    except Wrong:
        try:
            _check(make, against("1x1"), "block", None)
        except Wrong:
            pass
        else:
            more = "S sits on the first 1×1 (v1, the paper). Published PyTorch weights belong to v1.5, S on the 3×3."
            return _right(make, f"{_PROVED} {more}", (), exercise)
        raise


def check_stage(make, *, exercise=None):
    """make_stage(C, C1, S, n): n blocks, (C, W, W) → (4·C1, W/S, W/S)."""
    cases = [((8, 8, 1, 3), 6), ((16, 8, 2, 2), 9), ((12, 4, 2, 4), 7), ((16, 8, 2, 1), 6)]
    return _check(
        make,
        [(a, "C={}, C1={}, S={}, n={}".format(*a), _stage(*a), a[0], W) for a, W in cases],
        "",
        exercise,
    )


def check_network(make, *, blocks=(3, 4, 6, 3), base=64, num_classes=1000, exercise=None):
    """MyResNet50(): (3, W, W) → (num_classes). blocks, base: of another design, as in `ResNet`."""
    network = ResNet(blocks=blocks, base=base, num_classes=num_classes)
    return _check(make, [((), "", network, 3, 64)], "", exercise)


def _stage(C, C1, S, n):
    return nn.Sequential(BTNK1(C, C1, S), *(BTNK2(4 * C1) for _ in range(n - 1)))


# ── What all of them do ──────────────────────────────────────────────────────────────────────────────────────

_PROVED = "With the library's weights it gives the library's numbers, in eval() and in training mode."


def _check(make, cases, part, exercise):
    """cases: (arguments, how they are written, the reference, C, W)."""
    name = getattr(make, "__name__", type(make).__name__)
    if isinstance(make, nn.Module):
        raise Wrong(Verdict(False, type(make).__name__, f"Give the check the class itself, {type(make).__name__}, "
                                                        "without brackets: it makes several of them."))  # fmt: skip
    if not callable(make):
        raise Wrong(Verdict(False, name, f"The check wants your class or function, and was given {make!r:.60}."))
    said = ()
    with torch.random.fork_rng(devices=[]):
        for arguments, text, reference, C, W in cases:
            torch.manual_seed(0)
            at = f"{name}({text}), input ({C}, {W}, {W}): " if text else ""
            try:
                module = make(*arguments)
            except Exception as error:  # whatever a learner's code raises is a finding
                raise Wrong(Verdict(False, name, f"{at}{stopped(error)}", where(error))) from None
            if not isinstance(module, nn.Module):
                kind = "None: is its return missing?" if module is None else f"a {type(module).__name__}."
                raise Wrong(Verdict(False, name, f"{name} should make an nn.Module, and gives {kind}"))
            # Two pictures, with negatives: only then can a ReLU on the shortcut or on x be seen.
            found = compare(module, reference, torch.randn(2, C, W, W), part)
            if found:
                raise Wrong(Verdict(False, name, at + found.sentence, found.where, found.rows))
            said = said or remarks(module)
    tried = "; ".join(text for _, text, *_ in cases if text)
    return _right(make, _PROVED + (f" Tried with {tried}." if tried else ""), said, exercise)


def _right(make, sentence, said, exercise):
    done(exercise)
    return Verdict(True, getattr(make, "__name__", type(make).__name__), sentence, remarks=said)
