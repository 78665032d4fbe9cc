"""The catalogue of checkpoints: which weights can be loaded, and what is needed to use them as they were trained."""

import csv
import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from .._common import check, shape_text
from ..network import build
from .download import digits

HERE = Path(__file__).parent
THIN = HERE / "thin_resnet50"  # what comes with the course as "thin"


@dataclass(frozen=True)
class Checkpoint:
    """A set of weights, and what is needed to use it as it was trained.

    name:    what `load` calls it: its design's name, and what follows a "-".
    design:  a name in DESIGNS.
    options: with which `network.build(design, **options)` makes its network. stride_on is always among them, since
             no file says it.
    file:    name of the published file, which no other has; "" for weights from elsewhere.
    resize, size: the picture's shorter side in pixels, and the central square that is cut out of it.
    labels:  names of the classes; empty for ImageNet's and for unknown ones.
    top1:    share of test pictures whose most probable class is right, in percent; None where it is not known.
    note:    what it is, and of a file from elsewhere what is assumed and what of it was not used.
    base:    address of the folder in which the file is published; "" for PyTorch's own.
    sha256:  the digits its sha256 begins with, where they are not in its name: "resnet50-0676ba61.pth".
    resample: how its pictures are resized, "bilinear" or "bicubic".
    """

    name: str
    design: str
    options: dict = field(hash=False)
    file: str
    resize: int
    size: int
    top1: float | None
    note: str
    labels: tuple[str, ...] = ()
    base: str = ""
    sha256: str = ""
    resample: str = "bilinear"

    @property
    def digits(self):
        """What the sha256 of the file begins with, in hexadecimal."""
        return self.sha256 or digits(self.file)

    @property
    def classes(self):
        """Names of the classes, in the order of the logits."""
        n = self.options["num_classes"]
        return self.labels or (imagenet_classes() if n == 1000 else tuple(f"class {i}" for i in range(n)))

    def build(self):
        """An untrained network of the same design."""
        return build(self.design, **self.options)

    def preparation(self, size=None):
        """How a picture becomes an input of that size, its own if None: the options of `photos.to_input` and
        `photos.square`."""
        size = self.size if size is None else size
        return {"size": size, "resize": round(size * self.resize / self.size), "resample": self.resample}

    def to_input(self, picture, size=None):
        """Return a picture as the network's input, (1, 3, size, size), prepared as in training. picture: whatever
        `photos.open_photo` takes; size: the network's own if None."""
        from ..photos import to_input  # numpy and PIL are loaded for those who have pictures

        return to_input(picture, **self.preparation(size))

    def top(self, logits, k=5):
        """The k most probable classes of one picture, the most probable first: [(name, probability)].

        logits: of shape (classes) or (1, classes). ValueError for another shape.
        """
        check(k=k)
        n = len(self.classes)
        if tuple(logits.shape) not in ((n,), (1, n)):
            raise ValueError(f"one picture's logits have shape ({n:,},), and these {shape_text(logits.shape)}")
        values, places = logits.detach().reshape(n).float().softmax(0).topk(min(k, n))
        return [(self.classes[i], p) for i, p in zip(places.tolist(), values.tolist(), strict=True)]


@cache
def imagenet_classes():
    """The names of ImageNet's 1,000 classes, in the order of the published networks' logits."""
    with open(HERE / "imagenet-classes.csv", encoding="utf-8", newline="") as file:
        return tuple(row["name"] for row in csv.DictReader(file))


# design: (file, top-1 accuracy in percent) of the first and of the second published set of weights. The 8 digits
# are the start of the file's sha256. Both as in torchvision's own table (torchvision/models/resnet.py), which also
# says that the first set is measured on 224 pixels out of 256, and the second out of 232.
PUBLISHED = {
    "resnet18": [("resnet18-f37072fd.pth", 69.758)],
    "resnet34": [("resnet34-b627a593.pth", 73.314)],
    "resnet50": [("resnet50-0676ba61.pth", 76.130), ("resnet50-11ad3fa6.pth", 80.858)],
    "resnet101": [("resnet101-63fe2227.pth", 77.374), ("resnet101-cd907fc2.pth", 81.886)],
    "resnet152": [("resnet152-394f9c45.pth", 78.312), ("resnet152-f82ba261.pth", 82.284)],
    "resnext50_32x4d": [("resnext50_32x4d-7cdf4587.pth", 77.618), ("resnext50_32x4d-1a0047aa.pth", 81.198)],
    "resnext101_32x8d": [("resnext101_32x8d-8ba56ff5.pth", 79.312), ("resnext101_32x8d-110c445d.pth", 82.834)],
    "wide_resnet50_2": [("wide_resnet50_2-95faca4d.pth", 78.468), ("wide_resnet50_2-9ba9bcbe.pth", 81.602)],
    "wide_resnet101_2": [("wide_resnet101_2-32ee1156.pth", 78.848), ("wide_resnet101_2-d733dc28.pth", 82.510)],
}


def _checkpoints():
    imagenet = {"stride_on": "3x3", "num_classes": 1000}
    for design, sets in PUBLISHED.items():
        for i, (file, top1) in enumerate(sets, 1):
            name = design if i == 1 else f"{design}-IMAGENET1K_V{i}"
            recipe = "a simple recipe, close to the paper's" if i == 1 else "a newer and longer recipe"
            note = f"{design} trained on ImageNet by {recipe} (IMAGENET1K_V{i})"
            yield Checkpoint(name, design, dict(imagenet), file, 256 if i == 1 else 232, 224, top1, note)
    yield Checkpoint(
        "resnet50-original",
        "resnet50",
        dict(imagenet),
        "resnet50-19c8e357.pth",
        256,
        224,
        76.15,
        "the first resnet50 published for PyTorch, trained on ImageNet",
    )
    thin, file = {"stride_on": "3x3", "num_classes": 10, "base": 16}, THIN / "record.json"
    top1, labels = None, ()
    if file.exists():
        record = json.loads(file.read_text())
        top1, labels = round(100 * record["validation"]["224"]["accuracy"], 2), tuple(record["classes"])
    note = "a ResNet-50 with a quarter of the channels, trained for this course on the photographs of Imagenette"
    yield Checkpoint("thin", "resnet50", thin, "", 256, 224, top1, note, labels)


CHECKPOINTS = {checkpoint.name: checkpoint for checkpoint in _checkpoints()}
