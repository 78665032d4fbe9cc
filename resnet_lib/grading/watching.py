"""How processes are watched and ended, and how crowded the machine is."""

import contextlib
import os
import signal


def crowded():
    """How many times as long everything takes here, because other programs want the processors too; 4 at most."""
    try:
        return min(4.0, max(1.0, os.getloadavg()[0] / (2 * (os.cpu_count() or 1))))
    except (AttributeError, OSError):
        return 1.0


def kill(pid, group=False):
    """End a process, or its whole group, if it is still there."""
    with contextlib.suppress(OSError):
        if pid and group and hasattr(os, "killpg"):
            os.killpg(pid, signal.SIGKILL)
        elif pid:
            os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))


def there(pid):
    """Whether a process is still there."""
    with contextlib.suppress(OSError):
        if pid and os.name != "nt":  # there, signal 0 would end it
            os.kill(pid, 0)
            return True
    return False


def memory_of(pid):
    """MB that the process holds; 0 where that cannot be told."""
    try:
        import psutil  # comes with JupyterLab

        return psutil.Process(pid).memory_info().rss / 2**20
    except Exception:  # it may just have ended
        return 0


def size_of(folder):
    """Bytes of the files in a folder."""
    found = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                found += os.lstat(os.path.join(place, name)).st_size
    return found
