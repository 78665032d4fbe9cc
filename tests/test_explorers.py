"""The widgets, driven through their controls as a learner drives them; what they show is read back."""

import base64
import io
import re

import numpy as np
import pytest
import torch
from PIL import Image

from resnet_lib import DESIGNS, Stem, anatomy, build
from resnet_lib.explorers import (
    NetworkExplorer,
    NotationExplorer,
    SizeExplorer,
    StageExplorer,
    StemExplorer,
)
from resnet_lib.views.maps import mosaic


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
    assert "shape (C, H, W) = (3, 15, 15)" in words(explorer.text)
    assert "675 numbers in all" in words(explorer.text)
    assert pixels(explorer.image).shape == (15, 15, 3)


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


def test_the_stem_puts_its_numbers_into_the_formula_floor_included():
    explorer = StemExplorer()
    assert "⌊(224 + 2·3 − 7) / 2⌋ + 1 = ⌊111.50⌋ + 1 = 112" in words(explorer.numbers)
    assert "(64, 112, 112)" in words(explorer.numbers) and "118,013,952" in words(explorer.numbers)
    explorer.stride.value, explorer.dilation.value = 3, 2
    side = (224 + 6 - 13) // 3 + 1
    assert f"= {side} " in words(explorer.numbers)
    for step in explorer.step.options.values():
        explorer.step.value = step
        assert pixels(explorer.maps.image).std() > 5


def test_an_impulse_is_drawn_from_close_up_and_draws_the_kernels_themselves():
    explorer = StemExplorer(stride=1, picture="impulse")
    conv = explorer._computed[1]["conv"][0]
    assert conv.shape == (64, 224, 224)
    levels, _, _ = mosaic(conv[:, 104:119, 104:119])
    assert pixels(explorer.maps.image).shape[:2] == levels.shape
    assert "The 15 × 15 central positions are drawn" in words(explorer.maps.caption)
    torch.manual_seed(0)
    kernels = Stem(stride=1).conv.weight.sum(1)  # the impulse stands in all three channels
    assert torch.allclose(conv[:, 109:116, 109:116], kernels.flip(1, 2), atol=1e-6)


def test_a_kernel_too_large_for_the_picture_is_explained_and_the_controls_stay_usable():
    explorer = StemExplorer()
    with explorer.together():
        explorer.kernel.value, explorer.dilation.value, explorer.padding.value = 15, 20, 0
    assert "the kernel covers 281 pixels and the padded input has 224" in words(explorer.numbers)
    explorer.dilation.value = 1
    assert "the kernel covers" not in words(explorer.numbers)
    assert f"= {(224 - 15) // 2 + 1} " in words(explorer.numbers)


def test_the_stages_say_their_law_and_stage_1_is_the_exception():
    explorer = StageExplorer()
    for stage in (2, 3, 4):
        explorer.stage.value = stage
        assert "law of Stages 2 to 4: S = 2 and C = 2·C1" in words(explorer.view)
    explorer.stage.value = 1
    text = words(explorer.view)
    assert "exception: S = 1 and C = C1 = 64" in text
    assert "(256, 56, 56)" in text
    assert explorer.blocks.value == 3


def test_blocks_added_to_a_stage_stay_there_and_cost_what_the_anatomy_says():
    explorer = StageExplorer(stage=3)
    explorer.blocks.value = 23
    explorer.stage.value = 4
    explorer.stage.value = 3
    assert explorer.blocks.value == 23
    assert f"{anatomy(build('resnet101'), 224).macs:,}" in words(explorer.view)


@pytest.mark.parametrize("name", DESIGNS)
def test_every_design_shows_its_totals(name):
    explorer = NetworkExplorer()
    explorer.design.value = name
    explorer.W.value = 97
    a = anatomy(build(name), 97)
    assert f"{a.parameters:,} parameters, {a.macs:,} MACs" in words(explorer.view)
    for stage in a.by_stage():
        assert f"{stage.receptive_field:,}" in words(explorer.view)


def test_dilation_and_v1_change_what_the_network_sees():
    explorer = NetworkExplorer()
    assert " 427 " in words(explorer.view)
    explorer.stride_on.value = "1x1"
    assert " 483 " in words(explorer.view) and "3,857,973,248" in words(explorer.view)
    explorer.dilate4.value = True
    assert "(2048, 14, 14)" in words(explorer.view)


def test_what_the_basic_block_does_not_have_is_switched_off():
    explorer = NetworkExplorer()
    explorer.dilate3.value = True
    explorer.design.value = "resnet34"
    assert explorer.stride_on.disabled and explorer.dilate3.disabled
    assert "no dilation" in words(explorer.view)
    explorer.design.value = "resnet50"
    assert not explorer.dilate3.disabled
