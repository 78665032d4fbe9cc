"""Checks about channels: silent ones, what one responds to, and one that responds to upright stripes."""

import math

import torch

from .._common import Finding, Kind, a_type, evaluating, one_thread
from ..activations import activations
from ..photos import PHOTOS
from .edits import Solution
from .judge import judge
from .left_behind import left, state
from .progress import done
from .results import NO_RESULT, near, number, told
from .verdict import Verdict, refuse

# ── Silent channels ──────────────────────────────────────────────────────────────────────────────────────────

SILENT = Solution(
    """
    def silent(runs, step):
        maps = torch.stack([run[step] for run in runs.values()]).flatten(2)
        zero = maps == 0
        quiet = zero.all(2)
        count = quiet.all(0).sum().item()
        return count
    """,
    """
    `zero.all(2)` → `zero.any(2)`
        You count channels with a zero anywhere: all positions must be zero.
    `return` → `count = len(quiet[0]) - count\\n    return`
        Those are the channels that are on somewhere; count the others.
    `quiet.all(0)` → `zero`
        You count zeros, and not channels: a channel counts once, if all its values are zero.
    `maps == 0` → `maps < 0.01`
        A channel that is on a little, 0.003 at one position, is not silent: compare with 0 itself.
    `quiet.all(0).sum().item()` → `quiet.shape[1]`
        You count all channels: is the comparison with 0 missing?
    Hint: What should come out in the end is one whole number.
    `return count` → `return count / quiet.shape[1]`
        You give their share: count them, and do not divide by the number of channels.
    Hint: Print how many channels are silent on each photograph alone, and then on all five.
    `quiet.all(0)` → `quiet.any(0)`
        You count channels that are silent on any photograph: it must be all five.
    `quiet.all(0)` → `quiet`
        You add up the five photographs: count a channel once, and only if all five are silent.
    `quiet.all(0).sum().item()` → `quiet.sum().item() / len(quiet)`
        You take the mean over the five photographs: count a channel once, and only if all five are silent.
    `quiet.all(0).sum().item()` → `quiet.sum(1).min().item()`
        You count on each photograph alone and take the smallest number: ask each channel on all five together.
    `quiet.all(0)` → `quiet[0]`
        You looked at the first photograph, the cat, alone: take all five.
    `quiet.all(0)` → `quiet[-1]`
        You looked at the last photograph alone: does the loop forget the others, or return too early?
    `quiet.all(0)` → `quiet.all(1)`
        You ask which photographs are silent: one answer for each channel should remain, (C,).
    """,
    torch=torch,
)
_ONE_NUMBER = "What should come out in the end is one whole number."
A_TENSOR = Kind("a tensor", "{name} returns a tensor of shape {shape}: return one number, {how}.", _ONE_NUMBER)
A_LIST = Kind("a list", "{name} returns {type}: return one number, how many channels there are in it.", _ONE_NUMBER)


def check_silent(f, *, exercise=None):
    """Check f(runs, step): how many channels of a step are zero at every position of every photograph.

    runs: name of a photograph → name of a step → the step's output, (C, h, w), never negative. The check calls f with
    maps of its own, in which every mistake gives another number than the right one.
    """
    runs, draw = {name: {} for name in PHOTOS}, torch.Generator().manual_seed(0)
    steps = {"stage1.2.relu3": (70, 6, 4), "stage2.3.relu3": (37, 3, 5), "stage4.2.relu3": (20, 2, 2)}
    for step, shape in steps.items():
        maps = 0.1 + torch.rand(len(PHOTOS), *shape, generator=draw)
        maps *= torch.rand(maps.shape, generator=draw) < 0.5
        maps[..., -1, -1] = 1  # whatever is not silenced below is on somewhere
        for i in range(len(PHOTOS)):
            # Silent on every set of photographs that there is, all of them among these; neither the first photograph
            # nor the last has the most or the fewest.
            maps[i, [c for c in range(shape[0]) if c >> (i + 3) % len(PHOTOS) & 1]] = 0
        maps[:, 0] = 0
        maps[-1, 0, 0, 0] = 0.003
        maps[:, -1] += 0.1  # without a single zero
        if step == "stage4.2.relu3":
            maps[:, [0, -1]] = 0  # to see who leaves out the first or the last channel
            maps[2] = 0  # and who counts photographs that are silent throughout
        for name, each in zip(PHOTOS, maps, strict=True):
            runs[name][step] = each
    return judge(
        f,
        lambda _, step: f"Of maps of shape {steps[step]}",
        [(runs, step) for step in steps],
        [SILENT],
        (
            "Try it on a tensor whose answer you can see: torch.tensor([[[0., 0.]], [[0., 1.]]]), (2, 1, 2).",
            "Stack the five tensors to (5, C, h, w), and ask of each channel whether it is zero everywhere.",
            "maps = torch.stack([run[step] for run in runs.values()]); (maps.amax(dim=(0, …, …)) == 0).sum().item()",
        ),
        read=_count,
        same=lambda a, b: near(a, b, 1e-5),
        stuck="Try it on one step, line by line, and print the shape after each line.",
        exercise=exercise,
    )


def _count(found):
    if isinstance(found, torch.Tensor) and found.numel() != 1:
        how = "and .sum() counts what is True" if found.dtype == torch.bool else "how many channels there are"
        return found, (A_TENSOR, {"shape": tuple(found.shape), "how": how})
    if isinstance(found, (list, tuple, set)):
        return found, (A_LIST, {"type": a_type(found)})
    return number(found)


# ── What a channel responds to ───────────────────────────────────────────────────────────────────────────────

STEP = "stage0.conv"
RESPONSE = """
    def response(pattern):
        maps = activations(network, pattern, ["stage0.conv"])["stage0.conv"][0]
        size = maps.abs()
        return size.mean((1, 2))
"""
RESPONSE_EDITS = """
    `size.mean((1, 2))` → `size.sum((1, 2))`
        You add up: take the mean over rows and columns.
    `size.mean((1, 2))` → `size.amax((1, 2))`
        You take the largest value: take the mean.
    `size.mean((1, 2))` → `size.flatten(1).median(1).values`
        You take the median: take the mean.
    Hint: What is the mean of 1 and −1? And what should the response to both be?
    `maps.abs()` → `maps`
        Take the absolute values before the mean, or + and − cancel.
    `maps.abs()` → `maps`; `(1, 2))` → `(1, 2)).abs()`
        The absolute value comes before the mean: afterwards + and − have cancelled already.
    `maps.abs()` → `maps.square()`
        You square the values: take their absolute value.
    `maps.abs()` → `maps.square()`; `(1, 2))` → `(1, 2)).sqrt()`
        You take the root of the mean square: take the mean of the absolute values.
    `maps.abs()` → `maps.relu()`
        You take the positive values alone: the absolute value counts the negative ones as well.
    `size.mean((1, 2))` → `maps.flatten(1).std(1)`
        You take the deviation: take the mean of the absolute values.
    Hint: Which step's name is in your code?
    `stage0.conv` → `stage0.bn`
        That is stage0.bn: the response of stage0.conv is expected, before BN.
    `stage0.conv` → `stage0.relu`
        That is stage0.relu, after BN and ReLU: the response of stage0.conv is expected.
"""
_SHAPES = "Print the shape of the maps, and again after each step."
NOT_VALUES = Kind("no values", "{name} returns {type}; return one number for each channel.")
NO_CHANNELS, OTHER_COUNT, KEPT, ONE_PICTURE, HALF, MAPS, OTHER_SHAPE = (
    Kind(kind, f"{{name}} returns {said}; return the shape ({{C}},).", _SHAPES)
    for kind, said in (
        ("no channels", "one number for all channels: leave the dimension of the channels out of the mean"),
        ("other count", "{count} numbers, and one for each of the {C} channels is expected"),
        (
            "sides kept",
            "values of shape {shape}: the numbers are there, with sides of 1 around them, as keepdim keeps them",
        ),
        ("only picture", "values of shape {shape}: [0] takes the only picture"),
        (
            "half a mean",
            "values of shape {shape}: the mean goes over both rows and columns, and not over one of them alone",
        ),
        ("no mean", "values of shape {shape}: the mean over rows and columns is missing"),
        ("other shape", "values of shape {shape}"),
    )
)
NETWORK_LEFT = Kind(
    "network left changed",
    "{name} leaves the network other than it was: {what}. Undo it at the end, for instance with handle.remove().",
    "What does a second call of your function find that the first did not?",
)
CHANNELS_LOST = Kind(
    "channels lost",
    "{name} returns values of shape {shape}: the mean goes over rows and columns, not over channels; "
    "return the shape ({C},).",
    _SHAPES,
)
OF_CHANNEL = Kind("other response", "{at}: of channel {channel} you say {yours:.4g} and it is {right:.4g}.")


@one_thread()
def check_response(f, network, *, exercise=None):
    """Check f(pattern): the mean absolute value of each channel of stage0.conv, (C,), for a pattern (1, 3, W, W)."""
    with evaluating(network):  # a notebook's may have been left in training mode, where BN needs more numbers
        return _of_response(f, network, exercise)


def _of_response(f, network, exercise):
    draw = torch.Generator().manual_seed(0)
    patterns = [0.5 + torch.randn(1, 3, W, W, generator=draw) for W in (64, 32)]
    maps = {len(p[0, 0]): activations(network, p, [STEP, "stage0.bn", "stage0.relu"]) for p in patterns}
    solution = Solution(
        RESPONSE, RESPONSE_EDITS, network=network, activations=lambda network, pattern, names: maps[len(pattern[0, 0])]
    )
    C, before = len(maps[64][STEP][0]), state(network)

    def read(found):
        if found is None:
            return found, (NO_RESULT, {"what": "one number for each channel"})
        try:
            values = torch.as_tensor(found).detach().float()
        except (TypeError, ValueError, RuntimeError):
            return found, (NOT_VALUES, {"type": a_type(found)})
        shape = tuple(values.shape)
        if shape == (C,):
            what = left(before, state(network))
            return values, (NETWORK_LEFT, {"what": what}) if what else None
        kind = _shape_kind(shape, C)
        return found, (kind, {"shape": shape, "C": C, "count": values.numel()})

    return judge(
        f,
        lambda pattern: f"For a pattern of {pattern.shape[-1]} pixels",
        [(p,) for p in patterns],
        [solution],
        (
            "Compute it for channel 0 alone, from a map of (h, w), and compare.",
            "The maps of the only picture, their absolute values, and the mean over the last two dimensions.",
            'activations(network, pattern, ["stage0.conv"])["stage0.conv"][0].abs().mean((…, …))',
        ),
        read=read,
        same=lambda a, b: a.shape == b.shape and torch.allclose(a, b, rtol=1e-4, atol=1e-6),
        differs=_first_channel,
        stuck="Print what activations gives: a dictionary. Which key do you need?",
        exercise=exercise,
    )


def _shape_kind(shape, C):
    """What is wrong with the shape of a response, a kind."""
    alone = [side for side in shape if side > 1]  # without sides of 1
    if len(shape) < 2:
        return OTHER_COUNT if shape else NO_CHANNELS
    if shape == (1, C):
        return ONE_PICTURE
    if alone[:1] == [C]:
        return {1: KEPT, 2: HALF, 3: MAPS}.get(len(alone), OTHER_SHAPE)
    return CHANNELS_LOST if len(alone) == 2 else OTHER_SHAPE


def _first_channel(yours, right):
    at = ((yours - right).abs() > 1e-6 + 1e-4 * right.abs()).nonzero()[0].item()
    return OF_CHANNEL, {"channel": at, "yours": yours[at].item(), "right": right[at].item()}


_HOW_MANY = "Print upright_channel. How many channels has stage0.conv?"
_ANSWERS = "Channel {n} answers {up:.2f} to upright and {lying:.2f} to lying stripes"
NO_CHANNEL = Kind(
    "no whole number", "upright_channel is {what}; return a whole number, as .argmax().item() does.", _HOW_MANY
)
OUTSIDE = Kind("no such channel", "There is no channel {n}: they are numbered from 0 to {last}.", _HOW_MANY)
OTHER_WAY = Kind(
    "other way round", f"{_ANSWERS}: it is the other way round.", "Which pattern do you subtract from which?"
)
HARDLY = Kind(
    "hardly answers",
    f"{_ANSWERS}: it hardly answers to anything (half of all channels answer with {{median:.2f}} or more to upright "
    "stripes).",
    "A quotient of two tiny numbers can be large as well.",
)
TOO_LITTLE = Kind("less than three times", f"{_ANSWERS}: that is not yet three times as much.")
STRONGEST = Kind(
    "the strongest",
    f"{_ANSWERS}: that is not yet three times as much. No channel answers more to upright stripes, but lying ones "
    "count as well.",
)


@one_thread()
def check_channel(channel, network, upright, lying, *, exercise=None):
    """Check the number of a channel of stage0.conv that answers to the pattern `upright` more than three times as
    strongly as to `lying`, and not only because it answers to nothing. Answer: mean absolute value."""
    with evaluating(network):
        one, other = (activations(network, p, [STEP])[STEP][0].abs().mean((1, 2)) for p in (upright, lying))

    def wrong(kind, **values):
        return refuse(
            "upright_channel",
            [Finding(kind, "upright_channel", values)],
            (
                "Print response(upright) and response(lying) of your channel side by side, and of its neighbours.",
                "Take the difference of the two responses, and the channel in which it is largest.",
                "upright_channel = (response(upright) - …).argmax().item()",
            ),
        )

    n, problem = number(channel)
    if problem or isinstance(n, bool) or not math.isfinite(n) or n != int(n):
        raise wrong(NO_CHANNEL, what=told(channel))
    if not 0 <= n < len(one):
        raise wrong(OUTSIDE, n=n, last=len(one) - 1)
    a, b, median = one[int(n)].item(), other[int(n)].item(), one.median().item()
    answers = {"n": n, "up": a, "lying": b}
    if b > 3 * a:
        raise wrong(OTHER_WAY, **answers)
    if a <= median:
        raise wrong(HARDLY, **answers, median=median)
    if a <= 3 * b:
        raise wrong(STRONGEST if n == one.argmax() else TOO_LITTLE, **answers)
    done(exercise)
    return Verdict(True, "upright_channel", f"{_ANSWERS}.".format(**answers))
