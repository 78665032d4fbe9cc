"""Checks of functions that give tensors: folding, renaming, Grad-CAM; right ones in several ways, wrong ones named."""

import pytest
import torch
from torch import nn

from resnet_lib import activations, from_published
from resnet_lib.exercises import Wrong, check_fold, check_grad_cam, check_rename
from resnet_lib.experiments.attribution import grad_cam
from resnet_lib.speed.fast import fold_bn


def refusal(check, f):
    with pytest.raises(Wrong) as caught:
        check(f)
    assert len(caught.value.verdict.hints) == 3
    return caught.value.verdict.sentence


# ── Folding ──────────────────────────────────────────────────────────────────────────────────────────────────


def folded(
    s=lambda g, var, eps: g / (var + eps).sqrt(),
    by=lambda s: s.view(-1, 1, 1, 1),
    bias=lambda s, b, mean, beta: s * (b - mean) + beta,
):
    def my_fold(conv, bn):
        scale = s(bn.weight, bn.running_var, bn.eps)
        b = 0 if conv.bias is None else conv.bias
        return conv.weight * by(scale), bias(scale, b, bn.running_mean, bn.bias)

    return my_fold


NO_EPS = folded(s=lambda g, var, eps: g / var.sqrt())


def by_trying(conv, bn):
    """What the two do to zeros and to single pixels."""
    C, (k, _) = conv.in_channels, conv.kernel_size
    bias = bn(conv(torch.zeros(1, C, k, k, dtype=torch.double)))[0, :, 0, 0]
    pixels = torch.eye(C * k * k, dtype=torch.double).view(-1, C, k, k)
    return (bn(conv(pixels))[:, :, 0, 0] - bias).T.reshape(-1, C, k, k), bias


@pytest.mark.parametrize(
    "right",
    [
        folded(),
        folded(s=lambda g, var, eps: g * torch.rsqrt(var + eps), by=lambda s: s[:, None, None, None]),
        folded(bias=lambda s, b, mean, beta: beta - s * mean + s * b),
        lambda conv, bn: list(folded()(conv, bn)),
        fold_bn,
        by_trying,
    ],
)
def test_a_right_folding_is_accepted(right):
    assert check_fold(right).ok


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda conv, bn: (conv.weight, folded()(conv, bn)[1]), "The weight is unchanged"),
        (folded(by=lambda s: s.view(1, -1, 1, 1)), "output channels"),
        (NO_EPS, "ε under the root is missing"),
        (folded(s=lambda g, var, eps: g / (var.sqrt() + eps)), "ε belongs under the root"),
        (folded(s=lambda g, var, eps: g / (var + eps)), "take its root"),
        (folded(s=lambda g, var, eps: 1 / (var + eps).sqrt()), "γ is missing"),
        (folded(s=lambda g, var, eps: g * (var + eps).sqrt()), "s divides by it"),
        (folded(bias=lambda s, b, mean, beta: s * b + beta), "has not been subtracted"),
        (folded(bias=lambda s, b, mean, beta: s * (b + mean) + beta), "not added"),
        (folded(bias=lambda s, b, mean, beta: s * (b - mean)), "β is missing"),
        (folded(bias=lambda s, b, mean, beta: -s * mean + beta), "own bias is lost"),
        (folded(bias=lambda s, b, mean, beta: b - mean + beta), "scaled too"),
        (lambda conv, bn: (folded()(conv, bn)[0], NO_EPS(conv, bn)[1]), "In the bias alone: The ε"),
        (lambda conv, bn: (folded()(conv, bn)[0], bn.weight * (conv.bias - bn.running_mean)), "conv.bias"),
        (lambda conv, bn: (conv.weight, bn.bias), "still what they were"),
        (folded(s=lambda g, var, eps: g / var.sqrt(), bias=lambda s, b, mean, beta: s * (b - mean)), "And: The ε"),
        (lambda conv, bn: None, "returns None"),
        (lambda conv, bn: conv.weight, "not return a pair of tensors"),
        (lambda conv, bn: (conv.weight, bn.bias.view(1, -1)), "one number a channel"),
        (lambda conv, bn: (bn.bias, conv.weight), "The weight comes first, and then the bias"),
        (lambda conv, bn: (conv.weight.sum(0), bn.bias), "a weight of shape"),
        (lambda conv, bn: (conv.weight * 3, bn.bias * 3), "usual mistakes explains it"),
        (lambda conv, bn: (conv.weigth, bn.bias), "weigth"),
    ],
)
def test_a_wrong_folding_is_told_its_mistake(wrong, sentence):
    assert sentence in refusal(check_fold, wrong)


def test_the_first_hint_is_of_folding_and_not_of_building_a_network():
    with pytest.raises(Wrong) as caught:
        check_fold(folded(bias=lambda s, b, mean, beta: s * (b - mean)))
    assert "Write b' on paper" in caught.value.verdict.hints[0]


# ── Renaming ─────────────────────────────────────────────────────────────────────────────────────────────────


def renaming(*pairs, stem=True, fc=True, copy=False):
    def rename(published):
        renamed = {}
        for name, tensor in published.items():
            if stem and name.startswith(("conv1.", "bn1.")):
                name = "stage0." + name.replace("1", "", 1)
            elif fc and name.startswith("fc."):
                name = "head." + name
            else:
                for was, now in pairs:
                    name = name.replace(was, now)
            renamed[name] = tensor.clone() if copy else tensor
        return renamed

    return rename


def stem_alone(new):
    """A renaming that is right but for Stage 0."""

    def rename(published):
        due = from_published(published)
        names = zip(published, due, strict=True)
        return {new(was) if now.startswith("stage0") else now: due[now] for was, now in names}

    return rename


def renamed_in_place(published):
    for name in list(published):
        published[next(iter(from_published({name: None})))] = published.pop(name)
    return published


def renamed_in_place_but_the_stem(published):
    for name in list(published)[6:]:
        published[next(iter(from_published({name: None})))] = published.pop(name)
    return published


SHORTCUT = (("downsample.0", "shortcut.conv"), ("downsample.1", "shortcut.bn"))
EXCHANGED = (("downsample.0", "shortcut.bn"), ("downsample.1", "shortcut.conv"))


@pytest.mark.parametrize(
    "right",
    [
        from_published,
        renaming(("layer", "stage"), *SHORTCUT),
        renaming(("layer", "stage"), *SHORTCUT, copy=True),
        lambda published: dict(reversed(from_published(published).items())),
        renamed_in_place,
        lambda published: type("Ordered", (dict,), {})(from_published(published)),
    ],
)
def test_a_right_renaming_is_accepted(right):
    verdict = check_rename(right)
    assert verdict.ok and verdict.sentence == "All 320 entries have their right names."


def test_a_name_kept_beside_the_right_one_is_no_wrong_name_but_an_entry_too_many():
    said = refusal(check_rename, lambda published: {**from_published(published), **published})
    assert "returns 640 entries, and there were 320" in said and "still its name" not in said


def test_a_dictionary_that_is_kept_from_one_file_to_the_next_is_seen():
    renamed = {}

    def rename(published):
        renamed.update(from_published(published))
        return renamed

    assert "entries, and there were" in refusal(check_rename, rename)


def test_who_works_in_place_is_told_the_wrong_name_as_it_was():
    assert "'conv1.weight' is still its name" in refusal(check_rename, renamed_in_place_but_the_stem)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda published: published, "'conv1.weight' is still its name"),
        (lambda published: dict(published), "gives a new text, and leaves name as it is"),
        (renaming(("layer", "stage"), *SHORTCUT, stem=False), "belongs to stage0"),
        (renaming(("layer", "stage"), *SHORTCUT, fc=False), "belongs to the head"),
        (renaming(("layer", "stage")), "The shortcut is called downsample there"),
        (renaming(*SHORTCUT), "'layer1.0.conv1.weight' is still its name"),
        (renaming(("layer", "stage"), *EXCHANGED), "downsample.0 is the convolution"),
        (renaming(("conv1", "stage0.conv"), ("layer", "stage"), *SHORTCUT), "inside a block it stays"),
        (renaming(("layer1", "stage0"), ("layer2", "stage1"), *SHORTCUT), "layer1 is Stage 1: the numbers stay"),
        (stem_alone(lambda name: "stage0." + name), "are called conv and bn, without a number"),
        (stem_alone(lambda name: "stage0." + name.replace("1.", "")), "A point is missing"),
        (lambda published: {name.split(".")[-1]: t for name, t in published.items()}, "where two names become one"),
        (lambda published: dict([next(iter(published.items()))]), "one entry alone: the return is inside the loop"),
        (lambda published: {**from_published(published), "more": torch.tensor([-1.0])}, "entries, and there were"),
        (lambda published: None, "returns None"),
        (lambda published: dict([list(published.items())[-1]]), "the dictionary is made again in every round"),
        (lambda published: {}, "returns an empty dictionary"),
        (lambda published: list(published), "returns a list, and not a dictionary"),
        (lambda published: published["conv"], "KeyError"),
        (lambda published: [published.pop(name) for name in published], "while a loop goes through it"),
        (lambda published: [published.update({"my " + n: 0}) for n in published], "while a loop goes through it"),
        (lambda published: {tuple(n): t for n, t in published.items()}, "a tuple as a key"),
        (lambda published: {n.split("."): t for n, t in published.items()}, "A list cannot be a key"),
        (lambda published: [n.startswith(["conv1."]) for n in published], "one text, or a tuple of several"),
    ],
)
def test_a_wrong_renaming_is_told_the_first_wrong_name_and_what_happened_to_it(wrong, sentence):
    assert sentence in refusal(check_rename, wrong)


# ── Grad-CAM ─────────────────────────────────────────────────────────────────────────────────────────────────


def cam(
    score=lambda logits, target: logits[0, target],
    weigh=lambda slopes: slopes.mean((2, 3), keepdim=True),
    join=lambda weights, maps: (weights * maps).sum(1)[0].relu(),
    detach=True,
):
    def my_grad_cam(network, x, target, step):
        kept = activations(network, x, [step, ""], grad=True)
        maps, logits = kept[step], kept[""]
        (slopes,) = torch.autograd.grad(score(logits, target), maps, create_graph=not detach)
        values = join(weigh(slopes), maps)
        return values.detach() if detach else values

    return my_grad_cam


@pytest.mark.slow
@pytest.mark.parametrize(
    "right",
    [
        cam(),
        cam(join=lambda w, maps: torch.einsum("bcij,bchw->hw", w, maps).clamp(min=0)),
        cam(weigh=lambda s: s.flatten(2).mean(2)[..., None, None], join=lambda w, m: nn.ReLU()((w[0] * m[0]).sum(0))),
        cam(score=lambda logits, target: logits[:, target].sum()),
        lambda network, x, target, step: grad_cam(network, x, target, step).values,
    ],
)
def test_a_right_grad_cam_is_accepted(right):
    assert check_grad_cam(right).ok


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (cam(weigh=lambda s: s.sum((2, 3), keepdim=True)), "not their sum"),
        (cam(join=lambda w, m: (w * m).sum(1)[0]), "ReLU of equation (2) is missing"),
        (cam(join=lambda w, m: (w * m).mean(1)[0].relu()), "sum over the channels, not their mean"),
        (cam(score=lambda logits, target: logits.softmax(1)[0, target]), "after softmax"),
        (cam(score=lambda logits, target: logits.max()), "not the largest one"),
        (cam(join=lambda w, m: (w * m).relu().sum(1)[0]), "not on each channel"),
        (cam(join=lambda w, m: (w * m).sum(1)[0].abs()), "turn negative ones round"),
        (cam(weigh=lambda s: s), "Average the gradients"),
        (cam(weigh=torch.ones_like), "gradients are missing"),
        (cam(join=lambda w, m: w.expand_as(m).sum(1)[0].relu()), "maps themselves are missing"),
        (cam(join=lambda w, m: (w * m).sum(1)[0].relu() / (w * m).sum(1)[0].relu().max()), "divided by its largest"),
        (cam(score=lambda logits, target: logits.softmax(1)[0, target], join=lambda w, m: (w * m).sum(1)[0]), "And:"),
        (cam(detach=False), "end with .detach()"),
        (cam(join=lambda w, m: (w * m).sum(1).relu()), "take [0]"),
        (cam(join=lambda w, m: (w * m).sum(1, keepdim=True).relu()), "sides of 1 beside them"),
        (cam(join=lambda w, m: (w * m).sum(1).relu()[..., None]), "sides of 1 beside them"),
        (cam(join=lambda w, m: (w * m)[0].relu().permute(1, 2, 0)), "sum over the channels is missing"),
        (cam(join=lambda w, m: (w * m).sum(1)[0].relu().flatten()), "The places lie in one row"),
        (cam(join=lambda w, m: (w * m)[0].relu()), "sum over the channels is missing"),
        (cam(join=lambda w, m: (w * m).sum(1)[0].relu().T), "Rows and columns are exchanged"),
        (cam(join=lambda w, m: (w * m).sum(3)[0].relu()), "the channels go"),
        (cam(join=lambda w, m: (w * m).sum((2, 3)).relu()), "the channels go"),
        (
            cam(join=lambda w, m: nn.Upsample((64, 96))((w * m).sum(1, keepdim=True))[0, 0].relu()),
            "before it is stretched",
        ),
        (
            cam(join=lambda w, m: nn.Upsample(scale_factor=3)((w * m).sum(1, keepdim=True))[0, 0].relu()),
            "each place of",
        ),
        (lambda network, x, target, step: cam()(network, x, target, "stage2"), "maps of stage2"),
        (lambda network, x, target, step: cam()(network, x, target, "stage3"), "maps of stage3"),
        (lambda network, x, target, step: cam()(network, x, target, "stage4"), "maps of stage4"),
        (lambda network, x, target, step: None, "returns None"),
        (lambda network, x, target, step: [1], "a list: return the map alone"),
        (cam(score=lambda logits, target: logits), "grad can be implicitly created only for scalar outputs"),
        (cam(weigh=lambda s: s.mean((2, 3))), "keepdim=True"),
        (cam(weigh=lambda s: (s,).mean((2, 3))), "torch.autograd.grad gives a tuple"),
        (cam(weigh=lambda s: s.grad.mean((2, 3))), "torch.autograd.grad(logits[0, target], maps)"),
        (lambda network, x, target, step: (x, x), "a tuple: return the map alone"),
    ],
)
def test_a_wrong_grad_cam_is_told_its_mistake(wrong, sentence):
    assert sentence in refusal(check_grad_cam, wrong)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (cam(weigh=lambda s: s.sum((2, 3), keepdim=True)), "Over places for a weight"),
        (cam(weigh=lambda s: s.mean()), "Over places for a weight"),
        (cam(weigh=lambda s: s), "Over places for a weight"),
        (cam(score=lambda logits, target: logits.max()), "Which single number"),
        (cam(score=lambda logits, target: logits.softmax(1)[0, target]), "Which single number"),
        (cam(join=lambda w, m: (w * m).sum(1)[0]), "The ReLU is the last step"),
        (cam(join=lambda w, m: (w * m).sum(1).relu()), "Print the shape after every line"),
        (cam(detach=False), "requires_grad"),
        (lambda network, x, target, step: (x, x), "Print the shape after every line"),
        (lambda network, x, target, step: None, "Is there a return"),
    ],
)
def test_the_first_hint_for_grad_cam_fits_the_mistake(wrong, hint):
    with pytest.raises(Wrong) as caught:
        check_grad_cam(wrong)
    assert hint in caught.value.verdict.hints[0]
