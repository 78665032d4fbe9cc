"""Where the course is published: the one address in pyproject.toml, and the links that are made from it.

    python -m notebooks.site.address

writes README's line of badges. Without an address there are no links, and no badges.
"""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BEGIN, END = "<!-- badges -->", "<!-- end of badges -->"


def repository(pyproject=ROOT / "pyproject.toml"):
    """Return the repository's address as pyproject.toml has it, without a final slash; "" if it has none."""
    lines = [line for line in pyproject.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
    found = re.search(r'^\s*(?:urls\s*=\s*\{.*?\b)?Repository\s*=\s*"(https://[^"]+)"', "\n".join(lines), re.MULTILINE)
    return found[1].rstrip("/") if found else ""


def ways_in(address, lesson="00_start_here"):
    """Return [(name, link)] of the services that open a lesson of that repository without an installation; [] where
    there is no address, or one that they do not open."""
    found = re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+)", address)
    if not found:
        return []
    name, path = found[1], f"notebooks/{lesson}.ipynb"
    return [
        ("Binder", f"https://mybinder.org/v2/gh/{name}/HEAD?urlpath=lab/tree/{path}"),
        ("Codespaces", f"https://codespaces.new/{name}"),
        ("Colab", f"https://colab.research.google.com/github/{name}/blob/HEAD/{path}"),
        ("Kaggle", f"https://kaggle.com/kernels/welcome?src={address}/blob/HEAD/{path}"),
    ]


def badges(address):
    """Return README's line of badges, "" without an address."""
    return " · ".join(f"[Open in {name}]({link})" for name, link in ways_in(address))


def with_badges(text, address):
    """Return README's text with the badges between its two marks."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"README.md has no {BEGIN} … {END}: put them where the badges belong")
    line = badges(address)
    return before + BEGIN + "\n" + (f"{line}\n" if line else "") + END + after


if __name__ == "__main__":
    readme = ROOT / "README.md"
    readme.write_text(with_badges(readme.read_text(encoding="utf-8"), repository()), encoding="utf-8", newline="\n")
