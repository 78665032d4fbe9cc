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


@pytest.mark.parametrize(
    ("number", "cell", "control", "key"),
    [
        ("00", "SizeExplorer(", "W", "ArrowLeft"),
    ],
)
def test_the_explorer_of_a_lesson_answers(open_lesson, number, cell, control, key):
    # Import and explorer alone: they need nothing of the cells before, which other tests run.
    with open_lesson(number) as notebook:
        notebook.run_cell("from resnet_lib.explorers import")
        notebook.run_cell(cell)
        assert notebook.errors() == []
        view = notebook.view(control)
        slider, text = view.slider(control), view.text()
        start = slider.value
        slider.press(key, times=2)
        view.wait_until(lambda: abs(slider.value - start) == 2, f"{control} is two steps from {start}")
        view.wait_until(lambda: view.text() != text, "the text follows")
        assert notebook.errors() == []
        assert notebook.problems == []


def test_lesson_06_runs_whole_without_published_weights(open_lesson):
    with open_lesson("06") as notebook:
        notebook.run_all()
        assert notebook.errors() == []
        assert notebook.problems == []


def test_lesson_07_runs_whole_and_its_walk_answers(open_lesson):
    with open_lesson("07") as notebook:
        notebook.run_all()
        view = notebook.view("channel")
        slider, text = view.slider("channel"), view.text()
        start = slider.value
        slider.press("ArrowRight", times=2)
        view.wait_until(lambda: slider.value == start + 2, f"two channels on from {start}")
        view.wait_until(lambda: view.text() != text, "the text follows")
        view.button("Stage 4").click()
        view.wait_until(lambda: "stage4." in view.text(), "the walk has come to Stage 4")
        assert notebook.page.locator(".jp-OutputArea .rl .error").count() == 0  # no view shows a problem
        assert notebook.errors() == []
        assert notebook.problems == []
