"""Curves as SVG: every point is where it belongs, nothing is lost without colour, and the page's style is kept."""

import math
import re

import pytest

from resnet_lib.views.curves import LOOKS, Chart, Curve, smoothed
from resnet_lib.views.style import QUIET, TEXT

WORD = "two curves & <more>"


def path(svg, colour):
    """The points of the first line of that colour, None where it is interrupted."""
    found = re.search(rf'<path d="([^"]+)" clip-path="[^"]+" style="fill: none;[^"]*stroke: {colour}', svg, re.I)
    return [(a, float(x), float(y)) for a, x, y in re.findall(r"([ML]) ([\d.]+) ([\d.]+)", found[1])]


def test_a_curve_goes_through_its_points_and_leaves_out_what_is_no_number():
    curve = Curve("net", [0, 1, 2, 3, 4], [0.0, 1.0, math.inf, 0.5, 0.25], LOOKS[0])
    found = path(Chart("x", "y").draw([curve], WORD), LOOKS[0][0])
    assert [a for a, *_ in found] == ["M", "L", "M", "L"]
    (x0, y0), (x1, y1), (x3, y3), (x4, y4) = [(x, y) for _, x, y in found]
    assert y0 > y4 > y3 > y1
    assert x3 - x0 == pytest.approx(3 * (x1 - x0), rel=1e-3)
    assert y0 - y3 == pytest.approx((y0 - y1) / 2, rel=1e-3)


def test_on_a_logarithmic_axis_equal_factors_are_equal_distances():
    curve = Curve("net", [0, 1, 2], [1.0, 10.0, 100.0], LOOKS[0])
    ys = [y for _, _, y in path(Chart("x", "y", log=True).draw([curve], WORD), LOOKS[0][0])]
    assert ys[0] - ys[1] == pytest.approx(ys[1] - ys[2], rel=1e-3)


@pytest.mark.slow
def test_it_follows_the_theme_and_says_what_is_to_be_seen():
    svg = Chart("step", "loss", title="a title").draw([Curve("net", [0, 1], [1, 2], LOOKS[0])], WORD)
    assert 'aria-label="two curves &amp; &lt;more&gt;"' in svg and 'role="img"' in svg
    assert TEXT in svg and QUIET in svg and "#010203" not in svg and "#040506" not in svg
    for word in ("step", "loss", "a title", "net"):
        assert f">{word}<" in svg


def test_it_brings_no_rules_and_no_fonts_into_the_page():
    svg = Chart("x", "y", log=True).draw([Curve("net", [0, 1], [1e-5, 2e5], LOOKS[0])], WORD)
    assert "<style" not in svg and "<metadata" not in svg and "DejaVu" not in svg and "<?xml" not in svg


def test_two_charts_in_a_page_share_no_ids():
    curve = Curve("net", [0, 1], [1, 2], LOOKS[0])
    one, other = (set(re.findall(r' id="([^"]*)"', Chart("x", "y").draw([curve], WORD))) for _ in range(2))
    assert one and not one & other


def test_curves_differ_without_colour():
    assert len({look[1:] for look in LOOKS}) == len(LOOKS) == len({look[0] for look in LOOKS})


def test_a_chart_that_is_drawn_again_keeps_nothing_of_what_was_drawn_before():
    chart, curve = Chart("x", "y"), Curve("net", [0, 1], [1, 2], LOOKS[0])
    first = chart.draw([curve], WORD)
    other = chart.draw([Curve("another", [0, 5], [9, 3], LOOKS[1])], WORD, marks=[(2, "here")], level=(4, "guessing"))
    assert ">here<" in other and ">guessing<" in other and ">net<" not in other
    ids = r"[mp][0-9a-f]{10}"  # which are random, so that two charts in a page do not share any
    assert re.sub(ids, "", chart.draw([curve], WORD)) == re.sub(ids, "", first)


def test_without_data_there_are_no_numbers_that_mean_nothing():
    svg = Chart("step", "loss").draw([Curve("net", [], [], LOOKS[0])], WORD, x_range=(0, 100))
    assert "0.04" not in svg and ">100<" in svg


def test_ranges_hold():
    svg = Chart("x", "y").draw([Curve("net", [0, 1], [20, 30], LOOKS[0])], WORD, x_range=(0, 10), y_range=(0, 100))
    assert ">100<" in svg and ">10<" in svg


@pytest.mark.parametrize(
    "values, window, places, means",
    [
        ([], 3, [], []),
        ([4], 3, [1], [4]),
        ([1, 2, 3, 4], 2, [1.5, 2.5, 3.5], [1.5, 2.5, 3.5]),
        ([1, 3, 5, 7, 9, 11], 4, [2.5, 4.5], [4, 8]),
    ],
)
def test_smoothing_takes_means_of_windows_each_half_over_the_next(values, window, places, means):
    assert smoothed(values, window) == (places, means)
