"""A plain ResNet as PyTorch users usually meet it: published key names, one in-place ReLU reused within each
block, the projection built by the network and handed to the block.

It shares no code with `resnet_lib`. The tests hold the library against it, and the benchmark measures it.
"""

import torch
from torch import nn
from torch.nn import functional as F


class PlainBottleneck(nn.Module):
    """1×1, 3×3, 1×1. `width_per_group` and `groups` scale the inner width; the output is 4 × planes."""

    expansion = 4

    def __init__(self, c_in, planes, stride, downsample, *, groups, width_per_group, dilation, stride_on, norm_layer):
        super().__init__()
        width = int(planes * (width_per_group / 64.0)) * groups
        c_out = planes * self.expansion
        stride1, stride2 = (stride, 1) if stride_on == "1x1" else (1, stride)
        self.conv1 = nn.Conv2d(c_in, width, kernel_size=1, stride=stride1, bias=False)
        self.bn1 = norm_layer(width)
        self.conv2 = nn.Conv2d(
            width,
            width,
            kernel_size=3,
            stride=stride2,
            padding=dilation,
            dilation=dilation,
            groups=groups,
            bias=False,
        )
        self.bn2 = norm_layer(width)
        self.conv3 = nn.Conv2d(width, c_out, kernel_size=1, bias=False)
        self.bn3 = norm_layer(c_out)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class PlainBasicBlock(nn.Module):
    """3×3, 3×3. The output is 1 × planes."""

    expansion = 1

    def __init__(self, c_in, planes, stride, downsample, *, norm_layer, **_):
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, planes, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = norm_layer(planes)
        self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, padding=1, bias=False)
        self.bn2 = norm_layer(planes)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class PlainResNet(nn.Module):
    def __init__(
        self,
        block,
        counts,
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
        self.conv1 = nn.Conv2d(in_channels, base, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = norm_layer(base)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)

        options = dict(groups=groups, width_per_group=width_per_group, stride_on=stride_on, norm_layer=norm_layer)
        c_in, dilation = base, 1
        for number, (count, dilate) in enumerate(zip(counts, (False, *replace_stride_with_dilation), strict=True)):
            planes = base << number
            c_out = planes * block.expansion
            stride, dilation_of_first = (1 if number == 0 else 2), dilation
            if dilate:
                stride, dilation = 1, dilation * stride
            downsample = None
            if stride > 1 or c_in != c_out:
                downsample = nn.Sequential(
                    nn.Conv2d(c_in, c_out, kernel_size=1, stride=stride, bias=False), norm_layer(c_out)
                )
            layer = [block(c_in, planes, stride, downsample, dilation=dilation_of_first, **options)]
            layer += [block(c_out, planes, 1, None, dilation=dilation, **options) for _ in range(1, count)]
            self.add_module(f"layer{number + 1}", nn.Sequential(*layer))
            c_in = c_out

        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(c_in, num_classes)

        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
            elif zero_init_residual and isinstance(m, PlainBottleneck):
                nn.init.zeros_(m.bn3.weight)
            elif zero_init_residual and isinstance(m, PlainBasicBlock):
                nn.init.zeros_(m.bn2.weight)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


def plain(name, **options):
    """The published design of that name, as everyone builds it."""
    block, counts, more = {
        "resnet18": (PlainBasicBlock, [2, 2, 2, 2], {}),
        "resnet34": (PlainBasicBlock, [3, 4, 6, 3], {}),
        "resnet50": (PlainBottleneck, [3, 4, 6, 3], {}),
        "resnet101": (PlainBottleneck, [3, 4, 23, 3], {}),
        "resnet152": (PlainBottleneck, [3, 8, 36, 3], {}),
        "resnext50_32x4d": (PlainBottleneck, [3, 4, 6, 3], {"groups": 32, "width_per_group": 4}),
        "resnext101_32x8d": (PlainBottleneck, [3, 4, 23, 3], {"groups": 32, "width_per_group": 8}),
        "wide_resnet50_2": (PlainBottleneck, [3, 4, 6, 3], {"width_per_group": 128}),
        "wide_resnet101_2": (PlainBottleneck, [3, 4, 23, 3], {"width_per_group": 128}),
    }[name]
    return PlainResNet(block, counts, **{**more, **options})


# ── What the tests share ─────────────────────────────────────────────────────────────────────────────────────


def shake_norms(model, seed=0):
    """Give every BN weights and statistics of its own, so that no two of them could be exchanged unnoticed.
    The scales stay below one: activations of a deep network remain finite."""
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for m in model.modules():
            if isinstance(m, nn.BatchNorm2d):
                m.weight.uniform_(0.3, 0.9, generator=draw)
                m.bias.uniform_(-0.2, 0.2, generator=draw)
                m.running_mean.uniform_(-0.2, 0.2, generator=draw)
                m.running_var.uniform_(0.5, 2.0, generator=draw)
    return model


def bottleneck_by_hand(block, x, *, S=1, stride_on="3x3", dilation=1, groups=1):
    """Every step of a bottleneck block in eval mode, in function calls alone: name → tensor."""
    w = block.state_dict()

    def conv(x, name, **options):
        return F.conv2d(x, w[f"{name}.weight"], None, **options)

    def bn(x, name):
        mean, var = w[f"{name}.running_mean"], w[f"{name}.running_var"]
        return F.batch_norm(x, mean, var, w[f"{name}.weight"], w[f"{name}.bias"], training=False, eps=1e-5)

    S1, S3 = {"3x3": (1, S), "1x1": (S, 1)}[stride_on]
    t = {}
    t["conv1"] = conv(x, "conv1", stride=S1)
    t["bn1"] = bn(t["conv1"], "bn1")
    t["relu1"] = t["bn1"].clamp(min=0)
    t["conv2"] = conv(t["relu1"], "conv2", stride=S3, padding=dilation, dilation=dilation, groups=groups)
    t["bn2"] = bn(t["conv2"], "bn2")
    t["relu2"] = t["bn2"].clamp(min=0)
    t["conv3"] = conv(t["relu2"], "conv3")
    t["bn3"] = bn(t["conv3"], "bn3")
    t["shortcut"] = x
    if "shortcut.conv.weight" in w:
        t["shortcut.conv"] = conv(x, "shortcut.conv", stride=S)
        t["shortcut"] = t["shortcut.bn"] = bn(t["shortcut.conv"], "shortcut.bn")
    t["add"] = t["bn3"] + t["shortcut"]
    t["relu3"] = t["add"].clamp(min=0)
    return t
