"""Photographs, test patterns, and honest inputs for a block made from them."""

import math
from functools import lru_cache

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from .._common import check
from ..network import resnet50
from .opening import FOLDER, FORMATS, PHOTOS, cut_off, named_or_opened, open_photo

__all__ = [
    "FOLDER",
    "FORMATS",
    "MEAN",
    "PATTERNS",
    "PHOTOS",
    "POSITIONS",
    "STD",
    "block_input",
    "check",
    "cut_off",
    "named_or_opened",
    "normalised",
    "open_photo",
    "pattern",
    "photo",
    "resnet50",
    "square",
    "to_input",
]

PATTERNS = ("impulse", "checkerboard", "gradient", "noise")

# Mean and deviation of ImageNet's colours, with which all published ResNets were trained.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def photo(name):
    """Return the bundled photograph of that name (one of PHOTOS) as an RGB PIL image. ValueError for another name."""
    if not isinstance(name, str) or name not in PHOTOS:
        name = repr(name) if isinstance(name, str) else f"this {type(name).__name__}"
        raise ValueError(
            f"no photograph is called {name}; there are {', '.join(PHOTOS)}, and open_photo(…) opens pictures of yours"
        )
    return open_photo(name)


def to_input(picture, size=224, resize=None, resample="bilinear"):
    """Return a picture as a network's input, (1, 3, size, size), as published: the shorter side to `resize` pixels
    (256/224 of `size` unless given; "bilinear" or "bicubic", with antialiasing), the central square of `size`, values
    0 to 1, then ImageNet's mean subtracted and its deviation divided out.

    picture: whatever `open_photo` takes: a name, a path, a PIL image, an array, a tensor. ValueError as there.
    """
    pixels = torch.from_numpy(np.array(square(picture, size, resize, resample))).permute(2, 0, 1).float() / 255
    return normalised(pixels).unsqueeze(0)


def normalised(pixels):
    """Return colours from 0 to 1, (…, 3, H, W), minus ImageNet's mean and divided by its deviation."""
    mean, std = (torch.tensor(each, device=pixels.device).view(3, 1, 1) for each in (MEAN, STD))
    return (pixels - mean) / std


def square(picture, size, resize=None, resample="bilinear"):
    """Return the central square of a picture in size × size pixels, cut as `to_input` does, as an RGB PIL image. What
    that leaves out, `cut_off` says."""
    check(size=size)
    resize = round(size * 256 / 224) if resize is None else resize
    check(resize=resize)
    if resize < size:
        raise ValueError(f"resize = {resize} must be at least size = {size}, or the square does not fit")
    if resample not in ("bilinear", "bicubic"):
        raise ValueError(f"resample = {resample!r} must be 'bilinear' or 'bicubic'")
    image = open_photo(picture)
    short, most = min(image.size), Image.MAX_IMAGE_PIXELS
    if resize * resize > most:
        raise ValueError(
            f"size = {size:,} is too large: it would make a picture of over {most // 1_000_000} million pixels"
        )
    # Of a very long picture only the middle, or enlarging it to the size it is cut from would take gigabytes. The
    # same from both ends, so that the middle stays the middle.
    x, y = (max(0, n - 8 * short) // 2 for n in image.size)
    if x or y:
        image = image.crop((x, y, image.width - x, image.height - y))
    # The longer side is truncated, not rounded: so do the published pipelines.
    width, height = (resize if n == short else int(resize * n / short) for n in image.size)
    image = image.resize((width, height), Image.Resampling[resample.upper()])
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

    picture: a name from PATTERNS, or whatever `open_photo` takes.
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
    if not isinstance(picture, Image.Image):  # as it is, or it would be another picture at every call
        picture = named_or_opened(picture)
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
    return to_input(picture.image if isinstance(picture, _Own) else picture, W)


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
