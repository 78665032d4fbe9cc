"""Which exercises are solved: a small file of the learner's, beside the runs."""

import json
import os
from contextlib import contextmanager
from datetime import date
from html import escape

from .._common import alone, replaced, runs_folder, shell, whole
from ..views.style import CSS


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


_shown = []  # what updates each line of circles on the screen
_refused = None  # the number of the last cell in which a check was not passed


class Progress:
    """How far a lesson is: shows as a line in a notebook, which follows what is solved further down. `lesson` is "01",
    `exercises` how many it has."""

    def __init__(self, lesson, exercises):
        self.lesson, self.names = lesson, [f"{lesson}.{n}" for n in range(1, exercises + 1)]

    def _ipython_display_(self):
        from IPython.display import display

        def both():
            return {"text/plain": str(self), "text/html": self._repr_html_()}

        shown = display(both(), raw=True, display_id=True)
        _shown.append(lambda: shown.update(both(), raw=True))

    def __str__(self):
        found = solved()
        marks = " ".join("✓" if name in found else "○" for name in self.names)
        count = sum(name in found for name in self.names)
        if not count:
            return f"Exercises of this lesson: {marks}  None solved yet; what you solve is kept."
        day = max(found[name] for name in self.names if name in found)
        return (
            f"Exercises of this lesson: {marks}  {count} of {len(self.names)} solved, the last on {day}. "
            f'(resnet_lib.exercises.reset("{self.lesson}") forgets them.)'
        )

    def _repr_html_(self):
        return f'{CSS}<div class="rl" role="status">{escape(str(self))}</div>'


def refused():
    """Note that a check of the cell that runs now was not passed: the cell's other checks then solve no exercise."""
    global _refused
    _refused = _running_cell()


def _running_cell():
    """The number of the notebook's cell that runs now; None elsewhere."""
    return getattr(shell(), "execution_count", None)


def done(exercise):
    """Note an exercise as solved; None notes nothing, and neither does a cell in which another check was not passed, or
    an answer that has replaced something, which is told later. A folder that cannot be written to is no reason to
    stop."""
    cell = _running_cell()
    if exercise is None or (cell is not None and cell == _refused) or replaced.waiting():
        return
    try:
        with alone(progress_file()):
            found = solved()
            if exercise not in found:
                _write({**found, exercise: date.today().isoformat()})
    except OSError:
        pass
    for update in _shown:
        update()


@contextmanager
def working(words):
    """Show in a notebook what is being computed while the with block runs, where that can take more than a second."""
    shown = shell() and display_line(words)
    try:
        yield
    finally:
        if shown:
            shown.update({"text/plain": "", "text/html": ""}, raw=True)


def display_line(words):
    """Show a line that can be replaced."""
    from IPython.display import display

    html = f'{CSS}<div class="rl" role="status">{escape(words)}</div>'
    return display({"text/plain": words, "text/html": html}, raw=True, display_id=True)


def reset(lesson=None):
    """Forget all that is solved, or that of one lesson, "03"."""
    if lesson is not None and not (isinstance(lesson, str) and lesson.isdigit()):
        raise ValueError(f'lesson = {lesson!r} must be the number of a lesson as text, such as "03"')
    if progress_file().exists():
        with alone(progress_file()):
            _write({} if lesson is None else {k: v for k, v in solved().items() if not k.startswith(f"{lesson}.")})


def _write(found):
    with whole(progress_file()) as out:
        out.write(json.dumps(dict(sorted(found.items())), indent=1).encode())
