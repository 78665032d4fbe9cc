"""Where a picture comes from: the bundled ones, an upload, a file dropped on the explorer, or a path."""

import ipywidgets as widgets

from ..photos import PHOTOS, cut_off, named_or_opened, open_photo
from .base import STYLE, choice, error, html, row


class PictureSource(widgets.VBox):
    """The choice of a picture. `value` is a name from PHOTOS or a PIL image; `observe_picture(f)` calls f at changes.

    Controls (attributes of these names): choose, upload, path. What cannot be opened leaves the picture as it is, and
    `message` says why.
    """

    def __init__(self, picture="cat"):
        picture = named_or_opened(picture)
        own = {} if isinstance(picture, str) else {"your picture": picture}
        self.choose = choice("picture", {**own, **{name: name for name in PHOTOS}}, picture)
        self.upload = widgets.FileUpload(
            accept="image/*",
            description="your own",
            tooltip="choose a picture file, or drop one on this view",
            layout=widgets.Layout(width="auto"),
        )
        self.upload.add_class("rl-upload")
        self.path = widgets.Text(
            placeholder="or the path of a file, then Enter", continuous_update=False, description="path", style=STYLE
        )
        self.message = html()
        self._quiet = False
        self.upload.observe(self._uploaded, names="value")
        self.path.observe(lambda change: self._typed(change["new"]), names="value")
        self._say_cut()
        super().__init__([row(self.choose, self.upload, self.path), self.message])

    @property
    def value(self):
        return self.choose.value

    @property
    def label(self):
        """The name of the picture, for sentences."""
        return self.choose.label

    def observe_picture(self, what):
        """Call `what()` whenever another picture is chosen."""

        def changed(_change):
            if not self._quiet:
                self.message.show("")
                what()

        self.choose.observe(changed, names="value")

    def _typed(self, text):
        path = text.strip().strip("\"'")  # Windows copies a path with quotes around it
        self._open(path, path)

    def _uploaded(self, change):
        if change["new"]:
            file = change["new"][0]
            self._open(bytes(file["content"]), file["name"])
            self.upload.value = ()  # so that the same file can be chosen again

    def _open(self, file, name):
        if not name:
            return
        try:
            picture = open_photo(file, name=name)
        except ValueError as problem:
            self.message.show(error(str(problem), "The picture shown is still the one before."))
            return
        kept = {label: value for label, value in self.choose.options.items() if isinstance(value, str)}
        label = name.replace("\\", "/").rsplit("/", 1)[-1]
        self._quiet = True  # new options choose the first of them for a moment
        try:
            self.choose.options = {**kept, label: picture}
        finally:
            self._quiet = False
        self.choose.value = picture
        self._say_cut()

    def _say_cut(self):
        """Say how little of a panorama is looked at."""
        cut = "" if isinstance(self.value, str) else cut_off(self.value)
        self.message.show(cut and f'<p class="quiet">{cut}</p>')
