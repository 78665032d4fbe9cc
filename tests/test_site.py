"""The course's pages: lessons executed and rendered, that need nothing but a browser."""

import re

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell

from notebooks.site import address, execute, markdown, pages
from notebooks.site.__main__ import build
from resnet_lib.explorers.words import table

from .lab import ROOT
from .small_site import TEXT, SmallSite, Tags, written

SITE = ROOT / "notebooks" / "site"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return SmallSite(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def lessons(tmp_path_factory):
    """The course's own site, its lessons not executed."""
    folder = tmp_path_factory.mktemp("lessons")
    solved = sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb"))
    books = {path.stem: nbformat.read(path, as_version=4) for path in [*solved, ROOT / "notebooks" / "glossary.ipynb"]}
    pages.write(folder, books, ROOT / "notebooks")
    return {path.name: Tags(path.read_text("utf-8")) for path in folder.glob("*.html")}, folder


# ── What is on a page ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.kernel
def test_a_lesson_has_its_text_its_code_and_its_outputs(site):
    page = site.page("07_small")
    assert page.h1.get_text() == "07 · A small lesson" and page.title.get_text().startswith("07 · A small lesson")
    printed = [pre.get_text() for pre in page.select(".output pre")]
    assert printed == ["one line, of 42\nfrom left to right: red, blue"]
    assert "print" in page.select_one("pre.code").get_text()
    assert page.select_one("details.solution summary").get_text() == "Solution"


@pytest.mark.kernel
def test_a_picture_is_named_by_what_the_cell_prints_and_has_its_size(site):
    picture = site.page("07_small").select_one(".output > img")
    assert picture["alt"] == "Picture: one line, of 42 from left to right: red, blue"
    assert (picture["width"], picture["height"]) == ("8", "4")
    assert (site.out / picture["src"]).read_bytes().startswith(b"\x89PNG")


@pytest.mark.kernel
def test_explorers_are_shown_as_they_start_and_say_where_they_are_live(site):
    instrument, drawn = site.page("07_small").select(".explorer")
    assert instrument.img["src"].endswith(".png") and "parameters" in instrument.img["alt"]
    assert drawn.svg and "C1 " in drawn.get_text(" ") and not drawn.select("[onerror], style, script")
    assert instrument["tabindex"] == drawn["tabindex"] == "0", "what is wider than the page is scrolled by keys"
    assert all("JupyterLab" in each.select_one(".live-where").get_text() for each in (instrument, drawn))


@pytest.mark.kernel
def test_what_the_reader_has_solved_is_not_shown(site):
    assert "solved yet" not in site.page("07_small").get_text()


def test_mathematics_is_mathml():
    made = BeautifulSoup(markdown.to_html(TEXT), "html.parser")
    inline, alone = made.find_all("math")
    assert alone["tabindex"] == "0" and not inline.get("tabindex"), "what a narrow page scrolls is reached by keys"
    assert (inline["display"], alone["display"]) == ("inline", "block")
    assert "$" not in made.get_text() and alone.find("mfrac")


def test_no_formula_of_the_lessons_is_left_as_latex(lessons):
    left = {name: found for name, page in lessons[0].items() if (found := re.findall(r"\$\$|\\\w+\{", page.text))}
    assert not left and sum(len(page.all("math")) for page in lessons[0].values()) > 10


# ── How pages hang together ──────────────────────────────────────────────────────────────────────────────────


def broken(made, folder):
    """Links and pictures that lead nowhere, as "page: address"."""
    for name, page in made.items():
        for each in page.all("a", "img", "link", "script"):
            where = each.get("href") or each.get("src") or "#"
            file, _, place = where.partition("#")
            if where.startswith(("data:", "https:")) and "href" in each:
                continue
            if not (folder / (file or name)).exists() or (place and place not in made[file or name].ids()):
                yield f"{name}: {where}"


@pytest.mark.kernel
def test_every_link_leads_somewhere(site):
    assert list(broken(site.tags(), site.out)) == []


def test_every_link_of_the_lessons_leads_somewhere(lessons):
    assert list(broken(*lessons)) == []


@pytest.mark.kernel
def test_a_link_to_a_file_that_is_no_page_is_text(site):
    assert "a file" in site.page("07_small").get_text()
    assert not site.page("07_small").find("a", string="a file")


@pytest.mark.kernel
def test_pages_follow_one_another(site):
    assert site.page("07_small").find("a", rel="next")["href"] == "08_other.html"
    assert site.page("08_other").find("a", rel="prev")["href"] == "07_small.html"
    assert site.page("08_other").find("a", rel="next")["href"] == "glossary.html"
    assert [a["href"] for a in site.page("07_small").select(".contents a")] == ["#1-·-A-section"]


@pytest.mark.kernel
def test_nothing_is_fetched_from_another_host(site):
    for name, page in site.tags().items():
        fetched = page.all("img", "script", "iframe", "source", "link")
        assert not [each for each in fetched if re.match("(https?:)?//", each.get("src") or each.get("href") or "")], (
            name
        )
    for name in ("site.css", "site.js"):
        assert "//" not in re.sub(r"^\s*//.*|/\*.*?\*/", "", (site.out / name).read_text("utf-8"), flags=re.M | re.S)


def test_headings_descend_step_by_step_and_pictures_controls_and_regions_have_names(lessons):
    for name, page in lessons[0].items():
        levels = [int(tag[1]) for tag, _ in page.found if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1 and levels.count(1) == 1, name
        assert all(b <= a + 1 for a, b in zip(levels, levels[1:], strict=False)), (name, levels)
        assert page.all("html")[0]["lang"] == "en" and len(page.all("main")) == 1
        assert all(img.get("alt") for img in page.all("img")), name
        assert all(each.get("aria-label") for each in page.all("input", "nav")), name
        assert len(page.ids()) == len(set(page.ids())), name


def test_every_word_of_the_pages_comes_from_the_table_and_no_word_is_left_over():
    sources = [*SITE.glob("templates/*.html"), SITE / "outputs.py", SITE / "pages.py"]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    used = set(re.findall(r"\bt\.(\w+)", text))
    pages = table()["pages"]
    assert used - {"lang"} <= set(pages)
    assert [word for word in pages if word not in used and not re.search(rf"[\"']{word}[\"']", text)] == []


def test_a_language_without_a_table_is_refused():
    with pytest.raises(ValueError, match=r"no table of words klingon\.json"):
        table("klingon")


# ── Executing ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.kernel
def test_a_lesson_that_has_not_changed_is_not_executed_again(site):
    assert "07_small: executed before, unchanged" in site.again(only={"07"})


@pytest.mark.kernel
def test_a_lesson_never_executed_is_there_without_outputs_and_says_so(site):
    page = site.page("08_other")
    assert "has not been executed" in page.get_text() and not page.select(".output")


@pytest.mark.kernel
def test_a_lesson_that_fails_is_named_with_its_error_and_nothing_of_it_is_kept(site):
    with pytest.raises(execute.Failed, match="08_other could not be executed: ZeroDivisionError: division by zero"):
        site.again(only={"08"})
    assert [path.name[:8] for path in site.kept.iterdir()] == ["07_small"]


@pytest.mark.kernel
def test_a_cell_that_takes_too_long_is_said_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(execute, "SECONDS", 1)
    folder = written(tmp_path / "notebooks", **{"00_a": [new_code_cell("import time\ntime.sleep(60)")]})
    with pytest.raises(execute.Failed, match="00_a could not be executed: a cell took longer than 1 s"):
        execute.run(folder / "solutions" / "00_a.ipynb", print)


COUNTER = """import ipywidgets as widgets
class Counter(widgets.VBox):
    def run(self):
        self.children = [widgets.HTML("42 of 42")]
counter = Counter([widgets.HTML("0 of 42")])
counter"""


def test_a_cell_that_runs_an_explorer_to_its_end_shows_how_that_ended_and_keeps_its_source(tmp_path):
    cells = [new_code_cell(COUNTER), new_code_cell("counter.run()"), new_code_cell("1 + 1")]
    folder = written(tmp_path / "notebooks", **{"00_a": cells})
    *_, ran, sum_ = execute.run(folder / "solutions" / "00_a.ipynb", print).cells
    assert ran.source == "counter.run()"
    assert [re.sub("<.*?>", "", o.data["text/html"]).endswith("42 of 42") for o in ran.outputs] == [True]
    assert [o.data["text/plain"] for o in sum_.outputs] == ["2"]


def test_a_run_is_taken_again_only_while_lesson_and_library_are_the_same(tmp_path, monkeypatch):
    runs = []
    monkeypatch.setattr(execute, "run", lambda path, said: runs.append(path) or nbformat.read(path, as_version=4))
    folder = written(tmp_path / "notebooks", **{"00_a": [new_markdown_cell("# 00 · A")]})
    lesson, kept = folder / "solutions" / "00_a.ipynb", tmp_path / "kept"
    for library in ("one", "one", "two"):
        execute.executed(lesson, kept, library, print)
    assert len(runs) == 2
    lesson.write_text(lesson.read_text().replace("00 · A", "00 · B"))
    execute.executed(lesson, kept, "two", print)
    assert len(runs) == 3 and len(list(kept.iterdir())) == 1


def test_an_unknown_number_is_refused(tmp_path):
    folder = written(tmp_path / "notebooks")
    with pytest.raises(ValueError, match="no lesson 99"):
        build(tmp_path / "site", folder, tmp_path / "kept", only={"99"})


# ── Where the course is published ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("", ""),
        ('# urls = { Repository = "https://github.com/a/b" }', ""),
        ('urls = { Repository = "https://github.com/a/b/" }', "https://github.com/a/b"),
        ('[project.urls]\nRepository = "https://github.com/a/b"', "https://github.com/a/b"),
    ],
)
def test_the_address_is_read_from_pyproject(tmp_path, line, found):
    (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "x"\n{line}\n')
    assert address.repository(tmp_path / "pyproject.toml") == found


def test_without_an_address_there_are_no_links_and_no_badges():
    assert address.ways_in("") == [] and address.badges("") == ""
    assert address.ways_in("https://elsewhere.invalid/a/b") == []


def test_badges_stand_between_their_marks_and_name_the_repository_and_a_lesson():
    text = f"a\n{address.BEGIN}\nold\n{address.END}\nb"
    made = address.with_badges(text, "https://github.com/a/b")
    assert "old" not in made and made.count("github.com/a/b/blob/HEAD/notebooks/00_start_here.ipynb") == 1
    assert "mybinder.org/v2/gh/a/b/HEAD" in made
    assert address.with_badges(made, "") == f"a\n{address.BEGIN}\n{address.END}\nb"
    with pytest.raises(ValueError, match="put them where the badges belong"):
        address.with_badges("nothing", "")
