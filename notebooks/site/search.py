"""What the search of the pages looks through: the sections of the lessons, and the glossary word by word."""

import json

from bs4 import BeautifulSoup


def script(pages, synonyms):
    """Return search.js: the sections, and {what others call it: what the course calls it}."""
    found = json.dumps(index(pages), ensure_ascii=False)
    return f"window.COURSE_SECTIONS = {found};\nwindow.COURSE_SYNONYMS = {json.dumps(synonyms, ensure_ascii=False)};\n"


def index(pages):
    """Return [[address, page's title, heading, text, other words for it], …] of all sections and entries."""
    found = []
    for page in pages:
        entries = entries_of(page)
        for where, _, heading, text in page.sections:
            address = page.file + (f"#{where}" if where else "")
            # A page of entries is found by these: each word is in its list of words as well.
            found.append([address, page.title, heading, "" if entries else text, ""])
        found += entries
    return found


def entries_of(page):
    """Return the entries of a page that explains words: list items that begin with a word that has an id. Their other
    words are those of the links that lead to them."""
    soup = BeautifulSoup(page.body, "html.parser")
    others = {}
    for link in soup.select('a[href^="#"]'):
        others.setdefault(link["href"][1:], []).append(link.get_text())
    found = []
    for word in soup.select("li b[id]"):
        item = word.find_parent("li")
        names = [word.get_text(), *word.get_text().split(", "), *others.get(word["id"], ())]
        text = " ".join(item.get_text(" ").split())
        also = ", ".join(dict.fromkeys(name for name in names[1:] if name != names[0]))
        found.append([f"{page.file}#{word['id']}", page.title, names[0], text, also])
    return found
