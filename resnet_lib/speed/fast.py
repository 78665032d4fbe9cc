"""The same network in less time, with the proof that it computes the same.

A network is first written down as a graph: its steps in the order in which they run, and what each is given
(torch.fx). Then steps are taken out of it that need not be done again for every picture, or not on their own:

- `fold`: a BN in evaluation mode multiplies and adds constants, and so does the convolution before it. One does both.
- `join`: a sum and a ReLU hardly compute anything, but read and write whole maps. oneDNN's convolutions, which torch
  uses on processors, can do both to each value before it is written at all. Their weights are also put in the order
  in which they are read, once, and not for every picture.

`fast` does what helps and proves that the result is the same.
"""

import copy
import operator
from contextlib import contextmanager
from html import escape

import torch
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp
from torch.nn import functional as F

from .. import blocks
from .. import network as networks
from .._common import check, check_input, gap, shape_text
from ..blocks import Add
from .machine import compiler, no_compiler
from .onednn import Joined, can_join
from .timing import timings

# ── BN folded into the convolution ───────────────────────────────────────────────────────────────────────────


def fold_bn(conv, bn):
    """One convolution that computes bn(conv(x)), as BN does it in evaluation mode.

    BN there is y = γ · (c − μ) / √(σ² + ε) + β with constants for each channel (Ioffe, Szegedy, arXiv 1502.03167,
    Algorithm 2, step 11), and c = W ∗ x + b. With s = γ / √(σ² + ε) that is y = (s · W) ∗ x + (s · (b − μ) + β):
    again a convolution, with W' = s · W and b' = s · (b − μ) + β. Without a bias b is 0.

    conv, bn: nn.Conv2d and nn.BatchNorm2d, which are left as they are.
    Returns a new nn.Conv2d with a bias. Raises ValueError for what cannot be folded.
    """
    if not isinstance(conv, nn.Conv2d) or not isinstance(bn, nn.BatchNorm2d):
        raise ValueError(
            f"only a BatchNorm2d after a Conv2d can be folded, and these are {type(bn).__name__} after "
            f"{type(conv).__name__}"
        )
    if bn.num_features != conv.out_channels:
        raise ValueError(f"the convolution gives {conv.out_channels} channels and the BN wants {bn.num_features}")
    if bn.running_mean is None:
        raise ValueError(
            "this BN keeps no running statistics (track_running_stats=False): it takes those of each batch, which no "
            "constant can replace"
        )
    if bn.training:
        raise ValueError("this BN is in training mode, where it takes each batch's own statistics: call .eval() first")
    # In float64, so that what is rounded is rounded once.
    scale = (bn.running_var.double() + bn.eps).rsqrt()
    scale = scale if bn.weight is None else scale * bn.weight.double()
    shift = -scale * bn.running_mean.double()
    shift = shift if bn.bias is None else shift + bn.bias.double()
    shift = shift if conv.bias is None else shift + scale * conv.bias.double()
    folded = nn.Conv2d(
        conv.in_channels,
        conv.out_channels,
        conv.kernel_size,
        conv.stride,
        conv.padding,
        conv.dilation,
        conv.groups,
        bias=True,
        padding_mode=conv.padding_mode,
        device="meta",
    )
    like = conv.weight.detach()
    folded.weight = nn.Parameter((like.double() * scale.view(-1, 1, 1, 1)).to(like), requires_grad=False)
    folded.bias = nn.Parameter(shift.to(like), requires_grad=False)
    return folded.eval()


def fold(network):
    """A copy of the network, in evaluation mode, in which every BN that directly follows a convolution is folded
    into it.

    network: any network whose forward does not branch on the numbers it is given: of this library, or your own.
    Returns an fx.GraphModule; `print(folded.code)` shows what it runs. The network itself is left as it is.
    Raises ValueError for a network that cannot be written as a graph.
    """
    graph = as_graph(network)
    found = dict(graph.named_modules())
    targets = [node.target for node in graph.graph.nodes if node.op == "call_module"]
    for node in _calls(graph, nn.BatchNorm2d):
        conv, bn = node.args[0], found[node.target]
        once = targets.count(node.target) == targets.count(conv.target) == 1  # weights of one use only
        if bn.running_mean is not None and _is(graph, conv, nn.Conv2d) and len(conv.users) == 1 and once:
            graph.add_submodule(conv.target, fold_bn(found[conv.target], bn))
            _replace(node, conv)
    return _tidy(graph)


def as_graph(network):
    """A copy of the network, in evaluation mode and without gradients, as an fx.GraphModule, without the steps that
    do nothing there (nn.Identity, dropout). Raises ValueError for a network that cannot be written as a graph."""
    if not isinstance(network, nn.Module):
        raise ValueError(f"the network must be an nn.Module that has been built, and is {network!r}")
    network = copy.deepcopy(network).eval().requires_grad_(False)
    try:
        with _unchecked():
            graph = fx.GraphModule(network, _Tracer().trace(network))
    except Exception as error:  # a learner's forward can raise anything when it is given no numbers
        raise ValueError(
            "this network cannot be written as a graph of its steps: its forward must run the same steps whatever it "
            f"is given, without an if or a loop that depends on the input ({' '.join(str(error).split())})"
        ) from None
    for node in _calls(graph, nn.Identity, nn.Dropout, nn.Dropout2d):
        _replace(node, node.args[0])
    return _tidy(graph)


class _Tracer(fx.Tracer):
    """Records the steps. `Add` compares two shapes, of which there are none yet, so it is taken as one step."""

    def is_leaf_module(self, module, name):
        return isinstance(module, Add) or super().is_leaf_module(module, name)


@contextmanager
def _unchecked():
    """Inside, this library's modules do not check their inputs: while a graph is recorded there is none to check."""
    places = [(blocks, "check_input"), (networks, "check_input"), (networks, "check_training_size")]
    before = [getattr(place, name) for place, name in places]
    for place, name in places:
        setattr(place, name, lambda *_args: None)
    try:
        yield
    finally:
        for (place, name), what in zip(places, before, strict=True):
            setattr(place, name, what)


# ── Sum and ReLU joined to the convolution ───────────────────────────────────────────────────────────────────


SUMS = {operator.add, operator.iadd, torch.add, "add", "add_"}
RELUS = {F.relu, torch.relu, torch.relu_, "relu", "relu_"}


def join(graph, x):
    """Join each sum and ReLU of a graph to the convolution before it, in place.

    graph: as `fold` gives it, on a processor, in float32 or bfloat16.
    x:     an input, (batch, C, H, W), in channels_last: for its shape and type.
    Returns the graph. Only where `can_join(x.dtype)`.
    """
    ShapeProp(graph).propagate(x)
    for i, node in enumerate(_calls(graph, nn.Conv2d)):
        conv = graph.get_submodule(node.target)
        if conv.padding_mode != "zeros" or isinstance(conv.padding, str):
            continue
        last, other = node, None
        after = _only_user(node)
        if after is not None and _is_sum(graph, after):
            other = next(a for a in after.args if a is not node)
            last, after = after, _only_user(after)
        relu = after is not None and _is_relu(graph, after)
        last = after if relu else last
        spare = other is not None and _is(graph, other, nn.Conv2d, Joined) and len(other.users) == 1
        shape = node.args[0].meta["tensor_meta"].shape
        graph.add_submodule(name := f"joined{i}", Joined(conv, relu, spare, shape))
        with graph.graph.inserting_after(last):
            # Where the last of the steps stood: both that it is given are there by then.
            new = graph.graph.call_module(name, node.args if other is None else (*node.args, other))
        new.meta = last.meta
        _replace(last, new)
    return _tidy(graph)


def _only_user(node):
    """The step that alone uses what this one gives, and uses it once; None where there is no such step."""
    users = list(node.users)
    alone = len(users) == 1 and [*users[0].args, *users[0].kwargs.values()].count(node) == 1
    return users[0] if alone else None


def _is_sum(graph, node):
    """Whether a step adds two tensors of one shape, and does nothing else."""
    kind = _is(graph, node, Add) or node.op != "call_module" and node.target in SUMS
    if not kind or len(node.args) != 2 or node.kwargs or not all(isinstance(a, fx.Node) for a in node.args):
        return False
    a, b = (each.meta.get("tensor_meta") for each in node.args)
    return a is not None and b is not None and (a.shape, a.dtype) == (b.shape, b.dtype)


def _is_relu(graph, node):
    return _is(graph, node, nn.ReLU) or node.op != "call_module" and node.target in RELUS


def _is(graph, node, *kinds):
    """Whether a step is a call of a module of one of those kinds."""
    return isinstance(node, fx.Node) and node.op == "call_module" and type(graph.get_submodule(node.target)) in kinds


def _calls(graph, *kinds):
    return [node for node in graph.graph.nodes if _is(graph, node, *kinds)]


def _replace(node, other):
    """Let all users of a step use the other one; it is taken out with the next `_tidy`."""
    node.replace_all_uses_with(other)


def _tidy(graph):
    graph.graph.eliminate_dead_code()
    graph.graph.lint()
    graph.delete_all_unused_submodules()
    graph.recompile()
    return graph


class InPieces(nn.Module):
    """Runs a batch `most` pictures at a time. A large batch has maps that no cache can hold: each step then writes them
    to memory, and the next one reads them from there."""

    def __init__(self, network, most):
        super().__init__()
        self.network, self.most = network, most

    def forward(self, x):
        return torch.cat([self.network(part) for part in x.split(self.most)])


PIECES = (1, 2, 4)  # pictures at a time that `fast` tries

# ── All of it, and the proof ─────────────────────────────────────────────────────────────────────────────────


class FastNetwork(nn.Module):
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

    def __init__(self, way, elsewhere, *, C, dtype, **record):
        super().__init__()
        self._way, self._elsewhere, self.C, self._dtype = way, elsewhere, C, dtype
        for name, value in record.items():
            setattr(self, name, value)
        self.training = False

    def forward(self, x):
        check_input(self, x)
        way = self._way if tuple(x.shape) == self.shape else self._elsewhere
        return _fast_output(way, x, self._dtype).to(x.dtype)

    def train(self, mode=True):
        if mode:
            raise ValueError("a fast network has no BN left to train: train the one it was made of, and make it anew")
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
    say = progress or (lambda _text: None)
    check(batch=batch, repeats=repeats)
    if compile not in (True, False, "auto"):
        raise ValueError(f'compile = {compile!r} must be True, False or "auto"')
    if not isinstance(network, nn.Module):
        raise ValueError(f"the network must be an nn.Module that has been built, and is {network!r}")
    given = copy.deepcopy(network).eval()
    x = _real_input(network, size, batch) if example is None else example
    if not isinstance(x, torch.Tensor) or x.dim() != 4 or not x.is_floating_point():
        got = f"{x.dtype} of shape {tuple(x.shape)}" if isinstance(x, torch.Tensor) else type(x).__name__
        raise ValueError(f"example must be a float tensor (batch, C, H, W), and is {got}")
    expected = _given_output(given, x)
    if not isinstance(expected, torch.Tensor) or not expected.isfinite().all():
        got = "numbers that are not finite" if isinstance(expected, torch.Tensor) else type(expected).__name__
        raise ValueError(f"the network gives out {got}, and there is nothing to hold a faster one against")
    dtype = x.dtype if dtype is None else dtype

    ways, left_out = _ways(given, x, dtype, compile, say)
    differences = {name: gap(_fast_output(way, x, dtype), expected)[1] for name, (way, _) in ways.items()}
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
    say(f"timing {len(ways) + 1} ways in turns …")
    works = {GIVEN: lambda: _given_output(given, x)}
    works |= {name: lambda way=way: _fast_output(way, x, dtype) for name, (way, _) in ways.items()}
    found = timings(works, repeats)
    order = sorted(ways, key=lambda name: found[name].undisturbed)
    elsewhere = next((name for name in order if name != COMPILED), order[0])
    left_out += [f"“{n}” was not the fastest." for n in (JOINED, COMPILED) if n in ways and not order[0].startswith(n)]
    return FastNetwork(
        ways[order[0]][0],
        ways[elsewhere][0],
        C=x.shape[1],
        dtype=dtype,
        done=ways[order[0]][1],
        left_out=tuple(left_out),
        difference=differences[order[0]],
        tolerance=tolerance,
        shape=tuple(x.shape),
        timings=found,
        chosen=order[0],
        checkpoint=getattr(network, "checkpoint", None),
    )


def _ways(given, x, dtype, compile, say):
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
            except (NotImplementedError, RuntimeError, TypeError) as error:
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
        say("compiling: about a minute, once …")
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
        from ..photos import PHOTOS, photo, to_input

        some = [to_input(photo(name), size) for name in PHOTOS[:batch]]
        x = torch.cat((some * batch)[:batch])
    return x.to(like)
