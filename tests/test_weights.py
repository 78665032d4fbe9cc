"""Names of weights: the library's and the published ones, both ways."""

import re

import pytest
import torch

from resnet_lib import DESIGNS, ResNet, build, from_published, resnet50, to_published

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
    "conv1.scale", "layer1.0.conv1", "module.conv1.weight", "layer1.0.downsample.2.weight", "layer1.x.bn1.bias",
    "fc.weight.weight", "stage0.conv.weight", "",
]  # fmt: skip


@pytest.mark.parametrize("key", UNKNOWN)
def test_a_key_that_is_not_published_is_named(key):
    with pytest.raises(ValueError, match=f"^{re.escape(repr(key))} is not a published key"):
        from_published({"conv1.weight": torch.zeros(1), key: torch.zeros(1)})


@pytest.mark.parametrize("key", ["conv1.weight", "layer1.0.conv1.weight", "stage1.0.shortcut.0.weight", "fc.bias"])
def test_a_key_that_is_not_the_librarys_is_named(key):
    with pytest.raises(ValueError, match=f"^{re.escape(repr(key))} is not a key of this library"):
        to_published({key: torch.zeros(1)})
