"""A prediction as a widget: the question, a place for the guess, and what it says about it."""

from html import escape

import ipywidgets as widgets

from ..explorers.base import alone, error, html, row, style
from ..explorers.stills import Still
from ..views.style import SUM
from .progress import done

WANTED = {"shape": "C, H, W", "numbers": "three whole numbers", "number": "a whole number", "factors": "such as 2, 1/9"}


class Prediction(Still, widgets.VBox):
    """Asks a `Question`. Enter or the button commits; the answer shows when the guess is right, or is asked for.

    Controls (attributes of these names): guess, commit, hint, reveal. tries: how many guesses there were. `exercise` is
    noted as solved when the guess is right, and not when the answer is asked for.
    """

    def __init__(self, question, *, exercise=None):
        self.question, self.exercise, self.tries, self.shown, self.last = question, exercise, 0, 0, None
        self.asked = html()
        self.asked.value = f'<div class="rl"><p><b>{escape(question.text)}</b></p></div>'
        if question.kind == "choice":
            self.guess = widgets.RadioButtons(options=question.options, value=None, layout={"width": "auto"})
        else:
            self.guess = widgets.Text(placeholder=WANTED[question.kind], continuous_update=False)
            self.guess.observe(lambda _change: alone(self._try), names="value")
        self.commit = widgets.Button(description="Commit", tooltip="hold your prediction against the answer")
        self.hint = widgets.Button(tooltip="a step towards the answer")
        self.reveal = widgets.Button(description="Show the answer", disabled=True, tooltip="after a first try")
        self.said = html()
        for button, work in ((self.commit, self._try), (self.hint, self._hint), (self.reveal, self._reveal)):
            button.on_click(lambda _button, work=work: alone(work))
        buttons = [self.commit, *([self.hint] if question.hints else []), self.reveal]
        self._name_hint()
        choice = question.kind == "choice"
        rows = [self.guess, row(*buttons)] if choice else [row(self.guess, *buttons)]
        super().__init__()
        self.children = [style(self), self.asked, *rows, self.said]

    def _try(self):
        if self.guess.value in (None, "", self.last):
            return  # in a browser, leaving the text field for the button has committed it already
        self.last = self.guess.value
        right, sentence = self.question.judge(self.guess.value)
        self.tries += 1
        self.reveal.disabled = right
        if right:
            done(self.exercise)
        self._say(sentence, right)

    def _hint(self):
        self.shown = min(self.shown + 1, len(self.question.hints))
        self._name_hint()
        self._say(f"Hint {self.shown}: {self.question.hints[self.shown - 1]}", None)

    def _name_hint(self):
        left = len(self.question.hints) - self.shown
        self.hint.description = f"Hint ({left} left)" if left else "Last hint"

    def _reveal(self):
        answer = self.question.judge(self.question.answer)[1].removeprefix("Right: ")
        self._say(f"It is {answer}", None)

    def _say(self, sentence, right):
        if right is False:
            body = error(sentence)
        else:
            mark = f'<b style="color:{SUM}">✓</b> ' if right else ""
            body = f'<p role="status">{mark}{escape(sentence)}</p>'
        self.said.value = f'<div class="rl">{body}</div>'
