"""The explorers of whole designs, and the report, in a real JupyterLab and browser."""

import pytest

from resnet_lib.views.report import MARK

from .screen import check_one_screen

CELLS = (
    "from resnet_lib.explorers import DesignExplorer, DesignTrainingExplorer\n"
    "from resnet_lib import Design, StageDesign, StemDesign, anatomy\n"
    "from resnet_lib.experiments.tasks import photographs\n"
    "from resnet_lib.experiments.training import Recipe\n"
    "from resnet_lib.views.report import Report",
    "designer = DesignExplorer()\ndesigner",
    "small = Design(StemDesign(4), (StageDesign(1, 4, 16, 2),) * 4, 20)\n"
    "training = DesignTrainingExplorer({'small': small}, photographs(n=640, n_test=40), Recipe(epochs=100, batch=32))\n"
    "training",
    "Report(small, W=32, budget=designer.budget, author='Ada', results=training.results())",
    "desk = DesignExplorer(small, task=photographs(n=640, n_test=40), recipe=Recipe(epochs=1, batch=320))\ndesk",
)


@pytest.fixture(scope="module")
def notebook(desk):
    """A notebook with the two explorers and a report, its first cell run."""
    with desk.open_cells(*CELLS) as opened:
        yield opened
        assert opened.errors() == []


def ask(notebook, expression):
    """The value of an expression in the kernel, as text."""
    return notebook.in_kernel(f"print(({expression}))").strip()


def test_keys_on_a_slider_move_the_design_and_all_that_is_shown(notebook):
    notebook.run_cell("designer = DesignExplorer")
    view = notebook.view("begin with")
    view.slider("blocks").press("ArrowRight", times=2)  # the first slider of that name is Stage 1's
    view.wait_until(lambda: ask(notebook, "designer.design.stages[0].blocks") == "5", "Stage 1 has five blocks")
    macs = ask(notebook, "f'{anatomy(designer.design, 64).macs:,}'")
    view.wait_until(lambda: macs in view.text(), "the table shows its MACs")
    assert view.chosen("begin with") == "your own" and "✗" in view.text()
    view.dropdown("begin with").select_option("deep and narrow")
    view.wait_until(lambda: "(384, 2, 2)" in view.text() and "✗" not in view.text(), "the preset is shown")
    assert view.slider("blocks").value == 5
    check_one_screen(view)
    check_one_screen(view, 1366, 768)


def test_an_illegal_design_is_explained_and_mended_with_a_click(notebook):
    notebook.run_cell("designer = DesignExplorer")
    view = notebook.view("begin with")
    assert not view.button("mend it").is_visible()
    view.slider("groups").press("ArrowRight", times=2)
    view.wait_until(lambda: "groups = 3 does not divide C1 = 16" in view.text(), "the sentence appears")
    view.button("mend it").click()
    view.wait_until(lambda: "does not divide" not in view.text(), "the sentence goes")
    assert view.slider("groups").value == 2


def test_while_designs_are_trained_other_controls_answer_and_training_stops_at_a_click(notebook):
    notebook.run_cell("designer = DesignExplorer")
    notebook.run_cell("training = DesignTrainingExplorer")
    view, other = notebook.view("runs of each design"), notebook.view("begin with")
    view.button("train").click()
    view.wait_until(lambda: int(ask(notebook, "training.race.step")) > 2, "it has begun")
    other.slider("kernel").press("ArrowLeft", times=2)
    other.wait_until(lambda: "5×5, pool" in other.text(), "the designer follows meanwhile")
    view.button("stop").click()
    view.wait_until(lambda: "stopped" in view.text(), "it says that it has stopped")
    step = ask(notebook, "training.race.step")
    view.page.wait_for_timeout(300)
    assert ask(notebook, "training.race.step") == step


def test_the_report_is_shown_as_a_page_of_its_own(notebook):
    notebook.run_cell("designer = DesignExplorer")
    notebook.run_cell("training = DesignTrainingExplorer")
    notebook.run_cell("Report(small")
    page = notebook.page.frame_locator('iframe[title="the report"]')
    page.locator("h1").wait_for()
    assert page.locator("h1").inner_text() == "A network within a budget"
    assert "Ada" in page.locator("body").inner_text()


def test_from_within_the_designer_a_design_is_trained_and_reported_and_the_link_leads_to_the_page(notebook):
    notebook.run_cell("desk = DesignExplorer")
    notebook.run_cell("training = DesignTrainingExplorer")
    notebook.run_cell("desk = DesignExplorer")
    view = notebook.view("name of the design")
    check_one_screen(view, 1366, 768)
    view.button("train it against the thin ResNet-50").click()
    view.button("write the report").wait_for()
    assert "not trained yet" in view.text()
    view.button("train").click()
    view.wait_until(lambda: ask(notebook, "desk.training.race.done") == "True", "both are trained")
    view.root.get_by_label("your name").fill("Ada")
    view.button("write the report").click()
    view.wait_until(lambda: "Written:" in view.text(), "it says where the page is")
    address = view.root.get_by_role("link", name="open the report").get_attribute("href")
    page = notebook.page.evaluate("address => fetch(address).then(answer => answer.text())", address)
    assert "Ada" in page and MARK in page
