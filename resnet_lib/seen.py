"""A picture as a network sees it: one run, and what every step was given and gave out."""

import copy
from functools import cached_property

import torch
from torch import nn

from .activations import calls, step_names
from .anatomy import anatomy
from .attribution import evaluating
from .photos import PHOTOS, photo, square, to_input


class Seen:
    """A picture that has been run through a network.

    network: any network of this library, or one of your own with steps as modules. It is run in evaluation mode and
             given back in the mode it was in.
    picture: a name from PHOTOS or a PIL image.
    size:    pixels along each side of the network's input; its checkpoint's unless given, 224 without a checkpoint.
    progress: called as progress(done, total) while the steps run.

    image:   the square that the network was shown, a PIL image.
    x:       the network's input, (1, 3, size, size).
    steps:   names of the steps, in the order in which they ran.
    logits:  (classes,).
    """

    def __init__(self, network, picture, size=None, *, progress=None):
        checkpoint = getattr(network, "checkpoint", None)
        size = size or (checkpoint.size if checkpoint else 224)
        share = checkpoint.resize / checkpoint.size if checkpoint else 256 / 224
        picture = photo(picture) if isinstance(picture, str) else picture
        self.network, self.size, self.checkpoint = network, size, checkpoint
        resize = round(size * share)
        self.image, self.x = square(picture, size, resize), to_input(picture, size, resize)
        # "shortcut" has steps of its own where it is a projection, and those are kept.
        leaves = [n for n in step_names(network) if next(network.get_submodule(n).children(), None) is None]
        with evaluating(network):
            self._calls = calls(network, self.x, leaves, progress=progress)
        self.steps = list(self._calls)
        self.logits = self._calls[self.steps[-1]].output[0]

    @cached_property
    def anatomy(self):
        """Shapes, costs and receptive fields of the same network at this size."""
        return anatomy(self.network, tuple(self.x.shape[1:]))

    def __getitem__(self, step):
        """What a step gave out, (C, H, W) or (C,). KeyError for an unknown one."""
        return self._calls[step].output[0]

    def inputs(self, step):
        """What a step was given, a tuple of tensors (1, …)."""
        return self._calls[step].inputs

    def top(self, k=5):
        """The k most probable classes, [(name, probability)]: names where the network's checkpoint has them."""
        if self.checkpoint:
            return self.checkpoint.top(self.logits, k)
        values, classes = torch.softmax(self.logits, 0).topk(min(k, len(self.logits)))
        return [(f"class {c}", p) for c, p in zip(classes.tolist(), values.tolist(), strict=True)]


def untrained(network):
    """The same network with the weights it would begin training with, seed 0, and BN statistics of the bundled
    photographs: without any, the maps would grow from block to block."""
    network = copy.deepcopy(network)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        for m in network.modules():
            if hasattr(m, "reset_parameters"):
                m.reset_parameters()
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
            if isinstance(m, nn.BatchNorm2d):
                m.momentum = None  # a plain average
        network.train()(torch.cat([to_input(photo(name), 128) for name in PHOTOS]))
    return network.eval()
