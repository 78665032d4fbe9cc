"""Every step's shape, parameters, MACs, receptive field: arithmetic on the design, with no forward pass.

A MAC is one multiplication with its addition; FLOPs = 2 × MACs. Convolutions and linear layers are counted, as
in the paper (section 3.3, "FLOPs (multiply-adds)"); normalisation, ReLU, sums and pooling are not: together they
are under one percent. Receptive fields follow Araujo, Norris, Sim, "Computing Receptive Fields of Convolutional
Neural Networks" (Distill, 2019), eq. (2).
"""

from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from math import prod

import torch
from torch import nn

from .blocks import Add, check


@dataclass(frozen=True)
class Step:
    """One step of a network.

    name:        its name in the module, "stage1.0.conv1".
    kind:        what it is, "CONV 3×3 /2", "BN", "ReLU", "MAXPOOL 3×3 /2", "SUM", …
    shape:       what it gives out, (C, H, W) or (C,).
    parameters:  numbers that training changes.
    macs:        multiply-accumulates for one picture.
    receptive_field: pixels of the input, from top to bottom, that one output value can depend on.
    jump:        pixels of the input from one output value to the next below it.
    path:        "main" (F), "shortcut", or "sum" (the sum and what comes after it in the block).
    """

    name: str
    kind: str
    shape: tuple
    parameters: int
    macs: int
    receptive_field: int
    jump: int
    path: str


class ShapeMismatch(ValueError):
    """F(x) and the shortcut cannot be added. `steps` holds all steps up to there, `main` and `shortcut` the two
    shapes that disagree."""

    def __init__(self, main, shortcut, steps):
        self.main, self.shortcut, self.steps = main, shortcut, steps
        super().__init__(
            f"F(x) has shape {shape_text(main)} and the shortcut {shape_text(shortcut)}: a sum needs equal shapes"
        )


@contextmanager
def unfilled():
    """Modules built inside draw no weights: what their tensors hold is arbitrary, to be filled at once."""

    def rest(*_args, **_kwargs):
        pass

    places = [(nn.init, "kaiming_normal_")]
    kinds = (nn.modules.conv._ConvNd, nn.modules.batchnorm._NormBase, nn.Linear)
    places += [(kind, "reset_parameters") for kind in kinds]
    before = [getattr(place, name) for place, name in places]
    for place, name in places:
        setattr(place, name, rest)
    try:
        yield
    finally:
        for (place, name), what in zip(places, before, strict=True):
            setattr(place, name, what)


@contextmanager
def shapes_only():
    """Modules built inside have shapes and no numbers: they live on the meta device. That is all `anatomy` needs,
    and a hundred times faster for a large design."""
    with unfilled(), torch.device("meta"):
        yield


def anatomy(module, size):
    """The steps of a block or network for an input of that size, as an `Anatomy`.

    module: any module of this library, or one of your own that runs its children in the order in which they were
            made; a child called "shortcut" starts from its block's input, and an `Add` ends it. What `forward`
            does without a submodule, a bare + or F.relu, is not seen. Nothing is run, so a module on the meta
            device will do.
    size:   W, (H, W) or (C, H, W) of the input.
    Raises ValueError for an input that does not fit, ShapeMismatch where a sum is impossible, TypeError for a
    kind of layer whose arithmetic is not known here.
    """
    size = tuple(size) if isinstance(size, tuple | list) else (size, size)
    if len(size) == 2:
        size = (_channels(module), *size)
    if len(size) != 3:
        raise ValueError(f"size = {size!r} must be W, (H, W) or (C, H, W), all 1 or larger")
    check(**dict(zip("CHW", size, strict=True)))
    start = Step("input", "input", size, 0, 0, 1, 1, "main")
    steps = []
    _walk(module, "", start, "main", steps)
    return Anatomy(type(module).__name__, start.shape, tuple(steps))


def _walk(module, name, x, path, steps):
    """Append the steps of `module` applied to what step `x` gives, and return the last of them."""
    if isinstance(module, nn.Identity) or next(module.children(), None) is None:
        step = _leaf(module, name, x, path)
        if step is not x:
            steps.append(step)
        return step
    if next(module.parameters(recurse=False), None) is not None:
        raise TypeError(
            f"{name or type(module).__name__} holds parameters of its own beside its children, and anatomy cannot know "
            "what they do: put them into a module of their own"
        )
    h, side = x, None
    for child_name, child in module.named_children():
        full = f"{name}.{child_name}" if name else child_name
        if child_name == "shortcut":
            side = _walk(child, full, x, "shortcut", steps)
        elif isinstance(child, Add):
            if side is None:
                raise ValueError(f'{full} is a sum, and no child called "shortcut" stands before it')
            if h.shape != side.shape:
                raise ShapeMismatch(h.shape, side.shape, tuple(steps))
            # What reaches further decides. Both branches take the same steps, so they have the same jump.
            reach = max(h.receptive_field, side.receptive_field)
            h = Step(full, "SUM", h.shape, 0, 0, reach, h.jump, "sum")
            steps.append(h)
            path = "sum"
        else:
            h = _walk(child, full, h, path, steps)
    return h


def _leaf(m, name, x, path):
    """The step that layer `m` makes after step `x`."""
    p = sum(w.numel() for w in m.parameters())
    C, space = x.shape[0], x.shape[1:]
    if isinstance(m, nn.Conv2d):
        if C != m.in_channels:
            raise ValueError(f"{name or 'the convolution'} wants C = {m.in_channels} channels and is given {C}")
        k, s, pad, d = m.kernel_size, m.stride, m.padding, m.dilation
        if isinstance(pad, str):
            raise TypeError(f"{name or 'the convolution'} has padding = {pad!r}: give it as numbers")
        out = tuple(out_size(*v, name=name) for v in zip(space, k, s, pad, d, strict=True))
        macs = m.out_channels * out[0] * out[1] * (C // m.groups) * k[0] * k[1]
        kind = f"CONV {_window(k, s)}" + (f" dilated {d[0]}" if d[0] > 1 else "")
        kind += f" in {m.groups} groups" if m.groups > 1 else ""
        reach = x.receptive_field + (k[0] - 1) * d[0] * x.jump
        return Step(name, kind, (m.out_channels, *out), p, macs, reach, x.jump * s[0], path)
    if isinstance(m, nn.MaxPool2d | nn.AvgPool2d) and not m.ceil_mode:
        k, s, pad = _pair(m.kernel_size), _pair(m.stride), _pair(m.padding)
        d = _pair(getattr(m, "dilation", 1))
        out = tuple(out_size(*v, name=name) for v in zip(space, k, s, pad, d, strict=True))
        kind = f"{'MAX' if isinstance(m, nn.MaxPool2d) else 'AVG'}POOL {_window(k, s)}"
        reach = x.receptive_field + (k[0] - 1) * d[0] * x.jump
        return Step(name, kind, (C, *out), p, 0, reach, x.jump * s[0], path)
    if isinstance(m, nn.AdaptiveAvgPool2d) and _pair(m.output_size) == (1, 1):
        reach = x.receptive_field + (space[0] - 1) * x.jump
        return Step(name, "GLOBAL AVGPOOL", (C, 1, 1), p, 0, reach, x.jump * space[0], path)
    if isinstance(m, nn.Flatten):
        size = C * (space[0] * space[1] if space else 1)
        return Step(name, "FLATTEN", (size,), 0, 0, x.receptive_field, x.jump, path)
    if isinstance(m, nn.Linear):
        if x.shape[-1] != m.in_features:
            raise ValueError(f"{name or 'the linear layer'} wants {m.in_features} numbers, given {x.shape[-1]}")
        shape = (*x.shape[:-1], m.out_features)
        macs = m.in_features * prod(shape)
        return Step(name, "LINEAR", shape, p, macs, x.receptive_field, x.jump, path)
    if isinstance(m, nn.Identity):
        return Step(name, "identity", x.shape, 0, 0, x.receptive_field, x.jump, path)
    if isinstance(m, nn.modules.batchnorm._NormBase):
        if C != m.num_features:
            raise ValueError(f"{name or 'the BN'} wants {m.num_features} channels and is given {C}")
        return Step(name, "BN", x.shape, p, 0, x.receptive_field, x.jump, path)
    if isinstance(m, nn.GroupNorm | nn.Dropout) or type(m).__module__ == "torch.nn.modules.activation":
        return Step(name, type(m).__name__, x.shape, p, 0, x.receptive_field, x.jump, path)
    if isinstance(m, nn.Sequential):  # an empty one does nothing
        return x
    raise TypeError(f"anatomy does not know the arithmetic of {type(m).__name__} ({name or 'the module itself'})")


def out_size(size, kernel, stride=1, padding=0, dilation=1, *, name=""):
    """Output size of a convolution or pooling along one side: ⌊(size + 2·padding − reach) / stride⌋ + 1, where
    reach = dilation·(kernel − 1) + 1 is what the kernel covers. ValueError where the kernel does not fit."""
    reach = dilation * (kernel - 1) + 1
    room = size + 2 * padding
    if reach > room:
        where = f"{name}: " if name else ""
        raise ValueError(
            f"{where}the kernel covers {reach} pixels and the padded input has {room}: "
            f"make the kernel or its dilation smaller, or the input or the padding larger"
        )
    return (room - reach) // stride + 1


@dataclass(frozen=True)
class Anatomy:
    """The steps of a module and their totals. `str()` is a text table; in a notebook it shows as one."""

    title: str
    input: tuple
    steps: tuple

    @property
    def output(self):
        """Shape of the last step."""
        return self.steps[-1].shape if self.steps else self.input

    @property
    def parameters(self):
        """Parameters of all steps."""
        return sum(s.parameters for s in self.steps)

    @property
    def macs(self):
        """Multiply-accumulates of all steps, for one picture."""
        return sum(s.macs for s in self.steps)

    @property
    def flops(self):
        """2 × MACs."""
        return 2 * self.macs

    def __getitem__(self, name):
        """The step of that name. KeyError where there is none."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(f"no step is called {name!r}; there are {', '.join(s.name for s in self.steps)}")

    def by_stage(self):
        """Totals by the first part of the name (stage0 … head), in order: one Step a stage, whose shape,
        receptive field and jump are those at its end."""
        stages = {}
        for s in self.steps:
            stages.setdefault(s.name.split(".")[0], []).append(s)
        return [
            Step(
                name, "", steps[-1].shape, sum(s.parameters for s in steps), sum(s.macs for s in steps),
                steps[-1].receptive_field, steps[-1].jump, "main",
            )
            for name, steps in stages.items()
        ]  # fmt: skip

    def __str__(self):
        head = ("step", "kind", "output", "parameters", "MACs", "sees", "jump")
        rows = [head] + [_row(s) for s in self.steps]
        rows.append(("total", "", "", f"{self.parameters:,}", f"{self.macs:,}", "", ""))
        widths = [max(len(r[i]) for r in rows) for i in range(len(head))]
        lines = [
            "  ".join(c.ljust(w) if i < 3 else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths, strict=True)))
            for r in rows
        ]
        lines.insert(1, "─" * len(lines[0]))
        lines.insert(-1, "─" * len(lines[0]))
        title = f"{self.title}, input {shape_text(self.input)}; FLOPs = 2 × MACs = {self.flops:,}"
        return "\n".join([title, *(line.rstrip() for line in lines)])

    def _repr_html_(self):
        stages = self.by_stage()
        if not all("." in s.name for s in self.steps):
            body = _html_rows(self.steps)
        else:
            # A whole network has 187 steps: stages first, each opens to its own.
            body = ""
            for stage in stages:
                inner = [s for s in self.steps if s.name.split(".")[0] == stage.name]
                body += _html_rows([stage], bold=True)
                body += (
                    f'<tr><td colspan="7" style="text-align:left"><details><summary>{len(inner)} steps of '
                    f"{escape(stage.name)}</summary>{_html_table(_html_rows(inner))}</details></td></tr>"
                )
        total = (
            f"<p>{escape(self.title)}, input {shape_text(self.input)}: "
            f"<b>{self.parameters:,}</b> parameters, <b>{self.macs:,}</b> MACs (FLOPs = 2 × MACs = {self.flops:,})"
            " for one picture.</p>"
        )
        return total + _html_table(body)


def shape_text(shape):
    """(256, 56, 56), with thousands grouped."""
    return "(" + ", ".join(f"{n:,}" for n in shape) + ("," if len(shape) == 1 else "") + ")"


def _row(s):
    numbers = (f"{n:,}" if n else "" for n in (s.parameters, s.macs))
    return (s.name, s.kind, shape_text(s.shape), *numbers, f"{s.receptive_field:,}", str(s.jump))


def _html_rows(steps, bold=False):
    tag = "th" if bold else "td"
    left = f'<{tag} style="text-align:left">'
    return "".join(
        "<tr>"
        + "".join(f"{left if i < 3 else f'<{tag}>'}{escape(c)}</{tag}>" for i, c in enumerate(_row(s)))
        + "</tr>"
        for s in steps
    )


def _html_table(body):
    names = ("step", "kind", "output (C, H, W)", "parameters", "MACs", "sees (px)", "jump (px)")
    head = "".join(f'<th style="text-align:{"left" if i < 3 else "right"}">{n}</th>' for i, n in enumerate(names))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _window(k, s):
    return f"{k[0]}×{k[1]}" + (f" /{s[0]}" if s[0] > 1 else "")


def _pair(v):
    return tuple(v) if isinstance(v, tuple | list) else (v, v)


def _channels(module):
    for m in module.modules():
        if isinstance(m, nn.Conv2d):
            return m.in_channels
    raise ValueError("the module has no convolution to tell its channels from: give size as (C, H, W)")
