"""Networks as people hand them on: in wrappers, copied, stored, pruned, recorded by torch. Their steps are found by the
usual names, or a sentence says what to pass instead."""

import copy
import io
import pickle

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune

from resnet_lib import ResNet, activations, anatomy, build, from_published, to_published
from resnet_lib._common.step_names import step_called
from resnet_lib.experiments.arithmetic import explain
from resnet_lib.experiments.attribution import grad_cam, occlusion, support
from resnet_lib.experiments.seen import Seen
from resnet_lib.photos import to_input
from resnet_lib.speed.fast import FastNetwork, as_graph, fast

X = to_input("cat", 64)


def built():
    torch.manual_seed(0)
    return ResNet(blocks=(1, 1, 1, 1), base=8, num_classes=5).eval()


PLAIN = built()


class Holds(nn.Module):
    """As in Lightning, and as most people wrap a network."""

    def __init__(self, name):
        super().__init__()
        self.add_module(name, built())
        self.name = name

    def forward(self, x):
        return self.get_submodule(self.name)(x)


def changed(how):
    network = built()
    how(network.stage1[0].conv2)
    return network


def stored():
    file = io.BytesIO()
    torch.save(built(), file)
    return torch.load(io.BytesIO(file.getvalue()), weights_only=False)


WRAPPED = {
    "DataParallel": lambda: nn.DataParallel(built()),
    "Sequential": lambda: nn.Sequential(nn.Identity(), built()),
    "attribute": lambda: Holds("backbone"),
    "attribute in attribute": lambda: nn.Sequential(Holds("model")),
    "AveragedModel": lambda: torch.optim.swa_utils.AveragedModel(built()),
    "deepcopy": lambda: copy.deepcopy(built()),
    "pickle": lambda: pickle.loads(pickle.dumps(built())),
    "torch.save": stored,
    "pruned": lambda: changed(lambda conv: prune.identity(conv, "weight")),
    "weight_norm": lambda: changed(parametrizations.weight_norm),
}


@pytest.mark.parametrize("name", WRAPPED)
def test_a_wrapped_or_copied_network_is_looked_into_by_the_usual_names(name):
    network = WRAPPED[name]().eval()
    assert torch.allclose(network(X), PLAIN(X), atol=1e-5)
    for step in ("stage4", "layer4[-1]", "layer1.0.conv1"):
        expected = activations(PLAIN, X, step)[step]
        assert torch.allclose(activations(network, X, step)[step], expected, atol=1e-5)
    assert torch.allclose(grad_cam(network, X, 1).values, grad_cam(PLAIN, X, 1).values, atol=1e-6)
    assert torch.allclose(support(network, X, "layer2", 0), support(PLAIN, X, "stage2", 0), atol=1e-5)
    assert torch.allclose(Seen(network, "cat", 64).logits, Seen(PLAIN, "cat", 64).logits, atol=1e-5)
    assert explain(network, X, "layer1.0.conv1", 0).output == pytest.approx(
        explain(PLAIN, X, "layer1.0.conv1", 0).output
    )
    if name != "weight_norm":
        assert anatomy(network, 64).output == (5,)


def test_the_steps_of_a_compiled_network_have_the_usual_names():
    names = [n for n, _ in torch.compile(built(), backend="eager").named_modules()]
    assert step_called("layer4", names) == "_orig_mod.stage4"


def test_with_two_networks_inside_neither_is_guessed():
    two = nn.ModuleDict({"teacher": built(), "student": built()})
    with pytest.raises(ValueError, match="did you mean (student|teacher).stage4"):
        step_called("layer4", [n for n, _ in two.named_modules()])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: torch.jit.script(built()), "a scripted or traced network has no steps .* pass the network"),
        (lambda: torch.jit.trace(built(), X), "a scripted or traced network has no steps .* pass the network"),
        (lambda: torch.export.export(built(), (X,)).module(), "an exported network has no steps .* pass the network"),
        (
            lambda: FastNetwork(built(), built(), C=3, dtype=torch.float32, shape=(1, 3, 64, 64)),
            "a FastNetwork has no steps .* pass the network",
        ),
        (lambda: ResNet, r"is a class, ResNet: build it with ResNet\(…\)"),
        (lambda: built().forward, "is a function, forward: pass the module itself"),
        (lambda: "resnet50", r"is a name, 'resnet50': load\('resnet50'\) from resnet_lib.weights"),
        (lambda: built().state_dict(), "is a dictionary, OrderedDict: build the network, .* load_state_dict"),
        (lambda: None, "is NoneType"),
    ],
)
def test_what_has_no_steps_is_said_as_such_wherever_a_network_is_taken(make, sentence):
    network = make()
    for look in (
        lambda: activations(network, X, "stage4"),
        lambda: grad_cam(network, X, 1),
        lambda: support(network, X, "stage4", 0),
        lambda: explain(network, X, "stage0.conv", 0),
        lambda: Seen(network, "cat", 64),
        lambda: anatomy(network, 64),
        lambda: fast(network, X, progress=None),
        lambda: as_graph(network),
    ):
        with pytest.raises(ValueError, match=sentence):
            look()


def test_of_a_network_made_faster_what_it_returns_can_still_be_explained():
    network = FastNetwork(built(), built(), C=3, dtype=torch.float32, shape=(1, 3, 64, 64))
    assert torch.allclose(occlusion(network, X, 1, stride=32).values, occlusion(PLAIN, X, 1, stride=32).values)


def test_a_network_that_returns_a_dictionary_is_told_to_be_wrapped():
    class AsTransformersDo(Holds):
        def forward(self, x):
            return {"logits": super().forward(x)}

    network = AsTransformersDo("resnet").eval()
    for look in (lambda: grad_cam(network, X), lambda: occlusion(network, X), lambda: Seen(network, "cat", 64)):
        with pytest.raises(ValueError, match="wrap it in a module that returns its logits"):
            look()


def test_of_a_traced_graph_the_steps_that_it_has_are_named():
    graph = torch.fx.symbolic_trace(built())
    assert torch.equal(
        activations(graph, X, "layer4.0.conv1")["layer4.0.conv1"],
        activations(PLAIN, X, "layer4.0.conv1")["layer4.0.conv1"],
    )
    with pytest.raises(ValueError, match="'stage4' was not called .* such as 'stage4.0.relu3'"):
        activations(graph, X, "stage4")


ELSEWHERE = {
    "act1": "stage0.relu",  # timm
    "layer1.0.act2": "stage1.0.relu2",
    "global_pool": "head.pool",
    "resnet.embedder.embedder.convolution": "stage0.conv",  # Hugging Face
    "resnet.embedder.pooler": "stage0.pool",
    "resnet.encoder.stages.0": "stage1",
    "resnet.encoder.stages.3.layers.2": "stage4.2",
    "resnet.encoder.stages.0.layers.0.layer.1.normalization": "stage1.0.bn2",
    "resnet.encoder.stages.1.layers.0.shortcut.convolution": "stage2.0.shortcut.conv",
    "classifier.1": "head.fc",
    "backbone.bottom_up.res2.0.conv1": "stage1.0.conv1",  # detectron2
    "res5": "stage4",
    "conv1_conv": "stage0.conv",  # Keras
    "conv2_block1_0_conv": "stage1.0.shortcut.conv",
    "conv4_block6_2_relu": "stage3.5.relu2",
    "conv5_block3_out": "stage4.2",
    "conv5_block3_add": "stage4.2.add",
    "predictions": "head.fc",
    "conv5_x": "stage4",  # the paper, and Caffe
    "conv4_6": "stage3.5",
    "res5c": "stage4.2",
    "pool5": "head.pool",
    "net.layer4[2].conv3": "stage4.2.conv3",
    "stage_4": "stage4",
    "layer-1": "stage1",
}


def test_what_other_libraries_call_a_step_is_understood():
    names = [n for n, _ in ResNet(base=4, num_classes=3).named_modules()]
    assert {theirs: step_called(theirs, names) for theirs in ELSEWHERE} == ELSEWHERE
    inside = {f"model.{n}": None for n in names}
    assert all(step_called(theirs, inside) == f"model.{ours}" for theirs, ours in ELSEWHERE.items())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"weights": "DEFAULT"}, r"resnet18 has no option 'weights': load\('resnet18'\) .* returns it trained"),
        ({"pretrained": True}, r"load\('resnet18'\)"),
        ({"in_chans": 1}, "channels of the input are in_channels"),
    ],
)
def test_options_of_other_libraries_are_pointed_to_ours(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        build("resnet18", **options)


def test_weights_under_published_names_say_how_they_become_ours():
    published = to_published(PLAIN.state_dict())
    with pytest.raises(RuntimeError, match=r"they have the published names, .* from_published\(…\)"):
        built().load_state_dict(published)
    built().load_state_dict(from_published(published))


@pytest.mark.parametrize("size", [X.shape, X, (X,)])
def test_a_batch_as_a_size_is_told_how_to_leave_the_batch_out(size):
    with pytest.raises(ValueError, match=r"of a batch x that is x.shape\[1:\]"):
        anatomy(PLAIN, size)
    assert anatomy(PLAIN, X.shape[1:]).output == (5,)


def test_gradients_of_a_tensor_in_another_layout_say_how_to_make_it_dense():
    with pytest.raises(ValueError, match="use x.to_dense()"):
        grad_cam(PLAIN, X.to_mkldnn(), 1)
