"""The lessons: made from their sources, complete, and sound when run as a learner runs them."""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook

from notebooks.build import build, tags
from notebooks.present import present, projected
from resnet_lib.exercises.placeholders import open_lines
from resnet_lib.views.figures import figures

from .kernel import ROOT, outputs
from .reached import reached

NOTEBOOKS = ROOT / "notebooks"

SOURCES = sorted((NOTEBOOKS / "source").glob("*.py"))
LESSONS = [path.stem for path in SOURCES if path.stem[:2].isdigit()]
PAGES = [path.stem for path in SOURCES if path.stem not in LESSONS]
every_lesson = pytest.mark.parametrize("lesson", LESSONS)
COMMITTED = [f"{folder}{lesson}.ipynb" for folder in ("", "solutions/") for lesson in LESSONS]
COMMITTED += [f"{page}.ipynb" for page in PAGES]
every_notebook = pytest.mark.parametrize("name", COMMITTED)


def read(name):
    return nbformat.read(NOTEBOOKS / name, as_version=4)


def run(command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def text_of(notebook):
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def code_of(notebook):
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")


# ── Made from their sources ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="session")
def made():
    return build()


def test_the_sources_give_exactly_the_notebooks_that_lie_here(made):
    stale = [path.name for path, text in made.items() if path.read_text(encoding="utf-8") != text]
    assert not stale, "not what their sources give (as it should be if you have worked in them): see notebooks/build.py"
    assert LESSONS and PAGES == ["glossary"]
    assert len(made) == 3 * len(LESSONS) + 1, "of each lesson the learner's, the solved one and the plan"


def test_two_builds_give_the_same_bytes(made):
    assert build() == made


def test_check_is_content_with_what_lies_here():
    done = run([sys.executable, NOTEBOOKS / "build.py", "--check"])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


EXERCISE = '# %% tags=["exercise"]\na = ...\n\n'
SOLUTION = '# %% tags=["solution"]\na = 1\n\n'
PLAIN = "# %%\nb = 2\n\n"


def written(folder, source):
    (folder / "source").mkdir()
    (folder / "source" / "00_a.py").write_text(source)
    return folder


def test_the_learner_gets_the_exercise_and_the_solved_version_the_solution(tmp_path):
    made = build(written(tmp_path, PLAIN + EXERCISE + SOLUTION + PLAIN))
    learner, solved = (nbformat.reads(text, as_version=4) for text in made.values())
    assert list(made) == [tmp_path / "00_a.ipynb", tmp_path / "solutions" / "00_a.ipynb"]
    assert [c.source for c in learner.cells[:-1]] == ["b = 2", "a = ...", "b = 2"]
    assert [c.source for c in solved.cells[:-1]] == ["b = 2", "a = 1", "b = 2"]
    assert "(solutions/00_a.ipynb)" in learner.cells[-1].source
    assert "(../00_a.ipynb)" in solved.cells[-1].source


def test_a_source_without_a_number_is_a_page_and_the_solved_lessons_link_to_it_one_folder_higher(tmp_path):
    linking = "# %% [markdown]\n# [words](words.ipynb#BN), [one](00_a.ipynb), [other](mywords.ipynb)\n\n"
    folder = written(tmp_path, linking + EXERCISE + SOLUTION)
    (folder / "source" / "words.py").write_text(PLAIN)
    made = build(folder)
    assert list(made) == [folder / "00_a.ipynb", folder / "solutions" / "00_a.ipynb", folder / "words.ipynb"]
    learner, solved, page = (nbformat.reads(text, as_version=4) for text in made.values())
    assert learner.cells[0].source == "[words](words.ipynb#BN), [one](00_a.ipynb), [other](mywords.ipynb)"
    assert solved.cells[0].source == "[words](../words.ipynb#BN), [one](00_a.ipynb), [other](mywords.ipynb)"
    assert [c.source for c in page.cells] == ["b = 2"]


def test_equal_cells_get_different_ids_that_depend_on_the_content_alone(tmp_path):
    made = build(written(tmp_path, PLAIN + EXERCISE + SOLUTION + PLAIN))
    first, _, again, _ = (c.id for c in nbformat.reads(next(iter(made.values())), as_version=4).cells)
    assert again == first + "-2"


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (PLAIN, "has no exercise"),
        (EXERCISE + PLAIN + SOLUTION, "not followed by its solution"),
        (EXERCISE + EXERCISE + SOLUTION, "not followed by its solution"),
        (SOLUTION + EXERCISE, "does not stand directly after its exercise"),
        (EXERCISE + SOLUTION + SOLUTION, "does not stand directly after its exercise"),
        (EXERCISE, "not followed by its solution"),
        ('# %% tags=["exercise", "solution"]\na = 1\n', "cannot be exercise and solution at once"),
        ('# %% [markdown] tags=["exercise"]\n# Do it.\n\n' + SOLUTION, "exercises and solutions are code cells"),
    ],
)
def test_exercises_that_do_not_pair_with_solutions_are_refused(tmp_path, source, sentence):
    with pytest.raises(ValueError, match=sentence):
        build(written(tmp_path, source))


@pytest.mark.parametrize("stray", ["01_b.ipynb", "solutions/01_b.ipynb", "instructor/01_b.md"])
def test_a_notebook_or_a_plan_without_a_source_is_refused(tmp_path, stray):
    folder = written(tmp_path, EXERCISE + SOLUTION)
    (folder / stray).parent.mkdir(exist_ok=True)
    (folder / stray).write_text("{}")
    with pytest.raises(ValueError, match=f"{stray} has no source/01_b.py"):
        build(folder)


HEAD = """# %% [markdown]
# # 00 · A
#
# 15 minutes · all cells run in 2 seconds · after nothing · words: [glossary](words.ipynb)
#
# **At the end of this lesson you can**
# - see [this](00_a.ipynb) and [that](https://example.org).
#
# ### Exercise 1 · try
# ● of ●●● · important · 5 minutes

"""
TAIL = """# %% [markdown]
# ## 7 · Common mistakes
# - One.
# ## Recall
# 1. Two?

"""
PLAN = """# %% [markdown] tags=["instructor"]
# | minutes | what |
# | --- | --- |
# | 10 | Talk |
# | 5 | Exercise 1 |
#
# Ask them.

"""


def test_what_is_for_the_instructor_is_in_the_plan_and_in_neither_notebook(tmp_path):
    made = build(written(tmp_path, HEAD + EXERCISE + SOLUTION + PLAN + TAIL))
    learner, solved, plan = made.values()
    assert list(made)[2] == tmp_path / "instructor" / "00_a.md"
    assert "Ask them." in plan and "Ask them." not in learner + solved
    exercise = "| Exercise 1 · try | ● | important | 5 |"
    for part in ("Session plan · 00 · A\n\n15 minutes", exercise, "- One.", "1. Two?"):
        assert part in plan
    assert "[this](../00_a.ipynb)" in plan and "[that](https://example.org)" in plan


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("| 10 | Talk", "| 15 | Talk"), "table has 20 minutes, and the lesson says 15"),
        (("| 5 | Exercise 1", "| 5 | Exercise 2"), "no row of 5 minutes for Exercise 1"),
        (("Common mistakes", "Mistakes"), "common mistakes or recall are missing"),
    ],
)
def test_a_plan_that_does_not_fit_its_lesson_is_refused(tmp_path, change, sentence):
    with pytest.raises(ValueError, match=sentence):
        build(written(tmp_path, (HEAD + EXERCISE + SOLUTION + PLAN + TAIL).replace(*change)))


@every_lesson
def test_an_exercise_counts_as_solved_in_the_learners_notebook_alone(lesson):
    learner, solved = (code_of(read(f"{folder}{lesson}.ipynb")) for folder in ("", "solutions/"))
    noted = re.compile(r'exercise="|\bdone\(')
    assert noted.search(learner) and not noted.search(solved)


@every_lesson
def test_for_the_projector_the_solved_lesson_is_folded_below_headings_that_stand_alone(lesson):
    solved = read(f"solutions/{lesson}.ipynb")
    shown = nbformat.reads(projected(solved, lesson), as_version=4)
    code = [[c.source for c in notebook.cells if c.cell_type == "code"] for notebook in (shown, solved)]
    assert code[0] == code[1]
    words = [text_of(notebook).rpartition("\n")[0].split() for notebook in (shown, solved)]
    assert words[0] == words[1], "not a word is lost, but for the last line, which names the notebook"
    closed = [c.source for c in shown.cells if c.metadata.get("jp-MarkdownHeadingCollapsed")]
    assert closed == re.findall(r"^###? .+$", text_of(solved), re.MULTILINE)
    hidden = [c.source for c in shown.cells if c.metadata.get("jupyter", {}).get("source_hidden")]
    assert hidden == [c.source for c in solved.cells if "solution" in tags(c)]
    assert f"(../solutions/{lesson}.ipynb)" in shown.cells[-1].source


def test_the_projectors_version_is_made_beside_the_plan_and_work_in_an_older_one_is_kept(tmp_path):
    solved = "# %% [markdown]\n# ## 1 · [Words](words.ipynb)\n# Text.\n\n" + EXERCISE + SOLUTION
    folder = written(tmp_path, solved)
    (folder / "source" / "words.py").write_text(PLAIN)
    for path, text in build(folder).items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    run_in = nbformat.read(folder / "solutions" / "00_a.ipynb", as_version=4)
    run_in.cells.append(new_code_cell("mine = 1", execution_count=1))  # somebody has worked in the solved one
    nbformat.write(run_in, folder / "solutions" / "00_a.ipynb")
    path = present("00_a", folder)
    assert path == folder / "instructor" / "00_a.ipynb"
    first = path.read_text()
    assert "](../words.ipynb)" in first and "mine = 1" in first and "the solved version" not in first
    assert present("00_a", folder).read_text() == first and len(list(path.parent.iterdir())) == 1
    path.write_text(first.replace("Text.", "My note."))
    assert present("00_a", folder).read_text() == first
    assert "My note." in (folder / "instructor" / "00_a-before.ipynb").read_text()


@every_lesson
def test_every_link_of_a_session_plan_leads_to_a_file(lesson):
    plan = NOTEBOOKS / "instructor" / f"{lesson}.md"
    targets = re.findall(r"\]\(([^)\s]+)\)", plan.read_text(encoding="utf-8"))
    assert len(targets) >= 2
    for target in targets:
        assert target.startswith("http") or plan.parent.joinpath(target).exists(), target


@every_lesson
def test_every_session_plan_says_what_to_ask_what_they_may_think_and_what_to_show(lesson):
    plan = (NOTEBOOKS / "instructor" / f"{lesson}.md").read_text(encoding="utf-8")
    for part in ("### Minute by minute", "### Ask before you show", "### What they may think", "### On the projector"):
        assert part in plan


@every_lesson
def test_every_section_of_a_lesson_has_its_minutes_in_the_session_plan(lesson):
    """By its number, or by an exercise that stands in it."""
    text = text_of(read(f"{lesson}.ipynb"))
    plan = (NOTEBOOKS / "instructor" / f"{lesson}.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \d+ \| (.+) \|$", plan[: plan.index("## The exercises")], re.MULTILINE)
    named = set()
    for first, link, last in re.findall(r"[Ss]ections? (\d+)(?: (and|to) (\d+))?", "\n".join(rows)):
        named |= set(range(int(first), int(last or first) + 1)) if link == "to" else {int(first), int(last or first)}
    for number, body in re.findall(r"^## (\d+) · (.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL):
        if not body.startswith("Common mistakes") and "### Exercise" not in body:
            assert int(number) in named, f"section {number} has no minutes"


def test_a_notebook_somebody_has_worked_in_is_not_written_over(tmp_path, monkeypatch):
    work = tmp_path / "notebooks"
    work.mkdir()
    written(work, PLAIN + EXERCISE + SOLUTION)
    shutil.copy(NOTEBOOKS / "build.py", work)
    there = spec_from_file_location("build_there", work / "build.py")
    module = module_from_spec(there)
    there.loader.exec_module(module)
    monkeypatch.setattr(sys, "argv", ["build.py"])
    for path, text in build(work).items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    notebook = nbformat.read(work / "00_a.ipynb", as_version=4)
    notebook.cells[0].source, notebook.cells[0].execution_count = "b = 3  # mine", 1
    nbformat.write(notebook, work / "00_a.ipynb")
    with pytest.raises(SystemExit, match="00_a.ipynb holds outputs, somebody's work: move it away"):
        module.main()
    assert "b = 3" in (work / "00_a.ipynb").read_text()
    sys.argv.append("--force")
    module.main()
    assert "b = 3" not in (work / "00_a.ipynb").read_text()


# ── Complete ─────────────────────────────────────────────────────────────────────────────────────────────────


@every_notebook
def test_it_is_valid_and_holds_nothing_of_a_run(name):
    notebook = read(name)
    nbformat.validate(notebook)
    assert "widgets" not in notebook.metadata
    for cell in notebook.cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None


@every_notebook
def test_every_link_to_a_file_leads_to_one(name):
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(read(name))):
        if not re.match(r"https?://|#", target):
            assert (NOTEBOOKS / name).parent.joinpath(target.partition("#")[0]).exists(), target


@every_lesson
def test_it_has_the_parts_that_every_lesson_has(lesson):
    text = text_of(read(f"{lesson}.ipynb"))
    parts = [
        rf"\A# {lesson[:2]} · .+\n\n\d+ minutes · all cells run in \d+ seconds.* · words: \[glossary\]\(.+\)",
        r"\n1\. .+\n2\. .+\n3\. .+\n\n<details><summary>Answers</summary>",
        r"\n(?:\*\*|<details><summary>)At the end of this lesson you can.*\n+(- .+\n)+",
        r"\*\*What you have just seen\.\*\*",
        r"\*\*What do you see\?\*\*",
        r"## (\d+ · )?Common mistakes\n",
        r"## Summary\n",
        r"## Recall\n",
        r"## What comes next\n",
    ]
    places = [re.search(part, text) for part in parts]
    assert all(places), [part for part, place in zip(parts, places, strict=True) if not place]
    starts = [place.start() for place in places]
    assert starts == sorted(starts), "the parts stand in this order"


@every_lesson
def test_the_instrument_comes_after_at_most_150_words_and_two_code_cells(lesson):
    before, code = 0, 0
    for cell in read(f"{lesson}.ipynb").cells:
        before += len(cell.source.split()) if cell.cell_type == "markdown" else 0
        code += cell.cell_type == "code"
        if re.search(r"^\w+Explorer\(", cell.source, re.MULTILINE):
            break
    else:
        pytest.fail("there is no explorer")
    assert before <= 150 and code <= 2


@every_notebook
def test_every_picture_says_what_is_in_it_and_is_drawn_by_the_library(name):
    for said, target in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", text_of(read(name))):
        assert len(said.split()) >= 8, "a text for those who cannot see it"
        assert Path(target).name in figures()


@pytest.mark.parametrize("name", figures())
def test_every_figure_is_what_the_library_draws_now_and_is_used(name):
    svg = (NOTEBOOKS / "images" / name).read_text(encoding="utf-8")
    assert svg == figures()[name], "run python notebooks/figures.py"
    ElementTree.fromstring(svg)
    assert "var(" not in svg, "a file has no theme"
    assert any(f"images/{name})" in text_of(read(f"{lesson}.ipynb")) for lesson in LESSONS)


@every_lesson
def test_every_question_to_recall_has_its_answer_folded_away(lesson):
    text = text_of(read(f"{lesson}.ipynb"))
    assert text.count("<details>") == text.count("</details>") == text.count("<summary>") == text.count("</summary>")
    recall = text[text.index("## Recall") : text.index("## What comes next")]
    questions = re.findall(r"^\d+\. ", recall, re.MULTILINE)
    assert len(questions) == recall.count("<details><summary>Answer") >= 3


@every_lesson
def test_every_exercise_says_its_difficulty_importance_and_minutes(lesson):
    notebook = read(f"{lesson}.ipynb")
    exercises = [cell.source for cell in notebook.cells if "exercise" in tags(cell)]
    heading = re.compile(r"^### (Exercise \d+) · .+\n●+ of ●●● · [^·\n]+ · \d+ minutes$", re.MULTILINE)
    titles = heading.findall(text_of(notebook))
    assert titles == [f"Exercise {n}" for n in range(1, len(exercises) + 1)]
    for title, source in zip(titles, exercises, strict=True):
        assert source.startswith(f"# {title}: ")
        assert open_lines(source), "what is to be answered is `...`"
    assert len(exercises) >= 2


# ── Sound when run ───────────────────────────────────────────────────────────────────────────────────────────


def printed(runner, code, folder):
    notebook = runner.run(new_notebook(cells=[new_code_cell(code)]), folder)
    return "".join(output.get("text", "") for output in outputs(notebook))


def test_the_kernel_of_these_tests_is_this_python(runner, tmp_path):
    assert Path(printed(runner, "import sys; print(sys.executable)", tmp_path).strip()) == Path(sys.executable)


@pytest.mark.parametrize(
    "reach_out",
    [
        "socket.create_connection(('192.0.2.1', 80), timeout=1)",
        "socket.getaddrinfo('pytorch.org', 443)",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 9))",
        "urllib.request.urlopen('http://192.0.2.1/', timeout=1)",
    ],
)
def test_the_network_is_blocked_in_these_tests(runner, tmp_path, reach_out):
    with pytest.raises(CellExecutionError, match="the network is blocked in this test"):
        printed(runner, f"import socket, urllib.request\n{reach_out}", tmp_path)


def test_this_machine_itself_can_still_be_reached(runner, tmp_path):
    code = "import socket; s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname())"
    assert printed(runner, code + "; print('reached')", tmp_path) == "reached\n"


def test_an_error_inside_a_widget_is_found(runner, tmp_path):
    code = "import ipywidgets\nipywidgets.interact(lambda n: 1 / n, n=0);"
    notebook = runner.run(new_notebook(cells=[new_code_cell(code)]), tmp_path)
    assert [o.ename for o in outputs(notebook) if o.output_type == "error"] == ["ZeroDivisionError"]


def complaints(notebook):
    return [o for o in outputs(notebook) if o.output_type == "error" or o.get("name") == "stderr"]


def verdicts(notebook):
    """What the checks of a notebook say, in order: "○", "✓" or "✗"."""
    shown = [
        o.data.get("text/html", "") for o in outputs(notebook) if o.output_type in ("execute_result", "display_data")
    ]
    return [mark for html in shown for mark in re.findall(r'<p class="big"><b><span style="[^"]*">(.)</span>', html)]


def test_of_a_learners_notebook_those_cells_are_run_that_an_open_exercise_reaches():
    shared = ["a = 1", "b = a", "print(b)", "Look(b)", "b.sort()", "mend(b)", "c = [a for k in b]"]
    mine = ["def f():\n    return b", "check(f)"]
    solved = new_notebook(cells=[new_code_cell(source) for source in [*shared, "g = f()", "look(g)"]])
    cells = [*shared, *mine, "g = f()", "look(g)", "f = 1", "look(f)", "look(a)"]
    solved.cells += [new_code_cell(source) for source in cells[-3:]]
    kept = reached(new_notebook(cells=[new_code_cell(source) for source in cells]), solved)
    assert [cells[i] for i in sorted(kept)] == ["a = 1", "b = a", "b.sort()", "mend(b)", *mine, "g = f()", "look(g)"]
    assert reached(solved, solved) == set()
    named = reached(solved, solved, {"Look"})
    assert [solved.cells[i].source for i in sorted(named)] == ["a = 1", "b = a", "Look(b)"]


# A loop of the lesson, and the part of it that the usual run goes through.
SHORTER = {"11_clinic": ("in PATIENTS.items():", "in list(PATIENTS.items())[::9]:")}


def shortened(notebook, lesson):
    if lesson in SHORTER and not os.environ.get("RESNET_COURSE_ALL"):
        (cell,) = [cell for cell in notebook.cells if SHORTER[lesson][0] in cell.source]
        cell.source = cell.source.replace(*SHORTER[lesson])
    return notebook


@every_lesson
def test_run_all_in_a_fresh_learners_notebook_goes_through_with_every_exercise_open(runner, lesson):
    # Here on a machine without a C++ compiler; with RESNET_COURSE_ALL=1 the solved lessons run on this one as it is.
    notebook = read(f"{lesson}.ipynb")
    if not os.environ.get("RESNET_COURSE_ALL"):
        kept = reached(notebook, read(f"solutions/{lesson}.ipynb"), {"abilities", "compiler"})
        notebook.cells = [cell for i, cell in enumerate(notebook.cells) if i in kept]
    runner.run(notebook, ROOT, CXX="none")
    assert not complaints(notebook)
    exercises = [cell for cell in notebook.cells if "exercise" in tags(cell)]
    found = verdicts(notebook)
    if lesson[:2] == "00":  # its first exercise begins with a wrong answer, on purpose
        assert found.pop(0) == "✗"
        exercises.pop(0)
    assert set(found) == {"○"} and len(found) >= len(exercises)


@every_lesson
def test_in_the_solved_lesson_every_check_is_right(runner, lesson):
    # The usual run compiles in test_fast alone.
    variables = {} if os.environ.get("RESNET_COURSE_ALL") else {"CXX": "none"}
    notebook = shortened(read(f"solutions/{lesson}.ipynb"), lesson)
    runner.run(notebook, NOTEBOOKS / "solutions", **variables)
    assert not complaints(notebook)
    assert set(verdicts(notebook)) == {"✓"}
