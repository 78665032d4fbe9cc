"""Which entry of a learner's state dictionary is which of the reference's: by the names of the library, or by the
published ones.
"""

import re
from collections import defaultdict
from math import inf
from typing import NamedTuple

from .._common import shape_text
from ..weights import NAMES

# The published names as prefixes, with what has no weights, and with a shortcut that is a plain nn.Sequential.
PLACES = [(published, ours) for ours, published in NAMES] + [
    ("relu", "stage0.relu"),
    ("maxpool", "stage0.pool"),
    ("avgpool", "head.pool"),
    ("layer{n}", "stage{n}"),
    ("stage{n}.{n}.downsample", "stage{n}.{n}.shortcut"),
    ("stage{n}.{n}.shortcut.0", "stage{n}.{n}.shortcut.conv"),
    ("stage{n}.{n}.shortcut.1", "stage{n}.{n}.shortcut.bn"),
]


class Parameter(NamedTuple):
    """One entry of the state dictionaries, under the library's name.

    shape, learner: in the reference and in the learner's network; None where there is none.
    verdict: "same", "missing" (in the learner's), "extra", "other shape", or "other values" (only where nothing
             was copied).
    """

    name: str
    shape: tuple | None
    learner: tuple | None
    verdict: str


def unit(name):
    """Which part a step belongs to: stage0, a block such as stage1.0, or head; itself for a whole stage."""
    part = re.match(r"stage0|stage\d+\.\d+|head", "head" if name == "logits" else name)
    return part.group() if part else name


def whole(name):
    """Whether a step is a whole block or stage, or the result."""
    return re.fullmatch(r"stage\d+(\.\d+)?|logits", name) is not None


def rank(name):
    """The place of a step or parameter in the network: (stage, block)."""
    place = re.match(r"stage(\d+)(?:\.(\d+))?", name)
    if place:
        stage, block = place.groups()
        return int(stage), int(block) if block else (0 if stage == "0" else inf)
    return (90, 0) if re.match(r"head|logits", name) else (99, 0)


def shape_of(shape):
    return "" if shape is None else shape_text(shape)


def placing(model, names):
    """A function from a network's own names to the library's. ValueError for names that do not fit."""
    names = {} if names is None else names
    if not isinstance(names, dict) or not all(isinstance(n, str) for pair in names.items() for n in pair):
        raise ValueError(f'names = {names!r} must be a dictionary of prefixes, such as {{"stem": "stage0"}}')
    longest = sorted(names.items(), key=lambda rule: -len(rule[0]))
    parts = [n for n, _ in model.named_modules()] if names else []
    for theirs, ours in longest:
        if theirs.count("{n}") != ours.count("{n}"):
            raise ValueError(f"names says {theirs!r}: {ours!r}; both sides need the same number of {{n}}")
        if not any(_prefix(theirs).match(n) for n in parts):
            has = ", ".join(n for n in parts if n and "." not in n)
            raise ValueError(f"names says {theirs!r}, and no part of your network is called that; it has {has}")
    given, table = ([(_prefix(a), b.replace("{n}", "{}")) for a, b in rules] for rules in (longest, PLACES))

    def place(name):
        for rules in (given, table):
            for pattern, target in rules:
                if fits := pattern.match(name):
                    name = (target.format(*fits.groups()) + name[fits.end() :]).lstrip(".")
                    if rules is given:  # the longest of the learner's own
                        break
        return name

    return place


def _prefix(name):
    return re.compile(re.escape(name).replace(r"\{n\}", r"(\d+)") + r"(?=\.|$)")


def match(theirs, mine, place, place_mine):
    """The Parameters of two state dictionaries, and (name, reference's tensor, learner's) of those that fit."""
    theirs = {place(key): t for key, t in theirs.items()}
    own, others = {}, {}
    for key, t in mine.items():
        name = place_mine(key)
        if name in own:
            raise ValueError(f"{others[name]!r} and {key!r} of your network are both {name!r} in the reference")
        own[name], others[name] = t, key
    rows, pairs = [], []
    for name, t in theirs.items():
        its = own.get(name)
        if its is None:
            if not name.endswith("num_batches_tracked"):  # old files lack it, and nothing is computed from it
                rows.append(Parameter(name, tuple(t.shape), None, "missing"))
        elif its.shape != t.shape:
            rows.append(Parameter(name, tuple(t.shape), tuple(its.shape), "other shape"))
        else:
            rows.append(Parameter(name, tuple(t.shape), tuple(t.shape), "same"))
            pairs.append((name, t, its))
    used = {t.data_ptr() for _, _, t in pairs}
    for name, t in own.items():
        # A part kept under a second name is no second part, unless that is the name of a block.
        alias = t.data_ptr() in used and not re.match(r"stage\d+\.\d+", name)
        if name not in theirs and not name.endswith("num_batches_tracked") and not alias:
            rows.append(Parameter(name, None, tuple(t.shape), "extra"))
    return rows, pairs


def shared_groups(pairs):
    """Groups of names that are one and the same tensor in the learner's network, and several in the reference."""
    groups = defaultdict(list)
    for name, theirs, mine in pairs:
        groups[mine.data_ptr()].append((name, theirs.data_ptr()))
    return [[n for n, _ in group] for group in groups.values() if len({p for _, p in group}) > 1]
