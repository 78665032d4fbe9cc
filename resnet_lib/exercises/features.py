"""Checks and questions about feature maps: silent channels, what a channel answers to, what a value sees, one value by
hand, and what occlusion costs."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from .._common import Finding, say
from ..activations import activations, recording
from ..anatomy import anatomy, shapes_only
from ..inside.attribution import occlusion_steps
from ..network import DESIGNS, resnet50
from ..photos import PHOTOS
from .holding import hold, number, refusal
from .prediction import Question
from .progress import done
from .sizes import BACKWARDS, FORWARDS, NO_JUMP
from .verdict import Verdict

# ── Silent channels ──────────────────────────────────────────────────────────────────────────────────────────


def check_silent(f, *, exercise=None):
    """f(runs, step): how many channels of a step are zero at every position of every photograph.

    runs: name of a photograph → name of a step → what the step gives out, (C, h, w), never negative. The check calls f
    with maps of its own, in which every mistake gives another number than the truth.
    """
    runs, draw = {name: {} for name in PHOTOS}, torch.Generator().manual_seed(0)
    steps = {"stage1.2.relu3": (70, 6, 4), "stage2.3.relu3": (37, 3, 5), "stage4.2.relu3": (20, 2, 2)}
    for step, shape in steps.items():
        maps = 0.1 + torch.rand(len(PHOTOS), *shape, generator=draw)
        maps *= torch.rand(maps.shape, generator=draw) < 0.5
        maps[..., -1, -1] = 1  # whatever is not silenced below is on somewhere
        for i in range(len(PHOTOS)):
            # Silent on every set of photographs that there is, all of them among these.
            maps[i, [c for c in range(shape[0]) if c >> i & 1]] = 0
        maps[:, 0] = 0
        maps[-1, 0, 0, 0] = 0.003
        maps[:, -1] += 0.1  # without a single zero
        if step == "stage4.2.relu3":
            maps[:, [0, -1]] = 0  # who leaves out the first or the last channel
        for name, each in zip(PHOTOS, maps, strict=True):
            runs[name][step] = each
    return hold(
        "silent",
        f,
        lambda _, step: f"Of maps of shape {steps[step]}",
        [(runs, step) for step in steps],
        lambda *case: _silent(set(), *case),
        _silent,
        SILENT,
        exercise,
        read=_count,
        same=lambda a, b: math.isclose(a, b, rel_tol=1e-5),
    )


SILENT = {
    "somewhere": "You count channels with a zero anywhere: all positions must be zero.",
    "any": "You count channels that are silent on any photograph: it must be all five.",
    "sum": "You add up the five photographs: count a channel once, and only if all five are silent.",
    "mean": "You take the mean over the five photographs: count a channel once, and only if all five are silent.",
    "first": "You looked at the first photograph, the cat, alone: take all five.",
    "last": "You looked at the last photograph alone: does the loop forget the others, or return too early?",
    "loud": "Those are the channels that are on somewhere: the others are wanted.",
    "values": "You count zeros, and not channels: a channel counts once, if all its values are zero.",
    "axis": "You ask which photographs are silent: what is left must be one answer for each channel, (C,).",
    "nearly": "A channel that is on a little, 0.003 at one position, is not silent: compare with 0 itself.",
    "share": "You give their share: count them, and do not divide by the number of channels.",
    "all": "You count all channels: is the comparison with 0 missing?",
}


def _silent(wrong, runs, step):
    maps = torch.stack([run[step] for run in runs.values()]).flatten(2)  # (5, C, h·w)
    zero = maps < 0.01 if "nearly" in wrong else maps == 0
    quiet = zero.any(2) if "somewhere" in wrong else zero.all(2)  # (5, C)
    if "values" in wrong:
        return zero.sum().item()
    if "axis" in wrong:
        return quiet.all(1).sum().item()
    if {"sum", "mean"} & wrong:
        count = quiet.sum().item() / (len(maps) if "mean" in wrong else 1)
    else:
        on = quiet[0] if "first" in wrong else quiet[-1] if "last" in wrong else None
        count = (on if on is not None else quiet.any(0) if "any" in wrong else quiet.all(0)).sum().item()
    count = quiet.shape[1] if "all" in wrong else quiet.shape[1] - count if "loud" in wrong else count
    return count / quiet.shape[1] if "share" in wrong else count


def _count(found):
    if isinstance(found, torch.Tensor) and found.numel() != 1:
        count = "and .sum() counts what is True" if found.dtype == torch.bool else "how many channels there are"
        return found, f"a tensor of shape {tuple(found.shape)}: one number is wanted, {count}"
    if isinstance(found, (list, tuple, set)):
        return found, f"a {type(found).__name__}: one number is wanted, how many channels there are in it"
    return number(found)


# ── What a channel answers to ────────────────────────────────────────────────────────────────────────────────


def check_response(f, network, *, step="stage0.conv", exercise=None):
    """f(pattern): the mean absolute value of each channel of a step of `network`, (C,), for a pattern (1, 3, W, W)."""
    draw = torch.Generator().manual_seed(0)
    patterns = [0.5 + torch.randn(1, 3, W, W, generator=draw) for W in (64, 32)]

    def true(pattern):
        return _response(set(), network, step, pattern)

    def read(found):
        C = len(true(patterns[0]))
        if found is None:
            return found, "None: let it return one number for each channel"
        try:
            values = torch.as_tensor(found).detach().float()
        except (TypeError, ValueError, RuntimeError):
            return found, f"a {type(found).__name__}, and one number a channel is wanted"
        if tuple(values.shape) == (C,):
            return values, ""
        more = {
            0: "one number for all channels: leave the dimension of the channels out of the mean",
            1: f"{len(values) if values.dim() else 1} numbers, and one for each of the {C} channels is wanted",
            2: "values of shape {}: [0] takes the only picture",
            3: "values of shape {}: the mean over rows and columns is missing",
            4: "values of shape {}: [0] takes the only picture, and the mean over rows and columns is missing",
        }.get(values.dim(), "values of shape {}").format(tuple(values.shape))
        if values.dim() == 2 and values.shape[0] > 1:
            more = f"values of shape {tuple(values.shape)}: the mean goes over rows and columns, not over channels"
        return found, f"{more}; ({C},) is wanted"

    return hold(
        "response",
        f,
        lambda pattern: f"For a pattern of {pattern.shape[-1]} pixels",
        [(p,) for p in patterns],
        true,
        lambda wrong, pattern: _response(wrong, network, step, pattern),
        RESPONSE,
        exercise,
        read=read,
        same=_near,
        tell=_first_channel,
    )


RESPONSE = {
    "signed": "Take the absolute values before the mean, or + and − cancel.",
    "outside": "The absolute value comes before the mean: afterwards + and − have cancelled already.",
    "sum": "You add up: take the mean over rows and columns.",
    "max": "You take the largest value: take the mean.",
    "square": "You square the values: take their absolute value.",
    "root": "You take the root of the mean square: take the mean of the absolute values.",
    "relu": "You take the positive values alone: the absolute value counts the negative ones as well.",
    "bn": "That is stage0.bn: the response is asked of stage0.conv, before BN.",
    "relu step": "That is stage0.relu, after BN and ReLU: the response is asked of stage0.conv.",
    "median": "You take the median: take the mean.",
    "deviation": "You take the deviation: take the mean of the absolute values.",
}


def _response(wrong, network, step, pattern):
    part = step.rpartition(".")[0]
    at = f"{part}.bn" if "bn" in wrong else f"{part}.relu" if "relu step" in wrong else step
    maps = activations(network, pattern, [at])[at][0].flatten(1)
    if "deviation" in wrong:
        return maps.std(1)
    if "square" in wrong or "root" in wrong:
        return maps.square().mean(1) if "square" in wrong else maps.square().mean(1).sqrt()
    if "relu" in wrong:
        maps = maps.relu()
    elif not {"signed", "outside"} & wrong:
        maps = maps.abs()
    if {"max", "median"} & wrong:
        return maps.amax(1) if "max" in wrong else maps.median(1).values
    mean = maps.sum(1) if "sum" in wrong else maps.mean(1)
    return mean.abs() if "outside" in wrong else mean


def _near(a, b):
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-4, atol=1e-6)


def _first_channel(yours, right):
    at = ((yours - right).abs() > 1e-6 + 1e-4 * right.abs()).nonzero()[0].item()
    return f"of channel {at} you say {yours[at]:.4g} and it is {right[at]:.4g}"


def check_channel(channel, network, upright, lying, *, step="stage0.conv", exercise=None):
    """channel: number of a channel of a step of `network` that answers to the pattern `upright` more than three times
    as strongly as to `lying`, and not only because it answers to nothing. Answer: mean absolute value."""
    one, other = (_response(set(), network, step, pattern) for pattern in (upright, lying))

    def wrong(sentence):
        return refusal("channel", "upright_channel", sentence)

    n, problem = number(channel)
    if problem or n != int(n):
        got = f"is {problem.partition(':')[0]}" if problem else f"is {n}"
        raise wrong(f"upright_channel {got}: a whole number is wanted, and .argmax().item() makes one.")
    if not 0 <= n < len(one):
        raise wrong(f"There is no channel {n}: they are numbered from 0 to {len(one) - 1}.")
    a, b = one[int(n)].item(), other[int(n)].item()
    said = f"Channel {n} answers {a:.2f} to upright and {b:.2f} to lying stripes"
    if b > 3 * a:
        raise wrong(f"{said}: it is the other way round.")
    if a <= one.median():
        few = f"half of all channels answer with {one.median():.2f} or more to upright stripes"
        raise wrong(f"{said}: it hardly answers to anything ({few}).")
    if a <= 3 * b:
        most = " No channel answers more to upright stripes, but lying ones count as well."
        raise wrong(f"{said}: that is not yet three times as much.{most if n == one.argmax() else ''}")
    done(exercise)
    return Verdict(True, "upright_channel", f"{said}.")


# ── The receptive field ──────────────────────────────────────────────────────────────────────────────────────

STAGES = ("stage1", "stage2", "stage3", "stage4")


def field_question(stage):
    """How many pixels along a side a value at the end of "stage1", … "stage4" of ResNet-50 (v1.5) sees. ValueError for
    another name."""
    if stage not in STAGES:
        raise ValueError(f"stage = {stage!r} must be one of {', '.join(map(repr, STAGES))}")
    with shapes_only():
        ends = {s.name: s for s in anatomy(resnet50(), 224).by_stage()}
    at = STAGES.index(stage)
    before, end = ends[f"stage{at}"], ends[stage]
    answer, counts = end.receptive_field, list(DESIGNS["resnet50"].blocks[: at + 1])
    fewer, more = ([*counts[:-1], counts[-1] + n] for n in (-1, 1))
    wrong = [
        (
            _field(_steps(counts, late=True)),
            "The jump doubled too early, as in v1: here the stride counts only after the 3×3 that has it.",
        ),
        (_field(_steps(counts, first=2)), "Stage 1 has S = 1: the pooling before it has taken the stride."),
        (_field(_steps(counts, all_strided=True)), "Only the first block of a stage has S = 2."),
        (_field(_steps(counts, strided=False)), "The first block of Stages 2, 3 and 4 has S = 2: the jump doubles."),
        (_field(_steps(counts)[2:]), "The stem comes before: begin with r = 11 and j = 4."),
        (_field(_steps(counts)[:1] + _steps(counts)[2:]), "The pooling belongs to the stem: it has stride 2 as well."),
        (_field(_steps(counts, twice=True)), "A bottleneck has one 3×3, and not two."),
        (_field(_steps(fewer)), f"Stage {at + 1} has {counts[-1]} blocks: you count one too few."),
        (_field(_steps(more)), f"Stage {at + 1} has {counts[-1]} blocks: you count one too many."),
        (end.jump, "That is the jump, from one value to its neighbour: the reach is asked for."),
        (before.receptive_field, "That is what the stage is given: its own blocks are still missing."),
        (before.receptive_field + 2 * counts[-1], say(Finding(NO_JUMP))),
        *((value, say(found)) for way in (FORWARDS, BACKWARDS) for found, value in way.mistakes(_steps(counts))),
    ]
    adds = [2 * (before.jump if i == 0 else end.jump) for i in range(counts[-1])]

    def slip(guess):
        found = next((sentence for value, sentence in wrong if value == guess != answer), "")
        return found or f"From {before.receptive_field} on, each 3×3 adds twice the jump that it finds."

    return Question(
        f"Stage {at + 1}: how many pixels along a side does a value at its end see?",
        "number",
        answer,
        slip,
        f"{' + '.join(map(str, [before.receptive_field, *adds]))} = {answer}.",
        hints=(
            f"The stage is given r = {before.receptive_field} and j = {before.jump}. Its 3×3s alone change r.",
            f"Each 3×3 adds (3 − 1) · j. The first still finds j = {before.jump}, the others j = {end.jump}.",
            f"{before.receptive_field} + {adds[0]} + {counts[-1] - 1} · …",
        ),
    )


def _field(steps):
    return FORWARDS.made()(steps)


def _steps(counts, *, first=1, late=False, all_strided=False, strided=True, twice=False):
    """(kernel, stride) from the picture to the end of the last of these stages; late: the stride before the 3×3."""
    steps = [(7, 2), (3, 2)]
    for stage, n in enumerate(counts):
        for block in range(n):
            S = (2 if stage else first) if strided and (block == 0 or all_strided) else 1
            steps += [(1, S), (3, 1)] if late else [(3, S)]
            steps += [(3, 1)] if twice else []
    return steps


# ── One value of a convolution ───────────────────────────────────────────────────────────────────────────────


def check_one_value(f, given, weight, *, exercise=None):
    """f(channel, row, column): one value of the 3×3 convolution with stride 2, padding 1 and these weights.

    given: its input, (C, H, W). weight: (C_out, C, 3, 3). The positions tried lie inside, where no padding is needed.
    """
    given, weight = given.detach(), weight.detach()
    out = F.conv2d(given[None].double(), weight.double(), stride=2, padding=1)[0]
    (C, h, w), draw = out.shape, torch.Generator().manual_seed(0)

    def any_of(low, high):
        return torch.randint(low, high, (), generator=draw).item()

    cases = [(C - 1, 1, 2), *((any_of(0, C), any_of(1, h - 1), any_of(1, w - 1)) for _ in range(11))]
    close = 1e-4 * out.abs().mean().item()
    return hold(
        "one_value",
        f,
        ("channel", "row", "column"),
        cases,
        lambda *at: out[at].item(),
        lambda wrong, *at: _one_value(wrong, given, weight, *at),
        ONE_VALUE,
        exercise,
        read=_one_number,
        same=lambda a, b: abs(a - b) <= close,
        tell=lambda a, b: f"you say {a:.4f} and it is {b:.4f}",
        meanings=WINDOWS,
    )


WINDOWS = [
    (
        r"size of tensor \w \(([234])\) must match the size of tensor \w \([234]\) at non-singleton dimension [12]",
        "Window and kernel are not equally long: a slice ends before its last number, so begin : begin + 3.",
    ),
    (
        r"size of tensor a \(\d+\) must match the size of tensor b \(\d+\) at non-singleton dimension [12]",
        "The window is not 3 × 3. given has three sides, with a comma after each: given[:, rows, columns].",
    ),
    (
        r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\)",
        "The channels differ, {0} and {1}: multiply all of given[:, …, …] by weight[channel].",
    ),
]
ONE_VALUE = {
    "stride": "The stride is missing: neighbours in the output lie two apart in the input.",
    "padding": "The padding is missing: the window begins one row and one column earlier, at 2 · row − 1.",
    "inside": "The padding is counted in pixels of the input: 2 · row − 1, and not 2 · (row − 1).",
    "plus": "The padding moves the window back: 2 · row − 1, and not + 1.",
    "swapped": "Rows and columns are swapped: given is (C, rows, columns).",
    "mean": "You take the mean of the products: a convolution adds them up.",
    "largest": "You take the largest product: a convolution adds them up.",
    "one channel": "That is the first channel of the input alone: add up all of them.",
    "own channel": "You cut the window out of given[channel] alone: all channels of the input belong to it.",
    "all kernels": "That is the sum over all kernels: the one that makes this channel is weight[channel].",
    "transposed": "You take weight[:, channel]: the kernel that makes this channel is weight[channel].",
    "flipped": "Your kernel is turned round: PyTorch multiplies the window with it as it stands.",
    "no weight": "You add up the window: multiply it by weight[channel] first.",
    "2×2": "Your window is 2 × 2: a slice ends before its last number, so begin and begin + 3.",
    "centre": "That is the centre of the window alone: 3 × 3 values belong to it.",
    "relu": "The ReLU comes two steps later: a convolution gives negative values as well.",
    "absolute": "Products may be negative: leave their sign as it is.",
}
# Right along one axis, and wrong along the other.
ONE_VALUE |= {
    f"{axis} {name}": f"Of the {axis} alone: {ONE_VALUE[name]}"
    for axis in ("rows", "columns")
    for name in ("stride", "padding", "inside", "plus")
}


def _one_value(wrong, given, weight, channel, row, column):
    row, column = (column, row) if "swapped" in wrong else (row, column)
    top, left = _begin(wrong, "rows", row), _begin(wrong, "columns", column)
    kernel = weight[:, channel] if "transposed" in wrong else weight[channel]
    kernel = weight.sum(0) if "all kernels" in wrong else kernel
    part = slice(channel, channel + 1) if "own channel" in wrong else slice(None)
    window, kernel = given[part, top : top + 3, left : left + 3].double(), kernel.double()
    kernel = kernel.flip(1, 2) if "flipped" in wrong else torch.ones_like(kernel) if "no weight" in wrong else kernel
    if "2×2" in wrong or "centre" in wrong:
        part = slice(0, 2) if "2×2" in wrong else slice(1, 2)
        window, kernel = window[:, part, part], kernel[:, part, part]
    products = (window * kernel)[: 1 if "one channel" in wrong else None]
    products = products.abs() if "absolute" in wrong else products
    value = products.mean() if "mean" in wrong else products.max() if "largest" in wrong else products.sum()
    return (value.relu() if "relu" in wrong else value).item()


def _begin(wrong, axis, i):
    wrong = {w.removeprefix(f"{axis} ") for w in wrong}
    back = -1 if "plus" in wrong else 2 if "inside" in wrong else 0 if "padding" in wrong else 1
    return (1 if "stride" in wrong else 2) * i - back


def _one_number(found):
    if isinstance(found, torch.Tensor) and found.numel() != 1:
        return found, f"values of shape {tuple(found.shape)}: add up channels, rows and columns, to one number"
    if isinstance(found, (list, tuple)):
        return found, f"a {type(found).__name__}: add up all products, to one number"
    return number(found)


# ── What occlusion costs ─────────────────────────────────────────────────────────────────────────────────────


def occlusion_question(W, patch, stride):
    """How many pictures a network sees in an occlusion of a picture of W × W pixels. ValueError as `occlusion`."""
    counted = []
    network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())  # as small as a network can be
    with recording({"": network}, inputs=[""], note=lambda call: counted.append(len(call.inputs[0]))):
        for _ in occlusion_steps(network, torch.zeros(1, 3, W, W), patch=patch, stride=stride):
            pass
    answer, n = sum(counted), -(-W // stride)
    wrong = {
        answer - 1: "And one more, the photograph with nothing hidden.",
        n + 1: "Along both sides: the number of positions is squared.",
        n: "Along both sides: the number of positions is squared. And one more, with nothing hidden.",
        (n + 1) ** 2: "The one picture more is added at the end, and not to each side.",
    }
    for side, why in [
        (-(-W // patch), "Divide by the stride: how large the patch is does not matter."),
        (W // stride, "W / stride is not whole: round up, the last patch ends where the picture ends."),
        ((W - patch) // stride + 1, "The patch may hang over the border: W / stride positions, whatever its size."),
        (W, "The patch moves by the stride, and not pixel by pixel."),
    ]:
        wrong.setdefault(side**2 + 1, why)
        wrong.setdefault(side**2, f"{why} And one more, the photograph with nothing hidden.")
    wrong.setdefault(2 * n + 1, "Rows times columns, and not rows plus columns.")
    return Question(
        f"W = {W}, patch = {patch}, stride = {stride}: how many pictures?",
        "number",
        answer,
        lambda guess: wrong.get(guess, "Positions along one side, squared, plus one.") if guess != answer else "",
        f"{n} · {n} + 1.",
        hints=(
            "Draw one side with the places where the patch begins. How many are there, and how many along both?",
            f"Along one side {W} / {stride} = {W / stride:g} positions, rounded up.",
            f"{n} · … + …",
        ),
    )
