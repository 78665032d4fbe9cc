"""What a grading finds, as plain data."""

import re
from dataclasses import asdict, dataclass

from ..compare.endless import LIMIT
from ..compare.kinds import within

PASSED, PARTLY, FAILED, NOT_DONE, LOOK = "passed", "partly", "failed", "not done", "look at it"
TIMED_OUT, CRASHED, UNREADABLE = "timed out", "crashed", "unreadable"


@dataclass(frozen=True)
class Limits:
    """What one submission may use: seconds of `compare.endless.clock` for each exercise, and MB of memory."""

    seconds: float = LIMIT
    memory: int = 4000

    def __post_init__(self):
        if self.seconds <= 0 or self.memory <= 0:
            raise ValueError("seconds and memory must be positive: --seconds 10 --memory 4000 are usual")


@dataclass(frozen=True)
class Part:
    """One check of an exercise.

    share: of its points, 0 to 1; None where no check can judge it. sentence: the check's own. html: what a notebook
    shows. mistake: the same for all who made it; "" for a right one.
    """

    share: float | None
    sentence: str
    html: str = ""
    mistake: str = ""


@dataclass(frozen=True)
class Grade:
    """What became of one exercise.

    result:  "passed", "partly", "failed", "not done", "look at it" (no check can judge it), "timed out", "crashed", or
             "unreadable" (the whole notebook).
    points:  0 to 1, the mean of its judged parts. maximum: 1, or 0 where nothing of it can be judged.
    parts:   `Part`s. look: what a person should look at, sentences. given: the learner's cell.
    """

    exercise: int
    result: str
    sentence: str = ""
    seconds: float = 0.0
    points: float = 0.0
    maximum: int = 1
    parts: tuple = ()
    look: tuple = ()
    given: str = ""

    def data(self):
        """As plain data, for JSON."""
        return asdict(self)


Verdict = Grade  # as the package calls it, from where `grade` is the function


def grade_of(data):
    """The grade of plain data."""
    parts = tuple(Part(**part) for part in data["parts"])
    return Grade(**{**data, "parts": parts, "look": tuple(data["look"])})


def summed(n, parts, look, given, seconds):
    """The grade of an exercise from its parts."""
    judged = [part for part in parts if part.share is not None]
    points = sum(part.share for part in judged) / len(judged) if judged else 0.0
    wrong = next((part for part in judged if part.share < 1), None)
    result = LOOK if not judged else PASSED if wrong is None else PARTLY if points else FAILED
    sentence = wrong.sentence if wrong else parts[0].sentence if parts else ""
    return Grade(n, result, sentence, seconds, round(points, 4), int(bool(judged)), tuple(parts), tuple(look), given)


def mistake(verdict):
    """What two verdicts on the same mistake have in common: the kinds of what was found, the layers they are at, and
    what is said of an answer, whatever its numbers are: each student may be asked with numbers of their own."""
    if verdict.finding is None:
        return verdict.sentence[:80]
    names = (f"{f.kind.name} {f.where} {f.values.get('said', '')}".strip() for f in within(verdict.finding))
    return re.sub(r"(?<![A-Za-z\d])\d[\d,.]*", "", "; ".join(names))
