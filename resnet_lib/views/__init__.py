"""Numbers and tensors in, pictures out: mosaics of feature maps, block diagrams, charts of cost."""

from .anatomy import anatomy_table
from .charts import cost_bars
from .diagram import block_diagram
from .maps import bmp, colour_bar, mosaic, picture, show_maps, statistics
from .proof import proof_table
from .speed import roofline, standing_table, time_bars

__all__ = [
    "anatomy_table",
    "block_diagram",
    "bmp",
    "colour_bar",
    "cost_bars",
    "mosaic",
    "picture",
    "proof_table",
    "roofline",
    "show_maps",
    "standing_table",
    "statistics",
    "time_bars",
]
