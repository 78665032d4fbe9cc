"""Blocks taken out of a finished network, or exchanged, and what is left of its accuracy.

Veit, Wilber, Belongie, "Residual Networks Behave Like Ensembles of Relatively Shallow Networks", arXiv 1605.06431,
section 4. A residual block without its F still passes x on; a plain block is the only way there is.

All networks made here are in evaluation mode: BN goes on with the means and variances from training, which belong to
the network as it was. Part of what is lost is lost because of that, and more training would bring some of it back.
"""

import copy
from dataclasses import dataclass, replace

import torch
from torch import nn

from .._common import evaluating
from .attribution import scores
from .training import evaluate
from .twins import NoSum, blocks

BATCH = 250  # pictures that run at once


class ShortcutAlone(nn.Module):
    """What is left of a residual block without its F: y = ReLU(shortcut(x)), so ReLU(x) or ReLU(G(x)).
    (C, W, W) → (C_out, W/S, W/S), as the block."""

    def __init__(self, block):
        super().__init__()
        self.shortcut = block.shortcut
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(self.shortcut(x))


def without(network, *names):
    """The network without the F of the blocks of those names, in evaluation mode.

    A residual block leaves its shortcut, y = ReLU(shortcut(x)). A plain one (`plain.twins`) leaves nothing: x goes
    on to the next block, where the shapes allow it.
    names: of blocks, as `plain.blocks` lists them; the same network again where there are none.
    Returns a network of its own that uses the caller's weights, so it costs no memory, and training it would train
    both. The caller's network stays as it is.
    Raises ValueError for a name that is no block, and for a plain block whose output has another shape than its input.
    """
    left = sharing(network)
    for name in names:
        block = _block(network, name)
        reason = why_not(block)
        if reason:
            raise ValueError(f"{name} cannot be removed: {reason}")
        _put(left, name, nn.Identity() if _is_plain(block) else ShortcutAlone(left.get_submodule(name)))
    return left


def swapped(network, one, other):
    """The network with two of its blocks exchanged, shortcuts and all, in evaluation mode.

    one, other: names of blocks that take and give as many channels, with the same S.
    Returns a network that uses the caller's weights, as `without`.
    Raises ValueError for a name that is no block, and where the shapes differ.
    """
    first, second = (_block(network, name) for name in (one, other))
    if _shapes(first) != _shapes(second):
        raise ValueError(
            f"{one} ({_said(first)}) and {other} ({_said(second)}) cannot be swapped: both need the same channels in "
            "and out and the same S. Take two BTNK2 of one stage"
        )
    result = sharing(network)
    first, second = (result.get_submodule(name) for name in (one, other))
    _put(result, one, second)
    _put(result, other, first)
    return result


def partners(network, name):
    """Names of the blocks with which the block of that name can be swapped."""
    wanted = _shapes(_block(network, name))
    return [n for n, block in blocks(network).items() if n != name and _shapes(block) == wanted]


def why_not(block):
    """Why a block cannot be removed, as the end of a sentence; "" where it can."""
    if _is_plain(block) and (block.C != block.C_out or block.S != 1):
        return (
            f"it is a plain block, so nothing else leads from {block.C} to {block.C_out} channels"
            + (f" and from W to W/{block.S}" if block.S != 1 else "")
            + ". A residual block has its shortcut for that"
        )
    return ""


def removable(network):
    """Names of the blocks that `without` can do without, from the first to the last."""
    return [name for name, block in blocks(network).items() if not why_not(block)]


# ── What is left ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Effect:
    """How well a network does without some of its blocks.

    removed:  their names; empty for the whole network.
    accuracy: 0 to 1.
    loss:     mean cross-entropy, in nats.
    """

    removed: tuple
    accuracy: float
    loss: float


def effects(network, task, choices=None):
    """What is left without the blocks of each choice: a generator of `Effect`, one a choice, in their order.

    task:    a `tasks.Task`; its pictures to be tested with are what counts. For a network that was trained on
             something else, `own_answers` makes one.
    choices: tuples of names, one for each time; unless given, each block that can be removed alone.
    Raises ValueError at the call for a name that cannot be removed and for a task of other classes.
    """
    choices = [(name,) for name in removable(network)] if choices is None else [tuple(choice) for choice in choices]
    for name in dict.fromkeys(name for choice in choices for name in choice):
        reason = why_not(_block(network, name))
        if reason:
            raise ValueError(f"{name} cannot be removed: {reason}")
    check_classes(network, task)
    return (Effect(choice, *measure(without(network, *choice), task)) for choice in choices)


def measure(network, task, *, batch=BATCH):
    """(accuracy, mean cross-entropy) on the pictures of a task that are to be tested with; see `training.evaluate`."""
    return evaluate(network, *task.test, prepare=task.prepare, batch=batch)


def one_by_one(names, seed=None):
    """The choices () , (a,), (a, b), … for `effects`: more and more of the names, in their order, or, with a seed, in
    a random one."""
    names = list(names)
    if seed is not None:
        draw = torch.Generator().manual_seed(seed)
        names = [names[i] for i in torch.randperm(len(names), generator=draw).tolist()]
    return [tuple(names[:n]) for n in range(len(names) + 1)]


def own_answers(network, task):
    """The task with the network's own answers to its test pictures in the place of their labels: accuracy then means
    agreement with the whole network, not being right. For a network whose own labelled pictures are not at hand.
    Raises ValueError where a score is not finite."""
    pictures = task.test[0]
    with evaluating(network), torch.no_grad():
        parts = [scores(network(task.prepare(pictures[i : i + BATCH], 1.0))) for i in range(0, len(pictures), BATCH)]
    found = torch.cat(parts)
    if not found.isfinite().all():
        raise ValueError("the network gives out infinite or undefined scores (inf or nan), and those answer nothing")
    checkpoint = getattr(network, "checkpoint", None)
    known = checkpoint and len(checkpoint.classes) == found.shape[1]
    return replace(
        task,
        name=f"its own answers to {task.name}",
        classes=tuple(checkpoint.classes) if known else tuple(f"class {i}" for i in range(found.shape[1])),
        test=(pictures, found.argmax(1)),
        note="what the whole network answers, right or wrong",
    )


def check_classes(network, task):
    """ValueError where a network tells another number of classes apart than the task has."""
    with evaluating(network), torch.no_grad():
        found = scores(network(task.prepare(task.test[0][:1], 1.0))).shape[1]
    if found != len(task.classes):
        raise ValueError(
            f"the network tells {found:,} classes apart and the task “{task.name}” has {len(task.classes):,}: take the "
            "task that it was trained on, or ablation.own_answers(network, task)"
        )


# ── What all of them use ─────────────────────────────────────────────────────────────────────────────────────


def sharing(network):
    """A network of its own modules, in evaluation mode, whose weights and statistics are the caller's own tensors."""
    tensors = {id(t): t for t in [*network.parameters(), *network.buffers()]}
    return copy.deepcopy(network, tensors).eval()  # what is in that dictionary counts as copied already


def _put(network, name, module):
    parent, _, last = name.rpartition(".")
    setattr(network.get_submodule(parent), last, module)


def _block(network, name):
    found = blocks(network)
    if not name or name not in found:
        names = [n for n in found if n]
        there = f"the blocks are {', '.join(names)}" if names else "this network has no blocks of resnet_lib"
        raise ValueError(f"{name!r} is no block of the network: {there}")
    return found[name]


def _is_plain(block):
    return isinstance(block.add, NoSum)


def _shapes(block):
    return block.C, block.C_out, block.S


def _said(block):
    return f"{block.C} → {block.C_out} channels, S = {block.S}"
