"""The tree of the rendered corpus."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from viseme.data.corpora.synthetic import Synthetic
from viseme.errors import InputError


def corpus(root: Path, index: str) -> Path:
    (root / "synthetic.json").write_text(index)
    for name in (
        "a001/a001_000.mp4",
        "a001/a001_001.mp4",
        "a000/a000_001.mp4",
        "a000/a000_000.mp4",
        "a000/a000_000.npz",
        "a000/.a.mp4",
        "videos/more/a000_000.mp4",
        "a.mp4",
    ):
        path = root / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.touch()
    return root


def index(actors: int, clips: int) -> str:
    return json.dumps({"schema": 1, "actors": actors, "clips": clips})


def test_clips(tmp_path: Path) -> None:
    clips = Synthetic().clips(corpus(tmp_path, index(2, 2)))
    assert [(clip.clip_id, clip.actor) for clip in clips] == [
        ("a000_000", "a000"),
        ("a000_001", "a000"),
        ("a001_000", "a001"),
        ("a001_001", "a001"),
    ]
    assert all(clip.audio is None and clip.video.suffix == ".mp4" for clip in clips)


def test_a_smaller_index_takes_what_is_there(tmp_path: Path) -> None:
    assert len(Synthetic().clips(corpus(tmp_path, index(1, 2)))) == 4


def test_an_unfinished_corpus_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds 4 of 6 clips"):
        Synthetic().clips(corpus(tmp_path, index(2, 3)))


@pytest.mark.parametrize("text", ['{"actors": 2}', "[]", "{", '{"actors": "x", "clips": 2}'])
def test_a_damaged_index_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match="damaged"):
        Synthetic().clips(corpus(tmp_path, text))
