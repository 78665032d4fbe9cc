"""The sentences of everything that can be found where a module is held against the reference: name of a kind → its
sentence, a template for a finding's values or a function of them."""

import re

from .._common import say, shape_text


def _capital(cause, **_):
    """A mistake as a sentence; names of layers keep their small letter."""
    text = say(cause)
    return f"{text}." if cause.kind.sentence[:1] == "{" else f"{text[:1].upper()}{text[1:]}."


# Where C1 channels come in or go out, and where 4·C1 do: (the layer's last name, the side).
NARROW = {("conv1", "gives"), ("conv2", "takes"), ("conv2", "gives"), ("conv3", "takes")}
WIDE = {("conv3", "gives"), ("shortcut.conv", "gives")}


def _channels(where, layer, gives, takes, right_gives, right_takes):
    last = ".".join(where.split(".")[-2 if "shortcut" in where else -1 :])
    said = []
    for side, a, b in (("gives", gives, right_gives), ("takes", takes, right_takes)):
        wide = (last, side) in WIDE or (last, side) == ("conv1", "takes") and re.search(r"\b[1-9]\d*\.conv1$", where)
        if b == 4 * a:
            said.append((not wide, " That is a quarter of it" + (": C1 where 4·C1 is due." if wide else ".")))
        elif a == 4 * b:
            narrow = (last, side) in NARROW
            more = ": C or 4·C1 where C1 is due." if narrow else " as it should be."
            said.append((not narrow, f" That is four times as many{more}"))
        elif a in (2 * b, b // 2) and a != b:
            said.append((True, f" That is {'twice' if a == 2 * b else 'half'} as many as it should be."))
    factor = min(said, key=lambda one: one[0], default=(True, ""))[1]  # what names the numbers comes first
    if not factor and (gives, takes) == (right_takes, right_gives):
        factor = " The two are exchanged: Conv2d wants the channels that come in first."
    right = f"it should take {right_takes} and give {right_gives}."
    return f"{layer} takes {takes} channels and gives {gives}; {right}{factor}"


def _gradients(where, at, mine, right, mode, all, **_):
    every = " All the gradients do." if all else ""
    return (
        f"The numbers are right, but the gradients differ {mode}.{every} Counted from the end, first at {where}: "
        f"at {at} it is {mine:.9g}, and {right:.9g} is expected."
    )


def _projection_missing(where, C, C_out, **_):
    why = (
        f"{C} channels come in and {C_out} go out, and a sum needs equal shapes. This does not depend on the stride: "
        "Stage 1 has S = 1 and needs its projection too."
    )
    always = f"a BTNK1 has one whatever its numbers are, also where {C} channels come in and {C} go out."
    return f"{where} has no projection. It needs one: {why if C != C_out else always}"


def _layer_missing(where, shape, missing, **_):
    more = f" ({missing} of them are missing.)" if missing > 1 else ""
    return f"{where} is missing: a layer of shape {shape_text(shape)}.{more}"


def _layer_extra(layer, shape, identity, **_):
    kind = "BN" if len(shape) == 1 else "convolution or linear layer"
    why = " An identity block adds x itself." if identity else ""
    return f"Your {layer} is one {kind} too many, of shape {shape_text(shape)}.{why}"


def _entries(cause, more, **_):
    more = f" ({more:,} more {'entry does' if more == 1 else 'entries do'} not fit.)" if more else ""
    return f"{cause}{more}"


def _stage_blocks(stage, n, right, **_):
    return f"Stage {stage} has {n} {'block' if n == 1 else 'blocks'}, and {right} {'is' if right == 1 else 'are'} due."


BATCH = "uses the statistics of the batch, as in training mode: call eval(); F.batch_norm wants training=self.training"

STORED = (
    "uses its stored statistics where those of the batch are due: take nn.BatchNorm2d, or say F.batch_norm(…, "
    "training=self.training)"
)

NORM_MISSING = "A BN is missing: there is none after {where}, {C} channels. Every convolution has its own."

# Mistakes planted into the reference: each is half a sentence, as it may be one of two.
MISTAKES = {
    **dict.fromkeys(
        ("norm left out", "projection's norm left out"), "{layer} is left out: there is no BN after {conv}"
    ),
    "batch statistics": f"{{layer}} {BATCH}",
    "eps": "{layer} has eps = {eps:g}; it should be {right:g}",
    "stored statistics": f"{{layer}} {STORED}",
    "stored statistics everywhere": f"every BN {STORED}",
    "no norm": "no BN is applied",
    "batch statistics everywhere": f"every BN {BATCH}",
    "eps everywhere": "every BN has eps = {eps:g}; it should be {right:g}",
    "other activation": "the activation is {name}; it should be ReLU",
    "other activation at": "the activation after {layer} is {name}; it should be ReLU",
    "relu missing": "there is no ReLU after {layer}",
    "relu before norm": "the ReLU comes before {layer}; the order is CONV, BN, ReLU",
    "relu before every norm": "every ReLU comes before its BN; the order is CONV, BN, ReLU",
    "no pooling": "there is no pooling",
    "average pooling": "the pooling is an average; it should take the largest",
    "pooling numbers": "the pooling has kernel {kernel}, stride {S}, padding {padding}; it should have 3, 2, 1",
    "pooling rounds up": "the pooling rounds up (ceil_mode)",
    "stride": "the convolution has stride {S}; it should be {right}",
    "padding": "the convolution has padding {padding}; it should be {right}",
    "padding of a 1×1": "{layer} pads by 1; a 1×1 needs no padding",
    "padding of a 3×3": "{layer} has padding {padding}; it should be {right}",
    "padding mode": "{layer} pads with {mode!r}; it should pad with zeros",
    "stem's padding mode": "the convolution pads with {mode!r}; it should pad with zeros",
    "relu in G": "there is a ReLU at the end of G; the ReLU waits until after the sum",
    "relu after the sum missing": "there is no ReLU after the sum",
    "relu before the sum": "the last ReLU comes before the sum, on F(x); it belongs after the sum",
    "relu on F": "there is a ReLU on F(x) before the sum; it belongs after the sum alone",
    "relu on the shortcut": "there is a ReLU on the shortcut before the sum; it belongs after the sum alone",
    "x overwritten": "F(x) is added to itself: x was overwritten on the way",
    "norm after the sum": "{layer} comes after the sum; it is the end of F, before the sum",
    "no shortcut": "the shortcut is left out: nothing is added to F(x)",
    "no F": "F(x) is left out: only the shortcut goes on",
    "subtracted": "forward subtracts {what}; the two should be added",
    "averaged": "F(x) and the shortcut are averaged; they should be added",
    "multiplied": "F(x) and the shortcut are multiplied; they should be added",
    "stacked": "F(x) and the shortcut are stacked as channels (torch.cat); they should be added",
    "stride elsewhere": "the stride sits on the {at} and belongs on the {right}",
    "stride twice": "F takes the stride twice, on {at} and on {right}; it belongs on {right} alone",
    "no stride in F": "F has no stride; its {right} should have {S}",
    "no stride in G": "the projection has no stride; it should have {S}, as F has",
    "S forgotten": "the block has S = 1; it should be {S}",
    "stride in F": "F has stride 2; this block has S = 1",
    "stride in G": "the projection has stride 2; this block has S = 1",
    "S too large": "the block has S = 2; it should be 1",
    "dilation": "{layer} has dilation {dilation}; it should be {right}",
    "zero channels": "the shortcut is x itself{filled}; x should pass the projection",
    "zero channels, strided": (
        "x itself, one pixel in {S} along each side, is the shortcut{filled}; it should pass the projection"
    ),
    "pooling of a fixed size": (
        "the pooling takes windows of {n} × {n} here, and the maps may have any size; AdaptiveAvgPool2d(1) or a mean "
        "over H and W fits all"
    ),
    "head takes the largest": "the pooling takes the largest; it should be the average",
    "head sums": "the pooling sums; it should be the average",
    "head takes one place": "only one place of the map is taken; it should be the average",
    "head cut off": "the values are cut off at {most:g} {when} the average; the head should pass them on as they are",
    "head without bias": "the linear layer's bias is left out",
    "after the head": "there is {name} inside the network; it should give the scores of the linear layer",
    "two at once": "two things at once: {one}; and {two}",
}

# A module matched by shape and order.
LAYERS = {
    "several": lambda parts, **_: " ".join(map(say, parts)),
    "mistake": _capital,
    "mistake in a part": "{where}: {cause}.",
    "only in training": "in eval() it is right, and in training mode it is not: {cause}",
    "only in eval": "It is right in training mode, and in eval() it is not. {cause}",
    "unregistered": (
        "A {layer} of shape {shape} computes in forward, and is no part of your module: its numbers would never be "
        "trained, saved or loaded. Make layers in __init__, as self.something; several of them belong into "
        "nn.Sequential or nn.ModuleList, not into a plain list."
    ),
    "computed weight": (
        "The weight of {where} is computed from other numbers, as weight_norm and other parametrizations do. Those "
        "would be trained, saved and loaded, and the reference's weight does not fit there: leave it out."
    ),
    "statistics loose": (
        "{where} keeps {names} as plain tensors: they would not be saved, loaded or moved to another device. In "
        "__init__ write self.register_buffer(name, tensor) for each."
    ),
    "made in forward": (
        "{where} is made in forward: before the first call it is no part of your module, and an optimizer made before "
        "would not train it. Make layers in __init__, and call them in forward."
    ),
    "no layers": "It has no layers yet: make them in __init__, as self.something, and call them in forward.",
    "layers unused": "Its layers are there, but what forward gives, {what}, depends on none of them.",
    "x returned": "forward gives back x as it came in: return what the layers have made of it.",
    "input overwritten": (
        "forward overwrites its own input x: code that still needs x, such as the previous block's backward pass, "
        "would see the changed values. Write y = f + x and not x += f, and no inplace=True on x."
    ),
    "class not made": "self.{where} is the class {name} itself. Write {name}(…), with brackets: they make one of it.",
    "layer repeated": "Your {where} is used {times} times: that is one layer, with one set of weights.",
    "bias missing": "Your {where} has no bias: the linear layer of the head, which no BN follows, has one.",
    "bias too many": (
        "Your {where} has a bias. The BN after it subtracts each channel's mean, and with it the bias, and the "
        "published weights have none: write bias=False."
    ),
    "blocks in a stage": _stage_blocks,
    "projection missing": _projection_missing,
    "projection's norm missing": NORM_MISSING,
    "norm missing": NORM_MISSING,
    "layer missing": _layer_missing,
    "layer too many": _layer_extra,
    "layers differ": (
        "In the order in which they run, your layers first differ at {where}: {mine}, where one of shape {right} is "
        "expected."
    ),
    "norm channels": "{layer}, a BN, has {C} channels; after this convolution there are {right}.",
    "groups of a convolution": "{layer} has groups = {groups}; it should have 1.",
    "matrix": lambda layer, shape, right, **_: (
        f"{layer} is a matrix of shape {shape_text(shape)}; over the windows that it should see it is "
        f"{shape_text(right)}: look at its kernel and channels."
    ),
    "kernel": "{layer} has a kernel of {kernel}; it should be {right}.",
    "channels": _channels,
    "channels in a stage": _channels,
    "None returned": "forward gives None: end it with return.",
    "no tensor returned": "forward gives {what}, and should give one tensor with all its numbers.",
    "part skipped": "forward comes to {later} and has not called {where}: call it, too, in its place.",
    "layer not called": "{where} is made in __init__, and forward never calls it.",
    "layer without effect": "{where} plays no part in what forward gives: is it called, and is its result used?",
    "called several times": "{where} is called {times} times in one forward pass, and should be once.",
    "output shape": (
        "It gives out shape {shape} for an input of shape {x}, and should give {right}: look at strides and paddings."
    ),
    "side of 1 lost": (
        "It gives out shape {shape} for an input of shape {x}, and should give {right}: a side of length 1 is gone, as "
        "after .squeeze() or [0]."
    ),
    **dict.fromkeys(
        ("differs after the layers", "differs after the block's layers"),
        "Every layer gives the right numbers, but what comes out {mode}differs: at {at} it is {mine:.9g}, and "
        "{right:.9g} is expected. Check {look}.",
    ),
    "differs somewhere": (
        "With the same weights the numbers {mode}differ: at {at} yours is {mine:.9g}, and {right:.9g} is expected."
    ),
    "numbers differ": (
        "With the same weights the numbers {mode}differ, first in what {where} gives: at {at} it is {mine:.9g}, and "
        "{right:.9g} is expected. Check {look}."
    ),
    "numbers differ before": (
        "With the same weights the numbers {mode}differ, first in what goes into {where}: at {at} it is {mine:.9g}, "
        "and {right:.9g} is expected. Look at what {before}."
    ),
    "shapes differ": (
        "With the same weights, {where} gives shape {mine}, and {right} is expected: look at its stride and padding, "
        "and at what goes into it."
    ),
    "shortcut fed with F": (
        "The shortcut is given what F has made, {shape}, and not x, {right}: keep x as it came in, and call what flows "
        "through F by another name."
    ),
    "shortcut not called": ("{where} is made in __init__, and forward never calls it. (Python says: {error}.)"),
    "fails in training": "It works in eval() but fails in training mode. {cause}",
    "late stride": (
        "It is right in eval() and differs in training mode: {where} gives {shape} where {right} is due, so that the "
        "BN after it sees other numbers. Does a later layer have its stride?"
    ),
    "early stride": (
        "It is right in eval() and differs in training mode: {where} gives {shape} where {right} is due, so that a BN "
        "sees fewer numbers. Does a pooling or a stride come too early?"
    ),
    "dropout": (
        "{what} sets values to zero at random; without it the numbers are right. There is no dropout in a ResNet: "
        "leave it out."
    ),
    "cut off": "The result{only} is cut off from the weights, which could not be trained: no .detach(), no no_grad.",
    "no gradient reaches": (
        "{where} counts in what forward gives, and no gradient reaches it, so that it would never be trained: no "
        ".detach(), .data or no_grad."
    ),
    "frozen": (
        "{where} asks for no gradient (requires_grad is False) and would never be trained. Leave requires_grad as it "
        "is."
    ),
    "expanded": (
        "{where} looks like {shape}, and all or some of these are one number (.expand): weights could not be loaded "
        "into it. Make a full tensor, as with torch.ones{shape}."
    ),
    "name hidden": (
        "{type} has something of its own called {name}. Every nn.Module has a function of that name, which PyTorch and "
        "later cells call: take another name."
    ),
    "mode gives no module": (
        "Its eval() gives {what}, and later cells go on with what it gives: end train(self, mode=True) and eval(self) "
        "with return self."
    ),
    "backward stops": (
        "It gives the right numbers and cannot be trained: the way back stops. (PyTorch says: {message}.) A step that "
        "works in place has changed what another step's gradient needs."
    ),
    "stopped on the way back": "It gives the right numbers, and the way back to its gradients stops. {cause}",
    "nothing runs back": (
        "The numbers are right, and the gradients{only} are not: nothing runs back through {what}, as after .detach(), "
        ".data or torch.no_grad(). This is proved: the reference, cut off there, has your gradients."
    ),
    "no gradient comes": (
        "The numbers are right, but {mode} no gradient comes to {where}, nor to anything before it, as after "
        ".detach(), .data or torch.no_grad()."
    ),
    "gradients differ": _gradients,
    "not a parameter": "{where} is no nn.Parameter and would never be trained.",
    "a parameter": (
        "{where} is an nn.Parameter, and BN's mean and variance are buffers: they follow the batches, and no gradient "
        "changes them."
    ),
    "stray": (
        "{where} is a {what} that the reference does not have: it would be saved and loaded with the weights, and a "
        "ResNet has none. Leave it out."
    ),
    "in another's place": (
        "It computes the right numbers, but your {name} does the work of {where}. Weights go by name, and would go to "
        "the wrong places: let each part do what its name says."
    ),
    "lasting": "{code} changes {what}, for all code that follows. Leave it out: that is for the notebook to decide.",
    "by chance": (
        "forward draws random numbers{mode}: for the same input it can give one thing now and another the next time. "
        "Nothing in a ResNet is left to chance: leave it out."
    ),
    "another without gradients": (
        "Under torch.no_grad() it gives other numbers than with gradients, for the same input: at {at} it is "
        "{mine:.9g}, and {right:.9g} is expected."
    ),
    "another time": (
        "Called several times with the same input{mode}, it does not always give the same: at {at} it comes to "
        "{mine:.9g}, and {right:.9g} is expected. The result may depend on the input alone, and not on chance or on "
        "the calls before."
    ),
    "differs for": (
        "For the same values {how} it gives other numbers: at {at} it is {mine:.9g}, and {right:.9g} is expected. The "
        "result may depend on the values alone."
    ),
    "stops for another order": (
        "It stops where the values of x lie in another order in memory, as with torch.channels_last: .reshape works "
        "there, and .view does not."
    ),
    "kept in another shape": (
        "{where} keeps its weights in the shape {mine}, and the library's in {right}: load_state_dict takes equal "
        "shapes alone. A convolution with a kernel of 1 has them."
    ),
    "hidden": (
        "Where values that come in are {what}, finite numbers come out: something on the way hides them, such as "
        "torch.nan_to_num. Leave it out: whoever looks for a fault has to see them."
    ),
    "another result": "Called several times with the same input, it does not always give a tensor of the right shape.",
    "dtype": "It gives numbers of type {mine} and should give {right}, the type of its input.",
    "running statistics": (
        "In training mode {where} does not keep the running mean and variance as nn.BatchNorm2d does (momentum 0.1): "
        "after training, eval() would use the wrong ones."
    ),
    "statistics keep a graph": (
        "In training mode {where} keeps with its stored mean and variance what autograd has recorded: it grows with "
        "every batch, and a copy of the module cannot be made. Compute them under torch.no_grad(), or from x.detach()."
    ),
    "stored numbers": (
        "After a run in training mode {where} has stored other numbers than nn.BatchNorm2d would have: look at what "
        "goes into it in training mode, and at its momentum."
    ),
}

# Networks matched by name.
ENTRIES = {
    "proved": ("{where}: {cause}. This is proved: the reference, changed in just this, gives your numbers."),
    "proved up to the stop": (
        "{where}: {cause}. This is proved: the reference, changed in just this, stops there as well, with your numbers "
        "up to there."
    ),
    "entries": _entries,
    "part's input": ("What goes into {where} is not {right}: look at what your forward does before it."),
    "NaN": (
        "{where} is the first step whose result holds NaN, no numbers; what went into {part} is equal. Look for a "
        "division by zero or a root of a negative number."
    ),
    "no logits": "Your forward gives {type} and must give a tensor, the logits.",
    "network stopped": lambda reached, type, message, line, **_: (
        f"After {reached} your network stopped with {type}: {message}.{line and f' {line}'}"
    ),
    "step differs": "{before} is equal and {where} is not: look at what your forward does between them. Check {look}.",
    "no usual mistake": "It is none of {tried} usual mistakes.",
    "fixed pooling": (
        "The maps are {H} × {W} here: a pooling of fixed size, such as AvgPool2d(7), fits pictures of one size only, "
        "and AdaptiveAvgPool2d(1) fits all."
    ),
    **dict.fromkeys(
        ("other values", "first weight other", "statistics other"),
        "{where} has other values than the reference's: these are not its weights.",
    ),
    "projection too many": ("{where} has a projection; in the reference its shortcut passes x on unchanged (BTNK2)."),
    "entry too many": "{where} is in your network and not in the reference.",
    "renamed": "Nothing of yours is called {where}. If it is your {mine!r}, say names={{{mine!r}: {name!r}}}.",
    "no name fits": (
        "No name of yours is one of the reference's: say which is which with names={{'yours': 'stage0', …}}."
    ),
    "norm without weight": "{where} has no weight and bias (affine=False).",
    "norm without statistics": (
        "{where} keeps no running statistics (track_running_stats=False) and uses the batch's in eval()."
    ),
    "entry missing": "{where} is missing in your network.",
    "classes": "head.fc gives {n:,} classes in yours and {right:,} in the reference.",
    "C1": "{where} has C1 = {C1:,}; it should be {right:,}.",
    "groups": "Each output of {where} sees {n:,} channels and should see {right:,}: are its groups right?",
    "entry's shape": "{where} has shape {shape}; it should be {right}.",
    "shared": (
        "{where} are one and the same layer in your network, with one set of weights: make a new block each time, and "
        "do not repeat one (such as [block] * 3)."
    ),
}

# The clinic's examinations.
EXAMINED = {
    "design stops": "The code stops in {where}. {error}.",
    "shapes": "Shapes differ first in {where}: {mine}, and healthy is {healthy}.",
    "shapes healthy": "All shapes are as they should be.",
    "count": lambda where, mine, healthy: (
        f"{where}: {mine:,}" + (", as healthy." if mine == healthy else f", healthy {healthy:,}.")
    ),
    "code stops": "The code stops. {error}.",
    "readings out of range": (
        "{odd} of {n} readings lie outside the healthy range, the first in {where}: {what} {value:.3g}, healthy "
        "{low:.3g} to {high:.3g}."
    ),
    "readings healthy": "All {n} readings lie in the healthy range.",
    "rewritten": (
        "{n} steps gave out something else than what lies in the same tensor now, the first {where}: a later step "
        "wrote over it."
    ),
    "ladder": "{says}",
    "ladder differs": "{says}",
    "answers' shape": "The code runs, but the answers have shape {shape}, and should have {right}.",
    "other preparation": (
        "What comes to the first BN has {mine:.2g} of the deviation that it was trained with, and with healthy "
        "preparation {healthy:.2g}: look at how the pictures are prepared."
    ),
    "answers repeated": "To other pictures it gives the very answers that it gave before.",
    "answers depend on neighbours": (
        "Yet its answer to a picture depends on the pictures beside it: two pictures by themselves, and the same two "
        "among others, differ by {company:.2g} of the largest score."
    ),
    "other answers": "Yet its answers are not the healthy network's: they differ by {answer:.2g} of the largest score.",
    "answers healthy": "Its answers are those of the healthy network.",
    "no training": "It cannot be trained. {error}.",
    "losses": (
        "After {steps} steps the loss is {patient:.2f}, and of the two healthy networks {one:.2f} and {other:.2f}{end}"
    ),
    "parted": (
        "Up to step {steps} its losses are those of the healthy network with the same first weights, and then the two "
        "part."
    ),
    "unmoved": "{n} entries have not moved, the first {where}.",
}
