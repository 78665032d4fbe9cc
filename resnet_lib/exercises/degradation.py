"""Check of a diagnosis: degradation, overfitting or neither."""

from itertools import product

from .._common import Kind
from .edits import Solution
from .judge import OTHER, judge
from .results import told

NAMES = ("degradation", "overfitting", "neither")
DIAGNOSE = Solution(
    """
    def diagnose(shallow, deep):
        (shallow_loss, shallow_right), (deep_loss, deep_right) = shallow, deep
        worse_loss = deep_loss > shallow_loss
        worse_test = deep_right < shallow_right
        return "degradation" if worse_loss else "overfitting" if worse_test else "neither"
    """,
    """
    `(shallow_loss, shallow_right), (deep_loss, deep_right)` → `(shallow_loss, deep_loss), (shallow_right, deep_right)`
        Each pair belongs to one network, and holds its loss and its accuracy.
    `degradation` → `?`; `overfitting` → `degradation`; `?` → `overfitting`
        The two names are exchanged: degradation is about the training pictures, overfitting about the others.
    `"degradation" if worse_loss else ` → ``; `else "neither"` → `else "degradation" if worse_loss else "neither"`
        You look at the test first: a worse training loss is degradation, whatever the test says.
    `if worse_loss` → `if worse_loss and worse_test`
        You say degradation only if the deep one is worse on both: the training loss alone decides it.
    `"degradation" if worse_loss else ` → ``
        You decide by the test accuracy alone: look at the training loss first.
    `if worse_test else "neither"` → ``
        You decide by the training loss alone: where it is no worse, the test accuracy decides.
    `"overfitting"` → `"neither"`
        You never say overfitting: that is a worse test with a loss that is no worse.
    `"degradation"` → `"overfitting"`
        You say overfitting where the training loss is worse: that is degradation.
    `"overfitting"` → `"degradation"`
        You say degradation where only the test accuracy is worse: that is overfitting.
    `deep_loss > shallow_loss` → `deep_loss > deep_right`
        You compare a loss with an accuracy: compare the deep network's with the shallow one's.
    `"degradation" if worse_loss else "overfitting" if worse_test else "neither"` → `"degradation"`
        You always say degradation: sometimes it is none.
    `"degradation" if worse_loss else "overfitting" if worse_test else "neither"` → `"neither"`
        You always say neither: is something returned before the comparisons?
    Hint: A loss is better when it is lower, an accuracy when it is higher.
    `deep_loss > shallow_loss` → `shallow_loss > deep_loss`
        You take the loss the wrong way round: the lower it is, the better.
    `deep_right < shallow_right` → `shallow_right < deep_right`
        You take the accuracy the wrong way round: the higher it is, the better.
    `= shallow, deep` → `= deep, shallow`
        You take the two networks the wrong way round: it is the deep one that disappoints.
    Hint: Which of < and <= says "worse", and which "no worse"?
    `>` → `>=`
        An equal loss is at least as good: degradation is a loss that is higher.
    `<` → `<=`
        An equal accuracy is no worse: overfitting is one that is lower.
    """,
)
_RETURNS = "Every way through the function ends in a return with one of the three names."
NO_NAME = Kind("no name", "{name} returns None: let it return one of the three names, in every case.", _RETURNS)
OTHER_NAME = Kind("other name", "{name} returns {found}: it must be one of {names}.", _RETURNS)


def check_diagnosis(f, *, exercise=None):
    """Check f(shallow, deep): "degradation", "overfitting" or "neither"; both are (training loss, test accuracy)."""
    first = [((0.8, 0.7), (1.9, 0.4)), ((0.8, 0.7), (0.2, 0.6)), ((0.8, 0.7), (0.2, 0.8)), ((0.8, 0.7), (1.9, 0.72))]
    first += [((3.5, 0.7), (3.2, 0.72)), ((3.5, 0.7), (3.2, 0.6))]  # a high loss need not be a worse one
    pairs = list(product((0.2, 0.5, 0.5001, 1.9), (0.4, 0.6, 0.6001, 0.7)))  # a little worse is worse
    return judge(
        f,
        lambda *case: "Shallow {}, deep {}".format(*case),
        first + list(product(pairs, pairs)),
        [DIAGNOSE],
        (
            "Which of the two numbers is about the pictures that the network was trained on?",
            "First the training loss: higher means degradation. Only then the test accuracy: lower means overfitting.",
            'if deep_loss > shallow_loss: return "degradation"; if deep_accuracy < …: return …; return "neither"',
        ),
        read=_a_name,
        same=lambda a, b: a == b,
        differs=lambda a, b: (OTHER, {"yours": a, "right": b}),
        stuck="Unpack both pairs first: (shallow_loss, shallow_accuracy), (deep_loss, …) = shallow, deep.",
        exercise=exercise,
    )


def _a_name(found):
    if found is None:
        return found, (NO_NAME, {})
    if getattr(found, "shape", None) == ():  # an array of one text, as NumPy's select returns
        found = found.item()
    good = isinstance(found, str) and found in NAMES
    return found, None if good else (OTHER_NAME, {"found": told(found), "names": ", ".join(map(repr, NAMES))})
