"""A network within a budget: what a design costs, what is odd about it, and designs to begin with."""

from dataclasses import dataclass, fields, replace

from .._common import divisors, out_of_range
from ..anatomy import anatomy
from ..network import Design


@dataclass(frozen=True)
class Budget:
    """The most parameters, and the most MACs for one picture, that a design may have."""

    parameters: int
    macs: int

    def over(self, costs):
        """Return sentences saying by how much an `Anatomy` is over the budget; an empty list where it is within."""
        found = []
        pairs = (("parameters", costs.parameters, self.parameters), ("MACs", costs.macs, self.macs))
        for name, used, most in pairs:
            if used > most:
                found.append(
                    f"{used:,} {name} are {used - most:,} more than the budget of {most:,} ({used / most - 1:.1%} over)"
                )
        return found

    def far_over(self, design):
        """Return such a sentence, in a list, for a legal `Design` that is over ten times as large as may be: it is
        counted without being built, since one of a million blocks cannot be."""
        parts = [(design.stem.C1, design.stem.kernel, design.stem.kernel)]
        parts += [(s.blocks, s.C1, s.C_out) for s in design.stages]
        least = sum(int(a) * int(b) * int(c) for a, b, c in parts)  # NumPy's numbers would overflow
        if least <= 10 * self.parameters:
            return []
        return [f"{least:,} parameters and more are over the budget of {self.parameters:,}"]


def budget_of(design, W):
    """Return the budget that this design itself uses up exactly, for pictures of W × W pixels."""
    costs = anatomy(design, W)
    return Budget(costs.parameters, costs.macs)


def _presets():
    thin, half = (Design.resnet(base=base, num_classes=10) for base in (16, 8))
    return {
        "thin ResNet-50": thin,
        "thin ResNeXt-50": Design.resnet(base=16, groups=8, width_per_group=12, num_classes=10),
        "wide and shallow": Design.resnet(blocks=(1, 1, 2, 1), base=24, num_classes=10),
        "deep and narrow": Design.resnet(blocks=(5, 8, 12, 5), base=12, num_classes=10),
        "half the channels, twice the W": replace(half, stem=replace(half.stem, pool=False)),
    }


# Starting points, all within the budget that the first of them uses up for pictures of 64 × 64.
PRESETS = _presets()


def mended(design):
    """Return the nearest legal design of bottlenecks: `groups` the nearest number that divides C1, the kernel odd. A
    legal design is its own. ValueError where a number is out of range, for then there is no nearest."""
    if found := out_of_range(design):
        raise ValueError("; ".join(found))
    stages = (replace(s, groups=min(divisors(s.C1), key=lambda n, s=s: (abs(n - s.groups), n))) for s in design.stages)
    kernel = design.stem.kernel - 1 + design.stem.kernel % 2
    return replace(design, stem=replace(design.stem, kernel=kernel), stages=tuple(stages))


def notes(design, costs):
    """Return what is legal and still worth knowing, a list of sentences; `costs` is the design's `Anatomy`."""
    stages, W = costs.by_stage(), costs.input[-1]
    found, C = [], design.stem.C1
    for i, (stage, before, after) in enumerate(zip(design.stages, stages, stages[1:], strict=False), 1):
        W_in, W_out = before.shape[-1], after.shape[-1]
        if stage.S == 1 and C == stage.C_out:
            found.append(
                f"Stage {i} begins with a BTNK2: S = 1 and C = C_out = {C:,}, so x has the shape of F(x) and needs "
                "no G."
            )
        if stage.C1 >= stage.C_out:
            found.append(
                f"Stage {i} has no bottleneck: C1 = {stage.C1:,} is not smaller than C_out = {stage.C_out:,}, "
                "so the 3×3 is not spared any channels."
            )
        if W_in == 1:
            found.append(
                f"Stage {i} is given maps of 1 × 1: 8 of the 9 weights of each 3×3 meet nothing but padding"
                + (f", and S = {stage.S} has nothing left to halve." if stage.S > 1 else ".")
            )
        elif W_out == 1 and stage.blocks > 1:
            found.append(
                f"Stage {i} comes down to 1 × 1 in its first block: in the {stage.blocks - 1} after it, 8 of the 9 "
                "weights of each 3×3 meet nothing but padding."
            )
        C = stage.C_out
    reach = stages[-2].receptive_field
    if reach < W:
        found.append(
            f"A value at the end of Stage 4 sees {reach} of the picture's {W} pixels: nothing but the average in "
            "the head looks at the whole picture."
        )
    return found


def short_name(design):
    """Return a design's stem and stages on one line, fit for the name of a folder."""
    stem = f"{design.stem.C1}k{design.stem.kernel}s{design.stem.S}{'p' * design.stem.pool}"
    return "-".join([stem, *(f"{s.blocks}x{s.C1}x{s.C_out}s{s.S}g{s.groups}" for s in design.stages)])


def code(design):
    """Return Python that makes this design again, without what the designer has no control for, where that is usual."""
    stages = "".join(f"        {_written(stage, 'dilation')},\n" for stage in design.stages)
    more = {f.name: getattr(design, f.name) for f in fields(design)[2:]}
    usual = {f.name: f.default for f in fields(design)[3:]}
    rest = "".join(f"    {name}={value!r},\n" for name, value in more.items() if (name, value) not in usual.items())
    return f"Design(\n    stem={_written(design.stem)},\n    stages=(\n{stages}    ),\n{rest})"


def _written(part, *optional):
    shown = {f.name: getattr(part, f.name) for f in fields(part)}
    usual = {f.name: f.default for f in fields(part) if f.name in optional}
    numbers = ", ".join(f"{name}={value!r}" for name, value in shown.items() if (name, value) not in usual.items())
    return f"{type(part).__name__}({numbers})"
