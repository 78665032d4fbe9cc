"""Exercises that teach: predictions, checks of what the learner has written, hints, and progress.

A check accepts any correct solution, however it is written, and names the mistake of a wrong one.
"""

from .parts import check_btnk1, check_btnk2, check_network, check_projection, check_stage, check_stem
from .progress import reset, solved
from .verdict import Verdict, Wrong

__all__ = [
    "Verdict", "Wrong", "check_btnk1", "check_btnk2", "check_network", "check_projection", "check_stage",
    "check_stem", "reset", "solved",
]  # fmt: skip
