"""How weights/thin_resnet50/weights.pt was made: a thin ResNet-50 (base=16) trained on CIFAR-10.

    python -m resnet_lib.experiments.train_thin FOLDER

FOLDER holds CIFAR-10 (Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009) as
cifar10-train.npz and cifar10-test.npz: `jpeg` (uint8, all files one after another), `offsets` (int64, picture i is
jpeg[offsets[i] : offsets[i + 1]]), `labels` and `names`. A run that was stopped goes on where it was.
Writes weights.pt and record.json to resnet_lib/weights/thin_resnet50. With --check it trains nothing and prints how
often those weights are right.
"""

import argparse
import io
import json
import os
import platform
import time
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from resnet_lib.experiments.training import Recipe, Training, evaluate, write
from resnet_lib.network import ResNet
from resnet_lib.photos import normalised
from resnet_lib.weights import THIN, load

COMMON = dict(batch=128, warmup=0.2, weight_decay=5e-4, label_smoothing=0.1, average=0.999, bfloat16=True)
# Two runs, the second from where the first ended: how each is trained, and from which share of it on pictures are
# enlarged to how many pixels. Small ones teach as much at a part of the cost while the learning rate is high; large
# ones make the network bear other sizes; the last run fits it to the size that it is used with.
RUNS = (
    (Recipe(epochs=40, peak=0.1, **COMMON), ((0.0, 48), (0.4, 64), (0.8, 96))),
    (Recipe(epochs=20, peak=0.05, seed=1, **COMMON), ((0.0, 64),)),
)
SIZE = 64  # what accuracy is stated for


def pictures(file):
    """(N, 3, 32, 32) uint8, (N,) labels, and the class names."""
    data = np.load(file)
    jpeg, ends = data["jpeg"].tobytes(), data["offsets"]
    images = [np.array(Image.open(io.BytesIO(jpeg[a:b]))) for a, b in zip(ends[:-1], ends[1:], strict=True)]
    x = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous()
    return x, torch.from_numpy(data["labels"].astype(np.int64)), [str(n) for n in data["names"]]


def plainly(size):
    """Enlarged to that size and normalised, as `photos.to_input` does it."""

    def prepare(batch, _done):
        x = F.interpolate(batch.float() / 255, size=(size, size), mode="bilinear")
        return normalised(x).contiguous(memory_format=torch.channels_last)

    return prepare


def varied(batch, done, sizes):
    """Enlarged, and each picture mirrored or not, shifted, zoomed and lit a little differently."""
    size = next(size for start, size in reversed(sizes) if done >= start)
    n = len(batch)
    zoom = torch.empty(n).uniform_(0.8, 1.1)
    mirror = torch.randint(0, 2, (n,)) * 2.0 - 1
    shift = torch.empty(n, 2).uniform_(-0.25, 0.25)
    place = torch.zeros(n, 2, 3)
    place[:, 0, 0], place[:, 1, 1], place[:, :, 2] = zoom * mirror, zoom, shift
    grid = F.affine_grid(place, (n, 3, size, size), align_corners=False)
    x = F.grid_sample(batch.float() / 255, grid, padding_mode="reflection", align_corners=False)
    light, contrast = torch.empty(n, 1, 1, 1).uniform_(-0.1, 0.1), torch.empty(n, 1, 1, 1).uniform_(0.8, 1.25)
    middle = x.mean((1, 2, 3), keepdim=True)
    x = normalised((x - middle) * contrast + middle + light)
    return x.contiguous(memory_format=torch.channels_last)


def accuracies(network, folder):
    """On the 10,000 test pictures enlarged to so many pixels: size → share of right answers."""
    x, y, _ = pictures(folder / "cifar10-test.npz")
    return {size: evaluate(network, x, y, prepare=plainly(size))[0] for size in (64, 96, 128)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--state", type=Path, default=Path("thin_resnet50.state"), help="where a run is kept")
    parser.add_argument("--check", action="store_true", help="only measure the weights that are there")
    options = parser.parse_args()
    if options.check:
        print(accuracies(load("thin"), options.folder))
        return
    x, y, names = pictures(options.folder / "cifar10-train.npz")
    test_x, test_y, _ = pictures(options.folder / "cifar10-test.npz")

    torch.manual_seed(0)
    network = ResNet(base=16, num_classes=len(names), zero_init_residual=True)
    network.to(memory_format=torch.channels_last)
    notes = options.state.with_suffix(".curve.json")
    curve, seconds = json.loads(notes.read_text()) if notes.exists() else [], 0
    for i, (recipe, sizes) in enumerate(RUNS, 1):
        training = Training(
            network, x, y, recipe, prepare=partial(varied, sizes=sizes), file=options.state.with_suffix(f".{i}")
        )
        per_epoch = len(y) // recipe.batch
        for step in training:
            if step % per_epoch == 0:
                accuracy, _ = evaluate(training.best, test_x[:2000], test_y[:2000], prepare=plainly(SIZE))
                recent = round(sum(training.losses[-per_epoch:]) / per_epoch, 4)
                curve.append({"run": i, "epoch": step // per_epoch, "loss": recent, "accuracy of 2,000": accuracy})
                notes.write_text(json.dumps(curve))
                minutes = (seconds + training.seconds) / 60
                print(
                    f"run {i}  epoch {step // per_epoch:3}  loss {recent:.3f}  accuracy {accuracy:.4f}  "
                    f"{minutes:.0f} min",
                    time.strftime("%H:%M"),
                    flush=True,
                )
        network.load_state_dict(training.best.state_dict())
        seconds += training.seconds

    weights = {k: v.half() if v.is_floating_point() else v for k, v in network.state_dict().items()}
    network.load_state_dict(weights)  # what is kept is what is measured
    accuracy = accuracies(network, options.folder)
    print(accuracy)
    write(weights, THIN / "weights.pt")
    record = {
        "runs": [{"recipe": vars(recipe), "sizes": sizes} for recipe, sizes in RUNS],
        "test accuracy by size": accuracy,
        "classes": names,
        "minutes": round(seconds / 60, 1),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "processors": os.cpu_count(),
        "machine": platform.machine(),
        "curve": curve,
    }
    (THIN / "record.json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
