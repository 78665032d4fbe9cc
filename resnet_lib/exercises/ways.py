"""Check of the ways through a network: how many pass exactly k of its residual functions."""

import math
from numbers import Number

from .._common import Kind, a_type
from .edits import Solution
from .judge import judge
from .results import NO_RESULT, equal, near, number, shown, told

WAYS = Solution(
    """
    def ways(n):
        ks = range(n + 1)
        return [math.comb(n, k) for k in ks]
    """,
    """
    `n + 1)` → `n + 2)`
        k goes up to n: no way leads through more F's than there are.
    `math.comb(n, k)` → `math.comb(k, n)`
        math.comb(n, k) takes the number of all blocks first, and then how many of them are chosen.
    `math.comb(n, k)` → `2 ** k`
        2 ** k counts all ways through k blocks; count those through exactly k of n.
    `math.comb(n, k)` → `math.perm(n, k)`
        You count in which order the k blocks are taken: they come in one order only.
    `math.comb(n, k)` → `(math.comb(n + k - 1, k) if n else 1)`
        You choose blocks several times: each can be passed once.
    `math.comb(n, k)` → `sum(math.comb(n, j) for j in range(k + 1))`
        Those are the ways through at most k F's; count those through exactly k.
    `math.comb(n, k)` → `(1 if k in (0, n) else n)`
        It is right up to n = 3: of four blocks, two can be chosen in six ways.
    `math.comb(n, k)` → `1`
        There are more ways than one: of n blocks, one can be chosen in n ways.
    `math.comb(n, k)` → `k`
        Those are the k themselves: how many ways lead through k of them?
    `math.comb(n, k)` → `(n * k if k else 1)`
        Of n blocks, two are chosen in n · (n − 1) / 2 ways, and not in 2 · n.
    Hint: For n = 2 there are three entries: k = 0, 1 and 2.
    `range(n` → `range(1, n`
        The way past all blocks is missing: k begins at 0.
    `n + 1)` → `n)`
        The way through all F's is missing: k goes up to n, so range(n + 1).
    `range(n + 1)` → `range(1, n)`
        The ways through none and through all F's are missing: k goes from 0 to n.
    `ks =` → `n = n + 1\\n    ks =`
        That is the list of one block more: n blocks have n + 1 entries.
    `math.comb(n, k)` → `2 ** n`
        2 ** n is the sum of all entries: how many of them pass exactly k F's?
    """,
    math=math,
)
_PRINT = "Print ways(2): three numbers in a list."
DICTIONARY = Kind("a dictionary", "{name} returns a dictionary; return a list, in which entry k belongs to k.", _PRINT)
ONE_VALUE = Kind("one value", "{name} returns {found}; return a list, with an entry for each k.", _PRINT)
NO_LIST = Kind("not a list", "{name} returns {type}: put list(…) around it.", _PRINT)
A_SET = Kind("a set", "{name} returns {type}, which keeps equal numbers once and in no order; return a list.", _PRINT)
NO_NUMBERS = Kind("not numbers", "{name} returns a list that holds {what}.", _PRINT)
OTHER_LIST = Kind("other list", "{at}: you say {yours} and it is {right}{count}.")


def check_ways(f, *, exercise=None):
    """Check f(n): how many ways through n residual blocks pass exactly k of their F's, a list for k = 0 … n."""
    return judge(
        f,
        ("n",),
        [(n,) for n in (2, 3, 1, 0, 4, 5, 16)],
        [WAYS],
        (
            "Write down all ways for n = 3, each F taken or not: there are eight. Sort them by how many are taken.",
            "In how many ways can k of n blocks be chosen? Pascal's triangle has them in row n.",
            "return [math.comb(n, k) for k in range(…)]",
        ),
        read=_whole_numbers,
        same=lambda a, b: len(a) == len(b) and all(map(_equal, a, b)),
        differs=_of_lists,
        larger=[(n,) for n in (20, 24, 32, 50)],  # who lists all 2 ** n ways is slow before memory is short
        exercise=exercise,
    )


def _equal(yours, right):
    """Whether a count is right. A sum in float32 is exact up to 2 ** 24."""
    return equal(yours, right) or right > 2**24 and isinstance(yours, float) and near(yours, right, 1e-5)


def _whole_numbers(found):
    if found is None:
        return found, (NO_RESULT, {"what": "a list"})
    if isinstance(found, dict):
        return found, (DICTIONARY, {})
    values = found.tolist() if hasattr(found, "tolist") else found
    if isinstance(values, (Number, str)):
        return found, (ONE_VALUE, {"found": told(found)})
    if isinstance(values, (set, frozenset)):
        return found, (A_SET, {"type": a_type(found)})
    if not isinstance(values, (list, tuple)):
        return found, (NO_LIST, {"type": a_type(found)})
    read = [number(value) for value in values]
    for value, problem in read:
        if problem:
            return found, (NO_NUMBERS, {"what": "None" if value is None else a_type(value)})
    return [value for value, _ in read], None


def _of_lists(yours, right):
    first = next((k for k, (a, b) in enumerate(zip(yours, right, strict=False)) if not _equal(a, b)), 0)
    k = first if first > 5 else 0  # those shown first are equal
    few = [[*["…"] * (k > 0), *map(shown, each[k : k + 6]), *["…"] * (len(each) > k + 6)] for each in (yours, right)]
    few = [f"[{', '.join(each)}]" for each in few]
    count = f", from k = {k} on" if k else ""
    count += f" ({len(yours)} entries, and there are {len(right)})" if len(yours) != len(right) else ""
    return OTHER_LIST, {"yours": few[0], "right": few[1], "count": count}
