"""What a file is, recognised by its first bytes, and what is in it: only checkpoints of PyTorch and safetensors are
opened, and nothing in them is run."""

import pickle
import re
import warnings
import zipfile

import torch

from .._common import Finding, Kind, say
from . import safetensors


class CannotLoad(ValueError):
    """Raised by `load` for a name or a file that gives no network; the message says what it is and what to do.

    finding: the same as an object.
    """

    def __init__(self, finding):
        super().__init__(say(finding))
        self.finding = finding


def _is(name, what, advice):
    return Kind(name, f"{{where!r}} is {what}: {advice}")


AGAIN = "download the file itself again"
EXPORTED = "save the state_dict() of the model that it was made from, and load that file"
EMPTY = _is("empty file", "empty", AGAIN)
ZEROS = _is("only zeros", "nothing but zeros, as a download that has not arrived", AGAIN)
LFS_POINTER = _is(
    "pointer of Git LFS",
    "a pointer of Git LFS, a note that stands for the file",
    "run git lfs pull in its repository, or download the file itself",
)
WEB_PAGE = _is("web page", "a web page (HTML or XML), perhaps of a log-in or an error, not the file", AGAIN)
TEXT = Kind("text", "{where!r} is text and begins {start!r}, so it holds no weights: " + AGAIN)
ONNX = _is("ONNX", "an ONNX graph, which is made for other programs and has no state_dict", EXPORTED)
TORCHSCRIPT = _is(
    "TorchScript",
    "a TorchScript program, which runs as code",
    "if you trust it, save torch.jit.load(path).state_dict() with torch.save, and load that file",
)
EXPORT = _is("torch.export", "a program made by torch.export, not a dictionary of tensors", EXPORTED)
NPZ = _is(
    "NumPy arrays",
    "NumPy's format, not PyTorch's",
    "save {{name: torch.from_numpy(array)}} with torch.save, and load that file",
)
HDF5 = _is("HDF5", "an HDF5 file, as Keras writes it", "look for the checkpoint made for PyTorch")
TFLITE = _is("TFLite", "a TensorFlow Lite model", "look for the checkpoint made for PyTorch")
GGUF = _is("GGUF", "a GGUF file, made for language models", "look for the checkpoint made for PyTorch")
MEDIA = _is("picture or document", "a picture or a document", "pass the file of weights")
PACKED = _is("packed archive", "a packed archive", "unpack it, and pass the file of weights in it")
ZIP_WITH_WEIGHTS = Kind("zip of weights", "{where!r} is a zip archive around {inner!r}: unpack it, and pass that file")
ZIP = _is(
    "another zip", "a zip archive that torch.save did not write", "unpack it, or look for the checkpoint of PyTorch"
)
PICKLE = _is(
    "another pickle",
    "a pickle that torch.save did not write, and opening one can run code",
    "ask for a file written by torch.save(model.state_dict(), path)",
)
UNKNOWN = _is("unknown file", "not a checkpoint of PyTorch, and not safetensors", "check which file you passed")
DAMAGED = Kind("damaged", "{where!r} is incomplete or damaged: get it again")
UNREADABLE = Kind("unreadable", "{where!r} cannot be read ({reason})")
RUNS_CODE = Kind(
    "code",
    "{where!r} holds more than tensors, and loading it would run code from it: ask for its state_dict alone",
)
PROTOCOL = Kind(
    "pickle protocol",
    "{where!r} was saved with pickle_protocol={protocol}, which cannot be read without running code: "
    "save it again without that argument",
)

LEGACY = pickle.dumps(torch.serialization.MAGIC_NUMBER, protocol=2)  # how files begin that are no zip


def _begins(*starts):
    return lambda start: start.startswith(starts)


def _is_onnx(start):
    """A ModelProto: field 1, a small version number, then the producer, domain, version, text, graph or operators."""
    return len(start) > 3 and start[0] == 0x08 and 0 < start[1] < 32 and start[2] in b"\x12\x1a\x22\x28\x32\x3a\x42"


def _is_text(start):
    try:
        text = start.decode()
    except UnicodeDecodeError as error:  # a character may be cut off at the end
        text = start[: error.start].decode() if error.start > len(start) - 4 else "\0"
    return all(c.isprintable() or c.isspace() or c == "\ufeff" for c in text)


# What a file may be that is no checkpoint: (kind, whether its first bytes say so). The first that fits is meant.
OTHERS = [
    (EMPTY, lambda start: not start),
    (ZEROS, lambda start: not start.strip(b"\0")),
    (LFS_POINTER, _begins(b"version https://git-lfs", b"version https://hawser")),
    (WEB_PAGE, lambda start: re.match(rb"(\xef\xbb\xbf)?\s*<(!doctype|html|head|body|\?xml|!--)", start, re.I)),
    (HDF5, _begins(b"\x89HDF\r\n\x1a\n")),
    (NPZ, _begins(b"\x93NUMPY")),
    (GGUF, _begins(b"GGUF")),
    (TFLITE, lambda start: start[4:8] == b"TFL3"),
    (TORCHSCRIPT, lambda start: start[4:8] == b"PTMF"),
    (MEDIA, _begins(b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"%PDF", b"BM6", b"RIFF")),
    (PACKED, _begins(b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!", b"\x28\xb5\x2f\xfd")),
    (PACKED, lambda start: start[257:262] == b"ustar"),
    (ONNX, _is_onnx),
    (TEXT, _is_text),
]

# Classes whose objects people leave beside their weights. They are read as `_Nothing`, so that nothing of them runs.
HARMLESS = [
    "argparse.Namespace",
    "types.SimpleNamespace",
    "datetime.datetime",
    "datetime.timedelta",
    "_codecs.encode",
    "numpy.dtype",
    *(f"numpy.{core}.multiarray.scalar" for core in ("core", "_core")),
    *(f"pathlib{m}.{kind}Path" for m in ("", "._local") for kind in ("Posix", "Windows", "PurePosix", "PureWindows")),
]


class _Nothing:
    """Stands for an object of a class that is not loaded."""

    def __new__(cls, *_args, **_options):
        return object.__new__(cls)

    def __setstate__(self, state):
        pass


def read(path):
    """Return what is in a file, as it was saved, on the CPU: of PyTorch's formats, old and new, and of safetensors.

    What is neither a tensor nor plain data is left out where its class is a harmless one, and nothing is run.
    Raises CannotLoad for a file of another kind, a damaged one, and one that could only be read by running code.
    """
    try:
        with open(path, "rb") as file:
            start = file.read(512)
    except OSError as error:
        raise CannotLoad(Finding(UNREADABLE, str(path), {"reason": error.strerror})) from None
    if safetensors.begins(start):
        try:
            return safetensors.read(path)
        except (ValueError, OSError, RuntimeError):
            raise CannotLoad(Finding(DAMAGED, str(path))) from None
    for kind, fits in OTHERS:
        if fits(start):
            raise CannotLoad(Finding(kind, str(path), {"start": start[:30].decode(errors="replace")}))
    if start.startswith(b"PK"):
        _check_zip(path)
    elif LEGACY[2:-1] not in start[:32]:
        raise CannotLoad(Finding(PICKLE if start[:1] == b"\x80" else UNKNOWN, str(path)))
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals([(_Nothing, name) for name in HARMLESS]):
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file can bring a decoder to raise anything
        code = re.search("GLOBAL|call reduce|Unsupported class|Can only (create|build)", str(error))
        protocol = None if code else _protocol(path, start)
        kind = RUNS_CODE if code else PROTOCOL if protocol else DAMAGED
        raise CannotLoad(Finding(kind, str(path), {"protocol": protocol})) from None


def _protocol(path, start):
    """Return the protocol of a checkpoint's pickle where it is one that only running code could read, else None."""
    if start.startswith(b"PK"):
        with zipfile.ZipFile(path) as archive:
            with archive.open(next(name for name in archive.namelist() if name.endswith("data.pkl"))) as pickled:
                start = pickled.read(2)
    return start[1] if start[:1] == b"\x80" and start[1] > 2 else None


def _check_zip(path):
    """Raise CannotLoad for a zip archive that torch.save did not write, or that is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            finding = _zip_of_something_else(path, names)
            if finding is None and archive.testzip() is not None:  # torch.load does not look at the checksums
                finding = Finding(DAMAGED, str(path))
    except Exception:  # a damaged archive can bring the decoder to raise anything
        finding = Finding(DAMAGED, str(path))
    if finding:
        raise CannotLoad(finding)


def _zip_of_something_else(path, names):
    """Return what a zip archive with entries of these names is, as a finding; None for PyTorch's own."""
    if any(name.endswith("constants.pkl") or "/code/" in name for name in names):
        return Finding(TORCHSCRIPT, str(path))
    if any(name.endswith(("archive_format", "serialized_exported_program.json")) for name in names):
        return Finding(EXPORT, str(path))
    if any(name.endswith("/data.pkl") for name in names):
        return None
    if names and all(name.endswith(".npy") for name in names):
        return Finding(NPZ, str(path))
    if any(name.endswith(".weights.h5") for name in names):
        return Finding(HDF5, str(path))
    inner = next((n for n in names if n.endswith((".pth", ".pt", ".ckpt", ".tar", ".bin", ".safetensors"))), None)
    return Finding(ZIP_WITH_WEIGHTS, str(path), {"inner": inner}) if inner else Finding(ZIP, str(path))
