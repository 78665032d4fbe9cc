"""Loading weights: from the catalogue or from a file, whose design is recognised by names and shapes."""

import difflib
import os
import pickle
import re
import warnings
import zipfile
from pathlib import Path

import torch

from .._common import Finding, Kind, check_name, shape_text
from ..anatomy import unfilled
from ..network import DESIGNS, OPTIONS
from .catalogue import CHECKPOINTS, THIN, Checkpoint
from .download import Unavailable, digest, fetch
from .names import from_published, to_published

NOT_HERE = Kind(
    "thin network missing",
    "the thin network should be in {where} and is not: get the course again, or train it with "
    "python -m resnet_lib.experiments.train_thin",
)


def load(name_or_path="resnet50", *, progress=None, design=None):
    """Return a trained network in eval(), with its `Checkpoint` as `network.checkpoint`.

    name_or_path: a name in CHECKPOINTS, downloaded where it is not on this machine yet ("thin" comes with the
              course); or the path of a file of weights, under the published key names or the library's, alone or as
              "state_dict" or "model" in a dictionary. What a file does not say is assumed: stride_on="3x3", no
              dilation.
    progress: called as progress(bytes here, bytes in all, or None) during a download; a bar on stderr unless given.
    design:   a name in DESIGNS which the weights of a file must be of; found from their shapes unless given.
    Raises Unavailable where a published file cannot be had, ValueError for an unknown name and for a file that is
    missing, incomplete, altered, no checkpoint, or of another network. Code in a file is never run.
    """
    if design is not None:
        check_name(design, DESIGNS)
    checkpoint = CHECKPOINTS.get(name_or_path) if isinstance(name_or_path, str) else None
    if checkpoint is None:
        path, checkpoint = _file(name_or_path)
    elif checkpoint.name == "thin":
        path = THIN / "weights.pt"
        if not path.exists():
            raise Unavailable(Finding(NOT_HERE, str(path)))
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
        raise ValueError(f"load expects a name or a path, and got {type(path).__name__}")
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
        raise ValueError(f"{str(path)!r} holds no weights: a dictionary of tensors is expected, as from state_dict()")
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
