"""Where the learner's code runs, and which lines of a traceback are its own."""

import sys
import traceback
from pathlib import Path
from sysconfig import get_paths

import torch

LIBRARIES = (
    str(Path(__file__).resolve().parents[1]),
    str(Path(torch.__file__).parent),
    *(get_paths()[name] for name in ("stdlib", "platstdlib")),
    "<frozen",
)


def shell():
    """Return IPython's shell where this is a notebook, and None elsewhere."""
    return sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None


def own_lines(error):
    """Return (frame, its line) of the learner's own code in an error's traceback, the outermost first; of a recursion
    without end the first round."""
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    found, seen = [], set()
    for frame, place in zip(frames, traceback.extract_tb(error.__traceback__), strict=True):
        if place.filename.startswith(LIBRARIES) or "site-packages" in place.filename:
            continue
        if isinstance(error, RecursionError) and frame.f_code in seen:
            break
        seen.add(frame.f_code)
        found.append((frame, place))
    return found
