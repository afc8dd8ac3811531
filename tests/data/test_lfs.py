from __future__ import annotations

import hashlib
import io
import json
import tarfile

import pytest

from viseme.data.fetch import Entry, fetch
from viseme.data.lfs import Lfs, parse_pointer
from viseme.errors import InputError
from viseme.remote import Remote

BODIES = {"VideoFlash/one.flv": b"one" * 100, "AudioWAV/one.wav": b"sound", "AudioWAV/two.wav": b"sound"}
BATCH = "/media.git/info/lfs/objects/batch"


def sha(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def pointer(body: bytes) -> bytes:
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha(body)}\nsize {len(body)}\n".encode()


def archive(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for path, body in files.items():
            member = tarfile.TarInfo(f"media-master/{path}")
            member.size = len(body)
            tar.addfile(member, io.BytesIO(body))
        link = tarfile.TarInfo("media-master/link.flv")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    return packed.getvalue()


@pytest.fixture(autouse=True)
def waited(monkeypatch) -> list[float]:
    """The pauses made, in no time."""
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    return pauses


@pytest.fixture
def source(loopback) -> Lfs:
    """A repository with pointers, plain files and a link, and the server of its media."""
    plain = {"README.md": b"about", "table.csv": b"1,2\n" * 1000}
    loopback.put("/media.tar.gz", archive({path: pointer(body) for path, body in BODIES.items()} | plain))
    by_oid = {sha(body): body for body in BODIES.values()}
    for oid, body in by_oid.items():
        loopback.put(f"/objects/{oid}", body)

    def answer(posted: bytes) -> bytes:
        asked = json.loads(posted)
        assert (asked["operation"], asked["transfers"]) == ("download", ["basic"])
        return json.dumps({"transfer": "basic", "objects": [told(one) for one in asked["objects"]]}).encode()

    def told(one: dict) -> dict:
        if one["oid"] not in by_oid:
            return {**one, "error": {"code": 404, "message": "Object does not exist"}}
        link = {"href": f"{loopback.url}/objects/{one['oid']}", "header": {"X-Key": "secret"}, "expires_in": 60}
        return {**one, "actions": {"download": link}}

    loopback.put(BATCH, b"", answer=answer)
    return Lfs(f"{loopback.url}/media.tar.gz", f"{loopback.url}/media.git", "use another mirror")


def test_pointers_are_read():
    assert parse_pointer(pointer(b"abc")) == (sha(b"abc"), 3)
    for bad in (
        b"",
        b"FLV\x01",
        pointer(b"abc")[:-1],
        pointer(b"abc") + b"x",
        pointer(b"abc").replace(b"sha256", b"md5"),
    ):
        assert parse_pointer(bad) is None


def test_the_archive_says_which_files_there_are(source):
    assert sorted(source.entries(), key=lambda one: one.path) == [
        Entry(path, len(BODIES[path]), sha(BODIES[path])) for path in sorted(BODIES)
    ]


def test_links_carry_the_servers_headers(source, loopback):
    entries = source.entries()
    links = source.links(entries)
    assert all(isinstance(link, Remote) for link in links)
    assert links[0].headers == (("X-Key", "secret"),)
    assert loopback.headers[-1]["Content-Type"] == loopback.headers[-1]["Accept"] == "application/vnd.git-lfs+json"


def test_media_come_in_the_place_of_pointers(source, loopback, tmp_path):
    for path, body in BODIES.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(pointer(body))
    report = fetch(source, source.entries(), tmp_path)
    assert (report.fetched, report.failed) == (3, ())
    assert {path: (tmp_path / path).read_bytes() for path in BODIES} == BODIES
    assert loopback.headers[-1]["X-Key"] == "secret"


def test_an_object_that_is_not_there_is_named(source, tmp_path):
    entries = [*source.entries(), Entry("AudioWAV/lost.wav", 4, sha(b"lost"))]
    report = fetch(source, entries, tmp_path)
    assert report.fetched == 3
    assert [path for path, _ in report.failed] == ["AudioWAV/lost.wav"]
    assert report.failed[0][1].endswith("answers 404 (Object does not exist); use another mirror")


@pytest.mark.parametrize(("status", "tries"), [(403, 1), (429, 4), (509, 1), (503, 4)])
def test_a_batch_that_is_refused_tells_what_the_server_says(source, loopback, tmp_path, status, tries):
    entries = source.entries()
    loopback.put(BATCH, b'{"message": "This repository exceeded its\\nLFS budget."}', status=status)
    report = fetch(source, entries, tmp_path)
    assert (report.fetched, report.failed, report.untried) == (0, (), 3)
    assert f"answers {status} " in report.stopped
    assert "(This repository exceeded its LFS budget)" in report.stopped
    assert report.stopped.endswith("try again later, or use another mirror")
    assert ("quota of downloads is spent" in report.stopped) == (status != 503)
    assert loopback.paths().count(BATCH) == tries


def test_a_busy_server_is_asked_again_after_the_time_it_says(source, loopback, tmp_path, waited):
    loopback.pages[BATCH].busy, loopback.pages[BATCH].retry = 2, "9"
    assert fetch(source, source.entries(), tmp_path).failed == ()
    assert waited == [9, 9]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"objects": 3}', b'{"objects": [4]}', b"[" * 100_000])
def test_an_answer_that_is_none(source, loopback, body):
    entries = source.entries()
    loopback.put(BATCH, body)
    with pytest.raises(InputError, match=r"does not answer as a git-lfs server; use another mirror$"):
        source.links(entries)


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"actions": {}},
        {"actions": {"download": {}}},
        {"actions": {"download": {"href": "u", "header": [1]}}},
        {"error": {"code": "?", "message": ""}},
        {"error": {"code": float("inf"), "message": ""}},
        {"error": "no"},
    ],
)
def test_an_object_without_a_link(source, loopback, told):
    entries = source.entries()
    loopback.put(BATCH, json.dumps({"objects": [{"oid": one.digest, **told} for one in entries]}).encode())
    for link in source.links(entries):
        assert isinstance(link, InputError)
        assert "gives no link to it" in str(link)


@pytest.mark.parametrize("href", ["file:///etc/passwd", "ftp://x/y", "http://x y/", "", "http://[::1"])
def test_a_link_that_is_no_http_address(source, loopback, tmp_path, href):
    entries = source.entries()
    told = [{"oid": one.digest, "actions": {"download": {"href": href}}} for one in entries]
    loopback.put(BATCH, json.dumps({"objects": told}).encode())
    report = fetch(source, entries, tmp_path)
    assert len(report.failed) == 3


def test_a_header_that_would_break_the_request(source, loopback, tmp_path):
    entries = source.entries()
    action = {"href": f"{loopback.url}/objects/x", "header": {"A": "b\r\nC: d"}}
    loopback.put(
        BATCH,
        json.dumps({"objects": [{"oid": one.digest, "actions": {"download": action}} for one in entries]}).encode(),
    )
    report = fetch(source, entries, tmp_path)
    assert len(report.failed) == 3
    assert all("\n" not in reason for _, reason in report.failed)


def test_an_archive_that_is_none(source, loopback):
    whole = loopback.pages["/media.tar.gz"].body
    for body in (b"", b"<html>", whole[:-40], whole[:20], b"\x1f\x8b" + bytes(100)):
        loopback.put("/media.tar.gz", body)
        with pytest.raises(InputError, match=r"is no whole archive .*; use another mirror$"):
            source.entries()
    loopback.put("/media.tar.gz", archive({"README.md": b"about"}))
    with pytest.raises(InputError, match=r"holds no pointers of git-lfs; use another mirror$"):
        source.entries()


def test_an_archive_too_large_is_not_read(source, monkeypatch):
    monkeypatch.setattr("viseme.data.lfs.ARCHIVE_LIMIT", 100)
    with pytest.raises(InputError, match="gives more than 100 bytes"):
        source.entries()
    monkeypatch.undo()
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr("viseme.data.lfs.UNPACKED_LIMIT", 1000)
    with pytest.raises(InputError, match="it unpacks to more than a list of files"):
        source.entries()


@pytest.mark.parametrize("what", ["a map that is none", "headers without end"])
def test_an_archive_that_leads_its_reader_astray(source, loopback, what):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", format=tarfile.PAX_FORMAT) as tar:
        member = tarfile.TarInfo("media-master/x.flv")
        if what == "a map that is none":
            member.pax_headers = {"GNU.sparse.map": "one,two"}
            tar.addfile(member)
        else:
            member.pax_headers = {"comment": "again"}
            head = member.tobuf(tarfile.PAX_FORMAT)[: 2 * tarfile.BLOCKSIZE]
            tar.fileobj.write(head * 2000)
    loopback.put("/media.tar.gz", packed.getvalue())
    with pytest.raises(InputError, match=r"is no whole archive .*; use another mirror$"):
        source.entries()
