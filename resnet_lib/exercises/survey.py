"""What a learner's module is made of, whatever its parts are called and however it is written.

The module is run once, and every convolution, linear layer and BN that computes is noted with its own tensors, in the
order in which they ran. Names play no part: a module of submodules and one written in function calls look the same.
"""

from dataclasses import dataclass, field
from itertools import chain

import torch
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

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
    def shape(self):
        """Of its weights, or the number of channels of a norm."""
        first = next(t for t in self.tensors.values() if t is not None)
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


class _Watch(TorchFunctionMode):
    """Notes the calls that compute with weights while it is on."""

    def __init__(self, note):
        super().__init__()
        self.note = note

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        kind = CALLS.get(func)
        if kind is None:
            return func(*args, **kwargs)
        roles = ARGUMENTS[kind]
        named = {role: kwargs.get(FULL.get(role, role)) for role in roles}
        tensors = {**named, **dict(zip(roles, args, strict=False))}
        given = tensors.pop("input")
        given = given.clone() if isinstance(given, torch.Tensor) else None
        eps = kwargs.get("eps", args[7] if len(args) > 7 else 1e-5) if kind == "norm" else None
        out = func(*args, **kwargs)
        self.note(kind, tensors, eps, given, out.clone())
        return out


def survey(module, x):
    """Run a module on x in the mode it is in, and say what it is made of, as a `Survey`."""
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

    by_hand = _norms_by_hand(module)
    handles = [
        m.register_forward_hook(lambda m, args, out: note("norm", by_hand[m], None, args[0].clone(), out.clone()))
        for m in by_hand
    ]
    before = x.clone()
    try:
        with _Watch(note):
            found.out = module(x)
    except Exception as error:  # whatever a learner's code raises is a finding
        found.error = error
    finally:
        for handle in handles:
            handle.remove()
    found.changed = not torch.equal(before, x)
    # The rest is made, and never ran as far as can be seen.
    for kind, tensors in _registered(module, by_hand):
        note(kind, tensors, calls=0)
    used = {t.data_ptr() for layer in found.layers for t in layer.tensors.values() if isinstance(t, torch.Tensor)}
    for t in module.parameters():
        if t.dim() >= 2 and t.data_ptr() not in used:
            note("weights", {"weight": t}, calls=0)
    return found


def _registered(module, by_hand):
    for m in module.modules():
        if isinstance(m, nn.Conv2d | nn.Linear):
            yield "weights", {"weight": m.weight, "bias": m.bias}
        elif isinstance(m, nn.modules.batchnorm._BatchNorm):
            roles = {"mean": m.running_mean, "var": m.running_var, "weight": m.weight, "bias": m.bias}
            yield "norm", roles
    yield from (("norm", tensors) for tensors in by_hand.values())


def _norms_by_hand(module):
    """Modules with vectors of their own, one factor, offset, mean and variance: a BN that a learner has written. Which
    is which shows in what they begin with: factor and variance are 1."""
    found = {}
    for m in module.modules():
        if isinstance(m, nn.Conv2d | nn.Linear | nn.modules.batchnorm._BatchNorm):
            continue
        roles = {}
        for kinds, tensors in ((("weight", "bias"), m.parameters(recurse=False)), (("var", "mean"), m.buffers(False))):
            for t in tensors:
                if t.numel() > 1 and max(t.shape) == t.numel():
                    roles[kinds[0] if (t != 0).all() else kinds[1]] = t
        if len(roles) == 4 and len({t.numel() for t in roles.values()}) == 1:
            found[m] = {role: roles[role] for role in ("mean", "var", "weight", "bias")}
    return found
