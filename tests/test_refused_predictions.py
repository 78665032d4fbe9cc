"""What is said of a wrong prediction: a diagnosis of every wrong number, which does not give the answer away."""

import re

import pytest

from resnet_lib._common import Finding
from resnet_lib.exercises import Wrong, count_question, predict, shape_question, stride_question, width_question

WIDTHS = [(224, 7, 2, 3), (9, 3, 1, 0), (56, 3, 2, 1), (15, 3, 2, 2, 2)]
SHAPES = [("BTNK1", 64, 56, 64, 1), ("BTNK1", 256, 56, 128, 2), ("BTNK2", 256, 14)]


def refusal(question, guess):
    with pytest.raises(Wrong) as caught:
        predict(question, guess)
    return caught.value.verdict


@pytest.mark.parametrize("numbers", WIDTHS, ids=str)
def test_every_wrong_width_is_diagnosed_without_the_answer(numbers):
    question = width_question(*numbers)
    for guess in (0, -3, 1, 2, 100, numbers[0] - 1, question.answer - 1, question.answer + 1, 10_000):
        if guess != question.answer:
            verdict = refusal(question, guess)
            said = verdict.sentence.removeprefix(question.text).partition(".")[2]
            assert len(said.strip()) > 20
            assert str(question.answer) not in re.findall(r"\d+", said)
            assert isinstance(verdict.finding, Finding) and verdict.finding.kind.name == "other answer"


@pytest.mark.parametrize("numbers", SHAPES, ids=str)
def test_no_wrong_shape_is_answered_with_the_right_one(numbers):
    for step in ("conv1", "conv2", "y"):
        question = shape_question(*numbers, after=step)
        C, H, W = question.answer
        known = {str(n) for n in numbers[1:]}
        for guess in ((C, H + 5, W + 5), (C + 1, H, W), (C, H, W + 1), (1, 1, 1)):
            said = refusal(question, guess).sentence.removeprefix(question.text).partition(".")[2]
            assert len(said.strip()) > 20
            assert not ({str(C), str(H)} - known - set(map(str, guess))) & set(re.findall(r"\d+", said)), said


def test_a_count_that_no_mistake_gives_is_told_its_direction():
    question = count_question("BTNK2", 256)
    assert "too high" in refusal(question, 3 * question.answer).sentence
    assert "a little too low" in refusal(question, question.answer - 7).sentence


def test_what_cannot_be_read_has_a_kind_of_its_own():
    assert refusal(stride_question(8, 7, 2), "as before").finding.kind.name == "unreadable"
    assert refusal({"a": stride_question(8, 7, 2)}, 3).finding.kind.name == "not a dictionary"


@pytest.mark.parametrize("power", [30, 400, 5000])
def test_a_number_that_no_float_holds_is_too_large_and_nothing_worse(power):
    assert "more of them than places" in refusal(width_question(9, 3), 10**power).sentence
