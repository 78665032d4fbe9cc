"""What a submission computes unseen by the trace, with gradients: an `autograd.Function` of the learner's own.

Its result passes as a constant. Its gradient is asked of the submission's process, which pulls it back through the
steps that are not in the trace, and no further: the others are carried out by the grader.
"""

import torch

MOST = 2000  # results that are kept for their gradients


def frontier(value, stops):
    """What an unseen result was computed from: the edges (node, output) of `stops` and the leaves that it leads to.

    stops: (id of a node, output) → form. Returns ({edge: form}, the nodes between, the last first)."""
    order, seen, edges = [], set(), {}

    def visit(node):
        if id(node) in seen:
            return
        seen.add(id(node))
        for after, output in node.next_functions:
            if after is None:
                continue
            if (id(after), output) in stops:
                edges[id(after), output] = stops[id(after), output]
            else:
                visit(after)
        order.append(node)

    visit(value.grad_fn)
    return edges, order[::-1]


def pulled(value, edges, order, grad):
    """The gradients at the edges, in their order, for that of the value; None where there is none."""
    found = {(id(value.grad_fn), value.output_nr): grad}
    for node in order:
        given = [found.get((id(node), i)) for i in range(len(node._input_metadata))]
        if all(g is None for g in given):
            continue
        if any(g is None for g in given):
            given = [torch.zeros(m.shape, dtype=m.dtype) if g is None else g for g, m in _with_metadata(node, given)]
        got = (node.apply if hasattr(node, "apply") else node)(*given)
        got = got if isinstance(got, tuple) else (got,)
        for (after, output), g in zip(node.next_functions, got, strict=False):
            if after is not None and g is not None:
                key = id(after), output
                found[key] = found[key] + g if key in found else g
    return [found.get(edge) for edge in edges]


def _with_metadata(node, given):
    return zip(given, node._input_metadata, strict=True)


class Unseen(torch.autograd.Function):
    """The grader's side: a constant whose gradient is asked for. pull(grad) → gradients of the inputs."""

    @staticmethod
    def forward(ctx, pull, value, *inputs):
        ctx.pull, ctx.count = pull, len(inputs)
        return value.clone()

    @staticmethod
    def backward(ctx, grad):
        found = ctx.pull(grad)
        if len(found) != ctx.count:
            raise RuntimeError("as many gradients as inputs are expected")
        return (None, None, *found)
