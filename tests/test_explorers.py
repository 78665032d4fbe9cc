"""The widgets, driven through their controls as a learner drives them; what they show is read back."""

import base64
import io
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from resnet_lib import DESIGNS, Stem, anatomy, build
from resnet_lib.explorers import (
    BottleneckExplorer,
    NetworkExplorer,
    NotationExplorer,
    SizeExplorer,
    StageExplorer,
    StemExplorer,
)
from resnet_lib.explorers.block_design import BlockDesign, positions
from resnet_lib.photos import block_input, photo
from resnet_lib.views.maps import mosaic, palette


def words(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html.value))


def opened(image):
    """The picture file that an image widget shows."""
    kind, _, data = bytes(image.value).partition(b";base64,")
    assert kind in (b"data:image/bmp", b"data:image/png", b"data:image/jpeg")
    return Image.open(io.BytesIO(base64.b64decode(data)))


def pixels(image):
    return np.asarray(opened(image).convert("RGB"))


@pytest.fixture
def explorer():
    return BottleneckExplorer()


# ── the bottleneck ──


def test_it_starts_on_the_first_block_of_stage_1_with_numbers_and_maps(explorer):
    assert explorer.design == positions()["Stage 1, block 1"]
    assert "75,008 parameters, 231,211,008 MACs" in words(explorer.numbers)
    assert pixels(explorer.maps.image).std() > 10


@pytest.mark.parametrize("move", [("C", 128), ("W", 33), ("C1", 100), ("S", 2), ("stride_on", "1x1")])
def test_moving_any_control_moves_shapes_costs_and_maps(explorer, move):
    explorer.S.value = 2 if move[0] == "stride_on" else 1
    before = words(explorer.numbers), pixels(explorer.maps.image)
    name, value = move
    getattr(explorer, name).value = value
    a = explorer.design.anatomy()
    text = words(explorer.numbers)
    assert text != before[0]
    assert f"{a.parameters:,} parameters, {a.macs:,} MACs (FLOPs = 2 × MACs = {a.flops:,})" in text
    now = pixels(explorer.maps.image)
    assert now.shape != before[1].shape or (now != before[1]).mean() > 0.05


@pytest.mark.parametrize("name, design", positions().items())
def test_every_position_of_resnet50_can_be_gone_to(explorer, name, design):
    explorer.position.value = design
    assert explorer.design == design
    assert explorer.position.label.startswith(f"Stage {name[6]}, block ")
    assert f"{design.anatomy().macs:,} MACs" in words(explorer.numbers)


def test_the_position_control_never_names_another_block_than_the_one_shown(explorer):
    explorer.C1.value = 68
    assert explorer.position.value is None
    explorer.C1.value = 64
    assert explorer.position.value == positions()["Stage 1, block 1"]


@pytest.mark.parametrize("block", ["BTNK1", "BTNK2"])
def test_every_step_shows_what_an_independent_run_of_the_block_computes(block):
    explorer = BottleneckExplorer(block, C=64, W=20, C1=16)
    x, _ = block_input("coffee", 64, 20)
    module = BlockDesign(block, 64, 20, 16).seeded_module().train()
    with torch.no_grad():
        f, wanted = x, {}
        for name, layer in module.named_children():
            if name == "shortcut":
                break
            f = layer(f)
            wanted[name] = f
        if block == "BTNK1":
            wanted["shortcut.conv"] = module.shortcut.conv(x)
            side = wanted["shortcut.bn"] = module.shortcut.bn(wanted["shortcut.conv"])
        else:
            side = wanted["shortcut"] = x
        wanted["add"] = f + side
        wanted["relu3"] = (f + side).clamp(min=0)
    shown = [v for v in explorer.step.options.values() if v != "sum"]
    assert sorted(shown) == sorted(wanted)
    for step in shown:
        explorer.step.value = step
        levels, _, signed = mosaic(wanted[step])
        shown_as = opened(explorer.maps.image)
        assert bytes(shown_as.getpalette()) == palette(signed), step
        ours = np.asarray(shown_as)
        assert ours.shape == levels.shape
        # Only the channels shown were computed: sums may be rounded another way, one level of 255 at most.
        assert np.abs(ours.astype(int) - levels).max() <= 1, step


def test_the_four_quarters_show_the_branches_the_sum_and_y_on_one_scale(explorer):
    kept = explorer._computed[1][0]
    maps = [kept[name][0, 0] for name in ("bn3", "shortcut", "add", "relu3")]
    image = pixels(explorer.maps.image).astype(int)
    half = image.shape[0] // 2
    for maps_of, (top, left) in zip(maps, [(0, 0), (0, 1), (1, 0), (1, 1)], strict=True):
        y, x = top * (half + 1) + 1 + 30, left * (half + 1) + 1 + 30
        y, x = (1 + 30 if not v else 8 * 57 // 2 + 4 + 1 + 30 for v in (top, left))
        value, (red, _, blue) = maps_of[30, 30].item(), image[y, x]
        # RdBu: red where positive, blue where negative, by how much
        assert np.sign(red - blue) == np.sign(round(value, 1)) or abs(value) < 0.3
    assert torch.allclose(kept["add"], kept["bn3"] + kept["shortcut"])


def test_an_illegal_btnk2_is_explained_with_both_shapes_and_mended_with_a_button(explorer):
    explorer.position.value = positions()["Stage 1, block 2"]
    explorer.C1.value, explorer.S.value = 128, 2
    text = words(explorer.numbers)
    assert "F(x) has shape (512, 28, 28) and the shortcut (256, 56, 56): a sum needs equal shapes" in text
    assert "4·C1 = 512 channels and x has C = 256" in text and "nothing shrinks x" in text
    assert explorer.mend.layout.display != "none"
    explorer.mend.click()
    assert explorer.design == positions()["Stage 1, block 2"]
    assert explorer.mend.layout.display == "none"
    assert "a sum needs equal shapes" not in words(explorer.numbers)


def test_an_illegal_block_still_shows_what_f_computes(explorer):
    explorer.position.value = positions()["Stage 1, block 2"]
    explorer.C1.value = 96
    for step in explorer.step.options.values():
        explorer.step.value = step
        assert pixels(explorer.maps.image).std() > 5
    assert {"add", "relu3"}.isdisjoint(explorer.step.options.values())


def test_choosing_btnk2_makes_it_legal_and_c_takes_c1_along(explorer):
    explorer.C1.value, explorer.S.value = 200, 2
    explorer.block.value = "BTNK2"
    assert (explorer.C1.value, explorer.S.value) == (explorer.C.value // 4, 1)
    explorer.C.value = 512
    assert explorer.C1.value == 128
    assert "a sum needs equal shapes" not in words(explorer.numbers)


def test_one_action_that_sets_several_controls_draws_once(explorer, monkeypatch):
    drawn = []
    monkeypatch.setattr(explorer, "update", lambda: drawn.append(explorer.design))
    explorer.position.value = positions()["Stage 3, block 1"]
    assert drawn == [positions()["Stage 3, block 1"]]


def test_the_picture_can_be_a_test_pattern_or_ones_own():
    own = BottleneckExplorer(picture=photo("rocket"))
    assert own.picture.label == "your picture"
    assert (pixels(own.maps.image) == pixels(BottleneckExplorer(picture="rocket").maps.image)).all()
    own.picture.value = "impulse"
    assert "impulse, the same in all 64 channels" in words(own.maps.caption)


def test_channels_can_be_paged_and_never_point_beyond_the_last(explorer):
    explorer.step.value = "relu3"
    explorer.channel.value = 192
    assert "channels 192 to 255" in words(explorer.maps.caption)
    explorer.C1.value = 8  # 32 channels come out now
    assert explorer.channel.value == 0
    assert "channels 0 to 31" in words(explorer.maps.caption)


def test_the_text_alternative_says_step_shape_and_statistics(explorer):
    explorer.step.value = "relu1"
    values = explorer._computed[1][0]["relu1"]
    alternative = explorer.maps.image.tooltip
    assert alternative.startswith("relu1, shape (64, 56, 56), channels 0 to 63: min 0, mean ")
    assert f"max {values.max():.3g}" in alternative
    assert f"{(values == 0).float().mean():.0%} zeros".replace("%", " %") in alternative
    assert alternative in words(explorer.maps.caption)


def test_a_heavy_block_is_computed_on_a_window_and_says_so(explorer):
    with explorer.together():
        explorer.C.value, explorer.W.value, explorer.C1.value = 2048, 224, 512
    assert "central positions, to stay quick" in words(explorer.maps.caption)
    kept = explorer._computed[1][0]
    assert max(t.shape[-1] for t in kept.values()) < 40
    assert f"{explorer.design.anatomy().macs:,} MACs" in words(explorer.numbers)


@pytest.mark.parametrize("extreme", [{"C": 16, "W": 7, "C1": 4, "S": 4}, {"C": 2048, "W": 7, "C1": 512, "S": 4}])
def test_the_ends_of_all_sliders_together_still_show_maps(explorer, extreme):
    with explorer.together():
        for name, value in extreme.items():
            getattr(explorer, name).value = value
    assert f"{explorer.design.anatomy().macs:,} MACs" in words(explorer.numbers)
    assert pixels(explorer.maps.image).std() > 0


def test_a_thousand_moves_leave_memory_where_it_was():
    code = """
import psutil
from resnet_lib.explorers import BottleneckExplorer
e = BottleneckExplorer(C=64, W=16, C1=32)
def moves(n):
    for i in range(n):
        e.C1.value = 8 + 4 * (i * 7 % 20)
        e.S.value = 1 + i % 3
        if i % 10 == 0:
            e.step.value = ("sum", "bn1", "relu3")[i // 10 % 3]
moves(100)
before = psutil.Process().memory_info().rss
moves(500)  # two sliders each
print((psutil.Process().memory_info().rss - before) / 2**20)
"""
    grown = float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    assert grown < 30, f"memory grew by {grown:.0f} MiB"


def test_explorers_draw_without_pyplot():
    code = "import resnet_lib.explorers as e, sys; e.BottleneckExplorer(); print('matplotlib.pyplot' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


def test_importing_the_library_loads_no_widgets_and_no_plots():
    code = "import resnet_lib, sys; print([m for m in ('matplotlib', 'ipywidgets', 'IPython') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


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
