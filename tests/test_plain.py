"""Plain and residual twins differ in the sum alone; concatenation ends its stages as the ResNet does."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from resnet_lib import BTNK1, BTNK2, ResNet, activations, anatomy, step_names
from resnet_lib._common import seeded
from resnet_lib.experiments.twins import DEPTHS, PAIRS, Concat, NoSum, Padded, blocks, concatenated, twins

from .reference import shake_norms

counts = st.tuples(*[st.integers(1, 3)] * 4)
OPTIONS = {"blocks": (1, 2, 2, 1), "base": 8, "num_classes": 5}


def pictures(n=2, size=32):
    return torch.randn(n, 3, size, size, generator=torch.Generator().manual_seed(4))


@pytest.mark.parametrize("block", ["bottleneck", "basic"])
def test_twins_have_the_same_parameters_and_begin_with_the_same_weights(block):
    plain, residual = twins(block=block, **OPTIONS)
    a, b = plain.state_dict(), residual.state_dict()
    assert a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)
    assert all(x is not y for x, y in zip(plain.parameters(), residual.parameters(), strict=True))
    assert not any("shortcut" in name for name, _ in residual.named_parameters())


def test_a_residual_block_of_a_twin_is_relu_of_f_plus_x_and_a_plain_one_relu_of_f():
    plain, residual = (shake_norms(network).eval() for network in twins(**OPTIONS))
    plain.load_state_dict(residual.state_dict())
    x = torch.randn(2, 64, 8, 8).abs()
    for name in ("stage2.1", "stage3.1"):
        a, b = plain.get_submodule(name), residual.get_submodule(name)
        x = torch.randn(2, a.C, 8, 8)
        f = b.bn3(b.conv3(b.relu2(b.bn2(b.conv2(b.relu1(b.bn1(b.conv1(x))))))))
        assert torch.equal(a(x), torch.relu(f))
        assert torch.equal(b(x), torch.relu(f + x))


@given(C=st.integers(1, 8), more=st.integers(0, 8), S=st.integers(1, 3), H=st.integers(1, 9), W=st.integers(1, 9))
def test_the_padded_shortcut_hands_on_every_sth_pixel_and_zeros_for_new_channels(C, more, S, H, W):
    x = torch.randn(2, C, H, W)
    y = Padded(C + more, S)(x)
    assert y.shape == (2, C + more, -(-H // S), -(-W // S))
    assert torch.equal(y[:, :C], x[..., ::S, ::S]) and not y[:, C:].any()


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(counts=counts, size=st.sampled_from([32, 33, 64]), block=st.sampled_from(["bottleneck", "basic"]))
def test_anatomy_knows_the_shapes_and_parameters_of_twins(counts, size, block):
    for network in twins(block=block, blocks=counts, base=8, num_classes=5):
        found = anatomy(network, size)
        assert found.parameters == sum(p.numel() for p in network.parameters())
        names = [s.name for s in found.steps if s.name in step_names(network)]
        for name, y in activations(network.eval(), pictures(1, size), names).items():
            assert found[name].shape == tuple(y.shape[1:]), name


def test_a_plain_network_sees_as_far_as_its_twin():
    plain, residual = twins(**OPTIONS)
    assert anatomy(plain, 64)["stage4.0.relu3"].sees == anatomy(residual, 64)["stage4.0.relu3"].sees


def test_a_plain_network_has_no_step_called_sum_or_identity():
    plain, residual = twins(**OPTIONS)
    kinds = [{s.kind for s in anatomy(network, 32).steps} for network in (plain, residual)]
    assert not kinds[0] & {"SUM", "identity"} and "SUM" in kinds[1]


def test_the_blocks_are_found_in_order():
    network = ResNet(blocks=(1, 2, 1, 1), base=8)
    assert list(blocks(network)) == ["stage1.0", "stage2.0", "stage2.1", "stage3.0", "stage4.0"]
    assert isinstance(blocks(network)["stage2.0"], BTNK1) and isinstance(blocks(network)["stage2.1"], BTNK2)


def test_seeded_gives_the_same_weights_and_leaves_the_learners_random_numbers():
    torch.manual_seed(9)
    wanted = torch.rand(1)
    torch.manual_seed(9)
    a, b = seeded(3, nn.Linear, in_features=2, out_features=2), seeded(3, nn.Linear, in_features=2, out_features=2)
    assert torch.equal(a.weight, b.weight) and torch.equal(torch.rand(1), wanted)


# ── concatenation ──


@settings(max_examples=15, deadline=None)
@given(counts=counts, size=st.sampled_from([32, 47, 64]))
def test_concatenation_ends_every_stage_with_the_resnets_shape_and_anatomy_knows_it(counts, size):
    options = {"blocks": counts, "base": 8, "num_classes": 5}
    joined, added = concatenated(**options).eval(), ResNet(**options)
    found = anatomy(joined, size)
    wanted = {s.name: s.shape for s in anatomy(added, size).by_stage()}
    assert {s.name: s.shape for s in found.by_stage()} == wanted
    assert found.parameters == sum(p.numel() for p in joined.parameters())
    names = [n for n in step_names(joined) if n in {s.name for s in found.steps}]
    for name, y in activations(joined, pictures(1, size), names).items():
        assert found[name].shape == tuple(y.shape[1:]), name


def test_a_concatenating_block_hands_on_its_input_unchanged_before_the_relu():
    network = concatenated(**OPTIONS).eval()
    block = network.stage2[1]
    x = torch.randn(1, block.C, 4, 4)
    y = block(x)
    assert torch.equal(y[:, : block.C], torch.relu(x)) and y.shape[1] == block.C_out > block.C


def test_more_blocks_than_channels_to_add_are_refused():
    with pytest.raises(ValueError, match="13 blocks cannot add 12 channels"):
        concatenated(blocks=(13, 1, 1, 1), base=4)


# ── pairs ──


@pytest.mark.parametrize("pair", PAIRS)
def test_every_pair_holds_two_networks_of_that_depth_that_a_seed_reproduces(pair):
    a, b, other = (PAIRS[pair](14, num_classes=7, seed=seed) for seed in (1, 1, 2))
    assert len(a) == 2 and list(a) == list(b)
    for name, network in a.items():
        assert network.eval()(pictures()).shape == (2, 7)
        same = [torch.equal(x, y) for x, y in zip(network.parameters(), b[name].parameters(), strict=True)]
        new = [torch.equal(x, y) for x, y in zip(network.parameters(), other[name].parameters(), strict=True)]
        assert all(same) and not all(new)


def test_the_depths_count_the_layers_with_weights():
    for depth, counts in DEPTHS.items():
        network = twins(blocks=counts, base=4)[0]
        assert sum(isinstance(m, nn.Conv2d | nn.Linear) for m in network.modules()) == depth


def test_the_last_bn_at_zero_makes_every_block_start_as_its_shortcut():
    ones, zeros = PAIRS["last BN starts at one | at zero"](14, num_classes=3).values()
    block = zeros.stage2[0]
    x = torch.randn(2, block.C, 8, 8)
    assert torch.equal(block.train()(x), torch.relu(block.shortcut(x)))
    assert not torch.equal(ones.stage2[0].train()(x), torch.relu(block.shortcut(x)))


def test_what_stands_in_for_the_sum_takes_no_notice_of_the_shortcut():
    f, s = torch.randn(1, 2, 3, 3), torch.randn(1, 5, 4, 4)
    assert NoSum()(f, s) is f
    assert Concat()(f, f).shape == (1, 4, 3, 3)
