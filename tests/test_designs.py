"""Blocks as designs: legal and illegal ones, their weights, their places in ResNet-50."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from resnet_lib import BTNK1, BTNK2, ShapeMismatch, anatomy, resnet50
from resnet_lib.explorers.block_design import BlockDesign, positions


def test_a_legal_design_has_the_anatomy_of_its_block():
    assert BlockDesign("BTNK1", 256, 56, 128, 2).anatomy().steps == anatomy(BTNK1(256, 128, 2), 56).steps
    assert BlockDesign("BTNK2", 256, 56, 64).anatomy().steps == anatomy(BTNK2(256), 56).steps
    v1 = BlockDesign("BTNK1", 256, 56, 128, 2, "1x1")
    assert v1.anatomy().steps == anatomy(BTNK1(256, 128, 2, stride_on="1x1"), 56).steps


@settings(deadline=None, max_examples=40)
@given(C=st.integers(1, 40), W=st.integers(2, 20), C1=st.integers(1, 20), S=st.integers(1, 3))
def test_a_btnk2_is_illegal_exactly_where_f_does_not_give_back_the_shape_of_x(C, W, C1, S):
    design = BlockDesign("BTNK2", C, W, C1, S)
    if 4 * C1 == C and S == 1:
        assert design.anatomy().output == (C, W, W)
        return
    with pytest.raises(ShapeMismatch) as caught:
        design.anatomy()
    assert caught.value.main == (4 * C1, -(-W // S), -(-W // S))
    assert caught.value.shortcut == (C, W, W)
    names = [s.name for s in caught.value.steps]
    assert "bn3" in names and "add" not in names


def test_an_illegal_sum_never_stretches_a_shape_in_silence():
    # (16, 1, 1) and (16, 2, 2) is what PyTorch would add without a word.
    block = BlockDesign("BTNK2", 16, 2, 4, 2).module().eval()
    with pytest.raises(ValueError, match="a sum needs equal shapes"):
        block(torch.ones(1, 16, 2, 2))


def test_neighbouring_designs_share_their_weights_and_only_the_scale_follows_the_width():
    small, large = (BlockDesign("BTNK1", 24, 14, C1).seeded_module() for C1 in (8, 100))
    ratio = (100 / 8) ** 0.5
    for conv in ("conv1", "conv2"):
        a, b = (getattr(m, conv).weight for m in (small, large))
        assert torch.allclose(a, b[: a.shape[0], : a.shape[1]] * ratio, rtol=1e-5)


def test_weights_do_not_depend_on_what_was_made_before():
    first = BlockDesign("BTNK1", 70, 8, 10).seeded_module().conv1.weight.clone()
    BlockDesign("BTNK1", 300, 8, 200).seeded_module()
    again = BlockDesign("BTNK1", 70, 8, 10).seeded_module().conv1.weight
    assert torch.equal(first, again)


def test_weights_have_the_published_spread():
    module = BlockDesign("BTNK1", 256, 8, 128, 2).seeded_module()
    for conv in (module.conv1, module.conv2, module.conv3, module.shortcut.conv):
        C_out, _, k, _ = conv.weight.shape
        assert conv.weight.std().item() == pytest.approx((2 / (k * k * C_out)) ** 0.5, rel=0.03)
        assert abs(conv.weight.mean().item()) < 0.02 * conv.weight.std().item()


def test_positions_are_all_sixteen_blocks_of_resnet50_with_their_inputs():
    network = resnet50()
    whole = anatomy(network, 224)
    blocks = [b for n in range(1, 5) for b in getattr(network, f"stage{n}")]
    found = list(positions().values())
    assert len(found) == len(blocks) == 16
    for design, block in zip(found, blocks, strict=True):
        assert (design.block, design.C, design.C1, design.S) == (type(block).__name__, block.C, block.C1, block.S)
    assert positions()["Stage 1, block 1"] == BlockDesign("BTNK1", 64, 56, 64, 1)
    for stage in (2, 3, 4):  # the law of BTNK1 in Stages 2 to 4
        first = positions()[f"Stage {stage}, block 1"]
        assert (first.S, first.C) == (2, 2 * first.C1)
        assert first.W == whole[f"stage{stage - 1}.0.relu3"].shape[-1]
