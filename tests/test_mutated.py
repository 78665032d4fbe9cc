"""The mutants that are made by single edits: what the edits are, and what the checks say of a sample of the mutants.
`python -m tests.mutants` judges all of them."""

import ast
import os
import random
import sys

import pytest
import torch

from resnet_lib.exercises import (
    Wrong,
    check_fold,
    check_grad_cam,
    check_macs,
    check_out_width,
    check_parameters,
    check_rename,
)
from resnet_lib.exercises.diagnose import of_difference

from . import solutions
from .mutated import SUBJECTS, Subject, alike, edits, made, mutants


def refusal(check, source):
    with pytest.raises(Wrong) as caught:
        check(made(source))
    return caught.value.verdict.sentence


# ── The edits ────────────────────────────────────────────────────────────────────────────────────────────────


def test_edits_are_the_slips_of_learners_and_each_comes_once():
    found = [text for _, text in edits("def f(a, b):\n    s = (a + 2 * b) // b\n    return s + 1")]
    assert len(found) == len(set(found))
    for text in found:
        ast.parse(text)
    bodies = [text.partition("\n")[2] for text in found]
    for slip in (
        "s = (a + 2 * b) / b",
        "s = a + 2 * b // b",
        "s = (a + b) // b",
        "s = (a - 2 * b) // b",
        "s = 2 * b // b",
        "return s",
        "return s + 2",
        "return s - 1",
        "    s = (a + 2 * b) // b\n    s + 1",
    ):
        assert any(slip in body for body in bodies), slip
    assert any(text.startswith("def f(b, a)") for text in found)


def test_edits_of_loops_conditions_and_calls():
    source = "def f(x):\n    r = 1\n    for k in x:\n        if k < 3:\n            r += k.sum(1)\n    return r"
    found = "\n".join(text for _, text in edits(source))
    for slip in ("k <= 3", "r = k.sum(1)", "r -= k.sum(1)", "k.mean(1)", "k.sum()", "list(x)[1:]", "if not k < 3"):
        assert slip in found, slip
    assert "r += k.sum(1)\n        return r" in found, "return inside the loop"


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_no_edit_leaves_the_source_as_it_was(subject):
    for source in subject.right:
        same = ast.unparse(ast.parse(source))
        assert all(text != same for _, text in edits(source))


def test_results_are_alike_by_their_numbers_whatever_they_are_made_of():
    assert alike(3, 3.0) and alike(torch.tensor(3), 3) and not alike(3, 4)
    assert alike((torch.ones(2), 1), [torch.ones(2), 1]) and not alike((1, 2), (1, 2, 3))
    assert not alike(torch.ones(2), torch.ones(2, 1)) and not alike(torch.tensor(float("nan")), torch.tensor(1.0))
    assert alike({"a": torch.ones(1)}, {"a": torch.ones(1)}) and not alike({"a": 1}, {"b": 1})
    assert not alike(ValueError(), ValueError()) and not alike(None, 0) and not alike(1, (1,))
    assert alike(2**40, 2**40) and not alike(2**40, 2**40 + 10**4)


def test_a_loop_that_never_ends_is_left_out():
    subject = Subject(
        "halving",
        check_out_width,
        ["def f(W, k, s, p, d):\n    n = 0\n    while n * s + d * (k - 1) < W + 2 * p:\n        n += 1\n    return n"],
    )
    found = list(mutants(subject, lambda every: [m for m in every if "n += 0" in m[2] or "n += 2" in m[2]]))
    assert [m.edit for m in found] == ["1 → 2"]


# ── What the checks say ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_a_right_solution_is_accepted_in_every_style(subject):
    for source in subject.right:
        assert subject.check(made(source, subject.space)).ok, source


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_of_a_sample_of_mutants_every_wrong_one_is_refused_and_most_are_told_why(subject):
    n = 16 if os.environ.get("RESNET_COURSE_ALL") else 8
    found = list(mutants(subject, lambda every: random.Random(0).sample(every, n)))
    wrong = [m for m in found if m.verdict != "same"]
    assert len(wrong) >= n // 2
    assert [m for m in wrong if m.verdict in ("accepted", "broken")] == []
    assert sum(m.verdict in ("named", "generic", "error") for m in wrong) > len(wrong) / 3


FORMULAS = [s for s in SUBJECTS if s.name.startswith(("out_width", "param", "weights", "macs", "receptive_field"))]


@pytest.mark.parametrize("subject", FORMULAS, ids=lambda subject: subject.name)
def test_what_is_found_and_its_hints_do_not_hang_on_words(subject, monkeypatch):
    """Every sentence is replaced by the name of its kind."""

    def found():
        for _, source in wrong:
            try:
                yield subject.check(made(source, subject.space)).ok
            except Wrong as error:
                yield error.verdict.finding.kind, error.verdict.hints

    every = [edit for right in subject.right for edit in edits(right)]
    # No loop that may not end: it stops with an error whose round depends on the run.
    wrong = random.Random(2).sample([(what, source) for what, source in every if "while" not in source], 6)
    before = list(found())
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").startswith("resnet_lib") and hasattr(module, "say"):
            monkeypatch.setattr(module, "say", lambda finding: finding.kind.name)
    assert list(found()) == before
    assert any(result is not True for result in before)


# What mutants have shown, each once a hole or a check that broke.


def test_more_padding_than_picture_is_tried():
    loop = solutions.OUT_WIDTH[4]
    assert check_out_width(made(loop)).ok
    assert "none of" in refusal(check_out_width, loop.replace("range(-padding, W + padding", "range(-padding, W + W"))


def test_height_and_width_of_a_map_cannot_be_taken_for_each_other():
    by_hand = solutions.GRAD_CAM[3]
    assert check_grad_cam(made(by_hand)).ok
    refusal(check_grad_cam, by_hand.replace("slopes.shape[2] * slopes.shape[3]", "slopes.shape[2] ** 2"))


def test_input_and_output_channels_of_a_convolution_cannot_be_taken_for_each_other():
    refusal(check_fold, solutions.FOLD[4].replace("conv.in_channels, conv.out", "conv.out_channels, conv.out"))


def test_who_overwrites_the_weights_that_were_given_is_told_so():
    assert "overwrites what it is given" in refusal(check_fold, solutions.FOLD[3].replace(".clone()", ""))


def test_keys_that_are_no_names_are_told_so():
    said = refusal(check_rename, "def rename(published):\n    return {t: t for t in published.values()}")
    assert "a Tensor as a key" in said


def test_a_name_without_a_number_is_told_where_it_belongs():
    said = refusal(check_rename, solutions.RENAME[0].replace('"head."', '"stage4."'))
    assert "The linear layer belongs to the head" in said


def test_a_number_too_large_for_a_float_is_told_wrong_as_any_other():
    refusal(check_parameters_of_btnk2, "def f(C):\n    return 17 * 2**C")
    refusal(check_parameters_of_btnk2, "def f(C):\n    return float('nan')")
    refusal(check_parameters_of_btnk2, "def f(C):\n    return 2j")


def check_parameters_of_btnk2(f):
    return check_parameters("BTNK2", f)


# What can be said where no usual mistake fits.


@pytest.mark.parametrize(
    ("formula", "sentence"),
    [
        ("9*C1*C1 + 4*C1*C1 + 4*C*C1 + 20*C1", "Too low, left out: the first 1×1."),
        ("13*C1*C1 + 5*C*C1 + 20*C1 + 9*C1*C1", "Too high, counted twice: the 3×3."),
        ("13*C1*C1 + C*C + 4*C*C1 + 20*C1", "The first 1×1 outputs C1 channels, and you count C"),
        ("13*C1*C1 + 5*C*C1 + 20*C", "All BNs together: C where C1 is expected"),
        ("13*C1 + 5*C*C1 + 20*C1", "a factor C1 is missing"),
        ("13*C1*C1 + 5*C*C1 + 21*C1", "Too high by C1, for every input"),
        ("13*C1*C1 + 5*C*C1 + 20*C1 + 7", "Too high by 7, for every input: look at a number that stands alone"),
        ("3 * (13*C1*C1 + 5*C*C1 + 20*C1)", "Yours is 3 times the right result"),
    ],
)
def test_a_formula_is_told_which_part_is_off(formula, sentence):
    said = refusal(lambda f: check_parameters("BTNK1", f), f"def f(C, C1):\n    return {formula}")
    assert sentence in said, said


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("(W, k, s, p, d)", "(W, k, p, s, d)"), "stride and padding are exchanged: the order is W, kernel, stride"),
        (("/ s", "/ (p or 1)"), "none of"),
        (("d * (k", "s * (k"), "You use stride where dilation is expected"),
        (("2 * p", "2"), "padding plays no part in your result: it is the same as with padding = 1"),
        (("- 1) / s", ") / s"), "The reach is one too small"),
    ],
)
def test_the_width_is_told_what_was_done_to_its_arguments(change, sentence):
    source = "def f(W, k, s, p, d):\n    return math.floor((W + 2 * p - d * (k - 1) - 1) / s) + 1"
    said = refusal(check_out_width, source.replace(*change))
    assert any(part in said for part in sentence.split("|")), said


@pytest.mark.parametrize(
    ("formula", "sentence"),
    [
        ("C*C1*W*W + (9*C1*C1 + 4*C1*C1 + 4*C*C1) * V", "All after the first 1×1: a factor V is missing"),
        ("C*C1*W*W + (9*C1*C1 + 4*C*C1)*V*V + 4*C1*C1*W*W", "The last 1×1 works at V·V"),
        ("C*C1*W*W + 13*C1*C1*V*V + 4*C*W*V*V", "W where C1 is expected"),
    ],
)
def test_macs_are_told_which_layer_is_off(formula, sentence):
    source = f"def f(C, W, C1, S):\n    V = math.ceil(W / S)\n    return {formula}"
    assert sentence in refusal(lambda f: check_macs("BTNK1", f), source)


def test_what_no_single_term_explains_is_left_unexplained():
    sizes = [{"C": 2, "W": 3}, {"C": 5, "W": 7}, {"C": 4, "W": 9}]
    assert of_difference(sizes, [{}] * 3, [7, 8, 9], [1, 5, 2]) is None
    assert "Too low by 2·C, " in str(of_difference(sizes, [{}] * 3, [6, 30, 32], [10, 40, 40]))


def test_an_error_at_a_later_input_does_not_hide_what_an_earlier_one_shows():
    """In a convolution 3 → 5 the wrong dimension stops; 4 → 4 before it shows which it is."""
    assert "output channels" in refusal(check_fold, solutions.FOLD[0].replace("-1, 1, 1, 1", "1, -1, 1, 1"))


def test_one_result_before_an_error_is_too_little_to_explain_anything_by():
    source = "def f(C):\n    if C > 300:\n        return [1][3]\n    return 17 * C * C // 16 + 3 * C + 13"
    said = refusal(check_parameters_of_btnk2, source)
    assert "the first has number 0" in said and "too high" not in said.lower()


def test_a_fold_and_a_map_are_right_in_single_precision_and_in_numpy():
    assert check_fold(made(solutions.FOLD[3].replace(", dtype=conv.weight.dtype", ""))).ok
    fold, cam = made(solutions.FOLD[0]), made(solutions.GRAD_CAM[0])
    assert check_fold(lambda *case: [t.detach().float().numpy() for t in fold(*case)]).ok
    assert check_grad_cam(lambda *case: cam(*case).detach().double().numpy()).ok
    with pytest.raises(Wrong):
        check_grad_cam(lambda *case: cam(*case).detach().numpy() * 1.01)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        ("a, b = [1]", "more or fewer parts than names"),
        ("[1][3]", "the first has number 0"),
        ("1 // 0", "You divide by zero"),
        ("'a' - 'b'", "A str and a str do not go together with -"),
        ("for i in 3: pass", "An int has no parts"),
        ("{}['conv1.weight']", "The dictionary has no 'conv1.weight'"),
        ("torch.zeros(6).view(4, 2)", "6 numbers cannot be laid out as [4, 2]"),
        ("torch.zeros(2).sum(3)", "no dimension 3"),
        ("torch.zeros(()) [0]", "This is one number already"),
        ("torch.autograd.grad(torch.zeros(3, requires_grad=True) * 2, torch.zeros(3))", "one number|Nothing leads"),
        ("np.zeros(3) + np.zeros(4)", "Two arrays of shapes (3,) and (4,) meet"),
        ("torch.zeros(3) + torch.zeros(4)", "Two shapes do not fit"),
        ("torch.zeros(3).summ()", "A Tensor has no summ"),
        ("math.flor(3)", "There is no math.flor"),
        ("divmod(3)", "too many or too few arguments"),
    ],
)
def test_errors_in_a_function_are_explained(error, sentence):
    said = refusal(check_out_width, f"def f(*case):\n    {error}\n    return 1")
    assert any(part in said for part in sentence.split("|")), said
