"""Preparing a corpus: every clip accounted for, wrong arguments refused before anything is written."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import viseme
from viseme.data.corpora import SourceClip
from viseme.data.prepare import PrepareReport, prepare, safe_clips
from viseme.data.store import Store
from viseme.errors import ConfigError, InputError, OutputError, VisemeError


def test_every_clip_is_accounted_for(whole: Path) -> None:
    store = Store.open(whole)
    assert len(store.rows) == 13
    (bad,) = [row for row in store.rows if row.status != "ok"]
    assert bad.source == "a1/broken.mkv"
    assert bad.reason.startswith("a1/broken.mkv: ")
    assert store.actors("test") == ["a3"]
    assert len(store.actors("val")) == 1
    assert {row.shard for row in store.rows} == {0, 1, 2, 3}
    assert store.info.version == viseme.__version__
    assert (store.info.corpus, store.info.size, store.info.clips) == ("folder", 32, 13)
    for row in store.clips():
        clip = store.clip(row.clip_id)
        assert clip.frames.shape == (10, 32, 32, 3)
        assert clip.audio.shape == (6400,)
        assert row.found == 1
        assert re.fullmatch(r"[\w.-]+", row.clip_id)


def test_sources_are_hashed_and_relative(whole: Path, videos: Path) -> None:
    from viseme.files import sha256

    for row in Store.open(whole).rows:
        assert sha256(videos / row.source) == row.sha256


def test_no_accepted_clip_names_the_commonest_reason(
    tmp_path: Path, make: Callable[..., PrepareReport], write_clip: Callable[..., None]
) -> None:
    for number in range(3):
        write_clip(tmp_path / "src" / "a" / f"{number}.mkv", number, frames=4)
    (tmp_path / "src" / "a" / "x.mkv").write_bytes(b"?" * 99)
    with pytest.raises(InputError, match=r"not one of 4 clips can be used; 3 of them: 4 frames at 25 a second"):
        make(tmp_path / "store", tmp_path / "src", test_actors=())


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"size": 8}, ConfigError, "size 8"),
        ({"size": 65}, ConfigError, "size 65: aligned frames have an even"),
        ({"align": "eyes"}, ConfigError, "align 'eyes': unknown; give clip or frame"),
        ({"jobs": 0}, ConfigError, "jobs 0"),
        ({"test_actors": ["a9"]}, InputError, "actor 'a9' is not in the corpus"),
    ],
)
def test_wrong_arguments_write_nothing(
    tmp_path: Path, make: Callable[..., PrepareReport], change: dict[str, Any], error: type[VisemeError], message: str
) -> None:
    with pytest.raises(error, match=message):
        make(tmp_path / "store", **change)
    assert not (tmp_path / "store").exists()


def test_an_unknown_corpus_names_the_known(tmp_path: Path, videos: Path) -> None:
    with pytest.raises(InputError, match="grid"):
        prepare("gird", videos, tmp_path / "store")


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path, make: Callable[..., PrepareReport]) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        make(tmp_path / "file" / "store")


def test_odd_ids_become_safe_and_stay_unique() -> None:
    odd = ["a/b", "a b", "..", "-rf", "", "плёнка", "x" * 400, "tab\tnew\nline", "a:b*?", "plain_1.a-b"]
    clips = [SourceClip(clip_id, "a", Path(f"{number}.mp4")) for number, clip_id in enumerate(odd)]
    ids = {clip.video.name: clip.clip_id for clip in safe_clips(clips)}
    assert len(set(ids.values())) == len(odd)
    assert all(re.fullmatch(r"\w[\w.-]{0,160}", clip_id) for clip_id in ids.values())
    assert ids["9.mp4"] == "plain_1.a-b"
    assert ids["5.mp4"] == "плёнка"


@pytest.mark.skipif(os.fsencode("\udcff") != b"\xff", reason="file names are Unicode here")
def test_file_names_that_are_no_unicode_serve(
    tmp_path: Path, write_clip: Callable[..., None], make: Callable[..., PrepareReport]
) -> None:
    src = tmp_path / "src"
    write_clip(tmp_path / "clip.mkv", 0)
    (src / "\udcfe").mkdir(parents=True)
    (tmp_path / "clip.mkv").rename(src / "\udcfe" / "\udcff.mkv")
    assert make(tmp_path / "store", src, test_actors=()).accepted == 1
    (row,) = Store.open(tmp_path / "store").rows
    assert (row.actor, row.source) == ("?", "?/?.mkv")
    assert make(tmp_path / "store", src, test_actors=()).fresh == 0


def test_two_clips_of_one_id_are_named() -> None:
    with pytest.raises(InputError, match=r"two.mp4 and one.mp4: both would be clip 'x'"):
        safe_clips([SourceClip("x", "a", Path("one.mp4")), SourceClip("x", "b", Path("two.mp4"))])
