"""The explorer of one bottleneck in a real browser, from the key to the frame on the screen."""

import json
import random
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from .. import lab
from ..slow_line import slow_line
from .figures import Times, line, number, title
from .usual import USUAL

BLOCK = dict(block="BTNK1", C=256, W=56, C1=64, S=1, picture="coffee")
STEP = "relu3"
FAR = 0.05  # seconds each way to another computer

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
# In the kernel: C1, the version of the maps, and whether a new explorer draws the same.
RIGHT = f"""
options = {BLOCK}
options["C1"] = explorer.C1.value
fresh = BottleneckExplorer(**options, step="{STEP}")
print(explorer.C1.value, explorer.page.maps["v"], fresh.page.levels == explorer.page.levels)
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
    window.addEventListener('keydown', event => { seen.key = event.timeStamp; }, true);
    document.addEventListener('pointermove', event => { seen.move = event.timeStamp; }, true);
    let version = root.querySelector('.rl-maps')?.dataset.version;
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
            if (target.classList.contains('rl-maps') && target.dataset.version !== version) {
                version = target.dataset.version;
                note('maps');
            }
            if (target.classList.contains('rl-figures')) note('numbers');
            if (target.closest('.rl-closeup-head')) note('closeup');
            for (const node of addedNodes) {
                if (node.nodeName === 'IMG') images.add(node);
                node.querySelectorAll?.('img').forEach(image => images.add(image));
            }
        }
        images.forEach(image => note('maps', image));
    }).observe(root, {subtree: true, childList: true, attributes: true, attributeFilter: ['src', 'data-version']});
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
                start(notebook, 'img[src^="data:image/png"]')
                handle = notebook.page.locator(".noUi-handle").first
                (usual,), usual_kernel = keys(notebook, handle, ["maps"], 5 if quick else 24, warm=3)
            with opened(browser, server) as (notebook, handle, received):
                whole = kilobytes(notebook, handle, received)
                (maps, numbers), kernel = keys(
                    notebook, handle, ["maps", "numbers"], 20 if quick else 150, warm=20, finest="Shift+"
                )
                drags = [drag(notebook, handle) for _ in range(1 if quick else 5)]
                kernels, heaps = memory(notebook, handle, 100 if quick else 1000)
            with slow_line(server, FAR) as far, opened(browser, far) as (notebook, handle, received):
                notebook.page.wait_for_timeout(2000)  # until it has measured the line
                packed = kilobytes(notebook, handle, received)
                late, _ = keys(notebook, handle, ["maps"], 5 if quick else 20, warm=0, finest="Shift+")
    faster = usual.median / maps.median
    line("maps, the usual way", usual)
    line("maps, the explorer", maps, "median ≤ 33, p95 ≤ 50", maps.median <= 33 and maps.p95 <= 50)
    line("  times faster", f"{faster:.1f} ×", "≥ 20 ×; must: ≥ 10 × and ≤ 60 ms", faster >= 20)
    line("numbers, the explorer", numbers, "median ≤ 25, p95 ≤ 40", numbers.median <= 25 and numbers.p95 <= 40)
    line("  times faster than usual maps", f"{usual.median / numbers.median:.1f} ×")
    line("kilobytes a step, 64 maps of 56 × 56", number(whole), "≤ 205", whole <= 205)
    line(f"  over a line of {2000 * FAR:.0f} ms there and back", number(packed), "≤ 110", packed <= 110)
    line("  maps over that line", late[0])
    line("in the callback, the usual way", usual_kernel)
    line("in the callback, the explorer", kernel)
    rates, settled = [d[0] for d in drags], [d[1] for d in drags]
    slowest, longest = min(rates), max(settled)
    line("frames a second in a drag", " ".join(map(number, rates)), "≥ 20", slowest >= 20)
    line("  times the usual way's at best", f"{slowest * usual.median / 1000:.1f} ×")
    line("settled after the last move, ms", " ".join(map(number, settled)), "≤ 100", longest <= 100)
    for name, (before, after), most in (("kernel", kernels, 20), ("page", heaps, 30)):
        grown = f"{before:.0f} → {after:.0f} MB: {after - before:+.1f} MB"
        line(f"the {name} after {100 if quick else 1000:,} moves", grown, f"within {most} MB", after - before <= most)
    right = [d[2] for d in drags]
    line("the last value is right", f"in {sum(right)} of {len(right)} drags", "always", all(right))


@contextmanager
def opened(browser, server):
    """The explorer's notebook, the slider of C1, and the sizes of what the kernel's socket brings from then on."""
    received = []
    notebook = lab.Notebook(browser, server, "explorer.ipynb")
    # A text's letters are its bytes, nearly.
    notebook.page.on("websocket", lambda s: s.on("framereceived", lambda data: received.append(len(data))))
    with notebook:
        start(notebook, ".rl-maps canvas")
        yield notebook, notebook.page.get_by_role("slider", name="C1", exact=True), received


def kilobytes(notebook, handle, received):
    """What a step of C1 brings to the page where all of 56 × 56 positions are computed, all messages together."""
    handle.focus()
    notebook.page.keyboard.press("Shift+ArrowRight")
    notebook.page.wait_for_timeout(1000)
    received.clear()
    for key in ("ArrowLeft", "ArrowRight", "ArrowLeft"):
        notebook.page.keyboard.press(f"Shift+{key}")
        notebook.page.wait_for_timeout(1000)
    return sum(received) / 1000 / 3


MEGABYTES = "import gc, psutil; gc.collect(); print(psutil.Process().memory_info().rss / 2**20)"


def memory(notebook, handle, moves):
    """Megabytes of the kernel, and of the page's objects, before and after so many moves of C1 that all had maps."""
    page = notebook.page
    session = page.context.new_cdp_session(page)

    def megabytes():
        session.send("HeapProfiler.collectGarbage")
        heap = session.send("Runtime.getHeapUsage")["usedSize"] / 2**20
        return float(notebook.in_kernel(MEGABYTES)), heap

    def move(times):
        handle.focus()
        for i in range(times):
            page.keyboard.press("Shift+" + ("ArrowRight" if i // 25 % 2 == 0 else "ArrowLeft"))
            page.evaluate(ANSWER, ["maps"])
            page.evaluate("() => { bench.records.length = 0; }")

    move(moves // 10)
    before = megabytes()
    move(moves)
    return zip(before, megabytes(), strict=True)


def write(path, *cells):
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    notebook = new_notebook(cells=[new_code_cell(c.strip()) for c in cells], metadata={"kernelspec": kernel})
    nbformat.write(notebook, path)


def start(notebook, shows):
    """Run the cells, wait for what shows maps, and watch it."""
    notebook.run_all()
    assert notebook.errors() == [], notebook.errors()
    shown = notebook.page.locator(f".jp-OutputArea-output {shows}").first
    shown.wait_for()
    shown.scroll_into_view_if_needed()
    notebook.page.locator(".jp-OutputArea").filter(has=shown).first.evaluate(WATCH)


def keys(notebook, handle, kinds, count, warm, finest=""):
    """Press keys that move C1 to and fro, one at a time. Times for each kind of answer, and in the callback."""
    draw = random.Random(0)
    handle.focus()
    answers = []
    for i in range(-warm, count):
        if i == 0:
            notebook.in_kernel("took.clear()")
        notebook.page.keyboard.press(finest + ("ArrowRight" if (i + warm) // 25 % 2 == 0 else "ArrowLeft"))
        took = notebook.page.evaluate(ANSWER, kinds)
        if i >= 0:
            answers.append(took)
        # Until the kernel is at rest; by chance, so as not to keep step with the screen.
        notebook.page.wait_for_timeout(draw.uniform(30, 60))
    kernel = Times(json.loads(notebook.in_kernel("print(took)")))
    return [Times(list(times)) for times in zip(*answers, strict=True)], kernel


def drag(notebook, handle, seconds=3.0):
    """Drag C1 to and fro. Frames with new maps a second, milliseconds from the last move of the mouse to the last
    of them, and whether that showed what the slider says."""
    page, box = notebook.page, handle.bounding_box()
    share = (int(handle.input_value()) - 4) / 508
    x, y = box["x"] + 8 + share * (box["width"] - 16), box["y"] + box["height"] / 2
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
    value, version = int(handle.input_value()), page.locator(".rl-maps").get_attribute("data-version")
    right = notebook.in_kernel(RIGHT).split() == [str(value), version, "True"]
    return frames / passed, records[-1]["at"] - last_move, right
