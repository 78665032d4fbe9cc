"""The whole network: the published designs, held against a plain implementation, and the options."""

import itertools
import pickle
from dataclasses import replace

import pytest
import torch
from torch import nn

from resnet_lib import BTNK1, BTNK2, DESIGNS, BasicBlock, ResNet, build, network, resnet18, resnet50, to_published
from resnet_lib.activations import activations

from .reference import PlainBasicBlock, PlainBottleneck, PlainResNet, plain, shake_norms

TRUTHS = list(itertools.product([False, True], repeat=3))


def thin(**options):
    return ResNet(**{"base": 16, "num_classes": 10, **options})


def plain_with_the_weights_of(model, make):
    """The plain network on the model's own tensors. Fails where a key or a shape differs."""
    with torch.device("meta"):
        reference = make()
    reference.load_state_dict(to_published(model.state_dict()), assign=True)
    return reference.train(model.training)


def same_bits(model, make, x):
    reference = plain_with_the_weights_of(model, make)
    with torch.no_grad():
        ours, theirs = model(x), reference(x)
    assert theirs.isfinite().all() and theirs.std() > 0
    return torch.equal(ours, theirs)


def shapes(state_dict):
    return {key: tuple(tensor.shape) for key, tensor in state_dict.items()}


# ── The nine published designs ───────────────────────────────────────────────────────────────────────────────


def test_the_table_holds_the_nine_designs():
    assert list(DESIGNS) == [
        "resnet18",
        "resnet34",
        "resnet50",
        "resnet101",
        "resnet152",
        "resnext50_32x4d",
        "resnext101_32x8d",
        "wide_resnet50_2",
        "wide_resnet101_2",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", DESIGNS)
def test_a_published_design_builds_the_network_of_that_name(name):
    with torch.device("meta"):
        ours, built, named = build(name), DESIGNS[name].build(), getattr(network, name)()
    assert str(built) == str(ours) == str(named) and ours.design == built.design == DESIGNS[name]


def test_the_function_of_a_name_can_be_pickled_and_says_what_it_returns():
    assert pickle.loads(pickle.dumps(network.wide_resnet50_2)) is network.wide_resnet50_2
    assert all(name in getattr(network, name).__doc__ and getattr(network, name).__name__ == name for name in DESIGNS)


@pytest.mark.parametrize("dilate", TRUTHS)
def test_a_networks_design_makes_it_again_to_the_last_bit(dilate):
    options = {"zero_init_residual": True, "norm_layer": lambda C: nn.GroupNorm(4, C)}
    torch.manual_seed(1)
    ours = thin(groups=2, stride_on="1x1", replace_stride_with_dilation=dilate, in_channels=1, **options)
    torch.manual_seed(1)
    again = ours.design.build(**options)
    assert str(again) == str(ours) and again.reduction == ours.reduction
    pairs = zip(ours.state_dict().values(), again.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"block": "Basic"}, "block = 'Basic' must be"),
        ({"stride_on": "7x7"}, "stride_on = '7x7' must be"),
        ({"in_channels": 0}, "The input: in_channels = 0 must be"),
        ({"block": "basic"}, "Stage 1: a basic block has C_out = C1 and no groups or dilation"),
    ],
)
def test_what_no_network_can_be_is_refused(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        replace(DESIGNS["resnet50"], **changes).build()


@pytest.mark.parametrize("name", DESIGNS)
def test_keys_and_shapes_are_the_published_ones(name):
    with torch.device("meta"):
        ours, theirs = build(name), plain(name)
    assert shapes(to_published(ours.state_dict())) == shapes(theirs.state_dict())


# The usual run takes every second one: of each kind the smallest.
SMALLEST = "resnet18 resnet152 resnet50 resnet101 resnext50_32x4d resnext101_32x8d wide_resnet50_2 wide_resnet101_2"


@pytest.mark.slow
@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", [*SMALLEST.split(), "resnet34"])
def test_with_the_same_weights_the_logits_are_the_same_to_the_last_bit(name):
    torch.manual_seed(0)
    model = shake_norms(build(name)).eval()
    x = torch.randn(2, 3, 64, 64)
    assert same_bits(model, lambda: plain(name), x)
    if DESIGNS[name].block == "bottleneck":
        with torch.device("meta"):
            v1 = build(name, stride_on="1x1").eval()
        v1.load_state_dict(model.state_dict(), assign=True)
        assert same_bits(v1, lambda: plain(name, stride_on="1x1"), x)
        assert not torch.equal(model(x), v1(x))


@pytest.mark.slow
def test_in_training_mode_too_logits_and_running_statistics_are_the_same_to_the_last_bit():
    torch.manual_seed(0)
    model = shake_norms(resnet50()).train()
    reference = plain("resnet50")
    reference.load_state_dict(to_published(model.state_dict()))
    x = torch.randn(4, 3, 64, 64)
    assert torch.equal(model(x), reference.train()(x))
    after = to_published(model.state_dict())
    assert all(torch.equal(after[key], tensor) for key, tensor in reference.state_dict().items())


def test_the_gradients_are_those_of_the_plain_network():
    torch.manual_seed(0)
    model = shake_norms(thin()).train()
    reference = PlainResNet(PlainBottleneck, [3, 4, 6, 3], base=16, num_classes=10)
    reference.load_state_dict(to_published(model.state_dict()))
    x = torch.randn(4, 3, 48, 48)
    for net in (model, reference.train()):
        net(x).logsumexp(1).sum().backward()
    ours = to_published({name: p.grad for name, p in model.named_parameters()})
    for name, p in reference.named_parameters():
        assert torch.allclose(ours[name], p.grad, rtol=1e-4, atol=1e-6), name


@pytest.mark.parametrize("name", DESIGNS)
def test_each_stage_opens_with_its_own_block_and_is_filled_with_the_other(name):
    with torch.device("meta"):
        model = build(name)
    block, counts = DESIGNS[name].block, DESIGNS[name].blocks
    first, rest = {"bottleneck": (BTNK1, BTNK2), "basic": (BasicBlock, BasicBlock)}[block]
    for i, count in enumerate(counts, 1):
        stage = model.get_submodule(f"stage{i}")
        assert [type(b) for b in stage] == [first] + [rest] * (count - 1)


def test_stage_1_opens_with_a_projection_although_its_stride_is_one():
    with torch.device("meta"):
        block = resnet50().stage1[0]
    assert (block.C, block.C1, block.S, block.C_out) == (64, 64, 1, 256)
    assert block.shortcut.conv.weight.shape == (256, 64, 1, 1)
    assert block.shortcut.conv.stride == (1, 1)


def test_resnet18_has_no_projection_in_stage_1_where_nothing_changes():
    with torch.device("meta"):
        model = resnet18()
    identities = [isinstance(model.get_submodule(f"stage{i}.0.shortcut"), nn.Identity) for i in (1, 2, 3, 4)]
    assert identities == [True, False, False, False]


def test_in_stages_2_to_4_of_resnet50_the_opening_block_halves_W_and_works_on_half_the_channels():
    with torch.device("meta"):
        model = resnet50()
    designs = [(b.C, b.C1, b.S) for b in (model.stage2[0], model.stage3[0], model.stage4[0])]
    assert designs == [(256, 128, 2), (512, 256, 2), (1024, 512, 2)]


def test_the_stages_of_resnet50_give_the_published_shapes():
    torch.manual_seed(0)
    names = ["stage0", "stage1", "stage2", "stage3", "stage4", "head.pool", "head"]
    seen = activations(resnet50().eval(), torch.randn(1, 3, 224, 224), names)
    assert [tuple(t.shape[1:]) for t in seen.values()] == [
        (64, 56, 56),
        (256, 56, 56),
        (512, 28, 28),
        (1024, 14, 14),
        (2048, 7, 7),
        (2048, 1, 1),
        (1000,),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", DESIGNS)
def test_the_function_named_after_a_design_builds_it(name):
    import resnet_lib

    with torch.device("meta"):
        by_function, by_name = getattr(resnet_lib, name)(num_classes=7), build(name, num_classes=7)
    assert str(by_function) == str(by_name)
    assert by_function.head.fc.out_features == 7


def test_an_unknown_design_is_named_and_the_known_ones_are_listed():
    with pytest.raises(ValueError) as caught:
        build("resnet51")
    assert "'resnet51'" in str(caught.value)
    assert all(name in str(caught.value) for name in DESIGNS)


# ── Options ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_base_16_is_the_thin_network():
    assert sum(p.numel() for p in thin().parameters()) == 1_486_106


def test_num_classes_and_in_channels_say_what_comes_out_and_in():
    options = {"base": 16, "num_classes": 7, "in_channels": 5}
    model = ResNet(**options).eval()
    x = torch.randn(2, 5, 40, 40)
    assert model(x).shape == (2, 7)
    assert same_bits(model, lambda: PlainResNet(PlainBottleneck, [3, 4, 6, 3], **options), x)


def test_any_block_counts_can_be_built():
    x = torch.randn(1, 3, 40, 40)
    for block, theirs in [("bottleneck", PlainBottleneck), ("basic", PlainBasicBlock)]:
        model = shake_norms(thin(block=block, blocks=[1, 2, 1, 3])).eval()
        assert [len(model.get_submodule(f"stage{i}")) for i in (1, 2, 3, 4)] == [1, 2, 1, 3]
        assert same_bits(model, lambda plain=theirs: PlainResNet(plain, [1, 2, 1, 3], base=16, num_classes=10), x)


@pytest.mark.parametrize(("groups", "width_per_group"), [(4, 32), (1, 128), (2, 30), (32, 4)])
def test_groups_and_width_widen_the_inside_alone(groups, width_per_group):
    options = {"groups": groups, "width_per_group": width_per_group, "base": 16, "num_classes": 10}
    model = shake_norms(ResNet(**options)).eval()
    assert model.stage1[0].C1 == int(16 * width_per_group / 64) * groups
    assert model.stage1[0].C_out == 64
    x = torch.randn(1, 3, 40, 40)
    assert same_bits(model, lambda: PlainResNet(PlainBottleneck, [3, 4, 6, 3], **options), x)


@pytest.mark.parametrize("dilate", TRUTHS)
def test_dilation_replaces_the_stride_of_the_stages_asked_for(dilate):
    torch.manual_seed(0)
    options = {"base": 16, "num_classes": 10, "replace_stride_with_dilation": dilate}
    model = shake_norms(ResNet(**options)).eval()
    x = torch.randn(1, 3, 96, 96)
    assert same_bits(model, lambda: PlainResNet(PlainBottleneck, [3, 4, 6, 3], **options), x)
    last = activations(model, x, ["stage4"])["stage4"]
    assert last.shape[-1] == 3 * 2 ** sum(dilate) == 96 // model.reduction


@pytest.mark.parametrize(
    "wrong",
    [(True, False), (0, 0, 1), [False, False, None], "yes", True, 3, (False,) * 4, ["no", "no", "no"]],
)
def test_anything_but_three_booleans_is_no_dilation(wrong):
    with pytest.raises(ValueError, match="replace_stride_with_dilation = .* three booleans"):
        thin(replace_stride_with_dilation=wrong)


def test_no_dilation_can_also_be_written_none():
    assert str(thin(replace_stride_with_dilation=None)) == str(thin())


def test_another_normalisation_replaces_every_one():
    options = {"base": 16, "num_classes": 10, "norm_layer": lambda C: nn.GroupNorm(4, C)}
    model = ResNet(**options).eval()
    kinds = [type(m) for m in model.modules() if "Norm" in type(m).__name__]
    assert kinds == [nn.GroupNorm] * 53
    x = torch.randn(2, 3, 40, 40)
    assert same_bits(model, lambda: PlainResNet(PlainBottleneck, [3, 4, 6, 3], **options), x)


@pytest.mark.parametrize("norm_layer", [nn.BatchNorm2d, lambda C: nn.GroupNorm(4, C)], ids=["BN", "GroupNorm"])
@pytest.mark.parametrize("block", ["bottleneck", "basic"])
def test_with_zero_init_residual_every_block_starts_as_its_shortcut(block, norm_layer):
    torch.manual_seed(0)
    model = thin(block=block, zero_init_residual=True, norm_layer=norm_layer)
    blocks = {n: m for n, m in model.named_modules() if isinstance(m, BTNK1 | BTNK2 | BasicBlock)}
    assert len(blocks) == 16
    for name, b in blocks.items():
        x = torch.randn(2, b.C, 6, 6)
        assert torch.equal(b(x), b.shortcut(x).clamp(min=0)), name
        assert b(x).std() > 0


@pytest.mark.parametrize("block", ["bottleneck", "basic"])
def test_without_it_no_block_does(block):
    for b in [m for m in thin(block=block).modules() if isinstance(m, BTNK1 | BTNK2 | BasicBlock)]:
        x = torch.randn(2, b.C, 6, 6)
        assert not torch.allclose(b(x), b.shortcut(x).clamp(min=0))


def test_zero_init_residual_accepts_a_normalisation_without_weights():
    model = thin(zero_init_residual=True, norm_layer=lambda C: nn.BatchNorm2d(C, affine=False))
    assert model(torch.randn(2, 3, 40, 40)).shape == (2, 10)


def test_stride_on_reaches_every_opening_block():
    model = thin(stride_on="1x1")
    for stage in (model.stage2, model.stage3, model.stage4):
        assert (stage[0].conv1.stride, stage[0].conv2.stride) == ((2, 2), (1, 1))


SAYS = [
    ({"block": "Bottleneck"}, ["block = 'Bottleneck'", '"bottleneck"', '"basic"']),
    ({"blocks": (3, 4, 6)}, ["blocks = (3, 4, 6)", "four numbers"]),
    ({"blocks": 50}, ["blocks = 50", "four numbers"]),
    ({"blocks": (3, 4, 0, 3)}, ["blocks[2] = 0", "1 or larger"]),
    ({"blocks": (3, 4, 6.0, 3)}, ["blocks[2] = 6.0", "whole number"]),
    ({"num_classes": 0}, ["num_classes = 0", "1 or larger"]),
    ({"in_channels": True}, ["in_channels = True", "whole number"]),
    ({"base": 16.0}, ["base = 16.0", "whole number"]),
    ({"groups": 0}, ["groups = 0", "1 or larger"]),
    ({"width_per_group": -4}, ["width_per_group = -4", "1 or larger"]),
    ({"width_per_group": 1}, ["width_per_group = 1", "base = 16", "at least 4"]),
    ({"stride_on": "5x5"}, ["stride_on = '5x5'", '"3x3"', '"1x1"']),
    ({"block": "basic", "stride_on": "5x5"}, ["stride_on = '5x5'"]),
    ({"block": "basic", "groups": 2}, ["basic", "groups", "block='bottleneck'"]),
    ({"block": "basic", "width_per_group": 128}, ["basic", "width_per_group", "block='bottleneck'"]),
    ({"block": "basic", "replace_stride_with_dilation": (False, False, True)}, ["basic", "dilation"]),
]


@pytest.mark.parametrize(("options", "words"), SAYS, ids=[str(options) for options, _ in SAYS])
def test_a_wrong_option_gets_a_sentence_with_its_name_its_value_and_what_would_be_right(options, words):
    with pytest.raises(ValueError) as caught:
        thin(**options)
    assert [w for w in words if w not in str(caught.value)] == [], str(caught.value)


# ── Inputs ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("shape", [(1, 3, 1, 1), (3, 3, 33, 65), (2, 3, 64, 31)])
def test_pictures_of_any_size_and_form_give_logits(shape):
    assert thin().eval()(torch.randn(shape)).shape == (shape[0], 10)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (torch.zeros(1, 1, 64, 64), ["ResNet", "C = 3", "(1, 1, 64, 64)", "has 1"]),
        (torch.zeros(3, 64, 64), ["ResNet", "(batch, C, H, W)", "(3, 64, 64)"]),
        (torch.zeros(1, 3, 0, 64), ["ResNet", "empty", "(1, 3, 0, 64)"]),
        ("cat.jpg", ["ResNet", "(batch, C, H, W)", "str"]),
    ],
    ids=["channels", "no batch", "empty", "no tensor"],
)
def test_a_wrong_input_gets_a_sentence(x, words):
    with pytest.raises(ValueError) as caught:
        thin()(x)
    assert [w for w in words if w not in str(caught.value)] == [], str(caught.value)


@pytest.mark.parametrize("dilate", TRUTHS)
def test_one_picture_too_small_to_train_on_gets_a_sentence_and_one_pixel_more_trains(dilate):
    model = thin(replace_stride_with_dilation=dilate).train()
    limit = model.reduction
    with pytest.raises(ValueError, match=rf"too small to train on.*H or W above {limit}, or \.eval\(\)"):
        model(torch.randn(1, 3, limit, limit))
    assert model(torch.randn(1, 3, limit + 1, limit)).shape == (1, 10)
    assert model(torch.randn(1, 3, limit, limit + 1)).shape == (1, 10)
    assert model(torch.randn(2, 3, limit, limit)).shape == (2, 10)
    assert model.eval()(torch.randn(1, 3, limit, limit)).shape == (1, 10)


def test_a_normalisation_without_batch_statistics_trains_on_any_size():
    model = thin(norm_layer=lambda C: nn.GroupNorm(4, C)).train()
    assert model(torch.randn(1, 3, 8, 8)).shape == (1, 10)


# ── Saving and loading ───────────────────────────────────────────────────────────────────────────────────────


def test_a_saved_network_loads_into_another_and_computes_the_same(tmp_path):
    torch.manual_seed(0)
    first, second = shake_norms(thin()).eval(), thin().eval()
    x = torch.randn(2, 3, 40, 40)
    assert not torch.equal(first(x), second(x))
    torch.save(first.state_dict(), tmp_path / "thin.pth")
    second.load_state_dict(torch.load(tmp_path / "thin.pth", weights_only=True))
    assert torch.equal(first(x), second(x))
