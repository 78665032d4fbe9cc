"""Pictures to train on: the bundled task is what it says, and CIFAR-10 is only ever the official one."""

import io
import tarfile
from hashlib import sha256

import numpy as np
import pytest
import torch

from resnet_lib.experiments import tasks
from resnet_lib.experiments.tasks import TURNS, cifar10, photographs
from resnet_lib.photos import PHOTOS, photo, to_input
from resnet_lib.weights.download import Unavailable


@pytest.fixture(scope="module")
def task():
    return photographs(n=400, n_test=100)


def test_every_class_has_as_many_pictures_and_a_name(task):
    assert task.classes[:5] == (
        "cat, upright",
        "cat, turned left",
        "cat, upside down",
        "cat, turned right",
        "coffee, upright",
    )
    for (pictures, labels), n in ((task.train, 400), (task.test, 100)):
        assert pictures.shape == (n, 3, 32, 32) and pictures.dtype == torch.uint8
        assert labels.bincount().tolist() == [n // 20] * 20


def test_the_same_arguments_give_the_same_pictures_and_another_seed_others():
    photographs.cache_clear()
    a = photographs(n=40, n_test=20)
    photographs.cache_clear()
    b, c = photographs(n=40, n_test=20), photographs(n=40, n_test=20, seed=1)
    assert torch.equal(a.train[0], b.train[0]) and torch.equal(a.test[1], b.test[1])
    assert not torch.equal(a.train[0], c.train[0])


@pytest.mark.parametrize("which, side", [("train", 0), ("test", 1)])
def test_pieces_come_from_their_half_of_their_photograph_turned_as_their_class_says(which, side, monkeypatch):
    """Photographs whose red tells the half, whose green tells the photograph, and whose blue rises to the bottom."""
    from PIL import Image

    def marked(name):
        pixels = np.zeros((288, 384, 3), np.uint8)
        pixels[:, 192:, 0] = 255
        pixels[..., 1] = 50 * PHOTOS.index(name)
        pixels[..., 2] = np.linspace(0, 255, 288)[:, None]
        return Image.fromarray(pixels)

    monkeypatch.setattr(tasks, "photo", marked)
    photographs.cache_clear()
    pictures, labels = getattr(photographs(n=200, n_test=200), which)
    photographs.cache_clear()
    assert (pictures[:, 0] == 255 * side).all()
    assert torch.equal(pictures[:, 1, 0, 0], (50 * (labels // 4)).byte())
    for picture, label in zip(pictures.float(), labels.tolist(), strict=True):
        down, right = (picture[2].diff(dim=d).mean().item() for d in (0, 1))
        largest = {"upright": down, "turned left": right, "upside down": -down, "turned right": -right}
        assert max(largest, key=largest.get) == TURNS[label % 4]


def test_preparing_is_what_the_networks_of_the_course_are_given():
    task = photographs(n=20, n_test=20)
    image = photo("cat").resize((32, 32))
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None]
    assert torch.allclose(task.prepare(pixels), to_input(image, 32, 32), atol=1e-6)


def test_only_the_first_pictures_can_be_taken(task):
    few = task.first(30)
    assert len(few.train[1]) == len(few.test[1]) == 30 and torch.equal(few.train[0], task.train[0][:30])
    with pytest.raises(ValueError, match="n = 0"):
        task.first(0)


@pytest.mark.parametrize("wrong", [{"size": 0}, {"n": 0}, {"n_test": -1}])
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="must be a whole number, 1 or larger"):
        photographs(**wrong)


# ── CIFAR-10, from a folder that stands in for its official source ──


def archive(records=3):
    """A file laid out as the official one, with so many pictures in each of its six parts."""
    draw, parts, file = np.random.default_rng(0), {}, io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name in [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]:
            data = draw.integers(0, 256, (records, 3073), dtype=np.uint8)
            data[:, 0] %= 10
            parts[name] = data
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            info.size = data.size
            tar.addfile(info, io.BytesIO(data.tobytes()))
    return file.getvalue(), parts


@pytest.fixture
def official(tmp_path, monkeypatch):
    """Serves those bytes as the official file."""

    def serve(content, digits=None):
        (tmp_path / "mirror").mkdir()
        (tmp_path / "mirror" / tasks.CIFAR).write_bytes(content)
        monkeypatch.setenv("RESNET_COURSE_MIRROR", str(tmp_path / "mirror"))
        monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
        monkeypatch.setattr(tasks, "CIFAR_SHA256", digits or sha256(content).hexdigest())

    return serve


def test_cifar_is_fetched_checked_and_read(official):
    content, parts = archive()
    official(content)
    seen = []
    task = cifar10(64, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(content), len(content))
    assert task.size == 64 and task.classes[3] == "cat" and len(task.train[1]) == 15 and len(task.test[1]) == 3
    first = parts["data_batch_1.bin"][0]
    assert task.train[1][0] == first[0]
    assert torch.equal(task.train[0][0], torch.from_numpy(first[1:].reshape(3, 32, 32)))
    assert torch.equal(task.test[1], torch.from_numpy(parts["test_batch.bin"][:, 0].astype(np.int64)))
    assert task.prepare(task.test[0]).shape == (3, 3, 64, 64)


def test_a_file_that_was_tampered_with_is_never_read(official):
    official(archive()[0], digits="0" * 64)
    with pytest.raises(Unavailable, match="sha256 is not the published one.*tasks.photographs"):
        cifar10(progress=lambda *_: None)


def test_a_right_file_that_is_no_archive_gives_a_sentence(official):
    official(b"no archive")
    with pytest.raises(Unavailable, match="cannot be read .* delete it"):
        cifar10(progress=lambda *_: None)


def test_without_a_source_there_is_a_sentence(official, tmp_path):
    official(archive()[0])
    (tmp_path / "mirror" / tasks.CIFAR).unlink()
    with pytest.raises(Unavailable, match="cifar-10-binary.tar.gz could not be downloaded: there is no file://.*"):
        cifar10(progress=lambda *_: None)


def test_a_sheet_shows_the_chosen_training_pictures_row_by_row(task):
    image = task.sheet([3, 0, 7, 5], columns=2, scale=2)
    assert image.size == (2 * 64, 2 * 64)
    second = np.array(image)[:64:2, 64::2]
    assert (second == task.train[0][0].permute(1, 2, 0).numpy()).all()
    with pytest.raises(ValueError, match="3 pictures do not fill rows of 2"):
        task.sheet([0, 1, 2], columns=2)


def test_a_network_trained_on_a_task_can_be_told_its_classes_and_size(task):
    network = torch.nn.Identity()
    assert task.describe(network, "mine") is network
    found = network.checkpoint
    assert (found.name, found.labels, found.size, found.resize) == ("mine", task.classes, 32, 32)
