"""The live page without a kernel: from the key to the frame, a photograph through the network, what is fetched."""

import tempfile
import time
from pathlib import Path

import psutil
import torch

from resnet_lib.explorers.trained import loaded
from resnet_lib.photos import to_input

from .. import lab
from ..site_page import Live, Quiet, served
from .browser import ANSWER, WATCH
from .figures import Times, line, number, timed, title

PIXELS = 128
# The page answers with numbers before a listener that came later would hear of the key.
FIRST = "window.addEventListener('keydown', event => { if (window.bench) bench.key = event.timeStamp; }, true)"


def measure(quick):
    title("the live page: C = 64, W = 56, S = 1, C1 around 16, from key to frame; and the whole network")
    if lab.missing():
        line("left out", lab.missing())
        return
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as (_, address):
        with lab.running_chromium() as browser:
            opened = [first_drag(browser, address) for _ in range(2 if quick else 5)]
            with lab.window(browser) as context:
                context.add_init_script(FIRST)
                maps, numbers, each = steps(Live(context, address, "bottleneck"), 10 if quick else 120)
                walk, ratio, whole = photograph(Live(context, address, "photograph"), 4 if quick else 20)
    line("a step of C1, maps", maps, "median ≤ 33", maps.median <= 33)
    line("a step of C1, numbers", numbers)
    line("  milliseconds of work for both", number(each))
    line(f"a photograph, {PIXELS} pixels", walk, "median ≤ 300", walk.median <= 300)
    line("  milliseconds of work, with its maps", number(whole))
    line("  ratio to torch on one core", f"{ratio:.1f} ×")
    first, fetched = Times([ms for ms, _ in opened]), max(size for _, size in opened) / 1e6
    line("from opening to the first drag's maps", first, "≤ 3,000", first.median <= 3000)
    line("fetched for it, megabytes", number(fetched), "≤ 6", fetched <= 6)


def worked():
    """Milliseconds that the processors have worked for all open pages, whatever else the machine was busy with."""
    pages = (p for p in psutil.Process().children(recursive=True) if "--type=renderer" in p.cmdline())
    return sum(sum(p.cpu_times()[:2]) for p in pages) * 1000


def first_drag(browser, address):
    """Milliseconds from opening the page to the maps of a first move of C1, and the bytes that were fetched."""
    sizes = Quiet.sizes = []
    with lab.window(browser) as context:
        page, start = context.new_page(), time.perf_counter()
        page.goto(f"{address}bottleneck.html")
        slider = page.get_by_role("slider", name="C1", exact=True)
        slider.focus()
        page.keyboard.press("ArrowLeft")
        page.wait_for_function(
            """() => { const m = resnetLive.bottleneck.model;
            return m.get('steps')[1][2][0] === 16 && m.get('maps').v === m.get('says').v; }"""
        )
        return (time.perf_counter() - start) * 1000, sum(sizes)


def steps(live, count, warm=10):
    """Press keys that move C1 around 16, one at a time: times of maps and numbers, and the work for one step."""
    live.put(block="BTNK1", C=64, W=56, C1=16, S=1, weights="random weights")
    page = live.page
    page.locator("#rl-live-bottleneck").evaluate(WATCH)
    page.get_by_role("slider", name="C1", exact=True).focus()
    answers = []
    for i in range(-warm, count):
        if i == 0:
            before = worked()
        page.keyboard.press("Shift+" + ("ArrowRight" if i // 3 % 2 else "ArrowLeft"))
        took = page.evaluate(ANSWER, ["maps", "numbers"])
        if i >= 0:
            answers.append(took)
        page.wait_for_timeout(30)
    each = (worked() - before) / count
    return [*(Times(list(times)) for times in zip(*answers, strict=True)), each]


def photograph(live, count):
    """The page's and torch's time for one photograph through the bundled network, in turns, and their ratio."""
    network, threads, took, ratios, work = loaded("thin"), torch.get_num_threads(), [], [], []
    torch.set_num_threads(1)
    try:
        for i in range(-2, count):
            name = ("cat", "coffee", "church", "parachute", "truck")[i % 5]
            x = to_input(name, PIXELS)
            live.page.evaluate("() => resnetLive.photograph.page.ask({do: 'forget'})")
            before = worked()
            live.put(picture=name, pixels=f"{PIXELS} pixels")
            spent = worked() - before
            ours = live.page.evaluate("() => resnetLive.photograph.answer.took")
            with torch.inference_mode():
                theirs = timed(lambda x=x: network(x))
            if i >= 0:
                took.append(ours)
                ratios.append(ours / theirs)
                work.append(spent)
    finally:
        torch.set_num_threads(threads)
    return Times(took), Times(ratios).median, sum(work) / count
