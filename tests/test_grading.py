"""The grader: right work passes, part of it gets its part, and a hostile submission gains nothing and harms nobody."""

import csv
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from resnet_lib.exercises import Verdict as WrongVerdict
from resnet_lib.exercises import Wrong
from resnet_lib.grading import Limits, Verdict, grade, student_numbers
from resnet_lib.grading.grader import Sandbox, harmless, understood
from resnet_lib.grading.submissions import answers, read_lesson
from resnet_lib.grading.worker import sentence_of

EXERCISE = """# Exercise {n}: twice as much.
def twice(x):
    return ...  # your code here"""
RIGHT = "def twice(x):\n    return 2 * x"
WRONG = "def twice(x):\n    return 3 * x"
BEGIN = "import torch\nkept = {'two': torch.tensor(2.0)}"
CHECK = """for n in (1, 4):
    x = torch.arange(1.0, n + 1)
    assert torch.equal(twice(x), kept['two'] * x), "twice(x) should be 2x."
"""


def cell(source, *tags, **more):
    metadata = {"tags": list(tags)} if tags else {}
    outputs = {"outputs": [], "execution_count": None}
    return {"cell_type": "code", "metadata": metadata, "source": source, **outputs, **more}


def notebook(path, cells, title="07"):
    path.parent.mkdir(parents=True, exist_ok=True)
    heading = {"cell_type": "markdown", "metadata": {}, "source": f"# {title} · A lesson"}
    whole = {"cells": [heading, *cells], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(whole), encoding="utf-8")
    return path


def made_lesson(folder, exercises):
    """A lesson 07 with so many exercises, all the same, as small as a lesson can be."""
    given, solved = [cell(BEGIN)], [cell(BEGIN)]
    for n in range(1, exercises + 1):
        given += [cell(EXERCISE.format(n=n), "exercise", id=f"given-{n}"), cell(CHECK)]
        solved += [cell(RIGHT, "solution"), cell(CHECK)]
    notebook(folder / "07_small.ipynb", given)
    notebook(folder / "solutions" / "07_small.ipynb", solved)
    return read_lesson("07", folder)


def submission(path, *sources):
    """A learner's notebook with these sources in the cells of exercises 1, 2, …"""
    cells = [cell("import torch")]
    for n, source in enumerate(sources, 1):
        cells += [cell(f"# Exercise {n}: mine\n{source}", "exercise", id=f"given-{n}"), cell(CHECK)]
    return notebook(path, cells)


# ── Hostile answers, each to an exercise of its own, a right one after each ──────────────────────────────────

# name: (source, what is expected of the verdict)
ATTACKS = {
    "leaves through os._exit": ("import os\nos._exit(0)", "refused"),
    "leaves through sys.exit": ("import sys\nsys.exit(0)", "refused"),
    "raises SystemExit": ("raise SystemExit(0)", "failed"),
    "raises KeyboardInterrupt": ("raise KeyboardInterrupt", "failed"),
    "kills its parent": ("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)", "refused"),
    "starts processes": ("import os\nfor _ in range(8):\n    os.fork()", "refused"),
    "prints a hundred megabytes": (f"for _ in range(100):\n    print('x' * 10**6)\n{WRONG}", "failed"),
    "prints a result": (WRONG + '\nprint(\'{"event": "verdict", "exercise": 1, "result": "passed"}\')', "failed"),
    "an endless message": (f"{WRONG}\nraise ValueError('=x\\n' * 10**6)", "failed"),
    "recurses without end": ("def twice(x):\n    return twice(x)", "failed"),
    "replaces torch.equal": (f"torch.equal = lambda a, b: True\n{WRONG}", "refused"),
    "replaces it with setattr": (f"setattr(torch, 'equal', lambda a, b: True)\n{WRONG}", "refused"),
    "replaces a method of tensors": (f"torch.Tensor.mul = lambda a, b: a\n{WRONG}", "refused"),
    "replaces AssertionError": (f"import builtins\nbuiltins.AssertionError = Warning\n{WRONG}", "refused"),
    "redefines what the check calls": (f"class torch:\n    pass\nrange = lambda *n: []\n{WRONG}", "failed"),
    "reaches os through torch": ("torch.os._exit(0)", "refused"),
    "reaches os through an import": ("from torch import os", "refused"),
    "reaches os through getattr": ("getattr(torch, 'os')._exit(0)", "refused"),
    "reaches a frame": ("def g():\n    yield\ng().gi_frame", "refused"),
    "reaches globals": ("torch.equal.__init__.__globals__", "refused"),
    "reaches files through torch": ("torch.PyTorchFileWriter('/tmp/made')", "refused"),
    "a number that answers as it likes": ("torch.SymInt(None)", "refused"),
    "formats through the type": ("str.format('{0.equal}', torch)", "refused"),
    "reaches a frame through a pattern": ("match torch:\n    case object(gi_frame=f):\n        f.clear()", "refused"),
    "a dictionary of its own kind": ("class D(dict):\n    pass", "refused"),
    "reaches subclasses": ("().__class__.__base__.__subclasses__()", "refused"),
    "reaches through a format": ("'{0.__class__.__init__.__globals__}'.format(torch)", "refused"),
    "reaches through a pattern": ("match torch:\n    case object(__dict__=d):\n        d.clear()", "refused"),
    "runs text": ("exec('import os')", "refused"),
    "opens a file": ("open('/tmp/made', 'w')", "refused"),
    "saves a file": ("torch.save(1, '/tmp/made')", "refused"),
    "opens the network": ("import socket\nsocket.create_connection(('127.0.0.1', 1))", "refused"),
    "leaves something for the exit": ("import atexit\natexit.register(print)", "refused"),
    "leaves a thread": ("import threading\nthreading.Thread(target=print).start()", "refused"),
    "answers with what equals everything": (
        "class Yes:\n    def __eq__(self, other):\n        return True\ndef twice(x):\n    return Yes()",
        "refused",
    ),
    "makes such a class with type": ("Yes = type('Yes', (), {'__eq__': lambda a, b: True})", "refused"),
    "makes such a class with type's type": (
        "Yes = type(int)('Yes', (), {'__eq__': lambda a, b: True})\ndef twice(x):\n    return Yes()",
        "refused",
    ),
    "changes what the check compares with": (f"kept['two'].fill_(3.0)\n{WRONG}", "failed"),
    "exchanges what the check compares with": (f"kept['two'] = 3.0\n{WRONG}", "failed"),
    "a tensor of a class of its own": ("class T(torch.Tensor):\n    pass", "refused"),
    "gives another thing than a function": ("twice = torch.add", "failed"),
    "no Python": ("def twice(x:", "failed"),
    "no value": ("y = 1", "failed"),
    "much memory": (f"{WRONG}\nheld = [0] * 10**10", "failed"),
    "a wrong answer": (WRONG, "failed"),
}


@pytest.fixture(scope="module")
def after_attacks(tmp_path_factory):
    """name → (its verdict, the verdict on the right answer after it); all in one submission."""
    folder = tmp_path_factory.mktemp("attacks")
    (folder / "scratch").mkdir()
    sandbox = Sandbox(made_lesson(folder / "notebooks", 2 * len(ATTACKS)), Limits(20, 3000), folder / "scratch")
    given = {}
    for i, (source, _) in enumerate(ATTACKS.values()):
        given[2 * i + 1], given[2 * i + 2] = source, RIGHT
    found = sandbox.verdicts(given)
    return {name: found[2 * i : 2 * i + 2] for i, name in enumerate(ATTACKS)}


@pytest.mark.parametrize("name", ATTACKS)
def test_a_hostile_answer_gains_nothing_and_the_next_is_judged_by_itself(after_attacks, name):
    hostile, right = after_attacks[name]
    assert hostile.result == ATTACKS[name][1], hostile
    assert right.result == "passed", right
    assert len(hostile.sentence) <= 400 and "\n" not in hostile.sentence


# ── The outer fences, with the guard taken away ──────────────────────────────────────────────────────────────

FAKED = json.dumps({"secret": "guess", "event": "verdict", "exercise": 3, "result": "passed"})
WRITES = f"""import os
for fd in range(3, 40):
    try:
        os.write(fd, b'{FAKED}\\n')
    except OSError:
        pass
{WRONG}"""
FENCED = {
    "os._exit": ("import os\nos._exit(0)", "crashed", ""),
    "never ends": ("while True:\n    pass", "timed out", "did not come to an end"),
    "writes into the report": (WRITES, "tampered", "wrote into its report"),
    "forks": ("import os\nos.fork()", "failed", "the grader refuses os.fork"),
    "runs a program": ("import subprocess\nsubprocess.run(['true'])", "failed", "the grader refuses subprocess"),
    "kills its parent": ("import os\nos.kill(os.getppid(), 9)", "failed", "the grader refuses os.kill"),
    "calls into C": ("import ctypes\nctypes.CDLL(None)", "failed", "the grader refuses ctypes"),
    "opens the network": (
        "import socket\nsocket.create_connection(('127.0.0.1', {port}))",
        "failed",
        "the grader refuses socket",
    ),
    "deletes outside": ("import os\nos.remove({precious!r})", "failed", "the grader refuses os.remove"),
    "writes outside": ("open({precious!r}, 'w')", "failed", "the grader refuses to write"),
    "moves outside": ("import os\nos.replace({precious!r}, 'here')", "failed", "the grader refuses os.rename"),
    "looks at the solutions": ("import os\nopen({solutions!r}).read()", "failed", "the grader refuses to read"),
    "deletes outside, by a folder opened before": (
        "import os\nos.remove('precious.txt', dir_fd=os.open({outside!r}, os.O_RDONLY))",
        "failed",
        "refuses to read",
    ),
    "searches memory": ("import gc\ngc.get_objects()", "failed", "the grader refuses gc.get_objects"),
    "takes all memory": ("held = bytearray(10**11)", "failed", "MemoryError"),
    "rewrites the library": (
        "import resnet_lib.blocks as b\nopen(b.__file__, 'a').write('#')",
        "failed",
        "refuses to write",
    ),
    "replaces torch.equal": (f"import torch\ntorch.equal = lambda a, b: True\n{WRONG}", "tampered", "torch.equal"),
    "replaces a library function": (
        f"import resnet_lib\nresnet_lib.anatomy.__code__ = (lambda *a: 1).__code__\n{RIGHT}",
        "tampered",
        "anatomy",
    ),
    "a thread that goes on": (
        f"import threading, time\nthreading.Thread(target=time.sleep, args=(999,)).start()\n{WRONG}",
        "failed",
        "2x",
    ),
    "leaves something for the exit": (
        f"import atexit, os, time\natexit.register(time.sleep, 999)\n{WRONG}",
        "failed",
        "2x",
    ),
}


@pytest.fixture(scope="module")
def fenced(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fenced")
    (folder / "scratch").mkdir()
    precious = folder / "precious.txt"
    precious.write_text("kept")
    lesson = made_lesson(folder / "notebooks", len(FENCED) + 1)
    sandbox = Sandbox(lesson, Limits(4, 3000), folder / "scratch", [folder / "notebooks"], guarded=False)
    reached = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        stop = threading.Event()

        def listen():
            while not stop.is_set():
                try:
                    reached.append(server.accept())
                except TimeoutError:
                    pass

        listener = threading.Thread(target=listen)
        listener.start()
        known = {
            "precious": str(precious),
            "outside": str(folder),
            "port": server.getsockname()[1],
            "solutions": str(folder / "notebooks" / "solutions" / "07_small.ipynb"),
        }
        sources = [s.format(**known) if "{" in s and "event" not in s else s for s, *_ in FENCED.values()]
        found = sandbox.verdicts(dict(enumerate([*sources, RIGHT], 1)))
        stop.set()
        listener.join()
    assert not reached and precious.read_text() == "kept"
    assert not list(folder.glob("scratch/*/*")), "nothing is left behind but the rehearsal's fonts"
    return dict(zip([*FENCED, "right"], found, strict=True))


@pytest.mark.skipif(os.name == "nt", reason="processes and signals of POSIX")
@pytest.mark.parametrize("name", FENCED)
def test_the_outer_fence_holds_without_the_guard(fenced, name):
    _, result, sentence = FENCED[name]
    assert fenced[name].result == result, fenced[name]
    assert sentence in fenced[name].sentence


def test_a_right_answer_after_all_of_them_passes(fenced):
    assert fenced["right"].result == "passed"


HELPS = "def half(x):\n    return x / 2\ndef twice(x):\n    return half(x) * 4"
USES = "def twice(x):\n    return 4 * half(x)"


@pytest.mark.skipif(os.name == "nt", reason="processes and signals of POSIX")
@pytest.mark.parametrize("between", ["import os\nos._exit(0)", "while True:\n    pass"])
def test_a_helper_of_an_earlier_cell_is_there_after_a_process_has_died(tmp_path, between):
    lesson = made_lesson(tmp_path / "notebooks", 4)
    sandbox = Sandbox(lesson, Limits(4, 3000), tmp_path, guarded=False)
    found = sandbox.verdicts({1: HELPS, 2: between, 3: USES, 4: USES})
    assert [v.result for v in found] == ["passed", "crashed" if "exit" in between else "timed out", "passed", "passed"]


def test_memory_is_watched_from_outside_where_the_system_sets_no_limit(tmp_path):
    sandbox = Sandbox(made_lesson(tmp_path / "notebooks", 1), Limits(20, 50), tmp_path)
    (verdict,) = sandbox.verdicts({1: RIGHT})
    assert (verdict.result, verdict.sentence) == ("crashed", "It took more than 50 MB of memory.")


def test_a_line_without_the_secret_is_not_believed():
    line = json.dumps({"secret": "right", "event": "end"})
    assert understood(line, "right") == {"event": "end"}
    for bad in (line.replace("right", "wrong"), "[]", "{}", "no json", '{"secret": 1}', "[" * 10**5):
        assert understood(bad, "right") is None


# ── A folder of submissions ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    root = tmp_path_factory.mktemp("graded")
    made_lesson(root / "notebooks", 2)
    folder = root / "submitted"
    submission(folder / "a right.ipynb", RIGHT, RIGHT)
    submission(folder / "group" / "partly.ipynb", RIGHT, WRONG)
    submission(folder / "never ends.ipynb", "while True:\n    pass", RIGHT)
    notebook(folder / "=untouched.ipynb", [cell(EXERCISE.format(n=n), "exercise", id=f"given-{n}") for n in (1, 2)])
    notebook(folder / "other lesson.ipynb", [cell(RIGHT)], title="03")
    (folder / "broken.ipynb").write_text('{"cells": [')
    (folder / "list.ipynb").write_text("[1]")
    (folder / "binary.ipynb").write_bytes(b"\xff\xfe\x00")
    (folder / "notes.txt").write_text("no notebook")
    (folder / ".ipynb_checkpoints").mkdir()
    submission(folder / ".ipynb_checkpoints" / "old.ipynb", RIGHT, RIGHT)
    said = []
    out = root / "grades.csv"
    grades = grade(folder, "7", out, Limits(5, 3000), said.append, root / "notebooks")
    with open(out, newline="", encoding="utf-8-sig") as file:
        return grades, list(csv.DictReader(file)), said, sorted(p.name for p in root.iterdir())


@pytest.mark.parametrize(
    ("student", "results"),
    [
        ("a right", ["passed", "passed"]),
        ("group/partly", ["passed", "failed"]),
        ("never ends", ["timed out", "passed"]),
        ("=untouched", ["not done", "not done"]),
        ("other lesson", ["unreadable", "unreadable"]),
        ("broken", ["unreadable", "unreadable"]),
        ("list", ["unreadable", "unreadable"]),
        ("binary", ["unreadable", "unreadable"]),
    ],
)
def test_each_submission_gets_what_it_deserves_whatever_lies_beside_it(graded, student, results):
    assert [v.result for v in graded[0][student]] == results


def test_each_submission_has_a_line_and_nothing_but_the_csv_is_left(graded):
    grades, _, said, left = graded
    assert len(grades) == 8 and len(said) == 9
    assert any("a right: 2 of 2 passed" in line for line in said)
    assert left == ["grades.csv", "notebooks", "submitted"]


def test_the_csv_has_a_row_for_each_exercise_and_a_sum_and_no_formulas(graded):
    rows = graded[1]
    assert len(rows) == 8 * 3
    mine = [(r["exercise"], r["result"]) for r in rows if r["student"] == "group/partly"]
    assert mine == [("1", "passed"), ("2", "failed"), ("all", "1 of 2")]
    sentences = {(r["student"], r["exercise"]): r["sentence"] for r in rows}
    assert sentences["group/partly", "2"] == "twice(x) should be 2x."
    assert "lesson 03, and lesson 07 is being graded" in sentences["other lesson", "1"]
    assert "JSON" in sentences["broken", "1"]
    assert {r["student"][0] for r in rows if "untouched" in r["student"]} == {"'"}


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", " =1", "\t=1", "\r\n=1"])
def test_no_cell_of_the_csv_is_a_formula(text):
    assert harmless(text).startswith("'") and "\n" not in harmless(text)


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


def test_a_lesson_whose_solution_does_not_pass_grades_nobody(tmp_path):
    made_lesson(tmp_path / "notebooks", 1)
    notebook(tmp_path / "notebooks" / "solutions" / "07_small.ipynb", [cell(WRONG, "solution")])
    submission(tmp_path / "full" / "a.ipynb", RIGHT)
    with pytest.raises(ValueError, match="itself does not pass here, so nothing can be graded: twice"):
        grade(tmp_path / "full", "07", tmp_path / "grades.csv", notebooks=tmp_path / "notebooks")


def test_the_command_says_in_a_sentence_what_stands_in_its_way_and_reads_paths_from_where_it_was_called(tmp_path):
    command = [sys.executable, "-m", "resnet_lib.grading", "--from", tmp_path, "here", "--lesson", "3"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Nothing was graded: {tmp_path / 'here'} is not a folder") and done.stdout == ""


def test_what_a_check_of_the_library_says_stands_there_without_the_name_of_an_error():
    assert sentence_of(Wrong(WrongVerdict(False, "twice", "It gives 3."))) == "twice is not right yet. It gives 3."
    assert sentence_of(ValueError("no number")) == "ValueError: no number"


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


def test_cells_of_the_learners_own_and_changed_checks_are_left_out(lesson, tmp_path):
    cells = [cell("import os"), cell(RIGHT, "exercise", id="given-1"), cell("pass"), cell(WRONG, id="given-2")]
    assert found(lesson, tmp_path, *cells) == {1: RIGHT, 2: WRONG}


def test_an_exercise_is_known_by_its_first_line_when_its_id_is_lost(lesson, tmp_path):
    first, second = f"# Exercise 1: mine\n{RIGHT}", f"#Exercise 2\n{WRONG}"
    assert found(lesson, tmp_path, cell(second), cell(first)) == {1: first, 2: second}


def test_an_exercise_is_known_by_its_order_when_none_was_deleted(lesson, tmp_path):
    assert found(lesson, tmp_path, cell(RIGHT, "exercise"), cell(WRONG, "exercise")) == {1: RIGHT, 2: WRONG}


def test_a_deleted_or_untouched_exercise_has_no_answer(lesson, tmp_path):
    assert found(lesson, tmp_path, cell(EXERCISE.format(n=2) + "\n\n", "exercise", id="given-2")) == {}


@pytest.mark.parametrize("cells", [[{"source": 5}], [3], [{"source": "x", "id": {}}], "text", None])
def test_cells_that_are_none_are_said_to_be_none(lesson, tmp_path, cells):
    path = tmp_path / "odd.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    with pytest.raises(ValueError, match="odd.ipynb"):
        answers(lesson, path)


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("import torch.nn.functional as F\ndef twice(x):\n    return F.relu(x) * 2.0", "passed"),
        ("def twice(input):\n    vars = input.clone()\n    vars += input\n    return vars", "passed"),
        ("from functools import reduce\ndef twice(x):\n    return reduce(torch.add, [x, x])", "passed"),
        (
            "class Twice(torch.nn.Module):\n    def forward(self, x):\n        self.seen = x\n        return x + x\n"
            "def twice(x):\n    return Twice()(x)",
            "passed",
        ),
        ("def twice(x):\n    return torch.dubble(x)", "failed"),
    ],
)
def test_what_honest_learners_write_is_not_refused(tmp_path, source, result):
    sandbox = Sandbox(made_lesson(tmp_path / "notebooks", 1), Limits(), tmp_path)
    (verdict,) = sandbox.verdicts({1: source})
    assert verdict.result == result, verdict


def test_a_helper_and_an_import_of_one_exercise_serve_the_next_ones_and_a_leftover_answer_does_not(tmp_path):
    sandbox = Sandbox(made_lesson(tmp_path / "notebooks", 3), Limits(), tmp_path)
    helpers = "import math\ndef times(x, n):\n    return n * x\ndef twice(x):\n    return times(x, 2)"
    using = "def twice(x):\n    return times(x, math.sqrt(4))"
    assert [v.result for v in sandbox.verdicts({1: helpers, 2: using, 3: "times"})] == ["passed", "passed", "failed"]


# ── A lesson of the course ───────────────────────────────────────────────────────────────────────────────────


def test_a_learners_own_blocks_are_graded_by_the_lessons_own_checks(tmp_path):
    lesson = read_lesson("03")
    solved = {e.exercise: e.solution for e in lesson.exercises}
    without_padding = solved[3].replace("padding=1", "padding=0")
    assert without_padding != solved[3]
    verdicts = Sandbox(lesson, Limits(), tmp_path).verdicts(
        solved | {2: solved[2] + "\nprediction[0] = 1", 3: without_padding, 5: "import copy\nto_v1 = copy.deepcopy"}
    )
    assert [v.result for v in verdicts] == ["passed", "failed", "failed", "passed", "failed", "passed"]
    assert verdicts[5].sentence == "as A. Learner"
    assert "keep its 4 keys" in verdicts[1].sentence
    assert "Wrong:" not in "".join(v.sentence for v in verdicts), "a check's sentence, not the name of its error"
    assert "One term is 4 wide and the other 5" in verdicts[2].sentence
    assert "The strides are still where they were" in verdicts[4].sentence


def test_a_stand_in_for_a_tensor_or_for_a_module_is_refused(tmp_path):
    lesson = read_lesson("03")
    stand_in = "class Fake(nn.Module):\n    def any(self):\n        return False\n"
    fake = stand_in + lesson.exercises[0].solution.replace("return self.bn(self.conv(x))", "return Fake()")
    inherited = "from resnet_lib import BTNK1\nclass MyBTNK1(BTNK1):\n    pass"
    verdicts = Sandbox(lesson, Limits(), tmp_path).verdicts({1: fake, 3: inherited})
    # The check itself stops at what the guard says, and calls it what it is: not right.
    assert [v.result for v in verdicts] == ["failed", "not done", "refused", "not done", "not done", "not done"]
    assert "Refused: the cell uses a Fake" in verdicts[0].sentence
    assert "the library's own BTNK1" in verdicts[2].sentence


@pytest.mark.parametrize(
    "answer",
    [
        "from resnet_lib import BTNK1\nMyBTNK1 = BTNK1",
        "import resnet_lib\nMyBTNK1 = resnet_lib.BTNK1",
        "from resnet_lib import BTNK1\ndef MyBTNK1(C, C1, S=1):\n    return BTNK1(C, C1, S)",
    ],
)
def test_the_librarys_own_block_under_another_name_is_no_answer(tmp_path, answer):
    verdicts = Sandbox(read_lesson("03"), Limits(), tmp_path).verdicts({3: answer})
    assert verdicts[2].result == "failed"
    assert verdicts[2].sentence == "MyBTNK1 should be a class written in the cell."


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
