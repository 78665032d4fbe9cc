"""The ladder of proof: a learner's network beside the reference, the first step that differs, and its cause."""

import copy
import os
import re
import types
from collections import OrderedDict

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from resnet_lib import ResNet, resnet50
from resnet_lib.compare.mistakes import CHANGES, of
from resnet_lib.compare.proof import Ladder, copy_weights, ladder
from resnet_lib.views import proof_table
from resnet_lib.weights import load

from .reference import plain, shake_norms

BLOCKS = (2, 2, 2, 1)
THIN = dict(base=16, num_classes=10)


# ── A learner's network, with mistakes to switch on ──────────────────────────────────────────────────────────


class StubbornBN(nn.BatchNorm2d):
    """A BN that ignores eval()."""

    def forward(self, x):
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, True, 0.1, self.eps)


class LearnersBlock(nn.Module):
    """BTNK1 and BTNK2 in one, as a learner may write them; `wrong` is a set of mistakes. In the published naming it
    has one in-place ReLU, used three times, and an in-place sum."""

    def __init__(self, C, C1, S, project, published, wrong):
        super().__init__()
        self.wrong, self.S, self.published = wrong, S, published
        eps = next((float(w[4:]) for w in wrong if w.startswith("eps=")), 1e-5)
        bn = StubbornBN if "stubborn BN" in wrong else nn.BatchNorm2d
        S1, S3 = (S, 1) if "stride on the 1x1" in wrong else (1, S)
        S1, S3 = (1, 1) if "no stride in F" in wrong else (S1, S3)
        inner = C1 * 2 if "C1 doubled" in wrong else C1
        d = 2 if "dilated" in wrong else 1
        mode = "reflect" if "reflect" in wrong else "zeros"
        self.conv1, self.bn1 = nn.Conv2d(C, inner, 1, S1, bias="bias" in wrong), bn(inner, eps)
        self.conv2 = nn.Conv2d(inner, inner, 3, S3, d, d, bias=False, padding_mode=mode)
        if "bn2 not made" not in wrong:
            self.bn2 = bn(inner, eps)
        self.conv3, self.bn3 = nn.Conv2d(inner, 4 * C1, 1, bias=False), bn(4 * C1, eps)
        if project and not ("projection by stride" in wrong and S == 1):
            S_side = 1 if "stride missing on the shortcut" in wrong else S
            parts = [nn.Conv2d(C, 4 * C1, 1, S_side, bias=False)]
            parts += [] if "projection without BN" in wrong else [bn(4 * C1, eps)]
            names = ("0", "1") if published else ("conv", "bn")
            side = nn.Sequential(OrderedDict(zip(names, parts, strict=False)))
            setattr(self, "downsample" if published else "shortcut", side)
        if published:
            self.relu = nn.ReLU(inplace=True)
        else:
            self.relu1, self.relu2, self.relu3 = nn.ReLU(), nn.ReLU(), nn.ReLU()

    def relu_number(self, k, x):
        if f"no relu{k}" in self.wrong:
            return x
        if "leaky" in self.wrong:
            return F.leaky_relu(x, 0.01)
        return self.relu(x) if self.published else getattr(self, f"relu{k}")(x)

    def forward(self, x):
        f = self.conv1(x)
        f = self.bn1(self.relu_number(1, f)) if "swapped" in self.wrong else self.relu_number(1, self.bn1(f))
        f = self.conv2(f)
        f = f if {"bn2 skipped", "bn2 not made"} & self.wrong else self.bn2(f)
        f = self.conv3(self.relu_number(2, f))
        side = getattr(self, "downsample" if self.published else "shortcut", None)
        s = x if side is None else side(x)
        if "relu on the shortcut" in self.wrong:
            s = F.relu(s)
        if "bn3 after the sum" in self.wrong:
            return self.relu_number(3, self.bn3(f + s))
        f = self.bn3(f)
        if "relu before the sum" in self.wrong:
            return self.relu_number(3, f) + s
        if "no sum" in self.wrong:
            return self.relu_number(3, f)
        if "mean" in self.wrong:
            return self.relu_number(3, (f + s) / 2)
        if "raises" in self.wrong:
            return self.relu_number(3, f.reshape(-1, 7) + s)
        if "NaN" in self.wrong:
            return (f + s - 10).sqrt()
        f += s
        return self.relu_number(3, f)


class LearnersNet(nn.Module):
    """wrong: mistakes of stem and head and of all blocks; at: {"stage1.0": mistakes of that block alone}."""

    def __init__(self, *wrong, at=None, published=False, blocks=BLOCKS, classes=10):
        super().__init__()
        self.wrong, self.published, at = set(wrong), published, at or {}
        stem = nn.Module() if not published else self
        stem.conv = None
        conv = nn.Conv2d(3, 16, 5 if "5x5" in wrong else 7, 2, 2 if "5x5" in wrong else 3, bias=False)
        norm = StubbornBN(16) if "stubborn BN" in wrong else nn.BatchNorm2d(16)
        if published:
            del self.conv
            self.conv1, self.bn1, self.relu = conv, norm, nn.ReLU(inplace=True)
            self.maxpool = nn.MaxPool2d(3, 2, 1)
        else:
            self.stage0 = LearnersStem(conv, norm, self.wrong)
        C = 16
        for i, n in enumerate(blocks):
            C1, S = 16 * 2**i, 1 if i == 0 and "stage1 strided" not in wrong else 2
            stage = []
            for k in range(n):
                more = set(at.get(f"stage{i + 1}.{k}", ()))
                stage.append(LearnersBlock(C, C1, S if k == 0 else 1, k == 0, published, self.wrong | more))
                C = 4 * C1
            if "one block repeated" in wrong and i == 2:
                stage[1:] = [stage[1]] * (n - 1)
            setattr(self, f"layer{i + 1}" if published else f"stage{i + 1}", nn.Sequential(*stage))
        fc = nn.Linear(C, classes)
        if published:
            self.fc = fc
        else:
            self.head = nn.Sequential(OrderedDict(pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), fc=fc))
            if "max in the head" in wrong:
                self.head.pool = nn.AdaptiveMaxPool2d(1)

    def forward(self, x):
        if self.published:
            x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
            x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
            return self.fc(x.mean((2, 3)))
        x = self.stage2(self.stage1(self.stage0(x)))
        if "between the stages" in self.wrong:
            x = x * 1.5
        x = self.head(self.stage4(self.stage3(x)))
        if "tuple" in self.wrong:
            return x, x
        return x.softmax(1) if "softmax" in self.wrong else x


class LearnersStem(nn.Module):
    def __init__(self, conv, bn, wrong):
        super().__init__()
        self.wrong, self.conv, self.bn, self.relu, self.pool = wrong, conv, bn, nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        if "average in the stem" in wrong:
            self.pool = nn.AvgPool2d(3, 2, 1)

    def forward(self, x):
        x = self.conv(x)
        x = x if "no bn in the stem" in self.wrong else self.bn(x)
        x = x if "no relu in the stem" in self.wrong else self.relu(x)
        return x if "no pool" in self.wrong else self.pool(x)


@pytest.fixture(scope="module")
def reference():
    torch.manual_seed(0)
    return ResNet(blocks=BLOCKS, **THIN).eval()


def everything(model):
    state = {key: t.clone() for key, t in model.state_dict().items()}
    return state, [m.training for m in model.modules()]


def unchanged(model, before):
    state, training = everything(model)
    return training == before[1] and all(torch.equal(state[key], t) for key, t in before[0].items())


# ── Equal networks ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("stride_on", ["3x3", "1x1"])
def test_the_usual_resnet50_equals_the_library_s_to_the_last_bit_at_every_step(stride_on):
    found = ladder(plain("resnet50", stride_on=stride_on), resnet50(stride_on=stride_on))
    assert found.equal and found.exact and found.first is None and found.cause is None
    assert all(r.difference == 0.0 and r.ok and r.verdict == "equal" for r in found.rungs)
    assert not found.unmatched and len(found.parameters) == 320
    names = [r.name for r in found.rungs]
    # 53 convolutions and their BNs, 16 blocks, Stages 0 to 4, the logits, and what the stem and head have besides
    assert sum("conv" in n for n in names) == 53 and sum(n.split(".")[-1].startswith("bn") for n in names) == 53
    assert {"stage0", "stage1.0.bn2", "stage3.5", "stage4", "logits"} <= set(names)
    assert names.index("stage1.0.conv1") < names.index("stage1.0.bn1") < names.index("stage1.0") < names.index("stage1")
    assert found.rungs[names.index("stage1.0.bn2")].shape == (64, 16, 16)


def test_with_the_library_s_own_names_every_relu_and_sum_is_a_rung_too(reference):
    names = [r.name for r in ladder(ResNet(blocks=BLOCKS, **THIN), reference).rungs]
    assert {"stage0.relu", "stage1.0.relu1", "stage2.0.shortcut.bn", "stage1.1.add", "head.pool"} <= set(names)


def test_a_relu_used_three_times_is_no_rung_and_in_place_steps_spoil_none(reference):
    found = ladder(LearnersNet(published=True), reference)
    assert found.exact
    assert not any("relu" in r.name and r.name != "stage0.relu" for r in found.rungs)


@pytest.mark.parametrize("published", [False, True], ids=["library's names", "published names"])
def test_a_learner_s_network_without_a_mistake_is_equal_with_its_own_text(reference, published):
    found = ladder(LearnersNet(published=published), reference)
    assert found.exact and "to the last bit" in str(found) and "stage4" in str(found)


def test_the_reference_may_be_the_plain_network_and_the_learner_s_the_library_s():
    assert ladder(ResNet(**THIN), plain("resnet50", **THIN)).exact


def test_basic_blocks_are_compared_as_well():
    theirs = ResNet("basic", (2, 1, 1, 1), **THIN)
    mine = ResNet("basic", (2, 1, 1, 1), **THIN)
    assert ladder(mine, theirs).exact
    mine.stage2[0].bn1.eps = 1e-3
    found = ladder(mine, theirs)
    assert found.first.name == "stage2.0.bn1" and "eps = 0.001" in found.cause and found.proved


def test_small_differences_pass_within_the_tolerance_and_are_not_called_exact(reference):
    mine = LearnersNet()
    mine.stage2[0].bn1.eps = 1.01e-5
    found = ladder(mine, reference, tolerance=1e-3)
    assert found.equal and not found.exact and found.cause is None
    assert "within the tolerance" in str(found)
    assert not ladder(mine, reference, tolerance=0).equal


def test_without_copying_the_weights_are_held_against_each_other(reference):
    mine = LearnersNet()
    found = ladder(mine, reference, copy=False)
    assert not found.equal and found.first.name == "stage0.conv" and "copy=True" in str(found.notes)
    assert {p.verdict for p in found.parameters} == {"same", "other values"}
    copy_weights(reference, mine)
    assert ladder(mine, reference, copy=False).exact


def test_a_trained_reference_keeps_its_own_bn_values(reference):
    trained = shake_norms(copy.deepcopy(reference))
    mine = LearnersNet()
    assert not any("drawn" in note for note in ladder(mine, trained).notes)
    assert any("drawn" in note for note in ladder(mine, reference).notes)


def test_drawn_bn_values_leave_the_deepest_network_finite_and_show_a_forgotten_bn_everywhere():
    theirs = ResNet(blocks=(3, 8, 36, 3), base=16, num_classes=10)
    found = ladder(LearnersNet(blocks=(3, 8, 36, 3), at={"stage4.2": ["bn2 skipped"]}), theirs)
    assert found.first.name.startswith("stage4.2.") and found.proved and "bn2 is left out" in found.cause


# ── One mistake, named where it first shows ──────────────────────────────────────────────────────────────────

PLANTED = {  # mistake: (first rung with the library's names, words of the cause)
    "no relu1": ("stage1.0.conv2", ["no ReLU after bn1"]),
    "no relu2": ("stage1.0.conv3", ["no ReLU after bn2"]),
    "no relu3": ("stage1.0", ["no ReLU after the sum"]),
    "relu before the sum": ("stage1.0.relu3", ["before the sum", "after the sum"]),
    "relu on the shortcut": ("stage1.0.relu3", ["ReLU on the shortcut"]),
    "swapped": ("stage1.0.bn1", ["ReLU comes before bn1"]),
    "leaky": ("stage1.0.conv2", ["LeakyReLU (slope 0.01)"]),
    "bn2 skipped": ("stage1.0.relu2", ["bn2 is left out"]),
    "bn3 after the sum": ("stage1.0.bn3", ["bn3 comes after the sum"]),
    "no sum": ("stage1.0.relu3", ["shortcut is left out"]),
    "mean": ("stage1.0.relu3", ["averaged"]),
    "eps=1e-3": ("stage1.0.bn1", ["eps = 0.001", "should be 1e-05"]),
    "eps=1e-6": ("stage1.0.bn1", ["eps = 1e-06", "should be 1e-05"]),
    "eps=2e-2": ("stage1.0.bn1", ["eps = 0.02", "should be 1e-05"]),
    "dilated": ("stage1.0.conv2", ["dilation 2; it should be 1"]),
    "reflect": ("stage1.0.conv2", ["pads with 'reflect'"]),
    "stride on the 1x1": ("stage2.0.conv1", ["first 1×1 (conv1, v1)", "belongs on the 3×3 (conv2, v1.5)"]),
    "stride missing on the shortcut": ("stage2.0.shortcut.conv", ["the projection has no stride", "RuntimeError"]),
    "no stride in F": ("stage2.0.conv2", ["F has no stride", "RuntimeError"]),
    "stage1 strided": ("stage1.0.conv2", ["S = 2; it should be 1"]),
    "stubborn BN": ("stage0.bn", ["statistics of the batch, as in training mode"]),
    "average in the stem": ("stage0.pool", ["average; it should take the largest"]),
    "no bn in the stem": ("stage0.relu", ["bn is left out"]),
    "no relu in the stem": ("stage0.pool", ["no ReLU after bn"]),
    "no pool": ("stage0", ["no pooling"]),
    "max in the head": ("head.pool", ["takes the largest; it should be the average"]),
    "softmax": ("logits", ["softmax", "inside the network"]),
}


@pytest.mark.parametrize("mistake", PLANTED)
def test_a_mistake_is_named_at_the_first_step_that_shows_it_and_proved(reference, mistake):
    name, words = PLANTED[mistake]
    found = ladder(LearnersNet(mistake), reference)
    assert not found.equal and not found.exact
    assert found.first.name == name, found.cause
    assert all(word in found.cause for word in words), found.cause
    assert found.proved and "proved" in found.cause
    assert found.cause.startswith(("stage", "head")) and name.startswith(found.cause.split(":")[0].replace("head", ""))
    assert not found.unmatched


IN_PUBLISHED = {**PLANTED, "no relu3": ("stage1.0", ["no ReLU after the sum"])}
for _name in ("relu before the sum", "relu on the shortcut", "no sum", "mean"):
    IN_PUBLISHED[_name] = ("stage1.0", PLANTED[_name][1])
IN_PUBLISHED["bn2 skipped"] = ("stage1.0.conv3", PLANTED["bn2 skipped"][1])


@pytest.mark.sampled(2)
@pytest.mark.parametrize("mistake", [m for m in PLANTED if not any(w in m for w in ("stem", "head", "soft", "pool"))])
def test_with_published_names_and_in_place_steps_the_same_mistakes_are_named(reference, mistake):
    name, words = IN_PUBLISHED[mistake]
    found = ladder(LearnersNet(mistake, published=True), reference)
    assert found.first.name == name, found.cause
    assert found.proved and all(word in found.cause for word in words), found.cause


@pytest.mark.parametrize("block", ["stage2.1", "stage4.0"])
def test_a_mistake_deep_inside_is_named_in_its_own_block(reference, block):
    found = ladder(LearnersNet(at={block: ["no relu2"]}), reference)
    assert found.first.name == f"{block}.conv3" and found.cause.startswith(f"{block}: there is no ReLU after bn2")
    up_to = [r.name for r in found.rungs].index(found.first.name)
    assert all(r.difference == 0 for r in found.rungs[:up_to])


def test_two_mistakes_in_one_block_are_found_together(reference):
    found = ladder(LearnersNet(at={"stage2.1": ["no relu2", "mean"]}), reference)
    assert found.proved and "two things at once" in found.cause
    assert "no ReLU after bn2" in found.cause and "averaged" in found.cause


def test_the_same_mistake_in_the_reference_is_none():
    v1 = ResNet(blocks=BLOCKS, stride_on="1x1", **THIN)
    assert ladder(LearnersNet("stride on the 1x1"), v1).exact
    found = ladder(LearnersNet(), v1)
    assert found.first.name == "stage2.0.conv1" and "belongs on the first 1×1 (conv1, v1)" in found.cause


def test_two_mistakes_with_one_result_are_told_apart_by_the_steps_on_the_way(reference):
    v1 = ladder(LearnersNet(at={"stage2.0": ["stride on the 1x1"]}), reference)
    dilated = ladder(LearnersNet(at={"stage2.0": ["dilated"]}), reference)
    assert v1.rungs[-1].difference == pytest.approx(dilated.rungs[-1].difference, rel=1e-3)
    assert "first 1×1 (conv1, v1)" in v1.cause and "conv2 has dilation 2" in dilated.cause


def test_what_no_planted_mistake_explains_is_described_and_not_called_proved(reference):
    mine = LearnersNet()
    mine.stage2[1].relu1 = nn.Hardtanh(-0.05, 0.1)
    found = ladder(mine, reference)
    assert found.first.name == "stage2.1.relu1" and not found.proved
    assert "stage2.1.bn1 is equal and stage2.1.relu1 is not" in found.cause and "none of" in found.cause


def test_something_between_two_parts_is_told_from_a_wrong_part(reference):
    found = ladder(LearnersNet("between the stages"), reference)
    assert found.first.name == "stage3.0.conv1" and not found.proved
    assert "What goes into stage3.0 is not what the part before it gave" in found.cause


def test_a_step_that_is_made_and_never_called_is_mentioned_where_nothing_is_proved(reference):
    mine = LearnersNet(at={"stage2.1": ["bn2 skipped"]})
    mine.stage2[1].relu1 = nn.Hardtanh(-0.05, 0.1)
    assert "stage2.1.bn2 is made in __init__, and forward never calls it" in ladder(mine, reference).cause


def test_a_step_that_only_has_another_name_makes_no_network_different(reference):
    class Inside(nn.Module):  # BN and ReLU in what the learner calls bn1
        def __init__(self, bn):
            super().__init__()
            self.weight, self.bias, self.bn = bn.weight, bn.bias, [bn]
            self.register_buffer("running_mean", bn.running_mean)
            self.register_buffer("running_var", bn.running_var)

        def forward(self, x):
            return F.relu(F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias))

    mine = LearnersNet(published=True)
    mine.layer1[1].bn1 = Inside(mine.layer1[1].bn1)
    found = ladder(mine, reference)
    assert found.equal and found.first is None and not found.exact
    assert any("stage1.1.bn1" in note and "another name" in note for note in found.notes)
    mine.layer3[1].wrong = {"mean"}
    assert ladder(mine, reference).first.name == "stage3.1"


KEYS = re.compile("|".join(rf"(shortcut\.)?{key}".replace("{k}", "[123]?") for key in CHANGES))


@pytest.mark.parametrize("part", ["stage0", "stage1.0", "stage1.1", "stage2.0", "head"])
def test_every_mistake_of_the_table_is_found_and_told_from_all_others(part):
    torch.manual_seed(0)
    theirs = ResNet(blocks=(2, 1, 1, 1), base=8, num_classes=10).eval()
    run, mistakes = of(part)
    table = list(mistakes(dict(theirs.get_submodule(part).named_modules()), {}))
    if not os.environ.get("RESNET_COURSE_ALL"):
        table = {planted.kind.name: (planted, change) for planted, change in table}.values()  # each kind once
    for planted, change in table:
        sentence, kind = str(planted), planted.kind.name
        assert all(KEYS.fullmatch(key) for key in change), "a key that the table does not explain"
        mine = copy.deepcopy(theirs)
        module = mine.get_submodule(part)
        # Found again in the copy that runs: `forward` is an attribute of the copy as well.
        module.forward = types.MethodType(lambda self, x, c=change: run(dict(self.named_modules()), x, c, {}), module)
        found = ladder(mine, theirs)
        if kind in ("head cut off", "pooling of a fixed size") or planted.values.get("name") == "ReLU6":
            continue  # nothing is above 6 here, and maps are 2 × 2
        assert not found.equal, sentence
        if found.first.learner is not None:  # else it stopped, and no step inside it was seen
            if part == "stage2.0" and kind in ("dilation", "stride elsewhere"):
                continue  # both see every second pixel: without the steps on the way they are the same
            if part == "stage1.1" and kind in ("relu on F", "relu before the sum"):
                continue  # x holds no negatives there: with or without a ReLU after the sum it is the same
            assert found.proved and found.cause.startswith(f"{part}: {sentence}"), (sentence, found.cause)


# ── Weights that do not fit ──────────────────────────────────────────────────────────────────────────────────


def parameter(found, name):
    return next(p for p in found.parameters if p.name == name)


def test_a_bias_left_on_is_the_cause(reference):
    found = ladder(LearnersNet(at={"stage1.0": ["bias"]}), reference)
    assert found.first.name == "stage1.0.conv1"
    assert "Your stage1.0.conv1 has a bias" in found.cause and "bias=False" in found.cause
    assert parameter(found, "stage1.0.conv1.bias") == ("stage1.0.conv1.bias", None, (16,), "extra")


def test_a_projection_without_bn_is_the_cause(reference):
    found = ladder(LearnersNet("projection without BN", published=True), reference)
    assert (
        found.first.name == "stage1.0.shortcut"
        and "there is none after the projection of stage1.0, 64 channels" in found.cause
    )
    assert [p.name for p in found.unmatched][:2] == ["stage1.0.shortcut.bn.weight", "stage1.0.shortcut.bn.bias"]
    assert all(p.learner is None and p.verdict == "missing" for p in found.unmatched)


def test_a_projection_only_where_the_stride_is_2_is_the_cause(reference):
    found = ladder(LearnersNet("projection by stride"), reference)
    assert found.first.name == "stage1.0" and found.first.learner is None
    assert "stage1.0 has no projection" in found.cause and "Stage 1 has S = 1 and needs its projection" in found.cause
    assert "16 channels come in and 64 go out" in found.cause and "RuntimeError" in found.cause


def test_a_wrong_c1_is_the_cause(reference):
    found = ladder(LearnersNet(at={"stage2.1": ["C1 doubled"]}), reference)
    assert found.first.name == "stage2.1.conv1" and "stage2.1 has C1 = 64; it should be 32" in found.cause
    assert parameter(found, "stage2.1.conv1.weight")[1:] == ((32, 128, 1, 1), (64, 128, 1, 1), "other shape")


def test_a_bn_that_was_never_made_is_the_cause(reference):
    found = ladder(LearnersNet(at={"stage1.1": ["bn2 not made"]}), reference)
    assert "A BN is missing: there is none after stage1.1.conv2" in found.cause and found.first.name == "stage1.1.relu2"


def test_a_bn_without_running_statistics_or_weights_is_the_cause(reference):
    mine = LearnersNet()
    mine.stage1[0].bn2 = nn.BatchNorm2d(16, track_running_stats=False)
    found = ladder(mine, reference)
    assert found.first.name == "stage1.0.bn2" and "track_running_stats=False" in found.cause
    mine.stage1[0].bn2 = nn.BatchNorm2d(16, affine=False)
    assert "affine=False" in ladder(mine, reference).cause


def test_other_classes_another_kernel_and_another_number_of_blocks_are_causes(reference):
    found = ladder(LearnersNet(classes=7), reference)
    assert found.first.name == "head.fc" and "7 classes in yours and 10 in the reference" in found.cause
    found = ladder(LearnersNet("5x5"), reference)
    assert found.first.name == "stage0.conv" and "kernel of 5×5; it should be 7×7" in found.cause
    found = ladder(LearnersNet(blocks=(2, 3, 2, 1)), reference)
    assert found.first.name == "stage2" and "Stage 2 has 3 blocks, and 2 are due" in found.cause
    found = ladder(LearnersNet(blocks=(2, 2, 1, 1)), reference)
    assert found.first.name == "stage3" and "Stage 3 has 1 block, and 2 are due" in found.cause


def test_a_projection_where_x_should_pass_unchanged_is_the_cause(reference):
    mine = LearnersNet()
    mine.stage1[1].shortcut = nn.Sequential(OrderedDict(conv=nn.Conv2d(64, 64, 1, bias=False), bn=nn.BatchNorm2d(64)))
    found = ladder(mine, reference)
    assert found.first.name == "stage1.1.shortcut" and "stage1.1 has a projection" in found.cause


def test_one_block_used_twice_is_the_cause():
    theirs = ResNet(blocks=(1, 1, 3, 1), **THIN)
    found = ladder(LearnersNet("one block repeated", blocks=(1, 1, 3, 1)), theirs)
    assert found.first.name == "stage3.1.conv1"
    assert "stage3.1.conv1 and stage3.2.conv1 are one and the same layer" in found.cause


def test_a_numerical_mistake_before_the_first_missing_weight_comes_first(reference):
    found = ladder(LearnersNet(at={"stage1.1": ["no relu2"]}, classes=7), reference)
    assert found.proved and "stage1.1: there is no ReLU after bn2" in found.cause
    assert len(found.unmatched) == 2


def test_a_layer_that_is_made_and_not_used_changes_nothing_and_is_noted(reference):
    mine = LearnersNet()
    mine.spare = nn.Conv2d(3, 3, 3)
    found = ladder(mine, reference)
    assert found.equal and {p.name for p in found.unmatched} == {"spare.weight", "spare.bias"}
    assert any("spare.weight" in note for note in found.notes) and "spare.weight" in str(found)


def test_the_same_part_under_a_second_name_is_no_second_part(reference):
    mine = LearnersNet()
    mine.stages = nn.ModuleList([mine.stage1, mine.stage2])
    found = ladder(mine, reference)
    assert found.exact and not found.unmatched and "stage1.0.conv1" in {r.name for r in found.rungs}


# ── Other names ──────────────────────────────────────────────────────────────────────────────────────────────


class OtherNames(nn.Module):
    def __init__(self, *wrong, blocks=BLOCKS):
        super().__init__()
        net = LearnersNet(*wrong, blocks=blocks)
        self.entry, self.body = net.stage0, nn.ModuleList([net.stage1, net.stage2, net.stage3, net.stage4])
        self.classifier = net.head

    def forward(self, x):
        x = self.entry(x)
        for stage in self.body:
            x = stage(x)
        return self.classifier(x)


ENDS = {"entry": "stage0", "classifier.fc": "fc"}


@pytest.mark.parametrize(
    "names",
    [ENDS | {f"body.{i}": f"layer{i + 1}" for i in range(4)}, ENDS | {f"body.{i}": f"stage{i + 1}" for i in range(4)}],
    ids=["published", "library's"],
)
def test_other_names_are_told_by_their_prefixes(reference, names):
    found = ladder(OtherNames(), reference, names=names)
    assert found.exact and not found.unmatched
    assert len(copy_weights(reference, OtherNames(), names)) == len(found.parameters)


def test_one_entry_may_stand_for_all_stages_by_a_number(reference):
    class Parts(LearnersNet):
        def __init__(self):
            super().__init__()
            for i in range(1, 5):
                setattr(self, f"part{i}", getattr(self, f"stage{i}"))
                delattr(self, f"stage{i}")

        def forward(self, x):
            return self.head(self.part4(self.part3(self.part2(self.part1(self.stage0(x))))))

    found = ladder(Parts(), reference, names={"part{n}": "stage{n}"})
    assert found.exact and "stage4.0.shortcut.bn" in {r.name for r in found.rungs}


def test_a_network_whose_names_do_not_fit_is_compared_by_shape_and_order(reference):
    found = ladder(OtherNames(), reference)
    assert found.exact and not found.unmatched
    assert {"stage0.conv", "stage0", "stage1.0.shortcut.bn", "stage2.1", "stage4"} <= {r.name for r in found.rungs}
    assert "What is called stage0 here is your entry, and so on." in found.notes[1]


@pytest.mark.parametrize("mistake", ["no relu2", "stride on the 1x1", "no pool", "max in the head"])
def test_by_shape_and_order_the_same_mistakes_are_named_and_proved(reference, mistake):
    found = ladder(OtherNames(mistake), reference)
    assert found.proved and all(word in found.cause for word in PLANTED[mistake][1])


def test_by_shape_and_order_a_shortcut_that_runs_first_is_the_shortcut():
    theirs = ResNet(blocks=(1, 1, 1, 1), base=16, num_classes=10)

    class First(nn.Module):
        def __init__(self, C, C1, S):
            super().__init__()
            inner = LearnersBlock(C, C1, S, True, False, set())
            self.g, self.a, self.b, self.c = inner.shortcut, inner.conv1, inner.conv2, inner.conv3
            self.na, self.nb, self.nc = inner.bn1, inner.bn2, inner.bn3

        def forward(self, x):
            s = self.g(x)
            f = F.relu(self.nb(self.b(F.relu(self.na(self.a(x))))))
            return F.relu(self.nc(self.c(f)) + s)

    mine = OtherNames(blocks=(1, 1, 1, 1))
    mine.body = nn.ModuleList(First(*numbers) for numbers in ((16, 16, 1), (64, 32, 2), (128, 64, 2), (256, 128, 2)))
    found = ladder(mine, theirs)
    assert found.exact and "stage1.0.conv3" in {r.name for r in found.rungs}


def test_with_names_given_even_none_layers_are_paired_by_name_alone(reference):
    assert "names={'entry': 'stage0'}" in ladder(OtherNames(), reference, names={}).cause


def test_unknown_names_are_refused_with_a_sentence_or_a_proposal(reference):
    found = ladder(OtherNames(blocks=(2, 2, 1, 1)), reference)
    assert "names={'entry': 'stage0'}" in found.cause and not found.equal
    with pytest.raises(ValueError, match="no part of your network is called that; it has entry, body, classifier"):
        ladder(OtherNames(), reference, names={"stem": "stage0"})
    with pytest.raises(ValueError, match="must be a dictionary of prefixes"):
        ladder(OtherNames(), reference, names=["stem"])
    with pytest.raises(ValueError, match="same number of"):
        ladder(OtherNames(), reference, names={"body.{n}": "stage1"})
    with pytest.raises(ValueError, match="are both 'stage1.0.conv1.weight' in the reference"):
        ladder(OtherNames(), reference, names={"body.0": "stage1", "body.1": "stage1"})


def test_nothing_in_common_is_said(reference):
    assert "No name of yours" in ladder(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()), reference).cause


# ── What a learner's forward can do ──────────────────────────────────────────────────────────────────────────


def test_an_exception_ends_the_ladder_and_is_told_with_the_line_of_the_learner_s_code(reference):
    found = ladder(LearnersNet(at={"stage2.1": ["raises"]}), reference)
    assert not found.equal and not found.proved
    assert found.first.name == "stage2.1" and found.first.learner is None and found.first.verdict == "NOT REACHED"
    assert found.rungs[-1] is found.first and found.rungs[-2].name == "stage2.1.bn3"
    assert found.cause.startswith("After stage2.1.bn3 your network stopped with RuntimeError")
    assert "f.reshape(-1, 7)" in found.cause and "NOT REACHED" in str(found)


def test_an_exception_at_once_is_told_too(reference):
    class Broken(ResNet):
        def forward(self, x):
            return self.stage_zero(x)

    found = ladder(Broken(blocks=BLOCKS, **THIN), reference)
    assert found.first.name == "stage0" and len(found.rungs) == 1
    assert "AttributeError" in found.cause and "self.stage_zero(x)" in found.cause


def test_a_forward_that_gives_no_tensor_is_told(reference):
    found = ladder(LearnersNet("tuple"), reference)
    assert not found.equal and found.first.name == "logits" and "gives tuple and must give a tensor" in found.cause


def test_a_part_that_gives_more_than_a_tensor_is_passed_over(reference):
    class WithMean(nn.Sequential):
        def forward(self, x):
            x = super().forward(x)
            return x, x.mean()

    class Both(LearnersNet):
        def __init__(self):
            super().__init__()
            self.stage4 = WithMean(*self.stage4)

        def forward(self, x):
            x, _ = self.stage4(self.stage3(self.stage2(self.stage1(self.stage0(x)))))
            return self.head(x)

    found = ladder(Both(), reference)
    assert found.exact and not {"stage4"} & {r.name for r in found.rungs} and found.rungs[-1].name == "logits"


def test_nan_is_a_difference_and_told_as_nan(reference):
    found = ladder(LearnersNet(at={"stage3.1": ["NaN"]}), reference)
    assert found.first.name == "stage3.1" and "NaN" in found.cause
    assert not found.first.ok and "nan" in str(found)


def test_training_mode_is_left_for_the_comparison_and_noted(reference):
    mine = LearnersNet().train()
    found = ladder(mine, reference)
    assert found.exact and any(
        "without eval() it differs from the reference from stage0.bn on" in n for n in found.notes
    )
    assert mine.training and not ladder(mine.eval(), reference).notes[1:]


def test_a_network_that_ignores_eval_is_noted_and_its_bn_named(reference):
    class Stuck(LearnersNet):
        def train(self, mode=True):
            return super().train(True)

    found = ladder(Stuck(), reference)
    assert found.first.name == "stage0.bn" and found.proved and "as in training mode" in found.cause
    assert any("still in training mode after eval()" in note for note in found.notes)


@pytest.mark.parametrize("wrong", [(), ("no relu1",), ("stride missing on the shortcut",)])
def test_both_networks_stay_as_they_were(reference, wrong):
    mine, theirs = LearnersNet(*wrong).train(), copy.deepcopy(reference)
    mine.stage2.eval()
    before, theirs_before = everything(mine), everything(theirs)
    ladder(mine, theirs)
    assert unchanged(mine, before) and unchanged(theirs, theirs_before)
    assert not any(m._forward_hooks or m._forward_pre_hooks for net in (mine, theirs) for m in net.modules())


def test_no_gradient_is_recorded_and_inference_mode_outside_does_no_harm(reference):
    seen = []
    mine = LearnersNet()
    mine.register_forward_pre_hook(lambda m, args: seen.append(torch.is_grad_enabled()))
    assert ladder(mine, reference).exact and seen[0] is False and torch.is_grad_enabled()
    with torch.inference_mode():
        assert ladder(LearnersNet(), reference).exact


@pytest.mark.parametrize("shape", [(1, 3, 75, 75), (3, 3, 40, 64)])
def test_any_batch_may_be_given(reference, shape):
    found = ladder(LearnersNet(), reference, torch.randn(shape))
    assert found.exact and found.rungs[0].shape == (16, -(-shape[2] // 2), -(-shape[3] // 2))
    assert ladder(LearnersNet("mean"), reference, torch.randn(shape)).proved


def test_a_head_that_fits_one_size_only_is_told_so(reference):
    mine = LearnersNet()
    mine.head.pool = nn.AvgPool2d(7)
    found = ladder(mine, reference)
    assert found.first.name == "logits" and "windows of 7 × 7" in found.cause and "Adaptive" in found.cause
    assert ladder(mine, reference, torch.randn(1, 3, 224, 224)).equal


def test_what_the_forward_does_to_its_input_does_not_reach_the_caller_s(reference):
    class Greedy(LearnersNet):
        def forward(self, x):
            return super().forward(x.mul_(2))

    x = torch.randn(2, 3, 64, 64)
    before = x.clone()
    found = ladder(Greedy(), reference, x)
    assert torch.equal(x, before) and "What goes into stage0 is not x" in found.cause


def test_a_network_without_blocks_as_modules_is_compared_by_its_layers(reference):
    class Flat(nn.Module):
        """One forward for everything; `leave_out` is a ReLU that it forgets."""

        def __init__(self, leave_out=None):
            super().__init__()
            self.leave_out = leave_out
            for name, m in LearnersNet().named_modules():
                if isinstance(m, nn.Conv2d | nn.BatchNorm2d | nn.Linear):
                    self.add_module(name.replace(".", "_"), m)

        def layer(self, name, k, x):
            x = getattr(self, f"{name}_bn{k}")(getattr(self, f"{name}_conv{k}")(x))
            return x if k == 3 or k == "" or self.leave_out == f"{name} {k}" else F.relu(x)

        def forward(self, x):
            x = F.max_pool2d(F.relu(self.layer("stage0", "", x)), 3, 2, 1)
            for i, n in enumerate(BLOCKS):
                for j in range(n):
                    name, f = f"stage{i + 1}_{j}", x
                    for k in (1, 2, 3):
                        f = self.layer(name, k, f)
                    x = F.relu(f + (x if j else self.layer(f"{name}_shortcut", "", x)))
            return self.head_fc(x.mean((2, 3)))

    names = {"stage0_conv": "conv1", "stage0_bn": "bn1", "head_fc": "fc"}
    for ours in ("conv{n}", "bn{n}", "shortcut_conv", "shortcut_bn"):
        names[f"stage{{n}}_{{n}}_{ours}"] = "stage{n}.{n}." + ours.replace("_", ".")
    assert ladder(Flat(), reference, names=names).exact
    found = ladder(Flat(leave_out="stage3_1 2"), reference, names=names)
    assert found.first.name == "stage3.1.conv3" and found.proved
    assert "stage3.1: there is no ReLU after bn2" in found.cause


def test_a_flattening_that_swallows_the_batch_shows_both_shapes(reference):
    class Flat(LearnersNet):
        def forward(self, x):
            return super().forward(x).flatten()

    found = ladder(Flat(), reference)
    assert found.first.name == "logits" and found.first.learner == (20,) and found.first.shape == (2, 10)


def test_a_network_in_double_precision_is_equal_within_the_tolerance(reference):
    assert ladder(LearnersNet().double(), reference).equal


# ── What is refused ──────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_no_network_is_refused_with_a_sentence(reference):
    with pytest.raises(ValueError, match="did you pass the class itself"):
        ladder(LearnersNet, reference)
    with pytest.raises(ValueError, match="the reference must be an nn.Module, and is dict"):
        ladder(LearnersNet(), {})
    with torch.device("meta"):
        empty = LearnersNet()
    with pytest.raises(ValueError, match="meta device"):
        ladder(empty, reference)
    mine = LearnersNet()
    mine.kept = mine(torch.randn(2, 3, 32, 32))
    with pytest.raises(ValueError, match="cannot be copied"):
        ladder(mine, reference)


@pytest.mark.parametrize("x", [torch.randn(2, 1, 64, 64), torch.randn(3, 64, 64), "cat"])
def test_an_input_that_the_reference_refuses_is_refused(reference, x):
    with pytest.raises(ValueError, match="the reference does not run on x"):
        ladder(LearnersNet(), reference, x)


def test_an_input_that_is_not_finite_is_refused(reference):
    with pytest.raises(ValueError, match="stage0.conv of the reference holds values that are not finite"):
        ladder(LearnersNet(), reference, torch.full((1, 3, 64, 64), float("nan")))


@pytest.mark.parametrize("tolerance", [-1, float("nan"), "small", True])
def test_a_tolerance_that_is_no_number_is_refused(reference, tolerance):
    with pytest.raises(ValueError, match="tolerance"):
        ladder(LearnersNet(), reference, tolerance=tolerance)


# ── copy_weights ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("published", [False, True])
def test_copied_weights_are_the_reference_s_and_the_learner_s_network_then_computes_the_same(reference, published):
    theirs, mine = shake_norms(copy.deepcopy(reference)), LearnersNet(published=published).eval()
    rows = copy_weights(theirs, mine)
    assert len(rows) == len(theirs.state_dict()) and {p.verdict for p in rows} == {"same"}
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(mine(x), theirs(x))


def test_a_state_dictionary_without_num_batches_tracked_is_copied_too():
    state = plain("resnet50", **THIN).state_dict()
    old = {key: t for key, t in state.items() if not key.endswith("num_batches_tracked")}
    mine = ResNet(**THIN)
    copy_weights(old, mine)
    assert torch.equal(mine.stage4[2].conv3.weight, state["layer4.2.conv3.weight"])


@pytest.mark.parametrize(
    ("mine", "sentence"),
    [
        (
            LearnersNet(classes=7),
            r"head.fc.weight is \(10, 512\) in the reference and \(7, 512\) in yours. head.fc gives 7 classes",
        ),
        (
            LearnersNet("projection without BN"),
            r"stage1.0.shortcut.bn.weight is \(64,\) in the reference and nothing in yours",
        ),
        (
            LearnersNet(at={"stage2.0": ["bias"]}),
            r"stage2.0.conv1.bias is nothing in the reference and \(32,\) in yours",
        ),
        (
            LearnersNet("one block repeated", blocks=(2, 2, 3, 1)),
            r"Stage 3 has 3 blocks, and 2 are due",
        ),
    ],
)
def test_weights_that_do_not_fit_are_refused_by_name_and_both_shapes_and_nothing_is_changed(reference, mine, sentence):
    before = everything(mine)
    with pytest.raises(ValueError, match=sentence):
        copy_weights(reference, mine)
    assert unchanged(mine, before)


def test_a_block_used_twice_cannot_hold_two_sets_of_weights():
    theirs = ResNet(blocks=(1, 1, 3, 1), **THIN)
    with pytest.raises(ValueError, match="one and the same layer"):
        copy_weights(theirs, LearnersNet("one block repeated", blocks=(1, 1, 3, 1)))


# ── How it is shown ──────────────────────────────────────────────────────────────────────────────────────────


def test_the_text_shows_whole_parts_and_the_steps_where_it_breaks(reference):
    found = ladder(LearnersNet(at={"stage2.1": ["no relu2"]}), reference)
    lines = str(found).splitlines()
    assert lines[0] == "Different, first at stage2.1.conv3." and found.cause in lines
    marked = [line for line in lines if "← the first" in line]
    assert len(marked) == 1 and marked[0].startswith("stage2.1.conv3 ") and "DIFFERENT" in marked[0]
    assert any(line.startswith("stage2.1.bn1 ") for line in lines)
    assert not any(line.startswith("stage1.0.") for line in lines)


def test_the_html_marks_the_first_divergence_and_says_it_in_words(reference):
    html = proof_table(ladder(LearnersNet(at={"stage2.1": ["no relu2"]}), reference))
    short = html.split("<details>")[0]
    assert short.count("class=marked") == 1
    row = short.split("class=marked")[1].split("</tr>")[0]
    assert "stage2.1.conv3" in row and "✗" in row and "DIFFERENT – the first" in row
    assert "stage1.0.bn1" not in short and "stage1.0.bn1" in html
    assert "entry that does not fit" not in html


def test_the_html_sets_parameters_side_by_side_only_where_they_do_not_fit(reference):
    html = proof_table(ladder(LearnersNet(at={"stage2.1": ["C1 doubled"]}), reference))
    assert "<td>(32, 128, 1, 1)</td><td>(64, 128, 1, 1)</td>" in html and "other shape – the first" in html
    assert "stage1.0.conv1.weight" not in html and "entry that does not fit" in html


def test_html_from_a_learner_s_text_is_escaped(reference):
    class Evil(LearnersNet):
        def forward(self, x):
            raise RuntimeError("<script>alert(1)</script>")

    html = proof_table(ladder(Evil(), reference))
    assert "<script>" not in html and "&lt;script&gt;" in html


def test_the_result_is_plain_objects_that_cannot_be_changed(reference):
    found = ladder(LearnersNet(), reference)
    assert isinstance(found, Ladder)
    with pytest.raises(AttributeError):
        found.equal = False
    with pytest.raises(AttributeError):
        found.rungs[0].ok = False


@pytest.mark.parametrize("form", ["zip", "legacy", "wrapped"])
def test_a_file_of_the_published_320_keys_loads_and_every_rung_is_equal_to_the_last_bit(form, tmp_path):
    torch.manual_seed(0)
    theirs = shake_norms(plain("resnet50")).eval()
    state = theirs.state_dict()
    assert len(state) == 320
    if form == "wrapped":
        state = {"state_dict": {f"module.{key}": t for key, t in state.items()}}
    torch.save(state, tmp_path / "file.pth", _use_new_zipfile_serialization=form != "legacy")
    found = ladder(load(tmp_path / "file.pth"), theirs, copy=False)
    assert found.exact and len(found.rungs) > 100
