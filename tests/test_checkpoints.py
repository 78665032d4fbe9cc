"""What is in a checkpoint, and how an input was prepared: right answers in several styles, wrong ones named.

RIGHT and WRONG are the learner's cells as texts; each defines `contents`.
"""

import pytest
import torch

from resnet_lib.exercises import Wrong, check_contents, input_question, predict, solved

RIGHT = [
    """
def contents(weights):
    parameters = [t for name, t in weights.items() if name.endswith((".weight", ".bias"))]
    buffers = [t for name, t in weights.items() if not name.endswith((".weight", ".bias"))]
    return len(parameters), sum(t.numel() for t in parameters), len(buffers), sum(t.numel() for t in buffers)
""",
    """
def contents(weights):
    a = b = c = d = 0
    for name, tensor in weights.items():
        if name.split(".")[-1] in ("weight", "bias"):
            a += 1
            b += tensor.numel()
        else:
            c += 1
            d += tensor.numel()
    return [a, b, c, d]
""",
    """
def contents(weights):
    found = {True: [], False: []}
    for name in weights:
        kept = "running" in name or "tracked" in name
        found[kept].append(weights[name].nelement())
    return len(found[False]), sum(found[False]), len(found[True]), sum(found[True])
""",
    """
import math

def contents(weights):
    result = [0, 0, 0, 0]
    for name, tensor in weights.items():
        at = 0 if name.endswith("weight") or name.endswith("bias") else 2
        result[at] += 1
        result[at + 1] += math.prod(tensor.shape)
    return tuple(result)
""",
    """
import torch

def contents(weights):
    parameter = torch.tensor([n.rpartition(".")[2] in {"weight", "bias"} for n in weights])
    size = torch.tensor([t.flatten().shape[0] for t in weights.values()])
    return parameter.sum(), size[parameter].sum(), (~parameter).sum(), size[~parameter].sum()
""",
    """
import torch

def contents(weights):
    rows = [[n.endswith((".weight", ".bias")), t.numel()] for n, t in weights.items()]
    a, c = sum(p for p, _ in rows), sum(not p for p, _ in rows)
    return torch.tensor([a, sum(k for p, k in rows if p), c, sum(k for p, k in rows if not p)])
""",
    """
def contents(weights):
    total, entries = sum(t.numel() for t in weights.values()), len(weights)
    while any(name.endswith(("mean", "var", "tracked")) for name in weights):
        weights.pop(next(name for name in weights if name.endswith(("mean", "var", "tracked"))))
    numbers = sum(t.numel() for t in weights.values())
    return len(weights), numbers, entries - len(weights), total - numbers
""",
    """
def len_of(t):
    return t.numel()

def contents(weights):
    learnt = {name: t for name, t in weights.items() if t.dim() > 1 or name[-4:] in ("bias", "ight")}
    rest = [t for name, t in weights.items() if name not in learnt]
    return float(len(learnt)), float(sum(map(lambda t: t.numel(), learnt.values()))), len(rest), sum(map(len_of, rest))
""",
]


def _by(test, give="return len(p), sum(t.numel() for t in p), len(b), sum(t.numel() for t in b)"):
    return (
        f"def contents(weights):\n    p = [t for name, t in weights.items() if {test}]\n"
        f"    b = [t for name, t in weights.items() if not ({test})]\n    {give}\n"
    )


N = "n = lambda tensors: sum(t.numel() for t in tensors); "
ENDS = 'name.endswith((".weight", ".bias"))'
WRONG = [
    (_by('not name.endswith("tracked")'), "running_mean and running_var are measured along the way"),
    (_by(ENDS + ' or "running_mean" in name'), "One of running_mean and running_var"),
    (_by('name.endswith((".weight", ".bias", "var"))'), "One of running_mean and running_var"),
    (_by(ENDS + ' or "tracked" in name'), "num_batches_tracked only counts batches"),
    (_by('name.endswith("weight")'), "bias is learnt by gradient as well"),
    (_by('"conv" in name or "fc" in name'), "A BN's weight and bias are learnt by gradient"),
    (_by('"weight" or "bias" in name'), "You count every entry as a parameter"),
    (_by('name.endswith("weight" or "bias")'), "Python takes the first text alone"),
    (_by(ENDS + ' and "fc" not in name').replace("not (", "not (" + ENDS + ") and not ("), "left the linear layer out"),
    (_by(ENDS).replace("if not", 'if "tracked" not in name and not'), "num_batches_tracked is in neither"),
    (_by(ENDS, "return len(p), len(p), len(b), len(b)"), "You give the number of entries twice"),
    (
        _by(ENDS, "return len(p), sum(t.shape[0] for t in p), len(b), sum(t.shape[0] if t.dim() else 1 for t in b)"),
        "the first side of each tensor alone",
    ),
    (_by(ENDS, "return len(p), sum(t.nbytes for t in p), len(b), sum(t.nbytes for t in b)"), "Those are bytes"),
    (_by(ENDS, f"{N}return len(b), n(b), len(p), n(p)"), "parameters come first"),
    (_by(ENDS, f"{N}return len(p), len(b), n(p), n(b)"), "The order is"),
    (_by(ENDS, f"{N}return n(p), len(p), n(b), len(b)"), "entries come first"),
    (
        _by(
            ENDS,
            "b = list(weights.values()); return len(p), sum(t.numel() for t in p), len(b), sum(t.numel() for t in b)",
        ),
        "for the buffers alone, and not for everything",
    ),
    (_by('not name.endswith("tracked")', "return len(p), len(p), len(b), len(b)"), "And: You give the number of"),
    ("def contents(weights):\n    pass", "None: let it return four numbers"),
    ("def contents(weights):\n    return None, None, None, None", "four times None: it is not filled in yet"),
    (_by(ENDS, "return len(p), None, len(b), None"), "for the numbers in the parameters None"),
    (_by('name in ("weight", "bias")'), "You count no entry as a parameter"),
    (_by('name.split(".")[1] in ("weight", "bias")'), "You count no entry as a parameter"),
    (_by('name.endswith("weight") and name.endswith("bias")'), "You count no entry as a parameter"),
    (_by("t.requires_grad"), "In a file all are plain tensors"),
    (
        "def contents(weights):\n    a = b = c = d = 0\n    for name, t in weights.items():\n"
        f"        if {ENDS}:\n            a, b = a + 1, b + t.numel()\n"
        "        else:\n            c, d = c + 1, d + t.numel()\n        return a, b, c, d",
        "the first entry alone: is the return inside the loop?",
    ),
    (
        _by(ENDS, "return len(p), sum(t.numel() for t in p), len(b), sum(t.numel() for t in weights.values())"),
        "Those numbers are of all entries",
    ),
    (_by('name.endswith([".weight", ".bias"])'), "endswith((…, …)), with two pairs of brackets"),
    (_by(ENDS, "return len(p), sum(t.size() for t in p), 0, 0"), "A shape is no number: tensor.numel()"),
    ("def contents(weights):\n    return len(weights), 1", "2 values; return four numbers"),
    ("def contents(weights):\n    return {'parameters': 3}", "a dict, and should give four numbers"),
    (_by(ENDS, "return len(p), '7', len(b), 3"), "for the numbers in the parameters a str and not a number"),
    (_by(ENDS, "return len(p), sum(t.numel for t in p), 0, 0"), "stands there without its brackets"),
    ("def contents(weights):\n    return [t for name, t in weights]", ".items() both"),
    ("def contents(weights):\n    return [t.numel() for t in weights]", ".items() both"),
    (_by(ENDS, "return len(p), sum(t.numl() for t in p), 0, 0"), "A Tensor has no numl"),
    (_by(ENDS, "return 161, 1486106, 159, 13309"), "It gives the same for every input"),
    (_by(ENDS, "return len(p), 2, len(b), 3"), "It is right for 0 of 3 inputs, and none of"),
    (_by('name.endswith(".weight", ".bias")'), "endswith((…, …)), with two pairs of brackets"),
    (_by(ENDS, "return len(p), sum(map(len, p)), len(b), sum(map(len, b))"), "the shape (), with no first side"),
    (_by(ENDS, "return len(p), 1, len(b), sum(t.shape[0] for t in b)"), "the shape (), with no first side"),
]


def made(source):
    space = {}
    exec(source, space)
    return space["contents"]


@pytest.mark.parametrize("source", RIGHT)
def test_a_right_count_is_accepted_however_it_is_written(source):
    assert check_contents(made(source), exercise="06.1").ok
    assert list(solved()) == ["06.1"]


@pytest.mark.parametrize(("source", "sentence"), WRONG)
def test_a_wrong_count_is_told_its_mistake(source, sentence):
    with pytest.raises(Wrong) as caught:
        check_contents(made(source), exercise="06.1")
    assert sentence in caught.value.verdict.sentence
    assert len(caught.value.verdict.hints) == 3
    assert solved() == {}


@pytest.mark.parametrize(
    ("give", "hint"),
    [
        (f"{N}return len(p), len(b), n(p), n(b)", "Compare with the comment in the return line"),
        ("return len(p), len(b)", "One return with four numbers"),
        ("return len(p), len(p), len(b), len(b)", "tensor.numel() of one convolution"),
    ],
)
def test_the_first_hint_is_keyed_to_what_is_wrong(give, hint):
    with pytest.raises(Wrong) as caught:
        check_contents(made(_by(ENDS, give)))
    assert hint in caught.value.verdict.hints[0]


def test_what_is_no_function_is_told_so():
    with pytest.raises(Wrong, match="expects your function itself"):
        check_contents((161, 1, 159, 1))


# ── Which preparation it was ─────────────────────────────────────────────────────────────────────────────────

DRAW = torch.Generator().manual_seed(0)
SEEN = torch.rand(1, 3, 8, 8, generator=DRAW) * torch.tensor([0.4, 0.7, 1.0]).view(1, 3, 1, 1)
SEEN = SEEN * torch.linspace(0.2, 1, 8).view(1, 1, 8, 1)
WAYS = {
    "blue first": SEEN.flip(1) * 4 - 2,
    "0 to 255": SEEN * 255 - 2,
    "not normalised": SEEN,
    "sideways": SEEN.transpose(2, 3) * 4 - 2,
}


@pytest.mark.parametrize("name", WAYS)
def test_the_preparation_is_recognised_by_its_numbers(name):
    question = input_question("A", WAYS[name].clone(), WAYS)
    assert question.answer == name and predict(question, name.capitalize()).ok
    for guess in WAYS:
        if guess != name:
            assert predict_refused(question, guess).startswith(f"A: which of them is it? You said {guess}. Then its ")


def predict_refused(question, guess):
    with pytest.raises(Wrong) as caught:
        predict(question, guess)
    assert len(caught.value.verdict.hints) == 3
    return caught.value.verdict.sentence


def test_a_wrong_guess_is_answered_with_the_first_number_that_would_be_another():
    question = input_question("A", WAYS["sideways"], WAYS)
    assert "Then its smallest and largest value would be" in predict_refused(question, "0 to 255")
    assert "Then its channel means would be" in predict_refused(question, "blue first")
    sideways = {"sideways": WAYS["sideways"], "upright": WAYS["sideways"].transpose(2, 3)}
    other = input_question("A", WAYS["sideways"], sideways)
    assert "Then its means of rows 0, 1, 2 would be" in predict_refused(other, "upright")
    moved = {"as it is": SEEN, "mirrored": SEEN.flip(3)}
    assert "single pixels are not" in predict_refused(input_question("A", SEEN, moved), "mirrored")


def test_a_guess_that_is_none_of_them_is_told_which_there_are():
    question = input_question("A", SEEN, WAYS)
    assert "no prediction yet" in predict_refused(question, None)
    assert "Choose one of: blue first, 0 to 255, not normalised, sideways." in predict_refused(question, "too dark")
    assert "Choose one of" in predict_refused(question, 3)


def test_an_input_that_is_none_or_two_of_them_cannot_be_asked_about():
    with pytest.raises(ValueError, match="x is 0 of the 4 candidates"):
        input_question("A", SEEN + 1, WAYS)
    with pytest.raises(ValueError, match="x is 2 of the 2 candidates"):
        input_question("A", SEEN, {"one": SEEN, "two": SEEN.clone()})
