"""What every explorer shares: watched controls, one redraw for several changes, pictures and their captions."""

import base64
from contextlib import contextmanager
from html import escape

import ipywidgets as widgets
import torch
from traitlets import Unicode

from .._common import one_thread, threads
from ..photos import PATTERNS, PHOTOS
from ..views.maps import bmp, colour_bar
from ..views.style import CSS

# Descriptions are never cut off, and sliders never too short to aim at.
STYLE = {"description_width": "initial"}

# Where the stride of a bottleneck's F sits.
STRIDE_ON = {"v1.5: S on the 3×3": "3x3", "v1: S on the 1×1": "1x1"}


class Explorer(widgets.VBox):
    """A column of controls and views. A subclass gives `watch` its controls and writes `update()`.

    Callbacks are plain `observe` ones: while a control is dragged, the front end has one message under way and
    merges the rest, so the last value always arrives and nothing piles up.
    """

    def __init__(self, **options):
        super().__init__(**options)
        self._quiet = False

    def watch(self, *controls):
        """Call `update` whenever the value of one of the controls changes."""
        for control in controls:
            control.observe(self._changed, names="value")

    @contextmanager
    def together(self):
        """Several controls are set inside; the views follow once, at the end."""
        with self.quietly():
            yield
        if not self._quiet:
            with one_thread():
                self.update()

    @contextmanager
    def quietly(self):
        """Controls are set inside to follow what is shown already; nothing is drawn again."""
        outer, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = outer

    def _changed(self, change):
        if not self._quiet:
            with one_thread():
                self.changed(change["owner"])

    def changed(self, control):
        """A control has a new value. Subclasses that let one control move another do so here."""
        self.update()

    def update(self):
        """Bring all views up to date with the controls."""
        raise NotImplementedError


# What a network, or a choice that does not fit it, may raise.
WRONG = (ArithmeticError, IndexError, RuntimeError, TypeError, ValueError)


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
        said = problem and error(str(problem) or type(problem).__name__, "Another choice brings the view back.")
        self.problem.value = f'<div class="rl">{said}</div>' if said else ""
        for view in self.hidden:
            view.layout.display = "none" if said else ""

    def _changed(self, change):
        if not self._quiet:
            with one_thread():
                self.attempt(lambda: self.changed(change["owner"]))


class Picture(widgets.Image):
    """An image with a text alternative."""

    # The front end looks at a widget's description before it shows a tooltip, and fails on an Image, which has none.
    description = Unicode("").tag(sync=True)

    def __init__(self, **options):
        super().__init__(format="url", **options)
        self.add_class("rl-maps")

    def show(self, file, kind, text):
        """Show the bytes of a picture file of that kind, "bmp" or "png"; `text` says what is on it."""
        # As a data address: the browser decodes that some milliseconds sooner than a file handed to it.
        with self.hold_sync():
            self.value = f"data:image/{kind};base64,".encode() + base64.b64encode(file)
            self.tooltip = text


class ClickPicture(widgets.VBox):
    """A picture that can be clicked: `on_click(x, y)` gets the place in shares of its width and height.

    A mouse alone finds it, so whatever a click does must have a control of its own too.
    """

    def __init__(self, on_click, **options):
        self.image = Picture(**options)
        self.place = widgets.Text(layout=widgets.Layout(display="none"))
        self.place.observe(self._clicked, names="value")
        self._on_click = on_click
        super().__init__([self.image, self.place], layout=widgets.Layout(margin="0", overflow="visible"))
        self.add_class("rl-click")

    def _clicked(self, change):
        x, y, *_when = (float(n) for n in change["new"].split(","))
        self._on_click(min(max(x, 0.0), 0.999999), min(max(y, 0.0), 0.999999))


class MapView(widgets.VBox):
    """A mosaic of feature maps with its caption, which is also its text alternative."""

    def __init__(self):
        self.image = Picture(layout=widgets.Layout(width="100%", max_width="560px"))
        self.above, self.below, self.caption = html(), html(), html()
        super().__init__([self.above, self.image, self.below, self.caption])

    def show(self, levels, limit, signed, text, above="", below=""):
        """Bytes from `views.mosaic`, a sentence about them, and HTML that stands above and below them."""
        self.above.value, self.below.value = (f'<div class="rl">{t}</div>' if t else "" for t in (above, below))
        self.image.show(bmp(levels, signed), "bmp", text)
        self.caption.value = f'<div class="rl"><p>{escape(text)}</p><p>{colour_bar(limit, signed)}</p></div>'


THREADS = torch.get_num_threads()


def all_threads():
    """Inside `one_thread`, for the work of a whole network."""
    return threads(THREADS)


def half_the_threads():
    """Inside `one_thread`, for training small networks. All of them gain little more, and where another program is
    busy too, threads that wait for each other can take many times as long."""
    return threads(max(1, THREADS // 2))


def html():
    """An empty piece of HTML."""
    return widgets.HTML(layout=widgets.Layout(margin="0", width="auto"))


# What Jupyter's own widgets lack, done by the page; elsewhere the controls beside do all the same.
# - JupyterLab takes arrow keys from a drop-down or radio button that has the focus (jupyter-widgets/ipywidgets#3912):
#   the selection would jump to the next cell. Keys meant for those stop at the edge of the output.
# - A click on a picture goes, as "x,y" in shares of its width and height, into the text field beside it.
# - A file dropped on an explorer goes into its upload button.
PAGE = """<img src="data:," alt="" hidden onerror="
const out = this.closest('.jp-OutputArea-output');
if (out && !out.dataset.rl) {
  out.dataset.rl = 1;
  out.addEventListener('keydown', e => {
    if (e.target.matches('select, input[type=radio]') && !e.ctrlKey && !e.metaKey && !e.shiftKey) e.stopPropagation();
  });
  out.addEventListener('click', e => {
    const field = e.target.matches('img') && e.target.closest('.rl-click')?.querySelector('input');
    if (!field) return;
    const box = e.target.getBoundingClientRect();
    field.value = [(e.clientX - box.x) / box.width, (e.clientY - box.y) / box.height, Date.now()];
    field.dispatchEvent(new Event('input', {bubbles: true}));
  });
  // The upload button keeps its file field to itself and clicks it: in that moment the field can be given a file.
  // A file too large for one message to the kernel, 10 MB, is first drawn smaller.
  const give = async (button, file) => {
    if (file && file.size > 8e6) {
      try {
        const whole = await createImageBitmap(file), scale = Math.min(1, 2048 / Math.max(whole.width, whole.height));
        const sheet = new OffscreenCanvas(Math.ceil(whole.width * scale), Math.ceil(whole.height * scale));
        const context = sheet.getContext('2d');
        context.imageSmoothingQuality = 'high';
        context.drawImage(whole, 0, 0, sheet.width, sheet.height);
        file = new File([await sheet.convertToBlob({type: 'image/jpeg', quality: 0.95})], file.name);
      } catch {
        file = new File([file.slice(0, 1e6)], file.name);  // no picture, or far too large: the kernel says so
      }
    }
    if (!file) return;
    const files = new DataTransfer(), click = HTMLInputElement.prototype.click;
    files.items.add(file);
    HTMLInputElement.prototype.click = function () {
      this.files = files.files;
      this.dispatchEvent(new Event('change', {bubbles: true}));
    };
    button.dataset.rlGive = 1;
    try { button.click(); } finally { HTMLInputElement.prototype.click = click; delete button.dataset.rlGive; }
  };
  out.addEventListener('click', e => {
    const button = e.target.closest('.rl-upload');
    if (!button || button.dataset.rlGive) return;
    e.preventDefault();
    e.stopPropagation();
    const field = Object.assign(document.createElement('input'), {type: 'file', accept: 'image/*'});
    field.addEventListener('change', () => give(button, field.files[0]));
    field.click();
  }, true);
  const upload = e => e.dataTransfer?.types.includes('Files') && out.querySelector('.rl-upload');
  out.addEventListener('dragover', e => { if (upload(e)) { e.preventDefault(); e.stopPropagation(); } }, true);
  out.addEventListener('drop', e => {
    const button = upload(e);
    if (!button) return;
    e.preventDefault();
    e.stopPropagation();
    give(button, e.dataTransfer.files[0]);
  }, true);
}">"""


def style():
    """The element that carries the views' rules; every explorer shows it once."""
    return widgets.HTML(CSS + PAGE, layout=widgets.Layout(display="none"))


def slider(name, value, low, high, step=1, **options):
    """A whole-number slider of that description."""
    layout = widgets.Layout(width="340px")
    return widgets.IntSlider(value, low, high, step, description=name, style=STYLE, layout=layout, **options)


def choice(name, options, value=None):
    """A drop-down of that description; it begins at the first option unless a value is given."""
    start = {} if value is None else {"value": value}
    layout = widgets.Layout(width="auto", max_width="100%")
    return widgets.Dropdown(options=options, description=name, style=STYLE, layout=layout, **start)


def toggle(name, options, value):
    """Buttons side by side of which one is down."""
    buttons = widgets.ToggleButtons(options=options, value=value, description=name, style=STYLE)
    buttons.style.button_width = "auto"
    return buttons


def pictures(value, patterns=True):
    """The drop-down of bundled photographs and test patterns, and of the learner's own PIL image if that is given."""
    options = {name: name for name in (*PHOTOS, *(PATTERNS if patterns else ()))}
    if not isinstance(value, str):
        options = {"your picture": value, **options}
    return choice("picture", options, value)


def row(*children, **options):
    """Children side by side, wrapping where the notebook is narrow."""
    layout = widgets.Layout(flex_flow="row wrap", align_items="center", grid_gap="2px 14px", **options)
    return widgets.HBox(children, layout=layout)


def error(message, advice=""):
    """A sentence about what is wrong, and one about what to do, as HTML."""
    more = f"<p>{advice}</p>" if advice else ""
    return f'<div class="error" role="alert"><p><b>{escape(message)}</b></p>{more}</div>'
