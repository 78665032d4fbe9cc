"""Helpers that every room uses, and checks of what is passed to blocks and networks. Imports nothing of ours."""

from . import replaced
from .building import shapes_only, unfilled
from .checks import (
    Checked,
    check,
    check_bottleneck,
    check_finite,
    check_input,
    check_name,
    check_options,
    check_place,
    check_sum,
    check_training_size,
    input_problem,
    number_problem,
    quarter,
)
from .designs import check_design, design_problems, divisors, out_of_range
from .files import alone, runs_folder, whole
from .findings import Finding, Kind, a_type, kinds_of, say, with_article
from .lasting import hooks_of, note_random, tell, watched
from .own_code import own_lines, shell
from .published_parts import PublishedParts
from .step_names import step_called
from .values import evaluating, gap, one_thread, pair, seeded, shape_text, threads

__all__ = [
    "hooks_of",
    "replaced",
    "a_type",
    "kinds_of",
    "with_article",
    "note_random",
    "tell",
    "watched",
    "own_lines",
    "shell",
    "shapes_only",
    "unfilled",
    "Checked",
    "check",
    "check_bottleneck",
    "check_finite",
    "check_input",
    "check_name",
    "check_options",
    "check_place",
    "check_sum",
    "check_training_size",
    "input_problem",
    "number_problem",
    "quarter",
    "check_design",
    "design_problems",
    "divisors",
    "out_of_range",
    "alone",
    "runs_folder",
    "whole",
    "Finding",
    "Kind",
    "say",
    "PublishedParts",
    "step_called",
    "evaluating",
    "gap",
    "one_thread",
    "pair",
    "seeded",
    "shape_text",
    "threads",
]
