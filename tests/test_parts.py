"""Checks of parts that cannot be fooled: same outputs, same gradients, same names, on inputs that reach every branch of
an honest implementation; and no right one is refused for the way in which it is written."""

from types import SimpleNamespace

import IPython
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from resnet_lib import BTNK1, BTNK2, ResNet, Stem
from resnet_lib.blocks import Projection
from resnet_lib.compare.clinic.patients import PATIENTS
from resnet_lib.compare.kinds import kinds
from resnet_lib.exercises import (
    Wrong,
    check_btnk1,
    check_btnk2,
    check_cured,
    check_network,
    check_projection,
    check_stage,
    check_stem,
    parts,
    progress,
)

THIN = dict(blocks=(2, 2, 3, 2), base=8, num_classes=10)


def refusal(check, make, **options):
    with pytest.raises(Wrong) as caught:
        check(make, **options)
    return caught.value.verdict


def F_of(self, x):
    return self.bn3(self.conv3(self.relu2(self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x))))))))


def btnk2(forward, init=None):
    class MyBTNK2(BTNK2):
        def __init__(self, C):
            super().__init__(C)
            if init:
                init(self, C)

    MyBTNK2.forward = forward
    return MyBTNK2


def btnk1(forward=None, init=None):
    class MyBTNK1(BTNK1):
        def __init__(self, C, C1, S=1):
            super().__init__(C, C1, S)
            if init:
                init(self, C, C1, S)

    MyBTNK1.forward = forward or BTNK1.forward
    return MyBTNK1


def residual(self, x):
    return self.relu3(F_of(self, x) + x)


# ── Nothing runs backward ────────────────────────────────────────────────────────────────────────────────────


def no_grad_around_a_part(self, x):
    with torch.no_grad():
        f = self.relu1(self.bn1(self.conv1(x)))
    return self.relu3(self.bn3(self.conv3(self.relu2(self.bn2(self.conv2(f))))) + x)


def second_relu_in_place(self, x):
    f = self.relu1(self.bn1(self.conv1(x))).relu_()
    return self.relu3(self.bn3(self.conv3(self.relu2(self.bn2(self.conv2(f))))) + x)


def weight_data(self, x):
    f = self.relu1(self.bn1(F.conv2d(x, self.conv1.weight.data)))
    return self.relu3(self.bn3(self.conv3(self.relu2(self.bn2(self.conv2(f))))) + x)


def freeze(self, C):
    self.conv2.weight.requires_grad = False


def only_in_training(self, x):
    s = x.detach() if self.training else x
    return self.relu3(F_of(self, x) + s)


@pytest.mark.parametrize(
    ("make", "kind", "words"),
    [
        (btnk2(lambda self, x: self.relu3(F_of(self, x) + x.detach())), "nothing runs back", "the shortcut"),
        (btnk2(lambda self, x: self.relu3(F_of(self, x) + x.data)), "nothing runs back", "the shortcut"),
        (btnk2(lambda self, x: self.relu3(F_of(self, x).detach() + x)), "nothing runs back", "F(x)"),
        (btnk2(lambda self, x: self.relu3(F_of(self, x.detach()) + x)), "nothing runs back", "x on its way into F"),
        (btnk2(no_grad_around_a_part), "nothing runs back", "bn1"),
        (btnk2(weight_data), "gradients differ", "conv1"),
        (btnk2(second_relu_in_place), "backward stops", "inplace operation"),
        (btnk2(residual, freeze), "frozen", "conv2.weight"),
        (btnk2(lambda self, x: residual(self, x).detach()), "cut off", ""),
        (btnk2(only_in_training), "nothing runs back", "the shortcut"),
    ],
    ids="detach data F into-F no_grad weight-data in-place frozen all training".split(),
)
def test_what_cannot_be_trained_is_refused(make, kind, words):
    verdict = refusal(check_btnk2, make)
    assert kind in kinds(verdict.finding) and words in verdict.sentence
    assert "way back" in verdict.hints[0]


def test_in_a_stage_and_in_a_network_the_layer_at_which_gradients_differ_is_named_with_two_numbers():
    class Cut(BTNK2):
        def forward(self, x):
            return self.relu3(F_of(self, x) + x.detach())

    def make_stage(C, C1, S, n):
        return nn.Sequential(BTNK1(C, C1, S), *(Cut(4 * C1) for _ in range(n - 1)))

    verdict = refusal(check_stage, make_stage)
    assert "gradients differ" in kinds(verdict.finding)
    assert "of block 2: at [" in verdict.sentence and "is expected" in verdict.sentence


def test_a_network_cut_in_two_is_told_up_to_where_no_gradient_comes():
    class Cut(ResNet):
        def forward(self, x):
            x = self.stage2(self.stage1(self.stage0(x))).detach()
            return self.head(self.stage4(self.stage3(x)))

    verdict = refusal(check_network, lambda: Cut(**THIN), **THIN)
    assert "no gradient comes to stage2.1.bn3, nor to anything before it" in verdict.sentence


@pytest.mark.slow
def test_rounding_on_the_long_way_back_through_resnet_50_is_no_mistake():
    class InAnotherOrder(ResNet):
        def forward(self, x):
            return super().forward(x.contiguous(memory_format=torch.channels_last))

    assert check_network(InAnotherOrder).ok


# ── Names ────────────────────────────────────────────────────────────────────────────────────────────────────


class Swapped(BTNK2):
    def forward(self, x):
        f = self.relu1(self.bn2(self.conv1(x)))
        return self.relu3(self.bn3(self.conv3(self.relu2(self.bn1(self.conv2(f))))) + x)


class OtherWay(ResNet):
    """A network whose forward runs its parts in another order."""

    order = ()

    def __init__(self):
        super().__init__(**THIN)

    def forward(self, x):
        for name in self.order:
            for part in [getattr(self, name)] if isinstance(name, str) else [self.get_submodule(n) for n in name]:
                x = part(x)
        return x


PARTS = ["stage0", "stage1", "stage2", "stage3", "stage4", "head"]


def test_bns_exchanged_are_refused_where_names_are_asked_for_and_only_there():
    assert check_btnk2(Swapped).ok
    verdict = refusal(check_btnk2, Swapped, names=["conv1", "bn1", "bn2"])
    assert "in another's place" in kinds(verdict.finding) and "your bn2 does the work of bn1" in verdict.sentence


@pytest.mark.slow
def test_a_stage_run_backwards_and_stages_exchanged_are_refused_where_names_are_asked_for():
    class Backwards(OtherWay):
        order = ("stage0", "stage1", "stage2", ("stage3.0", "stage3.2", "stage3.1"), "stage4", "head")

    class Exchanged(OtherWay):
        order = ("stage0", "stage1", "stage3", "stage2", "stage4", "head")

        def __init__(self):
            super().__init__()
            self.stage2, self.stage3 = self.stage3, self.stage2

    for wrong in (Backwards, Exchanged):
        assert check_network(wrong, **THIN).ok
        verdict = refusal(check_network, wrong, names=PARTS, **THIN)
        assert "in another's place" in kinds(verdict.finding)


def test_below_the_names_asked_for_a_learner_s_own_may_be_any():
    class Other(nn.Module):
        def __init__(self):
            super().__init__()
            network = ResNet(**THIN)
            for name in PARTS:
                part = getattr(network, name)
                setattr(self, name, nn.ModuleDict({"inside": part}))

        def forward(self, x):
            for name in PARTS:
                x = getattr(self, name)["inside"](x)
            return x

    assert check_network(Other, names=PARTS, **THIN).ok


# ── Inputs that are not tame ─────────────────────────────────────────────────────────────────────────────────


def stem(pool=lambda f: F.max_pool2d(f, 3, 2, 1), act=F.relu, end=lambda y, x: y):
    class MyStem(Stem):
        def forward(self, x):
            return end(pool(act(self.bn(self.conv(x)))), x)

    return MyStem


@pytest.mark.parametrize(
    ("check", "make", "kind"),
    [
        (check_stem, stem(pool=lambda f: F.max_pool2d(f, 3, 2, 1, ceil_mode=True)), "pooling rounds up"),
        (check_stem, stem(act=F.relu6), "other activation"),
        (check_stem, stem(end=lambda y, x: y.view(2, *y.shape[1:])), "stopped"),
        (check_stem, stem(end=lambda y, x: y.clamp(max=20)), "differs after the block's layers"),
        (check_btnk2, btnk2(lambda self, x: F.relu6(F_of(self, x) + x)), "other activation at"),
        (check_btnk2, btnk2(lambda self, x: residual(self, x).double()), "dtype"),
        (check_stem, stem(end=lambda y, x: y[:, :, :9]), "output shape"),
        (check_stem, stem(end=lambda y, x: y.transpose(2, 3) if x.shape[2] > 40 else y), "output shape"),
    ],
    ids="ceil relu6 view clamp block-relu6 double cropped turned".split(),
)
def test_what_only_tame_inputs_forgive_is_refused(check, make, kind):
    assert kind in kinds(refusal(check, make).finding)


@pytest.mark.parametrize("needed", [lambda C, C1, S: C != 4 * C1, lambda C, C1, S: S > 1 or C != 4 * C1])
def test_a_projection_is_due_also_where_c_is_4_c1(needed):
    class Sometimes(BTNK1):
        def __init__(self, C, C1, S):
            super().__init__(C, C1, S)
            if not needed(C, C1, S):
                self.shortcut = nn.Identity()

    assert "projection missing" in kinds(refusal(check_btnk1, Sometimes).finding)


# ── What is true of one mode, and of one name ──


def _bn_in_training_alone(self, x):
    return self.pool(self.relu(self.bn(self.conv(x)) if self.training else self.conv(x)))


def _relu_in_training_alone(self, x):
    f = self.bn3(self.conv3(self.relu2(self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x))))))))
    return self.relu3(f + x) if self.training else f + x


@pytest.mark.parametrize(
    ("check", "base", "forward", "kind"),
    [
        (check_stem, Stem, _bn_in_training_alone, "norm left out"),
        (check_btnk2, BTNK2, _relu_in_training_alone, "relu after the sum missing"),
    ],
)
def test_what_is_missing_in_eval_alone_is_not_told_as_missing_everywhere(check, base, forward, kind):
    verdict = refusal(check, type("Mine", (base,), {"forward": forward}))
    assert {"only in eval", kind} <= set(kinds(verdict.finding))
    assert "It is right in training mode, and in eval() it is not. " in verdict.sentence


def test_what_is_missing_in_both_modes_is_told_without_a_word_of_modes():
    make = type("Mine", (Stem,), {"forward": lambda self, x: self.pool(self.relu(self.conv(x)))})
    assert "training" not in refusal(check_stem, make).sentence


def test_a_pooling_before_the_bn_is_not_told_as_a_stride_that_comes_late():
    make = type("Mine", (Stem,), {"forward": lambda self, x: self.relu(self.bn(self.pool(self.conv(x))))})
    verdict = refusal(check_stem, make)
    assert "early stride" in kinds(verdict.finding) and "come too early?" in verdict.sentence


@pytest.mark.parametrize(
    ("forward", "where"),
    [
        (lambda self, x: BTNK1.forward(self, x.tanh()), "conv1"),
        (lambda self, x: self.relu3(F_of(self, x) + self.shortcut(x.tanh())), "shortcut.conv"),
    ],
)
def test_where_x_itself_is_changed_no_layer_before_it_is_spoken_of(forward, where):
    sentence = refusal(check_btnk1, type("Mine", (BTNK1,), {"forward": forward})).sentence
    assert f"first in what goes into {where}" in sentence and "Look at what is done to x before." in sentence


def test_a_module_under_two_names_is_told_as_one_and_not_as_a_name_that_is_missing():
    class OneReLU(BTNK2):
        def __init__(self, C):
            super().__init__(C)
            self.relu3 = self.relu1

    verdict = refusal(check_btnk2, OneReLU, names=("relu1", "relu3"))
    assert "relu3 is the very module that is called relu1" in verdict.sentence


# ── Strays ───────────────────────────────────────────────────────────────────────────────────────────────────


def factor(self, C):
    self.scale = nn.Parameter(torch.ones(1))


def single(self, C):
    self.scale = nn.Parameter(torch.tensor(1.0))


def buffer(self, C):
    self.register_buffer("offset", torch.zeros(1))


def unused(self, C):
    self.extra = nn.Parameter(torch.ones(3))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "kind", "words"),
    [
        (btnk2(lambda self, x: residual(self, x) * self.scale, factor), "stray", "scale is a parameter"),
        (btnk2(lambda self, x: residual(self, x) * self.scale, single), "stray", "scale is a parameter"),
        (btnk2(lambda self, x: residual(self, x) + self.offset, buffer), "stray", "offset is a buffer"),
        (btnk2(residual, unused), "stray", "extra is a parameter"),
        (btnk2(lambda self, x: F.dropout(residual(self, x), 0.1, self.training)), "dropout", "A dropout sets"),
        (btnk2(lambda self, x: F.dropout(residual(self, x), 0.1)), "dropout", "A dropout sets"),
        (
            btnk2(
                lambda self, x: self.drop(residual(self, x)), lambda self, C: setattr(self, "drop", nn.Dropout2d(0.2))
            ),
            "dropout",
            "drop, a dropout, sets",
        ),
    ],
    ids="factor single buffer unused function always module".split(),
)
def test_what_a_resnet_does_not_have_is_refused(make, kind, words):
    verdict = refusal(check_btnk2, make)
    assert kind in kinds(verdict.finding) and words in verdict.sentence and "BN " not in verdict.sentence


def test_numbers_that_are_kept_in_the_wrong_way_are_refused():
    def weight_as_buffer(self, C):
        w = self.conv1.weight.detach()
        del self.conv1.weight
        self.conv1.register_buffer("weight", w)

    def mean_as_parameter(self, C):
        m = self.bn1.running_mean
        del self.bn1.running_mean
        self.bn1.running_mean = nn.Parameter(m)

    def no_statistics(self, C):
        self.bn2 = nn.BatchNorm2d(C // 4, track_running_stats=False)

    def no_weight(self, C):
        self.bn2 = nn.BatchNorm2d(C // 4, affine=False)

    for change, kind in (
        (weight_as_buffer, "not a parameter"),
        (no_statistics, "norm without statistics"),
        (no_weight, "norm without weight"),
    ):
        assert kind in kinds(refusal(check_btnk2, btnk2(residual, change)).finding), kind
    refusal(check_btnk2, btnk2(residual, mean_as_parameter))


# ── True sentences ───────────────────────────────────────────────────────────────────────────────────────────


def conv2(**options):
    def init(self, C, C1, S):
        self.conv2 = nn.Conv2d(C1, C1, 3, S, bias=False, **{"padding": 1, **options})

    return btnk1(init=init)


def test_groups_are_told_as_groups():
    assert "conv2 has groups = 4; it should have 1" in refusal(check_btnk1, conv2(groups=4)).sentence


def test_too_much_padding_is_not_told_as_too_little():
    assert "conv2 has padding 2; it should be 1" in refusal(check_btnk1, conv2(padding=2)).sentence
    assert "conv2 has padding 0; it should be 1" in refusal(check_btnk1, conv2(padding=0)).sentence


def test_one_block_repeated_is_told_as_that():
    class Block(BTNK2):
        pass

    def make_stage(C, C1, S, n):
        return nn.Sequential(BTNK1(C, C1, S), *[Block(4 * C1)] * (n - 1))

    said = refusal(check_stage, make_stage).sentence
    assert "Your block 2 is used 2 times" in said and "projection" not in said


def test_the_stem_is_not_told_about_a_sum():
    said = refusal(check_stem, stem(end=lambda y, x: y * 1.1)).sentence
    assert "sum" not in said and "the pooling" in said and "is expected" in said


def test_a_pooling_of_a_fixed_size_is_told_as_that():
    class Fixed(OtherWay):
        order = PARTS

        def __init__(self):
            super().__init__()
            self.head.pool = nn.AvgPool2d(7)

    said = refusal(check_network, Fixed, **THIN).sentence
    assert "the pooling takes windows of 7 × 7 here" in said


def test_blocks_are_counted_from_1_everywhere():
    class Leaky(BTNK2):
        def forward(self, x):
            return F.leaky_relu(F_of(self, x) + x)

    def make_stage(C, C1, S, n):
        return nn.Sequential(BTNK1(C, C1, S), *(Leaky(4 * C1) for _ in range(n - 1)))

    assert (
        "Block 2" in refusal(check_stage, make_stage).sentence
        or "block 2:" in refusal(check_stage, make_stage).sentence
    )


def test_hints_for_stages_and_networks_ask_for_what_was_found():
    def star_missing(C, C1, S, n):
        class Stage(nn.Module):
            def __init__(self):
                super().__init__()
                self.blocks = [btnk1()(C, C1, S), *(Swapped(4 * C1) for _ in range(n - 1))]

            def forward(self, x):
                for block in self.blocks:
                    x = block(x)
                return x

        return Stage()

    verdict = refusal(check_stage, star_missing)
    assert "unregistered" in kinds(verdict.finding) and "nn.Sequential runs" in verdict.hints[0]

    class NoBN(BTNK1):
        def forward(self, x):
            return self.relu3(F_of(self, x) + self.shortcut.conv(x))

    verdict = refusal(
        check_stage, lambda C, C1, S, n: nn.Sequential(NoBN(C, C1, S), *[Swapped(4 * C1) for _ in range(n - 1)])
    )
    assert "projection's norm left out" in kinds(verdict.finding) and "F(x) and of the shortcut" in verdict.hints[0]


def test_what_an_answer_does_to_the_reference_s_numbers_reaches_no_other_check():
    class Greedy(ResNet):
        def __init__(self):
            super().__init__(**THIN)

        def forward(self, x):
            y = super().forward(x)
            with torch.no_grad():
                for p in self.parameters():
                    p.zero_()
            return y * 0

    refusal(check_network, Greedy, **THIN)
    assert check_network(lambda: ResNet(**THIN), **THIN).ok


# ── Right, however it is written ─────────────────────────────────────────────────────────────────────────────


class Products(nn.Module):
    """Every 1×1 as a product of matrices, one of them the other way round, the 3×3 over windows, one parameter each."""

    def __init__(self, C):
        super().__init__()
        self.C1 = C // 4
        self.narrow = nn.Parameter(torch.randn(C, self.C1))
        self.wide = nn.Parameter(torch.randn(C, self.C1))
        self.window = nn.Parameter(torch.randn(self.C1, self.C1 * 9))
        for i, n in enumerate((self.C1, self.C1, C), 1):
            self.register_parameter(f"g{i}", nn.Parameter(torch.ones(n)))
            self.register_parameter(f"b{i}", nn.Parameter(torch.zeros(n)))
            self.register_buffer(f"m{i}", torch.zeros(n))
            self.register_buffer(f"v{i}", torch.ones(n))

    def norm(self, i, x):
        more = (getattr(self, f"{role}{i}") for role in "mvgb")
        return F.batch_norm(x, *more, training=self.training)

    def forward(self, x):
        B, _, H, W = x.shape
        f = self.norm(1, torch.einsum("bihw,io->bohw", x, self.narrow)).relu()
        f = (self.window @ F.unfold(f, 3, padding=1)).view(B, self.C1, H, W)
        f = self.norm(2, f).relu()
        f = self.norm(3, (f.movedim(1, -1) @ self.wide.T).movedim(-1, 1))
        return (f + x).clamp(min=0)


class NewBuffers(nn.Module):
    """A BN that puts new buffers in the place of the old, and is made in a list of pairs."""

    class Norm(nn.Module):
        def __init__(self, C):
            super().__init__()
            self.weight, self.bias = nn.Parameter(torch.ones(C)), nn.Parameter(torch.zeros(C))
            self.register_buffer("mean", torch.zeros(C))
            self.register_buffer("var", torch.ones(C))

        def forward(self, x):
            if self.training:
                mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
                self.mean = 0.9 * self.mean + 0.1 * mean.detach()
                self.var = 0.9 * self.var + 0.1 * x.detach().var((0, 2, 3))
            else:
                mean, var = self.mean, self.var
            mean, var, g, b = (t[None, :, None, None] for t in (mean, var, self.weight, self.bias))
            return (x - mean) / torch.sqrt(var + 1e-5) * g + b

    def __init__(self, C):
        super().__init__()
        C1 = C // 4
        sizes = ((C, C1, 1), (C1, C1, 3), (C1, C, 1))
        self.pairs = nn.ModuleList(
            nn.ModuleList([nn.Conv2d(i, o, k, padding=k // 2, bias=False), self.Norm(o)]) for i, o, k in sizes
        )

    def forward(self, x):
        f = x
        for i, (conv, norm) in enumerate(self.pairs):
            f = norm(conv(f))
            f = torch.maximum(f, torch.zeros(())) if i < 2 else f
        return torch.relu(f + x)


class Joined(nn.Module):
    """conv1 and the projection of a BTNK1 made apart and run as one where S = 1; the rest in one Sequential."""

    def __init__(self, C, C1, S=1):
        super().__init__()
        self.S = S
        self.one, self.side = nn.Conv2d(C, C1, 1, bias=False), nn.Conv2d(C, 4 * C1, 1, S, bias=False)
        self.side_bn = nn.BatchNorm2d(4 * C1)
        self.rest = nn.Sequential(
            nn.BatchNorm2d(C1),
            nn.ReLU(),
            nn.Conv2d(C1, C1, 3, S, 1, bias=False),
            nn.BatchNorm2d(C1),
            nn.ReLU(),
            nn.Conv2d(C1, 4 * C1, 1, bias=False),
            nn.BatchNorm2d(4 * C1),
        )

    def forward(self, x):
        if self.S > 1:
            f, s = self.one(x), self.side(x)
        else:
            both = F.conv2d(x, torch.cat([self.one.weight, self.side.weight]))
            f, s = both.split([self.one.out_channels, self.side.out_channels], 1)
        return F.relu(self.rest(f) + self.side_bn(s))


@pytest.mark.parametrize(
    ("check", "make"),
    [
        (check_btnk2, Products),
        (check_btnk2, NewBuffers),
        (check_btnk1, Joined),
        (check_stem, lambda C=3, C1=64: torch.jit.script(Stemlike(C, C1))),
        (check_btnk2, lambda C: torch.jit.script(NewBlock(C))),
    ],
    ids="products new-buffers joined scripted-stem scripted-block".split(),
)
def test_right_ones_are_accepted_however_they_are_written(check, make):
    assert check(make).ok


class Stemlike(nn.Module):
    def __init__(self, C: int, C1: int):
        super().__init__()
        self.bn = nn.BatchNorm2d(C1)
        self.conv = nn.Conv2d(C, C1, 7, 2, 3, bias=False)

    def forward(self, x):
        return F.max_pool2d(F.relu(self.bn(self.conv(x))), 3, 2, 1)


class NewBlock(nn.Module):
    def __init__(self, C: int):
        super().__init__()
        self.c3, self.b3 = nn.Conv2d(C // 4, C, 1, bias=False), nn.BatchNorm2d(C)
        self.b2, self.c2 = nn.BatchNorm2d(C // 4), nn.Conv2d(C // 4, C // 4, 3, padding=1, bias=False)
        self.b1, self.c1 = nn.BatchNorm2d(C // 4), nn.Conv2d(C, C // 4, 1, bias=False)

    def forward(self, x):
        f = F.relu(self.b1(self.c1(x)))
        f = F.relu(self.b2(self.c2(f)))
        return F.relu(self.b3(self.c3(f)) + x)


def test_a_part_of_the_library_is_right_for_every_check():
    from functools import partial

    assert check_projection(partial(Projection, norm_layer=nn.BatchNorm2d)).ok
    assert check_stem(Stem).ok and check_btnk2(BTNK2).ok and check_btnk1(BTNK1).ok


# ── What was once said of a part and was not true ────────────────────────────────────────────────────────────


def test_a_quarter_of_the_channels_is_c1_for_4_c1_only_where_4_c1_is_due():
    from resnet_lib._common import say
    from resnet_lib.compare.kinds import found

    def said(where, **numbers):
        return say(found("channels", where, layer="Your layer", **numbers))

    quarter = dict(gives=2, takes=8, right_gives=8, right_takes=8)
    assert "C1" not in said("conv1", **quarter) and "quarter of it." in said("conv1", **quarter)
    assert "C1 where 4·C1 is due" in said("0.conv3", **quarter) and "C1 where 4·C1" in said(
        "0.shortcut.conv", **quarter
    )
    second = dict(gives=8, takes=8, right_gives=8, right_takes=32)
    assert "C1 where 4·C1" in said("1.conv1", **second) and "C1" not in said("0.conv1", **second)


def test_a_layer_whose_result_is_not_used_is_not_told_as_one_that_is_never_called():
    class Unused(nn.Module):
        def __init__(self, C, C1, S):
            super().__init__()
            self.inner, self.side = BTNK1(C, C1, S), nn.Parameter(torch.randn(4 * C1, C))
            self.side_bn, self.S = self.inner.shortcut.bn, S
            self.inner.shortcut = nn.Identity()

        def forward(self, x):
            self.side_bn(torch.einsum("oi,bihw->bohw", self.side, x[:, :, :: self.S, :: self.S]))
            f = F_of(self.inner, x)
            return torch.relu(f + f)

    sentence = refusal(check_btnk1, Unused).sentence
    assert "never calls" not in sentence, sentence


@pytest.mark.parametrize("product", ["nc,kc->nk", "kc,nc->nk"])
def test_the_bias_that_is_added_to_an_einsum_is_that_of_a_linear_layer(product):
    class Linear(nn.Module):
        def __init__(self, C, n):
            super().__init__()
            self.weight, self.bias = nn.Parameter(torch.randn(n, C)), nn.Parameter(torch.zeros(n))

        def forward(self, x):
            pair = (x, self.weight) if product.startswith("nc") else (self.weight, x)
            return torch.einsum(product, *pair) + self.bias

    def make():
        network = ResNet(**THIN)
        network.head.fc = Linear(256, 10)
        return network

    assert check_network(make, **THIN).ok


def test_a_3x3_as_a_sum_of_nine_1x1s_is_a_3x3():
    class Nine(BTNK2):
        def forward(self, x):
            f = self.relu1(self.bn1(self.conv1(x)))
            (H, W), w, wide = f.shape[2:], self.conv2.weight, nn.functional.pad(f, (1, 1, 1, 1))
            parts = [
                (wide[..., i : i + H, j : j + W], w[:, :, i : i + 1, j : j + 1]) for i in range(3) for j in range(3)
            ]
            f = sum(nn.functional.conv2d(*part) for part in parts)
            return self.relu3(self.bn3(self.conv3(self.relu2(self.bn2(f)))) + x)

    assert check_btnk2(Nine).ok


def test_a_block_missing_in_a_stage_is_told_as_that_also_where_1x1s_are_products():
    class Product(nn.Module):
        def __init__(self, conv):
            super().__init__()
            self.w, self.S = nn.Parameter(torch.randn(conv.weight.shape[:2])), conv.stride[0]

        def forward(self, x):
            return torch.einsum("oi,bihw->bohw", self.w, x[:, :, :: self.S, :: self.S])

    def products(**numbers):
        network = ResNet(base=8, num_classes=10, **numbers)
        for m in list(network.modules()):
            for name, child in list(m.named_children()):
                if isinstance(child, nn.Conv2d) and child.kernel_size == (1, 1):
                    setattr(m, name, Product(child))
        return network

    verdict = refusal(check_network, lambda: products(blocks=(1, 2, 1, 1)), blocks=(2, 2, 1, 1), base=8, num_classes=10)
    assert "Stage 1 has 1 block, and 2 are due" in verdict.sentence


def test_a_network_that_is_handed_a_stage_made_once_for_all_is_refused():
    once = ResNet(**THIN).stage2

    class MyResNet(ResNet):
        def __init__(self, num_classes=10):
            super().__init__(**{**THIN, "num_classes": num_classes})
            self.stage2 = once

    assert "makes two modules with the same stage2.0" in refusal(check_network, MyResNet, **THIN).sentence


def test_a_block_that_is_there_twice_in_a_network_is_told_as_that():
    def make():
        network = ResNet(**THIN)
        network.stage3[2] = network.stage3[1]
        return network

    assert "stage3.1 is used 2 times" in refusal(check_network, make, **THIN).sentence


def test_a_pooling_as_wide_as_the_maps_is_not_said_to_have_a_fixed_size():
    class Wide(nn.Module):
        def forward(self, x):
            return nn.functional.avg_pool2d(x, x.shape[-1])

    def make():
        network = ResNet(**THIN)
        network.head.pool = Wide()
        return network

    said = refusal(check_network, make, **THIN).sentence
    assert "windows of" in said and "fixed size" not in said


@pytest.mark.parametrize(
    "squeezed", [lambda y: y.squeeze(), lambda y: y.squeeze(0), lambda y: y[0] if len(y) == 1 else y]
)
def test_one_picture_whose_batch_is_gone_is_not_told_about_strides(squeezed):
    class MyResNet(ResNet):
        def forward(self, x):
            return squeezed(super().forward(x))

    said = refusal(check_network, lambda: MyResNet(**THIN), **THIN).sentence
    assert "a side of length 1 is gone" in said and "stride" not in said


def test_the_first_convolution_is_not_asked_for_the_relu_before_it():
    class MyStem(Stem):
        def forward(self, x):
            return super().forward(x.bfloat16().float())

    said = refusal(check_stem, lambda C, C1: MyStem(C, C1)).sentence
    assert "differ" in said and "ReLU before" not in said


def test_a_scripted_part_that_stops_is_told_why_as_any_other():
    assert "3 channels" in refusal(check_stem, lambda C, C1: torch.jit.script(Stemlike(3, C1))).sentence


@pytest.mark.parametrize(
    ("pool", "words"),
    [
        (lambda x: x.clamp(max=6).mean((2, 3)), "head: the values are cut off at 6 before the average"),
        (lambda x: x.mean((2, 3)).clamp(max=6), "head: the values are cut off at 6 after the average"),
        (lambda x: x.mean((2, 3)).clamp(max=40), "first in what goes into head.fc"),
    ],
)
def test_a_head_that_cuts_large_values_off_is_refused_and_no_block_is_blamed(pool, words):
    class MyResNet(ResNet):
        def forward(self, x):
            for i in range(5):
                x = getattr(self, f"stage{i}")(x)
            return self.head.fc(pool(x))

    assert words in refusal(check_network, lambda: MyResNet(**THIN), **THIN).sentence


def test_a_wrong_network_costs_three_runs_beside_those_that_all_answers_share():
    runs = []

    class MyResNet(ResNet):
        def forward(self, x):
            runs.append(x.shape)
            return super().forward(x)

    def make():
        network = MyResNet(**THIN)
        network.stage4[0].relu2 = nn.Softplus()
        return network

    first = refusal(check_network, make, **THIN).sentence
    librarys = [known.module for known in parts._KNOWN.values()]
    hooks = [m.register_forward_pre_hook(lambda *_: pytest.fail("the library's runs again")) for m in librarys]
    MyResNet.forward = lambda self, x: (
        runs.append(x.shape) or self.head(self.stage4(self.stage3(self.stage2(self.stage1(self.stage0(x))))))
    )
    runs.clear()
    again = refusal(check_network, make, **THIN).sentence
    for hook in hooks:
        hook.remove()
    assert again == first and len(runs) <= 3


def test_a_layer_that_runs_twice_for_one_sum_is_told_as_that():
    def forward(self, x):
        self.shortcut(x)
        return self.relu3(F_of(self, x) + self.shortcut(x))

    said = refusal(check_btnk1, btnk1(forward))
    assert "called several times" in kinds(said.finding) and "shortcut.bn" in said.sentence


@pytest.mark.parametrize(
    ("check", "make"),
    [
        (check_btnk2, btnk2(lambda self, x: self.relu3((F_of(self, x) if x.shape[2] < 60 else 0) + x))),
        (check_btnk2, btnk2(lambda self, x: self.relu3((F_of(self, x) if len(x) > 1 else 0) + x))),
    ],
)
def test_a_block_that_is_right_for_some_sizes_and_batches_only_is_refused(check, make):
    assert not refusal(check, make).ok
    with pytest.raises(Wrong):
        check_cured(PATIENTS["eager"], block=lambda C, C1, S=1: make(C) if C == 4 * C1 and S == 1 else BTNK1(C, C1, S))


def test_a_matrix_of_whole_windows_is_told_as_a_kernel_and_not_as_channels():
    class MyProjection(nn.Module):
        def __init__(self, C, C_out, S):
            super().__init__()
            self.S, self.matrix, self.bn = S, nn.Parameter(torch.randn(C_out, 9 * C)), nn.BatchNorm2d(C_out)

        def forward(self, x):
            size = [-(-n // self.S) for n in x.shape[2:]]
            return self.bn((self.matrix @ F.unfold(x, 3, padding=1, stride=self.S)).unflatten(2, size))

    verdict = refusal(check_projection, MyProjection)
    assert "kernel" in kinds(verdict.finding) and "3×3; it should be 1×1" in verdict.sentence


@pytest.mark.parametrize("right", [True, False])
def test_in_a_notebook_a_check_of_a_whole_network_says_what_it_does_until_it_is_done(monkeypatch, right):
    shown = []

    class Line:
        def __init__(self, words):
            shown.append(words)

        def update(self, data, raw):
            shown.append(data["text/plain"])

    monkeypatch.setattr(IPython, "get_ipython", SimpleNamespace)
    monkeypatch.setattr(progress, "display_line", Line)
    verdict = check_network(lambda: ResNet(**THIN) if right else nn.Linear(3, 4), **THIN)
    assert verdict.ok is right
    assert "runs beside the library's" in shown[0] and shown[1:] == [""]


def test_a_stage_is_tried_at_the_sizes_that_resnet_50_has():
    class Odd(BTNK2):
        def forward(self, x):
            return super().forward(x) + (x.shape[1] == 2048)

    def stage(block):
        return lambda C, C1, S, n: nn.Sequential(BTNK1(C, C1, S), *(block(4 * C1) for _ in range(n - 1)))

    assert check_stage(stage(BTNK2)).ok
    said = refusal(check_stage, stage(Odd)).sentence
    assert "C=1024" in said and "the sum and what follows it" in said
    assert "average" not in said  # a stage has no head


def test_a_projection_is_tried_at_the_sizes_that_resnet_50_has():
    class MyProjection(Projection):
        def forward(self, x):
            return super().forward(x) + (x.shape[1] > 128)

    assert "C=256" in refusal(check_projection, lambda C, C_out, S: MyProjection(C, C_out, S, nn.BatchNorm2d)).sentence


def test_nobody_is_sent_to_a_relu_that_a_projection_has_not():
    class MyProjection(Projection):
        def __init__(self, C, C_out, S):
            super().__init__(C, C_out, 1, norm_layer=nn.BatchNorm2d)
            self.S = S

        def forward(self, x):
            return self.bn(self.conv(x.roll(1, 2)[:, :, :: self.S, :: self.S]))

    said = refusal(check_projection, MyProjection).sentence
    assert "stride, padding" in said and "ReLU" not in said


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ("conv1 bn1 conv2 bn2 conv3 bn3 relu1 relu2 relu3 shortcut", ""),  # a ReLU keeps no numbers
        ("conv1 conv2 conv3 bn1 bn2 bn3 relu1 relu2 relu3 shortcut", "conv2 is made before bn1"),
        ("shortcut conv1 bn1 relu1 conv2 bn2 relu2 conv3 bn3 relu3", "shortcut.conv is made before conv1"),
    ],
)
def test_parts_that_are_made_in_another_order_than_their_names_are_a_remark(order, said):
    class MyBTNK1(nn.Module):
        def __init__(self, C, C1, S=1):
            super().__init__()
            made = BTNK1(C, C1, S)
            for name in order.split():
                setattr(self, name, getattr(made, name))

        def forward(self, x):
            return self.relu3(F_of(self, x) + self.shortcut(x))

    names = "conv1 bn1 relu1 conv2 bn2 relu2 conv3 bn3 shortcut.conv shortcut.bn relu3".split()
    remarks = check_btnk1(MyBTNK1, names=names).remarks
    assert len(remarks) == bool(said) and said in "".join(remarks)
    assert check_btnk1(MyBTNK1).remarks == ()
