"""Check of a learner's Grad-CAM."""

from types import SimpleNamespace

import torch

from .._common import Finding, Kind, a_type
from ..activations import activations
from ..compare.proof import draw_norms
from ..network import ResNet
from .edits import Solution
from .folding import close
from .judge import judge
from .results import NO_RESULT, as_tensor


def check_grad_cam(f, *, exercise=None):
    """Check f(network, x, target, step): the map of Grad-CAM, (h, w)."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        network = ResNet(blocks=(1, 1, 1, 1), base=8, num_classes=6)
        draw_norms(network)
        x = torch.randn(1, 3, 64, 96)  # no square, so that height and width cannot be taken for each other
    # Classes that are not the most probable, with maps that have both signs: only there do all mistakes show.
    cases = [(network.eval(), x, *at) for at in ((0, "stage2"), (3, "stage2"), (4, "stage3"))]
    passes = {step: activations(network, x, [step, ""], grad=True) for step in ("stage2", "stage3")}

    def run(solution, _network, _x, target, step):
        return solution(passes[step][step], passes[step][""], target)

    return judge(
        f,
        lambda _n, _x, target, step: f"class {target} at {step}",
        cases,
        [GRAD_CAM],
        CAM_HINTS,
        true=lambda *case: run(GRAD_CAM.made(), *case),
        run=run,
        read=read_map,
        same=close,
        differs=_map_difference,
        why=_of_map_shapes,
        meanings=CAM_ERRORS,
        exercise=exercise,
    )


STAGES = ("stage1", "stage2", "stage3", "stage4")
CAM_HINTS = (
    "Print the shape after every line: maps (1, C, h, w), weights (1, C, 1, 1), and (h, w) at the end.",
    "First the gradient of one logit with respect to the maps, then a mean over places, a sum over channels, ReLU.",
    "(slopes,) = torch.autograd.grad(logits[0, target], maps); weights = slopes.mean((2, 3), keepdim=True); …",
)
CAM_ERRORS = [
    (
        r"'tuple' object has no attribute",
        "torch.autograd.grad gives a tuple, here with one tensor: (slopes,) = …, or [0] behind it.",
    ),
    (
        r"'NoneType' object has no attribute",
        "Something is None there. backward() fills .grad for weights alone: for maps write "
        "torch.autograd.grad(logits[0, target], maps).",
    ),
    (
        r"size of tensor a \((\d+)\) must match",
        "Two shapes do not fit. Are the weights still (1, C, 1, 1)? In a mean, keepdim=True keeps the sides.",
    ),
]


def _slopes(number, maps, retain_graph):
    """The gradients of a number with respect to maps, kept with the maps: hundreds of mistakes ask for the same."""
    kept = vars(maps).setdefault("slopes", {})
    if number.item() not in kept:
        kept[number.item()] = torch.autograd.grad(number, maps, retain_graph=retain_graph)
    return kept[number.item()]


GRAD_CAM = Solution(
    """
def grad_cam(maps, logits, target):
    (slopes,) = torch.autograd.grad(logits[0, target], maps, retain_graph=True)
    weights = slopes.mean((2, 3), keepdim=True)
    heat = (weights * maps).sum(1)[0]
    return heat.relu().detach()
""",
    r"""
`slopes.mean(` → `slopes.sum(`
    Take the mean of the gradients over the places, not their sum.
    Hint: Over places for a weight, over channels for the map: which of them is a mean?
`.relu()` → ``
    The ReLU of equation (2) is missing: the map has negative values.
    Hint: The ReLU is the last step of equation (2). What has been summed before it?
`maps).sum(1)` → `maps).mean(1)`
    Equation (2) is a sum over the channels, not their mean.
    Hint: Over places for a weight, over channels for the map: which of them is a mean?
`logits[0, target]` → `logits.softmax(1)[0, target]`
    Take the gradient of the logit itself, not of the probability after softmax.
    Hint: Which single number do you take the gradient of? Print it.
`logits[0, target]` → `logits.log_softmax(1)[0, target]`
    Take the gradient of the logit itself, not of the logarithm of the probability.
    Hint: Which single number do you take the gradient of? Print it.
`logits[0, target]` → `logits[0, 0]`
    You take class 0 always: take the logit of the class that is asked for.
    Hint: Which single number do you take the gradient of? Print it.
`slopes.mean(` → `slopes.relu().mean(`
    All gradients count in the mean, those below zero as well: the ReLU is the last step of equation (2).
    Hint: The ReLU is the last step of equation (2). What has been summed before it?
`slopes.mean(` → `slopes.amax(`
    Take the mean of the gradients over the places, not the largest.
    Hint: Over places for a weight, over channels for the map: which of them is a mean?
`logits[0, target]` → `logits.max()`
    Take the logit of the class that is asked for, not the largest one.
    Hint: Which single number do you take the gradient of? Print it.
`maps).sum` → `maps).relu().sum`
    The ReLU comes last, after the sum over channels, and not on each channel.
    Hint: The ReLU is the last step of equation (2). What has been summed before it?
`.relu()` → `.abs()`
    The ReLU keeps the positive values; it does not turn negative ones round.
    Hint: The ReLU is the last step of equation (2). What has been summed before it?
`slopes.mean((2, 3), keepdim=True)` → `slopes`
    Average the gradients over the places first: one weight for each channel, equation (1).
    Hint: Over places for a weight, over channels for the map: which of them is a mean?
`weights * maps` → `maps`
    The maps are not weighted: the gradients are missing.
    Hint: Print slopes.shape: it should be the shape of the maps.
`weights * maps` → `weights.expand_as(maps)`
    The maps themselves are missing: weight times map, equation (2).
`return heat.relu().detach()` → `heat = heat.relu().detach()\n    return heat / heat.max().clamp(min=1e-12)`
    The map is divided by its largest value; the equations do not do that.
`slopes.mean((2, 3), keepdim=True)` → `slopes.mean()`
    One weight for each channel: average over the places, dimensions 2 and 3, and nothing else.
    Hint: Over places for a weight, over channels for the map: which of them is a mean?
`slopes.mean((2, 3), keepdim=True)` → `slopes.mean((2, 3), keepdim=True) / maps[0, 0].numel()`
    The places are averaged twice: a mean, or a sum divided by h · w.
`(2, 3)` → `2`
    Average over both dimensions of the places, (2, 3), and not over 2 alone.
`(2, 3)` → `3`
    Average over both dimensions of the places, (2, 3), and not over 3 alone.
`slopes.mean((2, 3), keepdim=True)` → `slopes.sum((2, 3), keepdim=True) / maps.shape[2]`
    The mean over the places divides by h · w, and not by h.
`slopes.mean((2, 3), keepdim=True)` → `slopes.sum((2, 3), keepdim=True) / maps.shape[3]`
    The mean over the places divides by h · w, and not by w.
`weights * maps` → `weights + maps`
    A weight multiplies its map; you add the two.
`.sum(1)[0]` → `[0, -1]`
    Only the last channel counts: the sum grows from channel to channel, heat = heat + …
`.sum(1)[0]` → `[0, 0]`
    Only the first channel counts: the sum goes over all of them.
`logits[0, target]` → `logits.sum()`
    Take the gradient of the logit of the class that is asked for, not of the sum of all.
    Hint: Which single number do you take the gradient of? Print it.
`heat.relu()` → `(-heat).relu()`
    The sign is the wrong way round: what speaks against the class is kept.
""",
    torch=SimpleNamespace(autograd=SimpleNamespace(grad=_slopes)),
)

NO_MAP = Kind("no map", "{name} returns {type}: return the map alone, one tensor of shape (h, w).")
ATTACHED = Kind(
    "attached",
    "{name} returns a map that still requires gradients: end with .detach().",
    "Print requires_grad of your map, before and after .detach().",
)
_SHAPES = "Print the shape after every line: maps (1, C, h, w), and (h, w) at the end."
ONE_PICTURE = Kind("one picture", "The first dimension counts pictures, and there is one: take [0].", _SHAPES)
SIDES_OF_ONE = Kind("sides of 1", "The numbers are there, with sides of 1 beside them: leave those out.", _SHAPES)
IN_A_ROW = Kind("places in a row", "The places lie in one row: leave them in rows and columns, (h, w).", _SHAPES)
NO_SUM = Kind("sum over channels missing", "The sum over the channels is missing: .sum(1) of (1, C, h, w).", _SHAPES)
TURNED = Kind("h and w exchanged", "Rows and columns are exchanged: h comes first, as in the maps.", _SHAPES)
STRETCHED = Kind(
    "as large as the picture", "That is the picture's size: return the map before it is stretched, (h, w).", _SHAPES
)
OF_STEP = Kind(
    "size of another step",
    "That is the size of the maps of {other}: the step that is asked for is given, in step.",
    "Print step, and the shape of the maps.",
)
OTHER_SIZE = Kind("other size", "The map has one value for each place of the step's maps, (h, w).", _SHAPES)
OTHER_SHAPE = Kind(
    "other dimensions",
    "The places must stay and the channels go: in (1, C, h, w), C is dimension 1, h and w are 2 and 3.",
    _SHAPES,
)
MAP_SHAPE = Kind("map's shape", "{at}: your map is {yours} and should be {right}.")
MAP_VALUES = Kind("map differs", "{at}: your map differs by up to {most:.3g}.")


def read_map(found):
    """Return a map as a tensor, and what is wrong with its form, (kind, values), or None."""
    found = as_tensor(found)
    if not isinstance(found, torch.Tensor):
        return found, (NO_RESULT, {"what": "the map"}) if found is None else (NO_MAP, {"type": a_type(found)})
    return found, (ATTACHED, {}) if found.requires_grad else None


def _of_map_shapes(cases, got, due):
    """What is probably missing where the map is not (h, w)."""
    for (network, x, _, step), found, right in zip(cases, got, due, strict=True):
        yours, (h, w) = tuple(found.shape), tuple(right.shape)
        if yours != (h, w):
            sizes = {n: t.shape for n, t in activations(network, x, STAGES).items()}
            known = {(w, h): TURNED, (1, h, w): ONE_PICTURE, (h * w,): IN_A_ROW, tuple(x.shape[2:]): STRETCHED}
            if yours in known:
                return Finding(known[yours])
            if [side for side in yours if side > 1] == [h, w]:
                return Finding(SIDES_OF_ONE)
            if other := next((n for n, shape in sizes.items() if shape[2:] == yours), None):
                return Finding(OF_STEP, values={"other": other})
            if (h, w) in (yours[-2:], yours[:2]):
                return Finding(NO_SUM)
            of_places = len(yours) == 2 and not {1, sizes[step][1]} & set(yours)
            return Finding(OTHER_SIZE if of_places else OTHER_SHAPE)
    return None


def _map_difference(yours, right):
    if yours.shape != right.shape:
        return MAP_SHAPE, {"yours": tuple(yours.shape), "right": tuple(right.shape)}
    return MAP_VALUES, {"most": (yours - right).abs().max().item()}
