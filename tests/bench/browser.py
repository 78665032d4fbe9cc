"""The explorer of one bottleneck in a real browser, from the key to the frame on the screen."""

import json
import random
import tempfile
import time
from pathlib import Path

import nbformat
import numpy as np
from nbformat.v4 import new_code_cell, new_notebook

from resnet_lib.explorers import BottleneckExplorer

from .. import lab
from ..test_explorers import opened
from .figures import Times, line, number, title
from .usual import USUAL

BLOCK = dict(block="BTNK1", C=256, W=56, C1=64, S=1, picture="coffee")
STEP = "relu3"

EXPLORER = f"""
import time
from resnet_lib.explorers import BottleneckExplorer
explorer = BottleneckExplorer(**{BLOCK})
explorer.step.value = "{STEP}"
took = []

def timed(work):
    def wrapped(*arguments, **options):
        start = time.perf_counter()
        try:
            return work(*arguments, **options)
        finally:
            took.append((time.perf_counter() - start) * 1000)
    return wrapped

explorer.update = timed(explorer.update)
explorer
"""
TIMED_USUAL = (
    USUAL.replace("def draw", "import time\ntook = []\n\ndef draw")
    .replace("    torch.manual_seed(0)\n", "    start = time.perf_counter()\n    torch.manual_seed(0)\n")
    .replace("    plt.show()\n", "    plt.show()\n    took.append((time.perf_counter() - start) * 1000)\n")
)

# Every new picture and every new diagram: when its frame was on the screen, and the key and the move of the mouse
# before it. All events; nothing here asks for the layout, which would make the browser work.
WATCH = """root => {
    const seen = window.bench = {records: [], key: 0, move: 0, wake: () => {}};
    document.addEventListener('keydown', event => { seen.key = event.timeStamp; }, true);
    document.addEventListener('pointermove', event => { seen.move = event.timeStamp; }, true);
    const frame = () => new Promise(shown => requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => shown(performance.now());
        channel.port2.postMessage(0);
    }));
    const note = async (kind, image) => {
        const {key, move} = seen;
        try { await image?.decode(); } catch { return; }  // another has taken its place
        seen.records.push({kind, key, move, at: await frame()});
        seen.wake();
    };
    new MutationObserver(changes => {
        const images = new Set();
        for (const {target, addedNodes} of changes) {
            if (target.nodeName === 'IMG') images.add(target);
            for (const node of addedNodes) {
                if (node.nodeName === 'IMG') images.add(node);
                node.querySelectorAll?.('img').forEach(image => images.add(image));
                if (node.querySelector?.('svg')) note('numbers');
            }
        }
        images.forEach(image => note('maps', image));
    }).observe(root, {subtree: true, childList: true, attributes: true, attributeFilter: ['src']});
}"""
ANSWER = """kinds => new Promise((answer, fail) => {
    const seen = window.bench;
    const late = setTimeout(() => fail(new Error('no answer to the key in 20 s')), 20000);
    seen.wake = () => {
        const mine = seen.records.filter(record => record.key === seen.key);
        const found = kinds.map((kind, i) => mine.filter(record => record.kind === kind)[
            kinds.slice(0, i).filter(before => before === kind).length]);
        if (!found.every(Boolean)) return;
        clearTimeout(late);
        seen.wake = () => {};
        answer(found.map(record => record.at - record.key));
    };
    seen.wake();
})"""


def measure(quick):
    title("one bottleneck, C = 256, W = 56, S = 1, C1 moving; 64 maps; JupyterLab in a browser: from key to frame")
    if lab.missing():
        line("left out", lab.missing())
        return
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        write(folder / "explorer.ipynb", EXPLORER)
        write(folder / "usual.ipynb", TIMED_USUAL, "VBox([slider, output])")
        with lab.running_lab(folder) as server, lab.running_browser() as browser:
            with lab.Notebook(browser, server, "usual.ipynb") as notebook:
                view = start(notebook, "C1")
                (usual,), usual_kernel = keys(notebook, view, ["maps"], 5 if quick else 24, warm=3)
            with lab.Notebook(browser, server, "explorer.ipynb") as notebook:
                view = start(notebook, "C1")
                (maps, numbers), kernel = keys(notebook, view, ["maps", "numbers"], 20 if quick else 150, warm=20)
                drags = [drag(notebook, view) for _ in range(1 if quick else 5)]
    faster = usual.median / maps.median
    line("maps, the usual way", usual)
    line("maps, the explorer", maps, "median ≤ 33, p95 ≤ 50", maps.median <= 33 and maps.p95 <= 50)
    line("  times faster", f"{faster:.1f} ×", "≥ 20 ×; must: ≥ 10 × and ≤ 60 ms", faster >= 20)
    line("numbers, the explorer", numbers, "median ≤ 25, p95 ≤ 40", numbers.median <= 25 and numbers.p95 <= 40)
    line("  times faster than usual maps", f"{usual.median / numbers.median:.1f} ×")
    line("in the callback, the usual way", usual_kernel)
    line("in the callback, the explorer", kernel)
    rates, settled = [d[0] for d in drags], [d[1] for d in drags]
    slowest, longest = min(rates), max(settled)
    line("frames a second in a drag", " ".join(map(number, rates)), "≥ 20", slowest >= 20)
    line("  times the usual way's at best", f"{slowest * usual.median / 1000:.1f} ×")
    line("settled after the last move, ms", " ".join(map(number, settled)), "≤ 100", longest <= 100)
    right = [d[2] for d in drags]
    line("the last value is right", f"in {sum(right)} of {len(right)} drags", "always", all(right))


def write(path, *cells):
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    notebook = new_notebook(cells=[new_code_cell(c.strip()) for c in cells], metadata={"kernelspec": kernel})
    nbformat.write(notebook, path)


def start(notebook, control):
    """The view with that control, its cells run, watched."""
    notebook.run_all()
    assert notebook.errors() == [], notebook.errors()
    view = notebook.view(control)
    view.root.locator('img.widget-image, .jp-OutputArea-output img[src^="data:image/png"]').first.wait_for()
    view.root.evaluate(WATCH)
    return view


def keys(notebook, view, kinds, count, warm):
    """Press keys that move C1 to and fro, one at a time. Times for each kind of answer, and in the callback."""
    draw = random.Random(0)
    view.slider("C1").handle.focus()
    answers = []
    for i in range(-warm, count):
        if i == 0:
            notebook.in_kernel("took.clear()")
        notebook.page.keyboard.press("ArrowRight" if (i + warm) // 25 % 2 == 0 else "ArrowLeft")
        took = notebook.page.evaluate(ANSWER, kinds)
        if i >= 0:
            answers.append(took)
        # Until the kernel is at rest; by chance, so as not to keep step with the screen.
        notebook.page.wait_for_timeout(draw.uniform(30, 60))
    kernel = Times(json.loads(notebook.in_kernel("print(took)")))
    return [Times(list(times)) for times in zip(*answers, strict=True)], kernel


def drag(notebook, view, seconds=3.0):
    """Drag C1 to and fro. Frames with new maps a second, milliseconds from the last move of the mouse to the last
    of them, and whether that showed what the slider says."""
    page, slider = notebook.page, view.slider("C1")
    box = slider.handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate("() => { bench.records.length = 0; }")
    start = time.perf_counter()
    while (passed := time.perf_counter() - start) < seconds:
        sweep = passed % 1  # there and back in a second
        page.mouse.move(x + 80 * (2 * min(sweep, 1 - sweep)), y)
        page.wait_for_timeout(8)
    passed = time.perf_counter() - start
    page.mouse.up()
    page.wait_for_timeout(1000)
    records, last_move = page.evaluate("() => [bench.records.filter(r => r.kind === 'maps'), bench.move]")
    frames = sum(record["at"] <= last_move for record in records)
    value = slider.value
    right = f"C1={value}," in view.text() and np.array_equal(view.pixels(), expected(value))
    return frames / passed, records[-1]["at"] - last_move, right


def expected(C1):
    """The mosaic's pixels, from an explorer in this process."""
    explorer = BottleneckExplorer(**{**BLOCK, "C1": C1})
    explorer.step.value = STEP
    return np.array(opened(explorer.maps.image).convert("RGBA"))
