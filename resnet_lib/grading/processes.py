"""Starts the processes of a grading.

Two hosts load torch once. From the one come, as copies, a judge for each submission, which holds the lesson with its
solutions and all checks; from the other, which knows none of these, for each exercise a process that runs the
submission's cells. Where processes cannot be copied safely, each is started for itself.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from importlib import import_module
from pathlib import Path

import torch

from . import wire
from .line import Stream, reader

ROOT = Path(__file__).resolve().parents[2]
START = "import sys; sys.path[0] = sys.argv[1]; from resnet_lib.grading.processes import main; main()"
FORKS = sys.platform == "linux"
ONE_MORE, PREPARE, END = b"one more", b"prepare", b"end"


class Host:
    """Starts processes of one role, "judge" or "submission". scratch: a folder for what they leave behind."""

    def __init__(self, scratch, role, forks=FORKS):
        self.scratch, self.role, self.control, self.process = Path(scratch), role, None, None
        if forks:
            self.control, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self.process = self._launch(other, "host")
            other.close()

    def _launch(self, end, kind="one"):
        end.set_inheritable(True)
        how = {"pass_fds": [end.fileno()], "start_new_session": True} if os.name != "nt" else {"close_fds": False}
        command = [sys.executable, "-c", START, str(ROOT), kind, self.role, str(end.fileno()), str(self.scratch)]
        nowhere = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        if os.environ.get("RESNET_GRADER_DEBUG"):
            nowhere["stderr"] = None
        return subprocess.Popen(command, cwd=self.scratch, env=environment(self.scratch), **how, **nowhere)

    def start(self, other=None):
        """The socket to a new process. other: the host by which it will start more."""
        ours, theirs = socket.socketpair()
        if self.control is None:
            self._launch(theirs)
        else:
            more = [other.control.fileno()] if other else []
            socket.send_fds(self.control, [ONE_MORE], [theirs.fileno(), *more])
        theirs.close()
        return ours

    def prepare(self, lesson):
        """Let the host of judges run the solved lesson, once for all submissions."""
        if self.control is not None:
            ours, theirs = socket.socketpair()
            socket.send_fds(self.control, [PREPARE], [theirs.fileno()])
            theirs.close()
            wire.send(Stream(ours), lesson)
            wire.receive(reader(ours))
            ours.close()

    def end(self):
        """End the host, and with it what it has started."""
        if self.control is not None:
            # Said, since a judge that is still there has this end of the line, too: closing ours would say nothing.
            with contextlib.suppress(OSError):
                if self.process is not None:
                    self.control.send(END)
            self.control.close()
        if self.process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
            self.process.kill()
            self.process.wait()


def environment(scratch):
    """Environment variables: as little of this process's as Python needs."""
    kept = ("PATH", "SYSTEMROOT", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "RESNET_GRADER_DEBUG")
    places = dict.fromkeys(("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP"), str(scratch))
    return (
        {name: os.environ[name] for name in kept if name in os.environ}
        | places
        | {
            "OMP_NUM_THREADS": "1",
            "RESNET_COURSE_FAST": "1",
            "RESNET_COURSE_RUNS": str(Path(scratch) / "runs"),
            "MPLBACKEND": "agg",
            "MPLCONFIGDIR": str(Path(scratch) / "fonts"),
            "IPYTHONDIR": str(Path(scratch) / "ipython"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUTF8": "1",
        }
    )


# ── In the processes ─────────────────────────────────────────────────────────────────────────────────────────


def main():
    kind, role, end, scratch = sys.argv[2], sys.argv[3], socket.socket(fileno=int(sys.argv[4])), sys.argv[5]
    sys.argv = [""]
    load(role)
    if kind == "host":
        host(role, end, scratch)
    else:
        play(role, end, Host(scratch, "submission", forks=False))


def load(role):
    """Import what a judge or a submission uses, before it is copied."""
    for name in ("IPython.core.interactiveshell", "matplotlib.pyplot", "matplotlib_inline.backend_inline"):
        import_module(name)
    import_module(".marking" if role == "judge" else ".child", __package__)
    torch.set_num_threads(1)
    torch.conv2d(torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 3, 3))  # what reads about the processor has read


def host(role, control, scratch):
    """Copy this process on request, until that is said to be all; then end what is left."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    started = []
    while True:
        asked, ends, *_ = socket.recv_fds(control, 100, 2)
        if not asked or asked == END:
            break
        if asked == PREPARE:
            from .marking import prepare

            prepare(socket.socket(fileno=ends[0]))
            continue
        pid = os.fork()
        if pid == 0:
            try:
                control.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                more = Host(scratch, "submission", forks=False)
                more.control = socket.socket(fileno=ends[1]) if len(ends) > 1 else None
                play(role, socket.socket(fileno=ends[0]), more)
            except BaseException as error:
                if not isinstance(error, wire.Broken):  # that is how it ends: the other side has gone
                    traceback.print_exc()
            finally:
                os._exit(0)
        started.append(pid)
        for end in ends:
            os.close(end)
    for pid in started:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def play(role, end, submissions):
    """Be a judge or a submission's process."""
    if role == "judge":
        from .marking import mark

        mark(end, submissions)
    else:
        run_submission(end)
    os._exit(0)  # no exit handlers, and no waiting for threads that a submission left behind


def run_submission(end):
    from . import box, child, surroundings

    read = reader(end)
    settings, _ = wire.receive(read)
    with contextlib.suppress(OSError, AttributeError):
        os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for each in (0, 1, 2):
        if each != 2 or not os.environ.get("RESNET_GRADER_DEBUG"):
            os.dup2(nowhere, each)
    if os.name != "nt":
        os.closerange(3, end.fileno())
        os.closerange(end.fileno() + 1, 1024)
    folder = settings["folder"]
    os.chdir(folder)
    for name in ("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP", "IPYTHONDIR"):
        os.environ[name] = folder
    os.environ["RESNET_COURSE_RUNS"] = os.path.join(folder, "runs")
    tempfile.tempdir = folder
    surroundings.quiet()
    box.limit(settings["memory"], settings["seconds"], folder)
    missing = box.close(folder)
    stream = Stream(end)
    wire.send(stream, {"pid": os.getpid(), "missing": missing})
    child.asked(stream, read)
