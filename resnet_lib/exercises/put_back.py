"""Checks find torch and the library as they were made, whatever a cell or an answer has put in the place of parts of
them."""

import functools
import sys
from dataclasses import replace

from .._common import Finding, Kind, replaced
from .taking import name_of
from .unaffected import unaffected
from .verdict import Verdict, Wrong

REPLACED = Kind(
    "replaced",
    "{name} puts something else in the place of {what}, for all code that follows. Leave that out: write a function or "
    "a class of your own, and use it.",
    "A line such as nn.ReLU.forward = … or torch.relu = … changes torch itself. Where is it, and what is it for?",
)
BEFORE = (
    "A cell above has put something else in the place of {what}. It has been put back, and the check has not used it."
)


def as_made(check):
    """Return a check that nothing affects: before it what was replaced is put back, with a remark, and an answer that
    replaces something while it is checked is refused."""

    @functools.wraps(check)
    def run(*given, **named):
        before, problem = _heard(), None
        with unaffected():
            try:
                verdict = check(*given, **named)
            except Exception as error:  # of the check itself as well, which had to do with what was replaced
                problem, verdict = error, getattr(error, "verdict", None)
            finally:
                names = _heard()
        if names:
            subject = verdict.subject if verdict else name_of(next(iter((*given, *named.values())), check))
            verdict = Verdict(
                False, subject, finding=Finding(REPLACED, values={"name": subject, "what": _listed(names)})
            )
            problem = Wrong(verdict)
        if before and isinstance(verdict, Verdict):
            verdict = replace(verdict, remarks=(BEFORE.format(what=_listed(before)), *verdict.remarks))
            problem = problem and Wrong(verdict)
        if problem:
            raise problem from None
        return verdict

    return run


def _heard():
    """What has been replaced since this was asked last. What was computed in the meantime may be wrong."""
    if found := replaced.heard():
        _forget()
    return found


def _forget():
    """Forget what was computed once for all answers."""
    for module in [m for n, m in sys.modules.items() if n.startswith(("resnet_lib.compare", "resnet_lib.exercises"))]:
        for name, value in list(vars(module).items()):
            if isinstance(value, functools._lru_cache_wrapper):
                value.cache_clear()
            elif name == "_KNOWN":
                value.clear()


def _listed(names):
    *most, last = [f"Python's {n}" if "." not in n else n for n in names[:3]]
    return f"{', '.join(most)} and {last}" if most else last
