"""Layers as learners write them by hand: what the styles of `tests.styles` are made of."""

import torch
from torch import nn
from torch.nn import functional as F


class OwnConv(nn.Module):
    def __init__(self, i, o, k, S, p):
        super().__init__()
        self.kernel, self.S, self.p = nn.Parameter(torch.empty(o, i, k, k)), S, p
        nn.init.kaiming_normal_(self.kernel)

    def forward(self, x):
        return F.conv2d(x, self.kernel, None, self.S, self.p)


class Matrix(nn.Module):
    def __init__(self, i, o, S):
        super().__init__()
        self.linear, self.S = nn.Linear(i, o, bias=False), S

    def forward(self, x):
        return self.linear(x[:, :, :: self.S, :: self.S].permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Einsum(nn.Module):
    def __init__(self, i, o, S):
        super().__init__()
        self.w, self.S = nn.Parameter(torch.randn(o, i) / i**0.5), S

    def forward(self, x):
        return torch.einsum("oi,bihw->bohw", self.w, x[:, :, :: self.S, :: self.S])


class Windows(nn.Module):
    def __init__(self, i, o, k, S, p):
        super().__init__()
        self.w, self.k, self.S, self.p = nn.Parameter(torch.randn(o, i * k * k) / 10), k, S, p

    def forward(self, x):
        H, W = ((n + 2 * self.p - self.k) // self.S + 1 for n in x.shape[2:])
        return (self.w @ F.unfold(x, self.k, padding=self.p, stride=self.S)).view(x.shape[0], -1, H, W)


class Norm(nn.BatchNorm2d):
    def __init__(self, C):
        super().__init__(C)


class Norms(nn.Module):
    def __init__(self, C):
        super().__init__()
        self.gamma, self.beta = nn.Parameter(torch.ones(C)), nn.Parameter(torch.zeros(C))
        self.register_buffer("mean", torch.zeros(C))
        self.register_buffer("var", torch.ones(C))

    def forward(self, x):
        return F.batch_norm(x, self.mean, self.var, self.gamma, self.beta, self.training)


class ByHand(nn.Module):
    def __init__(self, C):
        super().__init__()
        self.beta, self.gamma = nn.Parameter(torch.zeros(C)), nn.Parameter(torch.ones(C))
        self.register_buffer("m", torch.zeros(C))
        self.register_buffer("v", torch.ones(C))

    def forward(self, x):
        m, v = self.m, self.v
        if self.training:
            m, v = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
            n = x.numel() / x.size(1)
            with torch.no_grad():
                self.m.mul_(0.9).add_(0.1 * m)
                self.v.mul_(0.9).add_(0.1 * v * n / (n - 1))
        m, v, g, b = (t[:, None, None] for t in (m, v, self.gamma, self.beta))
        return g * (x - m) / torch.sqrt(v + 1e-5) + b


class Shaped(nn.Module):
    def __init__(self, C, eps=1e-5, momentum=0.1):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, C, 1, 1))
        self.bias = nn.Parameter(torch.zeros(1, C, 1, 1))
        self.register_buffer("running_mean", torch.zeros(1, C, 1, 1))
        self.register_buffer("running_var", torch.ones(1, C, 1, 1))
        self.eps, self.momentum = eps, momentum

    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean = x.mean(dim=(0, 2, 3), keepdim=True)
            var = ((x - mean) ** 2).mean(dim=(0, 2, 3), keepdim=True)
            n = x.shape[0] * x.shape[2] * x.shape[3]
            self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean.detach()
            self.running_var = (1 - self.momentum) * self.running_var + self.momentum * var.detach() * n / (n - 1)
        return self.weight * ((x - mean) * torch.rsqrt(var + self.eps)) + self.bias


class Code(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f

    def forward(self, x):
        return self.f(x)


class Layer(nn.Module):
    def __init__(self, *steps):
        super().__init__()
        for i, step in enumerate(steps):
            self.add_module(f"step{i}", step)
        self.n = len(steps)

    def forward(self, x):
        for i in range(self.n):
            x = getattr(self, f"step{i}")(x)
        return x


class Loop(nn.Module):
    def __init__(self, blocks):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


class FirstAndRest(nn.Module):
    def __init__(self, first, rest):
        super().__init__()
        self.rest, self.first = rest, first

    def forward(self, x):
        return self.rest(self.first(x))


class Stubborn(nn.BatchNorm2d):
    """Takes the batch's statistics in eval() too."""

    def forward(self, x):
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, True)


class Frozen(nn.BatchNorm2d):
    """Takes the stored statistics in training mode too."""

    def forward(self, x):
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias)


class OneGroup(nn.GroupNorm):
    def __init__(self, C):
        super().__init__(1, C)
