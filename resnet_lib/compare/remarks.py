"""What is allowed in a learner's module and yet worth a word."""

from torch import nn


def remarks(learner):
    """Return what is worth a word, sentences."""
    said = []
    if any(getattr(m, "inplace", False) for m in learner.modules()):
        said.append(
            "inplace=True computes the same and saves memory, but it overwrites what the BN before it gave: whoever "
            "looks there finds the ReLU's numbers."
        )
    relus = [m for m in learner.modules() if isinstance(m, nn.ReLU)]
    if len(relus) == 1 and sum(isinstance(m, nn.BatchNorm2d) for m in learner.modules()) > 2:
        said.append("One ReLU module serves several places: right, but none of them has a name of its own to look at.")
    return tuple(said)
