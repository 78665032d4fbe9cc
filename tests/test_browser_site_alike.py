"""The live pages and the notebooks: after the same moves both show the same controls, numbers, captions and titles."""

import random
from itertools import count

import pytest

from resnet_lib.explorers import BottleneckExplorer, bottleneck
from resnet_lib.explorers.trained import places

SCENE = "bottleneck"
ACTIONS = ("undo", "reset", "pin", "swap", "unpin", "mend", "back")
SAID = ("figures", "problem", "advice", "marked", "clash", "shapes", "code", "about")
_when = count(1)


class Kernel:
    """An explorer as a notebook has it, asked as the component asks its kernel."""

    def __init__(self, explorer):
        self.explorer = explorer

    def put(self, name, value):
        self.explorer.page.asked = {name: [next(_when), value]}

    def scene(self, part):
        page = self.explorer.page
        if part != "controls":
            return getattr(page, part)
        return {name: said | page.changed.get(name, {}) for name, said in page.controls.items()}


def shown(scene):
    """What a person finds in a scene, from a function part → that part: all but ranges and marks, which differ as the
    networks do."""
    controls, values, says, maps = map(scene, ("controls", "values", "says", "maps"))
    found = {f"value of {name}": value for name, value in values.items()}
    for name, said in controls.items():
        found[f"state of {name}"] = [bool(said.get(key)) for key in ("hidden", "disabled")]
        if "options" in said:
            found[f"options of {name}"] = said["options"]
    found["channels"] = [controls["channel"][key] for key in ("max", "step")]
    found |= {name: says.get(name) or None for name in SAID}
    found |= {name: maps.get(name) or False for name in ("columns", "each", "sorted")}
    # A page has no ResNet-50 for the input of a random block, and computes less of a large one than a kernel.
    found["note"] = maps.get("note", "").partition("; input:")[0]
    for i, group in enumerate(maps["groups"]):
        title = group["title"].partition(", middle")[0]
        found[f"title {i}"] = [title, group["role"], group.get("says"), "side" in group]
    return found | {"steps": scene("steps"), "pinned": scene("pinned"), "drawing": scene("drawing")}


def differences(live, kernel, left_out):
    """What is otherwise in the two, name → (page, notebook)."""
    page, notebook = shown(live.scene), shown(kernel.scene)
    names = [name for name in page.keys() | notebook.keys() if name not in left_out]
    return {name: (page.get(name), notebook.get(name)) for name in names if page.get(name) != notebook.get(name)}


def drawn_moves(scene, moves, n, seed):
    """(name, value) of n moves that the notebook offers then; never one control twice in a row, for such moves
    are undone together if they are quick. moves: what a control may be set to."""
    draw, last = random.Random(seed), None
    for _ in range(n):
        controls = scene("controls")
        free = [c for c in (*moves, *ACTIONS) if c != last and c in controls | {"look": {}}]
        free = [c for c in free if not any(controls.get(c, {}).get(key) for key in ("hidden", "disabled"))]
        last = draw.choice(free)
        options = moves.get(last) or controls.get(last, {}).get("options") or [True]
        yield last, draw.choice([option for option in options if not str(option).startswith("–")])


def follow(live, kernel, moves, n, seed, left_out=()):
    """Make the moves in both, and hold one against the other after each."""
    done = []
    assert differences(live, kernel, left_out) == {}
    for name, value in drawn_moves(kernel.scene, moves, n, seed):
        done.append((name, value))
        live.put(**{name: value})
        kernel.put(name, value)
        assert differences(live, kernel, left_out) == {}, done[-6:]


BLOCK = {
    **dict.fromkeys(("block", "S on the", "position", "weights", "show", "order", "colours")),
    "picture": ["coffee", "cat", "impulse"],
    "C": [64, 128, 256, 512],
    "W": [7, 14, 28, 56],
    "C1": [16, 32, 64, 128],
    "S": [1, 2, 3],
    "channel": [0, 16, 70],
    "costs": [False, True],
    "look": ["conv2", "bn3", "x", "relu3", "shortcut.bn", "shortcut"],
}


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_moves_lead_to_the_same_block(live, monkeypatch, seed):
    # The notebook knows ResNet-50's blocks too, and some of them have the numbers of the bundled network's.
    monkeypatch.setattr(bottleneck, "all_places", lambda: places("thin"))
    live.page.reload()
    live.ready()
    kernel = Kernel(BottleneckExplorer("Stage 2, block 1", weights="trained", picture="coffee"))
    follow(live, kernel, BLOCK, 25, seed, ["options of picture"])  # a page has another list of them
