"""Experiments: twins, tasks, training, ablation, the loss landscape, signals, and a network within a budget."""
