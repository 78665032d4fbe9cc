"""Builds the course's pages: `python3 course.py site` runs this.

Each solved lesson is executed in a fresh kernel and kept, so a build that was stopped resumes at the lesson it had
reached, and a later one executes only what has changed.
"""

import argparse
import sys
import time
from pathlib import Path

from . import execute, pages

NOTEBOOKS = Path(__file__).resolve().parent.parent
ROOT = NOTEBOOKS.parent


def say(line):
    print(line, flush=True)


def build(out, notebooks=NOTEBOOKS, kept=ROOT / "build" / "site", only=None, language="english", said=say):
    """Write the site into the folder `out`, with the solved lessons in `notebooks`.

    kept: folder of executed lessons. only: numbers of the lessons to execute, such as {"03"}, instead of all; the
    others appear as they were executed last, or without outputs. said: called with each line of progress.
    execute.Failed at the end if a lesson could not be executed; the site has all the others.
    """
    sources = sorted((notebooks / "solutions").glob("[0-9][0-9]_*.ipynb"))
    glossary = notebooks / "glossary.ipynb"
    wanted = [path for path in sources if not only or path.stem[:2] in only]
    if only and len(wanted) < len(only):
        raise ValueError(f"There is no lesson {', '.join(sorted(set(only) - {path.stem[:2] for path in wanted}))}.")
    books, failed, library = {}, [], execute.library_digest()
    for path in [*sources, *([glossary] if glossary.exists() else [])]:
        if path in wanted or (path == glossary and not only):
            try:
                books[path.stem] = execute.executed(path, kept, library, said)
                continue
            except execute.Failed as problem:
                failed.append(str(problem))
                said(failed[-1])
        books[path.stem] = execute.latest(path, kept)
    pages.write(out, books, notebooks, language)
    said(f"The site is in {out}: open {out / 'index.html'}")
    if failed:
        raise execute.Failed("Not executed, and to be tried again with the same command:\n" + "\n".join(failed))


def main(arguments):
    parser = argparse.ArgumentParser(prog="course.py site", description=__doc__.partition("\n")[0])
    parser.add_argument("lessons", nargs="*", metavar="NUMBER", help="execute only these lessons, such as 03")
    parser.add_argument("--out", type=Path, default=ROOT / "site", help="folder to write into (site)")
    parser.add_argument(
        "--language", default="english", help="table of words in resnet_lib/explorers/languages (english)"
    )
    options = parser.parse_args(arguments)
    begun = time.monotonic()
    try:
        build(options.out, only=set(options.lessons), language=options.language)
    except (ValueError, execute.Failed) as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The same command resumes with the lesson that was interrupted.", file=sys.stderr)
        return 130
    say(f"Done in {time.monotonic() - begun:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
