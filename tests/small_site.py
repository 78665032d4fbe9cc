"""A site as small as one can be: two lessons, a glossary and a figure."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser

import nbformat
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from notebooks.build import METADATA
from notebooks.site.__main__ import build

from .lab import ROOT

TEXT = """# 07 · A *small* lesson

60 minutes · all cells run in 2 seconds · words: [glossary](../glossary.ipynb#Letters)

Inline $y = F(x) + x$, and alone:

$$W_{out} = \\left\\lfloor \\frac{W}{S} \\right\\rfloor + 1$$

![A blue square](../images/square.svg)

| letter | what it is |
| --- | --- |
| **C** | channels, after [lesson 08](08_other.ipynb) and [a file](../source/07.py) |

## 1 · A section

<details><summary>Answer</summary>

It needs no *kernel*.
</details>"""
CODE = (
    'print("one line, of", 40 + 2)\nprint("from left to right: red, blue")\n'
    'from PIL import Image\nImage.new("RGB", (8, 4), "red")',
    'from resnet_lib.explorers import BottleneckExplorer\nBottleneckExplorer("BTNK1", C=16, W=14, C1=16, S=2)',
    "from resnet_lib.explorers import NotationExplorer\nNotationExplorer()",
    'from resnet_lib.exercises import Progress\nProgress("07", exercises=2)',
)
# A cell for each kind of output that a lesson of the course has.
EVERY_KIND = (
    'from PIL import Image\nprint("a wide line of text", "." * 150)\nImage.new("RGB", (900, 40), "red")',
    "import torch\nfrom resnet_lib import BTNK1, anatomy\nfrom resnet_lib.views import cost_bars, show_maps\n"
    "cost_bars(anatomy(BTNK1(16, 16, S=2), 14))",
    "print(anatomy(BTNK1(16, 16, S=2), 14))\nanatomy(BTNK1(16, 16, S=2), 14)",
    "show_maps(torch.rand(4, 8, 8))",
    "from resnet_lib.explorers import BottleneckExplorer, DesignExplorer\n"
    'BottleneckExplorer("BTNK1", C=16, W=14, C1=16, S=2)',
    "DesignExplorer()",
    "from resnet_lib.exercises import Prediction, check_btnk2, width_question\n"
    "Prediction(width_question(112, kernel=3, stride=2, padding=1))",
    "check_btnk2(lambda C: BTNK1(C, C // 4, 1))",
    new_code_cell("BTNK1(16, 16)(torch.zeros(1, 8, 14, 14))", metadata={"tags": ["raises-exception"]}),
)
SQUARE = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9" fill="blue"/></svg>'


def written(folder, **books):
    """A folder of notebooks: the solved lessons of these names and cells, a glossary and a figure."""
    (folder / "solutions").mkdir(parents=True)
    (folder / "images").mkdir()
    (folder / "images" / "square.svg").write_text(SQUARE)
    for name in ("explorer.png", "photograph.png", "stem.svg"):
        shutil.copy(ROOT / "notebooks" / "images" / name, folder / "images")
    for name, cells in books.items():
        nbformat.write(new_notebook(cells=cells, metadata=METADATA), folder / "solutions" / f"{name}.ipynb")
    cells = [new_markdown_cell('# Glossary\n\n## Letters\n\n- <b id="c">C</b>: Channels.'), new_code_cell("")]
    nbformat.write(new_notebook(cells=cells, metadata=METADATA), folder / "glossary.ipynb")
    return folder


class SmallSite:
    """A site in that folder, its lesson 07 executed, and what is needed to build it again."""

    def __init__(self, folder, code=CODE):
        small = [new_markdown_cell(TEXT), *(new_code_cell(each) if isinstance(each, str) else each for each in code)]
        small.append(new_code_cell("done = 1", metadata={"tags": ["solution"]}))
        other = [new_markdown_cell("# 08 · Another\n\n## A second section\n\nZebra."), new_code_cell("1 / 0")]
        self.notebooks = written(folder / "notebooks", **{"07_small": small, "08_other": other})
        self.out, self.kept, self.said = folder / "site", folder / "kept", []
        self.again(only={"07"})

    def again(self, **options):
        """Build once more; return what it says."""
        said = []
        with ThreadPoolExecutor(1) as elsewhere:  # playwright keeps an event loop running in this thread
            elsewhere.submit(build, self.out, self.notebooks, self.kept, said=said.append, **options).result()
        return said

    def page(self, name):
        return BeautifulSoup((self.out / f"{name}.html").read_text(encoding="utf-8"), "html.parser")

    def tags(self):
        return {path.name: Tags(path.read_text(encoding="utf-8")) for path in self.out.glob("*.html")}


class Tags(HTMLParser):
    """A page's elements, [(name, attributes)] in their order, and its text outside code, scripts and styles."""

    def __init__(self, page):
        super().__init__()
        self.found, self.text, self._inside = [], "", []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag in ("code", "pre", "script", "style"):
            self._inside.append(tag)

    def handle_endtag(self, tag):
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data):
        if not self._inside:
            self.text += data

    def all(self, *names):
        """The attributes of all elements of those names."""
        return [attrs for name, attrs in self.found if name in names]

    def ids(self):
        return [attrs["id"] for _, attrs in self.found if "id" in attrs]
