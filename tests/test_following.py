"""Modules of one's own: anatomy and explorers follow what they do, in whatever order their children were made."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from resnet_lib import BTNK2, Add, ShapeMismatch, anatomy, build, resnet50
from resnet_lib.explorers import AttributionExplorer

from .reference import plain


class Own(nn.Module):
    """A module with these children, whose forward is a function of it and x."""

    def __init__(self, run, **children):
        super().__init__()
        self.run = run
        for name, child in children.items():
            self.add_module(name, child)

    def forward(self, x):
        return self.run(self, x)


def conv(C, C1, k=3, S=1):
    return nn.Conv2d(C, C1, k, S, k // 2, bias=False)


def holds(module, shape):
    """That shape, parameters in use and MACs are those of a real run, and that the module is left as it was."""
    before = {key: tensor.clone() for key, tensor in module.state_dict().items()}
    a = anatomy(module, shape)
    assert module.training and all(torch.equal(t, before[k]) for k, t in module.state_dict().items())
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        output = module.eval()(torch.randn(2, *shape))
    module.train()
    assert a.output == tuple(output.shape[1:])
    assert counter.get_total_flops() == 2 * a.flops
    assert len({s.name for s in a.steps}) == len(a.steps)
    return a


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "resnext50_32x4d"])
def test_the_published_layout_has_the_anatomy_of_the_librarys(name):
    a = holds(plain(name, base=32, num_classes=5), (3, 64, 64))
    ours = anatomy(build(name, base=32, num_classes=5), 64)
    assert (a.parameters, a.macs, a.unused) == (ours.parameters, ours.macs, ())
    counted = [(s.kind, s.shape, s.sees) for s in ours.steps if s.kind != "identity"]
    assert [(s.kind, s.shape, s.sees) for s in a.steps] == counted
    assert all((s.path == "shortcut") == ("downsample" in s.name) for s in a.steps)


class TimmBlock(nn.Module):
    """As timm's: layers that do nothing unless asked for, two names of activations, in-place ReLUs."""

    def __init__(self, C, C1, S):
        super().__init__()
        self.conv1, self.bn1, self.act1 = conv(C, C1, 1), nn.BatchNorm2d(C1), nn.ReLU(inplace=True)
        self.conv2, self.bn2, self.drop_block = conv(C1, C1, 3, S), nn.BatchNorm2d(C1), nn.Identity()
        self.act2, self.aa, self.se = nn.ReLU(inplace=True), nn.Identity(), None
        self.conv3, self.bn3 = conv(C1, 4 * C1, 1), nn.BatchNorm2d(4 * C1)
        self.act3, self.drop_path = nn.ReLU(inplace=True), None
        self.downsample = nn.Sequential(conv(C, 4 * C1, 1, S), nn.BatchNorm2d(4 * C1)) if C != 4 * C1 else None

    def forward(self, x):
        shortcut = x
        x = self.act1(self.bn1(self.conv1(x)))
        x = self.aa(self.act2(self.drop_block(self.bn2(self.conv2(x)))))
        x = self.bn3(self.conv3(x))
        if self.downsample is not None:
            shortcut = self.downsample(shortcut)
        x += shortcut
        return self.act3(x)


class Pool(nn.Module):
    def __init__(self):
        super().__init__()
        self.flatten = nn.Flatten(1)

    def forward(self, x):
        return self.flatten(x.mean((2, 3), keepdim=True))


class Timm(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc, self.global_pool = nn.Linear(32, 3), Pool()  # not in the order in which they run
        self.conv1, self.bn1, self.act1 = conv(3, 4, 7, 2), nn.BatchNorm2d(4), nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer2 = nn.Sequential(TimmBlock(16, 8, 2), TimmBlock(32, 8, 1))
        self.layer1 = nn.Sequential(TimmBlock(4, 4, 1))
        self.drop_rate = 0.0

    def forward_features(self, x):
        x = self.maxpool(self.act1(self.bn1(self.conv1(x))))
        return self.layer2(self.layer1(x))

    def forward(self, x):
        x = self.global_pool(self.forward_features(x))
        return self.fc(F.dropout(x, self.drop_rate, self.training))


def test_timms_layout_is_followed_in_the_order_in_which_it_runs():
    a = holds(Timm(), (3, 32, 32))
    names = [s.name for s in a.steps]
    assert names.index("layer1.0.conv1") < names.index("layer2.0.conv1") < names.index("fc")
    assert {s.name for s in a.steps if s.path == "shortcut"} >= {"layer1.0.downsample.0", "layer2.0.downsample.1"}


def test_a_branch_is_known_by_what_it_does_and_not_by_its_name():
    block = Own(lambda m, x: m.conv1(x) + m.downsample(x), conv1=conv(8, 8, 3, 2), downsample=conv(8, 8, 1, 2))
    a = holds(block, (8, 32, 32))
    assert [(s.name, s.path) for s in a.steps] == [("conv1", "main"), ("downsample", "shortcut"), ("add", "sum")]
    swapped = Own(lambda m, x: m.shortcut(x) + m.main(x), main=conv(8, 8, 1), shortcut=conv(8, 8, 3))
    assert [s.path for s in holds(swapped, (8, 9, 9)).steps] == ["main", "shortcut", "sum"]


def test_a_shortcut_in_a_sequential_is_a_step_like_others():
    module = nn.Sequential()
    module.add_module("first", conv(3, 4))
    module.add_module("shortcut", conv(4, 5))
    assert holds(module, (3, 8, 8)).output == (5, 8, 8)


def test_children_that_never_run_are_named_and_not_counted():
    a = holds(Own(lambda m, x: m.c(x), c=nn.Conv2d(8, 8, 3), old=nn.Sequential(conv(8, 9))), (8, 16, 16))
    assert a.output == (8, 14, 14) and a.unused == ("old",) and a.parameters == 584
    assert str(a).endswith("never run: old") and "Never run: old." in a._repr_html_()


def test_a_child_that_runs_twice_is_two_steps_and_its_parameters_count_once():
    a = holds(Own(lambda m, x: m.c(m.relu(m.c(x))), c=conv(4, 4), relu=nn.ReLU(inplace=True)), (4, 8, 8))
    assert [(s.name, s.parameters, s.receptive_field) for s in a.steps] == [
        ("c", 144, 3),
        ("relu", 0, 3),
        ("c (2)", 0, 5),
    ]


def test_a_layer_added_to_a_network_of_the_library_is_not_taken_for_a_step():
    network = resnet50(base=4, num_classes=3)
    expected = anatomy(network, 64).steps
    network.extra = nn.Linear(128, 10)
    a = anatomy(network, 64)
    assert a.unused == ("extra",) and a.output == (3,)
    assert [(s.name, s.shape) for s in a.steps] == [(s.name, s.shape) for s in expected]


def test_blocks_of_the_library_in_a_network_of_ones_own():
    net = Own(lambda m, x: m.b(m.a(m.stem(x))), b=BTNK2(8), a=BTNK2(8), stem=conv(3, 8))
    assert [s.name for s in holds(net, (3, 8, 8)).steps][:2] == ["stem", "a.conv1"]
    assert anatomy(net, 8).input == (3, 8, 8)  # of the first that runs, not the first that was made


FUNCTIONS = {
    "F.relu": (lambda m, x: F.relu(m.c(x)), "ReLU"),
    "relu_": (lambda m, x: m.c(x).relu_(), "ReLU"),
    "max_pool2d": (lambda m, x: F.max_pool2d(m.c(x), 3, 2, 1), "MAXPOOL 3×3 /2"),
    "avg_pool2d": (lambda m, x: F.avg_pool2d(m.c(x), x.size()[2:]), "AVGPOOL 8×8 /8"),
    "adaptive": (lambda m, x: F.adaptive_avg_pool2d(m.c(x), 1), "GLOBAL AVGPOOL"),
    "mean": (lambda m, x: m.c(x).mean([-2, -1]), "GLOBAL AVGPOOL"),
    "flatten": (lambda m, x: torch.flatten(m.c(x), 1), "FLATTEN"),
    "view": (lambda m, x: m.c(x).view(x.size(0), -1), "FLATTEN"),
    "squeeze": (lambda m, x: F.adaptive_avg_pool2d(m.c(x), 1).squeeze(), "FLATTEN"),
    "cat": (lambda m, x: torch.cat([m.c(x), x], 1), "CONCAT"),
    "+": (lambda m, x: m.c(x) + x, "SUM"),
    "+=": (lambda m, x: m.c(x).add_(x), "SUM"),
    "sum": (lambda m, x: sum([m.c(x), x]), "SUM"),
    "nothing": (lambda m, x: F.dropout(m.c(x * 2 - 1), 0.0).contiguous(), "CONV 3×3"),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_without_a_module_are_steps(name):
    run, kind = FUNCTIONS[name]
    assert holds(Own(run, c=conv(4, 4)), (4, 8, 8)).steps[-1].kind == kind


REFUSED = {
    "flip": (lambda m, x: m.c(x).flip(1), r"does not know the arithmetic of Own \(the module itself\).* flip"),
    "product": (lambda m, x: m.c(x) * x, "calls mul"),
    "transposed": (lambda m, x: m.c(x).transpose(2, 3), "calls transpose"),
    "mean over channels": (lambda m, x: m.c(x).mean((1, 2)), "calls mean"),
    "two results": (lambda m, x: (m.c(x), x), "returns tuple"),
    "not of x": (lambda m, x: (m.c(x), torch.ones(2, 3))[1], "not made of its input"),
    "by the numbers": (lambda m, x: m.c(x) if x.sum() > 0 else x, "cannot be run on shapes alone"),
    "wrong channels": (lambda m, x: m.c(m.c(torch.cat([x, x], 1))), "expects C = 4 channels and gets 8"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_followed_gets_a_sentence(name):
    run, sentence = REFUSED[name]
    with pytest.raises((TypeError, ValueError), match=sentence):
        anatomy(Own(run, c=conv(4, 4)), (4, 8, 8))


def test_a_sum_of_different_shapes_is_a_mismatch_also_without_a_module():
    for run in (lambda m, x: m.c(x) + x, lambda m, x: m.add(m.c(x), x)):
        with pytest.raises(ShapeMismatch, match=r"\(6, 8, 8\) and the shortcut \(4, 8, 8\)"):
            anatomy(Own(run, c=conv(4, 6), add=Add()), (4, 8, 8))


class Same(nn.Conv2d):
    def forward(self, x):
        return super().forward(F.pad(x, (1, 1, 1, 1)))


def test_a_layer_with_a_forward_of_its_own_is_judged_by_what_it_outputs():
    with pytest.raises(TypeError, match=r"outputs \(4, 8, 8\) where a Conv2d outputs \(4, 6, 6\)"):
        anatomy(Own(lambda m, x: m.c(x), c=Same(4, 4, 3)), (4, 8, 8))


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_graph_in_any_order_of_its_children_is_followed(data):
    """Chains of convolutions with sums to earlier maps, children made in any order, some used again, some never."""
    plan = data.draw(
        st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 5), st.booleans()), min_size=1, max_size=6)
    )
    made = data.draw(st.permutations("abcdx"))

    def run(m, x):
        maps = [x]
        for name, back, relu in plan:
            h = getattr(m, name)(maps[-1])
            h = h + maps[back % len(maps)] if back else h
            maps.append(F.relu(h) if relu else h)
        return maps[-1]

    kernels = {"a": 1, "b": 3, "c": 5, "d": 3, "x": 3}
    module = Own(run, **{name: conv(2, 2, kernels[name]) for name in made})
    a = holds(module, (2, 12, 12))
    used = {name for name, _, _ in plan}
    assert set(a.unused) == set(made) - used
    assert a.parameters == sum(4 * kernels[name] ** 2 for name in used)
    for p in module.parameters():
        p.data.abs_().add_(0.01)
    x = torch.ones(1, 2, 41, 41, requires_grad=True)
    (grad,) = torch.autograd.grad(module(x)[0, :, 20, 20].sum(), x)
    rows = grad.abs().sum((0, 1, 3)).nonzero().flatten().tolist()
    field = anatomy(module, 41).steps[-1].receptive_field
    assert field >= rows[-1] - rows[0] + 1 and (field == rows[-1] - rows[0] + 1 or field > 41)


def test_the_explorer_of_attribution_begins_at_the_deepest_maps_that_really_ran():
    explorer = AttributionExplorer(Timm().eval(), "cat", 64)
    assert explorer.step.value == "layer2"
    places = list(explorer._places())
    assert places.index("layer1") < places.index("layer2") and "layer2.0.downsample" not in places
