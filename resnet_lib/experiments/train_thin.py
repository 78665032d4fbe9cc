"""How weights/thin_resnet50/weights.pt was made: a thin ResNet-50 (base=16) trained on Imagenette.

    python -m resnet_lib.experiments.train_thin FOLDER

FOLDER holds Imagenette (Howard, 2019; a subset of Russakovsky et al., "ImageNet Large Scale Visual Recognition
Challenge", 2015) as imagenette-train.npz and imagenette-val.npz: `jpeg` (uint8, all files one after another),
`offsets` (int64, picture i is jpeg[offsets[i] : offsets[i + 1]]), `labels` and `names`. A run that was stopped
resumes. Trains on a GPU where there is one. Writes weights.pt and record.json to resnet_lib/weights/thin_resnet50.
With --check it trains nothing and prints what those weights reach on the validation photographs, and where the maps of
attribution lie on some of them.
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

from resnet_lib.experiments.pointing import pointing
from resnet_lib.experiments.training import Recipe, Training, evaluate, write
from resnet_lib.network import ResNet
from resnet_lib.photos import normalised, to_input
from resnet_lib.weights import THIN, load

HERE = THIN
RECIPE = Recipe(
    epochs=150, batch=128, peak=0.2, warmup=0.1, weight_decay=5e-4, label_smoothing=0.1, average=0.999, bfloat16=True
)
# From which share of the run on pictures are shown at one of these sizes, drawn for each step. Small ones teach as
# much at a part of the cost while the learning rate is high; all sizes together make the network bear each of them.
SIZES = ((0.0, (128, 160)), (0.5, (128, 160, 192, 224)))
SIZE = 224  # which is stated for it, and for which its probabilities are calibrated
TRIED = (96, 128, 160, 192, 224)
POINTED = 115  # validation photographs on which it is measured where maps of attribution lie
# The last training photographs are held out: whatever is chosen (when to stop, the temperature) is chosen by them,
# so that the validation photographs are touched once, at the end.
HELD_OUT = 469
MIXED = 0.5  # the share of steps in which a rectangle of each picture comes from another one


class Photographs:
    """The photographs of a file, decoded, in one flat tensor of bytes, so that crops of many can be cut at once.

    Attributes: labels (N,), names of the classes. `decode` makes the pixels that `crops` reads.
    """

    def __init__(self, file, device="cpu"):
        data = np.load(file)
        self._jpeg, self._ends = data["jpeg"].tobytes(), data["offsets"].tolist()
        self.labels = torch.from_numpy(data["labels"].astype(np.int64))
        self.names = [str(name) for name in data["names"]]
        self._device = torch.device(device)

    def image(self, i):
        return Image.open(io.BytesIO(self._jpeg[self._ends[i] : self._ends[i + 1]])).convert("RGB")

    def decode(self):
        arrays = [np.asarray(self.image(i)) for i in range(len(self.labels))]
        self.height, self.width = torch.tensor([a.shape[:2] for a in arrays]).T
        starts = np.cumsum([0] + [a.size // 3 for a in arrays[:-1]])
        self._starts = torch.from_numpy(starts).to(self._device)
        self._bytes = torch.from_numpy(np.concatenate([a.reshape(-1, 3) for a in arrays])).to(self._device)
        return self

    def crops(self, chosen, left, top, right, bottom, size):
        """Cut one rectangle out of each chosen photograph, in its pixels, and scale it (bilinearly) to size × size.
        Mirrored where left > right. Returns (n, 3, size, size), colours 0 to 1."""
        place = (torch.arange(size, device=self._device) + 0.5) / size

        def along(first, last, most):
            first, last, most = (t.to(self._device).unsqueeze(1) for t in (first, last, most))
            at = (first + (last - first) * place - 0.5).clamp(min=0)
            at = torch.minimum(at, most - 1.0)
            low = at.floor().long()
            return low, torch.minimum(low + 1, most - 1), at - low

        x0, x1, dx = along(left, right, self.width[chosen])
        y0, y1, dy = along(top, bottom, self.height[chosen])
        start, width = self._starts[chosen.to(self._device)], self.width[chosen].to(self._device)
        row0, row1 = (start.unsqueeze(1) + y * width.unsqueeze(1) for y in (y0, y1))

        def pixels(row, x):
            return self._bytes[row.unsqueeze(2) + x.unsqueeze(1)].float()

        dx, dy = dx[:, None, :, None], dy[:, :, None, None]
        upper = torch.lerp(pixels(row0, x0), pixels(row0, x1), dx)
        lower = torch.lerp(pixels(row1, x0), pixels(row1, x1), dx)
        return torch.lerp(upper, lower, dy).permute(0, 3, 1, 2) / 255

    def inputs(self, indices, size):
        """As the lessons prepare a photograph: (n, 3, size, size), normalised."""
        return torch.cat([to_input(self.image(i), size) for i in indices])


def varied(photographs, chosen, done):
    """The chosen photographs as they are shown in training: a rectangle of 35 to 100 % of each, mirrored or not, lit,
    coloured and sharpened a little differently."""
    sizes = next(sizes for start, sizes in reversed(SIZES) if done >= start)
    size = sizes[torch.randint(len(sizes), ())]
    n, width, height = len(chosen), photographs.width[chosen], photographs.height[chosen]
    area = torch.empty(n).uniform_(0.35, 1) * width * height
    ratio = torch.empty(n).uniform_(-1, 1).mul(np.log(4 / 3)).exp()
    w, h = torch.minimum((area * ratio).sqrt(), width), torch.minimum((area / ratio).sqrt(), height)
    left, top = torch.rand(n) * (width - w), torch.rand(n) * (height - h)
    mirrored = torch.rand(n) < 0.5
    right = left + w
    left, right = torch.where(mirrored, right, left), torch.where(mirrored, left, right)
    x = photographs.crops(chosen, left, top, right, top + h, size)
    light, contrast, colour, sharp = (
        torch.empty(n, 1, 1, 1).uniform_(*limits).to(x.device)
        for limits in ((-0.12, 0.12), (0.7, 1.35), (0.6, 1.4), (-0.5, 1.0))
    )
    x = x + sharp * (x - F.avg_pool2d(x, 3, 1, 1, count_include_pad=False))
    grey = x.mean(1, keepdim=True)
    middle = grey.mean((2, 3), keepdim=True)
    x = (grey + (x - grey) * colour - middle) * contrast + middle + light
    return normalised(x.clamp(0, 1)).contiguous(memory_format=torch.channels_last)


def step(recipe, network, optimizer, x, labels):
    """Train one step; in some a rectangle of every picture comes from another one, and so does its share of the
    target (CutMix; Yun et al., arXiv 1905.04899). Returns the loss."""
    labels, other, share = labels.to(x.device), None, 1.0
    if torch.rand(()) < MIXED:
        side = x.shape[-1]
        reach = (torch.rand(()).sqrt() * side / 2).item()  # sqrt(rand) makes the covered share uniform
        cy, cx = (torch.rand(2) * side).tolist()
        top, bottom = (round(min(max(cy + r, 0), side)) for r in (-reach, reach))
        left, right = (round(min(max(cx + r, 0), side)) for r in (-reach, reach))
        x, other = x.clone(), torch.randperm(len(x)).to(x.device)
        x[:, :, top:bottom, left:right] = x[other, :, top:bottom, left:right]
        share = 1 - (bottom - top) * (right - left) / side**2
    network.train()
    with torch.autocast(x.device.type, torch.bfloat16, enabled=recipe.bfloat16):
        scores = network(x)
    cost = partial(F.cross_entropy, scores.float(), label_smoothing=recipe.label_smoothing)
    loss = cost(labels)
    if other is not None:
        loss = share * loss + (1 - share) * cost(labels[other])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def calibrate(network, inputs, labels):
    """Divide the last layer by the temperature that makes the probabilities of these photographs most likely (Guo et
    al., arXiv 1706.04599). No answer changes. Returns the temperature."""
    with torch.no_grad():
        scores = torch.cat([network(x).float() for x in inputs.split(67)])
    by_temperature = {t / 100: F.cross_entropy(scores / (t / 100), labels).item() for t in range(20, 301)}
    best = min(by_temperature, key=by_temperature.get)
    with torch.no_grad():
        for parameter in network.head.fc.parameters():
            parameter /= best
    return best


BINS = 15  # equal steps of probability


def calibration_error(scores, labels):
    """Return the expected calibration error: how far the probability of the answer is from the share of right
    answers, averaged over answers in `BINS` equal steps of probability."""
    probability, answer = scores.softmax(1).max(1)
    right, place = (answer == labels).float(), (probability * BINS).long().clamp(max=BINS - 1)
    gaps = [(probability[place == b] - right[place == b]).sum().abs() for b in place.unique()]
    return (sum(gaps) / len(labels)).item()


@torch.no_grad()
def measured(network, photographs, indices, size, device):
    """Return accuracy and calibration error of a network on photographs, prepared as the lessons do it."""
    network.eval()
    scores = [network(photographs.inputs(some, size).to(device)).float().cpu() for some in indices.split(67)]
    scores, labels = torch.cat(scores), photographs.labels[indices]
    accuracy = (scores.argmax(1) == labels).float().mean().item()
    return {"accuracy": round(accuracy, 4), "calibration error": round(calibration_error(scores, labels), 4)}


def train(folder, state, device):
    """Train, write the weights, and return the record."""
    photographs = Photographs(folder / "imagenette-train.npz", device).decode()
    kept = len(photographs.labels) - HELD_OUT
    held = torch.arange(kept, len(photographs.labels))
    shown, labels = photographs.inputs(held, SIZE).to(device), photographs.labels[held].to(device)

    torch.manual_seed(0)
    network = ResNet(base=16, num_classes=len(photographs.names), zero_init_residual=True)
    network.to(device, memory_format=torch.channels_last)
    training = Training(
        network,
        torch.arange(kept),
        photographs.labels[:kept],
        RECIPE,
        prepare=partial(varied, photographs),
        update=partial(step, RECIPE),
        file=state,
    )
    per_epoch, curve = kept // RECIPE.batch, training.notes.setdefault("curve", [])
    for i in training:
        if i % (5 * per_epoch) == 0:
            accuracy, _ = evaluate(training.best, shown, labels, batch=67)
            loss = sum(training.losses[-per_epoch:]) / per_epoch
            curve.append({"epoch": i // per_epoch, "loss": round(loss, 4), "held out": round(accuracy, 4)})
            print(curve[-1], f"{training.seconds / 60:.1f} min", time.strftime("%H:%M"), flush=True)

    best = training.best.eval()
    temperature = calibrate(best, shown, labels)
    weights = {k: v.cpu().half() if v.is_floating_point() else v.cpu() for k, v in best.state_dict().items()}
    best.load_state_dict(weights)  # what is kept is what is measured
    write(weights, HERE / "weights.pt")
    return {
        "recipe": vars(RECIPE),
        "sizes": SIZES,
        "mixed": MIXED,
        "size": SIZE,
        "held out": {size: measured(best, photographs, held, size, device) for size in TRIED},
        "temperature": temperature,
        "classes": photographs.names,
        "minutes": round(training.seconds / 60, 1),
        "machine": torch.cuda.get_device_name() if device == "cuda" else f"{os.cpu_count()} × {platform.machine()}",
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "curve": curve,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--state", type=Path, default=Path("thin_resnet50.state"), help="where a run is kept")
    parser.add_argument("--check", action="store_true", help="only measure the weights that are there")
    options = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    file = HERE / "record.json"
    if not options.check:
        file.write_text(json.dumps(train(options.folder, options.state, device), indent=1) + "\n")
    record = json.loads(file.read_text())
    photographs, network = Photographs(options.folder / "imagenette-val.npz"), load("thin").to(device)
    every = torch.arange(len(photographs.labels))
    record["validation"] = {}
    for size in TRIED:
        record["validation"][size] = found = measured(network, photographs, every, size, device)
        print(f"{size} pixels, {len(every):,} validation photographs:", found, flush=True)
    chosen = torch.randperm(len(every), generator=torch.Generator().manual_seed(0))[:POINTED].tolist()
    pictures = ((photographs.inputs([i], SIZE), photographs.labels[i].item()) for i in chosen)
    found, n = pointing(network.cpu(), pictures)
    record["pointing"] = {"photographs": n, "still right where the quarter is": {"shown": {}, "hidden": {}}}
    print(
        f"{n} of {POINTED} photographs are right at {SIZE} pixels; still right, only a quarter shown, a quarter hidden:"
    )
    for method, (shown, hidden) in found.items():
        record["pointing"]["still right where the quarter is"]["shown"][method] = round(shown, 3)
        record["pointing"]["still right where the quarter is"]["hidden"][method] = round(hidden, 3)
        print(f"{method:20} {shown:6.0%} {hidden:6.0%}", flush=True)
    file.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
