"""A site with live pages that is served to a real browser, for the tests of what is live without a kernel."""

import contextlib
import functools
import http.server
import threading

from notebooks.site import live

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>live</title><h1>live</h1>
<div id="rl-live-{}"></div><script type="module" src="live/live.js"></script>"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files without a log. sizes: bytes of what was sent."""

    sizes = []

    def send_header(self, keyword, value):
        if keyword == "Content-Length":
            Quiet.sizes.append(int(value))
        super().send_header(keyword, value)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def served(folder):
    """(folder, address) of a site in that folder, which has a page for each scene, one with two
    of them far from each other, and one that is empty."""
    live.write(folder)
    for name in ("bottleneck", "photograph", "stem"):
        (folder / f"{name}.html").write_text(PAGE.format(name))
    both = PAGE.format("bottleneck") + '<div style="height: 3000px"></div><div id="rl-live-photograph"></div>'
    (folder / "both.html").write_text(both)
    (folder / "empty.html").write_text("<!doctype html><title>empty</title>")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class Live:
    """A live page. asked: the addresses that it asked for; problems: its errors."""

    def __init__(self, browser, address, name):
        self.page, self.name, self.asked, self.problems = browser.new_page(), name, [], []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda problem: self.problems.append(str(problem)))
        self.page.goto(f"{address}{name}.html")
        self.ready()

    def ready(self):
        """Wait until the maps belong to what is set."""
        self.page.wait_for_function(
            """name => { const model = window.resnetLive?.[name]?.model;
            return model && model.get('maps').v === model.get('says').v; }""",
            arg=self.name,
        )

    def put(self, **values):
        """Set controls as the instrument does, and wait for the maps."""
        self.page.evaluate(
            """([name, values]) => { const {model} = resnetLive[name]; let when = Date.now();
            model.set('asked', Object.fromEntries(Object.entries(values).map(([n, value]) => [n, [++when, value]])));
            model.save_changes(); }""",
            [self.name, {name.replace("_", " "): value for name, value in values.items()}],
        )
        self.ready()

    def scene(self, part):
        """Return a part of the scene."""
        return self.page.evaluate("([name, part]) => resnetLive[name].model.get(part)", [self.name, part])

    def levels(self):
        """Return the bytes that the page draws, as text in base64."""
        script = "name => btoa(String.fromCharCode(...resnetLive[name].model.get('levels')))"
        return self.page.evaluate(script, self.name)
