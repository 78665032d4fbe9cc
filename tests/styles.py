"""Right solutions of the parts of a ResNet in many styles: each check must accept all of them.

`tests.writing` writes a part in a style; here styles are drawn, and blocks put together to stages and networks.

    python -m tests.styles          # the figures of right and wrong ones
    python -m tests.styles stem     # of one part, with each one that was judged in the wrong way
    python -m tests.styles stem 2/8 # the second of eight pieces of it
"""

import functools
import itertools
import linecache
import operator
import random
import sys
from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional as F

from resnet_lib.exercises import (
    Wrong,
    check_btnk1,
    check_btnk2,
    check_network,
    check_projection,
    check_stage,
    check_stem,
)

from . import pieces
from .writing import CHOICES, MODULE_RELUS, PLANS, Style, written


def check_thin(make):
    return check_network(make, blocks=(2, 2, 1, 1), base=8, num_classes=10)


CHECKS = {
    "stem": check_stem,
    "projection": check_projection,
    "BTNK2": check_btnk2,
    "BTNK1": check_btnk1,
    "stage": check_stage,
    "network": check_thin,
}

# ── Stages and networks ──────────────────────────────────────────────────────────────────────────────────────

# {first}: the first block; {next}: each that follows; {count}: how many these are.
STAGES = {
    "comprehension": "    return nn.Sequential({first}, *[{next} for _ in range({count})])",
    "append": """    blocks = [{first}]
    for _ in range({count}):
        blocks.append({next})
    return nn.Sequential(*blocks)""",
    "condition": """    blocks = []
    for i in range({count} + 1):
        if i == 0:
            blocks.append({first})
        else:
            blocks.append({next})
    return nn.Sequential(*blocks)""",
    "named": """    blocks = OrderedDict(first={first})
    for i in range(2, {count} + 2):
        blocks["block" + str(i)] = {next}
    return nn.Sequential(blocks)""",
    "add_module": """    stage = nn.Sequential()
    stage.add_module("first", {first})
    for i in range({count}):
        stage.add_module(f"next{{i}}", {next})
    return stage""",
    "Sequential.append": """    stage = nn.Sequential({first})
    for _ in range({count}):
        stage.append({next})
    return stage""",
    "recursion": """    if {count} <= 0:
        return nn.Sequential({first})
    return nn.Sequential(make_stage(C, C1, S, n - 1), {next})""",
    "loop": """    return Loop([{first}] + [{next} for _ in range({count})])""",
    "first and rest": """    return FirstAndRest({first}, nn.Sequential(*({next} for _ in range({count}))))""",
    "while": """    stage = nn.Sequential({first})
    while len(stage) < {count} + 1:
        stage = nn.Sequential(*stage, {next})
    return stage""",
    "scripted": """    stage = nn.Sequential({first}, *[{next} for _ in range({count})])
    return torch.jit.script(stage) if {script} else stage""",
    "map": """    return nn.Sequential({first}, *map(lambda i: {next}, range({count})))""",
}
STAGE = {"first": "BTNK1(C, C1, S)", "next": "BTNK2(4 * C1)", "count": "n - 1", "script": "False"}
LIBRARY = "from resnet_lib import BTNK1, BTNK2\n"


def named(source, name):
    """A part's source under the name of the library's."""
    return source.replace(f"My{name.capitalize()}", name)


def stage_source(form, style, plans=None, **changes):
    """A make_stage of own blocks, or, without a style, of the library's."""
    blocks = LIBRARY
    if style:
        plans = PLANS | (plans or {})
        blocks = "\n\n".join(f"{once(named(written(n, style, plans[n]), n), n)}" for n in ("BTNK1", "BTNK2"))
    values = STAGE | changes
    return f"{blocks}\n\ndef make_stage(C, C1, S, n):\n" + STAGES[form].format(**values) + "\n"


def once(source, name):
    """Helpers of a source under names that no other part of the same text has."""
    return source.replace("Inside", f"Inside{name}")


HEADS = {
    "mean": ("", "x = x.mean((2, 3))"),
    "pool": ("self.pool = nn.AdaptiveAvgPool2d(1)", "x = torch.flatten(self.pool(x), 1)"),
    "functional": ("", "x = F.adaptive_avg_pool2d(x, (1, 1)).flatten(1)"),
    "sizes": ("", "x = F.avg_pool2d(x, x.shape[2:])[:, :, 0, 0]"),
    "flatten": ("", "x = x.flatten(2).mean(-1)"),
    "twice": ("", "x = x.mean(-1).mean(-1)"),
    "squeeze": ("self.pool = nn.AdaptiveAvgPool2d((1, 1))", "x = self.pool(x).squeeze(-1).squeeze(-1)"),
    "sum": ("", "x = x.sum((2, 3)) / (x.shape[2] * x.shape[3])"),
    "view": ("self.pool = nn.AdaptiveAvgPool2d(1)", "x = self.pool(x).view(x.size(0), -1)"),
}
LINEARS = {
    "plain": ("self.fc = nn.Linear({C}, {n}{bias})", "x = self.fc(x){after}"),
    "parameters": (
        "self.W = nn.Parameter(torch.randn({n}, {C})); self.b = nn.Parameter(torch.zeros({n}))",
        "x = F.linear(x, self.W, self.b){after}",
    ),
    "product": (
        "self.W = nn.Parameter(torch.randn({C}, {n})); self.b = nn.Parameter(torch.zeros({n}))",
        "x = x @ self.W + self.b{after}",
    ),
    "1x1": ("self.fc = nn.Conv2d({C}, {n}, 1{bias})", "x = self.fc(x[:, :, None, None]).flatten(1){after}"),
    "lazy": ("self.fc = nn.LazyLinear({n}{bias})", "x = self.fc(x){after}"),
}
NETWORK = {
    "stem": "MyStem(3, 8)",
    "rows": "(8, 8, 1, 2), (32, 16, 2, 2), (64, 32, 2, 1), (128, 64, 2, 1)",
    "C": "256",
    "n": "10",
    "bias": "",
    "after": "",
}
BODIES = {
    "attributes": (
        "self.stage1, self.stage2, self.stage3, self.stage4 = (make_stage(*row) for row in [{rows}])",
        "x = self.stage4(self.stage3(self.stage2(self.stage1(x))))",
    ),
    "list": (
        "self.stages = nn.ModuleList([make_stage(*row) for row in [{rows}]])",
        "for stage in self.stages:\n            x = stage(x)",
    ),
    "sequential": ("self.body = nn.Sequential(*(make_stage(*row) for row in [{rows}]))", "x = self.body(x)"),
    "setattr": (
        "for i, row in enumerate([{rows}]):\n            setattr(self, f'layer{{i}}', make_stage(*row))",
        "for i in range(4):\n            x = getattr(self, f'layer{{i}}')(x)",
    ),
    "flat": (
        "self.blocks = nn.ModuleList(block for row in [{rows}] for block in make_stage(*row).children())",
        "for block in self.blocks:\n            x = block(x)",
    ),
}


def network_source(choice, style, plans=None, pool=None, body=None, **changes):
    """A thin ResNet. choice: of STAGES, HEADS, LINEARS and BODIES."""
    form, head, linear, rows = choice
    plans, values = PLANS | (plans or {}), NETWORK | changes
    stem = written("stem", style or Style(*(c[0] for c in CHOICES)), plans["stem"])
    heads, linears, bodies = HEADS[head], LINEARS[linear], BODIES[rows]
    lines = [bodies[0].format(**values), heads[0] or "pass", linears[0].format(**values)]
    run = ["x = self.stem(x)", (body or bodies[1]).format(), pool or heads[1], linears[1].format(**values), "return x"]
    text = "class MyResNet(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    text += "".join(f"        {line}\n" for line in [f"self.stem = {values['stem']}", *lines])
    text += "\n    def forward(self, x):\n" + "".join(f"        {line}\n" for line in run)
    return f"{once(stem, 'stem')}\n\n{stage_source(form, style, plans)}\n\n{text}"


# ── Drawn ────────────────────────────────────────────────────────────────────────────────────────────────────


def possible(part, style):
    """Whether the choices of a style go together."""
    if style.wrap == "scripted":
        plain = style.layout in ("lines", "nested", "sequential", "ordered", "joined")
        named = style.relu in MODULE_RELUS or style.layout in ("lines", "nested")
        usual = style.conv in ("plain", "tuples", "padded") and style.norm in ("plain", "spelt out")
        if not (plain and named and usual and style.add in ("+", "s + f", "torch.add", "add", "add_", "+=", "stack")):
            return False
        return style.relu not in ("mask",) and style.names != "hidden"
    if style.layout == "numbered" and style.order == "backwards":
        return False
    return not (style.order == "shortcut first" and PLANS[part].g is None)


def styles_of(part, n, seed=0):
    """n styles of a part, each possible and of another source: first each choice once, then at random."""
    draw, found, sources = random.Random(f"{part}{seed}"), [], set()
    first = CHOICES._asdict().items()
    wanted = [(field, value) for field, values in first for value in values]
    draw.shuffle(wanted)
    while len(found) < n:
        style = Style(*(draw.choice(values) for values in CHOICES))
        if len(found) < len(wanted):
            field, value = wanted[len(found)]
            style = style._replace(**{field: value})
            if field == "order" and not possible(part, style):
                style = style._replace(order="as run")
        if possible(part, style) and (source := written(part, style)) not in sources:
            sources.add(source)
            found.append(style)
    return found


def sources(part, n, seed=0):
    """(what it was drawn as, source) of n right solutions of a part."""
    draw = random.Random(seed)
    if part in PLANS:
        return [(style, written(part, style)) for style in styles_of(part, n, seed)]
    found = {}
    styles = [style for style in styles_of("BTNK1", 2 * n, seed + 1) if style.wrap != "scripted"]
    for i in range(10 * n):
        style = styles[i % len(styles)] if i % 4 else None
        choice = drawn_choice(part, i, draw)
        source = assembled(part, choice, style)
        found.setdefault(source, ((choice, style), source))
        if len(found) == n:
            break
    return list(found.values())


def drawn_choice(part, i, draw):
    """How a stage or a network is put together: each form in its turn, the rest at random."""
    form = list(STAGES)[i % len(STAGES)]
    more = [draw.choice(list(of)) for of in (HEADS, LINEARS, BODIES)]
    if form in ("recursion", "loop", "first and rest") and more[-1] == "flat":
        more[-1] = "list"
    return (form,) if part == "stage" else (form, *more)


def assembled(part, choice, style, **changes):
    """The source of a stage or a network."""
    if part == "stage":
        return stage_source(*choice, style, **changes)
    return network_source(choice, style, **changes)


_numbers = itertools.count()


def made(source):
    """What a source defines last. Its lines can be read again, as TorchScript does."""
    file = f"<learner {next(_numbers)}>"
    linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
    space = dict(
        nn=nn, F=F, torch=torch, OrderedDict=OrderedDict, functools=functools, operator=operator, __name__="learner"
    )
    space |= {name: value for name, value in vars(pieces).items() if isinstance(value, type)}
    given = set(space)
    exec(compile(source, file, "exec"), space)
    return [value for name, value in space.items() if name not in given and callable(value)][-1]


def judged(part, source):
    """What the check says of a source: a `Verdict`, with its finding where it is refused."""
    try:
        return CHECKS[part](made(source))
    except Wrong as error:
        return error.verdict


if __name__ == "__main__":
    from tests.judging import report

    sys.exit(report(sys.argv[1:]) > 0)
