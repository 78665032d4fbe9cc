"""The tables of mistakes: each row, made and handed in, is refused, and told its mistake."""

import pkgutil
from importlib import import_module

import pytest

from resnet_lib import exercises
from resnet_lib._common import Finding, say
from resnet_lib.exercises import Wrong, check_bytes, check_fair, check_numbers_left, check_parameters
from resnet_lib.exercises.costs import PARAMETERS
from resnet_lib.exercises.edits import Solution
from resnet_lib.exercises.judge import called, judge

from .mutated import SUBJECTS, made

MODULES = [import_module(f"{exercises.__name__}.{each.name}") for each in pkgutil.iter_modules(exercises.__path__)]
# The mistakes of two questions that ask for numbers, not for a function: test_feature_exercises and
# test_residual_exercises answer them.
OF_NUMBERS = {"FIELD", "FORECAST"}


def tables():
    """Every solution with a table of mistakes that the exercises have, by its name."""
    for module in MODULES:
        for name, value in vars(module).items():
            for key, each in value.items() if isinstance(value, dict) else [("", value)]:
                if isinstance(each, Solution) and name not in OF_NUMBERS:
                    yield f"{name} {key}".strip(), each


TABLES = {id(each): (name, each) for name, each in tables()}


@pytest.fixture(scope="module")
def judged():
    """How each table is used: what `judge` is called with while the checks look at right solutions."""
    calls = {}

    def noted(f, names, cases, solutions, hints, **more):
        verdict = judge(f, names, cases, solutions, hints, **more)
        calls.update((id(each), (names, cases, solutions, hints, more)) for each in solutions)
        return verdict

    with pytest.MonkeyPatch.context() as patch:
        for module in MODULES:
            if getattr(module, "judge", None) is judge:
                patch.setattr(module, "judge", noted)
        for subject in SUBJECTS:
            subject.check(made(subject.right[0], subject.space))
        for check in (check_bytes, check_numbers_left, check_fair):
            name = check.__name__.removeprefix("check_").upper()
            check(next(each for own, each in TABLES.values() if own == name).made())
        for (part, norms), right in PARAMETERS.items():
            check_parameters(part, right.made(), norms=norms)
    return calls


@pytest.mark.parametrize("table", TABLES, ids=lambda table: TABLES[table][0])
def test_every_row_of_a_table_is_refused_and_told_its_mistake(table, judged):
    table = TABLES[table][1]
    names, cases, solutions, hints, more = judged[id(table)]
    more = {name: value for name, value in more.items() if name != "exercise"}
    call, true = more.pop("run", None) or more.pop("call", called), more.get("true") or solutions[0].made()

    def answered(f, *case):
        """What the row's function gives; where that depends on how the mistake is written, what is right."""
        result = call(f, *case)
        return true(*case) if result is None else result

    sentences = {plain(edit) for solution in solutions for edit in solution.edits}
    for edit in table.edits:
        with pytest.raises(Wrong) as refused:
            judge(table.made(edit), names, cases, solutions, hints, **{**more, "call": answered})
        said = " ".join(str(refused.value).split())
        # Where more than two rows give the same results, two are told.
        assert plain(edit) in said or sum(each in said for each in sentences) == 2, (edit.changes, said)


def plain(edit):
    return " ".join(say(Finding(edit.kind)).split())
