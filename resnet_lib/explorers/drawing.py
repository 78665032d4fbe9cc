"""The drawing of a block for the instrument: boxes for steps, arrows for tensors, shapes along the arrows.

Pure data, which the page draws. A node is {"id", "of", "x", "y", "w", "h", "role", "text"}, an edge {"of", "role",
"points", "text", "at", "anchor"}; "of" is the step that fills in {k}, {C} and {s}, and without `text` there is none.
A node may have "hit", the rectangle that can be clicked, and may be the picture itself ("thumb"). Texts that belong to
neither are "labels", {"of", "at", "text", "strong"}; "grid" is pixels with a window over them (stem_drawing.py).
A drawing wider than 400 is put over the maps.
"""

WIDTH, HIGH, BOX, SIDE = 250, 24, 128, 98
X_MAIN, X_SIDE = 66, 199  # the middle of F's boxes, and of the shortcut's
GAP = 26  # from a box to the next where an arrow with a shape is between them
TIGHT = 2  # from a convolution to the BN below it


def block_drawing(steps, projection, *, side="G"):
    """Return the drawing of a residual block.

    steps: (name, kind, path) of each, in order; path is "main", "shortcut" or "sum".
    projection: whether the shortcut has steps of its own.
    """
    main = [s for s in steps if s[2] == "main"]
    nodes = [_node("x", "x", X_MAIN, 2, 112, "input", "x {s}")]
    edges, y = _column(nodes, main, X_MAIN, BOX, "main", 2 + HIGH)
    last = main[-1][0] if main else "x"
    y_sum = y + GAP + 22
    edges.append(_edge(last, "main", [[X_MAIN, y], [X_MAIN, y_sum - 12]], "F {s}", [X_MAIN + 7, y + 20], arrow=True))
    y_branch = 2 + HIGH + 9
    own = [s for s in steps if s[2] == "shortcut" and s[1] != "identity"]
    if projection and own:
        # Beside F's second convolution: between the shapes above and below it, which need the room to their right.
        rows = [
            node["y"] for node, (_, kind, _) in zip(_boxes(nodes, main), main, strict=True) if kind.startswith("CONV")
        ]
        top = rows[min(1, len(rows) - 1)] if rows else y_branch + 46
        before = [[X_MAIN, y_branch], [X_SIDE, y_branch], [X_SIDE, top]]
        edges.append(_edge("x", "shortcut", before, arrow=True))
        _, bottom = _column(nodes, own, X_SIDE, SIDE, "shortcut", top, first=True)
        name, text = own[-1][0], side
        start = [[X_SIDE, bottom]]
    else:
        name, text = "shortcut", "x"
        nodes.append(
            _node("shortcut", "shortcut", X_SIDE, (y_branch + y_sum) // 2 - HIGH, SIDE, "shortcut", "identity")
        )
        half = (y_branch + y_sum) // 2
        edges.append(
            _edge("x", "shortcut", [[X_MAIN, y_branch], [X_SIDE, y_branch], [X_SIDE, half - HIGH]], arrow=True)
        )
        start = [[X_SIDE, half]]
    points = [*start, [X_SIDE, y_sum], [X_MAIN + 14, y_sum]]
    edges.append(_edge(name, "shortcut", points, text + " {s}", [X_SIDE - 6, y_sum - 6], "end", arrow=True))
    return _after(nodes, edges, [s for s in steps if s[2] == "sum"], y_sum)


def _after(nodes, edges, steps, y):
    """The sum at that height, and what follows it."""
    total = steps[0][0] if steps else "add"
    nodes.append(_node(total, total, X_MAIN, y - 12, 24, "sum", "+") | {"round": True})
    y += 12
    for name, kind, _ in steps[1:]:
        edges.append(_edge(total, "sum", [[X_MAIN, y], [X_MAIN, y + 14]], arrow=True))
        nodes.append(_node(name, name, X_MAIN, y + 14, BOX, "sum", _text(kind)))
        y += 14 + HIGH
    last = steps[-1][0] if steps else total
    edges.append(_edge(last, "sum", [[X_MAIN, y], [X_MAIN, y + 16]], "y {s}", [X_MAIN, y + 30], "middle", arrow=True))
    return {"width": WIDTH, "height": y + 36, "nodes": nodes, "edges": edges, "sum": total}


def _column(nodes, steps, x, width, role, y, first=False):
    """Boxes of steps below each other, a BN and a ReLU side by side; the edges between them, and where they end."""
    edges, i, before = [], 0, "x"
    while i < len(steps):
        name, kind, _ = steps[i]
        if not first or i:
            joined = kind == "BN"
            step = TIGHT if joined else GAP
            if not joined:
                text = "{s}" if before != "x" else ""
                line = [[x, y], [x, y + step]]
                edges.append(_edge(before, role, line, text, [x + 7, y + 17], arrow=True))
            y += step
        pair = kind == "BN" and i + 1 < len(steps) and _is_activation(steps[i + 1][1])
        if pair:
            half = (width - 4) / 2
            nodes.append(_node(name, name, x - half / 2 - 2, y, half, role, "BN"))
            after = steps[i + 1]
            nodes.append(_node(after[0], after[0], x + half / 2 + 2, y, half, role, _text(after[1])))
            before, i = after[0], i + 2
        else:
            nodes.append(_node(name, name, x, y, width, role, _text(kind)))
            before, i = name, i + 1
        y += HIGH
    return edges, y


def _boxes(nodes, steps):
    """The box of each step."""
    by_step = {node["of"]: node for node in nodes}
    return [by_step[name] for name, _, _ in steps]


def _is_activation(kind):
    return kind != "BN" and not kind.startswith(("CONV", "MAXPOOL", "AVGPOOL", "LINEAR", "PAD"))


def _text(kind):
    return "{k}, {C}" if kind.startswith("CONV") else kind


def _node(name, of, x, y, w, role, text):
    return {"id": name, "of": of, "x": x - w / 2, "y": y, "w": w, "h": HIGH, "role": role, "text": text}


def node_at(name, x, y, w, role, text):
    """Return the box of a step, with the middle of its upper side at (x, y)."""
    return _node(name, name, x, y, w, role, text)


def straight(of, role, x, start, end, text=""):
    """Return an arrow down at x, with a text beside it."""
    return _edge(of, role, [[x, start], [x, end]], text, [x + 7, start + 13] if text else None, arrow=True)


def _edge(of, role, points, text="", at=None, anchor="start", arrow=False):
    edge = {"of": of, "role": role, "points": points, "arrow": arrow}
    return edge | {"text": text, "at": at, "anchor": anchor} if text else edge
