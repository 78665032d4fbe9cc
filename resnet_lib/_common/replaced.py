"""What code has put in the place of functions, classes and methods of Python, torch and this library: for all code that
follows, checks included. It is noted, and put back."""

import sys
from types import BuiltinFunctionType, FunctionType

from .building import UNFILLED

# What checks rest on: the functions and classes in these, and what is in the classes.
MODULES = ("builtins", "math", "copy", "functools", "itertools", "operator", "random", "numpy")
MODULES += ("torch", "torch.nn", "torch.nn.functional", "torch.nn.init")
MODULES += ("resnet_lib.blocks", "resnet_lib.network", "resnet_lib.activations", "resnet_lib.anatomy")
HAVE_CLASSES = ("torch", "resnet_lib")
# A notebook, or torch itself, puts others there.
FREE = {"input", "open", "__import__", "manual_seed", "compile", "Storage"}
# How a thing is shown, which anyone may choose.
FREE |= {"__repr__", "__str__", "__format__", "__dir__", "__doc__", "__annotations__", "__dict__", "__weakref__"}
HEAP = 1 << 9  # of a class's flags: one that was written in Python, which can be changed

# (how it is called, what has the names, the names as they are, all as they were, and those that are looked at)
_kept = []
_functions = {}  # how it is called → a function of Python
_inside = []  # of each of them, its code and defaults as they were
_names = []  # of what was replaced since `heard` was asked last


def keep():
    """Keep what all these names stand for now, once."""
    if _kept:
        return
    classes = {}
    for name in filter(sys.modules.get, MODULES):
        space = vars(sys.modules[name])
        # IPython adds functions of its own to Python's.
        kinds = object if name != "builtins" else type | BuiltinFunctionType
        own = {n: v for n, v in space.items() if callable(v) and isinstance(v, kinds) and n not in FREE}
        _kept.append(("" if name == "builtins" else f"{name}.", sys.modules[name], space, {}, own))
        lines = [v.__mro__ for v in own.values() if isinstance(v, type) and name.startswith(HAVE_CLASSES)]
        classes |= {c: None for line in lines for c in line if c.__flags__ & HEAP}
    for c in classes:
        if c.__module__.startswith(HAVE_CLASSES):
            own = {n: v for n, v in vars(c).items() if n not in FREE}
            _kept.append((f"{_found_in(c)}{c.__name__}.", c, vars(c), dict(vars(c)), own))
    for place, *_, own in _kept:
        _functions.update({place + n: f for n, f in own.items() if isinstance(f, FunctionType)})
    _inside.extend(_now())


def put_back():
    """Put back what has been replaced, and note its names."""
    with UNFILLED:  # another thread may be building a network, without its weights
        for place, home, now, whole, own in _kept:
            if now == whole:
                continue
            changed = [n for n, value in own.items() if now.get(n) is not value]
            if not place:  # Python's own, the first, with which the rest is done
                now.update({n: own[n] for n in changed})
            changed = [n for n in changed if not place or not _of_compiler(now.get(n))]
            changed += [n for n in now.keys() - whole.keys() - FREE if whole and _hides(home, n)]
            for n in changed:
                setattr(home, n, own[n]) if n in own else delattr(home, n)
            tell(place + n for n in changed)
        now = _now()
        for (name, f), before, after in zip(_functions.items(), _inside, now, strict=True) if now != _inside else ():
            if before != after:
                f.__code__, f.__defaults__, f.__kwdefaults__ = before
                tell([name])


def _now():
    return [(f.__code__, f.__defaults__, f.__kwdefaults__) for f in _functions.values()]


def _found_in(c):
    """Where a class is found by those that use it."""
    return "" if c.__module__.startswith("resnet_lib") else "torch.nn." if "torch.nn" in c.__module__ else "torch."


def _of_compiler(value):
    """Whether it is what torch.compile puts in the place of some methods when it is first used."""
    return str(getattr(value, "__module__", "")).startswith("torch._dynamo")


def _hides(home, name):
    """Whether a name that is new in a class takes the place of what it had from another."""
    return any(name in vars(c) for c in home.__mro__[1:]) and callable(getattr(home, name))


def tell(names):
    """Note the names of what has been replaced, here or by code in another process."""
    _names.extend(name for name in names if name not in _names and _known(name))


def _known(name):
    place, _, last = name.rpartition(".")
    return any(place == kept.rstrip(".") and hasattr(home, last) for kept, home, *_ in _kept)


def heard():
    """Put back what has been replaced; return its names, as "torch.nn.ReLU.forward", since this was asked last."""
    put_back()
    found = tuple(_names)
    _names.clear()
    return found


def waiting():
    """Put back what has been replaced; return whether `heard` will have anything to say."""
    put_back()
    return bool(_names)
