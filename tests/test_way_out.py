"""Code that would end the program is refused in words, wherever it stands: in a function, in a part that is made, in
one that runs, and on the way back. Only a learner who interrupts a check stops it."""

import signal

import IPython
import pytest
import torch
from IPython.core.autocall import ExitAutocall
from torch import nn

from resnet_lib import ResNet
from resnet_lib.blocks import Stem
from resnet_lib.compare.clinic.patients import PATIENTS
from resnet_lib.compare.endless import Left, within
from resnet_lib.exercises import Wrong, check_cured, check_ladder, check_out_width, check_start_as_shortcut, check_stem


class Enough(BaseException):
    pass


def leave(how):
    match how:
        case "exit()" | "quit()":
            raise SystemExit  # what they do, outside a notebook
        case "sys.exit(3)":
            raise SystemExit(3)
        case "KeyboardInterrupt":
            raise KeyboardInterrupt
        case "GeneratorExit":
            raise GeneratorExit
    raise Enough("no more")


WAYS = ["exit()", "sys.exit(3)", "KeyboardInterrupt", "GeneratorExit", "a class of its own"]


class Backward(torch.autograd.Function):
    how = ""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, grad):
        if Backward.how == "ValueError":
            raise ValueError("no more")
        leave(Backward.how)


def part(base, place, how):
    """A part of the library's that leaves at a place."""

    class Mine(base):
        def __init__(self, *numbers):
            if place == "made":
                leave(how)
            super().__init__(*numbers)

        def forward(self, x):
            if place == "runs":
                leave(how)
            Backward.how = how
            return Backward.apply(super().forward(x))

    return Mine


def refused(check, *given):
    with pytest.raises(Wrong) as caught:
        check(*given)
    return caught.value.verdict


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("place", ["made", "runs", "on the way back"])
def test_a_part_that_would_end_the_program_is_refused_in_words(place, how):
    verdict = refused(check_stem, part(Stem, place, how))
    assert any(word in verdict.sentence for word in ("SystemExit", "KeyboardInterrupt", "GeneratorExit", "Enough"))
    assert "in leave" in verdict.where or "leave(how)" in verdict.where
    if "exit" in how:
        assert "ends the program" in verdict.sentence


def test_a_gradient_that_stops_with_any_error_is_told_so():
    verdict = refused(check_stem, part(Stem, "on the way back", "ValueError"))
    assert "no more" in verdict.sentence and "in place" not in verdict.sentence
    assert "raise ValueError" in verdict.where


@pytest.mark.parametrize("how", WAYS)
def test_functions_that_would_end_the_program_are_refused_in_words(how):
    def leaves(*_given):
        leave(how)

    for check, *more in (
        (check_out_width,),
        (check_start_as_shortcut,),
        (check_ladder, ResNet(blocks=(1, 1, 1, 1), base=8, num_classes=5)),
    ):
        assert "leave" in refused(check, leaves, *more).where


def test_a_learner_who_interrupts_a_check_stops_it():
    class Slow(nn.Module):
        def __init__(self, *_numbers):
            super().__init__()
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        check_stem(Slow)


def test_exit_of_a_notebook_leaves_the_kernel_running(monkeypatch):
    class Shell:
        def ask_exit(self):
            raise AssertionError("the kernel would end")

    shell = Shell()
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    exit = ExitAutocall(shell)
    with pytest.raises(Left), within():
        with within():
            pass
        exit()
    with pytest.raises(AssertionError):  # outside it is as it was
        exit()


@pytest.mark.parametrize("place", ["made", "runs"])
def test_a_mended_part_that_would_end_the_program_is_refused_in_words(place):
    own = part(Stem, place, "exit()")
    assert "SystemExit" in str(refused(lambda: check_cured(PATIENTS["eager"], stem=lambda base: own(3, base))))
