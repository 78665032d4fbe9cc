"""A module that is right for one input in one mode: in the other mode, for other inputs, on the way back, once more."""

from dataclasses import replace

import torch

from .._common import gap
from .backward import backward
from .differing import TOLERANCE, Found, dropped, explain, line_of, look_before, other_type, same, two_numbers
from .errors import stopped
from .kinds import found, kinds, layer_name
from .own_names import stays
from .pairing import copy, pairs_of
from .steady import another_time, unsteady
from .survey import survey
from .unusual import unusual

ENOUGH = 10 * TOLERANCE  # in training, where each BN divides by what rounding has touched
MUCH = 100 * ENOUGH
MODES = {"batch statistics", "batch statistics everywhere", "eps", "eps everywhere"}  # in training they show little


def of_eval(wrong, learner, known, i, surveys, tried):
    """The same `Found`, which also says so where in training mode the i-th input gives the right numbers: what is left
    out in eval() alone stands in the code, and whoever reads that it is missing looks for it in vain.

    In training a BN hides a factor and what is small: what it stores has to be right as well, and in eval() much has to
    be wrong.
    """
    x, mine = known.inputs[i], surveys[1]
    if x.shape[0] == 1 or MODES & set(kinds(wrong.finding)):
        return wrong
    for places, run in tried:
        if isinstance(run.out, torch.Tensor) and gap(run.out, known.run(i).out)[1] < MUCH:
            continue
        if runs := _right_in_training(learner, known, i, places, surveys):
            other = survey(learner, x.flip(0), mine).out  # what it keeps of one input shows at the next
            if isinstance(other, torch.Tensor) and same(other.flip(0), runs[0].out, ENOUGH):
                return wrong._replace(finding=found("only in eval", cause=wrong.finding))
    return wrong


def _right_in_training(learner, known, i, places, surveys):
    """The surveys of the i-th input in training mode, the reference's and the learner's, where the learner's module
    gives and stores the right numbers; or None."""
    first, mine = surveys
    with torch.no_grad():
        copy(pairs_of(places, first, mine, mine))
    theirs, run = known.run(i, True), survey(learner, known.inputs[i], mine, training=True)
    right = not run.error and same(run.out, theirs.out, ENOUGH)
    return (theirs, run) if right and not _stored(pairs_of(places, theirs, run, mine), known.inputs[i]) else None


def elsewhere(learner, known, places, surveys, part, noted):
    """What differs on the way back, or in training mode: BN's other life, whose stored numbers must follow as well.
    surveys: the reference's and the learner's, of the first input."""
    reference, inputs = known.module, known.inputs
    first, mine = surveys

    def again():
        with torch.no_grad():
            copy(pairs_of(places, first, last, mine))

    last = mine
    at = [(False, 0)] * bool(part) + [(True, i) for i, x in enumerate(inputs) if x.shape[0] > 1 or part and _small(x)]
    for training, i in at:
        again()
        x = inputs[i]
        theirs, run = known.run(i, training), survey(learner, x, mine, training=training)
        last = run
        if wrong := unsteady(run, training):
            return Found(wrong, shape=x.shape)
        if run.error:
            wrong = found("fails in training", cause=stopped(run.error))
            return Found(wrong, line_of(run, learner), shape=x.shape)
        if not same(run.out, theirs.out, ENOUGH):
            again()
            wrong = explain(learner, reference, x, theirs, mine, [(places, run)], part, training=True)
            return wrong._replace(shape=x.shape)
        if wrong := other_type(run, theirs):
            return Found(found("only in training", cause=wrong) if training else wrong, shape=x.shape)
        if run.changed:
            return Found(found("input overwritten"), shape=x.shape)
        if run.dropped and (wrong := dropped(learner, x, theirs, mine, [(places, run)])):
            return Found(wrong, shape=x.shape)
        pairs = pairs_of(places, theirs, run, mine)
        if wrong := training and _stored(pairs, x):
            return Found(wrong, shape=x.shape)
        if wrong := backward(known, theirs, run, pairs, part, training):
            only = " in training mode" if training and part else ""  # in eval() it was right
            if not training and _trains(learner, known, places, surveys):
                only = " in eval()"
            wrong = replace(wrong, values={**wrong.values, "only": only})
            return Found(wrong, wrong.values.get("line", ""), shape=x.shape)
    if noted is not None:
        again()
        noted += stays(learner)
        if wrong := another_time(learner, known, again):
            return Found(wrong)
        again()  # the unusual comes last: an answer that keeps something would keep the NaN that it is given there
        if wrong := unusual(learner, known, pairs_of(places, first, last, mine), noted):
            return Found(wrong)
    return None


def _trains(learner, known, places, surveys):
    """Whether in training mode the way back is right."""
    i = next(i for i, x in enumerate(known.inputs) if x.shape[0] > 1)
    runs = _right_in_training(learner, known, i, places, surveys)
    return runs and not backward(known, *runs, pairs_of(places, *runs, surveys[1]), "", True)


def _small(x):
    """Whether an input is quick to run and not so loud that F(x) drowns in x."""
    return x.numel() < 10_000 and x.abs().max() < 100


def _stored(pairs, x):
    """A BN that does not keep the running mean and variance of x, as a finding, or None."""
    for layer, own in pairs:
        # A variance divided by n and not by n − 1 is no mistake worth a word.
        for role, enough in (("mean", ENOUGH), ("var", 0.02)) if layer.kind == "norm" else ():
            if own.tensors[role].requires_grad:
                return found("statistics keep a graph", layer_name(own.name))
            if not same(*(t.tensors[role].view(-1) for t in (own, layer)), enough):
                if own.calls > 1:
                    return found("called several times", layer_name(own.name), times=own.calls)
                if _given_other(layer, own):
                    values = two_numbers(own.given, layer.given)
                    values |= {"mode": "in training mode ", "before": look_before(layer, x)}
                    return found("numbers differ before", layer_name(own.name), **values)
                return found("running statistics" if own.given is not None else "stored numbers", layer_name(own.name))
    return None


def _given_other(layer, own):
    given = own.given
    return given is not None and given.shape == layer.given.shape and not same(given, layer.given, ENOUGH)
