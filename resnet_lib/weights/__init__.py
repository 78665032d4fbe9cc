"""Published weights: what there is, how to load it, and the two sets of names of weights.

The published checkpoints of the ResNet family all use the key names of one early PyTorch implementation. The
library names things as the course does; this is the only place that knows both.
"""

import csv
import difflib
import json
import os
import pickle
import re
import warnings
import zipfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import torch

from .._common import check, shape_text
from ..anatomy import unfilled
from ..network import DESIGNS, OPTIONS, build
from .download import Unavailable, digest, fetch

HERE = Path(__file__).parent
THIN = HERE / "thin_resnet50"


@dataclass(frozen=True)
class Checkpoint:
    """A set of weights, and what is needed to use it as it was trained.

    name:    what `load` calls it.
    design:  a name in DESIGNS.
    options: with which `network.build(design, **options)` makes its network. stride_on is always among them, since
             no file says it.
    file:    name of the published file, "" for weights from elsewhere.
    resize, size: the picture's shorter side in pixels, and the central square that is cut out of it.
    labels:  names of the classes; empty for ImageNet's and for unknown ones.
    top1:    share of test pictures whose most probable class is right, in percent; None where it is not known.
    note:    one sentence: what it is.
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

    @property
    def classes(self):
        """Names of the classes, in the order of the logits."""
        n = self.options["num_classes"]
        return self.labels or (imagenet_classes() if n == 1000 else tuple(f"class {i}" for i in range(n)))

    def build(self):
        """An untrained network of the same design."""
        return build(self.design, **self.options)

    def to_input(self, image):
        """A PIL image as the network's input, (1, 3, size, size), prepared as in training."""
        from ..photos import to_input  # numpy and PIL are loaded for those who have pictures

        return to_input(image, self.size, self.resize)

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


# ── What there is ────────────────────────────────────────────────────────────────────────────────────────────

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
    record = json.loads((THIN / "record.json").read_text()) if (THIN / "record.json").exists() else {}
    labels, size = tuple(record.get("classes", ())), 64
    share = record.get("test accuracy by size", {}).get(str(size))
    yield Checkpoint(
        "thin",
        "resnet50",
        {"stride_on": "3x3", "num_classes": 10, "base": 16},
        "",
        size,
        size,
        None if share is None else round(100 * share, 2),
        "a ResNet-50 with a quarter of the channels, trained for this course on the ten classes of CIFAR-10",
        labels,
    )


CHECKPOINTS = {checkpoint.name: checkpoint for checkpoint in _checkpoints()}


# ── Loading ──────────────────────────────────────────────────────────────────────────────────────────────────


def load(name_or_path="resnet50", *, progress=None, design=None):
    """A trained network in eval(), with its `Checkpoint` as `network.checkpoint`.

    name_or_path: a name in CHECKPOINTS, downloaded where it is not on this machine yet ("thin" comes with the
              course); or the path of a file of weights, under the published key names or the library's, alone or as
              "state_dict" or "model" in a dictionary. What a file does not say is assumed: stride_on="3x3", no
              dilation.
    progress: called as progress(bytes here, bytes in all, or None) during a download; a bar on stderr unless given.
    design:   a name in DESIGNS which the weights of a file must be of; found from their shapes unless given.
    Raises Unavailable where a published file cannot be had, ValueError for an unknown name and for a file that is
    missing, incomplete, altered, no checkpoint, or of another network. Code in a file is never run.
    """
    if design is not None and design not in DESIGNS:
        raise ValueError(f"no design is called {design!r}; there are {', '.join(DESIGNS)}")
    checkpoint = CHECKPOINTS.get(name_or_path) if isinstance(name_or_path, str) else None
    if checkpoint is None:
        path, checkpoint = _file(name_or_path)
    elif checkpoint.name == "thin":
        path = THIN / "weights.pt"
        if not path.exists():
            raise Unavailable(
                f"the thin network should be in {path} and is not: get the course again, or make it with train.py there"
            )
    else:
        path = fetch(checkpoint.file, progress)
    weights = _read(path)
    if checkpoint is None:
        checkpoint = _recognised(path, weights, design)
    elif design not in (None, checkpoint.design):
        raise ValueError(f"{name_or_path} is a {checkpoint.design}, not a {design}")
    network = _filled(checkpoint, weights, path).eval()
    network.checkpoint = checkpoint
    return network


def _file(path):
    """A file on this machine, and which published file it is, if any."""
    if not isinstance(path, str | os.PathLike):
        raise ValueError(f"load wants a name or a path, and got {type(path).__name__}")
    near = difflib.get_close_matches(str(path), CHECKPOINTS, 3)
    path = Path(path).expanduser()
    if not path.is_file():
        hint = f"did you mean {' or '.join(near)}?" if near else "CHECKPOINTS holds the names there are"
        kind = "is a folder, not a file" if path.is_dir() else "is neither a known name nor a file"
        raise ValueError(f"{str(path)!r} {kind}; {hint}")
    try:
        sha = digest(path)
    except OSError as error:
        raise ValueError(f"{str(path)!r} cannot be read ({error.strerror})") from None
    for checkpoint in CHECKPOINTS.values():
        if checkpoint.file and sha.startswith(checkpoint.file.rsplit("-", 1)[1].split(".")[0]):
            return path, checkpoint
        if checkpoint.file == path.name:
            raise ValueError(f"{str(path)!r} is incomplete or altered: its sha256 does not begin as its name says")
    return path, None


def _read(path):
    """The weights in a file, under the library's key names. ValueError for what holds none."""
    content = _content(path)
    for key in ("state_dict", "model"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    pairs = content.items() if isinstance(content, dict) else ()
    if not pairs or not all(isinstance(k, str) and isinstance(t, torch.Tensor) for k, t in pairs):
        raise ValueError(f"{str(path)!r} holds no weights: a dictionary of tensors is wanted, as state_dict() gives it")
    if all(key.startswith("module.") for key in content):  # saved from within nn.DataParallel
        content = {key.removeprefix("module."): tensor for key, tensor in pairs}
    try:
        # The library's names go there and back, so that an unknown one is noticed either way.
        return from_published(to_published(content) if "stage0.conv.weight" in content else content)
    except ValueError as error:
        raise _other(path, error) from None


def _content(path):
    """What torch.load finds in a file; ValueError with a sentence where it finds nothing, or only code."""
    legacy = pickle.dumps(torch.serialization.MAGIC_NUMBER, protocol=2)  # how files begin that are no zip
    start = b""
    try:
        with open(path, "rb") as file:
            start = file.read(len(legacy))
        if start.startswith(b"PK"):
            with zipfile.ZipFile(path) as archive:
                if archive.testzip() is not None:  # torch.load does not look at the checksums
                    raise zipfile.BadZipFile
                if not any(name.endswith("/data.pkl") for name in archive.namelist()):
                    start = b""  # a zip of something else
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file can bring a decoder to raise anything
        if re.search("GLOBAL|call reduce|Unsupported class|TorchScript", str(error)):
            fault = "holds more than tensors, and loading it would run code from it: ask for its state_dict alone"
        elif start.startswith((b"PK", legacy)):
            fault = "is incomplete or damaged: get it again"
        else:
            fault = "is not a checkpoint of PyTorch"
        raise ValueError(f"{str(path)!r} {fault}") from None


def _recognised(path, weights, design):
    """The checkpoint of a file from elsewhere: all that names and shapes of its weights tell."""
    try:
        blocks = tuple(len({k.split(".")[1] for k in weights if k.startswith(f"stage{i}.")}) for i in (1, 2, 3, 4))
        base, in_channels = weights["stage0.conv.weight"].shape[:2]
        options = {"stride_on": "3x3", "num_classes": weights["head.fc.weight"].shape[0]}
        found = ("basic", blocks, 1, 64)
        if "stage1.0.conv3.weight" in weights:
            C1, in_group = weights["stage4.0.conv2.weight"].shape[:2]
            # The least width that gives so many channels in Stage 4, where P = 8·base: int() may round it down.
            found = ("bottleneck", blocks, C1 // in_group, -(-64 * in_group // (8 * base)))
    except KeyError as error:
        raise _other(path, f"there is no {error.args[0]!r}") from None
    except (ValueError, ZeroDivisionError):
        raise _other(path, "a convolution has the wrong number of dimensions, or none of something") from None
    options |= {"base": base} if base != 64 else {}
    options |= {"in_channels": in_channels} if in_channels != 3 else {}
    design = design or next((name for name, known in OPTIONS.items() if known == found), None)
    if design is None:
        design = "resnet18" if found[0] == "basic" else "resnet50"
        options |= dict(zip(("blocks", "groups", "width_per_group"), found[1:], strict=True))
    said = ", ".join(f"{name}={value!r}" for name, value in options.items())
    note = f"{path.name}, by its shapes a {design} with {said}, where stride_on is assumed and no file says it"
    return Checkpoint(path.stem, design, options, "", 256, 224, None, note)


def _filled(checkpoint, weights, path):
    """The checkpoint's network with these weights. ValueError for the first that is missing or does not fit."""
    try:
        with unfilled():
            network = checkpoint.build()
    except ValueError as error:
        raise _other(path, error) from None
    for key, ours in network.state_dict().items():
        if key not in weights:
            if not key.endswith("num_batches_tracked"):  # files older than PyTorch 0.4.1 do without
                raise _other(path, f"{key!r} is missing")
        elif weights[key].shape != ours.shape:
            shapes = f"{shape_text(weights[key].shape)} where {checkpoint.design} has {shape_text(ours.shape)}"
            raise _other(path, f"{key!r} has shape {shapes}")
        elif weights[key].is_floating_point() != ours.is_floating_point():
            raise _other(path, f"{key!r} holds numbers of type {weights[key].dtype}")
    for key in weights:
        if key not in network.state_dict():
            raise _other(path, f"{checkpoint.design} has no {key!r}")
    network.load_state_dict(weights)
    return network


def _other(path, why):
    return ValueError(f"{str(path)!r} holds the weights of another network: {why}")


# ── The names ────────────────────────────────────────────────────────────────────────────────────────────────

# (the library's, the published); {n} is a number. Applied to whole dotted parts, so one table serves both ways.
NAMES = [
    ("stage0.conv", "conv1"),
    ("stage0.bn", "bn1"),
    ("stage{n}.{n}.shortcut.conv", "layer{n}.{n}.downsample.0"),
    ("stage{n}.{n}.shortcut.bn", "layer{n}.{n}.downsample.1"),
    ("stage{n}.{n}.conv{n}", "layer{n}.{n}.conv{n}"),
    ("stage{n}.{n}.bn{n}", "layer{n}.{n}.bn{n}"),
    ("head.fc", "fc"),
]
# What a layer holds; the last part of every key.
LEAVES = "weight|bias|running_mean|running_var|num_batches_tracked"


def to_published(state_dict):
    """The same tensors under the published key names. ValueError for a key that no ResNet of this library has."""
    return _rename(state_dict, NAMES, "a key of this library's ResNet")


def from_published(state_dict):
    """The same tensors under the library's key names, for `ResNet.load_state_dict`. Files that lack the
    `num_batches_tracked` entries load as well. ValueError for a key that is not a published one."""
    return _rename(state_dict, [(theirs, ours) for ours, theirs in NAMES], "a published key of a ResNet")


def _rename(state_dict, table, what):
    rules = [(_pattern(a), b) for a, b in table]
    return {_new_name(key, rules, what): tensor for key, tensor in state_dict.items()}


def _pattern(name):
    numbers = re.escape(name).replace(r"\{n\}", r"(\d+)")
    return re.compile(rf"{numbers}\.({LEAVES})")


def _new_name(key, rules, what):
    for pattern, target in rules:
        match = pattern.fullmatch(key)
        if match:
            *numbers, leaf = match.groups()
            return target.replace("{n}", "{}").format(*numbers) + "." + leaf
    raise ValueError(f"{key!r} is not {what}")
