"""Predictions: a shape, a count or a choice, to which the learner commits before the answer shows.

A `Question` knows its answer by computing it, and what the typical mistakes would give. It can be asked by a function
call, `predict`, or by a widget, `Prediction`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from ..anatomy import ShapeMismatch, anatomy, out_size, shape_text, shapes_only
from ..blocks import BTNK1, BTNK2
from . import formulas
from .progress import done
from .verdict import Verdict, Wrong


@dataclass(frozen=True)
class Question:
    """text: what is asked. kind: "shape", "number" or "choice". answer: a tuple, a number or one of the options.
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
        guess = _read(self.kind, guess)
        if guess is None:
            return False, {
                "shape": "A shape is three whole numbers, (C, H, W).",
                "number": "A whole number is wanted.",
                "choice": f"Choose one of: {', '.join(self.options)}.",
            }[self.kind]
        if self.kind == "choice" and guess not in self.options:
            return False, f"Choose one of: {', '.join(self.options)}."
        if guess == self.answer:
            return True, f"Right: {_show(self.answer)}. {self.why}".strip()
        return False, f"You said {_show(guess)}. {self.slip(guess)}".strip()


def predict(questions, guesses, *, exercise=None):
    """Hold a guess against a Question, or several against several. Returns a `Verdict`; raises `Wrong` at the first
    that is wrong."""
    questions, guesses = ([questions], [guesses]) if isinstance(questions, Question) else (questions, list(guesses))
    if len(questions) != len(guesses):
        raise ValueError(f"there are {len(questions)} questions and {len(guesses)} predictions: give one for each")
    said = []
    for question, guess in zip(questions, guesses, strict=True):
        right, sentence = question.judge(guess)
        if not right:
            raise Wrong(Verdict(False, "Your prediction", f"{question.text} {sentence}", remarks=tuple(said)))
        said.append(f"{question.text} {sentence}")
    done(exercise)
    return Verdict(True, "Your prediction", f"{len(said)} of {len(said)}.", remarks=tuple(said))


# ── Questions ────────────────────────────────────────────────────────────────────────────────────────────────


def width_question(W, kernel, stride=1, padding=0, dilation=1):
    """The width that comes out of a convolution or pooling."""
    case = (W, kernel, stride, padding, dilation)
    answer, reach = out_size(*case), dilation * (kernel - 1) + 1
    room = W + 2 * padding - reach
    slips = {w: formulas._out_width({w}, *case) for w in formulas.OUT_WIDTH}
    spread = f", dilation {dilation}" if dilation > 1 else ""
    return Question(
        f"{kernel}×{kernel}, stride {stride}, padding {padding}{spread}, of {W}: which width?",
        "number",
        answer,
        lambda guess: next((formulas.OUT_WIDTH[w] for w, v in slips.items() if v == guess != answer), ""),
        f"({W} + {2 * padding} − {reach}) / {stride} = {room / stride:g}, rounded down {room // stride}, plus 1.",
        hints=(
            "Put the numbers into ⌊(W + 2·padding − reach) / stride⌋ + 1.",
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
            said.append({
                W: f"Of every {S} pixels only one is kept, along both sides.",
                W // S: "W/S is rounded up: the first pixel of a row is always kept.",
                out_size(W, 1, S * S): f"1/{S * S} of the numbers is left, and that is 1/{S} of each side.",
            }.get(sides[0], "Each side is W/S, rounded up."))  # fmt: skip
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
    channels = {C1: "C1 is inside; the block gives out 4·C1", C: "the channels change to 4·C1"}
    if answer[0] == C1:
        channels = {4 * C1: "4·C1 comes only at the end; here there are C1", C: "the first 1×1 has made C1 of them"}
    sides = {
        W: f"the stride has been taken here: {W} / {S}",
        W // S: "W/S is rounded up: with W = 7 the positions 0, 2, 4 and 6 are computed",
        answer[1] - 2: "padding 1 gives back what the 3×3 takes away",
    }

    def slip(guess):
        said = []
        if guess[0] != answer[0]:
            said.append(channels.get(guess[0], f"{answer[0]:,} channels come out of this step"))
        if guess[1:] != answer[1:]:
            said.append(sides.get(guess[1], f"each side is {answer[1]}"))
        text = "; ".join(said)
        return f"{text[0].upper()}{text[1:]}."

    end = "its end" if after == "y" else after
    return Question(
        f"{block}, {numbers}: which shape after {end}?",
        "shape",
        answer,
        slip,
        hints=(
            "Channels first: C → C1 → C1 → 4·C1. Then the size: only a stride changes it.",
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
        names = formulas.MACS_NUMBERS[formulas._known(part, formulas.MACS_NUMBERS)][0]
        answer = formulas._macs(part, set(), *numbers)
        slips = {w: (s, formulas._macs(part, {w}, *numbers)) for w, s in formulas.MACS.items()}
    else:
        names = formulas.NUMBERS[formulas._known(part, formulas.MODULES)][0]
        answer = formulas._parameters(part, set(), True, *numbers)
        slips = {w: (s, formulas._parameters(part, {w}, True, *numbers)) for w, s in formulas.PARAMETERS.items()}
    text = ", ".join(f"{n} = {v}" for n, v in zip(names, numbers, strict=True))
    return Question(
        f"{part}, {text}: how many {of}?",
        "number",
        answer,
        lambda guess: next((s for s, v in slips.values() if v == guess != answer), ""),
        f"FLOPs = 2 × MACs = {2 * answer:,}." if of == "MACs" else "",
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
        "Which of these blocks is illegal, and why?", options, right, why,
        ("A sum needs equal shapes: write down F(x) and the shortcut of each.", "F gives 4·C1 channels, W/S wide."),
    )  # fmt: skip


# ── Reading and showing ──────────────────────────────────────────────────────────────────────────────────────


def _read(kind, guess):
    """A guess in the form of the answer; None where it cannot be read as one."""
    if kind == "choice":
        return guess if isinstance(guess, str) else None
    if isinstance(guess, str):
        text = re.sub(r"(?<=\d)[,_' ](?=\d{3}(\D|$))", "", guess.strip()) if kind == "number" else guess
        found = re.findall(r"\d+", text)
        guess = tuple(map(int, found)) if kind == "shape" else int(text) if text.isdigit() else None
    if kind == "shape":
        good = isinstance(guess, tuple | list) and len(guess) == 3 and all(type(n) is int for n in guess)
        return tuple(guess) if good else None
    return guess if isinstance(guess, int | float) and not isinstance(guess, bool) else None


def _show(value):
    return shape_text(value) if isinstance(value, tuple) else value if isinstance(value, str) else f"{value:,}"
