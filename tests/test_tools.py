"""PyTorch's tools take the course's networks and blocks as they take any others: checks of the input stand outside
`forward`, and what is traced, scripted, exported or differentiated computes the same."""

import pytest
import torch

from .bench.tools import BLOCKS, NETWORKS, TOOLS, difference, subject

# The others are the same blocks in other numbers, and slow tools are given blocks alone; `bench --only tools` has all.
QUICK = ("resnet18", "resnet50", "dilated", "GroupNorm", "grey, one class", "uneven, no pooling", *BLOCKS)
CASES = [
    (tool, n)
    for tool in TOOLS
    if not TOOLS[tool].extra and tool != "torch.compile, inductor"  # a minute
    for n in TOOLS[tool].subjects()
    if n in (BLOCKS if TOOLS[tool].slow else QUICK)
]


@pytest.mark.sampled(5)
@pytest.mark.parametrize(("tool", "name"), CASES)
def test_what_comes_out_is_what_the_module_computes(tool, name):
    assert difference(TOOLS[tool], name) <= TOOLS[tool].within


@pytest.mark.parametrize("name", [*NETWORKS, *BLOCKS])
def test_a_module_that_tools_take_still_refuses_a_wrong_input_when_called(name):
    s = subject(name)
    if name == "Projection":
        pytest.skip("two layers of torch in a row, which check for themselves")
    wrong = [s.inputs[0][:, :, :1]] if name == "Add" else [s.inputs[0][:, :1].repeat(1, s.inputs[0].shape[1] + 1, 1, 1)]
    with pytest.raises(ValueError, match="shape"):
        s.module(*wrong, *s.inputs[1:])
    torch.fx.symbolic_trace(s.module)
    with pytest.raises(ValueError, match="shape"):
        s.module(*wrong, *s.inputs[1:])
