"""What a learner's module is made of, whatever its parts are called and however it is written.

The module is run once, and every convolution, linear layer and BN that computes is noted with its own tensors, in the
order in which they ran. Names play no part: a module of submodules and one written in function calls look the same.
What no call shows, a product written as einsum, a BN written as arithmetic or a scripted module, is found by the
parameters themselves: autograd's record of the run says in which order they were used.
"""

from collections import deque
from dataclasses import dataclass, field
from itertools import chain

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.parameter import UninitializedTensorMixin
from torch.overrides import TorchFunctionMode

from .._common import note_random, watched
from ..activations import recording
from .autograd import by_graph, offsets
from .endless import Endless, within
from .registered import FULL, ROLES, Registered, role_of

CALLS = {torch.conv2d: "weights", F.linear: "weights", F.batch_norm: "norm"}
ARGUMENTS = {"weights": ("input", "weight", "bias"), "norm": ("input", *ROLES)}
DROPOUTS = {F.dropout, F.dropout1d, F.dropout2d, F.dropout3d, F.alpha_dropout, F.feature_alpha_dropout, torch.dropout}


@dataclass(eq=False)
class Layer:
    """One layer with numbers of its own.

    kind:    "weights" (a convolution or linear layer) or "norm".
    name:    what its module calls it; None where it is no registered part of the module.
    tensors: role → tensor; the roles are weight, bias, and of a norm also mean and var.
    eps:     of a norm, where it is known.
    groups:  of a convolution, where it is known.
    given, result: what went in and came out in this run; None where it did not run, or no call showed it.
    calls:   how often it ran.
    turned:  whether its weights are kept the other way round, (C_in, C_out).
    """

    kind: str
    name: str | None
    tensors: dict
    eps: float | None = None
    groups: int = 1
    given: torch.Tensor | None = None
    result: torch.Tensor | None = None
    calls: int = 0
    turned: bool = False

    @property
    def first(self):
        """The tensor that it is known by: its weight, where it has one, since code may replace its buffers."""
        return _known(self.tensors)[0]

    @property
    def constant(self):
        """Whether it is no part of the module and nothing would train it, such as a kernel of ones."""
        return self.name is None and not any(t.requires_grad for t in _known(self.tensors))

    @property
    def places(self):
        """Where its tensors are in memory."""
        return [t.data_ptr() for t in self.tensors.values() if isinstance(t, torch.Tensor)]

    @property
    def shape(self):
        """Of its weights, or the number of channels of a norm."""
        first = self.first
        if self.kind == "norm":
            return (first.numel(),)
        return tuple(first.transpose(0, 1).shape if self.turned else first.shape)

    @property
    def key(self):
        """Layers of one key can take each other's numbers: a linear layer is a 1×1 convolution, and one that is given
        whole windows is any convolution."""
        return self.kind, (self.shape[0], self.first.numel() // self.shape[0])


def _known(tensors):
    rows = [t for t in tensors.values() if isinstance(t, torch.Tensor)]
    weight = tensors.get("weight")
    return [weight, *rows] if isinstance(weight, torch.Tensor) else rows


@dataclass
class Survey:
    """One run: its layers, first those that ran, in order; what came out, or the error that ended it."""

    layers: list = field(default_factory=list)
    x: torch.Tensor | None = None  # what it was given: gradients reach it
    out: object = None
    error: Exception | None = None
    changed: bool = False  # whether the module wrote into its input
    maps: tuple = ()  # the last results that were still maps, before the head averages them
    dropped: bool = False  # whether a dropout was called
    left: tuple = ()  # what it has done to torch for all code that follows, as `watched` tells
    unplaced: bool = False  # whether there are parameters that no layer was seen to use
    by_hand: dict = field(default_factory=dict)  # module → role → attribute, of the BNs that a learner has written
    apart: dict = field(default_factory=dict)  # place of a BN's mean → its factor and offset, where it has none itself
    made: str = ""  # the first parameter that was made in this run

    @property
    def places(self):
        """Where the tensors of its layers are in memory."""
        return {place for layer in self.layers for place in layer.places}

    @property
    def last_map(self):
        return self.maps[-1] if self.maps else None


class _Watch(TorchFunctionMode):
    """Notes the calls that compute with weights while it is on. dropout: whether dropout does what it does."""

    def __init__(self, notes, dropout=True):
        super().__init__()
        self.notes, self.note = notes, notes.of_call
        self.dropout, self.maps, self.dropped = dropout, deque(maxlen=4), False

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        kind = CALLS.get(func)
        note_random(func)
        if func in DROPOUTS:
            self.dropped = self.dropped or _drops(*args, **kwargs)
            if not self.dropout:
                return args[0] if args else kwargs["input"]
        if kind is None:
            out = func(*args, **kwargs)
            if isinstance(out, torch.Tensor) and out.dim() == 4 and out.shape[2:].numel() > 1:
                self.maps.append(out)
            return out
        roles = ARGUMENTS[kind]
        named = {role: kwargs.get(FULL.get(role, role)) for role in roles}
        tensors = {**named, **dict(zip(roles, args, strict=False))}
        given, tensors = tensors.pop("input"), self.notes.bases(tensors)  # before a norm writes to what it keeps
        given = given.detach().clone() if isinstance(given, torch.Tensor) else None
        eps = kwargs.get("eps", args[7] if len(args) > 7 else 1e-5)
        more = {"eps": float(eps) if isinstance(eps, int) else eps}
        if kind == "weights":
            more = {"groups": kwargs.get("groups", args[6] if len(args) > 6 else 1)}
        try:
            out = func(*args, **kwargs)
        except Exception:  # the layer at which it stops has its place in the order too
            self.note(kind, tensors, _channels_first(func, given), **more)
            raise
        self.note(kind, tensors, _channels_first(func, given), _channels_first(func, out.detach().clone()), **more)
        return out


def _drops(input, p=0.5, training=True, *_, train=True, **__):
    """Whether a dropout called so sets anything to zero."""
    return bool(p and training and train)


def _channels_first(func, t):
    """A linear layer that stands for a 1×1 convolution has the channels last."""
    return t.permute(0, 3, 1, 2) if func is F.linear and isinstance(t, torch.Tensor) and t.dim() == 4 else t


def survey(module, x, before=None, dropout=True, training=None):
    """Run a module on x, and say what it is made of, as a `Survey`.

    before:   the survey of an earlier run, where the module has received other numbers since.
    dropout:  whether dropout does what it does; if not, it passes on what it is given.
    training: the mode to put it in first; None leaves it as it is. A learner's own train() may raise anything.
    """
    if training is not None and (error := _raised(lambda: module.train(training))):
        return Survey(error=error, unplaced=True)
    if error := _first_run(module, x):
        return Survey(error=error, unplaced=True)
    found = Survey(x=x.detach().clone().requires_grad_())
    by_hand = found.by_hand = _norms_by_hand(module) if before is None else before.by_hand
    notes = _Notes(found, module)
    own, watch, left = found.x.clone(), _Watch(notes, dropout), []
    with torch.enable_grad(), recording({m: m for m in by_hand}, inputs=by_hand, copy=True, note=notes.of_module):
        try:
            # A scripted graph that is made faster hides its parameters.
            with within(), watched() as left, watch, torch.jit.optimized_execution(False):
                found.out = module(own)
        except Endless:  # once is enough
            raise
        except Exception as error:  # whatever a learner's code raises is a finding
            found.error = error
    found.changed, found.maps, found.dropped = not torch.equal(own, found.x), tuple(watch.maps), watch.dropped
    found.left = tuple(left)
    found.made = next((n for n, t in module.named_parameters() if id(t) not in notes.registered.leaves), "")
    # The rest is made, and no call has shown that it ran.
    with torch.enable_grad():  # a weight that is computed from others shows what it is
        for kind, tensors in _made(module, by_hand):
            notes.add(kind, tensors, calls=0)
    rest = notes.registered.rest(found.places)
    rest = rest and Registered(module).rest(found.places)  # buffers may have been replaced
    for kind, tensors in rest:
        notes.add(kind, tensors, calls=0)
    if rest or any(not layer.calls for layer in found.layers):
        by_graph(found)
    offsets(found)
    found.apart = before.apart if before else notes.registered.factors(found.layers)
    for layer in found.layers:
        if own := layer.kind == "norm" and found.apart.get(layer.first.data_ptr()):
            layer.tensors, layer.result = layer.tensors | own, None
    turned = {m.weight.data_ptr() for m in module.modules() if isinstance(m, nn.ConvTranspose2d)}
    for layer in found.layers:
        layer.turned = layer.first.data_ptr() in turned
    used = found.places
    found.unplaced = any(t.data_ptr() not in used for t in module.parameters())
    return found


def _first_run(module, x):
    """What a module with lazy layers raises in the run that gives them their numbers, or None."""
    if any(isinstance(t, UninitializedTensorMixin) for t in chain(module.parameters(), module.buffers())):
        return _raised(lambda: module(x.clone()))
    return None


def _raised(code):
    """What a learner's code raises, or None."""
    try:
        with within():
            code()
    except Endless:
        raise
    except Exception as error:
        return error
    return None


class _Notes:
    """Writes layers into a `Survey`: each once, however often and in whatever way it runs."""

    def __init__(self, found, module):
        self.found, self.registered = found, Registered(module)
        self.seen, self.by_call = {}, set()
        norms = [tensors for kind, tensors in _made(module, {}) if kind == "norm"]
        self.whole = {frozenset(t.data_ptr() for t in _known(norm)): norm for norm in norms}

    def bases(self, tensors):
        """The same by role, each the registered one behind it. A module's own count by their names there: in a call,
        their roles may have been exchanged."""
        weight = self.registered.base(tensors.get("weight"))
        tensors = {role: self.registered.base(t, weight if role in FULL else None) for role, t in tensors.items()}
        return self.whole.get(frozenset(t.data_ptr() for t in _known(tensors)), tensors)

    def add(self, kind, tensors, given=None, result=None, calls=1, **more):
        tensors = self.bases(tensors)
        known = _known(tensors)
        if not known or any(self.registered.derived(t) for t in known):
            return
        place = known[0].data_ptr()
        if place not in self.seen:
            name = self.registered.name(known)
            self.seen[place] = Layer(kind, name, tensors, given=given, result=result, **more)
            self.found.layers.append(self.seen[place])
        self.seen[place].calls += calls

    def of_call(self, kind, tensors, *more, **options):
        """A function that computes with weights was called."""
        self.by_call.update(self.registered.base(t).data_ptr() for t in _known(tensors))
        self.add(kind, tensors, *more, **options)

    def of_module(self, call):
        """A BN that a learner has written ran, unless it calls F.batch_norm, which has been noted."""
        tensors = _tensors(call.name, self.found.by_hand)
        watched = _known(tensors)[0].data_ptr() in self.by_call
        if not watched and all(isinstance(t, torch.Tensor) for t in (*call.inputs, call.output)):
            self.add("norm", tensors, call.inputs[0].detach(), call.output.detach())


def _made(module, by_hand):
    """(kind, tensors) of every layer that is a module."""
    for m in module.modules():
        if isinstance(m, nn.Conv2d | nn.Linear):
            yield "weights", {"weight": m.weight, "bias": m.bias}
        elif isinstance(m, nn.modules.batchnorm._BatchNorm) or getattr(m, "original_name", "") == "BatchNorm2d":
            roles = {"mean": m.running_mean, "var": m.running_var, "weight": m.weight, "bias": m.bias}
            yield "norm", roles
        elif getattr(m, "original_name", "") in ("Conv2d", "Linear"):  # scripted
            yield "weights", {"weight": m.weight, "bias": getattr(m, "bias", None)}
        elif m in by_hand:
            yield "norm", _tensors(m, by_hand)


def _tensors(module, by_hand):
    return {role: getattr(module, attribute) for role, attribute in by_hand[module].items()}


def _norms_by_hand(module):
    """Modules with vectors of their own, one factor, offset, mean and variance: a BN that a learner has written."""
    found = {}
    for m in module.modules():
        if isinstance(m, nn.modules.batchnorm._BatchNorm | torch.jit.ScriptModule):
            continue
        own = dict(m.named_parameters(recurse=False))
        own |= {name: t for name, t in m.named_buffers(recurse=False) if t.numel() > 1}
        roles = {role_of(t): name for name, t in own.items() if max(t.shape, default=0) == t.numel()}
        if len(own) == len(roles) == len(ROLES) and len({t.numel() for t in own.values()}) == 1:
            found[m] = {role: roles[role] for role in ROLES}
    return found
