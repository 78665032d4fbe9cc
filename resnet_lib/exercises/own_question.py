"""One question of each lesson whose numbers are the student's own: made from a name, and held against the name of the
file that is handed in."""

import math
from dataclasses import dataclass

from .._common import Finding, Kind
from ..anatomy import anatomy
from ..network import DESIGNS
from .features import occlusion_question
from .numbers import own_numbers, same_student
from .questions import Question, count_question, predict, shape_question, stride_question, width_question
from .verdict import Verdict, Wrong

ANOTHERS = Kind(
    "another student's numbers",
    "This is the right answer for {whose}, and here the numbers are {numbers}.",
    "Put your own name in `me`, run the cell, and work out the question that it prints.",
)


@dataclass
class HandedIn:
    """Under which name the grader has the notebook; "" in a notebook, where the learner's own word counts.

    others: names of which an answer may be a copy. always: whether a notebook without a name is held to its file's.
    """

    student: str = ""
    others: tuple = ()
    always: bool = False

    def whose(self, me):
        """Return the name from which the numbers are made."""
        if not self.student or (same_student(me, self.student) if me.strip() else not self.always):
            return me
        return self.student


HANDED_IN = HandedIn()


def handed_in_as(student, others=(), always=False):
    """Hold all checks that follow to the file's name."""
    HANDED_IN.student, HANDED_IN.others, HANDED_IN.always = student, tuple(others), always


def _count(text, answer, slips, *hints):
    return Question(text, "number", answer, lambda guess: slips.get(guess, ""), hints=hints)


def _stage(C, W, C1, S):
    n, first, other = 2 + W % 5, count_question("BTNK1", C, C1).answer, count_question("BTNK2", 4 * C1).answer
    return _count(
        f"A stage of {n} blocks with C = {C}, C1 = {C1}, S = {S}: how many parameters, with those of the BNs?",
        first + (n - 1) * other,
        {
            first + n * other: "That is one BTNK2 too many: the BTNK1 counts as one of the blocks.",
            n * first: "Only the first block is a BTNK1; the others are BTNK2s of 4·C1 channels.",
        },
        "One BTNK1, and then BTNK2s. How many channels does each of them take in?",
        f"BTNK1({C}, {C1}, {S}), and {n - 1} times BTNK2({4 * C1}).",
    )


def _deeper(C, W, C1, S):
    n, block = 7 + (C // 8 + W) % 90, count_question("BTNK2", 1024).answer
    whole = anatomy(DESIGNS["resnet50"], 224).parameters
    return _count(
        f"A ResNet-50 with {n} blocks in Stage 3 instead of 6: how many parameters?",
        whole + (n - 6) * block,
        {
            whole + n * block: f"Stage 3 has {n} blocks in all, and 6 are there already.",
            (n - 6) * block: "These are the new blocks alone: add ResNet-50's.",
        },
        "How many blocks are new, and which block is it?",
        f"{whole:,} + {n - 6} · (parameters of BTNK2(1024))",
    )


def _entries(C, W, C1, S):
    n = 2 + (C // 8 + W) % 90
    return _count(
        f"A stage of {n} blocks: how many entries has its state_dict?",
        24 + 18 * (n - 1),
        {
            18 * n: "The first block has a projection: one convolution and one BN more.",
            24 * n: "Only the first block has a projection.",
            12 + 9 * (n - 1): "Those are the parameters; the BNs have buffers too, and num_batches_tracked is one.",
        },
        "A convolution without bias has one entry, a BN five.",
        "BTNK2: 3 convolutions and 3 BNs. BTNK1: 4 of each.",
    )


def _paths(C, W, C1, S):
    n, k = 5 + (C // 8 + W) % 30, 2 + S
    return _count(
        f"{n} residual blocks: how many paths pass through exactly {k} F's?",
        math.comb(n, k),
        {
            2**n: "Those are all paths, however many F's they pass.",
            math.perm(n, k): f"The order of the F's is given: choose {k} of {n} blocks, without an order.",
        },
        f"In how many ways can {k} of {n} blocks be chosen?",
        f"math.comb({n}, …)",
    )


def _biases(C, W, C1, S):
    return _count(
        f"BTNK1, C = {C}, C1 = {C1}: how many parameters too many, if all its convolutions have a bias?",
        10 * C1,
        {
            6 * C1: "The projection is a convolution, too.",
            7 * C1: "conv3 and the projection output 4·C1 channels each.",
        },
        "A bias is one number for each output channel.",
        "Add up the output channels of all four convolutions.",
    )


QUESTIONS = {
    "00": lambda C, W, C1, S: stride_question(C, W, S + 1),
    "01": lambda C, W, C1, S: width_question(160 + C + W, 7, 2, 3),
    "02": lambda C, W, C1, S: count_question("BTNK2", C),
    "03": lambda C, W, C1, S: shape_question("BTNK1", C, W, C1, S),
    "04": _stage,
    "05": _deeper,
    "06": _entries,
    "07": lambda C, W, C1, S: occlusion_question(160 + W, 40, 8 + C1 // 8),
    "08": _paths,
    "09": lambda C, W, C1, S: count_question("convolution", C, C1, 3, W, of="MACs"),
    "10": lambda C, W, C1, S: count_question("BTNK1", C, W, C1, S, of="MACs"),
    "11": _biases,
}


def own_question(lesson, me=""):
    """Return the lesson's `Question` with the numbers of the student `me`, or with the common ones. ValueError for a
    lesson without one."""
    if lesson not in QUESTIONS:
        raise ValueError(f"lesson = {lesson!r} must be one of {', '.join(map(repr, QUESTIONS))}")
    return QUESTIONS[lesson](**own_numbers(me, lesson))


def ask_own(lesson, me=""):
    """Print the lesson's question for the student `me`."""
    print(own_question(lesson, me).text)


def check_own(lesson, me, answer, *, exercise=None):
    """Check the answer to `own_question(lesson, me)`; in the grader, to that of the student whose file it is."""
    return held(lesson, me, [answer], lambda name: [own_question(lesson, name)], exercise)


def check_own_block(me, shape, parameters, *, exercise=None):
    """Check the shape that the BTNK1 of `own_numbers(me, "03")` outputs, (C, H, W), and its number of parameters."""
    if not isinstance(me, str) or me.strip().casefold() in ("", "my name"):
        more = f"me is still {me!r}: put in your own name as a text, since your numbers are made from it."
        raise Wrong(Verdict(False, "Your name", more))

    def questions(name):
        C, W, C1, S = own_numbers(name, "03").values()
        return [shape_question("BTNK1", C, W, C1, S), count_question("BTNK1", C, C1)]

    return held("03", me, [shape, parameters], questions, exercise)


def held(lesson, me, answers, questions, exercise=None):
    """Check answers to questions(name). One that is right for another name's numbers is told so."""
    if not isinstance(me, str):
        raise Wrong(Verdict(False, "Your name", f"me is {me!r}: put in your name as a text, in quotes."))
    name = HANDED_IN.whose(me)
    try:
        return predict(questions(name), answers, exercise=exercise)
    except Wrong:
        mine = own_numbers(name, lesson)
        for other in dict.fromkeys((me, *HANDED_IN.others, "")):
            if own_numbers(other, lesson) == mine:
                continue
            if all(q.judge(a)[0] for q, a in zip(questions(other), answers, strict=True)):
                values = {
                    "whose": f"the numbers of “{other.strip()}”" if other.strip() else "the course's common numbers",
                    "numbers": f"those of “{name.strip()}”" if name.strip() else "the common ones",
                }
                raise Wrong(Verdict(False, "Your answer", finding=Finding(ANOTHERS, values=values))) from None
        raise
