"""What Python, NumPy, torch and matplotlib keep for all: answers change it, and no check or cell suffers from that."""

import builtins
import os
import random
import sys
import warnings
from contextlib import contextmanager

import numpy
import torch

from .._common import replaced
from .._common.lasting import HOOKS

LISTS = (sys, "path"), (sys, "meta_path"), (warnings, "filters")
SPACES = (vars(builtins), os.environ, *HOOKS)


def _here():
    try:
        return os.getcwd()
    except FileNotFoundError:  # the folder has been deleted
        return None


def _go(folder):
    if folder and folder != _here():
        os.chdir(folder)


# (what it is now, how it is set again), for all that is one value.
KEPT = (
    (torch.is_grad_enabled, torch.set_grad_enabled),
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.get_num_threads, torch.set_num_threads),
    (torch.are_deterministic_algorithms_enabled, torch._C._set_deterministic_algorithms),
    (torch.is_anomaly_enabled, torch.set_anomaly_enabled),
    (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    (lambda: torch.is_autocast_enabled("cpu"), lambda on: torch.set_autocast_enabled("cpu", on)),
    (torch.get_rng_state, torch.set_rng_state),
    (numpy.random.get_state, numpy.random.set_state),
    (numpy.geterr, lambda how: numpy.seterr(**how)),
    (random.getstate, random.setstate),
    (sys.getrecursionlimit, sys.setrecursionlimit),
    (_here, _go),
)
# As a new notebook has it.
FRESH = (
    (torch.set_grad_enabled, True),
    (torch.set_default_dtype, torch.float32),
    (torch._C._set_deterministic_algorithms, False),
    (torch.set_anomaly_enabled, False),
    (lambda on: torch.set_autocast_enabled("cpu", on), False),
)


@contextmanager
def torch_again():
    """Give back what torch computes with as it was, between one call of an answer and the next."""
    grad, dtype, device = torch.is_grad_enabled(), torch.get_default_dtype(), torch.get_default_device()
    autocast = torch.is_autocast_enabled("cpu")
    hooks, guard = [dict(space) for space in HOOKS], torch.inference_mode(torch.is_inference_mode_enabled())
    guard.__enter__()
    torch.set_grad_enabled(grad)
    try:
        yield
    finally:
        guard.__exit__(None, None, None)
        torch.set_grad_enabled(grad)
        torch.set_autocast_enabled("cpu", autocast)
        torch.set_default_dtype(dtype)
        if torch.get_default_device() != device:
            torch.set_default_device(device)
        for space, was in zip(HOOKS, hooks, strict=True):
            if space != was:
                space.clear()
                space.update(was)


@contextmanager
def unaffected():
    """Inside, torch is as in a new notebook. Afterwards all is as before, whatever the code inside has set."""
    kept, device = [(put, get()) for get, put in KEPT], torch.get_default_device()
    spaces = [(space, dict(space)) for space in SPACES]
    lists = [(home, name, getattr(home, name)) for home, name in LISTS]
    lists = [(*place, each, list(each)) for *place, each in lists]
    streams = sys.stdout, sys.stderr, sys.displayhook
    plots = sys.modules.get("matplotlib")
    # As a plain dictionary: asked for by itself, the name of the backend opens one.
    settings = dict(dict.items(plots.rcParams)) if hasattr(plots, "rcParams") else None
    try:
        for put, value in FRESH:
            put(value)
        if device.type != "cpu":
            torch.set_default_device(None)
        for space in HOOKS:
            space.clear()
        with torch.inference_mode(False):
            yield
    finally:
        for put, value in kept:
            put(value)
        if torch.get_default_device() != device:
            torch.set_default_device(device)
        for space, was in spaces:
            if space != was:
                replaced.put_back()  # notes what it was, in Python's own functions
                space.clear() if space is not SPACES[0] else None
                space.update(was)
        with warnings.catch_warnings():  # tells those that have looked at the filters that they are others
            pass
        for home, name, each, was in lists:
            each[:] = was
            setattr(home, name, each)
        sys.stdout, sys.stderr, sys.displayhook = streams
        if settings is not None:
            dict.update(plots.rcParams, settings)
