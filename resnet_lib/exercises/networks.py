"""Predictions about the whole ResNet-50: its stages, and its deeper relative."""

from .._common import shape_text, shapes_only
from ..anatomy import anatomy
from ..blocks import BTNK1
from ..network import DESIGNS, build
from .questions import Question


def first_blocks():
    """Return C, C1 and S of the BTNK1 that opens each of Stages 1 to 4 of ResNet-50: stage → (C, C1, S)."""
    return {i: (row[0].C, row[0].C1, row[0].S) for i, row in _resnet50()[2].items()}


def first_block_question(stage):
    """C, C1 and S of the BTNK1 that opens Stage 1, 2, 3 or 4 of ResNet-50. Paper, Table 1."""
    _, stages, blocks = _resnet50()
    before, after, block = stages[stage - 1].shape, stages[stage].shape, blocks[stage][0]
    (C_in, W_in, _), (C_out, W_out, _) = before, after
    answer = block.C, block.C1, block.S

    def slip(guess):
        if guess in (before, after):
            return f"That is the shape that {'comes in' if guess == before else 'goes out'}; C, C1 and S are wanted."
        if sorted(guess) == sorted(answer):
            return "These are the right numbers in another order: (C, C1, S)."
        C, C1, S = guess
        said = []
        if C != C_in:
            more = f"{C:,} is what goes out; C is what comes in" if C == C_out else f"{C:,} channels do not come in"
            more = f"{C:,} is the C1 of the stage before, which outputs 4·C1" if 4 * C == C_in else more
            said.append(f"{more}.")
        if C1 != block.C1:
            more = " Only in Stage 1 is C1 = C." if C1 == C_in else ""
            said.append(f"C1 = {C1:,} makes 4·C1 = {4 * C1:,} channels, and the stage outputs {C_out:,}.{more}")
        if block.S != S:
            makes = f"makes {W_in} into {-(-W_in // S)}" if S > 0 else "is not a stride"
            said.append(f"S = {S} {makes}, and the stage outputs maps that are {W_out} wide.")
        return " ".join(said)

    return Question(
        f"Stage {stage}, {shape_text(before)} → {shape_text(after)}: which C, C1 and S has its first block?",
        "numbers",
        answer,
        slip,
        f"4·C1 = {C_out:,}, and {W_in} / {block.S} = {W_out}.",
        hints=(
            "C comes in. A BTNK1 outputs 4·C1 channels, W/S wide.",
            f"C is the first number of {shape_text(before)}, and C1 a quarter of the first of {shape_text(after)}.",
            f"({block.C}, {C_out} / 4, {W_in} / {W_out})",
        ),
    )


def most_question(of):
    """Which of Stages 1 to 4 of ResNet-50 has the most "parameters" or needs the most "MACs"."""
    if of not in ("parameters", "MACs"):
        raise ValueError(f'of = {of!r} must be "parameters" or "MACs"')
    _, stages, blocks = _resnet50()
    costs = {i: stages[i].parameters if of == "parameters" else stages[i].macs for i in blocks}

    def share(stage):
        return f"{100 * costs[stage] / sum(costs.values()):.0f} % of the {of} of Stages 1 to 4"

    def slip(guess):
        if guess not in costs:
            return "The question is about Stages 1, 2, 3 and 4."
        C, W, _ = stages[int(guess)].shape
        n = len(blocks[guess])
        return f"It has {n} blocks that give {C:,} channels at {W} × {W} positions: {share(guess)}. Another has more."

    answer = max(costs, key=costs.get)
    count = "Each weight is a parameter once, however often it is used."
    use = "Each weight costs a MAC at every position of its layer's output."
    return Question(
        f"Which stage has the most {of}, 1, 2, 3 or 4?",
        "number",
        answer,
        slip,
        f"It has {share(answer)}.",
        hints=(
            count if of == "parameters" else use,
            "From stage to stage the channels double, and the width and the height halve.",
            "So a block has four times the parameters of one in the stage before."
            if of == "parameters"
            else "So a block costs about as much as one in the stage before: count the blocks.",
        ),
    )


def resnet101_question():
    """How many parameters ResNet-101 has, from those of ResNet-50 and one block."""
    fifty, _, blocks = _resnet50()
    with shapes_only():
        answer = anatomy(build("resnet101"), 224).parameters
        other = BTNK1(1024, 256, 1)
    n, there = DESIGNS["resnet101"].blocks[2], len(blocks[3])
    each, norms = _parameters(blocks[3][1]), _parameters(blocks[3][1], dims=1)
    more = n - there
    slips = {
        fifty.parameters: "These are ResNet-50's: Stage 3 has more blocks here.",
        fifty.parameters + n * each: f"Stage 3 has {n} blocks in all, and {there} are there already.",
        fifty.parameters + each: "That is one block more than ResNet-50.",
        fifty.parameters + more: "You added the number of blocks, and not their parameters.",
        more * each: "These are the new blocks alone: add ResNet-50's.",
        n * each: "That is the BTNK2s of Stage 3 alone, as if there were nothing else.",
        fifty.parameters + more * (each - norms): "You forgot the BNs of the new blocks.",
        fifty.parameters + more * _parameters(other): "The new blocks are BTNK2s: a stage has one BTNK1, its first.",
        fifty.parameters + more * _parameters(blocks[3][0]): "The new blocks are BTNK2s, not the first of Stage 3.",
    }
    for stage in (1, 2, 4):
        C = blocks[stage][1].C
        slips[fifty.parameters + more * _parameters(blocks[stage][1])] = (
            f"That is with blocks of Stage {stage}, C = {C:,}. It is Stage 3 that grows."
        )

    def slip(guess):
        off = (guess - answer) / each
        if abs(off) < 0.1:
            return slips.get(guess, "That is nearly it. Count to the last parameter.")
        near = f"You are {abs(off):.2f} blocks of Stage 3 too {'high' if off > 0 else 'low'}."
        return slips.get(guess, near)

    return Question(
        "ResNet-101: how many parameters?",
        "number",
        answer,
        slip,
        f"{fifty.parameters:,} and {more} blocks of {each:,}.",
        hints=(
            f"Write down the blocks of both: {DESIGNS['resnet50'].blocks} and {DESIGNS['resnet101'].blocks}.",
            "Each new block is a BTNK2 of Stage 3. Count one: sum(p.numel() for p in block.parameters()).",
            f"{fifty.parameters:,} + ({n} − {there}) · (parameters of BTNK2(1024))",
        ),
    )


def _resnet50():
    """The anatomy of ResNet-50 at 224, its Stages 0 to 4 with the head, and the blocks of Stages 1 to 4."""
    with shapes_only():
        network = build("resnet50")
    found = anatomy(network, 224)
    return found, found.by_stage(), {i: list(getattr(network, f"stage{i}")) for i in (1, 2, 3, 4)}


def _parameters(module, dims=0):
    """How many parameters; dims=1: of the BNs alone, which are rows of numbers."""
    return sum(p.numel() for p in module.parameters() if not dims or p.dim() == dims)
