"""Checks of the parts that a learner builds. Each accepts any correct implementation, whatever its names.

Every check takes the learner's class (or a function that makes the module), and runs it beside the library's with the
same weights and input, in eval() and in training mode, for several sizes. It returns a `Verdict`, or raises `Wrong`
with the sentence that names the mistake. `exercise` is a name such as "01.3" under which progress is kept. `names` are
parts that must be called so, where a lesson goes on to look at them by name.
"""

import math
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from inspect import signature
from itertools import chain
from typing import NamedTuple

import torch
from torch import nn

from .._common import Finding, a_type, kinds_of, one_thread, say, shape_text, unfilled, watched
from ..blocks import BTNK1, BTNK2, Projection, Stem
from ..compare.endless import Endless, within
from ..compare.errors import stopped, where
from ..compare.kinds import kinds, layer_name
from ..compare.matching import compare
from ..compare.own_names import hidden
from ..compare.reference import Reference
from ..compare.remarks import remarks
from ..compare.steady import lasting
from ..network import ResNet
from .progress import done, working
from .rows import of_blocks
from .standing_in import LIBRARY
from .symptoms import hints_for
from .taking import taking
from .unaffected import unaffected
from .verdict import Verdict, Wrong


def check_stem(make, *, names=(), exercise=None):
    """MyStem(C, C1): (C, W, W) → (C1, W/4, W/4)."""
    cases = [
        _Case(Stem, dict(C=3, C1=64), ((2, 33, 30), (1, 32, 29, LOUD), (1, 224, 200))),
        _Case(Stem, dict(C=1, C1=8), ((3, 31, 44), (2, 64, 33, LOUD), (17, 5, 6))),
        _Case(Stem, dict(C=4, C1=12), ((2, 29, 32), (1, 34, 34))),
    ]
    return _check(make, cases, "stem", names, exercise)


def check_projection(make, *, names=(), exercise=None):
    """MyProjection(C, C_out, S): (C, W, W) → (C_out, W/S, W/S)."""
    build = partial(Projection, norm_layer=nn.BatchNorm2d)
    numbers = [(12, 16, 2), (8, 32, 1), (16, 32, 2), (16, 16, 1), (16, 16, 2), (20, 8, 3)]
    published = [(64, 256, 1), (256, 512, 2), (512, 1024, 2), (1024, 2048, 2)]
    return _check(make, _blocks(build, ("C", "C_out", "S"), numbers, published), "projection", names, exercise)


def check_btnk2(make, *, names=(), exercise=None):
    """MyBTNK2(C): (C, W, W) → (C, W, W)."""
    cases = _blocks(BTNK2, ("C",), [(16,), (32,), (128,), (12,)], [(256,), (512,), (1024,), (2048,)])
    return _check(make, cases, "BTNK2", names, exercise)


def check_btnk1(make, *, stride_on="3x3", names=(), exercise=None):
    """MyBTNK1(C, C1, S): (C, W, W) → (4·C1, W/S, W/S). stride_on: "3x3" (v1.5), "1x1" (v1), or "any"."""
    if stride_on not in ("3x3", "1x1", "any"):
        raise ValueError(f'stride_on = {stride_on!r} must be "3x3" (v1.5), "1x1" (v1, the paper) or "any"')
    # The second is Stage 1's: a projection although S = 1. So it is where C = 4·C1, with and without a stride.
    numbers = [(12, 4, 2), (8, 8, 1), (16, 8, 2), (10, 3, 1), (16, 4, 1), (32, 8, 2), (12, 8, 3)]

    def against(home):
        published = [(64, 64, 1), (256, 128, 2), (512, 256, 2), (1024, 512, 2)]
        return _blocks(partial(BTNK1, stride_on=home), ("C", "C1", "S"), numbers, published)

    if stride_on != "any":
        return _check(make, against(stride_on), "BTNK1", names, exercise)
    try:
        return _check(make, against("3x3"), "BTNK1", names, exercise)
    except Wrong as wrong:
        try:
            _check(make, against("1x1"), "BTNK1", names, None)
        except Wrong:
            raise wrong from None
    more = "S sits on the first 1×1 (v1, the paper). Published PyTorch weights belong to v1.5, S on the 3×3."
    return _right(make, f"{_PROVED} {more}", (), exercise)


def check_stage(make, *, exercise=None):
    """make_stage(C, C1, S, n): n blocks, (C, W, W) → (4·C1, W/S, W/S)."""
    numbers = [(8, 8, 1, 3), (16, 8, 2, 2), (12, 4, 2, 4), (16, 8, 2, 1), (32, 8, 2, 2), (12, 4, 1, 7), (16, 4, 1, 2)]
    published = [(64, 64, 1, 2), (256, 128, 2, 2), (512, 256, 2, 2), (1024, 512, 2, 2)]  # two blocks of each stage
    cases = _blocks(LIBRARY["make_stage"], ("C", "C1", "S", "n"), numbers, published)
    with working("Your stages run beside the library's, forward and back: a second or two."):
        return _check(make, cases, "stage", (), exercise, of_blocks)


def check_network(make, *, blocks=(3, 4, 6, 3), base=64, num_classes=1000, names=(), exercise=None):
    """MyResNet50(): (3, W, W) → (num_classes). blocks, base: of another design, as in `ResNet`."""
    sizes = ((2, 33, 40), (1, 70, 33, LOUD), (1, 33, 33))
    build = partial(_network, tuple(blocks), base, num_classes)
    with working("Your network runs beside the library's, forward and back: a second or two."):
        verdict = _check(make, [_Case(build, {}, sizes)], "network", names, None)
    if "num_classes" in signature(make).parameters:
        n = num_classes + 1
        with within(), torch.device("meta"):
            network, other = make(num_classes=n), make(num_classes=n)
        if not any(p.shape[0] == n for p in network.parameters()):
            raise _wrong("network", verdict.subject, _finding("num_classes unused", n=n, classes=num_classes))
        if what := _shared(network, other):
            raise _wrong("network", verdict.subject, _finding("made with the same", name=verdict.subject, what=what))
    done(exercise)
    return verdict


AFTER = "a ReLU"  # as in a ResNet: zeros, and no negatives
LOUD = 1e6  # inputs so large that an upper end shows, in a ReLU as well as in a head


class _Case(NamedTuple):
    """What builds the reference, its numbers, which the learner's is made with as well, and the inputs: (batch, H, W)
    and how large they are, or `AFTER`."""

    build: Callable
    numbers: dict
    sizes: tuple

    def inputs(self):
        """Pictures with negatives: only then can a ReLU on the shortcut or on x be seen."""
        C, draw = self.numbers.get("C", 3), torch.Generator().manual_seed(0)
        drawn = ((torch.randn(B, C, H, W, generator=draw), *how) for B, H, W, *how in self.sizes)
        return [x.relu() if how == [AFTER] else x * math.prod(how) for x, *how in drawn]

    def known(self):
        """The `Reference`, made once in a session; one whose numbers have been written to is made again, so that
        nothing that an answer does to it reaches another."""
        key = self.build.func if isinstance(self.build, partial) else self.build
        key = key, getattr(self.build, "args", ()), *getattr(self.build, "keywords", {}).items(), *self.numbers.items()
        if key not in _KNOWN or not _KNOWN[key].whole:
            torch.manual_seed(0)
            with self.drawing():
                module = self.build(*self.numbers.values())
            _filled(module) if self.wide else None
            _KNOWN[key] = Reference(module, self.inputs())
        return _KNOWN[key]

    @property
    def wide(self):
        """Whether it has so many weights that drawing them as layers do is most of the work: a second for ResNet-50."""
        return not self.numbers or max(self.numbers.values()) > 128

    def drawing(self):
        """In here its weights are made."""
        return unfilled() if self.wide else nullcontext()


def _blocks(build, names, numbers, published=()):
    """Cases with odd and even sides, several batches, and loud inputs; published: those that ResNet-50 has, on a few
    positions, for who treats one of them in a way of its own."""
    sizes = [
        ((2, 9, 6), (1, 130, 5, LOUD), (2, 4, 3, AFTER)),
        ((3, 6, 7), (2, 4, 130, LOUD)),
        ((2, 5, 5), (17, 1, 1)),
        ((2, 6, 4), (3, 7, 3), (1, 1, 3)),
    ]
    cases = [_Case(build, dict(zip(names, n, strict=True)), sizes[i % 4]) for i, n in enumerate(numbers)]
    return cases + [_Case(build, dict(zip(names, n, strict=True)), ((2, 3, 2),)) for n in published]


_KNOWN = {}  # case → its `Reference`


def _network(blocks, base, num_classes):
    """A ResNet that others are compared with."""
    return ResNet(blocks=blocks, base=base, num_classes=num_classes)


@torch.no_grad()
def _filled(module):
    """Give a module made of `unfilled` layers its weights."""
    for name, p in module.named_parameters():
        nn.init.kaiming_uniform_(p, a=1) if p.dim() > 1 else p.fill_(1)
        p.uniform_(-0.1, 0.1) if name.endswith("fc.bias") else None


# ── What all of them do ──────────────────────────────────────────────────────────────────────────────────────

_PROVED = "With the library's weights it gives the library's numbers, in eval() and in training mode."

KINDS = kinds_of(
    """
    module given: Give the check the class itself, {name}, without brackets: it makes several of them.
    nothing callable: The check expects your class or function, and was given {given}.
    None made: {name} should make an nn.Module, and gives None: is its return missing?
    a list made: {name} should make an nn.Module, and gives {type}: nn.Sequential(*blocks) makes a module of it.
    no module made: {name} should make an nn.Module, and gives {type}.
    traced: torch.jit.trace keeps one run as it was: in {mode} mode it computes as in {other} mode. Give the check the
        module itself, or make it with torch.jit.script.
    frozen: torch.jit.freeze has made constants of all weights: nothing can be trained any more. Give the check the
        module as it was before.
    other names: It computes the right numbers. What follows looks at its parts by name, and there is none called
        {names}: call them so in __init__.
    one for two: It computes the right numbers. But {names} is the very module that is called {other}, and the exercise
        asks for one of its own: what follows looks at each by its name.
    at: {at}: {cause}
    made in eval: {name} gives a module that is in evaluation mode from the start, or has a part that is: its BNs would
        not use the batch in training. Leave out .eval() and train(False).
    no default: {name} stops where a later cell leaves {argument} out. The exercise's first line, def __init__(…), says
        {argument}={right}.
    made with the same: {name} makes two modules with the same {what}: what is trained in one changes in the other. Make
        each part anew, every time.
    no numbers: {where} of what {name} makes is on the device "meta", where tensors have a shape and no numbers: leave
        out device="meta".
    other order: In __init__, {name} is made before {right}. By name nothing changes; what goes by order, as an
        optimizer's state that is loaded again, may reach the wrong part: keep the exercise's order.
    num_classes unused: num_classes plays no part: with num_classes={n} it still gives {classes} scores. Hand it on.
    """
)


def _finding(kind, **values):
    return Finding(KINDS[kind], values=values)


def _wrong(part, name, finding, line="", rows=()):
    return Wrong(Verdict(False, name, where=line, rows=rows, hints=hints_for(part, finding), finding=finding))


# What `compare` calls a part that stands alone.
PARTS = {"stem": "stage0", "projection": "projection", "BTNK2": "block", "BTNK1": "block"}


def _check(make, cases, part, names, exercise, look=None):
    """The learner's is made for every case with its numbers, in order. look(module, *numbers) gives a finding, or None,
    before anything runs."""
    name = getattr(make, "__name__", type(make).__name__)
    if isinstance(make, nn.Module):
        name = type(make).__name__
        raise Wrong(Verdict(False, name, finding=_finding("module given", name=name)))
    if not callable(make):
        raise Wrong(Verdict(False, name, finding=_finding("nothing callable", given=f"{make!r:.60}")))
    noticed, noted, made = (), [], []
    # The first once more, after all the others: what an answer keeps from one to the next shows there.
    again = cases[:1] if len(cases) > 1 else []

    with torch.random.fork_rng(devices=[]), one_thread():
        for case in (*cases, *again):
            numbers, known = case.numbers, case.known()

            def wrong(finding, line="", rows=(), shape=(), numbers=numbers, x=known.inputs[0]):
                if numbers or shape:
                    at = f"{name}({_text(numbers)}), input {shape_text(shape or x.shape)}"
                    finding = _finding("at", at=at, cause=finding)
                return _wrong(part, name, finding, line, rows)

            module = _made(make, case, name, part, wrong)
            if look and (finding := look(module, *numbers.values())):
                raise wrong(finding)
            has = dict(module.named_modules())
            awake = isinstance(module, torch.jit.ScriptModule) or all(m.training for m in has.values())
            places = names or [str(i) for i in range(numbers.get("n", 0))]  # blocks of a stage go by number
            asked = places if has.keys() >= set(places) else ()
            made.append(module)
            last = len(made) == len(cases) + len(again)
            try:
                found = compare(module, known, PARTS.get(part, ""), asked, noted if last else None)
            except Endless as error:
                raise wrong(stopped(error), where(error)) from None
            if found:
                raise wrong(*(_of_script(module, found) or found))
            if not awake:
                raise _wrong(part, name, _finding("made in eval", name=name))
            if missing := [n for n in names if n not in has]:
                raise _wrong(part, name, _of_names(module, missing))
            noticed = noticed or remarks(module)
    noted += _of_order(module, known.module, names)
    noticed = (*noticed, *map(say, noted))
    if finding := _needed(make, cases[0]):
        noticed = (*noticed, say(finding))
    if again and (what := _shared(made[0], made[-1])):
        raise _wrong(part, name, _finding("made with the same", name=name, what=what))
    tried = "; ".join(_text(case.numbers) for case in cases if case.numbers)
    return _right(make, _PROVED + (f" Tried with {tried}." if tried else ""), noticed, exercise)


def _made(make, case, name, part, wrong):
    """What a learner's class makes of a case's numbers: a module, or `Wrong` is raised."""
    numbers = case.numbers
    torch.manual_seed(1)
    try:
        with unaffected(), within(), case.drawing():
            build = taking(make, list(numbers), tuple(numbers.values()), wrong, case.build)
            with watched() as left:
                module = build(*numbers.values())
    except Wrong:
        raise
    except Exception as error:  # whatever a learner's code raises is a finding
        raise wrong(stopped(error), where(error)) from None
    if not isinstance(module, nn.Module):
        kind = "None made" if module is None else "no module made"
        kind = "a list made" if isinstance(module, list | tuple) else kind
        raise _wrong(part, name, _finding(kind, name=name, type=a_type(module)))
    if finding := hidden(module):
        raise wrong(finding)
    if finding := lasting(left, "Making one"):
        raise _wrong(part, name, finding)
    tensors = chain(module.named_parameters(), module.named_buffers())
    if empty := next((where for where, t in tensors if t.is_meta), None):
        raise _wrong(part, name, _finding("no numbers", name=name, where=empty))
    return module


def _needed(make, case):
    """An argument without which a learner's class cannot be made, though the exercise gives it a default, as a finding;
    or None."""
    due = [p for p in signature(case.build).parameters.values() if p.name in case.numbers and p.default is not p.empty]
    values = list(case.numbers.values())
    try:
        takes = signature(make)
        takes.bind(*values)
    except (TypeError, ValueError):  # told elsewhere
        return None
    for n, p in reversed(list(enumerate(due, len(values) - len(due)))):
        try:
            takes.bind(*values[:n])
        except TypeError:
            return _finding("no default", name=getattr(make, "__name__", ""), argument=p.name, right=p.default)
    return None


def _of_names(module, missing):
    """What is wrong with names under which no module of its own is found, as a finding."""
    for missed in missing:
        try:
            own = module.get_submodule(missed)
        except AttributeError:
            continue
        other = next(n for n, m in module.named_modules() if m is own)
        return _finding("one for two", names=missed, other=other or "the whole")
    return _finding("other names", names=", ".join(missing))


def _of_order(module, reference, names):
    """What is noticed where parts that keep numbers are made in another order than the reference's, findings."""
    own, due = (
        [n for n, m in each.named_modules() if n in names and any(True for _ in m.parameters())]
        for each in (module, reference)
    )
    first = next(((a, b) for a, b in zip(own, due, strict=False) if a != b), None)
    return [_finding("other order", name=first[0], right=first[1])] if first and set(own) == set(due) else []


def _shared(one, other):
    """What two modules have in common, in words, or ""."""
    named = [(n, t) for n, t in (*one.named_parameters(), *one.named_buffers()) if t.numel()]
    own = {t.data_ptr(): n for n, t in named if not t.is_meta}
    both = [t.data_ptr() for t in (*other.parameters(), *other.buffers()) if t.numel() and t.data_ptr() in own]
    return "" if not both else "numbers" if len(both) == len(named) else layer_name(own[both[0]])


def _of_script(module, found):
    """What making a script has done to a module in which something else seems wrong, (finding,), or None."""
    if isinstance(module, torch.jit.ScriptModule) and not any(True for _ in module.parameters()):
        return (_finding("frozen"),)
    told = set(kinds(found.finding))
    if isinstance(module, torch.jit.TracedModule) and told & {"stored statistics", "batch statistics"}:
        modes = ("training", "evaluation") if "stored statistics" in told else ("evaluation", "training")
        return (_finding("traced", mode=modes[0], other=modes[1]),)
    return None


def _text(numbers):
    return ", ".join(f"{name}={n}" for name, n in numbers.items())


def _right(make, sentence, noticed, exercise):
    done(exercise)
    return Verdict(True, getattr(make, "__name__", type(make).__name__), sentence, remarks=noticed)
