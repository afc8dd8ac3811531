from __future__ import annotations

import contextlib
import hashlib
import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from viseme.data import fetch as fetching
from viseme.data.fetch import BATCH, PATIENCE, Entry, check_plan, fetch
from viseme.errors import InputError, OutputError
from viseme.http import Refused
from viseme.remote import Remote

LONG = bytes(range(256)) * 9000  # more than two chunks


@dataclass
class Shelf:
    """A source whose links are given in batches, or refused."""

    url: str
    refused: dict[str, InputError] = field(default_factory=dict)
    spent: int | None = None
    """Links are no more given after so many batches."""
    batches: list[int] = field(default_factory=list)

    def entries(self) -> list[Entry]:
        raise AssertionError

    def links(self, entries: Sequence[Entry]) -> list[Remote | InputError]:
        if self.spent is not None and len(self.batches) >= self.spent:
            raise InputError("links: quota spent")
        self.batches.append(len(entries))
        return [self.refused.get(one.path) or self._link(one) for one in entries]

    def _link(self, one: Entry) -> Remote:
        return Remote(one.path, f"{self.url}/{one.path}", one.size, one.digest, "ask for it", one.algorithm)


def entry(path: str, body: bytes, algorithm: str = "sha256") -> Entry:
    return Entry(path, len(body), hashlib.new(algorithm, body).hexdigest(), algorithm)


@pytest.fixture
def stock(loopback) -> list[Entry]:
    """Seven files of a server, one of them empty and one long."""
    bodies = {f"a/{number}.wav": bytes([number]) * 1000 * number for number in range(6)} | {"b/long.flv": LONG}
    for path, body in bodies.items():
        loopback.put(f"/{path}", body)
    return [entry(path, body) for path, body in bodies.items()]


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses made, in no time."""
    pauses: list[float] = []
    monkeypatch.setattr(fetching._Work, "_pause", lambda _, seconds: pauses.append(seconds))
    return pauses


def test_all_come_in_parallel_and_once(loopback, stock, tmp_path):
    report = fetch(Shelf(loopback.url), stock, tmp_path, jobs=3)
    assert (report.files, report.kept, report.fetched, report.failed, report.untried) == (7, 0, 7, (), 0)
    assert report.size == sum(one.size for one in stock)
    for one in stock:
        assert (tmp_path / one.path).read_bytes() == loopback.pages[f"/{one.path}"].body
    assert not list(tmp_path.rglob("*.partial"))
    asked = len(loopback.asked)
    assert asked == 6  # nobody asks for an empty file
    again = fetch(Shelf(loopback.url), stock, tmp_path)
    assert (again.kept, again.fetched, len(loopback.asked)) == (7, 0, asked)


def test_what_is_damaged_or_cut_is_fetched_again_and_the_rest_left(loopback, stock, tmp_path):
    fetch(Shelf(loopback.url), stock, tmp_path)
    loopback.asked.clear()
    (tmp_path / "a/3.wav").write_bytes(bytes(3000))
    (tmp_path / "b/long.flv").write_bytes(LONG[:99])
    report = fetch(Shelf(loopback.url), stock, tmp_path)
    assert (report.kept, report.fetched) == (5, 2)
    assert sorted(loopback.paths()) == ["/a/3.wav", "/b/long.flv"]
    assert (tmp_path / "b/long.flv").read_bytes() == LONG


def test_carries_on_within_a_file(loopback, tmp_path):
    loopback.put("/long.flv", LONG)
    (tmp_path / "long.flv.partial").write_bytes(LONG[:1_500_000])
    fetch(Shelf(loopback.url), [entry("long.flv", LONG)], tmp_path)
    assert loopback.asked == [("GET", "/long.flv", "bytes=1500000-")]
    assert (tmp_path / "long.flv").read_bytes() == LONG


def test_known_by_md5(loopback, tmp_path):
    loopback.put("/one.zip", b"right")
    loopback.put("/two.zip", b"wrong")
    report = fetch(
        Shelf(loopback.url), [entry("one.zip", b"right", "md5"), entry("two.zip", b"other", "md5")], tmp_path
    )
    assert (tmp_path / "one.zip").read_bytes() == b"right"
    assert [path for path, _ in report.failed] == ["two.zip"]
    assert "another file than the one known by its MD5; ask for it" in report.failed[0][1]


def test_failures_are_named_and_keep_nothing_else_from_coming(loopback, stock, tmp_path, waited):
    loopback.pages["/a/1.wav"].body = b"x" * 1000
    loopback.pages["/a/2.wav"].cut = 0
    loopback.pages["/a/3.wav"].body = b"short"
    del loopback.pages["/a/4.wav"]
    report = fetch(Shelf(loopback.url), stock, tmp_path, jobs=2)
    assert (report.fetched, report.untried) == (3, 0)
    reasons = dict(report.failed)
    assert "SHA-256" in reasons["a/1.wav"]
    assert "broke off after 0 of 2000 bytes" in reasons["a/2.wav"]
    assert "of 5 bytes instead of 3000" in reasons["a/3.wav"]
    assert "answers 404" in reasons["a/4.wav"]
    assert sorted(waited) == [1, 1, 4, 16]  # of a/2.wav, and of a/3.wav before it is found too short
    assert not (tmp_path / "a/1.wav").exists()


def test_a_length_that_is_a_lie(loopback, tmp_path, waited):
    loopback.put("/more", LONG, promised=len(LONG) + 10)
    loopback.put("/less", LONG, promised=1_000_000)
    assert fetch(Shelf(loopback.url), [entry("more", LONG), entry("less", LONG)], tmp_path).failed == ()
    assert (tmp_path / "more").read_bytes() == (tmp_path / "less").read_bytes() == LONG
    assert ("GET", "/less", "bytes=2000000-") in loopback.asked


def test_a_connection_that_breaks_off_and_a_busy_server_are_tried_again(loopback, tmp_path, waited):
    loopback.put("/long.flv", LONG, cut=1_000_123, busy=2, retry="7")
    report = fetch(Shelf(loopback.url), [entry("long.flv", LONG)], tmp_path)
    assert (report.fetched, report.failed) == (1, ())
    assert (tmp_path / "long.flv").read_bytes() == LONG
    assert waited == [7, 7, 1, 1]


@pytest.mark.parametrize("status", [429, 509])
def test_a_spent_quota_ends_it(loopback, tmp_path, waited, status):
    entries = [entry(f"{number:02}", b"body") for number in range(30)]
    for one in entries:
        loopback.put(f"/{one.path}", b"body")
    for one in entries[4:]:
        loopback.put(f"/{one.path}", b'{"message": "over its data quota."}', status=status)
    report = fetch(Shelf(loopback.url), entries, tmp_path, jobs=2)
    assert report.fetched == 4
    assert 1 <= len(report.failed) <= 2
    assert report.untried == 26 - len(report.failed)
    assert f"answers {status}" in report.stopped
    assert "(over its data quota), perhaps since the quota of downloads is spent" in report.stopped
    for one in entries:
        loopback.put(f"/{one.path}", b"body")
    assert fetch(Shelf(loopback.url), entries, tmp_path).kept == 4


def test_many_failures_in_a_row_end_it_but_scattered_ones_do_not(loopback, tmp_path):
    entries = [entry(f"{number:02}", b"body") for number in range(40)]
    for one in entries[::2]:
        loopback.put(f"/{one.path}", b"body")
    assert fetch(Shelf(loopback.url), entries, tmp_path, jobs=1).untried == 0
    report = fetch(Shelf(loopback.url), entries, tmp_path, jobs=1)
    assert (report.kept, len(report.failed), report.untried) == (20, PATIENCE, 10)
    assert report.stopped == f"{PATIENCE} files in a row failed"


def test_links_are_asked_for_in_batches_and_of_what_is_missing_alone(loopback, tmp_path):
    entries = [entry(f"{number:03}", b"body") for number in range(BATCH + 30)]
    for one in entries:
        loopback.put(f"/{one.path}", b"body")
    (tmp_path / "000").write_bytes(b"body")
    source = Shelf(loopback.url, refused={"001": Refused("001: gone", code=404)})
    report = fetch(source, entries, tmp_path)
    assert source.batches == [BATCH, 29]
    assert (report.kept, report.fetched, report.failed) == (1, BATCH + 28, (("001", "001: gone"),))


def test_links_that_are_refused_end_it(loopback, tmp_path):
    entries = [entry(f"{number:03}", b"body") for number in range(BATCH + 30)]
    for one in entries:
        loopback.put(f"/{one.path}", b"body")
    report = fetch(Shelf(loopback.url, spent=1), entries, tmp_path)
    assert (report.fetched, report.failed, report.untried) == (BATCH, (), 30)
    assert report.stopped == "links: quota spent"
    source = Shelf(loopback.url, refused={one.path: Refused("x: spent", code=509) for one in entries})
    assert fetch(source, entries, tmp_path).stopped == "x: spent"


def test_interrupted_it_keeps_what_came(loopback, tmp_path, monkeypatch):
    loopback.put("/slow", LONG, busy=9, retry="60")
    loopback.put("/fast", LONG)

    def wait(*_arguments: object, **_options: object) -> None:
        asked.wait(10)
        raise KeyboardInterrupt

    entries = [entry("slow", LONG), entry("fast", LONG)]
    asked = threading.Event()
    pause = fetching._Work._pause
    monkeypatch.setattr(fetching._Work, "_pause", lambda work, seconds: (asked.set(), pause(work, seconds)))
    monkeypatch.setattr(fetching, "wait", wait)
    with pytest.raises(KeyboardInterrupt):
        fetch(Shelf(loopback.url), entries, tmp_path)
    assert loopback.paths().count("/slow") == 1  # the minute's pause was called off
    monkeypatch.undo()
    monkeypatch.setenv("no_proxy", "*")
    loopback.pages["/slow"].busy = 0
    assert fetch(Shelf(loopback.url), entries, tmp_path).failed == ()
    assert (tmp_path / "slow").read_bytes() == (tmp_path / "fast").read_bytes() == LONG


def test_room_is_looked_for_first(loopback, stock, tmp_path, monkeypatch):
    needed = sum(one.size for one in stock) - 1_000_000
    (tmp_path / "b").mkdir()
    (tmp_path / "b/long.flv.partial").write_bytes(LONG[:1_000_000])
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=needed - 1))
    with pytest.raises(OutputError, match=r"still to come, and the disk has .* GB free; make room"):
        fetch(Shelf(loopback.url), stock, tmp_path)
    assert loopback.asked == []
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=needed))
    assert fetch(Shelf(loopback.url), stock, tmp_path).failed == ()


def test_a_place_that_cannot_be_written(loopback, stock, tmp_path):
    (tmp_path / "dest").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be written"):
        fetch(Shelf(loopback.url), stock, tmp_path / "dest")


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "a/../../x",
        "/etc/x",
        "a//b",
        "",
        "a/",
        ".git/hooks/x",
        "a\\..\\x",
        "a\nb",
        "a/x.partial",
        "a" * 300,
        "a/" * 1500 + "x",
        "a" * 200 + ("/" + "a" * 200) * 25,
        "a\0b",
        "\udc80",
    ],
)
def test_paths_that_lead_elsewhere_are_refused(loopback, tmp_path, path):
    bad = Entry(path, 4, "0" * 64)
    with pytest.raises(InputError, match="which is no path below a folder") as error:
        check_plan([bad], "the list")
    assert "\n" not in str(error.value)
    with pytest.raises(InputError):
        fetch(Shelf(loopback.url), [bad], tmp_path / "dest")
    assert loopback.asked == []
    assert list(tmp_path.iterdir()) == []


def test_a_path_named_twice_is_refused():
    with pytest.raises(InputError, match="names a/x twice"):
        check_plan([entry("a/x", b"1"), entry("a/x", b"2")], "the list")


@pytest.mark.parametrize(
    "bad", [Entry("x", -1, "0" * 64), Entry("x", 10**400, "0" * 64), Entry("x", 1, "0" * 8, "crc32")]
)
def test_an_entry_that_cannot_be_checked_is_refused(bad):
    with pytest.raises(InputError, match="does not say x's size and digest"):
        check_plan([bad], "the list")


def test_paths_are_relative_to_the_destination(loopback, tmp_path):
    loopback.put("/deep/down/x", b"body")
    fetch(Shelf(loopback.url), [entry("deep/down/x", b"body")], Path(tmp_path, "new", "place"))
    assert (tmp_path / "new/place/deep/down/x").read_bytes() == b"body"


@pytest.mark.parametrize("planted", ["a", "a/x", "a/x.partial"])
def test_links_in_the_destination_lead_nowhere(loopback, tmp_path, planted):
    victim, dest = tmp_path / "victim", tmp_path / "dest"
    (victim / "b").mkdir(parents=True)
    (victim / "x").write_bytes(b"my")
    (dest / planted).parent.mkdir(parents=True, exist_ok=True)
    (dest / planted).symlink_to(victim if planted == "a" else victim / "x")
    loopback.put("/a/x", b"body")
    with contextlib.suppress(OutputError):
        fetch(Shelf(loopback.url), [entry("a/x", b"body")], dest)
    assert (victim / "x").read_bytes() == b"my"
    assert sorted(path.name for path in victim.iterdir()) == ["b", "x"]
