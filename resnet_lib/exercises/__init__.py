"""Exercises that teach: predictions, checks of what the learner has written, hints, and progress.

A check accepts any correct solution, however it is written, and names the mistake of a wrong one.
"""

from .asking import Prediction
from .cure import check_cured
from .formulas import check_macs, check_out_width, check_parameters, check_receptive_field
from .parts import check_btnk1, check_btnk2, check_network, check_projection, check_stage, check_stem
from .prediction import (
    Question,
    choice_question,
    count_question,
    illegal_question,
    predict,
    shape_question,
    width_question,
)
from .progress import Progress, done, reset, solved
from .tensors import check_fold, check_grad_cam, check_rename
from .verdict import Verdict, Wrong

__all__ = [
    "Prediction", "Progress", "Question", "Verdict", "Wrong", "check_btnk1", "check_btnk2", "check_cured",
    "check_fold", "check_grad_cam", "check_macs", "check_network", "check_out_width", "check_parameters",
    "check_projection", "check_receptive_field", "check_rename", "check_stage", "check_stem", "choice_question",
    "count_question", "done", "illegal_question", "predict", "reset", "shape_question", "solved", "width_question",
]  # fmt: skip
