"""What a submission's code did with tensors, written down as data: which operation on which values, in which module.

A trace is a list of nodes: ["op", name, arguments, options, results], ["grad", on] where recording of gradients was
switched, and ["call", module, arguments, nodes, result]. Values are numbered; what comes from no operation that
`operations` knows is a constant.
"""

import torch
from torch.overrides import TorchFunctionMode

from .operations import NAMES
from .wire import Encoder

LONGEST = 50_000  # operations of one run
ASKS = {"torch.equal", "torch.Tensor.equal", "torch.allclose", "torch.Tensor.allclose"}


class Trace(TorchFunctionMode):
    """Writes down what is done while it is on. hook: how modules and functions are encoded, as in `Encoder`."""

    def __init__(self, hook, slots):
        super().__init__()
        self.values, self.kept, self.slots = {}, [], slots  # id of a tensor → its number; its slot in a module
        self.all = self.nodes = []  # all of them, and those of the innermost module that is running
        self.open, self.count = [], 0
        self.grad = torch.is_grad_enabled()
        self.encoder = Encoder(lambda value: self._known(value) or hook(value), shared=False)

    def number(self, tensor):
        """Give a tensor the next number."""
        self.kept.append(tensor)
        n = self.values[id(tensor)] = len(self.kept) - 1
        return n

    def _known(self, value):
        if isinstance(value, torch.Tensor):
            if id(value) in self.values:
                return ["v", self.values[id(value)]]
            if id(value) in self.slots:
                return ["slot", *self.slots[id(value)]]
        return None

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = NAMES.get(func)
        if name is None or self.count >= LONGEST:
            return func(*args, **kwargs)
        try:
            given = [self.encoder.encode(v) for v in args], {k: self.encoder.encode(v) for k, v in kwargs.items()}
        except Exception:  # arguments that are no data: what comes out is a constant
            return func(*args, **kwargs)
        if torch.is_grad_enabled() != self.grad:
            self.grad = not self.grad
            self.nodes.append(["grad", self.grad])
        node = ["op", name, *given, []]
        self.nodes.append(node)
        self.count += 1
        out = func(*args, **kwargs)  # where it raises, the node stays: that is where it stopped
        results = list(_tensors(out))
        if not results and not name.endswith(("__setitem__", "__set__")) or name in ASKS:
            self.nodes.remove(node) if self.nodes and self.nodes[-1] is node else None
        node[-1] = [None if id(t) in self.values or id(t) in self.slots else self.number(t) for t in results]
        return out

    def begin(self, n, args):
        """A module of the number n has been called."""
        inner = []
        node = ["call", n, [self.encoder.encode(a) for a in args], inner, None]
        self.nodes.append(node)
        self.open.append((node, self.nodes))
        self.nodes = inner

    def end(self, out):
        """The innermost module has returned."""
        node, self.nodes = self.open.pop()
        node[-1] = self.encoder.encode(out)


def _tensors(out):
    if isinstance(out, torch.Tensor):
        yield out
    elif isinstance(out, tuple | list):
        for part in out:
            yield from _tensors(part)
