"""What a piece of code does to torch itself, for all code that follows, and whether it draws random numbers or builds
modules."""

from contextlib import contextmanager
from time import perf_counter

import torch
from torch.nn.modules import module

from . import generators

HOOKS = [space for name, space in vars(module).items() if name.startswith("_global_") and isinstance(space, dict)]
BUILDS = "builds"  # modules that have parameters
DRAWS = "draws"  # random numbers; not all of them move torch's own generator
SEED = "seed"
OTHERS = {"Python's seed": generators.of_python, "NumPy's seed": generators.of_numpy}
READ = {
    "inference": torch.is_inference_mode_enabled,
    "grad": torch.is_grad_enabled,
    "dtype": torch.get_default_dtype,
    "device": torch.get_default_device,
    "deterministic": torch.are_deterministic_algorithms_enabled,
    "autocast": lambda: torch.is_autocast_enabled("cpu"),
    "anomaly": torch.is_anomaly_enabled,
    BUILDS: lambda: _built[0],
    "hooks": lambda: [list(space) for space in HOOKS],
    SEED: torch.initial_seed,
    DRAWS: lambda: torch.get_rng_state().numpy().tobytes(),
    **OTHERS,
}
RANDOM = {f"{name}{end}" for name in ("rand", "randn", "randint", "bernoulli", "normal") for end in ("", "_", "_like")}
RANDOM |= {"randperm", "multinomial", "uniform_", "random_", "exponential_", "geometric_", "poisson"}
_built = [0]  # how many parameters have become a module's
_open = []  # the lists of those that watch, the innermost last


OF_MODULE = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
OF_TENSOR = ("_backward_hooks", "_post_accumulate_grad_hooks")


def hooks_of(module):
    """Return how many hooks a module and its own parameters have."""
    on_tensors = (getattr(p, name, None) for p in module.parameters(recurse=False) for name in OF_TENSOR)
    return sum(len(found or ()) for found in (*(getattr(module, name, ()) for name in OF_MODULE), *on_tensors))


def note_random(func):
    """Tell those that watch of a function of torch that draws random numbers, be it from a generator of its own."""
    if getattr(func, "__name__", "") in RANDOM:
        tell([DRAWS])


@contextmanager
def watched(chance=True):
    """Give a list that holds, once the code inside has run, a word of `READ` for each thing that it has changed.

    chance: whether seeds and random numbers count; torch then begins at another seed.
    """
    reads = READ if chance else {word: read for word, read in READ.items() if word not in (SEED, DRAWS, *OTHERS)}
    if chance:
        # A seed that no code would set, so that one that is set shows.
        torch.manual_seed(2**40 + int(torch.randint(2**31, (1,), device="cpu")))
    hook = module.register_module_parameter_registration_hook(_count)
    before, found, began = {word: read() for word, read in reads.items()}, _Found(reads), perf_counter()
    _open.append(found)
    try:
        yield found
    finally:
        _open.pop()
        seconds, now = perf_counter() - began, {word: read() for word, read in reads.items()}
        hook.remove()
        changed = [word for word in reads if now[word] != before[word]]
        drawn = [word for word in changed if word in OTHERS and generators.drawn(before[word], now[word], seconds)]
        found.add(DRAWS if word in drawn else word for word in changed)


def _count(*_given):
    _built[0] += 1


class _Found(list):
    """The words of some that are known, each once."""

    def __init__(self, known):
        super().__init__()
        self._known = known

    def add(self, words):
        self += [word for word in dict.fromkeys(words) if word in self._known and word not in self]


def tell(words):
    """Tell those that watch of what has been done: by code in another process, or in a way that leaves no trace."""
    for found in _open[-1:]:
        found.add(words)
