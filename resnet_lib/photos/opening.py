"""What a picture may be, and the one place where it becomes an upright RGB image or a sentence that says why not."""

import io
import os
import re
import stat
import warnings
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError

from .._common import shape_text
from .instead import OTHERS, PHOTOS, WRITTEN, instead_of, missing

FOLDER = Path(__file__).parent / "pictures"

# What open_photo reads. PIL knows more, but for some of those it starts other programs. HEIF is there for those who
# have a reader of it installed and registered.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF", "HEIF")


def open_photo(picture, name=None):
    """Return a picture as an upright RGB PIL image.

    picture: a name from PHOTOS; a path, where ~ is your home; an open binary file or its bytes; a PIL image of any
             mode; or an array or tensor, (H, W), (H, W, C) or (C, H, W), alone or as a batch of one, with C = 1 (grey),
             2 (grey and alpha), 3 or 4 (and alpha). Where both orders fit, a tensor's channels are first, an array's
             last.
    name:    what to call it in messages; its path unless given.

    The camera's rotation (EXIF) is applied, once: what is returned carries no such note. Arrays and tensors have none
    and stay as they are. Transparency is put on white; of a moving picture the first frame is taken.

    Numbers: uint8 is 0 to 255, uint16 is 0 to 65535, True is white. Others are 0 to 1 if they are floats and none is
    above 1; otherwise 0 to 255, or 0 to 65535 if one is above 255. A float file (TIFF) follows the same rule.

    Raises ValueError, with a sentence that says what to do, for an address, for a file that is missing, empty, broken,
    not permitted, or no picture that can be read here, for more pixels than is safe to open (those are refused before
    they are decoded), and for numbers that are no colours.
    """
    with _quiet():
        if isinstance(picture, Image.Image):
            return _guarded(lambda: _upright_rgb(picture, name or "the picture"), name or "the picture")
        if isinstance(picture, bytes | bytearray | memoryview):
            return _opened(io.BytesIO(picture), name or "the file")
        if isinstance(picture, str | os.PathLike):
            path, name = _path(picture, name)
            try:
                with open(path, "rb") as file:
                    return _opened(file, name)
            except PermissionError:
                raise ValueError(f"{name} may not be read by you: change its permissions, or copy it") from None
            except OSError as error:
                raise ValueError(f"{name} cannot be read ({error.strerror})") from None
        if hasattr(picture, "read"):
            if isinstance(picture, io.TextIOBase):
                raise ValueError(f'{name or "the file"} was opened as text: use open(…, "rb")')
            return _opened(_seekable(picture, name or "the file"), name or "the file")
        if isinstance(picture, torch.Tensor) or (hasattr(picture, "__array__") and not isinstance(picture, type)):
            name = name or f"the {'tensor' if isinstance(picture, torch.Tensor) else 'array'}"
            return _guarded(lambda: _from_numbers(picture, name), name, "pass an array of plain numbers")
    raise ValueError(
        f"a picture is a name ({', '.join(PHOTOS)}), a path, a PIL image, an array or a tensor, and this is "
        f"{type(picture).__name__}{instead_of(picture)}"
    )


def named_or_opened(picture, names=PHOTOS):
    """Return a picture as it is if it is one of the names, otherwise what `open_photo` makes of it."""
    return picture if isinstance(picture, str) and picture in names else open_photo(picture)


def cut_off(image):
    """Return a sentence if the middle square of a PIL image, which a network is shown, is less than two thirds of it;
    otherwise ""."""
    short, long = sorted(image.size)
    if 3 * short >= 2 * long:
        return ""
    side = "width" if long == image.width else "height"
    return (
        f"Only the middle square of this picture is used, {max(0.01, short / long):.0%} of its {side}: crop it first."
    )


# ── Files ────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)  # up to twice its limit PIL only warns
        yield


def _path(picture, name):
    """Return a path that there is, and its name for messages. ValueError for what is no path of a file."""
    path = os.fsdecode(picture)
    if isinstance(picture, str) and path in PHOTOS:
        return FOLDER / f"{path}.jpg", path
    name = name or (repr(path) if len(path) < 120 else repr(path[:60] + "…"))
    # A Path makes one slash of two.
    if re.match(r"[a-z][a-z0-9+.-]+:/|data:|www\.", path, re.IGNORECASE):
        if path.lower().startswith("file:"):
            raise ValueError(f"{name} is an address: pass the path alone, without file://")
        raise ValueError(f"{name} is an address, and pictures are opened from files: download it, and pass its path")
    if len(path) > 99 and re.match(WRITTEN, path):
        raise ValueError(f"{name} is a picture written as text: pass base64.b64decode(…) of it")
    path = os.path.expanduser(path)
    try:
        kind = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise ValueError(missing(path, name)) from None
    except PermissionError:
        raise ValueError(f"{name} may not be read by you: change the permissions of its folder, or copy it") from None
    except (OSError, ValueError):
        raise ValueError(f"{name} is not the path of a file") from None
    if stat.S_ISDIR(kind):
        raise ValueError(f"{name} is a folder: choose a picture in it")
    if not stat.S_ISREG(kind):
        raise ValueError(f"{name} is a device and not a file")
    return path, name


def _seekable(file, name):
    """Return an open file, or what is in it where it can be read once and from the beginning alone: an answer of a
    server, for instance."""
    if getattr(file, "closed", False):
        raise ValueError(f"{name} is closed: open it again, or pass its path")
    try:
        file.seek(0)
    except (AttributeError, OSError):
        return io.BytesIO(file.read())
    return file


def _opened(file, name):
    Image.init()

    def read():
        with Image.open(file, formats=[f for f in Image.OPEN if f in FORMATS]) as image:
            return _upright_rgb(image, name)

    try:
        return _guarded(read, name)
    except UnidentifiedImageError:
        file.seek(0)
        start = file.read(1000)
        what = next(text for form, text in OTHERS if re.fullmatch(form, start, re.DOTALL | re.IGNORECASE))
        raise ValueError(f"{name} {what}") from None


def _guarded(work, name, broken="it seems to be broken"):
    """Return what the work returns; whatever a decoder raises becomes a sentence."""
    try:
        return work()
    except UnidentifiedImageError:
        raise
    except _Refused as problem:
        raise ValueError(str(problem)) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ValueError(_too_large(name)) from None
    except Exception as error:  # a damaged file can bring a decoder to raise anything
        raise ValueError(f"{name} cannot be read, {broken} ({error})") from None


class _Refused(Exception):
    """What a picture cannot be, in a sentence."""


def _too_large(name):
    return f"{name} has over {Image.MAX_IMAGE_PIXELS // 1_000_000} million pixels: make it smaller first"


# ── Modes and numbers ────────────────────────────────────────────────────────────────────────────────────────


def _upright_rgb(image, name):
    try:
        image.load()
    except Exception as error:
        if getattr(image, "fp", image) is None or "closed" in str(error):
            raise _Refused(f"{name} is closed: open it again, or call its .load() before it is") from None
        raise
    white = image.mode.startswith("I;16") and getattr(image, "tag_v2", {}).get(262) == 0  # 0 is white: PIL forgets it
    with suppress(Exception):  # damaged notes of the camera, about a picture that is whole
        image = ImageOps.exif_transpose(image)
    if not all(image.size):
        raise _Refused(f"{name} has no pixels: its size is {image.width} × {image.height}")
    if image.mode.startswith("I") or image.mode == "F":  # PIL's own conversion would clip at 255 where it should scale
        values = np.asarray(image)
        image = Image.fromarray(_levels(65535 - values if white else values, name))
    if image.mode in ("La", "RGBa"):  # colours multiplied by alpha already
        image = image.convert(image.mode.upper())
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    try:
        image = image.convert("RGB")
    except ValueError:
        raise _Refused(f"{name} has colours of mode {image.mode}, which PIL cannot convert: save it as RGB") from None
    image.info = {}  # a second look finds no rotation to apply again
    return image


def _from_numbers(picture, name):
    """Return an array or tensor as an RGB PIL image."""
    tensor = isinstance(picture, torch.Tensor)
    shape = tuple(np.shape(picture))
    if len(shape) == 4 and shape[0] == 1:
        shape, picture = shape[1:], picture[0]
    first, last = len(shape) == 3 and shape[0] in (1, 2, 3, 4), len(shape) == 3 and shape[2] in (1, 2, 3, 4)
    if len(shape) == 4:
        raise _Refused(
            f"{name} of shape {shape_text(shape)} holds {shape[0]:,} pictures: pass one of them, such as x[0]"
        )
    if not (len(shape) == 2 or first or last):
        raise _Refused(
            f"{name} of shape {shape_text(shape)} is not a picture: expected (H, W), (H, W, C) or (C, H, W), where "
            "C is 1, 3 or 4"
        )
    if 0 in shape:
        raise _Refused(f"{name} of shape {shape_text(shape)} has no pixels")
    first = first and (tensor or not last)
    if np.prod(shape, dtype=float) / (1 if len(shape) == 2 else shape[0 if first else 2]) > Image.MAX_IMAGE_PIXELS:
        raise _Refused(_too_large(name))
    if tensor:
        picture = picture.detach()
        if picture.is_meta:
            raise _Refused(f"{name} is on the meta device: it has a shape and no numbers")
        if type(picture).__name__ == "FakeTensor" or torch._C._functorch.is_functorch_wrapped_tensor(picture):
            raise _Refused(f"{name} is traced by torch and has no numbers yet: open the picture before that")
        picture = picture.dequantize() if picture.is_quantized else picture
        picture = picture.to_dense() if picture.layout is not torch.strided else picture
        plain = not picture.is_floating_point() or picture.dtype in (torch.float16, torch.float32, torch.float64)
        picture = (picture if plain else picture.float()).cpu().resolve_conj().resolve_neg()
    if np.ma.is_masked(picture):
        raise _Refused(f"{name} has masked numbers: fill them first, with x.filled(0) for instance")
    levels = _levels(np.asarray(picture), name)
    levels = levels.transpose(1, 2, 0) if first else levels
    levels = levels[..., 0] if levels.shape[2:] == (1,) else levels
    return _upright_rgb(Image.fromarray(np.ascontiguousarray(levels)), name)


def _levels(values, name):
    """Return numbers as uint8 levels, by the rule of `open_photo`."""
    kind = values.dtype.kind
    if kind == "b":
        return values.astype(np.uint8) * 255
    if values.dtype == np.uint8:
        return values
    if kind not in "iuf":
        raise _Refused(f"{name} holds {values.dtype}, and colours are numbers: pass uint8 from 0 to 255")
    low, high = values.min().item(), values.max().item()
    if not np.isfinite([low, high]).all():
        raise _Refused(f"{name} holds NaN or infinite numbers: replace them first, with np.nan_to_num(x) for instance")
    if low < (-0.01 if kind == "f" else 0):
        raise _Refused(
            f"{name} holds numbers from {low:.3g} to {high:.3g}, and colours begin at 0: scale them to 0 to 1, or, if "
            "they are normalised already, pass them to the network as they are"
        )
    if high > 65535.5:
        raise _Refused(f"{name} holds numbers up to {high:.5g}: scale them to 0 to 1 (floats) or 0 to 255 (uint8)")
    # A resized picture of 0 to 1 may be over 1 by rounding.
    top = (
        1
        if kind == "f" and high <= 1.01
        else 65535
        if high > 255.5 or values.dtype.newbyteorder("=") == np.uint16
        else 255
    )
    return np.rint(values.clip(0, top).astype(np.float32) * (255 / top)).astype(np.uint8)
