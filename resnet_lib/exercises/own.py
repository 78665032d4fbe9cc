"""The learner's own parts, used once they are right, in later lessons too; the library's are used until then."""

import ast
import copy
import functools
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import nn
from torch.nn import functional

import resnet_lib

from .._common import alone, runs_folder, whole
from ..compare.endless import within
from .channels import SILENT
from .checkpoints import CONTENTS
from .conversions import TO_V1
from .costs import PARAMETERS
from .degradation import DIAGNOSE
from .folding import FOLD, weight_and_bias
from .grad_cam import read_map
from .macs import MACS
from .parts import check_btnk1, check_btnk2, check_network, check_projection, check_stage, check_stem
from .placeholders import cell_of
from .residuals import FACTOR
from .results import number
from .sizes import BYTES, NUMBERS_LEFT
from .standing_in import LIBRARY
from .ways import WAYS
from .widths import OUT_WIDTH


@dataclass(frozen=True)
class Part:
    """What a learner writes, and what is used in its place.

    library: makes the library's. called: what the library calls it, where that is another name.
    check:   of parts that later lessons use: what the learner has written is kept, and checked when it is loaded.
    lesson:  the lesson in which it is written.
    read:    what its check makes of a result before it compares: what is right for the check is right below it.
    """

    library: Callable
    called: str = ""
    check: Callable | None = None
    lesson: str = ""
    read: Callable | None = None


def _part(name, *more, **named):
    return Part(lambda: LIBRARY[name], *more, **named)


def _plain(found):
    """A number as Python prints it; no Fraction has a format of its own."""
    value, problem = number(found)
    if isinstance(value, Fraction):
        value = value.numerator if value.denominator == 1 else float(value)
    return value, problem


PARTS = {
    "MyStem": _part("MyStem", "Stem", check_stem, "01"),
    "MyBTNK2": _part("MyBTNK2", "BTNK2", check_btnk2, "02"),
    "MyProjection": _part("MyProjection", "Projection", check_projection, "03"),
    "MyBTNK1": _part("MyBTNK1", "BTNK1", check_btnk1, "03"),
    "make_stage": _part("make_stage", "", check_stage, "04"),
    "MyResNet50": _part("MyResNet50", "resnet50", check_network, "05"),
    "out_width": Part(OUT_WIDTH.made, read=_plain),
    "numbers_left": Part(NUMBERS_LEFT.made, read=_plain),
    "batch_bytes": Part(BYTES.made, read=_plain),
    "btnk2_parameters": Part(PARAMETERS["BTNK2", True].made, read=_plain),
    "basic_parameters": Part(PARAMETERS["basic", True].made, read=_plain),
    "btnk1_parameters": Part(PARAMETERS["BTNK1", True].made, read=_plain),
    "btnk2_weights": Part(PARAMETERS["BTNK2", False].made, read=_plain),
    "btnk2_macs": Part(MACS["BTNK2"].made, read=_plain),
    "to_v1": Part(TO_V1.made),
    "contents": Part(CONTENTS.made),
    "rename": _part("rename", "from_published"),
    "silent": Part(SILENT.made, read=_plain),
    "my_grad_cam": _part("my_grad_cam", "grad_cam", read=read_map),
    "factor": Part(FACTOR.made, read=_plain),
    "diagnose": Part(DIAGNOSE.made),
    "ways": Part(WAYS.made),
    "my_fold": Part(FOLD.made, read=weight_and_bias),
}
_right = {}  # name → the learner's part whose check passed in this kernel
_loaded = {}  # (name, source, the parts that it uses) → the part that was kept and has passed its check


def yours(name):
    """Return the learner's part of that name, "MyBTNK1", if its check has passed here or in an earlier lesson, and the
    library's until then. In a cell it prints which of the two it is; in a part that a check makes many times it does
    not. ValueError for a name that no exercise has."""
    if name not in PARTS:
        raise ValueError(f"no exercise is called {name!r}: there are {', '.join(PARTS)}")
    mine = _right.get(name) or _kept(name)
    caller = sys._getframe(1)
    if caller.f_locals is caller.f_globals:
        print(f"{name}:", "your own" if mine else f"the library's {library_name(name)}, until yours is right")
    return _read(mine, PARTS[name].read) if mine else PARTS[name].library()


def _read(mine, read):
    """A learner's function whose results come in the form in which its check has read them: a map may be an array, a
    number a tensor, and a cell below needs one form."""
    if not read:
        return mine

    @functools.wraps(mine)
    def run(*given, **named):
        return read(mine(*given, **named))[0]

    return run


def library_name(name):
    """Return what the library calls the part, or None where it is not used anywhere below its check."""
    return (PARTS[name].called or name) if name in PARTS else None


def note(thing, ok, exercise=None):
    """Note whether a part has passed its check. One that has, and that later lessons use, is kept beside the runs."""
    name = getattr(thing, "__name__", "")
    if name not in PARTS:
        return
    _right.pop(name, None)
    if ok:
        _right[name] = thing
    source = cell_of(thing) if ok and exercise and PARTS[name].check else ""
    if source:
        try:
            with alone(_file(name)), whole(_file(name)) as out:
                out.write(source.encode())
        except OSError:
            pass  # a folder that cannot be written to: later lessons use the library's


def _file(name):
    return runs_folder() / "yours" / f"{name}.py"


def _kept(name):
    """Return the part kept from an earlier lesson if it still passes its check, or None."""
    check = PARTS[name].check
    if not check or not _file(name).exists():
        return None
    try:
        source = _file(name).read_text(encoding="utf-8")
        tree = ast.parse(source)
        mentioned = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)} | {name}
        space = {n: getattr(resnet_lib, n) for n in resnet_lib.__all__}
        space |= {"torch": torch, "nn": nn, "F": functional, "math": math, "copy": copy, "yours": yours}
        space["__name__"] = "yours"
        uses = {n: _right.get(n) or _kept(n) or PARTS[n].library() for n in mentioned & PARTS.keys() - defined}
        key = name, source, *sorted((n, id(part)) for n, part in uses.items())
        if key not in _loaded:  # a part may ask for another whenever it is made
            space |= uses
            with within():
                exec(compile(source, str(_file(name)), "exec"), space)
            check(space[name])
            _loaded[key] = space[name]
    except Exception:  # it is wrong, cannot be read, or needs something else of its notebook
        return None
    return _loaded[key]
