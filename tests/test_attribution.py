"""Attribution: each map against its definition, worked out another way; and the network left as it was."""

import pytest
import torch
from torch import nn

from resnet_lib import ResNet, anatomy, to_published
from resnet_lib._common import evaluating
from resnet_lib.experiments.attribution import Map, grad_cam, occlusion, occlusion_steps, support, upsample

from .reference import plain, shake_norms

STAGES = ["stage0", "stage1", "stage2", "stage3", "stage4"]
SIZE = 64


@pytest.fixture(scope="module")
def x():
    return torch.randn(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def network():
    """Untrained, with scores as decided as those of a trained one; classes 3 and 7 like all that they see."""
    torch.manual_seed(0)
    network = shake_norms(ResNet(base=16, num_classes=10)).eval()
    with torch.no_grad():
        network.head.fc.weight.mul_(8)[[3, 7]] = network.head.fc.weight[[3, 7]].abs() / 4
    return network


class OnePixel(nn.Module):
    """Three classes; the score of the last is ten times what pixel (5, 9) holds in all colours, the others' is 0."""

    def __init__(self):
        super().__init__()
        self.pick = nn.Identity()

    def forward(self, x):
        score = 10 * self.pick(x)[:, :, 5, 9].sum(1)
        return torch.stack([0 * score, 0 * score, score], 1)


# ── Grad-CAM ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("step", STAGES)
def test_grad_cam_is_its_definition(network, x, step):
    """Without hooks: the network is cut in two behind the step, and its second half differentiated."""
    cut = STAGES.index(step) + 1
    first = nn.Sequential(*(network.get_submodule(name) for name in STAGES[:cut]))
    rest = nn.Sequential(*(network.get_submodule(name) for name in [*STAGES[cut:], "head"]))
    A = first(x).detach().requires_grad_()
    logits = rest(A)
    logits[0, 7].backward()
    C, h, w = A.shape[1:]
    wanted = torch.zeros(h, w)
    for k in range(C):
        wanted += A.grad[0, k].sum() / (h * w) * A.detach()[0, k]
    got = grad_cam(network, x, 7, step)
    assert got.values.shape == (h, w)
    assert torch.allclose(got.values, wanted.clamp(min=0), rtol=1e-3, atol=1e-8)
    assert got.values.max() > 0
    assert torch.allclose(got.logits, logits[0], atol=1e-6)
    assert not got.values.requires_grad and not got.logits.requires_grad


def test_at_the_last_stage_grad_cam_is_the_weighted_sum_of_the_maps_by_the_linear_layer(network, x):
    """Behind a global average pool the slope of a class's logit by a map is the class's weight, over the map's size."""
    maps = x
    for name in STAGES:
        maps = network.get_submodule(name)(maps)
    wanted = torch.einsum("c,chw->hw", network.head.fc.weight[2], maps[0]).clamp(min=0) / maps[0, 0].numel()
    assert torch.allclose(grad_cam(network, x, 2).values, wanted, rtol=1e-3, atol=1e-8)


def test_the_class_is_the_most_probable_one_unless_given(network, x):
    logits = network(x)[0]
    for found in (grad_cam(network, x), occlusion(network, x, patch=64, stride=64)):
        assert found.target == logits.argmax().item()
        assert found.probability == pytest.approx(torch.softmax(logits, 0).max().item(), abs=1e-6)
    assert grad_cam(network, x, torch.tensor(4)).target == 4


def test_a_map_of_nothing_is_zeros_and_no_nan(network, x):
    with torch.no_grad():
        network.head.fc.weight.zero_()
    found = grad_cam(network, x)
    assert torch.equal(found.values, torch.zeros(2, 2))
    assert torch.equal(upsample(found, 8, 8), torch.zeros(8, 8))


def test_a_step_that_the_score_does_not_hang_on_has_a_map_of_zeros(x):
    class Ignored(OnePixel):
        def forward(self, x):
            self.pick(x)
            return torch.stack([x[:, 0, 0, 0], x[:, 1, 0, 0]], 1)

    assert torch.equal(grad_cam(Ignored(), x, 0, "pick").values, torch.zeros(SIZE, SIZE))


def test_a_step_that_gives_no_maps_gets_a_sentence(network, x):
    with pytest.raises(ValueError, match=r"'head.fc' gives out \(10,\), and Grad-CAM needs maps \(C, H, W\)"):
        grad_cam(network, x, step="head.fc")
    with pytest.raises(ValueError, match="no step is called 'stage5'; did you mean"):
        grad_cam(network, x, step="stage5")


# ── Occlusion ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
@pytest.mark.parametrize(("patch", "stride", "batch"), [(32, 16, 5), (20, 20, 16), (18, 10, 3), (64, 64, 1)])
def test_occlusion_is_the_fall_of_the_probability_patch_by_patch(network, x, patch, stride, batch):
    n = -(-SIZE // stride)
    wanted = torch.zeros(n, n)
    pixel = torch.arange(SIZE) + 0.5
    with torch.no_grad():
        whole = torch.softmax(network(x), 1)[0, 5]
        for i in range(n):
            for j in range(n):
                rows, columns = ((pixel - (k + 0.5) * stride).abs() < patch / 2 for k in (i, j))
                grey = x.masked_fill(rows[:, None] & columns, 0.0)
                wanted[i, j] = whole - torch.softmax(network(grey), 1)[0, 5]
    got = occlusion(network, x, 5, patch=patch, stride=stride, batch=batch)
    assert got.values.shape == (n, n)
    assert torch.allclose(got.values, wanted, atol=1e-6)
    assert got.values.abs().max() > 1e-4
    assert got.target == 5 and torch.allclose(got.logits, network(x)[0], atol=1e-6)


def test_only_patches_that_hide_the_pixel_that_counts_make_a_difference():
    x = torch.full((1, 3, 12, 20), 0.1)
    found = occlusion(OnePixel(), x, patch=4, stride=2)
    score = torch.tensor([0, 0, 3.0])
    fall = (torch.softmax(score, 0)[2] - 1 / 3).item()
    assert found.values.shape == (6, 10)
    hidden = {(i, j) for i, j in found.values.nonzero().tolist()}
    # Patch i covers rows 2i − 1 to 2i + 2, so row 5 lies under 2 and 3, and column 9 under 4 and 5.
    assert hidden == {(2, 4), (2, 5), (3, 4), (3, 5)}
    assert found.values[2, 4].item() == pytest.approx(fall, abs=1e-6)


@pytest.mark.parametrize(("H", "W"), [(1, 1), (3, 50), (29, 13)])
def test_pictures_of_any_size_are_covered_without_being_told_how(H, W):
    class Mean(nn.Module):
        def forward(self, x):
            return torch.stack([x.mean((1, 2, 3)), 0 * x.mean((1, 2, 3))], 1)

    found = occlusion(Mean(), torch.ones(1, 3, H, W))
    assert not found.values.isnan().any()
    assert (found.values > 0).all()


def test_the_map_grows_batch_by_batch_and_what_is_not_measured_is_nan(network, x):
    steps = list(occlusion_steps(network, x, 5, patch=16, stride=16, batch=5))
    assert [(done, total) for _, done, total in steps] == [(5, 16), (10, 16), (15, 16), (16, 16)]
    for found, done, _ in steps:  # each is a map of its own, that later batches leave alone
        assert found.values.shape == (4, 4)
        assert found.values.flatten().isnan().tolist() == [n >= done for n in range(16)]
    assert torch.equal(steps[-1][0].values, occlusion(network, x, 5, patch=16, stride=16, batch=5).values)


def test_progress_is_told_after_each_batch_and_can_stop_the_work(network, x):
    told = []
    occlusion(network, x, patch=32, stride=32, batch=3, progress=lambda *numbers: told.append(numbers))
    assert told == [(3, 4), (4, 4)]

    def stop(done, total):
        told.append(done)
        raise KeyboardInterrupt

    network.train()
    with pytest.raises(KeyboardInterrupt):
        occlusion(network, x, patch=32, stride=32, batch=1, progress=stop)
    assert told[2:] == [1]
    assert network.training


def test_between_two_batches_the_network_is_the_learners(network, x):
    network.train()
    steps = occlusion_steps(network, x, patch=32, stride=32, batch=1)
    next(steps)
    assert network.training and torch.is_grad_enabled()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"patch": 65}, "a patch of 65 pixels is larger than the picture of 64 × 64: make it smaller"),
        ({"patch": 8, "stride": 9}, "stride = 9 is larger than the patch of 8 pixels"),
        ({"patch": 0}, "patch = 0 must be a whole number, 1 or larger"),
        ({"stride": 2.5}, "stride = 2.5 must be a whole number"),
        ({"batch": 0}, "batch = 0 must be a whole number"),
        ({"target": 10}, "there is no class 10: the network tells 10 classes apart"),
        ({"target": -1}, "target = -1 must be a whole number, 0 or larger"),
        ({"target": "cat"}, "target = 'cat' must be a whole number"),
    ],
)
def test_numbers_that_do_not_fit_get_a_sentence_at_once(network, x, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        occlusion_steps(network, x, **options)  # not only when the first batch is asked for
    if "target" in options:
        with pytest.raises(ValueError, match=sentence):
            grad_cam(network, x, **options)


# ── Support ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("step", "stages"), [("stage1", 2), ("stage3", 4)])
def test_support_is_the_gradient_of_the_one_value(network, x, step, stages):
    pixels = x.clone().requires_grad_()
    maps = pixels
    for name in STAGES[:stages]:
        maps = network.get_submodule(name)(maps)
    channel = maps[0, :, 1, 2].argmax().item()
    maps[0, channel, 1, 2].backward()
    got = support(network, x, step, channel, 1, 2)
    assert got.shape == (SIZE, SIZE)
    assert torch.allclose(got, pixels.grad[0].abs().sum(0), rtol=1e-4, atol=1e-8)
    assert got.max() > 0


@pytest.mark.parametrize("place", [(0, 0), (3, 5), (7, 7)])
def test_support_lies_inside_the_receptive_field(network, x, place):
    network.stage2[3].relu3 = nn.Identity()  # a value that ReLU cuts off has no gradient
    field = anatomy(network, SIZE).field("stage2", *place).clipped(SIZE, SIZE)
    inside = torch.zeros(SIZE, SIZE, dtype=torch.bool)
    inside[field.top : field.bottom, field.left : field.right] = True
    found = support(network, x, "stage2", 3, *place)
    assert (found[~inside] == 0).all()
    assert found[inside].count_nonzero() > 0.3 * inside.sum()


def test_a_score_has_support_everywhere_and_a_value_cut_off_by_relu_nowhere(network, x):
    assert (support(network, x, "head.fc", 4) > 0).float().mean() > 0.9
    maps = network.stage1(network.stage0(x))[0]
    channel, row, column = (maps == 0).nonzero()[0].tolist()
    assert torch.equal(support(network, x, "stage1", channel, row, column), torch.zeros(SIZE, SIZE))


def test_a_place_that_there_is_not_gets_a_sentence(network, x):
    with pytest.raises(ValueError, match=r"stage4 outputs \(512, 2, 2\), so there is no row 2: the last one is 1"):
        support(network, x, "stage4", 0, 2, 0)
    with pytest.raises(ValueError, match=r"there is no channel 512"):
        support(network, x, "stage4", 512, 0, 0)
    with pytest.raises(ValueError, match="column = -1 must be a whole number, 0 or larger"):
        support(network, x, "stage4", 0, 0, -1)


# ── Whatever state the network is in, and it stays in it ─────────────────────────────────────────────────────

WAYS = {
    "grad_cam": lambda network, x: grad_cam(network, x, 3).values,
    "occlusion": lambda network, x: occlusion(network, x, 3, patch=32, stride=32).values,
    "support": lambda network, x: support(network, x, "stage2", 4, 2, 2),
}
each_way = pytest.mark.parametrize("ask", WAYS.values(), ids=WAYS)


@each_way
def test_it_works_without_gradients_in_inference_mode_and_with_frozen_weights(network, x, ask):
    wanted = ask(network, x)
    assert wanted.abs().max() > 0
    with torch.no_grad():
        assert torch.equal(ask(network, x), wanted)
        assert not torch.is_grad_enabled()
    with torch.inference_mode():
        assert torch.equal(ask(network, x.clone()), wanted)
        assert torch.is_inference_mode_enabled()
    network.requires_grad_(False)
    assert torch.equal(ask(network, x), wanted)
    assert not any(p.requires_grad for p in network.parameters())


@each_way
def test_it_works_in_evaluation_mode_and_every_module_is_in_its_own_mode_afterwards(network, x, ask):
    wanted = ask(network, x)
    network.train()
    network.stage0.bn.eval()  # as where a part of a network is kept still while the rest is trained
    modes = [m.training for m in network.modules()]
    before = {name: t.clone() for name, t in network.state_dict().items()}
    assert torch.equal(ask(network, x), wanted)
    assert [m.training for m in network.modules()] == modes
    for name, t in network.state_dict().items():
        assert torch.equal(t, before[name]), name


@each_way
def test_a_training_under_way_and_the_input_are_left_alone(network, x, ask):
    for p in network.parameters():
        p.grad = torch.full_like(p, 0.5)
    given = x.clone().requires_grad_()
    ask(network, given)
    assert all((p.grad == 0.5).all() for p in network.parameters())
    assert given.grad is None and given.requires_grad and torch.equal(given, x)
    assert not any(m._forward_hooks or m._forward_pre_hooks or m._backward_hooks for m in network.modules())


def test_a_network_that_works_in_place_gives_the_same(network, x):
    other = plain("resnet50", base=16, num_classes=10).eval()
    other.load_state_dict(to_published(network.state_dict()))
    for step in (2, 4):
        ours, theirs = grad_cam(network, x, 3, f"stage{step}"), grad_cam(other, x, 3, f"layer{step}")
        assert torch.allclose(ours.values, theirs.values, rtol=1e-3, atol=1e-7)
    ours, theirs = support(network, x, "stage2", 4, 2, 2), support(other, x, "layer2", 4, 2, 2)
    assert ours.max() > 0 and torch.allclose(ours, theirs, rtol=1e-3, atol=1e-7)
    # The negatives of this one are overwritten a moment later.
    ours, theirs = support(network, x, "stage0.bn", 4, 2, 2), support(other, x, "bn1", 4, 2, 2)
    assert ours.max() > 0 and torch.allclose(ours, theirs, rtol=1e-3, atol=1e-7)


def test_a_first_step_that_overwrites_the_picture_itself_is_differentiated_through(x):
    class Doubled(nn.Module):
        def forward(self, x):
            x *= 2
            return x

    model = nn.Sequential(Doubled(), nn.Flatten(), nn.Linear(3 * SIZE * SIZE, 2))
    given = x.clone()
    got = support(model, given, "2", 1)
    assert torch.allclose(got, 2 * model[2].weight[1].view(3, SIZE, SIZE).abs().sum(0))
    assert torch.equal(given, x)


def test_the_modes_are_given_back_even_after_a_failure(network, x):
    network.train()
    with pytest.raises(RuntimeError), evaluating(network):
        assert not any(m.training for m in network.modules())
        raise RuntimeError
    with pytest.raises(ValueError):
        grad_cam(network, x, 99)
    assert all(m.training for m in network.modules())


@pytest.mark.parametrize(
    ("bad", "got"),
    [
        (torch.zeros(2, 3, 64, 64), r"expected one picture.* shape \(2, 3, 64, 64\): use x\[:1\]"),
        (torch.zeros(3, 64, 64), r"expects .* but got shape \(3, 64, 64\): add the batch with x\[None\]"),
        (torch.zeros(1, 3, 64, 64, dtype=torch.uint8), "the input holds uint8"),
        ("cat.jpg", r"expects .* but got str: to_input\(…\)"),
    ],
)
@each_way
def test_what_is_no_single_picture_gets_a_sentence(network, bad, got, ask):
    with pytest.raises(ValueError, match=got):
        ask(network, bad)


def test_a_network_without_scores_gets_a_sentence(network, x):
    for ask in (grad_cam, occlusion):
        with pytest.raises(ValueError, match=r"must give out one score a class, \(batch, classes\), and gave \(1, 16"):
            ask(nn.Sequential(network.stage0), x, **({"step": "0"} if ask is grad_cam else {}))


# ── Stretched over the picture ───────────────────────────────────────────────────────────────────────────────


def test_stretched_over_the_picture_values_run_from_0_to_1():
    values = torch.tensor([[0.0, 3.0], [-2.0, torch.nan]])
    got = upsample(values, 8, 6)
    assert got.shape == (8, 6)
    assert (got.min(), got.max()) == (0, 1)
    assert got[0].tolist() == sorted(got[0].tolist()) and got[0, -1] == 1
    assert got[-1].max() == 0  # what is below zero, or not measured, counts as nothing
    assert torch.equal(upsample(Map(values, 0, torch.zeros(2)), 8, 6), got)


def test_stretching_keeps_each_place_over_its_own_part_of_the_picture():
    for i in range(3):
        values = torch.zeros(3, 3)
        values[i, 2 - i] = 4.0
        row, column = divmod(upsample(values, 15, 15).argmax().item(), 15)
        assert (row // 5, column // 5) == (i, 2 - i)


@pytest.mark.parametrize("constant", [0.0, -1.0, 1e-30, 1e30])
def test_a_map_of_one_value_becomes_all_0_or_all_1(constant):
    got = upsample(torch.full((7, 7), constant), 20, 20)
    assert torch.allclose(got, torch.full((20, 20), float(constant > 0)))


def test_a_size_that_is_none_gets_a_sentence():
    with pytest.raises(ValueError, match="H = 0 must be a whole number"):
        upsample(torch.zeros(7, 7), 0, 20)
