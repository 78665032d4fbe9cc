"""Published weights: their names, both ways, and files of every kind, of which only sound ones load."""

import io
import re
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
import torch

from resnet_lib import DESIGNS, ResNet, anatomy, build, from_published, resnet18, resnet50, shapes_only, to_published
from resnet_lib.photos import photo, to_input
from resnet_lib.weights import CHECKPOINTS, Checkpoint, Unavailable, imagenet_classes, load, loading

from .reference import PlainBottleneck, PlainResNet, plain, shake_norms


def published_keys_of_resnet50():
    """All 320, as they stand in the published files."""

    def bn(name):
        return [f"{name}.{leaf}" for leaf in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")]

    keys = ["conv1.weight", *bn("bn1")]
    for layer, blocks in enumerate((3, 4, 6, 3), 1):
        for block in range(blocks):
            for i in (1, 2, 3):
                keys += [f"layer{layer}.{block}.conv{i}.weight", *bn(f"layer{layer}.{block}.bn{i}")]
            if block == 0:
                keys += [f"layer{layer}.0.downsample.0.weight", *bn(f"layer{layer}.0.downsample.1")]
    return [*keys, "fc.weight", "fc.bias"]


def test_the_published_names_of_resnet50_are_these_320_in_this_order():
    with torch.device("meta"):
        model = resnet50()
    published = to_published(model.state_dict())
    assert list(published) == published_keys_of_resnet50()
    assert len(published) == 320
    assert len(to_published(dict(model.named_parameters()))) == 161


@pytest.mark.parametrize("name", DESIGNS)
def test_there_and_back_is_where_one_was(name):
    with torch.device("meta"):
        ours, theirs = build(name).state_dict(), plain(name).state_dict()
    published = to_published(ours)
    assert set(published) == set(theirs)
    back = from_published(published)
    assert list(back) == list(ours) and all(back[key] is ours[key] for key in ours)
    again = to_published(from_published(theirs))
    assert list(again) == list(theirs) and all(again[key] is theirs[key] for key in theirs)


def test_published_weights_give_the_published_logits():
    torch.manual_seed(0)
    reference = shake_norms(PlainResNet(PlainBottleneck, [3, 4, 6, 3], base=16, num_classes=10)).eval()
    model = ResNet(base=16, num_classes=10).eval()
    x = torch.randn(2, 3, 64, 64)
    assert not torch.equal(model(x), reference(x))
    model.load_state_dict(from_published(reference.state_dict()))
    assert torch.equal(model(x), reference(x))


def test_an_older_file_without_num_batches_tracked_loads_strictly_and_gives_the_same_logits():
    torch.manual_seed(0)
    donor = shake_norms(resnet50(base=16, num_classes=10)).eval()
    # As torch.load gives it: an ordered dictionary with PyTorch's version notes still attached.
    old = plain("resnet50", base=16, num_classes=10).state_dict()
    for key, tensor in to_published(donor.state_dict()).items():
        old[key] = tensor
    for key in [key for key in old if key.endswith("num_batches_tracked")]:
        del old[key]
    assert len(old) == 267
    model = resnet50(base=16, num_classes=10).eval()
    model.load_state_dict(from_published(old), strict=True)
    x = torch.randn(2, 3, 64, 64)
    assert torch.equal(model(x), donor(x))


def test_a_missing_weight_is_still_noticed():
    weights = from_published(plain("resnet50", base=8).state_dict())
    del weights["stage3.2.conv2.weight"]
    with pytest.raises(RuntimeError, match=r"stage3\.2\.conv2\.weight"):
        resnet50(base=8).load_state_dict(weights)


UNKNOWN = [
    "conv1.scale",
    "layer1.0.conv1",
    "module.conv1.weight",
    "layer1.0.downsample.2.weight",
    "layer1.x.bn1.bias",
    "fc.weight.weight",
    "stage0.conv.weight",
    "",
]


@pytest.mark.parametrize("key", UNKNOWN)
def test_a_key_that_is_not_published_is_named(key):
    with pytest.raises(ValueError, match=f"^{re.escape(repr(key))} is not a published key"):
        from_published({"conv1.weight": torch.zeros(1), key: torch.zeros(1)})


@pytest.mark.parametrize("key", ["conv1.weight", "layer1.0.conv1.weight", "stage1.0.shortcut.0.weight", "fc.bias"])
def test_a_key_that_is_not_the_librarys_is_named(key):
    with pytest.raises(ValueError, match=f"^{re.escape(repr(key))} is not a key of this library"):
        to_published({key: torch.zeros(1)})


# ── What there is ────────────────────────────────────────────────────────────────────────────────────────────


def test_every_design_has_a_published_checkpoint_of_its_own_name():
    assert set(DESIGNS) <= set(CHECKPOINTS)
    for name, checkpoint in CHECKPOINTS.items():
        assert checkpoint.name == name
        assert checkpoint.options["stride_on"] in ("1x1", "3x3")
        assert checkpoint.note
        if name != "thin":
            assert name.split("-")[0] == checkpoint.design
            assert re.fullmatch(r"[0-9a-f]{8,64}", checkpoint.digits)
            # PyTorch's own have the digits in their names; of others the catalogue says address and digits.
            own = re.fullmatch(rf"{checkpoint.design}-[0-9a-f]{{8}}\.pth", checkpoint.file)
            assert own or (checkpoint.base and checkpoint.sha256)


def test_no_two_checkpoints_share_a_file():
    files = [checkpoint.file for name, checkpoint in CHECKPOINTS.items() if name != "thin"]
    assert len(set(files)) == len(files)


def test_the_three_published_files_of_resnet50_and_their_preprocessing():
    for name, told in {
        "resnet50-original": ("resnet50-19c8e357.pth", 256, 224),
        "resnet50": ("resnet50-0676ba61.pth", 256, 224),
        "resnet50-IMAGENET1K_V2": ("resnet50-11ad3fa6.pth", 232, 224),
    }.items():
        assert (CHECKPOINTS[name].file, CHECKPOINTS[name].resize, CHECKPOINTS[name].size) == told


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in CHECKPOINTS if name != "thin"])
def test_a_checkpoint_builds_its_design_and_names_each_output(name):
    checkpoint = CHECKPOINTS[name]
    with shapes_only():
        network, published = checkpoint.build(), plain(checkpoint.design)
    theirs = {key: tensor.shape for key, tensor in published.state_dict().items()}
    assert {key: tensor.shape for key, tensor in to_published(network.state_dict()).items()} == theirs
    assert anatomy(network, checkpoint.size).output == (len(checkpoint.classes),)
    assert 60 < checkpoint.top1 < 90


def test_imagenets_classes_are_a_thousand_in_the_order_of_the_logits():
    names = imagenet_classes()
    assert len(names) == 1000
    assert (names[0], names[1], names[999]) == ("tench", "goldfish", "toilet tissue")
    assert names[285] == "Egyptian cat"


def small(name="small", **options):
    """A checkpoint with three classes."""
    options = {"stride_on": "3x3", "num_classes": 3, "base": 4, **options}
    return Checkpoint(name, "resnet18", options, "", 40, 32, None, "for tests", ("ant", "bee", "cow"))


def test_top_gives_names_and_probabilities_the_largest_first():
    logits = torch.tensor([0.0, 2.0, 1.0])
    total = sum(logits.exp()).item()
    for given in (logits, logits[None]):
        (first, p), (second, q) = small().top(given, k=2)
        assert (first, second) == ("bee", "cow")
        assert p == pytest.approx(logits[1].exp().item() / total)
        assert q == pytest.approx(logits[2].exp().item() / total)
    assert sum(p for _, p in small().top(logits)) == pytest.approx(1)


@pytest.mark.parametrize("shape", [(4,), (2, 3), (1, 1, 3), ()])
def test_top_of_other_shapes_is_refused_with_both_shapes(shape):
    with pytest.raises(ValueError, match=r"shape \(3,\), and these"):
        small().top(torch.zeros(shape))


def test_to_input_is_the_preprocessing_of_that_checkpoint():
    x = small().to_input(photo("cat"))
    assert x.shape == (1, 3, 32, 32)
    assert torch.equal(x, to_input(photo("cat"), 32, 40))
    assert not torch.equal(x, to_input(photo("cat"), 32, 32))


def test_another_size_keeps_the_share_that_is_cut_out_and_the_way_of_resizing():
    bicubic = replace(small(), resample="bicubic")
    x = bicubic.to_input(photo("cat"), 64)
    assert torch.equal(x, to_input(photo("cat"), 64, 80, "bicubic"))
    assert not torch.equal(x, to_input(photo("cat"), 64, 80))


def test_a_checkpoint_can_be_the_key_of_a_cache():
    assert {CHECKPOINTS["resnet50"]: 1}[CHECKPOINTS["resnet50"]] == 1


# ── Files that load ──────────────────────────────────────────────────────────────────────────────────────────


def without_counts(state_dict):
    return {key: tensor for key, tensor in state_dict.items() if not key.endswith("num_batches_tracked")}


def in_a_module(state_dict):
    return {f"module.{key}": tensor for key, tensor in state_dict.items()}


FORMS = {
    "as it is": lambda w: w,
    "without num_batches_tracked": without_counts,
    "as state_dict, with module. before each key": lambda w: {"state_dict": in_a_module(w), "epoch": 90},
    "as model": lambda w: {"model": w, "optimizer": {"lr": 0.1}},
    "under the library's names": from_published,
    "under the library's names, without num_batches_tracked": lambda w: without_counts(from_published(w)),
}


@pytest.fixture(scope="module")
def reference():
    torch.manual_seed(0)
    return shake_norms(plain("resnet50", base=16, num_classes=10)).eval()


def assert_equal(network, reference, C=3):
    x = torch.randn(2, C, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(network(x), reference(x))


@pytest.mark.parametrize("zip_", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("form", FORMS)
def test_a_file_in_any_usual_form_gives_the_references_logits_exactly(reference, tmp_path, form, zip_):
    content = FORMS[form](reference.state_dict())
    torch.save(content, tmp_path / "some.pth", _use_new_zipfile_serialization=zip_)
    network = load(tmp_path / "some.pth")
    assert_equal(network, reference)
    assert not network.training
    assert all(p.requires_grad and p.is_contiguous() for p in network.parameters())


def test_a_whole_resnet50_in_the_form_of_the_original_release_gives_the_references_logits_exactly(tmp_path):
    torch.manual_seed(0)
    reference = shake_norms(plain("resnet50")).eval()
    old = without_counts(reference.state_dict())
    assert len(old) == 267
    torch.save(old, tmp_path / "whole.pth", _use_new_zipfile_serialization=False)
    network = load(str(tmp_path / "whole.pth"))
    assert_equal(network, reference)
    assert network.checkpoint.design == "resnet50"
    assert network.checkpoint.classes == imagenet_classes()


def test_half_precision_becomes_single(reference, tmp_path):
    half = {k: t.half() if t.is_floating_point() else t for k, t in reference.state_dict().items()}
    torch.save(half, tmp_path / "half.pth")
    network = load(tmp_path / "half.pth")
    assert {p.dtype for p in network.parameters()} == {torch.float32}
    assert torch.equal(network.stage0.conv.weight, reference.conv1.weight.half().float())


@pytest.mark.parametrize("name", DESIGNS)
def test_every_design_is_recognised_in_its_file(name, tmp_path):
    torch.manual_seed(0)
    reference = shake_norms(plain(name, base=16, num_classes=5)).eval()
    torch.save(reference.state_dict(), tmp_path / "unknown.pth")
    network = load(tmp_path / "unknown.pth")
    assert_equal(network, reference)
    assert network.checkpoint.design == name
    assert network.checkpoint.options == {"stride_on": "3x3", "num_classes": 5, "base": 16}


@pytest.mark.parametrize("name", DESIGNS)
def test_every_design_is_recognised_at_full_size(name):
    with shapes_only():
        weights = build(name).state_dict()
    checkpoint = loading._recognised(Path("some.pth"), weights, None)
    assert (checkpoint.design, checkpoint.options) == (name, {"stride_on": "3x3", "num_classes": 1000})


@pytest.mark.parametrize(
    "options",
    [
        {"block": "basic", "blocks": (1, 2, 1, 3), "base": 4},
        {"blocks": (1, 1, 2, 1), "base": 8, "in_channels": 1},
        {"blocks": (1, 1, 1, 1), "base": 16, "groups": 4, "width_per_group": 24},
        {"blocks": (1, 1, 1, 1), "base": 12, "groups": 2, "width_per_group": 7},
    ],
    ids=str,
)
def test_a_design_of_ones_own_is_recognised_by_its_shapes(options, tmp_path):
    torch.manual_seed(0)
    original = shake_norms(ResNet(num_classes=4, **options)).eval()
    torch.save(original.state_dict(), tmp_path / "own.pth")
    network = load(tmp_path / "own.pth")
    assert_equal(network, original, C=options.get("in_channels", 3))
    assert network.checkpoint.classes == ("class 0", "class 1", "class 2", "class 3")
    assert str(network.checkpoint.build()) == str(original)


def test_what_no_file_says_is_told_as_assumed(tmp_path):
    torch.save(resnet18(base=4, num_classes=3).state_dict(), tmp_path / "mine.pth")
    checkpoint = load(tmp_path / "mine.pth").checkpoint
    assert checkpoint.options["stride_on"] == "3x3"
    assert "stride_on='3x3'" in checkpoint.note and "assumed" in checkpoint.note
    assert (checkpoint.name, checkpoint.file, checkpoint.top1) == ("mine", "", None)


@pytest.fixture
def known(tmp_path, monkeypatch):
    """A file of a checkpoint in CHECKPOINTS, elsewhere and under another name, and that checkpoint."""
    torch.manual_seed(0)
    torch.save(resnet18(base=4, num_classes=3).state_dict(), tmp_path / "copy.pth")
    digits = sha256((tmp_path / "copy.pth").read_bytes()).hexdigest()[:8]
    made = small("known")
    published = Checkpoint(*[*vars(made).values()][:3], f"known-{digits}.pth", *[*vars(made).values()][4:])
    monkeypatch.setitem(CHECKPOINTS, "known", published)
    return tmp_path / "copy.pth", published


def test_a_published_file_is_known_by_its_bytes_under_any_name(known):
    path, checkpoint = known
    assert load(path).checkpoint is checkpoint


def test_an_altered_file_under_a_published_name_is_refused(known):
    path, checkpoint = known
    named = path.with_name(checkpoint.file)
    for content in (path.read_bytes()[:-1], path.read_bytes() + b"?"):
        named.write_bytes(content)
        with pytest.raises(ValueError, match="incomplete or altered: its sha256"):
            load(named)


def test_a_design_named_is_held_to(known, tmp_path):
    path, _ = known
    assert load(path, design="resnet18").checkpoint.name == "known"
    with pytest.raises(ValueError, match="is a resnet18, not a resnet34"):
        load(path, design="resnet34")
    torch.save(resnet18(base=4, num_classes=3).state_dict(), tmp_path / "mine.pth")
    assert load(tmp_path / "mine.pth", design="resnet18").checkpoint.design == "resnet18"
    with pytest.raises(ValueError, match=r"another network: 'stage1\.2\.conv1\.weight' is missing"):
        load(tmp_path / "mine.pth", design="resnet34")
    with pytest.raises(ValueError, match="no design is called 'resnet19'; there are resnet18, "):
        load(tmp_path / "mine.pth", design="resnet19")


# ── Files that do not ────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module", params=[True, False], ids=["zip", "legacy"])
def sound(request):
    """The bytes of a sound file."""
    file = io.BytesIO()
    torch.save(
        to_published(resnet18(base=4, num_classes=3).state_dict()), file, _use_new_zipfile_serialization=request.param
    )
    return file.getvalue()


def refused(path, content, sentence):
    """That load refuses the content with a sentence that names the file."""
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(ValueError, match=sentence) as caught:
        load(path)
    assert repr(str(path)) in str(caught.value)


@pytest.mark.parametrize("share", [0.01, 0.3, 0.7, 0.999])
def test_a_truncated_file_is_refused_with_a_sentence(sound, tmp_path, share):
    refused(tmp_path / "cut.pth", sound[: int(share * len(sound))], "is incomplete or damaged: get it again")


def test_one_altered_bit_in_a_zip_is_noticed(tmp_path):
    network = resnet18(base=4, num_classes=3)
    file = io.BytesIO()
    torch.save(network.state_dict(), file)
    content = bytearray(file.getvalue())
    at = content.find(network.stage3[0].conv1.weight.detach().numpy().tobytes())
    content[at + 6] ^= 8
    refused(tmp_path / "altered.pth", bytes(content), "is incomplete or damaged")


def test_a_file_of_random_bytes_is_refused_with_a_sentence(tmp_path):
    content = bytes(torch.randint(0, 256, (5000,), generator=torch.Generator().manual_seed(0)).tolist())
    refused(tmp_path / "other.pth", content, "is not a checkpoint of PyTorch, and not safetensors")


@pytest.mark.parametrize("content", [[1, 2], torch.zeros(3), {}, {"epoch": 3}, {"state_dict": {}}, {1: torch.ones(1)}])
def test_a_checkpoint_without_weights_is_refused_with_a_sentence(tmp_path, content):
    refused(tmp_path / "none.pth", content, "holds no weights: a dictionary of tensors is expected")


class RunsCode:
    """Unpickled without care, it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("zip_", [True, False], ids=["zip", "legacy"])
def test_code_in_a_file_is_not_run(tmp_path, zip_):
    trace, path = tmp_path / "trace", tmp_path / "code.pth"
    weights = to_published(resnet18(base=4, num_classes=3).state_dict())
    torch.save({"state_dict": weights, "more": RunsCode(trace)}, path, _use_new_zipfile_serialization=zip_)
    with pytest.raises(ValueError, match="holds more than tensors, and loading it would run code"):
        load(path)
    assert not trace.exists()
    torch.load(path, weights_only=False)  # that the file would have done it
    assert trace.exists()


@pytest.mark.parametrize("zip_", [True, False], ids=["zip", "legacy"])
def test_a_whole_module_is_refused_with_a_sentence(tmp_path, zip_):
    torch.save(resnet18(base=4, num_classes=3), tmp_path / "module.pth", _use_new_zipfile_serialization=zip_)
    with pytest.raises(ValueError, match="holds more than tensors.*state_dict alone"):
        load(tmp_path / "module.pth")


def changed(**changes):
    """Published weights with some replaced, or taken away by None. Dots in names are written as __."""
    weights = to_published(resnet18(base=4, num_classes=3).state_dict())
    weights |= {key.replace("__", "."): tensor for key, tensor in changes.items()}
    return {key: tensor for key, tensor in weights.items() if tensor is not None}


OTHER_NETWORKS = {
    "other names": ({"features.0.weight": torch.ones(1)}, r"'features\.0\.weight' is not a published key"),
    "a name too many": (changed(extra=torch.ones(1)), "resnet18 has no 'extra'"),
    "both kinds of names": (changed(stage0__conv__weight=torch.ones(1)), "has no 'stage0.conv.weight'"),
    "no stem": (changed(conv1__weight=None), r"there is no 'conv1\.weight'"),
    "no Stage 4": (
        {k: t for k, t in changed().items() if not k.startswith("layer4")},
        r"a ResNet of three stages.* \(no layer4\.0\.conv1\.weight\)",
    ),
    "a weight missing": (changed(layer2__1__conv1__weight=None), r"'layer2\.1\.conv1\.weight' is missing"),
    "a weight too many": (changed(layer2__1__conv3__weight=torch.ones(1)), r"has no 'layer2\.1\.conv3\.weight'"),
    "a block too far": (changed(layer3__7__bn1__bias=torch.ones(1)), r"'layer3\.2\.conv1\.weight' is missing"),
    "another shape": (
        changed(layer1__0__conv2__weight=torch.ones(4, 4, 1, 1)),
        r"'layer1\.0\.conv2\.weight' has shape \(4, 4, 1, 1\) where resnet18 has \(4, 4, 3, 3\)",
    ),
    "a stem of one dimension": (changed(conv1__weight=torch.ones(4)), "wrong number of dimensions"),
    "a stem of no channels": (changed(conv1__weight=torch.ones(0, 3, 7, 7)), "base = 0 must be a whole number"),
    "whole numbers": (changed(fc__bias=torch.ones(3, dtype=torch.int8)), r"'fc\.bias' holds .* torch\.int8"),
}


@pytest.mark.parametrize("kind", OTHER_NETWORKS)
def test_the_weights_of_another_network_are_refused_and_the_first_difference_named(tmp_path, kind):
    content, difference = OTHER_NETWORKS[kind]
    refused(tmp_path / "other.pth", content, "holds the weights of another network: .*" + difference)


def test_the_refusals_above_begin_from_weights_that_load(tmp_path):
    torch.save(changed(), tmp_path / "sound.pth")
    assert load(tmp_path / "sound.pth").checkpoint.design == "resnet18"


@pytest.mark.parametrize(
    "name, sentence",
    [
        ("resnet5", "'resnet5' is neither a known name nor a file; did you mean resnet50 "),
        ("weights/none.pth", "'weights/none.pth' is neither a known name nor a file"),
        ("", "load got an empty name"),
        (Path("none.pth"), "'none.pth' is neither"),
        (50, "load expects a name or a path, and got int"),
        (None, "load expects a name or a path, and got NoneType"),
    ],
)
def test_a_name_that_is_none_is_refused_with_what_could_be_meant(name, sentence):
    with pytest.raises(ValueError, match=sentence):
        load(name)


# ── The network that comes with the course ───────────────────────────────────────────────────────────────────


def test_the_thin_network_comes_with_the_course_and_knows_its_classes():
    network = load("thin")
    assert (network.C, network.stage0.conv.out_channels, network.head.fc.out_features) == (3, 16, 10)
    checkpoint = network.checkpoint
    assert len(checkpoint.classes) == 10 and "church" in checkpoint.classes
    assert checkpoint.top1 > 80
    with torch.no_grad():
        logits = network(checkpoint.to_input(photo("cat")))
    assert logits.isfinite().all()
    assert checkpoint.top(logits)[0][0] in checkpoint.classes


def test_without_its_file_the_thin_network_is_told_to_be_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(loading, "THIN", tmp_path)
    with pytest.raises(Unavailable, match="thin network should be in .* and is not"):
        load("thin")
