"""Whether a module gives the same whenever it is called, and leaves torch and all random numbers as they were."""

import io
from contextlib import nullcontext, redirect_stdout

import torch

from .._common import watched
from .differing import TOLERANCE, same, two_numbers
from .endless import Endless, clock, within
from .errors import stopped
from .kinds import found

CALLS = 60  # a block that is left out once in ten calls shows in all but 2 of 1,000
SECONDS = 0.5  # of `clock`, for calls in one mode, of a large module or a slow learner's code
FEW = 3
ENOUGH = 10 * TOLERANCE

# What `watched` tells, in words.
WHAT = {
    "inference": "whether inference mode is on (a torch.inference_mode that is entered and not left)",
    "grad": "whether gradients are recorded (torch.set_grad_enabled, or a torch.no_grad that is entered and not left)",
    "dtype": "the type of new tensors (torch.set_default_dtype)",
    "device": "where new tensors are (torch.set_default_device)",
    "deterministic": "which algorithms are used (torch.use_deterministic_algorithms)",
    "autocast": "the types in which is computed (a torch.autocast that is entered and not left)",
    "anomaly": "how errors of gradients are looked for (torch.autograd.set_detect_anomaly)",
    "hooks": "what all modules do when they are called (a hook that is registered for all of them)",
    "seed": "at which random numbers all code goes on (torch.manual_seed)",
    "Python's seed": "at which random numbers Python's random goes on (random.seed)",
    "NumPy's seed": "at which random numbers NumPy goes on (numpy.random.seed)",
}


def lasting(words, code="forward"):
    """What was changed for all code that follows, as a finding, or None. words: as `watched` tells them."""
    word = next((w for w in words if w in WHAT), None)
    return found("lasting", code=code, what=WHAT[word]) if word else None


def unsteady(run, training=False):
    """What a run, a `Survey`, has changed in torch, or drawn by chance, as a finding, or None."""
    if wrong := lasting(run.left):
        return wrong
    drawn = "draws" in run.left and not run.dropped and not run.error  # a dropout has a finding of its own
    return found("by chance", mode=" in training mode" if training else "") if drawn else None


def another_time(learner, known, put_back):
    """What a module gives otherwise when it is called again and again, as a finding, or None.

    known: the `Reference`; put_back: gives the learner's module the reference's numbers.
    """
    sizes = {i: x.numel() for i, x in enumerate(known.inputs) if x.shape[0] > 1}
    i = min(sizes, key=sizes.get)
    for training in (False, True):
        put_back()
        right = known.run(i, training).out.detach()
        try:
            learner.train(training)
            with within(), redirect_stdout(io.StringIO()):  # what is printed was printed in the runs before
                wrong = _calls(learner, known.inputs[i], right, training)
        except Endless:
            raise
        except Exception as error:  # whatever a learner's code raises is a finding
            wrong = stopped(error)
        if wrong:
            return wrong
    return None


def _calls(learner, x, right, training):
    """Call a module many times, in eval() under no_grad, as most cells of the course do; in training with gradients
    and without in turn."""
    until = clock() + SECONDS
    with torch.set_grad_enabled(training), watched() as left:
        for n in range(CALLS):
            if n >= FEW and clock() > until:
                break
            with torch.no_grad() if n % 2 else nullcontext():
                out = learner(x.clone())
            if not same(out, right, ENOUGH):
                break
    if wrong := lasting(left):
        return wrong
    if same(out, right, ENOUGH):
        return None
    values = two_numbers(out, right) if isinstance(out, torch.Tensor) and out.shape == right.shape else None
    if values is None:
        return found("another result")
    first = n == training  # of those without gradients
    with torch.enable_grad():
        kind = "another without gradients" if first and same(learner(x), right, ENOUGH) else "another time"
    return found(kind, mode=" in training mode" if training else " in eval()", **values)
