"""Networks from parts: a dictionary with stem, block, stages, head, and what is done with the network, initialise,
load, prepare, answer, step. `HEALTHY` holds this library's own; a patient replaces one or two of them.
"""

from contextlib import nullcontext
from functools import cache

import torch
from torch import nn
from torch.nn import functional as F

from ..._common import evaluating
from ...blocks import BTNK1, BTNK2, Stem
from ...experiments.tasks import photographs
from ...network import Design, head
from ...network import stages as stages_of
from ...photos import normalised
from ..endless import Endless, within
from ..errors import name_of, text_of

# ── The healthy parts ────────────────────────────────────────────────────────────────────────────────────────


def stem(base):
    return Stem(3, base)


def block(C, C1, S=1):
    """Return the identity block where the shapes allow it, the projection block elsewhere."""
    return BTNK2(C) if C == 4 * C1 and S == 1 else BTNK1(C, C1, S)


def stages(block, base, blocks):
    """Return Stages 1 to 4 as a list, with as many blocks in each; the first has S = 2 except in Stage 1."""
    design = Design.resnet(blocks=blocks, base=base)
    return stages_of(design, lambda C, stage, S, _dilation: block(C, stage.C1, S))


def initialise(network):
    """Leave the weights as their layers drew them."""


def initialise_at_the_shortcut(network):
    """Start the weight of the BN that ends each F at zero (Goyal et al., arXiv 1706.02677, section 5.1)."""
    for name, module in network.named_modules():
        if name.endswith("bn3"):
            nn.init.zeros_(module.weight)


def prepare(pictures):
    """Return pictures of bytes, (n, 3, H, W), as a network's input: values 0 to 1, minus ImageNet's mean, divided by
    its deviation."""
    return normalised(pictures.float() / 255)


@torch.no_grad()
def answer(network, pictures):
    """Return scores for a batch of pictures, in evaluation mode; the network's mode stays as it was."""
    with evaluating(network):
        return network(pictures)


def step(network, optimizer, x, labels):
    """Train one step on a batch of prepared pictures; return the loss, a number."""
    network.train()
    loss = F.cross_entropy(network(x), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


HEALTHY = {
    "stem": stem,
    "block": block,
    "stages": stages,
    "head": head,
    "initialise": initialise,
    "load": None,
    "prepare": prepare,
    "answer": answer,
    "step": step,
}

# ── Put together ─────────────────────────────────────────────────────────────────────────────────────────────

# The network that is trained and compared here: all four stages with both kinds of blocks, and an eighth of the
# channels, so that every examination takes seconds.
SMALL = {"base": 8, "blocks": (2, 2, 2, 2), "num_classes": 20}
FULL = {"base": 64, "blocks": (3, 4, 6, 3), "num_classes": 1000}


class Assembled(nn.Module):
    """A network of parts: stage0 → stage1 → … → stage4 → head. (3, W, W) → (num_classes)."""

    def __init__(self, parts, base, blocks, num_classes):
        super().__init__()
        self.stage0 = parts["stem"](base)
        for i, stage in enumerate(parts["stages"](parts["block"], base, blocks), 1):
            setattr(self, f"stage{i}", stage)
        self.head = parts["head"](4 * base * 2 ** (len(blocks) - 1), num_classes)
        parts["initialise"](self)

    def forward(self, x):
        x = self.stage0(x)
        x = self.stage1(x)
        x = self.stage2(x)
        x = self.stage3(x)
        x = self.stage4(x)
        return self.head(x)


def assemble(parts, seed=0, **design):
    """Return a network of these parts, healthy ones where none is given; its first weights belong to the seed.

    design: base, blocks and num_classes, SMALL's unless given. Raises ValueError for a part of an unknown name, and
    `Endless` where one of them never ends.
    """
    if unknown := parts.keys() - HEALTHY.keys():
        raise ValueError(f"no part is called {sorted(unknown)[0]!r}; there are {', '.join(HEALTHY)}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        with limited(parts):
            return Assembled({**HEALTHY, **parts}, **{**SMALL, **design})


def limited(parts):
    """For `with`: the code of these parts may not run for ever. Healthy ones may take their time."""
    own = any(HEALTHY.get(name) is not part for name, part in parts.items())
    return within() if own else nullcontext()


@cache
def pictures(n=64, size=32):
    """Return pieces of the bundled photographs, bytes, (n, 3, size, size)."""
    return photographs(size=size, n=n, n_test=1).train[0]


def said(error):
    """Return an exception of a learner's code as one line; raise one that never ends again, which is told elsewhere."""
    if isinstance(error, Endless):
        raise error
    return f"{name_of(error)}: {' '.join(text_of(error).split())}".removesuffix(": ")
