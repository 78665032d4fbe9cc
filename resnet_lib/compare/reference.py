"""What a learner's module is compared with, and what it gives: computed once for all answers of a session."""

from itertools import chain

import torch

from .rungs import draw_norms
from .survey import survey

ROLES = "weight", "bias"  # of a layer's tensors, those that are trained


class Reference:
    """The library's module and the inputs of a comparison, with what the module gives for them, when it is asked for.

    inputs: tensors that reach every branch of an honest implementation; the first serves for explanations.
    """

    def __init__(self, module, inputs):
        self.module, self.inputs = module, inputs
        self._runs, self._gradients = {}, {}
        with torch.no_grad():
            draw_norms(module)
        self._versions = self._now()

    @property
    def whole(self):
        """Whether nothing has written to its numbers since."""
        return self._now() == self._versions

    def _now(self):
        tensors = chain(self.module.named_parameters(), self.module.named_buffers())
        return [(name, t.data_ptr(), t._version) for name, t in tensors]

    def run(self, i, training=False):
        """Its `Survey` of input number i. What BNs store in training is in the survey; the module keeps its own."""
        self.module.train(training)
        if (i, training) not in self._runs:
            kept = [(m, dict(m._buffers)) for m in self.module.modules()]
            for m, buffers in kept if training else ():
                m._buffers.update({name: t.clone() for name, t in buffers.items()})
            with torch.enable_grad():
                self._runs[i, training] = survey(self.module, self.inputs[i])
            for m, buffers in kept:
                m._buffers.update(buffers)
        return self._runs[i, training]

    def gradients(self, theirs, of):
        """of(its output, what it is taken by) → gradients, for a survey that `run` has given: {place: gradient}, of the
        input, "", and of each layer's (name, role)."""
        if id(theirs) not in self._gradients:
            asked = {(a.name, role): a.tensors.get(role) for a in theirs.layers for role in ROLES}
            asked = {"": theirs.x, **{place: t for place, t in asked.items() if t is not None}}
            self._gradients[id(theirs)] = dict(zip(asked, of(theirs.out, list(asked.values())), strict=True))
        return self._gradients[id(theirs)]
