"""Widgets: they hold the controls, call the library, and show its views. Display one by naming it in a cell.

    instrument     the screen that most explorers share: a scene of controls, drawing, numbers and maps, drawn by
                   instrument.js; an explorer fills the scene, `details` shows any view below it
    base, controls, tiles, source, work     what explorers are made of
    bottleneck and block_*, whole and whole_*, stem and stem_*     a block, a network, Stage 0

Each of the other files is one explorer.
"""

from .ablation import AblationExplorer
from .attribution import AttributionExplorer
from .bottleneck import BottleneckExplorer
from .clinic import ClinicExplorer
from .compare import CompareExplorer
from .depth import DepthExplorer
from .design import DesignExplorer
from .design_training import DesignTrainingExplorer
from .landscape import LandscapeExplorer
from .network import NetworkExplorer
from .notation import NotationExplorer
from .photograph import PhotographExplorer
from .report import ReportWriter
from .size import SizeExplorer
from .speed import SpeedExplorer
from .stage import StageExplorer
from .stem import StemExplorer
from .training import TrainingExplorer, TwinExplorer

__all__ = [
    "AblationExplorer",
    "AttributionExplorer",
    "BottleneckExplorer",
    "ClinicExplorer",
    "CompareExplorer",
    "DepthExplorer",
    "DesignExplorer",
    "DesignTrainingExplorer",
    "LandscapeExplorer",
    "NetworkExplorer",
    "NotationExplorer",
    "PhotographExplorer",
    "ReportWriter",
    "SizeExplorer",
    "SpeedExplorer",
    "StageExplorer",
    "StemExplorer",
    "TrainingExplorer",
    "TwinExplorer",
]
