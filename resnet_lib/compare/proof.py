"""The ladder of proof: a learner's network beside the reference, step by step, on the same input and the same weights.

Equal shapes and an equal winning class prove little. Here weights are copied by name and shape, or by shape and order
where names do not fit; both networks run in eval(), and every step that both have is a rung. Where the first rung
breaks, the cause is not guessed: usual mistakes are planted into the reference one by one and two by two, and what
gives the learner's numbers is the cause.
"""

from dataclasses import dataclass
from math import inf

import torch
from torch import nn

from .._common import Finding, one_thread, say
from .by_name import Parameter, match, placing, rank, shape_of, shared_groups, unit
from .cause import find_cause
from .misfit import of_entries, of_shared
from .rungs import MODED, Both, Rung, check_network, draw_norms, first_rung, run, rungs_of, twin, untrained

__all__ = ["Ladder", "Parameter", "Rung", "copy_weights", "draw_norms", "ladder", "unit"]


@dataclass(frozen=True)
class Ladder:
    """What `ladder` found. `str()` is a text table; in a notebook `views` shows it as a table.

    rungs:      Rungs in the order in which the reference runs.
    parameters: Parameters, the reference's order, then what only the learner's network has.
    equal:      whether all blocks, stages and the logits are equal within the tolerance. A step inside a block may
                differ if the block's result does not: then it is a matter of names.
    first:      the first Rung that diverges, or None.
    finding:    what is wrong; None where the networks are equal. `cause` is the same in sentences.
    proved:     whether the cause was proved: planted in the reference, it gives the learner's numbers.
    notes:      what was done to the copies, and what else was noticed; sentences.
    error:      what the learner's network raised, or None.
    """

    rungs: tuple
    parameters: tuple
    equal: bool
    first: Rung | None
    finding: Finding | None
    proved: bool
    notes: tuple
    error: Exception | None = None

    @property
    def cause(self):
        """What is wrong and what to do, in sentences, or None."""
        return say(self.finding) if self.finding else None

    @property
    def exact(self):
        """Whether the networks are equal and every difference is 0.0."""
        return self.equal and all(r.difference == 0 for r in self.rungs)

    @property
    def unmatched(self):
        """The Parameters whose verdict is not "same"."""
        return tuple(p for p in self.parameters if p.verdict != "same")

    @property
    def headline(self):
        """The result in one sentence."""
        if self.exact:
            return f"Equal: all {len(self.rungs)} steps give the same numbers, to the last bit."
        if self.equal:
            worst = max((r for r in self.rungs if r.ok), key=lambda r: r.relative)
            return f"Equal within the tolerance; the largest relative difference is {worst.relative:.1e}, {worst.name}."
        return f"Different, first at {self.first.name}."

    @property
    def shown(self):
        """The Rungs of a short table: whole blocks and stages, and the steps around the first divergence."""
        at = unit(self.first.name) if self.first else None
        return tuple(r for r in self.rungs if not r.inner or unit(r.name) == at)

    def __str__(self):
        rows = [("step", "reference", "yours", "largest difference", "relative", "")]
        rows += [(*r.cells()[:5], r.verdict + (" ← the first" if r is self.first else "")) for r in self.shown]
        if self.unmatched:
            rows.append(("entry", "reference", "yours", "", "", ""))
            rows += [(p.name, *map(shape_of, p[1:3]), "", "", p.verdict) for p in self.unmatched[:12]]
        widths = [max(len(r[i]) for r in rows) for i in range(6)]
        lines = ["  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows]
        if len(self.unmatched) > 12:
            lines.append(f"… and {len(self.unmatched) - 12:,} more entries that do not fit")
        return "\n".join([self.headline, *([self.cause] if self.cause else []), *self.notes, "", *lines])


@one_thread()
def ladder(learner, reference, x=None, *, names=None, copy=True, tolerance=1e-5):
    """Compare a learner's network with the reference on the same input, step by step, as a `Ladder`.

    learner:   a network with the library's names (stage1.0.conv1), the published ones (layer1.0.conv1), or others.
    reference: the library's network, or any with the published names.
    x:         (batch, C, H, W); a drawn batch of two pictures of 64 × 64 where none is given.
    names:     for other names, {learner's prefix: reference's prefix}; {n} stands for a number, as in
               {"stem": "stage0", "part{n}": "stage{n}"}. Without it, a network whose names do not fit is compared if
               its layers are the reference's by shape and by the order in which they run; with {} by name alone.
    copy:      whether the learner's network first receives the reference's weights, by name and shape. A reference
               that was never trained is given drawn BN values as well: a fresh BN changes nothing in eval() and
               hides mistakes.
    tolerance: how large a difference may be, as a part of the reference's largest value.
    Both networks are copied, the copies run in eval(), and the networks themselves stay as they are. What the
    learner's network raises is caught and reported as the cause.
    Raises ValueError where the reference does not run on x or gives no finite numbers, for names that do not fit, and
    for networks that are no modules, cannot be copied, or live on the meta device.
    """
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or not 0 <= tolerance < inf:
        raise ValueError(f"tolerance = {tolerance!r} must be a number, 0 or larger")
    with torch.inference_mode(False), torch.no_grad():
        theirs, mine = twin(reference, "the reference"), twin(learner, "your network")
        drawn = copy and untrained(theirs)
        if drawn:
            draw_norms(theirs)
        if x is None:
            C = next((w.shape[1] for w in theirs.parameters() if w.dim() == 4), 3)
            x = torch.randn(2, C, 64, 64, generator=torch.Generator().manual_seed(0))
        both = Both(theirs, mine, x, copy, tolerance).climb(names)
        notes = [*([DRAWN] if drawn else []), *_notes(both, learner)]
        finding, proved = find_cause(both) if both.first else (None, False)
    rungs, rows, first = tuple(both.rungs), tuple(both.rows), both.first
    return Ladder(rungs, rows, first is None, first, finding, proved, tuple(notes), both.my_run.error)


def copy_weights(reference, learner, names=None):
    """Copy the reference's weights into the learner's network itself, by name and shape.

    reference: a network or a state dictionary, with the library's names or the published ones.
    learner, names: as in `ladder`.
    Returns the entries as a tuple of Parameters, all "same".
    Raises ValueError naming the first entry that does not fit, with both shapes, and otherwise as `ladder`; nothing is
    changed then.
    """
    check_network(learner, "your network")
    state = reference.state_dict() if isinstance(reference, nn.Module) else reference
    rows, pairs = match(state, learner.state_dict(), placing(reference, None), placing(learner, names))
    wrong = sorted((p for p in rows if p.verdict != "same"), key=lambda p: rank(p.name))
    if wrong:
        p = wrong[0]
        sides = f"{shape_of(p.shape) or 'nothing'} in the reference and {shape_of(p.learner) or 'nothing'} in yours"
        raise ValueError(f"{p.name} is {sides}. {of_entries(wrong, rows)} Nothing was copied")
    if shared := shared_groups(pairs):
        raise ValueError(f"{of_shared(shared[0])} Nothing was copied")
    with torch.no_grad():
        for _, theirs, mine in pairs:
            mine.copy_(theirs)
    return tuple(rows)


DRAWN = (
    "The reference was never trained, and BNs with mean 0 and variance 1 hide mistakes: the copies that were compared "
    "have drawn BN values, the same in both."
)


def _notes(both, learner):
    """What was done to the copies, and what else was noticed; sentences."""
    if both.by_order:
        own = next(n for n, _ in both.mine.named_modules() if n and both.my_place(n) != n)
        yield (
            "Your names are not the reference's: layers were paired by their shapes and their order. What is called "
            f"{both.my_place(own)} here is your {own}, and so on."
        )
    if any(p.verdict == "other values" for p in both.rows):
        yield "With copy=True both networks are compared with the same weights."
    awake = [n for n, m in both.mine.named_modules() if m.training and isinstance(m, MODED)]
    if awake:
        yield f"{awake[0]} of your network is still in training mode after eval()."
    elif any(m.training and isinstance(m, MODED) for m in learner.modules()):
        yield _without_eval(both)
    if both.first is None:
        yield from _odd_but_equal(both.rungs, both.rows)


def _without_eval(both):
    run_now = run(both.mine.train(), both.my_place, set(both.run.taps), both.x)
    both.mine.eval()
    first = first_rung(rungs_of(both.run, run_now, both.tolerance))
    seen = f"it differs from the reference from {first.name} on" if first else "it gives the same here"
    return f"Your network is in training mode. It was compared in eval(); without eval() {seen}."


def _odd_but_equal(rungs, rows):
    if other := [r.name for r in rungs if not r.ok]:
        yield (
            f"{', '.join(other[:3])}{', …' if len(other) > 3 else ''} of your network: not what the reference's step "
            "of that name gives, yet the result is the same: another name, or another way to it."
        )
    if extra := [p.name for p in rows if p.verdict != "same"]:
        yield f"{len(extra)} entries do not fit ({extra[0]}, …); they change no result here."
