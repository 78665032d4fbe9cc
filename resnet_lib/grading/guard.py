"""What a submitted cell may do: the words it may use, and the things it may reach.

A check runs in the same interpreter as the code that it checks, so that code must not get hold of the check, of
torch's or the library's inner parts, or of the machine. `translated` reads a cell and refuses words that no exercise
needs; it also makes every `a.b` ask `reach` first, which refuses modules, names and places that lead out. `builtins`
gives the cell its own short list of Python's built-in functions.
"""

import ast
import builtins as python
import sys
import types

import torch
from torch import nn

MODULE = "exercise"  # what classes and functions of a submission give as their module

# module → the names that may be taken from it; None: all that the rules below leave
MODULES = {
    "torch": None,
    "torch.nn": None,
    "torch.nn.functional": None,
    "torch.nn.init": None,
    "torch.optim": None,
    "torch.autograd": {"grad", "backward"},
    "torch.linalg": None,
    "math": None,
    "itertools": None,
    "copy": {"copy", "deepcopy"},
    "random": None,
    "statistics": {"mean", "median"},
    "functools": {"partial", "reduce", "cache", "lru_cache"},
    "time": set("perf_counter perf_counter_ns monotonic monotonic_ns time time_ns process_time sleep".split()),
    "collections": {"OrderedDict", "Counter", "defaultdict", "deque"},
    "dataclasses": {"dataclass", "field", "replace"},
    "numpy": set("array arange zeros ones linspace sqrt exp log ceil floor abs prod sum mean median pi".split()),
}
# torch itself holds hundreds of names, some of which read files or run other code. Its tensor functions may be used,
# its numbers and types of numbers, and these.
OF_TORCH = set(
    "Tensor Size device dtype Generator no_grad enable_grad inference_mode set_grad_enabled is_grad_enabled "
    "manual_seed is_tensor einsum split unique norm meshgrid broadcast_tensors broadcast_shapes cdist tensordot "
    "block_diag cartesian_prod atleast_1d atleast_2d atleast_3d stft finfo iinfo get_default_dtype get_num_threads "
    "get_rng_state typename".split()
)
# Built-in functions that lead out of the cell, or to the checks.
REFUSED_NAMES = set(
    "breakpoint compile copyright credits delattr eval exec exit globals help input license locals memoryview open "
    "quit vars".split()
)
# Attributes that lead from ordinary things to frames, files, or foreign memory.
REFUSED_ATTRIBUTES = set(
    "gi_frame gi_code gi_yieldfrom cr_frame cr_code cr_await ag_frame ag_code ag_await tb_frame tb_next f_back "
    "f_builtins f_code f_globals f_locals mro with_traceback ctypes tofile dump dumps from_file frombuffer storage "
    "untyped_storage typed_storage share_memory share_memory_ compile set_".split()
)
DUNDERS = {"__init__", "__name__"}  # the only names with two underscores in front that a cell may write


class Refused(Exception):
    """The cell does something that no exercise needs; the text says what."""


def refuse(what, why="which no exercise needs"):
    raise Refused(f"the cell uses {what}, {why}")


# ── Words ────────────────────────────────────────────────────────────────────────────────────────────────────


def translated(source, filename):
    """The cell's code, every attribute access guarded. SyntaxError as Python has it; Refused for forbidden words."""
    tree = ast.parse(source, filename)
    for node in ast.walk(tree):
        for name in names_in(node):
            if name.startswith("__") and name not in DUNDERS:
                refuse(f"the name {name}")
            if name == "yours":
                refuse("yours()", "which may return the library's part")
        if isinstance(node, ast.FunctionDef) and node.name.startswith("__") and node.name != "__init__":
            refuse(f"the name {node.name}")
        if isinstance(node, ast.ImportFrom) and (node.level or any(a.name == "*" for a in node.names)):
            refuse("an import of everything, or from a neighbouring file")
        if isinstance(node, ast.ClassDef) and node.keywords:
            refuse(f"a metaclass or other class option ({node.keywords[0].arg})")
        if type(node).__name__ == "MatchClass":
            refuse("a class pattern in match")
    return compile(ast.fix_missing_locations(Asks().visit(tree)), filename, "exec", dont_inherit=True)


def names_in(node):
    """All names that stand in this one node as plain text."""
    for _, value in ast.iter_fields(node):
        if isinstance(value, str) and not isinstance(node, ast.Constant):
            yield value
        elif isinstance(value, list):
            yield from (v for v in value if isinstance(v, str))


class Asks(ast.NodeTransformer):
    """Makes a.b ask first: reach(a, "b") where it is read, writable(a, "b").b where it is written or deleted."""

    def visit_Attribute(self, node):
        self.generic_visit(node)
        reading = isinstance(node.ctx, ast.Load)
        call = ast.Call(
            ast.Name("__reach__" if reading else "__writable__", ast.Load()), [node.value, ast.Constant(node.attr)], []
        )
        if not reading:
            call = ast.Attribute(call, node.attr, node.ctx)
        return ast.copy_location(call, node)


# ── Things ───────────────────────────────────────────────────────────────────────────────────────────────────


class Guard:
    """The rules for one exercise. `solution` is its solved cell: what that may use, the submission may."""

    def __init__(self, solution="", modules=()):
        self.modules = {**MODULES, **dict(modules)}
        tree = ast.parse(solution)
        self.usual = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
        self.bases = {b.id for n in ast.walk(tree) if isinstance(n, ast.ClassDef) for b in n.bases if hasattr(b, "id")}

    def reach(self, thing, name, *otherwise):
        """getattr(thing, name), or Refused."""
        if not isinstance(name, str) or type(name) is not str:
            refuse("a name that is no text")
        if name.startswith("__") and name not in DUNDERS:
            refuse(f".{name}")
        if name in REFUSED_ATTRIBUTES and name not in self.usual:
            refuse(f".{name}")
        if name in ("format", "format_map") and (thing is str or isinstance(thing, str) and "__" in thing):
            refuse("format with two underscores in the text", "use an f-string")
        if isinstance(thing, types.ModuleType):
            self.from_module(thing.__name__, name)
        value = getattr(thing, name, *otherwise)
        if isinstance(value, types.ModuleType) and value.__name__ not in self.modules:
            refuse(f"the module {value.__name__}")
        return value

    def from_module(self, module, name):
        if module not in self.modules:
            refuse(f"the module {module}")
        allowed = self.modules[module]
        if name.startswith("_") or allowed is not None and name not in allowed:
            refuse(f"{module}.{name}")
        if module == "torch" and hasattr(torch, name) and name not in OF_TORCH and name not in self.usual:
            numbers = (types.ModuleType, torch.dtype, torch.memory_format, torch.layout, float)
            if not isinstance(getattr(torch, name), numbers) and not hasattr(torch._C._VariableFunctions, name):
                refuse(f"torch.{name}")

    def writable(self, thing, name):
        """thing, if its attribute `name` may be written or deleted; else Refused."""
        if name.startswith("__"):
            refuse(f".{name}")
        own = type(thing).__module__ == MODULE or isinstance(thing, nn.Module)
        if isinstance(thing, torch.Tensor):
            own = name in ("requires_grad", "grad", "data")
        if isinstance(thing, type):
            own = thing.__module__ == MODULE
        if not own:
            refuse(f"an assignment to .{name} of {type(thing).__name__}", "and that belongs to everybody")
        return thing

    def imported(self, name, globals=None, locals=None, fromlist=(), level=0):  # as Python calls it
        if level or name not in self.modules:
            refuse(f"the module {name}")
        module = __import__(name, fromlist=list(fromlist or ()))
        for each in fromlist or ():
            self.reach(sys.modules[name], each)
        return module

    def made(self, body, name, *bases, **options):
        """What a class statement gives. Refused for classes that could pass for something they are not."""
        for base in bases:
            fine = (
                base is object
                or isinstance(base, type)
                and (issubclass(base, (nn.Module, Exception)) or base.__module__ == MODULE)
            )
            if fine and base.__module__.startswith("resnet_lib") and base.__name__ not in self.bases:
                refuse(f"the library's own {base.__name__} as a base", "and the exercise is to write it")
            if not fine:
                refuse(f"a class made from {getattr(base, '__name__', base)!s:.40}")
        return python.__build_class__(body, name, *bases, **options)

    def builtins(self):
        """The built-in functions that a cell gets: Python's, without those that lead out."""
        given = {n: v for n, v in vars(python).items() if not n.startswith("_")}
        reach, writable = self.reach, self.writable

        def hasattr_(thing, name):
            try:
                reach(thing, name)
            except AttributeError:
                return False
            return True

        def setattr_(thing, name, value):
            setattr(writable(thing, name), name, value)

        def type_(thing, *more):
            if more or isinstance(thing, type):  # the type of a class is type itself, which makes classes
                refuse("type() of a class, or to make one")
            return type(thing)

        def stub(name):
            return lambda *given, **named: refuse(name)

        return (
            given
            | {name: stub(name) for name in REFUSED_NAMES}
            | {
                "__import__": self.imported,
                "__build_class__": self.made,
                "__reach__": reach,
                "__writable__": writable,
                "getattr": reach,
                "hasattr": hasattr_,
                "setattr": setattr_,
                "type": type_,
                "__name__": "builtins",
            }
        )


def real_outputs(module, inputs, output):
    """A hook on every module: what forward gives must be tensors, and not a stand-in that answers as a check likes."""
    waiting = [output]
    while waiting:
        each = waiting.pop()
        if isinstance(each, (list, tuple)):
            waiting.extend(each)
        elif isinstance(each, dict):
            waiting.extend(each.values())
        elif isinstance(each, nn.Module) or type(each).__module__ == MODULE:
            refuse(f"a {type(each).__name__} as the output of {type(module).__name__}", "where a tensor is due")


# ── Answers ──────────────────────────────────────────────────────────────────────────────────────────────────


def bound(source):
    """The names that a cell's top level gives a value, those of its imports among them."""
    names = set()
    for node in ast.parse(source).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
            continue
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                names.add(inner.id)
            elif isinstance(inner, ast.alias):
                names.add((inner.asname or inner.name).partition(".")[0])
    return names


PLAIN = (bool, int, float, str, bytes, type(None))


def misshapen(name, answer, solved):
    """What is wrong with the form of the answer to `name`, beside the solution's: a sentence, or ""."""
    if isinstance(solved, types.ModuleType):
        return ""
    if isinstance(solved, (type, types.FunctionType)):
        kind = type if isinstance(solved, type) else types.FunctionType
        word = "class" if kind is type else "function"
        mine = isinstance(answer, kind) and answer.__module__ == MODULE
        return "" if mine else f"{name} should be a {word} written in the cell"
    if isinstance(solved, (dict, list, tuple, set)):
        if type(answer) is not type(solved):
            return f"{name} is a {type(answer).__name__} and should be a {type(solved).__name__}"
        if isinstance(solved, dict) and answer.keys() != solved.keys():
            return f"{name} should keep its {len(solved)} keys, and has others"
        if len(answer) != len(solved):
            return f"{name} should have {len(solved)} entries, and has {len(answer)}"
        values = answer.values() if isinstance(answer, dict) else answer
        odd = [v for v in values if not plain(v)]
        return f"{name} holds a {type(odd[0]).__name__}, no plain answer" if odd else ""
    if isinstance(solved, PLAIN):
        return (
            ""
            if type(answer) in PLAIN or type(answer) is torch.Tensor
            else (f"{name} is a {type(answer).__name__} and should be a {type(solved).__name__}")
        )
    if isinstance(answer, type(solved)) and type(answer).__module__ != MODULE or type(answer) in PLAIN:
        return ""
    return f"{name} is a {type(answer).__name__} and should be a {type(solved).__name__}"


def plain(value):
    if type(value) in (dict, list, tuple, set):
        inside = value.values() if isinstance(value, dict) else value
        return all(map(plain, inside))
    return type(value) in PLAIN or type(value) is torch.Tensor or not type(value).__module__ == MODULE
