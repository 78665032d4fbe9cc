"""The explorers of photographs in a real JupyterLab and browser: clicks, keys, uploads, files dropped on them."""

import io
import shutil

import numpy as np
import pytest
from PIL import Image

from . import lab

CELLS = (
    """
    import torch
    from resnet_lib import ResNet
    from resnet_lib.explorers import AttributionExplorer, CompareExplorer, PhotographExplorer
    torch.manual_seed(0)
    network = ResNet(base=16, num_classes=10).eval()
    """,
    "photograph = PhotographExplorer(network, size=96, step='stage1.0.conv2')\nphotograph",
    "attribution = AttributionExplorer(network, size=96)\nattribution",
    "compare = CompareExplorer(network, size=96)\ncompare",
)


@pytest.fixture(scope="module")
def notebook(desk):
    """A notebook with the three explorers, its first cell run."""
    shutil.copy(lab.ROOT / "resnet_lib" / "photos" / "pictures" / "church.jpg", desk.folder / "own photo.jpg")
    with desk.open_cells(*CELLS) as opened:
        yield opened


def explorer(notebook, cell, control):
    notebook.run_cell(cell)
    assert notebook.errors() == []
    return notebook.view(control)


@pytest.fixture
def view(notebook):
    yield explorer(notebook, "PhotographExplorer(network", "channel")
    assert notebook.errors() == []
    assert notebook.problems == []


def ask(notebook, expression):
    """The value of an expression in the kernel, as text."""
    return notebook.in_kernel(f"print(({expression}))").strip()


def becomes(view, notebook, expression, value):
    view.wait_until(lambda: ask(notebook, expression) == str(value), f"{expression} becomes {value}")


def click(view, picture, x, y):
    """Click at those shares of the width and height of a picture."""
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    view.page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])


def images(view):
    return view.root.locator("img.widget-image")


def jpeg(width, height, seed=0):
    """A file of noise: JPEG cannot make it small."""
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=95)
    return file.getvalue()


# ── the walk ──


def test_a_click_on_a_map_chooses_its_channel_and_the_enlarged_map_follows(view, notebook):
    before = images(view).nth(2).get_attribute("src")
    click(view, images(view).nth(1), 0.6, 0.3)  # 16 maps, four in a row
    becomes(view, notebook, "photograph.channel.value", 6)
    view.wait_until(lambda: images(view).nth(2).get_attribute("src") != before, "the enlarged map follows")
    assert "channel 6:" in view.text()
    assert view.slider("channel").value == 6


def test_a_click_on_the_photograph_chooses_the_position_there(view, notebook):
    click(view, images(view).nth(2), 0.75, 0.52)
    becomes(view, notebook, "photograph.row.value, photograph.column.value", "(12, 11)")
    view.wait_until(lambda: "row 12, column 11" in view.text(), "the text follows")


def test_keys_walk_from_channel_to_channel_and_tab_reaches_every_control(view, notebook):
    at = int(ask(notebook, "photograph.channel.value"))  # it begins at the strongest channel
    key, step = ("ArrowLeft", -1) if at >= 3 else ("ArrowRight", 1)
    view.slider("channel").press(key, times=3)
    becomes(view, notebook, "photograph.channel.value", at + 3 * step)
    view.button("Stage 3").focus()
    view.page.keyboard.press("Enter")
    becomes(view, notebook, "photograph.looking_at", "stage3.0.conv2")
    view.wait_until(lambda: "stage3.0.conv2" in view.text(), "the text follows")


def test_another_photograph_shows_other_classes_and_maps(view, notebook):
    text, before = view.text(), view.pixels()
    view.dropdown("picture").select_option("truck")
    view.wait_until(lambda: view.text() != text, "the classes change")
    view.wait_until(lambda: not np.array_equal(view.pixels(), before), "the photograph changes")


# ── one's own pictures ──


def test_an_upload_of_many_megabytes_is_shown(view, notebook):
    data = jpeg(4000, 3000)
    assert len(data) > 12e6
    with view.page.expect_file_chooser() as chooser:
        view.root.locator("button.rl-upload").click()
    chooser.value.set_files({"name": "camera.jpg", "mimeType": "image/jpeg", "buffer": data})
    becomes(view, notebook, "photograph.source.label", "camera.jpg")
    assert ask(notebook, "photograph.source.value.size") == "(2048, 1536)"  # as much as one message can carry


def test_a_small_upload_arrives_as_it_is(view, notebook):
    with view.page.expect_file_chooser() as chooser:
        view.root.locator("button.rl-upload").click()
    chooser.value.set_files({"name": "small.jpg", "mimeType": "image/jpeg", "buffer": jpeg(400, 300)})
    becomes(view, notebook, "photograph.source.label", "small.jpg")
    assert ask(notebook, "photograph.source.value.size") == "(400, 300)"


def test_a_large_file_that_is_no_picture_gives_a_sentence(view, notebook):
    with view.page.expect_file_chooser() as chooser:
        view.root.locator("button.rl-upload").click()
    chooser.value.set_files({"name": "film.jpg", "mimeType": "image/jpeg", "buffer": bytes(9_000_000)})
    alert = view.root.get_by_role("alert")
    alert.wait_for()
    assert "film.jpg" in alert.text_content()


def test_a_file_dropped_on_the_view_is_shown(view, notebook):
    drop(view, "dropped.jpg", jpeg(60, 40))
    becomes(view, notebook, "photograph.source.label", "dropped.jpg")


def test_a_dropped_file_that_is_no_picture_gives_a_sentence(view, notebook):
    drop(view, "notes.txt", b"no picture at all")
    alert = view.root.get_by_role("alert")
    alert.wait_for()
    assert "notes.txt" in alert.text_content()
    assert ask(notebook, "photograph.source.label") == "cat"


def test_a_path_is_opened(view, notebook):
    field = view.number("path")
    field.fill("own photo.jpg")
    field.press("Enter")
    becomes(view, notebook, "photograph.source.label", "own photo.jpg")


DROP = """(element, [name, bytes]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(bytes)], name));
    for (const kind of ['dragover', 'drop'])
        element.dispatchEvent(new DragEvent(kind, {dataTransfer: transfer, bubbles: true, cancelable: true}));
}"""


def drop(view, name, data):
    images(view).nth(1).evaluate(DROP, [name, list(data)])


# ── attribution and comparison ──


def test_occlusion_grows_on_the_screen_and_can_be_stopped(notebook):
    view = explorer(notebook, "AttributionExplorer(network", "class")
    view.button("occlusion").click()
    becomes(view, notebook, "attribution.method.value", "occlusion")
    notebook.in_kernel("attribution.stride.value, attribution.patch.value = 2, 20")
    view.root.locator("button").filter(has_text="cover it").click()
    view.wait_until(lambda: "places covered" in view.text(), "the map has begun to grow")
    view.button("stop").click()
    becomes(view, notebook, "attribution.stop.disabled", True)
    done, total = ask(notebook, "attribution.progress.value, attribution.progress.max").strip("()").split(", ")
    assert 0 < int(done) < int(total) == 48 * 48
    assert notebook.errors() == [] and notebook.problems == []


def test_grad_cam_follows_class_and_step(notebook):
    view = explorer(notebook, "AttributionExplorer(network", "class")
    before = view.pixels()
    view.dropdown("at").select_option("stage2")
    view.wait_until(lambda: "at stage2, 12 × 12 values" in view.text(), "the text follows")
    view.wait_until(lambda: not np.array_equal(view.pixels(), before), "the picture follows")


def test_every_kind_of_comparison_can_be_chosen(notebook):
    view = explorer(notebook, "CompareExplorer(network", "with")
    for name, words in (
        ("two steps", "The shapes differ"),
        ("v1.5 and v1", "equal, to the last bit"),
        ("trained and random", "random weights"),
        ("two photographs", "Largest difference"),
    ):
        view.button(name).click()
        view.wait_until(lambda words=words: words in view.text(), f"{name}: {words}")
    assert notebook.errors() == [] and notebook.problems == []
