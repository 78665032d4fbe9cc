"""The two sets of key names: the library's, and the published ones of an early PyTorch implementation. The only place
that knows both."""

import re

# (the library's, the published); {n} is a number. Applied to whole dotted parts, so one table serves both ways.
NAMES = [
    ("stage0.conv", "conv1"),
    ("stage0.bn", "bn1"),
    ("stage{n}.{n}.shortcut.conv", "layer{n}.{n}.downsample.0"),
    ("stage{n}.{n}.shortcut.bn", "layer{n}.{n}.downsample.1"),
    ("stage{n}.{n}.conv{n}", "layer{n}.{n}.conv{n}"),
    ("stage{n}.{n}.bn{n}", "layer{n}.{n}.bn{n}"),
    ("head.fc", "fc"),
]
# What a layer holds; the last part of every key.
LEAVES = "weight|bias|running_mean|running_var|num_batches_tracked"


def to_published(state_dict):
    """Return the same tensors under the published key names. ValueError for a key that this library's ResNet lacks."""
    return _rename(state_dict, NAMES, "a key of this library's ResNet")


def from_published(state_dict):
    """Return the same tensors under the library's key names, for `ResNet.load_state_dict`. Files that lack the
    `num_batches_tracked` entries load as well. ValueError for a key that is not a published one."""
    return _rename(state_dict, [(theirs, ours) for ours, theirs in NAMES], "a published key of a ResNet")


def _rename(state_dict, table, what):
    rules = [(_pattern(a), b) for a, b in table]
    return {_new_name(key, rules, what): tensor for key, tensor in state_dict.items()}


def _pattern(name):
    numbers = re.escape(name).replace(r"\{n\}", r"(\d+)")
    return re.compile(rf"{numbers}\.({LEAVES})")


def _new_name(key, rules, what):
    for pattern, target in rules:
        match = pattern.fullmatch(key)
        if match:
            *numbers, leaf = match.groups()
            return target.replace("{n}", "{}").format(*numbers) + "." + leaf
    raise ValueError(f"{key!r} is not {what}")
