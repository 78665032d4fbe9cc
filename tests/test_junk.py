"""Whatever a learner's function returns or raises, a check refuses it in words, and never breaks."""

import os
import warnings

import pytest
import torch

from resnet_lib.exercises import Wrong, check_fair

from . import junk
from . import test_speed_exercises as speed
from .mutated import SUBJECTS, Subject, made

ALL = [
    *SUBJECTS,
    Subject("fair", check_fair, speed.FAIR),
]
# Together they take minutes: in the usual run a third of the checks, and each is given a fifth of the junk, another one
# than the check before; all with RESNET_COURSE_ALL=1 in the environment.
PARTS = 1
if not os.environ.get("RESNET_COURSE_ALL"):
    ALL, PARTS = ALL[::3], 5


def said(check, f):
    """The refusal of a check; None where it has accepted."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            check(f)
        except Wrong as wrong:
            return wrong.verdict
    return None


def proper(verdict):
    """Whether a refusal is one that a learner can read."""
    text = str(verdict)
    return (
        verdict is not None
        and verdict.finding is not None
        and 10 < len(verdict.sentence) <= 900
        and "Traceback" not in text
        and len(verdict.hints) >= 2
        and verdict._repr_html_()
    )


@pytest.mark.parametrize("subject", ALL, ids=lambda subject: subject.name)
def test_junk_is_refused_in_words(subject):
    right = made(subject.right[0], subject.space)
    torch.manual_seed(0)
    bad = []
    for name, f in list(junk.functions(right))[ALL.index(subject) % PARTS :: PARTS]:
        verdict = said(subject.check, f)
        if verdict is None and "second" in name and subject.name == "rename":
            continue  # it is called once
        if not proper(verdict):
            bad.append((name, verdict and verdict.sentence))
    assert bad == []


@pytest.mark.parametrize("subject", ALL, ids=lambda subject: subject.name)
def test_what_is_not_a_function_is_refused_in_words(subject):
    for name, value in junk.not_functions().items():
        verdict = said(subject.check, value)
        assert proper(verdict), name
