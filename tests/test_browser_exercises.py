"""A prediction and a check in a real JupyterLab and browser."""

import pytest

CELLS = (
    "from resnet_lib import BTNK1, BTNK2\nfrom resnet_lib.exercises import Prediction, check_btnk2, width_question",
    "Prediction(width_question(112, kernel=3, stride=2, padding=1))",
    "check_btnk2(lambda C: BTNK1(C, C // 4, 1))",
    "check_btnk2(BTNK2)",
)


@pytest.fixture(scope="module")
def notebook(desk):
    with desk.open_cells(*CELLS) as opened:
        yield opened


def test_a_guess_is_typed_and_committed_with_the_keyboard_alone(notebook):
    notebook.run_cell("Prediction(width")
    page = notebook.page
    field = page.get_by_placeholder("a whole number")
    field.fill("55")
    field.press("Enter")
    page.get_by_text("You said 55. You are one too low").wait_for()
    field.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("Hint 1:").wait_for()
    field.fill("56")
    page.get_by_role("button", name="Commit").click()
    page.get_by_text("Right: 56.").wait_for()


def test_a_wrong_solution_shows_its_verdict_once_and_no_traceback(notebook):
    notebook.run_cell("check_btnk2(lambda")
    page = notebook.page
    page.get_by_text("one convolution or linear layer too many").first.wait_for()
    shown = page.locator(".jp-OutputArea-output", has_text="one convolution or linear layer too many")
    assert shown.count() == 1
    assert "← the first" in shown.inner_text()
    assert page.get_by_text("Traceback").count() == 0
    page.get_by_text("A hint", exact=True).click()
    page.get_by_text("A larger hint", exact=True).wait_for()


def test_a_right_solution_is_told_so(notebook):
    notebook.run_cell("check_btnk2(BTNK2)")
    notebook.page.get_by_text("BTNK2 is right.").wait_for()
