"""Experiments: looking into one run of a network, changing it, training it, and a network within a budget.

seen           a picture's run, with every step's inputs and outputs
attribution    Grad-CAM, occlusion and gradients; arithmetic explains one value
following      the steps of a block of your own, found by running it without numbers (with functions)
training       the one training loop, with its `Recipe`; race trains several networks in turn, on the tasks in tasks
twins          networks with other shortcuts than a ResNet's; signals, landscape and ablation measure them
budget         designs and what they may cost; comparison says how much of a difference is chance
pointing       whether attribution marks what matters; train_thin made the bundled weights
"""

from .._common import runs_folder, seeded

__all__ = ["runs_folder", "seeded"]
