"""Widgets: they hold the controls, call the library, and show its views. Display one by naming it in a cell."""

from .ablation import AblationExplorer
from .attribution import AttributionExplorer
from .bottleneck import BottleneckExplorer
from .compare import CompareExplorer
from .landscape import LandscapeExplorer
from .network import NetworkExplorer
from .photograph import PhotographExplorer
from .size import SizeExplorer
from .stage import StageExplorer
from .stem import StemExplorer

__all__ = [
    "AblationExplorer", "AttributionExplorer", "BottleneckExplorer", "CompareExplorer", "LandscapeExplorer",
    "NetworkExplorer", "PhotographExplorer", "SizeExplorer", "StageExplorer", "StemExplorer",
]  # fmt: skip
