"""GRID's names and folders."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from viseme.data.corpora.grid import Grid, decode_name
from viseme.errors import InputError


@pytest.mark.parametrize(
    ("stem", "sentence"),
    [
        ("bbaf2n", "bin blue at f two now"),
        ("swwz9s", "set white with z nine soon"),
        ("lgbqza", "lay green by q zero again"),
        ("priv1p", "place red in v one please"),
        ("PRIV1P", "place red in v one please"),
        ("bbaw2n", ""),  # GRID has no letter w
        ("bbaf0n", ""),  # its zero is a z
        ("bbaf2", ""),
        ("bbaf2nn", ""),
        ("xbaf2n", ""),
        ("", ""),
    ],
)
def test_decode_name(stem: str, sentence: str) -> None:
    assert decode_name(stem) == sentence


def test_every_sentence_has_one_name() -> None:
    slots = ("blps", "bgrw", "abiw", "abcdefghijklmnopqrstuvxyz", "z123456789", "anps")
    names = ["".join(letters) for letters in itertools.product(*slots)]
    sentences = {decode_name(name) for name in names}
    assert "" not in sentences
    assert len(sentences) == len(names) == 4 * 4 * 4 * 25 * 10 * 4


def test_clips(tmp_path: Path) -> None:
    for name in (
        "s2/bbaf2n.mpg",
        "s1/video/mpg_6000/priv1p.mpg",
        "S12/odd.MPG",
        "s1/bbaf2n.align",
        "other/bbaf2n.mpg",
        "s1/._bbaf2n.mpg",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    clips = Grid().clips(tmp_path)
    assert [(clip.clip_id, clip.actor, clip.sentence) for clip in clips] == [
        ("s12_odd", "s12", ""),
        ("s1_priv1p", "s1", "place red in v one please"),
        ("s2_bbaf2n", "s2", "bin blue at f two now"),
    ]
    assert all(clip.video.is_file() and clip.audio is None for clip in clips)
    assert not any(clip.emotion or clip.level for clip in clips)


def test_one_speakers_folder_will_do(tmp_path: Path) -> None:
    speaker = tmp_path / "s7"
    speaker.mkdir()
    (speaker / "bbaf2n.mpg").touch()
    (clip,) = Grid().clips(speaker)
    assert (clip.clip_id, clip.actor) == ("s7_bbaf2n", "s7")


def test_two_qualities_of_one_clip_are_refused(tmp_path: Path) -> None:
    for quality in ("mpg_vcd", "mpg_6000"):
        path = tmp_path / "s1" / quality / "bbaf2n.mpg"
        path.parent.mkdir(parents=True)
        path.touch()
    with pytest.raises(InputError, match="both would be clip s1_bbaf2n"):
        Grid().clips(tmp_path)
