"""Where two networks first differ: the question, the check of a mended network, and lesson 05's own ladder."""

import re
from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from resnet_lib import resnet50
from resnet_lib.compare.proof import draw_norms
from resnet_lib.exercises import Wrong, check_ladder, first_difference_question, predict, solved
from resnet_lib.network import ResNet

from .test_notebooks import read

X = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def thin(**options):
    return ResNet(blocks=(3, 2, 3, 2), base=8, num_classes=10, **options)


@pytest.fixture(scope="module")
def reference():
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        network = thin().eval()
        draw_norms(network)
    return network


def changed(reference, change):
    network = deepcopy(reference)
    change(network)
    return network


def v1(network):
    for stage in (network.stage2, network.stage3, network.stage4):
        stage[0].conv1.stride, stage[0].conv2.stride = (2, 2), (1, 1)


def without_relu(network):
    network.stage3[2].relu2 = nn.Identity()


def another_eps(network):
    for m in network.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.eps = 1e-3


def not_a_number(network):
    with torch.no_grad():
        network.stage2[1].bn2.running_var.fill_(-1)


# ── The question ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("change", "first"),
    [
        (v1, "stage2.0.conv1"),
        (without_relu, "stage3.2.relu2"),
        (another_eps, "stage0.bn"),
        (not_a_number, "stage2.1.bn2"),
        (nn.Module.train, "stage0.bn"),
    ],
)
def test_the_first_step_that_differs_is_found_by_running_both(reference, change, first):
    question = first_difference_question("planted", changed(reference, change), reference, X)
    assert question.answer == first
    assert predict(question, first).ok
    assert predict(question, f" {first.upper()} ").ok


@pytest.mark.parametrize(
    ("change", "first", "inside"),
    [
        (v1, "stage2", "stage2.0.conv1"),
        (nn.Module.train, "stage0", "stage0.bn"),
        (not_a_number, "stage2", "stage2.1.bn2"),
        (without_relu, "stage3", "stage3.2.relu2"),
    ],
)
def test_it_can_be_asked_of_whole_parts_and_the_answer_says_which_step_in_it_is_the_first(
    reference, change, first, inside
):
    steps = ["stage0", "stage1", "stage2", "stage3", "stage4", "head"]
    question = first_difference_question("planted", changed(reference, change), reference, X, steps=steps)
    assert question.answer == first and list(question.options) == steps
    assert f"In it, {inside} is the first step that differs." in predict(question, first).remarks[0]
    assert inside not in " ".join((question.text, *question.hints))


@pytest.mark.parametrize(
    ("guess", "sentence"),
    [
        (None, "no prediction yet"),
        ("stage1.0.conv1", "It still gives the same numbers in both"),
        ("stage2.0.conv2", "differs already. You are in the right stage."),
        ("stage3.0.conv1", "It differs too, but one that runs before it differs already."),
        ("stage2.0.con1", "Did you mean 'stage2.0.conv1'"),
        ("stage2", "Nothing is called 'stage2' there. Did you mean 'stage2.0."),
        ("conv1 of the first block", "Nothing is called"),
        (3, "Nothing is called 3 there"),
    ],
)
def test_a_wrong_guess_is_told_whether_it_comes_too_early_or_too_late(reference, guess, sentence):
    question = first_difference_question("v1", changed(reference, v1), reference, X)
    with pytest.raises(Wrong) as caught:
        predict(question, guess)
    verdict = caught.value.verdict
    assert sentence in verdict.sentence
    assert "is the last that is still equal" in verdict.hints[-1] and verdict.hints[1] == "It is in stage2."
    assert question.answer not in " ".join(verdict.hints)


def test_the_networks_stay_as_they_were(reference):
    awake = deepcopy(reference).train()
    kept = deepcopy(awake.state_dict())
    first_difference_question("eval() forgotten", awake, reference, X)
    assert awake.training and not reference.training
    assert all(torch.equal(t, kept[name]) for name, t in awake.state_dict().items())


def test_networks_that_do_not_differ_cannot_be_asked_about(reference):
    with pytest.raises(ValueError, match="no first difference"):
        first_difference_question("the same", deepcopy(reference), reference, X)


# ── The check of a mended network ────────────────────────────────────────────────────────────────────────────


class PoolInForward(nn.Module):
    """A stem that has no module for its pooling."""

    def __init__(self, stem):
        super().__init__()
        self.conv, self.bn = stem.conv, stem.bn

    def forward(self, x):
        return F.max_pool2d(self.bn(self.conv(x)).relu(), 3, 2, 1)


def keep(network):
    pass


def pooled_in_forward(network):
    network.stage0 = PoolInForward(network.stage0)


def relu_before_the_pool_or_after(network):
    network.stage0.relu, network.stage0.pool = network.stage0.pool, network.stage0.relu


@pytest.mark.parametrize("change", [keep, pooled_in_forward, relu_before_the_pool_or_after, nn.Module.train])
def test_a_network_that_computes_the_same_is_accepted_however_it_is_written(reference, change):
    def make():
        return changed(reference, change)

    assert check_ladder(make, reference, X, exercise="06.4").ok
    assert list(solved()) == ["06.4"]


def new_pool(*options):
    def change(network):
        network.stage0.pool = nn.MaxPool2d(*options)

    return change


def average(network):
    network.stage0.pool = nn.AvgPool2d(3, 2, 1)


def forward_of_btnk2(forward):
    def change(network):
        for m in network.modules():
            if type(m).__name__ == "BTNK2":
                m.forward = forward.__get__(m)

    return change


def f_of(self, x):
    f = self.relu1(self.bn1(self.conv1(x)))
    return self.bn3(self.conv3(self.relu2(self.bn2(self.conv2(f)))))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (new_pool(2, 2), "stage0.pool"),
        (new_pool(3, 2), "stage0.pool"),
        (new_pool(3, 1, 1), "stage0.pool"),
        (average, "stage0.pool"),
        (forward_of_btnk2(lambda self, x: self.relu3(f_of(self, x)) + x), "first at stage1.1"),
        (forward_of_btnk2(lambda self, x: f_of(self, x) + x), "first at stage1.1"),
        (forward_of_btnk2(lambda self, x: self.relu3(f_of(self, x))), "first at stage1.1"),
        (forward_of_btnk2(lambda self, x: self.relu3(self.relu3(f_of(self, x)) + x)), "first at stage1.1"),
        (forward_of_btnk2(lambda self, x: None), "a function or a forward without its return"),
        (forward_of_btnk2(lambda self, x: f_of(self, x) + self.conv1(x)), "channels of the two terms differ"),
        (forward_of_btnk2(lambda self, x: self.rleu3(f_of(self, x) + x)), "forward uses self.rleu3"),
        (forward_of_btnk2(lambda self, x: f_of(self, x) * float("nan")), "first at stage1.1"),
        (forward_of_btnk2(lambda self, x: self.relu3(f_of(self, x) + x.detach())), "gradients differ"),
        (forward_of_btnk2(lambda self, x: self.relu3(f_of(self, x) + x).data), "all steps are equal, in eval()."),
        (forward_of_btnk2(lambda self, x: self.relu3(f_of(self, F.dropout(x, 0.1, self.training)) + x)), "dropout"),
    ],
)
def test_what_is_not_mended_yet_is_told_by_the_ladder_with_hints(reference, change, sentence):
    with pytest.raises(Wrong) as caught:
        check_ladder(lambda: changed(reference, change), reference, X, exercise="06.4")
    assert sentence in caught.value.verdict.sentence
    assert len(caught.value.verdict.hints) == 3
    assert solved() == {}


def test_what_is_wrong_at_the_first_difference_is_said_by_the_last_hint_alone(reference):
    with pytest.raises(Wrong) as caught:
        check_ladder(lambda: changed(reference, new_pool(2, 2)), reference, X)
    verdict = caught.value.verdict
    assert verdict.sentence == "Different, first at stage0.pool."
    assert "kernel" in verdict.hints[-1] and "stage0" in verdict.hints[-1]


def test_the_hint_is_keyed_to_where_the_ladder_stopped(reference):
    def hint(change):
        with pytest.raises(Wrong) as caught:
            check_ladder(lambda: changed(reference, change), reference, X)
        return caught.value.verdict.hints[0]

    assert "padding of the pooling" in hint(new_pool(2, 2))
    assert "last bracket closes" in hint(forward_of_btnk2(lambda self, x: self.relu3(f_of(self, x)) + x))
    assert "has its return" in hint(forward_of_btnk2(lambda self, x: None))
    assert "at which it stopped" in hint(forward_of_btnk2(lambda self, x: self.rleu3(f_of(self, x) + x)))


def test_what_stops_the_network_is_told_in_short(reference):
    with pytest.raises(Wrong) as caught:
        check_ladder(lambda: changed(reference, forward_of_btnk2(lambda self, x: None)), reference, X)
    assert len(caught.value.verdict.sentence) < 500


def new_kind_of_pool(network):
    network.stage0.pool = nn.MaxPool2d


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: changed(thin(), new_kind_of_pool), "without its brackets"),
        (lambda: undefined, "undefined is used and never given a value"),
        (lambda: thin().load_state_dict({}), "Keep the names and shapes that were there"),
        (lambda: None, "must be an nn.Module, and is NoneType"),
        (lambda: thin, "must be an nn.Module"),
        (7, "was given int"),
        (nn.ReLU(), "expects a function that makes the network"),
    ],
)
def test_what_makes_no_network_is_told_in_a_sentence(reference, make, sentence):
    with pytest.raises(Wrong) as caught:
        check_ladder(make, reference, X)
    assert sentence in caught.value.verdict.sentence


# ── Lesson 05's own ladder ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def lessons_ladder():
    cell = next(c.source for c in read("05_resnet50.ipynb").cells if c.source.startswith("def ladder("))
    space = {}
    exec("from resnet_lib import activations\n" + re.split(r"\n(?=\S)", cell)[0], space)
    return space["ladder"]


@pytest.mark.parametrize(
    ("change", "first"), [(keep, None), (v1, "stage2"), (without_relu, "stage3"), (not_a_number, "stage2")]
)
def test_the_ladder_of_lesson_05_names_the_first_part_that_differs_also_where_it_is_nan(
    reference, lessons_ladder, capsys, change, first
):
    assert lessons_ladder(changed(reference, change), reference, X) == first
    marks = [line.rpartition("  ")[2].strip() for line in capsys.readouterr().out.splitlines()]
    assert sum("the first" in mark for mark in marks) == (first is not None)
    assert len(marks) == 6


def test_resnet_50_itself_is_what_the_lesson_compares_with():
    with torch.device("meta"):
        assert list(dict(resnet50().named_children())) == ["stage0", "stage1", "stage2", "stage3", "stage4", "head"]


def test_the_same_question_asked_again_runs_no_network_until_one_of_them_changes(reference):
    network, reference, runs = changed(reference, v1), deepcopy(reference), []
    reference.register_forward_hook(lambda *_: runs.append(1))
    first = first_difference_question("v1", network, reference, X)
    assert first_difference_question("v1", network, reference, X).answer == first.answer
    assert len(runs) == 1
    without_relu(network)
    with torch.no_grad():
        network.stage0.bn.weight.mul_(2)
    assert first_difference_question("v1", network, reference, X).answer == "stage0.bn"
    assert len(runs) == 2
