"""Costs as bars and tables."""

from html import escape

from .markup import share_bar, shown, table


def cost_bars(anatomy, by="stage"):
    """Return parameters and MACs of an `Anatomy`, one row a stage (by="stage") or a step (by="step"), each with a
    bar of its share. Displays itself in a notebook. ValueError for another `by`."""
    if by not in ("stage", "step"):
        raise ValueError(f'by = {by!r} must be "stage" or "step"')
    steps = anatomy.by_stage() if by == "stage" else [s for s in anatomy.steps if s.parameters or s.macs]
    return shown(cost_table(steps, anatomy))


def cost_table(steps, whole, marked=None):
    """Return rows of Steps with their output shapes, and bars for their shares of the whole `Anatomy`, as HTML; the
    row of the step called `marked` stands out."""
    rows = [(escape(s.name), s.shape, *cost_cells(s, whole)) for s in steps]
    rows.append(("total", "", whole.parameters, "", whole.macs, ""))
    kinds = {i: "marked" for i, s in enumerate(steps) if s.name == marked}
    return table("| output (C, H, W) | parameters | | MACs |", rows, kinds=kinds | {-1: "total"})


def cost_cells(step, whole, width=110):
    """Return the parameters and MACs of a step as cells of a table, each with the bar of its share of the whole."""
    bars = share_bar(step.parameters, whole.parameters, width), share_bar(step.macs, whole.macs, width)
    return step.parameters, bars[0], step.macs, bars[1]
