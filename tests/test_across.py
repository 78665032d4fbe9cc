"""The grader says what the notebook says: a check comes to the same words here and across the boundary.

A sample in the usual run; with RESNET_COURSE_ALL=1 in the environment every tenth wrong answer, and all right ones.
"""

import os
import warnings

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from resnet_lib.compare import endless
from resnet_lib.exercises import Wrong, check_contents, check_grad_cam, check_start_as_shortcut, check_stem

from . import mutants, mutated, test_checkpoints
from .across import Across
from .test_left_behind import CHANGED, LEFT, made

EVERY = bool(os.environ.get("RESNET_COURSE_ALL"))
PARTS = mutants.right()[:: 1 if EVERY else 15] + [case[:3] for case in mutants.wrong()[:: 10 if EVERY else 300]]
SUBJECTS = mutated.SUBJECTS[:: 1 if EVERY else 4]
STEM = """
class MyStem(nn.Module):
    def __init__(self, C=3, C1=64):
        super().__init__()
        self.conv = nn.Conv2d(C, C1, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn = nn.BatchNorm2d(C1)
        self.relu = RELU
        self.pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)

    def forward(self, x):
        return self.pool(self.relu(self.bn(self.conv(x))))

"""
FUNCTION = """
class Relu(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * (x > 0)

RELU = Relu.apply
"""
ANSWERS = {
    "a function with a gradient of its own": f"{STEM}{FUNCTION}value = MyStem",
    "a function with a wrong gradient": f"{STEM}{FUNCTION.replace('grad * (x > 0)', 'grad')}value = MyStem",
    "a subclass": f"{STEM}class Mine(nn.ReLU):\n    pass\n\nRELU = Mine()\nvalue = MyStem",
    "a subclass with a forward": (
        f"{STEM}class Mine(nn.Module):\n    def forward(self, x):\n        return x * (x > 0)\n\n"
        "RELU = Mine()\nvalue = MyStem"
    ),
    "a lambda": f"{STEM}RELU = F.relu\nvalue = lambda C=3, C1=64: MyStem(C, C1)",
    "no return": f"{STEM.replace('return ', '')}RELU = F.relu\nvalue = MyStem",
    "an error": f"{STEM}RELU = lambda x: F.rely(x)\nvalue = MyStem",
}
# Scripts are made of classes, whose source Python must find.
SCRIPTED = "value = lambda C=3, C1=64: torch.jit.script(Stem(C, C1))"


@pytest.fixture(scope="module")
def across():
    with Across() as other, pytest.MonkeyPatch.context() as patch:
        patch.setattr(endless, "LIMIT", 3600)  # as in the grader
        yield other


def said(check, made):
    """What a check says of what `made` gives."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return str(check(made()))
        except Wrong as wrong:
            return str(wrong)


def here(source):
    space = {"torch": torch, "nn": nn, "F": F, "__name__": "answer"}
    exec(source, space)
    return space["value"]


@pytest.mark.parametrize("name", ANSWERS)
def test_what_learners_write_beyond_the_usual_is_told_in_the_same_words(across, name):
    begin, source = "import torch\nfrom torch import nn\nfrom torch.nn import functional as F", ANSWERS[name]
    cell = f"space = {{'torch': torch, 'nn': nn, 'F': F, '__name__': 'answer'}}\nexec({source!r}, space)"
    mine = said(check_stem, lambda: here(source))
    assert said(check_stem, lambda: across.value(begin, cell, "value = space['value']")) == mine
    assert (" is right." in mine) == (name not in ("a function with a wrong gradient", "no return", "an error"))


def test_a_scripted_part_is_judged_as_what_it_computes(across):
    cells = "import torch\nfrom resnet_lib.blocks import Stem", SCRIPTED
    assert " is right." in said(check_stem, lambda: across.value(*cells))
    wrong = SCRIPTED.replace("Stem(C, C1)", "torch.nn.Sequential(Stem(C, C1), torch.nn.ReLU6())")
    assert "is not right yet" in said(check_stem, lambda: across.value(cells[0], wrong))


@pytest.mark.parametrize("case", PARTS, ids=" ".join)
def test_a_part_right_or_wrong_is_told_in_the_same_words(across, case):
    name, *given = case
    make, check, *_ = mutants.CHECKS[name]
    cells = "from tests import mutants", f"value = mutants.CHECKS[{name!r}][0](*{given!r})"
    assert said(check, lambda: across.value(*cells)) == said(check, lambda: make(*given))


# No version of a parameter tells of these.
BY_DATA = [
    (check_start_as_shortcut, "(n)", "[b.bn3.weight.data.zero_() for b in blocks(n).values()]", ""),
    (check_start_as_shortcut, "(n)", "[p.data.zero_() for p in n.parameters()]", "is not right yet"),
]


# What was given has another shape afterwards.
RESHAPED = [
    (check_grad_cam, "(network, x, target, step)", f"r = right.cam(network, x, target, step); {change}; return r", "")
    for change in ("x.squeeze_(0)", "x.unsqueeze_(0)", "x.resize_(0)", "x.data = x.data[:, :1]", "x.data.mul_(2)")
]
ON_NETWORKS = [case for case in CHANGED[:18] if case[0] is check_start_as_shortcut][:: 1 if EVERY else 2]
IN_TORCH = [case for case in CHANGED if any(word in case[2] for word in ("torch.set", "no_grad", "autocast"))]


@pytest.mark.parametrize(("check", "head", "body", "sentence"), LEFT + ON_NETWORKS + IN_TORCH + BY_DATA + RESHAPED)
def test_what_an_answer_leaves_behind_is_told_in_the_same_words(across, check, head, body, sentence):
    cells = "from tests import test_left_behind as other", f"value = other.made({head!r}, {body!r})"
    mine = said(check, lambda: made(head, body))
    assert sentence in mine
    assert said(check, lambda: across.value(*cells)) == mine


@pytest.mark.parametrize("change", ["weights.popitem()", "weights['more'] = torch.zeros(2)"])
def test_a_dictionary_that_an_answer_changes_is_told_of_in_the_same_words(across, change):
    text = (
        test_checkpoints.RIGHT[0].rstrip().replace("    return ", "    result = ")
        + f"\n    {change}\n    return result"
    )
    mine = said(check_contents, lambda: mutated.made(text))
    assert "changes the list or dictionary" in mine
    cells = "from tests import mutated", f"value = mutated.made({text!r})"
    assert said(check_contents, lambda: across.value(*cells)) == mine


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_a_function_right_or_wrong_is_told_in_the_same_words(across, subject):
    for source in subject.right[:: 1 if EVERY else 4]:
        wrong = list(mutated.edits(source))
        for text in [source, *(text for _, text in wrong[3 :: 10 if EVERY else 60])]:
            with torch.random.fork_rng():
                try:
                    mine = said(subject.check, lambda text=text: mutated.made(text, subject.space))
                except Exception:  # a cell that stops: there is nothing to check
                    continue
            if "Endless" in mine:
                continue
            space = f"next(s for s in mutated.SUBJECTS if s.name == {subject.name!r}).space"
            cells = "from tests import mutated", f"value = mutated.made({text!r}, {space})"
            assert said(subject.check, lambda cells=cells: across.value(*cells)) == mine
