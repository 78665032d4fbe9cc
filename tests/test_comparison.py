"""What trained designs come to, and how much of a difference is luck."""

import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from resnet_lib import Design, StageDesign, StemDesign, anatomy
from resnet_lib.experiments.budget import PRESETS
from resnet_lib.experiments.comparison import Result, by_design, entrants, luck, results
from resnet_lib.experiments.race import Race
from resnet_lib.experiments.tasks import Task
from resnet_lib.experiments.training import Recipe, evaluate
from resnet_lib.views.comparison import ComparisonCurves, comparison_table

ROOT = Path(__file__).resolve().parent.parent
SMALL = Design(StemDesign(4, 3), tuple(StageDesign(1, 2, 8, S) for S in (1, 2, 1, 1)), 10)
OTHER = Design(StemDesign(6, 3), SMALL.stages, 10)


def bright_or_dark(n):
    labels = torch.arange(n) % 2
    pictures = (labels.view(-1, 1, 1, 1) * 200 + torch.randint(0, 50, (n, 3, 16, 16))).to(torch.uint8)
    return pictures, labels


@pytest.fixture
def task():
    torch.manual_seed(0)
    return Task("bright or dark", ("dark", "bright"), bright_or_dark(64), bright_or_dark(30), 16, "which is brighter")


def result(name, accuracy):
    return Result(name, 1, 2, 10, (1.0,) * 10, () if accuracy is None else ((10, accuracy),), 100, 3.0)


# ── entrants ──


def test_every_design_enters_once_a_seed_with_the_tasks_classes(task):
    networks = entrants({"small": SMALL, "other": OTHER}, task, (0, 7))
    assert list(networks) == ["small, seed 0", "other, seed 0", "small, seed 7", "other, seed 7"]
    assert all(network.head.fc.out_features == 2 for network in networks.values())
    assert list(entrants({"small": SMALL}, task, (3,))) == ["small"]


def test_the_seed_alone_decides_the_first_weights(task):
    def weights(designs, seeds, name):
        return entrants(designs, task, seeds)[name].state_dict()

    torch.manual_seed(99)
    a = weights({"small": SMALL}, (1, 2), "small, seed 2")
    b = weights({"other": OTHER, "small": SMALL}, (2, 1), "small, seed 2")
    c = weights({"small": SMALL}, (1, 2), "small, seed 1")
    assert all(torch.equal(a[k], b[k]) for k in a)
    assert not torch.equal(a["stage1.0.conv1.weight"], c["stage1.0.conv1.weight"])


def test_making_entrants_leaves_the_sessions_random_numbers_alone(task):
    torch.manual_seed(5)
    due = torch.rand(1)
    torch.manual_seed(5)
    entrants({"small": SMALL}, task)
    assert torch.equal(torch.rand(1), due)


def test_an_illegal_design_does_not_enter(task):
    with pytest.raises(ValueError, match="kernel = 4 has no middle pixel"):
        entrants({"small": Design(StemDesign(4, 4), SMALL.stages)}, task)


# ── results ──


def test_results_are_what_the_race_has_come_to_at_any_time(task):
    race = Race(entrants({"small": SMALL}, task), task, Recipe(epochs=3, batch=16))
    (before,) = results(race)
    assert (before.step, before.losses, before.tests, before.accuracy, before.standard_error) == (0, (), (), None, None)
    for step in race:
        if step == 5:
            break
    (after,) = results(race)
    assert after.step == 5 and len(after.losses) == 5 and [step for step, _ in after.tests] == [4]
    for _ in race:
        pass
    (end,) = results(race)
    network = race.runs["small"].network
    assert end.accuracy == evaluate(network, *task.test, prepare=task.prepare)[0]
    assert end.parameters == sum(p.numel() for p in network.parameters())
    assert end.macs == anatomy(SMALL, 16).macs - 8 * 8, "the head has two classes here and not ten"
    assert end.pictures == 30 and end.seconds > 0


def test_the_standard_error_is_the_scatter_of_that_many_independent_answers():
    torch.manual_seed(0)
    found = (torch.rand(20_000, 100) < 0.3).float().mean(1).std().item()
    assert result("a", 0.3).standard_error == pytest.approx(found, rel=0.03)


def test_runs_of_one_design_belong_together_whatever_its_name():
    groups = by_design([result("a, b, seed 0", 0.1), result("c", 0.2), result("a, b, seed 1", 0.3)])
    assert {name: [r.accuracy for r in runs] for name, runs in groups.items()} == {"a, b": [0.1, 0.3], "c": [0.2]}


# ── luck ──


def test_complete_separation_of_four_and_four_runs_is_two_deals_of_seventy():
    assert luck([5, 6, 7, 8], [1, 2, 3, 4]) == pytest.approx(2 / 70)
    assert luck([0.31, 0.32, 0.33], [0.41, 0.42, 0.43]) == pytest.approx(2 / 20)


def test_equal_runs_differ_by_nothing_but_luck():
    assert luck([0.3, 0.3], [0.3, 0.3]) == 1
    assert luck([0.3], [0.5]) == 1


@settings(deadline=None, max_examples=60)
@given(
    ours=st.lists(st.integers(0, 20), min_size=1, max_size=4),
    theirs=st.lists(st.integers(0, 20), min_size=1, max_size=4),
)
def test_luck_is_a_share_of_all_deals_and_knows_neither_side_nor_order(ours, theirs):
    p = luck(ours, theirs)
    deals = math.comb(len(ours) + len(theirs), len(ours))
    assert 1 / deals - 1e-9 <= p <= 1 and abs(p * deals - round(p * deals)) < 1e-9
    assert p == luck(theirs, ours) == luck(ours[::-1], theirs)
    assert p == luck([v / 20 for v in ours], [v / 20 for v in theirs])


def test_luck_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no accuracy yet"):
        luck([], [0.5])


# ── shown ──


def test_the_table_shows_names_as_they_are_and_means_over_runs():
    table = comparison_table([result("<i>a</i>, seed 0", 0.2), result("<i>a</i>, seed 1", 0.4)])
    assert "&lt;i&gt;a" in table and "<b>30.0%</b>" in table and "20.0% to 40.0%" in table
    assert "± 4.9%" in table, "the larger of the two standard errors"


def test_the_curves_say_in_words_where_they_end():
    drawn = ComparisonCurves().draw([result("a, seed 0", 0.2), result("a, seed 1", 0.4), result("b", None)])
    assert "a: training loss 1, test accuracy in percent 30" in drawn
    assert "b: training loss 1, test accuracy in percent none yet" in drawn
    assert drawn.count("<svg") == 2


def test_presets_can_all_be_drawn_at_once_and_no_more(task):
    ComparisonCurves().draw([result(name, 0.5) for name in PRESETS])
    with pytest.raises(ValueError, match="there are 6 designs, and curves can show 5"):
        ComparisonCurves().draw([result(str(i), 0.5) for i in range(6)])


def test_a_design_of_few_channels_is_trained_on_one_thread_without_ending_the_kernel():
    code = (
        "import torch; torch.set_num_threads(1)\n"
        "from resnet_lib import Design, StageDesign, StemDesign\n"
        "from resnet_lib.experiments.comparison import entrants\n"
        "from resnet_lib.experiments.tasks import photographs\n"
        "task = photographs(size=32, n=64, n_test=20)\n"
        "small = Design(StemDesign(4), (StageDesign(1, 4, 16, 2),) * 4, 20)\n"
        "(network,) = entrants({'small': small}, task).values()\n"
        "for _ in range(30):\n"
        "    network(task.prepare(task.train[0][:32], 0.0)).sum().backward()\n"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
