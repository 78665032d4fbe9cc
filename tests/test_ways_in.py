"""The files by which others open, test and publish the course: what can be checked of them without their hosts."""

import json
import os
import re
import subprocess
import sys

import pytest
import yaml

import course
from notebooks.site import address

from .lab import ROOT
from .test_setup import PROJECT

README = (ROOT / "README.md").read_text(encoding="utf-8")
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "course.yml").read_text(encoding="utf-8"))
CONTAINER = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
STEPS = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]
TORCH = next(each for each in PROJECT["dependencies"] if each.startswith("torch>"))


def commands():
    """Every command that the files name."""
    return [step["run"] for step in STEPS if "run" in step] + [CONTAINER["postCreateCommand"]]


@pytest.mark.parametrize("command", commands())
def test_every_command_exists(command):
    program, *arguments = command.split()
    if program == "python3":
        assert arguments[0] == "course.py" and arguments[1] in course.COMMANDS
        assert set(arguments[2:]) <= set(re.findall(r"--\w+", course.help_for(arguments[1])))
    elif program != "echo":
        assert os.access(ROOT / program, os.X_OK), program


def test_every_step_runs_a_command_or_uses_an_action_of_a_fixed_version():
    assert all(("run" in step) != ("uses" in step) for step in STEPS)
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step["uses"]) for step in STEPS if "uses" in step)


def test_three_systems_are_tested_with_the_oldest_and_the_newest_python_and_torch():
    matrix = WORKFLOW["jobs"]["test"]["strategy"]["matrix"]
    assert [name.partition("-")[0] for name in matrix["os"]] == ["ubuntu", "macos", "windows"]
    oldest, newest = matrix["versions"]
    assert f">={oldest['python']}" == PROJECT["requires-python"]
    low, high = re.fullmatch(r"torch>=([\d.]+),<([\d.]+)", TORCH).groups()
    major, minor = map(int, newest["torch"].split("."))
    assert (oldest["torch"], f"{major}.{minor + 1}") == (low, high)


def test_the_pages_are_published_from_the_folder_that_the_command_writes_and_only_after_the_tests():
    job = WORKFLOW["jobs"]["site"]
    (upload,) = (step for step in job["steps"] if "upload-pages" in step.get("uses", ""))
    assert upload["with"]["path"] == "site" and job["needs"] == "test" and "main" in job["if"]


@pytest.mark.skipif(os.name == "nt", reason="Binder's machines run Linux")
def test_binder_gets_jupyterlabs_settings(tmp_path):
    (tmp_path / "course.py").write_text((ROOT / "course.py").read_text(encoding="utf-8"))
    python = tmp_path / "python3"  # as if its environment were in this folder
    start = f"import sys; sys.prefix = {str(tmp_path)!r}; exec(sys.argv[1])"
    python.write_text(f'#!/bin/sh\nexec \'{sys.executable}\' -c "{start}" "$2"\n')
    python.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    subprocess.run([ROOT / "postBuild"], cwd=tmp_path, env=os.environ | {"PATH": path}, check=True)
    written = tmp_path / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    assert json.loads(written.read_text()) == course.SETTINGS


def test_what_the_services_open_is_there():
    for name, link in address.ways_in("https://github.com/a/b"):
        opened = re.findall(r"notebooks/\w+\.ipynb", link)
        assert all((ROOT / path).exists() for path in opened) and (opened or name == "Codespaces"), link
    python = CONTAINER["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
    folder = "${containerWorkspaceFolder}"
    assert os.name == "nt" or python.replace(folder, str(ROOT)) == course.PYTHON
    assert CONTAINER["image"].removeprefix("python:") >= PROJECT["requires-python"].removeprefix(">=")


def test_every_file_that_readme_names_is_there():
    text = README.split("## Teaching with it")[0] + README.split("## Changing it")[1]
    named = re.findall(r"\]\((?!http|#)([^)]+)\)", README)
    named += re.findall(r"`((?:[\w.-]+/)*[\w.-]+\.(?:py|ipynb|json|yml|toml|md))`", text)
    assert [name for name in named if not (ROOT / name).exists()] == [] and len(named) > 40


def test_readme_begins_with_what_the_course_is_the_instrument_the_commands_and_the_page():
    first = README.split("## ")[0]
    what, picture, commands, page = (
        first.index(part) for part in ("You build ResNet-50", "explorer.png", "course.py lab", "course.py site")
    )
    assert what < picture < commands < page and first.count("course.py ") == 3
    assert len(first.replace("\n", " ").split(". ")) < 20, "it fits the first screen"


def test_readmes_badges_are_those_of_the_address():
    assert README == address.with_badges(README, address.repository()), "run python -m notebooks.site.address"


def test_the_wheel_in_readmes_first_cell_is_the_one_that_pip_makes():
    (named,) = re.findall(r"%pip install --quiet (\S+whl)", README)
    assert named == f"{PROJECT['name'].replace('-', '_')}-{PROJECT['version']}-py3-none-any.whl"
