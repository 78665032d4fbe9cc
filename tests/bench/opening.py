"""What a learner waits for first: a lesson opened and run in a fresh kernel, until its first maps are on the screen."""

import shutil
import statistics
import tempfile
import time
from pathlib import Path

from .. import lab
from .browser import write
from .figures import Times, line, title
from .usual import USUAL

LESSON = "03"
RUN_ALL = "() => { jupyterapp.commands.execute('notebook:run-all-cells'); }"
ALONE = "from resnet_lib.explorers import BottleneckExplorer\nBottleneckExplorer()"


def measure(quick):
    title(f"lesson {LESSON} opened in JupyterLab and run from its beginning: until its first maps are on the screen")
    if lab.missing():
        line("left out", lab.missing())
        return
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (lesson,) = lab.ROOT.glob(f"notebooks/{LESSON}_*.ipynb")
        shutil.copy(lesson, folder / "lesson.ipynb")
        write(folder / "alone.ipynb", ALONE)
        write(folder / "usual.ipynb", USUAL, "VBox([slider, output])")
        maps, picture = ".rl-maps[data-version] canvas", '.jp-OutputArea-output img[src^="data:image/png"]'
        with lab.running_lab(folder) as server, lab.running_browser() as browser:
            opened(browser, server, "alone.ipynb", maps)  # the server's and the browser's own first time
            rounds = [
                [opened(browser, server, *each) for each in (("usual.ipynb", picture), ("alone.ipynb", maps))]
                + [opened(browser, server, "lesson.ipynb", maps)]
                for _ in range(1 if quick else 5)
            ]
    usual, alone, whole = (Times(list(times)) for times in zip(*rounds, strict=True))
    line("the usual way alone in a notebook", usual)
    line("the explorer alone in a notebook", alone)
    line("  ratio", f"{statistics.median(ours / other for other, ours, _ in rounds):.2f} ×")
    line("the lesson", whole)
    line("  ratio to the usual way", f"{statistics.median(ours / other for other, _, ours in rounds):.2f} ×")


def opened(browser, server, path, shows):
    """Milliseconds from opening a notebook until all of it is running and something of the kind is on the screen."""
    start = time.perf_counter()
    with lab.Notebook(browser, server, path) as notebook:
        notebook.page.evaluate(RUN_ALL)
        notebook.page.locator(shows).first.wait_for()
        took = (time.perf_counter() - start) * 1000
        assert notebook.errors() == [], notebook.errors()
    return took
