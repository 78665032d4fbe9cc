"""Files that are handed in to trouble the grader: each gets its own row, and no other is harmed."""

import csv
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from resnet_lib.grading import Limits, box, grade, wire
from resnet_lib.grading.line import reader
from resnet_lib.grading.needs import parsed
from resnet_lib.grading.proxies import Ended
from resnet_lib.grading.remote import Remote
from resnet_lib.grading.reports import Memory, identity
from resnet_lib.grading.submissions import claimed
from resnet_lib.grading.watching import folder_for, nameless, size_of

from .small_lesson import BEGIN, RIGHT, WRONG, cell, made_lesson, notebook, submission

DEEP = '{"cells": ' + "[" * 100_000
SCRIPT = "<script>alert(1)</script>"


def twice_the_exercise(folder, *sources):
    cells = [cell(source, "exercise", id="given-1") for source in sources]
    return notebook(folder, [cell(BEGIN, id="begin"), *cells])


@pytest.fixture(scope="module")
def graded(tmp_path_factory, warm_grading):
    root = tmp_path_factory.mktemp("handed in")
    made_lesson(root / "notebooks")
    folder = root / "in"
    submission(folder / "right.ipynb", RIGHT)
    submission(folder / "lone.ipynb", f"{RIGHT}  # \ud800")
    submission(folder / "lone error.ipynb", "raise ValueError('\\ud800')")
    submission(folder / f"{SCRIPT.replace('/', '')}.ipynb", f"{WRONG}\nraise ValueError('{SCRIPT}')")
    twice_the_exercise(folder / "twice.ipynb", WRONG, RIGHT)
    submission(folder / "x\n1,2,3\n.ipynb", WRONG)
    notebook(folder / "numbers.ipynb", [cell(5), {"cell_type": "code", "source": [1, None]}])
    notebook(folder / "no cells.ipynb", [])
    (folder / "deep.ipynb").write_text(DEEP)
    (folder / "digits.ipynb").write_text('{"cells": [' + "1" * 10_000 + "]}")
    (folder / "null.ipynb").write_bytes(b"\0" * 1000)
    (folder / "empty.ipynb").write_bytes(b"")
    (folder / "parts.ipynb").write_text('{"cells": [' + ",".join(["{}"] * 1_000_001) + "]}")
    submission(folder / "lines.ipynb", RIGHT, between=["\n" * 300_000 + "me" + " " * 300_000 + "\n" * 300_000])
    submission(folder / "code.ipynb", RIGHT, between=["x = 1\n" * 500_000])
    submission(folder / "magics.ipynb", RIGHT, between=["\n".join(["!ls"] * 2000)])
    if os.name != "nt":  # each part may have 255 bytes, but not both in one
        submission(folder / ("\U00020000" * 50) / ("\U00020001" * 50 + ".ipynb"), RIGHT)
    for name, size in (("large", 101 * 10**6), ("larger than memory", 10**13)):
        with open(folder / f"{name}.ipynb", "wb") as file:
            file.truncate(size)
    (folder / "folder.ipynb").mkdir()
    if os.name != "nt":
        (folder / "linked.ipynb").symlink_to(root / "notebooks" / "solutions" / "07_small.ipynb")
        (folder / "nowhere.ipynb").symlink_to(root / "nothing")
        (folder / "itself.ipynb").symlink_to("itself.ipynb")
        (folder / "others").symlink_to(folder)
        os.mkfifo(folder / "pipe.ipynb")
    with warm_grading.hosts():
        grades = grade(folder, "07", root / "grades.csv", Limits(4), lambda line: None, root / "notebooks", jobs=2)
    return {name: verdict for name, (verdict,) in grades.items()}, root


def test_a_right_one_passes_and_no_damaged_file_does(graded):
    found = {name: verdict.result for name, verdict in graded[0].items()}
    odd = [name for name in found if "\U00020000" in name]
    assert found.pop("magics") in ("passed", "timed out")  # a notebook takes a minute to refuse that cell
    assert {found.pop(name) for name in ["right", "twice", "lines", *odd]} == {"passed"}
    assert set(found.values()) == {"failed", "unreadable"}


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("large", "more than 100 MB"),
        ("larger than memory", "more than 100 MB"),
        ("code", "more than 2,000,000 characters of code"),
        ("parts", "has more parts than a notebook"),
        ("deep", "no cells of a notebook"),
        ("digits", "its JSON breaks off or is damaged"),
        ("empty", "its JSON breaks off or is damaged"),
        ("null", "its JSON breaks off or is damaged"),
        ("no cells", "none of the exercises"),
        ("numbers", "no cells of a notebook"),
    ],
)
def test_what_is_no_notebook_is_told_why(graded, name, sentence):
    assert graded[0][name].result == "unreadable" and sentence in graded[0][name].sentence


@pytest.mark.skipif(os.name == "nt", reason="links and pipes of POSIX")
def test_a_link_is_not_followed_and_a_pipe_not_waited_for(graded):
    """A link may lead to the solutions, or to what another has handed in."""
    for name in ("linked", "nowhere", "itself", "pipe"):
        assert "is a link or no file" in graded[0][name].sentence, name
    assert not [name for name in graded[0] if name.startswith("others")]


def test_the_last_of_two_answers_to_an_exercise_counts_as_in_a_notebook(graded):
    assert graded[0]["twice"].result == "passed"


def test_a_cell_of_empty_lines_or_magics_does_not_hold_up_the_grader(graded):
    assert all(graded[0][name].seconds < 20 for name in ("lines", "magics"))


def test_no_page_runs_what_a_student_wrote_and_every_row_is_one_line(graded):
    _, root = graded
    pages = [path.read_text(encoding="utf-8") for path in (root / "grades_feedback").glob("*.html")]
    assert len(pages) == len(graded[0]) + 1 and not any(SCRIPT in page or "<script>" in page for page in pages)
    with open(root / "grades.csv", newline="", encoding="utf-8-sig") as file:
        rows = list(csv.reader(file))
    assert len(rows) == len(graded[0]) + 1 and len({len(row) for row in rows}) == 1
    assert not any(value.startswith("=") or "\n" in value for row in rows for value in row)
    assert json.loads((root / ".grades.graded.json").read_text())["graded"]


def test_a_grading_that_was_stopped_while_it_wrote_leaves_no_second_pages(tmp_path):
    class Stopped(dict):
        def items(self):
            yield from list(super().items())[:2]
            raise KeyboardInterrupt

    out, said = tmp_path / "grades.csv", []
    with pytest.raises(KeyboardInterrupt):
        Memory(out).write(Stopped({"": b"old", "_feedback/a.html": b"old", "_feedback/b.html": b"old"}), said.append)
    Memory(out).write({"": b"new", "_feedback/a.html": b"new", "_feedback/b.html": b"new"}, said.append)
    assert said == []
    assert {p.name: p.read_bytes() for p in tmp_path.rglob("*") if p.suffix in (".csv", ".html")} == {
        "grades.csv": b"new",
        "a.html": b"new",
        "b.html": b"new",
    }


def test_a_page_that_lies_there_as_it_would_be_written_is_not_taken_for_changed_by_hand(tmp_path):
    out, said = tmp_path / "grades.csv", []
    out.write_bytes(b"the same")
    Memory(out).write({"": b"the same"}, said.append)
    assert said == [] and not (tmp_path / "grades (2).csv").exists()


@pytest.mark.skipif(os.name == "nt", reason="a path that long cannot be made there")
@pytest.mark.parametrize("name", ["d", "d" * 100])
def test_folders_too_deep_to_be_named_are_removed_and_too_large(name):
    back = os.getcwd()
    with folder_for("deep-") as folder:
        os.chdir(folder)
        for _ in range(1500):
            os.mkdir(name)
            os.chdir(name)
        open("file", "w").close()
        os.chdir(back)
        assert size_of(folder) > 10**12
    assert not list(Path(folder).parent.glob(f"{Path(folder).name}*"))


@pytest.mark.skipif(sys.platform != "linux", reason="as Linux tells it")
def test_a_file_that_no_folder_names_any_more_takes_its_place(tmp_path):
    before = nameless(os.getpid())
    with open(tmp_path / "a", "wb") as file:
        file.write(bytes(10**6))
        file.flush()
        assert nameless(os.getpid()) == before
        (tmp_path / "a").unlink()
        assert nameless(os.getpid()) == before + 10**6


LONG = {
    "a text of many parts": "x = f'" + "{1}" * 10**5 + "'",
    "many lines": "x = 1\n" * 3 * 10**5,
    "many magics": "!ls\n" * 99 + "x = 1\n" * 10**4,
    "many attributes": "x = a" + ".b" * 10**4,
}


@pytest.mark.parametrize("name", LONG)
def test_a_cell_that_takes_minutes_to_read_is_not_read(name):
    begun = time.monotonic()
    assert parsed(LONG[name]) is None
    assert time.monotonic() - begun < 5


def test_more_work_than_the_process_itself_can_have_done_is_not_carried_out():
    remote = Remote(None, seconds=1)
    remote.work(0.9)
    with pytest.raises(Ended, match="takes too long"):
        remote.work(0.2)


def test_a_message_that_drips_in_does_not_outlast_its_time():
    ours, theirs = socket.socketpair()
    ours.settimeout(0.1)
    done = threading.Event()

    def drip():
        while not done.wait(0.02):
            theirs.sendall(b"x")

    threading.Thread(target=drip, daemon=True).start()
    begun = time.monotonic()

    def watch():
        if time.monotonic() > begun + 0.5:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        reader(ours, watch)(10**6)
    done.set()


def test_one_who_says_nothing_is_not_waited_for():
    ours, theirs = socket.socketpair()
    ours.settimeout(0.1)
    with pytest.raises(TimeoutError):
        wire.receive(reader(ours))
    theirs.close()


@pytest.mark.parametrize("kind", ["_getattribute__", "_class__", "_setattr__", "_init__", "remember", "no such"])
def test_a_form_that_is_none_reaches_no_method_of_the_one_that_reads_it(kind):
    with pytest.raises(wire.Broken):
        wire.Decoder([]).decode([kind, "hook", 1])


@pytest.mark.parametrize("name", ["Ada_12_assignsubmission_file_/Bo_34_assignsubmission_file_.ipynb", ""])
def test_whose_a_submission_is_is_not_for_the_name_of_the_file_to_say(name):
    flat = "Ada_12_assignsubmission_file_Bo_34_assignsubmission_file_.ipynb"
    assert identity(Path(name or flat)) == ("Ada", "12", "")


def test_a_million_names_in_one_submission_are_not_told_to_the_judges_of_all(tmp_path):
    many = "\n".join(f'me = "{n}"' for n in range(10**5))
    assert len(claimed(submission(tmp_path / "many.ipynb", RIGHT, between=[many]))) < 10


def test_an_error_of_a_million_lines_takes_no_time():
    said = {"kind": "ValueError", "name": "E", "text": "t", "lines": [["f", 9999, "x", None]] * 10**6}
    begun = time.monotonic()
    assert isinstance(Remote(None).problem({"error": said}), ValueError)
    assert time.monotonic() - begun < 5


def test_no_submission_reads_checks_or_solutions_where_the_library_lies_in_pythons_own_folder(tmp_path):
    packages = tmp_path / "prefix" / "lib" / "site-packages"
    for place in ("resnet_lib/exercises", "resnet_lib/notebooks/solutions", "resnet_lib/views", "torch"):
        (packages / place).mkdir(parents=True)
    (tmp_path / "prefix" / "lib64").symlink_to("lib")
    closed = [packages / "resnet_lib" / name for name in ("exercises", "notebooks", "nothing")]
    found = dict(box.readable(tmp_path / "prefix", closed, set()))
    read = {path for path, rights in found.items() if rights == box.READ}
    assert read == {packages / "torch", packages / "resnet_lib" / "views"}
    assert {path.name for path, rights in found.items() if rights == box.NAMES} == {
        "prefix",
        "lib",
        "site-packages",
        "resnet_lib",
    }


AFFINITY = """
import os, runpy, sys
box = runpy.run_path(sys.argv[1])
box["close"](sys.argv[2])
os.sched_setaffinity(0, os.sched_getaffinity(0))
try:
    os.sched_setaffinity(os.getppid(), {0})
except PermissionError:
    print("refused")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="calls of Linux")
def test_a_submission_ties_no_other_process_to_one_processor(tmp_path):
    before = os.sched_getaffinity(0)
    command = [sys.executable, "-c", AFFINITY, box.__file__, str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True)
    here = os.sched_getaffinity(0)
    os.sched_setaffinity(0, before)
    assert said.stdout.strip() == "refused" and here == before, said.stderr


def test_the_folders_closed_to_submissions_hold_checks_solutions_and_verdicts():
    assert {"exercises", "grading", "notebooks", "tests"} == {path.name for path in box.CLOSED}
