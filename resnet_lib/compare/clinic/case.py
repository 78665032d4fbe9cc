"""A case of the clinic."""

import inspect
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Patient:
    """A case of the clinic.

    complaint: what its author says, the title of the case.
    parts:     what of it replaces a healthy part, name → code.
    diagnosis: what is wrong, in one sentence.
    others:    a diagnosis that is wrong → why the symptoms do not fit it; three of them.
    reason:    why it matters, and where it is known from.
    sources:   (project and thread, address) of real cases.
    repair:    a piece of the code → what it should be; all that has to change.
    healthy:   parts that the healthy networks have as well when they are compared.
    """

    complaint: str
    parts: dict
    diagnosis: str
    others: dict
    reason: str
    sources: tuple = ()
    repair: dict = field(default_factory=dict)
    healthy: dict = field(default_factory=dict)

    @property
    def code(self):
        """The source of its parts."""
        return "\n\n".join(inspect.getsource(part).rstrip() for part in self.parts.values()) + "\n"

    @property
    def mended(self):
        """The same, mended."""
        code = self.code
        for wrong, right in self.repair.items():
            code = code.replace(wrong, right)
        return code

    @property
    def choices(self):
        """All diagnoses, in an order that says nothing."""
        return sorted([self.diagnosis, *self.others])

    def feedback(self, diagnosis):
        """(whether it is right, a sentence on it). ValueError for none of the choices."""
        if diagnosis == self.diagnosis:
            return True, self.reason
        why = self.others.get(diagnosis)
        if why is None:
            raise ValueError(f"{diagnosis!r} is none of this patient's choices: {'; '.join(self.choices)}")
        return False, why
