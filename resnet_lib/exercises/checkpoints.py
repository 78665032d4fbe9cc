"""Checks about checkpoints: what is in the file, and how a picture was prepared for its network."""

import torch

from ..network import ResNet
from .holding import equal, hold, number, through
from .prediction import Question

# ── Parameters and buffers ───────────────────────────────────────────────────────────────────────────────────

FOUR = ("entries that are parameters", "numbers in them", "entries that are buffers", "numbers in those")


def check_contents(f, *, exercise=None):
    """f(weights): of a checkpoint, name → tensor, how many entries are parameters, how many numbers they hold, and the
    same two for the buffers."""
    cases = []
    with torch.random.fork_rng(devices=[]):
        for blocks, base, classes in (((3, 4, 6, 3), 4, 10), ((2, 1, 1, 1), 8, 7)):
            cases.append((ResNet(blocks=blocks, base=base, num_classes=classes).state_dict(),))
    # As in files that are older than PyTorch 0.4.1, and in another order.
    cases.append(({n: t for n, t in reversed(cases[1][0].items()) if not n.endswith("num_batches_tracked")},))
    return hold(
        "contents",
        through(f, lambda weights: f(dict(weights))),
        lambda w: f"A checkpoint of {len(w)} entries",
        cases,
        lambda weights: _contents(set(), weights),
        _contents,
        CONTENTS,
        exercise,
        read=_four,
        same=_all_equal,
        tell=_first_off,
    )


CONTENTS = {
    "none": "You count no entry as a parameter. In a file all are plain tensors: what one is, only the last part of "
    "its name tells. (name in (…) compares the whole name.)",
    "inside": "You count the first entry alone: does the return stand inside the loop?",
    "running": "running_mean and running_var are measured along the way and not learnt: they are buffers.",
    "one running": "One of running_mean and running_var counts as a parameter with you. Both are measured along the "
    "way and not learnt: they are buffers.",
    "tracked": "num_batches_tracked only counts batches: it is a buffer.",
    "bias": "bias is learnt by gradient as well, of the BNs and of the linear layer: it is a parameter. (In "
    'name.endswith("weight" or "bias") Python takes the first text alone: give endswith a tuple.)',
    "norms": "A BN's weight and bias are learnt by gradient: they are parameters.",
    "always": "You count every entry as a parameter. (A text alone counts as true, as in name.endswith(…) or "
    '"bias": say name.endswith twice, or give it a tuple.)',
    "untold": "num_batches_tracked is in neither of the two: it is a buffer.",
    "head": "You left the linear layer out: head.fc.weight and head.fc.bias are parameters.",
    "entries": "You give the number of entries twice: how many numbers a tensor holds says tensor.numel().",
    "first": "You add up the first side of each tensor alone: tensor.numel() counts all its numbers.",
    "bytes": "Those are bytes: tensor.numel() counts the numbers.",
    "swapped": "The parameters come first, and then the buffers.",
    "order": "The order is: entries and numbers of the parameters, then entries and numbers of the buffers.",
    "numbers first": "Of each kind the entries come first, and then the numbers in them.",
    "all": "The last two are for the buffers alone, and not for everything.",
    "all numbers": "Those numbers are of all entries, and should be of the buffers alone.",
}


def _contents(wrong, weights):
    kinds = {True: [], False: []}
    for name, t in list(weights.items())[: 1 if "inside" in wrong else None]:
        place, _, leaf = name.rpartition(".")
        parameter = leaf in ("weight", "bias")
        if leaf in ("running_mean", "running_var"):
            parameter = "running" in wrong or "one running" in wrong and leaf == "running_mean"
        if leaf == "num_batches_tracked":
            if "untold" in wrong:
                continue
            parameter = "tracked" in wrong
        if leaf == "bias" and "bias" in wrong or "norms" in wrong and f"{place}.running_mean" in weights:
            parameter = False
        if not ("head" in wrong and place == "head.fc"):
            kinds[(parameter or "always" in wrong) and "none" not in wrong].append(t)
    kinds[False] = list(weights.values()) if "all" in wrong else kinds[False]
    parts = [(len(kind), sum(_size(wrong, t) for t in kind)) for kind in kinds.values()]
    (a, b), (c, d) = reversed(parts) if "swapped" in wrong else parts
    d = b + d if "all numbers" in wrong else d
    if "entries" in wrong:
        b, d = a, c
    return (a, c, b, d) if "order" in wrong else (b, a, d, c) if "numbers first" in wrong else (a, b, c, d)


def _size(wrong, t):
    if "first" in wrong:
        return t.shape[0] if t.dim() else 1
    return t.numel() * (t.element_size() if "bytes" in wrong else 1)


def _four(found):
    found = found.tolist() if hasattr(found, "tolist") else found
    if not isinstance(found, tuple | list):
        kind = "None: let it return" if found is None else f"a {type(found).__name__}, and should give"
        return found, f"{kind} four numbers"
    if len(found) != 4:
        return found, f"{len(found)} values, and four numbers are wanted: {', '.join(FOUR)}"
    if all(n is None for n in found):
        return found, "four times None: it is not filled in yet"
    read = [number(n) for n in found]
    for name, (_, problem) in zip(FOUR, read, strict=True):
        if problem:
            return found, f"for the {name} {problem.split(':')[0]}"
    return tuple(n for n, _ in read), ""


def _all_equal(a, b):
    return all(map(equal, a, b))


def _first_off(yours, right):
    name, a, b = next((n, a, b) for n, a, b in zip(FOUR, yours, right, strict=True) if not equal(a, b))
    return f"you count {a:,} {name}, and there are {b:,}"


# ── Which preparation it was ─────────────────────────────────────────────────────────────────────────────────


def input_question(text, x, candidates):
    """Which of the candidates, name → input of the shape (1, 3, H, W), is x. ValueError unless exactly one is.

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
