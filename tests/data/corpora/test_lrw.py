"""LRW's words and sets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from viseme.data.corpora.lrw import Lrw
from viseme.errors import InputError

Tree = Callable[..., Path]


def test_sets_number_their_clips_each_for_itself(tree: Tree) -> None:
    root = tree(
        "lipread_mp4/ABOUT/train/ABOUT_00001.mp4",
        "lipread_mp4/ABOUT/train/ABOUT_00001.txt",
        "lipread_mp4/ABOUT/val/ABOUT_00001.mp4",
        "lipread_mp4/ABOUT/test/ABOUT_00001.mp4",
    )
    clips = Lrw().clips(root)
    assert [(clip.clip_id, clip.split, clip.sentence) for clip in clips] == [
        ("test_ABOUT_00001", "test", "ABOUT"),
        ("train_ABOUT_00001", "train", "ABOUT"),
        ("val_ABOUT_00001", "val", "ABOUT"),
    ]
    assert len({clip.actor for clip in clips}) == 3


def test_other_places_are_no_clips(tree: Tree) -> None:
    root = tree("ABOUT/test/ABOUT_00001.mp4", "ABOUT/other/ABOUT_00001.mp4", "ABOUT/test/ACROSS_00001.mp4")
    (clip,) = Lrw().clips(root)
    assert clip.video == root / "ABOUT" / "test" / "ABOUT_00001.mp4"


def test_nothing_of_the_kind(tree: Tree) -> None:
    with pytest.raises(InputError, match="holds no LRW videos"):
        Lrw().clips(tree("ABOUT/ABOUT_00001.mp4"))
