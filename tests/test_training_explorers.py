"""The explorers of lesson 08's experiments: depth by depth, and networks trained side by side."""

import asyncio
import os
import re

import pytest
import torch

from resnet_lib import ResNet
from resnet_lib.experiments.signals import INITIALISATIONS, batch, signals, untrained_twins
from resnet_lib.experiments.tasks import photographs
from resnet_lib.experiments.training import Recipe
from resnet_lib.experiments.twins import DEPTHS, PAIRS
from resnet_lib.explorers import TrainingExplorer, TwinExplorer, base
from resnet_lib.explorers.depth import DEEP, DepthExplorer, stage_marks, times

from .test_explorers import words

RECIPE = Recipe(epochs=1, batch=32, peak=0.02)


@pytest.fixture(scope="module")
def task():
    return photographs(n=160, n_test=40)


def networks(seed):
    torch.manual_seed(seed)
    return {name: ResNet(base=4, blocks=(1, 1, 1, 1), num_classes=20) for name in ("one", "two")}


@pytest.fixture
def explorer(task, tmp_path, undrawn):
    return TrainingExplorer(networks, task, RECIPE, folder=tmp_path)


def losses(explorer):
    return {name: list(run.losses) for name, run in explorer.race.runs.items()}


# ── training ──


def test_before_training_it_says_what_will_be_trained_and_what_chance_gives(explorer):
    assert "20 classes, by chance 5% right. Step 0 of 5 , not trained yet" in words(explorer.state)
    parameters = sum(p.numel() for p in networks(0)["one"].parameters())
    assert f"{parameters:,}" in words(explorer.table)
    assert not explorer.start.disabled and explorer.stop.disabled


def test_run_trains_to_the_end_and_shows_curves_and_accuracy(explorer):
    explorer.run()
    assert "Step 5 of 5 , trained" in words(explorer.state)
    assert explorer.progress.value == explorer.progress.max == 5
    right = explorer.race.tests("two")[-1][1]
    assert f"two: training loss {sum(explorer.race.runs['two'].losses) / 5:.3f}, test accuracy {right:.1%}" in (
        explorer.curves.value
    )
    assert explorer.curves.value.count("<svg") == 2
    assert explorer.start.disabled and explorer.stop.disabled


def test_in_a_notebook_it_trains_in_the_background_and_can_be_stopped_and_gone_on_with(explorer):
    async def notebook():
        explorer.start.click()
        while explorer.race.step < 2:
            await asyncio.sleep(0.01)
        assert explorer.start.disabled and not explorer.stop.disabled
        explorer.stop.click()
        at = explorer.race.step
        await asyncio.sleep(0.05)
        assert 2 <= explorer.race.step == at < 5
        assert "stopped: “train” resumes from here" in words(explorer.state)
        explorer.start.click()
        while not explorer.race.done:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.01)

    asyncio.run(notebook())
    assert "trained" in words(explorer.state)
    through = TrainingExplorer(networks, explorer.task, RECIPE)
    through.run()
    assert losses(explorer) == losses(through)


def test_the_keyboard_stops_a_cell_and_the_same_cell_goes_on(explorer, monkeypatch):
    real, seen = type(explorer.race)._advance, []

    def pressed(race, *arguments):
        seen.append(1)
        if len(seen) == 4:
            raise KeyboardInterrupt
        real(race, *arguments)

    monkeypatch.setattr(type(explorer.race), "_advance", pressed)
    explorer.run()
    assert explorer.race.step == 1 and "stopped" in words(explorer.state)
    explorer.run()
    assert explorer.race.done


def test_another_session_finds_what_was_trained(explorer, task, tmp_path):
    explorer.run()
    again = TrainingExplorer(networks, task, RECIPE, folder=tmp_path)
    assert again.race.done and losses(again) == losses(explorer)
    assert again.race.tests("one") == explorer.race.tests("one")


def test_another_seed_or_rate_is_another_run_and_the_first_one_is_kept(explorer):
    explorer.run()
    first = losses(explorer)
    explorer.seed.value = 1
    assert explorer.race.step == 0
    explorer.run()
    assert losses(explorer) != first
    explorer.peak.index = 0
    assert explorer.race.step == 0 and explorer.race.recipe.peak == pytest.approx(0.002)
    with explorer.together():
        explorer.seed.value, explorer.peak.value = 0, 0.02
    assert losses(explorer) == first


def test_begin_anew_forgets_this_run_alone(explorer):
    explorer.run()
    explorer.seed.value = 1
    explorer.run()
    explorer.anew.click()
    assert explorer.race.step == 0
    explorer.seed.value = 0
    assert explorer.race.done


def test_a_damaged_file_gives_a_sentence_and_begin_anew_helps(explorer, task, tmp_path):
    explorer.run()
    for file in tmp_path.rglob("*.pt"):
        file.write_bytes(b"half of a")
    again = TrainingExplorer(networks, task, RECIPE, folder=tmp_path)
    assert "is not a readable training run" in words(again.problem)
    again.anew.click()
    assert not words(again.problem).strip() and again.race.step == 0


def test_a_network_whose_loss_grows_without_bound_is_named_and_the_other_goes_on(task):
    def broken(seed):
        both = networks(seed)
        with torch.no_grad():
            both["one"].head.fc.weight.fill_(float("inf"))
        return both

    explorer = TrainingExplorer(broken, task, RECIPE)
    explorer.run()
    assert "one: the loss is" in words(explorer.table)
    assert explorer.race.runs["two"].step == 5 and "trained" in words(explorer.state)


def test_a_learners_network_that_cannot_be_built_or_run_gives_a_sentence(task):
    def unbuilt(_seed):
        raise ValueError("groups = 3 does not divide C1 = 8")

    assert "groups = 3 does not divide" in words(TrainingExplorer(unbuilt, task, RECIPE).problem)
    wrong = TrainingExplorer(lambda _seed: {"mine": torch.nn.Linear(7, 20)}, task, RECIPE)
    wrong.run()
    assert "mat1 and mat2" in words(wrong.problem)


# ── pairs ──


@pytest.mark.parametrize("pair", PAIRS)
def test_every_pair_can_be_chosen_and_trained(task, pair, undrawn):
    explorer = TwinExplorer(14, "plain | residual", task.first(32), RECIPE)
    explorer.pair.value = pair
    assert list(explorer.race.runs) == list(PAIRS[pair](14, num_classes=20))
    explorer.run()
    assert explorer.race.done and not words(explorer.problem).strip()


def test_depth_changes_the_networks(task, undrawn):
    explorer = TwinExplorer(14, task=task, recipe=RECIPE)
    assert list(explorer.depth.options) == list(DEPTHS)
    explorer.depth.value = 26
    assert list(explorer.race.runs) == ["plain, 26 layers", "residual, 26 layers"]


def test_without_internet_cifar_gives_a_sentence_and_the_bundled_pictures_stay(task, monkeypatch, tmp_path, undrawn):
    monkeypatch.setenv("RESNET_COURSE_MIRROR", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    explorer = TwinExplorer(14, task=task, recipe=RECIPE)
    explorer.source.index = 1
    assert "cifar-10-binary.tar.gz could not be downloaded" in words(explorer.state)
    assert explorer.source.value is explorer.task is task
    explorer.run()
    assert explorer.race.done


# ── depth ──


@pytest.fixture(scope="module")
def depths():
    return DepthExplorer(18)


def test_it_shows_what_signals_finds_for_the_twins_of_that_depth(depths):
    depths.depth.value = 50
    pictures, labels = batch()
    wanted = [signals(n, pictures, labels) for n in untrained_twins(DEPTHS[50])]
    assert depths.found["plain"][0].gradient == pytest.approx(wanted[0][0].gradient, rel=1e-2)
    assert depths.found["residual"][-1].output == pytest.approx(wanted[1][-1].output, rel=1e-3)
    assert depths.charts.value.count("<svg") == 3
    assert "from the first block to the last of 16" in words(depths.text)


@pytest.mark.parametrize(
    "control, value", [("depth", 34), ("bn", False), ("initialisation", "Xavier"), ("seed", 3), ("zero", True)]
)
def test_every_control_changes_what_is_shown(control, value, undrawn):
    explorer = DepthExplorer(18)
    if control == "initialisation":
        explorer.bn.value = False  # behind a BN the scale of weights is nothing
    before = explorer.charts.value
    getattr(explorer, control).value = value
    assert explorer.charts.value != before and not words(explorer.problem).strip()


def test_zero_initialised_it_says_that_every_f_is_zero(depths, undrawn):
    depths.depth.value, depths.zero.value = 18, True
    assert "Every F(x) is zero" in words(depths.text)
    depths.bn.value = False
    assert depths.zero.disabled and "Every F(x) is zero" not in words(depths.text)
    depths.bn.value, depths.zero.value = True, False


def test_every_depth_and_initialisation_has_a_view_even_where_numbers_overflow():
    explorer = DepthExplorer(302, bn=False)
    assert max(DEEP) == 302 and "problem" not in words(explorer.problem)
    for name in list(INITIALISATIONS)[0 if os.environ.get("RESNET_COURSE_ALL") else 2 :]:  # each takes long
        explorer.initialisation.value = name
        assert explorer.charts.value.count("<svg") == 3, name
    for chart in explorer.charts.value.split("<svg")[1:]:
        labels = re.findall(r'<text style="font-size: 10px;[^>]* x="([\d.]+)"[^>]*>(Stage \d|\d)</text>', chart)
        ends = [float(x) + 5.7 * len(label) for x, label in labels]  # a letter of 10 px is at most so wide on average
        assert [label[-1] for _, label in labels] == ["1", "2", "3", "4"]
        begins = [float(x) for x, _ in labels[1:]] + [365]
        assert all(end < begin for end, begin in zip(ends, begins, strict=True)), "no label overprints the next"


@pytest.mark.parametrize("depth", sorted(DEEP))
def test_labels_of_stages_that_are_close_are_their_numbers_alone(depth):
    blocks = DEEP[depth][1]
    names = [f"stage{i}.{k}" for i, n in enumerate(blocks, 1) for k in range(n)]
    marks = stage_marks(names)
    assert [start for start, _ in marks] == [1 + sum(blocks[:i]) for i in range(4)]
    wide = 300 / (len(names) - 1)  # pixels from block to block
    for (start, label), (after, _) in zip(marks, [*marks[1:], (len(names) + 2, "")], strict=True):
        assert 3 + 5.7 * len(label) < max(wide * (after - start), 9), label


@pytest.mark.parametrize(
    "pair, said",
    [
        ((6.0, 2.0), "3 times"),
        ((2e10, 1.0), "2.0 · 10 10 times"),
        ((3e-7, 1.0), "3.0 · 10 −7 times"),
        ((float("inf"), 1.0), "infinite or undefined"),
        ((0.0, 1.0), "zero"),
        ((1.0, 0.0), "more than zero"),
    ],
)
def test_ratios_in_words(pair, said):
    assert re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", times(*pair))).strip().startswith(said)


@pytest.mark.parametrize(("alone", "used"), [(False, 2), (True, 4)])
def test_training_leaves_half_the_threads_to_others_unless_it_is_alone_on_the_machine(monkeypatch, alone, used):
    monkeypatch.setattr(base, "THREADS", 4)
    monkeypatch.setattr(base, "ALONE", alone)
    with base.half_the_threads():
        assert torch.get_num_threads() == used
