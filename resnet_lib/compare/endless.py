"""Stop a learner's code that does not end, and keep it from ending the program."""

import ctypes
import dis
import signal
import sys
import threading
from time import monotonic  # the clock itself: in lesson 09 a learner's code is given one that stands still

from .._common import shell

LIMIT = 10  # seconds of `clock`, so that an endless loop has 5; what exercises ask for takes milliseconds
AGAIN = 0.05  # seconds until it is stopped once more, where it has caught the exception


class Endless(Exception):
    """Raised by `within`, at the line that was running. seconds: after how many."""

    def __init__(self, seconds):
        super().__init__(f"still running after {seconds:g} seconds")
        self.seconds = seconds


class Left(Exception):
    """Raised by `within` in place of what would end the program, such as SystemExit. raised: that."""

    def __init__(self, raised):
        super().__init__(*raised.args)
        self.raised = raised

    def __str__(self):
        return str(self.raised)


class _Stop(BaseException):
    """Raised in the learner's code: not an Exception, so that its own `except Exception` does not keep it."""


def clock(thread=None, process="self"):
    """Return seconds, as monotonic(), those in which a thread computes twice, and those in which it waits for a core
    not at all: on a busy machine that is most of the time, and no fault of the code. thread: its native id, this one's
    by default. Linux alone tells; elsewhere every second counts once."""
    try:
        with open(f"/proc/{process}/task/{thread or threading.get_native_id()}/schedstat") as file:
            computed, waited = map(int, file.read().split()[:2])
            return monotonic() + (computed - waited) / 1e9
    except (OSError, ValueError, IndexError):
        return monotonic()


class within:
    """Raise `Endless` where the code of the with block still runs after that many seconds of `clock`, and `Left` where
    it would end the program. An interrupt from outside goes through.

    In the main thread a timer of the system stops it, even in a long sleep; in another one, and on Windows, a thread
    that waits sets an exception in it. A single call that never comes back to Python, sum(itertools.count()), cannot be
    stopped. begun: the monotonic() from which `Endless` counts, where `seconds` is the rest of a longer time.
    """

    def __init__(self, seconds=None, begun=None):
        self.seconds, self.begun = max(LIMIT if seconds is None else seconds, 0.001), begun

    def __enter__(self):
        self.home, self.tracer, self.caught = sys._getframe(1), sys.gettrace(), False
        self.shell = _shell()
        if self.shell:  # there exit() raises nothing and ends the kernel
            self.shell.ask_exit = _leave
        self.over, self.native, self.wall = threading.Event(), threading.get_native_id(), monotonic()
        self.until = clock(self.native) + self.seconds
        self.timer = threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer")
        within = self

        class Stop(_Stop):
            """Made in the thread that it stops, by whatever raises it."""

            def __init__(self):
                if within.caught:
                    within._raise_at_next_line(sys._getframe(1))
                within.caught = True

        self.stop = Stop
        if self.timer:
            self.handler = signal.signal(signal.SIGALRM, self._ring)
            self.outer = signal.setitimer(signal.ITIMER_REAL, self.seconds / 2, AGAIN)
        else:
            self.lock, self.thread = threading.Lock(), ctypes.c_ulong(threading.get_ident())
            threading.Thread(target=self._watch, daemon=True).start()

    def __exit__(self, _type, error, traceback):
        while True:
            try:
                self._end()
                break
            except _Stop:
                continue
        if self.shell:
            vars(self.shell).pop("ask_exit", None)
        if isinstance(error, _Stop):
            took = monotonic() - (self.begun or self.wall)
            raise Endless(max(0.1, round(took, None if took > 1 else 1))).with_traceback(traceback) from None
        if isinstance(error, BaseException) and not isinstance(error, Exception) and not _from_outside(error):
            raise Left(error).with_traceback(traceback) from None

    def _ring(self, _signal, _frame):
        if not self.over.is_set():
            if (left := self.until - clock(self.native)) > 0 and not self.caught:
                signal.setitimer(signal.ITIMER_REAL, max(left / 2, 0.001), AGAIN)
            else:
                raise self.stop

    def _watch(self):
        left = self.seconds
        while left > 0 and not self.over.wait(max(left / 2, 0.001)):
            left = self.until - clock(self.native)
        while not self.over.wait(AGAIN):
            with self.lock:
                if not self.over.is_set():
                    _raise_in(self.thread, ctypes.py_object(self.stop))

    def _raise_at_next_line(self, frame):
        """Something has caught the exception, a bare `except:`. The next line runs outside its `try`."""

        def again(_frame, event, _value):
            if event == "line" and not self.over.is_set():
                raise _Stop
            return again

        sys.settrace(lambda *_: None)  # without one, the functions of frames are not called
        while frame is not None and frame is not self.home:
            frame.f_trace, frame = again, frame.f_back

    def _end(self):
        if self.timer:
            self.over.set()
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self.handler)
            if self.outer[0]:  # one that was running goes on
                left = self.outer[0] - (monotonic() - self.wall)
                signal.setitimer(signal.ITIMER_REAL, max(left, 0.001), self.outer[1])
        else:
            with self.lock:
                self.over.set()
            _raise_in(self.thread, None)  # takes back one that is set and has not come up yet
        if self.caught:
            sys.settrace(self.tracer)


def _raise_in(thread, exception):
    ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, exception)


def _shell():
    """The notebook that runs this, or None where there is none or its exit() has been taken over already."""
    here = shell()
    return here if hasattr(here, "ask_exit") and "ask_exit" not in vars(here) else None


def _leave():
    raise SystemExit


def _from_outside(error):
    """Whether a learner has interrupted the code: no line of it raised the error itself."""
    if not isinstance(error, KeyboardInterrupt):
        return False
    last = error.__traceback__
    while last and last.tb_next:
        last = last.tb_next
    return not last or dis.opname[last.tb_frame.f_code.co_code[last.tb_lasti]] != "RAISE_VARARGS"
