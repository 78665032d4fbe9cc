"""The parts of a ResNet as source texts, written as learners write them.

A part is a `Plan`: what it computes, step by step. A `Style` is how that is written: one choice for each of some
independent rewritings. Any plan can be written in any style.
"""

import itertools
import re
from typing import NamedTuple

# ── What a part computes ─────────────────────────────────────────────────────────────────────────────────────


class Step(NamedTuple):
    """One step. kind: "conv", "norm", "relu", "pool" or "code", an expression of {x}. Numbers are source texts."""

    kind: str
    name: str
    i: str = ""
    o: str = ""
    k: int = 1
    S: str = "1"
    p: int = 0
    more: str = ""  # further arguments
    layer: str = ""  # another class than usual
    code: str = ""


class Plan(NamedTuple):
    """f, and g where the shortcut is one; how they are added; what follows; the arguments of __init__."""

    arguments: str
    f: tuple
    g: tuple | None = None
    add: str | None = None  # None where nothing is added
    tail: tuple = ()
    end: str = ""  # a last line of __init__


def _layers(*rows):
    """conv → bn → relu, row by row."""
    for n, (i, o, k, S) in enumerate(rows, 1):
        yield Step("conv", f"conv{n}", i, o, k, S, k // 2)
        yield Step("norm", f"bn{n}", o=o)
        if n < len(rows):
            yield Step("relu", f"relu{n}")


STEM = Plan(
    "C=3, C1=64",
    (
        Step("conv", "conv", "C", "C1", 7, "2", 3),
        Step("norm", "bn", o="C1"),
        Step("relu", "relu"),
        Step("pool", "pool", k=3, S="2", p=1),
    ),
)
PROJECTION = Plan("C, C_out, S", (Step("conv", "conv", "C", "C_out", 1, "S"), Step("norm", "bn", o="C_out")))
END = (Step("relu", "relu3"),)
BTNK2 = Plan(
    "C", tuple(_layers(("C", "C // 4", 1, "1"), ("C // 4", "C // 4", 3, "1"), ("C // 4", "C", 1, "1"))), None, "+", END
)
BTNK1 = Plan(
    "C, C1, S=1",
    tuple(_layers(("C", "C1", 1, "1"), ("C1", "C1", 3, "S"), ("C1", "4 * C1", 1, "1"))),
    (Step("conv", "side", "C", "4 * C1", 1, "S"), Step("norm", "side_bn", o="4 * C1")),
    "+",
    END,
)
PLANS = {"stem": STEM, "projection": PROJECTION, "BTNK2": BTNK2, "BTNK1": BTNK1}

# ── How it is written ────────────────────────────────────────────────────────────────────────────────────────


class Style(NamedTuple):
    layout: str
    conv: str
    norm: str
    relu: str
    add: str
    names: str
    order: str
    wrap: str


CHOICES = Style(
    layout=("lines", "nested", "sequential", "ordered", "list", "dict", "numbered", "joined", "helper", "parameters"),
    conv=("plain", "tuples", "lazy", "own", "matrix", "einsum", "padded", "unfold"),
    norm=("plain", "spelt out", "lazy", "subclass", "call", "by hand", "shaped"),
    relu=("module", "in place", "shared", *"F.relu torch.relu method clamp clamp_min where mask maximum relu_".split())
    + ("threshold", "half"),
    add=("+", "s + f", "torch.add", "add", "add_", "+=", "sum", "stack", "operator"),
    names=("lesson", "short", "words", "any", "hidden"),
    order=("as run", "backwards", "shortcut first"),
    wrap=("class", "function", "inner", "scripted", "methods", "partial"),
)
RELUS = {
    "F.relu": "F.relu({x})",
    "torch.relu": "torch.relu({x})",
    "method": "{x}.relu()",
    "clamp": "{x}.clamp(min=0)",
    "clamp_min": "torch.clamp_min({x}, 0)",
    "where": "torch.where({x} > 0, {x}, torch.zeros_like({x}))",
    "mask": "({x} * ({x} > 0))",
    "maximum": "torch.maximum({x}, torch.zeros_like({x}))",
    "relu_": "{x}.relu_()",
    "threshold": "F.threshold({x}, 0.0, 0.0)",
    "half": "(({x} + {x}.abs()) / 2)",
}
MODULE_RELUS = {"module": "nn.ReLU()", "in place": "nn.ReLU(inplace=True)", "shared": "nn.ReLU()"}
SUMS = {
    "+": "f = f + s",
    "s + f": "f = s + f",
    "torch.add": "f = torch.add(f, s)",
    "add": "f = s.add(f)",
    "add_": "f = f.add_(s)",
    "+=": "f += s",
    "sum": "f = sum([f, s])",
    "stack": "f = torch.stack([f, s]).sum(0)",
    "operator": "f = operator.add(f, s)",
}
NORMS = {
    "plain": "nn.BatchNorm2d({o})",
    "spelt out": "nn.BatchNorm2d(num_features={o}, eps=1e-5, momentum=0.1)",
    "lazy": "nn.LazyBatchNorm2d()",
    "subclass": "Norm({o})",
    "call": "Norms({o})",
    "by hand": "ByHand({o})",
    "shaped": "Shaped({o})",
}
CONVS = {
    "tuples": "nn.Conv2d({i}, {o}, kernel_size=({k}, {k}), stride=({S}, {S}), padding=({p}, {p}), bias=False)",
    "lazy": "nn.LazyConv2d({o}, {k}, {S}, {p}, bias=False)",
    "own": "OwnConv({i}, {o}, {k}, {S}, {p})",
    "padded": "nn.Sequential(nn.ZeroPad2d({p}), nn.Conv2d({i}, {o}, {k}, {S}, bias=False))",
    "unfold": "Windows({i}, {o}, {k}, {S}, {p})",
    "matrix": "Matrix({i}, {o}, {S})",
    "einsum": "Einsum({i}, {o}, {S})",
}
WORDS = {"conv": "look", "bn": "level", "relu": "cut", "pool": "largest", "side": "way", "side_bn": "way_level"}


class Writer:
    """Writes a plan in a style: `source` is the text, which defines `name` last."""

    def __init__(self, plan, style, name):
        self.plan, self.style, self.name = plan, style, name

    def called(self, step, n):
        """What an attribute is called."""
        if step.kind == "code":
            return f"code_{n}"
        word = re.sub(r"\d", "", step.name)
        number = step.name.removeprefix(word)
        match self.style.names:
            case "short":
                return f"{word[0]}{'b' if word.endswith('bn') and word != 'bn' else ''}{number}"
            case "words":
                return f"{WORDS.get(word, word)}_{number or 'only'}"
            case "any":
                return f"a{n}"
            case "hidden":
                return f"_{step.name}"
        return step.name

    def module(self, step):
        """The text that makes a step, as a module."""
        match step.kind:
            case "norm" if step.layer:
                return f"{step.layer}({step.o}{step.more})"
            case "norm":
                if step.more:
                    return f"nn.BatchNorm2d({step.o}{step.more})"
                return NORMS[self.style.norm].format(o=step.o)
            case "pool":
                return f"{step.layer or 'nn.MaxPool2d'}({step.k}, stride={step.S}, padding={step.p}{step.more})"
            case "relu" if step.layer:
                return step.layer
            case "relu" if self.style.relu in MODULE_RELUS:
                return MODULE_RELUS[self.style.relu]
            case "relu":
                return f"Code(lambda x: {RELUS[self.style.relu].format(x='x')})"
            case "code":
                return f"Code(lambda x: {step.code.format(x='x')})" if "self" not in step.code else None
        kind = self.style.conv
        if kind in ("matrix", "einsum") and (step.k > 1 or step.p) or step.more:
            kind = "plain"
        if kind == "plain":
            padding = f", padding={step.p}" if step.p else ""
            return f"nn.Conv2d({step.i}, {step.o}, {step.k}, stride={step.S}{padding}{step.more or ', bias=False'})"
        return CONVS[kind].format(**step._asdict())

    def line(self, step, n, var):
        """(lines of __init__, line of forward) of a step by itself."""
        name = self.called(step, n)
        if step.kind == "code":
            return [], [f"{var} = {step.code.format(x=var)}"]
        if step.kind == "relu" and not step.layer and self.style.relu in RELUS:
            return [], [f"{var} = {RELUS[self.style.relu].format(x=var)}"]
        name = "act" if step.kind == "relu" and self.style.relu == "shared" and not step.layer else name
        if self.style.layout == "parameters" and not step.more and not step.layer:
            if step.kind == "conv":
                S = "self.S" if "S" in step.S else step.S
                w = f"self.w_{name} = nn.Parameter(torch.randn({step.o}, {step.i}, {step.k}, {step.k}) * 0.1)"
                keep = [f"self.S = {step.S}"] if "S" in step.S else []
                return [w, *keep], [f"{var} = F.conv2d({var}, self.w_{name}, stride={S}, padding={step.p})"]
            if step.kind == "norm":
                made = [f"self.g_{name} = nn.Parameter(torch.ones({step.o}))"]
                made += [f"self.b_{name} = nn.Parameter(torch.zeros({step.o}))"]
                made += [f"self.register_buffer('m_{name}', torch.zeros({step.o}))"]
                made += [f"self.register_buffer('v_{name}', torch.ones({step.o}))"]
                numbers = ", ".join(f"self.{role}_{name}" for role in "mvgb")
                return made, [f"{var} = F.batch_norm({var}, {numbers}, training=self.training)"]
            if step.kind == "pool":
                return [], [f"{var} = F.max_pool2d({var}, {step.k}, {step.S}, {step.p})"]
        return [f"self.{name} = {self.module(step)}"], [f"{var} = self.{name}({var})"]

    def section(self, steps, var, own):
        """(lines of __init__, lines of forward) of steps in a row."""
        layout, made, run = self.style.layout, [], []
        if layout in ("lines", "nested", "parameters"):
            for n, step in enumerate(steps):
                a, b = self.line(step, f"{own}{n}", var)
                made, run = made + a, run + b
            return made, self.nested(run, var) if layout == "nested" else run
        groups = itertools.groupby(steps, lambda step: self.module(step) is not None)
        for n, (modules, group) in enumerate(groups):
            group = list(group)
            if not modules:
                run += [line for step in group for line in self.line(step, "", var)[1]]
            elif layout == "joined":
                for m, pair in enumerate(self.joined(group)):
                    made.append(f"self.{own}{n}_{m} = nn.Sequential({', '.join(map(self.module, pair))})")
                    run.append(f"{var} = self.{own}{n}_{m}({var})")
            else:
                a, b = self.container(group, var, f"{own}{n}")
                made, run = made + a, run + b
        return made, run

    def container(self, steps, var, name):
        inner, called = list(map(self.module, steps)), [self.called(step, i) for i, step in enumerate(steps)]
        pairs = ", ".join(f'("{key}", {text})' for key, text in zip(called, inner, strict=True))
        match self.style.layout:
            case "sequential":
                return [f"self.{name} = nn.Sequential({', '.join(inner)})"], [f"{var} = self.{name}({var})"]
            case "ordered":
                return [f"self.{name} = nn.Sequential(OrderedDict([{pairs}]))"], [f"{var} = self.{name}({var})"]
            case "list":
                run = [f"for step in self.{name}:", f"    {var} = step({var})"]
                return [f"self.{name} = nn.ModuleList([{', '.join(inner)}])"], run
            case "dict":
                run = [f'{var} = self.{name}["{key}"]({var})' for key in called]
                return [f"self.{name} = nn.ModuleDict([{pairs}])"], run
            case "numbered":
                made = [f'setattr(self, f"{name}_{i}", {text})' for i, text in enumerate(inner)]
                run = [f"for i in range({len(inner)}):", f'    {var} = getattr(self, f"{name}_{{i}}")({var})']
                return made, run
        return [f"self.{name} = Layer({', '.join(inner)})"], [f"{var} = self.{name}({var})"]

    def joined(self, steps):
        """conv and bn, with the ReLU where it follows."""
        group = []
        for step in steps:
            if step.kind == "conv" and group:
                yield group
                group = []
            group.append(step)
        yield group

    def nested(self, run, var):
        """Lines as one expression, as far as each uses its variable once."""
        out = [run[0]] if run else []
        for line in run[1:]:
            right = line.partition(" = ")[2]
            if len(re.findall(rf"\b{var}\b", right)) == 1 and ".relu_" not in right:
                out[-1] = f"{var} = " + re.sub(rf"\b{var}\b", lambda _: out[-1].partition(" = ")[2], right)
            else:
                out.append(line)
        return out

    def source(self):
        """The text of the class, and of what makes one where that is a function."""
        plan, style = self.plan, self.style
        made, run = self.section(plan.f, "f", "f")
        side = [], []
        if plan.g is not None:
            side = self.section(plan.g, "s", "g")
        first = style.order == "shortcut first"
        made = side[0] + made if first else made + side[0]
        made = made[::-1] if style.order == "backwards" else made
        lines = ["f = x", *run]
        if plan.add is not None:
            s = ["s = x", *side[1]]
            lines = [*s, *lines] if first else [*lines, *s]
            lines.append(SUMS[style.add] if plan.add == "+" else plan.add)
        tail = self.section(plan.tail, "f", "t") if plan.tail else ([], [])
        made, lines = made + tail[0], lines + tail[1]
        made += [plan.end] if plan.end else []
        name = self.name if style.wrap in ("class", "methods") else "Inside"
        text = f"class {name}(nn.Module):\n    def __init__(self, {plan.arguments}):\n        super().__init__()\n"
        text += "".join(f"        {line}\n" for line in made)
        if style.wrap == "methods":
            text += "\n    def all(self, x):\n" + _indented([*lines, "return f"])
            lines = ["return self.all(x)"]
        else:
            lines = [*lines, "return f"]
        return f"{text}\n    def forward(self, x):\n{_indented(lines)}" + self.made_by()

    def made_by(self):
        """What makes one, where it is not the class itself."""
        plan, name = self.plan, self.name
        names = re.sub(r"=\d+", "", plan.arguments)
        match self.style.wrap:
            case "function":
                return f"\n\ndef {name}({plan.arguments}):\n    return Inside({names})\n"
            case "scripted":
                return f"\n\ndef {name}({plan.arguments}):\n    return torch.jit.script(Inside({names}))\n"
            case "partial":
                return f"\n\n{name} = functools.partial(Inside)\n"
            case "inner":
                body = [f"self.inner = Inside({names})"]
                text = f"\n\nclass {name}(nn.Module):\n    def __init__(self, {plan.arguments}):\n"
                text += _indented(["super().__init__()", *body])
                return text + "\n    def forward(self, x):\n        return self.inner(x)\n"
        return ""


def _indented(lines):
    return "".join(f"        {line}\n" for line in lines)


def written(part, style, plan=None):
    """The source of a part in a style, or of another plan."""
    return Writer(plan or PLANS[part], style, f"My{part.capitalize()}").source()
