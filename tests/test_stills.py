"""What explorers leave where no kernel answers: saved notebooks, GitHub, the course's pages."""

import base64
import io
import re
from pathlib import Path

import ipywidgets as widgets
import pytest
from PIL import Image

from resnet_lib import explorers
from resnet_lib.exercises import Prediction, shape_question
from resnet_lib.explorers import DesignExplorer, NotationExplorer
from resnet_lib.explorers.base import Explorer, Picture, choice, html, slider
from resnet_lib.explorers.stills import still_html


def left_by(widget):
    return widget._repr_mimebundle_()["text/html"]


def test_it_leaves_its_texts_its_pictures_and_what_its_sliders_are_set_to():
    explorer, image, text = Explorer(), Picture("120px"), html()
    file = io.BytesIO()
    Image.new("RGB", (120, 90)).save(file, "BMP")
    image.show(file.getvalue(), "bmp", "a black picture")
    text.show("<p>what is said of it</p>")
    explorer.lay_out(slider("W", 224, 8, 300), choice("picture", ["cat", "coffee"], "coffee"), image, text)
    left = left_by(explorer)
    assert text.value in left and "W <b>224</b>" in left and "picture <b>coffee</b>" in left
    kind, picture = re.search(r'src="data:image/(\w+);base64,([^"]+)"', left).groups()
    assert 'alt="a black picture"' in left and kind == "png"
    assert Image.open(io.BytesIO(base64.b64decode(picture))).size == (120, 90)


@pytest.mark.parametrize("make", [NotationExplorer, DesignExplorer])
def test_drawings_and_tables_are_left_as_they_are(make):
    explorer = make()
    left = left_by(explorer)
    assert "<svg" in left or "<table" in left
    assert len(re.sub("<[^>]+>", " ", left).split()) > 30


def test_a_prediction_leaves_its_question_and_not_its_buttons():
    left = left_by(Prediction(shape_question("BTNK1", C=256, W=56, C1=128, S=2)))
    assert "BTNK1, C = 256" in left and "Commit" not in left


def test_what_is_hidden_is_not_left_and_a_chosen_option_is_left_by_its_name():
    hidden = widgets.HTML("secret", layout=widgets.Layout(display="none"))
    chosen = widgets.Dropdown(options=[("a < b", 1), ("c", 2)], value=1, description="which")
    left = still_html(widgets.VBox([hidden, chosen, widgets.Checkbox(True, description="on"), widgets.Button()]))
    assert "secret" not in left and "which <b>a &lt; b</b>" in left and "on <b>yes</b>" in left
    assert still_html(widgets.VBox([hidden])) == ""


def test_the_page_runs_nothing_by_a_broken_picture_and_changes_nothing_of_the_browsers():
    folder = Path(explorers.__file__).parents[1]
    files = [path for kind in ("py", "js", "css") for path in folder.rglob(f"*.{kind}")]
    texts = {path.name: path.read_text(encoding="utf-8") for path in files}
    assert "instrument.js" in texts and "base.py" in texts
    assert [name for name, text in texts.items() if "onerror" in text or ".prototype" in text] == []
