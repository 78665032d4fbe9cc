"""The command: python -m resnet_lib.grading FOLDER --lesson 03 --out grades.csv."""

import argparse
import sys
from pathlib import Path

from ..compare.endless import LIMIT
from .grader import grade
from .grades import Limits


def main():
    command = argparse.ArgumentParser(prog="grade", description="Grade a folder of submitted notebooks into a CSV.")
    command.add_argument("folder", help="the submitted notebooks, each named after its student")
    command.add_argument("--lesson", required=True, help="the lesson's number, such as 03")
    command.add_argument("--out", default="grades.csv", help="the CSV to write (grades.csv)")
    command.add_argument(
        "--seconds", type=float, default=LIMIT, help=f"time for each exercise, that of computing twice ({LIMIT})"
    )
    command.add_argument("--memory", type=int, default=4000, help="MB for each submission (4000)")
    command.add_argument("--jobs", type=int, help="how many submissions at a time (one a processor)")
    command.add_argument("--own-numbers", action="store_true", help="hold those without a name to their file's, too")
    command.add_argument("--from", dest="place", type=Path, default=".", help=argparse.SUPPRESS)  # course.py says it
    options = command.parse_args()
    folder, out = options.place / options.folder, options.place / options.out
    try:
        limits = Limits(options.seconds, options.memory)
        more = {"jobs": options.jobs, "own_numbers": options.own_numbers}
        grades = grade(folder, options.lesson, out, limits, lambda line: print(line, flush=True), **more)
    except ValueError as problem:
        sys.exit(f"Nothing was graded: {problem}.")
    except KeyboardInterrupt:
        sys.exit(f"\nStopped. What was graded so far stands in {out}.")
    results = [v.result for marked in grades.values() for v in marked]
    counts = ", ".join(f"{results.count(r)} {r}" for r in sorted(set(results)))
    print(f"{len(grades)} notebooks, {len(results)} exercises: {counts}. Written to {out}.")


if __name__ == "__main__":
    main()
