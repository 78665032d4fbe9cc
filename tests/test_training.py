"""The training loop: it learns, it can be stopped anywhere and gone on with, and no half-written file is loaded."""

import os
import signal
import subprocess
import sys
import textwrap
import threading

import pytest
import torch
from torch import nn

from resnet_lib.experiments.training import Recipe, Training, evaluate, one_cycle, write

RECIPE = Recipe(epochs=4, batch=16, peak=0.05, average=0.5)


def task(n=96):
    """Pictures of one of two brightnesses, and noise; which of the two is the label."""
    draw = torch.Generator().manual_seed(5)
    labels = torch.randint(0, 2, (n,), generator=draw)
    return torch.randn(n, 3, 6, 6, generator=draw) + 2 * labels.view(-1, 1, 1, 1), labels


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.2), nn.Flatten(), nn.Linear(64, 2)
    )


def trained(recipe=RECIPE, **options):
    training = Training(network(), *task(), recipe, **options)
    for _ in training:
        pass
    return training


def same(a, b):
    a, b = a.state_dict(), b.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def noisy(batch, _done):
    return batch + 0.1 * torch.randn(batch.shape)


# ── it learns ──


@pytest.mark.parametrize("optimizer, peak", [("sgd", 0.05), ("adamw", 0.01)])
def test_it_learns_an_easy_task(optimizer, peak):
    training = trained(Recipe(epochs=8, batch=16, peak=peak, optimizer=optimizer))
    assert evaluate(training.best, *task())[0] > 0.95
    assert sum(training.losses[-5:]) < sum(training.losses[:5])


def test_every_step_of_every_epoch_is_run_and_counted():
    training = trained()
    assert training.step == training.steps == 4 * 6 == len(training.losses)


def test_the_same_seed_gives_the_same_network_and_another_seed_another():
    assert same(trained(prepare=noisy).network, trained(prepare=noisy).network)
    assert not same(trained().network, trained(Recipe(epochs=4, batch=16, peak=0.05, average=0.5, seed=1)).network)


def test_training_draws_nothing_from_the_learners_own_random_numbers():
    torch.manual_seed(3)
    expected = torch.rand(1)
    training = Training(network(), *task(), RECIPE)
    torch.manual_seed(3)
    next(iter(training))
    assert torch.equal(torch.rand(1), expected)


def test_the_learning_rate_rises_to_its_peak_and_falls_to_nearly_nothing():
    rates = [one_cycle(i / 100, 0.2) for i in range(101)]
    assert rates[20] == 1 == max(rates)
    assert rates[:21] == sorted(rates[:21]) and rates[20:] == sorted(rates[20:], reverse=True)
    assert rates[0] == pytest.approx(0.04) and rates[100] == pytest.approx(0.001)


def test_norms_and_biases_are_spared_from_weight_decay():
    groups = Training(network(), *task(), RECIPE).optimizer.param_groups
    assert {p.dim() for p in groups[0]["params"]} == {4, 2} and groups[0]["weight_decay"] > 0
    assert {p.dim() for p in groups[1]["params"]} == {1} and groups[1]["weight_decay"] == 0


def test_the_running_average_is_what_is_evaluated():
    training = trained()
    assert training.best is not training.network and not same(training.best, training.network)
    plain = trained(Recipe(epochs=1, batch=16))
    assert plain.best is plain.network


def test_evaluating_counts_right_answers_and_leaves_the_mode_as_it_was():
    net, (x, y) = network().train(), task()
    accuracy, loss = evaluate(net, x, y, batch=7)
    scores = net.eval()(x)
    assert accuracy == pytest.approx((scores.argmax(1) == y).float().mean().item())
    assert loss == pytest.approx(nn.functional.cross_entropy(scores, y).item(), rel=1e-5)
    net.train()
    evaluate(net, x, y)
    assert net.training


# ── stopped and gone on with ──


@pytest.mark.parametrize("at", [1, 7, 23])
def test_a_run_stopped_at_any_step_ends_where_an_unbroken_one_does(at, tmp_path):
    file = tmp_path / "run.pt"
    for step in Training(network(), *task(), RECIPE, prepare=noisy, file=file):
        if step == at:
            break
    resumed = Training(network(seed=9), *task(), RECIPE, prepare=noisy, file=file)
    assert resumed.step == at
    for _ in resumed:
        pass
    whole = trained(prepare=noisy)
    assert same(resumed.network, whole.network) and same(resumed.best, whole.best)
    assert resumed.losses == whole.losses


def test_in_one_session_the_object_itself_goes_on():
    training = Training(network(), *task(), RECIPE)
    for step in training:
        if step == 5:
            break
    assert next(iter(training)) == 6


def test_the_keyboard_stops_between_two_steps_and_nothing_is_lost(tmp_path):
    file = tmp_path / "run.pt"

    def pressed_within_step_3(batch, _done):
        if training.step == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return batch

    training = Training(network(), *task(), RECIPE, prepare=pressed_within_step_3, file=file)
    with pytest.raises(KeyboardInterrupt):
        for _ in training:
            pass
    assert training.step == 4 == len(training.losses)
    assert Training(network(), *task(), RECIPE, file=file).step == 4


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_a_killed_run_goes_on_from_its_last_saved_step(tmp_path):
    script = textwrap.dedent("""
        import os, signal, sys
        from tests.test_training import *
        training = Training(network(), *task(), RECIPE, file=sys.argv[1])
        for step in training:
            if step == 5:
                training.save()
            if step == 8:
                os.kill(os.getpid(), signal.SIGKILL)
    """)
    file = tmp_path / "run.pt"
    assert subprocess.run([sys.executable, "-c", script, file], check=False).returncode == -signal.SIGKILL
    resumed = Training(network(), *task(), RECIPE, file=file)
    assert resumed.step == 5
    for _ in resumed:
        pass
    assert same(resumed.network, trained().network)


# ── the same run twice at a time, as in two explorers of one design ──


def stopped_at(step, training):
    for done in training:
        if done == step:
            break
    return training


def test_a_run_that_is_behind_leaves_the_file_of_one_that_is_further_on(tmp_path):
    file = tmp_path / "run.pt"
    behind, further = (Training(network(), *task(), RECIPE, file=file) for _ in range(2))
    steps = iter(behind)
    next(steps)
    stopped_at(7, further)
    next(steps)
    steps.close()  # which saves
    assert behind.step == 2 and Training(network(), *task(), RECIPE, file=file).step == 7
    behind.save()
    assert Training(network(), *task(), RECIPE, file=file).step == 7


def test_it_goes_on_from_where_the_other_one_is_by_then(tmp_path):
    file = tmp_path / "run.pt"
    behind, further = (Training(network(), *task(), RECIPE, file=file, prepare=noisy) for _ in range(2))
    stopped_at(7, further).notes["said"] = "seven"
    further.save()
    assert next(iter(behind)) == 8 and behind.notes == {"said": "seven"}
    whole = trained(prepare=noisy)
    for _ in behind:
        pass
    assert same(behind.best, whole.best) and behind.losses == whole.losses


def test_the_one_that_is_further_on_saves_over_the_other(tmp_path):
    file = tmp_path / "run.pt"
    first, second = (Training(network(), *task(), RECIPE, file=file) for _ in range(2))
    steps = iter(second)
    next(steps)
    stopped_at(2, first)
    for _ in range(4):
        next(steps)
    steps.close()
    assert Training(network(), *task(), RECIPE, file=file).step == 5


def test_a_file_that_was_damaged_or_deleted_meanwhile_is_written_anew(tmp_path):
    file = tmp_path / "run.pt"
    training = stopped_at(3, Training(network(), *task(), RECIPE, file=file))
    file.write_bytes(b"damaged")
    stopped_at(4, training)
    assert Training(network(), *task(), RECIPE, file=file).step == 4
    file.unlink()
    stopped_at(5, training)
    assert Training(network(), *task(), RECIPE, file=file).step == 5


# ── files ──


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    file = tmp_path / "state.pt"
    write({"n": 1}, file)
    monkeypatch.setattr(torch, "save", lambda _state, out: (out.write(b"half"), 1 / 0))
    with pytest.raises(ZeroDivisionError):
        write({"n": 2}, file)
    assert torch.load(file, weights_only=True) == {"n": 1}
    assert [f.name for f in tmp_path.iterdir()] == ["state.pt"]


def test_of_two_that_save_at_once_the_one_with_more_steps_stays_in_the_file(tmp_path, monkeypatch):
    file = tmp_path / "run.pt"
    early, late = Training(network(), *task(), RECIPE, file=file), Training(network(), *task(), RECIPE)
    stopped_at(5, late)
    late.file = file
    early_writes, go_on, save = threading.Event(), threading.Event(), torch.save

    def slowly(state, out):
        if state["step"] == 0:
            early_writes.set()
            go_on.wait(20)
        save(state, out)

    monkeypatch.setattr(torch, "save", slowly)
    savers = [threading.Thread(target=training.save) for training in (early, late)]
    savers[0].start()
    assert early_writes.wait(20)  # it has found no state in the file yet
    savers[1].start()
    savers[1].join(1)
    go_on.set()
    for saver in savers:
        saver.join(20)
    assert torch.load(file, weights_only=True)["step"] == 5


def test_a_file_of_another_recipe_is_refused_with_what_differs(tmp_path):
    file = tmp_path / "run.pt"
    trained(file=file)
    with pytest.raises(ValueError, match=r"another run \(peak = 0.05 there, 0.3 here\).*name another file"):
        Training(network(), *task(), Recipe(epochs=4, batch=16, peak=0.3, average=0.5), file=file)


def test_a_file_of_another_network_is_refused_and_the_network_stays_as_it_is(tmp_path):
    file = tmp_path / "run.pt"
    trained(file=file)
    other = network()
    other[5] = nn.Linear(64, 3)
    before = {k: v.clone() for k, v in other.state_dict().items()}
    with pytest.raises(ValueError, match="saved by another network"):
        Training(other, *task(), RECIPE, file=file)
    assert all(torch.equal(v, before[k]) for k, v in other.state_dict().items())


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04 cut off"])
def test_a_broken_file_is_refused_with_a_sentence_and_stays(content, tmp_path):
    file = tmp_path / "run.pt"
    file.write_bytes(content)
    with pytest.raises(ValueError, match="not a readable training run.*delete it"):
        Training(network(), *task(), RECIPE, file=file)
    assert file.read_bytes() == content


def test_a_file_that_lacks_a_part_is_refused_before_anything_is_loaded(tmp_path):
    file = tmp_path / "run.pt"
    trained(file=file)
    state = torch.load(file, weights_only=True)
    del state["optimizer"]
    write(state, file)
    other = network(seed=4)
    with pytest.raises(ValueError, match="not a readable training run"):
        Training(other, *task(), RECIPE, file=file)
    assert same(other, network(seed=4))


def test_a_folder_is_not_to_be_deleted(tmp_path):
    with pytest.raises(ValueError, match="is a folder: name a file in it"):
        Training(network(), *task(), RECIPE, file=tmp_path)


# ── bad input ──


def test_labels_that_do_not_fit_are_told_with_their_range():
    x, y = task()
    with pytest.raises(ValueError, match="labels run from 0 to 5, and the network distinguishes 2 classes"):
        next(iter(Training(network(), x, torch.arange(96) % 6, RECIPE)))
    with pytest.raises(ValueError, match="one whole number a picture"):
        Training(network(), x, torch.nn.functional.one_hot(y), RECIPE)
    with pytest.raises(ValueError, match="must be tensors"):
        Training(network(), x.numpy(), y.tolist(), RECIPE)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"epochs": 0}, "epochs = 0"),
        ({"batch": 1.5}, "batch = 1.5"),
        ({"peak": 0}, "peak = 0 must be above 0"),
        ({"warmup": 1}, "warmup = 1 must be at least 0 and below 1"),
        ({"optimizer": "lion"}, "optimizer = 'lion'"),
        ({"seed": -1}, "seed = -1"),
    ],
)
def test_a_recipe_out_of_range_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        Recipe(**options)


def test_too_few_pictures_or_labels_are_refused():
    x, y = task()
    with pytest.raises(ValueError, match="96 pictures and 95 labels"):
        Training(network(), x, y[:-1], RECIPE)
    with pytest.raises(ValueError, match="at least one batch of 16"):
        Training(network(), x[:9], y[:9], RECIPE)


def test_a_loss_that_is_no_number_says_that_the_learning_rate_may_be_too_high(tmp_path):
    file = tmp_path / "run.pt"
    training = Training(network(), *task(), RECIPE, prepare=lambda b, _: b * float("nan"), file=file)
    with pytest.raises(ValueError, match="loss is nan at step 0.*peak = 0.05"):
        next(iter(training))
    assert all(p.isfinite().all() for p in training.network.parameters())
