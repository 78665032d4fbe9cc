"""What people pass to a network or a block: every type of number, layout, device and shape, right or refused with a
sentence that says what to write instead. What the sentence says is then done, and must work."""

import itertools
import re

import numpy as np
import pytest
import torch
from torch import nn

from resnet_lib import BTNK1, BTNK2, BasicBlock, ResNet, Stem
from resnet_lib.activations import activations
from resnet_lib.experiments.attribution import grad_cam, occlusion, support
from resnet_lib.photos import normalised, photo
from resnet_lib.speed.fast import FastNetwork

TYPES = (torch.uint8, torch.int8, torch.int32, torch.int64, torch.bool, torch.complex64)
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)

MODULES = {
    "Stem": (lambda: Stem(C1=8), 3),
    "BTNK1": (lambda: BTNK1(8, 4, 2), 8),
    "BTNK2": (lambda: BTNK2(8), 8),
    "BasicBlock": (lambda: BasicBlock(8), 8),
    "grey ResNet": (lambda: ResNet(blocks=(1, 1, 1, 1), base=8, num_classes=3, in_channels=1), 1),
    "ResNet": (lambda: ResNet("basic", (1, 1, 1, 1), base=8, num_classes=3), 3),
}


def built(name):
    make, C = MODULES[name]
    torch.manual_seed(0)
    return make().eval(), C


def mended(problem, x):
    """What the expression gives that a sentence says to write instead of x."""
    found = re.search(r"normalised\(x / 255\)|\bx(?:\.\w+|\[[^]]*\]|\([^)]*\))+", str(problem))
    assert found, f"says nothing to write: {problem}"
    return eval(found.group(), {"x": x, "normalised": normalised, "torch": torch})


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("name", MODULES)
def test_numbers_that_are_no_floats_are_refused_and_what_the_sentence_says_works(name, dtype):
    module, C = built(name)
    x = torch.randint(0, 2, (1, C, 64, 64)).to(dtype)
    with pytest.raises(ValueError, match=str(dtype).removeprefix("torch.")) as problem:
        module(x)
    assert module(mended(problem.value, x)).isfinite().all()


# Of six modules and twelve pairs of types every fifth: all of both are among them.
@pytest.mark.parametrize(
    "name, ours, theirs", [(n, *p) for n in MODULES for p in itertools.permutations(FLOATS, 2)][::5]
)
def test_floats_of_another_precision_than_the_weights_are_refused_and_what_the_sentence_says_works(name, ours, theirs):
    module, C = built(name)
    module, x = module.to(ours), torch.randn(1, C, 64, 64).to(theirs)
    with pytest.raises(ValueError, match=r"use x\.") as problem:
        module(x)
    assert str(theirs).removeprefix("torch.") in str(problem.value)
    assert mended(problem.value, x).dtype is ours
    assert module(mended(problem.value, x)).dtype is ours


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("name", MODULES)
def test_numbers_of_the_weights_own_type_pass(name, dtype):
    module, C = built(name)
    assert module.to(dtype)(torch.randn(1, C, 64, 64, dtype=dtype)).dtype is dtype


@pytest.mark.parametrize("name", MODULES)
def test_autocast_takes_both_of_its_types(name):
    module, C = built(name)
    with torch.autocast("cpu", torch.bfloat16):
        for dtype in (torch.bfloat16, torch.float32):
            assert module(torch.randn(1, C, 64, 64, dtype=dtype)).isfinite().all()


LAYOUTS = {
    "no batch": lambda x: x[0],
    "channels last": lambda x: x.permute(0, 2, 3, 1),
    "channels last, no batch": lambda x: x[0].permute(1, 2, 0),
    "two batches": lambda x: x[None],
    "a batch too many inside": lambda x: x[:, None],
    "sparse": lambda x: x.to_sparse(),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", MODULES)
def test_another_layout_is_refused_and_what_the_sentence_says_mends_it(name, layout):
    module, C = built(name)
    x = torch.randn(1, C, 64, 48)
    with pytest.raises(ValueError) as problem:
        module(LAYOUTS[layout](x))
    assert torch.equal(mended(problem.value, LAYOUTS[layout](x)), x)


@pytest.mark.parametrize("channels", [1, 4])
def test_grey_and_transparency_are_said_as_such(channels):
    module, _ = built("ResNet")
    x = torch.randn(2, channels, 64, 64)
    with pytest.raises(ValueError, match="grey|transparency") as problem:
        module(x)
    assert module(mended(problem.value, x)).shape == (2, 3)


@pytest.mark.parametrize("shape", [(64, 64), (5, 64, 64)])
def test_a_grey_network_says_how_a_plane_becomes_a_batch(shape):
    module, _ = built("grey ResNet")
    x = torch.randn(shape)
    with pytest.raises(ValueError) as problem:
        module(x)
    assert module(mended(problem.value, x)).shape == (5 if len(shape) == 3 else 1, 3)


NO_TENSORS = {
    "a path": "cat.jpg",
    "an array": np.zeros((64, 64, 3), np.uint8),
    "a photograph": photo("cat"),
    "a list of numbers": [[1.0]],
    "nothing": None,
    "a list of tensors": [torch.zeros(3, 64, 64)] * 2,
    "the class": torch.Tensor,
    "a DataLoader's batch": [torch.zeros(2, 3, 64, 64), torch.zeros(2)],
    "a dictionary": {"pixel_values": torch.zeros(2, 3, 64, 64), "labels": torch.zeros(2)},
}


@pytest.mark.parametrize("what", NO_TENSORS)
@pytest.mark.parametrize("name", MODULES)
def test_what_is_no_tensor_is_called_by_its_type(name, what):
    module, _ = built(name)
    with pytest.raises(ValueError, match=r"expects a tensor of shape \(batch, C, H, W\)") as problem:
        module(NO_TENSORS[what])
    makes = "to_input(…)" if module.C == 3 else f"block_input(…, {module.C}, W)"
    wanted = {"a path": makes, "a photograph": makes, "an array": "to_input(…)", "a list of tensors": "torch.stack(…)"}
    wanted |= {"a DataLoader's batch": "use x[0], the pictures", "a dictionary": "use x['pixel_values']"}
    assert wanted.get(what, "but got") in str(problem.value)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("name", ["Stem", "ResNet", "grey ResNet"])
def test_numbers_that_are_not_finite_are_refused_with_their_place_where_pictures_come_in(name, value):
    module, C = built(name)
    x = torch.randn(2, C, 64, 64)
    x[1, C - 1, 5, 7] = value
    with pytest.raises(ValueError, match=rf"1 NaN or infinite number, the first at \[1, {C - 1}, 5, 7\]") as problem:
        module(x)
    assert "nan_to_num(x)" in str(problem.value)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_tensors_of_several_sizes_and_masked_ones_are_said_as_such():
    module, _ = built("ResNet")
    x = torch.rand(1, 3, 64, 64)
    with pytest.raises(ValueError, match=r"the input is nested: use torch.stack\(…\)"):
        module(torch.nested.nested_tensor([x[0], x[0]]))
    with pytest.raises(ValueError, match="the input is masked") as problem:
        module(torch.masked.masked_tensor(x, x > 0.5))
    assert module(mended(problem.value, torch.masked.masked_tensor(x, x > 0.5))).shape == (1, 3)


def test_large_numbers_whose_sum_overflows_are_finite():
    x = torch.full((1, 3, 64, 64), 1e38)
    built("Stem")[0](x)


@pytest.mark.parametrize("name", MODULES)
def test_weights_without_numbers_are_said_as_such(name):
    make, C = MODULES[name]
    with torch.device("meta"):
        module = make()
    with pytest.raises(ValueError, match="have shapes and no numbers"):
        module(torch.zeros(1, C, 64, 64))
    assert module(torch.zeros(1, C, 64, 64, device="meta")).is_meta


@pytest.mark.parametrize("name", MODULES)
def test_an_input_on_another_device_is_told_where_the_weights_are(name):
    module, C = built(name)
    with pytest.raises(ValueError, match=r'the input is on "meta" .* use x\.to\("cpu"\)'):
        module(torch.zeros(1, C, 64, 64, device="meta"))


# ── What looks into a network ────────────────────────────────────────────────────────────────────────────────

LOOKS = {
    "activations": lambda network, x: activations(network, x, [next(n for n, _ in network.named_modules() if n)]),
    "grad_cam": lambda network, x: grad_cam(network, x, step=[n for n, _ in network.named_children()][0]),
    "occlusion": lambda network, x: occlusion(network, x, stride=32),
    "support": lambda network, x: support(network, x, [n for n, _ in network.named_children()][0], 0),
}


def their_own():
    """A network of a learner's, which checks nothing."""
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)).eval()


@pytest.mark.parametrize("dtype", [t for t in (*TYPES, *FLOATS) if t is not torch.float32], ids=str)
@pytest.mark.parametrize("network", ["ours", "their own"])
@pytest.mark.parametrize("look", LOOKS)
def test_whatever_looks_into_a_network_says_what_to_write(look, network, dtype):
    network = built("ResNet")[0] if network == "ours" else their_own()
    x = torch.randint(0, 2, (1, 3, 64, 64)).to(dtype)
    with pytest.raises(ValueError, match=str(dtype).removeprefix("torch.")) as problem:
        LOOKS[look](network, x)
    LOOKS[look](network, mended(problem.value, x))


@pytest.mark.parametrize("network", ["ours", "their own"])
@pytest.mark.parametrize("look", [name for name in LOOKS if name != "activations"])
def test_attribution_refuses_numbers_that_are_not_finite(look, network):
    network = built("ResNet")[0] if network == "ours" else their_own()
    x = torch.randn(1, 3, 64, 64)
    x[0, 0, 3, 4] = torch.nan
    with pytest.raises(ValueError, match="NaN or infinite"):
        LOOKS[look](network, x)


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "sparse"])
@pytest.mark.parametrize("look", LOOKS)
def test_a_layout_that_is_not_one_picture_is_said_as_such(look, layout):
    x = torch.randn(1, 3, 64, 48)
    with pytest.raises(ValueError) as problem:
        LOOKS[look](built("ResNet")[0], LAYOUTS[layout](x))
    assert torch.equal(mended(problem.value, LAYOUTS[layout](x)), x)


def test_an_error_that_is_not_the_inputs_stays_as_it_is():
    class Breaks(nn.Module):
        def forward(self, x):
            raise RuntimeError("of its own")

    with pytest.raises(RuntimeError, match="of its own"):
        activations(nn.Sequential(nn.Conv2d(3, 4, 3), Breaks()), torch.zeros(1, 3, 8, 8), ["0"])


@pytest.mark.parametrize("dtype", [t for t in (*TYPES, *FLOATS) if t is not torch.float32], ids=str)
def test_a_network_made_faster_takes_every_float_and_nothing_else(dtype):
    network = built("ResNet")[0]
    quick = FastNetwork(network, network, C=3, dtype=torch.float32, shape=(1, 3, 64, 64))
    x = torch.randint(0, 2, (1, 3, 64, 64)).to(dtype)
    if dtype.is_floating_point:
        assert quick(x).dtype is dtype
    else:
        with pytest.raises(ValueError, match=str(dtype).removeprefix("torch.")) as problem:
            quick(x)
        quick(mended(problem.value, x))
