"""Download the published files: verified by sha256, resumed after an interruption, cached where torch keeps its own.

Each file's sha256, or the start of it, is known beforehand, so an altered file is never used.
"""

import errno
import hashlib
import http.client
import os
import re
import socket
import ssl
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import torch

from .._common import Finding, Kind, alone, say

BASE = "https://download.pytorch.org/models/"
MIRROR = "RESNET_COURSE_MIRROR"  # environment variable: a base URL or a folder that takes the place of every base
TIMEOUT = 20  # seconds to wait for the next byte
PAUSE = 1  # seconds before a broken download is continued
LARGEST = 1 << 30  # bytes; no published ResNet comes near
CHUNK = 1 << 18


# ── What can go wrong ────────────────────────────────────────────────────────────────────────────────────────

NOT_DOWNLOADED = Kind(
    "not downloaded",
    "{where} could not be downloaded: {cause}. Try again, or on another network, or set "
    f"{MIRROR} to a folder or address that has the file, or use {{instead}}, which comes with the course.",
)
NOT_KEPT = Kind("not kept", "{where} could not be saved: {cause}. Or set TORCH_HOME to another folder.")
DISK_FULL = Kind("disk full", "the disk is full. Free some space for {where}; what has arrived is kept")
NOT_WRITABLE = Kind("folder not writable", "{where} cannot be written ({reason})")
ANOTHER_FILE = Kind(
    "another file", "{where} sent another file (its sha256 is not the published one), perhaps a log-in page"
)
TOO_LARGE = Kind("too large", "{where} sends more than any published file has")
BROKEN_OFF = Kind("broken off", "the connection broke off at {done:,.1f} of {total:,.1f} MB; those are kept")
CIRCLE = Kind("redirected in a circle", "{where} redirects in a circle")
NOT_THERE = Kind("not on the server", "{where} does not have {url}")
SERVER_ERROR = Kind("server error", "{where} answers with error {code}")
NO_FILE = Kind("not in the mirror", "there is no {where}")
SILENT = Kind("silent", "{where} has sent nothing for {seconds:g} seconds")
NO_ADDRESS = Kind("address not found", "the address {where} is not found, as without a connection to the internet")
NOT_PROVED = Kind(
    "certificate refused",
    "{where} cannot prove its identity ({reason}), as on a network that inspects its traffic",
)
UNREACHABLE = Kind("unreachable", "{where} cannot be reached, or the connection broke off ({reason})")


class Unavailable(OSError):
    """Raised when a file cannot be downloaded, saved or read; the message explains why and what to do.

    finding: the same as an object; its value `cause` is a finding as well.
    """

    def __init__(self, finding):
        super().__init__(say(finding))
        self.finding = finding


def fetch(file, progress=None, *, base=BASE, sha256=None, instead='load("thin")'):
    """Return the path of a published file in torch's cache ($TORCH_HOME/hub/checkpoints); download it if it is not yet
    there, from `base` or from what the environment variable RESNET_COURSE_MIRROR names.

    file:     its name.
    base:     the address of the folder it is published in.
    sha256:   the digits its sha256 begins with; unless given, those in its name: "resnet50-0676ba61.pth".
    instead:  what to use if it cannot be downloaded, for the message; it comes with the course.
    progress: called as progress(bytes here, bytes in all, or None where the server does not say); a bar on stderr
              unless given. A download resumes after it raises or the program ends.
    Raises Unavailable if the file cannot be downloaded or saved, ValueError for a mirror that is not an address.
    """
    target = Path(torch.hub.get_dir()) / "checkpoints" / file
    sha256 = sha256 or digits(file)
    try:
        if is_right(target, sha256):
            return target
        progress, part = progress or bar(file), target.with_name(target.name + ".part")
        with alone(target, lambda: progress(_size(part), None)):
            if not is_right(target, sha256):  # else the process that was waited for has brought it
                _download(source(file, base), sha256, part, progress)
                os.replace(part, target)
    except _Unusable as error:
        raise Unavailable(Finding(NOT_DOWNLOADED, file, {"cause": error.finding, "instead": instead})) from None
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        reason = {} if full else {"reason": error.strerror or error}
        cause = Finding(DISK_FULL if full else NOT_WRITABLE, str(target.parent), reason)
        raise Unavailable(Finding(NOT_KEPT, file, {"cause": cause})) from None
    return target


def digits(file):
    """Return the digits in the name of a published file, with which its sha256 begins: "resnet50-0676ba61.pth"."""
    return re.search(r"-([0-9a-f]{8,64})\.", file)[1]


def source(file, base=BASE):
    """Where a file is fetched from, as a URL. ValueError for a mirror that is no address."""
    base = os.environ.get(MIRROR, "").strip() or base
    if "://" not in base:
        base = Path(base).expanduser().absolute().as_uri()
    if urlsplit(base).scheme not in ("http", "https", "file"):
        raise ValueError(f"{MIRROR} is {base!r}: it must be a folder, or begin with http://, https:// or file://")
    return f"{base.rstrip('/')}/{file}"


def digest(path):
    """The sha256 of a file, in hexadecimal."""
    sha = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            sha.update(chunk)
    return sha.hexdigest()


def is_right(path, digits):
    """Whether the file is there, and its sha256 begins with those digits."""
    return path.is_file() and digest(path).startswith(digits)


def bar(name):
    """A progress(done, total) that draws one line of text on stderr, over itself, five times a second."""
    drawn = -1.0

    def draw(done, total):
        nonlocal drawn
        if done != total and time.monotonic() - drawn < 0.2:
            return
        drawn = time.monotonic()
        text = f"{done / 1e6:,.1f} MB"
        if total:
            text = f"[{'#' * (30 * done // total):30}] {100 * done // total:3} %  {text} of {total / 1e6:,.1f}"
        print(f"\r{name}  {text}", end="\n" if done == total else "", file=sys.stderr, flush=True)

    return draw


# ── The download itself ──────────────────────────────────────────────────────────────────────────────────────


class _Broken(Exception):
    """The connection failed; `finding` says why."""

    def __init__(self, finding):
        self.finding = finding


class _Unusable(_Broken):
    """No download will bring the file now."""


@contextmanager
def _network(url):
    try:
        yield
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _Broken(_why(error, url)) from error


def _download(url, digits, part, progress):
    """Bring `part` to be the file, going on where it ends, as often as the connection breaks off further on."""
    furthest = _size(part)
    while True:
        start = _size(part)
        try:
            start = _receive(url, part, start, progress)
        except _Broken as error:
            if _size(part) <= furthest:
                raise _Unusable(error.finding) from None
            furthest = _size(part)
            time.sleep(PAUSE)
            continue
        if is_right(part, digits):
            return
        part.unlink()
        if start == 0:
            raise _Unusable(Finding(ANOTHER_FILE, url))
        furthest = 0  # what was continued may have been of another file: once more from the beginning


def _receive(url, part, start, progress):
    """Append to `part`, which has `start` bytes, the rest of what is at `url`. Returns the byte it began at: 0 where
    the server gives only the whole."""
    request = Request(url, headers={"User-Agent": "resnet-course", **({"Range": f"bytes={start}-"} if start else {})})
    try:
        with _network(url):
            answer = urlopen(request, timeout=TIMEOUT)
    except _Broken as broken:
        if getattr(broken.__cause__, "code", None) == 416 and start:  # there is no more: all was here
            return start
        raise
    if not answer.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
        start = 0
    with answer, open(part, "ab" if start else "wb") as file:
        length = answer.headers.get("Content-Length", "")
        total = start + int(length) if length.isdigit() else None
        done = start
        while True:
            with _network(url):
                chunk = answer.read1(CHUNK)
            if not chunk:
                break
            file.write(chunk)
            done += len(chunk)
            progress(done, total)
            if done > LARGEST:
                file.truncate(0)
                raise _Broken(Finding(TOO_LARGE, url))
        file.flush()
        os.fsync(file.fileno())
    if total is None:
        progress(done, done)
    elif done < total:
        raise _Broken(Finding(BROKEN_OFF, url, {"done": done / 1e6, "total": total / 1e6}))
    return start


def _size(path):
    return path.stat().st_size if path.exists() else 0


def _why(error, url):
    """Return what went wrong with the network, as a finding."""
    host = urlsplit(url).hostname or url
    if isinstance(error, HTTPError):
        if 300 <= error.code < 400:
            return Finding(CIRCLE, host)
        missing = error.code == 404
        return Finding(NOT_THERE, host, {"url": url}) if missing else Finding(SERVER_ERROR, host, {"code": error.code})
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, FileNotFoundError | NotADirectoryError):
        return Finding(NO_FILE, url)
    if isinstance(reason, TimeoutError):
        return Finding(SILENT, host, {"seconds": TIMEOUT})
    if isinstance(reason, socket.gaierror):
        return Finding(NO_ADDRESS, host)
    if isinstance(reason, ssl.SSLError):
        return Finding(NOT_PROVED, host, {"reason": reason.reason})
    return Finding(UNREACHABLE, host, {"reason": reason})
