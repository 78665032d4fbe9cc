"""What a grading is written down as: tables for spreadsheets, Moodle and Canvas, and pages for students and teacher."""

import contextlib
import csv
import hashlib
import io
import json
import re
import unicodedata
from collections import Counter, defaultdict
from html import escape
from pathlib import Path

from .._common import whole
from ..views.style import CSS
from .grades import LOOK, PASSED
from .submissions import bare

# The first of them counts: what follows is the name that the student gave the file, and may be like another's.
MOODLE = re.compile(r"(?P<name>[^/]+?)_(?P<id>\d+)_assignsubmission_[a-z]+_?")
CANVAS = re.compile(r"(?P<name>[^/_]+)_(?:LATE_)?(?P<id>\d+)_\d+_[^/]+$")
# A sign that begins a cell, in some countries behind a semicolon; some spreadsheets read wide signs as narrow ones.
SIGNS = "".join(c for c in map(chr, range(2**16)) if unicodedata.normalize("NFKC", c)[0] in "=+-@")
FORMULA = re.compile(rf"(^|;)(\s*[{re.escape(SIGNS)}])")
LONG_ENOUGH = 60  # characters of an answer that two do not write alike by chance


def printable(value):
    """The value as text in one line."""
    return "".join(c if c.isprintable() else " " for c in str(value))


def harmless(value):
    """The value as text that no spreadsheet takes for a formula, in one line."""
    return FORMULA.sub(r"\1'\2", printable(value))


def told_apart(paths):
    """A printable name for each submission, no two alike."""
    names = [" ".join(unicodedata.normalize("NFC", identity(path)[0]).split()) for path in paths]
    counts, used = Counter(), set(names)
    for i, name in enumerate(names):
        counts[name] += 1
        while counts[name] > 1 and names[i] in used:
            names[i] = f"{name} ({counts[name]})"
            counts[name] += names[i] in used
        used.add(names[i])
    return names


def identity(path):
    """(name, Moodle's number, Canvas's number) of who handed in, from the name of a download; else the file's name."""
    text = printable(Path(path).with_suffix("").as_posix())
    if found := MOODLE.search(text):
        return found["name"], found["id"], ""
    if found := CANVAS.match(Path(text).name):
        return found["name"], "", found["id"]
    return text, "", ""


# ── Tables ───────────────────────────────────────────────────────────────────────────────────────────────────


def table(grades, students, folder):
    """The CSV: a row for each student."""
    numbers = [v.exercise for v in next(iter(grades.values()), ())]
    rows = [["student", "points", "maximum", *(f"exercise {n}" for n in numbers), "remarks"]]
    for student, marked in grades.items():
        points, most = _sums(marked)
        said = [f"{v.exercise}: {v.result}" for v in marked if v.result != PASSED]
        said += [f"{v.exercise}: {text}" for v in marked if v.result != LOOK for text in v.look]
        each = [_number(v.points) if v.maximum else "" for v in marked]
        rows.append([student, _number(points), most, *each, "; ".join(said)[:2000]])
    return {"": _csv(rows)}


def imports(grades, students, folder, lesson):
    """The CSVs that Moodle and Canvas import, where the names of the submissions are theirs."""
    moodle = [["Identifier", "Full name", "Grade", "Maximum Grade", "Feedback comments"]]
    canvas = [["Student", "ID", "SIS User ID", "SIS Login ID", "Section", f"Lesson {lesson.number}"]]
    for student, marked in grades.items():
        name, in_moodle, in_canvas = identity(students[student].relative_to(folder))
        points, most = _sums(marked)
        if in_moodle:
            said = " ".join(f"Exercise {v.exercise}: {v.result}." for v in marked)
            moodle.append([f"Participant {in_moodle}", name, _number(points), most, said])
        if in_canvas:
            canvas.append([name, in_canvas, "", "", "", _number(points)])
    return {f"_{name}": _csv(rows) for name, rows in (("moodle", moodle), ("canvas", canvas)) if len(rows) > 1}


def _sums(marked):
    return sum(v.points for v in marked), sum(v.maximum for v in marked)


def _number(value):
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _csv(rows):
    text = io.StringIO(newline="")
    csv.writer(text).writerows([harmless(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")  # with the mark that Excel knows UTF-8 by


def everything(grades, students, folder, lesson):
    """All files of a grading: what is put behind the CSV's name → its content."""
    files = table(grades, students, folder) | imports(grades, students, folder, lesson)
    for student, marked in grades.items():
        files[f"_feedback/{file_name(student)}.html"] = feedback(student, marked, lesson)
    files["_feedback/class.html"] = overview(grades, lesson)
    return files


def file_name(student):
    """A name for a student's file: letters and digits, and a mark that keeps any two apart."""
    plain = re.sub(r"[^\w.-]+", "_", student).strip("._").encode()[:160].decode(errors="ignore")  # 255 are the most
    mark = hashlib.sha256(student.encode()).hexdigest()[:6]
    return f"{plain}-{mark}"


# ── Pages ────────────────────────────────────────────────────────────────────────────────────────────────────


def feedback(student, marked, lesson):
    """A student's page: of each exercise what a notebook says, with its hints."""
    points, most = _sums(marked)
    body = [f"<h1>Lesson {lesson.number}: {escape(student)}</h1><p>{_number(points)} of {most} points</p>"]
    for v in marked:
        worth = f" · {_number(v.points)} of {v.maximum}" if v.maximum else ""
        body.append(f"<h2>Exercise {v.exercise}: {v.result}{worth}</h2>")
        body += [part.html.replace(CSS, "") or f"<p>{escape(part.sentence)}</p>" for part in v.parts]
        if not v.parts and v.sentence:
            body.append(f"<p>{escape(v.sentence)}</p>")
        body += [f"<p>To be looked at by a person: {escape(text)}</p>" for text in v.look]
        if v.given:
            body.append(f"<details><summary>your cell</summary><pre>{escape(v.given)}</pre></details>")
    return _page(f"Lesson {lesson.number}: {student}", body)


def overview(grades, lesson):
    """The page for the class: which exercise, which mistake, how often; what to look at; identical answers."""
    body = [f"<h1>Lesson {lesson.number}: {len(grades)} submissions</h1>"]
    for e in lesson.exercises:
        marked = {s: v for s, all_ in grades.items() for v in all_ if v.exercise == e.exercise}
        results = Counter(v.result for v in marked.values())
        counts = ", ".join(f"{n} {result}" for result, n in results.most_common())
        body.append(f"<h2>Exercise {e.exercise}</h2><p>{counts}</p>")
        body += _mistakes(marked) + _to_look_at(marked) + _identical(marked)
    return _page(f"Lesson {lesson.number}", body)


def _mistakes(marked):
    made = defaultdict(list)
    for student, v in marked.items():
        for part in v.parts:
            if part.mistake:
                made[part.mistake].append((student, part.sentence))
    if not made:
        return []
    rows = [
        f"<tr><td>{len(who)}</td><td>{escape(who[0][1])}</td><td>{escape(', '.join(s for s, _ in who))}</td></tr>"
        for who in sorted(made.values(), key=len, reverse=True)
    ]
    head = "<tr><th>how often</th><th>mistake, as it was told to the first</th><th>whose</th></tr>"
    return [f"<table>{head}{''.join(rows)}</table>"]


def _to_look_at(marked):
    rows = [f"<li>{escape(s)}: {escape(text)}</li>" for s, v in marked.items() for text in v.look]
    return [f"<p>To be looked at:</p><ul>{''.join(rows)}</ul>"] if rows else []


def _identical(marked):
    """Answers that are alike to the letter. Numbers and names alone do not count: right ones are alike."""
    alike = defaultdict(list)
    for student, v in marked.items():
        text = bare("\n".join(line.partition("#")[0] for line in v.given.splitlines()))
        if len(text) >= LONG_ENOUGH and re.search(r"^[ \t]*(def|class) ", text, re.MULTILINE):
            alike[" ".join(text.split())].append(student)
    rows = [f"<li>{escape(', '.join(who))}</li>" for who in alike.values() if len(who) > 1]
    return [f"<p>The same answer to the letter, comments aside:</p><ul>{''.join(rows)}</ul>"] if rows else []


def _page(title, body):
    style = (
        "<style>body{font-family:sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
        "td,th{text-align:left;vertical-align:top;padding:2px 10px}pre{overflow:auto}</style>"
    )
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>{style}{CSS}'
    return f"{head}<body>{''.join(body)}</body></html>".encode(errors="replace")  # of half a character


# ── What was graded and written before ───────────────────────────────────────────────────────────────────────


class Memory:
    """What earlier gradings found and wrote, in a file beside the CSV. A file that somebody has changed since is left
    alone: what would have gone there goes beside it."""

    def __init__(self, out):
        self.out, self.file = Path(out), Path(out).with_name(f".{Path(out).stem}.graded.json")
        self.graded, self.written = {}, {}
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            found = json.loads(self.file.read_text(encoding="utf-8"))
            self.graded, self.written = dict(found["graded"]), dict(found["written"])

    def kept(self, path, digest):
        """What was found of a submission that has not changed, or None."""
        found = self.graded.get(path.as_posix())
        return found["grades"] if isinstance(found, dict) and found.get("digest") == digest else None

    def keep(self, path, digest, marked):
        self.graded[path.as_posix()] = {"digest": digest, "grades": marked}

    def write(self, files, say):
        """Write files, each whole or not at all."""
        try:
            for behind, content in files.items():
                self._write(self._named(behind), content, say)
        finally:  # what was written before a stop is known as ours by the next grading
            with whole(self.file) as file:
                file.write(json.dumps({"graded": self.graded, "written": self.written}).encode())

    def _write(self, named, content, say):
        place = self._place(named, content)
        if place != named and self._key(place) not in self.written:
            say(f"{named.name} has been changed by hand and stays as it is; the new one: {place.name}")
        if not place.exists() or place.read_bytes() != content:
            with whole(place) as file:
                file.write(content)
        self.written[self._key(place)] = hashlib.sha256(content).hexdigest()

    def _named(self, behind):
        if not behind:
            return self.out
        stem = self.out.with_suffix("")
        return Path(f"{stem}{behind}" if Path(behind).suffix else f"{stem}{behind}.csv")

    def _key(self, place):
        return place.relative_to(self.out.parent).as_posix()

    def _place(self, place, content):
        n, here = 1, place
        while here.exists() and not self._ours(here) and here.read_bytes() != content:
            n += 1
            here = place.with_name(f"{place.stem} ({n}){place.suffix}")
        return here

    def _ours(self, place):
        return hashlib.sha256(place.read_bytes()).hexdigest() == self.written.get(self._key(place))
