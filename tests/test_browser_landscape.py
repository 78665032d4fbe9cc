"""The explorers of ablation and of the landscape in a real JupyterLab and browser: long work leaves the page alive."""

import pytest

from .screen import check_one_screen

CELLS = (
    """
    import torch
    from resnet_lib.explorers import AblationExplorer, LandscapeExplorer
    from resnet_lib.experiments.twins import twins
    from resnet_lib.experiments.tasks import photographs
    torch.manual_seed(0)
    networks, small = (dict(zip(("plain", "residual"), twins(base=base, num_classes=20))) for base in (16, 4))
    """,
    "ablation = AblationExplorer(networks, photographs(), n=300)\nablation",
    "landscape = LandscapeExplorer(small, photographs(), n=32, finest=33)\nlandscape",
)


@pytest.fixture(scope="module")
def notebook(desk):
    with desk.open_cells(*CELLS) as opened:
        yield opened


def ask(notebook, expression):
    """The value of an expression in the kernel, as text."""
    return notebook.in_kernel(f"print({expression})").strip()


def test_blocks_are_taken_away_while_other_controls_answer(notebook):
    notebook.run_cell("AblationExplorer(networks")
    view = notebook.view("take away")
    assert "Which block will be missed most?" in view.text()
    view.button("take them away").click()
    view.wait_until(lambda: "measurements" in view.text(), "the measuring begins")
    view.button("stop").click()
    view.wait_until(lambda: view.button("go on").is_enabled(), "it stops")
    check_one_screen(view)
    check_one_screen(view, 1366, 768)
    view.button("two blocks swapped").click()
    view.wait_until(lambda: "stage1.1 ⇄ stage1.2" in view.text(), "another view is shown")
    assert notebook.errors() == [] and notebook.problems == []


def test_the_map_is_there_at_once_is_refined_by_itself_and_stops(notebook):
    notebook.run_cell("LandscapeExplorer(small")
    view = notebook.view("radius")
    coarse = view.pixels()
    assert coarse.std() > 10
    view.wait_until(lambda: int(ask(notebook, "landscape.work.bar.value")) > 60, "it is refined")
    view.wait_until(lambda: view.pixels().tobytes() != coarse.tobytes(), "the map follows")
    view.button("stop").click()
    view.wait_until(lambda: view.button("go on").is_enabled(), "it stops")
    check_one_screen(view)
    check_one_screen(view, 1366, 768)
    done = ask(notebook, "landscape.work.bar.value")
    assert 60 < int(done) < 2 * 33 * 33
    view.page.wait_for_timeout(500)
    assert ask(notebook, "landscape.work.bar.value") == done
    view.dropdown("radius").focus()
    view.page.keyboard.press("ArrowDown")
    view.wait_until(lambda: "at distance 0.5" in view.text(), "the keyboard chooses another radius")
    view.button("stop").click()
    assert notebook.errors() == [] and notebook.problems == []
