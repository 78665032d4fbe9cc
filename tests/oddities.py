"""Unusual ways to write a BTNK1, right ones and wrong ones, each an edit of one text.

What a row makes is judged by `tests.test_oddities`; `tests.styles` draws from the usual ways.
"""

BTNK1 = """
class MyBTNK1(nn.Module):
    def __init__(self, C, C1, S=1):
        super().__init__()
        self.S = S
        self.conv1 = nn.Conv2d(C, C1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(C1)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(C1, C1, 3, stride=S, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(C1)
        self.relu2 = nn.ReLU()
        self.conv3 = nn.Conv2d(C1, 4 * C1, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * C1)
        self.side = nn.Conv2d(C, 4 * C1, 1, stride=S, bias=False)
        self.side_bn = nn.BatchNorm2d(4 * C1)

    def forward(self, x):
        f = self.conv1(x)
        f = self.bn1(f)
        f = self.relu1(f)
        f = self.conv2(f)
        f = self.bn2(f)
        f = self.relu2(f)
        f = self.conv3(f)
        f = self.bn3(f)
        s = self.side(x)
        s = self.side_bn(s)
        return F.relu(f + s)
"""

PIECES = """
from torch.nn.utils import parametrizations, parametrize
from torch.utils.checkpoint import checkpoint

class Halves(nn.Module):
    def __init__(self, i, o, S):
        super().__init__()
        self.w, self.S, self.i = nn.Parameter(torch.randn(o, i, 1, 1) / 10), S, i
    def forward(self, x):
        h = self.i // 2
        return F.conv2d(x[:, :h], self.w[:, :h], stride=self.S) + F.conv2d(x[:, h:], self.w[:, h:], stride=self.S)

class Shifted(nn.Module):
    def __init__(self, C, S):
        super().__init__()
        self.w, self.S = nn.Parameter(torch.randn(C, C, 3, 3) / 10), S
    def forward(self, x):
        H, W = x.shape[2:]
        x = F.pad(x, (1, 1, 1, 1))
        at = [(a, b) for a in range(3) for b in range(3)]
        y = sum(torch.einsum("oi,bihw->bohw", self.w[:, :, a, b], x[:, :, a : a + H, b : b + W]) for a, b in at)
        return y[:, :, :: self.S, :: self.S]

class Vmapped(nn.Module):
    def __init__(self, i, o, S):
        super().__init__()
        self.w, self.S = nn.Parameter(torch.randn(o, i) / 10), S
    def forward(self, x):
        return torch.vmap(lambda one: torch.einsum("oi,ihw->ohw", self.w, one))(x[..., :: self.S, :: self.S])

class Affine(nn.Module):
    def __init__(self, C):
        super().__init__()
        self.bn, self.g = nn.BatchNorm2d(C, affine=False), nn.Parameter(torch.ones(C))
        self.b = nn.Parameter(torch.zeros(C))
    def forward(self, x):
        return self.bn(x) * self.g.view(-1, 1, 1) + self.b.view(-1, 1, 1)

class Folded(nn.BatchNorm2d):
    def forward(self, x):
        if self.training:
            return super().forward(x)
        k = self.weight / (self.running_var + self.eps).sqrt()
        return x * k[:, None, None] + (self.bias - self.running_mean * k)[:, None, None]

class Loose(nn.Module):
    def __init__(self, C):
        super().__init__()
        self.g, self.b = nn.Parameter(torch.ones(C)), nn.Parameter(torch.zeros(C))
        self.mean, self.var = torch.zeros(C), torch.ones(C)
    def forward(self, x):
        return F.batch_norm(x, self.mean, self.var, self.g, self.b, self.training)
    def by_hand(self, x):
        mean, var = (x.mean((0, 2, 3)), x.var((0, 2, 3))) if self.training else (self.mean, self.var)
        mean, var, g, b = (t[:, None, None] for t in (mean, var, self.g, self.b))
        return (x - mean) / (var + 1e-5).sqrt() * g + b

class FirstUse(nn.Module):
    def __init__(self, o, S):
        super().__init__()
        self.conv, self.o, self.S = None, o, S
    def forward(self, x):
        if self.conv is None:
            self.conv = nn.Conv2d(x.shape[1], self.o, 1, self.S, bias=False)
        return self.conv(x)
"""

CONV1, CONV2 = "nn.Conv2d(C, C1, 1, bias=False)", "nn.Conv2d(C1, C1, 3, stride=S, padding=1, bias=False)"
CONV3, SIDE = "nn.Conv2d(C1, 4 * C1, 1, bias=False)", "nn.Conv2d(C, 4 * C1, 1, stride=S, bias=False)"
BN1 = "self.bn1 = nn.BatchNorm2d(C1)"
INIT, METHODS = "        self.S = S\n", "    def forward(self, x):\n"
OWN_BN = "f = F.batch_norm(f, {}, {}, self.bn1.{}, self.bn1.{}, self.training)"


def into(old, *new):
    """An edit: what stands there, and what is to stand there instead."""
    return old, "\n        ".join(new)


def last(line):
    """An edit: a last line of __init__."""
    return METHODS, f"        {line}\n\n{METHODS}"


def method(*lines):
    return METHODS, "".join(f"    {line}\n" for line in lines) + "\n" + METHODS


def called(layer, *new):
    """An edit: what forward says where it calls a layer."""
    return into(f"f = self.{layer}(f)", *new)


RIGHT = {
    "halves of the channels in": [into(SIDE, "Halves(C, 4 * C1, S)")],
    "nine shifted products": [into(CONV2, "Shifted(C1, S)")],
    "vmap": [into(SIDE, "Vmapped(C, 4 * C1, S)")],
    "factor and offset after BN": [into(BN1, "self.bn1 = Affine(C1)")],
    "folded in eval()": [into(BN1, "self.bn1 = Folded(C1)")],
    "a transposed 1×1": [into(CONV3, "nn.ConvTranspose2d(C1, 4 * C1, 1, bias=False)")],
    "conv3d": [
        into(CONV3, "nn.Conv3d(C1, 4 * C1, 1, bias=False)"),
        called("conv3", "f = self.conv3(f[:, :, None])[:, :, 0]"),
    ],
    "a linear layer": [
        into(CONV3, "nn.Linear(C1, 4 * C1, bias=False)"),
        called("conv3", "f = self.conv3(f.movedim(1, -1)).movedim(-1, 1)"),
    ],
    "bmm": [
        called(
            "conv3",
            "w = self.conv3.weight.flatten(1).expand(f.shape[0], -1, -1)",
            "f = torch.bmm(w, f.flatten(2)).unflatten(2, f.shape[2:])",
        )
    ],
    "a checkpoint": [called("conv2", "f = checkpoint(self.conv2, f, use_reentrant=False)")],
    "a reentrant checkpoint": [called("conv2", "f = checkpoint(self.conv2, f, use_reentrant=True)")],
    "functional_call": [
        called("conv2", "f = torch.func.functional_call(self.conv2, dict(self.conv2.named_parameters()), (f,))")
    ],
    "a parametrization that does nothing": [
        last("parametrize.register_parametrization(self.conv2, 'weight', nn.Identity())")
    ],
    "hooks that do nothing": [
        last("self.conv1.register_forward_hook(lambda m, a, out: None)"),
        last("self.conv2.register_full_backward_hook(lambda m, a, out: None)"),
    ],
    "a hook that is the ReLU": [
        called("relu1", "pass"),
        last("self.bn1.register_forward_hook(lambda m, a, out: out.relu())"),
    ],
    "channels last": [last("self.to(memory_format=torch.channels_last)")],
    "in float64 inside": [called("relu2", "f = self.relu2(f.double()).float()")],
    "a dropout of 0": [into("self.relu1 = nn.ReLU()", "self.relu1 = nn.Sequential(nn.ReLU(), nn.Dropout(0.0))")],
    "picture by picture": [into("s = self.side(x)", "s = torch.stack([self.side(one) for one in x])")],
    "two halves of the sum": [into("f + s", "torch.cat([f[:, :2] + s[:, :2], f[:, 2:] + s[:, 2:]], 1)")],
    "__getattr__": [
        method("def __getattr__(self, name):", "    return super().__getattr__(name.lower())"),
        into("self.conv1(x)", "self.CONV1(x)"),
    ],
    "train() gives nothing": [method("def train(self, mode=True):", "    super().train(mode)")],
    "made by type()": [("", "")],
}
MADE = {"made by type()": "Made = type('Made', (MyBTNK1,), {'forward': MyBTNK1.forward})"}

NO_MODES = ("only in eval", "only in training")
# name → (edits, the kind that must be found, kinds that must not)
WRONG = {
    "eps=0": ([into(BN1, "self.bn1 = nn.BatchNorm2d(C1, eps=0)")], "eps", ()),
    "eps=1e-6": ([into("nn.BatchNorm2d(4 * C1)", "nn.BatchNorm2d(4 * C1, eps=1e-6)")], "eps", NO_MODES),
    "a factor before BN": ([called("bn1", "f = self.bn1(1.5 * f)")], "numbers differ before", NO_MODES),
    "almost a ReLU": (
        [into("self.relu1 = nn.ReLU()", "self.relu1 = nn.LeakyReLU(1e-4)")],
        "numbers differ before",
        NO_MODES,
    ),
    "a result by shape": (
        [called("relu2", "f = self.__dict__.setdefault('kept', {}).setdefault((self.training, f.shape), f).relu()")],
        "numbers differ before",
        NO_MODES,
    ),
    "twice in eval()": ([called("relu1", "f = self.relu1(f) * (1 if self.training else 2)")], "only in eval", ()),
    "BN of the first picture": (
        [called("bn1", "_ = self.bn1(f[:1]) if self.training else 0", "f = self.bn1(f)")],
        "called several times",
        (),
    ),
    "a number as a parameter": ([last("self.t = nn.Parameter(torch.tensor(1.0))")], "stray", ()),
    "train() without a mode": ([method("def train(self):", "    super().train()")], "too many arguments", ()),
    "weight_norm": ([into(CONV3, f"parametrizations.weight_norm({CONV3})")], "computed weight", ()),
    "spectral_norm": ([into(CONV2, f"parametrizations.spectral_norm({CONV2})")], "computed weight", ()),
    "a copy of the weight": (
        [called("conv2", "f = F.conv2d(f, self.conv2.weight.detach().clone(), stride=self.S, padding=1)")],
        "nothing runs back|gradients differ",
        ("unregistered",),
    ),
    "a kernel on its side": (
        [called("conv2", "f = F.conv2d(f, self.conv2.weight.transpose(2, 3), stride=self.S, padding=1)")],
        "numbers differ",
        (),
    ),
    "factor and offset exchanged": (
        [called("bn1", OWN_BN.format("self.bn1.running_mean", "self.bn1.running_var", "bias", "weight"))],
        "numbers differ",
        ("layer too many",),
    ),
    "copies of mean and variance": (
        [
            called(
                "bn1", OWN_BN.format("self.bn1.running_mean.clone()", "self.bn1.running_var.clone()", "weight", "bias")
            )
        ],
        "running statistics",
        NO_MODES,
    ),
    "mean and variance as tensors": ([into(BN1, "self.bn1 = Loose(C1)")], "statistics loose", ("norm missing",)),
    "mean and variance as tensors, by hand": (
        [into(BN1, "self.bn1 = Loose(C1)"), last("self.bn1.forward = self.bn1.by_hand")],
        "statistics loose",
        ("norm missing",),
    ),
    "made at first use": ([into(SIDE, "FirstUse(4 * C1, S)")], "made in forward", ("by chance",)),
    "a dropout that hardly drops": (
        [called("conv2", "f = F.dropout(self.conv2(f), 1e-7, self.training)")],
        "dropout",
        (),
    ),
    "no gradient in eval()": (
        [called("conv2", "f = self.conv2(f) if self.training else torch.no_grad()(self.conv2)(f)")],
        "nothing runs back",
        (),
    ),
    "another for wide maps": (
        [called("relu1", "f = self.relu1(f) * (2 if x.shape[3] > 100 else 1)")],
        "numbers differ before",
        (),
    ),
    "another for high maps": (
        [called("relu1", "f = self.relu1(f) * (2 if x.shape[2] > 100 else 1)")],
        "numbers differ before",
        (),
    ),
}


def source(edits, more=""):
    """The text with these edits."""
    text = BTNK1
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new, 1)
    return f"{PIECES}\n{text}\n{more}\n"
