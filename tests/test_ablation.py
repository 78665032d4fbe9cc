"""Blocks taken out or swapped: against networks built by hand, with the caller's own network left alone."""

import asyncio
import copy
import re

import pytest
import torch
from torch import nn

from resnet_lib import BasicBlock, ResNet
from resnet_lib.experiments.ablation import (
    Effect,
    effects,
    measure,
    one_by_one,
    own_answers,
    partners,
    removable,
    swapped,
    without,
)
from resnet_lib.experiments.tasks import photographs
from resnet_lib.experiments.training import evaluate
from resnet_lib.experiments.twins import NoSum, blocks, twins
from resnet_lib.explorers import AblationExplorer
from resnet_lib.views.ablation import ablation_table
from resnet_lib.views.landscape import ticks

from .reference import shake_norms

SMALL = {"base": 16, "blocks": (2, 2, 3, 2), "num_classes": 20}
OPENERS = [f"stage{i}.0" for i in range(1, 5)]


def made(**options):
    """A network whose BN has statistics and weights of its own, so that each block does something."""
    torch.manual_seed(0)
    return shake_norms(ResNet(**{**SMALL, **options})).eval()


def pair(**options):
    torch.manual_seed(0)
    plain, residual = twins(**{**SMALL, **options})
    shake_norms(residual)
    plain.load_state_dict(residual.state_dict())
    return plain.eval(), residual.eval()


@pytest.fixture(scope="module")
def x():
    return torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def task():
    return photographs(n=20, n_test=60)


@pytest.fixture(scope="module")
def networks():
    """Twins that tell the pieces apart, without the minutes of a training: their last layer alone is fitted."""
    found = dict(zip(("plain", "residual"), pair(), strict=True))
    task = photographs(n=20, n_test=60)
    for network in found.values():
        with torch.no_grad():
            x = task.prepare(task.test[0], 1.0)
            features = nn.Sequential(*list(network.children())[:5], network.head.pool, nn.Flatten())(x)
            features = torch.cat([features, torch.ones(len(x), 1)], 1)
            wanted = nn.functional.one_hot(task.test[1], 20).float()
            fit = torch.linalg.lstsq(features, wanted, driver="gelsd").solution
            network.head.fc.weight.copy_(30 * fit[:-1].T)
            network.head.fc.bias.copy_(30 * fit[-1])
    return found


def snapshot(network):
    return {name: t.clone() for name, t in network.state_dict().items()}


def unchanged(network, before):
    now = network.state_dict()
    return now.keys() == before.keys() and all(torch.equal(now[k], before[k]) for k in before)


def by_hand(network, x, skip):
    """The network's forward, with y = ReLU(shortcut(x)) in the place of the blocks named."""
    with torch.no_grad():
        x = network.stage0(x)
        for name, block in blocks(network).items():
            x = torch.relu(block.shortcut(x)) if name in skip else block(x)
        return network.head(x)


# ── A residual block leaves its shortcut ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["bottleneck", "basic"])
@pytest.mark.parametrize("skip", [(), ("stage1.1",), ("stage3.0",), ("stage2.0", "stage2.1", "stage4.1")])
def test_without_blocks_it_computes_what_their_shortcuts_leave(x, kind, skip):
    network = made(block=kind)
    with torch.no_grad():
        got = without(network, *skip)(x)
        assert torch.equal(got, by_hand(network, x, skip))
        if skip:
            assert not torch.allclose(got, network(x), rtol=1e-2)


def test_it_equals_a_network_that_was_built_with_one_block_fewer(x):
    network = made()
    shorter = ResNet(**{**SMALL, "blocks": (2, 2, 2, 2)}).eval()
    shorter.load_state_dict({k: v for k, v in network.state_dict().items() if not k.startswith("stage3.2.")})
    with torch.no_grad():
        assert torch.equal(without(network, "stage3.2")(x), shorter(x))


def test_a_block_whose_f_is_zero_can_go_unnoticed(x):
    torch.manual_seed(0)
    network = ResNet(**SMALL, zero_init_residual=True).eval()
    with torch.no_grad():
        for name in blocks(network):
            assert torch.equal(without(network, name)(x), network(x)), name


def test_without_all_blocks_there_is_still_a_network(x):
    network = made()
    with torch.no_grad():
        assert torch.equal(without(network, *blocks(network))(x), by_hand(network, x, list(blocks(network))))


def test_every_block_of_a_residual_network_can_go_and_in_a_plain_one_those_that_keep_the_shape():
    plain, residual = pair()
    assert removable(residual) == list(blocks(residual))
    assert removable(plain) == [name for name in blocks(plain) if name not in OPENERS]
    plain, _ = pair(block="basic")
    assert "stage1.0" in removable(plain)  # 16 channels in, 16 out, S = 1: a plain block like any other
    assert removable(plain) == [name for name in blocks(plain) if name not in OPENERS[1:]]


def test_a_plain_block_that_halves_the_map_stays_even_with_equal_channels():
    block = BasicBlock(8, 8, 2)
    block.shortcut, block.add = nn.Identity(), NoSum()
    assert removable(nn.Sequential(block, BasicBlock(8))) == ["1"]
    with pytest.raises(ValueError, match="from W to W/2"):
        without(nn.Sequential(block), "0")


def test_a_plain_block_is_gone_altogether(x):
    plain, _ = pair()
    shorter, _ = twins(**{**SMALL, "blocks": (2, 2, 2, 2)})
    shorter.load_state_dict({k: v for k, v in plain.state_dict().items() if not k.startswith("stage3.2.")})
    with torch.no_grad():
        assert torch.equal(without(plain, "stage3.2")(x), shorter.eval()(x))
        assert not torch.allclose(without(plain, "stage3.2")(x), plain(x), rtol=1e-2)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("stage1.0", "stage1.0 cannot be removed: it is a plain block, so nothing else leads from 16 to 64 channels"),
        ("stage2.0", "nothing else leads from 64 to 128 channels and from W to W/2. A residual block has its shortcut"),
        ("stage5.0", r"'stage5.0' is no block of the network: the blocks are stage1.0, stage1.1, stage2.0"),
        ("stage1", "'stage1' is no block of the network"),
        ("", "'' is no block of the network"),
    ],
)
def test_what_cannot_be_removed_gets_a_sentence(task, name, sentence):
    plain, _ = pair()
    with pytest.raises(ValueError, match=sentence):
        without(plain, name)
    with pytest.raises(ValueError, match=sentence):
        effects(plain, task, [("stage1.1",), (name,)])  # at the call, not after minutes


def test_a_network_without_blocks_gets_a_sentence():
    with pytest.raises(ValueError, match="this network has no blocks of resnet_lib"):
        without(nn.Sequential(nn.Linear(2, 2)), "0")


# ── Two blocks change places ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("which", [0, 1], ids=["plain", "residual"])
def test_swapping_is_another_network_and_swapping_back_is_the_same_one(x, which):
    network = pair()[which]
    once = swapped(network, "stage3.1", "stage3.2")
    other = copy.deepcopy(network)
    other.stage3[1], other.stage3[2] = other.stage3[2], other.stage3[1]
    with torch.no_grad():
        assert torch.equal(once(x), other(x))
        assert not torch.equal(once(x), network(x))
        assert torch.equal(swapped(once, "stage3.2", "stage3.1")(x), network(x))


def test_partners_are_the_blocks_that_take_and_give_the_same():
    network = made()
    assert partners(network, "stage3.1") == ["stage3.2"]
    assert partners(network, "stage3.0") == partners(network, "stage4.1") == []
    for name in blocks(network):
        for other in partners(network, name):
            swapped(network, name, other)


def test_blocks_of_different_shapes_are_not_swapped():
    shapes = r"stage1.1 \(64 → 64 channels, S = 1\) and stage2.0 \(64 → 128 channels, S = 2\) cannot be swapped"
    with pytest.raises(ValueError, match=shapes):
        swapped(made(), "stage1.1", "stage2.0")
    with pytest.raises(ValueError, match="'stage9.9' is no block"):
        swapped(made(), "stage1.1", "stage9.9")


# ── The caller's network stays as it is ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "change", [lambda n: without(n, "stage1.1", "stage3.0"), lambda n: swapped(n, "stage3.1", "stage3.2")]
)
def test_the_callers_network_is_left_alone_and_its_weights_are_not_copied(x, change):
    network = made().train()
    network.stage0.bn.eval()
    modes, before, modules = [m.training for m in network.modules()], snapshot(network), dict(network.named_modules())
    result = change(network)
    assert not result.training
    with torch.no_grad():
        result(x)
    assert [m.training for m in network.modules()] == modes
    assert unchanged(network, before)
    assert dict(network.named_modules()) == modules
    mine = {t.data_ptr() for t in network.state_dict().values()}
    assert {t.data_ptr() for t in result.state_dict().values()} <= mine


# ── What is left ─────────────────────────────────────────────────────────────────────────────────────────────


def test_an_effect_is_what_evaluate_finds_without_the_blocks(task):
    network = made()
    found = list(effects(network, task))
    assert [e.removed for e in found] == [(name,) for name in blocks(network)]
    for effect in found[::3]:
        accuracy, loss = evaluate(without(network, *effect.removed), *task.test, prepare=task.prepare)
        assert (effect.accuracy, effect.loss) == (pytest.approx(accuracy), pytest.approx(loss, rel=1e-4))
    (whole,) = effects(network, task, [()])
    assert whole == Effect((), *measure(network, task))


def test_measuring_can_be_stopped_after_any_block_and_leaves_the_network_alone(task):
    network = made().train()
    before = snapshot(network)
    steps = effects(network, task)
    next(steps)
    steps.close()
    assert network.training and unchanged(network, before)


def test_more_and_more_names_in_their_order_or_in_a_random_one():
    assert one_by_one("abc") == [(), ("a",), ("a", "b"), ("a", "b", "c")]
    names = [str(i) for i in range(12)]
    drawn = one_by_one(names, seed=0)
    assert drawn == one_by_one(names, seed=0) != one_by_one(names, seed=1)
    assert sorted(drawn[-1]) == sorted(names) and list(drawn[-1]) != names
    assert all(set(a) < set(b) for a, b in zip(drawn, drawn[1:], strict=False))


def test_a_network_agrees_with_its_own_answers_entirely_and_less_without_a_block(networks, task):
    network = networks["residual"]
    own = own_answers(network, task)
    assert len(own.classes) == 20 and "its own answers" in own.name
    assert torch.equal(own.test[0], task.test[0])
    assert measure(network, own)[0] == 1
    assert measure(without(network, "stage1.0"), own)[0] < 1
    assert len(own_answers(made(num_classes=7), task).classes) == 7


def test_a_task_of_other_classes_and_undefined_scores_get_a_sentence(task):
    with pytest.raises(ValueError, match="tells 7 classes apart and the task “.*” has 20: take the task"):
        effects(made(num_classes=7), task)
    network = made()
    nn.init.constant_(network.head.fc.bias, torch.nan)
    with pytest.raises(ValueError, match="infinite or undefined scores"):
        own_answers(network, task)


# ── Views ────────────────────────────────────────────────────────────────────────────────────────────────────


def widths(html):
    return [float(w) for w in re.findall(r'<rect x="0.0" width="([\d.]+)"', html)]


def test_bars_are_as_long_as_the_accuracies_and_say_them():
    rows = [("nothing", "whole", False, [0.8]), ("a<b", "BTNK1", True, [0.4]), ("c", "BTNK2", False, [0.0])]
    html = ablation_table(["net"], rows, 0.05)
    full = widths(html)[0] / 0.8
    assert widths(html) == pytest.approx([0.8 * full, 0.4 * full, 0])
    assert html.count(">40%<") == 1 and "a&lt;b" in html
    shorter = ablation_table(["net"], rows, 0.05, full=0.8)
    assert widths(shorter) == pytest.approx([full, full / 2, 0])
    rows += [("d", "BTNK2", False, [None]), ("e", "BTNK2", False, ["not possible"])]
    html = ablation_table(["net"], rows, None)
    assert len(widths(html)) == 3 and "not possible" in html


@pytest.mark.parametrize(("low", "high"), [(0.9, 4.2), (1e-3, 1e8), (0.5, 0.6), (3.0, 3.1)])
def test_ticks_of_a_logarithmic_scale_lie_on_it_and_are_few(low, high):
    found = ticks(low, high, 8)
    assert all(low <= n <= high for n in found) and len(found) <= 8
    assert found == sorted(set(found))


# ── The explorer ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def explorer(networks, task):
    return AblationExplorer(networks, task, n=60)


def text(explorer):
    return " ".join(re.sub(r"<[^>]+>", " ", explorer.about.value + explorer.result.value).split())


def cells(explorer):
    """The table as name → texts of its row."""
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", explorer.result.value)
    rows = [[re.sub(r"<[^>]+>", "", c).strip() for c in re.findall(r"<td.*?>(.*?)</td>", row)] for row in rows]
    return {row[0]: row[1:] for row in rows if row and row[0]}  # an empty heading is an ordinary cell


def test_it_begins_with_the_whole_networks_and_measures_when_asked(explorer, networks, task):
    rows = cells(explorer)
    assert list(rows) == ["nothing", *blocks(networks["plain"])]
    whole = [f"{measure(network, task)[0]:.0%}" for network in networks.values()]
    assert rows["nothing"][1:] == whole
    assert rows["stage1.0"][1:] == ["not possible", ""] and "opens its stage" in rows["stage1.0"][0]
    assert "Which block will be missed most?" in text(explorer)
    explorer.work.start.click()
    for name, network in networks.items():
        column = 1 + list(networks).index(name)
        for effect in effects(network, task):
            assert cells(explorer)[effect.removed[0]][column] == f"{effect.accuracy:.0%}"
    assert "is missed most" in text(explorer) and "Not possible in plain" in text(explorer)
    assert explorer.work.stop.disabled and not explorer.work.start.disabled


def test_more_and_more_blocks_end_with_none_and_both_networks_lose_the_same_ones(
    explorer, networks, task, undrawn, monkeypatch
):
    explorer.view.value = "more"
    assert "6 of 9" not in text(explorer) and "5 of 9 blocks can go" in text(explorer)
    explorer.order.label = "from the last back"
    explorer.work.start.click()
    names = [name for name in blocks(networks["plain"]) if name not in OPENERS]
    last = [measure(without(network, *names), task)[0] for network in networks.values()]
    label = re.search(r'aria-label="([^"]+)"', explorer.result.value).group(1)
    for (name, network), end in zip(networks.items(), last, strict=True):
        assert f"{name} from {100 * measure(network, task)[0]:.0f} to {100 * end:.0f} percent" in label
    explorer.order.label = "at random, three times"
    assert "<svg" not in explorer.result.value  # another order is another question
    explorer.work.start.click()
    monkeypatch.undo()  # the last chart is drawn
    explorer.update()
    assert explorer.result.value.count("stroke-opacity: 0.4") == 6 and "guessing" in text(explorer)


def test_what_a_step_raises_in_a_cell_is_a_sentence_in_the_view_and_no_traceback(explorer, monkeypatch):
    def wrong():
        raise ValueError("the network gives out no scores")
        yield

    monkeypatch.setattr(explorer.work, "_begin", wrong)
    explorer.run()
    assert "the network gives out no scores" in explorer.problem.value
    assert not explorer.work.start.disabled


def test_from_a_cell_it_runs_to_the_end_and_the_keyboard_stops_it_without_losing_anything(explorer, monkeypatch):
    real, seen = explorer.work.step, []

    def pressed():
        seen.append(1)
        if len(seen) == 4:
            raise KeyboardInterrupt
        return real()

    monkeypatch.setattr(explorer.work, "step", pressed)
    explorer.run()
    assert explorer.work.bar.value == 3 and explorer.work.start.description == "go on"
    explorer.run()
    assert sum(len(found) for found in explorer._each.values()) == explorer.work.bar.max == 9 + 5


def test_chosen_blocks_are_taken_out_at_once_and_a_refusal_is_a_sentence(explorer, networks, task):
    explorer.view.value = "chosen"
    explorer.chosen.value = ("stage1.1", "stage3.1")
    wanted = [f"{measure(without(n, 'stage1.1', 'stage3.1'), task)[0]:.0%}" for n in networks.values()]
    assert cells(explorer)["2 of 9 blocks"] == ["stage1.1, stage3.1", *wanted]
    explorer.chosen.value = ("stage2.0",)
    assert cells(explorer)["1 of 9 blocks"][1] == "not possible"
    assert cells(explorer)["1 of 9 blocks"][2] == f"{measure(without(networks['residual'], 'stage2.0'), task)[0]:.0%}"
    assert "plain: stage2.0 cannot be removed: it is a plain block" in text(explorer)
    explorer.chosen.value = ()
    assert cells(explorer)["0 of 9 blocks"][1:] == cells(explorer)["nothing"][1:]


def test_two_blocks_are_swapped_and_only_partners_are_offered(explorer, networks, task):
    explorer.view.value = "swap"
    assert (explorer.one.value, explorer.other.options) == ("stage3.1", ("stage3.2",))
    wanted = [f"{measure(swapped(n, 'stage3.1', 'stage3.2'), task)[0]:.0%}" for n in networks.values()]
    assert cells(explorer)["stage3.1 ⇄ stage3.2"][1:] == wanted
    explorer.one.value = "stage1.0"
    assert "stage1.0 has no partner" in text(explorer)
    explorer.one.value = "stage3.2"
    assert cells(explorer)["stage3.2 ⇄ stage3.1"][1:] == wanted


def test_in_a_notebook_it_can_be_stopped_gone_on_with_and_begun_anew(networks, task):
    async def use():
        explorer = AblationExplorer(networks, task, n=60)
        explorer.work.start.click()
        while explorer.work.bar.value < 3:
            await asyncio.sleep(0)
        explorer.chosen.value = ("stage1.1",)  # other controls have their turn
        explorer.work.stop.click()
        done = explorer.work.bar.value
        for _ in range(5):
            await asyncio.sleep(0.01)
        assert explorer.work.bar.value == done and explorer.work.start.description == "go on"
        explorer.work.start.click()
        while not explorer.work.stop.disabled:
            await asyncio.sleep(0)
        assert explorer.work.bar.value == explorer.work.bar.max == 5 + 9
        return explorer

    explorer = asyncio.run(use())
    assert "" not in [cell for row in cells(explorer).values() for cell in row]
    assert explorer.work.start.description == "take them away"


def test_another_view_stops_the_work(networks, task):
    async def use():
        explorer = AblationExplorer(networks, task, n=60)
        explorer.work.start.click()
        while explorer.work.bar.value < 2:
            await asyncio.sleep(0)
        explorer.view.value = "more"
        await asyncio.sleep(0.02)
        return explorer

    explorer = asyncio.run(use())
    assert explorer.work.stop.disabled and explorer.work.start.description == "take them away"


def test_an_untrained_network_is_told_so(task):
    torch.manual_seed(0)
    explorer = AblationExplorer({"mine": ResNet(**SMALL)}, task, n=60)
    assert "no better than guessing, as with an untrained network" in text(explorer)


def test_a_network_that_answers_everything_alike_is_told_so():
    network = made()
    nn.init.zeros_(network.head.fc.weight)
    explorer = AblationExplorer({"mine": network}, n=30)
    assert "100% of its answers are one and the same class" in text(explorer)


def test_the_bundled_network_is_measured_by_its_own_answers_and_that_is_said():
    explorer = AblationExplorer(n=12)
    assert "there are no labels for it here" in text(explorer) and "its own answers to 12 pieces" in text(explorer)
    assert cells(explorer)["nothing"][1:] == ["100%"]
    explorer.view.value = "chosen"
    explorer.chosen.value = ("stage1.0", "stage1.1")
    assert cells(explorer)["2 of 16 blocks"][1] != "100%"


def test_networks_that_do_not_fit_get_a_sentence(networks, task):
    with pytest.raises(ValueError, match="a dictionary of one network or two"):
        AblationExplorer(networks["plain"], task)
    with pytest.raises(ValueError, match="no blocks of resnet_lib"):
        AblationExplorer({"mine": nn.Linear(2, 2)}, task)
    with pytest.raises(ValueError, match="blocks of the same names"):
        AblationExplorer({**networks, "residual": made(blocks=(1, 1, 1, 1))}, task)
    with pytest.raises(ValueError, match="tells 7 classes apart"):
        AblationExplorer({"mine": made(num_classes=7)}, task)
