"""The stem in a live page: shapes and costs of the library, the bundled network's maps, the window that walks."""

import base64
import random

import numpy as np
import pytest
import torch

from resnet_lib._common import seeded
from resnet_lib.anatomy import anatomy
from resnet_lib.blocks import Stem
from resnet_lib.explorers import words
from resnet_lib.explorers.trained import loaded
from resnet_lib.photos import to_input
from resnet_lib.views.maps import scale, to_levels

SCENE = "stem"
AS_TRAINED = {"kernel": 7, "stride": 2, "padding": 3, "dilation": 1, "C1": 16}


def test_shapes_parameters_and_macs_are_those_of_the_librarys_anatomy(live):
    draw, cases, refused = random.Random(3), [], 0
    for _ in range(60):
        case = {"kernel": draw.randint(1, 15), "stride": draw.randint(1, 8), "padding": draw.randint(0, 14)}
        cases.append(case | {"dilation": draw.randint(1, 6), "W": draw.randint(8, 224), "C1": draw.randrange(4, 65, 4)})
    found = live.page.evaluate(
        "cases => import('./live/live_stem.js').then(module => cases.map(module.stemAnatomy))", cases
    )
    for case, said in zip(cases, found, strict=True):
        W = case.pop("W")
        try:
            expected = anatomy(Stem(**case), W)
        except ValueError:
            assert said is None, case
            refused += 1
            continue
        steps = [[s.name, s.kind, list(s.shape), s.parameters, s.macs] for s in expected.steps]
        assert said["steps"][1:] == steps, case
        assert (said["parameters"], said["macs"]) == (expected.parameters, expected.macs)
    assert 0 < refused < 30


def test_the_trained_stem_draws_the_librarys_maps(live):
    live.put(picture="truck", W=64, **AS_TRAINED)
    x, stem = to_input("truck", 64), loaded("thin").stage0
    with torch.no_grad():
        conv = stem.conv(x)
        others = [stem.bn(conv), stem.relu(stem.bn(conv)), stem(x)]
    limits = [scale(conv[0, :4]), scale(torch.cat([t[0, :4].reshape(-1) for t in others]))]
    wanted = [to_levels(conv[0, :4], limits[0][1], limits[0][0])]
    wanted += [to_levels(t[0, :4], limits[1][1], limits[1][0]) for t in others]
    levels = np.frombuffer(base64.b64decode(live.levels()), np.uint8).astype(int)
    # Where JPEG's decoders differ by one level of 255, what follows differs a little.
    assert abs(levels - torch.cat([w.reshape(-1) for w in wanted]).numpy()).mean() < 0.5
    assert live.scene("maps")["note"].startswith("trained weights of the bundled network, stage0; it was not trained")


def test_other_numbers_have_random_weights_and_say_so(live):
    live.put(W=64, **(AS_TRAINED | {"kernel": 5}))
    said = words.table()["scenes"]["note_stem"]
    assert live.scene("maps")["note"] == said and said.startswith("random weights, not trained")
    assert "torch's have the same distribution and other numbers" in said
    found = live.page.evaluate(
        "() => import('./live/engine_blocks.js').then(module => Array.from(module.stemWeights(64, 5).data))"
    )
    page, library = torch.tensor(found), seeded(0, Stem, C1=64, kernel=5, padding=2).conv.weight.flatten()
    assert page.std().item() == pytest.approx(library.std().item(), rel=0.05) and page.mean().abs() < 0.002
    assert not torch.allclose(page, library)
    assert live.scene("says")["code"] == "Stem(C1=16, kernel=5, stride=2, padding=3)"
    assert "= 33; reach = 1·(5 − 1) + 1 = 5" in live.scene("says")["about"]


def test_a_kernel_that_does_not_fit_says_so_and_the_maps_come_back(live):
    live.put(W=8, **(AS_TRAINED | {"padding": 0, "dilation": 2}))
    assert live.scene("says")["problem"] == "The kernel covers 13 pixels and the padded input has 8."
    live.put(W=64, **AS_TRAINED)
    assert "problem" not in live.scene("says") and "side" in live.scene("maps")["groups"][0]


def test_the_window_walks_over_the_pictures_pixels(live):
    live.put(picture="coffee", W=32, **AS_TRAINED)
    live.page.wait_for_function("() => resnetLive.stem.model.get('drawing').grid.colours.length > 0")
    grid = live.page.locator(".rl-grid")
    grid.focus()
    live.page.keyboard.press("ArrowRight")
    grid.get_by_text("output (0, 1): rows −3 to 3, columns −1 to 5").wait_for()


def test_an_impulse_is_looked_at_from_close_up(live):
    live.put(picture="impulse", W=64, **AS_TRAINED)
    group = live.scene("maps")["groups"][0]
    assert (group["side"], group["corner"]) == ([15, 15], [8, 8])
    # The kernel itself, upside down and the other way round, is what a convolution makes of an impulse.
    levels = np.frombuffer(base64.b64decode(live.levels()), np.uint8)[:225].reshape(15, 15)
    assert (levels != 127).any() and (levels[:4] == 127).all()
