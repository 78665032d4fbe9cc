"""Predictions: a shape, a count or a choice, to which the learner commits before the answer shows.

A `Question` knows its answer by computing it, and what the typical mistakes would give. It can be asked by a function
call, `predict`, or by a widget, `Prediction`.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from fractions import Fraction
from numbers import Real

from .._common import Finding, Kind, say, shape_text, shapes_only
from ..anatomy import ShapeMismatch, anatomy, out_size
from ..blocks import BTNK1, BTNK2
from .costs import NUMBERS, PARAMETERS, PARAMETERS_HINTS, known
from .macs import MACS, MACS_HINTS, MACS_NUMBERS
from .progress import done
from .results import number, shown
from .verdict import Verdict, Wrong, unanswered
from .widths import OUT_WIDTH


@dataclass(frozen=True)
class Question:
    """text: what is asked. kind: "shape", "numbers" (three, of another meaning), "number", "choice" or "factors".
    answer: a tuple, a number, one of the options, or the factors of (parameters, MACs), 10 % more or less being right.
    slip:   a wrong guess → the sentence that names its mistake, or "".
    why:    how the answer comes about. options: of a choice. hints: from a nudge to nearly the answer.
    """

    text: str
    kind: str
    answer: object
    slip: Callable = lambda guess: ""
    why: str = ""
    options: tuple = ()
    hints: tuple = ()

    def judge(self, guess):
        """A guess → whether it is right, and the sentence about it."""
        if guess is None:
            return False, "There is no prediction yet."
        said, guess = guess, _read(self.kind, guess, self.options)
        if guess is None:
            return False, {
                "shape": "A shape is three whole numbers, (C, H, W), without the batch.",
                "numbers": "Three whole numbers are wanted, in the order of the question.",
                "number": "A whole number is wanted.",
                "choice": _choose(said, self.options),
                "factors": "Two factors are wanted, for parameters and MACs, such as (2, 1 / 9).",
            }[self.kind]
        near = self.kind == "factors" and all(abs(a / b - 1) < 0.1 for a, b in zip(guess, self.answer, strict=True))
        if near or guess == self.answer:
            return True, f"Right: {_show(self.answer)}. {self.why}".strip()
        return False, f"You said {_show(guess)}. {self.slip(guess) or _side(self.kind, guess, self.answer)}"


def _side(kind, guess, answer):
    """What can be said of a wrong guess that no usual mistake gives: which numbers of it are off, and to which side."""
    if kind == "choice":
        return "It is another of them."
    if kind == "number":
        return f"That is too {'low' if guess < answer else 'high'}."
    names = {
        "shape": ("C", "H", "W"),
        "numbers": ("the first", "the second", "the third"),
        "factors": ("the factor of the parameters", "the factor of the MACs"),
    }[kind]
    enough = 0.1 if kind == "factors" else 0
    of = [(n, a, b) for n, a, b in zip(names, guess, answer, strict=True) if abs(a - b) > enough * abs(b)]
    text = ", and ".join(f"{name} is too {'low' if a < b else 'high'}" for name, a, b in of)
    return f"{text[0].upper()}{text[1:]}."


NO_KEYS = Kind("not a dictionary", "It should stay a dictionary with the keys {keys}.")
UNREADABLE = Kind("unreadable", "{where} {said}")
OTHER_ANSWER = Kind("other answer", "{where} {said}")


def predict(questions, guesses, *, exercise=None):
    """Hold a guess against a Question, or several against several, in order or by the keys of two dictionaries. Returns
    a `Verdict`; raises `Wrong` at the first that is wrong, and ValueError for two lists of different lengths."""
    if isinstance(questions, Question):
        questions, guesses = [questions], [guesses]
    elif isinstance(questions, dict):
        if not isinstance(guesses, dict):
            keys = ", ".join(map(repr, questions))
            raise Wrong(Verdict(False, "Your prediction", finding=Finding(NO_KEYS, values={"keys": keys})))
        questions, guesses = questions.values(), [guesses.get(key) for key in questions]
    guesses = list(guesses)
    if len(questions) != len(guesses):
        raise ValueError(f"there are {len(questions)} questions and {len(guesses)} predictions: give one for each")
    said = []
    for question, guess in zip(questions, guesses, strict=True):
        if guess is ...:
            then = "Then run that cell, and this one again."
            raise unanswered("Your prediction", "each ... in the cell above by your answer", then, tuple(said))
        right, sentence = question.judge(guess)
        if not right:
            kind = OTHER_ANSWER if _read(question.kind, guess, question.options) is not None else UNREADABLE
            found = Finding(kind, question.text, {"said": sentence})
            raise Wrong(Verdict(False, "Your prediction", remarks=tuple(said), hints=question.hints, finding=found))
        said.append(f"{question.text} {sentence}")
    done(exercise)
    return Verdict(True, "Your prediction", f"{len(said)} of {len(said)}.", remarks=tuple(said))


# ── Questions ────────────────────────────────────────────────────────────────────────────────────────────────


def width_question(W, kernel, stride=1, padding=0, dilation=1):
    """The width that comes out of a convolution or pooling."""
    case = (W, kernel, stride, padding, dilation)
    answer, reach = out_size(*case), dilation * (kernel - 1) + 1
    room = W + 2 * padding - reach
    slips = OUT_WIDTH.mistakes(*case)
    reached = "reach" if dilation > 1 else "kernel"
    spread = f", dilation {dilation}" if dilation > 1 else ""

    def slip(guess):
        if found := next((found for found, v in slips if v == guess), None):
            return say(found)
        if guess > W + 2 * padding:
            return "There are more of them than places in the padded row, and each output has a place of its own."
        if guess < 1:
            return "The kernel has a place at least once, so there is at least one output."
        few = "Too few: does the padding count on both sides, and is the first place counted as well?"
        return (
            few if guess < answer else "Too many: the kernel must lie within the padded row, and steps by the stride."
        )

    return Question(
        f"{kernel}×{kernel}, stride {stride}, padding {padding}{spread}, of {W}: which width?",
        "number",
        answer,
        slip,
        f"({W} + {2 * padding} − {reach}) / {stride} = {room / stride:g}, rounded down {room // stride}, plus 1.",
        hints=(
            f"Put the numbers into ⌊(W + 2·padding − {reached}) / stride⌋ + 1.",
            f"The padded row has {W + 2 * padding} pixels, and the first place takes {reach} of them.",
            f"⌊{room} / {stride}⌋ + 1.",
        ),
    )


def stride_question(C, W, S):
    """The shape that is left of a (C, W, W) tensor of which every S-th row and column is kept."""
    side = out_size(W, 1, S)
    answer = (C, side, side)

    def slip(guess):
        if guess == (side, side, C) != answer:
            return "The channels come first: (C, H, W)."
        channels, *sides = guess
        said = [] if channels == C else [f"A stride leaves the channels alone: there are still {C:,}."]
        if sides[0] != sides[1]:
            said.append("The stride thins out the rows as well as the columns: H and W stay equal.")
        elif sides[0] != side:
            said.append(
                {
                    W: f"Of every {S} pixels only one is kept, along both sides.",
                    W // S: "W/S is rounded up: the first pixel of a row is always kept.",
                    out_size(W, 1, S * S): f"1/{S * S} of the numbers is left, and that is 1/{S} of each side.",
                }.get(sides[0], "Each side is W/S, rounded up.")
            )
        return " ".join(said)

    return Question(
        f"C = {C}, W = {W}, S = {S}: which shape is left?",
        "shape",
        answer,
        slip,
        f"{W} / {S} = {W / S:g}" + (f", rounded up {side}." if W % S else "."),
        hints=(
            "Channels first. Do there become fewer of them, if pixels are left out?",
            f"Of a row the pixels 0, {S}, {2 * S}, … are kept. How many are those, up to pixel {W - 1}?",
            f"({C}, …, …): each side is W/S, rounded up.",
        ),
    )


def shape_question(block, C, W, C1=None, S=1, *, after="y"):
    """The shape after a step of "BTNK1" or "BTNK2" ("conv1", …, "shortcut"), or at its end, "y"."""
    if block not in ("BTNK1", "BTNK2"):
        raise ValueError(f'block = {block!r} must be "BTNK1" or "BTNK2"')
    with shapes_only():
        module = BTNK2(C) if block == "BTNK2" else BTNK1(C, C1, S)
    a, C1 = anatomy(module, W), module.C1
    answer = a.output if after == "y" else a[after].shape
    numbers = f"C = {C}, W = {W}" + (f", C1 = {C1}, S = {S}" if block == "BTNK1" else "")
    same = block == "BTNK2"
    if answer[0] == C1:
        channels = {4 * C1: "4·C1 comes only at the end; here there are C1", C: "the first 1×1 has made C1 of them"}
        other = f"after this step {'C/4' if same else 'C1'} channels flow, as everywhere inside the block"
    else:
        again = "conv3 widens to C again, so that x can be added"
        channels = {C1: f"C1 is inside; {again if same else 'the block gives out 4·C1'}"}
        channels[C] = "the channels change to 4·C1"
        other = f"the block outputs {'as many channels as it takes in, C' if same else '4·C1 channels'}"
    sides = {answer[1] - 2: "padding 1 gives back what the 3×3 takes away"}
    if S == 1:
        sides |= {W // 2: "no step here has a stride", -(-W // 2): "no step here has a stride"}
    else:
        sides |= {
            W: f"the stride has been taken here: {W} / {S}",
            W // S: "W/S is rounded up: with W = 7 the positions 0, 2, 4 and 6 are computed",
        }

    law = "only a stride changes the sides, to W/S, rounded up, and both alike"

    def slip(guess):
        if guess == (*answer[1:], answer[0]):
            return "The channels come first: (C, H, W)."
        said = []
        if guess[0] != answer[0]:
            said.append(channels.get(guess[0], other))
        if guess[1:] != answer[1:]:
            said.append(sides.get(guess[1] if guess[1] == guess[2] else None, law))
        text = "; ".join(said)
        return f"{text[0].upper()}{text[1:]}."

    end = "at its end" if after == "y" else f"after {after}"
    return Question(
        f"{block}, {numbers}: which shape {end}?",
        "shape",
        answer,
        slip,
        hints=(
            f"Channels first: C → C1 → C1 → {'C' if same else '4·C1'}. Then the size: only a stride changes it.",
            f"Here C1 = {C1}" + (f" and S = {S}; W/S is rounded up." if block == "BTNK1" else " = C/4."),
            f"({answer[0]}, …, …)",
        ),
    )


def count_question(part, *numbers, of="parameters"):
    """How many "parameters" (with those of the BNs) or "MACs" a part has; part, numbers: as in `check_parameters` and
    `check_macs`."""
    if of not in ("parameters", "MACs"):
        raise ValueError(f'of = {of!r} must be "parameters" or "MACs"')
    if of == "MACs":
        (names, _), solution = MACS_NUMBERS[known(part, MACS_NUMBERS)], MACS[part]
    else:
        (names, _), solution = NUMBERS[known(part, NUMBERS)], PARAMETERS[part, True]
    answer, slips = solution.made()(*numbers), solution.mistakes(*numbers)
    text = ", ".join(f"{n} = {v}" for n, v in zip(names, numbers, strict=True))
    return Question(
        f"{part}, {text}: how many {of}?",
        "number",
        answer,
        lambda guess: next((say(found) for found, v in slips if v == guess != answer), _too(guess, answer)),
        f"FLOPs = 2 × MACs = {2 * answer:,}." if of == "MACs" else "",
        hints=(MACS_HINTS if of == "MACs" else PARAMETERS_HINTS)[1:],
    )


def choice_question(text, options, right, why="", hints=()):
    """options: {option: why it is not that one}; right: the one that it is. ValueError where right is none of them."""
    if right not in options:
        raise ValueError(f"right = {right!r} must be one of the options, {', '.join(map(repr, options))}")
    return Question(text, "choice", right, lambda guess: options.get(guess, ""), why, tuple(options), hints)


def illegal_question(*designs):
    """Which of several `BlockDesign`s is illegal. ValueError unless exactly one is."""
    options, illegal = {}, {}
    for d in designs:
        name = f"{d.block}, C = {d.C}, W = {d.W}, C1 = {d.C1}, S = {d.S}"
        try:
            options[name] = f"It is legal: F(x) and the shortcut both have shape {shape_text(d.anatomy().output)}."
        except ShapeMismatch as error:
            options[name] = illegal[name] = f"{error}."
    if len(illegal) != 1:
        raise ValueError(f"{len(illegal)} of these {len(designs)} designs are illegal, and it must be one")
    ((right, why),) = illegal.items()
    return choice_question(
        "Which of these blocks is illegal, and why?",
        options,
        right,
        why,
        ("A sum needs equal shapes: write down F(x) and the shortcut of each.", "F gives 4·C1 channels, W/S wide."),
    )


def _too(guess, answer):
    """What to say of a count that no usual mistake gives, of one layer or of several."""
    low, high = sorted((guess, answer))
    share = "many times" if high > 2 * low else "a little" if high < 1.2 * low else "clearly"
    way, look = ("high", "counted twice") if guess > answer else ("low", "left out")
    return f"That is {share} too {way}: write down, layer by layer, what you multiply, and look for what is {look}."


# ── Reading and showing ──────────────────────────────────────────────────────────────────────────────────────


def _read(kind, guess, options=()):
    """A guess in the form of the answer; None where it cannot be read as one."""
    if kind == "choice":
        text = guess.strip().casefold() if isinstance(guess, str) else guess
        return next((o for o in options if o.casefold() == text), None)
    if kind == "factors":
        found = re.findall(r"[\d.]+(?:\s*/\s*[\d.]+)?", guess) if isinstance(guess, str) else _plain(guess)
        try:
            pair = [Fraction(n.replace(" ", "")) if isinstance(n, str) else number(n)[0] for n in found]
            return tuple(map(float, pair)) if len(pair) == 2 and all(isinstance(n, Real) for n in pair) else None
        except (TypeError, ValueError, ZeroDivisionError, OverflowError):
            return None
    three = kind in ("shape", "numbers")
    if isinstance(guess, str):
        text = guess if three else re.sub(r"(?<=\d)[,_' ](?=\d{3}(\D|$))", "", guess.strip())
        guess = tuple(map(int, re.findall(r"\d+", text))) if three else int(text) if text.isdigit() else None
    guess = _plain(guess)
    if three:
        whole = [_plain(n) for n in guess] if isinstance(guess, tuple | list) else []
        good = len(whole) == 3 and all(_is_number(n) and n == int(n) for n in whole)
        return tuple(map(int, whole)) if good else None
    return guess if _is_number(guess) else None


def _plain(value):
    """A number or numbers of NumPy's or PyTorch's, a Fraction or a Decimal, as Python's own."""
    if isinstance(value, Fraction | Decimal) and math.isfinite(value):
        return int(value) if value == int(value) else float(value)
    return value.tolist() if hasattr(value, "tolist") else value


def _is_number(value):
    whole = isinstance(value, int) and not isinstance(value, bool)  # no float holds 10 ** 400
    return whole or isinstance(value, float) and math.isfinite(value)


def _choose(guess, options):
    """What to say of a guess that is none of the options; of a hundred, only those that are nearly the same."""
    if len(options) <= 8:
        return f"Choose one of: {', '.join(options)}."
    text = str(guess)
    near = [o for o in options if text and o.startswith(text)][:3] or get_close_matches(text, options, 3, 0.5)
    meant = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    return f"Nothing is called {guess!r} there.{meant}"


def _show(value):
    if isinstance(value, tuple) and len(value) == 2:
        return f"({value[0]:.3g}, {value[1]:.3g})"
    return (shape_text if isinstance(value, tuple) else str if isinstance(value, str) else shown)(value)
