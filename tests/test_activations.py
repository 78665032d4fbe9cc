"""Activations: exactly the tensors asked for, and each as its step computed it."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from resnet_lib import BTNK1, BTNK2, ResNet, Stem, activations, step_names
from resnet_lib.activations import calls, recording

from .reference import PlainBottleneck, bottleneck_by_hand, shake_norms

BLOCKS = {"BTNK2(8)": (BTNK2(8), {}), "BTNK1(8, 4, 2)": (BTNK1(8, 4, 2), {"S": 2})}


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def plain_block():
    """The usual block: one in-place ReLU used three times, and `out += identity`."""
    downsample = nn.Sequential(nn.Conv2d(8, 16, 1, 2, bias=False), nn.BatchNorm2d(16))
    block = PlainBottleneck(
        8,
        4,
        2,
        downsample,
        groups=1,
        width_per_group=64,
        dilation=1,
        stride_on="3x3",
        norm_layer=nn.BatchNorm2d,
    )
    return shake_norms(block).eval()


def no_hooks_are_left(module):
    return not any(m._forward_hooks or m._forward_pre_hooks for m in module.modules())


# ── What is returned ─────────────────────────────────────────────────────────────────────────────────────────


def test_exactly_the_names_asked_for_in_the_order_of_running():
    got = activations(BTNK1(8, 4, 2).eval(), torch.randn(1, 8, 6, 6), ["relu3", "shortcut", "conv1", "bn3"])
    assert list(got) == ["conv1", "bn3", "shortcut", "relu3"]


def test_one_name_alone_and_names_asked_for_twice():
    block, x = BTNK2(8).eval(), torch.randn(1, 8, 6, 6)
    assert list(activations(block, x, "conv2")) == ["conv2"]
    assert list(activations(block, x, ["conv2", "conv2"])) == ["conv2"]
    assert activations(block, x, []) == {}


def test_the_empty_name_is_the_module_itself():
    block, x = BTNK2(8).eval(), torch.randn(1, 8, 6, 6)
    assert torch.equal(activations(block, x, "")[""], block(x))


@pytest.mark.parametrize(("block", "options"), BLOCKS.values(), ids=BLOCKS)
def test_every_step_of_a_block_is_what_an_independent_computation_gives(block, options):
    block = shake_norms(block).eval()
    x = torch.randn(2, 8, 7, 7)
    expected = bottleneck_by_hand(block, x, **options)
    got = activations(block, x, step_names(block))
    assert set(got) == set(expected)
    for name, tensor in got.items():
        assert torch.allclose(tensor, expected[name], atol=1e-5), name


def test_every_step_of_the_stem_is_what_an_independent_computation_gives():
    stem = shake_norms(Stem(3, 4)).eval()
    x = torch.randn(2, 3, 21, 21)
    conv = F.conv2d(x, stem.conv.weight, stride=2, padding=3)
    mean, var = (t.view(-1, 1, 1) for t in (stem.bn.running_mean, stem.bn.running_var))
    bn = (conv - mean) / (var + 1e-5).sqrt() * stem.bn.weight.view(-1, 1, 1) + stem.bn.bias.view(-1, 1, 1)
    expected = {
        "conv": conv,
        "bn": bn,
        "relu": bn.clamp(min=0),
        "pool": F.max_pool2d(bn.clamp(min=0), 3, 2, 1),
    }
    got = activations(stem, x, list(expected))
    assert list(got) == list(expected)
    for name, tensor in got.items():
        assert torch.allclose(tensor, expected[name], atol=1e-5), name


@pytest.mark.parametrize("block", [BTNK2(8), BTNK1(8, 4, 2)], ids=["BTNK2", "BTNK1"])
def test_negatives_are_there_before_each_relu_and_gone_after_it(block):
    got = activations(shake_norms(block).eval(), torch.randn(2, 8, 7, 7), step_names(block))
    for before, after in [("bn1", "relu1"), ("bn2", "relu2"), ("add", "relu3")]:
        assert got[before].min() < 0 <= got[after].min()
        assert torch.equal(got[before].clamp(min=0), got[after])
    assert got["bn3"].min() < 0  # no ReLU before the sum


@pytest.mark.parametrize("block", [BTNK2(8), BTNK1(8, 4, 2)], ids=["BTNK2", "BTNK1"])
def test_the_sum_is_the_sum_of_both_addends(block):
    x = torch.randn(2, 8, 7, 7)
    got = activations(shake_norms(block).eval(), x, ["bn3", "shortcut", "add"])
    assert torch.equal(got["add"], got["bn3"] + got["shortcut"])
    if isinstance(block, BTNK2):
        assert torch.equal(got["shortcut"], x)


def test_the_stages_of_a_network_feed_each_other():
    model = shake_norms(ResNet(base=8, num_classes=10)).eval()
    x = torch.randn(1, 3, 64, 64)
    got = activations(model, x, ["stage1", "stage2", "head.fc"])
    assert torch.equal(got["stage2"], model.stage2(got["stage1"]))
    assert torch.equal(got["head.fc"], model(x))


def test_the_mode_of_the_module_is_kept():
    block, x = BTNK2(8), torch.randn(4, 8, 5, 5)
    by_batch, by_record = (activations(block.train(mode), x, "bn1")["bn1"] for mode in (True, False))
    assert by_batch.mean((0, 2, 3)).abs().max() < 1e-6
    assert not torch.allclose(by_batch, by_record)
    assert not block.training


# ── Gradients ────────────────────────────────────────────────────────────────────────────────────────────────


def test_gradients_are_recorded_only_where_asked_for():
    block, x = BTNK2(8).eval(), torch.randn(1, 8, 5, 5)
    assert not activations(block, x, "relu3")["relu3"].requires_grad
    assert activations(block, x, "relu3", grad=True)["relu3"].requires_grad
    with torch.no_grad():
        assert activations(block, x, "relu3", grad=True)["relu3"].requires_grad


def test_one_step_can_be_differentiated_by_another():
    block = shake_norms(BTNK2(8)).eval()
    got = activations(block, torch.randn(1, 8, 5, 5), ["add", "relu3"], grad=True)
    (slope,) = torch.autograd.grad(got["relu3"].sum(), got["add"])
    assert torch.equal(slope, (got["add"] > 0).float())


def test_it_works_inside_inference_mode():
    block, x = shake_norms(BTNK2(8)).eval(), torch.randn(1, 8, 5, 5)
    expected = block(x)
    with torch.inference_mode():
        assert torch.equal(activations(block, x.clone(), "relu3")["relu3"], expected)


# ── Modules that work in place ───────────────────────────────────────────────────────────────────────────────


def test_the_usual_block_with_its_in_place_relu_and_sum_is_shown_truthfully():
    block, x = plain_block(), torch.randn(2, 8, 7, 7)
    ours = BTNK1(8, 4, 2).eval()
    rename = {"downsample.0": "shortcut.conv", "downsample.1": "shortcut.bn"}
    for name, m in block.named_children():
        if name.startswith(("conv", "bn")):
            ours.get_submodule(name).load_state_dict(m.state_dict())
    for theirs, name in rename.items():
        ours.get_submodule(name).load_state_dict(block.get_submodule(theirs).state_dict())
    expected = bottleneck_by_hand(ours, x, S=2)
    names = ["conv1", "bn1", "conv2", "bn2", "conv3", "bn3", "downsample.0", "downsample.1"]
    got = activations(block, x, names)
    assert list(got) == names
    for name, tensor in got.items():
        assert torch.allclose(tensor, expected[rename.get(name, name)], atol=1e-5), name
    assert all(got[name].min() < 0 for name in ("bn1", "bn2", "bn3"))
    # By-reference hooks would have given this instead.
    assert not torch.allclose(got["bn3"], expected["add"].clamp(min=0), atol=1e-3)


def test_a_plain_reference_to_that_blocks_output_would_indeed_have_been_spoilt():
    """What the test above guards against does happen; otherwise it could not fail."""
    block, kept = plain_block(), {}
    block.bn1.register_forward_hook(lambda _m, _x, out: kept.update(bn1=out))
    block(torch.randn(2, 8, 7, 7))
    assert kept["bn1"].min() == 0


class AddOne(nn.Module):
    def forward(self, x):
        x += 1
        return x


def test_a_module_that_changes_its_input_in_place_is_shown_truthfully():
    got = activations(nn.Sequential(AddOne(), AddOne()), torch.zeros(1, 1, 1, 1), ["0", "1"])
    assert (got["0"].item(), got["1"].item()) == (1, 2)


def test_looking_at_a_module_that_works_in_place_trains_its_norms_no_more_than_running_it():
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.ReLU(inplace=True))
    activations(model, torch.randn(2, 3, 4, 4), ["1"])
    assert model[1].num_batches_tracked == 1


def test_steps_of_a_module_that_works_in_place_can_be_differentiated():
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.ReLU(inplace=True)).eval()
    got = activations(model, torch.randn(2, 3, 4, 4), ["1", "2"], grad=True)
    (slope,) = torch.autograd.grad(got["2"].sum(), got["1"])
    assert torch.equal(slope, (got["1"] > 0).float())


# ── What cannot be answered ──────────────────────────────────────────────────────────────────────────────────


def test_a_relu_used_several_times_gets_a_sentence():
    block = plain_block()
    with pytest.raises(ValueError, match="'relu' is called more than once .* a module of its own"):
        activations(block, torch.randn(1, 8, 5, 5), ["bn1", "relu"])
    assert no_hooks_are_left(block)


def test_an_unknown_name_gets_near_ones():
    with pytest.raises(ValueError, match="no step is called 'relu4'; did you mean .*relu3"):
        activations(BTNK2(8), torch.randn(1, 8, 5, 5), ["conv1", "relu4"])


def test_a_name_that_is_like_no_other_gets_the_first_names():
    with pytest.raises(ValueError, match="^no step is called 'zzzzzz'; there are conv1, bn1, relu1, conv2, …$"):
        activations(BTNK2(8), torch.randn(1, 8, 5, 5), "zzzzzz")


def test_a_module_that_was_never_called_is_named():
    class Forgetful(nn.Sequential):
        def forward(self, x):
            return self[0](x)

    model = Forgetful(nn.ReLU(), nn.Tanh())
    with pytest.raises(ValueError, match="'1' was not called"):
        activations(model, torch.randn(1, 1, 2, 2), ["0", "1"])
    assert no_hooks_are_left(model)


# ── What is left behind ──────────────────────────────────────────────────────────────────────────────────────


def test_no_hooks_are_left_and_hooks_of_ones_own_stay():
    block, calls = BTNK2(8).eval(), []
    handle = block.conv1.register_forward_hook(lambda *_: calls.append(1))
    activations(block, torch.randn(1, 8, 5, 5), step_names(block))
    assert list(block.conv1._forward_hooks) == [handle.id] and calls
    handle.remove()
    assert no_hooks_are_left(block)


def test_no_hooks_are_left_even_if_the_module_fails_half_way():
    class Broken(nn.Module):
        def forward(self, x):
            raise RuntimeError("broken on purpose")

    model = nn.Sequential(nn.ReLU(), Broken())
    with pytest.raises(RuntimeError, match="broken on purpose"):
        activations(model, torch.randn(1, 1, 2, 2), ["0", "1"])
    assert no_hooks_are_left(model)


def test_gradient_mode_is_as_before():
    block, x = BTNK2(8).eval(), torch.randn(1, 8, 5, 5)
    activations(block, x, "conv1")
    assert torch.is_grad_enabled()
    with torch.no_grad():
        activations(block, x, "conv1", grad=True)
        assert not torch.is_grad_enabled()


# ── The recorder ─────────────────────────────────────────────────────────────────────────────────────────────


def test_every_call_of_a_step_that_runs_several_times_is_recorded_in_order():
    block, x = plain_block(), torch.randn(1, 8, 5, 5)
    with recording({"relu": block.relu, "bn3": block.bn3}) as run:
        block(x)
    assert [call.name for call in run.calls] == ["relu", "relu", "bn3", "relu"]
    assert all(call.inputs == () for call in run.calls)
    assert no_hooks_are_left(block)


def test_a_recorded_copy_is_what_the_step_gave_and_the_tensor_itself_what_became_of_it():
    block, x = plain_block(), torch.randn(2, 8, 7, 7)
    (copied,), (shared,) = (record_bn1(block, x, copy) for copy in (True, False))
    assert copied.output.min() < 0 == shared.output.min()
    assert torch.equal(copied.output.clamp(min=0), shared.output)


def record_bn1(block, x, copy):
    with recording({"bn1": block.bn1}, copy=copy) as run:
        block(x)
    return run.calls


def test_inputs_are_recorded_as_they_were_before_the_step_overwrote_them():
    model = nn.Sequential(AddOne(), AddOne())
    with recording(dict(model.named_children()), inputs=["1"], copy=True) as run:
        model(torch.zeros(1, 1, 1, 1))
    first, second = run.calls
    assert first.inputs == () and [t.item() for t in second.inputs] == [1]
    assert second.output.item() == 2


def test_what_a_note_returns_goes_on_through_the_network():
    model = nn.Sequential(nn.ReLU(), nn.Identity())
    with recording({"0": model[0]}, note=lambda call: call.output + 1) as run:
        assert model(torch.tensor([1.0])).item() == 2
    assert run.calls == []
    assert model(torch.tensor([1.0])).item() == 1


def test_a_run_that_stops_half_way_leaves_what_had_ended_and_what_had_begun():
    class Broken(nn.Module):
        def forward(self, x):
            raise RuntimeError("broken on purpose")

    model = nn.Sequential(nn.ReLU(), nn.Sequential(nn.Tanh(), Broken()))
    with recording(dict(model.named_modules()), inputs=["", "1"]) as run:
        with pytest.raises(RuntimeError, match="broken on purpose"):
            model(torch.ones(1))
    assert [call.name for call in run.calls] == ["0", "1.0"]
    assert [call.name for call in run.unfinished] == ["", "1"]
    assert torch.equal(run.unfinished[1].inputs[0], torch.ones(1))
    assert no_hooks_are_left(model)


def test_a_step_called_inside_itself_keeps_each_call_with_its_own_input():
    class Twice(nn.Module):
        def forward(self, x):
            return self(x - 1) + 10 if x > 0 else x

    module = Twice()
    with recording({"": module}, inputs=[""]) as run:
        module(torch.tensor(1.0))
    assert [(call.inputs[0].item(), call.output.item()) for call in run.calls] == [(0, 0), (1, 10)]
    assert run.unfinished == []


def test_calls_that_have_no_single_tensor_are_left_out_unless_strict():
    block, x = plain_block(), torch.randn(1, 8, 5, 5)
    assert list(calls(block, x, ["bn1", "relu"], strict=False)) == ["bn1"]

    class Pair(nn.Module):
        def forward(self, x):
            return x, x

    with pytest.raises(ValueError, match="the network returns tuple: wrap it in a module"):
        calls(Pair(), x, "")
    assert calls(Pair(), x, "", strict=False) == {}


# ── Names ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_steps_of_btnk1_are_its_leaves_and_its_shortcut_as_a_whole():
    assert step_names(BTNK1(8, 4, 2)) == [
        "conv1",
        "bn1",
        "relu1",
        "conv2",
        "bn2",
        "relu2",
        "conv3",
        "bn3",
        "shortcut",
        "shortcut.conv",
        "shortcut.bn",
        "add",
        "relu3",
    ]


def test_all_steps_of_a_network_can_be_asked_for_at_once():
    model = ResNet(base=8, num_classes=10).eval()
    names = step_names(model)
    got = activations(model, torch.randn(1, 3, 32, 32), names)
    assert set(got) == set(names)
    assert "stage1.0.shortcut" in got and "stage1.1.shortcut" in got and "head.fc" in got
