"""MEAD: actors filmed from seven sides in eight emotions and three levels; folders say which."""

from __future__ import annotations

import os
import re
from pathlib import Path

from viseme.data.corpora.base import SourceClip, listed, source_root, walk_files

VIEW = "front"
"""Of the seven views the one that is read."""
SOUND_SUFFIXES = (".m4a", ".wav")

_ACTOR = re.compile(r"[MW]\d{3}")
_LEVEL = re.compile(r"level_\d")


class Mead:
    """The multi-view emotional audio-visual dataset, seen from the front."""

    name = "mead"
    title = "MEAD: 60 actors, 8 emotions at 3 levels, seen from the front"
    licence = "none stated, as far as known: ask its makers before any use"
    citation = (
        "K. Wang, Q. Wu, L. Song, Z. Yang, W. Wu, C. Qian, R. He, Y. Qiao, C. C. Loy: MEAD: A Large-scale Audio-visual "
        "Dataset for Emotional Talking-face Generation. ECCV 2020. doi:10.1007/978-3-030-58589-1_42"
    )
    layout = (
        f"M003/video/{VIEW}/angry/level_1/001.mp4: actor, view, emotion, level, number; the sound is "
        "M003/audio/angry/level_1/001.m4a (or .wav) where it is there, else inside"
    )

    def clips(self, root: str | os.PathLike[str]) -> list[SourceClip]:
        """Front views of all actors; clip_id is actor, emotion, level and number, `M003_angry_level_1_001`.

        The sentence is empty: a number stands for another one under each emotion.

        Raises:
            InputError: no folder, no video at such a place, or two of one clip.
        """
        folder = source_root(root)
        clips = (_clip(video, folder) for video in walk_files(folder, (".mp4",)))
        return listed(root, clips, "MEAD videos", self.layout)


def _clip(video: Path, root: Path) -> SourceClip | None:
    folders = (root.resolve().name, *video.relative_to(root).parent.parts)  # `root` itself may be an actor's
    if len(folders) < 5 or folders[-4:-2] != ("video", VIEW):
        return None
    actor, emotion, level = folders[-5], folders[-2], folders[-1]
    if not _ACTOR.fullmatch(actor) or not _LEVEL.fullmatch(level):
        return None
    beside = video.parents[4] / "audio" / emotion / level
    sounds = (beside / f"{video.stem}{suffix}" for suffix in SOUND_SUFFIXES)
    return SourceClip(
        clip_id=f"{actor}_{emotion}_{level}_{video.stem}",
        actor=actor,
        video=video,
        audio=next((sound for sound in sounds if sound.is_file()), None),
        emotion=emotion,
        level=level,
    )
