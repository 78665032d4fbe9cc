"""What is found, and its words."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from textwrap import dedent


@dataclass(frozen=True)
class Kind:
    """What can be found wrong, with the words for it.

    name:     short and stable, "layer missing", "not downloaded": what code and tests compare.
    sentence: a template for `str.format` with the finding's values and its `where`, or a callable of them by name.
    hint:     where to look, in a check of a function, if this kind has a hint of its own. Of a learner's part or
              network, several kinds share a hint: `exercises.symptoms` has those.
    """

    name: str
    sentence: str | Callable[..., str]
    hint: str = ""


def kinds_of(table):
    """Return name → `Kind` of a table, written as those of mistakes in `exercises.edits`.

    A kind begins with `name: sentence`, which may go on in indented lines; an indented `Hint: …` is its own. One that
    is not indented is that of all kinds below it.
    """
    found, hint = {}, ""
    for row in re.split(r"\n(?=\S)", dedent(table).strip()):
        row = " ".join(row.split())
        if row.startswith("Hint: "):
            hint = row.removeprefix("Hint: ")
        else:
            told, _, own = row.partition(" Hint: ")
            name, _, sentence = told.partition(": ")
            found[name] = Kind(name, sentence, own or hint)
    return found


@dataclass(frozen=True)
class Finding:
    """One thing found: its kind, where (a layer, argument, input, file or line) and the values its sentence names.

    A value may be a finding itself, the cause of this one; in a sentence it becomes its own sentence.
    """

    kind: Kind
    where: str = ""
    values: Mapping = field(default_factory=dict)

    def __str__(self):
        return say(self)


def with_article(name):
    """Return "an int" for "int"."""
    return f"{'an' if name[0] in 'aeioAEIO' or name == 'ndarray' else 'a'} {name}"


def a_type(value):
    """Return the type of a value with its article, "an int", for sentences."""
    return with_article("complex number" if isinstance(value, complex) else type(value).__name__)


def say(finding):
    """Return the sentence of a finding: the only place where a finding becomes words, and nothing reads them back."""
    sentence, values = finding.kind.sentence, {"where": finding.where, **finding.values}
    return sentence(**values) if callable(sentence) else sentence.format(**values)
