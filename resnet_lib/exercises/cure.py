"""Whether a patient of the clinic is cured by what the learner has put in the place of the mistake."""

import math
from functools import cache, wraps
from types import FunctionType

import torch

from .._common import Finding, Kind, one_thread, seeded, shape_text, watched
from ..compare.clinic import HEALTHY, Trial, assemble, loads_by_name, loads_otherwise, prove, shapes, statistics
from ..compare.endless import Endless, within
from ..compare.errors import meaning, stopped, where
from ..compare.kinds import kinds, several
from ..compare.matching import compare
from ..compare.meanings import IN_FUNCTIONS
from ..compare.reference import Reference
from ..compare.steady import lasting
from .parts import LOUD
from .progress import done, working
from .symptoms import hint_rows
from .unaffected import torch_again
from .verdict import Verdict, Wrong

ERROR = Kind("stopped", "{cause} (Python says: {said})")
STOPS = Kind("patient stops", "The code stops{place}. {cause}")
SAME = Kind("still the same mistake", "{cause} This is still the mistake that it came with.")  # which one, hints say
SYMPTOM = Kind(
    "still a symptom", "The statistics of {where} are not healthy: {what} {value:.3g}, healthy {low:.3g} to {high:.3g}."
)
OTHER_LOSSES = Kind("other losses", "{cause} With the same first weights, its losses should be the healthy ones.")
LEARNS_NOT = Kind(
    "learns not",
    "As the network begins, no gradient comes to {where}; in a healthy one it learns from the first step on.",
    "What is zero or frozen on the way back to it?",
)
ELSEWHERE = Kind(
    "wrong elsewhere",
    "{at}: {cause}",
    "Which of the numbers that your code is given does it use, and which did you type in or leave out?",
)
UNNOTICED = Kind(
    "unknown name unnoticed",
    "{name} accepts weights of which one has another name, {where}, and says nothing: that layer keeps the numbers it "
    "was drawn with. A function that loads by name should raise an error there.",
    "strict=False silences the error that load_state_dict raises for a name that does not fit.",
)
BY_ORDER = Kind(
    "unknown name loaded by order",
    "{name} accepts weights of which one has another name, {where}, and puts them into the network: it looks at the "
    "order and not at that name. A function that loads by name should raise an error there.",
    "zip pairs the first with the first, whatever they are called. Which names does your code compare?",
)
WEIGHTS_CHANGED = Kind(
    "weights changed",
    "{name} changes {where} of the weights that it is given. They should only be read: others use them too.",
    "What stands on the left of = or before .copy_(…): the network's tensor, or the published one?",
)
_AFTERWARDS = "Print the network's parameters after loading: their numbers, and requires_grad."
LOADED = {
    "other numbers": Kind(
        "loaded rounded",
        "{name} gives {where} other numbers than the published ones: copy them as they are.",
        _AFTERWARDS,
    ),
    "frozen": Kind(
        "loaded frozen",
        "After {name}, {where} no longer asks for a gradient: the network could not learn.",
        _AFTERWARDS,
    ),
}

# (where to look, kinds of what was found); the first that fits counts.
LOOK = hint_rows(
    """
    channels of the terms; widths of the terms → Which two shapes disagree, in which dimension? 0 is the batch, 1 the
        channels, 2 and 3 the size.
    answers' shape → The scores themselves are expected, of every picture one for each class.
    patient stops; code stops; design stops; network stopped → An error of Python's, which the patient did not have:
        look first at what you changed last.
    first weight other → Not even the first weight has arrived: which line writes into the network?
    statistics other → Running means and variances are no parameters: state_dict() has them all the same.
    shapes → Sizes change by strides and paddings alone, channels by what a convolution gives out.
    answers depend on neighbours → Which layer lets the pictures of a batch see each other, and in which mode?
    answers repeated → What is given back that was computed in an earlier call, or for no picture at all?
    other answers → The network is equal at every step: look at what is done before it and after it.
    ladder differs → All before the step that it names is right: read only the lines between.
    rewritten → What writes into a tensor that somebody else holds as well? inplace=True and += do.
    still a symptom → What goes into the step that it names, and with which weights does it begin? Zeros have a cause.
    other losses; no training → Go through one step in order: the mode, the scores, the loss, the gradients, the
        weights.
    """
)
ROOM = 1.5  # times as long as one call of a function may take, all examinations may take
COUNTS = "Parameters come from layers. MACs come from layers and from the size of the maps."


def check_cured(patient, *, names=None, exercise=None, **parts):
    """Whether these parts, put in the place of a patient's own, cure it. Returns a `Verdict` or raises `Wrong`.

    Any code passes that has the healthy shapes, parameters and MACs, gives the healthy network's numbers and gradients
    with the same weights, in ResNet-50 and in smaller designs, and no longer shows what the statistics showed. A mended
    `step` has to give the healthy losses, and a mended `load` has to refuse a name that does not fit.
    patient: a `patients.Patient`. names: as `proof.ladder`'s, for a learner's own names of layers.
    ValueError for a part of an unknown name, and where none is given.
    """
    if not parts:
        raise ValueError(f"give the mended part, as in check_cured(patient, {next(iter(patient.parts))}=…)")
    if unknown := parts.keys() - HEALTHY.keys():
        raise ValueError(f"no part is called {sorted(unknown)[0]!r}; there are {', '.join(HEALTHY)}")
    left_in_torch = []
    parts = {name: _watched(part, left_in_torch) for name, part in parts.items()}
    subject = ", ".join(getattr(part, "__name__", str(part)) for part in parts.values())
    line = ""
    try:
        with working("Shapes, numbers, statistics and other designs are compared with healthy ones: a few seconds."):
            left = _left(patient, {**patient.parts, **parts}, names)
    except Exception as error:  # one without end, or one that comes in a later call alone
        left, line = Finding(STOPS, values={"place": "", "cause": stopped(error)}), where(error)
    if left := left or lasting(left_in_torch, subject):
        raise Wrong(Verdict(False, subject, where=line, hints=_hints(patient, left), finding=left))
    done(exercise)
    sentence = "Cured: shapes, parameters and MACs are healthy, and so are the numbers, in other designs as well."
    return Verdict(True, subject, sentence)


def _watched(part, noted):
    """A learner's function, after each call of which torch is as before; what it left otherwise is noted. Classes, and
    what is no function at all, are returned as they are."""
    if not isinstance(part, FunctionType):
        return part

    @wraps(part)
    def run(*given, **named):
        with torch_again(), watched(chance=False) as changes:
            found = part(*given, **named)
        noted.extend(changes)
        return found

    return run


def _left(patient, parts, names):
    """What is still wrong with these parts, a finding, or None."""
    design, proof = shapes(parts), prove(parts, names, brief=True)
    if design.error or proof.error:
        return _stopped(design, proof, parts)
    # MACs are counted of layers that are modules: where all else is healthy and the numbers right, they are no sign.
    only_macs = design.first is None and design.parameters[0] == design.parameters[1]
    if design.sick and not proof.why and not (only_macs and not proof.sick):
        return design.finding
    other_names = proof.sick and proof.why and "renamed" in kinds(proof.why)
    if other_names:
        if wrong := _elsewhere(parts):
            return wrong
        # Names are free. Weights go by name, so that what is done with the network is seen in a healthy one.
        proof = prove({**parts, **{name: HEALTHY[name] for name in MODULES}}, brief=True)
    if proof.sick:
        if proof.why and proof.cause == _cause(tuple(patient.parts.items())):
            return Finding(SAME, values={"cause": proof.finding})
        return several(proof.finding, proof.why)
    found = _symptom(patient, parts) or _of_beginning(patient, parts) or _of_loading(parts)
    return found or (None if other_names else _elsewhere(parts))


# What a patient showed when it came: each of a learner's tries is compared with the same.


@cache
def _cause(parts):
    return prove(dict(parts), brief=True).cause


@cache
def _before(parts, healthy):
    return statistics(dict(parts), dict(healthy))


def _symptom(patient, parts):
    """What the statistics or the first steps of training still show, a finding, or None."""
    before = _before(tuple(patient.parts.items()), tuple(patient.healthy.items()))
    now = statistics(parts, patient.healthy)
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


def _of_beginning(patient, parts):
    """What a network that begins in this way could not learn, although a healthy one could; a finding, or None."""
    if "initialise" not in patient.parts:
        return None
    due, mine = (_learns(assemble(given)) for given in (patient.healthy, parts))
    return next((Finding(LEARNS_NOT, name) for name, learns in due.items() if learns and not mine.get(name)), None)


def _learns(network):
    """Of each parameter whether a gradient comes to it, in training, as the network begins."""
    x = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.enable_grad():
        network.train()(x).square().sum().backward()
    return {name: p.grad is not None and bool(p.grad.any()) for name, p in network.named_parameters()}


def _of_loading(parts):
    """What is wrong with a function that loads, although the weights arrive; a finding, or None."""
    if not (load := parts.get("load")):
        return None
    name, (changed, unnoticed, arrived) = getattr(load, "__name__", "load"), loads_by_name(parts)
    if changed:
        return Finding(WEIGHTS_CHANGED, changed, {"name": name})
    if other := loads_otherwise(parts):
        return Finding(LOADED[other[0]], other[1], {"name": name})
    return Finding(BY_ORDER if arrived else UNNOTICED, unnoticed, {"name": name}) if unnoticed else None


@one_thread()
def _elsewhere(parts):
    """What is wrong with the modules of these parts in other designs, forward and back, in eval() and in training mode;
    a finding, or None. ResNet-50 has no block with C = 4·C1 and a stride, none with S = 3, and pictures never show an
    upper end."""
    for at, part, make, sizes in CASES:
        if all(parts.get(name, HEALTHY[name]) is HEALTHY[name] for name in OF[part]):
            continue
        if at not in _KNOWN or not _KNOWN[at].whole:
            draw = torch.Generator().manual_seed(0)
            inputs = [torch.randn(shape[:4], generator=draw) * math.prod(shape[4:]) for shape in sizes]
            _KNOWN[at] = Reference(seeded(0, make, parts=HEALTHY), inputs)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            try:
                with within():
                    made = make({**HEALTHY, **parts})
                wrong = compare(made, _KNOWN[at], part)
            except Endless:
                raise
            except Exception as error:  # whatever a learner's code raises is a finding
                return Finding(ELSEWHERE, values={"at": at, "cause": stopped(error)})
        if wrong:
            at += f", input {shape_text(wrong.shape)}" if wrong.shape else ""
            return Finding(ELSEWHERE, values={"at": at, "cause": wrong.finding})
    return None


_KNOWN = {}  # where → the `Reference` of healthy parts
MODULES = ("stem", "block", "stages", "head")
# What `compare` calls a part → whose it is.
OF = {"stage0": ("stem",), "block": ("block",), "": ("stages", "head")}


def _cases():
    """(where, what `compare` calls it, parts → module, shapes of the inputs, and how large they are)."""
    for base, *sizes in ((8, (2, 3, 33, 30), (3, 3, 30, 29, LOUD)), (12, (2, 3, 29, 32), (1, 3, 31, 34))):
        yield f"base = {base}", "stage0", lambda parts, base=base: parts["stem"](base), sizes
    # With and without a projection, each with and without a stride.
    for C, C1, S in ((16, 4, 1), (8, 8, 1), (24, 4, 1), (16, 4, 2), (12, 4, 2), (12, 3, 3)):
        yield (
            f"C = {C}, C1 = {C1}, S = {S}",
            "block",
            lambda parts, numbers=(C, C1, S): parts["block"](*numbers),
            [(2, C, 9, 6), (3, C, 6, 7), (1, C, 66, 5, LOUD)],
        )
    for base, blocks, classes in ((8, (2, 1, 1, 1), 5), (4, (1, 1, 3, 2), 7)):
        yield (
            f"A ResNet of {blocks} blocks, base = {base}, {classes} classes",
            "",
            lambda parts, base=base, blocks=blocks, n=classes: assemble(parts, base=base, blocks=blocks, num_classes=n),
            [(2, 3, 33, 40), (3, 3, 40, 33, 100 * LOUD)],  # of a network less than that arrives at its head
        )


CASES = tuple(_cases())


def _stopped(design, proof, parts):
    """Where the code of these parts stops and what Python's error probably means, as a finding."""
    error = design.error or proof.error
    if isinstance(error, Finding):
        return error
    place = f" in {design.first}" if design.error and design.rows[0][2] else ""
    # An error with None is a forgotten return, in a network as in a function.
    module = {"stem", "block", "stages", "head"} >= {name for name, part in parts.items() if part is not HEALTHY[name]}
    means = meaning(RuntimeError(error), () if module or "NoneType" in error else IN_FUNCTIONS)
    short = error[:200].rstrip(".") + (" …" if error[200:] else ".")
    cause = Finding(ERROR, values={"cause": means, "said": short}) if means else short
    return Finding(STOPS, values={"place": place, "cause": cause})


def _hints(patient, left):
    """From what was seen, to the diagnosis, to the place that has to change."""
    place = " … ".join(wrong.strip() for wrong in patient.repair)
    names = set(kinds(left))
    symptom = next((hint for hint, of in LOOK if names & set(of)), COUNTS)
    return symptom, f"The diagnosis: {patient.diagnosis}", f"This has to change: {place}"
