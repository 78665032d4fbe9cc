"""Sizes, differences, seeds, modes and threads."""

from contextlib import contextmanager
from math import inf

import torch


def pair(v):
    """Return (v, v), or `v` itself where it is two numbers already: rows and columns, as layers take their sizes."""
    return tuple(v) if isinstance(v, tuple | list) else (v, v)


def shape_text(shape):
    """Return a shape as text, (2048, 7, 7): thousands are not grouped, since (2,048, 7, 7) reads like four numbers."""
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


def gap(a, b):
    """Return the largest absolute difference of two tensors, and the same relative to the largest value of `b`;
    infinite where the shapes differ, NaN where there are no numbers."""
    if a.shape != b.shape:
        return inf, inf
    if not a.numel():
        return 0.0, 0.0
    exact = torch.complex128 if a.is_complex() or b.is_complex() else torch.float64
    a, b = a.to("cpu", exact), b.to("cpu", exact)
    difference = (a - b).abs().max().item()
    return difference, difference / (b.abs().max().item() or 1.0)


def seeded(seed, make, **options):
    """Return what `make(**options)` builds from that seed; torch's own random numbers continue as before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make(**options)


@contextmanager
def evaluating(network):
    """Put the network in evaluation mode in this context; afterwards each of its modules has its own mode again."""
    modes = [(m, m.training) for m in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


@contextmanager
def threads(n):
    """Compute tensors on that number of threads in this context."""
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def one_thread():
    """Compute tensors on one thread in this context. One small block gains little from a second one, and on a busy
    machine threads that wait for each other take many times as long."""
    return threads(1)
