"""Downloads from servers that are good, slow, broken, wrong and absent: what is loaded is always the published file."""

import io
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from resnet_lib import resnet18
from resnet_lib.weights import CHECKPOINTS, Checkpoint, Unavailable, download, load, to_published

from .reference import shake_norms

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return shake_norms(resnet18(base=4, num_classes=3)).eval()


@pytest.fixture(scope="module")
def content(network):
    """The published file."""
    file = io.BytesIO()
    torch.save(to_published(network.state_dict()), file)
    return file.getvalue()


class Server(ThreadingHTTPServer):
    """Answers each request by the next of `answers`, by the last of them from then on, and notes its Range."""

    daemon_threads = True

    def __init__(self, content):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.answers, self.ranges = content, [whole], []
        self.url = f"http://127.0.0.1:{self.server_port}/models"

    def handle_error(self, request, client_address):
        pass  # clients that go away are part of the tests


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.ranges.append(self.headers.get("Range"))
        answer = server.answers[0] if len(server.answers) == 1 else server.answers.pop(0)
        answer(self, server.content)

    def begin(self, code, **headers):
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def log_message(self, *_):
        pass


def whole(request, content, *, pause=0.0, until=None):
    """A good server: the file, or the part asked for."""
    asked = request.headers.get("Range")
    start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
    if asked and start >= len(content):
        return request.begin(416, Content_Range=f"bytes */{len(content)}")
    about = {"Content_Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if asked else {}
    request.begin(206 if asked else 200, Content_Length=len(content) - start, **about)
    for at in range(start, until or len(content), 16_384):
        request.wfile.write(content[at : min(at + 16_384, until or len(content))])
        time.sleep(pause)


def slow(request, content):
    whole(request, content, pause=0.05)


def dies_half_way(request, content):
    whole(request, content, until=len(content) // 2)


def without_range(request, content):
    request.begin(200, Content_Length=len(content))
    request.wfile.write(content)


def always_from_zero(request, content):
    request.begin(206, Content_Length=len(content), Content_Range=f"bytes 0-{len(content) - 1}/{len(content)}")
    request.wfile.write(content)


def without_range_dies_half_way(request, content):
    request.begin(200, Content_Length=len(content))
    request.wfile.write(content[: len(content) // 2])


def without_length(request, content):
    request.begin(200)
    request.wfile.write(content)


def without_length_cut_off(request, content):
    without_length(request, content[:-1000])


def says_it_is_shorter(request, content):
    request.begin(200, Content_Length=len(content) - 1000)
    request.wfile.write(content)


def another_file(request, content):
    without_range(request, content[::-1])


def log_in_page(request, content):
    without_range(request, b"<!DOCTYPE html><title>Please log in to the network</title>")


def once_elsewhere(request, content):
    request.begin(302, Location="/elsewhere.pth")


def round_in_circles(request, content):
    request.begin(302, Location=request.path)


def not_there(request, content):
    request.begin(404)


def failing(request, content):
    request.begin(500)


def hanging(request, content):
    request.begin(200, Content_Length=len(content))
    request.wfile.write(content[:1000])
    time.sleep(3)


def silent(request, content):
    time.sleep(3)


def endless(request, content):
    request.begin(200)
    while True:
        request.wfile.write(bytes(65_536))


def no_http(request, content):
    request.wfile.write(b"220 mail.example ESMTP\r\n")


@pytest.fixture
def server(content):
    server = Server(content)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def cache(content, server, tmp_path, monkeypatch):
    """An empty cache, and a checkpoint "tiny" to be had from the server alone."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    monkeypatch.setenv(download.MIRROR, server.url)
    monkeypatch.setattr(download, "PAUSE", 0)
    monkeypatch.setattr(download, "CHUNK", 16_384)
    file = f"tiny-{sha256(content).hexdigest()[:8]}.pth"
    options = {"stride_on": "3x3", "num_classes": 3, "base": 4}
    tiny = Checkpoint("tiny", "resnet18", options, file, 40, 32, None, "for tests", ("a", "b", "c"))
    monkeypatch.setitem(CHECKPOINTS, "tiny", tiny)
    return tmp_path / "home" / "hub" / "checkpoints"


def quiet(done, total):
    pass


def get():
    return load("tiny", progress=quiet)


def file_in(cache):
    return cache / CHECKPOINTS["tiny"].file


def part_in(cache):
    return cache / f"{CHECKPOINTS['tiny'].file}.part"


def assert_right(loaded, network):
    x = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(loaded(x), network(x))


# ── Good servers ─────────────────────────────────────────────────────────────────────────────────────────────


def test_the_network_loaded_is_the_published_one_ready_to_use(cache, network):
    loaded = get()
    assert_right(loaded, network)
    assert not loaded.training
    assert loaded.checkpoint is CHECKPOINTS["tiny"]


def test_a_file_without_digits_in_its_name_comes_from_an_address_of_its_own(
    cache, server, content, network, monkeypatch
):
    monkeypatch.delenv(download.MIRROR)
    other = replace(
        CHECKPOINTS["tiny"], file="tiny.a1_in1k.pth", base=server.url, sha256=sha256(content).hexdigest()[:8]
    )
    monkeypatch.setitem(CHECKPOINTS, "tiny", other)
    assert_right(get(), network)
    assert load(str(cache / "tiny.a1_in1k.pth")).checkpoint is other, "known by its content where it lies elsewhere"


def test_a_second_time_nothing_is_downloaded_and_only_the_file_is_left(cache, server, content):
    get()
    get()
    assert server.ranges == [None]
    assert [file.name for file in cache.iterdir() if file.suffix != ".lock"] == [file_in(cache).name]
    assert file_in(cache).read_bytes() == content


@pytest.mark.parametrize("answer", [without_range, without_length])
def test_servers_that_know_less_will_do(cache, server, network, answer):
    server.answers = [answer]
    assert_right(get(), network)


def test_a_redirection_is_followed(cache, server, network):
    server.answers = [once_elsewhere, whole]
    assert_right(get(), network)


def test_progress_is_told_many_times_and_ends_at_the_whole(cache, server, content):
    server.answers = [slow]
    told = []
    load("tiny", progress=lambda done, total: told.append((done, total)))
    assert len(told) >= 4
    assert told == sorted(told) and told[-1] == (len(content), len(content))
    assert {total for _, total in told} == {len(content)}


def test_progress_without_a_known_length_ends_at_the_whole_too(cache, server, content):
    server.answers = [without_length]
    told = []
    load("tiny", progress=lambda done, total: told.append((done, total)))
    assert told[0][1] is None and told[-1] == (len(content), len(content))


def test_the_bar_is_one_line_drawn_over_itself_at_most_five_times_a_second(cache, server, capsys):
    server.answers = [slow]
    began = time.monotonic()
    load("tiny")
    seconds = time.monotonic() - began
    text = capsys.readouterr().err
    assert text.count("\n") == 1 and text.endswith("\n")
    drawn = text.strip("\r\n").split("\r")
    assert "100 %" in drawn[-1] and "#" * 30 in drawn[-1] and "MB" in drawn[-1]
    assert all(len(later) >= len(earlier) for earlier, later in zip(drawn, drawn[1:], strict=False))
    assert 2 <= len(drawn) <= 2 + 5 * seconds


# ── Downloads that break off ─────────────────────────────────────────────────────────────────────────────────


def test_a_download_that_dies_half_way_is_continued_where_it_broke_off(cache, server, network, content):
    server.answers = [dies_half_way, whole]
    assert_right(get(), network)
    assert server.ranges == [None, f"bytes={len(content) // 2}-"]


def test_a_download_given_up_is_continued_by_the_next_load(cache, server, network, content):
    server.answers = [dies_half_way]
    with pytest.raises(Unavailable, match="broke off at .* MB"):
        get()
    assert not file_in(cache).exists()
    assert part_in(cache).stat().st_size == len(content) // 2
    server.answers, server.ranges[:] = [whole], []
    assert_right(get(), network)
    assert server.ranges == [f"bytes={len(content) // 2}-"]


@pytest.mark.parametrize("answer", [without_range, always_from_zero])
def test_a_server_that_cannot_continue_gives_the_whole_again(cache, server, network, content, answer):
    server.answers = [dies_half_way, answer]
    assert_right(get(), network)
    assert server.ranges == [None, f"bytes={len(content) // 2}-"]


def test_a_server_that_cannot_continue_and_always_dies_is_given_up(cache, server):
    server.answers = [without_range_dies_half_way]
    with pytest.raises(Unavailable):
        get()
    assert len(server.ranges) == 2


def test_what_was_begun_from_another_version_is_begun_again(cache, server, network):
    cache.mkdir(parents=True)
    part_in(cache).write_bytes(b"the beginning of another version")
    assert_right(get(), network)
    assert server.ranges == ["bytes=32-", None]


def test_a_download_ended_just_before_its_last_step_needs_nothing_more(cache, server, network, content):
    cache.mkdir(parents=True)
    part_in(cache).write_bytes(content)
    assert_right(get(), network)
    assert server.ranges == [f"bytes={len(content)}-"]


def test_a_part_longer_than_the_file_is_begun_again(cache, server, network, content):
    cache.mkdir(parents=True)
    part_in(cache).write_bytes(content + b"more")
    assert_right(get(), network)


def test_an_interrupted_download_keeps_what_it_has(cache, server, network):
    def interrupt(done, total):
        if done > 40_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load("tiny", progress=interrupt)
    assert not file_in(cache).exists()
    kept = part_in(cache).stat().st_size
    assert kept > 40_000
    assert_right(get(), network)
    assert server.ranges == [None, f"bytes={kept}-"]


# ── Faults ───────────────────────────────────────────────────────────────────────────────────────────────────

FAULTS = {
    dies_half_way: "broke off at .* MB",
    without_length_cut_off: "another file",
    says_it_is_shorter: "another file",
    another_file: "another file .*log-in page",
    log_in_page: "another file .*log-in page",
    round_in_circles: "redirects in a circle",
    not_there: "does not have http",
    failing: "error 500",
    hanging: "sent nothing for 0.3 seconds",
    silent: "sent nothing for 0.3 seconds",
    endless: "more than any published file",
    no_http: "cannot be reached, or the connection broke off",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_is_told_in_a_sentence_leaves_no_file_and_later_all_is_well(cache, server, network, monkeypatch, fault):
    monkeypatch.setattr(download, "TIMEOUT", 0.3)
    monkeypatch.setattr(download, "LARGEST", 1_000_000)
    server.answers = [fault]
    with pytest.raises(Unavailable, match=FAULTS[fault]) as caught:
        get()
    message = str(caught.value)
    assert message.startswith(CHECKPOINTS["tiny"].file) and message.endswith(".")
    for way_out in ("another network", download.MIRROR, 'load("thin")'):
        assert way_out in message
    assert not file_in(cache).exists()
    monkeypatch.setattr(download, "TIMEOUT", 20)
    server.answers = [whole]
    assert_right(get(), network)


@pytest.mark.parametrize("fault", [another_file, log_in_page, endless], ids=lambda fault: fault.__name__)
def test_of_wrong_bytes_nothing_is_kept(cache, server, monkeypatch, fault):
    monkeypatch.setattr(download, "LARGEST", 1_000_000)
    server.answers = [fault]
    with pytest.raises(Unavailable):
        get()
    assert sum(file.stat().st_size for file in cache.iterdir()) == 0


def test_an_absent_server_is_told_in_a_sentence(cache, server, network, monkeypatch):
    absent = Server(b"")
    absent.server_close()
    monkeypatch.setenv(download.MIRROR, absent.url)
    with pytest.raises(Unavailable, match="127.0.0.1 cannot be reached"):
        get()
    monkeypatch.setenv(download.MIRROR, server.url)
    assert_right(get(), network)


def test_an_unknown_address_is_told_in_a_sentence(cache, monkeypatch):
    monkeypatch.setenv(download.MIRROR, "http://no-such-host.invalid")
    with pytest.raises(Unavailable, match="address no-such-host.invalid is not found"):
        get()


def test_a_server_that_cannot_prove_itself_is_told_in_a_sentence(cache, server, monkeypatch):
    monkeypatch.setenv(download.MIRROR, server.url.replace("http:", "https:"))
    with pytest.raises(Unavailable, match="cannot prove its identity"):
        get()


def test_a_damaged_file_in_the_cache_is_not_used_but_fetched_again(cache, server, network, content):
    get()
    file_in(cache).write_bytes(content[:-1] + b"?")
    assert_right(get(), network)
    assert server.ranges == [None, None]
    assert file_in(cache).read_bytes() == content


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_a_full_disk_is_told_in_a_sentence(cache, network):
    cache.mkdir(parents=True)
    part_in(cache).symlink_to("/dev/full")
    with pytest.raises(Unavailable, match="disk is full.*TORCH_HOME"):
        get()
    assert not file_in(cache).exists()
    part_in(cache).unlink()
    assert_right(get(), network)


def test_a_cache_that_cannot_be_written_is_told_in_a_sentence(cache, tmp_path):
    (tmp_path / "home").write_text("a file where a folder should be")
    with pytest.raises(Unavailable, match=r"cannot be written \(.*TORCH_HOME"):
        get()


# ── A classroom's own mirror ─────────────────────────────────────────────────────────────────────────────────


def test_without_a_mirror_files_come_from_pytorch_org(monkeypatch):
    monkeypatch.delenv(download.MIRROR, raising=False)
    file = CHECKPOINTS["resnet50"].file
    assert download.source(file) == "https://download.pytorch.org/models/resnet50-0676ba61.pth"
    monkeypatch.setenv(download.MIRROR, "  ")
    assert download.source(file) == "https://download.pytorch.org/models/resnet50-0676ba61.pth"


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("form", ["folder", "address of a folder", "address"])
def test_a_mirror_is_a_folder_or_an_address(cache, server, network, content, monkeypatch, tmp_path, form, slash):
    folder = tmp_path / "weights of the class"
    folder.mkdir()
    (folder / CHECKPOINTS["tiny"].file).write_bytes(content)
    mirror = {"folder": str(folder), "address of a folder": folder.as_uri(), "address": server.url}[form]
    monkeypatch.setenv(download.MIRROR, mirror + slash)
    assert_right(get(), network)
    assert len(server.ranges) == (form == "address")


def test_a_mirrors_altered_file_is_not_used(cache, content, monkeypatch, tmp_path):
    (tmp_path / CHECKPOINTS["tiny"].file).write_bytes(content[:-1] + b"?")
    monkeypatch.setenv(download.MIRROR, str(tmp_path))
    with pytest.raises(Unavailable, match="another file"):
        get()
    assert not file_in(cache).exists()


def test_a_mirror_without_the_file_is_told_in_a_sentence(cache, monkeypatch, tmp_path):
    monkeypatch.setenv(download.MIRROR, str(tmp_path / "nowhere"))
    with pytest.raises(Unavailable, match="there is no file:.*nowhere"):
        get()


@pytest.mark.parametrize("address", ["ftp://example.org/models", "javascript://alert"])
def test_a_mirror_that_is_no_address_is_refused(cache, monkeypatch, address):
    monkeypatch.setenv(download.MIRROR, address)
    with pytest.raises(ValueError, match=f"{download.MIRROR} is '{address}'"):
        get()


def test_a_file_that_is_here_needs_neither_network_nor_mirror(cache, network, monkeypatch):
    get()
    monkeypatch.setenv(download.MIRROR, "ftp://example.org/models")
    assert_right(get(), network)


# ── Two processes, and one that is killed ────────────────────────────────────────────────────────────────────


def test_two_at_once_download_the_file_once(cache, server, network):
    server.answers = [slow]
    loaded = []
    threads = [threading.Thread(target=lambda: loaded.append(get())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(loaded) == 2
    for one in loaded:
        assert_right(one, network)
    assert server.ranges == [None]


@pytest.mark.slow
def test_a_killed_process_leaves_nothing_that_loads_and_whoever_waited_for_it_goes_on(
    cache, server, network, monkeypatch
):
    def drip(request, content):
        whole(request, content, pause=60)

    server.answers = [drip]
    code = f"from resnet_lib.weights.download import fetch; fetch({CHECKPOINTS['tiny'].file!r}, lambda *_: None)"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)  # writes 16,384 bytes, and waits for more
    try:
        deadline = time.monotonic() + 60
        while not (part_in(cache).exists() and server.ranges) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert server.ranges == [None]
        server.answers = [whole]
        waited = threading.Event()

        def kill(done, total):
            if total is None and not waited.is_set():  # told while it waits for the other process
                waited.set()
                assert process.poll() is None
                process.kill()
                process.wait(20)
                assert not file_in(cache).exists()

        assert_right(load("tiny", progress=kill), network)
        assert waited.is_set()
    finally:
        process.kill()
        process.wait(20)
    assert len(server.ranges) == 2
    assert [file.name for file in cache.iterdir() if file.suffix != ".lock"] == [file_in(cache).name]
