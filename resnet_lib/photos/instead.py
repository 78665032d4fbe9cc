"""What to do with what is no picture: a sentence for each kind of file, of path and of thing that people pass."""

import difflib
import os
import re

PHOTOS = ("cat", "coffee", "church", "truck", "parachute")
WRITTEN = "iVBORw0KGgo|/9j/"  # how PNG and JPEG begin in base64

# How a file begins that is something else, and what to do with it.
OTHERS = (
    (rb"", "is an empty file: copy or download it again"),
    (
        rb".{4}ftyp.{0,40}avi[fs].*",
        "is an AVIF picture, which this version of Pillow cannot read: save it as JPEG or PNG, or update Pillow",
    ),
    (
        rb".{4}ftyp(hei|hev|mif1|msf1).*",
        "is a HEIC picture, as iPhones take them, and Pillow cannot read it: save it as JPEG or PNG, or install "
        "pillow-heif and call its register_heif_opener()",
    ),
    (rb".{4}ftypcrx.*|FUJIFILMCCD-RAW.*", "is a camera's raw file: export it as JPEG or PNG"),
    (rb".{4}ftyp.*|\x1a\x45\xdf\xa3.*|RIFF.{4}AVI .*", "is a video: save one frame of it as JPEG or PNG"),
    (rb"\xff\x0a.*|\x00\x00\x00\x0cJXL .*", "is a JPEG XL picture, which Pillow cannot read: save it as JPEG or PNG"),
    (rb"%PDF.*|%!PS.*", "is a document and not a picture: save the page as PNG"),
    (rb"8BPS.*", "is a Photoshop file: export it as JPEG or PNG"),
    (rb"\s*(<\?xml.*)?<svg.*", "is an SVG drawing, made of lines and not of pixels: export it as PNG"),
    (rb"\s*<(!doctype html|html|head|body).*", "is a web page and not a picture: save the picture itself"),
    (rb"version https://git-lfs.*", "is a pointer of Git LFS and not the picture: run git lfs pull"),
    (rb"\x93NUMPY.*", "is a NumPy array: pass np.load(…) of it"),
    (rb"PK\x03\x04.*|Rar!.*|7z\xbc\xaf.*|\x1f\x8b.*", "is an archive: unpack it, and choose a picture in it"),
    (rb"iVBORw0KGgo.*|/9j/.*", "is a picture written as text: pass base64.b64decode(…) of it"),
    (
        rb"II\*\x00.*|II\+\x00.*|MM\x00\*.*|PF\s.*",
        "has a kind of numbers that Pillow cannot read, such as colours of 32 bits: read it with tifffile or imageio, "
        "and pass the array",
    ),
    (rb"\x89PNG.*|\xff\xd8.*|GIF8.*|RIFF.{4}WEBP.*", "seems to be broken: copy or download it again"),
    (rb".*", "is not a picture in a known format, such as JPEG, PNG or WebP"),
)


def instead_of(picture):
    """Return what to write instead of a thing that is no picture and has one in it, or ""."""
    if isinstance(picture, type):
        return ""
    if isinstance(picture, list | tuple):
        if picture and isinstance(picture[0], dict) and "content" in picture[0]:
            return ": pass [0]['content'] of it"
        if picture and hasattr(picture[0], "size"):
            return ": pass one of them, such as x[0]"
        return "; np.array(…) makes an array of a list of numbers"
    if isinstance(picture, dict):
        return ": pass its ['content']" if "content" in picture else ""
    if hasattr(picture, "get_array"):
        return ": pass its get_array()"
    # Of IPython, ipywidgets (an Image, an upload) and requests.
    for name in ("data", "value", "content"):
        inside = getattr(picture, name, None)
        if isinstance(inside, bytes | memoryview):
            return f": pass its .{name}"
        if name == "value" and isinstance(inside, tuple | list):
            return ": pass its .value[0]['content']"
    return ""


def missing(path, name):
    """Return the sentence for a file that there is not, with what is probably meant."""
    if re.match(r"[a-z]:[\\/]|\\\\", path, re.IGNORECASE) and os.name != "nt":
        return f"{name} is a path of a Windows machine, and this runs on another: upload the picture, and pass its name"
    bare = path.strip("\"' \n\t")
    if bare != path and bare and os.path.exists(bare):
        return f"there is no file {name}; did you mean {bare!r}?"
    folder, file = os.path.split(path)
    try:
        there = os.listdir(folder or ".")
    except OSError:
        there = []
    known = {n.lower(): n for n in [*([] if folder else PHOTOS), *there]}
    near = [known[n] for n in difflib.get_close_matches(file.lower(), known, 1, 0.75)]
    where = "" if os.path.isabs(path) else f" in {os.getcwd()}"
    if near:
        return f"there is no file {name}{where}; did you mean {os.path.join(folder, near[0])!r}?"
    bundled = "" if folder or "." in file else f", and no photograph is called so: there are {', '.join(PHOTOS)}"
    return f"there is no file {name}{where}{bundled}"
