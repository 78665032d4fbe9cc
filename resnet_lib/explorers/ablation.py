"""Blocks removed from one network or two, or swapped, and the accuracy that remains."""

from html import escape
from statistics import median

import ipywidgets as widgets
import torch

from ..experiments.ablation import effects, measure, one_by_one, partners, removable, swapped, why_not, without
from ..experiments.twins import blocks
from ..views.ablation import ablation_table
from ..views.curves import LOOKS, Chart, Curve
from .base import STYLE, Guarded, choice, columns, error, html, row, toggle
from .subjects import networks_or_bundled, tasks_for
from .work import Work

VIEWS = {
    "each block alone": "each",
    "more and more blocks": "more",
    "blocks of your choice": "chosen",
    "two blocks swapped": "swap",
}
ORDERS = {"at random, three times": (0, 1, 2), "from the first on": (None,), "from the last back": ("back",)}


class AblationExplorer(Guarded):
    """What networks lose with each of their blocks, with more and more of them, or when two change places.

    networks: one network or two with blocks of the same names, such as `plain.twins`: a dictionary, what it is called
              → network. The bundled one unless given.
    task:     a `tasks.Task` with which all are measured. Unless given, each is measured by its own answers to pieces of
              the bundled photographs: how often it still answers as it did when it was whole.
    n:        how many of the task's test pictures are used.
    Controls (attributes of these names): view, work (with start and stop), order, chosen, one, other.
    Raises ValueError for networks or a task that do not fit.
    """

    def __init__(self, networks=None, task=None, n=500):
        super().__init__()
        self.networks = networks_or_bundled(networks)
        _check(self.networks)
        self.blocks = [name for name in blocks(next(iter(self.networks.values()))) if name]
        self.tasks = tasks_for(self.networks, task, n)
        self.whole = {name: measure(network, self.tasks[name]) for name, network in self.networks.items()}
        self._of = "agreement" if task is None else "accuracy"
        self._each = {name: {} for name in self.networks}
        self._more = []  # (network, order, [Effect, …]) of each line
        self._chart = Chart("blocks removed", f"{self._of} (%)", width=560, height=260)

        self.view = toggle("take away", VIEWS, "each")
        self.work = Work("take them away", self._begin, "measurements", self.say)
        self.order = choice("order", ORDERS)
        self.chosen = widgets.SelectMultiple(
            options=self.blocks,
            value=(self.blocks[-1],),
            rows=min(len(self.blocks), 16),
            description="without",
            style=STYLE,
            layout=widgets.Layout(width="220px"),
        )
        start = next((b for b in self.blocks if self._partners(b)), self.blocks[0])
        self.one, self.other = choice("swap", self.blocks, start), choice("with", self._partners(start))
        self.about, self.result = html(), html()
        self.watch(self.view, self.order, self.chosen, self.one, self.other)
        self._swap = row(self.one, self.other)
        side = columns(self.chosen, self.result, width="100%")
        self.lay_out(self.about, self.view, row(self.order, self.work), self._swap, self.problem, side)
        self.hidden = (self.result,)
        self.about.show(self._about())
        self.attempt(self.update)

    def _partners(self, name):
        return partners(next(iter(self.networks.values())), name)

    # ── the controls ──

    def changed(self, control):
        if control in (self.view, self.order):
            self.work.forget()
        if control is self.order:
            self._more = []
        if control is self.one:
            with self.quietly():
                options = self._partners(self.one.value)
                self.other.options, self.other.value = options, options[0] if options else None
        self.update()

    def update(self):
        view = self.view.value
        self.work.layout.display = "" if view in ("each", "more") else "none"
        self.order.layout.display = "" if view == "more" else "none"
        self.chosen.layout.display = "" if view == "chosen" else "none"
        self._swap.layout.display = "" if view == "swap" else "none"
        shown = {"each": self._show_each, "more": self._show_more, "chosen": self._chosen, "swap": self._swapped}
        self.result.show(shown[view](), "margin-top:6px")

    # ── long work ──

    def _begin(self):
        return self._begin_each() if self.view.value == "each" else self._begin_more()

    def _begin_each(self):
        self._each = {name: {} for name in self.networks}
        work = {name: effects(network, self.tasks[name]) for name, network in self.networks.items()}
        total = sum(len(removable(network)) for network in self.networks.values())
        done = 0
        while work:  # by turns, so that both columns grow together
            for name in list(work):
                effect = next(work[name], None)
                if effect is None:
                    del work[name]
                    continue
                self._each[name][effect.removed[0]] = effect
                done += 1
                self.update()
                yield done, total

    def _begin_more(self):
        self._more = []
        names = self._removable_in_all()
        seeds = ORDERS[self.order.label]
        total = len(seeds) * len(self.networks) * (len(names) + 1)
        done = 0
        for seed in seeds:
            for name, network in self.networks.items():
                choices = one_by_one(names[::-1]) if seed == "back" else one_by_one(names, seed)
                self._more.append((name, seed, []))
                for effect in effects(network, self.tasks[name], choices):
                    self._more[-1][2].append(effect)
                    done += 1
                    self.update()
                    yield done, total

    def run(self):
        """Take them away, here and now, as the button does. Interrupt the kernel (■) to stop; calling it again
        resumes."""
        self.work.run()

    def _removable_in_all(self):
        fits = [set(removable(network)) for network in self.networks.values()]
        return [name for name in self.blocks if all(name in each for each in fits)]

    # ── what is shown ──

    def _about(self):
        text = ""
        for name in self.networks:
            said = self._about_accuracy if self._of == "accuracy" else self._about_agreement
            text += f"<p><b>{escape(name)}</b>: {said(self.whole[name][0], self.tasks[name])}</p>"
        return text + (
            '<p class="quiet">BN keeps the means and variances from training, which belong to the whole network: part '
            "of every loss comes from that.</p>"
        )

    @staticmethod
    def _about_accuracy(accuracy, task):
        guess, n = 1 / len(task.classes), len(task.test[1])
        text = f"{accuracy:.0%} of {n:,} pictures right (guessing: {guess:.0%}). "
        # Three standard deviations above guessing is more than chance brings.
        if accuracy > guess + 3 * (guess * (1 - guess) / n) ** 0.5:
            return text
        return text + (
            "That is no better than guessing, as with an untrained network: it has nothing to lose, so train it first."
        )

    @staticmethod
    def _about_agreement(_accuracy, task):
        answers = task.test[1]
        common = torch.bincount(answers).max().item() / len(answers)
        text = (
            f"there are no labels for it here, so its own answers to {len(answers):,} pieces of the bundled "
            "photographs, right or wrong, replace them. Agreement is the share of answers that stay the same. "
        )
        if common < 0.9:
            return text
        return text + (
            f"{common:.0%} of its answers are one and the same class, as untrained networks' often are: then agreement "
            "says little."
        )

    def _rows(self):
        rows = [("nothing", "the whole network", False, [self.whole[name][0] for name in self.networks])]
        for block in self.blocks:
            cells = []
            for name, network in self.networks.items():
                effect = self._each[name].get(block)
                cells.append("not possible" if why_not(network.get_submodule(block)) else effect and effect.accuracy)
            module = next(iter(self.networks.values())).get_submodule(block)
            opens = module.C != module.C_out or module.S != 1
            rows.append((block, type(module).__name__ + (", opens its stage" if opens else ""), opens, cells))
        return rows

    def _full(self):
        """Where bars and lines end: all, or a fifth, two fifths … where that is enough for the whole networks."""
        best = max(accuracy for accuracy, _loss in self.whole.values())
        return next(full / 5 for full in range(1, 6) if best <= full / 5 - 0.03 or full == 5)

    def _guess(self):
        return None if self._of == "agreement" else 1 / len(next(iter(self.tasks.values())).classes)

    def _show_each(self):
        note = ""
        for name, found in self._each.items():
            if len(found) > 1:
                left = {block: effect.accuracy for block, effect in found.items()}
                note += (
                    f"<p><b>{escape(name)}</b>: {self.whole[name][0]:.0%} as a whole, {min(left.values()):.0%} to "
                    f"{max(left.values()):.0%} without one block, median {median(left.values()):.0%}; "
                    f"{min(left, key=left.get)} is missed most.</p>"
                )
        note = note or (
            f"<p>Which block will be missed most? Commit to one, then press “{self.work.start.description}”.</p>"
        )
        table = ablation_table(list(self.networks), self._rows(), self._guess(), self._full())
        return f'{note}{table}<p class="quiet">{self._about_bars()}</p>'

    def _about_bars(self):
        text = f"A full bar is {self._full():.0%}; the line in it is the {self._of} of the whole network"
        text += "." if self._guess() is None else ", the dotted one that of guessing."
        known = [(e.accuracy, len(self.tasks[n].test[1])) for n, found in self._each.items() for e in found.values()]
        if known:
            chance = max(2 * (accuracy * (1 - accuracy) / n) ** 0.5 for accuracy, n in known)
            text += f" With other pictures a bar might be up to {chance:.0%} longer or shorter."
        refused = [name for name, network in self.networks.items() if any(map(why_not, blocks(network).values()))]
        if refused:
            text += (
                f" Not possible in {' and '.join(refused)}: the block changes the shape, and nothing else leads from "
                "one shape to the other."
            )
        return text

    def _show_more(self):
        names = self._removable_in_all()
        note = f"{len(names)} of {len(self.blocks)} blocks can go"
        shape = " in every one of these networks; those that change the shape stay."
        note += shape if len(names) < len(self.blocks) else "."
        curves, words = self._losing(len(names))
        if not curves:
            ask = f"How many, before half of the {self._of} is gone? Commit to a number, then press the button."
            return f"<p>{note} {ask}</p>"
        text = f"{self._of} against the number of blocks removed: " + "; ".join(
            f"{curve.name} from {curve.y[0]:.0f} to {curve.y[-1]:.0f} percent" for curve in curves if not curve.faint
        )
        level = None if self._guess() is None else (100 * self._guess(), "guessing")
        ranges = {"x_range": (0, len(names)), "y_range": (0, 100 * self._full())}
        if len(ORDERS[self.order.label]) > 1:
            note += " Thin lines: three random orders; the thick one is their mean."
        return f'{words}{self._chart.draw(curves, text, level=level, **ranges)}<p class="quiet">{note}</p>'

    def _losing(self, n):
        """The curves of the networks as they lose up to n blocks, and when half of each is gone, in words."""
        curves, words = [], ""
        for name, look in zip(self.networks, LOOKS if len(self.networks) > 1 else LOOKS[1:], strict=False):
            runs = [[100 * e.accuracy for e in found] for owner, _, found in self._more if owner == name and found]
            if not runs:
                continue
            middle = [sum(at) / len(at) for at in zip(*runs, strict=False)]
            if len(runs) > 1:
                curves += [Curve(name, list(range(len(run))), run, look, faint=True) for run in runs]
            curves.append(Curve(name, list(range(len(middle))), middle, look))
            if len(runs[0]) > 1:
                half = next((k for k, a in enumerate(middle) if a < 50 * self.whole[name][0]), None)
                down = f"is down to less than half of its {self._of} after {half} of {n} blocks."
                words += f"<p><b>{escape(name)}</b> {down if half else f'has not lost half of its {self._of}.'}</p>"
        return curves, words

    def _chosen(self):
        names = self.chosen.value
        cells = [self._left(name, lambda network: without(network, *names)) for name in self.networks]
        hint = "Ctrl or Shift with a click or an arrow key chooses several."
        return self._two_rows(f"{len(names)} of {len(self.blocks)} blocks", ", ".join(names), cells, hint)

    def _swapped(self):
        one, other = self.one.value, self.other.value
        if other is None:
            return f"<p>{one} has no partner: no other block takes and gives as many channels, with the same S.</p>"
        cells = [self._left(name, lambda network: swapped(network, one, other)) for name in self.networks]
        return self._two_rows(f"{one} ⇄ {other}", "swapped", cells, "", "")

    def _left(self, name, change):
        """The accuracy of the changed network, or the ValueError that says why there is none."""
        try:
            return measure(change(self.networks[name]), self.tasks[name])[0]
        except ValueError as problem:
            return problem

    def _two_rows(self, title, what, cells, hint, head="without"):
        problems = "".join(
            error(f"{name}: {cell}")
            for name, cell in zip(self.networks, cells, strict=True)
            if isinstance(cell, ValueError)
        )
        shown = ["not possible" if isinstance(cell, ValueError) else cell for cell in cells]
        rows = [self._rows()[0], (title, what, False, shown)]
        table = ablation_table(list(self.networks), rows, self._guess(), self._full(), head)
        return f'{table}{problems}<p class="quiet">{hint}</p>'


def _check(networks):
    names = [[n for n in blocks(network) if n] for network in networks.values()]
    if not all(names):
        raise ValueError("this network has no blocks of resnet_lib: build it from BTNK1, BTNK2 or BasicBlock")
    if names[0] != names[-1]:
        raise ValueError("the two networks must have blocks of the same names, as twins have, to be compared")
