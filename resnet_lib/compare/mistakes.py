"""The usual mistakes in a part of a ResNet, planted into the reference one by one and two by two: the one that gives
the learner's numbers is what is wrong.

A part of the reference is computed here in function calls. A mistake is (a finding, a change): the change is a
dictionary that these functions look into, so that two mistakes are one change as well.
"""

from itertools import islice, product
from math import inf

import torch
from torch.nn import functional as F

from .._common import gap, pair
from .words import found


def of(part):
    """How a part is computed, as run(modules, x, change, steps), and its mistakes, as mistakes(modules, eps)."""
    parts = {
        "stage0": (_stem, _stem_mistakes),
        "head": (_head, _head_mistakes),
        "projection": (_projection, _projection_mistakes),
    }
    return parts.get(part, (_block, _block_mistakes))


def search(part, m, right_x, x, right, target, stops, step, taps, eps, tolerance):
    """Return the mistake as a finding, or two at once, that gives the learner's result when planted into the
    reference's part, or None; and how many were tried.

    m: the part's modules in the reference; right_x → right: what goes into it and comes out; x → target: the same of
    the learner's network, target None where it raised (`stops` is the message) or has no module for the part; step,
    taps: its first step that differs, and its steps.
    """
    run, mistakes = of(part)
    # Where the learner's network stops, a layer that it never came to proves nothing.
    ran = taps.keys() | {n.replace("bn", "conv") for n in taps}

    def far(change, x=x, target=target):
        """How far a change is from the target, and the steps that it gives."""
        t, result, said = {}, None, ""
        try:
            result = run(m, x, change, t)
        except (RuntimeError, ValueError) as error:  # some changes stop, as the learner's network may
            said = str(error)
        distances = [inf]
        if target is not None and result is not None:
            distances = [gap(result, target)[1]]
        elif target is None and bool(stops) == (result is None) and all(n in ran for n in change if "conv" in n):
            alike = 0.0 if stops and stops == said else inf
            distances = [gap(t[n], taps[n])[1] for n in t.keys() & taps.keys()] or [alike]
        return max(d if d >= 0 else inf for d in distances), t  # NaN is no match

    try:  # where the reference is built otherwise than it is computed here, nothing can be proved
        if far({}, right_x, right)[0] > 1e-5:
            return None, 0
    except (KeyError, AttributeError, TypeError):
        return None, 0
    x = x.to(right_x)
    enough = min(max(tolerance, 1e-6), far({})[0] / 10)
    singles, explaining, best = list(mistakes(m, eps)), [], ((True, inf, inf), None)
    for mistake in singles:
        distance, t = far(mistake[1])
        other = {n for n in t.keys() & taps.keys() if not gap(t[n], taps[n])[1] <= enough}
        # Where two mistakes come to the same result, the steps on the way tell them apart.
        best = min(best, ((distance > enough, len(other), distance), mistake[0]), key=lambda tried: tried[0])
        if step not in other if step else not other:
            explaining.append(mistake)
    if not best[0][0]:
        return best[1], len(singles)
    if not step and target is None:
        return None, len(singles)  # it stops, and no step shows anything
    # Of two mistakes, one explains the first step that differs by itself.
    for (one, a), (two, b) in islice(product(explaining, singles if step in taps else explaining), PAIRS):
        if not a.keys() & b.keys() and far(a | b)[0] <= enough:
            return found("two at once", one=one, two=two), len(singles)
    return None, len(singles)


PAIRS = 800  # tried at most: more would take longer than a learner waits


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


def _layer(m, h, c, t, k=""):
    """CONV → BN → ReLU, of which a block has several: number k."""
    act = c.get(f"relu{k}", c.get("act", F.relu))
    how = c.get(f"bn{k}", c.get("bn"))
    h = _step(c, t, f"conv{k}", _conv(m[f"conv{k}"], h, c.get(f"conv{k}")))
    if c.get(f"swap{k}", c.get("swap")):
        h = _step(c, t, f"relu{k}", act(h))
        return _step(c, t, f"bn{k}", _norm(m[f"bn{k}"], h, how))
    h = _step(c, t, f"bn{k}", _norm(m[f"bn{k}"], h, how))
    return _step(c, t, f"relu{k}", act(h))


def _stem(m, x, c, t):
    h = _layer(m, _step(c, {}, "x", x), c, t)
    return _step(c, t, "pool", c.get("pool", lambda h: F.max_pool2d(h, 3, 2, 1))(h))


def _block(m, x, c, t):
    n = 3 if "conv3" in m else 2
    f, s = _step(c, {}, "x in F", _step(c, {}, "x", x)), _step(c, {}, "x", x)
    for k in range(1, n):
        f = _layer(m, f, c, t, k)
    how = c.get(f"bn{n}", c.get("bn"))
    f = _step(c, t, f"conv{n}", _conv(m[f"conv{n}"], f, c.get(f"conv{n}")))
    if not c.get("late"):
        f = _step(c, t, f"bn{n}", _norm(m[f"bn{n}"], f, how))
    if "plain" in c:
        s = c["plain"](x, f)
    elif "shortcut.conv" in m:
        s = _step(c, {}, "x in G", s)
        s = _step(c, t, "shortcut.conv", _conv(m["shortcut.conv"], s, c.get("shortcut.conv")))
        s = _step(c, t, "shortcut.bn", _norm(m["shortcut.bn"], s, c.get("shortcut.bn", c.get("bn"))))
    s = _step(c, {}, "shortcut", s)
    y = c.get("sum", torch.add)(c.get("on F", _same)(f), c.get("on s", _same)(s))
    if c.get("late"):
        y = _step(c, t, f"bn{n}", _norm(m[f"bn{n}"], y, how))
    return c.get(f"relu{n}", c.get("act", F.relu))(y)


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


def _layer_mistakes(m, eps):
    """Mistakes of BNs and activations, in Stage 0 and in blocks."""
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
    for name, act in ACTIVATIONS.items():
        yield found("other activation", name=name), {"act": act}


def _stem_mistakes(m, eps):
    yield found("relu missing", "bn", layer="bn"), {"relu": _same}
    yield found("relu before norm", "bn", layer="bn"), {"swap": True}
    yield from _layer_mistakes(m, eps)
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
    yield from _layer_mistakes(m, eps)


def _block_mistakes(m, eps):
    convs = [n for n in ("conv1", "conv2", "conv3") if n in m]
    last, projection = f"relu{len(convs)}", "shortcut.conv" in m
    yield found("relu after the sum missing"), {last: _same}
    yield found("relu on F"), {"on F": F.relu}  # where x holds no negatives, it gives the numbers of the next, too
    yield found("relu before the sum"), {last: _same, "on F": F.relu}
    if not projection:
        yield found("x overwritten"), {"sum": lambda f, s: f + f}
    else:  # x itself holds no negatives: there a second ReLU changes nothing
        yield found("relu on the shortcut"), {"on s": F.relu}
    yield found("norm after the sum", f"bn{len(convs)}", layer=f"bn{len(convs)}"), {"late": True}
    yield found("no shortcut"), {"sum": lambda f, s: f}
    yield found("no F"), {"sum": lambda f, s: s}
    yield found("averaged"), {"sum": lambda f, s: (f + s) / 2}
    yield found("multiplied"), {"sum": torch.mul}
    # Not together with a BN after the sum: that stops, and would explain every other error.
    yield found("stacked"), {"sum": lambda f, s: torch.cat([f, s], 1), "late": False}
    for k in range(1, len(convs)):
        yield found("relu missing", f"bn{k}", layer=f"bn{k}"), {f"relu{k}": _same}
        yield found("relu before norm", f"bn{k}", layer=f"bn{k}"), {f"swap{k}": True}
    yield found("relu before every norm"), {"swap": True}
    for k, after in enumerate([*(f"bn{k}" for k in range(1, len(convs))), "the sum"], 1):
        for name, act in ACTIVATIONS.items():
            yield found("other activation at", after, layer=after, name=name), {f"relu{k}": act}
    yield from _layer_mistakes(m, eps)

    S = max(m[n].stride[0] for n in convs)
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
    for n in convs:
        if m[n].kernel_size[0] == 1:
            yield found("padding of a 1×1", n, layer=n), {n: {"padding": 1}}
        else:
            for p in sorted({0, 1, 2, 3} - {m[n].padding[0]}):
                yield found("padding of a 3×3", n, layer=n, padding=p, right=m[n].padding[0]), {n: {"padding": p}}
            for d in sorted({1, 2, 4} - {m[n].dilation[0]}):
                yield (
                    found("dilation", n, layer=n, dilation=d, right=m[n].dilation[0]),
                    {n: {"dilation": d, "padding": d}},
                )
            for mode in PADDINGS:
                yield found("padding mode", n, layer=n, mode=mode), {n: {"mode": mode}}
    if projection:
        yield found("padding of a 1×1", "shortcut.conv", layer="shortcut.conv"), {"shortcut.conv": {"padding": 1}}
        yield (
            found("zero channels, strided" if S > 1 else "zero channels"),
            {"plain": lambda x, f: F.pad(x[:, :, ::S, ::S], (0, 0, 0, 0, 0, f.shape[1] - x.shape[1]))},
        )


def _head_mistakes(m, eps):
    yield found("head takes the largest"), {"pool": lambda h: h.amax((2, 3))}
    yield found("head sums"), {"pool": lambda h: h.sum((2, 3))}
    yield found("head takes one place"), {"pool": lambda h: h[:, :, 0, 0]}
    for n in (7, 8, 4, 2):
        yield found("pooling of a fixed size", n=n), {"pool": lambda h, n=n: F.avg_pool2d(h, n).flatten(1)}
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
