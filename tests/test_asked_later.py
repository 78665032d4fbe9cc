"""The small predictions of lessons 08 to 11: each is asked once, before its answer shows."""

import re

import pytest

from resnet_lib import anatomy, resnet50
from resnet_lib.exercises import ask
from resnet_lib.exercises.asked_later import FOUND_BY, LATER, PATIENT_QUESTIONS
from resnet_lib.experiments.twins import PAIRS

from .kernel import ROOT
from .test_clinic import SYMPTOMS

FOLDER = ROOT / "notebooks" / "source"
SOURCES = {
    path.stem[:2]: path.read_text(encoding="utf-8") for n in ("08", "09", "1") for path in FOLDER.glob(f"{n}*.py")
}


@pytest.mark.parametrize("name", LATER)
def test_each_is_asked_once_in_its_lesson_and_says_why_every_wrong_option_is_wrong(name):
    question = LATER[name]
    assert SOURCES[name[:2]].count(f'ask("{name}")') == 1
    right, sentence = question.judge(question.answer)
    assert right and len(sentence.split()) > 4
    for option in set(question.options) - {question.answer}:
        said = question.slip(option)
        assert len(said.split()) > 3 and question.answer not in said, option


@pytest.mark.parametrize("lesson", SOURCES)
def test_every_prediction_has_a_place_to_commit_before_the_cell_that_shows_its_answer(lesson):
    cells = re.split(r"^# %%", SOURCES[lesson], flags=re.MULTILINE)
    for before, after in zip(cells, cells[1:], strict=False):
        if before.startswith(" [markdown]") and re.search(r"\*\*Predict\b", before) and "instructor" not in before:
            assert re.search(r"\b(ask|Prediction)\(", after), before[-300:]


def test_a_later_lesson_asks_by_the_same_widget():
    asked = ask("10.last")
    asked.guess.value = "2"
    assert "Stage 0 halves twice" in asked.said.value
    asked.guess.value = "1"
    assert "✓" in asked.said.value


def test_the_answers_are_what_the_networks_give():
    stages = {s.name: s for s in anatomy(resnet50(), 32).by_stage()}
    assert LATER["10.last"].answer == stages["stage4"].shape[-1]
    joined, added = (anatomy(network, 32).macs for network in PAIRS["concatenation | sum"](50, num_classes=20).values())
    assert 0.75 < joined / added < 0.85


def test_the_last_exercise_says_of_every_patient_what_the_clinic_finds():
    signs = {"shapes": "shapes", "statistics": "statistics", "ladder": "ladder"}
    for name, said in FOUND_BY.items():
        found = {sign for word, sign in signs.items() if word in said}
        assert found == SYMPTOMS[name] - {"counts", "first steps"}, name
        assert ("counts" in SYMPTOMS[name]) == (said.startswith(("MACs", "parameters"))), name
    for text, question in PATIENT_QUESTIONS.items():
        assert f'"{text}": ...' in SOURCES["11"]
        assert question.judge(question.answer)[0]
        for wrong in set(question.options) - {question.answer}:
            assert question.judge(wrong)[1].endswith(question.slip(wrong)) and FOUND_BY[wrong] in question.slip(wrong)
