"""The broken-block clinic: patients that show their symptoms, examinations that find nothing in the healthy, a check
that accepts every cure and refuses what is none, and its explorer."""

import ast
import asyncio
import math
import re
from collections import OrderedDict
from html import unescape

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from resnet_lib.compare import clinic
from resnet_lib.compare.clinic import EXAMINATIONS, HEALTHY, Reading, Trial, assemble, broken, prove, shapes, statistics
from resnet_lib.compare.clinic.patients import PATIENTS
from resnet_lib.exercises import Wrong, check_cured, solved
from resnet_lib.explorers import ClinicExplorer
from resnet_lib.views.clinic import findings_table

from .conftest import in_full
from .lab import ROOT
from .test_explorers import words

every_patient = pytest.mark.parametrize("name", PATIENTS)
every_sick_one = pytest.mark.parametrize("name", [name for name in PATIENTS if name != "worried"])


@pytest.fixture(autouse=True)
def one_thread():
    """Networks so small gain nothing from a second one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def run(code):
    """The names that a piece of code defines, in the module of the patients' code."""
    names = dict(vars(broken))
    exec(code, names)
    return names


def mended(name):
    """The parts of a patient, made from its mended code."""
    patient = PATIENTS[name]
    names = run(patient.mended)
    return {part: names[wrong.__name__] for part, wrong in patient.parts.items()}


def refused(patient, **parts):
    """What the check says of parts that are no cure."""
    with pytest.raises(Wrong) as caught:
        check_cured(patient, **parts)
    return caught.value.verdict


def findings(patient):
    """The quick examinations that find something, and the first few steps of training."""
    design = shapes(patient.parts)
    found = {
        "shapes": bool(design.first),
        "counts": design.sick and not design.first,
        "statistics": statistics(patient.parts, patient.healthy).sick,
        "ladder": prove(patient.parts).sick,
        "first steps": Trial(patient.parts, patient.healthy, steps=6).run().sick,
    }
    return {name for name, sick in found.items() if sick}


# ── Patients ─────────────────────────────────────────────────────────────────────────────────────────────────

SYMPTOMS = {
    "eager": {"statistics", "ladder"},
    "lean": {"counts", "statistics", "ladder"},
    "halving": {"shapes", "statistics", "ladder", "first steps"},
    "wide-shortcut": {"shapes", "statistics", "ladder", "first steps"},
    "paper": {"counts", "ladder"},
    "default": {"counts", "ladder"},
    "thrifty": {"statistics"},
    "tidy": {"ladder"},
    "quick": {"ladder"},
    "straight": {"statistics", "ladder"},
    "single": {"shapes", "statistics", "ladder"},
    "polite": {"statistics", "ladder"},
    "dead": {"statistics", "first steps"},
    "sociable": {"ladder"},
    "raw": {"statistics", "ladder"},
    "hoarder": {"first steps"},
    "sleepy": {"first steps"},
    "dizzy": set(),  # its loss has to come down before it can be seen to stay up
    "worried": set(),
}


@pytest.mark.sampled(6)
@every_patient
def test_a_patient_shows_its_symptoms_and_no_others(name):
    assert findings(PATIENTS[name]) == SYMPTOMS[name]


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("eager", "there is a ReLU on F(x) before the sum"),
        ("lean", "A BN is missing: there is none after the projection of stage1.0"),
        ("halving", "stage1.0 has no projection. It needs one: "),
        ("wide-shortcut", "the projection has no stride"),
        ("paper", "the stride sits on the first 1×1 (conv1, v1)"),
        ("default", "has a bias. The BN after it subtracts"),
        ("tidy", "stage1.0.conv3.weight has other values"),
        ("quick", "the pooling has kernel 2, stride 2, padding 0"),
        ("straight", "there is no ReLU after bn"),
        ("single", "stage1.0: the block has S = 2"),
        ("polite", "there is a softmax inside the network"),
        ("raw", "look at how the pictures are prepared"),
    ],
)
def test_the_ladder_knows_the_cause_and_keeps_it_apart_from_what_it_says_first(name, cause):
    found = prove(PATIENTS[name].parts)
    assert cause in found.cause
    assert cause not in found.text


def test_the_symptoms_that_the_lesson_speaks_of():
    single = shapes(PATIENTS["single"].parts)
    assert single.first == "stage1" and single.parameters[0] == single.parameters[1] == 25_557_032
    assert single.macs[1] > 4 * single.macs[0]
    assert shapes(PATIENTS["paper"].parts).macs == (4_089_184_256, 3_857_973_248)
    assert shapes(PATIENTS["default"].parts).parameters == (25_557_032, 25_557_032 + 26_560 - 64)  # the stem has none
    dead = statistics(PATIENTS["dead"].parts, PATIENTS["dead"].healthy)
    assert ("stage1.0.relu1", "share of zeros", 1.0) in [(r.step, r.what, r.value) for r in dead.odd]
    assert statistics(PATIENTS["thrifty"].parts).rewritten[0] == "stage1.0.bn1"
    assert 0.85 < prove(PATIENTS["straight"].parts).winners < 1
    assert prove(PATIENTS["polite"].parts).winners == 1
    complaints = [case.complaint for case in PATIENTS.values()]
    named = ("straight", "single", "raw", "hoarder", "sleepy", "dizzy")
    assert [complaints.index(PATIENTS[n].complaint) + 1 for n in named] == [10, 11, 15, 16, 17, 18]


@pytest.mark.sampled(6)
@every_sick_one
def test_the_mended_code_is_cured_and_the_code_as_it_is_is_not(name):
    patient = PATIENTS[name]
    assert check_cured(patient, **mended(name)).ok
    verdict = refused(patient, **patient.parts)
    assert not verdict.ok and "is not right yet. " in str(verdict) and verdict.sentence


def test_the_worried_patient_is_well_as_it_is():
    assert check_cured(PATIENTS["worried"], **PATIENTS["worried"].parts).ok


def test_a_cure_is_noted_as_solved_and_what_is_none_is_not(monkeypatch, tmp_path):
    monkeypatch.setenv("RESNET_COURSE_RUNS", str(tmp_path))
    patient = PATIENTS["sociable"]
    refused(patient, exercise="11.5", **patient.parts)
    assert solved() == {}
    check_cured(patient, exercise="11.5", **mended("sociable"))
    assert list(solved()) == ["11.5"]


@pytest.mark.sampled(6)
@every_sick_one
def test_hints_lead_from_what_is_seen_to_the_diagnosis_and_the_place(name):
    patient = PATIENTS[name]
    symptom, diagnosis, place = refused(patient, **patient.parts).hints
    assert symptom and patient.diagnosis in diagnosis
    assert all(wrong.strip() in place for wrong in patient.repair)


@every_patient
def test_every_piece_to_be_mended_stands_in_the_code(name):
    patient = PATIENTS[name]
    assert bool(patient.repair) == (name != "worried")
    for wrong in patient.repair:
        assert patient.code.count(wrong) == 1


@every_patient
def test_every_diagnosis_has_its_own_answer_and_one_of_them_is_right(name):
    patient = PATIENTS[name]
    answers = [patient.feedback(choice) for choice in patient.choices]
    assert len(patient.choices) == len(set(patient.choices)) == 4
    assert len({why for _right, why in answers}) == 4
    assert [choice for choice, (right, _) in zip(patient.choices, answers, strict=True) if right] == [patient.diagnosis]
    with pytest.raises(ValueError, match="is none of this patient's choices"):
        patient.feedback("a cold")


def test_where_the_right_diagnosis_stands_says_nothing():
    places = [case.choices.index(case.diagnosis) for case in PATIENTS.values()]
    assert max(places.count(i) for i in range(4)) < 9 and len(set(places)) >= 3


@every_patient
def test_nothing_that_its_author_says_gives_the_diagnosis_away(name):
    patient = PATIENTS[name]
    assert patient.diagnosis.lower().rstrip(".") not in patient.complaint.lower()
    for _name, url in patient.sources:
        assert re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+/issues/\d+", url)


# ── Examinations ─────────────────────────────────────────────────────────────────────────────────────────────


def test_healthy_networks_are_healthy():
    assert not shapes({}).sick and not prove({}).sick
    assert prove({}).winners == 1
    found = statistics({})
    assert len(found.readings) > 300 and not found.sick


@pytest.mark.sampled(3)
@pytest.mark.parametrize("seed", range(5, 11))
def test_no_examination_takes_a_healthy_network_with_other_weights_for_a_sick_one(seed):
    def other_weights(network):
        fresh = assemble({}, seed)
        network.load_state_dict(fresh.state_dict())

    assert not statistics({"initialise": other_weights}).odd


def test_a_reading_is_odd_only_well_outside_the_healthy_range():
    def odd(value, low=1.0, high=1.1):
        return Reading("stage1.0", "mean", value, low, high).odd

    assert not odd(0.8) and not odd(1.3)
    assert odd(0.3) and odd(2.0)
    assert odd(0.5, 0.0, 0.0) and not odd(0.001, 0.0, 0.0)


def test_a_part_of_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="no part is called 'blok'; there are stem, block"):
        assemble({"blok": HEALTHY["block"]})
    with pytest.raises(ValueError, match="no part is called 'blok'"):
        check_cured(PATIENTS["eager"], blok=HEALTHY["block"])
    with pytest.raises(ValueError, match=r"give the mended part, as in check_cured\(patient, block=…\)"):
        check_cured(PATIENTS["eager"])


def test_assembling_leaves_the_random_numbers_of_the_session_alone():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    assemble({}, seed=5)
    assert torch.equal(torch.rand(3), expected)


def test_code_that_raises_is_a_sentence_in_every_examination():
    class Broken(broken.EagerBlock):
        def forward(self, x):
            return self.conv9(x)

    parts = {"block": Broken}
    for found in (shapes(parts), statistics(parts), prove(parts), Trial(parts, steps=2)):
        assert found.sick and "has no attribute 'conv9'" in found.text + str(getattr(found, "cause", ""))
    assert "conv9" in refused(PATIENTS["eager"], block=Broken).sentence
    assert "not callable" in refused(PATIENTS["eager"], block=None).sentence


class Own(Exception):
    """Of a learner, who did not say how it prints itself."""

    def __str__(self):
        raise ValueError


def test_an_exception_of_a_learners_own_class_is_a_sentence_wherever_it_is_raised():
    class Raising(broken.EagerBlock):
        def forward(self, x):
            raise Own

    calls = []

    def load(network, published):
        network.load_state_dict(published)
        calls.append(1)
        if len(calls) > 1:
            raise Own

    def raising(*given):
        raise Own

    parts = {"block": Raising}
    for found in (shapes(parts), statistics(parts), prove(parts), Trial(parts, steps=2)):
        assert found.sick and "Own" in found.text + str(getattr(found, "cause", ""))
    for name, cure in [
        ("eager", {"block": Raising}),
        ("sociable", {"answer": raising}),
        ("tidy", {"load": raising}),
        ("tidy", {"load": load}),
        ("dead", {"initialise": raising}),
    ]:
        assert "Own" in refused(PATIENTS[name], **cure).sentence


@pytest.mark.parametrize("most", [50, 1000])
@pytest.mark.parametrize("part", ["stem", "block", "head"])
def test_an_upper_end_that_no_picture_reaches_is_no_cure(part, most):
    class Limited(nn.Module):
        def __init__(self, *given):
            super().__init__()
            self.of = HEALTHY[part](*given)

        def forward(self, x):
            return self.of(x).clamp(max=most)

    assert refused(PATIENTS["worried"], **{part: Limited}).finding.kind.name == "wrong elsewhere"


@pytest.mark.parametrize("line", ["torch.set_grad_enabled(False)", "torch.no_grad().__enter__()"])
def test_a_cure_that_leaves_torch_without_gradients_is_none(line):
    def answer(network, pictures):
        exec(line)
        return network.eval()(pictures)

    def initialise(network):
        exec(line)
        HEALTHY["initialise"](network)
        for name, module in network.named_modules():
            if name.endswith("bn3"):
                nn.init.zeros_(module.weight)

    for name, cure in (("sociable", {"answer": answer}), ("dead", {"initialise": initialise})):
        assert "whether gradients are recorded" in refused(PATIENTS[name], **cure).sentence
    assert torch.is_grad_enabled()


def test_the_trial_stops_and_goes_on_and_the_healthy_are_trained_once():
    trial = Trial({}, steps=4)
    for step in trial:
        if step == 2:
            break
    assert trial.step == 2 and not trial.done and "so far" in trial.text
    for _ in trial:
        pass
    assert trial.done and [len(losses) for losses in trial.losses.values()] == [4, 4, 4]
    again = Trial(PATIENTS["straight"].parts, steps=4)
    for _ in again:
        assert len(set(map(len, again.losses.values()))) == 1, "compared after equally many steps"
    # What was trained beside one patient is not trained on beside the next.
    assert again.losses["healthy"] == trial.losses["healthy"]
    assert trial.losses["patient"] == trial.losses["healthy"], "the same parts and the same first weights"
    assert not trial.sick


def test_a_patient_that_was_trained_is_not_trained_again_and_what_comes_after_training_is_no_other_patient():
    parts = PATIENTS["straight"].parts
    losses = Trial(parts, steps=7).run().losses
    again = Trial({**parts, "answer": lambda network, x: network(x)}, steps=7)
    assert again.step == 7 and again.losses == losses
    assert Trial(PATIENTS["single"].parts, steps=7).step == 0


def test_with_a_softmax_inside_no_loss_is_lower_than_its_bound():
    trial = Trial(PATIENTS["polite"].parts, steps=8)
    for _ in trial:
        pass
    assert min(trial.losses["patient"]) > math.log(math.e + 19) - 1.01


def test_a_network_that_stops_is_not_trained():
    trial = Trial(PATIENTS["halving"].parts, steps=3)
    assert list(trial) == [] and trial.done and trial.sick
    assert trial.text.startswith("It cannot be trained. RuntimeError: The size of tensor a (32)")


class Told(Trial):
    """A trial whose losses are given."""

    def __init__(self, patient, healthy, other):
        self.steps, self.error, self._runs = 3, None, {}
        self._told = {"patient": [patient] * 3, "healthy": [healthy] * 3, "healthy, other weights": [other] * 3}

    @property
    def losses(self):
        return self._told

    @property
    def step(self):
        return self.steps


@pytest.mark.parametrize(
    ("losses", "sick"),
    [
        ((1.0, 1.0, 1.1), False),
        ((0.2, 1.0, 1.1), False),
        ((1.55, 1.0, 1.1), False),
        ((1.7, 1.0, 1.1), True),
        ((1.9, 1.0, 1.4), False),
        ((2.7, 1.0, 1.4), True),
    ],
)
def test_training_speaks_only_where_a_loss_is_worse_than_luck_explains(losses, sick):
    trial = Told(*losses)
    assert trial.sick == sick
    assert ("more than chance explains" in trial.text) == sick


@in_full
@pytest.mark.slow
@pytest.mark.parametrize("name", ["dead", "polite", "hoarder", "sleepy", "dizzy", "lean"])
def test_training_finds_those_that_cannot_learn_well(name):
    trial = Trial(PATIENTS[name].parts, PATIENTS[name].healthy, steps=200)
    for _ in trial:
        pass
    assert trial.sick, trial.text


@pytest.mark.slow
@in_full
def test_what_is_turned_at_random_leaves_the_turn_to_be_guessed():
    trial = Trial(PATIENTS["dizzy"].parts, steps=200).run()
    assert math.log(4) - 0.25 < trial.late("patient") < math.log(4) + 0.25, "the photograph is learned, the turn is not"
    assert trial.late("healthy") < 0.6


@in_full
@pytest.mark.slow
@pytest.mark.parametrize("name", ["raw", "default", "thrifty", "straight", "single", "worried"])
def test_training_makes_up_for_many_a_mistake(name):
    trial = Trial(PATIENTS[name].parts, steps=200).run()
    assert not trial.sick, trial.text


def test_the_first_steps_tell_what_a_step_leaves_behind_from_what_it_does():
    hoarder, sleepy, dead = (
        Trial(PATIENTS[name].parts, PATIENTS[name].healthy, steps=6).run() for name in ("hoarder", "sleepy", "dead")
    )
    assert hoarder.alike == 2 and hoarder.unmoved == ()
    assert "Up to step 2 its losses are those of the healthy network" in hoarder.text
    assert sleepy.alike == 0 and {name.rpartition(".")[2] for name in sleepy.unmoved} == {"running_mean", "running_var"}
    assert dead.parted, "F is zero at first in both, and learns in one"
    assert {"stage1.0.conv1.weight", "stage1.0.bn1.weight"} < set(dead.unmoved)


@pytest.mark.sampled(3)
@every_patient
def test_what_does_not_move_is_no_finding_in_a_network_that_learns(name):
    if name not in ("halving", "wide-shortcut", "dead", "sleepy"):
        assert Trial(PATIENTS[name].parts, steps=6).run().unmoved == ()


def test_pictures_prepared_in_another_way_show_where_they_go_in_and_in_what_a_trained_bn_has_kept():
    """Each of the wrong diagnoses of the raw patient would have another mean, as its answers say."""
    found = statistics(PATIENTS["raw"].parts)
    assert {r.step for r in found.odd} == {"input"}
    means = {}
    for name, prepare in {
        "raw": broken.prepare,
        "bytes": lambda x: x.float(),
        "twice": lambda x: HEALTHY["prepare"](HEALTHY["prepare"](x) * 255),
    }.items():
        means[name] = statistics({"prepare": prepare}).readings[0].value
        assert prove({"prepare": prepare}).sick
    assert 0 < means["raw"] < 1 and means["bytes"] > 50 and means["twice"] < 0
    healthy, mine = prove(PATIENTS["raw"].parts).arrives
    assert mine < healthy / 3
    assert prove({}).arrives[0] == prove({}).arrives[1]
    assert prove(PATIENTS["raw"].parts).winners < 0.5


def test_a_loss_that_is_no_number_ends_the_trial_with_a_sentence():
    def step(network, optimizer, x, labels):
        return float("nan") if optimizer.state else HEALTHY["step"](network, optimizer, x, labels)

    trial = Trial({"step": step}, steps=4).run()
    assert trial.sick and trial.done and trial.step == 1
    assert trial.text.endswith("Then it stops: ValueError: after 1 steps the loss is nan, no number.")


# ── The check ────────────────────────────────────────────────────────────────────────────────────────────────


def altered(name, old, new):
    """The parts of a patient whose mended code has been changed again, or whose own code has."""
    patient = PATIENTS[name]
    source = patient.mended if old in patient.mended else patient.code
    assert old in source
    names = run(source.replace(old, new))
    return {part: names[wrong.__name__] for part, wrong in patient.parts.items()}


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("name", "old", "new", "sentence"),
    [
        ("eager", "return F.relu(out)", "return out", "there is no ReLU after the sum"),
        ("lean", "nn.BatchNorm2d(C_out))\n\n", "nn.BatchNorm2d(C_out, eps=1e-3))\n\n", "shortcut.bn has eps = 0.001"),
        ("halving", "if stride != 1 or in_channels != out_channels:", "if True:", "its shortcut passes x on unchanged"),
        ("wide-shortcut", "C1 * 4, 1, stride=S, bias", "C1 * 4, 1, stride=2, bias", "The code stops in stage1"),
        (
            "paper",
            "kernel_size=1, bias=False)\n        self.bn1",
            "kernel_size=1, stride=stride, bias=False)\n        self.bn1",
            "The code stops in stage2",
        ),
        ("default", "nn.Conv2d(C, C1, 1, bias=False)", "nn.Conv2d(C, C1, 1)", "has a bias"),
        ("thrifty", "out = out + self", "out += self", "a later step wrote over it"),
        (
            "tidy",
            "network.load_state_dict(published)",
            "network.load_state_dict(dict(zip(network.state_dict(), published.values())), strict=False)",
            "Error(s) in loading state_dict",
        ),
        ("quick", "kernel_size=3, stride=2, padding=1", "kernel_size=3, stride=2", "kernel 3, stride 2, padding 0"),
        ("straight", "self.bn(x).relu()", "F.leaky_relu(self.bn(x))", "LeakyReLU"),
        ("single", "len(made) > 0 and", "len(made) > 1 and", "stage2"),
        (
            "polite",
            "fc=nn.Linear(C, num_classes),",
            "fc=nn.Linear(C, num_classes), log=nn.LogSoftmax(1),",
            "there is a log-softmax inside the network",
        ),
        ("dead", 'endswith("bn3")', 'endswith("bn2")', "The statistics of stage1.0.bn2 are not healthy"),
        ("dead", 'endswith("bn3")', 'endswith("bn4")', "The statistics of stage1.0.bn3 are not healthy"),
        ("sociable", "network.eval()", "network.train()", "depends on the pictures beside it"),
        ("sociable", "return network(pictures)", "return network(pictures).softmax(1)", "not the healthy network's"),
        ("sociable", "return network(pictures)", "return network(pictures).argmax(1)", "the answers have shape (64,)"),
        ("raw", "- mean) / std", "/ std) - mean", "look at how the pictures are prepared"),
        ("raw", "div(255)", "div(256)", "not the healthy network's"),
        (
            "hoarder",
            "    optimizer.zero_grad()\n    loss.backward()\n    optimizer.step()",
            "    loss.backward()\n    optimizer.zero_grad()\n    optimizer.step()",
            "have not moved",
        ),
        ("hoarder", "network.train()", "network.eval()", "have not moved, the first stage0.bn.running_mean"),
        ("sleepy", "    network.train()\n    optimizer.zero_grad()", "    network.train()", "Up to step 2 its losses"),
        ("dizzy", "network(pictures)", "network(pictures.flip(3))", "its losses should be the healthy ones"),
    ],
)
def test_what_is_no_cure_is_refused_with_a_sentence(name, old, new, sentence):
    assert sentence in refused(PATIENTS[name], **altered(name, old, new)).sentence


def given(name, change):
    """The part of a patient that a learner mends, after a change to the mended code."""
    names = run(change(PATIENTS[name].mended))
    part = list(PATIENTS[name].parts)[-1]
    return {part: names[PATIENTS[name].parts[part].__name__]}


SLIPS = [
    ("halving", "return self.relu(out + identity)", "self.relu(out + identity)", "without its return"),
    ("halving", "out + identity", "out + identiy", "identiy is used and never given a value"),
    ("halving", "super().__init__()", "pass", "Begin __init__ with super().__init__()"),
    ("tidy", "network.load_state_dict(published)", "network.load_state_dict(publishd)", "publishd is used and never"),
    ("tidy", "network.load_state_dict", "published.load_state_dict", "OrderedDict has no load_state_dict"),
    (
        "tidy",
        "network.load_state_dict(published)",
        "for a, b in zip(network.state_dict().values(), published.values()): a.copy_(b)",
        "Two shapes do not fit",
    ),
    ("sociable", "return network(pictures)", "network(pictures)", "without its return"),
    ("sociable", "network.eval()", "pictures.eval()", "A Tensor has no eval"),
    ("dead", "nn.init.zeros_(module.weight)", "module.weight = 0", "torch.nn.init.zeros_"),
]


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("name", "old", "new", "sentence"), SLIPS)
def test_a_python_error_is_told_in_words_and_its_hint_is_not_about_the_shapes_of_a_sum(name, old, new, sentence):
    verdict = refused(PATIENTS[name], **given(name, lambda code: code.replace(old, new)))
    assert "The code stops" in verdict.sentence and sentence in verdict.sentence
    assert len(verdict.sentence) < 600, "Python may have a page to say"
    assert "Which two shapes" not in verdict.hints[0]


def test_the_hint_to_two_shapes_is_given_where_two_shapes_disagree():
    verdict = refused(PATIENTS["halving"], **PATIENTS["halving"].parts)
    assert "differ, 256 and 64" in verdict.sentence and "Which two shapes" in verdict.hints[0]


def test_classes_instead_of_scores_are_answered_by_a_hint_that_asks_for_scores():
    classes = given("sociable", lambda code: code.replace("(pictures)\n", "(pictures).argmax(1)\n"))
    verdict = refused(PATIENTS["sociable"], **classes)
    assert "the answers have shape (64,)" in verdict.sentence and "scores" in verdict.hints[0]
    assert "stops" not in verdict.sentence and "Error" not in verdict.sentence


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        ("pass", "Not even the first weight"),
        (
            "weights = network.state_dict()\n    for name in weights:\n        weights[name] = published[name]",
            "Not even the first weight",
        ),
        ("for name, p in network.named_parameters():\n        p.data.copy_(published[name])", "Running means"),
    ],
)
def test_weights_that_never_arrive_are_told_from_those_that_go_to_the_wrong_places(body, hint):
    verdict = refused(PATIENTS["tidy"], load=run(f"def load(network, published):\n    {body}\n")["load"])
    assert hint in verdict.hints[0]
    assert hint not in refused(PATIENTS["tidy"], **PATIENTS["tidy"].parts).hints[0]
    assert "copy=True" not in str(verdict), "that is no argument of anything here"


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", ["eager", "paper", "tidy", "polite"])
def test_of_a_patient_that_is_as_it_was_the_check_does_not_give_the_cause_away_before_its_hints(name):
    patient = PATIENTS[name]
    sentence = refused(patient, **patient.parts).sentence
    assert "the mistake that it came with" in sentence
    assert prove(patient.parts).cause.split(";")[0] not in sentence


def test_a_layer_that_is_never_used_is_seen_in_the_count():
    def stem(base):
        made = HEALTHY["stem"](base)
        made.spare = nn.Linear(3, 3)
        return made

    assert f"{25_557_032 + 12:,}" in refused(PATIENTS["quick"], stem=stem).sentence


class OwnWay(nn.Module):
    """A right block with names and a style of its own."""

    def __init__(self, C, C1, S=1):
        super().__init__()
        self.squeeze = nn.Sequential(nn.Conv2d(C, C1, 1, bias=False), nn.BatchNorm2d(C1), nn.ReLU())
        self.look = nn.Sequential(nn.Conv2d(C1, C1, 3, S, 1, bias=False), nn.BatchNorm2d(C1), nn.ReLU())
        self.widen = nn.Sequential(nn.Conv2d(C1, 4 * C1, 1, bias=False), nn.BatchNorm2d(4 * C1))
        self.side = None
        if C != 4 * C1 or S != 1:
            self.side = nn.Sequential(nn.Conv2d(C, 4 * C1, 1, S, bias=False), nn.BatchNorm2d(4 * C1))

    def forward(self, x):
        s = x if self.side is None else self.side(x)
        return F.relu(s + self.widen(self.look(self.squeeze(x))))


NAMES = {
    f"stage{{n}}.{{n}}.{own}.{i}": f"stage{{n}}.{{n}}.{theirs}"
    for own, layers in (
        ("squeeze", "conv1 bn1 relu1"),
        ("look", "conv2 bn2 relu2"),
        ("widen", "conv3 bn3"),
        ("side", "shortcut.conv shortcut.bn"),
    )
    for i, theirs in enumerate(layers.split())
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", ["eager", "paper", "thrifty"])
def test_any_right_block_cures_whatever_its_names(name):
    assert check_cured(PATIENTS[name], names=NAMES, block=OwnWay).ok
    assert check_cured(PATIENTS[name], block=HEALTHY["block"]).ok


def test_a_block_with_names_of_its_own_cures_without_a_word_about_them():
    assert check_cured(PATIENTS["eager"], block=OwnWay).ok


@pytest.mark.parametrize("name", ["straight", "quick"])
def test_a_stem_as_one_sequence_cures_too(name):
    def stem(base):
        layers = nn.Conv2d(3, base, 7, 2, 3, bias=False), nn.BatchNorm2d(base), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        return nn.Sequential(OrderedDict(zip(("conv", "bn", "relu", "pool"), layers, strict=True)))

    assert check_cured(PATIENTS[name], stem=stem).ok


def test_that_a_network_was_just_made_is_no_symptom():
    assert not any("training mode" in note for note in prove(PATIENTS["eager"].parts).ladder.notes)


def test_the_check_leaves_the_trained_network_as_it_is():
    reference = clinic.published()[0]
    before = {name: t.clone() for name, t in reference.state_dict().items()}
    for name in ("sociable", "tidy"):
        refused(PATIENTS[name], **PATIENTS[name].parts)
    assert all(torch.equal(t, before[name]) for name, t in reference.state_dict().items())
    assert not reference.training


# ── The explorer ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def explorer():
    return ClinicExplorer("eager", steps=3)


def seen(explorer, name):
    return words(explorer._views[name])


def test_a_new_patient_has_a_complaint_and_a_code_and_nothing_is_known_of_it(explorer):
    assert PATIENTS["eager"].complaint in explorer.patient.label
    assert "class EagerBlock" in explorer._code.value
    assert [explorer._views[name].value for name in EXAMINATIONS] == [""] * 4
    assert explorer.diagnosis.value is None and explorer.found == {}


def test_every_button_examines_and_says_what_it_found_and_what_it_cannot_see(explorer):
    explorer.shapes.click()
    assert "All shapes are as they should be" in seen(explorer, "shapes and counts")
    assert "25,557,032" in seen(explorer, "shapes and counts")
    explorer.statistics.click()
    assert "readings lie outside the healthy range" in seen(explorer, "statistics")
    assert 'aria-label="mean of every block' in explorer._views["statistics"].value
    explorer.ladder.click()
    assert "Different, first at stage1.0" in seen(explorer, "ladder of proof")
    explorer.training.start.click()
    assert "After 3 steps the loss is" in seen(explorer, "training")
    assert 'aria-label="After 3 steps' in explorer._views["training"].value
    for name, (_sees, cannot) in EXAMINATIONS.items():
        assert cannot in unescape(explorer._views[name].value)
    assert list(explorer.found) == ["shapes and counts", "statistics", "ladder of proof", "training"]


def test_the_cause_that_the_ladder_knows_is_folded_away(explorer):
    found = explorer.examine("ladder of proof")
    before, _, folded = explorer._views["ladder of proof"].value.partition("<details>")
    assert found.cause.split(";")[0] not in before and found.cause.split(";")[0] in folded


@pytest.mark.sampled(12)
@every_patient
def test_every_patient_can_be_examined_in_every_way(name):
    explorer = ClinicExplorer(name, steps=2)
    for examination in EXAMINATIONS:
        found = explorer.examine(examination)
        assert found.text.split(".")[0] in seen(explorer, examination)
        assert ("✗" in seen(explorer, examination)) >= found.sick
    assert explorer.problem.value == ""


def test_each_wrong_diagnosis_is_answered_by_its_own_reason(explorer):
    case = PATIENTS["eager"]
    for diagnosis, why in case.others.items():
        explorer.diagnosis.value = diagnosis
        assert "That does not fit" in words(explorer._feedback)
        assert why in unescape(words(explorer._feedback))
        assert case.reason not in unescape(words(explorer._feedback))


def test_the_right_diagnosis_shows_the_reason_the_repair_and_its_threads(explorer):
    explorer.shapes.click()
    explorer.ladder.click()
    explorer.diagnosis.value = PATIENTS["eager"].diagnosis
    text = words(explorer._feedback)
    assert "Right , after 2 examinations." in text
    before, _, folded = text.partition("what to change")
    assert "self.bn3" not in before, "the lesson wants the code mended by the learner"
    assert "- out = F.relu(self.bn3(self.conv3(out)))" in folded
    assert "+ out = self.bn3(self.conv3(out))" in text
    assert "https://github.com/kuangliu/pytorch-cifar/issues/4" in explorer._feedback.value


def test_another_patient_begins_with_an_empty_file(explorer):
    for name in EXAMINATIONS:
        explorer.examine(name)
    explorer.diagnosis.value = PATIENTS["eager"].diagnosis
    explorer.patient.value = "worried"
    assert [explorer._views[name].value for name in EXAMINATIONS] == [""] * 4
    assert explorer.found == {} and explorer.diagnosis.value is None and explorer._feedback.value == ""
    assert set(explorer.diagnosis.options) == set(PATIENTS["worried"].choices)
    explorer.diagnosis.value = PATIENTS["worried"].diagnosis
    assert "no examination, from the code or by luck" in words(explorer._feedback)


def test_in_a_notebook_training_can_be_stopped_while_other_examinations_have_their_turn():
    explorer = ClinicExplorer("straight", steps=12)

    async def notebook():
        explorer.training.start.click()
        while "training" not in explorer.found or explorer.found["training"].step < 2:
            await asyncio.sleep(0.01)
        explorer.shapes.click()
        assert "25,557,032" in seen(explorer, "shapes and counts")
        explorer.training.stop.click()
        at = explorer.found["training"].step
        await asyncio.sleep(0.05)
        assert explorer.found["training"].step == at < 12
        assert "so far" in seen(explorer, "training")
        explorer.training.start.click()
        while not explorer.found["training"].done:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.02)

    asyncio.run(notebook())
    assert "After 12 steps" in seen(explorer, "training")


def test_an_examination_of_an_unknown_name_is_refused(explorer):
    with pytest.raises(ValueError, match="no examination is called 'x-ray'; there are shapes and counts"):
        explorer.examine("x-ray")


def test_a_table_of_findings_says_in_words_too_who_is_found():
    cells = {"shapes": False, "ladder": True, "same": "62%"}
    table = str(findings_table({"eager": cells}, list(cells)))
    assert "<td>eager</td><td>·</td>" in table and "finds it" in table and "62%" in table


# ── The lesson ───────────────────────────────────────────────────────────────────────────────────────────────


def unformatted(code):
    """The code as one way of writing it, whatever its line breaks."""
    return ast.unparse(ast.parse(code))


def test_the_codes_to_mend_in_the_lesson_are_those_of_the_patients():
    import jupytext  # takes seconds, and other files import this one

    cells = jupytext.read(ROOT / "notebooks" / "source" / "11_clinic.py", fmt="py:percent").cells
    tagged = {tag: [c.source for c in cells if tag in c.metadata.get("tags", ())] for tag in ("exercise", "solution")}
    treated = ["halving", "eager", "paper", "polite", "sociable", "tidy", "dead"]
    for name, exercise, solution in zip(treated, tagged["exercise"], tagged["solution"], strict=False):
        broken = list(PATIENTS[name].parts.values())[-1].__name__
        start = re.search(rf"^(@.*\n)?(class|def) {broken}\b", PATIENTS[name].code, re.MULTILINE).start()
        given = re.sub(r"^ *\.\.\.(  #.*)?\n", "", exercise, flags=re.MULTILINE)  # what says that it is still open
        assert unformatted(PATIENTS[name].code[start:]) in unformatted(given)
        start = re.search(rf"^(@.*\n)?(class|def) {broken}\b", PATIENTS[name].mended, re.MULTILINE).start()
        assert unformatted(solution) == unformatted(PATIENTS[name].mended[start:])
    assert len(tagged["exercise"]) == len(treated) + 1
    numbers = [list(PATIENTS).index(name) + 1 for name in treated]
    text = " ".join(" ".join(c.source for c in cells if c.cell_type == "markdown").split())
    assert f"numbers {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}, in this order" in text


def test_every_part_has_a_healthy_one():
    assert all(PATIENTS[name].parts.keys() <= HEALTHY.keys() for name in PATIENTS)


@pytest.mark.parametrize(
    ("name", "words"),
    [("quick", "kernel"), ("thrifty", "written over"), ("hoarder", "piles up"), ("polite", "softmax")],
)
def test_what_speaks_against_a_wrong_diagnosis_does_not_name_the_right_one(name, words):
    patient = PATIENTS[name]
    for wrong in set(patient.choices) - {patient.diagnosis}:
        right, why = patient.feedback(wrong)
        assert not right and words not in why
