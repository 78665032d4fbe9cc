"""The broken-block clinic: networks with one real mistake each, and four examinations that show what it does.

A network is put together from parts (parts.py); three examinations are quick (examinations.py), one trains (trial.py).
Whether a patient is cured is said by `exercises.check_cured`.
"""

from .examinations import Proof, Reading, Shapes, Statistics, prove, published, shapes, statistics
from .parts import HEALTHY, assemble, initialise_at_the_shortcut
from .trial import Trial

__all__ = [
    "EXAMINATIONS", "HEALTHY", "Proof", "Reading", "Shapes", "Statistics", "Trial", "assemble",
    "initialise_at_the_shortcut", "prove", "published", "shapes", "statistics",
]  # fmt: skip

EXAMINATIONS = {
    "shapes and counts": (
        "What the code says, made as the full ResNet-50 on 224 × 224: shapes, parameters, MACs.",
        "It cannot see what happens to the numbers between: a ReLU, the kind of pooling, a sum.",
    ),
    "statistics": (
        "Of the input and of every step, before training: mean, deviation, signs, zeros, beside five healthy networks.",
        "It cannot see what leaves means and deviations as they are, such as a stride in another place.",
    ),
    "ladder of proof": (
        "The course's trained weights in the patient, compared step by step with the network they are from; then its "
        "answers.",
        "It copies weights first, so it cannot see how the patient's own were drawn, nor how it would learn.",
    ),
    "training": (
        "A moment of training beside two healthy networks with other first weights: the losses, and what never moves.",
        "It cannot see what training makes up for, and needs more than luck to speak.",
    ),
}
