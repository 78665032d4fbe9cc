"""The whole network in a live page: the answer of the library, and the maps of every step."""

import base64

import numpy as np
import pytest

from resnet_lib.anatomy import anatomy
from resnet_lib.experiments.seen import Seen
from resnet_lib.explorers.block_view import scene_steps
from resnet_lib.explorers.trained import loaded, places
from resnet_lib.explorers.whole_maps import look_inside
from resnet_lib.photos import PHOTOS, square
from resnet_lib.views.maps import scale, to_levels

SCENE = "photograph"


def test_the_answer_to_every_photograph_is_the_librarys(live):
    classes = loaded("thin").checkpoint.classes
    for name in PHOTOS:
        live.put(picture=name, pixels="128 pixels", view="every stage")
        top = live.page.evaluate("() => resnetLive.photograph.answer.top")
        expected = Seen(loaded("thin"), name, 128).logits.softmax(0)
        assert classes[top[0][0]] == classes[expected.argmax().item()]
        assert [p for _, p in sorted(top)] == pytest.approx(expected.tolist(), abs=0.01)
        assert live.scene("says")["figures"][0][0] == classes[top[0][0]]


def test_every_block_can_be_entered_and_has_the_librarys_shapes_and_costs(live):
    live.put(picture="cat", pixels="128 pixels")
    network, size = loaded("thin"), (3, 128, 128)
    shapes = {s.name: s.shape for s in anatomy(network, 128).steps}
    given = shapes["stage0.pool"]
    for label, place in places("thin").items():
        live.put(view=label)
        look = look_inside(network.get_submodule(place.path), given)
        assert live.scene("steps") == scene_steps(look), label
        assert all("side" in group for group in live.scene("maps")["groups"]), label
        given = look.anatomy.output
    for label, count in (("Stage 0", 4), ("Stage 3", 1), ("head: the answer", 2), ("every stage", 5)):
        live.put(view=label)
        assert len(live.scene("maps")["groups"]) == count
    assert live.scene("steps")[0][2] == list(size)


@pytest.mark.parametrize(("view", "step"), [("Stage 0", "MAXPOOL 3×3 /2"), ("Stage 3, block 2", "F: conv2")])
def test_the_maps_of_a_step_are_the_librarys(live, view, step):
    live.put(picture="truck", pixels="128 pixels", view=view, order="by number")
    live.put(show=step)
    group = live.scene("maps")["groups"][0]
    expected = Seen(loaded("thin"), "truck", 128)[group["id"]][: group["channels"]["n"]]
    signed, limit = scale(expected)
    assert (group["signed"], group["limit"]) == (signed, pytest.approx(limit, rel=0.01))
    levels = np.frombuffer(base64.b64decode(live.levels()), np.uint8).astype(int)
    # Where JPEG's decoders differ by one level of 255, what follows differs a little.
    assert abs(levels - to_levels(expected, limit, signed).numpy().reshape(-1)).mean() < 0.5


def test_a_click_in_the_drawing_enters_a_block_and_a_button_leaves_it(live):
    live.put(view="every stage")
    live.page.locator('[data-step="stage4.1"]').click()
    live.ready()
    assert live.scene("values")["view"] == "Stage 4, block 2"
    live.page.locator('[data-step="bn2"]').click()
    live.ready()
    assert live.scene("values")["show"] == "F: bn2"
    live.page.locator("canvas").first.click(position={"x": 15, "y": 15})
    live.page.get_by_role("dialog").get_by_text("1,152 multiply-adds (MACs) for this one value").wait_for()
    live.page.keyboard.press("Escape")
    live.page.get_by_role("button", name="◀ the network").click()
    live.ready()
    assert live.scene("values")["view"] == "every stage"


def test_the_largest_value_of_a_window_is_explained(live):
    live.put(view="Stage 0")
    live.put(show="MAXPOOL 3×3 /2")
    live.page.locator("canvas").first.click(position={"x": 15, "y": 15})
    dialog = live.page.get_by_role("dialog")
    dialog.get_by_text("MAXPOOL: the largest is").wait_for()
    assert dialog.locator("table td").count() == 9
    live.page.keyboard.press("Escape")


def test_ones_own_photograph_is_answered_and_nothing_leaves_the_page(live, live_site, tmp_path):
    live.put(view="every stage")
    square("parachute", 300).save(tmp_path / "mine.png")
    asked = len(live.asked)
    live.page.locator("input[type=file]").set_input_files(tmp_path / "mine.png")
    live.page.get_by_text("It has not left this page.").wait_for()
    live.ready()
    assert live.scene("says")["figures"][0][0] == "parachute"
    assert all(url.startswith("blob:") for url in live.asked[asked:])
    assert all(url.startswith((live_site[1], "blob:")) for url in live.asked)


def test_all_classes_add_up_to_one(live):
    live.put(all_classes=True)
    rows = live.page.locator(".rl-details tbody tr")
    assert rows.count() == 10
    assert sum(p for _, p in live.page.evaluate("() => resnetLive.photograph.answer.top")) == pytest.approx(1)
    live.put(all_classes=False)


def test_what_is_far_below_waits_until_it_is_about_to_be_seen(live_site, browser):
    page = browser.new_page()
    page.goto(live_site[1] + "both.html")
    page.wait_for_selector("#rl-live-bottleneck[data-live]")
    assert page.locator("#rl-live-photograph[data-live]").count() == 0
    page.locator("#rl-live-photograph").scroll_into_view_if_needed()
    page.wait_for_selector("#rl-live-photograph[data-live]")
    page.close()
