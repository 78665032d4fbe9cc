"""Predictions about the whole network, and about a block of one's own."""

import numpy as np
import pytest
import torch

from resnet_lib import anatomy, build
from resnet_lib.exercises import (
    Wrong,
    check_own_block,
    choice_question,
    count_question,
    first_block_question,
    most_question,
    predict,
    resnet101_question,
    shape_question,
    solved,
    width_question,
)
from resnet_lib.grading import student_numbers


def refusal(*arguments, check=predict, **options):
    with pytest.raises(Wrong) as caught:
        check(*arguments, **options)
    return caught.value.verdict


# ── First blocks ─────────────────────────────────────────────────────────────────────────────────────────────

STAGES = {stage: first_block_question(stage) for stage in (1, 2, 3, 4)}
TRUE = {1: (64, 64, 1), 2: (256, 128, 2), 3: (512, 256, 2), 4: (1024, 512, 2)}


@pytest.mark.parametrize(
    "guesses",
    [
        TRUE,
        {stage: list(numbers) for stage, numbers in TRUE.items()},
        dict(reversed(TRUE.items())),
        {stage: torch.tensor(numbers) for stage, numbers in TRUE.items()},
        {stage: np.array(numbers) for stage, numbers in TRUE.items()},
        {stage: tuple(map(torch.tensor, numbers)) for stage, numbers in TRUE.items()},
        {stage: tuple(map(float, numbers)) for stage, numbers in TRUE.items()},
        {stage: str(numbers) for stage, numbers in TRUE.items()},
        {**TRUE, 5: (1, 2, 3)},
    ],
)
def test_the_first_blocks_are_accepted_however_they_are_written(guesses):
    assert predict(STAGES, guesses, exercise="04.1").ok
    assert list(solved()) == ["04.1"]


@pytest.mark.parametrize(
    ("stage", "guess", "sentence"),
    [
        (2, (64, 128, 2), "64 is the C1 of the stage before, which outputs 4·C1"),
        (2, (512, 128, 2), "512 is what goes out; C is what comes in"),
        (3, (256, 256, 2), "256 channels do not come in"),
        (3, (512, 1024, 2), "C1 = 1,024 makes 4·C1 = 4,096 channels, and the stage outputs 1,024"),
        (4, (1024, 1024, 2), "Only in Stage 1 is C1 = C"),
        (1, (64, 256, 1), "C1 = 256 makes 4·C1 = 1,024"),
        (1, (64, 64, 2), "S = 2 makes 56 into 28, and the stage outputs maps that are 56 wide"),
        (4, (1024, 512, 1), "S = 1 makes 14 into 14"),
        (4, (1024, 512, 0), "S = 0 is not a stride"),
        (2, (128, 256, 2), "the right numbers in another order: (C, C1, S)"),
        (2, (256, 56, 56), "That is the shape that comes in"),
        (2, (512, 28, 28), "That is the shape that goes out"),
        (2, None, "no prediction yet"),
        (2, (256, 128), "Three whole numbers are wanted"),
        (2, 256, "Three whole numbers are wanted"),
        (2, (256, 12.8, 2), "Three whole numbers are wanted"),
    ],
)
def test_a_wrong_first_block_is_told_which_number_does_not_fit_the_shapes(stage, guess, sentence):
    verdict = refusal(STAGES, {**TRUE, stage: guess}, exercise="04.1")
    assert verdict.sentence.startswith(f"Stage {stage}, (") and sentence in verdict.sentence
    assert len(verdict.hints) == 3 and str(TRUE[stage]) not in " ".join(verdict.hints)
    assert solved() == {}


# ── Where the most is ────────────────────────────────────────────────────────────────────────────────────────


def test_the_stage_with_the_most_is_found_by_counting():
    with torch.device("meta"):
        stages = anatomy(build("resnet50"), 224).by_stage()[1:5]
    parameters = max((1, 2, 3, 4), key=lambda i: stages[i - 1].parameters)
    macs = max((1, 2, 3, 4), key=lambda i: stages[i - 1].macs)
    assert predict([most_question("parameters"), most_question("MACs")], [parameters, macs]).ok
    assert predict([most_question("parameters"), most_question("MACs")], [str(parameters), torch.tensor(macs)]).ok


@pytest.mark.parametrize(
    ("of", "guess", "sentence"),
    [
        ("parameters", 3, "6 blocks that give 1,024 channels at 14 × 14 positions: 30 % of the parameters"),
        ("parameters", 1, "1 % of the parameters"),
        ("MACs", 4, "3 blocks that give 2,048 channels at 7 × 7 positions: 20 % of the MACs"),
        ("MACs", 1, "256 channels at 56 × 56 positions: 17 % of the MACs"),
        ("MACs", 2.0, "26 % of the MACs"),
        ("MACs", 2.5, "about Stages 1, 2, 3 and 4"),
        ("MACs", 0, "about Stages 1, 2, 3 and 4"),
        ("MACs", 5, "about Stages 1, 2, 3 and 4"),
        ("MACs", "Stage 3", "A whole number is wanted"),
        ("MACs", None, "no prediction yet"),
    ],
)
def test_a_wrong_stage_is_told_what_speaks_against_it(of, guess, sentence):
    verdict = refusal(most_question(of), guess)
    assert sentence in verdict.sentence and len(verdict.hints) == 3


def test_only_parameters_and_macs_can_be_asked_about():
    with pytest.raises(ValueError, match='"parameters" or "MACs"'):
        most_question("FLOPs")


# ── ResNet-101 ───────────────────────────────────────────────────────────────────────────────────────────────

FIFTY, EACH = 25_557_032, 1_117_184


@pytest.mark.parametrize("kind", [int, "{:,}".format, float, torch.tensor, np.int64, str])
def test_resnet_101_is_counted_from_resnet_50_and_its_new_blocks(kind):
    assert predict(resnet101_question(), kind(FIFTY + (23 - 6) * EACH)).ok


@pytest.mark.parametrize(
    ("guess", "sentence"),
    [
        (FIFTY, "These are ResNet-50's"),
        (FIFTY + 23 * EACH, "Stage 3 has 23 blocks in all, and 6 are there already"),
        (FIFTY + EACH, "one block more than ResNet-50"),
        (FIFTY + 17, "You added the number of blocks"),
        (17 * EACH, "the new blocks alone"),
        (FIFTY + 17 * (EACH - 3072), "forgot the BNs"),
        (FIFTY + 17 * (EACH + 4 * 256 * 1024 + 2 * 1024), "a stage has one BTNK1, its first"),
        (FIFTY + 17 * 1_512_448, "not the first of Stage 3"),
        (FIFTY + 17 * 4_462_592, "blocks of Stage 4, C = 2,048"),
        (FIFTY + 17 * 280_064, "blocks of Stage 2, C = 512"),
        (FIFTY + 17 * 70_400, "blocks of Stage 1, C = 256"),
        (FIFTY + 16 * EACH, "You are 1.00 blocks of Stage 3 too low"),
        (FIFTY + 18 * EACH, "You are 1.00 blocks of Stage 3 too high"),
        (44_500_000, "nearly it. Count to the last parameter"),
        (None, "no prediction yet"),
        ("many", "A whole number is wanted"),
        (float("nan"), "A whole number is wanted"),
    ],
)
def test_a_wrong_resnet_101_is_told_its_mistake(guess, sentence):
    verdict = refusal(resnet101_question(), guess)
    assert sentence in verdict.sentence
    assert len(verdict.hints) == 3 and "44,549,160" not in " ".join((*verdict.hints, verdict.sentence))


# ── A block of one's own ─────────────────────────────────────────────────────────────────────────────────────


def own(me):
    C, W, C1, S = student_numbers(me, "03").values()
    side = -(-W // S)
    parameters = C * C1 + 9 * C1 * C1 + 4 * C1 * C1 + 4 * C * C1 + 2 * (C1 + C1 + 4 * C1 + 4 * C1)
    return C, W, C1, S, side, parameters


NAMES = ("Ada Lovelace", "student 12", "émile", "42")


@pytest.mark.parametrize("me", NAMES)
def test_ones_own_block_is_accepted_however_it_is_written(me):
    _, _, C1, _, side, parameters = own(me)
    assert check_own_block(me, (4 * C1, side, side), parameters, exercise="03.6").ok
    assert check_own_block(f" {me.upper()} ", [4 * C1, side, side], torch.tensor(parameters)).ok
    assert check_own_block(me, torch.Size((4 * C1, side, side)), f"{parameters:,}").ok
    assert list(solved()) == ["03.6"]


@pytest.mark.parametrize("me", NAMES)
def test_a_mistake_in_ones_own_block_is_named(me):
    C, _, C1, _, side, parameters = own(me)
    shape = (4 * C1, side, side)

    def said(*answers):
        return refusal(me, *answers, check=check_own_block, exercise="03.6").sentence

    assert "C1 is inside; the block gives out 4·C1" in said((C1, side, side), parameters)
    assert "three whole numbers" in said(4 * C1, parameters)
    assert "three whole numbers" in said((4 * C1, side), parameters)
    assert "no prediction yet" in said(None, parameters)
    assert "no prediction yet" in said(shape, None)
    assert "BN of the projection" in said(shape, parameters - 8 * C1)
    assert "forgot the BNs" in said(shape, parameters - 20 * C1)
    assert "forgot the projection" in said(shape, parameters - 8 * C1 - 4 * C * C1)
    assert "kernel · kernel" in said(shape, parameters - 6 * C1 * C1)
    assert solved() == {}


def test_a_strided_block_of_an_odd_width_is_rounded_up():
    me = next(me for me in map(str, range(100)) if own(me)[3] == 2 and own(me)[1] % 2)
    _, W, C1, _, side, parameters = own(me)
    assert "rounded up" in refusal(me, (4 * C1, W // 2, W // 2), parameters, check=check_own_block).sentence
    assert "The stride has been taken" in refusal(me, (4 * C1, W, W), parameters, check=check_own_block).sentence


@pytest.mark.parametrize("me", ["my name", " My Name ", "", "  ", None, 7])
def test_without_a_name_there_are_no_numbers(me):
    verdict = refusal(me, (1, 1, 1), 1, check=check_own_block)
    assert verdict.headline == "Your name is not right yet." and "put in your own name" in verdict.sentence


# ── Predicting ───────────────────────────────────────────────────────────────────────────────────────────────


def test_predictions_in_a_dictionary_are_found_by_their_keys():
    questions = {"a": width_question(224, 7, 2, 3), "b": width_question(112, 3, 2, 1)}
    assert predict(questions, {"b": 56, "a": 112}).ok
    assert "no prediction yet" in refusal(questions, {"a": 112}).sentence
    assert "a dictionary with the keys 'a', 'b'" in refusal(questions, [112, 56]).sentence


def test_a_refused_prediction_brings_the_questions_hints_along():
    verdict = refusal(shape_question("BTNK1", 256, 56, 128, 2), (128, 28, 28))
    html = verdict._repr_html_()
    assert html.index("A hint") < html.index("A larger hint") < html.index("Nearly the solution")
    two = refusal(count_question("BTNK1", 64, 64), 5)._repr_html_()
    assert "A hint" in two and "Nearly the solution" in two and "A larger hint" not in two
    none = refusal(choice_question("Which?", {"a": "no", "b": "yes"}, "b"), "a")._repr_html_()
    assert "<details" not in none


@pytest.mark.parametrize("guess", ["Sideways", " sideways ", "SIDEWAYS"])
def test_capitals_and_spaces_do_not_count_in_a_choice(guess):
    assert predict(choice_question("Which?", {"sideways": "", "upright": ""}, "sideways"), guess).ok


@pytest.mark.parametrize("guess", [True, float("nan"), float("inf"), torch.tensor([1.0, 2.0]), [56], None, "56 or so"])
def test_what_is_no_number_is_no_answer(guess):
    assert "whole number" in (said := refusal(width_question(112, 3, 2, 1), guess).sentence) or "no prediction" in said


@pytest.mark.parametrize("guess", [56, 56.0, "56", torch.tensor(56), np.int64(56), np.float32(56)])
def test_a_number_may_be_of_any_kind(guess):
    assert predict(width_question(112, 3, 2, 1), guess).ok
