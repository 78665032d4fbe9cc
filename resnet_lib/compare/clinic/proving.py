"""The examination with trained weights: the ladder of proof, the answers, and what a function that loads does."""

from collections import OrderedDict
from dataclasses import dataclass
from functools import cache

import torch

from ..._common import Finding, one_thread, say, unfilled
from ...weights import load as trained
from ..endless import Endless, within
from ..kinds import found, several
from ..proof import copy_weights, ladder
from .healthy import answer, assemble, pictures, prepare, said


@dataclass(frozen=True)
class Proof:
    """The ladder of proof with trained weights, and the answers that the patient's own code gives to pictures that it
    has prepared itself.

    ladder:   a `proof.Ladder`, or None where the code could not be run.
    answer:   largest difference of its answers to 64 pictures from the healthy network's, relative to its largest.
    company:  the same between its answers to two pictures by themselves and to the same two among others.
    winners:  the share of the pictures for which both networks have the same winning class.
    arrives:  (healthy, the patient's): the deviation of what comes to the trained network's first BN, as a share of the
              deviation that this BN was trained with and keeps as its running variance.
              These four are None where the healthy weights do not fit the patient, or its code stops.
    error:    what the code raised, or a finding about its answers' shape, or None.
    `text` says where the two differ first, `cause` why: who wants to find that out alone reads only the first.
    """

    ladder: object
    answer: float | None = None
    company: float | None = None
    winners: float | None = None
    arrives: tuple | None = None
    error: object = None

    @property
    def sick(self):
        return bool(self.error) or not self.ladder.equal or max(self.answer or 0, self.company or 0) > TOLERANCE

    @property
    def why(self):
        """The finding behind `cause`, or None."""
        if self.ladder and self.ladder.equal and self.arrives:
            healthy, mine = self.arrives
            if abs(mine / healthy - 1) > 0.05:
                return found("other preparation", mine=mine, healthy=healthy)
        return self.ladder.finding if self.ladder else None

    @property
    def cause(self):
        """What the ladder, or the first BN, says is wrong; or None."""
        return say(self.why) if self.why else None

    @property
    def finding(self):
        """Where the two differ first, or that they do not."""
        head, answers = (
            self.ladder and found("ladder" if self.ladder.equal else "ladder differs", says=self.ladder.headline),
            None,
        )
        if self.error:
            answers = self.error if isinstance(self.error, Finding) else found("code stops", error=self.error)
        elif self.ladder.equal and self.answer is not None:
            answers = found("answers healthy")
            if self.company > TOLERANCE:
                answers = found("answers depend on neighbours", company=self.company)
            elif self.answer > TOLERANCE:
                answers = found("other answers", answer=self.answer)
        return several(head, answers)

    @property
    def text(self):
        return say(self.finding)


TOLERANCE = 1e-4
CLIMBING = 3  # pictures on the ladder, where hundreds of mistakes are tried; answers are compared for all 64


@cache
def published():
    """The trained network that comes with the course, and 64 pictures: (network, its design, pictures as bytes)."""
    network = trained("thin")
    stages = (network.stage1, network.stage2, network.stage3, network.stage4)
    design = {
        "base": network.stage0.conv.out_channels,
        "blocks": tuple(len(stage) for stage in stages),
        "num_classes": network.head.fc.out_features,
    }
    return network, design, pictures(size=64)  # smaller than its own, which proves as much in a twelfth of the time


@cache
def _answers():
    """What comes to the trained network for the pictures, and what it answers."""
    network, _, shown = published()
    x = prepare(shown)
    return x, answer(network, x)


@one_thread()
def prove(parts, names=None, *, brief=False):
    """Compare a network of these parts with the trained one that comes with the course, as `Proof`.

    Its weights go to the patient by name, or by the patient's own `load` where it has one.
    names: as `proof.ladder`'s, for a learner's own names. brief: no answers where the ladder has found a difference.
    """
    reference, design, shown = published()
    own, (due_x, due) = parts.get("load"), _answers()
    try:
        mine = assemble(parts, **design)
        if own:
            with within():
                own(mine, _copied(reference))
        steps = ladder(mine.eval(), reference, due_x[:CLIMBING], names=names or {}, copy=own is None)
    except Exception as error:
        return Proof(None, error=said(error))
    if isinstance(steps.error, Endless):
        raise steps.error
    if brief and not steps.equal:
        return Proof(steps)
    wrong = None
    try:
        if own is None:
            copy_weights(reference, mine, names)
        mine.train()  # as a network is that was just made, or trained: what comes of it is up to its code
        answers = parts.get("answer", answer)
        with within():
            x = parts.get("prepare", prepare)(shown.clone())
            got, pair, other = (answers(mine, x[some]) for some in (slice(None), slice(2), slice(2, 4)))
        if got.shape != due.shape:
            wrong = found("answers' shape", shape=tuple(got.shape), right=tuple(due.shape))
        elif torch.equal(pair, other):
            wrong = found("answers repeated")
    except Exception as error:
        wrong = said(error)
    if wrong:
        # Where the ladder has found something, it has said this already, and better.
        return Proof(steps, error=wrong if steps.equal and not steps.unmatched else None)
    far = [((a - b).abs().max() / due.abs().max()).item() for a, b in ((got, due), (pair, got[:2]))]
    winners = (got.argmax(1) == due.argmax(1)).float().mean().item()
    return Proof(steps, *far, winners, tuple(_arriving(reference.stage0, each) for each in (due_x, x)))


def _copied(reference):
    """The weights of the reference for a patient's own code, which may do with them what it likes."""
    return OrderedDict((name, t.clone()) for name, t in reference.state_dict().items())


@torch.no_grad()
def _unfilled(parts, design):
    """A network of these parts to load weights into. Drawing its own took longer than all else; they are all the same
    here, and not what lies in memory, which may be a network's that was just loaded."""
    with unfilled():
        network = assemble(parts, **design)
    for t in (*network.parameters(), *network.buffers()):
        t.fill_(1)
    return network


@one_thread()
def loads_by_name(parts):
    """What else a `load` does to whose network the weights arrive: (the first of the weights that it changes, the
    first name that it does not know and says nothing about, "" for each that there is not, and whether the tensor of
    that name has arrived all the same, as it does by order)."""
    reference, design, _ = published()
    kept, given, changed, unnoticed, arrived = _copied(reference), _copied(reference), "", "", False
    with within():
        parts["load"](_unfilled(parts, design), given)
    changed = next((n for n, t in kept.items() if n not in given or not torch.equal(given[n], t)), "")
    # In turn of each kind: a weight, a bias, what a BN keeps.
    for name in ("stage1.0.conv3.weight", "head.fc.bias", "stage2.0.bn1.running_mean"):
        # One letter more: sorted by name or not, it stays in its place.
        other = OrderedDict((f"{n}_" if n == name else n, t) for n, t in _copied(reference).items())
        network = _unfilled(parts, design)
        try:
            with within():
                parts["load"](network, other)
        except Endless:
            raise
        except Exception:  # that is how it says so
            continue
        if not unnoticed:
            unnoticed, mine = f"{name}_", network.state_dict().get(name)
            arrived = mine is not None and torch.equal(mine, kept[name])
    return changed, unnoticed, arrived


@one_thread()
def loads_otherwise(parts):
    """What a `load` does beside giving a network its numbers, (what, where), or None: "other numbers" as rounding makes
    them, or parameters "frozen"."""
    reference, design, _ = published()
    # Numbers that half precision does not hold.
    given = OrderedDict((n, t * 1.0001 if t.is_floating_point() else t) for n, t in _copied(reference).items())
    network = _unfilled(parts, design)
    with within():
        parts["load"](network, OrderedDict(given))
    for name, t in network.state_dict(keep_vars=True).items():
        if not torch.equal(t.detach(), given[name]):
            return "other numbers", name
        if isinstance(t, torch.nn.Parameter) and not t.requires_grad:
            return "frozen", name
    return None


@torch.no_grad()
def _arriving(stem, x):
    """The deviation of what comes to a trained stem's BN for x, as a share of the one that it keeps; over channels, the
    median."""
    each = stem.conv(x).transpose(0, 1).flatten(1).std(1)
    return (each / stem.bn.running_var.sqrt()).median().item()
