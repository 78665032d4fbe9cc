"""Checks of a learner's own parts: every right solution is accepted, however it is written, and every wrong one is told
what is wrong with it."""

import json
import os
from types import SimpleNamespace

import IPython
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from resnet_lib import BTNK1, BTNK2, Stem, resnet50
from resnet_lib.exercises import (
    Wrong,
    check_btnk1,
    check_btnk2,
    check_network,
    check_out_width,
    check_parameters,
    check_projection,
    check_stage,
    check_stem,
    reset,
    solved,
)

from .mutants import CHECKS, judge, names, wrong


def refusal(check, make, **options):
    with pytest.raises(Wrong) as caught:
        check(make, **options)
    return caught.value.verdict


# ── Right and wrong solutions ────────────────────────────────────────────────────────────────────────────────


def few():
    """Every mistake once, each in the next style. (`test_styles` tries more of them.)"""
    chosen = {}
    for case in wrong():
        chosen.setdefault((case[0], case[2]), []).append(case)
    for i, group in enumerate(chosen.values()):
        yield group[i % len(group)]


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("name", "style", "mistake", "said"), list(few()))
def test_a_wrong_solution_is_refused_with_the_sentence_that_names_its_mistake(name, style, mistake, said):
    ok, text = judge(name, style, mistake)
    assert not ok
    assert names(text, said), text


def test_every_check_has_at_least_eight_mistakes_and_five_styles():
    for _, _, styles, mistakes in CHECKS.values():
        assert len(mistakes) >= 8
        assert len(styles) >= 5


def test_a_layer_at_which_it_stops_stands_where_it_ran_whatever_order_it_was_made_in():
    _, text = judge("stage", "backwards", "C1 for 4·C1")
    assert "first differ at conv1 of block 2: your conv1 of block 2, (2, 8, 1, 1), is there" in text


def test_two_mistakes_at_once_are_both_named():
    _, text = judge("BTNK2", "modules", "no relu1", "no last relu")
    assert "Two things at once" in text and "after bn1" in text and "after the sum" in text


class EinsumBlock(nn.Module):
    """The 1×1 convolutions as matrices, without a convolution of PyTorch's."""

    def __init__(self, C):
        super().__init__()
        self.out = nn.Parameter(torch.randn(C, C // 4))
        self.mid = nn.Conv2d(C // 4, C // 4, 3, padding="same", bias=False)
        self.first = nn.Parameter(torch.randn(C // 4, C))
        self.norms = nn.ModuleDict({"3": nn.BatchNorm2d(C), "1": nn.BatchNorm2d(C // 4), "2": nn.BatchNorm2d(C // 4)})

    def forward(self, x):
        f = self.norms["1"](torch.einsum("oi,bihw->bohw", self.first, x)).relu()
        f = self.norms["2"](self.mid(f)).relu_()
        return self.norms["3"](torch.einsum("oi,bihw->bohw", self.out, f)).add_(x).relu_()


class LazyBlock(nn.Module):
    """BTNK1 with F in one Sequential, the shortcut in a list, and lazily made layers."""

    def __init__(self, C, C1, S=1):
        super().__init__()
        self.paths = nn.ModuleList(
            [
                nn.Sequential(nn.LazyConv2d(4 * C1, 1, stride=S, bias=False), nn.BatchNorm2d(4 * C1)),
                nn.Sequential(
                    nn.LazyConv2d(C1, 1, bias=False),
                    nn.LazyBatchNorm2d(),
                    nn.ReLU(),
                    nn.ZeroPad2d(1),
                    nn.LazyConv2d(C1, 3, stride=S, bias=False),
                    nn.LazyBatchNorm2d(),
                    nn.ReLU(),
                    nn.LazyConv2d(4 * C1, 1, bias=False),
                    nn.LazyBatchNorm2d(),
                ),
            ]
        )

    def forward(self, x):
        return torch.stack([path(x) for path in self.paths]).sum(0).relu()


def a_function_in_place_of_a_class(C=3, C1=64):
    return nn.Sequential(
        nn.Conv2d(C, C1, 7, 2, 3, bias=False), nn.BatchNorm2d(C1), nn.MaxPool2d(3, 2, 1), nn.ReLU()
    )  # the pooling and the ReLU may change places: the largest of what is kept is the same


@pytest.mark.parametrize(
    ("check", "make"),
    [(check_btnk2, EinsumBlock), (check_btnk1, LazyBlock), (check_stem, a_function_in_place_of_a_class)],
)
def test_unusual_ways_to_write_a_part_are_accepted_too(check, make):
    assert check(make).ok


# ── What a verdict shows ─────────────────────────────────────────────────────────────────────────────────────


def test_the_layers_stand_beside_the_references_and_the_first_that_differs_is_marked():
    class Quarter(BTNK2):
        def __init__(self, C):
            super().__init__(C)
            self.conv3 = nn.Conv2d(C // 4, C // 4, 1, bias=False)

    verdict = refusal(check_btnk2, Quarter)
    assert [row[-1] for row in verdict.cells()[0]] == ["", "", "", "", "other shape ← the first", ""]
    assert "C1 where 4·C1 is due" in verdict.sentence
    html = verdict._repr_html_()
    assert html.count("class=marked") == 1 and 'role="alert"' in html


def test_of_a_whole_network_only_the_layers_around_the_first_difference_are_shown():
    verdict = refusal(check_network, lambda: resnet50(num_classes=7))
    assert "gives 7" in verdict.sentence
    few, left = verdict.cells()
    assert len(verdict.rows) == 107 and len(few) + left == 107
    assert few[-1][-1] == "other shape ← the first"
    assert f"{left} more layers" in verdict._repr_html_() and f"{left} more layers" in str(verdict)


def test_an_error_is_shown_with_the_learners_own_line_and_what_it_probably_means():
    class Misspelt(BTNK2):
        def forward(self, x):
            return self.relu4(x)

    verdict = refusal(check_btnk2, Misspelt)
    assert "forward uses self.relu4, and __init__ does not make it" in verdict.sentence
    assert verdict.where.startswith("It stopped in forward, line ")
    assert verdict.where.endswith("return self.relu4(x)")


@pytest.mark.parametrize(
    ("mistake", "sentence"),
    [
        (lambda: nn.Conv2d(4 / 2, 4, 1), "divide with //"),
        (lambda: nn.Sequential([nn.ReLU()]), "with the star"),
        (lambda: nn.Linear(3, 4)(torch.zeros(2, 5)), "The linear layer gets 2x5 and was made for 3x4"),
        (lambda: nn.BatchNorm2d(4)(torch.zeros(2, 3, 5, 5)), "made for 4 channels is given 3"),
        (lambda: nn.Conv2d(4, 4, 1)(torch.zeros(2, 3, 5, 5)), "made for 4 channels is given 3"),
        (lambda: torch.zeros(2, 3, 5, 5) + torch.zeros(2, 4, 5, 5), "The channels of the two terms differ, 3 and 4"),
        (lambda: torch.zeros(1, 3, 28, 28) + torch.zeros(1, 3, 56, 56), "The two terms are 28 and 56 wide"),
        (lambda: torch.zeros(2, 3, 54, 54) + torch.zeros(2, 3, 56, 56), "The two terms are 54 and 56 wide"),
        (lambda: torch.relu(None), "Something gives None"),
        (lambda: undefined, "undefined is used and never given a value"),
        (lambda: nn.Module()(1), "no method called forward"),
        (lambda: nn.ReLU(inplce=True), "no argument called inplce"),
    ],
)
def test_errors_of_python_are_explained(mistake, sentence):
    assert sentence in refusal(check_stem, lambda C, C1: mistake()).sentence


@pytest.mark.slow
def test_super_init_is_asked_for():
    class Bare(nn.Module):
        def __init__(self, C, C1):
            self.conv = nn.Conv2d(C, C1, 7)

    verdict = refusal(check_stem, Bare)
    assert "super().__init__()" in verdict.sentence and "first line of __init__" in verdict.hints[0]


def test_a_module_in_place_of_its_class_is_told_so():
    assert "the class itself, Stem, without brackets" in refusal(check_stem, Stem()).sentence
    assert "was given 7" in refusal(check_stem, 7).sentence


def test_what_a_check_calls_right_is_remarked_on_where_that_teaches():
    class InPlace(BTNK2):
        def __init__(self, C):
            super().__init__(C)
            self.relu1 = nn.ReLU(inplace=True)

    assert "overwrites" in check_btnk2(InPlace).remarks[0]
    assert check_btnk2(BTNK2).remarks == ()


def test_hints_go_from_the_symptom_to_nearly_the_solution():
    class NoReLU(BTNK2):
        def __init__(self, C):
            super().__init__(C)
            self.relu1 = nn.Identity()

    verdict = refusal(check_btnk2, NoReLU)
    assert "Count your ReLUs" in verdict.hints[0]
    assert "return relu(f + …)" in verdict.hints[-1]
    html = verdict._repr_html_()
    assert html.count("<details") == 3 and "open" not in html
    assert html.index("A hint") < html.index("A larger hint") < html.index("Nearly the solution")
    assert check_btnk2(BTNK2).hints == ()


def test_names_are_asked_for_only_where_a_lesson_needs_them():
    _, text = judge("BTNK2", "other names")
    assert "is right" in text
    verdict = refusal(check_btnk2, CHECKS["BTNK2"][0]("other names"), names=["conv1", "bn1"])
    assert "It computes the right numbers" in verdict.sentence
    assert "there is none called conv1, bn1" in verdict.sentence
    assert check_btnk2(BTNK2, names=["conv1", "bn1"]).ok


@pytest.mark.slow
def test_v1_is_refused_or_allowed_as_the_lesson_says():
    def v1(C, C1, S=1):
        return BTNK1(C, C1, S, stride_on="1x1")

    assert "first 1×1" in refusal(check_btnk1, v1).sentence
    assert check_btnk1(v1, stride_on="1x1").ok
    verdict = check_btnk1(v1, stride_on="any")
    assert verdict.ok and "v1, the paper" in verdict.sentence
    with pytest.raises(ValueError, match="stride_on = '5x5'"):
        check_btnk1(v1, stride_on="5x5")


@pytest.mark.slow
def test_the_whole_resnet_50_is_accepted_and_its_v1_told_apart_at_the_first_strided_block():
    assert check_network(resnet50).ok
    assert (
        "stage2.0: the stride sits on the first 1×1"
        in refusal(check_network, lambda: resnet50(stride_on="1x1")).sentence
    )


def whole(blocks=(2, 2, 2, 2), strides=(1, 2, 2, 2), **change):
    """A thin ResNet as lesson 05 has it written. change: a part and what is there instead."""

    class MyResNet50(nn.Module):
        def __init__(self):
            super().__init__()
            self.stage0, C = Stem(3, 8), 8
            for i, (n, S) in enumerate(zip(blocks, strides, strict=True)):
                C1 = 8 * 2**i
                stage = nn.Sequential(BTNK1(C, C1, S), *(BTNK2(4 * C1) for _ in range(n - 1)))
                setattr(self, f"stage{i + 1}", stage)
                C = 4 * C1
            self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 10))
            for name, part in change.items():
                self._modules.pop(name, None)
                setattr(self, name, part)

        def forward(self, x):
            x = self.stage2(self.stage1(self.stage0(x)))
            x = self.stage3(x)
            return self.head(self.stage4(x))

    return MyResNet50


def refused_network(make):
    return refusal(check_network, make, blocks=(2, 2, 2, 2), base=8, num_classes=10)


def test_a_network_with_nothing_in_it_is_told_so_and_not_which_layer_is_missing():
    class MyResNet50(nn.Module):
        def forward(self, x):
            return x

    class CallsThem(nn.Module):
        def forward(self, x):
            return self.stage0(x)

    verdict = refused_network(MyResNet50)
    assert "It has no layers yet" in verdict.sentence and "__init__" in verdict.hints[0] and verdict.rows == ()
    assert "__init__ does not make it under that name" in refused_network(CallsThem).sentence


def test_blocks_too_many_or_too_few_are_counted_stage_by_stage():
    verdict = refused_network(whole(blocks=(2, 1, 3, 2)))
    assert verdict.sentence == "Stage 2 has 1 block, and 2 are due. Stage 3 has 3 blocks, and 2 are due."
    assert "n is the last" in verdict.hints[0]


@pytest.mark.parametrize("handed_on", [True, False])
def test_num_classes_must_reach_the_head_where_a_network_takes_it(handed_on):
    class MyResNet50(whole()):
        def __init__(self, num_classes=10):
            super().__init__()
            if handed_on:
                self.head[2] = nn.Linear(256, num_classes)

    options = dict(blocks=(2, 2, 2, 2), base=8, num_classes=10, exercise="05.1")
    if handed_on:
        assert check_network(MyResNet50, **options).ok
    else:
        verdict = refusal(check_network, MyResNet50, **options)
        assert "num_classes plays no part" in verdict.sentence and "num_classes scores" in verdict.hints[0]
    assert list(solved()) == ["05.1"] * handed_on


def test_blocks_are_not_counted_where_something_else_is_wrong_too():
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 7))
    assert "are due" not in refused_network(whole(blocks=(2, 2, 3, 2), head=head)).sentence


def test_a_part_that_is_left_out_on_the_way_is_named():
    _, text = judge("network", "modules", "Stage 3 left out")
    assert "has not called part2: call it" in text
    line, inside = text.split("It stopped in forward, ")[1].splitlines()[0].split(". In there, ")
    assert "x = getattr(self" in line and 'c[f"conv' in inside, "first the network's own line, then the part's"


def test_of_an_error_in_a_given_part_the_line_that_called_it_is_shown_first():
    class Drops(whole()):
        def forward(self, x):
            x = self.stage2(self.stage1(self.stage0(x)))
            self.stage3(x)
            return self.head(self.stage4(x))

    verdict = refused_network(Drops)
    assert "C = 128 is given 64 channels" in verdict.sentence
    assert verdict.where.endswith("return self.head(self.stage4(x))")


def test_a_class_in_the_place_of_a_part_is_told_from_a_missing_layer():
    verdict = refused_network(whole(stage0=Stem))
    assert "self.stage0 is the class Stem itself" in verdict.sentence and "brackets" in verdict.hints[0]


def test_a_class_that_a_network_only_keeps_is_no_mistake():
    verdict = refused_network(whole(blocks=(2, 2, 3, 2), norm=nn.BatchNorm2d))
    assert "Stage 3 has 3 blocks" in verdict.sentence
    assert check_network(whole(norm=nn.BatchNorm2d), blocks=(2, 2, 2, 2), base=8, num_classes=10).ok


@pytest.mark.parametrize(
    "strides, sentence",
    [((2, 2, 2, 2), "stage1.0: the block has S = 2"), ((1, 2, 1, 2), "stage3.0: the block has S = 1")],
)
def test_hints_for_a_network_speak_of_make_stage_and_not_of_the_inside_of_a_block(strides, sentence):
    verdict = refused_network(whole(strides=strides))
    assert sentence in verdict.sentence and "make_stage(C, C1, S, n)" in verdict.hints[0]


class NaNInTraining(nn.BatchNorm2d):
    def forward(self, x):
        y = super().forward(x)
        return y * float("nan") if self.training else y


class NaNStored(nn.BatchNorm2d):
    def forward(self, x):
        y = super().forward(x)
        if self.training:
            self.running_var.mul_(float("nan"))
        return y


@pytest.mark.parametrize(
    ("norm", "sentence"),
    [
        (NaNInTraining, "in training mode differ, first in what goes into conv2: at [0, 0, 0, 0] it is nan"),
        (NaNStored, "does not keep the running"),
    ],
)
def test_nan_in_training_mode_is_a_difference(norm, sentence):
    class Block(BTNK2):
        def __init__(self, C):
            super().__init__(C, norm_layer=norm)

    assert sentence in refusal(check_btnk2, Block).sentence


def test_a_check_leaves_the_global_random_numbers_as_they_were():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    check_btnk2(BTNK2)
    assert torch.equal(torch.rand(2), expected)


def test_a_stage_written_as_one_module_with_a_loop_and_one_written_in_functions_are_the_same_to_the_check():
    def make_stage(C, C1, S, n):
        blocks = nn.ModuleList([BTNK1(C, C1, S)] + [BTNK2(4 * C1) for _ in range(n - 1)])

        class Stage(nn.Module):
            def __init__(self):
                super().__init__()
                self.blocks = blocks

            def forward(self, x):
                for block in self.blocks:
                    x = block(x)
                return F.relu(x)  # it changes nothing: x is never negative

        return Stage()

    assert check_stage(make_stage).ok


def by_turns(C, C1, S, n):
    two = [BTNK2(4 * C1), BTNK2(4 * C1)]
    return nn.Sequential(BTNK1(C, C1, S), *(two[i % 2] for i in range(n - 1)))


# A wrong make_stage of the library's blocks → what is said about it, in words of blocks.
STAGES = {
    "nothing yet": (lambda C, C1, S, n: nn.Sequential(), "There is no block in it yet"),
    "a list": (lambda C, C1, S, n: [BTNK1(C, C1, S)], "gives a list: nn.Sequential(*blocks) makes a module of it"),
    "no star": (lambda C, C1, S, n: nn.Sequential([BTNK1(C, C1, S)]), "with the star"),
    "no brackets": (lambda C, C1, S, n: nn.Sequential(BTNK1(C, C1, S), BTNK2), "BTNK2 stands there without brackets"),
    "a module list": (lambda C, C1, S, n: nn.ModuleList([BTNK1(C, C1, S)]), "It should be nn.Sequential"),
    "one block, named twice": (
        lambda C, C1, S, n: nn.Sequential(BTNK1(C, C1, S), *[BTNK2(4 * C1)] * (n - 1)),
        "Block 2 and block 3 are one block with one set of weights",
    ),
    "two blocks by turns": (by_turns, "Block 2 and block 4 are one block with one set of weights"),
    "one too many": (
        lambda C, C1, S, n: nn.Sequential(BTNK1(C, C1, S), *(BTNK2(4 * C1) for _ in range(n))),
        "It has 4 blocks, and n = 3 are expected",
    ),
    "one too few": (
        lambda C, C1, S, n: nn.Sequential(BTNK1(C, C1, S), *(BTNK2(4 * C1) for _ in range(n - 2))),
        "It has 2 blocks, and n = 3 are expected",
    ),
    "every one a BTNK1": (
        lambda C, C1, S, n: nn.Sequential(BTNK1(C, C1, S), *(BTNK1(4 * C1, C1) for _ in range(n - 1))),
        "Block 2 is a BTNK1. Only block 1 changes the shape",
    ),
    "backwards": (
        lambda C, C1, S, n: nn.Sequential(*(BTNK2(4 * C1) for _ in range(n - 1)), BTNK1(C, C1, S)),
        "Block 1 is a BTNK2. The first block changes the shape",
    ),
    "no stride": (
        lambda C, C1, S, n: nn.Sequential(BTNK1(C, C1), *(BTNK2(4 * C1) for _ in range(n - 1))),
        "Block 1 is BTNK1(C=16, C1=8, S=1), and BTNK1(C=16, C1=8, S=2) is expected",
    ),
    "C and C1 exchanged": (
        lambda C, C1, S, n: nn.Sequential(BTNK1(C1, C, S), *(BTNK2(4 * C) for _ in range(n - 1))),
        "Block 1 is BTNK1(C=8, C1=16, S=2), and BTNK1(C=16, C1=8, S=2) is expected",
    ),
    "C1 for 4·C1": (
        lambda C, C1, S, n: nn.Sequential(BTNK1(C, C1, S), *(BTNK2(C1) for _ in range(n - 1))),
        "Block 2 is BTNK2(8), and is given 32 channels",
    ),
    "C for 4·C1": (
        lambda C, C1, S, n: nn.Sequential(BTNK1(C, C1, S), *(BTNK2(4 * C) for _ in range(n - 1))),
        "Block 2 is BTNK2(64), and is given 32 channels",
    ),
    "a stride for BTNK2": (
        lambda C, C1, S, n: nn.Sequential(BTNK1(C, C1, S), *(BTNK2(4 * C1, S) for _ in range(n - 1))),
        "BTNK2 is made with one number, C",
    ),
}


@pytest.mark.parametrize("mistake", STAGES)
def test_a_wrong_stage_of_the_librarys_blocks_is_told_so_in_words_of_blocks(mistake):
    make, sentence = STAGES[mistake]
    verdict = refusal(check_stage, make)
    assert sentence in verdict.sentence
    assert "conv" not in verdict.sentence and not verdict.rows
    assert len(verdict.hints) == 3
    assert not any(word in verdict.hints[0] for word in ("forward", "x.shape", "F and", "layers", "F(x)"))


# ── Progress ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_solved_exercise_is_kept_and_an_unsolved_one_is_not(runs):
    check_btnk2(BTNK2, exercise="02.2")
    refusal(check_btnk2, BTNK1, exercise="02.9")
    assert list(solved()) == ["02.2"]
    assert list(json.loads((runs / "progress.json").read_text())) == ["02.2"]
    assert [name for name in os.listdir(runs) if not name.endswith(".lock")] == ["progress.json"]


def test_the_day_of_the_first_time_stays(runs):
    runs.mkdir()
    (runs / "progress.json").write_text('{"02.2": "2020-01-01"}')
    check_btnk2(BTNK2, exercise="02.2")
    assert solved() == {"02.2": "2020-01-01"}


def test_an_exercise_with_two_checks_is_solved_when_its_cell_passes_both(runs, monkeypatch):
    notebook = SimpleNamespace(execution_count=1)
    monkeypatch.setattr(IPython, "get_ipython", lambda: notebook)

    def cell(mine):
        notebook.execution_count += 1
        first = check_parameters("BTNK2", mine, norms=False)
        return first.ok, check_parameters("BTNK2", lambda C: 17 * C**2 // 16, norms=False, exercise="04.4").ok

    assert cell(lambda C: 0) == (False, True) and solved() == {}
    assert cell(lambda C: 17 * C**2 // 16) == (True, True) and list(solved()) == ["04.4"]


@pytest.mark.parametrize("damaged", ["", "{", "[1, 2]", '{"01.1": 3}', "\x00\x01"])
def test_a_damaged_file_is_put_aside_and_the_course_goes_on(runs, damaged):
    runs.mkdir()
    (runs / "progress.json").write_text(damaged)
    assert solved() == {}
    assert (runs / "progress.damaged.json").read_text() == damaged
    check_btnk2(BTNK2, exercise="02.2")
    assert list(solved()) == ["02.2"]


def test_progress_can_be_forgotten_by_lesson_or_altogether(runs):
    reset()
    assert not runs.exists()
    runs.mkdir()
    (runs / "progress.json").write_text('{"01.1": "2020-01-01", "02.2": "2020-01-01"}')
    reset("01")
    assert list(solved()) == ["02.2"]
    reset()
    assert solved() == {}
    with pytest.raises(ValueError, match="number of a lesson"):
        reset("one")


def test_a_folder_that_cannot_be_written_to_stops_nobody(runs, monkeypatch):
    runs.write_text("a file where the folder should be")
    assert check_btnk2(BTNK2, exercise="02.2").ok
    assert solved() == {}


# ── What a learner of lessons 01 and 02 does wrong ───────────────────────────────────────────────────────────


class BothReLUs(BTNK2):
    """Section 5 of lesson 02: F with a ReLU of its own at the end."""

    def forward(self, x):
        f = self.relu2(self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x))))))
        return self.relu3(torch.relu(self.bn3(self.conv3(f))) + x)


class Overwritten(BTNK2):
    def forward(self, x):
        x = self.relu2(self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x))))))
        x = self.bn3(self.conv3(x))
        return self.relu3(x + x)


class Stacked(BTNK2):
    def forward(self, x):
        f = self.relu2(self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x))))))
        return self.relu3(torch.cat([self.bn3(self.conv3(f)), x], 1))


@pytest.mark.parametrize(
    "block, sentence, hint",
    [
        (BothReLUs, "a ReLU on F(x) before the sum", "Count your ReLUs"),
        (Overwritten, "F(x) is added to itself", "a name of its own, f"),
        (Stacked, "stacked as channels", "a name of its own, f"),
    ],
)
def test_what_goes_wrong_at_the_sum_of_an_identity_block_is_named(block, sentence, hint):
    verdict = refusal(check_btnk2, block)
    assert sentence in verdict.sentence
    assert hint in verdict.hints[0]


def test_a_name_that_python_does_not_know_is_not_taken_for_a_mistake_at_the_sum():
    class NoSelf(BTNK2):
        def forward(self, x):
            f = self.relu2(self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x))))))
            return self.relu3(self.bn3(conv3(f)) + x)

    assert "conv3 is used and never given a value" in refusal(check_btnk2, NoSelf).sentence


def block(forward=None, **change):
    """A BTNK1 with another forward, or of which some parts are others: name → how it is made from C, C1 and S."""

    class MyBTNK1(BTNK1):
        def __init__(self, C, C1, S):
            super().__init__(C, C1, S)
            for name, part in change.items():
                setattr(self, name, part(C, C1, S))

    MyBTNK1.forward = forward or adds_the_shortcut
    return MyBTNK1


def F_of(self, x):
    return self.bn3(self.conv3(self.relu2(self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x))))))))


def adds_the_shortcut(self, x):
    return self.relu3(F_of(self, x) + self.shortcut(x))


def adds_x(self, x):
    return self.relu3(F_of(self, x) + x)


def adds_a_module(self, x):
    return self.relu3(F_of(self, x) + self.shortcut)


def adds_what_is_not_there(self, x):
    return self.relu3(F_of(self, x) + g)


def overwrites_x(self, x):
    x = F_of(self, x)
    return self.relu3(x + self.shortcut(x))


def gives_back_x(self, x):
    self.relu3(F_of(self, x) + self.shortcut(x))
    return x


def strided(i, o, S):
    return nn.Conv2d(i, o, 1, stride=S, bias=False)


def unstrided(C, C1, S):
    return nn.Conv2d(C1, C1, 3, padding=1, bias=False)


class Projected(nn.Module):
    def __init__(self, C, C_out, S):
        super().__init__()


@pytest.mark.parametrize(
    "block, sentence, hint",
    [
        (block(adds_x), "forward never calls it", "never mention"),
        (block(adds_a_module), "forward never calls it", "never mention"),
        (block(adds_what_is_not_there), "g is used and never given a value", "letter by letter"),
        (block(overwrites_x), "given what F has made, (16, 5, 3), and not x", "a name of its own, f"),
        (block(gives_back_x), "gives back x as it came in", "return line"),
        (block(conv1=lambda C, C1, S: strided(C, C1, S)), "F takes the stride twice", "exactly twice"),
        (
            block(conv2=unstrided, conv3=lambda C, C1, S: strided(C1, 4 * C1, S)),
            "conv2 gives (2, 4, 9, 6) where (2, 4, 5, 3) is due",
            "exactly twice",
        ),
        (block(shortcut=lambda C, C1, S: BTNK1(C, C1, 1).shortcut), "The projection has no stride", "exactly twice"),
        (block(shortcut=lambda C, C1, S: strided(C, 4 * C1, S)), "A BN is missing", "G's too"),
        (
            block(conv2=lambda C, C1, S: nn.Conv2d(C1, C1, 3, S, bias=False)),
            "conv2 has padding 0; it should be 1",
            "kernel and padding",
        ),
        (block(shortcut=lambda C, C1, S: Projected(C, 4 * C1)), "Projected is made without 'S'", "def line"),
    ],
    ids="f+x module NameError overwritten returns_x twice conv3 G_stride G_bn padding S".split(),
)
def test_what_goes_wrong_in_a_projection_block_is_named(block, sentence, hint):
    verdict = refusal(check_btnk1, block)
    assert sentence in verdict.sentence
    assert hint in verdict.hints[0]


class Unfilled(nn.Module):
    def __init__(self, *numbers):
        super().__init__()

    def forward(self, x):
        return x


@pytest.mark.parametrize("check", [check_projection, check_btnk1, check_btnk2, check_stem])
def test_where_no_layer_is_made_yet_none_is_asked_for_by_name(check):
    assert "no layers yet" in refusal(check, Unfilled).sentence


def test_a_name_without_its_self_is_told_where_the_layers_are_lost():
    class NoSelf(nn.Module):
        def __init__(self, C, C_out, S):
            super().__init__()
            conv = nn.Conv2d(C, C_out, 1, stride=S, bias=False)

        def forward(self, x):
            return conv(x)

    assert "without its self." in refusal(check_projection, NoSelf).sentence


class Projecting(nn.Module):
    def __init__(self, C, C_out, S, **change):
        super().__init__()
        self.conv = nn.Conv2d(C, C_out, 1, **{"stride": S, "bias": False} | change)
        self.bn = nn.BatchNorm2d(C_out)

    def forward(self, x):
        return self.bn(self.conv(x))


class Twice(Projecting):
    def forward(self, x):
        return F.relu(super().forward(x))


class Dropped(Projecting):
    def forward(self, x):
        super().forward(x)
        return x


@pytest.mark.parametrize(
    "make, sentence",
    [
        (lambda C, C_out, S: Projecting(C, C_out, S, stride=1), "has stride 1; it should be 2"),
        (lambda C, C_out, S: Projecting(C_out, C, S), "takes 16 channels and gives 12"),
        (lambda C, C_out, S: Projecting(C, C_out, S, bias=True), "has a bias"),
        (lambda C, C_out, S: Projecting(C, C_out, S).conv, "A BN is missing"),
        (Twice, "a ReLU at the end of G"),
        (Dropped, "gives back x as it came in"),
        (Unfilled, "no layers yet"),
    ],
)
def test_no_hint_for_a_projection_speaks_of_the_block_around_it(make, sentence):
    verdict = refusal(check_projection, make)
    assert sentence in verdict.sentence
    assert not any(word in hint for word in ("C1", "in F", "F or G", "F(x)", "table") for hint in verdict.hints)


def stem(**change):
    """A stem of which some parts are others."""

    class MyStem(Stem):
        def __init__(self, C, C1):
            super().__init__(C, C1)
            for name, part in change.items():
                setattr(self, name, part())

    return MyStem


@pytest.mark.parametrize(
    "change, sentence",
    [
        (dict(pool=lambda: nn.MaxPool2d(3, padding=1)), "kernel 3, stride 3, padding 1"),
        (dict(relu=lambda: nn.Relu()), "Capital letters count"),
        (dict(bn=lambda: nn.BatchNorm1d(64)), "need nn.BatchNorm2d"),
        (dict(bn=lambda: nn.BatchNorm2d()), "BatchNorm is made without 'num_features'"),
    ],
)
def test_what_goes_wrong_in_a_stem_is_named(change, sentence):
    assert sentence in refusal(check_stem, stem(**change)).sentence


def test_a_part_without_its_brackets_is_named():
    class MyStem(Stem):
        def forward(self, x):
            return self.pool(nn.ReLU(self.bn(self.conv(x))))

    verdict = refusal(check_stem, MyStem)
    assert "with its brackets" in verdict.sentence
    assert verdict.hints[0].startswith("Read the line at which it stopped")


@pytest.mark.parametrize("change", [dict(pool=nn.Identity), dict(relu=nn.Identity), dict(bn=lambda: nn.BatchNorm2d(3))])
def test_no_hint_for_a_stem_speaks_of_what_only_blocks_have(change):
    verdict = refusal(check_stem, stem(**change))
    assert not any(word in hint for word in ("4·C1", "in G", "F or G", "shortcut") for hint in verdict.hints)


def test_no_hint_for_an_identity_block_asks_for_a_projection():
    class NoSum(BTNK2):
        def forward(self, x):
            f = self.relu2(self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x))))))
            return self.relu3(self.bn3(self.conv3(f)))

    verdict = refusal(check_btnk2, NoSum)
    assert "nothing is added" in verdict.sentence
    assert not any("needs G" in hint for hint in verdict.hints)


@pytest.mark.parametrize("f", [lambda *n: None, lambda *n: 7, lambda *n: n, lambda *n: unknown])
def test_no_hint_for_a_function_speaks_of_layers(f):
    with pytest.raises(Wrong) as caught:
        check_out_width(f)
    assert not any(word in caught.value.verdict.hints[0] for word in ("forward", "layers", "4·C1", "in F"))
