"""Wrong solutions made from right ones: one small edit each, of the kind that learners make. A check must refuse all of
them that give other results, and should say what is wrong.

    python -m tests.mutants macs rename   # the figures of these checks, with each mutant that no sentence explains

A check joins with one line in SUBJECTS: its name, the check, and a list of source texts of right solutions, as a test
file's RIGHT. More inputs than the check's own are optional.
"""

import ast
import copy
import math
import random
import re
import warnings
from functools import partial
from typing import NamedTuple
from unittest import mock

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from resnet_lib import ResNet, activations, shapes_only
from resnet_lib._common import Kind
from resnet_lib.exercises import (
    Wrong,
    check_contents,
    check_fold,
    check_grad_cam,
    check_intensity,
    check_macs,
    check_out_width,
    check_parameters,
    check_pictures_a_second,
    check_receptive_field,
    check_rename,
    check_to_v1,
    diagnose,
)
from resnet_lib.weights import to_published

from . import solutions, test_checkpoints, test_conversions
from . import test_feature_exercises as features
from . import test_residual_exercises as residuals
from . import test_speed_exercises as speed

# ── One edit ─────────────────────────────────────────────────────────────────────────────────────────────────

OPERATORS = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Add,),
    ast.Pow: (ast.Mult,),
    ast.FloorDiv: (ast.Div, ast.Mult),
    ast.Div: (ast.FloorDiv, ast.Mult),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
}
FUNCTIONS = {
    "floor": ("ceil", "trunc"),
    "ceil": ("floor",),
    "int": ("round", "float"),
    "sum": ("mean", "prod"),
    "mean": ("sum",),
    "prod": ("sum",),
    "min": ("max",),
    "max": ("min",),
    "amax": ("amin", "mean"),
    "relu": ("abs",),
    "argmax": ("argmin", "max"),
    "sqrt": ("square",),
    "rsqrt": ("sqrt",),
    "startswith": ("endswith",),
    "cumprod": ("cumsum",),
    "softmax": ("log_softmax",),
    "log_softmax": ("softmax",),
    "sort": ("argsort",),
    "append": ("extend",),
    "maximum": ("minimum",),
    "numel": ("dim",),
}
MODULES = {"math", "torch", "np", "nn", "F", "re", "torch.autograd"}
SIMPLE = (ast.Assign, ast.AugAssign, ast.Expr, ast.Return, ast.For, ast.If, ast.With, ast.While)


def edits(source):
    """(what was done, the source after it) for every single edit of a source text; none comes twice."""
    tree = ast.parse(source)
    seen = {ast.unparse(tree)}
    near = _neighbours(tree)
    for parent in list(ast.walk(tree)):
        for field, value in list(ast.iter_fields(parent)):
            for what, new in _slot(parent, field, value, near):
                setattr(parent, field, new)
                text = ast.unparse(ast.fix_missing_locations(tree))
                setattr(parent, field, value)
                if text not in seen:
                    seen.add(text)
                    yield what, text


def _neighbours(tree):
    """What may be taken for each other: names that are made together, attributes of one thing, texts in a row."""
    together, attributes, texts = [], {}, []
    for node in ast.walk(tree):
        if isinstance(node, ast.arguments):
            together.append([a.arg for a in node.args])
        elif isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Store):
            together.append([e.id for e in ast.walk(node) if isinstance(e, ast.Name)])
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) not in MODULES:
            attributes.setdefault(ast.unparse(node.value), []).append(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.append(node.value)
    names = {n: [o for g in together if n in g for o in g if o != n] for g in together for n in g}
    return names, attributes, {a: b for a, b in zip(texts, texts[1:] + texts[:1], strict=True)}


def _slot(parent, field, value, near):
    """What may stand in one place of the tree instead of what stands there."""
    if isinstance(value, ast.AST):
        yield from _instead(value, near)
        if field == "iter":  # of a loop
            for part in ("[1:]", "[:-1]", "[::-1]"):
                yield f"loops over {part} alone", ast.parse(f"list({ast.unparse(value)}){part}", mode="eval").body
    elif isinstance(value, list) and value and isinstance(value[0], ast.stmt):
        yield from _statements(value)
    elif isinstance(value, list):
        for i, item in enumerate(value):
            if isinstance(item, ast.AST) and not isinstance(item, ast.stmt):
                yield from ((what, [*value[:i], new, *value[i + 1 :]]) for what, new in _instead(item, near))
        yield from _lists(parent, field, value)


def _lists(parent, field, value):
    """Arguments, elements, conditions: one left out, two exchanged."""
    loose = isinstance(parent, ast.Call) or isinstance(parent, ast.List | ast.Tuple | ast.BoolOp) and len(value) > 1
    loose = loose or isinstance(parent, ast.comprehension) and field == "ifs"
    if loose and field in ("args", "keywords", "elts", "ifs", "values"):
        for i, item in enumerate(value):
            yield f"leaves out {ast.unparse(item)}", [*value[:i], *value[i + 1 :]]
    if field in ("args", "elts"):
        for i in range(len(value) - 1):
            yield "exchanges two in a row", [*value[:i], value[i + 1], value[i], *value[i + 2 :]]


def _instead(node, near):
    """What a learner may write for one expression or operator."""
    names, attributes, texts = near
    match node:
        case ast.BinOp(left=a, op=op, right=b):
            yield f"drops {ast.unparse(b)}", a
            yield f"drops {ast.unparse(a)}", b
            if isinstance(op, ast.Sub | ast.Div | ast.FloorDiv | ast.Pow):
                yield "exchanges the sides", ast.BinOp(b, op, a)
            if isinstance(a, ast.BinOp) and not isinstance(op, ast.Add | ast.Sub):
                yield "leaves out brackets", ast.BinOp(a.left, a.op, ast.BinOp(a.right, op, b))
            if isinstance(b, ast.BinOp):
                yield "leaves out brackets", ast.BinOp(ast.BinOp(a, op, b.left), b.op, b.right)
        case ast.operator() | ast.cmpop() | ast.boolop():
            yield from ((f"{type(node).__name__} → {o.__name__}", o()) for o in OPERATORS.get(type(node), ()))
        case ast.UnaryOp(operand=a):
            yield "drops the sign", a
        case ast.Constant(value=bool(yes)):
            yield f"{yes} → {not yes}", ast.Constant(not yes)
        case ast.Constant(value=int(n)):
            yield from ((f"{n} → {m}", ast.Constant(m)) for m in (n - 1, n + 1))
        case ast.Constant(value=str(text)):
            other = texts.get(text, "")
            changed = [text[:-1], other, *(text.replace(str(d), str(d + 1)) for d in range(9))]
            yield from ((f"{text!r} → {new!r}", ast.Constant(new)) for new in changed if new and new != text)
        case ast.Name(id=name, ctx=ast.Load()):
            yield from ((f"{name} → {o}", ast.Name(o, ast.Load())) for o in names.get(name, ()))
            yield from ((f"{name} → {o}", ast.Name(o, ast.Load())) for o in FUNCTIONS.get(name, ()))
        case ast.Attribute(value=a, attr=name, ctx=ast.Load()):
            others = attributes.get(ast.unparse(a), ()) if name not in FUNCTIONS else ()
            for other in (*others, *FUNCTIONS.get(name, ())):
                yield f".{name} → .{other}", ast.Attribute(a, other, ast.Load())
        case ast.Call(func=f, args=args):
            if isinstance(f, ast.Attribute) and ast.unparse(f.value) not in MODULES:
                yield f"leaves out .{f.attr}", f.value
            elif args and not isinstance(args[0], ast.Starred | ast.GeneratorExp):
                yield f"leaves out {ast.unparse(f)}", args[0]
        case ast.IfExp(test=test, body=a, orelse=b):
            yield "always the first", a
            yield "always the second", b
            yield "the other way round", ast.IfExp(test, b, a)
        case ast.Subscript(value=a, ctx=ast.Load()):
            yield "leaves out the index", a
        case ast.Slice(lower=a, upper=b) if a is None or b is None:
            yield "the other part", ast.Slice(b, a, node.step)


def _statements(body):
    """Statements left out, in another order, inside or outside their block, or with another condition."""
    for i, one in enumerate(body):
        before, after = body[:i], body[i + 1 :]
        if isinstance(one, SIMPLE) and len(body) > 1:
            yield f"leaves out {ast.unparse(one).splitlines()[0]}", before + after
        if after and isinstance(one, SIMPLE) and isinstance(after[0], SIMPLE):
            yield "exchanges two lines", [*before, after[0], one, *after[1:]]
        match one:
            case ast.Return(value=value) if value is not None:
                yield "forgets return", [*before, ast.Expr(value), *after]
            case ast.AugAssign(target=target, value=value):
                yield "= for +=", [*before, ast.Assign([target], value), *after]
            case ast.With(body=inner):
                yield "leaves out with", [*before, *inner, *after]
            case ast.If(test=test, body=inner, orelse=other):
                yield "always", [*before, *inner, *after]
                yield "the condition inverted", [*before, ast.If(ast.UnaryOp(ast.Not(), test), inner, other), *after]
                if other:
                    yield "never", [*before, *other, *after]
            case ast.For() | ast.While():
                loop = partial(_with_body, one)
                if after:
                    yield "the next line in the loop as well", [*before, loop([*one.body, after[0]]), *after[1:]]
                if len(one.body) > 1:
                    yield "the last line out of the loop", [*before, loop(one.body[:-1]), one.body[-1], *after]


def _with_body(loop, body):
    loop = copy.copy(loop)
    loop.body = body
    return loop


# ── What a source computes ───────────────────────────────────────────────────────────────────────────────────


class Endless(Exception):
    """A loop that would not end."""


def made(source, more=()):
    """The function that a source defines last. Its `while` loops stop with `Endless` after a million rounds. more: what
    the lesson has given a name before."""
    rounds = iter(range(1_000_000))

    def tick():
        if next(rounds, None) is None:
            raise Endless("this loop does not end")

    tree = ast.parse(source)
    for loop in [node for node in ast.walk(tree) if isinstance(node, ast.While)]:
        loop.body.insert(0, ast.parse("_tick()").body[0])
    given = dict(
        math=math, re=re, np=np, torch=torch, nn=nn, F=F, activations=activations, _tick=tick, __name__="learner"
    ) | dict(more)
    space = dict(given)
    exec(compile(ast.fix_missing_locations(tree), "<learner>", "exec"), space)
    return [value for name, value in space.items() if name not in given and callable(value)][-1]


def results(f, cases):
    """What f gives for each case, each on a copy of its own; an error is a result too."""
    for case in cases:
        try:
            yield f(*copy.deepcopy(case))
        except Exception as error:
            yield error


def strides(module):
    """What a state_dict does not hold."""
    convolutions = {name: m.stride for name, m in module.named_modules() if isinstance(m, nn.Conv2d)}
    return {name: [S, S] if isinstance(S, int) else list(S) for name, S in convolutions.items()}


def alike(a, b):
    """Whether two results are one, whatever they are made of; no tensor is compared but by its numbers."""
    if isinstance(a, Exception) or isinstance(b, Exception):
        return False
    if isinstance(a, nn.Module) and isinstance(b, nn.Module):
        try:
            return strides(a) == strides(b) and alike(dict(a.state_dict()), dict(b.state_dict()))
        except Exception:  # a module that has been put into itself, or lost a part
            return False
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(alike(a[key], b[key]) for key in a)
    rows = [isinstance(t, tuple | list) for t in (a, b)]
    if rows.count(True) == 1:  # a tensor does as well as the list of its numbers
        a, b = (t.tolist() if isinstance(t, torch.Tensor) and t.dim() else t for t in (a, b))
        rows = [isinstance(t, tuple | list) for t in (a, b)]
    if any(rows):
        return all(rows) and len(a) == len(b) and all(map(alike, a, b))
    single = any(isinstance(t, torch.Tensor) and t.dtype == torch.float32 for t in (a, b))
    try:
        a, b = (torch.as_tensor(t, dtype=torch.float64).detach() for t in (a, b))
    except (TypeError, ValueError, RuntimeError):
        return a is b or isinstance(a, str) and a == b
    # Float32 sums in another order differ by about 1e-6 of the largest value.
    most = 1e-5 * float(b.abs().max()) * (single or b.dim() > 0)
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-9, atol=most)


def inputs(check, right):
    """What a check calls the learner's function with, and whether gradients are recorded there. Without the larger
    numbers that are asked of quick ones alone: a mutant may be slow, and need much memory."""
    kept, grad = [], []

    def spy(*case):
        kept.append(copy.deepcopy(case))
        grad.append(torch.is_grad_enabled())
        return right(*case)

    with mock.patch("resnet_lib.exercises.judge.QUICK", -1):
        check(spy)
    return kept, all(grad)


# ── What a check says ────────────────────────────────────────────────────────────────────────────────────────

# These say that the result is wrong, and not why.
UNTOLD = re.compile(r"none of \d+ usual mistakes|Your code stops with an error|should be '[^']*'$")

GENERIC = [kind for kind in vars(diagnose).values() if isinstance(kind, Kind)]


class Subject(NamedTuple):
    """A check to be tried. right: source texts of right solutions; more(): further inputs, to see what the check's own
    do not; space: what the lesson has given a name before."""

    name: str
    check: object
    right: list
    more: object = lambda: []
    space: dict = {}


class Mutant(NamedTuple):
    """edit: what was done to the right source. verdict: "same" (the results are the right ones), "named", "generic"
    (what the numbers say by themselves, "too high by 2·C"), "error" (one of Python's, and explained), "unnamed",
    "accepted" although its results are wrong, or "broken": the check stops."""

    subject: str
    edit: str
    source: str
    verdict: str
    sentence: str


def mutants(subject, chosen=lambda found: found):
    """All mutants of a subject, judged. chosen: takes the list of (right source, edit, source) and gives a part."""
    found, seen = [], set()
    for source in subject.right:
        for edit, text in edits(source):
            if text not in seen:
                seen.add(text)
                found.append((source, edit, text))
    cases, grad = inputs(subject.check, made(subject.right[0], subject.space))
    cases, due = [*cases, *subject.more()], {}
    for source, edit, text in chosen(found):
        with torch.set_grad_enabled(grad), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a mutant may well deserve one
            if source not in due:
                due[source] = list(results(made(source, subject.space), cases))
            mutant = judged(subject, edit, text, cases, due[source])
        if mutant:
            yield mutant


def judged(subject, edit, text, cases, due):
    """The mutant with what the check says of it, or None for one that never ends: no check can say anything of it."""
    try:
        f = made(text, subject.space)
    except Exception:
        return None  # the learner's own cell stops, before the check
    same = all(map(alike, results(f, cases), due))
    try:
        subject.check(made(text, subject.space))
    except Wrong as error:
        sentence = error.verdict.sentence
        if "Endless" in sentence:
            return None
        found = error.verdict.finding
        if found and found.kind in GENERIC:
            return Mutant(subject.name, edit, text, "generic", sentence)
        kind = "unnamed" if UNTOLD.search(sentence.rstrip(".")) else "error" if "Python says" in sentence else "named"
        return Mutant(subject.name, edit, text, kind, sentence)
    except Exception as error:  # a check that breaks says nothing that a learner could use
        return Mutant(subject.name, edit, text, "broken", repr(error))
    return Mutant(subject.name, edit, text, "same" if same else "accepted", "")


# ── More inputs than the checks have ─────────────────────────────────────────────────────────────────────────


def _more_widths():
    draw = random.Random(1)
    for _ in range(2_000):
        case = draw.randint(1, 400), draw.randint(1, 11), draw.randint(1, 6), draw.randint(0, 6), draw.randint(1, 5)
        if case[4] * (case[1] - 1) < case[0] + 2 * case[3]:
            yield case


def _more_numbers(*highest):
    """Numbers up to `highest`; the first, C, is a multiple of 4."""
    draw = random.Random(1)
    return [(4 * draw.randint(1, highest[0] // 4), *(draw.randint(1, n) for n in highest[1:])) for _ in range(60)]


def _more_steps():
    draw = random.Random(1)
    return [([(draw.randint(1, 9), draw.randint(1, 4)) for _ in range(draw.randint(0, 10))],) for _ in range(200)]


def _more_to_fold():
    torch.manual_seed(1)
    for C, C_out, kernel, bias in ((4, 4, 3, True), (3, 5, 1, False), (2, 3, 5, True), (6, 2, 3, False)):
        conv, bn = nn.Conv2d(C, C_out, kernel, bias=bias).double(), nn.BatchNorm2d(C_out, eps=0.01).double()
        for t in (bn.weight, bn.bias, bn.running_mean):
            nn.init.normal_(t)
        nn.init.uniform_(bn.running_var, 0.1, 2)
        yield conv.eval(), bn.eval()


def _more_names():
    for blocks in ((3, 4, 6, 3), (1, 2, 1, 1), (12, 1, 1, 2)):
        with shapes_only():
            shapes = to_published(ResNet(blocks=blocks, base=4, num_classes=2).state_dict())
        yield ({name: torch.tensor(float(i)) for i, name in enumerate(shapes)},)


def _more_maps():
    torch.manual_seed(1)
    for blocks, base, size in (((1, 2, 1, 1), 4, 96), ((1, 1, 1, 1), 8, 64)):
        network = ResNet(blocks=blocks, base=base, num_classes=5).eval()
        for target, step in ((0, "stage1"), (1, "stage2"), (4, "stage3"), (2, "stage0")):
            yield network, torch.randn(1, 3, size, size + 32), target, step


# ── The checks ───────────────────────────────────────────────────────────────────────────────────────────────

SUBJECTS = [
    Subject("out_width", check_out_width, solutions.OUT_WIDTH, _more_widths),
    Subject(
        "parameters of the stem",
        partial(check_parameters, "stem"),
        solutions.STEM_PARAMETERS,
        partial(_more_numbers, 64, 96),
    ),
    Subject(
        "parameters of basic",
        partial(check_parameters, "basic"),
        solutions.BASIC_PARAMETERS,
        partial(_more_numbers, 999),
    ),
    Subject(
        "parameters of BTNK2",
        partial(check_parameters, "BTNK2"),
        solutions.BTNK2_PARAMETERS,
        partial(_more_numbers, 999),
    ),
    Subject(
        "parameters of BTNK1",
        partial(check_parameters, "BTNK1"),
        solutions.BTNK1_PARAMETERS,
        partial(_more_numbers, 999, 300),
    ),
    Subject(
        "weights of BTNK2",
        partial(check_parameters, "BTNK2", norms=False),
        solutions.BTNK2_WEIGHTS,
        partial(_more_numbers, 999),
    ),
    Subject(
        "macs of a convolution",
        partial(check_macs, "convolution"),
        solutions.CONVOLUTION_MACS,
        partial(_more_numbers, 99, 99, 9, 99),
    ),
    Subject("macs of BTNK2", partial(check_macs, "BTNK2"), solutions.BTNK2_MACS, partial(_more_numbers, 999, 99)),
    Subject(
        "macs of BTNK1", partial(check_macs, "BTNK1"), solutions.BTNK1_MACS, partial(_more_numbers, 999, 99, 300, 4)
    ),
    Subject("receptive_field", check_receptive_field, solutions.RECEPTIVE_FIELD, _more_steps),
    Subject("fold", check_fold, solutions.FOLD, _more_to_fold),
    Subject("rename", check_rename, solutions.RENAME, _more_names),
    Subject("grad_cam", check_grad_cam, solutions.GRAD_CAM, _more_maps),
    Subject(
        "to_v1",
        lambda f: check_to_v1(f, test_conversions.MyBTNK1),
        test_conversions.RIGHT,
        space=test_conversions.SPACE,
    ),
    Subject("contents", check_contents, test_checkpoints.RIGHT),
    *(Subject(name, check, features.RIGHT[name], space=features.SPACE) for name, check in features.CHECKS.items()),
    *(
        Subject(name, check, residuals.RIGHT[name], space=residuals.SPACE)
        for name, check in residuals.CHECKS.items()
        if name != "start_as_shortcut"  # it changes what it is given, and gives nothing back to compare
    ),
    Subject("intensity", check_intensity, speed.INTENSITY, partial(_more_numbers, 99, 99, 99, 9, 99, 9)),
    Subject("pictures_a_second", check_pictures_a_second, speed.RATE),
]


def report(chosen=()):
    """Print the figures of the subjects whose names begin with one of the words, and return what a check has accepted
    although it is wrong, or broken off at. Of chosen ones each mutant that no sentence explains is shown."""
    kinds, holes = ("same", "named", "generic", "error", "unnamed", "accepted", "broken"), []
    print(f"{'check':24}{'right':>7}{'mutants':>9}" + "".join(f"{kind:>10}" for kind in kinds) + "    told")
    for subject in SUBJECTS:
        if chosen and not subject.name.startswith(tuple(chosen)):
            continue
        found = list(mutants(subject))
        count = {kind: sum(m.verdict == kind for m in found) for kind in kinds}
        told = (count["named"] + count["generic"] + count["error"]) / (len(found) - count["same"])
        figures = "".join(f"{n:10}" for n in count.values())
        print(f"{subject.name:24}{len(subject.right):7}{len(found):9}{figures}{told:8.0%}", flush=True)
        holes += [m for m in found if m.verdict in ("accepted", "broken")]
        for m in found if chosen else ():
            if m.verdict == "unnamed":
                print(f"\nUNNAMED: {m.edit} | {m.sentence}\n{m.source}")
    for m in holes:
        print(f"\n{m.verdict.upper()}: {m.subject}: {m.edit} | {m.sentence}\n{m.source}")
    return holes
