"""What trained designs came to: a table with the spread from run to run, and their curves. HTML and SVG text."""

from html import escape

from ..experiments.comparison import by_design
from .curves import LOOKS, Chart, Curve, smoothed


def comparison_table(results):
    """A row a design, over its runs: costs, steps, test accuracy with the standard error of one test, the accuracies'
    range from run to run, seconds. `results` as `comparison.results` gives them."""
    rows = ""
    for (name, runs), (colour, *_) in zip(by_design(results).items(), LOOKS, strict=False):
        found = [run.accuracy for run in runs if run.tests]
        accuracy, error, spread = "not tested yet", "", ""
        if found:
            accuracy = f"<b>{sum(found) / len(found):.1%}</b>"
            error = f"± {max(run.standard_error for run in runs if run.tests):.1%}"
            spread = f"{min(found):.1%} to {max(found):.1%}" if len(found) > 1 else "one run shows none"
        seconds = sum(run.seconds for run in runs) / len(runs)
        cells = (
            f'<span style="color:{colour}">■</span> {escape(name)}',
            f"{runs[0].parameters:,}",
            f"{runs[0].macs:,}",
            len(runs),
            f"{min(run.step for run in runs):,}",
            accuracy,
            error,
            spread,
            f"{seconds:,.0f}",
        )
        rows += "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
    names = (
        "",
        "parameters",
        "MACs",
        "runs",
        "steps",
        "test accuracy",
        "error of one test",
        "from run to run",
        "seconds a run",
    )
    head = "".join(f"<th>{name}</th>" for name in names)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


class ComparisonCurves:
    """Training loss and test accuracy over the steps, the mean of every design's runs, with the runs weakly behind.
    ValueError where there are more designs than looks to tell their curves apart."""

    def __init__(self, width=430, height=250):
        self._loss = Chart("step", "training loss", width=width, height=height)
        self._accuracy = Chart("step", "test accuracy (%)", width=width, height=height)

    def draw(self, results):
        """Both charts side by side, as HTML."""
        groups = by_design(results)
        if len(groups) > len(LOOKS):
            raise ValueError(f"there are {len(groups)} designs, and curves can tell {len(LOOKS)} apart: choose some")
        losses, accuracies, said = [], [], []
        for (name, runs), look in zip(groups.items(), LOOKS, strict=False):
            if len(runs) > 1:
                for run in runs:
                    losses.append(Curve(name, *_smooth(run.losses), look, faint=True))
                    tests = [(step, 100 * accuracy) for step, accuracy in run.tests]
                    accuracies.append(Curve(name, *_columns(tests), look, faint=True))
            x, y = _smooth([_mean(at) for at in zip(*(run.losses for run in runs), strict=False)])
            losses.append(Curve(name, x, y, look))
            tests = zip(*(run.tests for run in runs), strict=False)  # as far as every run was tested
            means = [(at[0][0], 100 * _mean([accuracy for _, accuracy in at])) for at in tests]
            accuracies.append(Curve(name, *_columns(means), look))
            loss, accuracy = (f"{v[-1]:.3g}" if v else "none yet" for v in (y, _columns(means)[1]))
            said.append(f"{name}: training loss {loss}, test accuracy in percent {accuracy}")
        text, so_far = "; ".join(said), (0, max((run.step for run in results), default=0) or 1)
        return (
            '<div class="side" style="display:flex;flex-wrap:wrap;gap:8px">'
            f"{self._loss.draw(losses, text, x_range=so_far)}"
            f"{self._accuracy.draw(accuracies, text, x_range=so_far)}</div>"
        )


def _smooth(losses):
    return smoothed(list(losses), max(4, len(losses) // 25))


def _columns(points):
    return [x for x, _ in points], [y for _, y in points]


def _mean(values):
    return sum(values) / len(values)
