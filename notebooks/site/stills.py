"""Widgets as they are where no kernel answers: their texts and pictures, and what their controls are set to."""

import base64
import io
from html import escape

from PIL import Image

BOXES = ("VBoxModel", "HBoxModel", "BoxModel", "GridBoxModel", "AccordionModel", "TabModel")
NUMBERS = ("IntSliderModel", "FloatSliderModel", "BoundedIntTextModel", "IntTextModel", "FloatTextModel")
LISTS = ("DropdownModel", "ToggleButtonsModel", "SelectModel", "SelectionSliderModel")


class Stills:
    """The widgets of one executed notebook. `picture(file, alt)` returns the HTML of a picture's bytes."""

    def __init__(self, notebook, picture, words):
        kept = notebook.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {})
        self.models, self.picture, self.words = kept.get("state", {}), picture, words

    def html(self, name):
        """Return a widget as HTML, "" for one that shows nothing."""
        model = self.models.get(name.removeprefix("IPY_MODEL_"))
        if model is None or self.is_hidden(model["state"]):
            return ""
        state, kind = model["state"], model["model_name"]
        if kind in BOXES:
            parts = [part for child in state.get("children", ()) if (part := self.html(child))]
            across = " across" if kind == "HBoxModel" and len(parts) > 1 else ""
            return f'<div class="still{across}">{"".join(parts)}</div>' if parts else ""
        if kind in ("HTMLModel", "HTMLMathModel"):
            return f"<div>{state.get('value', '')}</div>" if state.get("value") else ""
        if kind == "ImageModel":
            return self.image(model)
        if kind == "LabelModel":
            return f"<span>{escape(state.get('value', ''))}</span>"
        if kind == "RadioButtonsModel":
            options = "".join(f"<li>{escape(str(each))}</li>" for each in state.get("_options_labels", ()))
            return f'<ul class="choices">{options}</ul>'
        return self.control(kind, state)

    def is_hidden(self, state):
        layout = self.models.get((state.get("layout") or "").removeprefix("IPY_MODEL_"), {"state": {}})["state"]
        return layout.get("display") == "none" or layout.get("visibility") == "hidden"

    def control(self, kind, state):
        """Return what a control is set to; buttons and empty fields, which need a kernel, return ""."""
        name, value = state.get("description", ""), None
        if kind in NUMBERS:
            value = f"{state.get('value'):,}"
        elif kind in LISTS and state.get("index") is not None:
            value = state["_options_labels"][state["index"]]
        elif kind == "CheckboxModel":
            value = self.words["yes" if state.get("value") else "no"]
        if value is None:
            return ""
        named = f"{escape(name)} " if name else ""
        return f'<span class="set">{named}<b>{escape(str(value))}</b></span>'

    def image(self, model):
        """Return an Image's picture, whose bytes are its file or, from `explorers.base`, an address with it inside."""
        data = next((each["data"] for each in model.get("buffers", ()) if each["path"] == ["value"]), "")
        file = base64.b64decode(data)
        if file.startswith(b"data:"):
            file = base64.b64decode(file.partition(b",")[2])
        return self.picture(as_png(file), model["state"].get("tooltip") or "") if file else ""


def as_png(file):
    """Return a picture's bytes as PNG or JPEG: BMP, which explorers draw because it is quick, is large."""
    if file.startswith((b"\x89PNG", b"\xff\xd8")):
        return file
    out = io.BytesIO()
    Image.open(io.BytesIO(file)).save(out, "PNG", optimize=True)
    return out.getvalue()
