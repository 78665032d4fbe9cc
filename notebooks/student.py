"""Copies the course for students: `python3 course.py student FOLDER` runs this. It needs nothing but Python.

The copy is what a student works in: the lessons with their exercises open, the library and the checks. Solutions,
session plans, sources of the lessons, tests and the commands that need them stay behind.
"""

import ast
import base64
import json
import re
import shutil
import sys
import tempfile
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ALONE = ("course.py", "environment.yml", "pyproject.toml", "setup.py", "MANIFEST.in", "LICENSE", "LICENSE-TEXT")
TEACHING = ("Without installing by hand", "Teaching with it", "Changing it")  # sections of README
IMAGES = (".png", ".svg", ".jpg")


def copy(folder, root=ROOT):
    """Copy the course in `root` for students into `folder`, which is not there yet or empty, and return the number of
    files. ValueError with a sentence if that cannot be."""
    folder = Path(folder).absolute()
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise ValueError(f"{folder} is not an empty folder: name a new one, nothing is overwritten")
    if any((root / name) in folder.resolve().parents for name in ("notebooks", "resnet_lib")):
        raise ValueError(f"{folder} is within the course's own files: name a folder elsewhere")
    files = dict(contents(root))
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(
        tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent)
    )  # half a copy would look like a whole one
    try:
        for name, content in files.items():
            target = made / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Path):
                shutil.copyfile(content, target)
            else:
                target.write_text(content, encoding="utf-8", newline="\n")
        made.chmod(0o755)
        if folder.exists():
            folder.rmdir()
        made.rename(folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return len(files)


def contents(root):
    """Yield what goes into the copy: a file's name there, and its text or the file that it is a copy of."""
    for name in ALONE:
        yield name, root / name
    yield "README.md", readme((root / "README.md").read_text(encoding="utf-8"))
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        source = root / "notebooks" / "source" / f"{path.stem}.py"
        if source.exists():  # else it is a notebook of the teacher's own
            yield f"notebooks/{path.name}", lesson(path, source.read_text(encoding="utf-8"))
    for path in sorted((root / "notebooks" / "images").iterdir()):
        if path.suffix in IMAGES:
            yield f"notebooks/images/{path.name}", path
    for path in sorted((root / "resnet_lib").rglob("*")):
        name = path.relative_to(root)
        if not path.is_file() or any(part.startswith((".", "__pycache__")) for part in name.parts):
            continue
        checks = name.parts[1] == "exercises" and name.suffix == ".py"
        yield name.as_posix(), packed(path.read_text(encoding="utf-8")) if checks else path


def readme(text):
    """Return the README without what it says to teachers."""
    for title in TEACHING:
        text = re.sub(rf"^## {title}\n.*?(?=^## |\Z)", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"^python3 course\.py test .*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"\s*The solved versions are in\s+\[notebooks/solutions\]\(notebooks/solutions\)\.", "", text)
    text = re.sub(r"^To read instead, with nothing but a browser: .*?\n\n", "", text, flags=re.DOTALL | re.MULTILINE)
    return text.replace("The first of the two commands installs", "The command above installs")


def lesson(path, source):
    """Return the text of a student's notebook: without outputs, and without the link to the solutions.

    ValueError with a sentence where an exercise is not as it is in the lesson's source: it may hold an answer.
    """
    book = json.loads(path.read_text(encoding="utf-8"))
    cells = [cell for cell in book["cells"] if "](solutions/" not in "".join(cell["source"])]
    for cell in cells:
        if cell["cell_type"] != "code":
            continue
        cell["outputs"], cell["execution_count"] = [], None
        text = "".join(cell["source"])
        if "exercise" in cell["metadata"].get("tags", ()) and text not in source:
            raise ValueError(
                f"notebooks/{path.name}, “{text.strip().splitlines()[0]}” is not as the lesson gives it out, and may "
                "hold an answer. `course.py notebooks --force` makes the lessons afresh"
            )
    return json.dumps(dict(book, cells=cells), indent=1, ensure_ascii=False) + "\n"


def packed(text):
    """Return the source of a check with the right solutions that it compares with packed, so that they cannot be read
    by the way. Whoever unpacks them has them: no check can judge without."""
    tree = ast.parse(text)
    if not any(isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Solution" for node in ast.walk(tree)):
        return text
    left = [node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)]  # docstrings
    left += [part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values]
    strings = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    lines = [line.encode() for line in text.splitlines(keepends=True)]  # ast counts bytes
    for node in sorted(strings, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        if "\n" not in node.value or node in left:
            continue
        data = base64.b64encode(zlib.compress(node.value.encode())).decode()
        before, after = lines[node.lineno - 1][: node.col_offset], lines[node.end_lineno - 1][node.end_col_offset :]
        lines[node.lineno - 1 : node.end_lineno] = [before + f'unpacked("{data}")'.encode() + after]
    at = next(node.lineno for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom))
    lines.insert(at - 1, b"from .edits import unpacked\n")
    return b"".join(lines).decode()


def main(arguments):
    try:
        number = copy(arguments[0])
    except (ValueError, OSError) as problem:
        sys.exit(f"Nothing was copied: {problem}.")
    print(f"{number} files copied into {arguments[0]}. Solutions, session plans, sources and tests are not among them.")


if __name__ == "__main__":
    main(sys.argv[1:])
