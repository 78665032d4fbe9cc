"""What needs no browser: import, anatomy, the forward pass, memory."""

import subprocess
import sys

import torch
import torchinfo
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

from resnet_lib import activations, anatomy, from_published, resnet50

from ..lab import ROOT
from ..reference import plain
from .figures import in_turns, line, title
from .usual import USUAL


def measure_import(quick):
    title("import resnet_lib, against import torch (fresh processes)")

    def run(code):
        return lambda: subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)

    compare("import resnet_lib", run("import resnet_lib"), "import torch", run("import torch"), 3 if quick else 11, 1.1)


def measure_anatomy(quick):
    title("the anatomy of ResNet-50, against torchinfo's summary of it at 224 × 224")
    network = resnet50().eval()
    compare(
        "anatomy(network, 224)",
        lambda: anatomy(network, 224),
        "torchinfo.summary",
        lambda: torchinfo.summary(network, (1, 3, 224, 224), verbose=0),
        3 if quick else 15,
        0.1,
    )


def measure_forward(quick):
    title("ResNet-50 run (eval, no_grad, one picture of 224 × 224), against the plain one with the same weights")
    theirs, ours = plain("resnet50").eval(), resnet50().eval()
    ours.load_state_dict(from_published(theirs.state_dict()))
    x = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        assert torch.allclose(ours(x), theirs(x), rtol=1e-4, atol=1e-4)
        compare("resnet_lib", lambda: ours(x), "plain, ReLUs in place", lambda: theirs(x), 5 if quick else 60, 1.05)


def measure_taps(quick):
    title("three taps of ResNet-50 kept (one picture of 224 × 224), against its plain forward")
    network, x = resnet50().eval(), torch.randn(1, 3, 224, 224)
    names = ["stage1.2.relu3", "stage3.0.conv2", "stage4.2.add"]
    with torch.no_grad():
        compare(
            "activations(network, x, names)",
            lambda: activations(network, x, names),
            "network(x)",
            lambda: network(x),
            5 if quick else 60,
            1.05,
        )


def compare(name, ours, other, theirs, count, goal):
    a, b, ratio = in_turns(ours, theirs, count)
    line(name, a)
    line(other, b)
    line("ratio", f"{ratio:.3f} ×", f"≤ {goal}", ratio <= goal)


# ── Memory ───────────────────────────────────────────────────────────────────────────────────────────────────

EXPLORER = """
from resnet_lib.explorers import BottleneckExplorer
explorer = BottleneckExplorer(C=256, W=56, C1=64, S=1)
explorer.step.value = "relu3"
slider = explorer.C1
"""
MOVES = """
import gc, psutil

def megabytes():
    gc.collect()
    return psutil.Process().memory_info().rss / 2**20

def move(times):
    for i in range(times):
        slider.value = 64 + 4 * (i % 25)

move({warm})
before = megabytes()
move({times})
print(before, megabytes())
"""


def measure_memory(quick):
    times, few = (100, 5) if quick else (1000, 30)
    title(f"memory of the kernel before and after {times:,} moves of C1, against the usual way's {few} moves")
    before, after = rss(EXPLORER, times // 10, times)
    grown = after - before
    line("the explorer", f"{before:.0f} → {after:.0f} MB: {grown:+.1f} MB", "within 20 MB", grown <= 20)
    before, after = rss(USUAL, 10, few)
    other = (after - before) * times / few
    line("interactive_output, 64 subplots", f"{before:.0f} → {after:.0f} MB: {other:+.1f} MB in {times:,} at that rate")
    line("ratio", f"{max(grown, 0) / other:.3f} ×" if other > 0 else "none: the usual way did not grow")


def rss(code, warm, times):
    """Megabytes of a fresh kernel before and after so many moves of the `slider` that the code makes."""
    # The kernel python3 is this Python, whatever kernels the machine has.
    manager = KernelManager(kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    manager.start_kernel(cwd=str(ROOT))
    try:
        client = manager.client()
        client.start_channels()
        client.wait_for_ready(timeout=60)
        printed, failed = [], []

        def keep(message):
            if message["msg_type"] == "stream":
                printed.append(message["content"]["text"])
            elif message["msg_type"] == "error":
                failed.append("\n".join(message["content"]["traceback"]))

        client.execute_interactive(code + MOVES.format(warm=warm, times=times), output_hook=keep, timeout=900)
        client.stop_channels()
    finally:
        manager.shutdown_kernel(now=True)
    if failed:
        raise RuntimeError(failed[0])
    before, after = map(float, "".join(printed).split()[-2:])
    return before, after
