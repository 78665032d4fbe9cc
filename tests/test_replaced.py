"""What an answer, or a cell above it, puts in the place of parts of torch, Python and the library: it is told and put
back, and no check, this one or a later one, uses it."""

import builtins
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from resnet_lib import blocks
from resnet_lib._common import replaced
from resnet_lib.exercises import Wrong, check_bytes, check_stem, solved

from .across import Across

# What replaces something, and what a learner calls it.
REPLACES = {
    "nn.BatchNorm2d.forward = lambda self, x: x": "torch.nn.BatchNorm2d.forward",
    "nn.ReLU.__call__ = lambda self, x: x": "torch.nn.ReLU.__call__",  # it has none of its own
    "nn.Conv2d.__init__.__defaults__ = nn.Conv2d.__init__.__defaults__": "",
    "nn.Conv2d.__init__.__defaults__ = (2, 0, 1, 1, False, 'zeros', None, None)": "torch.nn.Conv2d.__init__",
    "torch.relu = torch.sigmoid": "torch.relu",
    "F.relu = F.gelu": "torch.nn.functional.relu",
    "torch.Tensor.relu = torch.Tensor.sigmoid": "torch.Tensor.relu",
    "torch.Tensor.__add__ = torch.Tensor.mul": "torch.Tensor.__add__",
    "nn.Conv2d = nn.Linear": "torch.nn.Conv2d",
    "nn.init.kaiming_normal_ = nn.init.zeros_": "torch.nn.init.kaiming_normal_",
    "blocks.BTNK2.forward = lambda self, x: x": "BTNK2.forward",
    "blocks.BTNK2.__init__ = nn.Identity.__init__": "BTNK2.__init__",
    "blocks.Stem.__call__ = lambda self, x: x": "Stem.__call__",
    "blocks.BTNK2 = blocks.BTNK1": "resnet_lib.blocks.BTNK2",
    "builtins.sum = max": "Python's sum",
    "math.comb = math.gcd": "math.comb",
    "torch.Tensor.__repr__ = lambda self, **_: str(self.shape)": "",  # changes no number
    "torch.Tensor.hello = 1": "",
}
KEPT = {
    "nn.BatchNorm2d.forward": lambda: nn.BatchNorm2d.forward,
    "nn.ReLU.__call__": lambda: nn.ReLU.__call__,
    "nn.Conv2d": lambda: nn.Conv2d,
    "its defaults": lambda: nn.Conv2d.__init__.__defaults__,
    "torch.relu": lambda: torch.relu,
    "F.relu": lambda: F.relu,
    "Tensor.relu": lambda: torch.Tensor.relu,
    "Tensor.__add__": lambda: torch.Tensor.__add__,
    "BTNK2": lambda: (blocks.BTNK2, blocks.BTNK2.forward, blocks.BTNK2.__init__, blocks.Stem.__call__),
    "sum": lambda: builtins.sum,
    "comb": lambda: math.comb,
    "init": lambda: nn.init.kaiming_normal_,
}
STEM = """
class MyStem(nn.Module):
    def __init__(self, C=3, C1=64):
        super().__init__()
        {made}
        self.conv = nn.Conv2d(C, C1, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn = nn.BatchNorm2d(C1)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)

    def forward(self, x):
        {run}
        return self.pool(self.relu(self.bn(self.conv(x))))
"""
BEGIN = """
import builtins, math, torch
from torch import nn
from torch.nn import functional as F
from resnet_lib import blocks
"""
PLACES = ("above", "made", "run", "function")


def answer(place, line):
    if place == "function":
        return f"def f(batch, C, W):\n    {line}\n    return 4 * batch * C * W * W\nvalue = f"
    lines = {"made": "pass", "run": "pass"} | {place: line}
    return STEM.format(**lines) + (f"{line}\n" if place == "above" else "") + "value = MyStem"


def said(check, value):
    """(whether a check accepts it, all that it says)."""
    try:
        found = check(value())
        return found.ok, str(found)
    except Wrong as wrong:
        return False, str(wrong)


def here(*cells):
    space = {"__name__": "answer"}
    for cell in cells:
        exec(cell, space)
    return space["value"]


@pytest.fixture(autouse=True)
def as_it_was():
    """Whatever a test that fails leaves behind."""
    before = {name: read() for name, read in KEPT.items()}
    tensor = torch.Tensor.__repr__
    yield
    torch.Tensor.__repr__ = tensor
    assert {name: read() for name, read in KEPT.items()} == before


@pytest.fixture(scope="module")
def across():
    with Across() as other:
        yield other


@pytest.mark.parametrize("line", REPLACES)
@pytest.mark.parametrize("place", PLACES)
def test_what_is_replaced_is_named_and_put_back(place, line):
    check, name = check_bytes if place == "function" else check_stem, REPLACES[line]
    ok, text = said(check, lambda: here(BEGIN, answer(place, line)))
    assert ok == (place == "above" or not name)
    if name:
        assert f"something else in the place of {name}" in text
        assert ("A cell above" in text) == (place == "above")


@pytest.mark.parametrize("place", ["above", "run"])
def test_a_check_of_another_answer_finds_nothing_of_it(place):
    said(check_stem, lambda: here(BEGIN, answer(place, "nn.BatchNorm2d.forward = lambda self, x: x")))
    right, wrong = answer("made", "pass"), answer("made", "pass").replace("self.bn(self.conv(x))", "self.conv(x)")
    ok, text = said(check_stem, lambda: here(BEGIN, right))
    assert ok and "put back" not in text
    assert not said(check_stem, lambda: here(BEGIN, wrong))[0]


FEW = ["nn.BatchNorm2d.forward = lambda self, x: x", "torch.relu = torch.sigmoid", "builtins.sum = max"]


@pytest.mark.parametrize("line", FEW)
@pytest.mark.parametrize("place", PLACES)
def test_the_grader_says_of_it_what_a_notebook_says(across, place, line):
    check = check_bytes if place == "function" else check_stem
    mine = said(check, lambda: here(BEGIN, answer(place, line)))
    assert said(check, lambda: across.value(BEGIN, answer(place, line))) == mine


def test_an_exercise_whose_answer_replaces_something_is_not_solved_by_it(tmp_path, monkeypatch):
    monkeypatch.setenv("RESNET_COURSE_RUNS", str(tmp_path))
    for line, found in (("torch.relu = torch.sigmoid", {}), ("pass", {"00.0"})):
        said(lambda f: check_bytes(f, exercise="00.0"), lambda line=line: here(BEGIN, answer("function", line)))
        assert solved().keys() == set(found)


def test_what_torch_itself_replaces_when_it_compiles_is_no_fault_of_an_answer():
    torch.compile(nn.ReLU(), backend="eager")(torch.ones(2))
    assert nn.Module.__init__.__module__.startswith("torch._dynamo")
    ok, text = said(check_bytes, lambda: here(BEGIN, answer("function", "pass")))
    assert ok and "in the place" not in text


def test_a_method_that_is_replaced_for_a_moment_alone_is_nobodys_business():
    line = "before = torch.relu; torch.relu = torch.sigmoid; torch.relu = before"
    assert said(check_bytes, lambda: here(BEGIN, answer("function", line)))[0]


@pytest.mark.parametrize("name", ["vars", "zip", "setattr", "isinstance", "len", "getattr", "str", "list", "print"])
def test_what_python_itself_is_made_of_is_put_back_without_it(name):
    before = getattr(builtins, name)
    setattr(builtins, name, None)
    replaced.put_back()  # before anything else runs, pytest's own code too
    assert getattr(builtins, name) is before
    assert replaced.heard() == (name,)
