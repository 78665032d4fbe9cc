"""Judge a learner's function: call it on many inputs, and where a result is wrong, find the mistake that gives it.

A mistake is an edit of the right solution (`edits.Solution`); check and mutation tests read the same table.
"""

from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import combinations
from numbers import Real

import torch

from .._common import Finding, Kind, a_type, one_thread, say, watched
from ..compare import endless
from ..compare.endless import within
from ..compare.errors import stopped, where
from ..compare.meanings import IN_FUNCTIONS
from ..compare.steady import lasting
from .again import otherwise
from .diagnose import explains, of_arguments, of_bits
from .left_behind import batches, left_behind
from .number_types import of_types
from .progress import done
from .results import equal, no_number, number, shown, told
from .taking import name_of, taking
from .unaffected import torch_again
from .verdict import Verdict, refuse

QUICK = 0.004  # seconds beyond the quickest case: in less, nobody goes through 2 ** 16 things in Python
NO_FUNCTION = Kind(
    "not a function",
    "The check expects your function itself, and was given {given}.",
    "Write the name of your function alone, without brackets behind it.",
)
STOPPED = Kind("stopped", "{at}: {said}", "Read the line at which it stopped, and print what it is given.")
OVERWRITES = Kind("overwrites", "{name} overwrites what it is given: make new tensors, or work on a copy.")
RUNS_IN_TRAINING = Kind(
    "runs in training mode",
    "{name} runs a BN in training mode, and so changes the statistics that it stores: leave the modules that it is "
    "given in evaluation mode, or work on a copy.",
    "Print the module's training before and after your function has run.",
)
TAKES_APART = Kind(
    "takes apart",
    "{name} changes the list or dictionary that it is given: elsewhere it is still needed, so work on a copy.",
)
NOT_COMPARABLE = Kind(
    "not comparable",
    "{name} returns {type} that cannot be compared with the right result.",
    "Print what your function returns, and its type.",
)
OTHER = Kind("other result", "{at}: you say {yours} and it is {right}.")
UNEXPLAINED = Kind(
    "unexplained", "It is right for {right} of {cases} inputs, and none of {mistakes} usual mistakes explains it."
)
CONSTANT = Kind(
    "same for every input",
    "It gives the same for every input: does it use what it is given?",
    "Does your function use the names in its brackets, or some that an earlier cell made?",
)


def difference(yours, right):
    """Return how two numbers differ, (kind, values)."""
    return OTHER, {"yours": shown(yours), "right": shown(right)}


def called(f, *case):
    return f(*case)


def unknown(cases, got, due):
    """Nothing more can be said of the results."""


@one_thread()
def judge(
    f,
    names,
    cases,
    solutions,
    hints,
    *,
    true=None,
    call=called,
    run=None,
    read=number,
    same=equal,
    differs=difference,
    why=unknown,
    meanings=(),
    stuck=STOPPED.hint,
    larger=(),
    exercise=None,
):
    """Call f on all cases, compare with the right results, and return a `Verdict`; raise `Wrong` with the mistake.

    names:     of the arguments, for sentences; or a function that names a case.
    solutions: `Solution`s, in the usual ways of solving it; the first gives the right results unless `true` does.
    hints:     where to look, what it consists of, and nearly the solution.
    call, run: call(f, *case), where a case is more than its arguments; run(solution, *case), where a solution is called
               in another way than the learner's function.
    read:      the learner's result → (it in the form to compare, what is wrong with its form or None).
    same, differs: whether two results are equal, and how they differ, (kind, values).
    why:       why(cases, got, due), a finding where none of the edits explains the results, or None.
    meanings:  what Python's errors mean in this exercise, as in `compare.meanings.MEANINGS`.
    stuck:     where to look when Python stops with an error.
    larger:    further cases, each asked only where the one before was quick: a right way may be slow, and need much
               memory.
    """
    name = name_of(f)
    if not callable(f):
        raise refuse(name, [Finding(NO_FUNCTION, values={"given": told(f)})], hints)
    true, run = true or solutions[0].made(), run or call
    due = [true(*case) for case in cases]
    results = Results(name, names, call, read, same, differs, tuple(meanings), stuck, true)
    asked, tried = results.collect(f, cases, due, hints), len(cases)
    cases, due = results.with_larger(asked, cases, due, larger, hints)
    if not results.findings:
        if other := otherwise(asked, cases, due, results):
            raise refuse(name, [other], hints)
        if changes := results.left_in_torch(f, cases[0]):
            raise refuse(name, [changes], hints)
        done(exercise)
        remarks = (say(Finding(TAKES_APART, values={"name": name})),) if results.altered else ()
        return Verdict(True, name, f"All {tried:,} inputs tried give the right result.", remarks=remarks)
    found, link = _explained(asked, results, cases, due, solutions, run, why)
    if found == [results.stop]:
        raise refuse(name, found, hints, results.line)
    raise refuse(name, [*results.findings, *found], hints, link=link)


@dataclass
class Results:
    """What the learner's function has given for the cases, one after the other.

    got:      the results in the form to compare, as far as it came.
    findings: the first result that is wrong; empty where all are right.
    stop:     the error with which it stopped after that, or None, and line, where.
    altered:  whether it has changed a list or dictionary that it was given.
    behind:   what else it has done to a module that it was given, (kind, values), or None.
    seconds:  of `endless.clock`, how long it took for each case; wall: of the wall's, which never goes back.
    """

    name: str
    names: object
    call: object
    read: object
    same: object
    differs: object
    meanings: tuple
    stuck: str
    true: object

    def __post_init__(self):
        self.got, self.findings, self.stop, self.line, self.altered = [], [], None, "", False
        self.seconds, self.wall = [], []
        self.behind = None

    def collect(self, f, cases, due, hints):
        """Call f on copies of the cases; return f as it takes them. Raise `Wrong` for what is wrong whatever the
        numbers are."""
        f = taking(f, self.names, cases[0], lambda found: refuse(self.name, [found], hints), self.true)
        until, begun = endless.clock() + endless.LIMIT, endless.monotonic()
        for case, right in zip(cases, due, strict=True):
            at = self.at(case)
            given, began, at_wall = deepcopy(case), endless.clock(), endless.monotonic()
            try:
                with torch_again(), within(until - endless.clock(), begun):
                    yours = self.call(f, *given)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # whatever a learner's code raises is a finding
                said = stopped(error, (*self.meanings, *IN_FUNCTIONS))
                hint = said.kind.hint or self.stuck
                stop = Finding(replace(STOPPED, hint=hint), at, {"at": at, "said": said})
                if self.findings:  # the inputs before it may say what is wrong
                    self.stop, self.line = stop, where(error)
                    return f
                raise refuse(self.name, [stop], hints, where(error)) from None
            self.seconds.append(endless.clock() - began)
            self.wall.append(endless.monotonic() - at_wall)
            change = _change(case, given)
            if change == "numbers":
                kind = OVERWRITES if batches(case) == batches(given) else RUNS_IN_TRAINING
                raise refuse(self.name, [Finding(kind, at, {"name": self.name})], hints)
            problem = self._compare(yours, right, at)
            self.altered = self.altered or change == "parts"
            self.behind = self.behind or left_behind(case, given)
            if not problem and not self.findings:  # right numbers, and something that others will miss
                problem = self.behind
            if problem:
                kind, values = problem
                raise refuse(self.name, [Finding(kind, at, {"name": self.name, **values})], hints)
        return f

    def with_larger(self, f, cases, due, larger, hints):
        """Go on with larger cases, as long as f is quick; return all cases so far, and their right results."""
        cases, due = list(cases), list(due)
        for case in larger:
            if self.findings or self.wall[-1] > min(self.wall) + QUICK:
                break
            cases.append(case)
            due.append(self.true(*case))
            self.collect(f, cases[-1:], due[-1:], hints)
        return cases, due

    def left_in_torch(self, f, case):
        """What a call of f leaves changed in torch, a finding, or None. As in a notebook, with gradients: many checks
        compute without."""
        with torch.enable_grad(), torch_again(), watched(chance=False) as changes:
            try:
                with within():
                    self.call(f, *deepcopy(case))
            except KeyboardInterrupt:
                raise
            except BaseException:  # it was right without gradients, and that is what counts
                pass
        return lasting(changes, self.name)

    def at(self, case):
        """A case in words; one of which the last numbers are left out as well."""
        if callable(self.names):
            return self.names(*case)
        given = ", ".join(f"{n} = {v}" for n, v in zip(self.names, case, strict=False))
        left_out = " and ".join(self.names[len(case) :])
        return f"{given}, nothing for {left_out}" if left_out else given

    def wrong(self, yours, right, at):
        """What is wrong with one result, a finding, or None."""
        try:
            read, problem = self.read(yours)
            if not problem and self.alike(read, right):
                return None
            kind, values = problem or self.differs(read, right)
        except Exception:  # tensors without numbers, classes of the learner's own that do not compare
            kind, values = NOT_COMPARABLE, {"type": a_type(yours)}
        return Finding(kind, at, {"at": at, "name": self.name, **values})

    def alike(self, a, b):
        """Whether two results are the same. Some cannot be compared: tensors without numbers."""
        try:
            return bool(self.same(a, b))
        except Exception:
            return False

    def _compare(self, yours, right, at):
        """Note a result; return what is wrong with its form, (kind, values), or None."""
        try:
            read, problem = self.read(yours)
            if problem:
                return problem
            alike = self.alike(read, right)
            if not alike and isinstance(read, bool):
                return no_number(yours)
            if not alike and (problem := of_types(yours, read, right)):
                return problem
            alike = alike or bool(self.same(read, right))  # again, for what it raises
            if not alike and not self.findings:
                kind, values = self.differs(read, right)
                self.findings.append(Finding(kind, at, {"at": at, **values}))
        except Exception:  # tensors without numbers, classes of the learner's own that do not compare
            return NOT_COMPARABLE, {"type": a_type(yours)}
        self.got.append(read)
        return None


def _explained(f, results, cases, due, solutions, run, why):
    """Return the findings that explain wrong results, and what links them in a sentence."""
    got, same = results.got, results.alike
    every, cases, due = len(cases), cases[: len(got)], due[: len(got)]

    def given(solution, edits):
        """Whether a solution with these edits gives the learner's results."""
        try:
            f = solution.made(*edits)
            return f is not None and explains((results.read(run(f, *case))[0] for case in cases), got, same)
        except Exception:  # two edits that give no Python, or cannot be computed, explain nothing
            return False

    # Two ways of solving it may know one mistake by the same sentence.
    single = list({e.kind.sentence: e.kind for s in solutions for e in s.edits if given(s, (e,))}.values())[:2]
    constant = len(got) > 1 and all(same(one, got[0]) for one in got)
    if single:  # one number for all inputs has other causes as well
        return [*map(Finding, single), *[Finding(CONSTANT)] * constant], " Or: "
    if isinstance(due[0], Real) and (found := of_bits(f)):
        return [found], " "
    enough = len(got) >= min(3, every)  # to fewer results, too much fits by chance
    if enough and not constant and not all(map(_blank, got)):
        if not callable(results.names) and all(isinstance(n, Real) for n in cases[0]):
            if found := of_arguments(results.names, cases, got, solutions[0].made(), same):
                return [found], " "
        if found := why(cases, got, due):
            return [found], " "
        for solution in solutions:
            for pair in combinations(solution.paired, 2):
                if given(solution, pair):
                    return [Finding(e.kind) for e in pair], " And: "
    if results.stop:
        return [results.stop], " "
    if results.behind:
        kind, values = results.behind
        return [Finding(kind, values={"name": results.name, **values})], " "
    right, tried = sum(map(same, got, due)), sum(len(s.edits) for s in solutions)
    found = [Finding(UNEXPLAINED, values={"right": right, "cases": len(cases), "mistakes": tried})]
    return found + [Finding(CONSTANT)] * constant, " "


def _blank(result):
    """Whether a tensor holds one number everywhere: many pairs of mistakes make everything zero."""
    if not isinstance(result, torch.Tensor) or result.numel() < 2:
        return False
    try:
        return bool((result == result.flatten()[0]).all())
    except (NotImplementedError, RuntimeError):  # without numbers, or of a kind that cannot be compared
        return False


def _equal(a, b):
    """Whether two things are equal, or cannot be compared in one word, as arrays."""
    try:
        return bool(a == b)
    except Exception:
        return True


def _change(before, after):
    """What has been done to something given: "numbers" of tensors overwritten, "parts" of a list, or ""."""
    if isinstance(before, torch.nn.Module):
        return "numbers" if _change(before.state_dict(), after.state_dict()) else ""
    if isinstance(before, torch.Tensor):
        return "" if before.shape == after.shape and torch.equal(before.double(), after.double()) else "numbers"
    if isinstance(before, dict):
        if before.keys() != after.keys():
            return "parts"
        before, after = list(before.values()), list(after.values())
    elif not isinstance(before, list | tuple):
        return "" if type(before).__eq__ is object.__eq__ or _equal(before, after) else "parts"
    if len(before) != len(after):
        return "parts"
    found = [_change(a, b) if type(a) is type(b) else "parts" for a, b in zip(before, after, strict=True)]
    return next(filter(None, found), "")
