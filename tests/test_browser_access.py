"""Every explorer without a mouse, without colours, and read aloud: in a real JupyterLab, with axe's rules."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from .every_explorer import MADE, PREPARE

ALL = f"from IPython.display import display\nfor make in {list(MADE.values())!r}:\n    display(eval(make))"
OTHERS = """
display(Prediction(width_question(112, kernel=3, stride=2, padding=1)))
check_btnk2(lambda C: BTNK1(C, C // 4, 1))
"""
WRONG = """async within => {
    const {violations} = await axe.run({include: within}, {resultTypes: ['violations']});
    const grave = violations.filter(({impact}) => ['serious', 'critical'].includes(impact));
    return grave.flatMap(({id, nodes}) => nodes.map(({html}) => `${id}: ${html}`));
}"""
# Controls that are beyond their explorer's edge, and buttons too small for their words.
CUT = """all => all.flatMap(root => {
    const {left, right} = root.getBoundingClientRect();
    const controls = [...root.querySelectorAll('button, input, select, textarea')];
    return controls.filter(one => {
        const box = one.getBoundingClientRect(), small = one.matches('button') && one.scrollWidth > one.clientWidth + 1;
        return one.offsetParent && (small || box.left < left - 1 || box.right > right + 1);
    }).map(one => one.outerHTML.slice(0, 120));
})"""


@pytest.fixture(scope="module")
def notebook(desk):
    if not find_spec("axe_playwright_python"):
        pytest.skip("these tests need axe: python -m pip install axe-playwright-python")
    with desk.open_cells(PREPARE, ALL, OTHERS) as notebook:
        notebook.run_cell(ALL)
        notebook.run_cell(OTHERS.strip())
        notebook.page.locator(".rl-explorer").nth(len(MADE)).wait_for()
        notebook.page.evaluate((Path(find_spec("axe_playwright_python").origin).parent / "axe.min.js").read_text())
        yield notebook


@pytest.fixture
def page(notebook):
    yield notebook.page
    assert notebook.errors() == []


def explorer(page, name):
    return page.get_by_role("group", name=name, exact=True)


def test_axe_finds_nothing_serious_in_any_explorer_prediction_or_check(page):
    assert page.evaluate(WRONG, [".rl-explorer", ".jp-OutputArea-output .rl"]) == []


def test_each_explorer_says_what_it_is(page):
    names = page.locator(".rl-explorer").evaluate_all("all => all.map(one => one.getAttribute('aria-label'))")
    assert len(names) == len(set(names)) == len(MADE) + 1
    assert {"bottleneck explorer", "speed explorer", "report writer", "prediction"} <= set(names)


def test_sliders_of_jupyter_have_their_names_and_bars_their_progress(page):
    speed = explorer(page, "speed explorer")
    assert speed.get_by_role("slider", name="threads", exact=True).count() == 1
    assert speed.get_by_role("textbox", name="threads, typed").count() == 1
    twins = explorer(page, "twin explorer")
    assert twins.get_by_role("progressbar").get_attribute("aria-valuenow") == "0"


def test_buttons_side_by_side_say_which_is_pressed(page):
    notation = explorer(page, "notation explorer")
    pressed = notation.get_by_role("button", name="BTNK2")
    assert pressed.get_attribute("aria-pressed") == "false"
    pressed.press("Enter")
    notation.locator("[aria-pressed=true]", has_text="BTNK2").wait_for()
    assert notation.locator("[aria-pressed=true]").count() == 1


def test_what_a_choice_has_changed_is_said_aloud_when_it_rests(page):
    notation = explorer(page, "notation explorer")
    notation.get_by_role("button", name="BTNK1").press("Enter")  # W = 55 and W = 56 give the same output there
    notation.get_by_role("slider", name="W", exact=True).press("ArrowLeft")
    notation.locator("> [role=status]", has_text="x has shape (256, 55, 55)").wait_for(state="attached")


def test_ids_of_drawings_are_unique_in_the_page(page):
    # Of two drawings with the same ids one takes its arrowheads or markers from the other, which may be hidden.
    ids = page.locator(".rl-explorer svg [id]").evaluate_all("all => all.map(one => one.id)")
    assert ids and len(ids) == len(set(ids))


def test_the_value_that_keys_have_come_to_is_said_aloud(page):
    bottleneck = explorer(page, "bottleneck explorer")
    bottleneck.locator(".rl-maps canvas").first.press("ArrowRight")
    bottleneck.locator(".rl-live", has_text="channel 1, row").wait_for(state="attached")


def test_axe_finds_nothing_with_the_table_and_a_large_map_open_and_an_illegal_block(page):
    bottleneck = explorer(page, "bottleneck explorer")
    bottleneck.get_by_role("button", name="costs").press("Enter")
    bottleneck.locator(".rl-details table").wait_for()
    bottleneck.locator(".rl-maps canvas").first.press("Enter")
    bottleneck.get_by_role("dialog").get_by_role("status").filter(has_text="row").wait_for()
    assert page.evaluate(WRONG, [".rl-instrument[aria-label^=bottleneck]"]) == []
    page.keyboard.press("Escape")
    bottleneck.get_by_role("button", name="BTNK2", exact=True).press("Enter")
    bottleneck.get_by_role("alert").filter(has_text="a sum needs equal shapes").wait_for()
    assert page.evaluate(WRONG, [".rl-instrument[aria-label^=bottleneck]"]) == []
    bottleneck.get_by_role("button", name="reset").press("Enter")


def test_who_wants_no_motion_sees_none(page):
    text = explorer(page, "bottleneck explorer").locator(".rl-diagram text").first
    moving = "one => [getComputedStyle(one).animationName, getComputedStyle(one).transitionDuration]"
    assert text.evaluate(moving) == ["none", "0.6s"]
    page.emulate_media(reduced_motion="reduce")
    assert text.evaluate(moving) == ["none", "0s"]
    page.emulate_media(reduced_motion="no-preference")


def test_what_has_changed_is_coloured_until_the_hand_rests(page):
    bottleneck = explorer(page, "bottleneck explorer")
    bottleneck.get_by_role("slider", name="S", exact=True).press("ArrowRight")
    bottleneck.locator(".rl-changed").first.wait_for(state="attached")
    bottleneck.locator(".rl-changed").first.wait_for(state="detached")
    bottleneck.get_by_role("button", name="reset").press("Enter")


def test_in_four_hundred_pixels_no_control_is_cut(page):
    page.set_viewport_size({"width": 400, "height": 900})
    page.locator(".rl-instrument.rl-narrow").first.wait_for()
    page.wait_for_timeout(300)
    cut = page.locator(".rl-explorer").evaluate_all(CUT)
    page.set_viewport_size({"width": 1200, "height": 900})
    assert cut == []
