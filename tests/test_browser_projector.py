"""The lesson for the projector, in a real JupyterLab and browser: it opens step by step, from the keyboard."""

import shutil

import pytest

from notebooks.present import present

from . import lab

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
def shown(desk):
    for folder in ("solutions", "instructor", "images"):
        shutil.copytree(lab.ROOT / "notebooks" / folder, desk.folder / folder, dirs_exist_ok=True)
    with desk.open(f"instructor/{present('01_stem', desk.folder).name}") as opened:
        yield opened
        assert opened.problems == []


def headings(notebook):
    return [text.partition("\n")[0] for text in notebook.page.evaluate(SEEN) if text.startswith("#")]


def test_at_first_only_the_titles_of_the_sections_are_seen_and_an_arrow_opens_one(shown):
    first = headings(shown)
    assert first[0] == "# 01 · Stage 0, the stem" and len(first) > 10
    assert not [text for text in first if text.startswith("###")], "exercises are folded into their sections"
    shown.page.evaluate(BEGIN)
    shown.page.locator(".jp-Notebook").focus()
    before = shown.page.evaluate(SEEN)
    for _ in range(before.index(first[1])):
        shown.page.keyboard.press("ArrowDown")
    shown.page.keyboard.press("ArrowRight")
    shown.page.wait_for_timeout(300)
    seen = shown.page.evaluate(SEEN)
    assert len(seen) > len(before)
    assert headings(shown) == first, "the section's own text and code, and nothing of the next"


def test_the_code_of_a_solution_stays_hidden_until_it_is_asked_for(shown):
    assert shown.page.evaluate(CODE, "class MyStem(") is True
    assert shown.page.evaluate(CODE, "check_stem(") is False


def test_a_session_plan_opens_as_a_page_to_read(shown):
    shown.page.evaluate(lab.ANOTHER, f"{shown.path.removesuffix('.ipynb')}.md")
    shown.page.locator(".jp-RenderedMarkdown h3").get_by_text("Minute by minute").wait_for()
    shown.page.evaluate("jupyterapp.shell.currentWidget.dispose()")
