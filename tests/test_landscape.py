"""The loss around a network: against formulas and evaluate, with the network left alone, whatever interrupts."""

import asyncio
import base64
import copy
import io
import math
import re

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import nn
from torch.nn import functional as F

from resnet_lib import ResNet
from resnet_lib.experiments.landscape import Landscape, directions, landscape_steps
from resnet_lib.experiments.tasks import photographs
from resnet_lib.experiments.training import evaluate
from resnet_lib.experiments.twins import twins
from resnet_lib.explorers import LandscapeExplorer
from resnet_lib.views.landscape import landscape_maps, landscape_slices, loss_range, slices_chart

from .reference import shake_norms

SMALL = {"base": 16, "blocks": (1, 1, 1, 1), "num_classes": 20}


class Square(nn.Module):
    """Two classes; the scores are −½ |w|² and 0, times the picture's one value, so the loss is known at every w."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.randn(3, 4, generator=torch.Generator().manual_seed(3)))
        self.bias = nn.Parameter(torch.ones(4))

    def forward(self, x):
        score = -x[:, 0] * self.w.square().sum() / 2
        return torch.stack([score, 0 * score], 1)


@pytest.fixture(scope="module")
def task():
    return photographs(n=24, n_test=20)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return shake_norms(ResNet(**SMALL)).eval()


@pytest.fixture(scope="module")
def data(task):
    return task.prepare(task.train[0], 1.0), task.train[1]


def last(steps):
    *_, (found, _done, _total) = steps
    return found


# ── Directions ───────────────────────────────────────────────────────────────────────────────────────────────


def test_every_filter_of_a_direction_is_as_long_as_the_networks_and_points_anywhere(network):
    one, other = directions(network)
    for name, weight in network.named_parameters():
        if weight.dim() == 1:
            assert name not in one and name not in other, "biases and BN stay where they are"
            continue
        for found in (one, other):
            assert found[name].shape == weight.shape
            lengths = found[name].flatten(1).norm(dim=1)
            assert torch.allclose(lengths, weight.detach().flatten(1).norm(dim=1), rtol=1e-4)
        a, b = (t[name].flatten() for t in (one, other))
        if len(a) > 2000:  # in so many dimensions, random directions are nearly at right angles
            assert abs(F.cosine_similarity(a, b, dim=0)) < 0.15
            assert abs(F.cosine_similarity(a, weight.detach().flatten(), dim=0)) < 0.15


def test_the_seed_decides_and_the_learners_own_random_numbers_are_left_alone(network):
    torch.manual_seed(7)
    wanted = torch.rand(1)
    torch.manual_seed(7)
    one, other = directions(network, seed=5)
    assert torch.equal(torch.rand(1), wanted)
    again, _ = directions(network, seed=5)
    assert all(torch.equal(one[name], again[name]) for name in one)
    elsewhere, _ = directions(network, seed=6)
    assert not any(torch.equal(one[name], elsewhere[name]) for name in one)
    assert not any(torch.equal(one[name], other[name]) for name in one)


def test_twins_move_in_the_same_directions_each_by_its_own_lengths():
    plain, residual = twins(**SMALL)
    with torch.no_grad():
        for weight in plain.parameters():
            weight.mul_(torch.rand(len(weight)).add(0.5).view(-1, *[1] * (weight.dim() - 1)))
    for mine, theirs in zip(directions(plain), directions(residual), strict=True):
        for name in mine:
            assert torch.allclose(F.normalize(mine[name].flatten(1)), F.normalize(theirs[name].flatten(1)), atol=1e-5)


def test_a_filter_of_zeros_stays_where_it_is(network):
    with torch.no_grad():
        network.stage1[0].conv1.weight[3] = 0
    one, _ = directions(network)
    assert torch.equal(one["stage1.0.conv1.weight"][3], torch.zeros(16, 1, 1))


def test_a_map_of_scaled_filters_is_the_same_map(network, data):
    """What filter normalisation is for: BN takes the length of a filter out again, and so must the map."""
    other = copy.deepcopy(network)
    with torch.no_grad():
        other.stage1[0].conv1.weight.mul_(10)
    a, b = (last(landscape_steps(n, *data, sides=(3,), statistics="batch")) for n in (network, other))
    assert torch.allclose(a.loss, b.loss, rtol=1e-3)
    assert a.loss.std() > 0.01


# ── The loss on the plane ────────────────────────────────────────────────────────────────────────────────────


def test_the_map_of_a_paraboloid_is_that_paraboloid():
    network, x, labels = Square(), torch.ones(5, 1), torch.zeros(5, dtype=torch.long)
    one, other = (d["w"] for d in directions(network, seed=2))
    found = last(landscape_steps(network, x, labels, radius=0.8, seed=2, sides=(3, 5)))
    for i, b in enumerate((-0.8, -0.4, 0, 0.4, 0.8)):
        for j, a in enumerate((-0.8, -0.4, 0, 0.4, 0.8)):
            square = (network.w.detach() + a * one + b * other).square().sum() / 2
            assert found.loss[i, j].item() == pytest.approx(F.softplus(square).item(), rel=1e-4)
            assert found.accuracy[i, j] == float(square <= 0)


@pytest.mark.parametrize("mode", [True, False], ids=["training", "evaluation"])
def test_the_middle_is_the_loss_and_accuracy_that_evaluate_finds(network, task, data, mode):
    accuracy, loss = evaluate(network, *task.train, prepare=task.prepare)
    found = last(landscape_steps(network.train(mode), *data, sides=(3,)))
    assert found.centre == pytest.approx(loss, rel=1e-4)
    assert found.accuracy[1, 1].item() == pytest.approx(accuracy)


def test_with_batch_statistics_the_middle_is_the_loss_of_training(network, data):
    found = last(landscape_steps(network, *data, sides=(3,), statistics="batch"))
    with torch.no_grad():
        loss = F.cross_entropy(copy.deepcopy(network).train()(data[0]), data[1]).item()
    assert found.centre == pytest.approx(loss, rel=1e-4)
    assert found.centre != pytest.approx(last(landscape_steps(network, *data, sides=(3,))).centre, rel=1e-2)


def test_dropout_does_not_drop_even_with_batch_statistics():
    model = nn.Sequential(nn.Flatten(), nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))
    x, labels = torch.randn(6, 2, 2, 2), torch.tensor([0, 1, 2, 0, 1, 2])
    one, other = (last(landscape_steps(model.train(), x, labels, sides=(3,), statistics="batch")) for _ in range(2))
    assert torch.equal(one.loss, other.loss)


# ── From coarse to fine ──────────────────────────────────────────────────────────────────────────────────────


class Counted(Square):
    def __init__(self):
        super().__init__()
        self.passes = []

    def forward(self, x):
        self.passes.append(1)
        return super().forward(x)

    def __deepcopy__(self, memo):
        other = Counted()
        other.passes = self.passes
        return other


def test_every_point_costs_one_forward_pass_and_no_point_is_measured_twice():
    network = Counted()
    steps = landscape_steps(network, torch.ones(1, 1), torch.zeros(1, dtype=torch.long), sides=(3, 5, 9))
    for n, (found, done, total) in enumerate(steps, 1):
        assert len(network.passes) == n == done == found.known.sum() and total == 81
        if done in (9, 25):
            step = 8 // (math.isqrt(done) - 1)
            assert found.known[::step, ::step].all()
    assert n == 81 and found.known.all()


def test_a_finer_map_holds_the_coarser_one(network, data):
    coarse = last(landscape_steps(network, *data, sides=(3,)))
    fine = last(landscape_steps(network, *data, sides=(3, 5)))
    assert torch.allclose(fine.loss[::2, ::2], coarse.loss, rtol=1e-5)
    assert torch.allclose(fine.accuracy[::2, ::2], coarse.accuracy)


def test_it_begins_in_the_middle_and_what_was_given_out_stays_as_it_was():
    steps = landscape_steps(Square(), torch.ones(1, 1), torch.zeros(1, dtype=torch.long), sides=(3, 5))
    first, done, total = next(steps)
    assert (done, total) == (1, 25) and first.known.nonzero().tolist() == [[2, 2]]
    for _ in steps:
        pass
    assert first.known.sum() == 1 and first.loss.count_nonzero() == 1


def test_between_known_points_the_map_is_filled_and_known_ones_stay():
    known = torch.zeros(5, 5, dtype=torch.bool)
    loss = torch.zeros(5, 5)
    for i in (0, 2, 4):
        for j in (0, 2, 4):
            known[i, j], loss[i, j] = True, 10.0 * i + j
    known[1, 1], loss[1, 1] = True, -7.0
    filled = Landscape(1.0, (3, 5), known, loss, loss, 2).filled()
    assert torch.equal(filled[known], loss[known])
    plane = 10 * torch.arange(5.0)[:, None] + torch.arange(5.0)
    assert torch.allclose(filled[~known], plane[~known])
    known[0, 0] = False
    assert Landscape(1.0, (3, 5), known, loss, loss, 2).filled()[0, 0].isnan()


# ── What is read off it ──────────────────────────────────────────────────────────────────────────────────────


def bowl(side=9, radius=2.0, classes=20):
    at = torch.linspace(-radius, radius, side)
    loss = 1 + at[None, :] ** 2 + 2 * at[:, None] ** 2
    return Landscape(radius, (3, 5, side), torch.ones(side, side, dtype=torch.bool), loss, 0 * loss, classes)


def test_of_a_bowl_the_numbers_are_known():
    found = bowl()
    assert found.centre == 1 and found.guessing == pytest.approx(math.log(20))
    assert found.edge == 5.0  # the lower middle of 5, 5, 9, 9
    assert found.falls == (0, 32)
    below = (found.loss < math.log(20)).double().mean().item()
    assert found.basin == below and 0.1 < below < 0.5
    (x, along), (y, across) = found.slices()
    assert torch.equal(x, y) and x.tolist() == pytest.approx([-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2])
    assert torch.allclose(along.double(), 1 + x**2) and torch.allclose(across.double(), 1 + 2 * y**2)


def test_a_dip_on_the_way_outwards_is_counted_and_undefined_losses_count_as_infinite():
    found = bowl()
    found.loss[4, 6] = 0.5  # on the way along the first direction
    assert found.falls == (1, 32)
    found.loss[4, 8] = found.loss[4, 0] = found.loss[0, 4] = torch.nan
    assert found.edge == math.inf
    assert found.basin < 1


def test_only_what_is_known_counts():
    found = bowl()
    found.known[:] = False
    found.known[4, 4] = found.known[4, 8] = found.known[4, 0] = True
    assert found.falls == (0, 2) and found.basin == pytest.approx(1 / 3)
    (x, along), (y, _) = found.slices()
    assert (x.tolist(), along.tolist(), y.tolist()) == ([-2, 0, 2], [5, 1, 5], [0])


# ── The network stays as it is ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("statistics", ["kept", "batch"])
@pytest.mark.parametrize("end", ["finished", "interrupted", "an error"])
def test_the_network_is_the_same_to_the_last_bit_afterwards(network, data, statistics, end):
    network.train()
    network.stage0.bn.eval()
    modes = [m.training for m in network.modules()]
    before = {name: t.clone() for name, t in network.state_dict().items()}
    steps = landscape_steps(network, *data, sides=(3,), statistics=statistics)
    next(steps)
    assert [m.training for m in network.modules()] == modes, "in between as well"
    if end == "finished":
        last(steps)
    elif end == "interrupted":
        with pytest.raises(KeyboardInterrupt):
            steps.throw(KeyboardInterrupt)
    else:
        steps.close()
        with pytest.raises(ValueError, match="C = 3 channels"):
            last(landscape_steps(network, data[0][:, :1], data[1], statistics=statistics))
    assert [m.training for m in network.modules()] == modes
    now = network.state_dict()
    assert all(torch.equal(now[name], before[name]) for name in before)
    assert all(p.requires_grad and p.grad is None for p in network.parameters())
    assert torch.is_grad_enabled()


def test_training_that_goes_on_meanwhile_does_not_move_the_map(network, data):
    wanted = last(landscape_steps(network, *data, sides=(3,)))
    steps = landscape_steps(network, *data, sides=(3,))
    next(steps)
    with torch.no_grad():
        for p in network.parameters():
            p.add_(1)
    assert torch.equal(last(steps).loss, wanted.loss)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"sides": (4, 8)}, r"sides = \(4, 8\) must be odd numbers"),
        ({"sides": (5, 7)}, "each holding the points of the one before"),
        ({"sides": (5, 5)}, "each holding the points of the one before"),
        ({"sides": ()}, "must be odd numbers"),
        ({"sides": (1,)}, "side = 1 must be a whole number, 3 or larger"),
        ({"radius": 0}, "radius = 0 must be a number above 0"),
        ({"radius": math.nan}, "radius = nan must be a number above 0"),
        ({"radius": "wide"}, "radius = 'wide' must be a number above 0"),
        ({"seed": -1}, "seed = -1 must be a whole number, 0 or larger"),
        ({"statistics": "none"}, "statistics = 'none' must be 'kept' or 'batch'"),
    ],
)
def test_numbers_that_do_not_fit_get_a_sentence_at_once(network, data, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        landscape_steps(network, *data, **options)


def test_data_and_networks_that_do_not_fit_get_a_sentence(network, data):
    with pytest.raises(ValueError, match="24 pictures and 3 labels"):
        landscape_steps(network, data[0], data[1][:3])
    with pytest.raises(ValueError, match="no filters"):
        landscape_steps(nn.BatchNorm2d(3), *data)


# ── Views ────────────────────────────────────────────────────────────────────────────────────────────────────


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def test_two_maps_are_drawn_on_one_scale_into_one_figure():
    figure, low = Figure(), bowl()
    high = Landscape(**{**vars(low), "loss": low.loss + 4})
    drawn = pixels(landscape_maps(figure, {"low": low, "high": high}))
    assert drawn.shape == pixels(landscape_maps(figure, {"low": high, "high": low})).shape
    axes = figure.axes
    assert len(axes) == 3  # two maps and the scale, and nothing left of the drawing before
    assert axes[0].images[0].norm is axes[1].images[0].norm
    assert axes[0].images[0].norm.vmin == pytest.approx(math.log(loss_range([low, high])[0]))
    assert [a.get_title() for a in axes[:2]] == ["low", "high"]
    alike = pixels(landscape_maps(figure, {"low": low, "high": low}))
    assert not np.array_equal(alike, drawn)


@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_a_loss_that_is_no_number_is_drawn_as_a_cross_and_the_rest_stays(value):
    found, figure = bowl(), Figure()
    found.loss[2, 5] = value
    landscape_maps(figure, {"net": found})
    crosses = figure.axes[0].lines[1]
    assert crosses.get_marker() == "x"
    assert (crosses.get_xdata().tolist(), crosses.get_ydata().tolist()) == ([0.5], [-1.0])
    assert np.isfinite(np.asarray(figure.axes[0].images[0].get_array())).all()
    found.loss[:] = value
    assert len(landscape_maps(figure, {"net": found})) > 1000


def test_what_is_not_known_yet_is_grey_and_a_flat_map_can_be_drawn():
    found, figure = bowl(), Figure()
    found.known[:] = False
    found.known[4, 4] = True
    landscape_maps(figure, {"net": found})
    assert np.ma.getmaskarray(figure.axes[0].images[0].get_array()).any()
    found.known[:], found.loss[:] = True, 2.0
    assert len(landscape_maps(figure, {"net": found})) > 1000


def test_slices_are_drawn_for_every_network_and_direction():
    svg = landscape_slices(slices_chart(), {"a": bowl(), "b<": bowl(side=5)})
    assert all(name in svg for name in ("a →", "a ↑", "b&lt; →", "guessing"))
    assert "a → 5, 1, 5" in svg


# ── The explorer ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def networks():
    torch.manual_seed(0)
    return dict(zip(("plain", "residual"), twins(**SMALL), strict=True))


def explore(networks, task, **options):
    return LandscapeExplorer(networks, task, n=8, **{"finest": 9, **options})


def text(explorer):
    return " ".join(re.sub(r"<[^>]+>", " ", explorer.text.value + explorer.problem.value).split())


def png(explorer):
    return base64.b64decode(bytes(explorer.picture.value).split(b",")[1])


def test_a_coarse_map_is_there_at_once_and_the_button_refines_it(networks, task):
    explorer = explore(networks, task)
    assert list(explorer.found) == ["plain", "residual"]
    assert {found.known.sum().item() for found in explorer.found.values()} == {9}
    assert explorer.work.start.description == "go on" and "18 of 162 forward passes" in explorer.work.count.value
    coarse = png(explorer)
    explorer.work.start.click()
    assert {found.known.sum().item() for found in explorer.found.values()} == {81}
    assert explorer.work.bar.value == explorer.work.bar.max == 162
    assert not np.array_equal(pixels(coarse), pixels(png(explorer)))
    x, labels = task.prepare(task.train[0][:8], 1.0), task.train[1][:8]
    for name, found in explorer.found.items():
        wanted = last(landscape_steps(networks[name], x, labels, sides=(3, 5, 9)))
        assert torch.allclose(found.loss, wanted.loss, rtol=1e-4)


def test_the_picture_has_its_numbers_as_text(networks, task):
    explorer = explore(networks, task)
    for name, found in explorer.found.items():
        falls, steps = found.falls
        said = f"{name}: loss {found.centre:.3g} in the middle, {found.edge:.3g} at distance 0.3"
        assert said in explorer.picture.tooltip
        assert f"{name} {found.centre:.3g} {found.edge:.3g} {found.edge / found.centre:.3g}" in text(explorer)
        assert f"{found.basin:.0%} {falls} of {steps}" in text(explorer)
    assert "the loss of guessing, 3" in text(explorer)
    assert all(name in explorer.slices.value for name in ("plain →", "plain ↑", "residual →", "residual ↑"))


@pytest.mark.parametrize(
    ("control", "value", "given"),
    [("radius", 1.0, {"radius": 1.0}), ("seed", 3, {"seed": 3}), ("statistics", "batch", {"statistics": "batch"})],
)
def test_a_control_begins_another_map(networks, task, control, value, given):
    explorer = explore(networks, task)
    before = png(explorer)
    getattr(explorer, control).value = value
    assert explorer.work.bar.value == 18 and not np.array_equal(pixels(before), pixels(png(explorer)))
    x, labels = task.prepare(task.train[0][:8], 1.0), task.train[1][:8]
    wanted = last(landscape_steps(networks["plain"], x, labels, sides=(3,), **given))
    found = explorer.found["plain"]
    assert torch.allclose(found.loss[::4, ::4], wanted.loss, rtol=1e-3)


def test_the_finest_map_can_be_chosen(networks, task):
    explorer = explore(networks, task)
    explorer.finest.value = 33
    assert "18 of 2,178 forward passes" in explorer.work.count.value
    assert explorer.found["plain"].side == 33


def test_in_a_notebook_it_refines_by_itself_can_be_stopped_and_gone_on_with(networks, task):
    async def use():
        explorer = explore(networks, task)
        while explorer.work.bar.value < 40:
            await asyncio.sleep(0)
        explorer.work.stop.click()
        done = explorer.work.bar.value
        for _ in range(5):
            await asyncio.sleep(0.01)
        assert explorer.work.bar.value == done < 162 and explorer.work.start.description == "go on"
        explorer.work.start.click()
        while not explorer.work.stop.disabled:
            await asyncio.sleep(0)
        return explorer

    explorer = asyncio.run(use())
    assert explorer.found["plain"].known.all() and explorer.work.bar.value == 162


def test_an_untrained_network_is_told_so(networks, task):
    assert "plain and residual are no better than guessing, as untrained networks" in text(explore(networks, task))


def test_losses_that_are_no_numbers_are_counted_in_words(networks, task):
    broken = copy.deepcopy(networks["plain"])
    nn.init.constant_(broken.head.fc.weight, torch.nan)
    explorer = explore({"broken": broken}, task)
    assert "broken: at 9 points (×) the loss is infinite or undefined." in text(explorer)
    assert "no better than guessing" in text(explorer)


def test_the_bundled_network_is_looked_at_by_its_own_answers():
    explorer = LandscapeExplorer(n=4, finest=9)
    assert "own answers in the middle" in text(explorer)
    found = explorer.found["the bundled network"]
    assert found.accuracy[4, 4] == 1 and found.edge > found.centre


def test_networks_that_do_not_fit_get_a_sentence(networks, task):
    with pytest.raises(ValueError, match="a dictionary of one network or two"):
        LandscapeExplorer(networks["plain"], task)
    with pytest.raises(ValueError, match="tells 7 classes apart"):
        LandscapeExplorer({"mine": ResNet(**{**SMALL, "num_classes": 7})}, task)


def test_what_a_network_raises_is_a_sentence_and_another_choice_brings_the_map_back(networks, task):
    explorer = LandscapeExplorer(networks, task, n=1, finest=9)
    explorer.statistics.value = "batch"  # of one picture whose last maps have one value
    assert "Expected more than 1 value per channel" in text(explorer)
    assert explorer.picture.layout.display == "none" and not explorer.work.start.disabled
    explorer.work.start.click()
    assert "Expected more than 1 value per channel" in text(explorer)
    explorer.statistics.value = "kept"
    assert explorer.problem.value == "" and explorer.picture.layout.display != "none"
