"""The rendered corpus that `viseme synthetic` writes."""

from __future__ import annotations

import json
import os
from pathlib import Path

from viseme.data.corpora.base import SourceClip, sorted_unique, source_root, walk_files
from viseme.errors import InputError

INDEX = "synthetic.json"


class Synthetic:
    """Rendered talking faces with known truth; no real person."""

    name = "synthetic"
    title = "Rendered talking faces with known truth, written by `viseme synthetic`"
    licence = "yours: rendered, no person was recorded"
    citation = ""
    layout = f"{INDEX} and <actor>/<clip>.mp4, each with its truth in <clip>.npz"

    def clips(self, root: str | os.PathLike[str]) -> list[SourceClip]:
        """Clips of all actors; clip_id is the file's name, which holds the actor's.

        Raises:
            InputError: no folder, not written by `viseme synthetic`, or not to the end.
        """
        folder = source_root(root)
        whole = _expected(folder / INDEX)
        videos = (video for video in walk_files(folder, (".mp4",)) if video.parent.parent == folder)
        clips = [SourceClip(video.stem, video.parent.name, video) for video in videos]
        if len(clips) < whole:
            raise InputError(f"{root}: holds {len(clips)} of {whole} clips; run the same `viseme synthetic` to its end")
        return sorted_unique(clips)


def _expected(index: Path) -> int:
    """How many clips the tree has when it is whole, by its index."""
    if not index.is_file():
        raise InputError(f"{index.parent}: has no {INDEX}; give a folder that `viseme synthetic` wrote")
    try:
        said = json.loads(index.read_text(encoding="utf-8"))
        return max(1, int(said["actors"]) * int(said["clips"]))
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{index}: damaged; run the same `viseme synthetic` into another folder") from error
