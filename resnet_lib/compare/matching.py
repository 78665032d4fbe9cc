"""A learner's module beside the reference: what is missing or has another shape, and what is wrong where the numbers
differ."""

import re
from collections import Counter, defaultdict
from typing import NamedTuple

import torch
from torch import nn

from .._common import Finding, gap, one_thread, shape_text
from . import mistakes
from .errors import stopped, where
from .pairing import again, biased, by_key, copy, kernel, keys, orders, table
from .proof import draw_norms, unit
from .survey import survey
from .words import found, look_at, several

TOLERANCE = 1e-5


class Found(NamedTuple):
    """What is wrong: the finding, the learner's line, and the layers side by side."""

    finding: Finding
    where: str = ""
    rows: tuple = ()


@one_thread()
def compare(learner, reference, x, part=""):
    """What is wrong with a learner's module, as a `Found`, or None where it computes what the reference does.

    Both run on the same x with the same weights, in eval() and in training mode. Layers are matched by what they are
    and by the order in which they run, never by name. The learner's module receives the reference's weights.
    part: which part the reference is: "stage0", "block", "projection", or "" for a stage or a network.
    """
    with torch.no_grad():
        draw_norms(reference)
        theirs, mine = survey(reference.eval(), x), survey(learner.eval(), x.clone())
        if loose := next((layer for layer in mine.layers if layer.name is None), None):
            return Found(_loose(loose))
        if not mine.layers:
            return Found(stopped(mine.error) if mine.error else found("no layers"), _where(mine, learner))
        rows = table(theirs.layers, mine.layers)
        if any(row[-1] != "same" for row in rows) or biased(theirs, mine):
            return _of_tables(rows, theirs, mine, learner)
        if wrong := _no_result(mine):
            return wrong
        if not any(layer.calls for layer in mine.layers) and not mine.error:
            return Found(found("layers unused", what=_what(mine.out)))
        if not mine.error and _same(mine.out, x):
            return Found(found("x returned"))
        runs = []
        for order in orders(theirs.layers):
            pairs = by_key(order, mine.layers)
            copy(pairs)
            run = survey(learner, x.clone(), mine)
            if gap(run.out, theirs.out)[1] <= TOLERANCE if run.error is None else False:
                break
            taps = {a.name: b for (a, b) in by_key(order, again(run, mine))}
            runs.append((_equal(theirs.layers, taps), taps, run))
        else:
            most = max(equal for equal, *_ in runs)
            causes = [_cause(learner, reference, theirs, x, part, *tried) for tried in runs if tried[0] == most]
            return next((c for c in causes if c[1]), causes[0])[0]
        if run.changed:
            return Found(found("input overwritten"))
    return _in_training(learner, reference, x, pairs, mine)


# ── What is wrong with the layers ───────────────────────────────────────────────────────────────────────────────


def _loose(layer):
    kind = "BN" if layer.kind == "norm" else "convolution or linear layer"
    return found("unregistered", layer=kind, shape=shape_text(layer.shape))


def _where(run, learner):
    return where(run.error, learner) if run.error else ""


def _of_tables(rows, theirs, mine, learner):
    end = _where(mine, learner)
    if mine.error and (name := _unmade(learner)):
        return Found(found("class not made", name, name=getattr(learner, name).__name__), end)
    # Written in function calls, what comes after the error could not be seen; nor what an unknown name stands for.
    if mine.error and (mine.unplaced or isinstance(mine.error, NameError)):
        return Found(stopped(mine.error), end)
    wrong = [row for row in rows if row[-1] != "same"]
    if wrong:
        repeated = next((layer for layer in mine.layers if layer.calls > 1), None)
        if repeated is None and (counted := _blocks(theirs.layers, mine.layers)):
            return Found(counted, end, rows)
        entry = _entry(_first(wrong), wrong, theirs.layers)
        if repeated is not None and wrong[0][-1] == "missing":
            entry = several(entry, found("layer repeated", repeated.name, times=repeated.calls))
        return Found(entry, end, rows)
    layer, own = biased(theirs, mine)
    return Found(found("bias missing" if layer.tensors.get("bias") is not None else "bias too many", own.name), end)


def _unmade(learner):
    """The name of a part that forward uses and that is a class, or None."""
    used = getattr(type(learner).forward, "__code__", None)
    kept = [name for name, value in vars(learner).items() if isinstance(value, type) and issubclass(value, nn.Module)]
    return next((name for name in kept if used and name in used.co_names), None)


def _blocks(theirs, mine):
    """A finding for a network that has the right layers in every stage, and blocks too many or too few; or None."""
    blocks = defaultdict(lambda: defaultdict(list))  # stage → block → its layers
    for layer in theirs:
        if at := re.match(r"stage(\d+)\.(\d+)\.", layer.name):
            blocks[at[1]][at[2]].append(layer)
    due, has, said = Counter(keys(theirs)), Counter(keys(mine)), []
    for stage, its in blocks.items():
        *_, last = its.values()  # a BTNK2, where there is more than one
        look = next(layer.key for layer in last if layer.name.endswith("conv2"))
        n, more = len(its), has[look] - len(its)
        if more and n > 1:
            said.append(found("blocks in a stage", f"stage{stage}", stage=stage, n=n + more, right=n))
            for layer in last:
                due[layer.key] += more
    return several(*said) if due == has else None


def _first(wrong):
    """The difference that explains the others: a missing projection, or the first convolution before the BNs."""
    for row in wrong:
        if row[-1] == "missing" and row[0].endswith("shortcut.conv"):
            return row
    products = [row for row in wrong if row[1] is None and len(row[3]) > 1 or row[1] is not None and len(row[1]) > 1]
    return min(products or wrong, key=lambda row: row[-1] == "extra")


def _entry(row, wrong, layers):
    name, shape, own, its, verdict = row
    part = name.rpartition(".")[0] if re.match(r"stage|\d", name) else ""
    at = f"{name}: your {own}" if part and name != own else f"Your {own}"
    if verdict == "missing":
        if name.endswith("shortcut.conv"):
            block = _named(part.removesuffix(".shortcut").removesuffix("shortcut"))
            return found("projection missing", block, C=shape[1], C_out=shape[0])
        if len(shape) == 1:
            if "shortcut" in name:
                return found("projection's norm missing", "the projection", C=shape[0])
            return found("norm missing", name.replace("bn", "conv"), C=shape[0])
        return found(
            "layer missing", name, shape=shape, missing=sum(r[-1] == "missing" and len(r[1]) > 1 for r in wrong)
        )
    if verdict == "extra":
        identity = not any("shortcut" in layer.name for layer in layers)
        return found("layer too many", name, layer=own, shape=its, identity=identity)
    if len(shape) == 1:
        return found("norm channels", name, layer=at, C=its[0], right=shape[0])
    if kernel(shape) != kernel(its):
        return found("kernel", name, layer=at, kernel=kernel(its), right=kernel(shape))
    gives, takes = its[:2]
    kind = "channels in a stage" if re.match(r"stage\d\.", name) else "channels"
    return found(kind, name, layer=at, gives=gives, takes=takes, right_gives=shape[0], right_takes=shape[1])


# ── What is wrong with the numbers ──────────────────────────────────────────────────────────────────────────────


def _named(part):
    part = part.rstrip(".")
    return f"Block {part}" if part.isdigit() else part or "The block"


def _what(out):
    if isinstance(out, torch.Tensor):
        return f"shape {shape_text(tuple(out.shape[1:]))}"
    return "None" if out is None else f"a {type(out).__name__}"


def _no_result(run):
    if run.error or isinstance(run.out, torch.Tensor):
        return None
    if run.out is None:
        return Found(found("None returned"))
    return Found(found("no tensor returned", what=_what(run.out)))


def _equal(layers, taps):
    """How many of the reference's layers, from the first on, have given the same in the learner's module."""
    for i, layer in enumerate(layers):
        if layer.name not in taps or not _same(taps[layer.name].result, layer.result):
            return i
    return len(layers)


def _same(a, b):
    return a is not None and b is not None and gap(a, b)[1] <= TOLERANCE


def _cause(learner, reference, theirs, x, part, equal, taps, run):
    """(Found, whether it is proved) for a run whose numbers are not the reference's."""
    layers = theirs.layers
    i = min(equal, len(layers) - 1)
    if not part and 0 < i < len(layers) and _part(layers[i].name) != _part(layers[i - 1].name):
        # A part that gets other numbers is not at fault: the part before it is.
        own = taps.get(layers[i].name)
        entry = theirs.last_map if layers[i].name == "head.fc" else layers[i].given
        got = run.last_map if layers[i].name == "head.fc" else own and own.given
        strided = own and len(own.shape) == 2 and got is not None and got.shape[2:] < entry.shape[2:]
        if got is not None and not strided and not _same(got, entry):
            i -= 1
    first = layers[i]
    at = part or _part(first.name)
    inside = layers if part else [layer for layer in layers if _part(layer.name) == at]
    following = None if part else next(iter(layers[layers.index(inside[-1]) + 1 :]), None)
    if following is None:
        target, right = run.out if run.error is None else None, theirs.out
    elif following.name == "head.fc":
        target, right = run.last_map if run.error is None else None, theirs.last_map
    else:
        target, right = taps[following.name].given if following.name in taps else None, following.given
    prefix = "" if part else f"{at}."
    modules = {n.removeprefix(prefix): m for n, m in reference.named_modules() if n.startswith(prefix) and n}
    mine = taps[inside[0].name].given if inside[0].name in taps else x
    right_x = inside[0].given
    if at == "head":
        mine, right_x = run.last_map, theirs.last_map
    if mine is None or mine.shape != right_x.shape or not _same(mine, right_x):
        mine = right_x
    step = first.name.removeprefix(prefix) if not _same(taps[first.name].result, first.result) else ""
    ran = {n.removeprefix(prefix): t.result for n, t in taps.items() if n.startswith(prefix) and t.result is not None}
    eps = {n.removeprefix(prefix): t.eps for n, t in taps.items() if n.startswith(prefix) and t.eps is not None}
    if fed := _fed_with_f(inside, taps):
        return Found(fed, where(run.error) if run.error else ""), True
    mistake, _ = mistakes.search(
        at, modules, right_x, mine, right, target, bool(run.error) and target is None, step, ran, eps, TOLERANCE
    )
    line = _where(run, learner)
    if mistake:
        return Found(found("mistake" if part else "mistake in a part", at, cause=mistake), line), True
    if run.error:
        if left := _left_out(layers, taps):
            return Found(found("part skipped", left), line), False
        return Found(_uncalled(inside, taps, run.error) or stopped(run.error), line), False
    return Found(_unproved(taps, run, theirs, x, part, layers[equal:])), False


def _unproved(taps, run, theirs, x, part, differing):
    """What can be said where no planted mistake gives the learner's numbers. differing: layers from the first on."""
    idle = next((t for t in taps.values() if t.calls == 0), None)
    if idle is not None:
        return found("layer not called", idle.name)
    many = next((t for t in taps.values() if t.calls > 1), None)
    if many is not None:
        return found("called several times", many.name, times=many.calls)
    if run.out.shape != theirs.out.shape:
        shape, right, given = (shape_text(tuple(t.shape[1:])) for t in (run.out, theirs.out, x))
        return found("output shape", shape=shape, x=given, right=right)
    if not differing:
        return found("differs after the block's layers" if part else "differs after the layers")
    first = differing[0].name
    return found("numbers differ", first, look=look_at(first, "the order of its steps"))


def _fed_with_f(inside, taps):
    """A finding for a projection that is given what F has made in place of x, or None."""
    side = next((layer for layer in inside if layer.name.endswith("shortcut.conv")), None)
    own = side and taps.get(side.name)
    F = [taps[layer.name] for layer in inside if layer.name in taps and ".shortcut." not in f".{layer.name}"]
    made = [t for tap in F if tap.result is not None for t in (tap.result, tap.result.relu())]
    if any(_same(tap.given, side.given) for tap in F[1:] if own):
        return None  # a layer of F of the same shape has been taken for the projection
    if own and not _same(own.given, side.given) and any(_same(own.given, t) for t in made):
        shape, right = (shape_text(tuple(t.shape[1:])) for t in (own.given, side.given))
        return found("shortcut fed with F", own.name, shape=shape, right=right)
    return None


def _uncalled(inside, taps, error):
    """A finding for a shortcut that forward leaves out and so cannot add, or None."""
    ran = {layer.name: taps[layer.name] for layer in inside if layer.name in taps}
    idle = [own for name, own in ran.items() if "shortcut." in name and not own.calls]
    right = all("shortcut." in layer.name or _same(ran[layer.name].result, layer.result) for layer in inside)
    if not idle or not right or isinstance(error, NameError):
        return None
    name = idle[0].name.rpartition(".")[0] or idle[0].name
    message = f"{type(error).__name__}: {' '.join(str(error).split()).rstrip('.')}"
    return found("shortcut not called", name, error=message)


def _left_out(layers, taps):
    """The learner's name of the first part that has not run, although one has that comes after it; or ""."""
    own = [taps[layer.name] for layer in layers if layer.name in taps and ".shortcut." not in f".{layer.name}"]
    ran = [i for i, layer in enumerate(own) if layer.calls]
    left = next((layer for layer in own[: max(ran, default=0)] if not layer.calls), None)
    if left is None:
        return ""
    steps = left.name.split(".")
    parts = (".".join(steps[: i + 1]) for i in range(len(steps)))
    return next((p for p in parts if not any(f"{own[i].name}.".startswith(f"{p}.") for i in ran)), left.name)


def _part(name):
    """stage0, a block such as stage1.0 (or 0 in a stage alone), or head."""
    return unit(name) if name.startswith(("stage", "head")) else name.split(".")[0]


def _in_training(learner, reference, x, pairs, before):
    """The same comparison in training mode: BN's other life. BN's stored numbers must follow as well."""
    theirs, mine = survey(reference.train(), x), survey(learner.train(), x.clone(), before)
    if mine.error:
        return Found(found("fails in training", cause=stopped(mine.error)), _where(mine, learner))
    if not gap(mine.out, theirs.out)[1] <= 10 * TOLERANCE:  # NaN is not larger, and not right
        for layer, own in pairs:
            if own.result is not None and own.result.shape != layer.result.shape:
                shape, right = (shape_text(tuple(t.shape[1:])) for t in (own.result, layer.result))
                return Found(found("late stride", own.name, shape=shape, right=right))
        return Found(found("stored statistics in training"))
    if not mine.out.requires_grad and any(p.requires_grad for p in learner.parameters()):
        return Found(found("cut off"))
    for layer, own in pairs:
        # A variance divided by n and not by n − 1 is no mistake worth a word.
        for role, enough in (("mean", 10 * TOLERANCE), ("var", 0.02)) if layer.kind == "norm" else ():
            if own.tensors.get(role) is None:
                continue
            a, b = (t.tensors[role].view(-1) for t in (own, layer))
            if not gap(a, b)[1] <= enough:
                return Found(found("running statistics", own.name))
    return None


def remarks(learner):
    """What is allowed and yet worth a word."""
    said = []
    if any(getattr(m, "inplace", False) for m in learner.modules()):
        said.append(
            "inplace=True computes the same and saves memory, but it overwrites what the BN before it gave: whoever "
            "looks there finds the ReLU's numbers."
        )
    relus = [m for m in learner.modules() if isinstance(m, nn.ReLU)]
    if len(relus) == 1 and sum(isinstance(m, nn.BatchNorm2d) for m in learner.modules()) > 2:
        said.append("One ReLU module serves several places: right, but none of them has a name of its own to look at.")
    return tuple(said)
