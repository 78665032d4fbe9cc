"""Numbers that a learner's module keeps in another way than the layers of torch.nn do."""

import torch
from torch import nn

from .kinds import found, layer_name

LAYERS = nn.Conv2d | nn.Linear | nn.modules.batchnorm._BatchNorm


def computed(learner):
    """A layer whose weight is computed from other numbers, as a finding, or None."""
    for name, m in learner.named_modules():
        if isinstance(m, LAYERS) and not {"weight"} & {*m._parameters, *m._buffers}:
            return found("computed weight", layer_name(name))
    return None


def loose(learner):
    """A BN written by hand whose mean and variance are neither buffers nor parameters, as a finding, or None."""
    for name, m in learner.named_modules():
        rows = [p.numel() for p in m.parameters(recurse=False) if p.dim() and max(p.shape) == p.numel() > 1]
        kept = [k for k, t in vars(m).items() if isinstance(t, torch.Tensor) and t.numel() in rows]
        if len(rows) == len(kept) == 2 and not m._modules:
            return found("statistics loose", layer_name(name), names=" and ".join(kept))
    return None
