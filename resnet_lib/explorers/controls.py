"""The controls of the instrument as the kernel keeps them: numbers with stops, choices, and things to do.

Each has a `value` that can be read, set and observed, as a widget has; the page draws it from `described()` and knows
its value as `wire`, which is JSON.
"""

from traitlets import Any, HasTraits, TraitError, validate


class Control(HasTraits):
    """What has a name and a value. `where` says in which line of the instrument it is drawn: "top", "sliders", "foot",
    "actions", "problem", "pinned", "walk" or "closeup"; one that is `hidden` is not, one that is `disabled` cannot be
    moved.

    page: the Instrument that draws it. Changing `options`, `hidden` and the like draws the control again at the
    explorer's next update.
    """

    value = Any()
    kind = "none"
    keeps = property(lambda self: self.kind not in ("none", "action", "upload", "text"))  # whether undo sets it

    def __init__(self, name, value, *, where="top", meaning="", hidden=False, disabled=False):
        super().__init__()
        self.name, self.where, self.meaning = name, where, meaning
        self.hidden, self.disabled, self.page = hidden, disabled, None
        self.value = value

    @property
    def wire(self):
        """The value as JSON."""
        return self.value

    @wire.setter
    def wire(self, value):
        self.value = value

    def described(self):
        """Return what the page has to know to draw the control, without its value."""
        said = {"kind": self.kind, "where": self.where, "meaning": self.meaning}
        return said | {key: True for key in ("hidden", "disabled") if getattr(self, key)}


class Number(Control):
    """A slider for a whole number from `min` to `max`.

    step:  the finest step, in which it is dragged and Shift with the arrow keys moves it.
    stops: where the arrow keys stop; all steps unless given.
    marks: values that are marked, a dictionary value → why, such as "ResNet-50, Stage 2".
    A value beyond the ends becomes the end, as a slider's does.
    """

    kind = "number"

    def __init__(self, name, value, low, high, step=1, *, stops=(), marks=None, where="sliders", **options):
        self.min, self.max, self.step = low, high, step
        self.stops, self.marks = sorted(stops), dict(marks or {})
        super().__init__(name, value, where=where, **options)

    @validate("value")
    def _whole(self, proposal):
        value = proposal["value"]
        try:
            if isinstance(value, bool) or int(value) != value:
                raise ValueError
        except (TypeError, ValueError):
            raise TraitError(f"{self.name} = {value!r} must be a whole number") from None
        return min(max(int(value), self.min), self.max)

    def limit(self, high):
        """Change the largest value; a value beyond it moves along."""
        self.max = high
        self.value = min(self.value, high)

    def described(self):
        ends = {"min": self.min, "max": self.max, "step": self.step}
        return super().described() | ends | {"stops": self.stops, "marks": [[k, v] for k, v in self.marks.items()]}


class Choice(Control):
    """One of some options, a dictionary label → value; the page knows them by their labels.

    kind:   "menu", a drop-down, or "buttons", side by side with one pressed.
    groups: for a menu, the label → under which heading it is listed.
    A label that begins with "–" names what is shown and can't be chosen.
    """

    def __init__(self, name, options, value, *, kind="menu", groups=None, **given):
        self._options, self.kind, self.groups = dict(options), kind, dict(groups or {})
        super().__init__(name, value, **given)

    @validate("value")
    def _one_of_them(self, proposal):
        if self._find(proposal["value"]) is None:
            raise TraitError(f"{self.name} must be one of {', '.join(map(str, self._options))}")
        return proposal["value"]

    def _find(self, value):
        for label, option in self._options.items():
            if option is value or (type(option) is type(value) and option == value):
                return label
        return None

    @property
    def options(self):
        return self._options

    def offer(self, options, otherwise):
        """Offer other options; a value that is none of them becomes `otherwise`."""
        self._options = dict(options)
        if self._find(self.value) is None:
            self.value = otherwise

    @property
    def label(self):
        """The label of the value."""
        return self._find(self.value)

    wire = property(lambda self: self.label, lambda self, label: setattr(self, "value", self._options[label]))

    def described(self):
        return super().described() | {"options": list(self._options), "groups": self.groups}


class Switch(Control):
    """What is on or off."""

    kind = "switch"


class Action(Control):
    """A thing to do: `press()`, and a button that does it. The button says `says`, or, empty, its name."""

    kind = "action"

    def __init__(self, name, work, *, says="", where="actions", **options):
        self.work, self.says = work, says
        super().__init__(name, None, where=where, **options)

    def press(self):
        """Do it."""
        self.work()

    click = press

    wire = property(lambda self: None, lambda self, _value: self.press())

    def described(self):
        return super().described() | {"says": self.says}


class Upload(Control):
    """A button that chooses a file; one dropped on the explorer is taken as well. value: ({"name", "content"},), the
    file as bytes, or () when it has been taken."""

    kind = "upload"
    wire = property(lambda self: None, lambda self, _value: None)


class Text(Control):
    """A line of text; `meaning` is shown while it is empty."""

    kind = "text"


class Told(Control):
    """Something that the page tells without a control of its own: `work` gets its value."""

    def __init__(self, name, work):
        self.work = work
        super().__init__(name, None)

    wire = property(lambda self: None, lambda self, value: self.work(value))


def told(before, controls):
    """Return (descriptions, changes): what a page has to know of controls, by their names, and what of it is otherwise
    by now, None for what is no longer said. The descriptions stay those of before unless that is much."""
    now, changes = {c.name: c.described() for c in controls}, {}
    for name, said in now.items():
        was = before.get(name, {})
        if found := {key: said.get(key) for key in was | said if said.get(key) != was.get(key)}:
            changes[name] = found
    much = now.keys() != before.keys() or any("options" in found for found in changes.values())
    return (now, {}) if much else (before, changes)


def set_to(controls, state):
    """Set controls to what they were, name → `wire`; return whether one of them does not offer that now."""
    refused = False
    for control in controls:
        if control.name in state:
            try:
                control.wire = state[control.name]
            except LookupError:
                refused = True
    return refused
