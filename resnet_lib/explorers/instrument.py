"""The instrument: controls, a drawing, numbers and feature maps on one screen, drawn by the page.

The page (instrument*.js, instrument.css) knows no network. It draws a *scene* and returns what the person did. An
explorer is fed like this:

    class MyExplorer(InstrumentExplorer):
        def __init__(self):
            self.W = Number("W", 56, 7, 224, marks={56: "Stage 1"}, meaning="width in")
            self.picture = Choice("picture", {"cat": "cat", "coffee": "coffee"}, "cat")
            super().__init__(self.W, self.picture)
            self.update()

        def update(self):
            self.page.show(steps=…, says={"figures": [["(3, 56, 56)", ""], [9408, "numbers"]]}, drawing=…)
            self.show_maps([Group("x", "the picture", maps, range(3), 3)], columns=1)

The parts of a scene, each sent only when it has changed:
    controls  what can be set (see controls.py), by name; their values go both ways.
    drawing   {"width", "height", "nodes", "edges"}: see drawing.py. In its texts {k}, {C} and {s} become the kind,
              the channels and the shape of the step that a node or edge is `of`; a click on a node with `of` calls
              `look(of)`.
    steps     [[name, kind, shape, parameters, macs], …], what the drawing's texts and the bar of MACs are made from.
    says      figures: [[number or text, unit], …], the line of numbers; marked: names of the steps whose maps are
              shown; clash: names of the steps whose shapes disagree; problem, advice: sentences; note: a sentence
              under the maps; code: what "as code" gives; about: a sentence under the numbers; rest: whether the
              page asks for the maps when the hand rests.
    maps      groups of tiles, see tiles.py; their values as bytes in `levels`. With tells, a click chooses the value.
    answer    HTML: what a network says to a picture; progress: [done, total] of its run, or [].
    details   HTML below the first screen, behind a Switch: a table of costs; thumb: the picture, as a PNG; pinned: it.
    closeup   what is always in sight of one value, see instrument_closeup.js.
    arrangement  "walk": answer and walk over the maps, the closeup beside them; "over", "pair": all one under another.
Numbers are shown first, with `page.show`, and maps when they have been computed, with `show_maps`. What was pointed at
comes as a question: `InstrumentExplorer` answers with the value, and `enlarged` may be overridden to say more.
"""

import base64
import time
import uuid
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib.resources import files

import anywidget
import numpy as np
from traitlets import Bytes, Dict, List, Unicode

from .._common import one_thread
from ..views.style import CSS, ERROR, MAIN, SHORTCUT, SUM
from .base import AGAIN, LOCK, WRONG, Explorer
from .controls import Action, Told, set_to, told
from .stills import spoken
from .tiles import Group, as_png, channels_of, one_map, pack, palettes, squeeze, still
from .words import WORDS

SCRIPTS = ("parts", "paint", "controls", "grid", "drawing", "maps", "closeup")  # each uses those before it
COLOURS = f".rl-instrument{{--rl-main:{MAIN};--rl-shortcut:{SHORTCUT};--rl-sum:{SUM};--rl-error:{ERROR}}}"
RULES = CSS.removeprefix("<style>").removesuffix("</style>")
TOGETHER = 1.0  # seconds: moves of one control that follow each other faster are undone together


def _file(name):
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


class Instrument(anywidget.AnyWidget):
    """The page's side of an explorer: the scene, and what the person asked for.

    What was done in the page comes as `asked`, a dictionary name → [when, value]: the front end keeps one message
    under way and merges the rest, so entries stay in it until the kernel has said that it heard them (`says["n"]`).
    """

    _esm = "\n".join(map(_file, (*(f"instrument_{name}.js" for name in SCRIPTS), "instrument.js")))
    _css = "\n".join((COLOURS, RULES, _file("instrument.css")))

    title = Unicode("").tag(sync=True)  # what the whole is called, for those who do not see it
    me = Unicode("").tag(sync=True)  # the model's own id, by which the page finds it
    words = Dict(WORDS).tag(sync=True)
    palettes = Bytes(palettes()).tag(sync=True)
    controls = Dict().tag(sync=True)
    changed = Dict().tag(sync=True)  # what of `controls` is otherwise by now: at each step a little, of kilobytes
    values = Dict().tag(sync=True)
    drawing = Dict().tag(sync=True)
    steps = List().tag(sync=True)
    says = Dict().tag(sync=True)
    pinned = Dict().tag(sync=True)
    maps = Dict().tag(sync=True)
    levels = Bytes(b"").tag(sync=True)
    answer = Unicode("").tag(sync=True)
    progress = List().tag(sync=True)
    closeup = Dict().tag(sync=True)
    arrangement = Unicode("").tag(sync=True)
    thumb = Bytes(b"").tag(sync=True)  # a small PNG of the picture that the maps come from
    details = Unicode("").tag(sync=True)
    asked = Dict().tag(sync=True, echo_update=False)

    def __init__(self, controls, answer, title):
        me = uuid.uuid4().hex  # chosen here, so that the page has it from the first message on
        super().__init__(title=title, me=me, model_id=me)
        self._named = {c.name: c for c in controls}
        for control in controls:
            control.page = self
        self._answer, self._heard, self._shown = answer, 0, 0
        self.raw, self.slow = b"", False  # the levels before they are packed, and whether the page asked for that
        self.on_msg(self._question)
        self.observe(self._hear, names="asked")

    def _hear(self, change):
        with LOCK:
            entries = sorted((when, name, value) for name, (when, value) in change["new"].items())
            for when, name, value in entries:
                control = self._named.get(name.partition("@")[0])
                if when <= self._heard:
                    continue
                self._heard = when
                if control is not None and not control.disabled:
                    with suppress(LookupError):  # an option that is offered no more
                        control.wire = value
            # Whatever became of it, the page is told what is set now.
            with self.hold_sync():
                self._tell()
                self.says = {**self.says, "n": self._heard}

    def _question(self, _widget, content, buffers):
        with LOCK, one_thread():
            if content.get("do") == "file":
                self._named[content["control"]].value = ({"name": content["name"], "content": bytes(buffers[0])},)
                return
            if content.get("do") == "pace":  # the page measures how long the answer takes
                self.slow = content["slow"]
                self.send({"do": "pace"})
                return
            reply, buffers = self._answer(content)
            self.send({**content, **reply}, buffers)

    def _tell(self):
        self.controls, self.changed = told(self.controls, [c for c in self._named.values() if c.kind != "none"])
        self.values = {name: c.wire for name, c in self._named.items() if c.kind not in ("none", "action", "upload")}

    def show(self, *, says=None, **parts):
        """Show parts of the scene, and the controls as they are now, in one message."""
        self._shown += says is not None
        with self.hold_sync():
            self._tell()
            for name, part in parts.items():
                setattr(self, name, part)
            if says is not None:
                self.says = {**says, "n": self._heard, "v": self._shown}

    def show_levels(self, maps, levels):
        """Show described maps with their bytes, as what belongs to the scene shown last."""
        self.raw = levels
        with self.hold_sync():
            self._tell()  # the choice of channels follows what there is
            self.maps = {**maps, "v": self._shown} | ({"packed": True} if self.slow else {})
            self.levels = squeeze(levels) if self.slow else levels


class InstrumentExplorer(Explorer):
    """An explorer on the instrument: it has undo, reset and a pin, answers what is pointed at, and leaves a picture in
    a saved notebook. A subclass makes its controls, calls `super().__init__(*controls)`, and writes `update()`.

    page: the Instrument. Actions: undo, reset, pin, swap (go to what is pinned, and pin what is here), unpin.
    """

    def __init__(self, *controls):
        super().__init__()
        self._groups, self._history, self._pinned, self._last = [], [], None, (None, 0.0)
        self.undo = Action("undo", self._undo, disabled=True)
        self.reset = Action("reset", self._reset, disabled=True)
        self.pin = Action("pin", self._pin)
        self.swap = Action("swap", self._swap, where="pinned", hidden=True)
        self.unpin = Action("unpin", self._unpin, where="pinned", hidden=True)
        actions = (self.undo, self.reset, self.pin, self.swap, self.unpin)
        self._controls = controls
        self.page = Instrument((*controls, *actions, Told("look", self._looked)), self._answer, spoken(type(self)))
        self.watch(*(c for c in controls if c.keeps))
        self.children = [self.page]
        self._first = self._state = self._snapshot()

    def code(self):
        """Return what is shown as a line of Python; "" where there is none."""
        return ""

    def title(self):
        """Return what is shown in a few words, which what is pinned is called by."""
        return self.code()

    def sentence(self):
        """Return what is shown as one sentence."""
        figures = (f"{v:,} {unit}" if isinstance(v, int) else f"{v} {unit}" for v, unit in self.says.get("figures", ()))
        return ", ".join(each.strip() for each in figures)

    @property
    def says(self):
        """What the page was told last."""
        return self.page.says

    def look(self, step):
        """Show the maps of a step that was clicked in the drawing."""

    def _looked(self, step):
        with self.working():
            self.look(step)

    # ── what was done, and undone ──

    def _snapshot(self):
        return {c.name: c.wire for c in self._controls if c.keeps}

    def settled(self, control):
        """Remember what was before this change."""
        now = self._snapshot()
        if now == self._state:
            return
        name, when = self._last
        if control is None or control.name != name or time.monotonic() - when > TOGETHER:
            self._history = [*self._history, self._state][-100:]
        self._last = (control and control.name, time.monotonic())
        self._state = now
        self._offer_undo()

    def _offer_undo(self):
        self.undo.disabled, self.reset.disabled = not self._history, self._state == self._first
        self.page.show()

    def _restore(self, state):
        for _ in range(2):  # the second time for what the numbers of now did not offer
            with self.quietly():
                refused = set_to(self._controls, state)
            with self.working():
                self.update()
            if not refused:
                break
        self._state, self._last = self._snapshot(), (None, 0.0)

    def _undo(self):
        if self._history:
            *self._history, state = self._history
            self._restore(state)
            self._offer_undo()

    def _reset(self):
        if self._state != self._first:
            self._history = [*self._history, self._state]
            self._restore(self._first)
            self._offer_undo()

    # ── the pin ──

    def _pin(self):
        self._pinned = self._snapshot()
        self._show_pinned({"title": self.title(), "figures": self.says.get("figures", [])})

    def _swap(self):
        if self._pinned is not None:
            there, now = self._pinned, {"title": self.title(), "figures": self.says.get("figures", [])}
            self._history, self._pinned = [*self._history, self._snapshot()], self._snapshot()
            self._restore(there)
            self._show_pinned(now)
            self._offer_undo()

    def _unpin(self):
        self._pinned = None
        self._show_pinned({})

    def _show_pinned(self, pinned):
        self.swap.hidden = self.unpin.hidden = not pinned
        self.page.show(pinned=pinned)

    # ── maps, and what is asked about them ──

    def show_maps(self, groups, *, columns=1, each=False, **more):
        """Show groups of tiles (`tiles.Group`), so many beside each other; with `each`, every map has its own scale.
        More: note (see above); same, for all groups in the same enlargement."""
        described, levels = pack(groups, each)
        self._groups = groups
        self.page.show_levels({"groups": described, "columns": columns, "each": each, **more}, levels)

    @contextmanager
    def working(self):
        """Compute something that was asked for: alone, on one thread."""
        with LOCK, one_thread():
            yield

    def show_problem(self, problem, figures=(), **parts):
        """Show an exception, with other parts of the scene, and return it in words."""
        said = str(problem) or type(problem).__name__
        self.page.show(says={"problem": said, "advice": AGAIN, "figures": list(figures)}, **parts)
        return said

    def show_no_maps(self, why):
        """Show why there are no maps; those of before stay, dimmed."""
        old = self._groups or [Group("sum", "", None, [], 0)]
        columns = self.page.maps.get("columns", 1)
        self.show_maps([replace(g, maps=None, says=why) for g in old], columns=columns)

    def rest(self):
        """Compute maps that were left out because they take long: the page asks for it when the hand rests, where it
        was told so (`says["rest"]`)."""

    def _answer(self, asked):
        if asked.get("do") == "rest":
            self.rest()
            return {}, []
        group = next((g for g in self._groups if g.id == asked.get("group") and g.maps is not None), None)
        if group is None or asked.get("channel") not in group.channels:
            return {"gone": True}, []
        plane = group.maps[list(group.channels).index(asked["channel"])].detach()
        at = [min(max(int(i), 0), n - 1) for i, n in zip((asked["row"], asked["column"]), plane.shape, strict=True)]
        said = {"row": at[0], "column": at[1], "title": group.title, "corner": list(group.corner)}
        said["value"] = str(np.float32(plane[tuple(at)].item())).replace("-", "−")
        if asked["do"] == "value":
            return said, []
        drawn, levels = one_map(plane)
        try:
            more, others = self.enlarged(group, asked["channel"], *at)
        except WRONG as problem:
            more, others = {"why": str(problem)}, []
        return said | drawn | more, [levels, *others]

    def enlarged(self, group, channel, row, column):
        """Return (said, buffers) of one value, for the enlarged map: html of its arithmetic, and the window of its
        input, {"title", "side", "signed", "limit", "rows", "columns"}, with the input's bytes."""
        return {}, []

    # ── where nothing is live ──

    def _repr_mimebundle_(self, **options):
        bundle = super()._repr_mimebundle_(**options)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        data["text/plain"] = f"{self.sentence()}. {WORDS['still']}"
        maps, pictures = self.page.maps.get("groups"), self.page.closeup.get("pictures", ())
        files = [p["file"] for p in pictures if "file" in p]
        if maps or files:
            picture = still(self._groups, maps, self.page.raw, self.title()) if maps else as_png(files[-1])
            data["image/png"] = base64.b64encode(picture).decode()
        return bundle

    def tile(self, group, index=0):
        """Return one drawn map of a group as its levels (height, width), as the page has it."""
        at = 0
        for g in self.page.maps["groups"]:
            if "side" not in g:
                continue
            (h, w), n = g["side"], len(channels_of(g))
            if g["id"] == group:
                start = at + index * h * w
                return np.frombuffer(self.page.raw[start : start + h * w], np.uint8).reshape(h, w)
            at += n * h * w
        raise LookupError(f"no maps are shown of {group}")
