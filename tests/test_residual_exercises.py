"""The checks of lesson 08: right solutions in several ways, wrong ones with the mistake named.

RIGHT and WRONG are what a learner writes in the exercise's cell, as source texts, by the name of the function.
"""

import copy
import math
from itertools import combinations

import numpy
import pytest
import torch

from resnet_lib.blocks import BTNK2
from resnet_lib.exercises import (
    Wrong,
    check_diagnosis,
    check_factor,
    check_forecast,
    check_plain_block,
    check_start_as_shortcut,
    check_ways,
    solved,
)
from resnet_lib.experiments.signals import Signal
from resnet_lib.experiments.twins import NoSum, blocks

CHECKS = {
    "plain_block": check_plain_block,
    "factor": check_factor,
    "diagnose": check_diagnosis,
    "start_as_shortcut": check_start_as_shortcut,
    "ways": check_ways,
}
# What the lesson's cells before the exercise have given a name.
SPACE = {
    "torch": torch,
    "nn": torch.nn,
    "np": numpy,
    "math": math,
    "copy": copy,
    "combinations": combinations,
    "blocks": blocks,
    "NoSum": NoSum,
    "BTNK2": BTNK2,
}

# ── Solutions of learners ────────────────────────────────────────────────────────────────────────────────────

RIGHT = {
    "plain_block": [
        """
def plain_block(block, x):
    f = block.relu1(block.bn1(block.conv1(x)))
    f = block.relu2(block.bn2(block.conv2(f)))
    return block.relu3(block.bn3(block.conv3(f)))
""",
        """
def plain_block(block, x):
    for step in (block.conv1, block.bn1, torch.relu, block.conv2, block.bn2, torch.relu, block.conv3, block.bn3):
        x = step(x)
    return x.clamp(min=0)
""",
        """
def plain_block(block, x):
    plain = copy.deepcopy(block)
    plain.add = NoSum()
    return plain(x)
""",
        """
def plain_block(block, x):
    f = x
    for i in (1, 2, 3):
        conv, bn = getattr(block, f"conv{i}"), getattr(block, f"bn{i}")
        f = nn.functional.relu(bn(conv(f)))
    return f
""",
        """
def plain_block(block, x):
    steps = [m for name, m in block.named_children() if name not in ("shortcut", "add")]
    return nn.Sequential(*steps)(x)
""",
    ],
    "factor": [
        """
def factor(found):
    return (found[0].gradient / found[-1].gradient) ** (1 / (len(found) - 1))
""",
        """
def factor(found):
    product = 1.0
    for block, after in zip(found, found[1:]):
        product *= block.gradient / after.gradient
    return product ** (1 / (len(found) - 1))
""",
        """
def factor(found):
    logs = [math.log(signal.gradient) for signal in found]
    return math.exp((logs[0] - logs[-1]) / (len(logs) - 1))
""",
        """
def factor(found):
    gradients = torch.tensor([signal.gradient for signal in found])
    return (gradients[:-1] / gradients[1:]).log().mean().exp()
""",
        """
def factor(found):
    gradients = np.array([signal.gradient for signal in found])
    return np.prod(gradients[:-1] / gradients[1:]) ** (1 / (len(gradients) - 1))
""",
    ],
    "diagnose": [
        """
def diagnose(shallow, deep):
    (shallow_loss, shallow_accuracy), (deep_loss, deep_accuracy) = shallow, deep
    if deep_loss > shallow_loss:
        return "degradation"
    return "overfitting" if deep_accuracy < shallow_accuracy else "neither"
""",
        """
def diagnose(shallow, deep):
    if shallow[0] < deep[0]:
        return "degradation"
    elif shallow[1] > deep[1]:
        return "overfitting"
    else:
        return "neither"
""",
        """
def diagnose(shallow, deep):
    answer = "neither"
    if deep[1] < shallow[1]:
        answer = "overfitting"
    if deep[0] > shallow[0]:
        answer = "degradation"
    return answer
""",
        """
def diagnose(shallow, deep):
    names = {True: "degradation"}
    return names.get(deep[0] > shallow[0], ["neither", "overfitting"][deep[1] < shallow[1]])
""",
        """
def diagnose(shallow, deep):
    if deep[0] <= shallow[0] and deep[1] >= shallow[1]:
        return "neither"
    if deep[0] <= shallow[0]:
        return "overfitting"
    return "degradation"
""",
    ],
    "start_as_shortcut": [
        """
def start_as_shortcut(network):
    for block in blocks(network).values():
        torch.nn.init.zeros_(block.bn3.weight)
""",
        """
def start_as_shortcut(network):
    with torch.no_grad():
        for name, block in blocks(network).items():
            block.bn3.weight.zero_()
""",
        """
@torch.no_grad()
def start_as_shortcut(network):
    for block in blocks(network).values():
        block.bn3.weight[:] = 0
""",
        """
def start_as_shortcut(network):
    for name, parameter in network.named_parameters():
        if name.endswith("bn3.weight"):
            parameter.data.fill_(0.0)
""",
        """
def start_as_shortcut(network):
    for m in network.modules():
        if hasattr(m, "bn3"):
            m.bn3.weight.data = torch.zeros(m.C_out)
    return network
""",
        """
def start_as_shortcut(network):
    for block in blocks(network).values():
        block.bn3.weight = nn.Parameter(torch.zeros_like(block.bn3.weight))
""",
        """
def start_as_shortcut(network):
    state = network.state_dict()
    for name in blocks(network):
        state[name + ".bn3.weight"].mul_(0)
""",
    ],
    "ways": [
        """
def ways(n):
    return [math.comb(n, k) for k in range(n + 1)]
""",
        """
def ways(n):
    row = [1]
    for _ in range(n):
        row = [a + b for a, b in zip([0] + row, row + [0])]
    return row
""",
        """
def ways(n):
    counts = [0] * (n + 1)
    for i in range(2 ** n):
        counts[bin(i).count("1")] += 1
    return tuple(counts)
""",
        """
def ways(n):
    return [math.factorial(n) / math.factorial(k) / math.factorial(n - k) for k in range(n + 1)]
""",
        """
def ways(n):
    if n == 0:
        return [1]
    before = ways(n - 1)
    return [1] + [before[k - 1] + before[k] for k in range(1, n)] + [1]
""",
        """
def ways(n):
    return torch.tensor([len(list(combinations(range(n), k))) for k in range(n + 1)])
""",
        """
def ways(n):
    row = np.ones(1, dtype=int)
    for _ in range(n):
        row = np.convolve(row, [1, 1])
    return row
""",
    ],
}


def edited(name, *changes, which=0):
    """A right solution with pieces of its text exchanged."""
    text = RIGHT[name][which]
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


def setting(*lines):
    """start_as_shortcut with these lines for each block."""
    body = "\n        ".join(lines)
    return f"def start_as_shortcut(network):\n    for block in blocks(network).values():\n        {body}\n"


ZERO = "torch.nn.init.zeros_"
LAST = "block.relu3(block.bn3(block.conv3(f)))"
WRONG = {
    "plain_block": [
        ("def plain_block(block, x):\n    return x", "This is x itself"),
        ("def plain_block(block, x):\n    return x.relu()", "F has not been computed"),
        ("def plain_block(block, x):\n    return block(x)", "x is still added: that is the residual block"),
        (edited("plain_block", (LAST, "block.relu3(block.bn3(block.conv3(f)) + x)")), "x is still added: that is"),
        (edited("plain_block", (LAST, f"{LAST} + x")), "x is still added, after the last ReLU"),
        (edited("plain_block", (LAST, "block.relu3(block.bn3(block.conv3(f)) - x)")), "x is subtracted"),
        (edited("plain_block", (LAST, LAST[12:-1])), "The last ReLU is missing"),
        (edited("plain_block", ("block.relu1", ""), ("block.relu2", "")), "The two ReLUs inside F are missing"),
        (edited("plain_block", ("block.relu1", "")), "The ReLU after bn1 is missing"),
        (edited("plain_block", ("block.relu2", "")), "The ReLU after bn2 is missing"),
        (edited("plain_block", ("block.bn1", ""), ("block.bn2", ""), ("block.bn3", "")), "The BNs are missing"),
        (edited("plain_block", ("block.bn1", "")), "The BN after conv1"),
        (edited("plain_block", ("block.bn2", "")), "The BN after conv2"),
        (edited("plain_block", ("block.bn3", "")), "The BN after conv3"),
        (
            edited("plain_block", ("relu1(block.bn1", "bn1(block.relu1"), ("relu2(block.bn2", "bn2(block.relu2")),
            "The ReLU comes after the BN",
        ),
        (edited("plain_block", ("    f = block.relu2(block.bn2(block.conv2(f)))\n", "")), "The 3×3 is left out"),
        (edited("plain_block", ("block.bn2", "block.bn1")), "bn1 is used twice"),
        (edited("plain_block", ("block.relu1", ""), (LAST, LAST[12:-1])), "And:"),
        (edited("plain_block", ("conv2(f)", "conv2(x)")), "A convolution made for 4 channels is given 16"),
        (edited("plain_block", ("return", "f =")), "returns None: let it return its result"),
        (edited("plain_block", ("return", "return x,")), "returns a tuple and not a tensor"),
        (edited("plain_block", ("block.bn2", "block.bn4")), "A BTNK2 has no bn4"),
        (edited("plain_block", (LAST, f"2 * {LAST}")), "none of 16 usual mistakes"),
        (edited("plain_block", (LAST, f"{LAST}[:, :8]")), "should be (2, 16, 6, 7)"),
        (
            "def plain_block(block, x):\n    for part in block.children():\n        x = part(x)\n    return x",
            "A sum takes two terms, and is called with one",
        ),
        (edited("plain_block", ("block.relu1", "nn.ReLU.forward")), "The forward of ReLU is called without 'input'"),
    ],
    "factor": [
        (edited("factor", ("found[0].gradient / found[-1]", "found[-1].gradient / found[0]")), "runs the other way"),
        (edited("factor", (" - 1)", ")")), "take the (n − 1)-th root"),
        (edited("factor", ("** (1 / (len(found) - 1))", "")), "what all steps together multiply by"),
        (edited("factor", ("** (1 / (len(found) - 1))", "** 1 / (len(found) - 1)")), "with both pairs of brackets"),
        (edited("factor", ("(1 / (len(found) - 1))", "0.5")), "the square root always"),
        (edited("factor", ("[-1]", "[1]"), ("** (1 / (len(found) - 1))", "")), "between the first two blocks alone"),
        (edited("factor", ("found[0]", "found[-2]"), ("** (1 / (len(found) - 1))", "")), "between the last two"),
        (edited("factor", ("gradient", "weights")), "You take .weights"),
        (edited("factor", ("gradient", "output")), "You take .output, the signal"),
        (edited("factor", ("math.exp((", "(("), which=2), "math.exp makes a factor of it"),
        (edited("factor", (".log().mean().exp()", ".mean()"), which=3), "as of a sum"),
        (
            edited(
                "factor",
                ("(gradients[:-1] / gradients[1:]).log().mean().exp()", "1 / (gradients[1:] / gradients[:-1]).mean()"),
                which=3,
            ),
            "the mean of the inverse factors",
        ),
        (edited("factor", (" / found", " - found"), ("** (1 ", "* (1 ")), "You take differences"),
        (
            edited(
                "factor",
                ("gradients[:-1] / gradients[1:]", "gradients"),
                ("(len(gradients) - 1)", "len(gradients)"),
                which=4,
            ),
            "geometric mean of the gradients themselves",
        ),
        (edited("factor", ("found[0].gradient / found[-1]", "found[-1].gradient / found[0]"), (" - 1)", ")")), "And:"),
        (edited("factor", ("return", "f =")), "returns None"),
        (edited("factor", ("(1 / (len(found) - 1))", "(len(found) - 1)")), "the (n − 1)-th power"),
        (edited("factor", ("(1 / (len(found) - 1))", "(1 / len(found) - 1)")), "is read as (1 / n) − 1"),
        (
            edited("factor", ("(found[0].gradient / found[-1].gradient)", "found[0].gradient / found[-1].gradient")),
            "put brackets around the quotient",
        ),
        (edited("factor", ("gradient / found", "gradient // found")), "divide with /"),
        (edited("factor", ("gradient / found", "gradient * found")), "You multiply the first and the last"),
        (edited("factor", (" / found[-1].gradient", "")), "the first block's gradient alone"),
        (edited("factor", ("found[0].gradient / ", "")), "the last block's gradient alone"),
        (edited("factor", ("found[0].gradient", "found[0]")), "Python says"),
        (edited("factor", ("found[0].gradient", "found[0].gradients")), "A Signal has no gradients"),
        ("def factor(found):\n    return 1.6", "none of 21 usual mistakes"),
    ],
    "diagnose": [
        (edited("diagnose", ("deep_loss > shallow_loss", "deep_loss < shallow_loss")), "the loss the wrong way round"),
        (edited("diagnose", ("deep_accuracy < ", "deep_accuracy > ")), "the accuracy the wrong way round"),
        (edited("diagnose", ("= shallow, deep", "= deep, shallow")), "the two networks the wrong way round"),
        (
            edited(
                "diagnose",
                (
                    "(shallow_loss, shallow_accuracy), (deep_loss, deep_accuracy)",
                    "(shallow_loss, deep_loss), (shallow_accuracy, deep_accuracy)",
                ),
            ),
            "Each pair belongs to one network",
        ),
        (
            edited("diagnose", ("degradation", "?"), ("overfitting", "degradation"), ("?", "overfitting")),
            "The two names are exchanged",
        ),
        (
            edited(
                "diagnose",
                ("if deep[1]", "if deep[?]"),
                ("if deep[0] > shallow[0]", "if deep[1] < shallow[1]"),
                ("if deep[?] < shallow[1]", "if deep[0] > shallow[0]"),
                ('"overfitting"', '"?"'),
                ('"degradation"', '"overfitting"'),
                ('"?"', '"degradation"'),
                which=2,
            ),
            "You look at the test first",
        ),
        (
            edited(
                "diagnose",
                ("if deep_loss > shallow_loss", "if deep_loss > shallow_loss and deep_accuracy < shallow_accuracy"),
            ),
            "only if the deep one is worse on both",
        ),
        (edited("diagnose", ("if deep_loss > shallow_loss", "if False")), "by the test accuracy alone"),
        (edited("diagnose", (' if deep_accuracy < shallow_accuracy else "neither"', "")), "by the training loss alone"),
        (edited("diagnose", ("loss > shallow", "loss >= shallow")), "An equal loss is at least as good"),
        (edited("diagnose", ("accuracy < shallow", "accuracy <= shallow")), "An equal accuracy is no worse"),
        ("def diagnose(shallow, deep):\n    return 'degradation'", "You always say degradation"),
        (edited("diagnose", ("loss > shallow", "loss >= shallow"), ("accuracy < ", "accuracy <= ")), "And:"),
        (edited("diagnose", ('"overfitting"', '"overfit"')), "'overfit': it must be one of"),
        (
            edited(
                "diagnose",
                ("    return", "    print"),
                (' "over', '("over'),
                ('"neither"', '"neither")'),
                (' "degradation"', '("degradation")'),
            ),
            "returns None: let it return one of the three",
        ),
        (edited("diagnose", ("(deep_loss, deep_accuracy)", "deep_loss")), "Python says"),
        (edited("diagnose", ('"overfitting" if', '"neither" if')), "You never say overfitting"),
        (edited("diagnose", ('"degradation"', '"overfitting"')), "overfitting where the training loss is worse"),
        (edited("diagnose", ('"overfitting"', '"degradation"')), "degradation where only the test accuracy is worse"),
        (edited("diagnose", ("> shallow_loss", "> deep_accuracy")), "You compare a loss with an accuracy"),
        ("def diagnose(shallow, deep):\n    return 'neither'", "You always say neither"),
        (edited("diagnose", ("deep_loss > shallow_loss", "shallow_accuracy > shallow_loss")), "none of 17 usual"),
    ],
    "start_as_shortcut": [
        ("def start_as_shortcut(network):\n    pass", "nothing has changed"),
        (edited("start_as_shortcut", ("blocks(network)", "blocks(copy.deepcopy(network))")), "itself and not a copy"),
        (setting("block.bn3.weight.zero_()"), "do it below with torch.no_grad()"),
        (setting("block.bn3.weight[:] = 0"), "do it below with torch.no_grad()"),
        (setting("block.bn3.weight *= 0"), "do it below with torch.no_grad()"),
        (setting("block.bn3.weight = 0"), "weight = … would put something else, int, in the place of the parameter"),
        (setting("block.bn3.weight = torch.zeros(8)"), "would put something else, FloatTensor, in the place"),
        (setting("block.bn3.weight.data = 0"), ".data is a tensor, and int is none"),
        (setting("block.bn3.weight.data = torch.zeros(1)"), "stage1.0.bn3.weight was (32,) and is (1,)"),
        (setting(f"{ZERO}(block.bn3)"), "A BatchNorm2d has no zero_"),
        (setting("torch.nn.init.zero_(block.bn3.weight)"), "There is no torch.nn.init.zero_"),
        (setting(f"{ZERO}(block.bn3.gamma)"), "A BatchNorm2d has no gamma"),
        (setting(f"{ZERO}(block.bn3.weight)").replace(".values()", ""), "A loop over a dictionary gives its names"),
        (setting(f"{ZERO}(block.conv3.weight)"), "a convolution has changed"),
        (setting(f"{ZERO}(block.bn3.bias)"), "nothing has changed"),
        (setting("torch.nn.init.ones_(block.bn3.bias)"), "the bias β of bn3 has changed"),
        (setting(*(f"{ZERO}(block.bn{i}.weight)" for i in (1, 2, 3))), "other BNs than the last of each block"),
        (
            "def start_as_shortcut(network):\n    for m in network.modules():\n"
            f"        if isinstance(m, nn.BatchNorm2d):\n            {ZERO}(m.weight)",
            "other BNs than the last of each block",
        ),
        (
            setting(
                f"{ZERO}(block.bn3.weight)",
                "if hasattr(block.shortcut, 'bn'):",
                f"    {ZERO}(block.shortcut.bn.weight)",
            ),
            "Only the shortcut should remain",
        ),
        (setting(f"{ZERO}(block.bn3.weight)", "break"), "1 of 5 blocks start as their shortcut"),
        (setting(f"if isinstance(block, BTNK2): {ZERO}(block.bn3.weight)"), "1 of 5 blocks start as their shortcut"),
        (setting("torch.nn.init.constant_(block.bn3.weight, 1e-3)"), "exactly zero in all channels, and it is 0.001"),
        (setting("block.bn3.weight.data[0] = 0"), "some channels alone are zero"),
        (setting(f"{ZERO}(block.bn3.weight)", "block.bn3.weight.requires_grad = False"), "can no longer learn"),
        (setting("block.bn3 = nn.Identity()"), "bn3 is another part now"),
        (setting("block.add = NoSum()"), "add is another part now"),
        (setting(f"{ZERO}(block.bn3.weight)", "network.eval()"), "put into evaluation mode"),
        (setting(f"{ZERO}(block.bn3.weight)") + f"    {ZERO}(network.head.fc.weight)", "head.fc.weight has changed"),
        (setting(f"{ZERO}(block.bn3.weight)", "block.bn3.running_mean.fill_(1)"), "running_mean has changed"),
    ],
    "ways": [
        (edited("ways", ("range(n + 1)", "range(n)")), "k goes up to n"),
        (edited("ways", ("range(n + 1)", "range(1, n + 1)")), "k begins at 0"),
        (edited("ways", ("range(n + 1)", "range(1, n)")), "through none and through all"),
        (
            edited("ways", ("n", "(n + 1)"))
            .replace("retur(n + 1)", "return")
            .replace("i(n + 1)", "in")
            .replace("ra(n + 1)ge", "range")
            .replace("ways((n + 1))", "ways(n)"),
            "the list of one block more",
        ),
        (edited("ways", ("math.comb(n, k)", "2 ** k")), "counts all ways through k blocks"),
        (edited("ways", ("math.comb(n, k)", "2 ** n")), "the sum of all entries"),
        (edited("ways", ("comb", "perm")), "in one order only"),
        (edited("ways", ("n + 1", "n + 2")), "no way leads through more F's"),
        (edited("ways", ("n, k", "k, n")), "the number of all blocks first"),
        (edited("ways", ("math.comb(n, k)", "math.comb(n + k - 1, k) if n else 1")), "each can be passed once"),
        (
            edited("ways", ("math.comb(n, k)", "sum(math.comb(n, j) for j in range(k + 1))")),
            "count those through exactly k",
        ),
        ("def ways(n):\n    return [1] + [n] * (n - 1) + ([1] if n else [])", "right up to n = 3"),
        (edited("ways", ("math.comb(n, k)", "1")), "more ways than one"),
        (edited("ways", ("math.comb(n, k)", "k")), "the k themselves"),
        (edited("ways", ("math.comb(n, k)", "n * k if k else 1")), "not in 2 · n"),
        (edited("ways", ("[", "sum("), ("]", ")")), "return a list, with an entry for each k"),
        (edited("ways", ("[", "("), ("]", ")")), "put list(…) around it"),
        (edited("ways", ("[", "{k: "), ("]", "}")), "in which entry k belongs to k"),
        (edited("ways", ("math.comb(n, k)", "None")), "a list that holds None"),
        (edited("ways", ("return ", "")), "returns None"),
        (edited("ways", ("comb", "combinations")), "There is no math.combinations"),
        (edited("ways", ("math.comb(n, k)", "k ** 3")), "none of 15 usual mistakes"),
    ],
}


def made(name, source):
    space = dict(SPACE)
    exec(source, space)  # the course's own texts, above
    return space[name]


def refusal(check, *arguments, **options):
    with pytest.raises(Wrong) as caught:
        check(*arguments, **options)
    return caught.value.verdict


@pytest.mark.parametrize(("name", "source"), [(name, source) for name in RIGHT for source in RIGHT[name]])
def test_a_right_function_is_accepted_however_it_is_written(name, source):
    assert CHECKS[name](made(name, source), exercise="08.1").ok
    assert list(solved()) == ["08.1"]


@pytest.mark.parametrize(("name", "source", "said"), [(name, *case) for name in WRONG for case in WRONG[name]])
def test_a_wrong_function_is_told_its_mistake(name, source, said):
    verdict = refusal(CHECKS[name], made(name, source), exercise="08.1")
    assert said in verdict.sentence
    assert len(verdict.hints) == 3 and solved() == {}


def test_there_are_at_least_eight_wrong_solutions_of_each():
    assert all(len(cases) >= 8 for cases in WRONG.values()) and RIGHT.keys() == WRONG.keys() == CHECKS.keys()


@pytest.mark.parametrize("name", CHECKS)
def test_something_else_than_a_function_is_told_so(name):
    assert "expects your function itself" in refusal(CHECKS[name], [1, 2, 1]).sentence


# ── Every block its shortcut ─────────────────────────────────────────────────────────────────────────────────


def test_an_error_of_pytorch_comes_with_the_learners_own_line():
    def start_as_shortcut(network):
        for block in blocks(network).values():
            block.bn3.weight.zero_()

    verdict = refusal(check_start_as_shortcut, start_as_shortcut)
    assert verdict.where.endswith("block.bn3.weight.zero_()")
    assert "It stopped in start_as_shortcut, line " in verdict.where


@pytest.mark.parametrize(
    ("lines", "remark"),
    [
        ("return right(block, x)", None),
        ("return right(copy.deepcopy(block), x)", None),
        ("print(block.bn1(block.conv1(x)).shape)\n    return right(block, x)", "more than once: bn1."),
        ("assert block(x).shape\n    return right(block, x)", "more than once: bn1, bn2, bn3."),
    ],
)
def test_steps_that_run_more_than_once_are_right_and_remarked_on(lines, remark):
    source = f"{RIGHT['plain_block'][0].replace('plain_block', 'right')}\n\ndef plain_block(block, x):\n    {lines}\n"
    remarks = check_plain_block(made("plain_block", source)).remarks
    assert remark in remarks[0] if remark else not remarks


def test_new_weights_in_the_place_of_the_old_are_right_and_remarked_on():
    in_place, replaced = (made("start_as_shortcut", RIGHT["start_as_shortcut"][i]) for i in (0, 5))
    assert check_start_as_shortcut(in_place).remarks == ()
    assert "an optimizer made before" in check_start_as_shortcut(replaced).remarks[0]


def test_the_check_leaves_the_global_random_numbers_as_they_were():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    check_start_as_shortcut(made("start_as_shortcut", RIGHT["start_as_shortcut"][0]))
    check_plain_block(made("plain_block", RIGHT["plain_block"][0]))
    assert torch.equal(torch.rand(2), expected)


# ── The forecast ─────────────────────────────────────────────────────────────────────────────────────────────


def followed(n, factor, last):
    """n blocks, the last of which has that gradient, and each multiplies it by the factor."""
    return [Signal(f"stage1.{i}", 1.0, 1.0, None, last * factor ** (n - 1 - i), 1.0) for i in range(n)]


SHALLOW, DEEP = followed(16, 1.6, 0.02), followed(50, 1.62, 0.01)
RIGHT_FORECAST = 0.01 * 1.6**49


@pytest.mark.parametrize(
    "predicted", [RIGHT_FORECAST, torch.tensor(RIGHT_FORECAST), numpy.float64(RIGHT_FORECAST), 0.02 * 1.6**49, 10**8]
)
def test_a_forecast_of_the_right_order_is_accepted(predicted):
    assert "was measured" in check_forecast(predicted, SHALLOW, DEEP, exercise="08.2").sentence
    assert list(solved()) == ["08.2"]


@pytest.mark.parametrize(
    ("predicted", "said"),
    [
        (None, "predicted is None"),
        ("much", "predicted is a str and not a number"),
        (DEEP[0].gradient, "what was measured"),
        (1.6, "the factor of one block"),
        (1.6**49, "what all blocks together multiply by"),
        (0.01 * 1.6**50, "n blocks have n − 1 steps"),
        (0.01 * 1.6**15, "the steps of the shallower network"),
        (0.01 * 1.6**151, "not the network's layers"),
        (0.01 * 1.6**149, "not their layers"),
        (0.01 / 1.6**49, "multiply, and do not divide"),
        (0.01 * 1.6 * 49, "its power, ** (n − 1)"),
        (SHALLOW[0].gradient, "has more blocks to go through"),
        (DEEP[0].gradient * 1.6**49, "Start from the last block's gradient: [-1]"),
        (123.0, "It takes three things: the last block's gradient"),
        (0.0, "It takes three things: the last block's gradient"),
        (math.inf, "It takes three things: the last block's gradient"),
        (0.01 * 1.05**49, "the factor of the shallower plain network"),
        (math.nan, "It takes three things: the last block's gradient"),
    ],
)
def test_a_wrong_forecast_is_told_its_mistake(predicted, said):
    verdict = refusal(check_forecast, predicted, SHALLOW, DEEP, exercise="08.2")
    assert said in verdict.sentence
    assert len(verdict.hints) == 3 and solved() == {}
