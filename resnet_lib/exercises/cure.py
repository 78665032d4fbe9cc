"""Whether a patient of the clinic is cured by what the learner has put in the place of the mistake."""

import re

from ..compare.clinic import HEALTHY, Trial, prove, shapes, statistics
from ..compare.errors import IN_FUNCTIONS, meaning
from .progress import done
from .verdict import Verdict, Wrong

# What the check has said, a pattern → where to look. The first that fits counts.
LOOK = [
    (
        r"stops in stage\d.* size of tensor",
        "Which two shapes disagree, in which dimension? 0 is the batch, 1 the channels, 2 and 3 the size.",
    ),
    ("answers have shape", "The scores themselves are wanted, of every picture one for each class."),
    ("code stops", "An error of Python's, which the patient did not have: look first at what you changed last."),
    ("stage0.conv.weight has other", "Not even the first weight has arrived: which line writes into the network?"),
    ("running_mean has other", "Running means and variances are no parameters: state_dict() has them all the same."),
    ("Shapes differ", "Sizes change by strides and paddings alone, channels by what a convolution gives out."),
    ("beside it", "Which layer lets the pictures of a batch see each other, and in which mode?"),
    ("answers are not", "The network is equal at every step: look at what is done before it and after it."),
    ("Different", "All before the step that it names is right: read only the lines between."),
    ("wrote over", "What writes into a tensor that somebody else holds as well? inplace=True and += do."),
    ("statistics", "What goes into the step that it names, and with which weights does it begin? Zeros have a cause."),
    ("losses", "Go through one step in order: the mode, the scores, the loss, the gradients, the weights."),
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
        raise Wrong(Verdict(False, subject, left, hints=_hints(patient, left)))
    done(exercise)
    sentence = "Cured: shapes, parameters and MACs are healthy, and so are the numbers at every step."
    return Verdict(True, subject, sentence)


def _left(patient, parts, names):
    """What is still wrong with these parts, in sentences, or ""."""
    design, proof = shapes(parts), prove(parts, names)
    if design.error or proof.error:
        return _stopped(design, proof, parts)
    if design.sick and not proof.cause:
        return design.text
    if proof.sick:
        cause = proof.cause or ""
        if cause and cause == prove(patient.parts).cause:
            cause = "This is still the mistake that it came with."  # which one, its hints say
        return f"{proof.text} {cause}".strip()
    before, now = (statistics(p, patient.healthy) for p in (patient.parts, parts))
    if now.rewritten and before.rewritten:
        return now.text
    # How a network begins is seen in its statistics alone: there all of them have to be healthy.
    symptoms = {(r.step, r.what) for r in (now if patient.healthy else before).odd}
    if still := [r for r in now.odd if (r.step, r.what) in symptoms]:
        r = still[0]
        where = f"{r.what} {r.value:.3g}, healthy {r.low:.3g} to {r.high:.3g}"
        return f"The statistics of {r.step} are not healthy: {where}."
    if "step" in patient.parts:
        trial = Trial(parts, patient.healthy, steps=6).run()
        if trial.error or trial.alike < trial.steps:
            return f"{trial.text} With the same first weights, its losses should be the healthy ones."
    return ""


def _stopped(design, proof, parts):
    """Where the code of these parts stops and what Python's error probably means, in sentences."""
    error = design.error or proof.error
    place = f" in {design.first}" if design.error and design.rows[0][2] else ""
    # An error with None is a forgotten return, in a network as in a function.
    module = {"stem", "block", "stages", "head"} >= {name for name, part in parts.items() if part is not HEALTHY[name]}
    means = meaning(RuntimeError(error), () if module or "NoneType" in error else IN_FUNCTIONS)
    short = error[:200].rstrip(".") + (" …" if error[200:] else ".")
    return f"The code stops{place}. " + (f"{means} (Python says: {short})" if means else short)


def _hints(patient, left):
    """From what was seen, to the diagnosis, to the place that has to change."""
    place = " … ".join(wrong.strip() for wrong, _right in patient.repair)
    symptom = next((hint for said, hint in LOOK if re.search(said, left)), COUNTS)
    return symptom, f"The diagnosis: {patient.diagnosis}", f"This has to change: {place}"
