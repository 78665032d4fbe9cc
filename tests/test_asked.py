"""The lessons' small predictions: each has one right answer, which is what the network gives."""

import re

import pytest
import torch

from resnet_lib import BTNK1, BTNK2, BasicBlock, anatomy, build, resnet50, shapes_only
from resnet_lib.exercises import ask
from resnet_lib.exercises.asked import ASKED

from .lab import ROOT

SOURCES = {path.stem[:2]: path.read_text() for path in (ROOT / "notebooks" / "source").glob("[01]*.py")}


@pytest.mark.parametrize("name", ASKED)
def test_each_is_asked_once_in_its_lesson_and_says_why_every_wrong_option_is_wrong(name):
    question = ASKED[name]
    assert SOURCES[name[:2]].count(f'ask("{name}")') == 1
    right, sentence = question.judge(question.answer)
    assert right and len(sentence.split()) > 4
    for option in set(question.options) - {question.answer}:
        said = question.slip(option)
        assert len(said.split()) > 3 and str(question.answer) not in said, option


def test_a_question_is_asked_by_a_widget_that_judges_the_guess():
    asked = ask("01.cost")
    asked.guess.value = "4"
    assert "And along the other?" in asked.said.value
    asked.guess.value = "16"
    assert "✓" in asked.said.value


@pytest.mark.parametrize("lesson", SOURCES)
def test_every_prediction_has_a_place_to_commit_before_the_cell_that_shows_its_answer(lesson):
    cells = re.split(r"^# %%", SOURCES[lesson], flags=re.MULTILINE)
    found = 0
    for before, after in zip(cells, cells[1:], strict=False):
        if before.startswith(" [markdown]") and re.search(r"\*\*Predict\b", before) and "instructor" not in before:
            found += 1
            assert re.search(r"\b(ask|Prediction)\(", after), before[-300:]
    assert found


def test_the_answers_are_what_the_network_gives():
    def right(name, text):
        assert text in str(ASKED[name].answer), name

    with shapes_only():
        whole, deeper = anatomy(resnet50(), 224), anatomy(build("resnet34"), 224)
        twos = [anatomy(BTNK2(C), W).macs for C, W in ((256, 56), (512, 28), (1024, 14), (2048, 7))]
        ones = [anatomy(BTNK1(*n), W).macs for n, W in (((64, 64, 1), 56), ((256, 128, 2), 56), ((512, 256, 2), 28))]
        basic = anatomy(BasicBlock(256), 56).macs / twos[0]
        wide, grouped = (anatomy(BTNK2(256, C1=128, groups=g), 56)["conv2"].parameters for g in (1, 32))
        dilated = anatomy(build("resnet50", replace_stride_with_dilation=(False, True, True)), 224)
    stages = {s.name: s for s in whole.by_stage()}
    right("04.one", "all the same" if len(set(twos)) == 1 else "-")
    right("04.exception", "Stage 1" if ones[0] != ones[1] == ones[2] else "-")
    right("02.basic", f"{basic:.0f}")
    assert ASKED["05.stage3"].answer == stages["stage3"].shape
    assert [f"{stages[name].parameters:,}" in ASKED["05.ends"].text for name in ("stage0", "head")] == [True, True]
    assert "Stage 0, more than 50" in ASKED["05.ends"].answer and stages["stage0"].macs > 50 * stages["head"].macs
    assert 1 < whole.macs / deeper.macs < 1.2
    assert (wide, grouped) == (4 * 36_864, 36_864 / 8)
    assert dilated.parameters == whole.parameters and dilated.macs > 3 * whole.macs
    assert ASKED["00.bytes"].answer == torch.empty(3, 224, 224).numel() * 4
