"""What one value is made of, for the instrument's enlarged map: its arithmetic, and the window of its input."""

from ..inside.arithmetic import explain_step
from ..views.maps import scale, to_levels
from ..views.value import value_table


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
        plane = inputs[0][0, source].detach()
        signed, limit = scale(plane)
        buffers = [to_levels(plane, limit, signed).contiguous().numpy().tobytes()]
        window = {"channel": source, "side": list(plane.shape), "signed": signed, "limit": limit}
        window |= {"rows": [value.rows[0], value.rows[-1] + 1], "columns": [value.columns[0], value.columns[-1] + 1]}
        said["window"] = window
    return said, buffers
