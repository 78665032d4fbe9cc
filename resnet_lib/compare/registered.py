"""The parameters and buffers of a learner's module, found again by their place in memory wherever they are used."""

from collections import defaultdict
from itertools import chain

import torch
from torch import nn

from .autograd import uses

ROLES = ("mean", "var", "weight", "bias")  # of a norm's tensors


class Registered:
    """The parameters and buffers of a module, found again by their place in memory: a view of one is that one."""

    def __init__(self, module):
        tensors = [(n, t) for n, t in chain(module.named_parameters(), module.named_buffers()) if t.numel()]
        self.names = {t.data_ptr(): n for n, t in reversed(tensors)}
        self.tensors = {t.data_ptr(): t for _, t in reversed(tensors)}
        self.leaves = {id(t) for _, t in tensors}
        self.parts = defaultdict(set)  # part → the names of what it keeps
        for n in self.names.values():
            if not n.endswith("_tracked"):
                self.parts[n.rpartition(".")[0]].add(n)

    def name(self, tensors):
        """What the module calls the layer of these tensors, or None."""
        own = [self.names[t.data_ptr()] for t in tensors if t.data_ptr() in self.names]
        if not own:
            return None
        shortest = min(own, key=len)
        part = shortest.rpartition(".")[0]
        alone = part and self.parts[part] <= set(own)  # a part may keep the numbers of several layers
        return part if alone else shortest

    def base(self, t):
        """The registered parameter that a tensor was computed from, where it is one alone and of as many numbers, such
        as its transpose copied, or that lies in its place (.data); otherwise the tensor itself."""
        if not isinstance(t, torch.Tensor):
            return t
        own = self.tensors.get(t.data_ptr())
        if own is not None:
            return own if own.requires_grad and not t.requires_grad and own.numel() == t.numel() else t
        own = self._leaves(t)
        return own[0] if len(own) == 1 and own[0].numel() == t.numel() else t

    def derived(self, t):
        """Whether a tensor was computed from registered parameters and from nothing else."""
        return t.data_ptr() not in self.names and bool(self._leaves(t))

    def _leaves(self, t):
        if t.grad_fn is None:
            return []
        leaves = list(uses(t)[0])
        return leaves if all(id(leaf) in self.leaves for leaf in leaves) else []

    def rest(self, used):
        """(kind, tensors) of what no layer has, whose tensors are in the places `used`: matrices by themselves; rows of
        numbers as norms, of one length in order."""
        left = [t for place, t in self.tensors.items() if place not in used and t.is_floating_point()]
        found, rows = [], defaultdict(lambda: defaultdict(list))
        for t in reversed(left):
            if max(t.shape, default=0) < t.numel():
                found += [("weights", {"weight": t})] if isinstance(t, nn.Parameter) else []
            elif t.numel() > 1:
                rows[t.numel()][role_of(t)].append(t)
        for roles in rows.values():
            if len(roles) == len(ROLES) and len({len(tensors) for tensors in roles.values()}) == 1:
                norms = zip(*(roles[role] for role in ROLES), strict=True)
                found += [("norm", dict(zip(ROLES, each, strict=True))) for each in norms]
        return found


def role_of(t):
    """Which of a norm's four rows of numbers one is, by what it begins with: factor and variance are 1."""
    one, zero = ("weight", "bias") if isinstance(t, nn.Parameter) else ("var", "mean")
    return one if (t != 0).all() else zero
