"""A picture as a network sees it: one run, and what every step was given and gave out."""

import copy
from functools import cached_property

import torch
from torch import nn

from .._common import check, evaluating, step_called
from .._common.given import check_module
from ..activations import calls, step_names
from ..anatomy import Steps, anatomy
from ..photos import PHOTOS, cut_off, open_photo, photo, square, to_input
from .attribution import scores


class Seen:
    """A picture that has been run through a network.

    network: any network of this library, or one of your own with steps as modules. It is run in evaluation mode and
             given back in the mode it was in.
             Steps that run several times in one pass, or never, have no one output and are left out.
    picture: whatever `photos.open_photo` takes: a name, a path, a PIL image, an array, a tensor.
    size:    pixels along each side of the network's input; its checkpoint's unless given, 224 without a checkpoint.
    progress: called as progress(done, total) while the steps run.

    image:   the square that the network was shown, a PIL image.
    cut:     a sentence on how little of the picture that is, if it is a panorama; "" otherwise.
    x:       the network's input, (1, 3, size, size).
    steps:   names of the steps, in the order in which they ran.
    logits:  (classes,), what the network gives out.
    Raises ValueError where that is no score a class, and as `to_input`.
    """

    def __init__(self, network, picture, size=None, *, progress=None):
        checkpoint = getattr(network, "checkpoint", None)
        check_module(network, numbers=True)
        try:
            C = Steps().channels(network)
        except ValueError:  # it has no convolution
            C = 3
        if C != 3:
            raise ValueError(
                f"the network was made for C = {C}, and a photograph has C = 3, its colours: only networks for colour "
                "pictures can be shown one"
            )
        if size is None:
            size = checkpoint.size if checkpoint else 224
        picture = open_photo(picture)
        self.network, self.size, self.checkpoint = network, size, checkpoint
        check(size=size)
        prepared = checkpoint.preparation(size) if checkpoint else {"size": size}
        self.image, self.cut = square(picture, **prepared), cut_off(picture)
        self.x = to_input(self.image, size, size)
        # "shortcut" has steps of its own where it is a projection, and those are kept.
        leaves = [n for n in step_names(network) if next(network.get_submodule(n).children(), None) is None]
        like = next(network.parameters(), self.x)
        self.x = self.x.to(like) if like.is_floating_point() else self.x
        with evaluating(network):
            self._calls = calls(network, self.x, [*leaves, ""], progress=progress, strict=False)
        whole = self._calls.pop("", None)
        if whole is None:
            raise ValueError("the network must return one tensor: wrap it in a module that returns its logits")
        self.logits = scores(whole.output)[0].float().cpu()
        self.steps = list(self._calls)
        if not self.steps:
            raise ValueError("this network has no steps to look at: none of its modules runs just once")

    @cached_property
    def anatomy(self):
        """Shapes, costs and receptive fields of the same network at this size."""
        return anatomy(self.network, tuple(self.x.shape[1:]))

    def __getitem__(self, step):
        """What a step gave out, (C, H, W) or (C,). KeyError for an unknown one."""
        return self._call(step).output[0].float().cpu()

    def inputs(self, step):
        """What a step was given, a tuple of tensors (1, …)."""
        return self._call(step).inputs

    def _call(self, step):
        try:
            return self._calls[step_called(step, self._calls)]
        except ValueError as problem:
            raise KeyError(str(problem)) from None

    def top(self, k=5):
        """The k most probable classes, [(name, probability)]: names where the network's checkpoint has them."""
        if self.checkpoint and len(self.checkpoint.classes) == len(self.logits):
            return self.checkpoint.top(self.logits, k)
        values, classes = torch.softmax(self.logits, 0).topk(min(k, len(self.logits)))
        return [(f"class {c}", p) for c, p in zip(classes.tolist(), values.tolist(), strict=True)]


def untrained(network, size=128):
    """The same network with the weights it would begin training with, seed 0, and BN statistics of the bundled
    photographs at `size` pixels: without any, the maps would grow from block to block."""
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
        network.train()(torch.cat([to_input(photo(name), size) for name in PHOTOS]))
    return network.eval()
