"""A part gives the same for values of another type or order in memory, and hides no infinite ones."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from resnet_lib.exercises import check_btnk2

from .test_steady import said


class Block(nn.Module):
    """An identity block written by hand: the library's own refuses infinite values."""

    def __init__(self, C):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(C, C // 4, 1, bias=False), nn.BatchNorm2d(C // 4)
        self.conv2, self.bn2 = nn.Conv2d(C // 4, C // 4, 3, padding=1, bias=False), nn.BatchNorm2d(C // 4)
        self.conv3, self.bn3 = nn.Conv2d(C // 4, C, 1, bias=False), nn.BatchNorm2d(C)

    def forward(self, x):
        x = self.at_begin(x)
        f = self.relu(self.bn1(self.conv1(x)))
        f = self.inside(self.relu(self.bn2(self.conv2(f))))
        return self.at_end(self.relu(x + self.bn3(self.conv3(f))))

    def relu(self, h):
        return F.relu(h)

    def at_begin(self, x):
        return x

    inside = at_end = at_begin


def block(**parts):
    """A block with functions of h in some places."""
    return type("MyBTNK2", (Block,), {name: lambda self, h, f=f: f(h) for name, f in parts.items()})


HIDES = {
    "nan_to_num": torch.nan_to_num,
    "clamp": lambda h: h.clamp(-3e38, 3e38),
    "isfinite": lambda h: torch.where(torch.isfinite(h), h, torch.zeros_like(h)),
    "NaN alone": lambda h: h.masked_fill(h.isnan(), 0),
    "h != h": lambda h: torch.where(h != h, 0.0, h),
}
RELUS = {
    "a choice": lambda h: torch.where(h > 0, h, torch.zeros_like(h)),
    "a mask": lambda h: h * (h > 0),
    "half of a sum": lambda h: (h + h.abs()) / 2,
    "the larger of two": lambda h: torch.fmax(h, torch.zeros_like(h)),
}


@pytest.mark.parametrize("place", ["at_begin", "inside", "at_end"])
@pytest.mark.parametrize("how", HIDES)
def test_a_block_that_hides_infinite_values_or_nan_is_told_so(how, place):
    assert "something on the way hides them" in said(check_btnk2, block(**{place: HIDES[how]}))


@pytest.mark.parametrize("how", RELUS)
def test_a_relu_may_be_written_in_any_way(how):
    assert said(check_btnk2, block(relu=RELUS[how])) == ""


def test_other_numbers_for_another_order_in_memory_or_in_float64_are_wrong():
    def packed(h):
        return h if h.is_contiguous() else h * 0.9

    assert "in another order in memory it gives other numbers" in said(check_btnk2, block(at_begin=packed))
    double = block(at_end=lambda h: h * 0.9 if h.dtype is torch.float64 else h)
    assert "in float64 it gives other numbers" in said(check_btnk2, double)


@pytest.mark.parametrize("C", [256, 512, 1024, 2048])
def test_a_block_that_is_wrong_at_one_of_the_sizes_of_resnet50_alone_is_refused(C):
    def at_that_size(h):
        return 1.01 * h if h.shape[1] == C else h

    assert f"(C={C}), input (2, {C}, 3, 2): Every layer gives" in said(check_btnk2, block(at_end=at_that_size))


def test_a_block_that_stops_for_another_order_in_memory_is_right_and_hears_of_it():
    verdict = check_btnk2(block(at_begin=lambda h: h.view(len(h), -1).view(h.shape)))
    assert [".view does not" in remark for remark in verdict.remarks] == [True]
