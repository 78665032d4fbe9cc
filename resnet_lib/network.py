"""The whole network: Stage 0, four stages of blocks, the head. One table holds the published designs.

Paper, Table 1 (18 to 152); Xie et al., arXiv 1611.05431, Table 1 (ResNeXt); Zagoruyko and Komodakis,
arXiv 1605.07146 (Wide ResNet).
"""

from collections import OrderedDict

from torch import nn

from ._common import check, check_input
from .blocks import BTNK1, BTNK2, BasicBlock, Bottleneck, Stem

# name: (block, blocks in Stages 1–4, groups, width_per_group)
DESIGNS = {
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


class ResNet(nn.Module):
    """stage0 → stage1 → stage2 → stage3 → stage4 → head. (in_channels, W, W) → (num_classes).

    block:        "bottleneck" (BTNK1 opens a stage, BTNK2 fills it) or "basic" (BasicBlock).
    blocks:       how many blocks Stages 1, 2, 3, 4 have.
    num_classes, in_channels: what comes out and what goes in.
    base:         channels of Stage 0, 64 as published; every other count is a multiple of it, so base=16 is the
                  thin network of a quarter of the channels.
    groups, width_per_group: C1 of a stage's blocks is int(P · width_per_group / 64) · groups, where P = base,
                  2·base, 4·base, 8·base in Stages 1–4; a stage's output has 4·P channels. "basic" allows 1 and 64.
    replace_stride_with_dilation: three booleans for Stages 2, 3, 4: True keeps W and dilates the 3×3 instead.
                  None is three times False.
    norm_layer:   called with a number of channels, gives the normalisation.
    zero_init_residual: the last normalisation of each F starts at zero, so that every block starts as its
                  shortcut (Goyal et al., arXiv 1706.02677, section 5.1).
    stride_on:    "3x3" (v1.5) or "1x1" (v1, the paper): where S sits in BTNK1.
    Raises ValueError for what does not fit together.
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
    ):
        super().__init__()
        check(num_classes=num_classes, in_channels=in_channels, base=base)
        dilate = (False, False, False) if replace_stride_with_dilation is None else replace_stride_with_dilation
        check_options(block, blocks, base, groups, width_per_group, dilate, stride_on)

        self.C = in_channels
        self.stage0 = Stem(in_channels, base, norm_layer=norm_layer)
        C, dilation = base, 1
        for i, n in enumerate(blocks):
            P = base * 2**i
            S = 1 if i == 0 else 2
            first_dilation = dilation
            if i > 0 and dilate[i - 1]:
                S, dilation = 1, dilation * 2
            if block == "basic":
                stage = [BasicBlock(C, P, S, norm_layer=norm_layer)]
                stage += [BasicBlock(P, norm_layer=norm_layer) for _ in range(n - 1)]
                C = P
            else:
                C1 = P * width_per_group // 64 * groups
                more = {"groups": groups, "norm_layer": norm_layer}
                stage = [BTNK1(C, C1, S, C_out=4 * P, stride_on=stride_on, dilation=first_dilation, **more)]
                stage += [BTNK2(4 * P, C1=C1, dilation=dilation, **more) for _ in range(n - 1)]
                C = 4 * P
            setattr(self, f"stage{i + 1}", nn.Sequential(*stage))
        self.head = nn.Sequential(
            OrderedDict(pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), fc=nn.Linear(C, num_classes))
        )
        # How many input pixels one step of the last map stands for: 32, less where dilation replaced a stride.
        self.reduction = 4 * 2 ** (3 - sum(dilate))

        if zero_init_residual:
            for module in self.modules():
                if isinstance(module, Bottleneck | BasicBlock):
                    last = module.bn3 if isinstance(module, Bottleneck) else module.bn2
                    if getattr(last, "weight", None) is not None:
                        nn.init.zeros_(last.weight)

    def forward(self, x):  # (3, 224, 224)
        check_input(self, x)
        self._check_training_size(x)
        x = self.stage0(x)  # (64, 56, 56)
        x = self.stage1(x)  # (256, 56, 56)
        x = self.stage2(x)  # (512, 28, 28)
        x = self.stage3(x)  # (1024, 14, 14)
        x = self.stage4(x)  # (2048, 7, 7)
        return self.head(x)  # (1000)

    def _check_training_size(self, x):
        # BN's batch statistics need two values per channel; PyTorch's own message does not say what to do.
        B, _, H, W = x.shape
        one = B == 1 and max(H, W) <= self.reduction
        if one and self.training and isinstance(self.stage0.bn, nn.BatchNorm2d):
            raise ValueError(
                f"an input of shape {tuple(x.shape)} is too small to train on: it leaves one value per channel in "
                f"Stage 4, and BN needs two. Use two pictures or more, or H or W above {self.reduction}, or .eval()"
            )


def check_options(block, blocks, base, groups, width_per_group, dilate, stride_on):
    """ValueError with a sentence for options of a ResNet that do not fit together."""
    check(groups=groups, width_per_group=width_per_group)
    if not isinstance(dilate, tuple | list) or len(dilate) != 3 or not all(isinstance(d, bool) for d in dilate):
        raise ValueError(f"replace_stride_with_dilation = {dilate!r} must be three booleans, for Stages 2, 3 and 4")
    if block not in ("bottleneck", "basic"):
        raise ValueError(f'block = {block!r} must be "bottleneck" or "basic"')
    if block == "basic" and (groups != 1 or width_per_group != 64 or any(dilate)):
        raise ValueError("the basic block has no groups, width_per_group or dilation: use block='bottleneck'")
    if base * width_per_group < 64:
        raise ValueError(
            f"width_per_group = {width_per_group} leaves no channel in Stage 1 with base = {base}: "
            f"it must be at least {-(-64 // base)}"
        )
    if stride_on not in ("3x3", "1x1"):
        raise ValueError(f'stride_on = {stride_on!r} must be "3x3" (v1.5) or "1x1" (v1, the paper)')
    if not isinstance(blocks, tuple | list) or len(blocks) != 4:
        raise ValueError(f"blocks = {blocks!r} must be four numbers, for Stages 1, 2, 3 and 4")
    check(**{f"blocks[{i}]": n for i, n in enumerate(blocks)})


def build(name, **options):
    """The published design of that name; options are ResNet's. ValueError for a name that is not in DESIGNS."""
    if name not in DESIGNS:
        raise ValueError(f"no design is called {name!r}; there are {', '.join(DESIGNS)}")
    block, blocks, groups, width_per_group = DESIGNS[name]
    return ResNet(block, **{"blocks": blocks, "groups": groups, "width_per_group": width_per_group, **options})


def resnet18(**options):
    """ResNet-18: basic blocks 2-2-2-2. Options as ResNet's."""
    return build("resnet18", **options)


def resnet34(**options):
    """ResNet-34: basic blocks 3-4-6-3. Options as ResNet's."""
    return build("resnet34", **options)


def resnet50(**options):
    """ResNet-50: bottlenecks 3-4-6-3. Options as ResNet's."""
    return build("resnet50", **options)


def resnet101(**options):
    """ResNet-101: bottlenecks 3-4-23-3. Options as ResNet's."""
    return build("resnet101", **options)


def resnet152(**options):
    """ResNet-152: bottlenecks 3-8-36-3. Options as ResNet's."""
    return build("resnet152", **options)


def resnext50_32x4d(**options):
    """ResNeXt-50: 32 groups of 4 channels in Stage 1's 3×3. Options as ResNet's."""
    return build("resnext50_32x4d", **options)


def resnext101_32x8d(**options):
    """ResNeXt-101: 32 groups of 8 channels in Stage 1's 3×3. Options as ResNet's."""
    return build("resnext101_32x8d", **options)


def wide_resnet50_2(**options):
    """Wide ResNet-50-2: C1 doubled, the rest as ResNet-50. Options as ResNet's."""
    return build("wide_resnet50_2", **options)


def wide_resnet101_2(**options):
    """Wide ResNet-101-2: C1 doubled, the rest as ResNet-101. Options as ResNet's."""
    return build("wide_resnet101_2", **options)
