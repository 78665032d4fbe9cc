"""Is this machine ready for the course? Plain sentences, and for everything that is not, what to do.

Lesson 00 calls `checkup`. course.py runs this file in .venv's Python, so nothing here imports the rest of the course
before it is needed: what is missing must be named, not stumbled over.
"""

import json
import os
import sys
import time
from importlib import import_module, metadata
from pathlib import Path

COURSE = "resnet-course"
LAB = "jupyterlab"
PACKAGES = ("torch", LAB, "ipywidgets", "matplotlib", "torchinfo")

FOLDER = (
    "in a terminal, in the course's folder, run python3 course.py lab (on Windows py course.py lab), which installs "
    "what is missing; with conda, conda env update -f environment.yml. Then open this notebook again"
)
WHEEL = "in a cell, run %pip install with the course's wheel, which brings what is missing. Then restart the kernel"
INSTALL = FOLDER if (Path(__file__).resolve().parents[2] / "course.py").exists() else WHEEL
LOADED_AS = {"pytest-xdist": "xdist", "axe-playwright-python": "axe_playwright_python"}
LITTLE_MEMORY = 2  # GB free; a lesson's kernel takes about one
SLOW = 100  # ms for the block below; sliders over it no longer feel live


def checkup():
    """Print what this machine has, whether it is what the course asks for, and what to do where it is not."""
    problems = 0
    for sentence, advice in found(python, packages, environment, memory, processor):
        print(sentence)
        if advice:
            problems += 1
            print(f"    → What to do: {advice}.")
    print()
    if problems:
        print(f"{problems} of these lines {'needs' if problems == 1 else 'need'} your attention: see the arrows.")
    else:
        print("All is well. You can begin.")


def found(*looks):
    """Yield (sentence, advice) for all that the functions `looks` find; no advice means that it is well."""
    for look in looks:
        try:
            yield from look()
        except Exception as error:  # whatever is wrong with a machine must not stop its check-up
            yield f"{look.__doc__} could not be checked ({type(error).__name__}: {error}).", INSTALL


def python():
    """The version of Python"""
    version = ".".join(str(n) for n in sys.version_info[:3])
    wanted = course_metadata().get("Requires-Python", "")
    yield compared("Python", version, wanted, "install a Python of that version, then " + INSTALL)


def packages():
    """The packages"""
    ranges = wanted_ranges()
    for name in PACKAGES:
        if name != LAB or lab_is_used():
            yield package(name + ranges.get(name, ""))
    if not ranges:
        yield "(The course itself is not installed here, so its version ranges are unknown.)", ""


def lab_is_used():
    """Whether the course's own way to install it brought JupyterLab: Colab, Kaggle, VS Code and hubs do without it, or
    have another version of it that shows no notebook."""
    try:
        return INSTALL is FOLDER and bool(metadata.version(LAB))
    except metadata.PackageNotFoundError:
        return False


def package(wanted, load=True):
    """(sentence, advice) about a requirement such as "torch>=2.6,<2.14": installed, in the range, and importable?"""
    wanted = requirement(wanted)
    try:
        version = metadata.version(wanted.name)
        told = compared(wanted.name, version, str(wanted.specifier), INSTALL)
        if load and not told[1]:
            import_module(LOADED_AS.get(wanted.name, wanted.name))
        return told
    except metadata.PackageNotFoundError:
        return f"{wanted.name} is not installed.", INSTALL
    except BaseException as error:  # a broken package may even try to end Python
        reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        return f"{wanted.name} {version} is installed but does not load: {reason}", INSTALL


def compared(name, version, wanted, advice):
    """(sentence, advice) about a version; no advice if it is in the wanted range."""
    if not wanted:
        return f"{name} {version}.", ""
    if requirement(name + wanted).specifier.contains(version, prereleases=True):
        return f"{name} {version}: good.", ""
    return f"{name} is {version}, and the course needs {name}{wanted}.", advice


def requirement(text):
    try:
        from packaging.requirements import Requirement
    except ImportError:  # JupyterLab brings it; before that is installed, there is pip's own
        from pip._vendor.packaging.requirements import Requirement
    return Requirement(text)


def course_metadata():
    """What the course's own installation says of itself; nothing if it is not installed."""
    try:
        return metadata.metadata(COURSE)
    except metadata.PackageNotFoundError:
        return {}


def wanted_ranges():
    """package → the versions that the course asks for."""
    wanted = map(requirement, metadata.requires(COURSE) or ()) if course_metadata() else ()
    extras = ({"extra": ""}, {"extra": "lab"})
    return {r.name.lower(): str(r.specifier) for r in wanted if not r.marker or any(map(r.marker.evaluate, extras))}


def environment():
    """Where the notebook's Python lies"""
    here = Path(sys.prefix)
    yield f"This notebook's Python lies in {here}.", ""
    lab = labs_environment()
    if lab and lab.resolve() != here.resolve():
        yield (
            f"JupyterLab itself runs from another place, {lab}; sliders may then not show.",
            "in the menu Kernel, choose “Change Kernel…” and “Python 3 (ipykernel)”. If this line stays, close "
            "JupyterLab and " + INSTALL,
        )


def labs_environment():
    """Folder of the environment from which JupyterLab was started; None where that cannot be told."""
    parent = os.environ.get("JPY_PARENT_PID")
    try:
        import psutil

        program = Path(psutil.Process(int(parent)).cmdline()[0])
    except Exception:  # there are many ways not to know
        return None
    # Only a folder that is an environment is certain: systems start Python in several roundabout ways.
    for folder in program.parents[:2]:
        if program.is_absolute() and ((folder / "pyvenv.cfg").exists() or (folder / "conda-meta").exists()):
            return folder
    return None


def memory():
    """The memory"""
    import psutil

    all_of_it = psutil.virtual_memory()
    total, free = all_of_it.total / 1e9, all_of_it.available / 1e9
    advice = "close other programs, and notebooks you no longer need (menu Kernel, “Shut Down All Kernels…”)"
    yield f"Memory: {total:.1f} GB, {free:.1f} GB of it free.", advice if free < LITTLE_MEMORY else ""


def processor():
    """The processor's speed"""
    import torch

    from resnet_lib.blocks import BTNK2

    yield f"Processor: {os.cpu_count()} cores; torch uses {torch.get_num_threads()} threads.", ""
    block, x = BTNK2(256).eval(), torch.zeros(1, 256, 56, 56)
    times = []
    with torch.inference_mode():
        for _ in range(6):
            start = time.perf_counter()
            block(x)
            times.append(1000 * (time.perf_counter() - start))
    ms = min(times)  # the others were disturbed
    advice = "close other programs, plug the laptop in, and keep W small in the explorers; all lessons still work"
    slow = ms > SLOW
    yield f"One block of ResNet-50 takes {ms:.0f} ms{'' if slow else ': good'}.", advice if slow else ""


def main():
    """Print what course.py asks for, as JSON: "look" at the versions of the requirements named, or "load" them, too,
    and look at the machine."""
    how, *wanted = sys.argv[1:]
    lines = [package(each, load=how == "load") for each in wanted]
    print(json.dumps([lines, list(found(memory, processor)) if how == "load" else []]))


if __name__ == "__main__":
    del sys.path[0]  # this folder, whose files would be found as if they were packages
    main()
