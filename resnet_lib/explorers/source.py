"""Where a picture comes from: the bundled ones, an upload, a file dropped on the explorer, or a path."""

from weakref import WeakSet

from ..photos import PATTERNS, PHOTOS, cut_off, named_or_opened, open_photo
from .controls import Choice, Control, Text, Upload

OPENED = {}  # name → picture: every file that was opened in this notebook, in whichever explorer
_choices = WeakSet()


class PictureChoice(Choice):
    """The choice of a picture: the bundled photographs, test patterns unless refused, and every file that was opened in
    this notebook. picture: whatever `photos.open_photo` takes; `mine` names one that has no name."""

    def __init__(self, picture, name="picture", *, patterns=True, mine="your picture", **options):
        self._bundled = (*PHOTOS, *(PATTERNS if patterns else ()))
        picture = named_or_opened(picture, self._bundled)
        self._mine = {} if isinstance(picture, str) else {mine: picture}
        super().__init__(name, self._all(), picture, **options)
        _choices.add(self)

    def _all(self):
        return {**self._mine, **OPENED, **{name: name for name in self._bundled}}

    def refresh(self):
        """Offer what has been opened meanwhile."""
        self.offer({self.label: self.value, **self._all()}, self.value)
        if self.page:
            self.page.show()


def keep(name, picture):
    """Keep a picture that was opened, for all explorers, and return it: the same where it has been opened before."""
    base, n = name, 1
    while name in OPENED and OPENED[name].tobytes() != picture.tobytes():
        n += 1
        name = f"{base} ({n})"
    kept = OPENED.setdefault(name, picture)
    for choice in list(_choices):
        choice.refresh()
    return kept


class PictureSource:
    """The choice of a picture with ways to open one of your own. `value` is a name from PHOTOS or a PIL image.

    Controls (attributes of these names): choose, upload, path. What cannot be opened leaves the picture as it is, and
    `message` says why; of a panorama it says how little is looked at.
    """

    def __init__(self, picture="church"):
        self.choose = PictureChoice(picture, patterns=False)
        self.upload = Upload("your own", (), meaning="choose a picture file, or drop one on this view")
        self.path = Text("path", "", meaning="or a path, Enter")
        self.message = Control("message", "")
        self.controls = (self.choose, self.upload, self.path)
        self.upload.observe(self._uploaded, names="value")
        self.path.observe(lambda change: self._typed(change["new"]), names="value")
        self.choose.observe(lambda _change: self._say_cut(), names="value")
        self._say_cut()

    @property
    def value(self):
        return self.choose.value

    @property
    def label(self):
        """The name of the picture, for sentences."""
        return self.choose.label

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
            self.message.value = f"{problem}. The picture shown is still the one before."
            return
        self.choose.value = keep(name.replace("\\", "/").rsplit("/", 1)[-1], picture)
        self._say_cut()

    def _say_cut(self):
        """Say how little of a panorama is looked at."""
        self.message.value = "" if isinstance(self.value, str) else cut_off(self.value)
