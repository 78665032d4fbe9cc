"""The exercise in which everybody has a block of their own."""

from .numbers import own_numbers
from .own_question import held
from .questions import count_question, shape_question
from .verdict import Verdict, Wrong


def check_own_block(me, shape, parameters, *, lesson="03", exercise=None):
    """The shape that the BTNK1 of `student_numbers(me, lesson)` gives, (C, H, W), and the number of its parameters."""
    if not isinstance(me, str) or me.strip().casefold() in ("", "my name"):
        more = f"me is still {me!r}: put in your own name as a text, since your numbers are made from it."
        raise Wrong(Verdict(False, "Your name", more))

    def questions(name):
        C, W, C1, S = own_numbers(name, lesson).values()
        return [shape_question("BTNK1", C, W, C1, S), count_question("BTNK1", C, C1)]

    return held(lesson, me, [shape, parameters], questions, exercise)
