#!/usr/bin/env python3
"""Sets the course up and runs it: `python3 course.py lab` (on Windows: `py course.py lab`).

Needs nothing but Python. Everything else is named in pyproject.toml and goes into the folder .venv beside
this file; nothing else on the computer changes. Delete .venv to start afresh.
"""

import sys

OLDEST = (3, 10)  # pyproject.toml says the same; a test compares them
if sys.version_info < OLDEST:
    # An old Python must get as far as this sentence, so nothing in this file may use syntax newer than 3.6.
    sys.exit(
        "The course needs Python %d.%d or newer, and this is Python %d.%d.\nInstall a newer one "
        "(https://www.python.org/downloads/) and use that one." % (OLDEST + tuple(sys.version_info[:2]))
    )

import argparse
import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import signal
import subprocess

ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
BIN = os.path.join(VENV, "Scripts" if os.name == "nt" else "bin")
PYTHON = os.path.join(BIN, "python.exe" if os.name == "nt" else "python")
PYPROJECT = os.path.join(ROOT, "pyproject.toml")
STAMP = os.path.join(VENV, "course-stamp.json")
PIP_LOG = os.path.join(VENV, "course-pip.log")
OVERRIDES = os.path.join(VENV, "share", "jupyter", "lab", "settings", "overrides.json")
CHECKUP = os.path.join(ROOT, "resnet_lib", "speed", "checkup.py")
FIRST_LESSON = "notebooks/00_start_here.ipynb"
RUNNING = "%d.%d" % sys.version_info[:2]
ME = "py course.py" if os.name == "nt" else "python3 course.py"
# JupyterLab 4.6 answers sliders in another thread than cells unless told not to, and pictures drawn from two
# threads at once can come out corrupted (jupyterlab/jupyterlab#19719).
SETTINGS = {
    "@jupyterlab/apputils-extension:kernels-settings": {"commsOverSubshells": "disabled"},
    # No question about JupyterLab's news before the first lesson, and no attempt to fetch them offline.
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    # Session plans and README are to be read, not edited.
    "@jupyterlab/docmanager-extension:plugin": {"defaultViewers": {"markdown": "Markdown Preview"}},
}
# The icon of the browser's tab, which JupyterLab fetches anew whenever the kernel begins or ends something: twice at
# every step of a slider, a quarter of all that the machine then does. The notebook's own circle stays.
PAGE = {"disabledExtensions": ["@jupyterlab/application-extension:faviconbusy"]}


class Stop(Exception):
    """Something the reader can put right: the text says what happened and what to do."""


def say(text):
    print(text, flush=True)  # flush: pip's and Jupyter's own lines must not overtake ours in a log file


def requirements(name):
    """The requirements in the list `name` of pyproject.toml: "dependencies", or an extra such as "test"."""
    with open(PYPROJECT, encoding="utf-8") as file:
        # By pattern, because Python 3.10 has no TOML reader: one requirement a line, comments between them.
        block = re.search(r"^%s = \[\n(.*?)^\]" % re.escape(name), file.read(), re.MULTILINE | re.DOTALL)
    if not block:
        raise Stop(f"pyproject.toml has no list named {name!r}. Was it changed?")
    return re.findall(r'^\s*"([^"]+)"', block.group(1), re.MULTILINE)


def torch_requirement():
    return next(each for each in requirements("dependencies") if re.match(r"torch\s*[<>=!~]", each))


# ---------------------------------------------------------------- running .venv's Python


def environment():
    """Environment variables for everything run from .venv."""
    env = dict(os.environ)
    # PYTHONPATH and PYTHONHOME put other packages before .venv's; JUPYTER_PATH and JUPYTERLAB_DIR do the same
    # for kernels and settings. macOS hands __PYVENV_LAUNCHER__ on, and with it the wrong environment.
    for name in ("PYTHONPATH", "PYTHONHOME", "JUPYTER_PATH", "JUPYTERLAB_DIR", "__PYVENV_LAUNCHER__"):
        env.pop(name, None)
    env["VIRTUAL_ENV"], env["PATH"] = VENV, BIN + os.pathsep + env.get("PATH", "")
    # A kernel called python3 in the reader's home folder may start another Python: .venv's must win. Jupyter
    # sees to that by itself in a venv, but not where another account owns the folder or a variable says no.
    env["JUPYTER_PREFER_ENV_PATH"] = "1"
    env["PIP_USER"] = "0"  # `user = true` in a reader's pip settings stops every installation into a venv
    env["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    return env


def call(arguments, **options):
    """Run .venv's Python in the course's folder and return its exit status."""
    interrupted, before = [], {}
    try:
        # Ctrl-C reaches both at once: let the child finish first (Jupyter asks "shut down?", pytest prints its
        # summary), then leave too.
        if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:  # as it is in the background
            before[signal.SIGINT] = signal.signal(signal.SIGINT, lambda *_: interrupted.append(True))
        child = subprocess.Popen([PYTHON] + arguments, cwd=ROOT, env=environment(), **options)
        for each in (getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)):
            # Whoever ends this process means the child.
            before[each] = signal.signal(each, lambda number, _: child.send_signal(number))
        status = child.wait()
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    if interrupted and status != 130:  # a child that ends with it has said itself that it was stopped
        raise KeyboardInterrupt
    return status if status >= 0 else 128 - status


def answer(*arguments):
    """Run .venv's Python with these arguments: the last line it prints, or None where it fails."""
    try:
        out = subprocess.check_output(
            [PYTHON] + list(arguments),
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return out.decode("utf-8", "replace").strip().splitlines()[-1]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return None


def ask(code):
    return answer("-c", code)


def check(wanted, how="look"):
    """What lesson 00's check-up finds in .venv: two lists of (sentence, advice), about the requirements `wanted` and,
    for "load", which imports them too, about the machine. Advice is given only where something is wrong."""
    found = answer(CHECKUP, how, *wanted)
    return json.loads(found) if found else [[("The environment's Python does not answer.", "see above")], []]


# ---------------------------------------------------------------- the stamp: is .venv ready?


def stamp_for(python, has):
    """What is written into .venv when all is installed. `has`: the extras, and "cuda" with --cuda."""
    with open(PYPROJECT, "rb") as file:
        contents = hashlib.sha256(file.read()).hexdigest()
    # .venv's place counts because the installed package points to it.
    return {"pyproject": contents, "python": python, "venv": os.path.realpath(VENV), "has": sorted(has)}


def read_stamp():
    """The stamp, or None where there is none or it cannot be understood."""
    try:
        with open(STAMP, encoding="utf-8") as file:
            stamp = json.load(file)
        return stamp if set(stamp) == set(stamp_for("", [])) and isinstance(stamp["has"], list) else None
    except (OSError, ValueError, TypeError):
        return None


def is_current(stamp, python, needs):
    """Whether nothing is to be done. More than is needed serves too: `lab` after `test` installs nothing."""
    return bool(stamp) and set(needs) <= set(stamp["has"]) and stamp == stamp_for(python, stamp["has"])


def venv_python():
    """The version of .venv's Python such as "3.11", or None where there is none that works and has pip."""
    return ask("import sys, pip; print('%d.%d' % sys.version_info[:2])")


def why_remake(stamp, python):
    """Why .venv cannot be mended by installing into it once more, or None where it can."""
    if not os.path.lexists(VENV):
        return "is not there yet"
    if python is None:
        return "has no working Python in it"
    if not stamp:  # half-made, perhaps with a Python that torch is not built for: do not stay with that one
        return None if python == RUNNING else f"was begun with Python {python}"
    if stamp["venv"] != os.path.realpath(VENV):
        return f"was made for another folder ({stamp['venv']})"
    return None if stamp["python"] == python else f"was made for Python {stamp['python']}, now {python}"


# ---------------------------------------------------------------- installing


def obstacles():
    """Sentences about what would make an installation fail on this computer."""
    if not all(map(importlib.util.find_spec, ("ensurepip", "venv"))):  # Debian's python3 lacks the first
        yield (
            "This Python cannot make environments; a part of it is left out. On Debian and Ubuntu:\n"
            f"    sudo apt install python{RUNNING}-venv"
        )
    if platform.system() == "Darwin" and platform.machine() == "x86_64":
        yield (
            "This Python is for Macs with an Intel processor, and torch no longer is (2.2 was the last).\n"
            "With Apple's processor, use the Python from python.org. With Intel's, use another computer."
        )
    if sys.maxsize < 2**32:
        yield "This is a 32-bit Python, and torch needs the 64-bit one (python.org has it)."
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < 2:  # 1.3 GB stay, the rest is for unpacking
        yield f"Only {free:.1f} GB are free on this disk, and the installation needs about 2 GB."


PIP_FAILURES = [  # (what pip's log says, what that means); the first that fits
    ("no space left|not enough space|winerror 112", "The disk is full: free about 2 GB and try again."),
    ("long path", "A path is too long for Windows: move the course to a short one such as C:\\course."),
    ("certificate_verify_failed", "The network puts its own certificate in between: try another network."),
    (
        "new connection|name resolution|getaddrinfo|unreachable|timed out|proxyerror|connection (reset|aborted)",
        "The internet could not be reached. Connect and run the same command again; downloads are kept.",
    ),
    (
        "no matching distribution found for torch",
        f"There is no torch for Python {RUNNING} on this system: try with another Python, such as 3.12.",
    ),
    ("", f"`{ME} doctor` looks for the usual causes."),
]


def pip(arguments):
    """Run pip, its progress visible. Where it fails, stop with the log's last lines and what they mean."""
    if os.path.exists(PIP_LOG):
        os.remove(PIP_LOG)
    status = call(["-m", "pip", "install", "--log", PIP_LOG] + arguments)
    if status == 0:
        return
    log = ""
    if os.path.exists(PIP_LOG):
        with open(PIP_LOG, encoding="utf-8", errors="replace") as file:
            log = file.read()
    lines = [re.sub(r"^\d{4}-\S+ ", "    ", line) for line in log.splitlines() if line.strip()]
    last = [line for line in lines if "ERROR" in line][-4:] or lines[-4:]
    meaning = next(text for pattern, text in PIP_FAILURES if re.search(pattern, log, re.IGNORECASE))
    raise Stop("\n".join([f"\nThe installation did not succeed (pip's status {status})."] + last + [meaning]))


def install(needs):
    if ask("import pip; print(tuple(map(int, pip.__version__.split('.')[:2])) < (21, 3))") == "True":
        pip(["--upgrade", "pip>=21.3"])  # an older one, as in Python 3.10.0, cannot do the last line below
    torch = torch_requirement()
    ((sentence, wrong),) = check([torch])[0]
    if "cuda" in needs and not wrong and "+cpu" in sentence:
        pip(["--force-reinstall", "--no-deps", torch])
    elif "cuda" not in needs and wrong and platform.system() == "Linux":
        # On Linux the ordinary torch brings 3 GB of CUDA; torch's own index has a build without. Where that
        # cannot be reached, one short try is enough, and pip's complaints would only alarm.
        say("Fetching torch, the build without CUDA (about 200 MB)")
        index = ["--retries", "0", "--timeout", "8", "--extra-index-url", "https://download.pytorch.org/whl/cpu"]
        if call(["-m", "pip", "install", "--no-deps"] + index + [torch], stderr=subprocess.DEVNULL) != 0:
            say("That could not be had. Going on with the ordinary build, which may download 3 GB.")
    extras = ",".join(sorted(set(needs) - {"cuda"}))
    pip(["-e", f".[{extras}]" if extras else "."])


def make(reason):
    say(f".venv {reason}: making it")
    if os.path.lexists(VENV):
        shutil.rmtree(VENV)
    # The Python below any active environment, so that .venv does not depend on that environment.
    base = getattr(sys, "_base_executable", None) or sys.executable
    if subprocess.call([base, "-m", "venv", VENV]) != 0:
        raise Stop(f"{base} could not make the environment; its reason is above.")


def satisfied(needs):
    """Whether .venv has it all already, so that a changed pyproject.toml stops nobody offline for nothing."""
    lists = ["dependencies"] + sorted(needs - {"cuda"})
    return not any(wrong for _, wrong in check([each for name in lists for each in requirements(name)])[0])


def prepare(needs):
    """Bring .venv to what pyproject.toml says, with JupyterLab and `needs` (extras, "cuda"). No network where it is
    so."""
    python, stamp, needs = venv_python(), read_stamp(), {"lab"} | set(needs)
    current = is_current(stamp, python, needs)
    if not current:
        reason = why_remake(stamp, python)
        has = set(stamp["has"]) if stamp else set()
        needs |= has
        if reason or not stamp:
            for sentence in obstacles():
                raise Stop(sentence)
            say("Installing the course (about 1.3 GB on disk, a few minutes)")
            if reason:
                make(reason)
            install(needs)
        elif "cuda" in needs - has or not satisfied(needs):
            say("Installing what is missing (a minute or so)")
            install(needs)
    write_overrides()
    if not current:  # last of all, so that an installation cut short is seen as one
        with open(STAMP, "w", encoding="utf-8") as file:
            json.dump(stamp_for(venv_python(), needs), file)


def read_overrides():
    """JupyterLab's settings in .venv, or None where the file cannot be understood."""
    try:
        with open(OVERRIDES, encoding="utf-8") as file:
            settings = json.load(file)
        return settings if isinstance(settings, dict) else None
    except FileNotFoundError:
        return {}
    except ValueError:
        return None


def merged(settings):
    """`settings` with SETTINGS added; whatever else is in them stays."""
    return dict(
        settings,
        **{
            plugin: dict(settings[plugin] if isinstance(settings.get(plugin), dict) else {}, **values)
            for plugin, values in SETTINGS.items()
        },
    )


def write_overrides():
    settings = read_overrides()
    if settings is None:
        say("JupyterLab's settings in .venv could not be read; they are kept as overrides.json.bad")
        os.replace(OVERRIDES, OVERRIDES + ".bad")
    if settings is None or settings != merged(settings):
        os.makedirs(os.path.dirname(OVERRIDES), exist_ok=True)
        with open(OVERRIDES, "w", encoding="utf-8") as file:
            json.dump(merged(settings or {}), file, indent=2)
    page = os.path.join(os.path.dirname(OVERRIDES), "page_config.json")
    if not os.path.exists(page):
        with open(page, "w", encoding="utf-8") as file:
            json.dump(PAGE, file, indent=2)


# ---------------------------------------------------------------- the commands


def lab(extra, page=FIRST_LESSON):
    # `-m jupyterlab`, not the script jupyter-lab: that one breaks when .venv's path is long.
    arguments = ["-m", "jupyterlab", "--ServerApp.root_dir=" + ROOT]
    if os.path.exists(os.path.join(ROOT, page)):
        # As the address to begin at, so that the printed address leads to the lesson too.
        arguments.append("--LabApp.default_url=/lab/tree/" + page)
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--allow-root")  # Jupyter refuses without; in a container one often is root
    displays = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    if platform.system() == "Linux" and not any(map(os.environ.get, displays)):
        arguments.append("--no-browser")  # else a browser for the terminal might be started in this one
    if os.name == "nt" or os.path.isdir("/snap"):
        # Jupyter sends the browser to a file in a hidden folder, which it cannot find where browser or Python
        # come from Ubuntu's or Microsoft's store (jupyter/notebook#4500, jupyterlab/jupyterlab#9250).
        arguments.append("--ServerApp.use_redirect_file=False")
    say("Starting JupyterLab. If no browser opens, copy the address below into one. Ctrl-C twice ends it.")
    return call(arguments + extra)


def browser():
    """A Chromium or Chrome for the browser tests, or None."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
    places = ["/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"]
    for folder in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"):
        places.append(os.environ.get(folder, "") + r"\Google\Chrome\Application\chrome.exe")
    return next(filter(None, map(shutil.which, names)), None) or next(filter(os.path.exists, places), None)


KERNEL = """
from jupyter_client.manager import KernelManager
print(KernelManager(kernel_name="python3").format_kernel_cmd()[0])
"""


def doctor(extra):
    """Say what is fine and what is missing. Works before anything is installed."""
    missing = []

    def line(fine, sentence, otherwise=""):
        if not fine:
            sentence = otherwise or sentence
            missing.append(sentence)
        say(("ok       " if fine else "MISSING  ") + sentence.replace("\n", "\n         "))

    line(True, f"Python {platform.python_version()} ({sys.executable})")
    python, stamp = venv_python(), read_stamp()
    ready, reason = is_current(stamp, python, ["lab"]), why_remake(stamp, python)
    if not ready:  # what hinders an installation matters only while there is one to come
        hindrances = list(obstacles())
        for sentence in hindrances:
            line(False, sentence)
        if not hindrances:
            line(True, "Nothing on this computer hinders the installation")
    line(
        ready,
        f"The environment .venv is complete and current (Python {python})",
        f"The environment .venv {reason or 'is unfinished, or older than pyproject.toml'}.\nRun `{ME} lab`.",
    )
    if python:
        afresh = f"\nDelete the folder .venv and run `{ME} lab`." if ready else ""  # else said above
        tested = "test" in (stamp or {"has": []})["has"]
        wanted = requirements("dependencies") + requirements("lab") + requirements("test") * tested
        packages, machine = check(wanted, "load")
        for sentence, wrong in packages:
            line(not wrong, sentence, sentence + afresh)
        for sentence, advice in machine:  # it may be slow or full, but nothing is missing
            say(f"note     {sentence}" + (f"\n         To do: {advice}." if advice else ""))
        settings = read_overrides()
        line(
            settings and settings == merged(settings),
            "JupyterLab's setting for sliders is written",
            f"JupyterLab's setting for sliders is not written.\nRun `{ME} lab`.",
        )
        kernel = ask(KERNEL) or "no Python at all"
        line(
            os.path.normcase(kernel) == os.path.normcase(PYTHON),
            "Notebooks run in .venv's Python",
            f"Notebooks would run in {kernel}, not in .venv's Python." + afresh,
        )
        if not tested:
            say(f"note     The test tools are not installed (optional); `{ME} test` does that")
    line(
        os.path.exists(os.path.join(ROOT, FIRST_LESSON)),
        "The lessons are in notebooks",
        f"The lessons are not here ({FIRST_LESSON}).\nDownload the course again.",
    )
    say(f"note     Browser tests use {browser() or 'no browser: there is no Chromium here (optional)'}")
    say("\nNothing is missing." if not missing else f"\nMissing: {len(missing)}, marked above.")
    return 1 if missing else 0


def lessons():
    """The solved lessons, by number: {"03": "03_btnk1"}."""
    folder = os.path.join(ROOT, "notebooks", "solutions")
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    return {name[:2]: name[: -len(".ipynb")] for name in names if re.match(r"\d\d_\w+\.ipynb$", name)}


def listed():
    return "\n".join(f"  {number}  {name[3:].replace('_', ' ')}" for number, name in lessons().items())


def present(extra):
    if not extra:
        say(f"Which lesson? For instance: {ME} present 03\n" + listed())
        return 0
    name = lessons().get(extra[0])
    if name is None:
        raise Stop(f"There is no lesson {extra[0]!r}. The lessons are:\n{listed()}")
    prepare([])
    status = call([os.path.join("notebooks", "present.py"), name])
    return status or lab(extra[1:], f"notebooks/instructor/{name}.ipynb")


def test(extra):
    """Run pytest: all tests in several processes, or with the reader's own arguments in one."""
    chosen = [each for each in extra if each != "--quick"]
    arguments = ["-m", "pytest"]
    if not chosen:
        workers = min(4, os.cpu_count() or 1)  # each takes about 1 GB
        # The tests of a file in one process: they share what takes long to make.
        arguments += ["-n", str(workers), "--dist", "loadfile", "--no-loadscope-reorder"]
    status = call(arguments + extra)
    if "--quick" in extra:
        say(f"These were the quick tests. All of them, with browser, notebooks and training: {ME} test")
    return status


def student(extra):
    if len(extra) != 1:
        raise Stop(f"Which folder? For instance: {ME} student ../for_students")
    path = os.path.abspath(os.path.expanduser(extra[0]))
    return subprocess.call([sys.executable, os.path.join(ROOT, "notebooks", "student.py"), path])


# command: (extras it needs or None to install nothing first, how it is run, what it does, its own help)
COMMANDS = {
    "lab": (
        [],
        lab,
        "open the course in JupyterLab",
        """Without options it opens lesson 00 in your browser. Options go on to JupyterLab, such as

  --no-browser   start only; open the printed address yourself
  --port 9999    another port than 8888

All of JupyterLab's own: %s lab --help-all"""
        % ME,
    ),
    "test": (
        ["test"],
        test,
        "run the tests (pytest)",
        """Without options it runs everything, in several processes side by side. That takes about 20 minutes on two
cores; browser tests are skipped where there is neither Chromium nor Chrome.

  --quick        a few cases of every test that takes a moment, in a minute and a half: nothing that needs a browser,
                 runs notebooks or trains networks

Everything else goes on to pytest, which then runs in one process: a file such as tests/test_blocks.py, -k WORD for
the tests with that word in their names, -x to stop at the first failure, --durations=10 for the slowest.""",
    ),
    "bench": (
        ["test"],
        lambda extra: call(["-m", "tests.bench"] + extra),
        "measure the course's speed",
        """  --quick        few repetitions: only to see that it runs
  --no-browser   leave out what needs Chromium or Chrome
  --only NAME    one part; an unknown name prints all of them""",
    ),
    "present": (
        None,
        present,
        "open a lesson folded, for the projector",
        """NUMBER is the lesson, such as 03; without it, the lessons are listed. The solved lesson is put beside its
session plan in notebooks/instructor, with every section, exercise and solution folded, and opened in JupyterLab.
Options after the number go on to JupyterLab, as with `lab`.""",
    ),
    "notebooks": (
        ["test"],
        lambda extra: call([os.path.join("notebooks", "build.py")] + extra),
        "make the lessons' notebooks from notebooks/source",
        """  --check        write nothing; list the notebooks that differ from their sources
  --force        overwrite notebooks that hold outputs, too""",
    ),
    "site": (
        ["test"],
        lambda extra: call(["-m", "notebooks.site"] + extra),
        "make the course's pages for a web server",
        """Executes every solved lesson and writes pages into the folder site. They can be read as files, and
from any web server the first one is live too: run python3 -m http.server in that folder.

  NUMBER ...       execute only these lessons, such as 03; the others stay as they were
  --out FOLDER     write there instead
  --language NAME  the table of words in resnet_lib/explorers/languages

Lessons that have not changed are not executed again. A build that was stopped resumes; the whole takes about 16
minutes on two cores.""",
    ),
    "grade": (
        [],
        lambda extra: call(["-m", "resnet_lib.grading", "--from", os.getcwd()] + extra),
        "grade a folder of submitted notebooks (for instructors)",
        """FOLDER holds the submitted notebooks, each named after its student.

  --lesson 03    the lesson's number; required
  --out FILE     the CSV file to write (grades.csv); a folder of feedback goes beside it
  --seconds N    time limit for each exercise; seconds of computing count twice (10)
  --jobs N       how many submissions at a time (one a processor)
  --memory N     memory limit for each submission, in MB (4000)
  --own-numbers  hold also those who gave no name to the numbers of their file's name

One exercise of each lesson asks with numbers that are made from the student's name, `me = "Ada Lovelace"`. The grader
holds that name to the file's: an answer for somebody else's numbers is wrong, and is told so.""",
    ),
    "student": (
        None,
        student,
        "copy the course for students, without solutions (for instructors)",
        """FOLDER is a new folder, or an empty one: nothing is overwritten.

The copy has the lessons with their exercises open and without outputs, the library, the checks and `course.py lab`.
It leaves out the solved lessons, the session plans, the lessons' sources, the tests, and the commands that need them.
The checks cannot do without the right answers that they compare with. In the copy, the solutions that they hold as
text are packed, so that nobody reads them by the way; they can still be unpacked, and most parts that a lesson asks
for are in the library, written in another way. `grade` flags an answer that uses the library's.""",
    ),
    "doctor": (
        None,
        doctor,
        "say what is fine, what is missing, and what to do about it",
        "It installs nothing, and works before anything is installed.",
    ),
}
ARGUMENTS = {"test": "[--quick] [pytest's options]", "present": "[NUMBER] [JupyterLab's options]", "doctor": ""}
ARGUMENTS["site"] = "[NUMBER ...] [options]"
ARGUMENTS["grade"] = "FOLDER --lesson NUMBER [options]"
ARGUMENTS["student"] = "FOLDER"
TEACHERS = ("test", "bench", "present", "notebooks", "site", "grade", "student")  # what the students' copy lacks


def commands():
    """The commands that there are here: all of them, or those of the copy that `student` makes."""
    lessons_alone = os.path.exists(os.path.join(ROOT, FIRST_LESSON)) and not lessons()
    return [name for name in COMMANDS if not (lessons_alone and name in TEACHERS)]


def help_for(command):
    _, _, does, text = COMMANDS[command]
    usage = " ".join(filter(None, [ME, command, ARGUMENTS.get(command, "[options]")]))
    return f"usage: {usage}\n\n{does[0].upper()}{does[1:]}.\n\n{text}"


def main(arguments):
    parser = argparse.ArgumentParser(
        usage=ME + " COMMAND [--cuda] [arguments for the command]",
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="commands:\n" + "\n".join(f"  {name:10} {COMMANDS[name][2]}" for name in commands()),
        epilog="The first run installs the course into .venv. Later ones start at once, without internet.\n"
        f"Each command has its own help: {ME} lab --help",
    )
    parser.add_argument("--cuda", action="store_true", help="torch with CUDA, for those with a GPU (3 GB)")
    parser.add_argument("command", nargs="?", choices=list(COMMANDS), help=argparse.SUPPRESS)
    parser.add_argument("extra", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return 0
    cuda = ["cuda"] if options.cuda or "--cuda" in options.extra else []
    if {"-h", "--help"} & set(options.extra):  # before anything is installed
        say(help_for(options.command))
        return 0
    needs, run = COMMANDS[options.command][:2]
    try:
        if options.command not in commands():
            raise Stop(f"`{options.command}` is not in the students' copy of the course, which this is.")
        if not os.path.exists(PYPROJECT):
            raise Stop("pyproject.toml is not beside course.py: use the one in the course's own folder.")
        if needs is not None:
            prepare(needs + cuda)
        return run([each for each in options.extra if each != "--cuda"])
    except Stop as stop:
        print(stop, file=sys.stderr)
    except OSError as error:  # a full or read-only disk, a file that another program holds open
        print(
            f"The computer refused: {error}\nClose whatever still uses the course and try again; if that "
            f"does not help, delete the folder .venv. `{ME} doctor` looks for causes.",
            file=sys.stderr,
        )
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
    return 1


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # a folder's name may have letters that the terminal lacks
    sys.exit(main(sys.argv[1:]))
