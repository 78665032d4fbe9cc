"""The widgets, driven through their controls as a learner drives them; what they show is read back."""

import base64
import io
import re

import numpy as np
import pytest
import torch
from PIL import Image

from resnet_lib import DESIGNS, Stem, anatomy, build
from resnet_lib.activations import activations
from resnet_lib.explorers import (
    NetworkExplorer,
    NotationExplorer,
    SizeExplorer,
    StageExplorer,
    StemExplorer,
)
from resnet_lib.photos import photo, square
from resnet_lib.weights import load


def words(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html.value))


def opened(image):
    """The picture file that an image widget shows."""
    kind, _, data = bytes(image.value).partition(b";base64,")
    assert kind in (b"data:image/bmp", b"data:image/png", b"data:image/jpeg")
    return Image.open(io.BytesIO(base64.b64decode(data)))


def pixels(image):
    return np.asarray(opened(image).convert("RGB"))


# ── the others ──


def test_the_first_slider_shows_the_shape_of_the_photograph_it_draws():
    explorer = SizeExplorer()
    explorer.W.value, explorer.S.value = 57, 4
    assert explorer.says["figures"] == [["shape (C, H, W) = (3, 15, 15)", ""], [675, "numbers in all"]]
    (picture,) = explorer.page.closeup["pictures"]
    assert np.asarray(Image.open(io.BytesIO(picture["file"]))).shape == (15, 15, 3)


def test_the_notation_keeps_its_letters_while_the_numbers_follow_the_sliders():
    explorer = NotationExplorer()
    letters = words(explorer.letters)
    assert "F(x) (4·C1, W/S, W/S)" in letters and "(C1, W, W)" in letters
    assert "(C, W, W) → (4·C1, W/S, W/S) , here (256, 56, 56) → (512, 28, 28)" in words(explorer.said)
    explorer.C1.value, explorer.W.value = 100, 33
    assert words(explorer.letters) == letters
    assert "F(x) (400, 17, 17)" in words(explorer.numbers) and "(100, 33, 33)" in words(explorer.numbers)
    assert "W/S = 33/2 is not whole, and is rounded up: 17" in words(explorer.said)


def test_a_btnk2_has_no_c1_and_s_of_its_own_in_the_notation():
    explorer = NotationExplorer()
    explorer.block.value = "BTNK2"
    assert explorer.C1.disabled and explorer.S.disabled
    assert "(C/4, W, W)" in words(explorer.letters) and "C1" not in words(explorer.letters)
    explorer.C.value = 1024
    assert "(256, 56, 56)" in words(explorer.numbers) and "y (1024, 56, 56)" in words(explorer.numbers)
    explorer.block.value = "BTNK1"
    assert not explorer.C1.disabled and not explorer.S.disabled


@pytest.fixture(scope="module")
def stem():
    return StemExplorer()


def test_the_stem_puts_its_numbers_into_the_formula_floor_included(stem):
    assert "⌊(224 + 2·3 − 7) / 2⌋ + 1 = ⌊111.50⌋ + 1 = 112" in stem.says["about"]
    assert stem.says["figures"] == [["(3, 224, 224) → (64, 56, 56)", ""], [9536, "parameters"], [118013952, "MACs"]]
    stem.stride.value, stem.dilation.value = 3, 2
    side = (224 + 6 - 13) // 3 + 1
    assert f"= {side};" in stem.says["about"]
    for name, step in stem.step.options.items():
        stem.step.value = step
        assert stem.tile("conv" if step == "all" else step).std() > 5, name
    with stem.together():
        stem.step.value, stem.stride.value, stem.dilation.value = "all", 2, 1


def test_112_beside_56_is_not_averaged_on_its_way_to_the_screen(stem):
    assert [g["side"] for g in stem.page.maps["groups"]] == [[112, 112]] * 3 + [[56, 56]]
    assert not any("bin" in g for g in stem.page.maps["groups"])


def test_the_window_walks_over_the_very_pixels_of_the_picture(stem):
    grid = stem.page.drawing["grid"]
    assert (grid["n"], grid["padding"], grid["w"]) == (17, 3, 14)
    pixels = np.asarray(square("coffee", 224))[:14, :14]
    found = [[int(c[i : i + 2], 16) for i in (0, 2, 4)] for c in grid["colours"]]
    assert np.array_equal(np.array(found).reshape(14, 14, 3), pixels)
    stem.C1.value, stem.W.value = 16, 12
    assert stem.page.drawing["grid"]["n"] == 17 and stem.page.drawing["grid"]["w"] == 12
    assert stem.says["figures"][0][0] == "(3, 12, 12) → (16, 3, 3)"
    stem.reset.press()
    assert stem.W.value == 224


def test_an_impulse_is_drawn_from_close_up_and_draws_the_kernels_themselves():
    explorer = StemExplorer(stride=1, picture="impulse")
    conv = explorer._ran[1].kept["conv"][0]
    assert conv.shape == (64, 224, 224)
    assert explorer.tile("conv").shape == (15, 15)
    assert "15 × 15 central positions are drawn" in explorer.page.maps["note"]
    torch.manual_seed(0)
    kernels = Stem(stride=1).conv.weight.sum(1)  # the impulse stands in all three channels
    assert torch.allclose(conv[:, 109:116, 109:116], kernels.flip(1, 2), atol=1e-6)
    value = explorer._answer({"do": "large", "group": "conv", "channel": 2, "row": 7, "column": 7})[0]
    assert np.float32(value["value"].replace("−", "-")) == np.float32(conv[2, 111, 111].item())
    assert value["window"]["rows"] == [108, 115] and "multiply-adds" in value["html"]


def test_a_kernel_too_large_for_the_picture_is_explained_and_the_controls_stay_usable():
    explorer = StemExplorer(W=224)
    with explorer.together():
        explorer.kernel.value, explorer.dilation.value, explorer.padding.value = 15, 20, 0
    assert "the kernel covers 281 pixels and the padded input has 224" in explorer.says["problem"]
    assert all("says" in g for g in explorer.page.maps["groups"])
    explorer.dilation.value = 1
    assert "problem" not in explorer.says
    assert f"= {(224 - 15) // 2 + 1};" in explorer.says["about"]


def test_the_stages_say_how_their_numbers_hang_together_and_stage_1_is_the_exception():
    explorer = StageExplorer(W=32)
    for stage in (2, 3, 4):
        explorer.stage.value = stage
        assert "as in Stages 2 to 4: S = 2 and C = 2·C1" in explorer.says["about"]
    explorer.stage.value = 1
    assert "exception: S = 1 and C = C1 = 64" in explorer.says["about"]
    assert explorer.blocks.value == 3
    explorer.stride1.value = True
    assert explorer.S.value == 2 and "not as in Stages 2 to 4" in explorer.says["about"]
    shapes = {name: shape for name, _, shape, *_ in explorer.page.steps}
    assert shapes["stage1"] == [256, 4, 4]
    explorer.undo.press()
    assert explorer.S.value == 1 and not explorer.stride1.value


@pytest.mark.slow
def test_blocks_added_to_a_stage_stay_there_and_cost_what_the_anatomy_says():
    explorer = StageExplorer(stage=3, W=32)
    explorer.blocks.value = 23
    explorer.stage.value = 4
    explorer.stage.value = 3
    explorer.costs.value = True
    assert explorer.blocks.value == 23
    a = anatomy(build("resnet101"), 32)
    assert explorer.says["figures"][1:] == [[a.parameters, "parameters"], [a.macs, "MACs"]]
    assert f"{a.macs:,}" in explorer.page.details
    assert explorer.code() == "ResNet(blocks=(3, 4, 23, 3))"
    titles = [g["title"] for g in explorer.page.maps["groups"]]
    assert titles == ["from Stage 2", *(f"block {i}" for i in (1, 5, 9, 14, 18, 23))]
    explorer.undo.press()
    explorer.undo.press()
    explorer.undo.press()
    assert explorer.blocks.value == 6


def test_a_click_on_a_block_of_another_stage_enters_it_and_goes_to_its_stage():
    explorer = StageExplorer(stage=2, W=64)
    explorer.look("stage3.1")
    assert explorer.stage.value == 3 and explorer.entered == "stage3.1"
    assert [g["title"] for g in explorer.page.maps["groups"]] == ["F(x)", "x", "F(x) + x", "y = ReLU(sum)"]
    explorer.look("conv2")
    assert [g["title"] for g in explorer.page.maps["groups"]] == ["conv2"]
    explorer.leave.press()
    assert explorer.view.value == "" and explorer.says["marked"][0] == "stage3"


@pytest.fixture(scope="module")
def network():
    return NetworkExplorer(W=64)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet18", "resnet101", "resnext50_32x4d", "wide_resnet50_2"])
def test_every_design_shows_its_totals(network, name):
    network.design.value = name
    network.W.value = 97
    a = anatomy(build(name), 97)
    assert network.says["figures"][1:] == [[a.parameters, "parameters"], [a.macs, "MACs"]]
    texts = [label["text"] for label in network.page.drawing["labels"]]
    for stage in a.by_stage()[:5]:
        assert f"sees {stage.receptive_field:,}, jump {stage.jump}" in texts
    boxes = [node["of"] for node in network.page.drawing["nodes"]]
    assert len(boxes) == 3 + sum(DESIGNS[name].blocks)  # the picture, the stem and the head beside them


@pytest.mark.slow
def test_dilation_and_v1_change_what_the_network_sees(network):
    network.design.value, network.W.value = "resnet50", 224

    def texts():
        return [label["text"] for label in network.page.drawing["labels"]]

    assert "sees 427, jump 32" in texts()
    network.stride_on.value = "1x1"
    assert "sees 483, jump 32" in texts() and network.says["figures"][2][0] == 3857973248
    assert network.code() == 'build("resnet50", stride_on="1x1")'
    network.dilate4.value = True
    assert "(2048, 14, 14)" in texts()
    network.stride_on.value, network.dilate4.value = "3x3", False


def test_what_the_basic_block_does_not_have_is_switched_off(network):
    network.dilate3.value = True
    network.design.value = "resnet34"
    assert network.stride_on.disabled and network.dilate3.disabled
    assert "no dilation" in network.says["about"]
    network.design.value = "resnet50"
    assert not network.dilate3.disabled
    network.dilate3.value = False


def test_boxes_are_to_scale(network):
    network.design.value, network.W.value = "resnet50", 224
    boxes = {node["of"]: node for node in network.page.drawing["nodes"]}
    assert boxes["stage1.0"]["h"] == 2 * boxes["stage2.0"]["h"] == 4 * boxes["stage3.0"]["h"]
    assert boxes["stage4.0"]["w"] == pytest.approx(2 * boxes["stage3.0"]["w"], abs=0.2)
    network.stride1.value = True
    halved = {node["of"]: node for node in network.page.drawing["nodes"]}
    assert halved["stage1.0"]["h"] == boxes["stage1.0"]["h"] / 2
    network.stride1.value = False


def test_maps_that_take_long_wait_until_the_hand_rests():
    explorer = NetworkExplorer("resnet18", W=64)
    assert not explorer.says["rest"]
    explorer.design.value = "resnet50"
    assert explorer.says["rest"] and explorer.page.maps["v"] != explorer.says["v"]
    explorer._answer({"do": "rest"})  # what the page asks for
    assert explorer.page.maps["v"] == explorer.says["v"]
    assert [g["total"] for g in explorer.page.maps["groups"]] == [64, 256, 512, 1024, 2048]


def test_what_a_value_depends_on_is_framed_in_the_picture():
    explorer = NetworkExplorer("resnet18", W=64)
    said, buffers = explorer._answer({"do": "large", "group": "stage1", "channel": 1, "row": 8, "column": 8})
    box = explorer.whole.field("stage1", 8, 8)
    assert said["window"]["rows"] == [box.top, box.bottom]
    assert len(buffers[1]) == 64 * 64


def test_the_maps_are_those_of_the_network_that_is_set_and_trained_where_weights_are_here():
    explorer = NetworkExplorer("thin")
    assert explorer.weights.value == "trained" and "trained weights" in explorer.page.maps["note"]
    trained = load("thin")
    wanted = activations(trained, trained.checkpoint.to_input(photo("coffee")), ["stage2"])["stage2"]
    assert torch.allclose(explorer._run[1].kept["stage2"], wanted, atol=1e-4)
    explorer.stride1.value = True  # another network than the trained one
    assert explorer.weights.value == "random" and "not trained" in explorer.page.maps["note"]
    explorer.stride1.value = False
    assert explorer.weights.value == "trained"


def test_a_picture_too_small_for_batch_statistics_says_so():
    explorer = NetworkExplorer("resnet18", W=32)
    groups = explorer.page.maps["groups"]
    assert all(("says" in g) == (g["id"] == "stage4") for g in groups)
    assert "says" in groups[-1] and groups[-1]["says"]
