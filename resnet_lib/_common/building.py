"""Modules built without drawing their weights."""

import threading
from contextlib import contextmanager

import torch
from torch import nn

UNFILLED = threading.RLock()  # two threads that leave in another order than they came would leave the patch behind


@contextmanager
def unfilled():
    """Skip weight initialisation for modules built in this context; their tensors hold garbage until you fill them."""

    def rest(*_args, **_kwargs):
        pass

    places = [(nn.init, "kaiming_normal_")]
    kinds = (nn.modules.conv._ConvNd, nn.modules.batchnorm._NormBase, nn.Linear)
    places += [(kind, "reset_parameters") for kind in kinds]
    with UNFILLED:
        before = [getattr(place, name) for place, name in places]
        for place, name in places:
            setattr(place, name, rest)
        try:
            yield
        finally:
            for (place, name), what in zip(places, before, strict=True):
                setattr(place, name, what)


@contextmanager
def shapes_only():
    """Give modules built in this context shapes and no numbers: they are on the meta device. That is all `anatomy`
    needs, and a hundred times faster for a large design."""
    with unfilled(), torch.device("meta"):
        yield
