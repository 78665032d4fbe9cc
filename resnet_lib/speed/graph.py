"""A network as a graph: its steps in the order in which they run, and the inputs of each (torch.fx)."""

import copy

from torch import fx, nn

from .._common.given import check_module
from ..blocks import Add


def as_graph(network):
    """A copy of the network, in evaluation mode and without gradients, as an fx.GraphModule, without the steps that
    do nothing there (nn.Identity, dropout). Raises ValueError for a network that cannot be written as a graph."""
    check_module(network)
    network = copy.deepcopy(network).eval().requires_grad_(False)
    try:
        graph = fx.GraphModule(network, _Tracer().trace(network))
    except Exception as error:  # a learner's forward can raise anything when it is given no numbers
        raise ValueError(
            "this network cannot be written as a graph of its steps: its forward must run the same steps whatever it "
            f"is given, without an if or a loop that depends on the input ({' '.join(str(error).split())})"
        ) from None
    for node in calls_of(graph, nn.Identity, nn.Dropout, nn.Dropout2d):
        node.replace_all_uses_with(node.args[0])
    return tidy(graph)


class _Tracer(fx.Tracer):
    """Records the steps, with the sum as one step of its own name."""

    def is_leaf_module(self, module, name):
        return isinstance(module, Add) or super().is_leaf_module(module, name)


def is_call(graph, node, *kinds):
    """Whether a step is a call of a module of one of those kinds."""
    return isinstance(node, fx.Node) and node.op == "call_module" and type(graph.get_submodule(node.target)) in kinds


def calls_of(graph, *kinds):
    return [node for node in graph.graph.nodes if is_call(graph, node, *kinds)]


def tidy(graph):
    graph.graph.eliminate_dead_code()
    graph.graph.lint()
    graph.delete_all_unused_submodules()
    graph.recompile()
    return graph
