"""Whether what is passed as a network is one whose steps can be looked at."""

import torch
from torch import nn


def check_module(network, *, steps=True, numbers=False):
    """Raise ValueError where something is no module, or a module of which torch has kept no steps.

    steps:   whether its steps are looked at, and not only what it returns.
    numbers: whether weights without numbers, on the meta device, are refused too.
    """
    if not isinstance(network, nn.Module):
        raise ValueError(f"the network must be an nn.Module that has been built, and is {_called(network)}")
    name = type(network).__name__
    exported = isinstance(network, torch.fx.GraphModule) and "eval" in vars(network)  # which it refuses there
    if isinstance(network, torch.jit.ScriptModule) or exported:
        how = "an exported" if exported else "a scripted or traced"
        raise ValueError(f"{how} network has no steps to look at: pass the network that it was made of")
    if steps and getattr(network, "steps_lost", False):
        raise ValueError(f"a {name} has no steps to look at: pass the network that it was made of")
    if numbers and (one := next(network.parameters(), None)) is not None and one.is_meta:
        raise ValueError(f"the weights of {name} have shapes and no numbers: build it outside shapes_only() to run it")


def _called(network):
    if isinstance(network, type):
        return f"a class, {network.__name__}: build it with {network.__name__}(…)"
    if isinstance(network, str):
        return f"a name, {network!r}: load({network!r}) from resnet_lib.weights gives a network of that name"
    if isinstance(network, dict):
        return f"a dictionary, {type(network).__name__}: build the network, and give it these with load_state_dict(…)"
    if callable(network):
        return f"a function, {getattr(network, '__name__', type(network).__name__)}: pass the module itself"
    return type(network).__name__
