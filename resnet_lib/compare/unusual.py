"""What a right module makes of inputs that no lesson gives: other types, another order in memory, infinite values."""

from itertools import chain

import torch
from torch.overrides import TorchFunctionMode

from .differing import TOLERANCE, same, two_numbers
from .endless import Endless, within
from .kinds import found

ENOUGH = 10 * TOLERANCE
HIDES = {"isnan", "isinf", "isfinite", "isposinf", "isneginf", "nan_to_num", "nan_to_num_", "nansum", "nanmean"}


@torch.no_grad()
def unusual(learner, known, pairs, noted):
    """What is wrong for such inputs, as a finding, or None. The module has the reference's numbers and loses them.

    noted: a list, to which findings are added that are worth a word and no mistake.
    """
    learner.eval()
    x, right, stops = known.inputs[0], known.run(0).out.detach(), False
    if not same(_given(learner, x), right, ENOUGH):
        return None  # it is not the input that is unusual: told where it is called again
    for given in _strided(x), x.to(memory_format=torch.channels_last):
        out = _given(learner, given)
        if out is None:
            stops = True
        elif out.shape == right.shape and not same(out, right, ENOUGH) and same(_given(learner, x), right, ENOUGH):
            return found("differs for", how="in another order in memory", **two_numbers(out, right))
    noted += [found("stops for another order")] if stops else []
    _to(torch.float64, learner)
    out = _given(learner, x.double())
    _to(torch.float32, learner)
    again = _given(learner, x)  # where it is not right any more, it is not the input that is unusual
    if out is not None and out.shape == right.shape and not same(out, right, ENOUGH) and same(again, right, ENOUGH):
        return found("differs for", how="in float64", **two_numbers(out, right))
    return _hides(learner, known, x, pairs)


def _to(dtype, learner):
    """As module.to(dtype), which would put new buffers in the place of those that are known."""
    for t in chain(learner.parameters(), learner.buffers()):
        if t.is_floating_point():
            t.data = t.data.to(dtype)


def _strided(x):
    """The same values with other numbers between them."""
    return torch.stack([x, 1 - x], -1)[..., 0]


def _given(learner, x):
    """What a module gives, or None where it gives no tensor or stops: that is no other number."""
    try:
        with within():
            out = learner(x)
    except Endless:
        raise
    except Exception:  # whatever a learner's code raises: the lessons do not ask for this
        return None
    return out if isinstance(out, torch.Tensor) else None


def _hides(learner, known, x, pairs):
    """Whether infinite values become finite on the way, as a finding, or None.

    With small positive weights they stay infinite in every way of writing a ResNet: there is no difference of two of
    them, and all that is finite stays far from overflowing. With NaN, a ReLU written as a choice gives 0 and is right:
    there a function that looks for it has to be seen as well.
    """
    place = 0, slice(None), x.shape[2] // 2, x.shape[3] // 2
    due, x = known.reached(x, place), x.clone()
    x[place] = torch.inf
    with torch.no_grad():  # again, since a learner's forward may have ended that
        for _, own in pairs:
            if own.kind == "weights":
                own.tensors["weight"].fill_(SMALL / own.first.numel())
    out = _given(learner, x)
    if out is not None and out.shape == due.shape and out[due].isfinite().any():
        return found("hidden", what="infinite")
    watch = _Watch()
    with watch:
        out = _given(learner, x.masked_fill(x == torch.inf, torch.nan))
    if watch.looked and out is not None and out.shape == due.shape and out[due].isfinite().any():
        return found("hidden", what="NaN")
    return None


SMALL = 1e-3


class _Watch(TorchFunctionMode):
    """Notes whether a function that looks for NaN was called, or x != x."""

    looked = False

    def __torch_function__(self, func, types, args=(), kwargs=None):
        name = getattr(func, "__name__", "")
        itself = name in ("ne", "eq", "__ne__", "__eq__") and len(args) > 1 and args[0] is args[1]
        self.looked = self.looked or name in HIDES or itself
        return func(*args, **(kwargs or {}))
