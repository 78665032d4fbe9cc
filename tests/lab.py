"""A real JupyterLab in a real browser: what the tests and the benchmark need to use a notebook as a learner does.

For instance:

    with running_lab(folder) as lab, running_browser() as browser, Notebook(browser, lab, "lesson.ipynb") as notebook:
        notebook.run_all()
        notebook.view("C1").slider("C1").press("ArrowRight")
"""

import base64
import contextlib
import importlib.util
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

import course

from . import warm

ROOT = Path(__file__).resolve().parent.parent

QUIET = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
}
CHROMIUM = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
TIMEOUT = 60  # seconds that anything in here may take


def find_chromium():
    """The path of a Chromium or Chrome: the one that COURSE_CHROMIUM names, else one that is installed, else None."""
    named = os.environ.get("COURSE_CHROMIUM")
    return shutil.which(named) if named else course.browser()


def missing():
    """What has to be installed before a browser can be driven, as a sentence; "" where all is there."""
    if not importlib.util.find_spec("playwright"):
        return "the browser tests need playwright: python -m pip install playwright"
    if not find_chromium():
        return (
            "the browser tests need Chromium or Chrome: install one (Debian and Ubuntu: apt install chromium), or "
            "let the variable COURSE_CHROMIUM name its program"
        )
    return ""


# ── JupyterLab ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Lab:
    """A running server."""

    address: str
    token: str

    def get(self, path):
        """What the server answers, as text."""
        request = urllib.request.Request(self.address + path, headers={"Authorization": f"token {self.token}"})
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            return answer.read().decode()


def cold(_folder, _environment):
    """The command that starts a kernel as Jupyter does it."""
    return contextlib.nullcontext(warm.USUAL)


@contextlib.contextmanager
def running_lab(root, kernels=cold):
    """JupyterLab serving the folder `root`, with this Python as its kernel, the course's settings and none of the
    user's. Server and kernels are gone at the end, whatever happened."""
    with tempfile.TemporaryDirectory(prefix="lab-", ignore_cleanup_errors=True) as home:
        home = Path(home)
        command, environment, lab = _prepare(home, Path(root))
        with kernels(home, environment) as argv:
            spec = {"argv": argv, "display_name": "Python 3 (ipykernel)", "language": "python"}
            (home / "data" / "kernels" / "python3" / "kernel.json").write_text(json.dumps(spec))
            with open(home / "log.txt", "w") as log:
                server = subprocess.Popen(command, env=environment, cwd=home, stdout=log, stderr=log)
            try:
                _wait_for(lab, server, home / "log.txt")
                yield lab
            finally:
                _end(server)


def _prepare(home, root):
    """The command that starts the server, its environment, and where it will be."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    lab = Lab(f"http://127.0.0.1:{port}", secrets.token_hex(16))
    folders = {name: home / name for name in ("config", "data", "runtime", "workspaces", "settings", "app", "ipython")}
    for folder in folders.values():
        folder.mkdir()
    (folders["app"] / "overrides.json").write_text(json.dumps(course.SETTINGS | QUIET))
    (folders["app"] / "page_config.json").write_text(json.dumps(course.PAGE))
    (folders["data"] / "kernels" / "python3").mkdir(parents=True)
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": root.resolve(),
        "ServerApp.allow_root": True,
        "IdentityProvider.token": lab.token,
        "LabApp.app_settings_dir": folders["app"],
        "LabApp.user_settings_dir": folders["settings"],
        "LabApp.workspaces_dir": folders["workspaces"],
        "LabApp.expose_app_in_browser": True,
        "JupyterNotebookApp.expose_app_in_browser": True,
        "LabApp.news_url": "",
        "LabApp.extension_manager": "readonly",
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", *(f"--{k}={v}" for k, v in options.items())]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JUPYTER")} | {
        "JUPYTER_CONFIG_DIR": str(folders["config"]),
        "JUPYTER_DATA_DIR": str(folders["data"]),
        "JUPYTER_RUNTIME_DIR": str(folders["runtime"]),
        "JUPYTER_PREFER_ENV_PATH": "0",  # the kernel above comes before any other python3
        "IPYTHONDIR": str(folders["ipython"]),
        "TORCH_HOME": str(home / "torch"),
        "RESNET_COURSE_MIRROR": (home / "mirror").as_uri(),  # where nothing is: no test downloads weights
        "PYTHONPATH": os.pathsep.join(p for p in (str(ROOT), os.environ.get("PYTHONPATH")) if p),
    }
    return command, environment, lab


def _wait_for(lab, server, log):
    end = time.monotonic() + TIMEOUT
    while True:
        try:
            lab.get("/api/status")
            return
        except (urllib.error.URLError, OSError) as error:
            if server.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"JupyterLab did not start ({error}). It said:\n{log.read_text()}") from None
            time.sleep(0.1)


def _end(server):
    """Asks the server to end, which ends its kernels, and then makes sure of it."""
    try:
        family = psutil.Process(server.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        family = []
    server.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        server.wait(10)
    _, alive = psutil.wait_procs(family, 3 if server.poll() is not None else 0)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    if server.poll() is None:
        server.kill()
        server.wait()


@contextlib.contextmanager
def running_chromium():
    """A browser that shows no window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def window(browser, width=1200, height=900):
    """A profile of its own in that browser, whose pages are `width` × `height` pixels."""
    context = browser.new_context(viewport={"width": width, "height": height})
    context.set_default_timeout(TIMEOUT * 1000)
    yield context
    context.close()


@contextlib.contextmanager
def running_browser(width=1200, height=900):
    """A browser of its own with one profile."""
    with running_chromium() as browser, window(browser, width, height) as context:
        yield context


# ── A notebook ───────────────────────────────────────────────────────────────────────────────────────────────

# In JavaScript `jupyterapp` is the whole application. A widget may never appear if cells run before all three.
READY = """async () => {
    const panel = jupyterapp.shell.currentWidget;
    await jupyterapp.restored;
    await panel.context.ready;
    await panel.sessionContext.ready;
}"""
ANOTHER = """async path => {
    const panel = await jupyterapp.commands.execute('docmanager:open', {path});
    jupyterapp.shell.activateById(panel.id);
}"""
LEAVE = """async () => {
    await jupyterapp.serviceManager.sessions.shutdownAll();
    for (const shown of [...jupyterapp.shell.widgets('main')]) shown.dispose();
}"""
RUN_CELL = """text => {
    const {content} = jupyterapp.shell.currentWidget;
    const index = content.widgets.findIndex(
        ({model}) => model.type === 'code' && model.sharedModel.source.includes(text)
    );
    if (index < 0) throw new Error(`no code cell contains ${text}`);
    content.deselectAll();
    content.activeCellIndex = index;
    return jupyterapp.commands.execute('notebook:run-cell');
}"""
IN_KERNEL = """async code => {
    const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    const future = kernel.requestExecute({code, store_history: false, silent: false});
    let text = '';
    future.onIOPub = ({header, content}) => {
        if (header.msg_type === 'stream') text += content.text;
        if (header.msg_type === 'error') text += content.traceback.join('\\n');
    };
    const reply = await future.done;
    if (reply.content.status !== 'ok') throw new Error(text);
    return text;
}"""


class Notebook:
    """A notebook of the lab, open in a page of its own, or in the place of others in a page that is given and is kept.

    page:     Playwright's page.
    problems: errors on the browser's console and requests to other machines, as sentences.
    """

    def __init__(self, browser, lab, path, page=None):
        self.lab, self.path, self.problems, self._kept = lab, path, [], page is not None
        self.page = page or browser.new_page()
        self._heard = {"console": self._note_message, "pageerror": self._note_error, "request": self._note_request}

    def __enter__(self):
        for event, note in self._heard.items():
            self.page.on(event, note)
        try:
            if self.page.evaluate("'jupyterapp' in window"):
                self.page.mouse.move(0, 0)
                self.page.evaluate(ANOTHER, self.path)
            else:  # it takes seconds
                self.page.goto(f"{self.lab.address}/doc/tree/{self.path}?token={self.lab.token}")
                self.page.wait_for_function("window.jupyterapp?.shell?.currentWidget?.sessionContext")
            self.page.evaluate(READY)
        except BaseException:
            self.page.close()
            raise
        return self

    def __exit__(self, *_error):
        left = False
        try:
            self.page.evaluate(LEAVE)
            left = True
        finally:
            for event, note in self._heard.items():
                self.page.remove_listener(event, note)
            if not (self._kept and left):
                self.page.close()

    def _note_message(self, message):
        if message.type == "error":
            self.problems.append(f"{message.text} ({message.location.get('url', '')})")

    def _note_error(self, error):
        # Of a busy page: an explorer that has not begun after two seconds mends that itself.
        if "[anywidget] Failed to initialize model." not in str(error):
            self.problems.append(str(error))

    def _note_request(self, request):
        if not request.url.startswith((self.lab.address, "data:", "blob:")):
            self.problems.append(f"a request to {request.url}")

    def run_all(self):
        """Run all cells and wait until that is done."""
        self.page.evaluate("() => jupyterapp.commands.execute('notebook:run-all-cells')")
        self.wait_idle()

    def run_cell(self, text):
        """Run the first code cell that contains `text`, and no other, and wait until that is done."""
        self.page.evaluate(RUN_CELL, text)
        self.wait_idle()

    def wait_idle(self):
        """Wait until the kernel has nothing more to do."""
        self.page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]', state="attached")

    def in_kernel(self, code):
        """Run code in the notebook's kernel, unseen by the notebook, and return what it prints."""
        return self.page.evaluate(IN_KERNEL, code)

    def cells(self):
        """The cells as they are now, in nbformat's form."""
        return self.page.evaluate("() => jupyterapp.shell.currentWidget.content.model.toJSON().cells")

    def errors(self):
        """All errors in outputs, those that widgets show among them, as text."""
        found = [o["evalue"] for cell in self.cells() for o in cell.get("outputs", ()) if o["output_type"] == "error"]
        shown = self.page.locator('.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.error"]')
        broken = self.page.get_by_text(re.compile("Error displaying widget|Error creating widget|model not found"))
        return found + shown.all_inner_texts() + broken.all_inner_texts()

    def view(self, control):
        """The first output that has a control of that description."""
        label = self.page.locator(".widget-label").get_by_text(control, exact=True)
        root = self.page.locator(".jp-OutputArea-child").filter(has=label).first
        root.wait_for()
        root.scroll_into_view_if_needed()
        return View(self.page, root)

    def screenshot(self, path, height=None):
        """The page as a PNG file, in a window high enough to show the whole notebook, or `height` pixels high."""
        whole = height is None
        if whole:
            height = 200 + self.page.evaluate(
                "() => [...document.querySelectorAll('.jp-Notebook .jp-Cell')].reduce((h, c) => h + c.offsetHeight, 0)"
            )
        width = self.page.viewport_size["width"]
        self.page.set_viewport_size({"width": width, "height": max(400, height)})
        if whole:  # running the cells has scrolled to the last one
            self.page.evaluate("() => { document.querySelector('.jp-WindowedPanel-outer').scrollTop = 0 }")
        self.page.evaluate("() => new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")
        self.page.screenshot(path=path)


# ── What a notebook shows ────────────────────────────────────────────────────────────────────────────────────

# A picture that is replaced while it is being decoded is refused, with an EncodingError; the next one is not.
DRAWN = """async image => {
    for (let left = 20; ; left--) {
        try {
            await image.decode();
            break;
        } catch (error) {
            if (!left) throw error;
            await new Promise(ready => setTimeout(ready, 20));
        }
    }
    const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    const {data} = context.getImageData(0, 0, canvas.width, canvas.height);
    let text = '';
    for (let i = 0; i < data.length; i += 8192) text += String.fromCharCode(...data.subarray(i, i + 8192));
    return [canvas.height, canvas.width, btoa(text)];
}"""


# Not innerText: that is empty where the page is scrolled so that nothing of the element has to be drawn.
TEXT = """elements => elements.flatMap(element => {
    const found = [], walk = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) if (walk.currentNode.parentNode.nodeName !== 'STYLE') found.push(walk.currentNode.data);
    return found;
}).join(' ')"""


class View:
    """An output with widgets in it."""

    def __init__(self, page, root):
        self.page, self.root = page, root

    def control(self, kind, name):
        label = self.page.locator(".widget-label").get_by_text(name, exact=True)
        return self.root.locator(f".widget-{kind}").filter(has=label).first

    def slider(self, name):
        return Slider(self.page, self.control("slider", name))

    def dropdown(self, name):
        """The <select> of the drop-down of that description."""
        return self.control("dropdown", name).locator("select")

    def chosen(self, name):
        """The text that the drop-down of that description shows."""
        text = self.dropdown(name).evaluate("select => select.selectedOptions[0].textContent")
        return text.replace("\N{NO-BREAK SPACE}", " ")  # ipywidgets puts these for spaces

    def number(self, name):
        """The <input> of the number field of that description."""
        return self.control("text", name).locator("input")

    def button(self, text):
        """The button, one of several side by side or alone, that says so."""
        return self.root.locator("button").get_by_text(text, exact=True)

    def pressed(self, text):
        """Whether that button, of several side by side, is down."""
        return "mod-active" in self.button(text).get_attribute("class")

    @property
    def image(self):
        """The first picture."""
        return self.root.locator("img.widget-image").first

    def pixels(self):
        """The first picture as the browser has decoded it, (height, width, 4) uint8."""
        height, width, text = self.image.evaluate(DRAWN)
        return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)

    def text(self):
        """All text of the HTML widgets, with one space wherever there is space or an element ends."""
        return " ".join(self.root.locator(".widget-html-content").evaluate_all(TEXT).split())

    def wait_until(self, ready, what):
        """Wait until ready() is true. AssertionError saying `what` did not happen where that takes too long."""
        end = time.monotonic() + TIMEOUT / 2
        while not ready():
            assert time.monotonic() < end, f"{what}: that did not happen"
            self.page.wait_for_timeout(20)


class Slider:
    def __init__(self, page, root):
        self.page, self.root = page, root
        self.handle = root.locator(".noUi-handle")

    @property
    def value(self):
        """The number that it shows."""
        return int(self.root.locator(".widget-readout").text_content().replace(",", ""))

    def press(self, key, times=1):
        """Focus the handle and press a key."""
        self.handle.focus()
        for _ in range(times):
            self.page.keyboard.press(key)

    def drag(self, pixels, steps=20):
        """Take the handle with the mouse, move it so far to the right, and let it go."""
        self.handle.scroll_into_view_if_needed()
        box = self.handle.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + pixels, y, steps=steps)
        self.page.mouse.up()
