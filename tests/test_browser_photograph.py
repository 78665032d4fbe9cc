"""The explorers of photographs in a real JupyterLab and browser: all on one screen, clicks, keys, uploads, dropped
files."""

import io
import shutil

import numpy as np
import pytest
from PIL import Image

from . import lab
from .test_browser_whole import overlap, window

CELLS = (
    """
    import torch
    from resnet_lib import ResNet
    from resnet_lib.explorers import AttributionExplorer, CompareExplorer, PhotographExplorer, SizeExplorer
    torch.manual_seed(0)
    network = ResNet(base=16, num_classes=10).eval()
    """,
    "photograph = PhotographExplorer(network, 'cat', size=96, step='stage1.0.conv2')\nphotograph",
    "attribution = AttributionExplorer(network, size=96)\nattribution",
    "compare = CompareExplorer(network, size=96)\ncompare",
    "SizeExplorer(S=4)",
    "published = PhotographExplorer(step='stage2.1.conv2')\npublished",
)
MEASURE = """(root, names) => {
    const box = element => (({x, y, right, bottom}) => [x, y, right, bottom])(element.getBoundingClientRect());
    const seen = element => element.checkVisibility();
    const sums = root.querySelector('.rl-sums');
    return [box(root), Object.fromEntries(names.map(name => [name, root.querySelector(name)])
        .filter(([, element]) => element?.offsetHeight && seen(element))
        .map(([name, element]) => [name, box(element)])),
        [...root.querySelectorAll('button, select, input, canvas')].filter(seen).map(box),
        sums.scrollHeight - sums.clientHeight];
}"""
PARTS = (".rl-top", ".rl-answer", ".rl-walk", ".rl-figures", ".rl-actions", ".rl-maps", ".rl-foot", ".rl-closeup")


@pytest.fixture(scope="module")
def notebook(desk):
    """A notebook with the explorers, its first cell run."""
    shutil.copy(lab.ROOT / "resnet_lib" / "photos" / "pictures" / "church.jpg", desk.folder / "own photo.jpg")
    with desk.open_cells(*CELLS) as opened:
        yield opened


def explorer(notebook, cell):
    """The explorer that a cell shows, as the page has it."""
    notebook.run_cell(cell)
    assert notebook.errors() == []
    cells = notebook.page.locator(".jp-CodeCell").filter(has_text=cell)
    root = cells.locator(".rl-instrument").last
    root.wait_for()
    root.scroll_into_view_if_needed()
    return root


@pytest.fixture
def view(notebook):
    yield explorer(notebook, "PhotographExplorer(network")
    assert notebook.errors() == []
    assert notebook.problems == []


def ask(notebook, expression):
    """The value of an expression in the kernel, as text."""
    return notebook.in_kernel(f"print(({expression}))").strip()


def becomes(notebook, expression, value):
    lab.View(notebook.page, None).wait_until(
        lambda: ask(notebook, expression) == str(value), f"{expression} becomes {value}"
    )


def click(canvas, x, y):
    """Click at those shares of the width and height of a canvas."""
    box = canvas.bounding_box()
    canvas.click(position={"x": x * box["width"], "y": y * box["height"]})


def jpeg(width, height, seed=0):
    """A file of noise: JPEG cannot make it small."""
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=95)
    return file.getvalue()


# ── on one screen ──


def at_rest(root):
    """Return what MEASURE finds when nothing moves any longer: a busy machine needs time for another size."""
    found = [None, root.evaluate(MEASURE, PARTS)]
    while found[-1] != found[-2]:
        root.page.wait_for_timeout(300)
        found.append(root.evaluate(MEASURE, PARTS))
    return found[-1]


@pytest.mark.parametrize(
    "cell", ["published =", "AttributionExplorer(network", "CompareExplorer(network", "SizeExplorer(S"]
)
def test_everything_is_on_the_screen_at_once_and_nothing_overlaps(notebook, cell):
    root = explorer(notebook, cell)
    for size in ((1200, 900), (1366, 768)):
        with window(notebook.page, *size):
            root.scroll_into_view_if_needed()
            whole, parts, controls, hidden = at_rest(root)
            pane = notebook.page.locator(".jp-WindowedPanel-outer").bounding_box()
            assert whole[3] - whole[1] <= min(640, pane["height"]) and hidden <= 1
            for name, (x, y, right, bottom) in parts.items():
                assert whole[0] - 1 <= x < right <= whole[2] + 1 and whole[1] - 1 <= y < bottom <= whole[3] + 1, name
            named = list(parts.items())
            for i, (name, box) in enumerate(named):
                assert [other for other, b in named[i + 1 :] if overlap(box, b)] == [], name
            for i, box in enumerate(controls):
                assert whole[0] <= box[0] + 1 and box[2] <= whole[2] + 1 and box[3] <= whole[3] + 1
                assert not any(overlap(box, other) for other in controls[i + 1 :])


# ── the walk ──


def test_a_click_on_a_map_chooses_its_channel_and_the_value_there(view, notebook):
    click(view.locator(".rl-maps canvas"), 0.63, 0.3)  # 16 maps of 24 × 24, four in a row
    becomes(notebook, "photograph.channel.value", 6)
    view.get_by_text("channel 6:").wait_for()
    assert view.get_by_role("slider", name="channel").input_value() == "6"
    row, column = ask(notebook, "photograph.row.value, photograph.column.value").strip("()").split(", ")
    assert abs(int(row) - 4) < 3 and abs(int(column) - 12) < 3


def test_a_click_and_an_arrow_key_on_the_photograph_choose_the_value_there(view, notebook):
    photograph = view.locator(".rl-pictures canvas").nth(1)
    click(photograph, 0.52, 0.52)
    becomes(notebook, "photograph.row.value, photograph.column.value", "(12, 12)")
    photograph.focus()
    notebook.page.keyboard.press("ArrowLeft")
    view.get_by_text("row 12, column 11").wait_for()


def test_keys_walk_from_channel_to_channel_and_from_stage_to_stage(view, notebook):
    before = int(ask(notebook, "photograph.channel.value"))  # it begins at the strongest channel
    key, step = ("ArrowLeft", -1) if before >= 3 else ("ArrowRight", 1)
    for _ in range(3):
        view.get_by_role("slider", name="channel").press(key)
    becomes(notebook, "photograph.channel.value", before + 3 * step)
    view.get_by_role("button", name="Stage 3").focus()
    notebook.page.keyboard.press("Enter")
    becomes(notebook, "photograph.looking_at", "stage3.0.conv2")
    view.locator(".rl-figures").get_by_text("stage3.0.conv2").wait_for()


def test_another_photograph_shows_other_classes(view, notebook):
    text = view.locator(".rl-answer").text_content()
    view.get_by_role("combobox", name="picture").select_option("truck")
    becomes(notebook, "photograph.source.label", "truck")
    view.get_by_alt_text("truck").wait_for()
    assert view.locator(".rl-answer").text_content() != text


def test_at_the_head_every_class_has_its_name_and_can_be_chosen(notebook):
    view = explorer(notebook, "published =")
    view.get_by_role("button", name="head").click()
    view.get_by_role("button", name="fc").click()
    names = view.locator(".rl-names button")
    names.nth(9).wait_for()
    assert "church" in names.nth(0).text_content()
    names.nth(3).click()
    view.locator(".rl-names button[aria-pressed=true]").nth(0).wait_for()
    becomes(notebook, "published.channel.value", int(ask(notebook, "published._order()[3]")))


# ── one's own pictures ──


def upload(view, notebook, name, data):
    with notebook.page.expect_file_chooser() as chooser:
        view.get_by_role("button", name="your own").click()
    chooser.value.set_files({"name": name, "mimeType": "image/jpeg", "buffer": data})


def test_an_upload_of_many_megabytes_is_shown(view, notebook):
    data = jpeg(4000, 3000)
    assert len(data) > 12e6
    upload(view, notebook, "camera.jpg", data)
    becomes(notebook, "photograph.source.label", "camera.jpg")
    assert ask(notebook, "photograph.source.value.size") == "(2048, 1536)"  # as much as one message can carry


def test_a_small_upload_arrives_as_it_is(view, notebook):
    upload(view, notebook, "small.jpg", jpeg(400, 300))
    becomes(notebook, "photograph.source.label", "small.jpg")
    assert ask(notebook, "photograph.source.value.size") == "(400, 300)"


def test_a_large_file_that_is_no_picture_gives_a_sentence(view, notebook):
    upload(view, notebook, "film.jpg", bytes(9_000_000))
    alert = view.locator(".rl-answer [role=alert]")
    alert.wait_for()
    assert "film.jpg" in alert.text_content()


def test_a_file_dropped_on_the_view_is_shown_and_offered_in_the_other_explorers(view, notebook):
    compare = explorer(notebook, "CompareExplorer(network")
    drop(view, "dropped.jpg", jpeg(60, 40))
    becomes(notebook, "photograph.source.label", "dropped.jpg")
    compare.get_by_role("combobox", name="with", exact=True).select_option("dropped.jpg")
    compare.locator(".rl-title").filter(has_text="dropped.jpg").wait_for()


def test_a_dropped_file_that_is_no_picture_gives_a_sentence(view, notebook):
    drop(view, "notes.txt", b"no picture at all")
    alert = view.locator(".rl-answer [role=alert]")
    alert.wait_for()
    assert "notes.txt" in alert.text_content()
    assert ask(notebook, "photograph.source.label") == "cat"


def test_a_path_is_opened(view, notebook):
    field = view.get_by_role("textbox", name="path")
    field.fill("own photo.jpg")
    field.press("Enter")
    becomes(notebook, "photograph.source.label", "own photo.jpg")


DROP = """(element, [name, bytes]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(bytes)], name));
    for (const kind of ['dragover', 'drop'])
        element.dispatchEvent(new DragEvent(kind, {dataTransfer: transfer, bubbles: true, cancelable: true}));
}"""


def drop(view, name, data):
    view.locator(".rl-maps canvas").evaluate(DROP, [name, list(data)])


# ── attribution and comparison ──


def test_occlusion_grows_on_the_screen_and_can_be_stopped(notebook):
    view = explorer(notebook, "AttributionExplorer(network")
    view.get_by_role("button", name="occlusion").click()
    becomes(notebook, "attribution.method.value", "occlusion")
    notebook.in_kernel("attribution.stride.value, attribution.patch.value = 2, 20")
    notebook.page.get_by_role("button", name="cover it").click()
    view.get_by_text("places covered").wait_for()
    notebook.page.get_by_role("button", name="stop").click()
    becomes(notebook, "attribution.stop.disabled", True)
    done, total = ask(notebook, "attribution.progress.value, attribution.progress.max").strip("()").split(", ")
    assert 0 < int(done) < int(total) == 48 * 48
    click(view.locator(".rl-pictures canvas").first, 0.01, 0.01)
    view.get_by_text("covered in the frame").wait_for()
    assert notebook.errors() == [] and notebook.problems == []


def test_grad_cam_follows_class_and_step(notebook):
    view = explorer(notebook, "AttributionExplorer(network")
    view.get_by_role("combobox", name="at", exact=True).select_option("at stage2")
    view.get_by_text("at stage2, 12 × 12 values").wait_for()


def test_every_kind_of_comparison_can_be_chosen(notebook):
    view = explorer(notebook, "CompareExplorer(network")
    for name, words in (
        ("two steps", "The shapes differ"),
        ("v1.5 and v1", "equal, to the last bit"),
        ("trained and random", "random weights"),
        ("two photographs", "Largest difference"),
    ):
        view.get_by_role("button", name=name).click()
        view.get_by_text(words).first.wait_for()
    assert notebook.errors() == [] and notebook.problems == []
