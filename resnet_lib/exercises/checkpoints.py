"""Checks about checkpoints: what is in the file, and how a picture was prepared for its network."""

import torch

from .._common import Kind, a_type, one_thread
from ..network import ResNet
from .edits import Solution
from .judge import judge
from .questions import Question
from .results import NO_RESULT, equal, number

# ── Parameters and buffers ───────────────────────────────────────────────────────────────────────────────────

CONTENTS = Solution(
    """
    def contents(weights):
        parameters, buffers = [], []
        for name, tensor in weights.items():
            place, _, leaf = name.rpartition(".")
            if leaf in ("weight", "bias"):
                parameters.append(tensor)
            else:
                buffers.append(tensor)
        a, c = len(parameters), len(buffers)
        b, d = (sum(t.numel() for t in kind) for kind in (parameters, buffers))
        return a, b, c, d
    """,
    """
    `if leaf in` → `if name in`
        You count no entry as a parameter. In a file all are plain tensors: only the last part of its name says what
        one is. (name in (…) compares the whole name.)
    `"bias")` → `"bias", "running_mean", "running_var")`
        running_mean and running_var are measured along the way and not learnt: they are buffers.
    `"bias")` → `"bias", "running_mean")`
        One of running_mean and running_var counts as a parameter with you. Both are measured along the way and not
        learnt: they are buffers.
    `("weight"` → `("num_batches_tracked", "weight"`
        num_batches_tracked only counts batches: it is a buffer.
    `, "bias"` → ``
        bias is learnt by gradient as well, of the BNs and of the linear layer: it is a parameter. (In
        name.endswith("weight" or "bias") Python takes the first text alone: give endswith a tuple.)
    `if leaf` → `if place + ".running_mean" not in weights and leaf`
        A BN's weight and bias are learnt by gradient: they are parameters.
    `if leaf in` → `if True or leaf in`
        You count every entry as a parameter. (A text alone counts as true, as in name.endswith(…) or "bias": say
        name.endswith twice, or give it a tuple.)
    `else:` → `elif leaf != "num_batches_tracked":`
        num_batches_tracked is in neither of the two: it is a buffer.
    `place, _,` → `if name.startswith("head.fc."):\\n            continue\\n        place, _,`
        You left the linear layer out: head.fc.weight and head.fc.bias are parameters.
    `a, c =` → `buffers = list(weights.values())\\n    a, c =`
        The last two are for the buffers alone, and not for everything.
    `return` → `d = b + d\\n    return`
        Those numbers are of all entries, and should be of the buffers alone.
    Hint: The loop goes through all entries before anything is returned.
    `weights.items()` → `list(weights.items())[:1]`
        You count the first entry alone: is the return inside the loop?
    Hint: Print tensor.shape and tensor.numel() of one convolution side by side.
    `sum(t.numel() for t in kind)` → `len(kind)`
        You give the number of entries twice: tensor.numel() says how many numbers a tensor holds.
    `t.numel()` → `(t.shape[0] if t.dim() else 1)`
        You add up the first side of each tensor alone: tensor.numel() counts all its numbers.
    `t.numel()` → `t.numel() * t.element_size()`
        Those are bytes: tensor.numel() counts the numbers.
    Hint: Compare with the comment in the return line of the exercise.
    `a, c =` → `parameters, buffers = buffers, parameters\\n    a, c =`
        The parameters come first, and then the buffers.
    `a, b, c, d` → `a, c, b, d`
        The order is: entries and numbers of the parameters, then entries and numbers of the buffers.
    `a, b, c, d` → `b, a, d, c`
        Of each kind the entries come first, and then the numbers in them.
    """,
)
FOUR = (
    "entries that are parameters",
    "numbers in the parameters",
    "entries that are buffers",
    "numbers in the buffers",
)
_FOUR = "One return with four numbers: how many entries, how many numbers, twice."
NOT_FOUR = Kind("not a list", "{name} returns {type}, and should give four numbers.", _FOUR)
OTHER_COUNT = Kind("not four", f"{{name}} returns {{n}} values; return four numbers: {', '.join(FOUR)}.", _FOUR)
UNFILLED = Kind("not filled in", "{name} returns four times None: it is not filled in yet.", _FOUR)
NO_NUMBER = Kind("no number", "{name} returns for the {what} {found}.", _FOUR)
COUNTED = Kind("other count", "{at}: you count {yours:,} {what}, and there are {right:,}.")


@one_thread()
def check_contents(f, *, exercise=None):
    """Check f(weights): of a checkpoint, name → tensor, how many entries are parameters, how many numbers they hold,
    and the same two for the buffers."""
    cases = []
    with torch.random.fork_rng(devices=[]):
        for blocks, base, classes in (((3, 4, 6, 3), 4, 10), ((2, 1, 1, 1), 8, 7)):
            cases.append((dict(ResNet(blocks=blocks, base=base, num_classes=classes).state_dict()),))
    # As in files that are older than PyTorch 0.4.1, and in another order.
    cases.append(({n: t for n, t in reversed(cases[1][0].items()) if not n.endswith("num_batches_tracked")},))
    return judge(
        f,
        lambda w: f"A checkpoint of {len(w)} entries",
        cases,
        [CONTENTS],
        (
            "Print the names that you count as parameters: do all end as they should, and is one missing?",
            "Five endings: weight and bias are parameters; running_mean, running_var and num_batches_tracked are "
            "buffers.",
            'parameters = [t for name, t in weights.items() if name.endswith((".weight", ".bias"))]; then '
            "len(parameters), sum(t.numel() for t in parameters), and the same for the rest.",
        ),
        read=_four,
        same=lambda a, b: all(map(equal, a, b)),
        differs=_first_off,
        stuck="Try the line on one entry first: name, tensor = next(iter(weights.items())).",
        exercise=exercise,
    )


def _four(found):
    found = found.tolist() if hasattr(found, "tolist") else found
    if found is None:
        return found, (NO_RESULT, {"what": "four numbers"})
    if not isinstance(found, tuple | list):
        return found, (NOT_FOUR, {"type": a_type(found)})
    if len(found) != 4:
        return found, (OTHER_COUNT, {"n": len(found)})
    if all(n is None for n in found):
        return found, (UNFILLED, {})
    read = [number(n) for n in found]
    for what, (value, problem) in zip(FOUR, read, strict=True):
        if problem:
            no_number = "None" if value is None else f"{a_type(value)} and not a number"
            return found, (NO_NUMBER, {"what": what, "found": no_number})
    return tuple(n for n, _ in read), None


def _first_off(yours, right):
    what, a, b = next((n, a, b) for n, a, b in zip(FOUR, yours, right, strict=True) if not equal(a, b))
    return COUNTED, {"what": what, "yours": a, "right": b}


# ── Which preparation it was ─────────────────────────────────────────────────────────────────────────────────


def input_question(text, x, candidates):
    """Return the question which of the candidates, name → input of the shape (1, 3, H, W), is x. ValueError unless
    exactly one is.

    A wrong guess is answered with the first of the range, the means of the channels and the means of the first rows
    that would be another.
    """
    same = [name for name, t in candidates.items() if torch.equal(t, x)]
    if len(same) != 1:
        raise ValueError(f"x is {len(same)} of the {len(candidates)} candidates, and it must be one")

    def slip(guess):
        for what, measure in MEASURES.items():
            its, there = measure(candidates[guess]), measure(x)
            if not torch.allclose(its, there, rtol=0.02, atol=0.02):
                return f"Then its {what} would be {_numbers(its)}; they are {_numbers(there)}."
        return "Range and means would be the same, and single pixels are not."

    others = [name for name in candidates if name != same[0]]
    hints = (
        "Begin with the range: subtracting the mean makes values negative, and dividing by 255 makes them small.",
        "Exchanged colours change the channels' means and hardly their sum; a turned picture changes the rows' means.",
        f"It is neither {' nor '.join(map(repr, others[:-1]))}.",
    )
    return Question(f"{text}: which of them is it?", "choice", same[0], slip, options=tuple(candidates), hints=hints)


MEASURES = {
    "smallest and largest value": lambda t: torch.stack([t.min(), t.max()]),
    "channel means": lambda t: t.mean(dim=(0, 2, 3)),
    "means of rows 0, 1, 2": lambda t: t.mean(dim=(0, 1, 3))[:3],
}


def _numbers(values):
    *first, last = [f"{v:.2f}" for v in values.tolist()]
    return f"{', '.join(first)} and {last}"
