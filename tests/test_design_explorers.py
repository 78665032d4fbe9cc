"""The explorers of whole designs, driven through their controls; what they show is read back."""

import asyncio
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
import torch

from resnet_lib import Design, StageDesign, StemDesign, anatomy
from resnet_lib._common import design_problems
from resnet_lib.experiments.budget import PRESETS, Budget, code, short_name
from resnet_lib.experiments.comparison import luck
from resnet_lib.experiments.training import Recipe
from resnet_lib.explorers import DesignExplorer, DesignTrainingExplorer, ReportWriter
from resnet_lib.views.report import MARK

from .test_comparison import OTHER, SMALL, task  # noqa: F401


def words(view):
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", view.value)))


@pytest.fixture
def explorer():
    return DesignExplorer()


def counted(explorer):
    """A list that grows at every redraw of the explorer."""
    redraws, draw = [], explorer.update
    explorer.update = lambda: (redraws.append(True), draw())
    return redraws


def agrees(explorer):
    """Whether what is shown are the costs of the design that the controls describe."""
    costs = anatomy(explorer.design, explorer.W.value)
    text = words(explorer.view)
    shown = all(f"{n:,}" in text for n in (costs.parameters, costs.macs, costs.flops))
    return shown and all(f"{s.parameters:,}" in text and f"{s.macs:,}" in text for s in costs.by_stage())


# ── designing ──


def test_it_begins_with_the_thin_resnet50_which_uses_up_its_budget(explorer):
    assert explorer.design == Design.resnet(base=16, num_classes=10) and explorer.preset.label == "thin ResNet-50"
    assert agrees(explorer)
    assert words(explorer.view).count("✓ 0 left") == 2


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_sets_all_sliders_in_one_redraw(explorer, name):
    explorer.stem["C1"].value = 64
    redraws = counted(explorer)
    explorer.preset.value = PRESETS[name]
    assert explorer.design == PRESETS[name] and explorer.preset.label == name
    assert len(redraws) == 1 and agrees(explorer)


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [(0, "C1", 20), (0, "kernel", 3), (0, "S", 1), (0, "pool", False)]
    + [(i, f, v) for i in (1, 4) for f, v in (("blocks", 7), ("C1", 40), ("C_out", 200), ("S", 3), ("groups", 2))],
)
def test_every_control_moves_its_own_number_and_the_costs_follow(explorer, part, field, value):
    explorer.fourfold.value = False
    before, redraws = explorer.design, counted(explorer)
    controls = explorer.stages[part - 1] if part else explorer.stem
    controls[field].value = value
    if part:
        stages = list(before.stages)
        stages[part - 1] = replace(stages[part - 1], **{field: value})
        due = replace(before, stages=tuple(stages))
    else:
        due = replace(before, stem=replace(before.stem, **{field: value}))
    assert explorer.design == due and len(redraws) == 1 and agrees(explorer)
    assert explorer.preset.label == "your own"


def test_w_moves_shapes_and_macs_and_no_parameter(explorer):
    explorer.W.value = 128
    assert agrees(explorer) and "(64, 32, 32)" in words(explorer.view)
    text = words(explorer.view)
    assert "✓ 0 left" in text and "✗" in text


def test_c_out_follows_c1_and_c1_follows_c_out_until_told_otherwise(explorer):
    stage = explorer.stages[1]
    stage["C1"].value = 40
    assert stage["C_out"].value == 160
    stage["C_out"].value = 96
    assert stage["C1"].value == 24
    stage["C_out"].value = 104
    assert stage["C1"].value == 26 and agrees(explorer)
    explorer.fourfold.value = False
    stage["C1"].value = 60
    assert stage["C_out"].value == 104
    explorer.fourfold.value = True
    assert stage["C_out"].value == 240 and agrees(explorer)


def test_an_illegal_design_is_explained_with_the_numbers_that_disagree_and_can_be_mended(explorer):
    explorer.stages[1]["groups"].value = 3
    explorer.stem["kernel"].value = 4
    text = words(explorer.problems)
    assert "Stage 2: groups = 3 does not divide C1 = 32" in text and "Stage 0: kernel = 4 has no middle pixel" in text
    assert explorer.mend.layout.display == ""
    pale = "opacity:0.5"
    assert pale in explorer.view.value, "what is shown is another design"
    explorer.mend.click()
    assert design_problems(explorer.design) == [] and words(explorer.problems).strip() == ""
    assert explorer.mend.layout.display == "none"
    assert pale not in explorer.view.value and agrees(explorer)


def test_over_budget_is_said_in_words_and_not_by_colour_alone():
    explorer = DesignExplorer(budget=Budget(1_000_000, 10**9))
    text = words(explorer.view)
    assert f"✗ {anatomy(explorer.design, 64).parameters - 1_000_000:,} over" in text and "✓" in text


def test_what_is_odd_is_pointed_out(explorer):
    explorer.W.value = 32
    assert "▸ Stage 4 comes down to 1 × 1" in words(explorer.view)
    explorer.W.value = 64
    assert "▸" not in words(explorer.view)


def test_its_code_makes_the_design_shown(explorer):
    explorer.preset.value = PRESETS["deep and narrow"]
    code = unescape(re.search("<pre>(.*)</pre>", explorer.view.value, re.DOTALL)[1])
    names = {"Design": Design, "StemDesign": StemDesign, "StageDesign": StageDesign}
    assert eval(code, names) == explorer.design


def test_a_design_beyond_the_sliders_is_shown_as_it_is_and_not_clamped():
    odd = Design(StemDesign(130, 13, 5), tuple(StageDesign(n, 303, 1100, 6, 101) for n in (30, 1, 1, 1)), 1000)
    explorer = DesignExplorer(odd)
    assert explorer.design == odd and agrees(explorer)


def test_a_design_that_no_control_could_take_is_refused(explorer):
    before = explorer.design
    with pytest.raises(ValueError, match="Stage 1: blocks = 0 must be a whole number"):
        explorer.design = replace(before, stages=(StageDesign(0, 16, 64), *before.stages[1:]))
    dilated = tuple(replace(stage, dilation=2) for stage in before.stages)
    for change in ({"in_channels": 1}, {"stride_on": "1x1"}, {"stages": dilated}):
        with pytest.raises(ValueError, match="no dilation"):
            explorer.design = replace(before, **change)
    assert explorer.design == before


def test_the_number_of_classes_stays_through_presets():
    explorer = DesignExplorer(Design.resnet(base=16, num_classes=20))
    assert explorer.preset.label == "thin ResNet-50"
    explorer.preset.value = PRESETS["wide and shallow"]
    assert explorer.design == replace(PRESETS["wide and shallow"], num_classes=20) and agrees(explorer)
    assert explorer.preset.label == "wide and shallow"


def test_the_drawing_says_in_words_what_it_shows(explorer):
    label = re.search('aria-label="(Stage 0[^"]*)"', explorer.view.value)[1]
    assert "Stage 3: 6 blocks, 256 channels, W = 4" in label


# ── training designs ──


def luck_of(found):
    return luck(*([r.accuracy for r in found if r.name.startswith(name)] for name in ("small", "other")))


@pytest.fixture
def training(task, undrawn):  # noqa: F811
    return DesignTrainingExplorer({"small": SMALL, "other": OTHER}, task, Recipe(epochs=2, batch=16, peak=0.01), runs=2)


def test_it_begins_untrained_with_the_costs_known(training):
    text = words(training.table)
    assert "not tested yet" in text and "small" in text and "other" in text
    assert [r.step for r in training.results()] == [0] * 4


def test_trained_it_compares_the_designs_over_all_runs_and_says_what_may_be_luck(training):
    training.start.click()
    found = training.results()
    assert [r.name for r in found] == ["small, seed 0", "other, seed 0", "small, seed 1", "other, seed 1"]
    assert all(r.step == 8 and r.accuracy is not None for r in found)
    means = [sum(r.accuracy for r in found if r.name.startswith(name)) / 2 for name in ("small", "other")]
    apart = f"{100 * abs(means[0] - means[1]):.1f} percentage points {'above' if means[0] > means[1] else 'below'}"
    assert f"small is {apart} other; permutation test: p = {luck_of(found):.0%}" in words(training.table)


def test_one_run_each_is_not_judged(training):
    training.runs.value = 1
    training.run()
    assert "one run each does not show whether that is chance" in words(training.table)


def test_the_seed_is_the_first_of_the_runs(training):
    training.seed.value = 5
    assert {r.name for r in training.results()} == {f"{n}, seed {s}" for n in ("small", "other") for s in (5, 6)}


def test_a_network_that_fails_is_said_and_the_rest_goes_on(training):
    with torch.no_grad():
        training.race.runs["small, seed 1"].network.head.fc.weight.fill_(float("nan"))
    training.run()
    assert "small, seed 1: the loss is nan" in words(training.table)
    assert [r.step for r in training.results()] == [8, 8, 0, 8]


def test_an_illegal_design_is_not_trained_and_says_why(task):  # noqa: F811
    illegal = replace(SMALL, stem=StemDesign(4, kernel=2))
    training = DesignTrainingExplorer({"illegal": illegal}, task, Recipe(epochs=1, batch=16))
    assert "Stage 0: kernel = 2 has no middle pixel" in words(training.problem)
    training.start.click()
    assert training.results() == []


# ── kept runs ──

RECIPE = Recipe(epochs=2, batch=16, peak=0.01)


@pytest.fixture
def keep(task, tmp_path, undrawn):  # noqa: F811
    """Opens an explorer of designs whose runs are kept, as another session would."""
    return lambda **designs: DesignTrainingExplorer(designs, task, RECIPE, runs=2, folder=tmp_path / "runs")


def losses(explorer):
    return {name: run.losses for name, run in explorer.race.runs.items()}


def test_another_session_goes_on_where_training_was_stopped(keep):
    first = keep(small=SMALL, other=OTHER)

    async def notebook():
        first.start.click()
        while first.race.step < 3:
            await asyncio.sleep(0.01)
        first.stop.click()

    asyncio.run(notebook())
    second = keep(small=SMALL, other=OTHER)
    assert 3 <= second.race.step == first.race.step < 8 and losses(second) == losses(first)
    second.run()
    through = DesignTrainingExplorer({"small": SMALL, "other": OTHER}, second.task, RECIPE, runs=2)
    through.run()
    assert losses(second) == losses(through)


def test_two_explorers_of_one_design_at_once_never_lose_what_the_one_further_on_has_trained(keep):
    behind, further = keep(small=SMALL, other=OTHER), keep(small=SMALL, other=OTHER)

    async def notebook():
        behind.start.click()
        while behind.race.step < 1:
            await asyncio.sleep(0)
        further.run()
        while behind.race.step < 2:
            await asyncio.sleep(0)
        behind.stop.click()

    asyncio.run(notebook())
    assert behind.race.step < further.race.step == 8
    assert losses(keep(small=SMALL, other=OTHER)) == losses(further)
    behind.run()
    assert behind.race.done and losses(behind) == losses(further) and behind.results()[0].tests


def test_a_design_is_known_by_its_numbers_and_not_by_its_name(keep):
    first = keep(small=SMALL, other=OTHER)
    first.run()
    renamed = keep(mine=OTHER)
    assert losses(renamed) == {f"mine, seed {i}": first.race.runs[f"other, seed {i}"].losses for i in (0, 1)}
    alike = replace(OTHER, stem=replace(OTHER.stem, pool=False))  # weights of the same shapes
    assert keep(other=alike).race.step == 0


def test_a_new_design_catches_up_with_one_that_is_trained_already(keep):
    keep(small=SMALL).run()
    both = keep(other=OTHER, small=SMALL)
    assert [r.step for r in both.results()] == [0, 8, 0, 8] and both.race.step == 0
    both.run()
    through = DesignTrainingExplorer({"other": OTHER, "small": SMALL}, both.task, RECIPE, runs=2)
    through.run()
    assert losses(both) == losses(through)
    assert [r.tests for r in both.results()] == [r.tests for r in through.results()]


def test_one_run_is_the_first_of_several(keep):
    training = keep(small=SMALL)
    training.run()
    several = losses(training)
    training.runs.value = 1
    assert losses(training) == {"small": several["small, seed 0"]}


def test_begin_anew_forgets_the_designs_shown_and_no_other(keep):
    keep(small=SMALL, other=OTHER).run()
    training = keep(small=SMALL)
    training.anew.click()
    assert training.race.step == 0
    assert keep(other=OTHER).race.done and keep(small=SMALL).race.step == 0


# ── from the designer ──


@pytest.fixture
def designer(task, tmp_path, monkeypatch, undrawn):  # noqa: F811
    monkeypatch.setenv("RESNET_COURSE_RUNS", str(tmp_path / "runs"))
    explorer = DesignExplorer(SMALL, task=task, recipe=Recipe(epochs=1, batch=32, peak=0.01), folder=tmp_path / "runs")
    explorer.name.value = "small"
    return explorer


def test_without_a_task_nothing_is_offered_to_be_trained(explorer):
    assert explorer.train not in [child for box in explorer.children for child in getattr(box, "children", ())]


def test_with_a_task_it_begins_at_the_tasks_size_and_classes(designer):
    assert designer.W.value == 16 and designer.design == replace(SMALL, num_classes=2)
    thin = DesignExplorer(task=designer.task)
    assert thin.design == Design.resnet(base=16, num_classes=2) and words(thin.view).count("✓ 0 left") == 2


def test_a_design_is_trained_against_the_thin_resnet50_from_within(designer):
    designer.train.click()
    assert designer.training in designer.opened.children
    designer.training.runs.value = 1
    assert "stopped" not in words(designer.training.state)
    designer.training.run()
    assert [(r.name, r.step) for r in designer.training.results()] == [("small", 2), ("thin ResNet-50", 2)]
    found = designer.training.results()
    assert [r.parameters for r in found] == [
        anatomy(d, 16).parameters for d in (designer.design, Design.resnet(base=16, num_classes=2))
    ]


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda d: setattr(d.stem["kernel"], "value", 4), "it is illegal; the reason is given above"),
        (lambda d: setattr(d.W, "value", 64), "counted for W = 64. Set W to 16"),
        (lambda d: setattr(d, "budget", Budget(10, 10**9)), "parameters are"),
        (lambda d: setattr(d, "design", Design.resnet(base=16, num_classes=2)), "this is the thin ResNet-50 itself"),
        (lambda d: setattr(d.name, "value", " "), "it needs a name of its own"),
        (lambda d: setattr(d.name, "value", "thin ResNet-50"), "it needs a name of its own"),
        (lambda d: setattr(d.name, "value", "x" * 31), "at most 30 characters"),
    ],
)
def test_what_cannot_be_trained_says_why_and_the_button_is_disabled(designer, spoil, sentence):
    assert not designer.train.disabled and "It can be trained. The task trains on pictures of 16 × 16" in words(
        designer.ready
    )
    spoil(designer)
    designer.update()
    assert designer.train.disabled and sentence in words(designer.ready)
    designer.train.click()
    assert designer.training is None


def test_what_is_in_training_stays_while_the_designer_is_turned_on_and_stops_when_another_is_opened(designer):
    async def notebook():
        designer.train.click()
        first, written = designer.training, code(designer.design)
        first.start.click()
        await asyncio.sleep(0.01)
        designer.stem["C1"].value = 8
        assert written in unescape(designer.opened.children[0].value) and code(designer.design) != written
        assert not first.stop.disabled
        designer.train.click()
        assert first.stop.disabled and designer.training is not first
        assert designer.opened.children[1:] == (designer.training, designer.report)

    asyncio.run(notebook())


def test_its_runs_are_kept_and_known_again(designer, tmp_path):
    designer.train.click()
    designer.training.runs.value = 1
    designer.training.run()
    folders = {path.name for path in (tmp_path / "runs").iterdir()}
    assert folders == {short_name(SMALL), short_name(Design.resnet(base=16, num_classes=10))}
    again = DesignExplorer(
        designer.design, task=designer.task, recipe=designer.training.race.recipe, folder=tmp_path / "runs"
    )
    again.train.click()
    again.training.runs.value = 1
    assert again.training.race.done


# ── the report ──


def test_the_report_has_the_learners_words_and_the_results_so_far(designer, tmp_path):
    designer.train.click()
    writer = designer.report
    writer.author.value, writer.why.value = "Ada <1>", "Because."
    writer.write.click()
    file = tmp_path / "runs" / "small.html"
    before = file.read_text()
    assert str(file) in words(writer.said) and "Ada &lt;1&gt;" in before and "Because." in before
    assert "Trained" not in before, "nothing is said of runs before there are any"
    designer.training.runs.value = 1
    designer.training.run()
    writer.write.click()
    accuracy = designer.training.results()[0].accuracy
    assert f"<b>{accuracy:.1%}</b>" in file.read_text() and "What it computes" in file.read_text()
    assert "iframe" in writer.page.value


def test_a_design_named_in_any_script_gives_its_report_that_name(designer, tmp_path):
    designer.name.value = "我的网络"
    designer.train.click()
    designer.report.write.click()
    assert (tmp_path / "runs" / "我的网络.html").exists()


def test_the_report_never_takes_the_place_of_another_file(designer, tmp_path):
    designer.train.click()
    (tmp_path / "runs").mkdir(exist_ok=True)
    (tmp_path / "runs" / "small.html").write_text("mine")
    designer.report.write.click()
    assert "is no report of this kind" in words(designer.report.said) and not designer.report.page.value
    assert (tmp_path / "runs" / "small.html").read_text() == "mine"


def test_a_report_that_cannot_be_made_says_why_and_the_next_try_can_be_right(designer, tmp_path):
    designer.train.click()
    writer = designer.report
    writer.why.value = "x" * 2000
    writer.write.click()
    assert "make it shorter" in words(writer.said) and not list(tmp_path.rglob("*.html"))
    writer.why.value = ""
    writer.write.click()
    assert "Written" in words(writer.said)


def test_a_folder_that_cannot_be_made_gives_a_sentence(designer, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RESNET_COURSE_RUNS", str(tmp_path / "file"))
    designer.train.click()
    designer.report.write.click()
    assert "cannot be made" in words(designer.report.said) and "RESNET_COURSE_RUNS" in words(designer.report.said)


def test_beside_the_notebook_the_report_is_linked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RESNET_COURSE_RUNS", raising=False)

    class Page:
        def write(self, file):
            Path(file).write_text(MARK)
            return Path(file)

        def _repr_html_(self):
            return "<p>page</p>"

    writer = ReportWriter(lambda author, why: Page(), "mine")
    writer.write.click()
    assert 'href="runs/mine.html"' in writer.link.outputs[0]["data"]["text/html"]
    assert (tmp_path / "runs" / "mine.html").exists()
