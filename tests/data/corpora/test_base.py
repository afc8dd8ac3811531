"""Walking a folder, and clip ids that are one each."""

from __future__ import annotations

from pathlib import Path

import pytest

from viseme.data.corpora import CORPORA, corpus_named
from viseme.data.corpora.base import SourceClip, sorted_unique, source_root, walk_files
from viseme.errors import InputError


def test_every_corpus_introduces_itself() -> None:
    assert set(CORPORA) >= {"cremad", "grid", "lrw", "mead", "ravdess", "folder", "synthetic"}
    for name, corpus in CORPORA.items():
        assert corpus_named(name) is corpus
        assert corpus.name == name
        for text in (corpus.title, corpus.licence, corpus.layout):
            assert text
            assert "\n" not in text


def test_an_unknown_corpus_names_the_known() -> None:
    with pytest.raises(InputError, match=r"lrs3: no such corpus; known are cremad, .*folder.*grid.*synthetic"):
        corpus_named("lrs3")


@pytest.mark.parametrize("name", sorted(CORPORA))
def test_a_root_without_clips_is_told_in_one_line(tmp_path: Path, name: str) -> None:
    file = tmp_path / "file"
    file.touch()
    for root, words in ((tmp_path, "looked for|has no"), (tmp_path / "none", "no such folder"), (file, "not a folder")):
        with pytest.raises(InputError, match=words) as caught:
            corpus_named(name).clips(root)
        assert "\n" not in str(caught.value)
        assert str(root) in str(caught.value)


def test_walk_files(tmp_path: Path) -> None:
    for name in ("b/x.MP4", "a/y.mp4", "a/.hidden.mp4", "._z.mp4", ".cache/w.mp4", "a/notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "a" / "again").symlink_to(tmp_path, target_is_directory=True)
    outside = tmp_path.parent / f"{tmp_path.name}_outside"
    outside.mkdir()
    (outside / "linked.mp4").touch()
    (tmp_path / "c").symlink_to(outside, target_is_directory=True)
    found = [path.relative_to(tmp_path).as_posix() for path in walk_files(tmp_path, {".mp4"})]
    assert found == ["a/y.mp4", "b/x.MP4", "c/linked.mp4"]


def test_source_root_takes_text(tmp_path: Path) -> None:
    assert source_root(str(tmp_path)) == tmp_path


def test_two_files_of_one_name_are_refused() -> None:
    clips = [SourceClip(clip_id, "a", Path(f"{place}.mpg")) for place, clip_id in enumerate(("s2_x", "s1_x", "s3_x"))]
    assert [clip.clip_id for clip in sorted_unique(clips)] == ["s1_x", "s2_x", "s3_x"]
    with pytest.raises(InputError, match=r"9\.mpg and 1\.mpg: both would be clip s1_x"):
        sorted_unique([*clips, SourceClip("s1_x", "a", Path("9.mpg"))])
