"""What a learner's function may return or do instead of what is asked: every check must refuse all of it in words."""

import collections
import decimal
import fractions
import itertools
import sys
from functools import partial

import numpy as np
import torch
from torch import nn


class Unfriendly:
    """A value of a class that supports nothing that a check may want to do with it."""

    def _no(self, *_given):
        raise RuntimeError("this class does not do that")

    __repr__ = __str__ = __eq__ = __bool__ = __len__ = __iter__ = __float__ = __getitem__ = _no
    __hash__ = object.__hash__


class Printed(Exception):
    def __str__(self):
        raise ValueError("an error that does not print itself")


class Quits(BaseException):
    pass


def values():
    """name → a value of a kind that no exercise asks for, or that is right by chance alone."""
    return {
        "None": None,
        "NaN": float("nan"),
        "inf": float("inf"),
        "-inf": -float("inf"),
        "0": 0,
        "-1": -1,
        "1e-310": 1e-310,
        "huge": 10**400,
        "beyond printing": 10**5000,
        "beyond printing, negative": -(10**5000),
        "complex": 3 + 4j,
        "True": True,
        "text": "5",
        "empty text": "",
        "braces": "{0} {at}",
        "long text": "a" * 100_000,
        "bytes": b"5",
        "empty list": [],
        "empty tuple": (),
        "list": [1, 2],
        "deep list": [[1, 2], [3]],
        "ragged": [torch.zeros(2), torch.zeros(3)],
        "list of None": [None] * 4,
        "list of NaN": [float("nan")] * 4,
        "list of texts": ["1", "2", "3", "4"],
        "endless": itertools.count(),
        "set": {1, 2},
        "dict": {"a": 1},
        "dict of numbers": {0: 1, 1: 2},
        "dict of tensors": {"a": torch.zeros(2)},
        "counter": collections.Counter("ab"),
        "range": range(3),
        "generator": (n for n in (1, 2)),
        "map": map(int, "12"),
        "function": len,
        "type": int,
        "object": object(),
        "unfriendly": Unfriendly(),
        "Ellipsis": ...,
        "NotImplemented": NotImplemented,
        "module": sys,
        "Fraction": fractions.Fraction(10**50, 3),
        "Decimal": decimal.Decimal("NaN"),
        "Decimal sNaN": decimal.Decimal("sNaN"),
        "np NaN": np.float32("nan"),
        "np array": np.arange(3),
        "np empty": np.array([]),
        "np text": np.array(["a", "b"]),
        "np object": np.array([None, 3], dtype=object),
        "np complex": np.complex64(1j),
        "np date": np.datetime64("2026-01-01"),
        "tensor": torch.randn(3),
        "tensor 4d": torch.randn(1, 2, 3, 4),
        "tensor of NaN": torch.full((2, 2), float("nan")),
        "tensor empty": torch.zeros(0),
        "tensor bool": torch.tensor(True),
        "tensor complex": torch.zeros(2, 2, dtype=torch.complex64),
        "tensor meta": torch.zeros((), device="meta"),
        "tensor meta 2d": torch.zeros(2, 2, device="meta"),
        "tensor sparse": torch.eye(3).to_sparse(),
        "tensor quantized": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.quint8),
        "parameter": nn.Parameter(torch.zeros(3)),
        "Conv2d": nn.Conv2d(2, 3, 1),
        "Linear": nn.Linear(3, 2),
        "two tensors": (torch.zeros(2, 2), torch.zeros(2)),
        "two of NaN": (torch.full((4, 4, 3, 3), float("nan")), torch.full((4,), float("nan"))),
        "two meta": (torch.zeros(4, 4, 3, 3, device="meta"), torch.zeros(4, device="meta")),
        "three": (1, 2, 3),
        "four texts": ("a", "b", "c", "d"),
    }


def errors():
    """name → what a function raises."""
    return {
        "Exception": Exception(),
        "braces": ValueError("{0} {at} {name!r}"),
        "long": ValueError("x" * 100_000),
        "many lines": RuntimeError("a\n\nb\n" * 50),
        "unprintable": Printed(),
        "SystemExit": SystemExit(1),
        "GeneratorExit": GeneratorExit(),
        "StopIteration": StopIteration(),
        "own": Quits("enough"),
        "MemoryError": MemoryError(),
        "RecursionError": RecursionError("maximum recursion depth exceeded"),
        "KeyError": KeyError(torch.zeros(3)),
        "no message": AssertionError(),
        "group": ExceptionGroup("several", [ValueError(1)]) if sys.version_info >= (3, 11) else ValueError(1),
        "unicode": UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
    }


def functions(right):
    """(name, function): junk returned always, or from the second call on, and errors raised then."""
    for name in values():
        yield f"returns {name}", partial(_returns, name)
        yield f"returns {name} at the second call", _once(right, partial(_returns, name))
    for name, error in errors().items():
        yield f"raises {name}", partial(_raises, error)
        yield f"raises {name} at the second call", _once(right, partial(_raises, error))


def _returns(name, *_given):
    return values()[name]


def _raises(error, *_given):
    raise error


def _once(right, after):
    calls = itertools.count()
    return lambda *given: after() if next(calls) else right(*given)


def not_functions():
    """Values in place of a function; `...` means that the exercise is open."""
    return {name: value for name, value in values().items() if not callable(value) and value is not ...}
