"""What a part gives depends on its input alone: not on chance, on earlier calls, or on whether gradients are recorded.
To make or run one leaves torch as it was."""

import random
import time

import numpy
import pytest
import torch
from torch import nn

from resnet_lib import BTNK1, BTNK2, Stem
from resnet_lib.exercises import Wrong, check_btnk1, check_btnk2, check_stage, check_stem


def said(check, make):
    """What a check says of a part: "" where it is accepted."""
    try:
        assert check(make).ok
    except Wrong as wrong:
        return wrong.verdict.sentence
    return ""


def test_who_keeps_something_from_call_to_call_is_told_so_and_not_of_the_nan_that_it_is_tried_with():
    class Drifts(BTNK2):
        seen = 0.0

        def forward(self, x):
            out = super().forward(x + self.seen)
            self.seen = 0.9 * self.seen + 1e-3 * x.mean().item()
            return out

    told = said(check_btnk2, Drifts)
    assert told and "NaN" not in told and "nan" not in told


class Counts(BTNK2):
    """An identity block that knows how often it has run: with the numbers right, no fault."""

    def __init__(self, C):
        super().__init__(C)
        self.calls = self.trained = 0
        self.draw = torch.Generator()

    def forward(self, x):
        self.calls += 1
        self.trained += self.training
        return self.end(x, super().forward(x))

    def end(self, x, y):
        return y


def block(end):
    return type("MyBTNK2", (Counts,), {"end": end})


CHANCE = "draws random numbers in training mode"
AGAIN = "does not always give the same"
UNSTEADY = {
    "depth": (lambda b, x, y: y if not b.training or torch.rand(()) < 0.9 else x.relu(), CHANCE),
    "depth of each picture": (
        lambda b, x, y: y * (torch.bernoulli(torch.full((len(x), 1, 1, 1), 0.999)) if b.training else 1),
        CHANCE,
    ),
    "a generator of its own": (
        lambda b, x, y: y if not b.training or torch.rand(1, generator=b.draw) < 0.9 else x.relu(),
        CHANCE,
    ),
    "Python's chance": (lambda b, x, y: y if not b.training or random.random() < 0.999 else x.relu(), CHANCE),
    "NumPy's chance": (lambda b, x, y: y if not b.training or numpy.random.rand() < 0.999 else x.relu(), CHANCE),
    "the clock": (lambda b, x, y: y if time.perf_counter_ns() % 7 else x.relu(), ""),
    "20 calls": (lambda b, x, y: y if b.calls < 20 else x.relu(), AGAIN),
    "100 calls": (lambda b, x, y: y if b.calls < 100 else x.relu(), AGAIN),
    "10 calls in training": (lambda b, x, y: y if b.trained < 10 else x.relu(), AGAIN),
    "a little less at each call": (lambda b, x, y: y * 0.99999**b.calls, ""),
    "gradients": (lambda b, x, y: y if torch.is_grad_enabled() else x.relu(), "Under torch.no_grad()"),
    "gradients in training": (
        lambda b, x, y: y if torch.is_grad_enabled() or not b.training else x.relu(),
        "Under torch.no_grad()",
    ),
    "one picture in training": (lambda b, x, y: y if len(x) > 1 or not b.training else x.relu(), "F(x) is left out"),
    "large values": (lambda b, x, y: y.clamp(max=1e4), "differs"),
    "more pictures": (lambda b, x, y: y if len(x) < 9 else y[:1].expand_as(y), "differs"),
    "one pixel": (lambda b, x, y: y if x[0, 0].numel() > 1 else x.relu(), "F(x) is left out"),
    "width": (lambda b, x, y: y if x.shape[3] <= 7 else x.relu(), "F(x) is left out"),
}


@pytest.mark.parametrize("name", UNSTEADY)
def test_a_block_that_is_right_for_now_is_refused(name):
    end, sentence = UNSTEADY[name]
    found = said(check_btnk2, block(end))
    assert found and sentence in found


def test_a_block_may_count_its_calls_keep_its_input_and_print():
    def end(b, x, y):
        b.x, _ = x, print(tuple(x.shape))
        return y

    assert said(check_btnk2, block(end)) == ""


def test_what_is_printed_is_not_printed_a_hundred_times(capsys):
    said(check_btnk2, block(lambda b, x, y: (y, print("shape"))[0]))
    assert capsys.readouterr().out.count("shape") < 60


SETS = {
    "torch.manual_seed(0)": "torch.manual_seed",
    "torch.set_grad_enabled(False)": "torch.set_grad_enabled",
    "torch.no_grad().__enter__()": "torch.set_grad_enabled",
    "torch.set_default_dtype(torch.float64)": "torch.set_default_dtype",
    "torch._C._set_deterministic_algorithms(True)": "torch.use_deterministic_algorithms",
    "torch.set_anomaly_enabled(True)": "set_detect_anomaly",
    "random.seed(0)": "Python's random",
    "random.seed(0), [random.random() for _ in range(2000)]": "Python's random",
    "numpy.random.seed(0)": "NumPy goes on",
    "numpy.random.seed(0), numpy.random.randn(2000)": "NumPy goes on",
}
PUT_BACK = {
    "kept = random.getstate(); random.seed(0); random.setstate(kept)": "",
    "kept = numpy.random.get_state(); numpy.random.seed(0); numpy.random.set_state(kept)": "",
    "numpy.random.RandomState(0), numpy.random.default_rng(0), random.Random(0)": "",
    "random.random(), [random.gauss(0, 1) for _ in range(5000)]": "",
    "numpy.random.rand(), numpy.random.randn(100_000)": "",
    "with torch.random.fork_rng(devices=[]): torch.manual_seed(0)": "",
    "with torch.no_grad(): nn.init.kaiming_normal_(self.conv.weight)": "",
    "with torch.device('cpu'): nn.Conv2d(3, 3, 1)": "",
    "torch.nn.init.normal_(self.conv.weight)": "",
}


def stem(made="", ran=""):
    space = {"torch": torch, "nn": nn, "Stem": Stem, "numpy": numpy, "random": random}
    exec(
        "class MyStem(Stem):\n"
        f"    def __init__(self, C=3, C1=64):\n        super().__init__(C, C1)\n        {made}\n"
        f"    def forward(self, x):\n        {ran}\n        return super().forward(x)",
        space,
    )
    return space["MyStem"]


@pytest.mark.parametrize("line", SETS)
def test_a_part_that_changes_torch_for_all_code_is_told_what_it_changes(line):
    assert SETS[line] in said(check_stem, stem(made=line)) and "Making one" in said(check_stem, stem(made=line))
    assert SETS[line] in said(check_stem, stem(ran=line)) and "forward changes" in said(check_stem, stem(ran=line))


def test_a_part_without_numbers_is_told_so():
    assert 'conv.weight of what MyStem makes is on the device "meta"' in said(check_stem, stem(made="self.to('meta')"))
    made = row(lambda blocks, *_: [block.to("meta") for block in blocks])
    assert 'is on the device "meta"' in said(check_stage, made)


def test_gradients_may_not_be_switched_on_for_all_code_either():
    assert "torch.set_grad_enabled" in said(check_stem, stem(ran="torch.set_grad_enabled(True)"))


@pytest.mark.parametrize("line", PUT_BACK)
def test_what_a_part_puts_back_is_not_told(line):
    assert said(check_stem, stem(made=line)) == ""


@pytest.mark.slow
def test_a_part_without_a_default_that_the_exercise_gives_is_right_and_hears_of_it():
    assert "stops where a later cell leaves S out" in check_btnk1(lambda C, C1, S: BTNK1(C, C1, S)).remarks[-1]
    assert "says C1=64" in check_stem(lambda C, C1: Stem(C, C1)).remarks[-1]
    assert "says C=3" in check_stem(lambda C, C1=64: Stem(C, C1)).remarks[-1]
    assert check_btnk1(lambda *numbers: BTNK1(*numbers)).remarks == ()


def test_each_block_that_is_made_has_numbers_of_its_own():
    kept = {}

    def shares(C):
        made = BTNK2(C)
        made.conv2 = kept.setdefault(C, made.conv2)
        return made

    assert "the same conv2" in said(check_btnk2, shares)
    assert "the same numbers" in said(check_btnk2, lambda C: kept.setdefault((C,), BTNK2(C)))


def row(change, kind=nn.Sequential):
    """A function that makes a stage of what change makes of its blocks."""
    return lambda C, C1, S, n: kind(*change([BTNK1(C, C1, S), *(BTNK2(4 * C1) for _ in range(n - 1))], C, C1, S, n))


class Backwards(nn.Sequential):
    def forward(self, x):
        first, *others = self
        for each in (first, *reversed(others)):
            x = each(x)
        return x


STAGES = {
    "ReLU": (row(lambda blocks, *_: [*blocks, nn.ReLU()]), "holds a ReLU too"),
    "dropout": (row(lambda blocks, *_: [*blocks, nn.Dropout(0.0)]), "holds a Dropout too"),
    "backwards": (row(lambda blocks, *_: blocks, Backwards), "does the work of"),
    "six at most": (row(lambda blocks, *_: blocks[:6]), "It has 6 blocks, and n = 7"),
    "S by C": (row(lambda b, C, C1, S, n: [BTNK1(C, C1, 1 if C == C1 else 2), *b[1:]]), "S=1) is expected"),
    "BTNK2": (row(lambda b, C, C1, S, n: [BTNK2(C) if C == 4 * C1 and S == 1 else b[0], *b[1:]]), "Block 1 is a BTNK2"),
}


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_is_its_blocks_and_nothing_else_in_their_order(name):
    make, sentence = STAGES[name]
    assert sentence in said(check_stage, make)


def test_a_block_that_stops_without_a_word_is_not_told_of_its_sum():
    def leaves(b, x, y):
        raise StopIteration

    assert "sum" not in said(check_btnk2, block(leaves))


def test_a_shortcut_past_the_projection_is_told_what_is_true_where_the_channels_are_equal():
    class Past(BTNK1):
        def __init__(self, C, C1, S=1):
            super().__init__(C, C1, S)
            self.past = C == 4 * C1

        def forward(self, x):
            S = self.conv2.stride[0]
            if not self.past:
                return super().forward(x)
            self.add = lambda f, _: f + x[:, :, ::S, ::S]
            return super().forward(x)

    class Without(BTNK1):
        def __init__(self, C, C1, S=1):
            super().__init__(C, C1, S)
            if C == 4 * C1:
                self.shortcut = nn.Identity()

    assert "zero channels" not in said(check_btnk1, Past)
    assert "a sum needs equal shapes" not in said(check_btnk1, Without)
