"""Measures how fast the course answers: `python3 course.py bench`, or `python -m tests.bench`."""

import argparse
import os
import platform

import torch

from . import browser, fast, opening, page, photograph, process, residuals, tools

PARTS = {
    "import": process.measure_import,
    "anatomy": process.measure_anatomy,
    "forward": process.measure_forward,
    "taps": process.measure_taps,
    "memory": process.measure_memory,
    "residuals": residuals.measure,
    "pairs": residuals.measure_pairs,
    "fast": fast.measure_fast,
    "opening": opening.measure,
    "browser": browser.measure,
    "photograph": photograph.measure,
    "page": page.measure,
    "tools": tools.measure,
}


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few repetitions: to see that it runs")
    parser.add_argument("--no-browser", action="store_true", help="leave out what needs Chromium or Chrome")
    parser.add_argument("--only", choices=PARTS, metavar="NAME", help=f"one part: {', '.join(PARTS)}")
    options = parser.parse_args()
    print(
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} torch threads, "
        f"Python {platform.python_version()}, torch {torch.__version__}{load()}"
    )
    for name, measure in PARTS.items():
        if name == (options.only or name) and not (
            name in ("opening", "browser", "photograph", "page") and options.no_browser
        ):
            measure(options.quick)


def load():
    """How busy the machine is with other things: figures from a busy one say little."""
    return f"; load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""


if __name__ == "__main__":
    main()
