"""The bundled checkpoint: it is what its record says, it knows a cat, and its features mean something."""

import json

import numpy as np
import pytest
import torch

from resnet_lib.experiments import train_thin
from resnet_lib.inside.seen import Seen
from resnet_lib.photos import photo
from resnet_lib.weights import THIN, load


@pytest.fixture(scope="module")
def network():
    return load("thin")


def test_the_bundled_cat_is_a_cat(network):
    name, p = Seen(network, "cat").top(1)[0]
    assert name == "cat" and p > 0.5
    logits = network(network.checkpoint.to_input(photo("cat")))
    assert network.checkpoint.top(logits, 1)[0][0] == "cat"


def test_the_file_is_a_few_megabytes_in_half_precision():
    state = torch.load(THIN / "weights.pt", weights_only=True)
    assert (THIN / "weights.pt").stat().st_size < 4e6
    assert {t.dtype for t in state.values()} == {torch.float16, torch.int64}


def test_its_record_says_how_it_was_trained_and_what_came_out(network):
    record = json.loads((THIN / "record.json").read_text())
    runs = [{"recipe": vars(recipe), "sizes": [list(s) for s in sizes]} for recipe, sizes in train_thin.RUNS]
    assert record["runs"] == runs
    assert [e["epoch"] for e in record["curve"]] == [n + 1 for r in train_thin.RUNS for n in range(r[0].epochs)]
    assert network.checkpoint.top1 == pytest.approx(100 * record["test accuracy by size"]["64"])
    assert record["minutes"] > 0 and list(network.checkpoint.classes) == record["classes"]


def test_its_pictures_are_prepared_in_training_as_photographs_are_afterwards(network):
    small = photo("cat").resize((32, 32))
    pixels = torch.from_numpy(np.array(small)).permute(2, 0, 1)[None]
    ours, theirs = train_thin.plainly(64)(pixels, 1.0), network.checkpoint.to_input(small)
    assert (ours - theirs).abs().max() < 0.02  # PIL rounds to whole levels


def test_varied_pictures_have_the_size_of_their_part_of_the_run_and_differ_each_time():
    batch = torch.randint(0, 255, (4, 3, 32, 32), dtype=torch.uint8)
    for _, sizes in train_thin.RUNS:
        for start, size in sizes:
            x = train_thin.varied(batch, start, sizes)
            assert x.shape == (4, 3, size, size) and not torch.equal(x, train_thin.varied(batch, start, sizes))
    torch.manual_seed(1)
    a = train_thin.varied(batch, 0.5, sizes)
    torch.manual_seed(1)
    assert torch.equal(a, train_thin.varied(batch, 0.5, sizes))


def test_two_crops_of_a_photograph_are_more_alike_to_it_than_two_photographs(network):
    def crops(name):
        image = photo(name)
        w, h = image.size
        return [image.crop((0, 0, int(0.85 * w), int(0.85 * h))), image.crop((int(0.15 * w), int(0.15 * h), w, h))]

    def features(image):
        return torch.nn.functional.normalize(Seen(network, image)["head.flatten"], dim=0)

    a, b = ([features(c) for c in crops(name)] for name in ("cat", "rocket"))
    same = min((a[0] @ a[1]).item(), (b[0] @ b[1]).item())
    other = max((x @ y).item() for x in a for y in b)
    assert same > other
