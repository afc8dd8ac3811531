"""LRW: one of 500 words in 29 frames of British television; nobody wrote down who speaks."""

from __future__ import annotations

import os
from pathlib import Path

from viseme.data.corpora.base import SourceClip, listed, source_root, walk_files

SETS = ("train", "val", "test")


class Lrw:
    """Lip reading in the wild."""

    name = "lrw"
    title = "LRW, lip reading in the wild: 500 words, each clip 29 frames, speakers unknown"
    licence = "the BBC's: non-commercial research under an agreement with the BBC"
    citation = "J. S. Chung, A. Zisserman: Lip Reading in the Wild. Asian Conference on Computer Vision (ACCV), 2016"
    layout = "lipread_mp4/ABOUT/train/ABOUT_00001.mp4: word, its own split (train, val, test), number"

    def clips(self, root: str | os.PathLike[str]) -> list[SourceClip]:
        """Clips of all words; clip_id is set and file name, `train_ABOUT_00001`; the sentence is the word.

        Since speakers are not known, each clip is an actor of its own, and the split is the corpus's.

        Raises:
            InputError: no folder, or no video at such a place.
        """
        videos = walk_files(source_root(root), (".mp4",))
        return listed(root, map(_clip, videos), "LRW videos", self.layout)


def _clip(video: Path) -> SourceClip | None:
    place, word = video.parent.name, video.parent.parent.name
    if place not in SETS or not video.stem.startswith(f"{word}_"):
        return None
    clip_id = f"{place}_{video.stem}"
    return SourceClip(clip_id, clip_id, video, sentence=word, split=place)
