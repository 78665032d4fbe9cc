"""A whole network as a design, numbers that may be legal or not, and the budget that it has to keep.

The parts are the library's own, so that a design with ResNet-50's numbers is ResNet-50, to the last weight.
"""

from collections import OrderedDict
from dataclasses import dataclass, fields, replace

from torch import nn

from .._common import check
from ..anatomy import anatomy, shapes_only
from ..blocks import BTNK1, BTNK2, Stem


@dataclass(frozen=True)
class StemDesign:
    """Stage 0: a convolution to C1 channels with a kernel of that many pixels and stride S, BN, ReLU, and, with
    `pool`, a 3×3 max pooling of stride 2."""

    C1: int
    kernel: int = 7
    S: int = 2
    pool: bool = True


@dataclass(frozen=True)
class StageDesign:
    """A stage of bottlenecks: so many blocks, C1 channels inside each and C_out out of it, stride S in the first, and
    the 3×3 in so many groups."""

    blocks: int
    C1: int
    C_out: int
    S: int = 1
    groups: int = 1


@dataclass(frozen=True)
class NetworkDesign:
    """stem: Stage 0. stages: Stages 1 to 4. num_classes: what the head tells apart.

    The first block of a stage is a BTNK1 wherever the shortcut must change the shape, that is where S > 1 or where
    the stage is given another number of channels than C_out. All other blocks are BTNK2.
    Nothing is checked when a design is made: `problems()` says what is illegal, and all else refuses it.
    """

    stem: StemDesign
    stages: tuple
    num_classes: int = 10

    @classmethod
    def like(cls, blocks=(3, 4, 6, 3), *, base=16, groups=1, width_per_group=64, num_classes=10):
        """The design with the numbers of `ResNet("bottleneck", …)` with the same options."""
        stages = []
        for i, n in enumerate(blocks):
            P = base * 2**i
            stages.append(StageDesign(n, P * width_per_group // 64 * groups, 4 * P, 1 if i == 0 else 2, groups))
        return cls(StemDesign(base), tuple(stages), num_classes)

    # ── what is illegal, and what is odd ──

    def problems(self):
        """Everything that makes the design illegal, each as a sentence; an empty list for a legal one."""
        found = self._out_of_range()
        if found:
            return found
        if self.stem.kernel % 2 == 0:
            k = self.stem.kernel
            found.append(f"Stage 0: kernel = {k} has no middle pixel: use {k - 1} or {k + 1}")
        return found + [_undivided(i, s.C1, s.groups) for i, s in enumerate(self.stages, 1) if s.C1 % s.groups]

    def _out_of_range(self):
        """The problems that have no nearest legal design: numbers that are none, and parts that are missing."""
        if not isinstance(self.stem, StemDesign):
            return [f"Stage 0: {self.stem!r} must be a StemDesign"]
        if not isinstance(self.stages, tuple | list) or len(self.stages) != 4:
            return ["stages must be four StageDesigns, for Stages 1, 2, 3 and 4"]
        found = _no_numbers("Stage 0", C1=self.stem.C1, kernel=self.stem.kernel, S=self.stem.S)
        for i, stage in enumerate(self.stages, 1):
            if isinstance(stage, StageDesign):
                found += _no_numbers(f"Stage {i}", **{f.name: getattr(stage, f.name) for f in fields(stage)})
            else:
                found.append(f"Stage {i}: {stage!r} must be a StageDesign")
        return found + _no_numbers("The head", num_classes=self.num_classes)

    def mended(self):
        """The nearest legal design: `groups` the nearest number that divides C1, and the kernel odd. A legal design is
        its own. ValueError where a number is out of range, for then there is no nearest."""
        found = self._out_of_range()
        if found:
            raise ValueError("; ".join(found))
        stages = (
            replace(s, groups=min(_divisors(s.C1), key=lambda n, s=s: (abs(n - s.groups), n))) for s in self.stages
        )
        kernel = self.stem.kernel - 1 + self.stem.kernel % 2
        return replace(self, stem=replace(self.stem, kernel=kernel), stages=tuple(stages))

    def notes(self, costs):
        """What is legal and still worth knowing, each as a sentence; `costs` is what `anatomy(W)` gave."""
        stages, W = costs.by_stage(), costs.input[-1]
        found, C = [], self.stem.C1
        for i, (stage, before, after) in enumerate(zip(self.stages, stages, stages[1:], strict=False), 1):
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

    # ── the network ──

    def build(self):
        """The network, (3, W, W) → (num_classes), untrained: stage0 … stage4 and head, as in `ResNet`. ValueError
        with all problems of an illegal design."""
        problems = self.problems()
        if problems:
            raise ValueError("; ".join(problems))
        stem = Stem(3, self.stem.C1, kernel=self.stem.kernel, stride=self.stem.S, padding=self.stem.kernel // 2)
        if not self.stem.pool:
            stem.pool = nn.Identity()
        parts, C = OrderedDict(stage0=stem), self.stem.C1
        for i, s in enumerate(self.stages, 1):
            same = {"C1": s.C1, "groups": s.groups}
            first = BTNK2(C, **same) if s.S == 1 and C == s.C_out else BTNK1(C, S=s.S, C_out=s.C_out, **same)
            parts[f"stage{i}"] = nn.Sequential(first, *[BTNK2(s.C_out, **same) for _ in range(s.blocks - 1)])
            C = s.C_out
        parts["head"] = nn.Sequential(
            OrderedDict(pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), fc=nn.Linear(C, self.num_classes))
        )
        return nn.Sequential(parts)

    def anatomy(self, W):
        """Its steps and costs for a picture of W × W pixels, without weights. ValueError for an illegal design."""
        with shapes_only():
            network = self.build()
        return replace(anatomy(network, W), title="the design")

    def short(self):
        """Its numbers on one line, fit for the name of a folder; the same for two designs that differ in the number of
        classes at most."""
        stem = f"{self.stem.C1}k{self.stem.kernel}s{self.stem.S}{'p' * self.stem.pool}"
        return "-".join([stem, *(f"{s.blocks}x{s.C1}x{s.C_out}s{s.S}g{s.groups}" for s in self.stages)])

    def code(self):
        """Python that makes this design again."""
        stages = "".join(f"        {stage!r},\n" for stage in self.stages)
        return (
            f"NetworkDesign(\n    stem={self.stem!r},\n    stages=(\n{stages}    ),\n"
            f"    num_classes={self.num_classes!r},\n)"
        )


@dataclass(frozen=True)
class Budget:
    """The most parameters, and the most MACs for one picture, that a design may have."""

    parameters: int
    macs: int

    def over(self, costs):
        """Sentences saying by how much an `Anatomy` is over the budget; an empty list where it is within."""
        found = []
        pairs = (("parameters", costs.parameters, self.parameters), ("MACs", costs.macs, self.macs))
        for name, used, most in pairs:
            if used > most:
                found.append(
                    f"{used:,} {name} are {used - most:,} more than the budget of {most:,} ({used / most - 1:.1%} over)"
                )
        return found


def budget_of(design, W):
    """The budget that this design itself uses up exactly, for pictures of W × W pixels."""
    costs = design.anatomy(W)
    return Budget(costs.parameters, costs.macs)


def _presets():
    thin, half = NetworkDesign.like(), NetworkDesign.like(base=8)
    return {
        "thin ResNet-50": thin,
        "thin ResNeXt-50": NetworkDesign.like(groups=8, width_per_group=12),
        "wide and shallow": NetworkDesign.like((1, 1, 2, 1), base=24),
        "deep and narrow": NetworkDesign.like((5, 8, 12, 5), base=12),
        "half the channels, twice the W": replace(half, stem=replace(half.stem, pool=False)),
    }


# Starting points, all within the budget that the first of them uses up for pictures of 64 × 64.
PRESETS = _presets()


def _no_numbers(where, **numbers):
    """Sentences for those of the numbers that are no whole number, 1 or larger."""
    found = []
    for name, value in numbers.items():
        try:
            check(**{name: value})
        except ValueError as problem:
            found.append(f"{where}: {problem}")
    return found


def _undivided(i, C1, groups):
    below, above = C1 - C1 % groups, C1 + groups - C1 % groups
    fitting = " or ".join(str(n) for n in _nearest(_divisors(C1), groups))
    channels = " or ".join(f"{n:,}" for n in (below, above) if n)
    return (
        f"Stage {i}: groups = {groups} does not divide C1 = {C1:,}, and every group needs the same channels: "
        f"use groups = {fitting}, or C1 = {channels}"
    )


def _divisors(n):
    return [d for d in range(1, n + 1) if n % d == 0]


def _nearest(numbers, value):
    """The largest of the numbers below the value and the smallest above it, as far as there are any."""
    below, above = [n for n in numbers if n < value], [n for n in numbers if n > value]
    return below[-1:] + above[:1]
