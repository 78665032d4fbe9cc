"""Grades a folder of submitted notebooks, each in processes of its own, and writes a CSV."""

import contextlib
import csv
import json
import os
import queue
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from .submissions import NOTEBOOKS, answers, read_lesson

ROOT = Path(__file__).resolve().parents[2]
START = "import sys; sys.path[0] = sys.argv[1]; from resnet_lib.grading.worker import main; main()"
CHATTER = 10**6  # bytes that a worker may report before it is stopped: an honest one needs a hundredth
COLUMNS = ("student", "exercise", "result", "sentence", "seconds")


@dataclass(frozen=True)
class Limits:
    """What one submission may use: seconds for each exercise with its checks, and MB of memory."""

    seconds: float = 60
    memory: int = 4000

    def __post_init__(self):
        if self.seconds <= 0 or self.memory <= 0:
            raise ValueError("seconds and memory are to be positive: --seconds 60 --memory 4000 are usual")


@dataclass(frozen=True)
class Verdict:
    """What became of one exercise.

    result: "passed", "failed", "not done", "timed out", "crashed", "refused" (it uses what no exercise needs),
    "tampered" (something that checks rely on was changed), or "unreadable" (the whole notebook).
    """

    exercise: int
    result: str
    sentence: str = ""
    seconds: float = 0.0


def grade(folder, lesson, out, limits=None, say=print, notebooks=NOTEBOOKS):
    """Grade every notebook below `folder` against the lesson of that number and write the CSV `out`.

    A submission can change nothing in another's result: each is read by itself and run in processes of its own. `say`
    gets a line for each. Returns a dictionary student → list of `Verdict`. ValueError with a sentence if the folder
    holds no notebook, there is no such lesson, or the solved lesson itself does not pass on this machine.
    """
    folder, out, limits = Path(folder), Path(out), limits or Limits()
    lesson = read_lesson(lesson, notebooks)
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder: give the one that holds the submitted notebooks")
    paths = [p for p in sorted(folder.rglob("*.ipynb")) if p.is_file() and ".ipynb_checkpoints" not in p.parts]
    if not paths:
        raise ValueError(f"{folder} holds no notebook (a file that ends in .ipynb)")
    if not out.parent.is_dir():
        raise ValueError(f"{out.parent} is no folder: the CSV cannot be written there")
    grades = {}
    with tempfile.TemporaryDirectory(prefix="grading-") as scratch:
        sandbox = Sandbox(lesson, limits, Path(scratch), closed=[folder, notebooks])
        say(f"The solved lesson {lesson.number}: {sandbox.rehearse():.0f} s")
        for i, path in enumerate(paths, 1):
            student = printable(path.relative_to(folder).with_suffix("").as_posix())
            start = time.monotonic()
            try:
                verdicts = sandbox.verdicts(answers(lesson, path))
            except ValueError as problem:
                verdicts = [Verdict(e.exercise, "unreadable", f"{problem}.") for e in lesson.exercises]
            except Exception as problem:  # whatever is odd about one must not end the grading of all
                said_so = f"The grader failed: {type(problem).__name__}: {problem}"
                verdicts = [Verdict(e.exercise, "crashed", said_so) for e in lesson.exercises]
            grades[student] = verdicts
            passed = sum(v.result == "passed" for v in verdicts)
            took = time.monotonic() - start
            say(f"{i} of {len(paths)}  {student}: {passed} of {len(verdicts)} passed ({took:.0f} s)")
            write(grades, out)  # each time: who stops the grader keeps what is done
    return grades


def write(grades, out):
    """Write the CSV: a row for each exercise and one for each student's sum. It appears whole or not at all."""
    part = out.with_name(out.name + ".part")
    with open(part, "w", newline="", encoding="utf-8-sig") as file:  # with the mark that Excel knows UTF-8 by
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for student, verdicts in grades.items():
            for v in verdicts:
                rows.writerow(map(harmless, (student, v.exercise, v.result, v.sentence, f"{v.seconds:.1f}")))
            passed = sum(v.result == "passed" for v in verdicts)
            seconds = f"{sum(v.seconds for v in verdicts):.1f}"
            rows.writerow(map(harmless, (student, "all", f"{passed} of {len(verdicts)}", "", seconds)))
    os.replace(part, out)


def harmless(value):
    """The value as text that no spreadsheet takes for a formula, in one line."""
    text = printable(value)
    return "'" + text if text.lstrip().startswith(("=", "+", "-", "@")) else text


def printable(value):
    return "".join(c if c.isprintable() else " " for c in str(value))


class Sandbox:
    """Runs answers to one lesson. `scratch` is an empty folder for what the runs leave behind, `closed` are folders
    that no submission may look into. Without `guarded`, submitted code may say anything, and the outer fences alone
    hold it: for tests of those."""

    def __init__(self, lesson, limits, scratch, closed=(), guarded=True):
        self.lesson, self.limits, self.scratch, self.guarded = lesson, limits, Path(scratch), guarded
        self.closed = [str(Path(each).resolve()) for each in closed]
        self.cache = self.scratch / "cache"  # matplotlib's list of fonts, made once by the rehearsal
        self.cache.mkdir(exist_ok=True)
        self.usual, self.start = {}, 120.0  # seconds for each exercise's cells, and until the first

    def rehearse(self):
        """Run the solved lesson, and take from it how long things take here. Returns its seconds.

        ValueError with a sentence if it does not pass.
        """
        begin = time.monotonic()
        usual = {}
        for found in self.events({}, 1800, rehearsal=True):
            if found["event"] == "ready":
                self.start = 60 + 5 * (time.monotonic() - begin)
            elif found["event"] == "verdict":
                usual[found["exercise"]] = found["seconds"]
            elif found["event"] != "begin" and found["event"] != "end":
                raise ValueError(
                    f"the solved lesson {self.lesson.number} itself does not pass here, so nothing can be graded: "
                    f"{found['sentence']}"
                )
        self.usual = usual
        return time.monotonic() - begin

    def verdicts(self, answers):
        """One Verdict for each exercise of the lesson, from answers, a dictionary number → source."""
        wanted = [e.exercise for e in self.lesson.exercises]
        done = {n: Verdict(n, "not done") for n in wanted if n not in answers}
        spent = set()  # what ended a process, or changed what checks rely on in one
        while len(done) < len(wanted):
            # A new process runs again what did no harm, since later cells may use what it defined; it is judged once.
            left = {n: source for n, source in answers.items() if n not in spent}
            now, begun, last, judged = None, time.monotonic(), None, len(done)
            for found in self.events(left, self.start):
                if found["event"] == "begin":
                    now, begun = found["exercise"], time.monotonic()
                elif found["event"] == "verdict" and now in left and found["exercise"] == now:
                    done.setdefault(now, Verdict(now, found["result"], found["sentence"], found["seconds"]))
                    if found["result"] == "tampered":
                        spent.add(now)
                elif found["event"] == "stopped":
                    last = found
            if last and now in left:
                guilty = now
            elif len(done) == judged:  # it came to nothing: at least one must be judged each time
                guilty = next(n for n in wanted if n not in done)
            else:
                continue
            last = last or {"result": "crashed", "sentence": ""}
            spent.add(guilty)
            took = round(time.monotonic() - begun, 2)
            done.setdefault(guilty, Verdict(guilty, last["result"], last["sentence"], took))
        return [done[n] for n in wanted]

    def seconds_for(self, n):
        return max(self.limits.seconds, 5 * self.usual.get(n, 0))

    def events(self, answers, patience, rehearsal=False):
        """Run a worker and give what it reports, at last the event "stopped" if it did not come to its end."""
        home = Path(tempfile.mkdtemp(dir=self.scratch))
        secret = secrets.token_hex(16)
        cells = [vars(cell) for cell in self.lesson.cells]
        cpu = int(self.start + sum(self.seconds_for(e.exercise) + 1 for e in self.lesson.exercises)) * 4
        job = {
            "secret": secret,
            "cells": cells,
            "answers": answers,
            "guarded": self.guarded,
            "closed": self.closed,
            "memory": self.limits.memory,
            "cpu": 10**5 if rehearsal else cpu,
        }
        fonts = self.cache if rehearsal else shutil.copytree(self.cache, home / "cache")
        process = start(home, fonts)
        lines, last = queue.Queue(), {"event": "stopped", "result": "crashed", "sentence": ""}
        reader = threading.Thread(target=read_lines, args=(process.stdout, lines), daemon=True)
        reader.start()
        deadline, ended = time.monotonic() + patience, False
        try:
            with contextlib.suppress(OSError):  # a worker that died at once is seen below
                process.stdin.write((json.dumps(job) + "\n").encode())
                process.stdin.close()
            while not ended:
                try:
                    line = lines.get(timeout=0.1)
                except queue.Empty:
                    if time.monotonic() > deadline:
                        last.update(result="timed out", sentence="It did not come to an end in its time.")
                        break
                    if memory_of(process.pid) > self.limits.memory:
                        last.update(sentence=f"It took more than {self.limits.memory} MB of memory.")
                        break
                    continue
                if line is None:
                    last.update(sentence="Its process ended before the check had spoken.")
                    break
                found = understood(line, secret)
                if found is None:
                    last.update(result="tampered", sentence="Something else than the check wrote into its report.")
                    break
                if found["event"] == "begin":
                    deadline = time.monotonic() + (10**5 if rehearsal else self.seconds_for(found["exercise"]))
                elif found["event"] == "verdict" and found["result"] != "solution":
                    # What may follow is the solution's own run, before the next exercise begins.
                    deadline = time.monotonic() + self.seconds_for(found["exercise"])
                elif found["event"] == "broken":
                    last.update(sentence=found["sentence"])
                    break
                ended = found["event"] == "end"
                yield found
        finally:
            end(process)
            shutil.rmtree(home, ignore_errors=True)
        if not ended:
            yield last


def start(home, fonts):
    """A worker in the empty folder `home`, with as little of this process's surroundings as Python needs."""
    kept = ("PATH", "SYSTEMROOT", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    places = dict.fromkeys(("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP"), str(home))
    env = {name: os.environ[name] for name in kept if name in os.environ} | places
    env |= {
        "OMP_NUM_THREADS": "1",
        "RESNET_COURSE_FAST": "1",
        "RESNET_COURSE_RUNS": str(home / "runs"),
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": str(fonts),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
    }
    group = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP} if os.name == "nt" else {"start_new_session": True}
    return subprocess.Popen(
        [sys.executable, "-c", START, str(ROOT)],
        cwd=home,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        **group,
    )


def end(process):
    """End the worker and all that it started."""
    if os.name == "nt":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False)
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
    process.stdout.close()


def read_lines(stream, lines):
    """Put each line into the queue, and None at the end; stop at too many bytes."""
    read = 0
    with contextlib.suppress(OSError, ValueError):
        while read < CHATTER and (line := stream.readline(CHATTER)):
            read += len(line)
            lines.put(line)
    lines.put(None)


def understood(line, secret):
    """What a line of the worker says, or None if it is not the worker's."""
    try:
        found = json.loads(line)
        return found if secrets.compare_digest(found.pop("secret"), secret) else None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def memory_of(pid):
    """MB that the process holds; 0 where that cannot be told."""
    try:
        import psutil  # comes with JupyterLab

        return psutil.Process(pid).memory_info().rss / 2**20
    except Exception:  # it may just have ended
        return 0
