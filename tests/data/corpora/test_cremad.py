"""CREMA-D's names, its separate sound, and the clips known to be bad."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from viseme.data.corpora.cremad import KNOWN_BAD, CremaD
from viseme.errors import InputError

Tree = Callable[..., Path]


def test_the_name_tells_all(tree: Tree) -> None:
    (clip,) = CremaD().clips(tree("VideoFlash/1001_DFA_ANG_XX.flv"))
    assert (clip.clip_id, clip.actor, clip.sentence) == ("1001_DFA_ANG_XX", "1001", "Don't forget a jacket")
    assert (clip.emotion, clip.level, clip.audio, clip.known_bad) == ("ANG", "XX", None, "")


def test_separate_sound_is_preferred_clip_by_clip(tree: Tree) -> None:
    root = tree(
        "VideoFlash/1001_DFA_ANG_XX.flv",
        "VideoFlash/1001_IEO_SAD_HI.flv",
        "AudioWAV/1001_DFA_ANG_XX.WAV",
        "AudioMP3/1001_IEO_SAD_HI.mp3",
        "mine/1001_IEO_SAD_HI.wav",
    )
    with_wav, without = CremaD().clips(root)
    assert with_wav.audio == root / "AudioWAV" / "1001_DFA_ANG_XX.WAV"
    assert without.audio is None


def test_aligned_films_in_folders_of_any_name(tree: Tree) -> None:
    root = tree(
        "crema d/test/s15 \N{MUSIC SHARP SIGN}/1015_TIE_HAP_XX.mp4",
        "l'été/1016_wsi_neu_xx.MP4",
        "AudioWAV/1015_TIE_HAP_XX.wav",
    )
    first, second = CremaD().clips(root)
    assert (first.clip_id, first.audio) == ("1015_TIE_HAP_XX", root / "AudioWAV" / "1015_TIE_HAP_XX.wav")
    assert (second.clip_id, second.actor) == ("1016_WSI_NEU_XX", "1016")


def test_other_names_are_no_clips(tree: Tree) -> None:
    root = tree(
        "1001_DFA_ANG_XX.flv",
        "1040_ITH_SAD_X.flv",
        "1001_QQQ_ANG_XX.flv",
        "notes.mp4",
        "1001_DFA_ANG.flv",
        "101_DFA_ANG_XX.flv",
        "1001_DFA_ANG_XX_copy.flv",
        "._1002_DFA_ANG_XX.flv",
        "1003_DFA_ANG_XX.wav",
    )
    said = {clip.clip_id: clip.sentence for clip in CremaD().clips(root)}
    assert said == {
        "1001_DFA_ANG_XX": "Don't forget a jacket",
        "1001_QQQ_ANG_XX": "",
        "1040_ITH_SAD_X": "I think I have a doctor's appointment",
    }


def test_known_bad_clips_say_why(tree: Tree) -> None:
    clips = CremaD().clips(tree(*(f"VideoFlash/{name}.flv" for name in (*KNOWN_BAD, "1064_IEO_DIS_LO"))))
    reasons = {clip.clip_id: clip.known_bad for clip in clips}
    assert reasons.pop("1064_IEO_DIS_LO") == ""
    assert set(reasons) == {"1076_MTI_NEU_XX", "1076_MTI_SAD_XX", "1064_TIE_SAD_XX", "1064_IEO_DIS_MD"}
    assert all(reason.startswith("known bad: ") for reason in reasons.values())


def test_two_films_of_one_clip_are_refused(tree: Tree) -> None:
    with pytest.raises(InputError, match="both would be clip 1001_DFA_ANG_XX; move one away"):
        CremaD().clips(tree("VideoFlash/1001_DFA_ANG_XX.flv", "aligned/1001_DFA_ANG_XX.mp4"))


def test_sound_alone_is_no_corpus(tree: Tree) -> None:
    with pytest.raises(InputError, match="holds no CREMA-D videos"):
        CremaD().clips(tree("AudioWAV/1001_DFA_ANG_XX.wav"))
