"""ResNet-50 from its parts: Stage 0, the bottleneck blocks BTNK1 and BTNK2, the network, and ways to see inside.

The house: `blocks` make a `network`; `anatomy` and `activations` look at it; `weights` and `photos` feed it;
`experiments` look into a run and train, `speed` measures; `compare` holds yours against it; `views` draw, `explorers`
move, `exercises` ask, `grading` marks. Each imports only those named before it. The first lines of a folder's
__init__.py say what is in it.

Importing this loads torch and nothing of matplotlib, ipywidgets or Jupyter: pictures live in `resnet_lib.views`,
widgets in `resnet_lib.explorers`.
"""

from ._common import shapes_only
from .activations import activations, step_names
from .anatomy import Anatomy, ShapeMismatch, Step, anatomy, out_size
from .blocks import BTNK1, BTNK2, Add, BasicBlock, Bottleneck, Projection, Stem
from .experiments import following as following  # tells anatomy how modules of one's own are followed
from .network import (
    DESIGNS,
    Design,
    ResNet,
    StageDesign,
    StemDesign,
    build,
    resnet18,
    resnet34,
    resnet50,
    resnet101,
    resnet152,
    resnext50_32x4d,
    resnext101_32x8d,
    wide_resnet50_2,
    wide_resnet101_2,
)

__all__ = [
    "Add",
    "Anatomy",
    "BTNK1",
    "BTNK2",
    "BasicBlock",
    "Bottleneck",
    "DESIGNS",
    "Design",
    "Projection",
    "ResNet",
    "ShapeMismatch",
    "StageDesign",
    "Stem",
    "StemDesign",
    "Step",
    "activations",
    "anatomy",
    "build",
    "from_published",
    "out_size",
    "resnet101",
    "resnet152",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnext101_32x8d",
    "resnext50_32x4d",
    "shapes_only",
    "step_names",
    "to_published",
    "wide_resnet101_2",
    "wide_resnet50_2",
]


def __getattr__(name):
    if name in ("from_published", "to_published"):  # loaded when asked for: a third of what this import takes
        from . import weights

        return getattr(weights, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
