"""What videos are scored against: the clips of a store, a folder of true videos, or those of a CSV of pairs."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from viseme.data.faces import FaceBackend
from viseme.data.mirror import store_folder
from viseme.data.store import Store
from viseme.errors import InputError
from viseme.evaluation.background import calibration_of, training_curve
from viseme.evaluation.identity import Calibration
from viseme.evaluation.listing import list_videos
from viseme.evaluation.pairs import read_pairs
from viseme.evaluation.reading import Look, usual_size
from viseme.evaluation.truth import UNKNOWN, FilmedClip, StoredClip, TrueClip
from viseme.files import sha256


class Reference(Protocol):
    """Truth as a whole.

    Attributes:
        path: of the store, the folder or the CSV; of its mirror, where the store is a URL.
        name: its last part.
        fingerprint: equal fingerprints, equal clips of equal actors.
        clips: all of them, by clip_id.
        divided: whether the clips belong to the splits of a store.
        candidates: clip_id -> the video that stands for it, where that is said; None where names say it.
        videos: clip_id -> true video; empty for a store.
    """

    path: Path
    name: str
    fingerprint: str
    clips: Sequence[TrueClip]
    divided: bool
    candidates: Mapping[str, Path] | None
    videos: Mapping[str, Path]

    def size(self, looks: Mapping[str, Look], candidate: int | None, resample: bool) -> int:
        """Pixels a side at which `candidate` is scored; None stands for a candidate of which nothing can be read.

        Args:
            looks: at truth's videos; empty for a store.
            candidate: pixels of the videos.
            resample: whether sizes may differ; the smaller one then counts, so that nothing is enlarged to be scored.

        Raises `InputError` where truth has no such size.
        """

    def curve(self) -> NDArray[np.float64]:
        """Mean mouth opening of the training clips at frames 1, 2, ...; empty where there are none."""

    def calibration(self, size: int, backend: FaceBackend) -> Calibration | str:
        """The CSIM scale, or why there is none."""

    def facts(self, split: str) -> dict[str, Any]:
        """What `results.json` says of it."""


def open_reference(path: str | os.PathLike[str]) -> Reference:
    """The reference at a path: a store by its `store.json`, any other folder by its videos, a file as CSV of pairs.

    Raises:
        InputError: there is nothing, nothing of these, or nothing in it.
        StoreError: a store that cannot be opened.
    """
    place = store_folder(path)
    if place.is_file():
        return pairs_reference(place)
    if (place / "store.json").is_file():
        return StoreReference(Store.open(place))
    if place.is_dir():
        return folder_reference(place)
    raise InputError(f"{path}: not a store, nor a folder of true videos, nor a CSV of pairs; check the path")


class StoreReference:
    """The clips of a store."""

    divided = True
    candidates: Mapping[str, Path] | None = None

    def __init__(self, store: Store) -> None:
        self.videos: Mapping[str, Path] = {}
        self.store = store
        self.path = store.path.absolute()
        self.name = store.path.resolve().name
        self.fingerprint = store.fingerprint
        self.clips: Sequence[TrueClip] = [StoredClip(self.path, self.fingerprint, row) for row in store.clips()]

    def size(self, looks: Mapping[str, Look], candidate: int | None, resample: bool) -> int:
        own = self.store.info.size
        if candidate is None or own % candidate == 0:
            return candidate or own
        if not resample:
            raise InputError(
                f"{self.store.path}: its frames of {own} pixels give no truth at {candidate}, the videos' size; "
                f"prepare a store at {candidate} or a multiple, or give --resample to score at {min(own, candidate)}"
            )
        return min(own, candidate)

    def curve(self) -> NDArray[np.float64]:
        return training_curve(self.store)

    def calibration(self, size: int, backend: FaceBackend) -> Calibration | str:
        return calibration_of(self.store, size, backend)

    def facts(self, split: str) -> dict[str, Any]:
        return {
            "store": self.name,
            "kind": "store",
            "fingerprint": self.fingerprint,
            "split": split,
            "actors": self.store.actors(split),
            "size": self.store.info.size,
        }


class VideosReference:
    """True videos, each a clip of its own; none of them is a training clip."""

    divided = False

    def __init__(self, path: Path, kind: str, clips: Sequence[FilmedClip], candidates: Mapping[str, Path] | None):
        if not clips:
            raise InputError(
                f"{path}: not a store (no store.json), and holds no true videos; give a store, a folder of videos "
                "named as the candidate's, or a CSV of pairs"
            )
        self.path = path
        self.name = path.resolve().name
        self.kind = kind
        self.clips: Sequence[TrueClip] = sorted(clips, key=lambda clip: clip.clip_id)
        self.candidates = candidates
        self.videos: Mapping[str, Path] = {clip.clip_id: clip.path for clip in clips}
        said = repr([(clip.clip_id, clip.actor, clip.key) for clip in self.clips])
        self.fingerprint = hashlib.sha256(said.encode()).hexdigest()

    def size(self, looks: Mapping[str, Look], candidate: int | None, resample: bool) -> int:
        own = usual_size(looks)
        if own is None:
            raise InputError(f"{self.path}: none of its true videos can be read as square frames; mend or crop them")
        if candidate is None or candidate == own:
            return own
        if not resample:
            raise InputError(
                f"{self.path}: its true videos have {own} pixels a side and the videos {candidate}; "
                f"resize one, or give --resample to score at {min(own, candidate)}"
            )
        return min(own, candidate)

    def curve(self) -> NDArray[np.float64]:
        return np.zeros(0)

    def calibration(self, size: int, backend: FaceBackend) -> Calibration | str:
        return "the reference has no training clips"

    def facts(self, split: str) -> dict[str, Any]:
        return {
            "store": self.name,
            "kind": self.kind,
            "fingerprint": self.fingerprint,
            "split": split,
            "actors": sorted({clip.actor for clip in self.clips}),
        }


def folder_reference(folder: Path) -> VideosReference:
    """A folder of true videos named by clip, or with a manifest, which says who speaks."""
    listing = list_videos(folder)
    files = {**{clip_id: folder / f"{clip_id}.mp4" for clip_id in listing.failed}, **listing.files}
    clips = [_filmed(clip_id, listing.actors.get(clip_id, ""), file) for clip_id, file in files.items()]
    return VideosReference(folder, "folder", clips, None)


def pairs_reference(path: Path) -> VideosReference:
    """The true videos of a CSV of pairs."""
    pairs = read_pairs(path)
    clips = [_filmed(pair.clip_id, pair.actor, pair.reference) for pair in pairs]
    return VideosReference(path, "pairs", clips, {pair.clip_id: pair.candidate for pair in pairs})


def _filmed(clip_id: str, actor: str, file: Path) -> FilmedClip:
    content = ""
    with contextlib.suppress(OSError):  # its own row will say so
        content = sha256(file)
    return FilmedClip(clip_id, actor or UNKNOWN, file, content)
