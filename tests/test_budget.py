"""Whole networks as designs: legal and illegal ones, what they cost, and the budget that they keep."""

import re
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchinfo import summary

from resnet_lib import BTNK1, BTNK2, Design, ResNet, StageDesign, StemDesign, anatomy
from resnet_lib._common import design_problems
from resnet_lib.experiments.budget import PRESETS, Budget, budget_of, code, mended, notes, short_name

THIN = Design.resnet(base=16, num_classes=10)


def with_stage(i, design=THIN, **changes):
    """The design with other numbers in Stage i."""
    stages = list(design.stages)
    stages[i - 1] = replace(stages[i - 1], **changes)
    return replace(design, stages=tuple(stages))


@st.composite
def stages(draw):
    groups = draw(st.integers(1, 4))
    return StageDesign(
        blocks=draw(st.integers(1, 3)),
        C1=groups * draw(st.integers(1, 4)),
        C_out=draw(st.integers(1, 24)),
        S=draw(st.integers(1, 3)),
        groups=groups,
    )


designs = st.builds(
    Design,
    stem=st.builds(
        StemDesign, C1=st.integers(1, 12), kernel=st.sampled_from((1, 3, 5, 7)), S=st.integers(1, 3), pool=st.booleans()
    ),
    stages=st.tuples(stages(), stages(), stages(), stages()),
    num_classes=st.integers(1, 5),
)


# ── the network of a design ──


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(design=designs, W=st.integers(1, 24))
def test_its_arithmetic_is_what_the_built_network_shows(design, W):
    assert design_problems(design) == []
    costs, network = anatomy(design, W), design.build().eval()
    x = torch.rand(2, 3, W, W)
    for at in costs.by_stage():
        x = network.get_submodule(at.name)(x)
        assert x.shape[1:] == at.shape
        assert sum(p.numel() for p in network.get_submodule(at.name).parameters()) == at.parameters
    info = summary(network, (1, 3, W, W), verbose=0)
    assert info.total_params == costs.parameters
    # torchinfo counts a MAC for each BN parameter and for each bias of the head as well.
    norms = sum(p.numel() for n, p in network.named_parameters() if ".bn" in n)
    assert info.total_mult_adds == costs.macs + norms + design.num_classes


@settings(deadline=None, max_examples=15)
@given(design=designs)
def test_a_value_depends_on_no_pixel_that_it_is_said_not_to_see(design):
    W = 40
    at, network = anatomy(design, W), design.build().double().eval()
    x = torch.rand(1, 3, W, W, dtype=torch.double, requires_grad=True)
    y = x
    for name in ("stage0", "stage1", "stage2", "stage3", "stage4"):
        y = network.get_submodule(name)(y)
    place = y.shape[-1] // 2
    y[0, :, place, place].sum().backward()
    box = at.field("stage4", place, place).clipped(W, W)
    outside = x.grad[0].abs().sum(0)
    outside[box.top : box.bottom, box.left : box.right] = 0
    assert outside.max() == 0


@pytest.mark.slow
@settings(deadline=None, max_examples=30)
@given(
    blocks=st.tuples(*[st.integers(1, 4)] * 4),
    base=st.sampled_from((8, 12, 16)),
    width=st.sampled_from(((1, 64), (1, 128), (2, 32), (4, 16))),
)
def test_a_resnets_design_makes_the_librarys_own_networks(blocks, base, width):
    options = {"base": base, "groups": width[0], "width_per_group": width[1]}
    design = Design.resnet("bottleneck", blocks, num_classes=7, **options)
    ours, theirs = design.build().state_dict(), ResNet("bottleneck", blocks, num_classes=7, **options).state_dict()
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items()}


def test_the_thin_design_begins_with_the_thin_networks_weights_to_the_last_bit_and_computes_the_same():
    torch.manual_seed(3)
    ours = THIN.build().eval()
    torch.manual_seed(3)
    theirs = ResNet(base=16, num_classes=10).eval()
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))
    x = torch.rand(1, 3, 48, 48)
    assert torch.equal(ours(x), theirs(x))


def test_a_stage_begins_with_a_projection_exactly_where_the_shape_changes():
    same = with_stage(2, C_out=64, S=1)
    assert isinstance(THIN.build().stage1[0], BTNK1) and isinstance(THIN.build().stage2[0], BTNK1)
    assert isinstance(same.build().stage2[0], BTNK2)
    assert isinstance(with_stage(2, C_out=64, S=2).build().stage2[0], BTNK1)
    assert all(isinstance(block, BTNK2) for block in THIN.build().stage3[1:])


def test_without_the_pool_every_map_is_twice_as_wide():
    wide = replace(THIN, stem=replace(THIN.stem, pool=False))
    pairs = zip(anatomy(wide, 64).by_stage()[:5], anatomy(THIN, 64).by_stage()[:5], strict=True)
    assert all(a.shape[1:] == (2 * b.shape[1], 2 * b.shape[2]) and a.shape[0] == b.shape[0] for a, b in pairs)


# ── what is illegal ──


@pytest.mark.parametrize(
    ("design", "sentence"),
    [
        (
            with_stage(2, groups=3),
            "Stage 2: groups = 3 does not divide C1 = 32, and every group needs the same channels: use groups = 2 or 4,"
            " or C1 = 30 or 33",
        ),
        (
            with_stage(1, groups=32),
            "Stage 1: groups = 32 does not divide C1 = 16, and every group needs the same channels: use groups = 16, or"
            " C1 = 32",
        ),
        (with_stage(3, blocks=0), "Stage 3: blocks = 0 must be a whole number, 1 or larger"),
        (with_stage(4, C1=2.5), "Stage 4: C1 = 2.5 must be a whole number, 1 or larger"),
        (with_stage(1, S=True), "Stage 1: S = True must be a whole number, 1 or larger"),
        (replace(THIN, stem=StemDesign(16, kernel=4)), "Stage 0: kernel = 4 has no middle pixel: use 3 or 5"),
        (replace(THIN, stem=StemDesign(0)), "Stage 0: C1 = 0 must be a whole number, 1 or larger"),
        (replace(THIN, num_classes=0), "The head: num_classes = 0 must be a whole number, 1 or larger"),
        (replace(THIN, stages=THIN.stages[:3]), "stages must be four StageDesigns, for Stages 1, 2, 3 and 4"),
        (replace(THIN, stages=(3, 4, 6, 3)), "Stage 1: 3 must be a StageDesign"),
        (replace(THIN, stem=16), "Stage 0: 16 must be a StemDesign"),
    ],
)
def test_an_illegal_design_says_why_and_is_never_built(design, sentence):
    assert design_problems(design)[0] == sentence
    for refuses in (design.build, lambda: anatomy(design, 32), lambda: budget_of(design, 32)):
        with pytest.raises(ValueError) as caught:
            refuses()
        assert sentence in str(caught.value)


def test_all_problems_are_said_and_not_just_the_first():
    design = with_stage(2, with_stage(4, groups=3), groups=5)
    assert [problem[:7] for problem in design_problems(design)] == ["Stage 2", "Stage 4"]


@settings(deadline=None)
@given(C1=st.integers(1, 60), groups=st.integers(1, 60))
def test_what_the_sentence_about_groups_offers_is_legal(C1, groups):
    design = with_stage(2, C1=C1, groups=groups)
    problems = design_problems(design)
    assert bool(problems) == (C1 % groups != 0)
    if problems:
        offer = problems[0].partition("use groups = ")[2]
        for_groups, _, for_C1 = offer.partition(", or C1 = ")
        assert all(C1 % int(n) == 0 for n in for_groups.split(" or "))
        assert all(int(n) % groups == 0 for n in for_C1.split(" or "))


@settings(deadline=None)
@given(C1=st.integers(1, 60), groups=st.integers(1, 60), kernel=st.integers(1, 9))
def test_mending_gives_the_nearest_legal_design_and_leaves_a_legal_one_alone(C1, groups, kernel):
    design = with_stage(2, replace(THIN, stem=StemDesign(16, kernel)), C1=C1, groups=groups)
    legal = mended(design)
    assert design_problems(legal) == []
    assert (legal == design) == (design_problems(design) == [])
    nearest = min(abs(n - groups) for n in range(1, C1 + 1) if C1 % n == 0)
    assert abs(legal.stages[1].groups - groups) == nearest


def test_what_is_out_of_range_has_no_nearest_legal_design():
    with pytest.raises(ValueError, match="Stage 3: blocks = 0 must be"):
        mended(with_stage(3, blocks=0))


# ── what is legal and odd ──


def said_of(design, W):
    return " ".join(notes(design, anatomy(design, W)))


def test_nothing_is_odd_about_resnet50_at_its_own_size():
    full = Design.resnet(base=64)
    assert notes(full, anatomy(full, 224)) == []


@pytest.mark.parametrize(
    ("design", "W", "note"),
    [
        (with_stage(2, C_out=64, S=1), 64, "Stage 2 begins with a BTNK2: S = 1 and C = C_out = 64"),
        (with_stage(2, C1=128), 64, "Stage 2 has no bottleneck: C1 = 128 is not smaller than C_out = 128"),
        (THIN, 32, "Stage 4 comes down to 1 × 1 in its first block: in the 2 after it, 8 of the 9 weights"),
        (THIN, 16, "of the 9 weights of each 3×3 meet nothing but padding, and S = 2 has nothing left to halve."),
        (
            Design.resnet("bottleneck", (1, 1, 1, 1)),
            224,
            "A value at the end of Stage 4 sees 75 of the picture's 224 pixels",
        ),
    ],
)
def test_what_a_learner_may_not_have_meant_is_pointed_out(design, W, note):
    assert note in said_of(design, W)


def test_eight_of_nine_weights_meet_nothing_but_padding_on_maps_of_one_by_one():
    block = THIN.build().stage4[1].eval()
    x = torch.rand(1, 512, 1, 1)
    before = block(x)
    with torch.no_grad():
        centre = block.conv2.weight[:, :, 1, 1].clone()
        block.conv2.weight.zero_()
        block.conv2.weight[:, :, 1, 1] = centre
    assert torch.allclose(block(x), before, atol=1e-6)


# ── budgets, presets, code ──


def test_a_design_uses_up_its_own_budget_exactly():
    budget = budget_of(THIN, 64)
    assert budget == Budget(1_486_106, anatomy(THIN, 64).macs)
    assert budget.over(anatomy(THIN, 64)) == []


def test_being_over_budget_is_said_with_both_numbers():
    costs = anatomy(THIN, 64)
    over = Budget(1_486_105, costs.macs // 2).over(costs)
    assert over[0] == "1,486,106 parameters are 1 more than the budget of 1,486,105 (0.0% over)"
    assert "MACs" in over[1] and "(100.0% over)" in over[1]


@pytest.mark.parametrize("W", [32, 64])
@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_legal_and_within_the_budget_of_the_thin_network(name, W):
    design = PRESETS[name]
    assert design_problems(design) == []
    assert budget_of(PRESETS["thin ResNet-50"], W).over(anatomy(design, W)) == []


def test_half_the_channels_at_twice_the_w_cost_a_quarter_of_the_parameters_and_nearly_the_same_macs():
    fine, thin = (anatomy(PRESETS[n], 64) for n in ("half the channels, twice the W", "thin ResNet-50"))
    assert fine.parameters / thin.parameters == pytest.approx(1 / 4, rel=0.03)
    assert fine.macs / thin.macs == pytest.approx(1, rel=0.06)


@settings(deadline=None)
@given(design=designs)
def test_its_code_makes_it_again(design):
    names = {"Design": Design, "StemDesign": StemDesign, "StageDesign": StageDesign}
    assert eval(code(design), names) == design


def test_the_short_name_tells_any_two_designs_apart_and_does_not_know_the_classes():
    stem = {"C1": 8, "kernel": 5, "S": 3, "pool": False}
    changed = [replace(THIN, stem=replace(THIN.stem, **{field: value})) for field, value in stem.items()]
    for i in (1, 4):
        for field, value in {"blocks": 9, "C1": 24, "C_out": 96, "S": 4, "groups": 2}.items():
            changed.append(with_stage(i, **{field: value}))
    assert len({short_name(d) for d in (THIN, *changed)}) == 1 + len(changed)
    assert short_name(replace(THIN, num_classes=1000)) == short_name(THIN)
    assert re.fullmatch("[a-z0-9-]{1,80}", short_name(THIN)), "fit for a folder's name on any system"
