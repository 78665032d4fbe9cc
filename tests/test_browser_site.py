"""The course's pages in a real browser, opened as files, with the network cut: a lesson with every kind of output."""

import functools
import http.server
import threading
from importlib.util import find_spec
from pathlib import Path

import pytest

from resnet_lib.views.style import MAIN

from .lab import ROOT
from .site_page import Quiet
from .small_site import EVERY_KIND, SmallSite

PAGES = ["index.html", "07_small.html", "glossary.html"]
# What is wider than its place and does not scroll, or scrolls and cannot be reached by keys.
LOST = """() => {
    const scrolls = at => ['auto', 'scroll'].includes(getComputedStyle(at).overflowX);
    const all = [...document.querySelectorAll('main *')].filter(at => at.checkVisibility());
    const beyond = at => {
        for (let up = at; up; up = up.parentElement) if (scrolls(up)) return false;
        return at.getBoundingClientRect().right > innerWidth + 1;
    };
    const deaf = at => scrolls(at) && at.scrollWidth > at.clientWidth + 1 && at.tabIndex < 0;
    return all.filter(at => beyond(at) || deaf(at)).map(at => at.outerHTML.slice(0, 150));
}"""
GRAVE = """async rules => {
    const {violations} = await axe.run(document, {resultTypes: ['violations'], ...(rules && {runOnly: rules})});
    const bad = ['serious', 'critical'];
    const grave = violations.filter(({id, impact}) => bad.includes(impact) || id === 'empty-table-header');
    return grave.flatMap(({id, nodes}) => nodes.map(({html}) => `${id}: ${html}`));
}"""
SWITCH = "to => to ? document.documentElement.dataset.theme = to : delete document.documentElement.dataset.theme"
COLOURS = """() => {
    const {backgroundColor, color} = getComputedStyle(document.body);
    return [backgroundColor, color, getComputedStyle(document.documentElement).getPropertyValue('--main')];
}"""
OPEN = "for (const each of document.querySelectorAll('details')) each.open = true"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return SmallSite(tmp_path_factory.mktemp("site"), EVERY_KIND)


@pytest.fixture
def opened(site, browser):
    """Opens a page of the site as a file, with the network cut; what it asks for is in `.asked`."""
    browser.set_offline(True)
    page = browser.new_page()
    page.asked, page.problems = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.show = lambda name: page.goto((site.out / name).as_uri())
    yield page
    asked = [url for url in page.asked if not url.startswith(("file:", "data:"))]
    page.close()
    browser.set_offline(False)
    assert page.problems == [] and asked == []


def grave(page, *rules):
    """What axe finds serious in a page, by those of its rules or by all."""
    if not find_spec("axe_playwright_python"):
        pytest.skip("this test needs axe: python -m pip install axe-playwright-python")
    page.evaluate((Path(find_spec("axe_playwright_python").origin).parent / "axe.min.js").read_text("utf-8"))
    return page.evaluate(GRAVE, list(rules) or None)


def test_opened_as_a_file_without_a_network_a_lesson_shows_its_outputs_of_every_kind(opened):
    opened.show("07_small.html")
    opened.evaluate("for (const img of document.images) img.loading = 'eager'")
    opened.wait_for_function("[...document.images].every(img => img.complete)")
    assert opened.evaluate("[...document.images].filter(img => !img.naturalWidth).map(img => img.src)") == []
    assert opened.evaluate("document.querySelector('mfrac').getBoundingClientRect().height") > 15
    outputs = opened.locator(".output")
    empty = outputs.evaluate_all("all => all.filter(at => at.getBoundingClientRect().height < 20).length")
    assert outputs.count() > len(EVERY_KIND) and empty == 0
    assert opened.locator(".output pre", has_text="ValueError: ").count() == 1
    assert str(ROOT) not in opened.content()
    assert opened.locator(".explorer .live-where").count() == 3
    opened.locator("details", has_text="Answer").locator("summary").first.click()
    opened.get_by_text("It needs no kernel.").wait_for()


def test_the_search_finds_a_section_by_its_words_in_any_case_and_order(opened):
    opened.show("07_small.html")
    opened.get_by_label("Search the lessons").fill("zebra SECTION")
    opened.get_by_text("1 sections found").wait_for()
    opened.get_by_role("link", name="08 · Another: A second section").click()
    opened.wait_for_url("**/08_other.html#A-second-section")
    opened.get_by_label("Search the lessons").fill("nowhere")
    opened.get_by_text("No section contains").wait_for()


def test_light_and_dark_follow_the_system_until_the_switch_is_used(opened):
    opened.emulate_media(color_scheme="dark")
    opened.show("index.html")
    paper = "getComputedStyle(document.body).backgroundColor"
    dark = opened.evaluate(paper)
    opened.get_by_label("Light or dark").click()
    assert opened.evaluate(paper) == "rgb(255, 255, 255)" != dark


@pytest.mark.parametrize("name", PAGES)
def test_on_a_phone_nothing_is_wider_than_the_screen_but_what_keys_can_scroll(opened, name):
    opened.set_viewport_size({"width": 400, "height": 800})
    opened.show(name)
    opened.evaluate(OPEN)
    assert opened.evaluate("document.documentElement.scrollWidth") <= 400
    assert opened.evaluate(LOST) == []


def test_on_a_phone_the_search_and_the_menu_fit(opened):
    opened.set_viewport_size({"width": 400, "height": 800})
    opened.show("glossary.html")
    opened.locator(".menu summary").click()
    opened.get_by_label("Search the lessons").fill("section")
    opened.locator(".found a").first.wait_for()
    assert opened.evaluate("document.documentElement.scrollWidth") <= 400
    assert opened.locator(".found").bounding_box()["width"] <= 400


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious_with_all_opened_and_a_search_under_way(opened, name):
    opened.emulate_media(color_scheme="light")
    opened.show(name)
    opened.evaluate(OPEN)
    opened.get_by_label("Search the lessons").fill("section")
    opened.locator(".found a").first.wait_for()
    assert grave(opened) == []
    opened.emulate_media(color_scheme="dark")  # nothing but colours is different
    assert grave(opened, "color-contrast", "link-in-text-block") == []


@pytest.mark.parametrize("switched", [None, "light", "dark"])
def test_on_paper_there_is_the_lesson_alone_in_black_on_white_with_all_opened(opened, switched):
    opened.emulate_media(color_scheme="dark", media="print")
    opened.show("07_small.html")
    opened.evaluate(SWITCH, switched)
    opened.evaluate("dispatchEvent(new Event('beforeprint'))")
    shown = "all => all.filter(at => at.checkVisibility()).length"
    assert opened.locator("nav, header, button, .skip").evaluate_all(shown) == 0
    assert opened.locator("main details:not([open])").count() == 0
    assert opened.locator(".output, .solution pre").evaluate_all("all => all.every(at => at.checkVisibility())")
    paper, ink, main = opened.evaluate(COLOURS)
    assert (paper, ink, main) == ("rgb(255, 255, 255)", "rgb(0, 0, 0)", MAIN)
    assert opened.locator("pre").evaluate_all("all => all.filter(at => at.scrollWidth > at.clientWidth + 1)") == []
    opened.evaluate("dispatchEvent(new Event('afterprint'))")
    assert opened.locator("details[open]").count() == 1, "what was folded is folded again"


@pytest.mark.parametrize(("scheme", "width"), [("light", 1366), ("dark", 400)])
def test_from_a_server_the_front_page_is_live_and_asks_nobody_else(site, browser, scheme, width):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site.out)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page, asked, at = browser.new_page(), [], f"http://127.0.0.1:{server.server_port}/"
        page.on("request", lambda request: asked.append(request.url))
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        page.goto(f"{at}index.html")
        for name in ("bottleneck", "stem", "photograph"):
            page.locator(f"#rl-live-{name}").scroll_into_view_if_needed()
            page.locator(f"#rl-live-{name}[data-live]").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert grave(page) == []
        assert [url for url in asked if not url.startswith((at, "data:", "blob:"))] == []
        page.close()
        server.shutdown()
