"""The instructor's grader: `python3 course.py grade FOLDER --lesson 03 --out grades.csv`.

Of a submitted notebook only the exercises' own cells are taken. They are put into the lesson as it was given out, so
the checks are the course's own, and run in a process that the grader watches from outside. What holds them, from the
inside out:

1. The guard (`guard.py`): no word and no thing that no exercise needs. No files, no processes, no network, no inner
   parts of Python, torch or the library; no stand-in for a tensor or an answer. A cell that tries is "refused".
2. Its own names: only the names that the exercise asks for get into the lesson, so it cannot redefine a check's. Of the
   lesson's tensors, networks and collections it gets copies.
3. A comparison of Python's, torch's and the library's own functions before and after: "tampered".
4. An audit hook: no other process, no network, no change outside an empty folder, no look at other submissions or at
   the solutions.
5. Limits of time and memory, and the whole group of processes ended from outside. Verdicts carry a secret.

What remains possible. Python cannot be made perfectly safe from within. Whoever finds a way around the guard can find
the secret too, and pass their own exercises; with a mistake in a compiled library as well, they can do what the account
that runs the grader can. So run it under an account, or in a container, that owns nothing of value, and look at
"refused" and "tampered" yourself. A check tests what it tests: an answer that satisfies it without the idea behind
passes, as it does for a learner. Answers can be copied, from one another or from the solutions. What a check hands to
an answer, the answer can change in place. On Windows the system limits nothing: time and memory are watched from
outside, ten times a second, and a submission that takes memory faster than that can slow the machine down for a moment.
macOS does not enforce the limit of memory either.
"""

from ..exercises.numbers import student_numbers
from .grader import Limits, Verdict, grade

__all__ = ["Limits", "Verdict", "grade", "student_numbers"]
