"""Parts in many styles, right and wrong: no right one is refused, no wrong one accepted, and what is said is true.

A drawn sample in the usual run; `python -m tests.styles` and RESNET_COURSE_ALL=1 try all of them.
"""

import os

import pytest

from . import spoilt, styles
from .judging import judge, spoiled
from .writing import CHOICES, PLANS

ALL = bool(os.environ.get("RESNET_COURSE_ALL"))
PARTS = list(styles.CHECKS)


@pytest.mark.parametrize("part", PARTS)
def test_there_are_sixty_styles_of_each_part_and_each_choice_is_in_one_of_them(part):
    found = styles.sources(part, 60)
    assert len({source for _, source in found}) == 60
    drawn = [style for style, _ in found] if part in PLANS else [style for (_, style), _ in found if style]
    if part in PLANS:
        assert all(
            {getattr(s, field) for s in drawn} >= set(values) - {"shortcut first"}
            for field, values in CHOICES._asdict().items()
        )


@pytest.mark.parametrize("part", PARTS)
def test_right_ones_are_accepted_in_every_style(part):
    for _, source in styles.sources(part, 60)[:: 1 if ALL else 20]:
        verdict = styles.judged(part, source)
        assert verdict.ok, f"{verdict.sentence}\n{source}"


@pytest.mark.parametrize("part", PARTS)
def test_wrong_ones_are_refused_and_nothing_false_is_said_of_them(part):
    cases = list(spoiled(part, 2, 100) if ALL else spoiled(part))
    for case in cases if ALL else cases[:: len(cases) // 8]:
        found = judge(part, *case)
        assert found.verdict in ("named", "placed", "error"), f"{found.edits}: {found.sentence}\n{found.source}"


def test_every_edit_changes_what_it_is_made_to_change():
    for part, edits in spoilt.EDITS.items():
        assert all(edit.change(PLANS[part]) != PLANS[part] for edit in edits)
        assert len({edit.name for edit in edits}) == len(edits)
