"""The same network in less time: what is folded and joined, that it computes the same, and what is refused."""

import copy
import html
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from resnet_lib import BTNK1, BTNK2, DESIGNS, ResNet, Stem, build
from resnet_lib._common import gap
from resnet_lib.speed.fast import COMPILED, FOLDED, GIVEN, JOINED, PLAIN, InPieces, fast, fold, fold_bn, join
from resnet_lib.speed.machine import compiler
from resnet_lib.speed.onednn import Joined, can_join

needs_joining = pytest.mark.skipif(not can_join(), reason="this torch has no oneDNN")


def stirred(module, seed=0):
    """In evaluation mode, with BN values as a trained network might have."""
    generator = torch.Generator().manual_seed(seed)
    for m in module.modules():
        if isinstance(m, nn.BatchNorm2d):
            for tensor, low, high in (
                (m.weight, -1.5, 1.5),
                (m.bias, -0.5, 0.5),
                (m.running_mean, -0.5, 0.5),
                (m.running_var, 0.2, 1.5),
            ):
                if tensor is not None:
                    nn.init.uniform_(tensor, low, high, generator=generator)
    return module.eval()


def small(**options):
    """A ResNet-50 that is soon computed."""
    torch.manual_seed(0)
    return stirred(ResNet(base=8, num_classes=10, **options))


def noise(*shape, dtype=torch.float32):
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(1))


def norms(module):
    return sum(isinstance(m, nn.BatchNorm2d) for m in module.modules())


def difference(network, other, x):
    with torch.no_grad():
        return gap(other(x), network(x))[1]


# ── One BN ───────────────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=60, deadline=None)
@given(
    groups=st.integers(1, 3),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    dilation=st.integers(1, 2),
    bias=st.booleans(),
    affine=st.booleans(),
    mode=st.sampled_from(["zeros", "reflect", "circular"]),
    seed=st.integers(0, 10**6),
)
def test_the_folded_convolution_gives_what_both_gave(
    groups, kernel, stride, padding, dilation, bias, affine, mode, seed
):
    conv = nn.Conv2d(
        2 * groups, 3 * groups, kernel, stride, padding, dilation, groups, bias, padding_mode=mode, dtype=torch.float64
    )
    bn = stirred(nn.BatchNorm2d(3 * groups, eps=0.01, affine=affine, dtype=torch.float64), seed)
    x = noise(2, 2 * groups, 11, 12, dtype=torch.float64)
    assert difference(nn.Sequential(conv, bn), fold_bn(conv, bn), x) < 1e-12


def test_by_hand():
    conv, bn = nn.Conv2d(1, 1, 1, bias=False), nn.BatchNorm2d(1, eps=0.0).eval()
    with torch.no_grad():
        conv.weight.fill_(5), bn.weight.fill_(2), bn.bias.fill_(1), bn.running_mean.fill_(3), bn.running_var.fill_(4)
    folded = fold_bn(conv, bn)
    assert (folded.weight.item(), folded.bias.item()) == (5, -2)


def test_what_is_folded_is_left_as_it_was():
    conv, bn = nn.Conv2d(3, 4, 3), stirred(nn.BatchNorm2d(4))
    before = copy.deepcopy((conv.state_dict(), bn.state_dict()))
    fold_bn(conv, bn)
    for module, state in zip((conv, bn), before, strict=True):
        assert all(torch.equal(value, state[name]) for name, value in module.state_dict().items())
    assert conv.weight.requires_grad


@pytest.mark.parametrize(
    ("conv", "bn", "sentence"),
    [
        (nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), "training mode, .* call .eval()"),
        (nn.Conv2d(3, 4, 1), nn.BatchNorm2d(5).eval(), "gives 4 channels and the BN wants 5"),
        (nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4, track_running_stats=False).eval(), "keeps no running statistics"),
        (nn.Linear(3, 4), nn.BatchNorm2d(4).eval(), "these are BatchNorm2d after Linear"),
        (nn.Conv2d(3, 4, 1), nn.GroupNorm(2, 4).eval(), "these are GroupNorm after Conv2d"),
    ],
)
def test_what_cannot_be_folded_is_refused_with_the_reason(conv, bn, sentence):
    with pytest.raises(ValueError, match=sentence):
        fold_bn(conv, bn)


# ── A whole network ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("stride_on", ["3x3", "1x1"])
def test_every_design_is_folded_without_a_rest_and_gives_the_same(design, stride_on):
    options = {} if DESIGNS[design].block == "basic" else {"base": 32}
    blocks = (1, 2, 1, 1)
    network = stirred(build(design, num_classes=10, stride_on=stride_on, **{**options, "blocks": blocks})).double()
    folded = fold(network)
    assert norms(folded) == 0 < norms(network)
    assert difference(network, folded, noise(2, 3, 64, 64, dtype=torch.float64)) < 1e-12


def test_dilated_networks_and_other_sizes_and_batches():
    network = small(replace_stride_with_dilation=(False, True, True)).double()
    folded = fold(network)
    for shape in ((1, 3, 64, 64), (3, 3, 33, 65), (2, 3, 96, 32)):
        assert difference(network, folded, noise(*shape, dtype=torch.float64)) < 1e-12


def test_the_network_given_is_left_as_it_was_its_mode_included():
    network = small().train()
    before = copy.deepcopy(network.state_dict())
    folded = fold(network)
    assert network.training and not folded.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(p.requires_grad for p in network.parameters())
    network.eval()
    assert difference(network, folded, noise(1, 3, 64, 64)) < 1e-4


def test_the_checks_of_inputs_are_back_after_a_graph_was_recorded():
    network = small()
    fold(network)
    with pytest.raises(ValueError, match="C = 3 channels"):
        network(torch.zeros(1, 4, 64, 64))


class Own(nn.Module):
    """As a learner might write it: one ReLU for all, functions, a sum with +=, names of their own."""

    def __init__(self, how="usual"):
        super().__init__()
        self.first, self.norm1 = nn.Conv2d(3, 8, 3, padding="same"), nn.BatchNorm2d(8)
        self.second, self.norm2 = nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        self.third, self.norm3 = nn.Conv2d(8, 8, 1, bias=False), nn.BatchNorm2d(8)
        self.relu, self.out, self.how = nn.ReLU(inplace=True), nn.Linear(8, 5), how

    def forward(self, x):
        x = self.relu(self.norm1(self.first(x)))
        y = self.second(x)
        if self.how == "used twice":
            y = self.norm2(y) + y
        elif self.how == "one BN for two":
            y = self.norm2(self.third(F.relu(self.norm2(y))))
        elif self.how == "one convolution twice":
            y = self.norm3(self.second(F.relu(self.norm2(y))))
        elif self.how == "ReLU between":
            y = self.norm2(F.relu(y))
        elif self.how == "stretched sum":
            y = F.relu(self.norm2(y) + self.norm3(self.third(x)).mean((2, 3), keepdim=True))
        elif self.how == "sum stretches":
            y = F.relu(self.norm3(self.third(x.mean((2, 3), keepdim=True))) + self.norm2(y))
        elif self.how == "ReLU and more":
            y = self.norm2(y)
            y = F.relu(y) + y
        elif self.how == "sum and more":
            y = self.norm2(y)
            y = F.relu(y + x) * y
        elif self.how == "scaled sum":
            y = F.relu(torch.add(self.norm2(y), x, alpha=2))
        elif self.how == "to itself":
            y = self.norm2(y)
            y = F.relu(y + y)
        elif self.how == "branches on numbers":
            y = self.norm2(y) if x.sum() > 0 else y
        else:
            y = torch.relu(self.norm2(y))
            y = self.norm3(self.third(y))
            y += x
            y = self.relu(y)
        return self.out(y.mean((2, 3)))


def convolutions(graph):
    """How many convolutions a graph runs."""
    called = [graph.get_submodule(n.target) for n in graph.graph.nodes if n.op == "call_module"]
    return sum(isinstance(m, nn.Conv2d | Joined) for m in called)


CAREFUL = {  # how → BN that must stay
    "usual": 0,
    "used twice": 2 - 1,
    "one BN for two": 1,
    "one convolution twice": 2,
    "ReLU between": 1,
    "stretched sum": 0,
    "sum stretches": 0,
    "ReLU and more": 0,
    "sum and more": 0,
    "scaled sum": 0,
    "to itself": 0,
}


@pytest.mark.parametrize("how", CAREFUL)
def test_a_learners_own_network_is_folded_where_that_changes_nothing(how):
    network = stirred(Own(how)).double()
    folded = fold(network)
    assert norms(folded) == CAREFUL[how]
    assert difference(network, folded, noise(2, 3, 12, 12, dtype=torch.float64)) < 1e-12


@needs_joining
@pytest.mark.parametrize("how", CAREFUL)
@pytest.mark.parametrize("batch", [1, 3])
def test_a_learners_own_network_is_joined_where_that_changes_nothing(how, batch):
    network, x = stirred(Own(how)), noise(batch, 3, 12, 12).contiguous(memory_format=torch.channels_last)
    folded = fold(network).to(memory_format=torch.channels_last)
    steps = convolutions(folded)
    joined = join(folded, x)
    assert convolutions(joined) == steps, "none is computed a second time"
    with torch.no_grad():
        assert gap(joined(x), network(x))[1] < 1e-5
        assert gap(joined(x), network(x))[1] < 1e-5, "the second time too: nothing was overwritten that is needed"


def test_a_network_that_branches_on_its_numbers_is_refused_with_the_reason():
    with pytest.raises(ValueError, match="cannot be written as a graph .* without an if or a loop"):
        fold(Own("branches on numbers"))
    with pytest.raises(ValueError, match="must be an nn.Module that has been built"):
        fold(Own)


# ── Joined ───────────────────────────────────────────────────────────────────────────────────────────────────


@needs_joining
@pytest.mark.parametrize(
    ("part", "C", "steps"), [(BTNK2(32), 32, 3), (BTNK1(16, 8, 2), 16, 4), (Stem(3, 16), 3, 2)], ids=["2", "1", "stem"]
)
def test_of_a_part_the_convolutions_and_the_pooling_remain(part, C, steps):
    stirred(part)
    x = noise(2, C, 20, 20).contiguous(memory_format=torch.channels_last)
    joined = join(fold(part), x)
    assert len(joined.graph.nodes) - 2 == steps
    assert difference(part, joined, x) < 1e-5


class Summed(nn.Module):
    """ReLU(conv(x) + other(x)), each part of which can be left away."""

    def __init__(self, conv, other, relu):
        super().__init__()
        self.conv, self.other, self.relu = conv, other, relu

    def forward(self, x):
        y = self.conv(x)
        y = y if self.other is None else self.other(x) + y
        return y.relu() if self.relu else y


@needs_joining
@settings(max_examples=60, deadline=None)
@given(
    groups=st.sampled_from([1, 2, 8]),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    dilation=st.integers(1, 2),
    bias=st.booleans(),
    summed=st.booleans(),
    relu=st.booleans(),
    batch=st.integers(1, 3),
)
def test_a_convolution_of_any_kind_joined_gives_what_its_steps_gave(
    groups, kernel, stride, padding, dilation, bias, summed, relu, batch
):
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    conv = nn.Conv2d(8, 8, kernel, bias=bias, **options)
    part = Summed(conv, nn.Conv2d(8, 8, kernel, **options) if summed else None, relu).eval()
    x = noise(batch, 8, 11, 12).contiguous(memory_format=torch.channels_last)
    joined = join(fold(part).to(memory_format=torch.channels_last), x)
    assert len(joined.graph.nodes) - 2 == 1 + summed
    assert difference(part, joined, x) < 1e-5
    assert difference(part, joined, noise(2, 8, 14, 9).contiguous(memory_format=torch.channels_last)) < 1e-5


@needs_joining
def test_a_convolution_that_onednn_refuses_loses_nothing_but_the_joining(monkeypatch):
    def refuses(*_args):
        raise RuntimeError("could not create a primitive descriptor")

    monkeypatch.setattr(sys.modules["resnet_lib.speed.fast"], "join", refuses)
    quick = fast(small(), size=32, repeats=1, compile=False, progress=None)
    assert quick.chosen == FOLDED
    assert "oneDNN refuses one of the convolutions (could not create" in str(quick)


@needs_joining
def test_a_way_that_does_not_run_is_left_out_and_the_others_are_taken(monkeypatch):
    def refuses(_joined, x, other=None):
        raise RuntimeError("could not create a memory\nmore")

    assert can_join(torch.float32)  # kept from here on: what is tried is larger than that one small convolution
    monkeypatch.setattr(Joined, "forward", refuses)
    quick = fast(small(), size=32, batch=2, repeats=1, compile=False, progress=None)
    assert list(quick.timings) == [GIVEN, FOLDED] and quick.chosen == FOLDED
    for name in (JOINED, f"{JOINED}, 1 at a time"):
        assert f"“{name}” does not run here: oneDNN refuses one of the convolutions (could not create a m" in str(quick)


@needs_joining
@pytest.mark.parametrize(("C", "side"), [(8, 1), (1, 1), (1, 4), (8, 4)])
def test_what_is_in_both_orders_of_memory_is_not_handed_to_the_sum_that_refuses_it(C, side, monkeypatch):
    def as_torch_2_6_does(x, other, *more):
        if other.is_contiguous() and other.is_contiguous(memory_format=torch.channels_last):
            raise RuntimeError("could not create a memory")
        return real(x, other, *more)

    sums = torch.ops.mkldnn._convolution_pointwise
    real = sums.binary
    monkeypatch.setattr(sums, "binary", as_torch_2_6_does)
    conv = nn.Conv2d(4, C, 1).requires_grad_(False)
    x, other = (noise(2, n, side, side).contiguous(memory_format=torch.channels_last) for n in (4, C))
    before = other.clone()
    found = Joined(conv, relu=True, spare=False, shape=x.shape)(x, other)
    assert gap(found, (conv(x) + other).relu())[1] < 1e-5
    assert torch.equal(other, before)


@needs_joining
@pytest.mark.parametrize("design", DESIGNS)
def test_every_design_is_joined_and_gives_the_same(design):
    options = {} if DESIGNS[design].block == "basic" else {"base": 32}
    network = stirred(build(design, num_classes=10, blocks=(1, 2, 1, 1), **options))
    x = noise(2, 3, 64, 64).contiguous(memory_format=torch.channels_last)
    joined = join(fold(network).to(memory_format=torch.channels_last), x)
    assert not any(isinstance(m, nn.ReLU | nn.BatchNorm2d) for m in joined.modules())
    assert difference(network, joined, x) < 1e-5
    assert difference(network, joined, noise(1, 3, 40, 96).contiguous(memory_format=torch.channels_last)) < 1e-5


def test_without_onednn_nothing_can_be_joined(monkeypatch):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    can_join.cache_clear()
    try:
        assert not can_join()
        quick = fast(small(), size=32, repeats=1, compile=False, progress=None)
        assert JOINED not in quick.timings and quick.chosen == FOLDED
        assert "not joined" in str(quick)
    finally:
        can_join.cache_clear()


@pytest.mark.parametrize(("batch", "most", "ran"), [(5, 2, [2, 2, 1]), (4, 4, [4]), (1, 4, [1]), (3, 1, [1, 1, 1])])
def test_in_pieces_a_batch_gives_the_same_in_the_same_order(batch, most, ran):
    network, seen = small(), []
    network.register_forward_hook(lambda _module, given, _output: seen.append(len(given[0])))
    x = noise(batch, 3, 32, 32)
    assert difference(small(), InPieces(network, most), x) < 1e-5
    assert seen == ran


@needs_joining
def test_of_a_batch_smaller_pieces_are_tried():
    quick = fast(small(), size=32, batch=3, repeats=1, progress=None)
    assert [name for name in quick.timings if "at a time" in name] == [f"{JOINED}, {n} at a time" for n in (1, 2)]
    assert difference(small(), quick, noise(3, 3, 32, 32)) < 1e-4
    assert difference(small(), quick, noise(7, 3, 48, 32)) < 1e-4


# ── fast ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_it_gives_the_same_for_other_inputs_too_and_says_what_it_did():
    network = small()
    quick = fast(network, size=64, repeats=2, progress=None)
    assert quick.difference <= quick.tolerance == 1e-4
    assert quick.shape == (1, 3, 64, 64)
    assert quick.chosen in quick.timings and GIVEN in quick.timings
    for shape in ((1, 3, 64, 64), (5, 3, 64, 64), (2, 3, 40, 72)):
        x = noise(*shape)
        before = x.clone()
        assert difference(network, quick, x) < 1e-4
        assert torch.equal(x, before)
    text = str(quick)
    assert "53 BN folded" in text and "times as fast" in text and "Not compiled" in text
    assert all(html.escape(part) in quick._repr_html_() for part in (quick.headline, *quick.done, *quick.left_out))


def test_it_is_proved_on_photographs_of_the_checkpoints_size_or_on_an_example():
    network = small()
    network.checkpoint = type("Checkpoint", (), {"size": 40})()
    quick = fast(network, batch=7, repeats=1, progress=None)
    assert quick.shape == (7, 3, 40, 40) and quick.checkpoint is network.checkpoint
    assert fast(network, noise(2, 3, 33, 35), repeats=1, progress=None).shape == (2, 3, 33, 35)
    assert fast(small(in_channels=1), size=32, repeats=1, progress=None).shape == (1, 1, 32, 32)


def test_the_network_given_to_fast_is_left_as_it_was():
    network = small().train()
    before = copy.deepcopy(network.state_dict())
    quick = fast(network, size=32, repeats=1, progress=None)
    assert network.training and all(p.requires_grad for p in network.parameters())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert difference(network.eval(), quick, noise(1, 3, 32, 32)) < 1e-4


def test_a_fast_network_stays_in_evaluation_mode():
    quick = fast(small(), size=32, repeats=1, progress=None)
    assert quick.eval() is quick and not quick.training
    with pytest.raises(ValueError, match="train the original"):
        quick.train()


def test_a_network_that_is_no_graph_is_still_tried_with_channels_last():
    quick = fast(Own("branches on numbers"), size=16, repeats=1, compile=False, progress=None)
    assert quick.chosen == PLAIN
    assert "Nothing folded or joined: this network cannot be written as a graph" in str(quick)


def test_where_every_way_leaves_the_tolerance_it_is_said_by_how_much():
    with pytest.raises(ValueError, match=r"every way is off by \d.* or more, and 1e-12 is allowed"):
        fast(small(), size=32, tolerance=1e-12, repeats=1, progress=None)


def test_a_way_that_leaves_the_tolerance_is_not_taken(monkeypatch):
    module = sys.modules["resnet_lib.speed.fast"]
    real = module.join

    def wrong(graph, x):
        joined = real(graph, x)
        next(m for m in joined.modules() if isinstance(m, nn.Linear)).bias.data += 1
        return joined

    if not can_join():
        pytest.skip("this torch has no oneDNN")
    monkeypatch.setattr(module, "join", wrong)
    quick = fast(small(), size=32, repeats=1, compile=False, progress=None)
    assert quick.chosen == FOLDED
    assert f"“{JOINED}” is off by" in str(quick)
    assert difference(small(), quick, noise(2, 3, 32, 32)) < 1e-4


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"batch": 0}, "batch = 0 must be a whole number, 1 or larger"),
        ({"size": 0.5}, "size = 0.5 must be a whole number"),
        ({"repeats": 0}, "repeats = 0 must be"),
        ({"compile": "maybe"}, "compile = 'maybe' must be True, False or \"auto\""),
        ({"example": torch.zeros(3, 32, 32)}, r"example must be a float tensor \(batch, C, H, W\)"),
        ({"example": torch.zeros(1, 3, 32, 32, dtype=torch.uint8)}, "example must be a float tensor"),
        ({"example": torch.zeros(1, 4, 32, 32)}, "made for C = 3 channels"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        fast(small(), progress=None, **arguments)


def test_a_network_without_numbers_to_compare_is_refused():
    broken = small()
    broken.head.fc.bias.data[0] = torch.nan
    with pytest.raises(ValueError, match="gives out numbers that are not finite"):
        fast(broken, size=32, progress=None)
    with pytest.raises(ValueError, match="must be an nn.Module"):
        fast("resnet50")


def test_a_fast_network_refuses_an_input_of_other_channels():
    quick = fast(small(), size=32, repeats=1, progress=None)
    with pytest.raises(ValueError, match="FastNetwork was made for C = 3 channels"):
        quick(torch.zeros(1, 4, 32, 32))


@needs_joining
def test_in_bfloat16_it_asks_for_a_wider_tolerance_and_gives_float32_back():
    network, x = small(), noise(2, 3, 64, 64)
    with pytest.raises(ValueError, match="every way is off"):
        fast(network, x, dtype=torch.bfloat16, repeats=1, progress=None)
    quick = fast(network, x, dtype=torch.bfloat16, tolerance=0.2, repeats=1, progress=None)
    assert quick(x).dtype == torch.float32
    assert 1e-4 < difference(network, quick, x) < 0.2


def test_a_float64_network_keeps_its_precision():
    network, x = small().double(), noise(1, 3, 32, 32, dtype=torch.float64)
    quick = fast(network, x, repeats=1, tolerance=1e-12, compile=False, progress=None)
    assert quick(x).dtype == torch.float64 and quick.chosen == FOLDED


# ── The compiler ─────────────────────────────────────────────────────────────────────────────────────────────


def test_without_a_compiler_it_says_so(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setattr(torch, "__file__", "/torch/__init__.py")  # wherever the course lies
    quick = fast(small(), size=32, repeats=1, compile=True, progress=None)
    assert COMPILED not in quick.timings
    assert "no working C++ compiler was found" in str(quick)


def test_a_compiler_that_fails_loses_nothing(monkeypatch):
    module = sys.modules["resnet_lib.speed.fast"]
    monkeypatch.setattr(module, "compiler", lambda: "/usr/bin/some-compiler")

    def fails(*_args, **_options):
        raise RuntimeError("the compiler fell over\nwith many more lines")

    monkeypatch.setattr(torch, "compile", fails)
    said = []
    quick = fast(small(), size=32, repeats=1, compile=True, progress=said.append)
    assert "Not compiled: RuntimeError, the compiler fell over." in str(quick)
    assert "many more lines" not in str(quick)
    assert difference(small(), quick, noise(1, 3, 32, 32)) < 1e-4
    assert any("compiling" in text for text in said)


def test_what_was_compiled_is_used_for_the_shape_it_was_compiled_for_alone(monkeypatch):
    module = sys.modules["resnet_lib.speed.fast"]
    monkeypatch.setattr(module, "compiler", lambda: "/usr/bin/some-compiler")
    shapes = []

    def pretend(network, options):
        assert options == {"freezing": True}

        def run(x):
            shapes.append(tuple(x.shape))
            return network(x)

        return run

    monkeypatch.setattr(torch, "compile", pretend)

    class Quickest:
        """A clock by which what is compiled takes no time."""

        def __init__(self, name):
            self.seconds, self.undisturbed, self.median, self.middle = (1.0,), name != COMPILED, 1.0, (1.0, 1.0)

        def times(self, _other):
            return 1.0

    monkeypatch.setattr(module, "timings", lambda works, _n: {name: Quickest(name) for name in works})
    quick = fast(small(), size=32, repeats=1, compile=True, progress=None)
    assert quick.chosen == COMPILED
    quick(noise(1, 3, 32, 32)), quick(noise(2, 3, 32, 32))
    assert set(shapes) == {(1, 3, 32, 32)}
    assert "Compiled for inputs of this shape." in quick.done


@pytest.mark.slow
@pytest.mark.skipif(not compiler(), reason="no C++ compiler")
def test_a_real_compiler_gives_the_same():
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 5))
    network = stirred(nn.Sequential(Stem(3, 16), BTNK2(16), head))
    quick = fast(network, size=32, repeats=1, compile=True, progress=None)
    assert COMPILED in quick.timings, str(quick)
    assert difference(network, quick, noise(1, 3, 32, 32)) < 1e-4
