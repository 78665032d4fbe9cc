"""Functions that a `forward` may apply to a map without a module, and the layers that do the same."""

from math import prod

from torch import nn

BATCH = 2  # pictures in a run on shapes: with one, a squeeze() would take the batch away

# Functions that change values one by one: they make a step of this kind, or none where what they do is bookkeeping.
ONE_BY_ONE = {"relu": "ReLU", "relu6": "ReLU6", "leaky_relu": "LeakyReLU", "gelu": "GELU", "silu": "SiLU", "elu": "ELU"}
ONE_BY_ONE |= {n: n for n in ("sigmoid", "tanh", "hardtanh", "hardswish", "mish", "clamp", "clamp_min", "threshold")}
NO_STEP = {"add", "sub", "mul", "div", "truediv", "neg", "dropout", "contiguous", "clone", "detach", "to", "float"}
NO_STEP |= {"half", "double", "bfloat16", "type", "requires_grad", "alpha_dropout", "data", "type_as"}
ADDED = {"iadd": "add", "radd": "add", "isub": "sub", "rsub": "sub", "imul": "mul", "rmul": "mul", "itruediv": "div"}
FLATTENING = ("flatten", "view", "reshape", "squeeze")
POOLS = {"max_pool2d": nn.MaxPool2d, "avg_pool2d": nn.AvgPool2d, "adaptive_avg_pool2d": nn.AdaptiveAvgPool2d}


def as_layer(name, before, shape, args, kwargs):
    """Return the layer that does what a function has done to a map, None where there is none."""
    if name in FLATTENING and shape == (BATCH, prod(before[1:])):
        return nn.Flatten()
    if name == "mean" and len(before) == 4:
        sides = kwargs.get("dim", args[1] if len(args) > 1 else None)
        over = isinstance(sides, list | tuple) and sorted(n % 4 for n in sides) == [2, 3]
        return nn.AdaptiveAvgPool2d(1) if over else None
    if name not in POOLS or len(before) != 4:
        return None
    if name == "adaptive_avg_pool2d":
        return nn.AdaptiveAvgPool2d(1) if shape[2:] == (1, 1) else None
    layer = POOLS[name](*args[1:], **{key: value for key, value in kwargs.items() if key != "return_indices"})
    return None if layer.ceil_mode else layer


def plain_name(func):
    """Return the name of a function, without what says that it works in place or is an operator."""
    name = getattr(func, "__name__", type(func).__name__)
    if name == "__get__":  # of an attribute of a tensor
        name = getattr(func.__self__, "__name__", name)
    name = name.strip("_")
    return ADDED.get(name, name)
