"""The explorers of a stage, a network and a stem in a real JupyterLab: all of it on the screen at once."""

import contextlib

import pytest

from resnet_lib.views.style import CSS

CELL = """
from resnet_lib.explorers import NetworkExplorer, StageExplorer
explorer = NetworkExplorer(W=64)
explorer
"""
PARTS = (".rl-top", ".rl-sliders", ".rl-diagram", ".rl-numbers", ".rl-actions", ".rl-maps", ".rl-foot")
MEASURE = """names => {
    const box = element => (({x, y, right, bottom}) => [x, y, right, bottom])(element.getBoundingClientRect());
    const root = document.querySelector('.rl-explorer');
    return [box(root), Object.fromEntries(names.map(name => [name, box(root.querySelector(name))])),
        [...root.querySelectorAll('.rl-maps canvas')].map(box),
        [...root.querySelectorAll('.rl-diagram text')].filter(text => text.textContent).map(box)];
}"""


# Of every share of the costs: where its words begin and end that are seen in it, beside its own left and right.
WORDS = """() => [...document.querySelectorAll('.rl-shares span')].map(share => {
    const {left, right, bottom} = share.getBoundingClientRect();
    const words = [...share.querySelectorAll('b')].map(word => word.getBoundingClientRect());
    return [left, right, words.filter(b => b.y < bottom - 1).map(b => [b.left, b.right])];
})"""


@pytest.fixture(scope="module")
def notebook(desk):
    with desk.open_cells(CELL) as notebook:
        yield notebook


def show(notebook, made):
    """Show another explorer in the notebook's cell."""
    notebook.page.evaluate(
        "code => { jupyterapp.shell.currentWidget.content.widgets[0].model.sharedModel.source = code }",
        f"from resnet_lib.explorers import *\nexplorer = {made}\nexplorer",
    )
    notebook.run_cell("explorer")
    notebook.page.locator(".rl-maps[data-version] canvas").first.wait_for()
    settles(notebook.page)
    assert notebook.errors() == []


def settles(page):
    page.wait_for_timeout(300)
    page.wait_for_function("() => !document.querySelector('.rl-maps[aria-busy]')")


@contextlib.contextmanager
def window(page, width, height):
    """A window so large whose file browser is open, and other explorers in it."""
    page.set_viewport_size({"width": width - 252, "height": height})
    # What other explorers show brings the common rules once more, which then come after the instrument's own.
    page.add_style_tag(content=CSS.removeprefix("<style>").removesuffix("</style>"))
    page.locator(".rl-explorer").first.scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    yield
    page.set_viewport_size({"width": 1200, "height": 900})


def overlap(a, b):
    return a[0] < b[2] - 1 and b[0] < a[2] - 1 and a[1] < b[3] - 1 and b[1] < a[3] - 1


def check_layout(page):
    root, parts, canvases, texts = page.evaluate(MEASURE, PARTS)
    assert root[3] - root[1] <= min(640, page.locator(".jp-WindowedPanel-outer").bounding_box()["height"])
    for name, (x, y, right, bottom) in parts.items():
        assert root[0] - 1 <= x < right <= root[2] + 1 and root[1] - 1 <= y < bottom <= root[3] + 1, name
    named = list(parts.items())
    for i, (name, box) in enumerate(named):
        assert [other for other, b in named[i + 1 :] if overlap(box, b)] == [], name
    maps, diagram = parts[".rl-maps"], parts[".rl-diagram"]
    for i, box in enumerate(canvases):
        assert box[0] >= maps[0] - 1 and box[2] <= maps[2] + 1 and box[3] <= maps[3] + 1
        assert not any(overlap(box, other) for other in canvases[i + 1 :])
    for i, box in enumerate(texts):
        assert box[0] >= diagram[0] - 1 and box[2] <= diagram[2] + 1 and box[3] <= diagram[3] + 2
        assert not any(overlap(box, [o[0], o[1] + 3, o[2], o[3] - 3]) for o in texts[i + 1 :])


MADE = ['NetworkExplorer("resnet152", W=64)', "StageExplorer(3, W=64)", "StageExplorer(1)", "StemExplorer()"]


@pytest.mark.parametrize("made", MADE)
def test_everything_is_on_the_screen_at_once_and_nothing_overlaps(notebook, made):
    show(notebook, made)
    for size in ((1200, 900), (1366, 768)):
        with window(notebook.page, *size):
            check_layout(notebook.page)


@pytest.mark.parametrize("made", ['NetworkExplorer("thin", W=32)', "BottleneckExplorer(C=256, W=14, C1=48)"])
def test_a_word_in_the_bar_of_costs_is_whole_or_left_out(notebook, made):
    show(notebook, made)
    shares = notebook.page.evaluate(WORDS)
    assert len(shares) >= 3 and max(len(words) for _, _, words in shares) == 2  # name and percentage
    assert min(len(words) for _, _, words in shares) < 2
    for left, right, words in shares:
        assert all(left <= begin and end <= right for begin, end in words)


def test_a_click_enters_a_block_and_a_button_leaves_it(notebook):
    show(notebook, 'NetworkExplorer("thin", W=64)')
    page = notebook.page
    page.locator("[data-step='stage2.0']").click()
    page.locator(".rl-title").filter(has_text="G(x)").first.wait_for()
    with window(page, 1366, 768):
        check_layout(page)
    page.locator(".rl-explorer:not(.rl-wide)").wait_for()
    page.get_by_role("button", name="the network").click()
    page.locator(".rl-explorer.rl-wide").wait_for()
    page.locator(".rl-title").filter(has_text="Stage 4").wait_for()


def test_a_stride_in_stage_1_is_one_click_and_halves_what_follows(notebook):
    show(notebook, "StageExplorer(1, W=64)")
    page = notebook.page
    assert page.get_by_role("slider").evaluate_all("all => all.map(one => one.getAttribute('aria-label'))") == [
        "W",
        "blocks",
        "C1",
        "S",
    ]
    page.get_by_role("button", name="S = 2 in Stage 1").click()
    page.locator(".rl-diagram").get_by_text("(256, 8, 8)").wait_for()
    assert page.get_by_role("slider", name="S", exact=True).input_value() == "2"
    settles(page)
    assert notebook.in_kernel("print(explorer.page.maps['groups'][-1]['side'])").strip() == "[8, 8]"


def test_maps_that_take_long_follow_when_the_hand_rests(notebook):
    show(notebook, "NetworkExplorer(W=64)")
    page = notebook.page
    for _ in range(3):
        page.get_by_role("slider", name="W", exact=True).press("ArrowRight")
    page.locator(".rl-diagram").get_by_text("(256, 40, 40)").wait_for()
    page.wait_for_timeout(200)
    settles(page)
    shown = "print(explorer.page.maps['groups'][1]['side'], explorer.says['v'] == explorer.page.maps['v'])"
    assert notebook.in_kernel(shown).strip() == "[40, 40] True"


def test_the_window_of_the_kernel_walks_by_keys_clicks_and_itself(notebook):
    show(notebook, "StemExplorer(W=16)")
    page = notebook.page
    where = page.locator(".rl-grid text").first
    assert where.text_content() == "output (0, 0): rows −3 to 3, columns −3 to 3"
    page.locator(".rl-grid").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    assert where.text_content() == "output (1, 2): rows −1 to 5, columns 1 to 7"
    page.get_by_role("slider", name="stride", exact=True).press("ArrowRight")
    page.get_by_text("output (1, 2): rows 0 to 6, columns 3 to 9").wait_for()
    page.get_by_role("button", name="walk").click()
    where.filter(has_not_text="output (1, 2)").wait_for()
    page.get_by_role("button", name="walk").click()
