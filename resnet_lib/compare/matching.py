"""A learner's module beside the reference: what is missing or has another shape, and what is wrong where the numbers
differ."""

import re
from collections import Counter, defaultdict
from typing import NamedTuple

import torch
from torch import nn

from .._common import gap, shape_text
from . import mistakes
from .errors import stopped, where
from .pairing import again, biased, by_key, copy, kernel, keys, orders, table
from .proof import LOOK, draw_norms, unit
from .survey import survey

TOLERANCE = 1e-5


class Found(NamedTuple):
    """What is wrong: the sentence, the learner's line, and the layers side by side."""

    sentence: str
    where: str = ""
    rows: tuple = ()


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
            empty = "It has no layers yet: make them in __init__, as self.something, and call them in forward."
            return Found(stopped(mine.error) if mine.error else empty, _where(mine, learner))
        rows = table(theirs.layers, mine.layers)
        if any(row[-1] != "same" for row in rows) or biased(theirs, mine):
            return _of_tables(rows, theirs, mine, learner)
        if wrong := _no_result(mine):
            return wrong
        if not any(layer.calls for layer in mine.layers) and not mine.error:
            return Found(f"Its layers are there, but forward gives {_what(mine.out)} without calling one of them.")
        if not mine.error and _same(mine.out, x):
            return Found("forward gives back x as it came in: return what the layers have made of it.")
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
            causes = [_cause(learner, reference, theirs, x, part, *found) for found in runs if found[0] == most]
            return next((c for c in causes if c[1]), causes[0])[0]
        if run.changed:
            return Found(
                "forward overwrites its own input x: whoever needs x afterwards, as the block before does for its "
                "gradient, finds other numbers. Write y = f + x and not x += f, and no inplace=True on x."
            )
    return _in_training(learner, reference, x, pairs, mine)


# ── Sentences about the layers ───────────────────────────────────────────────────────────────────────────────


def _loose(layer):
    kind = "BN" if layer.kind == "norm" else "convolution or linear layer"
    return (
        f"A {kind} of shape {shape_text(layer.shape)} computes in forward, and is no part of your module: its numbers "
        "would never be trained, saved or loaded. Make layers in __init__, as self.something; several of them belong "
        "into nn.Sequential or nn.ModuleList, not into a plain list."
    )


def _where(run, learner):
    return where(run.error, learner) if run.error else ""


def _of_tables(rows, theirs, mine, learner):
    end = _where(mine, learner)
    if mine.error and (name := _unmade(learner)):
        own = getattr(learner, name).__name__
        return Found(f"self.{name} is the class {own} itself. Write {own}(…), with brackets: they make one of it.", end)
    # Written in function calls, what comes after the error could not be seen; nor what an unknown name stands for.
    if mine.error and (mine.unplaced or isinstance(mine.error, NameError)):
        return Found(stopped(mine.error), end)
    wrong = [row for row in rows if row[-1] != "same"]
    if wrong:
        repeated = next((layer for layer in mine.layers if layer.calls > 1), None)
        if repeated is None and (counted := _blocks(theirs.layers, mine.layers)):
            return Found(counted, end, rows)
        sentence = _entry(_first(wrong), wrong, theirs.layers)
        if repeated is not None and wrong[0][-1] == "missing":
            sentence += (
                f" Your {repeated.name} is used {repeated.calls} times: that is one layer, with one set of weights."
            )
        return Found(sentence, end, rows)
    layer, own = biased(theirs, mine)
    if layer.tensors.get("bias") is not None:
        return Found(f"Your {own.name} has no bias: the linear layer of the head, which no BN follows, has one.", end)
    return Found(
        f"Your {own.name} has a bias. The BN after it subtracts each channel's mean, and with it the bias, and the "
        "published weights have none: write bias=False.",
        end,
    )


def _unmade(learner):
    """The name of a part that forward uses and that is a class, or None."""
    used = getattr(type(learner).forward, "__code__", None)
    kept = [name for name, value in vars(learner).items() if isinstance(value, type) and issubclass(value, nn.Module)]
    return next((name for name in kept if used and name in used.co_names), None)


def _blocks(theirs, mine):
    """The sentence of a network that has the right layers in every stage, and blocks too many or too few; or ""."""
    blocks = defaultdict(lambda: defaultdict(list))  # stage → block → its layers
    for layer in theirs:
        if found := re.match(r"stage(\d+)\.(\d+)\.", layer.name):
            blocks[found[1]][found[2]].append(layer)
    due, has, said = Counter(keys(theirs)), Counter(keys(mine)), []
    for stage, found in blocks.items():
        *_, last = found.values()  # a BTNK2, where there is more than one
        look = next(layer.key for layer in last if layer.name.endswith("conv2"))
        n, more = len(found), has[look] - len(found)
        if more and n > 1:
            said.append(f"Stage {stage} has {n + more} {'block' if n + more == 1 else 'blocks'}, and {n} are due.")
            for layer in last:
                due[layer.key] += more
    return " ".join(said) if due == has else ""


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
            C_out, C = shape[:2]
            return (
                f"{_named(part.removesuffix('.shortcut').removesuffix('shortcut'))} has no projection. It needs one: "
                f"{C} channels come in and {C_out} go out, and a sum needs equal shapes. This does not depend on the "
                "stride: Stage 1 has S = 1 and needs its projection too."
            )
        if len(shape) == 1:
            before = "the projection" if "shortcut" in name else name.replace("bn", "conv")
            return f"A BN is missing: there is none after {before}, {shape[0]} channels. Every convolution has its own."
        missing = sum(r[-1] == "missing" and len(r[1]) > 1 for r in wrong)
        more = f" ({missing} of them are missing.)" if missing > 1 else ""
        return f"{name} is missing: a layer of shape {shape_text(shape)}.{more}"
    if verdict == "extra":
        kind = "BN" if len(its) == 1 else "convolution or linear layer"
        why = " An identity block adds x itself." if not any("shortcut" in layer.name for layer in layers) else ""
        return f"Your {own} is one {kind} too many, of shape {shape_text(its)}.{why}"
    if len(shape) == 1:
        return f"{at}, a BN, has {its[0]} channels; after this convolution there are {shape[0]}."
    if kernel(shape) != kernel(its):
        return f"{at} has a kernel of {kernel(its)}; it should be {kernel(shape)}."
    said = f"{at} takes {its[1]} channels and gives {its[0]}; it should take {shape[1]} and give {shape[0]}."
    return said + _factor(its, shape)


def _factor(its, shape):
    for a, b in ((its[0], shape[0]), (its[1], shape[1])):
        if b == 4 * a:
            return " That is a quarter of it: C1 where 4·C1 is due."
        if a == 4 * b:
            return " That is four times as many: C or 4·C1 where C1 is due."
        if a in (2 * b, b // 2) and a != b:
            return f" That is {'twice' if a == 2 * b else 'half'} as many as it should be."
    if its[:2] == shape[1::-1]:
        return " The two are exchanged: Conv2d wants the channels that come in first."
    return ""


# ── Sentences about the numbers ──────────────────────────────────────────────────────────────────────────────


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
        return Found("forward gives None: end it with return.")
    return Found(f"forward gives {_what(run.out)}, and should give one tensor.")


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
    if said := _fed_with_f(inside, taps):
        return Found(said, where(run.error) if run.error else ""), True
    found, _ = mistakes.search(
        at, modules, right_x, mine, right, target, bool(run.error) and target is None, step, ran, eps, TOLERANCE
    )
    line = _where(run, learner)
    if found:
        text = f"{_capital(found)}." if part else f"{at if at[0].isalpha() else f'block {at}'}: {found}."
        return Found(text, line), True
    if run.error:
        if left := _left_out(layers, taps):
            return Found(f"forward goes on without {left}: call it, too, in its place.", line), False
        return Found(_uncalled(inside, taps, run.error) or stopped(run.error), line), False
    idle = next((t for t in taps.values() if t.calls == 0), None)
    if idle is not None:
        return Found(f"{idle.name} is made in __init__, and forward never calls it."), False
    many = next((t for t in taps.values() if t.calls > 1), None)
    if many is not None:
        return Found(f"{many.name} is called {many.calls} times in one forward pass, and should be once."), False
    if run.out.shape != theirs.out.shape:
        gives, due = (shape_text(tuple(out.shape[1:])) for out in (run.out, theirs.out))
        return Found(
            f"It gives out shape {gives} for an input of {shape_text(tuple(x.shape[1:]))}, and should give {due}: "
            "look at strides and paddings."
        ), False
    if equal == len(layers):
        text = f"Every layer computes the right numbers, but what comes out differs: check {LOOK['logits']}"
        text = text if not part else "Every convolution and BN is right, but what comes out differs: check the sum and "
        return Found(text + ("what follows it." if part else ".")), False
    look = LOOK.get(first.name.split(".")[-1].rstrip("0123"), "the order of its steps")
    return Found(f"With the same weights your numbers differ, first at {first.name}: check {look}."), False


def _fed_with_f(inside, taps):
    """The sentence for a projection that is given what F has made in place of x, or ""."""
    side = next((layer for layer in inside if layer.name.endswith("shortcut.conv")), None)
    own = side and taps.get(side.name)
    F = [taps[layer.name] for layer in inside if layer.name in taps and ".shortcut." not in f".{layer.name}"]
    made = [t for tap in F if tap.result is not None for t in (tap.result, tap.result.relu())]
    if any(_same(tap.given, side.given) for tap in F[1:] if own):
        return ""  # a layer of F of the same shape has been taken for the projection
    if own and not _same(own.given, side.given) and any(_same(own.given, t) for t in made):
        given, due = (shape_text(tuple(t.shape[1:])) for t in (own.given, side.given))
        return (
            f"The shortcut is given what F has made, {given}, and not x, {due}: keep x as it came in, and call what "
            "flows through F by another name."
        )
    return ""


def _uncalled(inside, taps, error):
    """The sentence for a shortcut that forward leaves out and so cannot add, or ""."""
    ran = {layer.name: taps[layer.name] for layer in inside if layer.name in taps}
    idle = [own for name, own in ran.items() if "shortcut." in name and not own.calls]
    right = all("shortcut." in layer.name or _same(ran[layer.name].result, layer.result) for layer in inside)
    if not idle or not right or isinstance(error, NameError):
        return ""
    name = idle[0].name.rpartition(".")[0] or idle[0].name
    return (
        f"{name} is made in __init__, and forward never calls it: what is added to F(x) is self.{name}(x). "
        f"(Python says: {type(error).__name__}: {' '.join(str(error).split()).rstrip('.')}.)"
    )


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


def _capital(sentence):
    """Names of layers keep their small letter."""
    return sentence if re.match(r"bn|conv|shortcut", sentence) else sentence[0].upper() + sentence[1:]


def _part(name):
    """stage0, a block such as stage1.0 (or 0 in a stage alone), or head."""
    return unit(name) if name.startswith(("stage", "head")) else name.split(".")[0]


def _in_training(learner, reference, x, pairs, before):
    """The same comparison in training mode: BN's other life. BN's stored numbers must follow as well."""
    theirs, mine = survey(reference.train(), x), survey(learner.train(), x.clone(), before)
    if mine.error:
        return Found(f"It runs in eval() and not in training mode. {stopped(mine.error)}", _where(mine, learner))
    if not gap(mine.out, theirs.out)[1] <= 10 * TOLERANCE:  # NaN is not larger, and not right
        for layer, own in pairs:
            if own.result is not None and own.result.shape != layer.result.shape:
                gives, due = (shape_text(tuple(t.shape[1:])) for t in (own.result, layer.result))
                return Found(
                    f"It is right in eval() and differs in training mode: {own.name} gives {gives} where {due} is due, "
                    "so that the BN after it sees other numbers. Does a later layer have its stride?"
                )
        return Found(
            "It is right in eval() and differs in training mode: there BN must use the statistics of the batch. Use "
            "nn.BatchNorm2d, or say F.batch_norm(…, training=self.training)."
        )
    if not mine.out.requires_grad and any(p.requires_grad for p in learner.parameters()):
        return Found("The result is cut off from the weights, which could not be trained: no .detach(), no no_grad.")
    for layer, own in pairs:
        # A variance divided by n and not by n − 1 is no mistake worth a word.
        for role, enough in (("mean", 10 * TOLERANCE), ("var", 0.02)) if layer.kind == "norm" else ():
            if own.tensors.get(role) is None:
                continue
            a, b = (t.tensors[role].view(-1) for t in (own, layer))
            if not gap(a, b)[1] <= enough:
                return Found(
                    f"In training mode {own.name} does not keep the running mean and variance as nn.BatchNorm2d does "
                    "(momentum 0.1): after training, eval() would use the wrong ones."
                )
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
