"""The broken-block clinic: networks with one real mistake each, and four examinations that show what it does.

A network is put together from parts (healthy.py); three examinations are quick (examinations.py,
proving.py), one trains (trial.py). Whether a patient is cured is said by `exercises.check_cured`.
"""

from .examinations import Reading, Shapes, Statistics, shapes, statistics
from .healthy import HEALTHY, assemble, initialise_at_the_shortcut
from .proving import Proof, loads_by_name, loads_otherwise, prove, published
from .trial import Trial

__all__ = [
    "EXAMINATIONS",
    "HEALTHY",
    "Proof",
    "Reading",
    "Shapes",
    "Statistics",
    "Trial",
    "assemble",
    "initialise_at_the_shortcut",
    "loads_by_name",
    "loads_otherwise",
    "prove",
    "published",
    "shapes",
    "statistics",
]

EXAMINATIONS = {
    "shapes and counts": (
        "Made as the full ResNet-50, for a picture of 224 × 224, without computing a number: shapes, parameters, MACs.",
        "It cannot see what happens to the numbers between: a ReLU, the kind of pooling, a sum.",
    ),
    "statistics": (
        "Mean, deviation, signs and zeros of the input and every step, before training, beside five healthy networks.",
        "It cannot see what leaves means and deviations as they are, such as a stride in another place of a block.",
    ),
    "ladder of proof": (
        "The course's trained weights go into the patient: every step beside the network that they are from, then the "
        "answers.",
        "It copies weights first, so it cannot see how the patient's own were drawn, nor how it would learn.",
    ),
    "training": (
        "A moment of training beside two healthy networks with other first weights: the losses, and what never moves.",
        "It cannot see what training makes up for, and says nothing of a difference that may be luck.",
    ),
}
