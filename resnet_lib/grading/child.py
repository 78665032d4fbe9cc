"""The process in which a submission runs. It knows the notebook's cells and what the grader asks of them, and nothing
else: no solution, no expected value, no verdict. All it says is taken for what it is, a submission's answers.
"""

import contextlib
import functools
import inspect
import io
import os
import pickle
import sys

import numpy
import torch
from torch import nn

from .._common import own_lines, replaced, watched
from . import modules, unseen, wire
from .surroundings import FAKE, Nothing, fresh_torch, shell
from .tracing import Trace

RECENT = 100  # calls whose gradients can still be asked for


def asked(channel, read):
    """Answer the grader's requests until it hangs up."""
    Child(channel, read).serve()


class Child:
    """One submission's process. objects: number → module or function that the grader knows by it; negative numbers are
    the grader's own modules, sent here."""

    def __init__(self, channel, read):
        self.channel, self.read = channel, read
        self.objects, self.numbers, self.sent, self.given = {}, {}, {}, {}
        self.trace, self.traces, self.inside, self.before = None, [], {}, {}
        self.shell = shell()
        nn.Module.__call__ = self.noted(nn.Module.__call__)
        replaced.keep()

    def serve(self):
        numpy.random.get_state()  # loads them: a seed that a submission sets shows only where they are loaded
        while True:
            (what, given), buffers = wire.receive(self.read)
            try:
                answer = getattr(self, f"do_{what}")(given, buffers)
            except BaseException as error:  # a submission may raise whatever it likes
                answer = {"error": self.error(error)}, []
            wire.send(self.channel, *answer)

    # ── Cells ──

    def do_cells(self, cells, _buffers):
        """Run cells; of each, its error or None."""
        found = []
        sys.modules["__main__"] = self.shell.user_module
        for cell in cells:
            fresh_torch()
            with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
                with contextlib.redirect_stderr(io.StringIO()):
                    result = self.shell.run_cell(cell, store_history=False, silent=False)
            error = result.error_before_exec or result.error_in_exec
            found.append(self.error(error) if error is not None else None)
            if isinstance(error, SyntaxError):
                found[-1]["text"] = f"{error.msg} (line {error.lineno}: {str(error.text or '').strip()})"
        fresh_torch()
        return {"cells": found, "replaced": replaced.heard()}, []

    def do_get(self, name, _buffers):
        """The value of a name."""
        if name not in self.shell.user_ns:
            return {"missing": True}, []
        encoder = self.encoder([])
        value = encoder.encode(self.shell.user_ns[name])
        return {"value": value, "modules": self.new(encoder.buffers)}, encoder.buffers

    # ── Calls ──

    def do_call(self, given, buffers):
        """Call what a number stands for; with what it did to the modules and tensors that it was given."""
        decoder = wire.Decoder(buffers, self.decode)
        self.synchronise(given["state"], decoder)
        args = [decoder.decode(a) for a in given["args"]]
        kwargs = {k: decoder.decode(v) for k, v in given["kwargs"].items()}
        tensors = {k: (t, t._version) for k, t in decoder.memo.items() if isinstance(t, torch.Tensor)}
        held, f = wire.Held(decoder.memo), self.objects[given["number"]]
        module, roots = isinstance(f, nn.Module), [self.objects[n] for n in given["modules"]]
        self.given = {id(t): -1 - k for k, (t, _) in tensors.items()}
        trace = Trace(self.encode, self.slots([*([f] if module else []), *roots]), self.given, len(self.traces))
        self.traces.append(trace.unseen)
        self.traces[:-RECENT] = [{}] * len(self.traces[:-RECENT])
        kept = [(b, b.clone()) for b in f.buffers()] if module else []
        theirs = [t for m in roots for t in (*m.parameters(), *m.buffers())]
        self.before = {id(t): t.detach().clone() for t in (*theirs, *(t for t, _ in tensors.values()))}
        out, error = self.run(given, trace, f, args, kwargs)
        encoder = trace.encoder
        buffers = encoder.buffers
        answer = {"nodes": trace.all, "left": self.left, "replaced": replaced.heard()}
        answer["parts"] = [[k, self.encoder(buffers).encode(collection)] for k, collection in held.changed()]
        if error is not None:
            answer["error"] = self.error(error)
        if module:
            for buffer, before in kept:
                buffer.data.copy_(before)
        else:
            answer["result"] = self.encoder(buffers).encode(out)
            answer["traced"] = encoder.encode(out) if _grad(out) else None
            answer["nodes"] = trace.all if _grad(out) else []
            changed = {k: t for k, (t, v) in tensors.items() if t._version != v or not self.unchanged(t)}
            answer["changed"] = [[k, self.encoder(buffers)._tensor(t)] for k, t in changed.items()]
            answer["effects"] = [self.describe(root, buffers) for root in roots]
        answer["modules"] = self.new(buffers)
        self.given = {}
        return answer, buffers

    def do_pull(self, given, buffers):
        """Pull a gradient through steps that are in no trace."""
        (n, key), grad = given
        value, edges, nodes = self.traces[n][key]
        with torch.no_grad():
            found = unseen.pulled(value, edges, nodes, wire.Decoder(buffers).decode(grad))
        encoder = wire.Encoder()
        return {"grads": [encoder.encode(g) for g in found]}, encoder.buffers

    def run(self, given, trace, f, args, kwargs):
        """What f gives, and what it raises, under the grader's settings of torch."""
        out, error, self.left = None, None, []
        torch.set_grad_enabled(given["grad"])
        trace.grad = given["grad"]
        meta = torch.device("meta") if given["meta"] else contextlib.nullcontext()
        self.trace = trace
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), self.clock(given, f):
            try:
                with meta, watched() as self.left, trace:
                    out = f(*args, **kwargs)
            except BaseException as raised:  # a submission may raise whatever it likes
                error = raised
        self.trace = None
        fresh_torch(seed=False)
        return out, error

    def slots(self, roots):
        """Where each tensor of these modules is: id → (the module's number, its name)."""
        return {
            id(t): (self.number(m), name)
            for root in roots
            for m in root.modules()
            for name, t, _own in modules.leaves(m)
            if t is not None
        }

    def clock(self, given, f):
        """Where the grader's clock is another one, the clock here is the grader's."""
        if not given["clock"]:
            return contextlib.nullcontext()
        stand = FAKE.Stand({})
        stand.read = lambda: self.ask("clock", "perf_counter")
        stand.read_processor = lambda: self.ask("clock", "process_time")
        stand.read_of_day = lambda: self.ask("clock", "time")
        stand.sleep = lambda seconds: self.ask("sleep", float(seconds))
        return stand.clocks(f)

    def ask(self, what, given=None):
        """Ask the grader to call something of its own."""
        wire.send(self.channel, {"ask": [what, given]})
        answer, _ = wire.receive(self.read)
        return answer["value"]

    def noted(self, called):
        """A module's call, noted in the trace, with what its own hooks make of it: a hook for all runs before them."""

        def call(module, *args, **kwargs):
            n, trace = self.numbers.get(id(module)), self.trace
            if trace is None or n is None:
                return called(module, *args, **kwargs)
            trace.begin(n, args)
            trace.end(out := called(module, *args, **kwargs))
            return out

        return call

    # ── Modules and functions as numbers ──

    def number(self, thing):
        n = self.numbers.get(id(thing))
        if n is None:
            n = self.numbers[id(thing)] = len(self.objects) + 1
            self.objects[n] = thing
        return n

    def encode(self, value):
        if id(value) in self.given:
            return ["v", self.given[id(value)]]
        if isinstance(value, Nothing) or value is Nothing:
            return ["chosen"]
        if isinstance(value, nn.Module):
            n = self.number(value)
            self.inside.setdefault(n, value)
            return ["module", n]
        if name := dataclass_name(value):
            fields = {f: wire.Encoder(self.encode).encode(getattr(value, f)) for f in value.__dataclass_fields__}
            return ["dataclass", name, fields]
        if isinstance(value, type) and issubclass(value, nn.Module) or callable(value):
            return ["callable", self.number(value), about(value)]
        return None

    def decode(self, form):
        kind, *rest = form
        if kind == "module" or kind == "callable":
            return self.objects[rest[0]]
        if kind == "ask":
            return functools.partial(self.ask, "call", rest[0])
        if kind == "tree":  # the grader's own module
            numbers, data = rest
            root = self.unpickled(data)
            for n, module in zip(numbers, root.modules(), strict=True):
                self.objects[n], self.numbers[id(module)] = module, n
                self.remember(n, module)
            return root
        if kind == "pickle":
            return self.unpickled(rest[0])
        raise wire.Broken(kind)

    def unpickled(self, data):
        """What the grader sent pickled: it is the grader's own."""
        reader = pickle.Unpickler(io.BytesIO(self.current[data]))
        reader.persistent_load = self.objects.__getitem__
        return reader.load()

    def encoder(self, buffers):
        """An encoder for one piece of an answer."""
        found = wire.Encoder(self.encode)
        found.buffers = buffers
        return found

    def new(self, buffers):
        """Descriptions of the modules that the answer is the first to name."""
        found = []
        while self.inside:
            _, module = self.inside.popitem()
            if isinstance(module, nn.Module) and (self.number(module), None) not in self.sent:
                found.append(self.describe(module, buffers))
        return found

    def describe(self, root, buffers):
        """A module's tree as data, its tensors only where the grader does not have them yet."""
        nodes, encoder, first = [], self.encoder(buffers), {}
        for module in list(root.modules())[: modules.MOST]:
            n = self.number(module)
            self.sent[n, None] = module
            tensors = {}
            for name, t, own in modules.leaves(module):
                key, now = (n, name), None if t is None else (t, t._version)
                before = self.sent.get(key)
                same = before and now and before[0] is t and before[1] == t._version and self.unchanged(t)
                self.sent[key] = now
                form, one = None if same or t is None else encoder.encode(t), first.setdefault(id(t), [n, name])
                tensors[name] = [own, t is None, bool(getattr(t, "requires_grad", False)), form, one]
            plain = {k: encoder.encode(v) for k, v in modules.attributes(module).items()}
            parts = {k: None if m is None else self.number(m) for k, m in module._modules.items()}
            nodes.append([n, modules.nature(module), plain, tensors, parts])
        return nodes

    def unchanged(self, t):
        """Whether a tensor that was given is as before the call: its version says nothing of t.data *= 0."""
        was = self.before.get(id(t))
        if was is None:
            return True
        alike = all(getattr(was, name) == getattr(t, name) for name in ("dtype", "shape", "device", "layout"))
        if not alike or t.is_meta:  # without numbers there are none to compare
            return alike
        return torch.equal(was, t) or t.is_floating_point() and torch.allclose(was, t, 0, 0, equal_nan=True)

    def remember(self, n, module):
        self.sent[n, None] = module
        for name, t, _own in modules.leaves(module):
            self.sent[n, name] = None if t is None else (t, t._version)

    def synchronise(self, state, decoder):
        """Give modules the numbers that the grader's copies of them hold."""
        self.current = decoder.buffers
        with torch.no_grad():
            for n, tensors, plain in state:
                module = self.objects[n]
                for name, form in tensors.items():
                    value = decoder.decode(form)
                    space = module._parameters if name in module._parameters else module._buffers
                    now = space.get(name)
                    if now is not None and now.shape == value.shape and now.device == value.device:
                        now.data = value.data if now.dtype != value.dtype else now.data.copy_(value)
                        now.requires_grad_(value.requires_grad) if now.is_leaf else None
                    else:
                        space[name] = value
                    self.sent[n, name] = (space[name], space[name]._version)
                for name, form in plain.items():
                    vars(module)[name] = decoder.decode(form)
        decoder.memo.clear()

    # ── Errors ──

    def error(self, error):
        """An error as data: its class, the built-in one that this is, its sentence and the learner's own lines, the
        outermost first."""
        names = [c.__name__ for c in type(error).__mro__ if c.__module__ == "builtins"]
        try:
            text = str(error)[:5000]
        except BaseException:
            text = ""
        lines = []
        for frame, place in own_lines(error):
            own = frame.f_locals.get("self")
            n = self.numbers.get(id(own)) if isinstance(own, nn.Module) else None
            lines.append([place.name, place.lineno or 0, place.line or "", n])
        kind = names[0] if names else "Exception"
        return {"name": type(error).__name__, "kind": kind, "text": text, "lines": lines[-20:]}


def _grad(out):
    parts = out[:100] if isinstance(out, tuple | list) else ()
    return out.requires_grad if isinstance(out, torch.Tensor) else any(map(_grad, parts))


def dataclass_name(value):
    """The name of a dataclass of the library, of which a value may be an answer, or ""."""
    kind = type(value)
    known = {"Design", "StemDesign", "StageDesign"}
    return kind.__name__ if kind.__module__ == "resnet_lib.network" and kind.__name__ in known else ""


def plain_number(value):
    """A number that may stand in a signature, or None for all else."""
    return value if type(value) in (bool, int) and abs(value) < 10**6 else None


def about(value):
    """What the grader may know of a function or class: its name, whose it is, and its arguments."""
    try:
        found = inspect.signature(value).parameters.values()
        given = [[p.name, int(p.kind), p.default is not p.empty, plain_number(p.default)] for p in found]
    except (TypeError, ValueError):
        given = None
    return {
        "name": str(getattr(value, "__name__", type(value).__name__)),
        "of": str(getattr(value, "__module__", "")),
        "class": isinstance(value, type),
        "module": isinstance(value, type) and issubclass(value, nn.Module),
        "given": given,
        "said": repr(value)[:200],
    }
