"""Code that an answer has from elsewhere is told to a person, and a learner's own names are not taken for it."""

import ast

import pytest

from resnet_lib.grading.needs import parsed
from resnet_lib.grading.origins import Origins
from resnet_lib.grading.submissions import read_lesson

LESSONS = "from resnet_lib import BTNK1, BTNK2\nfrom resnet_lib.views import show_maps"
TAKEN = {
    "another name": "MyBTNK1 = BTNK1",
    "its own import": "from resnet_lib.blocks import BTNK1 as mine\nMyBTNK1 = mine",
    "a subclass": "class MyBTNK1(BTNK1):\n    pass",
    "a function around it": "MyBTNK1 = lambda C, C1, S=1: BTNK1(C, C1, S)",
    "its parts": "MyBTNK1 = type('MyBTNK1', (nn.Module,), dict(vars(BTNK1)))",
    "the package": "import resnet_lib\nMyBTNK1 = resnet_lib.BTNK1",
    "a part of the package": "import resnet_lib.blocks as b\nMyBTNK1 = b.BTNK1",
}
WAYS = {
    "a module by its name": ("import sys\nMyBTNK1 = sys.modules['resnet_' + 'lib'].BTNK1", "sys.modules"),
    "an import by its name": ("import importlib as i\nMyBTNK1 = i.import_module(name).BTNK1", "import_module"),
    "its source": ("import inspect\nexec(inspect.getsource(b))", "getsource"),
    "a class by its parents": ("MyBTNK1 = nn.Module.__subclasses__()[7]", "__subclasses__"),
    "pickled": ("MyBTNK1 = pickle.loads(b'cresnet_lib.blocks\\nBTNK1\\n.')", "a text with resnet_lib"),
}
OWN = {
    "a local variable": "def f(x):\n    BTNK1 = x\n    return BTNK1",
    "an argument": "def f(BTNK1):\n    return BTNK1",
    "a class of that name": "class BTNK1(nn.Module):\n    pass\nx = BTNK1()",
    "a mode and modules": "network.eval()\nfor m in self.modules():\n    m.eval()",
    "pictures": "show_maps(x)\nfrom resnet_lib.views import cost_bars\nfrom resnet_lib.exercises import check_stem",
    "no Python": "def f(:",
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_the_librarys_is_told(name):
    assert "BTNK1" in Origins([LESSONS, TAKEN[name]]).of(TAKEN[name])[0]


@pytest.mark.parametrize("name", WAYS)
def test_ways_to_other_code_are_told(name):
    source, way = WAYS[name]
    assert way in Origins([LESSONS, source]).of(source)[1]


@pytest.mark.parametrize("name", OWN)
def test_what_is_a_learners_own_is_not(name):
    assert Origins([LESSONS, OWN[name]]).of(OWN[name]) == (set(), set())


def test_a_text_may_import_what_no_other_cell_does():
    assert Origins([]).of(TAKEN["its own import"])[0] == {"BTNK1"}


@pytest.mark.parametrize("number", [f"{n:02}" for n in range(12)])
def test_no_solution_looks_for_code_elsewhere(number):
    cells = [cell.solution or cell.source for cell in read_lesson(number).cells]
    functions = [
        c.solution
        for c in read_lesson(number).cells
        if c.exercise and any(isinstance(s, ast.FunctionDef | ast.ClassDef) for s in parsed(c.source).body)
    ]
    assert not any(Origins(cells).of(source)[1] for source in functions)
