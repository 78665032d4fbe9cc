"""What is illegal in a design."""

from dataclasses import fields, is_dataclass

from .checks import _check_block, _check_stride_on, check


def check_design(design):
    """Raise ValueError with all problems of an illegal design."""
    if problems := design_problems(design):
        raise ValueError("; ".join(problems))


def design_problems(design):
    """Return everything that makes a `network.Design` illegal, a list of sentences."""
    return out_of_range(design) or _ill_fitting(design)


def out_of_range(design):
    """Return the problems of a `network.Design` that no nearest legal design would mend, as sentences: missing parts,
    and numbers that are none."""
    if not is_dataclass(design.stem):
        return [f"Stage 0: {design.stem!r} must be a StemDesign"]
    if not isinstance(design.stages, tuple | list) or len(design.stages) != 4:
        return ["stages must be four StageDesigns, for Stages 1, 2, 3 and 4"]
    found = _no_numbers("Stage 0", C1=design.stem.C1, kernel=design.stem.kernel, S=design.stem.S)
    for i, stage in enumerate(design.stages, 1):
        if is_dataclass(stage):
            found += _no_numbers(f"Stage {i}", **{f.name: getattr(stage, f.name) for f in fields(stage)})
        else:
            found.append(f"Stage {i}: {stage!r} must be a StageDesign")
    found += _no_numbers("The head", num_classes=design.num_classes)
    found += _no_numbers("The input", in_channels=design.in_channels)
    for check_one, value in ((_check_block, design.block), (_check_stride_on, design.stride_on)):
        try:
            check_one(value)
        except ValueError as problem:
            found.append(str(problem))
    return found


def _ill_fitting(design):
    """Return the problems of a `network.Design` whose numbers are in range, as sentences."""
    found, stem = [], design.stem
    if stem.kernel % 2 == 0:
        found.append(f"Stage 0: kernel = {stem.kernel} has no middle pixel: use {stem.kernel - 1} or {stem.kernel + 1}")
    for i, s in enumerate(design.stages, 1):
        if s.C1 % s.groups:
            fitting = " or ".join(str(n) for n in _nearest(divisors(s.C1), s.groups))
            below, above = s.C1 - s.C1 % s.groups, s.C1 + s.groups - s.C1 % s.groups
            channels = " or ".join(f"{n:,}" for n in (below, above) if n)
            found.append(
                f"Stage {i}: groups = {s.groups} does not divide C1 = {s.C1:,}, and every group needs the same "
                f"channels: use groups = {fitting}, or C1 = {channels}"
            )
        if design.block == "basic" and (s.C_out != s.C1 or s.groups != 1 or s.dilation != 1):
            found.append(f"Stage {i}: a basic block has C_out = C1 and no groups or dilation: use bottlenecks")
    return found


def _no_numbers(where, **numbers):
    found = []
    for name, value in numbers.items():
        try:
            check(**{name: value})
        except ValueError as problem:
            found.append(f"{where}: {problem}")
    return found


def divisors(n):
    """Return all whole numbers that divide n, from 1 to n."""
    return [d for d in range(1, n + 1) if n % d == 0]


def _nearest(numbers, value):
    """Return the largest of the numbers below the value and the smallest above it, as far as they exist."""
    below, above = [n for n in numbers if n < value], [n for n in numbers if n > value]
    return below[-1:] + above[:1]
