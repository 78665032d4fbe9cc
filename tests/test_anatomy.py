"""Anatomy: its arithmetic against published figures, other counters, and what really runs."""

import subprocess
import sys
from collections import OrderedDict
from html.parser import HTMLParser

import pytest
import torch
import torchinfo
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from resnet_lib import (
    BTNK1,
    BTNK2,
    DESIGNS,
    Add,
    BasicBlock,
    Design,
    ResNet,
    ShapeMismatch,
    Stem,
    anatomy,
    build,
    out_size,
    resnet50,
    shapes_only,
)
from resnet_lib.anatomy import Box
from resnet_lib.views import anatomy_table

few = settings(max_examples=40, deadline=None)


def on_meta(name, **options):
    with torch.device("meta"):
        return build(name, **options)


# ── Published figures ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "parameters", "giga_macs"),
    [
        ("resnet18", 11_689_512, 1.814),
        ("resnet34", 21_797_672, 3.664),
        ("resnet50", 25_557_032, 4.089),
        ("resnet101", 44_549_160, 7.801),
        ("resnet152", 60_192_808, 11.514),
        ("resnext50_32x4d", 25_028_904, 4.230),
        ("resnext101_32x8d", 88_791_336, 16.414),
        ("wide_resnet50_2", 68_883_240, 11.398),
        ("wide_resnet101_2", 126_886_696, 22.753),
    ],
)
def test_parameters_and_macs_are_the_published_ones(name, parameters, giga_macs):
    a = anatomy(on_meta(name), 224)
    assert a.parameters == parameters
    assert round(a.macs / 1e9, 3) == giga_macs


@pytest.mark.parametrize(("name", "giga_macs"), [("resnet50", 3.858), ("resnet101", 7.570), ("resnet152", 11.282)])
def test_the_papers_layout_costs_less(name, giga_macs):
    assert round(anatomy(on_meta(name, stride_on="1x1"), 224).macs / 1e9, 3) == giga_macs


@pytest.mark.parametrize(
    ("name", "printed"),
    [("resnet18", 1.8), ("resnet34", 3.6), ("resnet50", 3.8), ("resnet101", 7.6), ("resnet152", 11.3)],
)
def test_the_papers_table_1_prints_these_macs_with_one_digit_after_the_point(name, printed):
    """Some of them cut off, some rounded: each is less than one unit of its last digit away."""
    assert abs(anatomy(on_meta(name, stride_on="1x1"), 224).macs / 1e9 - printed) < 0.1


def test_resnet50_costs_exactly_this():
    assert anatomy(on_meta("resnet50"), 224).macs == 4_089_184_256
    assert anatomy(on_meta("resnet50"), 224).flops == 8_178_368_512
    assert anatomy(on_meta("resnet50", stride_on="1x1"), 224).macs == 3_857_973_248


def test_resnet50_stage_by_stage():
    a = anatomy(on_meta("resnet50"), 224)
    stages = {s.name: s for s in a.by_stage()}
    assert list(stages) == ["stage0", "stage1", "stage2", "stage3", "stage4", "head"]
    assert [s.parameters for s in stages.values()] == [
        9_536,
        215_808,
        1_219_584,
        7_098_368,
        14_964_736,
        2_049_000,
    ]
    assert [round(s.macs / 1e6, 1) for s in stages.values()] == [118.0, 667.9, 1027.6, 1464.3, 809.2, 2.0]
    assert stages["head"].macs == 2_048_000
    assert [s.shape for s in stages.values()] == [
        (64, 56, 56),
        (256, 56, 56),
        (512, 28, 28),
        (1024, 14, 14),
        (2048, 7, 7),
        (1000,),
    ]
    assert (a["stage0.conv"].parameters, a["stage0.bn"].parameters) == (9_408, 128)
    assert a["stage0.conv"].shape == (64, 112, 112)


@pytest.mark.parametrize(("stride_on", "fields"), [("3x3", [11, 35, 91, 267, 427]), ("1x1", [11, 35, 99, 291, 483])])
def test_receptive_fields_and_jumps_at_the_end_of_each_stage(stride_on, fields):
    a = anatomy(on_meta("resnet50", stride_on=stride_on), 224)
    assert [s.receptive_field for s in a.by_stage()][:5] == fields
    assert [s.jump for s in a.by_stage()][:5] == [4, 4, 8, 16, 32]
    assert (a["stage0.conv"].receptive_field, a["stage0.conv"].jump) == (7, 2)
    assert (a["stage0.pool"].receptive_field, a["stage0.pool"].jump) == (11, 4)


# ── Other counters ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
@pytest.mark.sampled(3)
@pytest.mark.parametrize("stride_on", ["3x3", "1x1"])
@pytest.mark.parametrize("name", DESIGNS)
def test_pytorchs_flop_counter_counts_twice_the_macs(name, stride_on):
    model = on_meta(name, stride_on=stride_on).eval()
    with FlopCounterMode(display=False) as counter:
        model(torch.empty(1, 3, 224, 224, device="meta"))
    assert counter.get_total_flops() == anatomy(model, 224).flops


def test_torchinfo_counts_the_same_and_adds_the_parameters_of_bn_and_the_bias_of_fc():
    model = resnet50().eval()
    a = anatomy(model, 224)
    info = torchinfo.summary(model, (1, 3, 224, 224), depth=9, verbose=0)
    assert info.total_params == a.parameters
    assert info.total_mult_adds - a.macs == 53_120 + 1_000
    assert sum(s.parameters for s in a.steps if s.kind == "BN") == 53_120
    theirs = [layer for layer in info.summary_list if layer.is_leaf_layer]
    # torchinfo lists in the order of running, and so does anatomy.
    assert [tuple(layer.output_size[1:]) for layer in theirs] == [s.shape for s in a.steps]
    assert [layer.num_params for layer in theirs] == [s.parameters for s in a.steps]


def really_run(model, shape):
    """name → (output shape of one picture, parameters) of every module without children, in running order."""
    seen = {}
    for name, m in model.named_modules():
        if next(m.children(), None) is None:
            m.register_forward_hook(
                lambda m, _, out, name=name: seen.update(
                    {name: (tuple(out.shape[1:]), sum(p.numel() for p in m.parameters()))}
                )
            )
    model.eval()(torch.randn(1, *shape))
    return seen


def assert_same_as_running(model, shape):
    """Names, shapes and parameters; not the order: a block of one's own may run its shortcut when it likes."""
    steps = anatomy(model, shape).steps
    assert {s.name: (s.shape, s.parameters) for s in steps} == really_run(model, shape)
    assert len({s.name for s in steps}) == len(steps)


@pytest.mark.parametrize(("name", "stride_on"), [*((name, "3x3") for name in DESIGNS), ("resnet50", "1x1")])
def test_names_shapes_and_parameters_are_those_of_a_real_forward_pass(name, stride_on):
    model = build(name, base=16, num_classes=10, stride_on=stride_on)
    steps = anatomy(model, 64).steps
    assert [(s.name, (s.shape, s.parameters)) for s in steps] == list(really_run(model, (3, 64, 64)).items())


@pytest.mark.parametrize("dilate", [(False, False, True), (False, True, True), (True, False, True)])
def test_dilated_networks_too(dilate):
    assert_same_as_running(ResNet(base=8, replace_stride_with_dilation=dilate), (3, 70, 45))


small = st.integers(1, 3)
block_designs = st.one_of(
    st.builds(
        lambda C1, S, stride_on, groups, dilation: (
            lambda C: BTNK1(C, C1 * groups, S, stride_on=stride_on, groups=groups, dilation=dilation)
        ),
        small,
        small,
        st.sampled_from(["3x3", "1x1"]),
        st.integers(1, 2),
        small,
    ),
    st.builds(lambda C1, dilation: lambda C: BTNK2(C, C1=C1, dilation=dilation), small, small),
    st.builds(lambda C1, S: lambda C: BasicBlock(C, C1, S), small, small),
)


def stack(designs, C):
    blocks = []
    for design in designs:
        blocks.append(design(C))
        C = blocks[-1].C_out
    return nn.Sequential(*blocks)


@few
@given(
    designs=st.lists(block_designs, min_size=1, max_size=3),
    C=st.integers(1, 5),
    H=st.integers(1, 20),
    W=st.integers(1, 20),
)
def test_any_stack_of_blocks_agrees_with_running_and_counting_it(designs, C, H, W):
    model = stack(designs, C)
    assert_same_as_running(model, (C, H, W))
    with FlopCounterMode(display=False) as counter:
        model(torch.randn(1, C, H, W))
    assert counter.get_total_flops() == anatomy(model, (C, H, W)).flops


@few
@given(
    size=st.integers(1, 40),
    kernel=st.integers(1, 7),
    stride=st.integers(1, 4),
    padding=st.integers(0, 4),
    dilation=st.integers(1, 3),
)
def test_out_size_is_what_a_convolution_gives_or_says_why_there_is_nothing(size, kernel, stride, padding, dilation):
    conv = nn.Conv2d(1, 1, kernel, stride, padding, dilation)
    try:
        expected = conv(torch.zeros(1, 1, size, size)).shape[-1]
    except RuntimeError:
        reach = dilation * (kernel - 1) + 1
        with pytest.raises(ValueError, match=f"covers {reach} pixels and the padded input has {size + 2 * padding}"):
            out_size(size, kernel, stride, padding, dilation)
    else:
        assert out_size(size, kernel, stride, padding, dilation) == expected


# ── Receptive field, measured ────────────────────────────────────────────────────────────────────────────────


def all_positive(model):
    """The same with positive weights, so that nothing cancels, and averages for maxima, whose gradient goes to one
    pixel alone. No gradient vanishes on an input of ones."""
    for m in model.modules():
        if isinstance(m, nn.Conv2d):
            m.weight.data.abs_().add_(0.01)
        if isinstance(m, Stem):
            m.pool = nn.AvgPool2d(3, 2, 1)
    return model.double().eval()


def reached(model, C, H, W, places):
    """For each place (row, column) of the output the pixels its gradient reaches, as (top, left, bottom, right)."""
    x = torch.ones(1, C, H, W, dtype=torch.double, requires_grad=True)
    y = all_positive(model)(x).sum(1)[0]
    boxes = []
    for row, column in places:
        (grad,) = torch.autograd.grad(y[row, column], x, retain_graph=True)
        rows, columns = (grad.abs().sum(d).nonzero().flatten().tolist() for d in [(0, 1, 3), (0, 1, 2)])
        boxes.append((rows[0], columns[0], rows[-1] + 1, columns[-1] + 1) if rows else None)
    return boxes


def assert_the_middle_sees_its_field(model, C, W):
    a = anatomy(model, (C, W, W))
    last = a.steps[-1]
    middle = last.shape[-1] // 2
    places = [(middle, middle), (middle + 1, middle), (middle, middle + 1)]
    fields = [a.field(last.name, *place) for place in places]
    assert all(box.clipped(W, W) == box for box in fields), "the picture is too small to hold the whole field"
    assert reached(model, C, W, W, places) == fields
    here, below, _ = fields
    assert (here.bottom - here.top, below.top - here.top) == (last.receptive_field, last.jump)
    assert here.top == last.start + middle * last.jump


@pytest.mark.parametrize("stride_on", ["3x3", "1x1"])
@pytest.mark.parametrize(("stages", "W"), [(0, 64), (1, 128), (2, 256), (3, 448), (4, 640)])
def test_the_receptive_field_of_each_stage_is_what_the_gradient_reaches(stages, W, stride_on):
    # The field depends on kernels and strides alone: one channel is enough.
    net = ResNet(base=1, in_channels=1, stride_on=stride_on)
    part = nn.Sequential(*(net.get_submodule(f"stage{i}") for i in range(stages + 1)))
    assert_the_middle_sees_its_field(part, 1, W)


@few
@given(designs=st.lists(block_designs, min_size=1, max_size=2), C=st.integers(1, 3))
def test_the_receptive_field_of_any_two_blocks_is_what_the_gradient_reaches(designs, C):
    model = stack(designs, C)
    last = anatomy(model, 64).steps[-1]
    assert_the_middle_sees_its_field(model, C, 2 * last.receptive_field + 6 * last.jump)


@few
@given(kernel=st.integers(1, 7), stride=st.integers(1, 3), dilation=st.integers(1, 2))
def test_the_receptive_field_of_a_turned_stem_is_what_the_gradient_reaches(kernel, stride, dilation):
    assert_the_middle_sees_its_field(Stem(1, 2, kernel=kernel, stride=stride, dilation=dilation), 1, 120)


def test_where_the_shortcut_reaches_further_than_F_it_decides():
    class Wide(nn.Module):
        def __init__(self):
            super().__init__()
            self.main = nn.Conv2d(1, 1, 1, bias=False)
            self.shortcut = nn.Conv2d(1, 1, 5, padding=2, bias=False)
            self.add = Add()

        def forward(self, x):
            return self.add(self.main(x), self.shortcut(x))

    assert anatomy(Wide(), 16)["add"].receptive_field == 5
    assert_the_middle_sees_its_field(Wide(), 1, 16)


def test_where_the_branches_see_different_pixels_the_sum_sees_both():
    class Askew(nn.Module):
        def __init__(self):
            super().__init__()
            self.main = nn.Conv2d(1, 1, 2, stride=4, padding=1, bias=False)  # pixels −1 and 0
            self.shortcut = nn.Conv2d(1, 1, 3, stride=4, bias=False)  # pixels 0, 1 and 2
            self.add = Add()

        def forward(self, x):
            return self.add(self.main(x), self.shortcut(x))

    assert (anatomy(Askew(), 19)["add"].start, anatomy(Askew(), 19)["add"].receptive_field) == (-1, 4)
    assert_the_middle_sees_its_field(Askew(), 1, 19)


windows = st.tuples(
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.tuples(st.integers(0, 3), st.integers(0, 3)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
)


@few
@given(layers=st.lists(windows, min_size=1, max_size=3), H=st.integers(12, 40), W=st.integers(12, 40), data=st.data())
def test_the_field_of_any_value_of_any_stack_of_windows_is_what_its_gradient_reaches(layers, H, W, data):
    model = nn.Sequential(*(nn.Conv2d(1, 1, *window, bias=False) for window in layers))
    try:
        a = anatomy(model, (1, H, W))
    except ValueError:
        return  # the last windows are larger than what is left
    row, column = (data.draw(st.integers(0, n - 1)) for n in a.output[1:])
    field = a.field(a.steps[-1].name, row, column)
    inside = field.clipped(H, W)
    (seen,) = reached(model, 1, H, W, [(row, column)])
    if inside == field:
        assert seen == field
    elif seen:  # at the border a window may hop over the last pixels, but never sees any outside its field
        assert seen[0] >= inside.top and seen[1] >= inside.left
        assert seen[2] <= inside.bottom and seen[3] <= inside.right


def test_after_global_pooling_every_pixel_within_reach_counts():
    a = anatomy(nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.AdaptiveAvgPool2d(1)), 10)
    assert a.steps[-1].receptive_field == 12  # the picture and one pixel of padding on either side


def test_after_global_pooling_or_flattening_every_pixel_of_both_sides_counts():
    for last in (nn.AdaptiveAvgPool2d(1), nn.Flatten()):
        a = anatomy(nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), last), (1, 10, 6))
        assert a.field("1") == (-1, -1, 11, 7)


@pytest.mark.parametrize(("stride_on", "start"), [("3x3", -213), ("1x1", -241)])
def test_the_fields_of_a_network_are_centred_on_every_32nd_pixel(stride_on, start):
    a = anatomy(on_meta("resnet50", stride_on=stride_on), 224)
    assert [s.start for s in a.by_stage()][-2:] == [start, start]
    for row, column in [(0, 0), (3, 6)]:
        top, left, bottom, right = a.field("stage4", row, column)
        assert ((top + bottom - 1) / 2, (left + right - 1) / 2) == (32 * row, 32 * column)


def test_a_block_or_stage_has_the_field_of_its_last_step():
    a = anatomy(on_meta("resnet50"), 224)
    assert a.field("stage2", 3, 4) == a.field("stage2.3.relu3", 3, 4)
    assert a.field("stage2.0", 3, 4) == a.field("stage2.0.relu3", 3, 4)
    assert a.field("stage1.0.shortcut", 3, 4) == a.field("stage0", 3, 4) == (7, 11, 18, 22)


def test_a_place_or_step_that_there_is_not_gets_a_sentence():
    a = anatomy(on_meta("resnet50"), 224)
    with pytest.raises(ValueError, match=r"outputs \(2048, 7, 7\), so there is no row 7: the last one is 6"):
        a.field("stage4", 7, 0)
    with pytest.raises(ValueError, match=r"outputs \(1000,\), so there is no column 1"):
        a.field("head", 0, 1)
    for bad in (-1, 1.5, True):
        with pytest.raises(ValueError, match="column = .* must be a whole number, 0 or larger"):
            a.field("stage4", 0, bad)
    for name in ("stage", "stage5", ""):
        with pytest.raises(KeyError, match="no step is called"):
            a.field(name)


def test_a_box_is_clipped_to_the_picture():
    assert Box(-3, 2, 5, 9).clipped(4, 6) == (0, 2, 4, 6)
    outside = Box(-8, -8, -3, -3).clipped(4, 6)
    assert outside == (0, 0, 0, 0)


# ── What a step says ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_steps_of_btnk1_one_by_one():
    a = anatomy(BTNK1(256, 128, 2), 56)
    assert [(s.name, s.kind, s.shape, s.path) for s in a.steps] == [
        ("conv1", "CONV 1×1", (128, 56, 56), "main"),
        ("bn1", "BN", (128, 56, 56), "main"),
        ("relu1", "ReLU", (128, 56, 56), "main"),
        ("conv2", "CONV 3×3 /2", (128, 28, 28), "main"),
        ("bn2", "BN", (128, 28, 28), "main"),
        ("relu2", "ReLU", (128, 28, 28), "main"),
        ("conv3", "CONV 1×1", (512, 28, 28), "main"),
        ("bn3", "BN", (512, 28, 28), "main"),
        ("shortcut.conv", "CONV 1×1 /2", (512, 28, 28), "shortcut"),
        ("shortcut.bn", "BN", (512, 28, 28), "shortcut"),
        ("add", "SUM", (512, 28, 28), "sum"),
        ("relu3", "ReLU", (512, 28, 28), "sum"),
    ]
    assert a["conv2"].macs == 28 * 28 * 128 * 128 * 9
    assert a["shortcut.conv"].receptive_field == 1
    assert a["add"].receptive_field == 3


def test_the_identity_is_a_step_of_the_shortcut():
    step = anatomy(BTNK2(8), 5)["shortcut"]
    assert (step.kind, step.shape, step.path, step.receptive_field) == ("identity", (8, 5, 5), "shortcut", 1)


def test_the_next_block_begins_on_the_main_path_again():
    a = anatomy(nn.Sequential(BTNK2(8), BTNK2(8)), 5)
    assert (a["0.relu3"].path, a["1.conv1"].path) == ("sum", "main")


def test_groups_and_dilation_are_named_and_groups_divide_the_macs():
    plain = anatomy(BTNK1(8, 8, dilation=2), 5)["conv2"]
    grouped = anatomy(BTNK1(8, 8, groups=4), 5)["conv2"]
    assert plain.kind == "CONV 3×3 dilated 2"
    assert grouped.kind == "CONV 3×3 in 4 groups"
    assert plain.macs == 4 * grouped.macs


def test_a_step_is_found_by_name_and_a_wrong_name_gets_the_right_ones():
    a = anatomy(BTNK2(8), 5)
    assert a["conv2"].name == "conv2"
    with pytest.raises(KeyError, match="no step is called 'conv4'; did you mean conv3 or conv2 or conv1"):
        a["conv4"]
    with pytest.raises(KeyError, match="no step is called 'head'; there are conv1, bn1, relu1, conv2, …"):
        a["head"]


# ── Sizes ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_size_can_be_given_as_W_or_H_W_or_C_H_W():
    block = BTNK1(6, 4, 2)
    assert anatomy(block, 8).input == (6, 8, 8)
    assert anatomy(block, (8, 5)).input == (6, 8, 5)
    assert anatomy(block, [6, 8, 5]) == anatomy(block, (8, 5))
    assert anatomy(block, (8, 5)).output == (16, 4, 3)


@pytest.mark.parametrize("size", [(1, 6, 8, 8), (8,), ()])
def test_a_size_of_the_wrong_length_gets_a_sentence(size):
    with pytest.raises(ValueError, match=r"must be W, \(H, W\) or \(C, H, W\), all 1 or larger"):
        anatomy(BTNK1(6, 4, 2), size)


@pytest.mark.parametrize("size", [224 / 4, True, "56", None, (6, 8.5, 8), 0, -3, (0, 5), (6, 8, 0)])
def test_a_size_that_is_no_whole_number_gets_a_sentence(size):
    with pytest.raises(ValueError, match="must be a whole number, 1 or larger"):
        anatomy(BTNK1(6, 4, 2), size)


def test_wrong_channels_get_a_sentence():
    with pytest.raises(ValueError, match="conv1 expects C = 8 channels and gets 3"):
        anatomy(BTNK2(8), (3, 5, 5))


def test_a_kernel_larger_than_its_input_gets_a_sentence():
    with pytest.raises(ValueError, match="conv: the kernel covers 7 pixels and the padded input has 5"):
        anatomy(Stem(padding=0), 5)


def test_a_module_without_a_convolution_needs_its_channels_told():
    assert anatomy(nn.ReLU(), (4, 8, 8)).output == (4, 8, 8)
    with pytest.raises(ValueError, match=r"give size as \(C, H, W\)"):
        anatomy(nn.ReLU(), 8)


# ── Modules of one's own ─────────────────────────────────────────────────────────────────────────────────────


class OwnBlock(nn.Module):
    """As a learner may write one: other names, other kernels, an average pool in the shortcut."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(4, 6, 5, stride=2, padding=2)
        self.act = nn.GELU()
        self.second = nn.Conv2d(6, 8, (1, 3), padding=(0, 1), groups=2)
        self.shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(4, 8, 1))
        self.plus = Add()
        self.out = nn.SiLU()

    def forward(self, x):
        return self.out(self.plus(self.second(self.act(self.first(x))), self.shortcut(x)))


def test_a_block_of_ones_own_agrees_with_running_and_counting_it():
    model = OwnBlock()
    assert_same_as_running(model, (4, 10, 12))
    a = anatomy(model, (10, 12))
    with FlopCounterMode(display=False) as counter:
        model(torch.randn(1, 4, 10, 12))
    assert counter.get_total_flops() == a.flops
    assert a["shortcut.0"].path == "shortcut" and a["out"].path == "sum"


def test_a_network_of_ones_own_agrees_with_running_and_counting_it():
    model = nn.Sequential(
        OrderedDict(
            stem=Stem(3, 4, kernel=3, stride=1, padding=1),
            own=OwnBlock(),
            norm=nn.GroupNorm(2, 8),
            stage=nn.Sequential(BTNK2(8)),
            pool=nn.MaxPool2d(2),
            flatten=nn.Flatten(),
            drop=nn.Dropout(),
            fc=nn.Linear(8 * 4 * 4, 5),
        )
    )
    assert_same_as_running(model, (3, 32, 32))
    a = anatomy(model, 32)
    with FlopCounterMode(display=False) as counter:
        model.eval()(torch.randn(1, 3, 32, 32))
    assert counter.get_total_flops() == a.flops
    assert a.output == (5,)


def test_a_missing_projection_is_a_shape_mismatch_that_shows_both_shapes_and_the_way_there():
    block = BTNK1(64, 64, 1)
    block.shortcut = nn.Identity()  # "only where the stride is 2": the common bug
    with pytest.raises(ShapeMismatch) as caught:
        anatomy(block, 56)
    assert caught.value.main == (256, 56, 56)
    assert caught.value.shortcut == (64, 56, 56)
    assert [s.name for s in caught.value.steps][-2:] == ["bn3", "shortcut"]
    assert "F(x) has shape (256, 56, 56) and the shortcut (64, 56, 56)" in str(caught.value)


def test_a_forgotten_stride_in_the_shortcut_is_a_shape_mismatch():
    block = BTNK1(8, 4, 2)
    block.shortcut.conv.stride = (1, 1)
    with pytest.raises(ShapeMismatch, match=r"\(16, 3, 3\) and the shortcut \(16, 5, 5\)"):
        anatomy(block, 5)


def test_a_layer_it_does_not_know_is_named_in_a_type_error():
    class Swap(nn.Module):
        def forward(self, x):
            return x.flip(1)

    with pytest.raises(TypeError, match=r"does not know the arithmetic of Swap \(1\.0\)"):
        anatomy(nn.Sequential(nn.ReLU(), nn.Sequential(Swap())), (3, 4, 4))
    with pytest.raises(TypeError, match=r"Upsample \(the module itself\)"):
        anatomy(nn.Upsample(scale_factor=2), (3, 4, 4))


def test_pooling_that_rounds_up_is_not_taken_for_one_that_rounds_down():
    with pytest.raises(TypeError, match="does not know the arithmetic of MaxPool2d"):
        anatomy(nn.MaxPool2d(3, 2, ceil_mode=True), (3, 8, 8))


def test_a_linear_layer_on_a_whole_map_is_counted_at_every_place():
    linear = nn.Linear(6, 2)
    with FlopCounterMode(display=False) as counter:
        linear(torch.randn(1, 3, 5, 6))
    a = anatomy(linear, (3, 5, 6))
    assert a.output == (3, 5, 2)
    assert a.flops == counter.get_total_flops()


def test_a_sum_without_a_shortcut_gets_a_sentence():
    block = nn.Sequential(OrderedDict(conv=nn.Conv2d(3, 3, 1), skip=nn.Identity(), add=Add()))
    with pytest.raises(ValueError, match='add is a sum, and no child called "shortcut" is before it'):
        anatomy(block, 8)


def test_nothing_is_run_and_nothing_is_changed():
    model = resnet50(base=8).train()
    before = {name: (t.data_ptr(), t.clone()) for name, t in model.state_dict().items()}

    def refuse(*_):
        raise AssertionError("the module was run")

    for m in model.modules():
        m.register_forward_pre_hook(refuse)
    assert anatomy(model, 224).output == (1000,)
    assert model.training
    for name, t in model.state_dict().items():
        assert t.device.type == "cpu" and t.data_ptr() == before[name][0] and torch.equal(t, before[name][1])


def test_a_module_on_the_meta_device_gives_the_same():
    assert anatomy(on_meta("resnet50", base=8), 64) == anatomy(resnet50(base=8), 64)


def test_shapes_only_builds_modules_without_numbers_of_which_the_anatomy_is_the_same():
    with shapes_only():
        model = resnet50(base=8)
    assert all(t.device.type == "meta" for t in model.state_dict().values())
    assert anatomy(model, 64) == anatomy(resnet50(base=8), 64)


def test_after_shapes_only_weights_are_drawn_again_even_if_building_failed():
    with pytest.raises(ValueError, match="S = 0"), shapes_only():
        BTNK1(8, 4, 0)
    block = BTNK1(256, 128, 2)
    assert block.conv1.weight.device.type == "cpu"
    assert block.conv1.weight.std().item() == pytest.approx((2 / 128) ** 0.5, rel=0.03)


# ── As text and as HTML ──────────────────────────────────────────────────────────────────────────────────────


def test_as_text_it_has_one_line_a_step_and_the_totals():
    a = anatomy(on_meta("resnet50"), 224)
    lines = str(a).splitlines()
    assert "(3, 224, 224)" in lines[0] and "8,178,368,512" in lines[0]
    assert lines[-1].split() == ["total", "25,557,032", "4,089,184,256"]
    assert [line.split()[0] for line in lines[3:-2]] == [s.name for s in a.steps]
    (line,) = [line for line in lines if line.startswith("stage1.0.conv3 ")]
    assert all(word in line for word in ("CONV 1×1", "(256, 56, 56)", "16,384", "51,380,224"))


class Balanced(HTMLParser):
    """Fails where a tag is closed that is not the open one; collects the text."""

    def __init__(self, html):
        super().__init__()
        self.open, self.text, self.rows = [], "", 0
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.rows += tag == "tr"

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize(("make", "size"), [(lambda: on_meta("resnet50"), 224), (lambda: BTNK2(8), 5)])
def test_in_a_notebook_it_is_a_table_with_every_step_and_the_totals(make, size):
    a = anatomy(make(), size)
    page = Balanced(anatomy_table(a))
    assert all(f"{total:,}" in page.text for total in (a.parameters, a.macs, a.flops))
    assert all(s.name in page.text for s in a.steps)
    assert page.rows >= len(a.steps)


def test_a_network_shows_its_stages_which_open_and_a_block_shows_its_steps_at_once():
    network = anatomy_table(anatomy(on_meta("resnet50"), 224))
    assert network.count("<details>") == 6
    assert "34 steps of stage1" in network
    for block in (BTNK1(8, 4, 2), BTNK2(8), Stem()):
        html = anatomy_table(anatomy(block, 8))
        assert "<details>" not in html
        assert Balanced(html).rows == 1 + len(anatomy(block, 8).steps)


@pytest.mark.slow
def test_a_notebook_asks_for_that_table_once_views_are_imported_and_prints_plain_text_before():
    a = anatomy(Stem(), 8)
    assert a._repr_html_() == anatomy_table(a)
    code = "import resnet_lib; a = resnet_lib.anatomy(resnet_lib.Stem(), 8); print(hasattr(a, '_repr_html_')); print(a)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"False\n{a}\n"


def test_a_design_has_the_anatomy_of_its_network():
    design = Design.resnet(base=16, num_classes=10)
    assert anatomy(design, 64).steps == anatomy(design.build(), 64).steps


def test_a_module_of_ones_own_says_what_it_does_with_the_shortcut():
    class Joined(nn.Module):
        anatomy_kind = "CONCAT"

    block = nn.Sequential(OrderedDict(conv=nn.Conv2d(3, 5, 1), shortcut=nn.Identity(), join=Joined()))
    assert (anatomy(block, 4)["join"].kind, anatomy(block, 4).output) == ("CONCAT", (8, 4, 4))
    Joined.anatomy_kind = "SUM"
    with pytest.raises(ShapeMismatch):
        anatomy(block, 4)


def test_a_strange_name_is_text_and_no_markup():
    html = anatomy_table(anatomy(nn.Sequential(OrderedDict({"<b>&": nn.ReLU()})), (1, 2, 2)))
    assert "&lt;b&gt;&amp;" in html and "<b>&" not in html


def test_parameters_that_no_layer_holds_are_not_passed_over_in_silence():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 1)
            self.gain = nn.Parameter(torch.ones(4))

    with pytest.raises(TypeError, match="Scaled holds parameters of its own"):
        anatomy(Scaled(), 8)
    with pytest.raises(TypeError, match="0 holds parameters of its own"):
        anatomy(nn.Sequential(Scaled()), 8)


def test_padding_in_words_gets_a_sentence():
    with pytest.raises(TypeError, match="padding = 'same': give it as numbers"):
        anatomy(nn.Conv2d(3, 4, 3, padding="same"), 8)


def test_a_module_that_does_nothing_gives_out_what_comes_in():
    assert anatomy(nn.Sequential(), (3, 8, 8)).output == (3, 8, 8)


def test_the_initialisers_are_back_after_shapes_only_even_if_building_fails():
    before = nn.init.kaiming_uniform_, nn.init.kaiming_normal_
    with pytest.raises(ValueError), shapes_only():
        BTNK2(5)
    assert (nn.init.kaiming_uniform_, nn.init.kaiming_normal_) == before
