"""The usual mistakes in a part of a ResNet, each with the change that plants it into the reference.

A part of the reference is computed here in function calls, `run(modules, x, change, steps)`, which notes what its
steps return. A mistake is (a finding, a change): a dictionary of a few of the keys of `CHANGES`. Two mistakes are one
change as well, `a | b`, unless they share a key. planting.py tries them. A new one also needs its sentence, in
sentences.py, and a hint, in exercises/symptoms.py.
"""

import torch
from torch.nn import functional as F

from .._common import pair
from .kinds import found

# Key → what its value changes. {k} is the number of a layer in F, 1 to 3, and nothing in Stage 0 and in a projection
# alone; shortcut.conv and shortcut.bn are a block's projection. A key without {k} holds for every layer of the part.
CHANGES = {
    "conv{k}": "numbers of that convolution: a dictionary of stride, padding, dilation and mode (of the padding)",
    "bn{k}": 'how that BN computes: "skip", "batch", "stored" or another eps, as in `_norm`',
    "relu{k}": "the function in place of that ReLU; a block's last one is the ReLU after the sum",
    "relu{k} first": "True: that ReLU comes before its BN",
    "bn": "as bn{k}, every BN",
    "relu": "as relu{k}, every ReLU",
    "relu first": "as relu{k} first, every ReLU inside F",
    "pool": "the function in place of the pooling, in Stage 0 and in the head",
    "on F": "a function that F(x) passes before the sum",
    "on the shortcut": "a function that the shortcut passes before the sum",
    "shortcut": "the function of x and F(x) in place of the shortcut",
    "sum": "the function of F(x) and the shortcut in place of the sum",
    "norm after the sum": "True: F's last BN comes after the sum. False: it does not, and no other mistake may say so",
    "bias": "False: the head's linear layer has none",
    "after": "a function that the scores pass, in the head",
    "once": "a `Once`, which remembers results",
    "cut": "a place of `CUTS`: nothing runs backward through it",
}


def of(part):
    """How a part is computed, as run(modules, x, change, steps), and its mistakes, as mistakes(modules, eps)."""
    parts = {
        "stage0": (_stem, _stem_mistakes),
        "head": (_head, _head_mistakes),
        "projection": (_projection, _projection_mistakes),
    }
    return parts.get(part, (_block, _block_mistakes))


class Once:
    """Results of layers that are computed again and again, by what goes in: most mistakes leave most of a part as it
    is. room: of how many numbers it keeps the results."""

    def __init__(self, room=20_000_000):
        self.room, self._found = room, {}

    def __call__(self, f, m, x, how):
        key = f, id(m), id(x), how if isinstance(how, str | float | None) else tuple(how.items())
        if key not in self._found:
            out = f(m, x, how)
            self.room -= out.numel()
            if self.room < 0:
                return out
            self._found[key] = x, out  # x as well: no other tensor may come to its id
        return self._found[key][1]


def _conv(m, x, options):
    o = {"stride": m.stride, "padding": m.padding, "dilation": m.dilation, "mode": m.padding_mode, **(options or {})}
    mode = o.pop("mode")
    if mode != "zeros":
        rows, columns = pair(o["padding"])
        x, o["padding"] = F.pad(x, (columns, columns, rows, rows), mode=mode), 0
    return F.conv2d(x, m.weight, m.bias, groups=m.groups, **o)


def _norm(m, x, how):
    """BN as it is (None), left out ("skip"), with the statistics of the batch ("batch") or the stored ones ("stored"),
    or with another eps. What BN stores stays as it is."""
    if how == "skip":
        return x
    eps = how if isinstance(how, float) else m.eps
    if how == "batch" or m.training and how != "stored":
        return F.batch_norm(x, None, None, m.weight, m.bias, True, 0.0, eps)
    return F.batch_norm(x, m.running_mean, m.running_var, m.weight, m.bias, False, 0.0, eps)


def _same(x):
    return x


def _step(c, t, name, h):
    """Note what a step gives; where it is cut, nothing runs backward through it."""
    t[name] = h
    return h.detach() if c.get("cut") == name else h


def _apply(f, x, _how):
    return f(x)


def _once(c, f, m, x, how=None):
    """f(m, x, how), remembered where the change has a memory."""
    return c["once"](f, m, x, how) if "once" in c else f(m, x, how)


def _layer(m, h, c, t, k=""):
    """CONV → BN → ReLU, of which a block has several: number k."""
    act = c.get(f"relu{k}", c.get("relu", F.relu))
    how = c.get(f"bn{k}", c.get("bn"))
    h = _step(c, t, f"conv{k}", _once(c, _conv, m[f"conv{k}"], h, c.get(f"conv{k}")))
    if c.get(f"relu{k} first", c.get("relu first")):
        h = _step(c, t, f"relu{k}", _once(c, _apply, act, h))
        return _step(c, t, f"bn{k}", _once(c, _norm, m[f"bn{k}"], h, how))
    h = _step(c, t, f"bn{k}", _once(c, _norm, m[f"bn{k}"], h, how))
    return _step(c, t, f"relu{k}", _once(c, _apply, act, h))


def _stem(m, x, c, t):
    h = _layer(m, _step(c, {}, "x", x), c, t)
    return _step(c, t, "pool", c.get("pool", lambda h: F.max_pool2d(h, 3, 2, 1))(h))


def _block(m, x, c, t):
    n = 3 if "conv3" in m else 2
    f, s = _step(c, {}, "x in F", _step(c, {}, "x", x)), _step(c, {}, "x", x)
    for k in range(1, n):
        f = _layer(m, f, c, t, k)
    how = c.get(f"bn{n}", c.get("bn"))
    f = _step(c, t, f"conv{n}", _once(c, _conv, m[f"conv{n}"], f, c.get(f"conv{n}")))
    if not c.get("norm after the sum"):
        f = _step(c, t, f"bn{n}", _once(c, _norm, m[f"bn{n}"], f, how))
    if "shortcut" in c:
        s = c["shortcut"](x, f)
    elif "shortcut.conv" in m:
        s = _step(c, {}, "x in G", s)
        s = _step(c, t, "shortcut.conv", _once(c, _conv, m["shortcut.conv"], s, c.get("shortcut.conv")))
        s = _step(c, t, "shortcut.bn", _once(c, _norm, m["shortcut.bn"], s, c.get("shortcut.bn", c.get("bn"))))
    s = _step(c, {}, "shortcut", s)
    y = c.get("sum", torch.add)(c.get("on F", _same)(f), c.get("on the shortcut", _same)(s))
    if c.get("norm after the sum"):
        y = _step(c, t, f"bn{n}", _once(c, _norm, m[f"bn{n}"], y, how))
    return _once(c, _apply, c.get(f"relu{n}", c.get("relu", F.relu)), y)


def _projection(m, x, c, t):
    """G(x) by itself: a layer whose ReLU is left out, as the reference's is."""
    return _layer(m, _step(c, {}, "x", x), {"relu": _same, **c}, t)


def _head(m, x, c, t):
    h = _step(c, {}, "pool", c.get("pool", lambda h: h.mean((2, 3)))(x))
    return c.get("after", _same)(F.linear(h, m["fc"].weight, m["fc"].bias if c.get("bias", True) else None))


# Where nothing may run backward → what that is, in words.
CUTS = {
    "shortcut": "the shortcut",
    "bn3": "F(x)",
    "x": "x, where it comes in",
    "x in F": "x on its way into F",
    "x in G": "x on its way into G",
    "conv1": "conv1",
    "bn1": "bn1",
    "relu1": "the ReLU after bn1",
    "conv2": "conv2",
    "bn2": "bn2",
    "relu2": "the ReLU after bn2",
    "conv3": "conv3",
    "shortcut.conv": "the projection's convolution",
    "conv": "the convolution",
    "bn": "BN",
    "relu": "the ReLU",
}
ACTIVATIONS = {
    "LeakyReLU (slope 0.01)": F.leaky_relu,
    "LeakyReLU (slope 0.2)": lambda h: F.leaky_relu(h, 0.2),
    "GELU": F.gelu,
    "SiLU": F.silu,
    "ELU": F.elu,
    "ReLU6": F.relu6,
    "a sigmoid": torch.sigmoid,
}
PADDINGS = ("reflect", "replicate", "circular")


def _norm_mistakes(m, eps):
    norms = {n: layer.eps for n, layer in m.items() if getattr(layer, "running_mean", None) is not None}
    for n in norms:
        left = "projection's norm left out" if n == "shortcut.bn" else "norm left out"
        yield found(left, n, layer=n, conv=n.replace("bn", "conv")), {n: "skip"}
        if m[n].training:
            yield found("stored statistics", n, layer=n), {n: "stored"}
        else:
            yield found("batch statistics", n, layer=n), {n: "batch"}
        if eps.get(n, norms[n]) != norms[n]:
            yield found("eps", n, layer=n, eps=eps[n], right=norms[n]), {n: eps[n]}
    if len(norms) > 1:
        yield found("no norm"), {"bn": "skip"}
        how = "stored" if m[next(iter(norms))].training else "batch"
        yield found(f"{how} statistics everywhere"), {"bn": how}
    right = next(iter(norms.values()), 1e-5)
    for e in sorted({1e-3, 1e-4, 1e-6, 0.0, *eps.values()} - {right}):
        yield found("eps everywhere", eps=e, right=right), {"bn": e}


def _other_activations():
    for name, act in ACTIVATIONS.items():
        yield found("other activation", name=name), {"relu": act}


def _stem_mistakes(m, eps):
    yield found("relu missing", "bn", layer="bn"), {"relu": _same}
    yield found("relu before norm", "bn", layer="bn"), {"relu first": True}
    yield from _norm_mistakes(m, eps)
    yield from _other_activations()
    yield found("no pooling"), {"pool": _same}
    yield found("average pooling"), {"pool": lambda h: F.avg_pool2d(h, 3, 2, 1)}
    for v in ((3, 2, 0), (2, 2, 0), (3, 1, 1), (3, 3, 1), (3, 3, 0)):  # left out, the stride is the kernel
        what = found("pooling numbers", kernel=v[0], S=v[1], padding=v[2])
        yield what, {"pool": lambda h, v=v: F.max_pool2d(h, *v)}
    yield found("pooling rounds up"), {"pool": lambda h: F.max_pool2d(h, 3, 2, 1, ceil_mode=True)}
    conv = m["conv"]
    for S in (1, 4):
        yield found("stride", S=S, right=conv.stride[0]), {"conv": {"stride": S}}
    for p in (0, 1, 2):
        yield found("padding", padding=p, right=conv.padding[0]), {"conv": {"padding": p}}
    for mode in PADDINGS:
        yield found("stem's padding mode", mode=mode), {"conv": {"mode": mode}}


def _projection_mistakes(m, eps):
    yield found("relu in G"), {"relu": F.relu}
    S = m["conv"].stride[0]
    for stride in sorted({1, 2, 4} - {S}):
        yield found("stride", S=stride, right=S), {"conv": {"stride": stride}}
    yield found("padding of a 1×1", "conv", layer="the convolution"), {"conv": {"padding": 1}}
    yield from _norm_mistakes(m, eps)


def _block_mistakes(m, eps):
    convs, projection = [n for n in ("conv1", "conv2", "conv3") if n in m], "shortcut.conv" in m
    S = max(m[n].stride[0] for n in convs)
    yield from _sum_mistakes(f"relu{len(convs)}", f"bn{len(convs)}", projection)
    yield from _order_mistakes(convs)
    yield from _norm_mistakes(m, eps)
    yield from _other_activations()
    yield from _stride_mistakes(m, convs, S, projection)
    for n in convs:
        yield from _padding_mistakes(n, m[n])
    if projection:
        yield found("padding of a 1×1", "shortcut.conv", layer="shortcut.conv"), {"shortcut.conv": {"padding": 1}}
        side = m["shortcut.conv"]
        filled = "" if side.in_channels == side.out_channels else ", filled up with zero channels"
        yield (
            found("zero channels, strided" if S > 1 else "zero channels", S=S, filled=filled),
            {"shortcut": lambda x, f: F.pad(x[:, :, ::S, ::S], (0, 0, 0, 0, 0, f.shape[1] - x.shape[1]))},
        )


def _sum_mistakes(last, norm, projection):
    yield found("relu after the sum missing"), {last: _same}
    yield found("relu on F"), {"on F": F.relu}  # where x holds no negatives, it gives the numbers of the next, too
    yield found("relu before the sum"), {last: _same, "on F": F.relu}
    if not projection:
        yield found("x overwritten"), {"sum": lambda f, s: f + f}
    else:  # x itself holds no negatives: there a second ReLU changes nothing
        yield found("relu on the shortcut"), {"on the shortcut": F.relu}
    yield found("norm after the sum", norm, layer=norm), {"norm after the sum": True}
    yield found("no shortcut"), {"sum": lambda f, s: f}
    yield found("no F"), {"sum": lambda f, s: s}
    yield found("averaged"), {"sum": lambda f, s: (f + s) / 2}
    yield found("multiplied"), {"sum": torch.mul}
    for sign, what in ((1, "the shortcut from F(x)"), (-1, "F(x) from the shortcut")):
        yield found("subtracted", what=what), {"sum": lambda f, s, sign=sign: sign * (f - s)}
    # Not together with a BN after the sum: that stops, and would explain every other error.
    yield found("stacked"), {"sum": lambda f, s: torch.cat([f, s], 1), "norm after the sum": False}


def _order_mistakes(convs):
    for k in range(1, len(convs)):
        yield found("relu missing", f"bn{k}", layer=f"bn{k}"), {f"relu{k}": _same}
        yield found("relu before norm", f"bn{k}", layer=f"bn{k}"), {f"relu{k} first": True}
    yield found("relu before every norm"), {"relu first": True}
    for k, after in enumerate([*(f"bn{k}" for k in range(1, len(convs))), "the sum"], 1):
        for name, act in ACTIVATIONS.items():
            yield found("other activation at", after, layer=after, name=name), {f"relu{k}": act}


def _stride_mistakes(m, convs, S, projection):
    home = next((n for n in convs if m[n].stride[0] > 1), "conv2" if len(convs) == 3 else "conv1")
    names = {"conv1": "first 1×1 (conv1, v1)", "conv2": "3×3 (conv2, v1.5)"}
    names = names if len(convs) == 3 else {"conv1": "first 3×3 (conv1)", "conv2": "second 3×3 (conv2)"}
    none = {n: {"stride": 1} for n in convs}
    if S > 1:
        for n in [n for n in ("conv1", "conv2") if n != home]:  # on a 1×1 after the 3×3 it comes to the same
            yield found("stride elsewhere", n, at=names[n], right=names[home]), {**none, n: {"stride": S}}
            yield found("stride twice", n, at=n, right=home), {n: {"stride": S}}
        yield found("no stride in F", right=names[home], S=S), none
        yield found("no stride in G", S=S), {"shortcut.conv": {"stride": 1}}
        yield found("S forgotten", S=S), {**none, "shortcut.conv": {"stride": 1}}
    elif projection:
        yield found("stride in F"), {home: {"stride": 2}}
        yield found("stride in G"), {"shortcut.conv": {"stride": 2}}
        yield found("S too large"), {home: {"stride": 2}, "shortcut.conv": {"stride": 2}}


def _padding_mistakes(n, conv):
    if conv.kernel_size[0] == 1:
        yield found("padding of a 1×1", n, layer=n), {n: {"padding": 1}}
        return
    for p in sorted({0, 1, 2, 3} - {conv.padding[0]}):
        yield found("padding of a 3×3", n, layer=n, padding=p, right=conv.padding[0]), {n: {"padding": p}}
    for d in sorted({1, 2, 4} - {conv.dilation[0]}):
        what = found("dilation", n, layer=n, dilation=d, right=conv.dilation[0])
        yield what, {n: {"dilation": d, "padding": d}}
    for mode in PADDINGS:
        yield found("padding mode", n, layer=n, mode=mode), {n: {"mode": mode}}


def _head_mistakes(m, eps):
    yield found("head takes the largest"), {"pool": lambda h: h.amax((2, 3))}
    yield found("head sums"), {"pool": lambda h: h.sum((2, 3))}
    yield found("head takes one place"), {"pool": lambda h: h[:, :, 0, 0]}
    for n in (7, 8, 4, 2):
        yield found("pooling of a fixed size", n=n), {"pool": lambda h, n=n: F.avg_pool2d(h, n).flatten(1)}
    for most in (1, 6):
        yield found("head cut off", most=most, when="before"), {"pool": lambda h, m=most: h.clamp(max=m).mean((2, 3))}
        yield found("head cut off", most=most, when="after"), {"pool": lambda h, m=most: h.mean((2, 3)).clamp(max=m)}
    yield found("head without bias"), {"bias": False}
    after = {
        "a softmax": lambda h: h.softmax(-1),
        "a softmax over the batch (dim=0)": lambda h: h.softmax(0),
        "a log-softmax": lambda h: h.log_softmax(-1),
        "a ReLU": F.relu,
        "a sigmoid": torch.sigmoid,
    }
    for name, f in after.items():
        yield found("after the head", name=name), {"after": f}
