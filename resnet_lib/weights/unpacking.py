"""The one network in what a file holds: under which entries and prefixes it is, by whose names, and what is beside it.

Entries in dictionaries and prefixes of keys are one thing here: {"model": {"module.fc.bias": …}} has the key
"model.module.fc.bias".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from .._common import Finding, Kind
from .formats import CannotLoad
from .key_names import LEAVES, SCHEMES, from_scheme, to_scheme
from .variants import family

NO_WEIGHTS = Kind("no weights", "{where!r} holds no weights: a dictionary of tensors is expected, as from state_dict()")
OPTIMISER = Kind(
    "optimiser",
    "{where!r} holds the state of an optimiser and no weights: pass the file with the network's state_dict",
)
NO_NAME = Kind(
    "unknown key", "{where!r} holds the weights of another network: {key!r} is not a published key of a ResNet"
)
TAKEN = Kind("one of several", "the weights are those of {taken}, and those of {other} were not used")
NO_HEAD = Kind(
    "no head",
    "{where!r} has no head: its linear layer is set to 0, so all classes are equally probable until you train it",
)
HEAD_OF_SEVERAL = Kind(
    "another head",
    "the head of {where!r}, {head!r}, is not one linear layer and was left out: the linear layer here is set to 0, so "
    "all classes are equally probable until you train it",
)
UNUSED = Kind("left over", "not used from the file: {names}")

# Parts of a key that wrappers of a module add, at any depth.
WRAPPERS = re.compile(r"(?:(?<=\.)|^)(?:_orig_mod|module|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")
AVERAGED = re.compile(r"(?<![a-z])(ema|swa)(?![a-z])|averag|shadow", re.IGNORECASE)
HEADS = re.compile(r"(fc|linear|classifier|last_linear|logits|(cls_)?head|projector|projection_head|prototypes)s?")
# What tools, losses and input pipelines leave among a network's keys, and no result depends on.
LEFTOVERS = re.compile(
    r"(.*\.)?(total_ops|total_params|n_averaged|num_updates|step|queue|queue_ptr|mean|std|pixel_mean|pixel_std)"
    r"|(criterion|loss|loss_fn|metrics?|(train|val|valid|test)_\w+|normali[sz]er?)(\..*)?"
)
FIRST = "stage1.0.conv1.weight"  # every ResNet has it: where it is, a network is


@dataclass
class Weights:
    """A network's weights as a file holds them.

    tensors:   library key → tensor.
    others:    key → tensor of what is among them and that no ResNet of this library has, without the prefix.
    scheme:    whose names the file uses, of SCHEMES. prefix: what is before each of them.
    called:    texts in the file, such as the name of an architecture.
    remarks:   findings that the reader is to be told.
    """

    tensors: dict
    others: dict
    scheme: str
    prefix: str
    called: tuple
    remarks: list

    def key(self, ours):
        """Return the name in the file of one of the library's keys."""
        return to_scheme(ours, self.scheme)


def unpack(content, path):
    """Return the network in what `formats.read` found, as `Weights`. Of several, an average of the weights over the
    training (EMA) is taken, else the first. Raises CannotLoad where there is none."""
    flat = {}
    for key, value in _flatten(content):
        flat.setdefault(WRAPPERS.sub("", key), value)
    tensors = {key: value for key, value in flat.items() if torch.is_tensor(value)}
    found = _networks(tensors)
    if not found:
        raise CannotLoad(_nothing(flat, tensors, path))
    prefix, scheme = _chosen(found, tensors)
    remarks = []
    rivals = [p for p, _ in found if p != prefix]
    if rivals:
        remarks.append(Finding(TAKEN, str(path), {"taken": _entry(prefix), "other": ", ".join(map(_entry, rivals))}))
    head, head_keys, left_out = _head(tensors, prefix, rivals, scheme)
    weights, others, used = dict(head), {}, set(head_keys)
    inner = tuple(p for p in rivals if p.startswith(prefix))
    for key in tensors:
        name = key[len(prefix) :]
        if key in head_keys or key in left_out or not key.startswith(prefix) or key.startswith(inner):
            continue
        ours = from_scheme(name, scheme)
        if ours:
            weights[ours] = tensors[key]
            used.add(key)
        elif not LEFTOVERS.fullmatch(name):
            others[name] = tensors[key]
    if not head:
        parts = left_out[0].split(".") if left_out else []
        root = next((part for part in parts if HEADS.fullmatch(part)), None)
        remarks.append(Finding(HEAD_OF_SEVERAL if root else NO_HEAD, path.name, {"head": root}))
    unused = [key for key in flat if key not in used and key[len(prefix) :] not in others]
    if names := _collapsed([key for key in unused if not key.startswith(tuple(filter(None, rivals)))], prefix):
        remarks.append(Finding(UNUSED, str(path), {"names": names}))
    called = tuple(value for value in flat.values() if isinstance(value, str))
    return Weights(weights, others, scheme, prefix, called, remarks)


def _flatten(value, path=()):
    """All leaves of nested dictionaries and lists, (dotted key, value). Empty ones are leaves as well."""
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list | tuple) else ()
    if items and len(path) < 32:
        for key, inner in items:
            yield from _flatten(inner, (*path, str(key)))
    else:
        yield ".".join(path), value


def _networks(tensors):
    """All (prefix, scheme) under which a network's first block is, in the file's order."""
    firsts = {scheme: to_scheme(FIRST, scheme) for scheme in SCHEMES}
    return [
        (key[: -len(first)], scheme)
        for key in tensors
        for scheme, first in firsts.items()
        if key == first or key.endswith("." + first)
    ]


def _chosen(found, tensors):
    def size(which):
        inner = tuple(prefix for prefix, _ in found if prefix != which[0] and prefix.startswith(which[0]))
        return sum(key.startswith(which[0]) and not key.startswith(inner) for key in tensors)

    def complete(which):
        return which[0] + to_scheme(FIRST.replace("conv1.weight", "bn1.running_mean"), which[1]) in tensors

    usable = [which for which in found if complete(which)] or found
    averaged = [which for which in usable if AVERAGED.search(which[0]) and size(which) >= size(usable[0])]
    return (averaged or usable)[0]


def _entry(prefix):
    return repr(prefix.rstrip(".")) if prefix else "the file's outermost keys"


def _head(tensors, prefix, rivals, scheme):
    """Return the head's tensors under the library's names, their keys, and the keys of all other heads. No tensors
    where there is no head, or none is one linear layer."""
    own = prefix + to_scheme("head.fc.weight", scheme).rpartition(".")[0]
    channels, left_out, head = _channels(tensors, prefix, scheme), [], {}
    for root in dict.fromkeys([own, *_heads(tensors, prefix, rivals)]):
        keys = [k for k in tensors if k.startswith(root + ".") and not LEFTOVERS.fullmatch(k)]
        leaves = {key.rpartition(".")[2]: key for key in keys}
        weight = tensors.get(leaves.get("weight"))
        one = weight is not None and set(leaves) <= {"weight", "bias"} and len(keys) == len(leaves)
        if not head and one and (root == own or weight.dim() == 2 and weight.shape[1] == channels):
            head = leaves
        else:
            left_out += [key for key in keys if key not in head.values()]
    found = {f"head.fc.{leaf}": tensors[key] for leaf, key in head.items()}
    if len(found) == 1:  # without a bias
        found["head.fc.bias"] = found["head.fc.weight"].new_zeros(found["head.fc.weight"].shape[:1])
    return found, list(head.values()), left_out


def _heads(tensors, prefix, rivals):
    """Return where heads may be: under one of the HEADS, beside the network or among its keys, in the file's order."""
    inside = prefix.split(".")[:-1]
    for key in tensors:
        parts = key.split(".")
        same = next((i for i, (a, b) in enumerate(zip(parts, inside, strict=False)) if a != b), len(inside))
        if HEADS.fullmatch(parts[same]) and not key.startswith(tuple(filter(None, rivals))):
            yield ".".join(parts[: same + 1])


def _channels(tensors, prefix, scheme):
    """Return how many channels Stage 4 outputs, None where that is not to be found."""
    ends = re.compile(r"stage4\.0\.bn[23]\.weight")
    found = {}
    for key, tensor in tensors.items():
        ours = from_scheme(key[len(prefix) :], scheme) if key.startswith(prefix) else None
        if ours and ends.fullmatch(ours) and tensor.dim() == 1:
            found[ours] = tensor.shape[0]
    return found[max(found)] if found else None


def _collapsed(keys, prefix):
    """Return keys that were not used as a text: each up to the first part in which it leaves the prefix."""
    inside, names = prefix.split(".")[:-1], {}
    for key in keys:
        parts = key.split(".")
        same = next((i for i, (a, b) in enumerate(zip(parts, inside, strict=False)) if a != b), None)
        names[key if same is None else ".".join(parts[: same + 1])] = None
    names = [repr(name) for name in names if name]
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _nothing(flat, tensors, path):
    """Return what a file without any ResNet holds, as a finding."""
    named = [key for key in tensors if re.search(rf"(^|\.)({LEAVES})$", key)]
    if any(re.search(r"(^|\.)param_groups\b", key) for key in flat) and not named:
        return Finding(OPTIMISER, str(path))
    if not named:
        return Finding(NO_WEIGHTS, str(path))
    return family(tensors, path) or Finding(NO_NAME, str(path), {"key": named[0]})
