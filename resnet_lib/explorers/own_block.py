"""A block of the learner's own, seen from outside: which steps it has, what they are given and what they return."""

import inspect
import math

import torch
from torch import nn

from ..activations import recording
from ..anatomy import Step, anatomy, shapes_only
from .block_design import _bank


def make(block, C, C1, S):
    """Return the block that a class makes from C, C1 and S, as far as it takes them. ValueError where it takes others,
    or is still unwritten."""
    known = {"C": C, "C1": C1, "S": S}
    takes = inspect.signature(block).parameters.values()
    needed = [p.name for p in takes if p.default is p.empty and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    if missing := [name for name in needed if name not in known]:
        raise ValueError(f"{block.__name__} takes {', '.join(missing)}; the instrument can set C, C1 and S")
    names = [p.name for p in takes]
    return block(**{name: value for name, value in known.items() if name in names})


def filled(module):
    """Give a block weights from the same random tensors as the library's blocks, by the names of its convolutions, so
    that one channel more changes the maps a little."""
    with torch.no_grad():
        for name, m in module.named_modules():
            if isinstance(m, nn.Conv2d) and m.kernel_size[0] == m.kernel_size[1] and m.groups == 1:
                bank = _bank(name, m.out_channels, m.in_channels, m.kernel_size[0])
                m.weight.copy_(bank * math.sqrt(2 / (m.kernel_size[0] ** 2 * m.out_channels)))
    return module


class Traced:
    """One run of a block: `calls` name → (module, inputs, output) of its steps in their order, and what they make up.

    paths:  name → "main", "shortcut" or "sum".
    output: what the block returned; None where it raised.
    total:  F(x) + shortcut, under the name `sum_name`: the step of a sum, or what the step after F was given.
    clash:  (F's shape, the shortcut's shape) where those differ.
    """

    def __init__(self, block, x):
        leaves = {n: m for n, m in block.named_modules() if n and next(m.children(), None) is None}
        self.problem = self.output = self.clash = self.total = None
        with recording(leaves, inputs=leaves) as record, torch.inference_mode(False), torch.no_grad():
            try:
                self.output = block(x)
                if not isinstance(self.output, torch.Tensor):
                    raise TypeError(f"its forward returns {self.output!r} and not a tensor")
            except (RuntimeError, ValueError, TypeError, IndexError, AttributeError, NotImplementedError) as problem:
                self.output, self.problem = None, problem
        self.x, self.calls, self.paths = x, {}, {}
        for call in record.calls:
            self.calls.setdefault(call.name, (leaves[call.name], call.inputs, call.output))
        self._sort()

    def _sort(self):
        """Find out which steps are F, which the shortcut, and what comes after the sum."""
        made = [self.x]
        f, s = None, self.x
        main = [n for n in self.calls if n.partition(".")[0] != "shortcut"]
        # What is given a tensor that no step made comes after a bare + or after F.relu: only the former ends F.
        ends = [n for n in main if isinstance(self.calls[n][0], nn.Conv2d | nn.modules.batchnorm._NormBase)]
        inside = set(main[: main.index(ends[-1]) + 1] if ends else ())
        for name, (_, inputs, output) in self.calls.items():
            if name not in main:
                self.paths[name], s = "shortcut", output
            elif name not in inside and (self.total is not None or not any(t is inputs[0] for t in made) or inputs[1:]):
                if self.total is None:
                    self.total = output if len(inputs) > 1 else inputs[0]
                    self.sum_name = name if len(inputs) > 1 else "sum"
                self.paths[name] = "sum"
            else:
                self.paths[name], f = "main", output
            made.append(output)
        self.main, self.side = f, s
        if self.total is None:
            self.total, self.sum_name = self.output, "sum"
        if self.problem is not None and f is not None and f.shape != s.shape:
            self.clash = (tuple(f.shape[1:]), tuple(s.shape[1:]))

    def kept(self):
        """Return name → tensor of all steps, the sum and the identity shortcut among them."""
        kept = {name: output for name, (_, _, output) in self.calls.items()}
        if not any(path == "shortcut" for path in self.paths.values()):
            kept["shortcut"] = self.x
        if self.output is not None:
            kept.setdefault(self.sum_name, self.total)
        return kept


def trace(block, C, W, C1, S):
    """Return (steps, Traced) of a class for those numbers, from shapes alone. Raises what making the block raises."""
    with shapes_only():
        module = make(block, C, C1, S)
        traced = Traced(module, torch.empty(1, C, W, W))
    if traced.problem is not None and traced.clash is None:
        raise ValueError(f"{block.__name__} stops with {type(traced.problem).__name__}: {traced.problem}")
    steps, after = [], []
    for name, (m, inputs, output) in traced.calls.items():
        given = anatomy(m, tuple(inputs[0].shape[1:])).steps if traced.paths[name] != "sum" else ()
        kind = given[0].kind if given else "SUM" if name == traced.sum_name else type(m).__name__
        cost = (given[0].parameters, given[0].macs) if given else (0, 0)
        step = Step(name, kind, tuple(output.shape[1:]), *cost, ((0, 0, 0),) * 2, traced.paths[name])
        (after if step.path == "sum" else steps).append(step)
    if traced.output is not None and traced.sum_name == "sum":
        shape = tuple(traced.total.shape[1:])
        after.insert(0, Step("sum", "SUM", shape, 0, 0, ((0, 0, 0),) * 2, "sum"))
    return [*steps, *after], traced
