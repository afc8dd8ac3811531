"""MEAD's folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from viseme.data.corpora.mead import Mead
from viseme.errors import InputError

Tree = Callable[..., Path]


def test_the_folders_tell_all(tree: Tree) -> None:
    root = tree(
        "M003/video/front/angry/level_1/001.mp4",
        "M003/audio/angry/level_1/001.m4a",
        "M003/video/front/angry/level_2/001.mp4",
        "M003/audio/angry/level_2/001.wav",
        "part 0/W009/video/front/neutral/level_1/040.mp4",
    )
    first, second, third = Mead().clips(root)
    assert (first.clip_id, first.actor, first.emotion, first.level) == (
        "M003_angry_level_1_001",
        "M003",
        "angry",
        "level_1",
    )
    assert first.audio == root / "M003" / "audio" / "angry" / "level_1" / "001.m4a"
    assert second.audio == root / "M003" / "audio" / "angry" / "level_2" / "001.wav"
    assert (third.actor, third.audio, third.sentence) == ("W009", None, "")


def test_other_views_and_places_are_left_out(tree: Tree) -> None:
    root = tree(
        "M003/video/front/sad/level_3/001.mp4",
        "M003/video/left_30/sad/level_3/001.mp4",
        "M003/video/front/sad/001.mp4",
        "M003/front/sad/level_3/001.mp4",
        "X003/video/front/sad/level_3/001.mp4",
        "video/front/sad/level_3/001.mp4",
    )
    assert [clip.clip_id for clip in Mead().clips(root)] == ["M003_sad_level_3_001"]


def test_one_actors_folder_will_do(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tree("M003/video/front/sad/level_3/001.mp4", "M003/audio/sad/level_3/001.m4a")
    (clip,) = Mead().clips(root / "M003")
    assert (clip.actor, clip.audio) == ("M003", root / "M003/audio/sad/level_3/001.m4a")
    monkeypatch.chdir(root / "M003")
    (here,) = Mead().clips(".")
    assert (here.actor, here.audio) == ("M003", Path("audio/sad/level_3/001.m4a"))


def test_no_front_view_is_told(tree: Tree) -> None:
    with pytest.raises(InputError, match="looked for M003/video/front/"):
        Mead().clips(tree("W017/video/down/angry/level_1/001.mp4"))
