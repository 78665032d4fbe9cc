"""What a submission's code did with tensors, written down as data: which operation on which values, in which module.

A trace is a list of nodes: ["op", name, arguments, options, results], ["grad", on] where recording of gradients was
switched, ["call", module, arguments, nodes, result], and ["unseen", key, inputs, result, value] where a gradient runs
through steps of no operation that `operations` knows. Values are numbered; what has no gradient besides is a constant.
"""

import torch
from torch.autograd.function import BackwardCFunction
from torch.overrides import TorchFunctionMode

from .._common import note_random
from . import unseen
from .operations import NAMES
from .wire import Encoder

LONGEST = 50_000  # operations of one run
ASKS = {"torch.equal", "torch.Tensor.equal", "torch.allclose", "torch.Tensor.allclose"}


class Trace(TorchFunctionMode):
    """Writes down what is done while it is on. hook: how modules and functions are encoded, as in `Encoder`."""

    def __init__(self, hook, slots, given=(), name=0):
        super().__init__()
        self.name, self.hook, self.given = name, hook, given
        self.unseen, self.pulled = {}, set()  # key → (value, edges, nodes) to pull a gradient through; ids of nodes
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
            with torch._C.DisableTorchFunction():
                own = isinstance(value.grad_fn, BackwardCFunction) and id(value.grad_fn) not in self.pulled
            if id(value) in self.values and not own:
                return ["v", self.values[id(value)]]
            if id(value) in self.slots:
                return ["slot", *self.slots[id(value)]]
            if value.grad_fn is not None and id(value) not in self.given and len(self.unseen) < unseen.MOST:
                return self._unseen(value)
        return None

    def _unseen(self, value):
        """Note a result with a gradient that no known operation has given."""
        with torch._C.DisableTorchFunction():
            return self._noted(value)

    def _noted(self, value):
        self._switch()
        self.pulled.add(id(value.grad_fn))
        stops = {}
        for t in self.kept:
            if t.grad_fn is not None:
                stops[id(t.grad_fn), t.output_nr] = ["v", self.values[id(t)]]
        edges, nodes = unseen.frontier(value, stops)
        for node in nodes:
            leaf = getattr(node, "variable", None)
            form = self._leaf(leaf) if leaf is not None else None
            if form is not None:
                edges[id(node), 0] = form
        nodes = [node for node in nodes if not hasattr(node, "variable")]
        key = len(self.unseen)
        self.unseen[key] = value, edges, nodes
        n, form = self.number(value), self.encoder._tensor(value.detach())
        self.nodes.append(["unseen", [self.name, key], list(edges.values()), n, form])
        return ["v", n]

    def _leaf(self, t):
        return ["slot", *self.slots[id(t)]] if id(t) in self.slots else self.hook(t) if id(t) in self.given else None

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = NAMES.get(func)
        note_random(func)
        if name is None or self.count >= LONGEST:
            return func(*args, **kwargs)
        try:
            given = [self.encoder.encode(v) for v in args], {k: self.encoder.encode(v) for k, v in kwargs.items()}
        except Exception:  # arguments that are no data: what comes out is a constant
            return func(*args, **kwargs)
        self._switch()
        node = ["op", name, *given, []]
        self.nodes.append(node)
        self.count += 1
        out = func(*args, **kwargs)  # where it raises, the node stays: that is where it stopped
        results = list(_tensors(out))
        if not results and not name.endswith(("__setitem__", "__set__")) or name in ASKS:
            self.nodes.remove(node) if self.nodes and self.nodes[-1] is node else None
        node[-1] = [None if id(t) in self.values or id(t) in self.slots else self.number(t) for t in results]
        return out

    def _switch(self):
        """Note that recording of gradients has been switched."""
        if torch.is_grad_enabled() != self.grad:
            self.grad = not self.grad
            self.nodes.append(["grad", self.grad])

    def begin(self, n, args):
        """A module of the number n has been called."""
        inner = []
        node = ["call", n, [self.encoder.encode(a) for a in args], inner, ["open"]]
        self.nodes.append(node)
        self.open.append((node, self.nodes))
        self.nodes = inner

    def end(self, out):
        """The innermost module has returned."""
        form = self.encoder.encode(out)  # may note one step more, within the module
        node, self.nodes = self.open.pop()
        node[-1] = form


def _tensors(out):
    if isinstance(out, torch.Tensor):
        yield out
    elif isinstance(out, tuple | list):
        for part in out:
            yield from _tensors(part)
