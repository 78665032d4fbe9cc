"""What a check has found."""

from dataclasses import dataclass

from .._common import Finding, Kind, say

OPEN = Kind("open", lambda what, then, where="": f"Replace {what}. {then}")
HEAD = ("layer", "reference", "yours", "its shape", "")


@dataclass(frozen=True, repr=False)
class Verdict:
    """The result of a check. `str()` is text; in a notebook it shows with the table.

    ok:       whether everything is right. `state` is "right", "wrong" or, where nothing has been answered yet, "open".
    subject:  what was checked, "MyBTNK2".
    sentence: what is wrong, or what has been shown; where it is not given, that of the finding.
    where:    the learner's own line at which it stopped, or "".
    rows:     the reference's layers beside the learner's: (name, shape, the learner's name, its shape, verdict), where
              the verdict is "same", "missing", "extra" or "other shape"; empty where they all fit.
    remarks:  what else was noticed, sentences.
    hints:    from a nudge to nearly the solution; a notebook shows them folded, one inside the other. The hint of the
              finding's kind, if it has one, comes first.
    finding:  what was found wrong, None for a right one. Code and tests compare its kind, never the sentence.
    """

    ok: bool
    subject: str
    sentence: str = ""
    where: str = ""
    rows: tuple = ()
    remarks: tuple = ()
    hints: tuple = ()
    finding: Finding | None = None

    def __post_init__(self):
        if self.finding is not None:
            hint = self.finding.kind.hint
            object.__setattr__(self, "sentence", self.sentence or str(self.finding))
            if hint and hint not in self.hints:  # one made of another verdict has it
                object.__setattr__(self, "hints", (hint, *self.hints))

    @property
    def state(self):
        unanswered = self.finding is not None and self.finding.kind is OPEN
        return "right" if self.ok else "open" if unanswered else "wrong"

    @property
    def headline(self):
        return f"{self.subject} {'is not right yet' if self.state == 'wrong' else f'is {self.state}'}."

    def __str__(self):
        lines = [f"{self.headline} {self.sentence}"]
        lines += [self.where] if self.where else []
        lines += self.remarks
        if self.rows:
            few, left = self.cells()
            table = [HEAD, *few]
            widths = [max(len(r[i]) for r in table) for i in range(5)]
            lines += ["", *("  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in table)]
            lines += [f"… and {left:,} more layers"] if left else []
        return "\n".join(lines)

    __repr__ = __str__

    def cells(self):
        """The rows as texts, of which the first that differs says so, and how many are left out. A whole network has
        107 layers: the first that differs and its neighbours say enough."""
        at = next((i for i, row in enumerate(self.rows) if row[-1] != "same"), 0)
        few = range(len(self.rows)) if len(self.rows) <= 12 else range(max(0, at - 3), min(at + 6, len(self.rows)))
        cells = []
        for i in few:
            name, shape, own, its, verdict = self.rows[i]
            mark = "" if verdict == "same" else f"{verdict} ← the first" if i == at else verdict
            cells.append((name, _shape(shape), own or "–", _shape(its), mark))
        return cells, len(self.rows) - len(few)

    def _repr_html_(self):
        from ..views.verdict import verdict_view

        return verdict_view(self)


class Wrong(AssertionError):
    """Raised by a check that does not pass. `verdict` says why, and so does `str()`."""

    def __init__(self, verdict):
        super().__init__(str(verdict))
        self.verdict = verdict


def unanswered(subject, what, then, remarks=()):
    """Return the `Wrong` for an exercise that is still open. what: is to be replaced. then: what happens until then."""
    return Wrong(Verdict(False, subject, remarks=remarks, finding=Finding(OPEN, values={"what": what, "then": then})))


def _shape(shape):
    return "–" if shape is None else " × ".join(f"{n:,}" for n in shape)


def refuse(subject, findings, hints, where="", *, link=" "):
    """Return the `Wrong` that a check raises for these findings: what was seen, then what explains it.

    hints: where to look, the structure, nearly the solution; a finding's kind that has a hint of its own replaces the
    first. link: what stands between two explanations, such as " Or: ".
    """
    first, *more = map(say, findings)
    told = next((found for found in reversed(findings) if found.kind.hint), findings[min(1, len(findings) - 1)])
    hints = hints[1:] if told.kind.hint else hints  # the verdict puts the kind's own in front
    sentence = f"{first} {link.join(more)}".rstrip()
    return Wrong(Verdict(False, subject, sentence, where, hints=tuple(hints), finding=told))
