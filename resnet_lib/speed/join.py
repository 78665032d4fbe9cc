"""Sum and ReLU joined to the convolution: they hardly compute anything, but read and write whole maps. oneDNN's
convolutions, which torch uses on processors, can do both to each value before it is written at all. Their weights are
also put in the order in which they are read, once, and not for every picture."""

import operator

import torch
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp
from torch.nn import functional as F

from ..blocks import Add
from .graph import calls_of, is_call, tidy
from .onednn import Joined

SUMS = {operator.add, operator.iadd, torch.add, "add", "add_"}
RELUS = {F.relu, torch.relu, torch.relu_, "relu", "relu_"}


def join(graph, x):
    """Join each sum and ReLU of a graph to the convolution before it, in place.

    graph: as `fold` gives it, on a processor, in float32 or bfloat16.
    x:     an input, (batch, C, H, W), in channels_last: for its shape and type.
    Returns the graph. Only where `can_join(x.dtype)`.
    """
    ShapeProp(graph).propagate(x)
    for i, node in enumerate(calls_of(graph, nn.Conv2d)):
        conv = graph.get_submodule(node.target)
        if conv.padding_mode != "zeros" or isinstance(conv.padding, str):
            continue
        last, other = node, None
        after = _only_user(node)
        if after is not None and _is_sum(graph, after):
            other = next(a for a in after.args if a is not node)
            last, after = after, _only_user(after)
        relu = after is not None and _is_relu(graph, after)
        last = after if relu else last
        spare = other is not None and is_call(graph, other, nn.Conv2d, Joined) and len(other.users) == 1
        shape = node.args[0].meta["tensor_meta"].shape
        graph.add_submodule(name := f"joined{i}", Joined(conv, relu, spare, shape))
        with graph.graph.inserting_after(last):
            # Where the last of the steps stood: both that it is given are there by then.
            new = graph.graph.call_module(name, node.args if other is None else (*node.args, other))
        new.meta = last.meta
        last.replace_all_uses_with(new)
    return tidy(graph)


def _only_user(node):
    """The step that alone uses what this one gives, and uses it once; None where there is no such step."""
    users = list(node.users)
    alone = len(users) == 1 and [*users[0].args, *users[0].kwargs.values()].count(node) == 1
    return users[0] if alone else None


def _is_sum(graph, node):
    """Whether a step adds two tensors of one shape, and does nothing else."""
    kind = is_call(graph, node, Add) or node.op != "call_module" and node.target in SUMS
    if not kind or len(node.args) != 2 or node.kwargs or not all(isinstance(a, fx.Node) for a in node.args):
        return False
    a, b = (each.meta.get("tensor_meta") for each in node.args)
    return a is not None and b is not None and (a.shape, a.dtype) == (b.shape, b.dtype)


def _is_relu(graph, node):
    return is_call(graph, node, nn.ReLU) or node.op != "call_module" and node.target in RELUS
