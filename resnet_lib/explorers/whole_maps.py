"""The maps of a whole network for a picture: after every block, and inside one of them."""

import zlib
from dataclasses import dataclass, field
from functools import cache

import torch
from torch import nn

from .._common import unfilled
from ..activations import calls, step_names
from ..anatomy import Anatomy, anatomy
from ..photos import PATTERNS, normalised, pattern, to_input
from .base import WRONG
from .block_maps import Look, Run

# Above so many MACs only a central window of the picture is computed. ResNet-152 at 160 pixels is below.
BUDGET = 6e9
ROW, ROWS, SPARE = 4608, 2048, 1 << 20


@cache
def _numbers():
    return torch.randn(ROW * ROWS + SPARE, generator=torch.Generator().manual_seed(0))


def lend_weights(network):
    """Give every convolution weights out of one fixed random tensor, beginning at a place of its own: that needs no
    time and no memory, and a channel more leaves the other weights as they are. Their size does not matter, since a BN
    follows each of them."""
    for name, m in network.named_modules():
        if isinstance(m, nn.Conv2d):
            C_out, C_in, k, _ = m.weight.shape
            steps = (max(ROW, C_in * k * k), k * k, k, 1)
            start = zlib.crc32(name.encode()) % SPARE
            lent = _numbers().as_strided((C_out, C_in, k, k), steps, start)
            m.weight = nn.Parameter(lent, requires_grad=False)
        elif isinstance(m, nn.BatchNorm2d):
            m.reset_parameters()
    return network.train()


def picture_input(picture, W, checkpoint=None):
    """Return a picture, or a pattern by its name, as the input of a network with this checkpoint, (1, 3, W, W)."""
    if isinstance(picture, str) and picture in PATTERNS:
        return pattern(picture, W).expand(1, 3, W, W)
    return checkpoint.to_input(picture, W) if checkpoint else to_input(picture, W)


@dataclass(eq=False)
class WholeRun:
    """A network that has run up to Stage 4. kept: name → tensor (1, C, H, W) of the picture "x", of "stage0", of every
    block, "stage2.1", and of every stage, "stage2". problem: why there is no more; window: how many pixels of the
    picture's middle were computed, None for all."""

    network: nn.Module
    window: int | None
    kept: dict = field(default_factory=dict)
    problem: str = ""

    def inside(self, path, given):
        """Return (look, run) of one block as the instrument shows it; `given` is the name of what it was given."""
        block, x = self.network.get_submodule(path), self.kept[given]
        look = look_inside(block, tuple(x.shape[1:]))
        made = calls(block, x, step_names(block))
        kept = {"x": x} | {name: call.output for name, call in made.items()}
        steps = {name: (block.get_submodule(name), call.inputs) for name, call in made.items()}
        return look, Run(kept, dict.fromkeys(kept, 0), steps, x, "", None, block.training)


def look_inside(block, size):
    """Return the `Look` of a bottleneck or of a basic block."""
    steps = anatomy(block, size).steps
    f = [s.name for s in steps if s.path == "main"][-1]
    side = [s.name for s in steps if s.path == "shortcut"][-1]
    after = [s.name for s in steps if s.path == "sum"]
    return Look(Anatomy(type(block).__name__, size, steps), None, (f, side, after[0], after[-1]))


def run_whole(make, whole, picture, W, checkpoint=None):
    """Return the `WholeRun` of a network that `make()` returns, with the `Anatomy` of that, for a picture."""
    network, window = make(), None
    x = picture_input(picture, W, checkpoint)
    if whole.macs > BUDGET:
        window = max(32, int(W * (BUDGET / whole.macs) ** 0.5) // 32 * 32)
        start = (W - window) // 2 // 32 * 32
        x = x[..., start : start + window, start : start + window]
    run = WholeRun(network, window, {"x": x.contiguous(memory_format=torch.channels_last)})
    try:
        with torch.no_grad():
            h = run.kept["stage0"] = network.stage0(run.kept["x"])
            for i in range(1, 5):
                for j, block in enumerate(getattr(network, f"stage{i}")):
                    h = run.kept[f"stage{i}.{j}"] = block(h)
                run.kept[f"stage{i}"] = h
    except WRONG as problem:
        run.problem = str(problem)
    return run


def random_network(design):
    """Return an untrained network of a `Design` that is ready at once, in training mode: its BNs take the picture's own
    statistics."""
    with unfilled():
        network = design.build()
    return lend_weights(network)


def thumb_pixels(picture, W):
    """Return a picture as it goes in, in colours from 0 to 255, (W, W, 3) uint8."""
    x = picture_input(picture, W)[0]
    if isinstance(picture, str) and picture in PATTERNS:
        colours = (x.clamp(-1, 1) + 1) / 2
    else:
        mean, scale = normalised(torch.zeros(3, 1, 1)), normalised(torch.ones(3, 1, 1))
        colours = (x - mean) / (scale - mean)
    return (colours * 255).round().clamp(0, 255).byte().permute(1, 2, 0).numpy()
