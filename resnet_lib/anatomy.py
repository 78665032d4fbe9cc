"""Every step's shape, parameters, MACs, receptive field: arithmetic on the design.

A MAC is one multiplication with its addition; FLOPs = 2 × MACs. Convolutions and linear layers are counted, as
in the paper (section 3.3, "FLOPs (multiply-adds)"); normalisation, ReLU, sums and pooling are not: together they
are under one percent. Receptive fields follow Araujo, Norris, Sim, "Computing Receptive Fields of Convolutional
Neural Networks" (Distill, 2019): eq. (2) for their size, the section on their region for their place.
"""

from dataclasses import dataclass, replace
from math import prod
from typing import NamedTuple

from torch import nn

from ._common import check, check_place, pair, shape_text, shapes_only, step_called
from ._common.given import check_module
from .network import Design


class Sees(NamedTuple):
    """Which input pixels a step's values see along one side: value 0 those from `start` (negative: padding) to
    `start + reach`, and each next value the same number of them, `jump` pixels further on."""

    reach: int
    jump: int
    start: int

    def through(self, kernel, stride=1, padding=0, dilation=1):
        """Return the same after a convolution or pooling."""
        return Sees(
            self.reach + (kernel - 1) * dilation * self.jump, self.jump * stride, self.start - padding * self.jump
        )

    def joined(self, other):
        """Return the same after a sum with `other`: all that either sees. Both have taken the same strides."""
        start = min(self.start, other.start)
        return Sees(max(self.start + self.reach, other.start + other.reach) - start, self.jump, start)


class Box(NamedTuple):
    """A rectangle of input pixels, from row `top` up to and without `bottom`, from column `left` up to and without
    `right`. What is outside the picture is padding."""

    top: int
    left: int
    bottom: int
    right: int

    def clipped(self, H, W):
        """Return its part inside a picture of H × W pixels; empty (top = bottom or left = right) where it has none."""
        return Box(*(min(max(n, 0), most) for n, most in zip(self, (H, W, H, W), strict=True)))


@dataclass(frozen=True)
class Step:
    """One step of a network.

    name:        its name in the module, "stage1.0.conv1".
    kind:        what it is, "CONV 3×3 /2", "BN", "ReLU", "MAXPOOL 3×3 /2", "SUM", …
    shape:       of its output, (C, H, W) or (C,).
    parameters:  numbers that training changes.
    macs:        multiply-accumulates for one picture.
    sees:        which pixels of the input its values can depend on, (rows, columns), each a `Sees`.
    path:        "main" (F), "shortcut", or "sum" (the sum and what comes after it in the block).

    receptive_field: pixels of the input, from top to bottom, that one output value can depend on.
    jump:        pixels of the input from one output value to the next below it.
    start:       row of the input at which the receptive field of the first output row begins; negative is padding.
    """

    name: str
    kind: str
    shape: tuple
    parameters: int
    macs: int
    sees: tuple
    path: str

    receptive_field = property(lambda self: self.sees[0].reach)
    jump = property(lambda self: self.sees[0].jump)
    start = property(lambda self: self.sees[0].start)


class ShapeMismatch(ValueError):
    """F(x) and the shortcut cannot be added. `steps` holds all steps up to there, `main` and `shortcut` the two
    shapes that disagree."""

    def __init__(self, main, shortcut, steps):
        self.main, self.shortcut, self.steps = main, shortcut, steps
        super().__init__(
            f"F(x) has shape {shape_text(main)} and the shortcut {shape_text(shortcut)}: a sum needs equal shapes"
        )


def anatomy(module, size):
    """Return the steps of a block, a network or a `Design` for an input of that size, as an `Anatomy`.

    module: any module of this library, or one of your own. Of this library's modules nothing is run. Your own is
            judged by what its `forward` does: a copy of it runs once, on the meta device, without numbers. Children
            that run twice are steps twice (their parameters count once), those that never run are named in `unused`;
            sums, ReLUs, pooling and flattening without a module are steps too. A class may say in `anatomy_kind` what
            it does instead: "SUM" as `Add`, "CONCAT", "NO SUM" where F(x) goes on alone, or "PAD", a shortcut that
            takes every S-th value and pads to C_out channels.
    size:   W, (H, W) or (C, H, W) of the input.
    Raises ValueError for an input that does not fit, ShapeMismatch where a sum is impossible, TypeError for a
    kind of layer or a `forward` whose arithmetic is not known here.
    """
    if isinstance(module, Design):
        with shapes_only():
            return replace(anatomy(module.build(), size), title="the design")
    check_module(module)
    size = tuple(size) if isinstance(size, tuple | list) else (size, size)
    steps = Steps()
    if len(size) == 4 or any(hasattr(n, "ndim") and n.ndim for n in size):
        raise ValueError("size must be W, (H, W) or (C, H, W), all 1 or larger: of a batch x that is x.shape[1:]")
    if len(size) == 2:
        size = (steps.channels(module), *size)
    if len(size) != 3:
        raise ValueError(f"size = {size!r} must be W, (H, W) or (C, H, W), all 1 or larger")
    check(**dict(zip("CHW", size, strict=True)))
    last = walk(module, "", Step("input", "input", size, 0, 0, (Sees(1, 1, 0),) * 2, "main"), "main", steps)
    return Anatomy(type(module).__name__, size, tuple(steps), last.shape, tuple(steps.unused))


class Steps(list):
    """Steps in the order in which they run; `unused` has the names of modules that never do.

    Its two methods may run a module, and this file is arithmetic alone: `inside.following` sets them.
    channels(module) returns C of its input; follow(module, name, x, path) appends the steps of a module that does what
    only running it tells, and returns the last of them, or None for any other module.
    """

    channels = follow = None

    def __init__(self):
        super().__init__()
        self.unused = []


def walk(module, name, x, path, steps):
    """Append the steps of `module` applied to the output of step `x`, and return the last of them."""
    if own := steps.follow(module, name, x, path):
        return own
    if next(module.children(), None) is None:
        step = leaf(module, name, x, path)
        if step is not x:
            steps.append(step)
        return step
    h, side = x, None
    joined = any(kind_of(child) in JOINS for child in module.children())
    for child_name, child in module.named_children():
        full = f"{name}.{child_name}" if name else child_name
        if child_name == "shortcut" and joined:
            side = walk(child, full, x, "shortcut", steps)
        elif kind_of(child) in ("SUM", "CONCAT"):
            if side is None:
                raise ValueError(f'{full} is a sum, and no child called "shortcut" is before it')
            h = join(kind_of(child), full, [h, side], steps)
            steps.append(h)
            path = "sum"
        elif kind_of(child) == "NO SUM":
            path = "sum"
        else:
            h = walk(child, full, h, path, steps)
    return h


JOINS = ("SUM", "CONCAT", "NO SUM")


def join(kind, name, parts, steps):
    """Return the step that adds the outputs of other steps, or puts them side by side. ShapeMismatch where it cannot;
    `steps` are those that ran before."""
    first, *others = parts
    sees = first.sees
    for other in others:
        if other.shape != first.shape and (kind == "SUM" or other.shape[1:] != first.shape[1:]):
            raise ShapeMismatch(first.shape, other.shape, tuple(steps))
        sees = tuple(a.joined(b) for a, b in zip(sees, other.sees, strict=True))
    C = first.shape[0] if kind == "SUM" else sum(part.shape[0] for part in parts)
    return Step(name, kind, (C, *first.shape[1:]), 0, 0, sees, "sum")


def kind_of(module):
    """Return what the class of a module says of it in `anatomy_kind`, None where it says nothing."""
    # Of the class: what an nn.Module lacks it looks up in three dictionaries, and that takes longer than all the rest.
    return getattr(type(module), "anatomy_kind", None)


def leaf(m, name, x, path):
    """Return the step that layer `m` makes after step `x`."""
    p = sum(w.numel() for w in m.parameters())
    C, space = x.shape[0], x.shape[1:]
    if isinstance(m, nn.Conv2d):
        if C != m.in_channels:
            raise ValueError(f"{name or 'the convolution'} expects C = {m.in_channels} channels and gets {C}")
        k, s, pad, d = m.kernel_size, m.stride, m.padding, m.dilation
        if isinstance(pad, str):
            raise TypeError(f"{name or 'the convolution'} has padding = {pad!r}: give it as numbers")
        out = tuple(out_size(*v, name=name) for v in zip(space, k, s, pad, d, strict=True))
        macs = m.out_channels * out[0] * out[1] * (C // m.groups) * k[0] * k[1]
        kind = f"CONV {_window(k, s)}" + (f" dilated {d[0]}" if d[0] > 1 else "")
        kind += f" in {m.groups} groups" if m.groups > 1 else ""
        return Step(name, kind, (m.out_channels, *out), p, macs, _through(x, k, s, pad, d), path)
    if isinstance(m, nn.MaxPool2d | nn.AvgPool2d) and not m.ceil_mode:
        k, s, pad = pair(m.kernel_size), pair(m.stride), pair(m.padding)
        d = pair(getattr(m, "dilation", 1))
        out = tuple(out_size(*v, name=name) for v in zip(space, k, s, pad, d, strict=True))
        kind = f"{'MAX' if isinstance(m, nn.MaxPool2d) else 'AVG'}POOL {_window(k, s)}"
        return Step(name, kind, (C, *out), p, 0, _through(x, k, s, pad, d), path)
    if isinstance(m, nn.AdaptiveAvgPool2d) and pair(m.output_size) == (1, 1):
        return Step(name, "GLOBAL AVGPOOL", (C, 1, 1), p, 0, _through(x, space, space), path)
    if isinstance(m, nn.Flatten):
        # Its numbers have no place any more: all of them together see what the whole map saw.
        sees = _through(x, space, space) if space else x.sees
        return Step(name, "FLATTEN", (C * prod(space),), 0, 0, sees, path)
    if isinstance(m, nn.Linear):
        if x.shape[-1] != m.in_features:
            raise ValueError(f"{name or 'the linear layer'} expects {m.in_features} numbers and gets {x.shape[-1]}")
        shape = (*x.shape[:-1], m.out_features)
        macs = m.in_features * prod(shape)
        return Step(name, "LINEAR", shape, p, macs, x.sees, path)
    if kind_of(m) == "PAD":
        s = (m.S, m.S)
        out = tuple(out_size(n, 1, m.S, name=name) for n in space)
        return Step(name, f"PAD {_window((1, 1), s)}", (m.C_out, *out), 0, 0, _through(x, (1, 1), s), path)
    if isinstance(m, nn.Identity):
        return Step(name, "identity", x.shape, 0, 0, x.sees, path)
    if isinstance(m, nn.modules.batchnorm._NormBase):
        if C != m.num_features:
            raise ValueError(f"{name or 'the BN'} expects {m.num_features} channels and gets {C}")
        return Step(name, "BN", x.shape, p, 0, x.sees, path)
    activation = type(m).__module__ == "torch.nn.modules.activation"
    if activation or isinstance(m, nn.GroupNorm | nn.modules.dropout._DropoutNd):
        return Step(name, type(m).__name__, x.shape, p, 0, x.sees, path)
    if isinstance(m, nn.Sequential):  # an empty one does nothing
        return x
    raise TypeError(f"anatomy does not know the arithmetic of {type(m).__name__} ({name or 'the module itself'})")


def _through(x, *window):
    """Return what is seen after a window (kernel, stride, padding, dilation, each as (rows, columns)) over step `x`."""
    return tuple(side.through(*v) for side, *v in zip(x.sees, *window, strict=True))


def out_size(size, kernel, stride=1, padding=0, dilation=1, *, name=""):
    """Return the output size of a convolution or pooling on one side: ⌊(size + 2·padding − reach) / stride⌋ + 1, where
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


@dataclass(frozen=True, repr=False)
class Anatomy:
    """The steps of a module and their totals, and the names of its modules that never run. It prints as a table;
    `resnet_lib.views` draws one in notebooks."""

    title: str
    input: tuple
    steps: tuple
    end: tuple | None = None
    unused: tuple = ()

    @property
    def output(self):
        """Shape of what comes out: of `end`, or of the last step."""
        return self.end or (self.steps[-1].shape if self.steps else self.input)

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
        """Return the step of that name. KeyError for an unknown one."""
        steps = {step.name: step for step in self.steps}
        try:
            return steps[step_called(name, steps)]
        except ValueError as problem:
            raise KeyError(str(problem)) from None

    def field(self, name, row=0, column=0):
        """Return the receptive field of one output value: a `Box` of input pixels outside which nothing changes it.

        name: a step, or a block or stage, which means the last step in it. After flattening only row = column
              = 0 is left, and that sees everything.
        Raises KeyError for an unknown name, ValueError for a place outside the step's output.
        """
        parts = {".".join(s.name.split(".")[:n]): s for s in self.steps for n in range(1, s.name.count(".") + 2)}
        try:
            step = parts[step_called(name, parts)]
        except ValueError:
            step = self[name]
        check_place(step.name, step.shape, row, column)
        at = [s.start + i * s.jump for s, i in zip(step.sees, (row, column), strict=True)]
        return Box(*at, *(n + s.reach for n, s in zip(at, step.sees, strict=True)))

    def by_stage(self):
        """Return totals by the first part of the name (stage0 … head), in order: one Step a stage, with the shape,
        receptive field and jump at its end."""
        stages = {}
        for s in self.steps:
            stages.setdefault(s.name.split(".")[0], []).append(s)
        return [
            Step(name, "", last.shape, sum(s.parameters for s in steps), sum(s.macs for s in steps), last.sees, "main")
            for name, steps in stages.items()
            for last in steps[-1:]
        ]

    def __repr__(self):
        head = ("step", "kind", "output", "parameters", "MACs", "sees", "jump")
        rows = [head] + [row(s) for s in self.steps]
        rows.append(("total", "", "", f"{self.parameters:,}", f"{self.macs:,}", "", ""))
        widths = [max(len(r[i]) for r in rows) for i in range(len(head))]
        lines = [
            "  ".join(c.ljust(w) if i < 3 else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths, strict=True)))
            for r in rows
        ]
        lines.insert(1, "─" * len(lines[0]))
        lines.insert(-1, "─" * len(lines[0]))
        title = f"{self.title}, input {shape_text(self.input)}; FLOPs = 2 × MACs = {self.flops:,}"
        never = [f"never run: {', '.join(self.unused)}"] if self.unused else []
        return "\n".join([title, *(line.rstrip() for line in lines), *never])


def row(s):
    """Return the cells of a step's row in a table: name, kind, output, parameters, MACs, receptive field, jump."""
    numbers = (f"{n:,}" if n else "" for n in (s.parameters, s.macs))
    return (s.name, s.kind, shape_text(s.shape), *numbers, f"{s.receptive_field:,}", str(s.jump))


def _window(k, s):
    return f"{k[0]}×{k[1]}" + (f" /{s[0]}" if s[0] > 1 else "")
