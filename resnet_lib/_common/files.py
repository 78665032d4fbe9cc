"""Files that are whole or not there, and where runs are kept."""

import os
import secrets
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(file):
    """Open a binary file that becomes `file` at the end of the block, whole, or not at all where the block raises.
    Folders that are missing are made."""
    file = Path(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.{secrets.token_hex(4)}.part")
    try:
        with open(beside, "xb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        os.replace(beside, file)
    finally:
        beside.unlink(missing_ok=True)  # gone already where all went well


@contextmanager
def alone(file, wait=None):
    """Inside, no other thread or process is in a block that is alone with the same file. The system frees the lock of
    a process that dies.

    wait: called again and again while another one is inside.
    """
    from filelock import FileLock, Timeout  # comes with torch; loaded by what writes

    file = Path(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file.with_name(f".{file.name}.lock"))
    while True:
        try:
            lock.acquire(timeout=0.2 if wait else -1)
            break
        except Timeout:
            wait()
        except NotImplementedError:
            break  # a file system without locks: two that write at once may then undo each other
    try:
        yield
    finally:
        lock.release()


def runs_folder():
    """Return where lessons keep their runs: the folder "runs" beside the notebook, or what the environment variable
    RESNET_COURSE_RUNS names, for a course folder that cannot be written to."""
    return Path(os.environ.get("RESNET_COURSE_RUNS") or "runs").expanduser()
