"""Numbers and tensors in, pictures out: mosaics of feature maps, block diagrams, charts of cost.

    markup, svg, style     the pieces that views are made of: the only tables, bars, colours and sizes
    maps, curves, diagram, charts     feature maps, lines, a block, costs

Each of the other files draws one subject, and is called as the file that computes it, or the explorer that shows it.
"""

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
