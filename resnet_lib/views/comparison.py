"""The results of trained designs: a table with the spread from run to run, and their curves."""

from ..experiments.comparison import by_design
from .curves import LOOKS, Chart, Curve, smoothed
from .markup import beside, swatch, table

COLUMNS = "| parameters | MACs | runs | steps | test accuracy | error of one test | from run to run | seconds a run"


def comparison_table(results):
    """Return a row for each design over its runs as HTML: costs, steps, test accuracy with the standard error of one
    test, the accuracies' range from run to run, seconds. `results` as `comparison.results` returns them."""
    rows = []
    for (name, runs), (colour, *_) in zip(by_design(results).items(), LOOKS, strict=False):
        found = [run.accuracy for run in runs if run.tests]
        accuracy, error, spread = "not tested yet", "", ""
        if found:
            accuracy = f"<b>{_mean(found):.1%}</b>"
            error = f"± {max(run.standard_error for run in runs if run.tests):.1%}"
            spread = f"{min(found):.1%} to {max(found):.1%}" if len(found) > 1 else "one run shows none"
        costs = (swatch(colour, name), runs[0].parameters, runs[0].macs, len(runs), min(run.step for run in runs))
        rows.append((*costs, accuracy, error, spread, f"{_mean([run.seconds for run in runs]):,.0f}"))
    return table(COLUMNS, rows)


class ComparisonCurves:
    """Training loss and test accuracy over the steps, the mean of every design's runs, with each run faintly behind.
    ValueError where there are more designs than looks that distinguish their curves."""

    def __init__(self, width=430, height=250):
        self._loss = Chart("step", "training loss", width=width, height=height)
        self._accuracy = Chart("step", "test accuracy (%)", width=width, height=height)

    def draw(self, results):
        """Return both charts side by side, as HTML."""
        groups = by_design(results)
        if len(groups) > len(LOOKS):
            raise ValueError(f"there are {len(groups)} designs, and curves can show {len(LOOKS)}: choose some")
        losses, accuracies, said = [], [], []
        for (name, runs), look in zip(groups.items(), LOOKS, strict=False):
            if len(runs) > 1:
                for run in runs:
                    losses.append(Curve(name, *_smooth(run.losses), look, faint=True))
                    accuracies.append(Curve(name, *_percent(run.tests), look, faint=True))
            x, y = _smooth([_mean(at) for at in zip(*(run.losses for run in runs), strict=False)])
            losses.append(Curve(name, x, y, look))
            tests = zip(*(run.tests for run in runs), strict=False)  # as far as every run was tested
            steps, means = _percent([(at[0][0], _mean([accuracy for _, accuracy in at])) for at in tests])
            accuracies.append(Curve(name, steps, means, look))
            loss, accuracy = (f"{v[-1]:.3g}" if v else "none yet" for v in (y, means))
            said.append(f"{name}: training loss {loss}, test accuracy in percent {accuracy}")
        text, so_far = "; ".join(said), (0, max((run.step for run in results), default=0) or 1)
        charts = (self._loss, losses), (self._accuracy, accuracies)
        return beside(*(chart.draw(curves, text, x_range=so_far) for chart, curves in charts))


def _smooth(losses):
    return smoothed(list(losses), max(4, len(losses) // 25))


def _percent(tests):
    return [step for step, _ in tests], [100 * accuracy for _, accuracy in tests]


def _mean(values):
    return sum(values) / len(values)
