"""The parts of a photograph that speak for a class: Grad-CAM at any step, and occlusion."""

from collections import Counter
from html import escape

import torch

from .._common import evaluating
from ..activations import calls
from ..experiments.attribution import grad_cam, occlusion_steps, placed
from ..experiments.seen import Seen
from ..views.channel import blend, jpeg
from ..views.maps import colour_bar
from ..views.style import DIVERGING, SEQUENTIAL
from ..weights import load
from .base import WRONG, all_threads
from .controls import Choice, Number, Told
from .instrument import InstrumentExplorer
from .photograph_view import untrained_size
from .source import PictureSource
from .work import Work

METHODS = {"Grad-CAM": "grad_cam", "occlusion": "occlusion"}


class AttributionExplorer(InstrumentExplorer):
    """A photograph and what speaks for one class.

    network: a classifier; the bundled one unless given. picture: whatever `photos.open_photo` takes.
    size: pixels of the network's input, its checkpoint's unless given.
    Controls (attributes of these names): source, method, target (the class), step (of Grad-CAM), patch, stride, run
    and stop (of occlusion, which is slow and can be stopped). A click on the picture tells what covering there does.
    """

    def __init__(self, network=None, picture="church", size=None):
        self.network = load("thin") if network is None else network
        self._size, self._covered, self._place = size, None, None
        self.source = PictureSource(picture)
        self.method = Choice("method", METHODS, "grad_cam", kind="buttons")
        self._run()
        classes = self._classes()
        self.target = Choice("class", classes, next(iter(classes.values())))
        sides = self._places()
        steps = [s for s in self._seen.steps if self._seen[s].dim() == 3 and s not in sides]
        self._best = deepest(sides)
        self.step = Choice("at", {f"at {name}": name for name in (*sides, *steps)}, self._best)
        W = self._seen.size
        self.patch = Number("patch", max(1, W // 4), 1, W, meaning="pixels a side", hidden=True)
        self.stride = Number("stride", max(1, W // 14), 1, W, meaning="pixels from place to place", hidden=True)
        self.work = Work("cover it, place by place", self._cover, "", self.say, on=all_threads, resumes=False)
        self.run, self.stop, self.progress = self.work.start, self.work.stop, self.work.bar
        choices = (self.method, self.target, self.step, self.patch, self.stride)
        super().__init__(*self.source.controls, *choices, Told("place", self._placed))
        self.pin.hidden = True
        self.watch(self.source.message)
        self.children = [self.page, self.work]
        with self.working():
            self.update()

    # ── what can be chosen ──

    def _places(self):
        """The stages and blocks that output maps: name → the shorter side."""
        parts = [n for n, m in self.network.named_modules() if n and ("." not in n or next(m.children(), None))]
        with evaluating(self.network), all_threads():
            found = calls(self.network, self._seen.x, parts, strict=False)
        # In the order in which they ran, and without what is on a shortcut.
        found = {n: call for n, call in found.items() if call.output.dim() == 4 and not self._on_shortcut(n)}
        sides = {name: min(call.output.shape[2:]) for name, call in found.items()}
        if not sides:
            raise ValueError("no part of this network outputs maps (C, H, W), so there is no place to point at")
        return sides

    def _on_shortcut(self, name):
        """Whether all that a part of the network does is on a shortcut; by its name where its steps are not known."""
        try:
            steps = [s for s in self._seen.anatomy.steps if f"{s.name}.".startswith(f"{name}.")]
        except (TypeError, ValueError):
            return name.split(".")[-1] in ("shortcut", "downsample")
        return bool(steps) and all(s.path == "shortcut" for s in steps)

    def _run(self):
        with all_threads():
            seen = Seen(self.network, self.source.value, self._size)
        if not seen.logits.isfinite().all():
            raise ValueError(
                "the network outputs infinite or undefined scores (inf or nan), and nothing can speak for those: "
                "walk through it with the PhotographExplorer to where they begin"
            )
        self._seen = seen

    def _classes(self):
        """The classes by their probability, label → number."""
        order = self._seen.logits.argsort(descending=True, stable=True).tolist()
        top = self._seen.top(len(order))
        self._names = {i: name for i, (name, _) in zip(order, top, strict=True)}
        return {f"{name} ({p:.1%})": i for i, (name, p) in zip(order, top, strict=True)}

    def changed(self, control):
        self.work.halt()
        self._covered = self._place = None
        if control is self.source.choose:
            try:
                self._run()
            except WRONG as problem:
                self.say(problem)
                return
            with self.quietly():
                classes = self._classes()
                best = next(iter(classes.values()))
                self.target.offer(classes, best)
                self.target.value = best
        self.update()

    def _placed(self, place):
        self._place = place[1:]
        with self.working():
            self.update()

    # ── what is shown ──

    def update(self):
        covering = self.method.value == "occlusion"
        self.work.layout.display = "" if covering else "none"
        self.step.hidden, self.patch.hidden, self.stride.hidden = covering, not covering, not covering
        try:
            self._show_covered() if covering else self._show_grad_cam()
        except WRONG as problem:
            self.say(problem)

    def say(self, problem):
        """Show an exception in the place of the pictures; None changes nothing."""
        if problem is not None:
            self.show_problem(problem, closeup={}, arrangement="pair")

    def _show_grad_cam(self):
        name = self.step.value
        with all_threads():
            found = grad_cam(self.network, self._seen.x, self.target.value, name)
        h, w = found.values.shape
        strongest = found.values.max().item()
        text = f"Grad-CAM for {self._name()} at {name}, {h} × {w} values up to {strongest:.3g}."
        if not strongest:
            text += " All are zero: nothing at this step speaks for the class."
        if name == self._best:
            text += " This is the stage to look at: the deepest features that still have places to tell apart."
        values, stretched = self._laid(found.values)
        self._draw(values, text + stretched)

    def _laid(self, values):
        """The values of a step laid over the picture where they belong, and a remark where that is not known."""
        name, size = self.step.value, self._seen.image.size[::-1]
        try:
            step = [s for s in self._seen.anatomy.steps if f"{s.name}.".startswith(f"{name}.")][-1]
        except (IndexError, TypeError, ValueError):
            return values, " They are stretched over the picture: what each value sees is not known of this network."
        return placed(values, step.sees, *size), ""

    def _name(self):
        return f"“{self._names[self.target.value]}”"

    def _cover(self):
        """Cover one batch of places after the other; a generator of (done, total)."""
        size = {"patch": self.patch.value, "stride": self.stride.value}
        for found, done, total in occlusion_steps(self.network, self._seen.x, self.target.value, **size):
            self._covered = (found, done, total)
            self._show_covered()
            yield done, total

    def _show_covered(self):
        if self._covered is None:
            text = f"Press “{self.run.description}”: where covering the photograph lowers the probability of "
            self._draw(torch.zeros(1, 1), f"{text}{self._name()}, it mattered.")
            return
        found, done, total = self._covered
        values, stride, patch = found.values.nan_to_num(0.0), self.stride.value, self.patch.value
        text = (
            f"Occlusion for {self._name()}: {done} of {total} places covered by {patch} × {patch} grey pixels. The "
            f"probability fell by up to {max(0.0, values.max().item()):.1%} (red) and rose by up to "
            f"{max(0.0, -values.min().item()):.1%} (blue). {self._winners(found)}"
        )
        # Each value belongs to stride × stride pixels, and the last ones end where the picture ends.
        rings = [[(n + 0.5) * stride - 0.5 for n in place] for place in self._lost(found)]
        values = values.repeat_interleave(stride, 0).repeat_interleave(stride, 1)
        self._draw(values[: self._seen.size, : self._seen.size], text, rings, found)

    def _lost(self, found):
        """The places (row, column) where covering makes another class win than does without."""
        best = found.logits.argmax().item()
        return ((found.winners >= 0) & (found.winners != best)).nonzero().tolist()

    def _winners(self, found):
        """Who wins under occlusion, as a sentence."""
        count = Counter(found.winners[tuple(place)].item() for place in self._lost(found))
        best = self._names[found.logits.argmax().item()]
        if not count:
            return f"Wherever it is covered, “{best}” wins."
        others = ", ".join(f"“{self._names[i]}” {n}×" for i, n in count.most_common(3))
        return f"Ringed: covered there, another class wins than “{best}”: {others}."

    def _draw(self, values, text, rings=(), found=None):
        signed, image, size = self.method.value == "occlusion", self._seen.image, self._seen.size
        limit = values.abs().max().item() or 1.0
        over = {"file": jpeg(blend(image, values / limit, DIVERGING if signed else SEQUENTIAL)), "side": [size, size]}
        over |= {"said": "what speaks for the class", "rings": list(rings)}
        pictures = [{"file": jpeg(image), "side": [size, size], "said": self.source.label}, over]
        closeup = {"pictures": pictures, "title": self._names[self.target.value], "html": ""}
        closeup["title"] += f", {found.probability:.1%}" if found else ""
        if found is not None:
            for each in pictures:
                each["grid"] = list(found.values.shape)
            closeup |= self._there(found, pictures)
        if values.numel() > 1:
            closeup["html"] = f"<p>{colour_bar(limit, signed)}</p>"
        closeup["html"] = f"<p>{escape(text)}</p>{closeup['html']}"
        message = " ".join(filter(None, (self.source.message.value, untrained_size(self._seen))))
        self.page.show(says={"figures": [], "about": message}, closeup=closeup, arrangement="pair")

    def _there(self, found, pictures):
        """What covering one place does, and its patch framed."""
        place = self._place or divmod(found.values.nan_to_num(-1).argmax().item(), found.values.shape[1])
        drop, winner = found.values[tuple(place)].item(), found.winners[tuple(place)].item()
        stride, patch = self.stride.value, self.patch.value
        top, left = (n * stride + (stride - patch) // 2 for n in place)
        pictures[0]["frames"] = [[top, top + patch, left, left + patch]]
        if winner < 0:
            return {"at": list(place)}
        value = f"covered in the frame: {found.probability - drop:.1%}, and “{self._names[winner]}” wins"
        return {"at": list(place), "value": value}


def deepest(sides):
    """Return the last stage whose maps still have 4 × 4 places: the deepest features that can tell where."""
    stages = [n for n in sides if not n.split(".")[-1].isdigit()] or list(sides)
    return next((n for n in reversed(stages) if sides[n] >= 4), stages[-1])
