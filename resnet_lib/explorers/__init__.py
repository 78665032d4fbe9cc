"""Widgets: they hold the controls, call the library, and show its views. Display one by naming it in a cell."""

from .bottleneck import BottleneckExplorer
from .network import NetworkExplorer
from .size import SizeExplorer
from .stage import StageExplorer
from .stem import StemExplorer

__all__ = ["BottleneckExplorer", "NetworkExplorer", "SizeExplorer", "StageExplorer", "StemExplorer"]
