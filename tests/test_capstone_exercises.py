"""The checks of lesson 10: what a change costs, a design within its budget, an ablation, and its reasons."""

import re
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy
import pytest
import torch

from resnet_lib import Design, StageDesign, anatomy
from resnet_lib.exercises import (
    Prediction,
    Wrong,
    check_ablation,
    check_design,
    check_reasons,
    factors_question,
    predict,
    solved,
)
from resnet_lib.exercises.prose import filler
from resnet_lib.experiments.budget import PRESETS, budget_of, code, notes
from resnet_lib.experiments.tasks import photographs
from resnet_lib.views.report import ROOM


def refusal(check, *arguments, **options):
    with pytest.raises(Wrong) as caught:
        check(*arguments, exercise="10.9", **options)
    assert solved() == {}, "what is refused is not solved"
    verdict = caught.value.verdict
    assert len(verdict.hints) == 3 and all(verdict.hints)
    return f"{verdict.headline} {verdict.sentence}"


# ── What a change costs ──────────────────────────────────────────────────────────────────────────────────────

THIN = Design.resnet(base=16, num_classes=20)
HALF = Design.resnet(base=8, num_classes=20)
FINE = replace(HALF, stem=replace(HALF.stem, pool=False))
AT_32 = anatomy(THIN, 32)
CHANNELS = factors_question("Channels", AT_32, anatomy(Design.resnet(base=32, num_classes=20), 32), channels=2)
PICTURE = factors_question("Picture", AT_32, anatomy(THIN, 64), sides=2)
BOTH = factors_question("Both", AT_32, anatomy(FINE, 32), channels=1 / 2, sides=2)


TYPES = [
    torch.tensor([4.0, 4]),
    (Fraction(4), Decimal(4)),
    (numpy.float32(4), torch.tensor(4)),
    (4.0, "4"),
    ["8/2", "4"],
]


@pytest.mark.parametrize(
    ("question", "pairs"),
    [
        (CHANNELS, [(4, 4), [4.0, 4], (3.97, 3.99), "4, 4", "(4, 4)", CHANNELS.answer, *TYPES]),
        (PICTURE, [(1, 4), [1.0, 3.9], "1, 4"]),
        (BOTH, [(1 / 4, 1), (0.25, 1.0), "1/4, 1", "0.25, 1", "(1 / 4, 1)"]),
    ],
)
def test_the_factors_may_be_written_in_any_usual_way_and_need_be_right_to_a_tenth(question, pairs):
    for pair in pairs:
        assert predict(question, pair).ok


@pytest.mark.parametrize(
    ("question", "pair", "sentence"),
    [
        (CHANNELS, (2, 4), "The parameters: a kernel joins channels in with channels out"),
        (CHANNELS, (4, 2), "The MACs: a kernel joins channels in with channels out"),
        (CHANNELS, (1 / 4, 4), "how many times fewer"),
        (CHANNELS, (1, 4), "they do change"),
        (CHANNELS, (4, 8), "FLOPs are 2 × MACs"),
        (CHANNELS, (16, 4), "they go with C²"),
        (PICTURE, (4, 4), "do not know how large the picture is"),
        (PICTURE, (2, 4), "do not know how large the picture is"),
        (PICTURE, (1, 2), "also higher"),
        (PICTURE, (1, 1), "there are more places now"),
        (PICTURE, (4, 1), "The other way round"),
        (PICTURE, (1, 7), "they go with C² · W²"),
        (BOTH, (1 / 2, 1), "the square"),
        (BOTH, (1 / 4, 1 / 4), "there are more places now"),
        (BOTH, (1 / 4, 4), "the channels have changed as well"),
        (BOTH, (1 / 4, 2), "The MACs: a kernel joins"),
        (BOTH, (1 / 4, 1 / 2), "also higher"),
        (BOTH, (1, 1 / 4), "The other way round"),
        (BOTH, (0, 0), "The parameters: they go with C²"),
        (BOTH, None, "no prediction yet"),
        (BOTH, 4, "Two factors are wanted"),
        (BOTH, (4,), "Two factors are wanted"),
        (BOTH, (4, 4, 4), "Two factors are wanted"),
        (BOTH, (4, None), "Two factors are wanted"),
        (BOTH, ("a quarter", 1), "Two factors are wanted"),
        (BOTH, "a quarter and one", "Two factors are wanted"),
        (BOTH, "1/0, 1", "Two factors are wanted"),
    ],
)
def test_wrong_factors_are_told_which_law_they_forget(question, pair, sentence):
    assert sentence in refusal(predict, question, pair)


def test_factors_can_be_asked_for_in_the_widget_too():
    asked = Prediction(BOTH, exercise="10.1")
    asked.guess.value = "1/4, 4"
    assert "You said (0.25, 4)." in asked.said.value and "the channels have changed as well" in asked.said.value
    asked.guess.value = "1/4, 1"
    assert "✓" in asked.said.value and list(solved()) == ["10.1"]


# ── A design ─────────────────────────────────────────────────────────────────────────────────────────────────

TASK = photographs().first(64)
BUDGET = budget_of(THIN, TASK.size)
FOUR = replace(
    THIN,
    stem=replace(THIN.stem, C1=24),
    stages=(
        StageDesign(1, 24, 96),
        StageDesign(1, 48, 192, S=2),
        StageDesign(1, 96, 384, S=2),
        StageDesign(1, 128, 512),
    ),
)


def stage(number, design=FOUR, **numbers):
    """The design with numbers of one stage changed."""
    stages = list(design.stages)
    stages[number - 1] = replace(stages[number - 1], **numbers)
    return replace(design, stages=tuple(stages))


def stem(design=FOUR, **numbers):
    return replace(design, stem=replace(design.stem, **numbers))


@pytest.mark.parametrize(
    "design", [FOUR, *(replace(d, num_classes=20) for d in PRESETS.values() if d != PRESETS["thin ResNet-50"])]
)
def test_a_design_that_keeps_the_rules_is_accepted_with_what_it_spends_and_what_is_odd(design):
    verdict = check_design(design, TASK, BUDGET, unlike=THIN, exercise="10.2")
    costs = anatomy(design, 32)
    assert f"{costs.macs / BUDGET.macs:.1%} of the MACs" in verdict.sentence
    assert f"sees {costs.by_stage()[-2].receptive_field} pixels" in verdict.sentence
    assert verdict.remarks == tuple(notes(design, costs))
    assert list(solved()) == ["10.2"]


def test_a_design_may_have_numbers_of_numpy_and_is_over_with_them_too():
    one = numpy.int64(1)
    assert check_design(stage(3, blocks=one, C1=96 * one), TASK, BUDGET, unlike=THIN).ok
    assert "over the budget" in refusal(check_design, stage(3, C1=2**31 * one, C_out=2**33 * one), TASK, BUDGET)


WRONG_DESIGNS = [
    (None, "There is none yet"),
    (code(FOUR), "without quotes"),
    (FOUR.build(), "leave out .build()"),
    (type("Designer", (), {"design": FOUR})(), "take its .design"),
    ((FOUR,), "this is a tuple"),
    (THIN, "the numbers that you were given"),
    (replace(THIN, stages=list(THIN.stages)), "the numbers that you were given"),
    (stage(3, groups=5), "Stage 3: groups = 5 does not divide C1 = 96"),
    (stem(kernel=4), "has no middle pixel"),
    (replace(FOUR, stages=FOUR.stages[:3]), "must be four StageDesigns"),
    (stage(2, blocks=0), "blocks"),
    (replace(FOUR, num_classes=10), "has 10 classes, and the task has 20"),
    (replace(FOUR, in_channels=1), "Its in_channels is 1, and the task's pictures have 3"),
    (
        stage(1, C1=10**9, C_out=4 * 10**9),
        "parameters and more are over the budget of 1,491,236",
    ),  # more than torch can count, and nobody waits for
    (stage(2, blocks=10**6), "parameters and more are over the budget"),
    (stem(pool=False), "MACs are"),
    (stage(4, C1=512, C_out=2048), "parameters are"),
    (replace(HALF, stem=replace(HALF.stem, C1=4)), "of the MACs of the budget: spend at least half"),
    (
        replace(stem(THIN, C1=48, kernel=3, pool=False), stages=(StageDesign(1, 12, 48),) * 4),
        "of 32 pixels: it should see the whole picture",
    ),
]


@pytest.mark.parametrize(("design", "sentence"), WRONG_DESIGNS)
def test_a_design_that_breaks_a_rule_is_told_which(design, sentence):
    said = refusal(check_design, design, TASK, BUDGET, unlike=THIN)
    assert said.startswith("design is not right yet.") and sentence in said


# ── An ablation ──────────────────────────────────────────────────────────────────────────────────────────────

COARSE = stage(4, C1=216, C_out=864, S=2)
SAID = {"idea": "Stage 4 down to 1 × 1", "expected": "worse"}


V1 = replace(FOUR, stride_on="1x1")


@pytest.mark.parametrize("changed", [COARSE, stem(kernel=5), stage(4, groups=2, C1=144), V1])
@pytest.mark.parametrize("expected", ["better", "worse", "no difference", "Worse", " no difference "])
def test_one_change_at_about_the_same_cost_is_accepted_whatever_is_expected(changed, expected):
    verdict = check_ablation(changed, FOUR, TASK, BUDGET, idea="a wider stem", expected=expected, exercise="10.3")
    assert f"“a wider stem”: {expected.strip().lower()}." in verdict.sentence
    assert list(solved()) == ["10.3"]


def test_the_numbers_that_were_changed_are_listed():
    verdict = check_ablation(COARSE, FOUR, TASK, BUDGET, **SAID)
    assert verdict.remarks[0] == "Changed: Stage 4: C1 128 → 216; Stage 4: C_out 512 → 864; Stage 4: S 1 → 2."
    assert "not judged" in verdict.remarks[1]
    assert check_ablation(V1, FOUR, TASK, BUDGET, **SAID).remarks[0] == "Changed: stride_on 3x3 → 1x1."


@pytest.mark.parametrize(
    "idea",
    [
        "a kernel of 5 in the stem",
        "kernel 5",
        "groups = 4",
        "halve W earlier",
        "MAXPOOL out, half the channels",
        "Stufe 4: 216 statt 128 Kanäle",
        "第四阶段1×1",
        "first CONV 5×5",
    ],
)
def test_an_idea_may_be_said_in_any_words_and_in_those_of_the_exercise_with_numbers_of_its_own(idea):
    assert check_ablation(COARSE, FOUR, TASK, BUDGET, idea=idea, expected="worse").ok


@pytest.mark.parametrize(
    ("changed", "said", "sentence"),
    [
        (None, {}, "changed is not right yet. There is none yet"),
        (FOUR, {}, "It is still your design"),
        (replace(FOUR, stages=list(FOUR.stages)), {}, "It is still your design"),
        (stage(3, groups=5), {}, "does not divide"),
        (stage(4, C1=64, C_out=256), {}, "times the MACs of design"),
        (stem(pool=False), {}, "MACs are"),
        (COARSE, {"idea": ""}, "idea is not right yet. It is empty"),
        (COARSE, {"idea": "  \n"}, "idea is not right yet. It is empty"),
        (COARSE, {"idea": ["a wider stem"]}, "idea is not right yet. Text in quotes is expected, and this is a list"),
        (COARSE, {"idea": "x" * 300}, "does not say what you changed"),
        (COARSE, {"idea": "better better better"}, "does not say what you changed"),
        (COARSE, {"idea": "in a few words: what you changed, one idea, such as the pool"}, "the words of the exercise"),
        (COARSE, {"idea": "lorem ipsum 5"}, "does not say what you changed"),
        (COARSE, {"idea": "Dolor sit amet, consectetur 2"}, "does not say what you changed"),
        (COARSE, {"idea": "asdf jkl qwertz 4"}, "does not say what you changed"),
        (COARSE, {"idea": "foo bar 4"}, "does not say what you changed"),
        (COARSE, {"expected": None}, "expected is not right yet. None should be one of 'better', 'worse'"),
        (COARSE, {"expected": "the same"}, "'the same' should be one of"),
        (COARSE, {"expected": -1}, "-1 should be one of"),
    ],
)
def test_an_ablation_that_would_show_nothing_is_told_why(changed, said, sentence):
    assert sentence in refusal(check_ablation, changed, FOUR, TASK, BUDGET, **(SAID | said))


def test_the_first_hint_answers_what_was_said():
    for idea, expected, changed, hint in [
        ("", "worse", COARSE, "as you would to a neighbour"),
        ("a wider stem", "", COARSE, "No expectation is wrong here"),
        ("an idea", "worse", FOUR, "Turn one control"),
        ("an idea", "worse", stage(3, groups=5), "mend it"),
        ("an idea", "worse", None, "this design as code"),
    ]:
        with pytest.raises(Wrong) as caught:
            check_ablation(changed, FOUR, TASK, BUDGET, idea=idea, expected=expected)
        assert hint in caught.value.verdict.hints[0]


# ── Reasons ──────────────────────────────────────────────────────────────────────────────────────────────────

WHY = (
    "ResNet-50 was drawn for 224 pixels. On 32 its Stage 4 works on maps of 1 × 1, where most weights meet padding. So "
    "I halve W once less. Half of the parameters remain unspent. I do not know whether this order holds after more."
)


LOREM = (
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore "
    "magna aliqua. Ut enim ad minim veniam, quis nostrud exercitation ullamco laboris nisi ut aliquip ex ea commodo "
    "consequat. Duis aute irure dolor in reprehenderit in voluptate velit esse cillum dolore."
)


@pytest.mark.parametrize(
    "why",
    [
        WHY,
        f"\n\n{WHY}\n\nAn empty line begins a new paragraph.",
        "我选了24个通道，因为第四阶段在1×1的图上工作，那里的权重大多遇到填充。"
        "我把省下的计算用于更多通道：第三阶段从96到144，占预算的百分之三十七点五。"
        "消融实验里把第四阶段改回1×1，测试准确率低了2.1个百分点，"
        "但四次运行之间的差别也有1.7。我不知道训练一百倍的步数以后这个顺序是否还成立，"
        "也不知道换别的照片会怎样。图像大小为32时，末端一个值看到75个像素，已经比宽度大，"
        "所以不需要更多层。头部只有一个线性层，和参考网络一样，没有改动过。",
    ],
)
def test_reasons_of_a_fitting_length_with_two_numbers_are_accepted_in_any_language(why):
    assert check_reasons("A. Learner", why, exercise="10.4").ok
    assert list(solved()) == ["10.4"]


@pytest.mark.parametrize(
    ("author", "why", "sentence"),
    [
        ("", WHY, "author is not right yet. There is no name in it"),
        (" ", WHY, "author is not right yet. There is no name in it"),
        (None, WHY, "author is not right yet. Text in quotes is expected, and this is a NoneType"),
        ("A" * 61, WHY, "one page has room for 60"),
        ("A. Learner", "", "why is not right yet. It has 0 characters"),
        ("A. Learner", "\n" * 300, "It has 0 characters"),
        ("A. Learner", WHY[:199], "It has 199 characters"),
        ("A. Learner", " " * 300, "It has 0 characters"),
        ("...", WHY, "author is not right yet. There is no name in it"),
        ("your name", WHY, "author is not right yet. There is no name in it"),
        ("A. Learner", "good " * 60 + "12 34", "characters without what is repeated"),
        ("A. Learner", "It takes 12 % of 34. " * 20, "characters without what is repeated"),
        ("A. Learner", "12 34 " + "a b c d e f g " * 30, "different words"),
        (
            "A. Learner",
            "Write why, in 200 to 1,000 characters: what you chose and why, with at least two numbers, what the "
            "ablation showed, and what you do not know. An empty line starts a new paragraph. "
            "Explain your design. A design "
            "is only as good as its reasons.",
            "the words of the exercise",
        ),
        ("A. Learner", f"{LOREM[:300]} 5 and 7.", "It is filler, which says nothing"),
        ("A. Learner", WHY + "x" * ROOM, "the page has room for 1,000"),
        ("A. Learner", "图" * 501, "one page has room for 1,000"),
        ("A. Learner", WHY + "\n\n12\n\n13" * 6, "lines"),
        ("A. Learner", 12, "this is an int"),
        (
            "A. Learner",
            re.sub(r"\b\d+\b", "some", WHY) + " I liked ResNet-50 with its C1, BTNK2 and Stage0.",
            "fewer than two numbers",
        ),
        ("A. Learner", re.sub(r"\b\d+\b", "16", WHY.replace("-50", "")), "fewer than two"),
    ],
)
def test_reasons_that_are_too_short_too_long_or_without_numbers_are_told_so(author, why, sentence):
    assert sentence in refusal(check_reasons, author, why)


@pytest.mark.parametrize(
    "text",
    [
        "BTNK1, BTNK2",
        "CNNs as LSTM",
        "MLPs, not CNNs",
        "RMSNorm, SGDR",
        "GFLOPs and MACs per CONV",
        "sqrt, rsqrt",
        "HTTPS: no",
    ],
)
def test_abbreviations_in_a_text_are_no_filler(text):
    assert not filler(text)


@pytest.mark.parametrize(
    "text",
    ["sdkfj wklrt", "QWRT PLKJ", "SDKFJ wklrt the", "DFGH KLMN XCVB the", "Sdkf Wklrt", "QWRT", "xxx", "Lorem IPSUM"],
)
def test_keys_at_random_are_filler_in_capitals_too(text):
    assert filler(text)


def test_the_courses_own_abbreviations_are_no_filler():
    assert not filler("BTNK2 × 3") and filler("qwrt zxcv")
