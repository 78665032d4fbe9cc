"""What one value is made of, for the instrument's enlarged map: its arithmetic, and the window of its input."""

from ..experiments.arithmetic import explain_step
from ..views.value import value_table
from .tiles import one_map


def explained(name, module, inputs, output, channel, row, column, *, said_of=""):
    """Return (said, buffers) for `InstrumentExplorer.enlarged`.

    module, inputs, output: a step that has run, as `activations.calls` keeps it. channel counts from the first that
    was computed. said_of: a line above the arithmetic.
    """
    value = explain_step(module, inputs, output, channel, row, column, name=name)
    said, buffers = {"html": said_of + value_table(value)}, []
    if hasattr(value, "rows"):
        # Of many input channels the one that contributes most is drawn.
        source = value.strongest(1)[0][0] if hasattr(value, "strongest") else channel
        drawn, levels = one_map(inputs[0][0, source].detach())
        rows, columns = ([places[0], places[-1] + 1] for places in (value.rows, value.columns))
        said["window"] = {"channel": source, **drawn, "rows": rows, "columns": columns}
        buffers = [levels]
    return said, buffers
