"""Where executed lessons are kept, and which of them are still those of the present lesson and library."""

import hashlib
from pathlib import Path

LIBRARY = Path(__file__).resolve().parent.parent.parent / "resnet_lib"


class Failed(Exception):
    """Raised when a lesson cannot be executed; the message has the lesson and its error."""


def library_digest():
    """Return a digest of all files of the library."""
    found = hashlib.sha256()
    for path in sorted(LIBRARY.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            found.update(path.relative_to(LIBRARY).as_posix().encode())
            found.update(path.read_bytes())
    return found.hexdigest()


def file_of(path, kept, library):
    """Return where a run of the notebook at `path` with that library is kept in the folder `kept`."""
    digest = hashlib.sha256(path.read_bytes() + library.encode()).hexdigest()[:16]
    return kept / f"{path.stem}-{digest}.ipynb"


def runs_of(path, kept):
    """Return the files of all kept runs of the notebook at `path`, also of former versions."""
    return list(kept.glob(f"{path.stem}-{'?' * 16}.ipynb"))
