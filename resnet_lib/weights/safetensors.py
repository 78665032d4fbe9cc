"""A reader of safetensors: eight bytes that say how long the header is, the header, JSON, and the numbers.

The format is described at https://huggingface.co/docs/safetensors; a reader of our own is shorter than a dependency.
"""

import json
from math import prod
from pathlib import Path

import torch

DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "BOOL": "bool", "C64": "complex64"}
DTYPES |= {f"I{n}": f"int{n}" for n in (8, 16, 32, 64)} | {f"U{n}": f"uint{n}" for n in (8, 16, 32, 64)}
DTYPES |= {"F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2"}


def begins(start):
    """Whether a file that starts with these bytes is of this format."""
    return start[8:9] == b"{" and int.from_bytes(start[:8], "little") < 1 << 28


def read(path):
    """Return the tensors of a file, name → tensor, and its remarks as "__metadata__" where it has any. ValueError for
    a file that is damaged or holds numbers of a type that torch does not have."""
    content = bytearray(Path(path).read_bytes())
    begin = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:begin])
    found = {"__metadata__": header.pop("__metadata__")} if "__metadata__" in header else {}
    for name, entry in header.items():
        try:
            dtype, shape = getattr(torch, DTYPES[entry["dtype"]]), [int(n) for n in entry["shape"]]
            first, last = entry["data_offsets"]
        except (KeyError, TypeError, AttributeError):
            raise ValueError(f"{name!r} is not described as a tensor is") from None
        if min([0, first, *shape]) < 0 or last - first != prod(shape) * dtype.itemsize or begin + last > len(content):
            raise ValueError(f"{name!r} is not where the header says")
        tensor = torch.empty(0, dtype=dtype)
        if last > first:
            # Copied, since the numbers need not begin where their type can be read in place.
            part = content[begin + first : begin + last]
            tensor = torch.frombuffer(part, dtype=dtype)
        found[name] = tensor.reshape(shape)
    return found
