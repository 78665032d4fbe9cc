"""What a text says, as far as it can be counted: its different words, its substance, and whether it is filler."""

import re
import unicodedata

# What people type, or paste, where a text is asked for and they have none. A sentence has some of these words as well,
# in one language or another, and never most of its own.
LOREM = frozenset(
    """
    lorem ipsum dolor sit amet consectetur consectetuer adipiscing adipisicing elit sed do eiusmod tempor incididunt ut
    labore et dolore magna aliqua enim ad minim veniam quis nostrud exercitation ullamco laboris nisi aliquip ex ea
    commodo consequat duis aute irure in reprehenderit voluptate velit esse cillum eu fugiat nulla pariatur excepteur
    sint occaecat cupidatat non proident sunt culpa qui officia deserunt mollit anim id est laborum perspiciatis unde
    omnis iste natus error voluptatem accusantium doloremque laudantium totam rem aperiam
    """.split()
)
BLANKS = frozenset(
    "foo bar baz qux bla blah blub xxx yyy zzz todo tbd test text placeholder something whatever".split()
)
# Without a vowel, and no filler: the course's own, as in BTNK1, and others of which people write.
ABBREVIATIONS = frozenset("btnk btnks lstm lstms cnns rnns sqrt rsqrt http https html ckpt ctrl mlps dwconv".split())
ROWS = ("qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "qsdfghjklm", "zxcvbnm", "yxcvbnm", "wxcvbn")


def words(text):
    """The different words of a text, in any language; where they are not set apart by spaces, its characters."""
    return set(re.findall(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W\d_]+", text.casefold()))


def substance(text):
    """A text with single spaces, every sentence and every word in a row of equal ones once."""
    sentences = dict.fromkeys(each.strip() for each in re.split(r"(?<=[.!?。！？])", " ".join(text.split())))
    return re.sub(r"\b(\w+)( \1\b)+", r"\1", " ".join(sentences)).strip()


def filler(text):
    """Whether most words of a text are of lorem ipsum, stand for a text to come, or are keys beside each other."""
    every = words(text)
    return len(every) > 0 and sum(map(_empty, every)) > len(every) / 2


def _empty(word):
    if word in LOREM or word in BLANKS:
        return True
    if word in ABBREVIATIONS:
        return False
    plain = unicodedata.normalize("NFKD", word)
    keys = len(word) > 2 and any(word in row or word[::-1] in row for row in ROWS)
    # Other alphabets have other vowels, and abbreviations such as BN have none.
    return keys or (len(word) > 3 and plain.isascii() and not re.search("[aeiouy]", plain))
