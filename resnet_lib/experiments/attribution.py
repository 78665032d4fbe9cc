"""What the network looked at: which places of a picture, and which pixels, a score or a value hangs on.

Tensors and numbers, no pictures. Everything runs in evaluation mode and leaves the network as it was: its mode,
its weights, and the gradients of a training that is under way. Inputs are one picture, (1, C, H, W), as
`photos.to_input` gives it.
"""

import operator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from .._common import check, check_finite, check_place, evaluating, input_problem, number_problem, shape_text
from .._common.given import check_module
from ..activations import activations


@dataclass(frozen=True, eq=False)
class Map:
    """How much each place of a picture counts for one class.

    values: (h, w); what they mean stands with the function that made them. NaN where nothing was measured yet.
    target: number of the class.
    logits: (classes,) of the whole picture.
    winners: (h, w), of an occlusion: the most probable class while that place is hidden, −1 where it is not known yet.
    """

    values: torch.Tensor
    target: int
    logits: torch.Tensor
    winners: torch.Tensor | None = None

    @property
    def probability(self):
        """Of the class, for the whole picture: 0 to 1."""
        return torch.softmax(self.logits.double(), 0)[self.target].item()


def grad_cam(network, x, target=None, step="stage4"):
    """Grad-CAM: where the channels that speak for a class are active. Selvaraju et al., arXiv 1610.02391, eq. (1)
    and (2): each channel of the step weighs as much as the class's logit grows with it, on average over its places;
    the map is ReLU of the weighted sum.

    target: number of a class; the most probable one unless given.
    step:   name of a step, block or stage that gives out maps, (C, h, w).
    Returns a Map whose values, ≥ 0, have the step's resolution (h, w).
    Raises ValueError for a class or step that there is not, or that is no map.
    """
    with _differentiable(network, x) as pixels:
        kept = activations(network, pixels.clone(), [step, ""], grad=True)
        step = next((name for name in kept if name), "")  # of a module given as step, its name
        maps, logits = kept[step], scores(kept[""])[0]
        if maps.dim() != 4:
            raise ValueError(
                f"{step!r} gives out {shape_text(maps.shape[1:])}, and Grad-CAM needs maps (C, H, W): "
                "take a step before the head, such as 'stage4'"
            )
        target = _target(target, logits)
        (slopes,) = torch.autograd.grad(logits[target], maps, materialize_grads=True)
        weights = slopes.mean((2, 3), keepdim=True)  # eq. (1)
        values = (weights * maps).sum(1)[0].relu()  # eq. (2)
    return Map(values.detach(), target, logits.detach())


def occlusion(network, x, target=None, *, patch=None, stride=None, batch=16, progress=None):
    """Occlusion: by how much the probability of a class falls when a patch of mean colour (0 in the normalised
    picture) hides each place. Zeiler, Fergus, arXiv 1311.2901, section 4.2.

    target: number of a class; the most probable one unless given.
    stride: pixels from one patch to the next; a fourteenth of the picture's shorter side unless given.
    patch:  side of the patch in pixels, stride or more; 2 · stride unless given.
    batch:  pictures that run at once.
    progress: called as progress(done, total) after each batch; what it raises ends the work.
    Returns a Map whose values (⌈H/stride⌉, ⌈W/stride⌉) are the drops, −1 to 1, positive where hiding hurt. Value
    (i, j) belongs to the stride × stride pixels from (i, j) · stride on: the patch has the same centre, and ends
    where the picture ends.
    Raises ValueError for numbers that do not fit together.
    """
    for so_far, done, total in occlusion_steps(network, x, target, patch=patch, stride=stride, batch=batch):
        found = so_far
        if progress:
            progress(done, total)
    return found


def occlusion_steps(network, x, target=None, *, patch=None, stride=None, batch=16):
    """As `occlusion`, batch by batch: a generator of (Map so far, done, total), for showing the map as it grows.
    Places not yet visited are NaN. Numbers that do not fit raise ValueError at the call."""
    _check_picture(network, x)
    H, W = x.shape[2:]
    stride = max(1, min(H, W) // 14) if stride is None else stride
    check(stride=stride, batch=batch)
    patch = min(2 * stride, H, W) if patch is None else patch
    check(patch=patch)
    if patch > min(H, W):
        raise ValueError(f"a patch of {patch} pixels is larger than the picture of {H} × {W}: make it smaller")
    if stride > patch:
        raise ValueError(
            f"stride = {stride} is larger than the patch of {patch} pixels, and places in between would never be "
            "hidden: make the stride smaller or the patch larger"
        )
    x = x.detach()
    logits = _run(network, x)[0]
    target = _target(target, logits)
    return _occlude(network, x, Map(torch.empty(0), target, logits), patch, stride, batch)


def _occlude(network, x, whole, patch, stride, batch):
    H, W = x.shape[2:]
    offset = (stride - patch) // 2
    places = [(top, left) for top in range(offset, H + offset, stride) for left in range(offset, W + offset, stride)]
    drops, winners = torch.full((len(places),), torch.nan), torch.full((len(places),), -1)
    for first in range(0, len(places), batch):
        now = places[first : first + batch]
        hidden = x.repeat(len(now), 1, 1, 1)
        for picture, (top, left) in zip(hidden, now, strict=True):
            picture[:, max(top, 0) : top + patch, max(left, 0) : left + patch] = 0
        left_over = torch.softmax(_run(network, hidden).double(), 1)
        drops[first : first + len(now)] = (whole.probability - left_over[:, whole.target]).to(drops)
        winners[first : first + len(now)] = left_over.argmax(1).to(winners)
        shape = (-(-H // stride), -(-W // stride))
        so_far = Map(drops.view(shape).clone(), whole.target, whole.logits, winners.view(shape).clone())
        yield so_far, first + len(now), len(places)


def support(network, x, step, channel, row=0, column=0):
    """By how much one value of a step changes with each pixel: |gradient|, summed over the colours, (H, W). It is
    the effective part of the receptive field (Luo et al., arXiv 1701.04128): zero outside `Anatomy.field`, and for
    deep steps strongest in its middle. A value that a ReLU has cut off has no gradient at all.

    step:    name of a step that gives out (C, h, w), or (C,), where row and column are 0.
    Raises ValueError for a step or place that there is not.
    """
    with _differentiable(network, x) as pixels:
        ((step, maps),) = activations(network, pixels.clone(), step, grad=True).items()
        maps = maps[0]
        check_place(step, maps.shape, row, column, channel)
        value = maps[(channel, row, column)[: maps.dim()]]
        (slopes,) = torch.autograd.grad(value, pixels, materialize_grads=True)
    return slopes[0].abs().sum(0)


def upsample(values, H, W):
    """A Map, or its values (h, w), stretched bilinearly over a picture of H × W pixels, as 0 to 1: 1 is the highest
    value, 0 stands for 0, for what is below it, and for what was not measured. All 0 where nothing is above 0."""
    check(H=H, W=W)
    values = values.values if isinstance(values, Map) else values
    values = values.float().nan_to_num(0).clamp(min=0)[None, None]
    values = F.interpolate(values, (H, W), mode="bilinear", align_corners=False)[0, 0]
    return values / values.max() if values.max() > 0 else values


def placed(values, sees, H, W):
    """Return a map laid over the H × W pixels of the network's input, each value in the middle of the pixels that it
    sees, and between them bilinearly, (H, W). Stretched over the picture, as `upsample` does it, a map lies half a jump
    too far to the lower right where the first value of a row is centred on the picture's edge.

    values: (h, w), or a Map. sees: of its step, for rows and columns, `anatomy(network, size)[step].sees`.
    """
    check(H=H, W=W)
    values = (values.values if isinstance(values, Map) else values).float().nan_to_num(0)
    for side, (along, length) in enumerate(zip(sees, (H, W), strict=True)):
        first = along.start + along.reach / 2  # where the middle of value 0 lies, in pixels
        most = values.shape[side] - 1
        at = ((torch.arange(length) + 0.5 - first) / along.jump).clamp(0, most)
        low = at.floor().long()
        share = (at - low).unsqueeze(1 - side)
        values = torch.lerp(values.index_select(side, low), values.index_select(side, (low + 1).clamp(max=most)), share)
    return values


# ── What all of them use ─────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def _differentiable(network, x):
    """Inside, gradients reach the tensor given out, a copy of `x`, whatever mode the caller is in and even if every
    weight is frozen. Run the network on a clone of it: a step that works in place may not overwrite it."""
    _check_picture(network, x)
    with evaluating(network), torch.inference_mode(False), torch.enable_grad():
        yield x.detach().clone().requires_grad_()


def _run(network, x):
    with evaluating(network), torch.no_grad():
        return scores(activations(network, x, "")[""])


def scores(result):
    """What a classifier gave out, (batch, classes). ValueError where it is something else."""
    if not isinstance(result, torch.Tensor) or result.dim() != 2:
        got = shape_text(result.shape) if isinstance(result, torch.Tensor) else type(result).__name__
        raise ValueError(f"the network must give out one score a class, (batch, classes), and gave {got}")
    return result


def _target(target, logits):
    if target is None:
        return logits.argmax().item()
    check(least=0, target=target)
    if target >= len(logits):
        raise ValueError(
            f"there is no class {target:,}: the network tells {len(logits):,} classes apart, and numbers them from 0"
        )
    return operator.index(target)


def _check_picture(network, x):
    check_module(network, steps=False)
    four = isinstance(x, torch.Tensor) and x.dim() == 4
    whole = not four or hasattr(network, "C")  # in a learner's own network the first layer made need not run first
    if problem := (input_problem if whole else number_problem)(network, x):
        raise ValueError(problem)
    if not four or len(x) != 1 or not x.is_floating_point():
        got = f"{x.dtype} of shape {tuple(x.shape)}" if isinstance(x, torch.Tensor) else type(x).__name__
        advice = ": use x[:1] for the first of them" if four and len(x) > 1 else ""
        raise ValueError(
            f"expected one picture, a float tensor (1, C, H, W) as to_input makes it, but got {got}{advice}"
        )
    if x.layout is not torch.strided:
        raise ValueError(f"gradients need a dense tensor, and the input is {x.layout}: use x.to_dense()")
    check_finite(x)
