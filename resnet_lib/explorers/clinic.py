"""The broken-block clinic: a patient, four examinations, and a diagnosis to choose."""

import time
from html import escape

import ipywidgets as widgets

from ..compare.clinic import EXAMINATIONS, Trial, prove, shapes, statistics
from ..compare.clinic.patients import PATIENTS
from ..views.clinic import code_block, finding, repair, sign
from .base import Guarded, alone, choice, html, one_thread, row, style
from .work import Work


class ClinicExplorer(Guarded):
    """A network with one mistake: examine it, and choose the diagnosis.

    patient: a name from PATIENTS. steps: of the trial training; the library's unless given.
    Controls (attributes of these names): patient, shapes, statistics, ladder (buttons that examine), training (a
    `Work` with start and stop), diagnosis. `examine(name)` runs an examination from a cell and returns what it found;
    `found` keeps what the examinations of this patient found, name → result.
    """

    def __init__(self, patient="eager", steps=None):
        super().__init__()
        self._steps = steps
        names = [(f"{i}. “{case.complaint}”", name) for i, (name, case) in enumerate(PATIENTS.items(), 1)]
        self.patient = choice("patient", names, patient)
        self.shapes, self.statistics, self.ladder = (self._button(name) for name in list(EXAMINATIONS)[:3])
        self.training = Work("training", self._train, "steps", self.say)
        self.training.start.tooltip = EXAMINATIONS["training"][0]
        self.diagnosis = widgets.RadioButtons(options=["?"], layout=widgets.Layout(width="auto", max_width="1000px"))
        self._head, self._feedback, self._code = html(), html(), html()
        self._views = {name: html() for name in EXAMINATIONS}
        self.watch(self.patient, self.diagnosis)
        self.children = [
            style(self),
            row(self.patient),
            self._code,
            row(widgets.HTML("<b>examine</b>"), self.shapes, self.statistics, self.ladder, self.training),
            self.problem,
            *self._views.values(),
            self._head,
            self.diagnosis,
            self._feedback,
        ]
        self.attempt(self._admit)

    def _button(self, name):
        button = widgets.Button(description=name, tooltip=EXAMINATIONS[name][0], layout=widgets.Layout(width="auto"))
        button.on_click(lambda _button: alone(lambda: self.attempt(lambda: self.examine(name))))
        return button

    @property
    def case(self):
        """The patient that is here."""
        return PATIENTS[self.patient.value]

    def changed(self, control):
        if control is self.patient:
            self._admit()
        else:
            self._judge()

    def update(self):
        self._admit()

    def _admit(self):
        """A new patient: nothing is known of it yet."""
        self.training.forget()
        self.found = {}
        with self.quietly():
            self.diagnosis.options = self.case.choices
            self.diagnosis.index = None
        for view in self._views.values():
            view.value = ""
        code = code_block(self.case.code)
        self._code.value = f'<div class="rl"><details><summary>its code</summary>{code}</details></div>'
        self._head.value = '<div class="rl"><p><b>Your diagnosis</b></p></div>'
        self._feedback.value = ""

    # ── examinations ──

    def examine(self, name):
        """Examine this patient now, and return what was found. name: a key of EXAMINATIONS; ValueError for others."""
        if name not in EXAMINATIONS:
            raise ValueError(f"no examination is called {name!r}; there are {', '.join(EXAMINATIONS)}")
        if name == "training":
            self.training.run()
            return self.found[name]
        case = self.case
        with one_thread():
            found = {
                "shapes and counts": lambda: shapes(case.parts),
                "statistics": lambda: statistics(case.parts, case.healthy),
                "ladder of proof": lambda: prove(case.parts),
            }[name]()
        self._show(name, found)
        return found

    def _show(self, name, found):
        self.found[name] = found
        self._views[name].value = finding(name, found)

    def _train(self):
        """Train for a moment, and show how it goes; a generator of (done, total)."""
        trial = Trial(self.case.parts, self.case.healthy, self._steps)
        drawn, pause = 0.0, 0.0
        for step in trial:
            now = time.monotonic()
            if now - drawn > pause:
                self._show("training", trial)
                drawn = time.monotonic()
                pause = max(0.5, 5 * (drawn - now))  # most of the time is for training
            yield step, trial.steps
        self._show("training", trial)

    # ── the diagnosis ──

    def _judge(self):
        if self.diagnosis.value is None:
            return
        right, why = self.case.feedback(self.diagnosis.value)
        if not right:
            self._feedback.value = f'<div class="rl"><p>{sign(True)} <b>That does not fit.</b> {escape(why)}</p></div>'
            return
        n = len(self.found)
        count = f"{n} examination{'' if n == 1 else 's'}" if n else "no examination, from the code or by luck"
        links = ", ".join(f'<a href="{url}" target="_blank">{escape(name)}</a>' for name, url in self.case.sources)
        seen = f'<p class="quiet">Threads about it: {links}</p>' if links else ""
        mended = repair(self.case)
        # Folded: the lesson asks for a diagnosis first, and then for this very change as an exercise.
        change = f"<details><summary>what to change</summary>{mended}</details>" if mended else ""
        self._feedback.value = (
            f'<div class="rl" style="max-width:1000px"><p>{sign(False)} <b>Right</b>, after {count}. '
            f"{escape(why)}</p>{change}{seen}</div>"
        )
