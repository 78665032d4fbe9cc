"""Photographs, test patterns, and honest inputs for a block made from them."""

import io
import math
import os
import warnings
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch.nn import functional as F

from .._common import check
from ..network import resnet50

FOLDER = Path(__file__).parent / "pictures"
PHOTOS = ("cat", "coffee", "palace", "rocket", "officer")
PATTERNS = ("impulse", "checkerboard", "gradient", "noise")

# What open_photo reads. PIL knows more, but for some of those it starts other programs.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF")

# Mean and deviation of ImageNet's colours, with which all published ResNets were trained.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def photo(name):
    """The bundled photograph of that name (one of PHOTOS) as an RGB PIL image. ValueError for another name."""
    if name not in PHOTOS:
        raise ValueError(f"no photograph is called {name!r}; there are {', '.join(PHOTOS)}")
    return open_photo(FOLDER / f"{name}.jpg")


def open_photo(file, name=None):
    """A picture as an upright RGB PIL image: the camera's rotation applied, transparency on white, grey, palette and
    16-bit pictures converted; of a moving picture the first frame.

    file: a path, an open binary file, or the bytes themselves, as an upload gives them.
    name: what to call it in messages; its path unless given.
    Raises ValueError with a sentence for a file that is missing, broken, no picture, or of more pixels than is safe
    to open (those are refused before they are decoded).
    """
    if isinstance(file, bytes | bytearray | memoryview):
        file, name = io.BytesIO(file), name or "the file"
    elif hasattr(file, "read"):
        name = name or "the file"
    elif not isinstance(file, str | os.PathLike):
        raise ValueError(f"a picture is opened by its path, as a file or from bytes, and this is {type(file).__name__}")
    name = name or repr(str(file))
    Image.init()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)  # up to twice its limit PIL only warns
            with Image.open(file, formats=[f for f in Image.OPEN if f in FORMATS]) as image:
                return _upright_rgb(image)
    except FileNotFoundError:
        raise ValueError(f"there is no file {name}") from None
    except UnidentifiedImageError:
        raise ValueError(f"{name} is not a picture in a known format, such as JPEG, PNG or WebP") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        most = Image.MAX_IMAGE_PIXELS // 1_000_000
        raise ValueError(f"{name} has over {most} million pixels: make it smaller first") from None
    except IsADirectoryError:
        raise ValueError(f"{name} is a folder: choose a picture in it") from None
    except Exception as error:  # a damaged file can bring a decoder to raise anything
        raise ValueError(f"{name} cannot be read, it seems to be broken ({error})") from None


def _upright_rgb(image):
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        # 16-bit grey: PIL's own conversion would clip at 255 where it should scale.
        values = np.asarray(image, dtype=np.float64)
        top = 65535 if values.max() > 255 or image.mode.startswith("I;16") else 255
        image = Image.fromarray((values.clip(0, top) * (255 / top)).astype(np.uint8))
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def to_input(image, size=224, resize=None):
    """A PIL image as a network's input, (1, 3, size, size), as published: the shorter side to `resize` pixels
    (256/224 of `size` unless given; bilinear with antialiasing), the central square of `size`, values 0 to 1, then
    ImageNet's mean subtracted and its deviation divided out."""
    pixels = torch.from_numpy(np.array(square(image, size, resize))).permute(2, 0, 1).float() / 255
    return normalised(pixels).unsqueeze(0)


def normalised(pixels):
    """Return colours from 0 to 1, (…, 3, H, W), minus ImageNet's mean and divided by its deviation."""
    mean, std = (torch.tensor(each).view(3, 1, 1) for each in (MEAN, STD))
    return (pixels - mean) / std


def square(image, size, resize=None):
    """The central square of a PIL image in size × size pixels, cut as `to_input` does, as an RGB PIL image."""
    check(size=size)
    resize = round(size * 256 / 224) if resize is None else resize
    check(resize=resize)
    if resize < size:
        raise ValueError(f"resize = {resize} must be at least size = {size}, or the square does not fit")
    image = _upright_rgb(image)
    short = min(image.size)
    # Of a very long picture only the middle, or enlarging it to the size it is cut from would take gigabytes. The
    # same from both ends, so that the middle stays the middle.
    x, y = (max(0, n - 8 * short) // 2 for n in image.size)
    if x or y:
        image = image.crop((x, y, image.width - x, image.height - y))
    # The longer side is truncated, not rounded: so do the published pipelines.
    width, height = (resize if n == short else int(resize * n / short) for n in image.size)
    image = image.resize((width, height), Image.Resampling.BILINEAR)
    left, top = round((width - size) / 2), round((height - size) / 2)
    return image.crop((left, top, left + size, top + size))


def pattern(name, W):
    """A test pattern as a tensor (W, W): "impulse" (one 1 in the middle), "checkerboard" (±1), "gradient" (−1 left
    to 1 right) or "noise" (normal, seeded). ValueError for another name."""
    check(W=W)
    if name == "impulse":
        plane = torch.zeros(W, W)
        plane[W // 2, W // 2] = 1
        return plane
    if name == "checkerboard":
        i = torch.arange(W)
        return ((i[:, None] + i) % 2 * 2 - 1).float()
    if name == "gradient":
        return torch.linspace(-1, 1, W).expand(W, W).clone()
    if name == "noise":
        return torch.randn(W, W, generator=torch.Generator().manual_seed(0))
    raise ValueError(f"no pattern is called {name!r}; there are {', '.join(PATTERNS)}")


# ── Inputs for a block ───────────────────────────────────────────────────────────────────────────────────────

# (C, W) → the stage of ResNet-50 after which a picture of 224 pixels has that shape.
POSITIONS = {(64, 56): 0, (256, 56): 1, (512, 28): 2, (1024, 14): 3, (2048, 7): 4}


def block_input(picture, C, W, window=None):
    """An input (1, C, W, W) for a block, made from a photograph or a test pattern, and a sentence saying how.

    picture: a name from PHOTOS or PATTERNS, or a PIL image.
    window:  keep only this many central positions along each side, (1, C, window, window): the same values, cut out.
    Returns (tensor, sentence).

    Where (C, W) is a position in ResNet-50 the input is what the network computes there from the photograph at
    224 pixels, with untrained weights (seed 0) and BN statistics measured on the bundled photographs. Everywhere
    else it is C fixed random 3×3 colour filters over the photograph at W × W, then ReLU; filter k is the same
    whatever C is. A test pattern stands in every channel as it is.
    """
    check(C=C, W=W)
    cut = slice(None) if window is None or window >= W else slice((W - window) // 2, (W - window) // 2 + window)
    if isinstance(picture, str) and picture in PATTERNS:
        plane = pattern(picture, W)[cut, cut]
        return plane.expand(1, C, *plane.shape).contiguous(), f"{picture}, the same in all {C:,} channels"
    picture = picture if isinstance(picture, str) else _Own(picture)
    if (C, W) in POSITIONS:
        stage = POSITIONS[C, W]
        x = _resnet50_activations(picture)[stage][..., cut, cut]
        return x, f"what an untrained ResNet-50 computes from the picture up to the end of Stage {stage}"
    # One pixel more on each side, so that a window's border sees its true neighbours.
    pixels = F.pad(_pixels(picture, W), (1, 1, 1, 1))
    if cut != slice(None):
        pixels = pixels[..., cut.start : cut.stop + 2, cut.start : cut.stop + 2]
    x = F.relu(F.conv2d(pixels, _filters(C)))
    return x, f"{C:,} fixed random 3×3 filters over the picture at {W} × {W}, then ReLU"


class _Own:
    """A picture of the learner's as a key of the caches below: PIL images compare by content and have no hash."""

    def __init__(self, image):
        self.image = image

    def __eq__(self, other):
        return isinstance(other, _Own) and self.image is other.image

    def __hash__(self):
        return id(self.image)


@lru_cache(maxsize=16)
def _pixels(picture, W):
    return to_input(picture.image if isinstance(picture, _Own) else photo(picture), W)


@lru_cache(maxsize=1)
def _filter_bank():
    return torch.randn(4096, 3, 3, 3, generator=torch.Generator().manual_seed(0)) / math.sqrt(27)


def _filters(C):
    if C > len(_filter_bank()):
        raise ValueError(f"C = {C} is more than the {len(_filter_bank()):,} filters there are")
    return _filter_bank()[:C]


@lru_cache(maxsize=1)
def _untrained_resnet50():
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        network = resnet50()
        # An untrained network's BN statistics are mean 0, variance 1, whatever the weights. One pass over the
        # bundled photographs replaces them by what the layers really give out (momentum None: a plain average).
        for m in network.modules():
            if isinstance(m, torch.nn.BatchNorm2d):
                m.momentum = None
        network(torch.cat([to_input(photo(name)) for name in PHOTOS]))
    return network.eval()


@lru_cache(maxsize=4)
def _resnet50_activations(picture):
    network, results = _untrained_resnet50(), []
    with torch.no_grad():
        x = _pixels(picture, 224)
        for stage in (network.stage0, network.stage1, network.stage2, network.stage3, network.stage4):
            x = stage(x)
            results.append(x)
    return results
