"""What a piece of code does to torch itself, for all code that follows, and whether it draws random numbers."""

from contextlib import contextmanager

import torch

DRAWS = "draws"  # random numbers; not all of them move torch's own generator
SEED = "seed"
READ = {
    "grad": torch.is_grad_enabled,
    "dtype": torch.get_default_dtype,
    "device": torch.get_default_device,
    "deterministic": torch.are_deterministic_algorithms_enabled,
    "anomaly": torch.is_anomaly_enabled,
    SEED: torch.initial_seed,
    DRAWS: lambda: torch.get_rng_state().numpy().tobytes(),
}
RANDOM = {f"{name}{end}" for name in ("rand", "randn", "randint", "bernoulli", "normal") for end in ("", "_", "_like")}
RANDOM |= {"randperm", "multinomial", "uniform_", "random_", "exponential_", "geometric_", "poisson"}
_open = []  # the lists of those that watch, the innermost last


def note_random(func):
    """Tell those that watch of a function of torch that draws random numbers, be it from a generator of its own."""
    if getattr(func, "__name__", "") in RANDOM:
        tell([DRAWS])


@contextmanager
def watched():
    """Give a list that holds, once the code inside has run, a word of `READ` for each thing that it has changed."""
    # A seed that no code would set, so that one that is set shows.
    torch.manual_seed(2**40 + int(torch.randint(2**31, (1,), device="cpu")))
    before, found = {word: read() for word, read in READ.items()}, []
    _open.append(found)
    try:
        yield found
    finally:
        _open.pop()
        found += [word for word, read in READ.items() if word not in found and read() != before[word]]


def tell(words):
    """Tell those that watch of what has been done: by code in another process, or in a way that leaves no trace."""
    for found in _open[-1:]:
        found += [word for word in words if word in READ and word not in found]
