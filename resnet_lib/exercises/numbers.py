"""Numbers of a block for each student, so that everybody computes their own."""

import hashlib
import re
from unicodedata import normalize

USUAL = {(64, 56, 64, 1), (256, 56, 128, 2), (512, 28, 256, 2), (1024, 14, 512, 2), (256, 56, 64, 1)}


def student_numbers(identifier, lesson="03"):
    """C, W, C1 and S of a BTNK1 for one student, as a dictionary.

    The same identifier and lesson always give the same numbers, on every machine. C and C1 are multiples of 8 and
    differ from 4·C1, so that the block needs its projection; W is from 7 to 63, odd half of the time; they are never
    those of a block of ResNet-50. Spaces around the identifier and capitals do not count. ValueError if it is empty.
    """
    name = normalize("NFC", str(identifier)).strip().casefold()
    if not name:
        raise ValueError("the identifier is empty: give the student's name, number or address")
    for attempt in range(100):
        text = f"{lesson}\0{name}\0{attempt}"
        draw = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
        draw, c = divmod(draw, 62)
        draw, w = divmod(draw, 57)
        draw, c1 = divmod(draw, 31)
        C, W, C1, S = 8 * (c + 2), w + 7, 8 * (c1 + 1), 1 + draw % 2
        if C != 4 * C1 and (C, W, C1, S) not in USUAL:
            return {"C": C, "W": W, "C1": C1, "S": S}
    raise AssertionError("a hundred draws in a row cannot all be refused")


COMMON = {"C": 256, "W": 56, "C1": 128, "S": 2}  # for those who are alone


def own_numbers(me="", lesson="03"):
    """Return C, W, C1 and S for the student with the name `me` as in `student_numbers`; without a name the course's
    common numbers, which are the same for everybody."""
    return student_numbers(me, lesson) if str(me).strip() else dict(COMMON)


def same_student(one, other):
    """Return whether two names may be one student's: all words of one are in the other, or they have the same letters,
    as "Ada Lovelace" and Canvas's "lovelaceada" do, with or without those that ASCII has not."""
    one, other = (normalize("NFC", normalize("NFC", str(name)).casefold()) for name in (one, other))
    words = [set(re.findall(r"[^\W_]+", name)) for name in (one, other)]
    letters = [sorted("".join(re.findall(r"[^\W_]+", name))) for name in (one, other)]
    plain = [[c for c in each if c.isascii()] for each in letters]
    alike = letters[0] == letters[1] or plain[0] == plain[1] and plain[0] in letters
    return bool(all(words) and (words[0] <= words[1] or words[1] <= words[0] or alike))
