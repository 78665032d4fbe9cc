"""Run a module and keep what its steps were given and returned: the only forward hooks in this library.

`activations` returns the tensors of the steps asked for, `calls` their inputs as well. Both stand on `recording`,
for code that runs a module by itself: networks that may stop half-way, steps that run several times.
"""

from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import nn

from ._common import input_problem, step_called
from ._common.given import check_module


def step_names(module):
    """Return the names of all steps that can be asked for: submodules without children, and every "shortcut"."""
    return [
        name
        for name, m in module.named_modules()
        if name and (next(m.children(), None) is None or name.split(".")[-1] == "shortcut")
    ]


def activations(module, x, names, *, grad=False):
    """Return what the named steps compute when `module` runs on `x`.

    module: any module; it runs in the mode it is in, so call .eval() first unless you want batch statistics.
    x:      its input, (batch, C, H, W).
    names:  names of submodules, as in `module.named_modules()`, in any order; "" is the module itself. A submodule is
            understood too, and so are a ResNet's published names, "layer4.2.conv1" (`step_called`).
    grad:   whether gradients are recorded.
    Returns a dictionary name → tensor of exactly those names, in the order in which they were computed.
    Raises ValueError for an unknown name, for a step that never ran, and for one that ran several times (a ReLU
    used three times has three outputs and one name).

    A later step that works in place cannot spoil what was kept: it gets a copy. This library's own modules never work
    in place, so their tensors are not copied.
    """
    return {name: call.output for name, call in _calls(module, x, names, grad, None, inputs=False).items()}


def calls(module, x, names, *, grad=False, progress=None, strict=True):
    """Return what the named steps were given and returned, name → `Call`. Otherwise as `activations`.

    progress: called as progress(done, total) after each of the named steps has run.
    strict:   whether a step that never ran, ran several times or returned no tensor raises ValueError; if not, it is
              left out.
    """
    return _calls(module, x, names, grad, progress, inputs=True, strict=strict)


# ── The recorder ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Call:
    """One call of a step.

    name:   which step.
    inputs: what it was given, a tuple; empty unless inputs are kept.
    output: what it returned; None in a call that did not end.
    """

    name: object
    inputs: tuple = ()
    output: object = None


@dataclass(slots=True)
class Recording:
    """calls: those that ended, in that order. unfinished: those that began, with inputs kept, and did not end, because
    something in them raised; the outermost first."""

    calls: list = field(default_factory=list)
    unfinished: list = field(default_factory=list)


@contextmanager
def recording(steps, *, inputs=(), copy=False, note=None):
    """Record every call of some modules while the context is open, as a `Recording`.

    steps:  name → module. A name may be any key, the module itself for instance; it comes back in each `Call`.
    inputs: names of the steps whose inputs are kept as well.
    copy:   whether what is kept is copied at once. If not, it is the very tensor, and a later step that works in place
            changes it.
    note:   called with each `Call` as it ends, instead of keeping it in `Recording.calls`. What it returns, unless
            that is None, takes the place of the output for the rest of the network; what it raises ends the run.

    The module runs in the caller's hands: in whatever mode, with or without gradients, as often as wanted. If it
    raises, the calls up to there are kept. A step that runs several times has several calls, one that never runs none.
    """
    record, handles = Recording(), []

    def begin(name, _module, given):
        record.unfinished.append(Call(name, tuple(_copied(t) for t in given) if copy else given))

    def end(name, _module, _given, output):
        call = Call(name)
        if name in inputs:
            call = next(c for c in reversed(record.unfinished) if c.name == name)
            record.unfinished = [c for c in record.unfinished if c is not call]
        call.output = _copied(output) if copy else output
        return note(call) if note else record.calls.append(call)

    inputs = set(inputs)
    try:
        for name, module in steps.items():
            if name in inputs:
                handles.append(module.register_forward_pre_hook(partial(begin, name)))
            handles.append(module.register_forward_hook(partial(end, name)))
        yield record
    finally:
        for handle in handles:
            handle.remove()


def _copied(value):
    return value.clone() if torch.is_tensor(value) else value


def _calls(module, x, names, grad, progress, inputs, strict=True):
    names = [names] if isinstance(names, str | nn.Module) else names
    check_module(module, steps=any(name != "" for name in names))
    found = dict(module.named_modules())
    called = {name: _called(name, found) for name in names}
    names = {step: name if isinstance(name, str) else step for name, step in called.items()}
    kept, odd, copy = {}, set(), _may_overwrite(module)

    def keep(call):
        name, output = call.name, call.output
        if name in kept or not torch.is_tensor(output):
            if strict:
                raise ValueError(_why_odd(name, output, again=name in kept))
            odd.add(name)
            return None
        kept[name] = call
        if progress:
            progress(len(kept), len(names))
        # A second copy: what is kept stays on the way to the result, so that gradients reach it.
        return output.clone() if copy else None

    steps = {name: found[name] for name in names}
    with recording(steps, inputs=names if inputs else (), copy=copy, note=keep):
        with torch.inference_mode(False), torch.set_grad_enabled(grad):
            try:
                module(x)
            except (RuntimeError, TypeError, ValueError):
                if problem := input_problem(module, x):
                    raise ValueError(problem) from None
                raise
    silent = [n for n in names if n not in kept]
    if silent and strict:
        inner = [n for n in found if n.startswith(f"{silent[0]}.")]
        instead = f": choose a step in it, such as {inner[-1]!r}" if inner else ""
        raise ValueError(f"{silent[0]!r} was not called when the module ran, so it has no output to show{instead}")
    return {names[step]: call for step, call in kept.items() if step not in odd}


def _called(name, found):
    """Return the name of the step that is meant by a name, or by the module itself."""
    if isinstance(name, nn.Module):
        name = next((n for n, m in found.items() if m is name), name)
    return step_called(name, found)


def _why_odd(name, output, again):
    if again:
        return (
            f"{name!r} is called more than once in one forward pass, so its name does not say which output is meant: "
            "give each use a module of its own"
        )
    if not name:
        return f"the network returns {type(output).__name__}: wrap it in a module that returns its logits, a tensor"
    return f"{name!r} returns {type(output).__name__}, and only a tensor can be shown"


def _may_overwrite(module):
    """Whether some step might work in place: it says so, or its code is not known here."""
    known = ("torch.nn.modules.", "resnet_lib.")
    return any(getattr(m, "inplace", False) or not type(m).__module__.startswith(known) for m in module.modules())
