"""Labelled pictures to train on: a small task made from the bundled photographs, and CIFAR-10 where it can be had."""

import tarfile
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from .._common import Finding, Kind, check
from ..photos import PHOTOS, normalised, photo
from ..weights import Checkpoint
from ..weights.download import Unavailable, fetch

TURNS = ("upright", "turned left", "upside down", "turned right")

# The data set's own page, https://www.cs.toronto.edu/~kriz/cifar.html, states the file's MD5, c32a1d4a…; this is the
# sha256 of the file with that MD5. The version for C programs: Python's own would run code from the file when read.
CIFAR = "cifar-10-binary.tar.gz"
CIFAR_BASE = "https://www.cs.toronto.edu/~kriz"
CIFAR_SHA256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
CIFAR_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
UNREADABLE = Kind("unreadable", "{where} cannot be read ({error}): delete it, and it is downloaded again")


@dataclass(frozen=True, eq=False)
class Task:
    """Pictures with labels, some to train on and others to be tested with.

    name:    what it is called.
    classes: what the labels 0, 1, … mean.
    train, test: (pictures, labels), tensors (N, 3, H, W) of bytes and (N,) of whole numbers.
    size:    pixels along each side of what `prepare` gives a network.
    note:    one sentence: what is to be told apart.
    """

    name: str
    classes: tuple
    train: tuple
    test: tuple
    size: int
    note: str

    def prepare(self, batch, done=0.0):
        """Pictures as a network's input, (N, 3, size, size): enlarged where they are smaller, values 0 to 1, then
        ImageNet's mean subtracted and its deviation divided out. As `Training` and `evaluate` call it."""
        x = batch.float() / 255
        if x.shape[-1] != self.size:
            x = F.interpolate(x, size=(self.size, self.size), mode="bilinear")
        return normalised(x)

    def first(self, n):
        """The same task with only the first n pictures to train on and the first n to be tested with."""
        check(n=n)
        return replace(self, train=tuple(t[:n] for t in self.train), test=tuple(t[:n] for t in self.test))

    def sheet(self, chosen, columns, scale=3):
        """Return one image of the training pictures with the numbers `chosen`, row by row, every pixel scale × scale.
        ValueError where they do not fill the last row."""
        pictures = self.train[0][list(chosen)]
        n, channels, H, W = pictures.shape
        check(columns=columns, scale=scale)
        if n % columns:
            raise ValueError(f"{n} pictures do not fill rows of {columns}")
        rows = n // columns
        grid = pictures.view(rows, columns, channels, H, W).permute(0, 3, 1, 4, 2)
        image = Image.fromarray(grid.reshape(rows * H, columns * W, channels).numpy())
        return image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)

    def describe(self, network, name):
        """Attach a checkpoint with this task's classes and size to a network, which explorers read; return the
        network."""
        network.checkpoint = Checkpoint(
            name=name,
            design="",
            options={"num_classes": len(self.classes)},
            file="",
            resize=self.size,
            size=self.size,
            top1=None,
            note=self.note,
            labels=self.classes,
        )
        return network


@lru_cache(maxsize=2)
def photographs(size=32, n=4000, n_test=1000, seed=0):
    """Which of the five bundled photographs a piece is from, and which way it is turned: 20 classes, no internet.

    Every picture is a square cut at random out of a photograph, 43 to 85 pixels wide, mirrored or not, turned by a
    quarter as often as its class says, and made size × size. Those to train on come from the left halves of the
    photographs, those to be tested with from the right halves, so no pixel is in both.

    n, n_test: how many of each. Raises ValueError for a number below 1. The same arguments give the same pictures.
    """
    check(size=size, n=n, n_test=n_test)
    draw = torch.Generator().manual_seed(seed)
    left, right = [], []
    for image in map(photo, PHOTOS):
        width, height = image.size
        left.append(image.crop((0, 0, width // 2, height)))
        right.append(image.crop((width - width // 2, 0, width, height)))
    return Task(
        name="pieces of the bundled photographs",
        classes=tuple(f"{name}, {turn}" for name in PHOTOS for turn in TURNS),
        train=_pieces(left, n, size, draw),
        test=_pieces(right, n_test, size, draw),
        size=size,
        note="which of five photographs a piece is from, and which way it is turned",
    )


def _pieces(images, n, size, draw):
    labels = torch.randperm(n, generator=draw) % (len(PHOTOS) * len(TURNS))  # as many of each, in no order
    pieces = torch.empty(n, 3, size, size, dtype=torch.uint8)
    for i, label in enumerate(labels.tolist()):
        image = images[label // len(TURNS)]
        side, mirror = _within(43, 85, draw), _within(0, 1, draw)
        left, top = (_within(0, most - side, draw) for most in image.size)
        piece = image.resize((size, size), Image.Resampling.BILINEAR, box=(left, top, left + side, top + side))
        piece = torch.from_numpy(np.array(piece)).permute(2, 0, 1)
        pieces[i] = torch.rot90(piece.flip(2) if mirror else piece, label % len(TURNS), (1, 2))
    return pieces, labels


def _within(low, high, draw):
    return torch.randint(low, high + 1, (), generator=draw).item()


def cifar10(size=32, progress=None):
    """CIFAR-10: 50,000 pictures of 32 × 32 to train on and 10,000 to be tested with, 10 classes (Krizhevsky,
    "Learning Multiple Layers of Features from Tiny Images", 2009).

    Downloaded once from its official source, 170 MB, checked by its sha256, and kept in torch's cache; no code from
    the file is run. size: what the pictures are enlarged to. progress: as `download.fetch`.
    Raises Unavailable with a sentence where it cannot be had.
    """
    check(size=size)
    return replace(_cifar10(progress), size=size)


_read = {}  # path → the task: 180 MB are read once


def _cifar10(progress):
    path = fetch(CIFAR, progress, base=CIFAR_BASE, sha256=CIFAR_SHA256, instead="tasks.photographs()")
    if path not in _read:
        try:
            with tarfile.open(path) as file:
                train = [_records(file, f"data_batch_{i}.bin") for i in range(1, 6)]
                test = _records(file, "test_batch.bin")
        except (tarfile.TarError, KeyError, EOFError, ValueError) as error:
            raise Unavailable(Finding(UNREADABLE, str(path), {"error": type(error).__name__})) from None
        _read[path] = Task(
            name="CIFAR-10",
            classes=CIFAR_CLASSES,
            train=tuple(torch.cat(parts) for parts in zip(*train, strict=True)),
            test=test,
            size=32,
            note="which of ten kinds of animals and vehicles a picture shows",
        )
    return _read[path]


def _records(file, name):
    """(pictures, labels) of one file of the archive: records of a label and 3 · 32 · 32 colours, a byte each."""
    data = np.frombuffer(file.extractfile(f"cifar-10-batches-bin/{name}").read(), np.uint8)
    records = torch.from_numpy(data.reshape(-1, 1 + 3 * 32 * 32).copy())
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0].long()
