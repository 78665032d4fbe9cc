"""Wrong solutions of the parts of a ResNet: a plan with one or two edits, written in any style.

Each edit is known, so that it is known too what may be said of it: a `Spoilt` lists the kinds of findings that are true
of it, each with words that must stand in the sentence. What only says where the numbers differ is true of all.
"""

from typing import NamedTuple

from .writing import Step

PLACED = {
    *("numbers differ", "numbers differ before", "differs after the layers", "differs after the block's layers"),
    *(
        "stored numbers",
        "differs somewhere",
        "shapes differ",
        "layers differ",
        "output shape",
        "side of 1 lost",
        "gradients differ",
        "no gradient comes",
        "late stride",
        "early stride",
        "stopped on the way back",
    ),
}


class Spoilt(NamedTuple):
    """change: plan → plan. true: kind → words of the sentence ("" for any; | between several)."""

    name: str
    change: object
    true: dict


def _edited(plan, edit):
    """The plan with edit(step) → steps in the place of each step."""

    def every(steps):
        return None if steps is None else tuple(new for step in steps for new in edit(step))

    return plan._replace(f=every(plan.f), g=every(plan.g), tail=every(plan.tail))


def without(*names):
    return lambda plan: _edited(plan, lambda s: () if s.name in names else (s,))


def other(name, **fields):
    return lambda plan: _edited(plan, lambda s: (s._replace(**fields),) if s.name == name else (s,))


def swapped(a, b):
    def change(plan):
        steps = {s.name: s for s in (*plan.f, *(plan.g or ()), *plan.tail)}
        places = {a: b, b: a} if {a, b} <= steps.keys() else {}  # the other edit may have taken one away
        return _edited(plan, lambda s: (steps[places[s.name]],) if s.name in places else (s,))

    return change


def after(name, *steps):
    return lambda plan: _edited(plan, lambda s: (s, *steps) if s.name == name else (s,))


def before(name, *steps):
    return lambda plan: _edited(plan, lambda s: (*steps, s) if s.name == name else (s,))


def code(text):
    return Step("code", "code", code=text)


def add(text):
    return lambda plan: plan._replace(add=text)


def end(text):
    return lambda plan: plan._replace(end=text)


RELU = Step("relu", "more")
ACTIVATIONS = {
    "nn.LeakyReLU()": "LeakyReLU",
    "nn.GELU()": "GELU",
    "nn.SiLU()": "SiLU",
    "nn.ELU()": "ELU",
    "nn.ReLU6()": "ReLU6",
    "nn.Sigmoid()": "sigmoid",
    "nn.Tanh()": None,
    "nn.Softplus()": None,
    "nn.Hardswish()": None,
    "nn.LeakyReLU(0.1)": None,
}
NORM_MISSING = ("norm missing", "projection's norm missing", "norm left out", "projection's norm left out")
NO_BACK = ("nothing runs back", "cut off", "no gradient reaches")


def _of_norms(norms, convs):
    """norms: name → the convolution before it."""
    for bn, conv in zip(norms, convs, strict=True):
        yield Spoilt(f"no {bn}", without(bn), dict.fromkeys(NORM_MISSING, f"{conv}|{bn}|projection"))
        for more, kinds in {
            ", eps=0.1": ("eps", "eps everywhere"),
            ", eps=1e-3": ("eps", "eps everywhere"),
            ", momentum=0.01": ("running statistics",),
            ", momentum=None": ("running statistics",),
            ", affine=False": ("norm without weight",),
            ", track_running_stats=False": (
                *("norm without statistics", "batch statistics", "batch statistics everywhere"),
            ),
        }.items():
            yield Spoilt(f"{bn}{more}", other(bn, more=more), dict.fromkeys(kinds, ""))
        for layer in ("nn.InstanceNorm2d", "nn.GroupNorm(1, ", "nn.Identity", "Stubborn", "Frozen"):
            true = {"nn.Identity": NORM_MISSING, "Stubborn": ("batch statistics", "batch statistics everywhere")}
            true |= {"Frozen": ("stored statistics", "stored statistics everywhere")}
            kinds = true.get(layer, (*NORM_MISSING, "norm without statistics"))
            change = other(bn, layer=layer.rstrip("( 1,")) if "1" not in layer else other(bn, layer="OneGroup")
            yield Spoilt(f"{bn} {layer}", change, dict.fromkeys(kinds, ""))
        yield Spoilt(f"two {bn}", _twice(bn), {"layer too many": ""})


def _twice(name):
    return lambda plan: _edited(plan, lambda s: (s, s._replace(name="again")) if s.name == name else (s,))


def _of_convs(convs):
    for name, (k, S, gives) in convs.items():
        yield Spoilt(f"no {name}", without(name), {"layer missing": "", "projection missing": ""})
        yield Spoilt(f"{name} with bias", other(name, more=", bias=True"), {"bias too many": ""})
        for wrong in {1, 3, 5, 7} - {k}:
            yield Spoilt(
                f"{name} {wrong}×{wrong}",
                other(name, k=wrong, p=wrong // 2),
                {"kernel": f"{wrong}×{wrong}", "matrix": ""},
            )
        for p in {0, 1, 2, 3} - {k // 2}:
            kinds = dict.fromkeys(("padding", "padding of a 3×3"), f"padding {p}")
            yield Spoilt(f"{name} padding {p}", other(name, p=p), kinds | {"padding of a 1×1": ""})
        for wrong in {"1", "2", "4"} - {S}:
            yield Spoilt(f"{name} stride {wrong}", other(name, S=wrong), dict.fromkeys(STRIDES, ""))
        if k > 1:
            mode = other(name, more=", bias=False, padding_mode='reflect'")
            yield Spoilt(f"{name} reflect", mode, {"padding mode": "reflect", "stem's padding mode": "reflect"})
            dilated = other(name, p=2 * (k // 2), more=", bias=False, dilation=2")
            yield Spoilt(f"{name} dilation", dilated, {"dilation": "dilation 2"})
        yield Spoilt(
            f"{name} gives half",
            other(name, o=f"({gives}) // 2"),
            {"channels": "", "channels in a stage": "", "norm channels": "", "matrix": ""},
        )


STRIDES = (
    *("stride", "stride elsewhere", "stride twice", "no stride in F", "no stride in G", "S forgotten"),
    *("stride in F", "stride in G", "S too large"),
)


def _of_relus(relus):
    """relus: name → what it comes after, as sentences call it."""
    for name, place in relus.items():
        last = place == "the sum"
        kinds = {"relu after the sum missing": ""} if last else {"relu missing": place}
        yield Spoilt(f"no {name}", without(name), kinds)
        for layer, said in ACTIVATIONS.items():
            true = {"other activation": said, "other activation at": f"{place}"} if said else {}
            yield Spoilt(f"{name} {layer}", other(name, layer=layer), true)
        yield Spoilt(f"{name} PReLU", other(name, layer="nn.PReLU()"), {"stray": ""})


def _anywhere(names):
    for name in names:
        for text, true in {
            "{x}.detach()": dict.fromkeys(NO_BACK, ""),
            "{x}.data": dict.fromkeys(NO_BACK, ""),
            "F.dropout({x}, 0.2, self.training)": {"dropout": ""},
            "F.dropout2d({x}, 0.2, self.training)": {"dropout": ""},
            "{x}.clamp(max=6)": {"other activation": "ReLU6", "other activation at": "ReLU6"},
            "{x} * 0.9": {},
            "{x}.half().float()": {},
            "{x}.flip(1)": {},
            "{x}.transpose(2, 3)": {},
            "{x} - {x}.mean(0)": {},
            "{x} + 0.1 * self.training": {},
        }.items():
            yield Spoilt(f"{name}: {text}", after(name, code(text)), true)


def _ends(last):
    for text in ("{x}.double()", "{x}.half()", "{x}.bfloat16()"):
        yield Spoilt(text, after(last, code(text)), {"dtype": ""})
    yield Spoilt("a list", after(last, code("[{x}]")), {"no tensor returned": "list"})
    yield Spoilt("numpy", after(last, code("{x}.detach().numpy()")), {"no tensor returned": "ndarray"})
    yield Spoilt("softmax", after(last, code("{x}.softmax(1)")), {"after the head": "softmax"})


def _extra(first):
    yield Spoilt("stray parameter", end("self.alpha = nn.Parameter(torch.ones(1))"), {"stray": "alpha"})
    yield Spoilt("stray buffer", end("self.register_buffer('odd', torch.ones(1))"), {"stray": "odd"})
    yield Spoilt("stray layer", end("self.more = nn.Conv2d(C, C, 3)"), {"layer too many": "more"})
    yield Spoilt("frozen", end("next(self.parameters()).requires_grad_(False)"), {"frozen": ""})
    yield Spoilt("x in place", before(first, code("{x}.relu_()")), {"input overwritten": "", "backward stops": ""})
    yield Spoilt("x doubled", before(first, code("2 * {x}")), {})


SUMS = {
    "f = f - s": {"subtracted": "the shortcut from F(x)"},
    "f = s - f": {"subtracted": "F(x) from the shortcut"},
    "f = s": {"no F": "", "layers unused": "", "layer without effect": ""},
    "f = f": {"no shortcut": "", "layer without effect": ""},
    "f = (f + s) / 2": {"averaged": ""},
    "f = f * s": {"multiplied": ""},
    "f = torch.cat([f, s], 1)": {"stacked": ""},
    "f = f + 2 * s": {},
    "f = torch.maximum(f, s)": {},
    "f = f + s.detach()": dict.fromkeys(NO_BACK, "the shortcut"),
    "f = f.detach() + s": dict.fromkeys(NO_BACK, "F(x)"),
    "f = f + s.relu()": {"relu on the shortcut": "", "other": ""},
    "f = f.relu() + s": {"relu on F": ""},
    "f = f + f": {"x overwritten": "", "layer without effect": ""},
    "f = 0.5 * f + s": {},
    "f = f + s if self.training else f": {"no shortcut": ""},
    "f = f + s if not self.training else f": {"no shortcut": ""},
    "f = f + s.mean((2, 3), keepdim=True)": {},
    "f = (f + s)[:, :, 1:]": {},
}


def _block(part):
    projected = part == "BTNK1"
    out, inner = ("4 * C1", "C1") if projected else ("C", "C // 4")
    S = "S" if projected else "1"
    convs = {"conv1": (1, "1", inner), "conv2": (3, S, inner), "conv3": (1, "1", out)}
    yield from _of_convs(convs | ({"side": (1, "S", out)} if projected else {}))
    norms = {"bn1": "conv1", "bn2": "conv2", "bn3": "conv3"} | ({"side_bn": "side"} if projected else {})
    yield from _of_norms(norms, norms.values())
    yield from _of_relus({"relu1": "bn1", "relu2": "bn2", "relu3": "the sum"})
    for name in ("conv1", "bn1", "relu1", "conv2", "bn2", "relu2", "conv3", "bn3"):
        yield from _anywhere([name])
    yield from _anywhere(["side_bn"] if projected else [])
    yield from (Spoilt(text, add(text), true) for text, true in SUMS.items())
    yield Spoilt("relu1 before bn1", swapped("bn1", "relu1"), {"relu before norm": "bn1"})
    yield Spoilt("relu2 before bn2", swapped("bn2", "relu2"), {"relu before norm": "bn2"})
    yield Spoilt(
        "bn1 and bn2 exchanged with relus",
        lambda p: swapped("bn1", "relu1")(swapped("bn2", "relu2")(p)),
        {"relu before every norm": "", "relu before norm": ""},
    )
    yield Spoilt("bn3 after the sum", _late, {"norm after the sum": "bn3"})
    yield Spoilt(
        "relu before the sum",
        lambda p: p._replace(f=(*p.f, *p.tail), tail=()),
        {"relu before the sum": "", "relu on F": ""},
    )
    yield Spoilt(
        "conv1 and conv2 exchanged",
        swapped("conv1", "conv2"),
        dict.fromkeys(("layer missing", "kernel", "channels", "part skipped"), ""),
    )
    yield Spoilt("relu after conv1 as well", after("conv1", RELU), {"relu before norm": "bn1"})
    yield Spoilt("relu after bn3 as well", after("bn3", RELU), {"relu on F": ""})
    if projected:
        yield Spoilt("no projection", lambda p: p._replace(g=()), {"projection missing": ""})
        yield Spoilt("relu after the projection", after("side_bn", RELU), {"relu on the shortcut": ""})
        yield Spoilt("stride on conv1", _strided_first, {"stride elsewhere": "first 1×1"})
    else:
        yield Spoilt("projected", _with_projection, {"layer too many": ""})
    yield from _ends("relu3")
    yield from _extra("conv1")


def _strided_first(plan):
    return other("conv2", S="1")(other("conv1", S="S")(plan))


def _late(plan):
    bn3 = next(s for s in plan.f if s.name == "bn3")
    return plan._replace(f=tuple(s for s in plan.f if s.name != "bn3"), tail=(bn3, *plan.tail))


def _with_projection(plan):
    return plan._replace(g=(Step("conv", "side", "C", "C"), Step("norm", "side_bn", o="C")))


def _stem():
    yield from _of_convs({"conv": (7, "2", "C1")})
    yield from _of_norms(["bn"], ["conv"])
    yield from _of_relus({"relu": "bn"})
    yield from _anywhere(["conv", "bn", "relu", "pool"])
    yield Spoilt("relu before bn", swapped("bn", "relu"), {"relu before norm": "bn"})
    yield Spoilt("no pool", without("pool"), {"no pooling": ""})
    yield Spoilt("average", other("pool", layer="nn.AvgPool2d"), {"average pooling": ""})
    yield Spoilt("ceil", other("pool", more=", ceil_mode=True"), {"pooling rounds up": ""})
    yield Spoilt("pool dilated", other("pool", p=1, more=", dilation=2"), {})
    for k, S, p in ((3, "2", 0), (2, "2", 0), (3, "1", 1), (3, "3", 1), (5, "2", 2), (3, "4", 1), (2, "2", 1)):
        true = {"pooling numbers": f"kernel {k}, stride {S}, padding {p}"}
        yield Spoilt(f"pool {k} {S} {p}", other("pool", k=k, S=S, p=p), true)
    yield Spoilt(
        "pool before relu, average",
        lambda p: swapped("relu", "pool")(other("pool", layer="nn.AvgPool2d")(p)),
        {"average pooling": "", "relu missing": ""},
    )
    yield from _ends("pool")
    yield from _extra("conv")


def _projection():
    yield from _of_convs({"conv": (1, "S", "C_out")})
    yield from _of_norms(["bn"], ["conv"])
    yield from _anywhere(["conv", "bn"])
    yield Spoilt("relu", after("bn", RELU), {"relu in G": ""})
    yield Spoilt("relu in between", before("bn", RELU), {"relu before norm": "bn"})
    yield from _ends("bn")
    yield from _extra("conv")


EDITS = {
    "stem": list(_stem()),
    "projection": list(_projection()),
    "BTNK2": list(_block("BTNK2")),
    "BTNK1": list(_block("BTNK1")),
}

# These change nothing where the block before has put away what is negative.
ONLY_ALONE = ("f = f + s.relu()", "x in place")

# Of a stage: what stands in another place of `styles.STAGES`, or what is done to its blocks.
ROWS = {
    "S forgotten": (dict(first="BTNK1(C, C1, 1)"), {"S forgotten": "", "block's numbers": ""}),
    "S = 2": (dict(first="BTNK1(C, C1, 2)"), {"S too large": "", "block's numbers": ""}),
    "C1 and C exchanged": (
        dict(first="BTNK1(C1, C, S)"),
        {"channels": "", "channels in a stage": "", "block's numbers": ""},
    ),
    "C1 twice": (dict(first="BTNK1(C, 2 * C1, S)"), {"channels in a stage": "", "channels": "", "block's numbers": ""}),
    "C1 = 8": (dict(first="BTNK1(C, 8, S)"), {"channels in a stage": "", "channels": "", "block's numbers": ""}),
    "all BTNK1": (dict(next="BTNK1(4 * C1, C1, 1)"), {"layer too many": "", "BTNK1 later": ""}),
    "all strided": (dict(next="BTNK1(4 * C1, C1, S)"), {"layer too many": "", "BTNK1 later": ""}),
    "C of the stage": (dict(next="BTNK2(C)"), {"block's channels": "", "channels in a stage": "", "channels": ""}),
    "C1 for 4·C1": (dict(next="BTNK2(C1)"), {"block's channels": "", "channels in a stage": "", "channels": ""}),
    "one more": (dict(count="n"), {"layer too many": "", "number of blocks in the row": ""}),
    "one less": (dict(count="(n - 2)"), {"layer missing": "", "number of blocks in the row": ""}),
    "two": (dict(count="2"), {"layer missing": "", "layer too many": "", "number of blocks in the row": ""}),
    "BTNK2 first": (
        dict(first="BTNK2(C)"),
        dict.fromkeys(("projection missing", "BTNK2 first", "layer missing", "channels"), ""),
    ),
}

# Of a network: what stands in another place of `styles.network_source`.
NETWORKS = {
    "Stage 1 strided": (
        dict(rows="(8, 8, 2, 2), (32, 16, 2, 2), (64, 32, 2, 1), (128, 64, 2, 1)"),
        {"S too large": "stage1"},
    ),
    "Stage 4 not strided": (
        dict(rows="(8, 8, 1, 2), (32, 16, 2, 2), (64, 32, 2, 1), (128, 64, 1, 1)"),
        {"S forgotten": "stage4"},
    ),
    "three blocks": (
        dict(rows="(8, 8, 1, 2), (32, 16, 2, 3), (64, 32, 2, 1), (128, 64, 2, 1)"),
        {"blocks in a stage": "Stage 2", "layer too many": ""},
    ),
    "one block": (
        dict(rows="(8, 8, 1, 1), (32, 16, 2, 2), (64, 32, 2, 1), (128, 64, 2, 1)"),
        {"blocks in a stage": "Stage 1", "layer missing": ""},
    ),
    "no Stage 4": (
        dict(rows="(8, 8, 1, 2), (32, 16, 2, 2), (64, 32, 2, 1)", C="128"),
        {"layer missing": "", "projection missing": ""},
    ),
    "classes": (dict(n="9"), {"channels": "gives 9"}),
    "no bias": (dict(bias=", bias=False"), {"bias missing": "no bias"}),
    "softmax": (dict(after=".softmax(1)"), {"after the head": "softmax"}),
    "softmax over the batch": (dict(after=".softmax(0)"), {"after the head": "softmax"}),
    "log-softmax": (dict(after=".log_softmax(1)"), {"after the head": "log-softmax"}),
    "relu at the end": (dict(after=".relu()"), {"after the head": "ReLU"}),
    "sigmoid": (dict(after=".sigmoid()"), {"after the head": "sigmoid"}),
    "doubled": (dict(after=" * 2"), {}),
    "double": (dict(after=".double()"), {"dtype": ""}),
    "squeezed": (dict(after="[:1]"), {}),
    "detached": (dict(after=".detach()"), dict.fromkeys(NO_BACK, "")),
    "a list": (dict(after=".tolist()"), {"no tensor returned": "list"}),
    "largest": (dict(pool="x = x.amax((2, 3))"), {"head takes the largest": ""}),
    "sum": (dict(pool="x = x.sum((2, 3))"), {"head sums": ""}),
    "one place": (dict(pool="x = x[:, :, 0, 0]"), {"head takes one place": ""}),
    "middle": (dict(pool="x = x[:, :, x.shape[2] // 2, x.shape[3] // 2]"), {"head takes one place": ""}),
    "2 × 2": (dict(pool="x = F.avg_pool2d(x, 2).flatten(1)"), {"pooling of a fixed size": "2 × 2"}),
    "7 × 7": (dict(pool="x = F.avg_pool2d(x, 7).flatten(1)"), {"pooling of a fixed size": "7 × 7"}),
    "median": (dict(pool="x = x.flatten(2).median(2).values"), {}),
    "relu before the mean, minus": (dict(pool="x = (x - 0.1).relu().mean((2, 3))"), {}),
    "dropout": (dict(pool="x = F.dropout(x.mean((2, 3)), 0.2, self.training)"), {"dropout": ""}),
    "stem not called": (dict(stem="nn.Conv2d(3, 8, 7, 4, 3, bias=False)"), dict.fromkeys(NORM_MISSING, "")),
    "input detached": (
        dict(stem="nn.Sequential(Code(lambda x: x.detach()), MyStem(3, 8))"),
        dict.fromkeys(NO_BACK, ""),
    ),
    "input doubled": (dict(stem="nn.Sequential(Code(lambda x: x * 2), MyStem(3, 8))"), {}),
}
