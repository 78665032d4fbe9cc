"""Results that are right, but for the type of their numbers: half precision, whole numbers, another type's limits."""

import torch
from torch import nn

from .._common import Kind

_PRINT = "Print .dtype of your result, and of what it is made of: where does it change?"
COARSE = Kind(
    "coarse numbers",
    "{name} returns {type}, which keeps {digits} digits: compute in {right}, and leave out what converts to {type}.",
    _PRINT,
)
WHOLE = Kind(
    "whole numbers",
    "{name} returns {type}, {holds}: compute in {right}, and leave out what converts to {type}.",
    _PRINT,
)
COMPLEX = Kind("complex numbers", "{name} returns {type}: leave out what makes it, or take its .real.", _PRINT)

_FLOATS = {torch.float16: 3, torch.bfloat16: 2}
_WHOLE = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


def of_types(returned, read, right):
    """Return what is wrong with the type of numbers in a result, (kind, values), or None.

    returned: by the learner's function. read: the same in the form that is compared. right: what it should be.
    Only what is wrong in nothing else is called so: the right result, in that type, must be what was returned.
    """
    for number in _leaves(returned):
        dtype, name = number.dtype, str(number.dtype).removeprefix("torch.")
        if dtype.is_complex:
            return COMPLEX, {"type": name}
        if dtype not in (*_FLOATS, *_WHOLE) or not _is_right_as(dtype, read, right):
            continue
        due = next((str(t.dtype).removeprefix("torch.") for t in _leaves(right)), "")
        values = {"type": name, "right": due or ("float32" if any(x % 1 for x in _values(right)) else "int64")}
        if dtype in _FLOATS:
            return COARSE, {**values, "digits": _FLOATS[dtype]}
        return WHOLE, {**values, "holds": _holds(dtype)}
    return None


def _holds(dtype):
    if dtype is torch.bool:
        return "which is True or False and no more"
    limits = torch.iinfo(dtype)
    if limits.max > 2**16:
        return "which has whole numbers only"
    return f"whole numbers from {limits.min:,} to {limits.max:,}"


def _leaves(result):
    """The tensors in a result, and NumPy's numbers as such."""
    if isinstance(result, nn.Conv2d):
        result = result.weight, result.bias
    if isinstance(result, torch.Tensor):
        return [result]
    if isinstance(result, tuple | list):
        return [leaf for part in result for leaf in _leaves(part)]
    if hasattr(result, "dtype") and hasattr(result, "__array__"):
        try:
            return [torch.as_tensor(result)]
        except TypeError:  # text or objects
            return []
    return []


def _values(result):
    """All numbers of a result, flat, as floats or ints of Python."""
    if isinstance(result, torch.Tensor):
        return result.flatten().tolist()
    if isinstance(result, tuple | list):
        return [value for part in result for value in _values(part)]
    return [result]


def _is_right_as(dtype, read, right):
    yours, right = _values(read), torch.tensor(_values(right), dtype=torch.float64)
    if len(yours) != len(right):
        return False
    yours, there = torch.tensor(yours, dtype=torch.float64), right.to(dtype).double()
    if dtype in _WHOLE:
        return torch.equal(yours, there)
    # Computed in it all the way, and not only converted at the end.
    limits = torch.finfo(dtype)
    return torch.allclose(yours, there, rtol=4 * limits.eps, atol=4 * limits.eps * limits.tiny)
