"""The explorers of photographs, driven through their controls as a learner drives them; what they show is read back."""

import base64
import copy
import io
import re
from datetime import datetime

import numpy as np
import pytest
import torch
from PIL import Image

from resnet_lib import ResNet, anatomy
from resnet_lib.explorers import AttributionExplorer, CompareExplorer, PhotographExplorer
from resnet_lib.explorers.photograph import place_of_the_strongest, strongest_places
from resnet_lib.inside.arithmetic import explain
from resnet_lib.inside.attribution import grad_cam, occlusion, placed, support
from resnet_lib.inside.seen import Seen
from resnet_lib.photos import PHOTOS, photo, to_input
from resnet_lib.views.channel import BETWEEN, PANE, blend, jpeg, place, side_by_side
from resnet_lib.views.maps import mosaic, palette, statistics
from resnet_lib.views.style import SEQUENTIAL
from resnet_lib.views.value import number

from .reference import plain
from .test_explorers import opened, pixels, words


@pytest.fixture(scope="module")
def network(thin_network):
    return thin_network


@pytest.fixture
def explorer(network):
    return PhotographExplorer(network, size=64)


def drawn(levels, signed):
    return np.frombuffer(palette(signed), np.uint8).reshape(256, 3)[levels]


def inside(shown, index, n, H):
    """The pixels of tile `index` of n, without its edge, where the frame may lie."""
    columns = int(np.ceil(np.sqrt(n)))
    y, x = (v * (H + 1) for v in divmod(index, columns))
    return shown[y + 4 : y + H - 2, x + 4 : x + H - 2]


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
    text = words(explorer.classes)
    assert all(f"{name} {p:.0%}" in text for name, p in top)
    assert pixels(explorer.maps.image).std() > 10 and opened(explorer.photo).size == (64, 64)
    assert opened(explorer.closeup.image).size == (2 * PANE + BETWEEN, PANE)


def test_every_step_of_every_stage_can_be_walked_to_and_shows_its_own_maps(explorer, network):
    seen, walked = Seen(network, "cat", 64), set()
    for _, stage in explorer.stage.options:
        explorer.stage.value = stage
        for _, block in explorer.block.options:
            explorer.block.value = block
            for _, step in explorer.step.options:
                explorer.step.value = step
                name = explorer.looking_at
                walked.add(name)
                assert f"{name} :" in words(explorer.where)
                maps = seen[name].reshape(seen[name].shape[0], *(seen[name].shape[1:] or (1, 1)))
                levels, _, signed = mosaic(maps, explorer.channel.value // 64 * 64)
                shown = pixels(explorer.maps.image)
                assert shown.shape[:2] == levels.shape
                same = (shown == drawn(levels, signed)).all(-1).mean()
                assert same > 0.5 if min(maps.shape[1:]) < 4 else same > 0.9  # all but the frame
    assert walked == set(seen.steps)


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
    assert f"channel 200: {statistics(plane)}" in words(explorer.numbers)
    assert "channels 192 to 255 of 256" in words(explorer.about)


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
    assert f"row 3, column 5 holds {number(value.output)}" in words(explorer.numbers)
    reach = anatomy(network, 64)["stage2.1.conv2"].receptive_field
    assert f"{reach} × {reach} pixels of the photograph" in words(explorer.numbers)
    assert "32 × 3 × 3 = 288 products" in words(explorer.value)
    for channel, n in value.strongest(5):
        assert f"{channel} {number(n)}" in words(explorer.value)


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
        assert says in words(explorer.value), step


# ── clicks, which end in controls ──


def test_a_click_on_a_map_chooses_its_channel(explorer):
    explorer.stage.value, explorer.step.value = "stage0", "conv"  # 16 channels, 4 in a row
    explorer.maps.place.value = "0.6,0.3,1"
    assert explorer.channel.value == 4 + 2
    explorer.maps.place.value = "0.01,0.99,2"
    assert explorer.channel.value == 12


def test_a_click_on_the_enlarged_map_or_the_photograph_chooses_the_position(explorer):
    explorer.stage.value, explorer.step.value = "stage0", "conv"  # 32 × 32
    explorer.closeup.place.value = f"{100 / (2 * PANE + BETWEEN)},0.5,1"
    assert (explorer.row.value, explorer.column.value) == (16, int(100 / PANE * 32))
    explorer.closeup.place.value = f"{(PANE + BETWEEN + 10) / (2 * PANE + BETWEEN)},0.99,2"
    assert (explorer.row.value, explorer.column.value) == (31, int(10 / PANE * 32))


def test_a_click_between_the_two_squares_is_nowhere():
    assert place((PANE + BETWEEN / 2) / (2 * PANE + BETWEEN), 0.5) is None


def test_the_button_goes_to_the_strongest_value_of_the_channel(explorer, network):
    explorer.stage.value, explorer.step.value, explorer.channel.value = "stage0", "conv", 3
    explorer.strongest.click()
    plane = Seen(network, "cat", 64)["stage0.conv"][3]
    assert (explorer.row.value, explorer.column.value) == divmod(plane.abs().argmax().item(), 32)


def test_the_gradient_is_drawn_over_the_photograph(explorer, network):
    explorer.stage.value, explorer.step.value = "stage0", "conv"
    explorer.row.value = explorer.column.value = 16
    before = pixels(explorer.closeup.image).astype(int)
    explorer.gradient.value = True
    after = pixels(explorer.closeup.image).astype(int)
    assert np.abs(before - after)[:, :PANE].max() < 40  # the map alone, but for the file's compression
    moved = np.abs(after - before)[:, PANE + BETWEEN :].sum(-1)
    found = support(network, to_input(photo("cat"), 64), "stage0.conv", 0, 16, 16)
    assert (found > 0).any() and moved.max() > 60
    rows = np.flatnonzero((found > 0).any(1)) * PANE / 64
    assert moved[int(rows[0]) : int(rows[-1]) + 5].max() > 60


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
    assert f"{name} {p:.0%}" in words(explorer.classes)


def test_progress_is_shown_before_the_network_has_run_and_hidden_after(explorer):
    told = []
    explorer.progress.observe(lambda c: told.append(c["new"]), names="value")
    shown = []
    explorer.progress.layout.observe(lambda c: shown.append(c["new"]), names="visibility")
    explorer.source.choose.value = "coffee"
    assert shown == ["visible", "hidden"] and told


def test_an_uploaded_picture_is_shown_and_can_be_left_and_chosen_again(explorer, network):
    own = Image.fromarray(np.random.default_rng(0).integers(0, 255, (50, 70, 3), np.uint8))
    uploaded(explorer, "holiday.png", png(own))
    assert explorer.source.label == "holiday.png" and explorer.source.upload.value == ()
    expected = f"{Seen(network, own, 64).top(1)[0][1]:.0%}"
    assert expected in words(explorer.classes)
    explorer.source.choose.value = "cat"
    explorer.source.choose.value = dict(explorer.source.choose.options)["holiday.png"]
    assert expected in words(explorer.classes)


def test_a_path_is_opened(explorer, network, tmp_path):
    Image.new("L", (30, 20), 90).save(tmp_path / "grey.png")
    explorer.source.path.value = f" {tmp_path / 'grey.png'} "
    assert explorer.source.label == "grey.png" and not words(explorer.source.message)
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
    assert "there is no file ~/other.webp" in words(explorer.source.message)
    assert explorer.source.label == "mine.webp"


@pytest.mark.parametrize("data", [b"", b"text, no picture", png(photo("cat"))[:2000]])
def test_a_file_that_is_no_picture_gives_a_sentence_and_the_view_stays(explorer, data):
    explorer.source.choose.value = "church"
    before = words(explorer.classes)
    uploaded(explorer, "broken.png", data)
    message = words(explorer.source.message)
    assert "broken.png" in message and "The picture shown is still the one before." in message
    assert words(explorer.classes) == before and explorer.source.choose.value == "church"
    explorer.source.choose.value = "cat"
    assert words(explorer.source.message) == ""


def test_a_picture_can_be_given_at_the_start(network):
    explorer = PhotographExplorer(network, picture=Image.new("RGB", (80, 60), "teal"), size=64)
    assert explorer.source.label == "your picture"
    assert set(PHOTOS) < set(dict(explorer.source.choose.options))


def test_the_input_size_can_be_changed(explorer, network):
    explorer.size.value = 96
    assert f"{Seen(network, 'cat', 96).top(1)[0][1]:.0%}" in words(explorer.classes)
    explorer.stage.value, explorer.step.value = "stage0", "conv"
    assert "(16, 48, 48)" in words(explorer.where)


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
    assert "(4, 30, 30)" in words(explorer.where) and "min −" in words(explorer.about)
    explorer.stage.value = "act"
    assert "min 0" in words(explorer.about)


# ── what spoke for a class ──


def test_grad_cam_is_drawn_for_the_most_probable_class_first_and_for_any_other(network):
    explorer = AttributionExplorer(network, size=64)
    x = to_input(photo("cat"), 64)
    first = grad_cam(network, x, step="stage3")
    assert explorer.step.value == "stage3"  # in Stage 4 only 2 × 2 places are left of 64 pixels
    assert explorer.target.value == first.target
    assert f"4 × 4 values up to {first.values.max().item():.3g}" in words(explorer.text)
    explorer.target.value = 3
    assert f"up to {grad_cam(network, x, 3, 'stage3').values.max().item():.3g}" in words(explorer.text)
    explorer.step.value = "stage2"
    assert "8 × 8 values" in words(explorer.text)
    explorer.step.value = "stage1.2.conv2"  # any step that gives out maps
    assert f"up to {grad_cam(network, x, 3, 'stage1.2.conv2').values.max().item():.3g}" in words(explorer.text)


def test_occlusion_runs_when_asked_and_shows_the_same_as_the_function(network):
    explorer = AttributionExplorer(network, size=64)
    explorer.method.value = "occlusion"
    assert "Press" in words(explorer.text)
    explorer.patch.value, explorer.stride.value = 32, 16
    explorer.run.click()
    found = occlusion(network, to_input(photo("cat"), 64), explorer.target.value, patch=32, stride=16)
    assert f"{found.values.numel()} of {found.values.numel()} places" in words(explorer.text)
    assert f"{max(found.values.max().item(), 0):.1%}" in words(explorer.text)
    assert not explorer.run.disabled and explorer.stop.disabled


def test_a_stride_larger_than_the_patch_is_explained(network):
    explorer = AttributionExplorer(network, size=64)
    explorer.method.value = "occlusion"
    explorer.patch.value, explorer.stride.value = 4, 20
    explorer.run.click()
    assert "stride = 20 is larger than the patch of 4 pixels" in words(explorer.problem)
    assert not explorer.run.disabled and explorer.picture.layout.display == "none"
    explorer.stride.value = 4
    assert words(explorer.problem) == "" and explorer.picture.layout.display == ""


def test_another_photograph_brings_its_own_classes(network):
    explorer = AttributionExplorer(network, size=64)
    explorer.source.choose.value = "truck"
    best = grad_cam(network, to_input(photo("truck"), 64)).target
    assert explorer.target.value == best == explorer.target.options[0][1]


def test_grad_cam_is_drawn_where_each_value_looks_and_not_stretched(network):
    explorer = AttributionExplorer(network, size=64)
    explorer.step.value = "stage3"
    seen = Seen(network, "cat", 64)
    values, step = grad_cam(network, seen.x, step="stage3").values, seen.anatomy["stage3.5.relu3"]
    there = placed(values, step.sees, 64, 64)
    due = side_by_side(seen.image.resize((PANE, PANE)), blend(seen.image, there / there.abs().max(), SEQUENTIAL))
    assert base64.b64encode(jpeg(due)) in bytes(explorer.picture.value)


# ── side by side ──


@pytest.fixture(scope="module")
def compare(network):
    return CompareExplorer(network, size=64)


def sides(compare):
    return pixels(compare.left.image), pixels(compare.right.image)


def test_two_photographs_are_compared_on_one_scale(compare, network):
    compare.mode.value, compare.step.value = "picture", "stage1.0.relu3"
    maps = [Seen(network, name, 64)["stage1.0.relu3"] for name in ("cat", "church")]
    limits = [mosaic(m, 0, 36)[1] for m in maps]
    for shown, m in zip(sides(compare), maps, strict=True):
        levels, _, signed = mosaic(m, 0, 36, limit=max(limits), signed=False)
        assert np.array_equal(shown, drawn(levels, signed))
    assert f"Largest difference {(maps[0] - maps[1]).abs().max().item():.3g}" in words(compare.message)


def test_the_same_picture_twice_is_equal_to_the_last_bit(compare):
    compare.mode.value, compare.other.value = "picture", "cat"
    assert "equal, to the last bit" in words(compare.message)
    compare.other.value = "church"


def test_two_steps_of_other_shapes_are_compared(compare):
    compare.mode.value = "step"
    compare.step.value, compare.other_step.value = "stage0.conv", "stage4.2.relu3"
    assert "The shapes differ: (16, 32, 32) and (512, 2, 2)" in words(compare.message)


def test_v1_differs_from_v1_5_only_behind_the_first_moved_stride(compare, network):
    compare.mode.value, compare.step.value = "layout", "stage1.2.relu3"
    assert "equal, to the last bit" in words(compare.message)
    compare.step.value = "stage2.0.conv2"
    assert "equal" not in words(compare.message)
    v1 = ResNet(base=16, num_classes=10, stride_on="1x1").eval()
    v1.load_state_dict(network.state_dict())
    top = Seen(v1, "cat", 64).top(1)[0]
    assert f"{top[0]} {top[1]:.0%}" in words(compare.right.above)


def test_trained_and_random_weights_give_other_maps_and_the_network_stays(compare, network):
    before = {k: v.clone() for k, v in network.state_dict().items()}
    compare.mode.value, compare.step.value = "weights", "stage1.0.conv1"
    left, right = sides(compare)
    assert not np.array_equal(left, right) and right.std() > 5
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())


def test_every_picture_has_a_text_alternative(explorer, compare, network):
    images = [explorer.photo, explorer.maps.image, explorer.closeup.image, compare.left.image, compare.right.image]
    images.append(AttributionExplorer(network, size=64).picture)
    assert all(re.search(r"\w{4}", image.tooltip) for image in images)


# ── networks with something wrong, or merely other ones ──


@pytest.mark.parametrize("classes", [1, 2, 66])
def test_any_number_of_classes_can_be_walked(classes):
    explorer = PhotographExplorer(ResNet(base=4, num_classes=classes).eval(), size=32)
    explorer.channel.value = classes - 1
    assert words(explorer.problem) == "" and f"channel {classes - 1}:" in words(explorer.numbers)


def test_where_numbers_become_undefined_can_be_found_by_walking(network):
    broken = copy.deepcopy(network)
    broken.stage3[0].conv1.weight.data[0, 0, 0, 0] = float("nan")
    explorer = PhotographExplorer(broken, size=64)
    assert "infinite or undefined" in words(explorer.problem)
    assert "Walk from Stage 0 on" in words(explorer.classes) and "nan%" not in words(explorer.classes)
    explorer.stage.value = "stage2"
    assert words(explorer.problem) == "" and "stage2." in words(explorer.where)
    explorer.stage.value = "stage3"
    assert "infinite or undefined" in words(explorer.problem) and "stage3." in words(explorer.where)
    with pytest.raises(ValueError, match="infinite or undefined scores"):
        AttributionExplorer(broken, size=64)
    compare = CompareExplorer(broken, size=64)
    compare.step.value = "stage4.0.conv1"
    assert "infinite or undefined" in words(compare.problem)
    compare.step.value = "stage1.0.conv1"
    assert words(compare.problem) == ""


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
    assert "mat1 and mat2" in words(explorer.problem) and explorer.progress.layout.visibility == "hidden"
    explorer.channel.value = 1
    assert words(explorer.problem)
    explorer.size.value = 64
    assert words(explorer.problem) == "" and explorer.looking_at == "fc"


def test_a_forward_without_gradients_and_one_for_single_pictures_are_told():
    explorer = PhotographExplorer(Fixed(), size=64, step="conv")
    explorer.gradient.value = True
    assert "There is no gradient to draw" in words(explorer.numbers)
    attribution = AttributionExplorer(Fixed(), size=64)
    assert words(attribution.problem)
    attribution.method.value = "occlusion"
    assert words(attribution.problem) == ""
    attribution.run.click()
    assert words(attribution.problem) and not attribution.run.disabled


def test_the_layouts_are_named_as_they_are():
    v1 = CompareExplorer(ResNet(base=4, num_classes=3, stride_on="1x1").eval(), size=64, mode="layout")
    assert "v1: S on the 1×1" in words(v1.left.above) and "v1.5" in words(v1.right.above)
    plain_one = CompareExplorer(plain("resnet18", num_classes=3).eval(), size=64)
    plain_one.mode.value = "layout"
    assert "a BTNK1 of resnet_lib has S" in words(plain_one.problem)
    plain_one.mode.value = "picture"
    assert words(plain_one.problem) == ""


def test_attribution_offers_the_parts_that_give_out_maps():
    wrapped = torch.nn.Module()
    wrapped.backbone = ResNet(base=4, num_classes=3)
    wrapped.forward = wrapped.backbone.forward
    explorer = AttributionExplorer(wrapped.eval(), size=64)
    assert explorer.step.value == "backbone.stage3" and words(explorer.problem) == ""
    assert "backbone.head" not in explorer.step.options
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
