"""Results of exercises that are right but for the type of their numbers: the type is named, and what to compute in."""

import pytest
import torch
from torch import nn

from resnet_lib import BTNK1, Projection, activations
from resnet_lib.exercises import (
    Wrong,
    check_btnk1,
    check_contents,
    check_factor,
    check_fold,
    check_grad_cam,
    check_one_value,
    check_out_width,
    check_plain_block,
    check_projection,
    check_response,
    check_ways,
)
from resnet_lib.exercises.checkpoints import CONTENTS
from resnet_lib.exercises.folding import FOLD
from resnet_lib.exercises.residuals import FACTOR, PLAIN_BLOCK
from resnet_lib.exercises.ways import WAYS
from resnet_lib.experiments.attribution import grad_cam
from resnet_lib.weights import load

THIN = load("thin")
DRAW = torch.Generator().manual_seed(0)
GIVEN, WEIGHT = torch.randn(8, 9, 9, generator=DRAW), torch.randn(4, 8, 3, 3, generator=DRAW)


def one_value(channel, row, column):
    top, left = 2 * row - 1, 2 * column - 1
    return (GIVEN[:, top : top + 3, left : left + 3] * WEIGHT[channel]).sum()


# A check, a right solution, and the type in which it is expected.
TENSORS = {
    "fold": (check_fold, FOLD.made(), "float64"),
    "grad_cam": (check_grad_cam, lambda *case: grad_cam(*case).values, "float32"),
    "plain_block": (check_plain_block, PLAIN_BLOCK.made(), "float32"),
    "response": (
        lambda f: check_response(f, THIN),
        lambda pattern: activations(THIN, pattern, "stage0.conv")["stage0.conv"][0].abs().mean((1, 2)),
        "float32",
    ),
    "one_value": (lambda f: check_one_value(f, GIVEN, WEIGHT), one_value, "float32"),
    "factor": (check_factor, FACTOR.made(), "float32"),
    "ways": (check_ways, WAYS.made(), "int64"),
    "contents": (check_contents, CONTENTS.made(), "int64"),
}
KEEPS = {
    torch.float16: "keeps 3 digits",
    torch.bfloat16: "keeps 2 digits",
    torch.uint8: "from 0 to 255",
    torch.bool: "True or False",
    torch.int64: "has whole numbers only",
}


def as_type(result, dtype):
    if isinstance(result, tuple) and isinstance(result[0], torch.Tensor):
        return tuple(part.to(dtype) for part in result)
    return torch.as_tensor(result).to(dtype)


def refusal(check, f):
    with pytest.raises(Wrong) as caught:
        check(f)
    return caught.value.verdict.sentence


@pytest.mark.parametrize("exercise", TENSORS)
def test_the_type_alone_is_named_where_nothing_else_is_wrong(exercise):
    check, right, expected = TENSORS[exercise]
    for dtype, keeps in KEEPS.items():
        if str(dtype).endswith(expected) or (dtype is torch.bool and exercise in ("one_value", "factor")):
            continue
        said = refusal(check, lambda *case, dtype=dtype: as_type(right(*case), dtype))
        name = str(dtype).removeprefix("torch.")
        assert f"returns {name}, " in said and keeps in said
        assert f"compute in {expected}, and leave out what converts to {name}" in said


@pytest.mark.parametrize("exercise", TENSORS)
def test_twice_the_digits_are_as_right(exercise):
    check, right, _ = TENSORS[exercise]
    assert check(lambda *case: as_type(right(*case), torch.float64)).ok


@pytest.mark.parametrize("exercise", ["grad_cam", "plain_block", "factor"])
def test_another_mistake_in_the_same_type_is_not_called_the_types(exercise):
    check, right, _ = TENSORS[exercise]
    assert "float16" not in refusal(check, lambda *case: as_type(right(*case), torch.float16) * 1.2)


def test_what_is_computed_in_half_precision_from_the_beginning_is_called_so():
    def my_fold(conv, bn):
        s = bn.weight.half() / (bn.running_var.half() + bn.eps).sqrt()
        b = 0 if conv.bias is None else conv.bias.half()
        return conv.weight.half() * s.view(-1, 1, 1, 1), s * (b - bn.running_mean.half()) + bn.bias.half()

    assert "returns float16, which keeps 3 digits: compute in float64" in refusal(check_fold, my_fold)


@pytest.mark.parametrize(("dtype", "what"), [(torch.complex64, "complex number"), (torch.bool, "bool")], ids=str)
def test_a_tensor_of_one_number_is_called_by_what_is_in_it(dtype, what):
    def out_width(W, kernel, stride, padding, dilation):
        return torch.tensor((W + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1, dtype=dtype)

    assert f"returns a {what} and not a" in refusal(check_out_width, out_width)


# ── Modules ──────────────────────────────────────────────────────────────────────────────────────────────────


class Mine(BTNK1):
    """before, after: what is done to the input and to the output."""

    before = after = staticmethod(lambda x: x)

    def forward(self, x):
        return self.after(super().forward(self.before(x)))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.int64], ids=str)
def test_a_block_whose_output_has_another_type_is_told_that_and_nothing_else(dtype):
    class Other(Mine):
        after = staticmethod(lambda x: x.to(dtype))

    said = refusal(check_btnk1, Other)
    assert f"It gives numbers of type {dtype} and should give torch.float32, the type of its input." in said


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64, torch.uint8], ids=str)
def test_a_block_that_converts_its_input_is_told_which_types_meet(dtype):
    class Other(Mine):
        __call__ = nn.Module.__call__  # as a learner's class, which checks nothing
        before = staticmethod(lambda x: x.to(dtype))

    assert "Two types of numbers meet there: print .dtype of both" in refusal(check_btnk1, Other)

    def made(C, C_out, S):
        return nn.Sequential(Converts(dtype), Projection(C, C_out, S, nn.BatchNorm2d))

    assert "Two types of numbers meet there" in refusal(check_projection, made)


class Converts(nn.Module):
    def __init__(self, dtype):
        super().__init__()
        self.dtype = dtype

    def forward(self, x):
        return x.to(self.dtype)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda x: x.long().mean(), "Numbers of type Long cannot be computed with there: write .float() before it"),
        (lambda x: x.long().add_(x), "A tensor of type Long cannot hold numbers of type Float"),
        (lambda x: x @ x.double().T, "Two types of numbers meet there"),
    ],
)
def test_what_torch_refuses_for_a_type_says_what_to_write(wrong, sentence):
    said = refusal(check_plain_block, lambda block, x: wrong(x[0, 0]))
    assert sentence in said
