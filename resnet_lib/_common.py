"""Helpers that every room uses. Imports nothing of this library."""

import operator
import os
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

import torch

# ── What is found, and its words ─────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Kind:
    """What can be found wrong, with the words for it.

    name:     short and stable, "padding once", "layer missing": what code and tests compare.
    sentence: a template for `str.format` with the finding's values and its `where`, or a callable of them by name.
    hint:     where to look, if this kind has a hint of its own.
    """

    name: str
    sentence: str | Callable[..., str]
    hint: str = ""


@dataclass(frozen=True)
class Finding:
    """One thing found: its kind, where (a layer, argument, input, file or line) and the values its sentence names.

    A value may be a finding itself, the cause of this one; in a sentence it becomes its own sentence.
    """

    kind: Kind
    where: str = ""
    values: Mapping = field(default_factory=dict)

    def __str__(self):
        return say(self)


def say(finding):
    """Return the sentence of a finding: the only place where a finding becomes words, and nothing reads them back."""
    sentence, values = finding.kind.sentence, {"where": finding.where, **finding.values}
    return sentence(**values) if callable(sentence) else sentence.format(**values)


# ── Checks of arguments ──────────────────────────────────────────────────────────────────────────────────────


def check(least=1, **numbers):
    """ValueError naming the first of the numbers that is no whole number ≥ least."""
    for name, value in numbers.items():
        try:
            good = not isinstance(value, bool) and operator.index(value) >= least
        except TypeError:
            good = False
        if not good:
            raise ValueError(f"{name} = {value!r} must be a whole number, {least} or larger")


def check_input(module, x):
    """ValueError where x is no batch of pictures with the channels that the module was made for."""
    name, C = type(module).__name__, module.C
    if not isinstance(x, torch.Tensor) or x.dim() != 4:
        got = f"shape {tuple(x.shape)}" if isinstance(x, torch.Tensor) else type(x).__name__
        raise ValueError(f"{name} wants a tensor of shape (batch, C, H, W) with C = {C}, and got {got}")
    if x.shape[1] != C:
        raise ValueError(
            f"{name} was made for C = {C} channels, and the input of shape {tuple(x.shape)} has {x.shape[1]}: "
            f"give it (batch, {C}, H, W), or make the block with C = {x.shape[1]}"
        )
    if min(x.shape[2:]) < 1:
        raise ValueError(f"{name} got an empty input of shape {tuple(x.shape)}: H and W must be 1 or larger")


def check_kernel(conv, x):
    """ValueError where the kernel of a convolution is larger than its padded input."""
    for side, n, k, p, d in zip("HW", x.shape[2:], conv.kernel_size, conv.padding, conv.dilation, strict=True):
        reach, room = d * (k - 1) + 1, n + 2 * p
        if room < reach:
            raise ValueError(
                f"{side} = {n} is too small: the kernel covers {reach} pixels and the padded input has {room}; "
                f"{side} must be at least {reach - 2 * p}"
            )


def check_place(name, shape, row, column, channel=0):
    """ValueError where an output of that shape, (C, H, W) or (C,), has no such value: step `name` is blamed."""
    sides = {"channel": channel, "row": row, "column": column}
    check(least=0, **sides)
    for (side, i), most in zip(sides.items(), (*shape, 1, 1), strict=False):
        if i >= most:
            raise ValueError(
                f"{name} gives out {shape_text(shape)}, so there is no {side} {i:,}: the last one is {most - 1:,}"
            )


def pair(v):
    """(v, v), or `v` itself where it is two numbers already: rows and columns, as layers are told their sizes."""
    return tuple(v) if isinstance(v, tuple | list) else (v, v)


def shape_text(shape):
    """(2048, 7, 7): thousands are not grouped, since (2,048, 7, 7) reads like four numbers."""
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


def gap(a, b):
    """The largest absolute difference of two tensors, and the same relative to the largest value of `b`; infinite
    where the shapes differ, NaN where there are no numbers."""
    if a.shape != b.shape:
        return inf, inf
    a, b = a.cpu().double(), b.cpu().double()
    difference = (a - b).abs().max().item()
    return difference, difference / (b.abs().max().item() or 1.0)


def seeded(seed, make, **options):
    """What `make(**options)` builds when torch's random numbers begin at that seed; they go on as before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make(**options)


@contextmanager
def evaluating(network):
    """Inside, the network is in evaluation mode; afterwards each of its modules is in its own mode again."""
    modes = [(m, m.training) for m in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


@contextmanager
def threads(n):
    """Compute tensors on that many threads inside."""
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def one_thread():
    """Compute tensors on one thread inside. One small block gains little from a second one, and on a busy machine
    threads that wait for each other take many times as long."""
    return threads(1)


def runs_folder():
    """Where lessons keep their runs: the folder "runs" beside the notebook, or what the environment variable
    RESNET_COURSE_RUNS names, for a course folder that cannot be written to."""
    return Path(os.environ.get("RESNET_COURSE_RUNS") or "runs").expanduser()
