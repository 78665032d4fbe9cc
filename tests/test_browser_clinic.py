"""The clinic in a real JupyterLab: examined by buttons, diagnosed with the keyboard, in both themes."""

import pytest

from resnet_lib.compare.clinic.patients import PATIENTS

from .screen import check_one_screen

CELL = """
from resnet_lib.explorers import ClinicExplorer
clinic = ClinicExplorer("single", steps=60)
clinic
"""


@pytest.fixture(scope="module")
def notebook(desk):
    with desk.open_cells(CELL) as opened:
        yield opened


@pytest.fixture
def view(notebook):
    notebook.run_cell("ClinicExplorer")
    yield notebook.view("patient")
    assert notebook.errors() == []
    assert notebook.problems == []


def test_buttons_examine_and_the_numbers_fold_out(view):
    for name in ("shapes and counts", "statistics", "ladder of proof"):
        view.button(name).click()
    view.wait_until(lambda: "Different, first at stage1.0.conv2" in view.text(), "the ladder")
    assert "Shapes differ first in stage1: (256, 28, 28)" in view.text()
    numbers = view.root.locator("details", has_text="the numbers").first
    assert not numbers.locator("table").is_visible()
    numbers.locator("summary").click()
    assert numbers.locator("table").is_visible()
    assert view.root.locator("svg[role=img]").count() == 2


def test_training_runs_beside_other_examinations_and_stops(view):
    view.button("training").click()
    view.wait_until(lambda: "so far" in view.text(), "the first steps")
    view.button("shapes and counts").click()
    view.wait_until(lambda: "18,510,970,880" in view.text(), "another examination meanwhile")
    view.button("stop").click()
    view.wait_until(lambda: view.button("go on").count() == 1, "stopping")
    for name in ("statistics", "ladder of proof"):
        view.button(name).click()
    view.wait_until(lambda: "Different, first at" in view.text(), "all four examinations")
    check_one_screen(view)
    check_one_screen(view, 1366, 768)


def test_a_diagnosis_is_chosen_with_the_keyboard_and_answered(view):
    case = PATIENTS["single"]
    radios = view.root.locator("input[type=radio]")
    radios.first.focus()
    view.page.keyboard.press("Space")
    for i, choice in enumerate(case.choices):
        right, why = case.feedback(choice)
        begins = why[:30]
        view.wait_until(lambda begins=begins: begins in view.text(), f"the answer to {choice}")
        assert ("what to change" in view.text()) == right
        if i + 1 < len(case.choices):
            view.page.keyboard.press("ArrowDown")


def test_another_patient_is_chosen_in_the_list(view):
    view.dropdown("patient").select_option(index=0)
    view.wait_until(lambda: PATIENTS["eager"].choices[0] in view.root.inner_text(), "its diagnoses")
    assert view.chosen("patient").endswith(f"“{PATIENTS['eager'].complaint}”")
