"""Solutions as learners write them, right ones in several styles and wrong ones: each check must accept all of the
first and refuse all of the others, with the sentence that names the mistake.

    python -m tests.mutants     # the figures: how many of each, and how many were told apart

These are parts, written here; `tests.mutated` makes those of functions.
"""

import sys
import time
from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional as F

from resnet_lib.exercises import (
    Wrong,
    check_btnk1,
    check_btnk2,
    check_network,
    check_projection,
    check_stage,
    check_stem,
)

# ── Styles ───────────────────────────────────────────────────────────────────────────────────────────────────


class BNByHand(nn.Module):
    """BN written as arithmetic."""

    def __init__(self, C):
        super().__init__()
        self.beta, self.gamma = nn.Parameter(torch.zeros(C)), nn.Parameter(torch.ones(C))
        self.register_buffer("m", torch.zeros(C))
        self.register_buffer("v", torch.ones(C))

    def forward(self, x):
        mean, var = self.m, self.v
        if self.training:
            n = x.numel() / x.shape[1]
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
            with torch.no_grad():
                self.m.lerp_(mean, 0.1)
                self.v.lerp_(var * n / (n - 1), 0.1)
        x = (x - mean.view(1, -1, 1, 1)) / (var.view(1, -1, 1, 1) + 1e-5).sqrt()
        return x * self.gamma.view(1, -1, 1, 1) + self.beta.view(1, -1, 1, 1)


class StubbornBN(nn.BatchNorm2d):
    """Takes the batch's statistics in eval() too."""

    def forward(self, x):
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, True)


class FrozenBN(nn.BatchNorm2d):
    """Takes the stored statistics in training mode too."""

    def forward(self, x):
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias)


STYLES = ("modules", "backwards", "other names", "in place", "functions", "BN by hand", "linear", "shortcut first")


class Learner(nn.Module):
    """A part whose layers are made and called in a style. `wrong` is a set of mistakes."""

    style, wrong = "modules", frozenset()

    def make(self, **layers):
        """layers: name → (C_in, C_out, kernel, stride, padding, more) of a convolution, or channels of a BN."""
        self.__dict__["calls"] = {}
        order = reversed(layers.items()) if self.style == "backwards" else layers.items()
        for i, (name, numbers) in enumerate(order):
            own = f"piece_{i}" if self.style == "other names" else name
            self.calls[name] = self._norm(own, numbers) if isinstance(numbers, int) else self._conv(own, *numbers)

    def _conv(self, name, i, o, k, S, p, **more):
        layer = nn.Conv2d(i, o, k, S, p, bias="bias" in self.wrong)
        if self.style == "functions" and layer.bias is None:
            self.register_parameter(f"w_{name}", layer.weight)
            return lambda x: F.conv2d(x, getattr(self, f"w_{name}"), stride=S, padding=p)
        if self.style == "linear" and k == 1 and p == 0 and layer.bias is None:
            layer = nn.Linear(i, o, bias=False)
            setattr(self, name, layer)
            return lambda x: layer(x[:, :, ::S, ::S].permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        if "plain list" in self.wrong:
            self.__dict__.setdefault("hidden", []).append(layer)
        else:
            setattr(self, name, layer)
        return layer

    def _norm(self, name, C):
        if self.style == "functions":
            for role, t in (("g", torch.ones(C)), ("b", torch.zeros(C))):
                self.register_parameter(f"{role}_{name}", nn.Parameter(t))
            self.register_buffer(f"mean_{name}", torch.zeros(C))
            self.register_buffer(f"var_{name}", torch.ones(C))

            def call(x):
                stats = getattr(self, f"mean_{name}"), getattr(self, f"var_{name}")
                more = getattr(self, f"g_{name}"), getattr(self, f"b_{name}")
                training = "stubborn BN" in self.wrong or self.training and "frozen BN" not in self.wrong
                return F.batch_norm(x, *stats, *more, training=training)

            return call
        kind = BNByHand if self.style == "BN by hand" else nn.BatchNorm2d
        kind = StubbornBN if "stubborn BN" in self.wrong else FrozenBN if "frozen BN" in self.wrong else kind
        setattr(self, name, layer := kind(C))
        return layer

    def relu(self, x):
        if "leaky" in self.wrong:
            return F.leaky_relu(x, 0.01)
        if self.style == "in place":
            return F.relu(x, inplace=True)
        return x.clamp(min=0) if self.style == "BN by hand" else F.relu(x)


def learner(base, style="modules", *wrong):
    """The class with that style and those mistakes, under a learner's name."""
    name = "My" + base.__name__.removeprefix("Learners")
    return type(name, (base,), {"style": style, "wrong": frozenset(wrong)})


# ── The parts ────────────────────────────────────────────────────────────────────────────────────────────────


class LearnersStem(Learner):
    def __init__(self, C, C1):
        w = self.wrong
        if "no super" not in w:
            super().__init__()
        else:
            nn.Module.__setattr__(self, "conv", nn.ReLU())
        k, S, p = 5 if "5x5" in w else 7, 1 if "conv stride 1" in w else 2, 0 if "no padding" in w else 3
        p = 2 if "padding 2" in w or "5x5" in w else p
        layers = dict(conv=(C, 64 if "64 typed in" in w else C1, k, S, p), bn=C1)
        if "C forgotten" in w:
            layers["conv"] = (3, *layers["conv"][1:])
        if "no bn" in w:
            del layers["bn"]
        if "second conv" in w:
            layers["conv2"] = (C1, C1, 3, 1, 1)
        self.make(**layers)

    def forward(self, x):
        w, c = self.wrong, self.calls
        f = c["conv"](x)
        if "second conv" in w:
            f = c["conv2"](f)
        if "swap" in w:
            f = c["bn"](self.relu(f))
        else:
            f = f if {"no bn", "bn not called"} & w else c["bn"](f)
            f = f if "no relu" in w else self.relu(f)
        if "no pool" in w:
            return f
        if "average" in w:
            return F.avg_pool2d(f, 3, 2, 1)
        if "None" in w:
            return None
        if "misspelt" in w:
            return self.pol(f)
        return F.max_pool2d(
            f, 2 if "pool 2" in w else 3, 2, 0 if {"pool 2", "pool unpadded"} & w else 1, ceil_mode="ceil" in w
        )


class LearnersProjection(Learner):
    def __init__(self, C, C_out, S):
        super().__init__()
        w = self.wrong
        S, k = 1 if "no stride" in w else 2 if "stride 2 typed in" in w else S, 3 if "3x3" in w else 1
        layers = dict(conv=(C, C_out, k, S, 1 if {"3x3", "padded"} & w else 0), bn=C_out)
        if "exchanged" in w:
            layers["conv"] = (C_out, C, k, S, 0)
        if "not made" in w:
            del layers["bn"]
        self.make(**layers)

    def forward(self, x):
        w, c = self.wrong, self.calls
        g = c["conv"](x)
        if "no pixel skipped" in w:
            return c["bn"](F.avg_pool2d(c["conv"](x), 1))
        g = g if {"bn not called", "not made"} & w else c["bn"](g)
        g = F.relu(g) if "relu" in w else g
        if "None" in w:
            return None
        return g.detach() if "detached" in w else g


class LearnersBlock(Learner):
    """Both blocks; `fixed` is BTNK2."""

    def __init__(self, C, C1=None, S=1):
        super().__init__()
        w, fixed = self.wrong, C1 is None
        self.fixed = fixed
        C1 = C // 4 if fixed else C1
        out = C1 if "C1 at the end" in w else 4 * C1
        C1 = C // 2 if "C/2 inside" in w else C / 4 if "float" in w else C1
        S1, S3 = (S, 1) if "stride on the 1x1" in w else (1, 1) if {"no stride in F", "no stride"} & w else (1, S)
        SG = 1 if {"no stride in G", "no stride"} & w else S
        k, p = (5, 2) if "5x5" in w else (3, 0) if "no padding" in w else (3, 1)
        layers = dict(
            conv1=(C, C1, 1, S1, 0), bn1=C1, conv2=(C1, C1, k, S3, p), bn2=C1, conv3=(C1, out, 1, 1, 0), bn3=out
        )
        if "float" in w:
            nn.Conv2d(C, C1, 1)
        if not fixed and not ("projected only for S > 1" in w and S == 1) and "no projection" not in w:
            side = dict(g=(C, 4 * C1, 1, SG, 0), gn=4 * C1)
            if "projection without BN" in w:
                del side["gn"]
            layers = {**side, **layers} if self.style == "shortcut first" else {**layers, **side}
        if "projected" in w:
            layers |= dict(g=(C, C, 1, 1, 0), gn=C)
        if "bn2 not made" in w:
            del layers["bn2"]
        if "one bn for two" in w:
            del layers["bn2"]
        self.make(**layers)

    def forward(self, x):
        w, c = self.wrong, self.calls
        s = self.side(x) if self.style == "shortcut first" else None
        f = x
        for k in (1, 2):
            f = c[f"conv{k}"](f)
            if k == 2 and "one bn for two" in w:
                f = self.relu(c["bn1"](f))
                continue
            if f"swap{k}" in w:
                f = c[f"bn{k}"](self.relu(f))
                continue
            if not {f"bn{k} not called", f"bn{k} not made"} & w:
                f = c[f"bn{k}"](f)
            f = f if f"no relu{k}" in w else self.relu(f)
        f = c["conv3"](f)
        if "bn3 after the sum" in w:
            return self.relu(c["bn3"](f + self.side(x)))
        f = f if "bn3 not called" in w else c["bn3"](f)
        s = self.side(x) if s is None else s
        if "x overwritten" in w:
            x = s = f
        f = F.relu(f) if {"relu before the sum", "relu on F too"} & w else f
        if "into x" in w:
            y = x.add_(f) if self.fixed else x[:, :1].zero_().sum() + f + s
        else:
            y = f if "no sum" in w else s if "F forgotten" in w else (f + s) / 2 if "mean" in w else f + s
        if "product" in w:
            y = f * s
        if "None" in w:
            return None
        if "tuple" in w:
            return y, f
        y = y if {"no last relu", "relu before the sum"} & w else self.relu(y)
        return y.detach() if "detached" in w else y

    def side(self, x):
        if "g" not in self.calls:
            return x
        s = self.calls["g"](x)
        s = self.calls["gn"](s) if "gn" in self.calls and "gn not called" not in self.wrong else s
        return F.relu(s) if "relu on the shortcut" in self.wrong else s


def stage(style="modules", *wrong):
    """make_stage, of the learner's own blocks."""
    block = learner(LearnersBlock, style, *wrong)

    class Threaded(nn.Module):
        def __init__(self, *parts):
            super().__init__()
            self.parts = list(parts) if "hidden" in wrong else nn.ModuleList(parts)

        def forward(self, x):
            for i, part in enumerate(self.parts):
                if not ("last left out" in wrong and i == len(self.parts) - 1 and i):
                    x = part(x)
            return x

    def make_stage(C, C1, S, n):
        if "C1 for 4·C1" in wrong:
            return nn.Sequential(block(C, C1, S), *(block(C1) for _ in range(n - 1)))
        if "all BTNK1" in wrong:
            return nn.Sequential(block(C, C1, S), *(block(4 * C1, C1, 1) for _ in range(n - 1)))
        if "repeated" in wrong:
            return nn.Sequential(block(C, C1, S), *[block(4 * C1)] * (n - 1))
        if "n forgotten" in wrong:
            return nn.Sequential(block(C, C1, S), block(4 * C1), block(4 * C1))
        if "one more" in wrong:
            return nn.Sequential(block(C, C1, S), *(block(4 * C1) for _ in range(n)))
        if "S forgotten" in wrong:
            return nn.Sequential(block(C, C1, 1), *(block(4 * C1) for _ in range(n - 1)))
        if "every block strided" in wrong:
            return nn.Sequential(block(C, C1, S), *(block(4 * C1, C1, S) for _ in range(n - 1)))
        if "a list" in wrong:
            return [block(C, C1, S), *(block(4 * C1) for _ in range(n - 1))]
        if "None" in wrong:
            return None
        if "list in Sequential" in wrong:
            return nn.Sequential([block(C, C1, S), *(block(4 * C1) for _ in range(n - 1))])
        parts = [block(C, C1, S), *(block(4 * C1) for _ in range(n - 1))]
        loop = style in ("functions", "other names") or {"hidden", "last left out"} & set(wrong)
        return Threaded(*parts) if loop else nn.Sequential(OrderedDict((f"b{i}", b) for i, b in enumerate(parts)))

    return make_stage


def network(style="modules", *wrong):
    """A thin ResNet of blocks 2, 2, 1, 1 and 8 channels."""
    at = {w.split(": ")[0]: w.split(": ")[1] for w in wrong if ": " in w}

    class MyResNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = learner(LearnersStem, style, *([at["stem"]] if "stem" in at else []))(3, 8)
            counts = (2, 3, 1, 1) if "3 blocks in Stage 2" in wrong else (2, 2, 1, 1)
            C = 8
            for i, n in enumerate(counts):
                make = stage(style, *([at[f"stage{i + 1}"]] if f"stage{i + 1}" in at else []))
                C1, S = 8 * 2**i, 1 if i == 0 and "Stage 1 strided" not in wrong else 2
                S = 1 if i == 3 and "Stage 4 unstrided" in wrong else S
                setattr(self, f"part{i}", make(C, C1, S, n))
                C = 4 * C1
            self.last = nn.Linear(C, 7 if "classes" in wrong else 10, bias="fc without bias" not in wrong)

        def forward(self, x):
            x = self.first(x)
            for i in range(4):
                if not (i == 2 and "Stage 3 left out" in wrong):
                    x = getattr(self, f"part{i}")(x)
            x = x.amax((2, 3)) if "max in the head" in wrong else x.mean((2, 3))
            x = self.last(x)
            return x.softmax(1) if "softmax" in wrong else x

    return MyResNet


def check_thin(make):
    return check_network(make, blocks=(2, 2, 1, 1), base=8, num_classes=10)


# ── Every check with what is right and what is wrong ─────────────────────────────────────────────────────────

NUMBERS = {  # mistakes of a block that no shape tells → what the sentence must say
    "no relu1": "no ReLU after bn1",
    "no relu2": "no ReLU after bn2",
    "no last relu": "no ReLU after the sum",
    "relu before the sum": "ReLU comes before the sum",
    "swap1": "ReLU comes before bn1",
    "swap2": "ReLU comes before bn2",
    "bn1 not called": "bn1 is left out|BN is missing|forward never calls",
    "bn2 not called": "bn2 is left out|BN is missing",
    "bn3 not called": "bn3 is left out|BN is missing",
    "bn3 after the sum": "bn3 comes after the sum",
    "no sum": "the shortcut is left out",
    "F forgotten": "F(x) is left out",
    "mean": "averaged; they should be added",
    "product": "multiplied; they should be added",
    "leaky": "LeakyReLU",
    "stubborn BN": "uses the statistics of the batch",
    "frozen BN": "uses its stored statistics",
}
SHAPES = {
    "bias": "has a bias",
    "C1 at the end": "C1 where 4·C1 is due",
    "bn2 not made": "BN is missing",
    "one bn for two": "is used 2 times",
    "5x5": "has a kernel of 5×5; it should be 3×3",
    "no padding": "conv2 has padding 0",
    "C/2 inside": "twice as many|and give 4",
    "float": "divide with //",
    "None": "gives None",
    "tuple": "should give one tensor",
    "detached": "cut off from the weights",
    "into x": "overwrites its own input x",
    "plain list": "not into a plain list",
}
BLOCK = {**NUMBERS, **SHAPES}
BTNK2_ALONE = {
    "projected": "An identity block adds x itself",
    "x overwritten": "",
}
BTNK1_ALONE = {
    "relu on F too": "ReLU on F(x) before the sum",
    "relu on the shortcut": "ReLU on the shortcut",
    "projection without BN": "none after the projection",
    "gn not called": "shortcut.bn is left out|BN is missing",
    "projected only for S > 1": "Stage 1 has S = 1 and needs its projection too",
    "no projection": "has no projection",
    "stride on the 1x1": "stride sits on the first 1×1",
    "no stride in F": "F has no stride",
    "no stride in G": "projection has no stride",
    "no stride": "the block has S = 1; it should be 2",
}
STEM = {
    "no super": "super().__init__()",
    "5x5": "has a kernel of 5×5; it should be 7×7",
    "conv stride 1": "convolution has stride 1; it should be 2",
    "no padding": "convolution has padding 0; it should be 3",
    "padding 2": "convolution has padding 2; it should be 3",
    "64 typed in": "gives 64|is given 64",
    "C forgotten": "takes 3 channels|made for 3 channels",
    "no bn": "BN is missing",
    "bn not called": "bn is left out|BN is missing",
    "second conv": "too many",
    "swap": "the ReLU comes before bn",
    "no relu": "no ReLU after bn",
    "no pool": "there is no pooling",
    "average": "the pooling is an average",
    "pool 2": "kernel 2, stride 2, padding 0",
    "pool unpadded": "kernel 3, stride 2, padding 0",
    "None": "gives None",
    "misspelt": "forward uses self.pol",
    "bias": "has a bias",
    "leaky": "LeakyReLU",
    "stubborn BN": "uses the statistics of the batch",
    "frozen BN": "uses its stored statistics",
    "plain list": "not into a plain list",
}
PROJECTION = {
    "no stride": "stride 1; it should be 2",
    "stride 2 typed in": "stride 2; it should be 1",
    "3x3": "has a kernel of 3×3; it should be 1×1",
    "padded": "a 1×1 needs no padding",
    "exchanged": "exchanged|made for 16 channels is given 12",
    "not made": "BN is missing",
    "bn not called": "bn is left out|BN is missing",
    "relu": "ReLU at the end of G",
    "None": "gives None",
    "detached": "cut off from the weights",
    "bias": "has a bias",
    "stubborn BN": "uses the statistics of the batch",
    "frozen BN": "uses its stored statistics",
    "plain list": "not into a plain list",
}
STAGE = {
    "C1 for 4·C1": "quarter of it|made for 8 channels is given 32",
    "all BTNK1": "too many",
    "repeated": "is used 2 times",
    "n forgotten": "missing|too many",
    "one more": "too many",
    "S forgotten": "block 1: the block has S = 1; it should be 2",
    "every block strided": "too many",
    "a list": "should make an nn.Module, and gives a list",
    "None": "gives None",
    "list in Sequential": "with the star",
    "hidden": "not into a plain list",
    "last left out": "",
    "no relu2": "no ReLU after bn2",
    "no last relu": "no ReLU after the sum",
    "stride on the 1x1": "stride sits on the first 1×1",
    "relu before the sum": "ReLU comes before the sum|ReLU on F(x) before the sum",
    "gn not called": "shortcut.bn is left out|BN is missing",
    "projection without BN": "none after the projection",
}
NETWORK = {
    "3 blocks in Stage 2": "Stage 2 has 3 blocks, and 2 are due",
    "Stage 1 strided": "stage1.0: the block has S = 2; it should be 1",
    "Stage 4 unstrided": "stage4.0: the block has S = 1; it should be 2",
    "Stage 3 left out": "has not called|made for 128 channels is given 64",
    "classes": "gives 7",
    "fc without bias": "bias",
    "max in the head": "the pooling takes the largest",
    "softmax": "softmax inside the network",
    "stem: no pool": "stage0: there is no pooling",
    "stem: no relu": "stage0: there is no ReLU after bn",
    "stage2: no last relu": "stage2.0: there is no ReLU after the sum",
    "stage3: stride on the 1x1": "stage3.0: the stride sits on the first 1×1",
    "stage1: projected only for S > 1": "needs its projection too|channels of the two terms differ, 32 and 8",
    "stage4: relu before the sum": "ReLU comes before the sum|ReLU on F(x) before the sum",
}


def _kinds(base):
    return lambda style, *wrong: learner(base, style, *wrong)


# check → (how a solution is made, the check, styles, mistakes)
CHECKS = {
    "stem": (_kinds(LearnersStem), check_stem, STYLES[:6], STEM),
    "projection": (_kinds(LearnersProjection), check_projection, STYLES[:7], PROJECTION),
    "BTNK2": (_kinds(LearnersBlock), check_btnk2, STYLES[:7], {**BLOCK, **BTNK2_ALONE}),
    "BTNK1": (_kinds(LearnersBlock), check_btnk1, STYLES, {**BLOCK, **BTNK1_ALONE}),
    "stage": (stage, check_stage, STYLES, STAGE),
    "network": (network, check_thin, STYLES, NETWORK),
}

# Mistakes that a style cannot make.
IMPOSSIBLE = {
    ("functions", "plain list"),
    ("functions", "bias"),
    ("linear", "bias"),
    ("linear", "plain list"),
    ("BN by hand", "stubborn BN"),
    ("BN by hand", "frozen BN"),
    ("linear", "padded"),
    ("linear", "3x3"),
}


def right():
    """(check, style) of all right solutions."""
    return [(name, style) for name, (_, _, styles, _) in CHECKS.items() for style in styles]


def wrong(styles=None):
    """(check, style, mistake, what the sentence must say) of all wrong ones."""
    return [
        (name, style, mistake, said)
        for name, (_, _, own, mistakes) in CHECKS.items()
        for style in own
        for mistake, said in mistakes.items()
        if (style, mistake) not in IMPOSSIBLE and (styles is None or style in styles)
    ]


def judge(name, style, *mistakes):
    """What the check says: (ok, text)."""
    make, check, *_ = CHECKS[name]
    try:
        return True, str(check(make(style, *mistakes)))
    except Wrong as error:
        return False, str(error)


def names(text, said):
    """Whether a text says what it must: one of the wordings between the bars."""
    return any(part.lower() in text.lower() for part in said.split("|"))


def main():
    began = time.monotonic()
    print(f"{'check':12} {'right':>6} {'accepted':>9} {'wrong':>7} {'refused':>8} {'named':>7}")
    bad = []
    for name in CHECKS:
        verdicts = {style: judge(name, style) for n, style in right() if n == name}
        accepted = [ok for ok, _ in verdicts.values()]
        bad += [(name, style, "right", text) for style, (ok, text) in verdicts.items() if not ok]
        refused, named = 0, 0
        mine = [case for case in wrong() if case[0] == name]
        for _, style, mistake, said in mine:
            ok, text = judge(name, style, mistake)
            refused += not ok
            good = not ok and names(text, said)
            named += good
            if not good:
                bad.append((name, style, mistake, "accepted" if ok else text.splitlines()[0]))
        print(f"{name:12} {len(accepted):6} {sum(accepted):9} {len(mine):7} {refused:8} {named:7}")
    print(f"{time.monotonic() - began:.0f} s on this machine")
    for case in bad:
        print("NOT TOLD", *case, sep=" | ")
    return len(bad)


if __name__ == "__main__":
    bad = 0 if sys.argv[1:] else main()
    from . import mutated

    print("\nMade by single edits. told: named, or an error of Python's that is explained")
    bad += len(mutated.report(sys.argv[1:]))
    sys.exit(bad > 0)
