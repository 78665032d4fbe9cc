"""Pictures of tensors and numbers: what is drawn is what is there."""

import io
import math
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import colormaps
from PIL import Image

from resnet_lib import BTNK1, anatomy, resnet50, shapes_only
from resnet_lib.experiments.arithmetic import explain
from resnet_lib.explorers.block_design import BlockDesign
from resnet_lib.views import block_diagram, bmp, cost_bars, mosaic, show_maps, statistics
from resnet_lib.views.channel import BETWEEN, PANE, channel_picture, histogram
from resnet_lib.views.diagram import lettered
from resnet_lib.views.maps import GAP
from resnet_lib.views.style import COST, ERROR, MAIN, SHORTCUT, SUM
from resnet_lib.views.value import number, value_table


def tile(levels, index, H, W, columns):
    row, column = divmod(index, columns)
    top, left = row * (H + 1) + 1, column * (W + 1) + 1
    return levels[top : top + H, left : left + W]


def test_every_channel_stands_in_its_own_tile_with_its_own_values():
    maps = torch.arange(6.0).view(6, 1, 1).expand(6, 4, 5)
    levels, limit, signed = mosaic(maps)
    assert (limit, signed) == (5, False)
    assert levels.shape == (2 * 5 + 1, 3 * 6 + 1)
    for k in range(6):
        assert (tile(levels, k, 4, 5, 3) == int(k / 5 * 254 + 0.5)).all()


def test_zero_is_the_middle_of_a_signed_palette_and_the_start_of_an_unsigned_one():
    levels, limit, signed = mosaic(torch.tensor([[[-2.0, 0.0, 1.0]]]))
    assert signed and limit == 2
    assert tile(levels, 0, 1, 3, 1).tolist() == [[0, 127, 191]]
    levels, _, signed = mosaic(torch.tensor([[[0.0, 2.0]]]))
    assert not signed
    assert tile(levels, 0, 1, 2, 1).tolist() == [[0, 254]]


def test_between_tiles_there_is_a_gap():
    levels, _, _ = mosaic(torch.rand(4, 3, 3))
    assert (levels[0] == GAP).all() and (levels[:, 4] == GAP).all() and (levels[-1] == GAP).all()


def test_the_gap_is_the_only_use_of_its_level():
    levels, _, _ = mosaic(torch.randn(9, 8, 8) * 100)
    for k in range(9):
        assert tile(levels, k, 8, 8, 3).max() < GAP


def test_one_spike_does_not_darken_all_the_rest():
    maps = torch.rand(1, 50, 50)
    maps[0, 0, 0] = 1e6
    levels, limit, _ = mosaic(maps)
    assert limit < 1e6
    assert levels[1, 1] == 254


@settings(deadline=None, max_examples=30)
@given(C=st.integers(1, 300), W=st.integers(1, 300), first=st.integers(0, 299))
def test_the_work_is_bounded_whatever_the_size_of_the_maps(C, W, first):
    maps = torch.ones(C, W, W)
    if first >= C:
        with pytest.raises(ValueError, match="have no channels"):
            mosaic(maps, first)
        return
    levels, _, _ = mosaic(maps, first)
    assert max(levels.shape) <= 8 * 65 + 1


def test_a_constant_zero_map_and_an_infinite_one_are_handled():
    levels, limit, signed = mosaic(torch.zeros(1, 2, 2))
    assert (limit, signed) == (1, False) and (levels[1:3, 1:3] == 0).all()
    for bad in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="infinite or undefined"):
            mosaic(torch.tensor([[[bad]]]))


def test_a_batch_of_several_pictures_is_not_silently_cut():
    with pytest.raises(ValueError, match="hold 2 pictures: choose one"):
        mosaic(torch.zeros(2, 3, 4, 4))


def test_the_bmp_file_decodes_to_the_palettes_colours():
    levels, _, signed = mosaic(torch.randn(4, 6, 7))
    decoded = np.asarray(Image.open(io.BytesIO(bmp(levels, signed))).convert("RGB"))
    colours = (colormaps["RdBu_r"](np.linspace(0, 1, 255))[:, :3] * 255).round()
    inside = levels != GAP
    assert decoded.shape[:2] == levels.shape
    assert np.abs(decoded[inside] - colours[levels[inside]]).max() <= 1
    assert (decoded[~inside] == 128).all()


def test_show_maps_enlarges_small_maps():
    assert show_maps(torch.rand(1, 16, 7, 7), tile=56).width == (4 * 8 + 1) * 8


def test_statistics_say_min_mean_max_and_share_of_zeros():
    assert statistics(torch.tensor([-1.5, 0.0, 0.0, 2.5])) == "min −1.5, mean 0.25, max 2.5, 50 % zeros"


def drawn(svg):
    root = ET.fromstring(svg)
    return root, " ".join(t for t in root.itertext() if t.strip())


def test_the_diagram_carries_every_shape_and_both_branches_in_their_colours():
    design = BlockDesign("BTNK1", 256, 57, 128, 2)
    a = design.anatomy()
    svg = block_diagram({s.name: s for s in a.steps}, a.input, marked=("conv2",))
    root, text = drawn(svg)
    for shape in ("(256, 57, 57)", "(128, 57, 57)", "(128, 29, 29)", "F(x) (512, 29, 29)", "G(x) (512, 29, 29)"):
        assert shape in text
    assert "CONV 3×3 /2, 128" in text and "CONV 1×1 /2, 512" in text
    for colour in (MAIN, SHORTCUT, SUM):
        assert colour in svg
    said = root.attrib["aria-label"]
    assert "they are added" in said and "x has shape (256, 57, 57)" in said  # W = 58 has the same output


def test_arrowheads_have_no_ids_that_a_second_drawing_could_take_from_the_first():
    a = anatomy(BTNK1(64, 64), 56)
    svg = block_diagram({s.name: s for s in a.steps}, a.input)
    assert " id=" not in svg and "url(" not in svg
    assert svg.count(' z"') == 8  # one head for each arrow


def test_the_diagram_marks_the_step_looked_at_and_no_other():
    a = BlockDesign("BTNK2", 256, 56, 64).anatomy()
    steps = {s.name: s for s in a.steps}
    assert block_diagram(steps, a.input).count("▶") == 0
    svg = block_diagram(steps, a.input, marked=("relu2",))
    assert svg.count("▶") == 1
    marked = re.search(r"<g><title>(\w+)</title><rect[^>]*stroke-width=\"3\"", svg)
    assert marked[1] == "relu2"


@pytest.mark.parametrize(
    "design",
    [
        BlockDesign("BTNK1", 64, 56, 64, 1),
        BlockDesign("BTNK1", 512, 7, 256, 2),
        BlockDesign("BTNK1", 48, 33, 20, 3),
        BlockDesign("BTNK1", 16, 7, 4, 4),
        BlockDesign("BTNK2", 2048, 7, 512),
        BlockDesign("BTNK2", 12, 31, 3),
    ],
    ids=str,
)
def test_the_letters_of_a_block_stand_for_its_numbers(design):
    a = design.anatomy()
    letters, size = lettered({s.name: s for s in a.steps})
    C, W, C1, S = design.C, design.W, design.C1, design.S
    worth = {"C": C, "W": W, "C1": C1, "4·C1": 4 * C1, "C/4": C // 4, "W/S": math.ceil(W / S)}
    assert [worth[letter] for letter in size] == list(a.input)
    for step in a.steps:
        assert tuple(worth[letter] for letter in letters[step.name].shape) == step.shape, step.name
        taken = f" /{S}" if S > 1 else ""
        assert letters[step.name].kind.replace(" /S", taken) == step.kind
    _, text = drawn(block_diagram(letters, size))
    assert f"x  ({', '.join(size)})" in text
    assert ("CONV 1×1 /S, 4·C1" in text and "G(x) (4·C1, W/S, W/S)" in text) == (design.block == "BTNK1")
    assert not re.search(r"\(\d+,", text), "no number is left on an edge"


def test_shapes_that_disagree_are_drawn_as_an_error():
    design = BlockDesign("BTNK2", 256, 56, 128, 2)
    with pytest.raises(ValueError) as caught:
        design.anatomy()
    clash = caught.value
    svg = block_diagram({s.name: s for s in clash.steps}, (256, 56, 56), clash=(clash.main, clash.shortcut))
    _, text = drawn(svg)
    assert "F(x) (512, 28, 28)" in text and "x (256, 56, 56)" in text and "no sum" in text
    assert ERROR in svg


def test_cost_bars_show_every_stage_with_its_costs_and_a_bar_of_its_share():
    with shapes_only():
        network = resnet50()
    text = str(cost_bars(anatomy(network, 224)))
    for figure in ("14,964,736", "1,464,336,384", "25,557,032", "4,089,184,256", "59%", "36%"):
        assert figure in text
    assert text.count(COST) == 12  # parameters and MACs of six stages
    assert "conv2" in str(cost_bars(anatomy(BTNK1(64, 64), 56), by="step"))
    with pytest.raises(ValueError, match="by = 'layer'"):
        cost_bars(anatomy(BTNK1(64, 64), 56), by="layer")


# ── one channel ──


def test_a_given_limit_is_the_end_of_the_palette():
    maps = torch.tensor([[[0.0, 1.0, 2.0, 9.0]]])
    levels, limit, _ = mosaic(maps, limit=4)
    assert limit == 4
    assert tile(levels, 0, 1, 4, 1).tolist() == [[0, 64, 127, 254]]


def squares(file):
    picture = np.asarray(Image.open(io.BytesIO(file)).convert("RGB")).astype(int)
    assert picture.shape == (PANE, 2 * PANE + BETWEEN, 3)
    return picture[:, :PANE], picture[:, PANE + BETWEEN :]


def near(pixel, colour, room=60):
    return np.abs(pixel - [int(colour[i : i + 2], 16) for i in (1, 3, 5)]).max() < room


def test_the_channel_stands_alone_and_over_the_photograph_in_grey():
    plane = torch.zeros(4, 4)
    plane[1, 2] = 3.0
    photograph = Image.new("RGB", (64, 64), (200, 40, 40))
    alone, over = squares(channel_picture(plane, photograph, limit=3.0, signed=False))
    end = [int(c * 255) for c in colormaps["viridis"](1.0)[:3]]
    assert np.abs(alone[int(1.5 * 72), int(2.5 * 72)] - end).max() < 12
    assert np.ptp(over[250, 20]) < 12  # grey where the map is zero
    assert np.ptp(over[int(1.5 * 72), int(2.5 * 72)]) > 60


def test_the_position_is_marked_in_both_and_its_field_on_the_photograph_where_it_lies():
    photograph = Image.new("RGB", (64, 64), "black")
    marks = dict(limit=1.0, signed=False, at=(2, 1), box=(16, 8, 48, 40))
    alone, over = squares(channel_picture(torch.zeros(4, 4), photograph, **marks))
    scale = PANE / 64
    for picture in (alone, over):
        assert near(picture[int(2.5 * 72), 72], ERROR)
    assert near(over[int(32 * scale), int(8 * scale) + 1], MAIN)
    assert near(over[int(16 * scale) + 1, int(24 * scale)], MAIN)
    assert not near(alone[int(16 * scale) + 1, int(24 * scale)], MAIN)


def test_a_field_beyond_the_photograph_is_drawn_along_its_edge():
    photograph = Image.new("RGB", (32, 32), "black")
    marks = dict(limit=1.0, signed=True, box=(-100, -100, 200, 200))
    _, over = squares(channel_picture(torch.zeros(2, 2), photograph, **marks))
    assert near(over[1, 100], MAIN) and near(over[PANE - 2, 100], MAIN)


def test_the_histogram_has_every_value_in_a_bin_and_its_ends_in_numbers():
    values = torch.cat([torch.full((30,), -1.0), torch.full((60,), 3.0)])
    svg = ET.fromstring(histogram(values))
    heights = [float(r.get("height")) for r in svg.findall(".//{*}rect")]
    assert heights[0] == 45 and heights[-1] == 90 and sum(heights) == 135
    assert [t.text for t in svg.findall(".//{*}text")] == ["0", "−1", "3"]
    assert "90 values from −1 to 3" in svg.get("aria-label")


def test_equal_values_have_no_histogram_but_a_sentence():
    assert "all 4 values are 2" in histogram(torch.full((2, 2), 2.0))


def test_the_arithmetic_of_a_value_is_written_with_its_numbers():
    block = BTNK1(16, 8, 2).eval()
    x = torch.randn(1, 16, 8, 8, generator=torch.Generator().manual_seed(1))
    value = explain(block, x, "conv2", 3, 1, 1)
    text = re.sub(r"<[^>]*>", " ", value_table(value))
    assert f"{value.macs} multiply-adds" in text
    (channel, _), *_ = value.strongest(1)
    for n in (*value.inputs[channel].flatten(), *value.weights[channel].flatten(), *value.products[channel].flatten()):
        assert number(n) in text
    assert "3 others" in text
