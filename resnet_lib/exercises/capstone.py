"""Checks of a design of one's own: what a change costs, the rules of the task, an ablation, and its reasons."""

import re
from dataclasses import fields

from torch import nn

from .._common import design_problems
from ..anatomy import anatomy
from ..experiments.budget import notes
from ..network import Design
from ..views.report import ROOM, fits
from .hints import hints
from .prediction import Question
from .progress import done
from .verdict import Verdict, Wrong

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
    """Whether a `Design` is legal, within the budget for the task's pictures, spends at least half of the MACs,
    sees the whole picture, and differs from the design `unlike`. What is odd about it is remarked on."""
    costs = _ruled(design, "design", "design", task, budget)
    if unlike is not None and not differences(unlike, design):
        raise _wrong("design", "design", "These are the numbers that you were given: change at least one of them.")
    done(exercise)
    return Verdict(True, "design", _spent(costs, budget), remarks=tuple(notes(design, costs)))


def check_ablation(changed, design, task, budget, *, idea, expected, exercise=None):
    """Whether `changed` is a fair ablation of `design`: legal, within the budget, another design at about the same
    MACs, with an idea in words and an expectation, "better", "worse" or "no difference"."""
    costs = _ruled(changed, "changed", "ablation", task, budget)
    numbers = differences(design, changed)
    if not numbers:
        raise _wrong("ablation", "changed", "It is your design still: change one thing.")
    ratio = costs.macs / anatomy(design, task.size).macs
    if abs(ratio - 1) > 0.15:
        told = f"It has {ratio:.2f} times the MACs of design, which alone can make a difference"
        raise _wrong("ablation", "changed", f"{told}: bring them within 15 % of each other.")
    if not isinstance(idea, str) or not idea.strip():
        raise _wrong("ablation", "idea", "It is empty: say in a few words, in quotes, what you changed.")
    answers = ("better", "worse", "no difference")
    if not isinstance(expected, str) or expected.strip().lower() not in answers:
        raise _wrong("ablation", "expected", f"{expected!r:.60} should be one of {', '.join(map(repr, answers))}.")
    done(exercise)
    said = f"{ratio:.2f} times the MACs. You expect of “{idea.strip()}”: {expected.strip().lower()}."
    return Verdict(True, "changed", said, remarks=(f"Changed: {'; '.join(numbers)}.",))


def differences(a, b):
    """The numbers in which two legal designs differ, "Stage 4: S 2 → 1" each; that of the classes does not count."""
    parts = zip((a.stem, *a.stages), (b.stem, *b.stages), strict=True)
    return [
        f"Stage {i}: {f.name} {getattr(x, f.name)} → {getattr(y, f.name)}"
        for i, (x, y) in enumerate(parts)
        for f in fields(x)
        if getattr(x, f.name) != getattr(y, f.name)
    ]


def _ruled(design, name, kind, task, budget):
    """The costs of a design that keeps the rules of the task; Wrong where it breaks one."""
    if not isinstance(design, Design):
        raise _wrong(kind, name, _no_design(design))
    problems = design_problems(design)
    if problems:
        raise _wrong(kind, name, f"It is illegal. {'. '.join(problems)}.")
    if design.num_classes != len(task.classes):
        told = f"It tells {design.num_classes} classes apart, and the task has {len(task.classes)}."
        raise _wrong(kind, name, told)
    costs = anatomy(design, task.size)
    over = budget.over(costs)
    if over:
        raise _wrong(kind, name, f"It is over the budget. {'. '.join(over)}.")
    share, reach = costs.macs / budget.macs, costs.by_stage()[-2].receptive_field
    if share < 0.5:
        raise _wrong(kind, name, f"It uses {share:.0%} of the MACs of the budget: spend at least half of them.")
    if reach < task.size:
        told = f"A value at the end of Stage 4 sees {reach} of {task.size} pixels: it should see the whole picture."
        raise _wrong(kind, name, told)
    return costs


def _no_design(thing):
    wanted = "A Design is wanted, as the designer's code makes it"
    if thing is None:
        return f"There is none yet. {wanted}."
    if isinstance(thing, str):
        return f"{wanted}, and this is text: paste the code without quotes around it."
    if isinstance(thing, nn.Module):
        return f"{wanted}, and this is a network built already: leave out .build()."
    if isinstance(getattr(thing, "design", None), Design):
        return f"{wanted}, and this is the designer itself: take its .design."
    return f"{wanted}, and this is a {type(thing).__name__}."


def _spent(costs, budget):
    parameters, macs = costs.parameters / budget.parameters, costs.macs / budget.macs
    reach = costs.by_stage()[-2].receptive_field
    return (
        f"Of the budget it takes {parameters:.1%} of the parameters and {macs:.1%} of the MACs. A value at the end of "
        f"Stage 4 sees {reach} pixels."
    )


# ── Its reasons ──────────────────────────────────────────────────────────────────────────────────────────────

LEAST = 200  # characters


def check_reasons(author, why, *, exercise=None):
    """Whether a report has its author's name and reasons of a length that the page has room for, with two numbers at
    least. Whether they are good reasons no check can say."""
    for name, text in (("author", author), ("why", why)):
        if not isinstance(text, str):
            raise _wrong("reasons", name, f"Text in quotes is wanted, and this is a {type(text).__name__}.")
    if not author.strip():
        raise _wrong("reasons", "author", "It is empty: whose report is it?")
    n = len(why.strip())
    if n < LEAST:
        raise _wrong("reasons", "why", f"It has {n} characters: give your reasons, in {LEAST} or more.")
    if n > ROOM:
        raise _wrong("reasons", "why", f"It has {n:,} characters, and the page has room for {ROOM:,}.")
    try:
        fits("author", author, 60, 1)
        fits("why", why)
    except ValueError as problem:
        name = str(problem).split()[0]
        raise _wrong("reasons", name, f"{problem}.") from None
    # The 50 of ResNet-50 and the 1 of C1 are names.
    numbers = re.findall(r"(?<![A-Za-z\d.])(?<![A-Za-z]-)\d[\d.,]*", why)
    if len(numbers) < 2:
        raise _wrong(
            "reasons",
            "why",
            "There are fewer than two numbers in it: which numbers of the design, and what for? (Names such as "
            "ResNet-50 and C1 do not count.)",
        )
    done(exercise)
    said = f"{n} characters, {len(numbers)} numbers. Whether the reasons are good no check can say: have them read."
    return Verdict(True, "The form of your report", said)


def _wrong(kind, subject, sentence):
    return Wrong(Verdict(False, subject, sentence, hints=hints(kind, f"{subject}: {sentence}")))
