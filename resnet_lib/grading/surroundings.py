"""What a submission finds around it: IPython as in a notebook, torch as it is at the start, and silent packages in the
place of checks and widgets.
"""

import importlib.util
import sys
import types
from pathlib import Path

import torch

HERE = Path(__file__).resolve().parents[1]


class Silent(types.ModuleType):
    """Stands for a package that a submission cannot have, or need not run: checks and widgets. Everything in it can be
    called, and does nothing."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Nothing


class Nothing:
    """What a silent package gives for everything."""

    def __init__(self, *given, **options):
        pass

    def __call__(self, *given, **options):
        return None

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Nothing()


def quiet():
    """Put silent packages in the place of checks and widgets, before a submission runs. The functions that make a
    student's numbers are a part of exercises, and no checks."""
    for name in ("exercises", "explorers"):
        package = sys.modules[f"resnet_lib.{name}"] = Silent(f"resnet_lib.{name}")
        package.__path__ = []
        setattr(sys.modules["resnet_lib"], name, package)
    sys.modules["resnet_lib.grading"].student_numbers = NUMBERS.student_numbers
    for name in ("student_numbers", "own_numbers"):
        setattr(sys.modules["resnet_lib.exercises"], name, getattr(NUMBERS, name))
    sys.modules["resnet_lib.exercises"].yours = _yours
    sys.meta_path.insert(0, _Finder())
    torch.jit.script = torch.compile = unscripted
    torch.nn.Module.compile = lambda module, *given, **options: None


def _yours(name):
    """The submission's own part of that name, or the library's. It has no solutions of other exercises."""
    return sys.modules["__main__"].__dict__.get(name) or STANDING_IN.LIBRARY.get(name) or Nothing()


def unscripted(code=None, *given, **options):
    """Take the place of `torch.jit.script` and `torch.compile`: what they make computes what its Python does, and that
    can be traced; nor may a compiler be started here."""
    return unscripted if code is None else code


class _Finder:
    """Finds every module of a silent package."""

    def find_spec(self, name, path=None, target=None):
        if name.startswith(("resnet_lib.exercises.", "resnet_lib.explorers.")):
            return importlib.util.spec_from_loader(name, self)
        return None

    def create_module(self, spec):
        return Silent(spec.name)

    def exec_module(self, module):
        module.__path__ = []


def shell():
    """IPython as in a notebook, without its history, whose programs and timings do nothing."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    settings = Config()
    settings.HistoryManager.enabled = False
    settings.InteractiveShell.colors = "NoColor"
    InteractiveShell.clear_instance()
    found = InteractiveShell.instance(config=settings)
    found.system = found.system_raw = found.system_piped = lambda command: None
    found.getoutput = lambda command, **options: []
    found.enable_gui = lambda gui=None: None
    known = found.run_line_magic
    # Those that JupyterLab, or an extension that is not loaded here, would have added do nothing.
    found.run_line_magic = lambda name, line, _stack_depth=1: (
        known(name, line, _stack_depth + 1) if found.find_line_magic(name) else None
    )
    for name in (
        "matplotlib",
        "timeit",
        "prun",
        "pip",
        "conda",
        "run",
        "load_ext",
        "notebook",
        "pinfo",
        "pinfo2",
        "psource",
        "pdoc",
        "pfile",
    ):
        found.register_magic_function(lambda line, cell=None: None, "line", name)
    for name in ("timeit", "prun", "bash", "sh", "script"):
        found.register_magic_function(lambda line, cell=None: None, "cell", name)
    found.showtraceback = lambda *given, **options: None
    found.showsyntaxerror = lambda *given, **options: None
    return found


def fresh_torch(seed=True):
    """Bring the state that torch keeps for all back to what a new notebook has."""
    torch.set_grad_enabled(True)
    torch.set_default_dtype(torch.float32)
    torch.set_default_device(None) if torch.get_default_device().type != "cpu" else None
    torch._C._set_deterministic_algorithms(False)  # the public one loads a compiler first
    torch.set_anomaly_enabled(False)
    torch.set_autocast_enabled("cpu", False)
    torch.set_num_threads(1)
    if seed:
        torch.manual_seed(0)


def _by_file(name):
    """A module of the exercises, taken by its file: the package that it is in is closed to submissions."""
    spec = importlib.util.spec_from_file_location(f"course_{name}", HERE / "exercises" / f"{name}.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


FAKE, NUMBERS, STANDING_IN = map(_by_file, ("fake_clock", "numbers", "standing_in"))
