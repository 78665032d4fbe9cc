"""Names of steps: this library's, and what else people call them."""

import difflib
import re

# The parts as published networks name them → as they are named here.
PARTS = {
    "conv1": "stage0.conv",
    "bn1": "stage0.bn",
    "relu": "stage0.relu",
    "maxpool": "stage0.pool",
    **{f"layer{i}": f"stage{i}" for i in (1, 2, 3, 4)},
    "avgpool": "head.pool",
    "fc": "head.fc",
}


def step_called(name, names):
    """Return which of the names of steps is meant by a name: itself; the same step as published networks call it, or as
    this library does where the names are published ones; an index in brackets, `layer4[-1]`, is a block.

    Raises ValueError for a name that is none of them, with the nearest, or that is several steps here, with those.
    """
    names = dict.fromkeys(names)
    if name in names:
        return name
    if not isinstance(name, str):
        raise ValueError(
            f"a step is asked for by its name, such as {next(iter(names), '')!r}, and not {type(name).__name__}"
        )
    said = re.sub(r"\[(-?\d+)\]", r".\1", name.lower().replace(" ", ""))
    said = re.sub(r"\b(stage|layer)[_-](\d)", r"\1\2", said)
    inside, before = _in_wrapper(names)
    bare = re.sub(r"^(?:\w+\.)*?(?=(?:stage|layer)\d|stem\.|res\d)", "", said)
    for called in dict.fromkeys((said, bare, re.sub(r"^(?:module|model)\.", "", said))):
        called = _with_end(called, inside)
        there = _elsewhere(called)
        for meant in (called, _ours(called), _published(called), _ours(there), _published(there)):
            if meant in inside:
                return before + meant
    uses = re.escape(_ours(bare)) + r"\d" if bare.endswith("relu") else "-"
    several = [before + n for n in inside if re.fullmatch(uses, n)]
    if several:
        raise ValueError(f"{name!r} is {len(several)} steps here, one each time it runs: {', '.join(several)}")
    if near := difflib.get_close_matches(_ours(bare), names, 3):
        raise ValueError(f"no step is called {name!r}; did you mean {' or '.join(near)}?")
    first = ", ".join([n for n in names if n][:4]) + ", …" * (len(names) > 4)
    raise ValueError(f"no step is called {name!r}; there are {first}")


def _with_end(said, names):
    """Return a name with an index from the end, layer4.-1, as a name with the index itself."""
    last = re.search(r"^(.*?)\.(-\d+)", said)
    if not last:
        return said
    stage, index = last.groups()
    for stage_ in (stage, _ours(stage), _published(stage)):
        blocks = {int(m[1]) for n in names if (m := re.match(re.escape(stage_) + r"\.(\d+)(\.|$)", n))}
        if len(blocks) >= -int(index):
            return said.replace(f"{stage}.{index}", f"{stage}.{sorted(blocks)[int(index)]}", 1)
    return said


def _ours(name):
    first, dot, rest = name.partition(".")
    rest = rest.replace("downsample.0", "shortcut.conv").replace("downsample.1", "shortcut.bn")
    return PARTS.get(first, first) + dot + rest.replace("downsample", "shortcut")


def _published(name):
    for theirs, ours in PARTS.items():
        if f"{name}.".startswith(f"{ours}."):
            rest = name[len(ours) :].replace("shortcut.conv", "downsample.0").replace("shortcut.bn", "downsample.1")
            return theirs + re.sub(r"relu\d$", "relu", rest).replace("shortcut", "downsample")
    return name


def _in_wrapper(names):
    """Return the names inside the one ResNet that a wrapper holds, and what stands before them: nn.DataParallel's
    "module.", "_orig_mod." of a compiled network, the attribute of a class. All of them and "" where there is none."""
    stages = "|".join(("stage1", "layer1"))
    before = {m[1] for n in names if (m := re.fullmatch(rf"(.+\.)(?:{stages})", n))}
    if len(before) != 1 or names.keys() & {"stage1", "layer1"}:
        return names, ""
    (before,) = before
    return dict.fromkeys(n[len(before) :] for n in names if n.startswith(before)), before


_KINDS = {"convolution": "conv", "normalization": "bn", "activation": "relu"}


def _hugging_face(stage, block, layer, shortcut, kind):
    name = f"stage{int(stage) + 1}" + (block and f".{block}")
    if shortcut:
        return f"{name}.shortcut" + (kind and f".{_KINDS[kind]}")
    return f"{name}.{_KINDS[kind]}{int(layer) + 1}" if layer and kind else name


def _keras(stage, block, i, kind):
    name = f"stage{int(stage) - 1}.{int(block) - 1}"
    if i == "0":
        return f"{name}.shortcut.{kind}"
    return f"{name}.{kind}{i}" if i else name + (".add" if kind == "add" else "")


def _of_paper(stage, block):
    return f"stage{int(stage) - 1}" + (f".{int(block) - 1}" if block.isdecimal() else "")


def _of_caffe(stage, block):
    return f"stage{int(stage) - 1}.{ord(block) - ord('a')}"


# What a step is called in timm, Hugging Face's transformers, Keras, detectron2, Caffe and the paper → here.
ELSEWHERE = (
    (r"act1", lambda: "stage0.relu"),
    (r"(layer\d\.\d+)\.act(\d)", "{0}.relu{1}".format),
    (r"global_pool(?:\.pool)?|avg_pool|pool5|(?:resnet\.)?pooler", lambda: "head.pool"),
    (r"classifier(?:\.1)?|predictions|fc1000", lambda: "head.fc"),
    (r"(?:resnet\.)?embedder\.pooler|pool1_pool|pool1", lambda: "stage0.pool"),
    (r"(?:resnet\.)?embedder(?:\.embedder)?|stem", lambda: "stage0"),
    (r"(?:resnet\.)?embedder\.embedder\.(\w+)", lambda kind: f"stage0.{_KINDS.get(kind, kind)}"),
    (
        r"(?:resnet\.)?encoder\.stages\.(\d)(?:\.layers\.(\d+))?(?:\.layer\.(\d))?(\.shortcut)?"
        r"(?:\.(convolution|normalization|activation))?",
        _hugging_face,
    ),
    (r"conv1_(conv|bn|relu)", "stage0.{0}".format),
    (r"conv([2-5])_block(\d+)_(?:(\d)_)?(conv|bn|relu|out|add)", _keras),
    (r"stem\.conv1|conv1_7x7_s2", lambda: "stage0.conv"),
    (r"conv([2-5])_(\d+|x)", _of_paper),
    (r"res([2-5])([a-z])", _of_caffe),
    (r"res([2-5])((?:\..*)?)", lambda stage, rest: f"stage{int(stage) - 1}{rest}"),
)


def _elsewhere(said):
    for form, ours in ELSEWHERE:
        if m := re.fullmatch(form, said):
            return ours(*m.groups(""))
    return said
