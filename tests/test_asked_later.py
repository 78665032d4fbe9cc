"""The small predictions of lessons 08 to 11 say what the networks give and what the clinic finds."""

from resnet_lib import anatomy, resnet50
from resnet_lib.exercises import ask
from resnet_lib.exercises.asked_later import FOUND_BY, LATER, PATIENT_QUESTIONS
from resnet_lib.experiments.twins import PAIRS

from .lab import ROOT
from .test_clinic import SYMPTOMS

LESSON_11 = (ROOT / "notebooks" / "source" / "11_clinic.py").read_text(encoding="utf-8")


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
        assert f'"{text}": ...' in LESSON_11
        assert question.judge(question.answer)[0]
        for wrong in set(question.options) - {question.answer}:
            assert question.judge(wrong)[1].endswith(question.slip(wrong)) and FOUND_BY[wrong] in question.slip(wrong)
