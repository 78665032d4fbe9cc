"""The whole network: a design, which is numbers alone, and the network built from it. Paper, Table 1 (18 to 152);
Xie et al., arXiv 1611.05431, Table 1 (ResNeXt); Zagoruyko and Komodakis, arXiv 1605.07146 (Wide ResNet)."""

from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from math import prod

from torch import nn

from ._common import PublishedParts, check_design, check_name, check_options
from ._common import shapes_only as shapes_only
from ._common import step_called as step_called
from ._common import unfilled as unfilled
from .blocks import BTNK1, BTNK2, BasicBlock, Bottleneck, Stem


@dataclass(frozen=True)
class StemDesign:
    """Stage 0: a convolution to C1 channels, kernel × kernel, of stride S; with `pool`, a 3×3 max pooling /2."""

    C1: int
    kernel: int = 7
    S: int = 2
    pool: bool = True


@dataclass(frozen=True)
class StageDesign:
    """A stage: its number of blocks, C1 channels inside each and C_out out of it, stride S in the first, groups and
    dilation of the 3×3. The first block has the dilation of the stage before, as in published networks."""

    blocks: int
    C1: int
    C_out: int
    S: int = 1
    groups: int = 1
    dilation: int = 1


@dataclass(frozen=True)
class Design:
    """A network in numbers. An illegal one can be written down too; `build()` refuses it with all that is wrong.

    stem, stages: Stage 0, and a tuple of Stages 1 to 4.
    block: "bottleneck", BTNK1 where the shape changes (S > 1 or C ≠ C_out) and BTNK2 elsewhere; or "basic".
    num_classes, in_channels: what comes out and what goes in. stride_on: as `ResNet`'s.
    """

    stem: StemDesign
    stages: tuple
    num_classes: int = 1000
    in_channels: int = 3
    block: str = "bottleneck"
    stride_on: str = "3x3"

    @classmethod
    def resnet(
        cls, block="bottleneck", blocks=(3, 4, 6, 3), *, base=64, groups=1, width_per_group=64, dilate=None, **more
    ):
        """Return a ResNet's design. Options as `ResNet`'s; dilate is its replace_stride_with_dilation."""
        dilate = check_options(block, blocks, base, groups, width_per_group, dilate)
        stages, dilation = [], 1
        for i, (n, dilates) in enumerate(zip(blocks, (False, *dilate), strict=True)):
            P, S = base * 2**i, 1 if i == 0 or dilates else 2
            dilation *= 2 if dilates else 1
            C1, C_out = (P, P) if block == "basic" else (P * width_per_group // 64 * groups, 4 * P)
            stages.append(StageDesign(n, C1, C_out, S, groups, dilation))
        return cls(StemDesign(base), tuple(stages), block=block, **more)

    @property
    def blocks(self):
        """How many blocks Stages 1, 2, 3, 4 have."""
        return tuple(stage.blocks for stage in self.stages)

    @property
    def reduction(self):
        """The output stride of Stage 4: 32, or less where dilation replaces a stride."""
        return prod(part.S for part in (self.stem, *self.stages)) * (2 if self.stem.pool else 1)

    def build(self, **options):
        """Return the network, untrained. Options: norm_layer, zero_init_residual. ValueError for illegal designs."""
        return ResNet(design=self, **options)


# name: (block, blocks in Stages 1–4, groups, width_per_group), as `ResNet`'s
OPTIONS = {
    "resnet18": ("basic", (2, 2, 2, 2), 1, 64),
    "resnet34": ("basic", (3, 4, 6, 3), 1, 64),
    "resnet50": ("bottleneck", (3, 4, 6, 3), 1, 64),
    "resnet101": ("bottleneck", (3, 4, 23, 3), 1, 64),
    "resnet152": ("bottleneck", (3, 8, 36, 3), 1, 64),
    "resnext50_32x4d": ("bottleneck", (3, 4, 6, 3), 32, 4),
    "resnext101_32x8d": ("bottleneck", (3, 4, 23, 3), 32, 8),
    "wide_resnet50_2": ("bottleneck", (3, 4, 6, 3), 1, 128),
    "wide_resnet101_2": ("bottleneck", (3, 4, 23, 3), 1, 128),
}
DESIGNS = {name: Design.resnet(*two, groups=g, width_per_group=w) for name, (*two, g, w) in OPTIONS.items()}


class ResNet(PublishedParts):
    """stage0 → stage1 → stage2 → stage3 → stage4 → head. (in_channels, W, W) → (num_classes).

    block, blocks: "bottleneck" (BTNK1 opens a stage, BTNK2 fills it) or "basic"; how many of them Stages 1–4 have.
    base:   channels of Stage 0, 64 as published; every other count is a multiple of it.
    groups, width_per_group: C1 of a stage's blocks is int(P · width_per_group / 64) · groups, where P = base,
            2·base, 4·base, 8·base in Stages 1–4; a stage's output has 4·P channels. "basic" allows 1 and 64.
    replace_stride_with_dilation: three booleans or None, for Stages 2, 3, 4: True keeps W and dilates the 3×3.
    norm_layer: called with a number of channels, returns the normalisation.
    zero_init_residual: the last normalisation of each F starts at zero (Goyal et al., arXiv 1706.02677, section 5.1).
    stride_on: "3x3" (v1.5) or "1x1" (v1, the paper): where S is in BTNK1.
    design: a `Design` that replaces all of these numbers; kept as an attribute.
    Raises ValueError for what does not fit together. The parts have their published names too (`PublishedParts`):
    net.layer4 is net.stage4, and net.fc can be replaced.
    """

    def __init__(
        self,
        block="bottleneck",
        blocks=(3, 4, 6, 3),
        *,
        num_classes=1000,
        in_channels=3,
        base=64,
        groups=1,
        width_per_group=64,
        replace_stride_with_dilation=(False, False, False),
        norm_layer=nn.BatchNorm2d,
        zero_init_residual=False,
        stride_on="3x3",
        design=None,
    ):
        super().__init__()
        if design is None:
            widths = {"base": base, "groups": groups, "width_per_group": width_per_group}
            ends = {"num_classes": num_classes, "in_channels": in_channels, "stride_on": stride_on}
            design = Design.resnet(block, blocks, dilate=replace_stride_with_dilation, **widths, **ends)
        check_design(design)
        self.design, self.C, stem = design, design.in_channels, design.stem
        size = {"kernel": stem.kernel, "stride": stem.S, "padding": stem.kernel // 2, "pool": stem.pool}
        self.stage0 = Stem(self.C, stem.C1, **size, norm_layer=norm_layer)
        self.stage1, self.stage2, self.stage3, self.stage4 = stages(design, partial(_block, design, norm_layer))
        self.head = head(design.stages[-1].C_out, design.num_classes)
        self.reduction = design.reduction
        for m in self.modules() if zero_init_residual else ():
            last = m.bn3 if isinstance(m, Bottleneck) else m.bn2 if isinstance(m, BasicBlock) else None
            if getattr(last, "weight", None) is not None:  # a norm_layer may have none
                nn.init.zeros_(last.weight)

    def forward(self, x):  # (3, 224, 224)
        x = self.stage0(x)  # (64, 56, 56)
        x = self.stage1(x)  # (256, 56, 56)
        x = self.stage2(x)  # (512, 28, 28)
        x = self.stage3(x)  # (1024, 14, 14)
        x = self.stage4(x)  # (2048, 7, 7)
        return self.head(x)  # (1000)


def stages(design, block):
    """Return Stages 1 to 4 of a design; each of their blocks is made as block(C, stage, S, dilation)."""
    made, C, dilation = [], design.stem.C1, 1
    for stage in design.stages:
        first = block(C, stage, stage.S, dilation)
        C, dilation = stage.C_out, stage.dilation
        made.append(nn.Sequential(first, *(block(C, stage, 1, dilation) for _ in range(stage.blocks - 1))))
    return made


def _block(design, norm_layer, C, stage, S, dilation):
    if design.block == "basic":
        return BasicBlock(C, stage.C1, S, norm_layer=norm_layer)
    options = {"groups": stage.groups, "dilation": dilation, "norm_layer": norm_layer}
    if S == 1 and C == stage.C_out:
        return BTNK2(C, C1=stage.C1, **options)
    return BTNK1(C, stage.C1, S, C_out=stage.C_out, stride_on=design.stride_on, **options)


def head(C, num_classes):
    """Return the mean over all positions and a linear layer. (C, W, W) → (num_classes)."""
    return nn.Sequential(OrderedDict(pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), fc=nn.Linear(C, num_classes)))


def build(name, **options):
    """Return the published network of that name. Options as ResNet's. ValueError for a name not in DESIGNS."""
    check_name(name, OPTIONS, options)
    block, blocks, groups, width = OPTIONS[name]
    return ResNet(block, **{"blocks": blocks, "groups": groups, "width_per_group": width, **options})


def _named(name):
    def make(**options):
        return build(name, **options)

    make.__name__ = make.__qualname__ = name
    make.__doc__ = f"Return {name}: {OPTIONS[name][0]} blocks {OPTIONS[name][1]}. Options as ResNet's."
    return make


resnet18, resnet34, resnet50, resnet101, resnet152 = map(_named, list(OPTIONS)[:5])
resnext50_32x4d, resnext101_32x8d, wide_resnet50_2, wide_resnet101_2 = map(_named, list(OPTIONS)[5:])
