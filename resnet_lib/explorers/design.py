"""A network of your own: every number of every stage, with shapes, costs, what is illegal, and the budget. The design
is trained and reported from there."""

from dataclasses import replace
from html import escape

import ipywidgets as widgets

from .._common import design_problems
from ..anatomy import anatomy
from ..experiments.budget import PRESETS, budget_of, code, mended, notes
from ..experiments.race import slug
from ..network import Design, StageDesign, StemDesign
from ..views.design import budget_bars, design_drawing, design_table
from ..views.markup import paragraphs
from ..views.report import Report
from .base import STYLE, Explorer, button, checkbox, choice, columns, error, html, row, slider
from .design_training import DesignTrainingExplorer
from .report import ReportWriter

THIN = "thin ResNet-50"  # the design that others are compared with
LONGEST = 30  # characters of a name, as far as the report has room for it
OWN = "your own"  # what the preset control says where the numbers are none of them

# The sliders of a stage: field of StageDesign → the name on the slider, its ends and its step.
TURNS = {
    "blocks": ("blocks", 1, 24, 1),
    "C1": ("C1", 4, 256, 4),
    "C_out": ("C out", 8, 1024, 8),
    "S": ("S", 1, 4, 1),
    "groups": ("groups", 1, 32, 1),
}


class DesignExplorer(Explorer):
    """A network within a budget.

    design: a Design to begin with; the thin ResNet-50 unless given. budget: a Budget; what the thin ResNet-50
    needs at W unless given. W: pixels of the picture; the task's, or 64 without one, unless given.
    task:   a `tasks.Task`. With one, the design can be trained and reported from here, and has the task's classes.
    recipe, folder: of the training, as `DesignTrainingExplorer`'s.
    Controls (attributes of these names): preset, W, fourfold (C_out follows C1), mend; stem: a dictionary of Stage 0's
    controls (C1, kernel, S, pool); stages: a list of four dictionaries (blocks, C1, C_out, S, groups). With a task
    also name and train, which opens `training`, a DesignTrainingExplorer, and `report`, a ReportWriter, both of the
    design as it is then, or says in `ready` why not.
    `design` is the design that the controls describe, and can be set; ValueError for one with numbers that no control
    could take.
    """

    def __init__(self, design=None, budget=None, W=None, *, task=None, recipe=None, folder=None):
        super().__init__()
        thin = PRESETS[THIN]
        if task is not None:
            thin = replace(thin, num_classes=len(task.classes))
        if W is None:
            W = 64 if task is None else task.size
        self.task, self._recipe, self._folder = task, recipe, folder
        self.training = self.report = None
        design = thin if design is None else design
        self.budget = budget_of(thin, W) if budget is None else budget
        self.preset = choice("begin with", {OWN: OWN, **PRESETS})
        self.W = slider("W of the picture", W, 16, 256)
        self.W.layout.width = "290px"
        self.fourfold = checkbox("C out = 4 · C1", True)
        self.stem = {
            "C1": _narrow("C1", 4, 128, 4),
            "kernel": _narrow("kernel", 1, 11, 1),
            "S": _narrow("S", 1, 4, 1),
            "pool": checkbox("MAXPOOL /2", True),
        }
        self.stages = [{field: _narrow(*turn) for field, turn in TURNS.items()} for _ in range(4)]
        self.mend = button("mend it", lambda: self._set(mended(self.design)))
        self.problems, self.view, self.ready = html(), html(), html()
        self.name = widgets.Text("my design", description="name of the design", style=STYLE)
        self.train = button(f"train it against the {THIN}", self._open, disabled=True)
        self.opened = widgets.VBox()
        self.watch(self.name, self.preset, self.W, self.fourfold, *self.stem.values())
        for stage in self.stages:
            self.watch(*stage.values())
        stem, *stages = (_column(f"Stage {i}", part) for i, part in enumerate((self.stem, *self.stages)))
        stem.layout.flex = "1 1 170px"  # its sliders have their names beside them
        for stage in stages:
            stage.add_class("rl-unnamed")
        numbers = columns(stem, _names(), *stages)
        numbers.add_class("rl-stages")
        self.lay_out(row(self.preset, self.W, self.fourfold), numbers, self.problems, row(self.mend), self.view)
        if task is not None:
            self.children += (row(self.name, self.train), self.ready, self.opened)
        self.design = design

    @property
    def design(self):
        return Design(
            StemDesign(**{field: control.value for field, control in self.stem.items()}),
            tuple(StageDesign(**{field: control.value for field, control in stage.items()}) for stage in self.stages),
            self._num_classes,
        )

    @design.setter
    def design(self, design):
        mended(design)  # refuses what is out of range
        fixed = (3, "bottleneck", "3x3", {1})
        if (design.in_channels, design.block, design.stride_on, {s.dilation for s in design.stages}) != fixed:
            raise ValueError("the designer builds bottlenecks for colour pictures, with S in the 3×3 and no dilation")
        self._num_classes = design.num_classes if self.task is None else len(self.task.classes)
        self._set(design)

    def _set(self, design):
        with self.together():
            self.fourfold.value = all(s.C_out == 4 * s.C1 for s in design.stages)
            pairs = [(self.stem, design.stem), *zip(self.stages, design.stages, strict=True)]
            for controls, part in pairs:
                for field, control in controls.items():
                    _reach(control, getattr(part, field))
                    control.value = getattr(part, field)

    def changed(self, control):
        if control is self.preset:
            if control.value != OWN:
                self._set(control.value)
            return
        with self.together():
            if self.fourfold.value:
                for stage in self.stages:
                    leads, follows = ("C_out", "C1") if control is stage["C_out"] else ("C1", "C_out")
                    value = stage[leads].value // 4 if leads == "C_out" else 4 * stage[leads].value
                    _reach(stage[follows], value)
                    stage[follows].value = value
                    if leads == "C_out":
                        stage["C_out"].value = 4 * value

    def update(self):
        design = self.design
        with self.quietly():  # it never names another design than the one shown
            self.preset.value = next((p for p in PRESETS.values() if same_numbers(p, design)), OWN)
        problems = design_problems(design)
        self.mend.layout.display = "" if problems else "none"
        said = "".join(error(problem + ".") for problem in problems)
        if problems:
            # The views stay where they are while a slider passes through what is illegal.
            design = mended(design)
            said += f"<p>Below, pale: what “{self.mend.description}” makes of it.</p>"
        self.problems.show(said)
        costs = anatomy(design, self.W.value)
        odd = paragraphs(f"▸ {note}" for note in notes(design, costs))
        # In one piece: the browser lays out the page again for each that arrives.
        self.view.show(
            f"{budget_bars(self.budget, costs)}{design_drawing(design, costs)}"
            '<p class="quiet">A block is as high as the root of its W and as wide as the root of its channels; G marks '
            f"a BTNK1. FLOPs = 2 × MACs = {costs.flops:,}.</p>"
            f"{design_table(design, costs, 40, chosen=False)}{odd}{_code('this design as code, to keep', design)}",
            "opacity:0.5" if problems else "",
        )
        if self.task is not None:
            why_not = self._why_not(design, problems, costs)
            self.train.disabled = bool(why_not)
            size, said = self.task.size, escape(why_not) or "It can be trained."
            self.ready.show(f"<p>{said} The task trains on pictures of {size} × {size}: there W is always {size}.</p>")

    # ── trained and reported ──

    def _why_not(self, design, problems, costs):
        """Why the design cannot be trained, as a sentence; "" where it can."""
        name, W, size = self.name.value.strip(), self.W.value, self.task.size
        if problems:
            return "Not to be trained yet: it is illegal; the reason is given above."
        if W != size:
            return f"Not to be trained yet: its costs are counted for W = {W}. Set W to {size}."
        over = self.budget.over(costs)
        if over:
            return f"Not to be trained yet: {'; '.join(over)}."
        if same_numbers(design, PRESETS[THIN]):
            return f"Not to be trained yet: this is the {THIN} itself. Change a number."
        if not 0 < len(name) <= LONGEST or name == THIN:
            return f"Not to be trained yet: it needs a name of its own, of at most {LONGEST} characters."
        return ""

    def _open(self):
        if self.train.disabled:
            return
        if self.training:
            self.training.stop.click()
        name, design = self.name.value.strip(), self.design
        training = DesignTrainingExplorer(
            {name: design, THIN: PRESETS[THIN]}, self.task, self._recipe, folder=self._folder
        )

        def page(**text):
            network = next(iter(training.race.runs.values())).best if training.race and training.race.step else None
            return Report(
                design,
                W=self.task.size,
                budget=self.budget,
                results=training.results() if network else (),
                task=self.task,
                network=network,
                **text,
            )

        title = html()
        title.layout.margin = "16px 0 0 0"
        title.show(
            f'<p class="big"><b>{escape(name)}</b>, as it was when you pressed the button, against the {THIN}</p>'
            f"{_code('its code', design)}"
        )
        self.training, self.report = training, ReportWriter(page, slug(name))
        self.opened.children = [title, self.training, self.report]


def same_numbers(a, b):
    """Return whether two designs differ in the number of classes at most."""
    return (a.stem, tuple(a.stages)) == (b.stem, tuple(b.stages))


def _code(title, design):
    return f"<details><summary>{title}</summary><pre>{escape(code(design))}</pre></details>"


def _narrow(name, low, high, step):
    control = slider(name, low, low, high, step)
    control.layout, control.style = widgets.Layout(width="auto", margin="0"), {"description_width": "48px"}
    control.add_class("rl-narrow")
    return control


def _column(name, controls):
    title = html()
    title.show(f"<b>{name}</b>")
    return widgets.VBox([title, *controls.values()], layout=widgets.Layout(flex="1 1 120px", max_width="220px"))


def _names():
    """The names of the sliders once, to the left of all stages, where there is room for them side by side."""
    names = html()
    names.show("".join(f"<div>{name}</div>" for name in ("&nbsp;", *(turn[0] for turn in TURNS.values()))))
    names.add_class("rl-turns")
    return names


def _reach(control, value):
    """Stretch a slider to a value beyond its ends or between its steps, which it would change."""
    if isinstance(control, widgets.IntSlider):
        control.max, control.min = max(control.max, value), min(control.min, value)
        if (value - control.min) % control.step:
            control.step = 1
