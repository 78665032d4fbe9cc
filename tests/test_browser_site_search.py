"""The search of the pages: what a learner types finds the section that is about it, in other people's words too."""

import nbformat
import pytest

from notebooks.site import pages, search
from resnet_lib.explorers.words import table

from .lab import ROOT

# What is typed, and the beginnings of the addresses that may come first.
FIRST = {
    "flops": "glossary.html#flops",
    "MAC": "glossary.html#mac",
    "macs": "glossary.html#mac",
    "batch norm": "01_stem.html#5 glossary.html#bn",
    "BatchNorm2d": "01_stem.html#5 glossary.html#bn",
    "batch normalization": "01_stem.html#5 glossary.html#bn",
    "shortcut": "glossary.html#shortcut",
    "skip connection": "glossary.html#shortcut",
    "skip connections": "glossary.html#shortcut",
    "receptive field": "glossary.html#receptive-field",
    "stride": "glossary.html#stride",
    "stride 2": "glossary.html#stride 01_stem.html",
    "1x1": "glossary.html#1-1-convolution",
    "1×1 conv": "glossary.html#1-1-convolution",
    "7x7 conv": "glossary.html#conv 01_stem.html#2",
    "7×7 conv": "glossary.html#conv 01_stem.html#2",
    "bottleneck": "glossary.html#bottleneck",
    "bottleneck basic block": "02_btnk2.html#8",
    "padding": "glossary.html#padding",
    "grad-cam": "glossary.html#grad-cam",
    "GradCAM": "glossary.html#grad-cam",
    "occlusion": "glossary.html#occlusion",
    "max pooling": "glossary.html#pooling",
    "parameters": "glossary.html#parameter",
    "pretrained": "06_published_weights.html",
    "logits": "glossary.html#score",
    "projection": "glossary.html#projection",
    "feature maps": "glossary.html#feature-map 07_feature_maps.html",
    "loss landscape": "08_why_residuals.html#7",
    "output size": "01_stem.html#Exercise-1 01_stem.html#3",
    "fold batch norm": "09_making_it_fast.html#Exercise-3 09_making_it_fast.html#5",
    "table 1": "05_resnet50.html#7",
    "initialization": "glossary.html#xavier",
    "v1.5": "glossary.html#v1 03_btnk1.html#6",
}


@pytest.fixture(scope="module")
def typed(tmp_path_factory, browser):
    """The addresses that the search of the course's own pages finds, the best first."""
    folder, words = tmp_path_factory.mktemp("pages"), {"lang": "en", **table()["pages"]}
    paths = [*sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb")), ROOT / "notebooks" / "glossary.ipynb"]
    names = {path.stem for path in paths}
    made = [pages.page_of(p.stem, nbformat.read(p, as_version=4), names, None, words, {}) for p in paths]
    (folder / "search.js").write_text(search.script(made, table()["synonyms"]), "utf-8")
    (folder / "site.js").write_text((ROOT / "notebooks" / "site" / "assets" / "site.js").read_text("utf-8"), "utf-8")
    shell = pages.TEMPLATES.get_template("page.html")
    text = shell.render(t=words, page=None, lessons=[], glossary=False, repository="")
    (folder / "index.html").write_text(text, "utf-8")
    page = browser.new_page()
    page.goto((folder / "index.html").as_uri())

    def typed(text):
        field = page.get_by_label("Search the lessons")
        field.fill("")
        field.fill(text)
        page.locator(".found p").filter(has_text="ection").wait_for()
        return page.locator(".found a").evaluate_all("all => all.map(at => at.getAttribute('href'))")

    yield typed
    page.close()


def test_what_a_learner_types_finds_the_section_about_it_first(typed):
    found = {text: (typed(text) or [""])[0] for text in FIRST}
    assert {text: first for text, first in found.items() if not first.startswith(tuple(FIRST[text].split()))} == {}


def test_the_lesson_about_a_word_of_the_glossary_follows_it(typed):
    assert any(place.startswith("07_feature_maps.html#6") for place in typed("grad-cam")[:3])
    assert any(place.startswith("02_btnk2.html#8") for place in typed("bottleneck")[:3])


def test_part_of_a_word_is_found_where_no_word_begins_so(typed):
    assert "glossary.html#bottleneck" in typed("ottlenec") and typed("zzz") == []


def test_every_word_of_the_synonyms_leads_to_something(typed):
    assert [word for word in set(table()["synonyms"].values()) if not typed(word)] == []
