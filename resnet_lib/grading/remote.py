"""A submission's things as the checks see them: functions that run in its process, and modules that are rebuilt here.

A module of the submission is rebuilt from its description, with parameters of its own. Where it is called, the
submission's process runs the real one with the same numbers, and sends what it did as a trace; the operations of the
trace are then carried out here, on the tensors here. So hooks, gradients and modes are the grader's own, and a check
runs as it does in a notebook.
"""

import builtins
import io
import linecache
import math
import pickle
import time
import types

import torch
from torch import nn

from .. import network
from .._common import replaced, tell
from . import modules, wire
from .proxies import DATA, Chosen, Ended, Function, checked, stand_in, understood
from .replay import Replay

CLOCK = time.perf_counter
MOST_LINES = 20  # of a traceback: making one takes a moment


def _forward(module, *args, **kwargs):
    """The forward of a rebuilt module."""
    return vars(module)["_remote"].forward(module, args, kwargs)


class Remote:
    """One submission's process. line: the connection, with `ask(header, buffers, answers)` → (header, buffers).
    seconds: of computing, in which all that its process has written down is to be carried out here."""

    def __init__(self, line, seconds=math.inf):
        self.left = seconds
        self.line, self.known, self.synced, self.plain = line, {}, {}, {}
        self.asked, self.own, self.pending = [], 0, None
        self.classes = set()  # of the library, that were seen among the submission's modules

    def __deepcopy__(self, memo):
        return self

    def work(self, seconds):
        """Note so much work done for it. Its process may have written down more than it has done."""
        self.left -= seconds
        if self.left < 0:
            raise Ended("timed out", "What it asks for takes too long to compute.")

    # ── Requests ──

    def cells(self, sources):
        """Run cells; of each, its error as data, or None."""
        found, _ = self.line.ask(["cells", list(sources)], [], self.answer)
        if not isinstance(found.get("cells"), list):
            raise self.unread("Its cells cannot be run", found)
        with understood():
            replaced.tell([str(name) for name in found.get("replaced", [])])
        return found["cells"]

    def get(self, name):
        """The value that a name has there; KeyError where it has none."""
        found, buffers = self.line.ask(["get", name], [], self.answer)
        if "error" in found:
            raise self.unread(f"What it gives {name} cannot be read", found)
        if "missing" in found:
            raise KeyError(name)
        with understood():
            return self._reader(found, buffers)().decode(found["value"])

    def _reader(self, found, buffers, given=None):
        """Make the modules known that an answer is the first to name; what makes a decoder for each piece of it."""

        def reader():
            decoder = wire.Decoder(buffers, lambda form: self.decode(form, given or {}, decoder))
            return decoder

        for nodes in found.get("modules", []):
            self.update(nodes, reader())
        return reader

    def decode(self, form, given, decoder):
        kind, *rest = form
        if kind == "module":
            return self.known[rest[0]]
        if kind == "callable":
            number, about = rest
            if number not in self.known:
                self.known[number] = Function(self, number, checked(about))
            return self.known[number]
        if kind == "v" and rest[0] < 0:
            return given[-1 - rest[0]]
        if kind == "dataclass" and rest[0] in ("Design", "StemDesign", "StageDesign"):
            return getattr(network, rest[0])(**{k: decoder.decode(v) for k, v in rest[1].items()})
        if kind == "chosen":
            return Chosen()
        raise wire.Broken(f"a form of the kind {kind!r}")

    def answer(self, what, given):
        """What the submission's process asks while it runs: a function of the check, or its clock."""
        if what == "call":
            return self.asked[given]()
        if what == "sleep":
            return time.sleep(min(float(given), 1e6)) if time.sleep is not SLEEP else None
        return getattr(time, given if given in ("process_time", "time") else "perf_counter")()

    # ── Calls ──

    def call(self, function, args, kwargs):
        """Call a function of the submission with the check's arguments; it may change them, as in a notebook."""
        given, encoder, found, buffers = self._request(function._number, args, kwargs)
        with understood():
            reader = self._reader(found, buffers, given)
            for n, form in found.get("changed", []):
                now = reader().decode(form)
                with torch.no_grad():
                    given[n].copy_(now) if now.shape == given[n].shape else setattr(given[n], "data", now.data)
            for n, form in found.get("parts", []):
                wire.refill(encoder.kept[n], reader().decode(form))
            for nodes in found.get("effects", []):
                self.update(nodes, reader())
        if "error" in found:
            raise self.problem(found)
        if found.get("traced") is not None:  # with gradients: computed once more, on the tensors here
            return Replay(self, encoder.roots, given, buffers).result(found["nodes"], found["traced"])
        with understood():
            return reader().decode(found["result"])

    def forward(self, module, args, kwargs):
        """Run a rebuilt module: within a trace that is carried out, its part of it; else a new one."""
        if self.pending is not None and self.pending[0] is module:
            _, replay, nodes, form = self.pending
            self.pending = None
            return replay.body(nodes, form)
        given, encoder, found, buffers = self._request(vars(module)["_number"], args, kwargs, module)
        with understood():
            self._reader(found, buffers, given)
        error = self.problem(found) if "error" in found else None
        return Replay(self, [module, *encoder.roots], given, buffers, error).outer(found["nodes"])

    def pull(self, key, grad):
        """The gradients of what an unseen result was computed from, for the gradient of that result."""
        encoder = wire.Encoder()
        found, buffers = self.line.ask(["pull", [key, encoder.encode(grad.detach())]], encoder.buffers, self.answer)
        if "error" in found:
            raise self.problem(found)
        with understood():
            return [wire.Decoder(buffers).decode(g) for g in found["grads"]]

    def _request(self, number, args, kwargs, module=None):
        encoder = _Arguments(self)
        forms = [encoder.encode(a) for a in args], {k: encoder.encode(v) for k, v in kwargs.items()}
        given = {encoder.memo[id(t)]: t for t in encoder.kept if isinstance(t, torch.Tensor)}
        roots = [*([module] if module is not None else []), *encoder.roots]
        state = self._state(roots, encoder)
        request = {
            "number": number,
            "args": forms[0],
            "kwargs": forms[1],
            "state": state,
            "modules": [vars(m)["_number"] if "_number" in vars(m) else encoder.numbers[id(m)] for m in encoder.roots],
            "grad": torch.is_grad_enabled(),
            "meta": torch.get_default_device().type == "meta",
            "clock": time.perf_counter is not CLOCK,
        }
        found, buffers = self.line.ask(["call", request], encoder.buffers, self.answer)
        with understood():
            tell([str(word) for word in found.get("left", [])])
            replaced.tell([str(name) for name in found.get("replaced", [])])
        return given, encoder, found, buffers

    def _state(self, roots, encoder):
        """What has changed in the rebuilt modules since the submission's process was told of them."""
        found = []
        for module in {id(m): m for root in roots for m in root.modules()}.values():
            n = vars(module).get("_number")
            if n is None or n < 0:
                continue
            self.known[n] = module
            tensors = {}
            for name, t, own in modules.leaves(module):
                now = t, None if t is None else (t._version, t.requires_grad)
                if t is not None and not _same(self.synced.get((n, name)), now):
                    tensors[name] = wire.Encoder._tensor(encoder, nn.Parameter(t, t.requires_grad) if own else t)
                    self.synced[n, name] = now
            plain, before = modules.attributes(module), self.plain.get(n, {})
            changed = {k: encoder.encode(v) for k, v in plain.items() if k not in before or not _equal(before[k], v)}
            self.plain[n] = dict(plain)
            if tensors or changed:
                found.append([n, tensors, changed])
        return found

    def problem(self, found):
        """An error of the submission as an exception, its traceback the learner's own lines."""
        with understood():
            return self._problem(found)

    def unread(self, what, found):
        """The end of a process that stopped where no check was running that could say so."""
        error = self.problem(found)
        return Ended("crashed", f"{what}: {type(error).__name__}: {error}")

    def _problem(self, found):
        said = found.get("error") if isinstance(found, dict) else None
        if not isinstance(said, dict):
            return wire.Broken("no answer")
        kind = getattr(builtins, str(said.get("kind")), None)
        if not (isinstance(kind, type) and issubclass(kind, Exception)) or kind.__name__.endswith("Group"):
            kind = Exception
        name, text = str(said.get("name"))[:100], str(said.get("text", ""))
        made = type(name if name.isidentifier() else kind.__name__, (kind,), {"__str__": lambda self: text})
        error = made.__new__(made, text)  # some want more than a text to begin with
        for name, number, line, n in reversed(said.get("lines", [])[-MOST_LINES:]):
            error = _raised(error, str(name), int(number), str(line), self.known.get(n))
        return error

    # ── Modules ──

    def update(self, nodes, decoder):
        """Build modules from their description, or bring known ones to it."""
        for n, nature, *_ in nodes[: modules.MOST]:
            if nature[1].startswith("resnet_lib"):
                self.classes.add(nature[1].rpartition(".")[2])
            if n not in self.known:
                if type(n) is not int or n <= 0:
                    raise wire.Broken("a module of no number")
                made = self.known[n] = modules.empty(nature, _forward)
                vars(made).update(_number=n, _remote=self)
        taken = set()  # the tensors of what comes before: those alone may be shared that the submission shares
        for n, _nature, plain, tensors, parts in nodes:
            module = self.known[n]
            read = {str(k): decoder.decode(v) for k, v in plain.items()}
            for name, value in read.items():
                if name.isidentifier() and not name.startswith("_") and name not in modules.INTERNAL:
                    value = stand_in(value) if isinstance(value, Function) else value
                    if name != "training" or isinstance(value, bool):
                        vars(module)[name] = value
            self.plain[n] = modules.attributes(module)
            self._tensors(n, module, tensors, decoder, taken)
            module._modules = {
                str(k): None if p is None else self.known[p] for k, p in parts.items() if k and "." not in k
            }

    def _tensors(self, n, module, tensors, decoder, taken):
        for space, own in ((module._parameters, True), (module._buffers, False)):
            for gone in [k for k in space if k not in tensors or tensors[k][0] != own]:
                del space[gone]
        for name, (own, absent, grad, form, one) in tensors.items():
            space = module._parameters if own else module._buffers
            now = space.get(name)
            if absent:
                space[name] = None
            elif one != [n, name]:  # one tensor with another of the tree
                first = self.known[one[0]]
                space[name] = {**first._parameters, **first._buffers}[one[1]]
            elif form is not None:
                value = decoder.decode(form)
                alone = now is not None and id(now) not in taken
                if alone and (now.shape, now.dtype, now.device) == (value.shape, value.dtype, value.device):
                    now.data.copy_(value.detach())
                else:
                    space[name] = value if not own or isinstance(value, nn.Parameter) else nn.Parameter(value, grad)
            elif now is None:
                raise wire.Broken("a tensor that was never sent")
            t = space[name]
            taken.add(id(t))
            if t is not None and own and t.is_leaf and t.is_floating_point():
                t.requires_grad_(bool(grad))
            self.synced[n, name] = (t, None if t is None else (t._version, t.requires_grad))


class _Arguments(wire.Encoder):
    """Encodes a check's arguments: what is no data goes pickled, which the submission's process alone reads."""

    def __init__(self, remote):
        super().__init__(self._thing)
        self.remote, self.roots, self.numbers = remote, [], {}

    def _thing(self, value):
        if isinstance(value, nn.Module):
            self.roots.append(value)
            if "_number" in vars(value):
                return ["module", vars(value)["_number"]]
            return self._tree(value)
        if isinstance(value, Function):
            return ["callable", value._number]
        if isinstance(value, types.FunctionType | types.MethodType):
            self.remote.asked.append(value)
            return ["ask", len(self.remote.asked) - 1]
        if isinstance(value, DATA) or value is Ellipsis or isinstance(value, torch.dtype | torch.device):
            return None
        if type(value).__module__.startswith("numpy"):
            return None
        return ["pickle", self._buffer(self._pickled(value))]

    def _tree(self, root):
        numbers = []
        for module in root.modules():
            n = vars(module).get("_number")
            if n is None:
                self.remote.own -= 1
                n = self.remote.own
                self.numbers[id(module)] = n
                self.remote.known[n] = module
            numbers.append(n)
        return ["tree", numbers, self._buffer(self._pickled(root))]

    def _pickled(self, value):
        out = io.BytesIO()
        pickler = pickle.Pickler(out)
        pickler.persistent_id = lambda part: (
            vars(part).get("_number") if isinstance(part, nn.Module) and "_number" in vars(part) else None
        )
        pickler.dump(value)
        return out.getvalue()


def _same(before, now):
    return before is not None and before[0] is now[0] and before[1] == now[1]


def _equal(a, b):
    return type(a) is type(b) and a == b


def _raised(error, name, number, line, module):
    """The error with one more line in its traceback: that of the function `name`, in which it was raised."""
    number = max(1, min(number, 10_000))
    file = f"<{name} {number} {hash(line)}>"
    linecache.cache[file] = (0, None, [""] * (number - 1) + [line], file)
    space = {}
    exec(compile("\n" * (number - 1) + "def f(error, self): raise error", file, "exec"), space)
    space["f"].__code__ = space["f"].__code__.replace(co_name=name)
    inner = vars(error).get("_lines")
    try:
        space["f"](error, module)
    except Exception as caught:
        own = caught.__traceback__.tb_next
        error._lines = types.TracebackType(inner, own.tb_frame, own.tb_lasti, own.tb_lineno)
    return error.with_traceback(error._lines)


SLEEP = time.sleep
