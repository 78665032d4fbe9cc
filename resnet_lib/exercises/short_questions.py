"""The two forms in which nearly all of the lessons' small predictions are written."""

from .questions import Question, choice_question


def number_of(text, answer, why, **slips):
    """Return a question for a number. slips: what a wrong one, written n16, means."""
    return Question(text, "number", answer, lambda guess: slips.get(f"n{guess}", ""), why)


def one_of(text, right, why, wrong, order=()):
    """Return a question with one right option. wrong: option → why it is not that one. order: of all options, sorted
    unless given."""
    options = {right: "", **wrong}
    return choice_question(text, {name: options[name] for name in order or sorted(options)}, right, why)
