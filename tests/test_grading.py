"""The grader: right work passes, part of it gets its part, and the notebook's own words come out."""

import csv
import functools
import json
import re
import subprocess
import sys
import unicodedata
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from resnet_lib import Projection
from resnet_lib.exercises import Wrong, check_projection, count_question, predict
from resnet_lib.grading import Limits, Verdict, grade, student_numbers
from resnet_lib.grading.grader import Graders
from resnet_lib.grading.grades import Grade, Part, mistake
from resnet_lib.grading.needs import names, needed
from resnet_lib.grading.reports import harmless, overview, told_apart
from resnet_lib.grading.submissions import answers, merged, read_lesson

from .conftest import in_full
from .small_lesson import ASSERTS, BEGIN, EXERCISE, RIGHT, WRONG, cell, made_lesson, notebook, submission

# ── What honest learners write ───────────────────────────────────────────────────────────────────────────────

HONEST = {
    "a magic above": f"%matplotlib inline\n{RIGHT}",
    "a magic below": f"{RIGHT}\n%timeit twice(torch.ones(1))",
    "a cell's magic": f"%%time\n{RIGHT}",
    "a magic of JupyterLab": f"%autosave 0\n{RIGHT}",
    "a magic of an extension": f"%load_ext autoreload\n%autoreload 2\n%tensorboard --logdir runs\n{RIGHT}",
    "pylab": f"%pylab inline\n{RIGHT}",
    "a timed line below": f"{RIGHT}\n%time y = twice(torch.ones(3))\nassert y.sum() == 6",
    "compiled": f"@torch.compile\n{RIGHT}",
    "compiled with options": f"{RIGHT}\ntwice = torch.compile(twice, backend='eager')\ntwice(torch.ones(2))",
    "a module that compiles itself": (
        "class Twice(nn.Module):\n    @torch.compile(fullgraph=True)\n    def forward(self, x):\n        return x + x\n"
        "twice = Twice()\ntwice.compile()"
    ),
    "a hook that doubles": (
        "twice = nn.Identity()\ntwice.register_forward_pre_hook(lambda m, given: (given[0] + 1,))\n"
        "twice.register_forward_hook(lambda m, given, out: 2 * (out - 1))"
    ),
    "a capturing magic": f"%%capture out\n{RIGHT}",
    "help": f"{RIGHT}\ntwice?",
    "a program": f"{RIGHT}\n!pip --version\nlisted = !ls",
    "await": f"{RIGHT}\nimport asyncio\nawait asyncio.sleep(0)",
    "typing": "from typing import Optional\ndef twice(x: Optional[torch.Tensor]):\n    return 2 * x",
    "functools": (
        "import functools\n@functools.wraps(len)\ndef twice(x):\n    return functools.reduce(torch.add, [x, x])"
    ),
    "warnings": f"import warnings\nwarnings.simplefilter('ignore')\n{RIGHT}",
    "operator": "import operator\ndef twice(x):\n    return operator.mul(2, x)",
    "pyplot": f"import matplotlib.pyplot as plt\n{RIGHT}\nplt.plot([1, 2])\nplt.show()",
    "display": f"{RIGHT}\nfrom IPython.display import display\ndisplay(twice(torch.ones(1)))",
    "words that are Python's": "def twice(input):\n    vars = input.clone()\n    vars += input\n    return vars",
    "a module within": (
        "class Twice(torch.nn.Module):\n    def forward(self, x):\n        self.seen = x\n        return x + x\n"
        "def twice(x):\n    return Twice()(x)"
    ),
    "a callable": "class Twice:\n    def __call__(self, x):\n        return x * 2\ntwice = Twice()",
    "a lambda": "twice = lambda x: x.mul(2)",
    "a file of its own": f"open('notes.txt', 'w').write('x')\nassert open('notes.txt').read() == 'x'\n{RIGHT}",
    "threads of torch": f"torch.set_num_threads(2)\n{RIGHT}",
    "a print of much": f"{RIGHT}\nprint('x' * 10**5)",
    "a walrus and a match": ("def twice(x):\n    match x.dim():\n        case 1:\n            return (z := x) + z"),
}
OTHERS = {
    "switched gradients off": (
        f"torch.set_grad_enabled(False)\ntorch.set_default_dtype(torch.float64)\n{WRONG}",
        RIGHT,
    ),
    "ended its process": ("import os\nos._exit(0)", RIGHT),
    "replaced torch.equal": (f"torch.equal = lambda a, b: True\n{WRONG}", RIGHT),
}


@pytest.fixture(scope="module")
def honest(tmp_path_factory, warm_grading):
    folder = tmp_path_factory.mktemp("honest")
    lesson, found = made_lesson(folder / "notebooks", 2), {}
    (folder / "scratch").mkdir()
    helper = ("def half(x):\n    return x / 2",)
    students = [(name, submission(folder / f"{i}.ipynb", s)) for i, (name, s) in enumerate(HONEST.items())]
    students += [(name, submission(folder / f"o{i}.ipynb", *s)) for i, (name, s) in enumerate(OTHERS.items())]
    using = submission(
        folder / "h.ipynb", "def twice(x):\n    return half(x) * 4", "def twice(x):\n    return twice", between=helper
    )
    students.append(("a cell of their own", using))
    with warm_grading.hosts(), Graders(lesson, Limits(10), folder / "scratch") as graders:
        graders.rehearse()
        graders.all(students, lambda student, verdicts, _: found.update({student: verdicts}), jobs=2)
    return found


@pytest.mark.parametrize("name", [*HONEST, "a cell of their own"])
def test_what_runs_in_a_notebook_passes(honest, name):
    assert honest[name][0].result == "passed", honest[name][0]


# Cells of exercise 1, and those between it and its check.
BELOW = {
    "in a cell below": (EXERCISE.format(n=1), RIGHT),
    "in the second cell below": (EXERCISE.format(n=1), "twice(3)", "k = 2", "def twice(x):\n    return k * x"),
    "below another try": (WRONG, RIGHT),
    "below one with a gap": ("def twice(x):\n    return ...", RIGHT),
    "with a helper below": ("def twice(x):\n    return double(x)", "def double(x):\n    return x + x"),
    "above notes that are no Python": (RIGHT, "1/0", "so it works"),
}
NOT_BELOW = {
    "a wrong one": ((RIGHT, WRONG), "failed"),
    "one with a gap": ((EXERCISE.format(n=1), "def twice(x):\n    return ..."), "not done"),
    "one that stops": ((EXERCISE.format(n=1), "twice = 1 / 0"), "failed"),
    "something else": ((EXERCISE.format(n=1), "k = 2"), "not done"),
}


def with_cells_below(path, first, *below):
    """A submission whose exercise's cell is followed by these, and then by its check."""
    cells = [cell(BEGIN, id="begin"), cell(first, "exercise", id="given-1"), *map(cell, below)]
    return notebook(path, [*cells, cell(ASSERTS, id="check-1"), cell("twice = None")])


@pytest.fixture(scope="module")
def below(tmp_path_factory, warm_grading):
    folder, found = tmp_path_factory.mktemp("below"), {}
    lesson = made_lesson(folder / "notebooks", 1)
    (folder / "scratch").mkdir()
    cases = BELOW | {name: cells for name, (cells, _) in NOT_BELOW.items()}
    cases["missing"] = ("import no_such_module_here\n" + RIGHT,)
    students = [(n, with_cells_below(folder / f"{i}.ipynb", *cells)) for i, (n, cells) in enumerate(cases.items())]
    with warm_grading.hosts(), Graders(lesson, Limits(10), folder / "scratch") as graders:
        graders.rehearse()
        graders.all(students, lambda student, verdicts, _: found.update({student: verdicts[0]}), jobs=2)
    return found


@pytest.mark.parametrize("name", BELOW)
def test_what_stands_between_an_exercise_and_its_check_belongs_to_the_answer_as_in_a_notebook(below, name):
    assert below[name].result == "passed", below[name]
    assert BELOW[name][0] == EXERCISE.format(n=1) or BELOW[name][0] in below[name].given


@pytest.mark.parametrize("name", NOT_BELOW)
def test_the_last_answer_before_the_check_counts(below, name):
    assert below[name].result == NOT_BELOW[name][1], below[name]


def test_a_module_that_is_missing_here_is_told_to_the_teacher(below):
    assert below["missing"].result == "failed"
    assert "It needs the module no_such_module_here" in below["missing"].look[0]


def test_a_notebook_that_begins_with_a_byte_order_mark_is_read(lesson, tmp_path):
    path = submission(tmp_path / "bom.ipynb", RIGHT, RIGHT)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert set(answers(lesson, path)) == {1, 2}


@pytest.mark.parametrize("name", OTHERS)
def test_what_one_exercise_did_to_torch_or_its_process_does_not_reach_the_next(honest, name):
    assert [v.result for v in honest[name]][1] == "passed", honest[name]
    assert honest[name][0].points == 0


# ── A folder of submissions ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """Here every process is started as the grader itself does."""
    root = tmp_path_factory.mktemp("graded")
    made_lesson(root / "notebooks", 2)
    folder = root / "submitted"
    submission(folder / "a right.ipynb", RIGHT, RIGHT)
    submission(folder / "group" / "partly.ipynb", RIGHT, WRONG)
    submission(folder / "never ends.ipynb", "while True:\n    pass", RIGHT)
    submission(folder / "Ada Lovelace_1234_assignsubmission_file_" / "x.ipynb", RIGHT, WRONG)
    submission(folder / "lovelaceada_LATE_77_4711_07_small.ipynb", WRONG, WRONG)
    submission(folder / "two\u2028lines.ipynb", RIGHT, RIGHT)
    submission(folder / "two\u2029lines.ipynb", WRONG, RIGHT)
    notebook(folder / "=untouched.ipynb", [cell(EXERCISE.format(n=n), "exercise", id=f"given-{n}") for n in (1, 2)])
    notebook(folder / "other lesson.ipynb", [cell(RIGHT)], title="03")
    (folder / "broken.ipynb").write_text('{"cells": [')
    (folder / "list.ipynb").write_text("[1]")
    (folder / "binary.ipynb").write_bytes(b"\xff\xfe\x00")
    (folder / "notes.txt").write_text("no notebook")
    (folder / ".ipynb_checkpoints").mkdir()
    submission(folder / ".ipynb_checkpoints" / "old.ipynb", RIGHT, RIGHT)
    said, out = [], root / "grades.csv"
    grades = grade(folder, "7", out, Limits(4), said.append, root / "notebooks")
    return grades, said, root


def rows(file):
    with open(file, newline="", encoding="utf-8-sig") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize(
    ("student", "results"),
    [
        ("a right", ["passed", "passed"]),
        ("group/partly", ["passed", "failed"]),
        ("never ends", ["timed out", "passed"]),
        ("Ada Lovelace", ["passed", "failed"]),
        ("lovelaceada", ["failed", "failed"]),
        ("two lines", ["passed", "passed"]),
        ("two lines (2)", ["failed", "passed"]),
        ("=untouched", ["not done", "not done"]),
        ("other lesson", ["unreadable", "unreadable"]),
        ("broken", ["unreadable", "unreadable"]),
        ("list", ["unreadable", "unreadable"]),
        ("binary", ["unreadable", "unreadable"]),
    ],
)
def test_each_submission_gets_what_it_deserves_whatever_lies_beside_it(graded, student, results):
    assert [v.result for v in graded[0][student]] == results


def test_the_csv_has_a_row_for_each_student_and_no_formulas(graded):
    found = {row["student"]: row for row in rows(graded[2] / "grades.csv")}
    assert len(found) == 12 and len(graded[1]) == 13
    partly = found["group/partly"]
    assert [partly[n] for n in ("points", "maximum", "exercise 1", "exercise 2")] == ["1", "2", "1", "0"]
    assert partly["remarks"] == "2: failed" and "'=untouched" in found


def test_moodle_and_canvas_get_their_own_tables_with_their_own_numbers(graded):
    (moodle,), (canvas,) = rows(graded[2] / "grades_moodle.csv"), rows(graded[2] / "grades_canvas.csv")
    assert moodle["Identifier"] == "Participant 1234" and moodle["Full name"] == "Ada Lovelace"
    assert (moodle["Grade"], moodle["Maximum Grade"]) == ("1", "2")
    assert (canvas["ID"], canvas["Lesson 07"]) == ("77", "0")


def test_each_student_has_a_page_and_the_class_has_one(graded):
    pages = {p.name: p.read_text(encoding="utf-8") for p in (graded[2] / "grades_feedback").glob("*.html")}
    assert len(pages) == 13
    (page,) = (text for name, text in pages.items() if name.startswith("group_partly"))
    assert "twice(x) should be 2x." in page and "1 of 2 points" in page
    assert "twice(x) should be 2x." in pages["class.html"]


def test_the_class_page_counts_each_mistake_by_itself_and_says_it_as_the_student_was_told():
    def handed_in(check, *given, **options):
        with pytest.raises(Wrong) as wrong:
            check(*given, **options)
        verdict = wrong.value.verdict
        return [Grade(1, "failed", parts=(Part(0.0, verdict.sentence, "", mistake(verdict)),))]

    def projection(bias=False, eps=1e-5):
        class MyProjection(Projection):
            def __init__(self, C, C_out, S=1):
                super().__init__(C, C_out, S, torch.nn.BatchNorm2d)
                self.conv = torch.nn.Conv2d(C, C_out, 1, S, bias=bias)
                self.bn = torch.nn.BatchNorm2d(C_out, eps=eps)

        return handed_in(check_projection, MyProjection, names=["conv", "bn"])

    def counted(C, factor):  # each student has a C of their own
        convolutions, norms = C * C // 2 + 9 * C * C // 16, 2 * C + C
        return handed_in(predict, count_question("BTNK2", C), factor * convolutions + norms)

    marked = {"Ada": projection(eps=1e-3), "Emmy": projection(bias=True), "Alan": projection(eps=1e-2)}
    marked |= {"Kurt": counted(64, 2), "Grace": counted(128, 2), "Alonzo": counted(128, 0)}
    page = overview(marked, SimpleNamespace(number="03", exercises=[SimpleNamespace(exercise=1)])).decode()
    found = [re.sub("<.*?>", "|", row) for row in page.split("<tr>")[2:]]
    assert [row.split("|")[1] for row in found] == ["2", "2", "1", "1"]
    assert "eps = 0.001" in found[0] and "Ada, Alan" in found[0] and "too high" in found[1]
    assert "Kurt, Grace" in found[1] and "has a bias" in found[2] and "Emmy" in found[2]
    assert "too low" in found[3] and "Alonzo" in found[3]


def test_only_what_has_changed_is_graded_again_and_nothing_of_the_teachers_is_overwritten(graded, warm_grading):
    _, _, root = graded
    out = root / "grades.csv"
    mine = out.read_text(encoding="utf-8-sig") + "my own,1,2,,,\n"
    out.write_text(mine, encoding="utf-8-sig")
    submission(root / "submitted" / "group" / "partly.ipynb", RIGHT, RIGHT)
    said = []
    with warm_grading.hosts():
        grades = grade(root / "submitted", "7", out, Limits(4), said.append, root / "notebooks")
    assert [v.result for v in grades["group/partly"]] == ["passed", "passed"]
    assert [v.result for v in grades["never ends"]] == ["timed out", "passed"]
    assert "11 of 12 have not changed since the last time." in said
    assert out.read_text(encoding="utf-8-sig") == mine
    assert any("changed by hand" in line for line in said)
    assert {r["student"]: r["points"] for r in rows(root / "grades (2).csv")}["group/partly"] == "2"


def test_names_that_print_alike_are_told_apart():
    paths = ["a\u2028b.ipynb", "a\u2029b.ipynb", "a b.ipynb", "a b (2).ipynb", "c.ipynb"]
    paths += ["ü.ipynb", "u\u0308.ipynb", "ü .ipynb", " ü.ipynb", "ü\u200f.ipynb"]
    found = told_apart(list(map(Path, paths)))
    assert len({" ".join(unicodedata.normalize("NFC", name).split()) for name in found}) == 10 and found[4] == "c"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", " =1", "\t=1", "\r\n=1", "＝1"])
def test_no_cell_of_the_csv_is_a_formula(text):
    assert harmless(text).startswith("'") and "\n" not in harmless(text)


@pytest.mark.parametrize("text", ["Ada;=1+1", "Ada ; @x", ";;-1", "a;b; +1"])
def test_no_cell_is_one_where_semicolons_separate_them(text):
    assert not [part for part in harmless(text).split(";") if part.strip().startswith(("=", "+", "-", "@"))]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"folder": "nowhere"}, "is not a folder"),
        ({"folder": "empty"}, "holds no notebook"),
        ({"lesson": "99"}, "there is no lesson '99'"),
        ({"out": Path("nowhere") / "grades.csv"}, "the CSV cannot be written there"),
    ],
)
def test_what_cannot_be_graded_is_said_in_a_sentence(tmp_path, change, sentence):
    made_lesson(tmp_path / "notebooks", 1)
    submission(tmp_path / "full" / "a.ipynb", RIGHT)
    (tmp_path / "empty").mkdir()
    given = {"folder": "full", "lesson": "07", "out": "grades.csv"} | change
    given |= {"folder": tmp_path / given["folder"], "out": tmp_path / given["out"]}
    with pytest.raises(ValueError, match=sentence):
        grade(**given, notebooks=tmp_path / "notebooks")


# The usual run takes those that stand on parts of earlier lessons and on measured signals.
OFTEN = ("06", "08")


@pytest.mark.parametrize(
    "number", [pytest.param(f"{n:02}", marks=[] if f"{n:02}" in OFTEN else in_full) for n in range(12)]
)
def test_each_solved_lesson_of_the_course_passes_so_that_it_can_be_graded(number, tmp_path, warm_grading):
    with warm_grading.hosts(), Graders(read_lesson(number), Limits(), tmp_path) as graders:
        assert graders.rehearse() > 0


TENSORS = {
    "the same": (lambda t: t.clone(), True),
    "another number": (lambda t: t + 1, False),
    "no number at all": (lambda t: t, True),
    "half": (torch.Tensor.half, False),
    "sparse": (torch.Tensor.to_sparse, False),
    "in rows": (torch.Tensor.to_sparse_csr, False),
    "without numbers": (lambda t: t.to("meta"), False),
}


@pytest.mark.parametrize("kind", TENSORS)
def test_whether_a_tensor_is_as_before_is_known_of_every_kind(kind):
    from resnet_lib.grading.child import Child

    change, same = TENSORS[kind]
    before = torch.eye(3) * (torch.nan if kind == "no number at all" else 1)
    t = change(before.clone())
    assert Child.unchanged(SimpleNamespace(before={id(t): before}), t) is same


def test_a_lesson_whose_solution_does_not_pass_grades_nobody(tmp_path, warm_grading):
    made_lesson(tmp_path / "notebooks", 1)
    notebook(tmp_path / "notebooks" / "solutions" / "07_small.ipynb", [cell(WRONG, "solution")])
    submission(tmp_path / "full" / "a.ipynb", RIGHT)
    with (
        warm_grading.hosts(),
        pytest.raises(ValueError, match="itself does not pass here, so nothing can be graded: exercise 1: twice"),
    ):
        grade(tmp_path / "full", "07", tmp_path / "grades.csv", notebooks=tmp_path / "notebooks")


def test_the_command_says_in_a_sentence_what_stands_in_its_way_and_reads_paths_from_where_it_was_called(tmp_path):
    command = [sys.executable, "-m", "resnet_lib.grading", "--from", tmp_path, "here", "--lesson", "3"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Nothing was graded: {tmp_path / 'here'} is not a folder") and done.stdout == ""


@pytest.mark.parametrize("limits", [(0, 100), (1, -1)])
def test_limits_are_positive(limits):
    with pytest.raises(ValueError, match="positive"):
        Limits(*limits)


# ── Which cell is which exercise ─────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def lesson(tmp_path):
    return made_lesson(tmp_path / "notebooks", 2)


def found(lesson, tmp_path, *cells):
    return answers(lesson, notebook(tmp_path / "mine.ipynb", list(cells)))


def test_an_answer_is_what_stands_in_the_exercises_own_cell(lesson, tmp_path):
    cells = [cell("import os"), cell(RIGHT, "exercise", id="given-1"), cell("pass"), cell(WRONG, id="given-2")]
    assert found(lesson, tmp_path, *cells) == {1: RIGHT, 2: WRONG}


def test_an_exercise_is_known_by_its_first_line_when_its_id_is_lost(lesson, tmp_path):
    first, second = f"# Exercise 1: mine\n{RIGHT}", f"#Exercise 2\n{WRONG}"
    assert found(lesson, tmp_path, cell(second), cell(first)) == {1: first, 2: second}


def test_an_exercise_is_known_by_its_order_when_none_was_deleted(lesson, tmp_path):
    assert found(lesson, tmp_path, cell(RIGHT, "exercise"), cell(WRONG, "exercise")) == {1: RIGHT, 2: WRONG}


def test_an_exercise_is_known_by_its_names_when_nothing_else_is_left_of_it(tmp_path):
    given = "# Exercise {n}: a number.\nnumber_{n} = ..."
    lesson = made_lesson(tmp_path / "notebooks", 2, given=given, solved="number = 1")
    second = "x = 1\nnumber_2 = 2 * x"
    assert found(lesson, tmp_path, cell(BEGIN), cell("number_12 = 3"), cell(second)) == {2: second}


def test_a_deleted_or_untouched_exercise_has_no_answer(lesson, tmp_path):
    assert found(lesson, tmp_path, cell(EXERCISE.format(n=2) + "\n\n", "exercise", id="given-2")) == {}


@pytest.mark.parametrize("cells", [[{"source": 5}], [3], [{"source": "x", "id": {}}], "text", None])
def test_cells_that_are_none_are_said_to_be_none(lesson, tmp_path, cells):
    path = tmp_path / "odd.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    with pytest.raises(ValueError, match="odd.ipynb"):
        answers(lesson, path)


# ── Which cells an exercise needs ────────────────────────────────────────────────────────────────────────────


def test_a_cell_needs_what_gives_its_names_a_value_and_no_more():
    cells = [
        "import torch\nfrom torch import nn",
        "x = torch.ones(1)",
        "y = 2",
        "class A(nn.Module):\n    def f(self, x):\n        return x",
    ]
    assert needed(cells, names("A(y)")[1]) == [0, 2, 3]
    assert needed([*cells, "a = A()", "a.eval()"], {"a"}) == [0, 3, 4, 5]
    assert needed(["from m import *", "z = 1"], {"z"}) == [0, 1]


def test_a_submission_has_the_lessons_cells_its_own_and_those_it_changed(lesson, tmp_path):
    own = notebook(
        tmp_path / "own.ipynb", [cell(BEGIN, id="begin"), cell("k = 4"), cell(RIGHT, "exercise", id="given-1")]
    )
    found = merged(lesson, own)
    assert [source for source, _ in found[:3]] == [BEGIN, "k = 4", RIGHT] and len(found) == 6
    changed = notebook(tmp_path / "changed.ipynb", [cell(BEGIN + "\nk = 5", id="begin"), cell(RIGHT, id="given-1")])
    assert merged(lesson, changed)[0] == (BEGIN + "\nk = 5", 0)


# ── Lessons of the course ────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def judged(tmp_path, warm_grading):
    return functools.partial(_judged, tmp_path, warm_grading)


def _judged(tmp_path, warm_grading, number, changed, wanted=None):
    """The verdicts on a lesson with its solutions, some of them changed: {exercise: source}."""
    lesson = read_lesson(number)
    cells = [[changed.get(c.exercise, c.solution) if c.exercise else c.source, c.exercise] for c in lesson.cells]
    with warm_grading.hosts(), Graders(lesson, Limits(30), tmp_path) as graders:
        return graders.marked(cells, wanted or graders.wanted)


def test_a_learners_own_blocks_are_judged_by_the_lessons_own_checks_in_their_own_words(judged):
    solved = {e.exercise: e.solution for e in read_lesson("03").exercises}
    without_padding = solved[3].replace("padding=1", "padding=0")
    assert without_padding != solved[3]
    wrong = {2: solved[2].replace("28, 28", "28, 27"), 3: without_padding, 5: "import copy\nto_v1 = copy.deepcopy"}
    verdicts = judged("03", wrong)
    assert [v.result for v in verdicts] == ["passed", "partly", "failed", "passed", "failed", "passed"]
    assert verdicts[1].points == 0.75
    assert "conv2 has padding 0" in verdicts[2].sentence
    assert "The strides are still where they were" in verdicts[4].sentence
    assert "<details" in verdicts[2].parts[0].html, "with its hints"


LIBRARYS = [
    "from resnet_lib import BTNK1\nMyBTNK1 = BTNK1",
    "from resnet_lib import BTNK1\nclass MyBTNK1(BTNK1):\n    pass",
    "import resnet_lib\nclass MyBTNK1(nn.Module):\n    def __init__(self, C, C1, S=1):\n        super().__init__()\n"
    "        self.own = resnet_lib.BTNK1(C, C1, S)\n    def forward(self, x):\n        return self.own(x)",
]


def test_the_librarys_own_block_is_flagged_and_ones_own_is_not(tmp_path, warm_grading):
    lesson = read_lesson("03")
    with warm_grading.hosts(), Graders(lesson, Limits(30), tmp_path) as graders:
        graders.library = {"3": []}
        for source in [lesson.exercises[2].solution, *LIBRARYS]:
            answer = {3: source}
            cells = [[answer.get(c.exercise, c.solution or c.source), c.exercise] for c in lesson.cells]
            (verdict,) = graders.marked(cells, [3])
            assert any("library's own" in text for text in verdict.look) == (source in LIBRARYS), source


def looked_at(folder, warm_grading, source):
    """The grade of a lesson's exercise, a function that doubles, with this answer."""
    lesson = made_lesson(folder / "notebooks")
    (folder / "scratch").mkdir()
    with warm_grading.hosts(), Graders(lesson, Limits(10), folder / "scratch") as graders:
        (verdict,) = graders.submission(submission(folder / "a.ipynb", source))
    return verdict


@pytest.mark.parametrize(
    "source",
    [
        "from resnet_lib.explorers import StemExplorer\ntwice = StemExplorer().twice",
        "from resnet_lib.explorers import StemExplorer\ne = StemExplorer()\ntwice = e.twice + 1",
    ],
)
def test_a_widget_in_the_place_of_an_answer_makes_no_exercise_count_less(tmp_path, warm_grading, source):
    verdict = looked_at(tmp_path, warm_grading, source)
    assert (verdict.result, verdict.points, verdict.maximum) == ("look at it", 0, 1)
    assert "Write the answer itself" in verdict.sentence and verdict.look


def test_an_answer_that_may_start_no_program_here_is_told_so(tmp_path, warm_grading):
    source = f"{RIGHT}\nimport os\nos.posix_spawn('/bin/true', ['true'], {{}})"
    assert "may start no program" in looked_at(tmp_path, warm_grading, source).sentence


def test_what_no_check_can_judge_is_left_to_a_person(judged):
    chosen = "design = designer.design"
    two, three, four = judged("10", {2: chosen}, [2, 3, 4])
    assert (two.result, two.maximum) == ("look at it", 0) and "chosen in a widget" in two.look[0]
    assert four.result == "look at it" and "ResNet-50 was designed" in four.look[0]
    assert three.result == "look at it"


# ── Numbers for each student ─────────────────────────────────────────────────────────────────────────────────


def test_a_student_always_gets_the_same_numbers_and_legal_ones():
    import torch

    from resnet_lib import BTNK1

    drawn = {tuple(student_numbers(f"student {n}").items()) for n in range(200)}
    assert len(drawn) > 190
    for numbers in map(dict, list(drawn)[:20]):
        C, W, C1, S = (numbers[letter] for letter in ("C", "W", "C1", "S"))
        with torch.device("meta"):
            assert BTNK1(C, C1, S)(torch.zeros(1, C, W, W)).shape[1:] == (4 * C1, -(-W // S), -(-W // S))
        assert C != 4 * C1
    assert student_numbers(" Ada@Example.org ") == student_numbers("ada@example.org")
    assert student_numbers("ada", "03") != student_numbers("ada", "04")
    assert {student_numbers(str(n))["S"] for n in range(20)} == {1, 2}


def test_the_numbers_stay_what_they_were_in_earlier_years():
    assert student_numbers("Ada Lovelace", "03") == {"C": 88, "W": 20, "C1": 80, "S": 1}


def test_a_student_without_a_name_gets_no_numbers():
    with pytest.raises(ValueError, match="identifier is empty"):
        student_numbers("  ")


def test_a_verdict_is_plain_data():
    assert Verdict(1, "passed") == Verdict(1, "passed", "", 0.0)
