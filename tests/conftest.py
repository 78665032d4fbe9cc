"""What all tests share: which kind a test is, which run in one process, the fixtures of more than one file."""

import os

# Before torch is loaded: processes side by side must not fight for the cores, and threads that wait for one another
# take far longer on a busy machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import contextlib
import textwrap
from collections import Counter

import pytest
import torch

from resnet_lib import ResNet

from . import lab, warm
from .reference import shake_norms

KIND_OF_FIXTURE = {"browser": "browser", "runner": "kernel"}
# For a test that takes most of a minute and guards what seldom changes.
in_full = pytest.mark.skipif(
    not os.environ.get("RESNET_COURSE_ALL"), reason="takes most of a minute: with RESNET_COURSE_ALL=1"
)
# Files of which the quick run reads none: what takes long there is more than single tests, which are marked slow.
SLOW = tuple(
    f"test_{name}"
    for name in """
    across bench bottleneck browser clinic code_in_checks differences endless fast glossary grading junk mutated
    notebooks open_exercises photograph pictures proof setup site student styles wheel
    """.split()
)
TRAINING = (
    "test_ablation",
    "test_comparison",
    "test_design_explorers",
    "test_landscape",
    "test_race",
    "test_training",
)
CASES = 2  # of one test, in the quick run


def pytest_addoption(parser):
    parser.addoption("--quick", action="store_true", help="a few cases of every test that needs no more than a moment")


# Side by side, the files that begin so run one after another in one process, which then starts JupyterLab, a browser,
# the live pages or the grader once. The first that fits.
TOGETHER = ("test_browser_site", "test_browser", "test_grading")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler.loadfile import LoadFileScheduling

    class Together(LoadFileScheduling):
        def _split_scope(self, nodeid):
            file = super()._split_scope(nodeid)
            return next((name for name in TOGETHER if f"/{name}" in f"/{file}"), file)

    return Together(config, log)


def pytest_ignore_collect(collection_path, config):
    # None leaves it to pytest: False would read everything, .venv too.
    return config.getoption("quick") and collection_path.stem.startswith(SLOW + TRAINING) or None


def pytest_collection_modifyitems(config, items):
    for item in items:
        for fixture, kind in KIND_OF_FIXTURE.items():
            if fixture in item.fixturenames:
                item.add_marker(kind)
        if item.path.stem.startswith(TRAINING):
            item.add_marker("training")
        if item.path.stem.startswith(SLOW):
            item.add_marker("slow")
    if not any("::" in arg for arg in config.args):
        left_out = [] if os.environ.get("RESNET_COURSE_ALL") else _left_out(items)
        if config.getoption("quick"):
            left_out += _not_quick(items)
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]
    # What takes longest begins first, so that no process works alone at the end.
    kinds = ("browser", "kernel", "training", "slow")
    items.sort(key=lambda item: [kind not in item.keywords for kind in kinds])


def _left_out(items):
    """Return the tests of a long list that the usual run leaves out: of those marked sampled(n) it takes every n-th."""
    marks = {_test_of(item): item.get_closest_marker("sampled") for item in items}
    return [item for item, i, _ in _cases(items) if (mark := marks[_test_of(item)]) and i % mark.args[0]]


def _not_quick(items):
    """Return what the quick run leaves out: whatever takes long, and of every test all but a few of its cases."""
    long = {"browser", "kernel", "training", "slow"}
    return [item for item, i, n in _cases(items) if long & set(item.keywords) or i % -(-n // CASES)]


def _test_of(item):
    return item.path, item.originalname


def _cases(items):
    """(item, the how many-th case of its test it is, of how many) of each item."""
    counts, seen = Counter(map(_test_of, items)), Counter()
    for item in items:
        yield item, seen[_test_of(item)], counts[_test_of(item)]
        seen[_test_of(item)] += 1


@pytest.fixture(scope="session")
def in_one_process(tmp_path_factory):
    """`in_one_process(what)` fails where another process of this run has come there too."""
    folder = tmp_path_factory.getbasetemp()  # of this process; the folder above it is the run's
    run = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder

    def note(what):
        with open(run / f"{what}.processes", "a") as file:
            file.write(f"{os.getpid()}\n")
        assert set((run / f"{what}.processes").read_text().split()) == {str(os.getpid())}, what

    return note


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch):
    """Keep what a test trains and solves away from the reader's own: in the folder that this returns."""
    monkeypatch.setenv("RESNET_COURSE_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture(scope="session")
def thin_network():
    """A thin ResNet-50 with drawn weights and statistics, in eval mode. Not to be changed."""
    torch.manual_seed(0)
    return shake_norms(ResNet(base=16, num_classes=10)).eval()


@pytest.fixture
def undrawn(monkeypatch):
    """Charts have their frame and their text and no curves, which take longest to draw."""
    from resnet_lib.views.curves import Chart, drawing

    monkeypatch.setattr(Chart, "_svg", lambda chart, text: drawing(*chart.size, text, ""))


@pytest.fixture(scope="session")
def warm_grading(tmp_path_factory):
    """`with warm_grading.hosts():` the grader starts in a moment."""
    from .warm_grading import Server

    with Server(tmp_path_factory.mktemp("warm_grading")) as server:
        yield server


# ── In a kernel and in a browser ─────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="session")
def runner(tmp_path_factory):
    from .kernel import Runner  # takes seconds, as nbformat does

    with Runner(tmp_path_factory.mktemp("home")) as runner:
        yield runner


_open = contextlib.ExitStack()  # the JupyterLab and the Chromium of the browser tests that follow one another
_shared = {}


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem):
    # Not fixtures of the session: playwright keeps an event loop running, which other tests must not find.
    if nextitem is None or "browser" not in nextitem.keywords:
        _shared.clear()
        _open.close()


def _once(name, make):
    if name not in _shared:
        _shared[name] = _open.enter_context(make())
    return _shared[name]


@pytest.fixture(scope="module")
def browser():
    """A window of a real browser, with a profile of its own."""
    if lab.missing():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(lab.missing())
    chromium = _once("chromium", lab.running_chromium)
    # Where the next test needs no browser, this ends before the file does: with Chromium.
    with _open.enter_context(contextlib.ExitStack()) as until:
        yield until.enter_context(lab.window(chromium))


class Desk:
    """A folder of its own in a running JupyterLab, and a browser to open its notebooks in, one after another."""

    def __init__(self, folder, server, browser):
        self.folder, self.server, self.browser = folder, server, browser

    def open(self, path):
        """The notebook at that path in the folder, for a `with` statement."""
        if "page" not in _shared or _shared["page"].is_closed():
            _shared["page"] = self.browser.new_page()
        return lab.Notebook(self.browser, self.server, f"{self.folder.name}/{path}", _shared["page"])

    def close_page(self):
        """Let the next notebook open in a new page, where nothing is left of those before."""
        if "page" in _shared:
            _shared.pop("page").close()

    def open_cells(self, *cells):
        """A new notebook of those cells, its first one run. Without a problem, to the end of the `with` statement."""
        import nbformat
        from nbformat.v4 import new_code_cell, new_notebook

        kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
        cells = [new_code_cell(textwrap.dedent(cell).strip()) for cell in cells]
        nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), self.folder / "cells.ipynb")
        return self._prepared()

    @contextlib.contextmanager
    def _prepared(self):
        with self.open("cells.ipynb") as notebook:
            notebook.run_cell(notebook.cells()[0]["source"].partition("\n")[0])
            yield notebook
            assert notebook.problems == []


@pytest.fixture(scope="module")
def desk(browser, request, tmp_path_factory, in_one_process):
    in_one_process("JupyterLab")
    if "root" not in _shared:
        _shared["root"] = tmp_path_factory.mktemp("lab")
    folder = _shared["root"] / request.module.__name__.rpartition(".")[2]
    folder.mkdir()
    server = _once("lab", lambda: lab.running_lab(_shared["root"], warm.kernels))
    # Not the file's own profile and page: JupyterLab is read and compiled anew in each, which takes five seconds.
    failed = request.session.testsfailed
    desk = Desk(folder, server, _once("window", lambda: lab.window(_shared["chromium"])))
    yield desk
    if request.session.testsfailed > failed:  # nobody knows in which state the page is
        desk.close_page()


# ── A live page without a kernel ─────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="session")
def live_site(tmp_path_factory):
    """(folder, address) of a site with live pages, as `site_page.served` writes and serves it."""
    from .site_page import served

    with served(tmp_path_factory.mktemp("live_site")) as site:
        yield site


@pytest.fixture(scope="module")
def live(request, live_site, browser):
    """The live page of the scene that the test's file names as SCENE."""
    from .site_page import Live

    live = Live(browser, live_site[1], request.module.SCENE)
    yield live
    assert live.problems == []
