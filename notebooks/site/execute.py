"""Executes lessons in fresh kernels, and keeps what they output."""

import asyncio
import os
import re
import subprocess
import tempfile
import time
from contextlib import asynccontextmanager
from pathlib import Path

import nbformat
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbconvert.filters import strip_ansi

from . import keep, stop
from .keep import Failed

ROOT = Path(__file__).resolve().parent.parent.parent
SECONDS = 900  # for one cell: the longest trains four networks


class ThisPython(AsyncKernelManager):
    """Starts the running interpreter's kernel, whatever kernels the machine has installed."""

    def _kernel_spec_manager_default(self):
        return KernelSpecManager(kernel_dirs=[])


class Client(NotebookClient):
    """Ends its kernel, and what that has started, however a run ends. Signals are left to whoever runs it: nbclient
    would end the kernel, wait for its answer all the same, and fail with a traceback."""

    @asynccontextmanager
    async def async_setup_kernel(self, **options):
        self.km = self.create_kernel_manager()
        try:
            await self.async_start_new_kernel(**options)
            await self.async_start_new_kernel_client()
            yield
            await self.km.shutdown_kernel()
        except BaseException:
            await self.km.shutdown_kernel(now=True)
            raise
        finally:
            if self.kc:
                self.kc.stop_channels()


def to_the_end(work):
    """Run a coroutine; where a signal stops it, let it and the tasks that it has begun clean up before passing on."""

    async def ended(tasks):
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work)
    except KeyboardInterrupt:
        stop.stop_listening()
        loop.run_until_complete(ended(asyncio.all_tasks(loop)))
        raise
    finally:
        loop.close()


def executed(path, kept, library, said):
    """Return the notebook at `path` with its outputs: those in the folder `kept` if neither it nor the library has
    changed since, else those of a new run, which are then kept."""
    file = keep.file_of(path, kept, library)
    if file.exists():
        said(f"{path.stem}: executed before, unchanged")
        return nbformat.read(file, as_version=4)
    notebook = run(path, said)
    kept.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")  # a build that is stopped leaves no half lesson
    nbformat.write(notebook, part)
    for old in keep.runs_of(path, kept):
        old.unlink()
    part.replace(file)
    return notebook


def latest(path, kept):
    """Return the notebook as it was executed last, or without outputs if it never was."""
    files = sorted(keep.runs_of(path, kept), key=lambda file: file.stat().st_mtime)
    return nbformat.read(files[-1] if files else path, as_version=4)


def run(path, said):
    """Return the notebook at `path`, all its cells executed in a fresh kernel."""
    notebook = nbformat.read(path, as_version=4)
    cells = [i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    begun = last = before = time.monotonic()
    took = {}  # seconds of each cell
    said(f"{path.stem}: executing {len(cells)} cells")
    written = [cell.source for cell in notebook.cells]
    for i in cells:
        notebook.cells[i].source += ended_as(written[i])

    def progress(cell, cell_index):
        nonlocal last, before
        took[cell_index], before = time.monotonic() - before, time.monotonic()
        if time.monotonic() - last > 10:
            last = time.monotonic()
            said(f"{path.stem}: cell {cells.index(cell_index) + 1} of {len(cells)}, {last - begun:.0f} s")

    with tempfile.TemporaryDirectory(prefix="site-", ignore_cleanup_errors=True) as home:
        client = Client(
            notebook,
            kernel_manager_class=ThisPython,
            resources={"metadata": {"path": str(path.parent)}},
            timeout=SECONDS,
            record_timing=False,
            on_cell_executed=lambda cell, cell_index, **_: progress(cell, cell_index),
        )
        try:
            # A kernel remarks on its connection to whoever started it, and this one is this machine's own.
            to_the_end(client.async_execute(env=environment(home), stderr=subprocess.DEVNULL))
        except CellTimeoutError:
            raise Failed(f"{path.stem} could not be executed: a cell took longer than {SECONDS} s") from None
        except (CellExecutionError, DeadKernelError) as problem:
            last = strip_ansi(str(problem)).strip().splitlines()[-1]
            raise Failed(f"{path.stem} could not be executed: {last}") from None
    for cell, source in zip(notebook.cells, written, strict=True):
        cell.source = source
    longest = sorted(took, key=took.get)[:-4:-1]
    each = ", ".join(f"{cells.index(i) + 1} in {took[i]:.0f} s" for i in longest if took[i] > 5)
    said(f"{path.stem}: done in {time.monotonic() - begun:.0f} s" + (f"; longest cells: {each}" if each else ""))
    return notebook


def ended_as(source):
    """Return what shows, below a cell that runs an explorer to its end, how that ended: in a page the explorer above the
    cell stays as it began. "" for other cells."""
    ran = re.fullmatch(r"(\w+)\.run\(\)", source.strip())
    return f'\n__import__("resnet_lib.explorers.stills", fromlist="*").leave({ran[1]})' if ran else ""


def environment(home):
    """Return the environment of a kernel that keeps progress and runs in the folder `home`, not among the reader's, and
    has the machine to itself."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "IPYTHONDIR": os.path.join(home, "ipython"),
        "RESNET_COURSE_RUNS": os.path.join(home, "runs"),
        "RESNET_COURSE_ALONE": "1",
    }
