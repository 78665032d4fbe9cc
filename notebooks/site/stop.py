"""Ctrl-C, SIGTERM and a closed terminal end a build alike: as an exception, so that its kernel is ended with it. Loads
nothing that takes time, so that a build can be stopped from its first moment."""

import signal
import time

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Stop(KeyboardInterrupt):
    """Raised wherever the process is when a signal tells it to stop. number: the signal's."""

    def __init__(self, number):
        super().__init__(number)
        self.number = int(number)


def listen():
    """Raise Stop at a signal to stop, save those that whoever started the process had ignored (nohup). More of them
    at the same time, as a closed terminal and the program above both send, are one."""
    last = float("-inf")

    def stop(number, frame):
        nonlocal last
        before, last = last, time.monotonic()
        if last - before > 5:
            raise Stop(number)

    for each in SIGNALS:
        if signal.getsignal(each) != signal.SIG_IGN:
            signal.signal(each, stop)


def stop_listening():
    """Ignore further signals to stop: what is being ended is ended to the end."""
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
