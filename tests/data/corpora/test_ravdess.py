"""RAVDESS's seven numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from viseme.data.corpora.ravdess import Ravdess
from viseme.errors import InputError

Tree = Callable[..., Path]


def test_the_numbers_tell_all(tree: Tree) -> None:
    (clip,) = Ravdess().clips(tree("Actor_12/01-01-06-01-02-01-12.mp4"))
    assert (clip.clip_id, clip.actor) == ("01-01-06-01-02-01-12", "Actor_12")
    assert (clip.sentence, clip.emotion, clip.level) == ("Dogs are sitting by the door", "fearful", "normal")
    assert clip.audio is None


def test_songs_are_clips_and_films_without_sound_are_not(tree: Tree) -> None:
    root = tree(
        "Actor_01/01-01-03-02-01-01-01.mp4",
        "Actor_01/02-01-03-02-01-01-01.mp4",
        "Actor_01/01-02-03-02-01-01-01.mp4",
        "Actor_01/03-01-03-02-01-01-01.wav",
    )
    assert [clip.clip_id for clip in Ravdess().clips(root)] == ["01-01-03-02-01-01-01", "01-02-03-02-01-01-01"]


@pytest.mark.parametrize("stem", ["01-01-09-01-01-01-01", "01-01-03-01-01-01", "04-01-03-01-01-01-01", "clip"])
def test_other_names_are_no_clips(tree: Tree, stem: str) -> None:
    with pytest.raises(InputError, match="holds no RAVDESS videos"):
        Ravdess().clips(tree(f"Actor_01/{stem}.mp4"))


def test_films_without_sound_alone_are_told_apart(tree: Tree) -> None:
    with pytest.raises(InputError, match=r"without sound alone .* add those that begin with 01"):
        Ravdess().clips(tree("Actor_01/02-01-03-02-01-01-01.mp4"))


def test_the_same_clip_in_two_places_is_refused(tree: Tree) -> None:
    with pytest.raises(InputError, match="both would be clip"):
        Ravdess().clips(tree("Actor_01/01-01-03-02-01-01-01.mp4", "again/01-01-03-02-01-01-01.mp4"))
