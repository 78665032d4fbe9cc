"""The checks and questions of lesson 07: right solutions in several ways, wrong ones with the mistake named.

RIGHT and WRONG are what a learner writes in the exercise's cell, as source texts, by the name of the function.
"""

import copy
import math

import numpy
import pytest
import torch

from resnet_lib import activations, anatomy, resnet50, shapes_only
from resnet_lib._common import seeded
from resnet_lib.compare.proof import draw_norms
from resnet_lib.exercises import (
    Wrong,
    check_channel,
    check_one_value,
    check_response,
    check_silent,
    field_question,
    occlusion_question,
    predict,
    solved,
)
from resnet_lib.network import ResNet
from resnet_lib.photos import PHOTOS


def small():
    network = ResNet(blocks=(1, 1, 1, 1), base=8, num_classes=4)
    with torch.no_grad():
        draw_norms(network)
    return network.eval()


NETWORK = seeded(0, small)
DRAW = torch.Generator().manual_seed(0)
GIVEN, WEIGHT = torch.randn(12, 16, 16, generator=DRAW), torch.randn(12, 12, 3, 3, generator=DRAW)
CHECKS = {
    "silent": check_silent,
    "response": lambda f: check_response(f, NETWORK),
    "by_hand": lambda f: check_one_value(f, GIVEN, WEIGHT),
}
# What the lesson's cells before the exercise have given a name.
SPACE = {
    "torch": torch,
    "np": numpy,
    "math": math,
    "PHOTOS": PHOTOS,
    "activations": activations,
    "network": NETWORK,
    "given": GIVEN,
    "weight": WEIGHT,
    "copy": copy,
}

# ── Solutions of learners ────────────────────────────────────────────────────────────────────────────────────

RIGHT = {
    "silent": [
        """
def silent(runs, step):
    maps = torch.stack([run[step] for run in runs.values()])
    return (maps.amax(dim=(0, 2, 3)) == 0).sum().item()
""",
        """
def silent(runs, step):
    count = 0
    for c in range(len(runs["cat"][step])):
        if all(runs[name][step][c].max() == 0 for name in PHOTOS):
            count += 1
    return count
""",
        """
def silent(runs, step):
    quiet = None
    for run in runs.values():
        here = (run[step] == 0).flatten(1).all(1)
        quiet = here if quiet is None else quiet & here
    return quiet.sum()
""",
        """
def silent(runs, step):
    sets = []
    for name in runs:
        sets.append({c for c, plane in enumerate(runs[name][step]) if not plane.any()})
    return len(set.intersection(*sets))
""",
        """
def silent(runs, step):
    total = sum(run[step].sum((1, 2)) for run in runs.values())
    return int((total < 1e-6).sum())
""",
        """
def silent(runs, step):
    maps = np.stack([run[step].numpy() for run in runs.values()])
    return np.count_nonzero(maps.max(axis=(0, 2, 3)) == 0)
""",
        """
def silent(runs, step):
    on = torch.zeros(runs["cat"][step].shape[0], dtype=torch.bool)
    for run in runs.values():
        on |= run[step].flatten(1).max(1).values > 0
    return len(on) - torch.count_nonzero(on).item()
""",
    ],
    "response": [
        """
def response(pattern):
    return activations(network, pattern, ["stage0.conv"])["stage0.conv"][0].abs().mean((1, 2))
""",
        """
def response(pattern):
    maps = network.stage0.conv(pattern)
    return maps.abs().mean(dim=(0, 2, 3)).detach()
""",
        """
def response(pattern):
    with torch.no_grad():
        maps = network.stage0.conv(pattern).squeeze(0)
    return [plane.abs().mean().item() for plane in maps]
""",
        """
def response(pattern):
    maps = activations(network, pattern, "stage0.conv")["stage0.conv"][0].numpy()
    return np.abs(maps).reshape(len(maps), -1).mean(1)
""",
        """
def response(pattern):
    maps = activations(network, pattern, ["stage0.conv"])["stage0.conv"]
    maps = torch.where(maps < 0, -maps, maps)
    return maps[0].sum((1, 2)) / maps[0, 0].numel()
""",
    ],
    "by_hand": [
        """
def by_hand(channel, row, column):
    top, left = 2 * row - 1, 2 * column - 1
    window = given[:, top : top + 3, left : left + 3]
    return (window * weight[channel]).sum().item()
""",
        """
def by_hand(channel, row, column):
    total = 0.0
    for c in range(given.shape[0]):
        for i in range(3):
            for j in range(3):
                total += given[c, 2 * row - 1 + i, 2 * column - 1 + j] * weight[channel, c, i, j]
    return total
""",
        """
def by_hand(channel, row, column):
    padded = torch.nn.functional.pad(given, (1, 1, 1, 1))
    window = padded[:, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
    return torch.einsum("chw,chw->", window, weight[channel])
""",
        """
def by_hand(channel, row, column):
    return torch.nn.functional.conv2d(given[None], weight, stride=2, padding=1)[0, channel, row, column].item()
""",
        """
def by_hand(channel, row, column):
    rows = [2 * row + i for i in (-1, 0, 1)]
    columns = [2 * column + i for i in (-1, 0, 1)]
    window = given[:, rows][:, :, columns].numpy()
    return np.dot(window.ravel(), weight[channel].numpy().ravel())
""",
    ],
}


def edited(name, *changes, which=0):
    """A right solution with pieces of its text exchanged."""
    text = RIGHT[name][which]
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


WRONG = {
    "silent": [
        (
            edited("silent", ("(maps.amax(dim=(0, 2, 3)) == 0)", "(maps == 0).flatten(2).any(2).all(0)")),
            "zero anywhere",
        ),
        (
            edited("silent", ("amax", "amin")),
            "zero anywhere: all positions must be zero. And: You count channels that are",
        ),
        (edited("silent", ("quiet & here", "quiet | here"), which=2), "silent on any photograph"),
        (edited("silent", ("all(runs", "any(runs"), which=1), "silent on any photograph"),
        (edited("silent", (".amax(dim=(0, 2, 3)) == 0", ".amax(dim=(2, 3)) == 0")), "add up the five photographs"),
        (edited("silent", (".sum().item()", ".sum().item() / 5"), ("(0, 2, 3)", "(2, 3)")), "mean over the five"),
        ("def silent(runs, step):\n    return (runs['cat'][step].amax((1, 2)) == 0).sum().item()", "the cat, alone"),
        (
            "def silent(runs, step):\n    for run in runs.values():\n        n = (run[step].amax((1, 2)) == 0).sum()\n"
            "    return n",
            "the last photograph alone",
        ),
        (edited("silent", ("== 0", "> 0")), "on somewhere"),
        (edited("silent", (".amax(dim=(0, 2, 3))", "")), "You count zeros, and not channels"),
        (edited("silent", ("(0, 2, 3)", "(1, 2, 3)")), "which photographs are silent"),
        (edited("silent", ("== 0", "< 0.01")), "compare with 0 itself"),
        (edited("silent", (".sum().item()", ".float().mean().item()")), "You give their share"),
        (edited("silent", (".sum()", ".numel()"), (".item()", "")), "count all channels"),
        (edited("silent", ("== 0).sum().item()", "== 0)")), "a tensor of shape (70,): return one number"),
        (edited("silent", ("return (", "return list("), (".sum().item()", "")), "returns a list: return one number"),
        (edited("silent", ("return (", "(")), "returns None"),
        (edited("silent", ("range(len", "range(1, len"), which=1), "none of"),
        (edited("silent", ("runs.values()", "runs")), "A loop over a dictionary gives its names alone"),
        (edited("silent", ("sum().item()", "nonzero()")), "(2, 1): return one number, how many channels"),
        (edited("silent", ("(0, 2, 3)", "(0, 2)")), "none of"),
        (
            "def silent(runs, step):\n    return min((r[step].amax((1, 2)) == 0).sum().item() for r in runs.values())",
            "take the smallest number",
        ),
        (
            "def silent(runs, step):\n    return max((r[step].amax((1, 2)) == 0).sum().item() for r in runs.values())",
            "none of",
        ),
        ("def silent(runs, step):\n    return 0", "It is right for 0 of 3 inputs"),
    ],
    "response": [
        (edited("response", (".abs()", "")), "Take the absolute values before the mean"),
        (
            edited("response", (".abs().mean((1, 2))", ".mean((1, 2)).abs()")),
            "The absolute value comes before the mean",
        ),
        (edited("response", ("mean(", "sum(")), "You add up"),
        (edited("response", ("mean(", "amax(")), "You take the largest value"),
        (edited("response", ("abs()", "square()")), "You square"),
        (edited("response", ("abs().mean((1, 2))", "square().mean((1, 2)).sqrt()")), "root of the mean square"),
        (edited("response", ("abs()", "relu()")), "positive values alone"),
        (edited("response", ("stage0.conv", "stage0.bn")), "That is stage0.bn"),
        (edited("response", ("stage0.conv", "stage0.relu")), "That is stage0.relu"),
        (edited("response", ("abs().mean((1, 2))", "flatten(1).std(1)")), "You take the deviation"),
        (edited("response", ("abs().mean((1, 2))", "abs().flatten(1).median(1).values")), "You take the median"),
        (edited("response", (".mean((1, 2))", ".mean()")), "one number for all channels"),
        (edited("response", ("(1, 2)", "0")), "over rows and columns, not over channels"),
        (edited("response", ("[0].abs().mean((1, 2))", ".abs().mean((2, 3))")), "[0] takes the only picture"),
        (edited("response", (".mean((1, 2))", "")), "the mean over rows and columns is missing"),
        (edited("response", ("[0].abs().mean((1, 2))", ".abs()")), "the mean over rows and columns is missing"),
        (edited("response", ("(1, 2)", "(1, 2), keepdim=True")), "(8, 1, 1): the numbers are there"),
        (
            edited("response", ("[0].abs().mean((1, 2)", ".abs().mean((2, 3), keepdim=True")),
            "(1, 8, 1, 1): the numbers are",
        ),
        (edited("response", ("(1, 2)", "2")), "not over one of them alone"),
        (edited("response", ("[0].abs().mean((1, 2))", ".abs().mean(1)")), "over rows and columns, not over channels"),
        (edited("response", (".mean((1, 2))", ".mean((1, 2))[1:]")), "7 numbers, and one for each of the 8"),
        (edited("response", ('["stage0.conv"][0]', "")), "A dict has no abs"),
        (edited("response", ("return ", "")), "returns None"),
        (edited("response", ("stage0.conv", "stage0.conv1")), "no step is called"),
        (edited("response", (".abs()", ".abs().sqrt()")), "none of"),
    ],
    "by_hand": [
        (edited("by_hand", ("2 * row", "row"), ("2 * column", "column")), "The stride is missing"),
        (edited("by_hand", (" - 1", "")), "The padding is missing"),
        (
            edited("by_hand", ("2 * row - 1, 2 * column - 1", "row, column")),
            "stride is missing: neighbours in the output",
        ),
        (edited("by_hand", ("2 * row - 1, 2 * column - 1", "row, column")), "And: The padding is missing"),
        (
            edited("by_hand", ("2 * row - 1", "2 * (row - 1)"), ("2 * column - 1", "2 * (column - 1)")),
            "not 2 · (row − 1)",
        ),
        (edited("by_hand", (" - 1", " + 1")), "moves the window back"),
        (edited("by_hand", ("2 * row - 1, 2 * column - 1", "2 * column - 1, 2 * row - 1")), "swapped"),
        (edited("by_hand", (".sum()", ".mean()")), "You take the mean of the products"),
        (edited("by_hand", (".sum()", ".max()")), "You take the largest product"),
        (edited("by_hand", (".sum()", "[0].sum()")), "first channel of the input alone"),
        (edited("by_hand", ("weight[channel]", "weight[:, channel]")), "the kernel that makes this channel"),
        (edited("by_hand", ("weight[channel]", "weight[channel].flip(1, 2)")), "turned round"),
        (edited("by_hand", (" * weight[channel]", "")), "multiply it by weight[channel] first"),
        (
            edited("by_hand", ("(window * weight[channel])", "(window[:, :2, :2] * weight[channel][:, :2, :2])")),
            "2 × 2",
        ),
        (edited("by_hand", ("(window * weight[channel])", "(window * weight[channel])[:, 1, 1]")), "the centre"),
        (edited("by_hand", (".sum()", ".sum().relu()")), "The ReLU comes two steps later"),
        (edited("by_hand", (".sum()", ".abs().sum()")), "leave their sign"),
        (edited("by_hand", (".sum().item()", ".sum((1, 2))")), "add up channels, rows and columns"),
        (edited("by_hand", ("top + 3", "top + 2"), ("left + 3", "left + 2")), "so begin : begin + 3"),
        (edited("by_hand", ("given[:,", "given[:3,")), "The channels differ, 3 and 12: multiply all"),
        (edited("by_hand", ("given[:, top : top + 3, ", "given[top : top + 3, ")), "a comma after each: given[:, rows"),
        (edited("by_hand", ("3, left", "3][left")), "a comma after each: given[:, rows"),
        (
            edited("by_hand", ("window * weight[channel]", "weight[channel] * window"), ("+ 3", "+ 2")),
            "so begin : begin + 3",
        ),
        (edited("by_hand", ("given[:,", "given[channel,")), "out of given[channel] alone: all channels"),
        (edited("by_hand", ("weight[channel]", "weight")), "That is the sum over all kernels"),
        (edited("by_hand", ("2 * row - 1", "2 * row")), "Of the rows alone: The padding is missing"),
        (edited("by_hand", ("2 * column", "column")), "Of the columns alone: The stride is missing"),
        (edited("by_hand", ("return (", "(")), "returns None"),
        (edited("by_hand", (".sum()", ".sum().mul(3)")), "none of"),
    ],
}


def made(name, source):
    space = dict(SPACE)
    exec(source, space)  # the course's own texts, above
    return space[name]


def refusal(check, *arguments, **options):
    with pytest.raises(Wrong) as caught:
        check(*arguments, **options)
    return caught.value.verdict


@pytest.mark.parametrize(("name", "source"), [(name, source) for name in RIGHT for source in RIGHT[name]])
def test_a_right_function_is_accepted_however_it_is_written(name, source):
    assert CHECKS[name](made(name, source)).ok


@pytest.mark.parametrize(("name", "source", "said"), [(name, *case) for name in WRONG for case in WRONG[name]])
def test_a_wrong_function_is_told_its_mistake(name, source, said):
    verdict = refusal(CHECKS[name], made(name, source))
    assert said in verdict.sentence
    assert len(verdict.hints) == 3


@pytest.mark.parametrize(
    ("name", "source", "hint"),
    [
        ("silent", edited("silent", ("return (", "(")), "Is there a return"),
        ("response", edited("response", ("return ", "")), "Is there a return"),
        ("by_hand", edited("by_hand", ("return (", "(")), "Is there a return"),
        ("response", edited("response", ("network, pattern", "network, torch.ones(1, 3, 64, 64)")), "in its brackets"),
        ("by_hand", edited("by_hand", ("given[:,", "given[channel,")), "both are (C, 3, 3)"),
    ],
)
def test_the_first_hint_fits_the_mistake(name, source, hint):
    assert hint in refusal(CHECKS[name], made(name, source)).hints[0]


def test_there_are_at_least_eight_wrong_solutions_of_each():
    assert all(len(cases) >= 8 for cases in WRONG.values()) and RIGHT.keys() == WRONG.keys() == CHECKS.keys()


@pytest.mark.parametrize("name", CHECKS)
def test_something_else_than_a_function_is_told_so(name):
    assert "expects your function itself" in refusal(CHECKS[name], 3).sentence


# ── A channel for upright stripes ────────────────────────────────────────────────────────────────────────────

UPRIGHT = ((torch.arange(32) // 3) % 2 * 2.0 - 1).expand(1, 3, 32, 32)
LYING = UPRIGHT.transpose(2, 3)


def with_kernels(*kernels):
    """A network whose stage0.conv has these four kernels and no others."""
    network = copy.deepcopy(NETWORK)
    with torch.no_grad():
        network.stage0.conv.weight.copy_(torch.stack(kernels * 2)[: len(network.stage0.conv.weight)])
    return network


EDGE = torch.tensor([-1.0, -1, -1, 0, 1, 1, 1]).expand(3, 7, 7)
BOTH = EDGE + EDGE.transpose(1, 2)
FOUR = with_kernels(EDGE, EDGE.transpose(1, 2), 2 * BOTH, 1e-4 * EDGE)


@pytest.mark.parametrize("channel", [0, 4, torch.tensor(0), numpy.int64(4), 0.0])
def test_any_channel_that_answers_to_upright_stripes_alone_is_accepted(channel):
    verdict = check_channel(channel, FOUR, UPRIGHT, LYING, exercise="07.2")
    assert "to upright and 0.00 to lying" in verdict.sentence or "to lying stripes" in verdict.sentence
    assert list(solved()) == ["07.2"]


@pytest.mark.parametrize(
    ("channel", "said"),
    [
        (1, "the other way round"),
        (2, "not yet three times as much. No channel answers more"),
        (3, "hardly answers to anything"),
        (8, "numbered from 0 to 7"),
        (-1, "There is no channel -1"),
        (None, "upright_channel is None"),
        (0.5, "return a whole number"),
        ("0", "return a whole number"),
        (torch.zeros(8), "return a whole number"),
        (True, "return a whole number"),
    ],
)
def test_another_channel_is_told_what_it_answers_to(channel, said):
    verdict = refusal(check_channel, channel, FOUR, UPRIGHT, LYING, exercise="07.2")
    assert said in verdict.sentence
    assert len(verdict.hints) == 3 and solved() == {}


def test_a_network_left_in_training_mode_does_not_end_the_checks():
    network = copy.deepcopy(FOUR).train()

    def response(pattern):
        return network.stage0.conv(pattern)[0].abs().mean((1, 2))

    def training(pattern):
        network.train()
        return response(pattern).detach()

    assert check_response(response, network).ok and check_channel(0, network, UPRIGHT, LYING).ok
    assert network.training
    assert "the module is in training mode" in refusal(check_response, training, network).sentence


# ── Predictions ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_reach_of_each_stage_is_what_the_anatomy_of_resnet_50_says():
    with shapes_only():
        ends = {s.name: s.receptive_field for s in anatomy(resnet50(), 224).by_stage()}
    questions = {stage: field_question(stage) for stage in ("stage1", "stage2", "stage3", "stage4")}
    assert {stage: q.answer for stage, q in questions.items()} == {stage: ends[stage] for stage in questions}
    assert predict(list(questions.values()), [ends[stage] for stage in questions], exercise="07.3").ok
    assert list(solved()) == ["07.3"]


@pytest.mark.parametrize(
    ("stage", "guess", "said"),
    [
        ("stage2", 99, "as in v1"),
        ("stage3", 291, "as in v1"),
        ("stage4", 483, "as in v1"),
        ("stage1", 34, "Begin with r = 1"),
        ("stage1", 17, "You said 17. You forgot the jump"),
        ("stage1", 23, "each 3×3 adds twice the jump"),
        ("stage1", 7, "begin with r = 11 and j = 4"),
        ("stage1", 43, "one 3×3 too many"),
        ("stage2", 75, "one 3×3 too few"),
        ("stage2", 67, "first block of Stages 2, 3 and 4 has S = 2"),
        ("stage1", 59, "one 3×3, and not two"),
        ("stage1", 4, "That is the jump"),
        ("stage1", 11, "what the stage is given"),
        ("stage2", 155, "Only the first block of a stage"),
        ("stage1", 19, "The pooling belongs to the stem"),
        ("stage1", 1000, "From 11 on, each 3×3 adds"),
        ("stage1", None, "no prediction yet"),
        ("stage1", "many", "A whole number"),
    ],
)
def test_a_wrong_reach_is_told_its_mistake(stage, guess, said):
    verdict = refusal(predict, field_question(stage), guess)
    assert said in verdict.sentence
    assert len(verdict.hints) == 3


@pytest.mark.parametrize("written", [35, "35", 35.0, torch.tensor(35), numpy.int64(35), numpy.float32(35)])
def test_a_number_may_be_a_tensor_or_numpys(written):
    assert predict(field_question("stage1"), written).ok


def test_a_question_about_no_stage_is_refused():
    with pytest.raises(ValueError, match="'stage5' must be one of"):
        field_question("stage5")


@pytest.mark.parametrize(
    ("numbers", "answer", "wrong"),
    [
        (
            (64, 16, 8),
            65,
            {64: "And one more", 17: "how large the patch is", 9: "Along both sides", 50: "whatever its"},
        ),
        ((64, 32, 8), 65, {5: "how large the patch is", 26: "may hang over the border", 17: "Rows times columns"}),
        (
            (64, 16, 4),
            257,
            {289: "added at the end", 4097: "pixel by pixel", 16: "And one more", 1: "one side, squared"},
        ),
        ((96, 20, 20), 26, {17: "round up", 16: "round up, the last patch ends where the picture ends. And one more"}),
    ],
)
def test_the_cost_of_an_occlusion_is_counted_and_a_wrong_one_told_why(numbers, answer, wrong):
    question = occlusion_question(*numbers)
    assert question.answer == answer
    assert predict(question, answer).ok
    for guess, said in wrong.items():
        verdict = refusal(predict, question, guess)
        assert said in verdict.sentence
        assert len(verdict.hints) == 3


def test_an_occlusion_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="larger than the picture"):
        occlusion_question(64, 65, 8)
