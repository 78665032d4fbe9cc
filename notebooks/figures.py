"""Draws the lessons' figures from the library's blocks and designs into notebooks/images/.

python notebooks/figures.py           writes them
python notebooks/figures.py --check   says which of them differ from what the library draws; exits 1 if any does
"""

import sys
from pathlib import Path

IMAGES = Path(__file__).resolve().parent / "images"
sys.path.insert(0, str(IMAGES.parent.parent))


def main(arguments):
    from resnet_lib.views.figures import figures

    drawn = {IMAGES / name: text for name, text in figures().items()}
    stale = [path for path, text in drawn.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        if "--check" in arguments:
            print(f"images/{path.name} is not what the library draws: run python notebooks/figures.py")
        else:
            path.write_text(drawn[path], encoding="utf-8", newline="\n")
            print(f"wrote images/{path.name}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
