"""Outputs of cells → HTML."""

import os
import re
from html import escape
from pathlib import Path

from bs4 import BeautifulSoup
from nbconvert.filters import strip_ansi

from resnet_lib.explorers.words import WORDS

ROOT = Path(__file__).resolve().parent.parent.parent
WIDGET = "application/vnd.jupyter.widget-view+json"


def joined(outputs):
    """Return the outputs, consecutive ones of one stream as one."""
    found = []
    for output in outputs:
        last = found[-1] if found else None
        if output.output_type == "stream" and last and last["output_type"] == "stream" and last.name == output.name:
            last["text"] += output.text
        else:
            found.append(output.copy())
    return found


def to_html(cell, picture, words, place):
    """Return the HTML of all outputs of a cell.

    picture(file, alt): the HTML of a picture's bytes, or of its base64 text. place: the heading above the cell;
    pictures for which the cell prints no caption are named after it.
    """
    found, caption = [], ""
    for output in joined(cell.get("outputs", ())):
        if output.output_type == "stream":
            caption = strip_ansi(output.text).strip()
            found.append(printed(output.text))
        elif output.output_type == "error":
            found.append(printed("\n".join(output.traceback)))
        else:
            alt = f"{words['picture']}: {' '.join(caption.split())[:300] or place}"
            found.append(shown(output.data, alt, picture, words))
    return "".join(f'<div class="output">{each}</div>' for each in found if each)


def printed(text):
    """Return printed text, without a terminal's colours, which are for paper of one colour. Scrolled by keyboard, too,
    where it is wide. Nothing of the builder's folders shows."""
    text = strip_ansi(text).replace(f"{ROOT}{os.sep}", "").replace(str(Path.home()), "~").rstrip()
    return f'<pre tabindex="0">{escape(text)}</pre>' if text else ""


def shown(data, alt, picture, words):
    """Return the HTML of a displayed object: of a widget its still, else its richest form."""
    if WIDGET in data:
        return explorer(data, picture, words)
    if "text/html" in data:
        return cleaned(data["text/html"], picture)
    if "image/svg+xml" in data:
        return picture(data["image/svg+xml"].encode(), alt)
    for kind in ("image/png", "image/jpeg"):
        if kind in data:
            return picture(data[kind], alt)
    return printed(data.get("text/plain", ""))


def explorer(data, picture, words):
    """Return a widget as the picture or the texts that it leaves, scrolled by keys where it is wide, and one sentence
    about where it is live."""
    if "image/png" in data:
        sentence = data.get("text/plain", "").removesuffix(WORDS["still"]).strip()
        body = picture(data["image/png"], sentence) + f"<p>{escape(sentence)}</p>"
    else:
        body = cleaned(data.get("text/html", ""), picture)
    why = f'<p class="live-where">{escape(words["explorer"])}</p>'
    return f'<div class="explorer" tabindex="0">{body}{why}</div>' if body else ""


def cleaned(html, picture):
    """Return HTML without what would run (scripts, handlers), empty pictures, and styles, which the page has. Pictures
    inside become files."""
    soup = BeautifulSoup(html, "html.parser")
    for each in soup.find_all(["script", "style"]):
        each.decompose()
    for each in soup.find_all("img", src=re.compile("^data:")):
        _, _, file = each["src"].partition(";base64,")
        if file:
            made = BeautifulSoup(picture(file, each.get("alt", "")), "html.parser").img
            each["src"], each["loading"] = made["src"], "lazy"
        else:
            each.decompose()
    for each in soup.find_all(True):
        for name in [name for name in each.attrs if name.startswith("on") or name == "role" and each[name] == "status"]:
            del each[name]
    return str(soup)
