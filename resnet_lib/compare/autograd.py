"""What autograd has recorded of a run: the order in which parameters were used, and what was added to which product."""

from collections import defaultdict
from math import inf

import torch

PIECES = ("Select", "Slice", "Split", "Unbind", "Narrow", "Index")  # what takes a piece of a tensor


def uses(out):
    """leaf → when it was first used on the way to a tensor, and leaf → how often, as autograd has recorded it; all its
    pieces together are one use."""
    first, times, stack, done, cut = {}, defaultdict(int), [out.grad_fn], set(), set()
    while stack:
        node = stack.pop()
        if node is None or node in done:
            continue
        done.add(node)
        for before, _ in node.next_functions:
            if hasattr(before, "variable"):
                leaf = before.variable
                first[leaf] = min(first.get(leaf, inf), node._sequence_nr())
                piece = node.name().startswith(PIECES)
                times[leaf] += not (piece and leaf in cut)
                cut |= {leaf} if piece else set()
            else:
                stack.append(before)
    return first, times


def by_graph(found):
    """Order the layers as autograd saw them used; one that it saw has run."""
    if not isinstance(found.out, torch.Tensor) or found.out.grad_fn is None:
        return
    first, times = uses(found.out)
    first = {leaf.data_ptr(): when for leaf, when in first.items()}
    times = {leaf.data_ptr(): n for leaf, n in times.items()}

    def at(layer):
        return min((first[place] for place in layer.places if place in first), default=inf)

    for layer in found.layers:
        if not layer.calls and at(layer) < inf:
            layer.calls = 1 if layer.kind == "norm" else max(times.get(place, 0) for place in layer.places)
    if all(at(layer) < inf for layer in found.layers if layer.calls):
        found.layers.sort(key=at)


def offsets(found):
    """Give products that no call has shown, and linear layers, the row of numbers that is added to them, as their
    bias."""
    products = [w for w in found.layers if w.kind == "weights" and w.tensors.get("bias") is None]
    products = [w for w in products if w.given is None or len(w.shape) == 2]
    if not products or getattr(found.out, "grad_fn", None) is None:
        return
    left, nodes = {w.first.data_ptr(): w for w in products}, [found.out.grad_fn]
    used = found.places
    for node in nodes:
        before = [n for n, _ in node.next_functions if n is not None]
        nodes += [n for n in before if n not in nodes]
        if len(before) > 1 and node.name().startswith(("Add", "Sub")):
            for row in (_leaf(n) for n in before):
                if row is None or max(row.shape, default=0) < row.numel() or row.data_ptr() in used:
                    continue
                near = (t.data_ptr() for n in before for t in _near(n))
                own = next((place for place in near if place in left), None)
                if own is not None and row.numel() in left[own].first.shape:
                    left.pop(own).tensors["bias"] = row


def _leaf(node):
    """The leaf that a node only lays out in another way, or None."""
    while not hasattr(node, "variable"):
        before = [n for n, _ in node.next_functions if n is not None]
        if len(before) != 1:
            return None
        node = before[0]
    return node.variable


def _near(node, steps=16):
    """The leaves that the next product below a node was computed from, the nearest first. An einsum turns and reshapes
    both of them, before it and after it."""
    nodes = [node]
    for node in nodes:
        if hasattr(node, "variable"):
            yield node.variable
        elif len(nodes) < steps:
            nodes += [n for n, _ in node.next_functions if n is not None]
