"""What every explorer shares: watched controls, one redraw for several changes, pictures and their captions."""

import base64
import os
import threading
from contextlib import contextmanager
from html import escape
from importlib.resources import files

import anywidget
import ipywidgets as widgets
import torch
from traitlets import Dict, Unicode

from .._common import one_thread, threads
from ..views.markup import frame
from ..views.style import CSS
from .stills import Still, spoken
from .words import WORDS

# Descriptions are never cut off, and sliders never too short to aim at.
STYLE = {"description_width": "initial"}

# Where the stride of a bottleneck's F is.
STRIDE_ON = {"v1.5: S on the 3×3": "3x3", "v1: S on the 1×1": "1x1"}

# What a network, or a choice that does not fit it, may raise.
WRONG = (ArithmeticError, IndexError, RuntimeError, TypeError, ValueError)

AGAIN = "Another choice brings the view back."

# Front ends may run callbacks in another thread than cells: one at a time computes, whichever explorer it is of.
LOCK = threading.RLock()


def alone(work):
    """Do work that a click asks for while no other callback computes."""
    with LOCK:
        return work()


class Explorer(Still, widgets.VBox):
    """A column of controls and views. A subclass gives `watch` its controls and writes `update()`.

    Callbacks are plain `observe` ones: while a control is dragged, the front end has one message under way and
    merges the rest, so the last value always arrives and nothing piles up. They compute on one thread.
    """

    def __init__(self, **options):
        super().__init__(**options)
        self._quiet = False

    def lay_out(self, *children):
        """Show these controls and views, one under another, by the views' rules."""
        self.children = [style(self), *children]

    def watch(self, *controls):
        """Call `update` whenever the value of one of the controls changes."""
        for control in controls:
            control.observe(self._changed, names="value")

    @contextmanager
    def together(self):
        """Set several controls inside; the views follow once, at the end."""
        with LOCK:
            with self.quietly():
                yield
            if not self._quiet:
                with one_thread():
                    self.update()
                self.settled(None)

    @contextmanager
    def quietly(self):
        """Set controls inside to follow what is shown already; nothing is drawn again."""
        outer, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = outer

    def attempt(self, work):
        """Do work that a control has asked for."""
        work()

    def _changed(self, change):
        with LOCK:
            if not self._quiet:
                with one_thread():
                    self.attempt(lambda: self.changed(change["owner"]))
                self.settled(change["owner"])

    def changed(self, control):
        """A control has a new value. Subclasses in which one control moves another do so here."""
        self.update()

    def update(self):
        """Bring all views up to date with the controls."""
        raise NotImplementedError

    def settled(self, control):
        """The views have followed a control, or several of them if it is None."""


class Guarded(Explorer):
    """An explorer of networks that may be the learner's own: what they raise becomes a sentence in the view.

    A subclass puts `problem` among its children, and what is wrong while there is a problem into `hidden`.
    """

    def __init__(self, **options):
        super().__init__(**options)
        self.problem, self.hidden = html(), ()

    def attempt(self, work):
        """Do the work, and show its result or why there is none."""
        try:
            work()
        except WRONG as problem:
            self.say(problem)
        else:
            self.say(None)

    def say(self, problem):
        """Show an exception in the place of the views, or, with None, the views."""
        said = problem and error(str(problem) or type(problem).__name__, AGAIN)
        self.problem.show(said or "")
        for view in self.hidden:
            view.layout.display = "none" if said else ""


class View(widgets.HTML):
    """A piece of HTML among the controls, empty at first."""

    def __init__(self):
        super().__init__(layout=widgets.Layout(margin="0", width="auto"))

    def show(self, body, style=""):
        """Show a body of HTML by the views' rules, or nothing for an empty one."""
        self.value = frame(body, style)


class Picture(widgets.Image):
    """An image with a text alternative."""

    # The front end looks at a widget's description before it shows a tooltip, and fails on an Image, which has none.
    description = Unicode("").tag(sync=True)

    def __init__(self, width, **options):
        super().__init__(format="url", layout=widgets.Layout(width=width, **options))
        self.add_class("rl-maps")

    def show(self, file, kind, text):
        """Show the bytes of a picture file of that kind, "bmp" or "png"; `text` says what is in it."""
        # As a data address: the browser decodes that some milliseconds sooner than a file handed to it.
        with self.hold_sync():
            self.value = f"data:image/{kind};base64,".encode() + base64.b64encode(file)
            self.tooltip = text


THREADS = torch.get_num_threads()
ALONE = bool(os.environ.get("RESNET_COURSE_ALONE"))


def all_threads():
    """Compute on all threads inside `one_thread`, for the work of a whole network."""
    return threads(THREADS)


def half_the_threads():
    """Compute on half the threads inside `one_thread`, for training small networks. All of them gain little more, and
    where another program is busy too, threads that wait for each other can take many times as long. Where nothing else
    runs, as while the site is built, RESNET_COURSE_ALONE says so, and all are used."""
    return threads(THREADS if ALONE else max(1, THREADS // 2))


class Page(anywidget.AnyWidget):
    """The views' rules, and what the page does for an explorer that is made of Jupyter's own widgets."""

    _esm = files(__package__).joinpath("page.js").read_text(encoding="utf-8")
    _css = CSS.removeprefix("<style>").removesuffix("</style>")
    title = Unicode("").tag(sync=True)
    words = Dict({name: WORDS[name] for name in ("typed", "way", "one_of")}).tag(sync=True)


def style(explorer):
    """Return the element that carries the views' rules and the page's script; every explorer shows it once."""
    explorer.add_class("rl-explorer")
    return Page(title=spoken(type(explorer)), layout=widgets.Layout(display="none"))


def html():
    """Return an empty piece of HTML."""
    return View()


def slider(name, value, low, high, step=1):
    """Return a whole-number slider of that description."""
    layout = widgets.Layout(width="340px")
    return widgets.IntSlider(value, low, high, step, description=name, style=STYLE, layout=layout)


def whole_number(name, value, high, width="130px", step=1):
    """Return a field for a whole number from 0 to `high`."""
    layout = widgets.Layout(width=width)
    return widgets.BoundedIntText(value, min=0, max=high, step=step, description=name, style=STYLE, layout=layout)


def choice(name, options, value=None):
    """Return a drop-down of that description; it begins at the first option unless a value is given."""
    start = {} if value is None else {"value": value}
    layout = widgets.Layout(width="auto", max_width="calc(100% - 4px)")  # beside its margins
    return widgets.Dropdown(options=options, description=name, style=STYLE, layout=layout, **start)


def toggle(name, options, value):
    """Return buttons side by side of which one is down."""
    buttons = widgets.ToggleButtons(options=options, value=value, description=name, style=STYLE)
    buttons.style.button_width = "auto"
    return buttons


def checkbox(name, value):
    """Return a box to tick."""
    layout = widgets.Layout(width="auto")
    return widgets.Checkbox(value, description=name, indent=False, style=STYLE, layout=layout)


def button(name, work, **options):
    """Return a button that does the work, called without arguments."""
    made = widgets.Button(description=name, layout=widgets.Layout(width="auto"), **options)
    made.on_click(lambda _button: alone(work))
    return made


def progress_bar(width="240px", visibility="hidden"):
    """Return a bar for how far some work has come."""
    return widgets.IntProgress(0, 0, 1, layout=widgets.Layout(width=width, visibility=visibility))


def row(*children, align_items="center", **options):
    """Return children side by side, wrapping where the notebook is narrow."""
    layout = widgets.Layout(flex_flow="row wrap", align_items=align_items, grid_gap="2px 14px", **options)
    return widgets.HBox(children, layout=layout)


def columns(*children, **options):
    """Return children side by side that begin at the same height."""
    return row(*children, align_items="flex-start", **options)


def error(message, advice=""):
    """Return a sentence about what is wrong, and one about what to do, as HTML."""
    more = f"<p>{advice}</p>" if advice else ""
    return f'<div class="error" role="alert"><p><b>{escape(message)}</b></p>{more}</div>'
