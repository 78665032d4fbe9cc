"""What a part of a network has to do, and where it stands under the roof of the machine; the views of that."""

import itertools
import math
import re
from xml.etree import ElementTree

import pytest
import torch

from resnet_lib import BTNK2, ResNet, anatomy, resnet50
from resnet_lib.speed.machine import Machine
from resnet_lib.speed.onednn import can_join
from resnet_lib.speed.roofline import Standing, Work, standings, works
from resnet_lib.speed.timing import Timing
from resnet_lib.views import roofline, standing_table, time_bars

MACHINE = Machine(peak=100e9, side=1024, bandwidth=20e9, threads=1)


def small():
    torch.manual_seed(0)
    return ResNet(base=8, num_classes=10).eval()


def standing(name, flops, moved, *seconds):
    return Standing(Work(name, flops, moved), Timing(seconds))


# ── Arithmetic ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_stem_of_resnet50_by_hand():
    stem = works(resnet50(), torch.zeros(2, 3, 224, 224))[0]
    assert stem.name == "stage0"
    assert stem.flops == 2 * 2 * 118_013_952
    picture, big, pooled = 3 * 224 * 224, 64 * 112 * 112, 64 * 56 * 56
    maps = (picture + big) + (big + big) + (big + big) + (big + pooled)  # CONV, BN, ReLU, MAXPOOL
    weights = 64 * 3 * 7 * 7 + 4 * 64 + 1  # γ, β, μ, σ² and the count of batches
    assert stem.bytes == 4 * (2 * maps + weights)
    assert stem.intensity == stem.flops / stem.bytes


def test_joined_bn_and_relu_move_nothing_and_the_sum_reads_the_shortcut():
    class Part(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.block = BTNK2(8, C1=4)

        def forward(self, x):
            return self.block(x)

    (block,) = works(Part(), torch.zeros(3, 8, 5, 5), joined=True)
    maps = (8 + 4) + (4 + 4) + (4 + 8) + 8  # the three convolutions, the shortcut
    weights = 8 * 4 + 4 * 4 * 9 + 4 * 8
    assert block.bytes == 4 * (3 * 25 * maps + weights)
    assert block.flops == 2 * 3 * 25 * weights


@pytest.mark.parametrize("batch", [1, 4])
def test_the_flops_are_twice_the_anatomys_macs_for_every_picture(batch):
    network = small()
    found = works(network, torch.zeros(batch, 3, 64, 64))
    assert [w.name for w in found] == ["stage0", "stage1", "stage2", "stage3", "stage4", "head"]
    assert sum(w.flops for w in found) == batch * anatomy(network, 64).flops


def test_joining_takes_away_bytes_and_no_flops():
    x = torch.zeros(1, 3, 64, 64)
    for a, b in zip(works(small(), x), works(small(), x, joined=True), strict=True):
        assert a.flops == b.flops
        assert b.bytes < a.bytes or a.name == "head" and b.bytes == a.bytes


def test_a_network_is_left_in_its_mode():
    network = small().train()
    before = network.stage0.bn.running_mean.clone()
    works(network, torch.randn(2, 3, 64, 64))
    standings(network, torch.randn(2, 3, 64, 64), repeats=1)
    assert network.training and torch.equal(network.stage0.bn.running_mean, before)


def test_where_a_part_stands_by_hand():
    below, beyond = standing("stage1", 40e9, 20e9, 4.0), standing("stage4", 100e9, 10e9, 2.0, 4.0, 1.0)
    assert (below.rate, below.limit(MACHINE), below.share(MACHINE)) == (10e9, "memory", 0.25)
    assert (beyond.rate, beyond.limit(MACHINE), beyond.share(MACHINE)) == (50e9, "arithmetic", 0.5)


@pytest.mark.parametrize("joined", [False, pytest.param(True, marks=pytest.mark.skipif(not can_join(), reason="no"))])
def test_every_part_is_timed_as_often_as_asked(joined):
    told = []
    found = standings(small(), torch.randn(1, 3, 64, 64), joined=joined, repeats=3, progress=lambda *a: told.append(a))
    assert [s.work.name for s in found] == ["stage0", "stage1", "stage2", "stage3", "stage4", "head"]
    assert all(len(s.timing.seconds) == 3 and s.rate > 0 for s in found)
    assert told[-1] == (24, 24)


@pytest.mark.parametrize("wrong", [torch.zeros(3, 64, 64), torch.zeros(0, 3, 64, 64), "cat"])
def test_what_is_no_batch_of_pictures_is_refused(wrong):
    with pytest.raises(ValueError, match="a batch of pictures is wanted"):
        works(small(), wrong)


# ── Views ────────────────────────────────────────────────────────────────────────────────────────────────────

BEFORE = [standing("stage0", 10e9, 2e9, 1.0), standing("head", 1e9, 4e9, 0.1)]
AFTER = [standing("stage0", 10e9, 1e9, 0.2)]


def drawing(html):
    return ElementTree.fromstring(re.search(r"<svg.*</svg>", str(html), re.DOTALL)[0])


def test_the_roofline_has_a_circle_for_each_part_and_says_in_words_what_it_shows():
    svg = drawing(roofline(MACHINE, BEFORE, AFTER))
    circles = svg.findall(".//{*}circle")
    assert len(circles) == 3
    label = svg.get("aria-label")
    assert "Peak 100 GFLOP/s from 5.0 FLOPs a byte on" in label
    assert "stage0: 5 FLOPs a byte, 10 GFLOP/s, 10% of the roof" in label
    assert "stage0 after: 10 FLOPs a byte, 50 GFLOP/s, 50% of the roof" in label
    # Faster is higher, more FLOPs a byte is further right.
    (x0, y0), _head, (x1, y1) = ((float(c.get("cx")), float(c.get("cy"))) for c in circles)
    assert x1 > x0 and y1 < y0
    width, height = float(svg.get("width")), float(svg.get("height"))
    assert all(0 < float(c.get("cx")) < width and 0 < float(c.get("cy")) < height for c in circles)


def test_circles_of_parts_that_are_alike_do_not_hide_each_other_and_point_to_their_places():
    alike = [standing(f"stage{i}", 10e9, 2e9, 1.0 + i / 100) for i in range(5)]
    faster = [standing(f"stage{i}", 10e9, 2e9, 0.9) for i in range(5)]  # in the very same place
    svg = drawing(roofline(MACHINE, alike, faster))
    circles = [(float(c.get("cx")), float(c.get("cy"))) for c in svg.findall(".//{*}circle")]
    radius = float(svg.find(".//{*}circle").get("r"))
    apart = [math.dist(a, b) for a, b in itertools.combinations(circles, 2)]
    assert len(circles) == 10 and min(apart) >= 2 * radius
    width, height = float(svg.get("width")), float(svg.get("height"))
    assert all(radius < x < width - radius and radius < y < height - radius for x, y in circles)
    dots = [p for p in svg.findall(".//{*}path") if "stroke-linecap:round" in p.get("style", "")]
    assert len(dots) >= 8
    far = drawing(roofline(MACHINE, BEFORE, AFTER))
    assert not [p for p in far.findall(".//{*}path") if "stroke-linecap:round" in p.get("style", "")]


def test_a_circle_at_the_peak_lies_on_the_roof():
    on = standing("stage1", 100e9, 1e9, 1.0)
    svg = drawing(roofline(MACHINE, [on]))
    slope_and_flat = svg.findall(".//{*}path")[-2].get("d")  # M x y L x y H x
    top = float(re.findall(r"[0-9.]+", slope_and_flat)[3])
    assert float(svg.find(".//{*}circle").get("cy")) == pytest.approx(top, abs=0.1)


def test_the_table_sums_up_and_sets_the_whole_against_the_peak():
    text = re.sub("<[^>]+>", " ", standing_table(MACHINE, BEFORE)._repr_html_())
    assert re.search(r"stage0\s+10\.00\s+2,000\.0\s+5\.0\s+arithmetic\s+1,000\s+10\s+100\s+10%", text)
    assert re.search(r"head\s+1\.00\s+4,000\.0\s+0\.2\s+memory\s+100\s+10\s+5\s+200%", text)
    assert re.search(r"all\s+11\.00\s+6,000\.0\s+1\.8\s+1,100\s+10\s+100\s+10%", text)


def test_the_bars_are_as_long_as_the_medians_and_compared_with_the_first():
    timings = {"a & b": Timing((0.2, 0.2, 0.4)), "c": Timing((0.1, 0.1, 0.1))}
    html = time_bars(timings, per=2, unit="ms a picture")._repr_html_()
    first, second = (float(w) for w in re.findall(r'<rect x="0.0" width="([0-9.]+)"', html))
    assert first == pytest.approx(2 * second, rel=0.01)
    assert "a &amp; b" in html and "ms a picture" in html
    assert "2.00 ×" in html and "<b>100</b>" in html and "<b>50.0</b>" in html
