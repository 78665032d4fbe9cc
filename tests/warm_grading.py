"""The grader's hosts as copies of one process that has loaded torch: each takes nine seconds of a processor otherwise.

Where processes cannot be copied safely they are started as usual, as they are in those tests that do not ask for this.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class Server:
    """Keeps such a process, until the end of a `with` statement; `folder` is for what it leaves behind."""

    def __init__(self, folder):
        self.folder = folder

    def __enter__(self):
        from resnet_lib.grading.processes import FORKS, environment

        self.control = self.process = None
        if FORKS:
            self.control, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            command = [sys.executable, __file__, str(other.fileno())]
            self.process = subprocess.Popen(command, pass_fds=[other.fileno()], env=environment(self.folder))
            other.close()
        return self

    def __exit__(self, *error):
        if self.process is not None:
            self.control.close()
            self.process.kill()
            self.process.wait()

    @contextlib.contextmanager
    def hosts(self):
        """While this lasts, hosts are copies of that process."""
        from resnet_lib.grading.processes import Host, environment

        usual = Host._launch

        def copied(host, end, kind="one"):
            arguments = ["-c", str(ROOT), kind, host.role, str(end.fileno()), str(host.scratch)]
            wanted = {"arguments": arguments, "environment": environment(host.scratch)}
            socket.send_fds(self.control, [json.dumps(wanted).encode()], [end.fileno()])
            return Copy(int(self.control.recv(20)))

        Host._launch = copied if self.process is not None else usual
        try:
            yield
        finally:
            Host._launch = usual


class Copy:
    """A copy of that process, with as much of a `subprocess.Popen` as a host uses."""

    def __init__(self, pid):
        self.pid = pid

    def wait(self, timeout=60):
        from resnet_lib.grading.watching import there

        until = time.monotonic() + timeout
        while there(self.pid):
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired("a copy", timeout)
            time.sleep(0.01)

    def kill(self):
        from resnet_lib.grading.watching import kill

        kill(self.pid)


# ── In that process ──────────────────────────────────────────────────────────────────────────────────────────


def serve(control):
    """Make copies, until the tests hang up."""
    from resnet_lib.grading import processes

    processes.load("submission")  # a judge's copy loads the checks, of which a submission's is to know nothing
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        asked, ends, *_ = socket.recv_fds(control, 2**16, 1)
        if not asked:
            break
        pid = os.fork()
        if pid == 0:
            control.close()
            play(processes, ends[0], **json.loads(asked))
        os.close(ends[0])
        control.send(str(pid).encode())


def play(processes, end, arguments, environment):
    """Be the host that was asked for."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    os.close(nowhere)
    os.environ.clear()
    os.environ.update(environment)
    *_, scratch = arguments
    os.chdir(scratch)
    arguments[-2] = str(end)
    sys.argv = arguments
    try:
        processes.main()
    finally:
        os._exit(0)


if __name__ == "__main__":
    sys.path[0] = str(ROOT)
    serve(socket.socket(fileno=int(sys.argv[1])))
