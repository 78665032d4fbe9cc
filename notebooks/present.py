"""Makes the projector's version of a lesson: `python3 course.py present 03` runs this and opens the result.

It is the solved lesson with every section, exercise and solution folded, so that a question stands alone until the
class has answered. It is put beside the session plan, in notebooks/instructor/, and is not committed.
"""

import re
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

NOTEBOOKS = Path(__file__).resolve().parent
# How JupyterLab is told that what is below a heading is folded, or a cell's code.
SECTION = {"jp-MarkdownHeadingCollapsed": True}
CODE = {"jupyter": {"source_hidden": True}}


def projected(solved, name):
    """Return the text of the projector's notebook of the lesson `name`, made from its solved notebook."""
    shown = [cell for cell in solved.cells if not cell.source.startswith("This is the solved version.")]
    cells = [part for cell in shown for part in folded(cell)]
    for number, cell in enumerate(cells):
        cell.id = f"projector-{number}"  # random ones would make every version differ
    cells.append(
        new_markdown_cell(
            f"This is the lesson for the projector, made anew by every `course.py present {name[:2]}`. "
            f"The solved one: [solutions/{name}.ipynb](../solutions/{name}.ipynb)",
            id="projector-end",
        )
    )
    book = new_notebook(cells=cells, metadata=solved.metadata)
    nbformat.validate(book)
    return nbformat.writes(book) + "\n"


def folded(cell):
    """Yield the cell folded: the code of a solution is hidden, and each heading is a cell that hides its section."""
    if cell.cell_type == "code":
        solution = "solution" in cell.metadata.get("tags", ())
        yield new_code_cell(cell.source, metadata=cell.metadata | (CODE if solution else {}))
        return
    for text in re.split(r"^(###? .+)$", cell.source, flags=re.M):  # headings alone: else their text would show
        if text.strip():
            yield new_markdown_cell(text.strip(), metadata=SECTION if text.startswith("##") else {})


def present(name, folder=NOTEBOOKS):
    """Write the projector's version of the lesson `name`, such as "03_btnk1", and return its path.

    If it is there already with changes or outputs, that one is kept under another name.
    """
    solved = nbformat.read(folder / "solutions" / f"{name}.ipynb", as_version=4)
    path, text = folder / "instructor" / f"{name}.ipynb", projected(solved, name)
    path.parent.mkdir(exist_ok=True)
    if path.exists() and path.read_text(encoding="utf-8") != text:
        kept = path.with_name(f"{name}-before.ipynb")
        path.replace(kept)
        print(f"The version used before is kept as notebooks/instructor/{kept.name}")
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


if __name__ == "__main__":
    present(sys.argv[1])
