"""Names from elsewhere: the parts and steps of a network as published networks call them."""

import itertools

import pytest
import torch
from torch import nn

from resnet_lib import ResNet, activations, anatomy
from resnet_lib._common.step_names import PARTS, step_called
from resnet_lib.experiments.arithmetic import explain
from resnet_lib.experiments.attribution import grad_cam, support
from resnet_lib.experiments.seen import Seen
from resnet_lib.explorers import PhotographExplorer
from resnet_lib.weights import load
from resnet_lib.weights.key_names import from_published, to_published

KINDS = {
    "bottleneck": {"base": 8, "num_classes": 7},
    "basic": {"block": "basic", "blocks": (2, 1, 1, 2), "base": 8, "num_classes": 7},
}
X = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def built(kind="bottleneck"):
    torch.manual_seed(0)
    return ResNet(**KINDS[kind]).eval()


@pytest.mark.parametrize("kind", KINDS)
def test_every_layer_with_weights_is_found_under_its_published_name(kind):
    network = built(kind)
    names = [n for n, _ in network.named_modules()]
    layers = {key.rpartition(".")[0] for key in network.state_dict()}
    published = {key.rpartition(".")[0] for key in to_published(network.state_dict())}
    assert {step_called(name, names) for name in published} == layers
    for key in to_published(network.state_dict()):
        (ours,) = from_published({key: None})
        assert step_called(key.rpartition(".")[0], names) == ours.rpartition(".")[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_of_published_names_understands_ours(kind):
    """Asked of the names alone: those of the published network, each layer, block and stage."""
    network = built(kind)
    keys = to_published(network.state_dict())
    names = {key.rpartition(".")[0] for key in keys} | {"avgpool", "maxpool", "relu"}
    names |= {".".join(n.split(".")[:i]) for n in names for i in (1, 2)}
    for key in network.state_dict():
        theirs = next(iter(to_published({key: None}))).rpartition(".")[0]
        assert step_called(key.rpartition(".")[0], names) == theirs
    assert [step_called(f"stage{i}", names) for i in (1, 2, 3, 4)] == ["layer1", "layer2", "layer3", "layer4"]


@pytest.mark.parametrize("published", PARTS)
def test_every_part_can_be_read_by_its_published_name(published):
    network = built()
    assert getattr(network, published) is network.get_submodule(PARTS[published])
    assert network.get_submodule(published) is network.get_submodule(PARTS[published])
    assert published not in dict(network.named_children())


WAYS = ["layer4", "layer4.2", "layer4[2]", "layer4[-1]", "layer4[-1].conv3", "layer1.0.downsample", "stage4[-1]"]
WAYS += [
    "layer1.0.downsample.0",
    "layer3.0.downsample.1",
    "conv1",
    "bn1",
    "relu",
    "maxpool",
    "avgpool",
    "Layer4",
    "Stage 4",
]
OURS = ["stage4", "stage4.2", "stage4.2", "stage4.2", "stage4.2.conv3", "stage1.0.shortcut", "stage4.2"]
OURS += ["stage1.0.shortcut.conv", "stage3.0.shortcut.bn", "stage0.conv", "stage0.bn", "stage0.relu", "stage0.pool"]
OURS += ["head.pool", "stage4", "stage4"]


@pytest.mark.slow
@pytest.mark.parametrize("asked, ours", list(zip(WAYS, OURS, strict=True)))
def test_a_step_is_understood_wherever_one_is_asked(asked, ours):
    network = built()
    wanted = activations(network, X, ours)[ours]
    assert torch.equal(activations(network, X, asked)[asked], wanted)
    assert torch.equal(activations(network, X, network.get_submodule(ours))[ours], wanted)
    assert torch.equal(support(network, X, asked, 1), support(network, X, ours, 1))
    assert torch.equal(grad_cam(network, X, 1, asked).values, grad_cam(network, X, 1, ours).values)
    assert torch.equal(
        grad_cam(network, X, 1, network.get_submodule(ours)).values, grad_cam(network, X, 1, ours).values
    )
    whole = anatomy(network, 64)
    assert whole.field(asked) == whole.field(ours)
    if not next(network.get_submodule(ours).children(), None):
        assert whole[asked] is whole[ours]
        assert explain(network, X, asked, 1).output == explain(network, X, ours, 1).output
        seen = Seen(network, "cat", 64)
        assert torch.equal(seen[asked], seen[ours]) and seen.inputs(asked) is seen.inputs(ours)
        assert PhotographExplorer(network, size=64, step=asked).looking_at == ours


@pytest.mark.parametrize("kind, stage", list(itertools.product(KINDS, (1, 4))))
def test_a_relu_that_published_networks_share_is_pointed_to_its_uses(kind, stage):
    network = built(kind)
    uses = ", ".join(f"stage{stage}.0.relu{i}" for i in ((1, 2, 3) if kind == "bottleneck" else (1, 2)))
    for ask in (
        lambda step: activations(network, X, step),
        lambda step: grad_cam(network, X, step=step),
        lambda step: support(network, X, step, 0),
        lambda step: explain(network, X, step, 0),
    ):
        with pytest.raises(ValueError, match=rf"steps here, one each time it runs: {uses}"):
            ask(f"layer{stage}.0.relu")
    with pytest.raises(KeyError, match=uses):
        anatomy(network, 64)[f"layer{stage}.0.relu"]


@pytest.mark.parametrize("name", ["layer5", "layer4.9", "layer4[-9]", "conv9", "", "x[", "layer4.[1]", 4, None, ("a",)])
def test_what_is_no_step_gets_a_sentence(name):
    names = [n for n, _ in built().named_modules() if n]
    with pytest.raises(ValueError, match="no step is called|asked for by its name"):
        step_called(name, names)


def test_a_module_of_another_network_is_not_a_step():
    with pytest.raises(ValueError, match="asked for by its name"):
        activations(built(), X, built().stage4)


# ── Parts that are replaced ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("classes", [1, 3, 1000])
def test_the_last_layer_is_replaced_as_every_tutorial_does_it(kind, classes):
    network = built(kind)
    before = set(network.state_dict())
    network.fc = nn.Linear(network.fc.in_features, classes)
    assert network(X).shape == (1, classes)
    assert network.num_classes == classes == network.design.num_classes
    assert network.head.fc is network.fc and set(network.state_dict()) == before
    assert str(network.design.build().head) == str(network.head)
    optimizer = torch.optim.SGD(network.fc.parameters(), 0.1)
    network(X).sum().backward()
    optimizer.step()


def test_a_head_of_several_layers_and_none_at_all():
    network = built()
    network.fc = nn.Sequential(nn.Dropout(0.5), nn.Linear(256, 16), nn.ReLU(), nn.Linear(16, 5))
    assert network(X).shape == (1, 5) and network.num_classes == 5
    network.fc = nn.Identity()
    pooled = activations(network, X, "stage4")["stage4"].mean((2, 3))
    assert torch.allclose(network(X), pooled, atol=1e-6) and network.num_classes == 256


def test_the_bundled_network_gets_another_head():
    network = load("thin")
    network.fc = nn.Linear(512, 3)
    assert network(X).shape == (1, 3)


def test_the_stem_is_replaced_for_grey_and_for_small_pictures():
    network = built()
    network.conv1 = nn.Conv2d(1, 8, 7, 2, 3, bias=False)
    assert network(X[:, :1]).shape == (1, 7) and network.design.in_channels == 1
    with pytest.raises(ValueError, match="made for C = 1"):
        network(X)
    network.conv1, network.maxpool = nn.Conv2d(3, 8, 3, 1, 1, bias=False), nn.Identity()
    assert activations(network, X, "layer4")["layer4"].shape[2:] == (8, 8) and network.reduction == 8
    network.train()(X[..., :16, :16])  # two positions a side are left, enough for BN
    assert str(network.design.build(norm_layer=nn.BatchNorm2d).stage0.conv) == str(network.conv1)


@pytest.mark.parametrize("published", ["bn1", "relu", "avgpool", "layer1", "layer4"])
def test_every_other_part_is_replaced_where_it_runs(published):
    network, new = built(), nn.Identity()
    setattr(network, published, new if published != "layer1" else built().layer1)
    assert network.get_submodule(PARTS[published]) is getattr(network, published)
    if published == "layer1":
        network(X)


WRONG = [
    ("fc", nn.Linear(512, 3), r"in_features = 512, and 256 numbers reach it: use 256"),
    ("fc", None, "must be an nn.Module, and this is NoneType"),
    ("conv1", nn.Conv2d(3, 64, 7), r"out_channels = 64, and Stage 1 expects 8"),
    ("classifier", nn.Linear(256, 3), r"never runs .classifier: its last layer is .fc"),
    ("last_linear", nn.Linear(256, 3), r"its last layer is .fc"),
    ("linear", nn.Linear(256, 3), r"its last layer is .fc"),
    ("head", nn.Linear(256, 3), r"assign .fc"),
]


@pytest.mark.parametrize("name, module, sentence", WRONG)
def test_a_part_that_would_not_fit_or_never_run_is_refused(name, module, sentence):
    network = built()
    with pytest.raises(ValueError, match=sentence):
        setattr(network, name, module)
    assert network(X).shape == (1, 7)


def test_a_class_of_ones_own_may_have_parts_of_any_name():
    class Mine(ResNet):
        def __init__(self):
            super().__init__(**KINDS["basic"])
            self.classifier = nn.Linear(7, 2)

        def forward(self, x):
            return self.classifier(super().forward(x))

    assert Mine()(torch.cat([X, X])).shape == (2, 2)


def test_the_children_without_the_last_give_maps_and_an_identity_the_pooled_vector():
    network = built()
    maps = nn.Sequential(*list(network.children())[:-1])(X)
    assert torch.equal(maps, activations(network, X, "layer4")["layer4"])
    network.fc = nn.Identity()
    assert torch.allclose(network(X), maps.mean((2, 3)), atol=1e-6)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_network_with_another_head_is_still_traced_scripted_and_exported():
    network = built()
    network.fc = nn.Linear(256, 3)
    wanted = network(X)
    for tool in (torch.fx.symbolic_trace, torch.jit.script, lambda n: torch.export.export(n, (X,)).module()):
        assert torch.allclose(tool(network)(X), wanted, atol=1e-5)
