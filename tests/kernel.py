"""Runs notebooks as a learner would, in a fresh kernel of this very Python, but with no way out to a network."""

import os
from pathlib import Path

from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from nbclient import NotebookClient

from . import warm

ROOT = Path(__file__).resolve().parent.parent

# Python runs a module of this name at every start. An audit hook cannot be taken away again, and sees every
# connection and look-up of a name, whichever library makes it.
NO_NETWORK = """
import sys

LOCAL = ("127.", "::1", "localhost", "0.0.0.0")


def refuse(event, args):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = args[1]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        address = args
    else:
        return
    host = address[0] if isinstance(address, tuple) else None  # else a path on this machine
    if isinstance(host, bytes):
        host = host.decode()
    if host and not host.startswith(LOCAL):
        raise PermissionError(f"the network is blocked in this test, and {host!r} was asked for")


sys.addaudithook(refuse)
"""


class OnlyThisPython(KernelSpecManager):
    """Every kernel is the running interpreter's, whatever kernels the machine has installed."""

    def __init__(self, command):
        super().__init__()
        self._spec = KernelSpec(argv=command, display_name="Python 3 (ipykernel)", language="python")

    def get_kernel_spec(self, kernel_name):
        return self._spec


class Runner:
    """Executes notebooks; `home` is an empty folder for what a kernel leaves behind. Use it in a `with` statement."""

    def __init__(self, home):
        (home / "sitecustomize.py").write_text(NO_NETWORK)
        paths = [home, ROOT, os.environ.get("PYTHONPATH", "")]
        self.env = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(str(p) for p in paths if p),
            "IPYTHONDIR": str(home / "ipython"),
            "JUPYTER_CONFIG_DIR": str(home / "jupyter"),
            "RESNET_COURSE_FAST": "1",  # lessons that train or measure at length do so for a moment only
            "RESNET_COURSE_RUNS": str(home / "runs"),
            "OMP_NUM_THREADS": "1",  # threads that wait for one another take far longer on a machine with other work
        }
        self._kernels = warm.kernels(home, self.env)

    def __enter__(self):
        self._specs = OnlyThisPython(self._kernels.__enter__())
        return self

    def __exit__(self, *error):
        self._kernels.__exit__(*error)

    def client(self, notebook, folder):
        class Manager(AsyncKernelManager):
            def _kernel_spec_manager_default(_manager):
                return self._specs

        return NotebookClient(
            notebook,
            kernel_manager_class=Manager,
            resources={"metadata": {"path": str(folder)}},
            timeout=120,
            store_widget_state=True,
            record_timing=False,
        )

    def run(self, notebook, folder, **variables):
        """Run all cells in that folder, those variables in the kernel's environment. CellExecutionError, with its
        traceback, at the first that fails."""
        self.client(notebook, folder).execute(env=self.env | variables)
        return notebook


def outputs(notebook):
    """All outputs of all cells, those inside widgets among them."""
    for cell in notebook.cells:
        yield from cell.get("outputs", ())
    for widgets in notebook.metadata.get("widgets", {}).values():
        for widget in widgets["state"].values():
            yield from widget["state"].get("outputs", ())
