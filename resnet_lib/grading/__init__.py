"""The instructor's grader: `python3 course.py grade FOLDER --lesson 03`.

grader         grades a folder; submissions and needs read the notebooks, grades and reports say what was found
marking        judges one submission by the lesson's own checks; answering says which cells are its answer, origins
               whose code it is; its things are seen through remote, proxies and modules, and computed with by replay
               (and unseen)
child          runs the submission's cells and answers; tracing writes down what they do with tensors, operations
               lists what may occur; surroundings is what the cells find around them
processes      starts both kinds of processes; line and wire are how they speak, box and watching hold them
"""

from importlib import import_module

__all__ = ["Limits", "Verdict", "grade", "student_numbers"]
_HOMES = {"Limits": ".grades", "Verdict": ".grades", "grade": ".grader", "student_numbers": "..exercises.numbers"}


def __getattr__(name):
    # Only when asked for: a submission's process, too, starts from this package, and is to know no check.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name], __name__), name)
    raise AttributeError(name)
