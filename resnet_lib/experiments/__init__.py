"""Experiments: twins, tasks, training, ablation, the loss landscape, signals, and a network within a budget.

training       the one training loop, with its `Recipe`; race trains several networks in turn, on the tasks in tasks
twins          networks with other shortcuts than a ResNet's; signals, landscape and ablation measure them
budget         designs and what they may cost; comparison says how much of a difference is chance
pointing       whether attribution marks what matters; train_thin made the bundled weights
"""

from .._common import runs_folder, seeded

__all__ = ["runs_folder", "seeded"]
