"""Whether maps of attribution lie on what a network goes by: the quarter of each photograph that a map marks is shown
alone, and hidden. Without boxes around the objects, the class is the only truth there is."""

import torch

from ..anatomy import anatomy
from .attribution import grad_cam, occlusion, placed

STAGES = ("stage1", "stage2", "stage3", "stage4")
SHARE = 0.25  # of the pixels


def quarters(network, x, target, sees):
    """Return which quarter of a picture each method marks for a class, a dictionary method → bool (H, W): Grad-CAM at
    each stage, occlusion, and two that know nothing of it: the quarter in the middle, and one drawn at random.

    sees: stage → what its values see, from the anatomy."""
    H, W = x.shape[2:]
    maps = {f"Grad-CAM, {s}": placed(grad_cam(network, x, target, s), sees[s], H, W) for s in STAGES}
    stride = H // 7
    hurt = occlusion(network, x, target, patch=H // 4, stride=stride).values
    maps["occlusion"] = hurt.repeat_interleave(stride, 0).repeat_interleave(stride, 1)[:H, :W]
    rows, columns = torch.meshgrid(torch.arange(H), torch.arange(W), indexing="ij")
    maps["the middle"] = -torch.maximum((rows - H / 2).abs(), (columns - W / 2).abs())
    top, left = (torch.rand(2) * torch.tensor([H, W]) / 2).long().tolist()
    anywhere = torch.zeros(H, W)
    anywhere[top : top + H // 2, left : left + W // 2] = 1
    maps["anywhere"] = anywhere
    return {name: _strongest(values) for name, values in maps.items()}


def _strongest(values):
    """The quarter of the pixels with the highest values; among equal ones those nearest to the middle."""
    H, W = values.shape
    marked = torch.zeros(H * W, dtype=torch.bool)
    middle = torch.linspace(-1, 1, H)[:, None] ** 2 + torch.linspace(-1, 1, W)[None] ** 2
    order = (values.double() - 1e-9 * values.abs().max() * middle).flatten().argsort(descending=True)
    marked[order[: int(SHARE * H * W)]] = True
    return marked.view(H, W)


def pointing(network, pictures):
    """Measure each method of `quarters` on pictures that the network answers rightly.

    pictures: an iterable of (x, label), x as `to_input` makes it, all of one size.
    Returns (method → (shown, hidden), n): of the n pictures that the network gets right, the shares that it still gets
    right when it is shown the marked quarter alone, and when that quarter is hidden (by mean colour, as in occlusion).
    The better a map, the higher the first and the lower the second.
    """
    found, n, sees, generator = {}, 0, None, torch.Generator().manual_seed(0)
    for x, label in pictures:
        if sees is None:
            costs = anatomy(network, tuple(x.shape[1:]))
            last = {s: next(step for step in reversed(costs.steps) if step.name.startswith(s)) for s in STAGES}
            sees = {s: step.sees for s, step in last.items()}
        with torch.no_grad():
            right = network(x)[0].argmax().item() == label
        if not right:
            continue
        n += 1
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(torch.randint(2**31, (), generator=generator).item())
            marked = quarters(network, x, label, sees)
        with torch.no_grad():
            both = torch.cat([torch.cat([x * m, x * ~m]) for m in marked.values()])
            answers = (network(both).argmax(1) == label).view(-1, 2).tolist()
        for name, each in zip(marked, answers, strict=True):
            shown, hidden = found.setdefault(name, [0, 0])
            found[name] = [shown + each[0], hidden + each[1]]
    return {name: (shown / n, hidden / n) for name, (shown, hidden) in found.items()}, n
