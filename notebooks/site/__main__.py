"""Builds the course's pages: `python3 course.py site` runs this.

Each solved lesson is executed in a fresh kernel and kept, so a build that was stopped resumes at the lesson it had
reached, and a later one executes only what has changed.
"""

import argparse
import contextlib
import sys
import time
from pathlib import Path

from . import keep, stop

NOTEBOOKS = Path(__file__).resolve().parent.parent
ROOT = NOTEBOOKS.parent
KEPT = ROOT / "build" / "site"


def say(line):
    print(line, flush=True)


def chosen(notebooks, only):
    """Return the notebooks that become pages, and those of them to be executed."""
    sources = sorted((notebooks / "solutions").glob("[0-9][0-9]_*.ipynb"))
    wanted = [path for path in sources if not only or path.stem[:2] in only]
    if only and len(wanted) < len(only):
        raise ValueError(f"There is no lesson {', '.join(sorted(set(only) - {path.stem[:2] for path in wanted}))}.")
    glossary = [path for path in [notebooks / "glossary.ipynb"] if path.exists()]
    return sources + glossary, wanted if only else wanted + glossary


def build(out, notebooks=NOTEBOOKS, kept=KEPT, only=None, language="english", said=say):
    """Write the site into the folder `out`, with the solved lessons in `notebooks`.

    kept: folder of executed lessons. only: numbers of the lessons to execute, such as {"03"}, instead of all; the
    others appear as they were executed last, or without outputs. said: called with each line of progress.
    Failed at the end if a lesson could not be executed; the site has all the others.
    """
    from . import execute

    sources, wanted = chosen(notebooks, only)
    books, failed, library = {}, [], keep.library_digest()
    for path in sources:
        if path in wanted:
            try:
                books[path.stem] = execute.executed(path, kept, library, said)
                continue
            except keep.Failed as problem:
                failed.append(str(problem))
                said(failed[-1])
        books[path.stem] = execute.latest(path, kept)
    from . import pages  # with the library, and so with torch

    pages.write(out, books, notebooks, language)
    said(f"The site is in {out}: open {out / 'index.html'}")
    if failed:
        raise keep.Failed("Not executed, and to be tried again with the same command:\n" + "\n".join(failed))


def unfinished(out, notebooks, kept, only):
    """Return the sentence about a build that was stopped: what it has done, and where it resumes."""
    _, wanted = chosen(notebooks, only)
    library = keep.library_digest()
    left = [path.stem for path in wanted if not keep.file_of(path, kept, library).exists()]
    if not left:
        return "Stopped: every notebook is executed and kept; the same command writes the pages."
    done = f"{len(wanted) - len(left)} of {len(wanted)} notebooks executed and kept"
    pages = "pages as they were" if (out / "index.html").exists() else "no page written yet"
    return f"Stopped: {done}, {pages}. The same command resumes with {left[0]}."


def main(arguments):
    parser = argparse.ArgumentParser(prog="course.py site", description=__doc__.partition("\n")[0])
    parser.add_argument("lessons", nargs="*", metavar="NUMBER", help="execute only these lessons, such as 03")
    parser.add_argument("--out", type=Path, default=ROOT / "site", help="folder to write into (site)")
    tables = [path.stem for path in (keep.LIBRARY / "explorers" / "languages").glob("*.json")]
    parser.add_argument(
        "--language", default="english", choices=tables, help="table of words in resnet_lib/explorers/languages"
    )
    options = parser.parse_args(arguments)
    begun, only = time.monotonic(), set(options.lessons)
    try:
        build(options.out, only=only, language=options.language)
    except (ValueError, keep.Failed) as problem:
        print(problem, file=sys.stderr)
        return 1
    except stop.Stop as told:
        stop.stop_listening()
        with contextlib.suppress(OSError):  # a terminal that was closed
            print(unfinished(options.out, NOTEBOOKS, KEPT, only), file=sys.stderr)
        return 128 + told.number
    say(f"Done in {time.monotonic() - begun:.0f} s.")
    return 0


if __name__ == "__main__":
    stop.listen()
    sys.exit(main(sys.argv[1:]))
