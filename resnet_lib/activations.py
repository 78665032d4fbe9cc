"""Run a module and keep the intermediate tensors asked for, and only those."""

import difflib
from typing import NamedTuple

import torch


def step_names(module):
    """Names of all steps that can be asked for: every submodule that has no children of its own, and "shortcut"."""
    return [
        name
        for name, m in module.named_modules()
        if name and (next(m.children(), None) is None or name.split(".")[-1] == "shortcut")
    ]


def activations(module, x, names, *, grad=False):
    """What the named steps compute when `module` runs on `x`.

    module: any module; it runs in the mode it is in, so call .eval() first unless batch statistics are wanted.
    x:      its input, (batch, C, H, W).
    names:  names of submodules, as in `module.named_modules()`, in any order; "" is the module itself.
    grad:   whether gradients are recorded.
    Returns a dictionary name → tensor of exactly those names, in the order in which they were computed.
    Raises ValueError for an unknown name, for a step that never ran, and for one that ran several times (a ReLU
    used three times has three outputs and one name).

    A later step that works in place cannot spoil what was captured: it is given a copy of it. This library's own
    modules never work in place, so there nothing is copied.
    """
    return {name: call.output for name, call in _calls(module, x, names, grad, None, inputs=False).items()}


class Call(NamedTuple):
    """What a step was given, a tuple of tensors, and what it gave out."""

    inputs: tuple
    output: torch.Tensor


def calls(module, x, names, *, grad=False, progress=None, strict=True):
    """As `activations`, with what went into each step: name → Call(inputs, output).

    progress: called as progress(done, total) after each of the named steps has run.
    strict:   whether a step that never ran, ran several times or gave out no tensor raises ValueError; if not, it is
              left out.
    """
    return _calls(module, x, names, grad, progress, inputs=True, strict=strict)


def _calls(module, x, names, grad, progress, inputs, strict=True):
    names = [names] if isinstance(names, str) else list(names)
    found = dict(module.named_modules())
    for name in names:
        if name not in found:
            near = difflib.get_close_matches(name, found, 3)
            raise ValueError(f"no step is called {name!r}" + (f"; did you mean {' or '.join(near)}?" if near else ""))
    kept = _run(module, x, names, found, grad, progress, inputs, strict)
    silent = [n for n in names if n not in kept]
    if silent and strict:
        raise ValueError(f"{silent[0]!r} was not called when the module ran, so it has no output to show")
    return kept


def _run(module, x, names, found, grad, progress, inputs, strict):
    kept, given, handles, odd = {}, {}, [], set()
    names = list(dict.fromkeys(names))
    copy = _may_overwrite(module)

    def note(name):
        # Before the step runs: it may overwrite its own input.
        def hook(_module, given_now):
            given[name] = tuple(t.clone() if copy and torch.is_tensor(t) else t for t in given_now)

        return hook

    def keep(name):
        def hook(_module, _inputs, output):
            if name in kept or not torch.is_tensor(output):
                if not strict:
                    odd.add(name)
                    return None
                if name in kept:
                    raise ValueError(
                        f"{name!r} is called more than once in one forward pass, so its name does not say which output "
                        "is meant: give each use a module of its own"
                    )
                raise ValueError(f"{name!r} gives out {type(output).__name__}, and only a tensor can be shown")
            # Two copies: the output may be the input itself (nn.Identity), and what is kept stays on the way to
            # the result, so that gradients reach it.
            kept[name] = Call(given.pop(name, ()), output.clone() if copy else output)
            if progress:
                progress(len(kept), len(names))
            return kept[name].output.clone() if copy else None

        return hook

    try:
        for name in names:
            if inputs:
                handles.append(found[name].register_forward_pre_hook(note(name)))
            handles.append(found[name].register_forward_hook(keep(name)))
        with torch.inference_mode(False), torch.set_grad_enabled(grad):
            module(x)
    finally:
        for handle in handles:
            handle.remove()
    return {name: call for name, call in kept.items() if name not in odd}


def _may_overwrite(module):
    """Whether some step might work in place: it says so, or its code is not known here."""
    known = ("torch.nn.modules.", "resnet_lib.")
    return any(getattr(m, "inplace", False) or not type(m).__module__.startswith(known) for m in module.modules())
