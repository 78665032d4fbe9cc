"""A right solution as text, and its usual mistakes, each as the edit that makes it."""

import base64
import re
import zlib
from dataclasses import dataclass
from textwrap import dedent

from .._common import Finding, Kind

_HINT = "Hint: "  # begins the last line of a mistake with a hint of its own


@dataclass(frozen=True)
class Edit:
    """A mistake: what it changes in the text of the right solution, ((old, new), …), and its kind."""

    changes: tuple
    kind: Kind


class Solution:
    """A right solution as text, and the usual mistakes in it, each as the edit that makes it.

    text:  Python whose last function is the solution.
    table: its mistakes. A line `old` → `new` (several of them with "; " between) says what is replaced, wherever it
           stands, with \\n for the end of a line; the indented lines after it are the sentence, and "Hint: …" where to
           look, for a mistake with a hint of its own. One that is not indented holds for all mistakes below it.
    names: what the text uses beside Python's own.
    edits: all of them. paired: those of which two may come together.
    Where the text returns None, an input says nothing: how a mistake shows there depends on how it is written.
    Raises ValueError for an edit whose old text does not occur.
    """

    def __init__(self, text, table, **names):
        self.text, self.names, self._made = dedent(text).strip() + "\n", names, {}
        edits, hint = [], ""
        for row in re.split(rf"^(?=`|{_HINT})", dedent(table).strip(), flags=re.MULTILINE):
            if row.startswith(_HINT):
                hint = row.strip().removeprefix(_HINT)
            elif row:
                edits.append(self._edit(hint, *row.splitlines()))
        self.edits = self.paired = tuple(edits)

    def _edit(self, hint, head, *words):
        head = head.replace(r"\n", "\n")
        changes = tuple(re.findall("`([^`]*)` → `([^`]*)`", head))
        if not changes or self._text(changes) is None:
            raise ValueError(f"the edit {head} does not apply to the solution")
        words = list(map(str.strip, words))
        hint = words.pop().removeprefix(_HINT) if words[-1].startswith(_HINT) else hint
        return Edit(changes, Kind(head, _plain(" ".join(words)), hint))

    def _text(self, changes):
        text = self.text
        for old, new in changes:
            if old not in text:
                return None
            text = text.replace(old, new)
        return text

    def made(self, *edits):
        """Return the function with these edits made, or None where the second finds nothing left to change."""
        if edits not in self._made:
            text, space = self._text([change for edit in edits for change in edit.changes]), dict(self.names)
            before = set(space)
            if text is not None:
                exec(compile(text, "<solution>", "exec"), space)
            made = [value for name, value in space.items() if name not in before and callable(value)]
            self._made[edits] = made[-1] if made else None
        return self._made[edits]

    def mistakes(self, *case):
        """Return (finding, result) for each mistake that gives a result for these inputs."""
        found = []
        for edit in self.edits:
            try:
                found.append((Finding(edit.kind), self.made(edit)(*case)))
            except Exception:  # an edit that cannot be computed here
                continue
        return found


def _plain(sentence):
    """A sentence without values: its brackets are no places of a template."""
    return sentence.replace("{", "{{").replace("}", "}}")


def unpacked(data):
    """Return a text of the checks that the students' copy of the course holds packed."""
    return zlib.decompress(base64.b64decode(data)).decode()
