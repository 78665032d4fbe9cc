"""Whatever an answer raises or returns, the grader says of it what the notebook says."""

import pytest

from resnet_lib.compare import endless
from resnet_lib.exercises import (
    check_fair,
    check_fold,
    check_grad_cam,
    check_macs,
    check_out_width,
    check_parameters,
    check_receptive_field,
    check_rename,
    check_stem,
)
from resnet_lib.exercises.timer import FAIR

from .across import Across
from .test_across import STEM, here, said

# What raises, written as one expression, so that it can stand anywhere in an answer.
RAISING = {
    "a name": "undefined_name",
    "an attribute": "torch.no_such_function(1)",
    "an attribute of an object": "(3).shape",
    "a key": "{'a': 1}['b']",
    "a key that is a number": "{}[3]",
    "a key of several": "{}['é', (1, None)]",
    "a key raised with two": "_raise(KeyError('a', 'b'))",
    "an index": "[][4]",
    "an index of a tensor": "torch.zeros(2)[5]",
    "a type": "'a' + 1",
    "too many arguments": "(lambda x: x)(1, 2)",
    "a method's arguments": "Local().run(1, 2)",
    "a value": "int('seven')",
    "a zero": "1 / 0",
    "a size": "2.0 ** 100_000",
    "shapes": "torch.zeros(2, 3) @ torch.zeros(2, 3)",
    "shapes of layers": "nn.Linear(3, 4)(torch.zeros(2, 5))",
    "no gradient": "torch.zeros(2).sum().backward()",
    "an inverse": "torch.linalg.inv(torch.zeros(2, 2))",
    "a file": "open('no such file')",
    "an error with a number": "_raise(OSError(28, 'No space left', 'x'))",
    "a module": "__import__('no_such_module')",
    "code": "eval('1 +')",
    "bytes": "b'\\xff'.decode()",
    "text to bytes": "'é'.encode('ascii')",
    "an assertion": "_raise(AssertionError())",
    "an assertion with words": "_raise(AssertionError('W is too small'))",
    "nothing is next": "next(iter([]))",
    "endless recursion": "Local().deep(1)",
    "recursion in two": "Local().ping()",
    "the standard library": "__import__('json').loads('{')",
    "the standard library again": "__import__('statistics').mean([])",
    "numpy": "__import__('numpy').ones((2, 3)).reshape(4)",
    "numpy's own error": "__import__('numpy').linalg.inv([[0, 0], [0, 0]])",
    "a class of its own": "_raise(type('TooSmall', (ValueError,), {})('W = 3'))",
    "one below Exception": "_raise(type('Odd', (Exception,), {})())",
    "one that cannot be printed": "_raise(type('Shy', (Exception,), {'__str__': lambda self: 1 / 0})())",
    "two lines": "_raise(ValueError('first\\n  second'))",
    "a long one": "_raise(ValueError('x' * 9_000))",
    "an address": "_raise(ValueError(object()))",
    "a function's address": "_raise(TypeError(f'{Local().run} is none'))",
    "because of another": "_chained()",
    "a subclass that wants two arguments": "_raise(UnicodeDecodeError('utf8', b'a', 0, 1, 'odd'))",
    "not written yet": "_raise(NotImplementedError())",
    "a way out": "_raise(SystemExit(3))",
    "a warning made an error": "_raise(UserWarning('odd'))",
    "a warning": "__import__('warnings').warn('odd') or 1 / 0",
}
HELPERS = """
def _raise(error):
    raise error

def _chained():
    try:
        1 / 0
    except ZeroDivisionError as error:
        raise RuntimeError("because") from error

class Local:
    def run(self):
        pass

    def deep(self, n):
        return self.deep(n + 1)

    def ping(self):
        return self.pong()

    def pong(self):
        return self.ping()
"""
FUNCTIONS = {
    "rename": check_rename,
    "grad_cam": check_grad_cam,
    "macs": lambda f: check_macs("BTNK2", f),
    "out_width": check_out_width,
    "parameters": lambda f: check_parameters("BTNK2", f),
    "receptive_field": check_receptive_field,
    "fold": check_fold,
}


@pytest.fixture(scope="module")
def across():
    with Across() as other, pytest.MonkeyPatch.context() as patch:
        patch.setattr(endless, "LIMIT", 3600)
        yield other


def both(across, check, source):
    """What a check says here and across the boundary."""
    begin = "import torch\nfrom torch import nn\nfrom torch.nn import functional as F"
    cell = f"space = {{'torch': torch, 'nn': nn, 'F': F, '__name__': 'answer'}}\nexec({source!r}, space)"
    mine = said(check, lambda: here(source))
    return mine, said(check, lambda: across.value(begin, cell, "value = space['value']"))


@pytest.mark.parametrize("what", RAISING)
def test_a_function_that_raises_is_told_in_the_same_words(across, what):
    # Each error in one of the checks in turn: all of them ask the same code.
    name = list(FUNCTIONS)[list(RAISING).index(what) % len(FUNCTIONS)]
    mine, theirs = both(
        across, FUNCTIONS[name], f"{HELPERS}\ndef value(*given):\n    x = 1\n    return {RAISING[what]}\n"
    )
    assert theirs == mine
    assert "is not right yet" in mine and " at 0x" not in mine


@pytest.mark.parametrize("what", list(RAISING)[::5])
def test_a_module_that_raises_is_told_in_the_same_words(across, what):
    source = f"{HELPERS}\nRELU = lambda x: {RAISING[what]}\n{STEM}\nvalue = MyStem"
    mine, theirs = both(across, check_stem, source)
    assert theirs == mine


NUMBERS = {
    "a Decimal": "__import__('decimal').Decimal(W // 2)",
    "a Decimal without limits": "__import__('decimal').Decimal('NaN')",
    "a Fraction": "__import__('fractions').Fraction(W, 2)",
    "numpy's": "__import__('numpy').float32(W / 2)",
    "numpy's whole one": "__import__('numpy').int64(W // 2)",
    "a tensor": "torch.tensor(W // 2)",
    "a tensor of one": "torch.tensor([W / 2])",
    "a bool": "W > 2",
    "a complex one": "complex(W)",
    "a text": "str(W)",
    "a time": "__import__('datetime').timedelta(seconds=W)",
    "a date": "__import__('datetime').datetime(2026, 1, 1)",
    "several": "__import__('collections').deque([W])",
    "an array": "__import__('array').array('d', [W])",
    "an object": "object()",
}


@pytest.mark.parametrize("what", NUMBERS)
def test_a_number_of_any_type_is_told_in_the_same_words(across, what):
    source = f"def value(W, *more):\n    return {NUMBERS[what]}\n"
    mine, theirs = both(across, check_out_width, source)
    assert theirs == mine


TIMES = """
from array import array
from collections import deque
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
import numpy as np

"""


@pytest.mark.parametrize(
    ("taken", "all_of_them", "right"),
    [
        ("Decimal(taken)", "list", True),
        ("Fraction(taken)", "tuple", True),
        ("np.float64(taken)", "deque", True),
        ("torch.tensor(taken)", "list", True),
        ("taken", "lambda times: array('d', times)", True),
        ("taken", "np.array", True),
        ("timedelta(seconds=taken)", "list", False),
        ("np.timedelta64(round(1e6 * taken), 'us')", "list", False),
    ],
)
def test_a_time_may_be_any_number_of_seconds_and_a_timedelta_is_told_how_to_be_one(across, taken, all_of_them, right):
    source = TIMES + "import time\n" + FAIR.text.replace("def fair(", "def value(")
    source = source.replace("append(taken)", f"append({taken})")
    source = source.replace("return seconds", f"return {{n: ({all_of_them})(t) for n, t in seconds.items()}}")
    mine, theirs = both(across, check_fair, source)
    assert (" is right." in mine) == right and ("total_seconds()" in mine) == (not right)
    if "np.timedelta" not in taken:  # numpy's other kinds do not pass as they are
        assert theirs == mine


@pytest.mark.parametrize("star", ["*, width, kernel, stride, padding", "W, *, kernel, stride, pad"])
def test_a_function_that_takes_other_names_alone_is_told_which(across, star):
    mine, theirs = both(across, check_out_width, f"def value({star}):\n    return 1\n")
    assert theirs == mine
    assert "can be given by name alone: call them W, kernel, stride, padding, or leave out the *" in mine


def test_a_function_or_class_that_takes_the_exercise_s_names_alone_is_judged_by_what_it_computes(across):
    right = "def value(*, W, kernel, stride, padding):\n    return (W + 2 * padding - kernel) // stride + 1\n"
    mine, theirs = both(across, check_out_width, right)
    assert theirs == mine and " is right." in mine
    source = STEM.replace("self, C=3, C1=64", "self, *, C=3, C1=64") + "\nRELU = nn.ReLU()\nvalue = MyStem"
    assert " is right." in said(
        check_stem,
        lambda: here(source.replace("RELU = nn.ReLU()", "").replace("self.relu = RELU", "self.relu = nn.ReLU()")),
    )
