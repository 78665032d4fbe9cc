"""How far a signal gets: the variance of what every block hands on, and the norm of the gradient that comes back."""

from dataclasses import dataclass
from functools import cache

import torch
from torch import nn
from torch.nn import functional as F

from .._common import seeded
from ..activations import calls
from .tasks import photographs
from .twins import NoSum, blocks, twins

# How a convolution's weights are drawn, name → what is done to them. The factor for ReLU as in He et al.,
# arXiv 1502.01852, section 2.2; Glorot and Bengio, 2010, eq. (16), did without it.
INITIALISATIONS = {
    "He, as published (fan-out)": lambda w: nn.init.kaiming_normal_(w, mode="fan_out", nonlinearity="relu"),
    "He (fan-in)": lambda w: nn.init.kaiming_normal_(w, mode="fan_in", nonlinearity="relu"),
    "Xavier": nn.init.xavier_normal_,
    "normal, deviation 0.01": lambda w: nn.init.normal_(w, std=0.01),
}
FIRST = next(iter(INITIALISATIONS))
BATCH = 64  # pictures


@cache
def batch():
    """Return the pictures that signals are followed for, pieces of the photographs that lessons train on, and their
    labels: (64, 3, 32, 32) and (64,)."""
    task = photographs(n=BATCH, n_test=1)
    return task.prepare(task.train[0]), task.train[1]


@dataclass(frozen=True)
class Signal:
    """What passes through one block, forward and back, for one batch.

    name:     the block's, "stage1.0".
    output:   variance of what it gives out, over pictures, channels and positions.
    main:     variance of F(x).
    shortcut: variance of what is added to F(x); None in a plain block.
    gradient: Euclidean norm of the gradient of the batch's mean loss by the block's output.
    weights:  the same by all of the block's weights.
    """

    name: str
    output: float
    main: float
    shortcut: float | None
    gradient: float
    weights: float


def signals(network, x, labels):
    """One `Signal` a block of a network, from the first to the last, for a batch of pictures and their labels.

    The network runs forward and back once, in training mode, so that BN takes the batch's own statistics; its weights,
    statistics and mode stay as they are. The loss is the mean cross-entropy. Infinite and undefined values are given as
    such. Raises ValueError for a network without residual or plain blocks.
    """
    found = blocks(network)
    if not found:
        raise ValueError("this network has no blocks of resnet_lib, so there is nothing to follow block by block")
    parameters = [list(block.parameters()) for block in found.values()]
    buffers = {name: b.clone() for name, b in network.named_buffers()}
    was = network.training
    network.train()
    try:
        kept = calls(network, x, [*found, *(f"{name}.add" for name in found), ""], grad=True)
        loss = F.cross_entropy(kept[""].output, labels)
        outputs = [kept[name].output for name in found]
        # Allowed to be unused: where every F ends in zeros, nothing before it moves the loss.
        flat = torch.autograd.grad(loss, outputs + sum(parameters, []), allow_unused=True)
    finally:
        network.train(was)
        with torch.no_grad():
            for name, b in network.named_buffers():
                b.copy_(buffers[name])
    signals, flat = [], list(flat)
    gradients, rest = flat[: len(outputs)], iter(flat[len(outputs) :])
    for (name, block), output, gradient, mine in zip(found.items(), outputs, gradients, parameters, strict=True):
        f, *side = kept[f"{name}.add"].inputs
        added = side and not isinstance(block.add, NoSum)
        signals.append(
            Signal(
                name,
                variance(output),
                variance(f),
                variance(side[0]) if added else None,
                norm([gradient]),
                norm([next(rest) for _ in mine]),
            )
        )
    return signals


def variance(x):
    # In double precision: the square of a large activation overflows float32 long before the activation does.
    return x.detach().double().var().item()


def norm(tensors):
    return sum(t.double().square().sum().item() for t in tensors if t is not None) ** 0.5


def untrained_twins(
    counts,
    *,
    block="bottleneck",
    base=16,
    num_classes=20,
    bn=True,
    initialisation=FIRST,
    zero_init_residual=False,
    seed=0,
):
    """(plain, residual) twins of so many blocks a stage, with or without BN, and with weights drawn as named in
    INITIALISATIONS. Raises ValueError for a name that is not there."""
    if initialisation not in INITIALISATIONS:
        raise ValueError(f"no initialisation is called {initialisation!r}; there are {', '.join(INITIALISATIONS)}")

    def make():
        pair = twins(
            block=block,
            blocks=counts,
            base=base,
            num_classes=num_classes,
            zero_init_residual=zero_init_residual,
            norm_layer=nn.BatchNorm2d if bn else nothing,
        )
        for m in pair[1].modules():
            if isinstance(m, nn.Conv2d):
                INITIALISATIONS[initialisation](m.weight)
        pair[0].load_state_dict(pair[1].state_dict())
        return pair

    return seeded(seed, make)


def nothing(_channels):
    """A norm_layer that leaves normalisation out."""
    return nn.Identity()
