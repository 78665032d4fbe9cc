"""Networks trained side by side: fair, stopped and gone on with, and one that fails does not stop the others."""

import pytest
import torch
from torch import nn

from resnet_lib.experiments.race import Race, slug
from resnet_lib.experiments.tasks import Task
from resnet_lib.experiments.training import Recipe, Training, evaluate

RECIPE = Recipe(epochs=2, batch=16, peak=0.05)


def task(n=64):
    draw = torch.Generator().manual_seed(5)
    labels = torch.randint(0, 2, (n,), generator=draw)
    pictures = (torch.randn(n, 3, 6, 6, generator=draw) * 30 + 100 + 60 * labels.view(-1, 1, 1, 1)).clamp(0, 255).byte()
    return Task("two brightnesses", ("dark", "light"), (pictures, labels), (pictures[:32], labels[:32]), 6, "which")


def network(seed=0, channels=4):
    torch.manual_seed(seed)
    norm, head = nn.BatchNorm2d(channels), nn.Linear(16 * channels, 2)
    return nn.Sequential(nn.Conv2d(3, channels, 3), norm, nn.ReLU(), nn.Flatten(), head)


def same(a, b):
    a, b = a.state_dict(), b.state_dict()
    return all(torch.equal(a[k], b[k]) for k in a)


def run(race, steps=None):
    for step in race:
        if step == steps:
            break
    return race


def test_side_by_side_gives_what_each_gives_alone():
    race = run(Race({"a": network(0), "b": network(1)}, task(), RECIPE))
    for name, seed in (("a", 0), ("b", 1)):
        alone = Training(network(seed), *task().train, RECIPE, prepare=task().prepare)
        for _ in alone:
            pass
        assert alone.losses == race.runs[name].losses and same(alone.network, race.runs[name].network)


def test_from_8_channels_on_maps_are_laid_out_to_come_sooner_and_the_numbers_are_the_same():
    race = Race({"wide": network(channels=8), "narrow": network(channels=7)}, task(), RECIPE)
    laid_out = {
        name: run.network[0].weight.is_contiguous(memory_format=torch.channels_last) for name, run in race.runs.items()
    }
    assert laid_out == {"wide": True, "narrow": False}
    alone = Training(network(channels=8), *task().train, RECIPE, prepare=task().prepare)
    for _ in alone:
        pass
    assert run(race).runs["wide"].losses == pytest.approx(alone.losses, rel=1e-3)


def test_a_step_of_each_in_turn():
    race = Race({"a": network(0), "b": network(1)}, task(), RECIPE)
    for step in race:
        assert [run.step for run in race.runs.values()] == [step, step]
    assert race.done and race.step == race.steps == 8


def test_it_is_tested_once_an_epoch_and_at_the_end():
    race = run(Race({"a": network()}, task(), RECIPE))
    assert [step for step, *_ in race.tests("a")] == [4, 8]
    assert race.tests("a")[-1][1:] == evaluate(race.runs["a"].best, *task().test, prepare=task().prepare)
    race = run(Race({"a": network()}, task(), RECIPE, every=3))
    assert [step for step, *_ in race.tests("a")] == [3, 6, 8]


@pytest.mark.parametrize("steps", [1, 4, 7])
def test_stopped_and_gone_on_with_it_ends_as_if_it_had_never_stopped(tmp_path, steps):
    whole = run(Race({"a": network(0), "b": network(1)}, task(), RECIPE))
    race = run(Race({"a": network(0), "b": network(1)}, task(), RECIPE, folder=tmp_path), steps)
    assert race.step == steps
    # In the same session, and in another one whose networks begin differently: the files know.
    for again in (race, Race({"a": network(7), "b": network(8)}, task(), RECIPE, folder=tmp_path)):
        run(again)
        for name in "ab":
            assert same(again.runs[name].network, whole.runs[name].network)
            assert again.runs[name].losses == whole.runs[name].losses
            assert again.tests(name) == whole.tests(name)


def test_the_keyboard_in_the_middle_of_a_test_loses_neither_the_step_nor_the_test(monkeypatch, tmp_path):
    whole = run(Race({"a": network()}, task(), RECIPE))
    race = Race({"a": network()}, task(), RECIPE, folder=tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(
            "resnet_lib.experiments.race.evaluate", lambda *_a, **_k: (_ for _ in ()).throw(KeyboardInterrupt)
        )
        with pytest.raises(KeyboardInterrupt):
            run(race)
    assert race.step == 4 and not race.tests("a")
    run(Race({"a": network(3)}, task(), RECIPE, folder=tmp_path))
    run(race)
    assert race.tests("a") == whole.tests("a") and same(race.runs["a"].network, whole.runs["a"].network)


def test_one_that_fails_is_named_and_the_others_go_on():
    bad = network()
    with torch.no_grad():
        bad[0].weight.fill_(float("nan"))
    race = run(Race({"bad": bad, "good": network()}, task(), RECIPE))
    assert "the loss is nan at step 0" in race.failed["bad"] and list(race.failed) == ["bad"]
    assert race.runs["good"].step == race.steps and race.done


def test_no_networks_are_refused():
    with pytest.raises(ValueError, match="at least one network"):
        Race({}, task(), RECIPE)


@pytest.mark.parametrize(
    "name, file",
    [
        ("plain, 50 layers", "plain_50_layers"),
        ("../../etc/x", "etc_x"),
        ("…", "run"),
        ("a=1.5", "a=1.5"),
        ("我的网络", "我的网络"),
        ("сеть №1", "сеть_1"),
        ("réseau", "réseau"),
        ("re\u0301seau", "réseau"),
        ("मेरा नेटवर्क", "मेरा_नेटवर्क"),
        ("เครือข่าย", "เครือข่าย"),
        ("شبكتي", "شبكتي"),
        ("🙂", "run"),
        ("a：b／c？", "a_b_c"),
        ("CON", "CON_"),
        ("nul.txt", "nul_.txt"),
        ("com¹", "com¹_"),
        ("console", "console"),
        ("ends. ", "ends"),
        ("a\nb\x00c\u202etxt", "a_b_c_txt"),
    ],
)
def test_a_name_in_any_script_becomes_a_files_name_on_every_system(name, file, tmp_path):
    assert slug(name) == file
    (tmp_path / f"{slug(name)}.pt").write_text("a file of this name can be made")


def test_a_long_name_is_cut_to_what_file_systems_take_and_stays_its_own(tmp_path):
    names = [slug("网络" * 100 + end) for end in ("甲", "乙")]
    assert names[0] != names[1] and all(name.startswith("网络" * 5) for name in names)
    for name in names:
        (tmp_path / f"{name}.pt.12345678.part").write_text("beside the file first, then renamed")
