"""The one-page report: whole, self-contained, safe to write, and one page when printed."""

import base64
import io
import os
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from PIL import Image

from resnet_lib import Design, ResNet, StageDesign, StemDesign, anatomy
from resnet_lib.experiments.budget import PRESETS, Budget, budget_of
from resnet_lib.experiments.comparison import Result
from resnet_lib.experiments.tasks import photographs
from resnet_lib.views.report import LINES, MARK, ROOM, Report

DESIGN = Design(StemDesign(8), tuple(StageDesign(n, 8, 32, 2, 4) for n in (1, 2, 1, 1)), 5)
BUDGET = budget_of(PRESETS["thin ResNet-50"], 32)


def result(name, accuracy=0.5, steps=120):
    losses = tuple(3 - i / 100 for i in range(steps))
    tests = tuple((60 * k, accuracy * k / 2) for k in (1, 2)) if accuracy is not None else ()
    return Result(name, 12_345, 678_901, steps, losses, tests, 1000, 61.4)


def report(design=DESIGN, **options):
    return Report(design, **{"W": 32, "budget": BUDGET, **options})


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return DESIGN.build().eval()


class Page(HTMLParser):
    """What a page holds: its tags with their attributes, and its visible text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self._open = [], "", []
        self.feed(html)
        self.close()
        assert not self._open, "every tag is closed"

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "img", "br", "path", "rect", "use"):
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if tag in ("path", "rect", "use"):
            return
        assert self._open.pop() == tag

    def handle_data(self, data):
        if "style" not in self._open:
            self.text += data + " "


# ── what is on it ──


def test_it_holds_the_design_its_costs_the_budget_and_the_learners_words():
    text = " ".join(Page(report(author="Ada", title="Small and wide", why="First.\n\nSecond.").html).text.split())
    costs = anatomy(DESIGN, 32)
    for part in ("Small and wide", "Ada · 20", "First.", "Second.", f"{costs.parameters:,}", f"{costs.macs:,}"):
        assert part in text
    assert f"FLOPs = 2 × MACs = {costs.flops:,}" in text
    assert "Trained" not in text and "What it computes" not in text, "nothing is claimed that was not given"


def test_the_code_on_it_makes_the_design_again():
    text = Page(report().html).text
    code = text[text.index("Design(") :]
    names = {"Design": Design, "StemDesign": StemDesign, "StageDesign": StageDesign}
    assert eval(code.strip(), names) == DESIGN


def test_maps_of_the_photograph_stand_for_every_stage(network):
    page = Page(report(network=network, photo="church").html)
    images = [a for tag, a in page.tags if tag == "img"]
    assert [a["alt"] for a in images[1:]] == [
        f"Stage {i}, {s}" for i, s in enumerate(("(8, 8, 8)", "(32, 4, 4)", "(32, 2, 2)", "(32, 1, 1)", "(32, 1, 1)"))
    ]
    sources = [a["src"] for a in images]
    assert len(set(sources)) == 6 and all(s.startswith("data:image/") for s in sources)


def test_a_picture_of_ones_own_can_be_shown(network):
    red = report(network=network, photo=Image.new("RGB", (300, 200), "red")).html
    source = next(a["src"] for tag, a in Page(red).tags if tag == "img")
    shown = Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))).convert("RGB")
    assert np.abs(np.asarray(shown, int) - (255, 0, 0)).max() < 10


def test_the_maps_are_of_the_network_given(network):
    torch.manual_seed(1)
    other = DESIGN.build().eval()
    assert report(network=network).html != report(network=other).html


def test_runs_of_one_design_are_one_row_with_their_spread():
    page = report(results=[result("mine, seed 0", 0.5), result("mine, seed 1", 0.6), result("thin", 0.4)])
    text = " ".join(Page(page.html).text.split())
    assert "■ mine 12,345 678,901 2 120 55.0% ± 1.6% 50.0% to 60.0% 61" in text
    assert "thin 12,345 678,901 1 120 40.0% ± 1.5% one run shows none 61" in text


def test_the_task_is_named_with_what_chance_alone_gets_right():
    text = " ".join(Page(report(results=[result("mine")], task=photographs(n=20, n_test=20)).html).text.split())
    assert "Trained to tell which of five photographs" in text and "20 classes, by chance 5% right" in text


def test_a_run_that_was_not_tested_yet_says_so():
    text = " ".join(Page(report(results=[result("mine", None, 7)]).html).text.split())
    assert "mine 12,345 678,901 1 7 not tested yet" in text


def test_a_run_that_has_not_begun_can_be_reported():
    assert "not tested yet" in report(results=[result("mine", None, 0)]).html


def test_an_empty_line_begins_a_paragraph_and_a_new_line_does_not():
    assert "<p>one two</p><p>three</p>" in report(why="\none\n two\n \nthree\n").html


# ── whole and safe ──


def everything(network, why=("word " * 20 + "\n\n") * (LINES // 2)):
    results = [result(f"{name * 32}, seed {s}") for name in "abcde" for s in (0, 1)]
    return report(
        author="A" * 60,
        title="T" * 55,
        why=why,
        results=results,
        network=network,
        task=photographs(n=20, n_test=20),
    )


@pytest.mark.slow
def test_nothing_in_it_runs_and_nothing_lies_elsewhere(network):
    page = Page(everything(network).html)
    assert {"script", "link", "iframe", "object", "base", "form"}.isdisjoint(tag for tag, _ in page.tags)
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "xlink:href", "srcset", "data", "action", "poster"):
            assert attributes.get(name, "#").startswith(("data:image/", "#")), (tag, attributes)
    outside = re.sub(r'xmlns(:\w+)?="[^"]*"', "", everything(network).html)
    assert not re.search(r"https?:|@import|url\((?!#)", outside)


@pytest.mark.parametrize("field", ["author", "title", "why"])
def test_what_a_learner_writes_is_shown_as_it_is_and_never_read_as_html(field):
    nasty = "<img src=x onerror=alert(1)> & \"quotes\" 'too' </p>"
    page = Page(report(**{field: nasty}).html)
    assert nasty in page.text
    assert "img" not in [tag for tag, _ in page.tags]


def test_names_of_runs_are_shown_as_they_are():
    page = Page(report(results=[result("<b>a</b> & b")]).html)
    assert "<b>a</b> & b" in page.text


def test_a_notebook_shows_it_in_a_frame_of_its_own():
    made = report(why="<i>")
    tags = Page(made._repr_html_()).tags
    assert [tag for tag, _ in tags] == ["iframe"]
    assert tags[0][1]["srcdoc"] == made.html


# ── what it refuses ──


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"why": "x" * (ROOM + 1)}, rf"why has {ROOM + 1:,} characters on 10 lines"),
        ({"why": "x\n\n" * (LINES + 1)}, rf"on {LINES + 1} lines, and one page has room for"),
        ({"author": None}, "author must be text, and is NoneType"),
        ({"why": "残" * (ROOM // 2 + 1)}, "one page has room for"),
        ({"title": "two\n\nlines"}, "title has 8 characters on 2 lines"),
        ({"results": [result(f"design {i}") for i in range(6)]}, "there are 6 designs, and curves can show 5"),
        ({"network": ResNet(base=16)}, "not one of this design"),
        ({"results": [result("n" * 33)]}, "the name of a design has 33 characters"),
        ({"design": replace(DESIGN, stem=StemDesign(8, kernel=2))}, "Stage 0: kernel = 2 has no middle"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_sentence(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        report(**options)


# ── the file ──


def test_it_is_written_and_written_again_over_itself(tmp_path):
    file = tmp_path / "mine.html"
    assert report(author="Ada").write(file) == file
    assert MARK in file.read_text(encoding="utf-8")
    report(author="Grace").write(str(file))
    assert "Grace" in file.read_text(encoding="utf-8")
    assert os.listdir(tmp_path) == ["mine.html"]


def test_somebody_elses_file_is_not_written_over_unless_told(tmp_path):
    file = tmp_path / "thesis.html"
    file.write_bytes(b"<p>three years of work \xff</p>")
    with pytest.raises(ValueError, match="is there already and is no report of this kind"):
        report().write(file)
    assert file.read_bytes() == b"<p>three years of work \xff</p>"
    report().write(file, overwrite=True)
    assert MARK in file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("report.pdf", "'report.pdf' does not end in .html.* name it report.html. A browser can save that as PDF"),
        ("report", "does not end in .html"),
        ("folder.html", "is a folder: name a file in it"),
        ("n" * 300 + ".html", "cannot be written .File name too long.: name a file in a folder of your own"),
        ("nowhere/report.html", "there is no folder .*nowhere'?: make it first"),
    ],
)
def test_a_target_that_cannot_be_is_refused_with_a_sentence(tmp_path, name, sentence):
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(ValueError, match=sentence):
        report().write(tmp_path / name)
    assert os.listdir(tmp_path) == ["folder.html"]


def test_where_it_cannot_be_written_the_old_one_stays_and_a_sentence_says_why(tmp_path, monkeypatch):
    file = tmp_path / "mine.html"
    report(author="Ada").write(file)

    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ValueError, match="cannot be written .No space left on device.: name a file in a folder"):
        report(author="Grace").write(file)
    assert "Ada" in file.read_text(encoding="utf-8") and os.listdir(tmp_path) == ["mine.html"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="every folder can be written to here")
def test_a_folder_without_the_right_to_write_is_said_in_a_sentence(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(ValueError, match="cannot be written"):
            report().write(tmp_path / "mine.html")
    finally:
        tmp_path.chmod(0o700)


# ── printed ──


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["little", "everything", "large", "chinese"])
def test_it_is_one_page_when_printed(tmp_path, network, kind, browser):
    large = Design.resnet("bottleneck", (24, 24, 24, 24), base=128, num_classes=1000)
    made = {
        "little": lambda: report(),
        "everything": lambda: everything(network),
        "large": lambda: report(large, W=224),
        "chinese": lambda: everything(network, "残差网络" * (ROOM // 8)),
    }[kind]()
    made.write(tmp_path / "mine.html")
    page = browser.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((tmp_path / "mine.html").as_uri())
    pdf = page.pdf(prefer_css_page_size=True)
    # In 0.01 pixels: how far anything reaches beyond the paper.
    beyond = page.evaluate("""() => Math.max(...[...document.querySelectorAll('body *')].map(
        e => Math.round(100 * (e.getBoundingClientRect().right - document.body.getBoundingClientRect().right))))""")
    assert re.findall(rb"/Type\s*/Page\b", pdf) == [b"/Type /Page"]
    assert beyond <= 0
    assert all(url.startswith(("file:", "data:")) for url in asked)


def test_a_budget_that_is_exceeded_is_marked_by_more_than_colour():
    text = " ".join(Page(report(budget=Budget(100, 10**9)).html).text.split())
    assert f"✗ {anatomy(DESIGN, 32).parameters - 100:,} over" in text and "✓" in text
