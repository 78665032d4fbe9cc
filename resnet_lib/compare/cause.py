"""Why the first rung breaks, as a finding: an entry that does not fit, or a mistake that gives the learner's
numbers when planted into the reference."""

from .._common import gap
from .by_name import rank, unit
from .errors import text_of, where
from .kinds import found, look_at, several
from .misfit import of_entries, of_shared
from .planting import Case, inside, search


def find_cause(both):
    """Return the cause of the first divergence of two networks that ran, a `rungs.Both`: a finding, and whether it is
    proved."""
    a, b, first, part = both.run, both.my_run, both.first, unit(both.first.name)
    stopped = None if "logits" in b.taps else _stopped(both.rungs, b)
    if both.wrong and rank(both.wrong[0].name) <= rank(first.name):
        return several(of_entries(both.wrong, both.rows), stopped), False
    if group := next((g for g in both.shared if any(unit(n) == part for n in g)), None):
        return several(of_shared(group), stopped), False

    given = both.x if part == "stage0" else a.taps.get("stage4") if part == "head" else a.given.get(part)
    mine = b.taps.get("stage4", given) if part == "head" else b.given.get(part, given)
    if given is not None and not gap(mine, given)[1] <= both.tolerance:
        right = "x" if part == "stage0" else "what the part before it gave, which is equal"
        return several(found("part's input", part, right=right), stopped), False
    target = b.taps.get("logits" if part == "head" else part)
    if target is not None and target.isnan().any():
        return several(found("NaN", first.name, part=part), stopped), False
    case = _case(both, part, given, mine, target)
    mistake, tried = search(case)
    if mistake:
        proved = found("proved up to the stop" if case.stops else "proved", part, cause=mistake)
        return several(proved, stopped), True
    return several(*_unknown(part, first, both.rungs, b, tried), stopped), False


def _case(both, part, given, mine, target):
    """What is planted into: the part of the first divergence, in both networks."""
    a, b = both.run, both.my_run
    return Case(
        part,
        inside(part, {both.place(n): m for n, m in both.theirs.named_modules()}),
        given=given,
        right=a.taps.get("logits" if part == "head" else part),
        mine=mine,
        target=target,
        stops=text_of(b.error) if b.error and target is None else "",
        step=next(iter(inside(part, {both.first.name: both.first})), ""),
        steps=inside(part, b.taps),
        eps=inside(part, {both.my_place(n): m.eps for n, m in both.mine.named_modules() if hasattr(m, "eps")}),
        tolerance=both.tolerance,
    )


def _stopped(rungs, run):
    """Where and why the learner's network ended early."""
    if not run.error:
        return found("no logits", type=type(run.out).__name__)
    reached = rungs[-2].name if len(rungs) > 1 else "the input"
    message = " ".join(
        text_of(run.error).partition(", but expected one of")[0].split()
    )  # PyTorch lists all it would take
    values = {"type": type(run.error).__name__, "message": message.rstrip("."), "line": where(run.error)}
    return found("network stopped", reached=reached, **values)


def _unknown(part, first, rungs, run, tried):
    """What can be said when no planted mistake gives the learner's numbers, as findings."""
    if first.learner is not None:
        i = next(i for i, r in enumerate(rungs) if r is first)
        look = look_at(first.name, "the order of its steps, the shortcut, the sum and what follows it")
        yield found("step differs", first.name, before=rungs[i - 1].name if i else "the input", look=look)
        if tried:
            yield found("no usual mistake", tried=tried)
    elif run.error and part == "head" and "stage4" in run.taps:
        H, W = run.taps["stage4"].shape[2:]
        yield found("fixed pooling", part, H=H, W=W)
    for name, times in run.odd.items():
        if unit(name) == part and not name.split(".")[-1].startswith("relu"):
            yield found("called several times" if times else "layer not called", name, times=times)
