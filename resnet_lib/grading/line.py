"""The line between two processes of a grading: `Line` is the judge's to a submission's."""

import contextlib
import tempfile
import time

from ..compare.endless import clock
from . import wire
from .proxies import Ended
from .watching import kill, memory_of, nameless, remove, size_of, there

LARGEST_FOLDER = 100 * 2**20
OFTEN = 0.2  # seconds


class Stream:
    """A socket as something to write to."""

    def __init__(self, end):
        self.write = end.sendall

    def flush(self):
        pass


def reader(end, watch=None):
    """A function that reads exactly n bytes from a socket; Broken where it ends. watch: called every now and then, also
    while single bytes drip in; what it raises ends the reading. Without it, the socket's own TimeoutError does."""
    looked = time.monotonic()

    def read(n):
        nonlocal looked
        found = bytearray(n)
        view, at = memoryview(found), 0
        while at < n:
            got = None
            try:
                got = end.recv_into(view[at:], min(n - at, 2**20))
            except TimeoutError:
                if watch is None:
                    raise
            if got == 0:
                raise wire.Broken("the other side has gone")
            at += got or 0
            if watch is not None and time.monotonic() - looked > OFTEN:
                watch()
                looked = time.monotonic()
        return bytes(found)

    return read


class Line:
    """The connection to a submission's process, which may use so many seconds in all and so many MB."""

    waiting = False  # for an answer

    def __init__(self, way, memory, seconds):
        self.folder = tempfile.mkdtemp(dir=way.scratch)
        self.end, self.left, self.memory, self.pid = way.start(), seconds, memory, None
        self.looked = time.monotonic()
        settings = {"folder": self.folder, "memory": memory, "seconds": 2 * seconds}
        self.left += 60  # what it takes to start is not the submission's time
        hello, _ = self.exchange(settings)
        self.left, self.pid, self.missing = seconds, hello["pid"], hello["missing"]

    def exchange(self, header, buffers=()):
        """Send a message and return what comes back; Ended where nothing comes in time."""
        if self.waiting:  # the check was stopped before the last answer had come: what comes now is not this one's
            raise self._late()
        begun, self.waiting = self._now(), True
        self.deadline = begun + self.left
        try:
            self.end.settimeout(max(0.1, self.left))
            wire.send(Stream(self.end), header, buffers)
            self.end.settimeout(OFTEN)
            answer = wire.receive(reader(self.end, self._watch))
            self.waiting = False
            return answer
        except TimeoutError:
            raise self._late() from None
        except (wire.Broken, OSError):
            raise Ended("crashed", "Its process ended before it had answered.") from None
        finally:
            self.left -= self._now() - begun

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

    def _now(self):
        """The time as it counts in a notebook: that of the process's first thread, which runs the cells."""
        return clock(self.pid, self.pid) if self.pid else time.monotonic()

    def _watch(self):
        if self._now() > self.deadline:
            raise self._late()
        if self.pid and memory_of(self.pid) > self.memory + 2000:
            raise Ended("crashed", f"It took more than {self.memory:,} MB of memory.")
        if size_of(self.folder) + nameless(self.pid) > LARGEST_FOLDER:
            raise Ended(
                "crashed",
                f"It wrote more than {LARGEST_FOLDER // 2**20} MB of files, or folders too deep in one another.",
            )

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
        remove(self.folder)
