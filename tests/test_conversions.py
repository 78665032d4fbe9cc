"""The check of a function that makes a v1 of a block: right ones in several styles, wrong ones with the mistake named.

RIGHT and WRONG are the learner's cells as texts; each defines `to_v1`, and has the names that lesson 03 has there.
"""

import copy

import pytest
import torch
from torch import nn

from resnet_lib import BTNK1
from resnet_lib.exercises import Wrong, check_to_v1, solved


class MyBTNK1(nn.Module):
    """As in lesson 03."""

    def __init__(self, C, C1, S=1):
        super().__init__()
        self.conv1, self.bn1, self.relu1 = nn.Conv2d(C, C1, 1, bias=False), nn.BatchNorm2d(C1), nn.ReLU()
        self.conv2 = nn.Conv2d(C1, C1, 3, stride=S, padding=1, bias=False)
        self.bn2, self.relu2 = nn.BatchNorm2d(C1), nn.ReLU()
        self.conv3, self.bn3 = nn.Conv2d(C1, 4 * C1, 1, bias=False), nn.BatchNorm2d(4 * C1)
        self.shortcut = nn.Sequential(nn.Conv2d(C, 4 * C1, 1, S, bias=False), nn.BatchNorm2d(4 * C1))
        self.relu3 = nn.ReLU()

    def forward(self, x):
        f = self.relu1(self.bn1(self.conv1(x)))
        f = self.relu2(self.bn2(self.conv2(f)))
        return self.relu3(self.bn3(self.conv3(f)) + self.shortcut(x))


# What the lesson's cells before the exercise have given a name.
SPACE = {"copy": copy, "torch": torch, "nn": nn, "MyBTNK1": MyBTNK1}

RIGHT = [
    """
def to_v1(block):
    v1 = copy.deepcopy(block)
    v1.conv1.stride, v1.conv2.stride = v1.conv2.stride, v1.conv1.stride
    return v1
""",
    """
def to_v1(block):
    v1 = copy.deepcopy(block)
    kept = v1.conv2.stride
    v1.conv2.stride = (1, 1)
    v1.conv1.stride = kept
    return v1
""",
    """
def to_v1(block):
    v1 = copy.deepcopy(block)
    v1.conv1.stride = list(block.conv2.stride)
    v1.conv2.stride = [1, 1]
    return v1
""",
    """
def to_v1(block):
    S = block.conv2.stride[0]
    v1 = MyBTNK1(block.conv1.in_channels, block.conv1.out_channels, S)
    v1.load_state_dict(block.state_dict())
    v1.conv1.stride, v1.conv2.stride = S, 1
    return v1.eval()
""",
    """
def to_v1(block):
    v1 = MyBTNK1(block.conv1.in_channels, block.conv1.out_channels, 1)
    with torch.no_grad():
        for mine, theirs in zip(v1.state_dict().values(), block.state_dict().values()):
            mine.copy_(theirs)
    v1.conv1.stride = v1.shortcut[0].stride = block.conv2.stride
    return v1
""",
    """
def to_v1(block):
    C, C1, S = block.conv1.in_channels, block.conv1.out_channels, block.conv2.stride
    v1 = copy.deepcopy(block)
    v1.conv1 = nn.Conv2d(C, C1, kernel_size=1, stride=S, bias=False)
    v1.conv1.weight = nn.Parameter(block.conv1.weight.detach().clone())
    v1.conv2 = nn.Conv2d(C1, C1, kernel_size=3, padding=1, bias=False)
    v1.conv2.load_state_dict(block.conv2.state_dict())
    return v1
""",
    """
def with_strides(block, first, second):
    block.conv1.stride = first
    block.conv2.stride = second
    return block

def to_v1(block):
    return with_strides(copy.deepcopy(block), block.conv2.stride, block.conv1.stride)
""",
    """
def to_v1(block):
    v1 = copy.deepcopy(block)
    strides = {name: getattr(v1, name).stride for name in ("conv1", "conv2")}
    for name, other in (("conv1", "conv2"), ("conv2", "conv1")):
        setattr(getattr(v1, name), "stride", strides[other])
    return v1
""",
]

WRONG = [
    ("def to_v1(block):\n    v1 = copy.deepcopy(block)", "None: let it return the copy"),
    ("def to_v1(block):\n    return copy.deepcopy(block)", "The strides are still where they were"),
    (
        "def to_v1(block):\n    block.conv1.stride, block.conv2.stride = block.conv2.stride, block.conv1.stride\n"
        "    return block",
        "the very block that it was given",
    ),
    (
        "def to_v1(block):\n    v1 = copy.copy(block)\n"
        "    v1.conv1.stride, v1.conv2.stride = v1.conv2.stride, v1.conv1.stride\n    return v1",
        "copy.copy copies the outside alone",
    ),
    (
        "def to_v1(block):\n    block.conv1.stride, block.conv2.stride = block.conv2.stride, block.conv1.stride\n"
        "    return copy.deepcopy(block)",
        "has changed the strides of the block it was given",
    ),
    (
        "def to_v1(block):\n    v1 = copy.deepcopy(block)\n"
        "    block.conv1.stride, block.conv2.stride = block.conv2.stride, block.conv1.stride\n    return v1",
        "copy first, and then change v1.conv1.stride",
    ),
    (
        "def to_v1(block):\n    v1 = copy.deepcopy(block)\n    v1.conv1, v1.conv2 = v1.conv2, v1.conv1\n    return v1",
        "exchange their strides alone, and no layers",
    ),
    (
        "def to_v1(block):\n    v1 = copy.deepcopy(block)\n    v1.conv1.stride = v1.conv2.stride\n"
        "    v1.conv2.stride = v1.conv1.stride\n    return v1",
        "the second reads what the first has written",
    ),
    (
        "def to_v1(block):\n    v1 = copy.deepcopy(block)\n    v1.conv1.stride = v1.conv2.stride\n    return v1",
        "conv2 has kept the stride",
    ),
    (
        "def to_v1(block):\n    v1 = copy.deepcopy(block)\n    v1.conv2.stride = v1.conv1.stride\n    return v1",
        "conv1 has not got it",
    ),
    (
        "def to_v1(block):\n    v1 = copy.deepcopy(block)\n    v1.conv1.stride, v1.conv2.stride = (2, 2), (1, 1)\n"
        "    return v1",
        "take the stride from conv2",
    ),
    (
        "def to_v1(block):\n    v1 = copy.deepcopy(block)\n    v1.conv1.stride = (2, 2)\n    return v1",
        "conv2 has kept the stride: now F takes it twice. (Two",
    ),
    (
        "def to_v1(block):\n    v1 = copy.deepcopy(block)\n    v1.conv1.stride = v1.conv2.stride\n"
        "    v1.conv2.stride = v1.shortcut[0].stride = (1, 1)\n    return v1",
        "G keeps its stride",
    ),
    (
        "def to_v1(block):\n    v1 = copy.deepcopy(block)\n"
        "    v1.conv3.stride, v1.conv2.stride = v1.conv2.stride, (1, 1)\n    return v1",
        "and not on conv3",
    ),
    (
        "def to_v1(block):\n    v1 = copy.deepcopy(block)\n    S = v1.conv2.stride[0]\n"
        "    v1.conv1.stride, v1.conv2.stride = (S, 1), (1, S)\n    return v1",
        "A stride is a pair",
    ),
    (
        "def to_v1(block):\n    v1 = MyBTNK1(block.conv1.in_channels, block.conv1.out_channels, block.conv2.stride)\n"
        "    v1.conv1.stride, v1.conv2.stride = v1.conv2.stride, v1.conv1.stride\n    return v1",
        "a block with other weights, first conv1.weight",
    ),
    (
        "def to_v1(block):\n    v1 = MyBTNK1(block.conv1.in_channels, block.conv1.out_channels, block.conv2.stride)\n"
        "    with torch.no_grad():\n        for a, b in zip(v1.parameters(), block.parameters()):\n"
        "            a.copy_(b)\n"
        "    v1.conv1.stride, v1.conv2.stride = v1.conv2.stride, v1.conv1.stride\n    return v1",
        "copy the whole state_dict()",
    ),
    (
        "def to_v1(block):\n    v1 = copy.deepcopy(block)\n"
        "    v1.conv1.stride, v1.conv2.stride = v1.conv2.stride, v1.conv1.stride\n"
        "    v1.relu2 = nn.Identity()\n    return v1",
        "other results",
    ),
    ("def to_v1(block):\n    return copy.deepcopy(block.state_dict())", "of the type OrderedDict, and not a block"),
    ("def to_v1(block):\n    return nn.Sequential(block)", "a block without a conv1"),
    ("def to_v1(block):\n    return copy.deepcopy(blok)", "blok is used and never given a value"),
    ("def to_v1(block):\n    v1 = block.deepcopy()\n    return v1", "deepcopy"),
    (
        "def to_v1(block):\n    v1 = copy.deepcopy(block)\n    v1.conv1.weight.data.mul_(0)\n    return v1",
        "a block with other weights, first conv1.weight",
    ),
    (
        "def to_v1(block):\n    v1 = copy.deepcopy(block)\n    block.bn1.bias.data.mul_(0)\n    return v1",
        "overwrites what it is given",
    ),
]


def made(source, **more):
    space = SPACE | more
    exec(source, space)
    return space["to_v1"]


@pytest.mark.parametrize("source", RIGHT)
def test_a_right_conversion_is_accepted_however_it_is_written(source):
    assert check_to_v1(made(source), MyBTNK1, exercise="03.5").ok
    assert list(solved()) == ["03.5"]


@pytest.mark.parametrize(("source", "sentence"), WRONG)
def test_a_wrong_conversion_is_told_its_mistake(source, sentence):
    with pytest.raises(Wrong) as caught:
        check_to_v1(made(source), MyBTNK1, exercise="03.5")
    assert sentence in caught.value.verdict.sentence
    assert len(caught.value.verdict.hints) == 3
    assert solved() == {}


def test_the_librarys_own_v1_is_a_right_answer_for_its_own_blocks():
    def to_v1(block):
        v1 = BTNK1(block.C, block.C1, block.S, stride_on="1x1")
        v1.load_state_dict(block.state_dict())
        return v1

    verdict = check_to_v1(to_v1)
    assert verdict.ok and "in training mode" in verdict.remarks[0]
    assert check_to_v1(made(RIGHT[0])).remarks == ()


def test_a_copy_in_another_mode_is_remarked_on_and_a_mode_changed_on_the_way_is_told():
    sleeping = made("def to_v1(block):\n    return right(block).eval()", right=made(RIGHT[0]))
    assert check_to_v1(sleeping).remarks == ("The block was in training mode, and your copy is in eval().",)
    with pytest.raises(Wrong, match="has changed the mode"):
        check_to_v1(made("def to_v1(block):\n    return right(block.eval())", right=made(RIGHT[0])))


def test_what_is_no_function_is_told_so():
    with pytest.raises(Wrong, match="expects your function itself"):
        check_to_v1(3)


def test_the_hint_fits_what_was_found():
    def hint(source):
        with pytest.raises(Wrong) as caught:
            check_to_v1(made(source), MyBTNK1)
        return caught.value.verdict.hints[0]

    assert hint(WRONG[0][0]) == "Is there a return, with what you have computed behind it?"
    assert hint(WRONG[3][0]).startswith("Look at the block that you were given once more")
    assert "before and after" in hint(next(source for source, said in WRONG if "has kept the stride" in said))
    assert "Read the line at which it stopped" in hint("def to_v1(block):\n    conv1.stride = (1, 1)")


def test_the_check_leaves_the_global_random_numbers_as_they_were():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    check_to_v1(made(RIGHT[0]))
    assert torch.equal(torch.rand(2), expected)
