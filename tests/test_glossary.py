"""The glossary: every word is found, explained once, and met first in the lesson that it names."""

import re
from collections import Counter

import nbformat
import pytest

from resnet_lib.grading.submissions import read_lesson

from .kernel import outputs
from .test_notebooks import LESSONS, NOTEBOOKS, complaints, text_of

ENTRY = re.compile(r'^- <b id="([^"]+)">([^<]+)</b>: (.+)&nbsp;\[(\d\d)\]\((\d\d)_\w+\.ipynb\)$', re.M)
GREEK = {"β": "beta", "γ": "gamma", "ε": "epsilon", "μ": "mu", "σ": "sigma"}

# Words that an earlier lesson uses in another sense, or only to put them off: word → that lesson.
OTHER_SENSE = {
    "kernel": "00",  # the menu of JupyterLab
    "channels last": "00",  # of a picture's shape in a file
    "loss": "06",  # of accuracy
}


def read(name):
    return nbformat.read(NOTEBOOKS / name, as_version=4)


GLOSSARY = read("glossary.ipynb")
WORDS, *PARTS = re.split(r"^## ", re.sub(r"\n  ", " ", text_of(GLOSSARY)), flags=re.M)
INDEX = re.findall(r"\[([^\]]+)\]\(#([^)]+)\)", WORDS)
# Each entry: its anchor, its names, what is said, the lesson that is shown and the one that is linked; by section.
SECTIONS = {}
for part in PARTS:
    found = [(anchor, names.split(", "), *rest) for anchor, names, *rest in ENTRY.findall(part)]
    SECTIONS[part.partition("\n")[0]] = found
ENTRIES = [entry for entries in SECTIONS.values() for entry in entries]
every_lesson = pytest.mark.parametrize("lesson", LESSONS)


def running_text(lesson):
    """What the lesson itself says: no titles of other lessons in links, no marks of Markdown."""
    text = re.sub(r"\[[^\]]*\]\([^)]*\)", "", text_of(read(f"{lesson}.ipynb")))
    text = re.sub(r"</?(?:code|em|b)>|[`]|\*\*|(?<!\w)\*|\*(?!\w)", "", text)
    return re.sub(r"\s+", " ", text)


TEXTS = {lesson[:2]: running_text(lesson) for lesson in LESSONS}


def uses(name):
    """The lessons that use the word, in the singular or in the plural. Only letters and signs depend on their case."""
    pattern = re.escape(name).replace(r"\ ", r"[\s-]")
    case = re.IGNORECASE if name == name.lower() and len(name) > 3 else 0
    return [n for n, text in TEXTS.items() if re.search(rf"(?<!\w){pattern}(?:s|es)?(?!\w)", text, case)]


def test_every_line_of_the_lists_is_an_entry():
    lines = sum(len(re.findall(r"^- ", part, re.M)) for part in PARTS)
    assert len(ENTRIES) == lines > 100


def test_no_anchor_and_no_name_stands_twice():
    anchors = [anchor for anchor, *_ in ENTRIES]
    names = [name for _, names, *_ in ENTRIES for name in names]
    for found in (anchors, names, [name for name, _ in INDEX]):
        assert [key for key, n in Counter(found).items() if n > 1] == []


def test_every_name_is_in_the_index_and_every_link_leads_to_an_entry():
    led = {name: anchor for name, anchor in INDEX}
    for anchor, names, *_ in ENTRIES:
        for name in names:
            assert led[name] == anchor, name
    assert {anchor for _, anchor in INDEX} == {anchor for anchor, *_ in ENTRIES}


def test_a_word_of_the_index_that_is_no_name_stands_in_the_entry_that_it_leads_to():
    said = {anchor: (names, text) for anchor, names, text, *_ in ENTRIES}
    for name, anchor in INDEX:
        names, text = said[anchor]
        assert name in names or name.lower() in text.lower(), f"{name} leads to {names[0]}"


def test_the_index_is_in_alphabetical_order():
    def place(name):
        return re.sub(r"\W", "", GREEK.get(name, name).lower().removeprefix("the "))

    places = [place(name) for name, _ in INDEX]
    assert places == sorted(places)


def test_every_section_with_words_leads_back_to_the_index():
    assert WORDS.startswith("# Glossary\n")
    for part, entries in zip(PARTS, SECTIONS.values(), strict=True):
        assert re.findall(r"\]\(#([^)]+)\)", part) == (["Glossary"] if entries else [])


def test_all_entries_stand_in_one_cell():
    """JupyterLab guesses how high the cells are that it has not drawn yet, and lands beside a word behind them."""
    holding = [cell for cell in GLOSSARY.cells if '<b id="' in cell.source]
    assert len(holding) == 1 and GLOSSARY.cells.index(holding[0]) <= 3


def test_entries_are_short():
    assert [names for _, names, said, *_ in ENTRIES if len(said) > 260] == []


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry[0])
def test_a_word_is_used_first_in_the_lesson_that_its_entry_names(entry):
    _, names, _, shown, lesson = entry
    assert shown == lesson
    found = {}
    for name in names:
        lessons = uses(name)
        assert lessons, f"no lesson uses {name}: take it out"
        if name in OTHER_SENSE:
            assert lessons[0] == OTHER_SENSE[name], f"lesson {OTHER_SENSE[name]} no longer uses {name}"
            lessons = lessons[1:]
        found[name] = lessons[0]
    assert lesson == min(found.values()), found


@every_lesson
@pytest.mark.parametrize("folder", ["", "solutions/"])
def test_every_lesson_links_at_its_top_to_the_section_that_has_most_of_its_new_words(lesson, folder):
    first = read(f"{folder}{lesson}.ipynb").cells[0].source
    up = "../" if folder else ""
    (line,) = re.findall(r"^.* · words: .*$", first, re.M)
    (anchor,) = re.findall(rf"\[glossary\]\({re.escape(up)}glossary\.ipynb#([^)]+)\)", line)
    title = next(section for section in SECTIONS if section.replace(" ", "-") == anchor)
    new = {section: sum(e[-1] == lesson[:2] for e in entries) for section, entries in SECTIONS.items()}
    assert new[title] == max(new.values()) > 0, new


def test_it_runs_in_a_fresh_kernel_without_complaint(runner):
    notebook = runner.run(read("glossary.ipynb"), NOTEBOOKS)
    assert not complaints(notebook)
    printed = "".join(output.get("text", "") for output in outputs(notebook))
    assert "25,557,032" in printed and "4,089,184,256" in printed and "427" in printed


def test_the_grader_does_not_take_it_for_a_lesson():
    with pytest.raises(ValueError, match="there is no lesson 'glossary'.* are: 00, ") as caught:
        read_lesson("glossary")
    assert str(caught.value).count("glossary") == 1
