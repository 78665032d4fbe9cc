"""`fast` against the network as given, without and with a compiler, and all against the machine's matrix products."""

import torch
from torch import nn

from resnet_lib import anatomy, resnet50
from resnet_lib._common import gap
from resnet_lib.photos import PHOTOS, photo, to_input
from resnet_lib.speed.fast import fast
from resnet_lib.speed.machine import compiler, measure, products
from resnet_lib.speed.roofline import standings
from resnet_lib.speed.timing import timings

from .figures import line, title

GOALS = {1: (1.2, 1.55, 0.72), 16: (1.7, 2.3, 0.80)}  # batch: × without and with a compiler, share of the peak


def measure_fast(quick):
    W, count, side = (32, 2, 256) if quick else (224, 15, 2048)  # side: of the matrix product that is the peak
    network = stirred(resnet50()).eval()
    flops = anatomy(network, W).flops
    some = torch.cat([to_input(photo(name), W) for name in PHOTOS])
    for batch, (without, with_compiler, share) in GOALS.items():
        batch = min(batch, 2) if quick else batch
        title(f"fast(resnet50()) at {W}, batch {batch}, against plain eval() under no_grad, all in turns")
        x = some.repeat(4, 1, 1, 1)[:batch]
        few = {"repeats": min(count, 5), "progress": None}
        ways = {"without a compiler": (fast(network, x, compile=False, **few), without)}
        if compiler() and not quick:
            ways["with a compiler"] = (fast(network, x, compile=True, **few), with_compiler)
        works = {"plain": lambda x=x: plain(network, x), **products(side)}
        works |= {name: lambda way=way, x=x: way(x) for name, (way, _) in ways.items()}
        found = timings(works, count)
        line("plain", found["plain"])
        for by in products(side):
            rate = 2 * side**3 / found[by].median / 1e9
            line(f"product of {side} × {side}, {by}", f"{found[by]}: {rate:.0f} GFLOP/s (1 MAC = 2 FLOPs)")
        best = min(products(side), key=lambda by: found[by].undisturbed)
        for name, (way, goal) in ways.items():
            line(f"fast, {name}", f"{found[name]}, taken: {way.chosen}")
            times = found["plain"].times(found[name])
            line("  times as fast", f"{times:.2f}", f"≥ {goal}", times >= goal)
            # Pairs again: the better product's rate beside this very run.
            reached = flops * batch / (2 * side**3) * found[best].times(found[name])
            line(f"  share of {best}'s product", f"{reached:.2f}", f"> {share}", reached > share)
            off = max(gap(way(x), plain(network, x))[1], way.difference)
            line("  largest relative difference", f"{off:.1e}", "≤ 1e-4", off <= 1e-4)
    fresh = resnet50().eval()
    off = gap(fast(fresh, some[:1], repeats=1, progress=None)(some[:1]), plain(fresh, some[:1]))[1]
    line("fresh BN statistics, difference", f"{off:.1e}", "≤ 1e-4", off <= 1e-4)
    title("what the rest is lost to: the parts at batch 1, joined, against their roofs")
    machine = measure(count, sizes=(side,))
    line("the machine", machine)
    for part in standings(network, some[:1], joined=True, repeats=count):
        rate = f"{part.rate / 1e9:6.1f} GFLOP/s, {part.share(machine):4.0%} of the roof"
        line(part.work.name, f"{rate}, {part.work.intensity:5.1f} FLOPs a byte, {part.timing}")


def plain(network, x):
    with torch.no_grad():
        return network(x)


def stirred(network):
    """With BN statistics as a trained network might have."""
    torch.manual_seed(0)
    for m in network.modules():
        if isinstance(m, nn.BatchNorm2d):
            nn.init.uniform_(m.weight, 0.5, 1.5)
            nn.init.uniform_(m.bias, -0.5, 0.5)
            nn.init.uniform_(m.running_mean, -0.5, 0.5)
            nn.init.uniform_(m.running_var, 0.5, 1.5)
    return network
