"""Executed lessons → pages: the text, the pictures, the contents and the index of the search."""

import hashlib
import importlib
import importlib.util
import re
import shutil
from base64 import b64decode
from dataclasses import dataclass, field
from html import escape
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote

from bs4 import BeautifulSoup
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from resnet_lib.explorers.words import table
from resnet_lib.views import style

from . import address, markdown, outputs, search

HERE = Path(__file__).resolve().parent
TEMPLATES = Environment(loader=FileSystemLoader(HERE / "templates"), undefined=StrictUndefined, autoescape=True)
LINK = re.compile(r"^(?:\.\./|solutions/)*([\w-]+)\.ipynb(#.*)?$")


@dataclass
class Page:
    """A lesson, or the glossary, as a page. sections: (id, tag, heading, text) of each part."""

    name: str
    title: str = ""
    minutes: str = ""
    does: str = ""
    body: str = ""
    executed: bool = False
    sections: list = field(default_factory=list)

    @property
    def file(self):
        return f"{self.name}.html"

    @property
    def number(self):
        return self.name[:2] if self.name[:2].isdigit() else ""


class Pictures:
    """Writes pictures once each into a folder of the site, named by their content."""

    def __init__(self, out):
        self.folder = out / "pictures"
        self.folder.mkdir(exist_ok=True)

    def __call__(self, file, alt):
        """Return the <img> of a picture's bytes, or of its base64 text."""
        if isinstance(file, str):
            file = b64decode(file)
        svg = file.lstrip().startswith(b"<")
        kind = "svg" if svg else "jpg" if file.startswith(b"\xff\xd8") else "png"
        name = f"{hashlib.sha256(file).hexdigest()[:12]}.{kind}"
        (self.folder / name).write_bytes(file)
        size = "" if svg else 'width="{}" height="{}" '.format(*Image.open(BytesIO(file)).size)
        return f'<img src="pictures/{name}" {size}loading="lazy" alt="{escape(alt)}">'


def write(out, books, notebooks, language="english"):
    """Write the site into the folder `out`. books: {name: notebook}, lessons in their order, then the glossary."""
    out.mkdir(parents=True, exist_ok=True)
    texts = table(language)
    words = {"lang": texts["lang"], **texts["pages"]}
    shutil.copytree(notebooks / "images", out / "images", dirs_exist_ok=True)
    shutil.rmtree(out / "pictures", ignore_errors=True)
    picture, where = Pictures(out), address.repository()
    does = what_lessons_do(notebooks.parent / "README.md")
    pages = [page_of(name, book, set(books), picture, words, does) for name, book in books.items()]
    lessons = [page for page in pages if page.number]
    shared = {"t": words, "lessons": lessons, "glossary": "glossary" in books, "repository": where}
    for i, page in enumerate(pages):
        previous, following = pages[i - 1] if i else None, pages[i + 1] if i + 1 < len(pages) else None
        links = address.ways_in(where, page.name) if page.number else []
        text = TEMPLATES.get_template("lesson.html").render(
            shared, page=page, previous=previous, following=following, ways_in=links
        )
        (out / page.file).write_text(text, encoding="utf-8")
    live = write_live(out, language)
    text = TEMPLATES.get_template("front.html").render(shared, page=None, live=live, ways_in=address.ways_in(where))
    (out / "index.html").write_text(text, encoding="utf-8")
    (out / "site.css").write_text(roles() + (HERE / "assets" / "site.css").read_text(encoding="utf-8"), "utf-8")
    shutil.copyfile(HERE / "assets" / "site.js", out / "site.js")
    (out / "search.js").write_text(search.script(pages, texts["synonyms"]), "utf-8")
    (out / ".nojekyll").touch()  # the usual host of pages takes the files as they are


def roles():
    """Return the colours of roles as CSS variables, and the rules for what the library shows."""
    names = ("MAIN", "SHORTCUT", "SUM", "COST", "ERROR")
    colours = " ".join(f"--{name.lower()}: {getattr(style, name)};" for name in names)
    return f":root {{ {colours} }}\n" + style.CSS.removeprefix("<style>").removesuffix("</style>").lstrip() + "\n"


def write_live(out, language):
    """Write the explorer that is live in a page into the folder live of the site. Return whether there is one."""
    name = f"{__package__}.live"
    if importlib.util.find_spec(name) is None:
        return False
    importlib.import_module(name).write(out, language)
    return True


def what_lessons_do(readme):
    """Return {"03_btnk1": what you do in it}, from README's table."""
    if not readme.exists():
        return {}
    rows = re.findall(r"^\| \d\d \| \[[^\]]+\]\(notebooks/(\w+)\.ipynb\) \| (.+) \|$", readme.read_text("utf-8"), re.M)
    return dict(rows)


def page_of(name, book, names, picture, words, does):
    """Return the page of a notebook."""
    page = Page(name, does=does.get(name, ""))
    parts, place = [], ""
    cells = [cell for cell in book.cells if not cell.source.startswith("This is the solved version.")]
    page.executed = any(cell.get("outputs") for cell in cells)
    for cell in cells:
        if cell.cell_type == "markdown":
            parts.append(markdown.to_html(cell.source))
            headings = re.findall(r"^#{1,4} (.+)$", cell.source, re.MULTILINE)
            place = headings[-1] if headings else place
        elif cell.cell_type == "code" and cell.source.strip():
            parts.append(code(cell, words))
            if not re.search(r"^Progress\(", cell.source, re.MULTILINE):  # what its reader has solved is not here
                parts.append(outputs.to_html(cell, picture, words, place))
    soup = BeautifulSoup("\n".join(parts), "html.parser")
    tidy(soup, names)
    page.title = soup.h1.get_text().strip() if soup.h1 else name
    found = re.search(r"^(\d+) minutes", "\n".join(c.source for c in cells if c.cell_type == "markdown"), re.M)
    page.minutes = found[1] if found else ""
    page.sections = sections(soup)
    page.body = str(soup)
    return page


def code(cell, words):
    """Return the HTML of a cell's code; an exercise's solution is folded."""
    text = highlight(cell.source, PythonLexer(), HtmlFormatter(nowrap=True))
    shown = f'<pre class="code" tabindex="0"><code>{text}</code></pre>'
    if "solution" in cell.metadata.get("tags", ()):
        return f'<details class="solution"><summary>{escape(words["solution"])}</summary>{shown}</details>'
    return shown


def tidy(soup, names):
    """Make links lead to the site's pages, give each id once, let wide tables and code scroll, and leave no heading empty."""
    for link in soup.find_all("a"):
        href = link.get("href", "")
        if "anchor-link" in link.get("class", ()):
            link.decompose()
        elif found := LINK.match(href):
            if found[1] in names:
                link["href"] = f"{found[1]}.html{found[2] or ''}"
            else:
                link.unwrap()
        elif href and not re.match(r"https?:|#|mailto:", href):
            link.unwrap()  # a file of the course that is not a page
    for img in soup.find_all("img"):
        img["src"] = re.sub(r"^(\.\./)?images/", "images/", img["src"])
        img["alt"] = img.get("alt", "")
    seen = set()
    for each in soup.find_all(id=True):
        each["id"] = unquote(each["id"])  # nbconvert's, in JupyterLab's spelling
        if each["id"] in seen:
            del each["id"]
        else:
            seen.add(each["id"])
    for each in soup.find_all("th"):
        if not each.get_text(strip=True):  # Markdown has no column without a heading
            each.name = "td"
    for each in soup.find_all("pre"):  # scrolled by keys, too
        each["tabindex"] = "0"
    for each in soup.find_all("table"):
        each.wrap(soup.new_tag("div", attrs={"class": "wide", "tabindex": "0"}))


def sections(soup):
    """Return (id, tag, heading, text) of each part of a page between two headings."""
    found = []
    for each in soup.find_all(["h1", "h2", "h3"]):
        if each.name != "h1" and not each.get("id"):
            continue
        texts = []
        for after in each.next_siblings:
            if after.name in ("h1", "h2", "h3"):
                break
            texts.append(after.get_text(" ") if after.name else str(after))
        where = "" if each.name == "h1" else each["id"]
        found.append((where, each.name, " ".join(each.get_text().split()), " ".join(" ".join(texts).split())))
    return found
