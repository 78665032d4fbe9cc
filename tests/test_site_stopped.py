"""A build of pages that is told to stop: it says in a sentence what it has and how it resumes, and leaves nothing
running. In a process of its own, with real signals."""

import os
import shutil
import signal
import subprocess
import sys
import time

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from notebooks.build import METADATA

from .lab import ROOT

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(os.name == "nt", reason="Windows has no signals that one process sends to another"),
]
BUSY = """import os, pathlib, signal, subprocess, time
signal.signal(signal.SIGINT, signal.SIG_IGN)  # as work that does not listen
child = subprocess.Popen(["sleep", "60"])
pathlib.Path("../running").write_text(f"{os.getpid()} {child.pid}")
time.sleep(60)"""
# A shell may have told its background jobs to ignore Ctrl-C.
START = "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); " + (
    "runpy.run_module('notebooks.site', run_name='__main__', alter_sys=True)"
)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A folder with the builder of pages, a lesson of two quick cells, and one whose second cell takes a minute."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copytree(ROOT / "notebooks" / "site", folder / "notebooks" / "site", ignore=lambda *_: ["__pycache__"])
    (folder / "notebooks" / "solutions").mkdir()
    for name, cells in {"00_quick": ["1 + 1", "2 + 2"], "01_long": ["print('begun')", BUSY]}.items():
        book = new_notebook(cells=[new_code_cell(cell) for cell in cells], metadata=METADATA)
        nbformat.write(book, folder / "notebooks" / "solutions" / f"{name}.ipynb")
    return folder


def until(condition, seconds=60):
    """What the condition returns once that is true."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def alive(number):
    return psutil.pid_exists(number) and psutil.Process(number).status() != psutil.STATUS_ZOMBIE


def stopped(folder, *signals):
    """Begin a build, and send it these signals while the long cell runs. (exit status, output, errors, the cell's
    processes)"""
    running = folder / "notebooks" / "running"
    running.unlink(missing_ok=True)
    paths = os.pathsep.join([str(folder), str(ROOT)])
    process = subprocess.Popen(
        [sys.executable, "-c", START],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": paths, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        numbers = until(lambda: running.exists() and len(running.read_text().split()) == 2 and running.read_text())
        for each in signals:
            process.send_signal(each)
        out, errors = process.communicate(timeout=30)
    finally:
        process.kill()
    return process.returncode, out, errors, [int(number) for number in numbers.split()]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("names", [["SIGTERM"], ["SIGINT"], ["SIGHUP", "SIGHUP", "SIGTERM"]], ids="-".join)
def test_a_stopped_build_says_in_one_sentence_what_it_has_resumes_and_leaves_nothing_running(course, names):
    signals, kept = [getattr(signal, name) for name in names], (course / "build").exists()
    status, out, errors, processes = stopped(course, *signals)
    assert errors == (
        "Stopped: 1 of 2 notebooks executed and kept, no page written yet. The same command resumes with 01_long.\n"
    )
    assert status - 128 in signals and "Traceback" not in out
    assert ("00_quick: executed before, unchanged" in out) == kept
    until(lambda: not any(alive(number) for number in processes), 5)
    assert [path.name[:8] for path in (course / "build" / "site").iterdir()] == ["00_quick"]
    assert not list(course.glob("site-*")), "the kernel's own folder is gone"
