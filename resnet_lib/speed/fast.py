"""The same network in less time, with the proof that it computes the same.

A network is first written down as a graph (`graph`). Then its BN are folded into the convolutions (`fold`), and sums
and ReLUs joined to them (`join`). `fast` does what helps and proves that the result is the same.
"""

import copy
from html import escape

import torch
from torch import nn

from .._common import Checked, check, gap, shape_text
from .._common.given import check_module
from .fold import fold, fold_bn
from .graph import as_graph
from .join import join
from .machine import compiler, no_compiler
from .onednn import can_join
from .timing import timings

__all__ = ["FastNetwork", "InPieces", "as_graph", "fast", "fold", "fold_bn", "join"]


class InPieces(nn.Module):
    """Runs a batch `most` pictures at a time. A large batch has maps that no cache can hold: each step then writes them
    to memory, and the next one reads them from there."""

    def __init__(self, network, most):
        super().__init__()
        self.network, self.most = network, most

    def forward(self, x):
        return torch.cat([self.network(part) for part in x.split(self.most)])


PIECES = (1, 2, 4)  # pictures at a time that `fast` tries
REFUSALS = (NotImplementedError, RuntimeError, TypeError)  # what oneDNN's functions raise for what they cannot do

# ── All of it, and the proof ─────────────────────────────────────────────────────────────────────────────────


class FastNetwork(Checked):
    """What `fast` gives: call it with (batch, C, H, W), as the network it was made of. Always in evaluation mode,
    and what it gives out carries no gradients.

    done, left_out: sentences: what was done, and what was not and why.
    difference: the largest difference from the network's own output, relative to its largest value, on `shape`.
    tolerance:  what that had to stay under.
    shape:      (batch, C, H, W) of the input that it was proved, measured and, if at all, compiled on. Others work,
                uncompiled.
    timings:    name of a way → Timing of it, the first the network as given. `chosen` is the fastest of the others.
    checkpoint: that of the network it was made of, None without one.
    `str()` says all this in words; in a notebook it shows as that.
    """

    converts = True  # floats of any precision, to its own and back
    steps_lost = True

    def __init__(self, way, elsewhere, *, C, dtype, **record):
        super().__init__()
        self._way, self._elsewhere, self.C, self._dtype = way, elsewhere, C, dtype
        for name, value in record.items():
            setattr(self, name, value)
        self.training = False

    def forward(self, x):
        way = self._way if tuple(x.shape) == self.shape else self._elsewhere
        return _fast_output(way, x, self._dtype).to(x.dtype)

    def train(self, mode=True):
        if mode:
            raise ValueError("a fast network has no BN left to train: train the original, and make it again")
        return self

    @property
    def factor(self):
        """How many times as long as this the network as given takes, on `shape`."""
        return self.timings[GIVEN].times(self.timings[self.chosen])

    @property
    def headline(self):
        """The result in one sentence."""
        return (
            f"{self.factor:.2f} times as fast as the network as given, for an input of {shape_text(self.shape)}; "
            f"largest relative difference {self.difference:.1e}, allowed {self.tolerance:.0e}."
        )

    def __str__(self):
        lines = [self.headline]
        lines += [f"  ✓ {text}" for text in self.done] + [f"  – {text}" for text in self.left_out]
        width = max(map(len, self.timings))
        mark = {self.chosen: "  ← taken"}
        lines += [f"  {name:<{width}}  {t}{mark.get(name, '')}" for name, t in self.timings.items()]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self):
        said = "".join(f"<div>✓ {escape(t)}</div>" for t in self.done)
        said += "".join(f"<div>– {escape(t)}</div>" for t in self.left_out)
        rows = "".join(
            f'<tr><td style="text-align:left">{escape(name)}</td><td style="text-align:left">{escape(str(t))}</td>'
            f'<td style="text-align:left">{"← taken" if name == self.chosen else ""}</td></tr>'
            for name, t in self.timings.items()
        )
        return f"<p><b>{escape(self.headline)}</b></p>{said}<table>{rows}</table>"


# The ways to run a network, by the names under which they are timed.
GIVEN, FOLDED, JOINED, COMPILED = "as given", "BN folded, channels last", "sum and ReLU joined", "compiled"
PLAIN = "channels last"  # where nothing can be folded


def fast(
    network, example=None, *, size=None, batch=1, dtype=None, compile="auto", tolerance=1e-4, repeats=5, progress=print
):
    """The same network, as fast as this machine runs it by the means known here.

    BN is folded, maps are kept with channels last, sums and ReLUs are joined to the convolutions, a batch is run in
    pieces of a few pictures, and torch.compile has its turn where asked for. Each of these ways is checked against the
    network's own output and timed beside it, in turns, and the fastest is taken: nothing is believed to help that does
    not.

    network:  any network for pictures, of this library or your own; it is not changed. It is taken in evaluation mode,
              whatever mode it is in.
    example:  an input to prove and measure on, (batch, C, H, W). Unless given, the bundled photographs at size × size
              pixels (size: its checkpoint's, else 224), `batch` of them; for other than 3 channels seeded noise.
    dtype:    torch.bfloat16 to compute in that; it then needs a tolerance of its own, such as 0.05.
    compile:  whether to try torch.compile, which takes about a minute, once. "auto" tries it where there is a compiler
              and nothing could be joined: where that can be done, compiling has not been faster.
    tolerance: how far the output may be off, relative to its largest value.
    repeats:  timed runs of each way.
    progress: called with a sentence before what takes long; None to hear nothing.
    Returns a FastNetwork. Raises ValueError for arguments that do not fit, for a network that does not give out one
    tensor of finite numbers, and where every way leaves the tolerance.
    """
    tell = progress or (lambda _text: None)
    check(batch=batch, repeats=repeats)
    if compile not in (True, False, "auto"):
        raise ValueError(f'compile = {compile!r} must be True, False or "auto"')
    given, x, expected = _reference(network, example, size, batch)
    dtype = x.dtype if dtype is None else dtype
    ways, left_out = _ways(given, x, dtype, compile, tell)
    differences = _prove(ways, left_out, x, dtype, expected, tolerance)
    tell(f"timing {len(ways) + 1} ways in turns …")
    works = {GIVEN: lambda: _given_output(given, x)}
    works |= {name: lambda way=way: _fast_output(way, x, dtype) for name, (way, _) in ways.items()}
    found = timings(works, repeats)
    first, *others = sorted(ways, key=lambda name: found[name].undisturbed)
    elsewhere = next((name for name in (first, *others) if name != COMPILED), first)
    left_out += [f"“{n}” was not the fastest." for n in (JOINED, COMPILED) if n in ways and not first.startswith(n)]
    return FastNetwork(
        ways[first][0],
        ways[elsewhere][0],
        C=x.shape[1],
        dtype=dtype,
        done=ways[first][1],
        left_out=tuple(left_out),
        difference=differences[first],
        tolerance=tolerance,
        shape=tuple(x.shape),
        timings=found,
        chosen=first,
        checkpoint=getattr(network, "checkpoint", None),
    )


def _reference(network, example, size, batch):
    """Return a copy of the network in evaluation mode, an input, and its output, which a faster one must give too."""
    check_module(network)
    given = copy.deepcopy(network).eval()
    x = _real_input(network, size, batch) if example is None else example
    if not isinstance(x, torch.Tensor) or x.dim() != 4 or not x.is_floating_point():
        got = f"{x.dtype} of shape {tuple(x.shape)}" if isinstance(x, torch.Tensor) else type(x).__name__
        raise ValueError(f"example must be a float tensor (batch, C, H, W), and is {got}")
    expected = _given_output(given, x)
    if not isinstance(expected, torch.Tensor) or not expected.isfinite().all():
        got = "numbers that are not finite" if isinstance(expected, torch.Tensor) else type(expected).__name__
        raise ValueError(f"the network gives out {got}, and there is nothing to hold a faster one against")
    return given, x, expected


def _prove(ways, left_out, x, dtype, expected, tolerance):
    """Take out the ways that do not run, or whose output is off by more than the tolerance. Return the relative
    differences by name."""
    differences = {}
    for name, (way, _) in list(ways.items()):
        try:
            differences[name] = gap(_fast_output(way, x, dtype), expected)[1]
        except REFUSALS as error:
            if not name.startswith(JOINED):
                raise
            del ways[name]
            left_out.append(f"“{name}” does not run here: oneDNN refuses one of the convolutions ({_line(error)}).")
    for name, difference in differences.items():
        if not difference <= tolerance:
            del ways[name]
            left_out.append(f"“{name}” is off by {difference:.1e}: more than the {tolerance:.0e} allowed.")
    if not ways:
        least = min(differences.values())
        raise ValueError(
            f"every way is off by {least:.1e} of the largest value or more, and {tolerance:.0e} is allowed: allow more "
            "with tolerance=…, or keep the network as it is"
        )
    return differences


def _ways(given, x, dtype, compile, tell):
    """name → (a module that computes the same, sentences on what was done), and sentences on what was not."""
    wide, cpu = x.to(dtype, memory_format=torch.channels_last), x.device.type == "cpu"
    ways, left_out = {}, []
    try:
        folded = fold(given)
    except ValueError as problem:
        left_out.append(f"Nothing folded or joined: {problem}.")
        base, name, done = copy.deepcopy(given), PLAIN, ()
    else:
        norms = [len([m for m in n.modules() if isinstance(m, nn.BatchNorm2d)]) for n in (given, folded)]
        base, name, done = folded, FOLDED, (f"{norms[0] - norms[1]} BN folded into the convolutions before them.",)
        left_out += [f"{norms[1]} BN left as they are: each follows no convolution of its own."] * bool(norms[1])
    base = base.to(dtype=dtype, memory_format=torch.channels_last)
    done = (*done, "Channels last in memory.")
    ways[name] = base, done
    if name == FOLDED:
        if cpu and can_join(dtype):
            try:
                ways |= _joined(given, folded, wide, done)
            except REFUSALS as error:
                left_out.append(f"Sums and ReLUs not joined: oneDNN refuses one of the convolutions ({_line(error)}).")
        else:
            left_out.append("Sums and ReLUs not joined: that needs a processor, oneDNN, and float32 or bfloat16.")
    if compile == "auto" and JOINED in ways:
        left_out.append("Not compiled: joining does about the same, without the wait. compile=True tries it.")
    elif not compile:
        left_out.append("Not compiled, as asked.")
    elif cpu and not compiler():
        left_out.append(f"Not compiled: {no_compiler()}.")
    else:
        tell("compiling: about a minute, once …")
        try:
            # Freezing tells the compiler that weights are constants, which it may then put in its own order.
            compiled = torch.compile(base, options={"freezing": True})
            _fast_output(compiled, x, dtype)
            ways[COMPILED] = compiled, (*done, "Compiled for inputs of this shape.")
        except Exception as error:  # a compiler can fail in any way, and then nothing is lost
            left_out.append(f"Not compiled: {type(error).__name__}, {_line(error)}.")
    return ways, left_out


def _joined(given, folded, wide, done):
    """The ways in which sums and ReLUs are joined, for the whole batch and in pieces, as `_ways` gives them."""
    whole = join(copy.deepcopy(folded), wide)
    steps = [len(n.graph.nodes) - 2 for n in (as_graph(given), whole)]  # without input and output
    done = (*done, f"Sums and ReLUs joined: {steps[1]} steps remain of {steps[0]}.")
    ways = {JOINED: (whole, done)}
    for n in [n for n in PIECES if n < len(wide)]:
        some = InPieces(join(copy.deepcopy(folded), wide[:n]), n)
        in_pieces = f"A batch is run {n} at a time, for its maps to fit into caches."
        ways[f"{JOINED}, {n} at a time"] = some, (*done, in_pieces)
    return ways


def _line(error):
    """The first line of what an exception says."""
    return (str(error).strip().splitlines() or ["no reason given"])[0][:200]


def _given_output(network, x):
    with torch.no_grad():
        return network(x)


def _fast_output(way, x, dtype):
    with torch.inference_mode():
        return way(x.to(dtype, memory_format=torch.channels_last))


def _real_input(network, size, batch):
    """`batch` bundled photographs, or noise where the network is not for colours, on the network's device."""
    like = next((p for p in network.parameters() if p.is_floating_point()), torch.empty(0))
    first = next((m for m in network.modules() if isinstance(m, nn.Conv2d)), None)
    checkpoint = getattr(network, "checkpoint", None)
    size = size or (checkpoint.size if checkpoint else 224)
    check(size=size)
    if first is None or first.in_channels != 3:
        C = first.in_channels if first else 3
        x = torch.randn(batch, C, size, size, generator=torch.Generator().manual_seed(0))
    else:
        from ..photos import PHOTOS, photo, to_input  # numpy and PIL are loaded for those who have pictures

        some = [to_input(photo(name), size) for name in PHOTOS[:batch]]
        x = torch.cat((some * batch)[:batch])
    return x.to(like)
