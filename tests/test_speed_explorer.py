"""The explorer of speed: its controls driven, its table read."""

import asyncio
import time

import pytest
import torch

from resnet_lib import ResNet, anatomy
from resnet_lib.explorers import SpeedExplorer
from resnet_lib.speed.fast import FOLDED, GIVEN, JOINED, PLAIN
from resnet_lib.speed.onednn import can_join
from resnet_lib.speed.timing import ms


@pytest.fixture
def explorer():
    torch.manual_seed(0)
    return SpeedExplorer(ResNet(base=8, num_classes=10), W=32, repeats=2)


def in_a_notebook(seconds=0.0, **options):
    """An explorer that is made while an event loop runs, as in a notebook, once its work has ended; `seconds` is what
    each run of its network takes at least."""

    async def session():
        torch.manual_seed(0)
        network = ResNet(base=8, num_classes=10)
        network.register_forward_hook(lambda *_: time.sleep(seconds))
        explorer = SpeedExplorer(network, W=32, **options)
        assert explorer.measure.disabled and explorer.progress.layout.visibility == "visible"
        while explorer.measure.disabled:
            await asyncio.sleep(0.001)
        return explorer

    return asyncio.run(session())


def test_in_a_notebook_it_begins_by_measuring_the_network_as_given(explorer):
    opened = in_a_notebook(repeats=4, batch=2)
    (row,) = opened.rows
    assert (row["what"], row["batch"], row["W"], row["factor"]) == (GIVEN, 2, 32, 1)
    assert len(row["timing"].seconds) == 4 and f"<b>{ms(row['timing'].median / 2)}</b>" in opened.table.value
    assert "press “measure”" in opened.table.value and "in turns" not in opened.table.value and opened.now.value == ""
    opened.way.value = PLAIN
    opened.measure.click()
    assert [row["what"] for row in opened.rows] == [GIVEN, PLAIN]
    assert "Predict" not in opened.table.value and "in turns" in opened.table.value


def test_the_measurement_at_the_start_is_short_where_the_network_is_slow():
    assert len(in_a_notebook(0.5, repeats=50).rows[0]["timing"].seconds) == 3


def test_the_measurement_at_the_start_can_be_stopped():
    async def session():
        explorer = SpeedExplorer(ResNet(base=8, num_classes=10), W=32)
        await asyncio.sleep(0)
        assert "is being measured" in explorer.now.value
        explorer.stop.click()
        assert explorer.now.value == "" and explorer.rows == [] and not explorer.measure.disabled

    asyncio.run(session())


def test_outside_a_notebook_it_begins_with_a_sentence_and_no_measurement(explorer):
    assert explorer.rows == [] and "Nothing measured yet" in explorer.table.value


@pytest.mark.parametrize("way", [PLAIN, FOLDED, JOINED] if can_join() else [PLAIN, FOLDED])
def test_each_way_is_measured_at_the_settings_of_the_controls(explorer, way):
    explorer.way.value, explorer.batch.value, explorer.W.value, explorer.threads.value = way, 3, 64, 1
    explorer.measure.click()
    (row,) = explorer.rows
    assert (row["what"], row["batch"], row["W"], row["threads"]) == (way, 3, 64, 1)
    assert len(row["timing"].seconds) == 2
    assert row["rate"] == 3 * anatomy(explorer.network, 64).flops / row["timing"].median
    assert way in explorer.table.value and "as given" in explorer.now.value
    assert explorer.problem.value == ""


def test_measurements_gather_until_the_table_is_cleared(explorer):
    explorer.way.value = PLAIN
    explorer.measure.click()
    explorer.bfloat16.value = True
    explorer.measure.click()
    assert [row["what"] for row in explorer.rows] == [PLAIN, f"{PLAIN}, bfloat16"]
    explorer.clear.click()
    assert explorer.rows == [] and "Nothing measured yet" in explorer.table.value


def test_the_number_of_threads_is_as_before_afterwards(explorer):
    before = torch.get_num_threads()
    explorer.threads.value, explorer.way.value = explorer.threads.max, PLAIN
    explorer.measure.click()
    assert torch.get_num_threads() == before


def test_buttons_and_bar_say_what_can_be_done(explorer):
    assert explorer.stop.disabled and not explorer.measure.disabled
    explorer.way.value = PLAIN
    explorer.measure.click()
    assert explorer.stop.disabled and not explorer.measure.disabled
    assert explorer.progress.value == explorer.progress.max == 6
    assert explorer.progress.layout.visibility == "hidden"


def test_in_a_notebook_it_can_be_stopped_and_other_controls_stay_alive(explorer):
    explorer.way.value = PLAIN

    async def session():
        explorer.measure.click()
        assert explorer.measure.disabled and not explorer.stop.disabled
        while explorer.progress.value < 2:
            await asyncio.sleep(0)
        explorer.batch.value = 2
        explorer.stop.click()
        await asyncio.sleep(0.02)
        assert explorer.rows == [] and not explorer.measure.disabled
        explorer.measure.click()
        while explorer.measure.disabled:
            await asyncio.sleep(0.001)

    asyncio.run(session())
    assert [row["batch"] for row in explorer.rows] == [2]


def test_what_a_network_cannot_bear_is_a_sentence_in_the_view():
    class Branches(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv2d(3, 4, 3)

        def forward(self, x):
            return self.conv(x) if x.sum() > 0 else self.conv(-x)

    explorer = SpeedExplorer(Branches(), W=32, repeats=1)
    explorer.way.value = FOLDED
    explorer.measure.click()
    assert "cannot be written as a graph" in explorer.problem.value and explorer.rows == []
    explorer.way.value = PLAIN
    explorer.measure.click()
    assert "error" not in explorer.problem.value
    assert len(explorer.rows) == 1 and "unknown" in explorer.table.value, "its time is known, its MACs are not"
