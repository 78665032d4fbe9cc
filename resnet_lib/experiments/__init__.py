"""Experiments: twins, tasks, training, ablation, the loss landscape, signals, and a network within a budget."""

from .._common import runs_folder, seeded

__all__ = ["runs_folder", "seeded"]
