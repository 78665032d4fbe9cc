"""The drawing of the stem: its steps, and below them the upper left corner of the padded picture, over whose pixels the
window of the kernel walks."""

from .drawing import HIGH, TIGHT, node_at, straight

WIDTH, GRID = 250, 158  # of the whole, and of the grid of pixels
FEW, MANY = 17, 48  # pixels along its side


def cells_shown(W, kernel, stride, padding, dilation):
    """Return how many pixels of the padded picture are drawn along a side: a window and some steps of it."""
    reach = dilation * (kernel - 1) + 1
    return min(W + 2 * padding, max(FEW, reach + 3 * stride), MANY)


def stem_drawing(pixels, n, *, W, kernel, stride, padding, dilation, out):
    """Return the drawing of a stem.

    pixels: the corner of the picture, (h, w, 3) uint8, as far as it is drawn; n: cells along a side, from
    `cells_shown`. out: the width of the convolution's output.
    """
    middle, box, y = 66, 128, 2
    nodes, edges = [node_at("x", middle, y, 112, "input", "x {s}")], []
    y += HIGH
    for name, text, width, x in (("conv", "{k}, {C}", box, middle), ("pool", "{k}", box, middle)):
        label = "{s}" if name == "pool" else ""
        edges.append(straight("conv" if name == "pool" else "x", "main", x, y, y + 18, label))
        y += 18
        nodes.append(node_at(name, x, y, width, "main", text))
        y += HIGH
        if name == "conv":
            half = (box - 4) / 2
            nodes.append(node_at("bn", middle - half / 2 - 2, y + TIGHT, half, "main", "BN"))
            nodes.append(node_at("relu", middle + half / 2 + 2, y + TIGHT, half, "main", "ReLU"))
            y += TIGHT + HIGH
    edges.append(straight("pool", "main", middle, y, y + 18, "{s}"))
    y += 26
    grid = {"x": 1, "y": y, "side": GRID, "n": n, "W": W, "padding": padding, "kernel": kernel, "stride": stride}
    grid |= {"dilation": dilation, "out": out, "w": pixels.shape[1]}
    grid["colours"] = ["".join(f"{v:02x}" for v in pixel) for line in pixels.tolist() for pixel in line]
    return {"width": WIDTH, "height": y + GRID + 18, "nodes": nodes, "edges": edges, "grid": grid}
