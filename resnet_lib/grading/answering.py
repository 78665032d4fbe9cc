"""Which of a submission's cells are its answer to an exercise: the exercise's own cell, and the learner's own ones
between it and its check, which a notebook has run as well when the check is asked.
"""

import ast
import importlib.util
import re
import sys

from ..exercises.placeholders import open_lines
from .needs import given, names, needed, parsed, top
from .submissions import bare

MISSING = re.compile(r"No module named '([A-Za-z_]\w{0,49})")


class Answer:
    """The answer to exercise n in cells as `submissions.merged` gives them. asked: the exercise as it was given out."""

    def __init__(self, cells, n, asked):
        self.sources, self.asked, self.due = [source for source, _ in cells], asked, top(asked)
        numbers = [number for _, number in cells]
        self.at = numbers.index(n)
        self.below = [i for i, number in enumerate(numbers) if number == -n]
        self.more = [i for i in self.below if top(self.sources[i]) & self.due]
        self.later = set().union(*(top(self.sources[i]) for i in self.more))

    @property
    def untouched(self):
        """Whether nothing was written: the cell is as it was given out, and none below it answers."""
        return not self.more and bare(self.sources[self.at]) == bare(self.asked)

    @property
    def text(self):
        """What the learner wrote."""
        as_given = bare(self.sources[self.at]) == bare(self.asked)
        return "\n\n".join(self.sources[i] for i in [*([] if as_given and self.more else [self.at]), *self.more])

    @property
    def open(self):
        """Whether there is still a `...`, except in what a cell below replaces."""
        trees = [parsed(self.sources[i]) for i in (self.at, *self.more)]
        first, *others = [tree.body if tree else [] for tree in trees]
        left = [s for s in first if not given(s) or given(s) - self.later]
        gaps = [s for body in (left, *others) for s in body if any(map(_is_gap, ast.walk(s)))]
        return any(open_lines(ast.unparse(s)) for s in gaps)

    def cells(self, own, all_of_them):
        """Which cells to run, in their order. own: names that the checks take from the submission."""
        until, sources = max([self.at, *self.below]) + 1, self.sources
        if all_of_them or parsed(sources[self.at]) is None:  # nobody knows what that needs
            return list(range(until))
        uses = names(sources[self.at])[1]
        below = [i for i in needed(sources[:until], self.due | uses) if i > self.at] if self.below else []
        wanted = uses.union(own - self.due, *(names(sources[i])[1] for i in below))
        return [*needed(sources[: self.at], wanted), self.at, *below]

    def stopped(self, which, errors, used):
        """(the cell of the answer that stopped, its error, the cell that had stopped before it or None), or None where
        it ran through. which, errors: the cells that ran. used: names that the checks use."""
        found = {i: error for i, error in zip(which, errors, strict=True) if error is not None}
        answer = self.more if self.due & used and self.due & used <= self.later else [self.at, *self.more]
        at = next((i for i in answer if i in found), None)
        return None if at is None else (at, found[at], next((i for i in found if i < at), None))


def _is_gap(node):
    return isinstance(node, ast.Constant) and node.value is ...


def lacking(errors):
    """Sentences about modules that these errors miss, and that this machine does not have."""
    texts = [e.get("text", "") for e in errors if e is not None and e.get("kind") == "ModuleNotFoundError"]
    missed = {found[1] for text in texts if (found := MISSING.match(str(text)))}
    return tuple(
        f"It needs the module {name}, which is not installed here: install it, and grade again."
        for name in sorted(missed)
        if name not in sys.modules and importlib.util.find_spec(name) is None
    )
