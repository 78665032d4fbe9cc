"""The parts of a photograph that speak for a class: Grad-CAM at any step, and occlusion."""

from html import escape

import torch

from .._common import evaluating
from ..activations import calls
from ..inside.attribution import grad_cam, occlusion_steps, placed
from ..inside.seen import Seen
from ..views.channel import PANE, WIDTH, blend, jpeg, side_by_side
from ..views.maps import colour_bar
from ..views.style import DIVERGING, SEQUENTIAL
from ..weights import load
from .base import Guarded, Picture, all_threads, choice, html, row, slider, toggle
from .source import PictureSource
from .work import Work

METHODS = {"Grad-CAM": "grad_cam", "occlusion": "occlusion"}


class AttributionExplorer(Guarded):
    """A photograph and what speaks for one class.

    network: a classifier; the bundled one unless given. picture: whatever `photos.open_photo` takes.
    size: pixels of the network's input, its checkpoint's unless given.
    Controls (attributes of these names): source, method, target (the class), step (of Grad-CAM), patch, stride, run
    and stop (of occlusion, which is slow and can be stopped).
    """

    def __init__(self, network=None, picture="cat", size=None):
        super().__init__()
        self.network = load("thin") if network is None else network
        self._size = size
        self.source = PictureSource(picture)
        self.method = toggle("", METHODS, "grad_cam")
        self._run()
        self.target = choice("class", self._classes())
        sides = self._places()
        steps = [s for s in self._seen.steps if self._seen[s].dim() == 3 and s not in sides]
        self.step = choice("at", [*sides, *steps], self._deepest(sides))
        W = self._seen.size
        self.patch = slider("patch (pixels)", max(1, W // 4), 1, W)
        self.stride = slider("stride (pixels)", max(1, W // 14), 1, W)
        self.work = Work("cover it, place by place", self._cover, "", self.say, on=all_threads, resumes=False)
        self.run, self.stop, self.progress = self.work.start, self.work.stop, self.work.bar
        self.picture = Picture("100%", max_width=f"{WIDTH}px")
        self.text = html()
        self._occlusion = row(self.patch, self.stride, self.work)
        self.source.observe_picture(lambda: self.attempt(self._another_picture))
        self.watch(self.method, self.target, self.step, self.patch, self.stride)
        choices = row(self.method, self.target, self.step)
        self.lay_out(self.source, choices, self._occlusion, self.problem, self.picture, self.text)
        self.hidden = (self.picture, self.text)
        self.attempt(self.update)

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

    @staticmethod
    def _deepest(sides):
        """The last stage whose maps still have 4 × 4 places: the deepest features that can tell where."""
        stages = [n for n in sides if not n.split(".")[-1].isdigit()] or list(sides)
        return next((n for n in reversed(stages) if sides[n] >= 4), stages[-1])

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
        logits = self._seen.logits
        order = logits.argsort(descending=True, stable=True).tolist()
        top = self._seen.top(len(logits))
        return [(f"{name} ({p:.1%})", i) for i, (name, p) in zip(order, top, strict=True)]

    def _another_picture(self):
        self.work.halt()
        self._run()
        options = self._classes()
        with self.quietly():
            self.target.options, self.target.value = options, options[0][1]
        self.update()

    def changed(self, control):
        self.work.halt()
        self.update()

    def update(self):
        occlusion = self.method.value == "occlusion"
        self._occlusion.layout.display = "" if occlusion else "none"
        self.step.layout.display = "none" if occlusion else ""
        if occlusion:
            self._draw(
                torch.zeros(1, 1),
                f"Press “{self.run.description}”: where covering the photograph lowers the "
                f"probability of {self._name()}, it mattered.",
            )
            return
        with all_threads():
            found = grad_cam(self.network, self._seen.x, self.target.value, self.step.value)
        h, w = found.values.shape
        strongest = found.values.max().item()
        text = f"Grad-CAM for {self._name()} at {self.step.value}, {h} × {w} values up to {strongest:.3g}."
        if not strongest:
            text += " All are zero: nothing at this step speaks for the class."
        values, stretched = self._placed(found.values)
        self._draw(values, text + stretched)

    def _placed(self, values):
        """The values of a step laid over the picture where they belong, and a remark where that is not known."""
        name, size = self.step.value, self._seen.image.size[::-1]
        try:
            step = [s for s in self._seen.anatomy.steps if f"{s.name}.".startswith(f"{name}.")][-1]
        except (IndexError, TypeError, ValueError):
            return values, " They are stretched over the picture: what each value sees is not known of this network."
        return placed(values, step.sees, *size), ""

    def _name(self):
        return f"“{self.target.label.rsplit(' (', 1)[0]}”"

    def _cover(self):
        """Cover one batch of places after the other; a generator of (done, total)."""
        size = {"patch": self.patch.value, "stride": self.stride.value}
        for found, done, total in occlusion_steps(self.network, self._seen.x, self.target.value, **size):
            values, stride = found.values.nan_to_num(0.0), self.stride.value
            text = (
                f"Occlusion for {self._name()}: {done} of {total} places covered by {self.patch.value} × "
                f"{self.patch.value} grey pixels. The probability fell by up to {max(0.0, values.max().item()):.1%}"
                f" (red) and rose by up to {max(0.0, -values.min().item()):.1%} (blue)."
            )
            # Each value belongs to stride × stride pixels, and the last ones end where the picture ends.
            values = values.repeat_interleave(stride, 0).repeat_interleave(stride, 1)
            self._draw(values[: self._seen.size, : self._seen.size], text)
            yield done, total

    def _draw(self, values, text):
        signed = self.method.value == "occlusion"
        limit = values.abs().max().item() or 1.0
        colours = DIVERGING if signed else SEQUENTIAL
        image = self._seen.image
        both = side_by_side(image.resize((PANE, PANE)), blend(image, values / limit, colours))
        self.picture.show(jpeg(both), "jpeg", text)
        scale = f"<p>{colour_bar(limit, signed)}</p>" if values.numel() > 1 else ""
        self.text.show(f"<p>{escape(text)}</p>{scale}")
