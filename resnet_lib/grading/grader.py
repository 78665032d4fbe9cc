"""Grades a folder of submitted notebooks, several at a time, and writes what was found."""

import contextlib
import hashlib
import os
import queue
import threading
import time
from pathlib import Path

from . import reports, wire
from .grades import CRASHED, LOOK, NOT_DONE, PASSED, TIMED_OUT, UNREADABLE, Grade, Limits, grade_of
from .line import Stream, reader
from .processes import ROOT, Host
from .submissions import LARGEST, NOTEBOOKS, bare, claimed, merged, read_lesson, without
from .watching import folder_for, kill

MOST_ENDED = 2  # judges of one submission that are ended, each after minutes, before the rest is left
LONG = 1800  # seconds for the solved lesson itself


def grade(folder, lesson, out, limits=None, say=print, notebooks=NOTEBOOKS, jobs=None, own_numbers=False):
    """Grade every notebook below `folder` against the lesson of that number; write the CSV `out` and beside it a folder
    of feedback.

    A submission can change nothing in another's result: each has a judge of its own, and each exercise runs in a
    process of its own. Those that have not changed since the last time are not run again. `say` gets a line for each;
    jobs: how many at a time; own_numbers: ask those who gave no name, too, with the numbers of their file's name.
    Returns a dictionary student → list of `Grade`. ValueError with a sentence if the folder holds no notebook, there
    is no such lesson, or the solved lesson itself does not pass on this machine.
    """
    folder, out, limits = Path(folder), Path(out), limits or Limits()
    lesson = read_lesson(lesson, notebooks)
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder: pass the folder with the submitted notebooks")
    paths = [p for p in sorted(folder.rglob("*.ipynb")) if not os.path.isdir(p) and ".ipynb_checkpoints" not in p.parts]
    if not paths:
        raise ValueError(f"{folder} holds no notebook (a file that ends in .ipynb)")
    if not out.parent.is_dir():
        raise ValueError(f"{out.parent} is not a folder: the CSV cannot be written there")
    students = dict(zip(reports.told_apart([p.relative_to(folder) for p in paths]), paths, strict=True))
    memory, digest = reports.Memory(out), digest_of(lesson, (limits, own_numbers))
    grades, left = {}, []
    for student, path in students.items():
        kept = memory.kept(path.relative_to(folder), f"{digest}{_digest(path)}")
        grades[student] = [grade_of(v) for v in kept] if kept else None
        left += [] if kept else [student]
    if len(left) < len(students):
        say(f"{len(students) - len(left)} of {len(students)} have not changed since the last time.")
    done = threading.Lock()

    def keep(student, marked, took):
        with done:
            path = students[student]
            grades[student] = marked
            memory.keep(path.relative_to(folder), f"{digest}{_digest(path)}", [v.data() for v in marked])
            points, most = sum(v.points for v in marked), sum(v.maximum for v in marked)
            so_far = sum(v is not None for v in grades.values())
            say(f"{so_far} of {len(grades)}  {student}: {points:.4g} of {most} points ({took:.0f} s)")
            # Each time: who stops the grader keeps what is done.
            memory.write(reports.table({s: v for s, v in grades.items() if v is not None}, students, folder), say)

    if left:
        with folder_for("grading-") as scratch, Graders(lesson, limits, scratch) as graders:
            say(f"The solved lesson {lesson.number}: {graders.rehearse():.0f} s")
            for sentence in graders.open_doors():
                say(sentence)
            graders.names = {students[s]: without(lesson.name, s) for s in students}
            graders.others = sorted({*graders.names.values(), *(n for p in paths for n in claimed(p))})
            graders.own_numbers = own_numbers
            graders.all([(student, students[student]) for student in left], keep, jobs)
    memory.write(reports.everything(grades, students, folder, lesson), say)
    return grades


def digest_of(lesson, limits):
    """What grades depend on beside the submission: the lesson, the checks, the limits."""
    found = hashlib.sha256(repr((lesson, limits)).encode())
    for path in sorted((ROOT / "resnet_lib").rglob("*.py")):
        found.update(path.read_bytes())
    return found.hexdigest()


def _digest(path):
    with contextlib.suppress(OSError):
        if path.is_file():
            return hashlib.sha256(path.read_bytes() if path.stat().st_size <= LARGEST else b"").hexdigest()
    return ""


class Graders:
    """Judges submissions to one lesson. scratch: an empty folder for what the runs leave behind."""

    def __init__(self, lesson, limits, scratch):
        self.lesson, self.limits, self.scratch = lesson, limits, Path(scratch)
        self.usual, self.library, self.thorough, self.missing = {}, {}, [], set()
        self.names, self.others, self.own_numbers = {}, [], False  # path → student; all of them
        self.cells = [{"source": c.source, "exercise": c.exercise, "solution": c.solution} for c in lesson.cells]
        self.wanted = [e.exercise for e in lesson.exercises]

    def __enter__(self):
        self.submissions, self.judges = Host(self.scratch, "submission"), Host(self.scratch, "judge")
        return self

    def __exit__(self, *error):
        self.judges.end()
        self.submissions.end()

    def rehearse(self):
        """Grade the solved lesson, and take from it how long things take and what they are built from. Returns its
        seconds. ValueError with a sentence if it does not pass."""
        begin = time.monotonic()
        solved = [[cell["solution"] or cell["source"], cell["exercise"]] for cell in self.cells]
        wanted = self.wanted
        for thorough in ([], wanted):
            self.thorough += [n for n in thorough if n in wanted]
            self.judges.prepare(self.job(solved, wanted))
            found = self.marked(solved, wanted, LONG)
            wanted = [v.exercise for v in found if v.result not in (PASSED, LOOK)]
            if not wanted:
                self.judges.prepare(self.job(solved, self.wanted)) if self.thorough else None
                return time.monotonic() - begin
        wrong = next(v for v in found if v.exercise in wanted)
        raise ValueError(
            f"the solved lesson {self.lesson.number} itself does not pass here, so nothing can be graded: "
            f"exercise {wrong.exercise}: {wrong.sentence}"
        )

    def open_doors(self):
        """Sentences about what this system cannot hold a submission to."""
        if self.missing:
            what = ", ".join(sorted(self.missing))
            yield (
                f"This system cannot close {what} to a submission: only Python's own doors are closed. Run the grader "
                "under an account that owns nothing of value."
            )

    def job(self, cells, wanted, seconds=None, student=""):
        return {
            "whose": {"student": student, "others": self.others, "always": self.own_numbers},
            "lesson": self.cells,
            "cells": cells,
            "wanted": wanted,
            "limits": {"seconds": seconds or self.limits.seconds, "memory": self.limits.memory},
            "usual": self.usual,
            "library": self.library,
            "thorough": self.thorough,
        }

    def all(self, students, keep, jobs=None):
        """Judge submissions, several at a time; keep(student, marked, seconds) takes each."""
        left = queue.SimpleQueue()
        for each in students:
            left.put(each)

        def work():
            with contextlib.suppress(queue.Empty):
                while True:
                    student, path = left.get_nowait()
                    begin = time.monotonic()
                    keep(student, self.submission(path), time.monotonic() - begin)

        threads = [threading.Thread(target=work) for _ in range(jobs or os.cpu_count() or 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def submission(self, path):
        """The grades of one notebook."""
        given = {e.exercise: e.source for e in self.lesson.exercises}
        try:
            cells = merged(self.lesson, path)
            written = {abs(n) for source, n in cells if n < 0 or n and bare(source) != bare(given[n])}
            wanted = [n for n in self.wanted if n in written]
            found = {v.exercise: v for v in self.marked(cells, wanted, student=self.names.get(path, ""))}
        except ValueError as problem:
            return [Grade(n, UNREADABLE, f"{problem}.") for n in self.wanted]
        except Exception as problem:  # whatever is odd about one must not end the grading of all
            return [Grade(n, CRASHED, f"The grader failed: {type(problem).__name__}: {problem}") for n in self.wanted]
        return [found.get(n) or Grade(n, NOT_DONE, "The cell is as it was given out.") for n in self.wanted]

    def marked(self, cells, wanted, seconds=None, student=""):
        """The grades that a judge gives, and of another where one has been ended."""
        found, left, ended = {}, list(wanted), 0
        while left:
            begun, now, pid = time.monotonic(), left[0], None
            end = self.judges.start(self.submissions)
            try:
                end.settimeout(120)
                pid = wire.receive(reader(end))[0]["pid"]
                wire.send(Stream(end), self.job([list(c) for c in cells], left, seconds, student))
                for said in self.events(end, seconds):
                    if "begin" in said:
                        now, begun = said["begin"], time.monotonic()
                    elif "grade" in said:
                        self.note(said, seconds)
                        found[now] = grade_of(said["grade"])
                result, sentence = CRASHED, "It ended the process that judged it."
            except TimeoutError:
                result, sentence, ended = TIMED_OUT, "It did not come to an end in its time.", ended + 1
            except (wire.Broken, OSError):
                result, sentence = CRASHED, "It ended the process that judged it."
            finally:
                end.close()
                kill(pid)
            if any(n not in found for n in left):
                found.setdefault(now, Grade(now, result, sentence, round(time.monotonic() - begun, 2)))
            if ended == MOST_ENDED:
                said = "Not judged: too many others of this notebook did not come to an end in their time."
                found = {n: Grade(n, TIMED_OUT, said) for n in left} | found
            left = [n for n in left if n not in found]
        return [found[n] for n in wanted]

    def events(self, end, seconds):
        """What a judge says, to its end. TimeoutError where it takes far longer than its submission may."""
        said = {}
        while "end" not in said:
            usual = max(self.usual.values(), default=0)
            end.settimeout(10 * (seconds or max(self.limits.seconds, 10 * usual)) + 60)
            said, _ = wire.receive(reader(end))
            yield said

    def note(self, said, rehearsal):
        if rehearsal:
            n = str(said["grade"]["exercise"])
            self.usual[n], self.library[n] = said["grade"]["seconds"], said["classes"]
            self.missing |= set(said["missing"])
