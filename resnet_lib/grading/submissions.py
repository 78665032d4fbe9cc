"""Lessons and submitted notebooks as data: which cell is which exercise, and what the learner wrote in it."""

import json
import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

_HERE = Path(__file__).resolve().parents
# The lessons: inside the library where a wheel brought both, beside it in the course's own folder.
NOTEBOOKS = next((f for f in (_HERE[1] / "notebooks", _HERE[2] / "notebooks") if f.is_dir()), _HERE[2] / "notebooks")
LARGEST = 100 * 10**6  # bytes of a notebook that is still opened
LONGEST = 2 * 10**6  # characters of all its code: a message to its judge holds them
MOST = 10**6  # brackets in it, each of which takes 30 to 200 times its bytes of memory
# Of each line at most a few characters more than it has are looked at: a cell may be a million empty lines.
NAME = re.compile(r"""^[ \t]*me[ \t]*=[ \t]*["'](.{1,100}?)["']""", re.MULTILINE)
NAMES = 5  # of one submission's: every judge is told those of all
GIVEN = re.compile(r"^(?:(?:def|class)[ \t]+(\w+)|(\w+)[ \t]*=(?!=))", re.MULTILINE)
HEADING = re.compile(r"(?:%%.*\n\s*)?#\s*Exercise (\d{1,3})\b")


@dataclass(frozen=True)
class Cell:
    """A code cell of a lesson. `exercise` is its number, or 0; `solution` belongs to exercises alone."""

    source: str
    exercise: int = 0
    solution: str = ""
    id: str = ""


@dataclass(frozen=True)
class Lesson:
    """A lesson as it was given out: its number, "03", its file's name without ending, and its code cells."""

    number: str
    name: str
    cells: tuple

    @property
    def exercises(self):
        return [cell for cell in self.cells if cell.exercise]


def read_notebook(path):
    """The cells of a notebook, each a dictionary. ValueError with a sentence where it is none."""
    path = Path(path)
    try:
        if path.is_symlink() or not path.is_file():  # a link may lead to the solutions
            raise ValueError(f"{path.name} is a link or no file: the notebook itself has to be handed in")
        if path.stat().st_size > LARGEST:
            raise ValueError(f"{path.name} has more than {LARGEST // 10**6} MB: clear its outputs and save it again")
        text = path.read_text(encoding="utf-8-sig")
        if text.count("{") + text.count("[") > MOST:
            raise ValueError(f"{path.name} has more parts than a notebook: clear its outputs and save it again")
        cells = [read_cell(c) for c in json.loads(text)["cells"]]
        if sum(len(c["source"]) for c in cells if c["cell_type"] == "code") > LONGEST:
            raise ValueError(
                f"{path.name} has more than {LONGEST:,} characters of code: take out what fills its cells so"
            )
        return cells
    except OSError as error:
        raise ValueError(f"{path.name} cannot be read: {error.strerror}") from None
    except (KeyError, TypeError, AttributeError, RecursionError):
        raise ValueError(f"{path.name} has no cells of a notebook in the format of JupyterLab") from None
    except ValueError as error:
        if path.name in str(error):
            raise
        raise ValueError(f"{path.name} is no notebook: its JSON breaks off or is damaged") from None


def read_cell(cell):
    """Of a cell what matters here, each of it of the type it should have."""
    tags = (cell.get("metadata") or {}).get("tags") or []
    return {
        "cell_type": cell.get("cell_type"),
        "id": str(cell.get("id", "")),
        "source": "".join(cell["source"]),
        "tags": {tag for tag in tags if isinstance(tag, str)},
    }


def read_lesson(number, folder=NOTEBOOKS):
    """The lesson of that number ("03" or "3") or name ("03_btnk1") in `folder`, with its solutions.

    ValueError with a sentence if there is none, or if exercises and solutions do not match.
    """
    number = str(number)
    wanted = number.zfill(2)
    lessons = sorted(folder.glob("[0-9][0-9]_*.ipynb"))  # what has no number, such as the glossary, is none
    found = [p for p in lessons if p.stem == number or p.stem.partition("_")[0] == wanted]
    if len(found) != 1:
        there = ", ".join(p.stem.partition("_")[0] for p in lessons) or "none"
        raise ValueError(f"there is no lesson {number!r} in {folder}; the lessons there are: {there}")
    path = found[0]
    solved = [c for c in read_notebook(folder / "solutions" / path.name) if "solution" in c["tags"]]
    cells = []
    for cell in read_notebook(path):
        if cell["cell_type"] == "code":
            n = sum(bool(c.exercise) for c in cells) + 1
            if "exercise" not in cell["tags"]:
                cells.append(Cell(cell["source"], id=cell["id"]))
            elif n <= len(solved):
                cells.append(Cell(cell["source"], n, solved[n - 1]["source"], cell["id"]))
            else:
                raise ValueError(f"{path.name} has more exercises than its solved version: build the notebooks anew")
    return Lesson(path.stem.partition("_")[0], path.stem, tuple(cells))


def answers(lesson, path):
    """What the submitted notebook at `path` has in place of each exercise: a dictionary number → source.

    An exercise whose cell is missing or as it was given out has no entry. ValueError as in `merged`.
    """
    given = {e.exercise: e.source for e in lesson.exercises}
    return {n: source for source, n in merged(lesson, path) if n > 0 and bare(source) != bare(given[n])}


def merged(lesson, path):
    """The code cells of a submitted notebook in the lesson's order, (source, number of the exercise or 0).

    Cells of the lesson that the submission has left out are there, changed ones as they were changed, and the learner's
    own cells come where they stood, those between exercise n and its check with the number -n. Cells are known by their
    id, which JupyterLab keeps; else by their source; an exercise also by its first line, "# Exercise n: …"; else, if
    none of them was deleted, by their order; else by the names that it alone asks for.
    ValueError with a sentence where `path` is no notebook, or one of another lesson.
    """
    cells = read_notebook(path)
    titles = [re.match(r"#\s*(\d\d) ·", c["source"]) for c in cells if c["cell_type"] == "markdown"]
    title = next(filter(None, titles), None)
    if title and title[1] != lesson.number:
        raise ValueError(f"{Path(path).name} is lesson {title[1]}, and lesson {lesson.number} is being graded")
    code = [c for c in cells if c["cell_type"] == "code"]
    mine = _exercises(lesson, code)
    if not mine:
        raise ValueError(f"{Path(path).name} has none of the exercises of lesson {lesson.number}")
    taken = {id(c) for c in mine.values()}
    rest = [c for c in code if id(c) not in taken]
    places, after = _places(lesson, code, mine), {i: [] for i in range(-1, len(lesson.cells))}
    last, found = -1, {}
    for c in code:
        at = places.get(id(c))
        if at is None:
            after[last].append(c["source"])
        else:
            last, found[at] = at, c["source"]
    merged = [(source, 0) for source in after[-1]] if rest else []
    for i, cell in enumerate(lesson.cells):
        merged.append((found.get(i, cell.source), cell.exercise))
        merged += [(source, -cell.exercise) for source in after[i]]
    return merged


def _exercises(lesson, code):
    """number of an exercise → the submission's cell."""
    tagged = [c for c in code if c["tags"] & {"exercise", "solution"}]  # some work in the solved notebook
    ids = {e.id for e in lesson.exercises if e.id}
    found, lessons_own = {}, {bare(cell.source) for cell in lesson.cells}
    others = [(c, _given(c["source"])) for c in code if bare(c["source"]) not in lessons_own]
    for e in lesson.exercises:
        headed = [c for c in code if heading(c["source"]) == e.exercise and c["id"] not in ids - {e.id}]
        same = [c for c in code if e.id and c["id"] == e.id]
        rest = [c for c in headed if "exercise" in c["tags"]] + headed
        in_order = [tagged[e.exercise - 1]] if len(tagged) == len(lesson.exercises) else []
        due = _given(e.source).difference(*(_given(x.source) for x in lesson.exercises if x is not e))
        named = [c for c, names in others if due and due <= names]
        cell = next(iter(same + rest + in_order + named), None)
        if cell is not None:
            found[e.exercise] = cell
    return found


def _places(lesson, code, mine):
    """id() of a submission's cell → which cell of the lesson it is."""
    numbers = {cell.exercise: i for i, cell in enumerate(lesson.cells) if cell.exercise}
    places = {id(c): numbers[n] for n, c in mine.items()}
    ids = {cell.id: i for i, cell in enumerate(lesson.cells) if cell.id and not cell.exercise}
    sources = {}
    for i, cell in enumerate(lesson.cells):
        sources.setdefault(bare(cell.source), []).append(i)
    for c in code:
        if id(c) in places:
            continue
        at = ids.get(c["id"])
        if at is None:
            at = next((i for i in sources.get(bare(c["source"]), ()) if i not in places.values()), None)
        if at is not None and at not in places.values():
            places[id(c)] = at
    return places


def _given(source):
    """The names that a cell gives a value, as far as one sees that without reading it as Python."""
    return {a or b for a, b in GIVEN.findall(source)}


def heading(source):
    """The number in a cell's first line, "# Exercise n: …", or None."""
    found = HEADING.match(source.lstrip())
    return int(found[1]) if found else None


def bare(source):
    """The text without the spaces at the ends of lines and around it."""
    return "\n".join(line.rstrip() for line in source.strip().splitlines())


def claimed(path):
    """The first names that a submission gives as its own, `me = "Ada"`; none where it cannot be read."""
    try:
        found = (name[1] for cell in read_notebook(path) for name in NAME.finditer(cell["source"]))
        return set(islice(filter(str.strip, found), NAMES))
    except ValueError:
        return set()


def without(lesson, student):
    """A student's name without that of the lesson, which many files have in theirs; if nothing is left, as it is."""
    left = re.sub(rf"{re.escape(lesson)}", " ", student, flags=re.IGNORECASE)
    return " ".join(re.sub(r"[/_]+", " ", left).split()) or student
