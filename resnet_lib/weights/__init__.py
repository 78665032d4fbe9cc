"""Published weights: the catalogue of checkpoints, their names, downloading and loading.

The published checkpoints of the ResNet family all use the key names of one early PyTorch implementation. The
library names things as the course does; `key_names` translates between the two.

    catalogue      every checkpoint that `load` knows; a new one is a row of `PUBLISHED`, or a `Checkpoint` of its own
    loading        `load`: download fetches, formats and unpacking read any file safely, variants recognises the design
"""

from .._common import check, shape_text, unfilled
from ..network import DESIGNS, build
from .catalogue import CHECKPOINTS, PUBLISHED, THIN, Checkpoint, imagenet_classes
from .download import Unavailable, digest, fetch
from .formats import CannotLoad
from .key_names import LEAVES, NAMES, from_published, to_published
from .loading import load

__all__ = [
    "CHECKPOINTS",
    "CannotLoad",
    "Checkpoint",
    "DESIGNS",
    "LEAVES",
    "NAMES",
    "PUBLISHED",
    "THIN",
    "Unavailable",
    "build",
    "check",
    "digest",
    "fetch",
    "from_published",
    "imagenet_classes",
    "load",
    "shape_text",
    "to_published",
    "unfilled",
]
