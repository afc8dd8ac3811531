"""What a corpus is: a name, a licence, and how to list its clips from a folder on disk."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from viseme.errors import InputError

VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".flv"}
    | {".ts", ".mts", ".m2ts", ".wmv", ".ogv", ".3gp", ".vob", ".gif"}
)
"""File names that may be videos; what is inside is found out by decoding."""


@dataclass(frozen=True, slots=True)
class SourceClip:
    """One utterance as the corpus ships it.

    Attributes:
        clip_id: unique in the corpus, safe as a file name.
        actor: who speaks.
        video: the file that holds the pictures.
        audio: the file that holds the sound, or None where that is in `video`.
        sentence: the words spoken, as the corpus knows them; empty if it does not.
        emotion: as the corpus calls it, or empty.
        level: of the emotion, as the corpus calls it, or empty.
        split: `train`, `val` or `test` where the corpus has a split of its own, or empty.
        known_bad: why the corpus's own makers or users say that it cannot serve, or empty. It is rejected for it.
    """

    clip_id: str
    actor: str
    video: Path
    audio: Path | None = None
    sentence: str = ""
    emotion: str = ""
    level: str = ""
    split: str = ""
    known_bad: str = ""


class Corpus(Protocol):
    """A corpus that `prepare` can read."""

    @property
    def name(self) -> str:
        """As on the command line."""

    @property
    def title(self) -> str:
        """One line for people."""

    @property
    def licence(self) -> str:
        """Under which its media may be used."""

    @property
    def citation(self) -> str:
        """The paper or page to cite; empty where there is none."""

    @property
    def layout(self) -> str:
        """Which files are looked for, below the folder given."""

    def clips(self, root: str | os.PathLike[str]) -> list[SourceClip]:
        """All clips below `root`, sorted by clip_id.

        Raises:
            InputError: `root` is no folder, or holds nothing of this layout.
        """


def source_root(root: str | os.PathLike[str]) -> Path:
    """`root` as a path, or `InputError` where it is no folder."""
    folder = Path(root)
    if not folder.is_dir():
        what = "not a folder" if folder.exists() else "no such folder"
        raise InputError(f"{root}: {what}; give the folder that holds the corpus")
    return folder


def walk_files(root: Path, suffixes: Iterable[str]) -> Iterator[Path]:
    """Files below `root` with one of the suffixes (any case), in sorted order.

    Links to folders are followed, each folder once; names that begin with a dot are passed over, since they are the
    leavings of operating systems and interrupted writes.
    """
    wanted = frozenset(suffixes)
    seen: set[str] = set()
    for folder, below, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            below.clear()
            continue
        seen.add(real)
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in wanted:
                yield Path(folder, name)


def listed(
    root: str | os.PathLike[str], clips: Iterable[SourceClip | None], what: str, layout: str
) -> list[SourceClip]:
    """The clips among files below `root`, None standing for a file that is none, sorted by clip_id.

    Raises:
        InputError: there are no `what`, or two files would be the same clip.
    """
    if not (known := [clip for clip in clips if clip is not None]):
        raise InputError(f"{root}: holds no {what}; looked for {layout}")
    return sorted_unique(known)


def sorted_unique(clips: Iterable[SourceClip]) -> list[SourceClip]:
    """Clips sorted by clip_id.

    Raises:
        InputError: two files would be the same clip; both are named.
    """
    by_id: dict[str, SourceClip] = {}
    for clip in clips:
        other = by_id.setdefault(clip.clip_id, clip)
        if other is not clip:
            raise InputError(f"{clip.video} and {other.video}: both would be clip {clip.clip_id}; move one away")
    return [by_id[clip_id] for clip_id in sorted(by_id)]
