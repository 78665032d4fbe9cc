"""The glossary in a real JupyterLab: a click on a word leads to it."""

import shutil

import pytest

from . import lab

# How far below the upper edge of the notebook an element begins.
PLACE = """anchor => {
    const panel = document.querySelector('.jp-WindowedPanel-outer').getBoundingClientRect();
    const found = document.querySelector(`[data-jupyter-id="${anchor}"], [id="${anchor}"]`).getBoundingClientRect();
    return found.top - panel.top;
}"""


@pytest.fixture(scope="module")
def glossary(desk):
    shutil.copy(lab.ROOT / "notebooks" / "glossary.ipynb", desk.folder)
    with desk.open("glossary.ipynb") as opened:
        yield opened


def top(glossary, anchor):
    """Pixels from the upper edge of the notebook down to that place, when it no longer moves."""
    places = [None, glossary.page.evaluate(PLACE, anchor)]
    while places[-1] != places[-2]:
        glossary.page.wait_for_timeout(300)
        places.append(glossary.page.evaluate(PLACE, anchor))
    return places[-1]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("anchor", ["roofline", "c1", "stage-0", "examination"])
def test_a_click_on_a_word_leads_to_its_entry_and_one_on_the_arrow_back(glossary, anchor):
    glossary.page.locator(f'a[href="#{anchor}"]').first.click()
    assert abs(top(glossary, anchor)) < 20
    glossary.page.get_by_text("↑ all words").last.click()
    assert abs(top(glossary, "Glossary")) < 60
    assert glossary.problems == []


def test_its_cells_run_and_the_block_is_drawn_in_letters_and_in_numbers(glossary):
    glossary.run_all()
    assert glossary.errors() == []
    view = glossary.view("C1")
    drawings = view.root.locator("svg[role=img]")
    labels = [drawings.nth(i).get_attribute("aria-label") for i in range(drawings.count())]
    assert "F(x) (4·C1, W/S, W/S)" in labels[0] and "F(x) (512, 28, 28)" in labels[1]
    view.slider("S").press("ArrowLeft")
    drawings.nth(1).get_by_text("F(x) (512, 56, 56)").wait_for()
    assert "W/S" in drawings.nth(0).get_attribute("aria-label")
    assert glossary.problems == []
