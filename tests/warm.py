"""Kernels as copies of one process in which torch is loaded: that takes longer than many a notebook of these tests.

The process that Jupyter starts for a kernel, and interrupts and ends, is a small one that asks for a copy and passes
signals on to it. Where processes cannot be copied safely, a kernel is started as usual.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import traceback
from importlib import import_module
from pathlib import Path

# Not the library itself: some of it looks at the kernel that it is imported in.
# torch._dynamo is what the first optimizer of a process loads: two seconds.
LOADED = ("ipykernel.kernelapp", "ipykernel.ipkernel", "torch", "torch._dynamo", "matplotlib.figure", "anywidget")
USUAL = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]


@contextlib.contextmanager
def kernels(folder, environment):
    """Keep such a process, in that environment, and yield the command that starts a kernel."""
    if sys.platform != "linux":
        yield USUAL
        return
    address = str(Path(folder) / "warm")
    serving = subprocess.Popen([sys.executable, __file__, "serve", address], env=environment, stdout=subprocess.PIPE)
    try:
        serving.stdout.readline()
        # -E and -S: nothing but the standard library, which starts at once.
        yield [sys.executable, "-ES", __file__, "ask", address, *USUAL[3:]]
    finally:
        serving.kill()
        serving.wait()
        serving.stdout.close()


def ask(address, *arguments):
    """Ask for a copy, and live as long as it does."""
    line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    line.connect(address)
    wanted = {"arguments": arguments, "folder": os.getcwd(), "environment": dict(os.environ)}
    socket.send_fds(line, [json.dumps(wanted).encode()], [0, 1, 2])
    copy = int(line.recv(20))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _frame: os.kill(copy, number))
    line.recv(1)


def serve(address):
    """Make copies, until this process is killed."""
    for name in LOADED:
        import_module(name)
    waiting = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    waiting.bind(address)
    waiting.listen()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    while True:
        line, _ = waiting.accept()
        wanted, streams, *_ = socket.recv_fds(line, 2**20, 3)
        if os.fork() == 0:
            waiting.close()
            play(line, json.loads(wanted), streams)
        line.close()
        for stream in streams:
            os.close(stream)


def play(line, wanted, streams):
    """Be the kernel that was asked for."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(wanted["folder"])
    os.environ.clear()
    os.environ.update(wanted["environment"])
    line.send(str(os.getpid()).encode())

    def end_with_it():
        line.recv(1)  # nothing comes until the small process has been killed
        os._exit(1)

    threading.Thread(target=end_with_it, daemon=True).start()
    sys.argv = [*USUAL[2:3], *wanted["arguments"]]
    try:
        sys.modules["ipykernel.kernelapp"].launch_new_instance()
    except SystemExit:
        pass
    except BaseException:
        traceback.print_exc()
    os._exit(0)


if __name__ == "__main__":
    del sys.path[0]  # this folder, whose modules are no one's here
    {"serve": serve, "ask": ask}[sys.argv[1]](*sys.argv[2:])
