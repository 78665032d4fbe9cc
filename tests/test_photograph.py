"""The explorers of photographs, driven through their controls as a learner drives them; what they show is read back."""

import base64
import copy
import io
import re
import time
from datetime import datetime

import numpy as np
import pytest
import torch
from PIL import Image

from resnet_lib import ResNet, anatomy
from resnet_lib.experiments.arithmetic import explain
from resnet_lib.experiments.attribution import grad_cam, occlusion, placed, support
from resnet_lib.experiments.seen import Seen
from resnet_lib.explorers import AttributionExplorer, CompareExplorer, PhotographExplorer, StemExplorer
from resnet_lib.explorers import source as sources
from resnet_lib.explorers.photograph_view import place_of_the_strongest, strongest_places
from resnet_lib.explorers.tiles import channels_of
from resnet_lib.photos import PHOTOS, photo, to_input
from resnet_lib.views.channel import PANE, blend, jpeg
from resnet_lib.views.maps import palette, planes, statistics, to_levels
from resnet_lib.views.style import SEQUENTIAL
from resnet_lib.views.value import number

from .reference import plain


@pytest.fixture(scope="module")
def network(thin_network):
    return thin_network


@pytest.fixture(autouse=True)
def nothing_opened(monkeypatch):
    """No picture of another test is offered."""
    monkeypatch.setattr(sources, "OPENED", {})


@pytest.fixture
def explorer(network):
    return PhotographExplorer(network, "cat", size=64)


def plain_text(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def about(explorer):
    """All sentences about the step and its maps."""
    says = explorer.says
    return " ".join(f"{value} {unit}" for value, unit in says["figures"]) + f" {says.get('about', '')}"


def closeup(explorer):
    """All text about the one value."""
    shown = explorer.page.closeup
    return plain_text(" ".join(shown[part] for part in ("title", "value", "html")))


def problem(explorer):
    return explorer.says.get("problem", "")


def press(explorer, channel, row, column):
    """What a click in the page sends."""
    explorer.page.asked = {"place": [time.time_ns(), [channel, row, column]]}


def drawn(levels, signed):
    return np.frombuffer(palette(signed), np.uint8).reshape(256, 3)[levels]


# ── where it begins ──


def test_it_begins_at_the_strongest_value_of_the_strongest_channel(explorer, network):
    maps = Seen(network, "cat", 64)[explorer.looking_at]
    maps = maps.reshape(len(maps), *(maps.shape[1:] or (1, 1)))
    assert maps[explorer.channel.value, explorer.row.value, explorer.column.value].abs() == maps.abs().max()


def test_only_what_is_not_zero_is_ringed():
    plane = torch.zeros(5, 5)
    assert strongest_places(plane) == [] and place_of_the_strongest(plane) == (2, 2)
    plane[1, 3], plane[4, 0] = 2.0, -3.0
    assert strongest_places(plane) == [(4, 0), (1, 3)] and place_of_the_strongest(plane) == (4, 0)


# ── the walk ──


def test_it_begins_with_the_five_most_probable_classes_and_maps(explorer, network):
    top = Seen(network, "cat", 64).top(5)
    text = plain_text(explorer.page.answer)
    assert all(f"{name} {p:.0%}" in text for name, p in top)
    assert explorer.tile(explorer.looking_at).shape == (1, 1)
    alone, photograph, *_ = explorer.page.closeup["pictures"]
    assert alone["side"] == [1, 1] and Image.open(io.BytesIO(photograph["file"])).size == (PANE, PANE)


def test_every_step_of_every_stage_can_be_walked_to_and_shows_its_own_maps(explorer, network):
    seen, walked = Seen(network, "cat", 64), set()
    for stage in list(explorer.stage.options.values()):
        explorer.stage.value = stage
        for block in list(explorer.block.options.values())[:2]:
            explorer.block.value = block
            for step in list(explorer.step.options.values()):
                explorer.step.value = step
                name = explorer.looking_at
                walked.add(name)
                assert name in about(explorer)
                maps = planes(seen[name])
                (group,) = explorer.page.maps["groups"]
                channels = channels_of(group)
                shown = to_levels(maps[channels[0]], group["limit"], group["signed"])
                assert np.array_equal(explorer.tile(name), shown) and explorer.channel.value in channels
    assert walked == {name for name in seen.steps if not re.search(r"\.[2-9]\.", name)}


def test_a_step_keeps_its_name_from_block_to_block_where_there_is_one(explorer):
    explorer.stage.value, explorer.step.value = "stage2", "conv2"
    explorer.block.value = "1"
    assert explorer.looking_at == "stage2.1.conv2"
    explorer.stage.value = "stage3"
    assert explorer.looking_at == "stage3.1.conv2"
    explorer.stage.value = "head"
    assert explorer.looking_at == "head.fc"


def test_a_chosen_channel_is_shown_with_its_statistics_and_its_page(explorer, network):
    explorer.stage.value, explorer.block.value, explorer.step.value = "stage3", "0", "relu3"
    explorer.channel.value = 200
    plane = Seen(network, "cat", 64)["stage3.0.relu3"][200]
    assert f"channel 200: {statistics(plane)}" in closeup(explorer)
    assert "channels 192 to 255 of 256" in about(explorer)


def test_a_smaller_step_moves_a_channel_that_it_does_not_have_into_range(explorer):
    explorer.stage.value, explorer.channel.value = "stage4", 500
    explorer.stage.value = "stage0"
    assert explorer.channel.value == 15 == explorer.channel.max


def test_a_position_stays_where_it_is_in_the_photograph_from_size_to_size(explorer):
    explorer.stage.value, explorer.step.value = "stage0", "conv"
    explorer.row.value, explorer.column.value = 31, 16
    explorer.step.value = "pool"
    assert (explorer.row.max, explorer.row.value, explorer.column.value) == (15, 15, 8)


def test_the_marked_value_its_field_and_its_arithmetic_are_the_networks(explorer, network):
    explorer.stage.value, explorer.block.value, explorer.step.value = "stage2", "1", "conv2"
    explorer.channel.value, explorer.row.value, explorer.column.value = 7, 3, 5
    value = explain(network, to_input(photo("cat"), 64), "stage2.1.conv2", 7, 3, 5)
    assert f"row 3, column 5: {number(value.output)}" in closeup(explorer)
    reach = anatomy(network, 64)["stage2.1.conv2"].receptive_field
    assert f"it sees {reach} × {reach} pixels" in closeup(explorer)
    assert "32 × 3 × 3 = 288 products" in closeup(explorer)
    for channel, n in value.strongest(4):
        assert f"{channel} {number(n)}" in closeup(explorer)
    *_, given = explorer.page.closeup["pictures"]
    assert given["frames"][0][:4] == [2, 5, 4, 7] and f"channel {value.strongest(1)[0][0]}" in given["said"]


def test_every_kind_of_step_has_its_arithmetic_shown(explorer):
    kinds = {
        "stage0.bn": "variance",
        "stage0.relu": "max(0,",
        "stage0.pool": "the largest of 3 × 3",
        "stage1.0.add": "F(x)",
        "stage1.1.shortcut": "unchanged",
        "head.pool": "the mean of 2 × 2",
        "head.flatten": "unchanged",
        "head.fc": "with bias",
    }
    for step, says in kinds.items():
        explorer.stage.value, *block, rest = step.split(".")
        if block:
            (explorer.block.value,) = block
        explorer.step.value = rest
        assert explorer.looking_at == step
        assert says in closeup(explorer), step


# ── clicks, which end in controls ──


def test_a_click_on_a_map_chooses_its_channel_and_the_value_there(explorer):
    explorer.stage.value, explorer.step.value = "stage0", "conv"
    press(explorer, 6, 10, 31)
    assert (explorer.channel.value, explorer.row.value, explorer.column.value) == (6, 10, 31)
    assert explorer.page.maps["marked"] == 6 and explorer.page.closeup["at"] == [10, 31]


def test_a_click_on_the_enlarged_map_or_the_photograph_keeps_the_channel(explorer):
    explorer.stage.value, explorer.step.value, explorer.channel.value = "stage0", "conv", 5
    press(explorer, None, 16, 31)
    assert (explorer.channel.value, explorer.row.value, explorer.column.value) == (5, 16, 31)


def test_the_strongest_channels_can_be_shown_first_and_paging_goes_on_from_there(explorer, network):
    explorer.stage.value, explorer.step.value, explorer.order.value = "stage4", "relu3", "strongest"
    maps = Seen(network, "cat", 64)[explorer.looking_at]
    order = maps.abs().mean((1, 2)).argsort(descending=True, stable=True).tolist()
    explorer.first.value = 64
    assert channels_of(explorer.page.maps["groups"][0]) == order[64:128] and explorer.channel.value == order[64]


def test_at_the_head_classes_have_their_names_and_the_most_probable_is_first():
    explorer = PhotographExplorer(picture="cat", step="head.fc", size=64)
    checkpoint = explorer.network.checkpoint
    (group,) = explorer.page.maps["groups"]
    best = Seen(explorer.network, "cat", 64).top(10)
    assert group["names"] == [name for name, _ in best]
    assert sorted(group["values"], reverse=True) == group["values"]
    press(explorer, 3, 0, 0)
    assert f"channel 3, {checkpoint.classes[3]}:" in explorer.page.closeup["title"]
    explorer.step.value = "flatten"
    assert "names" not in explorer.page.maps["groups"][0]


def test_undo_brings_back_the_step_the_value_and_the_photograph(explorer):
    explorer.stage.value, explorer.block.value, explorer.step.value = "stage3", "5", "conv2"
    press(explorer, 60, 2, 3)
    explorer.stage.value = "stage0"
    explorer.source.choose.value = "church"
    for _ in range(2):
        explorer.undo.press()
    assert explorer.looking_at == "stage3.5.conv2" and explorer.source.label == "cat"
    assert (explorer.channel.value, explorer.row.value, explorer.column.value) == (60, 2, 3)


def test_the_button_goes_to_the_strongest_value_of_the_channel(explorer, network):
    explorer.stage.value, explorer.step.value, explorer.channel.value = "stage0", "conv", 3
    explorer.strongest.click()
    plane = Seen(network, "cat", 64)["stage0.conv"][3]
    assert (explorer.row.value, explorer.column.value) == divmod(plane.abs().argmax().item(), 32)


def test_the_gradient_is_drawn_over_the_photograph(explorer, network):
    explorer.stage.value, explorer.step.value = "stage0", "conv"
    press(explorer, 0, 16, 16)
    before = explorer.page.closeup["pictures"]
    explorer.gradient.value = True
    after = explorer.page.closeup["pictures"]
    assert after[0] == before[0]
    found = support(network, to_input(photo("cat"), 64), "stage0.conv", 0, 16, 16)
    expected = blend(Seen(network, "cat", 64).image, (found / found.max()).sqrt(), SEQUENTIAL)
    assert (found > 0).any() and after[1]["file"] == jpeg(expected)


# ── pictures ──


def uploaded(explorer, name, data):
    file = {"name": name, "type": "image/png", "size": len(data), "content": data, "last_modified": datetime.now()}
    explorer.source.upload.value = (file,)


def png(image):
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def test_choosing_another_photograph_runs_it_through_the_network(explorer, network):
    explorer.source.choose.value = "church"
    name, p = Seen(network, "church", 64).top(1)[0]
    assert f"{name} {p:.0%}" in plain_text(explorer.page.answer)


def test_progress_is_shown_before_the_network_has_run_and_hidden_after(explorer):
    told = []
    explorer.page.observe(lambda c: told.append(c["new"]), names="progress")
    explorer.source.choose.value = "coffee"
    assert told[0] == [0, 1] and len(told) > 2 and told[-1] == []


def test_an_uploaded_picture_is_shown_and_can_be_left_and_chosen_again(explorer, network):
    own = Image.fromarray(np.random.default_rng(0).integers(0, 255, (50, 70, 3), np.uint8))
    uploaded(explorer, "holiday.png", png(own))
    assert explorer.source.label == "holiday.png" and explorer.source.upload.value == ()
    expected = f"{Seen(network, own, 64).top(1)[0][1]:.0%}"
    assert expected in plain_text(explorer.page.answer)
    explorer.source.choose.value = "cat"
    explorer.source.choose.value = dict(explorer.source.choose.options)["holiday.png"]
    assert expected in plain_text(explorer.page.answer)


def test_a_path_is_opened(explorer, network, tmp_path):
    Image.new("L", (30, 20), 90).save(tmp_path / "grey.png")
    explorer.source.path.value = f" {tmp_path / 'grey.png'} "
    assert explorer.source.label == "grey.png" and explorer.source.message.value == ""
    explorer.source.choose.value = "cat"
    explorer.source.path.value = f'"{tmp_path / "grey.png"}"'  # as Windows copies it
    assert explorer.source.label == "grey.png"


def test_a_path_may_begin_at_home_and_a_wrong_one_gives_a_sentence(explorer, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    Image.new("RGB", (30, 20), "red").save(tmp_path / "mine.webp")
    explorer.source.path.value = "~/mine.webp"
    assert explorer.source.label == "mine.webp"
    explorer.source.path.value = "~/other.webp"
    assert "there is no file ~/other.webp" in explorer.source.message.value
    assert explorer.source.label == "mine.webp"


@pytest.mark.parametrize("data", [b"", b"text, no picture", png(photo("cat"))[:2000]])
def test_a_file_that_is_no_picture_gives_a_sentence_and_the_view_stays(explorer, data):
    explorer.source.choose.value = "church"
    before = explorer.page.closeup
    uploaded(explorer, "broken.png", data)
    message = explorer.source.message.value
    assert "broken.png" in message and "The picture shown is still the one before." in message
    assert message in plain_text(explorer.page.answer) and 'role="alert"' in explorer.page.answer
    assert explorer.page.closeup == before and explorer.source.choose.value == "church"
    explorer.source.choose.value = "cat"
    assert explorer.source.message.value == ""


def test_a_picture_that_was_opened_is_offered_in_every_explorer_and_on_both_sides(explorer, network):
    stem, compare = StemExplorer(W=32), CompareExplorer(network, size=64)
    own = Image.fromarray(np.random.default_rng(1).integers(0, 255, (50, 70, 3), np.uint8))
    uploaded(explorer, "mine.png", png(own))
    for choice in (stem.picture, compare.source.choose, compare.other, CompareExplorer(network, size=64).other):
        assert "mine.png" in choice.options and choice.value != explorer.source.value
    assert "mine.png" in stem.page.controls["picture"]["options"]
    compare.other.value = dict(compare.other.options)["mine.png"]
    uploaded(explorer, "mine.png", png(own.rotate(90)))
    assert explorer.source.label == "mine.png (2)"
    uploaded(explorer, "mine.png", png(own))
    assert explorer.source.label == "mine.png"


def test_a_panorama_says_in_the_view_how_little_of_it_is_looked_at(explorer):
    uploaded(explorer, "wide.png", png(Image.new("RGB", (400, 100), "teal")))
    assert "Only the middle square of this picture is used, 25%" in plain_text(explorer.page.answer)
    explorer.source.choose.value = "cat"
    assert "middle square" not in plain_text(explorer.page.answer)


def test_the_first_photograph_is_one_that_the_bundled_network_names_right_and_surely():
    explorer = PhotographExplorer()
    (name, sure), *_ = explorer._seen.top(5)
    assert explorer.source.label == name and sure > 0.9
    attribution = AttributionExplorer(explorer.network)
    assert attribution.target.label.startswith(attribution.source.label)


def test_a_size_that_the_network_was_not_trained_at_is_said():
    explorer = PhotographExplorer(size=64)
    assert "Not trained at this size, but at 224 pixels" in plain_text(explorer.page.answer)
    explorer.size.value = 224
    assert "Not trained" not in plain_text(explorer.page.answer)


def test_a_picture_can_be_given_at_the_start(network):
    explorer = PhotographExplorer(network, picture=Image.new("RGB", (80, 60), "teal"), size=64)
    assert explorer.source.label == "your picture"
    assert set(PHOTOS) < set(dict(explorer.source.choose.options))


def test_the_input_size_can_be_changed(explorer, network):
    explorer.size.value = 96
    assert f"{Seen(network, 'cat', 96).top(1)[0][1]:.0%}" in plain_text(explorer.page.answer)
    explorer.stage.value, explorer.step.value = "stage0", "conv"
    assert "(16, 48, 48)" in about(explorer)


def test_a_network_with_other_names_and_in_place_steps_can_be_walked_too():
    class Own(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first = torch.nn.Conv2d(3, 4, 3, bias=False)
            self.act = torch.nn.ReLU(inplace=True)
            self.pool = torch.nn.AdaptiveAvgPool2d(1)
            self.flatten = torch.nn.Flatten()
            self.out = torch.nn.Linear(4, 3)

        def forward(self, x):
            return self.out(self.flatten(self.pool(self.act(self.first(x)))))

    torch.manual_seed(0)
    explorer = PhotographExplorer(Own(), size=32)
    explorer.stage.value = "first"
    assert "(4, 30, 30)" in about(explorer) and "min −" in about(explorer)
    explorer.stage.value = "act"
    assert "min 0" in about(explorer)


# ── what spoke for a class ──


def test_grad_cam_is_drawn_for_the_most_probable_class_first_and_for_any_other(network):
    explorer = AttributionExplorer(network, size=64)
    x = to_input(photo("church"), 64)
    first = grad_cam(network, x, step="stage3")
    assert explorer.step.value == "stage3"  # in Stage 4 only 2 × 2 places are left of 64 pixels
    assert explorer.target.value == first.target and "the stage to look at" in said_of(explorer)
    assert f"4 × 4 values up to {first.values.max().item():.3g}" in said_of(explorer)
    explorer.target.value = 3
    assert f"up to {grad_cam(network, x, 3, 'stage3').values.max().item():.3g}" in said_of(explorer)
    explorer.step.value = "stage2"
    assert "8 × 8 values" in said_of(explorer) and "the stage to look at" not in said_of(explorer)
    explorer.step.value = "stage1.2.conv2"  # any step that gives out maps
    assert f"up to {grad_cam(network, x, 3, 'stage1.2.conv2').values.max().item():.3g}" in said_of(explorer)


def test_occlusion_runs_when_asked_and_shows_the_same_as_the_function(network):
    explorer = AttributionExplorer(network, size=64)
    explorer.method.value = "occlusion"
    assert "Press" in said_of(explorer)
    explorer.patch.value, explorer.stride.value = 32, 16
    explorer.run.click()
    found = occlusion(network, to_input(photo("church"), 64), explorer.target.value, patch=32, stride=16)
    assert f"{found.values.numel()} of {found.values.numel()} places" in said_of(explorer)
    assert f"{max(found.values.max().item(), 0):.1%}" in said_of(explorer)
    assert not explorer.run.disabled and explorer.stop.disabled


def test_who_wins_under_occlusion_is_counted_ringed_and_told_at_a_click():
    explorer = AttributionExplorer(picture="cat", size=64)
    network, best, names = explorer.network, explorer.target.value, explorer.network.checkpoint.classes
    explorer.method.value = "occlusion"
    explorer.patch.value, explorer.stride.value = 32, 16
    explorer.run.click()
    hidden = explorer._seen.x.repeat(16, 1, 1, 1)
    for i, picture in enumerate(hidden):
        top, left = (n * 16 - 8 for n in divmod(i, 4))
        picture[:, max(top, 0) : top + 32, max(left, 0) : left + 32] = 0
    with torch.no_grad():
        winners = network(hidden).argmax(1)
    lost = (winners != best).nonzero().flatten().tolist()
    assert lost and len(explorer.page.closeup["pictures"][1]["rings"]) == len(lost)
    press(explorer, None, *divmod(lost[0], 4))
    assert f"and “{names[winners[lost[0]]]}” wins" in explorer.page.closeup["value"]


def test_a_stride_larger_than_the_patch_is_explained(network):
    explorer = AttributionExplorer(network, size=64)
    explorer.method.value = "occlusion"
    explorer.patch.value, explorer.stride.value = 4, 20
    explorer.run.click()
    assert "stride = 20 is larger than the patch of 4 pixels" in problem(explorer)
    assert not explorer.run.disabled and explorer.page.closeup == {}
    explorer.stride.value = 4
    assert problem(explorer) == "" and explorer.page.closeup["pictures"]


def test_another_photograph_brings_its_own_classes(network):
    explorer = AttributionExplorer(network, size=64)
    explorer.source.choose.value = "truck"
    best = grad_cam(network, to_input(photo("truck"), 64)).target
    assert explorer.target.value == best == next(iter(explorer.target.options.values()))


def test_grad_cam_is_drawn_where_each_value_looks_and_not_stretched(network):
    explorer = AttributionExplorer(network, size=64)
    explorer.step.value = "stage3"
    seen = Seen(network, "church", 64)
    values, step = grad_cam(network, seen.x, step="stage3").values, seen.anatomy["stage3.5.relu3"]
    there = placed(values, step.sees, 64, 64)
    due = jpeg(blend(seen.image, there / there.abs().max(), SEQUENTIAL))
    assert [p["file"] for p in explorer.page.closeup["pictures"]] == [jpeg(seen.image), due]


def said_of(explorer):
    return plain_text(explorer.page.closeup["html"])


# ── side by side ──


@pytest.fixture(scope="module")
def compare(network):
    return CompareExplorer(network, size=64)


def message(compare):
    return compare.says["figures"][0][0]


def test_two_photographs_are_compared_on_one_scale(compare, network):
    compare.mode.value, compare.step.value = "picture", "stage1.0.relu3"
    maps = [Seen(network, name, 64)["stage1.0.relu3"] for name in ("cat", "church")]
    left, right = compare.page.maps["groups"]
    assert left["limit"] == right["limit"] and not left["signed"]
    for group, m in zip((left, right), maps, strict=True):
        assert np.array_equal(compare.tile(group["id"], 3), to_levels(m[3], left["limit"], False))
    assert f"Largest difference {(maps[0] - maps[1]).abs().max().item():.3g}" in message(compare)


def test_the_same_picture_twice_is_equal_to_the_last_bit(compare):
    compare.mode.value, compare.other.value = "picture", "cat"
    assert "equal, to the last bit" in message(compare)
    compare.other.value = "church"


def test_two_steps_of_other_shapes_are_compared(compare):
    compare.mode.value = "step"
    compare.step.value, compare.other_step.value = "stage0.conv", "stage4.2.relu3"
    assert "The shapes differ: (16, 32, 32) and (512, 2, 2)" in message(compare)
    compare.mode.value = "picture"


def test_v1_differs_from_v1_5_only_behind_the_first_moved_stride(compare, network):
    compare.mode.value, compare.step.value = "layout", "stage1.2.relu3"
    assert "equal, to the last bit" in message(compare)
    compare.step.value = "stage2.0.conv2"
    assert "equal" not in message(compare)
    v1 = ResNet(base=16, num_classes=10, stride_on="1x1").eval()
    v1.load_state_dict(network.state_dict())
    top = Seen(v1, "cat", 64).top(1)[0]
    assert f"right: {top[0]} {top[1]:.0%}" in compare.says["about"]


def test_trained_and_random_weights_give_other_maps_and_the_network_stays(compare, network):
    before = {k: v.clone() for k, v in network.state_dict().items()}
    compare.mode.value, compare.step.value = "weights", "stage1.0.conv1"
    left, right = compare.tile("a"), compare.tile("b")
    assert not np.array_equal(left, right) and right.std() > 5
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())


def test_an_enlarged_map_of_a_comparison_has_its_arithmetic(compare, network):
    compare.mode.value, compare.step.value = "picture", "stage1.0.conv2"
    asked = {"do": "large", "group": "b", "channel": 3, "row": 2, "column": 5}
    said, _ = compare._answer(asked)
    value = explain(network, to_input(photo("church"), 64), "stage1.0.conv2", 3, 2, 5)
    assert number(value.output) in plain_text(said["html"])


def test_every_picture_has_a_text_alternative(explorer, network):
    pictures = explorer.page.closeup["pictures"] + AttributionExplorer(network, size=64).page.closeup["pictures"]
    assert all(re.search(r"\w{3}", picture["said"]) for picture in pictures)
    assert re.search(r'alt="cat, as the network is shown it"', explorer.page.answer)


def test_a_saved_notebook_shows_maps_or_the_photograph(explorer, network):
    for shown, size in ((explorer, None), (AttributionExplorer(network, size=64), (PANE, PANE))):
        bundle = shown._repr_mimebundle_()
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        image = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
        assert size in (None, image.size) and "Run this cell" in data["text/plain"]


# ── networks with something wrong, or merely other ones ──


@pytest.mark.parametrize("classes", [1, 2, 66])
def test_any_number_of_classes_can_be_walked(classes):
    explorer = PhotographExplorer(ResNet(base=4, num_classes=classes).eval(), size=32)
    explorer.channel.value = classes - 1
    assert problem(explorer) == "" and f"channel {classes - 1}:" in closeup(explorer)


def test_where_numbers_become_undefined_can_be_found_by_walking(network):
    broken = copy.deepcopy(network)
    broken.stage3[0].conv1.weight.data[0, 0, 0, 0] = float("nan")
    explorer = PhotographExplorer(broken, size=64)
    assert "infinite or undefined" in problem(explorer)
    assert "Walk from Stage 0 on" in plain_text(explorer.page.answer) and "nan%" not in plain_text(explorer.page.answer)
    explorer.stage.value = "stage2"
    assert problem(explorer) == "" and "stage2." in about(explorer)
    explorer.stage.value = "stage3"
    assert "infinite or undefined" in problem(explorer) and "stage3." in about(explorer)
    with pytest.raises(ValueError, match="infinite or undefined scores"):
        AttributionExplorer(broken, size=64)
    compare = CompareExplorer(broken, size=64)
    compare.step.value = "stage4.0.conv1"
    assert "infinite or undefined" in problem(compare)
    compare.step.value = "stage1.0.conv1"
    assert problem(compare) == ""


class Fixed(torch.nn.Module):
    """A network for pictures of 64 pixels alone, one at a time, under no_grad."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = torch.nn.Conv2d(3, 8, 3, 2, 1), torch.nn.Linear(8 * 32 * 32, 5)

    @torch.no_grad()
    def forward(self, x):
        return self.fc(self.conv(x).view(1, -1))


def test_a_size_that_the_network_cannot_take_gives_a_sentence_and_another_brings_it_back():
    explorer = PhotographExplorer(Fixed(), size=64)
    explorer.size.value = 96
    assert "mat1 and mat2" in problem(explorer) and explorer.page.progress == []
    explorer.channel.value = 1
    assert problem(explorer)
    explorer.size.value = 64
    assert problem(explorer) == "" and explorer.looking_at == "fc"


def test_a_forward_without_gradients_and_one_for_single_pictures_are_told():
    explorer = PhotographExplorer(Fixed(), size=64, step="conv")
    explorer.gradient.value = True
    assert "There is no gradient to draw" in closeup(explorer)
    attribution = AttributionExplorer(Fixed(), size=64)
    assert problem(attribution)
    attribution.method.value = "occlusion"
    assert problem(attribution) == ""
    attribution.run.click()
    assert problem(attribution) and not attribution.run.disabled


def test_the_layouts_are_named_as_they_are():
    v1 = CompareExplorer(ResNet(base=4, num_classes=3, stride_on="1x1").eval(), size=64, mode="layout")
    assert [g["title"][:6] for g in v1.page.maps["groups"]] == ["v1: S ", "v1.5: "]
    plain_one = CompareExplorer(plain("resnet18", num_classes=3).eval(), size=64)
    plain_one.mode.value = "layout"
    assert "a BTNK1 of resnet_lib has S" in problem(plain_one)
    plain_one.mode.value = "picture"
    assert problem(plain_one) == ""


def test_attribution_offers_the_parts_that_give_out_maps():
    wrapped = torch.nn.Module()
    wrapped.backbone = ResNet(base=4, num_classes=3)
    wrapped.forward = wrapped.backbone.forward
    explorer = AttributionExplorer(wrapped.eval(), size=64)
    assert explorer.step.value == "backbone.stage3" and problem(explorer) == ""
    assert "backbone.head" not in explorer.step.options.values()
    plain_one = AttributionExplorer(plain("resnet18", num_classes=3).eval(), size=128)
    assert plain_one.step.value == "layer4"


def test_pictures_and_steps_given_wrongly_raise_sentences(network, tmp_path):
    Image.new("RGB", (20, 20)).save(tmp_path / "a.png")
    assert PhotographExplorer(network, picture=str(tmp_path / "a.png"), size=32).source.label == "your picture"
    CompareExplorer(network, other=Image.new("RGB", (9, 9)), size=32)
    with pytest.raises(ValueError, match="there is no file"):
        PhotographExplorer(network, picture="dog", size=32)
    with pytest.raises(ValueError, match=r"the tensor of shape \(3,\) is not a picture"):
        AttributionExplorer(network, picture=torch.zeros(3), size=32)
    with pytest.raises(ValueError, match="no step is called 'stage2.0.conv9'; did you mean"):
        PhotographExplorer(network, size=32, step="stage2.0.conv9")
