"""Weights as people have them: any wrapper, prefix, names and precision load; anything else is named as what it is."""

import argparse
import io
import json
import pickle
import re
import tarfile
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from resnet_lib import ResNet, resnet18
from resnet_lib.weights import CannotLoad, load
from resnet_lib.weights.key_names import SCHEMES, to_scheme

from .reference import shake_norms

torch.manual_seed(0)
NETWORKS = {
    "basic": shake_norms(resnet18(base=2, num_classes=3), 1).eval(),
    "bottleneck": shake_norms(ResNet(blocks=(1, 2, 1, 1), base=2, num_classes=7), 2).eval(),
    "groups": shake_norms(ResNet(blocks=(1, 1, 1, 1), base=4, groups=2, width_per_group=64, num_classes=2), 3).eval(),
}
WRAPPERS = ["state_dict", "model_state_dict", "model", "net", "network", "params", "weights", "state_dict_ema", "best"]
PREFIXES = ["module.", "_orig_mod.", "model.", "backbone.", "encoder.", "net.", "resnet.", "body.", "timm_model."]
BESIDE = {
    "epoch": 5,
    "optimizer": {"state": {0: {"momentum_buffer": torch.ones(2, 2)}}, "param_groups": [{"lr": 0.1, "params": [0]}]},
    "optimizer_state_dict": {},
    "acc": 95.0,
    "pytorch-lightning_version": "2.5",
    "args": argparse.Namespace(lr=0.1, data=Path("x")),
    "best_acc1": np.float64(76.1),
}
DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16]


def written(state_dict, scheme="published", prefix="", dtype=torch.float32):
    """The same weights as a file of that kind has them."""
    return {
        prefix + to_scheme(key, scheme): tensor.to(dtype) if tensor.is_floating_point() else tensor
        for key, tensor in state_dict.items()
    }


def same(network, original, dtype=torch.float32):
    theirs = original.state_dict()
    assert network.state_dict().keys() == theirs.keys()
    for key, tensor in network.state_dict().items():
        expected = theirs[key].to(dtype).float() if theirs[key].is_floating_point() else theirs[key]
        assert torch.equal(tensor, expected), key


def saved(content, path, **options):
    torch.save(content, path, **options)
    return path


def quietly(path, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return load(path, **options)


def safetensors(tensors, metadata=None):
    """The bytes of a safetensors file, written as its description says."""
    types = {torch.float32: "F32", torch.float64: "F64", torch.float16: "F16", torch.bfloat16: "BF16"}
    types |= {torch.int64: "I64"}
    header, body = ({"__metadata__": metadata} if metadata else {}), b""
    for name, tensor in tensors.items():
        part = tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        offsets = [len(body), len(body) + len(part)]
        header[name] = {"dtype": types[tensor.dtype], "shape": list(tensor.shape), "data_offsets": offsets}
        body += part
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def file_of(content, path, form):
    if form == "safetensors":
        path.write_bytes(safetensors(content))
        return path
    return saved(content, path, _use_new_zipfile_serialization=form == "zip")


# ── What loads ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(list(NETWORKS)),
    st.lists(st.sampled_from(WRAPPERS), max_size=2, unique=True),
    st.lists(st.sampled_from(PREFIXES), max_size=4),
    st.sampled_from(list(SCHEMES)),
    st.sampled_from(DTYPES),
    st.sets(st.sampled_from(list(BESIDE))),
    st.sampled_from(["zip", "legacy"]),
)
def test_any_wrapper_prefix_names_and_precision_load(
    tmp_path_factory, which, wrappers, prefixes, scheme, dtype, beside, form
):
    content = written(NETWORKS[which].state_dict(), scheme, "".join(prefixes), dtype)
    for wrapper in wrappers:
        content = {**{key: BESIDE[key] for key in beside}, wrapper: content}
    network = quietly(file_of(content, tmp_path_factory.mktemp("any") / "x.pth", form))
    same(network, NETWORKS[which], dtype)
    assert not network.training and {p.dtype for p in network.parameters()} == {torch.float32}
    for name in beside if wrappers else ():
        assert repr(name) in network.checkpoint.note or "more" in network.checkpoint.note


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("which", NETWORKS)
def test_safetensors_are_read(tmp_path, which, scheme, dtype):
    prefix = "resnet." if scheme == "Hugging Face" else ""
    content = written(NETWORKS[which].state_dict(), scheme, prefix, dtype)
    if scheme == "Hugging Face":  # its head is beside the rest
        content = {key.replace("resnet.classifier", "classifier"): tensor for key, tensor in content.items()}
    same(quietly(file_of(content, tmp_path / "model.safetensors", "safetensors")), NETWORKS[which], dtype)


def test_safetensors_with_metadata_and_an_odd_start_of_the_numbers_are_read(tmp_path):
    content = written(NETWORKS["basic"].state_dict())
    for text in ("", "x", "xx", "xxx"):
        (tmp_path / "a.safetensors").write_bytes(safetensors(content, {"format": "pt", "by": text}))
        same(quietly(tmp_path / "a.safetensors"), NETWORKS["basic"])


def test_wrappers_of_modules_may_be_anywhere_in_a_key(tmp_path):
    content = written(NETWORKS["basic"].state_dict())
    odd = {re.sub(r"^(layer\d)\.", r"\1._orig_mod.module.", key): tensor for key, tensor in content.items()}
    same(quietly(saved(odd, tmp_path / "x.pth")), NETWORKS["basic"])


def test_a_dictionary_of_modules_nested_part_by_part_loads(tmp_path):
    nested = {}
    for key, tensor in written(NETWORKS["bottleneck"].state_dict()).items():
        *parts, leaf = key.split(".")
        place = nested
        for part in parts:
            place = place.setdefault(int(part) if part.isdigit() else part, {})
        place[leaf] = tensor
    same(quietly(saved([{"params": nested}, 3], tmp_path / "x.pth")), NETWORKS["bottleneck"])


def test_the_shortcut_and_the_head_have_other_names_too(tmp_path):
    content = written(NETWORKS["bottleneck"].state_dict())
    content = {k.replace("downsample", "shortcut").replace("fc.", "linear."): t for k, t in content.items()}
    same(quietly(saved({"net": content, "acc": 95.0}, tmp_path / "x.pth")), NETWORKS["bottleneck"])


@pytest.mark.parametrize("head", ["head.fc", "head", "classifier", "fc.1", "linear", "classifier.1", "last_linear"])
@pytest.mark.parametrize("prefix", ["", "backbone.", "model.backbone."])
def test_a_head_beside_the_backbone_is_found(tmp_path, prefix, head):
    content = written(NETWORKS["basic"].state_dict(), prefix=prefix)
    outer = prefix.removesuffix("backbone.")
    content = {k.replace(f"{prefix}fc.", f"{outer}{head}."): t for k, t in content.items()}
    same(quietly(saved({"state_dict": content}, tmp_path / "x.pth")), NETWORKS["basic"])


def test_a_head_without_a_bias_has_a_bias_of_zero(tmp_path):
    content = written(NETWORKS["basic"].state_dict())
    del content["fc.bias"]
    network = quietly(saved(content, tmp_path / "x.pth"))
    assert not network.head.fc.bias.any()
    assert torch.equal(network.head.fc.weight, NETWORKS["basic"].head.fc.weight)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("prefix", ["", "backbone.", "0."])
def test_a_backbone_loads_with_a_sentence_and_a_head_of_zeros(tmp_path, prefix, scheme):
    body = {k: t for k, t in NETWORKS["bottleneck"].state_dict().items() if not k.startswith("head")}
    with pytest.warns(UserWarning, match="has no head: its linear layer is set to 0"):
        network = load(saved(written(body, scheme, prefix), tmp_path / "x.pth"))
    assert all(torch.equal(network.state_dict()[key], tensor) for key, tensor in body.items())
    assert "'x.pth' has no head" in network.checkpoint.note
    assert not network(torch.randn(1, 3, 32, 32)).any()
    assert network.checkpoint.classes[0] == "class 0"


def test_a_head_of_several_layers_is_left_out_with_a_sentence(tmp_path):
    content = written(NETWORKS["basic"].state_dict())
    hidden = {"fc.0.weight": torch.ones(5, 16), "fc.0.bias": torch.ones(5), "fc.2.weight": torch.ones(3, 5)}
    content = {k: t for k, t in content.items() if not k.startswith("fc.")} | hidden
    with pytest.warns(UserWarning, match="the head of 'x.pth', 'fc', is not one linear layer and was left out"):
        network = load(saved({"model": content}, tmp_path / "x.pth"))
    assert not network.head.fc.weight.any()


def under(prefix, weights):
    return {prefix + key: tensor for key, tensor in weights.items()}


def averaged(weights):
    return {"n_averaged": torch.tensor(5), **under("module.", weights)}


def parameters(weights):
    return {key: tensor for key, tensor in weights.items() if key.endswith((".weight", ".bias"))}


@pytest.mark.parametrize(
    "content, taken, other",
    [
        (lambda a, b: {"model": a, "ema": b}, "ema", "model"),
        (lambda a, b: {"model_ema": b, "model": a}, "model_ema", "model"),
        (lambda a, b: {"state_dict": a, "state_dict_ema": b}, "state_dict_ema", "state_dict"),
        (lambda a, b: {"model": a, "model_ema": averaged(b)}, "model_ema", "model"),
        (lambda a, b: {**a, "ema": b}, "ema", "outermost keys"),
        (lambda a, b: {"state_dict": {**under("encoder_q.", b), **under("encoder_k.", a)}}, "encoder_q", "encoder_k"),
        (lambda a, b: {"student": b, "teacher": a}, "student", "teacher"),
        (lambda a, b: {"momentum": parameters(a), "model": b}, "model", "momentum"),
        (lambda a, b: {"model": b, "ema": parameters(a)}, "model", "ema"),
    ],
)
def test_of_two_networks_the_averaged_one_or_else_the_first_is_taken_and_that_is_said(tmp_path, content, taken, other):
    a, b = (written(resnet18(base=2, num_classes=3).state_dict()) for _ in range(2))
    with pytest.warns(UserWarning, match=f"the weights are those of .*{taken}.*{other}.* were not used"):
        network = load(saved(content(a, b), tmp_path / "x.pth"))
    assert torch.equal(network.stage0.conv.weight, b["conv1.weight"])
    assert taken in network.checkpoint.note


LEFT = {
    "thop": {"total_ops": torch.zeros(1), "conv1.total_params": torch.zeros(1), "layer1.0.total_ops": torch.zeros(1)},
    "averaged": {"n_averaged": torch.tensor(3)},
    "loss": {"criterion.weight": torch.ones(3)},
    "queue": {"queue": torch.ones(4, 4), "queue_ptr": torch.zeros(1)},
}


@pytest.mark.parametrize("kind", LEFT)
@pytest.mark.parametrize("prefix", ["", "model."])
def test_what_tools_leave_is_ignored_and_named(tmp_path, prefix, kind):
    content = written(NETWORKS["basic"].state_dict(), prefix=prefix) | under(prefix, LEFT[kind])
    network = quietly(saved({"state_dict": content, "epoch": 3}, tmp_path / "x.pth"))
    same(network, NETWORKS["basic"])
    assert "not used from the file: " in network.checkpoint.note
    assert all(key in network.checkpoint.note for key in [*LEFT[kind], "epoch"])


def test_what_is_beside_a_backbone_is_ignored_and_named(tmp_path):
    content = written(NETWORKS["basic"].state_dict(), prefix="backbone.body.")
    more = {"rpn.head.conv.0.0.weight": torch.ones(2, 2, 3, 3), "backbone.fpn.inner.0.weight": torch.ones(2, 2)}
    network = quietly(saved(content | more, tmp_path / "x.pth"))
    same(network, NETWORKS["basic"])
    assert "'rpn', 'backbone.fpn'" in network.checkpoint.note


@pytest.mark.parametrize("classes", [1, 2, 10, 21_841])
def test_any_number_of_classes_loads(tmp_path, classes):
    original = ResNet("basic", (1, 1, 1, 1), base=1, num_classes=classes)
    network = quietly(saved(written(original.state_dict()), tmp_path / "x.pth"))
    assert len(network.checkpoint.classes) == network.head.fc.out_features == classes


def test_counters_of_batches_may_be_of_any_type_and_shape(tmp_path):
    content = written(NETWORKS["basic"].state_dict())
    for i, key in enumerate(k for k in content if k.endswith("tracked")):
        content[key] = [torch.tensor(3.0).half(), torch.tensor([3]), torch.tensor([1, 2]), torch.tensor(3)][i % 4]
    network = quietly(saved(content, tmp_path / "x.pth"))
    assert torch.equal(network.stage4[1].conv2.weight, NETWORKS["basic"].stage4[1].conv2.weight)


# ── Other networks ───────────────────────────────────────────────────────────────────────────────────────────

BODY = written(NETWORKS["bottleneck"].state_dict())
BASIC = written(NETWORKS["basic"].state_dict())


def renamed(weights, *pairs):
    for old, new in pairs:
        weights = {re.sub(old, new, key): tensor for key, tensor in weights.items()}
    return weights


def deep(weights, names=("conv1.0", "conv1.1", "conv1.3", "conv1.4", "conv1.6")):
    """With a stem of three convolutions."""
    first, norm, second, norm2, third = names
    C = len(weights["bn1.weight"])
    stem = {f"{first}.weight": torch.ones(C, 3, 3, 3), f"{second}.weight": torch.ones(C, C, 3, 3)}
    stem |= {f"{third}.weight": torch.ones(C, C, 3, 3)}
    stem |= {f"{n}.{leaf}": torch.ones(C) for n in (norm, norm2) for leaf in ("weight", "bias", "running_mean")}
    return stem | {k: t for k, t in weights.items() if k != "conv1.weight"}


POOLED = [(r"downsample\.1\.", "downsample.2."), (r"downsample\.0\.", "downsample.1.")]


def pre_activated(weights, last="bn"):
    """Each block's first BN is of its input, the stem has none, the last is after Stage 4."""
    kept = {k: t for k, t in weights.items() if not k.startswith("bn1.") and "downsample.1" not in k}
    for key in [k for k in kept if re.search(r"\.\d\.bn\d\.(weight|bias|running)", k)]:
        kept[key] = torch.ones(kept[re.sub(r"bn(\d)\.\w+", r"conv\1.weight", key)].shape[1])
    C = weights["fc.weight"].shape[1]
    return kept | {f"{last}.{leaf}": torch.ones(C) for leaf in ("weight", "bias", "running_mean", "running_var")}


def stem(kernel, weights=BODY):
    return weights | {"conv1.weight": torch.ones(len(weights["bn1.weight"]), 3, kernel, kernel)}


def folded():
    kept = {k: t for k, t in BODY.items() if "bn" not in k and "downsample.1" not in k}
    return kept | {k.replace("weight", "bias"): torch.ones(len(t)) for k, t in kept.items() if "fc" not in k}


def with_keys(**more):
    return BODY | {key.replace("__", "."): tensor for key, tensor in more.items()}


def without(pattern, weights):
    return {key: tensor for key, tensor in weights.items() if not re.search(pattern, key)}


ONE = torch.ones(2, 2, 1, 1)
OTHERS = {
    "D": (renamed(deep(BODY), *POOLED), "a ResNet-D"),
    "D, mmseg": (renamed(deep(BODY, ("stem.0", "stem.1", "stem.3", "stem.4", "stem.6")), *POOLED), "a ResNet-D"),
    "CLIP": (renamed(deep(BODY, ("conv1", "bn1", "conv2", "bn2", "conv3")), *POOLED), "ResNet-D"),
    "C": (deep(BODY), "a deep stem"),
    "Cadene": (deep(BODY, ("layer0.conv1", "layer0.bn1", "layer0.conv2", "layer0.bn2", "layer0.conv3")), "a deep stem"),
    "pooled shortcut": (renamed(BODY, *POOLED), "average pooling in its shortcuts"),
    "SE, timm": (with_keys(layer1__0__se__fc1__weight=ONE), "squeeze-and-excitation"),
    "SE, Cadene": (with_keys(layer1__0__se_module__fc1__weight=ONE), "squeeze-and-excitation"),
    "SE, moskomule": (with_keys(layer1__0__se__fc__0__weight=ONE), "squeeze-and-excitation"),
    "SE, kuangliu": (with_keys(layer1__0__fc1__weight=ONE), "squeeze-and-excitation"),
    "ECA": (with_keys(layer1__0__se__conv__weight=torch.ones(1, 1, 3)), "attention"),
    "CBAM": (with_keys(layer1__0__cbam__ChannelGate__mlp__1__weight=ONE), "attention"),
    "anti-aliased": (
        renamed(BODY, (r"(layer[234]\.0)\.conv3\.", r"\1.conv3.1."), (r"([234].0)\.downsample\.1\.", r"\1.other."))
        | {"layer2.0.conv3.0.filt": ONE, "maxpool.1.filt": ONE},
        "an anti-aliased ResNet",
    ),
    "anti-aliased, old timm": (with_keys(layer2__0__aa__filt=ONE), "an anti-aliased ResNet"),
    "v2": (pre_activated(BODY), "a pre-activation ResNet (v2)"),
    "v2, basic": (pre_activated(BASIC), "a pre-activation ResNet (v2)"),
    "v2, all BNs in place": (pre_activated(BODY) | {k: t for k, t in BODY.items() if k.startswith("bn1.")}, "(v2)"),
    "v2, timm": ({"stem.conv.weight": ONE, "stages.0.blocks.0.norm1.weight": ONE}, "a pre-activation ResNet (v2)"),
    "CIFAR": (stem(3), "a 3×3 stem, as made for the small pictures of CIFAR"),
    "CIFAR, kuangliu": (renamed(stem(3, BASIC), ("downsample", "shortcut"), (r"^fc\.", "linear.")), "CIFAR"),
    "CIFAR, under Hugging Face's names": (
        written(NETWORKS["basic"].state_dict(), "Hugging Face")
        | {"embedder.embedder.convolution.weight": torch.ones(2, 3, 3, 3)},
        "CIFAR",
    ),
    "stem of 5": (stem(5), "(conv1.weight is 5×5)"),
    "three stages": (without("layer4", BASIC) | {"fc.weight": torch.ones(3, 8)}, "three stages"),
    "GroupNorm": (without("running|tracked", BODY), "without the statistics of BN"),
    "folded": (folded(), "whose BN has been folded"),
    "biases": (BODY | {"layer1.0.conv1.bias": torch.ones(2)}, "whose convolutions have biases"),
    "Res2Net": (with_keys(layer1__0__convs__0__weight=ONE), "a Res2Net"),
    "ResNeSt": (with_keys(layer1__0__conv2__fc1__weight=ONE), "a ResNeSt or SKNet"),
    "IBN": (with_keys(layer1__0__bn1__IN__weight=torch.ones(1)), "an IBN-Net"),
    "pruned": (renamed(BODY, ("1.weight", "1.weight_orig")) | with_keys(conv1__weight_mask=ONE), "prune.remove"),
    "LoRA": (with_keys(layer1__0__conv1__lora_A=ONE), "adapters (LoRA)"),
    "video": (stem(3) | {k: t[:, :, None] for k, t in BODY.items() if t.dim() == 4}, "not two-dimensional"),
    "ViT": ({"cls_token": ONE, "patch_embed.proj.weight": ONE}, "a Vision Transformer"),
    "DenseNet": ({"features.denseblock1.denselayer1.conv1.weight": ONE}, "a DenseNet"),
}


@pytest.mark.parametrize("wrapped", ["", "state_dict"])
@pytest.mark.parametrize("kind", OTHERS)
def test_another_network_is_named_as_what_it_is(tmp_path, kind, wrapped):
    content, what = OTHERS[kind]
    content = {wrapped: under("module.", content), "epoch": 1} if wrapped else content
    path = saved(content, tmp_path / "other.pth")
    with pytest.raises(CannotLoad, match="holds the weights of another network: ") as caught:
        load(path)
    assert what in str(caught.value) and repr(str(path)) in str(caught.value)


@pytest.mark.parametrize("name", ["resnetaa50_a1h-4cf422b3.pth", "resnetblur50.pth", "resnet50_antialiased.pth"])
def test_with_the_same_keys_and_shapes_its_name_tells_and_a_design_overrules(tmp_path, name):
    path = saved(BODY, tmp_path / name)
    with pytest.raises(CannotLoad, match="an anti-aliased ResNet.*pass design="):
        load(path)
    inside = saved({"arch": "resnetaa50", "state_dict": BASIC}, tmp_path / "checkpoint.pth")
    with pytest.raises(CannotLoad, match="it is called 'resnetaa50'"):
        load(inside)
    same(load(inside, design="resnet18"), NETWORKS["basic"])


# ── Files that are no checkpoint ─────────────────────────────────────────────────────────────────────────────


def zip_of(*names, content=b"x"):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, content)
    return file.getvalue()


def npz():
    file = io.BytesIO()
    np.savez(file, **{key: tensor.numpy() for key, tensor in BASIC.items()})
    return file.getvalue()


def tar():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("resnet50.pth"))
    return file.getvalue()


def torchscript():
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(torch.nn.Conv2d(1, 1, 1), torch.ones(1, 1, 2, 2), check_trace=False)
        torch.jit.save(traced, file)
    return file.getvalue()


SOUND = safetensors(BASIC)
FILES = {
    "empty": (b"", "is empty: download"),
    "zeros": (bytes(5000), "nothing but zeros"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 102530333\n", "git lfs pull"),
    "page": (b"<!DOCTYPE html><html><title>Sign in</title>", "is a web page"),
    "page with a mark and spaces": (b"\xef\xbb\xbf\r\n  <HTML>", "is a web page"),
    "error of a store": (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "is a web page"),
    "text": (b"resnet50\n", r"is text and begins 'resnet50\\n'"),
    "text in another language": ("été\n".encode() * 300, "is text and begins"),
    "JSON": (b'{"weight_map": {"conv1.weight": "model-00001-of-00002.safetensors"}}', "is text and begins"),
    "ONNX": (b"\x08\x08\x12\x07pytorch\x1a\x052.0.0:\x90\x01", "is an ONNX graph"),
    "ONNX, no producer": (b"\x08\x0a\x3a\x90\x01\x0a\x20", "is an ONNX graph"),
    "TorchScript": (torchscript(), "torch.jit.load"),
    "export": (zip_of("m/archive_format", "m/data/x"), "made by torch.export"),
    "npz": (npz(), "torch.from_numpy"),
    "npy": (b"\x93NUMPY\x01\x00", "torch.from_numpy"),
    "Keras": (b"\x89HDF\r\n\x1a\n\x00", "an HDF5 file"),
    "Keras 3": (zip_of("config.json", "model.weights.h5"), "an HDF5 file"),
    "TFLite": (b"\x1c\x00\x00\x00TFL3\x00", "TensorFlow Lite"),
    "GGUF": (b"GGUF\x03\x00\x00\x00", "GGUF"),
    "picture": (b"\x89PNG\r\n\x1a\n\x00", "a picture or a document"),
    "gzip": (b"\x1f\x8b\x08\x00\x00", "a packed archive: unpack it"),
    "tar": (tar(), "a packed archive: unpack it"),
    "zip of weights": (zip_of("a/notes.txt", "a/resnet50.pth"), r"around 'a/resnet50\.pth': unpack it"),
    "zip of text": (zip_of("a/notes.txt"), "a zip archive that torch.save did not write"),
    "pickle": (pickle.dumps({"conv1.weight": [1, 2]}), "a pickle that torch.save did not write"),
    "safetensors cut off": (SOUND[:-1], "is incomplete or damaged"),
    "safetensors cut in the header": (SOUND[:100], "is incomplete or damaged"),
    "safetensors with a wrong header": ((16).to_bytes(8, "little") + b'{"__metadata__":{}}', "incomplete or damaged"),
    "safetensors without tensors": (safetensors({}), "holds no weights"),
    "safetensors of another type": (SOUND.replace(b'"F32"', b'"F4 "'), "is incomplete or damaged"),
}


@pytest.mark.parametrize("kind", FILES)
def test_each_kind_of_file_has_its_sentence(tmp_path, kind):
    content, sentence = FILES[kind]
    (tmp_path / "x.pth").write_bytes(content)
    with pytest.raises(CannotLoad, match=sentence) as caught:
        load(tmp_path / "x.pth")
    assert str(tmp_path / "x.pth") in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=300), st.sampled_from([b"", b"PK\x03\x04", b"\x80\x02", b"\x08\x07\x12", SOUND[:9], SOUND[:60]])
)
def test_any_bytes_are_refused_with_a_value_error(tmp_path_factory, noise, start):
    path = tmp_path_factory.mktemp("noise") / "x.pth"
    path.write_bytes(start + noise)
    with pytest.raises(CannotLoad):
        load(path)


def test_a_pickle_protocol_that_needs_code_is_named(tmp_path):
    for zip_ in (True, False):
        path = saved(BASIC, tmp_path / "x.pth", pickle_protocol=4, _use_new_zipfile_serialization=zip_)
        with pytest.raises(CannotLoad, match="pickle_protocol=4"):
            load(path)


def test_the_state_of_an_optimiser_alone_is_named(tmp_path):
    network = ResNet(blocks=(1, 1, 1, 1), base=1, num_classes=2)
    network(torch.randn(2, 3, 64, 64)).sum().backward()
    optimiser = torch.optim.SGD(network.parameters(), 0.1, momentum=0.9)
    optimiser.step()
    for content in (optimiser.state_dict(), {"optimizer": optimiser.state_dict(), "epoch": 1}):
        with pytest.raises(CannotLoad, match="the state of an optimiser and no weights"):
            load(saved(content, tmp_path / "x.pth"))


TENSORS = {
    "sparse": (lambda t: t.to_sparse(), "save each tensor's .to_dense()"),
    "sparse rows": (lambda t: t.to_sparse_csr(), "save each tensor's .to_dense()"),
    "meta": (lambda t: t.to("meta"), "shapes without numbers"),
    "quantised": (lambda t: torch.quantize_per_tensor(t, 0.1, 0, torch.qint8), "save each one's .dequantize()"),
    "whole numbers": (lambda t: t.to(torch.int8), "numbers of type torch.int8"),
    "complex": (lambda t: t.to(torch.complex64), "numbers of type torch.complex64"),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", TENSORS)
def test_tensors_that_are_no_plain_numbers_have_their_sentence(tmp_path, kind):
    change, sentence = TENSORS[kind]
    path = saved(BASIC | {"fc.weight": change(BASIC["fc.weight"])}, tmp_path / "x.pth")
    with pytest.raises(CannotLoad, match=re.escape(sentence)) as caught:
        load(path)
    assert "'fc.weight'" in str(caught.value)


@pytest.mark.parametrize(
    "name, sentence",
    [
        ("https://download.pytorch.org/models/resnet18-f37072fd.pth", r"is an address.*load\('resnet18'\) downloads"),
        ("https://example.org/x.pth?download=true", "is an address.*download it first"),
        ("HTTP://example.org/", "is an address"),
        ("s3://bucket/x.pth", "is an address"),
        ("file:///tmp/x.pth", "is an address"),
        ("www.example.org/x.pth", "is an address"),
        ("hf-hub:timm/resnet50.a1_in1k", "is an address"),
        (Path("https://example.org/x.pth"), "is an address"),
        ("", "an empty name"),
        ("resnet50-0676ba61.pth", r"neither a known name nor a file; load\('resnet50'\) downloads"),
        ("downloads/resnet50-11ad3fa6.pth", r"load\('resnet50-IMAGENET1K_V2'\) downloads"),
        ("~nobody-of-this-name/x.pth", "cannot be read"),
        ("x" * 5000, "cannot be read|neither"),
        ("a\0b", "cannot be read|neither"),
        (b"x.pth", "got bytes"),
    ],
)
def test_what_is_no_file_has_its_sentence(name, sentence):
    with pytest.raises(CannotLoad, match=sentence):
        load(name)


def test_a_folder_is_named_with_the_file_in_it(tmp_path):
    with pytest.raises(CannotLoad, match="is a folder, not a file: pass the file of weights itself"):
        load(tmp_path)
    (tmp_path / "data.pkl").write_bytes(b"")
    with pytest.raises(CannotLoad, match="a checkpoint that a program unpacked"):
        load(str(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(SOUND)
    with pytest.raises(CannotLoad, match=r"such as '.*model\.safetensors'"):
        load(tmp_path)


class Trap:
    """Unpickled without care, it makes a file."""

    def __init__(self, call, *args):
        self.call, self.args = call, args

    def __reduce__(self):
        return self.call, self.args


@pytest.mark.parametrize("form", ["zip", "legacy", "pickle", "protocol 4"])
@pytest.mark.parametrize("where", ["beside", "inside", "as key", "as args"])
def test_nothing_in_a_file_is_run(tmp_path, where, form):
    trace, path = tmp_path / "trace", tmp_path / "x.pth"
    for trap in (Trap(Path.touch, trace), Trap(eval, f"open({str(trace)!r}, 'w')"), Trap(open, str(trace), "w")):
        content = {
            "beside": {"model": BASIC, "more": trap},
            "inside": BASIC | {"fc.bias": trap},
            "as key": {"model": BASIC, ("a", trap): 1},
            "as args": {"model": BASIC, "args": argparse.Namespace(x=trap)},
        }[where]
        if form == "pickle":
            path.write_bytes(pickle.dumps(content))
        else:
            options = {"pickle_protocol": 4} if form == "protocol 4" else {}
            torch.save(content, path, _use_new_zipfile_serialization=form != "legacy", **options)
        with pytest.raises(CannotLoad):
            load(path)
        assert not trace.exists()


def test_every_refusal_is_a_value_error_with_its_finding(tmp_path):
    with pytest.raises(ValueError) as caught:
        load(tmp_path)
    assert caught.value.finding.kind.name == "folder" and caught.value.finding.where == str(tmp_path)
