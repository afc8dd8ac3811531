from __future__ import annotations

import hashlib
import json
import re

import pytest

from viseme.data.fetch import Entry, fetch
from viseme.data.lfs import Lfs
from viseme.data.sources import MANIFEST, OFFERS, Mirror, Zenodo, plan
from viseme.errors import InputError


def entries(*paths: str) -> list[Entry]:
    return [Entry(path, 1, "0" * 64) for path in paths]


def paths(chosen: list[Entry]) -> list[str]:
    return [one.path for one in chosen]


def record(loopback, *files: object) -> Zenodo:
    loopback.put("/api/7", json.dumps({"files": files}).encode())
    return Zenodo(7, f"{loopback.url}/api")


def told(loopback, key: str, body: bytes) -> dict[str, object]:
    loopback.put(f"/files/{key}", body)
    checksum = f"md5:{hashlib.md5(body).hexdigest()}"
    return {"key": key, "size": len(body), "checksum": checksum, "links": {"self": f"{loopback.url}/files/{key}"}}


def test_a_record_of_zenodo(loopback, tmp_path):
    source = record(loopback, told(loopback, "s1.zip", b"first"), told(loopback, "s2.zip", b"second"))
    report = fetch(source, source.entries(), tmp_path)
    assert (report.fetched, report.failed) == (2, ())
    assert (tmp_path / "s1.zip").read_bytes() == b"first"
    loopback.put("/files/s2.zip", b"secone")
    (tmp_path / "s2.zip").unlink()
    report = fetch(source, source.entries(), tmp_path)
    assert report.failed[0][1].endswith("MD5; get it from https://zenodo.org/records/7 by a browser")


@pytest.mark.parametrize(
    "change",
    [{"checksum": "0" * 32}, {"checksum": "crc:00"}, {"checksum": None}, {"size": "7"}, {"size": None}, {"links": {}}],
)
def test_a_record_that_does_not_tell_its_files(loopback, change):
    source = record(loopback, {**told(loopback, "s1.zip", b"first"), **change})
    with pytest.raises(InputError, match="does not tell name, size, checksum and link of files; get it from"):
        source.entries()


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"files": 3}', b'{"files": [3]}'])
def test_a_record_that_is_none(loopback, body):
    source = record(loopback)
    loopback.put("/api/7", body)
    with pytest.raises(InputError, match="does not tell"):
        source.entries()


def test_a_mirror(loopback, tmp_path):
    bodies = {"s1/bbaf2n.mpg": b"one", "s1/a clip #2.mpg": b"two"}
    lines = [f"{hashlib.sha256(body).hexdigest().upper()}  {len(body)}  ./{path}" for path, body in bodies.items()]
    loopback.put(f"/grid/{MANIFEST}", "\n".join(["# made by hand", "", *lines, ""]).encode())
    loopback.put("/grid/s1/bbaf2n.mpg", b"one")
    loopback.put("/grid/s1/a%20clip%20%232.mpg", b"two")
    source, wanted = plan("grid", f"{loopback.url}/grid/")
    assert source == Mirror(f"{loopback.url}/grid/")
    assert fetch(source, wanted, tmp_path).failed == ()
    assert {path: (tmp_path / path).read_bytes() for path in bodies} == bodies


@pytest.mark.parametrize("line", ["x", f"{'0' * 64}  x", f"{'0' * 64}  -1  x", f"{'0' * 63}  1  x", f"{'0' * 64}  1"])
def test_a_line_that_is_none(loopback, line):
    loopback.put(f"/{MANIFEST}", f"{'0' * 64}  1  good\n{line}\n".encode())
    with pytest.raises(InputError, match=f"{MANIFEST}: line 2 is not sha256, size in bytes, path; mend it$"):
        Mirror(loopback.url).entries()


@pytest.mark.parametrize("path", ["../../.ssh/authorized_keys", "/etc/cron.d/x", ".git/hooks/post-checkout"])
def test_a_mirror_that_leads_out_of_the_folder_is_refused(loopback, path):
    loopback.put(f"/{MANIFEST}", f"{'0' * 64}  1  good\n{'0' * 64}  1  {path}\n".encode())
    with pytest.raises(InputError, match=f"names '{re.escape(path)}', which is no path below a folder"):
        plan("grid", loopback.url)


def test_a_mirror_without_a_list(loopback):
    with pytest.raises(InputError, match=r"answers 404 .*; try again later, or give --url a folder that holds one"):
        plan("ravdess", loopback.url)


def test_what_each_corpus_takes_and_whose_it_is():
    cremad = entries("VideoFlash/1001_DFA_ANG_XX.flv", "AudioWAV/1002_DFA_ANG_XX.wav", "AudioMP3/1001_DFA_ANG_XX.mp3")
    assert paths(OFFERS["cremad"].select(cremad, (), ())) == [cremad[1].path, cremad[0].path]
    assert paths(OFFERS["cremad"].select(cremad, (), ["1001"])) == [cremad[0].path]
    grid = entries("s1.zip", "s12.zip", "alignments.zip", "audio_25k.zip", "jasagrid.pdf")
    assert paths(OFFERS["grid"].select(grid, (), ())) == ["s1.zip", "s12.zip"]
    assert paths(OFFERS["grid"].select(grid, (), ["s1"])) == ["s1.zip"]
    ravdess = entries("Video_Speech_Actor_01.zip", "Video_Song_Actor_02.zip", "Audio_Speech_Actors_01-24.zip")
    assert paths(OFFERS["ravdess"].select(ravdess, (), ["Actor_01"])) == ["Video_Speech_Actor_01.zip"]
    assert len(OFFERS["ravdess"].select(ravdess, (), ())) == 2


def test_actors_in_mirrors():
    grid = OFFERS["grid"].at("http://x").select(entries("s1/bbaf2n.mpg", "s2/video/bbaf2n.mpg"), (), ["s2"])
    assert paths(grid) == ["s2/video/bbaf2n.mpg"]
    names = ("Actor_01/01-01-03-01-02-01-01.mp4", "Actor_12/01-01-03-01-02-01-12.mp4")
    assert paths(OFFERS["ravdess"].at("http://x").select(entries(*names), (), ["Actor_12"])) == [names[1]]


def test_patterns():
    there = entries("s1.zip", "s2.zip", "alignments.zip")
    assert paths(OFFERS["grid"].select(there, ["*"], ())) == ["alignments.zip", "s1.zip", "s2.zip"]
    assert paths(OFFERS["grid"].select(there, ["al*", "*2*"], ())) == ["alignments.zip", "s2.zip"]
    with pytest.raises(InputError, match=r"no file there matches \*\.mpg or x; give other patterns by --only"):
        OFFERS["grid"].select(there, ["*.mpg", "x"], ())


def test_an_actor_who_is_not_there():
    with pytest.raises(InputError, match="actor s21: has no file there; actors with files are s1, s2 and so on"):
        OFFERS["grid"].select(entries("s1.zip", "s2.zip"), (), ["s1", "s21"])


def test_another_server_of_git_lfs():
    source = OFFERS["cremad"].at("https://127.0.0.1/mirror.git").source
    assert isinstance(source, Lfs)
    assert source.repository == "https://127.0.0.1/mirror.git"
    assert source.archive == OFFERS["cremad"].source.archive
    assert OFFERS["cremad"].at("https://127.0.0.1/mirror").source == Mirror("https://127.0.0.1/mirror")
    assert OFFERS["cremad"].at(None) is OFFERS["cremad"]


def test_a_corpus_that_is_not_offered():
    with pytest.raises(InputError, match="mead: cannot be downloaded by this command, only cremad, grid, ravdess; ask"):
        plan("mead")
