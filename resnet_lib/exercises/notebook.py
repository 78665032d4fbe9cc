"""What makes checks fit for a notebook: Run All goes through, with every exercise open, wrong or right."""

import functools
from difflib import get_close_matches

from .._common import shell
from . import own
from .placeholders import placeholder
from .progress import refused
from .put_back import as_made
from .verdict import Wrong, unanswered


def checked(check):
    """Return a check that also tells an open exercise from a wrong one, and notes the learner's parts that are right.

    In a notebook it returns every verdict, so that the cells below still run. Elsewhere it raises `Wrong` for one that
    is open or wrong.
    """

    @functools.wraps(check)
    def run(*given, **named):
        things = (*given, *named.values())
        part = next((thing for thing in things if getattr(thing, "__name__", "") in own.PARTS), None)
        try:
            for thing in things:
                refuse_open(thing)
            verdict = as_made(check)(*given, **named)
        except Wrong as wrong:
            own.note(part, False)
            refused()
            if not shell():
                raise
            return wrong.verdict
        own.note(part, True, named.get("exercise"))
        return verdict

    return run


def refuse_open(thing):
    """Raise `Wrong` with an open verdict where a learner's function, class or value is still `...`."""
    line = placeholder(thing)
    if line is None:
        return
    name = getattr(thing, "__name__", "<lambda>").replace("<lambda>", "Your answer")
    library = own.library_name(name)
    until = f"The library's {library} is used below until then." if library else "Then run it, and this check again."
    raise unanswered(name, f"the ... in line {line} of its cell" if line else "each ... in the cell above", until)


def explain_missing_names():
    """Let a notebook say in a sentence that a cell further up has not been run, where Python would say NameError."""
    if here := shell():
        here.set_custom_exc((NameError,), _missing)


def _missing(shell, kind, error, trace, tb_offset=None):
    """Show a NameError: as a sentence where a cell itself asks for the name, as Python does inside a function."""
    last = trace
    while last.tb_next:
        last = last.tb_next
    name = getattr(error, "name", None)
    if not name or last.tb_frame.f_code.co_name not in ("<module>", "<cell line: 1>"):
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
        return
    near = get_close_matches(name, shell.user_ns, 1, 0.8)
    help = f"Did you mean {near[0]}?" if near else "Run the cell that makes it, further up, and then this one again."
    shell._showtraceback(kind, error, [f"{name} has no value yet. {help}"])
