"""A network of one's own: every number of every stage, with shapes, costs, what is illegal, and the budget; and
designs trained against each other."""

from html import escape

import ipywidgets as widgets

from ..comparison import by_design, entrants, luck, results
from ..network_design import PRESETS, NetworkDesign, StageDesign, StemDesign, budget_of
from ..views.comparison import ComparisonCurves, comparison_table
from ..views.design import budget_bars, design_drawing, design_table
from .base import STYLE, Explorer, choice, error, html, row, slider, style
from .training import TrainingExplorer

OWN = "your own"  # what the preset control says where the numbers are none of them

PALE = ' style="opacity:0.5"'  # what is shown is not what the controls say

# What a stage is turned by: field of StageDesign → the name on the slider, its ends and its step.
TURNS = {
    "blocks": ("blocks", 1, 24, 1),
    "C1": ("C1", 4, 256, 4),
    "C_out": ("C out", 8, 1024, 8),
    "S": ("S", 1, 4, 1),
    "groups": ("groups", 1, 32, 1),
}


class DesignExplorer(Explorer):
    """A network within a budget.

    design: a NetworkDesign to begin with; the thin ResNet-50 unless given. budget: a Budget; what the thin ResNet-50
    needs at W unless given. W: pixels of the picture.
    Controls (attributes of these names): preset, W, fourfold (C_out follows C1), mend; stem: a dictionary of Stage 0's
    controls (C1, kernel, S, pool); stages: a list of four dictionaries (blocks, C1, C_out, S, groups).
    `design` is the design that the controls describe, and can be set; ValueError for one with numbers that no control
    could take.
    """

    def __init__(self, design=None, budget=None, W=64):
        super().__init__()
        thin = PRESETS["thin ResNet-50"]
        design = thin if design is None else design
        self.budget = budget_of(thin, W) if budget is None else budget
        self._num_classes = design.num_classes
        self.preset = choice("begin with", {OWN: OWN, **PRESETS})
        self.W = slider("W of the picture", W, 16, 256)
        self.fourfold = widgets.Checkbox(
            True, description="C out = 4 · C1, as in ResNet", indent=False, style=STYLE,
            layout=widgets.Layout(width="auto"),
        )  # fmt: skip
        self.stem = {
            "C1": _narrow("C1", 4, 128, 4),
            "kernel": _narrow("kernel", 1, 11, 1),
            "S": _narrow("S", 1, 4, 1),
            "pool": widgets.Checkbox(
                True, description="MAXPOOL /2", indent=False, style=STYLE, layout=widgets.Layout(width="auto")
            ),
        }
        self.stages = [{field: _narrow(*turn) for field, turn in TURNS.items()} for _ in range(4)]
        self.mend = widgets.Button(description="mend it", layout=widgets.Layout(width="auto"))
        self.mend.on_click(lambda _button: self._set(self.design.mended()))
        self.problems, self.view = html(), html()
        self.watch(self.preset, self.W, self.fourfold, *self.stem.values())
        for stage in self.stages:
            self.watch(*stage.values())
        columns = [_column("Stage 0", self.stem.values())]
        columns += [_column(f"Stage {i}", stage.values()) for i, stage in enumerate(self.stages, 1)]
        controls = row(*columns)
        controls.layout.align_items = "flex-start"
        self.children = [
            style(), row(self.preset, self.W, self.fourfold), controls, self.problems, row(self.mend), self.view,
        ]  # fmt: skip
        self.design = design

    @property
    def design(self):
        return NetworkDesign(
            StemDesign(**{field: control.value for field, control in self.stem.items()}),
            tuple(StageDesign(**{field: control.value for field, control in stage.items()}) for stage in self.stages),
            self._num_classes,
        )

    @design.setter
    def design(self, design):
        design.mended()  # refuses what is out of range
        self._num_classes = design.num_classes
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
        problems = design.problems()
        self.mend.layout.display = "" if problems else "none"
        said = "".join(error(problem + ".") for problem in problems)
        if problems:
            # The views stay where they are while a slider passes through what is illegal.
            design = design.mended()
            said += f"<p>Below, pale: what “{self.mend.description}” makes of it.</p>"
        self.problems.value = f'<div class="rl">{said}</div>'
        costs = design.anatomy(self.W.value)
        notes = "".join(f"<p>▸ {escape(note)}</p>" for note in design.notes(costs))
        # In one piece: the browser lays out the page again for each that arrives.
        self.view.value = (
            f'<div class="rl"{PALE if problems else ""}>{budget_bars(self.budget, costs)}'
            f'{design_drawing(design, costs)}<p class="quiet">Each block is as high as the root of its W and as wide '
            f"as the root of its channels; G marks a BTNK1. FLOPs = 2 × MACs = {costs.flops:,}.</p>"
            f"{design_table(design, costs)}{notes}<details><summary>this design as code, to be kept</summary>"
            f"<pre>{escape(design.code())}</pre></details></div>"
        )


def same_numbers(a, b):
    """Whether two designs differ in the number of classes at most."""
    return (a.stem, tuple(a.stages)) == (b.stem, tuple(b.stages))


def _narrow(name, low, high, step):
    control = slider(name, low, low, high, step)
    control.layout, control.style = widgets.Layout(width="186px"), {"description_width": "46px"}
    control.add_class("rl-narrow")
    return control


def _column(name, controls):
    title = html()
    title.value = f'<div class="rl"><b>{name}</b></div>'
    return widgets.VBox([title, *controls])


def _reach(control, value):
    """The slider is stretched where the value lies beyond its ends or between its steps: it would be another one."""
    if isinstance(control, widgets.IntSlider):
        control.max, control.min = max(control.max, value), min(control.min, value)
        if (value - control.min) % control.step:
            control.step = 1


class DesignTrainingExplorer(TrainingExplorer):
    """Designs trained on the same task by the same recipe, each several times with other first weights: a difference
    between two designs means something when it is larger than the one between two runs of the same.

    designs: name → `NetworkDesign`, up to five. task, recipe: as `TrainingExplorer`'s. The runs are kept in this
    session only.
    Controls beside those of `TrainingExplorer`: runs, of each design. The seed is the first run's, and decides the
    order of the pictures for all.
    `results()` gives what they have come to, for the report.
    """

    def __init__(self, designs, task=None, recipe=None, *, runs=3):
        self.runs = slider("runs of each design", runs, 1, 8)
        self.runs.continuous_update = False  # each value builds networks
        self._designs, self._both = dict(designs), ComparisonCurves()
        super().__init__(self._networks, task, recipe)
        self.watch(self.runs)

    def _lay_out(self):
        super()._lay_out()
        first, *rest = self.children
        self.children = [first, row(self.runs), *rest]

    def _networks(self, seed):
        return entrants(self._designs, self.task, range(seed, seed + self.runs.value))

    def results(self):
        """What every run has come to by now, a `comparison.Result` each; none where there is nothing to train."""
        return results(self.race) if self.race else []

    def _draw(self, race, failures):
        found = results(race)
        self.curves.value = f'<div class="rl">{self._both.draw(found)}</div>'
        said = verdict(found) if race.done else ""
        self.table.value = f'<div class="rl">{comparison_table(found)}{said}{failures}</div>'


def verdict(results):
    """How the first design's accuracy differs from each other one's, and whether that may be luck, as HTML."""
    groups = {name: [r.accuracy for r in runs if r.tests] for name, runs in by_design(results).items()}
    (name, ours), *others = groups.items()
    said = ""
    for other, theirs in others:
        if ours and theirs:
            apart = 100 * (sum(ours) / len(ours) - sum(theirs) / len(theirs))
            judged = "one run each does not tell whether that is luck"
            if len(ours) + len(theirs) > 2:
                judged = f"in {luck(ours, theirs):.0%} of all deals chance alone parts the two as far"
            gap = f"{abs(apart):.1f} percentage points {'above' if apart > 0 else 'below'} {escape(other)}"
            said += f"<p><b>{escape(name)}</b> is {gap}; {judged}.</p>"
    return said
