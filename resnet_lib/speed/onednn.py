"""oneDNN's convolutions, which do the sum and the ReLU in one go.

oneDNN is the library that torch uses for convolutions on most processors. The functions called here are the ones that
torch's own compiler calls. They are inner functions of torch, another version may have other ones, so nothing else
touches them, and `can_join` tries them out.
"""

from functools import cache

import torch
from torch import nn

from .._common import gap


class Joined(nn.Module):
    """A convolution with what follows it, done to each value before it is written: ReLU(conv(x) + other).

    conv:  the convolution; relu: whether a ReLU follows.
    spare: whether `other` is needed by nobody else, so that the result may take its place in memory.
    shape: (batch, C, H, W) of the input that the order of the weights is chosen for; any other works too.
    Without gradients, and with maps in channels_last.
    """

    def __init__(self, conv, relu, spare, shape):
        super().__init__()
        self.relu, self.spare = relu, spare
        self.settings = (conv.padding, conv.stride, conv.dilation, conv.groups)
        # In oneDNN's own order, which no other function reads: so no parameter, and not in a state_dict.
        self.weight = torch._C._nn.mkldnn_reorder_conv2d_weight(
            conv.weight.detach().to_mkldnn(), *self.settings, list(shape)
        )
        self.bias = None if conv.bias is None else conv.bias.detach()
        self.described = f"{conv.in_channels} → {conv.out_channels} channels, {conv.kernel_size}"

    def forward(self, x, other=None):
        run = torch.ops.mkldnn
        after = "relu" if self.relu else None
        if other is None:
            return run._convolution_pointwise(x, self.weight, self.bias, *self.settings, after or "none", [], "")
        spare = self.spare
        if not spare and other.is_contiguous():
            # 1×1 maps and single channels are in both orders of memory at once: torch 2.6 refuses those.
            other, spare = other.clone(), True
        if spare:
            return run._convolution_pointwise_.binary(
                other, x, self.weight, self.bias, *self.settings, "add", 1.0, after, [], ""
            )
        return run._convolution_pointwise.binary(
            x, other, self.weight, self.bias, *self.settings, "add", 1.0, after, [], ""
        )

    def extra_repr(self):
        return f"{self.described}, relu={self.relu}"


@cache
def can_join(dtype=torch.float32):
    """Whether `Joined` works here, for numbers of that type: tried on one small convolution, with and without a sum."""
    if dtype not in (torch.float32, torch.bfloat16) or not torch.backends.mkldnn.is_available():
        return False
    conv, relu = nn.Conv2d(2, 2, 3).requires_grad_(False).to(dtype), nn.ReLU()
    x, other = torch.ones(1, 2, 5, 5, dtype=dtype), torch.ones(1, 2, 3, 3, dtype=dtype)
    x, other = (t.contiguous(memory_format=torch.channels_last) for t in (x, other))
    try:
        got = [Joined(conv, True, False, x.shape)(x, other), Joined(conv, True, True, x.shape)(x, other.clone())]
        got.append(Joined(conv, True, False, x.shape)(x))
    except (AttributeError, NotImplementedError, RuntimeError, TypeError):
        return False
    due = [relu(conv(x) + other)] * 2 + [relu(conv(x))]
    return all(gap(a, b)[1] < 0.05 for a, b in zip(got, due, strict=True))
