"""What the library can do without a line of Python: `python -m resnet_lib`."""

import argparse
import filecmp
import shutil
import sys
from importlib import metadata
from pathlib import Path

from .grading.submissions import NOTEBOOKS
from .speed.checkup import COURSE, checkup

WHAT = """commands:
  lessons FOLDER     copy the lessons' notebooks into a folder
  checkup            say whether this machine is ready for the course, and what to do where it is not

and, with commands of their own:
  python -m resnet_lib.grading FOLDER --lesson 03     grade a folder of submitted notebooks
"""
SKIPPED = shutil.ignore_patterns("source", "site", "*.py", "runs", ".*", "__pycache__")


def main(arguments=None):
    command = argparse.ArgumentParser(
        prog="python -m resnet_lib",
        usage="python -m resnet_lib COMMAND",
        description=WHAT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--version", action="version", version=_version())
    chosen = command.add_subparsers(dest="command", help=argparse.SUPPRESS, metavar="COMMAND")
    lessons = chosen.add_parser("lessons", help="copy the lessons' notebooks into a folder")
    lessons.add_argument("folder", type=Path, help="where they go; it is made if it is not there")
    lessons.add_argument("--replace", action="store_true", help="replace files there that differ from the course's")
    chosen.add_parser("checkup", help="say whether this machine is ready for the course")
    options = command.parse_args(arguments)
    if options.command == "lessons":
        try:
            print(copy_lessons(options.folder.expanduser(), options.replace))
        except OSError as problem:
            sys.exit(f"The lessons could not be copied: {problem}. Name another folder, one that you can write to.")
    elif options.command == "checkup":
        checkup()
    else:
        command.print_help()


def copy_lessons(folder, replace=False):
    """Copy the lessons into a folder and return what was done, as text. What is there already and differs is somebody's
    work, so it stays, unless `replace`; what else is in the folder always stays."""
    new, kept, replaced = [], [], []

    def copy(file, target):
        target = Path(target)
        if not target.exists():
            done = new
        elif filecmp.cmp(file, target, shallow=False):
            return
        else:
            done = replaced if replace else kept
        if done is not kept:
            shutil.copyfile(file, target)
        done.append(str(target.relative_to(folder)))

    shutil.copytree(NOTEBOOKS, folder, ignore=SKIPPED, copy_function=copy, dirs_exist_ok=True)
    count = f"{len(new)} file{'s' * (len(new) != 1)} copied into" if new else "Nothing is missing in"
    said = [f"{count} {folder}."]
    if replaced:
        said.append(f"Replaced: {', '.join(replaced)}.")
    if kept:
        said.append(
            f"Kept as they are, since they differ from the course's: {', '.join(kept)}. To replace them: --replace"
        )
    said.append(f"Begin with {folder / '00_start_here.ipynb'}, in JupyterLab or wherever you open notebooks.")
    return "\n".join(said)


def _version():
    try:
        return f"{COURSE} {metadata.version(COURSE)}"
    except metadata.PackageNotFoundError:
        return f"{COURSE}, not installed"


if __name__ == "__main__":
    main()
