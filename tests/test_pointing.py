"""Where maps of attribution lie: the quarter of a picture that each marks, and what the network says of it alone."""

import pytest
import torch
from torch import nn

from resnet_lib import ResNet, anatomy
from resnet_lib.experiments.attribution import placed
from resnet_lib.experiments.pointing import STAGES, pointing, quarters

from .reference import shake_norms

W = 64


@pytest.fixture
def network():
    torch.manual_seed(0)
    return shake_norms(ResNet(blocks=(1, 1, 1, 1), base=4, num_classes=3)).eval()


@pytest.fixture
def marked(network):
    costs, x = anatomy(network, W), torch.randn(1, 3, W, W)
    sees = {stage: costs[f"{stage}.0.relu3"].sees for stage in STAGES}
    return quarters(network, x, network(x).argmax().item(), sees)


def test_every_method_marks_a_quarter_of_the_pixels(marked):
    assert list(marked) == [*(f"Grad-CAM, {s}" for s in STAGES), "occlusion", "the middle", "anywhere"]
    assert {m.shape for m in marked.values()} == {(W, W)}
    assert {m.sum().item() for m in marked.values()} == {W * W // 4}


def test_the_middle_is_in_the_middle_and_anywhere_is_one_square(marked):
    assert marked["the middle"][W // 4 : 3 * W // 4, W // 4 : 3 * W // 4].float().mean() > 0.9
    rows, columns = (marked["anywhere"].any(side).nonzero() for side in (1, 0))
    assert len(rows) == len(columns) == W // 2 and rows[-1] - rows[0] == W // 2 - 1


def test_a_network_that_always_says_the_same_keeps_its_answer_whatever_is_hidden():
    sure = ResNet(blocks=(1, 1, 1, 1), base=4, num_classes=3).eval()
    nn.init.constant_(sure.head.fc.bias, 0)
    sure.head.fc.bias.data[1] = 1e6
    pictures = [(torch.randn(1, 3, W, W), label) for label in (1, 0, 1, 2)]
    found, n = pointing(sure, pictures)
    assert n == 2, "the pictures of other classes are wrong from the start, and do not count"
    assert set(found.values()) == {(1.0, 1.0)}


def test_what_a_network_goes_by_keeps_the_answer_alone_and_breaks_it_when_hidden(network):
    bright = torch.zeros(1, 3, W, W)
    bright[:, :, 8:24, 8:24] = 3
    with torch.no_grad():
        network.head.fc.bias.zero_()
        plain, spot = network(torch.zeros(1, 3, W, W))[0], network(bright)[0]
        label = (spot - plain).argmax().item()
        network.head.fc.bias.copy_(-plain)  # so that an empty picture says nothing,
        network.head.fc.bias[label] -= (spot - plain)[label] / 2  # and half a spot not enough
    found, n = pointing(network, [(bright, label)])
    assert n == 1 and found["occlusion"] == (1.0, 0.0)


@pytest.mark.parametrize("stage", STAGES)
def test_a_value_is_placed_in_the_middle_of_what_it_sees(network, stage):
    costs = anatomy(network, 128)
    step = costs[f"{stage}.0.relu3"]
    n = step.shape[1]
    for row, column in [(0, 0), (n // 2, n - 1), (1, n // 2)]:
        values = torch.zeros(n, n)
        values[row, column] = 1
        there = placed(values, step.sees, 128, 128)
        box = costs.field(step.name, row, column)
        middle = [(box.top + box.bottom) / 2, (box.left + box.right) / 2]
        top, left = divmod(there.argmax().item(), 128)
        assert abs(top + 0.5 - middle[0]) <= 1 and abs(left + 0.5 - middle[1]) <= 1
        assert there.max() == pytest.approx(1, abs=1 / step.jump) and there.min() == 0
