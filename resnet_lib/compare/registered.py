"""The parameters and buffers of a learner's module, found again by their place in memory wherever they are used."""

from collections import defaultdict
from itertools import chain

import torch
from torch import nn

from .autograd import uses

ROLES = ("mean", "var", "weight", "bias")  # of a norm's tensors
FULL = {"mean": "running_mean", "var": "running_var"}
USUAL = {"weight", "bias", *FULL.values()}  # of one layer


class Registered:
    """The parameters and buffers of a module, found again by their place in memory: a view of one is that one."""

    def __init__(self, module):
        tensors = [(n, t) for n, t in chain(module.named_parameters(), module.named_buffers()) if t.numel()]
        self.names = {t.data_ptr(): n for n, t in reversed(tensors)}
        self.tensors = {t.data_ptr(): t for _, t in reversed(tensors)}
        self.leaves = {id(t) for _, t in tensors}
        self.laid = {id(m.weight) for m in module.modules() if isinstance(m, nn.Conv2d | nn.Linear)}  # one way alone
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
        usual = all(n.rpartition(".")[2] in USUAL for n in self.parts[part])
        alone = part and (usual or self.parts[part] <= set(own))  # a part may keep the numbers of several layers
        return part if alone else shortest

    def base(self, t, beside=None):
        """The registered tensor that one was computed from, where it is one alone and of as many numbers, such as its
        transpose copied; that lies in its place (.data), or of which it is a copy. Otherwise the tensor itself.

        beside: the weight of the norm whose running mean or variance it is.
        """
        if not isinstance(t, torch.Tensor):
            return t
        own = self.tensors.get(t.data_ptr())
        if own is not None:
            turned = id(own) in self.laid and own.shape == t.shape
            kept = own.requires_grad and (turned or not t.requires_grad)
            return own if kept and own.numel() == t.numel() else t
        own = self._leaves(t) or self._copied(t, beside)
        return own[0] if len(own) == 1 and own[0].numel() == t.numel() else t

    def _copied(self, t, beside):
        """The registered tensors of which one is a copy, as far as its numbers tell: those of weights are drawn, and
        running means and variances are kept beside the weight."""
        part = None if beside is None else self.names.get(beside.data_ptr(), "").rpartition(".")[0]
        if t.requires_grad or not t.numel() or (not part if beside is not None else (t == t.view(-1)[0]).all()):
            return []
        return [
            own
            for place, own in self.tensors.items()
            if own.shape == t.shape
            and own.requires_grad == (beside is None)
            and (beside is None or self.names[place].rpartition(".")[0] == part)
            and torch.equal(own, t)
        ]

    def derived(self, t):
        """Whether a tensor is a piece of a registered one, or was computed from registered ones and nothing else."""
        own = self.tensors.get(t.data_ptr())
        if own is not None:
            return id(t) not in self.leaves and t.numel() < own.numel()
        return bool(self._leaves(t))

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
            if t.dim() and max(t.shape) < t.numel():
                found += [("weights", {"weight": t})] if isinstance(t, nn.Parameter) else []
            elif t.numel() > 1:
                rows[t.numel()][role_of(t)].append(t)
        for roles in rows.values():
            if len(roles) == len(ROLES) and len({len(tensors) for tensors in roles.values()}) == 1:
                norms = zip(*(roles[role] for role in ROLES), strict=True)
                found += [("norm", dict(zip(ROLES, each, strict=True))) for each in norms]
        return found

    def factors(self, layers):
        """place of its mean → factor and offset of each BN that has none of its own (affine=False), where rows of its
        length are left, as many as there are such BNs, in order."""
        used, found = {place for layer in layers for place in layer.places}, {}
        bare = [layer for layer in layers if layer.kind == "norm" and layer.tensors.get("weight") is None]
        left = [t for place, t in reversed(self.tensors.items()) if place not in used and isinstance(t, nn.Parameter)]
        rows = [t for t in left if t.dim() and max(t.shape) == t.numel()]
        for n in {layer.shape[0] for layer in bare}:
            due = [layer.first.data_ptr() for layer in bare if layer.shape == (n,)]
            own = {role: [t for t in rows if t.numel() == n and role_of(t) == role] for role in ("weight", "bias")}
            if len(own["weight"]) == len(own["bias"]) == len(due):
                pairs = zip(own["weight"], own["bias"], strict=True)
                found |= {place: {"weight": g, "bias": b} for place, (g, b) in zip(due, pairs, strict=True)}
        return found


def role_of(t):
    """Which of a norm's four rows of numbers one is, by what it begins with: factor and variance are 1."""
    one, zero = ("weight", "bias") if isinstance(t, nn.Parameter) else ("var", "mean")
    return one if (t != 0).all() else zero
