"""A bottleneck block drawn: F on the left, the shortcut on the right, the sum where they meet. SVG text."""

from dataclasses import replace

from .style import ERROR, LARGE, MAIN, NORMAL, PAPER, QUIET, SHORTCUT, SMALL, SUM, TEXT

X_MAIN, X_SIDE = 92, 282  # the middle of F's boxes, and of the shortcut's
BOX, HIGH = 150, 25  # width of a convolution's box, height of every box


def block_diagram(steps, size, *, marked=(), clash=None):
    """The diagram of a bottleneck block.

    steps:  its steps by name (`Anatomy.steps` as a dictionary name → Step), up to where they are known, or `lettered`.
    size:   shape of the input, (C, W, W).
    marked: names of the steps being looked at.
    clash:  the two shapes (F's, the shortcut's) where they cannot be added.
    Returns SVG as text, 380 pixels wide. Every edge carries the shape that flows along it.
    """
    parts = []
    y = 14
    parts.append(_label(X_MAIN, y, f"x  {_shape(size)}", anchor="middle"))
    y_input = y + 8
    y = y_input + 12
    # The shortcut leaves here.
    parts.append(_line(X_MAIN, y_input, X_MAIN, y + 14, MAIN))
    parts.append(_line(X_MAIN, y, X_SIDE, y, SHORTCUT, arrow=False))
    y_branch = y
    y += 14
    for n in "123":
        conv, bn = steps[f"conv{n}"], steps[f"bn{n}"]
        text = f"{conv.kind.replace(' in ', ', ')}, {_number(conv.shape[0])}"
        parts.append(_box(X_MAIN - BOX // 2, y, BOX, text, MAIN, conv.name in marked, "conv" + n))
        y += HIGH + 3
        half = (BOX - 4) // 2
        wide = half if n != "3" else BOX
        parts.append(_box(X_MAIN - BOX // 2, y, wide, "BN", MAIN, bn.name in marked, "bn" + n))
        if n != "3":
            relu = f"relu{n}"
            parts.append(_box(X_MAIN - BOX // 2 + half + 4, y, half, "ReLU", MAIN, relu in marked, relu))
        y += HIGH
        if n != "3":
            parts.append(_line(X_MAIN, y, X_MAIN, y + 24, MAIN))
            parts.append(_label(X_MAIN + 9, y + 16, _shape(conv.shape)))
            y += 24
    y_sum = y + 44
    main_shape, side_shape = clash or (steps["bn3"].shape, steps["bn3"].shape)
    colour = ERROR if clash else None
    parts.append(_line(X_MAIN, y, X_MAIN, y_sum - 13, colour or MAIN))
    parts.append(_label(X_MAIN + 9, y + 16, f"F(x) {_shape(main_shape)}", colour=colour, bold=bool(clash)))

    # The shortcut's side.
    marked_side = "shortcut" in marked
    if "shortcut.conv" in steps:
        g = steps["shortcut.conv"]
        top = (y_branch + y_sum) // 2 - 50
        parts.append(_line(X_SIDE, y_branch, X_SIDE, top, SHORTCUT))
        inside = marked_side or g.name in marked
        parts.append(_box(X_SIDE - 66, top, 132, f"{g.kind}, {_number(g.shape[0])}", SHORTCUT, inside, g.name))
        inside = marked_side or "shortcut.bn" in marked
        parts.append(_box(X_SIDE - 66, top + HIGH + 3, 132, "BN", SHORTCUT, inside, "shortcut.bn"))
        y_out, name = top + 2 * HIGH + 3, "G(x)"
    else:
        y_out, name = y_branch, "x"
        parts.append(_label(X_SIDE + 9, (y_branch + y_sum) // 2 - 12, "identity:", colour=QUIET))
        parts.append(_label(X_SIDE + 9, (y_branch + y_sum) // 2 + 4, "x itself", colour=QUIET))
    parts.append(_line(X_SIDE, y_out, X_SIDE, y_sum, colour or SHORTCUT, arrow=False))
    parts.append(_line(X_SIDE, y_sum, X_MAIN + 14, y_sum, colour or SHORTCUT))
    text = f"{name} {_shape(side_shape)}"
    parts.append(_label(X_SIDE - 7, y_sum - 8, text, anchor="end", colour=colour, bold=bool(clash)))
    if marked_side and "shortcut.conv" not in steps:
        parts.append(_eye(X_SIDE - 16, (y_branch + y_sum) // 2 - 5))

    # Where they meet.
    stroke = ERROR if clash else SUM
    parts.append(
        f'<circle cx="{X_MAIN}" cy="{y_sum}" r="13" fill="{PAPER}" stroke="{stroke}" stroke-width="'
        f'{4 if "add" in marked else 2}"/>'
        + _label(X_MAIN, y_sum + 6, "✕" if clash else "+", anchor="middle", size=LARGE, colour=stroke, bold=True)
    )
    if clash:
        parts.append(_label(X_MAIN, y_sum + 34, "no sum: the shapes differ", "middle", colour=ERROR, bold=True))
        height = y_sum + 46
    else:
        if "add" in marked:
            parts.append(_eye(X_MAIN - 34, y_sum + 5))
        parts.append(_line(X_MAIN, y_sum + 13, X_MAIN, y_sum + 27, SUM))
        parts.append(_box(X_MAIN - BOX // 2, y_sum + 27, BOX, "ReLU", SUM, "relu3" in marked, "relu3"))
        y = y_sum + 27 + HIGH
        parts.append(_line(X_MAIN, y, X_MAIN, y + 18, SUM))
        parts.append(_label(X_MAIN, y + 33, f"y  {_shape(steps['relu3'].shape)}", anchor="middle"))
        height = y + 40
    label = "Diagram of the block. " + (
        f"F(x) has shape {_shape(main_shape)}, the shortcut {_shape(side_shape)}; "
        + ("they cannot be added." if clash else "they are added.")
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 380 {height}" width="380" height="{height}" '
        f'role="img" aria-label="{label}" style="max-width:100%">{_ARROWS}{"".join(parts)}</svg>'
    )


def lettered(steps):
    """The steps of a BTNK1 or BTNK2 (v1.5) with letters in the place of numbers, and the letters of its input, for
    `block_diagram`. Steps: name → Step. A stride is written /S wherever the block takes one."""
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


_ARROWS = (
    "<defs>"
    + "".join(
        f'<marker id="rl-{c[1:]}" markerWidth="8" markerHeight="8" refX="6.5" refY="3.5" orient="auto">'
        f'<path d="M0,0 L7,3.5 L0,7 z" fill="{c}"/></marker>'
        for c in (MAIN, SHORTCUT, SUM, ERROR)
    )
    + "</defs>"
)


def _line(x1, y1, x2, y2, colour, arrow=True):
    end = f' marker-end="url(#rl-{colour[1:]})"' if arrow else ""
    dash = ' stroke-dasharray="5 3"' if colour == ERROR else ""
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}" stroke-width="2"{dash}{end}/>'


def _box(x, y, width, text, colour, marked, name):
    fill, ink = (colour, "#ffffff") if marked else (PAPER, TEXT)
    return (
        f'<g><title>{name}</title><rect x="{x}" y="{y}" width="{width}" height="{HIGH}" rx="4" '
        f'fill="{fill}" stroke="{colour}" stroke-width="{3 if marked else 1.5}"/>'
        f'<text x="{x + width / 2}" y="{y + HIGH - 8}" font-size="{NORMAL}" text-anchor="middle" '
        f'style="fill:{ink};font-weight:{700 if marked else 400}">{text}</text></g>'
    ) + (_eye(x - 16, y + HIGH - 7) if marked else "")


def _eye(x, y):
    """The mark of the step looked at, beside its colour: ▶."""
    return f'<text x="{x}" y="{y}" font-size="{SMALL}">▶</text>'


def _label(x, y, text, anchor="start", size=SMALL, colour=None, bold=False):
    style = (f"fill:{colour};" if colour else "") + ("font-weight:700" if bold else "")
    return f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}" style="{style}">{text}</text>'
