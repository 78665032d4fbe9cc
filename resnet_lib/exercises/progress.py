"""Which exercises are solved: a small file of the learner's, beside the runs."""

import json
import os
import tempfile
from datetime import date

from ..training import runs_folder


def progress_file():
    """Where progress is kept."""
    return runs_folder() / "progress.json"


def solved():
    """{exercise: the day it was first solved, "2026-03-01"}. Empty where there is no file, or a damaged one, which is
    put aside as progress.damaged.json and not lost."""
    file = progress_file()
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(found, dict) and all(isinstance(v, str) for v in found.values()):
            return found
    except FileNotFoundError:
        return {}
    except (ValueError, OSError):
        pass
    try:
        os.replace(file, file.with_name("progress.damaged.json"))
    except OSError:
        pass  # a folder that cannot be written to: the exercises work all the same
    return {}


def done(exercise):
    """Note an exercise as solved; None notes nothing. A folder that cannot be written to is no reason to stop."""
    if exercise is None:
        return
    found = solved()
    if exercise not in found:
        try:
            _write({**found, exercise: date.today().isoformat()})
        except OSError:
            pass


def reset(lesson=None):
    """Forget all that is solved, or that of one lesson, "03"."""
    if lesson is not None and not (isinstance(lesson, str) and lesson.isdigit()):
        raise ValueError(f'lesson = {lesson!r} must be the number of a lesson as text, such as "03"')
    kept = {} if lesson is None else {k: v for k, v in solved().items() if not k.startswith(f"{lesson}.")}
    if progress_file().exists():
        _write(kept)


def _write(found):
    """Whole or not at all: beside the file first, then renamed."""
    file = progress_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=file.parent, prefix=file.name, suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump(dict(sorted(found.items())), out, indent=1)
        os.replace(beside, file)
    except BaseException:
        os.unlink(beside)
        raise
