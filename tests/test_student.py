"""The copy of the course for students, `python3 course.py student FOLDER`: what is in it, and that it works."""

import json
import os
import re
import subprocess
import sys
from importlib import import_module, util
from pathlib import Path

import pytest

from notebooks import student

ROOT = Path(__file__).resolve().parents[1]
SOLUTIONS = """
import json, pkgutil, importlib, resnet_lib.exercises as e
from resnet_lib.exercises.edits import Solution
found = {}
for module in pkgutil.iter_modules(e.__path__):
    for name, value in vars(importlib.import_module(f"resnet_lib.exercises.{module.name}")).items():
        for key, each in value.items() if isinstance(value, dict) else [("", value)]:
            if isinstance(each, Solution):
                found[f"{name}{key}"] = [each.text, [[edit.changes, edit.kind.sentence] for edit in each.edits]]
"""
WORKS = """
import resnet_lib
from resnet_lib.exercises import Wrong, check_out_width
check_out_width(lambda W, kernel, stride, padding: (W + 2 * padding - kernel) // stride + 1)
try:
    check_out_width(lambda W, kernel, stride, padding: (W + 2 * padding - kernel) // stride)
except Wrong as wrong:
    print(json.dumps([resnet_lib.__file__, str(wrong), json.loads(json.dumps(found))]))
"""


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    folder = tmp_path_factory.mktemp("a school") / "für alle"
    done = run(ROOT, "student", folder)
    assert done.returncode == 0, done.stderr
    return folder


def run(root, *arguments):
    return subprocess.run(
        [sys.executable, root / "course.py", *map(str, arguments)], capture_output=True, text=True, check=False
    )


def names(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def lessons(folder):
    return {path.name: json.loads(path.read_text(encoding="utf-8")) for path in (folder / "notebooks").glob("*.ipynb")}


def test_the_copy_has_every_lesson_and_no_solution_plan_source_or_test(copied):
    found = names(copied)
    assert {path.name for path in (ROOT / "notebooks").glob("*.ipynb")} == set(lessons(copied))
    assert {
        "course.py",
        "pyproject.toml",
        "resnet_lib/blocks.py",
        "resnet_lib/weights/thin_resnet50/weights.pt",
    } <= found
    kept = ("notebooks/solutions", "notebooks/instructor", "notebooks/source", "notebooks/build", "tests", ".")
    assert not [name for name in found if name.startswith(kept) or "__pycache__" in name]


def test_no_text_of_the_copy_holds_a_solution_of_the_solved_lessons(copied):
    texts = {name: (copied / name).read_text(encoding="utf-8") for name in names(copied) if name.endswith((".py", "b"))}
    books = "".join("".join(cell["source"]) + "\n" for book in lessons(copied).values() for cell in book["cells"])
    for path in sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            text = "".join(cell["source"])
            if "solution" in cell["metadata"].get("tags", ()):
                assert text not in books and not any(text in each for each in texts.values()), path.name
    assert not re.search(r'Solution\(\s*(?:f|r)?"""', "".join(texts.values()))


def test_a_students_notebook_has_no_outputs_and_every_link_in_the_copy_leads_somewhere(copied):
    pages = {copied / "README.md": (copied / "README.md").read_text(encoding="utf-8")}
    for name, book in lessons(copied).items():
        assert not any(cell.get("outputs") or cell.get("execution_count") for cell in book["cells"])
        pages[copied / "notebooks" / name] = "\n".join(
            "".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "markdown"
        )
    for page, text in pages.items():
        for link in re.findall(r"\]\(([^)#:\s]+)\)", text):
            assert (page.parent / link).exists(), (page.name, link)
    assert not re.search(r"course\.py (?!lab|doctor)\w+|two commands", pages[copied / "README.md"])


def test_the_checks_of_the_copy_know_what_the_courses_own_know_and_say_the_same(copied):
    code = SOLUTIONS + WORKS
    done = subprocess.run([sys.executable, "-c", code], cwd=copied, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    place, said, found = json.loads(done.stdout.splitlines()[-1])
    here = {}
    exec(SOLUTIONS, here)
    assert Path(place).is_relative_to(copied) and "the first place counts as well" in said
    assert len(found) > 20 and found == json.loads(json.dumps(here["found"]))


def test_the_copys_own_course_py_opens_the_lessons_and_knows_only_what_works_there(copied, monkeypatch):
    listed = run(copied).stdout
    assert "lab " in listed and "doctor " in listed
    assert not re.search(r"^  (test|bench|present|notebooks|site|grade|student) ", listed, re.MULTILINE)
    assert run(copied, "grade", "x").stderr.startswith("`grade` is not in the students' copy of the course")
    spec = util.spec_from_file_location("course_of_a_student", copied / "course.py")
    course, started = util.module_from_spec(spec), []
    spec.loader.exec_module(course)
    monkeypatch.setattr(course, "prepare", lambda needs: None)
    monkeypatch.setattr(course, "call", lambda arguments, **options: started.extend(arguments) or 0)
    assert course.main(["lab"]) == 0
    assert "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb" in started


def test_nothing_is_overwritten_and_nothing_put_among_the_courses_own_files(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "marks.txt").write_text("kept")
    for folder, sentence in [(tmp_path / "mine", "is not an empty folder"), (ROOT / "notebooks" / "x", "elsewhere")]:
        done = run(ROOT, "student", folder)
        assert done.returncode == 1 and done.stderr.startswith("Nothing was copied: ") and sentence in done.stderr
    assert names(tmp_path) == {"mine/marks.txt"} and not (ROOT / "notebooks" / "x").exists()
    assert run(ROOT, "student").stderr.startswith("Which folder?")


def test_a_lesson_that_holds_a_teachers_answer_is_not_given_out(tmp_path):
    source = (ROOT / "notebooks" / "source" / "03_btnk1.py").read_text(encoding="utf-8")
    book = json.loads((ROOT / "notebooks" / "03_btnk1.ipynb").read_text(encoding="utf-8"))
    cell = next(cell for cell in book["cells"] if "exercise" in cell["metadata"].get("tags", ()))
    cell["source"] = [*cell["source"], "\nanswer = 42"]
    path = tmp_path / "03_btnk1.ipynb"
    path.write_text(json.dumps(book), encoding="utf-8")
    with pytest.raises(ValueError, match="03_btnk1.ipynb, “# Exercise 1.* is not as the lesson gives it out"):
        student.lesson(path, source)


def test_what_is_done_in_the_copy_is_graded_by_the_teachers_lessons(copied):
    """The cells keep the ids by which the grader knows them."""
    submissions = import_module("resnet_lib.grading.submissions")
    for number in ("01", "03"):
        given = submissions.read_lesson(number)
        path = next((copied / "notebooks").glob(f"{number}_*.ipynb"))
        assert submissions.merged(given, path) == [(cell.source, cell.exercise) for cell in given.cells]
        assert os.path.getsize(path) > 1000
