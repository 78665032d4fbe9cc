"""Unusual ways to write a part: no right one is refused, and of a wrong one nothing is said that is not true of it."""

import warnings

import pytest

from resnet_lib.compare.kinds import kinds

from . import oddities, styles


def judged(source):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return styles.judged("BTNK1", source)


@pytest.mark.parametrize("name", oddities.RIGHT)
def test_right_ones_are_accepted_however_unusual(name):
    verdict = judged(oddities.source(oddities.RIGHT[name], oddities.MADE.get(name, "")))
    assert verdict.ok, verdict.sentence


@pytest.mark.parametrize("name", oddities.WRONG)
def test_what_is_wrong_is_told_as_what_it_is(name):
    edits, kind, never = oddities.WRONG[name]
    verdict = judged(oddities.source(edits))
    assert not verdict.ok
    said = kinds(verdict.finding)
    assert set(kind.split("|")) & set(said) and not set(never) & set(said), verdict.sentence


def test_what_holds_in_one_mode_alone_is_told_so():
    said = judged(oddities.source(oddities.WRONG["no gradient in eval()"][0])).sentence
    assert "the gradients in eval() are not" in said


def test_two_numbers_are_told_apart_by_their_digits():
    said = judged(oddities.source([oddities.called("bn3", "f = self.bn3(f) * 1.0001")])).sentence
    mine, right = said.partition(" it is ")[2].partition(" is expected")[0].split(", and ")
    assert float(mine) != float(right)


def test_a_train_that_gives_nothing_is_worth_a_word():
    verdict = judged(oddities.source(oddities.RIGHT["train() gives nothing"]))
    assert any("return self" in remark for remark in verdict.remarks)
