"""Plain against residual, and the other pairs, trained from five seeds: what lesson 08's claims stand on.

On a GPU where there is one: minutes instead of hours.
"""

import statistics

import torch

from resnet_lib.experiments.race import Race
from resnet_lib.experiments.tasks import Task, photographs
from resnet_lib.experiments.training import Recipe
from resnet_lib.experiments.twins import PAIRS

from .figures import line, title

RECIPE = Recipe(epochs=4, batch=64, peak=0.02)  # as in the lesson
LATELY = 20  # steps whose mean loss is "the loss at the end"
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


class OnDevice(Task):
    """A task whose batches are where the networks are trained."""

    def prepare(self, batch, done=0.0):
        return super().prepare(batch.to(DEVICE), done)


def trained(pair, depth, seed, task, recipe):
    """Of both networks of a pair: (loss at the end, test accuracy, seconds)."""
    networks = PAIRS[pair](depth, num_classes=len(task.classes), seed=seed)
    race = Race({name: network.to(DEVICE) for name, network in networks.items()}, OnDevice(**vars(task)), recipe)
    for _ in race:
        pass
    return [
        (statistics.mean(run.losses[-LATELY:]), race.tests(name)[-1][1], run.seconds) for name, run in race.runs.items()
    ]


def measure_pairs(quick):
    """The other pairs: the two tables of lesson 08 that say what five seeds gave."""
    depth, seeds, task, recipe = 50, range(5), photographs(), RECIPE
    if quick:
        depth, seeds, task, recipe = 14, range(2), task.first(256), Recipe(epochs=1, batch=64, peak=0.02)
    for pair in list(PAIRS)[1:]:
        title(f"{pair}, {depth} layers: training loss at the end, test accuracy, mean and spread of {len(seeds)} seeds")
        found = [trained(pair, depth, seed, task, recipe) for seed in seeds]
        for i, name in enumerate(pair.split(" | ")):
            losses, right = ([f[i][k] for f in found] for k in (0, 1))
            seconds = statistics.mean(f[i][2] for f in found)
            line(name, f"loss {spread(losses)}   accuracy {spread(right)}   {seconds:.0f} s")
        won = sum(b[0] < a[0] for a, b in found)
        line("the second's loss is lower in", f"{won} of {len(seeds)}")


def measure(quick):
    title("plain against residual: training loss at the end, (test accuracy), seconds")
    depths, seeds, task, recipe = (26, 50, 101), range(5), photographs(), RECIPE
    if quick:
        depths, seeds, task, recipe = (14, 26), range(2), task.first(256), Recipe(epochs=1, batch=64, peak=0.02)
    found = {}
    for seed in seeds:
        for depth in depths:
            found[seed, depth] = pair = trained("plain | residual", depth, seed, task, recipe)
            said = (
                f"{name} {loss:.2f} ({right:.0%}) {seconds:.0f} s"
                for name, (loss, right, seconds) in zip(("plain", "residual"), pair, strict=True)
            )
            line(f"seed {seed}, {depth} layers", "   ".join(said))
    for depth in depths:
        plain, residual = ([found[s, depth][i][0] for s in seeds] for i in (0, 1))
        won = sum(r < p for p, r in zip(plain, residual, strict=True))
        line(f"{depth} layers: mean, spread", f"plain {spread(plain)}   residual {spread(residual)}")
        line("residual lower in", f"{won} of {len(seeds)}", "every seed", won == len(seeds))
    shallow, deep = depths[0], depths[-1]
    worse = sum(found[s, deep][0][0] > found[s, shallow][0][0] for s in seeds)
    line(f"plain: {deep} layers worse than {shallow} in", f"{worse} of {len(seeds)}", "every seed", worse == len(seeds))
    lost = [[found[s, deep][i][0] - found[s, shallow][i][0] for s in seeds] for i in (0, 1)]
    less = sum(r < p for p, r in zip(*lost, strict=True))
    line("residual loses less by depth in", f"{less} of {len(seeds)}", "every seed", less == len(seeds))


def spread(values):
    return f"{statistics.mean(values):.2f} ± {statistics.stdev(values):.2f}"
