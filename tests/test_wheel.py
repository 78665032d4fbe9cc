"""What `pip install` brings: the library with all that it opens, the lessons, and who made it. The wheel is built as
pip builds it, from a copy, without the network."""

import email
import fnmatch
import shutil
import subprocess
import sys
import zipfile

import pytest

from resnet_lib.__main__ import copy_lessons, main

from .lab import ROOT

LEFT_BEHIND = shutil.ignore_patterns(
    ".git", ".venv", "__pycache__", "*.pyc", "build", "dist", "*.egg-info", ".*_cache", ".hypothesis", "runs", "tests"
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, opened; the course's folder has something in it that does not belong into it."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "a course"
    shutil.copytree(ROOT, source, ignore=LEFT_BEHIND)
    for junk in ("notebooks/runs/run.json", "notebooks/.ipynb_checkpoints/00.ipynb", "build/lib/resnet_lib/old.py"):
        (source / junk).parent.mkdir(parents=True, exist_ok=True)
        (source / junk).write_text("{}")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "-w", folder, source], check=True, capture_output=True, timeout=300)
    (made,) = folder.glob("*.whl")
    return zipfile.ZipFile(made)


@pytest.fixture(scope="module")
def metadata(wheel):
    (name,) = fnmatch.filter(wheel.namelist(), "*.dist-info/METADATA")
    return email.message_from_string(wheel.read(name).decode("utf-8"))


def files(folder, *patterns):
    """The files below a folder, as the names they have in the wheel, without what running leaves behind."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    names = (path.relative_to(folder).as_posix() for path in found)
    return {name for name in names if not patterns or any(fnmatch.fnmatch(name, each) for each in patterns)}


def test_the_wheel_has_every_file_of_the_library(wheel):
    inside = {name.removeprefix("resnet_lib/") for name in wheel.namelist() if name.startswith("resnet_lib/")}
    assert {name for name in inside if not name.startswith("notebooks/")} == files(ROOT / "resnet_lib")
    assert any(name.endswith(".pt") for name in inside) and any(name.endswith(".jpg") for name in inside)


def test_the_wheel_has_every_lesson_and_nothing_else_of_their_folder(wheel):
    inside = {
        n.removeprefix("resnet_lib/notebooks/") for n in wheel.namelist() if n.startswith("resnet_lib/notebooks/")
    }
    expected = files(ROOT / "notebooks", "[01]*.ipynb", "glossary.ipynb", "solutions/*.ipynb", "instructor/*.md")
    expected |= files(ROOT / "notebooks", "images/*")
    assert inside == expected
    assert len([name for name in inside if name.startswith("solutions/")]) == 12
    for name in inside:
        assert wheel.read(f"resnet_lib/notebooks/{name}") == (ROOT / "notebooks" / name).read_bytes()


def test_the_metadata_says_what_it_is_who_made_it_and_what_it_needs(metadata):
    assert metadata["Name"] == "resnet-course" and metadata["Version"]
    assert metadata["Author"] == "The resnet-course authors"
    assert metadata["License-Expression"] == "MIT AND CC-BY-4.0"
    assert metadata["Keywords"] and len(metadata.get_all("Classifier")) >= 5
    assert metadata.get_payload().startswith((ROOT / "README.md").read_text(encoding="utf-8").splitlines()[0])
    assert all("://" in url and "example" not in url for url in metadata.get_all("Project-URL", []))


def test_the_library_needs_no_jupyterlab_and_the_course_asks_for_it(metadata):
    needed = metadata.get_all("Requires-Dist")
    assert [each for each in needed if each.startswith("jupyterlab")] == ['jupyterlab<5,>=4.3; extra == "lab"']
    always = " ".join(each for each in needed if "extra ==" not in each)
    assert "torch<" in always and "ipywidgets" in always and "pytest" not in always


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A folder with the library as the wheel has it, from which it is run; torch is where it was."""
    folder = tmp_path_factory.mktemp("installed")
    wheel.extractall(folder)
    return folder


def run(installed, *arguments):
    command = [sys.executable, "-m", "resnet_lib", *map(str, arguments)]
    return subprocess.run(command, cwd=installed, capture_output=True, text=True, timeout=300)


def test_the_installed_library_gives_out_the_lessons(installed, tmp_path):
    done = run(installed, "lessons", tmp_path / "my lessons")
    assert done.returncode == 0 and not done.stderr
    assert (tmp_path / "my lessons" / "00_start_here.ipynb").read_bytes() == (
        ROOT / "notebooks" / "00_start_here.ipynb"
    ).read_bytes()
    assert (tmp_path / "my lessons" / "solutions" / "11_clinic.ipynb").exists()


def test_the_installed_library_finds_its_lessons_weights_and_photographs(installed):
    code = """
import resnet_lib
from resnet_lib.grading.submissions import read_lesson
from resnet_lib.photos import PHOTOS, photo
from resnet_lib.weights import load
assert resnet_lib.__file__.startswith({folder!r}), resnet_lib.__file__
assert len(read_lesson("03").cells) > 5
assert all(photo(name).size for name in PHOTOS)
print(sum(p.numel() for p in load("thin").parameters()))
"""
    command = [sys.executable, "-c", code.format(folder=str(installed))]
    done = subprocess.run(command, cwd=installed, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100_000


# ---- the commands, from here


def test_alone_it_says_what_it_can_do(capsys):
    main([])
    said = capsys.readouterr().out
    assert "lessons FOLDER" in said and "checkup" in said and "resnet_lib.grading" in said


def test_the_lessons_of_the_folder_are_copied_without_what_makes_them(tmp_path):
    assert "00_start_here.ipynb" in copy_lessons(tmp_path / "new" / "folder")
    copied = files(tmp_path / "new" / "folder")
    assert copied == files(ROOT / "notebooks", "[01]*.ipynb", "glossary.ipynb", "solutions/*", "*.md", "images/*")


def test_what_is_there_already_is_kept_and_named_unless_it_is_to_be_replaced(tmp_path):
    copy_lessons(tmp_path)
    lesson, other = tmp_path / "03_btnk1.ipynb", tmp_path / "notes.txt"
    given = lesson.read_bytes()
    lesson.write_text("mine"), other.write_text("mine too"), (tmp_path / "glossary.ipynb").unlink()
    said = copy_lessons(tmp_path)
    assert "1 file copied" in said and "03_btnk1.ipynb" in said and "glossary" not in said.partition("Kept")[2]
    assert lesson.read_text() == "mine" and (tmp_path / "glossary.ipynb").exists()
    said = copy_lessons(tmp_path, replace=True)
    assert "Kept" not in said and "Replaced: 03_btnk1.ipynb" in said
    assert lesson.read_bytes() == given and other.read_text() == "mine too"
    assert "Nothing" in copy_lessons(tmp_path)


def test_a_folder_that_cannot_be_written_to_is_said(tmp_path, capsys):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(SystemExit, match="could not be copied"):
        main(["lessons", str(tmp_path / "taken")])
