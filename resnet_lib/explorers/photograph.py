"""A photograph on its way through a network: its most probable classes, and every step down to one value."""

import time
from html import escape

import ipywidgets as widgets

from .._common import one_thread, shape_text, step_called
from ..inside.arithmetic import explain_step
from ..inside.attribution import support
from ..inside.seen import Seen
from ..views.channel import WIDTH, channel_picture, histogram, jpeg, place
from ..views.maps import bmp, colour_bar, columns_of, framed, mosaic, planes, statistics
from ..views.markup import share_bar, table
from ..views.style import ERROR, MAIN
from ..views.value import number, value_table
from ..weights import load
from .base import (
    ClickPicture,
    Guarded,
    Picture,
    all_threads,
    button,
    checkbox,
    choice,
    columns,
    error,
    html,
    progress_bar,
    row,
    slider,
    toggle,
)
from .source import PictureSource

PAGE = 64  # channels of a mosaic
SIZES = (32, 64, 96, 128, 160, 192, 224, 256, 288, 320)


class PhotographExplorer(Guarded):
    """A photograph through the whole network: top five classes, and a walk stage → block → step → channel → value.

    network: any network of this library, or your own with its steps as modules; the bundled one unless given.
    picture: whatever `photos.open_photo` takes. size: pixels of the network's input, its checkpoint's unless given.
    Controls (attributes of these names): source (with choose, upload, path), size, stage, block, step, channel, row,
    column, strongest, gradient. A click on a map chooses its channel, one on the enlarged map a position.
    """

    def __init__(self, network=None, picture="cat", size=None, step=None):
        super().__init__()
        self.network = load("thin") if network is None else network
        checkpoint = getattr(self.network, "checkpoint", None)
        if size is None:
            size = checkpoint.size if checkpoint else 224
        self.source = PictureSource(picture)
        self.size = choice("pixels", sorted({*SIZES, size}), size)
        self.progress = progress_bar("120px")
        self.classes, self.photo = html(), Picture("120px")

        self.stage, self.block, self.step = (toggle("", [""], "") for _ in range(3))
        walk = (("stage", self.stage), ("block", self.block), ("step", self.step))
        self._lines = [
            widgets.HBox([widgets.Label(name, layout=widgets.Layout(flex="0 0 40px")), control])
            for name, control in walk
        ]
        self.where, self.about = html(), html()
        self.maps = ClickPicture(self._map_clicked, "100%", max_width="456px")
        self.channel, self.row, self.column = (slider(n, 0, 0, 1) for n in ("channel", "row", "column"))
        self.strongest = button("go to the strongest value", lambda: self.attempt(self._go_to_strongest))
        self.gradient = checkbox("draw where the gradient is", False)
        self.closeup = ClickPicture(self._place_clicked, "100%", max_width=f"{WIDTH}px")
        self.numbers, self.value = html(), html()

        self._stale = True  # whether the picture, or its size, has changed since the last run
        self._looking_at, self._somewhere, self._page = step, False, None
        self.source.observe_picture(self._another_picture)
        self.watch(self.size, self.stage, self.block, self.step, self.channel, self.row, self.column, self.gradient)
        left = widgets.VBox([self.maps, self.about], layout=widgets.Layout(flex="1 1 380px", max_width="456px"))
        right = widgets.VBox(
            [row(self.channel, self.strongest), self.closeup, row(self.row, self.column), self.gradient, self.numbers],
            layout=widgets.Layout(flex="1 1 480px", max_width="700px"),
        )
        below = columns(left, right, width="100%")
        shown = widgets.VBox([self.photo, self.progress], layout=widgets.Layout(flex="0 0 124px"))
        answer = widgets.HBox([shown, self.classes], layout=widgets.Layout(flex="1 1 330px", max_width="350px"))
        walked = widgets.VBox([*self._lines, self.where], layout=widgets.Layout(flex="2 1 390px"))
        above = row(self.source, self.size), columns(answer, walked, width="100%")
        self.lay_out(*above, self.problem, below, self.value)
        self.hidden = (below, self.value)
        with one_thread():
            self._run()
            if step is not None:
                self._looking_at = step_called(step, self._seen.steps)
            self.attempt(self.update)

    # ── the picture ──

    def _another_picture(self):
        self._stale = True
        with one_thread():
            self.attempt(self.update)

    def _run(self):
        """Run the picture through the network, with the progress on the screen at once."""
        last = [0.0]
        self.progress.value, self.progress.layout.visibility = 0, "visible"

        def progress(done, total):
            if time.monotonic() - last[0] > 0.05:
                last[0] = time.monotonic()
                self.progress.max, self.progress.value = total, done

        try:
            with all_threads():
                self._seen = Seen(self.network, self.source.value, self.size.value, progress=progress)
        finally:
            self.progress.layout.visibility = "hidden"
        self._stale = False
        self.photo.show(jpeg(self._seen.image), "jpeg", f"{self.source.label}, as the network is shown it")
        self.classes.show(self._classes())

    def _classes(self):
        if not self._seen.logits.isfinite().all():
            said = "The network's scores are infinite or undefined (inf or nan): no class is the most probable."
            advice = "Walk from Stage 0 on: the first step that cannot be drawn is where they begin."
            return error(said, advice)
        checkpoint = self._seen.checkpoint
        known = checkpoint and len(checkpoint.classes) == len(self._seen.logits)
        who = f"{checkpoint.name}: {checkpoint.note}" if known else "a network without a checkpoint of its own"
        top = [(escape(name), share_bar(p, 1, 60)) for name, p in self._seen.top(5)]
        return f'{table("class | probability", top, left=(1,))}<p class="quiet">{escape(who)}</p>'

    # ── the walk ──

    def changed(self, control):
        if control is self.size:
            self._stale = True
        if not self._stale and control in (self.channel, self.row, self.column, self.gradient):
            self._show_channel(frame=control is self.channel)
        else:
            self.update()

    def update(self):
        if self._stale:
            self._run()
        self._offer()
        self._show_maps()
        if not self._somewhere:  # it begins where there is something to see
            self._somewhere = True
            with self.quietly():
                maps = self._planes()
                self.channel.value = maps.abs().flatten(1).amax(1).argmax().item()
                self.row.value, self.column.value = place_of_the_strongest(maps[self.channel.value])
            self._show_maps()
        self._show_channel()

    @property
    def looking_at(self):
        """The name of the step that is shown."""
        return join(self.stage.value, self.block.value, self.step.value)

    def _offer(self):
        """Offer the stages, blocks and steps of the network; a choice stays where it exists, else it is the last."""
        paths = [split(name) for name in self._seen.steps]
        if self._looking_at:
            wanted, self._looking_at = split(self._looking_at), None
        else:
            wanted = self.stage.value, self.block.value, self.step.value
        with self.quietly():
            for i, control in enumerate((self.stage, self.block, self.step)):
                here = list(dict.fromkeys(p[i] for p in paths))
                options = [(self._label(i, part, paths), part) for part in here]
                if tuple(options) != tuple(control.options):
                    control.options = options
                control.value = wanted[i] if wanted[i] in here else here[-1]
                self._lines[i].layout.display = "none" if here == [""] else ""
                paths = [p for p in paths if p[i] == control.value]

    def _label(self, i, part, paths):
        if i == 0 and part.startswith("stage"):
            return part.replace("stage", "Stage ")
        if i == 1 and part:
            return f"{int(part) + 1}: {type(self.network.get_submodule(f'{paths[0][0]}.{part}')).__name__}"
        return part

    # ── what is shown of a step ──

    def _planes(self):
        return planes(self._seen[self.looking_at])

    def _show_maps(self):
        maps = self._planes()
        C, H, W = maps.shape
        with self.quietly():
            for control, most in ((self.channel, C - 1), (self.row, H - 1), (self.column, W - 1)):
                if control.max != most:
                    share = control.value / max(control.max, 1)
                    control.max = most
                    # A position stays where it is in the photograph, whatever the map's size.
                    if control is not self.channel:
                        control.value = round(share * most)
        kind = self._kind()
        shape = shape_text(self._seen[self.looking_at].shape)
        self.where.show(f'<p class="big"><b>{escape(self.looking_at)}</b>: {kind} → <b>{shape}</b></p>')
        first = self.channel.value // PAGE * PAGE
        self._levels, self._limit, self._signed = mosaic(maps, first, PAGE)
        self._page = (first, self.looking_at)
        self._show_frame()
        last = min(first + PAGE, C) - 1
        text = f"channels {first} to {last} of {C:,}: {statistics(maps[first : last + 1])}"
        self.about.show(f"<p>{text}</p><p>{colour_bar(self._limit, self._signed)}</p>")

    def _show_frame(self):
        first, name = self._page
        shown = len(self._planes()[first : first + PAGE])
        levels = framed(self._levels, self.channel.value - first, shown)
        text = f"maps of {name}, channels {first} to {first + shown - 1}; channel {self.channel.value} is framed"
        self.maps.image.show(bmp(levels, self._signed, frame=True), "bmp", text)

    def _kind(self):
        try:
            return self._seen.anatomy[self.looking_at].kind
        except (KeyError, TypeError, ValueError):  # an identity, or a network whose arithmetic is not known here
            return type(self.network.get_submodule(self.looking_at)).__name__

    def _show_channel(self, frame=False):
        """The chosen channel and value; `frame`, whether the frame in the mosaic has to move as well."""
        if self._page != (self.channel.value // PAGE * PAGE, self.looking_at):
            self._show_maps()
        elif frame:
            self._show_frame()
        plane = self._planes()[self.channel.value]
        at = (self.row.value, self.column.value)
        strongest = strongest_places(plane)
        box = self._box(at)
        over, what, note = None, "over the photograph", ""
        if self.gradient.value:
            try:
                over, what = self._gradient(at), "the gradient of its marked value over the photograph"
                note = "" if over.any() else " The gradient is zero: a ReLU has cut the value off."
            except (RuntimeError, ValueError) as problem:  # such as a forward that runs under no_grad
                note = f" There is no gradient to draw: {problem}."
        marks = {"at": at, "box": box, "strongest": strongest, "over": over}
        drawn = channel_picture(plane, self._seen.image, limit=self._limit, signed=self._signed, **marks)
        self.closeup.image.show(drawn, "jpeg", f"channel {self.channel.value} of {self.looking_at}, alone and {what}")
        self.numbers.show(self._numbers(plane, at, box, strongest, note))
        self.value.show(self._value(at))

    def _gradient(self, at):
        """How strongly each pixel of the photograph moves the value, 0 to 1."""
        with all_threads():
            found = support(self.network, self._seen.x, self.looking_at, self.channel.value, *at)
        # The square root: a few pixels are far above all others, and those would be invisible.
        return (found / (found.max() or 1)).sqrt()

    def _box(self, at):
        try:
            return self._seen.anatomy.field(self.looking_at, *at)
        except (KeyError, TypeError, ValueError):
            return None

    def _numbers(self, plane, at, box, strongest, note):
        H, W = plane.shape
        value = plane[at].item()
        text = f"<p>channel {self.channel.value}: {statistics(plane)}</p>{histogram(plane)}"
        text += (
            f'<p><span style="border:2px solid {ERROR};padding:0 3px">row {at[0]}, column {at[1]}</span> holds '
            f"<b>{number(value)}</b>."
        )
        if box:
            inside = box.clipped(self._seen.size, self._seen.size)
            text += (
                f' It can see <span style="border:2px solid {MAIN};padding:0 3px">'
                f"{box.bottom - box.top} × {box.right - box.left} pixels</span> of the photograph"
            )
            if inside != box:
                text += f", of which {inside.bottom - inside.top} × {inside.right - inside.left} lie within it"
            text += "."
        text += f"{escape(note)}</p>"
        places = "; ".join(f"({r}, {c}) {number(plane[r, c])}" for r, c in strongest)
        said = f"Strongest of {H * W:,}, ringed in the map: {places}." if strongest else "Every value of it is 0."
        text += f'<p class="quiet">{said}</p>'
        return text

    def _value(self, at):
        name = self.looking_at
        module, output = self.network.get_submodule(name), self._seen[name].unsqueeze(0)
        try:
            value = explain_step(module, self._seen.inputs(name), output, self.channel.value, *at, name=name)
        except (IndexError, TypeError, ValueError) as problem:
            return f'<p class="quiet">No arithmetic for this step: {escape(str(problem))}.</p>'
        return f'<p class="big"><b>This one value</b></p>{value_table(value)}'

    # ── what a click or a button does ──

    def _map_clicked(self, x, y):
        first = self._page[0]
        shown = len(self._planes()[first : first + PAGE])
        across = columns_of(shown)
        index = int(y * -(-shown // across)) * across + int(x * across)
        if index < shown:
            self.channel.value = first + index

    def _place_clicked(self, x, y):
        at = place(x, y)
        if at:
            place_ = int(at[1] * (self.row.max + 1)), int(at[0] * (self.column.max + 1))
            self.attempt(lambda: self._go_to(*place_))

    def _go_to_strongest(self):
        self._go_to(*place_of_the_strongest(self._planes()[self.channel.value]))

    def _go_to(self, row_, column):
        with self.quietly():
            self.row.value, self.column.value = row_, column
        self._show_channel()


def split(name):
    """Return (stage, block, step) of a step's name, the last two may be empty: "stage1.0.conv1", "head.fc", "conv1"."""
    stage, _, rest = name.partition(".")
    block, _, step = rest.partition(".")
    return (stage, block, step) if block.isdigit() else (stage, "", rest)


def join(stage, block, step):
    """Return the name of a step."""
    return ".".join(part for part in (stage, block, step) if part)


def strongest_places(plane):
    """Return (row, column) of the five values of a map that are largest in magnitude, the strongest first; fewer where
    the others are 0."""
    values, order = plane.abs().flatten().topk(min(5, plane.numel()))
    return [divmod(i, plane.shape[1]) for i in order[values > 0].tolist()]


def place_of_the_strongest(plane):
    """Return (row, column) of the value that is largest in magnitude; the middle of a map that is 0 everywhere."""
    H, W = plane.shape
    return (strongest_places(plane) or [(H // 2, W // 2)])[0]
