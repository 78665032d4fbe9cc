"""What passes between the grader and a submission: numbers, texts, tensors and collections of them, as data.

A message is a header of JSON and the tensors' bytes behind it. Nothing in it is ever run: what is no data, a module or
a function, passes as a number by which the other side knows it, through the `hooks` of either side.
"""

import contextlib
import json
import math
import struct
from array import array
from collections import deque
from decimal import Decimal, InvalidOperation
from fractions import Fraction

import numpy as np
import torch
from torch import nn

LARGEST, LONGEST = 2**31, 2**25  # bytes of one message, and of its header
HEAD = struct.Struct(">QQ")
PLAIN = (type(None), bool, int, float, str)
COLLECTIONS = (("dict", dict), ("list", list), ("deque", deque), ("tuple", tuple), ("set", set), ("set", frozenset))
DTYPES = {str(value): value for value in vars(torch).values() if isinstance(value, torch.dtype)}
CONSTANTS = DTYPES | {
    str(value): value for value in vars(torch).values() if isinstance(value, torch.layout | torch.memory_format)
}


class Broken(Exception):
    """The other side has said something that is no message, or has gone."""


class Opaque:
    """What a submission gave and the grader cannot read: only its type's name and what it prints are known."""

    def __init__(self, said):
        self._said = said

    def __repr__(self):
        return self._said


class Encoder:
    """Turns values into a header and buffers. hook(value) gives the form of what is no data, or None."""

    def __init__(self, hook=None, shared=True):
        self.hook, self.buffers, self.memo, self.kept = hook or (lambda value: None), [], {}, []
        self.shared = shared  # whether a collection that is met twice is one; if not, it may have changed in between

    def encode(self, value):
        if type(value) in PLAIN:
            return value
        if isinstance(value, str):
            return str.__str__(value)
        if id(value) in self.memo and (self.shared or isinstance(value, torch.Tensor)):
            return ["again", self.memo[id(value)]]
        form = self.hook(value)
        if form is not None:
            return form
        for kind, types in COLLECTIONS:
            if isinstance(value, types):
                n = self._remember(value)
                parts = dict.items(value) if kind == "dict" else types.__iter__(value)
                return [kind, n, [self.encode(tuple(p)) if kind == "dict" else self.encode(p) for p in list(parts)]]
        if isinstance(value, torch.Tensor):
            return self._tensor(value)
        if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biufc":
            whole = np.ascontiguousarray(value)
            return ["array", whole.dtype.str, list(value.shape), self._buffer(whole.tobytes())]
        return self._small(value)

    def _small(self, value):
        if isinstance(value, bool | int):
            return int.__index__(value)
        if isinstance(value, float):
            return float.__float__(value)
        if isinstance(value, complex):
            return ["complex", value.real, value.imag]
        if isinstance(value, Fraction):
            return ["fraction", value.numerator, value.denominator]
        if isinstance(value, Decimal):
            return ["decimal", Decimal.__str__(value)]
        if isinstance(value, array):
            return ["row", value.typecode, list(value)]
        if isinstance(value, slice):
            return ["slice", *map(self.encode, (value.start, value.stop, value.step))]
        if isinstance(value, range):
            return ["range", value.start, value.stop, value.step]
        if value is Ellipsis:
            return ["..."]
        if isinstance(value, torch.dtype | torch.layout | torch.memory_format | torch.device):
            return ["device" if isinstance(value, torch.device) else "constant", str(value)]
        try:
            said = repr(value)[:300]
        except BaseException:  # a submission's own thing may fail to say what it is
            said = f"a {type(value).__name__}"
        return ["opaque", type(value).__name__, said]

    def _remember(self, value):
        self.kept.append(value)  # so that no id comes again
        self.memo[id(value)] = len(self.kept) - 1
        return self.memo[id(value)]

    def _buffer(self, data):
        self.buffers.append(data)
        return len(self.buffers) - 1

    def _tensor(self, value):
        plain = value.detach().as_subclass(torch.Tensor) if not value.is_sparse and not value.is_quantized else None
        if plain is None or plain.dtype not in DTYPES.values():
            return ["opaque", "Tensor", repr(value)[:300]]
        n, data = self._remember(value), None
        if plain.device.type != "meta":
            plain = plain.cpu().resolve_conj().resolve_neg().contiguous()
            data = self._buffer(plain.reshape(-1).view(torch.uint8).numpy().tobytes() if plain.numel() else b"")
        own = isinstance(value, nn.Parameter)
        return ["tensor", n, str(plain.dtype), list(plain.shape), data, bool(value.requires_grad), own]


class Decoder:
    """The values of a header and buffers. hook(form) gives what is no data; its default knows none."""

    def __init__(self, buffers, hook=None):
        self.buffers, self.hook, self.memo = buffers, hook, {}

    def decode(self, form):
        if type(form) in PLAIN:
            return form
        kind, *rest = form
        if kind == "again":
            return self.memo[rest[0]]
        if kind in KINDS:
            return getattr(self, f"_{kind}")(*rest)
        if kind == "...":
            return Ellipsis
        if self.hook is None:
            raise Broken(f"a form of the kind {kind!r}")
        return self.hook(form)

    def _dict(self, n, parts):
        found = self.memo[n] = {}
        for part in parts:
            key, value = self.decode(part)
            with contextlib.suppress(TypeError):  # a key that is not hashable here
                found[key] = value
        return found

    def _list(self, n, parts):
        found = self.memo[n] = []
        found.extend(map(self.decode, parts))
        return found

    def _deque(self, n, parts):
        found = self.memo[n] = deque()
        found.extend(map(self.decode, parts))
        return found

    def _row(self, kind, numbers):
        try:
            return array(kind, numbers)
        except (TypeError, ValueError, OverflowError):
            raise Broken("an array of other numbers") from None

    def _tuple(self, n, parts):
        self.memo[n] = found = tuple(map(self.decode, parts))
        return found

    def _set(self, n, parts):
        self.memo[n] = found = set(map(self.decode, parts))
        return found

    def _tensor(self, n, dtype, shape, data, grad, own):
        dtype, shape = DTYPES[dtype], [int(s) for s in shape]
        if data is None:
            found = torch.empty(shape, dtype=dtype, device="meta")
        elif math.prod(shape) * dtype.itemsize != len(self.buffers[data]) or any(s < 0 for s in shape):
            raise Broken("a tensor of another size than it says")
        elif not self.buffers[data]:
            found = torch.zeros(shape, dtype=dtype, device="cpu")
        else:
            found = torch.frombuffer(bytearray(self.buffers[data]), dtype=dtype).reshape(shape)
        grad = grad and (dtype.is_floating_point or dtype.is_complex)
        found = nn.Parameter(found, requires_grad=grad) if own else found.requires_grad_(grad)
        self.memo[n] = found
        return found

    def _array(self, dtype, shape, data):
        kind = np.dtype(dtype)
        if kind.kind not in "biufc":
            raise Broken("an array of no numbers")
        found = np.frombuffer(self.buffers[data], dtype=kind).reshape(shape).copy()
        return found if shape else found[()]

    def _complex(self, a, b):
        return complex(a, b)

    def _decimal(self, text):
        try:
            return Decimal(str(text)[:5000])
        except InvalidOperation:
            raise Broken("a decimal that is none") from None

    def _fraction(self, a, b):
        return Fraction(a, b)

    def _slice(self, *ends):
        return slice(*map(self.decode, ends))

    def _range(self, *ends):
        return range(*map(int, ends))

    def _device(self, name):
        return torch.device(name)

    def _constant(self, name):
        return CONSTANTS[name]

    def _opaque(self, name, said):
        return type(str(name), (Opaque,), {"__module__": "answer"})(str(said))


# Named here, since every object has methods that begin so, too: ["_getattribute__", "hook"] is no form.
KINDS = {name[1:] for name in vars(Decoder) if name.startswith("_") and not name.startswith("__")}


class Held:
    """The lists and dictionaries that a call was given, with what they held before it. memo: a decoder's."""

    def __init__(self, memo):
        self.before = {k: (v, _parts(v)) for k, v in memo.items() if type(v) in (list, dict)}

    def changed(self):
        """Those that hold something else now, (number, collection)."""
        for k, (collection, before) in self.before.items():
            if list(map(id, _parts(collection))) != list(map(id, before)):
                yield k, collection


def _parts(collection):
    return [*collection, *(collection.values() if isinstance(collection, dict) else ())]


def refill(collection, parts):
    """Make a list or dictionary hold what the call on the other side has left in it."""
    if isinstance(collection, dict) and isinstance(parts, dict):
        collection.clear()
        collection.update(parts)
    elif isinstance(collection, list) and isinstance(parts, list):
        collection[:] = parts


def send(stream, header, buffers=()):
    """Write one message."""
    text = json.dumps([header, [len(b) for b in buffers]]).encode()
    rest = sum(map(len, buffers))
    small = rest < 2**16
    stream.write(
        b"".join([HEAD.pack(len(text), rest), text, *(buffers if small else ())])
    )  # each write wakes the reader
    for buffer in () if small else buffers:
        stream.write(buffer)
    stream.flush()


def receive(read):
    """One message, (header, buffers), through read(n), which gives exactly n bytes. Broken where it is none."""
    try:
        size, rest = HEAD.unpack(read(HEAD.size))
        if size > LONGEST or rest > LARGEST:
            raise Broken("a message that is too large")
        header, sizes = json.loads(read(size))
        if any(type(n) is not int or n < 0 for n in sizes) or sum(sizes) != rest:
            raise Broken("a message whose parts do not fit")
        return header, [read(n) for n in sizes]
    except (ValueError, TypeError, RecursionError, MemoryError) as error:
        raise Broken(f"no message: {error}") from None
