"""Checks of a design of one's own: what a change costs, the rules of the task, an ablation, and its reasons."""

import re
from dataclasses import fields

from torch import nn

from .._common import Finding, Kind, a_type, design_problems
from ..anatomy import anatomy
from ..experiments.budget import notes
from ..network import Design
from ..views.report import ROOM, fits
from .progress import done
from .prose import filler, substance, words
from .questions import Question
from .verdict import Verdict, refuse

# ── What a change costs ──────────────────────────────────────────────────────────────────────────────────────


def factors_question(text, before, after, *, channels=1, sides=1):
    """By which factors (parameters, MACs) change from one design to another; 10 % more or less are right.

    before, after:   their `anatomy(W)`. channels, sides: how many times as many channels, and how many times as wide
    maps, the second has in all stages: the mistakes follow from these.
    """
    answer = after.parameters / before.parameters, after.macs / before.macs
    c, w = channels, sides

    def slip(guess):
        if all(_near(a, b) for a, b in zip(guess, reversed(answer), strict=True)):
            return "The other way round: parameters come first, then MACs."
        for i, what in enumerate(("parameters", "MACs")):
            if not _near(guess[i], answer[i]):
                true = (c * c, c * c * w * w)[i]
                found = next((s for value, s in slips(what, true) if _near(guess[i], value)), laws[what])
                return f"The {what}: {found}"
        return ""

    def slips(what, true):
        square = "a kernel joins channels in with channels out, so they count twice: the square."
        yield 1 / true, "that is how many times fewer: half as many is 1 / 2, twice as many is 2."
        if c != 1:
            yield (c if what == "parameters" else c * w * w), square
        if what == "MACs":
            yield 2 * true, "FLOPs are 2 × MACs before the change and after it: the factor is the same."
        if w != 1 and what == "parameters":
            for value in (c * c * w * w, c * c * w, w * w, w):
                yield value, "the weights do not know how large the picture is."
        elif w != 1:
            yield c * c * w, "what is wider is also higher: the square of W."
            yield c * c, "each weight is used at every place of the maps, and there are more places now: times W²."
            yield w * w, "the channels have changed as well: times C²."
        yield 1, "they do change."

    laws = {"parameters": "they go with C², and W is not in them.", "MACs": "they go with C² · W²."}
    return Question(
        f"{text}:",
        "factors",
        answer,
        slip,
        f"{before.parameters:,} parameters became {after.parameters:,}, {before.macs:,} MACs became {after.macs:,}.",
        hints=(
            "Which of the two numbers knows W? No weight depends on it; only how often it is used does.",
            "Parameters go with C², MACs with C² · W².",
            f"Put {_times(c)}·C in the place of C and {_times(w)}·W in the place of W, and divide by what was there.",
        ),
    )


def _near(a, b):
    return abs(a / b - 1) < 0.1


def _times(factor):
    return f"{factor:g}" if factor >= 1 else f"1/{1 / factor:g}"


# ── A design within its budget ───────────────────────────────────────────────────────────────────────────────


def check_design(design, task, budget, *, unlike=None, exercise=None):
    """Check that a `Design` is legal, within the budget for the task's pictures, spends at least half of the MACs,
    sees the whole picture, and differs from the design `unlike`. What is odd about it is remarked on."""
    costs = _ruled(design, "design", DESIGN_HINTS, task, budget)
    if unlike is not None and not differences(unlike, design):
        raise _wrong("design", GIVEN, DESIGN_HINTS)
    done(exercise)
    return Verdict(True, "design", _spent(costs, budget), remarks=tuple(notes(design, costs)))


def check_ablation(changed, design, task, budget, *, idea, expected, exercise=None):
    """Check that `changed` is a fair ablation of `design`: legal, within the budget, another design at about the same
    MACs, with an idea in words and an expectation, "better", "worse" or "no difference"."""
    costs = _ruled(changed, "changed", ABLATION_HINTS, task, budget)
    numbers = differences(design, changed)
    if not numbers:
        raise _wrong("changed", UNCHANGED, ABLATION_HINTS)
    ratio = costs.macs / anatomy(design, task.size).macs
    if abs(ratio - 1) > 0.15:
        raise _wrong("changed", OTHER_COST, ABLATION_HINTS, ratio=ratio)
    if not isinstance(idea, str):
        raise _wrong("idea", NO_TEXT, ABLATION_HINTS, type=a_type(idea))
    if not idea.strip():
        raise _wrong("idea", NO_IDEA, ABLATION_HINTS)
    its = words(idea)
    numbered = bool(re.search(r"\d", idea))
    if len(its) + numbered < 2 or filler(idea) or not (numbered or any(t in word for t in TERMS for word in its)):
        raise _wrong("idea", VAGUE, ABLATION_HINTS)
    own_numbers = set(re.findall(r"\d+", idea)) - set(re.findall(r"\d+", ASKED))
    if len(its) > 5 and its <= words(ASKED) and not own_numbers:
        raise _wrong("idea", QUESTION_BACK, ABLATION_HINTS)
    answers = ("better", "worse", "no difference")
    if not isinstance(expected, str) or expected.strip().lower() not in answers:
        raise _wrong(
            "expected", NO_ANSWER, ABLATION_HINTS, said=f"{expected!r:.60}", answers=", ".join(map(repr, answers))
        )
    done(exercise)
    said = f"{ratio:.2f} times the MACs. You expect of “{idea.strip()}”: {expected.strip().lower()}."
    remarks = (f"Changed: {'; '.join(numbers)}.", "Whether the idea is a good one is not judged here.")
    return Verdict(True, "changed", said, remarks=remarks)


def differences(a, b):
    """What differs in two legal designs, "Stage 4: S 2 → 1" each; the number of classes does not count."""
    parts = zip((a.stem, *a.stages), (b.stem, *b.stages), strict=True)
    pairs = [(f"Stage {i}: ", f.name, x, y) for i, (x, y) in enumerate(parts) for f in fields(x)]
    pairs += [("", name, a, b) for name in ("block", "stride_on")]
    return [
        f"{at}{name} {before} → {after}"
        for at, name, x, y in pairs
        if (before := getattr(x, name)) != (after := getattr(y, name))
    ]


_MOST = "Which stage takes most of it? The designer's table says it, stage by stage."
_PASTE = "Copy all of “this design as code”, from Design( to the last bracket."
_WANTED = "A Design is expected, as the designer's code makes it"
GIVEN = Kind(
    "as given",
    "These are the numbers that you were given: change at least one of them.",
    "Which number of it do you doubt at 32 pixels? Begin with that one.",
)
UNCHANGED = Kind(
    "unchanged",
    "It is still your design: change one thing.",
    "Turn one control of the designer, and paste what is under “this design as code”.",
)
OTHER_COST = Kind(
    "other cost",
    "It has {ratio:.2f} times the MACs of design, which alone can make a difference: bring them within 15 % of each "
    "other.",
    "Print anatomy(changed, W).macs beside anatomy(design, W).macs while you change it.",
)
NO_IDEA = Kind(
    "no idea",
    "It is empty: say in a few words, in quotes, what you changed.",
    "Say it as you would to a neighbour, in five words.",
)
VAGUE = Kind(
    "vague idea",
    "It does not say what you changed: name the part and number, such as “Stage 4 down to 1 × 1” or “a wider stem”.",
    "Which line of “this design as code” is another one now?",
)
QUESTION_BACK = Kind(
    "question given back",
    "These are the words of the exercise: say what you did, in words and numbers of your own.",
    "Which part, which number, and what did you measure?",
)
# What is in a word that says what was changed.
TERMS = (
    *("stem", "pool", "kernel", "group", "stride", "channel", "block", "stage", "dilat", "deep", "wide", "shallow"),
    *("halv", "half", "twice", "doubl", "narrow", "layer", "projection", "padding", "c_out", "norm", "relu"),
)
NO_ANSWER = Kind(
    "no expectation",
    "{said} should be one of {answers}.",
    "No expectation is wrong here: it only has to be said before the training.",
)
ILLEGAL = Kind("illegal", "It is illegal. {problems}.", "“mend it” in the designer takes the nearest legal numbers.")
OTHER_CLASSES = Kind(
    "other classes",
    "It has {n} classes, and the task has {right}.",
    "The head has one output for each of the task's classes: num_classes=len(task.classes).",
)
OTHER_PICTURES = Kind(
    "other pictures",
    "Its in_channels is {n}, and the task's pictures have {right} channels: red, green and blue.",
    "Leave in_channels out: it is 3 unless given.",
)
OVER = Kind("over the budget", "It is over the budget. {over}.", _MOST)
UNSPENT = Kind(
    "budget unspent",
    "It uses {share:.0%} of the MACs of the budget: spend at least half of them.",
    "The remaining MACs buy channels, blocks, or finer maps with a stride less.",
)
NEARSIGHTED = Kind(
    "does not see it all",
    "A value at the end of Stage 4 sees {reach} of {size} pixels: it should see the whole picture.",
    "A 3×3 adds 2 · jump. One block more in a late stage adds most.",
)
NONE_YET = Kind("none yet", f"There is none yet. {_WANTED}.", _PASTE)
IN_QUOTES = Kind("text", f"{_WANTED}, and this is text: paste the code without quotes around it.", _PASTE)
BUILT = Kind("network", f"{_WANTED}, and this is a network built already: leave out .build().", _PASTE)
DESIGNER = Kind("designer", f"{_WANTED}, and this is the designer itself: take its .design.", _PASTE)
OTHER_TYPE = Kind("other type", _WANTED + ", and this is {type}.", _PASTE)
DESIGN_HINTS = (
    _PASTE,
    "Early stages have the large maps and so the MACs; Stage 4 has most of the parameters.",
    "The preset “wide and shallow” of the designer is within the budget: begin there, and change a number of your own.",
)
ABLATION_HINTS = (
    _PASTE,
    "Half the channels pay for twice the W, and twice the blocks cost as much as 1.4 times the channels.",
    "changed = replace(design, stem=replace(design.stem, kernel=…)), then the idea in a few words and what you expect.",
)


def _ruled(design, name, hints, task, budget):
    """The costs of a design that keeps the rules of the task; Wrong where it breaks one."""
    if not isinstance(design, Design):
        raise _wrong(name, _no_design(design), hints, type=a_type(design))
    if problems := design_problems(design):
        raise _wrong(name, ILLEGAL, hints, problems=". ".join(problems))
    if design.num_classes != len(task.classes):
        raise _wrong(name, OTHER_CLASSES, hints, n=design.num_classes, right=len(task.classes))
    if design.in_channels != (C := task.train[0].shape[1]):
        raise _wrong(name, OTHER_PICTURES, hints, n=design.in_channels, right=C)
    if far := budget.far_over(design):
        raise _wrong(name, OVER, hints, over=far[0])
    costs = anatomy(design, task.size)
    if over := budget.over(costs):
        raise _wrong(name, OVER, hints, over=". ".join(over))
    share, reach = costs.macs / budget.macs, costs.by_stage()[-2].receptive_field
    if share < 0.5:
        raise _wrong(name, UNSPENT, hints, share=share)
    if reach < task.size:
        raise _wrong(name, NEARSIGHTED, hints, reach=reach, size=task.size)
    return costs


def _no_design(thing):
    for of, kind in ((type(None), NONE_YET), (str, IN_QUOTES), (nn.Module, BUILT)):
        if isinstance(thing, of):
            return kind
    return DESIGNER if isinstance(getattr(thing, "design", None), Design) else OTHER_TYPE


def _spent(costs, budget):
    parameters, macs = costs.parameters / budget.parameters, costs.macs / budget.macs
    reach = costs.by_stage()[-2].receptive_field
    return (
        f"Of the budget it takes {parameters:.1%} of the parameters and {macs:.1%} of the MACs. A value at the end of "
        f"Stage 4 sees {reach} pixels."
    )


# ── Its reasons ──────────────────────────────────────────────────────────────────────────────────────────────

LEAST = 200  # characters
WORDS = 20  # different ones
OWN = 12  # of them not in the exercise
# What exercises 3 and 4 ask, to see where it is given back.
ASKED = """
Make changed from your design: one idea, such as the pool, the kernel of the stem, groups, or deep against wide. You may
adjust channels and blocks to keep the budget: the MACs of the two must be within 15 % of each other. Otherwise you
would compare cheap with expensive. Then say what you expect: better, worse or no difference. In a few words: what you
changed.
Write why, in 200 to 1,000 characters: what you chose and why, with at least two numbers, what the ablation showed, and
what you do not know. An empty line starts a new paragraph. Your name, and your reasons. Explain your design. A design
is only as good as its reasons. The report is one page, ready to hand in: the design, its costs, your
reasons, its results,
and its feature maps.
"""


def check_reasons(author, why, *, exercise=None):
    """Check that a report has its author's name and reasons of a length that the page has room for, with two numbers at
    least. Whether they are good reasons no check can say."""
    for name, text in (("author", author), ("why", why)):
        if not isinstance(text, str):
            raise _wrong(name, NO_TEXT, REASONS_HINTS, type=a_type(text))
    if words(author) <= {"your", "my", "name", "author"}:
        raise _wrong("author", NO_AUTHOR, REASONS_HINTS)
    n = len(substance(why))
    if n < LEAST:
        raise _wrong("why", SHORT, REASONS_HINTS, n=n, repeated=" without what is repeated" * (n < len(why.strip())))
    if n > ROOM:
        raise _wrong("why", LONG, REASONS_HINTS, n=n)
    for name, text, room in (("author", author, (60, 1)), ("why", why, ())):
        try:
            fits(name, text, *room)
        except ValueError as problem:
            raise _wrong(name, NO_ROOM, REASONS_HINTS, problem=problem) from None
    its = words(why)
    if len(its) < WORDS:
        raise _wrong("why", FEW_WORDS, REASONS_HINTS, n=len(its))
    if filler(why):
        raise _wrong("why", FILLER, REASONS_HINTS)
    if len(its - words(ASKED + " ".join(REASONS_HINTS))) < OWN:
        raise _wrong("why", QUESTION_BACK, REASONS_HINTS)
    # The 50 of ResNet-50 and the 1 of C1 are names.
    numbers = re.findall(r"(?<![A-Za-z\d.])(?<![A-Za-z]-)\d[\d.,]*", why)
    if len({n.rstrip(".,") for n in numbers}) < 2:
        raise _wrong("why", NO_NUMBERS, REASONS_HINTS)
    done(exercise)
    said = f"{n} characters, {len(numbers)} numbers. Whether the reasons are good is not judged here: have them read."
    return Verdict(True, "The form of your report", said)


_NUMBERS = "Which of your numbers would you be asked about first: a C1, a stride, a share of the budget?"
_NAME = "Your name, as it should be on the page, in quotes."
NO_TEXT = Kind("no text", "Text in quotes is expected, and this is {type}.")
NO_AUTHOR = Kind("no author", "There is no name in it: whose report is it?", _NAME)
SHORT = Kind("short", f"It has {{n}} characters{{repeated}}: give your reasons, in {LEAST} or more.")
FEW_WORDS = Kind(
    "few words",
    f"Its different words are {{n}}, and reasons have {WORDS} or more: what you chose, why, what it cost, what the "
    "ablation showed, and what you do not know.",
)
FILLER = Kind("filler", "It is filler, which says nothing: what you chose, why, and what you do not know is asked for.")
LONG = Kind("long", f"It has {{n:,}} characters, and the page has room for {ROOM:,}.")
NO_ROOM = Kind("no room", "{problem}.")
NO_NUMBERS = Kind(
    "no numbers",
    "There are fewer than two numbers in it: which numbers of the design, and what for? (Names such as ResNet-50 and "
    "C1 do not count.)",
    _NUMBERS,
)
REASONS_HINTS = (
    "A sentence for each: what, why, its cost, what the ablation showed, what is not known.",
    "Three questions: what did you choose, what did it cost, what do you not know?",
    "I chose C1 = … in Stage …, because …. It takes … % of the MACs. In the ablation …. I do not know whether ….",
)


def _wrong(subject, kind, hints, **values):
    return refuse(subject, [Finding(kind, subject, values)], hints)
