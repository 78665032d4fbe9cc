"""Setting the course up: course.py, pyproject.toml and environment.yml. Nothing is installed here."""

import ast
import importlib.util
import json
import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

try:
    import tomllib
except ImportError:  # Python 3.10, where pytest brings the same under its old name
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SOURCE = (ROOT / "course.py").read_text(encoding="utf-8")
CONDA_NAMES = {"pytorch": "torch", "matplotlib-base": "matplotlib", "playwright-python": "playwright"}
INSTALLS = "-m pip install"
COMMANDS = ("lab", "test", "bench", "present", "notebooks", "site", "grade", "student", "doctor")
KERNELS = "@jupyterlab/apputils-extension:kernels-settings"

needs_sh = pytest.mark.skipif(os.name == "nt", reason="stands a shell script in for .venv's Python")


@pytest.fixture
def course(tmp_path):
    """course.py, loaded from a folder of its own with a space in its name, beside nothing but what it reads."""
    folder = tmp_path / "a course"
    folder.mkdir()
    (folder / "resnet_lib" / "speed").mkdir(parents=True)
    for name in ("course.py", "pyproject.toml", "resnet_lib/speed/checkup.py"):
        shutil.copy(ROOT / name, folder / name)
    spec = importlib.util.spec_from_file_location("course_in_a_folder", folder / "course.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def venv(course):
    """Makes a .venv whose Python is this one, but the shell answers the calls in `cases` ({call: answer},
    the first that fits). pip installs nothing, and succeeds."""

    def make(cases=()):
        cases = dict(cases)
        cases.setdefault(INSTALLS, "exit 0")
        script = ["#!/bin/sh", f"echo \"$@\" >> '{course.ROOT}/calls'", 'case "$*" in']
        script += [f"*'{call}'*) {answer} ;;" for call, answer in cases.items()]
        script += ["esac", f"exec '{sys.executable}' \"$@\""]
        Path(course.BIN).mkdir(parents=True, exist_ok=True)
        Path(course.PYTHON).write_text("\n".join(script))
        Path(course.PYTHON).chmod(0o755)

    return make


def calls(course, what):
    """Those calls of .venv's Python that have `what` in them."""
    log = Path(course.ROOT, "calls")
    return [line for line in log.read_text().splitlines() if what in line] if log.exists() else []


def stamp(course, has=(), **changes):
    """Write the stamp of a finished installation, with `changes`."""
    Path(course.STAMP).write_text(json.dumps(course.stamp_for(course.RUNNING, {"lab", *has}) | changes))


def run(course, *arguments, **variables):
    """course.py as a learner runs it."""
    return subprocess.run(
        [sys.executable, Path(course.ROOT, "course.py"), *arguments],
        capture_output=True,
        text=True,
        timeout=180,
        env=os.environ | variables,
        cwd=Path(course.ROOT).parent,
    )


def split(requirement):
    """("jupyterlab", {">=4.3", "<5"}) of "jupyterlab>=4.3,<5"."""
    name, ranges = re.fullmatch(r"([\w.-]+?)\s*([<>=!~].*)?", requirement).groups()
    return name, set((ranges or "").split(","))


# ---- what is asked for


def all_requirements():
    return PROJECT["dependencies"] + PROJECT["optional-dependencies"]["lab"] + PROJECT["optional-dependencies"]["test"]


def conda_requirements():
    return yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]


def test_conda_gets_the_same_packages_in_the_same_ranges():
    *listed, by_pip = conda_requirements()
    found = dict(map(split, [*listed, *by_pip["pip"][:-1]]))
    assert found.pop("python") == {PROJECT["requires-python"]}
    found.pop("pip")
    found = {CONDA_NAMES.get(name, name): ranges for name, ranges in found.items()}
    assert found == dict(map(split, all_requirements()))


def test_conda_installs_the_course_itself_last():
    assert conda_requirements()[-1]["pip"][-1] == "-e ."


def test_every_range_has_a_bottom_and_a_top_and_none_is_an_exact_pin():
    for name, ranges in map(split, all_requirements()):
        assert sorted(each[0] for each in ranges) == ["<", ">"], f"{name}: {ranges}"


def test_every_dependency_gives_its_reason():
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    for requirement in all_requirements():
        (at,) = (i for i, line in enumerate(lines) if f'"{requirement}"' in line)
        assert lines[at - 1].strip().startswith("# "), requirement


def test_torchvision_is_not_asked_for():
    assert "torchvision" not in dict(map(split, all_requirements()))


# ---- course.py as a program


def test_course_py_parses_on_pythons_too_old_for_the_course():
    ast.parse(SOURCE, feature_version=(3, 6))


def test_a_python_too_old_gets_a_sentence(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 6, 9, "final", 0))
    with pytest.raises(SystemExit, match=r"needs Python 3\.10 or newer, and this is Python 3\.6"):
        runpy.run_path(str(ROOT / "course.py"))


def test_the_oldest_python_is_the_one_pyproject_names(course):
    assert PROJECT["requires-python"] == ">=" + ".".join(map(str, course.OLDEST))


def test_course_py_needs_only_pythons_own_library():
    nodes = [node for node in ast.walk(ast.parse(SOURCE)) if isinstance(node, (ast.Import, ast.ImportFrom))]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names


def test_without_a_command_it_lists_the_commands(course):
    done = run(course)
    assert done.returncode == 0
    for command in COMMANDS:
        assert re.search(rf"^  {command} +\w", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("asked", ["-h", "--help"])
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_own_help_and_installs_nothing_for_it(course, command, asked):
    done = run(course, command, asked)
    assert done.returncode == 0 and done.stderr == ""
    assert re.match(rf"usage: \S+ course\.py {command}\b", done.stdout)
    assert course.COMMANDS[command][2][1:] in done.stdout
    assert not os.path.exists(course.VENV)


@pytest.mark.parametrize(
    "command, program",
    [
        ("bench", "tests/bench/__main__.py"),
        ("grade", "resnet_lib/grading/__main__.py"),
        ("notebooks", "notebooks/build.py"),
        ("site", "notebooks/site/__main__.py"),
    ],
)
def test_the_help_of_a_command_has_every_option_that_it_takes(course, command, program):
    source = (ROOT / program).read_text(encoding="utf-8")
    taken = set(re.findall(r'add_argument\(\s*"(--[\w-]+)"', source)) - {"--from"}  # which course.py itself says
    assert len(taken) >= 2
    assert taken == set(re.findall(r"--\w[\w-]*", course.help_for(command)))


def test_an_unknown_command_is_named_with_those_there_are(course):
    done = run(course, "lba")
    assert done.returncode == 2 and "'lba'" in done.stderr and "lab" in done.stderr
    assert "Traceback" not in done.stderr


def test_alone_in_a_folder_it_says_what_is_missing(course):
    os.remove(course.PYPROJECT)
    done = run(course, "lab")
    assert done.returncode == 1 and done.stderr.startswith("pyproject.toml is not beside course.py")


def test_ctrl_c_is_quiet(course, monkeypatch, capsys):
    def interrupted(needs):
        raise KeyboardInterrupt

    monkeypatch.setattr(course, "prepare", interrupted)
    assert course.main(["lab"]) == 130
    assert capsys.readouterr().err == "\nStopped.\n"


@needs_sh
def test_a_command_that_says_itself_that_ctrl_c_stopped_it_is_not_repeated(course, venv):
    venv({"-m notebooks.site": "sleep 0.3; kill -INT $PPID; echo stopped in lesson 03 >&2; exit 130"})
    stamp(course, ["test"])
    ended = run(course, "site")
    assert (ended.returncode, ended.stderr) == (130, "stopped in lesson 03\n")


@needs_sh
def test_a_ctrl_c_that_whoever_started_the_course_has_turned_off_stops_nothing(course, venv):
    # As a shell does for what it runs in the background: the Ctrl-C is meant for something else.
    venv({"-m notebooks.site": "kill -INT $PPID; kill -INT $$; echo made >&2; exit 0"})
    stamp(course, ["test"])
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        ended = run(course, "site")
    finally:
        signal.signal(signal.SIGINT, before)
    assert (ended.returncode, ended.stderr) == (0, "made\n")


@needs_sh
@pytest.mark.parametrize("name", ["TERM", "HUP"])
def test_a_signal_to_end_reaches_the_command(course, venv, name):
    told = f"trap 'echo told >&2; exit 7' {name}; "
    venv({"-m notebooks.site": told + f"sleep 0.3; kill -{name} $PPID; for i in 1 2 3 4 5 6 7 8 9; do sleep 0.2; done"})
    stamp(course, ["test"])
    ended = run(course, "site")
    assert (ended.returncode, ended.stderr) == (7, "told\n")


# ---- what course.py reads from pyproject.toml


def test_the_requirements_are_pyprojects(course):
    assert course.requirements("dependencies") == PROJECT["dependencies"]
    assert course.requirements("test") == PROJECT["optional-dependencies"]["test"]
    torch = [each for each in PROJECT["dependencies"] if split(each)[0] == "torch"]
    assert [course.torch_requirement()] == torch


def test_a_list_that_is_not_there_is_named(course):
    with pytest.raises(course.Stop, match="no list named 'games'"):
        course.requirements("games")


@needs_sh
def test_all_that_the_tests_need_loads_under_the_name_that_the_check_up_knows(course, venv):
    venv()
    packages, _ = course.check(course.requirements("dependencies") + course.requirements("test"), "load")
    assert len(packages) > 10 and [sentence for sentence, wrong in packages if wrong] == []


# ---- the stamp


def test_a_finished_environment_is_current(course):
    assert course.is_current(course.stamp_for("3.12", ["test"]), "3.12", ["test"])


def test_lab_is_content_with_the_environment_of_test_but_not_the_other_way_round(course):
    assert course.is_current(course.stamp_for("3.12", ["test"]), "3.12", [])
    assert not course.is_current(course.stamp_for("3.12", []), "3.12", ["test"])
    assert not course.is_current(course.stamp_for("3.12", []), "3.12", ["cuda"])


def test_another_pyproject_another_python_or_another_folder_makes_it_out_of_date(course, monkeypatch):
    stamp = course.stamp_for("3.12", [])
    assert not course.is_current(stamp, "3.13", [])
    with open(course.PYPROJECT, "a") as file:
        file.write("# changed\n")
    assert not course.is_current(stamp, "3.12", [])
    stamp = course.stamp_for("3.12", [])
    monkeypatch.setattr(course, "VENV", course.VENV + " moved")
    assert not course.is_current(stamp, "3.12", [])


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "3", '{"has": []}', b"\xff\xfe"])
def test_a_garbled_stamp_is_no_stamp(course, text):
    assert course.read_stamp() is None  # nor is one that is not there
    os.makedirs(course.VENV)
    Path(course.STAMP).write_bytes(text if isinstance(text, bytes) else text.encode())
    assert course.read_stamp() is None and not course.is_current(None, course.RUNNING, [])


@needs_sh
@pytest.mark.parametrize(
    "changes, reason",
    [
        ({}, None),
        ({"venv": "/elsewhere/.venv"}, "was made for another folder (/elsewhere/.venv)"),
        ({"python": "3.9"}, "was made for Python 3.9, now"),
    ],
)
def test_a_moved_folder_and_a_changed_python_need_a_new_environment(course, venv, changes, reason):
    venv()
    stamp(course, **changes)
    found = course.why_remake(course.read_stamp(), course.venv_python())
    assert found == reason or found.startswith(reason)


# ---- installing


@needs_sh
def test_with_the_stamp_nothing_is_installed(course, venv):
    venv({"-m jupyterlab": "exit 0"})
    stamp(course, has=["test"])
    done = run(course, "lab")
    assert done.returncode == 0, done.stderr
    assert calls(course, "-m jupyterlab") and not calls(course, INSTALLS)
    assert os.path.exists(course.OVERRIDES)  # even where somebody removed it


@needs_sh
def test_without_the_stamp_the_half_made_environment_is_finished(course, venv):
    venv({"-m jupyterlab": "exit 0"})
    Path(course.VENV, "kept").touch()
    done = run(course, "lab")
    assert done.returncode == 0, done.stderr
    assert calls(course, INSTALLS)[-1].endswith("-e .[lab]")
    assert Path(course.VENV, "kept").exists()
    assert course.is_current(course.read_stamp(), course.RUNNING, [])


@needs_sh
def test_the_first_tests_add_the_test_tools(course, venv):
    venv({"-m pytest": "exit 0"})
    assert run(course, "test").returncode == 0
    assert calls(course, INSTALLS)[-1].endswith("-e .[lab,test]")
    assert course.read_stamp()["has"] == ["lab", "test"]


@needs_sh
def test_a_changed_pyproject_that_asks_for_nothing_new_installs_nothing(course, venv, monkeypatch):
    venv()
    stamp(course, has=["test"], pyproject="an older one")
    monkeypatch.setattr(course, "check", lambda wanted: [[(each, "") for each in wanted], []])
    course.prepare([])
    assert not calls(course, INSTALLS)
    assert course.is_current(course.read_stamp(), course.RUNNING, ["test"])


@needs_sh
def test_an_environment_without_a_working_python_is_made_anew(course, venv, monkeypatch):
    os.makedirs(course.BIN)
    Path(course.PYTHON).write_text("no program")
    made = []
    monkeypatch.setattr(course.subprocess, "call", lambda command: made.append(command[1:]) or venv() or 0)
    course.prepare([])
    assert made == [["-m", "venv", course.VENV]]
    assert course.is_current(course.read_stamp(), course.RUNNING, [])


@needs_sh
@pytest.mark.parametrize("answer", ["exit 0", "exit 1"])
def test_on_linux_the_small_torch_is_tried_first_and_may_fail(course, venv, monkeypatch, answer):
    venv({"--extra-index-url": answer})
    monkeypatch.setattr(course.platform, "system", lambda: "Linux")
    monkeypatch.setattr(course, "check", lambda wanted: [[("torch is not installed.", "install it")], []])
    course.prepare([])
    first, last = calls(course, INSTALLS)
    assert "--retries 0 --timeout 8" in first and first.endswith(course.torch_requirement())
    assert last.endswith("-e .[lab]")


@needs_sh
def test_with_cuda_the_small_torch_is_not_tried(course, venv, monkeypatch):
    venv()
    monkeypatch.setattr(course.platform, "system", lambda: "Linux")
    monkeypatch.setattr(course, "check", lambda wanted: [[("torch is not installed.", "install it")], []])
    course.prepare(["cuda"])
    assert len(calls(course, INSTALLS)) == 1 and not calls(course, "--extra-index-url")


@needs_sh
def test_with_cuda_the_small_torch_is_replaced(course, venv, monkeypatch):
    venv()
    monkeypatch.setattr(course, "check", lambda wanted: [[("torch 2.13.0+cpu: good.", "")], []])
    course.prepare(["cuda"])
    assert "--force-reinstall" in calls(course, INSTALLS)[0]
    assert not calls(course, "--extra-index-url")
    assert course.read_stamp()["has"] == ["cuda", "lab"]


@needs_sh
@pytest.mark.parametrize(
    "log, meaning",
    [
        ("2026-11-23T10:00:00,123 ERROR: Errno 28: No space left on device", "The disk is full"),
        ("2026-11-23T10:00:00,123 Failed to establish a new connection\nERROR: x", "internet could not be"),
        ("ERROR: No matching distribution found for torch<2.14,>=2.6", "There is no torch for Python"),
        ("ERROR: [Errno 2] HINT: enable Windows Long Path support", "A path is too long for Windows"),
        ("ERROR: the moon is in the way", "doctor` looks for"),
    ],
)
def test_pips_failure_becomes_a_sentence(course, venv, log, meaning):
    Path(course.ROOT, "text").write_text(log)
    venv({"--log": f"cp '{course.ROOT}/text' '{course.PIP_LOG}'; exit 1"})
    done = run(course, "notebooks")
    assert done.returncode == 1
    assert "The installation did not succeed" in done.stderr
    assert "ERROR: " in done.stderr and meaning in done.stderr
    assert "Traceback" not in done.stderr and "2026-11-23T" not in done.stderr
    assert course.read_stamp() is None


@needs_sh
def test_pip_failing_without_a_word_is_still_a_sentence(course, venv):
    venv({INSTALLS: "exit 1"})
    done = run(course, "test")
    assert done.returncode == 1 and "The installation did not succeed" in done.stderr
    assert "Traceback" not in done.stderr


def obstacle(course):
    (sentence,) = course.obstacles()
    return sentence


def test_debians_missing_part_of_python_is_named(course, monkeypatch):
    monkeypatch.setattr(course.importlib.util, "find_spec", lambda name: name != "ensurepip")
    assert f"sudo apt install python{course.RUNNING}-venv" in obstacle(course)


def test_an_intel_mac_is_told(course, monkeypatch):
    monkeypatch.setattr(course.platform, "system", lambda: "Darwin")
    monkeypatch.setattr(course.platform, "machine", lambda: "x86_64")
    assert "Intel" in obstacle(course) and "2.2" in obstacle(course)


def test_a_full_disk_is_told_before_the_installation(course, monkeypatch, capsys):
    monkeypatch.setattr(course.shutil, "disk_usage", lambda path: SimpleNamespace(free=1e9))
    monkeypatch.setattr(course, "make", lambda reason: pytest.fail("it went on"))
    assert course.main(["lab"]) == 1
    assert "Only 1.0 GB are free" in capsys.readouterr().err
    assert not os.path.exists(course.VENV)


# ---- JupyterLab's settings and start


def test_sliders_answer_in_the_main_thread_no_news_are_fetched_and_pages_open_to_be_read(course):
    course.write_overrides()
    assert json.loads(Path(course.OVERRIDES).read_text()) == {
        KERNELS: {"commsOverSubshells": "disabled"},
        "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
        "@jupyterlab/docmanager-extension:plugin": {"defaultViewers": {"markdown": "Markdown Preview"}},
    }


def test_other_settings_stay(course):
    os.makedirs(os.path.dirname(course.OVERRIDES))
    Path(course.OVERRIDES).write_text(json.dumps({"theme": {"dark": True}, KERNELS: {"other": 1}}))
    course.write_overrides()
    settings = json.loads(Path(course.OVERRIDES).read_text())
    assert settings["theme"] == {"dark": True}
    assert settings[KERNELS] == {"other": 1, "commsOverSubshells": "disabled"}


def test_the_icon_of_the_tab_is_left_alone_and_what_else_is_set_for_pages_stays(course):
    course.write_overrides()
    page = Path(course.OVERRIDES).with_name("page_config.json")
    assert json.loads(page.read_text()) == {"disabledExtensions": ["@jupyterlab/application-extension:faviconbusy"]}
    page.write_text("{}")
    course.write_overrides()
    assert page.read_text() == "{}"


@pytest.mark.parametrize("text", ["", "{,}", "[1]", "null"])
def test_garbled_settings_are_put_aside(course, text):
    os.makedirs(os.path.dirname(course.OVERRIDES))
    Path(course.OVERRIDES).write_text(text)
    course.write_overrides()
    assert json.loads(Path(course.OVERRIDES).read_text()) == course.SETTINGS
    assert Path(course.OVERRIDES + ".bad").read_text() == text


@pytest.fixture
def lab_arguments(course, monkeypatch):
    """What JupyterLab is started with, on a Linux desktop unless a test says otherwise."""
    monkeypatch.setattr(course, "call", lambda arguments: arguments)
    monkeypatch.setattr(course.platform, "system", lambda: "Linux")
    monkeypatch.setattr(course.os, "geteuid", lambda: 1000, raising=False)
    monkeypatch.setenv("DISPLAY", ":0")
    return course.lab


def test_lab_opens_the_first_lesson_in_the_courses_folder(course, lab_arguments):
    lesson = Path(course.ROOT, course.FIRST_LESSON)
    lesson.parent.mkdir()
    lesson.touch()
    found = lab_arguments(["--no-browser", "--port", "9999"])
    assert f"--ServerApp.root_dir={course.ROOT}" in found
    assert "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb" in found
    assert found[-3:] == ["--no-browser", "--port", "9999"]
    assert "--allow-root" not in found and found.count("--no-browser") == 1


def test_root_is_allowed(course, lab_arguments, monkeypatch):
    monkeypatch.setattr(course.os, "geteuid", lambda: 0, raising=False)
    assert "--allow-root" in lab_arguments([])


def test_without_a_display_no_browser_is_tried(lab_arguments, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    assert "--no-browser" in lab_arguments([])


def test_nothing_of_the_users_comes_before_the_environment(course, monkeypatch):
    for name in ("PYTHONPATH", "PYTHONHOME", "JUPYTER_PATH", "JUPYTERLAB_DIR"):
        monkeypatch.setenv(name, "/elsewhere")
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    env = course.environment()
    assert "/elsewhere" not in env.values()
    assert env["JUPYTER_PREFER_ENV_PATH"] == "1" and env["PATH"].startswith(course.BIN)


@needs_sh
def test_the_kernel_is_the_environments_even_if_the_user_has_another(course, venv, tmp_path, monkeypatch):
    spec = tmp_path / "kernels" / "python3" / "kernel.json"
    spec.parent.mkdir(parents=True)
    spec.write_text(json.dumps({"argv": ["/elsewhere/python"], "display_name": "x", "language": "x"}))
    for name, value in (("DATA_DIR", tmp_path), ("PATH", tmp_path), ("PREFER_ENV_PATH", 0)):
        monkeypatch.setenv(f"JUPYTER_{name}", str(value))
    venv()
    assert course.ask(course.KERNEL) == sys.executable


@needs_sh
@pytest.mark.parametrize(
    "command, module",
    [("bench", "-m tests.bench"), ("notebooks", "build.py"), ("grade", "-m resnet_lib.grading")],
)
def test_arguments_go_in_and_the_exit_status_comes_out(course, venv, command, module):
    venv({module: "pwd; exit 7"})
    stamp(course, has=["test"])
    done = run(course, command, "--cuda-not-ours", "-k", "a b")
    assert done.returncode == 7
    assert calls(course, module)[-1].endswith("--cuda-not-ours -k a b")
    assert os.path.realpath(done.stdout.strip()) == os.path.realpath(course.ROOT)


@needs_sh
def test_all_tests_run_side_by_side_and_chosen_ones_in_one_process(course, venv, monkeypatch):
    venv({"-m pytest": "exit 7"})
    stamp(course, has=["test"])
    monkeypatch.setattr(course.os, "cpu_count", lambda: 2)
    for extra in ([], ["--quick"], ["-k", "a b"], ["--quick", "-x"]):
        assert course.main(["test", *extra]) == 7
    assert [line.partition(" pytest")[2] for line in calls(course, "-m pytest")] == [
        " -n 2 --dist loadfile --no-loadscope-reorder",
        " -n 2 --dist loadfile --no-loadscope-reorder --quick",
        " -k a b",
        " --quick -x",
    ]


@needs_sh
def test_the_quick_tests_end_with_how_to_run_the_rest(course, venv):
    venv({"-m pytest": "echo 3 passed; exit 0"})
    stamp(course, has=["test"])
    ends = run(course, "test", "--quick").stdout.splitlines()
    assert ends[0] == "3 passed" and ends[-1].endswith("course.py test")
    assert run(course, "test").stdout.splitlines() == ["3 passed"]


# ---- the projector


def lesson_in(course):
    folder = Path(course.ROOT, "notebooks", "solutions")
    folder.mkdir(parents=True)
    for name in ("00_start_here.ipynb", "03_btnk1.ipynb", "notes.txt"):
        (folder / name).touch()


def test_present_without_a_number_lists_the_lessons_and_installs_nothing(course):
    lesson_in(course)
    done = run(course, "present")
    assert done.returncode == 0 and re.findall(r"^  (.+)", done.stdout, re.M) == ["00  start here", "03  btnk1"]
    done = run(course, "present", "07")
    assert done.returncode == 1 and "no lesson '07'" in done.stderr and "03  btnk1" in done.stderr
    assert not os.path.exists(course.VENV)


@needs_sh
def test_present_makes_the_lesson_and_opens_it(course, venv):
    lesson_in(course)
    venv(
        {
            "present.py": "mkdir notebooks/instructor && touch notebooks/instructor/$2.ipynb; exit 0",
            "-m jupyterlab": "exit 0",
        }
    )
    stamp(course)
    done = run(course, "present", "03", "--port", "9999")
    assert done.returncode == 0, done.stderr
    assert [line.rpartition("/")[2] for line in calls(course, "present.py")] == ["present.py 03_btnk1"]
    (opened,) = calls(course, "-m jupyterlab")
    assert "default_url=/lab/tree/notebooks/instructor/03_btnk1.ipynb" in opened and opened.endswith("--port 9999")


# ---- the doctor


def test_before_anything_is_installed_the_doctor_says_what_to_do(course):
    done = run(course, "doctor")
    assert done.returncode == 1 and done.stderr == ""
    assert "MISSING  The environment .venv is not there yet." in done.stdout
    assert "MISSING  The lessons are not here" in done.stdout
    assert "Missing: 2" in done.stdout


def test_the_doctor_bears_a_broken_environment(course):
    os.makedirs(course.BIN)
    Path(course.PYTHON).write_text("no program")
    Path(course.STAMP).write_text("{")
    done = run(course, "doctor")
    assert done.returncode == 1 and done.stderr == ""
    assert "MISSING  The environment .venv has no working Python in it." in done.stdout


@needs_sh
def test_the_doctor_finds_what_is_missing_or_out_of_range(course, venv):
    Path(course.PYPROJECT).write_text(
        'dependencies = [\n"torchinfo>=99",\n"no-such-package>=1",\n"nbclient>=0.10",\n]\nlab = [\n]\ntest = [\n]\n'
    )
    venv()
    stamp(course)
    done = run(course, "doctor")
    assert done.returncode == 1 and done.stderr == ""
    assert re.search(r"MISSING  torchinfo is 1\.\S+, and the course needs torchinfo>=99\.", done.stdout)
    assert "MISSING  no-such-package is not installed." in done.stdout
    assert re.search(r"ok       nbclient 0\.\d+", done.stdout)
    assert "note     Memory: " in done.stdout and "note     One block of ResNet-50 takes " in done.stdout
    assert "MISSING  JupyterLab's setting for sliders is not written." in done.stdout
