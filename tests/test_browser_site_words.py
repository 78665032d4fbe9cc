"""Every text of the pages comes from the table of a language: in another alphabet nothing of the English is left."""

import json
import re

import pytest

from notebooks.site import pages
from resnet_lib.explorers import words

from .lab import ROOT

LATIN = "abcdefghijklmnopqrstuvwxyz"
# Names that are the same in every language: the field's, the course's, and those of files and steps.
NAMES = """MACs? FLOPs CONV BN ReLU SUM MAXPOOL GLOBAL AVGPOOL LINEAR BTNK[12] ResNet JupyterLab Binder Codespaces Colab
    Kaggle conv\\d? bn\\d? relu\\d? pool add fc sum head shortcut stage\\d input identity""".split()
TEXTS = """() => {
    const said = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const at = walk.currentNode.parentElement;
        if (!at.closest('script, style, pre, code')) said.push(walk.currentNode.data.trim());
    }
    for (const name of ['aria-label', 'aria-valuetext', 'aria-roledescription', 'title', 'placeholder', 'alt']) {
        for (const at of document.querySelectorAll(`[${name}]`)) said.push(at.getAttribute(name));
    }
    return [...new Set(said)].filter(Boolean);
}"""


def other_alphabet(value):
    """Return a table of words with each letter of its texts in its wide form; what is filled in keeps its name."""
    if isinstance(value, dict):
        return {name: other_alphabet(text) for name, text in value.items()}
    wide = str.maketrans(LATIN + LATIN.upper(), "".join(chr(ord(c) + 0xFEE0) for c in LATIN + LATIN.upper()))
    return re.sub(r"(\{\w+\})|([^{]+)", lambda found: found[1] or found[2].translate(wide), value)


@pytest.fixture(scope="module")
def language(tmp_path_factory):
    """The folder of a language in which every text of English is in other letters."""
    folder = tmp_path_factory.mktemp("languages")
    made = other_alphabet(words.table()) | {"lang": "en"}
    (folder / "wide.json").write_text(json.dumps(made), encoding="utf-8")
    return folder


def test_a_page_in_another_language_has_no_english_text(browser, language, live_site, monkeypatch):
    monkeypatch.setattr(words, "LANGUAGES", language)
    folder, address = live_site
    pages.write(folder / "wide", {}, ROOT / "notebooks", "wide")
    page = browser.new_page()
    page.goto(f"{address}wide/index.html")
    for name in ("bottleneck", "stem", "photograph"):
        page.locator(f"#rl-live-{name}").scroll_into_view_if_needed()
        page.wait_for_function(
            "name => { const m = window.resnetLive?.[name]?.model; return m && m.get('maps').v === m.get('says').v; }",
            arg=name,
        )
    page.locator("#rl-live-bottleneck .rl-maps canvas").first.press("Enter")
    page.locator(".rl-large .rl-sums table").first.wait_for()
    left = [text for text in page.evaluate(TEXTS) if re.search("[A-Za-z]{3,}", re.sub("|".join(NAMES), "", text))]
    page.close()
    assert left == []
