"""What an explorer of one block says and offers: positions, marks, the line of code, why a sum is impossible."""

import inspect
import io

from PIL import Image

from .._common import shape_text
from ..photos import PATTERNS, pattern, photo, square
from .block_design import positions
from .trained import places


def all_places():
    """Every block that the position can name: ResNet-50's, and the bundled network's."""
    named = {name: places("resnet50")[name] for name in positions()}
    return named | {f"bundled: {name}": place for name, place in places("thin").items()}


def headings(found):
    return {
        name: "ResNet-50" if place.network == "resnet50" else "the bundled network, trained"
        for name, place in found.items()
    }


def stage_marks():
    """ResNet-50's own values of C, W, C1 and S, each with the stages that have it."""
    found = {"C": {}, "W": {}, "C1": {}, "S": {}}
    for name, d in positions().items():
        for letter, marked in found.items():
            marked.setdefault(getattr(d, letter), []).append(name.partition(",")[0])
    return {
        letter: {value: "ResNet-50, " + ", ".join(dict.fromkeys(stages)) for value, stages in sorted(marked.items())}
        for letter, marked in found.items()
    }


def same_block(a, b):
    """Return whether two designs have the same numbers but for W, wherever S is."""
    return (a.block, a.C, a.C1, a.S) == (b.block, b.C, b.C1, b.S)


def describe(d):
    """Return "BTNK1(C=256, C1=128, S=2)", or "BTNK2(C=256)" where C1 and S are what they must be: a line of Python."""
    if not isinstance(d.block, str):
        takes = inspect.signature(d.block).parameters
        given = {"C": d.C, "C1": d.C1, "S": d.S}.items()
        return f"{d.block.__name__}({', '.join(f'{name}={value}' for name, value in given if name in takes)})"
    on = f', stride_on="{d.stride_on}"' if d.stride_on != "3x3" and d.S > 1 else ""
    if d.block == "BTNK2":
        return f"BTNK2(C={d.C}{'' if 4 * d.C1 == d.C else f', C1={d.C1}'}{'' if d.S == 1 else f', S={d.S}'})"
    return f"BTNK1(C={d.C}, C1={d.C1}{f', S={d.S}' if d.S != 1 else ''}{on})"


def clash_text(clash):
    """Return which two shapes cannot be added, as a sentence."""
    f, s = clash
    return f"F(x) has shape {shape_text(f)} and the shortcut {shape_text(s)}: a sum needs equal shapes."


def advice(d):
    """Return what makes an illegal BTNK2 legal, as a sentence."""
    reasons = []
    if 4 * d.C1 != d.C:
        reasons.append(f"F(x) has 4·C1 = {4 * d.C1:,} channels and x has C = {d.C:,}")
    if d.S != 1:
        reasons.append(f"S = {d.S} shrinks F(x), and nothing shrinks x")
    return f"{'; '.join(reasons)}. BTNK1's G(x) would give x the shape of F(x)."


def thumb(value, side=48):
    """Return a picture, or a pattern by its name, as a PNG of so many pixels a side."""
    if isinstance(value, str) and value in PATTERNS:
        image = Image.fromarray(((pattern(value, side).clamp(-1, 1) + 1) * 127.5).byte().numpy())
    else:
        image = square(photo(value) if isinstance(value, str) else value, side)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
