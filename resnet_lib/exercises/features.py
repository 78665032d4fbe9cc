"""Checks and questions about feature maps: silent channels, what a channel responds to, what a value sees, one value by
hand, and what occlusion costs."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from .._common import Finding, Kind, one_thread
from ..activations import activations, recording
from ..anatomy import anatomy, shapes_only
from ..inside.attribution import occlusion_steps
from ..network import DESIGNS, resnet50
from ..photos import PHOTOS
from .judge import NO_RESULT, OTHER, Solution, judge, number
from .prediction import Question
from .progress import done
from .sizes import BACKWARDS, FORWARDS, NO_JUMP
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
A_LIST = Kind("a list", "{name} returns a {type}: return one number, how many channels there are in it.", _ONE_NUMBER)


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
            # Silent on every set of photographs that there is, all of them among these.
            maps[i, [c for c in range(shape[0]) if c >> i & 1]] = 0
        maps[:, 0] = 0
        maps[-1, 0, 0, 0] = 0.003
        maps[:, -1] += 0.1  # without a single zero
        if step == "stage4.2.relu3":
            maps[:, [0, -1]] = 0  # to see who leaves out the first or the last channel
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
        same=lambda a, b: math.isclose(a, b, rel_tol=1e-5),
        stuck="Try it on one step, line by line, and print the shape after each line.",
        exercise=exercise,
    )


def _count(found):
    if isinstance(found, torch.Tensor) and found.numel() != 1:
        how = "and .sum() counts what is True" if found.dtype == torch.bool else "how many channels there are"
        return found, (A_TENSOR, {"shape": tuple(found.shape), "how": how})
    if isinstance(found, (list, tuple, set)):
        return found, (A_LIST, {"type": type(found).__name__})
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
NOT_VALUES = Kind("no values", "{name} returns a {type}; return one number for each channel.")
RESPONSE_SHAPES = {
    n: Kind(f"{n} dimensions", f"{{name}} returns {said}; return the shape ({{C}},).", _SHAPES)
    for n, said in (
        (0, "one number for all channels: leave the dimension of the channels out of the mean"),
        (1, "{count} numbers, and one for each of the {C} channels is expected"),
        (2, "values of shape {shape}: [0] takes the only picture"),
        (3, "values of shape {shape}: the mean over rows and columns is missing"),
        (4, "values of shape {shape}: [0] takes the only picture, and the mean over rows and columns is missing"),
        (5, "values of shape {shape}"),
    )
}
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
    draw = torch.Generator().manual_seed(0)
    patterns = [0.5 + torch.randn(1, 3, W, W, generator=draw) for W in (64, 32)]
    maps = {len(p[0, 0]): activations(network, p, [STEP, "stage0.bn", "stage0.relu"]) for p in patterns}
    solution = Solution(
        RESPONSE, RESPONSE_EDITS, network=network, activations=lambda network, pattern, names: maps[len(pattern[0, 0])]
    )
    C = len(maps[64][STEP][0])

    def read(found):
        if found is None:
            return found, (NO_RESULT, {"what": "one number for each channel"})
        try:
            values = torch.as_tensor(found).detach().float()
        except (TypeError, ValueError, RuntimeError):
            return found, (NOT_VALUES, {"type": type(found).__name__})
        shape = tuple(values.shape)
        if shape == (C,):
            return values, None
        kind = CHANNELS_LOST if len(shape) == 2 and shape[0] > 1 else RESPONSE_SHAPES[min(len(shape), 5)]
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
    if problem or n != int(n):
        raise wrong(NO_CHANNEL, what="None" if n is None else f"a {type(n).__name__}" if problem else n)
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


# ── The receptive field ──────────────────────────────────────────────────────────────────────────────────────

STAGES = ("stage1", "stage2", "stage3", "stage4")
# (kernel, stride) from the picture to the end of the last of these stages, which have so many blocks.
FIELD = Solution(
    """
    def steps(counts):
        found = [(7, 2), (3, 2)]
        for stage, n in enumerate(counts):
            for block in range(n):
                S = 2 if stage > 0 and block == 0 else 1
                found += [(3, S)]
        return found
    """,
    """
    `[(3, S)]` → `[(1, S), (3, 1)]`
        The jump doubled too early, as in v1: here the stride counts only after the 3×3 that has it.
    `stage > 0 and` → ``
        Stage 1 has S = 1: the pooling before it has taken the stride.
    `and block == 0` → ``
        Only the first block of a stage has S = 2.
    `2 if stage > 0 and block == 0 else 1` → `1`
        The first block of Stages 2, 3 and 4 has S = 2: the jump doubles.
    `found = [(7, 2), (3, 2)]` → `found = []`
        The stem comes before: begin with r = 11 and j = 4.
    `, (3, 2)]` → `]`
        The pooling belongs to the stem: it has stride 2 as well.
    `[(3, S)]` → `[(3, S), (3, 1)]`
        A bottleneck has one 3×3, and not two.
    `range(n)` → `range(n - (stage == len(counts) - 1))`
        Count the blocks of the last stage: you have one too few.
    `range(n)` → `range(n + (stage == len(counts) - 1))`
        Count the blocks of the last stage: you have one too many.
    """,
)
JUMP = Kind("the jump", "That is the jump, from one value to its neighbour; the question is how far a value sees.")
BEFORE = Kind("before the stage", "That is what the stage is given: its own blocks are still missing.")


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
    wrong = [
        *((FORWARDS.made()(steps), found) for found, steps in FIELD.mistakes(counts)),
        (end.jump, Finding(JUMP)),
        (before.receptive_field, Finding(BEFORE)),
        (before.receptive_field + 2 * counts[-1], NO_JUMP),
        *((value, found) for way in (FORWARDS, BACKWARDS) for found, value in way.mistakes(FIELD.made()(counts))),
    ]
    adds = [2 * (before.jump if i == 0 else end.jump) for i in range(counts[-1])]

    def slip(guess):
        found = next((found for value, found in wrong if value == guess != answer), None)
        return str(found) if found else f"From {before.receptive_field} on, each 3×3 adds twice the jump that it finds."

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


# ── One value of a convolution ───────────────────────────────────────────────────────────────────────────────

_ROWS = "Write down, for row = 1, which three rows of the input are under the kernel."
ONE_VALUE = """
    def by_hand(channel, row, column):
        top = 2 * row - 1
        left = 2 * column - 1
        window = given[:, top : top + 3, left : left + 3]
        kernel = weight[channel]
        products = window * kernel
        return products.sum().item()
"""
# Right along one axis, and wrong along the other, comes last.
ONE_VALUE_EDITS = """
    `def by_hand(channel, row, column)` → `def by_hand(channel, column, row)`
        Rows and columns are swapped: given is (C, rows, columns).
    `products.sum()` → `products.mean()`
        You take the mean of the products: a convolution adds them up.
    `products.sum()` → `products.max()`
        You take the largest product: a convolution adds them up.
    `window * kernel` → `(window * kernel)[:1]`
        That is the first channel of the input alone: add up all of them.
    `given[:,` → `given[channel : channel + 1,`
        You cut the window out of given[channel] alone: all channels of the input belong to it.
    `weight[channel]` → `weight.sum(0)`
        That is the sum over all kernels: the one that makes this channel is weight[channel].
    `weight[channel]` → `weight[:, channel]`
        You take weight[:, channel]: the kernel that makes this channel is weight[channel].
    `window * kernel` → `window * kernel.flip(1, 2)`
        Your kernel is turned round: PyTorch multiplies the window with it as it is.
    `window * kernel` → `window`
        You add up the window: multiply it by weight[channel] first.
    `window * kernel` → `(window * kernel)[:, :2, :2]`
        Your window is 2 × 2: a slice ends before its last number, so begin and begin + 3.
    `window * kernel` → `(window * kernel)[:, 1, 1]`
        That is the centre of the window alone: 3 × 3 values belong to it.
    `.item()` → `.relu().item()`
        The ReLU comes two steps later: a convolution gives negative values as well.
    `return products` → `return products.abs()`
        Products may be negative: leave their sign as it is.
"""
_AXES = {
    "`2 * {0}` → `{0}`": "The stride is missing: neighbours in the output lie two apart in the input.",
    "`{0} - 1` → `{0}`": "The padding is missing: the window begins one row and one column earlier, at 2 · row − 1.",
    "`{0} - 1` → `{0} - 2`": "The padding is counted in pixels of the input: 2 · row − 1, and not 2 · (row − 1).",
    "`{0} - 1` → `{0} + 1`": "The padding moves the window back: 2 · row − 1, and not + 1.",
}
ONE_VALUE_EDITS += f"    Hint: {_ROWS}\n" + "".join(
    f"    {'; '.join(map(change.format, axes))}\n        {said}{sentence}\n"
    for axes, said in (
        (("row", "column"), ""),
        (("row",), "Of the rows alone: "),
        (("column",), "Of the columns alone: "),
    )
    for change, sentence in _AXES.items()
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
_ONE_SUM = "One number comes out: .sum() of all products."
VALUES = Kind(
    "several values",
    "{name} returns values of shape {shape}: add up channels, rows and columns, to one number.",
    _ONE_SUM,
)
LIST = Kind("a list", "{name} returns a {type}: add up all products, to one number.", _ONE_SUM)


@one_thread()
def check_one_value(f, given, weight, *, exercise=None):
    """Check f(channel, row, column): one value of the 3×3 convolution with stride 2, padding 1 and these weights.

    given: its input, (C, H, W). weight: (C_out, C, 3, 3). The positions tried lie inside, where no padding is needed.
    """
    given, weight = given.detach().double(), weight.detach().double()
    out = F.conv2d(given[None], weight, stride=2, padding=1)[0]
    (C, h, w), draw = out.shape, torch.Generator().manual_seed(0)

    def any_of(low, high):
        return torch.randint(low, high, (), generator=draw).item()

    close = 1e-4 * out.abs().mean().item()
    return judge(
        f,
        ("channel", "row", "column"),
        [(C - 1, 1, 2), *((any_of(0, C), any_of(1, h - 1), any_of(1, w - 1)) for _ in range(11))],
        [Solution(ONE_VALUE, ONE_VALUE_EDITS, given=given, weight=weight)],
        (
            "Print the shapes of what you multiply, the window and weight[channel]: both are (C, 3, 3).",
            "A window of 3 × 3 of the input, all its channels, times the kernel of this channel, all added up.",
            "top, left = 2 * row - 1, …; (given[:, top : top + 3, left : …] * weight[channel]).sum().item()",
        ),
        true=lambda *at: out[at].item(),
        read=_one_number,
        same=lambda a, b: abs(a - b) <= close,
        differs=lambda a, b: (OTHER, {"yours": f"{a:.4f}", "right": f"{b:.4f}"}),
        meanings=WINDOWS,
        stuck="Print the shape of the window that you cut out, for row 1, column 2: (C, 3, 3) is expected.",
        exercise=exercise,
    )


def _one_number(found):
    if isinstance(found, torch.Tensor) and found.numel() != 1:
        return found, (VALUES, {"shape": tuple(found.shape)})
    if isinstance(found, (list, tuple)):
        return found, (LIST, {"type": type(found).__name__})
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
