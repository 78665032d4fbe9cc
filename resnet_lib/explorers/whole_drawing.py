"""The drawing of a whole network, to scale: a block is as high as its maps are wide, and as thick as it has channels.

Pure data for the page, as drawing.py describes it.
"""

WIDTH, HEIGHT = 750, 178
MIDDLE, TALL = 60, 112  # the middle line of all boxes; the height of a picture of 224 pixels, and of any larger one
LETTER, GAP = 5.8, 12  # a letter's width, which a part has room for below it; what is between two parts
LINES = (134, 148, 161, 174)  # the base lines of the texts below a part


def whole_drawing(W, parts):
    """Return the drawing of a network.

    W:     the picture's width.
    parts: for Stage 0 to the head: (name, boxes, texts), with boxes (name, channels, width of the maps, role) and up to
           four texts below them.
    """
    tall = TALL / max(224, W)
    side = W * tall  # the picture itself is drawn from the front
    x = max(side, 86)
    box = [(x - side) / 2, MIDDLE - side / 2, side, side]
    nodes = [_node("x", box, [0, 0, x, 2 * MIDDLE], "input") | {"thumb": True}]
    labels = [_label("x", x / 2, LINES[0], "picture", True), _label("x", x / 2, LINES[1], "{s}")]
    widths, thick = _widths(WIDTH - x, parts)
    edges, end = [], (x + side) / 2
    for (name, boxes, texts), width in zip(parts, widths, strict=True):
        inside = [max(1.5, C * thick) for _, C, *_ in boxes]
        left = x + GAP + (width - sum(inside) - len(boxes) + 1) / 2
        edges.append(_arrow(end, left))
        for (box, _, side, role), w in zip(boxes, inside, strict=True):
            high = max(2, side * tall)
            nodes.append(_node(box, [left, MIDDLE - high / 2, w, high], [left - 0.5, 0, w + 1, 2 * MIDDLE], role))
            left += w + 1
        end = left - 1
        middle = x + GAP + width / 2
        labels += [_label(name, middle, y, text, y == LINES[0]) for y, text in zip(LINES, texts, strict=False)]
        x += GAP + width
    said = "the network, to scale: a block is as high as its maps are wide, and as thick as it has channels"
    drawn = {"width": WIDTH, "height": HEIGHT, "nodes": nodes, "edges": edges, "labels": labels}
    return drawn | {"title": said}


def _widths(room, parts):
    """The width of every part, and the pixels a channel: as many as fit."""
    room -= GAP * len(parts)
    least = [LETTER * max(map(len, texts)) for _, _, texts in parts]
    low, high = 0.0, 1.0

    def wide(thick):
        return [
            max(few, sum(max(1.5, C * thick) + 1 for _, C, *_ in boxes))
            for (_, boxes, _), few in zip(parts, least, strict=True)
        ]

    for _ in range(24):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(wide(middle)) <= room else (low, middle)
    widths = wide(low)
    spare = max(0, room - sum(widths)) / len(widths)
    return [w + spare for w in widths], low


def _node(name, box, hit, role):
    """A box, and the rectangle that can be clicked: a box may be too small to aim at."""
    x, y, w, h = (round(n, 1) for n in box)
    return {"id": name, "of": name, "x": x, "y": y, "w": w, "h": h, "role": role, "text": "", "hit": _rounded(hit)}


def _label(name, x, y, text, strong=False):
    return {"of": name, "at": [round(x, 1), y], "text": text, "strong": strong}


def _arrow(start, end):
    points = [[round(start + 2, 1), MIDDLE], [round(end - 2, 1), MIDDLE]]
    return {"of": "", "role": "plain", "points": points, "arrow": True}


def _rounded(numbers):
    return [round(n, 1) for n in numbers]
