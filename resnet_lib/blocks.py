"""The parts of a ResNet: Stage 0 and the residual blocks. He, Zhang, Ren, Sun, "Deep Residual Learning for Image
Recognition", arXiv 1512.03385 ("the paper").

Shapes in the comments are (C, H, W) of one picture; the batch dimension comes before them and never changes.
W is the width (= height) of a block's input. No weight depends on it: the same block runs at any W, so W is a
property of the input, not an argument of a block. Arguments that do not fit together raise ValueError.
"""

from torch import nn

from ._common import Checked, check, check_bottleneck, check_input, check_sum, quarter


class Stem(Checked):
    """Stage 0: CONV 7×7 /2 → BN → ReLU → MAXPOOL 3×3 /2. Paper, Table 1, rows conv1 and the pool of conv2_x.

    (C, W, W) → (C1, W/4, W/4), where each halving rounds up: 224 → 112 → 56. C is 3 for colour, and C1 is 64 in every
    published ResNet. kernel, stride, padding and dilation are the convolution's; without pool, W is halved once.
    """

    def __init__(self, C=3, C1=64, *, kernel=7, stride=2, padding=3, dilation=1, pool=True, norm_layer=nn.BatchNorm2d):
        super().__init__()
        check(C=C, C1=C1, kernel=kernel, stride=stride, dilation=dilation)
        check(least=0, padding=padding)
        self.C = C
        self.conv = conv(C, C1, kernel, stride, padding=padding, dilation=dilation)
        self.bn = norm_layer(C1)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1) if pool else nn.Identity()

    def check_call(self, x):
        check_input(self, x, self.conv)

    def forward(self, x):  # (3, 224, 224)
        x = self.conv(x)  # (64, 112, 112)
        x = self.bn(x)
        x = self.relu(x)
        return self.pool(x)  # (64, 56, 56)


class Bottleneck(Checked):
    """What BTNK1 and BTNK2 share: y = ReLU(F(x) + shortcut(x)). Paper, eq. (1) and (2) and Figure 5, right.

    F is three convolutions: 1×1 to C1 channels, 3×3 on C1 channels, 1×1 to C_out channels, each with BN.
    Every step is a submodule of its own, in the order in which they run, and none works in place.
    """

    def __init__(self, C, C1, C_out, S, shortcut, *, stride_on="3x3", groups=1, dilation=1, norm_layer=nn.BatchNorm2d):
        super().__init__()
        check_bottleneck(C, C1, C_out, S, stride_on, groups, dilation)
        self.C, self.C1, self.C_out, self.S = C, C1, C_out, S
        S1, S3 = (1, S) if stride_on == "3x3" else (S, 1)

        self.conv1 = conv(C, C1, 1, S1)
        self.bn1 = norm_layer(C1)
        self.relu1 = nn.ReLU()
        self.conv2 = conv(C1, C1, 3, S3, padding=dilation, dilation=dilation, groups=groups)
        self.bn2 = norm_layer(C1)
        self.relu2 = nn.ReLU()
        self.conv3 = conv(C1, C_out, 1)
        self.bn3 = norm_layer(C_out)
        self.shortcut = shortcut
        self.add = Add()
        self.relu3 = nn.ReLU()

    def forward(self, x):  # (C, W, W)
        f = self.relu1(self.bn1(self.conv1(x)))  # (C1, W, W)
        f = self.relu2(self.bn2(self.conv2(f)))  # (C1, W/S, W/S)
        f = self.bn3(self.conv3(f))  # (C_out, W/S, W/S): F(x), no ReLU yet
        # Reusing the name frees F(x), so the ReLU can reuse its memory: 10 % of the whole time.
        f = self.add(f, self.shortcut(x))  # (C_out, W/S, W/S): the sum
        return self.relu3(f)


class BTNK2(Bottleneck):
    """The identity block: y = ReLU(F(x) + x). (C, W, W) → (C, W, W). Paper, eq. (1).

    C, C1: channels in and out, and inside: C/4 unless given, and then C must be divisible by 4.
    groups, dilation: of the 3×3 convolution (ResNeXt; stride replaced by dilation).
    """

    def __init__(self, C, *, C1=None, groups=1, dilation=1, norm_layer=nn.BatchNorm2d):
        C1 = quarter(C) if C1 is None else C1
        super().__init__(C, C1, C, 1, nn.Identity(), groups=groups, dilation=dilation, norm_layer=norm_layer)


class BTNK1(Bottleneck):
    """The projection block: y = ReLU(F(x) + G(x)). (C, W, W) → (4·C1, W/S, W/S). Paper, eq. (2).

    C, C1, S: channels in; channels inside; stride of the block, once in F and once in G. W/S rounds up.
    stride_on: which convolution of F takes S. "3x3" is v1.5, as in every published PyTorch checkpoint; "1x1" is
          v1, as in the paper. Keys and shapes of the weights are the same, only the results differ.
    C_out: channels out; 4·C1 unless given (ResNeXt and Wide ResNet widen C1 alone).
    groups, dilation: of the 3×3 convolution.
    """

    def __init__(self, C, C1, S=1, *, stride_on="3x3", C_out=None, groups=1, dilation=1, norm_layer=nn.BatchNorm2d):
        check(C=C, C1=C1, S=S)
        C_out = 4 * C1 if C_out is None else C_out
        check(C_out=C_out)  # before the projection is built from it
        options = {"stride_on": stride_on, "groups": groups, "dilation": dilation, "norm_layer": norm_layer}
        super().__init__(C, C1, C_out, S, Projection(C, C_out, S, norm_layer), **options)


class Projection(nn.Sequential):
    """G(x): one 1×1 convolution of stride S, and BN. (C, W, W) → (C_out, W/S, W/S). Paper, eq. (2), option B."""

    def __init__(self, C, C_out, S, norm_layer):
        super().__init__()
        self.conv = conv(C, C_out, 1, S)
        self.bn = norm_layer(C_out)


class Add(Checked):
    """The sum F(x) + shortcut(x), a step of its own so that it can be looked at before the last ReLU."""

    anatomy_kind = "SUM"

    check_call = staticmethod(check_sum)

    def forward(self, f, s):
        return f + s


class BasicBlock(Checked):
    """Two 3×3 convolutions and a shortcut, as in ResNet-18 and -34. Paper, Figure 5, left.

    (C, W, W) → (C1, W/S, W/S). The shortcut is the identity where the shapes allow it (C1 = C and S = 1),
    a projection elsewhere. C1 is C unless given.
    """

    def __init__(self, C, C1=None, S=1, *, norm_layer=nn.BatchNorm2d):
        super().__init__()
        C1 = C if C1 is None else C1
        check(C=C, C1=C1, S=S)
        self.C, self.C1, self.C_out, self.S = C, C1, C1, S
        self.conv1 = conv(C, C1, 3, S, padding=1)
        self.bn1 = norm_layer(C1)
        self.relu1 = nn.ReLU()
        self.conv2 = conv(C1, C1, 3, padding=1)
        self.bn2 = norm_layer(C1)
        self.shortcut = nn.Identity() if C1 == C and S == 1 else Projection(C, C1, S, norm_layer)
        self.add = Add()
        self.relu2 = nn.ReLU()

    def forward(self, x):  # (C, W, W)
        f = self.relu1(self.bn1(self.conv1(x)))  # (C1, W/S, W/S)
        f = self.bn2(self.conv2(f))  # (C1, W/S, W/S): F(x)
        f = self.add(f, self.shortcut(x))  # (C1, W/S, W/S): the sum
        return self.relu2(f)


def conv(C_in, C_out, kernel, S=1, *, padding=0, dilation=1, groups=1):
    """Return a convolution of a ResNet: no bias, since the BN after it would subtract it again, and weights drawn as
    published, normal with variance 2 / (kernel² · C_out) (He et al., arXiv 1502.01852, section 2.2, backward)."""
    layer = nn.Conv2d(C_in, C_out, kernel, S, padding, dilation, groups, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return layer
