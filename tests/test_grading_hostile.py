"""Hostile submissions gain nothing, and harm neither the grader nor another submission.

Each waits for a limit, so that only a sample of every kind is tried in the usual run; with RESNET_COURSE_ALL=1 in the
environment all of them are.
"""

import os
import socket
import sys
import threading
import time
from pathlib import Path

import pytest

from resnet_lib.grading.grader import Graders
from resnet_lib.grading.grades import Limits
from resnet_lib.grading.processes import Host

from .hostile import attacks
from .lies import STEM, lies
from .small_lesson import CHECK, RIGHT, made_lesson, submission

SECONDS = 3  # for each exercise
ALL = list(attacks({"solutions": "", "others": "", "scratch": ""}, 0, ""))
LOOP = "harm: an endless loop"
NAMES = (
    ALL if os.environ.get("RESNET_COURSE_ALL") else [name for i, name in enumerate(ALL) if i % 9 == 0 or name == LOOP]
)
LIES = [name for i, name in enumerate(lies()) if os.environ.get("RESNET_COURSE_ALL") or i % 12 == 1]
HONEST = STEM.replace("self.pool(self.bn(self.conv(x)))", "self.pool(self.bn(self.conv(x)).relu())")


@pytest.fixture(scope="module")
def judged(tmp_path_factory, warm_grading):
    """name → verdict of every attack, and of a right submission after every fourth; how the machine is then."""
    folder = tmp_path_factory.mktemp("hostile")
    lesson = made_lesson(folder / "notebooks")
    (folder / "scratch").mkdir()
    precious = folder / "precious" / "precious.txt"
    precious.parent.mkdir()
    precious.write_text("kept")
    places = {"solutions": folder / "notebooks", "others": folder / "in", "scratch": folder / "scratch"}
    reached, stop = [], threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)

        def listen():
            while not stop.is_set():
                try:
                    reached.append(server.accept())
                except TimeoutError:
                    pass

        listener = threading.Thread(target=listen)
        listener.start()
        port = server.getsockname()[1]
        sources = attacks({n: str(p) for n, p in places.items()}, port, str(precious))
        students = []
        for i, name in enumerate(NAMES):
            source = sources[name]
            students.append((name, submission(folder / "in" / f"{i}.ipynb", source)))
            if i % 4 == 3:
                students.append((f"right {i}", submission(folder / "in" / f"right{i}.ipynb", RIGHT)))
        before = {p: p.read_bytes() for n in ("notebooks", "in", "precious") for p in (folder / n).rglob("*.*")}
        found = {}
        with warm_grading.hosts(), Graders(lesson, Limits(SECONDS, 2000), folder / "scratch") as graders:
            graders.rehearse()
            graders.all(students, lambda student, verdicts, took: found.update({student: (verdicts[0], took)}), jobs=2)
        stop.set()
        listener.join()
    after = {p: p.read_bytes() for n in ("notebooks", "in", "precious") for p in (folder / n).rglob("*.*")}
    return found, {
        "reached": reached,
        "changed": before != after,
        "scratch": folder / "scratch",
        "doors": graders.missing,
    }


pytestmark = pytest.mark.skipif(os.name == "nt", reason="processes and signals of POSIX")


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_submission_gains_nothing_and_ends_in_time(judged, name):
    verdict, took = judged[0][name]
    assert verdict.points == 0 and verdict.result not in ("passed", "partly"), verdict
    assert len(verdict.sentence) <= 600 and "\n" not in verdict.sentence
    assert took < 60  # without a limit it would never end


@pytest.fixture(scope="module")
def lied(tmp_path_factory, warm_grading):
    """name → verdict on every part that lies, and on an honest one after them."""
    folder, found = tmp_path_factory.mktemp("lies"), {}
    given, check = (
        "# Exercise {n}: a stem.\nclass MyStem(nn.Module):\n    ...",
        CHECK.format(check="stem", name="MyStem"),
    )
    lesson = made_lesson(folder / "notebooks", given=given, solved=HONEST, check=check)
    (folder / "scratch").mkdir()
    sources = {name: lies()[name] for name in LIES} | {"honest": HONEST}
    students = [(name, submission(folder / f"{i}.ipynb", s)) for i, (name, s) in enumerate(sources.items())]
    with warm_grading.hosts(), Graders(lesson, Limits(SECONDS, 2000), folder / "scratch") as graders:
        graders.rehearse()
        graders.all(students, lambda student, verdicts, took: found.update({student: verdicts[0]}), jobs=2)
    return found


@pytest.mark.parametrize("name", LIES)
def test_a_part_that_lies_about_itself_gains_nothing(lied, name):
    assert lied[name].points == 0 and lied[name].result in ("failed", "crashed", "timed out"), lied[name]
    assert "The grader failed" not in lied[name].sentence


def test_an_honest_part_beside_them_passes(lied):
    assert lied["honest"].result == "passed", lied["honest"]


def test_the_right_submissions_between_them_pass(judged):
    right = {name: verdict for name, (verdict, _) in judged[0].items() if name.startswith("right")}
    assert len(right) == len(NAMES) // 4
    assert {v.result for v in right.values()} == {"passed"}, right


def running(folder):
    """Processes at work in a folder."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            found += [pid] if str(folder) in os.readlink(f"/proc/{pid}/cwd") else []
        except OSError:
            continue
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="the system's own means are Linux's")
def test_no_file_was_changed_no_listener_reached_and_nothing_left_running(judged):
    _, machine = judged
    if machine["doors"]:
        pytest.skip(f"this system cannot close: {machine['doors']}")
    assert not machine["reached"] and not machine["changed"]
    assert not [p for p in machine["scratch"].glob("tmp*/*") if p.is_file()]
    until = time.monotonic() + 20  # what was killed takes a moment to go
    while (left := running(machine["scratch"])) and time.monotonic() < until:
        time.sleep(0.2)
    assert not [
        (pid, Path(f"/proc/{pid}/cmdline").read_bytes()[-120:], Path(f"/proc/{pid}/stat").read_text()[:60])
        for pid in left
    ]


def test_an_endless_loop_is_told_in_words(judged):
    verdict, took = judged[0][LOOP]
    assert verdict.result == "timed out" and "never ends" in verdict.sentence and took < 60


@pytest.mark.skipif(sys.platform != "linux", reason="hosts are Linux's")
def test_what_a_host_has_started_ends_with_it_also_while_a_judge_could_still_ask_for_more(tmp_path):
    host = Host(tmp_path, "submission")
    judges = os.dup(host.control.fileno())
    line = host.start()
    host.end()
    line.settimeout(20)
    assert line.recv(1) == b""
    os.close(judges)
