"""What the checks say of right and wrong solutions in all styles, and whether it is true."""

import random
import time
from typing import NamedTuple

from resnet_lib.compare.kinds import kinds
from resnet_lib.compare.meanings import MEANINGS

from . import spoilt, styles
from .writing import PLANS, written

# Kinds that hold the finding that counts, and those that repeat what Python says.
AROUND = {
    "at",
    "mistake",
    "mistake in a part",
    "only in training",
    "only in eval",
    "several",
    "two at once",
    "fails in training",
}
PYTHON = {name for name, *_ in MEANINGS} | {"stopped", "stopped at a name", "unexplained error"}


class Judged(NamedTuple):
    """verdict: "accepted", "named", "placed" (where the numbers differ), "error" (one of Python's), or "false": a
    definite sentence that is not true of the edit."""

    part: str
    edits: tuple
    style: object
    source: str
    verdict: str
    sentence: str


def spoiled(part, n_styles=1, doubles=0, seed=0):
    """(edits, what may be said, style, source) of wrong solutions: each edit in some styles, and pairs of edits."""
    draw = random.Random(f"{part}{seed}")
    if part == "stage":
        yield from _stages(draw, n_styles, doubles)
    elif part == "network":
        yield from _networks(draw, n_styles)
    else:
        edits = spoilt.EDITS[part]
        pool = [style for style in styles.styles_of(part, 120, seed) if plain(style)]
        for edit in edits:
            for style in draw.sample(pool, n_styles):
                yield (edit.name,), [edit.true], style, written(part, style, edit.change(PLANS[part]))
        for _ in range(doubles):
            a, b = draw.sample(edits, 2)
            plan, style = b.change(a.change(PLANS[part])), draw.choice(pool)
            if apart(PLANS[part], a, b, plan):
                yield (a.name, b.name), [a.true, b.true], style, written(part, style, plan)


def plain(style):
    """Whether a style writes every edit: TorchScript compiles no function that a module is given."""
    return style.wrap != "scripted" or style.layout in ("lines", "nested")


def apart(plan, a, b, both):
    """Whether each of two edits is still there when both are made."""
    return _nameless(both) not in map(_nameless, (a.change(plan), b.change(plan), plan))


def _nameless(plan):
    """A plan without what its steps are called, and without those that do nothing: whoever takes one away and adds its
    like has changed nothing."""
    rows = (
        [s._replace(name="") for s in steps or () if s.layer != "nn.Identity"] for steps in (plan.f, plan.g, plan.tail)
    )
    return [*rows, plan.g is None, plan.add, plan.end]


def _stages(draw, n_styles, doubles):
    blocks = [(part, edit) for part in ("BTNK1", "BTNK2") for edit in spoilt.EDITS[part]]
    blocks = [(part, edit) for part, edit in blocks if part == "BTNK1" or edit.name not in spoilt.ONLY_ALONE]
    pool = [style for style in styles.styles_of("BTNK1", 120) if style.wrap != "scripted"]
    forms = list(styles.STAGES)
    for name, (changes, true) in spoilt.ROWS.items():
        for form in forms if n_styles > 1 else draw.sample(forms, 2):
            for style in (None, draw.choice(pool)):
                if form not in ("recursion", "while") or "count" not in changes:
                    yield (name,), [true], (form, style), styles.stage_source(form, style, **changes)
    for part, edit in blocks if n_styles > 1 else draw.sample(blocks, 40):
        form, style = draw.choice(forms), draw.choice(pool)
        source = styles.stage_source(form, style, {part: edit.change(PLANS[part])})
        yield (f"{part}: {edit.name}",), [edit.true], (form, style), source


def _networks(draw, n_styles):
    pool = [style for style in styles.styles_of("BTNK1", 120) if style.wrap != "scripted"]
    for name, (changes, true) in spoilt.NETWORKS.items():
        for _ in range(n_styles):
            choice, style = styles.drawn_choice("network", draw.randrange(99), draw), draw.choice([None, *pool])
            source = styles.network_source(choice, style, **changes)
            if source != styles.network_source(choice, style):  # a linear layer by hand has no bias=False
                yield (name,), [true], (choice, style), source
    edits = [(part, edit) for part in ("stem", "BTNK2", "BTNK1") for edit in spoilt.EDITS[part]]
    edits = [(part, edit) for part, edit in edits if part == "stem" or edit.name not in spoilt.ONLY_ALONE]
    for part, edit in edits if n_styles > 1 else draw.sample(edits, 30):
        choice, style = styles.drawn_choice("network", draw.randrange(99), draw), draw.choice(pool)
        source = styles.network_source(choice, style, {part: edit.change(PLANS[part])})
        yield (f"{part}: {edit.name}",), [edit.true], (choice, style), source


def judge(part, edits, true, style, source):
    verdict = styles.judged(part, source)
    if verdict.ok:
        return Judged(part, edits, style, source, "accepted", verdict.sentence)
    said = set(kinds(verdict.finding)) - AROUND
    sentence = verdict.sentence
    if said & PYTHON:
        return Judged(part, edits, style, source, "error", sentence)
    if said <= spoilt.PLACED:
        return Judged(part, edits, style, source, "placed", sentence)
    allowed = {}
    for each in true:
        for kind, words in each.items():
            allowed.setdefault(kind, []).append(words)
    if "identity block" in sentence and not any("projected" in edit for edit in edits):
        return Judged(part, edits, style, source, "false", sentence)
    fits = all(k in spoilt.PLACED or any(_stands(words, sentence) for words in allowed.get(k, ())) for k in said)
    return Judged(part, edits, style, source, "named" if fits else "false", f"{sentence} {sorted(said)}")


def _stands(words, sentence):
    return any(part.lower() in sentence.lower() for part in words.split("|"))


def report(chosen=(), n_styles=3, doubles=150):
    """Print the figures of each part, and what was judged in the wrong way; return how many these are.

    chosen: parts, and a piece of all cases such as 2/8, so that each of several runs is short.
    """
    piece = next((slice(int(k) - 1, None, int(n)) for k, _, n in (c.partition("/") for c in chosen) if n), slice(None))
    chosen = [part for part in chosen if "/" not in part]
    verdicts, bad = ("named", "placed", "error", "false", "accepted"), []
    print(f"{'part':12}{'right':>7}{'accepted':>10}{'wrong':>8}{'refused':>9}" + "".join(f"{v:>10}" for v in verdicts))
    for part in chosen or styles.CHECKS:
        began = time.process_time()
        right = [(source, styles.judged(part, source)) for _, source in styles.sources(part, 60)[piece]]
        bad += [Judged(part, ("right",), None, source, "refused", v.sentence) for source, v in right if not v.ok]
        wrong = [judge(part, *case) for case in list(spoiled(part, n_styles, doubles))[piece]]
        count = {v: sum(w.verdict == v for w in wrong) for v in verdicts}
        figures = len(right), sum(v.ok for _, v in right), len(wrong), len(wrong) - count["accepted"]
        print(f"{part:12}{figures[0]:7}{figures[1]:10}{figures[2]:8}{figures[3]:9}", end="")
        print("".join(f"{n:10}" for n in count.values()), f"  {time.process_time() - began:.0f} s", flush=True)
        bad += [w for w in wrong if w.verdict in ("accepted", "false")]
    for w in bad:
        print(f"\n{w.verdict.upper()}: {w.part}: {w.edits} | {w.sentence}" + (f"\n{w.source}" if chosen else ""))
    return len(bad)
