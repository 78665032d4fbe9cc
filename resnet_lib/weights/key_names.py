"""The sets of key names: the library's, the published ones of an early PyTorch implementation, and those of others who
name the same layers. (Names of steps and of parts, not of keys, are in `_common.step_names`.)"""

import re
from functools import cache

# (the library's, the published); {n} is a number, {n-1} one less. Applied to whole dotted parts, so one table serves
# both ways.
NAMES = [
    ("stage0.conv", "conv1"),
    ("stage0.bn", "bn1"),
    ("stage{n}.{n}.shortcut.conv", "layer{n}.{n}.downsample.0"),
    ("stage{n}.{n}.shortcut.bn", "layer{n}.{n}.downsample.1"),
    ("stage{n}.{n}.conv{n}", "layer{n}.{n}.conv{n}"),
    ("stage{n}.{n}.bn{n}", "layer{n}.{n}.bn{n}"),
    ("head.fc", "fc"),
]
OURS = [(ours, ours) for ours, _ in NAMES]
# As the class ResNetForImageClassification of Hugging Face's transformers. Its stages and convolutions begin at 0.
HUGGING_FACE = [
    ("stage0.conv", "embedder.embedder.convolution"),
    ("stage0.bn", "embedder.embedder.normalization"),
    ("stage{n}.{n}.shortcut.conv", "encoder.stages.{n-1}.layers.{n}.shortcut.convolution"),
    ("stage{n}.{n}.shortcut.bn", "encoder.stages.{n-1}.layers.{n}.shortcut.normalization"),
    ("stage{n}.{n}.conv{n}", "encoder.stages.{n-1}.layers.{n}.layer.{n-1}.convolution"),
    ("stage{n}.{n}.bn{n}", "encoder.stages.{n-1}.layers.{n}.layer.{n-1}.normalization"),
    ("head.fc", "classifier.1"),
]
# The published network's children in an nn.Sequential: 0 and 1 are conv1 and bn1, 4 to 7 are layer1 to layer4.
SEQUENTIAL = [
    (ours, theirs.replace("layer{n}", "{n+3}").replace("conv1", "0").replace("bn1", "1").replace("fc", "9"))
    for ours, theirs in NAMES
]
# Names under which the shortcut's layers are known as well.
SHORTCUT = [(ours, theirs.replace("downsample", "shortcut")) for ours, theirs in NAMES if "downsample" in theirs]
SCHEMES = {
    "the library": OURS,
    "published": NAMES + SHORTCUT,
    "Hugging Face": HUGGING_FACE,
    "nn.Sequential": SEQUENTIAL,
}
# What a layer holds; the last part of every key.
LEAVES = "weight|bias|running_mean|running_var|num_batches_tracked"
_NUMBER = re.compile(r"\{n([+-]\d)?\}")


def to_published(state_dict):
    """Return the same tensors under the published key names. ValueError for a key that this library's ResNet lacks."""
    return _rename(state_dict, NAMES, "a key of this library's ResNet")


def from_published(state_dict):
    """Return the same tensors under the library's key names, for `ResNet.load_state_dict`. Files that lack the
    `num_batches_tracked` entries load as well. ValueError for a key that is not a published one."""
    return _rename(state_dict, _turned(NAMES), "a published key of a ResNet")


def from_scheme(key, scheme):
    """Return a key of one of the SCHEMES under the library's name, None where that scheme has no such key."""
    return _new_name(key, _scheme_rules(scheme)[1])


def to_scheme(key, scheme):
    """Return one of the library's keys as one of the SCHEMES names it."""
    return _new_name(key, _scheme_rules(scheme)[0])


@cache
def _scheme_rules(scheme):
    return _rules(SCHEMES[scheme]), _rules(_turned(SCHEMES[scheme]))


def _turned(table):
    return [(theirs, ours) for ours, theirs in table]


def _rename(state_dict, table, what):
    rules, renamed = _rules(table), {}
    for key, tensor in state_dict.items():
        new = _new_name(key, rules)
        if new is None:
            raise ValueError(f"{key!r} is not {what}")
        renamed[new] = tensor
    return renamed


def _rules(table):
    """Return (pattern, numbers added in the old name, new name, numbers added in the new name) of each row."""
    rules = []
    for old, new in table:
        pattern = "".join(
            re.escape(part) if i % 2 == 0 else "(0|[1-9][0-9]*)" for i, part in enumerate(re.split(r"(\{.+?\})", old))
        )
        added = [[int(more or 0) for more in _NUMBER.findall(name)] for name in (old, new)]
        rules.append((re.compile(rf"{pattern}\.({LEAVES})"), added[0], _NUMBER.sub("{}", new), added[1]))
    return rules


def _new_name(key, rules):
    for pattern, before, target, after in rules:
        match = pattern.fullmatch(key)
        if match:
            *numbers, leaf = match.groups()
            moved = zip(numbers, before, after, strict=True)
            return target.format(*(int(n) - less + more for n, less, more in moved)) + "." + leaf
    return None
