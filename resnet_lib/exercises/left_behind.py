"""What a function has changed on a module that it was given, beside its numbers: modes, hooks, types, options."""

from torch import nn

from .._common import Kind, hooks_of

LEFT_BEHIND = Kind(
    "left behind",
    "{name} changes what it is given, and leaves it so: {what}. Undo it at the end, or work on a copy.",
    "What is given to a function is used again by others: look at it once more after the call.",
)


def state(module):
    """Return what `left` compares, in two dictionaries: what modules are and do, and the types of their tensors."""
    modules = {name: _of_module(m) for name, m in module.named_modules()}
    every = [*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False)]
    first = {id(t): name for name, t in reversed(every)}
    return modules, {name: (t.dtype, t.device, t.requires_grad, first[id(t)]) for name, t in every}


def left(before, after):
    """Return the first difference of two `state`s as half a sentence, or "". Numbers are compared elsewhere."""
    modules, tensors = after
    for name, was in before[0].items():
        where, now = name or "the module", modules.get(name)
        if now is None or now["text"] != was["text"]:
            return f"{where} was {was['text']} and is {now['text'] if now else 'gone'}"
        if now["training"] != was["training"]:
            return f"{where} is in {'training' if now['training'] else 'evaluation'} mode"
        if now["hooks"] > was["hooks"]:
            return f"{where} has a hook more than before"
        if now["forward"] != was["forward"]:
            return f"{where} has another forward"
    if more := modules.keys() - before[0].keys():
        return f"{min(more)} is new"
    for name, was in before[1].items():
        if name not in tensors:
            return f"{name} is gone"
        if tensors[name] != was:
            return f"{name} {_of_tensor(was, tensors[name])}"
    return f"{min(more)} is new" if (more := tensors.keys() - before[1].keys()) else ""


def left_behind(before, after):
    """What has been done to the modules among the things given, beside their numbers, (kind, values), or None."""
    modules = [(a, b) for a, b in zip(before, after, strict=True) if isinstance(a, nn.Module)]
    what = next(filter(None, (left(state(a), state(b)) for a, b in modules)), "")
    return (LEFT_BEHIND, {"what": what}) if what else None


def batches(case):
    """How many batches the BNs among the things given have taken into their statistics."""
    modules = [m for m in case if isinstance(m, nn.Module)]
    return [b.tolist() for m in modules for name, b in m.named_buffers() if name.endswith("num_batches_tracked")]


def _of_module(m):
    text = f"{type(m).__name__}({m.extra_repr()})"
    hooks = hooks_of(m) + vars(m).get("hooks_of_its_own", 0)  # the grader's words
    forward = "forward" in vars(m) or vars(m).get("forward_of_its_own", False)
    return {"text": text, "training": m.training, "hooks": hooks, "forward": forward}


def _short(dtype):
    return str(dtype).removeprefix("torch.")


def _of_tensor(was, now):
    if was[0] != now[0]:
        return f"is {_short(now[0])} and was {_short(was[0])}"
    if was[1] != now[1]:
        return f"is on {now[1]} and was on {was[1]}"
    if was[2] != now[2]:
        return "asks for a gradient" if now[2] else "no longer asks for a gradient"
    return f"is one tensor with {now[3]}" if was[3] != now[3] else "is a tensor of its own"
