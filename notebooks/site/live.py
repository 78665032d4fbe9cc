"""What the live parts of the page need, written into a folder: `write(folder)` makes `folder/live/`.

A page that has `<div id="rl-live-bottleneck">` and `<script type="module" src="live/live.js">` is live: the component of
the notebooks, unchanged, is fed by engine.js in place of a kernel.
"""

import base64
import json
import re
import shutil
from pathlib import Path

import numpy as np

from resnet_lib.explorers.block_design import BlockDesign
from resnet_lib.explorers.block_maps import look_at
from resnet_lib.explorers.block_view import scene_drawing
from resnet_lib.explorers.instrument import Instrument
from resnet_lib.explorers.network import NetworkExplorer
from resnet_lib.explorers.stem_drawing import stem_drawing
from resnet_lib.explorers.tiles import palettes
from resnet_lib.explorers.trained import loaded, places
from resnet_lib.explorers.words import table
from resnet_lib.photos import FOLDER, PHOTOS
from resnet_lib.weights import CHECKPOINTS

HERE = Path(__file__).parent
FIRST = "coffee"  # the photograph that a page begins with
SIZES = (64, 96, 128, 160, 192, 224)  # pixels at which a page runs the whole network


def write(folder, language="english"):
    """Write everything that a live page needs into `folder/live`, its texts in that language. Return that folder."""
    words = table(language)
    live = Path(folder) / "live"
    (live / "pictures").mkdir(parents=True, exist_ok=True)
    for file in HERE.iterdir():
        if file.suffix in (".js", ".css") and file.name.startswith(("engine", "live")):
            shutil.copy(file, live / file.name)
    (live / "instrument.js").write_text(Instrument._esm, encoding="utf-8")
    (live / "instrument.css").write_text(Instrument._css, encoding="utf-8")
    for name in PHOTOS:
        shutil.copy(FOLDER / f"{name}.jpg", live / "pictures" / f"{name}.jpg")
    shutil.copy(FOLDER / "LICENSES.md", live / "pictures" / "LICENSES.md")
    _write_json(live / "strings.json", words["scenes"])
    _write_json(live / "scenes.json", scenes(words))
    _write_weights(live)
    return live


def _write_json(path, data):
    path.write_text(json.dumps(data, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def _write_weights(live):
    """The bundled network in half precision, as it is stored: all numbers in one file, names and shapes in another."""
    tensors = {n: t for n, t in loaded("thin").state_dict().items() if not n.endswith("num_batches_tracked")}
    numbers = np.concatenate([t.numpy().astype("<f2").reshape(-1) for t in tensors.values()])
    (live / "weights.bin").write_bytes(numbers.tobytes())
    _write_json(live / "weights.json", [[name, list(t.shape)] for name, t in tensors.items()])


def scenes(words=None):
    """Return what the scenes are made from and the engine cannot compute: words, colours, drawings, positions."""
    words = words or table()
    pictures = [FIRST, *(name for name in PHOTOS if name != FIRST)]
    return {
        "parts": _parts(),
        "words": words["component"],
        "palettes": base64.b64encode(palettes()).decode(),
        "photographs": pictures,
        "classes": list(CHECKPOINTS["thin"].classes),
        "drawings": drawings(),
        "networks": {size: _network(size, words["scenes"]) for size in SIZES},
        "places": [_place(place) for place in places("thin").values()],
    }


def _parts():
    """Return the parts of a scene as they are before anything is shown: none that the component asks for is missing.
    Bytes are None here."""
    own = {
        name: trait
        for name, trait in Instrument.class_own_traits(sync=True).items()
        if name not in ("_esm", "_css", "words", "palettes")
    }
    values = {name: trait.default() for name, trait in own.items()}
    return {name: None if isinstance(value, bytes) else value for name, value in values.items()}


def drawings():
    """Return the drawing of each kind of block and of the stem; its texts are filled in by the page."""
    designs = {
        "BTNK1": BlockDesign("BTNK1", 64, 56, 16),
        "BTNK2": BlockDesign("BTNK2", 64, 56, 16),
        "BTNK2 clash": BlockDesign("BTNK2", 64, 56, 32),
    }
    numbers = {"W": 224, "kernel": 7, "stride": 2, "padding": 3, "dilation": 1, "out": 112}
    stem = stem_drawing(np.zeros((0, 1, 3), np.uint8), 17, **numbers)
    return {"stem": stem} | {name: scene_drawing(look_at(design)) for name, design in designs.items()}


def _place(place):
    d, (stage, number) = place.design, place.path.removeprefix("stage").split(".")
    design = {"block": d.block, "C": d.C, "W": d.W, "C1": d.C1, "S": d.S}
    return {"path": place.path, "stage": int(stage), "number": int(number) + 1, "jump": place.jump, "design": design}


class _Drawn(NetworkExplorer):
    """The explorer's drawing without its maps: nothing is run."""

    def rest(self):
        pass


def _network(size, words):
    """The drawing and the steps of the whole network for a picture of that size, and its MACs."""
    explorer = _Drawn("thin", size)
    drawing = explorer.page.drawing
    labels = [label | {"text": _in_words(label["text"], words)} for label in drawing["labels"]]
    steps = [[name, _in_words(kind, words), *more] for name, kind, *more in explorer.page.steps]
    drawing = drawing | {"labels": labels, "title": words["network_drawing"]}
    return {"drawing": drawing, "steps": steps, "macs": explorer.whole.macs}


# What the library's drawing of a network says, and the name of the sentence for it.
LABELS = {
    r"picture": "picture",
    r"stem": "stem",
    r"head": "head_part",
    r"the picture": "whole_picture",
    r"Stage (?P<n>\d)": "stage",
    r"(?P<n>\d+) blocks": "blocks",
    r"sees (?P<n>[\d,]+), jump (?P<jump>\d+)": "sees",
}


def _in_words(text, words):
    """Return a label of the drawing in the words of a table; shapes and names as they are."""
    for pattern, name in LABELS.items():
        if found := re.fullmatch(pattern, text):
            return words[name].format(**found.groupdict())
    return text
