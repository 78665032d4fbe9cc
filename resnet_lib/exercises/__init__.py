"""Exercises that teach: predictions, checks of what the learner has written, hints, and progress.

A check accepts any correct solution, however it is written, and names the mistake of a wrong one.

    parts          checks of blocks, stages and networks: by `compare`, with the hints in symptoms
    judge          checks of functions: edits has the right solution and its mistakes, diagnose what a number says by
                   itself, results and number_types read what was returned
    questions      predictions: asked has the lessons' small ones, own_question those with a student's own numbers
    verdict        what a check has found; progress what is solved; notebook lets Run All go through

Each of the other files has the checks of one subject: sizes, costs, widths, renaming, timer and so on.
"""

from .._common import replaced
from .asked import ask
from .capstone import check_ablation, check_design, check_reasons, factors_question
from .channels import check_channel, check_response, check_silent
from .checkpoints import check_contents, input_question
from .conversions import check_to_v1
from .costs import check_parameters
from .cure import check_cured
from .degradation import check_diagnosis
from .differences import check_ladder, first_difference_question
from .features import field_question, occlusion_question
from .folding import check_fold
from .grad_cam import check_grad_cam
from .intensity import check_intensity, limit_question
from .macs import check_macs
from .networks import first_block_question, first_blocks, most_question, resnet101_question
from .notebook import checked, explain_missing_names
from .numbers import own_numbers, student_numbers
from .one_value import check_one_value
from .own import yours
from .own_question import ask_own, check_own, check_own_block, own_question
from .parts import check_btnk1, check_btnk2, check_network, check_projection, check_stage, check_stem
from .prediction_widget import Prediction
from .progress import Progress, done, reset, solved
from .questions import (
    Question,
    choice_question,
    count_question,
    illegal_question,
    predict,
    shape_question,
    stride_question,
    width_question,
)
from .renaming import check_rename
from .residuals import check_factor, check_forecast, check_plain_block
from .shortcut_start import check_start_as_shortcut
from .sizes import check_bytes, check_numbers_left, check_receptive_field
from .speed import batch_question, check_pictures_a_second, steps_question
from .timer import check_fair
from .verdict import Verdict, Wrong
from .ways import check_ways
from .widths import check_out_width

__all__ = [
    "Prediction",
    "Progress",
    "Question",
    "Verdict",
    "Wrong",
    "ask",
    "ask_own",
    "batch_question",
    "check_ablation",
    "check_btnk1",
    "check_btnk2",
    "check_bytes",
    "check_channel",
    "check_contents",
    "check_cured",
    "check_design",
    "check_diagnosis",
    "check_factor",
    "check_fair",
    "check_fold",
    "check_forecast",
    "check_grad_cam",
    "check_intensity",
    "check_ladder",
    "check_macs",
    "check_network",
    "check_numbers_left",
    "check_one_value",
    "check_out_width",
    "check_own",
    "check_own_block",
    "check_parameters",
    "check_pictures_a_second",
    "check_plain_block",
    "check_projection",
    "check_reasons",
    "check_receptive_field",
    "check_rename",
    "check_response",
    "check_silent",
    "check_stage",
    "check_start_as_shortcut",
    "check_stem",
    "check_to_v1",
    "check_ways",
    "choice_question",
    "count_question",
    "done",
    "factors_question",
    "field_question",
    "first_block_question",
    "first_blocks",
    "first_difference_question",
    "illegal_question",
    "input_question",
    "limit_question",
    "most_question",
    "occlusion_question",
    "own_numbers",
    "own_question",
    "predict",
    "reset",
    "resnet101_question",
    "shape_question",
    "solved",
    "steps_question",
    "stride_question",
    "student_numbers",
    "width_question",
    "yours",
]

for _name in __all__:
    if _name.startswith("check_") or _name == "predict":
        globals()[_name] = checked(globals()[_name])
explain_missing_names()
replaced.keep()
