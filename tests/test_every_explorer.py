"""What every explorer leaves in a saved or exported notebook, where no kernel answers."""

import base64
import io
import re

import pytest
from PIL import Image

import resnet_lib.explorers

from .every_explorer import MADE, PREPARE


@pytest.fixture(scope="module")
def made():
    names = {}
    exec(PREPARE, names)
    return names


def test_each_explorer_is_among_them():
    assert set(MADE) == set(resnet_lib.explorers.__all__)


@pytest.mark.parametrize("name", MADE)
def test_it_leaves_a_sentence_and_a_picture_or_its_texts_and_no_ids(made, name):
    left = eval(MADE[name], made)._repr_mimebundle_()
    left = left[0] if isinstance(left, tuple) else left
    assert left["text/plain"].endswith(". Run this cell to make it live.") and "(children" not in left["text/plain"]
    if "image/png" in left:
        picture = Image.open(io.BytesIO(base64.b64decode(left["image/png"])))
        assert min(picture.size) > 100 and len(picture.getcolors(1 << 16)) > 20
    elif name != "ReportWriter":  # which shows nothing before a report is written
        assert len(left["text/html"].partition("</style>")[2]) > 100
    # Of two drawings in one page that refer to the same id, one would take its arrowheads from the other, and lose them
    # when that is hidden. A chart's ids are matplotlib's, drawn by chance.
    assert re.findall(r'(?:url\(#|href="#)(?![mp][0-9a-f]{10})\w+', left.get("text/html", "")) == []
