"""The instrument in a real JupyterLab: what is on the screen at once, and what hands and keys do."""

import sys
from importlib.resources import files

import numpy as np
import pytest

from resnet_lib.explorers import BottleneckExplorer
from resnet_lib.explorers.block_design import positions

CELL = """
from resnet_lib.explorers import BottleneckExplorer
explorer = BottleneckExplorer()
explorer
"""
PARTS = (".rl-top", ".rl-sliders", ".rl-diagram", ".rl-numbers", ".rl-actions", ".rl-maps", ".rl-foot")
BOXES = """names => Object.fromEntries(names.map(name => {
    const {x, y, right, bottom} = document.querySelector(name).getBoundingClientRect();
    return [name, [x, y, right, bottom]];
}))"""
CANVAS = """canvas => {
    const {width, height} = canvas;
    const data = canvas.getContext('2d').getImageData(0, 0, width, height).data;
    return [height, width, Array.from(new Uint32Array(data.buffer))];
}"""


@pytest.fixture(scope="module")
def notebook(desk):
    with desk.open_cells(CELL) as notebook:
        yield notebook


@pytest.fixture
def page(notebook):
    """The page, with the explorer new."""
    notebook.run_cell("BottleneckExplorer()")
    page = notebook.page
    page.locator(".rl-maps[data-version] canvas").nth(3).wait_for()
    page.locator(".rl-explorer").scroll_into_view_if_needed()
    yield page
    assert notebook.errors() == []


def slider(page, name):
    return page.get_by_role("slider", name=name, exact=True)


def kernel(notebook, what):
    return notebook.in_kernel(f"print({what})").strip()


def settles(page):
    """Wait until the maps are those of the numbers."""
    page.wait_for_timeout(200)
    page.wait_for_function("() => !document.querySelector('.rl-maps[aria-busy]')")


def pixels(page, index):
    height, width, numbers = page.locator(".rl-maps canvas").nth(index).evaluate(CANVAS)
    return np.array(numbers, np.uint32).reshape(height, width)


def boxes(page, names=PARTS):
    return page.evaluate(BOXES, names)


def test_callbacks_run_where_the_course_says_and_the_kernel_is_this_python(notebook):
    assert kernel(notebook, "__import__('sys').prefix") == sys.prefix


def test_the_sliders_have_exactly_their_names_and_marks(page):
    names = page.get_by_role("slider").evaluate_all("all => all.map(one => one.getAttribute('aria-label'))")
    assert names == ["C", "W", "C1", "S"]
    assert "channels in, ResNet-50, Stage 1" in slider(page, "C").get_attribute("aria-valuetext")
    marked = page.locator(".rl-slider").nth(2).locator(".rl-marks i")
    wanted = sorted({d.C1 for d in positions().values()})
    assert marked.evaluate_all("all => all.map(one => Number(one.dataset.value))") == wanted


def test_arrows_go_to_stops_and_with_shift_by_the_finest_step(page, notebook):
    for key, value in (("ArrowRight", 96), ("Shift+ArrowRight", 100), ("ArrowLeft", 96), ("ArrowDown", 64)):
        slider(page, "C1").press(key)
        assert slider(page, "C1").input_value() == str(value)
    settles(page)
    assert kernel(notebook, "explorer.C1.value") == "64"


def test_a_value_can_be_typed_and_one_that_is_out_of_range_is_refused(page, notebook):
    field = page.get_by_role("textbox", name="C1, typed")
    field.fill("128")
    field.press("Enter")
    settles(page)
    assert kernel(notebook, "explorer.C1.value") == "128"
    field.fill("100000")
    field.press("Enter")
    assert field.input_value() == "128"


def test_a_drag_ends_at_the_last_value_with_its_maps(page, notebook):
    box = slider(page, "C1").bounding_box()
    x, y = box["x"] + 9 + 0.12 * (box["width"] - 18), box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y, steps=12)
    page.mouse.up()
    value = int(slider(page, "C1").input_value())
    assert value > 64
    settles(page)
    assert kernel(notebook, "explorer.C1.value, explorer.says['v'] == explorer.page.maps['v']") == f"{value} True"
    assert f"CONV 1×1, {value}" in page.locator(".rl-diagram").text_content()
    twin = BottleneckExplorer(C1=value)
    tile = twin.tile("add", 5)
    shown = pixels(page, 2)
    k = (shown.shape[1] - 1) // 4 // (tile.shape[1] + 1) or 1
    top, left = tile.shape[0] * k + 2, tile.shape[1] * k + 2
    drawn = shown[top : top + tile.shape[0] * k : k, left : left + tile.shape[1] * k : k]
    # One colour a level: equal levels are equal pixels, different ones are different ones.
    pairs = set(zip(tile.ravel().tolist(), drawn.ravel().tolist(), strict=True))
    assert len(pairs) == len({level for level, _ in pairs})


def test_a_move_of_a_slider_does_not_fetch_the_icon_of_the_tab(page):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    for value in (96, 128):
        slider(page, "C1").press("ArrowRight")
        page.locator(".rl-diagram").get_by_text(f"CONV 1×1, {value}", exact=True).wait_for()
    settles(page)
    assert [address for address in asked if "favicon" in address] == []


def test_a_menu_narrower_than_its_choice_says_it_whole_to_a_mouse_at_rest(page):
    menu = page.get_by_role("combobox", name="show", exact=True)
    chosen = menu.evaluate("menu => menu.value")
    assert chosen and menu.get_attribute("title") == f"show: {chosen}"


def test_a_click_in_the_drawing_shows_that_step(page, notebook):
    page.get_by_role("button", name="show the maps of conv2").click()
    settles(page)
    assert page.locator(".rl-title").all_inner_texts() == ["conv2"]
    assert page.get_by_role("button", name="show the maps of conv2").get_attribute("aria-pressed") == "true"


def test_pointing_says_the_exact_value_of_the_kernel(page, notebook):
    canvas = page.locator(".rl-maps canvas").first
    box = canvas.bounding_box()
    k = round((box["width"] - 1) / 4 - 1) // 56
    page.mouse.move(box["x"] + 1 + (56 * k + 1) + 9 * k + k / 2, box["y"] + 1 + 5 * k + k / 2)
    page.locator(".rl-hover").filter(has_text="channel 1, row 5, column 9").wait_for()
    value = kernel(notebook, "explorer._ran.kept['bn3'][0, 1, 5, 9].item()")
    said = page.locator(".rl-hover").inner_text().rpartition(": ")[2]
    assert np.float32(said.replace("−", "-")) == np.float32(float(value))


def test_a_click_enlarges_a_map_with_its_products_and_escape_goes_back(page):
    page.locator(".rl-maps canvas").first.click(position={"x": 30, "y": 30})
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("multiply-adds").wait_for()
    before = dialog.get_by_role("status").inner_text()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("old => document.querySelector('.rl-large [role=status]').textContent !== old", arg=before)
    page.keyboard.press("Escape")
    assert dialog.count() == 0
    assert page.evaluate("document.activeElement.closest('.rl-maps') !== null")


def test_a_clash_is_red_where_it_is_and_is_mended_by_a_button(page, notebook):
    page.get_by_role("button", name="BTNK2", exact=True).click()
    alert = page.get_by_role("alert").filter(has_text="a sum needs equal shapes")
    alert.wait_for()
    assert page.locator(".rl-edge.rl-clash text").all_text_contents() == ["F (256, 56, 56)", "x (64, 56, 56)"]
    page.locator(".rl-old").nth(1).wait_for()  # the maps follow the numbers
    assert page.locator(".rl-old").count() == 2
    assert page.get_by_role("button", name="go back").is_visible()
    page.get_by_role("button", name="mend it").click()
    alert.wait_for(state="hidden")
    assert slider(page, "C1").input_value() == "16"
    assert page.get_by_role("button", name="BTNK2", exact=True).get_attribute("aria-pressed") == "true"


def test_what_is_pinned_is_compared_as_ratios(page):
    page.get_by_role("button", name="pin", exact=True).click()
    page.get_by_text("pinned: BTNK1(C=64, C1=64)").wait_for()
    slider(page, "W").fill("112")
    page.locator(".rl-times").nth(1).filter(has_text="×4").wait_for()
    page.get_by_role("button", name="undo").click()
    page.wait_for_function("document.querySelectorAll('input[type=range]')[1].value === '56'")


def test_keys_of_the_instrument_are_no_commands_of_the_notebook(page, notebook):
    cells = len(notebook.cells())
    page.get_by_role("button", name="pin", exact=True).focus()
    for key in ("a", "b", "ArrowDown", "d", "d"):
        page.keyboard.press(key)
    assert len(notebook.cells()) == cells


@pytest.mark.parametrize("size", [(1200, 900), (1366, 768)])
@pytest.mark.parametrize("state", ["legal", "clash"])
def test_everything_is_on_the_screen_at_once_and_nothing_overlaps(notebook, page, size, state):
    page.set_viewport_size({"width": size[0] - 252, "height": size[1]})  # what the file browser leaves
    if state == "clash":
        page.get_by_role("button", name="BTNK2", exact=True).click()
    settles(page)
    page.wait_for_timeout(400)
    try:
        root = boxes(page, [".rl-explorer"])[".rl-explorer"]
        assert root[3] - root[1] <= 620
        pane = page.locator(".jp-WindowedPanel-outer").bounding_box()
        assert root[3] - root[1] <= pane["height"]
        found = boxes(page)
        for name, (x, y, right, bottom) in found.items():
            assert root[0] - 1 <= x < right <= root[2] + 1 and root[1] - 1 <= y < bottom <= root[3] + 1, name
        items = list(found.items())
        for i, (name, a) in enumerate(items):
            for other, b in items[i + 1 :]:
                apart = a[2] <= b[0] + 1 or b[2] <= a[0] + 1 or a[3] <= b[1] + 1 or b[3] <= a[1] + 1
                assert apart, (name, other, a, b)
        maps = found[".rl-maps"]
        for box in page.locator(".rl-maps canvas").evaluate_all(
            "all => all.map(c => { const {right, bottom} = c.getBoundingClientRect(); return [right, bottom]; })"
        ):
            assert box[0] <= maps[2] + 1 and box[1] <= maps[3] + 1
    finally:
        page.set_viewport_size({"width": 1200, "height": 900})


def test_four_hundred_pixels_are_usable(page):
    page.set_viewport_size({"width": 400, "height": 800})
    try:
        page.locator(".rl-explorer.rl-narrow").wait_for()
        wide = page.evaluate(
            "() => { const r = document.querySelector('.rl-explorer'); return r.scrollWidth - r.clientWidth }"
        )
        assert wide <= 0
    finally:
        page.set_viewport_size({"width": 1200, "height": 900})


def test_the_page_has_no_ids_of_drawings(page):
    assert page.locator(".rl-explorer [id]").count() == 0


# Another notebook beside the first one, in the same window.
BESIDE = """async ([name, source]) => {
    const {shell, commands, serviceManager} = jupyterapp, kernel = {name: 'python3'};
    const path = shell.currentWidget.context.path.replace('cells.ipynb', name);
    window.wasOpen = shell.currentWidget.id;
    shell.mode = 'multiple-document';
    const cells = [{cell_type: 'code', id: 'one', metadata: {}, outputs: [], execution_count: null, source}];
    const content = {nbformat: 4, nbformat_minor: 5, metadata: {}, cells};
    await serviceManager.contents.save(path, {type: 'notebook', format: 'json', content});
    const panel = await commands.execute('docmanager:open', {path, kernel, options: {mode: 'split-right'}});
    await panel.context.ready;
    await panel.sessionContext.ready;
    shell.activateById(panel.id);
    await commands.execute('notebook:run-all-cells');
}"""
APART = """async () => {
    const {shell} = jupyterapp, panel = shell.currentWidget;
    await panel.sessionContext.shutdown();
    panel.dispose();
    shell.activateById(wasOpen);
    shell.mode = 'single-document';
}"""
HEADS = """root => [...root.querySelectorAll('.rl-head')].map(head => {
    const {width, height} = head.getBoundingClientRect();
    return width > 1 && height > 1 && getComputedStyle(head).fill.startsWith('rgb');
})"""


def test_two_notebooks_side_by_side_keep_their_arrowheads_and_their_own_maps(page):
    page.evaluate(BESIDE, ["beside.ipynb", CELL.replace("BottleneckExplorer()", "BottleneckExplorer(C1=32)").strip()])
    try:
        page.locator(".rl-maps[data-version]").nth(1).wait_for()
        first, second = page.locator(".rl-explorer").all()
        for root in (first, second):
            heads = root.evaluate(HEADS)
            assert len(heads) >= 8 and all(heads)
        before = [root.locator(".rl-maps canvas").nth(2).evaluate(CANVAS) for root in (first, second)]
        second.get_by_role("slider", name="C1", exact=True).press("ArrowRight")
        second.locator(".rl-diagram").get_by_text("CONV 1×1, 48", exact=True).wait_for()
        settles(page)
        after = [root.locator(".rl-maps canvas").nth(2).evaluate(CANVAS) for root in (first, second)]
        assert after[0] == before[0] and after[1] != before[1]
        assert "CONV 1×1, 64" in first.locator(".rl-diagram").text_content()
    finally:
        page.evaluate(APART)


# The script of every explorer comes later than anywidget waits for it.
LATE = """() => {
    window.wasCreate = URL.createObjectURL;
    URL.createObjectURL = blob => wasCreate.call(URL, blob.type !== 'text/javascript' ? blob
        : new Blob(['await new Promise(ready => setTimeout(ready, 2500));\\n', blob], {type: blob.type}));
}"""


def test_an_explorer_whose_script_comes_late_hears_the_kernel_all_the_same(notebook):
    page = notebook.page
    page.evaluate(LATE)
    try:
        notebook.run_cell("BottleneckExplorer()")
        page.locator(".rl-maps[data-version] canvas").nth(3).wait_for()
        slider(page, "C1").press("ArrowRight")
        page.locator(".rl-diagram").get_by_text("CONV 1×1, 96", exact=True).wait_for(timeout=15000)
    finally:
        page.evaluate("() => { URL.createObjectURL = wasCreate }")


# A page that is told round trips of so many milliseconds: what it has asked of the kernel.
PACE = """async ([script, milliseconds]) => {
    const hearers = {}, asked = [];
    const model = {widget_manager: {}, on: (name, hear) => { (hearers[name] ??= []).push(hear); }, off() {},
        send(content) { asked.push(content.slow); setTimeout(() => hearers['msg:custom'].forEach(hear => hear(content)),
            milliseconds[Math.min(asked.length, milliseconds.length) - 1]); }};
    new Function(script + '; return paceOf')()(model);
    const rest = () => new Promise(ready => setTimeout(ready, 1200));
    await rest();
    hearers['change:maps'].forEach(hear => hear());
    await rest();
    return asked;
}"""


ASKED = [
    ([300, 5, 5], [False] * 3),  # busy at first, and near
    ([150], [False] * 3 + [True] * 2),  # slow, and asked again with the next maps
    ([150, 150, 150, 150, 5], [False] * 3 + [True] * 2 + [False]),  # not slow after all
]


def test_maps_are_asked_for_packed_where_every_round_trip_is_slow(notebook):
    script = (files("resnet_lib.explorers") / "instrument_parts.js").read_text(encoding="utf-8")
    at_once = f"pages => Promise.all(pages.map({PACE}))"
    assert notebook.page.evaluate(at_once, [[script, each] for each, _ in ASKED]) == [asked for _, asked in ASKED]


def test_packed_maps_are_drawn_and_say_so(page, notebook):
    notebook.in_kernel("explorer.page.slow = True")
    slider(page, "C1").press("ArrowRight")
    page.locator(".rl-hover").filter(has_text="43 colours").wait_for()
    settles(page)
    assert 10 < len(np.unique(pixels(page, 2))) <= 43 + 2  # the grid and the frame have their own
    assert int(kernel(notebook, "len(explorer.page.levels)")) < 110_000
