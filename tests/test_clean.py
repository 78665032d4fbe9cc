"""All code is formatted, without a complaint of the linter, and with few exceptions."""

import re
import subprocess
import sys

import pytest

from .lab import ROOT

CODE = ("resnet_lib", "tests", "notebooks", "course.py")


@pytest.mark.parametrize("check", [["check"], ["format", "--check"]], ids=["lint", "format"])
def test_ruff_has_nothing_to_say(check):
    done = subprocess.run([sys.executable, "-m", "ruff", *check, *CODE], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_there_are_fewer_than_ten_exceptions():
    mark = re.compile(r"# (?:noqa|fmt): ")
    lines = [f"{path.name}: {line}" for path in files() for line in path.read_text(encoding="utf-8").splitlines()]
    found = [line for line in lines if mark.search(line)]
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    ignored = project.partition("[tool.ruff.lint.per-file-ignores]\n")[2].partition("\n[")[0]
    found += re.findall(r'^"[^"]+" = .*', ignored, re.M)
    assert 3 <= len(found) < 10, found


def files():
    for name in CODE:
        yield from [ROOT / name] if name.endswith(".py") else (ROOT / name).rglob("*.py")
