"""The front of the library: few names, and every name of earlier versions where it was."""

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import SLOW, TRAINING

HERE = Path(__file__).parent
PUBLIC = json.loads((HERE / "public_names.json").read_text(encoding="utf-8"))


def test_a_visitor_sees_few_names():
    names = [p for p in Path(importlib.import_module("resnet_lib").__file__).parent.iterdir() if p.name[:2] != "__"]
    files = [p.name for p in names if p.is_file()]
    assert sorted(files) == ["activations.py", "anatomy.py", "blocks.py", "network.py"]
    assert len(names) - len(files) <= 10, "nine rooms, and the helpers below them"


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_can_still_be_imported(module):
    missing = [name for name in PUBLIC[module] if not hasattr(importlib.import_module(module), name)]
    assert not missing


LIBRARY = Path(importlib.import_module("resnet_lib").__file__).parent

# From the ground upwards: a room may import those before it.
ROOMS = "_common blocks network anatomy activations photos weights experiments speed compare views explorers"
ROOMS = [*ROOMS.split(), "exercises", "grading"]


def lines(*files):
    return sum(len((LIBRARY / file).read_text(encoding="utf-8").splitlines()) for file in files)


def test_the_front_can_be_read_in_one_sitting():
    assert lines("blocks.py", "network.py") <= 360
    assert lines("blocks.py", "network.py", "anatomy.py", "activations.py") <= 1100


def test_files_are_short_but_for_their_tables_and_functions_fit_a_screen():
    long = []
    for file in LIBRARY.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        tables = sum(n.end_lineno - n.lineno for n in tree.body if isinstance(n, ast.Assign | ast.AnnAssign))
        functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
        long += [file.name] if lines(file) - tables > 350 else []
        long += [n.name for n in functions if n.end_lineno - n.lineno >= 60]
    assert not long


def imported_rooms(file):
    """Return the rooms whose names a file of the library imports, wherever in it."""
    found = set()
    depth = len(file.relative_to(LIBRARY).parts)
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == depth:
            found |= {node.module.split(".")[0]} if node.module else {name.name for name in node.names}
    return found & set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_rooms_below_it(room):
    files = (LIBRARY / room).rglob("*.py") if (LIBRARY / room).is_dir() else [LIBRARY / f"{room}.py"]
    above = set(ROOMS[ROOMS.index(room) + 1 :])
    upward = {file.name: rooms for file in files if (rooms := imported_rooms(file) & above)}
    assert not upward


def test_every_room_has_its_place():
    there = {p.stem for p in LIBRARY.iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()}
    assert there - {"__init__", "__main__"} == set(ROOMS)


@pytest.mark.slow
def test_only_what_draws_loads_what_draws():
    code = """
import sys
loaded = lambda *names: [name for name in names if name in sys.modules]
import resnet_lib, resnet_lib.compare.proof, resnet_lib.compare.clinic.patients
print(loaded("matplotlib", "ipywidgets", "IPython"))
from resnet_lib.explorers import BottleneckExplorer
BottleneckExplorer()
print(loaded("matplotlib.pyplot"))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n") == ["[]", "[]", ""]


def test_the_quick_run_reads_tests_of_every_room():
    quick = [file for file in HERE.glob("test_*.py") if not file.stem.startswith(SLOW + TRAINING)]
    texts = " ".join(file.read_text(encoding="utf-8") for file in quick if file.name != Path(__file__).name)
    rooms = [folder.name for folder in LIBRARY.iterdir() if (folder / "__init__.py").exists()]
    assert len(rooms) == 10 and not [room for room in rooms if f"resnet_lib.{room}" not in texts]
