"""The lessons' live views as a learner meets them: a real JupyterLab in a real browser, keyboard and mouse."""

import shutil

import pytest

from . import lab

SOLVED = lab.ROOT / "notebooks" / "solutions"


@pytest.fixture(scope="module")
def open_lesson(desk):
    """Opens the solved lesson of that number, in a copy of the notebooks so that nothing is written in the course."""
    shutil.copytree(SOLVED.parent, desk.folder / "notebooks")

    def opened(number):
        (path,) = desk.folder.glob(f"notebooks/solutions/{number}_*.ipynb")
        return desk.open(path.relative_to(desk.folder).as_posix())

    return opened


# ── The other lessons ────────────────────────────────────────────────────────────────────────────────────────


def test_the_first_explorer_of_lesson_00_answers(open_lesson):
    # Import and explorer alone: they need nothing of the cells before, which other tests run.
    with open_lesson("00") as notebook:
        notebook.run_cell("from resnet_lib.explorers import")
        notebook.run_cell("SizeExplorer(")
        slider = notebook.page.get_by_role("slider", name="W", exact=True).first
        for _ in range(2):
            slider.press("ArrowLeft")
        notebook.page.locator(".rl-figures").get_by_text("(3, 52, 52)").wait_for()
        assert notebook.errors() == []
        assert notebook.problems == []


def test_the_walk_that_lesson_07_opens_with_answers(open_lesson):
    with open_lesson("07") as notebook:
        notebook.run_cell("from resnet_lib.explorers import")
        notebook.run_cell("PhotographExplorer(")
        view = notebook.page.locator(".rl-instrument.rl-walks").first
        slider = view.get_by_role("slider", name="channel")
        start = int(slider.input_value())
        slider.press("ArrowRight")
        view.get_by_text(f"channel {start + 1}:").wait_for()
        view.get_by_role("button", name="Stage 4").click()
        view.locator(".rl-figures").get_by_text("stage4.").wait_for()
        assert notebook.page.locator(".jp-OutputArea .rl .error").count() == 0  # no view shows a problem
        assert notebook.errors() == []
        assert notebook.problems == []
