from __future__ import annotations

import hashlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from viseme.errors import InputError, OutputError
from viseme.remote import Remote, download

BODY = bytes(range(256)) * 9000  # more than two chunks
HALF = 1_000_123


class Server:
    """The one file of the loopback server: its body and faults are the page's own fields."""

    def __init__(self, loopback: Any) -> None:
        self.loopback, self.page = loopback, loopback.put("/toy.pth", BODY)

    @property
    def remote(self) -> Remote:
        return toy(self.loopback.url)

    @property
    def asked(self) -> list[str | None]:
        """The ranges asked for."""
        return [range for _, _, range in self.loopback.asked]


def toy(url: str) -> Remote:
    return Remote("toy", f"{url}/toy.pth", len(BODY), hashlib.sha256(BODY).hexdigest(), "ask for it")


@pytest.fixture
def server(loopback: Any) -> Server:
    return Server(loopback)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "weights" / "toy.pth"


@pytest.fixture
def partial(target: Path) -> Path:
    target.parent.mkdir()
    return target.with_name("toy.pth.partial")


@pytest.fixture(autouse=True)
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses made, in no time."""
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    return pauses


def fails(remote: Remote, target: Path, match: str) -> str:
    """The one line that a download ends with."""
    with pytest.raises(InputError, match=match) as error:
        download(remote, target)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_downloaded_once(server: Server, target: Path) -> None:
    download(server.remote, target)
    download(server.remote, target)
    assert target.read_bytes() == BODY
    assert server.asked == [None]
    assert list(target.parent.iterdir()) == [target]


def test_carries_on_where_it_broke_off(server: Server, target: Path) -> None:
    server.page.cut = HALF
    server.page.ranges = False
    fails(server.remote, target, f"^toy: .* broke off after {HALF} of {len(BODY)} bytes .*the same command again")
    assert not target.exists()
    server.page.cut, server.page.ranges = None, True
    server.loopback.asked.clear()
    download(server.remote, target)
    assert target.read_bytes() == BODY
    assert server.asked == [f"bytes={HALF}-"]


def test_a_connection_that_breaks_off_is_tried_again(server: Server, target: Path, waited: list[float]) -> None:
    server.page.cut = HALF
    download(server.remote, target)
    assert target.read_bytes() == BODY
    assert server.asked == [None, f"bytes={HALF}-", f"bytes={2 * HALF}-"]
    assert waited == [1, 1]


def test_a_server_that_gives_nothing_is_given_up(server: Server, target: Path, waited: list[float]) -> None:
    server.page.cut = 0
    fails(server.remote, target, "broke off after 0 of")
    assert len(server.asked) == 4
    assert waited == [1, 4, 16]


def test_a_busy_server_is_tried_again(server: Server, target: Path, waited: list[float]) -> None:
    server.page.busy, server.page.retry = 2, "9"
    download(server.remote, target)
    assert target.read_bytes() == BODY
    assert waited == [9, 9]
    target.unlink()
    server.page.busy, server.page.retry = 1, "86400"
    download(server.remote, target)
    assert waited[2:] == [60]


def test_begins_anew_where_the_server_cannot_go_on(server: Server, target: Path, partial: Path) -> None:
    partial.write_bytes(b"other" * 100)
    server.page.ranges = False
    download(server.remote, target)
    assert target.read_bytes() == BODY


def test_what_came_whole_but_wrong_is_thrown_away(server: Server, target: Path, partial: Path) -> None:
    partial.write_bytes(bytes(len(BODY)))
    fails(server.remote, target, "another file than the one known by its SHA-256; ask for it")
    download(server.remote, target)
    assert target.read_bytes() == BODY


def test_what_came_and_is_too_long_is_thrown_away(server: Server, target: Path, partial: Path) -> None:
    partial.write_bytes(bytes(len(BODY) + 1))
    download(server.remote, target)
    assert target.read_bytes() == BODY


def test_another_file_is_refused(server: Server, target: Path) -> None:
    server.page.body = BODY[:-1] + b"x"
    fails(server.remote, target, "another file than the one known by its SHA-256; ask for it")
    assert list(target.parent.iterdir()) == []


def test_what_follows_the_file_is_not_read(server: Server, target: Path) -> None:
    server.page.body = BODY + b"more"
    download(server.remote, target)
    assert target.read_bytes() == BODY


def test_a_shorter_file_elsewhere(server: Server, target: Path) -> None:
    server.page.body = BODY[:HALF]
    fails(server.remote, target, f"another file than the one known, of {HALF} bytes instead of {len(BODY)}; ask for it")
    server.page.body = BODY
    download(server.remote, target)
    assert target.read_bytes() == BODY


@pytest.mark.parametrize(("status", "tries"), [(404, 1), (403, 1), (429, 4), (503, 4)])
def test_a_server_that_refuses(server: Server, target: Path, status: int, tries: int) -> None:
    server.page.status = status
    line = fails(server.remote, target, f"^toy: http://.*toy.pth answers {status} .*; try again later, or ask for it$")
    assert ("quota" in line) == (status in (403, 429))
    assert len(server.asked) == tries
    assert not target.exists()


def test_offline(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    closed = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    port = closed.server_port
    closed.server_close()
    fails(toy(f"http://127.0.0.1:{port}"), target, "cannot be reached .*refused.*; go online, or ask for it$")


def test_a_damaged_file_is_fetched_again(server: Server, target: Path, partial: Path) -> None:
    target.write_bytes(b"torn")
    download(server.remote, target)
    assert target.read_bytes() == BODY


def test_a_place_that_cannot_be_written(server: Server, target: Path) -> None:
    target.parent.write_text("in the way")
    with pytest.raises(OutputError, match="cannot be written"):
        download(server.remote, target)
