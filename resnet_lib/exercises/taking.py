"""How a learner's function takes its arguments: by position or by name alone, and what it takes where a call leaves
some out."""

import inspect

from .._common import Finding, Kind

BY_NAME_ALONE = Kind(
    "by name alone",
    "{name} has a * in its brackets, so that {own} can be given by name alone{due}.",
    "The exercise's first line, def …, has the names and the order in which the check gives them.",
)
OTHER_DEFAULT = Kind(
    "other default",
    "{name} takes {argument} = {yours} where nothing is given for it, and the exercise gives {argument} = {right}.",
    "The exercise's first line, def …, says what is taken where a call leaves something out.",
)
OTHER_ORDER = Kind(
    "other order",
    "{name} takes {yours}, and the exercise gives {right}, in this order.",
    "Values without names go by their order: a call hands on the first value as the first name of the def line.",
)


def name_of(f):
    """What to call a learner's function, or what was given in its place."""
    name = str(getattr(f, "__name__", type(f).__name__))
    return "Your function" if name == "<lambda>" else name


def taking(f, names, case, wrong, like=None):
    """Return f, or a function that calls it by the names of its arguments where it takes them in no other way. Raises
    wrong(finding) where it takes arguments by names that the exercise does not give, or where what it takes for those
    that a call leaves out is not what `like`, the right one, takes."""
    try:
        signature = inspect.signature(f)
        signature.bind(*case)
    except ValueError:  # one of C has no signature
        return f
    except TypeError:
        own = [p for p in signature.parameters.values() if p.kind is p.KEYWORD_ONLY]
        try:
            signature.bind(**dict(zip(names, case, strict=True)))  # names may be a function: of no list
        except TypeError:
            if not any(p.default is p.empty for p in own):
                return f
            due = "" if callable(names) else f": call them {', '.join(names)}, or leave out the *"
            values = {"name": name_of(f), "own": ", ".join(p.name for p in own), "due": due or ": leave out the *"}
            raise wrong(Finding(BY_NAME_ALONE, values=values)) from None
        return lambda *given: f(**dict(zip(names, given, strict=True)))
    if other := _other_default(f, like, len(case), () if callable(names) else list(names)):
        raise wrong(other)
    return f


def _other_default(f, like, n, names):
    """The first of n arguments with another default than the right one's has, as a finding, or None. names: theirs in
    the exercise, where it gives them."""
    try:
        ours, theirs = (list(inspect.signature(each).parameters.values())[:n] for each in (f, like))
    except (TypeError, ValueError):  # one of C, or none
        return None
    for own, due in zip(ours, theirs, strict=False):
        if own.kind is own.POSITIONAL_OR_KEYWORD and due.default is not due.empty:
            if type(own.default) in (bool, int) and own.default != due.default:
                taken = [p.name for p in ours]
                if taken != names and sorted(taken) == sorted(names):
                    values = {"name": name_of(f), "yours": ", ".join(taken), "right": ", ".join(names)}
                    return Finding(OTHER_ORDER, values=values)
                values = {"name": name_of(f), "argument": own.name, "yours": own.default, "right": due.default}
                return Finding(OTHER_DEFAULT, values=values)
    return None
