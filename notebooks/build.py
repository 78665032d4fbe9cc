"""Makes the notebooks from the lessons in notebooks/source/.

    python notebooks/build.py           writes them
    python notebooks/build.py --check   says which of them differ from what the sources give; exits 1 if any does
    python notebooks/build.py --force   writes over notebooks that somebody has worked in, too

A lesson is one file of cells in jupytext's "percent" form. It gives two notebooks: the learner's, in notebooks/,
and the solved one, in notebooks/solutions/. An exercise is a pair of neighbouring code cells, the first tagged
`exercise`, the second `solution`: the learner's notebook keeps the first, the solved one the second.

A cell tagged `instructor` is in neither. With what the lesson says of itself it gives the session plan in
notebooks/instructor/. The version for the projector is made from the solved one when it is asked for: see present.py.

A source whose name does not begin with a lesson's two digits is a page beside the lessons, such as the glossary: one
notebook, in notebooks/. The lessons link to it as if it lay beside them, and the solved ones get that link corrected.
"""

import argparse
import hashlib
import re
import sys
from pathlib import Path

import jupytext
import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

NOTEBOOKS = Path(__file__).resolve().parent
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def build(folder=NOTEBOOKS):
    """All notebooks that the lessons in `folder`/source give, as a dictionary path → text.

    ValueError with a sentence for a lesson whose exercises and solutions do not pair or that has none, and for a
    notebook in `folder` that no lesson gives.
    """
    made = {}
    sources = sorted((folder / "source").glob("*.py"))
    pages = [path.stem for path in sources if not path.stem[:2].isdigit()]
    for lesson in sources:
        cells = jupytext.read(lesson, fmt="py:percent").cells
        if lesson.stem in pages:
            made[folder / f"{lesson.stem}.ipynb"] = notebook(cells)
            continue
        check_pairs(lesson.name, cells)
        name = f"{lesson.stem}.ipynb"
        solved = f"The exercises of this lesson, solved: [solutions/{name}](solutions/{name})"
        learner = f"This is the solved version. The lesson with its exercises to do: [{name}](../{name})"
        plans = [cell for cell in cells if "instructor" in tags(cell)]
        cells = [cell for cell in cells if "instructor" not in tags(cell)]
        made[folder / name] = notebook(cells, without="solution", last=solved)
        made[folder / "solutions" / name] = notebook(cells, without="exercise", last=learner, higher=pages)
        if plans:
            made[folder / "instructor" / f"{lesson.stem}.md"] = session_plan(lesson.stem, cells, plans)
    for path in [p for kind in ("*.ipynb", "solutions/*.ipynb", "instructor/*.md") for p in folder.glob(kind)]:
        if path not in made:
            raise ValueError(f"{path.relative_to(folder)} has no source/{path.stem}.py: add the lesson, or remove it")
    return made


def check_pairs(name, cells):
    """ValueError unless there are exercises and each is directly followed by its solution, both code."""
    waiting = None
    count = 0
    for cell in cells:
        found = tags(cell) & {"exercise", "solution"}
        where = f"{name}, cell {first_line(cell)!r}"
        if len(found) == 2:
            raise ValueError(f"{where}: one cell cannot be exercise and solution at once")
        if found and cell.cell_type != "code":
            raise ValueError(f"{where}: exercises and solutions are code cells, and this is none")
        if waiting is not None and "solution" not in found:
            raise ValueError(f"{name}, cell {first_line(waiting)!r}: this exercise is not followed by its solution")
        if waiting is None and "solution" in found:
            raise ValueError(f"{where}: this solution does not stand directly after its exercise")
        waiting = cell if "exercise" in found else None
        count += "exercise" in found
    if waiting is not None:
        raise ValueError(f"{name}, cell {first_line(waiting)!r}: this exercise is not followed by its solution")
    if not count:
        raise ValueError(f"{name} has no exercise: a lesson needs at least one")


def notebook(cells, without=None, last="", higher=()):
    """The text of the notebook of those cells, except the ones tagged `without`, that ends with the line `last`. Links
    to the pages named in `higher` lead one folder up."""
    kept = [copy(cell) for cell in cells if without not in tags(cell)] + ([new_markdown_cell(last)] if last else [])
    for cell in kept:
        if higher:
            cell.source = cell.source.replace("](images/", "](../images/")
        for page in higher:
            cell.source = cell.source.replace(f"]({page}.ipynb", f"](../{page}.ipynb")
        if without == "exercise":  # what is solved here, the reader has not solved
            cell.source = re.sub(r',\s*exercise="[\d.]+"', "", cell.source)
    seen = {}
    for cell in kept:
        # Random ids would make every build differ; equal cells are told apart by a number.
        key = hashlib.sha256(f"{cell.cell_type} {sorted(tags(cell))} {cell.source}".encode()).hexdigest()[:12]
        seen[key] = seen.get(key, 0) + 1
        cell.id = key if seen[key] == 1 else f"{key}-{seen[key]}"
    book = new_notebook(cells=kept, metadata=METADATA)
    nbformat.validate(book)
    return nbformat.writes(book) + "\n"


def copy(cell):
    """The cell's source and its tags, and nothing else."""
    new = new_code_cell if cell.cell_type == "code" else new_markdown_cell
    return new(cell.source, metadata={"tags": sorted(tags(cell))} if tags(cell) else {})


PART = {
    part: re.compile(rf"^## (?:\d+ · )?{part}\n(.*?)(?=^## |\Z)", re.M | re.S) for part in ("Common mistakes", "Recall")
}
GOALS = re.compile(r"^(?:.*<summary>)?(?:\*\*)?At the end of this lesson you can.*\n+((?:(?:- |  ).+\n)+)", re.M)
EXERCISE = re.compile(r"^### (Exercise \d+) · (.+)\n(●+) of ●●● · ([^·\n]+) · (\d+) minutes$", re.M)
ROW = re.compile(r"^\| (\d+) \| (.+) \|$", re.M)


def session_plan(name, cells, plans):
    """The instructor's page of a lesson: what the lesson says of itself, and the cells tagged `instructor`.

    ValueError with a sentence if something is missing, or the minutes of the table do not add up to the lesson's.
    """
    text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    everything = "\n\n".join(
        cell.source if cell.cell_type == "markdown" else f"```python\n{cell.source}\n```" for cell in cells
    )
    by_hand = "\n\n".join(cell.source for cell in plans)
    head = re.search(r"\A# ([^\n]+)\n\n(\d+) minutes · all cells run in [^·]+ · after (.+?) · words: ", text)
    goals = GOALS.search(text)
    parts = {part: found.search(everything) for part, found in PART.items()}
    if not head or not goals or not all(parts.values()):
        raise ValueError(f"{name}.py: its title, objectives, minutes, common mistakes or recall are missing")
    rows = [(int(minutes), what) for minutes, what in ROW.findall(by_hand)]
    minutes = sum(number for number, _ in rows)
    if minutes != int(head[2]):
        raise ValueError(f"{name}.py: the instructor's table has {minutes} minutes, and the lesson says {head[2]}")
    exercises = EXERCISE.findall(text)
    for exercise, _, _, _, given in exercises:
        if not any(number == int(given) and re.match(rf"{exercise}\b", what) for number, what in rows):
            raise ValueError(f"{name}.py: the instructor's table has no row of {given} minutes for {exercise}")
    for exercise, title, *_ in exercises:
        by_hand = re.sub(
            rf"^(\| \d+ \| {exercise})\b", lambda row, title=title: f"{row[1]} · {title}", by_hand, flags=re.M
        )
    table = "".join(f"| {e} · {title} | {dots} | {why} | {m} |\n" for e, title, dots, why, m in exercises)
    from_above = re.compile(r"\]\((?!https?:|#)")  # the lesson's links start one folder higher
    goals, mistakes, recall = (
        from_above.sub("](../", part.strip())
        for part in (f"{goals[1]}\n**Comes after** {head[3]}.", parts["Common mistakes"][1], parts["Recall"][1])
    )
    return (
        f"# Session plan · {head[1]}\n\n"
        f"{head[2]} minutes. The lesson: [{name}.ipynb](../{name}.ipynb), "
        f"solved: [{name}.ipynb](../solutions/{name}.ipynb). For the projector: "
        f"`python3 course.py present {name[:2]}`.\n\n"
        f"**At the end of this lesson you can**\n{goals}\n\n"
        f"## The session\n\n{by_hand}\n\n"
        f"## The exercises\n\n| | difficulty | importance | minutes |\n| --- | --- | --- | --- |\n{table}\n"
        f"## Common mistakes\n\n{mistakes}\n\n"
        f"## Recall\n\n{recall}\n"
    )


def tags(cell):
    return set(cell.metadata.get("tags", ()))


def first_line(cell):
    return cell.source.partition("\n")[0]


def worked_in(path):
    """Whether somebody has run cells of the notebook: what is built has no outputs."""
    if not path.exists() or path.suffix != ".ipynb":
        return False
    cells = nbformat.read(path, as_version=4).cells
    return any(cell.get("outputs") or cell.get("execution_count") for cell in cells)


def main():
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--check", action="store_true", help="write nothing, say what differs")
    options.add_argument("--force", action="store_true", help="write over notebooks somebody has worked in")
    options = options.parse_args()
    check = options.check
    try:
        made = build()
    except ValueError as problem:
        sys.exit(str(problem))
    stale = [p for p, text in made.items() if not p.exists() or p.read_text(encoding="utf-8") != text]
    for path in stale:
        name = path.relative_to(NOTEBOOKS).as_posix()
        if check:
            print(f"{name} is not what source/{path.stem}.py gives: run python notebooks/build.py")
        elif not options.force and worked_in(path):
            sys.exit(f"{name} holds outputs, somebody's work: move it away, or write over it with --force")
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(made[path], encoding="utf-8", newline="\n")
            print(f"wrote {name}")
    if check and stale:
        sys.exit(1)


if __name__ == "__main__":
    main()
