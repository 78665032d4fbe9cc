"""Checks of what is passed to blocks and networks: each raises ValueError, saying what would be right."""

import operator
import os
from math import isfinite

import torch

from .values import shape_text


def check(least=1, **numbers):
    """Raise ValueError for the first of the numbers that is not a whole number ≥ least."""
    for name, value in numbers.items():
        try:
            good = not isinstance(value, bool) and operator.index(value) >= least
        except TypeError:
            good = False
        if not good:
            raise ValueError(f"{name} = {value!r} must be a whole number, {least} or larger")


def check_input(module, x, conv=None):
    """Raise ValueError where x is not a batch of pictures with the channels that the module was made for and numbers of
    its weights' type.

    conv: the convolution of a module that takes pictures themselves. Its kernel must fit the padded x, and x must hold
          no NaN; blocks let that through, since in a network that diverges it is a finding.
    """
    if problem := input_problem(module, x, module.C):
        raise ValueError(problem)
    if conv is None:
        return
    for side, n, k, p, d in _sides(conv, x):
        reach, room = d * (k - 1) + 1, n + 2 * p
        if room < reach:
            raise ValueError(
                f"{side} = {n} is too small: the kernel covers {reach} pixels and the padded input has {room}; "
                f"{side} must be at least {reach - 2 * p}"
            )
    # One pass over x. On a GPU it would wait for all that is under way.
    if x.device.type == "cpu":
        check_finite(x)


def input_problem(module, x, C=None):
    """Return a sentence that says why x is not a batch of pictures for the module and what to write instead, or None.

    C: channels that the module takes; those of its first layer, where that is a convolution, unless given.
    """
    name, C = type(module).__name__, C or getattr(_first_layer(module), "in_channels", None)
    if isinstance(x, torch.Tensor) and (x.is_nested or type(x).__name__ == "MaskedTensor"):
        what, how = (
            ("nested", "torch.stack(…) of pictures of one size") if x.is_nested else ("masked", "x.to_tensor(0)")
        )
        return f"{name} needs a dense tensor, and the input is {what}: use {how}"
    if not isinstance(x, torch.Tensor) or (x.dim() != 4 and C):
        got, advice = _no_batch(x, C)
        C = "" if C is None else f" with C = {C}"
        return f"{name} expects a tensor of shape (batch, C, H, W){C}, but got {got}{advice}"
    if C and x.shape[1] != C:
        shape = shape_text(x.shape)
        return f"{name} was made for C = {C} channels, and the input of shape {shape} has {x.shape[1]}: " + (
            _other_channels(x, C)
        )
    if C and min(x.shape[2:]) < 1:
        return f"{name} got an empty input of shape {shape_text(x.shape)}: H and W must be 1 or larger"
    return number_problem(module, x)


def _no_batch(x, C):
    """Return what x is instead of a tensor (batch, C, H, W), and how to make one of it."""
    if not isinstance(x, torch.Tensor):
        got = type(x).__name__
        if (
            isinstance(x, tuple | list)
            and len(x) == 2
            and getattr(x[0], "ndim", 0) == 4
            and getattr(x[1], "ndim", 4) < 2
        ):
            return f"a {got}, perhaps pictures and their classes", ": use x[0], the pictures"
        if isinstance(x, dict):
            four = next((key for key, one in x.items() if getattr(one, "ndim", 0) == 4), None)
            return got, "" if four is None else f": use x[{four!r}]"
        if isinstance(x, tuple | list) and x and all(isinstance(one, torch.Tensor) for one in x):
            return f"a {got} of tensors", ": use torch.stack(…) for pictures (C, H, W), torch.cat(…) for batches"
        if isinstance(x, type):
            return got, ""
        if hasattr(x, "__array__") and hasattr(x, "shape"):
            return got, ": use torch.from_numpy(…), or to_input(…) from resnet_lib.photos for a picture"
        if isinstance(x, str | os.PathLike) or hasattr(x, "getbands"):
            how = "to_input(…)" if C == 3 else f"block_input(…, {C}, W)"
            return got, f": {how} from resnet_lib.photos makes one of a picture"
        return got, ""
    got = f"shape {tuple(x.shape)}"
    if x.dim() == 3 and x.shape[0] != C and x.shape[2] == C:
        return got, ": its channels are last, so use x.permute(2, 0, 1)[None]"
    if x.dim() == 3 and x.shape[0] == C:
        return got, ": add the batch with x[None]"
    if x.dim() in (2, 3) and C == 1:
        return got, f": use {'x[None, None]' if x.dim() == 2 else 'x[:, None]'}"
    if x.dim() == 5 and 1 in x.shape[:2]:
        return got, f": it has one dimension too many, so use x.squeeze({tuple(x.shape[:2]).index(1)})"
    return got, ""


def _other_channels(x, C):
    """Return what to do with a batch x whose channels are not C."""
    if x.shape[3] == C:
        return "its channels are last, so use x.permute(0, 3, 1, 2)"
    how = f"give it (batch, {C}, H, W)"
    if C == 3 and x.shape[1] == 1:
        how = "use x.expand(-1, 3, -1, -1) for grey pictures"
    if C == 3 and x.shape[1] == 4:
        how = "use x[:, :3] to leave out transparency"
    return f"{how}, or make the block with C = {x.shape[1]}"


def number_problem(module, x):
    """Return a sentence that says why the module's first layer cannot compute with the numbers of the tensor x (their
    type, device or layout), and what to write instead; None where it can, or is no layer known here. A module with
    an attribute `converts` that is true takes floats of every precision."""
    layer = _first_layer(module)
    weight = layer and layer._parameters.get("weight")
    if weight is None or (x.dtype is weight.dtype and x.device == weight.device and x.layout is torch.strided):
        return None
    if not isinstance(layer, torch.nn.modules.conv._ConvNd | torch.nn.Linear) or not weight.is_floating_point():
        return None
    name, (ours, theirs) = type(module).__name__, (str(t.dtype).removeprefix("torch.") for t in (weight, x))
    if x.layout not in (torch.strided, torch._mkldnn):
        return f"{name} needs a dense tensor, and the input is {str(x.layout).removeprefix('torch.')}: use x.to_dense()"
    if weight.is_meta and not x.is_meta:
        return f"the weights of {name} have shapes and no numbers: build it outside shapes_only() to run it"
    if x.device != weight.device:
        return (
            f'the input is on "{x.device}" and the weights of {name} on "{weight.device}": use x.to("{weight.device}")'
        )
    converts = getattr(module, "converts", False) or torch.is_autocast_enabled(x.device.type)
    if x.dtype is weight.dtype or (x.is_floating_point() and converts):
        return None
    to = {torch.float32: "float()", torch.float64: "double()", torch.float16: "half()", torch.bfloat16: "bfloat16()"}
    to, back = (to.get(t.dtype, f"to({t.dtype})") for t in (weight, x))
    how = f"x.{to}"
    if x.dtype is torch.uint8 and getattr(module, "C", 3) == 3:
        how = f"normalised(x / 255) from resnet_lib.photos for pictures, otherwise x.{to}"
    elif x.is_floating_point():
        how += f", or .{back} of the module"
    elif x.is_complex():
        how = f"x.real.{to}"
    return f"the input holds {theirs} and the weights of {name} are {ours}: use {how}"


def _first_layer(module):
    # Through dictionaries: next(module.parameters()) takes as long as all other checks.
    while module is not None and not module._parameters:
        module = next(iter(module._modules.values()), None)
    return module


def check_finite(x):
    """Raise ValueError where a tensor holds NaN or infinite numbers."""
    try:
        # The sum is not finite either, and takes a third of the time; only then is each number looked at.
        if isfinite(x.detach().sum().item()) or x.isfinite().all():
            return
    except RuntimeError:
        return  # no numbers to look at: torch.vmap, or a fake tensor
    bad = (~x.isfinite()).nonzero()
    first = ", ".join(map(str, bad[0].tolist()))
    raise ValueError(
        f"the input holds {len(bad):,} NaN or infinite number{'s' * (len(bad) > 1)}, the first at [{first}]: look "
        "where they come from, or replace them with torch.nan_to_num(x)"
    )


def _sides(conv, x):
    return zip("HW", x.shape[2:], conv.kernel_size, conv.padding, conv.dilation, strict=True)


class Checked(torch.nn.Module):
    """A module that checks its input when it is called, and not in `forward`: a tool that traces, scripts, exports or
    compiles it finds the arithmetic there and nothing else.

    check_call: called with the arguments of `forward`; raises ValueError for those that it cannot take. Not called
                while a tool records the steps, nor where something may yet change the input on its way to `forward`.
    """

    check_call = check_input

    def extra_repr(self):
        numbers = {name: vars(self).get(name) for name in ("C", "C1", "S", "C_out")}
        return "" if None in numbers.values() else ", ".join(f"{name}={n}" for name, n in numbers.items())

    def __call__(self, *inputs, **named):
        if not (_recorded(*inputs, *named.values()) or self._forward_pre_hooks or "forward" in vars(self)):
            self.check_call(*inputs, **named)
        return super().__call__(*inputs, **named)


def _recorded(*inputs):
    if torch.compiler.is_compiling() or torch.jit.is_tracing():
        return True
    return any(isinstance(x, torch.fx.Proxy) for x in inputs)


def check_place(name, shape, row, column, channel=0):
    """Raise ValueError where the output of step `name`, (C, H, W) or (C,), has no such value."""
    sides = {"channel": channel, "row": row, "column": column}
    check(least=0, **sides)
    for (side, i), most in zip(sides.items(), (*shape, 1, 1), strict=False):
        if i >= most:
            raise ValueError(
                f"{name} outputs {shape_text(shape)}, so there is no {side} {i:,}: the last one is {most - 1:,}"
            )


def check_bottleneck(C, C1, C_out, S, stride_on, groups, dilation):
    """Raise ValueError for numbers of a bottleneck that do not fit together."""
    check(C=C, C1=C1, C_out=C_out, S=S, groups=groups, dilation=dilation)
    if C1 % groups:
        raise ValueError(f"groups = {groups} does not divide C1 = {C1}: every group needs the same channels")
    _check_stride_on(stride_on)


def _check_stride_on(stride_on):
    if stride_on not in ("3x3", "1x1"):
        raise ValueError(f'stride_on = {stride_on!r} must be "3x3" (v1.5) or "1x1" (v1, the paper)')


def _check_block(block):
    if block not in ("bottleneck", "basic"):
        raise ValueError(f'block = {block!r} must be "bottleneck" or "basic"')


def quarter(C):
    """Return C/4, the channels inside a BTNK2 of C channels. ValueError where 4 does not divide C."""
    check(C=C)
    if C % 4:
        near = " or ".join(f"C = {n}" for n in (C - C % 4, C + 4 - C % 4) if n)
        raise ValueError(f"C = {C} is not divisible by 4, and BTNK2 needs C/4 channels inside: use {near}")
    return C // 4


def check_sum(f, s):
    """Raise ValueError where the shapes of F(x) and the shortcut differ: PyTorch would stretch a side of length 1 in
    silence."""
    if f.shape != s.shape:
        raise ValueError(
            f"F(x) has shape {tuple(f.shape[1:])} and the shortcut {tuple(s.shape[1:])}: a sum needs equal shapes"
        )


def check_options(block, blocks, base, groups, width_per_group, dilate):
    """Raise ValueError for options of a ResNet that do not fit together. Return `dilate`, three booleans."""
    check(base=base, groups=groups, width_per_group=width_per_group)
    dilate = (False, False, False) if dilate is None else dilate
    if not isinstance(dilate, tuple | list) or len(dilate) != 3 or not all(isinstance(d, bool) for d in dilate):
        raise ValueError(f"replace_stride_with_dilation = {dilate!r} must be three booleans, for Stages 2, 3 and 4")
    _check_block(block)
    if block == "basic" and (groups != 1 or width_per_group != 64 or any(dilate)):
        raise ValueError("the basic block has no groups, width_per_group or dilation: use block='bottleneck'")
    if base * width_per_group < 64:
        raise ValueError(
            f"width_per_group = {width_per_group} leaves no channel in Stage 1 with base = {base}: "
            f"it must be at least {-(-64 // base)}"
        )
    if not isinstance(blocks, tuple | list) or len(blocks) != 4:
        raise ValueError(f"blocks = {blocks!r} must be four numbers, for Stages 1, 2, 3 and 4")
    check(**{f"blocks[{i}]": n for i, n in enumerate(blocks)})
    return dilate


# Options of torchvision's and timm's functions of the same names.
FOREIGN = dict.fromkeys(("weights", "pretrained", "progress"), "load({0!r}) from resnet_lib.weights returns it trained")
FOREIGN |= {"in_chans": "channels of the input are in_channels", "output_stride": "see replace_stride_with_dilation"}
FOREIGN |= {"features_only": "activations(network, x, names) returns the maps of its steps"}


def check_name(name, designs, options=()):
    """Raise ValueError for a name that is not among the published designs, and for options that other libraries'
    functions of that name have, with what stands for them here."""
    if name not in designs:
        raise ValueError(f"no design is called {name!r}; there are {', '.join(designs)}")
    if foreign := FOREIGN.keys() & set(options):
        option = min(foreign)
        raise ValueError(f"{name} has no option {option!r}: {FOREIGN[option].format(name)}")


def check_training_size(network, x):
    """Raise ValueError where Stage 4 would leave BN one value per channel, and its batch statistics need two: PyTorch's
    own message does not say what to do."""
    B, _, H, W = x.shape
    one = B == 1 and max(H, W) <= network.reduction
    if one and network.training and isinstance(network.stage0.bn, torch.nn.BatchNorm2d):
        raise ValueError(
            f"an input of shape {tuple(x.shape)} is too small to train on: it leaves one value per channel in "
            f"Stage 4, and BN needs two. Use two pictures or more, or H or W above {network.reduction}, or .eval()"
        )
