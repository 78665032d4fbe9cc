"""Layers that a learner calls by hand: pieces, views, constants, numbers computed from others, a BN of one's own."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations

from resnet_lib import BTNK2
from resnet_lib.compare.kinds import kinds
from resnet_lib.exercises import Wrong, check_btnk2, check_projection

NAMES = ("conv1", "bn1", "conv2", "bn2", "conv3", "bn3")


def block(conv1=None, bn1=None, conv2=None, f=None, init=None):
    """A BTNK2 in which some of the steps are done by hand, each by a function of the block and of what goes in."""

    class MyBTNK2(BTNK2):
        def __init__(self, C):
            super().__init__(C)
            if init:
                init(self)

        def forward(self, x):
            def step(name, by_hand, given):
                return by_hand(self, given) if by_hand else self.get_submodule(name)(given)

            y = self.relu1(step("bn1", bn1, step("conv1", conv1, x)))
            y = self.bn3(self.conv3(self.relu2(self.bn2(step("conv2", conv2, y)))))
            return self.relu3((f(self, y) if f else y) + x)

    return MyBTNK2


def refusal(make, **options):
    with pytest.raises(Wrong) as caught:
        check_btnk2(make, **options)
    return caught.value.verdict


def shifts(turned=False):
    """A 3×3 as nine 1×1s on shifted inputs."""

    def conv2(self, f):
        (H, W), p = f.shape[2:], F.pad(f, (1, 1, 1, 1))
        w = self.conv2.weight.mT if turned else self.conv2.weight
        return sum(
            F.conv2d(p[..., i : i + H, j : j + W], w[..., i : i + 1, j : j + 1]) for i in range(3) for j in range(3)
        )

    return conv2


def bn_in_halves(self, f):
    of = [t.chunk(2) for t in (self.bn1.running_mean, self.bn1.running_var, self.bn1.weight, self.bn1.bias)]
    return torch.cat([F.batch_norm(*p, self.training) for p in zip(f.chunk(2, 1), *of, strict=True)], 1)


PIECES = {
    "inputs in halves": block(
        lambda b, x: sum(F.conv2d(a, w) for a, w in zip(x.chunk(2, 1), b.conv1.weight.chunk(2, 1), strict=True))
    ),
    "outputs in halves": block(lambda b, x: torch.cat([F.conv2d(x, w) for w in b.conv1.weight.chunk(2)], 1)),
    "one input at a time": block(
        lambda b, x: sum(F.conv2d(x[:, i : i + 1], b.conv1.weight[:, i : i + 1]) for i in range(x.shape[1]))
    ),
    "nine shifts": block(conv2=shifts()),
    "a BN in halves": block(bn1=bn_in_halves),
}


@pytest.mark.parametrize("name", PIECES)
def test_a_layer_that_runs_in_pieces_is_that_layer(name):
    assert check_btnk2(PIECES[name], names=NAMES).ok


def test_pieces_that_are_wrong_are_told_as_numbers_and_not_as_channels_or_calls():
    half = block(lambda b, x: F.conv2d(x[:, : x.shape[1] // 2], b.conv1.weight[:, : x.shape[1] // 2]))
    for make in (half, block(conv2=shifts(turned=True))):
        assert "numbers differ before" in kinds(refusal(make).finding)


@pytest.mark.parametrize("turn", [lambda w: w.mT, lambda w: w.transpose(0, 1), lambda w: w.flip(2)])
def test_a_kernel_turned_round_is_not_the_one_that_is_loaded(turn):
    sentence = refusal(block(conv2=lambda b, f: F.conv2d(f, turn(b.conv2.weight), padding=1))).sentence
    assert "first in what conv2 gives" in sentence and "the weights that it computes with" in sentence
    assert "ReLU" not in sentence  # what goes into conv2 is right


def test_a_view_that_changes_nothing_is_right():
    assert check_btnk2(block(conv2=lambda b, f: F.conv2d(f, b.conv2.weight.mT.mT, padding=1)), names=NAMES).ok


def test_a_kernel_that_nothing_would_train_is_a_tool_where_all_layers_are_there_and_none_where_one_is_missing():
    def ones(self, y):
        return F.conv2d(y, y.new_ones(y.shape[1], 1, 1, 1), groups=y.shape[1])

    def unlearned(self):
        self.kernel, self.conv2 = self.conv2.weight.detach().clone(), None

    assert check_btnk2(block(f=ones), names=NAMES).ok
    missing = block(conv2=lambda b, f: F.conv2d(f, b.kernel, padding=1), init=unlearned)
    assert "is no part of your module" in refusal(missing).sentence


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize(
    "make",
    [
        parametrizations.weight_norm,
        parametrizations.spectral_norm,
        nn.utils.weight_norm,
    ],
    ids="weight spectral old".split(),
)
def test_weights_that_are_computed_from_others_are_told_so_and_not_as_no_part(make):
    sentence = refusal(block(init=lambda b: make(b.conv2))).sentence
    assert "The weight of conv2 is computed from other numbers" in sentence and "no part" not in sentence


def own_norm(keep):
    class Norm(nn.Module):
        def __init__(self, C):
            super().__init__()
            self.weight, self.bias = nn.Parameter(torch.ones(C)), nn.Parameter(torch.zeros(C))
            self.register_buffer("running_mean", torch.zeros(C))
            self.register_buffer("running_var", torch.ones(C))

        def forward(self, x):
            mean, var = self.running_mean, self.running_var
            if self.training:
                mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
                keep(self, mean, var * x[:, 0].numel() / (x[:, 0].numel() - 1))
            mean, var, w, b = (t[:, None, None] for t in (mean, var, self.weight, self.bias))
            return (x - mean) / torch.sqrt(var + 1e-5) * w + b

    return block(init=lambda b: setattr(b, "bn1", Norm(len(b.bn1.weight))))


def new_with_graph(bn, mean, var):
    bn.running_mean, bn.running_var = 0.9 * bn.running_mean + 0.1 * mean, 0.9 * bn.running_var + 0.1 * var


def inside_with_graph(bn, mean, var):
    bn.running_mean.mul_(0.9).add_(0.1 * mean)
    bn.running_var.mul_(0.9).add_(0.1 * var)


def detached(bn, mean, var):
    new_with_graph(bn, mean.detach(), var.detach())


def test_a_bn_whose_stored_numbers_keep_what_autograd_recorded_is_told_so():
    for keep in (new_with_graph, inside_with_graph):
        assert "bn1 keeps with its stored mean and variance" in refusal(own_norm(keep)).sentence
    assert check_btnk2(own_norm(detached)).ok
    assert check_btnk2(own_norm(torch.no_grad()(inside_with_graph))).ok


def test_a_linear_layer_for_a_1x1_is_right_and_hears_that_its_weights_could_not_be_loaded():
    def linear(self):
        self.conv1 = nn.Linear(self.conv1.in_channels, self.conv1.out_channels, bias=False)

    make = block(lambda b, x: b.conv1(x.movedim(1, -1)).movedim(-1, 1), init=linear)
    assert check_btnk2(make).remarks == ()
    (remark,) = check_btnk2(make, names=NAMES).remarks
    assert remark.startswith("conv1 keeps its weights in the shape (4, 16), and the library's in (4, 16, 1, 1)")


def test_no_relu_is_looked_for_before_the_first_step():
    class Halves(nn.Module):
        def __init__(self, C, C_out, S):
            super().__init__()
            self.S, self.conv = S, nn.Conv2d(C, C_out, 1, bias=False)
            self.bn = nn.BatchNorm2d(C_out)

        def forward(self, x):
            return self.bn(self.conv(F.avg_pool2d(x, self.S, ceil_mode=True)))

    with pytest.raises(Wrong, match="Check its stride, padding and dilation, and what is done to x before it"):
        check_projection(Halves)


def F_of(b, x):
    return b.bn3(b.conv3(b.relu2(b.bn2(b.conv2(b.relu1(b.bn1(b.conv1(x))))))))


def test_an_init_that_is_misspelt_or_begins_without_brackets_is_told_what_to_write():
    class Misspelt(nn.Module):
        def _init_(self, C, C_out, S):
            self.conv = nn.Conv2d(C, C_out, 1, S)

    class Bare(nn.Module):
        def __init__(self, C, C_out, S):
            super.__init__()

    for make, words in ((Misspelt, "Is it spelt with two underscores on each side"), (Bare, "both pairs of brackets")):
        with pytest.raises(Wrong, match=words):
            check_projection(make)


@pytest.mark.parametrize("name", ["train", "eval", "parameters", "buffers", "children", "named_modules", "state_dict"])
def test_a_name_that_hides_one_of_every_module_s_is_told_and_no_traceback_ends_the_check(name):
    hides = (
        block(init=lambda b: setattr(b, name, {})),
        type("MyBTNK2", (BTNK2,), {name: 70_400}),
        type("MyBTNK2", (BTNK2,), {name: property(lambda self: self.nothing)}),
    )
    for make in hides:
        assert f"MyBTNK2 has something of its own called {name}" in refusal(make).sentence


def test_a_list_of_parameters_that_counts_them_is_told_as_a_name_that_hides_one():
    sentence = refusal(type("MyBTNK2", (BTNK2,), {"parameters": lambda self: 70_400})).sentence
    assert "something of its own called parameters" in sentence


def test_other_names_of_a_module_may_be_taken():
    for name in ("half", "type", "to", "float", "name"):
        assert check_btnk2(block(init=lambda b, name=name: setattr(b, name, 8))).ok


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_who_forgets_to_return_self_is_right_and_hears_of_it(mode):
    def forgets(self, *given):
        getattr(nn.Module, mode)(self, *given)

    (remark,) = check_btnk2(type("MyBTNK2", (BTNK2,), {mode: forgets})).remarks
    assert remark.startswith("Its eval() gives None")


def test_numbers_that_share_a_place_are_told_so():
    def one_row(self):
        self.conv1.weight = nn.Parameter(self.conv1.weight[:1].expand_as(self.conv1.weight))

    def one_number(self):
        self.bn1.weight = nn.Parameter(torch.ones(1).expand_as(self.bn1.weight))

    for init in (one_row, one_number):
        assert "1.weight looks like" in refusal(block(init=init)).sentence
    assert check_btnk2(block(init=lambda b: setattr(b, "conv1", nn.LazyConv2d(len(b.bn1.weight), 1, bias=False)))).ok


def test_what_is_wrong_for_an_input_that_a_relu_gave_is_refused():
    def without(self, x):
        return self.relu3(F_of(self, x) + (x if (x < 0).any() else 0))

    def where(self, x):
        return self.relu3(torch.where(x == 0, x, F_of(self, x) + x))

    for forward in (without, where):
        refusal(type("MyBTNK2", (BTNK2,), {"forward": forward}))


def test_a_bn_called_as_a_function_without_stored_numbers_is_told_by_its_name():
    batch = block(bn1=lambda b, f: F.batch_norm(f, None, None, b.bn1.weight, b.bn1.bias, True))
    assert "bn1 keeps no running statistics" in refusal(batch).sentence


def giving(given, when):
    class MyBTNK2(BTNK2):
        def forward(self, x):
            y = super().forward(x)
            return eval(given) if eval(when) else y

    return MyBTNK2


SOMETIMES = pytest.mark.parametrize("when", ["self.training", "x.shape[0] == 1", "x.shape[2] != x.shape[3]"])


@pytest.mark.parametrize("given", ["(y, y)", "None", "[y]", "{'out': y}", "y.to_sparse()", "y.to('meta')"])
@SOMETIMES
def test_what_is_no_tensor_in_one_mode_or_for_some_inputs_alone_is_told_so(when, given):
    sentence = refusal(giving(given, when)).sentence
    assert "forward gives None" in sentence if given == "None" else "should give one tensor" in sentence
    assert ("in training mode it is not" in sentence) == (when == "self.training")


@pytest.mark.parametrize("kind", ["double", "half", "bfloat16", "int64", "complex64"])
@SOMETIMES
def test_numbers_of_another_type_in_one_mode_or_for_some_inputs_alone_are_told_as_that(when, kind):
    made = "torch.complex(y, y)" if kind == "complex64" else "y.long()" if kind == "int64" else f"y.{kind}()"
    sentence = refusal(giving(made, when)).sentence
    named = {"double": "float64", "half": "float16"}.get(kind, kind)
    assert f"numbers of type torch.{named} and should give torch.float32" in sentence
    assert ("in training mode it is not" in sentence) == (when == "self.training")
