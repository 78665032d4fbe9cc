"""The form in which nearly all of the lessons' small predictions are written."""

import re
from textwrap import dedent

from .questions import Question, choice_question


def questions(table):
    """Return name → `Question` of a table.

    A question begins with a line `01.cost: How many times …?`. Its answers follow, in the order in which they are shown
    to choose from: `✓ 16 → …` is the right one, `✗ 4 → …` another, each with the sentence about it. A right answer that
    is a whole number, or a shape in brackets, is to be written and not chosen.
    """
    found = {}
    for row in re.split(r"^(?=\d\d\.)", dedent(table), flags=re.MULTILINE)[1:]:
        head, *answers = re.split(r"^ +(?=[✓✗])", row, flags=re.MULTILINE)
        name, _, text = " ".join(head.split()).partition(": ")
        right, said = "", {}
        for answer in answers:
            option, _, sentence = " ".join(answer.split()).removeprefix("✗ ").partition(" → ")
            if option.startswith("✓ "):
                right = option = option.removeprefix("✓ ")
            said[option] = sentence
        found[name] = _question(text, right, said)
    return found


def _question(text, right, said):
    why, said = said[right], {**said, right: ""}
    if right.isdecimal():
        return Question(text, "number", int(right), lambda guess: said.get(str(guess), ""), why)
    if right.startswith("("):
        return Question(text, "shape", tuple(map(int, re.findall(r"\d+", right))), why=why)
    return choice_question(text, said, right, why)
