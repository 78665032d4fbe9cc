"""Modules as data: of what class, with which numbers, parameters and parts; and built from that on the other side."""

import torch
from torch import nn

from .. import blocks, network
from .._common import hooks_of

# What a module has of torch itself: its methods, too, in whose place a submission may have put something.
INTERNAL = set(vars(nn.Module())) - {"training"} | {name for name, value in vars(nn.Module).items() if callable(value)}
PLAIN = (type(None), bool, int, float, str, torch.Size, torch.dtype)
MOST = 5000  # modules of one tree


def _classes():
    found = {}
    for space in (nn, nn.modules.batchnorm, blocks, network):
        for value in vars(space).values():
            if isinstance(value, type) and issubclass(value, nn.Module):
                found[f"{value.__module__}.{value.__qualname__}"] = value
    return found


CLASSES = _classes()
NAMES = {value: name for name, value in CLASSES.items()}


def attributes(module):
    """The plain numbers and texts that a module carries, and which of them are classes of modules."""
    found = {}
    for name, value in vars(module).items():
        if not isinstance(name, str) or name in INTERNAL or name.startswith("_"):
            continue
        if _plain(value) or isinstance(value, type) and issubclass(value, nn.Module):
            found[name] = value
    if hooks := hooks_of(module):
        found["hooks_of_its_own"] = hooks  # they stay where they are: what they do is in what the module gives
    if "forward" in vars(module):
        found["forward_of_its_own"] = True  # so does this
    return found


def _plain(value):
    if type(value) in (tuple, list):
        return len(value) < 100 and all(map(_plain, value))
    return type(value) in PLAIN


def leaves(module):
    """(name, tensor or None, whether it is a parameter) of a module's own tensors."""
    for own, space in ((True, module._parameters), (False, module._buffers)):
        for name, tensor in space.items():
            yield name, tensor, own


def nature(module):
    """A module's class as data: its own name, the nearest class that is known, whether it is that one itself, where it
    was written, and the names that its forward uses."""
    own = type(module)
    near = next((c for c in own.__mro__ if c in NAMES), nn.Module)
    code = getattr(getattr(own, "forward", None), "__code__", None)
    names = [] if own in NAMES or code is None else list(code.co_names)[:200]
    return [own.__name__, NAMES[near], own is near, names]


def empty(nature, forward):
    """A module of this nature without parts, whose forward is `forward(module, *arguments)`."""
    name, near, same, names = nature
    kind = CLASSES[near]
    if not same:

        def unused(self, *given):
            raise NotImplementedError

        names = tuple(str(n) for n in names)
        unused.__code__ = unused.__code__.replace(co_names=unused.__code__.co_names + names)
        kind = type(str(name), (kind,), {"forward": unused, "__module__": "answer"})
    made = kind.__new__(kind)
    nn.Module.__init__(made)
    vars(made)["forward"] = forward.__get__(made)  # a deep copy of the module gets its own
    return made
