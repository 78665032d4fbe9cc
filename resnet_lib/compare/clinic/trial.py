"""The slow examination: a moment of training beside two healthy networks."""

from dataclasses import replace
from functools import cache, lru_cache
from math import isclose, isfinite

import torch

from ..._common import one_thread, say
from ...experiments.tasks import photographs
from ...experiments.training import FAST, Recipe, Training
from ..endless import within
from ..kinds import found, several
from .healthy import HEALTHY, assemble, said

STEPS = 3 if FAST else 200
LATE = 20  # the last steps, whose mean loss is compared
EARLY = 5  # the first steps, in which a healthy step of training gives the healthy losses
RECIPE = Recipe(batch=64, peak=0.05, weight_decay=0.0)


class Run:
    """A network of these parts, trained by its own `prepare` and `step`, which need not be healthy.

    losses: so far. unmoved: names of what has numbers, and still those that it began with.
    """

    def __init__(self, parts, seed, steps):
        parts = {**HEALTHY, **parts}
        self.network = assemble(parts, seed).to(memory_format=torch.channels_last)
        self._began = {name: t.clone() for name, t in self._numbers()}
        pictures, labels = _task().train

        def update(*given):
            loss = float(parts["step"](*given))
            if not isfinite(loss):  # Training would advise a lower learning rate, which is no patient's trouble here
                raise ValueError(f"after {len(self.losses)} steps the loss is {loss}, no number")
            return loss

        recipe = replace(RECIPE, epochs=-(-steps * RECIPE.batch // len(labels)))
        training = Training(
            self.network, pictures, labels, recipe, prepare=lambda x, _done: parts["prepare"](x), update=update
        )
        training.steps = steps  # which may end within an epoch
        self.losses, self._steps = training.losses, iter(training)

    def _numbers(self):
        return [(name, t) for name, t in self.network.state_dict().items() if t.is_floating_point()]

    @property
    def unmoved(self):
        return tuple(name for name, t in self._numbers() if torch.equal(t, self._began[name]))

    @one_thread()
    def advance(self):
        """One step; every run sees the same pictures in the same order. ValueError where the loss is not finite."""
        with within():
            next(self._steps)


@cache
def _task():
    return photographs(n=640, n_test=20)


@cache
def _twins(parts, steps):
    return {"healthy": Run(dict(parts), 0, steps), "healthy, other weights": Run(dict(parts), 1, steps)}


# The parts that training uses: those of `answer` and `load` come after it.
USED = ("stem", "block", "stages", "head", "initialise", "prepare", "step")


def _patient(parts, steps):
    """The patient's run; of the same parts it is trained once in a session, as the healthy ones are."""
    own = ((name, parts.get(name, HEALTHY[name])) for name in USED)
    return _run(tuple((name, part) for name, part in own if part is not HEALTHY[name]), steps)


@lru_cache(maxsize=16)
def _run(parts, steps):
    return Run(dict(parts), 0, steps)


class Trial:
    """A patient trained for a moment beside two healthy networks with other first weights: what differs more than
    those two do is no luck.

        trial = Trial(parts)
        for step in trial:          # or trial.run(), to the end
            ...                     # trial.losses grows; break whenever you like

    healthy: parts that the healthy networks shall have as well. steps: of each network.
    losses: name → losses so far, as many of each, of "patient", "healthy" and "healthy, other weights"; the healthy
    ones are trained once in a session. error: what the code raised, or None.
    Two more things need no luck: up to which step the losses are those of the healthy network with the same first
    weights (`alike`), and what never moves (`unmoved`).
    """

    def __init__(self, parts, healthy=None, steps=None):
        self.steps = STEPS if steps is None else steps
        self._runs, self.error = dict(_twins(tuple(sorted((healthy or {}).items())), self.steps)), None
        try:
            network, prepare = assemble(parts), {**HEALTHY, **parts}["prepare"]
            with within():
                network.train()(prepare(_task().train[0][:4].clone()))
            self._runs = {"patient": _patient(parts, self.steps), **self._runs}
        except Exception as error:
            self.error = said(error)

    @property
    def step(self):
        """Steps that all of them have done."""
        return min(len(run.losses) for run in self._runs.values()) if "patient" in self._runs else 0

    @property
    def losses(self):
        # The healthy ones may be ahead, having been trained beside an earlier patient.
        return {name: run.losses[: self.step] for name, run in self._runs.items()}

    @property
    def done(self):
        """Whether nothing more is to come."""
        return bool(self.error) or self.step >= self.steps

    def __iter__(self):
        while not self.done:
            now = self.step
            for run in self._runs.values():
                if len(run.losses) == now:
                    try:
                        run.advance()
                    except Exception as error:
                        _run.cache_clear()
                        self.error = said(error)
                    except BaseException:  # one that was stopped halfway, by Ctrl-C or a limit, cannot be resumed
                        _twins.cache_clear()
                        _run.cache_clear()
                        raise
            yield self.step

    def run(self):
        """Train to the end, here and now; returns itself."""
        for _ in self:
            pass
        return self

    def late(self, name):
        """The mean loss of the last steps so far."""
        losses = self.losses[name][-LATE:]
        return sum(losses) / max(1, len(losses))

    @property
    def luck(self):
        """How far the two healthy networks are apart."""
        return abs(self.late("healthy") - self.late("healthy, other weights"))

    @property
    def worse(self):
        """By how much the patient's late loss lies above that of the worse healthy network."""
        return self.late("patient") - max(self.late("healthy"), self.late("healthy, other weights"))

    @property
    def alike(self):
        """How many of the first losses are those of the healthy network with the same first weights."""
        pairs = list(zip(self.losses.get("patient", ()), self.losses["healthy"], strict=False))
        return next((i for i, (a, b) in enumerate(pairs) if not isclose(a, b, rel_tol=1e-4)), len(pairs))

    @property
    def parted(self):
        """Whether it begins as the healthy network does, and goes on in another way within the first few steps."""
        return 0 < self.alike < min(EARLY, self.step)

    @property
    def unmoved(self):
        """Names of what never moved. Empty in the first steps, as a healthy F that begins at zero holds still too."""
        return self._runs["patient"].unmoved if self._runs and self.step >= EARLY else ()

    @property
    def sick(self):
        return bool(self.error or self.parted or self.unmoved) or (self.done and self._worse)

    @property
    def _worse(self):
        # Half a unit is what another usual way of drawing first weights can make here.
        return self.worse > max(0.5, 3 * self.luck)

    @property
    def finding(self):
        """All that there is to say so far; None before the first step."""
        if not self.step:
            return found("no training", error=self.error) if self.error else None
        end = ", so far."
        if self.error:
            end = f". Then it stops: {self.error}."
        elif self.done:
            end = f": {'more than chance explains' if self._worse else 'nothing that chance could not explain'}."
        losses = {"patient": self.late("patient"), "one": self.late("healthy")}
        unmoved = self.unmoved
        return several(
            found("losses", steps=self.step, other=self.late("healthy, other weights"), end=end, **losses),
            found("parted", steps=self.alike) if self.parted else None,
            found("unmoved", unmoved[0], n=len(unmoved)) if unmoved else None,
        )

    @property
    def text(self):
        return say(self.finding) if self.finding else "Not trained yet."
