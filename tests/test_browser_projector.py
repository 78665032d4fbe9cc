"""The lesson for the projector, in a real JupyterLab and browser: it opens step by step, from the keyboard."""

import os
import shutil

import pytest

from . import lab

if lab.missing() and os.environ.get("CI") != "true":
    pytest.skip(lab.missing(), allow_module_level=True)

pytestmark = pytest.mark.browser

BEGIN = """() => {
    const {content} = jupyterapp.shell.currentWidget;
    content.activeCellIndex = 0;
    content.mode = 'command';
}"""
SEEN = """() => jupyterapp.shell.currentWidget.content.widgets
    .filter(cell => !cell.isHidden).map(cell => cell.model.sharedModel.source)"""
CODE = """text => jupyterapp.shell.currentWidget.content.widgets
    .find(cell => cell.model.type === 'code' && cell.model.sharedModel.source.includes(text)).inputHidden"""


@pytest.fixture(scope="module")
def projected(tmp_path_factory):
    assert not lab.missing(), lab.missing()
    folder = tmp_path_factory.mktemp("projector")
    for name in ("01_stem.ipynb", "01_stem.md"):
        shutil.copy(lab.ROOT / "notebooks" / "instructor" / name, folder)
    with lab.running_lab(folder) as server, lab.running_browser() as browser:
        with lab.Notebook(browser, server, "01_stem.ipynb") as opened:
            yield opened
            assert opened.problems == []


def headings(notebook):
    return [text.partition("\n")[0] for text in notebook.page.evaluate(SEEN) if text.startswith("#")]


def test_at_first_only_the_titles_of_the_sections_are_seen_and_an_arrow_opens_one(projected):
    first = headings(projected)
    assert first[0] == "# 01 · Stage 0, the stem" and len(first) > 10
    assert not [text for text in first if text.startswith("###")], "exercises are folded into their sections"
    projected.page.evaluate(BEGIN)
    projected.page.locator(".jp-Notebook").focus()
    before = projected.page.evaluate(SEEN)
    for _ in range(before.index(first[1])):
        projected.page.keyboard.press("ArrowDown")
    projected.page.keyboard.press("ArrowRight")
    projected.page.wait_for_timeout(300)
    seen = projected.page.evaluate(SEEN)
    assert len(seen) > len(before)
    assert headings(projected) == first, "the section's own text and code, and nothing of the next"


def test_the_code_of_a_solution_stays_hidden_until_it_is_asked_for(projected):
    assert projected.page.evaluate(CODE, "class MyStem(") is True
    assert projected.page.evaluate(CODE, "check_stem(") is False


def test_a_session_plan_opens_as_a_page_to_read(projected):
    page = projected.page.context.new_page()
    page.goto(f"{projected.lab.address}/doc/tree/01_stem.md?token={projected.lab.token}")
    page.locator(".jp-RenderedMarkdown h3").get_by_text("Minute by minute").wait_for()
    page.close()
