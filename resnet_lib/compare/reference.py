"""What a learner's module is compared with, and what it gives: computed once for all answers of a session."""

from copy import deepcopy
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
        self._runs, self._gradients, self._reached = {}, {}, None
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

    def reached(self, x, place):
        """Which of its results a value of x depends on in a growing way where all weights are positive. It refuses an
        infinite one, so it is given a very large one."""
        if self._reached is None:
            twin, x = deepcopy(self.module).double().eval(), x.double()
            for p in twin.parameters():
                p.data.fill_(1 / p.numel()) if p.dim() > 1 else None
            x[place] = 1e300
            self._reached = twin(x) > 1e50
        return self._reached

    def gradients(self, theirs, of):
        """of(its output, what it is taken by) → gradients, for a survey that `run` has given: {place: gradient}, of the
        input, "", and of each layer's (name, role)."""
        if id(theirs) not in self._gradients:
            asked = {(a.name, role): a.tensors.get(role) for a in theirs.layers for role in ROLES}
            asked = {"": theirs.x, **{place: t for place, t in asked.items() if t is not None}}
            self._gradients[id(theirs)] = dict(zip(asked, of(theirs.out, list(asked.values())), strict=True))
        return self._gradients[id(theirs)]
