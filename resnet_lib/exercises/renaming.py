"""Check of published weights renamed."""

import re
from dataclasses import replace

import torch

from .._common import Kind, a_type, shapes_only
from ..network import ResNet
from ..weights import from_published, to_published
from .judge import judge
from .results import NO_RESULT


def check_rename(f, *, exercise=None):
    """Check f(published): the same tensors in a new dictionary under the library's names."""
    first = _check((2, 1, 1, 12), f, None)
    _check((1, 1, 1, 1), f, exercise)  # another file: what is kept from the first shows
    return first


def _check(blocks, f, exercise):
    with shapes_only():
        shapes = to_published(ResNet(blocks=blocks, base=4, num_classes=3).state_dict())
    # Every tensor begins with a number of its own, so that it is known again, copied or not.
    published = {name: _numbered(t, i) for i, (name, t) in enumerate(shapes.items(), 1)}
    due = from_published(published)
    verdict = judge(
        f,
        lambda _: "published names",
        [(published,)],
        [],
        RENAME_HINTS,
        true=lambda _: due,
        read=lambda found: (found, _wrong_entry(found, published, due)),
        same=lambda a, b: set(a) == set(b),
        exercise=exercise,
    )
    return replace(verdict, sentence=f"All {len(due):,} entries have their right names.")


def _numbered(like, i):
    """A tensor of that shape and type with the numbers i, 0, 1, 2, …"""
    found = torch.arange(-1, like.numel() - 1).to(like.dtype)
    found[0] = i
    return found.view(like.shape)


RENAME_HINTS = (
    "Print the old name and the new one side by side, and look at the first that differs.",
    "Three kinds of names: before layer1, in a layer, and fc. In a layer only layer and downsample change.",
    'name.startswith("conv1.") → "stage0.conv."; "layer" → "stage"; "downsample.0" → "shortcut.conv"; …',
)
_LOOP = "The loop goes through all names before anything is returned."
_LOST = "Two old names must never become one new name: count them before and after."
NO_DICTIONARY = Kind("no dictionary", "{name} returns {type}, and not a dictionary name → tensor.")
ODD_KEY = Kind("key is no name", "{name} returns {type} as a key: the names are the keys, and the tensors the values.")
EMPTY = Kind("empty", "{name} returns an empty dictionary: each tensor has to go into it under its new name.", _LOST)
RETURNS_EARLY = Kind("one entry", "{name} returns one entry alone: the return is inside the loop.", _LOOP)
BEGINS_AGAIN = Kind("last entry", "{name} returns one entry alone: the dictionary is made again in every round.", _LOST)
LOST = Kind("lost", "{name} returns no tensor of {was!r}: it is lost, as happens where two names become one.", _LOST)
STILL = Kind("name kept", "{name} returns a wrong name: {was!r} is still its name, and should be {right!r}. {advice}")
BECAME = Kind("wrong name", "{name} returns a wrong name: {was!r} became {now!r}, and should be {right!r}. {advice}")
NO_TENSOR = Kind("no tensor", "{name} returns {type} under {now!r}: the values stay the tensors that they are.")
_SAME = "The tensors themselves go into the new dictionary: what does your code do to them on the way?"
OTHER_TENSOR = Kind(
    "other tensor", "{name} returns another tensor: that of {was!r} should stay {right}, and is {yours}.", _SAME
)
OTHER_NUMBERS = Kind("other numbers", "{name} returns another tensor: that of {was!r} has other numbers.", _SAME)
ENTRIES = Kind("entries", "{name} returns {yours} entries, and there were {right}.", _LOST)


def _wrong_entry(found, published, due):
    """What is wrong with a renamed dictionary, (kind, values), or None."""
    if found is None:
        return NO_RESULT, {"what": "the new dictionary"}
    if not isinstance(found, dict):
        return NO_DICTIONARY, {"type": a_type(found)}
    tensors = [(name, t) for name, t in found.items() if isinstance(t, torch.Tensor) and t.numel()]
    tensors.sort(key=lambda entry: entry[0] in due)  # of two names of one tensor the right one counts
    by = {t.flatten()[0].item(): name for name, t in tensors}
    if odd := [a_type(name) for name in found if not isinstance(name, str)]:
        return ODD_KEY, {"type": odd[0]}
    if not found:
        return EMPTY, {}
    if len(found) == 1:
        return (RETURNS_EARLY if 1 in by else BEGINS_AGAIN), {}
    for i, (was, right) in enumerate(zip(published, due, strict=True), 1):
        now = by.get(i)
        if (now or right) == right and right in found and (changed := _changed(was, right, found[right], published)):
            return changed
        if now is None:
            return LOST, {"was": was}
        if now != right:
            advice = UNCHANGED if found.keys() == published.keys() else _advice(was, now, right)
            return (STILL if now == was else BECAME), {"was": was, "now": now, "right": right, "advice": advice}
    return (ENTRIES, {"yours": len(found), "right": len(due)}) if len(found) != len(due) else None


def _changed(was, now, found, published):
    """What has become of a tensor under its right name, (kind, values), or None."""
    right = published[was]
    if not isinstance(found, torch.Tensor):
        return NO_TENSOR, {"now": now, "type": a_type(found)}
    if (found.shape, found.dtype) != (right.shape, right.dtype):
        yours, right = (f"{str(t.dtype).removeprefix('torch.')} of {tuple(t.shape)}" for t in (found, right))
        return OTHER_TENSOR, {"was": was, "yours": yours, "right": right}
    return None if torch.equal(found, right) else (OTHER_NUMBERS, {"was": was})


UNCHANGED = "No name has changed; name.replace(…) gives a new text, and leaves name as it is."


def _advice(was, now, right):
    """What probably happened to one name."""
    if now.replace(".", "") == right.replace(".", ""):
        return "A point is missing, or one too many."
    if was.startswith("layer") and (stage := re.match(r"stage(\d)\.\d", now)) and stage[1] != right[5]:
        return "layer1 is Stage 1: the numbers stay."
    if was.startswith("layer") and "stage0" in now:
        return "Only a name that begins with conv1. or bn1. belongs to Stage 0; inside a block it stays."
    if was.startswith("fc") and not now.startswith("head."):
        return "The linear layer belongs to the head."
    if "downsample" in was and "shortcut" in now:
        return "downsample.0 is the convolution, downsample.1 the BN."
    if "downsample" in was:
        return "The shortcut is called downsample there."
    if now == f"stage0.{was}":
        return "In Stage 0 they are called conv and bn, without a number."
    if was.startswith(("conv1", "bn1")) and not now.startswith("stage0."):
        return "What comes before layer1 belongs to stage0."
    if was.startswith("layer") and now != was:
        return "In a layer only layer and downsample change."
    return "Does a line of yours change such names?" if now == was else "Print both names beside each other."
