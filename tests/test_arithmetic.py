"""The arithmetic of one value: what is shown gives what the step gave out, and is what PyTorch was given."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from resnet_lib import ResNet, anatomy, build, step_names
from resnet_lib.activations import calls
from resnet_lib.experiments.arithmetic import Normalised, Products, Window, explain, explain_step

from .reference import plain, shake_norms

few = settings(max_examples=60, deadline=None)


def thin(**options):
    torch.manual_seed(0)
    network = shake_norms(ResNet(base=16, num_classes=10, blocks=(1, 2, 1, 1), **options)).eval()
    return network, torch.randn(1, 3, 45, 64)


NETWORKS = {
    "v1.5": thin(),
    "v1": thin(stride_on="1x1"),
    "basic": thin(block="basic"),
    "ResNeXt": thin(groups=4, width_per_group=32),
    "dilated": thin(replace_stride_with_dilation=(False, True, True)),
}
RUNS = {}
for _name, (_network, _x) in NETWORKS.items():
    _leaves = [n for n in step_names(_network) if not next(_network.get_submodule(n).children(), None)]
    RUNS[_name] = calls(_network, _x, _leaves)


def a_place(data, shape):
    return tuple(data.draw(st.integers(0, n - 1)) for n in shape)


# ── Every value of every step ────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_value_of_any_step_is_what_the_network_gave_out(data):
    which = data.draw(st.sampled_from(sorted(NETWORKS)))
    step = data.draw(st.sampled_from(list(RUNS[which])))
    module, call = NETWORKS[which][0].get_submodule(step), RUNS[which][step]
    place = a_place(data, call.output.shape[1:])
    v = explain_step(module, call.inputs, call.output, *place)
    assert v.output == call.output[(0, *place)].item()
    size = (
        v.products.abs().sum().item() if isinstance(v, Products) else v.inputs[v.inputs.isfinite()].abs().max().item()
    )
    assert abs(v.value - v.output) <= 1e-6 * (size + 1)


@pytest.mark.parametrize("which", NETWORKS)
def test_every_kind_of_step_is_called_what_anatomy_calls_it(which):
    network, x = NETWORKS[which]
    for s in anatomy(network, tuple(x.shape[1:])).steps:
        call = RUNS[which][s.name]
        v = explain_step(network.get_submodule(s.name), call.inputs, call.output, 0)
        assert s.kind.startswith(v.kind)
        if v.kind in ("CONV", "LINEAR"):
            values = call.output[0].numel()
            assert v.macs * values == s.macs


@few
@given(
    groups=st.integers(1, 3),
    per_group=st.integers(1, 3),
    out_per_group=st.integers(1, 3),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.integers(1, 3),
    padding=st.integers(0, 4),
    dilation=st.integers(1, 3),
    bias=st.booleans(),
    H=st.integers(1, 12),
    W=st.integers(1, 12),
    data=st.data(),
)
def test_any_convolution(groups, per_group, out_per_group, kernel, stride, padding, dilation, bias, H, W, data):
    conv = nn.Conv2d(
        groups * per_group, groups * out_per_group, kernel, stride, padding, dilation, groups=groups, bias=bias
    )
    x = torch.randn(1, groups * per_group, H, W)
    if any(n + 2 * padding < dilation * (k - 1) + 1 for n, k in zip((H, W), kernel, strict=True)):
        return  # the kernel does not fit
    y = conv(x).detach()
    channel, row, column = a_place(data, y.shape[1:])
    v = explain_step(conv, (x,), y, channel, row, column)
    assert v.value == pytest.approx(v.output, abs=1e-5)
    # What the kernel lies over, cut out by PyTorch.
    padded = F.pad(x, [padding] * 4)[0, list(v.channels)]
    top, left = row * stride, column * stride
    reach = [dilation * (k - 1) + 1 for k in kernel]
    under = padded[:, top : top + reach[0] : dilation, left : left + reach[1] : dilation]
    assert torch.equal(v.inputs.float(), under)
    assert torch.equal(v.weights.float(), conv.weight[channel])
    inside = F.pad(torch.ones(1, H, W), [padding] * 4)[:, top : top + reach[0] : dilation]
    inside = inside[:, :, left : left + reach[1] : dilation].expand_as(under)
    assert v.padding == (inside == 0).sum()
    assert v.macs == per_group * kernel[0] * kernel[1]
    assert (v.bias is None) == (not bias)


@few
@given(kernel=st.integers(1, 4), stride=st.integers(1, 3), dilation=st.integers(1, 2), data=st.data())
def test_any_max_pooling_and_where_its_value_is_from(kernel, stride, dilation, data):
    pool = nn.MaxPool2d(kernel, stride, data.draw(st.integers(0, kernel // 2)), dilation)
    x = torch.randn(1, 2, 9, 11)
    y = pool(x)
    channel, row, column = a_place(data, y.shape[1:])
    v = explain_step(pool, (x,), y, channel, row, column)
    assert v.value == v.output == x[0, channel, v.place[0], v.place[1]].item()
    assert v.place[0] in v.rows and v.place[1] in v.columns
    within = [(i, j) for i in v.rows for j in v.columns if 0 <= i < 9 and 0 <= j < 11]
    assert v.value == max(x[0, channel, i, j].item() for i, j in within)
    assert v.padding == kernel * kernel - len(within) == v.inputs.isinf().sum()


# ── What each kind shows ─────────────────────────────────────────────────────────────────────────────────────


def test_a_convolution_at_the_corner_shows_its_window_its_padding_and_its_strongest_channels():
    network, x = NETWORKS["v1.5"]
    v = explain(network, x, "stage0.conv", 3)
    assert (v.kind, v.rows, v.columns) == ("CONV", tuple(range(-3, 4)), tuple(range(-3, 4)))
    assert (v.macs, v.padding, v.channels) == (147, 3 * (49 - 16), range(3))
    assert v.inputs.shape == v.weights.shape == v.products.shape == (3, 7, 7)
    assert torch.equal(v.inputs[:, 3:, 3:].float(), x[0, :, :4, :4]) and (v.inputs[:, :3] == 0).all()
    assert v.sums.sum().item() == pytest.approx(v.value)
    assert v.formula.startswith("sum of 3 × 7 × 7 = 147 products (99 of them padding) = ")

    strongest = v.strongest(2)
    assert len(strongest) == 2 and len(v.strongest(9)) == 3
    assert all(v.sums[c].item() == contribution for c, contribution in strongest)
    assert [abs(s) for _, s in strongest] == sorted(v.sums.abs().tolist(), reverse=True)[:2]


def test_in_a_group_channels_keep_their_numbers():
    network, x = NETWORKS["ResNeXt"]
    conv = network.stage1[0].conv2
    per_group, out_per_group = conv.in_channels // 4, conv.out_channels // 4
    v = explain(network, x, "stage1.0.conv2", 2 * out_per_group, 5, 5)
    assert v.channels == range(2 * per_group, 3 * per_group)
    assert {c for c, _ in v.strongest(99)} == set(v.channels)
    given_now = RUNS["ResNeXt"]["stage1.0.conv2"].inputs[0]
    assert torch.equal(v.inputs.float(), given_now[0, list(v.channels), 4:7, 4:7])


def test_bn_shows_its_two_steps():
    bn = nn.BatchNorm2d(1, eps=0.19).eval()
    bn.running_mean[0], bn.running_var[0] = -0.5, 0.06
    with torch.no_grad():
        bn.weight[0], bn.bias[0] = 2.0, -1.0
    x = torch.tensor([[[[1.0]]]])
    v = explain_step(bn, (x,), bn(x), 0)
    assert isinstance(v, Normalised)
    assert (v.mean, v.eps, v.weight, v.bias) == (-0.5, 0.19, 2, -1)
    assert (v.inputs.item(), v.standard, v.value) == (1, pytest.approx(3), pytest.approx(5))
    assert v.formula == "(1 − (−0.5)) / √(0.06 + 0.19) = 3; 3 · 2 + (−1) = 5"


def test_bn_without_learnt_weights_scales_by_1_and_shifts_by_0():
    bn = nn.BatchNorm2d(2, affine=False).eval()
    x = torch.randn(1, 2, 3, 3)
    v = explain_step(bn, (x,), bn(x), 1, 2, 0)
    assert (v.weight, v.bias) == (1, 0) and v.value == v.standard


def one(module, *inputs, place=(0,)):
    return explain_step(module, inputs, module(*inputs), *place)


def test_relu_sum_and_identity_as_formulas():
    low, high = torch.full((1, 1, 1, 1), -0.2131), torch.full((1, 1, 1, 1), 0.5)
    add = NETWORKS["v1.5"][0].stage1[0].add
    assert one(nn.ReLU(), low).formula == "max(0, −0.2131) = 0"
    assert one(nn.ReLU(), high).formula == "max(0, 0.5) = 0.5"
    assert one(add, high, low).formula == "0.5 + (−0.2131) = 0.2869"
    assert one(add, low, high).inputs.tolist() == pytest.approx([-0.2131, 0.5])
    assert one(nn.Identity(), low).formula == "−0.2131, unchanged"


def test_pooling_flattening_and_the_linear_layer_as_formulas():
    x = torch.tensor([[[[1.0, -3.0, 2.0], [0.0, 8.0, -2.0]], [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]])
    assert (
        one(nn.MaxPool2d(3, 2, 1), x).formula
        == "the largest of 3 × 3 = 9 (5 of them padding) = 8, from row 1, column 1"
    )
    v = one(nn.AdaptiveAvgPool2d(1), x)
    assert v.formula == "6 / 6 = 1, the mean of 2 × 3 = 6"
    assert (v.rows, v.columns, v.padding, v.place) == ((0, 1), (0, 1, 2), 0, None)
    assert one(nn.Flatten(), x, place=(9,)).formula == "4, unchanged, from (1, 1, 0)"
    linear = nn.Linear(2, 1)
    with torch.no_grad():
        linear.weight[:], linear.bias[:] = torch.tensor([[2.0, -1.0]]), 0.5
    v = one(linear, torch.tensor([[3.0, 4.0]]))
    assert v.formula == "sum of 2 products = 2; with bias 0.5: 2.5"
    assert (v.sums.tolist(), v.strongest(1), v.bias, v.macs) == ([6, -4], [(0, 6)], 0.5, 2)


def test_a_value_has_the_class_of_its_kind():
    network, x = NETWORKS["v1.5"]
    classes = {"stage0.conv": Products, "head.fc": Products, "stage0.pool": Window, "stage0.bn": Normalised}
    for step, kind in classes.items():
        assert type(explain(network, x, step, 0)) is kind


# ── Running for it ───────────────────────────────────────────────────────────────────────────────────────────


def test_explaining_runs_in_evaluation_mode_and_leaves_the_network_as_it_was():
    network, x = thin()
    wanted = explain(network, x, "stage2.0.bn2", 5, 2, 3)
    network.train()
    network.stage0.bn.eval()
    modes = [m.training for m in network.modules()]
    before = {name: t.clone() for name, t in network.state_dict().items()}
    assert explain(network, x, "stage2.0.bn2", 5, 2, 3).value == wanted.value
    assert [m.training for m in network.modules()] == modes
    assert all(torch.equal(t, before[name]) for name, t in network.state_dict().items())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in network.modules())


def test_a_network_that_works_in_place_is_explained_by_what_its_steps_were_given():
    torch.manual_seed(0)
    network = shake_norms(plain("resnet50", base=16, num_classes=10)).eval()
    x = torch.randn(1, 3, 32, 32)
    for step in ("bn1", "layer1.0.bn1", "layer1.0.bn3", "layer2.0.downsample.1", "fc"):
        v = explain(network, x, step, 3)
        assert v.value == pytest.approx(v.output, abs=1e-5)


def test_half_precision_is_explained_to_its_own_rounding():
    conv, x = nn.Conv2d(16, 4, 3).bfloat16(), torch.randn(1, 16, 5, 5).bfloat16()
    v = explain_step(conv, (x,), conv(x), 2, 1, 1)
    assert v.value == pytest.approx(v.output, rel=0.02, abs=0.02)


# ── What cannot be answered ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        ("stage1", "stage1 is made of several steps: choose one, such as stage1.0.relu3"),
        ("stage1.0.shortcut", "choose one, such as stage1.0.shortcut.bn"),
        ("", "the network is made of several steps: choose one, such as head.fc"),
        ("stage9.0", "no step is called 'stage9.0'"),
    ],
)
def test_what_is_no_single_step_gets_a_sentence(step, sentence):
    with pytest.raises(ValueError, match=sentence):
        explain(*NETWORKS["v1.5"], step, 0)


@pytest.mark.parametrize(
    ("step", "place", "sentence"),
    [
        ("stage0.conv", (16, 0, 0), r"stage0.conv outputs \(16, 23, 32\), so there is no channel 16"),
        ("stage0.conv", (0, 23, 0), "there is no row 23: the last one is 22"),
        ("stage0.conv", (0, 0, -1), "column = -1 must be a whole number, 0 or larger"),
        ("head.fc", (0, 1), r"head.fc outputs \(10,\), so there is no row 1"),
    ],
)
def test_a_place_that_there_is_not_gets_a_sentence(step, place, sentence):
    with pytest.raises(ValueError, match=sentence):
        explain(*NETWORKS["v1.5"], step, *place)


def test_an_output_that_the_inputs_do_not_give_is_refused():
    bn, x = nn.BatchNorm2d(2), torch.randn(4, 2, 3, 3) * 5 + 1
    by_batch = bn(x)
    with pytest.raises(ValueError, match="not of the same run, or BN was in training mode"):
        explain_step(bn.eval(), (x,), by_batch, 0)
    conv = nn.Conv2d(2, 2, 1)
    y = conv(x)
    with torch.no_grad():
        conv.weight += 1
    with pytest.raises(ValueError, match="^conv gave out .*, and its inputs and weights give"):
        explain_step(conv, (x,), y, 0, name="conv")


@pytest.mark.parametrize(
    "module",
    [nn.GELU(), nn.Conv2d(2, 2, 3, padding=1, padding_mode="reflect"), nn.MaxPool2d(2, ceil_mode=True)],
)
def test_arithmetic_that_is_not_known_gets_a_sentence(module):
    x = torch.randn(1, 2, 4, 4)
    with pytest.raises(TypeError, match=f"the arithmetic of own, a {type(module).__name__} such as this one"):
        explain_step(module, (x,), module(x), 0, name="own")


def test_every_published_design_can_be_explained():
    for name in ("resnet18", "resnext50_32x4d", "wide_resnet50_2"):
        network = shake_norms(build(name, base=16, num_classes=4)).eval()
        for step in ("stage1.0.conv2", "stage4.1.add", "head.fc"):
            v = explain(network, torch.randn(1, 3, 32, 32), step, 1)
            assert v.value == pytest.approx(v.output, abs=1e-5)
