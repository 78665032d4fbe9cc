"""Starts the processes of a grading, and speaks with them.

Two hosts load torch once. From the one come, as copies, a judge for each submission, which holds the lesson with its
solutions and all checks; from the other, which knows none of these, for each exercise a process that runs the
submission's cells. Where processes cannot be copied safely, each is started for itself.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from importlib import import_module
from pathlib import Path

import torch

from . import wire
from .proxies import Ended
from .watching import crowded, kill, memory_of, size_of, there

ROOT = Path(__file__).resolve().parents[2]
START = "import sys; sys.path[0] = sys.argv[1]; from resnet_lib.grading.processes import main; main()"
FORKS = sys.platform == "linux"
ONE_MORE, PREPARE, END = b"one more", b"prepare", b"end"
LARGEST_FOLDER = 100 * 2**20


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
        from .marking import judge

        judge(end, submissions)
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


class Stream:
    """A socket as something to write to."""

    def __init__(self, end):
        self.write = end.sendall

    def flush(self):
        pass


def reader(end):
    """A function that reads exactly n bytes from a socket; Broken where it ends."""

    def read(n):
        found = bytearray(n)
        view, at = memoryview(found), 0
        while at < n:
            got = end.recv_into(view[at:], min(n - at, 2**20))
            if not got:
                raise wire.Broken("the other side has gone")
            at += got
        return bytes(found)

    return read


class Line:
    """The connection to a submission's process, which may use so many seconds in all and so many MB."""

    waiting = False  # for an answer

    def __init__(self, way, memory, seconds):
        self.folder = tempfile.mkdtemp(dir=way.scratch)
        self.end, self.left, self.memory, self.pid = way.start(), seconds, memory, None
        self.looked = time.monotonic()
        settings = {"folder": self.folder, "memory": memory, "seconds": 4 * seconds}
        self.left += 60  # what it takes to start is not the submission's time
        hello, _ = self.exchange(settings)
        self.left = seconds * crowded()
        self.pid, self.missing = hello["pid"], hello["missing"]

    def exchange(self, header, buffers=()):
        """Send a message and return what comes back; Ended where nothing comes in time."""
        if self.waiting:  # the check was stopped before the last answer had come: what comes now is not this one's
            raise self._late()
        begun, self.waiting = time.monotonic(), True
        self.deadline = begun + self.left
        try:
            self.end.settimeout(max(0.1, self.left))
            wire.send(Stream(self.end), header, buffers)
            answer = wire.receive(self._read)
            self.waiting = False
            return answer
        except TimeoutError:
            raise self._late() from None
        except (wire.Broken, OSError):
            raise Ended("crashed", "Its process ended before it had answered.") from None
        finally:
            self.left -= time.monotonic() - begun

    def ask(self, header, buffers, answer):
        """Send a request and return its answer; what is asked in return is answered by answer(what, given)."""
        found, got = self.exchange(header, buffers)
        while isinstance(found, dict) and "ask" in found:
            try:
                value = answer(*found["ask"])
            except Exception:  # it asked for what there is not
                raise Ended("crashed", "What it asked for cannot be understood.") from None
            found, got = self.exchange({"value": value})
        if not isinstance(found, dict):
            raise Ended("crashed", "What it answered cannot be understood.")
        return found, got

    def _read(self, n):
        found = bytearray(n)
        view, at = memoryview(found), 0
        self.end.settimeout(0.2)
        while at < n:
            try:
                got = self.end.recv_into(view[at:], min(n - at, 2**20))
            except TimeoutError:
                self._watch()
                continue
            if not got:
                raise wire.Broken("it has gone")
            at += got
        return bytes(found)

    def _watch(self):
        if time.monotonic() > self.deadline:
            raise self._late()
        if self.pid and memory_of(self.pid) > self.memory + 2000:
            raise Ended("crashed", f"It took more than {self.memory:,} MB of memory.")
        if size_of(self.folder) > LARGEST_FOLDER:
            raise Ended("crashed", f"It wrote more than {LARGEST_FOLDER // 2**20} MB of files.")

    def _late(self):
        return Ended("timed out", "It did not come to an end in its time: is there a loop that never ends?")

    def close(self):
        """End the process and all that it started, and remove what it wrote."""
        with contextlib.suppress(OSError):
            self.end.close()
        kill(self.pid, group=True)
        until = time.monotonic() + 5
        while there(self.pid) and time.monotonic() < until:  # it might write one file more than is removed
            time.sleep(0.01)
        shutil.rmtree(self.folder, ignore_errors=True)
