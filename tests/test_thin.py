"""The bundled network that knows photographs: it is what its record says, and its script does what it claims."""

import io
import json
import re

import numpy as np
import pytest
import torch
from PIL import Image

from resnet_lib import ResNet
from resnet_lib.experiments import train_thin as script
from resnet_lib.experiments.seen import Seen
from resnet_lib.photos import photo, to_input
from resnet_lib.weights import THIN, load

from .lab import ROOT

FOLDER = THIN


@pytest.fixture(scope="module")
def record():
    return json.loads((FOLDER / "record.json").read_text())


@pytest.fixture
def photographs(tmp_path):
    """Six photographs of different sizes and their labels, in the form of the file that the script reads."""
    images = [
        photo(name).resize(size) for name, size in zip(["cat", "coffee"] * 3, [(40, 60), (50, 40)] * 3, strict=True)
    ]
    files = []
    for image in images:
        image.save(file := io.BytesIO(), "PNG")
        files.append(file.getvalue())
    np.savez(
        tmp_path / "pictures.npz",
        jpeg=np.frombuffer(b"".join(files), np.uint8),
        offsets=np.cumsum([0] + [len(file) for file in files]),
        labels=np.array([0, 1] * 3, np.uint8),
        names=np.array(["cat", "cup"]),
    )
    return script.Photographs(tmp_path / "pictures.npz").decode(), images


def test_it_is_as_good_as_its_record_says_and_bears_the_neighbouring_sizes(record):
    checkpoint = load("thin").checkpoint
    accuracy = {int(size): found["accuracy"] for size, found in record["validation"].items()}
    assert checkpoint.top1 == pytest.approx(100 * accuracy[checkpoint.size]) and checkpoint.top1 >= 91
    near = [accuracy[size] for size in (128, 160, 192, 224)]
    assert max(near) - min(near) <= 0.03
    assert record["validation"][str(checkpoint.size)]["calibration error"] <= 0.05
    assert list(checkpoint.classes) == record["classes"] and (FOLDER / "weights.pt").stat().st_size < 4e6


def test_its_record_is_of_the_scripts_recipe(record):
    assert record["recipe"] == vars(script.RECIPE) and record["mixed"] == script.MIXED
    assert record["sizes"] == [[start, list(sizes)] for start, sizes in script.SIZES]
    assert record["curve"][-1]["epoch"] == script.RECIPE.epochs and record["minutes"] > 0


KNOWN = {"church": "church", "truck": "garbage truck", "parachute": "parachute"}


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("size", [128, 160, 192, 224])
def test_every_bundled_photograph_that_has_a_class_gets_it_at_every_size(name, size):
    said, p = Seen(load("thin"), name, size).top(1)[0]
    assert said == KNOWN[name] and p > 0.9


def test_lesson_07_shows_the_figures_of_the_record_on_where_maps_lie(record):
    lesson = (ROOT / "notebooks" / "source" / "07_feature_maps.py").read_text(encoding="utf-8")
    found = record["pointing"]
    rows = re.findall(r"^# \| ([\w -]+?)(?:, without a map|, Stage (\d))? \| (\d+) % \| (\d+) % \|$", lesson, re.M)
    shown = {f"{name}, stage{stage}" if stage else name: (int(a), int(b)) for name, stage, a, b in rows}
    assert shown == {m: (round(100 * r["shown"]), round(100 * r["hidden"])) for m, r in found["still right"].items()}
    assert f"on {found['photographs']} of\n# Imagenette's validation photographs" in lesson


def test_two_crops_of_a_photograph_are_more_alike_to_it_than_two_photographs():
    def crops(name):
        image = photo(name)
        w, h = image.size
        return [image.crop((0, 0, int(0.85 * w), int(0.85 * h))), image.crop((int(0.15 * w), int(0.15 * h), w, h))]

    def features(image):
        return torch.nn.functional.normalize(Seen(network, image)["head.flatten"], dim=0)

    network = load("thin")
    a, b = ([features(c) for c in crops(name)] for name in ("truck", "church"))
    same = min((a[0] @ a[1]).item(), (b[0] @ b[1]).item())
    other = max((x @ y).item() for x in a for y in b)
    assert same > other


def test_a_crop_is_the_photographs_rectangle_scaled_and_mirrored_where_asked(photographs):
    ours, images = photographs
    i, zero = torch.tensor([1]), torch.zeros(1)
    width, height = ours.width[i].float(), ours.height[i].float()
    crop = ours.crops(i, zero, zero, width, height, 80)[0]
    theirs = np.array(images[1].resize((80, 80), Image.Resampling.BILINEAR))
    assert (crop - torch.from_numpy(theirs).permute(2, 0, 1) / 255).abs().max() < 0.01
    assert torch.allclose(ours.crops(i, width, zero, zero, height, 80)[0], crop.flip(2), atol=1e-6)


def test_what_is_shown_in_training_has_a_size_of_its_part_of_the_run_and_follows_the_seed(photographs):
    ours, _ = photographs
    for start, sizes in script.SIZES:
        torch.manual_seed(1)
        x = script.varied(ours, torch.arange(6), start)
        assert x.shape[-1] in sizes and x.shape[:2] == (6, 3)
        torch.manual_seed(1)
        assert torch.equal(x, script.varied(ours, torch.arange(6), start))
        assert not torch.equal(x, script.varied(ours, torch.arange(6), start))


@pytest.mark.slow
@pytest.mark.parametrize("mixed", [0.0, 1.0])
def test_a_step_trains_with_and_without_mixed_pictures(mixed, monkeypatch):
    monkeypatch.setattr(script, "MIXED", mixed)
    torch.manual_seed(0)
    network = ResNet(base=4, num_classes=2)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.02)
    x, labels = torch.randn(4, 3, 32, 32), torch.tensor([0, 1, 0, 1])
    recipe = script.Recipe(bfloat16=False)
    before = [p.clone() for p in network.parameters()]
    losses = [script.step(recipe, network, optimizer, x, labels) for _ in range(20)]
    assert all(loss == loss for loss in losses) and not all(map(torch.equal, before, network.parameters()))
    if not mixed:  # where pictures are mixed, so are their targets: the loss has another floor in each step
        assert min(losses[-4:]) < losses[0]


def test_a_temperature_makes_probabilities_honest_and_changes_no_answer():
    torch.manual_seed(0)
    network = ResNet(base=4, num_classes=3).eval()
    inputs = torch.cat([to_input(photo(name), 32) for name in ("cat", "coffee", "truck")])
    with torch.no_grad():
        before = network(inputs)
        labels = before.argmax(1)
        temperature = script.calibrate(network, inputs, labels)
        after = network(inputs)
    assert torch.allclose(after, before / temperature, atol=1e-5) and temperature == 0.2  # all right: the surest


def test_the_calibration_error_is_the_gap_between_probability_and_accuracy():
    scores = torch.tensor([[0.8, 0.2]] * 10).log()
    assert script.calibration_error(scores, torch.tensor([0] * 8 + [1] * 2)) == pytest.approx(0, abs=1e-6)
    assert script.calibration_error(scores, torch.tensor([0] * 3 + [1] * 7)) == pytest.approx(0.5, abs=1e-6)
