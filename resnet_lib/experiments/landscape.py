"""The loss around a trained network, on a plane through its weights.

Li, Xu, Taylor, Studer, Goldstein, "Visualizing the Loss Landscape of Neural Nets", arXiv 1712.09913. A network has
millions of weights, and only two directions can be drawn at once. They are random, and normalised filter by filter
(section 4): a network with BN computes the same when a filter is made larger and everything after it smaller, so
without that a map would show how large the weights happen to be.
"""

import copy
import math
from dataclasses import dataclass

import torch
from torch.func import functional_call
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from .._common import check
from .attribution import scores

SIDES = (3, 5, 9, 17)  # points along a side of the map, from coarse to fine: each grid holds the one before
STATISTICS = ("kept", "batch")  # BN's means and variances: those from training, or those of the pictures


@dataclass(frozen=True, eq=False)
class Landscape:
    """Loss and accuracy at the points of a plane through a network's weights, as far as they are known.

    radius:   the plane's edge: both coordinates run from −radius to radius. At 1, every filter has been changed by
              a vector as long as the filter itself.
    sides:    points along a side of each of the grids, from coarse to fine.
    known:    (side, side), which points of the finest grid have been measured.
    loss:     (side, side), mean cross-entropy in nats; infinite or undefined where the network's scores are, and 0
              where nothing is known. Column j is a step along the first direction, row i one along the second; the
              network itself is in the middle.
    accuracy: (side, side), 0 to 1.
    classes:  how many the network tells apart.
    """

    radius: float
    sides: tuple
    known: torch.Tensor
    loss: torch.Tensor
    accuracy: torch.Tensor
    classes: int

    @property
    def side(self):
        """Points along a side of the finest grid."""
        return self.sides[-1]

    @property
    def centre(self):
        """The loss of the network itself."""
        return self.loss[self.side // 2, self.side // 2].item()

    @property
    def guessing(self):
        """The loss of a network that holds every class for equally probable: ln(classes)."""
        return math.log(self.classes)

    @property
    def coordinates(self):
        """Of the columns, and of the rows, (side,)."""
        return torch.linspace(-self.radius, self.radius, self.side, dtype=torch.double)

    @property
    def edge(self):
        """The median loss of the four points in the middles of the map's edges, `radius` away from the network. One
        that is undefined counts as infinite."""
        ends = torch.stack([ray[-1] for ray in self.rays()[:4]])
        return ends.nan_to_num(nan=math.inf, posinf=math.inf).median().item()

    @property
    def basin(self):
        """The share of the known points where the loss is below that of guessing, 0 to 1."""
        return (self.loss[self.known] < self.guessing).double().mean().item()

    @property
    def falls(self):
        """(how often, of how many): steps from one known point to the next, outwards along the eight rays, at which
        the loss falls. In a bowl it never does."""
        steps = [b < a for ray in self.rays() for a, b in zip(ray.tolist(), ray.tolist()[1:], strict=False)]
        return sum(steps), len(steps)

    def rays(self):
        """The losses of the known points from the network outwards: along the first direction and back, along the
        second and back, and in between."""
        m = self.side // 2
        found = []
        for right, up in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1)):
            k = torch.arange(m + 1)
            row, column = m + up * k, m + right * k
            found.append(self.loss[row, column][self.known[row, column]])
        return found

    def slices(self):
        """Coordinates and losses of the known points on the two lines through the network, one along each direction:
        [(coordinates, losses), (coordinates, losses)]."""
        m = self.side // 2
        lines = (self.known[m], self.loss[m]), (self.known[:, m], self.loss[:, m])
        return [(self.coordinates[known], loss[known]) for known, loss in lines]

    def filled(self, change=lambda loss: loss):
        """Losses of all points of the finest grid, (side, side): the known ones, and between them what lies on the
        way from one to the next in the grid that is known. Undefined where nothing around is known.

        change: applied to the losses first, such as a logarithm: finite numbers must come out."""
        values, so_far = change(self.loss), None
        for side in self.sides:
            step = (self.side - 1) // (side - 1)
            known, here = self.known[::step, ::step], values[::step, ::step]
            if so_far is None:
                between = torch.full_like(here, torch.nan)
            else:
                between = F.interpolate(so_far[None, None], (side, side), mode="bilinear", align_corners=True)[0, 0]
            so_far = torch.where(known, here, between)
        return so_far


def directions(network, seed=0):
    """Two random directions of a network's weights, filter by filter as long as the weights: two dictionaries, name →
    tensor of the weight's shape.

    A filter is what makes one output channel: kernel (C, k, k) of a convolution, row of a linear layer. Biases, and the
    weights of BN, stay where they are, and have no entry. Twins (`plain.twins`) get the same two random directions for
    the same seed, each to the lengths of its own filters. Paper, section 4.
    """
    check(least=0, seed=seed)
    draw = torch.Generator().manual_seed(seed)
    return tuple(
        {name: _as_long(torch.randn(w.shape, generator=draw), w.detach()) for name, w in _movable(network).items()}
        for _ in range(2)
    )


def _movable(network):
    found = {name: w for name, w in network.named_parameters() if w.dim() > 1}
    if not found:
        raise ValueError("this network has no filters: none of its parameters has two dimensions or more")
    return found


def _as_long(random, weight):
    random = random.to(weight)
    lengths = random.flatten(1).norm(dim=1), weight.flatten(1).norm(dim=1)
    return random * (lengths[1] / lengths[0]).view(-1, *[1] * (weight.dim() - 1))


def landscape_steps(network, x, labels, *, radius=0.3, seed=0, sides=SIDES, statistics="kept"):
    """The loss at the points of ever finer grids, point by point: a generator of (Landscape so far, done, total).

    One point costs one forward pass of x, and total is sides[-1]². Every grid begins in the middle, and points of
    the grid before are not measured again. Stop whenever you like: what is known is in the last Landscape, and
    `next` goes on from there.

    x:      the network's input, (batch, …), and labels, (batch,): the same pictures for all points.
    radius, seed: see `Landscape` and `directions`.
    sides:  points along a side of each grid: odd, and each holding the points of the one before, as 3, 5, 9, 17 do.
    statistics: BN's means and variances. "kept" are those from training: the network as it is used, and the middle
            is the loss that `training.evaluate` finds. But they belong to the weights in the middle, and the small
            changes of all layers add up: at distance 1 the loss of a network of 50 layers is in the thousands and
            more. "batch" are those of x at each point: the network as it is trained. Every layer then gets what it
            is used to, and at distance 1 the loss is still below 10.
    Raises ValueError at the call for numbers that do not fit together.

    The network is copied at the start, so the map is of its weights at that moment, and nobody else's are touched.
    """
    sides = tuple(sides)
    for side in sides:
        check(least=3, side=side)
    fits = all((b - 1) % (a - 1) == 0 and b > a for a, b in zip(sides, sides[1:], strict=False))
    if not sides or any(side % 2 == 0 for side in sides) or not fits:
        raise ValueError(
            f"sides = {sides} must be odd numbers, each holding the points of the one before, such as {SIDES}"
        )
    if isinstance(radius, bool) or not isinstance(radius, int | float) or not 0 < radius < math.inf:
        raise ValueError(f"radius = {radius!r} must be a number above 0")
    if len(x) != len(labels) or not len(x):
        raise ValueError(f"{len(x)} pictures and {len(labels)} labels: there must be as many of both, and at least one")
    if statistics not in STATISTICS:
        raise ValueError(f"statistics = {statistics!r} must be {' or '.join(map(repr, STATISTICS))}")
    one, other = directions(network, seed)
    network = copy.deepcopy(network).eval()
    if x.dim() == 4:  # channels side by side in memory: 1.3 to 1.6 times as fast, as lesson 09 explains
        network, x = (t.to(memory_format=torch.channels_last) for t in (network, x))
    for module in network.modules():
        if statistics == "batch" and isinstance(module, _BatchNorm):
            module.train()
    return _measure(network, x, labels, float(radius), sides, one, other)


@torch.no_grad()
def _at(network, weights, x, labels):
    found = scores(functional_call(network, weights, (x,))).float()
    hits = (found.argmax(1) == labels).float().mean().item()
    return F.cross_entropy(found, labels).item(), hits, found.shape[1]


def _measure(network, x, labels, radius, sides, one, other):
    side = sides[-1]
    weights = {name: w.detach() for name, w in _movable(network).items()}
    labels = labels.to(x.device).long()
    loss, accuracy = torch.zeros(side, side), torch.zeros(side, side)
    known = torch.zeros(side, side, dtype=torch.bool)
    done = 0
    for i, j in _order(sides):
        a, b = (radius * (2 * k / (side - 1) - 1) for k in (j, i))
        moved = {name: w + a * one[name] + b * other[name] for name, w in weights.items()}
        loss[i, j], accuracy[i, j], classes = _at(network, moved, x, labels)
        known[i, j] = True
        done += 1
        yield Landscape(radius, sides, known.clone(), loss.clone(), accuracy.clone(), classes), done, side * side


def _order(sides):
    """(row, column) in the finest grid of all its points: those of the coarsest grid first, and of every grid those
    nearest to the middle first."""
    side, middle, seen = sides[-1], sides[-1] // 2, set()
    for grid in sides:
        step = (side - 1) // (grid - 1)
        points = [(i, j) for i in range(0, side, step) for j in range(0, side, step) if (i, j) not in seen]
        seen.update(points)
        yield from sorted(points, key=lambda p: (p[0] - middle) ** 2 + (p[1] - middle) ** 2)
