"""Networks that are called ResNet and are others, recognised by the keys and shapes of their weights.

Each is told from the ResNets of this library by what only it has, or only it lacks. Loading such weights by force
would give a network that runs and computes something else.
"""

import re

from .._common import Finding, Kind


def _another(name, what):
    return Kind(name, f"{{where!r}} holds the weights of another network: {what} ({{key}})")


ANTI_ALIASED = _another("anti-aliased", "an anti-aliased ResNet, which blurs each map before it is strided")
ATTENTION = _another("attention", "a ResNet with attention in its blocks, such as squeeze-and-excitation (SE)")
RES2NET = _another("Res2Net", "a Res2Net, whose 3×3 convolution is a chain of smaller ones")
SPLIT = _another("split attention", "a ResNeSt or SKNet, whose 3×3 convolution has several branches with attention")
IBN = _another("IBN", "an IBN-Net, which normalises a part of the channels picture by picture")
D = _another("ResNet-D", "a ResNet-D, with three 3×3 convolutions as stem and average pooling in its shortcuts")
DEEP_STEM = _another("deep stem", "a ResNet with a deep stem (variant C), of several convolutions and not one 7×7")
POOLED_SHORTCUT = _another("pooled shortcut", "a ResNet with average pooling in its shortcuts, as variant D")
V2 = _another("pre-activation", "a pre-activation ResNet (v2), with BN and ReLU before each convolution")
CIFAR_STEM = _another("CIFAR stem", "a ResNet with a 3×3 stem, as made for the small pictures of CIFAR")
OTHER_STEM = _another("other stem", "a ResNet whose stem is not one 7×7 convolution")
THREE_STAGES = _another("three stages", "a ResNet of three stages, as made for the small pictures of CIFAR")
NOT_FLAT = _another(
    "not for pictures", "a ResNet for videos or signals, with convolutions that are not two-dimensional"
)
OTHER_NORM = _another("no BN", "a ResNet without the statistics of BN, so normalised by something else (GroupNorm?)")
FOLDED = _another("folded BN", "a ResNet whose BN has been folded into biases of the convolutions")
CONV_BIAS = _another("convolution biases", "a ResNet whose convolutions have biases")
QUANTISED = _another("quantised", "a quantised network; the weights from before it was quantised are needed")
PRUNED = _another(
    "reparametrised",
    "one with pruned or reparametrised layers; save it again after torch.nn.utils.prune.remove or "
    "parametrize.remove_parametrizations",
)
ADAPTED = _another("adapters", "one with adapters (LoRA); merge them into the weights and save it again")
OTHER_FAMILY = _another("another family", "{family}")

# What no ResNet of this library has: (kind, pattern that one of the keys matches). The first that fits is meant.
KEYS = [
    (QUANTISED, r"(.*\.)?(scale|zero_point|_packed_params.*)"),
    (PRUNED, r".*(weight_orig|weight_mask|weight_g|weight_v|parametrizations\..*)"),
    (ADAPTED, r".*lora_.*"),
    (ANTI_ALIASED, r"(.*\.)?(filt|blur.*)"),
    (IBN, r".*\.(IN|BN|in|bn_half)\.(weight|bias)"),
    (RES2NET, r".*\.(convs|bns)\.\d+\..*"),
    (SPLIT, r".*\.conv2\.(fc1|fc2|attn|conv|bn0|radix).*"),
    (
        ATTENTION,
        r".*\.(\w*(?i:se|sse|eca|cbam|attn|attention|excitation|squeeze)(_?(module|layer|block|net))?|ca|sa|gc|fc\d?)\.\D*(\d.*)?",
    ),
]
DEEP = re.compile(r"((conv1|stem)\.\d+|conv[23]|layer0\.conv[123]|stem\.conv\d|input_stem.*)\..*")
LAST_NORM = re.compile(r"(bn|norm|bn[2-9]|\w*(final|last|post|out)\w*)\.(weight|running_mean)")
# Whole families whose keys are not a ResNet's at all.
FAMILIES = [
    (r".*stages\.\d\.blocks\.\d+\.norm[123]\..*", V2),
    (r".*block\d\.unit\d+\..*", V2),
    (r".*(patch_embed|cls_token|encoder_layer_\d+|encoder\.layer\.\d+\.attention).*", "a Vision Transformer"),
    (r".*denseblock\d\..*", "a DenseNet"),
    (r".*(conv_dw|dwconv|depthwise).*", "a network of depthwise convolutions, such as ConvNeXt or EfficientNet"),
    (r".*res[2-5]\.\d+\.conv\d\.norm\..*", "a ResNet of Detectron2, whose names this library does not read"),
]
# Networks with the keys and shapes of an ordinary one: only what they are called tells.
CALLED = [(ANTI_ALIASED, re.compile(r"resne[x]?t(aa|blur)\d+|anti-?_?aliased|blur_?pool", re.IGNORECASE))]


def variant(weights, path):
    """Return which other network some `Weights` are of, as a finding, None for a ResNet of this library."""
    kind, key = _by_keys(weights) or _by_shapes(weights.tensors, weights) or (None, "")
    return kind and Finding(kind, str(path), {"key": key})


def called(weights, path):
    """Return which other network the file or its name says it is, as a finding; None where neither says so."""
    for kind, pattern in CALLED:
        for text in (*weights.called, path.name):
            if match := pattern.search(text):
                key = (
                    f"it is called {match[0]!r}, and keys and shapes are the same; pass design= to load it as a ResNet"
                )
                return Finding(kind, str(path), {"key": key})
    return None


def family(keys, path):
    """Return which family of networks keys are of that are no ResNet's, as a finding; None where that is not known."""
    for pattern, what in FAMILIES:
        if key := _matching(re.compile(pattern), keys):
            kind, words = (what, "") if isinstance(what, Kind) else (OTHER_FAMILY, what)
            return Finding(kind, str(path), {"key": key, "family": words})
    return None


def _by_keys(weights):
    others = weights.others
    for kind, pattern in KEYS:
        if key := _matching(re.compile(pattern), others):
            return kind, key
    deep = _matching(DEEP, others)
    # Behind a pooling, the shortcut's convolution is where others have its BN.
    pooled = next((k for k, t in weights.tensors.items() if k.endswith("shortcut.bn.weight") and t.dim() > 1), None)
    pooled = pooled and weights.key(pooled)
    if deep or pooled:
        return (D, pooled) if deep and pooled else (DEEP_STEM, deep) if deep else (POOLED_SHORTCUT, pooled)
    return None


def _matching(pattern, keys):
    return next((key for key in keys if pattern.fullmatch(key)), None)


def _by_shapes(w, weights):
    stem = w.get("stage0.conv.weight")
    convs = {key: tensor for key, tensor in w.items() if re.search(r"conv\d?\.weight$", key)}
    if odd := next((key for key, tensor in convs.items() if tensor.dim() in (3, 5)), None):
        return NOT_FLAT, weights.key(odd)
    if _pre_activated(w, weights.others):
        return V2, weights.key("stage1.0.bn1.weight")
    if stem is not None and stem.dim() == 4 and tuple(stem.shape[2:]) != (7, 7):
        kernel = "×".join(map(str, stem.shape[2:]))
        kind = CIFAR_STEM if kernel == "3×3" else OTHER_STEM
        return kind, f"{weights.key('stage0.conv.weight')} is {kernel}"
    bias = next((key for key in w if re.search(r"conv\d?\.bias$", key)), None)
    if not any(".bn" in key for key in w):
        return (FOLDED, weights.key(bias)) if bias else None
    if bias:
        return CONV_BIAS, weights.key(bias)
    if not any(key.endswith("running_mean") for key in w):
        return OTHER_NORM, "no running_mean"
    if not any(key.startswith("stage4.") for key in w) and any(key.startswith("stage3.") for key in w):
        return THREE_STAGES, "no " + weights.key("stage4.0.conv1.weight")
    return None


def _pre_activated(w, others):
    """Whether each block normalises its input: its first BN has the channels that its first convolution is given."""
    sizes = []
    for key, conv in w.items():
        bn = w.get(key.replace("conv1", "bn1"))
        if re.fullmatch(r"stage\d+\.\d+\.conv1\.weight", key) and bn is not None and conv.dim() == 4:
            sizes.append((bn.shape[0] if bn.dim() else 0, *conv.shape[:2]))
    before = all(n == C for n, _, C in sizes) and any(n != C1 for n, C1, _ in sizes)
    return before or ("stage0.bn.weight" not in w and _matching(LAST_NORM, others) is not None)
