"""The published files: fetched once, continued where a download broke off, checked, kept in torch's own cache.

Each file's sha256, or the start of it, is known beforehand, so nothing that came altered is ever used.
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
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import torch

BASE = "https://download.pytorch.org/models/"
MIRROR = "RESNET_COURSE_MIRROR"  # environment variable: a base URL or a folder that takes the place of every base
TIMEOUT = 20  # seconds to wait for the next byte
PAUSE = 1  # seconds before a broken download is continued
LARGEST = 1 << 30  # bytes; no published ResNet comes near
CHUNK = 1 << 18


class Unavailable(OSError):
    """A file that could not be had. The message says why, and what to do."""


def fetch(file, progress=None, *, base=BASE, sha256=None, instead='load("thin")'):
    """The path of a published file, in torch's cache ($TORCH_HOME/hub/checkpoints); downloaded where it is not there
    yet, from `base` or from what the environment variable RESNET_COURSE_MIRROR names.

    file:     its name.
    base:     the address of the folder it is published in.
    sha256:   the digits its sha256 begins with; unless given, those in its name: "resnet50-0676ba61.pth".
    instead:  what to use where it cannot be had, for the message; it comes with the course.
    progress: called as progress(bytes here, bytes in all, or None where the server does not say); a bar on stderr
              unless given. What has arrived when it raises, or when the program is ended, is continued next time.
    Raises Unavailable with a sentence where the file cannot be had or kept, ValueError for a mirror that is no address.
    """
    target = Path(torch.hub.get_dir()) / "checkpoints" / file
    digits = sha256 or re.search(r"-([0-9a-f]{8,64})\.", file)[1]
    try:
        if is_right(target, digits):
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        progress = progress or bar(file)
        with _alone(target, progress) as part:
            if not is_right(target, digits):  # else the process that was waited for has brought it
                _download(source(file, base), digits, part, progress)
                os.replace(part, target)
    except _Unusable as error:
        raise Unavailable(
            f"{file} could not be downloaded: {error}. Try again, or on another network, or set {MIRROR} to a folder "
            f"or address that has the file, or use {instead}, which comes with the course."
        ) from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            why = f"the disk is full. Free some space for {target.parent}; what has arrived is kept"
        else:
            why = f"{target.parent} cannot be written ({error.strerror or error})"
        raise Unavailable(f"{file} could not be kept: {why}. Or set TORCH_HOME to another folder.") from None
    return target


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


# ── One download at a time ───────────────────────────────────────────────────────────────────────────────────


@contextmanager
def _alone(target, progress):
    """Gives the file to download into, once no other process downloads the same one. The system frees the lock of a
    process that dies, and what it had received is continued."""
    part, lock = (target.with_name(target.name + end) for end in (".part", ".lock"))
    with open(lock, "ab") as file:
        while not _locked(file):
            progress(_size(part), None)
            time.sleep(0.2)
        yield part
        with suppress(OSError):  # Windows keeps a file that another process has open
            lock.unlink()


def _locked(file):
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        # A file system without locks. Two downloads at once may then spoil each other, which the sha256 tells.
        pass
    return True


# ── The download itself ──────────────────────────────────────────────────────────────────────────────────────


class _Broken(Exception):
    """The connection failed, for the reason given."""


class _Unusable(Exception):
    """No download will bring the file now, for the reason given."""


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
                raise _Unusable(error) from None
            furthest = _size(part)
            time.sleep(PAUSE)
            continue
        if is_right(part, digits):
            return
        part.unlink()
        if start == 0:
            raise _Unusable(f"{url} gave another file (its sha256 is not the published one), perhaps a log-in page")
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
                raise _Broken(f"{url} sends more than any published file has")
        file.flush()
        os.fsync(file.fileno())
    if total is None:
        progress(done, done)
    elif done < total:
        raise _Broken(f"the connection broke off at {done / 1e6:,.1f} of {total / 1e6:,.1f} MB; those are kept")
    return start


def _size(path):
    return path.stat().st_size if path.exists() else 0


def _why(error, url):
    """What went wrong with the network, in plain words."""
    host = urlsplit(url).hostname or url
    if isinstance(error, HTTPError):
        if 300 <= error.code < 400:
            return f"{host} sends the request round in a circle of redirections"
        return f"{host} does not have {url}" if error.code == 404 else f"{host} answers with error {error.code}"
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, FileNotFoundError | NotADirectoryError):
        return f"there is no {url}"
    if isinstance(reason, TimeoutError):
        return f"{host} has sent nothing for {TIMEOUT:g} seconds"
    if isinstance(reason, socket.gaierror):
        return f"the address {host} is not found, as where there is no connection to the internet"
    if isinstance(reason, ssl.SSLError):
        return f"{host} cannot prove who it is ({reason.reason}), as where a network inspects what it passes on"
    return f"{host} cannot be reached, or the connection broke off ({reason})"
