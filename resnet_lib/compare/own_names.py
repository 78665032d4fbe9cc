"""Names that every nn.Module has, and that a learner's module may hide: what follows calls what is under them."""

import torch
from torch import nn

from .._common import a_type
from .endless import Endless, within
from .kinds import found

LISTS = ("parameters", "named_parameters", "buffers", "named_buffers", "modules", "named_modules", "state_dict")
CALLED = (*LISTS, "children", "named_children", "train", "eval", "load_state_dict", "get_submodule", "requires_grad_")


def hidden(module):
    """A name of nn.Module's under which a module has something else, as a finding, or None."""
    if isinstance(module, torch.jit.ScriptModule):
        return None
    for m in _inside(module, set()):
        for name in CALLED:
            if not _as_due(m, name):
                return found("name hidden", type=type(m).__name__, name=name)
    return None


def stays(module):
    """What is worth a word where a module's eval() gives no module back, as a list of findings."""
    given = module.eval()
    what = "None" if given is None else a_type(given)
    return [] if isinstance(given, nn.Module) else [found("mode gives no module", what=what)]


def _as_due(module, name):
    """Whether a module has a function of that name, which gives a list where one is due."""
    try:
        own = getattr(module, name)
        if not callable(own) or name not in LISTS or getattr(type(module), name) is getattr(nn.Module, name):
            return callable(own)
        with within():
            return list(own()) is not None
    except Endless:
        raise
    except Exception:  # whatever a learner's code raises
        return False


def _inside(module, seen):
    """A module and all inside it, without its functions for that, which it may hide."""
    if module is not None and id(module) not in seen:
        seen.add(id(module))
        yield module
        for part in getattr(module, "_modules", {}).values():
            yield from _inside(part, seen)
