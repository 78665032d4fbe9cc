"""The course's pages in a real browser, opened as files, with the network cut."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from .small_site import SmallSite


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    picture = 'from IPython.display import SVG\nSVG(\'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>\')'
    return SmallSite(tmp_path_factory.mktemp("site"), code=[picture])


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


def test_opened_as_a_file_without_a_network_a_lesson_shows_its_pictures(opened):
    opened.show("07_small.html")
    opened.evaluate("for (const img of document.images) img.loading = 'eager'")
    opened.wait_for_function("[...document.images].every(img => img.complete)")
    assert opened.evaluate("[...document.images].filter(img => !img.naturalWidth).map(img => img.src)") == []
    assert opened.evaluate("document.querySelector('mfrac').getBoundingClientRect().height") > 15


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


@pytest.mark.parametrize("name", ["index.html", "07_small.html"])
def test_on_a_phone_nothing_is_wider_than_the_screen(opened, name):
    opened.set_viewport_size({"width": 400, "height": 800})
    opened.show(name)
    assert opened.evaluate("document.documentElement.scrollWidth") <= 400


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index.html", "07_small.html"])
def test_axe_finds_nothing_serious(opened, name, scheme):
    if not find_spec("axe_playwright_python"):
        pytest.skip("this test needs axe: python -m pip install axe-playwright-python")
    opened.emulate_media(color_scheme=scheme)
    opened.show(name)
    opened.evaluate((Path(find_spec("axe_playwright_python").origin).parent / "axe.min.js").read_text("utf-8"))
    found = opened.evaluate("async () => (await axe.run(document, {resultTypes: ['violations']})).violations")
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []
