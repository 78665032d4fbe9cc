"""The training loop of the experiments: small, seeded, and it can be stopped and resumed at any step.

What happens at step n depends on the recipe, the data and n alone, never on what ran before in the session. So a run
that was stopped and one that was not end at the same numbers (on the same machine and number of threads).
"""

import math
import os
import signal
import threading
import time
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from .._common import alone, check, evaluating, whole

# Set by the tests: lessons then train for a few steps only.
FAST = bool(os.environ.get("RESNET_COURSE_FAST"))


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    epochs:    how often every picture is seen.
    batch:     pictures of one step; the last, smaller batch of an epoch is left out.
    peak:      the learning rate where it is highest. It rises in a cosine to there and falls in one to nearly zero
               (one cycle; Smith and Topin, arXiv 1708.07120).
    warmup:    the share of the steps until the peak.
    optimizer: "sgd" (with Nesterov's momentum 0.9) or "adamw".
    weight_decay: of convolutions and linear layers; norms and biases are spared.
    label_smoothing: share of the target spread over all classes (Szegedy et al., arXiv 1512.00567, section 7).
    average:   decay of the running average of the weights, which is then what is evaluated; 0 keeps none.
    bfloat16:  whether products are computed in bfloat16; the weights stay in float32.
    seed:      of the order of the pictures and of what is random in preparing them. The first weights are the
               network's, so seed before building it.
    """

    epochs: int = 10
    batch: int = 128
    peak: float = 0.1
    warmup: float = 0.2
    optimizer: str = "sgd"
    weight_decay: float = 5e-4
    label_smoothing: float = 0.0
    average: float = 0.0
    bfloat16: bool = False
    seed: int = 0

    def __post_init__(self):
        check(epochs=self.epochs, batch=self.batch)
        check(least=0, seed=self.seed)
        if self.optimizer not in ("sgd", "adamw"):
            raise ValueError(f'optimizer = {self.optimizer!r} must be "sgd" or "adamw"')
        if not self.peak > 0:
            raise ValueError(f"peak = {self.peak!r} must be above 0")
        for name in ("warmup", "label_smoothing", "average"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)!r} must be at least 0 and below 1")


class Training:
    """A network on its way through a recipe.

        training = Training(network, pictures, labels, Recipe(epochs=3), file="run.pt")
        for step in training:
            ...                                  # after every step: training.losses grows; break whenever you like

    Stop with `break` or the keyboard; another `for` resumes, because the object remembers. A new object, in the same
    session or in another one, resumes from the file.

    network:  any classifier. It is trained in place; `best` is the network to use.
    pictures: (N, …) tensor, one row a picture, in whatever form `prepare` takes.
    labels:   (N,) tensor of whole numbers.
    prepare:  called with a batch of the pictures and the share of the run that is done; returns the network's input.
              What is random in it is drawn from torch's global generator, which is seeded for each step.
    update:   called with network, optimizer, the network's input and the labels; trains one step and returns the loss.
              The recipe's own step unless given: cross-entropy, and the label_smoothing, bfloat16 of the recipe.
    file:     where the state is kept; if it already holds a run with this recipe, training resumes from it. Saved
              every 30 s and on every stop, atomically. If the same run continues elsewhere as well, the file keeps the
              state with more steps, and this one resumes from it at its next `for`.
    `notes` is a dictionary for numbers and lists of yours that are saved in the file as well.
    Raises ValueError for data that do not fit together, for a file of another run, and where the loss is no longer
    a number.
    """

    def __init__(self, network, pictures, labels, recipe=None, *, prepare=None, update=None, file=None):
        self.network, self.pictures, self.labels = network, pictures, labels
        self.recipe = recipe or Recipe()
        self.prepare = prepare or (lambda batch, _done: batch)
        self._update = update or self._descend
        self.file = None if file is None else Path(file)
        if not torch.is_tensor(pictures) or not torch.is_tensor(labels):
            raise ValueError("pictures and labels must be tensors: torch.as_tensor makes one of a list or an array")
        if labels.dim() != 1 or labels.is_floating_point():
            raise ValueError(
                f"labels must be one whole number a picture, (N,), and are {labels.dtype}, {tuple(labels.shape)}"
            )
        if len(pictures) != len(labels) or len(labels) < self.recipe.batch:
            raise ValueError(
                f"{len(pictures):,} pictures and {len(labels):,} labels: there must be as many of both, and at least "
                f"one batch of {self.recipe.batch}"
            )
        self.steps = self.recipe.epochs * (len(labels) // self.recipe.batch)
        self.step, self.losses, self.seconds, self.notes = 0, [], 0.0, {}
        self.optimizer = _optimizer(network, self.recipe)
        self.averaged = None
        if self.recipe.average:
            follow = get_ema_multi_avg_fn(self.recipe.average)
            self.averaged = AveragedModel(network, multi_avg_fn=follow, use_buffers=True)
        if self.file is not None and self.file.exists():
            self._take(self._read())

    @property
    def best(self):
        """The network to use: the average of the weights where the recipe keeps one."""
        return self.network if self.averaged is None else self.averaged.module

    def __iter__(self):
        further = self._further()
        if further is not None:
            self._take(further)
        saved = time.monotonic()
        try:
            while self.step < self.steps:
                with _whole_steps():
                    self._one_step()
                yield self.step
                if self.file is not None and time.monotonic() - saved > 30:
                    self.save()
                    saved = time.monotonic()
        finally:
            if self.file is not None:
                self.save()

    def _one_step(self):
        began = time.monotonic()
        r, per_epoch = self.recipe, len(self.labels) // self.recipe.batch
        epoch, i = divmod(self.step, per_epoch)
        order = torch.randperm(len(self.labels), generator=_generator(r.seed, epoch))
        chosen = order[i * r.batch : (i + 1) * r.batch]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(_mix(r.seed, self.step) + 1)
            x = self.prepare(self.pictures[chosen], self.step / self.steps)
            for group in self.optimizer.param_groups:
                group["lr"] = r.peak * one_cycle(self.step / self.steps, r.warmup)
            loss = float(self._update(self.network, self.optimizer, x, self.labels[chosen]))
        self._check_loss(loss)
        if self.averaged is not None:
            self.averaged.update_parameters(self.network)
        self.losses.append(loss)
        self.step += 1
        self.seconds += time.monotonic() - began

    def _descend(self, network, optimizer, x, labels):
        network.train()
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.recipe.bfloat16):
            scores = network(x)
        labels = labels.to(x.device).long()
        low, high = labels.aminmax()
        if low < 0 or high >= scores.shape[1]:
            raise ValueError(
                f"labels run from {low.item()} to {high.item()}, and the network distinguishes {scores.shape[1]} "
                f"classes: they must be 0 to {scores.shape[1] - 1}"
            )
        loss = F.cross_entropy(scores.float(), labels, label_smoothing=self.recipe.label_smoothing)
        self._check_loss(loss.item())  # before it spoils the weights
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    def _check_loss(self, loss):
        if not math.isfinite(loss):
            raise ValueError(
                f"the loss is {loss} at step {self.step}: it grew without bound, as with too high a learning "
                f"rate; peak = {self.recipe.peak} is the highest, try a third of it"
            )

    # ── the file ──

    def save(self, file=None):
        """Write the whole state to a file, the run's own unless given, atomically. The run's own file keeps a state of
        it with more steps, also where another thread or process saves at the same time."""
        with nullcontext() if file else alone(self.file):
            if file or self._further() is None:
                write(self._state(), file or self.file)

    def _state(self):
        return {
            "recipe": asdict(self.recipe),
            "pictures": len(self.labels),
            "step": self.step,
            "seconds": self.seconds,
            "losses": torch.tensor(self.losses),
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "averaged": None if self.averaged is None else self.averaged.state_dict(),
            "notes": self.notes,
        }

    def _further(self):
        """The state in the file if it is this run's and further on, for it may go on elsewhere as well; else None."""
        if self.file is None or not self.file.exists():
            return None
        try:
            state = self._read()
        except ValueError:
            return None
        return state if state["step"] > self.step else None

    def _read(self):
        """The state in the file. ValueError where it holds none of this run."""
        if self.file.is_dir():
            raise ValueError(f"{str(self.file)!r} is a folder: name a file in it")
        try:
            state = torch.load(self.file, map_location="cpu", weights_only=True)
            parts = "recipe", "pictures", "step", "seconds", "losses", "network", "optimizer", "averaged", "notes"
            state = {name: state[name] for name in parts}
            state["losses"], state["notes"] = state["losses"].tolist(), dict(state["notes"])
        except Exception as error:
            raise ValueError(
                f"{str(self.file)!r} is not a readable training run ({type(error).__name__}): "
                "delete it to begin again, or name another file"
            ) from None
        mine = {**asdict(self.recipe), "pictures": len(self.labels)}
        theirs = {**state["recipe"], "pictures": state["pictures"]}
        other = [f"{k} = {theirs.get(k)!r} there, {mine[k]!r} here" for k in mine if mine[k] != theirs.get(k)]
        if other:
            raise ValueError(
                f"{str(self.file)!r} holds another run ({'; '.join(other)}): name another file, or delete it"
            )
        shapes = ({k: v.shape for k, v in d.items()} for d in (state["network"], self.network.state_dict()))
        if next(shapes) != next(shapes):  # load_state_dict would copy what fits before it complains
            raise ValueError(f"{str(self.file)!r} was saved by another network: name another file, or delete it")
        return state

    def _take(self, state):
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.averaged is not None:
            self.averaged.load_state_dict(state["averaged"])
        self.step, self.seconds = state["step"], state["seconds"]
        self.losses, self.notes = state["losses"], state["notes"]


def _optimizer(network, r):
    spared = [p for p in network.parameters() if p.dim() <= 1]
    decayed = [p for p in network.parameters() if p.dim() > 1]
    groups = [{"params": decayed, "weight_decay": r.weight_decay}, {"params": spared, "weight_decay": 0.0}]
    if r.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=r.peak, momentum=0.9, nesterov=True)
    return torch.optim.AdamW(groups, lr=r.peak)


def one_cycle(done, warmup):
    """The learning rate as a share of its peak when that share of the steps is done: from 0.04 up to 1 and down to
    0.001, each a half cosine."""
    if done < warmup:
        return 0.04 + 0.96 * _fall(1 - done / warmup)
    return 0.001 + 0.999 * _fall((done - warmup) / (1 - warmup))


def _fall(t):
    """From 1 at t = 0 to 0 at t = 1, level at both ends."""
    return 0.5 + 0.5 * math.cos(math.pi * t)


def _generator(*numbers):
    return torch.Generator().manual_seed(_mix(*numbers))


def _mix(seed, n):
    return seed * 1_000_003 + n


@torch.no_grad()
def evaluate(network, pictures, labels, *, prepare=None, batch=500):
    """Return accuracy (0 to 1) and mean cross-entropy of a network on labelled pictures, in evaluation mode; its
    modules return to their own modes. `prepare` is called as in `Training`, with 1.0 for the share that is done."""
    hits, loss = 0, 0.0
    with evaluating(network):
        for i in range(0, len(labels), batch):
            x = pictures[i : i + batch]
            scores = network(x if prepare is None else prepare(x, 1.0)).float()
            target = labels[i : i + batch].to(scores.device).long()
            hits += (scores.argmax(1) == target).sum().item()
            loss += F.cross_entropy(scores, target, reduction="sum").item()
    return hits / len(labels), loss / len(labels)


def write(state, file):
    """Save a state with torch, atomically."""
    with whole(file) as out:
        torch.save(state, out)


@contextmanager
def _whole_steps():
    """The keyboard's interrupt waits inside until the step is done: half a step would leave weights and count apart."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed = []
    before = signal.signal(signal.SIGINT, lambda *_: pressed.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt
