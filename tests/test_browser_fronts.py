"""The explorers where notebooks open in something else than JupyterLab: Notebook 7, and Voila, which shows no code."""

from importlib.util import find_spec

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

CELLS = (
    "from resnet_lib import BTNK2\nfrom resnet_lib.exercises import Prediction, check_btnk2, width_question\n"
    "from resnet_lib.explorers import BottleneckExplorer, NotationExplorer",
    "BottleneckExplorer(C=256, W=14)",
    "NotationExplorer()",
    "Prediction(width_question(112, kernel=3, stride=2, padding=1))",
    "check_btnk2(BTNK2)",
)
FRONTS = {"notebook": "notebooks", "voila": "voila/render"}
RUN_ALL = """async () => {
    const {sessionContext, context} = jupyterapp.shell.currentWidget;
    await context.ready;
    await sessionContext.ready;
    await jupyterapp.commands.execute('notebook:run-all-cells');
}"""


@pytest.fixture(scope="module", params=FRONTS)
def page(request, desk):
    front = request.param
    if not find_spec(front):
        pytest.skip(f"this test needs {front}: python -m pip install {front}")
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    cells = [new_code_cell(cell) for cell in CELLS]
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), desk.folder / f"{front}.ipynb")
    page = desk.browser.new_page()
    where = f"{desk.server.address}/{FRONTS[front]}/{desk.folder.name}/{front}.ipynb"
    page.goto(f"{where}?token={desk.server.token}")
    if front == "notebook":
        page.wait_for_function("window.jupyterapp?.shell?.currentWidget?.sessionContext")
        page.evaluate(RUN_ALL)
    page.locator(".rl-maps[data-version] canvas").nth(3).wait_for()
    yield page
    page.close()


def shows(page, value):
    page.locator(".rl-diagram").get_by_text(f"CONV 1×1, {value}", exact=True).wait_for()


def test_a_slider_follows_keys_and_mouse(page):
    slider = page.get_by_role("group", name="bottleneck explorer").get_by_role("slider", name="C1", exact=True)
    slider.press("ArrowRight")
    shows(page, 96)
    slider.press("Shift+ArrowLeft")
    shows(page, 92)
    box = slider.bounding_box()
    x, y = box["x"] + 9 + 88 / 508 * (box["width"] - 18), box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y, steps=6)
    page.mouse.up()
    assert int(slider.input_value()) > 92
    shows(page, slider.input_value())


def test_drawing_and_maps_answer_to_clicks_and_the_pointer(page):
    page.get_by_role("button", name="show the maps of conv2").click()
    page.locator(".rl-title", has_text="conv2").wait_for()
    maps = page.locator(".rl-maps canvas").first
    maps.hover(position={"x": 20, "y": 20})
    page.locator(".rl-hover", has_text="channel 0, row").wait_for()
    maps.click(position={"x": 20, "y": 20})
    dialog = page.get_by_role("dialog", name="conv2, channel 0")
    dialog.get_by_text("multiply-adds").wait_for()
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")


def test_sliders_and_buttons_of_jupyter_answer_to_keys_too(page):
    notation = page.get_by_role("group", name="notation explorer")
    notation.get_by_role("slider", name="W", exact=True).press("ArrowLeft")
    notation.locator(".rl", has_text="(256, 55, 55)").first.wait_for()
    notation.get_by_role("button", name="BTNK2", exact=True).press("Enter")
    notation.locator("[aria-pressed=true]", has_text="BTNK2").wait_for()


def test_a_prediction_and_a_check_answer(page):
    field = page.get_by_placeholder("a whole number")
    field.fill("56")
    field.press("Enter")
    page.get_by_text("Right: 56.").wait_for()
    page.get_by_text("BTNK2 is right.").wait_for()
