"""Runs one submission's exercises within the lesson, in a process of its own: python -m resnet_lib.grading.worker.

The job comes as one line of JSON on standard input; what was found goes out as lines of JSON on what was standard
output, each with the job's secret. Everything printed goes nowhere.
"""

import builtins
import contextlib
import copy
import json
import os
import sys
import time
import types

from ..exercises.placeholders import open_lines
from .guard import MODULE, Guard, Refused, bound, misshapen, real_outputs, translated

LONGEST = 400  # characters of a sentence in the report


def main():
    job = json.loads(sys.stdin.readline())
    channel = os.dup(1)  # not inheritable
    nowhere = os.open(os.devnull, os.O_RDWR)
    for each in (0, 1, 2):
        os.dup2(nowhere, each)
    secret = job.pop("secret")

    def send(**found):
        os.write(channel, (json.dumps({"secret": secret, **found}) + "\n").encode())

    limit(job["memory"], job["cpu"])
    try:
        Run(job, send, fence(job["closed"])).all()
    except BaseException as error:  # the lesson itself failed, and the teacher has to know why
        send(event="broken", sentence=sentence_of(error))
    os._exit(0)  # no exit handlers, and no waiting for threads that a submission left behind


def limit(memory, cpu):
    """Hold this process to so many MB beyond what torch's libraries take, and seconds of processor time. Windows has
    no such limits."""
    try:
        import resource
    except ImportError:
        return
    for what, most in [
        ("RLIMIT_AS", addresses() + memory * 2**20),
        ("RLIMIT_CPU", cpu),
        ("RLIMIT_FSIZE", 200 * 2**20),
        ("RLIMIT_CORE", 0),
        ("RLIMIT_NOFILE", 256),
    ]:
        try:
            resource.setrlimit(getattr(resource, what), (most, most))
        except (AttributeError, ValueError, OSError):
            pass  # macOS knows some of them by name only; the grader watches memory and time from outside as well


def addresses():
    """Bytes of address space in use. A torch for GPUs takes many GB of it and uses few."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 2**34


PROCESSES = (
    "subprocess.",
    "os.system",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.spawn",
    "os.startfile",
    "os.kill",
    "os.killpg",
    "signal.",
    "pty.",
    "ctypes.dlopen",
    "ctypes.dlsym",
    "ctypes.call_function",
    "winreg.",
    "os.setxattr",
    "sys.settrace",
    "sys.setprofile",
    "gc.get_",
)
NETWORK = ("socket.connect", "socket.bind", "socket.send", "socket.getaddrinfo", "socket.gethost", "socket.getname")
CHANGES = (
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.mkdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
    "os.chown",
    "os.utime",
    "shutil.rmtree",
    "os.chflags",
    "os.lockf",
)


def fence(closed):
    """Refuse other processes, the network, changes to files outside this folder, and any look into the folders
    `closed`. An audit hook sees all of Python's own ways there, and cannot be taken away. Returns what closes it."""
    here = os.path.realpath(".") + os.sep
    closed = tuple(os.path.realpath(each) + os.sep for each in closed)
    shut = []
    real, fspath, isinstance_, any_ = os.path.realpath, os.fspath, isinstance, any

    isdir = os.path.isdir

    def place(path):
        path = fspath(path)
        path = path.decode(errors="replace") if isinstance_(path, bytes) else path
        # A path with ".." may start at an opened folder (dir_fd), which the hook is not told of.
        return os.sep if ".." in path.split(os.sep) else real(path) + os.sep

    def hook(event, found):
        if not shut:
            return
        if event.startswith(PROCESSES) or event.startswith(NETWORK):
            raise PermissionError(f"the grader refuses {event}")
        if event == "open":
            path, mode, flags = found
            if path is None or isinstance_(path, int):
                return
            where = place(path)
            writes = isinstance_(mode, str) and any_(c in mode for c in "wax+") or (flags or 0) & 3
            folder = mode is None and isdir(where)  # opened, it could serve as dir_fd
            outside = not where.startswith(here) and where != os.devnull + os.sep
            if where.startswith(closed) or (writes or folder) and outside:
                raise PermissionError(f"the grader refuses to {'write' if writes else 'read'} {path}")
        elif event.startswith(CHANGES):
            for path in found:
                if isinstance_(path, (str, bytes, os.PathLike)) and not place(path).startswith(here):
                    raise PermissionError(f"the grader refuses {event} of {path}")

    sys.addaudithook(hook)
    return lambda: shut.append(True)


class Run:
    """The lesson's cells, with the submission's answers in place of the exercises."""

    def __init__(self, job, send, shut):
        self.cells, self.answers, self.guarded = job["cells"], job["answers"], job["guarded"]
        self.send, self.shut = send, shut
        module = types.ModuleType("__main__")  # pickling looks for the lesson's classes there
        module.display = lambda *shown, **options: None
        sys.modules["__main__"] = module
        self.space = vars(module)
        self.own = {}  # what else the submission's cells defined: helpers and imports, for its later cells alone

    def all(self):
        import torch

        torch.nn.modules.module.register_module_forward_hook(real_outputs)
        parts = [[]]
        for cell in self.cells:
            if cell["exercise"]:
                parts.append([])
            parts[-1].append(cell)
        self.run(parts[0])
        self.send(event="ready")
        for exercise, *after in parts[1:]:
            n = exercise["exercise"]
            self.send(event="begin", exercise=n)
            result = self.answered(exercise, after) if str(n) in self.answers else ""
            if result == "tampered":
                break  # nothing in this process can be trusted any more; the grader starts another
            if result != "passed":
                start = time.perf_counter()
                self.run([{"source": exercise["solution"]}, *after])  # what follows needs a right one
                if not result:
                    self.report(n, "solution", "", start)
        self.send(event="end")

    def answered(self, exercise, after):
        """Judge the answer to this exercise and report. Leaves the lesson as it was before unless it has passed."""
        self.shut()
        start, before, whole = time.perf_counter(), dict(self.space), fingerprint()
        result, sentence = self.judged(exercise, after, self.answers[str(exercise["exercise"])])
        changed = changes(whole)
        if changed:
            result, sentence = "tampered", f"{changed} was replaced while the exercise ran."
        if result != "passed":
            self.space.clear()
            self.space.update(before)
        self.report(exercise["exercise"], result, sentence, start)
        return result

    def report(self, n, result, sentence, start):
        seconds = time.perf_counter() - start
        self.send(event="verdict", exercise=n, result=result, sentence=sentence, seconds=round(seconds, 2))

    def run(self, cells):
        for cell in cells:
            exec(compile(cell["source"], "<lesson>", "exec", dont_inherit=True), self.space)

    def judged(self, exercise, after, answer):
        """(result, sentence) for one answer: the cell run by itself, its names given to the lesson, and the lesson's
        own cells up to the next exercise, its checks, run on them."""
        import torch

        if open_lines(answer):
            return "not done", ""
        n, state = exercise["exercise"], torch.get_rng_state()
        solved = dict(self.space)
        exec(compile(exercise["solution"], "<solution>", "exec", dont_inherit=True), solved)
        torch.set_rng_state(state)
        due = {name for name in bound(exercise["source"]) if not isinstance(solved.get(name), types.ModuleType)}
        # Without what they are due to define: a value left over from an earlier exercise is no answer.
        mine = self.own | copies({name: value for name, value in self.space.items() if name not in due})
        mine["__name__"] = MODULE
        try:
            if self.guarded:
                guard = Guard(exercise["solution"], imports(self.cells))
                mine["__builtins__"] = guard.builtins()
                code = translated(answer, f"<exercise {n}>")
            else:
                mine["__builtins__"] = vars(builtins)
                code = compile(answer, f"<exercise {n}>", "exec", dont_inherit=True)
            try:
                exec(code, mine)
            finally:
                self.own = {name: value for name, value in mine.items() if name not in due | self.space.keys()}
            for name in sorted(due):
                if name not in mine:
                    return "failed", f"The cell no longer gives {name} a value."
                self.space[name] = mine[name]
            self.space.update((n, v) for n, v in solved.items() if isinstance(v, types.ModuleType))
            self.run(after)
            # After the checks, whose own sentences are better where they have one.
            wrong = [misshapen(name, mine[name], solved.get(name)) for name in sorted(due)]
            if any(wrong) and self.guarded:
                return "failed", next(filter(None, wrong)) + "."
        except Refused as error:
            return "refused", sentence_of(error)
        except NotImplementedError as error:
            return ("not done", "") if f"Exercise {n}:" in str(error) else ("failed", sentence_of(error))
        except BaseException as error:  # SystemExit and KeyboardInterrupt are only wrong answers here
            return "failed", sentence_of(error)
        return "passed", f"as {mine['me']}"[:LONGEST] if "me" in due else ""  # whose numbers were computed


def copies(space):
    """The names with copies of the lesson's tensors, networks and collections, so that a cell cannot change those
    which its check compares with. What cannot be copied stays as it is."""
    import torch

    made, memo = {}, {}
    for name, value in space.items():
        made[name] = value
        if isinstance(value, (torch.Tensor, torch.nn.Module, dict, list, set)) and name != "__builtins__":
            with contextlib.suppress(Exception):
                made[name] = copy.deepcopy(value, memo)  # one memo: what was shared stays shared
    return made


def sentence_of(error):
    """The error in one line: a check's own sentence, or Python's with the name of the error."""
    try:
        text = " ".join(str(error)[: 10 * LONGEST].split())
    except BaseException:  # a submission's own error may fail to say what it is
        text = ""
    if not isinstance(error, (AssertionError, Refused)):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    if isinstance(error, NameError):
        text += " (Only what stands in the exercises' own cells is graded.)"
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def imports(cells):
    """Module of the library → the names that the lesson's own cells take from it."""
    import ast

    found = {}
    for cell in cells:
        for node in ast.walk(ast.parse(cell["source"])):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "resnet_lib":
                found.setdefault(node.module, set()).update(a.name for a in node.names)
    return found


def fingerprint():
    """What the functions and classes are that checks rely on; differs after one of them was replaced."""
    import math

    import torch

    spaces = [builtins, math, copy, torch, torch.nn, torch.nn.functional, torch.nn.init, torch.Tensor]
    spaces += [v for v in vars(torch.nn).values() if isinstance(v, type)]
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "resnet_lib" and module is not None:
            spaces.append(module)
            spaces += [v for v in vars(module).values() if isinstance(v, type)]
    return {
        (space.__name__, name): (space, mark(value))
        for space in spaces
        for name, value in list(vars(space).items())
        if known(name, value)
    }


def changes(before):
    """The name of one thing that is no longer what `fingerprint` found, or "". What came in since does not count."""
    for (space_name, name), (space, marked) in before.items():
        if name not in vars(space) or mark(vars(space)[name]) != marked:
            return f"{space_name}.{name}"
    return ""


def known(name, value):
    # Modules come in late, caches fill, and torch itself wraps manual_seed when its compiler is loaded.
    if isinstance(value, types.ModuleType) or name == "manual_seed":
        return False
    return callable(value) or isinstance(value, property) or name.isupper()


def mark(value):
    if isinstance(value, types.FunctionType):
        return id(value), id(value.__code__), repr(value.__defaults__)
    if isinstance(value, (dict, list, set, tuple, str, int, float)):
        return repr(value)
    return id(value)


if __name__ == "__main__":
    main()
