"""A photograph's explorer over ResNet-50 at 224 pixels in a real browser: another channel, another step, another
photograph, from the key to the frame on the screen."""

import random
import tempfile
from pathlib import Path

from .. import lab
from .browser import ANSWER, start, write
from .figures import Times, line, title

EXPLORER = """
import torch
from resnet_lib import resnet50
from resnet_lib.explorers import PhotographExplorer
torch.manual_seed(0)
explorer = PhotographExplorer(resnet50().eval(), step="stage2.1.conv2")
explorer
"""
# The network runs at every change, with a hook on the step, and pyplot draws 64 subplots and the channel.
USUAL = """
%matplotlib inline
import ipywidgets as widgets
import matplotlib.pyplot as plt
import torch
from resnet_lib import resnet50
from resnet_lib.photos import photo, to_input
torch.manual_seed(0)
network, x, kept = resnet50().eval(), to_input(photo("cat")), {}
network.stage2[1].conv2.register_forward_hook(lambda _m, _i, y: kept.update(y=y))

def draw(channel):
    with torch.no_grad():
        network(x)
    figure, axes = plt.subplots(8, 8, figsize=(6, 6))
    for axis, plane in zip(axes.flat, kept["y"][0]):
        axis.imshow(plane)
        axis.axis("off")
    plt.figure(figsize=(3, 3))
    plt.imshow(kept["y"][0, channel])
    plt.show()

slider = widgets.IntSlider(0, 0, 127, description="channel")
widgets.VBox([slider, widgets.interactive_output(draw, {"channel": slider})])
"""

# When the progress was on the screen after another photograph was chosen.
PROGRESS = """root => new Promise((answer, fail) => {
    const shown = () => root.querySelector('progress').style.visibility === 'visible';
    const late = setTimeout(() => fail(new Error('no progress was shown in 20 s')), 20000);
    const look = new MutationObserver(() => {
        if (!shown()) return;
        look.disconnect();
        clearTimeout(late);
        requestAnimationFrame(() => answer(performance.now() - window.changed));
    });
    look.observe(root, {attributes: true, childList: true, subtree: true});
    root.querySelector('select').addEventListener('change', e => { window.changed = e.timeStamp; }, {once: true});
})"""


def measure(quick):
    title("a photograph through ResNet-50 at 224: channel, step and photograph; JupyterLab in a browser: key to frame")
    if lab.missing():
        line("left out", lab.missing())
        return
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        write(folder / "explorer.ipynb", EXPLORER)
        write(folder / "usual.ipynb", USUAL)
        with lab.running_lab(folder) as server, lab.running_browser() as browser:
            with lab.Notebook(browser, server, "usual.ipynb") as notebook:
                start(notebook, 'img[src^="data:image/png"]')
                usual = moves(notebook, notebook.page.locator(".noUi-handle").first, "maps", 5 if quick else 15)
            with lab.Notebook(browser, server, "explorer.ipynb") as notebook:
                start(notebook, ".rl-maps canvas")
                slider = notebook.page.get_by_role("slider", name="channel", exact=True)
                channel = moves(notebook, slider, "closeup", 10 if quick else 100)
                step = steps(notebook, 10 if quick else 100)
                progress = photographs(notebook, 3 if quick else 10)
    line("another channel, the usual way", usual)
    line("another channel", channel, "median ≤ 60", channel.median <= 60)
    line("  ratio", f"{channel.median / usual.median:.3f} ×")
    line("another step", step, "median ≤ 60", step.median <= 60)
    line("  ratio", f"{step.median / usual.median:.3f} ×")
    line("progress after another photograph", progress, "≤ 100", max(progress.all) <= 100)


def rest(notebook, draw):
    notebook.in_kernel("")  # its turn comes when the kernel has done everything else
    notebook.page.wait_for_timeout(draw.uniform(30, 60))


def moves(notebook, handle, kind, count):
    draw, answers = random.Random(0), []
    handle.focus()
    for i in range(-3, count):
        notebook.page.keyboard.press("ArrowRight" if (i + 3) // 25 % 2 == 0 else "ArrowLeft")
        answers += notebook.page.evaluate(ANSWER, [kind])
        rest(notebook, draw)
    return Times(answers[3:])


def steps(notebook, count):
    draw, answers = random.Random(0), []
    names = ["conv1", "bn1", "relu1", "conv2", "bn2", "relu2", "conv3", "bn3", "add", "relu3"]
    for i in range(-3, count):
        notebook.page.get_by_role("button", name=names[(i + 3) % len(names)], exact=True).focus()
        notebook.page.keyboard.press("Enter")
        answers += notebook.page.evaluate(ANSWER, ["maps"])
        rest(notebook, draw)
    return Times(answers[3:])


def photographs(notebook, count):
    answers, root = [], notebook.page.locator(".rl-explorer").first
    select = notebook.page.get_by_label("picture").first
    for i in range(count):
        shown = root.evaluate_handle(f"root => ({{answer: ({PROGRESS})(root)}})")
        notebook.page.get_by_label("picture").first.select_option(
            ["church", "truck", "coffee", "parachute", "cat"][i % 5]
        )
        answers.append(shown.evaluate("shown => shown.answer"))
        notebook.in_kernel("")
        notebook.page.wait_for_timeout(200)
    return Times(answers)
