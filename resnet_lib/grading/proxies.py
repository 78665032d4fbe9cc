"""What the grader has of a submission's functions and classes, and how a submission's process ends."""

from contextlib import contextmanager
from inspect import Parameter, Signature, _ParameterKind

import torch
from torch import nn

DATA = (bool, int, float, complex, str, bytes, dict, list, tuple, set, frozenset, torch.Tensor, slice, range)


class Ended(BaseException):
    """A submission's process has come to an end, or to its limit. No check may take this for an answer."""

    def __init__(self, result, sentence):
        super().__init__(sentence)
        self.result, self.sentence = result, sentence


@contextmanager
def understood():
    """End where what a submission's process says is nothing that such a process would say."""
    try:
        yield
    except Exception:
        raise Ended("crashed", "What it answered cannot be understood.") from None


class Chosen:
    """Stands for what a learner has chosen in a widget, which the submission's process does not have."""


class Function:
    """A function or class of the submission. Calling it calls the one in the submission's process."""

    def __init__(self, remote, number, about):
        self._remote, self._number, self._about = remote, number, about
        self.__name__, self._module = about["name"], about["of"]
        if about["given"] is not None:
            kinds = [
                Parameter(name, _ParameterKind(kind), default=value if has else Parameter.empty)
                for name, kind, has, value in about["given"]
            ]
            self.__signature__ = Signature(kinds)

    def __call__(self, *args, **kwargs):
        return self._remote.call(self, args, kwargs)

    def __repr__(self):
        return self._about["said"]

    def __deepcopy__(self, memo):
        return self


def checked(about):
    """What is said of a function, each of it of the type it should have."""
    given = about.get("given")
    if given is not None:
        given = [
            [str(n), int(k), bool(d), v if type(v) in (bool, int) else None]
            for n, k, d, v in given
            if str(n).isidentifier()
        ][:50]
        kinds = [k for _, k, *_ in given]
        given = given if kinds == sorted(kinds) and all(0 <= k <= 4 for k in kinds) else None
    return {
        "name": str(about.get("name"))[:80],
        "of": str(about.get("of"))[:200],
        "module": bool(about.get("module")),
        "given": given,
        "said": str(about.get("said"))[:200],
    }


def stand_in(function):
    """A class that a module keeps where it should keep an instance, as a class of that name here."""
    if function._about["module"]:
        return type(function.__name__, (nn.Module,), {"__module__": "answer"})
    return None
