"""RAVDESS: 24 actors speak and sing two statements in eight emotions; seven numbers in the file name say which."""

from __future__ import annotations

import os
import re
from pathlib import Path

from viseme.data.corpora.base import SourceClip, listed, source_root, walk_files
from viseme.errors import InputError

FULL_AV = "01"
VIDEO_ONLY = "02"
EMOTIONS = {
    "01": "neutral",
    "02": "calm",
    "03": "happy",
    "04": "sad",
    "05": "angry",
    "06": "fearful",
    "07": "disgust",
    "08": "surprised",
}
LEVELS = {"01": "normal", "02": "strong"}
STATEMENTS = {"01": "Kids are talking by the door", "02": "Dogs are sitting by the door"}

_NAME = re.compile(
    r"(?P<modality>0[12])-(?P<channel>0[12])-(?P<emotion>0[1-8])-(?P<level>0[12])-(?P<statement>0[12])"
    r"-(?P<repetition>\d\d)-(?P<actor>\d\d)"
)


class Ravdess:
    """The Ryerson audio-visual database of emotional speech and song."""

    name = "ravdess"
    title = "RAVDESS: 24 actors speak and sing two statements in 8 emotions"
    licence = "CC BY-NC-SA 4.0 (Zenodo record 1188976)"
    citation = (
        "S. R. Livingstone, F. A. Russo: The Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS). "
        "PLoS ONE 13(5): e0196391, 2018. doi:10.1371/journal.pone.0196391"
    )
    layout = (
        "**/01-01-03-01-02-01-12.mp4 (Actor_12): modality, speech or song, emotion, intensity, statement, repetition, "
        "actor; modality 01 has sound, 02 has none and is left out"
    )

    def clips(self, root: str | os.PathLike[str]) -> list[SourceClip]:
        """Clips of all actors with picture and sound; clip_id is the file name without suffix.

        Each video without sound (02) shows a performance that a video with sound (01) shows too, so it is left out.

        Raises:
            InputError: no folder, no video so named, nothing but videos without sound, or two of one clip.
        """
        folder = source_root(root)
        named = [(video, _NAME.fullmatch(video.stem)) for video in walk_files(folder, (".mp4",))]
        clips = [_clip(video, said) for video, said in named if said is not None and said["modality"] == FULL_AV]
        if not clips and any(said is not None for _, said in named):
            raise InputError(
                f"{root}: holds RAVDESS videos without sound alone ({VIDEO_ONLY}-...); add those that begin "
                f"with {FULL_AV}"
            )
        return listed(root, clips, "RAVDESS videos", self.layout)


def _clip(video: Path, said: re.Match[str]) -> SourceClip:
    return SourceClip(
        clip_id=video.stem,
        actor=f"Actor_{said['actor']}",
        video=video,
        sentence=STATEMENTS[said["statement"]],
        emotion=EMOTIONS[said["emotion"]],
        level=LEVELS[said["level"]],
    )
