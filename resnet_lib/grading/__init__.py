"""The instructor's grader: `python3 course.py grade FOLDER --lesson 03`."""

from importlib import import_module

__all__ = ["Limits", "Verdict", "grade", "student_numbers"]
_HOMES = {"Limits": ".verdicts", "Verdict": ".verdicts", "grade": ".grader", "student_numbers": "..exercises.numbers"}


def __getattr__(name):
    # Only when asked for: a submission's process, too, starts from this package, and is to know no check.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name], __name__), name)
    raise AttributeError(name)
