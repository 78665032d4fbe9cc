"""Loading weights: from the catalogue or from a file, whose design is recognised by names and shapes."""

import difflib
import os
import re
import warnings
from pathlib import Path

import torch

from .._common import Finding, Kind, check_name, say, shape_text, unfilled
from ..network import DESIGNS, OPTIONS
from . import variants
from .catalogue import CHECKPOINTS, THIN, Checkpoint
from .download import BASE, Unavailable, digest, fetch
from .formats import UNREADABLE, CannotLoad, read
from .unpacking import HEAD_OF_SEVERAL, NO_HEAD, TAKEN, unpack

NOT_HERE = Kind(
    "thin network missing",
    "the thin network should be in {where} and is not: get the course again, or train it with "
    "python -m resnet_lib.experiments.train_thin",
)
NO_PATH = Kind("not a path", "load expects a name or a path, and got {type}")
NO_NAME = Kind("empty name", "load got an empty name: pass a name in CHECKPOINTS or the path of a file")
ADDRESS = Kind("address", "{where!r} is an address, and load takes files: {todo}")
FOLDER = Kind("folder", "{where!r} is a folder, not a file: {todo}")
UNKNOWN_NAME = Kind("unknown name", "{where!r} is neither a known name nor a file; {todo}")
ALTERED = Kind(
    "altered", "{where!r} is incomplete or altered: its sha256 does not begin as its name says. Download it again"
)
ANOTHER_DESIGN = Kind("another design", "{where} is a {design}, not a {asked}")
OTHER = Kind("another network", "{where!r} holds the weights of another network: {why}")
SPARSE = Kind("sparse", "{where!r} holds sparse tensors, such as {key!r}: save each tensor's .to_dense()")
NO_NUMBERS = Kind(
    "meta tensors",
    "{where!r} holds shapes without numbers, such as {key!r} on the meta device: save the model after its weights are "
    "on the CPU",
)
QUANTISED = Kind(
    "quantised tensors", "{where!r} holds quantised tensors, such as {key!r}: save each one's .dequantize()"
)
UNUSUAL = Kind(
    "unusual tensors", "{where!r} holds tensors of an unusual layout, such as {key!r}: save plain dense ones"
)

PRINTED = (TAKEN, NO_HEAD, HEAD_OF_SEVERAL)  # remarks that change what is computed: warned of, not only noted


def load(name_or_path="resnet50", *, progress=None, design=None):
    """Return a trained network in eval(), with its `Checkpoint` as `network.checkpoint`.

    name_or_path: a name in CHECKPOINTS, downloaded where it is not on this machine yet ("thin"
              comes with the course); or the path of a file of weights, of PyTorch or safetensors, in
              any precision. In it they may be under any entries and prefixes ("state_dict", "model", "module.",
              "backbone." …), and have the published names, the library's, Hugging Face's, or those of an
              nn.Sequential of the published network's children. What a file does not say is assumed:
              stride_on="3x3", no dilation. The checkpoint's note says so, and what in the file was not used; a warning
              says where the head is missing, and which of several networks was taken (an average of the weights, "ema",
              before others).
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
        path = fetch(checkpoint.file, progress, base=checkpoint.base or BASE, sha256=checkpoint.digits)
    weights = unpack(read(path), path)
    for kind, key in _without_numbers(weights):
        raise CannotLoad(Finding(kind, str(path), {"key": weights.key(key)}))
    if finding := variants.variant(weights, path) or (None if checkpoint or design else variants.called(weights, path)):
        raise CannotLoad(finding)
    if checkpoint is None:
        checkpoint = _recognised(path, weights.tensors, design, weights.key, weights.remarks)
    elif design not in (None, checkpoint.design):
        values = {"design": checkpoint.design, "asked": design}
        raise CannotLoad(Finding(ANOTHER_DESIGN, str(name_or_path), values))
    network = _filled(checkpoint, weights, path).eval()
    network.checkpoint = checkpoint
    for remark in weights.remarks:
        if remark.kind in PRINTED:
            warnings.warn(say(remark), stacklevel=2)
    return network


def _file(path):
    """A file on this machine, and which published file it is, if any."""
    if not isinstance(path, str | os.PathLike) or isinstance(os.fspath(path), bytes):
        raise CannotLoad(Finding(NO_PATH, values={"type": type(path).__name__}))
    if path == "":
        raise CannotLoad(Finding(NO_NAME))
    said = str(path)
    published = {checkpoint.file: name for name, checkpoint in CHECKPOINTS.items() if checkpoint.file}
    known = published.get(re.split(r"[/\\?#]", said.split("?")[0])[-1])
    if re.match(r"[a-z][a-z0-9+.-]+:/|www\.|hf[-_]hub:", said, re.IGNORECASE):
        todo = f"load({known!r}) downloads this one" if known else "download it first, and pass the file's path"
        raise CannotLoad(Finding(ADDRESS, said, {"todo": todo}))
    try:
        path = Path(path).expanduser()
        if path.is_dir():
            raise CannotLoad(Finding(FOLDER, str(path), {"todo": _in_folder(path)}))
        if not path.is_file():
            near = difflib.get_close_matches(said, CHECKPOINTS, 3)
            todo = f"did you mean {' or '.join(near)}?" if near else "CHECKPOINTS holds the names there are"
            todo = f"load({known!r}) downloads the file of this name" if known else todo
            raise CannotLoad(Finding(UNKNOWN_NAME, said, {"todo": todo}))
        sha = digest(path)
    except OSError as error:
        raise CannotLoad(Finding(UNREADABLE, said, {"reason": error.strerror})) from None
    except (RuntimeError, ValueError) as error:  # no such user's home; a character that no path has
        if isinstance(error, CannotLoad):
            raise
        raise CannotLoad(Finding(UNREADABLE, said, {"reason": error})) from None
    for checkpoint in CHECKPOINTS.values():
        if checkpoint.file and sha.startswith(checkpoint.digits):
            return path, checkpoint
        if checkpoint.file == path.name:
            raise CannotLoad(Finding(ALTERED, str(path)))
    return path, None


def _in_folder(folder):
    """What to pass in place of a folder: the file of weights in it, if there is one."""
    inside = sorted(p for p in folder.iterdir() if p.suffix in (".pth", ".pt", ".ckpt", ".tar", ".bin", ".safetensors"))
    if inside:
        return f"pass the file of weights in it, such as {str(inside[0])!r}"
    if (folder / "data.pkl").exists():
        return "it looks like a checkpoint that a program unpacked; get the file again, and pass it packed"
    return "pass the file of weights itself"


def _without_numbers(weights):
    """Yield (kind, library key) of the tensors that are not plain numbers in memory."""
    for key, tensor in weights.tensors.items():
        if tensor.is_quantized:
            yield QUANTISED, key
        elif tensor.layout in (
            torch.sparse_coo,
            torch.sparse_csr,
            torch.sparse_csc,
            torch.sparse_bsr,
            torch.sparse_bsc,
        ):
            yield SPARSE, key
        elif tensor.device.type == "meta":
            yield NO_NUMBERS, key
        elif tensor.layout != torch.strided or tensor.is_nested:
            yield UNUSUAL, key


def _recognised(path, weights, design, named=str, remarks=()):
    """The checkpoint of a file from elsewhere: all that names and shapes of its weights tell. `named` turns one of the
    library's keys into the file's."""
    try:
        blocks = tuple(len({k.split(".")[1] for k in weights if k.startswith(f"stage{i}.")}) for i in (1, 2, 3, 4))
        base, in_channels = weights["stage0.conv.weight"].shape[:2]
        headless = "head.fc.weight" not in weights
        options = {"stride_on": "3x3", "num_classes": 1000 if headless else weights["head.fc.weight"].shape[0]}
        found = ("basic", blocks, 1, 64)
        if "stage1.0.conv3.weight" in weights:
            C1, in_group = weights["stage4.0.conv2.weight"].shape[:2]
            # The least width that gives so many channels in Stage 4, where P = 8·base: int() may round it down.
            found = ("bottleneck", blocks, C1 // in_group, -(-64 * in_group // (8 * base)))
    except KeyError as error:
        raise _other(path, f"there is no {named(error.args[0])!r}") from None
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
    note = "; ".join([note, *map(say, remarks)])
    labels = tuple(f"class {i}" for i in range(1000)) if headless else ()
    return Checkpoint(path.stem, design, options, "", 256, 224, None, note, labels)


def _filled(checkpoint, weights, path):
    """The checkpoint's network with these weights. CannotLoad for the first that is missing or does not fit."""
    try:
        with unfilled():
            network = checkpoint.build()
    except ValueError as error:
        raise _other(path, error) from None
    given, due = dict(weights.tensors), network.state_dict()
    if not any(key.startswith("head.") for key in given):
        given |= {key: torch.zeros_like(due[key]) for key in due if key.startswith("head.")}
    for key, ours in due.items():
        if key.endswith("num_batches_tracked"):  # a count that nothing depends on; files before PyTorch 0.4.1 lack it
            given[key] = given[key].reshape(()) if key in given and given[key].numel() == 1 else torch.tensor(0)
        elif key not in given:
            raise _other(path, f"{weights.key(key)!r} is missing")
        elif given[key].shape != ours.shape:
            shapes = f"{shape_text(given[key].shape)} where {checkpoint.design} has {shape_text(ours.shape)}"
            raise _other(path, f"{weights.key(key)!r} has shape {shapes}")
        elif not given[key].is_floating_point():
            raise _other(path, f"{weights.key(key)!r} holds numbers of type {given[key].dtype}")
    for key in [*map(weights.key, given.keys() - due.keys()), *weights.others]:
        raise _other(path, f"{checkpoint.design} has no {key!r}")
    network.load_state_dict(given)
    return network


def _other(path, why):
    return CannotLoad(Finding(OTHER, str(path), {"why": why}))
