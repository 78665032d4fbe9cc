"""Whether a patient of the clinic is cured by what the learner has put in the place of the mistake."""

from .._common import Finding, Kind
from ..compare.clinic import HEALTHY, Trial, prove, shapes, statistics
from ..compare.errors import IN_FUNCTIONS, meaning
from ..compare.words import kinds, several
from .progress import done
from .verdict import Verdict, Wrong

ERROR = Kind("stopped", "{cause} (Python says: {said})")
SAID = Kind("said", "{cause}.")
STOPS = Kind("patient stops", "The code stops{place}. {cause}")
SAME = Kind("still the same mistake", "{cause} This is still the mistake that it came with.")  # which one, hints say
SYMPTOM = Kind(
    "still a symptom", "The statistics of {where} are not healthy: {what} {value:.3g}, healthy {low:.3g} to {high:.3g}."
)
OTHER_LOSSES = Kind("other losses", "{cause} With the same first weights, its losses should be the healthy ones.")

# (where to look, kinds of what was found); the first that fits counts.
LOOK = [
    (
        "Which two shapes disagree, in which dimension? 0 is the batch, 1 the channels, 2 and 3 the size.",
        ("channels of the terms", "widths of the terms"),
    ),
    ("The scores themselves are expected, of every picture one for each class.", ("answers' shape",)),
    (
        "An error of Python's, which the patient did not have: look first at what you changed last.",
        ("patient stops", "code stops", "design stops", "network stopped"),
    ),
    ("Not even the first weight has arrived: which line writes into the network?", ("first weight other",)),
    (
        "Running means and variances are no parameters: state_dict() has them all the same.",
        ("statistics other",),
    ),
    ("Sizes change by strides and paddings alone, channels by what a convolution gives out.", ("shapes",)),
    (
        "Which layer lets the pictures of a batch see each other, and in which mode?",
        ("answers depend on neighbours",),
    ),
    ("The network is equal at every step: look at what is done before it and after it.", ("other answers",)),
    ("All before the step that it names is right: read only the lines between.", ("ladder differs",)),
    (
        "What writes into a tensor that somebody else holds as well? inplace=True and += do.",
        ("rewritten",),
    ),
    (
        "What goes into the step that it names, and with which weights does it begin? Zeros have a cause.",
        ("still a symptom",),
    ),
    (
        "Go through one step in order: the mode, the scores, the loss, the gradients, the weights.",
        ("other losses", "no training"),
    ),
]
COUNTS = "Parameters come from layers. MACs come from layers and from the size of the maps."


def check_cured(patient, *, names=None, exercise=None, **parts):
    """Whether these parts, put in the place of a patient's own, cure it. Returns a `Verdict` or raises `Wrong`.

    Any code passes that has the healthy shapes, parameters and MACs, gives the healthy network's numbers with the same
    weights, and no longer shows what the statistics showed. A mended `step` has to give the healthy losses.
    patient: a `patients.Patient`. names: as `proof.ladder`'s, for a learner's own names of layers.
    ValueError for a part of an unknown name, and where none is given.
    """
    if not parts:
        raise ValueError(f"give the mended part, as in check_cured(patient, {next(iter(patient.parts))}=…)")
    if unknown := parts.keys() - HEALTHY.keys():
        raise ValueError(f"no part is called {sorted(unknown)[0]!r}; there are {', '.join(HEALTHY)}")
    subject = ", ".join(getattr(part, "__name__", str(part)) for part in parts.values())
    if left := _left(patient, {**patient.parts, **parts}, names):
        raise Wrong(Verdict(False, subject, hints=_hints(patient, left), finding=left))
    done(exercise)
    sentence = "Cured: shapes, parameters and MACs are healthy, and so are the numbers at every step."
    return Verdict(True, subject, sentence)


def _left(patient, parts, names):
    """What is still wrong with these parts, a finding, or None."""
    design, proof = shapes(parts), prove(parts, names)
    if design.error or proof.error:
        return _stopped(design, proof, parts)
    if design.sick and not proof.why:
        return design.finding
    if proof.sick:
        if proof.why and proof.cause == prove(patient.parts).cause:
            return Finding(SAME, values={"cause": proof.finding})
        return several(proof.finding, proof.why)
    before, now = (statistics(p, patient.healthy) for p in (patient.parts, parts))
    if now.rewritten and before.rewritten:
        return now.finding
    # How a network begins is seen in its statistics alone: there all of them have to be healthy.
    symptoms = {(r.step, r.what) for r in (now if patient.healthy else before).odd}
    if still := [r for r in now.odd if (r.step, r.what) in symptoms]:
        r = still[0]
        return Finding(SYMPTOM, r.step, {"what": r.what, "value": r.value, "low": r.low, "high": r.high})
    if "step" in patient.parts:
        trial = Trial(parts, patient.healthy, steps=6).run()
        if trial.error or trial.alike < trial.steps:
            return Finding(OTHER_LOSSES, values={"cause": trial.finding})
    return None


def _stopped(design, proof, parts):
    """Where the code of these parts stops and what Python's error probably means, as a finding."""
    error = design.error or proof.error
    if isinstance(error, Finding):
        return Finding(STOPS, values={"place": "", "cause": Finding(SAID, values={"cause": error})})
    place = f" in {design.first}" if design.error and design.rows[0][2] else ""
    # An error with None is a forgotten return, in a network as in a function.
    module = {"stem", "block", "stages", "head"} >= {name for name, part in parts.items() if part is not HEALTHY[name]}
    means = meaning(RuntimeError(error), () if module or "NoneType" in error else IN_FUNCTIONS)
    short = error[:200].rstrip(".") + (" …" if error[200:] else ".")
    cause = Finding(ERROR, values={"cause": means, "said": short}) if means else short
    return Finding(STOPS, values={"place": place, "cause": cause})


def _hints(patient, left):
    """From what was seen, to the diagnosis, to the place that has to change."""
    place = " … ".join(wrong.strip() for wrong, _right in patient.repair)
    names = set(kinds(left))
    symptom = next((hint for hint, of in LOOK if names & set(of)), COUNTS)
    return symptom, f"The diagnosis: {patient.diagnosis}", f"This has to change: {place}"
