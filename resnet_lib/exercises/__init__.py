"""Exercises that teach: predictions, checks of what the learner has written, hints, and progress.

A check accepts any correct solution, however it is written, and names the mistake of a wrong one.
"""

from .asking import Prediction
from .features import (
    check_channel,
    check_one_value,
    check_response,
    check_silent,
    field_question,
    occlusion_question,
)
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
from .residuals import (
    check_diagnosis,
    check_factor,
    check_forecast,
    check_plain_block,
    check_start_as_shortcut,
    check_ways,
)
from .tensors import check_fold, check_grad_cam, check_rename
from .verdict import Verdict, Wrong

__all__ = [
    "Prediction", "Progress", "Question", "Verdict", "Wrong", "check_btnk1", "check_btnk2", "check_channel",
    "check_diagnosis", "check_factor", "check_fold", "check_forecast", "check_grad_cam", "check_macs",
    "check_network", "check_one_value", "check_out_width", "check_parameters", "check_plain_block",
    "check_projection", "check_receptive_field", "check_rename", "check_response", "check_silent", "check_stage",
    "check_start_as_shortcut", "check_stem", "check_ways", "choice_question", "count_question", "done",
    "field_question", "illegal_question", "occlusion_question", "predict", "reset", "shape_question", "solved",
    "width_question",
]  # fmt: skip
