"""The check-up of lesson 00: it says what is there, what is wrong and what to do, and never fails itself."""

import sys
from importlib import metadata

import pytest
import torch

from resnet_lib.speed import checkup as module
from resnet_lib.speed.checkup import PACKAGES, checkup


@pytest.fixture
def installed(monkeypatch):
    """The course is installed, wanting the given ranges; the packages have the given versions."""

    def install(versions=None, requires=(), python=">=3.8"):
        versions = dict.fromkeys(PACKAGES, "2.0") | (versions or {})

        def version(name):
            if versions[name] is None:
                raise metadata.PackageNotFoundError(name)
            return versions[name]

        monkeypatch.setattr(metadata, "version", version)
        monkeypatch.setattr(metadata, "metadata", lambda name: {"Name": name, "Requires-Python": python})
        monkeypatch.setattr(metadata, "requires", lambda name: list(requires))
        monkeypatch.setattr(module, "import_module", lambda name: None)

    return install


@pytest.fixture
def report(capsys, monkeypatch):
    """What the check-up prints, on a machine that has memory and speed enough."""
    monkeypatch.setattr(module, "LITTLE_MEMORY", 0)
    monkeypatch.setattr(module, "SLOW", 60_000)

    def run():
        assert checkup() is None
        said = capsys.readouterr()
        assert not said.err
        return said.out

    return run


def test_a_good_machine_is_told_so(installed, report):
    installed(requires=["torch>=1.9,<3", "pytest; extra == 'test'"])
    text = report()
    assert f"Python {sys.version_info[0]}.{sys.version_info[1]}" in text
    assert "torch 2.0: good.\n" in text and "ipywidgets 2.0.\n" in text and "torchinfo 2.0.\n" in text
    assert f"torch uses {torch.get_num_threads()} threads" in text
    assert "GB of it free" in text and " ms: good.\n" in text
    assert text.endswith("All is well. You can begin.\n") and "What to do" not in text


@pytest.mark.slow
def test_here_and_now_it_runs_to_its_end(capsys):
    checkup()
    assert "pytest" not in capsys.readouterr().err


def test_a_missing_package_is_named_with_what_to_do(installed, report):
    installed({"ipywidgets": None})
    text = report()
    assert "ipywidgets is not installed.\n    → What to do: in a terminal" in text and "course.py lab" in text
    assert text.endswith("1 of these lines needs your attention: see the arrows.\n")


def test_a_version_outside_the_range_is_named_with_the_range(installed, report):
    installed({"torch": "1.8.1+cpu"}, requires=["torch>=2.6,<2.14"])
    text = report()
    assert "torch is 1.8.1+cpu, and the course needs torch<2.14,>=2.6." in text and "What to do" in text


def test_a_package_that_is_installed_and_does_not_load_is_named_with_the_reason(installed, report, monkeypatch):
    def load(name):
        if name == "matplotlib":
            raise SystemExit("no display\nthe font is missing")

    installed()
    monkeypatch.setattr(module, "import_module", load)
    assert "matplotlib 2.0 is installed but does not load: the font is missing\n    → What to do" in report()


def test_a_build_tag_and_a_preview_do_not_put_a_version_outside(installed, report):
    installed({"torch": "2.9.0+cpu", "jupyterlab": "4.6.0rc1"}, requires=["torch<2.14", "jupyterlab>=4,<5"])
    assert "All is well" in report()


def test_jupyterlab_is_asked_for_only_where_the_course_brought_it(installed, report, monkeypatch):
    installed({"jupyterlab": None})
    assert "jupyterlab" not in report()
    installed({"jupyterlab": "3.6"}, requires=['jupyterlab>=4.3,<5; extra == "lab"'])
    assert "jupyterlab is 3.6, and the course needs jupyterlab<5,>=4.3." in report()
    monkeypatch.setattr(module, "INSTALL", module.WHEEL)
    assert "All is well" in report()


def test_an_old_python_is_named(installed, report):
    installed(python=">=4.0")
    assert ", and the course needs Python>=4.0." in report()


@pytest.mark.slow
def test_without_the_course_installed_versions_are_shown_and_nothing_is_blamed(monkeypatch, report):
    def nothing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "metadata", nothing)
    text = report()
    assert "version ranges are unknown" in text and f"torch {torch.__version__}" in text


def test_little_memory_and_a_slow_processor_get_advice(installed, report, monkeypatch):
    installed()
    monkeypatch.setattr(module, "LITTLE_MEMORY", 10**6)
    monkeypatch.setattr(module, "SLOW", 0)
    text = report()
    assert "close other programs, and notebooks" in text and "plug the laptop in" in text
    assert " ms.\n" in text and "good" not in text.partition("Memory")[2]
    assert "2 of these lines" in text


def test_a_lab_from_another_environment_is_noticed(installed, report, monkeypatch, tmp_path):
    installed()
    monkeypatch.setattr(module, "labs_environment", lambda: tmp_path)
    assert f"another place, {tmp_path}" in report()
    monkeypatch.setattr(module, "labs_environment", lambda: module.Path(sys.prefix))
    assert "another place" not in report()


def test_the_labs_environment_is_the_one_of_the_process_that_started_the_kernel(monkeypatch, tmp_path):
    psutil = pytest.importorskip("psutil")
    (tmp_path / "pyvenv.cfg").write_text("")
    program = tmp_path / "bin" / "python"
    monkeypatch.setenv("JPY_PARENT_PID", "1")
    monkeypatch.setattr(psutil.Process, "cmdline", lambda self: [str(program), "-m", "jupyterlab"])
    assert module.labs_environment() == tmp_path
    monkeypatch.setattr(psutil.Process, "cmdline", lambda self: ["/usr/bin/python3"])
    assert module.labs_environment() is None
    monkeypatch.delenv("JPY_PARENT_PID")
    assert module.labs_environment() is None


@pytest.mark.parametrize("broken", ["python", "packages", "environment", "memory", "processor"])
def test_whatever_breaks_the_rest_is_still_checked(installed, report, monkeypatch, broken):
    def fail():
        raise OSError("a library is broken")

    installed()
    fail.__doc__ = getattr(module, broken).__doc__
    monkeypatch.setattr(module, broken, fail)
    text = report()
    assert "could not be checked (OSError: a library is broken).\n    → What to do: " in text
    assert text.endswith("1 of these lines needs your attention: see the arrows.\n")
