"""What a module of one's own does, found by running a copy of it once on the meta device, without numbers.

Every layer that is called and every function that its `forward` applies to a map is met in the order in which they
really run, with the steps whose outputs they are given. `anatomy` has the arithmetic of each.
"""

import copy
from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import cache, partial

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from .._common import shape_text
from ..anatomy import JOINS, ShapeMismatch, Steps, join, kind_of, leaf, walk
from .functions import BATCH, FLATTENING, NO_STEP, ONE_BY_ONE, as_layer, plain_name


def follow(steps, module, name, x, path):
    """Append the steps of `module` after step `x`, found by running it, and return the last of them; None for a module
    of which arithmetic alone tells what it does."""
    _refuse_own_parameters(module, name)
    return None if known(module) else _Run(steps, name, path).of(module, x)


def channels(_steps, module):
    """Return C of a module's input, as the first convolution that runs expects it. ValueError where there is none."""
    for m in module.modules():
        if isinstance(m, nn.Conv2d):
            return m.in_channels
        if not known(m):
            try:
                _Run(Steps(), "", "main", probing=True).of(module, None)
            except _First as first:
                return first.channels
            except (TypeError, ValueError):
                pass  # what it cannot be followed through is said where the steps are asked for
    raise ValueError("the module has no convolution to tell its channels from: give size as (C, H, W)")


Steps.follow, Steps.channels = follow, channels


# ── Which modules need not be run ────────────────────────────────────────────────────────────────────────────


def known(module):
    """Whether arithmetic alone tells what a module does: one of PyTorch's layers, an nn.Sequential, or a module of
    this library with the children that its `forward` names. Any other one may run its children as it likes."""
    kind, children = type(module), module._modules
    if "forward" in vars(module):
        return False
    if not children:
        layer = _layer(module)
        return kind_of(module) is not None or (layer is not None and kind.forward is layer.forward)
    if kind.forward is nn.Sequential.forward:
        return True
    joined = "shortcut" not in children or any(kind_of(child) in JOINS for child in children.values())
    return kind.__module__.startswith("resnet_lib.") and joined and children.keys() <= _names_in_forward(kind)


def _layer(module):
    """Return the class of PyTorch that a layer without children is, or is made from; None where it is from scratch."""
    base = next(base for base in type(module).__mro__ if base.__module__.startswith("torch.nn."))
    return None if base is nn.Module or module._modules else base


@cache
def _names_in_forward(kind):
    return frozenset(kind.forward.__code__.co_names)


def _refuse_own_parameters(module, name):
    if next(module.parameters(recurse=False), None) is not None and not _layer(module):
        raise TypeError(
            f"{name or type(module).__name__} holds parameters of its own beside its children, and anatomy cannot know "
            "what they do: put them into a module of their own"
        )


# ── The run ──────────────────────────────────────────────────────────────────────────────────────────────────


class _First(Exception):
    """Ends a run at its first convolution."""

    def __init__(self, channels):
        self.channels = channels


@dataclass
class _Unknown:
    """In the place of a step whose arithmetic is not known: an error once something is made of its output."""

    why: str


class _Run(TorchFunctionMode):
    """One run of a module on the meta device.

    made:    id of a tensor → (the tensor, the step that made it). parents: name of a step → the steps it is made from.
    within:  (name, module) of those whose `forward` is under way. joins: (name of the module that adds, how many steps
             there were then, the two steps).
    """

    def __init__(self, steps, name, path, probing=False):
        super().__init__()
        self.steps, self.name, self.path, self.probing = steps, name, path, probing
        self.begin, self.aside = len(steps), False
        self.made, self.parents, self.times = {}, {}, {}
        self.called, self.within, self.joins = set(), [], []

    def of(self, module, x):
        """Append the steps of the module after step `x`, and return the last."""
        title = self.name or type(module).__name__
        self.modules = dict(module.named_modules(prefix=self.name))
        twin = _on_meta(module, title)
        for name, m in twin.named_modules(prefix=self.name):
            m.forward = partial(self._call, name, m.forward)
        given = torch.empty(BATCH, *(x.shape if x else (3, 64, 64)), device="meta")
        self.made[id(given)] = (given, x)
        try:
            with torch.no_grad(), torch.device("meta"), self:
                result = twin(given)
        except Exception as error:
            if isinstance(error, _First | ShapeMismatch) or getattr(error, "followed", False):
                raise
            raise _said(ValueError(f"{title} cannot be run on shapes alone: {error}")) from error
        if not torch.is_tensor(result) or id(result) not in self.made:
            what = "a tensor that is not made of its input" if torch.is_tensor(result) else type(result).__name__
            raise _said(TypeError(f"{title} returns {what}, and anatomy needs a module that returns one tensor"))
        last = self._step(result)
        self.steps.unused += self._never()
        self._set_paths()
        return next((step for step in self.steps if step.name == last.name), last)

    # ── modules ──

    def _call(self, name, forward, *given, **options):
        m, maps = self.modules[name], [t for t in (*given, *options.values()) if id(t) in self.made]
        again = name in self.called
        self.called.add(name)
        if not maps or self.aside:
            return forward(*given, **options)
        if kind_of(m) in JOINS and len(maps) == 2:
            return self._joined(kind_of(m), name, maps)
        if _is_entered(m) or len(maps) > 1:
            _refuse_own_parameters(m, name)
            self.within.append((name, m))
            result = forward(*given, **options)
            self.within.pop()
            return result
        same = maps[0] if getattr(m, "inplace", False) else None
        if self.probing:
            for convolution in (c for c in m.modules() if isinstance(c, nn.Conv2d)):
                raise _First(convolution.in_channels)
            return self._output(maps[0], None, maps[0])
        x, found = self._step(maps[0]), Steps()
        try:
            last = walk(m, name, x, self.path, found) if m._modules else leaf(m, name, x, self.path)
        except (TypeError, ValueError) as error:
            raise _said(error) from None
        self._check_layer(m, name, forward, maps[0], last)
        if not m._modules and last is not x:
            found.append(last)
        before, renamed = [x], {}
        for step in found:
            renamed[step.name] = self._append(replace(step, parameters=0) if again else step, before)
            before = [x, renamed[step.name]]
        self.steps.unused += found.unused
        return self._output(maps[0], renamed.get(last.name, last), same)

    def _check_layer(self, m, name, forward, given, last):
        """Raise TypeError where a layer with its own `forward` does not output the shape of what it is made from."""
        layer = _layer(m)
        if layer is None or kind_of(m) or type(m).forward is layer.forward:
            return
        self.aside = True
        shape = tuple(forward(torch.empty_like(given)).shape[1:])
        self.aside = False
        if shape != last.shape:
            raise _said(
                TypeError(
                    f"anatomy does not know the arithmetic of {type(m).__name__} ({name}): it outputs "
                    f"{shape_text(shape)} where a {layer.__name__} outputs {shape_text(last.shape)}"
                )
            )

    def _joined(self, kind, name, maps):
        if self.probing:
            return self._output(maps[0], None, None)
        steps = [self._step(t) for t in maps]
        if kind == "NO SUM":
            self.joins.append((self._owner(), len(self.steps), steps))
            return self._output(maps[0], steps[0], None)
        return self._output(maps[0], self._join(kind, name, steps), None)

    def _never(self):
        """Return the outermost modules that no call has reached."""
        never, whole = [], [n for n in self.called if not _is_entered(self.modules[n])]
        for name in self.modules:
            inside = any(name.startswith(f"{other}.") for other in (*whole, *never))
            if not inside and not any(f"{other}.".startswith(f"{name}.") for other in self.called) and name:
                never.append(name)
        return never

    # ── functions ──

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs, name = kwargs or {}, plain_name(func)
        flat = [t for a in (*args, *kwargs.values()) for t in (a if isinstance(a, list | tuple) else [a])]
        maps = [t for t in flat if id(t) in self.made]
        if not maps or self.aside:
            return func(*args, **kwargs)
        before = [tuple(t.shape) for t in maps]
        if name == "add" and len(maps) == 2 and not self.probing:
            self._join("SUM", None, [self._step(t) for t in maps])  # raises where the shapes differ
        args = [a.to("meta") if torch.is_tensor(a) and a.device.type != "meta" else a for a in args]
        result = func(*args, **kwargs)
        for part in result if isinstance(result, list | tuple) else [result]:
            if torch.is_tensor(part):
                step = None if self.probing else self._unknown(name)
                if part is result and not self.probing:
                    step = self._function(name, maps, before, tuple(result.shape), args, kwargs)
                self.made[id(part)] = (part, step)
        return result

    def _function(self, name, maps, before, shape, args, kwargs):
        """Return the step of what a function has made of maps, or the step before it where it makes none."""
        steps = [self.made[id(t)][1] for t in maps]
        for step in steps:
            if isinstance(step, _Unknown):
                return step
        x, full = steps[0], f"{self._owner()}.{name}".lstrip(".")
        if len(maps) == 2 and name == "add" and shape == before[0]:
            return self._join("SUM", full, steps)
        side_by_side = (BATCH, sum(b[1] for b in before), *before[0][2:])
        if name in ("cat", "concat", "concatenate") and len(shape) == 4 and shape == side_by_side and len(maps) > 1:
            return self._join("CONCAT", full, steps)
        if len(maps) > 1:
            return self._unknown(name)
        if shape == before[0] and name in ONE_BY_ONE:
            return self._append(replace(x, name=full, kind=ONE_BY_ONE[name], parameters=0, macs=0, path=self.path), [x])
        if shape == before[0] and name in (*NO_STEP, *FLATTENING):
            return x
        layer = as_layer(name, before[0], shape, args, kwargs)
        if layer is None:
            return self._unknown(name)
        return self._append(replace(leaf(layer, full, x, self.path), shape=shape[1:]), [x])

    def _unknown(self, function):
        name, m = self.within[-1]
        kind = f"{type(m).__name__} ({name or 'the module itself'})"
        return _Unknown(f"anatomy does not know the arithmetic of {kind}: its forward calls {function}")

    # ── steps ──

    def _owner(self):
        return self.within[-1][0] if self.within else self.name

    def _step(self, tensor):
        step = self.made[id(tensor)][1]
        if isinstance(step, _Unknown):
            raise _said(TypeError(step.why))
        return step

    def _output(self, given, step, same):
        """Return the tensor that a module outputs: the given one, `same`, where it works in place."""
        shape = given.shape if step is None else (BATCH, *step.shape)
        result = torch.empty(shape, device="meta") if same is None else same
        self.made[id(result)] = (result, step)
        return result

    def _append(self, step, parents):
        times = self.times[step.name] = self.times.get(step.name, 0) + 1
        step = replace(step, name=f"{step.name} ({times})") if times > 1 else step
        self.parents[step.name] = parents
        self.steps.append(step)
        return step

    def _join(self, kind, name, parts):
        step = join(kind, name, parts, self.steps)
        if name is None:
            return None
        step = self._append(step, parts)
        self.joins.append((self._owner(), len(self.steps), parts))
        return step

    def _set_paths(self):
        """Say of each step whether it is on a shortcut, or comes after the sum in its block."""
        paths = {}
        for owner, at, parts in self.joins:
            if len(parts) == 2:
                a, b = (self._before(part) for part in parts)
                paths |= dict.fromkeys(min(b - a, a - b, key=self._size), "shortcut")
            for step in self.steps[at:]:
                if step.macs or not f"{step.name}.".startswith(f"{owner}." if owner else ""):
                    break
                paths[step.name] = "sum"
        for i in range(self.begin, len(self.steps)):
            step = self.steps[i]
            self.steps[i] = replace(step, path=paths.get(step.name, step.path))

    def _before(self, step):
        """Return the names of a step and all that it is made from in this run."""
        found, todo = set(), [step]
        while todo:
            step = todo.pop()
            if step.name in self.parents and step.name not in found:
                found.add(step.name)
                todo += self.parents[step.name]
        return found

    def _size(self, names):
        """Return how much a branch is: its convolutions, how far it sees, its steps. The shortcut is the lesser one."""
        steps = [step for step in self.steps if step.name in names]
        return sum(s.macs > 0 for s in steps), max([0, *(s.receptive_field for s in steps)]), len(steps)


def _is_entered(m):
    """Whether a module's own `forward` is run, and not its arithmetic asked for."""
    if not known(m):
        return _layer(m) is None
    return bool(m._modules) and type(m).forward is nn.Sequential.forward


def _on_meta(module, title):
    """Return a copy of a module in evaluation mode that has shapes and no numbers, and no hooks."""
    memo = {}
    for m in module.modules():
        for value in (*m.parameters(recurse=False), *m.buffers(recurse=False), *vars(m).values()):
            if torch.is_tensor(value):
                empty = torch.empty_like(value, device="meta", requires_grad=False)
                memo[id(value)] = nn.Parameter(empty, False) if isinstance(value, nn.Parameter) else empty
        memo |= {id(hooks): OrderedDict() for name, hooks in vars(m).items() if name.endswith("_hooks")}
    try:
        return copy.deepcopy(module, memo).eval()
    except Exception as error:
        raise _said(TypeError(f"{title} cannot be copied, and anatomy runs a copy of it: {error}")) from error


def _said(error):
    """Mark an error as one that needs no more words."""
    error.followed = True
    return error
