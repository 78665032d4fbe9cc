"""Signal and gradient by depth, each number against its definition."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from resnet_lib import ResNet
from resnet_lib.experiments.signals import INITIALISATIONS, signals, untrained_twins
from resnet_lib.experiments.twins import blocks

COUNTS = (1, 2, 1, 1)
X = torch.randn(6, 3, 32, 32, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(6) % 3


def pair(**options):
    return untrained_twins(COUNTS, base=8, num_classes=3, **options)


@pytest.mark.parametrize("which", [0, 1])
def test_every_number_is_its_definition(which):
    network = pair()[which]
    found = signals(network, X, LABELS)
    assert [s.name for s in found] == list(blocks(network))
    network.train()
    h = network.stage0(X)
    kept = []
    for stage in (network.stage1, network.stage2, network.stage3, network.stage4):
        for b in stage:
            f = b.bn3(b.conv3(b.relu2(b.bn2(b.conv2(b.relu1(b.bn1(b.conv1(h))))))))
            side = b.shortcut(h)
            h = torch.relu(f + side if which else f)
            h.retain_grad()
            kept.append((b, f, side, h))
    F.cross_entropy(network.head(h), LABELS).backward()
    for s, (b, f, side, y) in zip(found, kept, strict=True):
        assert s.output == pytest.approx(y.var().item(), rel=1e-4)
        assert s.main == pytest.approx(f.var().item(), rel=1e-4)
        assert (s.shortcut == pytest.approx(side.var().item(), rel=1e-4)) if which else s.shortcut is None
        assert s.gradient == pytest.approx(y.grad.norm().item(), rel=1e-3)
        whole = torch.cat([p.grad.flatten() for p in b.parameters()]).norm().item()
        assert s.weights == pytest.approx(whole, rel=1e-3)


def test_the_network_is_left_as_it_was():
    network = pair()[1].eval()
    before = {k: v.clone() for k, v in network.state_dict().items()}
    signals(network, X, LABELS)
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())
    assert not network.training and all(p.grad is None for p in network.parameters())


def test_the_twins_begin_with_the_same_weights_whatever_the_initialisation():
    for name in INITIALISATIONS:
        plain, residual = pair(initialisation=name)
        assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), residual.parameters(), strict=True))
    with pytest.raises(ValueError, match="no initialisation is called 'zeros'; there are He"):
        pair(initialisation="zeros")


def test_without_bn_there_is_none():
    assert not any(isinstance(m, nn.BatchNorm2d) for network in pair(bn=False) for m in network.modules())


def test_zero_initialised_every_f_is_zero_and_the_residual_gradient_still_arrives():
    plain, residual = (signals(network, X, LABELS) for network in pair(zero_init_residual=True))
    assert all(s.main == 0 for s in plain + residual)
    assert all(s.output > 0 and s.gradient > 0 for s in residual)
    assert all(s.output == 0 for s in plain) and plain[0].gradient == 0


def test_numbers_that_are_too_large_are_given_as_such():
    _, residual = untrained_twins((2, 2, 2, 2), base=8, num_classes=3, bn=False)
    with torch.no_grad():
        for p in residual.parameters():
            p.mul_(1e9)
    assert not math.isfinite(signals(residual, X, LABELS)[-1].output)


@pytest.mark.slow
def test_bn_keeps_the_plain_networks_signal_and_lets_its_gradient_grow_far_more_than_the_residual_ones():
    """At real depth, for five seeds: the numbers that lesson 08 shows."""
    x = torch.randn(16, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    for seed in range(5):
        twins = untrained_twins((3, 4, 23, 3), seed=seed)
        plain, residual = (signals(network, x, torch.arange(16)) for network in twins)
        assert 0.5 < plain[-1].output / plain[0].output < 2
        assert plain[0].gradient / plain[-1].gradient > 1e5
        assert residual[0].gradient / residual[-1].gradient < 1e3


def test_a_network_without_blocks_is_refused():
    with pytest.raises(ValueError, match="no blocks of resnet_lib"):
        signals(nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 3)), X, LABELS)


def test_basic_blocks_are_followed_too():
    network = ResNet("basic", (1, 1, 1, 1), base=8, num_classes=3)
    assert len(signals(network, X, LABELS)) == 4
