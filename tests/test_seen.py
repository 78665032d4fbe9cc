"""A picture run through a network: everything shown of it is what the network computes."""

import copy
from dataclasses import replace

import pytest
import torch
from PIL import Image

from resnet_lib import ResNet, resnet50
from resnet_lib.experiments.seen import Seen
from resnet_lib.explorers import trained
from resnet_lib.explorers.whole_maps import picture_input
from resnet_lib.photos import photo, to_input
from resnet_lib.weights import CHECKPOINTS, load

from .reference import bottleneck_by_hand, plain


@pytest.fixture(scope="module")
def network(thin_network):
    return thin_network


@pytest.fixture(scope="module")
def seen(network):
    return Seen(network, "cat", 96)


def test_a_picture_is_prepared_as_the_checkpoint_says(network):
    mine = copy.deepcopy(network)
    mine.checkpoint = replace(CHECKPOINTS["thin"], resize=230, size=224, resample="bicubic")
    expected = to_input(photo("cat"), 96, round(96 * 230 / 224), "bicubic")
    assert torch.equal(Seen(mine, "cat", 96).x, expected)
    assert torch.equal(picture_input("cat", 96, mine.checkpoint), expected)
    assert not torch.equal(Seen(network, "cat", 96).x, expected)


def test_the_input_of_a_trained_block_is_prepared_as_the_checkpoint_says(network, monkeypatch):
    before = trained._inputs.__wrapped__("thin", "stage1.0", "cat", 64)
    monkeypatch.setitem(trained.CHECKPOINTS, "thin", replace(CHECKPOINTS["thin"], resample="bicubic"))
    assert not torch.equal(trained._inputs.__wrapped__("thin", "stage1.0", "cat", 64), before)


def test_it_keeps_what_every_step_of_a_clone_without_hooks_computes(network, seen):
    clone = copy.deepcopy(network)
    with torch.no_grad():
        x = to_input(photo("cat"), 96)
        assert torch.equal(seen.x, x)
        s = clone.stage0
        stem = {"conv": s.conv(x)}
        stem["bn"] = s.bn(stem["conv"])
        stem["relu"] = s.relu(stem["bn"])
        x = stem["pool"] = s.pool(stem["relu"])
        for name, maps in stem.items():
            assert torch.equal(seen[f"stage0.{name}"], maps[0]), name
        for stage in range(1, 5):
            for i, block in enumerate(getattr(clone, f"stage{stage}")):
                by_hand = bottleneck_by_hand(block, x, S=block.S)
                names = [n for n in by_hand if n != "shortcut" or not list(block.shortcut.children())]
                for name in names:
                    assert torch.allclose(seen[f"stage{stage}.{i}.{name}"], by_hand[name][0], atol=1e-5), name
                x = block(x)
                assert torch.equal(seen[f"stage{stage}.{i}.relu3"], x[0])
        assert torch.equal(seen.logits, clone.head(x)[0])


def test_the_input_of_each_step_is_the_output_of_the_one_before(seen):
    assert torch.equal(seen.inputs("stage0.conv")[0], seen.x)
    assert torch.equal(seen.inputs("stage1.0.bn1")[0][0], seen["stage1.0.conv1"])
    f, side = seen.inputs("stage1.0.add")
    assert torch.equal(f[0], seen["stage1.0.bn3"]) and torch.equal(side[0], seen["stage1.0.shortcut.bn"])


def test_progress_counts_all_steps(network):
    told = []
    seen = Seen(network, "church", 64, progress=lambda done, total: told.append((done, total)))
    n = len(seen.steps) + 1  # and the network itself
    assert told == [(i + 1, n) for i in range(n)]


def test_the_network_is_run_in_evaluation_mode_and_given_back_as_it_was(network):
    training = copy.deepcopy(network).train()
    training.stage1.eval()
    before = copy.deepcopy(training.state_dict())
    seen = Seen(training, "cat", 96)
    assert torch.equal(seen.logits, Seen(network, "cat", 96).logits)
    assert training.training and training.stage2.training and not training.stage1.training
    assert all(torch.equal(v, before[k]) for k, v in training.state_dict().items())


def test_the_square_shown_is_the_one_that_the_network_gets(seen):
    assert seen.image.size == (96, 96)
    pixels = torch.frombuffer(bytearray(seen.image.tobytes()), dtype=torch.uint8).view(96, 96, 3)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    assert torch.allclose((pixels / 255 - mean) / std, seen.x[0].permute(1, 2, 0), atol=1e-6)


def test_without_a_checkpoint_classes_are_numbers_and_the_size_is_224():
    seen = Seen(ResNet(base=16, num_classes=3).eval(), Image.new("RGB", (30, 40), "red"))
    assert seen.x.shape == (1, 3, 224, 224)
    top = seen.top(5)
    assert len(top) == 3 and sum(p for _, p in top) == pytest.approx(1, abs=1e-5)
    assert top[0][0] == f"class {seen.logits.argmax()}" and top[0][1] == max(p for _, p in top)


def test_its_anatomy_is_the_networks_at_that_size(seen):
    for step in seen.steps:
        if not step.endswith("shortcut"):
            assert seen.anatomy[step].shape == tuple(seen[step].shape), step


def test_a_step_that_there_is_not_is_a_key_error(seen):
    with pytest.raises(KeyError):
        seen["stage9"]


def test_a_whole_resnet_50_keeps_every_step():
    seen = Seen(resnet50(num_classes=5), "coffee", 64)
    assert len(seen.steps) == 187 and seen["stage4.2.relu3"].shape == (2048, 2, 2)


# ── networks of all kinds ──


class Own(torch.nn.Module):
    """A learner's network: a ReLU used twice, a layer never used, and a second answer computed last."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = torch.nn.Conv2d(3, 4, 3), torch.nn.Conv2d(4, 4, 3)
        self.relu, self.spare = torch.nn.ReLU(inplace=True), torch.nn.Conv2d(4, 4, 3)
        self.fc, self.aux = torch.nn.Linear(4, 5), torch.nn.Linear(4, 2)

    def forward(self, x):
        h = self.relu(self.conv2(self.relu(self.conv1(x)))).mean((2, 3))
        y = self.fc(h)
        self.aux(h)
        return y


def test_the_logits_are_what_the_network_gives_out_and_odd_steps_are_left_out():
    torch.manual_seed(0)
    own = Own().eval()
    seen = Seen(own, "cat", 32)
    with torch.no_grad():
        assert torch.equal(seen.logits, own(seen.x)[0])
        assert torch.equal(seen["conv1"], own.conv1(seen.x)[0])
    assert seen.steps == ["conv1", "conv2", "fc", "aux"]


def test_the_plain_published_network_with_its_reused_relu_can_be_seen():
    theirs = plain("resnet18", num_classes=4).eval()
    seen = Seen(theirs, "cat", 64)
    assert "layer1.0.conv1" in seen.steps and "layer1.0.relu" not in seen.steps
    with torch.no_grad():
        assert torch.equal(seen.logits, theirs(seen.x)[0])


def test_a_network_that_gives_no_scores_is_refused_with_a_sentence():
    flat = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Flatten(0))
    with pytest.raises(ValueError, match="one score a class"):
        Seen(flat, "cat", 32)
    with pytest.raises(ValueError, match="nn.Module"):
        Seen("resnet50", "cat")
    with pytest.raises(ValueError, match="size = 0"):
        Seen(flat, "cat", 0)


def test_a_network_for_grey_pictures_is_told_that_photographs_have_three_colours():
    with pytest.raises(ValueError, match="made for C = 1, and a photograph has C = 3"):
        Seen(ResNet(base=4, in_channels=1), "cat", 32)


def test_a_new_head_on_a_loaded_network_has_numbered_classes():
    network = load("thin")
    network.head.fc = torch.nn.Linear(512, 3)
    assert [name for name, _ in Seen(network, "cat").top()][0].startswith("class ")


def test_a_network_in_double_precision_is_given_its_own_kind_of_numbers():
    seen = Seen(ResNet(base=4, num_classes=3).double(), "cat", 32)
    assert seen.logits.dtype == seen["stage0.conv"].dtype == torch.float32
