"""What a learner's function returns: read as a number, compared, and shown in a sentence."""

import math
from decimal import Decimal
from fractions import Fraction
from numbers import Real

import numpy
import torch

from .._common import Kind, a_type

NO_RESULT = Kind(
    "returns None",
    "{name} returns None: let it return {what}.",
    "Is there a return, with what you have computed behind it?",
)
NO_NUMBER = Kind("not a number", "{name} returns {type} and not a {real}number{advice}.")
GENERATOR = ": write return and not yield"
SECONDS = ": its .total_seconds() is one"
COROUTINE = ": write def and not async def"


class Rounded(float):
    """A number that was computed in float32: it has 6 to 7 digits."""


def number(value):
    """Return a function's result as a number, and what is wrong with its form, (kind, values), or None.

    Any kind of number will do: of Python, NumPy or PyTorch, an array or tensor of one element, a Fraction or Decimal.
    """
    if value is None:
        return value, (NO_RESULT, {"what": "its result"})
    given = value
    if hasattr(value, "dtype") and math.prod(getattr(value, "shape", (0,))) == 1:
        value = Rounded(value.item()) if str(value.dtype).endswith("float32") else value.item()
    if isinstance(value, Decimal):
        value = Fraction(value) if value.is_finite() else float(value)
    return (value, None) if isinstance(value, Real) else (given, no_number(given))


def as_tensor(value):
    """Return a NumPy array of numbers as a tensor, and anything else as it is."""
    numbers = isinstance(value, numpy.ndarray) and value.dtype.kind in "fiub" and value.dtype != numpy.longdouble
    return torch.from_numpy(numpy.array(value)) if numbers else value


def no_number(value):
    """What is wrong with the form of a result that is not a number, (kind, values)."""
    if hasattr(value, "dtype") and math.prod(getattr(value, "shape", (0,))) == 1:
        value = value.item()
    advice = {"generator": GENERATOR, "coroutine": COROUTINE, "timedelta": SECONDS}.get(type(value).__name__, "")
    real = "real " if isinstance(value, complex) else ""
    return NO_NUMBER, {"type": a_type(value), "advice": advice, "real": real}


def equal(a, b):
    """Whether two numbers are equal, as far as they have been computed."""
    digits = 1e-6 if isinstance(a, Rounded) or isinstance(b, Rounded) else 1e-12
    return bool(a == b or (isinstance(a, float) or isinstance(b, float)) and near(a, b, digits))


def near(a, b, digits):
    """Whether two numbers differ by less than that share. No float holds 10 ** 400, which is near to none."""
    try:
        return math.isclose(a, b, rel_tol=digits)
    except OverflowError:
        return False


def shown(value, form=","):
    """Return a number as text of at most 30 characters."""
    for way in (lambda: format(value, form), lambda: f"{value:.4g}", lambda: f"{float(value):.4g}"):
        try:
            if len(text := way()) <= 30:
                return text
        except (TypeError, ValueError, OverflowError):
            continue  # a Fraction of older Pythons, or a number too large
    return f"{'-' if value < 0 else ''}10^{int(math.log10(abs(value)))} or so"


def told(value):
    """Return how a value prints itself, in one line of at most 60 characters."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a learner's own class may not know how
        text = a_type(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
