"""A design on one page: a single HTML file without scripts and links, to be read, printed, and handed in."""

import base64
import io
import re
from datetime import date
from html import escape
from pathlib import Path
from unicodedata import east_asian_width

from .._common import shape_text, whole
from ..activations import step_names
from ..anatomy import anatomy
from ..experiments.budget import code
from ..experiments.comparison import by_design
from ..experiments.seen import Seen
from .comparison import ComparisonCurves, comparison_table
from .design import budget_bars, design_drawing, design_table
from .maps import mosaic, picture
from .style import CSS, QUIET, TINT

# By this a report is known again: only such a file is written over.
MARK = '<meta name="generator" content="resnet_lib.views.report">'
# What one page has room for of the learner's own text: characters, and lines of so many.
ROOM, LINES, LINE = 1000, 10, 105
TILES = 16  # channels shown after each stage, the first ones

PAGE = f"""
@page {{ size: A4; margin: 9mm; }}
body {{ margin: 0 auto; padding: 2mm 0; width: 190mm; background: white; color: black;
  font-family: system-ui, sans-serif; print-color-adjust: exact; -webkit-print-color-adjust: exact; }}
h1 {{ font-size: 18px; margin: 0; overflow-wrap: anywhere; }}
h2 {{ font-size: 12px; line-height: 1.3; margin: 7px 0 2px; border-bottom: 1px solid {TINT}; }}
.rl, .rl .quiet {{ font-size: 10px; }}
h2 .quiet {{ font-weight: 400; }}
.rl table {{ font-size: 9px; }}
.rl th, .rl td {{ padding: 0.5px 5px 0.5px 0; }}
.drawing svg {{ max-height: 125px; }}
.own {{ font-size: 11px; line-height: 1.3; overflow-wrap: anywhere; }}
.side {{ margin-top: 5px; display: flex; gap: 10px; align-items: flex-start; }}
figure {{ margin: 0; flex: 1; text-align: center; }}
figure img {{ width: 100%; image-rendering: pixelated; }}
figcaption {{ font-size: 9px; color: {QUIET}; }}
pre {{ font-size: 8px; line-height: 1.2; margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }}
"""


class Report:
    """The page about one design. Displays itself in a notebook; `write` makes a file of it.

    design:  a legal `Design`. W: pixels of the pictures that its costs are counted for. budget: a `Budget`.
    author, title, why: the learner's name, a headline, and what they chose and why; paragraphs are parted by an empty
             line. Plain text: nothing in it is read as HTML.
    results: what races came to, `comparison.Result`s, finished or not; runs that differ only by ", seed …" in the
             name are one row. Up to five designs. task: the `tasks.Task` that they were trained on, to be named.
    network: the trained network whose maps are shown; none are without. photo: whatever
             `photos.open_photo` takes.
    Raises ValueError for an illegal design, for another network than the design's, and for more text or more designs
    than one page has room for.
    """

    def __init__(
        self,
        design,
        *,
        W,
        budget,
        author="",
        title="A network within a budget",
        why="",
        results=(),
        task=None,
        network=None,
        photo="cat",
    ):
        fits("author", author, 60, 1)
        fits("title", title, 55, 1)
        fits("why", why)
        for name in by_design(results):
            fits("the name of a design", name, 32, 1)
        costs = anatomy(design, W)
        parts = [
            f"<h1>{escape(title)}</h1>",
            f'<p class="own">{escape(author)}{" · " if author else ""}{date.today().isoformat()}</p>',
            f"<h2>Budget, for one picture of {W} × {W} pixels</h2>",
            budget_bars(budget, costs, 240),
            f'<h2>The design</h2><div class="drawing">{design_drawing(design, costs)}</div>',
            design_table(design, costs, 20),
            f'<p class="quiet">G and BTNK1: the block has a projection. FLOPs = 2 × MACs = {costs.flops:,}.</p>',
        ]
        if why.strip():
            paragraphs = "".join(f"<p>{escape(p)}</p>" for p in _paragraphs(why))
            parts.append(f'<h2>What I chose and why</h2><div class="own">{paragraphs}</div>')
        if results:
            curves = ComparisonCurves(width=345, height=150).draw(results)
            parts.append(f"<h2>Trained{_said(task)}</h2>{comparison_table(results)}{curves}")
        if network is not None:
            parts.append(_maps(design, network, photo, W))
        parts.append(f"<h2>The design as code</h2><pre>{escape(_compact(code(design)))}</pre>")
        self.html = (
            f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">{MARK}<title>{escape(title)}</title>{CSS}'
            f'<style>{PAGE}</style></head><body class="rl">{"".join(parts)}</body></html>\n'
        )

    def _repr_html_(self):
        # A page of its own, so that its rules and the notebook's leave each other alone.
        return (
            f'<iframe title="the report" srcdoc="{escape(self.html, quote=True)}" '
            'style="width:100%;max-width:820px;height:1120px;border:1px solid;background:white"></iframe>'
        )

    def write(self, file, *, overwrite=False):
        """Write the page to a file, name.html, whole or not at all, and return its path. A browser prints it on one
        page of A4, or saves that as PDF.

        A report that is there already is replaced; any other file only with overwrite=True.
        Raises ValueError with a sentence where the file cannot be written.
        """
        path = Path(file).expanduser()
        if path.suffix.lower() not in (".html", ".htm"):
            raise ValueError(
                f"{path.name!r} does not end in .html, and the report is a page of HTML: name it "
                f"{path.stem or 'report'}.html. A browser can save that as PDF"
            )
        try:
            self._write(path, overwrite)
        except OSError as problem:
            raise ValueError(
                f"{str(path)!r} cannot be written ({problem.strerror}): name a file in a folder of your own"
            ) from None
        return path

    def _write(self, path, overwrite):
        if path.is_dir():
            raise ValueError(f"{str(path)!r} is a folder: name a file in it")
        if not path.parent.is_dir():
            raise ValueError(f"there is no folder {str(path.parent)!r}: make it first, or name a file in another one")
        if path.exists() and not overwrite and not _is_report(path):
            raise ValueError(
                f"{str(path)!r} is there already and is no report of this kind: name another file, or say "
                "overwrite=True to lose what is in it"
            )
        with whole(path) as out:
            out.write(self.html.encode())


def _said(task):
    """What the task is, after a heading, in one line."""
    if task is None:
        return ""
    classes = len(task.classes)
    chance = f"{classes} classes, by chance {1 / classes:.0%} right"
    return f' <span class="quiet">to tell {escape(task.note)}: {chance}</span>'


def _is_report(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return MARK in file.read(1000)


def fits(name, text, room=ROOM, lines=LINES):
    """ValueError where a text takes more room than one page has for it."""
    if not isinstance(text, str):
        raise ValueError(f"{name} must be text, and is {type(text).__name__}")
    # Chinese, Japanese and Korean characters are twice as wide.
    widths = [sum(1 + (east_asian_width(c) in "WF") for c in paragraph) for paragraph in _paragraphs(text)]
    taken = sum(-(-width // LINE) for width in widths)
    if sum(widths) > room or taken > lines:
        raise ValueError(
            f"{name} has {sum(widths):,} characters on {taken} lines, and one page has room for {room:,} on {lines}: "
            "make it shorter"
        )


def _paragraphs(text):
    """The paragraphs of a text, parted by empty lines; within one, a new line is a space."""
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", text) if part.strip()]


def _compact(code):
    """The design's code on fewer lines: the page is narrow in height, not in width."""
    return code.replace("\n    num", " num").replace("(\n    stem", "(stem").replace(",\n)", ")")


def _maps(design, network, photo, W):
    ours, given = design.build().state_dict(), network.state_dict()
    if {k: v.shape for k, v in ours.items()} != {k: v.shape for k, v in given.items()}:
        raise ValueError("the network is not one of this design: its weights have other names or shapes")
    seen = Seen(network, photo, W)
    names = [n for n in step_names(network) if n in seen.steps]
    figures = [_figure(_data(seen.image.resize((96, 96)), "JPEG"), f"photograph, (3, {W}, {W})")]
    for i in range(5):
        last = [n for n in names if n.startswith(f"stage{i}.")][-1]
        levels, _, signed = mosaic(seen[last], 0, TILES)
        text = f"Stage {i}, {shape_text(seen[last].shape)}"
        figures.append(_figure(_data(picture(levels, signed), "PNG"), text))
    return (
        f'<h2>What it computes: up to {TILES} channels after each stage</h2><div class="side">{"".join(figures)}</div>'
    )


def _figure(source, text):
    return f'<figure><img src="{source}" alt="{escape(text)}"><figcaption>{escape(text)}</figcaption></figure>'


def _data(image, kind):
    file = io.BytesIO()
    image.save(file, kind)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"
