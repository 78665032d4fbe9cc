"""Open exercises: distinguished from wrong ones, nothing stops there, and the library's parts are used until then."""

import ast
import inspect
import json
import linecache
import textwrap
from dataclasses import replace

import pytest
import torch
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook
from torch import nn

import resnet_lib.exercises
from resnet_lib import BTNK1, BTNK2
from resnet_lib._common import runs_folder
from resnet_lib.exercises import (
    Wrong,
    check_btnk2,
    check_bytes,
    check_fold,
    check_grad_cam,
    check_ladder,
    check_stage,
    predict,
    stride_question,
    yours,
)
from resnet_lib.exercises.own import PARTS, library_name
from resnet_lib.exercises.placeholders import open_lines, placeholder
from resnet_lib.experiments.attribution import upsample

from .kernel import outputs
from .lab import ROOT

NUMBER = iter(range(10**6))


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("RESNET_COURSE_RUNS", str(tmp_path))
    monkeypatch.setattr("resnet_lib.exercises.own._right", {})


def cell(source, **space):
    """The names that a cell of this source defines, its source kept where IPython keeps it."""
    source, name = textwrap.dedent(source), f"<cell {next(NUMBER)}>"
    linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
    exec(compile(source, name, "exec"), space)
    return space


def verdict(check, *given, **named):
    try:
        return check(*given, **named)
    except Wrong as wrong:
        return wrong.verdict


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("a = ...", [1]),
        ("a = {1: 2,\n3: ...}", [2]),
        ("def f(x):\n    return ...", [2]),
        ("def f(x):\n    return x[..., 0]", []),
        ("def f(x):\n    return x[0, ..., :2] + x[...]", []),
        ("def f(x):\n    return x[..., g(...)]", []),
        ("class A:\n    ...\n\n    def f(self):\n        pass", [2]),
        ("def f(x):\n    ...\n    return ...", [2, 3]),
        ("a = '...'  # ...", []),
        ("%matplotlib inline", []),
        ("def f(:", []),
    ],
)
def test_a_cell_is_open_where_three_dots_stand_for_an_answer_and_not_in_an_index(source, lines):
    assert open_lines(source) == lines


def test_a_decorated_function_is_looked_into():
    made = cell("import torch\n\n\n@torch.no_grad()\ndef answer(x):\n    ...  # fix it\n    return x\n")
    assert placeholder(made["answer"]) == 6


def test_only_the_function_asked_for_counts():
    both = cell("def f(x):\n    return ...\n\n\ndef g(x):\n    return 2 * x\n")
    assert placeholder(both["f"]) == 2 and placeholder(both["g"]) is None
    assert placeholder(...) == 0 and placeholder(None) is None and placeholder("...") is None


OPEN = "def batch_bytes(batch, C, W):\n    return ...\n"
WRONG = "def batch_bytes(batch, C, W):\n    return batch * C * W * W\n"
RIGHT = "def batch_bytes(batch, C, W):\n    return 4 * batch * C * W * W\n"


@pytest.mark.parametrize(("source", "state"), [(OPEN, "open"), (WRONG, "wrong"), (RIGHT, "right")])
def test_a_check_tells_open_from_wrong_and_right(source, state):
    mine = cell(source)["batch_bytes"]
    found = verdict(check_bytes, mine)
    assert found.state == state and found.ok == (state == "right")
    assert (inspect.unwrap(yours("batch_bytes")) is mine) == (state == "right")
    assert yours("batch_bytes")(2, 3, 4) == 384


FOLD = """
    import torch
    from torch.nn.utils.fusion import fuse_conv_bn_eval


    def my_fold(conv, bn):
        folded = fuse_conv_bn_eval(conv, bn)
        weight, bias = folded.weight.detach(), folded.bias.detach()
        return """
CAM = """
    from resnet_lib.experiments.attribution import grad_cam


    def my_grad_cam(network, x, target, step):
        return grad_cam(network, x, target, step).values"""
NUMBERS = """
    import fractions

    import numpy


    def batch_bytes(batch, C, W):
        return """
OTHER_FORMS = [
    f"{FOLD}weight.float(), bias.float()\n",
    f"{FOLD}weight.numpy(), bias.numpy()\n",
    f"{FOLD}[weight, bias]\n",
    f"{FOLD}folded\n",
    f"{CAM}.numpy()\n",
    f"{NUMBERS}fractions.Fraction(4 * batch * C * W * W)\n",
    f"{NUMBERS}numpy.array([4 * batch * C * W * W])\n",
]


@pytest.mark.parametrize("form", OTHER_FORMS)
def test_what_a_check_accepts_in_another_form_the_cells_below_can_use(form):
    conv, bn = (m.double().eval() for m in (torch.nn.Conv2d(4, 4, 3, padding=1, bias=False), torch.nn.BatchNorm2d(4)))
    x, thin = torch.randn(2, 4, 9, 9, dtype=torch.float64), resnet_lib.ResNet(blocks=(1, 1, 1, 1), base=8).eval()
    uses = {
        "my_fold": (check_fold, lambda fold: torch.nn.functional.conv2d(x, *fold(conv, bn), padding=1)),
        "my_grad_cam": (check_grad_cam, lambda cam: upsample(cam(thin, torch.randn(1, 3, 64, 64), 0, "stage3"), 9, 9)),
        "batch_bytes": (check_bytes, lambda size: f"{size(2, 3, 4):,}"),
    }
    made = cell(form)
    name = next(name for name in uses if name in made)
    check, use = uses[name]
    assert verdict(check, made[name]).ok
    use(yours(name))


def test_a_right_part_made_wrong_again_is_no_longer_used():
    verdict(check_bytes, cell(RIGHT)["batch_bytes"])
    wrong = cell(WRONG)["batch_bytes"]
    verdict(check_bytes, wrong)
    assert yours("batch_bytes") is not wrong and yours("batch_bytes")(2, 3, 4) == 384


def test_a_prediction_is_open_from_its_first_open_answer_and_wrong_before_it():
    questions = {W: stride_question(3, W, 2) for W in (7, 8)}
    states = {
        (..., ...): "open",
        ((3, 4, 4), ...): "open",
        ((3, 3, 3), ...): "wrong",
        ((3, 4, 4), (3, 4, 4)): "right",
        (None, (3, 4, 4)): "wrong",
    }
    for guesses, state in states.items():
        assert verdict(predict, questions, dict(zip(questions, guesses, strict=True))).state == state


def test_parts_that_a_lambda_puts_together_are_looked_at():
    made = cell("class Mended:\n    ...  # fix it\n\n    def f(self):\n        return 1\n\n\nmake = lambda: Mended()\n")
    assert verdict(check_ladder, made["make"], BTNK2(8)).state == "open"


def test_every_check_of_the_course_knows_open_exercises():
    checks = [n for n in resnet_lib.exercises.__all__ if n.startswith("check_") or n == "predict"]
    assert len(checks) > 25
    for name in checks:
        check = getattr(resnet_lib.exercises, name)
        least = [p for p in inspect.signature(check).parameters.values() if p.default is p.empty]
        dots = [...] * sum(p.kind is not p.KEYWORD_ONLY for p in least)
        named = {p.name: ... for p in least if p.kind is p.KEYWORD_ONLY} | (
            {"block": ...} if name == "check_cured" else {}
        )
        found = verdict(check, *[d for d in dots], **{k: v for k, v in named.items() if k != "parts"})
        assert found.state == "open", name


@pytest.mark.parametrize("name", PARTS)
def test_the_library_has_a_part_for_every_name_and_says_which(name, capsys):
    assert callable(cell(f"part = yours({name!r})", yours=yours)["part"])
    assert f"the library's {library_name(name)}" in capsys.readouterr().out
    if PARTS[name].check:
        assert PARTS[name].check(yours(name)).ok


def test_another_name_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="no exercise is called 'MyBlock': there are MyStem"):
        yours("MyBlock")


BLOCK = """
    import torch
    from torch import nn

    class MyBTNK2(nn.Module):
        def __init__(self, C):
            super().__init__()
            C1 = C // 4
            self.f = nn.Sequential(
                nn.Conv2d(C, C1, 1, bias=False), nn.BatchNorm2d(C1), nn.ReLU(),
                nn.Conv2d(C1, C1, 3, padding=1, bias=False), nn.BatchNorm2d(C1), nn.ReLU(),
                nn.Conv2d(C1, C, 1, bias=False), nn.BatchNorm2d(C),
            )

        def forward(self, x):
            return {forward}
"""
SOLVED = BLOCK.replace("{forward}", "torch.relu(self.f(x) + x)")


def test_a_later_lesson_uses_the_block_that_was_right_in_an_earlier_one(monkeypatch):
    check_btnk2(cell(SOLVED)["MyBTNK2"], exercise="02.2")
    monkeypatch.setattr("resnet_lib.exercises.own._right", {})  # another kernel
    mine = yours("MyBTNK2")
    assert mine is not BTNK2 and mine.__name__ == "MyBTNK2" and hasattr(mine(8), "f")


def test_a_kept_block_may_use_the_librarys_part_for_one_that_is_still_open(monkeypatch):
    source = "class MyBTNK2(BTNK2):\n    def __init__(self, C):\n        super().__init__(C)\n"
    source += "        self.shortcut_maker = yours('MyProjection')\n"
    check_btnk2(cell(source, BTNK2=BTNK2, yours=yours)["MyBTNK2"], exercise="02.2")
    monkeypatch.setattr("resnet_lib.exercises.own._right", {})
    assert yours("MyBTNK2")(8).shortcut_maker


def test_a_kept_part_is_checked_once_and_not_whenever_another_is_made_with_it(monkeypatch, capsys):
    check_btnk2(cell(SOLVED)["MyBTNK2"], exercise="02.2")
    monkeypatch.setattr("resnet_lib.exercises.own._right", {})
    monkeypatch.setattr("resnet_lib.exercises.own._loaded", {})
    checked, right = [], PARTS["MyBTNK2"]
    monkeypatch.setitem(PARTS, "MyBTNK2", replace(right, check=lambda f: checked.append(f) or right.check(f)))

    def make_stage(C, C1, S, n):
        return nn.Sequential(BTNK1(C, C1, S), *[yours("MyBTNK2")(4 * C1) for _ in range(n - 1)])

    assert check_stage(make_stage).ok
    assert len(checked) == 1 and "MyBTNK2" not in capsys.readouterr().out
    kept = next(iter(own_files()))
    kept.write_text(kept.read_text() + "# changed\n")
    yours("MyBTNK2")
    assert len(checked) == 2


def own_files():
    return (runs_folder() / "yours").glob("*.py")


def test_without_an_exercise_nothing_is_kept(monkeypatch):
    check_btnk2(cell(SOLVED)["MyBTNK2"])
    monkeypatch.setattr("resnet_lib.exercises.own._right", {})
    assert yours("MyBTNK2") is BTNK2


@pytest.mark.parametrize(
    "kept",
    [
        "class MyBTNK2:\n    pass\n",
        "import no_such_module\n",
        "MyBTNK2 = helper\n",
        "def f(:\n",
        "",
        textwrap.dedent(BLOCK.replace("{forward}", "torch.relu(self.f(x))")),
    ],
)
def test_a_kept_block_that_is_no_longer_right_is_not_used(kept, tmp_path):
    (tmp_path / "yours").mkdir()
    (tmp_path / "yours" / "MyBTNK2.py").write_text(kept)
    assert yours("MyBTNK2") is BTNK2 and yours("MyBTNK1") is BTNK1


# ── In a notebook ────────────────────────────────────────────────────────────────────────────────────────────


def shown(runner, folder, *cells):
    """What the cells show as text, after all of them have run."""
    notebook = runner.run(new_notebook(cells=[new_code_cell(textwrap.dedent(c)) for c in cells]), folder)
    return [o.get("text") or o.data["text/plain"] for o in outputs(notebook)]


CHECK = "from resnet_lib.exercises import check_bytes\ncheck_bytes(batch_bytes, exercise='00.3')"


def test_a_notebook_goes_on_after_open_and_wrong_checks_and_the_circles_follow(runner, tmp_path):
    progress = "from resnet_lib.exercises import Progress\nProgress('00', exercises=3)"
    said = shown(runner, tmp_path, progress, OPEN, CHECK, WRONG, CHECK, RIGHT, CHECK, "'the end'")
    assert "✓" in said[0], "the line at the top has followed"
    assert [text.split(".")[0] for text in said[1:4]] == [
        "batch_bytes is open",
        "batch_bytes is not right yet",
        "batch_bytes is right",
    ]
    assert said[-1] == "'the end'"


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (CHECK, "batch_bytes has no value yet. Run the cell that makes it, further up"),
        ("my_number = 3\nmy_nunber + 1", "my_nunber has no value yet. Did you mean my_number"),
    ],
)
def test_a_name_of_a_cell_that_has_not_run_is_told_in_a_sentence(runner, tmp_path, source, sentence):
    notebook = new_notebook(cells=[new_code_cell("import resnet_lib.exercises"), new_code_cell(source)])
    with pytest.raises(CellExecutionError):
        runner.run(notebook, tmp_path)
    (error,) = [o for o in outputs(notebook) if o.output_type == "error"]
    assert error.traceback[0].startswith(sentence) and len(error.traceback) == 1


def test_a_missing_name_inside_a_function_is_shown_as_python_does(runner, tmp_path):
    notebook = new_notebook(
        cells=[new_code_cell("import resnet_lib.exercises"), new_code_cell("def f():\n    return missing\n\nf()")]
    )
    with pytest.raises(CellExecutionError):
        runner.run(notebook, tmp_path)
    (error,) = [o for o in outputs(notebook) if o.output_type == "error"]
    assert "return missing" in "".join(error.traceback) or "missing" in "".join(error.traceback[1:])


def test_a_check_takes_a_prediction_as_it_is_so_that_another_type_gets_a_sentence():
    asked = []
    for path in (ROOT / "notebooks").glob("[01]*.ipynb"):
        for each in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            tree = ast.parse("".join(each["source"])) if each["cell_type"] == "code" else ast.Module([], [])
            calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "predict"]
            for call in calls:
                *_, given = call.args
                asked += [(path.name, ast.unparse(n)) for n in ast.walk(given) if isinstance(n, ast.Call)]
                assert given is not call.args[0]
    assert asked == []
