"""Judges one submission: the lesson's own checks, given the submission's functions and modules through `remote`."""

import ast
import contextlib
import os
import tempfile
import time
from html import escape

import torch

from .. import exercises
from ..compare import endless
from ..exercises import own as parts_of_lessons
from ..exercises.own_question import handed_in_as
from ..exercises.questions import Question
from . import wire
from .answering import Answer, lacking
from .box import limit
from .grades import CRASHED, FAILED, LOOK, NOT_DONE, Grade, Part, mistake, summed
from .line import Line, Stream, reader
from .needs import EVERY, names, needed, parsed, top
from .origins import Origins
from .proxies import Chosen, Ended, Function
from .remote import Remote
from .submissions import bare

LONGEST = 600  # characters of a sentence
# Checks whose answer depends on the learner's own machine, or that only look at the form of a text.
BY_EYE = {
    "limit_question": "It depends on the machine on which it was measured.",
    "batch_question": "It depends on the machine on which it was measured.",
    "check_reasons": "No check can say whether reasons are good.",
}

CHOOSABLE = {"check_design", "check_ablation"}  # what these are given may come from a widget

# What the checks compare with is the library's, whatever else has been judged before.
exercises.yours = lambda name: parts_of_lessons.PARTS[name].library()
PREPARED = {}  # exercise → its reference, made before this process was copied


def prepare(end):
    """Run the solved lesson as far as the checks need it, and keep what they compare with."""
    job, _ = wire.receive(reader(end))
    PREPARED.clear()
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        for n in job["wanted"]:
            with contextlib.suppress(Exception):  # told again, in words, when a submission is judged
                PREPARED[n] = Exercise(job, n, None).reference()
    torch.set_grad_enabled(True)
    wire.send(Stream(end), {"prepared": sorted(PREPARED)})


def mark(end, submissions):
    """Judge what the grader asks for, and send it a grade for each exercise."""
    wire.send(Stream(end), {"pid": os.getpid()})
    job, _ = wire.receive(reader(end))
    os.environ["RESNET_COURSE_RUNS"] = tempfile.mkdtemp(dir=submissions.scratch)
    limit(job["limits"]["memory"], 10**6, None)
    handed_in_as(**job["whose"])
    endless.LIMIT = 3600  # here the time of the submission's process counts, and stops it
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        for n in job["wanted"]:
            wire.send(Stream(end), {"begin": n})
            grade, classes, missing = Exercise(job, n, submissions).marked()
            found = {"grade": grade.data(), "classes": sorted(classes), "missing": missing}
            wire.send(Stream(end), found)
    wire.send(Stream(end), {"end": True})


class Exercise:
    """One exercise of one submission."""

    def __init__(self, job, n, submissions):
        self.job, self.n, self.submissions = job, n, submissions
        self.begun, self.thorough = time.monotonic(), n in job["thorough"]
        cells = job["lesson"]
        at = next(i for i, cell in enumerate(cells) if cell["exercise"] == n)
        self.source, self.solution, self.ran = cells[at]["source"], cells[at]["solution"], []
        self.above = [cell["solution"] or cell["source"] for cell in cells[:at]]
        self.statements = list(_statements(cells[at + 1 :]))
        self.earlier = [cell["source"] for cell in cells[:at] if cell["exercise"]]
        self.answer, self.remote = Answer(job["cells"], n, self.source), None
        self.due = self.answer.due

    def marked(self):
        """(grade, the library's classes in it, what the system could not close)."""
        limits = self.job["limits"]
        seconds = max(limits["seconds"], 10 * self.job["usual"].get(str(self.n), 0))
        line = None
        try:
            line = Line(self.submissions, limits["memory"], seconds)
            self.remote = Remote(line, 2 * seconds)
            return self.mark(), self.remote.classes, line.missing
        except Ended as end:
            return self.grade(end.result, end.sentence), set(), line.missing if line else []
        except wire.Broken:
            return self.grade(CRASHED, "What it answered cannot be read."), set(), line.missing
        except Exception as problem:  # the grader's own: it must not end the others
            if os.environ.get("RESNET_GRADER_DEBUG"):
                import traceback

                traceback.print_exc()
            said = f"The grader failed: {type(problem).__name__}: {problem}"
            return self.grade(CRASHED, said), set(), line.missing if line else []
        finally:
            if line is not None:
                line.close()

    def grade(self, result, sentence, **more):
        took = round(time.monotonic() - self.begun, 2)
        return Grade(self.n, result, cut(sentence), took, given=self.answer.text, **more)

    def mark(self):
        if self.answer.untouched:
            return self.grade(NOT_DONE, "The cell is as it was given out.")
        if self.answer.open:
            return self.grade(NOT_DONE, "There is still a ... in the cell.")
        space, by_eye = PREPARED.get(self.n) or self.reference()
        used = set().union(*(names(ast.unparse(s))[1] for s in self.statements))
        own = self.due | (set().union(*map(top, self.earlier)) & used)
        if problem := self.run(own, used):
            return problem
        values, look = self.values(own, used)
        if isinstance(values, Grade):
            return values
        if any(isinstance(value, Chosen) for value in values.values()):
            return self.chosen("It was chosen in a widget.", used)
        space.update(values)
        parts = list(self.parts(space, by_eye, look))
        look += self.borrowed()
        return summed(self.n, parts, look, self.answer.text, round(time.monotonic() - self.begun, 2))

    def reference(self):
        """The names that the checks use, from the solved lesson; and which statements no check can judge."""
        tainted, by_eye = set(), {}
        for i, statement in enumerate(self.statements):
            bound, used = names(ast.unparse(statement))
            reason = next((BY_EYE[name] for name in BY_EYE if name in used and not _imports(statement)), None)
            reason = reason or next((why for name, why in tainted if name in used), None)
            if reason and not _imports(statement):
                by_eye[i] = reason
                tainted |= {(name, reason) for name in bound - {EVERY} if not _checks(statement)}
        wanted = set()
        for i, statement in enumerate(self.statements):
            wanted |= names(ast.unparse(statement))[1] if i not in by_eye else set()
        space = {"__name__": "__main__", "display": lambda shown=None, *more, **options: shown}
        space["get_ipython"] = lambda: None
        which = range(len(self.above)) if self.thorough else needed(self.above, wanted - self.due)
        for i in which:
            exec(compile(self.above[i], "<lesson>", "exec", dont_inherit=True), space)
        return space, by_eye

    def run(self, own, used):
        """Run the submission's cells down to the exercise's check; a grade where its answer stops."""
        sources = self.answer.sources
        which = self.answer.cells(own, self.thorough)
        self.ran = [sources[i] for i in which]
        errors = self.remote.cells(self.ran)
        stopped = self.answer.stopped(which, errors, used)
        if stopped is None:
            return None
        at, found, before = stopped
        for name in (own | names(sources[at])[1]) & self.known():
            with contextlib.suppress(KeyError):
                if isinstance(self.remote.get(name), Chosen):
                    return self.chosen("It follows from what was chosen in a widget.", used)
        error = self.remote.problem({"error": found})
        left = parsed(sources[at])
        if left and isinstance(error, NotImplementedError) and any(isinstance(s, ast.Raise) for s in left.body):
            return self.grade(NOT_DONE, "The cell still raises NotImplementedError: remove that line.")
        said = f"The cell stops. {_named(error)}"
        lines = found.get("lines") or []
        said += f" (Line {lines[-1][1]}: {lines[-1][2].strip()})" if lines and lines[-1][2] else ""
        if isinstance(error, PermissionError):
            said += " In the grader an answer may start no program, and write only beside itself."
        if before is not None:
            first = next(iter(sources[before].strip().splitlines()), "")
            said += f" A cell above, which begins with “{first[:60]}”, has stopped before."
        parts = (Part(0.0, cut(said), mistake=f"cell stops: {type(error).__name__}"),)
        return self.grade(FAILED, said, parts=parts, look=lacking(errors))

    def chosen(self, sentence, used):
        """A grade for an answer that a person has to look at: without a point that it could do without, where another
        answer is asked for."""
        counts = not CHOOSABLE & used
        sentence += " Write the answer itself into the cell." if counts else ""
        return self.grade(LOOK, sentence, maximum=int(counts), look=(self.handed_in(self.due),))

    def known(self):
        return {name for source, _ in self.job["cells"] for name in names(source)[0]}

    def values(self, own, used):
        """(name → the submission's value, what to look at), or (a grade, …) where one is missing."""
        found, look = {}, []
        for name in sorted(own & used):
            try:
                found[name] = self.remote.get(name)
            except KeyError:
                said = f"The cell no longer gives {name} a value." if name in self.due else f"{name} has no value."
                return self.grade(FAILED, said, parts=(Part(0.0, said, mistake="no value"),)), look
            if isinstance(found[name], Function) and found[name]._module.startswith("resnet_lib"):
                look.append(f"{name} is the library's own {found[name].__name__}.")
        return found, look

    def borrowed(self):
        """Sentences on what an answer has from elsewhere, where its function or class should be the learner's own."""
        built = self.remote.classes - set(self.job["library"].get(str(self.n), self.remote.classes))
        lessons = {bare(cell["source"]) for cell in self.job["lesson"]}
        origins = Origins(self.ran)
        written = [origins.of(source) for source in self.ran if bare(source) not in lessons]
        solved = origins.of(self.solution)
        taken, ways = (set().union(*(w[i] for w in written)) - solved[i] for i in (0, 1))
        if not any(isinstance(s, ast.FunctionDef | ast.ClassDef) for s in parsed(self.source).body):
            taken = ways = set()
        if built:
            yield f"It is built from the library's own {', '.join(sorted(built))}."
        if taken - built:
            yield f"It uses the library's own {', '.join(sorted(taken - built))}."
        if ways:
            yield f"It may take code from elsewhere: it has {', '.join(sorted(ways))}."

    def handed_in(self, which):
        """What the submission gives these names, as text."""
        said = []
        for name in sorted(which):
            with contextlib.suppress(KeyError):
                value = self.remote.get(name)
                text = "chosen in a widget" if isinstance(value, Chosen) else repr(value)[:3000]
                said.append(f"{name} = {text}")
        return "; ".join(said)

    def parts(self, space, by_eye, look):
        """Run the lesson's checks, each a `Part`."""
        for i, statement in enumerate(self.statements):
            if i in by_eye:
                if _checks(statement):
                    handed = self.handed_in(self.due & names(ast.unparse(statement))[1])
                    look.append(f"Not judged here: {by_eye[i]} Handed in: {handed}")
                    yield Part(None, f"Not judged here: {by_eye[i]}")
            elif not _checks(statement):
                exec(compile(ast.Module([statement], []), "<lesson>", "exec", dont_inherit=True), space)
                space["display"] = lambda shown=None, *more, **options: shown
            else:
                yield self.part(statement, space)

    def part(self, statement, space):
        shares = []

        def predict(questions, guesses, **options):
            shares.append(_share(questions, guesses))
            return exercises.predict(questions, guesses, **options)

        if "predict" in space:
            space["predict"] = predict
        try:
            if isinstance(statement, ast.Expr):
                code = compile(ast.Expression(statement.value), "<check>", "eval", dont_inherit=True)
                right = eval(code, space)
            else:
                right = exec(compile(ast.Module([statement], []), "<check>", "exec", dont_inherit=True), space)
        except exercises.Wrong as wrong:
            found = wrong.verdict
            said = " ".join(filter(None, (found.headline, found.sentence, found.where)))
            return Part(shares[0] if shares else 0.0, cut(said), found._repr_html_(), mistake(found))
        except Exception as error:  # what a notebook would show in its place
            said = cut(_named(error))
            return Part(0.0, said, f"<p>{escape(said)}</p>", type(error).__name__)
        if isinstance(right, exercises.Verdict):
            return Part(1.0, cut(f"{right.headline} {right.sentence}"), right._repr_html_())
        return Part(1.0, "")


def _share(questions, guesses):
    """Which share of the questions is answered rightly."""
    if isinstance(questions, Question):
        questions, guesses = [questions], [guesses]
    elif isinstance(questions, dict):
        guesses = [guesses.get(key) for key in questions] if isinstance(guesses, dict) else []
        questions = list(questions.values())
    try:
        right = sum(q.judge(g)[0] for q, g in zip(questions, list(guesses), strict=False))
    except Exception:  # guesses that are no list
        return 0.0
    return right / len(questions)


def _statements(cells):
    """The statements from an exercise to its last check."""
    found, last = [], 0
    for cell in cells:
        if cell["exercise"]:
            break
        tree = parsed(cell["source"])
        for statement in tree.body if tree else ():
            found.append(statement)
            last = len(found) if _checks(statement) else last
    return found[:last]


def _checks(statement):
    """Whether a statement calls a check."""
    called = [n.func.id for n in ast.walk(statement) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]
    defines = isinstance(statement, ast.FunctionDef | ast.ClassDef)
    asserts = isinstance(statement, ast.Assert | ast.For) and any(
        isinstance(n, ast.Assert) for n in ast.walk(statement)
    )
    return not defines and (asserts or any(name.startswith("check_") or name == "predict" for name in called))


def _imports(statement):
    return isinstance(statement, ast.Import | ast.ImportFrom)


def _named(error):
    text = " ".join(str(error)[: 10 * LONGEST].split())
    if isinstance(error, AssertionError) and text:
        return text  # a check's own sentence
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def cut(text, most=LONGEST):
    """The text in one line, and not too long."""
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"
