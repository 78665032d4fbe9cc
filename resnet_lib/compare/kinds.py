"""Findings where a module is held against the reference. Their words are in sentences.py; nothing reads them back.

`found("layer missing", …)` makes a finding of one of these kinds. A finding may hold others, as "two at once" holds
two; `kinds` lists the names of all of them.
"""

import re

from .._common import Finding, Kind
from .sentences import ENTRIES, EXAMINED, LAYERS, MISTAKES

KINDS = {name: Kind(name, sentence) for name, sentence in (MISTAKES | LAYERS | ENTRIES | EXAMINED).items()}

# The kind of step → where to look, when nothing is proved.
LOOK = {
    # The others have no ReLU right before them.
    **dict.fromkeys(("conv2", "conv3"), "its stride, padding and dilation, and whether the ReLU before it is there"),
    "conv": "its stride, padding and dilation",
    "bn": "that BN, and whether something stands between the convolution and it",
    "relu": "which function it is, and that it comes right after BN",
    "pool": "the pooling's kind, kernel, stride and padding",
    "stage0": "what follows BN: the ReLU and the pooling",
    "projection": "what follows its BN",
    "block": "the sum and what follows it",
    **dict.fromkeys(("flatten", "fc"), "the global average and the flattening, and what comes between them"),
    "logits": "the global average, the flattening, and whether something follows the linear layer",
}
# The same, where what the step is given is right.
INSIDE = LOOK | {
    **dict.fromkeys(
        ("conv", "conv2", "conv3"), "its stride, padding and dilation, and the weights that it computes with"
    ),
    "bn": "its eps, and which mean and variance it uses",
}

# The same, where x itself goes into the step.
FIRST = LOOK | {"conv": "its stride, padding and dilation, and what is done to x before it"}


def look_at(step, otherwise, looks=LOOK):
    """Where to look for what is wrong with a step, by the kind of step."""
    last = step.split(".")[-1]
    return looks.get(last) or looks.get(last.rstrip("0123"), otherwise)


def found(kind, where="", **values):
    """Return a finding of the kind of that name."""
    return Finding(KINDS[kind], where, values)


def several(*findings):
    """Return one finding of those that are not None, or None."""
    findings = tuple(f for f in findings if f)
    return findings[0] if len(findings) == 1 else found("several", parts=findings) if findings else None


def within(finding):
    """Return a finding and all that it holds, the outermost first."""
    inner = [v for value in finding.values.values() for v in (value if isinstance(value, tuple) else (value,))]
    return [finding, *(f for v in inner if isinstance(v, Finding) for f in within(v))]


def kinds(finding):
    """Return the names of the kinds of a finding and of all that it holds, the outermost first."""
    return [f.kind.name for f in within(finding)]


def layer_name(name):
    """A layer's name for a sentence. Blocks of a stage alone are counted from 1, as in the lesson and its explorer."""
    at = re.match(r"(\d+)(?:\.(.+))?$", name or "")
    return name if not at else f"{at[2]} of block {int(at[1]) + 1}" if at[2] else f"block {int(at[1]) + 1}"
