"""Widgets: they hold the controls, call the library, and show its views. Display one by naming it in a cell."""

from .attribution import AttributionExplorer
from .bottleneck import BottleneckExplorer
from .compare import CompareExplorer
from .network import NetworkExplorer
from .photograph import PhotographExplorer
from .size import SizeExplorer
from .speed import SpeedExplorer
from .stage import StageExplorer
from .stem import StemExplorer

__all__ = [
    "AttributionExplorer", "BottleneckExplorer", "CompareExplorer", "NetworkExplorer", "PhotographExplorer",
    "SizeExplorer", "SpeedExplorer", "StageExplorer", "StemExplorer",
]  # fmt: skip
