"""The random numbers of Python and NumPy: where their generators stand, and whether they came there by drawing alone.

Both are the Mersenne Twister: 624 words, and how many of them are used up. When all are, the next 624 follow from them.
"""

import ctypes
import random
import struct
import sys

WORDS = 624
MOST = 100_000  # times 624 numbers that may have been drawn: more than the weights of a ResNet-50 need


def of_python():
    """Return where Python's generator stands: words, and how many are used up."""
    return random.getstate()[1]


def of_numpy():
    """Return where NumPy's generator stands, as bytes; None where nobody has loaded it, or another kind is in use."""
    numpy = sys.modules.get("numpy.random")
    bits = numpy and numpy.mtrand._rand._bit_generator
    if type(bits).__name__ != "MT19937":
        return None
    return ctypes.string_at(bits.ctypes.state_address, 4 * (WORDS + 1))  # get_state takes a hundred times as long


def drawn(before, now, seconds):
    """Whether a generator has come from where it stood to where it is by drawing alone. seconds: that it had for it."""
    if before is None or now is None:  # it was loaded or exchanged meanwhile
        return True
    if isinstance(now, bytes):
        before, now = (struct.unpack(f"{WORDS + 1}I", state) for state in (before, now))
    if before[:-1] == now[:-1]:
        return before[-1] <= now[-1]
    from_here, goal = _at_begin(before), _at_begin(now).getrandbits(32 * WORDS)
    from_here.getrandbits(32 * WORDS)
    rounds = min(MOST, 10 + int(seconds * 1e6))  # no generator needs less than a microsecond for one
    return any(from_here.getrandbits(32 * WORDS) == goal for _ in range(rounds))


def _at_begin(state):
    found = random.Random()
    found.setstate((3, (*state[:-1], 0), None))
    return found
