"""Checks of a learner's arithmetic, and predictions: right ones in several ways, wrong ones with the mistake named."""

import math
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from resnet_lib import Stem
from resnet_lib.exercises import (
    Prediction,
    Progress,
    Question,
    Wrong,
    check_bytes,
    check_macs,
    check_numbers_left,
    check_out_width,
    check_parameters,
    check_receptive_field,
    check_stem,
    choice_question,
    count_question,
    illegal_question,
    predict,
    shape_question,
    solved,
    stride_question,
    width_question,
)
from resnet_lib.explorers.block_design import BlockDesign

from .across import Across


def refusal(check, *arguments, **options):
    with pytest.raises(Wrong) as caught:
        check(*arguments, **options)
    return caught.value.verdict.sentence


# ── Numbers and bytes ────────────────────────────────────────────────────────────────────────────────────────


def sliced(C, W, S):
    return torch.zeros(C, W, W)[:, ::S, ::S].numel()


def up(W, S):
    return math.ceil(W / S)


@pytest.mark.parametrize(
    "right", [sliced, lambda C, W, S: C * up(W, S) ** 2, lambda C, W, S: C * (-(-W // S)) * ((W + S - 1) // S)]
)
def test_the_numbers_left_are_accepted_however_they_are_counted(right):
    assert check_numbers_left(right).ok


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda C, W, S: C * up(W, S) * W, "thinned out one side only"),
        (lambda C, W, S: C * up(W, S), "there are rows and columns"),
        (lambda C, W, S: up(W, S) ** 2, "one channel: multiply by C"),
        (lambda C, W, S: C * (W // S) ** 2, "rounded down"),
        (lambda C, W, S: C * round(W / S) ** 2, "rounded to the nearest"),
        (lambda C, W, S: C * (W / S) ** 2, "need not be whole"),
        (lambda C, W, S: math.ceil(C * W * W / S**2), "Round each side up before"),
        (lambda C, W, S: up(C, S) * up(W, S) ** 2, "The channels stay"),
        (lambda C, W, S: C * W * W, "how many there were before"),
        (lambda C, W, S: C * W * W - C * up(W, S) ** 2, "how many are gone"),
        (lambda C, W, S: up(W, S) ** 2 / W**2, "the share that remains"),
        (lambda C, W, S: C * W * W // S, "about 1/S² of the numbers"),
        (lambda C, W, S: C * W * W / S, "about 1/S² of the numbers"),
        (lambda C, W, S: C * W * W // S**2, "Round each side up before"),
        (lambda C, W, S: C * math.ceil(W * W / S**2), "Round each side up before"),
        (lambda C, W, S: C * (W // S + 1) ** 2, "one too many wherever S divides W"),
        (lambda C, W, S: C * up(W, S * S) ** 2, "1/S of each side"),
        (lambda C, W, S: C * up(W, S) * 2, "times itself"),
        (lambda C, W, S: torch.empty(3, 224, 224)[:, ::S, ::S].numel(), "C and W play no part in your result"),
        (lambda C, W, S: C * up(100, S) ** 2, "W plays no part in your result: it is the same as with W = 100"),
        (lambda C, W, S: C * ceil(W / S) ** 2, "is it misspelt, or never imported? (Python"),
        (lambda W, S: W, "its def line must list"),
        (lambda C, W, S: (W // S) ** 2, "one channel: multiply by C. And: You rounded down"),
        (lambda C, W, S: None, "returns None"),
        (lambda C, W, S: C + W, "none of"),
    ],
)
def test_wrong_numbers_left_are_told_their_mistake(wrong, sentence):
    assert sentence in refusal(check_numbers_left, wrong)


def test_the_bytes_of_a_batch_are_accepted_however_they_are_counted():
    assert check_bytes(lambda batch, C, W: 4 * batch * C * W * W).ok
    assert check_bytes(lambda batch, C, W: torch.empty(batch, C, W, W, device="meta").nbytes).ok


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda b, C, W: b * C * W * W, "takes 4 bytes"),
        (lambda b, C, W: 32 * b * C * W * W, "You give bits"),
        (lambda b, C, W: 8 * b * C * W * W, "and not 8"),
        (lambda b, C, W: 2 * b * C * W * W, "and not 2"),
        (lambda b, C, W: 4 * C * W * W, "forgot the batch"),
        (lambda b, C, W: 4 * b * W * W, "there are C channels"),
        (lambda b, C, W: 4 * b * C * W, "rows and columns"),
        (lambda b, C, W: 4 * b * C * W * W / 1000, "kilobytes; bytes"),
        (lambda b, C, W: 4 * b * C * W * W / 1024, "kilobytes of 1,024"),
        (lambda b, C, W: 4 * b * C * W * W / 1e6, "megabytes"),
        (lambda b, C, W: b * C * W * W / 8, "32/8 bytes, and not 1/8"),
        (lambda b, C, W: 4 * 32 * C * W * W, "batch plays no part in your result: it is the same as with batch = 32"),
        (lambda b, C, W: b * 602_112, "C and W play no part in your result: it is the same as with C = 3 and W = 224"),
        (lambda b, C, W: C * W * W, "takes 4 bytes. And: You forgot the batch"),
        (lambda b, C, W: None, "returns None"),
    ],
)
def test_wrong_bytes_are_told_their_mistake(wrong, sentence):
    assert sentence in refusal(check_bytes, wrong)


@pytest.mark.parametrize("check", [check_numbers_left, check_bytes])
def test_hints_of_these_first_checks_speak_of_nothing_that_comes_later(check):
    with pytest.raises(Wrong) as caught:
        check(lambda *_: 0)
    hints = caught.value.verdict.hints
    assert len(hints) == 3
    assert not any(word in hint for hint in hints for word in ("C1", "BN", "ReLU", "bias", "padding"))


# ── The output size ──────────────────────────────────────────────────────────────────────────────────────────


def counted(W, kernel, stride=1, padding=0, dilation=1):
    return sum(1 for _ in range(0, W + 2 * padding - dilation * (kernel - 1), stride))


def asked_of_torch(W, kernel, stride, padding, dilation):
    with torch.device("meta"):
        return nn.Conv2d(1, 1, kernel, stride, padding, dilation)(torch.zeros(1, 1, W, W)).shape[-1]


WIDTHS = {
    "with //": lambda W, k, s, p, d: (W + 2 * p - d * (k - 1) - 1) // s + 1,
    "with floor": lambda W, k, s, p, d: math.floor((W + p + p - (d * (k - 1) + 1)) / s + 1),
    "with int": lambda W, k, s, p, d: int((W + 2 * p - d * (k - 1) - 1) / s) + 1,
    "counting": counted,
    "asking PyTorch": asked_of_torch,
    "a float that is whole": lambda W, k, s, p, d: float((W + 2 * p - d * (k - 1) - 1) // s + 1),
}


@pytest.mark.parametrize("way", WIDTHS)
def test_the_output_size_is_accepted_however_it_is_written(way):
    assert check_out_width(WIDTHS[way]).ok


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda W, k, s, p, d: (W + 2 * p - d * (k - 1) - 1) / s + 1, "forgot the floor"),
        (lambda W, k, s, p, d: -((W + 2 * p - d * (k - 1) - 1) // -s) + 1, "rounded up"),
        (lambda W, k, s, p, d: round((W + 2 * p - d * (k - 1) - 1) / s) + 1, "rounded to the nearest"),
        (lambda W, k, s, p, d: (W + 2 * p - d * (k - 1) - 1) // s, "one too low"),
        (lambda W, k, s, p, d: (W + 2 * p - d * (k - 1)) // s, "belongs after the division"),
        (lambda W, k, s, p, d: (W - d * (k - 1) - 1) // s + 1, "forgot the padding"),
        (lambda W, k, s, p, d: (W + p - d * (k - 1) - 1) // s + 1, "both sides"),
        (lambda W, k, s, p, d: W + 2 * p - d * (k - 1), "forgot the stride"),
        (lambda W, k, s, p, d: (W + 2 * p - k) // s + 1, "forgot the dilation"),
        (lambda W, k, s, p, d: (W + 2 * p - d * k) // s + 1, "between 3 weights there are 2 steps"),
        (lambda W, k, s, p, d: (W + 2 * p) // s + 1, "subtract the kernel's reach"),
        (lambda W, k, s, p, d: W + 2 * p - d * (k - 1) - 1 // s + 1, "only the −1"),
        (lambda W, k, s, p, d: W + 2 * p - d * (k - 1) - 1 / s + 1, "only the −1"),
        (lambda W, k, s, p, d: (W + p - k) // s + 1, "both sides: 2·padding. And: You forgot the dilation"),
        (lambda W, k, s, p, d: None, "returns None"),
        (lambda W, k, s, p, d: "112", "returns a str and not a number"),
        (lambda W, k: W - k + 1, "takes"),
        (lambda W, k, s, p: (W + 2 * p - k) / s + 1, "forgot the floor"),
        (lambda W, k, s, p: (W + 2 * p - k + 1) // s + 1, "first place takes the whole kernel"),
        (lambda W, k, s, p: (W + 2 * p) // s + 1, "subtract the kernel"),
        (lambda W, k, s, p: (W + p - k) // s + 1, "both sides"),
        (lambda W, k, s, p, d: W, "none of"),
    ],
)
def test_a_wrong_output_size_is_told_its_mistake(wrong, sentence):
    assert sentence in refusal(check_out_width, wrong)


def test_a_formula_without_dilation_is_right_without_it_and_hears_nothing_of_it():
    assert check_out_width(lambda W, k, s, p: (W + 2 * p - k) // s + 1).ok
    assert check_out_width(lambda W, k, s=1, p=0: (W + 2 * p - k) // s + 1).ok
    with pytest.raises(Wrong) as caught:
        check_out_width(lambda W, k, s, p: W - k)
    assert "dilation" not in str(caught.value) + " ".join(caught.value.verdict.hints)


def through(f):
    """What a decorator makes of a function that hides what it takes."""
    return lambda *args, **kwargs: f(*args, **kwargs)


def test_a_formula_that_does_not_say_what_it_takes_is_not_asked_for_a_dilation():
    def without(W, kernel, stride=1, padding=0):
        return (W + 2 * padding - kernel) // stride + 1

    def more(W, kernel, stride=1, padding=0, *rest, **options):
        return without(W, kernel, stride, padding)

    for f in (through(without), more, np.frompyfunc(without, 4, 1)):
        assert check_out_width(f).ok


def test_arguments_in_another_order_are_told_as_that_and_not_as_another_default():
    with pytest.raises(Wrong, match="takes W, kernel, padding, stride, and the exercise gives W, kernel, stride, padd"):
        check_out_width(swapped)
    with pytest.raises(Wrong, match="takes C1, C, and the exercise gives C, C1, in this order"):
        check_stem(lambda C1=64, C=3: Stem(C, C1))


def test_a_formula_that_asks_for_more_than_the_exercise_gives_hears_nothing_of_classes():
    sentence = refusal(check_parameters, "BTNK1", lambda C, C1, S: 5 * C * C1)
    assert "is called without 'S'. Where the check calls it, the def line asks for more" in sentence
    assert "a class must be made" not in sentence


@pytest.mark.parametrize(
    ("check", "f"),
    [
        (check_out_width, lambda W, k, s=1, p=0: (W + 2 ^ p - k) // s + 1),
        (partial(check_parameters, "BTNK2"), lambda C: 17 * C ^ 2 // 16 + 3 * C),
        (partial(check_macs, "BTNK2"), lambda C, W: 17 * (C * W) ^ 2 // 16),
    ],
    ids="width parameters macs".split(),
)
def test_a_formula_with_the_sign_for_bits_is_told_how_a_power_is_written(check, f):
    with pytest.raises(Wrong) as caught:
        check(f)
    assert caught.value.verdict.sentence.endswith("is no power: C to the power of 2 is C ** 2.")


def swapped(W, kernel, padding=0, stride=1):
    return (W + 2 * padding - kernel) // stride + 1


def unfloored(W, kernel, stride, padding, dilation):
    return Fraction(W + 2 * padding - dilation * (kernel - 1) - 1, stride) + 1


def test_a_wrong_fraction_is_a_number_like_any_other():
    assert "You forgot the floor" in refusal(check_out_width, unfloored)


# ── Parameters and MACs ──────────────────────────────────────────────────────────────────────────────────────


def convs(*layers, bn=2):
    return sum(a * b * k * k + bn * b for a, b, k in layers)


def btnk1(C, C1, bn=2):
    return convs((C, C1, 1), (C1, C1, 3), (C1, 4 * C1, 1), (C, 4 * C1, 1), bn=bn)


@pytest.mark.parametrize(
    ("part", "right"),
    [
        ("stem", lambda C, C1: 49 * C * C1 + 2 * C1),
        ("basic", lambda C: 18 * C * C + 4 * C),
        ("BTNK2", lambda C: 17 * C * C // 16 + 3 * C),
        ("BTNK2", lambda C: 17 / 16 * C**2 + 3 * C),
        ("BTNK1", btnk1),
        ("BTNK1", lambda C, C1: 13 * C1**2 + 5 * C * C1 + 20 * C1),
        ("BTNK1", lambda C, C1: torch.tensor(btnk1(C, C1))),
    ],
)
def test_a_right_count_of_parameters_is_accepted(part, right):
    assert check_parameters(part, right).ok


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda C, C1: btnk1(C, C1, bn=0), "forgot the BNs"),
        (lambda C, C1: btnk1(C, C1, bn=1), "2 parameters a channel, a factor and an offset, and not 1"),
        (lambda C, C1: btnk1(C, C1, bn=4), "stored, but not trained"),
        (lambda C, C1: btnk1(C, C1, bn=3), "count a bias"),
        (lambda C, C1: convs((C, C1, 1), (C1, C1, 3), (C1, 4 * C1, 1)), "forgot the projection G"),
        (lambda C, C1: btnk1(C, C1) - 8 * C1, "BN of the projection"),
        (lambda C, C1: convs((C, C1, 1), (C1, C1, 3), (C1, C1, 1), (C, C1, 1)), "4·C1 channels, not C1"),
        (lambda C, C1: btnk1(C, C1) - 6 * C1 * C1, "kernel · kernel"),
        (lambda C, C1: btnk1(C, C1) - 8 * C1 * C1, "k · k weights for each pair of channels, and you count 1"),
        (lambda C, C1: btnk1(C, C1, bn=0) - 4 * C * C1, "forgot the BNs"),
        (lambda C, C1: C**3 + C1**3, "none of"),
    ],
)
def test_a_wrong_count_of_parameters_is_told_its_mistake(wrong, sentence):
    assert sentence in refusal(check_parameters, "BTNK1", wrong)


def test_the_bns_may_be_asked_for_or_not():
    assert check_parameters("BTNK2", lambda C: 17 * C * C // 16, norms=False).ok
    assert "for convolutions alone" in refusal(
        check_parameters, "BTNK2", lambda C: 17 * C * C // 16 + 3 * C, norms=False
    )
    assert "C/4 channels" in refusal(check_parameters, "BTNK2", lambda C: 11 * C * C + 3 * C)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda C: 2 * C * (C // 4) + 9 * C * C, "yours from C to C"),
        (lambda C: 17 // 16 * C * C, "17 // 16 is 1"),
    ],
)
def test_a_wrong_count_of_a_btnk2s_weights_is_told_its_mistake(wrong, sentence):
    assert sentence in refusal(check_parameters, "BTNK2", wrong, norms=False)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda C, W: 17 / 16 * C * W, "Yours times C·W is the right result: C·W is missing as a factor"),
        (lambda C, W: 2 * C * (C // 4) + 9 * (C // 4) ** 2 * W * W, "brackets around the whole sum"),
        (lambda C, W: C * C // 4 + 9 * (C // 4) ** 2 + C * C // 4 * W * W, "brackets around the whole sum"),
    ],
)
def test_wrong_macs_of_a_btnk2_are_told_their_mistake(wrong, sentence):
    assert sentence in refusal(check_macs, "BTNK2", wrong)


@pytest.mark.parametrize(
    ("part", "right"),
    [
        ("convolution", lambda C_in, C_out, kernel, W: C_out * W * W * kernel**2 * C_in),
        ("BTNK2", lambda C, W: 17 * C * C * W * W // 16),
        ("BTNK1", lambda C, W, C1, S: C * C1 * W**2 + (13 * C1**2 + 4 * C * C1) * math.ceil(W / S) ** 2),
    ],
)
def test_right_macs_are_accepted(part, right):
    assert check_macs(part, right).ok
    assert "You give FLOPs" in refusal(check_macs, part, lambda *n: 2 * right(*n))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda C, W, C1, S: (13 * C1**2 + 5 * C * C1) * W**2, "forgot the stride"),
        (lambda C, W, C1, S: (13 * C1**2 + 5 * C * C1) * math.ceil(W / S) ** 2, "first 1×1 works before the stride"),
        (lambda C, W, C1, S: C * C1 * W**2 + 13 * C1**2 * math.ceil(W / S) ** 2, "forgot the projection"),
        (lambda C, W, C1, S: 13 * C1**2 + 5 * C * C1, "number of weights"),
        (lambda C, W, C1, S: C * C1 * W + (13 * C1**2 + 4 * C * C1) * math.ceil(W / S), "W · W positions, not W"),
        (lambda C, W, C1, S: C * C1 * W**2 + (7 * C1**2 + 4 * C * C1) * math.ceil(W / S) ** 2, "not k"),
        (lambda C, W, C1, S: C * C1 * W**2 + (10 * C1**2 + C * C1) * math.ceil(W / S) ** 2, "4·C1 channels, not C1"),
        (lambda C, W, C1, S: 9 * C1**2 * math.ceil(W / S) ** 2, "3×3 alone"),
    ],
)
def test_wrong_macs_are_told_their_mistake(wrong, sentence):
    assert sentence in refusal(check_macs, "BTNK1", wrong)


def test_an_unknown_part_is_refused():
    with pytest.raises(ValueError, match="'BTNK3' must be one of"):
        check_parameters("BTNK3", lambda C: C)


# ── The receptive field ──────────────────────────────────────────────────────────────────────────────────────


def field(steps, early=False, first=1, less=1, jumps=True, add=False, last=False):
    r, j = first, 1
    for kernel, stride in steps:
        wide = stride if last else j + stride - 1 if add else j * stride
        j = wide if early else j
        r += (kernel - less) * (j if jumps else 1)
        j = wide
    return r


def from_behind(steps):
    """The other usual way: how many inputs one output needs, step by step from the last to the first."""
    r = 1
    for kernel, stride in reversed(steps):
        r = (r - 1) * stride + kernel
    return r


@pytest.mark.parametrize("right", [field, from_behind])
def test_a_right_receptive_field_is_accepted(right):
    assert check_receptive_field(right).ok


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (dict(early=True), "counts too early"),
        (dict(less=0), "adds two jumps, not three"),
        (dict(jumps=False), "forgot the jump"),
        (dict(first=0), "Begin with r = 1"),
        (dict(last=True), "jumps multiply"),
        (dict(add=True), "Jumps multiply"),
        (dict(first=0, early=True), "And:"),
    ],
)
def test_a_wrong_receptive_field_is_told_its_mistake(wrong, sentence):
    assert sentence in refusal(check_receptive_field, lambda steps: field(steps, **wrong))


def test_walking_from_behind_with_the_wrong_rule_is_recognised():
    assert "from the last step to the first" in refusal(check_receptive_field, lambda steps: field(steps[::-1]))


# ── Predictions ──────────────────────────────────────────────────────────────────────────────────────────────

ILLEGAL = illegal_question(
    BlockDesign("BTNK2", 256, 56, 64), BlockDesign("BTNK2", 256, 56, 128), BlockDesign("BTNK1", 256, 56, 128, 2)
)


@pytest.mark.parametrize(
    ("question", "answer", "wrong"),
    [
        (width_question(224, 7, 2, 3), 112, {112.5: "floor", 111: "too low", 109: "the padding", 113: "rounded up"}),
        (width_question(15, 3, 2, 1, dilation=2), 7, {8: "dilation"}),
        (
            shape_question("BTNK1", 256, 56, 128, 2),
            (512, 28, 28),
            {
                (128, 28, 28): "4·C1",
                (512, 56, 56): "stride",
                (256, 28, 28): "channels change",
                (1, 28, 28): "4·C1 channels",
            },
        ),
        (shape_question("BTNK1", 64, 7, 64, 2), (256, 4, 4), {(256, 3, 3): "rounded up"}),
        (
            shape_question("BTNK2", 1024, 14, after="conv2"),
            (256, 14, 14),
            {(1024, 14, 14): "C1", (256, 12, 12): "Padding 1"},
        ),
        (count_question("BTNK1", 64, 64), 75_008, {73_728: "forgot the BNs", 58_112: "projection"}),
        (count_question("BTNK2", 256, 56, of="MACs"), 218_365_952, {436_731_904: "FLOPs", 69_632: "number of weights"}),
        (
            count_question("convolution", 256, 128, 3, 56, of="MACs"),
            924_844_032,
            {
                102_760_448: "many times too low: write down, layer by layer, what you multiply, and look for what is",
                924_844_031: "a little too low",
                1_000_000_000: "a little too high",
                1_200_000_000: "clearly too high",
                10**12: "look for what is counted twice",
                0: "many times too low",
            },
        ),
        (ILLEGAL, "BTNK2, C = 256, W = 56, C1 = 128, S = 1", {"BTNK2, C = 256, W = 56, C1 = 64, S = 1": "It is legal"}),
    ],
)
def test_a_prediction_is_held_against_the_computed_answer_and_a_wrong_one_told_why(question, answer, wrong):
    assert question.answer == answer
    assert predict(question, answer).ok
    for guess, said in wrong.items():
        assert said in refusal(predict, question, guess)


@pytest.mark.parametrize(("C", "W", "S"), [(3, 224, 2), (64, 7, 2), (5, 10, 3), (2, 1, 4), (9, 9, 1)])
def test_the_shape_that_is_left_is_the_one_that_slicing_leaves(C, W, S):
    assert stride_question(C, W, S).answer == tuple(torch.zeros(C, W, W)[:, ::S, ::S].shape)


@pytest.mark.parametrize(
    ("guess", "sentence"),
    [
        ((3, 112, 224), "thins out the rows as well"),
        ((2, 112, 112), "leaves the channels alone: there are still 3"),
        ((112, 112, 3), "channels come first"),
        ((3, 56, 56), "1/4 of the numbers is left, and that is 1/2 of each side"),
        ((3, 224, 224), "Of every 2 pixels only one"),
        ((3, 100, 100), "W/S, rounded up"),
        ((1, 111, 112), "alone: there are still 3. The stride thins out"),
    ],
)
def test_a_wrong_shape_that_is_left_is_told_its_mistake(guess, sentence):
    right, said = stride_question(3, 224, 2).judge(guess)
    assert not right and sentence in said
    assert "rounded up: the first pixel" in stride_question(3, 7, 2).judge((3, 3, 3))[1]


def test_a_prediction_that_is_none_or_of_another_kind_is_told_so():
    assert "no prediction yet" in refusal(predict, width_question(224, 7), None)
    assert "whole number" in refusal(predict, width_question(224, 7), "many")
    assert "three whole numbers" in refusal(predict, shape_question("BTNK2", 256, 56), 256)
    assert "three whole numbers" in refusal(predict, shape_question("BTNK2", 256, 56), (256, 56))
    assert "without the batch" in refusal(predict, shape_question("BTNK2", 256, 56), (1, 256, 56, 56))
    assert "Choose one of" in refusal(predict, ILLEGAL, "the first")


@pytest.mark.parametrize("written", ["512, 28, 28", "(512,28,28)", "512 × 28 × 28", [512, 28, 28]])
def test_a_shape_may_be_written_in_any_usual_way(written):
    assert predict(shape_question("BTNK1", 256, 56, 128, 2), written).ok


@pytest.mark.parametrize("written", ["75008", "75,008", "75_008", "75 008", " 75008 ", 75008.0])
def test_a_number_may_be_written_in_any_usual_way(written):
    assert predict(count_question("BTNK1", 64, 64), written).ok


def test_several_predictions_are_held_together_and_noted_when_all_are_right():
    questions = [width_question(224, 7, 2, 3), width_question(112, 3, 2, 1)]
    assert "You said 57" in refusal(predict, questions, [112, 57], exercise="01.2")
    assert solved() == {}
    assert len(predict(questions, [112, 56], exercise="01.2").remarks) == 2
    assert list(solved()) == ["01.2"]
    with pytest.raises(ValueError, match="2 questions and 1 predictions"):
        predict(questions, [112])


def test_questions_that_cannot_be_answered_are_refused():
    with pytest.raises(ValueError, match="must be one of the options"):
        choice_question("Which?", {"a": "", "b": ""}, "c")
    with pytest.raises(ValueError, match="0 of these 1 designs are illegal"):
        illegal_question(BlockDesign("BTNK2", 256, 56, 64))
    with pytest.raises(ValueError, match='must be "BTNK1" or "BTNK2"'):
        shape_question("basic", 64, 56)
    with pytest.raises(ValueError, match='"parameters" or "MACs"'):
        count_question("BTNK2", 64, of="FLOPs")


def test_the_widget_asks_says_what_is_wrong_and_gives_hints_one_by_one():
    asked = Prediction(width_question(112, 3, 2, 1), exercise="01.9")
    assert "3×3, stride 2, padding 1, of 112" in asked.asked.value
    assert asked.reveal.disabled
    asked.guess.value = "55"
    assert "one too low" in asked.said.value and 'role="alert"' in asked.said.value
    assert not asked.reveal.disabled
    for n in (1, 2, 3):
        asked.hint.click()
        assert f"Hint {n}:" in asked.said.value
    asked.hint.click()
    assert asked.hint.description == "Last hint" and "Hint 3:" in asked.said.value
    asked.reveal.click()
    assert "It is 56." in asked.said.value and solved() == {}
    asked.guess.value = "56"
    assert "✓" in asked.said.value and list(solved()) == ["01.9"]
    assert asked.tries == 2


def test_a_choice_in_the_widget_counts_when_it_is_committed():
    asked = Prediction(ILLEGAL)
    asked.commit.click()
    assert asked.tries == 0 and asked.said.value == ""
    asked.guess.value = asked.question.options[0]
    assert asked.said.value == ""
    asked.commit.click()
    assert "It is legal" in asked.said.value
    asked.guess.value = ILLEGAL.answer
    asked.commit.click()
    assert "✓" in asked.said.value and "a sum needs equal shapes" in asked.said.value


def test_committing_a_typed_guess_twice_asks_only_once():
    asked = Prediction(width_question(112, 3, 2, 1))
    asked.guess.value = "55"
    asked.commit.click()
    assert asked.tries == 1


def test_progress_shows_what_is_solved():
    assert "○ ○ ○  None solved yet" in str(Progress("01", 3))
    predict(width_question(224, 7, 2, 3), 112, exercise="01.2")
    assert "○ ✓ ○  1 of 3 solved" in str(Progress("01", 3))
    assert "1 of 3 solved" in Progress("01", 3)._repr_html_()


# ── What a learner of lessons 01 and 02 does wrong ───────────────────────────────────────────────────────────


BOTTLENECKS = {
    "one 1×1 convolution": lambda C, c: C * c + 9 * c * c + 2 * (c + c + C),
    "C/4 on both sides": lambda C, c: 2 * C * c + 9 * C * c + 2 * (c + c + C),
    "give every BN C channels": lambda C, c: 2 * C * c + 9 * c * c + 2 * 3 * C,
}
BASICS = {
    "You count one 3×3": lambda C: 9 * C * C + 4 * C,
    "That is half of it": lambda C: 9 * C * C + 2 * C,
    "does not squeeze": lambda C: 2 * 9 * (C // 4) ** 2 + 4 * (C // 4),
}


@pytest.mark.parametrize("sentence", BOTTLENECKS)
def test_mistakes_in_counting_a_bottleneck_are_named(sentence):
    assert sentence in refusal(check_parameters, "BTNK2", lambda C: BOTTLENECKS[sentence](C, C // 4))


@pytest.mark.parametrize("sentence", BASICS)
def test_mistakes_in_counting_a_basic_block_are_named(sentence):
    assert sentence in refusal(check_parameters, "basic", BASICS[sentence])


def test_where_two_mistakes_give_the_same_numbers_both_are_named():
    said = refusal(check_parameters, "BTNK2", lambda C: 17 * C * C // 16 + 6 * C)
    assert "running mean and variance" in said and " Or: You give every BN C channels" in said


@pytest.mark.parametrize(
    ("part", "formula", "mistake"),
    [
        ("basic", lambda C: 18 * C * C + 2 * C, "You count one BN"),
        ("BTNK2", lambda C: 17 * C * C // 16 + 6 * (C // 4), "You give every BN C/4 channels"),
    ],
)
def test_half_of_the_bns_numbers_may_be_one_number_a_channel_or_channels_left_out(part, formula, mistake):
    said = refusal(check_parameters, part, formula)
    assert "2 parameters a channel, a factor and an offset, and not 1" in said and f" Or: {mistake}" in said


@pytest.mark.parametrize(
    "after, guess, sentence",
    [
        ("conv1", (64, 14, 14), "C/4 channels flow, as everywhere inside"),
        ("conv1", (14, 14, 256), "The channels come first"),
        ("conv3", (256, 14, 14), "widens to C again"),
        ("y", (2048, 14, 14), "as many channels as it takes in"),
        ("y", (1024, 7, 7), "No step here has a stride"),
    ],
)
def test_a_wrong_shape_in_an_identity_block_gets_the_reason_and_not_the_number(after, guess, sentence):
    assert sentence in refusal(predict, shape_question("BTNK2", C=1024, W=14, after=after), guess)


@pytest.mark.parametrize(
    ("kind", "answer", "guess", "sentence"),
    [
        ("number", 112, 100, "You said 100. That is too low."),
        ("shape", (3, 4, 4), (3, 5, 2), "You said (3, 5, 2). H is too high, and W is too low."),
        ("numbers", (1, 2, 3), (1, 2, 4), "You said (1, 2, 4). The third is too high."),
        ("factors", (2, 1), (2.05, 3), "You said (2.05, 3). The factor of the MACs is too high."),
        ("choice", "a", "b", "You said b. It is another of them."),
    ],
)
def test_of_a_guess_that_no_usual_mistake_gives_it_says_to_which_side_it_is_off(kind, answer, guess, sentence):
    assert Question("?", kind, answer, options=("a", "b")).judge(guess) == (False, sentence)


# ── A formula, and no block ──────────────────────────────────────────────────────────────────────────────────

COUNTS = {
    "def f(C): return sum(p.numel() for p in BTNK2(C).parameters())": True,
    "def f(C): return sum(math.prod(s) for s in [(C, C // 4), (C, C // 4), (3, 3, C // 4, C // 4), (3, C)])": False,
    "def f(C): return int(torch.tensor([17 * C * C // 16, 3 * C]).sum())": False,
    "def f(*, C): return 17 * C * C // 16 + 3 * C": False,
}


@pytest.mark.parametrize("text", COUNTS)
def test_a_function_that_builds_the_block_to_count_is_right_and_told_of_the_formula(text):
    cells = "import math, torch\nfrom resnet_lib.blocks import BTNK2", f"{text}\nvalue = f"
    space = {}
    exec("\n".join(cells), space)
    verdict = check_parameters("BTNK2", space["value"])
    assert [" builds the block and counts." in remark for remark in verdict.remarks] == [True] * COUNTS[text]
    with Across() as across:
        assert str(check_parameters("BTNK2", across.value(*cells))) == str(verdict)


def test_macs_are_a_formula_too():
    def f(C, W):
        return sum(p.numel() for p in nn.Conv2d(C, C // 4, 1, bias=False).parameters()) * 17 // 4 * W * W

    assert "builds the block" in check_macs("BTNK2", f).remarks[0]
