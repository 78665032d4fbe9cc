"""A bottleneck block drawn: F on the left, the shortcut on the right, the sum where they meet. SVG text."""

from dataclasses import replace

from .style import ERROR, LARGE, MAIN, NORMAL, PAPER, QUIET, SHORTCUT, SUM, TEXT
from .svg import drawing, words

X_MAIN, X_SIDE = 92, 282  # the middle of F's boxes, and of the shortcut's
BOX, SIDE_BOX, HIGH = 150, 132, 25  # width of F's boxes and of G's, height of every box
Y_INPUT = 22  # where x enters


def block_diagram(steps, size, *, marked=(), clash=None):
    """Return the diagram of a bottleneck block as SVG, 380 pixels wide; every edge carries the shape along it.

    steps:  its steps by name (`Anatomy.steps` as a dictionary name → Step), as far as they are known, or `lettered`.
    size:   shape of the input, (C, W, W).
    marked: names of the steps being looked at.
    clash:  the two shapes (F's, the shortcut's) where they cannot be added.
    """
    main, y = _main_path(steps, size, marked)
    y_sum = y + 44
    shapes = clash or (steps["bn3"].shape, steps["bn3"].shape)
    # Shapes that cannot be added are drawn in the colour of errors, on both ways to the sum.
    look = {"colour": ERROR, "bold": True} if clash else {}
    body = main + arrow(X_MAIN, y, X_MAIN, y_sum - 13, ERROR if clash else MAIN)
    body += words(X_MAIN + 9, y + 16, f"F(x) {_shape(shapes[0])}", **look)
    way, y_out, name = _shortcut(steps, marked, y_sum)
    colour = ERROR if clash else SHORTCUT
    body += way + arrow(X_SIDE, y_out, X_SIDE, y_sum, colour, head=False)
    body += arrow(X_SIDE, y_sum, X_MAIN + 14, y_sum, colour)
    body += words(X_SIDE - 7, y_sum - 8, f"{name} {_shape(shapes[1])}", "end", **look)
    meeting, height = _sum(steps, marked, y_sum, clash)
    what = "they cannot be added." if clash else "they are added."
    f, side = map(_shape, shapes)
    said = f"Diagram of the block. x has shape {_shape(size)}, F(x) {f}, the shortcut {side}; {what}"
    return drawing(380, height, said, body + meeting)


def _main_path(steps, size, marked):
    """F from x to its last BN, and where that ends."""
    y = Y_INPUT + 26
    drawn = words(X_MAIN, Y_INPUT - 8, f"x  {_shape(size)}", "middle")
    drawn += arrow(X_MAIN, Y_INPUT, X_MAIN, y, MAIN) + arrow(X_MAIN, y - 14, X_SIDE, y - 14, SHORTCUT, head=False)
    left, half = X_MAIN - BOX // 2, (BOX - 4) // 2
    for n in "123":
        conv = steps[f"conv{n}"]
        text = f"{conv.kind.replace(' in ', ', ')}, {_number(conv.shape[0])}"
        drawn += _box(left, y, BOX, text, MAIN, marked, f"conv{n}")
        y += HIGH + 3
        drawn += _box(left, y, BOX if n == "3" else half, "BN", MAIN, marked, f"bn{n}")
        if n != "3":
            drawn += _box(left + half + 4, y, half, "ReLU", MAIN, marked, f"relu{n}")
            drawn += arrow(X_MAIN, y + HIGH, X_MAIN, y + HIGH + 24, MAIN)
            drawn += words(X_MAIN + 9, y + HIGH + 16, _shape(conv.shape))
            y += 24
        y += HIGH
    return drawn, y


def _shortcut(steps, marked, y_sum):
    """G or the identity, where it ends, and its name."""
    y_branch = Y_INPUT + 12
    middle = (y_branch + y_sum) // 2
    if "shortcut.conv" in steps:
        g, left, top = steps["shortcut.conv"], X_SIDE - SIDE_BOX // 2, middle - 50
        inside = ("shortcut.conv", "shortcut.bn") if "shortcut" in marked else marked
        drawn = arrow(X_SIDE, y_branch, X_SIDE, top, SHORTCUT)
        drawn += _box(left, top, SIDE_BOX, f"{g.kind}, {_number(g.shape[0])}", SHORTCUT, inside, "shortcut.conv")
        drawn += _box(left, top + HIGH + 3, SIDE_BOX, "BN", SHORTCUT, inside, "shortcut.bn")
        return drawn, top + 2 * HIGH + 3, "G(x)"
    drawn = words(X_SIDE + 9, middle - 12, "identity:", colour=QUIET)
    drawn += words(X_SIDE + 9, middle + 4, "x itself", colour=QUIET)
    return drawn + (_eye(X_SIDE - 16, middle - 5) if "shortcut" in marked else ""), y_branch, "x"


def _sum(steps, marked, y, clash):
    """The sum at that height and what follows it, and the height of the whole drawing."""
    stroke = ERROR if clash else SUM
    drawn = f'<circle cx="{X_MAIN}" cy="{y}" r="13" fill="{PAPER}" stroke="{stroke}" '
    drawn += f'stroke-width="{4 if "add" in marked else 2}"/>'
    drawn += words(X_MAIN, y + 6, "✕" if clash else "+", "middle", size=LARGE, colour=stroke, bold=True)
    if clash:
        said = words(X_MAIN, y + 34, "no sum: the shapes differ", "middle", colour=ERROR, bold=True)
        return drawn + said, y + 46
    drawn += _eye(X_MAIN - 34, y + 5) if "add" in marked else ""
    drawn += arrow(X_MAIN, y + 13, X_MAIN, y + 27, SUM)
    drawn += _box(X_MAIN - BOX // 2, y + 27, BOX, "ReLU", SUM, marked, "relu3")
    y += 27 + HIGH
    drawn += arrow(X_MAIN, y, X_MAIN, y + 18, SUM)
    return drawn + words(X_MAIN, y + 33, f"y  {_shape(steps['relu3'].shape)}", "middle"), y + 40


def lettered(steps):
    """Return the steps of a BTNK1 or BTNK2 (v1.5) with letters in the place of numbers, and the letters of its input,
    for `block_diagram`. Steps: name → Step. A stride is written /S wherever the block takes one."""
    projection = "shortcut.conv" in steps
    inside, out, side = ("C1", "4·C1", "W/S") if projection else ("C/4", "C", "W")
    given = {"conv1": (inside, "W"), "bn1": (inside, "W"), "relu1": (inside, "W")}
    given |= {name: (inside, side) for name in ("conv2", "bn2", "relu2")}
    strided = ("conv2", "shortcut.conv") if projection else ()
    letters = {}
    for name, step in steps.items():
        channels, width = given.get(name, (out, side))
        kind = step.kind.partition(" /")[0] + " /S" if name in strided else step.kind
        letters[name] = replace(step, kind=kind, shape=(channels, width, width))
    return letters, ("C", "W", "W")


def _number(value):
    return value if isinstance(value, str) else f"{value:,}"


def _shape(shape):
    return f"({', '.join(map(str, shape))})"


def arrow(x1, y1, x2, y2, colour, head=True):
    """Return a line along an axis, with a head unless told otherwise."""
    dash = ' stroke-dasharray="5 3"' if colour == ERROR else ""
    line = f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}" stroke-width="2"{dash}/>'
    return line + (_head(x1, y1, x2, y2, colour) if head else "")


def _head(x1, y1, x2, y2, colour):
    """The head of an arrow along an axis. Not a marker: that has an id, and of two drawings in one page with the same
    ids, one in a hidden tab takes the heads from the other."""
    dx, dy = (x2 > x1) - (x2 < x1), (y2 > y1) - (y2 < y1)
    x, y = x2 - 13 * dx, y2 - 13 * dy
    return f'<path d="M{x2 + dx},{y2 + dy} L{x - 7 * dy},{y + 7 * dx} L{x + 7 * dy},{y - 7 * dx} z" fill="{colour}"/>'


def _box(x, y, width, text, colour, marked, name):
    """The box of a step, filled where its name is marked."""
    looked_at = name in marked
    fill, ink = (colour, "#ffffff") if looked_at else (PAPER, TEXT)
    return (
        f'<g><title>{name}</title><rect x="{x}" y="{y}" width="{width}" height="{HIGH}" rx="4" '
        f'fill="{fill}" stroke="{colour}" stroke-width="{3 if looked_at else 1.5}"/>'
        f"{words(x + width / 2, y + HIGH - 8, text, 'middle', size=NORMAL, colour=ink, bold=looked_at)}</g>"
        f"{_eye(x - 16, y + HIGH - 7) if looked_at else ''}"
    )


def _eye(x, y):
    """The mark of the step looked at, beside its colour: ▶."""
    return words(x, y, "▶")
