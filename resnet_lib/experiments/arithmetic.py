"""One value of one step, down to its multiplications: what it was made of, and that this really gives it.

Tensors and numbers, no pictures. Everything is computed again, in double precision, from what the step was given,
and held against what the step gave out.
"""

from dataclasses import dataclass

import torch
from torch import nn

from .._common import a_type, check_place, evaluating, pair, shape_text, step_called
from .._common.given import check_module
from ..activations import calls
from ..blocks import Add


@dataclass(frozen=True, eq=False, kw_only=True)
class Value:
    """One output value of a step.

    kind:    "CONV", "BN", "ReLU", "MAXPOOL", "SUM", "GLOBAL AVGPOOL", "FLATTEN", "LINEAR" or "identity".
    value:   computed here from the inputs, in double precision.
    output:  what the step gave out in the run, the same to its rounding.
    formula: the arithmetic as a short text, its numbers rounded to four digits.
    inputs:  the numbers it was made of, a tensor in double precision: a single one () for ReLU, BN, FLATTEN and
             identity; F(x) and the shortcut, (2), for SUM; see Products and Window for the others.
    """

    kind: str
    value: float
    output: float
    formula: str
    inputs: torch.Tensor


@dataclass(frozen=True, eq=False, kw_only=True)
class Window(Value):
    """A value made from a window of its input.

    inputs:  (kh, kw) for pooling; padding is −∞ for MAXPOOL.
    rows, columns: of the input under the window, kh and kw numbers; those outside 0 … H − 1 or W − 1 are padding.
    padding: how many numbers of `inputs` are padding.
    place:   for MAXPOOL, (row, column) of the largest in the input; the first of them where several are equal.
    """

    rows: tuple
    columns: tuple
    padding: int
    place: tuple | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Products(Window):
    """A value of a CONV or LINEAR step: the sum of its products, and the bias where there is one.

    inputs:   (C_in/groups, kh, kw), padding is 0; for LINEAR (C_in, 1, 1).
    weights:  of the same shape.
    channels: numbers of the input channels it sees, a range: all of them unless there are groups.
    bias:     None where there is none.
    """

    weights: torch.Tensor
    channels: range
    bias: float | None

    @property
    def products(self):
        """inputs × weights, one by one."""
        return self.inputs * self.weights

    @property
    def sums(self):
        """What each input channel contributes, (C_in/groups)."""
        return self.products.sum((1, 2))

    @property
    def macs(self):
        """Multiply-accumulates for this one value. Padding counts: what runs multiplies by its zeros."""
        return self.inputs.numel()

    def strongest(self, n=5):
        """The n input channels that contribute most, up or down: [(number of the channel, contribution)]."""
        sums = self.sums
        order = sums.abs().argsort(descending=True, stable=True)[:n].tolist()
        return [(self.channels[i], sums[i].item()) for i in order]


@dataclass(frozen=True, eq=False, kw_only=True)
class Normalised(Value):
    """A value of a BN step: first `standard` = (input − mean) / √(var + eps), then standard · weight + bias.
    Ioffe, Szegedy, arXiv 1502.03167, Algorithm 2. Without learnt weights, weight is 1 and bias 0."""

    mean: float
    var: float
    eps: float
    standard: float
    weight: float
    bias: float


def explain(network, x, step, channel, row=0, column=0):
    """The arithmetic of one value of the named step when the network, in evaluation mode, runs on picture 0 of `x`.

    channel, row, column: place of the value in the step's output (C, H, W); for (C,) the channel alone.
    Returns a Value, of the class that fits the step: Products, Normalised, Window, or Value itself.
    Raises ValueError for a step or place that there is not, and for a step that is made of several; TypeError for
    a kind of step that is not known here.
    """
    check_module(network)
    with evaluating(network), torch.no_grad():
        found = dict(network.named_modules())
        step = step_called(step, found)
        module = found[step]
        if next(module.children(), None) is not None:
            inner = [f"{step}.{n}" if step else n for n, m in module.named_modules() if not next(m.children(), None)]
            raise ValueError(f"{step or 'the network'} is made of several steps: choose one, such as {inner[-1]}")
        call = calls(network, x, step)[step]
    return explain_step(module, call.inputs, call.output, channel, row, column, name=step)


def explain_step(module, inputs, output, channel, row=0, column=0, *, name="the step"):
    """As `explain`, for a step that has been run already: nothing is run.

    inputs:  what the step was given, a tuple of tensors (batch, …), as `calls` keeps them.
    output:  what it gave out.
    Raises ValueError also where the inputs do not give the output: they are of another run, the weights have been
    changed since, or BN ran in training mode.
    """
    check_place(name, output.shape[1:], row, column, channel)
    at = (channel, row, column)[: output.dim() - 1]
    given = [t[0].detach() for t in inputs]
    value, size = _explain(module, given, at, output[0].detach()[at].double().item(), name)
    # Far wider than rounding, also that of a graphics processor's shorter formats: only what is wrong is refused.
    room = max(1e-3, 8 * torch.finfo(output.dtype).eps)
    if abs(value.value - value.output) > room * max(size, abs(value.value)) + 1e-9:
        raise ValueError(
            f"{name} gave out {_text(value.output)}, and its inputs and weights give {_text(value.value)}: they are "
            "not of the same run, or BN was in training mode. Run the network again, in evaluation mode"
        )
    return value


def _explain(m, given, at, output, name):
    """(Value, size), where size is how large the numbers are that were added up: rounding is in proportion to it."""
    if isinstance(m, nn.Conv2d) and m.padding_mode == "zeros" and not isinstance(m.padding, str):
        channels = _group(m, at[0])
        rows, columns = _under(m.kernel_size, m.stride, m.padding, m.dilation, at[1:])
        numbers, padding = _cut(given[0][channels.start : channels.stop], rows, columns, 0.0)
        return _products(m, "CONV", at[0], output, numbers, channels, rows, columns, padding)
    if isinstance(m, nn.Linear) and given[0].dim() == 1:
        numbers = given[0].cpu().double().view(-1, 1, 1)
        return _products(m, "LINEAR", at[0], output, numbers, range(m.in_features), (0,), (0,), 0)
    if isinstance(m, nn.modules.batchnorm._NormBase) and m.running_mean is not None:
        return _normalised(m, at, output, given[0][at])
    if isinstance(m, nn.MaxPool2d) and not m.ceil_mode:
        window = [pair(v) for v in (m.kernel_size, m.stride, m.padding, m.dilation)]
        rows, columns = _under(*window, at[1:])
        numbers, padding = _cut(given[0][at[0]], rows, columns, -torch.inf)
        i, j = divmod(numbers.argmax().item(), len(columns))
        value, place = numbers[i, j].item(), (rows[i], columns[j])
        formula = f"the largest of {_times(numbers.shape)}{_minus(padding)} = {_text(value)}"
        formula += f", from row {place[0]}, column {place[1]}"
        kept = dict(rows=rows, columns=columns, padding=padding, place=place, inputs=numbers)
        return Window(kind="MAXPOOL", value=value, output=output, formula=formula, **kept), abs(value)
    if isinstance(m, nn.AdaptiveAvgPool2d) and pair(m.output_size) == (1, 1):
        numbers = given[0][at[0]].cpu().double()
        value, (H, W) = numbers.mean().item(), numbers.shape
        formula = f"{_text(numbers.sum())} / {H * W:,} = {_text(value)}, the mean of {_times((H, W))}"
        kept = dict(rows=tuple(range(H)), columns=tuple(range(W)), padding=0, inputs=numbers)
        kind = "GLOBAL AVGPOOL"
        return Window(kind=kind, value=value, output=output, formula=formula, **kept), numbers.abs().mean().item()

    if isinstance(m, Add):
        numbers = torch.stack([t[at].cpu().double() for t in given])
        value = numbers.sum().item()
        kind, formula = "SUM", f"{_text(numbers[0])} + {_text(numbers[1], inside=True)} = {_text(value)}"
    elif isinstance(m, nn.ReLU):
        numbers = given[0][at].cpu().double()
        value = max(0.0, numbers.item())
        kind, formula = "ReLU", f"max(0, {_text(numbers)}) = {_text(value)}"
    elif isinstance(m, nn.Identity):
        numbers = given[0][at].cpu().double()
        value = numbers.item()
        kind, formula = "identity", f"{_text(value)}, unchanged"
    elif isinstance(m, nn.Flatten):
        place = tuple(n.item() for n in torch.unravel_index(torch.tensor(at[0]), given[0].shape))
        numbers = given[0][place].cpu().double()
        value = numbers.item()
        kind, formula = "FLATTEN", f"{_text(value)}, unchanged, from {shape_text(place)}"
    else:
        raise TypeError(f"the arithmetic of {name}, {a_type(m)} such as this one, is not known here")
    return Value(kind=kind, value=value, output=output, formula=formula, inputs=numbers), numbers.abs().sum().item()


def _products(m, kind, channel, output, numbers, channels, rows, columns, padding):
    weights = m.weight[channel].detach().cpu().double().view_as(numbers)
    bias = None if m.bias is None else m.bias[channel].item()
    products = numbers * weights
    value = products.sum().item() + (bias or 0.0)
    count = numbers.shape if kind == "CONV" else numbers.shape[:1]
    formula = f"sum of {_times(count)} products{_minus(padding)} = {_text(products.sum())}"
    if bias is not None:
        formula += f"; with bias {_text(bias)}: {_text(value)}"
    kept = dict(weights=weights, channels=channels, bias=bias, rows=rows, columns=columns, padding=padding)
    explained = Products(kind=kind, value=value, output=output, formula=formula, inputs=numbers, **kept)
    return explained, products.abs().sum().item() + abs(bias or 0.0)


def _normalised(m, at, output, x):
    c = at[0]
    mean, var = m.running_mean[c].item(), m.running_var[c].item()
    weight = 1.0 if m.weight is None else m.weight[c].item()
    bias = 0.0 if m.bias is None else m.bias[c].item()
    x = x.cpu().double()
    standard = (x.item() - mean) / (var + m.eps) ** 0.5
    value = standard * weight + bias
    formula = (
        f"({_text(x)} − {_text(mean, inside=True)}) / √({_text(var)} + {_text(m.eps)}) = {_text(standard)}; "
        f"{_text(standard)} · {_text(weight, inside=True)} + {_text(bias, inside=True)} = {_text(value)}"
    )
    kept = dict(mean=mean, var=var, eps=m.eps, standard=standard, weight=weight, bias=bias, inputs=x)
    size = abs(weight) * (abs(x.item()) + abs(mean)) / (var + m.eps) ** 0.5 + abs(bias)
    return Normalised(kind="BN", value=value, output=output, formula=formula, **kept), size


def _group(conv, channel):
    """The input channels that output channel `channel` sees."""
    n = conv.in_channels // conv.groups
    first = channel // (conv.out_channels // conv.groups) * n
    return range(first, first + n)


def _under(kernel, stride, padding, dilation, place):
    """Rows and columns of the input under the window of the output value at `place`."""
    sides = zip(kernel, stride, padding, dilation, place, strict=True)
    return tuple(tuple(i * s - p + n * d for n in range(k)) for k, s, p, d, i in sides)


def _cut(maps, rows, columns, outside):
    """The numbers of `maps`, (…, H, W), at rows × columns, in double precision, `outside` where there are none; and
    how many those are."""
    inside = [torch.tensor([0 <= i < n for i in at]) for at, n in zip((rows, columns), maps.shape[-2:], strict=True)]
    inside = inside[0][:, None] & inside[1]
    numbers = maps.new_full((*maps.shape[:-2], *inside.shape), outside, dtype=torch.double, device="cpu")
    where = inside.nonzero()
    i, j = torch.tensor(rows)[where[:, 0]], torch.tensor(columns)[where[:, 1]]
    numbers[..., where[:, 0], where[:, 1]] = maps[..., i.to(maps.device), j.to(maps.device)].cpu().double()
    return numbers, (~inside).sum().item() * numbers[..., 0, 0].numel()


def _text(value, inside=False):
    """Four digits, a true minus sign; in brackets where it is negative and stands inside a formula."""
    text = f"{float(value):.4g}".replace("-", "−")
    text = "0" if text == "−0" else text
    return f"({text})" if inside and text.startswith("−") else text


def _times(shape):
    """64 × 3 × 3 = 576."""
    return " × ".join(f"{n:,}" for n in shape) + (f" = {torch.Size(shape).numel():,}" if len(shape) > 1 else "")


def _minus(padding):
    return f" ({padding:,} of them padding)" if padding else ""
