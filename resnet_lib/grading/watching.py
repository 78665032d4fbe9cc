"""How processes are watched and ended, and folders removed."""

import contextlib
import os
import signal
import stat
import tempfile

BLOCK = 4096  # bytes that the smallest file takes
LONGEST = 2000  # bytes of a folder's path; systems name no file by more than 4096


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
    """Bytes of the files in a folder, each a block at least; infinite where folders lie so deep in one another that
    files could hide there."""
    found, left = 0, [str(folder)]
    while left:
        here = left.pop()
        if len(os.fsencode(here)) > LONGEST:
            return float("inf")
        with contextlib.suppress(OSError), os.scandir(here) as entries:
            for entry in entries:
                found += max(BLOCK, entry.stat(follow_symlinks=False).st_size)
                left += [entry.path] if entry.is_dir(follow_symlinks=False) else []
    return found


def nameless(pid):
    """Bytes of the files that a process has open and that no folder names any more; 0 where that cannot be told."""
    found, place = 0, f"/proc/{pid}/fd"
    with contextlib.suppress(OSError):
        for name in os.listdir(place):
            with contextlib.suppress(OSError):
                about = os.stat(f"{place}/{name}")
                found += about.st_size if stat.S_ISREG(about.st_mode) and not about.st_nlink else 0
    return found


def remove(folder):
    """Remove a folder with all that is in it. What lies deep is moved up first: its path may be too long to be named,
    and its depth too great for shutil.rmtree."""
    left, n = [str(folder)], 0
    while left:
        here = left.pop()
        with contextlib.suppress(OSError):
            os.chmod(here, 0o700)
            for entry in list(os.scandir(here)):
                if entry.is_dir(follow_symlinks=False):
                    n += 1
                    os.chmod(entry.path, 0o700)
                    os.rename(entry.path, f"{folder}-{n}")
                    left.append(f"{folder}-{n}")
                else:
                    os.unlink(entry.path)
            os.rmdir(here)


@contextlib.contextmanager
def folder_for(prefix):
    """A folder for the time of a `with` statement, removed whatever is left in it."""
    found = tempfile.mkdtemp(prefix=prefix)
    try:
        yield found
    finally:
        remove(found)
