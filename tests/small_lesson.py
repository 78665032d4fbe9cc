"""A lesson as small as one can be, and submissions to it."""

import json

from resnet_lib.grading.submissions import read_lesson

EXERCISE = """# Exercise {n}: twice as much.
def twice(x):
    return None  # your code here


raise NotImplementedError("Exercise {n}: write twice, then remove this line")"""
RIGHT = "def twice(x):\n    return 2 * x"
WRONG = "def twice(x):\n    return 3 * x"
BEGIN = "import torch\nfrom torch import nn"
CHECK = """from resnet_lib.exercises import check_{check}

check_{check}({name})"""
ASSERTS = """for n in (1, 4):
    x = torch.arange(1.0, n + 1)
    assert torch.equal(twice(x), 2 * x), "twice(x) should be 2x."
"""


def cell(source, *tags, **more):
    metadata = {"tags": list(tags)} if tags else {}
    outputs = {"outputs": [], "execution_count": None}
    return {"cell_type": "code", "metadata": metadata, "source": source, **outputs, **more}


def notebook(path, cells, title="07"):
    path.parent.mkdir(parents=True, exist_ok=True)
    heading = {"cell_type": "markdown", "metadata": {}, "source": f"# {title} · A lesson"}
    whole = {"cells": [heading, *cells], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(whole), encoding="utf-8")
    return path


def made_lesson(folder, exercises=1, given=EXERCISE, solved=RIGHT, check=ASSERTS):
    """A lesson 07 with so many exercises, all the same."""
    begin = cell(BEGIN, id="begin")
    left, done = [begin], [begin]
    for n in range(1, exercises + 1):
        left += [cell(given.format(n=n), "exercise", id=f"given-{n}"), cell(check, id=f"check-{n}")]
        done += [cell(solved, "solution"), cell(check)]
    notebook(folder / "07_small.ipynb", left)
    notebook(folder / "solutions" / "07_small.ipynb", done)
    return read_lesson("07", folder)


def submission(path, *sources, between=()):
    """A learner's notebook with these sources in the cells of exercises 1, 2, …; between: cells of their own."""
    cells = [cell(BEGIN, id="begin"), *map(cell, between)]
    for n, source in enumerate(sources, 1):
        magic, rest = source.split("\n", 1) if source.startswith("%%") else ("", source)
        whole = f"{magic}\n# Exercise {n}: mine\n{rest}".lstrip("\n")
        cells += [cell(whole, "exercise", id=f"given-{n}"), cell(ASSERTS)]
    return notebook(path, cells)
