"""What a learner's module is made of, whatever its parts are called and however it is written.

The module is run once, and every convolution, linear layer and BN that computes is noted with its own tensors, in the
order in which they ran. Names play no part: a module of submodules and one written in function calls look the same.
"""

from dataclasses import dataclass, field
from itertools import chain

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.parameter import UninitializedTensorMixin
from torch.overrides import TorchFunctionMode

from ..activations import recording

CALLS = {torch.conv2d: "weights", F.linear: "weights", F.batch_norm: "norm"}
ARGUMENTS = {"weights": ("input", "weight", "bias"), "norm": ("input", "mean", "var", "weight", "bias")}
FULL = {"mean": "running_mean", "var": "running_var"}


@dataclass(eq=False)
class Layer:
    """One layer with numbers of its own.

    kind:    "weights" (a convolution or linear layer) or "norm".
    name:    what its module calls it; None where it is no registered part of the module.
    tensors: role → tensor; the roles are weight, bias, and of a norm also mean and var.
    eps:     of a norm, where it is known.
    given, result: what went in and came out in this run; None where it did not run.
    calls:   how often it ran.
    """

    kind: str
    name: str | None
    tensors: dict
    eps: float | None = None
    given: torch.Tensor | None = None
    result: torch.Tensor | None = None
    calls: int = 0

    @property
    def first(self):
        """The tensor that it is known by."""
        return next(t for t in self.tensors.values() if isinstance(t, torch.Tensor))

    @property
    def shape(self):
        """Of its weights, or the number of channels of a norm."""
        first = self.first
        return (first.numel(),) if self.kind == "norm" else tuple(first.shape)

    @property
    def key(self):
        """Layers of one key can take each other's numbers: a linear layer is a 1×1 convolution."""
        shape = self.shape
        return self.kind, shape[:2] if all(k == 1 for k in shape[2:]) else shape


@dataclass
class Survey:
    """One run: its layers, first those that ran, in order; what came out, or the error that ended it."""

    layers: list = field(default_factory=list)
    out: object = None
    error: Exception | None = None
    changed: bool = False  # whether the module wrote into its input
    last_map: torch.Tensor | None = None  # the last result that was still a map, before the head averages it
    unplaced: bool = False  # whether there are parameters that no layer was seen to use
    by_hand: dict = field(default_factory=dict)  # module → tensors of the BNs that a learner has written


class _Watch(TorchFunctionMode):
    """Notes the calls that compute with weights while it is on."""

    def __init__(self, note):
        super().__init__()
        self.note, self.last_map = note, None

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        kind = CALLS.get(func)
        if kind is None:
            out = func(*args, **kwargs)
            if isinstance(out, torch.Tensor) and out.dim() == 4 and out.shape[2:].numel() > 1:
                self.last_map = out
            return out
        roles = ARGUMENTS[kind]
        named = {role: kwargs.get(FULL.get(role, role)) for role in roles}
        tensors = {**named, **dict(zip(roles, args, strict=False))}
        given = tensors.pop("input")
        given = given.clone() if isinstance(given, torch.Tensor) else None
        eps = kwargs.get("eps", args[7] if len(args) > 7 else 1e-5) if kind == "norm" else None
        try:
            out = func(*args, **kwargs)
        except Exception:  # the layer at which it stops has its place in the order too
            self.note(kind, tensors, eps, _channels_first(func, given))
            raise
        self.note(kind, tensors, eps, _channels_first(func, given), _channels_first(func, out.clone()))
        return out


def _channels_first(func, t):
    """A linear layer that stands for a 1×1 convolution has the channels last."""
    return t.permute(0, 3, 1, 2) if func is F.linear and isinstance(t, torch.Tensor) and t.dim() == 4 else t


def survey(module, x, before=None):
    """Run a module on x in the mode it is in, and say what it is made of, as a `Survey`. before: that of an earlier
    run, where the module has received other numbers since."""
    if any(isinstance(t, UninitializedTensorMixin) for t in chain(module.parameters(), module.buffers())):
        try:
            module(x.clone())  # lazy layers have their numbers only after a first run
        except Exception as error:
            return Survey(error=error, unplaced=True)
    # By place in memory, so that a view of a parameter is that parameter.
    names = {t.data_ptr(): n for n, t in chain(module.named_parameters(), module.named_buffers()) if t.numel()}
    found, seen = Survey(), {}

    def note(kind, tensors, eps=None, given=None, result=None, calls=1):
        known = [t for t in tensors.values() if isinstance(t, torch.Tensor)]
        if not known:
            return
        layer = seen.get(known[0].data_ptr())
        if layer is None:
            own = [names[t.data_ptr()] for t in known if t.data_ptr() in names]
            name = min(own, key=len).rpartition(".")[0] or own[0] if own else None
            layer = seen[known[0].data_ptr()] = Layer(kind, name, tensors, eps, given, result)
            found.layers.append(layer)
        layer.calls += calls

    by_hand = found.by_hand = _norms_by_hand(module) if before is None else before.by_hand

    def after(call):
        if all(isinstance(t, torch.Tensor) for t in (*call.inputs, call.output)):
            note("norm", by_hand[call.name], None, call.inputs[0], call.output)

    kept, watch = x.clone(), _Watch(note)
    with recording({m: m for m in by_hand}, inputs=by_hand, copy=True, note=after):
        try:
            with watch:
                found.out = module(x)
        except Exception as error:  # whatever a learner's code raises is a finding
            found.error = error
    found.changed, found.last_map = not torch.equal(kept, x), watch.last_map
    # The rest is made, and never ran as far as can be seen.
    for kind, tensors in _registered(module, by_hand):
        note(kind, tensors, calls=0)
    used = {t.data_ptr() for layer in found.layers for t in layer.tensors.values() if isinstance(t, torch.Tensor)}
    for t in module.parameters():
        if t.dim() >= 2 and t.data_ptr() not in used:
            note("weights", {"weight": t}, calls=0)
    used = {t.data_ptr() for layer in found.layers for t in layer.tensors.values() if isinstance(t, torch.Tensor)}
    found.unplaced = any(t.data_ptr() not in used for t in module.parameters())
    return found


def _registered(module, by_hand):
    for m in module.modules():
        if isinstance(m, nn.Conv2d | nn.Linear):
            yield "weights", {"weight": m.weight, "bias": m.bias}
        elif isinstance(m, nn.modules.batchnorm._BatchNorm):
            roles = {"mean": m.running_mean, "var": m.running_var, "weight": m.weight, "bias": m.bias}
            yield "norm", roles
        elif m in by_hand:
            yield "norm", by_hand[m]


def _norms_by_hand(module):
    """Modules with vectors of their own, one factor, offset, mean and variance: a BN that a learner has written. Which
    is which shows in what they begin with: factor and variance are 1."""
    found = {}
    for m in module.modules():
        if isinstance(m, nn.modules.batchnorm._BatchNorm):
            continue
        own = [("weight", "bias", t) for t in m.parameters(recurse=False)]
        own += [("var", "mean", t) for t in m.buffers(recurse=False) if t.numel() > 1]
        roles = {one if (t != 0).all() else zero: t for one, zero, t in own if max(t.shape, default=0) == t.numel()}
        if len(own) == len(roles) == 4 and len({t.numel() for t in roles.values()}) == 1:
            found[m] = {role: roles[role] for role in ("mean", "var", "weight", "bias")}
    return found
