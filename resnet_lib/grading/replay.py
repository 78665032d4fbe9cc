"""Carries out what a submission's process wrote down, with the tensors, modules and gradients of the grader."""

from time import thread_time as CLOCK  # the clock itself: in lesson 09 there is another one

import torch

from . import wire
from .operations import OPERATIONS
from .proxies import Ended
from .unseen import Unseen


class Replay:
    """Carries out a trace on the tensors of the grader."""

    def __init__(self, remote, roots, given, buffers, error=None):
        self.remote, self.error, self.values = remote, error, {}
        self.modules = {}
        for module in (m for root in roots for m in root.modules()):
            self.modules[vars(module).get("_number")] = module
        for n, module in remote.known.items():
            self.modules.setdefault(n, module) if n < 0 else None
        self.given = given
        self.decoder = wire.Decoder(buffers, self._value)

    def _value(self, form):
        kind, *rest = form
        if kind == "v" and rest[0] >= 0:
            return self.values[rest[0]]
        if kind == "slot":
            module = self.modules[rest[0]]
            return module._parameters[rest[1]] if rest[1] in module._parameters else module._buffers[rest[1]]
        return self.remote.decode(form, self.given, self.decoder)

    def outer(self, nodes):
        """Carry out the trace of one module's call, and return what it gave."""
        calls = [node for node in nodes if node[0] == "call"]
        if not calls:
            raise self.error or wire.Broken("a run without a call")
        return self._guarded(lambda: self.body(calls[0][3], calls[0][4]))

    def result(self, nodes, form):
        return self._guarded(lambda: (self.run(nodes), self.decoder.decode(form))[1])

    def _guarded(self, work):
        grad = torch.is_grad_enabled()
        try:
            return work()
        except wire.Broken:
            raise Ended("crashed", "What it answered cannot be understood.") from None
        except (KeyError, IndexError, ValueError, TypeError, AttributeError, RuntimeError) as error:
            if self.error is None or error is self.error:
                raise
            raise self.error from None
        finally:
            torch.set_grad_enabled(grad)

    def body(self, nodes, form):
        self.run(nodes)
        if form == ["open"]:
            raise self.error or wire.Broken("a call without an end")
        return self.decoder.decode(form)

    def run(self, nodes):
        for kind, *rest in nodes:
            if kind == "grad":
                torch.set_grad_enabled(bool(rest[0]))
            elif kind == "op":
                self._operation(*rest)
            elif kind == "call":
                self._call(*rest)
            elif kind == "unseen":
                self._unseen(*rest)
            else:
                raise wire.Broken(f"a step of the kind {kind!r}")

    def _operation(self, name, args, kwargs, results):
        function = OPERATIONS.get(name)
        if function is None:
            raise wire.Broken(f"an operation {name!r}")
        read, begun = self.decoder.decode, CLOCK()
        out = function(*[read(a) for a in args], **{str(k): read(v) for k, v in kwargs.items()})
        for n, t in zip(results, _flat(out), strict=True):
            if n is not None:
                self.values[n] = t
        self.remote.work(CLOCK() - begun)

    def _unseen(self, key, inputs, n, form):
        inputs = [self.decoder.decode(i) for i in inputs]
        self.values[n] = Unseen.apply(lambda grad: self.remote.pull(key, grad), self.decoder.decode(form), *inputs)

    def _call(self, n, args, nodes, form):
        module = self.modules[n]
        given = [self.decoder.decode(a) for a in args]
        self.remote.pending = (module, self, nodes, form) if n > 0 else None
        self._bind(form, module(*given))

    def _bind(self, form, out):
        """Later steps use what a module gave here, which a hook may have put in the place of its own result."""
        if isinstance(form, list) and form and form[0] == "v" and isinstance(out, torch.Tensor):
            if form[1] >= 0:
                self.values[form[1]] = out
        elif isinstance(form, list) and form and form[0] in ("tuple", "list") and isinstance(out, tuple | list):
            for part, value in zip(form[2], out, strict=False):
                self._bind(part, value)


def _flat(out):
    if isinstance(out, torch.Tensor):
        return [out]
    return [t for part in out for t in _flat(part)] if isinstance(out, tuple | list) else []
