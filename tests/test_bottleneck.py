"""The laboratory of one bottleneck, driven through its controls as a page drives them; its scene is read back."""

import base64
import copy
import io
import json
import os
import subprocess
import sys
import threading
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from traitlets import TraitError

from resnet_lib import BTNK1, BTNK2
from resnet_lib._common import shape_text
from resnet_lib.activations import activations
from resnet_lib.anatomy import ShapeMismatch
from resnet_lib.explorers import BottleneckExplorer
from resnet_lib.explorers.block_design import BlockDesign, positions
from resnet_lib.explorers.tiles import channels_of
from resnet_lib.explorers.trained import places
from resnet_lib.photos import block_input, photo
from resnet_lib.views.maps import scale, to_levels
from resnet_lib.weights import load


@pytest.fixture
def explorer():
    return BottleneckExplorer()


def groups(explorer):
    return explorer.page.maps["groups"]


def ask(explorer, **settings):
    """What a page sends when the person has set these controls."""
    page = explorer.page
    start = page.says["n"] + 1
    page.asked = {name: [start + i, value] for i, (name, value) in enumerate(settings.items())}


def figures(explorer):
    return [value for value, _ in explorer.says["figures"]]


def at(explorer, design):
    """Set the numbers of a design."""
    with explorer.together():
        explorer.block.value, explorer.C.value, explorer.W.value = design.block, design.C, design.W
        explorer.C1.value, explorer.S.value = design.C1, design.S


# ── numbers ──


@pytest.mark.parametrize("block", ["Stage 1, block 2", "Stage 2, block 1"])
def test_it_starts_at_a_block_of_the_bundled_network_with_its_trained_weights(block):
    explorer = BottleneckExplorer(f"bundled: {block}", weights="trained")
    assert explorer.place == places("thin")[block]
    assert explorer.design == explorer.place.design and "trained weights of the bundled" in explorer.page.maps["note"]


def test_it_starts_on_the_first_block_of_stage_1_with_numbers_and_maps(explorer):
    assert explorer.design == positions()["Stage 1, block 1"]
    assert figures(explorer) == ["(64, 56, 56) → (256, 56, 56)", 75_008, 231_211_008]
    assert [g["title"] for g in groups(explorer)] == ["F(x)", "G(x)", "F(x) + G(x)", "y = ReLU(sum)"]
    assert all(explorer.tile(g["id"], 7).std() > 10 for g in groups(explorer))


@pytest.mark.parametrize("move", [("C", 128), ("W", 33), ("C1", 100), ("S", 2), ("stride_on", "1x1")])
def test_moving_any_control_moves_shapes_costs_and_maps(explorer, move):
    explorer.S.value = 2 if move[0] == "stride_on" else 1
    before = explorer.page.steps, explorer.page.levels
    name, value = move
    getattr(explorer, name).value = value
    a = explorer.design.anatomy()
    assert figures(explorer)[1:] == [a.parameters, a.macs]
    assert explorer.page.steps != before[0]
    assert explorer.page.levels != before[1]
    assert [tuple(s[2]) for s in explorer.page.steps if s[0] == "relu3"] == [a.output]


@pytest.mark.parametrize("name, design", positions().items())
def test_every_position_of_resnet50_can_be_gone_to(explorer, name, design):
    ask(explorer, position=name)
    assert explorer.design == design
    assert explorer.page.values["position"].startswith(f"Stage {name[6]}, block ")
    assert figures(explorer)[2] == design.anatomy().macs


def test_a_position_that_is_none_of_resnet50s_is_called_your_own(explorer):
    explorer.C1.value = 68
    assert explorer.position.value is None
    assert explorer.page.values["position"] == "– your own"
    explorer.C1.value = 64
    assert explorer.page.values["position"] == "Stage 1, block 1"


def test_a_slider_stops_at_its_ends_and_takes_whole_numbers(explorer):
    explorer.C.value = 10**6
    assert explorer.C.value == 2048
    with pytest.raises(TraitError, match="must be a whole number"):
        explorer.C1.value = 6.5


# ── maps ──


@pytest.mark.parametrize("block", ["BTNK1", "BTNK2"])
def test_every_step_shows_what_an_independent_run_of_the_block_computes(block):
    explorer = BottleneckExplorer(block, C=64, W=20, C1=16)
    x, _ = block_input("coffee", 64, 20)
    module = BlockDesign(block, 64, 20, 16).seeded_module().train()
    with torch.no_grad():
        f, wanted = x, {"x": x}
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
        (group,) = groups(explorer)
        assert group["total"] == wanted[step].shape[1]
        signed, limit = scale(wanted[step][0][:64])
        assert group["signed"] == signed
        for i in (0, 5):
            expected = to_levels(wanted[step][0, i], limit, signed).numpy()
            # Only the channels shown were computed: sums may be rounded another way, one level of 255 at most.
            assert np.abs(explorer.tile(step, i).astype(int) - expected).max() <= 1, step


def test_the_four_groups_are_the_branches_their_sum_and_y(explorer):
    f, g, total, y = (group.maps for group in explorer._groups)
    assert torch.allclose(f + g, total, atol=1e-5)
    assert torch.equal(y, total.clamp(min=0))


def test_a_step_of_64_maps_fits_in_205_kilobytes(explorer):
    assert len(explorer.page.levels) == 64 * 56 * 56


def test_channels_are_paged_and_never_point_beyond_the_last(explorer):
    explorer.step.value = "relu3"
    ask(explorer, channel=200)
    assert channels_of(groups(explorer)[0]) == list(range(192, 256))
    explorer.C1.value = 8  # 32 channels come out now
    assert channels_of(groups(explorer)[0]) == list(range(32))


def test_the_strongest_channels_come_first_where_that_is_wanted(explorer):
    explorer.step.value = "relu3"
    explorer.order.value = "strongest"
    y = explorer._ran.kept["relu3"][0]
    strength = y.abs().mean((1, 2))
    shown = channels_of(groups(explorer)[0])
    assert len(y) == 256 and len(shown) == 64
    assert shown[0] == strength.argmax()
    assert strength[shown[-1]] >= strength[[c for c in range(256) if c not in shown]].max()
    assert torch.equal(explorer._groups[0].maps[0], y[shown[0]])


def test_each_map_can_have_its_own_scale(explorer):
    explorer.colours.value = "each"
    for i, limit in enumerate(groups(explorer)[0]["limits"]):
        assert limit == pytest.approx(explorer._groups[0].maps[i].abs().max().item(), rel=0.01)
        tile = explorer.tile("bn3", i).astype(int)
        assert max(abs(tile.min() - 127), abs(tile.max() - 127)) >= 125


@pytest.mark.parametrize("W, bin", [(56, None), (57, 2), (112, 2), (113, 3), (224, 4)])
def test_maps_that_are_averaged_for_the_screen_say_by_how_much(W, bin):
    explorer = BottleneckExplorer(C=16, W=W, C1=4)
    explorer.step.value = "x"
    (group,) = groups(explorer)
    assert group.get("bin") == bin
    assert group.get("full", group["side"]) == [W, W]
    assert max(group["side"]) <= 56


def test_a_heavy_block_is_computed_on_a_window_and_says_so_in_the_maps(explorer):
    at(explorer, BlockDesign("BTNK1", 2048, 224, 512))
    side = explorer._groups[0].maps.shape[-1]
    assert side < 40
    assert f"middle {side} × {side}" in groups(explorer)[0]["title"]
    assert "central positions, to stay quick" in explorer.page.maps["note"]
    assert explorer._groups[0].corner == ((224 - side) // 2,) * 2
    assert figures(explorer)[2] == explorer.design.anatomy().macs


@pytest.mark.parametrize("extreme", [(16, 7, 4, 4), (2048, 7, 512, 4), (16, 224, 4, 1)])
def test_the_ends_of_all_sliders_together_still_show_maps(explorer, extreme):
    C, W, C1, S = extreme
    at(explorer, BlockDesign("BTNK1", C, W, C1, S))
    assert figures(explorer)[2] == explorer.design.anatomy().macs
    assert all("side" in g for g in groups(explorer))


def test_the_picture_can_be_a_test_pattern_or_ones_own():
    own = BottleneckExplorer(picture=photo("church"))
    assert own.picture.label == "your picture"
    assert own.page.levels == BottleneckExplorer(picture="church").page.levels
    thumb = own.page.thumb
    own.picture.value = "checkerboard"
    assert "checkerboard, the same in all 64 channels" in own.page.maps["note"]
    assert own.page.thumb != thumb


# ── a sum that is impossible ──


def test_going_to_btnk2_keeps_the_numbers_and_shows_where_they_clash(explorer):
    explorer.C1.value, explorer.S.value = 200, 2
    explorer.block.value = "BTNK2"
    assert (explorer.C.value, explorer.C1.value, explorer.S.value) == (64, 200, 2)
    with pytest.raises(ShapeMismatch) as clash:
        explorer.design.anatomy()
    for shape in (clash.value.main, clash.value.shortcut):
        assert shape_text(shape) in explorer.says["problem"]
    assert explorer.says["clash"] == ["bn3", "shortcut"]
    assert explorer.says["shapes"] == [[800, 28, 28], [64, 56, 56]]
    assert "4·C1 = 800 channels and x has C = 64" in explorer.says["advice"]
    assert "nothing shrinks x" in explorer.says["advice"]
    assert not explorer.mend.hidden and not explorer.back.hidden


def test_one_button_mends_a_clash_and_another_goes_back(explorer):
    explorer.block.value = "BTNK2"
    explorer.back.press()
    assert explorer.block.value == "BTNK1" and explorer.mend.hidden
    explorer.block.value = "BTNK2"
    explorer.mend.press()
    assert explorer.design == BlockDesign("BTNK2", 64, 56, 16, 1)
    assert explorer.mend.hidden and explorer.back.hidden
    assert "problem" not in explorer.says


def test_an_illegal_block_shows_f_and_x_and_dims_the_maps_of_before(explorer):
    explorer.block.value = "BTNK2"
    shown = {g["id"]: g for g in groups(explorer)}
    assert {name for name, g in shown.items() if "side" in g} == {"bn3", "shortcut"}
    assert all("maps of before" in shown[name]["says"] for name in ("add", "relu3"))
    assert explorer.tile("bn3", 0).std() > 5
    assert {"add", "relu3"}.isdisjoint(explorer.step.options.values())
    for step in explorer.step.options.values():
        explorer.step.value = step
        assert "side" in groups(explorer)[0]


def test_c_takes_c1_along_in_a_btnk2_that_fits(explorer):
    at(explorer, BlockDesign("BTNK2", 256, 56, 64))
    explorer.C.value = 512
    assert explorer.C1.value == 128 and "problem" not in explorer.says
    explorer.C1.value = 64
    explorer.C.value = 256  # it does not fit: the numbers are kept
    assert explorer.C1.value == 64


# ── undo, reset, pin, code ──


def test_undo_goes_back_step_by_step_and_reset_to_the_start(explorer):
    for name, value in (("C", 128), ("C1", 100), ("block", "BTNK2")):
        getattr(explorer, name).value = value
    explorer.undo.press()
    assert explorer.design == BlockDesign("BTNK1", 128, 56, 100)
    explorer.undo.press()
    assert explorer.design == BlockDesign("BTNK1", 128, 56, 64)
    assert figures(explorer)[1] == explorer.design.anatomy().parameters
    explorer.reset.press()
    assert explorer.design == positions()["Stage 1, block 1"] and explorer.reset.disabled
    explorer.undo.press()
    assert explorer.C.value == 128


def test_a_drag_is_one_step_back(explorer):
    for value in range(68, 100, 4):
        ask(explorer, C1=value)
    ask(explorer, undo=None)
    assert explorer.C1.value == 64


def test_what_is_pinned_stays_while_the_block_changes_and_is_one_click_away(explorer):
    explorer.pin.press()
    explorer.C1.value = 128
    assert explorer.page.pinned["title"] == "BTNK1(C=64, C1=64)"
    assert explorer.page.pinned["figures"][2] == [231_211_008, "MACs"]
    explorer.swap.press()
    assert explorer.C1.value == 64 and explorer.page.pinned["title"] == "BTNK1(C=64, C1=128)"
    explorer.unpin.press()
    assert explorer.page.pinned == {} and explorer.swap.hidden


@pytest.mark.parametrize(
    "design",
    [
        BlockDesign("BTNK1", 256, 56, 128, 2),
        BlockDesign("BTNK1", 256, 56, 128, 2, "1x1"),
        BlockDesign("BTNK1", 64, 56, 64),
        BlockDesign("BTNK2", 256, 56, 64),
    ],
)
def test_the_code_makes_the_block_that_is_shown(explorer, design):
    at(explorer, design)
    explorer.stride_on.value = design.stride_on
    made = eval(explorer.says["code"], {"BTNK1": BTNK1, "BTNK2": BTNK2})
    assert {n: p.shape for n, p in made.named_parameters()} == {
        n: p.shape for n, p in design.module().named_parameters()
    }
    assert made.conv1.stride == design.module().conv1.stride


# ── one value ──


def answer(explorer, do, group, channel, row, column):
    return explorer._answer({"do": do, "group": group, "channel": channel, "row": row, "column": column})


def test_a_value_that_is_pointed_at_is_the_tensors_own(explorer):
    explorer.channel.value = 32
    value = explorer._ran.kept["bn3"][0, 3, 5, 6].item()
    said, _ = answer(explorer, "value", "bn3", 35, 5, 6)
    assert np.float32(said["value"].replace("−", "-")) == np.float32(value)
    assert answer(explorer, "value", "bn3", 3, 5, 6)[0] == {"gone": True}  # on another page


@pytest.mark.parametrize("step", ["conv1", "conv2", "bn3", "shortcut.conv", "shortcut.bn", "add", "relu3"])
@pytest.mark.parametrize("first", [0, 64])
def test_an_enlarged_map_comes_with_the_arithmetic_of_its_value(explorer, step, first):
    at(explorer, BlockDesign("BTNK1", 128, 28, 128))
    explorer.step.value = step
    explorer.channel.value = first
    said, (tile, *window) = answer(explorer, "large", step, first + 2, 7, 9)
    value = explorer._groups[0].maps[2, 7, 9].item()
    assert "why" not in said
    assert f"{value:.4g}".replace("-", "−") in said["html"]
    assert len(tile) == 28 * 28
    if step == "conv2":
        assert (said["window"]["rows"], said["window"]["columns"]) == ([6, 9], [8, 11])
        assert "products" in said["html"] and len(window[0]) == 28 * 28


# ── trained weights ──


def test_a_block_of_the_bundled_network_has_its_trained_weights_and_says_so():
    explorer = BottleneckExplorer()
    for place in list(places("thin").values())[::5]:
        explorer.position.value = place
        assert explorer.weights.value == "trained"
        network, d = load("thin"), place.design
        assert "trained weights of the bundled network" in explorer.page.maps["note"]
        block = network.get_submodule(place.path)
        assert (block.C, block.C1, block.S) == (d.C, d.C1, d.S)
        whole = activations(network, network.checkpoint.to_input(photo("coffee")), [f"{place.path}.relu3"])
        assert torch.allclose(explorer._ran.kept["relu3"], whole[f"{place.path}.relu3"], atol=1e-5)


def test_trained_weights_at_another_width_say_that_they_were_not_trained_for_it():
    explorer = BottleneckExplorer(C=16, W=56, C1=16, weights="trained")
    assert "not trained at this size" not in explorer.page.maps["note"]
    explorer.W.value = 40
    assert "it was not trained at this size, but at W = 56" in explorer.page.maps["note"]
    explorer.C1.value = 20  # no network has this block
    assert "random weights, not trained" in explorer.page.maps["note"]
    assert list(explorer.weights.options) == ["random weights"]
    explorer.C1.value = 16
    assert "trained weights of the bundled network" in explorer.page.maps["note"]


def test_a_trained_block_computes_its_maps_with_the_stride_where_it_was_put():
    explorer = BottleneckExplorer("bundled: Stage 2, block 1", weights="trained", picture="cat")
    before, network = explorer.page.levels, load("thin")
    explorer.stride_on.value = "1x1"
    block = copy.deepcopy(network.stage2[0])
    block.conv1.stride, block.conv2.stride = block.conv2.stride, block.conv1.stride
    x = activations(network, network.checkpoint.to_input(photo("cat")), ["stage1"])["stage1"]
    with torch.no_grad():
        assert torch.allclose(explorer._ran.kept["relu3"], block(x), atol=1e-5)
    assert explorer.page.levels != before and "trained as v1.5" in explorer.page.maps["note"]
    explorer.stride_on.value = "3x3"
    assert explorer.page.levels == before and "trained as" not in explorer.page.maps["note"]
    assert network.stage2[0].conv2.stride == (2, 2), "the network that all explorers share is as it was"


def test_a_trained_block_of_stride_1_is_the_same_wherever_the_stride_is():
    explorer = BottleneckExplorer("bundled: Stage 1, block 1", weights="trained", picture="cat")
    before = explorer.page.levels
    explorer.stride_on.value = "1x1"
    assert explorer.page.levels == before and "trained as" not in explorer.page.maps["note"]


# ── a block of one's own ──


class OwnProjection(nn.Module):
    def __init__(self, C, C_out, S):
        super().__init__()
        self.conv = nn.Conv2d(C, C_out, 1, S, bias=False)
        self.bn = nn.BatchNorm2d(C_out)

    def forward(self, x):
        return self.bn(self.conv(x))


class Own(nn.Module):
    """As a learner writes it: a bare + and no step for the sum."""

    def __init__(self, C, C1, S=1):
        super().__init__()
        self.conv1, self.bn1, self.relu1 = nn.Conv2d(C, C1, 1, bias=False), nn.BatchNorm2d(C1), nn.ReLU()
        self.conv2, self.bn2, self.relu2 = nn.Conv2d(C1, C1, 3, S, 1, bias=False), nn.BatchNorm2d(C1), nn.ReLU()
        self.conv3, self.bn3 = nn.Conv2d(C1, 4 * C1, 1, bias=False), nn.BatchNorm2d(4 * C1)
        self.shortcut = OwnProjection(C, 4 * C1, S)
        self.relu3 = nn.ReLU()

    def forward(self, x):
        f = self.relu1(self.bn1(self.conv1(x)))
        f = self.bn3(self.conv3(self.relu2(self.bn2(self.conv2(f)))))
        return self.relu3(f + self.shortcut(x))


class OwnIdentity(nn.Module):
    def __init__(self, C):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(C, C // 4, 3, padding=1), nn.BatchNorm2d(C // 4)
        self.conv2, self.bn2 = nn.Conv2d(C // 4, C, 1), nn.BatchNorm2d(C)

    def forward(self, x):
        f = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(f)) + x)


class ForgotTheStride(Own):
    def __init__(self, C, C1, S=1):
        super().__init__(C, C1, S)
        self.shortcut = OwnProjection(C, 4 * C1, 1)


class Unwritten(nn.Module):
    def __init__(self, C, C1, S=1):
        super().__init__()

    def forward(self, x):
        raise NotImplementedError("write me")


def test_a_block_of_ones_own_is_dragged_like_the_librarys():
    own, ours = BottleneckExplorer(block=Own), BottleneckExplorer()
    for name, value in (("C", 64), ("C1", 48), ("S", 2), ("W", 33)):
        getattr(own, name).value = getattr(ours, name).value = value
        assert figures(own) == figures(ours)
        assert own.page.levels == ours.page.levels  # the same weights by the same names
    assert own.says["code"] == "Own(C=64, C1=48, S=2)"
    assert [n["of"] for n in own.page.drawing["nodes"]].count("sum") == 1
    assert own.block.label == "Own" and "BTNK2" in own.block.options


def test_a_block_without_numbers_of_its_own_and_without_modules_for_relu_is_shown_too():
    own = BottleneckExplorer(block=OwnIdentity)
    assert own.says["code"] == "OwnIdentity(C=64)"
    assert figures(own)[0] == "(64, 56, 56) → (64, 56, 56)"
    f, x, y = (g.maps for g in own._groups)
    assert torch.allclose(y, (f + x).clamp(min=0), atol=1e-5)
    assert own._groups[-1].title == "y"


def test_a_block_of_ones_own_that_clashes_shows_where():
    own = BottleneckExplorer(block=ForgotTheStride)
    own.S.value = 2
    assert own.says["shapes"] == [[256, 28, 28], [256, 56, 56]]
    assert "(256, 28, 28)" in own.says["problem"] and not own.back.hidden
    own.back.press()
    assert "problem" not in own.says


def test_a_block_of_ones_own_that_is_not_written_yet_says_what_it_raises():
    own = BottleneckExplorer(block=Unwritten)
    assert "write me" in own.says["problem"] and "Unwritten" in own.says["problem"]
    own.block.value = "BTNK1"
    assert figures(own)[1] == 75_008


def test_a_block_whose_dots_are_still_there_says_so_and_the_librarys_class_is_the_librarys_block():
    open_block = type("MyBTNK2", (nn.Module,), {"forward": lambda self, x: ...})
    own = BottleneckExplorer(open_block)
    assert own.says["problem"] == "MyBTNK2 stops with TypeError: its forward returns Ellipsis and not a tensor"
    until_then = BottleneckExplorer(BTNK2, C=256, C1=64)
    assert until_then.block.value == "BTNK2" and until_then.code() == "BTNK2(C=256)"


# ── the page and the kernel ──


def test_what_the_page_asks_for_is_done_once_and_in_order(explorer):
    page = explorer.page
    page.asked = {"C1": [5, 128], "S": [6, 2]}
    assert (explorer.C1.value, explorer.S.value) == (128, 2) and page.says["n"] == 6
    explorer.S.value = 1
    page.asked = {"C1": [7, 96], "S": [6, 2]}  # S was heard already
    assert (explorer.C1.value, explorer.S.value) == (96, 1)
    page.asked = {"position": [8, "no such place"], "nothing": [9, 1]}
    assert page.says["n"] == 9


def test_one_action_that_sets_several_controls_draws_once(explorer, monkeypatch):
    drawn = []
    monkeypatch.setattr(explorer, "update", lambda: drawn.append(explorer.design))
    explorer.position.value = places("resnet50")["Stage 3, block 1"]
    assert drawn == [positions()["Stage 3, block 1"]]


def test_numbers_are_shown_before_the_maps_are_computed(explorer, monkeypatch):
    seen = []
    monkeypatch.setattr(explorer, "_show_block_maps", lambda design, look: seen.append(figures(explorer)[1]))
    explorer.C1.value = 128
    assert seen == [explorer.design.anatomy().parameters]


def test_one_move_sends_the_numbers_and_then_the_maps_and_no_more(explorer, monkeypatch):
    sent = []
    monkeypatch.setattr(explorer.page, "comm", Mock(send=lambda data, buffers, **_: sent.append(set(data["state"]))))
    for when, C1 in enumerate((72, 80), 1):
        sent.clear()
        explorer.page.set_state({"asked": {"C1": [when, C1]}})
    numbers, maps = sent
    assert {"steps", "values", "says"} <= numbers and "maps" not in numbers
    assert {"maps", "changed"} <= maps and "controls" not in maps


def test_beside_the_bytes_of_the_maps_a_move_sends_little(explorer, monkeypatch):
    sent = []
    send = Mock(send=lambda data, buffers, **_: sent.append((len(json.dumps(data)), sum(map(len, buffers or ())))))
    monkeypatch.setattr(explorer.page, "comm", send)
    explorer.page.set_state({"asked": {"C1": [1, 72]}})
    texts, maps = map(sum, zip(*sent, strict=True))
    assert maps == len(explorer.page.levels) and texts < 2_500


def test_a_control_that_was_hidden_or_had_other_options_is_described_as_it_is_now(explorer):
    page = explorer.page

    def described():
        return {name: {**said, **page.changed.get(name, {})} for name, said in page.controls.items()}

    for change in ({"block": "BTNK2", "S": 2}, {"S": 1}, {"C": 512}, {"block": "BTNK1"}, {"C1": 8}):
        for name, value in change.items():
            getattr(explorer, name).value = value
        now = {name: c.described() for name, c in page._named.items() if name in page.controls}
        for name, said in described().items():
            assert {k: v for k, v in said.items() if v is not None} == now[name]


def test_maps_with_numbers_that_are_not_finite_are_refused_in_the_view(explorer, monkeypatch):
    monkeypatch.setattr(
        "resnet_lib.explorers.block_maps.block_input", lambda *_: (torch.full((1, 128, 56, 56), torch.inf), "")
    )
    explorer.C.value = 128
    assert all("inf or nan" in g["says"] for g in groups(explorer))
    assert figures(explorer)[1] == explorer.design.anatomy().parameters


def test_callbacks_of_several_threads_at_once_leave_one_whole_state(explorer):
    failed = []

    def move(name, values):
        try:
            for value in values:
                getattr(explorer, name).value = value
        except Exception as problem:
            failed.append(problem)

    moves = {"C1": range(8, 60, 4), "C": range(16, 200, 16), "S": (1, 2, 3) * 3}
    threads = [threading.Thread(target=move, args=item) for item in moves.items()]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert failed == []
    assert figures(explorer)[1:] == [explorer.design.anatomy().parameters, explorer.design.anatomy().macs]
    fresh = BottleneckExplorer(C=explorer.C.value, C1=explorer.C1.value, S=explorer.S.value)
    assert explorer.page.levels == fresh.page.levels
    assert explorer.page.says["v"] == explorer.page.maps["v"]


def test_a_saved_notebook_keeps_a_picture_and_one_sentence(explorer):
    bundle = explorer._repr_mimebundle_()
    assert bundle["text/plain"].startswith("(64, 56, 56) → (256, 56, 56), 75,008 parameters, 231,211,008 MACs.")
    assert bundle["text/plain"].count("Run this cell") == 1
    image = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    assert min(image.size) > 400 and np.asarray(image.convert("L")).std() > 20
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_hundreds_of_moves_leave_memory_where_it_was():
    n = 500 if os.environ.get("RESNET_COURSE_ALL") else 250
    code = """
import sys, psutil
from resnet_lib.explorers import BottleneckExplorer
e = BottleneckExplorer(C=64, W=16, C1=32)
def moves(n):
    for i in range(n):
        e.C1.value = 8 + 4 * (i * 7 % 20)
        e.S.value = 1 + i % 3
        if i % 10 == 0:
            e.step.value = ("sum", "bn1", "relu3")[i // 10 % 3]
moves(60)
before = psutil.Process().memory_info().rss
moves(int(sys.argv[1]))  # two sliders each
print((psutil.Process().memory_info().rss - before) / 2**20)
"""
    command = [sys.executable, "-c", code, str(n)]
    grown = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert grown < 10 + n / 25, f"memory grew by {grown:.0f} MiB"


@pytest.mark.parametrize("block", ["BTNK1", "BTNK2"])
def test_no_shape_in_the_drawing_lies_under_a_box(block):
    drawing = BottleneckExplorer(block).page.drawing
    texts = [edge for edge in drawing["edges"] if edge.get("text")]
    assert len(texts) >= 5
    for edge in texts:
        x, y = edge["at"]
        wide = 6.5 * len(edge["text"].replace("{s}", "(2048, 56, 56)"))  # 6.5 pixels a letter, and a large shape
        left = x - {"start": 0, "middle": wide / 2, "end": wide}[edge["anchor"]]
        for node in drawing["nodes"]:
            beside = left + wide <= node["x"] or node["x"] + node["w"] <= left
            assert beside or y <= node["y"] or node["y"] + node["h"] <= y - 10, (edge["text"], node["of"])


# ── What undo brings back, and what is offered ───────────────────────────────────────────────────────────────────


def test_undo_brings_back_a_choice_that_the_numbers_of_now_do_not_offer():
    explorer = BottleneckExplorer("bundled: Stage 2, block 1", weights="trained")
    explorer.block.value = "BTNK2"  # illegal: no sum, and no trained weights
    explorer.step.value = "conv1"
    explorer.reset.press()
    assert (explorer.block.value, explorer.step.value, explorer.weights.value) == ("BTNK1", "sum", "trained")


def test_undo_keeps_the_wish_for_trained_weights():
    explorer = BottleneckExplorer("bundled: Stage 2, block 1", weights="trained")
    explorer.C1.value = 28
    explorer.C1.value = 32
    explorer.undo.press()
    explorer.reset.press()
    assert explorer.weights.value == "trained"
    explorer.weights.value = "random"
    explorer.undo.press()
    assert explorer.weights.value == "trained"


def test_a_drag_of_C_in_a_BTNK2_is_undone_in_one_step():
    explorer = BottleneckExplorer("BTNK2", C=64, C1=16)
    for C in (80, 96, 112):
        explorer.C.value = C
    assert explorer.C1.value == 28
    explorer.undo.press()
    assert (explorer.C.value, explorer.C1.value, explorer.undo.disabled) == (64, 16, True)


def test_where_S_is_can_be_chosen_only_where_it_matters_and_stays_when_a_position_is_chosen():
    explorer = BottleneckExplorer("BTNK1", S=1)
    assert explorer.stride_on.disabled and "with S = 1 both are the same" in explorer.stride_on.meaning
    explorer.S.value, explorer.stride_on.value = 2, "1x1"
    assert not explorer.stride_on.disabled
    explorer.position.value = explorer.position.options["Stage 3, block 1"]
    assert explorer.stride_on.value == "1x1"


def test_a_pattern_has_random_weights_and_a_photograph_gets_the_trained_ones_back():
    explorer = BottleneckExplorer("bundled: Stage 2, block 1", weights="trained")
    explorer.picture.value = "impulse"
    assert list(explorer.weights.options) == ["random weights"]
    assert explorer.page.maps["note"].startswith("random weights") and "side" in explorer.page.maps["groups"][0]
    explorer.picture.value = "cat"
    assert explorer.weights.value == "trained"
