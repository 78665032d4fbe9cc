"""What a check runs is a learner's code: it may never end, and it may write into everything that it is given. Neither
hangs a check, nor lets a wrong answer pass, nor harms the next one."""

import copy
from collections import OrderedDict

import pytest
import torch
from torch import nn

from resnet_lib import ResNet, exercises
from resnet_lib.blocks import BTNK1, BTNK2
from resnet_lib.compare import endless
from resnet_lib.compare.clinic import HEALTHY, published
from resnet_lib.compare.clinic.patients import PATIENTS
from resnet_lib.exercises import (
    Wrong,
    check_btnk2,
    check_bytes,
    check_cured,
    check_fair,
    check_ladder,
    check_numbers_left,
    check_projection,
    check_start_as_shortcut,
    check_stem,
)

from . import test_residual_exercises as residuals
from . import test_speed_exercises as speed
from .mutants import CHECKS, check_thin
from .mutated import SUBJECTS, Subject, made

# Checks that take a number, a text or a design, and call nothing.
OF_VALUES = {
    *(
        "check_ablation",
        "check_channel",
        "check_design",
        "check_forecast",
        "check_own",
        "check_own_block",
        "check_reasons",
    ),
}
OF_PARTS = {f"check_{part}" for part in ("stem", "projection", "btnk1", "btnk2", "stage", "network")}
FUNCTIONS = [
    *{s.name.split()[0]: s for s in SUBJECTS}.values(),
    Subject("fair", check_fair, speed.FAIR),
    Subject("numbers_left", check_numbers_left, ["def f(C, W, S):\n    return C * math.ceil(W / S) ** 2"]),
    Subject("bytes", check_bytes, ["def f(batch, C, W):\n    return 4 * batch * C * W * W"]),
    Subject(
        "start_as_shortcut",
        check_start_as_shortcut,
        residuals.RIGHT["start_as_shortcut"],
        space=residuals.SPACE,
    ),
]
every_function = pytest.mark.parametrize("subject", FUNCTIONS, ids=lambda subject: subject.name)


def test_no_check_of_code_is_left_out():
    """Each check is seen at work, or takes a value and no code."""
    at_work = set()
    for subject in FUNCTIONS:
        with pytest.raises(Wrong) as caught:
            subject.check(None)
        at_work.add(next(t for t in caught.traceback if t.name.startswith("check_")).name)
    others = {"check_ladder", "check_cured"}
    assert at_work | OF_VALUES | OF_PARTS | others == {n for n in exercises.__all__ if n.startswith("check_")}


# ── Loops without an end ─────────────────────────────────────────────────────────────────────────────────────


def endless_loop(*_given, **_named):
    while True:
        pass


class Endless(nn.Module):
    def __init__(self, *_numbers):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 1)

    def forward(self, x):
        while True:
            x = x + 1


def assert_stopped(check, *given, **named):
    with pytest.raises(Wrong) as caught:
        check(*given, **named)
    verdict = caught.value.verdict
    assert "still running after" in verdict.sentence and "Python says" not in verdict.sentence
    assert "endless_loop" in verdict.where or "forward" in verdict.where


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(endless, "LIMIT", 0.1)


@every_function
def test_a_function_that_never_ends_is_stopped_in_words(subject, short):
    assert_stopped(subject.check, endless_loop)


@pytest.mark.parametrize("part", CHECKS)
def test_a_part_that_is_never_made_or_never_computes_is_stopped_in_words(part, short):
    check = CHECKS[part][1]
    assert_stopped(check, endless_loop)
    assert_stopped(check, Endless)


def test_a_network_that_never_computes_is_stopped_in_words_on_the_ladder(short):
    reference = ResNet(blocks=(1, 1, 1, 1), base=8, num_classes=5)
    assert_stopped(check_ladder, endless_loop, reference)
    assert_stopped(check_ladder, Endless, reference)


@pytest.mark.parametrize("name", ["halving", "hoarder"])
def test_a_cure_that_never_ends_is_stopped_in_words(name, monkeypatch):
    monkeypatch.setattr(endless, "LIMIT", 3)  # of each call; a healthy ResNet-50 has to be made in it too
    part = list(PATIENTS[name].parts)[-1]
    assert_stopped(check_cured, PATIENTS[name], **{part: endless_loop})


# ── Who writes into what is handed out ───────────────────────────────────────────────────────────────────────


def poison(*given):
    """Write zeros into everything that can be reached from what a check has handed out, and empty its containers."""
    for thing in given:
        if isinstance(thing, nn.Module):
            poison(*thing.state_dict().values())
        elif isinstance(thing, torch.Tensor):
            with torch.no_grad():
                thing.zero_()
        elif isinstance(thing, dict):
            poison(*thing.values())
            thing.clear()
        elif isinstance(thing, list):
            poison(*thing)
            thing.clear()
        elif isinstance(thing, tuple):
            poison(*thing)


def passes(check, f):
    try:
        return check(f).ok
    except Wrong:
        return False


@every_function
def test_who_empties_what_is_given_gains_nothing_and_harms_nobody(subject):
    right = made(subject.right[0], subject.space)

    def before(*given):
        poison(*given)
        return right(*given)

    def after(*given):
        found = right(*copy.deepcopy(given))
        poison(*given)
        return found

    reach = []
    passes(subject.check, lambda *given: reach.append(given))
    if any(isinstance(thing, nn.Module | torch.Tensor | dict | list) for thing in reach[0]):
        assert not passes(subject.check, before)
    passes(subject.check, after)
    assert passes(subject.check, right)


@pytest.mark.parametrize(
    ("check", "part"), [(check_stem, "stem"), (check_projection, "projection"), (check_btnk2, "BTNK2")]
)
def test_a_part_that_empties_its_input_is_refused_and_harms_nobody(check, part):
    right = CHECKS[part][0]("modules")

    class Poisoned(right):
        def forward(self, x):
            y = super().forward(x.clone())
            poison(x)
            return y

    assert not passes(check, Poisoned)
    assert passes(check, right)


def test_a_network_made_of_emptied_weights_harms_no_other():
    def emptied():
        network = CHECKS["network"][0]("modules")()
        network.register_forward_hook(lambda module, given, out: poison(module, *given))
        return network

    assert not passes(check_thin, emptied)
    assert passes(check_thin, CHECKS["network"][0]("modules"))


def test_a_network_whose_maker_empties_the_reference_is_refused():
    reference = ResNet(blocks=(1, 1, 1, 1), base=8, num_classes=5)

    def make():
        poison(reference)
        network = ResNet(blocks=(1, 1, 1, 1), base=8, num_classes=5)
        network.stage1[0].relu3 = nn.Identity()
        return network

    assert not passes(lambda f: check_ladder(f, reference), make)


# ── What the clinic hands out ────────────────────────────────────────────────────────────────────────────────


def load(network, weights):
    network.load_state_dict(weights)


def loads(body):
    space = {"poison": poison}
    exec("def load(network, weights):\n    " + body, space)
    return space["load"]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("poison(*weights.values()); network.load_state_dict(weights)", "not its weights"),
        ("network.load_state_dict(weights); poison(*weights.values())", "changes stage0.conv.weight of the weights"),
        ("network.load_state_dict(weights, strict=False)", "one has another name"),
        (
            "mine = network.state_dict(); [mine[n].copy_(t) for n, t in weights.items() if n in mine]",
            "another name, stage1.0.conv3.weight_, and says nothing: that layer keeps the numbers it was drawn with",
        ),
        (
            "[a.copy_(b) for (_, a), (_, b) in zip(sorted(network.state_dict().items()), sorted(weights.items()))]",
            "another name, stage1.0.conv3.weight_, and puts them into the network: it looks at the order",
        ),
    ],
)
def test_weights_are_loaded_by_name_and_only_read(body, sentence):
    with pytest.raises(Wrong, match=sentence):
        check_cured(PATIENTS["tidy"], load=loads(body))
    assert all(t.any() for n, t in published()[0].state_dict().items() if n.endswith("weight"))


@pytest.mark.parametrize(
    "body",
    [
        "network.load_state_dict(weights, assign=True)",
        "[t.copy_(weights[n]) for n, t in network.state_dict().items()]",
    ],
)
def test_every_way_to_load_by_name_cures(body):
    assert check_cured(PATIENTS["tidy"], load=loads(body)).ok


def emptying(part):
    """A healthy part that empties all that it is given, once it has done its work."""
    right = load if part == "load" else HEALTHY[part]

    def emptied(*given):
        found = right(*copy.deepcopy(given)) if part in ("prepare", "answer") else right(*given)
        poison(*given)
        return found

    return emptied


@pytest.mark.parametrize("name", ["sociable", "tidy"])
def test_a_cure_that_empties_what_it_is_given_harms_no_other(name):
    patient = PATIENTS[name]
    part = list(patient.parts)[-1]
    passes(lambda f: check_cured(patient, **{part: f}), emptying(part))
    right = load if part == "load" else (patient.healthy or HEALTHY)[part]
    assert check_cured(patient, **{part: right}).ok


# ── Other numbers than ResNet-50's ───────────────────────────────────────────────────────────────────────────


def head(C, num_classes, *more):
    made_now = nn.Sequential(OrderedDict(pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten()))
    for i, layer in enumerate(more):
        made_now.add_module(f"more{i}", layer)
    made_now.add_module("fc", nn.Linear(C, num_classes))
    return made_now


class Scaled(nn.Sequential):
    def __init__(self, C, num_classes):
        super().__init__(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(C, num_classes))
        self.register_buffer("factor", torch.ones(1))

    def forward(self, x):
        return super().forward(x) * self.factor


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda C, n: head(C, n, nn.Dropout(0.3)), "dropout"),
        (Scaled, "head.factor is a buffer"),
        (lambda C, n: nn.Sequential(nn.AvgPool2d(7), nn.Flatten(), nn.Linear(C, n)), "windows of 7 × 7"),
    ],
)
def test_a_head_with_something_more_is_no_cure(make, sentence):
    with pytest.raises(Wrong, match=sentence):
        check_cured(PATIENTS["polite"], head=make)


def test_an_answer_that_is_kept_and_given_to_other_pictures_is_no_cure():
    kept = {}

    def answer(network, pictures):
        with torch.no_grad():
            return kept.setdefault(len(pictures), network.eval()(pictures))

    with pytest.raises(Wrong, match="gives the very answers that it gave before") as caught:
        check_cured(PATIENTS["sociable"], answer=answer)
    assert "in an earlier call" in caught.value.verdict.hints[0]


def test_where_a_cure_fails_for_some_inputs_alone_they_are_told():
    class Alone(BTNK1):
        def forward(self, x):
            return super().forward(x) if len(x) > 1 else super().forward(x) * 1.1

    with pytest.raises(Wrong, match=r"input \(1, 8, 66, 5\)"):
        check_cured(PATIENTS["eager"], block=lambda C, C1, S=1: BTNK2(C) if C == 4 * C1 and S == 1 else Alone(C, C1, S))


def test_a_head_cures_whatever_its_layers_are_called():
    def unnamed(C, n):
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(C, n))

    assert check_cured(PATIENTS["polite"], head=unnamed).ok


@pytest.mark.parametrize(
    ("block", "sentence"),
    [
        # Right in ResNet-50, where every block with a stride has other channels too.
        (lambda C, C1, S=1: BTNK2(C) if C == 4 * C1 else BTNK1(C, C1, S), "C = 16, C1 = 4, S = 2"),
        (lambda C, C1, S=1: BTNK2(C) if C == 4 * C1 and S == 1 else BTNK1(C, C1, min(S, 2)), "S = 3"),
        (lambda C, C1, S=1: BTNK1(C, C1, S) if S > 1 or C < 4 * C1 else BTNK2(C, C1=C1), "C = 24, C1 = 4, S = 1"),
    ],
)
def test_a_block_that_forgets_a_number_is_no_cure_although_resnet50_never_needs_it(block, sentence):
    with pytest.raises(Wrong, match=sentence):
        check_cured(PATIENTS["halving"], block=block)
