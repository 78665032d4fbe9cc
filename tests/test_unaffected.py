"""Whatever an answer sets for all code, the check judges it as if it had not, and the next cell finds all as it was."""

import builtins
import os
import random
import sys
import warnings

import matplotlib
import numpy
import pytest
import torch
from torch.nn.modules import module

from resnet_lib.exercises import Wrong, check_bytes, check_projection

HOOKS = "torch.nn.modules.module.register_module_forward_hook(lambda m, i, o: o * 0)"
# What an answer sets, and what shows it.
SETS = {
    "torch.set_grad_enabled(False)": torch.is_grad_enabled,
    "torch.set_default_dtype(torch.float64)": torch.get_default_dtype,
    "torch.set_default_device('meta')": torch.get_default_device,
    "torch.use_deterministic_algorithms(True)": torch.are_deterministic_algorithms_enabled,
    "torch.set_num_threads(2 + torch.get_num_threads())": torch.get_num_threads,
    "torch.set_anomaly_enabled(True)": torch.is_anomaly_enabled,
    "torch.set_float32_matmul_precision('medium')": torch.get_float32_matmul_precision,
    "torch.autocast('cpu', torch.bfloat16).__enter__()": lambda: torch.is_autocast_enabled("cpu"),
    "torch.inference_mode().__enter__()": torch.is_inference_mode_enabled,
    "torch.manual_seed(7)": lambda: torch.get_rng_state().tolist(),
    "numpy.random.seed(7)": lambda: str(numpy.random.get_state()),
    "random.seed(7)": random.getstate,
    "numpy.seterr(all='raise')": numpy.geterr,
    "matplotlib.rcParams['lines.linewidth'] = 77": lambda: matplotlib.rcParams["lines.linewidth"],
    "os.chdir('/')": os.getcwd,
    "os.environ['NEW'] = '1'": lambda: os.environ.get("NEW"),
    "sys.path.insert(0, '/nowhere')": lambda: list(sys.path),
    "sys.stdout = open(os.devnull, 'w')": lambda: sys.stdout,
    "sys.setrecursionlimit(5000)": sys.getrecursionlimit,
    "warnings.simplefilter('error')": lambda: list(warnings.filters),
    "builtins.sum = max": lambda: builtins.sum,
    HOOKS: lambda: len(module._global_forward_hooks),
}
ANSWERS = {
    check_bytes: "def f(batch, C, W):\n    {}\n    return 4 * batch * C * W * W",
    check_projection: (
        "class f(torch.nn.Sequential):\n    def __init__(self, C, C_out, S):\n        {}\n"
        "        super().__init__(torch.nn.Conv2d(C, C_out, 1, S, bias=False), torch.nn.BatchNorm2d(C_out))"
    ),
}


@pytest.mark.parametrize("sets", SETS)
@pytest.mark.parametrize("check", ANSWERS)
def test_what_an_answer_sets_is_gone_after_its_check(check, sets):
    space = {m.__name__: m for m in (torch, numpy, random, os, sys, warnings, builtins, matplotlib)}
    before = SETS[sets]()
    exec(ANSWERS[check].format(sets), space)
    try:
        check(space["f"])
    except Wrong:
        pass  # meta tensors have no numbers
    assert SETS[sets]() == before


@pytest.mark.parametrize("sets", [s for s in SETS if s.startswith("torch.set_") or s == HOOKS])
def test_a_right_answer_stays_right_whatever_was_set_in_its_cell(sets):
    space = {"torch": torch}
    kept = torch.get_num_threads(), dict(module._global_forward_hooks)
    exec(ANSWERS[check_projection].format("pass"), space)
    try:
        exec(sets, space)
        assert check_projection(space["f"]).ok
    finally:
        torch.set_grad_enabled(True)
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)
        torch.set_anomaly_enabled(False)
        torch.set_float32_matmul_precision("highest")
        torch.set_num_threads(kept[0])
        module._global_forward_hooks.clear()
