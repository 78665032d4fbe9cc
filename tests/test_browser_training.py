"""Training in a real JupyterLab: at a button beside other cells and controls, and in a cell with the keyboard."""

import json

import pytest

from .screen import check_one_screen

CELLS = (
    """
import json
from pathlib import Path
from resnet_lib.explorers import DepthExplorer, TwinExplorer
from resnet_lib.experiments.tasks import photographs
from resnet_lib.experiments.training import Recipe
""",
    """
training = TwinExplorer(14, task=photographs(n=640, n_test=40), recipe=Recipe(epochs=30, batch=32, peak=0.02),
                        folder=Path("runs"))
training
""",
    "training.run()",
    "depths = DepthExplorer(18)\ndepths",
)
STEP = "print(json.dumps([training.race.step, training.race.steps]))"


@pytest.fixture(scope="module")
def notebook(desk):
    with desk.open_cells(*CELLS) as opened:
        yield opened


@pytest.fixture
def view(notebook):
    notebook.run_cell("TwinExplorer(14")
    yield notebook.view("compare")
    assert notebook.errors() == []
    assert notebook.problems == []


def step(notebook):
    return json.loads(notebook.in_kernel(STEP))[0]


def curves(view):
    return view.root.locator("svg[role=img]")


def test_it_trains_while_cells_and_controls_answer_and_stops_and_goes_on(notebook, view):
    view.button("begin again").click()
    view.button("train").click()
    view.wait_until(lambda: step(notebook) >= 3, "three steps of training")
    before = step(notebook)
    notebook.run_cell("import json")  # another cell has its turn
    view.wait_until(lambda: step(notebook) > before, "training beside another cell")
    view.wait_until(lambda: "left" in view.text(), "the time that is left")
    view.button("stop").click()
    view.wait_until(lambda: "stopped: “train” resumes from here" in view.text(), "stopping")
    at = step(notebook)
    assert f"Step {at} of 600" in view.text()
    assert curves(view).count() == 2
    assert "plain, 14 layers: training loss" in curves(view).first.get_attribute("aria-label")
    view.button("train").click()
    view.wait_until(lambda: step(notebook) > at, "going on")
    view.button("stop").click()
    view.wait_until(lambda: view.button("stop").is_disabled(), "stopping again")
    check_one_screen(view)


def test_the_kernels_interrupt_stops_training_at_the_button_and_ends_nothing_else(notebook, view):
    view.button("begin again").click()
    view.button("train").click()
    view.wait_until(lambda: step(notebook) >= 3, "three steps of training")
    for _ in range(5):  # it may fall between two steps, when the kernel takes no notice
        notebook.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()")
        notebook.page.wait_for_timeout(300)
    at = step(notebook)  # the kernel is alive
    if not view.button("stop").is_disabled():
        view.button("stop").click()
    view.wait_until(lambda: not view.button("train").is_disabled(), "that it can go on")
    view.button("train").click()
    view.wait_until(lambda: step(notebook) > at, "going on")
    view.button("stop").click()


def test_a_cell_that_trains_is_interrupted_and_run_again_goes_on(notebook, view):
    view.button("begin again").click()
    for _ in range(2):
        before = step(notebook)
        notebook.page.evaluate(
            """() => { const panel = jupyterapp.shell.currentWidget;
            const i = panel.content.widgets.findIndex(c => c.model.sharedModel.source === 'training.run()');
            panel.content.activeCellIndex = i; panel.content.deselectAll();
            jupyterapp.commands.execute('notebook:run-cell'); }"""
        )
        # The kernel is busy, so the view itself must tell.
        view.wait_until(lambda: "left" in view.text(), "that the cell trains")
        notebook.page.wait_for_timeout(1500)
        notebook.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()")
        notebook.wait_idle()
        view.wait_until(lambda: "stopped" in view.text(), "stopping")
        assert step(notebook) > before


def test_the_depths_answer_to_their_controls(notebook):
    notebook.run_cell("DepthExplorer(18)")
    view = notebook.view("weights drawn")
    assert curves(view).count() == 3 and "last of 8" in view.text()
    check_one_screen(view)
    view.dropdown("layers").select_option("50")
    view.wait_until(lambda: "last of 16" in view.text(), "50 layers")
    view.root.get_by_text("BN", exact=True).click()
    view.wait_until(lambda: view.root.locator("input[type=checkbox]").nth(1).is_disabled(), "BN off")
    assert notebook.errors() == []
