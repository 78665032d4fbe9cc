"""The blocks: what goes in, what comes out, what is inside, and what a wrong argument is answered."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from resnet_lib import BTNK1, BTNK2, Add, BasicBlock, Projection, Stem

from .reference import bottleneck_by_hand, shake_norms

few = settings(max_examples=40, deadline=None)
strides_on = st.sampled_from(["3x3", "1x1"])
widths = st.integers(1, 17)  # odd and even, and down to a single pixel

BLOCKS = {
    "BTNK2(8)": lambda: BTNK2(8),
    "BTNK1(6, 4, 2)": lambda: BTNK1(6, 4, 2),
    "BTNK1(8, 2, 1)": lambda: BTNK1(8, 2, 1),
    "BasicBlock(4)": lambda: BasicBlock(4),
    "BasicBlock(4, 6, 2)": lambda: BasicBlock(4, 6, 2),
    "Stem(3, 4)": lambda: Stem(3, 4),
}
every_block = pytest.mark.parametrize("make", BLOCKS.values(), ids=BLOCKS)


# ── Shapes ───────────────────────────────────────────────────────────────────────────────────────────────────


@few
@given(quarter=st.integers(1, 6), H=widths, W=widths, dilation=st.integers(1, 3), batch=st.integers(1, 3))
def test_btnk2_keeps_the_shape(quarter, H, W, dilation, batch):
    C = 4 * quarter
    assert BTNK2(C, dilation=dilation).eval()(torch.randn(batch, C, H, W)).shape == (batch, C, H, W)


@few
@given(
    C=st.integers(1, 9),
    C1=st.integers(1, 6),
    S=st.integers(1, 4),
    H=widths,
    W=widths,
    dilation=st.integers(1, 3),
    stride_on=strides_on,
)
def test_btnk1_gives_four_times_C1_channels_and_W_over_S_rounded_up(C, C1, S, H, W, dilation, stride_on):
    block = BTNK1(C, C1, S, dilation=dilation, stride_on=stride_on).eval()
    assert block(torch.randn(2, C, H, W)).shape == (2, 4 * C1, math.ceil(H / S), math.ceil(W / S))


@few
@given(groups=st.integers(1, 4), each=st.integers(1, 3), C_out=st.integers(1, 9), S=st.integers(1, 2))
def test_groups_and_C_out_are_free_of_each_other(groups, each, C_out, S):
    C1 = groups * each
    block = BTNK1(5, C1, S, groups=groups, C_out=C_out).eval()
    assert block.conv2.weight.shape == (C1, each, 3, 3)
    assert block(torch.randn(1, 5, 6, 6)).shape == (1, C_out, math.ceil(6 / S), math.ceil(6 / S))


@few
@given(C=st.integers(1, 6), C1=st.integers(1, 6), S=st.integers(1, 3), H=widths, W=widths)
def test_the_basic_block_gives_C1_channels_and_W_over_S_rounded_up(C, C1, S, H, W):
    y = BasicBlock(C, C1, S).eval()(torch.randn(1, C, H, W))
    assert y.shape == (1, C1, math.ceil(H / S), math.ceil(W / S))


@few
@given(C=st.integers(1, 4), C1=st.integers(1, 6), H=st.integers(1, 40), W=st.integers(1, 40))
def test_the_stem_halves_twice_and_rounds_up_each_time(C, C1, H, W):
    def quarter(n):
        return math.ceil(math.ceil(n / 2) / 2)

    assert Stem(C, C1).eval()(torch.randn(1, C, H, W)).shape == (1, C1, quarter(H), quarter(W))


def test_the_stem_as_published_takes_224_to_56():
    stem = Stem().eval()
    x = torch.randn(1, 3, 224, 224)
    assert stem.conv(x).shape == (1, 64, 112, 112)
    assert stem(x).shape == (1, 64, 56, 56)


def test_the_stems_convolution_can_be_turned():
    stem = Stem(3, 8, kernel=3, stride=1, padding=2, dilation=2).eval()
    x = torch.randn(1, 3, 16, 16)
    assert stem.conv(x).shape == (1, 8, 16, 16)
    assert stem(x).shape == (1, 8, 8, 8)


def test_one_block_serves_every_width():
    block = BTNK1(4, 2, 2).eval()
    assert [block(torch.randn(1, 4, W, W)).shape[-1] for W in (56, 7, 1)] == [28, 4, 1]


# ── What is inside ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("make", [lambda: BTNK2(8), lambda: BTNK1(8, 2, 1)], ids=["BTNK2", "BTNK1"])
def test_a_bottleneck_has_every_step_as_a_named_submodule_in_the_order_of_running(make):
    assert [name for name, _ in make().named_children()] == [
        "conv1",
        "bn1",
        "relu1",
        "conv2",
        "bn2",
        "relu2",
        "conv3",
        "bn3",
        "shortcut",
        "add",
        "relu3",
    ]


@every_block
def test_every_child_runs_exactly_once(make):
    block, ran = make().eval(), []
    for name, child in block.named_children():
        child.register_forward_hook(lambda *_, name=name: ran.append(name))
    block(torch.randn(1, block.C, 8, 8))
    assert ran == [name for name, _ in block.named_children()]


@every_block
def test_the_relus_are_different_objects_and_none_works_in_place(make):
    block = make()
    relus = [m for m in block.modules() if isinstance(m, nn.ReLU)]
    assert len(relus) == {"Stem": 1, "BasicBlock": 2}.get(type(block).__name__, 3)
    # modules() gives each object once, so a shared one would be missing from the count above.
    assert not any(relu.inplace for relu in relus)


@every_block
def test_no_convolution_has_a_bias(make):
    convs = [m for m in make().modules() if isinstance(m, nn.Conv2d)]
    assert convs and all(c.bias is None for c in convs)


@every_block
def test_a_block_leaves_its_input_alone(make):
    block = make().eval()
    x = torch.randn(2, block.C, 8, 8)
    before = x.clone()
    block(x)
    assert torch.equal(x, before)


def test_btnk2_has_the_identity_as_shortcut_and_btnk1_a_projection_even_where_no_shape_changes():
    assert isinstance(BTNK2(8).shortcut, nn.Identity)
    assert isinstance(BTNK1(8, 2, 1).shortcut, Projection)


def test_a_basic_block_projects_only_where_the_shapes_ask_for_it():
    assert isinstance(BasicBlock(4).shortcut, nn.Identity)
    assert isinstance(BasicBlock(4, 4).shortcut, nn.Identity)
    assert isinstance(BasicBlock(4, 5).shortcut, Projection)
    assert isinstance(BasicBlock(4, 4, 2).shortcut, Projection)


@pytest.mark.parametrize(("stride_on", "strides"), [("3x3", (1, 2, 1)), ("1x1", (2, 1, 1))])
def test_stride_on_says_which_convolution_takes_S_and_the_projection_always_does(stride_on, strides):
    block = BTNK1(8, 4, 2, stride_on=stride_on)
    assert tuple(c.stride[0] for c in (block.conv1, block.conv2, block.conv3)) == strides
    assert block.shortcut.conv.stride == (2, 2)


def test_the_two_places_of_the_stride_have_equal_weights_and_unequal_results():
    late, early = BTNK1(8, 4, 2).eval(), BTNK1(8, 4, 2, stride_on="1x1").eval()
    early.load_state_dict(late.state_dict())
    x = torch.randn(1, 8, 8, 8)
    assert late(x).shape == early(x).shape
    assert not torch.allclose(late(x), early(x))


def test_the_repr_tells_the_design():
    assert "C=256, C1=128, S=2, C_out=512" in repr(BTNK1(256, 128, 2))
    assert "C=64, C1=128, S=2" in repr(BasicBlock(64, 128, 2))


# ── What is computed ─────────────────────────────────────────────────────────────────────────────────────────


@few
@given(quarter=st.integers(1, 4), W=widths, dilation=st.integers(1, 3))
def test_btnk2_computes_relu_of_F_plus_x(quarter, W, dilation):
    block = shake_norms(BTNK2(4 * quarter, dilation=dilation)).eval()
    x = torch.randn(2, 4 * quarter, W, W)
    assert torch.allclose(block(x), bottleneck_by_hand(block, x, dilation=dilation)["relu3"], atol=1e-5)


@few
@given(
    C=st.integers(1, 9),
    groups=st.integers(1, 3),
    S=st.integers(1, 3),
    W=widths,
    dilation=st.integers(1, 2),
    stride_on=strides_on,
)
def test_btnk1_computes_relu_of_F_plus_G(C, groups, S, W, dilation, stride_on):
    options = {"groups": groups, "dilation": dilation, "stride_on": stride_on}
    block = shake_norms(BTNK1(C, 2 * groups, S, **options)).eval()
    x = torch.randn(2, C, W, W)
    assert torch.allclose(block(x), bottleneck_by_hand(block, x, S=S, **options)["relu3"], atol=1e-5)


@pytest.mark.parametrize("block", [BasicBlock(4), BasicBlock(4, 6, 2)], ids=["identity", "projection"])
def test_the_basic_block_computes_relu_of_F_plus_shortcut(block):
    block = shake_norms(block).eval()
    x = torch.randn(2, 4, 9, 9)
    f = block.bn2(block.conv2(block.bn1(block.conv1(x)).clamp(min=0)))
    side = x if block.C1 == 4 else block.shortcut.bn(block.shortcut.conv(x))
    assert torch.equal(block(x), (f + side).clamp(min=0))


def test_where_F_is_zero_only_the_shortcut_is_left():
    x = torch.randn(1, 8, 5, 5)
    identity, projection = BTNK2(8).eval(), BTNK1(8, 4, 2).eval()
    for block in (identity, projection):
        nn.init.zeros_(block.bn3.weight)
    assert torch.equal(identity(x), x.clamp(min=0))
    assert torch.equal(projection(x), projection.shortcut(x).clamp(min=0))


def test_add_gives_a_new_tensor():
    f, s = torch.ones(2), torch.ones(2)
    assert torch.equal(Add()(f, s), torch.full((2,), 2.0))
    assert torch.equal(f, torch.ones(2)) and torch.equal(s, torch.ones(2))


# ── How training starts ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("layer", "fan_out"), [("conv1", 128), ("conv2", 9 * 128), ("conv3", 512), ("shortcut.conv", 512)]
)
def test_convolutions_start_normal_with_variance_two_over_fan_out(layer, fan_out):
    torch.manual_seed(0)
    weight = BTNK1(256, 128, 2).get_submodule(layer).weight
    std = math.sqrt(2 / fan_out)
    assert weight.std().item() == pytest.approx(std, rel=0.02)
    assert abs(weight.mean().item()) < 0.02 * std
    # A normal distribution has 68.3 % within one standard deviation; a uniform one 57.7 %.
    assert (weight.abs() < std).float().mean().item() == pytest.approx(0.683, abs=0.01)


@every_block
def test_norms_start_with_weight_one_and_bias_zero(make):
    norms = [m for m in make().modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms
    for bn in norms:
        assert torch.equal(bn.weight, torch.ones_like(bn.weight))
        assert torch.equal(bn.bias, torch.zeros_like(bn.bias))


def test_another_normalisation_can_be_given():
    block = BTNK1(8, 4, 2, norm_layer=lambda C: nn.GroupNorm(2, C))
    assert sum(isinstance(m, nn.GroupNorm) for m in block.modules()) == 4
    assert not any(isinstance(m, nn.BatchNorm2d) for m in block.modules())


# ── Wrong arguments ──────────────────────────────────────────────────────────────────────────────────────────

SAYS = [
    (lambda: BTNK2(6), ["C = 6", "divisible by 4", "C = 4", "C = 8"]),
    (lambda: BTNK2(2), ["C = 2", "C = 4"]),
    (lambda: BTNK2(0), ["C = 0", "whole number, 1 or larger"]),
    (lambda: BTNK2(8, C1=0), ["C1 = 0", "1 or larger"]),
    (lambda: BTNK2(8, dilation=0), ["dilation = 0", "1 or larger"]),
    (lambda: BTNK2(8.0), ["C = 8.0", "whole number"]),
    (lambda: BTNK2("8"), ["C = '8'", "whole number"]),
    (lambda: BTNK2(None), ["C = None", "whole number"]),
    (lambda: BTNK1(8, 2, 0), ["S = 0", "1 or larger"]),
    (lambda: BTNK1(8, 2, -1), ["S = -1", "1 or larger"]),
    (lambda: BTNK1(8, 2, 1.5), ["S = 1.5", "whole number"]),
    (lambda: BTNK1(8, True), ["C1 = True", "whole number"]),
    (lambda: BTNK1(8, 2, C_out=0), ["C_out = 0", "1 or larger"]),
    (lambda: BTNK1(8, 4, groups=3), ["groups = 3", "divide", "C1 = 4"]),
    (lambda: BTNK1(8, 4, groups=0), ["groups = 0", "1 or larger"]),
    (lambda: BTNK1(8, 4, stride_on="7x7"), ["stride_on = '7x7'", '"3x3"', '"1x1"']),
    (lambda: BTNK1(8, 4, stride_on=3), ["stride_on = 3", '"3x3"', '"1x1"']),
    (lambda: BasicBlock(4, S=0), ["S = 0", "1 or larger"]),
    (lambda: BasicBlock(4, 0), ["C1 = 0", "1 or larger"]),
    (lambda: Stem(0), ["C = 0", "1 or larger"]),
    (lambda: Stem(kernel=0), ["kernel = 0", "1 or larger"]),
    (lambda: Stem(stride=2.0), ["stride = 2.0", "whole number"]),
    (lambda: Stem(padding=-1), ["padding = -1", "0 or larger"]),
    (lambda: Stem(dilation=False), ["dilation = False", "whole number"]),
    (lambda: BTNK2(8)(torch.zeros(1, 4, 5, 5)), ["C = 8", "(1, 4, 5, 5)", "has 4", "C = 4"]),
    (lambda: BTNK1(8, 2)(torch.zeros(8, 5, 5)), ["(batch, C, H, W)", "C = 8", "(8, 5, 5)"]),
    (lambda: BasicBlock(4)([1, 2]), ["BasicBlock", "(batch, C, H, W)", "list"]),
    (lambda: BasicBlock(4)(torch.zeros(1, 4, 0, 5)), ["empty", "(1, 4, 0, 5)", "1 or larger"]),
    (lambda: Stem()(torch.zeros(1, 1, 64, 64)), ["Stem", "C = 3", "(1, 1, 64, 64)", "C = 1"]),
    (lambda: Stem(padding=0)(torch.zeros(1, 3, 9, 5)), ["W = 5", "covers 7", "has 5", "at least 7"]),
    (
        lambda: Stem(padding=1, dilation=2)(torch.zeros(1, 3, 8, 20)),
        ["H = 8", "covers 13", "has 10", "at least 11"],
    ),
]


@pytest.mark.parametrize(("wrong", "words"), SAYS, ids=[" ".join(words[:1]) for _, words in SAYS])
def test_a_wrong_argument_gets_a_sentence_with_its_name_its_value_and_what_would_be_right(wrong, words):
    with pytest.raises(ValueError) as caught:
        wrong()
    assert [w for w in words if w not in str(caught.value)] == [], str(caught.value)


@pytest.mark.slow
@few
@given(
    name=st.sampled_from(["C", "C1", "S", "C_out", "groups", "dilation"]),
    value=st.integers(max_value=0) | st.floats() | st.booleans() | st.text(max_size=3),
)
def test_no_number_of_a_block_can_be_anything_but_a_positive_whole_one(name, value):
    with pytest.raises(ValueError, match=f"^{name} = "):
        BTNK1(**{"C": 8, "C1": 4, "S": 2, name: value})


def test_the_smallest_input_named_for_the_stem_does_fit():
    stem = Stem(padding=1, dilation=2).eval()
    assert stem(torch.zeros(1, 3, 11, 20)).shape[-2:] == (1, 3)


def test_numbers_from_numpy_are_numbers():
    import numpy as np

    assert BTNK1(np.int64(8), np.int64(4), np.int64(2)).eval()(torch.zeros(1, 8, 4, 4)).shape == (1, 16, 2, 2)
