"""Questions about feature maps: how far a value sees, and what occlusion costs."""

import torch
from torch import nn

from .._common import Finding, Kind, shapes_only
from ..activations import recording
from ..anatomy import anatomy
from ..experiments.attribution import occlusion_steps
from ..network import DESIGNS, resnet50
from .edits import Solution
from .questions import Question
from .sizes import BACKWARDS, FORWARDS, NO_JUMP

# ── The receptive field ──────────────────────────────────────────────────────────────────────────────────────

STAGES = ("stage1", "stage2", "stage3", "stage4")
# (kernel, stride) from the picture to the end of the last of these stages, which have so many blocks.
FIELD = Solution(
    """
    def steps(counts):
        found = [(7, 2), (3, 2)]
        for stage, n in enumerate(counts):
            for block in range(n):
                S = 2 if stage > 0 and block == 0 else 1
                found += [(3, S)]
        return found
    """,
    """
    `[(3, S)]` → `[(1, S), (3, 1)]`
        The jump doubled too early, as in v1: here the stride counts only after the 3×3 that has it.
    `stage > 0 and` → ``
        Stage 1 has S = 1: the pooling before it has taken the stride.
    `and block == 0` → ``
        Only the first block of a stage has S = 2.
    `2 if stage > 0 and block == 0 else 1` → `1`
        The first block of Stages 2, 3 and 4 has S = 2: the jump doubles.
    `found = [(7, 2), (3, 2)]` → `found = []`
        The stem comes before: begin with r = 11 and j = 4.
    `, (3, 2)]` → `]`
        The pooling belongs to the stem: it has stride 2 as well.
    `[(3, S)]` → `[(3, S), (3, 1)]`
        A bottleneck has one 3×3, and not two.
    `range(n)` → `range(n - (stage == len(counts) - 1))`
        That is one 3×3 too few: each block of the stage has one.
    `range(n)` → `range(n + (stage == len(counts) - 1))`
        That is one 3×3 too many: each block of the stage has one, and a projection none.
    """,
)
JUMP = Kind("the jump", "That is the jump, from one value to its neighbour; the question is how far a value sees.")
BEFORE = Kind("before the stage", "That is what the stage is given: its own blocks are still missing.")


def field_question(stage):
    """How many pixels along a side a value at the end of "stage1", … "stage4" of ResNet-50 (v1.5) sees. ValueError for
    another name."""
    if stage not in STAGES:
        raise ValueError(f"stage = {stage!r} must be one of {', '.join(map(repr, STAGES))}")
    with shapes_only():
        ends = {s.name: s for s in anatomy(resnet50(), 224).by_stage()}
    at = STAGES.index(stage)
    before, end = ends[f"stage{at}"], ends[stage]
    answer, counts = end.receptive_field, list(DESIGNS["resnet50"].blocks[: at + 1])
    wrong = [
        *((FORWARDS.made()(steps), found) for found, steps in FIELD.mistakes(counts)),
        (end.jump, Finding(JUMP)),
        (before.receptive_field, Finding(BEFORE)),
        (before.receptive_field + 2 * counts[-1], Finding(NO_JUMP)),
        *((value, found) for way in (FORWARDS, BACKWARDS) for found, value in way.mistakes(FIELD.made()(counts))),
    ]
    adds = [2 * (before.jump if i == 0 else end.jump) for i in range(counts[-1])]

    def slip(guess):
        found = next((found for value, found in wrong if value == guess != answer), None)
        return str(found) if found else f"From {before.receptive_field} on, each 3×3 adds twice the jump that it finds."

    return Question(
        f"Stage {at + 1}: how many pixels along a side does a value at its end see?",
        "number",
        answer,
        slip,
        f"{' + '.join(map(str, [before.receptive_field, *adds]))} = {answer}.",
        hints=(
            f"The stage is given r = {before.receptive_field} and j = {before.jump}. Its 3×3s alone change r.",
            f"Each 3×3 adds (3 − 1) · j. The first still finds j = {before.jump}, the others j = {end.jump}.",
            f"{before.receptive_field} + {adds[0]} + {counts[-1] - 1} · …",
        ),
    )


# ── What occlusion costs ─────────────────────────────────────────────────────────────────────────────────────


def occlusion_question(W, patch, stride):
    """How many pictures a network sees in an occlusion of a picture of W × W pixels. ValueError as `occlusion`."""
    counted = []
    network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())  # as small as a network can be
    with recording({"": network}, inputs=[""], note=lambda call: counted.append(len(call.inputs[0]))):
        for _ in occlusion_steps(network, torch.zeros(1, 3, W, W), patch=patch, stride=stride):
            pass
    answer, n = sum(counted), -(-W // stride)
    wrong = {
        answer - 1: "And one more, the photograph with nothing hidden.",
        n + 1: "Along both sides: the number of positions is squared.",
        n: "Along both sides: the number of positions is squared. And one more, with nothing hidden.",
        (n + 1) ** 2: "The one picture more is added at the end, and not to each side.",
    }
    for side, why in [
        (-(-W // patch), "Divide by the stride: how large the patch is does not matter."),
        (W // stride, "W / stride is not whole: round up, the last patch ends where the picture ends."),
        ((W - patch) // stride + 1, "The patch may hang over the border: W / stride positions, whatever its size."),
        (W, "The patch moves by the stride, and not pixel by pixel."),
    ]:
        wrong.setdefault(side**2 + 1, why)
        wrong.setdefault(side**2, f"{why} And one more, the photograph with nothing hidden.")
    wrong.setdefault(2 * n + 1, "Rows times columns, and not rows plus columns.")
    return Question(
        f"W = {W}, patch = {patch}, stride = {stride}: how many pictures?",
        "number",
        answer,
        lambda guess: wrong.get(guess, "Positions along one side, squared, plus one.") if guess != answer else "",
        f"{n} · {n} + 1.",
        hints=(
            "Draw one side with the places where the patch begins. How many are there, and how many along both?",
            f"Along one side {W} / {stride} = {W / stride:g} positions, rounded up.",
            f"{n} · … + …",
        ),
    )
