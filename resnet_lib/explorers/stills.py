"""Widgets as HTML, for where no kernel answers: saved notebooks, GitHub, the course's pages."""

import base64
import io
import re
from html import escape

import ipywidgets as widgets
from IPython.display import HTML, display
from PIL import Image

from ..views.style import CSS
from .words import WORDS

NUMBERS = (widgets.widget_int._Int, widgets.widget_float._Float)


class Still:
    """A widget that leaves, in a saved notebook, its texts and pictures and what its controls are set to."""

    def _repr_mimebundle_(self, **options):
        bundle = super()._repr_mimebundle_(**options)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        if data:
            data["text/plain"] = f"{spoken(type(self)).capitalize()}. {WORDS['still']}"
        if data and (shown := still_html(self)):
            data["text/html"] = CSS + shown
        return bundle


def leave(widget):
    """Show what a widget shows now as an output of its own, which stays as it is."""
    if shown := still_html(widget):
        display(HTML(CSS + shown))


def spoken(kind):
    """Return the name of a class in words: "depth explorer"."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", kind.__name__).lower()


def still_html(widget):
    """Return what a widget shows as HTML; "" for one that is hidden or needs a kernel, such as a button."""
    layout = getattr(widget, "layout", None)
    if layout is not None and (layout.display == "none" or layout.visibility == "hidden"):
        return ""
    if isinstance(widget, widgets.Box):
        parts = [part for child in widget.children if (part := still_html(child))]
        across = isinstance(widget, widgets.HBox) and len(parts) > 1
        flow = "row wrap" if across else "column"
        return f'<div style="display:flex;flex-flow:{flow};gap:4px 14px">{"".join(parts)}</div>' if parts else ""
    if isinstance(widget, widgets.HTML):
        return f"<div>{widget.value}</div>" if widget.value else ""
    if isinstance(widget, widgets.Image):
        return picture(widget)
    if isinstance(widget, widgets.Label):
        return f"<span>{escape(widget.value)}</span>"
    if isinstance(widget, widgets.RadioButtons):
        return f"<ul>{''.join(f'<li>{escape(label)}</li>' for label in widget._options_labels)}</ul>"
    return setting(widget)


def setting(widget):
    """Return what a control is set to, with its name; "" for what is not set to anything."""
    value = None
    if isinstance(widget, widgets.IntProgress):
        return ""
    if isinstance(widget, NUMBERS):
        value = f"{widget.value:,}"
    elif isinstance(widget, widgets.Checkbox):
        value = "yes" if widget.value else "no"
    elif isinstance(widget, (widgets.Dropdown, widgets.ToggleButtons, widgets.Select)):
        value = widget.label
    if value is None:
        return ""
    name = f"{escape(widget.description)} " if widget.description else ""
    return f'<span style="white-space:nowrap">{name}<b>{escape(value)}</b></span>'


def picture(image):
    """Return an Image as <img>, in PNG: the BMP that explorers draw, because it is quick, is large."""
    file = bytes(image.value)
    if file.startswith(b"data:"):
        file = base64.b64decode(file.partition(b",")[2])
    if not file:
        return ""
    kind = "jpeg" if file.startswith(b"\xff\xd8") else "png"
    if kind == "png" and not file.startswith(b"\x89PNG"):
        out = io.BytesIO()
        Image.open(io.BytesIO(file)).save(out, "PNG", optimize=True)
        file = out.getvalue()
    alt = escape(image.tooltip or "")
    address = f"data:image/{kind};base64,{base64.b64encode(file).decode()}"
    return f'<img class="rl-maps" alt="{alt}" style="max-width:100%" src="{address}">'
