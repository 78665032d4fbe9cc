"""Findings decide, words only tell: with every sentence replaced by the name of its kind, the checks of parts, the
ladder and the clinic give the same verdicts and the same hints."""

import ast
from pathlib import Path

import pytest
from torch import nn

import resnet_lib
from resnet_lib import ResNet
from resnet_lib._common import findings
from resnet_lib.compare import sentences
from resnet_lib.compare.clinic.patients import PATIENTS
from resnet_lib.compare.meanings import MEANINGS
from resnet_lib.compare.sentences import MISTAKES
from resnet_lib.exercises import Wrong, check_cured, check_ladder, parts, symptoms
from resnet_lib.exercises.rows import KINDS as OF_ROWS

from .mutants import CHECKS


def judged(check, *given, **parts):
    """(whether it passed, its hints, its sentence)."""
    try:
        verdict = check(*given, **parts)
    except Wrong as wrong:
        verdict = wrong.verdict
    return verdict.ok, verdict.hints, verdict.sentence


def only_kinds(monkeypatch):
    for module in (findings, sentences):
        monkeypatch.setattr(module, "say", lambda finding: finding.kind.name)


@pytest.mark.parametrize(
    ("part", "mistake"),
    [
        (part, mistake)
        for part, mistakes in {
            "stem": ("no super", "no relu", "64 typed in", "pool 2", "misspelt", "None"),
            "projection": ("no stride", "bias", "relu", "not made"),
            "BTNK2": ("no relu1", "into x", "no padding", "mean", "frozen BN"),
            "BTNK1": ("no projection", "stride on the 1x1", "plain list"),
        }.items()
        for mistake in mistakes
    ],
)
def test_hints_of_parts_do_not_depend_on_words(monkeypatch, part, mistake):
    make, check, *_ = CHECKS[part]
    usual = judged(check, make("modules", mistake))
    only_kinds(monkeypatch)
    replaced = judged(check, make("modules", mistake))
    assert usual[:2] == replaced[:2] and not usual[0]
    assert usual[2] != replaced[2], "the words were not replaced"


@pytest.mark.slow
def test_hints_of_the_ladder_and_the_clinic_do_not_depend_on_words(monkeypatch):
    reference = ResNet(blocks=(1, 1, 1, 1), base=8, num_classes=10)

    def make():
        network = ResNet(blocks=(1, 1, 1, 1), base=8, num_classes=10)
        network.stage0.pool = nn.MaxPool2d(2, 2)
        return network

    patients = [PATIENTS[name] for name in ("halving", "eager")]

    def all_of_them():
        return [judged(check_ladder, make, reference), *(judged(check_cured, p, **p.parts) for p in patients)]

    usual = all_of_them()
    only_kinds(monkeypatch)
    replaced = all_of_them()
    assert not any(ok for ok, *_ in usual + replaced)
    (ladder, *others), (ladder_in_kinds, *others_in_kinds) = usual, replaced
    assert [hints for _, hints, _ in others] == [hints for _, hints, _ in others_in_kinds]
    assert all(told != kind for (*_, told), (*_, kind) in zip(others, others_in_kinds, strict=True))
    # The ladder's sentence says only where; its last hint is the cause, a finding that is told itself.
    assert ladder[1][:-1] == ladder_in_kinds[1][:-1] and ladder[1][-1] != ladder_in_kinds[1][-1]


def test_every_kind_that_a_hint_belongs_to_is_made_somewhere():
    library = Path(resnet_lib.__file__).parent
    made = {
        node.value
        for room in ("compare", "exercises")
        for file in (library / room).rglob("*.py")
        if file.name != "symptoms.py"
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    rows = [row for part in (*symptoms.OWN.values(), symptoms.SYMPTOMS) for row in part]
    made |= {kind for kind, *_ in MEANINGS} | parts.KINDS.keys() | OF_ROWS.keys()
    assert {name for _, names in rows for name in names or ()} <= made, "a misspelt one would never be chosen"


def test_every_mistake_that_is_planted_has_a_hint_that_looks_where_it_is():
    rows = [row for part in (*symptoms.OWN.values(), symptoms.SYMPTOMS) for row in part]
    hinted = {name for _, names in rows for name in names or ()}
    assert MISTAKES.keys() - hinted == {"two at once"}  # hints are those of the first
