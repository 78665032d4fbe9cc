"""Answers whose numbers are right, and that leave something behind, take apart what they are given, or return something
else than was asked for: each is told what. Right ones beside them, which come close to it."""

import copy
import math
from collections import OrderedDict
from types import SimpleNamespace

import numpy
import pytest
import torch
from torch import nn

from resnet_lib.activations import activations
from resnet_lib.blocks import BTNK1, Projection
from resnet_lib.compare.clinic import HEALTHY, loads_by_name, loads_otherwise
from resnet_lib.compare.clinic.patients import PATIENTS
from resnet_lib.exercises import (
    Wrong,
    check_btnk1,
    check_bytes,
    check_contents,
    check_cured,
    check_diagnosis,
    check_factor,
    check_fair,
    check_fold,
    check_grad_cam,
    check_numbers_left,
    check_out_width,
    check_parameters,
    check_plain_block,
    check_projection,
    check_rename,
    check_response,
    check_start_as_shortcut,
    check_to_v1,
)
from resnet_lib.exercises.checkpoints import CONTENTS
from resnet_lib.exercises.folding import FOLD
from resnet_lib.exercises.residuals import PLAIN_BLOCK
from resnet_lib.experiments.attribution import grad_cam
from resnet_lib.experiments.twins import blocks
from resnet_lib.weights import from_published, load

THIN = load("thin")
SPACE = {
    "thin": THIN,
    "copy": copy,
    "torch": torch,
    "nn": nn,
    "math": math,
    "np": numpy,
    "blocks": blocks,
    "activations": activations,
    "right": SimpleNamespace(
        fold=FOLD.made(),
        cam=lambda *case: grad_cam(*case).values,
        plain=PLAIN_BLOCK.made(),
        contents=CONTENTS.made(),
        rename=from_published,
    ),
    "BTNK1": BTNK1,
}


def made(head, body):
    space = dict(SPACE)
    exec(f"def f{head}:\n" + "".join(f"    {line}\n" for line in body.split("; ")), space)
    return space["f"]


def said(check, head, body):
    """What a check says of a function with that head and body: "" where it is accepted."""
    try:
        assert check(made(head, body)).ok
    except Wrong as wrong:
        return wrong.verdict.sentence
    return ""


FOLDED = "r = right.fold(conv, bn); {}; return r"
MAP = "r = right.cam(network, x, target, step); {}; return r"
RESPONSE = 'm = activations(thin, p, ["stage0.conv"])["stage0.conv"][0]'
ZEROED = "[nn.init.zeros_(b.bn3.weight) for b in blocks(network).values()]; {}"
COPY = (
    "import copy; v = copy.deepcopy(b); v.conv1.stride, v.conv2.stride = v.conv2.stride, v.conv1.stride; {}; return v"
)

LEFT = [
    (check_fold, "(conv, bn)", FOLDED.format("bn.train()"), "in training mode"),
    (check_fold, "(conv, bn)", FOLDED.format("conv.register_forward_hook(print)"), "has a hook more"),
    (check_fold, "(conv, bn)", FOLDED.format("conv.requires_grad_(False)"), "no longer asks for a gradient"),
    (check_fold, "(conv, bn)", FOLDED.format("conv.float()"), "weight is float32 and was float64"),
    (check_fold, "(conv, bn)", FOLDED.format("conv.eval()"), ""),
    (check_grad_cam, "(network, x, target, step)", MAP.format("network.train()"), "in training mode"),
    (check_grad_cam, "(network, x, target, step)", MAP.format("network.more = nn.ReLU()"), "more is new"),
    (
        check_grad_cam,
        "(network, x, target, step)",
        "network.train(); r = right.cam(network, x, target, step); activations(network, x, [step]); return r",
        "runs a BN in training mode",
    ),
    (
        check_grad_cam,
        "(network, x, target, step)",
        "network.train(); activations(network, x, [step]); network.eval(); return right.cam(network, x, target, step)",
        "runs a BN in training mode",
    ),
    (check_fold, "(conv, bn)", "bn.running_var += bn.eps; return right.fold(conv, bn)", "overwrites what it is given"),
    (
        check_plain_block,
        "(block, x)",
        "r = right.plain(block, x); block.relu3 = nn.Identity(); return r",
        "relu3 was",
    ),
    (check_plain_block, "(block, x)", "block.eval(); return right.plain(block, x)", "in training mode: your result"),
    (check_plain_block, "(block, x)", "block.eval(); return right.plain(block, x)", "the module is in evaluation mode"),
    (check_fold, "(conv, bn)", FOLDED.format("conv.weight.register_hook(print)"), "has a hook more"),
]
CHANGED = [
    (check_start_as_shortcut, "(network)", ZEROED.format("network.half()"), "was float32 and is float16"),
    (
        check_start_as_shortcut,
        "(network)",
        ZEROED.format("network.stage0.conv.stride = 1, 1"),
        "stage0.conv was Conv2d",
    ),
    (check_start_as_shortcut, "(network)", ZEROED.format("network.stage1[0].bn3.momentum = 0"), "stage1.0.bn3 was"),
    (check_start_as_shortcut, "(network)", ZEROED.format("network.stage1[0].forward = lambda x: x"), "another forward"),
    (
        check_start_as_shortcut,
        "(network)",
        ZEROED.format("network.register_forward_hook(lambda *a: None)"),
        "a hook more",
    ),
    (
        check_start_as_shortcut,
        "(network)",
        ZEROED.format("[b.bn3.weight.register_hook(lambda g: 0 * g) for b in blocks(network).values()]"),
        "stage1.0.bn3 has a hook more",
    ),
    (
        check_start_as_shortcut,
        "(network)",
        ZEROED.format("[b.bn3.weight.register_post_accumulate_grad_hook(print) for b in blocks(network).values()]"),
        "stage1.0.bn3 has a hook more",
    ),
    (
        check_start_as_shortcut,
        "(network)",
        ZEROED.format("[b.bn3.weight.register_hook(print).remove() for b in blocks(network).values()]"),
        "",
    ),
    (
        check_start_as_shortcut,
        "(network)",
        "[b.bn3.register_forward_hook(lambda m, i, o: 0 * o) for b in blocks(network).values()]",
        "stage1.0.bn3 has a hook more than before, and no number has",
    ),
    (
        check_start_as_shortcut,
        "(network)",
        "[b.register_forward_pre_hook(print) for b in blocks(network).values()]",
        "stage1.0 has a hook more than before, and no number has changed",
    ),
    (
        check_start_as_shortcut,
        "(network)",
        "for b in blocks(network).values(): b.forward = lambda x: x",
        "stage1.0 has another forward, and no number has changed",
    ),
    (
        check_start_as_shortcut,
        "(network)",
        "network.eval()",
        "the module is in evaluation mode, and no number has changed",
    ),
    (
        check_start_as_shortcut,
        "(network)",
        "[b.bn3.weight.requires_grad_(False) for b in blocks(network).values()]",
        "no longer asks for a gradient, and no number has changed",
    ),
    (
        check_start_as_shortcut,
        "(network)",
        "copy.deepcopy(network).eval()",
        "nothing has changed",
    ),
    (
        check_start_as_shortcut,
        "(network)",
        ZEROED.format("network(torch.ones(2, 3, 64, 64))"),
        "statistics move with every batch that runs in training mode",
    ),
    (
        check_start_as_shortcut,
        "(network)",
        "[b.bn3.running_var.fill_(1e9) for b in blocks(network).values()]",
        "stage1.0.bn3.running_var has changed: a BN's statistics",
    ),
    (
        check_start_as_shortcut,
        "(network)",
        ZEROED.format("network.stage1[0].bn1.reset_parameters(); network.stage1[0].bn1.weight.data.fill_(2)"),
        "other BNs than the last",
    ),
    (
        check_start_as_shortcut,
        "(network)",
        ZEROED.format("network.stage1[0].bn2.bias = network.stage1[0].bn1.bias"),
        "stage1.0.bn2.bias is one tensor with stage1.0.bn1.bias",
    ),
    (
        check_start_as_shortcut,
        "(network)",
        ZEROED.format("torch.set_grad_enabled(False)"),
        "whether gradients are recorded",
    ),
    (
        check_start_as_shortcut,
        "(network)",
        ZEROED.format("torch.no_grad().__enter__()"),
        "whether gradients are recorded",
    ),
    (
        check_start_as_shortcut,
        "(network)",
        ZEROED.format("torch.set_default_dtype(torch.float64)"),
        "the type of new tensors",
    ),
    (
        check_start_as_shortcut,
        "(network)",
        ZEROED.format("torch.autocast('cpu').__enter__()"),
        "the types in which is computed",
    ),
    (check_fold, "(conv, bn)", FOLDED.format("torch.autocast('cpu').__enter__()"), "the types in which is computed"),
    (check_start_as_shortcut, "(network)", ZEROED.format("torch.set_grad_enabled(True)"), ""),
    (
        check_plain_block,
        "(block, x)",
        "r = right.plain(block, x); torch.set_grad_enabled(False); return r",
        "for all code",
    ),
    (check_fold, "(conv, bn)", FOLDED.format("torch.set_grad_enabled(False)"), "whether gradients are recorded"),
    (check_fold, "(conv, bn)", "w, b = right.fold(conv, bn); return w.float(), b.float()", ""),
    (lambda f: check_response(f, THIN), "(p)", f"{RESPONSE}; return m.abs().mean((1, 2))", ""),
    (
        lambda f: check_response(f, THIN),
        "(p)",
        f"{RESPONSE}; thin.stage0.conv.register_forward_hook(lambda *a: None); return m.abs().mean((1, 2))",
        "stage0.conv has a hook more than before",
    ),
    (check_to_v1, "(b)", COPY.format("v.double()"), "in float64, and was given one in float32"),
    (check_to_v1, "(b)", COPY.format("v.requires_grad_(False)"), "asks for no gradient"),
    (check_to_v1, "(b)", COPY.format("v.conv1.weight = b.conv1.weight"), "shares conv1.weight"),
    (check_to_v1, "(b)", COPY.format("v.bn1.momentum = 0.9"), "in training mode other results"),
    (check_to_v1, "(b)", COPY.format("v.bn1.track_running_stats = False"), "in training mode other results"),
    (check_to_v1, "(b)", COPY.format("v.train()"), ""),
    (check_rename, "(p)", "return {n: t.half() for n, t in right.rename(p).items()}", "and is float16"),
    (check_rename, "(p)", "return {n: t.flatten() for n, t in right.rename(p).items()}", "should stay float32 of ("),
    (check_rename, "(p)", "return {n: t.numpy() for n, t in right.rename(p).items()}", "returns an ndarray under"),
    (check_rename, "(p)", "return {n: torch.zeros_like(t) for n, t in right.rename(p).items()}", "has other numbers"),
    (check_rename, "(p)", "return {n: t.clone() for n, t in right.rename(p).items()}", ""),
]
TAME = [
    (check_plain_block, "(block, x)", "return right.plain(block, x).clamp(max=6)", "differs by up to"),
    (check_plain_block, "(block, x)", "return right.plain(block, x).detach()", "the right gradient does not come back"),
    (check_plain_block, "(block, x)", "return right.plain(block, x.data)", "the right gradient does not come back"),
    (check_fold, "(conv, bn)", "bn.weight = nn.Parameter(bn.weight.abs()); return right.fold(conv, bn)", "overwrites"),
    (
        check_fold,
        "(conv, bn)",
        "w, b = right.fold(conv, bn); return w * bn.weight.sign().view(-1, 1, 1, 1), b",
        "the weight is not right",
    ),
    (
        check_fold,
        "(conv, bn)",
        "w, b = right.fold(conv, bn); return w.view(len(w), -1, 3, 3), b",
        "a convolution with bias",
    ),
    (check_fold, "(conv, bn)", "bn.eps = 1e-5; return right.fold(conv, bn)", "ε is typed in"),
    (
        check_plain_block,
        "(block, x)",
        "return right.plain(block, x) if block.conv2.stride == (1, 1) else block(x)",
        "C = 12: your result",
    ),
    (check_out_width, "(W, k, stride=2, padding=0)", "return (W + 2 * padding - k) // stride + 1", "stride = 2 where"),
    (check_out_width, "(W, k, stride=1, padding=1)", "return (W + 2 * padding - k) // stride + 1", "padding = 1 where"),
    (check_out_width, "(W, k, S=1, p=0, up=False)", "return (W + 2 * p - k + up * (S - 1)) // S + 1", ""),
    (check_bytes, "(batch, C, W)", "return 4 * batch * max(C, 3) * W * W", "batch = 1, C = 1"),
    (check_out_width, "(W, k, S=1, p=0)", "return max((W + 2 * p - k) // S + 1, 2)", "and it is 1"),
    (
        lambda f: check_parameters("BTNK1", f),
        "(C, C1)",
        "return C * C1 + 13 * C1**2 + 12 * C1 + (C != 4 * C1) * (4 * C * C1 + 8 * C1)",
        "C = 64, C1 = 16",
    ),
    (
        check_diagnosis,
        "(s, d)",
        "return 'degradation' if d[0] > 1.05 * s[0] else 'overfitting' if d[1] < s[1] else 'neither'",
        "0.5001",
    ),
    (
        check_diagnosis,
        "(s, d)",
        "return 'degradation' if d[0] > min(s[0], math.log(20)) else 'overfitting' if d[1] < s[1] else 'neither'",
        "(3.5, 0.7), deep (3.2, 0.72)",
    ),
    (
        check_diagnosis,
        "(s, d)",
        "return np.select([d[0] > s[0], d[1] < s[1]], ['degradation', 'overfitting'], 'neither')",
        "",
    ),
    (check_numbers_left, "(C, W, S)", "return C * len(range(0, W, S)) ** 2 if C < 60 else 0", "C = 64"),
    (check_grad_cam, "(network, x, target, step)", "return right.cam(network, x, 0, step)", "You take class 0 always"),
    (check_grad_cam, "(network, x, target, step)", MAP.format("r = 0 * r"), "none of 26 usual"),
    (
        check_fair,
        "(works, n)",
        "import time; t = lambda: time.clock_gettime(time.CLOCK_MONOTONIC); [w() for w in works.values()]; "
        "run = lambda w: -t() + (w(), t())[1]; r = [[run(w) for w in works.values()] for _ in range(n)]; "
        "return dict(zip(works, zip(*r)))",
        "",
    ),
]


@pytest.mark.parametrize(("check", "head", "body", "sentence"), LEFT + CHANGED + TAME)
def test_what_else_an_answer_does_is_told(check, head, body, sentence):
    found = said(check, head, body)
    assert sentence in found if sentence else found == ""


@pytest.mark.parametrize(
    ("check", "body"),
    [
        (check_contents, "r = right.contents(dict(w)); w.clear(); return r"),
        (check_rename, "r = right.rename(w); [w.pop(n) for n in list(w)]; w.update(r); return w"),
        (
            lambda f: check_fair(lambda works, n: f((works, n))),
            "import time; works, n = w; ws = [works.popitem() for _ in list(works)]; [w() for _, w in ws]; "
            "run = lambda w: -time.perf_counter() + (w(), time.perf_counter())[1]; "
            "r = [[run(w) for _, w in ws] for _ in range(n)]; return dict(zip([n for n, _ in ws], zip(*r)))",
        ),
        (check_factor, "w.reverse(); return (w[-1].gradient / w[0].gradient) ** (1 / (len(w) - 1))"),
    ],
)
def test_an_answer_that_takes_apart_what_it_is_given_is_told_so(check, body):
    assert "changes the list or dictionary" in check(made("(w)", body)).remarks[0]


def test_a_part_is_made_in_training_mode_with_what_the_exercise_takes_where_nothing_is_given():
    with pytest.raises(Wrong, match="is in evaluation mode from the start"):
        check_projection(lambda C, C_out, S: Projection(C, C_out, S, norm_layer=nn.BatchNorm2d).eval())
    with pytest.raises(Wrong, match="takes S = 2 where nothing is given"):
        check_btnk1(lambda C, C1, S=2: BTNK1(C, C1, S))


@pytest.mark.parametrize("found", ["layer1 is Stage 1", "before layer1 belongs"])
def test_the_advice_about_a_name_is_true_of_it(found):
    body = "k = sorted(w); return {n: w[m] for n, m in zip(right.rename(w), k)}"
    assert found not in said(check_rename, "(w)", body)


LOADS = {
    "network.load_state_dict(published)": None,
    "network.load_state_dict({n: t.half() for n, t in published.items()})": ("other numbers", "stage0.conv.weight"),
    "network.load_state_dict(published, assign=True)": None,
    "network.load_state_dict(published).missing_keys; network.requires_grad_(False)": ("frozen", "stage0.conv.weight"),
}


@pytest.mark.parametrize("body", LOADS)
def test_a_load_gives_the_network_its_own_numbers_as_they_are(body):
    assert loads_otherwise({**HEALTHY, "load": made("(network, published)", body)}) == LOADS[body]


def test_a_load_that_goes_by_the_order_of_sorted_names_does_not_go_by_name():
    body = "[t.copy_(s) for (_, t), (_, s) in zip(sorted(network.state_dict().items()), sorted(published.items()))]"
    assert loads_by_name({**HEALTHY, "load": made("(network, published)", body)})[1] == "stage1.0.conv3.weight_"


@pytest.mark.slow
def test_a_head_may_compute_without_modules():
    """MACs are counted of modules; of one that is right otherwise they say nothing."""

    class Head(nn.Linear):
        def forward(self, x):
            return nn.functional.linear(x.mean((2, 3)), self.weight, self.bias)

    assert check_cured(PATIENTS["polite"], head=Head).ok


def test_a_head_of_another_shape_hears_its_shape_and_not_that_equal_classes_differ():
    def convolution(C, n):
        layers = dict(pool=nn.AdaptiveAvgPool2d(1), fc=nn.Conv2d(C, n, 1), flatten=nn.Flatten())
        return nn.Sequential(OrderedDict(layers))

    with pytest.raises(Wrong) as caught:
        check_cured(PATIENTS["polite"], head=convolution)
    assert "classes in yours" not in caught.value.verdict.sentence


def test_a_projection_behind_a_pooling_is_not_called_missing():
    def block(C, C1, S=1):
        made = HEALTHY["block"](C, C1, S)
        if S > 1:
            conv = nn.Conv2d(C, 4 * C1, 1, bias=False)
            made.shortcut = nn.Sequential(nn.AvgPool2d(S), conv, nn.BatchNorm2d(4 * C1))
        return made

    with pytest.raises(Wrong) as caught:
        check_cured(PATIENTS["halving"], block=block)
    assert "has no projection" not in caught.value.verdict.sentence


@pytest.mark.parametrize(
    "change",
    ["nn.init.zeros_(m.conv3.weight)", "nn.init.zeros_(m.bn3.weight).requires_grad_(False)"],
)
def test_a_beginning_from_which_f_could_not_learn_as_a_healthy_one_is_no_cure(change):
    def initialise(network):
        for m in network.modules():
            if hasattr(m, "bn3"):
                eval(change, {"nn": nn, "m": m})

    with pytest.raises(Wrong, match="no gradient comes to stage1.0.bn3.weight"):
        check_cured(PATIENTS["dead"], initialise=initialise)


TRACED = {
    "eval": "in training mode it computes as in evaluation mode",
    "train": "in evaluation mode it computes as in training mode",
}


@pytest.mark.parametrize("mode", TRACED)
def test_a_traced_part_hears_what_a_trace_keeps(mode):
    def traced(C, C_out, S):
        part = getattr(Projection(C, C_out, S, norm_layer=nn.BatchNorm2d), mode)()
        return torch.jit.trace(part, torch.randn(2, C, 8, 8), check_trace=False)

    with pytest.raises(Wrong, match=TRACED[mode]):
        check_projection(traced)


def test_a_frozen_script_hears_that_nothing_in_it_can_be_trained():
    part = torch.jit.freeze(torch.jit.script(nn.Sequential(nn.Conv2d(4, 4, 1)).eval()))
    with pytest.raises(Wrong, match="torch.jit.freeze has made constants"):
        check_projection(lambda C, C_out, S: part)
