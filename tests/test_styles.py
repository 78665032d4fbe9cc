"""Parts in many styles, right and wrong: no right one is refused, no wrong one accepted, and what is said is true.

A drawn sample in the usual run; `python -m tests.styles` and RESNET_COURSE_ALL=1 try all of them.
"""

import os

import pytest

from . import judging, spoilt, styles, writing
from .judging import judge, spoiled
from .writing import CHOICES, PLANS, Style

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


# One of each kind that a drawn run has found: (part, edits, choices of a style, what must not be said).
FALSE = [
    ("BTNK2", ("conv1 5×5",), dict(conv="unfold", layout="ordered"), "and gives 400"),
    ("BTNK2", ("conv1 5×5", "conv2 1×1"), dict(conv="plain", layout="parameters"), "a quarter"),
    ("BTNK2", ("two bn3", "no bn2"), dict(layout="parameters"), "after this convolution"),
    ("BTNK2", ("stray layer", "no conv2"), dict(conv="plain", layout="list"), "four times"),
    ("BTNK2", ("projected", "conv3 3×3"), dict(conv="own", layout="joined"), "four times"),
    ("BTNK2", ("two bn1",), dict(layout="lines"), "identity block"),
    ("stem", ("stray layer",), dict(layout="lines"), "identity block"),
    ("BTNK1", ("conv3 3×3", "conv2 7×7"), dict(conv="plain", layout="lines"), "four times"),
    ("BTNK1", ("conv2 stride 1", "conv3: {x} * 0.9"), dict(conv="own", layout="sequential"), "bn3 comes after"),
]
USUAL = Style(*(choices[0] for choices in CHOICES))


@pytest.mark.parametrize(("part", "names", "how", "said"), FALSE, ids=lambda v: " ".join(v) if type(v) is tuple else "")
def test_nothing_is_said_of_a_layer_that_another_mistake_explains(part, names, how, said):
    edits = [next(e for e in spoilt.EDITS[part] if e.name == name) for name in names]
    plan = PLANS[part]
    for edit in edits:
        plan = edit.change(plan)
    style = USUAL._replace(**how)
    found = judge(part, names, [e.true for e in edits], style, writing.written(part, style, plan))
    assert found.verdict in ("named", "placed", "error") and said not in found.sentence, found.sentence


def test_a_bias_of_a_head_by_hand_that_no_gradient_reaches_is_told_so_and_not_as_missing():
    choice = ("comprehension", "mean", "product", "attributes")
    source = styles.network_source(choice, None, after=".detach()")
    assert "no gradient reaches" in styles.judged("network", source).sentence


def test_two_edits_that_cancel_make_no_wrong_one():
    by_name = {e.name: e for e in spoilt.EDITS["projection"]}
    for other in ("no bn", "bn nn.Identity"):
        a, b = by_name["two bn"], by_name[other]
        both = b.change(a.change(PLANS["projection"]))
        assert not judging.apart(PLANS["projection"], a, b, both)
        assert styles.judged("projection", writing.written("projection", USUAL, both)).ok
